/* function_object.c: pg_describe_object and its kin. */
#include "catalog/function_bodies.h"
#include "catalog/object_words.h"
#include "types/array.h"

/* The object that (classid, objid, objsubid) names. */
static status words_of(struct fn_call *c, struct object_words *ret) {
    struct sql_env env;
    struct object_address o = {c->args[0].u32, c->args[1].u32, c->args[2].i32};
    TRY(function_env(c, &env));
    return object_words(&env, o, ret);
}

status fn_describe_object(struct fn_call *c) {
    struct object_words w;
    if (!c->args[0].u32 && !c->args[1].u32) return return_null(c);
    TRY(words_of(c, &w));
    return w.description ? return_text(c, w.description) : return_null(c);
}

static status set_text(struct fn_call *c, const char *text, datum *value, uint8_t *null) {
    *null = !text;
    return text ? text_datum(c->env, text, value) : OK;
}

status fn_identify_object(struct fn_call *c) {
    struct object_words w;
    datum values[4] = {0};
    uint8_t nulls[4];
    TRY(words_of(c, &w));
    TRY(set_text(c, w.type, &values[0], &nulls[0]));
    TRY(set_text(c, w.schema, &values[1], &nulls[1]));
    TRY(set_text(c, w.name, &values[2], &nulls[2]));
    TRY(set_text(c, w.identity, &values[3], &nulls[3]));
    return give_row(c, values, nulls);
}

static status text_array(struct fn_call *c, const char *const *texts, uint16_t n, datum *ret) {
    datum *values = arena_array(c->env->arena, n + 1u, sizeof *values);
    uint8_t *nulls = arena_zalloc(c->env->arena, n + 1u);
    if (!values || !nulls) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < n; i++) TRY(text_datum(c->env, texts[i], &values[i]));
    return array_build_1d(c->env, TEXTOID, values, nulls, n, ret);
}

status fn_identify_object_as_address(struct fn_call *c) {
    struct object_words w;
    datum values[3] = {0};
    TRY(words_of(c, &w));
    bool found = w.identity;
    TRY(text_datum(c->env, w.type, &values[0]));
    if (found) {
        TRY(text_array(c, w.names, w.nnames, &values[1]));
        TRY(text_array(c, w.args, w.nargs, &values[2]));
    }
    return give_row(c, values, (const uint8_t[3]){0, !found, !found});
}
