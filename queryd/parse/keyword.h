/* keyword.h: PostgreSQL 15's keywords and their four classes. */
#ifndef PARSE_KEYWORD_H
#define PARSE_KEYWORD_H

#include <stdbool.h>
#include <stddef.h>

/* pg_get_keywords' letters are U, C, T, R. */
enum keyword_category {
    KEYWORD_UNRESERVED,
    KEYWORD_COL_NAME,       /* may be a column name, not a function or type */
    KEYWORD_TYPE_FUNC_NAME, /* may be a function or type, not a column name */
    KEYWORD_RESERVED,
    KEYWORD_NONE /* not a keyword */
};

struct keyword {
    char name[18];
    short token; /* the grammar's number for it */
    unsigned char category;
    bool bare_label; /* may be a column label without AS */
};

/* NULL when the word (in lower case) is none. */
const struct keyword *keyword_find(const char *word, size_t len);
/* All of them by index, sorted by name, for pg_get_keywords; NULL past the last. */
const struct keyword *keyword_at(size_t i);

/* What quote_ident asks: anything but UNRESERVED and NONE needs quotes. */
enum keyword_category parse_keyword_category(const char *word, size_t len);

#endif
