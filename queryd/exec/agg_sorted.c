/* Aggregation of input sorted by the grouping columns: a group is complete when the next begins, so
 * one is in memory at a time. */
#include "exec/agg.h"

struct agg_sorted {
    struct agg agg; /* first */
    struct group *group;
    bool has_group, input_end;
    struct batch input;
    struct eval_env env;
    uint16_t at;
    uint16_t *identity; /* 0, 1, 2, … for batches without a selection */
};

static uint16_t ngroup(const struct agg_sorted *s) {
    return s->agg.op.plan->agg.ngroup;
}

static uint8_t *key_nulls(const struct agg_sorted *s) {
    return (uint8_t *)(s->group->keys + ngroup(s));
}

static status sorted_open(struct operator* op) {
    struct agg_sorted *s = (struct agg_sorted *)op;
    uint16_t capacity = op->plan->left->capacity;
    TRY(agg_open(op));
    s->group = arena_zalloc(op->x->arena, sizeof *s->group + ngroup(s) * (sizeof(datum) + 1u));
    NEEDS(op->x, s->group);
    NEW_N(op->x, s->identity, capacity);
    for (uint16_t i = 0; i < capacity; i++) s->identity[i] = i;
    return OK;
}

static status next_input(struct agg_sorted *s) {
    const struct batch *b;
    if (s->agg.input.chunk) arena_reset(&s->agg.input);
    TRY(operator_next(s->agg.op.left, &b));
    s->input = *b;
    s->at = 0;
    s->input_end = b->nrows == 0;
    if (s->input_end) return OK;
    TRY(agg_run(&s->agg, b, &s->env));
    return sql_env_breathe(s->agg.op.x->env);
}

static bool is_of_group(const struct agg_sorted *s, uint16_t row) {
    const struct plan_agg *p = &s->agg.op.plan->agg;
    const uint8_t *nulls = key_nulls(s);
    for (uint16_t c = p->ngroup; c > 0; c--) { /* the last one changes most often */
        const struct vec *v = program_output(s->agg.values, (uint16_t)(c - 1));
        if (!same_value(p->group_types[c - 1], v->values[row], v->nulls[row], s->group->keys[c - 1],
                        nulls[c - 1]))
            return false;
    }
    return true;
}

static status begin_group(struct agg_sorted *s, uint16_t row) {
    const struct plan_agg *p = &s->agg.op.plan->agg;
    struct arena *a = &s->agg.groups;
    if (a->chunk) arena_reset(a);
    s->agg.held_bytes = 0;
    s->group->states = arena_zalloc(a, s->agg.states_bytes + 16);
    if (!s->group->states) return agg_full(&s->agg);
    for (uint16_t c = 0; c < p->ngroup; c++) {
        const struct vec *v = program_output(s->agg.values, c);
        key_nulls(s)[c] = v->nulls[row];
        if (!v->nulls[row])
            TRY(type_copy(p->group_types[c], v->values[row], a, &s->group->keys[c]));
    }
    s->has_group = true;
    return OK;
}

/* The group's result becomes row n of the output. */
static status end_group(struct agg_sorted *s, uint16_t n) {
    const struct plan_agg *p = &s->agg.op.plan->agg;
    struct operator* op = & s->agg.op;
    for (uint16_t c = 0; c < p->ngroup; c++) {
        struct vec *to = &op->out.columns[c];
        to->nulls[n] = key_nulls(s)[c];
        if (!to->nulls[n])
            TRY(type_copy(p->group_types[c], s->group->keys[c], op->arena, &to->values[n]));
    }
    s->has_group = false;
    return agg_finish(&s->agg, s->group, n);
}

/* All rows from the one at hand that are of the group. */
static status step_run(struct agg_sorted *s) {
    const uint16_t *sel = s->input.sel ? s->input.sel : s->identity;
    uint16_t from = s->at;
    while (s->at < s->input.nrows && is_of_group(s, sel[s->at])) s->at++;
    struct batch run = s->input;
    run.sel = (uint16_t *)sel + from;
    run.nrows = (uint16_t)(s->at - from);
    return run.nrows ? agg_step_rows(&s->agg, s->group, &run, &s->env) : OK;
}

static status sorted_next(struct operator* op) {
    struct agg_sorted *s = (struct agg_sorted *)op;
    uint16_t n = 0;
    op->out.sel = NULL;
    while (n < op->plan->capacity) {
        if (s->at >= s->input.nrows && !s->input_end) TRY(next_input(s));
        if (s->input_end) {
            if (s->has_group) TRY(end_group(s, n++));
            break;
        }
        if (s->has_group) TRY(step_run(s));
        if (s->at >= s->input.nrows) continue;
        if (s->has_group)
            TRY(end_group(s, n++));
        else
            TRY(begin_group(s, batch_row(&s->input, s->at)));
    }
    op->out.nrows = n;
    return OK;
}

static status sorted_restart(struct operator* op) {
    struct agg_sorted *s = (struct agg_sorted *)op;
    s->has_group = s->input_end = false;
    s->at = s->input.nrows = 0;
    if (s->agg.groups.chunk) arena_reset(&s->agg.groups);
    return operator_restart(op->left);
}

static void sorted_close(struct operator* op) {
    struct agg_sorted *s = (struct agg_sorted *)op;
    if (s->agg.groups.chunk) arena_free(&s->agg.groups);
    agg_close(op);
}

const struct operator_class operator_sorted_agg = {sizeof(struct agg_sorted), sorted_open,
                                                   sorted_next, sorted_restart, sorted_close};
