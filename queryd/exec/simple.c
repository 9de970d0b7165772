/* Operators that hand on, cut or keep what their input gives. */
#include "exec/internal.h"

/* ---- Filter: the condition is checked by the common part ---- */

static status nothing_open(struct operator*) {
    return OK;
}

static status pass_next(struct operator* op) {
    const struct batch *b;
    TRY(operator_next(op->left, &b));
    op->out = *b;
    return OK;
}

static status pass_restart(struct operator* op) {
    return operator_restart(op->left);
}

const struct operator_class operator_filter = {.bytes = sizeof(struct operator),
                                               .open = nothing_open,
                                               .next = pass_next,
                                               .restart = pass_restart,
                                               .again = nothing_open};

/* ---- Gate: a condition without rows, looked at before the first one ---- */

struct gate {
    struct operator op;
    struct program_state *condition;
    bool looked, open;
};

static status gate_open(struct operator* op) {
    return program_open(op->x, op->plan->gate, 1, &((struct gate *)op)->condition);
}

static status gate_next(struct operator* op) {
    struct gate *g = (struct gate *)op;
    if (!g->looked) {
        datum d;
        bool is_null;
        TRY(program_value(g->condition, op->arena, &d, &is_null));
        g->open = !is_null && d.b;
        g->looked = true;
    }
    op->out.nrows = 0;
    return g->open ? pass_next(op) : OK;
}

static status gate_restart(struct operator* op) {
    ((struct gate *)op)->looked = false;
    return operator_restart(op->left);
}

const struct operator_class operator_gate = {sizeof(struct gate), gate_open, gate_next,
                                             gate_restart, NULL};

/* ---- Project ---- */

struct project {
    struct operator op;
    struct program_state *program;
};

static status project_open(struct operator* op) {
    struct project *p = (struct project *)op;
    NEW_N(op->x, op->out.columns, op->plan->ncolumns + 1);
    return program_open(op->x, op->plan->project, op->plan->capacity, &p->program);
}

static status project_next(struct operator* op) {
    struct project *p = (struct project *)op;
    const struct batch *b;
    TRY(operator_next(op->left, &b));
    op->out.nrows = b->nrows;
    op->out.sel = b->sel;
    if (b->nrows == 0) return OK;
    TRY(program_run(p->program, b->columns, b->sel, b->nrows, op->arena));
    for (uint16_t c = 0; c < op->plan->ncolumns; c++)
        op->out.columns[c] = *program_output(p->program, c);
    return OK;
}

const struct operator_class operator_project = {.bytes = sizeof(struct project),
                                                .open = project_open,
                                                .next = project_next,
                                                .restart = pass_restart,
                                                .again = nothing_open};

/* ---- Limit ---- */

struct limit {
    struct operator op;
    struct program_state *limit, *offset;
    bool begun, unlimited;
    int64_t left, skip;
    struct row_store *last; /* WITH TIES: the last row's columns that decide */
    struct vec *columns;
    const struct type **types;
};

static status limit_open(struct operator* op) {
    struct limit *l = (struct limit *)op;
    const struct plan_limit *p = &op->plan->limit;
    if (p->limit) TRY(program_open(op->x, p->limit, 1, &l->limit));
    if (p->offset) TRY(program_open(op->x, p->offset, 1, &l->offset));
    op->sel = arena_alloc(op->x->arena, op->plan->capacity * sizeof *op->sel);
    NEEDS(op->x, op->sel);
    if (p->nties == 0) return OK;
    NEW_N(op->x, l->columns, p->nties);
    NEW_N(op->x, l->types, p->nties);
    for (uint16_t i = 0; i < p->nties; i++) l->types[i] = op->plan->types[p->ties[i]];
    return row_store_new(op->x, p->nties, l->types, &l->last);
}

static void ties_columns(struct limit *l, const struct batch *b) {
    const struct plan_limit *p = &l->op.plan->limit;
    for (uint16_t i = 0; i < p->nties; i++) l->columns[i] = b->columns[p->ties[i]];
}

/* Of the rows behind the last one that counts, those that are equal to it. */
static uint16_t take_ties(struct limit *l, const struct batch *b, uint16_t from) {
    struct stored_row *r = l->last->rows[0];
    const uint8_t *nulls = stored_nulls(l->last, r);
    uint16_t n = 0;
    ties_columns(l, b);
    for (uint16_t i = from; i < b->nrows; i++, n++) {
        uint16_t row = batch_row(b, i);
        for (uint16_t c = 0; c < l->last->ncolumns; c++)
            if (!same_value(l->types[c], l->columns[c].values[row], l->columns[c].nulls[row],
                            r->values[c], nulls[c]))
                return n;
    }
    return n;
}

