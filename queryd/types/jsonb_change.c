/* Functions that make one jsonb from another: concatenation, deletion, setting along a path. */
#include <limits.h>

#include "base/coro.h"
#include "types/array.h"
#include "types/jsonb.h"

static status add_element(const struct eval_env *env, struct jsonb_tree *array,
                          const struct jsonb *v) {
    return jsonb_add_element(env, env->arena, array, jsonb_tree_stored(v));
}

static status add_member(const struct eval_env *env, struct jsonb_tree *object,
                         const struct jsonb *name, const struct jsonb *v) {
    return jsonb_add_member(env, env->arena, object, jsonb_tree_stored(name), jsonb_tree_stored(v));
}

/* ---- || ---- */

/* All members of an object, all elements of an array, or the one scalar. */
static status add_all(const struct eval_env *env, struct jsonb_tree *to, const struct jsonb *v) {
    if (jsonb_is_scalar(v)) return add_element(env, to, v);
    for (uint32_t i = 0; i < jsonb_count(v); i++) {
        if (v->kind == JSONB_OBJECT)
            TRY(add_member(env, to, jsonb_name(v, i), jsonb_member(v, i)));
        else
            TRY(add_element(env, to, jsonb_element(v, i)));
    }
    return OK;
}

static bool is_empty(const struct jsonb *v) {
    return !jsonb_is_scalar(v) && !jsonb_count(v);
}

status fn_jsonb_concat(struct fn_call *c) {
    const struct jsonb *a = jsonb_root(c->args[0].v), *b = jsonb_root(c->args[1].v);
    bool x = a->kind == JSONB_OBJECT, y = b->kind == JSONB_OBJECT;
    if (x == y && is_empty(a) && !jsonb_is_scalar(b)) return give_ptr(c, c->args[1].v);
    if (x == y && is_empty(b) && !jsonb_is_scalar(a)) return give_ptr(c, c->args[0].v);
    struct jsonb_tree t = {.kind = x && y ? JSONB_OBJECT : JSONB_ARRAY};
    /* an object beside an array is one more element */
    TRY(x && !y ? add_element(c->env, &t, a) : add_all(c->env, &t, a));
    TRY(y && !x ? add_element(c->env, &t, b) : add_all(c->env, &t, b));
    return give_jsonb(c, &t);
}

/* ---- - ---- */

static bool is_one_of(const struct jsonb *v, const datum *texts, const uint8_t *nulls, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (!nulls[i] && jsonb_is_text(v, texts[i].v)) return true;
    return false;
}

/* Without the members of these names, or without the strings among the elements. */
static status delete_texts(struct fn_call *c, const datum *texts, const uint8_t *nulls,
                           uint32_t n) {
    const struct jsonb *v = jsonb_root(c->args[0].v);
    if (jsonb_is_scalar(v)) return json_refuse(c->env, "cannot delete from scalar");
    struct jsonb_tree t = {.kind = (enum jsonb_kind)v->kind};
    for (uint32_t i = 0; i < jsonb_count(v); i++) {
        if (is_one_of(jsonb_at(v, i), texts, nulls, n)) continue;
        if (v->kind == JSONB_OBJECT)
            TRY(add_member(c->env, &t, jsonb_name(v, i), jsonb_member(v, i)));
        else
            TRY(add_element(c->env, &t, jsonb_element(v, i)));
    }
    return give_jsonb(c, &t);
}

status fn_jsonb_delete(struct fn_call *c) {
    static const uint8_t not_null = 0;
    return delete_texts(c, &c->args[1], &not_null, 1);
}

static status split_path(struct fn_call *c, struct array_parts *ret) {
    TRY(array_split(c->env, c->args[1].v, ret));
    if (ret->ndim > 1)
        return error_set(c->env->error, ST_ARRAY_SUBSCRIPT_ERROR,
                         "wrong number of array subscripts");
    return OK;
}

status fn_jsonb_delete_array(struct fn_call *c) {
    struct array_parts names;
    TRY(split_path(c, &names));
    return delete_texts(c, names.values, names.nulls, names.n);
}

