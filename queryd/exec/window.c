/* Window functions: the input is kept, partitions and peers are found by its order, each function
 * is computed row by row over its frame. */
#include "exec/window.h"

/* A state that grows with the frame as long as the frame only grows at its end. */
struct running {
    struct agg_call call;
    struct arena arena; /* of the state */
    size_t first, next; /* stepped: [first, next) */
    bool begun;
};

static status window_open(struct operator* op) {
    struct window_state *w = (struct window_state *)op;
    const struct plan_window *p = &op->plan->window;
    arena_init(&w->arena, HARD_MEMORY_BYTES);
    if (p->start_offset) TRY(program_open(op->x, p->start_offset, 1, &w->start));
    if (p->end_offset) TRY(program_open(op->x, p->end_offset, 1, &w->end));
    NEW_N(op->x, w->running, p->ncalls + 1);
    for (uint16_t i = 0; i < p->ncalls; i++) arena_init(&w->running[i].arena, HARD_MEMORY_BYTES);
    TRY(operator_columns(op));
    const struct plan *input = op->plan->left;
    TRY(row_store_new(op->x, input->ncolumns, input->types, &w->last));
    return row_store_new_sequence(op->x, input->ncolumns, input->types, &w->rows);
}

/* Some rows stay as they are until others have been asked for: two at a time are looked at. */
static struct stored_row *row_at(struct window_state *w, size_t row) {
    struct stored_row *r = NULL;
    if (ok(w->failed)) w->failed = row_store_at(w->rows, row, &r);
    return ok(w->failed) ? r : NULL;
}

bool window_same_columns(struct window_state *w, size_t a, size_t b, bool order) {
    const struct plan_window *p = window_plan(w);
    struct stored_row *x = row_at(w, a), *y = row_at(w, b);
    if (!x || !y) return false;
    const uint8_t *xn = stored_nulls(w->rows, x), *yn = stored_nulls(w->rows, y);
    uint16_t n = order ? p->norder : p->npartition;
    for (uint16_t i = 0; i < n; i++) {
        uint16_t c = order ? p->order[i].column : p->partition[i];
        if (!same_value(w->rows->types[c], x->values[c], xn[c], y->values[c], yn[c])) return false;
    }
    return true;
}

bool window_value_at(struct window_state *w, size_t row, uint16_t column, datum *ret) {
    struct stored_row *r = row_at(w, row);
    if (!r || stored_nulls(w->rows, r)[column]) return false;
    *ret = r->values[column];
    return true;
}

/* ---- functions ---- */

enum {
    ROW_NUMBER = 3100,
    RANK,
    DENSE_RANK,
    PERCENT_RANK,
    CUME_DIST,
    NTILE,
    LAG,
    LAG_OFFSET,
    LAG_DEFAULT,
    LEAD,
    LEAD_OFFSET,
    LEAD_DEFAULT,
    FIRST_VALUE,
    LAST_VALUE,
    NTH_VALUE
};

static status ntile(struct window_state *w, const struct plan_window_call *c, const struct place *p,
                    datum *ret, uint8_t *ret_null) {
    datum d;
    if (!window_value_at(w, p->first, c->first_arg, &d)) {
        *ret_null = 1;
        return OK;
    }
    if (d.i32 <= 0)
        return error_set(w->op.x->env->eval.error, ST_INVALID_ARGUMENT_FOR_NTILE_FUNCTION,
                         "argument of ntile must be greater than zero");
    int64_t n = (int64_t)(p->last - p->first), at = (int64_t)(p->row - p->first);
    int64_t size = n / d.i32, larger = n % d.i32;
    int64_t bucket = at < larger * (size + 1) ? at / (size + 1)
                     : size                   ? larger + (at - larger * (size + 1)) / size
                                              : larger;
    *ret = datum_int4((int32_t)bucket + 1);
    return OK;
}

