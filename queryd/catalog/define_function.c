/* define_function.c: CREATE FUNCTION and CREATE PROCEDURE, in SQL. */
#include "catalog/define_function.h"

#include <strings.h>

#include "catalog/define_hooks.h"
#include "types/array.h"

#define LANGUAGE_SQL 14

/* ---- options --------------------------------------------------------------------------------- */

static const struct ast_literal *literal_of(const struct ast_def_elem *o) {
    return o->value && o->value->kind == NODE_LITERAL ? (const struct ast_literal *)o->value : NULL;
}

static status note_option(struct sql_env *env, const struct ast_def_elem *o, struct list **seen) {
    LIST_EACH(const char *, name, *seen) {
        if (!strcmp(name, o->name)) return define_conflicting(env, o);
    }
    return list_append(env->eval.arena, seen, o->name);
}

static double number_of(const struct ast_def_elem *o) {
    const struct ast_literal *l = literal_of(o);
    return l && l->text ? strtod(l->text, NULL) : 0;
}

static status positive(struct sql_env *env, const struct ast_def_elem *o, const char *word,
                       double *ret) {
    *ret = number_of(o);
    if (*ret > 0) return OK;
    return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE, "%s must be positive", word);
}

static status set_rows(struct sql_env *env, const struct ast_def_elem *o, struct catalog_row *row) {
    double n;
    TRY(positive(env, o, "ROWS", &n));
    if (!row_bool(row, COL_pg_proc_proretset))
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "ROWS is not applicable when function does not return a set");
    row_set_float4(row, COL_pg_proc_prorows, (float)n);
    return OK;
}

static status set_parallel(struct sql_env *env, const struct ast_def_elem *o,
                           struct catalog_row *row) {
    static const char *const words[] = {"safe", "restricted", "unsafe"};
    const struct ast_literal *l = literal_of(o);
    for (size_t i = 0; l && i < 3; i++) {
        if (strcmp(l->text, words[i])) continue;
        row_set_char(row, COL_pg_proc_proparallel, *words[i]);
        return OK;
    }
    return error_set(env->eval.error, ST_SYNTAX_ERROR,
                     "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE");
}

/* The values of SET as one text, as SHOW would print them. */
static status setting_text(struct sql_env *env, const struct ast_set_variable *v,
                           const char **ret_text) {
    struct buf out = {0};
    status st = OK;
    *ret_text = NULL;
    if (v->kind == SET_FROM_CURRENT) return env->setting_show(env, v->name, ret_text);
    if (v->kind != SET_VALUE) return OK;
    LIST_EACH(const struct ast_literal *, l, v->args) {
        if (l->node.kind != NODE_LITERAL)
            st = define_unsupported(env, "this value of SET");
        else if (ok(st))
            st = buf_printf(&out, "%s%s", l_i ? ", " : "",
                            l->kind == LITERAL_BOOL ? (l->integer ? "on" : "off") : l->text);
    }
    if (ok(st)) *ret_text = arena_strndup(env->eval.arena, out.len ? out.data : "", out.len);
    buf_free(&out);
    return ok(st) && !*ret_text ? no_memory(env) : st;
}

static bool is_setting(const struct varlena *item, const char *name) {
    size_t len = strlen(name);
    return item->len > len && !strncasecmp(item->data, name, len) && item->data[len] == '=';
}

/* proconfig with one entry replaced, added, or (text NULL) taken out; name NULL: all out. */
static status change_config(struct sql_env *env, struct catalog_row *row, const char *name,
                            const char *text) {
    datum items[64];
    uint8_t nulls[64] = {0};
    uint32_t n = 0;
    struct array_parts old = {0};
    if (name && !row_is_null(row, COL_pg_proc_proconfig))
        TRY(array_split(&env->eval, row->values[COL_pg_proc_proconfig - 1].v, &old));
    for (uint32_t i = 0; i < old.n && n < 63; i++)
        if (!is_setting(old.values[i].v, name)) items[n++] = old.values[i];
    if (text) {
        char *entry = arena_printf(env->eval.arena, "%s=%s", name, text);
        if (!entry) return no_memory(env);
        items[n++] = datum_ptr(varlena_from(env->eval.arena, entry, strlen(entry)));
        if (!items[n - 1].p) return no_memory(env);
    }
    row_set_null(row, COL_pg_proc_proconfig);
    if (!n) return OK;
    datum made;
    TRY(array_build_1d(&env->eval, TEXTOID, items, nulls, n, &made));
    row_set(row, COL_pg_proc_proconfig, made);
    return OK;
}

