/* define_aggregate.c: CREATE AGGREGATE, of functions that are there. */
#include <strings.h>

#include "catalog/define_aggregate.h"

#define LANGUAGE_INTERNAL 12

/* ---- types ----------------------------------------------------------------------------------- */

static status option_type(struct aggregate_draft *g, const struct ast_def_elem *o, oid *ret) {
    if (o->value && o->value->kind == NODE_TYPE_NAME)
        return routine_type(g->env, (const struct ast_type_name *)o->value, NULL, ret);
    const char *text = option_text(o);
    struct list *names = NULL;
    if (!text) return INVALID(g->env, "%s requires a parameter", o->name);
    TRY(list_append(g->env->eval.arena, &names, (char *)text));
    struct ast_type_name t = {.node = {.kind = NODE_TYPE_NAME, .location = -1}, .names = names};
    return routine_type(g->env, &t, NULL, ret);
}

static status state_type(struct aggregate_draft *g, enum option option, oid *ret) {
    struct sql_env *env = g->env;
    TRY(option_type(g, g->options[option], ret));
    if (*ret == INTERNALOID) return define_unsupported(env, "an aggregate with an internal state");
    if (routine_is_pseudo(*ret) && !routine_is_polymorphic(*ret) && *ret != RECORDOID)
        return INVALID(env, "aggregate transition data type cannot be %s",
                       type_format_name(env->eval.arena, *ret));
    return draft_determines(g->routine, *ret, "transition");
}

/* The arguments as the form before PostgreSQL 8.2 gives them: the option basetype. */
static status old_arguments(struct aggregate_draft *g, struct list **ret_params) {
    struct sql_env *env = g->env;
    const struct ast_def_elem *o = g->options[OPTION_BASETYPE];
    struct ast_func_param *p;
    if (!o) return INVALID(env, "aggregate input type must be specified");
    const char *text = option_text(o);
    if (text && !strcasecmp(text, "any")) return OK;
    struct node *n = ast_new(env->eval.arena, NODE_FUNC_PARAM, -1);
    if (!n) return no_memory(env);
    p = (struct ast_func_param *)n;
    p->mode = 'd';
    if (!o->value || o->value->kind != NODE_TYPE_NAME)
        return define_unsupported(env, "this form of basetype");
    p->type = (struct ast_type_name *)o->value;
    return list_append(env->eval.arena, ret_params, p);
}

static status take_arguments(struct aggregate_draft *g) {
    struct sql_env *env = g->env;
    struct ast_create_function *as = arena_zalloc(env->eval.arena, sizeof *as);
    if (!as) return no_memory(env);
    as->node.kind = NODE_CREATE_FUNCTION;
    as->params = g->stmt->params;
    if (g->stmt->old_style)
        TRY(old_arguments(g, &as->params));
    else if (g->options[OPTION_BASETYPE])
        return INVALID(env, "basetype is redundant with aggregate input type specification");
    g->routine->stmt = as;
    g->routine->env = env;
    return draft_params(g->routine);
}

/* ---- what must be there ---------------------------------------------------------------------- */

static status need(struct aggregate_draft *g, enum option option, const char *name) {
    if (g->options[option]) return OK;
    return INVALID(g->env, "aggregate %s must be specified", name);
}

static status check_moving_options(struct aggregate_draft *g) {
    static const enum option all[] = {OPTION_MSFUNC, OPTION_MINVFUNC, OPTION_MFINALFUNC,
                                      OPTION_MSSPACE, OPTION_MINITCOND};
    static const char *const names[] = {"msfunc", "minvfunc", "mfinalfunc", "msspace", "minitcond"};
    bool moves = g->options[OPTION_MSTYPE] != NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bool given = g->options[all[i]] != NULL;
        if (moves && !given && i < 2)
            return INVALID(g->env, "aggregate %s must be specified when mstype is specified",
                           names[i]);
        if (!moves && given)
            return INVALID(g->env, "aggregate %s must not be specified without mstype", names[i]);
    }
    return OK;
}

static status check_options(struct aggregate_draft *g) {
    TRY(need(g, OPTION_STYPE, "stype"));
    TRY(need(g, OPTION_SFUNC, "sfunc"));
    TRY(check_moving_options(g));
    if (g->options[OPTION_SERIALFUNC] || g->options[OPTION_DESERIALFUNC])
        return INVALID(g->env, "serialization functions may be specified only when the aggregate "
                               "transition data type is internal");
    if (g->options[OPTION_HYPOTHETICAL])
        return define_unsupported(g->env, "a hypothetical-set aggregate of one's own");
    return OK;
}

