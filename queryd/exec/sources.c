/* Rows that come from no table: one row, VALUES, functions, WITH queries. */
#include "exec/internal.h"
#include "types/record.h"

/* ---- Result: one row without columns ---- */

struct result {
    struct operator op;
    bool done;
};

static status result_open(struct operator* op) {
    return operator_columns(op);
}

static status result_next(struct operator* op) {
    struct result *r = (struct result *)op;
    op->out.nrows = r->done ? 0 : 1;
    op->out.sel = NULL;
    r->done = true;
    return OK;
}

static status result_restart(struct operator* op) {
    ((struct result *)op)->done = false;
    return OK;
}

const struct operator_class operator_result = {.bytes = sizeof(struct result),
                                               .open = result_open,
                                               .next = result_next,
                                               .restart = result_restart,
                                               .again = result_restart};

/* ---- VALUES ---- */

struct values {
    struct operator op;
    uint32_t at;
};

static status values_open(struct operator* op) {
    return operator_columns(op);
}

static status values_row(struct operator* op, const struct program *row, uint16_t n) {
    struct execution view = *op->x;
    view.arena = op->arena;
    struct program_state *s;
    TRY(program_open(&view, row, 1, &s));
    s->x = op->x;
    TRY(program_run(s, NULL, NULL, 1, op->arena));
    for (uint16_t c = 0; c < op->plan->ncolumns; c++) {
        op->out.columns[c].values[n] = program_output(s, c)->values[0];
        op->out.columns[c].nulls[n] = program_output(s, c)->nulls[0];
    }
    return OK;
}

/* A row whose value fails does so when it is asked for: those before it are given first. */
static status values_next(struct operator* op) {
    struct values *v = (struct values *)op;
    const struct plan_values *p = &op->plan->values;
    uint16_t n = 0;
    for (; n < op->plan->capacity && v->at < p->nrows; n++, v->at++) {
        status s = values_row(op, p->rows[v->at], n);
        if (ok(s)) continue;
        if (n == 0 || !status_is_of_value(s)) return s;
        error_clear(op->x->env->eval.error);
        break;
    }
    op->out.sel = NULL;
    op->out.nrows = n;
    return OK;
}

static status values_restart(struct operator* op) {
    ((struct values *)op)->at = 0;
    return OK;
}

const struct operator_class operator_values = {sizeof(struct values), values_open, values_next,
                                               values_restart, NULL};

/* ---- functions in FROM ---- */

struct function_call_state {
    struct program_state *args;
    datum *values;
    uint8_t *nulls;
    void *set_state;
    struct arena set_arena;
    bool begun, done;
};

struct function_scan {
    struct operator op;
    struct function_call_state *calls;
    struct arena args_arena;
    int64_t ordinality;
};

static status function_open(struct operator* op) {
    struct function_scan *f = (struct function_scan *)op;
    const struct plan_function *p = &op->plan->function;
    TRY(operator_columns(op));
    NEW_N(op->x, f->calls, p->n);
    arena_init(&f->args_arena, 0);
    for (uint16_t i = 0; i < p->n; i++) {
        struct function_call_state *c = &f->calls[i];
        arena_init(&c->set_arena, 0);
        TRY(program_open(op->x, p->calls[i].args, 1, &c->args));
        NEW_N(op->x, c->values, p->calls[i].args->noutputs + 1);
        NEW_N(op->x, c->nulls, p->calls[i].args->noutputs + 1);
    }
    return OK;
}

static status begin_call(struct function_scan *f, const struct plan_function_call *p,
                         struct function_call_state *c) {
    c->begun = true;
    TRY(program_run(c->args, NULL, NULL, 1, &f->args_arena));
    for (uint16_t i = 0; i < c->args->program->noutputs; i++) {
        c->values[i] = program_output(c->args, i)->values[0];
        c->nulls[i] = program_output(c->args, i)->nulls[0];
        if (p->site && p->site->function->strict && c->nulls[i]) c->done = true;
    }
    return OK;
}

