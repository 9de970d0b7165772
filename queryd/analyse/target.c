/* Output columns: stars, names. */
#include "analyse/internal.h"

/* PostgreSQL's choice of a name; strength 2: a name of its own, 1: a type or keyword. */
static int name_strength(struct node *n, const char **ret);

static int sublink_name(struct ast_sublink *n, const char **ret) {
    switch (n->kind) {
    case SUBLINK_EXISTS: *ret = "exists"; return 2;
    case SUBLINK_ARRAY: *ret = "array"; return 2;
    case SUBLINK_SCALAR: {
        if (n->query->kind != NODE_SELECT) return 0;
        struct ast_select *q = ast_as_select(n->query);
        while (q->set_op != SETOP_NONE) q = q->left;
        if (list_n(q->targets) == 0) {
            if (!q->values) return 0;
            *ret = "column1";
            return 2;
        }
        struct ast_target *t = list_at(q->targets, 0);
        if (t->name) {
            *ret = t->name;
            return 2;
        }
        return name_strength(t->value, ret);
    }
    default: return 0;
    }
}

static int value_name(const struct ast_sql_value *n, const char **ret) {
    static const char *const names[] = {
        [VALUE_CURRENT_DATE] = "current_date",
        [VALUE_CURRENT_TIME] = "current_time",
        [VALUE_CURRENT_TIMESTAMP] = "current_timestamp",
        [VALUE_LOCALTIME] = "localtime",
        [VALUE_LOCALTIMESTAMP] = "localtimestamp",
        [VALUE_CURRENT_ROLE] = "current_role",
        [VALUE_CURRENT_USER] = "current_user",
        [VALUE_SESSION_USER] = "session_user",
        [VALUE_USER] = "user",
        [VALUE_CURRENT_CATALOG] = "current_catalog",
        [VALUE_CURRENT_SCHEMA] = "current_schema",
    };
    *ret = names[n->kind];
    return 2;
}

static int indirection_name(struct ast_indirection *n, const char **ret) {
    for (int32_t i = list_n(n->steps) - 1; i >= 0; i--) {
        struct node *step = list_at(n->steps, i);
        if (step->kind == NODE_FIELD && ast_as_field(step)->name) {
            *ret = ast_as_field(step)->name;
            return 2;
        }
    }
    return name_strength(n->arg, ret);
}

static int cast_name(struct ast_type_cast *n, const char **ret) {
    int strength = name_strength(n->arg, ret);
    if (strength <= 1) {
        *ret = last_name(n->type->names);
        return 1;
    }
    return strength;
}

static int case_name(struct ast_case *n, const char **ret) {
    int strength = n->otherwise ? name_strength(n->otherwise, ret) : 0;
    if (strength <= 1) {
        *ret = "case";
        return 1;
    }
    return strength;
}

static int name_strength(struct node *n, const char **ret) {
    switch (n->kind) {
    case NODE_COLUMN_REF:
        if (list_n(ast_as_column_ref(n)->names) == 0) return 0;
        *ret = last_name(ast_as_column_ref(n)->names);
        return 2;
    case NODE_INDIRECTION: return indirection_name(ast_as_indirection(n), ret);
    case NODE_FUNC_CALL: *ret = last_name(ast_as_func_call(n)->names); return 2;
    case NODE_NULLIF: *ret = "nullif"; return 2;
    case NODE_TYPE_CAST: return cast_name(ast_as_type_cast(n), ret);
    case NODE_COLLATE: return name_strength(ast_as_collate(n)->arg, ret);
    case NODE_CASE: return case_name(ast_as_case(n), ret);
    case NODE_LITERAL:
        if (ast_as_literal(n)->kind == LITERAL_BOOL) {
            *ret = "bool";
            return 1;
        }
        return 0;
    case NODE_ARRAY: *ret = "array"; return 2;
    case NODE_ROW: *ret = "row"; return 2;
    case NODE_COALESCE: *ret = "coalesce"; return 2;
    case NODE_MIN_MAX: *ret = ast_as_min_max(n)->least ? "least" : "greatest"; return 2;
    case NODE_SQL_VALUE: return value_name(ast_as_sql_value(n), ret);
    case NODE_SUBLINK: return sublink_name(ast_as_sublink(n), ret);
    case NODE_GROUPING_FUNC: *ret = "grouping"; return 2;
    default: return 0;
    }
}

const char *output_name(struct node *value) {
    const char *name = "?column?";
    if (name_strength(value, &name) == 0) name = "?column?";
    return name;
}

struct target_list {
    struct target *targets;
    uint16_t n, cap;
};

static status append(struct scope *s, struct target_list *l, struct expr *e, const char *name) {
    struct analyse *a = s->a;
    if (l->n >= ROW_ATTRIBUTES_MAX + 64)
        return error_set(a->error, ST_TOO_MANY_COLUMNS, "target lists can have at most %d entries",
                         ROW_ATTRIBUTES_MAX + 64);
    GROW(a, l->targets, l->n, l->cap);
    struct target *t = &l->targets[l->n++];
    *t = (struct target){.expr = e, .name = name};
    if (e->kind == EXPR_VAR && e->var.att > 0) {
        const struct scope *at = s;
        for (unsigned i = 0; at && i < e->var.level; i++) at = at->parent;
        const struct rte *r = at ? at->query->rtes[e->var.rte] : NULL;
        if (r && r->relation) {
            t->table = r->relation->oid;
            t->attribute = e->var.att;
        } else if (r && r->kind == RTE_SUBQUERY && e->var.att <= r->query->nvisible) {
            t->table = r->query->targets[e->var.att - 1].table;
            t->attribute = r->query->targets[e->var.att - 1].attribute;
        }
    }
    return OK;
}

