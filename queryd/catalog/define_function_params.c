/* define_function_params.c: parameters and results of CREATE FUNCTION. */
#include "catalog/define_function.h"
#include "catalog/define_hooks.h"

#define PARAM_ERROR(env, ...)                                                                      \
    error_set((env)->eval.error, ST_INVALID_FUNCTION_DEFINITION, __VA_ARGS__)

/* ---- types ----------------------------------------------------------------------------------- */

/* t.c%TYPE, which is the column's type now. */
static status column_type(struct sql_env *env, const struct ast_type_name *t, oid *ret_type) {
    int32_t n = list_n(t->names);
    const struct relation *r;
    struct attribute *att;
    struct buf words = {0};
    if (n < 2)
        return define_at(env, &t->node,
                         error_set(env->eval.error, ST_SYNTAX_ERROR,
                                   "improper %%TYPE reference (too few dotted names): %s",
                                   (char *)list_at(t->names, 0)));
    TRY(catalog_relation_lock(env, n > 2 ? list_at(t->names, n - 3) : NULL,
                              list_at(t->names, n - 2), MODE_ACCESS_SHARE, t->node.location, &r));
    TRY(define_at(env, &t->node, define_need_attribute(env, r, list_at(t->names, n - 1), &att)));
    status st = type_name_print(env, att->type, -1, &words);
    if (ok(st))
        define_notice(env, "00000", "type reference %s.%s%%TYPE converted to %.*s",
                      (char *)list_at(t->names, n - 2), (char *)list_at(t->names, n - 1),
                      (int)words.len, words.data);
    buf_free(&words);
    *ret_type = att->type;
    return st;
}

status routine_type(struct sql_env *env, const struct ast_type_name *t, bool *ret_set,
                    oid *ret_type) {
    struct ast_type_name plain = *t;
    int32_t typmod;
    if (ret_set) *ret_set = t->setof;
    plain.setof = false;
    plain.typmods = NULL; /* a routine's types have no modifiers */
    if (t->pct_type) return column_type(env, t, ret_type);
    return type_from_ast(env, &plain, ret_type, &typmod);
}

bool routine_is_polymorphic(oid type) {
    switch (type) {
    case ANYELEMENTOID:
    case ANYARRAYOID:
    case ANYNONARRAYOID:
    case ANYENUMOID:
    case ANYCOMPATIBLEOID:
    case ANYCOMPATIBLEARRAYOID:
    case ANYCOMPATIBLENONARRAYOID: return true;
    default: return false;
    }
}

bool routine_is_pseudo(oid type) {
    const struct type *t = type_find(type);
    return t && t->kind == 'p';
}

static bool is_compatible_family(oid type) {
    return type == ANYCOMPATIBLEOID || type == ANYCOMPATIBLEARRAYOID ||
           type == ANYCOMPATIBLENONARRAYOID;
}

static const char *words_of(struct sql_env *env, oid type) {
    struct buf out = {0};
    status st = type_name_print(env, type, -1, &out);
    char *text = ok(st) ? arena_strndup(env->eval.arena, out.data, out.len) : NULL;
    buf_free(&out);
    return text ? text : "???";
}

/* ---- parameters ------------------------------------------------------------------------------ */

static bool gives_back(char mode) {
    return mode == 'o' || mode == 'b' || mode == 't';
}
static bool takes(char mode) {
    return mode != 'o' && mode != 't';
}

static status element_of_variadic(struct routine_draft *d, oid type) {
    switch (type) {
    case ANYARRAYOID: d->variadic = ANYELEMENTOID; return OK;
    case ANYCOMPATIBLEARRAYOID: d->variadic = ANYCOMPATIBLEOID; return OK;
    case ANYOID: d->variadic = ANYOID; return OK;
    default: break;
    }
    const struct type *t = type_find(type);
    if (!t || !t->element || t->category != 'A')
        return PARAM_ERROR(d->env, "VARIADIC parameter must be an array");
    d->variadic = t->element;
    return OK;
}

static status refuse_same_name(struct routine_draft *d, const struct routine_param *p) {
    for (uint16_t i = 0; p->name && i < d->nparams; i++) {
        const struct routine_param *q = &d->params[i];
        if (!q->name || strcmp(q->name, p->name)) continue;
        /* an input and a result may share a name, columns of one table may not */
        bool apart =
            (!gives_back(p->mode) && !takes(q->mode)) || (!takes(p->mode) && !gives_back(q->mode));
        if (!apart)
            return PARAM_ERROR(d->env, "parameter name \"%s\" used more than once", p->name);
    }
    return OK;
}

