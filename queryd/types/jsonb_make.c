/* Values of all types as jsonb: to_jsonb, jsonb_build_…, jsonb_object, jsonb_agg. */
#include <stdio.h>

#include "base/coro.h"
#include "types/aggregate.h"
#include "types/array.h"
#include "types/jsonb.h"
#include "types/record.h"

static status add_element(const struct eval_env *env, struct jsonb_tree *array, oid type,
                          datum value, bool is_null) {
    struct jsonb_tree t;
    TRY(jsonb_tree_of(env, type, value, is_null, &t));
    return jsonb_add_element(env, env->arena, array, t);
}

static status tree_of_dimension(const struct eval_env *env, const struct array_parts *a,
                                uint8_t dim, uint32_t *at, struct jsonb_tree *ret) {
    *ret = (struct jsonb_tree){.kind = JSONB_ARRAY};
    for (int32_t i = 0; a->ndim && i < a->lengths[dim]; i++) {
        if (dim + 1 == a->ndim) {
            TRY(add_element(env, ret, a->element, a->values[*at], a->nulls[*at]));
            ++*at;
            continue;
        }
        struct jsonb_tree inner;
        TRY(tree_of_dimension(env, a, dim + 1, at, &inner));
        TRY(jsonb_add_element(env, env->arena, ret, inner));
    }
    return OK;
}

static status tree_of_array(const struct eval_env *env, const struct varlena *v,
                            struct jsonb_tree *ret) {
    struct array_parts a;
    uint32_t at = 0;
    TRY(array_split(env, v, &a));
    return tree_of_dimension(env, &a, 0, &at, ret);
}

static status row_name(const struct eval_env *env, const struct record *r, uint16_t i,
                       struct jsonb_tree *ret) {
    char anonymous[16];
    const char *name = r->names ? r->names[i] : NULL;
    if (!name) {
        snprintf(anonymous, sizeof anonymous, "f%u", i + 1u);
        name = arena_strdup(env->arena, anonymous);
        if (!name) return out_of_memory(env);
    }
    *ret = jsonb_tree_string(name, strlen(name));
    return OK;
}

static status tree_of_row(const struct eval_env *env, const struct varlena *v,
                          struct jsonb_tree *ret) {
    struct record r;
    TRY(record_split(env, v, &r));
    const struct type *row = type_find(r.type);
    *ret = (struct jsonb_tree){.kind = JSONB_OBJECT};
    for (uint16_t i = 0; i < r.n; i++) {
        struct jsonb_tree name, value;
        if (i < row->nfields && row->fields[i].dropped) continue;
        TRY(row_name(env, &r, i, &name));
        TRY(jsonb_tree_of(env, r.types[i], r.values[i], r.nulls[i], &value));
        TRY(jsonb_add_member(env, env->arena, ret, name, value));
    }
    return OK;
}

/* The text, in XML Schema's form for a moment. */
static status tree_of_text(const struct eval_env *env, oid type, datum value,
                           struct jsonb_tree *ret) {
    const struct type *t = type_find(type);
    char *text;
    size_t len;
    if (!t)
        return error_set(env->error, ST_INTERNAL_ERROR, "cache lookup failed for type %u", type);
    if (json_shape_of(type) != SHAPE_MOMENT) {
        TRY(type_output_string(env, t, value, &text, &len));
        *ret = jsonb_tree_string(text, len);
        return OK;
    }
    struct buf quoted = {0};
    status s = json_add_value(env, type, value, false, false, &quoted);
    if (ok(s)) {
        len = quoted.len - 2;
        text = arena_strndup(env->arena, quoted.data + 1, len);
        if (text)
            *ret = jsonb_tree_string(text, len);
        else
            s = out_of_memory(env);
    }
    buf_free(&quoted);
    return s;
}

/* NaN and Infinity, which JSON has not, as their names. */
static status tree_of_number(const struct eval_env *env, oid type, datum value,
                             struct jsonb_tree *ret) {
    TRY(tree_of_text(env, type, value, ret));
    if (memchr(ret->bytes, 'N', ret->len) || memchr(ret->bytes, 'n', ret->len)) return OK;
    datum number;
    TRY(type_input(env, type_find(NUMERICOID), -1, ret->bytes, ret->len, &number));
    *ret = jsonb_tree_number(number.v);
    return OK;
}

status jsonb_tree_of(const struct eval_env *env, oid type, datum value, bool is_null,
                     struct jsonb_tree *ret) {
    *ret = (struct jsonb_tree){.kind = JSONB_NULL};
    if (is_null) return OK;
    if (coro_stack_left() < 16 * 1024)
        return error_set(env->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    switch (json_shape_of(type)) {
    case SHAPE_BOOL: *ret = jsonb_tree_bool(value.b); return OK;
    case SHAPE_NUMBER: return tree_of_number(env, type, value, ret);
    case SHAPE_JSON: return jsonb_parse(env, value.v->data, value.v->len, ret);
    case SHAPE_JSONB: *ret = jsonb_tree_stored(jsonb_root(value.v)); return OK;
    case SHAPE_ARRAY: return tree_of_array(env, value.v, ret);
    case SHAPE_ROW: return tree_of_row(env, value.v, ret);
    default: return tree_of_text(env, type, value, ret);
    }
}

status jsonb_tree_name(const struct eval_env *env, oid type, datum value, struct jsonb_tree *ret) {
    switch (json_shape_of(type)) {
    case SHAPE_BOOL:
        *ret = value.b ? jsonb_tree_string("true", 4) : jsonb_tree_string("false", 5);
        return OK;
    case SHAPE_NUMBER:
    case SHAPE_MOMENT:
    case SHAPE_TEXT: return tree_of_text(env, type, value, ret);
    default:
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                         "key value must be scalar, not array, composite, or json");
    }
}

