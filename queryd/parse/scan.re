#include "parse/scan.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "parse/keyword.h"
#include "parse/parse.h"
#include "parse_grammar.h"

void scan_init(struct scanner *s, struct arena *a, struct error *e, const char *text, size_t len) {
    CHECK(text[len] == '\0');
    *s = (struct scanner){.arena = a, .error = e, .text = text, .limit = text + len, .cursor = text};
}

static status give(struct scanner *s, const char *start, int code, struct lexeme *ret) {
    *ret = (struct lexeme){
        .token = {.text = start, .location = (int32_t)(start - s->text),
                  .length = (int32_t)(s->cursor - start)},
        .end = (int32_t)(s->cursor - s->text),
        .code = code};
    return OK;
}

static status give_copy(struct scanner *s, const char *start, const char *value, size_t n, int code,
                        struct lexeme *ret) {
    TRY(give(s, start, code, ret));
    if (s->no_values) return OK;
    ret->token.text = arena_strndup(s->arena, value, n);
    ret->token.length = (int32_t)n;
    return ret->token.text ? OK : error_set(s->error, ST_OUT_OF_MEMORY, "out of memory");
}

/* Folds ASCII only: other letters keep their case, as PostgreSQL does in UTF-8. */
static status give_word(struct scanner *s, const char *start, struct lexeme *ret) {
    size_t n = (size_t)(s->cursor - start);
    char folded[SCAN_NAME_BYTES + 1];
    size_t kept = n <= SCAN_NAME_BYTES ? n : scan_cut_name(start, n);
    for (size_t i = 0; i < kept; i++)
        folded[i] = start[i] >= 'A' && start[i] <= 'Z' ? (char)(start[i] + 32) : start[i];
    const struct keyword *k = n == kept ? keyword_find(folded, n) : NULL;
    if (!k) return give_copy(s, start, folded, kept, TK_IDENT, ret);
    TRY(give(s, start, k->token, ret));
    ret->token.text = k->name;
    return OK;
}

static status give_integer(struct scanner *s, const char *start, struct lexeme *ret) {
    int64_t value = 0;
    for (const char *p = start; p < s->cursor && value <= INT_MAX; p++) value = value * 10 + (*p - '0');
    return give_copy(s, start, start, (size_t)(s->cursor - start),
                     value <= INT_MAX ? TK_ICONST : TK_FCONST, ret);
}

static status give_param(struct scanner *s, const char *start, struct lexeme *ret) {
    return give_copy(s, start, start + 1, (size_t)(s->cursor - start - 1), TK_PARAM, ret);
}

static status fail_here(struct scanner *s, const char *start, const char *message) {
    return scan_error_near(s, ST_SYNTAX_ERROR, message, (int32_t)(start - s->text),
                           (int32_t)(s->cursor - s->text));
}

static int one_char_token(char c) {
    switch (c) {
    case '(': return TK_LPAREN;
    case ')': return TK_RPAREN;
    case '[': return TK_LBRACK;
    case ']': return TK_RBRACK;
    case ',': return TK_COMMA;
    case ';': return TK_SEMI;
    case ':': return TK_COLON;
    case '.': return TK_DOT;
    case '+': return TK_PLUS;
    case '-': return TK_MINUS;
    case '*': return TK_STAR;
    case '/': return TK_SLASH;
    case '%': return TK_PERCENT;
    case '^': return TK_CARET;
    case '<': return TK_LT;
    case '>': return TK_GT;
    case '=': return TK_EQ;
    default: return TK_OP;
    }
}

/* How much of a run of operator characters is one operator: it ends before a comment, and does not
 * end in + or - unless it contains one of ~ ! @ # % ^ & | ` ?, so that "=-1" is two tokens. */
