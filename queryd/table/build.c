/* Filling an index: the entries of all rows are sorted and put by whole leaves.
 *
 * Beside writers, an entry is put where there is none. Where there is one, somebody has been there
 * since the snapshot, and the row as it is now decides: who changed it has seen to the index. An
 * entry that was never there cannot be taken away, so whoever deletes one that is missing leaves a
 * delete mark in its place (table_leave_unbuilt); it stays while the builder's snapshot is in use.
 */
#include "table/build.h"

#include <string.h>

#include "base/bytes.h"
#include "catalog/progress.h"
#include "table/internal.h"
#include "txn/version.h"

#define LEAF_PERCENT 90

struct build {
    struct sql_env *env;
    const struct relation *r;
    const struct index_desc *index;
    bool beside; /* writers are at work */
    struct table_sort *sort;
    struct tree_fill fill;
    struct tree_writer system;
    struct arena arena;       /* of the queue and of one row */
    struct index_entry entry; /* of one row, with what is behind it when it is sorted */
    uint16_t wanted;          /* columns of a row, the first so many */
    datum *values;
    uint8_t *nulls;
    bool *needed;
    unsigned char *row_buf, *entry_buf; /* TREE_ENTRY_BYTES_MAX */
    struct buf last;                    /* key given before */
    uint64_t gathered, put;             /* entries */
};

/* ---- rows → entries, sorted ---- */

/* What is sorted: key, value, and the key's length behind them. Keys of an index are not beginnings
 * of one another, so the order is that of the keys. */
static status pack(struct index_entry *e) {
    uint16_t len = (uint16_t)e->key.len;
    TRY(buf_add(&e->key, e->value.data, e->value.len));
    return buf_add(&e->key, &len, sizeof len);
}

static bool unpack(const unsigned char *bytes, uint32_t len, struct tree_entry *ret) {
    uint16_t key_len;
    if (len < sizeof key_len) return false;
    len -= (uint32_t)sizeof key_len;
    key_len = load_le16(bytes + len);
    if (key_len > len) return false;
    *ret = (struct tree_entry){.key = bytes,
                               .key_len = key_len,
                               .value = bytes + key_len,
                               .value_len = (uint16_t)(len - key_len)};
    return true;
}

static status deform(struct build *b, const struct tree_entry *row) {
    return table_deform(b->env, b->r, row, b->wanted, b->needed, b->values, b->nulls,
                        b->env->eval.arena);
}

static status gather_row(struct build *b, const struct tree_entry *row) {
    struct index_entry *e = &b->entry;
    e->key.len = e->value.len = 0;
    TRY(deform(b, row));
    TRY(table_index_entry(b->env, b->r, b->index, row->key, row->key_len, b->values, b->nulls, e));
    if (e->none) return OK;
    TRY(pack(e));
    b->gathered++;
    return table_hooks->sort_add(b->sort, e->key.data, e->key.len);
}

static status gather(struct build *b) {
    struct table_scan scan;
    struct table_bound open = {0};
    struct tree_entry e;
    struct arena *a = b->env->eval.arena;
    TRY(table_scan_begin(b->env, &scan, &b->arena, b->r, NULL, open, open, false));
    progress_build_phase(b->env, PROGRESS_BUILD_SCAN, b->r->relpages, 0);
    status s;
    while (ok(s = table_scan_next(&scan, &e))) {
        struct arena_mark mark = arena_mark(a);
        s = gather_row(b, &e);
        arena_rewind(a, mark);
        if (!ok(s)) break;
        progress_blocks(b->env, PROGRESS_BLOCKS_TOTAL, PROGRESS_BLOCKS_DONE, scan.cursor.copied);
    }
    table_scan_end(&scan);
    TRY(status_is(s, ST_END) ? OK : s);
    progress_build_phase(b->env, PROGRESS_BUILD_SORT, 0, b->gathered);
    return table_hooks->sort_finish(b->sort);
}

/* ---- the row behind an entry ---- */

/* Its newest version, deformed; NOT_FOUND: it is gone. ROW_BUSY: *ret_holder runs. */
static status newest_row(struct build *b, const struct tree_entry *e, stamp *ret_holder,
                         const unsigned char **ret_key, size_t *ret_len) {
    struct tree_entry row;
    txid holder;
    TRY(table_row_key(b->index, e, ret_key, ret_len));
    TRY(tree_get(b->env->proc, b->r->tree, *ret_key, *ret_len, b->row_buf, &row));
    *ret_holder = row.stamp;
    TRY(version_newest(b->env->proc, &b->env->snapshot, &row, &holder));
    return deform(b, &row);
}

