/* explain.h: a plan as people read it: a tree of nodes with properties, written in one of
 * PostgreSQL's formats. */
#ifndef PLAN_EXPLAIN_H
#define PLAN_EXPLAIN_H

#include "base/usage.h"
#include "plan/plan.h"

enum explain_format { EXPLAIN_TEXT, EXPLAIN_JSON, EXPLAIN_YAML, EXPLAIN_XML };

struct explain_options {
    bool analyze, verbose, buffers, settings, wal;
    bool costs, timing, summary;
    enum explain_format format;
};

/* What an execution has counted at one operator. */
enum plan_sort_method { PLAN_SORT_NONE, PLAN_SORT_MEMORY, PLAN_SORT_TOP_N, PLAN_SORT_EXTERNAL };

/* Of an incremental sort: groups sorted in one way. */
struct plan_group_counts {
    uint64_t groups;
    uint64_t memory_total, memory_most; /* bytes; of those sorted in memory … */
    uint64_t disk_total, disk_most;     /* … and of the others */
    unsigned methods;                   /* 1 << plan_sort_method */
};

struct plan_counts {
    uint64_t loops, rows, removed; /* over all loops; removed by its filter */
    uint64_t first_ns, total_ns;   /* until the first rows of a loop; until the end */
    uint64_t memory_bytes;         /* the most that a sort or a hash table held … */
    uint64_t disk_bytes;           /* … and put into temporary space */
    uint64_t batches;              /* into which a hash table was cut; 0: it was made for nothing */
    uint64_t buckets;
    uint64_t leaves; /* that a bitmap heap scan has read */
    enum plan_sort_method sort;
    struct plan_group_counts whole, presorted; /* by all keys; by those that were left */
    struct usage used;                         /* with what is below it; when BUFFERS or WAL */
};

/* A setting that plans depend on, with another value than it has when nobody sets it. */
struct explain_setting {
    const char *name, *value;
};

/* What is told of the whole statement. */
struct explain_whole {
    double planning_ms, execution_ms;
    struct usage planning;       /* when BUFFERS */
    const struct list *settings; /* (struct explain_setting *); when SETTINGS */
};

/* counts: NULL when nothing was carried out; else *ret NULL: the operator never began. In the arena
 * a, the text in out. */
status plan_explain(struct sql_env *env, struct arena *a, const struct plan_statement *s,
                    const struct explain_options *o,
                    const struct plan_counts *(*counts)(void *arg, const struct plan *plan),
                    void *arg, const struct explain_whole *whole, struct buf *out);

/* ---- between the files of EXPLAIN ---- */

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

/* false: no memory. */
bool explain_add(struct arena *a, struct explain_node *n, const char *label,
                 enum property_kind kind, bool structured, const char *value,
                 const struct list *items);
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

#endif