static size_t operator_length(const char *op, size_t n) {
    for (size_t i = 0; i + 1 < n; i++)
        if ((op[i] == '/' && op[i + 1] == '*') || (op[i] == '-' && op[i + 1] == '-')) n = i;
    if (n > 1 && (op[n - 1] == '+' || op[n - 1] == '-')) {
        size_t i = n - 1;
        while (i > 0 && !strchr("~!@#^&|`?%", op[i - 1])) i--;
        if (i == 0)
            while (n > 1 && (op[n - 1] == '+' || op[n - 1] == '-')) n--;
    }
    return n;
}

static status give_operator(struct scanner *s, const char *start, struct lexeme *ret) {
    size_t n = operator_length(start, (size_t)(s->cursor - start));
    s->cursor = start + n;
    if (n == 1) return give_copy(s, start, start, 1, one_char_token(*start), ret);
    if (n == 2) {
        static const struct {
            char text[3];
            int code;
        } pairs[] = {{"<=", TK_LE}, {">=", TK_GE}, {"<>", TK_NE}, {"!=", TK_NE}, {"=>", TK_EQUALS_GREATER}};
        for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
            if (memcmp(pairs[i].text, start, 2) == 0) return give(s, start, pairs[i].code, ret);
    }
    if (n > SCAN_NAME_BYTES) return fail_here(s, start, "operator too long");
    return give_copy(s, start, start, n, TK_OP, ret);
}

/* What begins at a place in the text, as far as regular expressions tell. */
enum lexical {
    LEX_NUL,
    LEX_SPACE,
    LEX_COMMENT,
    LEX_WORD,
    LEX_NAME,
    LEX_UNICODE_NAME,
    LEX_STRING,
    LEX_ESCAPE_STRING,
    LEX_BIT_STRING,
    LEX_HEX_STRING,
    LEX_UNICODE_STRING,
    LEX_NATIONAL_STRING,
    LEX_DOLLAR_STRING,
    LEX_PARAM,
    LEX_PARAM_JUNK,
    LEX_INTEGER,
    LEX_INTEGER_DOTS,
    LEX_NUMBER,
    LEX_NUMBER_JUNK,
    LEX_TYPECAST,
    LEX_DOTS,
    LEX_COLON_EQUALS,
    LEX_ONE_CHAR,
    LEX_OPERATOR,
    LEX_OTHER
};

