/* INSERT, UPDATE, DELETE. */
#include "analyse/internal.h"

/* The column of the table that a name means, or that of a view which stands for one. */
static status find_attribute(struct scope *s, const struct change_target *t,
                             const struct ast_column_target *c, const struct attribute **ret) {
    struct analyse *a = s->a;
    for (uint16_t i = 0; i < t->item->ncolumns; i++) {
        if (!t->item->exprs[i] || strcmp(t->item->names[i], c->name) != 0) continue;
        *ret = change_target_att(t, i);
        return *ret ? OK : change_target_refuse(s, t, i, -1);
    }
    if (s->query->kind == QUERY_UPDATE && !t->view && system_column_att(c->name))
        return FAIL_AT(a, c->node.location, FEATURE_NOT_SUPPORTED,
                       "cannot assign to system column \"%s\"", c->name);
    return FAIL_AT(a, c->node.location, UNDEFINED_COLUMN,
                   "column \"%s\" of relation \"%s\" does not exist", c->name,
                   t->view ? t->view->name : t->r->name);
}

/* The value a column gets when none is written: its default, or null. That of a generated column is
 * made when the rest of the row is known. */
static status default_value(struct analyse *a, const struct attribute *att, struct expr **ret) {
    struct expr *e;
    TRY(analyse_default(a->env, a->arena, att, &e));
    if (e) {
        *ret = e;
        return OK;
    }
    e = expr_const(a->arena, UNKNOWNOID, (datum){0}, true, -1);
    NEEDS(a, e);
    return coerce_assign(a, e, att->name, att->type, -1, ret);
}

/* Columns that make their values themselves take others only where OVERRIDING says so. */
static status may_insert(struct analyse *a, const struct attribute *att,
                         enum ast_override override) {
    bool always = att->identity == 'a' && override != OVERRIDE_SYSTEM;
    if (!att->generated && !always) return OK;
    status st = FAIL_AT(a, -1, GENERATED_ALWAYS,
                        "cannot insert a non-DEFAULT value into column \"%s\"", att->name);
    if (att->generated) {
        error_detail(a->error, "Column \"%s\" is a generated column.", att->name);
        return st;
    }
    error_detail(a->error, "Column \"%s\" is an identity column defined as GENERATED ALWAYS.",
                 att->name);
    error_hint(a->error, "Use OVERRIDING SYSTEM VALUE to override.");
    return st;
}

static status may_update(struct analyse *a, const struct attribute *att) {
    if (!att->generated && att->identity != 'a') return OK;
    status st =
        FAIL_AT(a, -1, GENERATED_ALWAYS, "column \"%s\" can only be updated to DEFAULT", att->name);
    error_detail(a->error,
                 att->generated
                     ? "Column \"%s\" is a generated column."
                     : "Column \"%s\" is an identity column defined as GENERATED ALWAYS.",
                 att->name);
    return st;
}

static status inserted(struct analyse *a, const struct attribute *att, enum ast_override override,
                       struct expr *e, struct expr **ret) {
    bool own = att->identity && override == OVERRIDE_USER;
    if (e->kind == EXPR_DEFAULT || own) return default_value(a, att, ret);
    TRY(may_insert(a, att, override));
    return coerce_assign(a, e, att->name, att->type, att->typmod, ret);
}

static status assigned(struct analyse *a, const struct attribute *att, struct expr *e,
                       struct expr **ret) {
    if (e->kind == EXPR_DEFAULT) return default_value(a, att, ret);
    return coerce_assign(a, e, att->name, att->type, att->typmod, ret);
}

/* The value of the column that the part belongs to, e being the part's. */
static status put_part(struct scope *s, const struct column_part *to, struct expr *e,
                       struct expr **value) {
    struct analyse *a = s->a;
    struct expr *base = *value;
    if (!list_n(to->steps)) {
        *value = e;
        return OK;
    }
    if (!base) base = expr_const(a->arena, to->att->type, (datum){0}, true, -1);
    NEEDS(a, base);
    return assign_part(s, to, base, e, value);
}