static status set_config(struct sql_env *env, const struct ast_def_elem *o,
                         struct catalog_row *row) {
    const struct ast_set_variable *v = (const struct ast_set_variable *)o->value;
    const char *text;
    uint32_t mark;
    TRY(setting_text(env, v, &text));
    if (text) { /* tried, so that a wrong one is refused now */
        TRY(env->setting_push(env, v->name, text, &mark));
        env->setting_pop(env, mark);
    }
    return change_config(env, row, v->kind == SET_RESET_ALL ? NULL : v->name, text);
}

static status set_volatility(const struct ast_def_elem *o, struct catalog_row *row) {
    row_set_char(row, COL_pg_proc_provolatile, literal_of(o)->text[0]);
    return OK;
}

static status option_value(struct sql_env *env, const struct ast_def_elem *o,
                           struct catalog_row *row) {
    bool on = literal_of(o) && literal_of(o)->integer;
    double n;
    if (!strcmp(o->name, "volatility")) return set_volatility(o, row);
    if (!strcmp(o->name, "strict")) row_set_bool(row, COL_pg_proc_proisstrict, on);
    if (!strcmp(o->name, "security")) row_set_bool(row, COL_pg_proc_prosecdef, on);
    if (!strcmp(o->name, "leakproof")) row_set_bool(row, COL_pg_proc_proleakproof, on);
    if (!strcmp(o->name, "rows")) return set_rows(env, o, row);
    if (!strcmp(o->name, "parallel")) return set_parallel(env, o, row);
    if (!strcmp(o->name, "support")) return define_unsupported(env, "SUPPORT of a function");
    if (strcmp(o->name, "cost")) return OK;
    TRY(positive(env, o, "COST", &n));
    row_set_float4(row, COL_pg_proc_procost, (float)n);
    return OK;
}

status routine_option(struct sql_env *env, const struct ast_def_elem *o, bool procedure,
                      struct list **seen, struct catalog_row *row) {
    if (!strcmp(o->name, "set")) return set_config(env, o, row);
    if (procedure && strcmp(o->name, "security") != 0)
        return define_at(env, &o->node,
                         error_set(env->eval.error, ST_INVALID_FUNCTION_DEFINITION,
                                   "invalid attribute in procedure definition"));
    TRY(note_option(env, o, seen));
    return option_value(env, o, row);
}

/* ---- language and body ----------------------------------------------------------------------- */

struct body {
    const char *language;
    const struct list *as; /* char * */
};

static status take_options(struct routine_draft *d, struct catalog_row *row, struct body *body) {
    struct sql_env *env = d->env;
    struct list *seen = NULL;
    LIST_EACH(struct ast_def_elem *, o, d->stmt->options) {
        if (!strcmp(o->name, "as")) {
            TRY(note_option(env, o, &seen));
            body->as = ((const struct ast_name_list *)o->value)->names;
        } else if (!strcmp(o->name, "language")) {
            TRY(note_option(env, o, &seen));
            body->language = literal_of(o) ? literal_of(o)->text : "";
        } else if (!strcmp(o->name, "window") || !strcmp(o->name, "transform")) {
            if (*o->name == 'w' && d->stmt->procedure)
                return define_at(env, &o->node,
                                 error_set(env->eval.error, ST_INVALID_FUNCTION_DEFINITION,
                                           "invalid attribute in procedure definition"));
            return define_unsupported(env, *o->name == 'w' ? "a window function of one's own"
                                                           : "TRANSFORM of a function");
        } else {
            TRY(routine_option(env, o, d->stmt->procedure, &seen, row));
        }
    }
    return OK;
}

