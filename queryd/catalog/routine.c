/* routine.c: functions and procedures of users, from pg_proc into the cache. */
#include "catalog/routine.h"

#include "catalog/deparse.h"
#include "catalog/internal.h"
#include "catalog/routine_cache.h"
#include "parse/parse.h"
#include "types/array.h"

/* ---- one row --------------------------------------------------------------------------------- */

struct loading {
    struct sql_env *env;
    struct arena *arena;
    const struct catalog_row *row;
    struct routine *r;
};

/* The texts of a text[]; an empty one is NULL. */
static status load_texts(struct loading *l, int column, uint16_t *ret_n, const char ***ret) {
    *ret_n = 0;
    *ret = NULL;
    if (row_is_null(l->row, column)) return OK;
    struct array_cursor c;
    TRY(array_cursor_init(&c, l->row->values[column - 1].v));
    const char **texts = arena_array(l->arena, c.head.n + 1u, sizeof *texts);
    if (!texts) return STATUS(OUT_OF_MEMORY);
    datum item;
    bool is_null;
    uint16_t n = 0;
    while (array_cursor_next(&c, &item, &is_null)) {
        texts[n] = NULL;
        if (!is_null && item.v->len) {
            texts[n] = arena_strndup(l->arena, item.v->data, item.v->len);
            if (!texts[n]) return STATUS(OUT_OF_MEMORY);
        }
        n++;
    }
    *ret_n = n;
    *ret = texts;
    return OK;
}

static status load_modes(struct loading *l, struct routine_param *params, uint16_t n) {
    if (row_is_null(l->row, COL_pg_proc_proargmodes)) {
        for (uint16_t i = 0; i < n; i++) params[i].mode = 'i';
        return OK;
    }
    struct array_cursor c;
    TRY(array_cursor_init(&c, l->row->values[COL_pg_proc_proargmodes - 1].v));
    datum item;
    bool is_null;
    for (uint16_t i = 0; i < n && array_cursor_next(&c, &item, &is_null); i++)
        params[i].mode = (char)item.i8;
    return OK;
}

static status load_params(struct loading *l) {
    int64_t types[ROUTINE_ARGS_MAX];
    size_t n;
    if (row_is_null(l->row, COL_pg_proc_proallargtypes))
        TRY(row_numbers(&l->env->eval, l->row, COL_pg_proc_proargtypes, OIDVECTOROID, types,
                        ROUTINE_ARGS_MAX, &n));
    else
        TRY(row_numbers(&l->env->eval, l->row, COL_pg_proc_proallargtypes, 1028, types,
                        ROUTINE_ARGS_MAX, &n));
    struct routine_param *params = arena_array(l->arena, n + 1, sizeof *params);
    if (!params) return STATUS(OUT_OF_MEMORY);
    const char **names;
    uint16_t nnames;
    TRY(load_texts(l, COL_pg_proc_proargnames, &nnames, &names));
    TRY(load_modes(l, params, (uint16_t)n));
    for (size_t i = 0; i < n; i++) {
        params[i].type = (oid)types[i];
        params[i].name = i < nnames ? names[i] : NULL;
        bool input = params[i].mode != 'o' && params[i].mode != 't';
        l->r->ninputs = (uint16_t)(l->r->ninputs + input);
    }
    l->r->params = params;
    l->r->nparams = (uint16_t)n;
    return OK;
}

/* What a call gives: the inputs; CALL has a place for what a procedure gives back, too. */
static status call_arguments(struct loading *l) {
    struct routine *r = l->r;
    oid *args = arena_array(l->arena, r->nparams + 1u, sizeof *args);
    const char **names = arena_array(l->arena, r->nparams + 1u, sizeof *names);
    if (!args || !names) return STATUS(OUT_OF_MEMORY);
    uint8_t n = 0;
    for (uint16_t i = 0; i < r->nparams; i++) {
        char mode = r->params[i].mode;
        if (mode == 't' || (mode == 'o' && r->function.kind != 'p')) continue;
        args[n] = r->params[i].type;
        names[n++] = r->params[i].name;
    }
    r->function.nargs = n;
    r->function.args = args;
    r->function.arg_names = names;
    return OK;
}

