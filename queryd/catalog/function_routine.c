/* function_routine.c: pg_get_functiondef and its kin, of users' functions. */
#include "catalog/deparse.h"
#include "catalog/function_bodies.h"
#include "catalog/routine.h"

enum argument_style {
    ARGUMENTS_WHOLE,   /* with defaults; TABLE columns are left out */
    ARGUMENTS_IDENTITY /* what DROP FUNCTION takes: without */
};

/* ---- arguments and result -------------------------------------------------------------------- */

static const char *mode_word(char mode, bool procedure) {
    switch (mode) {
    case 'o': return "OUT ";
    case 'b': return "INOUT ";
    case 'v': return "VARIADIC ";
    default: return procedure ? "IN " : "";
    }
}

static status print_param(struct sql_env *env, const struct routine_param *p, struct buf *out) {
    if (p->name) {
        TRY(print_identifier(out, p->name));
        TRY(buf_add_str(out, " "));
    }
    return type_name_print(env, p->type, -1, out);
}

/* input: which of the parameters that a call gives, from 1. */
static bool has_default(const struct routine *r, int32_t input) {
    return input + r->function.ndefaults > r->ninputs;
}

static status print_default(struct sql_env *env, const struct routine *r, int32_t input,
                            struct buf *out) {
    const char *text = r->function.defaults[input + r->function.ndefaults - r->ninputs - 1];
    return print_stored(env, NULL, text, strlen(text), false, out);
}

static status print_arguments(struct sql_env *env, const struct routine *r,
                              enum argument_style style, struct buf *out) {
    const struct function *f = &r->function;
    uint16_t input = 0;
    bool first = true;
    for (uint16_t i = 0; i < r->nparams; i++) {
        const struct routine_param *p = &r->params[i];
        bool takes = p->mode != 'o' && p->mode != 't';
        input = (uint16_t)(input + takes);
        if (p->mode == 't') continue;
        if (!first) TRY(buf_add_str(out, ", "));
        first = false;
        TRY(buf_add_str(out, mode_word(p->mode, f->kind == 'p')));
        TRY(print_param(env, p, out));
        if (style != ARGUMENTS_WHOLE || !takes || !has_default(r, input)) continue;
        TRY(buf_add_str(out, " DEFAULT "));
        TRY(print_default(env, r, input, out));
    }
    return OK;
}

static bool returns_table(const struct routine *r) {
    return r->nparams && r->params[r->nparams - 1].mode == 't';
}

static status print_result(struct sql_env *env, const struct routine *r, struct buf *out) {
    if (!returns_table(r)) {
        if (r->function.returns_set) TRY(buf_add_str(out, "SETOF "));
        return type_name_print(env, r->result, -1, out);
    }
    TRY(buf_add_str(out, "TABLE("));
    bool first = true;
    for (uint16_t i = 0; i < r->nparams; i++) {
        if (r->params[i].mode != 't') continue;
        if (!first) TRY(buf_add_str(out, ", "));
        first = false;
        TRY(print_param(env, &r->params[i], out));
    }
    return buf_add_str(out, ")");
}

/* NOT_FOUND: a built-in one, or none. */
static status routine_of(struct fn_call *c, struct sql_env *env, const struct routine **ret) {
    TRY(function_env(c, env));
    if (c->args[0].u32 < FIRST_ROUTINE_OID) return STATUS(NOT_FOUND);
    return catalog_routine(env, c->args[0].u32, ret);
}

status routine_arguments(struct fn_call *c, bool identity) {
    struct sql_env env;
    const struct routine *r;
    struct buf out = {0};
    status st = routine_of(c, &env, &r);
    if (ok(st))
        st = print_arguments(&env, r, identity ? ARGUMENTS_IDENTITY : ARGUMENTS_WHOLE, &out);
    return return_buf(c, st, &out);
}

