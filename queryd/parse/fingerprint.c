#include "parse/fingerprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/scan.h"
#include "parse_grammar.h"

/* What the words around say about literals, for each level of parentheses. */
enum region {
    REGION_KEEP,   /* SELECT list, ORDER BY, …: everything stays */
    REGION_LIFT,   /* WHERE, ON, SET: beside an operator */
    REGION_VALUES, /* after VALUES, outside its rows */
    REGION_LIST    /* inside a row of VALUES or an IN list: every literal that is alone */
};

#define LEVELS_MAX 64
/* Longer texts are not worth a key. */
#define TEXT_BYTES_MAX (16 * 1024)

struct lifter {
    struct arena *arena;
    struct scanner scanner;
    struct lexeme before; /* the last two tokens written */
    struct lexeme before2;
    struct lexeme now;
    struct lexeme next;
    enum region region[LEVELS_MAX];
    /* BETWEEN … AND …: its AND is still to come, or was the last one. */
    enum { BETWEEN_NONE, BETWEEN_OPEN, BETWEEN_CLOSED } between[LEVELS_MAX];
    int level;
    int first; /* the statement's first token */
    char *key;
    size_t n;
    int32_t literals_n;
    /* From here on nothing is cleared beforehand. */
    struct parse_literal literals[PARSE_LIFT_MAX];
    struct error error;
};

static bool is_operator(int code) {
    switch (code) {
    case TK_EQ:
    case TK_NE:
    case TK_LT:
    case TK_GT:
    case TK_LE:
    case TK_GE:
    case TK_PLUS:
    case TK_MINUS:
    case TK_STAR:
    case TK_SLASH:
    case TK_PERCENT: return true;
    default: return false;
    }
}

static bool is_number(int code) {
    return code == TK_ICONST || code == TK_FCONST;
}

/* A minus that cannot be binary: it belongs to the number behind it. */
static bool before_operand(int code) {
    return is_operator(code) || code == TK_LPAREN || code == TK_COMMA || code == TK_WHERE ||
           code == TK_AND || code == TK_OR || code == TK_NOT || code == TK_ON ||
           code == TK_BETWEEN || code == TK_LIMIT || code == TK_OFFSET;
}

/* Whether an expression can end before this token without changing what the literal is. */
static bool ends_literal(int code) {
    switch (code) {
    case 0:
    case TK_SEMI:
    case TK_RPAREN:
    case TK_COMMA:
    case TK_AND:
    case TK_OR:
    case TK_WHERE:
    case TK_FROM:
    case TK_RETURNING:
    case TK_GROUP:
    case TK_HAVING:
    case TK_ORDER:
    case TK_LIMIT:
    case TK_OFFSET:
    case TK_FOR:
    case TK_ON:
    case TK_JOIN:
    case TK_LEFT:
    case TK_INNER:
    case TK_UNION: return true;
    default: return is_operator(code);
    }
}

/* The decision for a literal between two tokens. */
static bool can_lift(const struct lifter *l, int before, int next) {
    if (!ends_literal(next)) return false;
    switch (l->region[l->level]) {
    case REGION_LIST:
        return (before == TK_LPAREN || before == TK_COMMA) &&
               (next == TK_RPAREN || next == TK_COMMA);
    case REGION_LIFT:
        if (is_operator(before) || before == TK_BETWEEN) return true;
        if (before == TK_AND && l->between[l->level] == BETWEEN_CLOSED) return true;
        return is_operator(next) && (before == TK_WHERE || before == TK_AND || before == TK_OR ||
                                     before == TK_ON || before == TK_NOT);
    default: return before == TK_LIMIT || before == TK_OFFSET;
    }
}

static status add(struct lifter *l, const char *bytes, size_t n) {
    memcpy(l->key + l->n, bytes, n); /* lift() made room */
    l->n += n;
    return OK;
}