/* n rows of b are given, the limit's last among them: the ties behind it too. */
static status add_ties(struct limit *l, const struct batch *b, uint16_t from, uint16_t *n) {
    row_store_clear(l->last);
    ties_columns(l, b);
    TRY(row_store_add(l->last, l->columns, batch_row(b, (uint16_t)(from + *n - 1)), NULL));
    *n = (uint16_t)(*n + take_ties(l, b, (uint16_t)(from + *n)));
    return OK;
}

/* Batches behind the one in which the limit was reached. */
static status next_ties(struct limit *l) {
    struct operator* op = & l->op;
    const struct batch *b;
    if (!l->last || l->last->n == 0) return OK;
    TRY(operator_next(op->left, &b));
    op->out.columns = b->columns;
    uint16_t n = b->nrows ? take_ties(l, b, 0) : 0;
    for (uint16_t i = 0; i < n; i++) op->sel[i] = batch_row(b, i);
    op->out.sel = op->sel;
    op->out.nrows = n;
    if (n < b->nrows || n == 0) row_store_clear(l->last);
    return OK;
}

static status limit_begin(struct limit *l) {
    struct error *e = l->op.x->env->eval.error;
    bool is_null;
    datum d;
    l->begun = l->unlimited = true;
    l->skip = 0;
    if (l->limit) {
        TRY(program_value(l->limit, &l->op.own, &d, &is_null));
        if (!is_null && d.i64 < 0)
            return error_set(e, ST_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "LIMIT must not be negative");
        if (is_null && l->last)
            return error_set(e, ST_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE,
                             "row count cannot be null in FETCH FIRST ... WITH TIES clause");
        l->unlimited = is_null;
        l->left = is_null ? 0 : d.i64;
    }
    if (l->offset) {
        TRY(program_value(l->offset, &l->op.own, &d, &is_null));
        if (!is_null && d.i64 < 0)
            return error_set(e, ST_INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE,
                             "OFFSET must not be negative");
        l->skip = is_null ? 0 : d.i64;
    }
    return OK;
}

static status limit_next(struct operator* op) {
    struct limit *l = (struct limit *)op;
    if (!l->begun) TRY(limit_begin(l));
    op->out.nrows = 0;
    while (l->unlimited || l->left > 0) {
        const struct batch *b;
        TRY(operator_next(op->left, &b));
        op->out.columns = b->columns;
        if (b->nrows == 0) return OK;
        uint16_t from = l->skip < b->nrows ? (uint16_t)l->skip : b->nrows;
        l->skip -= from;
        if (from == b->nrows) continue;
        uint16_t n = (uint16_t)(b->nrows - from);
        if (!l->unlimited && n >= l->left) {
            n = (uint16_t)l->left;
            l->left = 0;
            if (l->last && n) TRY(add_ties(l, b, from, &n));
        } else {
            l->left -= n;
        }
        for (uint16_t i = 0; i < n; i++) op->sel[i] = batch_row(b, (uint16_t)(from + i));
        op->out.sel = op->sel;
        op->out.nrows = n;
        return OK;
    }
    return next_ties(l);
}

static status limit_restart(struct operator* op) {
    struct limit *l = (struct limit *)op;
    l->begun = false;
    if (l->last) row_store_clear(l->last);
    return operator_restart(op->left);
}

const struct operator_class operator_limit = {sizeof(struct limit), limit_open, limit_next,
                                              limit_restart, NULL};

/* ---- Unique: the first row of each value, of sorted input ---- */

struct unique {
    struct operator op;
    struct row_store *last; /* one row: the columns compared */
    struct vec *columns;
    const struct type **types;
    bool have;
};

static status unique_open(struct operator* op) {
    struct unique *u = (struct unique *)op;
    const struct plan_unique *p = &op->plan->unique;
    NEW_N(op->x, u->columns, p->n + 1);
    NEW_N(op->x, u->types, p->n + 1);
    for (uint16_t i = 0; i < p->n; i++) u->types[i] = op->plan->types[p->columns[i]];
    op->sel = arena_alloc(op->x->arena, op->plan->capacity * sizeof *op->sel);
    NEEDS(op->x, op->sel);
    return row_store_new(op->x, p->n, u->types, &u->last);
}

