/* Lexical rules, against what PostgreSQL 15 answers. */
#include "parse_test.h"

#include "parse/keyword.h"

#define TARGET "(select targets=[(target value="
#define END ")])"

static void test_strings(void **state) {
    (void)state;
    static const struct parse_case cases[] = {
        {"SELECT 'it''s'", "'it''s'"},
        {"SELECT 'a\\n'", "'a\\n'"},
        {"SELECT 'a' \n -- why not\n 'b'", "'ab'"},
        {"SELECT E'a\\tb\\\\\\'\\x41\\101\\u00e9\\U0001F600'",
         "'a\tb\\''AA\xc3\xa9\xf0\x9f\x98\x80'"},
        {"SELECT e'\\ud83d\\ude00'", "'\xf0\x9f\x98\x80'"},
        {"SELECT e'a'\n'\\n'", "'a\n'"},
        {"SELECT U&'d\\0061t\\+000061 \\\\'", "'data \\'"},
        {"SELECT u&'d!0061!!' UESCAPE '!'", "'da!'"},
        {"SELECT $$it's$$", "'it''s'"},
        {"SELECT $a$ $$ $b$ $a$", "' $$ $b$ '"},
        {"SELECT B'01'", "b'01'"},
        {"SELECT X'fF'", "x'fF'"},
        {"SELECT N'x'", "(type_cast arg='x' type=(type_name names=pg_catalog.bpchar))"},
    };
    CHECK_CASES(cases, TARGET, END);
}

static void test_numbers(void **state) {
    (void)state;
    static const struct parse_case cases[] = {
        {"SELECT 2147483647", "2147483647"},
        {"SELECT 2147483648", "#2147483648"},
        {"SELECT 007", "007"},
        {"SELECT .5", "#.5"},
        {"SELECT 1.", "#1."},
        {"SELECT 1.5e-3", "#1.5e-3"},
        {"SELECT 1e10", "#1e10"},
        {"SELECT -2147483648", "#-2147483648"},
        {"SELECT - - 5", "5"},
        {"SELECT -5", "-5"},
    };
    CHECK_CASES(cases, TARGET, END);
}

static void test_names(void **state) {
    (void)state;
    static const struct parse_case cases[] = {
        {"SELECT FooBar", "foobar"},
        {"SELECT \"FooBar\"", "FooBar"},
        {"SELECT \"a\"\"b\"", "a\"b"},
        {"SELECT a$1_2", "a$1_2"},
        {"SELECT \xc3\x84", "\xc3\x84"},
        {"SELECT U&\"\\0041b\"", "Ab"},
        {"SELECT a23456789012345678901234567890123456789012345678901234567890123456789",
         "a23456789012345678901234567890123456789012345678901234567890123"},
        /* 62 bytes and then a letter of two: cut before it */
        {"SELECT a2345678901234567890123456789012345678901234567890123456789012\xc3\xa4",
         "a2345678901234567890123456789012345678901234567890123456789012"},
    };
    CHECK_CASES(cases, TARGET, END);
}

static void test_operators(void **state) {
    (void)state;
    static const struct parse_case cases[] = {
        {"SELECT a=-1", "(op names== left=a right=-1)"},
        {"SELECT a@-1", "(op names=@- left=a right=1)"},
        {"SELECT a*-b", "(op names=* left=a right=(op names=- right=b))"},
        {"SELECT a<>b", "(op names=<> left=a right=b)"},
        {"SELECT a!=b", "(op names=<> left=a right=b)"},
        {"SELECT a+--c\nb", "(op names=+ left=a right=b)"},
        {"SELECT a/*x/*y*/z*/+b", "(op names=+ left=a right=b)"},
        {"SELECT a ||/* */b", "(op names=|| left=a right=b)"},
        {"SELECT @ a", "(op names=@ right=a)"},
        {"SELECT a OPERATOR(pg_catalog.+) b", "(op names=pg_catalog.+ left=a right=b)"},
        {"SELECT a[1:2]", "(indirection arg=a steps=[(subscript slice low=1 high=2)])"},
        {"SELECT a::int", "(type_cast arg=a type=(type_name names=pg_catalog.int4))"},
    };
    CHECK_CASES(cases, TARGET, END);
}

