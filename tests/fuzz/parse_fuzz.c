/* libFuzzer's entry for the parser: any bytes are a tree or an error. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "parse/fingerprint.h"
#include "parse/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a;
    struct error e;
    struct list *statements = NULL;
    struct parse_lifted lifted;
    struct buf printed = {0};
    bool liftable;
    char *text = malloc(size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    arena_init(&a, 16 * 1024 * 1024);
    error_clear(&e);
    if (ok(parse_sql(&a, text, size, &e, &statements))) {
        LIST_EACH(struct raw_stmt *, raw, statements) {
            status_ignore(ast_print(raw->stmt, &printed)); /* too deep is an answer too */
        }
    } else if (e.message[0] == '\0') {
        abort();
    }
    status_ignore(parse_lift_literals(&a, text, size, &liftable, &lifted)); /* out of memory */
    buf_free(&printed);
    arena_free(&a);
    free(text);
    return 0;
}