/* One value of an INSERT, coerced to what its target is. */
static status inserted_part(struct analyse *a, const struct column_part *to,
                            enum ast_override override, struct expr *e, struct expr **ret) {
    oid type;
    int32_t typmod;
    if (!list_n(to->steps)) return inserted(a, to->att, override, e, ret);
    TRY(may_insert(a, to->att, override));
    if (e->kind == EXPR_DEFAULT) {
        *ret = e;
        return OK;
    }
    TRY(part_type(a, to, &type, &typmod));
    return coerce_assign(a, e, to->att->name, type, typmod, ret);
}

/* INSERT's column list, or all columns in order. */
static status insert_columns(struct scope *s, const struct change_target *t,
                             const struct list *columns, const struct column_part **ret,
                             uint16_t *ret_n) {
    struct analyse *a = s->a;
    struct column_part *list;
    NEW_N(a, list, t->item->ncolumns + list_n(columns) + 1);
    uint16_t n = 0;
    if (!columns) {
        for (uint16_t i = 0; i < t->item->ncolumns; i++)
            if (t->item->exprs[i]) list[n++].att = change_target_att(t, i);
    }
    LIST_EACH(struct ast_column_target *, c, columns) {
        const struct attribute *att;
        TRY(find_attribute(s, t, c, &att));
        for (uint16_t i = 0; i < n; i++)
            if (list[i].att == att && (!list[i].steps || !c->steps))
                return FAIL_AT(a, c->node.location, DUPLICATE_COLUMN,
                               "column \"%s\" specified more than once", c->name);
        list[n++] = (struct column_part){att, c->steps, c->node.location};
    }
    *ret = list;
    *ret_n = n;
    return OK;
}

static status too_many(struct scope *s, struct ast_insert *n, uint16_t columns, uint16_t values,
                       int32_t location) {
    if (values > columns)
        return FAIL_AT(s->a, location, SYNTAX_ERROR,
                       "INSERT has more expressions than target columns");
    if (n->columns && values < columns) {
        struct ast_column_target *t = list_at(n->columns, values);
        return FAIL_AT(s->a, t->node.location, SYNTAX_ERROR,
                       "INSERT has more target columns than expressions");
    }
    return OK;
}

/* Values for columns of a view that are none of the table. */
static status all_updatable(struct scope *s, const struct change_target *t,
                            const struct column_part *columns, uint16_t n) {
    for (uint16_t i = 0; i < n; i++)
        if (!columns[i].att) return change_target_refuse(s, t, i, -1);
    return OK;
}

static status source_item(struct scope *s, struct rte *e, uint16_t *ret) {
    struct from_item *f;
    TRY(rte_add(s, e, ret));
    TRY(from_rte(s->a, *ret, &f));
    return from_add(s, f);
}

/* One row with set-returning functions gives as many rows as they do: SELECT without FROM. */
static status values_as_query(struct scope *s, struct rte *e) {
    struct query *sub;
    TRY(query_new(s->a, QUERY_SELECT, &sub));
    struct scope inner;
    scope_init(&inner, s->a, s, sub);
    for (uint16_t c = 0; c < e->ncolumns; c++) {
        struct expr *value;
        uint16_t target;
        TRY(expr_shift_levels(s->a->arena, e->rows[0][c], 0, 1, &value));
        TRY(target_add(&inner, value, e->columns[c].name, false, &target));
    }
    sub->nvisible = sub->ntargets;
    sub->has_sets = true;
    sub->has_sublinks = s->query->has_sublinks;
    e->kind = RTE_SUBQUERY;
    e->query = sub;
    return assign_query_collations(s->a, sub);
}

