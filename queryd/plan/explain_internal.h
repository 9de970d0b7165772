/* explain_internal.h: what the files of EXPLAIN share with one another and with nobody else. */
#ifndef PLAN_EXPLAIN_INTERNAL_H
#define PLAN_EXPLAIN_INTERNAL_H

#include "catalog/catalog.h"
#include "plan/explain.h"

enum property_kind {
    PROPERTY_TEXT,
    PROPERTY_NUMBER,
    PROPERTY_BOOL,
    PROPERTY_LIST,
    PROPERTY_GROUP,
    PROPERTY_NOTHING /* a list of what there is never any of */
};

struct explain_property {
    struct explain_property *next;
    const char *label;
    enum property_kind kind;
    bool structured; /* not in the text format, whose head says it */
    const char *value;
    const struct list *items;              /* LIST: char * */
    const struct explain_property *inside; /* GROUP */
    const char *tag;                       /* GROUP: its name in XML */
};

struct explain_node {
    struct explain_node *next; /* the next child of the same one */
    const char *head;          /* of the text format, without costs */
    const char *costs;         /* "  (cost=…)"; "": none */
    const char *title;         /* "SubPlan 1", "CTE x"; NULL: an ordinary child */
    struct explain_property *first, **last;
    struct explain_node *children, **last_child;
};

/* explain_property.c. OUT_OF_MEMORY, also when there is neither a value nor items. structured: not
 * in the text format. */
status explain_add(struct arena *a, struct explain_node *n, const char *label,
                   enum property_kind kind, bool structured, const char *value,
                   const struct list *items);
status explain_count(struct arena *a, struct explain_node *n, const char *label, uint64_t value);
/* The properties of inside, as one of n's. */
status explain_group(struct arena *a, struct explain_node *n, const char *label, const char *tag,
                     bool structured, const struct explain_node *inside);

/* explain_memory.c. Of a hash join to its Hash node. */
status explain_memory(struct arena *a, const struct plan *p, const struct plan_counts *c, bool text,
                      struct explain_node *n);

/* explain_usage.c: BUFFERS and WAL of a node; used NULL: it never began. */
status explain_usage(struct arena *a, const struct explain_options *o, const struct usage *used,
                     struct explain_node *n);
/* ... and what stands behind the tree, as properties of n. */
status explain_behind(struct arena *a, const struct explain_options *o,
                      const struct explain_whole *whole, struct explain_node *n);

/* behind: whose properties stand behind the tree. */
status explain_write(const struct explain_node *root, const struct explain_node *behind,
                     enum explain_format format, struct buf *out);

/* A scalar subquery that asks for nothing from outside: computed once. */
static inline bool explain_is_init(const struct plan_sublink *s) {
    return s->kind == SUB_SCALAR && s->nouter == 0 && !s->hashed;
}

/* e, whose slots are the columns of left, then right, in SQL. */
struct expression_words {
    struct sql_env *env;
    const struct plan *left, *right;
    bool prefix; /* columns with the names of their tables */
};
status explain_expression(const struct expression_words *w, const struct expr *e, struct buf *out);

/* ---- what nodes are made with ---------------------------------------------------------------- */

struct explain {
    struct sql_env *env;
    struct arena *arena;
    const struct plan_statement *statement;
    const struct explain_options *o;
    const struct plan_counts *(*counts)(void *arg, const struct plan *plan);
    void *arg;
};

/* The same with words for what fails. */
status explain_no_memory(struct explain *x);
status explain_tell(struct explain *x, struct explain_node *n, const char *label,
                    enum property_kind kind, bool structured, const char *value,
                    const struct list *items);
status explain_fact(struct explain *x, struct explain_node *n, const char *label,
                    const char *value);
status explain_number(struct explain *x, struct explain_node *n, const char *label, bool structured,
                      int decimals, double value);
/* An expression over the columns of left, then right; prefix: with their tables. NULL: no memory,
 * or what cannot be said. */
char *explain_words_as(struct explain *x, const struct expr *e, const struct plan *left,
                       const struct plan *right, bool prefix);
char *explain_words(struct explain *x, const struct expr *e, const struct plan *left,
                    const struct plan *right);
/* The program's first expression; nothing when there is none. */
status explain_condition(struct explain *x, struct explain_node *n, const char *label,
                         const struct program *p, const struct plan *left,
                         const struct plan *right);

/* explain_name.c */
const char *explain_join_word(enum plan_join j);
enum plan_join explain_join_of(const struct plan *p);
const char *explain_node_type(const struct plan *p); /* of the structured formats */
char *explain_head(struct explain *x,
                   const struct plan *p); /* of the text format; NULL: no memory */
/* Of a scan or a change. */
status explain_relation_of(struct explain *x, const struct plan *p, const struct relation **ret);
status explain_relation(struct explain *x, const struct plan *p, struct explain_node *n);

/* explain_kind.c */
status explain_kind(struct explain *x, const struct plan *p, struct explain_node *n);
/* What stands behind the type of a node, before its place in the tree. */
status explain_strategy(struct explain *x, const struct plan *p, struct explain_node *n);
status explain_output(struct explain *x, const struct plan *p,
                      struct explain_node *n); /* VERBOSE */

#endif
