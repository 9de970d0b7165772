/* scan.h: SQL text into tokens, by PostgreSQL's lexical rules (manual, "Lexical Structure").
 *
 * scan_token gives the raw tokens; scan_next puts them through the filter that makes the grammar
 * LALR(1): some keywords change their number where the following token says which use is meant. */
#ifndef PARSE_SCAN_H
#define PARSE_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/status.h"

struct token {
    const char *text; /* the value, ending in NUL: name folded, string unescaped, number's digits */
    int32_t location; /* byte offset of the first byte */
    int32_t length;   /* bytes of the value */
};

struct lexeme {
    struct token token;
    int32_t end; /* byte offset behind the last byte */
    int code;    /* TK_…; 0 at the end of the text */
};

struct scanner {
    struct arena *arena;
    struct error *error;
    const char *text;
    const char *limit;
    const char *cursor;
    struct lexeme ahead[2]; /* read by the filter, not yet given out */
    int ahead_n;
    bool
        no_values; /* do not build the values of strings: text is the source, its quotes included */
    bool backslashes; /* '…' is read as E'…' is */
};

#define SCAN_NAME_BYTES 63

/* text[len] must be NUL. */
void scan_init(struct scanner *s, struct arena *a, struct error *e, const char *text, size_t len);

/* The next token. Fails with SYNTAX_ERROR and the others of parse_sql. */
status scan_token(struct scanner *s, struct lexeme *ret_lexeme);
status scan_next(struct scanner *s, struct lexeme *ret_lexeme);

/* `message at or near "…"`, the quoted text reaching from start to end; or `at end of input`. */
status scan_error_near(struct scanner *s, enum status_code code, const char *message, int32_t start,
                       int32_t end);

/* Bodies of quoted tokens (scan_string.c). cursor stands behind the opening quote, start at the
 * token's first byte. */
status scan_plain_string(struct scanner *s, int32_t start, int code, struct lexeme *ret);
status scan_escape_string(struct scanner *s, int32_t start, struct lexeme *ret);
status scan_dollar_string(struct scanner *s, int32_t start, struct lexeme *ret);
status scan_quoted_name(struct scanner *s, int32_t start, int code, struct lexeme *ret);
status scan_block_comment(struct scanner *s, int32_t start);
/* U&'…' and U&"…" with its escape character. */
status scan_unicode_escapes(struct scanner *s, struct token *t, char escape, bool is_name);
/* A name cut to SCAN_NAME_BYTES at a character's edge; returns the bytes left. */
size_t scan_cut_name(const char *name, size_t len);

#endif
