/* Aggregates: one group, or groups in a hash table; DISTINCT as groups without aggregates. */
#include "exec/agg.h"
#include "types/ordered_set.h"

static const struct plan_agg *plan_of(const struct agg *a) {
    return &a->op.plan->agg;
}

static uint16_t inputs_of(const struct plan_aggregate *p) {
    return (uint16_t)(p->nargs + p->norder);
}

status agg_open(struct operator* op) {
    struct agg *a = (struct agg *)op;
    const struct plan_agg *p = &op->plan->agg;
    struct execution *x = op->x;
    size_t limit = x->env->settings->work_mem_bytes * 16;
    arena_init(&a->groups, limit < HARD_MEMORY_BYTES ? HARD_MEMORY_BYTES : limit);
    arena_init(&a->input, 0);
    TRY(operator_columns(op));
    TRY(program_open(x, p->values, op->plan->left->capacity, &a->values));
    NEW_N(x, a->offsets, p->naggs + 1);
    uint16_t widest = p->ngroup;
    for (uint16_t i = 0; i < p->naggs; i++) {
        a->offsets[i] = a->states_bytes;
        size_t bytes =
            agg_holds(&p->aggs[i]) ? sizeof(struct held) : p->aggs[i].aggregate->state_bytes;
        a->states_bytes += (bytes + 15) & ~(size_t)15;
        if (inputs_of(&p->aggs[i]) > widest) widest = inputs_of(&p->aggs[i]);
    }
    NEW_N(x, a->keys, p->ngroup + 1);
    NEW_N(x, a->args, widest + 1);
    NEW_N(x, a->arg_values, widest + 1);
    NEW_N(x, a->arg_nulls, widest + 1);
    a->last = &a->first;
    TRY(agg_spill_open(a));
    TRY(agg_held_open(a));
    if (p->nsets == 0) return OK;
    uint16_t capacity = op->plan->left->capacity;
    NEW_N(x, a->no_key.values, capacity);
    NEW_N(x, a->no_key.nulls, capacity);
    memset(a->no_key.nulls, 1, capacity);
    return OK;
}