static status result_columns(struct loading *l) {
    struct routine *r = l->r;
    struct routine_param *out = arena_array(l->arena, r->nparams + 1u, sizeof *out);
    if (!out) return STATUS(OUT_OF_MEMORY);
    uint16_t n = 0;
    for (uint16_t i = 0; i < r->nparams; i++)
        if (strchr("obt", r->params[i].mode)) out[n++] = r->params[i];
    r->results = out;
    r->nresults = r->result == RECORDOID ? n : 0;
    return OK;
}

/* Those of a row type that the types library does not know itself. */
static status row_type_columns(struct loading *l) {
    struct routine *r = l->r;
    struct catalog_row type;
    const struct relation *rel;
    if (r->result < FIRST_USER_OID || r->nresults) return OK;
    status st = catalog_row_get_oid(l->env, CAT_pg_type, r->result, l->env->eval.arena, &type);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    if (row_char(&type, COL_pg_type_typtype) != 'c') return OK;
    TRY(catalog_relation(l->env, row_oid(&type, COL_pg_type_typrelid), &rel));
    struct routine_param *out = arena_array(l->arena, rel->natts + 1u, sizeof *out);
    if (!out) return STATUS(OUT_OF_MEMORY);
    uint16_t n = 0;
    for (uint16_t i = 0; i < rel->natts; i++) {
        if (rel->atts[i].dropped) continue;
        out[n] = (struct routine_param){.type = rel->atts[i].type, .mode = 'o'};
        out[n].name = arena_strdup(l->arena, rel->atts[i].name);
        if (!out[n++].name) return STATUS(OUT_OF_MEMORY);
    }
    r->results = out;
    r->nresults = n;
    return OK;
}

static status load_defaults(struct loading *l) {
    if (row_is_null(l->row, COL_pg_proc_proargdefaults)) return OK;
    char *text = (char *)row_text(l->arena, l->row, COL_pg_proc_proargdefaults);
    int16_t n = row_int2(l->row, COL_pg_proc_pronargdefaults);
    const char **texts = arena_array(l->arena, (size_t)n + 1, sizeof *texts);
    if (!text || !texts) return STATUS(OUT_OF_MEMORY);
    for (int16_t i = 0; i < n; i++, text = stored_next(text)) {
        if (!text) return STATUS(DATA_CORRUPTED);
        texts[i] = text;
    }
    l->r->function.ndefaults = (uint8_t)n;
    l->r->function.defaults = texts;
    return OK;
}

static status load_aggregate(struct loading *l) {
    struct catalog_row row;
    struct routine_aggregate *g = arena_zalloc(l->arena, sizeof *g);
    if (!g) return STATUS(OUT_OF_MEMORY);
    TRY(catalog_row_get_oid(l->env, CAT_pg_aggregate, l->r->function.oid, l->env->eval.arena,
                            &row));
    g->transition = row_oid(&row, COL_pg_aggregate_aggtransfn);
    g->final = row_oid(&row, COL_pg_aggregate_aggfinalfn);
    g->final_extra = row_bool(&row, COL_pg_aggregate_aggfinalextra);
    g->state = row_oid(&row, COL_pg_aggregate_aggtranstype);
    l->r->aggregate = g;
    if (row_is_null(&row, COL_pg_aggregate_agginitval)) return OK;
    g->initial = row_text(l->arena, &row, COL_pg_aggregate_agginitval);
    return g->initial ? OK : STATUS(OUT_OF_MEMORY);
}