static void test_errors(void **state) {
    (void)state;
    static const struct parse_case cases[] = {
        {"SELECT 'abc", "8 unterminated quoted string at or near \"'abc\""},
        {"SELECT \"abc", "8 unterminated quoted identifier at or near \"\"abc\""},
        {"SELECT \"\"", "8 zero-length delimited identifier at or near \"\"\"\""},
        {"SELECT /* /* */ 1", "8 unterminated /* comment at or near \"/* /* */ 1\""},
        {"SELECT $a$ x", "8 unterminated dollar-quoted string at or near \"$a$ x\""},
        {"SELECT B'01", "8 unterminated bit string literal at or near \"B'01\""},
        {"SELECT X'01", "8 unterminated hexadecimal string literal at or near \"X'01\""},
        {"SELECT 123abc", "8 trailing junk after numeric literal at or near \"123abc\""},
        {"SELECT 1e+", "8 trailing junk after numeric literal at or near \"1e+\""},
        {"SELECT $1a", "8 trailing junk after parameter at or near \"$1a\""},
        {"SELECT U&'\\00g'", "11 invalid Unicode escape"},
        {"SELECT U&'\\d800'", "16 invalid Unicode surrogate pair"},
        {"SELECT U&'x' UESCAPE 'ab'", "22 invalid Unicode escape character at or near \"'ab'\""},
        {"SELECT U&'x' UESCAPE y",
         "22 UESCAPE must be followed by a simple string literal at or near \"y\""},
        {"SELECT \\", "8 syntax error at or near \"\\\""},
        {"SELECT \xc3\xa4, \xc3\xb6 FROM FROM", "18 syntax error at or near \"FROM\""},
        {"SELECT 1 +", "11 syntax error at end of input"},
    };
    CHECK_CASES(cases, "42601 ", "");
    static const struct parse_case others[] = {
        {"SELECT E'\\u12'", "22025 10 invalid Unicode escape"},
        {"SELECT E'\\xff'", "22021 0 invalid byte sequence for encoding \"UTF8\": 0xff"},
        {"SELECT E'\\000'", "22021 0 invalid byte sequence for encoding \"UTF8\": 0x00"},
        {"SELECT $99999999999", "42P02 8 there is no parameter $99999999999"},
    };
    CHECK_CASES(others, "", "");
}

static void test_keywords(void **state) {
    (void)state;
    assert_int_equal(parse_keyword_category("select", 6), KEYWORD_RESERVED);
    assert_int_equal(parse_keyword_category("int", 3), KEYWORD_COL_NAME);
    assert_int_equal(parse_keyword_category("left", 4), KEYWORD_TYPE_FUNC_NAME);
    assert_int_equal(parse_keyword_category("zone", 4), KEYWORD_UNRESERVED);
    assert_int_equal(parse_keyword_category("zon", 3), KEYWORD_NONE);
    assert_int_equal(parse_keyword_category("Select", 6), KEYWORD_NONE);
    assert_int_equal(parse_keyword_category("", 0), KEYWORD_NONE);
    size_t n = 0;
    for (const struct keyword *k; (k = keyword_at(n)); n++) {
        assert_ptr_equal(keyword_find(k->name, strlen(k->name)), k);
        if (n > 0) assert_true(strcmp(keyword_at(n - 1)->name, k->name) < 0);
    }
    assert_int_equal(n, 460);
}

/* Every keyword, wherever its class allows it and nowhere else. */
static void test_keyword_classes(void **state) {
    (void)state;
    static const struct {
        const char *format;
        bool allowed[4]; /* by category */
    } places[] = {{"SELECT t.x FROM t AS %s", {true, true, false, false}},
                  {"CREATE TYPE t AS (%s text)", {true, true, false, false}},
                  {"SELECT f.%s FROM f", {true, true, true, true}},
                  {"SELECT 1 AS %s", {true, true, true, true}}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (size_t k = 0; keyword_at(k); k++) {
            char text[100];
            snprintf(text, sizeof text, places[i].format, keyword_at(k)->name);
            char *got = parse_text(text);
            if ((got[0] == '(') != places[i].allowed[keyword_at(k)->category])
                fail_msg("%s: %s", text, got);
            free(got);
        }
    }
    for (size_t k = 0; keyword_at(k); k++) { /* labels without AS */
        char text[100];
        snprintf(text, sizeof text, "SELECT 1 %s", keyword_at(k)->name);
        char *got = parse_text(text);
        bool label = strstr(got, " name=\"") != NULL;
        if (label != keyword_at(k)->bare_label) fail_msg("%s: %s", text, got);
        free(got);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),         cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_names),           cmocka_unit_test(test_operators),
        cmocka_unit_test(test_errors),          cmocka_unit_test(test_keywords),
        cmocka_unit_test(test_keyword_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
