/* FROM: relations and subqueries. */
#include "analyse/internal.h"
#include "catalog/catalog_table.h"
#include "types/acl.h"

status rte_add(struct scope *s, struct rte *r, uint16_t *ret_index) {
    struct query *q = s->query;
    if (q->nrtes >= RTES_MAX - 1)
        return error_set(s->a->error, ST_PROGRAM_LIMIT_EXCEEDED, "too many range table entries");
    GROW(s->a, q->rtes, q->nrtes, q->rtes_cap);
    *ret_index = q->nrtes;
    q->rtes[q->nrtes++] = r;
    return OK;
}

/* The names by which the rest of the query knows a range table entry. */
status rte_item(struct scope *s, uint16_t index, struct ns_item **ret) {
    struct analyse *a = s->a;
    struct rte *r = s->query->rtes[index];
    struct ns_item *item;
    NEW(a, item);
    *item = (struct ns_item){.name = r->alias,
                             .schema = r->schema_name,
                             .rte = index,
                             .ncolumns = r->ncolumns,
                             .relation = r->relation,
                             .nadded = r->relation ? relation_own_columns(r->relation) : 0,
                             .name_visible = true,
                             .columns_visible = true};
    NEW_N(a, item->names, r->ncolumns + 1);
    NEW_N(a, item->exprs, r->ncolumns + 1);
    for (uint16_t i = 0; i < r->ncolumns; i++) {
        struct rte_column *c = &r->columns[i];
        item->names[i] = c->name;
        if (!c->type) continue;
        NEEDS(a, c->name = words_unmarked(a->arena, c->name));
        item->exprs[i] =
            expr_var(a->arena, index, (int16_t)(i + 1), c->type, c->typmod, c->collation, -1);
        NEEDS(a, item->exprs[i]);
    }
    if (r->alias) NEEDS(a, r->alias = words_unmarked(a->arena, r->alias));
    *ret = item;
    return OK;
}

status from_rte(struct analyse *a, uint16_t rte, struct from_item **ret) {
    struct from_item *f;
    NEW(a, f);
    f->rte = rte;
    *ret = f;
    return OK;
}

status from_add(struct scope *s, struct from_item *f) {
    struct query *q = s->query;
    struct from_item **grown;
    NEW_N(s->a, grown, q->nfrom + 1);
    if (q->nfrom) memcpy(grown, q->from, q->nfrom * sizeof *grown);
    grown[q->nfrom++] = f;
    q->from = grown;
    return OK;
}

/* Alias column lists rename the first columns. */
status rte_rename_columns(struct analyse *a, struct rte *r, const struct list *names,
                          int32_t location) {
    uint16_t live = 0;
    for (uint16_t i = 0; i < r->ncolumns; i++) live += r->columns[i].type != 0;
    if (list_n(names) > live)
        return FAIL_AT(a, location, INVALID_COLUMN_REFERENCE,
                       "table \"%s\" has %u columns available but %d columns specified", r->alias,
                       live, list_n(names));
    int32_t k = 0;
    for (uint16_t i = 0; i < r->ncolumns && k < list_n(names); i++)
        if (r->columns[i].type) r->columns[i].name = list_at(names, k++);
    return OK;
}

static status relation_columns(struct analyse *a, const struct relation *r, struct rte *e) {
    e->ncolumns = r->natts;
    NEW_N(a, e->columns, r->natts + 1);
    for (uint16_t i = 0; i < r->natts; i++) {
        const struct attribute *att = &r->atts[i];
        char *name = arena_strdup(a->arena, att->name);
        NEEDS(a, name);
        e->columns[i] =
            (struct rte_column){name, att->dropped ? 0 : att->type, att->typmod, att->collation};
    }
    return OK;
}