/* Understood as of the parameter's type; one that is polymorphic leaves it as it is. */
static status keep_default(struct routine_draft *d, struct node *expression) {
    struct sql_env *env = d->env;
    struct routine_param *p = &d->params[d->nparams];
    oid want = routine_is_pseudo(p->type) ? 0 : p->type;
    const char *text;
    TRY(define_hooks->expression_check(env, NULL, expression, EXPRESSION_PARAMETER, NULL, want, -1,
                                       NULL));
    TRY(stored_expression(env, NULL, expression, EXPRESSION_PARAMETER, want, -1, &text));
    return list_append(env->eval.arena, &d->defaults, (void *)text);
}

static status place_default(struct routine_draft *d, const struct ast_func_param *a, char mode) {
    if (a->otherwise) {
        if (!takes(mode))
            return PARAM_ERROR(d->env, "only input parameters can have default values");
        d->ndefaults++;
        return keep_default(d, a->otherwise);
    }
    if (takes(mode) && d->ndefaults)
        return PARAM_ERROR(d->env, "input parameters after one with a default value must also have "
                                   "defaults");
    if (mode == 'o' && d->stmt->procedure && d->ndefaults)
        return PARAM_ERROR(d->env,
                           "procedure OUT parameters cannot appear after one with a default value");
    return OK;
}

static status add_param(struct routine_draft *d, const struct ast_func_param *a) {
    char mode = a->mode == 'd' ? 'i' : a->mode;
    bool set;
    struct routine_param *p = &d->params[d->nparams];
    *p = (struct routine_param){.name = a->name, .mode = mode};
    TRY(routine_type(d->env, a->type, &set, &p->type));
    if (set)
        return PARAM_ERROR(d->env, d->stmt->procedure ? "procedures cannot accept set arguments"
                                                      : "functions cannot accept set arguments");
    if (d->variadic && (takes(mode) || (d->stmt->procedure && mode == 'o')))
        return PARAM_ERROR(d->env, "VARIADIC parameter must be the last %sparameter",
                           d->stmt->procedure ? "" : "input ");
    if (mode == 'v') TRY(element_of_variadic(d, p->type));
    TRY(refuse_same_name(d, p));
    TRY(place_default(d, a, mode));
    d->any_names |= a->name != NULL;
    d->any_modes |= mode != 'i';
    if (takes(mode)) d->inputs[d->ninputs++] = p->type;
    if (gives_back(mode)) d->noutputs++;
    d->nparams++;
    return OK;
}

status draft_params(struct routine_draft *d) {
    if (list_n(d->stmt->params) > ROUTINE_ARGS_MAX)
        return error_set(d->env->eval.error, ST_TOO_MANY_ARGUMENTS,
                         "functions cannot have more than %d arguments", ROUTINE_ARGS_MAX);
    LIST_EACH(struct ast_func_param *, a, d->stmt->params) TRY(add_param(d, a));
    return OK;
}

/* ---- result ---------------------------------------------------------------------------------- */

/* What the OUT parameters make of the result; 0: there are none. */
static oid result_of_outputs(const struct routine_draft *d) {
    if (d->stmt->procedure) return d->noutputs ? RECORDOID : 0;
    if (d->noutputs > 1) return RECORDOID;
    for (uint16_t i = 0; i < d->nparams; i++)
        if (gives_back(d->params[i].mode)) return d->params[i].type;
    return 0;
}

static bool has_table_columns(const struct routine_draft *d) {
    return d->nparams && d->params[d->nparams - 1].mode == 't';
}

status draft_determines(struct routine_draft *d, oid type, const char *what) {
    if (!routine_is_polymorphic(type)) return OK;
    bool compatible = is_compatible_family(type);
    for (uint16_t i = 0; i < d->ninputs; i++)
        if (routine_is_polymorphic(d->inputs[i]) &&
            is_compatible_family(d->inputs[i]) == compatible)
            return OK;
    status st = PARAM_ERROR(d->env, "cannot determine %s data type", what);
    error_detail(d->env->eval.error,
                 compatible ? "A result of type %s requires at least one input of type "
                              "anycompatible, anycompatiblearray, anycompatiblenonarray, "
                              "anycompatiblerange, or anycompatiblemultirange."
                            : "A result of type %s requires at least one input of type anyelement, "
                              "anyarray, anynonarray, anyenum, anyrange, or anymultirange.",
                 words_of(d->env, type));
    return st;
}

static status refuse_pseudo_types(struct routine_draft *d) {
    oid r = d->result;
    if (r && routine_is_pseudo(r) && !routine_is_polymorphic(r) && r != RECORDOID && r != VOIDOID)
        return PARAM_ERROR(d->env, "SQL functions cannot return type %s", words_of(d->env, r));
    for (uint16_t i = 0; i < d->ninputs; i++)
        if (routine_is_pseudo(d->inputs[i]) && !routine_is_polymorphic(d->inputs[i]))
            return PARAM_ERROR(d->env, "SQL functions cannot have arguments of type %s",
                               words_of(d->env, d->inputs[i]));
    return OK;
}

