/* regex_parser.h: what the files that take a regular expression apart share (regex_parse.c,
 * regex_char.c). Nodes live in the regex's arena; a function that gives NULL, or false, has refused
 * the expression unless it says otherwise. */
#ifndef TYPES_REGEX_PARSER_H
#define TYPES_REGEX_PARSER_H

#include "types/regex_tree.h"

extern const char regex_no_memory[]; /* the reason that is no fault of the expression's */

struct parser {
    struct regex *r;
    const char *p, *end;
    const char *why; /* it is refused; NULL: so far it is not */
    int depth;
    bool in_look; /* parentheses capture nothing there */
    bool advanced, basic;
};

/* The first reason stays. Gives NULL. */
void *regex_refuse(struct parser *s, const char *why);
struct node *regex_node_new(struct parser *s, enum node_kind kind);

static inline uint32_t next_char(struct parser *s) {
    size_t n;
    uint32_t c = utf8_decode(s->p, s->end, &n);
    s->p += n;
    return c;
}

static inline bool at_end(const struct parser *s) {
    return s->p == s->end;
}

static inline bool looking_at(const struct parser *s, const char *what) {
    size_t n = strlen(what);
    return (size_t)(s->end - s->p) >= n && !memcmp(s->p, what, n);
}

/* regex_char.c */
struct node *regex_char_node(struct parser *s, uint32_t c);
struct node *regex_dot_node(struct parser *s);
struct node *regex_assert_node(struct parser *s, enum assertion which);
/* What group number captured, once more. */
struct node *regex_back_node(struct parser *s, int number);
/* Behind a backslash; behind "[". */
struct node *regex_escape(struct parser *s);
struct node *regex_bracket(struct parser *s);

#endif