static status load_row(struct loading *l) {
    const struct catalog_row *row = l->row;
    struct routine *r = l->r;
    r->function = (struct function){
        .oid = row_oid(row, COL_pg_proc_oid),
        .name = arena_strdup(l->arena, row_name(row, COL_pg_proc_proname)),
        .scalar = define_hooks ? define_hooks->routine_call : NULL,
        .strict = row_bool(row, COL_pg_proc_proisstrict),
        .returns_set = row_bool(row, COL_pg_proc_proretset),
        .volatility = row_char(row, COL_pg_proc_provolatile),
        .kind = row_char(row, COL_pg_proc_prokind),
        .variadic = row_oid(row, COL_pg_proc_provariadic),
    };
    r->schema = row_oid(row, COL_pg_proc_pronamespace);
    r->owner = row_oid(row, COL_pg_proc_proowner);
    r->language = row_oid(row, COL_pg_proc_prolang);
    r->security_definer = row_bool(row, COL_pg_proc_prosecdef);
    r->leakproof = row_bool(row, COL_pg_proc_proleakproof);
    r->parallel = row_char(row, COL_pg_proc_proparallel);
    r->cost = row_float4(row, COL_pg_proc_procost);
    r->rows = row_float4(row, COL_pg_proc_prorows);
    r->result = row_oid(row, COL_pg_proc_prorettype);
    r->body = row_text(l->arena, row, COL_pg_proc_prosqlbody);
    r->source = r->body ? NULL : row_text(l->arena, row, COL_pg_proc_prosrc);
    if (!r->function.name || (!r->body && !r->source)) return STATUS(OUT_OF_MEMORY);
    TRY(schema_name_of(l->env, r->schema, l->arena, &r->schema_name));
    TRY(load_params(l));
    TRY(call_arguments(l));
    TRY(load_defaults(l));
    TRY(load_texts(l, COL_pg_proc_proconfig, &r->nconfig, &r->config));
    TRY(result_columns(l));
    TRY(row_type_columns(l));
    if (r->function.kind == 'a') TRY(load_aggregate(l));
    r->function.result = r->result == 0 ? VOIDOID : r->result;
    /* a row type is a record of known columns where the types library has no such type */
    if (r->nresults && !type_find(r->function.result)) r->function.result = RECORDOID;
    return OK;
}

status routine_load(struct sql_env *env, const struct catalog_row *row, struct arena *a,
                    struct routine **ret_routine) {
    struct routine *r = arena_zalloc(a, sizeof *r);
    if (!r) return no_memory(env);
    struct loading l = {.env = env, .arena = a, .row = row, .r = r};
    status st = load_row(&l);
    if (status_is(st, ST_OUT_OF_MEMORY)) return no_memory(env);
    TRY(st);
    *ret_routine = r;
    return OK;
}

/* ---- what a call can mean -------------------------------------------------------------------- */

static int place_of(const oid *schemas, size_t n, oid schema) {
    for (size_t i = 0; i < n; i++)
        if (schemas[i] == schema) return (int)i;
    return -1;
}

/* Temporary schemas hold no functions that are found without naming them. */
static status call_path(struct sql_env *env, const char *schema, oid *schemas, size_t *ret_n) {
    oid creation;
    *ret_n = 1;
    if (schema) return catalog_schema(env, schema, &schemas[0]);
    return search_path(env, schemas, ret_n, &creation);
}

status catalog_routine_scope(struct sql_env *env, const char *schema, const char *name,
                             struct function_scope *ret_scope) {
    oid schemas[SEARCH_PATH_MAX];
    size_t nschemas, n;
    const struct routine *const *all;
    *ret_scope = (struct function_scope){0};
    TRY(call_path(env, schema, schemas, &nschemas));
    int builtin = place_of(schemas, nschemas, SCHEMA_PG_CATALOG);
    ret_scope->no_builtins = builtin < 0;
    ret_scope->builtin_place = (uint16_t)(builtin < 0 ? 0 : builtin);
    TRY(catalog_routines_named(env, name, &n, &all));
    if (!n) return OK;
    const struct function **functions = arena_array(env->eval.arena, n, sizeof *functions);
    uint16_t *places = arena_array(env->eval.arena, n, sizeof *places);
    if (!functions || !places) return no_memory(env);
    for (size_t i = 0; i < n; i++) {
        int place = place_of(schemas, nschemas, all[i]->schema);
        if (place < 0) continue;
        functions[ret_scope->n] = &all[i]->function;
        places[ret_scope->n++] = (uint16_t)place;
    }
    ret_scope->functions = functions;
    ret_scope->places = places;
    return OK;
}

static bool same_inputs(const struct routine *r, const oid *args, uint16_t nargs) {
    uint16_t n = 0;
    for (uint16_t i = 0; i < r->nparams; i++) {
        if (r->params[i].mode == 'o' || r->params[i].mode == 't') continue;
        if (n == nargs || r->params[i].type != args[n++]) return false;
    }
    return n == nargs;
}

status catalog_routine_exact(struct sql_env *env, oid schema, const char *name, const oid *args,
                             uint16_t nargs, oid *ret_routine) {
    size_t n;
    const struct routine *const *all;
    TRY(catalog_routines_named(env, name, &n, &all));
    *ret_routine = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i]->schema == schema && same_inputs(all[i], args, nargs))
            *ret_routine = all[i]->function.oid;
    return OK;
}