static status check_language(struct sql_env *env, const char *language) {
    if (!strcmp(language, "sql")) return OK;
    if (!strcmp(language, "c") || !strcmp(language, "internal") || !strcmp(language, "plpgsql"))
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "language \"%s\" is not supported yet", language);
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "language \"%s\" does not exist",
                     language);
}

static status no_body(struct sql_env *env, const char *words) {
    return error_set(env->eval.error, ST_INVALID_FUNCTION_DEFINITION, "%s", words);
}

static status print_body(struct deparse *d, const struct list *body) {
    const struct node *first = list_n(body) ? list_at(body, 0) : NULL;
    if (list_n(body) == 1 && first->kind == NODE_RETURN) {
        TRY(buf_add_str(d->out, "RETURN "));
        return deparse_expression(d, ((struct ast_return *)first)->value, 0);
    }
    TRY(buf_add_str(d->out, "BEGIN ATOMIC\n"));
    LIST_EACH(struct node *, n, body) {
        if (n->kind == NODE_RETURN) {
            TRY(buf_add_str(d->out, " SELECT "));
            TRY(deparse_expression(d, ((struct ast_return *)n)->value, 0));
        } else {
            TRY(buf_add_str(d->out, " "));
            TRY(deparse_statement(d, n));
        }
        TRY(buf_add_str(d->out, ";\n"));
    }
    return buf_add_str(d->out, "END");
}

/* RETURN … and BEGIN ATOMIC: names that the search path finds now are kept with their schemas. */
static status store_sql_body(struct routine_draft *d, struct catalog_row *row,
                             struct list **ret_relations) {
    struct sql_env *env = d->env;
    struct buf out = {0};
    struct deparse to = {.env = env, .out = &out};
    LIST_EACH(struct node *, n, d->stmt->body) TRY(define_qualify(env, n, ret_relations));
    status st = print_body(&to, d->stmt->body);
    char *text = ok(st) ? arena_strndup(env->eval.arena, out.data, out.len) : NULL;
    buf_free(&out);
    TRY(st);
    if (!text) return no_memory(env);
    TRY(row_set_text(env->eval.arena, row, COL_pg_proc_prosrc, ""));
    return row_set_text(env->eval.arena, row, COL_pg_proc_prosqlbody, text);
}

static status take_body(struct routine_draft *d, const struct body *body, struct catalog_row *row,
                        struct list **ret_relations) {
    struct sql_env *env = d->env;
    bool sql_body = d->stmt->body != NULL;
    if (!body->language && !sql_body) return no_body(env, "no language specified");
    if (body->language) TRY(check_language(env, body->language));
    if (sql_body && body->as) return no_body(env, "duplicate function body specified");
    row_set_oid(row, COL_pg_proc_prolang, LANGUAGE_SQL);
    row_set_null(row, COL_pg_proc_prosqlbody);
    if (sql_body) {
        for (uint16_t i = 0; i < d->ninputs; i++) {
            const struct type *t = type_find(d->inputs[i]);
            if (t && t->kind == 'p' && t->oid != RECORDOID)
                return no_body(env, "SQL function with unquoted function body cannot have "
                                    "polymorphic arguments");
        }
        return store_sql_body(d, row, ret_relations);
    }
    if (!body->as) return no_body(env, "no function body specified");
    if (list_n(body->as) > 1) return no_body(env, "only one AS item needed for language \"sql\"");
    return row_set_text(env->eval.arena, row, COL_pg_proc_prosrc, list_at(body->as, 0));
}

/* ---- replacing ------------------------------------------------------------------------------- */

static status refuse_replace(struct sql_env *env, const struct routine *old, const char *words,
                             const char *name) {
    status st =
        name ? error_set(env->eval.error, ST_INVALID_FUNCTION_DEFINITION, "%s \"%s\"", words, name)
             : error_set(env->eval.error, ST_INVALID_FUNCTION_DEFINITION, "%s", words);
    error_hint(env->eval.error, "Use DROP %s %s first.",
               old->function.kind == 'p' ? "PROCEDURE" : "FUNCTION", routine_text(env, old));
    return st;
}

