/* Adding, changing and removing rows, with their index entries.
 *
 * The row's own entry comes first: its stamp is the row's lock, and whoever holds it is the only
 * one to touch the row's index entries. What fails in the middle is undone by the statement's
 * rollback. */
#include <string.h>

#include "base/bytes.h"
#include "base/control.h"
#include "catalog/changes.h"
#include "table/build.h"
#include "table/internal.h"
#include "table/large.h"
#include "txn/serial.h"
#include "txn/version.h"

/* What most keys and rows fit into. */
#define KEY_ROOM 128
#define ROW_ROOM 1024

status table_wait(struct sql_env *env, stamp holder, struct tree t, const void *key,
                  size_t key_len) {
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    struct txn_blocker other;
    if (!txn_blocker_of(env->proc->shm, stamp_txid(holder), &other)) return OK;
    status s = tree_get(env->proc, t, key, key_len, buf, &e);
    if (status_is(s, ST_NOT_FOUND) || (ok(s) && e.stamp != holder)) return OK;
    TRY(s);
    return table_wait_for(env, other, txn_row_hash(t, key, key_len));
}

status table_wait_for(struct sql_env *env, struct txn_blocker other, uint64_t row) {
    status s = txn_wait_for(env->proc, env->txn, other, row, env->settings->lock_timeout_ms);
    switch (s.code) {
    case ST_OK: return OK;
    case ST_DEADLOCK_DETECTED:
        s = error_set(env->eval.error, s.code, "deadlock detected");
        error_detail(env->eval.error, "The wait would have closed a circle.");
        error_hint(env->eval.error, "See server log for query details.");
        return s;
    case ST_LOCK_NOT_AVAILABLE:
        return error_set(env->eval.error, s.code, "canceling statement due to lock timeout");
    case ST_QUERY_CANCELED:
        TRY(sql_env_breathe(env)); /* knows why */
        return error_set(env->eval.error, s.code, "canceling statement due to user request");
    default: return catalog_error(env, s);
    }
}

/* Others may have read what was just written. */
static status note_write(struct sql_env *env, struct tree t, const void *key, size_t key_len) {
    if (!env->txn->serial) return OK;
    return serial_words(env->eval.error, serial_wrote(env->proc, env->txn, t, key, key_len));
}

/* A duplicate is looked at as if it had been written: who has read that it is not there hears of
 * that rather than of the duplicate. */
static status put_entry(struct sql_env *env, struct tree t, const struct buf *key,
                        const struct tree_value *value) {
    for (;;) {
        struct tree_found found = {0};
        status s = tree_insert_value(env->proc, &env->txn->writer, t, key->data, key->len, value,
                                     txn_is_running, &found);
        if (ok(s) || status_is(s, ST_EXISTS)) TRY(note_write(env, t, key->data, key->len));
        if (!status_is(s, ST_ROW_BUSY)) return s;
        TRY(table_wait(env, found.stamp, t, key->data, key->len));
    }
}

status table_put_entry(struct sql_env *env, struct tree t, const struct buf *key,
                       const struct buf *value) {
    return put_entry(env, t, key, &(struct tree_value){value->data, value->len, false});
}

static struct tree_value value_of(const struct large_row *row) {
    return (struct tree_value){row->bytes.data, row->bytes.len, row->references != NULL};
}

status table_put_value(struct sql_env *env, const struct relation *r, struct buf *key,
                       const struct tree_value *value) {
    status s;
    while (status_is(s = put_entry(env, r->tree, key, value), ST_EXISTS) && !r->primary)
        TRY(table_draw_row_id(env, r, true, key));
    return s;
}

status table_put_row(struct sql_env *env, const struct relation *r, struct buf *key,
                     const struct large_row *row) {
    struct tree_value value = value_of(row);
    return table_put_value(env, r, key, &value);
}