status fn_jsonb_delete_idx(struct fn_call *c) {
    const struct jsonb *v = jsonb_root(c->args[0].v);
    int64_t at = c->args[1].i32;
    if (jsonb_is_scalar(v)) return json_refuse(c->env, "cannot delete from scalar");
    if (v->kind == JSONB_OBJECT)
        return json_refuse(c->env, "cannot delete from object using integer index");
    if (at < 0) at += jsonb_count(v);
    struct jsonb_tree t = {.kind = JSONB_ARRAY};
    for (uint32_t i = 0; i < jsonb_count(v); i++)
        if (i != at) TRY(add_element(c->env, &t, jsonb_element(v, i)));
    return give_jsonb(c, &t);
}

/* ---- along a path ---- */

enum path_action {
    PATH_CREATE,  /* jsonb_set: replace, or add what is missing */
    PATH_REPLACE, /* jsonb_set without creating */
    PATH_INSERT_BEFORE,
    PATH_INSERT_AFTER,
    PATH_DELETE,
    PATH_ASSIGN, /* of a subscript: as PATH_CREATE, and nothing else moves its place */
};

struct path {
    const struct eval_env *env;
    enum path_action action;
    uint32_t n;
    const datum *steps; /* texts */
    const uint8_t *nulls;
    struct jsonb_tree value;
};

static bool adds(const struct path *p) {
    return p->action != PATH_REPLACE && p->action != PATH_DELETE;
}

static struct jsonb_tree step_name(const struct path *p, uint32_t level) {
    return jsonb_tree_string(p->steps[level].v->data, p->steps[level].v->len);
}

static status add(const struct path *p, struct jsonb_tree *array, struct jsonb_tree value) {
    return jsonb_add_element(p->env, p->env->arena, array, value);
}

static status add_nulls(const struct path *p, struct jsonb_tree *array, int64_t n) {
    for (; n > 0; n--) TRY(add(p, array, (struct jsonb_tree){.kind = JSONB_NULL}));
    return OK;
}

/* The containers that the steps from `level` on name, around the value. */
static status build_path(const struct path *p, uint32_t level, struct jsonb_tree *ret) {
    *ret = p->value;
    for (uint32_t i = p->n; i-- > level;) {
        struct jsonb_tree outer = {.kind = JSONB_ARRAY};
        int32_t at;
        if (json_step_number(p->steps[i].v, &at)) {
            TRY(add_nulls(p, &outer, at));
            TRY(add(p, &outer, *ret));
        } else {
            outer.kind = JSONB_OBJECT;
            TRY(jsonb_add_member(p->env, p->env->arena, &outer, step_name(p, i), *ret));
        }
        *ret = outer;
    }
    return OK;
}

static status follow(const struct path *p, const struct jsonb *v, uint32_t level,
                     struct jsonb_tree *ret);

/* The member that the path names, or what comes in its place. */
static status change_member(const struct path *p, const struct jsonb *object, uint32_t i,
                            uint32_t level, struct jsonb_tree *to) {
    struct jsonb_tree value = p->value;
    if (level + 1 == p->n) {
        if (p->action == PATH_INSERT_BEFORE || p->action == PATH_INSERT_AFTER) {
            status s = json_refuse(p->env, "cannot replace existing key");
            error_hint(p->env->error, "Try using the function jsonb_set to replace key value.");
            return s;
        }
        if (p->action == PATH_DELETE) return OK;
    } else {
        TRY(follow(p, jsonb_member(object, i), level + 1, &value));
    }
    return jsonb_add_member(p->env, p->env->arena, to, jsonb_tree_stored(jsonb_name(object, i)),
                            value);
}

static status follow_object(const struct path *p, const struct jsonb *v, uint32_t level,
                            struct jsonb_tree *to) {
    bool done = false;
    for (uint32_t i = 0; i < jsonb_count(v); i++) {
        bool here = jsonb_is_text(jsonb_name(v, i), p->steps[level].v);
        done |= here;
        TRY(here ? change_member(p, v, i, level, to)
                 : add_member(p->env, to, jsonb_name(v, i), jsonb_member(v, i)));
    }
    bool last = level + 1 == p->n;
    if (done || (last ? !adds(p) : p->action != PATH_ASSIGN)) return OK;
    struct jsonb_tree value;
    TRY(build_path(p, level + 1, &value));
    return jsonb_add_member(p->env, p->env->arena, to, step_name(p, level), value);
}