/* The source text of a token, words in lower case unless quoted. */
static status add_token(struct lifter *l, const struct lexeme *x) {
    const char *source = l->scanner.text + x->token.location;
    size_t n = (size_t)(x->end - x->token.location);
    if (l->n) TRY(add(l, " ", 1));
    if (x->code == TK_NCHAR && n == 1) return add(l, "nchar", 5);
    bool is_word = (source[0] >= 'A' && source[0] <= 'Z') && x->code != TK_SCONST &&
                   x->code != TK_BCONST && x->code != TK_XCONST && !memchr(source, '"', n);
    if (!is_word) return add(l, source, n);
    for (size_t i = 0; i < n; i++) {
        char c = source[i] >= 'A' && source[i] <= 'Z' ? (char)(source[i] + 32) : source[i];
        TRY(add(l, &c, 1));
    }
    return OK;
}

static enum parse_lifted_kind number_kind(const char *text, bool negative) {
    size_t digits = strlen(text);
    for (size_t i = 0; i < digits; i++)
        if (text[i] < '0' || text[i] > '9') return LIFTED_NUMERIC;
    while (*text == '0' && text[1]) text++;
    digits = strlen(text);
    if (digits > 19) return LIFTED_NUMERIC;
    unsigned long long value = strtoull(text, NULL, 10);
    if (value <= (unsigned long long)INT32_MAX + negative) return LIFTED_INT4;
    return value <= (unsigned long long)INT64_MAX + negative ? LIFTED_INT8 : LIFTED_NUMERIC;
}

/* Writes $n for the literal x. */
static status add_param(struct lifter *l, const struct lexeme *x, bool negative) {
    struct parse_literal *p = &l->literals[l->literals_n++];
    *p = (struct parse_literal){.kind = LIFTED_STRING,
                                .text = x->token.text,
                                .length = x->token.length,
                                .location = x->token.location};
    if (is_number(x->code)) p->kind = number_kind(x->token.text, negative);
    if (negative) {
        p->text = arena_printf(l->arena, "-%s", x->token.text);
        if (!p->text) return STATUS(OUT_OF_MEMORY);
        p->length++;
        p->location = l->before.token.location;
    }
    char name[16];
    int n = snprintf(name, sizeof name, " $%d", l->literals_n);
    return add(l, name, (size_t)n);
}

static void enter_parenthesis(struct lifter *l) {
    enum region outer = l->region[l->level];
    int before = l->before.code;
    enum region inner = outer == REGION_LIFT ? REGION_LIFT : REGION_KEEP;
    if (before == TK_IN && outer == REGION_LIFT) inner = REGION_LIST;
    if (outer == REGION_VALUES && (before == TK_VALUES || before == TK_COMMA)) inner = REGION_LIST;
    l->level++;
    l->region[l->level] = inner;
    l->between[l->level] = BETWEEN_NONE;
}

/* Keywords change what the following literals are. */
static void follow_keyword(struct lifter *l, int code) {
    enum region *r = &l->region[l->level];
    switch (code) {
    case TK_WHERE:
    case TK_ON: *r = REGION_LIFT; break;
    case TK_SET: *r = REGION_LIFT; break;
    case TK_VALUES: *r = REGION_VALUES; break;
    case TK_SELECT:
    case TK_FROM:
    case TK_GROUP:
    case TK_HAVING:
    case TK_ORDER:
    case TK_WINDOW:
    case TK_RETURNING:
    case TK_LIMIT:
    case TK_OFFSET:
    case TK_FOR:
    case TK_UNION:
    case TK_INTERSECT:
    case TK_EXCEPT: *r = REGION_KEEP; break;
    case TK_BETWEEN: l->between[l->level] = BETWEEN_OPEN; break;
    case TK_AND:
        l->between[l->level] = l->between[l->level] == BETWEEN_OPEN ? BETWEEN_CLOSED : BETWEEN_NONE;
        break;
    default: break;
    }
}