status agg_full(struct agg *a) {
    status s = error_set(a->op.x->env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    error_detail(a->op.x->env->eval.error,
                 "An aggregation has too many groups or too large states.");
    return s;
}

/* ---- groups ---- */

#define GROUPS_PER_BREATH 4096

static status grow(struct agg *a) {
    size_t n = a->nbuckets ? a->nbuckets * 4 : 64;
    struct group **buckets = arena_array(&a->groups, n, sizeof *buckets);
    if (!buckets) return agg_full(a);
    size_t moved = 0;
    for (struct group *g = a->first; g; g = g->later) {
        if (++moved % GROUPS_PER_BREATH == 0) TRY(sql_env_breathe(a->op.x->env));
        g->next = buckets[g->hash & (n - 1)];
        buckets[g->hash & (n - 1)] = g;
    }
    a->buckets = buckets;
    a->nbuckets = n;
    return OK;
}

static status new_group(struct agg *a, uint64_t hash, uint16_t set, uint16_t row,
                        struct group **ret) {
    const struct plan_agg *p = plan_of(a);
    struct group *g = arena_zalloc(&a->groups, sizeof *g + p->ngroup * (sizeof(datum) + 1u));
    if (!g) return agg_full(a);
    g->states = arena_zalloc(&a->groups, a->states_bytes + 16);
    if (!g->states) return agg_full(a);
    uint8_t *nulls = (uint8_t *)(g->keys + p->ngroup);
    for (uint16_t c = 0; c < p->ngroup; c++) {
        nulls[c] = a->keys[c]->nulls[row];
        if (nulls[c]) continue;
        status s = type_copy(p->group_types[c], a->keys[c]->values[row], &a->groups, &g->keys[c]);
        if (status_is(s, ST_OUT_OF_MEMORY)) return agg_full(a);
        TRY(s);
    }
    g->hash = hash;
    g->set = set;
    *a->last = g;
    a->last = &g->later;
    if (p->ngroup || p->nsets) {
        if (a->ngroups >= a->nbuckets)
            TRY(grow(a)); /* finds g among the groups */
        else {
            g->next = a->buckets[hash & (a->nbuckets - 1)];
            a->buckets[hash & (a->nbuckets - 1)] = g;
        }
    }
    a->ngroups++;
    *ret = g;
    return OK;
}

static bool is_group(const struct agg *a, const struct group *g, uint64_t hash, uint16_t set,
                     uint16_t row) {
    const struct plan_agg *p = plan_of(a);
    if (g->hash != hash || g->set != set) return false;
    const uint8_t *nulls = (const uint8_t *)(g->keys + p->ngroup);
    for (uint16_t c = 0; c < p->ngroup; c++)
        if (!same_value(p->group_types[c], a->keys[c]->values[row], a->keys[c]->nulls[row],
                        g->keys[c], nulls[c]))
            return false;
    return true;
}

/* NULL: it has no room; *ret_hash says where the row is to wait. */
static status group_of(struct agg *a, uint16_t set, uint16_t row, struct group **ret,
                       uint64_t *ret_hash) {
    const struct plan_agg *p = plan_of(a);
    uint64_t hash = hash_row(p->group_types, a->keys, p->ngroup, row) + set;
    *ret_hash = hash;
    *ret = NULL;
    if (a->nbuckets)
        for (struct group *g = a->buckets[hash & (a->nbuckets - 1)]; g; g = g->next)
            if (is_group(a, g, hash, set, row)) {
                *ret = g;
                return OK;
            }
    return a->spill.begun ? OK : new_group(a, hash, set, row, ret);
}

/* ---- steps ---- */

static struct agg_call call_of(struct agg *a, uint16_t i, struct group *g,
                               const struct eval_env *env) {
    const struct plan_aggregate *p = &plan_of(a)->aggs[i];
    return (struct agg_call){.args = a->arg_values,
                             .nulls = a->arg_nulls,
                             .nargs = p->nargs,
                             .state = g->states + a->offsets[i],
                             .state_arena = &a->groups,
                             .env = env,
                             .site = p->site};
}

static bool passes_filter(const struct agg *a, const struct plan_aggregate *p, uint16_t row) {
    if (!p->has_filter) return true;
    const struct vec *v =
        program_output(a->values, (uint16_t)(p->first_arg + p->nargs + p->norder));
    return !v->nulls[row] && v->values[row].b;
}

/* Rows that do not count for their nulls. */
static bool is_skipped(const struct agg *a, const struct plan_aggregate *p, uint16_t row) {
    uint16_t first = p->first_arg, n = p->nargs;
    if (p->ordered) {
        if (p->ordered->hypothetical) return false;
        first = (uint16_t)(first + p->nargs);
        n = 1;
    } else if (!p->aggregate->skips_nulls) {
        return false;
    }
    for (uint16_t k = 0; k < n; k++)
        if (program_output(a->values, (uint16_t)(first + k))->nulls[row]) return true;
    return false;
}

static status step_row(struct agg *a, uint16_t i, struct group *g, uint16_t row,
                       const struct eval_env *env) {
    const struct plan_aggregate *p = &plan_of(a)->aggs[i];
    if (!passes_filter(a, p, row)) return OK;
    if (agg_holds(p)) {
        struct held *h = (struct held *)(g->states + a->offsets[i]);
        return is_skipped(a, p, row) ? OK : agg_held_add(a, i, h, row);
    }
    for (uint16_t k = 0; k < p->nargs; k++) {
        const struct vec *v = program_output(a->values, (uint16_t)(p->first_arg + k));
        a->arg_values[k] = v->values[row];
        a->arg_nulls[k] = v->nulls[row];
    }
    struct agg_call c = call_of(a, i, g, env);
    return aggregate_step(p->aggregate, &c);
}

/* One group only: whole batches at once. */
static status step_batch(struct agg *a, uint16_t i, struct group *g, const struct batch *b,
                         const struct eval_env *env) {
    const struct plan_aggregate *p = &plan_of(a)->aggs[i];
    if (agg_holds(p) || p->has_filter) {
        for (uint16_t r = 0; r < b->nrows; r++) TRY(step_row(a, i, g, batch_row(b, r), env));
        return OK;
    }
    for (uint16_t k = 0; k < p->nargs; k++)
        a->args[k] = program_output(a->values, (uint16_t)(p->first_arg + k));
    struct agg_call c = call_of(a, i, g, env);
    return aggregate_step_vec(p->aggregate, &c, a->args, b->sel, b->nrows);
}

static bool in_set(const struct plan_agg *p, uint16_t set, uint16_t column) {
    return p->nsets == 0 || p->in_set[(size_t)set * p->ngroup + column];
}

/* Every row into its group of one grouping set; the keys are those of the set. */
static status step_set(struct agg *a, uint16_t set, const struct batch *b,
                       const struct eval_env *env) {
    for (uint16_t r = 0; r < b->nrows; r++) {
        uint16_t row = batch_row(b, r);
        struct group *g;
        uint64_t hash;
        TRY(group_of(a, set, row, &g, &hash));
        if (!g) {
            TRY(agg_spill_row(a, set, hash, b, row));
            continue;
        }
        for (uint16_t i = 0; i < plan_of(a)->naggs; i++) TRY(step_row(a, i, g, row, env));
    }
    return sql_env_breathe(a->op.x->env);
}

status agg_run(struct agg *a, const struct batch *b, struct eval_env *ret_env) {
    *ret_env = a->op.x->env->eval;
    ret_env->arena = &a->input;
    return program_run(a->values, b->columns, b->sel, b->nrows, &a->input);
}

status agg_step_rows(struct agg *a, struct group *g, const struct batch *b, struct eval_env *env) {
    for (uint16_t i = 0; i < plan_of(a)->naggs; i++) TRY(step_batch(a, i, g, b, env));
    return OK;
}

static status step_all(struct agg *a, const struct batch *b) {
    const struct plan_agg *p = plan_of(a);
    struct eval_env env;
    TRY(agg_run(a, b, &env));
    if (p->ngroup == 0 && p->nsets == 0) return agg_step_rows(a, a->first, b, &env);
    uint16_t set = 0, last = p->nsets ? (uint16_t)(p->nsets - 1) : 0;
    if (a->spill.part) set = last = a->spill.part->set;
    for (; set <= last; set++) {
        for (uint16_t c = 0; c < p->ngroup; c++)
            a->keys[c] = in_set(p, set, c) ? program_output(a->values, c) : &a->no_key;
        TRY(step_set(a, set, b, &env));
    }
    agg_spill_begin_if_full(a);
    return OK;
}

/* Groups that are there even without rows: of all rows, and of empty grouping sets. */
static status groups_of_nothing(struct agg *a) {
    const struct plan_agg *p = plan_of(a);
    struct group *g;
    if (p->ngroup == 0 && p->nsets == 0) return new_group(a, 0, 0, 0, &g);
    for (uint16_t c = 0; c < p->ngroup; c++) a->keys[c] = &a->no_key;
    for (uint16_t set = 0; set < p->nsets; set++) {
        bool empty = true;
        for (uint16_t c = 0; c < p->ngroup; c++) empty &= !in_set(p, set, c);
        uint64_t hash;
        if (empty) TRY(group_of(a, set, 0, &g, &hash));
    }
    return OK;
}

static status next_input(struct agg *a, struct batch *from_tape, const struct batch **ret) {
    if (!a->spill.part) return operator_next(a->op.left, ret);
    *ret = from_tape;
    return agg_spill_batch(a, from_tape);
}

static status consume(struct agg *a) {
    const struct batch *b;
    struct batch from_tape;
    if (!a->spill.part) TRY(groups_of_nothing(a));
    if (a->op.counts && !a->spill.part) a->op.counts->batches++;
    do {
        if (a->input.chunk) arena_reset(&a->input);
        TRY(next_input(a, &from_tape, &b));
        if (b->nrows) {
            status s = step_all(a, b);
            if (status_is(s, ST_OUT_OF_MEMORY)) return agg_full(a);
            TRY(s);
        }
        TRY(sql_env_breathe(a->op.x->env));
    } while (b->nrows);
    a->complete = true;
    a->at = a->first;
    return OK;
}

/* ---- results ---- */

static status finish(struct agg *a, uint16_t i, struct group *g, struct vec *to, uint16_t row) {
    const struct plan_aggregate *p = &plan_of(a)->aggs[i];
    struct eval_env env = a->op.x->env->eval;
    env.arena = a->op.arena;
    struct agg_call c = call_of(a, i, g, &env);
    if (p->ordered) {
        struct held *h = (struct held *)(g->states + a->offsets[i]);
        struct ordered_group o = {p, NULL};
        TRY(agg_held_sorted(a, i, h, &o.rows));
        TRY(ordered_group_final(&o, a->op.arena, &to->values[row], &to->nulls[row]));
        agg_held_free(h);
        return OK;
    }
    if (agg_holds(p)) {
        struct held *h = (struct held *)(g->states + a->offsets[i]);
        c.state = arena_zalloc(&a->groups, p->aggregate->state_bytes + 16u);
        if (!c.state) return agg_full(a);
        TRY(agg_held_step(a, i, h, &c));
        agg_held_free(h);
    }
    TRY(p->aggregate->final(&c));
    to->values[row] = c.result;
    to->nulls[row] = c.is_null;
    return OK;
}

status agg_finish(struct agg *a, struct group *g, uint16_t row) {
    const struct plan_agg *p = plan_of(a);
    for (uint16_t i = 0; i < p->naggs; i++)
        TRY(finish(a, i, g, &a->op.out.columns[p->ngroup + i], row));
    return OK;
}

/* GROUPING: a bit for each argument, set where the group is not of that column. */
static void answer_grouping(const struct agg *a, const struct group *g, struct vec *to,
                            uint16_t row) {
    const struct plan_agg *p = plan_of(a);
    for (uint16_t i = 0; i < p->nasked; i++) {
        int32_t bits = 0;
        for (uint16_t k = 0; k < p->asked[i]->grouping.n; k++)
            bits = bits << 1 | !in_set(p, g->set, p->asked[i]->grouping.columns[k]);
        to[i].values[row] = datum_int4(bits);
        to[i].nulls[row] = 0;
    }
}

static void drop_groups(struct agg *a) {
    if (a->groups.chunk) arena_free(&a->groups);
    a->buckets = NULL;
    a->nbuckets = a->ngroups = a->held_bytes = 0;
    a->first = a->at = NULL;
    a->last = &a->first;
    a->complete = false;
}

/* The groups of the next part are in memory, when those at hand are all given. */
static status next_groups(struct agg *a) {
    bool more = true;
    while (!a->at && a->spill.used && more) {
        TRY(agg_spill_next(a, &more));
        if (!more) break;
        drop_groups(a);
        TRY(consume(a));
    }
    return OK;
}

static status agg_next(struct operator* op) {
    struct agg *a = (struct agg *)op;
    const struct plan_agg *p = &op->plan->agg;
    if (!a->complete) TRY(consume(a));
    TRY(next_groups(a));
    uint16_t n = 0;
    op->out.sel = NULL;
    for (; a->at && n < op->plan->capacity; a->at = a->at->later, n++) {
        const uint8_t *nulls = (const uint8_t *)(a->at->keys + p->ngroup);
        for (uint16_t c = 0; c < p->ngroup; c++) {
            op->out.columns[c].values[n] = a->at->keys[c];
            op->out.columns[c].nulls[n] = nulls[c];
        }
        TRY(agg_finish(a, a->at, n));
        answer_grouping(a, a->at, op->out.columns + p->ngroup + p->naggs, n);
    }
    op->out.nrows = n;
    return OK;
}

static void agg_reset(struct agg *a) {
    agg_spill_reset(a);
    drop_groups(a);
    if (a->input.chunk) arena_free(&a->input);
}

static status agg_restart(struct operator* op) {
    struct agg *a = (struct agg *)op;
    bool holds = false;
    for (uint16_t i = 0; i < op->plan->agg.naggs; i++) holds |= agg_holds(&op->plan->agg.aggs[i]);
    if (a->complete && !op->plan->depends && !holds && !a->spill.used) {
        a->at = a->first; /* states stand: results are made from them again */
        return OK;
    }
    agg_reset(a);
    return operator_restart(op->left);
}

void agg_close(struct operator* op) {
    agg_reset((struct agg *)op);
    agg_spill_close((struct agg *)op);
    agg_held_close((struct agg *)op);
}

const struct operator_class operator_agg = {sizeof(struct agg), agg_open, agg_next, agg_restart,
                                            agg_close};
