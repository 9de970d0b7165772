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

#endif
