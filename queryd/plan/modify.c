/* INSERT, UPDATE, DELETE, and locking rows for SELECT … FOR UPDATE. */
#include "plan/internal.h"

#define ANY_SYSTEM 0xff
#define NOT_TABLEOID ((uint8_t) ~(1 << -ATT_TABLEOID))

/* Columns of a row of the entry, as an operator's would be: for compiling over rows in hand. */
static status row_shape(struct planner *p, uint16_t rte, uint16_t extra, struct plan **ret) {
    const struct rte *r = p->query->rtes[rte];
    struct plan *row;
    TRY(plan_new(p, PLAN_RESULT, NULL, NULL, (uint16_t)(r->ncolumns + extra), &row));
    for (uint16_t i = 0; i < r->ncolumns; i++) {
        oid type = r->columns[i].type ? r->columns[i].type : r->relation->atts[i].type;
        NEEDS(p, row->out[i] = expr_var(p->c->arena, rte, (int16_t)(i + 1), type,
                                        r->columns[i].typmod, r->columns[i].collation, -1));
        row->types[i] = type_find(type);
    }
    *ret = row;
    return OK;
}

/* The system columns in use of an entry; of one of its rows behind `at` columns. */
static void system_columns(const struct planner *p, uint16_t rte, uint8_t which,
                           struct plan_system *ret) {
    which &= p->rtes[rte].system;
    for (int16_t att = -1; att >= ATT_SYSTEM_LAST; att--)
        if (which >> -att & 1) ret->atts[ret->n++] = att;
}

static status put_system(struct planner *p, uint16_t rte, const struct plan_system *s,
                         struct expr **out) {
    for (uint16_t i = 0; i < s->n; i++)
        NEEDS(p, out[i] = system_column_var(p->c->arena, rte, s->atts[i], -1));
    return OK;
}

/* The input of UPDATE and DELETE: the row's attributes, its address, what else the conditions and
 * expressions name, and last the row's system columns. */
static status change_input(struct planner *p, struct plan *from, const struct plan_system *found,
                           struct plan **ret) {
    struct query *q = p->query;
    struct plan *row;
    TRY(row_shape(p, q->target_rte, 0, &row));
    struct expr **exprs;
    NEW_N(p, exprs, row->ncolumns + from->ncolumns + found->n + 1);
    uint16_t n = 0;
    for (; n < row->ncolumns; n++) exprs[n] = row->out[n];
    NEEDS(p, exprs[n++] = expr_var(p->c->arena, q->target_rte, ATT_ADDRESS, BYTEAOID, -1, 0, -1));
    for (uint16_t i = 0; i < from->ncolumns; i++) {
        const struct expr *e = from->out[i];
        if (e->kind == EXPR_VAR && e->var.level == 0 && e->var.rte == q->target_rte) continue;
        exprs[n++] = from->out[i];
    }
    TRY(put_system(p, q->target_rte, found, exprs + n));
    return plan_project(p, from, exprs, (uint16_t)(n + found->n), ret);
}

static status inner_conditions(struct planner *p, struct from_item *f, struct conjuncts *c) {
    if (!f->is_join || f->kind != JOIN_KIND_INNER) return OK;
    TRY(conjuncts_add(p, c, f->on));
    TRY(inner_conditions(p, f->left, c));
    return inner_conditions(p, f->right, c);
}

static status compile_recheck(struct planner *p, struct plan *node, const struct plan *input,
                              struct program **ret) {
    struct query *q = p->query;
    struct conjuncts c = {0};
    TRY(conjuncts_add(p, &c, q->where));
    for (uint16_t i = 0; i < q->nfrom; i++) TRY(inner_conditions(p, q->from[i], &c));
    return compile_conjuncts(p, node, &c, input, NULL, ret);
}

static status compile_values(struct planner *p, struct plan *node, struct expr **sets,
                             const struct plan *left, const struct plan *right,
                             struct program **ret) {
    struct query *q = p->query;
    struct plan *row;
    TRY(row_shape(p, q->target_rte, 0, &row));
    struct expr **values;
    NEW_N(p, values, row->ncolumns + 1);
    for (uint16_t i = 0; i < row->ncolumns; i++) {
        values[i] = sets[i];
        if (!values[i] && q->kind != QUERY_INSERT) values[i] = row->out[i];
        if (!values[i] && right) values[i] = row->out[i];
        if (!values[i])
            NEEDS(p, values[i] = expr_const(p->c->arena, row->out[i]->type, (datum){0}, true, -1));
    }
    return compile_over(p, node, values, row->ncolumns, left, right, ret);
}