static bool same_outputs(const struct routine *old, const struct routine_draft *d) {
    uint16_t k = 0;
    for (uint16_t i = 0; i < d->nparams; i++) {
        if (!strchr("obt", d->params[i].mode)) continue;
        const struct routine_param *p = k < old->nresults ? &old->results[k++] : NULL;
        if (!p || p->type != d->params[i].type ||
            strcmp(p->name ? p->name : "", d->params[i].name ? d->params[i].name : ""))
            return false;
    }
    return k == old->nresults;
}

static status same_input_names(struct routine_draft *d, const struct routine *old) {
    uint16_t k = 0;
    for (uint16_t i = 0; i < old->nparams; i++) {
        const struct routine_param *p = &old->params[i];
        if (p->mode == 'o' || p->mode == 't') continue;
        while (k < d->nparams && (d->params[k].mode == 'o' || d->params[k].mode == 't')) k++;
        const char *now = k < d->nparams ? d->params[k++].name : NULL;
        if (p->name && strcmp(p->name, now ? now : ""))
            return refuse_replace(d->env, old, "cannot change name of input parameter", p->name);
    }
    return OK;
}

status draft_other_kind(struct sql_env *env, const struct routine *old) {
    bool aggregate = old->function.kind == 'a';
    status st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "cannot change routine kind");
    error_detail(env->eval.error, "\"%s\" is %s %s.", old->function.name, aggregate ? "an" : "a",
                 aggregate ? "aggregate function" : routine_word(old));
    return st;
}

