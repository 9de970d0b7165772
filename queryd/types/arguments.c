/* Names of arguments, and the columns of what functions with several results give. */
#include "types/function.h"

#include <stdlib.h>
#include <string.h>

#include "types/internal.h"
#include "types/record.h"

static const struct function_arguments table[] = {
#define X(oid, modes, names, n, ...) {oid, n, modes, names, (const uint32_t[]){__VA_ARGS__}},
#include "types/arguments.def"
#undef X
};

/* The tables' elements begin with the function's oid. */
static int compare_oids(const void *key, const void *element) {
    oid a = *(const oid *)key, b = *(const oid *)element;
    return (a > b) - (a < b);
}

const struct function_arguments *function_arguments(oid function) {
    return bsearch(&function, table, sizeof table / sizeof *table, sizeof *table, compare_oids);
}

size_t argument_name(const struct function_arguments *a, uint16_t i, const char **ret_name) {
    const char *at = a->names;
    for (; i && *at; i--) {
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    *ret_name = at;
    return strcspn(at, " ");
}

static bool is_result(char mode) {
    return mode == 'o' || mode == 'b' || mode == 't';
}

uint16_t function_results(const struct function_arguments *a) {
    uint16_t n = 0;
    for (uint16_t i = 0; i < a->n; i++) n = (uint16_t)(n + is_result(a->modes[i]));
    return n;
}

uint16_t function_result_at(const struct function_arguments *a, uint16_t result) {
    uint16_t i = 0;
    for (;; i++)
        if (is_result(a->modes[i]) && result-- == 0) return i;
}

#define DEFAULTS_MAX 7

static const struct function_defaults {
    oid function;
    const char *texts[DEFAULTS_MAX];
} defaults[] = {
#define X(oid, ...) {oid, {__VA_ARGS__}},
#include "types/defaults.def"
#undef X
};

const char *function_default(oid function, uint16_t i) {
    const struct function_defaults *d = bsearch(
        &function, defaults, sizeof defaults / sizeof *defaults, sizeof *defaults, compare_oids);
    return d && i < DEFAULTS_MAX ? d->texts[i] : NULL;
}

status give_row(struct fn_call *c, const datum *values, const uint8_t *nulls) {
    const struct function_arguments *a = function_arguments(c->site->function->oid);
    uint16_t n = function_results(a);
    oid *types = arena_array(c->env->arena, n, sizeof *types);
    if (!types) return out_of_memory(c->env);
    for (uint16_t i = 0; i < n; i++) {
        oid type = a->types[function_result_at(a, i)];
        types[i] = type_find(type) ? type : TEXTOID;
    }
    struct record r = {RECORDOID, n, types, NULL, values, nulls};
    return record_build(c->env, &r, &c->result);
}

status set_counter(struct fn_call *c, uint32_t **ret) {
    if (!c->set_state) c->set_state = arena_zalloc(c->set_arena, sizeof(uint32_t));
    *ret = c->set_state;
    return *ret ? OK : out_of_memory(c->env);
}

status text_datum(const struct eval_env *env, const char *text, datum *ret) {
    struct varlena *v = varlena_from(env->arena, text, strlen(text));
    if (!v) return out_of_memory(env);
    *ret = datum_ptr(v);
    return OK;
}
