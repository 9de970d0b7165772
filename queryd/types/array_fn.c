/* Functions and operators of arrays. */
#include <stdio.h>

#include "types/array.h"
#include "types/collator.h"
#include "types/internal.h"

static status head(const struct fn_call *c, size_t i, struct array_parts *a) {
    if (ok(array_head(c->args[i].v, a))) return OK;
    return error_set(c->env->error, ST_DATA_CORRUPTED, "invalid array value");
}

/* ---- shape ---- */

status fn_array_ndims(struct fn_call *c) {
    struct array_parts a;
    TRY(head(c, 0, &a));
    return a.ndim ? give_int4(c, a.ndim) : give_null(c);
}

status fn_array_cardinality(struct fn_call *c) {
    struct array_parts a;
    TRY(head(c, 0, &a));
    return give_int4(c, (int32_t)a.n);
}

/* The dimension of args[1], or none. */
static status dimension(struct fn_call *c, struct array_parts *a, int32_t *ret) {
    TRY(head(c, 0, a));
    *ret = c->args[1].i32 >= 1 && c->args[1].i32 <= a->ndim ? c->args[1].i32 - 1 : -1;
    return OK;
}

status fn_array_length(struct fn_call *c) {
    struct array_parts a;
    int32_t d;
    TRY(dimension(c, &a, &d));
    return d >= 0 ? give_int4(c, a.lengths[d]) : give_null(c);
}
status fn_array_lower(struct fn_call *c) {
    struct array_parts a;
    int32_t d;
    TRY(dimension(c, &a, &d));
    return d >= 0 ? give_int4(c, a.lower[d]) : give_null(c);
}
status fn_array_upper(struct fn_call *c) {
    struct array_parts a;
    int32_t d;
    TRY(dimension(c, &a, &d));
    return d >= 0 ? give_int4(c, a.lower[d] + a.lengths[d] - 1) : give_null(c);
}

status fn_array_dims(struct fn_call *c) {
    struct array_parts a;
    struct buf b = {0};
    TRY(head(c, 0, &a));
    if (!a.ndim) return give_null(c);
    status s = OK;
    for (size_t i = 0; ok(s) && i < a.ndim; i++)
        s = buf_printf(&b, "[%d:%d]", a.lower[i], a.lower[i] + a.lengths[i] - 1);
    return give_buf(c, s, &b);
}

/* ---- joining ---- */

static oid element_of(oid array) {
    const struct type *t = type_below(type_find(array));
    return t ? (oid)t->element : 0;
}

/* An array argument, empty when null, with room for one more element at each end. */
static status load(struct fn_call *c, size_t i, struct array_parts *a) {
    if (!c->nulls[i]) return array_split(c->env, c->args[i].v, a);
    *a = (struct array_parts){.element = element_of(c->site->result_type)};
    return OK;
}

static status insert(struct fn_call *c, struct array_parts *a, bool in_front, datum value,
                     bool is_null) {
    if (a->ndim > 1)
        return error_set(c->env->error, ST_DATA_EXCEPTION,
                         "argument must be empty or one-dimensional array");
    datum *values = arena_array(c->env->arena, a->n + 1u, sizeof *values);
    uint8_t *nulls = arena_zalloc(c->env->arena, a->n + 1u);
    if (!values || !nulls) return out_of_memory(c->env);
    if (a->n) {
        memcpy(values + in_front, a->values, a->n * sizeof *values);
        memcpy(nulls + in_front, a->nulls, a->n);
    }
    size_t at = in_front ? 0 : a->n;
    values[at] = value;
    nulls[at] = is_null;
    if (!a->ndim) a->lower[0] = 1;
    a->ndim = 1;
    a->lengths[0] = (int32_t)++a->n;
    a->values = values;
    a->nulls = nulls;
    return array_build(c->env, a, &c->result);
}

status fn_array_append(struct fn_call *c) {
    struct array_parts a;
    TRY(load(c, 0, &a));
    return insert(c, &a, false, c->args[1], c->nulls[1]);
}
status fn_array_prepend(struct fn_call *c) {
    struct array_parts a;
    TRY(load(c, 1, &a));
    return insert(c, &a, true, c->args[0], c->nulls[0]);
}