/* An operator between two literals: it is for the planner to carry out, once. */
static bool between_literals(const struct lifter *l) {
    int code = l->before.code;
    bool before = is_number(l->before2.code) || l->before2.code == TK_SCONST;
    return before && (code == TK_PLUS || code == TK_MINUS || code == TK_STAR || code == TK_SLASH ||
                      code == TK_PERCENT || code == TK_CARET || code == TK_OP);
}

/* One token; *ret_liftable becomes false where the statement is not of the kind. */
static status step(struct lifter *l, bool *ret_liftable) {
    const struct lexeme *x = &l->now;
    bool negative =
        l->before.code == TK_MINUS && before_operand(l->before2.code) && is_number(x->code);
    bool literal = is_number(x->code) || x->code == TK_SCONST;
    if (x->code == TK_PARAM || (x->code == TK_INTO && l->first == TK_SELECT) ||
        (x->code == TK_SEMI && l->next.code != 0) || l->level + 1 == LEVELS_MAX ||
        (x->code == TK_RPAREN && l->level == 0)) {
        *ret_liftable = false;
        return OK;
    }
    if (x->code == TK_SEMI) return OK;
    if (literal && can_lift(l, negative ? l->before2.code : l->before.code, l->next.code)) {
        if (l->literals_n == PARSE_LIFT_MAX || between_literals(l)) {
            *ret_liftable = false;
            return OK;
        }
        if (negative) l->n -= 2; /* the minus goes into the value */
        return add_param(l, x, negative);
    }
    TRY(add_token(l, x));
    if (x->code == TK_LPAREN)
        enter_parenthesis(l);
    else if (x->code == TK_RPAREN)
        l->level--;
    else
        follow_keyword(l, x->code);
    return OK;
}

static status scan_fails(struct lifter *l, bool *ret_liftable) {
    *ret_liftable = false;
    return status_is(l->error.status, ST_OUT_OF_MEMORY) ? l->error.status : OK;
}

/* The types of the parameters, as part of the key. */
static status add_kinds(struct lifter *l) {
    if (l->literals_n == 0) return OK;
    TRY(add(l, " /*", 3));
    for (int32_t i = 0; i < l->literals_n; i++) TRY(add(l, &"ibns"[l->literals[i].kind], 1));
    return add(l, "*/", 2);
}

static status lift(struct lifter *l, bool *ret_liftable) {
    if (!ok(scan_next(&l->scanner, &l->now))) return scan_fails(l, ret_liftable);
    l->first = l->now.code;
    *ret_liftable = l->first == TK_SELECT || l->first == TK_INSERT || l->first == TK_UPDATE ||
                    l->first == TK_DELETE;
    while (*ret_liftable && l->now.code != 0) {
        if (!ok(scan_next(&l->scanner, &l->next))) return scan_fails(l, ret_liftable);
        TRY(step(l, ret_liftable));
        l->before2 = l->before;
        l->before = l->now;
        l->now = l->next;
    }
    return *ret_liftable ? add_kinds(l) : OK;
}

status parse_lift_literals(struct arena *a, const char *text, size_t len, bool *ret_liftable,
                           struct parse_lifted *ret_lifted) {
    if (len > TEXT_BYTES_MAX) {
        *ret_liftable = false;
        return OK;
    }
    struct lifter *l = arena_alloc(a, sizeof *l);
    if (!l) return STATUS(OUT_OF_MEMORY);
    memset(l, 0, offsetof(struct lifter, literals));
    l->arena = a;
    error_clear(&l->error);
    scan_init(&l->scanner, a, &l->error, text, len);
    /* A token grows by a space before it, N'…' by four more, a literal to at most " $100". */
    l->key = arena_alloc(a, len * 6 + PARSE_LIFT_MAX + 16);
    if (!l->key) return STATUS(OUT_OF_MEMORY);
    TRY(lift(l, ret_liftable));
    if (!*ret_liftable) return OK;
    l->key[l->n] = '\0';
    *ret_lifted = (struct parse_lifted){
        .key = l->key, .key_length = l->n, .n = l->literals_n, .literals = l->literals};
    return OK;
}