static status compile_generated(struct planner *p, struct plan *node) {
    struct query *q = p->query;
    struct plan_change *c = &node->change;
    struct plan *row;
    if (q->ngenerated == 0) return OK;
    c->ngenerated = q->ngenerated;
    c->generated_atts =
        arena_memdup(p->c->arena, q->generated_atts, q->ngenerated * sizeof *q->generated_atts);
    NEEDS(p, c->generated_atts);
    TRY(row_shape(p, q->target_rte, 0, &row));
    return compile_over(p, node, q->generated, q->ngenerated, row, NULL, &c->generated);
}

static status compile_checks(struct planner *p, struct plan *node) {
    struct query *q = p->query;
    struct plan_change *c = &node->change;
    TRY(compile_generated(p, node));
    if (q->nchecks == 0) return OK;
    struct expr **exprs;
    NEW_N(p, exprs, q->nchecks);
    NEW_N(p, c->check_names, q->nchecks);
    NEW_N(p, c->check_of_view, q->nchecks);
    for (uint16_t i = 0; i < q->nchecks; i++) {
        exprs[i] = q->checks[i].expr;
        c->check_names[i] = q->checks[i].name;
        c->check_of_view[i] = q->checks[i].of_view;
    }
    c->nchecks = q->nchecks;
    struct plan *whole; /* the row, then tableoid */
    TRY(row_shape(p, q->target_rte, 1, &whole));
    NEEDS(p, whole->out[c->natts] =
                 expr_var(p->c->arena, q->target_rte, ATT_TABLEOID, OIDOID, -1, 0, -1));
    return compile_over(p, node, exprs, q->nchecks, whole, NULL, &c->checks);
}

/* RETURNING sees the row, tableoid, what else the input has, and the row's other system columns. */
static status compile_returning(struct planner *p, struct plan *node, const struct plan *input) {
    struct query *q = p->query;
    struct plan_change *c = &node->change;
    if (q->nreturning == 0) return OK;
    uint16_t others =
        q->kind == QUERY_INSERT ? 0 : (uint16_t)(input->ncolumns - c->natts - 1 - c->found.n);
    struct plan *row;
    system_columns(p, q->target_rte, NOT_TABLEOID, &c->returned);
    TRY(row_shape(p, q->target_rte, (uint16_t)(1 + others + c->returned.n), &row));
    TRY(put_system(p, q->target_rte, &c->returned, row->out + c->natts + 1 + others));
    NEEDS(p, row->out[c->natts] =
                 expr_var(p->c->arena, q->target_rte, ATT_TABLEOID, OIDOID, -1, 0, -1));
    for (uint16_t i = 0; i < others; i++) row->out[c->natts + 1 + i] = input->out[c->natts + 1 + i];
    struct expr **exprs;
    NEW_N(p, exprs, q->nreturning);
    node->ncolumns = c->nreturning = q->nreturning;
    NEW_N(p, node->types, q->nreturning);
    NEW_N(p, node->out, q->nreturning);
    for (uint16_t i = 0; i < q->nreturning; i++) {
        exprs[i] = node->out[i] = q->returning[i].expr;
        node->types[i] = expr_value_type(exprs[i]);
    }
    return compile_over(p, node, exprs, q->nreturning, row, NULL, &c->returning);
}

static status compile_conflict(struct planner *p, struct plan *node) {
    struct query *q = p->query;
    struct plan_change *c = &node->change;
    const struct on_conflict *oc = q->conflict;
    if (!oc) return OK;
    c->has_conflict = true;
    c->conflict_update = oc->do_update;
    TRY(find_arbiters(p, c));
    if (!oc->do_update) return OK;
    struct plan *row, *excluded;
    system_columns(p, q->target_rte, ANY_SYSTEM, &c->found);
    TRY(row_shape(p, q->target_rte, c->found.n, &row));
    TRY(put_system(p, q->target_rte, &c->found, row->out + c->natts));
    TRY(row_shape(p, oc->excluded_rte, 0, &excluded));
    struct conjuncts where = {0};
    TRY(conjuncts_add(p, &where, oc->where));
    TRY(compile_conjuncts(p, node, &where, row, excluded, &c->conflict_where));
    return compile_values(p, node, oc->sets, row, excluded, &c->conflict_values);
}

