/* Groups by sorted rows or by a hash table: which costs less, and the rows sorted for it. */
#include "plan/internal.h"

#define COST_FIND 0.5      /* of a row, to find its group in the table */
#define COST_NEW_GROUP 1.0 /* of a group in the table */
#define COST_SPILL 2.0     /* of a row, when the table is beyond its memory */
#define COST_COMPARE 0.2   /* of a row, to see whether it is of the group before */
#define GROUP_BYTES 100.0

struct group_cost group_cost(struct planner *p, double rows, double groups) {
    const struct sql_settings *s = p->c->env->settings;
    double memory =
        (double)s->work_mem_bytes * (s->hash_mem_multiplier > 1 ? s->hash_mem_multiplier : 1);
    double work = price_of_work(p);
    struct group_cost c = {.hashed = (rows * COST_FIND + groups * COST_NEW_GROUP) * work,
                           .sorted = rows * COST_COMPARE * work};
    if (memory > 0 && groups * GROUP_BYTES > memory) c.hashed += rows * COST_SPILL;
    c.hashed += cost_avoided(p, WAY_HASHAGG);
    return c;
}

/* The keys in the sequence that serves best: as the input begins, then as the result will be
 * sorted, then as they were written. */
struct group_keys {
    uint16_t n;
    struct order_key *keys;
};

static bool has_key(struct planner *p, const struct group_keys *k, const struct expr *e) {
    for (uint16_t i = 0; i < k->n; i++)
        if (order_same(p, k->keys[i].expr, e)) return true;
    return false;
}

static void add_key(struct planner *p, struct group_keys *k, struct expr *e, bool descending,
                    bool nulls_first) {
    if (has_key(p, k, e)) return;
    k->keys[k->n++] =
        (struct order_key){.expr = e, .descending = descending, .nulls_first = nulls_first};
}

static struct expr *same_in(struct planner *p, struct expr *const *group, uint16_t n,
                            const struct expr *e) {
    for (uint16_t i = 0; i < n; i++)
        if (order_same(p, group[i], e)) return group[i];
    return NULL;
}

static status arrange(struct planner *p, const struct plan *input, struct expr *const *group,
                      uint16_t n, struct group_keys *k) {
    const struct order_wish *w = p->wish;
    NEW_N(p, k->keys, n + 1);
    for (uint16_t i = 0; i < input->norder; i++) {
        const struct order_key *o = &input->order[i];
        struct expr *e = same_in(p, group, n, o->expr);
        if (!e && !o->constant) break;
        if (e) add_key(p, k, e, o->descending, o->nulls_first);
    }
    for (uint16_t i = 0; w && w->grouping && i < w->n; i++) {
        struct expr *e = same_in(p, group, n, w->keys[i].expr);
        if (e) add_key(p, k, e, w->keys[i].descending, w->keys[i].nulls_first);
    }
    for (uint16_t i = 0; i < n; i++) add_key(p, k, group[i], false, false);
    return OK;
}

/* What the query's own sort would cost over groups in that order. */
static double sort_after(struct planner *p, const struct group_keys *k, double groups) {
    const struct query *q = p->query;
    struct order_key *want = arena_array(p->c->arena, q->nsort + 1u, sizeof *want);
    if (!q->nsort || !want) return 0;
    for (uint16_t i = 0; i < q->nsort; i++)
        want[i] = (struct order_key){.expr = q->targets[q->sort[i].target].expr,
                                     .descending = q->sort[i].descending,
                                     .nulls_first = q->sort[i].nulls_first};
    uint16_t have = k ? order_prefix(p, k->keys, k->n, want, q->nsort) : 0;
    return sort_cost(p, groups, want, have, q->nsort, 0).total;
}

static status make_sorted(struct planner *p, struct plan *input, const struct group_keys *k,
                          struct plan **ret) {
    struct expr **columns;
    struct plan_sort_column *sort;
    uint16_t n = input->ncolumns;
    NEW_N(p, columns, n + k->n + 1u);
    NEW_N(p, sort, k->n + 1);
    if (n) memcpy(columns, input->out, n * sizeof *columns);
    for (uint16_t i = 0; i < k->n; i++) {
        uint16_t c = 0;
        while (c < n && !(columns[c] && expr_equal(columns[c], k->keys[i].expr))) c++;
        if (c == n) columns[n++] = k->keys[i].expr;
        sort[i] = sort_column(c, k->keys[i].expr, k->keys[i].descending, k->keys[i].nulls_first);
    }
    TRY(plan_project(p, input, columns, n, &input));
    return plan_sort(p, input, sort, k->n, ret);
}

static bool can_sort(struct expr *const *group, uint16_t n) {
    for (uint16_t i = 0; i < n; i++) {
        const struct type *t = expr_value_type(group[i]);
        if (!t || !type_is_ordered(t)) return false;
    }
    return true;
}

status sort_groups(struct planner *p, struct plan *input, struct expr *const *group, uint16_t n,
                   double groups, struct plan **ret, enum plan_kind *ret_kind) {
    struct group_keys k = {0};
    *ret = input;
    *ret_kind = PLAN_AGG;
    if (!can_sort(group, n)) return OK;
    TRY(arrange(p, input, group, n, &k));
    uint16_t presorted = order_prefix(p, input->order, input->norder, k.keys, k.n);
    struct group_cost c = group_cost(p, input->rows, groups);
    double sort = sort_cost(p, input->rows, k.keys, presorted, k.n, 0).total;
    double sorted = c.sorted + sort + sort_after(p, &k, groups);
    if (sorted >= c.hashed + sort_after(p, NULL, groups)) return OK;
    *ret_kind = PLAN_SORTED_AGG;
    return presorted == k.n ? OK : make_sorted(p, input, &k, ret);
}

status order_of_groups(struct planner *p, struct plan *plan, const struct plan *input) {
    NEW_N(p, plan->order, input->norder + 1);
    for (uint16_t i = 0; i < input->norder; i++) {
        struct expr *e = same_in(p, plan->out, plan->agg.ngroup, input->order[i].expr);
        if (!e && input->order[i].constant) continue;
        if (!e) break;
        plan->order[plan->norder] = input->order[i];
        plan->order[plan->norder++].expr = e;
    }
    return OK;
}