static status insert_values(struct scope *s, struct ast_insert *n, const struct change_target *t,
                            const struct column_part *columns, uint16_t ncolumns) {
    struct analyse *a = s->a;
    struct query *q = s->query;
    struct rte *e;
    bool single = list_n(n->source->values) == 1;
    TRY(values_rows(s, n->source->values, single ? CLAUSE_VALUES_SINGLE : CLAUSE_VALUES, &e));
    int32_t where = e->ncolumns > ncolumns ? e->rows[0][ncolumns]->location : -1;
    TRY(too_many(s, n, ncolumns, e->ncolumns, where));
    TRY(all_updatable(s, t, columns, e->ncolumns));
    for (uint16_t c = 0; c < e->ncolumns; c++) {
        for (uint32_t i = 0; i < e->nrows; i++)
            TRY(inserted_part(a, &columns[c], n->override, e->rows[i][c], &e->rows[i][c]));
        TRY(part_type(a, &columns[c], &e->columns[c].type, &e->columns[c].typmod));
        e->columns[c].collation = columns[c].att->collation;
    }
    if (q->has_sets) TRY(values_as_query(s, e));
    if (single && !q->has_sets) {
        for (uint16_t c = 0; c < e->ncolumns; c++)
            TRY(put_part(s, &columns[c], e->rows[0][c], &q->sets_to[columns[c].att->number - 1]));
        return OK;
    }
    uint16_t index;
    TRY(source_item(s, e, &index));
    for (uint16_t c = 0; c < e->ncolumns; c++) {
        struct expr *v = expr_var(a->arena, index, (int16_t)(c + 1), e->columns[c].type,
                                  e->columns[c].typmod, e->columns[c].collation, -1);
        NEEDS(a, v);
        TRY(put_part(s, &columns[c], v, &q->sets_to[columns[c].att->number - 1]));
    }
    return OK;
}

static status insert_select(struct scope *s, struct ast_insert *n, const struct change_target *t,
                            const struct column_part *columns, uint16_t ncolumns) {
    struct analyse *a = s->a;
    struct query *q = s->query, *sub;
    struct scope gap = *s; /* the source does not see the target table */
    gap.nitems = 0;
    gap.items = NULL;
    TRY(analyse_raw_subquery(a, &gap, &n->source->node, &sub));
    int32_t where = sub->nvisible > ncolumns ? sub->targets[ncolumns].expr->location : -1;
    TRY(too_many(s, n, ncolumns, sub->nvisible, where));
    TRY(all_updatable(s, t, columns, sub->nvisible));
    struct rte *e;
    NEW(a, e);
    e->kind = RTE_SUBQUERY;
    e->alias = "*SELECT*";
    e->query = sub;
    uint16_t index = q->nrtes;
    for (uint16_t c = 0; c < sub->nvisible; c++) {
        const struct attribute *att = columns[c].att;
        struct expr *v;
        oid type;
        int32_t typmod;
        TRY(part_type(a, &columns[c], &type, &typmod));
        oid was = sub->targets[c].expr->type;
        TRY(subquery_column_as(a, sub, index, c, type, typmod, CAST_ASSIGNMENT, &v));
        if (!v) {
            status st = FAIL_AT(a, sub->targets[c].expr->location, DATATYPE_MISMATCH,
                                "column \"%s\" is of type %s but expression is of type %s",
                                att->name, type_words(a, type), type_words(a, was));
            error_hint(a->error, "You will need to rewrite or cast the expression.");
            return st;
        }
        if (att->identity && n->override == OVERRIDE_USER) {
            TRY(default_value(a, att, &v));
        } else {
            TRY(may_insert(a, att, n->override));
        }
        TRY(put_part(s, &columns[c], v, &q->sets_to[att->number - 1]));
    }
    for (uint16_t i = 0; i < sub->ntargets; i++)
        TRY(coerce_unknown(a, sub->targets[i].expr, &sub->targets[i].expr));
    TRY(rte_columns_of_query(a, sub, NULL, "table", -1, e));
    return source_item(s, e, &index);
}

static status fill_defaults(struct scope *s, const struct change_target *t) {
    struct query *q = s->query;
    for (uint16_t i = 0; i < t->r->natts; i++)
        if (!q->sets_to[i] && !t->atts[i].dropped)
            TRY(default_value(s->a, &t->atts[i], &q->sets_to[i]));
    return OK;
}

