/* sort_bound.h: how many of a sort's rows will be asked for. */
#ifndef EXEC_SORT_BOUND_H
#define EXEC_SORT_BOUND_H

#include "exec/sorter.h"

struct sort_bound {
    struct program_state *limit, *offset; /* NULL: none */
};

status sort_bound_open(struct operator* op, struct sort_bound *b);
/* 0: all. */
status sort_bound_value(struct operator* op, const struct sort_bound *b, size_t *ret);
/* What the sorter has come to, for EXPLAIN. */
static inline enum plan_sort_method sort_method_of(const struct sorter *s) {
    return s->spilled ? PLAN_SORT_EXTERNAL : s->bound ? PLAN_SORT_TOP_N : PLAN_SORT_MEMORY;
}

#endif
