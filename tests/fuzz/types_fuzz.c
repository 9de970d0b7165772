/* libFuzzer's entry for values from outside: the first byte says which type or function, the second
 * how, the rest is its text or binary form. A value that was taken can be written, in both forms,
 * and what was written is taken again. */
#include <stdlib.h>
#include <string.h>

#include "types/context.h"
#include "types/function.h"
#include "types/type.h"

#define MEMORY_MAX (64 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct arena arena;
    struct error error;
    struct session_env session;
    struct eval_env env;
};

static void open_world(struct world *w) {
    static bool done;
    if (!done && !ok(types_init())) abort();
    done = true;
    memset(w, 0, sizeof *w);
    arena_init(&w->arena, MEMORY_MAX);
    session_env_init(&w->session, 42);
    w->env = (struct eval_env){&w->arena, &w->error, &w->session};
}

/* Refused without words would be an answer that nobody understands; out of memory speaks for
 * itself. */
static void check_refusal(struct world *w, status s) {
    if (!status_is(s, ST_OUT_OF_MEMORY) && w->error.message[0] == '\0') abort();
    error_clear(&w->error);
}

static void write_and_read(struct world *w, const struct type *t, datum value) {
    struct buf text = {0}, binary = {0};
    datum again;
    if (ok(type_output(&w->env, t, value, &text))) {
        status s = type_input(&w->env, t, -1, (const char *)text.data, text.len, &again);
        if (!ok(s) && !status_is(s, ST_OUT_OF_MEMORY)) abort();
    }
    if (t->send && t->receive && ok(type_send(&w->env, t, value, &binary))) {
        status s = type_receive(&w->env, t, -1, binary.data, binary.len, &again);
        if (!ok(s) && !status_is(s, ST_OUT_OF_MEMORY)) abort();
    }
    buf_free(&text);
    buf_free(&binary);
    error_clear(&w->error);
}

static void fuzz_type(struct world *w, const struct type *t, bool binary, const uint8_t *data,
                      size_t n) {
    datum value;
    if (t->kind == 'p') return;
    status s = binary ? (t->receive ? type_receive(&w->env, t, -1, data, n, &value)
                                    : STATUS(OUT_OF_MEMORY))
                      : type_input(&w->env, t, -1, (const char *)data, n, &value);
    if (ok(s))
        write_and_read(w, t, value);
    else
        check_refusal(w, s);
}

/* Functions with a language of their own in an argument: pattern, format. oids of pg_proc. */
static void fuzz_function(struct world *w, uint8_t which, const uint8_t *data, size_t n) {
    static const struct {
        oid function, types[2], result;
        const char *first; /* NULL: text from the input, up to its first zero byte */
    } list[] = {
        {850, {TEXTOID, TEXTOID}, BOOLOID, NULL},                          /* LIKE */
        {1254, {TEXTOID, TEXTOID}, BOOLOID, NULL},                         /* ~ */
        {1772, {NUMERICOID, TEXTOID}, TEXTOID, "-1234.5678"},              /* to_char */
        {2049, {TIMESTAMPOID, TEXTOID}, TEXTOID, "2024-02-29 23:59:58.7"}, /* to_char */
        {1768, {INTERVALOID, TEXTOID}, TEXTOID, "1 mon -3 days 04:05:06"}, /* to_char */
        {1777, {TEXTOID, TEXTOID}, NUMERICOID, NULL},                      /* to_number */
        {1778, {TEXTOID, TEXTOID}, TIMESTAMPTZOID, NULL},                  /* to_timestamp */
        {1780, {TEXTOID, TEXTOID}, DATEOID, NULL},                         /* to_date */
    };
    which %= sizeof list / sizeof *list;
    const struct function *f = function_find(list[which].function);
    const uint8_t *zero = memchr(data, 0, n);
    size_t first = list[which].first ? 0 : zero ? (size_t)(zero - data) : n / 2;
    const char *left = list[which].first ? list[which].first : (const char *)data;
    datum args[2], value;
    uint8_t nulls[2] = {0};
    bool is_null;
    if (!f ||
        !ok(type_input(&w->env, type_find(list[which].types[0]), -1, left,
                       list[which].first ? strlen(left) : first, &args[0])) ||
        !ok(type_input(&w->env, type_find(TEXTOID), -1, (const char *)data + first, n - first,
                       &args[1]))) {
        error_clear(&w->error);
        return;
    }
    status s = function_call_simple(&w->env, f, list[which].types, args, nulls, 2,
                                    list[which].result, &value, &is_null);
    if (!ok(s)) check_refusal(w, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct world w;
    if (size < 2) return 0;
    uint8_t *own = malloc(size - 1); /* a byte too far is seen */
    if (!own) return 0;
    memcpy(own, data + 2, size - 2);
    open_world(&w);
    if (data[1] & 2)
        fuzz_function(&w, data[0], own, size - 2);
    else
        fuzz_type(&w, type_at(data[0] % type_count()), data[1] & 1, own, size - 2);
    arena_free(&w.arena);
    free(own);
    return 0;
}
