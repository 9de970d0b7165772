#include "table/load.h"

#include <string.h>

#include "catalog/changes.h"
#include "table/internal.h"
#include "table/large.h"

#define FEW_ROWS 64 /* are not worth the memory */
#define PATIENCE_MAX 1024

/* Index entries follow their row, foreign keys and SERIALIZABLE look at it at once. */
static bool rows_may_wait(const struct sql_env *env, const struct relation *r) {
    return r->kind == 'r' && !r->is_catalog && r->nindexes == 0 && r->nkeys == 0 &&
           r->nreferences == 0 && !env->txn->serial;
}

void table_load_init(struct table_load *l, struct sql_env *env, const struct relation *r) {
    *l = (struct table_load){.env = env, .relation = r, .by_leaves = rows_may_wait(env, r)};
    arena_init(&l->arena, 0);
}

static status open_fill(struct table_load *l) {
    struct sql_env *env = l->env;
    TRY(tree_cursor_init(&l->end, &l->arena, l->relation->tree));
    return tree_fill_init(&l->fill, &l->arena, l->relation->tree, &env->txn->writer, txn_is_running,
                          100);
}

/* 23505 for a row that waited. */
static status refuse_queued(struct table_load *l, const struct tree_entry *e) {
    struct sql_env *env = l->env;
    const struct relation *r = l->relation;
    datum *values = arena_array(&l->arena, r->natts, sizeof *values);
    uint8_t *nulls = arena_array(&l->arena, r->natts, 1);
    if (!values || !nulls) return STATUS(OUT_OF_MEMORY);
    TRY(table_deform(env, r, e, r->natts, NULL, values, nulls, &l->arena));
    return table_unique_error(env, r, r->primary, values, nulls, false);
}

/* The first queued row with another hidden row id: its own is there already. */
static status put_elsewhere(struct table_load *l, const struct tree_entry *e) {
    struct tree_value value = {e->value, e->value_len, (e->flags & ENTRY_LARGE) != 0};
    struct buf key = {0};
    status s = buf_add(&key, e->key, e->key_len);
    if (ok(s)) s = table_put_value(l->env, l->relation, &key, &value);
    buf_free(&key);
    tree_fill_skip(&l->fill);
    return s;
}

static status put(struct table_load *l, bool all) {
    struct tree_found found = {0};
    struct tree_entry e;
    for (;;) {
        status s = tree_fill_put(l->env->proc, &l->fill, all, &found);
        bool busy = status_is(s, ST_ROW_BUSY);
        if ((!busy && !status_is(s, ST_EXISTS)) || !tree_fill_first(&l->fill, &e)) return s;
        if (busy)
            TRY(table_wait(l->env, found.stamp, l->relation->tree, e.key, e.key_len));
        else if (l->relation->primary)
            return refuse_queued(l, &e);
        else
            TRY(put_elsewhere(l, &e));
    }
}

/* Is the key behind all entries of the tree? Looked at only now and then where it is not so. */
static status is_behind_all(struct table_load *l, const struct buf *key, bool *ret) {
    struct tree_entry e;
    *ret = false;
    if (l->skips) {
        l->skips--;
        return OK;
    }
    TRY(tree_cursor_seek(l->env->proc, &l->end, NULL, 0, true, false));
    status s = tree_cursor_next(l->env->proc, &l->end, &e);
    if (!ok(s) && !status_is(s, ST_END)) return s;
    *ret = !ok(s) || key_compare(key->data, key->len, e.key, e.key_len) > 0;
    if (*ret) {
        l->patience = 0;
        return OK;
    }
    l->skips = l->patience = l->patience < PATIENCE_MAX ? 2 * l->patience + 1 : PATIENCE_MAX;
    return OK;
}

static status may_queue(struct table_load *l, const struct buf *key, bool *ret) {
    *ret = l->queued && key_compare(key->data, key->len, l->last.data, l->last.len) > 0;
    if (*ret) return OK;
    TRY(table_load_flush(l));
    return is_behind_all(l, key, ret);
}

static status queue(struct table_load *l, const struct buf *key, const struct large_row *row) {
    struct tree_value value = {row->bytes.data, row->bytes.len, row->references != NULL};
    status s;
    l->queued = true;
    l->last.len = 0;
    TRY(buf_add(&l->last, key->data, key->len));
    while (status_is(s = tree_fill_add(&l->fill, key->data, key->len, &value), ST_FULL))
        TRY(put(l, false));
    return s;
}

static status row_by_leaf(struct table_load *l, const datum *values, const uint8_t *nulls) {
    struct sql_env *env = l->env;
    struct buf key = {0};
    struct large_row row = {0};
    struct arena_mark outer = arena_mark(env->eval.arena);
    bool waits;
    status s;
    TRY(txn_need_id(env->proc, env->txn));
    if (!l->fill.bytes) TRY(open_fill(l));
    TRY_OUT(s, table_form_row(env, l->relation, values, nulls, NULL, &key, &row));
    TRY_OUT(s, may_queue(l, &key, &waits));
    s = waits ? queue(l, &key, &row) : table_put_row(env, l->relation, &key, &row);
    if (status_is(s, ST_EXISTS) && !waits)
        s = table_unique_error(env, l->relation, l->relation->primary, values, nulls, false);
    if (ok(s)) catalog_note_change(env->catalog, l->relation, env->txn->writer.x);
out:
    buf_free(&key);
    buf_free(&row.bytes);
    if (row.references) arena_rewind(env->eval.arena, outer);
    return s;
}

status table_load_row(struct table_load *l, const datum *values, const uint8_t *nulls) {
    if (!l->by_leaves || l->rows++ < FEW_ROWS)
        return table_insert(l->env, l->relation, values, nulls, false);
    return row_by_leaf(l, values, nulls);
}

status table_load_flush(struct table_load *l) {
    if (!l->queued) return OK;
    TRY(put(l, true));
    l->queued = false;
    return OK;
}

void table_load_end(struct table_load *l) {
    if (l->arena.chunk) arena_free(&l->arena);
    buf_free(&l->last);
}
