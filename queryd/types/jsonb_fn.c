/* Functions that take jsonb apart. */
#include <stdlib.h>

#include "types/array.h"
#include "types/jsonb.h"
#include "types/record.h"

static status give(struct fn_call *c, const struct jsonb *v, bool as_text) {
    if (!v) return give_null(c);
    return as_text ? jsonb_text(c->env, v, &c->result, &c->is_null) : give_part(c, v);
}

/* ---- one member ---- */

static const struct jsonb *field(struct fn_call *c) {
    const struct varlena *name = c->args[1].v;
    return jsonb_find(jsonb_root(c->args[0].v), name->data, name->len);
}

/* A scalar by itself counts as an array of one element. */
static const struct jsonb *element(struct fn_call *c) {
    const struct jsonb *v = jsonb_root(c->args[0].v);
    int32_t at = c->args[1].i32;
    if (jsonb_is_scalar(v)) return at == 0 || at == -1 ? v : NULL;
    return jsonb_find_element(v, at);
}

status fn_jsonb_object_field(struct fn_call *c) {
    return give(c, field(c), false);
}
status fn_jsonb_object_field_text(struct fn_call *c) {
    return give(c, field(c), true);
}
status fn_jsonb_array_element(struct fn_call *c) {
    return give(c, element(c), false);
}
status fn_jsonb_array_element_text(struct fn_call *c) {
    return give(c, element(c), true);
}

static status extract(struct fn_call *c, bool as_text) {
    struct array_parts path;
    const struct jsonb *v = jsonb_root(c->args[0].v);
    TRY(array_split(c->env, c->args[1].v, &path));
    for (uint32_t i = 0; i < path.n && v; i++) {
        const struct varlena *step = path.values[i].v;
        int32_t at;
        if (path.nulls[i]) return give_null(c);
        if (v->kind == JSONB_OBJECT)
            v = jsonb_find(v, step->data, step->len);
        else
            v = json_step_number(step, &at) ? jsonb_find_element(v, at) : NULL;
    }
    return give(c, v, as_text);
}

status fn_jsonb_extract_path(struct fn_call *c) {
    return extract(c, false);
}
status fn_jsonb_extract_path_text(struct fn_call *c) {
    return extract(c, true);
}

/* ---- what it is, what it has ---- */

status fn_jsonb_typeof(struct fn_call *c) {
    return give_string(c, json_kind_name(jsonb_json_kind(jsonb_root(c->args[0].v))));
}

status fn_jsonb_array_length(struct fn_call *c) {
    const struct jsonb *v = jsonb_root(c->args[0].v);
    if (jsonb_is_scalar(v)) return json_refuse(c->env, "cannot get array length of a scalar");
    if (v->kind == JSONB_OBJECT)
        return json_refuse(c->env, "cannot get array length of a non-array");
    return give_int4(c, (int32_t)jsonb_count(v));
}

status fn_jsonb_pretty(struct fn_call *c) {
    struct buf out = {0};
    return give_buf(c, jsonb_print(c->env, jsonb_root(c->args[0].v), true, &out), &out);
}

/* A member's name, or a string among the elements, or the string itself. */
static bool exists(const struct jsonb *v, const struct varlena *text) {
    if (v->kind == JSONB_OBJECT) return jsonb_find(v, text->data, text->len);
    if (v->kind != JSONB_ARRAY) return jsonb_is_text(v, text);
    for (uint32_t i = 0; i < jsonb_count(v); i++)
        if (jsonb_is_text(jsonb_element(v, i), text)) return true;
    return false;
}

status fn_jsonb_exists(struct fn_call *c) {
    return give_bool(c, exists(jsonb_root(c->args[0].v), c->args[1].v));
}

static status exists_some(struct fn_call *c, bool all) {
    struct array_parts names;
    TRY(array_split(c->env, c->args[1].v, &names));
    for (uint32_t i = 0; i < names.n; i++)
        if (!names.nulls[i] && exists(jsonb_root(c->args[0].v), names.values[i].v) != all)
            return give_bool(c, !all);
    return give_bool(c, all);
}

status fn_jsonb_exists_any(struct fn_call *c) {
    return exists_some(c, false);
}
status fn_jsonb_exists_all(struct fn_call *c) {
    return exists_some(c, true);
}

/* ---- containment ---- */

#define ELEMENT_NS 10

static status contains(struct fn_call *c, const struct jsonb *v, const struct jsonb *part,
                       bool *ret);

static status has_element(struct fn_call *c, const struct jsonb *array, const struct jsonb *part,
                          bool *ret) {
    *ret = false;
    for (uint32_t i = 0; !*ret && i < jsonb_count(array); i++)
        TRY(contains(c, jsonb_element(array, i), part, ret));
    return OK;
}

static status contains_members(struct fn_call *c, const struct jsonb *v, const struct jsonb *part,
                               bool *ret) {
    *ret = true;
    for (uint32_t i = 0; *ret && i < jsonb_count(part); i++) {
        const struct varlena *name = jsonb_varlena(jsonb_name(part, i));
        const struct jsonb *member = jsonb_find(v, name->data, name->len);
        *ret = member;
        if (member) TRY(contains(c, member, jsonb_member(part, i), ret));
    }
    return OK;
}

static status contains(struct fn_call *c, const struct jsonb *v, const struct jsonb *part,
                       bool *ret) {
    TRY(eval_work(c->env, ELEMENT_NS));
    *ret = v->kind == part->kind;
    if (!*ret) return OK;
    if (v->kind == JSONB_OBJECT) return contains_members(c, v, part, ret);
    if (jsonb_is_scalar(v)) *ret = jsonb_compare(v, part) == 0;
    for (uint32_t i = 0; *ret && v->kind == JSONB_ARRAY && i < jsonb_count(part); i++)
        TRY(has_element(c, v, jsonb_element(part, i), ret));
    return OK;
}