/* A view is its query; the rows come from there, the names from pg_attribute. */
static status expand_view(struct scope *s, const struct relation *r, struct rte *e) {
    struct analyse *a = s->a;
    if (++a->view_depth > VIEW_DEPTH_MAX)
        return FAIL_AT(a, -1, INVALID_OBJECT_DEFINITION,
                       "infinite recursion detected in rules for relation \"%s\"", r->name);
    bool positions = a->no_positions, params = a->no_params;
    oid check_as = a->check_as;
    struct node *query;
    const char *text = arena_strdup(a->arena, r->view_text ? r->view_text : "");
    NEEDS(a, text);
    TRY(parse_kept_query(a->arena, text, strlen(text), a->error, &query));
    a->no_positions = a->no_params = true;
    a->check_as = r->security_invoker ? 0 : r->owner;
    status st = analyse_subquery(a, NULL, query, &e->query);
    a->no_positions = positions;
    a->no_params = params;
    a->check_as = check_as;
    a->view_depth--;
    TRY(st);
    e->kind = RTE_SUBQUERY;
    e->relation = NULL;
    uint16_t live = 0;
    for (uint16_t i = 0; i < e->ncolumns; i++)
        if (e->columns[i].type) e->columns[live++] = e->columns[i];
    /* a star in the view's query may have grown since: what the view does not have is not seen */
    if (live > e->query->nvisible)
        return error_set(a->error, ST_DATA_CORRUPTED, "view \"%s\" does not fit its query",
                         r->name);
    struct rte_column *columns;
    NEW_N(a, columns, e->query->nvisible + 1);
    memcpy(columns, e->columns, live * sizeof *columns);
    for (uint16_t i = live; i < e->query->nvisible; i++) columns[i].name = "";
    e->columns = columns;
    e->ncolumns = e->query->nvisible;
    for (uint16_t i = 0; i < live; i++) {
        const struct expr *x = e->query->targets[i].expr;
        e->columns[i].type = x->type;
        e->columns[i].typmod = x->typmod;
        e->columns[i].collation = x->collation;
    }
    return OK;
}

static status sample_argument(struct scope *s, struct node *n, oid type, const char *what,
                              struct expr **ret) {
    struct expr *e;
    bool before = s->lateral;
    s->lateral = true;
    status st = transform_expr(s, n, CLAUSE_FROM_FUNCTION, &e);
    s->lateral = before;
    TRY(st);
    TRY(coerce(s->a, e, type, -1, CAST_ASSIGNMENT, ret));
    if (*ret) return OK;
    return FAIL_AT(s->a, e->location, DATATYPE_MISMATCH,
                   "argument of %s must be type %s, not type %s", what, type_words(s->a, type),
                   type_words(s->a, e->type));
}

static status table_sample(struct scope *s, struct ast_sample *n, const struct relation *r,
                           int32_t location, struct table_sample **ret) {
    struct analyse *a = s->a;
    const char *method = last_name(n->method);
    if (r->kind != 'r')
        return FAIL_AT(a, location, FEATURE_NOT_SUPPORTED,
                       "TABLESAMPLE clause can only be applied to tables and materialized views");
    bool system = strcmp(method, "system") == 0;
    if (!system && strcmp(method, "bernoulli") != 0)
        return FAIL_AT(a, n->node.location, UNDEFINED_OBJECT,
                       "tablesample method %s does not exist", method);
    if (list_n(n->args) != 1)
        return FAIL_AT(a, n->node.location, INVALID_TABLESAMPLE_ARGUMENT,
                       "tablesample method %s requires 1 argument, not %d", method,
                       list_n(n->args));
    NEW(a, *ret);
    (*ret)->system = system;
    TRY(sample_argument(s, list_at(n->args, 0), FLOAT4OID, "TABLESAMPLE", &(*ret)->percent));
    if (!n->repeatable) return OK;
    return sample_argument(s, n->repeatable, FLOAT8OID, "REPEATABLE", &(*ret)->seed);
}

