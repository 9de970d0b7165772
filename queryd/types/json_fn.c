/* Functions that take JSON text apart. */
#include <stdlib.h>

#include "base/coro.h"
#include "types/array.h"
#include "types/json.h"
#include "types/record.h"

static status give_piece(struct fn_call *c, struct json_piece v) {
    return give_bytes(c, v.p, v.len);
}

static status piece_text(const struct eval_env *env, struct json_piece v, datum *ret,
                         bool *ret_null) {
    *ret_null = json_kind_of(v) == JSON_NULL;
    if (*ret_null) return OK;
    struct buf text = {0};
    status s =
        json_kind_of(v) == JSON_STRING ? json_unquote(env, v, &text) : buf_add(&text, v.p, v.len);
    if (ok(s)) {
        ret->v = varlena_from(env->arena, text.data, text.len);
        if (!ret->v) s = out_of_memory(env);
    }
    buf_free(&text);
    return s;
}

static status give(struct fn_call *c, struct json_piece v, bool as_text) {
    return as_text ? piece_text(c->env, v, &c->result, &c->is_null) : give_piece(c, v);
}

/* ---- one member ---- */

status json_find_member(const struct eval_env *env, struct json_piece object, const char *name,
                        size_t len, struct json_piece *ret, bool *ret_found) {
    struct json_cursor cursor;
    struct json_piece key, value;
    *ret_found = false;
    if (json_kind_of(object) != JSON_OBJECT) return OK;
    json_cursor_init(&cursor, object);
    while (json_cursor_next(&cursor, &key, &value)) {
        struct buf text = {0};
        status s = json_unquote(env, key, &text);
        bool same = ok(s) && text.len == len && !memcmp(text.data, name, len);
        buf_free(&text);
        TRY(s);
        if (!same) continue;
        *ret = value;
        *ret_found = true;
    }
    return OK;
}

static status find_member(const struct eval_env *env, struct json_piece object,
                          const struct varlena *name, struct json_piece *ret, bool *ret_found) {
    return json_find_member(env, object, name->data, name->len, ret, ret_found);
}

static int64_t count_elements(struct json_piece array) {
    struct json_cursor cursor;
    struct json_piece key, value;
    int64_t n = 0;
    json_cursor_init(&cursor, array);
    while (json_cursor_next(&cursor, &key, &value)) n++;
    return n;
}

/* Negative: from the end. */
static bool find_element(struct json_piece array, int64_t at, struct json_piece *ret) {
    struct json_cursor cursor;
    struct json_piece key;
    if (json_kind_of(array) != JSON_ARRAY) return false;
    if (at < 0) at += count_elements(array);
    if (at < 0) return false;
    json_cursor_init(&cursor, array);
    while (json_cursor_next(&cursor, &key, ret))
        if (at-- == 0) return true;
    return false;
}

static status field(struct fn_call *c, bool as_text) {
    struct json_piece found;
    bool any;
    TRY(find_member(c->env, json_piece_of(c->args[0].v), c->args[1].v, &found, &any));
    return any ? give(c, found, as_text) : give_null(c);
}

static status element(struct fn_call *c, bool as_text) {
    struct json_piece found;
    if (!find_element(json_piece_of(c->args[0].v), c->args[1].i32, &found)) return give_null(c);
    return give(c, found, as_text);
}

status fn_json_object_field(struct fn_call *c) {
    return field(c, false);
}
status fn_json_object_field_text(struct fn_call *c) {
    return field(c, true);
}
status fn_json_array_element(struct fn_call *c) {
    return element(c, false);
}
status fn_json_array_element_text(struct fn_call *c) {
    return element(c, true);
}

bool json_step_number(const struct varlena *v, int32_t *ret) {
    char text[24], *end;
    if (!v->len || v->len >= sizeof text) return false;
    memcpy(text, v->data, v->len);
    text[v->len] = 0;
    long long x = strtoll(text, &end, 10);
    *ret = (int32_t)x;
    return end > text && !*end && x >= INT32_MIN && x <= INT32_MAX;
}

static status extract(struct fn_call *c, bool as_text) {
    struct array_parts path;
    struct json_piece v = json_piece_of(c->args[0].v);
    TRY(array_split(c->env, c->args[1].v, &path));
    for (uint32_t i = 0; i < path.n; i++) {
        bool found = false;
        int32_t at;
        if (path.nulls[i]) return give_null(c);
        if (json_kind_of(v) == JSON_OBJECT)
            TRY(find_member(c->env, v, path.values[i].v, &v, &found));
        else if (json_kind_of(v) == JSON_ARRAY && json_step_number(path.values[i].v, &at))
            found = find_element(v, at, &v);
        if (!found) return give_null(c);
    }
    return give(c, v, as_text);
}

status fn_json_extract_path(struct fn_call *c) {
    return extract(c, false);
}
status fn_json_extract_path_text(struct fn_call *c) {
    return extract(c, true);
}

/* ---- what it is ---- */

const char *json_kind_name(enum json_kind kind) {
    static const char *const names[] = {"object", "array", "string", "number", "boolean", "null"};
    return names[kind];
}

status fn_json_typeof(struct fn_call *c) {
    return give_string(c, json_kind_name(json_kind_of(json_piece_of(c->args[0].v))));
}

status fn_json_array_length(struct fn_call *c) {
    struct json_piece v = json_piece_of(c->args[0].v);
    if (json_kind_of(v) == JSON_OBJECT)
        return json_refuse(c->env, "cannot get array length of a non-array");
    if (json_is_scalar(v)) return json_refuse(c->env, "cannot get array length of a scalar");
    return give_int4(c, (int32_t)count_elements(v));
}

