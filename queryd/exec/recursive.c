/* Recursion: rounds over what the round before has found, until one finds nothing. */
#include "exec/seen_set.h"

struct recursive {
    struct operator op;
    struct row_store *found; /* this round */
    struct row_store *last;  /* the round before */
    struct seen_set *seen;   /* UNION: everything */
    size_t given;            /* rows of this round already handed on */
    bool in_recursion, round_over, done;
};

static status recursive_open(struct operator* op) {
    struct recursive *r = (struct recursive *)op;
    const struct plan *p = op->plan;
    TRY(operator_columns(op));
    TRY(row_store_new_sequence(op->x, p->ncolumns, p->types, &r->found));
    TRY(row_store_new_sequence(op->x, p->ncolumns, p->types, &r->last));
    return p->recursive.union_all ? OK : seen_set_new(op->x, p->ncolumns, p->types, &r->seen);
}

/* The next round reads what this one has found. */
static status next_round(struct recursive *r) {
    struct row_store *t = r->last;
    r->last = r->found;
    r->found = t;
    row_store_clear(r->found);
    r->in_recursion = true;
    r->round_over = false;
    r->given = 0;
    r->done = row_store_count(r->last) == 0;
    r->op.x->work[r->op.plan->recursive.id] = r->last;
    r->op.x->outer_turns[r->op.plan->recursive.round]++;
    return operator_restart(r->op.right);
}

static status keep_new_rows(struct recursive *r, const struct batch *b) {
    for (uint16_t i = 0; i < b->nrows; i++) {
        bool fresh = true;
        if (r->seen) TRY(seen_set_add(r->seen, b->columns, batch_row(b, i), &fresh));
        if (fresh) TRY(row_store_add(r->found, b->columns, batch_row(b, i), NULL));
    }
    return OK;
}

static status next_rows(struct recursive *r) {
    const struct batch *b;
    TRY(operator_next(r->in_recursion ? r->op.right : r->op.left, &b));
    if (b->nrows) return keep_new_rows(r, b);
    r->round_over = true;
    return r->seen ? seen_set_resolve(r->seen, r->found) : OK;
}

static status recursive_next(struct operator* op) {
    struct recursive *r = (struct recursive *)op;
    op->out.sel = NULL;
    op->out.nrows = 0;
    while (!r->done && r->given == row_store_count(r->found)) {
        TRY(sql_env_breathe(op->x->env));
        TRY(r->round_over ? next_round(r) : next_rows(r));
    }
    if (r->given < row_store_count(r->found))
        TRY(row_store_read(r->found, &r->given, op->out.columns, op->plan->capacity, op->arena,
                           &op->out.nrows));
    return OK;
}

static status recursive_restart(struct operator* op) {
    struct recursive *r = (struct recursive *)op;
    row_store_clear(r->found);
    row_store_clear(r->last);
    if (r->seen) seen_set_clear(r->seen);
    r->in_recursion = r->round_over = r->done = false;
    r->given = 0;
    TRY(operator_restart(op->left));
    return operator_restart(op->right);
}

static void recursive_close(struct operator* op) {
    struct recursive *r = (struct recursive *)op;
    if (r->seen) seen_set_free(r->seen);
}

const struct operator_class operator_recursive = {
    sizeof(struct recursive), recursive_open, recursive_next, recursive_restart, recursive_close};
