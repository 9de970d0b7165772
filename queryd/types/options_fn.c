/* options_fn.c: pg_options_to_table: "name=value" of a text[], a row each. */
#include <string.h>

#include "types/array.h"
#include "types/internal.h"
#include "types/record.h"

struct options {
    struct array_parts parts;
    uint32_t at;
};

static status give_option(struct fn_call *c, const struct varlena *v) {
    static const char *const names[] = {"option_name", "option_value"};
    static const oid types[] = {TEXTOID, TEXTOID};
    const char *value = memchr(v->data, '=', v->len);
    size_t len = value ? (size_t)(value - v->data) : v->len;
    const uint8_t nulls[] = {0, !value};
    datum values[2] = {0};
    values[0].v = varlena_from(c->env->arena, v->data, len);
    if (value) values[1].v = varlena_from(c->env->arena, value + 1, v->len - len - 1);
    if (!values[0].v || (value && !values[1].v)) return out_of_memory(c->env);
    struct record r = {RECORDOID, 2, types, names, values, nulls};
    return record_build(c->env, &r, &c->result);
}

status fn_options_to_table(struct fn_call *c) {
    struct options *o = c->set_state;
    if (!o) {
        struct eval_env keep = *c->env;
        keep.arena = c->set_arena;
        o = arena_zalloc(c->set_arena, sizeof *o);
        if (!o) return out_of_memory(c->env);
        TRY(array_split(&keep, c->args[0].v, &o->parts));
        c->set_state = o;
    }
    while (o->at < o->parts.n && o->parts.nulls[o->at]) o->at++;
    if (o->at < o->parts.n) return give_option(c, o->parts.values[o->at++].v);
    c->set_done = true;
    return OK;
}