static status expand_item(struct scope *s, const struct ns_item *item, unsigned level,
                          int32_t location, struct target_list *l) {
    for (uint16_t i = 0; i < item->ncolumns - item->nadded; i++) {
        if (!item->exprs[i]) continue;
        struct expr *e;
        permission_select(scope_at(s, level), item->exprs[i]);
        TRY(expr_shift_levels(s->a->arena, item->exprs[i], 0, (int)level, &e));
        if (level == 0 && e->kind == EXPR_VAR) {
            e = arena_memdup(s->a->arena, e, sizeof *e);
            NEEDS(s->a, e);
            e->location = location;
        }
        TRY(append(s, l, e, item->names[i]));
    }
    return OK;
}

static status expand_star(struct scope *s, const struct ast_column_ref *ref,
                          struct target_list *l) {
    int32_t n = list_n(ref->names), location = ref->node.location;
    if (n == 0) {
        bool any = false;
        for (uint16_t i = 0; i < s->nitems; i++) {
            const struct ns_item *item = s->items[i];
            if (!item->columns_visible || (item->lateral_only && !s->lateral)) continue;
            any = true;
            TRY(expand_item(s, item, 0, location, l));
        }
        if (!any)
            return FAIL_AT(s->a, location, SYNTAX_ERROR,
                           "SELECT * with no tables specified is not valid");
        return OK;
    }
    struct ns_item *item;
    unsigned level;
    const char *name = list_at(ref->names, n - 1);
    TRY(scope_find_item(s, n > 1 ? list_at(ref->names, n - 2) : NULL, name, location, &item,
                        &level));
    if (!item) return scope_missing_item(s, name, location);
    return expand_item(s, item, level, location, l);
}

static status expand_fields(struct scope *s, struct expr *e, const struct type *t,
                            struct target_list *l) {
    for (uint16_t i = 0; i < t->nfields; i++) {
        struct expr *field;
        if (t->fields[i].dropped) continue;
        TRY(field_expr(s->a, e, t, i, e->location, &field));
        char *name = arena_strdup(s->a->arena, t->fields[i].name);
        NEEDS(s->a, name);
        TRY(append(s, l, field, name));
    }
    return OK;
}

/* (expr).* of a row. */
static status expand_record(struct scope *s, struct ast_indirection *n, enum clause c,
                            struct target_list *l) {
    struct ast_indirection without = *n;
    struct list steps = *n->steps;
    steps.n--;
    without.steps = &steps;
    struct expr *e;
    enum clause before = s->clause;
    s->clause = c;
    status st = transform_indirection(s, &without, &e);
    s->clause = before;
    TRY(st);
    e = expr_row_below(e);
    const struct type *t = type_below(type_find(e->type));
    if (t && t->kind == 'c') return expand_fields(s, e, t, l);
    uint16_t nfields;
    const struct rte_column *fields;
    TRY(routine_fields(s, e, &nfields, &fields));
    for (uint16_t i = 0; i < nfields; i++) {
        struct expr *field;
        TRY(field_at(s->a, e, &fields[i], i, n->node.location, &field));
        TRY(append(s, l, field, fields[i].name));
    }
    if (nfields) return OK;
    if (e->kind != EXPR_ROW && e->type == RECORDOID)
        return FAIL_AT(s->a, -1, WRONG_OBJECT_TYPE, "record type has not been registered");
    if (e->kind != EXPR_ROW)
        return FAIL_AT(s->a, n->node.location, WRONG_OBJECT_TYPE, "type %s is not composite",
                       type_words(s->a, e->type));
    for (uint16_t i = 0; i < e->nargs; i++) {
        char *name =
            e->row.names ? (char *)e->row.names[i] : arena_printf(s->a->arena, "f%u", i + 1u);
        NEEDS(s->a, name);
        TRY(append(s, l, e->args[i], name));
    }
    return OK;
}

static bool ends_in_star(struct node *n) {
    if (n->kind != NODE_INDIRECTION) return false;
    struct list *steps = ast_as_indirection(n)->steps;
    struct node *last = list_at(steps, list_n(steps) - 1);
    return last->kind == NODE_FIELD && !ast_as_field(last)->name;
}

status transform_targets(struct scope *s, const struct list *targets, enum clause clause,
                         struct target **ret_targets, uint16_t *ret_n) {
    struct target_list l = {0};
    LIST_EACH(struct ast_target *, t, targets) {
        if (t->value->kind == NODE_COLUMN_REF && ast_as_column_ref(t->value)->star) {
            TRY(expand_star(s, ast_as_column_ref(t->value), &l));
            continue;
        }
        if (ends_in_star(t->value)) {
            TRY(expand_record(s, ast_as_indirection(t->value), clause, &l));
            continue;
        }
        struct expr *e;
        TRY(transform_expr(s, t->value, clause, &e));
        TRY(append(s, &l, e, t->name ? t->name : output_name(t->value)));
    }
    *ret_targets = l.targets;
    *ret_n = l.n;
    return OK;
}

status target_add(struct scope *s, struct expr *e, const char *name, bool junk, uint16_t *ret) {
    struct query *q = s->query;
    if (q->ntargets == q->targets_cap) {
        uint16_t cap = q->targets_cap ? (uint16_t)(q->targets_cap * 2) : 8;
        if (cap <= q->ntargets) cap = (uint16_t)(q->ntargets + 8);
        struct target *grown;
        NEW_N(s->a, grown, cap);
        if (q->ntargets) memcpy(grown, q->targets, q->ntargets * sizeof *grown);
        q->targets = grown;
        q->targets_cap = cap;
    }
    q->targets[q->ntargets] = (struct target){.expr = e, .name = name, .junk = junk};
    *ret = q->ntargets++;
    return OK;
}