static status may_replace(struct routine_draft *d, const struct routine *old) {
    struct sql_env *env = d->env;
    bool procedure = old->function.kind == 'p';
    if (!d->stmt->replace)
        return error_set(env->eval.error, ST_DUPLICATE_FUNCTION,
                         "function \"%s\" already exists with same argument types",
                         old->function.name);
    if (procedure != d->stmt->procedure || old->function.kind == 'a')
        return draft_other_kind(env, old);
    if (old->result != d->result || old->function.returns_set != d->returns_set)
        return refuse_replace(env, old,
                              procedure ? "cannot change whether a procedure has output parameters"
                                        : "cannot change return type of existing function",
                              NULL);
    if (d->result == RECORDOID && !same_outputs(old, d)) {
        status st =
            refuse_replace(env, old, "cannot change return type of existing function", NULL);
        error_detail(env->eval.error, "Row type defined by OUT parameters is different.");
        return st;
    }
    TRY(same_input_names(d, old));
    if (d->ndefaults < old->function.ndefaults)
        return refuse_replace(env, old, "cannot remove parameter defaults from existing function",
                              NULL);
    return OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static status depend_on_type(struct sql_env *env, struct object_address self, oid type) {
    const struct type *t = type_find(type);
    if (t && t->oid < FIRST_USER_OID) return OK;
    return define_depend(env, self, (struct object_address){OID_pg_type, type, 0}, 'n');
}

status draft_depend(struct routine_draft *d, oid self, oid schema, const struct list *relations) {
    struct sql_env *env = d->env;
    struct object_address from = {OID_pg_proc, self, 0};
    TRY(define_depend(env, from, (struct object_address){OID_pg_namespace, schema, 0}, 'n'));
    TRY(depend_on_type(env, from, d->result));
    for (uint16_t i = 0; i < d->nparams; i++) TRY(depend_on_type(env, from, d->params[i].type));
    LIST_EACH(const char *, text, d->defaults) TRY(define_depend_text(env, from, NULL, text));
    LIST_EACH(void *, r, relations) {
        struct object_address on = {OID_pg_class, (oid)(uintptr_t)r, 0};
        TRY(define_depend(env, from, on, 'n'));
    }
    return OK;
}

static void begin_row(struct routine_draft *d, struct catalog_row *row) {
    catalog_row_init(row, CAT_pg_proc);
    row_set_oid(row, COL_pg_proc_proowner, d->env->settings->user_oid);
    row_set_char(row, COL_pg_proc_prokind, d->stmt->procedure ? 'p' : 'f');
    row_set_char(row, COL_pg_proc_provolatile, 'v');
    row_set_char(row, COL_pg_proc_proparallel, 'u');
    row_set_float4(row, COL_pg_proc_procost, 100);
    row_set_float4(row, COL_pg_proc_prorows, d->returns_set ? 1000 : 0);
    row_set_bool(row, COL_pg_proc_proretset, d->returns_set);
}

status draft_replaces(struct sql_env *env, const struct routine *old, struct catalog_row *row) {
    datum depend[] = {datum_oid(OID_pg_proc), datum_oid(old->function.oid)};
    datum key = datum_oid(old->function.oid);
    struct catalog_row before;
    TRY(catalog_row_get_oid(env, CAT_pg_proc, key.u32, env->eval.arena, &before));
    row->values[COL_pg_proc_proowner - 1] = before.values[COL_pg_proc_proowner - 1];
    row->values[COL_pg_proc_proacl - 1] = before.values[COL_pg_proc_proacl - 1];
    row->nulls[COL_pg_proc_proacl - 1] = before.nulls[COL_pg_proc_proacl - 1];
    TRY(catalog_rows_delete(env, CAT_pg_depend, OID_pg_depend_depender_index, depend, 2, NULL));
    return catalog_rows_delete(env, CAT_pg_proc, 0, &key, 1, NULL);
}

static status check(struct sql_env *env, oid id) {
    const struct routine *r;
    catalog_changed(env);
    if (!env->settings->check_function_bodies) return OK;
    TRY(catalog_routine(env, id, &r));
    return define_hooks->routine_check(env, r);
}

/* USAGE on the language and on every type. */
static status may_use_types(const struct routine_draft *d) {
    TRY(privilege_check(d->env, OID_pg_language, LANGUAGE_SQL, ACL_USAGE));
    if (d->result) TRY(privilege_check(d->env, OID_pg_type, d->result, ACL_USAGE));
    for (uint16_t i = 0; i < d->nparams; i++)
        TRY(privilege_check(d->env, OID_pg_type, d->params[i].type, ACL_USAGE));
    return OK;
}

status define_create_function(struct sql_env *env, struct ast_create_function *s) {
    struct routine_draft *d = arena_zalloc(env->eval.arena, sizeof *d);
    struct catalog_row row;
    struct body body = {0};
    struct list *relations = NULL;
    oid schema, id;
    int32_t n = list_n(s->names);
    const char *name = list_at(s->names, n - 1), *schema_name;
    if (!d) return no_memory(env);
    if (!define_hooks) return define_unsupported(env, "CREATE FUNCTION");
    d->env = env;
    d->stmt = s;
    TRY(schema_for_creation(env, n > 1 ? list_at(s->names, n - 2) : NULL, &schema));
    TRY(schema_name_of(env, schema, env->eval.arena, &schema_name));
    TRY(define_refuse_catalog_schema(env, schema, schema_name, name));
    TRY(draft_params(d));
    TRY(draft_result(d));
    begin_row(d, &row);
    TRY(take_options(d, &row, &body));
    TRY(draft_params_row(d, &row));
    TRY(take_body(d, &body, &row, &relations));
    TRY(catalog_routine_exact(env, schema, name, d->inputs, d->ninputs, &id));
    if (id) {
        const struct routine *old;
        TRY(catalog_routine(env, id, &old));
        TRY(privilege_check_owner(env, OID_pg_proc, id));
        TRY(may_replace(d, old));
        TRY(draft_replaces(env, old, &row));
    } else {
        TRY(new_oid(env, &id));
    }
    row_set_oid(&row, COL_pg_proc_oid, id);
    row_set_oid(&row, COL_pg_proc_pronamespace, schema);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_proc_proname, name));
    TRY(catalog_row_insert(env, CAT_pg_proc, &row));
    TRY(draft_depend(d, id, schema, relations));
    TRY(may_use_types(d));
    return check(env, id);
}
