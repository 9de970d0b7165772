/* Nested loop: the right side is started anew for each left row. */
#include "exec/internal.h"

struct nest {
    struct operator op;
    struct program_state *outer, *condition;
    struct arena left_arena; /* outer values of the left batch */
    struct batch left;       /* the batch at hand */
    uint16_t at;             /* the left row at hand, as an index of the batch */
    bool in_row;             /* its right side is running */
    uint8_t *matched;        /* per left row of the batch */
    uint16_t *origin;        /* per combination: its left row, as an index of the batch */
    uint16_t *kept;          /* combinations that satisfy the condition */
    uint16_t unmatched_at;   /* LEFT: where the rows without a partner continue */
    bool giving_unmatched;
    struct vec *combined; /* SEMI, ANTI: the columns of combinations */
    bool end;
};

static bool decides_only(const struct nest *s) {
    return s->op.plan->nest.join == PLAN_SEMI || s->op.plan->nest.join == PLAN_ANTI;
}

static uint16_t pairs_capacity(const struct nest *s) {
    uint16_t right = s->op.plan->right->capacity;
    return decides_only(s) ? right : s->op.plan->capacity;
}

static status nest_open(struct operator* op) {
    struct nest *s = (struct nest *)op;
    const struct plan_nest *p = &op->plan->nest;
    uint16_t left = op->plan->left->capacity, pairs = pairs_capacity(s);
    arena_init(&s->left_arena, 0);
    if (p->outer.values) TRY(program_open(op->x, p->outer.values, left, &s->outer));
    if (p->condition) TRY(program_open(op->x, p->condition, pairs, &s->condition));
    NEW_N(op->x, s->matched, left);
    NEW_N(op->x, s->origin, pairs);
    NEW_N(op->x, s->kept, pairs);
    if (!decides_only(s)) return operator_columns(op);
    op->sel = arena_alloc(op->x->arena, left * sizeof *op->sel);
    NEEDS(op->x, op->sel);
    uint16_t n = (uint16_t)(op->plan->left->ncolumns + op->plan->right->ncolumns);
    return columns_new(op->x, n, pairs, &s->combined);
}

static status next_left(struct nest *s) {
    const struct batch *b;
    TRY(operator_next(s->op.left, &b));
    s->left = *b;
    s->at = 0;
    s->in_row = s->giving_unmatched = false;
    s->unmatched_at = 0;
    s->end = b->nrows == 0;
    if (s->end) return OK;
    memset(s->matched, 0, b->nrows);
    if (s->left_arena.chunk) arena_reset(&s->left_arena);
    if (s->outer) TRY(program_run(s->outer, b->columns, b->sel, b->nrows, &s->left_arena));
    return OK;
}

static status start_row(struct nest *s) {
    const struct plan_outer *o = &s->op.plan->nest.outer;
    uint16_t row = batch_row(&s->left, s->at);
    for (uint16_t i = 0; i < o->n; i++) {
        const struct vec *v = program_output(s->outer, i);
        s->op.x->outer[o->ids[i]] = v->values[row];
        s->op.x->outer_nulls[o->ids[i]] = v->nulls[row];
        s->op.x->outer_turns[o->ids[i]]++;
    }
    s->in_row = true;
    TRY(sql_env_breathe(s->op.x->env));
    return operator_restart(s->op.right);
}

/* Values of the right side outlive its batch only as copies. */
static status copy_value(struct nest *s, const struct type *t, datum value, datum *ret) {
    if (!t || t->byval) {
        *ret = value;
        return OK;
    }
    status st = type_copy(t, value, s->op.arena, ret);
    return status_is(st, ST_OUT_OF_MEMORY) ? exec_memory(s->op.x) : st;
}

static status put_pair(struct nest *s, struct vec *columns, uint16_t to, const struct batch *right,
                       uint16_t right_row, bool copy) {
    const struct plan *l = s->op.plan->left, *r = s->op.plan->right;
    uint16_t left_row = batch_row(&s->left, s->at);
    for (uint16_t c = 0; c < l->ncolumns; c++) {
        columns[c].values[to] = s->left.columns[c].values[left_row];
        columns[c].nulls[to] = s->left.columns[c].nulls[left_row];
    }
    columns += l->ncolumns;
    for (uint16_t c = 0; c < r->ncolumns; c++) {
        columns[c].nulls[to] = right->columns[c].nulls[right_row];
        columns[c].values[to] = right->columns[c].values[right_row];
        if (copy && !columns[c].nulls[to])
            TRY(copy_value(s, r->types[c], columns[c].values[to], &columns[c].values[to]));
    }
    s->origin[to] = s->at;
    return OK;
}

