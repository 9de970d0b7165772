/* regex.h: PostgreSQL's regular expressions (manual, 9.7.3): the longest or the shortest match by
 * the expression's preference, leftmost, with its parts chosen by theirs, from the left. Texts are
 * UTF-8; positions in here are characters. */
#ifndef TYPES_REGEX_H
#define TYPES_REGEX_H

#include "types/internal.h"

enum regex_flag {
    REGEX_NO_CASE = 1,
    REGEX_NEWLINE_STOPS = 2,   /* . and [^…] do not match it */
    REGEX_NEWLINE_ANCHORS = 4, /* ^ and $ match beside it */
    REGEX_EXPANDED = 8,        /* white space and #… say nothing */
    REGEX_LITERAL = 16,
    REGEX_EXTENDED = 32, /* POSIX's EREs */
    REGEX_BASIC = 64,    /* POSIX's BREs */
};

struct regex;

/* Fails with 2201B. Lives in the arena, as does what matching makes of it. */
status regex_compile(const struct eval_env *env, struct arena *arena, const char *pattern,
                     size_t len, int flags, struct regex **ret);
size_t regex_groups(const struct regex *);
/* A search is under way: another one would disturb it. */
bool regex_in_use(const struct regex *);

/* A text made ready for matching. */
struct regex_text {
    const char *bytes;
    size_t len;
    const uint32_t *chars;   /* NULL: every byte is one */
    const uint32_t *offsets; /* n + 1 of them, in bytes */
    size_t n;                /* characters */
};
status regex_text_of(const struct eval_env *env, const char *bytes, size_t len,
                     struct regex_text *ret);
static inline size_t regex_offset(const struct regex_text *t, size_t at) {
    return t->offsets ? t->offsets[at] : at;
}

#define REGEX_UNSET SIZE_MAX
struct regex_span {
    size_t from, to; /* from REGEX_UNSET: the group took no part */
};

/* The match that begins first at `start` or after. spans: regex_groups + 1 of them, or NULL when it
 * only matters whether there is one. */
status regex_find(const struct eval_env *env, struct regex *, const struct regex_text *,
                  size_t start, struct regex_span *spans, bool *ret_found);

#endif
