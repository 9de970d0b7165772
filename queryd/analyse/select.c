/* SELECT, in the order in which PostgreSQL looks at its parts. */
#include "analyse/internal.h"
#include "types/acl.h"

status settle_unknown_targets(struct scope *s) {
    struct query *q = s->query;
    for (uint16_t i = 0; !s->keep_unknown && i < q->ntargets; i++)
        TRY(coerce_unknown(s->a, q->targets[i].expr, &q->targets[i].expr));
    return OK;
}

status transform_limit(struct scope *s, struct node *n, enum clause clause, struct expr **ret) {
    struct analyse *a = s->a;
    *ret = NULL;
    if (!n) return OK;
    struct expr *e, *as_int8;
    TRY(transform_expr(s, n, clause, &e));
    TRY(coerce(a, e, INT8OID, -1, CAST_ASSIGNMENT, &as_int8));
    if (!as_int8)
        return FAIL_AT(a, e->location, DATATYPE_MISMATCH,
                       "argument of %s must be type bigint, not type %s", clause_words(clause),
                       type_words(a, e->type));
    if (query_uses_level(as_int8, 0))
        return FAIL_AT(a, e->location, INVALID_COLUMN_REFERENCE,
                       "argument of %s must not contain variables", clause_words(clause));
    *ret = as_int8;
    return OK;
}

static void mark_rows(struct query *q, uint16_t rte, const struct ast_locking *l) {
    struct row_mark *m = q->lock_rtes, *end = m + q->nlock_rtes;
    while (m < end && m->rte != rte) m++;
    if (m == end) {
        *m = (struct row_mark){rte, l->strength, l->wait};
        q->nlock_rtes++;
    }
    if (l->strength > m->strength) m->strength = l->strength;
    if (l->wait > m->wait) m->wait = l->wait;
}

static void lock_all(struct query *q, const struct ast_locking *l) {
    for (uint16_t i = 0; i < q->nrtes; i++)
        if (q->rtes[i]->kind == RTE_RELATION) mark_rows(q, i, l);
}

/* Who locks rows could as well change them. */
static void permit_locking(struct query *q, const char *only) {
    for (uint16_t i = 0; i < q->nrtes; i++) {
        struct rte *r = q->rtes[i];
        if (r->needs && (!only || (r->alias && strcmp(r->alias, only) == 0)))
            r->needs->rights |= ACL_UPDATE;
    }
}

static status lock_named(struct scope *s, struct ast_range_var *v, const struct ast_locking *l,
                         const char *words) {
    struct query *q = s->query;
    for (uint16_t i = 0; i < q->nrtes; i++) {
        if (strcmp(q->rtes[i]->alias, v->name) != 0) continue;
        if (q->rtes[i]->kind == RTE_RELATION) mark_rows(q, i, l);
        return OK;
    }
    for (uint16_t i = 0; i < s->nitems; i++)
        if (s->items[i]->rte < 0 && s->items[i]->name && strcmp(s->items[i]->name, v->name) == 0)
            return FAIL_AT(s->a, v->node.location, FEATURE_NOT_SUPPORTED,
                           "%s cannot be applied to a join", words);
    return FAIL_AT(s->a, v->node.location, UNDEFINED_TABLE,
                   "relation \"%s\" in %s clause not found in FROM clause", v->name, words);
}

status transform_locking(struct scope *s, const struct list *locking) {
    struct query *q = s->query;
    if (list_n(locking) == 0) return OK;
    static const char *const words[] = {"FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE",
                                        "FOR UPDATE"};
    struct ast_locking *first = list_at(locking, 0);
    bool groups =
        q->ngroup || q->nsets || (q->grouped && !q->having && !q->has_aggregates); /* or by () */
    const char *refused = q->kind == QUERY_SETOP ? "UNION/INTERSECT/EXCEPT"
                          : q->distinct          ? "DISTINCT clause"
                          : groups               ? "GROUP BY clause"
                          : q->having            ? "HAVING clause"
                          : q->has_aggregates    ? "aggregate functions"
                          : q->has_windows       ? "window functions"
                          : q->has_sets          ? "set-returning functions in the target list"
                                                 : NULL;
    if (refused)
        return FAIL_AT(s->a, -1, FEATURE_NOT_SUPPORTED, "%s is not allowed with %s",
                       words[first->strength], refused);
    q->for_update = true;
    s->a->reads_only = false;
    NEW_N(s->a, q->lock_rtes, q->nrtes + 1u);
    LIST_EACH(struct ast_locking *, l, locking) {
        if (list_n(l->relations) == 0) {
            lock_all(q, l);
            permit_locking(q, NULL);
        }
        LIST_EACH(struct ast_range_var *, v, l->relations) {
            TRY(lock_named(s, v, l, words[l->strength]));
            permit_locking(q, v->name);
        }
    }
    for (uint16_t i = 0; i < q->nlock_rtes; i++)
        TRY(note_relation(s->a, q->rtes[q->lock_rtes[i].rte]->relation->oid, MODE_ROW_SHARE));
    return OK;
}

