/* Values of all types as JSON: to_json, json_build_…, json_object, json_agg. */
#include <stdio.h>

#include "base/coro.h"
#include "types/aggregate.h"
#include "types/array.h"
#include "types/datetime.h"
#include "types/jsonb.h"
#include "types/record.h"

enum json_shape json_shape_of(oid type) {
    switch (type_base(type)) {
    case BOOLOID: return SHAPE_BOOL;
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case FLOAT4OID:
    case FLOAT8OID:
    case NUMERICOID: return SHAPE_NUMBER;
    case DATEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID: return SHAPE_MOMENT;
    case JSONOID: return SHAPE_JSON;
    case JSONBOID: return SHAPE_JSONB;
    case RECORDOID: return SHAPE_ROW;
    case RECORDARRAYOID: return SHAPE_ARRAY;
    default: break;
    }
    const struct type *t = type_below(type_find(type));
    if (t && t->kind == 'c') return SHAPE_ROW;
    return t && t->element && t->category == 'A' ? SHAPE_ARRAY : SHAPE_TEXT;
}

static const char *separator(bool line_feeds) {
    return line_feeds ? ",\n " : ",";
}

static status add_dimension(const struct eval_env *env, const struct array_parts *a, uint8_t dim,
                            uint32_t *at, bool line_feeds, struct buf *out) {
    TRY(buf_add_str(out, "["));
    for (int32_t i = 0; i < a->lengths[dim]; i++) {
        if (i) TRY(buf_add_str(out, separator(line_feeds)));
        if (dim + 1 < a->ndim) {
            TRY(add_dimension(env, a, dim + 1, at, false, out));
        } else {
            TRY(json_add_value(env, a->element, a->values[*at], a->nulls[*at], false, out));
            ++*at;
        }
    }
    return buf_add_str(out, "]");
}

static status add_array(const struct eval_env *env, const struct varlena *v, bool line_feeds,
                        struct buf *out) {
    struct array_parts a;
    uint32_t at = 0;
    TRY(array_split(env, v, &a));
    if (!a.ndim) return buf_add_str(out, "[]");
    return add_dimension(env, &a, 0, &at, line_feeds, out);
}

static status add_row(const struct eval_env *env, const struct varlena *v, bool line_feeds,
                      struct buf *out) {
    struct record r;
    bool first = true;
    TRY(record_split(env, v, &r));
    const struct type *row = type_find(r.type);
    TRY(buf_add_str(out, "{"));
    for (uint16_t i = 0; i < r.n; i++) {
        char anonymous[16];
        if (i < row->nfields && row->fields[i].dropped) continue;
        snprintf(anonymous, sizeof anonymous, "f%u", i + 1u);
        const char *name = r.names ? r.names[i] : anonymous;
        if (!first) TRY(buf_add_str(out, separator(line_feeds)));
        first = false;
        TRY(json_quote(out, name, strlen(name)));
        TRY(buf_add_str(out, ":"));
        TRY(json_add_value(env, r.types[i], r.values[i], r.nulls[i], false, out));
    }
    return buf_add_str(out, "}");
}

/* XML Schema's form: a T between date and time, the zone with its minutes. */
static status add_moment(const struct eval_env *env, oid type, datum value, struct buf *out) {
    TRY(buf_add_str(out, "\""));
    size_t start = out->len;
    const struct tz *zone = type == TIMESTAMPTZOID ? env->session->time_zone : NULL;
    if (type == DATEOID) {
        TRY(date_format(value.i32, out));
        return buf_add_str(out, "\"");
    }
    TRY(stamp_format(value.i64, zone, out));
    char *space = memchr(out->data + start, ' ', out->len - start);
    if (space && stamp_finite(value.i64)) *space = 'T';
    if (!zone || !space) return buf_add_str(out, "\"");
    /* +01 becomes +01:00, in front of an era */
    size_t end = out->len;
    bool bc = end - start > 3 && !memcmp(out->data + end - 3, " BC", 3);
    if (bc) out->len = end -= 3;
    if (end - start > 3 && (out->data[end - 3] == '+' || out->data[end - 3] == '-'))
        TRY(buf_add_str(out, ":00"));
    return buf_add_str(out, bc ? " BC\"" : "\"");
}

static bool is_json_number(const char *p, size_t len) {
    return len && (is_digit(p[len - 1]) || p[len - 1] == '.') && (is_digit(*p) || *p == '-');
}

static status add_text(const struct eval_env *env, oid type, datum value, bool number,
                       struct buf *out) {
    const struct type *t = type_find(type);
    char *text;
    size_t len;
    if (!t)
        return error_set(env->error, ST_INTERNAL_ERROR, "cache lookup failed for type %u", type);
    TRY(type_output_string(env, t, value, &text, &len));
    if (number && is_json_number(text, len)) return buf_add(out, text, len);
    return json_quote(out, text, len);
}