/* An array contains also the scalars that it has, outermost. */
static status contains_root(struct fn_call *c, datum v, datum part) {
    const struct jsonb *x = jsonb_root(v.v), *y = jsonb_root(part.v);
    bool found;
    TRY(x->kind == JSONB_ARRAY && jsonb_is_scalar(y) ? has_element(c, x, y, &found)
                                                     : contains(c, x, y, &found));
    return give_bool(c, found);
}

status fn_jsonb_contains(struct fn_call *c) {
    return contains_root(c, c->args[0], c->args[1]);
}
status fn_jsonb_contained(struct fn_call *c) {
    return contains_root(c, c->args[1], c->args[0]);
}

/* ---- sets: keys, members, elements ---- */

struct walk {
    const struct jsonb *container; /* in a copy that lives as long as the set */
    uint32_t at;
};

static status walk_begin(struct fn_call *c, enum jsonb_kind want, const char *scalar,
                         const char *other, struct walk **ret) {
    *ret = c->set_state;
    if (*ret) return OK;
    const struct jsonb *v = jsonb_root(c->args[0].v);
    if (jsonb_is_scalar(v)) return json_refuse(c->env, scalar);
    if (v->kind != want) return json_refuse(c->env, other);
    struct walk *w = arena_zalloc(c->set_arena, sizeof *w);
    if (!w || !(w->container = arena_memdup(c->set_arena, v, jsonb_bytes(v))))
        return out_of_memory(c->env);
    c->set_state = *ret = w;
    return OK;
}

static bool walk_next(struct fn_call *c, struct walk *w, uint32_t *ret_at) {
    c->set_done = w->at == jsonb_count(w->container);
    *ret_at = w->at++;
    return !c->set_done;
}

static status next_element(struct fn_call *c, bool as_text) {
    struct walk *w;
    uint32_t at;
    TRY(walk_begin(c, JSONB_ARRAY, "cannot extract elements from a scalar",
                   "cannot extract elements from an object", &w));
    return walk_next(c, w, &at) ? give(c, jsonb_element(w->container, at), as_text) : OK;
}

status fn_jsonb_array_elements(struct fn_call *c) {
    return next_element(c, false);
}
status fn_jsonb_array_elements_text(struct fn_call *c) {
    return next_element(c, true);
}

status fn_jsonb_object_keys(struct fn_call *c) {
    struct walk *w;
    uint32_t at;
    TRY(walk_begin(c, JSONB_OBJECT, "cannot call jsonb_object_keys on a scalar",
                   "cannot call jsonb_object_keys on an array", &w));
    return walk_next(c, w, &at) ? give(c, jsonb_name(w->container, at), true) : OK;
}

static status next_member(struct fn_call *c, bool as_text, const char *refusal) {
    static const char *const names[] = {"key", "value"};
    static const oid types[2][2] = {{TEXTOID, JSONBOID}, {TEXTOID, TEXTOID}};
    struct walk *w;
    uint32_t at;
    TRY(walk_begin(c, JSONB_OBJECT, refusal, refusal, &w));
    if (!walk_next(c, w, &at)) return OK;
    datum values[2] = {{0}};
    uint8_t nulls[2] = {0};
    bool is_null = false;
    TRY(jsonb_text(c->env, jsonb_name(w->container, at), &values[0], &is_null));
    const struct jsonb *value = jsonb_member(w->container, at);
    if (as_text)
        TRY(jsonb_text(c->env, value, &values[1], &is_null));
    else
        TRY(jsonb_take(c->env, value, &values[1]));
    nulls[1] = is_null;
    struct record r = {RECORDOID, 2, types[as_text], names, values, nulls};
    return record_build(c->env, &r, &c->result);
}

status fn_jsonb_each(struct fn_call *c) {
    return next_member(c, false, "cannot call jsonb_each on a non-object");
}
status fn_jsonb_each_text(struct fn_call *c) {
    return next_member(c, true, "cannot call jsonb_each_text on a non-object");
}

/* ---- casts ---- */

static status cannot_cast(struct fn_call *c, const struct jsonb *v) {
    static const char *const names[] = {"object", "array", "string", "numeric", "boolean", "null"};
    return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "cannot cast jsonb %s to type %s",
                     names[jsonb_json_kind(v)],
                     type_format_name(c->env->arena, c->site->function->result));
}

status fn_jsonb_bool(struct fn_call *c) {
    const struct jsonb *v = jsonb_root(c->args[0].v);
    if (v->kind != JSONB_TRUE && v->kind != JSONB_FALSE) return cannot_cast(c, v);
    return give_bool(c, v->kind == JSONB_TRUE);
}

/* To numeric, and by numeric's cast to the other numbers. */
status fn_jsonb_number(struct fn_call *c) {
    static const oid numeric = NUMERICOID;
    static const uint8_t not_null = 0;
    const struct jsonb *v = jsonb_root(c->args[0].v);
    oid target = c->site->function->result;
    if (v->kind != JSONB_NUMBER) return cannot_cast(c, v);
    datum number = {.v = varlena_from(c->env->arena, jsonb_varlena(v)->data, v->len)};
    if (target == NUMERICOID || !number.v) return give_ptr(c, number.v);
    const struct function *f = function_find(cast_find(NUMERICOID, target)->function);
    return function_call_simple(c->env, f, &numeric, &number, &not_null, 1, target, &c->result,
                                &c->is_null);
}
