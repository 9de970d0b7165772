/* INSERT, with ON CONFLICT. */
#include "exec/internal.h"
#include "exec/late_key.h"
#include "exec/ri.h"
#include "table/load.h"

#define ROWS_PER_BREATH 64

struct insert {
    struct operator op;
    const struct relation *relation;
    struct program_state *values, *returning, *conflict_where, *conflict_values;
    struct row_checks checks;
    struct vec *view;     /* natts one-row columns and the oid: the row at hand */
    struct vec *both;     /* ON CONFLICT: the row there, its system columns, the row proposed */
    struct vec *returned; /* inputs of RETURNING */
    struct flat_row row, old;
    struct row_store *results;
    size_t at;
    struct buf key;
    struct buf *row_key; /* of the row written, where RETURNING asks for its ctid; else NULL */
    struct buf row_key_bytes;
    unsigned char *entry_buf;
    struct arena row_arena;
    struct table_load load;
    bool ran;
};

static status conflict_open(struct insert *s) {
    const struct plan_change *p = &s->op.plan->change;
    struct execution *x = s->op.x;
    if (p->has_conflict) {
        s->entry_buf = arena_alloc(x->arena, TREE_ENTRY_BYTES_MAX);
        NEEDS(x, s->entry_buf);
    }
    if (!p->conflict_update) return OK;
    if (p->conflict_where) TRY(program_open(x, p->conflict_where, 1, &s->conflict_where));
    TRY(program_open(x, p->conflict_values, 1, &s->conflict_values));
    TRY(columns_new(x, (uint16_t)(2 * p->natts + p->found.n), 1, &s->both));
    return flat_new(x, p->natts, &s->old);
}

static status insert_open(struct operator* op) {
    struct insert *s = (struct insert *)op;
    const struct plan_change *p = &op->plan->change;
    struct execution *x = op->x;
    s->relation = x->relations[p->relation];
    if (s->relation->natts != p->natts) return STATUS(INVALID);
    arena_init(&s->row_arena, 0);
    table_load_init(&s->load, x->env, s->relation);
    TRY(program_open(x, p->values, op->plan->left->capacity, &s->values));
    TRY(row_checks_open(x, p, s->relation, &s->checks));
    NEW_N(x, s->view, p->natts + 1);
    TRY(oid_column(x, s->relation, &s->view[p->natts]));
    TRY(flat_new(x, p->natts, &s->row));
    TRY(conflict_open(s));
    if (!p->returning) return OK;
    if (system_needs_key(&p->returned)) s->row_key = &s->row_key_bytes;
    TRY(program_open(x, p->returning, 1, &s->returning));
    TRY(columns_new(x, (uint16_t)(p->natts + 1 + p->returned.n), 1, &s->returned));
    TRY(operator_columns(op));
    return row_store_new_sequence(x, op->plan->ncolumns, op->plan->types, &s->results);
}

/* locked: it was there and has been changed. */
static status give_back(struct insert *s, const struct vec *row, bool locked) {
    uint16_t natts = s->op.plan->change.natts;
    s->op.x->changed++;
    if (!s->returning) return OK;
    for (uint16_t i = 0; i < natts; i++) {
        s->returned[i].values[0] = row[i].values[0];
        s->returned[i].nulls[0] = row[i].nulls[0];
    }
    s->returned[natts].values[0] = datum_oid(s->relation->oid);
    s->returned[natts].nulls[0] = 0;
    TRY(system_values_written(s->op.x, s->relation, s->row_key, locked,
                              &s->op.plan->change.returned, s->returned + natts + 1));
    TRY(program_run(s->returning, s->returned, NULL, 1, &s->row_arena));
    struct vec out[1];
    struct vec *columns = s->op.plan->ncolumns > 1
                              ? arena_alloc(&s->row_arena, s->op.plan->ncolumns * sizeof *columns)
                              : out;
    NEEDS(s->op.x, columns);
    for (uint16_t i = 0; i < s->op.plan->ncolumns; i++)
        columns[i] = *program_output(s->returning, i);
    return row_store_add(s->results, columns, 0, NULL);
}

/* ---- ON CONFLICT ---- */

/* The key of the row that stands in the way by this index. NOT_FOUND: none does. */
static status find_obstacle(struct insert *s, const struct index_desc *index, const void **ret_key,
                            size_t *ret_len) {
    struct sql_env *env = s->op.x->env;
    bool has_null;
    s->key.len = 0;
    TRY(table_index_key(env, s->relation, index, s->row.values, s->row.nulls, &s->key, &has_null));
    *ret_key = s->key.data;
    *ret_len = s->key.len;
    if (index->primary) return OK;
    if (has_null && !index->nulls_not_distinct) return STATUS(NOT_FOUND);
    struct tree_entry e;
    TRY(tree_get(env->proc, index->tree, s->key.data, s->key.len, s->entry_buf, &e));
    s->key.len = 0;
    if (!ok(buf_add(&s->key, e.value, e.value_len))) return exec_memory(s->op.x);
    *ret_key = s->key.data;
    *ret_len = s->key.len;
    return OK;
}

