/* Operators: opening, the common part of next, closing. */
#include "exec/sorter.h"

const struct operator_class *operator_class_of(enum plan_kind kind) {
    static const struct operator_class *const classes[PLAN_KIND_COUNT] = {
        [PLAN_RESULT] = &operator_result,
        [PLAN_SCAN] = &operator_scan,
        [PLAN_BITMAP_AND] = &operator_bitmap_and,
        [PLAN_BITMAP_OR] = &operator_bitmap_or,
        [PLAN_SAMPLE] = &operator_sample,
        [PLAN_VALUES] = &operator_values,
        [PLAN_FUNCTION] = &operator_function,
        [PLAN_CTE] = &operator_cte,
        [PLAN_WORK] = &operator_work,
        [PLAN_RECURSIVE] = &operator_recursive,
        [PLAN_FILTER] = &operator_filter,
        [PLAN_GATE] = &operator_gate,
        [PLAN_PROJECT] = &operator_project,
        [PLAN_NEST] = &operator_nest,
        [PLAN_HASH_JOIN] = &operator_hash_join,
        [PLAN_MERGE_JOIN] = &operator_merge_join,
        [PLAN_AGG] = &operator_agg,
        [PLAN_SORTED_AGG] = &operator_sorted_agg,
        [PLAN_SORT] = &operator_sort,
        [PLAN_INCREMENTAL_SORT] = &operator_incremental_sort,
        [PLAN_LIMIT] = &operator_limit,
        [PLAN_UNIQUE] = &operator_unique,
        [PLAN_APPEND] = &operator_append,
        [PLAN_SETOP] = &operator_setop,
        [PLAN_MATERIAL] = &operator_material,
        [PLAN_WINDOW] = &operator_window,
        [PLAN_SET_PROJECT] = &operator_set_project,
        [PLAN_LOCK] = &operator_lock,
        [PLAN_INSERT] = &operator_insert,
        [PLAN_UPDATE] = &operator_update,
        [PLAN_DELETE] = &operator_delete,
    };
    return classes[kind];
}

status columns_new(struct execution *x, uint16_t n, uint16_t capacity, struct vec **ret) {
    size_t head = (n + 1u) * sizeof(struct vec);
    size_t values = (size_t)n * capacity * sizeof(datum);
    struct vec *v = arena_alloc(x->arena, head + values + (size_t)n * capacity);
    NEEDS(x, v);
    datum *d = (datum *)((char *)v + head);
    uint8_t *nulls = (uint8_t *)((char *)d + values);
    for (uint16_t i = 0; i < n; i++)
        v[i] = (struct vec){d + (size_t)i * capacity, nulls + (size_t)i * capacity};
    *ret = v;
    return OK;
}

status operator_columns(struct operator* op) {
    return columns_new(op->x, op->plan->ncolumns, op->plan->capacity, &op->out.columns);
}

static status remember(struct execution *x, struct operator* op) {
    if (x->nall == x->all_cap) {
        uint32_t cap = x->all_cap ? x->all_cap * 2 : 8;
        struct operator** grown;
        NEW_N(x, grown, cap);
        if (x->nall) memcpy(grown, x->all, x->nall * sizeof *grown);
        x->all = grown;
        x->all_cap = cap;
    }
    x->all[x->nall++] = op;
    return OK;
}

/* once: it will be started one time only, so a single row's values need no arena of their own. */
status operator_open(struct execution *x, const struct plan *plan, bool once,
                     struct operator** ret) {
    const struct operator_class *class = operator_class_of(plan->kind);
    if (coro_stack_left() < STACK_MARGIN_BYTES)
        return error_set(x->env->eval.error, ST_STATEMENT_TOO_COMPLEX,
                         "stack depth limit exceeded");
    struct operator* op = arena_zalloc(x->arena, class->bytes);
    NEEDS(x, op);
    op->plan = plan;
    op->class = class;
    op->x = x;
    op->out.ncolumns = plan->ncolumns;
    arena_init(&op->own, 0);
    op->arena = once && plan->capacity == 1 && !plan->one_by_one ? x->arena : &op->own;
    if (x->analyze) NEW_N(x, op->counts, 1);
    if (op->counts) *op->counts = (struct plan_counts){0};
    TRY(remember(x, op));
    bool again = plan->kind == PLAN_RECURSIVE;
    if (plan->left) TRY(operator_open(x, plan->left, once, &op->left));
    if (plan->right) {
        bool right_once = once && !again && plan->kind != PLAN_NEST;
        TRY(operator_open(x, plan->right, right_once, &op->right));
    }
    TRY(class->open(op));
    if (plan->filter) {
        uint16_t capacity = plan->capacity;
        TRY(program_open(x, plan->filter, capacity, &op->filter));
        op->sel = arena_alloc(x->arena, capacity * sizeof *op->sel);
        NEEDS(x, op->sel);
    }
    *ret = op;
    return OK;
}

/* Rows that pass the filter; END of a batch that has none is not the end. */
static status filtered(struct operator* op, bool *ret_again) {
    uint16_t n;
    struct batch *b = &op->out;
    TRY(program_filter(op->filter, b->columns, b->sel, b->nrows, op->arena, op->sel, &n));
    if (op->counts) op->counts->removed += (uint64_t)(b->nrows - n);
    b->nrows = n;
    b->sel = op->sel;
    *ret_again = n == 0;
    return OK;
}

/* Every batch is an occasion to give way: whatever an operator above does with many of them, a
 * cancel is heard. */
static status next_batch(struct operator* op) {
    for (;;) {
        if (op->plan->capacity > 1 || op->plan->one_by_one) TRY(sql_env_breathe(op->x->env));
        if (op->arena == &op->own && op->own.chunk) arena_reset(&op->own);
        TRY(op->class->next(op));
        if (op->out.nrows == 0 || !op->filter) return OK;
        bool again;
        TRY(filtered(op, &again));
        if (again) continue;
        return op->complete ? op->complete(op) : OK;
    }
}

static uint64_t now_ns(const struct operator* op) {
    struct proc *p = op->x->env->proc;
    return op->x->timing ? p->env->mono_ns(p) : 0;
}

/* EXPLAIN ANALYZE: the same, and how many rows and how long. */
static status counted_next(struct operator* op) {
    struct plan_counts *c = op->counts;
    struct usage before, after;
    if (op->x->metered) usage_read(op->x->env->proc, &before);
    uint64_t begin = now_ns(op);
    TRY(next_batch(op));
    uint64_t took = now_ns(op) - begin;
    if (op->x->metered) {
        usage_read(op->x->env->proc, &after);
        usage_add(&c->used, &before, &after);
    }
    if (!op->counted_loop) c->loops++;
    if (!op->counted_first) c->first_ns += took;
    op->counted_loop = true;
    op->counted_first |= op->out.nrows > 0;
    c->rows += op->out.nrows;
    c->total_ns += took;
    return OK;
}

status operator_next(struct operator* op, const struct batch **ret) {
    *ret = &op->out;
    return op->counts ? counted_next(op) : next_batch(op);
}

status operator_restart(struct operator* op) {
    op->counted_loop = op->counted_first = false;
    return op->class->restart(op);
}

void operators_close(struct execution *x) {
    for (uint32_t i = 0; i < x->nall; i++) {
        struct operator* op = x->all[i];
        if (op->class->close) op->class->close(op);
        if (op->own.chunk) arena_free(&op->own);
    }
    sorters_close(x);
    for (uint32_t i = 0; i < x->nstores; i++) row_store_free(x->stores[i]);
    x->nall = x->nstores = 0;
    tapes_close(x);
}
