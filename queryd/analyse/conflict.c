/* ON CONFLICT. Which indexes it is about is found by the planner, where predicates are proved. */
#include "analyse/internal.h"
#include "types/acl.h"

static status refuse_order(struct analyse *a, const struct ast_index_element *e) {
    if (e->direction != SORT_DEFAULT)
        return FAIL_AT(a, e->node.location, INVALID_COLUMN_REFERENCE,
                       "ASC/DESC is not allowed in ON CONFLICT clause");
    if (e->nulls != SORT_NULLS_DEFAULT)
        return FAIL_AT(a, e->node.location, INVALID_COLUMN_REFERENCE,
                       "NULLS FIRST/LAST is not allowed in ON CONFLICT clause");
    return OK;
}

static status infer_element(struct scope *s, const struct ast_index_element *e,
                            struct infer_element *ret) {
    struct analyse *a = s->a;
    struct node *n = e->expression;
    TRY(refuse_order(a, e));
    if (e->name) {
        n = ast_new(a->arena, NODE_COLUMN_REF, e->node.location);
        NEEDS(a, n);
        if (!ok(list_append(a->arena, &ast_as_column_ref(n)->names, e->name)))
            return analyse_memory(a);
    }
    TRY(transform_expr(s, n, CLAUSE_INDEX, &ret->expr));
    TRY(coerce_unknown(a, ret->expr, &ret->expr));
    if (expr_contains_kind(ret->expr, EXPR_SUBLINK))
        return FAIL_AT(a, e->node.location, FEATURE_NOT_SUPPORTED,
                       "cannot use subquery in index expression");
    if (e->collation) TRY(check_collation(a, e->collation, e->node.location, &ret->collation));
    if (!e->opclass) return OK;
    const char *schema, *name;
    TRY(split_name(a, e->opclass, e->node.location, &schema, &name));
    return catalog_opclass(a->env, name, &ret->opclass, NULL);
}

static status infer_columns(struct scope *s, const struct ast_infer *n, struct on_conflict *c) {
    NEW_N(s->a, c->elements, list_n(n->elements) + 1);
    LIST_EACH(struct ast_index_element *, e, n->elements)
    TRY(infer_element(s, e, &c->elements[c->nelements++]));
    return transform_bool(s, n->where, CLAUSE_PREDICATE, "WHERE", &c->infer_where);
}

static bool has_constraint(const struct relation *r, const char *name) {
    for (uint16_t i = 0; i < r->nchecks; i++)
        if (strcmp(r->checks[i].name, name) == 0) return true;
    for (uint16_t i = 0; i < r->nkeys; i++)
        if (strcmp(r->keys[i].name, name) == 0) return true;
    return false;
}

static status named_constraint(struct analyse *a, const struct relation *r, const char *name,
                               struct on_conflict *c) {
    if (r->primary && strcmp(r->primary->name, name) == 0) c->constraint_index = r->primary->oid;
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].constraint && strcmp(r->indexes[i].name, name) == 0)
            c->constraint_index = r->indexes[i].oid;
    if (c->constraint_index) return OK;
    if (has_constraint(r, name))
        return FAIL_AT(a, -1, WRONG_OBJECT_TYPE,
                       "constraint in ON CONFLICT clause has no associated index");
    return FAIL_AT(a, -1, UNDEFINED_OBJECT, "constraint \"%s\" for table \"%s\" does not exist",
                   name, r->name);
}

struct excluding {
    struct arena *arena;
    uint16_t target, excluded;
};

static status as_excluded(struct expr *e, void *arg, struct expr **ret) {
    const struct excluding *x = arg;
    if (e->kind != EXPR_VAR || e->var.level || e->var.rte != x->target) return OK;
    *ret = expr_var(x->arena, x->excluded, e->var.att, e->type, e->typmod, e->collation, -1);
    return *ret ? OK : STATUS(OUT_OF_MEMORY);
}

/* The row proposed, by the names of the table or view. */
static status excluded_entry(struct scope *s, const struct change_target *t,
                             struct on_conflict *c) {
    struct analyse *a = s->a;
    struct rte *e;
    NEW(a, e);
    *e = *s->query->rtes[s->query->target_rte];
    e->alias = "excluded";
    e->schema_name = NULL;
    TRY(rte_add(s, e, &c->excluded_rte));
    struct excluding x = {a->arena, s->query->target_rte, c->excluded_rte};
    struct ns_item *item;
    NEW(a, item);
    *item = *t->item;
    item->name = e->alias;
    item->schema = NULL;
    item->rte = c->excluded_rte;
    item->columns_visible = false;
    item->excluded = true;
    NEW_N(a, item->exprs, item->ncolumns + 1);
    for (uint16_t i = 0; i < item->ncolumns; i++)
        if (t->item->exprs[i])
            TRY(expr_map(a->arena, t->item->exprs[i], as_excluded, &x, &item->exprs[i]));
    return scope_add(s, item);
}

/* Whether there is a conflict tells of the values there; columns that are named are read anyway. */
static void permit_constraint(struct scope *s, const struct relation *r, oid index) {
    struct permission *p = s->query->rtes[s->query->target_rte]->needs;
    const struct index_desc *x = r->primary && r->primary->oid == index ? r->primary : NULL;
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].oid == index) x = &r->indexes[i];
    if (!x) return;
    p->rights |= ACL_SELECT;
    for (uint16_t i = 0; i < x->nkeys; i++)
        if (x->columns[i]) permission_column(p->selected, p, x->columns[i]);
}

status transform_conflict(struct scope *s, const struct change_target *t,
                          struct ast_on_conflict *n) {
    struct analyse *a = s->a;
    const struct relation *r = t->r;
    struct on_conflict *c;
    NEW(a, c);
    c->do_update = n->do_update;
    if (n->do_update && !n->infer) {
        status st = FAIL_AT(a, n->node.location, SYNTAX_ERROR,
                            "ON CONFLICT DO UPDATE requires inference specification or constraint "
                            "name");
        error_hint(a->error, "For example, ON CONFLICT (column_name).");
        return st;
    }
    if (n->infer && n->infer->constraint)
        TRY(named_constraint(a, r, n->infer->constraint, c));
    else if (n->infer)
        TRY(infer_columns(s, n->infer, c));
    permit_constraint(s, r, c->constraint_index);
    s->query->conflict = c;
    if (!n->do_update) return OK;
    uint16_t before = s->nitems;
    TRY(excluded_entry(s, t, c));
    NEW_N(a, c->sets, r->natts + 1);
    TRY(transform_sets(s, t, n->sets, c->sets));
    struct permission *needs = s->query->rtes[s->query->target_rte]->needs;
    needs->rights |= ACL_UPDATE;
    permission_written(needs->updated, needs, c->sets, r->natts);
    TRY(transform_bool(s, n->where, CLAUSE_CONFLICT_WHERE, "WHERE", &c->where));
    s->nitems = before;
    return OK;
}
