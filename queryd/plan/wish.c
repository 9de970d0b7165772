/* The order in which what follows FROM would like the rows to come: whoever sorts or groups them
 * first says so. */
#include "plan/internal.h"

static status wish_for(struct planner *p, uint16_t n, struct order_wish **ret) {
    NEW(p, *ret);
    NEW_N(p, (*ret)->keys, n + 1);
    return OK;
}

static void add_key(struct order_wish *w, struct expr *e, bool descending, bool nulls_first) {
    w->keys[w->n++] =
        (struct order_key){.expr = e, .descending = descending, .nulls_first = nulls_first};
}

static bool has_key(const struct order_wish *w, const struct expr *e) {
    for (uint16_t i = 0; i < w->n; i++)
        if (expr_equal(w->keys[i].expr, e)) return true;
    return false;
}

static bool is_of(const struct expr *e, struct expr *const *list, uint16_t n) {
    for (uint16_t i = 0; i < n; i++)
        if (expr_equal(list[i], e)) return true;
    return false;
}

/* Groups, first by what the result is sorted by: then that sort has less to do, or nothing. */
static void group_keys(struct planner *p, struct order_wish *w, struct expr *const *list,
                       uint16_t n) {
    const struct query *q = p->query;
    w->grouping = true;
    w->groups = 1;
    for (uint16_t i = 0; i < q->nsort; i++) {
        const struct sort_key *k = &q->sort[i];
        struct expr *e = q->targets[k->target].expr;
        if (!is_of(e, list, n)) break;
        if (!has_key(w, e)) add_key(w, e, k->descending, k->nulls_first);
    }
    for (uint16_t i = 0; i < n; i++) {
        if (!has_key(w, list[i])) add_key(w, list[i], false, false);
        w->groups *= distinct_values(p, list[i], 0);
    }
}

static status wish_of_window(struct planner *p, const struct window *win) {
    struct order_wish *w;
    TRY(wish_for(p, (uint16_t)(win->npartition + win->norder), &w));
    for (uint16_t i = 0; i < win->npartition; i++) add_key(w, win->partition[i], false, false);
    for (uint16_t i = 0; i < win->norder; i++)
        add_key(w, win->order[i], win->order_keys[i].descending, win->order_keys[i].nulls_first);
    p->wish = w;
    return OK;
}

static status wish_of_distinct(struct planner *p) {
    struct query *q = p->query;
    struct expr **list;
    NEW_N(p, list, q->nvisible + 1);
    for (uint16_t i = 0; i < q->nvisible; i++) list[i] = q->targets[i].expr;
    TRY(wish_for(p, (uint16_t)(q->nvisible + q->nsort), &p->wish));
    group_keys(p, p->wish, list, q->nvisible);
    return OK;
}

static status wish_of_sort(struct planner *p, double limit) {
    struct query *q = p->query;
    struct order_wish *w;
    TRY(wish_for(p, (uint16_t)(q->nsort + q->ndistinct_on), &w));
    for (uint16_t i = 0; i < q->nsort; i++) {
        const struct sort_key *k = &q->sort[i];
        add_key(w, q->targets[k->target].expr, k->descending, k->nulls_first);
    }
    for (uint16_t i = 0; i < q->ndistinct_on; i++) {
        struct expr *e = q->targets[q->distinct_on[i]].expr;
        if (!has_key(w, e)) add_key(w, e, false, false);
    }
    w->limit = limit;
    const struct expr *l = q->ndistinct_on ? NULL : q->limit, *o = q->offset;
    if (q->ndistinct_on) w->limit = 0;
    if (l && l->kind == EXPR_CONST && !l->constant.is_null)
        w->limit = (double)l->constant.value.i64;
    if (w->limit > 0 && o && o->kind == EXPR_CONST && !o->constant.is_null)
        w->limit += (double)o->constant.value.i64;
    p->wish = w;
    return OK;
}

status make_wish(struct planner *p, double limit) {
    struct query *q = p->query;
    if (q->grouped) {
        if (q->ngroup == 0 || q->nsets) return OK;
        TRY(wish_for(p, (uint16_t)(q->ngroup + q->nsort), &p->wish));
        group_keys(p, p->wish, q->group, q->ngroup);
        return OK;
    }
    if (q->nwindows) return wish_of_window(p, &q->windows[0]);
    if (q->distinct && !q->ndistinct_on) return wish_of_distinct(p);
    return q->nsort || q->ndistinct_on ? wish_of_sort(p, limit) : OK;
}