status table_form_row(struct sql_env *env, const struct relation *r, const datum *values,
                      const uint8_t *nulls, const struct large_old *old, struct buf *key,
                      struct large_row *row) {
    if (r->primary) {
        bool has_null;
        TRY(table_index_key(env, r, r->primary, values, nulls, key, &has_null));
        if (key->len > TREE_KEY_BYTES_MAX) return table_key_too_long(env, key->len, r->primary);
    } else if (key->len == 0) {
        TRY(table_draw_row_id(env, r, false, key));
    }
    return large_form(env, r, key->len, values, nulls, old, env->eval.arena, row);
}

static status insert_index_entry(struct sql_env *env, const struct relation *r,
                                 const struct index_desc *index, const struct buf *row_key,
                                 const datum *values, const uint8_t *nulls, bool create) {
    struct index_entry e = {0};
    status s;
    if (!index->live) return OK;
    TRY_OUT(s, table_index_entry(env, r, index, row_key->data, row_key->len, values, nulls, &e));
    if (e.none) goto out;
    s = table_put_entry(env, index->tree, &e.key, &e.value);
    if (status_is(s, ST_EXISTS) && !index->ready) s = OK;
    if (status_is(s, ST_EXISTS) && !e.unique) s = STATUS(INDEX_CORRUPTED);
    if (status_is(s, ST_EXISTS) && create)
        s = table_unique_error(env, r, index, values, nulls, true);
out:
    table_index_entry_free(&e);
    return s;
}

status table_insert_keyed(struct sql_env *env, const struct relation *r, const datum *values,
                          const uint8_t *nulls, bool do_nothing_on_conflict, struct buf *ret_key) {
    char key_room[KEY_ROOM], row_room[ROW_ROOM];
    struct buf key;
    struct large_row row = {0};
    buf_borrow(&key, key_room, sizeof key_room);
    buf_borrow(&row.bytes, row_room, sizeof row_room);
    struct arena_mark outer = arena_mark(env->eval.arena);
    const struct index_desc *conflict = r->primary;
    struct txn_mark mark = txn_mark(env->txn);
    status s;
    TRY_OUT(s, txn_need_id(env->proc, env->txn));
    TRY_OUT(s, table_form_row(env, r, values, nulls, NULL, &key, &row));
    s = table_put_row(env, r, &key, &row);
    for (uint16_t i = 0; ok(s) && i < r->nindexes; i++) {
        conflict = &r->indexes[i];
        s = insert_index_entry(env, r, conflict, &key, values, nulls, false);
    }
    if (status_is(s, ST_EXISTS)) {
        if (!do_nothing_on_conflict)
            s = table_unique_error(env, r, conflict, values, nulls, false);
        else if (!ok(txn_rollback_to(env->proc, env->txn, mark)))
            s = STATUS(INTERNAL_ERROR);
    }
    if (ok(s)) catalog_note_change(env->catalog, r, env->txn->writer.x);
    if (ok(s) && ret_key) s = buf_add(ret_key, key.data, key.len);
out:
    buf_free(&key);
    buf_free(&row.bytes);
    if (row.references) arena_rewind(env->eval.arena, outer);
    return s;
}

status table_changed(struct sql_env *env, bool deleted) {
    if (env->txn->isolation == ISO_READ_COMMITTED) return STATUS(ROW_CHANGED);
    return error_set(env->eval.error, ST_SERIALIZATION_FAILURE,
                     "could not serialize access due to concurrent %s",
                     deleted ? "delete" : "update");
}

/* The newest version is not `expected`, but may only lock it: then *expected becomes that. */
static status look_behind_locks(struct sql_env *env, const struct relation *r, const void *key,
                                size_t key_len, bool lock, lsn *expected) {
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    bool same = false;
    status s = tree_get(env->proc, r->tree, key, key_len, buf, &e);
    if (status_is(s, ST_NOT_FOUND)) return table_changed(env, !lock);
    TRY(s);
    TRY(table_same_version(env, e, *expected, ROW_UPDATE, &same));
    if (!same) return table_changed(env, !lock && e.flags & ENTRY_DELETED);
    *expected = e.lsn;
    return OK;
}