status add_relation_rte(struct scope *s, struct ast_range_var *var, enum relation_mode mode,
                        uint16_t *ret_rte) {
    struct analyse *a = s->a;
    const struct relation *r;
    int32_t location = a->no_positions ? -1 : var->node.location;
    if (var->catalog && strcmp(var->catalog, a->env->settings->database) != 0)
        return FAIL_AT(a, location, FEATURE_NOT_SUPPORTED,
                       "cross-database references are not implemented: \"%s.%s.%s\"", var->catalog,
                       var->schema, var->name);
    if (var->as_of) return not_supported(a, location, "AS OF SYSTEM TIME");
    TRY(catalog_relation_lock(a->env, var->schema, var->name, mode, location, &r));
    if (r->kind == 'c')
        return FAIL_AT(a, location, WRONG_OBJECT_TYPE, "\"%s\" is a composite type", r->name);
    if (r->kind != 'r' && r->kind != 'v' && !(r->kind == 'S' && mode == MODE_ACCESS_SHARE)) {
        status st = FAIL_AT(a, location, WRONG_OBJECT_TYPE, "cannot open relation \"%s\"", r->name);
        error_detail(a->error, "This operation is not supported for %s.",
                     r->kind == 'i'   ? "indexes"
                     : r->kind == 'S' ? "sequences"
                                      : "this relation");
        return st;
    }
    TRY(note_relation(a, r->oid, mode));
    struct rte *e;
    NEW(a, e);
    e->kind = RTE_RELATION;
    e->relation = r;
    e->alias = var->alias ? var->alias->name : arena_strdup(a->arena, r->name);
    NEEDS(a, e->alias);
    if (!var->alias) {
        e->schema_name = arena_strdup(a->arena, r->schema_name);
        NEEDS(a, e->schema_name);
    }
    TRY(relation_columns(a, r, e));
    TRY(analyse_indexes(a->env, a->arena, r, &e->indexes));
    TRY(permission_add(a, r, mode == MODE_ACCESS_SHARE ? ACL_SELECT : 0, e));
    if (r->kind == 'v' && !a->for_text) TRY(expand_view(s, r, e));
    TRY(words_rte(a, e, var->alias, var->only, false, false));
    if (var->alias) TRY(rte_rename_columns(a, e, var->alias->columns, location));
    if (var->sample) TRY(table_sample(s, var->sample, r, location, &e->sample));
    return rte_add(s, e, ret_rte);
}

status rte_columns_of_query(struct analyse *a, const struct query *q, const struct list *names,
                            const char *what, int32_t location, struct rte *r) {
    r->ncolumns = q->kind == QUERY_SELECT || q->kind == QUERY_SETOP ? q->nvisible : q->nreturning;
    const struct target *targets =
        q->kind == QUERY_SELECT || q->kind == QUERY_SETOP ? q->targets : q->returning;
    NEW_N(a, r->columns, r->ncolumns + 1);
    for (uint16_t i = 0; i < r->ncolumns; i++) {
        const struct expr *e = targets[i].expr;
        r->columns[i] = (struct rte_column){targets[i].name, e->type, e->typmod, e->collation};
    }
    if (list_n(names) > r->ncolumns)
        return FAIL_AT(a, location, INVALID_COLUMN_REFERENCE,
                       "%s \"%s\" has %u columns available but %d columns specified", what,
                       r->alias, r->ncolumns, list_n(names));
    LIST_EACH(char *, name, names) r->columns[name_i].name = name;
    return OK;
}

static status cte_rte(struct scope *s, struct ast_range_var *var, struct cte *c,
                      struct from_item **ret) {
    struct analyse *a = s->a;
    struct rte *e;
    bool reads = c->query->kind == QUERY_SELECT || c->query->kind == QUERY_SETOP;
    if (!reads && c->query->nreturning == 0)
        return FAIL_AT(a, var->node.location, FEATURE_NOT_SUPPORTED,
                       "WITH query \"%s\" does not have a RETURNING clause", c->name);
    NEW(a, e);
    e->kind = RTE_CTE;
    e->cte = c;
    e->alias = var->alias ? var->alias->name : var->name;
    e->ncolumns = c->ncolumns;
    e->self_reference = c->in_recursion;
    c->references++;
    TRY(words_rte(a, e, var->alias, false, false, false));
    NEW_N(a, e->columns, c->ncolumns + 1);
    memcpy(e->columns, c->columns, c->ncolumns * sizeof *e->columns);
    if (var->alias) TRY(rte_rename_columns(a, e, var->alias->columns, var->node.location));
    uint16_t index;
    TRY(rte_add(s, e, &index));
    struct ns_item *item;
    TRY(rte_item(s, index, &item));
    if (c->in_recursion) item->nadded = c->nadded;
    TRY(scope_add(s, item));
    return from_rte(a, index, ret);
}

