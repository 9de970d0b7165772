/* UPDATE and DELETE.
 *
 * Rows are found under the statement's snapshot. One that another transaction has changed since is
 * looked at again in its newest version: the condition and the new values are computed from that,
 * with the other tables' rows as they were found (READ COMMITTED; under REPEATABLE READ the table
 * refuses with 40001). What this statement itself has changed already is left alone. */
#include "exec/internal.h"
#include "exec/ri.h"

#define ROWS_PER_BREATH 64

struct change {
    struct operator op;
    const struct relation *relation;
    bool is_update;
    struct program_state *values;                       /* for batches */
    struct program_state *again_recheck, *again_values; /* for one row, opened when needed */
    struct program_state *returning;
    struct row_checks checks;
    struct vec *input; /* one row of the input's columns, newest version */
    struct vec *view;  /* natts one-row columns: the new values */
    struct vec *returned;
    struct flat_row old, fresh;
    struct row_store *results;
    size_t at;
    struct buf row_key; /* of the row written, where RETURNING asks for its ctid */
    unsigned char *entry_buf;
    struct arena row_arena;
    bool ran;
};

static status change_open(struct operator* op) {
    struct change *s = (struct change *)op;
    const struct plan_change *p = &op->plan->change;
    struct execution *x = op->x;
    s->relation = x->relations[p->relation];
    s->is_update = op->plan->kind == PLAN_UPDATE;
    if (s->relation->natts != p->natts) return STATUS(INVALID);
    arena_init(&s->row_arena, 0);
    if (s->is_update) TRY(program_open(x, p->values, op->plan->left->capacity, &s->values));
    TRY(row_checks_open(x, p, s->relation, &s->checks));
    NEW_N(x, s->view, p->natts + 1);
    TRY(oid_column(x, s->relation, &s->view[p->natts]));
    TRY(flat_new(x, p->natts, &s->old));
    TRY(flat_new(x, p->natts, &s->fresh));
    if (!p->returning) return OK;
    TRY(program_open(x, p->returning, 1, &s->returning));
    TRY(columns_new(x, (uint16_t)(op->plan->left->ncolumns + p->returned.n), 1, &s->returned));
    TRY(operator_columns(op));
    return row_store_new_sequence(x, op->plan->ncolumns, op->plan->types, &s->results);
}

/* System columns of the row that RETURNING shows. */
static status return_system(struct change *s, const void *key, size_t len, const struct vec *input,
                            uint16_t at) {
    const struct plan_change *p = &s->op.plan->change;
    uint16_t ninput = s->op.plan->left->ncolumns;
    struct vec *to = s->returned + ninput - p->found.n;
    if (system_needs_key(&p->returned)) {
        const struct flat_row *row = s->is_update ? &s->fresh : &s->old;
        TRY(system_written_key(s->op.x, s->relation, key, len, row, &s->row_key));
    }
    TRY(system_values_written(s->op.x, s->relation, &s->row_key, !s->is_update, &p->returned, to));
    for (uint16_t i = 0; i < p->returned.n && !s->is_update; i++) {
        if (p->returned.atts[i] == ATT_XMAX) continue; /* we are the ones who deleted it */
        for (uint16_t k = 0; k < p->found.n; k++)
            if (p->found.atts[k] == p->returned.atts[i])
                to[i].values[0] = input[ninput - p->found.n + k].values[at];
    }
    return OK;
}

