#include "parse/parse.h"

#include <stdlib.h>
#include <string.h>

#include "parse/build.h"
#include "parse_grammar.h"

void *parse_grammarAlloc(void *(*allocate)(size_t), struct parser *p);
void parse_grammarFree(void *lemon, void (*release)(void *));
void parse_grammar(void *lemon, int code, struct token token);

int32_t parse_position(const char *text, size_t len, int32_t location) {
    if (location < 0) return 0;
    int32_t characters = 1;
    for (int32_t i = 0; i < location && (size_t)i < len; i++)
        characters += ((unsigned char)text[i] & 0xc0) != 0x80;
    return characters;
}

/* More of the offending text than this is not repeated in a message. */
#define NEAR_BYTES_MAX 900

status scan_error_near(struct scanner *s, enum status_code code, const char *message, int32_t start,
                       int32_t end) {
    size_t len = (size_t)(s->limit - s->text);
    status st;
    if ((size_t)start >= len) {
        st = error_set(s->error, code, "%s at end of input", message);
    } else {
        int32_t n = end - start;
        if (n > NEAR_BYTES_MAX) {
            n = NEAR_BYTES_MAX;
            while (n > 0 && ((unsigned char)s->text[start + n] & 0xc0) == 0x80) n--;
        }
        st = error_set(s->error, code, "%s at or near \"%.*s\"", message, n, s->text + start);
    }
    error_at(s->error, parse_position(s->text, len, start));
    return st;
}

/* Feeds the tokens to Lemon. A failing action jumps out to run(). */
static void feed(struct parser *p, void *lemon, int mode) {
    parse_grammar(lemon, mode, (struct token){0});
    do {
        if (!ok(scan_next(&p->scanner, &p->current))) parse_fail(p);
        parse_grammar(lemon, p->current.code, p->current.token);
    } while (p->current.code != 0);
}

static status run(struct parser *p, struct arena *a, const char *text, size_t len, struct error *e,
                  int mode, bool kept) {
    if (len > INT32_MAX / 2)
        return error_set(e, ST_PROGRAM_LIMIT_EXCEEDED, "statement is too long");
    *p = (struct parser){.arena = a, .error = e, .kept = kept};
    scan_init(&p->scanner, a, e, text, len);
    void *lemon = parse_grammarAlloc(malloc, p);
    if (!lemon) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    if (_setjmp(p->fail) == 0) feed(p, lemon, mode);
    parse_grammarFree(lemon, free);
    return e->status;
}

status parse_sql(struct arena *a, const char *text, size_t len, struct error *e,
                 struct list **ret_statements) {
    struct parser p;
    TRY(run(&p, a, text, len, e, TK_MODE_SQL, false));
    *ret_statements = p.statements;
    return OK;
}

status parse_kept_query(struct arena *a, const char *text, size_t len, struct error *e,
                        struct node **ret_query) {
    struct parser p;
    TRY(run(&p, a, text, len, e, TK_MODE_SQL, true));
    if (list_n(p.statements) != 1) return error_set(e, ST_DATA_CORRUPTED, "a view has no query");
    *ret_query = ((struct raw_stmt *)list_at(p.statements, 0))->stmt;
    return OK;
}

status parse_expression(struct arena *a, const char *text, size_t len, struct error *e,
                        struct node **ret_expression) {
    struct parser p;
    TRY(run(&p, a, text, len, e, TK_MODE_EXPRESSION, true));
    *ret_expression = p.result;
    return OK;
}

status parse_type_name(struct arena *a, const char *text, size_t len, struct error *e,
                       struct ast_type_name **ret_type) {
    struct parser p;
    TRY(run(&p, a, text, len, e, TK_MODE_TYPE, false));
    *ret_type = ast_as_type_name(p.result);
    return OK;
}