static status cannot_join(struct fn_call *c, const char *detail) {
    status s = error_set(c->env->error, ST_ARRAY_SUBSCRIPT_ERROR,
                         "cannot concatenate incompatible arrays");
    error_detail(c->env->error, "%s", detail);
    return s;
}

/* Along the first dimension; an array of one dimension less joins as one row. */
status fn_array_cat(struct fn_call *c) {
    struct array_parts a, b, whole;
    if (c->nulls[0] && c->nulls[1]) return give_null(c);
    TRY(load(c, 0, &a));
    TRY(load(c, 1, &b));
    if (c->nulls[1] || (!b.ndim && !c->nulls[0])) {
        c->result = c->args[0];
        return OK;
    }
    if (c->nulls[0] || !a.ndim) {
        c->result = c->args[1];
        return OK;
    }
    int difference = a.ndim - b.ndim;
    if (difference < -1 || difference > 1)
        return cannot_join(c,
                           "Arrays of differing dimensions are not compatible for concatenation.");
    whole = difference < 0 ? b : a;
    size_t skip_a = difference < 0 ? 0 : 1, skip_b = difference > 0 ? 0 : 1;
    size_t inner = (size_t)whole.ndim - 1;
    for (size_t i = 0; i < inner; i++)
        if (a.lengths[i + skip_a] != b.lengths[i + skip_b])
            return cannot_join(c, difference
                                      ? "Arrays with differing dimensions are not compatible "
                                        "for concatenation."
                                      : "Arrays with differing element dimensions are not "
                                        "compatible for concatenation.");
    whole.lengths[0] = (skip_a ? a.lengths[0] : 1) + (skip_b ? b.lengths[0] : 1);
    whole.n = a.n + b.n;
    whole.values = arena_array(c->env->arena, whole.n, sizeof *whole.values);
    whole.nulls = arena_zalloc(c->env->arena, whole.n);
    if (!whole.values || !whole.nulls) return out_of_memory(c->env);
    memcpy(whole.values, a.values, a.n * sizeof *a.values);
    memcpy(whole.nulls, a.nulls, a.n);
    memcpy(whole.values + a.n, b.values, b.n * sizeof *b.values);
    memcpy(whole.nulls + a.n, b.nulls, b.n);
    return array_build(c->env, &whole, &c->result);
}

/* ---- searching: IS NOT DISTINCT FROM decides ---- */

static status comparable_element(struct fn_call *c, oid element, const struct type **ret) {
    *ret = type_by_collator(type_below(type_find(element)), c->site->collator);
    if (*ret && type_is_ordered(*ret)) return OK;
    return error_set(c->env->error, ST_UNDEFINED_FUNCTION,
                     "could not identify an equality operator for type %s",
                     type_format_name(c->env->arena, element));
}

static bool same(const struct type *t, datum a, bool a_null, datum b, bool b_null) {
    if (a_null || b_null) return a_null && b_null;
    return type_compare(t, a, b) == 0;
}

static status only_one_dimension(struct fn_call *c, const char *what) {
    return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED,
                     "%s multidimensional arrays is not supported", what);
}

/* array_position(array, x [, start]) */
status fn_array_position(struct fn_call *c) {
    struct array_parts a;
    const struct type *t;
    if (c->nulls[0]) return give_null(c);
    TRY(array_split(c->env, c->args[0].v, &a));
    if (a.ndim > 1) return only_one_dimension(c, "searching for elements in");
    if (c->nargs > 2 && c->nulls[2])
        return error_set(c->env->error, ST_NULL_VALUE_NOT_ALLOWED,
                         "initial position must not be null");
    TRY(comparable_element(c, a.element, &t));
    for (uint32_t i = 0; i < a.n; i++) {
        if (c->nargs > 2 && a.lower[0] + (int64_t)i < c->args[2].i32) continue;
        if (same(t, a.values[i], a.nulls[i], c->args[1], c->nulls[1]))
            return give_int4(c, a.lower[0] + (int32_t)i);
    }
    return give_null(c);
}

