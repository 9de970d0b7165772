/* Hostile input: depth, memory, and texts changed at random. Nothing may crash; each answer is a
 * tree or an error that says something. */
#include "parse_corpus.h"
#include "parse_test.h"

#include "base/coro.h"
#include "parse/fingerprint.h"

static char *repeat(const char *head, const char *piece, int n, const char *tail) {
    size_t each = strlen(piece);
    char *text = malloc(strlen(head) + each * (size_t)n + strlen(tail) + 1);
    assert_non_null(text);
    strcpy(text, head);
    char *end = text + strlen(head);
    for (int i = 0; i < n; i++, end += each) memcpy(end, piece, each);
    strcpy(end, tail);
    return text;
}

static status parse_only(struct arena *a, const char *text, struct error *e) {
    struct list *l = NULL;
    error_clear(e);
    return parse_sql(a, text, strlen(text), e, &l);
}

static void test_depth(void **state) {
    (void)state;
    static const char *const pieces[] = {"(",        "NOT ",   "-a*(", "CASE WHEN ",
                                         "(SELECT ", "ARRAY[", "f("};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct arena a;
        struct error e;
        arena_init(&a, 0);
        char *text = repeat("SELECT ", pieces[i], 100000, "");
        assert_true(status_is(parse_only(&a, text, &e), ST_STATEMENT_TOO_COMPLEX));
        assert_string_equal(e.message, "stack depth limit exceeded");
        free(text);
        arena_free(&a);
    }
}

/* Lists are no depth. */
static void test_length(void **state) {
    (void)state;
    static const struct {
        const char *head;
        const char *piece;
        const char *tail;
    } cases[] = {{"SELECT 1", " + 1", ""},
                 {"SELECT 1", ", 1", ""},
                 {"SELECT a", " AND a", ""},
                 {"INSERT INTO t VALUES (1)", ", (1)", ""},
                 {"SELECT 1", "; SELECT 1", ""},
                 {"SELECT 'a'", "\n'a'", ""},
                 {"SELECT 1 FROM a", " JOIN b ON c", ""},
                 {"SELECT a", "[1]", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena a;
        struct error e;
        arena_init(&a, 0);
        char *text = repeat(cases[i].head, cases[i].piece, 50000, cases[i].tail);
        if (!ok(parse_only(&a, text, &e))) fail_msg("%s: %s", cases[i].head, e.message);
        free(text);
        arena_free(&a);
    }
}

/* The arena refuses earlier and earlier: an error each time, never a crash. */
static void test_memory(void **state) {
    (void)state;
    for (size_t i = 0; i < PARSE_CORPUS_COUNT; i++) {
        char *text = repeat("", parse_corpus[i], 1, "");
        char *many = repeat(
            text, "; SELECT a, b, 'text', 1.5 FROM t WHERE a = 1 AND b IN (1, 2, 3)", 200, "");
        bool done = false;
        for (size_t limit = 4096; !done && limit < (1u << 24); limit = limit * 5 / 4) {
            struct arena a;
            struct error e;
            arena_init(&a, limit);
            status st = parse_only(&a, many, &e);
            done = ok(st);
            if (!done) {
                assert_true(status_is(st, ST_OUT_OF_MEMORY));
                assert_string_equal(e.message, "out of memory");
            }
            arena_free(&a);
        }
        assert_true(done);
        free(text);
        free(many);
    }
}

static uint64_t random_state;

static uint32_t random_below(uint32_t n) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}

static size_t mutate(char *text, size_t n, size_t room) {
    static const char *const pieces[] = {"(",      ")",    ",",       ";",      "'",  "\"",
                                         "$$",     "--",   "/*",      "*/",     "::", "[",
                                         "]",      ".",    "*",       "\\",     "E'", "U&'",
                                         "NOT ",   " IN ", " AS ",    "$1",     "1.", "\n",
                                         "\xc3",   " ",    "SELECT ", " FROM ", "=",  " NULL ",
                                         " WITH ", "\x7f"};
    size_t at = random_below((uint32_t)n + 1);
    switch (random_below(4)) {
    case 0: { /* cut something out */
        size_t k = random_below(8) + 1;
        if (at + k > n) return at;
        memmove(text + at, text + at + k, n - at - k);
        return n - k;
    }
    case 1: /* change a byte */
        if (at < n) text[at] = (char)(random_below(255) + 1);
        return n;
    case 2: { /* put something in */
        const char *piece = pieces[random_below(sizeof pieces / sizeof pieces[0])];
        size_t k = strlen(piece);
        if (n + k >= room) return n;
        memmove(text + at + k, text + at, n - at);
        memcpy(text + at, piece, k);
        return n + k;
    }
    default: return at; /* cut the rest off */
    }
}

static void check_one(const char *text, size_t n) {
    struct arena a;
    struct error e;
    struct list *l = NULL;
    struct buf out = {0};
    bool liftable;
    struct parse_lifted lifted;
    arena_init(&a, 0);
    error_clear(&e);
    if (ok(parse_sql(&a, text, n, &e, &l))) {
        LIST_EACH(struct raw_stmt *, raw, l) {
            assert_true(raw->location >= 0 && raw->length > 0);
            assert_true((size_t)raw->location + (size_t)raw->length <= n);
            assert_true(ok(ast_print(raw->stmt, &out)));
        }
    } else {
        assert_true(e.message[0] != '\0');
        assert_true(e.position >= 0 && (size_t)e.position <= n + 1);
    }
    assert_true(ok(parse_lift_literals(&a, text, n, &liftable, &lifted)));
    buf_free(&out);
    arena_free(&a);
}

static void test_mutations(void **state) {
    (void)state;
    random_state = 42;
    for (int round = 0; round < 40000; round++) {
        const char *from = parse_corpus[random_below(PARSE_CORPUS_COUNT)];
        size_t n = strlen(from);
        /* As tight as the text, so that the sanitizer sees a read beyond it. */
        char changed[2048];
        memcpy(changed, from, n);
        for (uint32_t k = random_below(4) + 1; k > 0; k--) n = mutate(changed, n, sizeof changed);
        char *text = malloc(n + 1);
        assert_non_null(text);
        memcpy(text, changed, n);
        text[n] = '\0';
        check_one(text, n);
        free(text);
    }
}

static void test_prefixes(void **state) {
    (void)state;
    for (size_t i = 0; i < PARSE_CORPUS_COUNT; i++) {
        for (size_t n = 0; n <= strlen(parse_corpus[i]); n++) {
            char *text = strndup(parse_corpus[i], n);
            assert_non_null(text);
            check_one(text, n);
            free(text);
        }
        char *whole = parse_text(parse_corpus[i]);
        if (whole[0] != '(') fail_msg("%s: %s", parse_corpus[i], whole);
        free(whole);
    }
}

/* In a coroutine with little stack: the parser itself does not recurse. */
static void in_coroutine(void *arg) {
    char *text = repeat("SELECT ", "(", 5000, "1");
    struct arena a;
    struct error e;
    arena_init(&a, 0);
    *(status *)arg = parse_only(&a, text, &e);
    arena_free(&a);
    free(text);
}

static void test_small_stack(void **state) {
    (void)state;
    struct coro *c = NULL;
    status st = OK;
    assert_true(ok(coro_new(64 * 1024, in_coroutine, &st, &c)));
    coro_resume(c);
    assert_true(coro_ended(c));
    assert_true(status_is(st, ST_SYNTAX_ERROR));
    coro_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),    cmocka_unit_test(test_length),
        cmocka_unit_test(test_memory),   cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_prefixes), cmocka_unit_test(test_small_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
