/* Window functions: for each window a sort and an operator that adds the functions' columns. */
#include "plan/internal.h"

struct window_calls {
    uint16_t n;
    struct expr *items[64];
    uint16_t window;
    struct planner *p;
};

static status collect_calls(struct expr *e, void *arg, bool *ret_descend) {
    struct window_calls *c = arg;
    if (e->kind != EXPR_WINDOW) return OK;
    *ret_descend = false;
    if (e->agg.window != c->window) return OK;
    for (uint16_t i = 0; i < c->n; i++)
        if (expr_equal(c->items[i], e)) return OK;
    if (c->n == 64) return plan_unsupported(c->p, "more than 64 window functions");
    c->items[c->n++] = e;
    return OK;
}

/* Index of e among the columns, added when it is not there. */
static uint16_t column_of(struct expr **columns, uint16_t *n, struct expr *e) {
    for (uint16_t i = 0; i < *n; i++)
        if (expr_equal(columns[i], e)) return i;
    columns[*n] = e;
    return (*n)++;
}

/* The input with columns for everything that partitions, orders and arguments need. */
static status window_input(struct planner *p, struct plan *input, const struct window *w,
                           struct window_calls *calls, struct plan_window *pw, struct plan **ret) {
    uint32_t room = input->ncolumns + w->npartition + w->norder;
    for (uint16_t i = 0; i < calls->n; i++) room += calls->items[i]->nargs;
    struct expr **columns;
    NEW_N(p, columns, room + 1);
    uint16_t n = input->ncolumns;
    memcpy(columns, input->out, n * sizeof *columns);
    NEW_N(p, pw->partition, w->npartition + 1);
    NEW_N(p, pw->order, w->npartition + w->norder + 1);
    struct plan_sort_column *sort;
    NEW_N(p, sort, w->npartition + w->norder + 1);
    for (uint16_t i = 0; i < w->npartition; i++) {
        pw->partition[i] = column_of(columns, &n, w->partition[i]);
        sort[i] = sort_column(pw->partition[i], w->partition[i], false, false);
    }
    for (uint16_t i = 0; i < w->norder; i++) {
        uint16_t c = column_of(columns, &n, w->order[i]);
        pw->order[i] =
            sort_column(c, w->order[i], w->order_keys[i].descending, w->order_keys[i].nulls_first);
        sort[w->npartition + i] = pw->order[i];
    }
    pw->npartition = w->npartition;
    pw->norder = w->norder;
    for (uint16_t i = 0; i < calls->n; i++) {
        const struct expr *e = calls->items[i];
        uint16_t first = n;
        for (uint16_t k = 0; k < e->nargs; k++) columns[n++] = e->args[k];
        pw->calls[i].first_arg = first;
    }
    struct plan *plan;
    TRY(plan_project(p, input, columns, n, &plan));
    return plan_sort(p, plan, sort, (uint16_t)(w->npartition + w->norder), ret);
}

static status in_range_site(struct planner *p, const struct function *f, struct fn_site **ret) {
    struct fn_site *site;
    if (!f) return OK;
    NEW(p, site);
    site->function = f;
    site->result_type = BOOLOID;
    site->arg_types = f->args;
    site->nargs = f->nargs;
    site->memo_arena = p->c->arena;
    *ret = site;
    return OK;
}

static status plan_window_calls(struct planner *p, struct plan *input, const struct window *w,
                                struct window_calls *calls, struct plan **ret) {
    struct plan_window pw = {.frame = w, .ncalls = calls->n};
    NEW_N(p, pw.calls, calls->n);
    struct plan *sorted, *plan;
    TRY(window_input(p, input, w, calls, &pw, &sorted));
    TRY(plan_new(p, PLAN_WINDOW, sorted, NULL, (uint16_t)(sorted->ncolumns + calls->n), &plan));
    for (uint16_t i = 0; i < sorted->ncolumns; i++) {
        plan->out[i] = sorted->out[i];
        plan->types[i] = sorted->types[i];
    }
    for (uint16_t i = 0; i < calls->n; i++) {
        struct expr *e = calls->items[i];
        struct plan_window_call *c = &pw.calls[i];
        c->function = e->agg.function;
        c->aggregate = e->agg.aggregate;
        c->nargs = e->agg.nplain;
        c->has_filter = e->agg.has_filter;
        c->type = expr_value_type(e);
        TRY(plan_aggregate_site(p, e, &c->site));
        plan->out[sorted->ncolumns + i] = e;
        plan->types[sorted->ncolumns + i] = c->type;
    }
    struct expr *start = w->start_offset, *end = w->end_offset;
    if (start) TRY(compile_over(p, plan, &start, 1, NULL, NULL, &pw.start_offset));
    if (end) TRY(compile_over(p, plan, &end, 1, NULL, NULL, &pw.end_offset));
    TRY(in_range_site(p, w->start_in_range, &pw.start_in_range));
    TRY(in_range_site(p, w->end_in_range, &pw.end_in_range));
    plan->window = pw;
    plan->rows = sorted->rows;
    plan->order = sorted->order;
    plan->norder = sorted->norder;
    plan->startup = sorted->startup;
    plan->cost = sorted->cost + sorted->rows * calls->n;
    *ret = plan;
    return OK;
}

status plan_windows(struct planner *p, struct plan *input, struct plan **ret) {
    struct query *q = p->query;
    struct window_calls *calls;
    NEW(p, calls);
    for (uint16_t i = 0; i < q->nwindows; i++) {
        *calls = (struct window_calls){.window = i, .p = p};
        for (uint16_t t = 0; t < q->ntargets; t++)
            TRY(expr_walk(q->targets[t].expr, collect_calls, calls));
        if (calls->n) TRY(plan_window_calls(p, input, &q->windows[i], calls, &input));
    }
    *ret = input;
    return OK;
}