status json_add_value(const struct eval_env *env, oid type, datum value, bool is_null,
                      bool line_feeds, struct buf *out) {
    if (coro_stack_left() < 16 * 1024)
        return error_set(env->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (is_null) return buf_add_str(out, "null");
    enum json_shape shape = json_shape_of(type);
    switch (shape) {
    case SHAPE_BOOL: return buf_add_str(out, value.b ? "true" : "false");
    case SHAPE_MOMENT: return add_moment(env, type, value, out);
    case SHAPE_JSON: return buf_add(out, value.v->data, value.v->len);
    case SHAPE_JSONB: return jsonb_print(env, jsonb_root(value.v), false, out);
    case SHAPE_ARRAY: return add_array(env, value.v, line_feeds, out);
    case SHAPE_ROW: return add_row(env, value.v, line_feeds, out);
    default: return add_text(env, type, value, shape == SHAPE_NUMBER, out);
    }
}

status json_add_key(const struct eval_env *env, oid type, datum value, struct buf *out) {
    switch (json_shape_of(type)) {
    case SHAPE_BOOL: return buf_add_str(out, value.b ? "\"true\"" : "\"false\"");
    case SHAPE_MOMENT: return add_moment(env, type, value, out);
    case SHAPE_NUMBER:
    case SHAPE_TEXT: return add_text(env, type, value, false, out);
    default:
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                         "key value must be scalar, not array, composite, or json");
    }
}

/* to_json(x), row_to_json(record [, pretty]), array_to_json(array [, pretty]) */
status fn_to_json(struct fn_call *c) {
    struct buf out = {0};
    status s = json_add_value(c->env, c->site->arg_types[0], c->args[0], c->nulls[0],
                              c->nargs > 1 && c->args[1].b, &out);
    return give_buf(c, s, &out);
}

/* ---- json_build_array, json_build_object ---- */

status json_arguments_of(struct fn_call *c, struct json_arguments *ret) {
    *ret = (struct json_arguments){c->nargs, c->args, c->nulls, c->site->arg_types, 0};
    if (!c->site->variadic || c->nulls[0]) return OK;
    struct array_parts a;
    TRY(array_split(c->env, c->args[0].v, &a));
    *ret = (struct json_arguments){a.n, a.values, a.nulls, NULL, a.element};
    return OK;
}

status json_check_pairs(struct fn_call *c, const struct json_arguments *a, const char *function) {
    if (a->n % 2 == 0) return OK;
    status s = error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                         "argument list must have even number of elements");
    error_hint(c->env->error, "The arguments of %s must consist of alternating keys and values.",
               function);
    return s;
}

static status build_array(struct fn_call *c, const struct json_arguments *a, struct buf *out) {
    TRY(buf_add_str(out, "["));
    for (uint32_t i = 0; i < a->n; i++) {
        if (i) TRY(buf_add_str(out, ", "));
        TRY(json_add_value(c->env, json_argument_type(a, i), a->values[i], a->nulls[i], false,
                           out));
    }
    return buf_add_str(out, "]");
}

static status null_key(struct fn_call *c, uint32_t i) {
    status s =
        error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "argument %u cannot be null", i + 1);
    error_hint(c->env->error, "Object keys should be text.");
    return s;
}

static status build_object(struct fn_call *c, const struct json_arguments *a, struct buf *out) {
    TRY(json_check_pairs(c, a, "json_build_object()"));
    TRY(buf_add_str(out, "{"));
    for (uint32_t i = 0; i < a->n; i += 2) {
        if (i) TRY(buf_add_str(out, ", "));
        if (a->nulls[i]) return null_key(c, i);
        TRY(json_add_key(c->env, json_argument_type(a, i), a->values[i], out));
        TRY(buf_add_str(out, " : "));
        TRY(json_add_value(c->env, json_argument_type(a, i + 1), a->values[i + 1], a->nulls[i + 1],
                           false, out));
    }
    return buf_add_str(out, "}");
}

static status build(struct fn_call *c, bool object) {
    struct json_arguments a;
    struct buf out = {0};
    if (c->site->variadic && c->nulls[0]) return give_null(c);
    TRY(json_arguments_of(c, &a));
    status s = object ? build_object(c, &a, &out) : build_array(c, &a, &out);
    return give_buf(c, s, &out);
}

status fn_json_build_array(struct fn_call *c) {
    return build(c, false);
}
status fn_json_build_object(struct fn_call *c) {
    return build(c, true);
}

/* ---- json_object(texts), json_object(keys, values) ---- */

static status bad_array(struct fn_call *c, const char *why) {
    return error_set(c->env->error, ST_ARRAY_SUBSCRIPT_ERROR, "%s", why);
}