/* One row of one function; null columns once it is done. */
static status call_row(struct function_scan *f, const struct plan_function_call *p,
                       struct function_call_state *c, datum *ret, bool *ret_null) {
    *ret_null = true;
    if (!c->begun) TRY(begin_call(f, p, c));
    if (c->done) return OK;
    if (!p->site) { /* not a set: its one value */
        *ret = c->values[0];
        *ret_null = c->nulls[0];
        c->done = true;
        return OK;
    }
    struct eval_env env = f->op.x->env->eval;
    env.arena = f->op.arena;
    struct fn_call call = {.args = c->values,
                           .nulls = c->nulls,
                           .nargs = c->args->program->noutputs,
                           .env = &env,
                           .site = p->site,
                           .set_state = c->set_state,
                           .set_arena = &c->set_arena};
    TRY(function_call(&call));
    c->set_state = call.set_state;
    c->done = call.set_done;
    *ret = call.result;
    *ret_null = call.is_null || call.set_done;
    return OK;
}

/* What is called gives a record, whose columns the query has defined. */
static status check_record(struct operator* op, uint16_t first, const struct plan_function_call *p,
                           const struct record *r) {
    struct error *e = op->x->env->eval.error;
    static const char words[] = "function return row and query-specified return row do not match";
    if (r->n != p->ncolumns) {
        status s = error_set(e, ST_DATATYPE_MISMATCH, words);
        error_detail(e, "Returned row contains %u attribute%s, but query expects %u.", r->n,
                     r->n == 1 ? "" : "s", p->ncolumns);
        return s;
    }
    for (uint16_t i = 0; i < r->n; i++) {
        oid want = op->plan->types[first + i]->oid;
        if (r->types[i] == want || type_base(want) == r->types[i]) continue;
        status s = error_set(e, ST_DATATYPE_MISMATCH, words);
        error_detail(e, "Returned type %s at ordinal position %u, but query expects %s.",
                     type_format_name(op->arena, r->types[i]), i + 1u,
                     type_format_name(op->arena, want));
        return s;
    }
    return OK;
}

/* Dropped fields of a row are no columns. */
static status put_columns(struct operator* op, uint16_t first, const struct plan_function_call *p,
                          datum value, bool is_null, uint16_t row) {
    struct vec *columns = op->out.columns + first;
    if (!p->composite) {
        columns[0].values[row] = value;
        columns[0].nulls[row] = is_null;
        return OK;
    }
    struct eval_env env = op->x->env->eval;
    struct record r = {0};
    env.arena = op->arena;
    if (!is_null) TRY(record_split(&env, value.v, &r));
    if (!is_null && r.type == RECORDOID) TRY(check_record(op, first, p, &r));
    const struct type *t = type_find(r.type);
    uint16_t at = 0;
    for (uint16_t i = 0; i < r.n && at < p->ncolumns; i++) {
        if (t && i < t->nfields && t->fields[i].dropped) continue;
        columns[at].nulls[row] = r.nulls[i];
        columns[at++].values[row] = r.values[i];
    }
    while (at < p->ncolumns) columns[at++].nulls[row] = 1;
    return OK;
}

static status function_row(struct function_scan *f, uint16_t row, bool *ret_any) {
    struct operator* op = & f->op;
    const struct plan_function *p = &op->plan->function;
    uint16_t column = 0;
    *ret_any = false;
    for (uint16_t i = 0; i < p->n; i++) {
        struct function_call_state *c = &f->calls[i];
        bool single = !p->calls[i].site, was_done = c->begun && c->done;
        datum value = {0};
        bool is_null;
        TRY(call_row(f, &p->calls[i], c, &value, &is_null));
        if (!was_done && (single || !c->done)) *ret_any = true;
        TRY(put_columns(op, column, &p->calls[i], value, is_null, row));
        column = (uint16_t)(column + p->calls[i].ncolumns);
    }
    if (p->ordinality) {
        op->out.columns[column].values[row] = datum_int8(++f->ordinality);
        op->out.columns[column].nulls[row] = 0;
    }
    return OK;
}

static status function_next(struct operator* op) {
    struct function_scan *f = (struct function_scan *)op;
    uint16_t n = 0;
    bool any = true;
    op->out.sel = NULL;
    TRY(sql_env_breathe(op->x->env));
    while (n < op->plan->capacity) {
        TRY(function_row(f, n, &any));
        if (!any) break;
        n++;
    }
    op->out.nrows = n;
    return OK;
}