/* Marks left rows with a partner; *ret_n combinations are left in kept. */
static status check_pairs(struct nest *s, const struct vec *columns, uint16_t n, uint16_t *ret_n) {
    if (s->condition) {
        TRY(program_filter(s->condition, columns, NULL, n, s->op.arena, s->kept, ret_n));
    } else {
        for (uint16_t i = 0; i < n; i++) s->kept[i] = i;
        *ret_n = n;
    }
    for (uint16_t i = 0; i < *ret_n; i++) s->matched[s->origin[s->kept[i]]] = 1;
    return OK;
}

/* ---- SEMI and ANTI ---- */

static status decide_row(struct nest *s) {
    TRY(start_row(s));
    while (!s->matched[s->at]) {
        const struct batch *b;
        TRY(operator_next(s->op.right, &b));
        if (b->nrows == 0) break;
        if (!s->condition) {
            s->matched[s->at] = 1;
            break;
        }
        for (uint16_t i = 0; i < b->nrows; i++)
            TRY(put_pair(s, s->combined, i, b, batch_row(b, i), false));
        uint16_t n;
        TRY(check_pairs(s, s->combined, b->nrows, &n));
        TRY(sql_env_breathe(s->op.x->env));
    }
    return OK;
}

static status next_decided(struct nest *s) {
    struct batch *out = &s->op.out;
    bool semi = s->op.plan->nest.join == PLAN_SEMI;
    do {
        out->nrows = 0;
        TRY(next_left(s));
        if (s->end) return OK;
        for (s->at = 0; s->at < s->left.nrows; s->at++) TRY(decide_row(s));
        for (uint16_t i = 0; i < s->left.nrows; i++)
            if ((s->matched[i] != 0) == semi) s->op.sel[out->nrows++] = batch_row(&s->left, i);
    } while (out->nrows == 0);
    out->columns = s->left.columns;
    out->sel = s->op.sel;
    return OK;
}

/* ---- INNER and LEFT ---- */

/* Adds combinations of the left row at hand until the batch is full or the row is done. A right
 * batch is used up at once: it has no more rows than fit, or the rest follows by itself. */
static status fill_pairs(struct nest *s, uint16_t *n) {
    uint16_t capacity = s->op.plan->capacity, right_capacity = s->op.plan->right->capacity;
    while (s->at < s->left.nrows) {
        if (!s->in_row) TRY(start_row(s));
        if (*n && *n + right_capacity > capacity) return OK;
        const struct batch *b;
        TRY(operator_next(s->op.right, &b));
        if (b->nrows == 0) {
            s->in_row = false;
            s->at++;
            continue;
        }
        for (uint16_t i = 0; i < b->nrows; i++)
            TRY(put_pair(s, s->op.out.columns, (*n)++, b, batch_row(b, i), true));
    }
    return OK;
}

static void give_unmatched(struct nest *s) {
    const struct plan *l = s->op.plan->left;
    struct batch *out = &s->op.out;
    uint16_t n = 0;
    for (; s->unmatched_at < s->left.nrows && n < s->op.plan->capacity; s->unmatched_at++) {
        if (s->matched[s->unmatched_at]) continue;
        uint16_t row = batch_row(&s->left, s->unmatched_at);
        for (uint16_t c = 0; c < l->ncolumns; c++) {
            out->columns[c].values[n] = s->left.columns[c].values[row];
            out->columns[c].nulls[n] = s->left.columns[c].nulls[row];
        }
        for (uint16_t c = l->ncolumns; c < s->op.plan->ncolumns; c++) out->columns[c].nulls[n] = 1;
        n++;
    }
    out->nrows = n;
    out->sel = NULL;
}

static status next_pairs(struct nest *s) {
    struct batch *out = &s->op.out;
    for (;;) {
        out->nrows = 0;
        out->sel = NULL;
        if (s->giving_unmatched) {
            give_unmatched(s);
            if (out->nrows) return OK;
            s->giving_unmatched = false;
        }
        if (s->at >= s->left.nrows) TRY(next_left(s));
        if (s->end) return OK;
        uint16_t n = 0;
        TRY(fill_pairs(s, &n));
        if (s->at >= s->left.nrows) s->giving_unmatched = s->op.plan->nest.join == PLAN_LEFT;
        if (n) TRY(check_pairs(s, out->columns, n, &out->nrows));
        out->sel = s->kept;
        if (out->nrows) return OK;
        TRY(sql_env_breathe(s->op.x->env));
    }
}

static status nest_next(struct operator* op) {
    struct nest *s = (struct nest *)op;
    op->out.nrows = 0;
    if (s->end) return OK;
    return decides_only(s) ? next_decided(s) : next_pairs(s);
}

static status nest_restart(struct operator* op) {
    struct nest *s = (struct nest *)op;
    s->at = s->left.nrows = 0;
    s->in_row = s->giving_unmatched = s->end = false;
    return operator_restart(op->left);
}

static void nest_close(struct operator* op) {
    struct nest *s = (struct nest *)op;
    if (s->left_arena.chunk) arena_free(&s->left_arena);
}

const struct operator_class operator_nest = {sizeof(struct nest), nest_open, nest_next,
                                             nest_restart, nest_close};
