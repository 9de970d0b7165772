/* Texts of clients for whom a backslash in '…' begins an escape, in the words of everybody else. */
#include <string.h>

#include "parse/parse.h"
#include "parse/scan.h"
#include "parse_grammar.h"

/* '…' with a backslash; E'…' and $$…$$ say themselves how they are read. */
static bool needs_mark(const char *text, const struct lexeme *l) {
    const char *first = text + l->token.location;
    return l->code == TK_SCONST && *first == '\'' &&
           memchr(first, '\\', (size_t)(l->end - l->token.location));
}

status parse_mark_escapes(struct arena *a, const char *text, size_t len, struct error *e,
                          const char **ret) {
    struct scanner s;
    struct lexeme l;
    scan_init(&s, a, e, text, len);
    s.no_values = s.backslashes = true;
    char *marked = arena_alloc(a, 2 * len + 1), *to = marked; /* no string is shorter than its E */
    if (!marked) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    size_t from = 0;
    do {
        TRY(scan_token(&s, &l));
        if (!needs_mark(text, &l)) continue;
        size_t n = (size_t)l.token.location - from;
        memcpy(to, text + from, n);
        to += n;
        *to++ = 'E';
        from += n;
    } while (l.code != 0);
    memcpy(to, text + from, len - from + 1);
    *ret = marked;
    return OK;
}