/* The newest version of the row in the way, once nobody writes it any more. NOT_FOUND: it is gone,
 * or an index objects that ON CONFLICT is not about. */
static status look_at_obstacle(struct insert *s, const void **ret_key, size_t *ret_len,
                               struct tree_entry *ret_entry) {
    const struct relation *r = s->relation;
    for (uint16_t i = 0; i <= r->nindexes; i++) {
        const struct index_desc *index = i ? &r->indexes[i - 1] : r->primary;
        if (!index || !index->unique || !plan_arbitrates(&s->op.plan->change, index)) continue;
        status st = find_obstacle(s, index, ret_key, ret_len);
        if (ok(st))
            st = table_recheck(s->op.x->env, r, *ret_key, *ret_len, ROW_UPDATE, false, s->entry_buf,
                               ret_entry);
        if (!status_is(st, ST_NOT_FOUND)) return st;
    }
    return STATUS(NOT_FOUND);
}

/* A fixed snapshot cannot go on over a row, or a version of it, that it does not see. */
static status must_be_seen(const struct insert *s, const void *key, size_t len,
                           const struct tree_entry *e) {
    struct sql_env *env = s->op.x->env;
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry seen;
    if (env->txn->isolation == ISO_READ_COMMITTED || table_is_own_new(env, e)) return OK;
    status st = table_get(env, s->relation, key, len, buf, &seen);
    if (!ok(st) && !status_is(st, ST_NOT_FOUND)) return st;
    if (ok(st) && seen.lsn.at == e->lsn.at) return OK;
    return error_set(env->eval.error, ST_SERIALIZATION_FAILURE,
                     "could not serialize access due to concurrent update");
}

static status inserted(struct insert *s) {
    TRY(ri_inserted(s->op.x->env, s->relation, s->row.values, s->row.nulls));
    return give_back(s, s->view, false);
}

static status add_row(struct insert *s, bool do_nothing_on_conflict) {
    if (s->row_key) s->row_key->len = 0;
    return table_insert_keyed(s->op.x->env, s->relation, s->row.values, s->row.nulls,
                              do_nothing_on_conflict, s->row_key);
}

/* No conflict is allowed (any more): the row, or the error. A row that waits for others has no
 * place yet. */
static status insert_plainly(struct insert *s) {
    TRY(s->row_key ? add_row(s, false) : table_load_row(&s->load, s->row.values, s->row.nulls));
    return inserted(s);
}

/* Leaves the row out on a conflict with the indexes named, or with any when none is. One that is
 * gone before it was looked at is tried again once: then another index objects. */
static status insert_or_nothing(struct insert *s) {
    struct sql_env *env = s->op.x->env;
    bool named = s->op.plan->change.narbiters > 0;
    for (unsigned tries = 0;; tries++) {
        const void *key;
        size_t len;
        struct tree_entry e;
        status st = add_row(s, true);
        if (ok(st)) return inserted(s);
        if (!status_is(st, ST_EXISTS)) return st;
        if (!named && env->txn->isolation == ISO_READ_COMMITTED) return OK;
        st = look_at_obstacle(s, &key, &len, &e);
        if (ok(st)) return must_be_seen(s, key, len, &e);
        if (!status_is(st, ST_NOT_FOUND)) return st;
        if (named && tries) return insert_plainly(s);
        TRY(sql_env_breathe(env));
    }
}

static status twice(struct insert *s) {
    struct error *e = s->op.x->env->eval.error;
    status st = error_set(e, ST_CARDINALITY_VIOLATION,
                          "ON CONFLICT DO UPDATE command cannot affect row a second time");
    error_hint(e, "Ensure that no rows proposed for insertion within the same command have "
                  "duplicate constrained values.");
    return st;
}

/* The row there gets its new values. ROW_CHANGED: look again. */
static status update_obstacle(struct insert *s, const void *key, size_t len,
                              const struct tree_entry *e) {
    uint16_t natts = s->op.plan->change.natts;
    struct sql_env *env = s->op.x->env;
    TRY(row_into(s->op.x, s->relation, e, s->both, &s->row_arena));
    flat_from(s->both, natts, 0, &s->old);
    const struct plan_system *found = &s->op.plan->change.found;
    struct tree_entry there = *e;
    there.key = key;
    there.key_len = (uint16_t)len;
    TRY(system_values(s->op.x, s->relation, &there, found, s->both + natts));
    struct vec *excluded = s->both + natts + found->n;
    for (uint16_t i = 0; i < natts; i++) {
        excluded[i].values[0] = s->row.values[i];
        excluded[i].nulls[0] = s->row.nulls[i];
    }
    if (s->conflict_where) {
        uint16_t row, n;
        TRY(program_filter(s->conflict_where, s->both, NULL, 1, &s->row_arena, &row, &n));
        if (n == 0)
            return table_lock_row(env, s->relation, key, len, e->lsn, ROW_NO_KEY_UPDATE, false);
    }
    TRY(program_run(s->conflict_values, s->both, NULL, 1, &s->row_arena));
    for (uint16_t i = 0; i < natts; i++) s->view[i] = *program_output(s->conflict_values, i);
    TRY(check_row(s->op.x, &s->checks, s->view, &s->row_arena));
    struct flat_row fresh;
    TRY(flat_new(s->op.x, natts, &fresh));
    flat_from(s->view, natts, 0, &fresh);
    TRY(table_update(env, s->relation, key, len, e->lsn, s->old.values, s->old.nulls, fresh.values,
                     fresh.nulls));
    TRY(ri_changed(env, s->relation, s->old.values, s->old.nulls, fresh.values, fresh.nulls));
    if (s->row_key) TRY(system_written_key(s->op.x, s->relation, key, len, &fresh, s->row_key));
    return give_back(s, s->view, true);
}

