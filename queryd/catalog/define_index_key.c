/* define_index_key.c: what an index is ordered by: columns, expressions, operator classes, and
 * which rows it holds. */
#include "catalog/collation.h"
#include "catalog/define_internal.h"
#include "catalog/facts.h"

/* ---- operator classes ------------------------------------------------------------------------ */

static status no_default_class(struct sql_env *env, oid type) {
    status st = error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                          "data type %s has no default operator class for access method \"btree\"",
                          type_format_name(env->eval.arena, type));
    error_hint(env->eval.error, "You must specify an operator class for the index or define a "
                                "default operator class for the data type.");
    return st;
}

static bool class_accepts(oid input, oid type) {
    return input == type || (input == TEXTOID && type == VARCHAROID) ||
           default_opclass(input) == default_opclass(type);
}

static status named_class(struct sql_env *env, const struct list *names, oid type, oid *ret) {
    const char *name = list_at(names, list_n(names) - 1);
    oid input;
    TRY(catalog_opclass(env, name, ret, &input));
    if (class_accepts(input, type)) return OK;
    return error_set(env->eval.error, ST_DATATYPE_MISMATCH,
                     "operator class \"%s\" does not accept data type %s", name,
                     type_format_name(env->eval.arena, type));
}

status define_default_class(struct sql_env *env, oid type, oid *ret_opclass) {
    const struct type *t = type_find(type);
    if (!t || !type_is_ordered(t) || !t->family->key) return no_default_class(env, type);
    *ret_opclass = default_opclass(type);
    return OK;
}

static status choose_class(struct sql_env *env, const struct list *names,
                           struct index_plan_column *c) {
    TRY(define_default_class(env, c->type, &c->opclass));
    return names ? named_class(env, names, c->type, &c->opclass) : OK;
}

/* ---- columns --------------------------------------------------------------------------------- */

static status no_column(struct sql_env *env, const struct index_plan *plan, const char *name,
                        const struct node *where) {
    return define_at(env, where,
                     error_set(env->eval.error, ST_UNDEFINED_COLUMN,
                               plan->constraint ? "column \"%s\" named in key does not exist"
                                                : "column \"%s\" does not exist",
                               name));
}

static status appears_twice(struct sql_env *env, const struct index_plan *plan, const char *name,
                            const struct node *where) {
    return define_at(env, where,
                     error_set(env->eval.error, ST_DUPLICATE_COLUMN,
                               plan->primary
                                   ? "column \"%s\" appears twice in primary key constraint"
                                   : "column \"%s\" appears twice in unique constraint",
                               name));
}

static status add(struct sql_env *env, struct index_plan *plan, const struct index_plan_column *c,
                  bool key) {
    if (plan->ncolumns == INDEX_COLUMNS_MAX)
        return error_set(env->eval.error, ST_TOO_MANY_COLUMNS,
                         "cannot use more than %d columns in an index", INDEX_COLUMNS_MAX);
    plan->columns[plan->ncolumns++] = *c;
    if (key) plan->nkeys = plan->ncolumns;
    return OK;
}

static struct index_plan_column of_attribute(const struct attribute *att) {
    return (struct index_plan_column){.number = att->number,
                                      .name = att->name,
                                      .type = att->type,
                                      .typmod = att->typmod,
                                      .collation = att->collation};
}

status define_index_add(struct sql_env *env, const struct relation *r, struct index_plan *plan,
                        const char *column, bool key, const struct node *where) {
    const struct attribute *att = define_attribute(r, column);
    if (!att) return no_column(env, plan, column, where);
    for (unsigned i = 0; key && plan->constraint && i < plan->ncolumns; i++)
        if (plan->columns[i].number == att->number) return appears_twice(env, plan, column, where);
    struct index_plan_column c = of_attribute(att);
    if (key) TRY(choose_class(env, NULL, &c));
    return add(env, plan, &c, key);
}

/* ---- expressions ----------------------------------------------------------------------------- */

static const char *expression_name(struct node *n) {
    switch (n->kind) {
    case NODE_FUNC_CALL: {
        const struct list *names = ast_as_func_call(n)->names;
        return list_at(names, list_n(names) - 1);
    }
    case NODE_COLUMN_REF: {
        const struct list *names = ast_as_column_ref(n)->names;
        return list_n(names) ? list_at(names, list_n(names) - 1) : "expr";
    }
    case NODE_COLLATE: return expression_name(ast_as_collate(n)->arg);
    case NODE_TYPE_CAST: {
        const char *name = expression_name(ast_as_type_cast(n)->arg);
        const struct list *names = ast_as_type_cast(n)->type->names;
        return strcmp(name, "expr") ? name : list_at(names, list_n(names) - 1);
    }
    case NODE_CASE: return "case";
    case NODE_COALESCE: return "coalesce";
    case NODE_NULLIF: return "nullif";
    case NODE_MIN_MAX: return ast_as_min_max(n)->least ? "least" : "greatest";
    default: return "expr";
    }
}

static status expression_column(struct sql_env *env, const struct relation *r, struct node *n,
                                struct index_plan_column *ret) {
    oid type, collation;
    if (!define_hooks) return define_unsupported(env, "an index on an expression");
    TRY(define_hooks->index_expression(env, r, n, &type, &collation));
    const struct type *t = type_find(type);
    if (!t || t->kind == 'p')
        return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                         "column \"%s\" has pseudo-type %s", expression_name(n),
                         type_format_name(env->eval.arena, type));
    *ret = (struct index_plan_column){.name = expression_name(n),
                                      .written = n,
                                      .type = type,
                                      .typmod = -1,
                                      .collation = collation};
    return stored_expression(env, r, n, EXPRESSION_INDEX, 0, -1, &ret->text);
}