/* The longest match at cursor; *ret_end is behind it (of quoted tokens: behind the opening quote). */
static enum lexical classify(const char *cursor, const char **ret_end) {
    const char *marker = NULL;
    enum lexical found;
    /*!re2c
    re2c:yyfill:enable = 0;
    re2c:flags:b = 1;
    re2c:define:YYCTYPE = "unsigned char";
    re2c:define:YYCURSOR = cursor;
    re2c:define:YYMARKER = marker;

    digit = [0-9];
    word_start = [A-Za-z_\x80-\xff];
    word_more = [A-Za-z_\x80-\xff0-9$];
    dollar_more = [A-Za-z_\x80-\xff0-9];
    op_char = [~!@#^&|`?+*/%<>=-];
    integer = digit+;
    decimal = digit* "." digit+ | digit+ "." digit*;
    real = (integer | decimal) [Ee] [+-]? digit+;

    "\x00" { found = LEX_NUL; goto out; }
    [ \t\n\r\f]+ | "--" [^\n\r\x00]* { found = LEX_SPACE; goto out; }
    "/*" op_char* { found = LEX_COMMENT; goto out; }
    word_start word_more* { found = LEX_WORD; goto out; }
    ["] { found = LEX_NAME; goto out; }
    [Uu] "&\"" { found = LEX_UNICODE_NAME; goto out; }
    ['] { found = LEX_STRING; goto out; }
    [Ee] ['] { found = LEX_ESCAPE_STRING; goto out; }
    [Bb] ['] { found = LEX_BIT_STRING; goto out; }
    [Xx] ['] { found = LEX_HEX_STRING; goto out; }
    [Uu] "&'" { found = LEX_UNICODE_STRING; goto out; }
    [Nn] ['] { found = LEX_NATIONAL_STRING; goto out; }
    "$" (word_start dollar_more*)? "$" { found = LEX_DOLLAR_STRING; goto out; }
    "$" digit+ { found = LEX_PARAM; goto out; }
    "$" digit+ word_start word_more* { found = LEX_PARAM_JUNK; goto out; }
    integer { found = LEX_INTEGER; goto out; }
    integer ".." { found = LEX_INTEGER_DOTS; goto out; }
    decimal | real { found = LEX_NUMBER; goto out; }
    (integer | decimal | real) word_start word_more* | (integer | decimal) [Ee] [+-] {
        found = LEX_NUMBER_JUNK;
        goto out;
    }
    "::" { found = LEX_TYPECAST; goto out; }
    ".." { found = LEX_DOTS; goto out; }
    ":=" { found = LEX_COLON_EQUALS; goto out; }
    [,()[\].;:] { found = LEX_ONE_CHAR; goto out; }
    op_char+ { found = LEX_OPERATOR; goto out; }
    * { found = LEX_OTHER; goto out; }
    */
out:
    *ret_end = cursor;
    return found;
}

static status fail_unsafe(struct scanner *s, int32_t at) {
    status st = error_set(s->error, ST_FEATURE_NOT_SUPPORTED,
                          "unsafe use of string constant with Unicode escapes");
    error_detail(s->error, "String constants with Unicode escapes cannot be used when "
                           "standard_conforming_strings is off.");
    error_at(s->error, parse_position(s->text, (size_t)(s->limit - s->text), at));
    return st;
}

status scan_token(struct scanner *s, struct lexeme *ret) {
    for (;;) {
        const char *start = s->cursor;
        int32_t at = (int32_t)(start - s->text);
        switch (classify(start, &s->cursor)) {
        case LEX_NUL:
            if (start < s->limit) return fail_here(s, start, "syntax error");
            s->cursor = s->limit;
            return give(s, start, 0, ret);
        case LEX_SPACE: continue;
        case LEX_COMMENT:
            s->cursor = start + 2;
            TRY(scan_block_comment(s, at));
            continue;
        case LEX_WORD: return give_word(s, start, ret);
        case LEX_NAME: return scan_quoted_name(s, at, TK_IDENT, ret);
        case LEX_UNICODE_NAME: return scan_quoted_name(s, at, TK_UIDENT, ret);
        case LEX_STRING:
            if (s->backslashes) return scan_escape_string(s, at, ret);
            return scan_plain_string(s, at, TK_SCONST, ret);
        case LEX_ESCAPE_STRING: return scan_escape_string(s, at, ret);
        case LEX_BIT_STRING: return scan_plain_string(s, at, TK_BCONST, ret);
        case LEX_HEX_STRING: return scan_plain_string(s, at, TK_XCONST, ret);
        case LEX_UNICODE_STRING:
            if (s->backslashes) return fail_unsafe(s, at);
            return scan_plain_string(s, at, TK_USCONST, ret);
        case LEX_NATIONAL_STRING: /* the keyword NCHAR, then the string */
            s->cursor = start + 1;
            TRY(give(s, start, TK_NCHAR, ret));
            ret->token.text = "nchar";
            return OK;
        case LEX_DOLLAR_STRING: return scan_dollar_string(s, at, ret);
        case LEX_PARAM: return give_param(s, start, ret);
        case LEX_PARAM_JUNK: return fail_here(s, start, "trailing junk after parameter");
        case LEX_INTEGER: return give_integer(s, start, ret);
        case LEX_INTEGER_DOTS: s->cursor -= 2; return give_integer(s, start, ret);
        case LEX_NUMBER:
            return give_copy(s, start, start, (size_t)(s->cursor - start), TK_FCONST, ret);
        case LEX_NUMBER_JUNK: return fail_here(s, start, "trailing junk after numeric literal");
        case LEX_TYPECAST: return give(s, start, TK_TYPECAST, ret);
        case LEX_DOTS: return give(s, start, TK_DOT_DOT, ret);
        case LEX_COLON_EQUALS: return give(s, start, TK_COLON_EQUALS, ret);
        case LEX_ONE_CHAR: return give(s, start, one_char_token(*start), ret);
        case LEX_OPERATOR: return give_operator(s, start, ret);
        case LEX_OTHER: return fail_here(s, start, "syntax error");
        }
    }
}

/* ---- the filter ------------------------------------------------------------------------------ */

static status peek(struct scanner *s, int i, int *ret_code) {
    while (s->ahead_n <= i) {
        TRY(scan_token(s, &s->ahead[s->ahead_n]));
        s->ahead_n++;
    }
    *ret_code = s->ahead[i].code;
    return OK;
}

static status take(struct scanner *s, struct lexeme *ret) {
    if (s->ahead_n == 0) return scan_token(s, ret);
    *ret = s->ahead[0];
    s->ahead[0] = s->ahead[1];
    s->ahead_n--;
    return OK;
}

static bool is_unicode_escape_char(const struct token *t) {
    if (t->length != 1) return false;
    char c = t->text[0];
    bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    return !hex && !strchr("+'\" \t\n\r\f", c);
}

/* A U& token takes a UESCAPE clause that follows it and becomes an ordinary name or string. */
static status finish_unicode(struct scanner *s, struct lexeme *l) {
    bool is_name = l->code == TK_UIDENT;
    char escape = '\\';
    int code;
    TRY(peek(s, 0, &code));
    if (code == TK_UESCAPE) {
        struct lexeme word;
        struct lexeme value;
        TRY(take(s, &word));
        TRY(take(s, &value));
        if (value.code != TK_SCONST)
            return scan_error_near(s, ST_SYNTAX_ERROR,
                                   "UESCAPE must be followed by a simple string literal",
                                   value.token.location, value.end);
        if (!s->no_values && !is_unicode_escape_char(&value.token))
            return scan_error_near(s, ST_SYNTAX_ERROR, "invalid Unicode escape character",
                                   value.token.location, value.end);
        escape = value.token.text[0];
        l->end = value.end;
    }
    l->code = is_name ? TK_IDENT : TK_SCONST;
    return s->no_values ? OK : scan_unicode_escapes(s, &l->token, escape, is_name);
}

/* What cannot be scanned behind AS is reported when its turn comes: AS itself may be the error. */
static void filter_as(struct scanner *s, struct lexeme *l) {
    struct scanner before = *s;
    int code;
    status st = peek(s, 0, &code);
    if (ok(st) && code != TK_OF) return;
    if (ok(st)) st = peek(s, 1, &code);
    if (ok(st) && code == TK_SYSTEM) l->code = TK_AS_LA;
    if (ok(st)) return;
    error_clear(s->error);
    *s = before;
}

status scan_next(struct scanner *s, struct lexeme *ret) {
    struct lexeme l;
    int code;
    TRY(take(s, &l));
    switch (l.code) {
    case TK_NOT:
        TRY(peek(s, 0, &code));
        if (code == TK_BETWEEN || code == TK_IN || code == TK_LIKE || code == TK_ILIKE ||
            code == TK_SIMILAR)
            l.code = TK_NOT_LA;
        break;
    case TK_NULLS:
        TRY(peek(s, 0, &code));
        if (code == TK_FIRST || code == TK_LAST) l.code = TK_NULLS_LA;
        break;
    case TK_WITH:
        TRY(peek(s, 0, &code));
        if (code == TK_TIME || code == TK_ORDINALITY) l.code = TK_WITH_LA;
        break;
    case TK_IF:
        TRY(peek(s, 0, &code));
        if (code == TK_EXISTS) l.code = TK_IF_LA;
        break;
    case TK_AS: filter_as(s, &l); break;
    case TK_UIDENT:
    case TK_USCONST: TRY(finish_unicode(s, &l)); break;
    default: break;
    }
    *ret = l;
    return OK;
}
