/* print_internal.h: what the files that print queries share. */
#ifndef ANALYSE_PRINT_INTERNAL_H
#define ANALYSE_PRINT_INTERNAL_H

#include "analyse/print.h"
#include "base/check.h"
#include "catalog/internal.h"

#define INDENT_STEP 8
#define INDENT_JOIN 4
#define INDENT_FIELD 4

/* The names that a range table entry's columns have in the text. */
struct print_columns {
    uint16_t n;
    const char **names;         /* NULL: dropped, or none yet */
    const struct relation *now; /* RELATION */
    uint16_t nshown;            /* those of now, with those that came since */
    uint16_t nsaid;             /* behind those the alias says nothing that is not so by itself */
    const char **shown;
    bool *is_new;
    bool print_aliases;
    uint16_t nusing;
    const char **using_names;
    uint16_t nparent; /* USING names further out */
    const char **parent_using;
    uint16_t left, right; /* JOIN: entries of its sides */
};

/* One query level. */
struct print_level {
    const struct print_level *outer;
    const struct query *q;
    const char **names; /* per entry; NULL: an unnamed join */
    struct print_columns *columns;
    bool unique_using;
    uint16_t nusing;
    const char **using_names; /* when they must be unique in the whole level */
};

struct printer {
    struct sql_env *env;
    struct arena *arena;
    struct buf *out;
    struct print_style style;
    const struct print_level *level;
    bool qualify; /* columns with their table */
    int indent;
};

static inline bool pretty_parens(const struct printer *p) {
    return p->style.parens;
}
status put(struct printer *p, const char *s);
status put_name(struct printer *p, const char *name);
/* A word that begins a clause: on a line of its own where the style says so. */
status put_keyword(struct printer *p, const char *s, int before, int after, int plus);
status strip_spaces(struct buf *b);
/* Output goes to `to` until it is switched back with the buffer returned. */
struct buf *redirect(struct printer *p, struct buf *to);
/* After an item was printed by itself: appends it, on a new line when the style says so. */
status put_wrapped(struct printer *p, const struct buf *item, bool first, bool was_multiline);

/* print_name.c */
status print_names(struct printer *p, struct print_level *l, bool is_rule);
const char *printed_column(struct printer *p, const struct expr *var, bool whole_row,
                           const char **ret_table);
status print_relation_name(struct printer *p, oid relation);
/* print_expr.c. implicit: casts that nobody wrote are shown too. */
status print_expr(struct printer *p, const struct expr *e, bool implicit);
status print_expr_paren(struct printer *p, const struct expr *e, bool implicit,
                        const struct expr *parent);
status print_list(struct printer *p, struct expr *const *list, uint16_t n, bool implicit);
status print_constant(struct printer *p, const struct expr *e, int show_type);
status print_var(struct printer *p, const struct expr *e, bool top, const char **ret_name);
status print_type(struct printer *p, oid type, int32_t typmod);
/* print_call.c */
status print_call(struct printer *p, const struct expr *e);
bool is_row_comparison(const struct expr *e); /* ROW(a, b) < ROW(c, d) */
status print_function_name(struct printer *p, const struct function *f);
status print_operator_name(struct printer *p, const struct operator_info *op);
status print_aggregate(struct printer *p, const struct expr *e);
/* Whether the call is written with words; then it has been printed. */
status print_sql_syntax(struct printer *p, const struct expr *e, bool *ret_done);
/* print_clause.c */
status print_sort_expr(struct printer *p, const struct expr *e);
status print_order_key(struct printer *p, const struct expr *e, const struct sort_key *k,
                       int number);
status print_group_by(struct printer *p, const struct query *q);
status print_window_clause(struct printer *p, const struct query *q);
status print_window_spec(struct printer *p, const struct window *w);
/* print_from.c */
status print_from(struct printer *p, const struct query *q);
/* print_query.c */
struct select_list {
    const struct relation *names; /* of the columns; NULL: the targets' own */
    bool names_visible;
};
/* A query in the text of another; is_rule: it is a view's whole. */
status print_nested(struct printer *p, const struct query *q, const struct select_list *l,
                    bool is_rule);
/* A side of a set operation: in brackets where it has a tail of its own. */
status print_leaf(struct printer *p, const struct query *q, const struct select_list *l);
status print_subquery(struct printer *p, const struct query *q, bool names_visible);
status print_values(struct printer *p, const struct rte *r);
/* print_with.c */
status print_with(struct printer *p, const struct query *q);

#endif
