/* Shared and exclusive locks on keys that foreign keys refer to.
 *
 * They stand in the lock table beside those on relations, under numbers that no relation has. A key
 * is locked under its tree (ROW SHARE or ROW EXCLUSIVE there, ROW SHARE or EXCLUSIVE of its own),
 * so that a transaction with many of them takes the whole tree instead (SHARE, EXCLUSIVE) and still
 * meets the others. */
#include "catalog/catalog_table.h"
#include "table/internal.h"
#include "txn/version.h"

#define KEY_LOCKS 0x80000000u
#define KEY_LOCKS_MAX (TXN_RELATION_LOCKS / 2)

static uint32_t lock_number(struct tree t, const void *key, size_t key_len) {
    return KEY_LOCKS | (uint32_t)(txn_row_hash(t, key, key_len) >> 33);
}

static status lock(struct sql_env *env, uint32_t number, enum relation_mode mode) {
    status s =
        txn_lock_relation(env->proc, env->txn, number, mode, false, env->settings->lock_timeout_ms);
    if (status_is(s, ST_DEADLOCK_DETECTED))
        return error_set(env->eval.error, s.code, "deadlock detected");
    if (status_is(s, ST_LOCK_NOT_AVAILABLE))
        return error_set(env->eval.error, s.code, "canceling statement due to lock timeout");
    return s;
}

status table_lock_key(struct sql_env *env, struct tree t, const void *key, size_t key_len,
                      bool exclusive) {
    uint32_t whole = lock_number(t, "", 0);
    if (env->txn->locks >= KEY_LOCKS_MAX)
        return lock(env, whole, exclusive ? MODE_EXCLUSIVE : MODE_SHARE);
    TRY(lock(env, whole, exclusive ? MODE_ROW_EXCLUSIVE : MODE_ROW_SHARE));
    return lock(env, lock_number(t, key, key_len), exclusive ? MODE_EXCLUSIVE : MODE_ROW_SHARE);
}

status table_find_key(struct sql_env *env, struct tree t, const void *key, size_t key_len) {
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    bool fixed = env->txn->isolation != ISO_READ_COMMITTED;
    TRY(table_lock_key(env, t, key, key_len, false));
    for (;;) {
        TRY(tree_get(env->proc, t, key, key_len, buf, &e));
        bool own = stamp_is_txid(e.stamp) && stamp_txid(e.stamp) == env->txn->writer.x;
        bool deleted = e.flags & ENTRY_DELETED;
        if (own) return deleted ? STATUS(NOT_FOUND) : OK;
        bool running =
            stamp_is_txid(e.stamp) && txn_is_running(env->proc, stamp_txid(e.stamp), NULL);
        if (running && deleted) {
            TRY(table_wait(env, e.stamp, t, key, key_len));
            continue;
        }
        if (!running && deleted) return STATUS(NOT_FOUND);
        if (!running && !fixed) return OK;
        /* Somebody adds it, or changes a row that was there. */
        struct snapshot now = catalog_snapshot(env);
        return version_visible(env->proc, fixed ? &env->snapshot : &now, &e, buf);
    }
}