static status shifted(struct window_state *w, const struct plan_window_call *c,
                      const struct place *p, bool ahead, datum *ret, uint8_t *ret_null) {
    int64_t offset = 1;
    datum d;
    if (c->nargs > 1) {
        if (!window_value_at(w, p->row, (uint16_t)(c->first_arg + 1), &d)) {
            *ret_null = 1;
            return OK;
        }
        offset = d.i32;
    }
    int64_t row = (int64_t)p->row + (ahead ? offset : -offset);
    bool inside = row >= (int64_t)p->first && row < (int64_t)p->last;
    if (inside)
        *ret_null = !window_value_at(w, (size_t)row, c->first_arg, ret);
    else
        *ret_null = c->nargs < 3 || !window_value_at(w, p->row, (uint16_t)(c->first_arg + 2), ret);
    return OK;
}

static status nth(struct window_state *w, const struct plan_window_call *c, const struct place *p,
                  datum *ret, uint8_t *ret_null) {
    int64_t n = 1;
    size_t row;
    *ret_null = 1;
    if (c->function->oid == NTH_VALUE) {
        datum d;
        if (!window_value_at(w, p->row, (uint16_t)(c->first_arg + 1), &d)) return OK;
        n = d.i32;
        if (n <= 0)
            return error_set(w->op.x->env->eval.error, ST_INVALID_ARGUMENT_FOR_NTH_VALUE_FUNCTION,
                             "argument of nth_value must be greater than zero");
    }
    if (window_frame_row(w, p, n, c->function->oid == LAST_VALUE, &row))
        *ret_null = !window_value_at(w, row, c->first_arg, ret);
    return OK;
}

static status window_function(struct window_state *w, const struct plan_window_call *c,
                              const struct place *p, datum *ret, uint8_t *ret_null) {
    size_t n = p->last - p->first, at = p->row - p->first;
    *ret_null = 0;
    switch (c->function->oid) {
    case ROW_NUMBER: *ret = datum_int8((int64_t)at + 1); return OK;
    case RANK: *ret = datum_int8((int64_t)(p->peer_first - p->first) + 1); return OK;
    case DENSE_RANK: *ret = datum_int8(p->group + 1); return OK;
    case PERCENT_RANK:
        *ret = datum_float8(n > 1 ? (double)(p->peer_first - p->first) / (double)(n - 1) : 0);
        return OK;
    case CUME_DIST: *ret = datum_float8((double)(p->peer_last - p->first) / (double)n); return OK;
    case NTILE: return ntile(w, c, p, ret, ret_null);
    case LAG:
    case LAG_OFFSET:
    case LAG_DEFAULT: return shifted(w, c, p, false, ret, ret_null);
    case LEAD:
    case LEAD_OFFSET:
    case LEAD_DEFAULT: return shifted(w, c, p, true, ret, ret_null);
    case FIRST_VALUE:
    case LAST_VALUE:
    case NTH_VALUE: return nth(w, c, p, ret, ret_null);
    default:
        return error_set(w->op.x->env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "window function %s is not supported", c->function->name);
    }
}

/* ---- aggregates over frames ---- */

static status step_rows(struct window_state *w, const struct plan_window_call *c, struct running *r,
                        const struct place *p, size_t until) {
    for (; r->next < until; r->next++) {
        if (window_is_excluded(w, p, r->next)) continue;
        struct stored_row *row = row_at(w, r->next);
        if (!row) return w->failed;
        const uint8_t *nulls = stored_nulls(w->rows, row);
        if (c->has_filter) {
            uint16_t f = (uint16_t)(c->first_arg + c->nargs);
            if (nulls[f] || !row->values[f].b) continue;
        }
        r->call.args = row->values + c->first_arg;
        r->call.nulls = nulls + c->first_arg;
        TRY(aggregate_step(c->aggregate, &r->call));
    }
    return OK;
}