static bool same_as_last(const struct unique *u, uint16_t row) {
    if (!u->have) return false;
    struct stored_row *r = u->last->rows[0];
    const uint8_t *nulls = stored_nulls(u->last, r);
    for (uint16_t i = 0; i < u->last->ncolumns; i++)
        if (!same_value(u->types[i], u->columns[i].values[row], u->columns[i].nulls[row],
                        r->values[i], nulls[i]))
            return false;
    return true;
}

static status unique_next(struct operator* op) {
    struct unique *u = (struct unique *)op;
    const struct plan_unique *p = &op->plan->unique;
    op->out.nrows = 0;
    op->out.sel = op->sel;
    while (op->out.nrows == 0) {
        const struct batch *b;
        TRY(operator_next(op->left, &b));
        if (b->nrows == 0) return OK;
        op->out.columns = b->columns;
        for (uint16_t i = 0; i < p->n; i++) u->columns[i] = b->columns[p->columns[i]];
        for (uint16_t i = 0; i < b->nrows; i++) {
            uint16_t row = batch_row(b, i);
            if (same_as_last(u, row)) continue;
            row_store_clear(u->last);
            TRY(row_store_add(u->last, u->columns, row, NULL));
            u->have = true;
            op->sel[op->out.nrows++] = row;
        }
    }
    return OK;
}

static status unique_restart(struct operator* op) {
    ((struct unique *)op)->have = false;
    return operator_restart(op->left);
}

const struct operator_class operator_unique = {sizeof(struct unique), unique_open, unique_next,
                                               unique_restart, NULL};

/* ---- Append ---- */

struct append {
    struct operator op;
    bool second;
    struct batch rest; /* of an input's batch larger than ours */
    uint16_t at;
};

static status append_open(struct operator* op) {
    return operator_columns(op);
}

static status append_fetch(struct append *a) {
    while (a->at == a->rest.nrows) {
        const struct batch *b;
        TRY(operator_next(a->second ? a->op.right : a->op.left, &b));
        a->rest = *b;
        a->at = 0;
        if (b->nrows) return OK;
        if (a->second) return OK;
        a->second = true;
    }
    return OK;
}

static status append_next(struct operator* op) {
    struct append *a = (struct append *)op;
    TRY(append_fetch(a));
    uint16_t n = (uint16_t)(a->rest.nrows - a->at);
    if (n > op->plan->capacity) n = op->plan->capacity;
    for (uint16_t i = 0; i < n; i++) {
        uint16_t row = batch_row(&a->rest, (uint16_t)(a->at + i));
        for (uint16_t c = 0; c < op->plan->ncolumns; c++) {
            op->out.columns[c].values[i] = a->rest.columns[c].values[row];
            op->out.columns[c].nulls[i] = a->rest.columns[c].nulls[row];
        }
    }
    a->at = (uint16_t)(a->at + n);
    op->out.nrows = n;
    op->out.sel = NULL;
    return OK;
}

static status append_restart(struct operator* op) {
    struct append *a = (struct append *)op;
    a->second = false;
    a->at = a->rest.nrows = 0;
    TRY(operator_restart(op->left));
    return operator_restart(op->right);
}

const struct operator_class operator_append = {sizeof(struct append), append_open, append_next,
                                               append_restart, NULL};

/* ---- Materialize: everything is read once, handed on as it is read, and given again ---- */

struct material {
    struct operator op;
    struct row_store *rows;
    size_t at;
    bool complete;
};

static status material_open(struct operator* op) {
    struct material *k = (struct material *)op;
    TRY(operator_columns(op));
    return row_store_new_sequence(op->x, op->plan->ncolumns, op->plan->types, &k->rows);
}

static status material_next(struct operator* op) {
    struct material *k = (struct material *)op;
    op->out.sel = NULL;
    if (k->at == row_store_count(k->rows) && !k->complete) {
        const struct batch *b;
        TRY(operator_next(op->left, &b));
        k->complete = b->nrows == 0;
        TRY(row_store_add_batch(k->rows, b));
    }
    return row_store_read(k->rows, &k->at, op->out.columns, op->plan->capacity, op->arena,
                          &op->out.nrows);
}

static status material_restart(struct operator* op) {
    struct material *k = (struct material *)op;
    k->at = 0;
    if (!op->plan->depends) return OK;
    k->complete = false;
    row_store_clear(k->rows);
    return operator_restart(op->left);
}

const struct operator_class operator_material = {sizeof(struct material), material_open,
                                                 material_next, material_restart, NULL};
