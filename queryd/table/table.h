/* table.h: rows of a relation with all its indexes: what executor, COPY and definitions call.
 *
 * Constraint expressions and defaults are the caller's (exec); here are keys: primary and unique
 * ones are checked, indexes kept in step, rows versioned, writers waited for. Errors carry
 * PostgreSQL's words. A non-unique index entry is (columns, primary key) → nothing; a unique one is
 * (columns) → primary key, and with a null among them (columns, primary key) → primary key. Index
 * entries are versioned like rows, so what a scan finds in an index under its snapshot is true of
 * the row. */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include "catalog/catalog.h"
#include "types/row.h"

/* A row as read: its values may point into the arena given to the reader. */
struct table_row {
    struct tree_entry entry; /* key: the row's address; lsn: its version */
};

/* Waits for a transaction (txn_wait_for), with PostgreSQL's words when the wait is refused or
 * broken off. */
status table_wait_for(struct sql_env *env, struct txn_blocker other, uint64_t row);

/* Adds a row. values and nulls: natts of them, complete. UNIQUE_VIOLATION with words, ST_EXISTS
 * without when do_nothing_on_conflict (then nothing was added). ret_key: the row's key is appended
 * there, unless NULL. */
status table_insert_keyed(struct sql_env *env, const struct relation *r, const datum *values,
                          const uint8_t *nulls, bool do_nothing_on_conflict, struct buf *ret_key);
static inline status table_insert(struct sql_env *env, const struct relation *r,
                                  const datum *values, const uint8_t *nulls,
                                  bool do_nothing_on_conflict) {
    return table_insert_keyed(env, r, values, nulls, do_nothing_on_conflict, NULL);
}

/* Changes the row at key whose version is `expected` from old to new values; the key may change.
 * ROW_CHANGED: it is not the newest version (under REPEATABLE READ: SERIALIZATION_FAILURE with
 * words instead); read it again with table_recheck and decide. Waits for running writers. */
status table_update(struct sql_env *env, const struct relation *r, const void *key, size_t key_len,
                    lsn expected, const datum *old_values, const uint8_t *old_nulls,
                    const datum *values, const uint8_t *nulls);
status table_delete(struct sql_env *env, const struct relation *r, const void *key, size_t key_len,
                    lsn expected, const datum *old_values, const uint8_t *old_nulls);
/* PostgreSQL's modes of row locks. UPDATE takes NO KEY UPDATE when it leaves the columns of unique
 * indexes alone, else UPDATE, as DELETE does; foreign keys take KEY SHARE of what they refer to. */
enum row_lock { ROW_KEY_SHARE, ROW_SHARE, ROW_NO_KEY_UPDATE, ROW_UPDATE };
/* After ROW_CHANGED in READ COMMITTED: the newest committed version of the row (waits for a running
 * writer that excludes the mode; nowait: ROW_BUSY instead). NOT_FOUND: it is gone: leave the row
 * out. buf: TREE_ENTRY_BYTES_MAX. */
status table_recheck(struct sql_env *env, const struct relation *r, const void *key, size_t key_len,
                     enum row_lock mode, bool nowait, void *buf, struct tree_entry *ret_entry);
/* SELECT … FOR …: locks the row until the transaction ends or goes back to a savepoint before.
 * ROW_CHANGED: as of table_update. nowait: ROW_BUSY instead of waiting for whoever has it. */
status table_lock_row(struct sql_env *env, const struct relation *r, const void *key,
                      size_t key_len, lsn expected, enum row_lock mode, bool nowait);

/* Looks whether the key of a unique index is there now (REPEATABLE READ: in the snapshot as well)
 * and locks its row FOR KEY SHARE. Waits for whoever is taking it away. NOT_FOUND. */
status table_find_key(struct sql_env *env, const struct relation *r, const struct index_desc *index,
                      const void *key, size_t key_len);

/* One row by its whole primary key bytes. NOT_FOUND. buf: TREE_ENTRY_BYTES_MAX. */
status table_get(struct sql_env *env, const struct relation *r, const void *key, size_t key_len,
                 void *buf, struct tree_entry *ret_entry);

/* Scan of a relation's rows under the statement's snapshot, in the order of the primary key
 * (index NULL or primary) or of an index. low/high: encoded key prefixes; NULL: open end. */
struct table_scan {
    struct sql_env *env;
    const struct relation *relation;
    const struct index_desc *index; /* NULL: the rows themselves */
    struct tree_cursor cursor;
    struct buf low, high;
    bool low_exclusive, high_exclusive;
    bool backward, begun, done;
    bool entries; /* set after begin: of an index, its entries are given instead of the rows */
    unsigned char *version_buf; /* TREE_ENTRY_BYTES_MAX, from the arena */
    unsigned char *row_buf;
    unsigned breath;
    uint64_t looked_at; /* the cursor's leaf of which is known … */
    bool inside;        /* … that none of its entries is out of bounds */
    /* Of an index: rows of so many entries to come are asked for, those of `asked` have been; rows
     * in a row that were in memory. */
    unsigned ahead, asked, present;
};
struct table_bound {
    const void *bytes; /* NULL: open */
    size_t len;
    bool exclusive; /* excludes every key that begins with these bytes */
};
status table_scan_begin(struct sql_env *env, struct table_scan *s, struct arena *a,
                        const struct relation *r, const struct index_desc *index,
                        struct table_bound low, struct table_bound high, bool backward);