status draft_result(struct routine_draft *d) {
    oid required = result_of_outputs(d);
    if (d->stmt->returns) {
        TRY(routine_type(d->env, d->stmt->returns, &d->returns_set, &d->result));
        if (required && required != d->result)
            return PARAM_ERROR(d->env, "function result type must be %s because of OUT parameters",
                               words_of(d->env, required));
    } else if (d->stmt->procedure) {
        d->result = required ? required : VOIDOID;
    } else if (required) {
        d->result = required;
        d->returns_set = has_table_columns(d);
    } else {
        return PARAM_ERROR(d->env, "function result type must be specified");
    }
    TRY(draft_determines(d, d->result, "result"));
    for (uint16_t i = 0; i < d->nparams; i++)
        if (gives_back(d->params[i].mode)) TRY(draft_determines(d, d->params[i].type, "result"));
    return refuse_pseudo_types(d);
}

/* ---- the row --------------------------------------------------------------------------------- */

static status quoted(struct buf *out, const char *name) {
    TRY(buf_add_str(out, "\""));
    for (const char *c = name ? name : ""; *c; c++) {
        if (*c == '"' || *c == '\\') TRY(buf_add(out, "\\", 1));
        TRY(buf_add(out, c, 1));
    }
    return buf_add_str(out, "\"");
}

/* One array of the parameters: their types, modes or names. */
static status print_params(const struct routine_draft *d, char what, struct buf *out) {
    TRY(buf_add_str(out, "{"));
    for (uint16_t i = 0; i < d->nparams; i++) {
        const struct routine_param *p = &d->params[i];
        if (i) TRY(buf_add_str(out, ","));
        if (what == 't') TRY(buf_printf(out, "%u", p->type));
        if (what == 'm') TRY(buf_printf(out, "%c", p->mode));
        if (what == 'n') TRY(quoted(out, p->name));
    }
    return buf_add_str(out, "}");
}

static status set_params(struct routine_draft *d, struct catalog_row *row, int column, oid type,
                         char what) {
    struct buf out = {0};
    status st = print_params(d, what, &out);
    char *text = ok(st) ? arena_strndup(d->env->eval.arena, out.data, out.len) : NULL;
    buf_free(&out);
    if (!text) return no_memory(d->env);
    return row_set_input(&d->env->eval, row, column, type, text);
}

static status set_inputs(struct routine_draft *d, struct catalog_row *row) {
    struct buf out = {0};
    status st = OK;
    for (uint16_t i = 0; ok(st) && i < d->ninputs; i++)
        st = buf_printf(&out, "%s%u", i ? " " : "", d->inputs[i]);
    char *text =
        ok(st) ? arena_strndup(d->env->eval.arena, out.len ? out.data : "", out.len) : NULL;
    buf_free(&out);
    if (!text) return no_memory(d->env);
    return row_set_input(&d->env->eval, row, COL_pg_proc_proargtypes, OIDVECTOROID, text);
}

static status set_defaults(struct routine_draft *d, struct catalog_row *row) {
    const char *all = NULL;
    LIST_EACH(const char *, text, d->defaults) TRY(stored_append(d->env, &all, text));
    return all ? row_set_text(d->env->eval.arena, row, COL_pg_proc_proargdefaults, all) : OK;
}

status draft_params_row(struct routine_draft *d, struct catalog_row *row) {
    row_set_int(row, COL_pg_proc_pronargs, d->ninputs);
    row_set_int(row, COL_pg_proc_pronargdefaults, d->ndefaults);
    row_set_oid(row, COL_pg_proc_prorettype, d->result);
    row_set_oid(row, COL_pg_proc_provariadic, d->variadic);
    row_set_bool(row, COL_pg_proc_proretset, d->returns_set);
    TRY(set_inputs(d, row));
    row_set_null(row, COL_pg_proc_proallargtypes);
    row_set_null(row, COL_pg_proc_proargmodes);
    row_set_null(row, COL_pg_proc_proargnames);
    row_set_null(row, COL_pg_proc_proargdefaults);
    if (d->any_modes) TRY(set_params(d, row, COL_pg_proc_proallargtypes, 1028, 't'));
    if (d->any_modes) TRY(set_params(d, row, COL_pg_proc_proargmodes, 1002, 'm'));
    if (d->any_names) TRY(set_params(d, row, COL_pg_proc_proargnames, 1009, 'n'));
    return set_defaults(d, row);
}