/* row: the new (UPDATE) or old (DELETE) values; input: the row of the input it came with. */
static status give_back(struct change *s, const void *key, size_t len, const struct vec *row,
                        const struct vec *input, uint16_t at) {
    const struct plan_change *p = &s->op.plan->change;
    s->op.x->changed++;
    if (!s->returning) return OK;
    for (uint16_t i = 0; i < p->natts; i++) {
        s->returned[i].values[0] = row[i].values[0];
        s->returned[i].nulls[0] = row[i].nulls[0];
    }
    s->returned[p->natts].values[0] = datum_oid(s->relation->oid);
    s->returned[p->natts].nulls[0] = 0;
    for (uint16_t i = (uint16_t)(p->natts + 1); i < s->op.plan->left->ncolumns - p->found.n; i++) {
        s->returned[i].values[0] = input[i].values[at];
        s->returned[i].nulls[0] = input[i].nulls[at];
    }
    if (p->returned.n) TRY(return_system(s, key, len, input, at));
    TRY(program_run(s->returning, s->returned, NULL, 1, &s->row_arena));
    struct vec *columns = arena_alloc(&s->row_arena, (s->op.plan->ncolumns + 1u) * sizeof *columns);
    NEEDS(s->op.x, columns);
    for (uint16_t i = 0; i < s->op.plan->ncolumns; i++)
        columns[i] = *program_output(s->returning, i);
    return row_store_add(s->results, columns, 0, NULL);
}

/* Writes one row whose version is `expected`; view has the new values. */
static status write_row(struct change *s, const void *key, size_t len, lsn expected) {
    struct sql_env *env = s->op.x->env;
    uint16_t natts = s->op.plan->change.natts;
    if (!s->is_update) {
        TRY(table_delete(env, s->relation, key, len, expected, s->old.values, s->old.nulls));
        return ri_changed(env, s->relation, s->old.values, s->old.nulls, NULL, NULL);
    }
    TRY(check_row(s->op.x, &s->checks, s->view, &s->row_arena));
    flat_from(s->view, natts, 0, &s->fresh);
    TRY(table_update(env, s->relation, key, len, expected, s->old.values, s->old.nulls,
                     s->fresh.values, s->fresh.nulls));
    return ri_changed(env, s->relation, s->old.values, s->old.nulls, s->fresh.values,
                      s->fresh.nulls);
}

/* ---- a row that has changed since the snapshot ---- */

static status again_open(struct change *s) {
    const struct plan_change *p = &s->op.plan->change;
    struct execution *x = s->op.x;
    if (s->entry_buf) return OK;
    if (p->recheck) TRY(program_open(x, p->recheck, 1, &s->again_recheck));
    if (s->is_update) TRY(program_open(x, p->values, 1, &s->again_values));
    TRY(columns_new(x, s->op.plan->left->ncolumns, 1, &s->input));
    s->entry_buf = arena_alloc(x->arena, TREE_ENTRY_BYTES_MAX);
    NEEDS(x, s->entry_buf);
    return OK;
}

/* The newest version, and whether it still satisfies the condition. */
static status look_again(struct change *s, const void *key, size_t len, const struct vec *input,
                         uint16_t at, struct tree_entry *e, bool *ret_go_on) {
    struct execution *x = s->op.x;
    uint16_t natts = s->op.plan->change.natts;
    *ret_go_on = false;
    status st = table_recheck(x->env, s->relation, key, len, ROW_UPDATE, false, s->entry_buf, e);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    if (table_is_own_new(x->env, e)) return OK;
    TRY(row_into(x, s->relation, e, s->input, &s->row_arena));
    for (uint16_t i = natts; i < s->op.plan->left->ncolumns; i++) {
        s->input[i].values[0] = input[i].values[at];
        s->input[i].nulls[0] = input[i].nulls[at];
    }
    e->key = key;
    e->key_len = (uint16_t)len;
    const struct plan_system *found = &s->op.plan->change.found;
    TRY(system_values(x, s->relation, e, found, s->input + s->op.plan->left->ncolumns - found->n));
    if (s->again_recheck) {
        uint16_t row, n;
        TRY(program_filter(s->again_recheck, s->input, NULL, 1, &s->row_arena, &row, &n));
        if (n == 0) return OK;
    }
    if (s->again_values) {
        TRY(program_run(s->again_values, s->input, NULL, 1, &s->row_arena));
        for (uint16_t i = 0; i < natts; i++) s->view[i] = *program_output(s->again_values, i);
    }
    flat_from(s->input, natts, 0, &s->old);
    *ret_go_on = true;
    return OK;
}

