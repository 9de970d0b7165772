/* Aggregates that collect: string_agg, array_agg, and those of intervals. */
#include "types/aggregate.h"
#include "types/array.h"

static status too_long(const struct eval_env *env) {
    return error_set(env->error, ST_PROGRAM_LIMIT_EXCEEDED, "out of memory");
}

static status text_add(struct agg_call *c, const char *bytes, size_t len) {
    struct agg_text *s = c->state;
    if (len > VARLENA_MAX - s->len) return too_long(c->env);
    if (s->len + len > s->room) {
        size_t room = (s->len + len) * 2 + 64;
        char *data = arena_alloc(c->state_arena, room);
        if (!data) return out_of_memory(c->env);
        if (s->len) memcpy(data, s->data, s->len);
        s->data = data;
        s->room = (uint32_t)room;
    }
    if (len) memcpy(s->data + s->len, bytes, len);
    s->len += (uint32_t)len;
    return OK;
}

/* string_agg(value, delimiter): a null value is skipped, a null delimiter is empty */
status agg_string_step(struct agg_call *c) {
    struct agg_text *s = c->state;
    if (c->nulls[0]) return OK;
    if (s->any && !c->nulls[1]) TRY(text_add(c, c->args[1].v->data, c->args[1].v->len));
    s->any = true;
    return text_add(c, c->args[0].v->data, c->args[0].v->len);
}

status agg_string_final(struct agg_call *c) {
    const struct agg_text *s = c->state;
    c->is_null = !s->any;
    if (!s->any) return OK;
    c->result.v = varlena_from(c->env->arena, s->data, s->len);
    return c->result.v ? OK : out_of_memory(c->env);
}

/* ---- array_agg ---- */

static status array_add(struct agg_call *c, const struct type *t, datum value, bool is_null) {
    struct agg_array *s = c->state;
    if (s->n == s->room) {
        uint32_t room = s->room ? s->room * 2 : 8;
        if (room > ARRAY_ELEMENTS_MAX) return too_long(c->env);
        datum *values = arena_alloc(c->state_arena, room * sizeof *values);
        uint8_t *nulls = arena_alloc(c->state_arena, room);
        if (!values || !nulls) return out_of_memory(c->env);
        if (s->n) {
            memcpy(values, s->values, s->n * sizeof *values);
            memcpy(nulls, s->nulls, s->n);
        }
        s->values = values;
        s->nulls = nulls;
        s->room = room;
    }
    s->values[s->n].u64 = 0;
    if (!is_null && !ok(type_copy(t, value, c->state_arena, &s->values[s->n])))
        return out_of_memory(c->env);
    s->nulls[s->n++] = is_null;
    return OK;
}

status agg_array_step(struct agg_call *c) {
    const struct type *t = type_find(c->site->arg_types[0]);
    if (!t) return error_set(c->env->error, ST_INTERNAL_ERROR, "array_agg of an unknown type");
    return array_add(c, t, c->args[0], c->nulls[0]);
}

status agg_array_combine(struct agg_call *c, const void *other) {
    const struct agg_array *o = other;
    const struct type *t = type_find(c->site->arg_types[0]);
    for (uint32_t i = 0; i < o->n; i++) TRY(array_add(c, t, o->values[i], o->nulls[i]));
    return OK;
}

status agg_array_final(struct agg_call *c) {
    const struct agg_array *s = c->state;
    c->is_null = s->n == 0;
    if (!s->n) return OK;
    return array_build_1d(c->env, c->site->arg_types[0], s->values, s->nulls, s->n, &c->result);
}

/* array_agg(anyarray): one dimension more */
status agg_array_nested_step(struct agg_call *c) {
    if (c->nulls[0])
        return error_set(c->env->error, ST_NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays");
    struct array_parts a;
    TRY(array_split(c->env, c->args[0].v, &a));
    if (!a.ndim)
        return error_set(c->env->error, ST_ARRAY_SUBSCRIPT_ERROR, "cannot accumulate empty arrays");
    return agg_array_step(c);
}

status agg_array_nested_final(struct agg_call *c) {
    const struct agg_array *s = c->state;
    c->is_null = s->n == 0;
    if (!s->n) return OK;
    const struct type *t = type_find(c->site->arg_types[0]);
    return array_build_nested(c->env, t->element, s->values, s->nulls, s->n, &c->result);
}