/* Where in an array of n elements the step points; INT_MIN: in front of all. */
static status step_index(const struct path *p, uint32_t level, uint32_t n, int64_t *ret) {
    const struct varlena *step = p->steps[level].v;
    int32_t at;
    if (!json_step_number(step, &at))
        return error_set(p->env->error, ST_INVALID_TEXT_REPRESENTATION,
                         "path element at position %u is not an integer: \"%.*s\"", level + 1,
                         (int)step->len, step->data);
    *ret = at;
    if (at < 0 && -(int64_t)at <= n) {
        *ret = (int64_t)at + n;
    } else if (at < 0) {
        if (p->action == PATH_ASSIGN)
            return error_set(p->env->error, ST_INVALID_PARAMETER_VALUE,
                             "path element at position %u is out of range: %d", level + 1, at);
        *ret = INT_MIN;
    } else if (p->action != PATH_ASSIGN && at > (int64_t)n) {
        *ret = n;
    }
    return OK;
}

static status change_element(const struct path *p, const struct jsonb *element, uint32_t level,
                             struct jsonb_tree *to) {
    struct jsonb_tree value = p->value;
    if (level + 1 < p->n) {
        TRY(follow(p, element, level + 1, &value));
        return add(p, to, value);
    }
    if (p->action == PATH_DELETE) return OK;
    if (p->action == PATH_INSERT_AFTER) TRY(add_element(p->env, to, element));
    TRY(add(p, to, value));
    return p->action == PATH_INSERT_BEFORE ? add_element(p->env, to, element) : OK;
}

static status follow_array(const struct path *p, const struct jsonb *v, uint32_t level,
                           struct jsonb_tree *to) {
    uint32_t n = jsonb_count(v);
    int64_t at;
    bool last = level + 1 == p->n, done = false;
    TRY(step_index(p, level, n, &at));
    if (at == INT_MIN && last && adds(p)) {
        TRY(add(p, to, p->value));
        done = true;
    }
    for (uint32_t i = 0; i < n; i++) {
        done |= i == at;
        TRY(i == at ? change_element(p, jsonb_element(v, i), level, to)
                    : add_element(p->env, to, jsonb_element(v, i)));
    }
    if (done || (last ? !adds(p) : p->action != PATH_ASSIGN)) return OK;
    struct jsonb_tree value;
    TRY(add_nulls(p, to, at - n));
    TRY(build_path(p, level + 1, &value));
    return add(p, to, value);
}