static status insert_or_update(struct insert *s) {
    struct sql_env *env = s->op.x->env;
    for (unsigned gone = 0, tries = 0;; tries++) {
        if (tries) TRY(sql_env_breathe(env));
        status st = add_row(s, true);
        if (ok(st)) return inserted(s);
        if (!status_is(st, ST_EXISTS)) return st;
        const void *key;
        size_t len;
        struct tree_entry e;
        st = look_at_obstacle(s, &key, &len, &e);
        if (status_is(st, ST_NOT_FOUND) && gone++) return insert_plainly(s);
        if (status_is(st, ST_NOT_FOUND)) continue;
        TRY(st);
        if (table_is_own_new(env, &e)) return twice(s);
        TRY(must_be_seen(s, key, len, &e));
        st = update_obstacle(s, key, len, &e);
        if (!status_is(st, ST_ROW_CHANGED) && !status_is(st, ST_NOT_FOUND)) return st;
        gone = 0;
    }
}

/* ---- rows ---- */

static status insert_row(struct insert *s, uint16_t row) {
    const struct plan_change *p = &s->op.plan->change;
    for (uint16_t i = 0; i < p->natts; i++) {
        const struct vec *v = program_output(s->values, i);
        s->view[i] = (struct vec){v->values + row, v->nulls + row};
    }
    TRY(check_row(s->op.x, &s->checks, s->view, &s->row_arena));
    flat_from(s->view, p->natts, 0, &s->row);
    if (p->has_conflict && late_keys(s->relation)) {
        bool conflict;
        TRY(late_arbiters(s->op.x->env, s->relation, p, s->row.values, s->row.nulls, &conflict));
        if (conflict) return OK;
    }
    if (p->conflict_update) return insert_or_update(s);
    return p->has_conflict ? insert_or_nothing(s) : insert_plainly(s);
}

/* The values of all rows of the batch; *ret_each: one of them fails, so each row is computed when
 * its turn comes. */
static status compute_rows(struct insert *s, const struct batch *b, bool *ret_each) {
    status st = program_run(s->values, b->columns, b->sel, b->nrows, s->op.arena);
    *ret_each = b->nrows > 1 && status_is_of_value(st);
    if (!*ret_each) return st;
    error_clear(s->op.x->env->eval.error);
    return OK;
}

static status insert_all(struct insert *s) {
    const struct batch *b;
    struct operator* op = & s->op;
    bool each;
    do {
        TRY(operator_next(op->left, &b));
        if (b->nrows == 0) break;
        if (op->own.chunk) arena_reset(&op->own);
        TRY(compute_rows(s, b, &each));
        for (uint16_t i = 0; i < b->nrows; i++) {
            uint16_t row = batch_row(b, i);
            if (s->row_arena.chunk) arena_reset(&s->row_arena);
            if (each) TRY(program_run(s->values, b->columns, &row, 1, op->arena));
            TRY(insert_row(s, row));
            if (i % ROWS_PER_BREATH == ROWS_PER_BREATH - 1) TRY(sql_env_breathe(op->x->env));
        }
        /* What the next batch is made from may look at the table. */
        TRY(table_load_flush(&s->load));
    } while (b->nrows);
    s->ran = true;
    return OK;
}

static status insert_next(struct operator* op) {
    struct insert *s = (struct insert *)op;
    if (!s->ran) TRY(insert_all(s));
    op->out.nrows = 0;
    op->out.sel = NULL;
    if (s->results)
        TRY(row_store_read(s->results, &s->at, op->out.columns, op->plan->capacity, op->arena,
                           &op->out.nrows));
    return OK;
}

static status insert_restart(struct operator* op) {
    ((struct insert *)op)->at = 0;
    return OK;
}

static void insert_close(struct operator* op) {
    struct insert *s = (struct insert *)op;
    buf_free(&s->key);
    buf_free(&s->row_key_bytes);
    table_load_end(&s->load);
    if (s->row_arena.chunk) arena_free(&s->row_arena);
}

const struct operator_class operator_insert = {sizeof(struct insert), insert_open, insert_next,
                                               insert_restart, insert_close};