/* A cursor over tables whose rows it gives as they are can be updated through: WHERE CURRENT OF. */
static status add_addresses(struct scope *s, const struct ast_select *n) {
    struct query *q = s->query;
    if (n->group_by || n->having || n->distinct || n->distinct_on || q->has_aggregates ||
        q->has_windows || q->has_sets || (!n->locking && q->nrtes != 1))
        return OK;
    for (uint16_t i = 0; i < q->nrtes; i++) {
        const struct rte *r = q->rtes[i];
        uint16_t at;
        if (r->kind != RTE_RELATION || r->relation->kind != 'r') continue;
        struct expr *e = expr_var(s->a->arena, i, ATT_ADDRESS, BYTEAOID, -1, 0, -1);
        NEEDS(s->a, e);
        TRY(target_add(s, e, "ctid", false, &at));
        q->targets[at].table = r->relation->oid;
        q->naddresses++;
    }
    return OK;
}

static status transform_plain(struct scope *s, struct ast_select *n) {
    struct query *q = s->query;
    bool of_cursor = s->a->of_cursor;
    enum clause clause = s->parent ? CLAUSE_TARGETS : s->a->targets_clause;
    s->a->of_cursor = false; /* not those below it */
    q->kind = QUERY_SELECT;
    TRY(transform_from(s, n->from));
    TRY(transform_windows(s, n->windows));
    TRY(transform_targets(s, n->targets, clause, &q->targets, &q->ntargets));
    q->targets_cap = q->ntargets;
    if (of_cursor) TRY(add_addresses(s, n));
    q->nvisible = q->ntargets;
    TRY(transform_bool(s, n->where, CLAUSE_WHERE, "WHERE", &q->where));
    TRY(transform_bool(s, n->having, CLAUSE_HAVING, "HAVING", &q->having));
    TRY(transform_order(s, n->order_by));
    TRY(transform_group(s, n));
    TRY(settle_unknown_targets(s));
    TRY(transform_distinct_clause(s, n));
    return check_grouped(s);
}

status transform_select(struct scope *s, struct ast_select *n) {
    struct analyse *a = s->a;
    if (n->into) return not_supported(a, n->node.location, "SELECT INTO");
    s->query->with_ties = n->with_ties;
    TRY(transform_with(s, n->with));
    if (n->set_op != SETOP_NONE)
        TRY(transform_setop(s, n));
    else if (n->values)
        TRY(transform_values(s, n));
    else
        TRY(transform_plain(s, n));
    if (n->with_ties && ast_is_literal(n->limit, LITERAL_NULL))
        return FAIL_AT(a, -1, INVALID_ROW_COUNT_IN_LIMIT_CLAUSE,
                       "row count cannot be null in FETCH FIRST ... WITH TIES clause");
    TRY(transform_limit(s, n->limit, CLAUSE_LIMIT, &s->query->limit));
    TRY(transform_limit(s, n->offset, CLAUSE_OFFSET, &s->query->offset));
    TRY(assign_query_collations(a, s->query));
    return transform_locking(s, n->locking);
}

static status analyse_below(struct analyse *a, struct scope *parent, struct node *n,
                            bool keep_unknown, struct query **ret) {
    TRY(analyse_stack(a));
    struct query *q;
    TRY(query_new(a, QUERY_SELECT, &q));
    struct scope s;
    scope_init(&s, a, parent, q);
    s.keep_unknown = keep_unknown;
    switch (n->kind) {
    case NODE_SELECT: TRY(transform_select(&s, ast_as_select(n))); break;
    case NODE_INSERT: TRY(transform_insert(&s, ast_as_insert(n))); break;
    case NODE_UPDATE: TRY(transform_update(&s, ast_as_update(n))); break;
    case NODE_DELETE: TRY(transform_delete(&s, ast_as_delete(n))); break;
    default: return not_supported(a, n->location, ast_kind_name(n->kind));
    }
    *ret = q;
    return OK;
}

status analyse_subquery(struct analyse *a, struct scope *parent, struct node *n,
                        struct query **ret) {
    return analyse_below(a, parent, n, false, ret);
}

status analyse_raw_subquery(struct analyse *a, struct scope *parent, struct node *n,
                            struct query **ret) {
    return analyse_below(a, parent, n, true, ret);
}