static status aggregate_frame(struct window_state *w, const struct plan_window_call *c,
                              struct running *r, const struct place *p, datum *ret,
                              uint8_t *ret_null, const struct eval_env *env) {
    size_t first, last;
    window_frame(w, p, &first, &last);
    bool excludes = window_plan(w)->frame->exclude != EXCLUDE_NO_OTHERS; /* others for each row */
    if (!r->begun || excludes || r->first != first || r->next > last) {
        if (r->arena.chunk) arena_reset(&r->arena);
        r->call = (struct agg_call){
            .nargs = c->nargs, .state_arena = &r->arena, .env = env, .site = c->site};
        r->call.state = arena_zalloc(&r->arena, c->aggregate->state_bytes + 16u);
        if (!r->call.state) return exec_memory(w->op.x);
        r->first = r->next = first;
        r->begun = true;
    }
    TRY(step_rows(w, c, r, p, last));
    r->call.is_null = false;
    TRY(c->aggregate->final(&r->call));
    *ret = r->call.result;
    *ret_null = r->call.is_null;
    return OK;
}

/* A result that is another row's value: of a row beyond work_mem that stays only until others are
 * looked at. */
static status keep_result(struct window_state *w, const struct type *t, datum *value) {
    if (t->byval || row_store_spilled(w->rows) == 0) return OK;
    status s = type_copy(t, *value, &w->arena, value);
    return status_is(s, ST_OUT_OF_MEMORY) ? exec_memory(w->op.x) : s;
}

static status compute_call(struct window_state *w, uint16_t i, struct place *p, struct running *r,
                           const struct eval_env *env) {
    const struct plan *plan = w->op.plan;
    const struct plan_window_call *c = &window_plan(w)->calls[i];
    datum *value = &w->results[i].values[p->row];
    uint8_t *is_null = &w->results[i].nulls[p->row];
    if (c->aggregate) return aggregate_frame(w, c, r, p, value, is_null, env);
    TRY(window_function(w, c, p, value, is_null));
    TRY(w->failed);
    return *is_null ? OK : keep_result(w, plan->types[plan->left->ncolumns + i], value);
}

static status compute_partition(struct window_state *w, size_t first, size_t last,
                                const struct eval_env *env) {
    struct place p = {.first = first, .last = last, .peer_last = first, .group = -1};
    p.range_first = p.range_last = first;
    window_find_groups(w, first, last);
    for (uint16_t i = 0; i < window_plan(w)->ncalls; i++) w->running[i].begun = false;
    for (p.row = first; p.row < last; p.row++) {
        if (p.row == p.peer_last) {
            p.peer_first = p.row;
            while (p.peer_last < last && window_same_columns(w, p.row, p.peer_last, true))
                p.peer_last++;
            p.group++;
        }
        TRY(window_find_range(w, &p));
        TRY(w->failed);
        for (uint16_t i = 0; i < window_plan(w)->ncalls; i++)
            TRY(compute_call(w, i, &p, &w->running[i], env));
        TRY(w->failed);
        if (p.row % 64 == 0) TRY(sql_env_breathe(w->op.x->env));
    }
    return OK;
}

static status compute(struct window_state *w) {
    uint16_t ncalls = window_plan(w)->ncalls;
    struct eval_env env = w->op.x->env->eval;
    env.arena = &w->arena;
    w->results = arena_array(&w->arena, ncalls, sizeof *w->results);
    if (!w->results) return exec_memory(w->op.x);
    if (window_plan(w)->frame->mode == FRAME_GROUPS) {
        w->groups = arena_array(&w->arena, row_store_count(w->rows) + 1, sizeof *w->groups);
        if (!w->groups) return exec_memory(w->op.x);
    }
    for (uint16_t i = 0; i < ncalls; i++) {
        w->results[i].values = arena_array(&w->arena, row_store_count(w->rows) + 1, sizeof(datum));
        w->results[i].nulls = arena_array(&w->arena, row_store_count(w->rows) + 1, 1);
        if (!w->results[i].values || !w->results[i].nulls) return exec_memory(w->op.x);
    }
    TRY(window_offset(w, w->start, true, &w->start_offset));
    TRY(window_offset(w, w->end, false, &w->end_offset));
    for (size_t first = 0; first < row_store_count(w->rows);) {
        size_t last = first + 1;
        while (last < row_store_count(w->rows) && window_same_columns(w, first, last, false))
            last++;
        TRY(compute_partition(w, first, last, &env));
        first = last;
    }
    return OK;
}

/* ---- partition by partition ---- */

#define ROWS_WANTED (4 * BATCH_ROWS)

