/* What the parser's tests share: one text in, its tree or its error out. */
#ifndef PARSE_TEST_H
#define PARSE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "parse/parse.h"

/* The printed trees of the statements, joined by "; ", or "SQLSTATE position message". On the heap.
 */
static inline char *parse_text(const char *text) {
    struct arena a;
    struct error e;
    struct list *statements = NULL;
    struct buf out = {0};
    arena_init(&a, 0);
    error_clear(&e);
    status st = parse_sql(&a, text, strlen(text), &e, &statements);
    if (!ok(st)) {
        assert_int_equal(st.code, e.status.code);
        st = buf_printf(&out, "%s %d %s", status_sqlstate(st), e.position, e.message);
    } else {
        LIST_EACH(struct raw_stmt *, raw, statements) {
            if (raw_i > 0) assert_true(ok(buf_add_str(&out, "; ")));
            assert_true(ok(ast_print(raw->stmt, &out)));
        }
        st = buf_add(&out, "", 0);
    }
    assert_true(ok(st));
    assert_true(ok(buf_add(&out, "", 1)));
    arena_free(&a);
    return out.data;
}

struct parse_case {
    const char *text;
    const char *expected;
};

static inline void check_cases(const struct parse_case *cases, size_t n, const char *before,
                               const char *after) {
    for (size_t i = 0; i < n; i++) {
        char *got = parse_text(cases[i].text);
        char *expected = malloc(strlen(before) + strlen(cases[i].expected) + strlen(after) + 1);
        assert_non_null(expected);
        sprintf(expected, "%s%s%s", before, cases[i].expected, after);
        if (strcmp(got, expected) != 0)
            fail_msg("%s\n  gave     %s\n  expected %s", cases[i].text, got, expected);
        free(got);
        free(expected);
    }
}

#define CHECK_CASES(cases, before, after)                                                          \
    check_cases(cases, sizeof(cases) / sizeof((cases)[0]), before, after)

#endif