static status duplicate(struct build *b, const struct tree_entry *e) {
    const unsigned char *key;
    size_t len;
    stamp holder;
    status s = newest_row(b, e, &holder, &key, &len);
    if (ok(s)) return table_unique_error(b->env, b->r, b->index, b->values, b->nulls, true);
    return error_set(b->env->eval.error, ST_UNIQUE_VIOLATION,
                     "could not create unique index \"%s\"", b->index->name);
}

/* Does the row, as it is now, have this entry? Waits for whoever is changing it. */
static status row_has_entry(struct build *b, const struct tree_entry *e, bool *ret) {
    const unsigned char *key;
    size_t len;
    stamp holder;
    status s;
    *ret = false;
    for (;;) {
        s = newest_row(b, e, &holder, &key, &len);
        if (!status_is(s, ST_ROW_BUSY)) break;
        TRY(table_wait(b->env, holder, b->r->tree, key, len));
    }
    if (status_is(s, ST_NOT_FOUND)) return OK;
    TRY(s);
    struct index_entry now = {0};
    s = table_index_entry(b->env, b->r, b->index, key, len, b->values, b->nulls, &now);
    *ret = ok(s) && !now.none && now.key.len == e->key_len &&
           memcmp(now.key.data, e->key, e->key_len) == 0;
    table_index_entry_free(&now);
    return s;
}

/* ---- an entry in the way ---- */

static bool leads_to(const struct tree_entry *there, const struct tree_entry *e) {
    return there->value_len == e->value_len && memcmp(there->value, e->value, e->value_len) == 0;
}

/* The queue's first entry, where somebody has been meanwhile. AGAIN: things have changed once more.
 */
static status settle_once(struct build *b, const struct tree_entry *e) {
    struct tree t = b->index->tree;
    struct tree_entry there;
    struct tree_found found;
    bool has;
    status s = tree_get(b->env->proc, t, e->key, e->key_len, b->entry_buf, &there);
    if (status_is(s, ST_NOT_FOUND)) {
        there = (struct tree_entry){.flags = ENTRY_DELETED};
    } else {
        TRY(s);
        if (stamp_is_txid(there.stamp) &&
            txn_is_running(b->env->proc, stamp_txid(there.stamp), &(commit_time){0})) {
            TRY(table_wait(b->env, there.stamp, t, e->key, e->key_len));
            return STATUS(AGAIN);
        }
    }
    TRY(row_has_entry(b, e, &has));
    if (!has) return OK;
    if (!(there.flags & ENTRY_DELETED))
        return leads_to(&there, e)
                   ? OK
                   : table_unique_error(b->env, b->r, b->index, b->values, b->nulls, true);
    struct tree_value value = {e->value, e->value_len, false};
    b->system.last = LSN_NONE;
    s = tree_insert_over(b->env->proc, &b->system, t, e->key, e->key_len, there.lsn, &value,
                         txn_is_running, &found);
    return status_is(s, ST_EXISTS) || status_is(s, ST_ROW_BUSY) ? STATUS(AGAIN) : s;
}

static status settle_first(struct build *b) {
    struct tree_entry e;
    struct arena *a = b->env->eval.arena;
    if (!b->beside || !tree_fill_first(&b->fill, &e)) return STATUS(INDEX_CORRUPTED);
    status s;
    do {
        struct arena_mark mark = arena_mark(a);
        TRY(sql_env_breathe(b->env));
        s = settle_once(b, &e);
        arena_rewind(a, mark);
    } while (status_is(s, ST_AGAIN));
    if (ok(s)) tree_fill_skip(&b->fill);
    return s;
}

static status put(struct build *b, bool all) {
    for (;;) {
        TRY(sql_env_breathe(b->env));
        status s = tree_fill_put(b->env->proc, &b->fill, all, NULL);
        if (!status_is(s, ST_EXISTS) && !status_is(s, ST_ROW_BUSY)) return s;
        TRY(settle_first(b));
    }
}

/* ---- entries → leaves ---- */

static status put_entry(struct build *b, const struct tree_entry *e) {
    struct tree_value value = {e->value, e->value_len, false};
    if (b->last.len == e->key_len && b->last.len && memcmp(b->last.data, e->key, e->key_len) == 0) {
        if (!b->index->unique) return STATUS(INDEX_CORRUPTED);
        return duplicate(b, e);
    }
    b->last.len = 0;
    TRY(buf_add(&b->last, e->key, e->key_len));
    status s;
    while (status_is(s = tree_fill_add(&b->fill, e->key, e->key_len, &value), ST_FULL))
        TRY(put(b, false));
    return s;
}