status fn_array_positions(struct fn_call *c) {
    struct array_parts a;
    const struct type *t;
    if (c->nulls[0]) return give_null(c);
    TRY(array_split(c->env, c->args[0].v, &a));
    if (a.ndim > 1) return only_one_dimension(c, "searching for elements in");
    TRY(comparable_element(c, a.element, &t));
    datum *found = arena_array(c->env->arena, a.n, sizeof *found);
    uint8_t *nulls = arena_zalloc(c->env->arena, a.n);
    uint32_t n = 0;
    if (!found || !nulls) return out_of_memory(c->env);
    for (uint32_t i = 0; i < a.n; i++)
        if (same(t, a.values[i], a.nulls[i], c->args[1], c->nulls[1]))
            found[n++] = datum_int4(a.lower[0] + (int32_t)i);
    return array_build_1d(c->env, INT4OID, found, nulls, n, &c->result);
}

/* array_remove(array, x) and array_replace(array, x, y) */
static status remove_or_replace(struct fn_call *c, bool replace) {
    struct array_parts a;
    const struct type *t;
    if (c->nulls[0]) return give_null(c);
    TRY(array_split(c->env, c->args[0].v, &a));
    if (a.ndim > 1 && !replace) return only_one_dimension(c, "removing elements from");
    TRY(comparable_element(c, a.element, &t));
    uint32_t n = 0;
    for (uint32_t i = 0; i < a.n; i++) {
        bool match = same(t, a.values[i], a.nulls[i], c->args[1], c->nulls[1]);
        if (match && !replace) continue;
        a.values[n] = match ? c->args[2] : a.values[i];
        a.nulls[n++] = match ? c->nulls[2] : a.nulls[i];
    }
    if (!replace) a.lengths[0] = (int32_t)n;
    a.n = n;
    return array_build(c->env, &a, &c->result);
}

status fn_array_remove(struct fn_call *c) {
    return remove_or_replace(c, false);
}
status fn_array_replace(struct fn_call *c) {
    return remove_or_replace(c, true);
}

#define ELEMENT_NS 5 /* looking at one */

/* Whether all elements of b are among those of a (all) or any is (overlap); nulls match nothing. */
static status contains(struct fn_call *c, size_t outer, bool all) {
    struct array_parts a, b;
    const struct type *t;
    TRY(array_split(c->env, c->args[outer].v, &a));
    TRY(array_split(c->env, c->args[1 - outer].v, &b));
    TRY(comparable_element(c, a.element, &t));
    for (uint32_t i = 0; i < b.n; i++) {
        bool found = false;
        TRY(eval_work(c->env, a.n * (size_t)ELEMENT_NS));
        for (uint32_t k = 0; k < a.n && !found && !b.nulls[i]; k++)
            found = !a.nulls[k] && type_compare(t, a.values[k], b.values[i]) == 0;
        if (found != all) return give_bool(c, !all);
    }
    return give_bool(c, all);
}

status fn_arraycontains(struct fn_call *c) {
    return contains(c, 0, true);
}
status fn_arraycontained(struct fn_call *c) {
    return contains(c, 1, true);
}
status fn_arrayoverlap(struct fn_call *c) {
    return contains(c, 0, false);
}

/* ---- making and cutting ---- */