/* A column in parentheses is a column. */
static const char *plain_column(const struct ast_index_element *e) {
    if (e->name) return e->name;
    if (e->expression->kind != NODE_COLUMN_REF) return NULL;
    const struct list *names = ast_as_column_ref(e->expression)->names;
    return list_n(names) == 1 ? list_at(names, 0) : NULL;
}

/* ---- CREATE INDEX ---------------------------------------------------------------------------- */

/* By bytes, equal strings would be different. */
static status refuse_pattern(struct sql_env *env, const struct ast_index_element *e,
                             const struct index_plan_column *c) {
    const struct collator *collator = collator_of(c->collation);
    if (!opclass_is_pattern(c->opclass) || !collator || collator_is_deterministic(collator))
        return OK;
    return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                     "nondeterministic collations are not supported for operator class \"%s\"",
                     (const char *)list_at(e->opclass, list_n(e->opclass) - 1));
}

static status key_element(struct sql_env *env, const struct relation *r,
                          const struct ast_index_element *e, struct index_plan *plan) {
    struct index_plan_column c;
    const char *name = plain_column(e);
    if (name) {
        const struct attribute *att = define_attribute(r, name);
        if (!att) return no_column(env, plan, name, NULL);
        c = of_attribute(att);
    } else {
        TRY(expression_column(env, r, e->expression, &c));
    }
    const struct type *t = type_find(c.type);
    if (e->collation) TRY(define_collation(env, e->collation, c.type, &c.collation));
    if (t && t->collation && !c.collation)
        return define_no_collation(env, "could not determine which collation to use for index "
                                        "expression");
    if (e->opclass_options) return define_unsupported(env, "an operator class with options");
    TRY(choose_class(env, e->opclass, &c));
    TRY(refuse_pattern(env, e, &c));
    c.descending = e->direction == SORT_DESC;
    c.nulls_first = e->nulls == SORT_NULLS_DEFAULT ? c.descending : e->nulls == SORT_NULLS_FIRST;
    return add(env, plan, &c, true);
}

static status refuse_included(struct sql_env *env, const struct ast_index_element *e) {
    const char *what = e->expression  ? "expressions are not supported in included columns"
                       : e->collation ? "including column does not support a collation"
                       : e->opclass   ? "including column does not support an operator class"
                       : e->direction != SORT_DEFAULT
                           ? "including column does not support ASC/DESC options"
                       : e->nulls != SORT_NULLS_DEFAULT
                           ? "including column does not support NULLS FIRST/LAST options"
                           : NULL;
    if (!what) return OK;
    return define_at(
        env, &e->node,
        error_set(env->eval.error,
                  e->expression ? ST_FEATURE_NOT_SUPPORTED : ST_INVALID_OBJECT_DEFINITION, "%s",
                  what));
}

static status predicate(struct sql_env *env, const struct relation *r, struct node *where,
                        struct index_plan *plan) {
    if (!where) return OK;
    if (!define_hooks) return define_unsupported(env, "a partial index");
    TRY(define_hooks->expression_check(env, r, where, EXPRESSION_PREDICATE, NULL, BOOLOID, -1,
                                       NULL));
    plan->where = where;
    return stored_expression(env, r, where, EXPRESSION_PREDICATE, 0, -1, &plan->predicate);
}

status define_index_elements(struct sql_env *env, const struct relation *r,
                             const struct ast_create_index *s, struct index_plan *plan) {
    TRY(predicate(env, r, s->where, plan));
    LIST_EACH(struct ast_index_element *, e, s->elements) TRY(key_element(env, r, e, plan));
    LIST_EACH(struct ast_index_element *, e, s->including) {
        TRY(refuse_included(env, e));
        TRY(define_index_add(env, r, plan, e->name, false, NULL));
    }
    return OK;
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool name_is_taken(const struct index_plan *plan, unsigned before, const char *name) {
    for (unsigned i = 0; i < before; i++)
        if (!strcmp(plan->columns[i].name, name)) return true;
    return false;
}

/* A name that stands there already gets a number. */
static status number_columns(struct sql_env *env, struct index_plan *plan) {
    for (unsigned i = 0; i < plan->ncolumns; i++) {
        const char *base = plan->columns[i].name;
        for (unsigned n = 1; name_is_taken(plan, i, plan->columns[i].name); n++) {
            plan->columns[i].name =
                arena_printf(env->eval.arena, "%.*s%u", NAME_BYTES - 12, base, n);
            if (!plan->columns[i].name) return no_memory(env);
        }
    }
    return OK;
}

static status own_name(struct sql_env *env, const struct relation *r, struct index_plan *plan) {
    char columns[NAME_BYTES * 2];
    size_t len = 0;
    if (plan->primary)
        return define_choose_name(env, r->name, NULL, "pkey", r->schema, true, 0, &plan->name);
    columns[0] = 0;
    for (unsigned i = 0; i < plan->ncolumns && len < NAME_BYTES; i++)
        len += (size_t)snprintf(columns + len, sizeof columns - len, "%s%.63s", i ? "_" : "",
                                plan->columns[i].name);
    return define_choose_name(env, r->name, columns,
                              plan->exclusion    ? "excl"
                              : plan->constraint ? "key"
                                                 : "idx",
                              r->schema, true, 0, &plan->name);
}

status define_index_names(struct sql_env *env, const struct relation *r, struct index_plan *plan) {
    oid taken;
    TRY(number_columns(env, plan));
    if (!plan->name) return own_name(env, r, plan);
    TRY(relation_oid(env, r->schema, plan->name, &taken));
    if (!taken) return OK;
    return error_set(env->eval.error, ST_DUPLICATE_TABLE, "relation \"%s\" already exists",
                     plan->name);
}
