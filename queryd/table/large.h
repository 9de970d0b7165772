/* large.h: values that do not fit into their row.
 *
 * A row of more bytes than an entry may have keeps its longest values elsewhere: in entries of the
 * table's own tree, behind all rows. Their keys are LARGE_KEY_FIRST, the value's number (u64) and
 * the piece's (u32), both big-endian; their values the pieces, LARGE_PIECE_BYTES each but the last.
 * The row refers to them (types/row.h) and is marked ENTRY_LARGE. So pieces are written, undone,
 * purged, recovered and dropped like rows, by the same code. A piece never changes; who sees the
 * row's version finds its pieces. */
#ifndef TABLE_LARGE_H
#define TABLE_LARGE_H

#include "table/table.h"
#include "types/row.h"

/* No key of a row begins so: those begin with a column's marker (types/key.h; primary keys have no
 * nulls) or are row ids, whose first byte is that of a time. */
#define LARGE_KEY_FIRST 0xFF

/* Two to a page. */
#define LARGE_PIECE_BYTES 3968u

/* A row in the making. */
struct large_row {
    struct buf bytes;
    struct row_reference *references; /* natts of them; NULL: the row is whole */
    uint8_t *written;                 /* 1: the value was written for this row */
};

/* The version that is to be replaced: what did not change is referred to again. */
struct large_old {
    const void *key;
    size_t key_len;
    lsn version;
    const datum *values;
    const uint8_t *nulls;
};

/* Appends the row's bytes to row->bytes, and writes what does not fit beside a key of that length.
 * old NULL: a new row. Memory of the lists is the arena's. PROGRAM_LIMIT_EXCEEDED with words:
 * nothing of the row can be moved any more. */
status large_form(struct sql_env *env, const struct relation *r, size_t key_len,
                  const datum *values, const uint8_t *nulls, const struct large_old *old,
                  struct arena *a, struct large_row *row);
/* The row will not be: takes away what was written for it. */
status large_discard(struct sql_env *env, const struct relation *r, const struct large_row *row);
/* A version with references has been replaced by `row` (NULL: by nothing): deletes the values that
 * the new one does not refer to. */
status large_delete(struct sql_env *env, const struct relation *r, const void *bytes, size_t len,
                    const struct large_row *row);

#endif