/* What every new row must satisfy, and what is made of it. */
static status row_rules(struct scope *s, const struct change_target *t) {
    struct analyse *a = s->a;
    struct query *q = s->query;
    struct change_check *own;
    uint16_t n;
    TRY(analyse_generated(a->env, a->arena, t->r, &q->ngenerated, &q->generated_atts,
                          &q->generated));
    TRY(analyse_checks(a->env, a->arena, t->r, &n, &own));
    q->checks = own;
    q->nchecks = n;
    if (t->nchecks == 0) return OK;
    NEW_N(a, q->checks, n + t->nchecks);
    if (n) memcpy(q->checks, own, n * sizeof *own);
    memcpy(q->checks + n, t->checks, t->nchecks * sizeof *own);
    q->nchecks = (uint16_t)(n + t->nchecks);
    return OK;
}

status transform_returning(struct scope *s, const struct list *targets) {
    struct query *q = s->query;
    if (list_n(targets) == 0) return OK;
    TRY(transform_targets(s, targets, CLAUSE_RETURNING, &q->returning, &q->nreturning));
    for (uint16_t i = 0; i < q->nreturning; i++)
        TRY(coerce_unknown(s->a, q->returning[i].expr, &q->returning[i].expr));
    return OK;
}

/* A WITH of the source belongs to the statement. */
static bool is_values(const struct ast_select *n) {
    return n && n->values && !n->with && !n->order_by && !n->limit && !n->offset;
}

status transform_insert(struct scope *s, struct ast_insert *n) {
    struct analyse *a = s->a;
    struct query *q = s->query;
    q->kind = QUERY_INSERT;
    TRY(transform_with(s, n->with));
    struct change_target t;
    TRY(change_target(s, n->relation, &t));
    const struct column_part *columns;
    uint16_t ncolumns;
    TRY(insert_columns(s, &t, n->columns, &columns, &ncolumns));
    NEW_N(a, q->sets_to, t.r->natts + 1);
    if (is_values(n->source))
        TRY(insert_values(s, n, &t, columns, ncolumns));
    else if (n->source)
        TRY(insert_select(s, n, &t, columns, ncolumns));
    permission_written(t.needs->inserted, t.needs, q->sets_to, t.r->natts);
    TRY(fill_defaults(s, &t));
    TRY(row_rules(s, &t));
    TRY(scope_add(s, t.item));
    if (n->on_conflict) TRY(transform_conflict(s, &t, n->on_conflict));
    TRY(transform_returning(s, n->returning));
    permission_of_view(&t);
    return assign_query_collations(s->a, s->query);
}

static status one_set(struct scope *s, const struct change_target *target,
                      struct ast_column_target *t, struct expr *e, struct expr **values) {
    struct analyse *a = s->a;
    const struct attribute *att;
    TRY(find_attribute(s, target, t, &att));
    struct expr **slot = &values[att->number - 1];
    if (*slot && (!list_n(t->steps) || !is_part_assignment(*slot)))
        return FAIL_AT(a, -1, SYNTAX_ERROR, "multiple assignments to same column \"%s\"", t->name);
    if (e->kind != EXPR_DEFAULT) TRY(may_update(a, att));
    if (!list_n(t->steps)) return assigned(a, att, e, slot);
    struct column_part to = {att, t->steps, t->node.location};
    struct expr *base = *slot;
    if (!base)
        base = expr_var(a->arena, (uint16_t)s->query->target_rte, att->number, att->type,
                        att->typmod, att->collation, -1);
    NEEDS(a, base);
    return assign_part(s, &to, base, e, slot);
}

/* The values of SET (a, b) = …, of which there may be more or fewer than columns. */
static status several_values(struct scope *s, struct node *value, struct expr ***ret,
                             uint16_t *ret_n) {
    if (value->kind == NODE_ROW) return transform_row_parts(s, ast_as_row(value), ret, ret_n);
    if (value->kind == NODE_SUBLINK && ast_as_sublink(value)->kind == SUBLINK_SCALAR)
        return transform_row_of_subquery(s, ast_as_sublink(value), ret, ret_n);
    return FAIL_AT(s->a, value->location, FEATURE_NOT_SUPPORTED,
                   "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() "
                   "expression");
}