static status from_relation(struct scope *s, struct ast_range_var *var, struct from_item **ret) {
    if (!var->schema && !var->catalog) {
        struct scope *where;
        struct cte *c = scope_find_cte(s, var->name, &where);
        if (c && var->sample)
            return FAIL_AT(s->a, var->node.location, FEATURE_NOT_SUPPORTED,
                           "TABLESAMPLE clause can only be applied to tables and materialized "
                           "views");
        if (c) return cte_rte(s, var, c, ret);
    }
    uint16_t index;
    status st = add_relation_rte(s, var, MODE_ACCESS_SHARE, &index);
    if (status_is(st, ST_UNDEFINED_TABLE) && !var->schema && with_is_future(s, var->name)) {
        error_detail(s->a->error,
                     "There is a WITH item named \"%s\", but it cannot be referenced from this "
                     "part of the query.",
                     var->name);
        error_hint(s->a->error, "Use WITH RECURSIVE, or re-order the WITH items to remove forward "
                                "references.");
    }
    TRY(st);
    struct ns_item *item;
    TRY(rte_item(s, index, &item));
    TRY(scope_add(s, item));
    return from_rte(s->a, index, ret);
}

/* What a LATERAL item may see: everything to its left, for as long as it is analysed. */
static status lateral_subquery(struct scope *s, struct ast_range_subquery *n, struct query **ret) {
    if (!n->lateral) {
        /* siblings are hidden, what is further out stays visible */
        struct scope gap = *s;
        gap.nitems = 0;
        gap.items = NULL;
        gap.items_cap = 0;
        gap.lateral = false;
        return analyse_subquery(s->a, &gap, n->query, ret);
    }
    bool before = s->lateral;
    s->lateral = true;
    status st = analyse_subquery(s->a, s, n->query, ret);
    s->lateral = before;
    return st;
}

static status from_subquery(struct scope *s, struct ast_range_subquery *n, struct from_item **ret) {
    struct analyse *a = s->a;
    if (!n->alias) {
        bool values = n->query->kind == NODE_SELECT && ast_as_select(n->query)->values;
        status st = FAIL_AT(a, n->node.location, SYNTAX_ERROR,
                            values ? "VALUES in FROM must have an alias"
                                   : "subquery in FROM must have an alias");
        error_hint(a->error, values ? "For example, FROM (VALUES ...) [AS] foo."
                                    : "For example, FROM (SELECT ...) [AS] foo.");
        return st;
    }
    struct rte *e;
    NEW(a, e);
    e->kind = RTE_SUBQUERY;
    e->alias = n->alias->name;
    e->lateral = n->lateral;
    TRY(lateral_subquery(s, n, &e->query));
    TRY(rte_columns_of_query(a, e->query, NULL, "table", -1, e));
    TRY(words_rte(a, e, n->alias, false, n->lateral, false));
    TRY(rte_rename_columns(a, e, n->alias->columns, n->node.location));
    uint16_t index;
    TRY(rte_add(s, e, &index));
    struct ns_item *item;
    TRY(rte_item(s, index, &item));
    TRY(scope_add(s, item));
    return from_rte(a, index, ret);
}

static status same_name_twice(struct scope *s, uint16_t first_new) {
    for (uint16_t i = first_new; i < s->nitems; i++)
        for (uint16_t k = 0; k < i; k++) {
            const struct ns_item *x = s->items[i], *y = s->items[k];
            if (!x->name || !y->name || !x->name_visible || !y->name_visible) continue;
            if (strcmp(x->name, y->name) != 0) continue;
            if (x->schema && y->schema && strcmp(x->schema, y->schema) != 0) continue;
            return FAIL_AT(s->a, -1, DUPLICATE_ALIAS, "table name \"%s\" specified more than once",
                           x->name);
        }
    return OK;
}

status transform_from_item(struct scope *s, struct node *n, struct from_item **ret) {
    TRY(analyse_stack(s->a));
    switch (n->kind) {
    case NODE_RANGE_VAR: return from_relation(s, (struct ast_range_var *)n, ret);
    case NODE_RANGE_SUBQUERY: return from_subquery(s, (struct ast_range_subquery *)n, ret);
    case NODE_RANGE_FUNCTION: return from_function(s, (struct ast_range_function *)n, ret);
    case NODE_JOIN: return transform_join(s, (struct ast_join *)n, ret);
    default: return not_supported(s->a, n->location, ast_kind_name(n->kind));
    }
}

status transform_from(struct scope *s, const struct list *from) {
    LIST_EACH(struct node *, n, from) {
        uint16_t first = s->nitems;
        struct from_item *f;
        TRY(transform_from_item(s, n, &f));
        TRY(same_name_twice(s, first));
        TRY(from_add(s, f));
        for (uint16_t i = first; i < s->nitems; i++) s->items[i]->lateral_only = true;
    }
    for (uint16_t i = 0; i < s->nitems; i++) s->items[i]->lateral_only = false;
    return OK;
}