/* The next visible row: its key and value (row bytes) until the following call. END. */
status table_scan_next(struct table_scan *s, struct tree_entry *ret_entry);
void table_scan_end(struct table_scan *s);
/* Rows by their keys, each greater than the one before. Where several of a leaf are asked for, the
 * leaf is copied; where few are, rows are looked up one by one. */
struct table_fetch {
    struct sql_env *env;
    const struct relation *relation;
    struct tree_cursor cursor;
    bool begun, scattered;
    uint64_t copied;            /* leaves, by the cursor, when its trial began */
    uint32_t asked;             /* rows since then */
    uint64_t leaves;            /* looked into, in all */
    unsigned char *version_buf; /* TREE_ENTRY_BYTES_MAX, from the arena */
};
status table_fetch_begin(struct sql_env *env, struct table_fetch *f, struct arena *a,
                         const struct relation *r);
/* From the least key again. */
void table_fetch_restart(struct table_fetch *f);
/* The row as the statement sees it, until the following call. NOT_FOUND: it sees none. */
status table_fetch_row(struct table_fetch *f, const void *key, size_t key_len,
                       struct tree_entry *ret_entry);
/* The row's key that an index entry leads to, in the entry's memory. INDEX_CORRUPTED. */
status table_row_key(const struct index_desc *index, const struct tree_entry *e,
                     const unsigned char **ret_key, size_t *ret_len);

/* The first `wanted` attributes of a row as read; values are put into the arena. needed: one byte
 * an attribute; of what is 0 no more than null or not and the length may be looked at afterwards
 * when that is above 1024 bytes (NULL: all are needed). So large values that nobody wants are not
 * read. DATA_CORRUPTED; SNAPSHOT_TOO_OLD: a version of the
 * past whose large values are gone. */
status table_deform_large(struct sql_env *env, const struct relation *r, const struct tree_entry *e,
                          uint16_t wanted, const bool *needed, datum *values, uint8_t *nulls,
                          struct arena *a);
static inline status table_deform(struct sql_env *env, const struct relation *r,
                                  const struct tree_entry *e, uint16_t wanted, const bool *needed,
                                  datum *values, uint8_t *nulls, struct arena *a) {
    if (!(e->flags & ENTRY_LARGE))
        return row_deform(r->row, e->value, e->value_len, wanted, values, nulls, a);
    return table_deform_large(env, r, e, wanted, needed, values, nulls, a);
}

/* A version that this statement itself has written, and does not see. */
static inline bool table_is_own_new(const struct sql_env *env, const struct tree_entry *e) {
    return stamp_is_txid(e->stamp) && stamp_txid(e->stamp) == env->txn->writer.x &&
           e->lsn.at >= env->snapshot.own.at;
}

/* Key bytes of a row for an index (or the primary key). NOT_FOUND: the index's predicate leaves the
 * row out. */
status table_index_key(struct sql_env *env, const struct relation *r,
                       const struct index_desc *index, const datum *values, const uint8_t *nulls,
                       struct buf *out, bool *ret_has_null);

struct table_sort;
/* Who evaluates the expressions of indexes, and sorts; registered once at process start. */
struct table_hooks {
    /* The key values of a row in a computed index, in env->eval.arena. *ret_included: the predicate
     * is true; else there are no values. */
    status (*index_row)(struct sql_env *env, const struct relation *r,
                        const struct index_desc *index, const datum *values, const uint8_t *nulls,
                        datum *ret_values, uint8_t *ret_nulls, bool *ret_included);
    /* Sorting byte strings within maintenance_work_mem, and beyond in temporary space; equal ones
     * are given once. sort_next: until the following call; *ret NULL: that was the last. */
    status (*sort_new)(struct sql_env *env, struct table_sort **ret);
    status (*sort_add)(struct table_sort *s, const void *bytes, size_t len);
    status (*sort_finish)(struct table_sort *s);
    status (*sort_next)(struct table_sort *s, const unsigned char **ret, uint32_t *ret_len);
    void (*sort_free)(struct table_sort *s);
};
extern const struct table_hooks *table_hooks;

/* Copies every visible row of `from` into `to` (another tree, other primary key, its own indexes
 * included): ALTER TABLE that moves rows. */
status table_rewrite(struct sql_env *env, const struct relation *from, const struct relation *to);
/* One such row, of `to`. UNIQUE_VIOLATION "could not create unique index …". */
status table_copy_row(struct sql_env *env, const struct relation *to, const datum *values,
                      const uint8_t *nulls);
/* Puts the tree of a relation or index at purge's disposal once the transaction has committed. */
status table_drop_tree(struct sql_env *env, struct tree t);

#endif