static status fill(struct build *b) {
    const unsigned char *bytes;
    uint32_t len;
    struct tree_entry e;
    progress_build_phase(b->env, PROGRESS_BUILD_LOAD, 0, b->gathered);
    for (;;) {
        TRY(table_hooks->sort_next(b->sort, &bytes, &len));
        if (!bytes) return put(b, true);
        if (!unpack(bytes, len, &e)) return STATUS(INTERNAL_ERROR);
        TRY(put_entry(b, &e));
        progress_set(b->env, PROGRESS_TUPLES_DONE, ++b->put);
    }
}

/* The columns whose values the keys need: of a computed index, any. */
static status choose_columns(struct build *b) {
    b->wanted = b->r->natts;
    if (b->index->computed) return OK;
    b->needed = arena_zalloc(&b->arena, b->r->natts + 1u);
    if (!b->needed) return STATUS(OUT_OF_MEMORY);
    b->wanted = 0;
    for (uint16_t i = 0; i < b->index->nkeys; i++) {
        int16_t number = b->index->columns[i];
        if (number <= 0 || number > b->r->natts) return STATUS(INDEX_CORRUPTED);
        b->needed[number - 1] = true;
        if (number > b->wanted) b->wanted = (uint16_t)number;
    }
    return OK;
}

static status build_open(struct build *b) {
    b->values = arena_array(&b->arena, b->r->natts, sizeof *b->values);
    b->nulls = arena_array(&b->arena, b->r->natts, 1);
    b->row_buf = arena_alloc(&b->arena, TREE_ENTRY_BYTES_MAX);
    b->entry_buf = arena_alloc(&b->arena, TREE_ENTRY_BYTES_MAX);
    if (!b->values || !b->nulls || !b->row_buf || !b->entry_buf) return STATUS(OUT_OF_MEMORY);
    TRY(choose_columns(b));
    struct tree_writer *w = b->beside ? &b->system : &b->env->txn->writer;
    TRY(tree_fill_init(&b->fill, &b->arena, b->index->tree, w, txn_is_running, LEAF_PERCENT));
    b->fill.whole = !b->beside;
    b->fill.fresh = b->beside;
    return table_hooks->sort_new(b->env, &b->sort);
}

static status build(struct build *b) {
    arena_init(&b->arena, 0);
    status s = build_open(b);
    if (ok(s)) s = gather(b);
    if (ok(s)) s = fill(b);
    if (b->sort) table_hooks->sort_free(b->sort);
    arena_free(&b->arena);
    table_index_entry_free(&b->entry);
    buf_free(&b->last);
    return s;
}

status table_build_index(struct sql_env *env, const struct relation *r,
                         const struct index_desc *index) {
    TRY(txn_need_id(env->proc, env->txn));
    return build(&(struct build){.env = env, .r = r, .index = index});
}

status table_build_beside_writers(struct sql_env *env, const struct relation *r,
                                  const struct index_desc *index) {
    return build(&(struct build){.env = env, .r = r, .index = index, .beside = true});
}

/* ---- what writers leave ---- */

/* An entry that was never there, with a delete mark: both ours, so a rollback takes both away. */
static status put_mark(struct sql_env *env, struct tree t, const struct buf *key,
                       const struct buf *value) {
    struct tree_value v = {value->data, value->len, false};
    struct tree_writer *w = &env->txn->writer;
    TRY(tree_insert_over(env->proc, w, t, key->data, key->len, LSN_NONE, &v, txn_is_running, NULL));
    return tree_delete(env->proc, w, t, key->data, key->len, w->last, txn_is_running, NULL);
}

status table_leave_unbuilt(struct sql_env *env, const struct index_desc *index,
                           const struct buf *key, const struct buf *value) {
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree t = index->tree;
    struct tree_entry there;
    struct tree_entry own = {.value = (const unsigned char *)value->data,
                             .value_len = (uint16_t)value->len};
    for (;;) {
        status s = tree_get(env->proc, t, key->data, key->len, buf, &there);
        if (status_is(s, ST_NOT_FOUND)) {
            s = put_mark(env, t, key, value);
        } else if (ok(s)) {
            stamp holder = there.stamp;
            bool other = stamp_is_txid(holder) && stamp_txid(holder) != env->txn->writer.x;
            if (other && txn_is_running(env->proc, stamp_txid(holder), &(commit_time){0})) {
                TRY(table_wait(env, holder, t, key->data, key->len));
                continue;
            }
            /* Whoever builds looks at the row where any entry stands. */
            if (there.flags & ENTRY_DELETED || !leads_to(&there, &own)) return OK;
            s = tree_delete(env->proc, &env->txn->writer, t, key->data, key->len, there.lsn,
                            txn_is_running, NULL);
        }
        bool moved = status_is(s, ST_EXISTS) || status_is(s, ST_ROW_BUSY) ||
                     status_is(s, ST_ROW_CHANGED) || status_is(s, ST_NOT_FOUND);
        if (!moved) return s;
    }
}