static void function_reset(struct function_scan *f) {
    for (uint16_t i = 0; f->calls && i < f->op.plan->function.n; i++) {
        struct function_call_state *c = &f->calls[i];
        if (c->set_arena.chunk) arena_free(&c->set_arena);
        c->set_state = NULL;
        c->begun = c->done = false;
    }
    if (f->args_arena.chunk) arena_free(&f->args_arena);
    f->ordinality = 0;
}

static status function_restart(struct operator* op) {
    function_reset((struct function_scan *)op);
    return OK;
}

static void function_close(struct operator* op) {
    function_reset((struct function_scan *)op);
}

const struct operator_class operator_function = {sizeof(struct function_scan), function_open,
                                                 function_next, function_restart, function_close};

/* ---- WITH ---- */

struct cte_scan {
    struct operator op;
    size_t at;
    bool begun;
};

/* Changes whenever one of the parameters is set. */
static uint64_t turn_of(const struct execution *x, const struct plan_statement_cte *c) {
    uint64_t turn = 0;
    for (uint16_t i = 0; i < c->nouters; i++) turn += x->outer_turns[c->outers[i]];
    return turn;
}

static status cte_open(struct operator* op) {
    struct execution *x = op->x;
    struct cte_state *c = &x->ctes[op->plan->cte.id];
    TRY(operator_columns(op));
    if (c->rows) return OK;
    const struct plan *source = x->plan->ctes[op->plan->cte.id].plan;
    CHECK(source);
    TRY(row_store_new_sequence(x, source->ncolumns, source->types, &c->rows));
    const struct plan_statement_cte *planned = &x->plan->ctes[op->plan->cte.id];
    c->turn = turn_of(x, planned);
    return operator_open(x, source, planned->nouters == 0, &c->op);
}

/* Rows of other parameters are no use. Who else reads them depends on the same parameters, and
 * begins anew too. */
static status begin_reading(struct cte_scan *s, struct cte_state *c) {
    struct execution *x = s->op.x;
    uint64_t turn = turn_of(x, &x->plan->ctes[s->op.plan->cte.id]);
    s->begun = true;
    if (turn == c->turn) return OK;
    c->turn = turn;
    c->complete = false;
    row_store_clear(c->rows);
    return operator_restart(c->op);
}

static status cte_next(struct operator* op) {
    struct cte_scan *s = (struct cte_scan *)op;
    struct cte_state *c = &op->x->ctes[op->plan->cte.id];
    op->out.sel = NULL;
    TRY(sql_env_breathe(op->x->env));
    if (!s->begun) TRY(begin_reading(s, c));
    if (s->at == row_store_count(c->rows) && !c->complete) {
        const struct batch *b;
        TRY(operator_next(c->op, &b));
        c->complete = b->nrows == 0;
        TRY(row_store_add_batch(c->rows, b));
    }
    TRY(row_store_read(c->rows, &s->at, op->out.columns, op->plan->capacity, op->arena,
                       &op->out.nrows));
    return OK;
}

static status cte_restart(struct operator* op) {
    struct cte_scan *s = (struct cte_scan *)op;
    s->at = 0;
    s->begun = false;
    return OK;
}

const struct operator_class operator_cte = {sizeof(struct cte_scan), cte_open, cte_next,
                                            cte_restart, NULL};

/* The rows of the last round of a recursion. */
static status work_next(struct operator* op) {
    struct cte_scan *s = (struct cte_scan *)op;
    struct row_store *rows = op->x->work[op->plan->cte.id];
    op->out.sel = NULL;
    op->out.nrows = 0;
    if (rows)
        TRY(row_store_read(rows, &s->at, op->out.columns, op->plan->capacity, op->arena,
                           &op->out.nrows));
    return OK;
}

static status work_open(struct operator* op) {
    return operator_columns(op);
}

const struct operator_class operator_work = {sizeof(struct cte_scan), work_open, work_next,
                                             cte_restart, NULL};
