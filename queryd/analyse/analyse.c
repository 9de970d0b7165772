#include "analyse/internal.h"

status analyse_at(struct analyse *a, int32_t location, status s) {
    if (ok(s) || a->no_positions || location < 0 || a->error->position) return s;
    error_at(a->error, parse_position(a->env->text, a->env->text_len, location));
    return s;
}

status analyse_memory(struct analyse *a) {
    return error_set(a->error, ST_OUT_OF_MEMORY, "out of memory");
}

status analyse_grow(struct analyse *a, void **array, uint16_t *cap, size_t size) {
    uint32_t more = *cap ? *cap * 2u : 8;
    if (more > UINT16_MAX)
        return error_set(a->error, ST_PROGRAM_LIMIT_EXCEEDED, "statement is too long");
    void *grown = arena_array(a->arena, more, size);
    NEEDS(a, grown);
    if (*cap) memcpy(grown, *array, *cap * size);
    *array = grown;
    *cap = (uint16_t)more;
    return OK;
}

status analyse_stack(struct analyse *a) {
    if (coro_stack_left() >= STACK_MARGIN_BYTES) return OK;
    return error_set(a->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
}

status not_supported(struct analyse *a, int32_t location, const char *what) {
    return FAIL_AT(a, location, FEATURE_NOT_SUPPORTED, "%s is not supported", what);
}

const char *type_words(struct analyse *a, oid type) {
    return type_format_name(a->arena, type);
}

status query_new(struct analyse *a, enum query_kind kind, struct query **ret) {
    struct query *q;
    NEW(a, q);
    q->kind = kind;
    *ret = q;
    return OK;
}

status note_relation(struct analyse *a, oid relation, enum relation_mode mode) {
    for (uint16_t i = 0; i < a->nrelations; i++)
        if (a->relations[i].oid == relation) {
            if (mode > a->relations[i].mode) a->relations[i].mode = mode;
            return OK;
        }
    GROW(a, a->relations, a->nrelations, a->relations_cap);
    a->relations[a->nrelations++] = (struct analysed_relation){relation, mode};
    return OK;
}

static status analyse_init(struct analyse *a, struct sql_env *env, struct arena *arena) {
    *a = (struct analyse){.env = env,
                          .arena = arena,
                          .error = env->eval.error,
                          .reads_only = true,
                          .targets_clause = CLAUSE_TARGETS};
    a->eval = (struct eval_env){arena, env->eval.error, env->eval.session};
    return OK;
}

static status words_for(struct analyse *a, status s) {
    if (status_is(s, ST_OUT_OF_MEMORY) && a->error->status.code == ST_OK) return analyse_memory(a);
    return s;
}

/* CALL is SELECT * from its procedure. */
static status transform_procedure_call(struct scope *s, const struct ast_call *n) {
    struct analyse *a = s->a;
    struct arena *m = a->arena;
    struct ast_range_function_item *item = (void *)ast_new(m, NODE_RANGE_FUNCTION_ITEM, -1);
    struct ast_range_function *from = (void *)ast_new(m, NODE_RANGE_FUNCTION, -1);
    struct ast_column_ref *star = (void *)ast_new(m, NODE_COLUMN_REF, -1);
    struct ast_target *target = (void *)ast_new(m, NODE_TARGET, -1);
    struct ast_select *select = (void *)ast_new(m, NODE_SELECT, -1);
    if (!item || !from || !star || !target || !select) return analyse_memory(a);
    item->call = &n->call->node;
    TRY(list_append(m, &from->functions, item));
    star->star = true;
    target->value = &star->node;
    TRY(list_append(m, &select->targets, target));
    TRY(list_append(m, &select->from, from));
    a->calls = true;
    a->in_call = true;
    return transform_select(s, select);
}

static status dispatch(struct analyse *a, struct node *stmt, struct query **ret) {
    struct query *q;
    TRY(query_new(a, QUERY_SELECT, &q));
    struct scope s;
    scope_init(&s, a, NULL, q);
    *ret = q;
    switch (stmt->kind) {
    case NODE_SELECT: return transform_select(&s, ast_as_select(stmt));
    case NODE_INSERT: return transform_insert(&s, ast_as_insert(stmt));
    case NODE_UPDATE: return transform_update(&s, ast_as_update(stmt));
    case NODE_DELETE: return transform_delete(&s, ast_as_delete(stmt));
    case NODE_CALL: return transform_procedure_call(&s, ast_as_call(stmt));
    case NODE_MERGE: return not_supported(a, stmt->location, "MERGE");
    default: return not_supported(a, -1, ast_kind_name(stmt->kind));
    }
}

/* Parameters that nothing gave a type. */
static status settle_params(struct analyse *a) {
    for (uint16_t i = 0; i < a->nparams; i++)
        if (!a->param_types[i] || a->param_types[i] == UNKNOWNOID)
            return error_set(a->error, ST_INDETERMINATE_DATATYPE,
                             "could not determine data type of parameter $%d", i + 1);
    return OK;
}

status analyse_statement(struct sql_env *env, struct arena *arena, struct node *stmt,
                         const oid *param_types, uint16_t nparams, struct analysed **ret) {
    struct analyse a;
    TRY(analyse_init(&a, env, arena));
    a.no_params = !param_types;
    if (nparams) {
        a.param_types = arena_array(arena, nparams, sizeof *a.param_types);
        if (!a.param_types) return analyse_memory(&a);
        memcpy(a.param_types, param_types, nparams * sizeof *param_types);
        a.nparams = a.params_cap = nparams;
    }
    struct analysed *result = arena_zalloc(arena, sizeof *result);
    if (!result) return analyse_memory(&a);
    a.body = env->body;
    a.of_cursor = env->of_cursor;
    if (env->of_arguments) a.targets_clause = CLAUSE_EXECUTE;
    TRY(words_for(&a, dispatch(&a, stmt, &result->query)));
    if (a.body && a.body->last) TRY(routine_fit_result(&a, result->query));
    TRY(settle_params(&a));
    TRY(permission_functions(&a, result->query));
    result->npermissions = a.npermissions;
    result->permissions = a.permissions;
    result->nfunctions = a.nfunctions;
    result->functions = a.functions;
    result->nparams = a.nparams;
    result->param_types = a.param_types;
    result->nrelations = a.nrelations;
    result->relations = a.relations;
    result->nctes = a.nctes;
    result->nshared = a.nshared;
    result->read_only = a.reads_only;
    result->once = a.once;
    *ret = result;
    return OK;
}

static enum clause clause_of_use(enum analyse_use use) {
    switch (use) {
    case USE_DEFAULT:
    case USE_PARAMETER: return CLAUSE_DEFAULT;
    case USE_CHECK: return CLAUSE_CHECK;
    case USE_GENERATED: return CLAUSE_GENERATED;
    case USE_INDEX: return CLAUSE_INDEX;
    case USE_PREDICATE: return CLAUSE_PREDICATE;
    case USE_CONVERSION:
    case USE_TRANSFORM: return CLAUSE_TRANSFORM;
    default: return CLAUSE_COPY_WHERE;
    }
}

/* The relation as range table entry 0, without looking at anything but its columns. */
static status expression_scope(struct scope *s, const struct relation *r) {
    struct analyse *a = s->a;
    struct rte *e;
    NEW(a, e);
    e->kind = RTE_RELATION;
    e->alias = r->name;
    e->relation = r;
    e->schema_name = r->schema_name;
    e->ncolumns = r->natts;
    NEW_N(a, e->columns, r->natts ? r->natts : 1);
    for (uint16_t i = 0; i < r->natts; i++) {
        const struct attribute *att = &r->atts[i];
        e->columns[i] = (struct rte_column){att->name, att->dropped ? 0 : att->type, att->typmod,
                                            att->collation};
    }
    uint16_t index;
    TRY(rte_add(s, e, &index));
    struct ns_item *item;
    TRY(rte_item(s, index, &item));
    return scope_add(s, item);
}

static status check_no_columns(struct analyse *a, struct expr *e, enum analyse_use use) {
    if (expr_contains_kind(e, EXPR_SUBLINK)) {
        const char *where = use == USE_DEFAULT || use == USE_PARAMETER ? "DEFAULT expression"
                            : use == USE_CHECK                         ? "check constraint"
                            : use == USE_GENERATED  ? "column generation expression"
                            : use == USE_PREDICATE  ? "index predicate"
                            : use == USE_TRANSFORM  ? "transform expression"
                            : use == USE_COPY_WHERE ? "COPY FROM WHERE condition"
                                                    : "index expression";
        return error_set(a->error, ST_FEATURE_NOT_SUPPORTED, "cannot use subquery in %s", where);
    }
    if (use == USE_GENERATED && expr_volatility(e) != 'i')
        return error_set(a->error, ST_INVALID_OBJECT_DEFINITION,
                         "generation expression is not immutable");
    if (use == USE_INDEX && expr_volatility(e) != 'i')
        return error_set(a->error, ST_INVALID_OBJECT_DEFINITION,
                         "functions in index expression must be marked IMMUTABLE");
    if (use == USE_PREDICATE && expr_volatility(e) != 'i')
        return error_set(a->error, ST_INVALID_OBJECT_DEFINITION,
                         "functions in index predicate must be marked IMMUTABLE");
    return OK;
}

static status not_converted(struct analyse *a, enum analyse_use use, const char *column, oid want) {
    if (use == USE_TRANSFORM) {
        status st = error_set(a->error, ST_DATATYPE_MISMATCH,
                              "result of USING clause for column \"%s\" cannot be cast "
                              "automatically to type %s",
                              column, type_words(a, want));
        error_hint(a->error, "You might need to add an explicit cast.");
        return st;
    }
    status st = error_set(a->error, ST_DATATYPE_MISMATCH,
                          "column \"%s\" cannot be cast automatically to type %s", column,
                          type_words(a, want));
    error_hint(a->error, "You might need to specify \"USING %s::%s\".", column,
               type_words(a, want));
    return st;
}

static status not_assigned(struct analyse *a, const struct expr *e, enum analyse_use use,
                           const char *column, oid want) {
    if (use == USE_TRANSFORM || use == USE_CONVERSION) return not_converted(a, use, column, want);
    if (use == USE_PARAMETER)
        return FAIL_AT(a, e->location, DATATYPE_MISMATCH,
                       "argument of DEFAULT must be type %s, not type %s", type_words(a, want),
                       type_words(a, e->type));
    status st = error_set(a->error, ST_DATATYPE_MISMATCH,
                          "column \"%s\" is of type %s but %s expression is of type %s", column,
                          type_words(a, want), use == USE_DEFAULT ? "default" : "generation",
                          type_words(a, e->type));
    error_hint(a->error, "You will need to rewrite or cast the expression.");
    return st;
}

/* The default of a polymorphic parameter: the call says what it is. Of texts that are kept already
 * nothing else is left without a type. */
static bool stays_unknown(const struct analyse *a, enum analyse_use use) {
    return use == USE_PARAMETER || (use == USE_TRANSFORM && a->for_text);
}

static status expression_alone(struct analyse *a, const struct relation *r, struct node *n,
                               enum analyse_use use, const char *column, oid want_type,
                               int32_t want_typmod, struct expr **ret) {
    struct query *q;
    TRY(query_new(a, QUERY_SELECT, &q));
    struct scope s;
    scope_init(&s, a, NULL, q);
    a->no_params = true;
    a->no_columns = use == USE_DEFAULT;
    if (r) TRY(expression_scope(&s, r));
    struct expr *e;
    TRY(transform_expr(&s, n, clause_of_use(use), &e));
    if (use == USE_CHECK || use == USE_PREDICATE || use == USE_COPY_WHERE) {
        const char *what = use == USE_CHECK ? "CHECK" : use == USE_PREDICATE ? "WHERE" : "WHERE";
        TRY(coerce_to_bool(a, e, what, &e));
    } else if (want_type) {
        struct expr *assigned;
        TRY(coerce(a, e, want_type, want_typmod, CAST_ASSIGNMENT, &assigned));
        if (!assigned) return not_assigned(a, e, use, column, want_type);
        e = assigned;
    } else if (!stays_unknown(a, use)) {
        TRY(coerce_unknown(a, e, &e));
    }
    TRY(check_no_columns(a, e, use));
    TRY(assign_collation(a, e));
    *ret = e;
    return OK;
}

status analyse_expression(struct sql_env *env, struct arena *arena, const struct relation *r,
                          struct node *expression, enum analyse_use use, const char *column,
                          oid want_type, int32_t want_typmod, struct expr **ret) {
    struct analyse a;
    TRY(analyse_init(&a, env, arena));
    return words_for(&a,
                     expression_alone(&a, r, expression, use, column, want_type, want_typmod, ret));
}

/* An expression kept as text; its locations are not in the client's statement. */
static status stored_expression(struct sql_env *env, struct arena *arena, const struct relation *r,
                                const char *text, enum analyse_use use, const struct attribute *att,
                                struct expr **ret) {
    struct analyse a;
    TRY(analyse_init(&a, env, arena));
    a.no_positions = true;
    struct node *n;
    TRY(parse_expression(arena, text, strlen(text), a.error, &n));
    return words_for(&a, expression_alone(&a, r, n, use, att ? att->name : NULL,
                                          att ? att->type : 0, att ? att->typmod : -1, ret));
}

status analyse_default(struct sql_env *env, struct arena *arena, const struct attribute *att,
                       struct expr **ret) {
    const char *text = att->default_text;
    const struct type *t = text ? NULL : type_find(att->type);
    if (t && t->base) text = t->default_text;
    if (att->identity) {
        text = arena_printf(arena, "pg_catalog.nextval('%u'::pg_catalog.regclass)", att->sequence);
        if (!text) return error_set(env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    }
    *ret = NULL;
    if (!text || att->generated) return OK;
    return stored_expression(env, arena, NULL, text, USE_DEFAULT, att, ret);
}

status analyse_generated(struct sql_env *env, struct arena *arena, const struct relation *r,
                         uint16_t *ret_n, uint16_t **ret_atts, struct expr ***ret_exprs) {
    struct expr **exprs = arena_array(arena, r->natts + 1u, sizeof *exprs);
    uint16_t *atts = arena_array(arena, r->natts + 1u, sizeof *atts);
    if (!exprs || !atts) return error_set(env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    uint16_t n = 0;
    for (uint16_t i = 0; i < r->natts; i++) {
        const struct attribute *att = &r->atts[i];
        if (att->dropped || !att->generated || !att->default_text) continue;
        TRY(stored_expression(env, arena, r, att->default_text, USE_GENERATED, att, &exprs[n]));
        atts[n++] = i;
    }
    *ret_n = n;
    *ret_atts = atts;
    *ret_exprs = exprs;
    return OK;
}

status analyse_checks(struct sql_env *env, struct arena *arena, const struct relation *r,
                      uint16_t *ret_n, struct change_check **ret_checks) {
    struct change_check *checks = arena_array(arena, r->nchecks + 1u, sizeof *checks);
    if (!checks) return error_set(env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    for (uint16_t i = 0; i < r->nchecks; i++) {
        checks[i].name = arena_strdup(arena, r->checks[i].name);
        if (!checks[i].name) return error_set(env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
        TRY(stored_expression(env, arena, r, r->checks[i].text, USE_CHECK, NULL, &checks[i].expr));
    }
    *ret_n = r->nchecks;
    *ret_checks = checks;
    return OK;
}

status analyse_index(struct sql_env *env, struct arena *arena, const struct relation *r,
                     const struct index_desc *index, struct index_meaning *ret) {
    *ret = (struct index_meaning){.keys = arena_zalloc(arena, index->nkeys * sizeof *ret->keys)};
    if (!ret->keys) return error_set(env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    for (uint16_t k = 0; k < index->nkeys; k++)
        if (!index->columns[k])
            TRY(stored_expression(env, arena, r, index->expressions[k], USE_INDEX, NULL,
                                  &ret->keys[k]));
    if (!index->predicate_text) return OK;
    return stored_expression(env, arena, r, index->predicate_text, USE_PREDICATE, NULL,
                             &ret->predicate);
}

status analyse_indexes(struct sql_env *env, struct arena *arena, const struct relation *r,
                       struct index_meaning **ret) {
    bool any = false;
    *ret = NULL;
    for (uint16_t i = 0; i < r->nindexes; i++) any |= r->indexes[i].computed;
    if (!any) return OK;
    struct index_meaning *m = arena_zalloc(arena, r->nindexes * sizeof *m);
    if (!m) return error_set(env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].computed) TRY(analyse_index(env, arena, r, &r->indexes[i], &m[i]));
    *ret = m;
    return OK;
}

status analyse_view_obstacle(struct sql_env *env, struct arena *arena, struct node *query,
                             const char **ret) {
    struct analyse a;
    struct query *q;
    TRY(analyse_init(&a, env, arena));
    a.no_params = true;
    TRY(words_for(&a, analyse_subquery(&a, NULL, query, &q)));
    *ret = query->kind == NODE_SELECT ? view_obstacle(ast_as_select(query), q) : NULL;
    return OK;
}

status analyse_relation_events(struct sql_env *env, struct arena *arena, const struct relation *r,
                               int16_t column, int32_t *ret_events) {
    struct analyse a;
    TRY(analyse_init(&a, env, arena));
    a.no_params = a.no_positions = true;
    bool *wanted = arena_zalloc(arena, r->natts + 1u);
    NEEDS(&a, wanted);
    for (uint16_t i = 1; i <= r->natts; i++) wanted[i] = !column || i == column;
    return words_for(&a, relation_events(&a, r, wanted, ret_events));
}

status analyse_query_for_text(struct sql_env *env, struct arena *arena, struct node *query,
                              struct query **ret) {
    struct analyse a;
    TRY(analyse_init(&a, env, arena));
    a.no_params = a.no_positions = a.for_text = true;
    return words_for(&a, analyse_subquery(&a, NULL, query, ret));
}

status analyse_expression_for_text(struct sql_env *env, struct arena *arena,
                                   const struct relation *r, struct node *expression,
                                   enum analyse_use use, oid want_type, int32_t want_typmod,
                                   struct expr **ret) {
    struct analyse a;
    TRY(analyse_init(&a, env, arena));
    a.no_positions = a.for_text = true;
    return words_for(&a, expression_alone(&a, r, expression, use, "", want_type, want_typmod, ret));
}