static void need_whole_rows(struct planner *p, uint16_t rte) {
    struct rte_plan *r = &p->rtes[rte];
    r->address = true;
    memset(r->used, true, p->query->rtes[rte]->ncolumns);
}

static status change_node(struct planner *p, enum plan_kind kind, struct plan *input,
                          struct plan **ret) {
    const struct rte *r = p->query->rtes[p->query->target_rte];
    struct plan *node;
    TRY(plan_new(p, kind, input, NULL, 0, &node));
    node->change.relation = relation_index(p, r->relation->oid);
    node->change.natts = r->ncolumns;
    node->change.address = r->ncolumns;
    node->rows = input->rows;
    node->cost = input->cost + input->rows * 5;
    NEEDS(p, node->name = arena_strdup(p->c->arena, r->relation->name));
    *ret = node;
    return OK;
}

static status plan_insert(struct planner *p, struct plan **ret) {
    struct query *q = p->query;
    struct plan *input, *node;
    TRY(plan_from(p, &input));
    TRY(change_node(p, PLAN_INSERT, input, &node));
    TRY(compile_values(p, node, q->sets_to, input, NULL, &node->change.values));
    TRY(compile_checks(p, node));
    TRY(compile_conflict(p, node));
    TRY(compile_returning(p, node, input));
    *ret = node;
    return OK;
}

status plan_change_query(struct planner *p, struct plan **ret) {
    struct query *q = p->query;
    if (q->kind == QUERY_INSERT) return plan_insert(p, ret);
    need_whole_rows(p, q->target_rte);
    struct plan *from, *input, *node;
    struct plan_system found = {0};
    system_columns(p, q->target_rte, ANY_SYSTEM, &found);
    TRY(plan_from(p, &from));
    TRY(change_input(p, from, &found, &input));
    TRY(change_node(p, q->kind == QUERY_UPDATE ? PLAN_UPDATE : PLAN_DELETE, input, &node));
    node->change.found = found;
    TRY(compile_recheck(p, node, input, &node->change.recheck));
    if (q->kind == QUERY_UPDATE) {
        TRY(compile_values(p, node, q->sets_to, input, NULL, &node->change.values));
        TRY(compile_checks(p, node));
    }
    TRY(compile_returning(p, node, input));
    *ret = node;
    return OK;
}

static status lock_rel(struct planner *p, uint16_t rte, const struct plan *input,
                       struct plan_lock_rel *l) {
    const struct rte *r = p->query->rtes[rte];
    l->relation = relation_index(p, r->relation->oid);
    l->natts = r->ncolumns;
    l->address = UINT16_MAX;
    NEW_N(p, l->columns, r->ncolumns + 1);
    memset(l->columns, 0xff, (r->ncolumns + 1u) * sizeof *l->columns);
    memset(l->system, 0xff, sizeof l->system);
    for (uint16_t i = 0; i < input->ncolumns; i++) {
        const struct expr *e = input->out[i];
        if (e->kind != EXPR_VAR || e->var.level || e->var.rte != rte) continue;
        if (e->var.att == ATT_ADDRESS)
            l->address = i;
        else if (e->var.att > 0)
            l->columns[e->var.att - 1] = i;
        else if (e->var.att < 0 && e->var.att >= ATT_SYSTEM_LAST)
            l->system[-e->var.att] = i;
    }
    CHECK(l->address != UINT16_MAX);
    return OK;
}

status plan_lock(struct planner *p, struct plan *input, struct plan **ret) {
    struct query *q = p->query;
    struct plan *node;
    TRY(plan_above(p, PLAN_LOCK, input, &node));
    NEW_N(p, node->lock.rels, q->nlock_rtes + 1);
    for (uint16_t i = 0; i < q->nlock_rtes; i++) {
        struct plan_lock_rel *l = &node->lock.rels[node->lock.n++];
        TRY(lock_rel(p, q->lock_rtes[i].rte, input, l));
        l->strength = q->lock_rtes[i].strength;
        l->wait = q->lock_rtes[i].wait;
    }
    TRY(compile_recheck(p, node, input, &node->lock.recheck));
    *ret = node;
    return OK;
}
