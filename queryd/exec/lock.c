/* SELECT … FOR UPDATE: each row is locked before it is given; one that has changed is given in its
 * newest version, if that still satisfies the condition. */
#include "exec/internal.h"

struct lock {
    struct operator op;
    struct program_state *recheck;
    unsigned char *entry_buf;
    struct vec *newest; /* natts one-row columns of the widest relation */
    struct vec *one;    /* one row of the input's columns */
    const struct batch *input;
    uint16_t at; /* the next of its rows */
};

static status lock_open(struct operator* op) {
    struct lock *l = (struct lock *)op;
    const struct plan_lock *p = &op->plan->lock;
    uint16_t widest = 0;
    for (uint16_t i = 0; i < p->n; i++)
        if (p->rels[i].natts > widest) widest = p->rels[i].natts;
    TRY(operator_columns(op));
    op->sel = arena_alloc(op->x->arena, op->plan->capacity * sizeof *op->sel);
    l->entry_buf = arena_alloc(op->x->arena, TREE_ENTRY_BYTES_MAX);
    if (!op->sel || !l->entry_buf) return exec_memory(op->x);
    NEW_N(op->x, l->one, op->plan->ncolumns + 1);
    TRY(columns_new(op->x, widest, 1, &l->newest));
    if (p->recheck) TRY(program_open(op->x, p->recheck, 1, &l->recheck));
    return OK;
}

/* Row `row` of the output with the relation's columns of a newer version. */
static status take_newest(struct lock *l, const struct plan_lock_rel *rel,
                          const struct tree_entry *e, uint16_t row) {
    struct execution *x = l->op.x;
    TRY(row_into(x, x->relations[rel->relation], e, l->newest, l->op.arena));
    for (uint16_t i = 0; i < rel->natts; i++) {
        uint16_t c = rel->columns[i];
        if (c == UINT16_MAX) continue;
        l->op.out.columns[c].values[row] = l->newest[i].values[0];
        l->op.out.columns[c].nulls[row] = l->newest[i].nulls[0];
    }
    for (int16_t att = -1; att >= ATT_SYSTEM_LAST; att--) {
        uint16_t c = rel->system[-att];
        if (c == UINT16_MAX) continue;
        TRY(system_value(x, x->relations[rel->relation], e, att,
                         &l->op.out.columns[c].values[row]));
    }
    return OK;
}

static status still_wanted(struct lock *l, uint16_t row, bool *ret) {
    *ret = true;
    if (!l->recheck) return OK;
    for (uint16_t c = 0; c < l->op.plan->ncolumns; c++)
        l->one[c] =
            (struct vec){l->op.out.columns[c].values + row, l->op.out.columns[c].nulls + row};
    uint16_t kept, n;
    TRY(program_filter(l->recheck, l->one, NULL, 1, l->op.arena, &kept, &n));
    *ret = n == 1;
    return OK;
}

/* NOWAIT and SKIP LOCKED: somebody else has the row. */
static status refuse_busy(struct lock *l, const struct plan_lock_rel *rel, bool *ret_keep) {
    *ret_keep = false;
    if (rel->wait == LOCK_WAIT_SKIP) return OK;
    return error_set(l->op.x->env->eval.error, ST_LOCK_NOT_AVAILABLE,
                     "could not obtain lock on row in relation \"%s\"",
                     l->op.x->relations[rel->relation]->name);
}

static enum row_lock mode_of(enum ast_lock_strength strength) {
    switch (strength) {
    case LOCK_FOR_KEY_SHARE: return ROW_KEY_SHARE;
    case LOCK_FOR_SHARE: return ROW_SHARE;
    case LOCK_FOR_NO_KEY_UPDATE: return ROW_NO_KEY_UPDATE;
    default: return ROW_UPDATE;
    }
}

static status lock_one(struct lock *l, const struct plan_lock_rel *rel, uint16_t row,
                       bool *ret_keep) {
    struct sql_env *env = l->op.x->env;
    const struct relation *r = l->op.x->relations[rel->relation];
    const struct vec *address = &l->op.out.columns[rel->address];
    enum row_lock mode = mode_of(rel->strength);
    bool nowait = rel->wait != LOCK_WAIT_BLOCK;
    *ret_keep = true;
    if (address->nulls[row]) return OK;
    lsn version;
    const void *key;
    size_t len;
    address_split(address->values[row], &version, &key, &len);
    for (;;) {
        struct tree_entry e;
        status st = table_lock_row(env, r, key, len, version, mode, nowait);
        if (status_is(st, ST_ROW_BUSY)) return refuse_busy(l, rel, ret_keep);
        if (!status_is(st, ST_ROW_CHANGED)) return st;
        st = table_recheck(env, r, key, len, mode, nowait, l->entry_buf, &e);
        if (status_is(st, ST_ROW_BUSY)) return refuse_busy(l, rel, ret_keep);
        *ret_keep = false;
        if (status_is(st, ST_NOT_FOUND)) return OK;
        TRY(st);
        e.key = key;
        e.key_len = (uint16_t)len;
        TRY(take_newest(l, rel, &e, row));
        TRY(still_wanted(l, row, ret_keep));
        if (!*ret_keep) return OK;
        version = e.lsn;
        TRY(sql_env_breathe(env));
    }
}

/* One row a call: whoever stops asking (LIMIT) leaves the others to those who skip locked rows. */
static status lock_next(struct operator* op) {
    struct lock *l = (struct lock *)op;
    const struct plan_lock *p = &op->plan->lock;
    op->out.nrows = 0;
    op->out.sel = op->sel;
    for (;;) {
        if (!l->input || l->at == l->input->nrows) {
            TRY(operator_next(op->left, &l->input));
            l->at = 0;
            if (l->input->nrows == 0) return OK;
        }
        uint16_t row = batch_row(l->input, l->at++);
        for (uint16_t c = 0; c < op->plan->ncolumns; c++) {
            op->out.columns[c].values[row] = l->input->columns[c].values[row];
            op->out.columns[c].nulls[row] = l->input->columns[c].nulls[row];
        }
        bool keep = true;
        for (uint16_t k = 0; keep && k < p->n; k++) TRY(lock_one(l, &p->rels[k], row, &keep));
        if (!keep) continue;
        op->sel[0] = row;
        op->out.nrows = 1;
        return OK;
    }
}

static status lock_restart(struct operator* op) {
    ((struct lock *)op)->input = NULL;
    return operator_restart(op->left);
}

const struct operator_class operator_lock = {sizeof(struct lock), lock_open, lock_next,
                                             lock_restart, NULL};
