/* internal.h: what the files of table/ share with one another and with nobody else. */
#ifndef TABLE_INTERNAL_H
#define TABLE_INTERNAL_H

#include "table/table.h"

static inline bool version_is_own(const struct sql_env *env, const struct tree_entry *e) {
    return stamp_is_txid(e->stamp) && stamp_txid(e->stamp) == env->txn->writer.x;
}
/* Its writer has not ended; true of one's own, too. */
static inline bool version_is_running(const struct sql_env *env, const struct tree_entry *e) {
    return stamp_is_txid(e->stamp) && txn_is_running(env->proc, stamp_txid(e->stamp), NULL);
}

/* The version that the statement sees; its reading may be one too many (txn/serial.h). */
status table_see(struct sql_env *env, struct tree_entry *e, void *buf);
/* The statement reads this key, there or not. */
status table_note_key(struct sql_env *env, struct tree t, const void *key, size_t key_len);

/* Waits for the running transaction behind `holder` on behalf of the row; with PostgreSQL's words
 * when the wait is refused or broken off. */
status table_wait(struct sql_env *env, stamp holder, struct tree t, const void *key,
                  size_t key_len);

/* What the writer of a row looks at under its latch: does somebody hold the row shared? */
struct row_guard {
    struct tree_guard guard;
    struct txn *txn;
    uint64_t row, whole;
    bool key;
    struct txn_blocker blocker;
};
struct row_guard table_guard(struct sql_env *env, const struct relation *r, const void *key,
                             size_t key_len, enum row_lock mode);

/* Writes a new version of the row (row NULL: deletes it), waiting for whoever holds it. lock: the
 * version is only a lock. ROW_BUSY when nowait; as of table_changed. found: of the version
 * replaced. */
struct row_wish {
    enum row_lock mode;
    bool lock, nowait;
};
status table_write_version(struct sql_env *env, const struct relation *r, const void *key,
                           size_t key_len, lsn expected, const struct tree_value *row,
                           struct row_wish wish, struct tree_found *found);
/* Is this version `expected` itself, or nothing more to who wants that mode: does it only lock it?
 */
status table_same_version(struct sql_env *env, struct tree_entry e, lsn expected,
                          enum row_lock mode, bool *ret_same);
/* ROW_CHANGED is READ COMMITTED's to decide; a fixed snapshot cannot go on: 40001. */
status table_changed(struct sql_env *env, bool deleted);

/* 23505 for the row's values in the index; create: the words of CREATE INDEX. */
status table_unique_error(struct sql_env *env, const struct relation *r,
                          const struct index_desc *index, const datum *values, const uint8_t *nulls,
                          bool create);

/* Entries of one index for one row: key, and the value that leads back to the row. */
struct index_entry {
    struct buf key;
    struct buf value;
    bool unique; /* the key alone decides whether there is a duplicate */
    bool none;   /* the predicate leaves the row out */
};
status table_index_entry(struct sql_env *env, const struct relation *r,
                         const struct index_desc *index, const void *row_key, size_t row_key_len,
                         const datum *values, const uint8_t *nulls, struct index_entry *e);
void table_index_entry_free(struct index_entry *e);

/* 54000 for a key of that length. */
status table_key_too_long(struct sql_env *env, size_t len, const struct index_desc *index);

/* Inserts one entry, waiting for writers in the way. EXISTS when a live entry is there. */
status table_put_entry(struct sql_env *env, struct tree t, const struct buf *key,
                       const struct buf *value);

/* The row's bytes, and its key: the primary key, or a new row id. Lists of a large row live in the
 * evaluation's arena. */
struct large_row;
struct large_old;
status table_form_row(struct sql_env *env, const struct relation *r, const datum *values,
                      const uint8_t *nulls, const struct large_old *old, struct buf *key,
                      struct large_row *row);
/* A new hidden row id, in place of what the buffer holds. again: the one drawn before is there
 * already. */
status table_draw_row_id(struct sql_env *env, const struct relation *r, bool again,
                         struct buf *key);

/* Inserts it. EXISTS; a hidden row id that is there already becomes another one. */
status table_put_row(struct sql_env *env, const struct relation *r, struct buf *key,
                     const struct large_row *row);
status table_put_value(struct sql_env *env, const struct relation *r, struct buf *key,
                       const struct tree_value *value);

#endif