status fn_to_jsonb(struct fn_call *c) {
    struct jsonb_tree t;
    TRY(jsonb_tree_of(c->env, c->site->arg_types[0], c->args[0], c->nulls[0], &t));
    return give_jsonb(c, &t);
}

/* ---- jsonb_build_array, jsonb_build_object ---- */

status fn_jsonb_build_array(struct fn_call *c) {
    struct json_arguments a;
    struct jsonb_tree t = {.kind = JSONB_ARRAY};
    if (c->site->variadic && c->nulls[0]) return give_null(c);
    TRY(json_arguments_of(c, &a));
    for (uint32_t i = 0; i < a.n; i++)
        TRY(add_element(c->env, &t, json_argument_type(&a, i), a.values[i], a.nulls[i]));
    return give_jsonb(c, &t);
}

static status add_pair(const struct eval_env *env, struct jsonb_tree *object,
                       const struct json_arguments *a, uint32_t i) {
    struct jsonb_tree name, value;
    if (a->nulls[i])
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                         "argument %u: key must not be null", i + 1);
    TRY(jsonb_tree_name(env, json_argument_type(a, i), a->values[i], &name));
    TRY(jsonb_tree_of(env, json_argument_type(a, i + 1), a->values[i + 1], a->nulls[i + 1],
                      &value));
    return jsonb_add_member(env, env->arena, object, name, value);
}

status fn_jsonb_build_object(struct fn_call *c) {
    struct json_arguments a;
    struct jsonb_tree t = {.kind = JSONB_OBJECT};
    if (c->site->variadic && c->nulls[0]) return give_null(c);
    TRY(json_arguments_of(c, &a));
    TRY(json_check_pairs(c, &a, "jsonb_build_object()"));
    for (uint32_t i = 0; i < a.n; i += 2) TRY(add_pair(c->env, &t, &a, i));
    return give_jsonb(c, &t);
}

/* jsonb_object(texts), jsonb_object(keys, values) */
status fn_jsonb_object(struct fn_call *c) {
    struct json_pairs p;
    struct jsonb_tree t = {.kind = JSONB_OBJECT};
    TRY(json_pairs_of(c, &p));
    for (uint32_t i = 0; i < p.n; i++) {
        uint32_t at = i * p.step;
        const struct varlena *key = p.keys[at].v;
        struct jsonb_tree value;
        TRY(jsonb_tree_of(c->env, TEXTOID, p.values[at], p.value_nulls[at], &value));
        TRY(jsonb_add_member(c->env, c->env->arena, &t, jsonb_tree_string(key->data, key->len),
                             value));
    }
    return give_jsonb(c, &t);
}

/* ---- aggregates ---- */

/* A finished copy that lives as long as the state. */
static status keep(struct agg_call *c, const struct jsonb_tree *tree, struct jsonb_tree *ret) {
    datum made;
    TRY(jsonb_make(c->env, tree, &made));
    const struct jsonb *root = jsonb_root(made.v);
    const struct jsonb *kept = arena_memdup(c->state_arena, root, jsonb_bytes(root));
    if (!kept) return out_of_memory(c->env);
    *ret = jsonb_tree_stored(kept);
    return OK;
}

status agg_jsonb_step(struct agg_call *c) {
    struct agg_jsonb *s = c->state;
    struct jsonb_tree t;
    s->tree.kind = JSONB_ARRAY;
    s->any = true;
    TRY(jsonb_tree_of(c->env, c->site->arg_types[0], c->args[0], c->nulls[0], &t));
    TRY(keep(c, &t, &t));
    return jsonb_add_element(c->env, c->state_arena, &s->tree, t);
}

status agg_jsonb_object_step(struct agg_call *c) {
    struct agg_jsonb *s = c->state;
    struct jsonb_tree name, value;
    s->tree.kind = JSONB_OBJECT;
    s->any = true;
    if (c->nulls[0])
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "field name must not be null");
    TRY(jsonb_tree_name(c->env, c->site->arg_types[0], c->args[0], &name));
    TRY(keep(c, &name, &name));
    TRY(jsonb_tree_of(c->env, c->site->arg_types[1], c->args[1], c->nulls[1], &value));
    TRY(keep(c, &value, &value));
    return jsonb_add_member(c->env, c->state_arena, &s->tree, name, value);
}

/* From a copy of the tree: writing sorts members, and windows ask for a value again and again. */
status agg_jsonb_final(struct agg_call *c) {
    const struct agg_jsonb *s = c->state;
    c->is_null = !s->any;
    if (!s->any) return OK;
    struct jsonb_tree copy = s->tree;
    size_t bytes = (s->tree.kind == JSONB_OBJECT ? 2 : 1) * s->tree.n * sizeof *copy.children;
    copy.children = arena_memdup(c->env->arena, s->tree.children, bytes);
    if (!copy.children) return out_of_memory(c->env);
    return jsonb_make(c->env, &copy, &c->result);
}