const struct function *routine_function_copy(struct arena *a, const struct function *f) {
    struct function *copy = arena_memdup(a, f, sizeof *f);
    if (!copy) return NULL;
    copy->name = arena_strdup(a, f->name);
    copy->args = arena_memdup(a, f->args, f->nargs * sizeof *f->args + 1);
    copy->arg_names = copy->defaults = NULL;
    copy->default_types = NULL;
    return copy->name && copy->args ? copy : NULL;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

/* What BEGIN ATOMIC … END and RETURN … hold, as statements. */
static char *statements_of(struct arena *a, const struct routine *r) {
    static const char begin[] = "BEGIN ATOMIC\n", give[] = "RETURN ";
    if (!r->body) return arena_strdup(a, r->source);
    if (!strncmp(r->body, give, sizeof give - 1))
        return arena_printf(a, "SELECT %s", r->body + sizeof give - 1);
    size_t len = strlen(r->body), around = sizeof begin - 1 + strlen("END");
    return len < around ? NULL : arena_strndup(a, r->body + sizeof begin - 1, len - around);
}

status routine_parse(struct sql_env *env, const struct routine *r, struct arena *a,
                     struct list **ret_statements, const char **ret_text) {
    char *text = statements_of(a, r);
    if (!text) return no_memory(env);
    *ret_text = text;
    return parse_sql(a, text, strlen(text), env->eval.error, ret_statements);
}

/* Inputs of a procedure's call stand among places for its results. */
static uint16_t input_types(const struct routine *r, const oid *args, uint16_t nargs, oid *types,
                            oid *declared) {
    uint16_t n = 0, at = 0;
    for (uint16_t i = 0; i < r->nparams; i++) {
        char mode = r->params[i].mode;
        if (mode == 't' || (mode == 'o' && r->function.kind != 'p')) continue;
        oid given = at < nargs ? args[at] : r->params[i].type;
        at++;
        if (mode == 'o') continue;
        declared[n] = r->params[i].type;
        types[n++] = given;
    }
    return n;
}

status routine_body_of(struct sql_env *env, const struct routine *r, const oid *args,
                       uint16_t nargs, oid result, struct arena *a, struct routine_body *ret_body) {
    oid declared[ROUTINE_ARGS_MAX], again[ROUTINE_ARGS_MAX];
    oid *types = arena_array(a, r->nparams + 1u, sizeof *types);
    oid *columns = arena_array(a, r->nresults + 1u, sizeof *columns);
    if (!types || !columns) return no_memory(env);
    uint16_t n = input_types(r, args, nargs, types, declared);
    for (uint16_t i = 0; i < r->nresults; i++) {
        memcpy(again, declared, n * sizeof *again);
        TRY(resolve_polymorphic(&env->eval, types, again, n, r->results[i].type, &columns[i]));
    }
    *ret_body = (struct routine_body){.routine = r,
                                      .nargs = n,
                                      .types = types,
                                      .result = result,
                                      .ncolumns = r->nresults,
                                      .columns = columns};
    return OK;
}

/* ---- words ----------------------------------------------------------------------------------- */

status routine_print(struct sql_env *env, const struct routine *r, struct buf *out) {
    oid schemas[SEARCH_PATH_MAX], creation;
    size_t n;
    TRY(search_path(env, schemas, &n, &creation));
    if (place_of(schemas, n, r->schema) < 0) {
        TRY(print_identifier(out, r->schema_name));
        TRY(buf_add_str(out, "."));
    }
    TRY(print_identifier(out, r->function.name));
    TRY(buf_add_str(out, "("));
    bool first = true;
    for (uint16_t i = 0; i < r->nparams; i++) {
        if (r->params[i].mode == 'o' || r->params[i].mode == 't') continue;
        if (!first) TRY(buf_add_str(out, ","));
        first = false;
        TRY(type_name_print(env, r->params[i].type, -1, out));
    }
    return buf_add_str(out, ")");
}

const char *routine_text(struct sql_env *env, const struct routine *r) {
    struct buf out = {0};
    status st = routine_print(env, r, &out);
    char *text = ok(st) ? arena_strndup(env->eval.arena, out.data, out.len) : NULL;
    buf_free(&out);
    return text ? text : r->function.name;
}

const char *routine_word(const struct routine *r) {
    return r->function.kind == 'p' ? "procedure" : "function";
}
