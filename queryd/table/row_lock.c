/* Locks on rows, in PostgreSQL's four modes.
 *
 * FOR UPDATE and FOR NO KEY UPDATE are stamps: the row is rewritten with itself (ENTRY_LOCK), as an
 * UPDATE or DELETE would stamp it. FOR SHARE and FOR KEY SHARE, which several may hold, are noted
 * in the lock lists (txn.h). Who meets a running writer that leaves the key alone (ENTRY_NO_KEY)
 * can have FOR KEY SHARE at once, of the version before the writer's. */
#include "catalog/catalog_table.h"
#include "table/internal.h"
#include "txn/version.h"

/* ---- versions -------------------------------------------------------------------------------- */

/* One step back in the log. buf: TREE_ENTRY_BYTES_MAX. */
static status step_back(struct sql_env *env, struct tree_entry *e, void *buf) {
    _Alignas(8) char record[REC_BYTES_MAX];
    status s = log_read(env->proc, e->lsn, record);
    if (status_is(s, ST_STALE)) return STATUS(SNAPSHOT_TOO_OLD);
    TRY(s);
    return tree_version_before((const struct rec_head *)record, e, buf);
}

/* FOR KEY SHARE minds no version that left the key alone. */
status table_same_version(struct sql_env *env, struct tree_entry e, lsn expected,
                          enum row_lock mode, bool *ret_same) {
    char buf[TREE_ENTRY_BYTES_MAX];
    uint8_t passed = mode == ROW_KEY_SHARE ? ENTRY_LOCK | ENTRY_NO_KEY : ENTRY_LOCK;
    while (e.lsn.at != expected.at && e.flags & passed) TRY(step_back(env, &e, buf));
    *ret_same = e.lsn.at == expected.at && !(e.flags & ENTRY_DELETED);
    return OK;
}

/* Does the running writer of this version exclude the mode? */
static bool excludes(const struct tree_entry *e, enum row_lock mode) {
    return mode != ROW_KEY_SHARE || !(e->flags & ENTRY_NO_KEY);
}

/* From a running writer's version to the one before all of that writer's. NOT_FOUND: none. */
static status before_writer(struct sql_env *env, struct tree_entry *e, void *buf) {
    stamp writer = e->stamp;
    while (e->stamp == writer) {
        if (e->flags & ENTRY_FIRST) return STATUS(NOT_FOUND);
        TRY(step_back(env, e, buf));
    }
    return OK;
}

status table_recheck(struct sql_env *env, const struct relation *r, const void *key, size_t key_len,
                     enum row_lock mode, bool nowait, void *buf, struct tree_entry *ret_entry) {
    for (;;) {
        TRY(tree_get(env->proc, r->tree, key, key_len, buf, ret_entry));
        if (!version_is_own(env, ret_entry) && version_is_running(env, ret_entry)) {
            if (excludes(ret_entry, mode)) {
                if (nowait) return STATUS(ROW_BUSY);
                TRY(table_wait(env, ret_entry->stamp, r->tree, key, key_len));
                continue;
            }
            TRY(before_writer(env, ret_entry, buf));
        }
        return ret_entry->flags & ENTRY_DELETED ? STATUS(NOT_FOUND) : OK;
    }
}

/* ---- writers --------------------------------------------------------------------------------- */

static bool is_held(struct proc *p, struct tree_guard *g) {
    struct row_guard *row = (struct row_guard *)g;
    return txn_row_is_held(p, row->txn, row->row, row->whole, row->key, &row->blocker);
}

struct row_guard table_guard(struct sql_env *env, const struct relation *r, const void *key,
                             size_t key_len, enum row_lock mode) {
    return (struct row_guard){
        .guard = {.blocks = is_held, .new_flags = mode == ROW_UPDATE ? 0 : ENTRY_NO_KEY},
        .txn = env->txn,
        .row = txn_row_hash(r->tree, key, key_len),
        .whole = txn_row_hash(r->tree, "", 0),
        .key = mode == ROW_UPDATE,
    };
}

/* ---- shared ---------------------------------------------------------------------------------- */

struct note {
    struct sql_env *env;
    bool fresh;
};

static status note(struct sql_env *env, const struct relation *r, const void *key, size_t key_len,
                   enum row_lock mode, struct note *ret) {
    struct lock_tag tag = {LOCK_ROW, r->oid, txn_row_hash(r->tree, key, key_len)};
    enum relation_mode as = mode == ROW_SHARE ? MODE_ROW_SHARE : MODE_ACCESS_SHARE;
    ret->env = env;
    return txn_row_note(env->proc, env->txn, tag, txn_row_hash(r->tree, "", 0), as, &ret->fresh);
}

static void unnote(struct note *n) {
    if (n->fresh) txn_row_unnote(n->env->proc, n->env->txn);
    n->fresh = false;
}

/* The row as it is found after the note; ROW_BUSY: its writer excludes us. */
static status look(struct sql_env *env, const struct relation *r, const void *key, size_t key_len,
                   lsn expected, enum row_lock mode, void *buf, stamp *ret_writer) {
    struct tree_entry e;
    bool same = false;
    status s = tree_get(env->proc, r->tree, key, key_len, buf, &e);
    if (status_is(s, ST_NOT_FOUND)) return table_changed(env, false);
    TRY(s);
    if (!version_is_own(env, &e) && version_is_running(env, &e)) {
        *ret_writer = e.stamp;
        if (excludes(&e, mode)) return STATUS(ROW_BUSY);
        s = before_writer(env, &e, buf);
        if (status_is(s, ST_NOT_FOUND)) return table_changed(env, false);
        TRY(s);
    }
    TRY(table_same_version(env, e, expected, mode, &same));
    return same ? OK : table_changed(env, false);
}