status routine_result(struct fn_call *c) {
    struct sql_env env;
    const struct routine *r;
    struct buf out = {0};
    status st = routine_of(c, &env, &r);
    if (ok(st) && r->function.kind == 'p') return return_null(c);
    if (ok(st)) st = print_result(&env, r, &out);
    return return_buf(c, st, &out);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static status print_number_option(struct buf *out, const char *word, float value, float usual) {
    return value == usual ? OK : buf_printf(out, " %s %g", word, (double)value);
}

static status print_attributes(const struct routine *r, struct buf *out) {
    const struct function *f = &r->function;
    size_t before = out->len;
    if (f->volatility == 'i') TRY(buf_add_str(out, " IMMUTABLE"));
    if (f->volatility == 's') TRY(buf_add_str(out, " STABLE"));
    if (r->parallel == 's') TRY(buf_add_str(out, " PARALLEL SAFE"));
    if (r->parallel == 'r') TRY(buf_add_str(out, " PARALLEL RESTRICTED"));
    if (f->strict) TRY(buf_add_str(out, " STRICT"));
    if (r->security_definer) TRY(buf_add_str(out, " SECURITY DEFINER"));
    if (r->leakproof) TRY(buf_add_str(out, " LEAKPROOF"));
    TRY(print_number_option(out, "COST", r->cost, 100));
    TRY(print_number_option(out, "ROWS", r->rows, f->returns_set ? 1000 : 0));
    return out->len == before ? OK : buf_add_str(out, "\n");
}

static status print_config(const struct routine *r, struct buf *out) {
    for (uint16_t i = 0; i < r->nconfig; i++) {
        const char *equals = strchr(r->config[i], '=');
        if (!equals) continue;
        bool list = !strncasecmp(r->config[i], "search_path=", 12);
        TRY(buf_printf(out, " SET %.*s TO ", (int)(equals - r->config[i]), r->config[i]));
        TRY(list && *equals ? print_literal(out, equals + 1, strlen(equals + 1))
                            : print_literal(out, equals + 1, strlen(equals + 1)));
        TRY(buf_add_str(out, "\n"));
    }
    return OK;
}

/* AS $function$…$function$, with a longer tag when the body has that one. */
static status print_source(const struct routine *r, struct buf *out) {
    char tag[64];
    if (r->body) return buf_printf(out, "%s\n", r->body);
    strcpy(tag, r->function.kind == 'p' ? "$procedure" : "$function");
    while (strstr(r->source, tag) && strlen(tag) < sizeof tag - 3) strcat(tag, "x");
    return buf_printf(out, "AS %s$%s%s$\n", tag, r->source, tag);
}

static status print_definition(struct sql_env *env, const struct routine *r, struct buf *out) {
    bool procedure = r->function.kind == 'p';
    TRY(buf_printf(out, "CREATE OR REPLACE %s ", procedure ? "PROCEDURE" : "FUNCTION"));
    TRY(print_identifier(out, r->schema_name));
    TRY(buf_add_str(out, "."));
    TRY(print_identifier(out, r->function.name));
    TRY(buf_add_str(out, "("));
    TRY(print_arguments(env, r, ARGUMENTS_WHOLE, out));
    TRY(buf_add_str(out, ")\n"));
    if (!procedure) {
        TRY(buf_add_str(out, " RETURNS "));
        TRY(print_result(env, r, out));
        TRY(buf_add_str(out, "\n"));
    }
    TRY(buf_add_str(out, " LANGUAGE sql\n"));
    TRY(print_attributes(r, out));
    TRY(print_config(r, out));
    return print_source(r, out);
}

status refuse_aggregate(struct fn_call *c, const char *name) {
    return error_set(c->env->error, ST_WRONG_OBJECT_TYPE, "\"%s\" is an aggregate function", name);
}

status routine_definition(struct fn_call *c) {
    struct sql_env env;
    const struct routine *r;
    struct buf out = {0};
    status st = routine_of(c, &env, &r);
    if (ok(st) && r->function.kind == 'a') st = refuse_aggregate(c, r->function.name);
    if (ok(st)) st = print_definition(&env, r, &out);
    return return_buf(c, st, &out);
}

/* pg_get_function_sqlbody */
status fn_function_sqlbody(struct fn_call *c) {
    struct sql_env env;
    const struct routine *r;
    status st = routine_of(c, &env, &r);
    if (status_is(st, ST_NOT_FOUND)) return return_null(c);
    TRY(st);
    return r->body ? return_text(c, r->body) : return_null(c);
}

/* pg_get_function_arg_default: of the n-th parameter, from 1. */
status fn_function_arg_default(struct fn_call *c) {
    struct sql_env env;
    const struct routine *r;
    struct buf out = {0};
    status st = routine_of(c, &env, &r);
    if (status_is(st, ST_NOT_FOUND)) return return_null(c);
    TRY(st);
    int32_t n = c->args[1].i32, input = 0;
    if (n < 1 || n > r->nparams) return return_null(c);
    for (int32_t i = 0; i < n; i++) input += r->params[i].mode != 'o' && r->params[i].mode != 't';
    char mode = r->params[n - 1].mode;
    if (mode == 'o' || mode == 't' || !has_default(r, input)) return return_null(c);
    return return_buf(c, print_default(&env, r, input, &out), &out);
}

/* pg_function_is_visible */
status fn_function_is_visible(struct fn_call *c) {
    struct sql_env env;
    const struct routine *r;
    struct function_scope scope;
    c->result = datum_bool(true);
    status st = routine_of(c, &env, &r);
    if (status_is(st, ST_NOT_FOUND)) return function_find(c->args[0].u32) ? OK : return_null(c);
    TRY(st);
    TRY(catalog_routine_scope(&env, NULL, r->function.name, &scope));
    uint16_t own = UINT16_MAX;
    for (size_t i = 0; i < scope.n; i++)
        if (scope.functions[i]->oid == r->function.oid) own = scope.places[i];
    bool visible = own != UINT16_MAX;
    for (size_t i = 0; i < scope.n && visible; i++) {
        const struct function *f = scope.functions[i];
        visible = scope.places[i] >= own || f->nargs != r->function.nargs ||
                  memcmp(f->args, r->function.args, f->nargs * sizeof(oid)) != 0;
    }
    c->result = datum_bool(visible);
    return OK;
}