static status write_once(struct sql_env *env, const struct relation *r, const void *key,
                         size_t key_len, lsn expected, const struct tree_value *row,
                         struct tree_guard *guard, struct tree_found *found) {
    struct tree_writer *w = &env->txn->writer;
    w->guard = guard;
    status s =
        row ? tree_update_value(env->proc, w, r->tree, key, key_len, expected, row, txn_is_running,
                                found)
            : tree_delete(env->proc, w, r->tree, key, key_len, expected, txn_is_running, found);
    w->guard = NULL;
    return s;
}

status table_write_version(struct sql_env *env, const struct relation *r, const void *key,
                           size_t key_len, lsn expected, const struct tree_value *row,
                           struct row_wish wish, struct tree_found *found) {
    struct row_guard g = table_guard(env, r, key, key_len, wish.mode);
    if (wish.lock) g.guard.new_flags |= ENTRY_LOCK;
    for (;;) {
        status s = write_once(env, r, key, key_len, expected, row, &g.guard, found);
        if (ok(s)) return note_write(env, r->tree, key, key_len);
        if (status_is(s, ST_ROW_CHANGED) || status_is(s, ST_NOT_FOUND)) {
            TRY(look_behind_locks(env, r, key, key_len, wish.lock, &expected));
            continue;
        }
        if (!status_is(s, ST_ROW_BUSY) || wish.nowait) return s;
        if (g.guard.blocked)
            TRY(table_wait_for(env, g.blocker, 0));
        else
            TRY(table_wait(env, found->stamp, r->tree, key, key_len));
        g.guard.blocked = false;
    }
}

/* The same, with the large values of both versions: those of the old one go, and those of the new
 * one when it is not written. */
static status replace_row(struct sql_env *env, const struct relation *r, const void *key,
                          size_t key_len, lsn expected, const struct large_row *kept,
                          const struct large_row *row, enum row_lock mode) {
    unsigned char old[TREE_ENTRY_BYTES_MAX];
    struct tree_found found = {.value = old};
    struct tree_value value;
    if (row) value = value_of(row);
    status s = table_write_version(env, r, key, key_len, expected, row ? &value : NULL,
                                   (struct row_wish){.mode = mode}, &found);
    if (status_is(s, ST_ROW_CHANGED) && kept) TRY(large_discard(env, r, kept));
    if (ok(s) && found.flags & ENTRY_LARGE) s = large_delete(env, r, old, found.value_len, kept);
    return s;
}

/* We hold the row, so its entries are ours: they are there, and nobody else writes them. */
static status delete_index_entry(struct sql_env *env, struct tree t, const struct buf *key) {
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry found;
    TRY(tree_get(env->proc, t, key->data, key->len, buf, &found));
    TRY(tree_delete(env->proc, &env->txn->writer, t, key->data, key->len, found.lsn, txn_is_running,
                    NULL));
    return note_write(env, t, key->data, key->len);
}