static status change_again(struct change *s, const void *key, size_t len, const struct vec *input,
                           uint16_t at) {
    TRY(again_open(s));
    for (;;) {
        struct tree_entry e;
        bool go_on;
        TRY(look_again(s, key, len, input, at, &e, &go_on));
        if (!go_on) return OK;
        status st = write_row(s, key, len, e.lsn);
        if (ok(st)) return give_back(s, key, len, s->is_update ? s->view : s->input, s->input, 0);
        if (!status_is(st, ST_ROW_CHANGED)) return st;
        TRY(sql_env_breathe(s->op.x->env));
    }
}

/* ---- rows ---- */

static status change_row(struct change *s, const struct batch *b, uint16_t row) {
    const struct plan_change *p = &s->op.plan->change;
    lsn version;
    const void *key;
    size_t len;
    if (b->columns[p->address].nulls[row]) return OK; /* null-extended by an outer join */
    address_split(b->columns[p->address].values[row], &version, &key, &len);
    flat_from(b->columns, p->natts, row, &s->old);
    for (uint16_t i = 0; i < p->natts; i++) {
        const struct vec *v = s->is_update ? program_output(s->values, i) : &b->columns[i];
        s->view[i] = (struct vec){v->values + row, v->nulls + row};
    }
    status st = write_row(s, key, len, version);
    if (status_is(st, ST_ROW_CHANGED)) return change_again(s, key, len, b->columns, row);
    TRY(st);
    return give_back(s, key, len, s->view, b->columns, row);
}

static status change_all(struct change *s) {
    const struct batch *b;
    struct operator* op = & s->op;
    do {
        TRY(operator_next(op->left, &b));
        if (b->nrows == 0) break;
        if (op->own.chunk) arena_reset(&op->own);
        if (s->values) TRY(program_run(s->values, b->columns, b->sel, b->nrows, op->arena));
        for (uint16_t i = 0; i < b->nrows; i++) {
            if (s->row_arena.chunk) arena_reset(&s->row_arena);
            TRY(change_row(s, b, batch_row(b, i)));
            if (i % ROWS_PER_BREATH == ROWS_PER_BREATH - 1) TRY(sql_env_breathe(op->x->env));
        }
    } while (b->nrows);
    if (s->row_arena.chunk) arena_reset(&s->row_arena);
    s->ran = true;
    return OK;
}

static status change_next(struct operator* op) {
    struct change *s = (struct change *)op;
    if (!s->ran) TRY(change_all(s));
    op->out.nrows = 0;
    op->out.sel = NULL;
    if (s->results)
        TRY(row_store_read(s->results, &s->at, op->out.columns, op->plan->capacity, op->arena,
                           &op->out.nrows));
    return OK;
}

static status change_restart(struct operator* op) {
    ((struct change *)op)->at = 0;
    return OK;
}

static void change_close(struct operator* op) {
    struct change *s = (struct change *)op;
    buf_free(&s->row_key);
    if (s->row_arena.chunk) arena_free(&s->row_arena);
}

/* What again_open made is gone with the execution before. */
static status change_serve_again(struct operator* op) {
    struct change *s = (struct change *)op;
    const struct plan_change *p = &op->plan->change;
    s->relation = s->checks.relation = op->x->relations[p->relation];
    s->again_recheck = s->again_values = NULL;
    s->input = NULL;
    s->entry_buf = NULL;
    s->ran = false;
    return s->relation->natts == p->natts ? change_restart(op) : STATUS(INVALID);
}

#define CHANGE_CLASS                                                                               \
    {                                                                                              \
        .bytes = sizeof(struct change), .open = change_open, .next = change_next,                  \
        .restart = change_restart, .close = change_close, .again = change_serve_again              \
    }
const struct operator_class operator_update = CHANGE_CLASS;
const struct operator_class operator_delete = CHANGE_CLASS;
