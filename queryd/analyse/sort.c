/* ORDER BY and DISTINCT, which speak of output columns. */
#include "analyse/internal.h"

/* ORDER BY … USING: the operator must be the first or the last of a btree family. */
static status using_operator(struct analyse *a, const struct ast_sort_by *by, oid type,
                             struct sort_key *key) {
    const char *schema, *name;
    struct operator_choice c;
    TRY(split_name(a, by->using_names, by->node.location, &schema, &name));
    TRY(find_operator(a, schema, name, type, type, by->node.location, &c));
    /* the pattern operators order by bytes, as everything here does */
    bool less_bytes = !strcmp(name, "~<~"), more_bytes = !strcmp(name, "~>~");
    key->descending = c.op->btree_strategy == 5 || more_bytes;
    if (less_bytes || more_bytes) key->using = less_bytes ? "~<~" : "~>~";
    if (c.op->btree_strategy == 1 || less_bytes || key->descending) return OK;
    status s = FAIL_AT(a, by->node.location, WRONG_OBJECT_TYPE,
                       "operator %s is not a valid ordering operator", name);
    error_hint(a->error,
               "Ordering operators must be \"<\" or \">\" members of btree operator families.");
    return s;
}

status sort_direction(struct analyse *a, const struct ast_sort_by *by, oid type,
                      struct sort_key *key) {
    key->descending = by->direction == SORT_DESC;
    key->using = NULL;
    if (by->direction == SORT_USING) TRY(using_operator(a, by, type, key));
    const struct type *t = type_find(type);
    if (type != RECORDOID && (!t || !type_is_ordered(t))) {
        status s =
            FAIL_AT(a, by->value->location, UNDEFINED_FUNCTION,
                    "could not identify an ordering operator for type %s", type_words(a, type));
        error_hint(a->error, "Use an explicit ordering operator or modify the query.");
        return s;
    }
    key->nulls_first =
        by->nulls == SORT_NULLS_DEFAULT ? key->descending : by->nulls == SORT_NULLS_FIRST;
    return OK;
}

static bool bare_column(struct node *n, const char **ret_name) {
    if (n->kind != NODE_COLUMN_REF) return false;
    struct ast_column_ref *ref = ast_as_column_ref(n);
    if (ref->star || list_n(ref->names) != 1) return false;
    *ret_name = list_at(ref->names, 0);
    return true;
}

/* A bare name is first an output column's (GROUP BY: only if it is no input column). */
static status target_by_name(struct scope *s, const char *name, enum clause clause,
                             int32_t location, int *ret) {
    struct query *q = s->query;
    *ret = -1;
    if (clause == CLAUSE_GROUP) {
        for (uint16_t i = 0; i < s->nitems; i++)
            for (uint16_t k = 0; s->items[i]->columns_visible && k < s->items[i]->ncolumns; k++)
                if (s->items[i]->exprs[k] && strcmp(s->items[i]->names[k], name) == 0) return OK;
    }
    for (uint16_t i = 0; i < q->ntargets; i++) {
        if (q->targets[i].junk || strcmp(q->targets[i].name, name) != 0) continue;
        if (*ret >= 0 && !expr_equal(q->targets[*ret].expr, q->targets[i].expr))
            return FAIL_AT(s->a, location, AMBIGUOUS_COLUMN, "%s \"%s\" is ambiguous",
                           clause_words(clause), name);
        if (*ret < 0) *ret = i;
    }
    return OK;
}

static status target_by_number(struct scope *s, const struct ast_literal *n, enum clause clause,
                               uint16_t *ret) {
    uint16_t visible = 0;
    for (uint16_t i = 0; i < s->query->ntargets; i++) visible += !s->query->targets[i].junk;
    if (n->kind != LITERAL_INTEGER)
        return FAIL_AT(s->a, n->node.location, SYNTAX_ERROR, "non-integer constant in %s",
                       clause_words(clause));
    if (n->integer < 1 || n->integer > visible)
        return FAIL_AT(s->a, n->node.location, INVALID_COLUMN_REFERENCE,
                       "%s position %d is not in select list", clause_words(clause), n->integer);
    *ret = (uint16_t)(n->integer - 1);
    return OK;
}

status find_or_add_target(struct scope *s, struct node *n, enum clause clause, uint16_t *ret) {
    const char *name;
    if (bare_column(n, &name)) {
        int found;
        TRY(target_by_name(s, name, clause, n->location, &found));
        if (found >= 0) {
            *ret = (uint16_t)found;
            return OK;
        }
    }
    if (n->kind == NODE_LITERAL) return target_by_number(s, ast_as_literal(n), clause, ret);
    struct expr *e;
    TRY(transform_expr(s, n, clause, &e));
    for (uint16_t i = 0; i < s->query->ntargets; i++)
        if (expr_equal(s->query->targets[i].expr, e)) {
            *ret = i;
            return OK;
        }
    TRY(coerce_unknown(s->a, e, &e));
    return target_add(s, e, NULL, true, ret);
}

status transform_order(struct scope *s, const struct list *order) {
    struct query *q = s->query;
    if (list_n(order) == 0) return OK;
    NEW_N(s->a, q->sort, list_n(order));
    LIST_EACH(struct ast_sort_by *, by, order) {
        uint16_t target;
        TRY(find_or_add_target(s, by->value, CLAUSE_ORDER, &target));
        struct sort_key key = {.target = target};
        struct expr **e = &q->targets[target].expr;
        TRY(coerce_unknown(s->a, *e, e));
        TRY(sort_direction(s->a, by, (*e)->type, &key));
        bool known = false;
        for (uint16_t i = 0; i < q->nsort; i++) known |= q->sort[i].target == target;
        if (!known) q->sort[q->nsort++] = key;
    }
    return OK;
}

/* ON expressions must be the first of ORDER BY. */
static status distinct_on(struct scope *s, struct ast_select *n) {
    struct query *q = s->query;
    NEW_N(s->a, q->distinct_on, list_n(n->distinct_on));
    LIST_EACH(struct node *, e, n->distinct_on) {
        uint16_t target;
        TRY(find_or_add_target(s, e, CLAUSE_DISTINCT_ON, &target));
        q->distinct_on[q->ndistinct_on++] = target;
    }
    for (uint16_t i = 0; i < q->nsort && i < q->ndistinct_on; i++) {
        bool among = false;
        for (uint16_t k = 0; k < q->ndistinct_on; k++)
            among |= q->distinct_on[k] == q->sort[i].target;
        if (!among)
            return FAIL_AT(
                s->a, n->node.location, INVALID_COLUMN_REFERENCE,
                "SELECT DISTINCT ON expressions must match initial ORDER BY expressions");
    }
    return OK;
}

status transform_distinct_clause(struct scope *s, struct ast_select *n) {
    struct query *q = s->query;
    if (!n->distinct) return OK;
    q->distinct = true;
    if (list_n(n->distinct_on)) return distinct_on(s, n);
    for (uint16_t i = 0; i < q->nsort; i++)
        if (q->targets[q->sort[i].target].junk)
            return FAIL_AT(s->a, q->targets[q->sort[i].target].expr->location,
                           INVALID_COLUMN_REFERENCE,
                           "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
    for (uint16_t i = 0; i < q->ntargets; i++) {
        const struct expr *e = q->targets[i].expr;
        const struct type *t = type_find(e->type);
        if (!q->targets[i].junk && e->type != RECORDOID && (!t || !type_has_equality(t)))
            return FAIL_AT(s->a, e->location, UNDEFINED_FUNCTION,
                           "could not identify an equality operator for type %s",
                           type_words(s->a, e->type));
    }
    return OK;
}