static status pairs_of_one(struct fn_call *c, struct json_pairs *ret) {
    struct array_parts a;
    TRY(array_split(c->env, c->args[0].v, &a));
    if (a.ndim == 1 && a.n % 2) return bad_array(c, "array must have even number of elements");
    if (a.ndim == 2 && a.lengths[1] != 2) return bad_array(c, "array must have two columns");
    if (a.ndim > 2) return bad_array(c, "wrong number of array subscripts");
    *ret = (struct json_pairs){a.n / 2, 2, a.values, a.values + 1, a.nulls, a.nulls + 1};
    return OK;
}

static status pairs_of_two(struct fn_call *c, struct json_pairs *ret) {
    struct array_parts k, v;
    TRY(array_split(c->env, c->args[0].v, &k));
    TRY(array_split(c->env, c->args[1].v, &v));
    if (k.ndim > 1 || k.ndim != v.ndim) return bad_array(c, "wrong number of array subscripts");
    if (k.n != v.n) return bad_array(c, "mismatched array dimensions");
    *ret = (struct json_pairs){k.n, 1, k.values, v.values, k.nulls, v.nulls};
    return OK;
}

status json_pairs_of(struct fn_call *c, struct json_pairs *ret) {
    TRY(c->nargs == 1 ? pairs_of_one(c, ret) : pairs_of_two(c, ret));
    for (uint32_t i = 0; i < ret->n; i++)
        if (ret->key_nulls[i * ret->step])
            return error_set(c->env->error, ST_NULL_VALUE_NOT_ALLOWED,
                             "null value not allowed for object key");
    return OK;
}

static status object_of(struct fn_call *c, const struct json_pairs *p, struct buf *out) {
    TRY(buf_add_str(out, "{"));
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t at = i * p->step;
        if (i) TRY(buf_add_str(out, ", "));
        TRY(json_quote(out, p->keys[at].v->data, p->keys[at].v->len));
        TRY(buf_add_str(out, " : "));
        TRY(json_add_value(c->env, TEXTOID, p->values[at], p->value_nulls[at], false, out));
    }
    return buf_add_str(out, "}");
}

status fn_json_object(struct fn_call *c) {
    struct json_pairs p;
    struct buf out = {0};
    TRY(json_pairs_of(c, &p));
    return give_buf(c, object_of(c, &p, &out), &out);
}

/* ---- aggregates ---- */

static status grow(struct agg_call *c, const struct buf *more) {
    struct agg_text *s = c->state;
    if (more->len > VARLENA_MAX - s->len)
        return error_set(c->env->error, ST_PROGRAM_LIMIT_EXCEEDED, "out of memory");
    if (s->len + more->len > s->room) {
        size_t room = (s->len + more->len) * 2 + 64;
        char *data = arena_alloc(c->state_arena, room);
        if (!data) return out_of_memory(c->env);
        if (s->len) memcpy(data, s->data, s->len);
        s->data = data;
        s->room = (uint32_t)room;
    }
    memcpy(s->data + s->len, more->data, more->len);
    s->len += (uint32_t)more->len;
    s->any = true;
    return OK;
}

static status add_element(struct agg_call *c, struct buf *out) {
    const struct agg_text *s = c->state;
    enum json_shape shape = json_shape_of(c->site->arg_types[0]);
    TRY(buf_add_str(out, s->any ? ", " : "["));
    if (s->any && !c->nulls[0] && (shape == SHAPE_ARRAY || shape == SHAPE_ROW))
        TRY(buf_add_str(out, "\n "));
    return json_add_value(c->env, c->site->arg_types[0], c->args[0], c->nulls[0], false, out);
}

static status add_member(struct agg_call *c, struct buf *out) {
    const struct agg_text *s = c->state;
    if (c->nulls[0])
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "field name must not be null");
    TRY(buf_add_str(out, s->any ? ", " : "{ "));
    TRY(json_add_key(c->env, c->site->arg_types[0], c->args[0], out));
    TRY(buf_add_str(out, " : "));
    return json_add_value(c->env, c->site->arg_types[1], c->args[1], c->nulls[1], false, out);
}

static status add_to(struct agg_call *c, status (*add)(struct agg_call *, struct buf *)) {
    struct buf out = {0};
    status s = add(c, &out);
    if (ok(s)) s = grow(c, &out);
    buf_free(&out);
    return s;
}

status agg_json_step(struct agg_call *c) {
    return add_to(c, add_element);
}
status agg_json_object_step(struct agg_call *c) {
    return add_to(c, add_member);
}

static status finish(struct agg_call *c, const char *close) {
    const struct agg_text *s = c->state;
    size_t n = strlen(close);
    c->is_null = !s->any;
    if (!s->any) return OK;
    struct varlena *v = varlena_new(c->env->arena, s->len + n);
    if (!v) return out_of_memory(c->env);
    memcpy(v->data, s->data, s->len);
    memcpy(v->data + s->len, close, n);
    c->result.v = v;
    return OK;
}

status agg_json_final(struct agg_call *c) {
    return finish(c, "]");
}
status agg_json_object_final(struct agg_call *c) {
    return finish(c, " }");
}