static status set_values(struct scope *s, const struct ast_set *set, struct expr ***ret) {
    uint16_t n = 1;
    enum clause before = s->clause;
    if (!set->multi) {
        NEW(s->a, *ret);
        return transform_expr(s, set->value, CLAUSE_UPDATE, *ret);
    }
    s->clause = CLAUSE_UPDATE;
    status st = several_values(s, set->value, ret, &n);
    s->clause = before;
    TRY(st);
    if (n == list_n(set->targets)) return OK;
    return FAIL_AT(s->a, set->value->location, SYNTAX_ERROR,
                   "number of columns does not match number of values");
}

status transform_sets(struct scope *s, const struct change_target *t, const struct list *sets,
                      struct expr **values) {
    LIST_EACH(struct ast_set *, set, sets) {
        struct expr **list;
        TRY(set_values(s, set, &list));
        LIST_EACH(struct ast_column_target *, c, set->targets)
        TRY(one_set(s, t, c, list[c_i], values));
    }
    return OK;
}

static status changed_table_item(struct scope *s, struct ast_range_var *var,
                                 struct change_target *t) {
    struct from_item *f;
    TRY(change_target(s, var, t));
    TRY(scope_add(s, t->item));
    TRY(from_rte(s->a, s->query->target_rte, &f));
    return from_add(s, f);
}

/* WHERE, or WHERE CURRENT OF: the row that the cursor stands on now. */
static status change_condition(struct scope *s, const struct relation *r, struct node *where) {
    struct analyse *a = s->a;
    struct query *q = s->query;
    if (!where || where->kind != NODE_CURRENT_OF)
        return transform_bool(s, where, CLAUSE_WHERE, "WHERE", &q->where);
    if (!a->env->cursor_row) return not_supported(a, where->location, "WHERE CURRENT OF");
    datum key;
    TRY(a->env->cursor_row(a->env, ast_as_current_of(where)->cursor, r->oid, r->name, &key));
    struct expr *e = expr_new_n(a->arena, EXPR_CURRENT_OF, BOOLOID, -1, 1);
    NEEDS(a, e);
    NEEDS(a, e->args[0] = expr_var(a->arena, q->target_rte, ATT_ADDRESS, BYTEAOID, -1, 0, -1));
    TRY(type_copy(type_find(BYTEAOID), key, a->arena, &e->constant.value));
    q->where = e;
    a->once = true;
    return OK;
}

/* Of the rows behind a view only those that it shows. */
static status add_view_condition(struct scope *s, const struct change_target *t) {
    struct query *q = s->query;
    if (!t->where) return OK;
    NEEDS(s->a, q->where = expr_and(s->a->arena, t->where, q->where));
    return OK;
}

/* FROM or USING, whose LATERAL items must not name the changed table. */
static status transform_others(struct scope *s, const struct list *from) {
    struct ns_item *changed = s->items[s->nitems - 1];
    changed->changed = changed->lateral_only = changed->lateral_bad = true;
    status st = transform_from(s, from);
    changed->lateral_only = changed->lateral_bad = false;
    return st;
}

status transform_update(struct scope *s, struct ast_update *n) {
    struct analyse *a = s->a;
    struct query *q = s->query;
    q->kind = QUERY_UPDATE;
    TRY(transform_with(s, n->with));
    struct change_target t;
    TRY(changed_table_item(s, n->relation, &t));
    TRY(transform_others(s, n->from));
    TRY(change_condition(s, t.r, n->where));
    TRY(add_view_condition(s, &t));
    NEW_N(a, q->sets_to, t.r->natts + 1);
    TRY(transform_sets(s, &t, n->sets, q->sets_to));
    permission_written(t.needs->updated, t.needs, q->sets_to, t.r->natts);
    TRY(row_rules(s, &t));
    TRY(transform_returning(s, n->returning));
    permission_of_view(&t);
    return assign_query_collations(s->a, s->query);
}

status transform_delete(struct scope *s, struct ast_delete *n) {
    s->query->kind = QUERY_DELETE;
    TRY(transform_with(s, n->with));
    struct change_target t;
    TRY(changed_table_item(s, n->relation, &t));
    TRY(transform_others(s, n->using_tables));
    TRY(change_condition(s, t.r, n->where));
    TRY(add_view_condition(s, &t));
    TRY(transform_returning(s, n->returning));
    permission_of_view(&t);
    return assign_query_collations(s->a, s->query);
}