/* array_fill(x, lengths [, lower bounds]) */
status fn_array_fill(struct fn_call *c) {
    struct array_parts lengths, lower = {0}, a = {0};
    const char *what = c->nargs > 2 && c->nulls[2] ? "lower bound" : "dimension";
    if (c->nulls[1] || (c->nargs > 2 && c->nulls[2]))
        return error_set(c->env->error, ST_NULL_VALUE_NOT_ALLOWED,
                         "dimension array or low bound array cannot be null");
    TRY(array_split(c->env, c->args[1].v, &lengths));
    if (c->nargs > 2) TRY(array_split(c->env, c->args[2].v, &lower));
    if (lengths.ndim > 1 || lower.ndim > 1 || (c->nargs > 2 && lower.n != lengths.n))
        return error_set(c->env->error, ST_ARRAY_SUBSCRIPT_ERROR,
                         "wrong number of array subscripts");
    if (lengths.n > ARRAY_DIMENSIONS_MAX)
        return error_set(c->env->error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "number of array dimensions (%u) exceeds the maximum allowed (%d)",
                         lengths.n, ARRAY_DIMENSIONS_MAX);
    uint64_t n = lengths.n ? 1 : 0;
    a.element = element_of(c->site->result_type);
    a.ndim = (uint8_t)lengths.n;
    for (uint32_t i = 0; i < lengths.n; i++) {
        if (lengths.nulls[i] || (c->nargs > 2 && lower.nulls[i]))
            return error_set(c->env->error, ST_NULL_VALUE_NOT_ALLOWED, "%s values cannot be null",
                             what);
        a.lengths[i] = lengths.values[i].i32;
        a.lower[i] = c->nargs > 2 ? lower.values[i].i32 : 1;
        if (a.lengths[i] < 0 || (n *= (uint32_t)a.lengths[i]) > ARRAY_ELEMENTS_MAX ||
            (int64_t)a.lower[i] + a.lengths[i] > INT32_MAX)
            return error_set(c->env->error, ST_PROGRAM_LIMIT_EXCEEDED,
                             "array size exceeds the maximum allowed (%u)", ARRAY_ELEMENTS_MAX);
    }
    a.n = (uint32_t)n;
    a.values = arena_array(c->env->arena, a.n, sizeof *a.values);
    a.nulls = arena_zalloc(c->env->arena, a.n);
    if (!a.values || !a.nulls) return out_of_memory(c->env);
    for (uint32_t i = 0; i < a.n; i++) {
        a.values[i] = c->args[0];
        a.nulls[i] = c->nulls[0];
    }
    return array_build(c->env, &a, &c->result);
}

/* trim_array(array, n): without its last n elements (of the first dimension) */
status fn_trim_array(struct fn_call *c) {
    struct array_parts a;
    int32_t n = c->args[1].i32;
    TRY(head(c, 0, &a));
    int32_t length = a.ndim ? a.lengths[0] : 0;
    if (n < 0 || n > length)
        return error_set(c->env->error, ST_ARRAY_SUBSCRIPT_ERROR,
                         "number of elements to trim must be between 0 and %d", length);
    int32_t lower[1] = {0}, upper[1] = {a.lower[0] + length - n - 1};
    uint8_t has_lower[1] = {0}, has_upper[1] = {1};
    return array_slice(c->env, c->args[0].v, lower, upper, has_lower, has_upper, a.ndim ? 1 : 0,
                       &c->result);
}

/* ---- rows ---- */

struct unnest {
    struct array_parts a;
    uint32_t next;
};

status fn_array_unnest(struct fn_call *c) {
    struct unnest *u = c->set_state;
    if (!u) {
        struct eval_env keep = *c->env;
        datum copy;
        keep.arena = c->set_arena;
        u = arena_zalloc(c->set_arena, sizeof *u);
        /* The elements are given out by pointer into a copy that lives as long as the set. */
        if (!u || !ok(type_copy(type_find(TEXTOID), c->args[0], c->set_arena, &copy)))
            return out_of_memory(c->env);
        TRY(array_split(&keep, copy.v, &u->a));
        c->set_state = u;
    }
    if (u->next == u->a.n) {
        c->set_done = true;
        return OK;
    }
    c->is_null = u->a.nulls[u->next];
    c->result = u->a.values[u->next++];
    return OK;
}

struct subscripts {
    int64_t next, last;
    int step;
};

/* generate_subscripts(array, dimension [, reverse]) */
status fn_generate_subscripts(struct fn_call *c) {
    struct subscripts *s = c->set_state;
    if (!s) {
        struct array_parts a;
        int32_t d;
        s = arena_zalloc(c->set_arena, sizeof *s);
        if (!s) return out_of_memory(c->env);
        TRY(dimension(c, &a, &d));
        bool reverse = c->nargs > 2 && c->args[2].b;
        int64_t low = d >= 0 ? a.lower[d] : 1, high = d >= 0 ? low + a.lengths[d] - 1 : 0;
        s->step = reverse ? -1 : 1;
        s->next = reverse ? high : low;
        s->last = reverse ? low : high;
        c->set_state = s;
    }
    if (s->step > 0 ? s->next > s->last : s->next < s->last) {
        c->set_done = true;
        return OK;
    }
    c->result = datum_int4((int32_t)s->next);
    s->next += s->step;
    return OK;
}

/* ---- text ---- */