static status follow(const struct path *p, const struct jsonb *v, uint32_t level,
                     struct jsonb_tree *ret) {
    if (p->nulls[level])
        return error_set(p->env->error, ST_NULL_VALUE_NOT_ALLOWED,
                         "path element at position %u is null", level + 1);
    if (coro_stack_left() < 16 * 1024)
        return error_set(p->env->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    *ret = jsonb_is_scalar(v) ? jsonb_tree_stored(v)
                              : (struct jsonb_tree){.kind = (enum jsonb_kind)v->kind};
    if (v->kind == JSONB_OBJECT) return follow_object(p, v, level, ret);
    if (v->kind == JSONB_ARRAY) return follow_array(p, v, level, ret);
    if (p->action != PATH_ASSIGN) return OK;
    status s = json_refuse(p->env, "cannot replace existing key");
    error_detail(p->env->error,
                 "The path assumes key is a composite object, but it is a scalar value.");
    return s;
}

/* The path of the second argument in the first; a path without steps changes nothing. */
static status change(struct fn_call *c, enum path_action action, const char *scalar,
                     struct jsonb_tree value) {
    struct array_parts steps;
    struct jsonb_tree t;
    const struct jsonb *v = jsonb_root(c->args[0].v);
    TRY(split_path(c, &steps));
    if (jsonb_is_scalar(v)) return json_refuse(c->env, scalar);
    bool nothing = !steps.n;
    if (action == PATH_REPLACE || action == PATH_DELETE) nothing |= !jsonb_count(v);
    if (nothing) return give_ptr(c, c->args[0].v);
    struct path p = {c->env, action, steps.n, steps.values, steps.nulls, value};
    TRY(follow(&p, v, 0, &t));
    return give_jsonb(c, &t);
}

static status set(struct fn_call *c, enum path_action action, struct jsonb_tree value) {
    return change(c, action, "cannot set path in scalar", value);
}

static status delete_path(struct fn_call *c) {
    return change(c, PATH_DELETE, "cannot delete path in scalar", (struct jsonb_tree){0});
}

status fn_jsonb_delete_path(struct fn_call *c) {
    return delete_path(c);
}

status fn_jsonb_set(struct fn_call *c) {
    bool create = c->nargs < 4 || c->args[3].b;
    return set(c, create ? PATH_CREATE : PATH_REPLACE, jsonb_tree_stored(jsonb_root(c->args[2].v)));
}

status fn_jsonb_insert(struct fn_call *c) {
    bool after = c->nargs > 3 && c->args[3].b;
    return set(c, after ? PATH_INSERT_AFTER : PATH_INSERT_BEFORE,
               jsonb_tree_stored(jsonb_root(c->args[2].v)));
}

static bool is_word(const struct varlena *v, const char *word) {
    return v->len == strlen(word) && !memcmp(v->data, word, v->len);
}

/* jsonb_set whose value may be null; the last argument says what that means. */
status fn_jsonb_set_lax(struct fn_call *c) {
    static const char *const treatments[] = {"use_json_null", "delete_key", "return_target",
                                             "raise_exception"};
    if (c->nulls[0] || c->nulls[1] || (c->nargs > 3 && c->nulls[3])) return give_null(c);
    size_t i = c->nargs > 4 ? 4 : 0;
    if (i && !c->nulls[4])
        for (i = 0; i < 4 && !is_word(c->args[4].v, treatments[i]);) i++;
    if (i == 4)
        return json_refuse(c->env,
                           "null_value_treatment must be \"delete_key\", \"return_target\", "
                           "\"use_json_null\", or \"raise_exception\"");
    if (!c->nulls[2]) return fn_jsonb_set(c);
    if (i == 0)
        return set(c, c->nargs < 4 || c->args[3].b ? PATH_CREATE : PATH_REPLACE,
                   (struct jsonb_tree){.kind = JSONB_NULL});
    if (i == 1) return delete_path(c);
    if (i == 2) return give_ptr(c, c->args[0].v);
    status s = error_set(c->env->error, ST_NULL_VALUE_NOT_ALLOWED, "JSON value must not be null");
    error_detail(c->env->error,
                 "Exception was raised because null_value_treatment is \"raise_exception\".");
    error_hint(c->env->error, "To avoid, either change the null_value_treatment argument or ensure "
                              "that an SQL NULL is not passed.");
    return s;
}

status jsonb_assign(const struct eval_env *env, const struct varlena *target,
                    const struct varlena *path, bool into_array, const struct varlena *value,
                    datum *ret) {
    struct array_parts steps;
    struct jsonb_tree t = {.kind = JSONB_NULL}, whole;
    TRY(array_split(env, path, &steps));
    for (uint32_t i = 0; i < steps.n; i++)
        if (steps.nulls[i])
            return error_set(env->error, ST_NULL_VALUE_NOT_ALLOWED,
                             "jsonb subscript in assignment must not be null");
    if (value) t = jsonb_tree_stored(jsonb_root(value));
    struct path p = {env, PATH_ASSIGN, steps.n, steps.values, steps.nulls, t};
    if (target) {
        TRY(follow(&p, jsonb_root(target), 0, &whole));
    } else {
        /* into nothing is into an empty container */
        const uint32_t empty[3] = {into_array ? JSONB_ARRAY : JSONB_OBJECT, 4, 0};
        TRY(follow(&p, (const struct jsonb *)empty, 0, &whole));
    }
    return jsonb_make(env, &whole, ret);
}

/* ---- jsonb_strip_nulls ---- */

static status strip(const struct eval_env *env, const struct jsonb *v, struct jsonb_tree *ret) {
    *ret = jsonb_tree_stored(v);
    if (jsonb_is_scalar(v)) return OK;
    if (coro_stack_left() < 16 * 1024)
        return error_set(env->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    *ret = (struct jsonb_tree){.kind = (enum jsonb_kind)v->kind};
    for (uint32_t i = 0; i < jsonb_count(v); i++) {
        bool object = v->kind == JSONB_OBJECT;
        const struct jsonb *inner = object ? jsonb_member(v, i) : jsonb_element(v, i);
        struct jsonb_tree stripped;
        if (object && inner->kind == JSONB_NULL) continue;
        TRY(strip(env, inner, &stripped));
        TRY(object ? jsonb_add_member(env, env->arena, ret, jsonb_tree_stored(jsonb_name(v, i)),
                                      stripped)
                   : jsonb_add_element(env, env->arena, ret, stripped));
    }
    return OK;
}

status fn_jsonb_strip_nulls(struct fn_call *c) {
    struct jsonb_tree t;
    TRY(strip(c->env, jsonb_root(c->args[0].v), &t));
    return give_jsonb(c, &t);
}