static status lock_shared(struct sql_env *env, const struct relation *r, const void *key,
                          size_t key_len, lsn expected, enum row_lock mode, bool nowait) {
    char buf[TREE_ENTRY_BYTES_MAX];
    for (;;) {
        struct note n;
        stamp writer = 0;
        TRY(note(env, r, key, key_len, mode, &n));
        status s = look(env, r, key, key_len, expected, mode, buf, &writer);
        if (ok(s)) return OK;
        unnote(&n);
        if (!status_is(s, ST_ROW_BUSY) || nowait) return s;
        TRY(table_wait(env, writer, r->tree, key, key_len));
    }
}

static status lock_alone(struct sql_env *env, const struct relation *r, const void *key,
                         size_t key_len, lsn expected, enum row_lock mode, bool nowait) {
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    bool same;
    TRY(txn_need_id(env->proc, env->txn));
    status s = tree_get(env->proc, r->tree, key, key_len, buf, &e);
    if (status_is(s, ST_NOT_FOUND)) return table_changed(env, false);
    TRY(s);
    bool held = version_is_own(env, &e) && (mode == ROW_NO_KEY_UPDATE || !(e.flags & ENTRY_NO_KEY));
    if (held) {
        TRY(table_same_version(env, e, expected, mode, &same));
        return same ? OK : table_changed(env, false);
    }
    struct tree_value row = {e.value, e.value_len, (e.flags & ENTRY_LARGE) != 0};
    struct tree_found found = {0};
    return table_write_version(env, r, key, key_len, expected, &row,
                               (struct row_wish){.mode = mode, .lock = true, .nowait = nowait},
                               &found);
}

status table_lock_row(struct sql_env *env, const struct relation *r, const void *key,
                      size_t key_len, lsn expected, enum row_lock mode, bool nowait) {
    return mode <= ROW_SHARE ? lock_shared(env, r, key, key_len, expected, mode, nowait)
                             : lock_alone(env, r, key, key_len, expected, mode, nowait);
}

/* ---- keys that are referred to --------------------------------------------------------------- */

/* The row behind a live entry of the key, held by our note: is it there, and may we have it?
 * ROW_BUSY: *ret_writer may take it away. */
static status look_at_key(struct sql_env *env, const struct relation *r, const void *key,
                          size_t key_len, stamp *ret_writer) {
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    struct snapshot now = catalog_snapshot(env);
    TRY(tree_get(env->proc, r->tree, key, key_len, buf, &e));
    if (version_is_own(env, &e)) return OK;
    *ret_writer = e.stamp;
    bool busy = version_is_running(env, &e) && excludes(&e, ROW_KEY_SHARE);
    bool fixed = env->txn->isolation != ISO_READ_COMMITTED;
    TRY(version_visible(env->proc, fixed ? &env->snapshot : &now, &e, buf));
    return busy ? STATUS(ROW_BUSY) : OK;
}

/* Of an entry's key to the row's. */
static status row_key_of(struct sql_env *env, const struct index_desc *index,
                         const struct tree_entry *e, const void **ret_key, size_t *ret_len) {
    const unsigned char *key = e->key;
    *ret_len = e->key_len;
    if (!index->primary) TRY(table_row_key(index, e, &key, ret_len));
    *ret_key = arena_memdup(env->eval.arena, key, *ret_len);
    return *ret_key ? OK : STATUS(OUT_OF_MEMORY);
}

status table_find_key(struct sql_env *env, const struct relation *r, const struct index_desc *index,
                      const void *key, size_t key_len) {
    struct tree t = index->primary ? r->tree : index->tree;
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e, again;
    for (;;) {
        const void *row;
        size_t row_len;
        struct note n;
        stamp writer = 0;
        TRY(tree_get(env->proc, t, key, key_len, buf, &e));
        bool deleted = e.flags & ENTRY_DELETED;
        if (version_is_own(env, &e)) return deleted ? STATUS(NOT_FOUND) : OK;
        if (deleted && !version_is_running(env, &e)) return STATUS(NOT_FOUND);
        if (deleted) {
            TRY(table_wait(env, e.stamp, t, key, key_len));
            continue;
        }
        TRY(row_key_of(env, index, &e, &row, &row_len));
        TRY(note(env, r, row, row_len, ROW_KEY_SHARE, &n));
        status s = tree_get(env->proc, t, key, key_len, buf, &again);
        bool changed = status_is(s, ST_NOT_FOUND) || (ok(s) && again.flags & ENTRY_DELETED);
        if (ok(s) && !changed) s = look_at_key(env, r, row, row_len, &writer);
        if (ok(s) && !changed) return OK;
        unnote(&n);
        if (changed) continue;
        if (!status_is(s, ST_ROW_BUSY)) return s;
        TRY(table_wait(env, writer, r->tree, row, row_len));
    }
}