/* array_to_string(array, delimiter [, null text]) */
status fn_array_to_text(struct fn_call *c) {
    struct array_parts a;
    struct buf b = {0};
    if (c->nulls[0] || c->nulls[1]) return give_null(c);
    TRY(array_split(c->env, c->args[0].v, &a));
    const struct varlena *delimiter = c->args[1].v;
    const struct varlena *null_text = c->nargs > 2 && !c->nulls[2] ? c->args[2].v : NULL;
    const struct type *t = type_find(a.element);
    status s = OK;
    bool any = false;
    for (uint32_t i = 0; ok(s) && i < a.n; i++) {
        if (a.nulls[i] && !null_text) continue;
        s = eval_work(c->env, ELEMENT_NS + delimiter->len);
        if (any && ok(s)) s = buf_add(&b, delimiter->data, delimiter->len);
        any = true;
        if (!ok(s)) break;
        s = a.nulls[i] ? buf_add(&b, null_text->data, null_text->len)
                       : type_output(c->env, t, a.values[i], &b);
    }
    return give_buf(c, s, &b);
}

/* The fields of string_to_array and string_to_table, one after the other. A null delimiter splits
 * into characters, an empty one not at all; a field equal to the null text is null. */
struct splitter {
    const char *p, *end;
    const struct varlena *delimiter, *null_text;
    bool done;
};

static void split_begin(struct fn_call *c, struct splitter *s) {
    const struct varlena *v = c->args[0].v;
    *s = (struct splitter){.p = v->data,
                           .end = v->data + v->len,
                           .delimiter = c->nulls[1] ? NULL : c->args[1].v,
                           .null_text = c->nargs > 2 && !c->nulls[2] ? c->args[2].v : NULL,
                           .done = v->len == 0};
}

static status split_next(struct splitter *s, struct arena *arena, datum *ret, bool *ret_is_null) {
    size_t left = (size_t)(s->end - s->p), len = left, skip = 0;
    if (!s->delimiter) {
        len = utf8_len(s->p, s->end);
        s->done = len == left;
    } else {
        const char *at = s->delimiter->len && left
                             ? memmem(s->p, left, s->delimiter->data, s->delimiter->len)
                             : NULL;
        if (at) {
            len = (size_t)(at - s->p);
            skip = s->delimiter->len;
        }
        s->done = !at;
    }
    *ret_is_null = s->null_text && s->null_text->len == len &&
                   (!len || !memcmp(s->p, s->null_text->data, len));
    ret->v = varlena_from(arena, s->p, len);
    s->p += len + skip;
    return ret->v ? OK : STATUS(OUT_OF_MEMORY);
}

status fn_text_to_array(struct fn_call *c) {
    struct splitter s;
    if (c->nulls[0]) return give_null(c);
    split_begin(c, &s);
    uint32_t n = 0, room = 16;
    datum *values = arena_array(c->env->arena, room, sizeof *values);
    uint8_t *nulls = arena_zalloc(c->env->arena, room);
    if (!values || !nulls) return out_of_memory(c->env);
    while (!s.done) {
        bool is_null;
        if (n == room) {
            datum *more = arena_array(c->env->arena, room * 2u, sizeof *more);
            uint8_t *more_nulls = arena_zalloc(c->env->arena, room * 2u);
            if (!more || !more_nulls) return out_of_memory(c->env);
            values = memcpy(more, values, n * sizeof *more);
            nulls = memcpy(more_nulls, nulls, n);
            room *= 2;
        }
        if (!ok(split_next(&s, c->env->arena, &values[n], &is_null))) return out_of_memory(c->env);
        nulls[n++] = is_null;
    }
    return array_build_1d(c->env, TEXTOID, values, nulls, n, &c->result);
}

status fn_text_to_table(struct fn_call *c) {
    struct splitter *s = c->set_state;
    if (!s) {
        s = arena_zalloc(c->set_arena, sizeof *s);
        if (!s) return out_of_memory(c->env);
        if (c->nulls[0])
            s->done = true;
        else
            split_begin(c, s);
        c->set_state = s;
    }
    if (s->done) {
        c->set_done = true;
        return OK;
    }
    bool is_null;
    if (!ok(split_next(s, c->env->arena, &c->result, &is_null))) return out_of_memory(c->env);
    c->is_null = is_null;
    return OK;
}