static status check_privileges(struct aggregate_draft *g) {
    const struct routine_draft *d = g->routine;
    for (uint16_t i = 0; i < d->ninputs; i++)
        TRY(privilege_check(g->env, OID_pg_type, d->inputs[i], ACL_USAGE));
    TRY(privilege_check(g->env, OID_pg_type, g->state, ACL_USAGE));
    return privilege_check(g->env, OID_pg_type, d->result, ACL_USAGE);
}

static status take_all(struct aggregate_draft *g) {
    aggregate_read_options(g);
    TRY(check_options(g));
    TRY(take_arguments(g));
    TRY(state_type(g, OPTION_STYPE, &g->state));
    if (g->options[OPTION_MSTYPE]) TRY(state_type(g, OPTION_MSTYPE, &g->mstate));
    TRY(aggregate_take_transition(g));
    TRY(aggregate_take_final(g, OPTION_FINALFUNC, OPTION_FINALFUNC_EXTRA, g->state,
                             &g->routine->result));
    TRY(draft_determines(g->routine, g->routine->result, "result"));
    TRY(aggregate_take_combine(g));
    if (g->mstate) TRY(aggregate_take_moving(g));
    TRY(aggregate_take_sort_operator(g));
    return check_privileges(g);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static status function_row(struct aggregate_draft *g, struct catalog_row *row) {
    char parallel;
    TRY(option_parallel(g, &parallel));
    catalog_row_init(row, CAT_pg_proc);
    TRY(draft_params_row(g->routine, row));
    row_set_oid(row, COL_pg_proc_proowner, g->env->settings->user_oid);
    row_set_char(row, COL_pg_proc_prokind, 'a');
    row_set_char(row, COL_pg_proc_provolatile, 'i');
    row_set_char(row, COL_pg_proc_proparallel, parallel);
    row_set_float4(row, COL_pg_proc_procost, 1);
    row_set_oid(row, COL_pg_proc_prolang, LANGUAGE_INTERNAL);
    row_set_null(row, COL_pg_proc_prosqlbody);
    return row_set_text(g->env->eval.arena, row, COL_pg_proc_prosrc, "aggregate_dummy");
}

static status set_initial(struct aggregate_draft *g, enum option option, struct catalog_row *row,
                          int column) {
    const char *text = option_text(g->options[option]);
    if (text) return row_set_text(g->env->eval.arena, row, column, text);
    row_set_null(row, column);
    return OK;
}

static status insert_aggregate(struct aggregate_draft *g, oid id) {
    struct catalog_row row;
    bool extra, mextra;
    char modify, mmodify;
    TRY(option_flag(g, OPTION_FINALFUNC_EXTRA, &extra));
    TRY(option_flag(g, OPTION_MFINALFUNC_EXTRA, &mextra));
    TRY(option_modify(g, OPTION_FINALFUNC_MODIFY, &modify));
    TRY(option_modify(g, OPTION_MFINALFUNC_MODIFY, &mmodify));
    catalog_row_init(&row, CAT_pg_aggregate);
    row_set_oid(&row, COL_pg_aggregate_aggfnoid, id);
    row_set_char(&row, COL_pg_aggregate_aggkind, 'n');
    row_set_oid(&row, COL_pg_aggregate_aggtransfn, g->functions[OPTION_SFUNC]);
    row_set_oid(&row, COL_pg_aggregate_aggfinalfn, g->functions[OPTION_FINALFUNC]);
    row_set_oid(&row, COL_pg_aggregate_aggcombinefn, g->functions[OPTION_COMBINEFUNC]);
    row_set_oid(&row, COL_pg_aggregate_aggmtransfn, g->functions[OPTION_MSFUNC]);
    row_set_oid(&row, COL_pg_aggregate_aggminvtransfn, g->functions[OPTION_MINVFUNC]);
    row_set_oid(&row, COL_pg_aggregate_aggmfinalfn, g->functions[OPTION_MFINALFUNC]);
    row_set_bool(&row, COL_pg_aggregate_aggfinalextra, extra);
    row_set_bool(&row, COL_pg_aggregate_aggmfinalextra, mextra);
    row_set_char(&row, COL_pg_aggregate_aggfinalmodify, modify);
    row_set_char(&row, COL_pg_aggregate_aggmfinalmodify, mmodify);
    row_set_oid(&row, COL_pg_aggregate_aggsortop, g->sort_operator);
    row_set_oid(&row, COL_pg_aggregate_aggtranstype, g->state);
    row_set_oid(&row, COL_pg_aggregate_aggmtranstype, g->mstate);
    row_set_int(&row, COL_pg_aggregate_aggtransspace, option_number(g->options[OPTION_SSPACE]));
    row_set_int(&row, COL_pg_aggregate_aggmtransspace, option_number(g->options[OPTION_MSSPACE]));
    TRY(set_initial(g, OPTION_INITCOND, &row, COL_pg_aggregate_agginitval));
    TRY(set_initial(g, OPTION_MINITCOND, &row, COL_pg_aggregate_aggminitval));
    return catalog_row_insert(g->env, CAT_pg_aggregate, &row);
}

static status depend_on_functions(struct aggregate_draft *g, oid id) {
    for (int i = 0; i < OPTION_COUNT; i++)
        if (g->functions[i] >= FIRST_ROUTINE_OID)
            TRY(define_depend(g->env, (struct object_address){OID_pg_proc, id, 0},
                              (struct object_address){OID_pg_proc, g->functions[i], 0}, 'n'));
    return OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static status may_replace(struct aggregate_draft *g, const struct routine *old) {
    struct sql_env *env = g->env;
    if (!g->stmt->replace)
        return error_set(env->eval.error, ST_DUPLICATE_FUNCTION,
                         "function \"%s\" already exists with same argument types",
                         old->function.name);
    if (old->function.kind != 'a') return draft_other_kind(env, old);
    if (old->result == g->routine->result) return OK;
    status st = INVALID(env, "cannot change return type of existing function");
    error_hint(env->eval.error, "Use DROP AGGREGATE %s first.", routine_text(env, old));
    return st;
}

static status replace(struct aggregate_draft *g, oid id, struct catalog_row *row) {
    const struct routine *old;
    datum key = datum_oid(id);
    TRY(catalog_routine(g->env, id, &old));
    TRY(privilege_check_owner(g->env, OID_pg_proc, id));
    TRY(may_replace(g, old));
    TRY(draft_replaces(g->env, old, row));
    return catalog_rows_delete(g->env, CAT_pg_aggregate, 0, &key, 1, NULL);
}

static status store(struct aggregate_draft *g, oid schema, const char *name) {
    struct sql_env *env = g->env;
    struct catalog_row row;
    oid id;
    TRY(function_row(g, &row));
    TRY(catalog_routine_exact(env, schema, name, g->routine->inputs, g->routine->ninputs, &id));
    if (id)
        TRY(replace(g, id, &row));
    else
        TRY(new_oid(env, &id));
    row_set_oid(&row, COL_pg_proc_oid, id);
    row_set_oid(&row, COL_pg_proc_pronamespace, schema);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_proc_proname, name));
    TRY(catalog_row_insert(env, CAT_pg_proc, &row));
    TRY(insert_aggregate(g, id));
    TRY(draft_depend(g->routine, id, schema, NULL));
    TRY(depend_on_functions(g, id));
    catalog_changed(env);
    return OK;
}

status define_create_aggregate(struct sql_env *env, const struct ast_create_aggregate *s) {
    struct aggregate_draft *g = arena_zalloc(env->eval.arena, sizeof *g);
    oid schema;
    const char *schema_name;
    int32_t n = list_n(s->names);
    const char *name = list_at(s->names, n - 1);
    if (g) g->routine = arena_zalloc(env->eval.arena, sizeof *g->routine);
    if (!g || !g->routine) return no_memory(env);
    g->env = env;
    g->stmt = s;
    if (s->within_group) return define_unsupported(env, "an ordered-set aggregate of one's own");
    TRY(schema_for_creation(env, n > 1 ? list_at(s->names, n - 2) : NULL, &schema));
    TRY(schema_name_of(env, schema, env->eval.arena, &schema_name));
    TRY(define_refuse_catalog_schema(env, schema, schema_name, name));
    TRY(take_all(g));
    return store(g, schema, name);
}
