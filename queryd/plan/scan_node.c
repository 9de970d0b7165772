/* The operator that reads a relation along a path. */
#include "catalog/row_tid.h"
#include "plan/path.h"
#include "types/collator.h"

static void key_of(const struct path *path, uint16_t k, const struct match *m,
                   struct plan_key *ret) {
    const struct index_desc *x = path->index;
    ret->type = x->types[k];
    ret->compared = index_key_type(x, k);
    ret->from = m->from;
    ret->convert = x == &row_tid_index ? KEY_TID : m->convert;
    ret->is_null = m->is_null;
    ret->descending = x->descending[k];
    ret->nulls_first = x->nulls_first[k];
}

static status add_value(const struct path_search *s, struct plan *node, struct expr *e,
                        struct expr **values, uint16_t *n) {
    TRY(expr_map(s->p->c->arena, e, request_outer_var, s->p, &values[*n]));
    TRY(note_outers(node, values[*n]));
    (*n)++;
    return OK;
}

static status add_equal(const struct path_search *s, struct plan *node, const struct match *m,
                        struct expr **values, uint16_t *n) {
    struct plan_scan *scan = &node->scan;
    if (m->use == USE_LIST) {
        scan->list = (uint16_t)(m->value->nargs - 1);
        for (uint16_t i = 1; i < m->value->nargs; i++)
            TRY(add_value(s, node, m->value->args[i], values, n));
        return OK;
    }
    if (m->use == USE_ARRAY) {
        scan->array = true;
        scan->array_element = type_find(m->from);
        return add_value(s, node, m->value->args[1], values, n);
    }
    return add_value(s, node, m->value, values, n);
}

status scan_bounds(const struct path_search *s, const struct path *path, struct plan *node) {
    struct planner *p = s->p;
    struct plan_scan *scan = &node->scan;
    uint16_t room = (uint16_t)(path->nequal + 2), n = 0;
    for (uint16_t i = 0; i < path->nequal; i++)
        if (path->equal[i].use == USE_LIST) room = (uint16_t)(room + path->equal[i].value->nargs);
    struct expr **values;
    NEW_N(p, values, room);
    NEW_N(p, scan->keys, path->nequal + 2);
    scan->nequal = path->nequal;
    for (uint16_t i = 0; i < path->nequal; i++) {
        key_of(path, i, &path->equal[i], &scan->keys[i]);
        TRY(add_equal(s, node, &path->equal[i], values, &n));
    }
    static const struct match none = {0};
    const struct match *low = &path->low, *high = &path->high;
    if (low->use || high->use)
        key_of(path, path->nequal, low->use ? low : high, &scan->keys[path->nequal]);
    if (low->use && high->use && low->from != high->from) high = &none;
    if (low->use) TRY(add_value(s, node, low->value, values, &n));
    if (high->use) TRY(add_value(s, node, high->value, values, &n));
    scan->has_low = low->use != USE_NONE;
    scan->has_high = high->use != USE_NONE;
    scan->low_exclusive = low->exclusive;
    scan->high_exclusive = high->exclusive;
    return program_compile(p->c->arena, values, n, 0, &scan->values);
}

status scan_columns(const struct path_search *s, struct plan *node) {
    struct planner *p = s->p;
    const struct rte_plan *rp = &p->rtes[s->rte];
    const struct rte *e = p->query->rtes[s->rte];
    uint16_t n = 0;
    NEW_N(p, node->scan.atts, e->ncolumns + 8);
    NEW_N(p, node->types, e->ncolumns + 8);
    NEW_N(p, node->out, e->ncolumns + 8);
    for (uint16_t i = 0; i < e->ncolumns; i++) {
        if (!rp->used[i]) continue;
        const struct rte_column *c = &e->columns[i];
        oid type = c->type ? c->type : s->r->atts[i].type;
        node->scan.atts[n] = (int16_t)(i + 1);
        node->scan.wanted = (uint16_t)(i + 1);
        node->types[n] = type_of_collation(type, c->collation);
        NEEDS(p, node->out[n] = expr_var(p->c->arena, s->rte, (int16_t)(i + 1), type, c->typmod,
                                         c->collation, -1));
        n++;
    }
    if (rp->address) {
        node->scan.atts[n] = ATT_ADDRESS;
        node->types[n] = type_find(BYTEAOID);
        NEEDS(p, node->out[n] = expr_var(p->c->arena, s->rte, ATT_ADDRESS, BYTEAOID, -1, 0, -1));
        n++;
    }
    for (int16_t att = -1; rp->system && att >= ATT_SYSTEM_LAST; att--) {
        if (!(rp->system >> -att & 1)) continue;
        node->scan.atts[n] = att;
        NEEDS(p, node->out[n] = system_column_var(p->c->arena, s->rte, att, -1));
        node->types[n] = type_find(node->out[n]->type);
        n++;
    }
    node->ncolumns = n;
    return OK;
}

/* What the bounds do not make sure of. */
static status residual(const struct path_search *s, const struct path *path, struct plan *node) {
    struct conjuncts left = {0};
    for (uint32_t i = 0; i < s->quals->n; i++) {
        bool done = false;
        for (uint16_t k = 0; k < path->nequal; k++)
            done |= path->equal[k].qual == i && path->equal[k].exact;
        if (node->scan.tid) /* bounds say all that the condition does */
            done |=
                (path->low.use && path->low.qual == i) || (path->high.use && path->high.qual == i);
        if (done) continue;
        struct expr *e = s->quals->items[i];
        if (s->outer) {
            struct rte_set used, own = {0};
            rte_set_add(&own, s->rte);
            TRY(query_rtes_of(e, &used));
            if (!rte_set_subset(&used, &own)) continue; /* the join checks it */
        }
        TRY(conjuncts_add(s->p, &left, e));
    }
    return compile_conjuncts(s->p, node, &left, node, NULL, &node->filter);
}

status scan_node(const struct path_search *s, const struct path *path, struct plan **ret) {
    struct planner *p = s->p;
    struct plan *node;
    TRY(plan_new(p, PLAN_SCAN, NULL, NULL, 0, &node));
    node->scan.relation = relation_index(p, s->r->oid);
    node->scan.index = path->index && !path->is_row_key ? path->index->oid : 0;
    node->scan.is_row_key = path->is_row_key;
    node->scan.tid = path->index == &row_tid_index;
    node->scan.point = path->point;
    node->scan.index_only = path->index_only;
    node->scan.backward = path->backward;
    TRY(scan_columns(s, node));
    node->scan.only_keys = node->scan.wanted == 0;
    if (path->index) TRY(scan_bounds(s, path, node));
    TRY(residual(s, path, node));
    node->order = path->order;
    node->norder = path->norder;
    node->rows = path->rows;
    node->cost = path->cost;
    node->startup = path->startup;
    NEEDS(p, node->name = arena_strdup(p->c->arena, s->r->name));
    bool shown = path->index && !node->scan.tid &&
                 (path->nequal || path->low.use || path->high.use || path->ordered ||
                  path->meaning || path->index_only);
    if (shown) NEEDS(p, node->index_name = arena_strdup(p->c->arena, path->index->name));
    *ret = node;
    return OK;
}