static bool same_partition(const struct window_state *w, const struct vec *columns, uint16_t a,
                           uint16_t b) {
    const struct plan_window *p = window_plan(w);
    for (uint16_t i = 0; i < p->npartition; i++) {
        const struct vec *v = &columns[p->partition[i]];
        if (!same_value(w->rows->types[p->partition[i]], v->values[a], v->nulls[a], v->values[b],
                        v->nulls[b]))
            return false;
    }
    return true;
}

static bool goes_on_after_last(const struct window_state *w, uint16_t row) {
    const struct plan_window *p = window_plan(w);
    struct stored_row *r = w->last->rows[0];
    const uint8_t *nulls = stored_nulls(w->last, r);
    for (uint16_t i = 0; i < p->npartition; i++) {
        uint16_t c = p->partition[i];
        const struct vec *v = &w->input.columns[c];
        if (!same_value(w->rows->types[c], v->values[row], v->nulls[row], r->values[c], nulls[c]))
            return false;
    }
    return true;
}

/* The input's next row is of the same partition as the one before. */
static bool goes_on(const struct window_state *w) {
    uint16_t row = batch_row(&w->input, w->input_at);
    if (w->input_at == 0) return w->last->n == 0 || goes_on_after_last(w, row);
    return same_partition(w, w->input.columns, batch_row(&w->input, (uint16_t)(w->input_at - 1)),
                          row);
}

static status next_input(struct window_state *w) {
    const struct batch *b;
    row_store_clear(w->last);
    if (w->input.nrows && window_plan(w)->npartition)
        TRY(row_store_add(w->last, w->input.columns,
                          batch_row(&w->input, (uint16_t)(w->input.nrows - 1)), NULL));
    TRY(operator_next(w->op.left, &b));
    w->input = *b;
    w->input_at = 0;
    w->input_done = b->nrows == 0;
    return sql_env_breathe(w->op.x->env);
}

/* Reads partitions until there are rows enough, and computes them. */
static status read_some(struct window_state *w) {
    w->at = 0;
    row_store_clear(w->rows);
    if (w->arena.chunk) arena_reset(&w->arena);
    for (;;) {
        if (w->input_at == w->input.nrows) TRY(next_input(w));
        if (w->input_done) break;
        if (row_store_count(w->rows) >= ROWS_WANTED && !goes_on(w)) break;
        TRY(row_store_add(w->rows, w->input.columns, batch_row(&w->input, w->input_at), NULL));
        w->input_at++;
    }
    return row_store_count(w->rows) ? compute(w) : OK;
}

static status window_next(struct operator* op) {
    struct window_state *w = (struct window_state *)op;
    if (w->at == row_store_count(w->rows) && !w->input_done) TRY(read_some(w));
    size_t from = w->at;
    op->out.sel = NULL;
    TRY(row_store_read(w->rows, &w->at, op->out.columns, op->plan->capacity, op->arena,
                       &op->out.nrows));
    uint16_t base = op->plan->left->ncolumns;
    for (uint16_t i = 0; i < op->plan->window.ncalls; i++)
        for (uint16_t r = 0; r < op->out.nrows; r++) {
            op->out.columns[base + i].values[r] = w->results[i].values[from + r];
            op->out.columns[base + i].nulls[r] = w->results[i].nulls[from + r];
        }
    return OK;
}

static status window_restart(struct operator* op) {
    struct window_state *w = (struct window_state *)op;
    w->at = 0;
    w->input = (struct batch){0};
    w->input_at = 0;
    w->input_done = false;
    row_store_clear(w->rows);
    row_store_clear(w->last);
    if (w->arena.chunk) arena_reset(&w->arena);
    return operator_restart(op->left);
}

static void window_close(struct operator* op) {
    struct window_state *w = (struct window_state *)op;
    if (w->arena.chunk) arena_free(&w->arena);
    for (uint16_t i = 0; w->running && i < op->plan->window.ncalls; i++)
        if (w->running[i].arena.chunk) arena_free(&w->running[i].arena);
}

const struct operator_class operator_window = {sizeof(struct window_state), window_open,
                                               window_next, window_restart, window_close};