static bool same_bytes(const struct buf *a, const struct buf *b) {
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* An update that changes nothing of what is indexed writes nothing to the index. */
static bool same_entry(const struct index_entry *a, const struct index_entry *b) {
    return same_bytes(&a->key, &b->key) && same_bytes(&a->value, &b->value);
}

/* Moves an index from the row's old values to the new ones; values NULL: the row is gone. */
static status move_index_entry(struct sql_env *env, const struct relation *r,
                               const struct index_desc *index, const struct buf *old_key,
                               const struct buf *new_key, const datum *old_values,
                               const uint8_t *old_nulls, const datum *values,
                               const uint8_t *nulls) {
    struct index_entry before = {0}, after = {0};
    status s;
    if (!index->live) return OK;
    TRY_OUT(s, table_index_entry(env, r, index, old_key->data, old_key->len, old_values, old_nulls,
                                 &before));
    if (values)
        TRY_OUT(s, table_index_entry(env, r, index, new_key->data, new_key->len, values, nulls,
                                     &after));
    bool leaves = !before.none, enters = values && !after.none;
    if (leaves && enters && same_entry(&before, &after)) goto out;
    if (leaves && !index->valid)
        s = table_leave_unbuilt(env, index, &before.key, &before.value);
    else if (leaves)
        s = delete_index_entry(env, index->tree, &before.key);
    if (status_is(s, ST_NOT_FOUND) || status_is(s, ST_ROW_BUSY)) s = STATUS(INDEX_CORRUPTED);
    if (ok(s) && enters) s = table_put_entry(env, index->tree, &after.key, &after.value);
    if (status_is(s, ST_EXISTS) && !index->ready) s = OK;
    if (status_is(s, ST_EXISTS)) s = table_unique_error(env, r, index, values, nulls, false);
out:
    table_index_entry_free(&before);
    table_index_entry_free(&after);
    return s;
}

static bool same_datums(const struct index_desc *index, const datum *old_values,
                        const uint8_t *old_nulls, const datum *values, const uint8_t *nulls) {
    for (uint16_t i = 0; i < index->nkeys; i++) {
        int16_t att = index->columns[i];
        if (att <= 0 || old_nulls[att - 1] != nulls[att - 1] ||
            memcmp(&old_values[att - 1], &values[att - 1], sizeof *values) != 0)
            return false;
    }
    return true;
}

/* Does what a foreign key could refer to change (the primary key aside)? */
static status keys_change(struct sql_env *env, const struct relation *r, const datum *old_values,
                          const uint8_t *old_nulls, const datum *values, const uint8_t *nulls,
                          bool *ret) {
    for (uint16_t i = 0; i < r->nindexes && !*ret; i++) {
        const struct index_desc *x = &r->indexes[i];
        if (!x->unique || x->computed || same_datums(x, old_values, old_nulls, values, nulls))
            continue;
        struct buf before = {0}, after = {0};
        bool has_null;
        status s = table_index_key(env, r, x, old_values, old_nulls, &before, &has_null);
        if (ok(s)) s = table_index_key(env, r, x, values, nulls, &after, &has_null);
        *ret = ok(s) && !same_bytes(&before, &after);
        buf_free(&before);
        buf_free(&after);
        TRY(s);
    }
    return OK;
}

status table_update(struct sql_env *env, const struct relation *r, const void *key, size_t key_len,
                    lsn expected, const datum *old_values, const uint8_t *old_nulls,
                    const datum *values, const uint8_t *nulls) {
    struct buf old_key = {.data = (char *)key, .len = key_len};
    struct buf new_key = {0};
    struct large_row row = {0};
    struct large_old old = {key, key_len, expected, old_values, old_nulls};
    struct arena_mark outer = arena_mark(env->eval.arena);
    status s;
    TRY_OUT(s, txn_need_id(env->proc, env->txn));
    if (!r->primary) TRY_OUT(s, buf_add(&new_key, key, key_len));
    TRY_OUT(s, table_form_row(env, r, values, nulls, &old, &new_key, &row));
    if (new_key.len == key_len && memcmp(new_key.data, key, key_len) == 0) {
        bool keys = false;
        TRY_OUT(s, keys_change(env, r, old_values, old_nulls, values, nulls, &keys));
        enum row_lock mode = keys ? ROW_UPDATE : ROW_NO_KEY_UPDATE;
        TRY_OUT(s, replace_row(env, r, key, key_len, expected, &row, &row, mode));
    } else {
        TRY_OUT(s, replace_row(env, r, key, key_len, expected, &row, NULL, ROW_UPDATE));
        s = table_put_row(env, r, &new_key, &row);
        if (status_is(s, ST_EXISTS))
            s = table_unique_error(env, r, r->primary, values, nulls, false);
    }
    for (uint16_t i = 0; ok(s) && i < r->nindexes; i++)
        s = move_index_entry(env, r, &r->indexes[i], &old_key, &new_key, old_values, old_nulls,
                             values, nulls);
    if (ok(s)) catalog_note_change(env->catalog, r, env->txn->writer.x);
out:
    buf_free(&new_key);
    buf_free(&row.bytes);
    if (row.references) arena_rewind(env->eval.arena, outer);
    return s;
}

status table_delete(struct sql_env *env, const struct relation *r, const void *key, size_t key_len,
                    lsn expected, const datum *old_values, const uint8_t *old_nulls) {
    struct buf old_key = {.data = (char *)key, .len = key_len};
    TRY(txn_need_id(env->proc, env->txn));
    TRY(replace_row(env, r, key, key_len, expected, NULL, NULL, ROW_UPDATE));
    for (uint16_t i = 0; i < r->nindexes; i++)
        TRY(move_index_entry(env, r, &r->indexes[i], &old_key, NULL, old_values, old_nulls, NULL,
                             NULL));
    catalog_note_change(env->catalog, r, env->txn->writer.x);
    return OK;
}

/* ---- whole relations ------------------------------------------------------------------------- */

static status for_each_row(struct sql_env *env, const struct relation *from, const bool *needed,
                           status (*fn)(struct sql_env *env, const void *arg,
                                        const struct tree_entry *e, const datum *values,
                                        const uint8_t *nulls),
                           const void *arg) {
    struct arena *a = env->eval.arena;
    struct arena_mark outer = arena_mark(a);
    datum *values = arena_array(a, from->natts, sizeof *values);
    uint8_t *nulls = arena_array(a, from->natts, 1);
    if (!values || !nulls) return STATUS(OUT_OF_MEMORY);
    struct table_scan scan;
    TRY(table_scan_begin(env, &scan, a, from, NULL, (struct table_bound){0},
                         (struct table_bound){0}, false));
    struct tree_entry e;
    status s;
    while (ok(s = table_scan_next(&scan, &e))) {
        struct arena_mark mark = arena_mark(a);
        TRY_OUT(s, table_deform(env, from, &e, from->natts, needed, values, nulls, a));
        TRY_OUT(s, fn(env, arg, &e, values, nulls));
        arena_rewind(a, mark);
    }
    if (status_is(s, ST_END)) s = OK;
out:
    table_scan_end(&scan);
    arena_rewind(a, outer);
    return s;
}

status table_copy_row(struct sql_env *env, const struct relation *to, const datum *values,
                      const uint8_t *nulls) {
    struct buf key = {0};
    struct large_row row = {0};
    struct arena_mark outer = arena_mark(env->eval.arena);
    status s;
    TRY_OUT(s, table_form_row(env, to, values, nulls, NULL, &key, &row));
    s = table_put_row(env, to, &key, &row);
    if (status_is(s, ST_EXISTS)) s = table_unique_error(env, to, to->primary, values, nulls, true);
    for (uint16_t i = 0; ok(s) && i < to->nindexes; i++)
        s = insert_index_entry(env, to, &to->indexes[i], &key, values, nulls, true);
out:
    buf_free(&key);
    buf_free(&row.bytes);
    if (row.references) arena_rewind(env->eval.arena, outer);
    return s;
}

static status copy_row(struct sql_env *env, const void *arg, const struct tree_entry *,
                       const datum *values, const uint8_t *nulls) {
    return table_copy_row(env, arg, values, nulls);
}

status table_rewrite(struct sql_env *env, const struct relation *from, const struct relation *to) {
    TRY(txn_need_id(env->proc, env->txn));
    return for_each_row(env, from, NULL, copy_row, to);
}

status table_drop_tree(struct sql_env *env, struct tree t) {
    return txn_drop_tree(env->proc, env->txn, t);
}