/* ---- sets: keys, members, elements ---- */

struct walk {
    struct json_cursor cursor;
    bool as_text;
};

/* The cursor over a copy that lives as long as the set. */
static status walk_begin(struct fn_call *c, bool as_text, struct walk **ret) {
    *ret = c->set_state;
    if (*ret) return OK;
    struct json_piece v = json_piece_of(c->args[0].v);
    struct walk *w = arena_zalloc(c->set_arena, sizeof *w);
    v.p = arena_memdup(c->set_arena, v.p, v.len);
    if (!w || !v.p) return out_of_memory(c->env);
    json_cursor_init(&w->cursor, v);
    w->as_text = as_text;
    c->set_state = *ret = w;
    return OK;
}

static status check_container(struct fn_call *c, enum json_kind want, const char *other,
                              const char *scalar) {
    if (c->set_state) return OK;
    struct json_piece v = json_piece_of(c->args[0].v);
    if (json_is_scalar(v)) return json_refuse(c->env, scalar);
    return json_kind_of(v) == want ? OK : json_refuse(c->env, other);
}

static status next_element(struct fn_call *c, bool as_text) {
    struct walk *w;
    struct json_piece key, value;
    TRY(check_container(c, JSON_ARRAY,
                        as_text ? "cannot call json_array_elements_text on a non-array"
                                : "cannot call json_array_elements on a non-array",
                        as_text ? "cannot call json_array_elements_text on a scalar"
                                : "cannot call json_array_elements on a scalar"));
    TRY(walk_begin(c, as_text, &w));
    if (json_cursor_next(&w->cursor, &key, &value)) return give(c, value, as_text);
    c->set_done = true;
    return OK;
}

status fn_json_array_elements(struct fn_call *c) {
    return next_element(c, false);
}
status fn_json_array_elements_text(struct fn_call *c) {
    return next_element(c, true);
}

status fn_json_object_keys(struct fn_call *c) {
    struct walk *w;
    struct json_piece key, value;
    TRY(check_container(c, JSON_OBJECT, "cannot call json_object_keys on an array",
                        "cannot call json_object_keys on a scalar"));
    TRY(walk_begin(c, true, &w));
    if (json_cursor_next(&w->cursor, &key, &value)) return give(c, key, true);
    c->set_done = true;
    return OK;
}

static status give_member(struct fn_call *c, struct json_piece key, struct json_piece value,
                          bool as_text) {
    static const char *const names[] = {"key", "value"};
    static const oid types[2][2] = {{TEXTOID, JSONOID}, {TEXTOID, TEXTOID}};
    datum values[2] = {{0}};
    uint8_t nulls[2] = {0};
    bool is_null = false;
    TRY(piece_text(c->env, key, &values[0], &is_null));
    if (as_text) {
        TRY(piece_text(c->env, value, &values[1], &is_null));
        nulls[1] = is_null;
    } else if (!(values[1].v = varlena_from(c->env->arena, value.p, value.len))) {
        return out_of_memory(c->env);
    }
    struct record r = {RECORDOID, 2, types[as_text], names, values, nulls};
    return record_build(c->env, &r, &c->result);
}

static status next_member(struct fn_call *c, bool as_text) {
    struct walk *w;
    struct json_piece key, value;
    TRY(check_container(c, JSON_OBJECT, "cannot deconstruct an array as an object",
                        "cannot deconstruct a scalar"));
    TRY(walk_begin(c, as_text, &w));
    if (json_cursor_next(&w->cursor, &key, &value)) return give_member(c, key, value, as_text);
    c->set_done = true;
    return OK;
}

status fn_json_each(struct fn_call *c) {
    return next_member(c, false);
}
status fn_json_each_text(struct fn_call *c) {
    return next_member(c, true);
}

/* ---- json_strip_nulls ---- */

static status add_string(const struct eval_env *env, struct json_piece v, struct buf *out) {
    struct buf text = {0};
    status s = json_unquote(env, v, &text);
    if (ok(s)) s = json_quote(out, text.data, text.len);
    buf_free(&text);
    return s;
}

static status strip(const struct eval_env *env, struct json_piece v, struct buf *out) {
    enum json_kind kind = json_kind_of(v);
    if (coro_stack_left() < 16 * 1024)
        return error_set(env->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (kind == JSON_STRING) return add_string(env, v, out);
    if (json_is_scalar(v)) return buf_add(out, v.p, v.len);
    struct json_cursor cursor;
    struct json_piece key, value;
    bool first = true;
    TRY(buf_add_str(out, kind == JSON_OBJECT ? "{" : "["));
    json_cursor_init(&cursor, v);
    while (json_cursor_next(&cursor, &key, &value)) {
        if (kind == JSON_OBJECT && json_kind_of(value) == JSON_NULL) continue;
        if (!first) TRY(buf_add_str(out, ","));
        first = false;
        if (kind == JSON_OBJECT) {
            TRY(add_string(env, key, out));
            TRY(buf_add_str(out, ":"));
        }
        TRY(strip(env, value, out));
    }
    return buf_add_str(out, kind == JSON_OBJECT ? "}" : "]");
}

status fn_json_strip_nulls(struct fn_call *c) {
    struct buf out = {0};
    return give_buf(c, strip(c->env, json_piece_of(c->args[0].v), &out), &out);
}
