/* load.h: many new rows of one table. Those whose keys come in order behind all others are put by
 * whole leaves (tree_fill); others as table_insert does. Until table_load_flush they may not be in
 * the table yet. */
#ifndef TABLE_LOAD_H
#define TABLE_LOAD_H

#include "table/table.h"

struct table_load {
    struct sql_env *env;
    const struct relation *relation;
    bool by_leaves; /* the table is one of which rows may wait */
    bool queued;    /* some do */
    uint64_t rows;
    unsigned skips, patience; /* rows put at once before the end of the table is looked at again */
    struct arena arena;
    struct tree_fill fill;
    struct tree_cursor end;
    struct buf last; /* the greatest key queued */
};

void table_load_init(struct table_load *l, struct sql_env *env, const struct relation *r);
/* As table_insert. What is in the way of a row that waited (another transaction's, of the last
 * moment) is told of by a later call. */
status table_load_row(struct table_load *l, const datum *values, const uint8_t *nulls);
/* All rows are in the table. */
status table_load_flush(struct table_load *l);
/* Also after a failure; rows that wait are lost. */
void table_load_end(struct table_load *l);

#endif
