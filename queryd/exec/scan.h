/* scan.h: the scan operator, between its files. */
#ifndef EXEC_SCAN_H
#define EXEC_SCAN_H

#include "exec/bitmap.h"

struct list_key {
    uint32_t offset, len; /* in prefixes */
};

/* Columns that the filter does not read are taken out of the rows that passed it, as long as it
 * lets but few pass. */
struct late {
    bool possible, on;    /* … for the batch at hand */
    bool *early, *chosen; /* attributes of either kind */
    bool *is_early;       /* columns */
    uint16_t early_wanted;
    struct tree_entry *rows; /* their values in the batch's arena */
    uint64_t given, passed;
};

struct scan {
    struct operator op;
    const struct relation *relation;
    const struct index_desc *index; /* NULL: the rows themselves */
    struct program_state *values;
    struct table_scan scan;
    bool bounds_ready, scanning, done;
    struct buf prefix, low, high;
    char prefix_room[64]; /* where the prefix begins: most keys are short */
    bool empty;
    struct list_key *keys; /* of a list: each item's prefix, sorted */
    uint32_t nkeys, key_at;
    struct arena bounds_arena;
    struct arena scan_arena; /* of the table scan under way */
    unsigned char *row_buf;  /* TREE_ENTRY_BYTES_MAX, for table_get */
    datum *row_values;       /* wanted attributes of one row */
    uint8_t *row_nulls;
    bool *chosen; /* … those that are columns of the output */
    struct late late;
    struct key_set *keys_found; /* bitmap: of the rows to read */
    struct table_fetch fetch;
    bool gathered;
};

/* scan_bounds.c */
/* The key range or the keys, of the values as they are now. */
status scan_make_bounds(struct scan *s);
/* The table scan over the range; over the next key of the list. */
status scan_begin_range(struct scan *s);
status scan_begin_list_item(struct scan *s);

#endif
