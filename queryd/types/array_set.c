/* Assignment to elements and slices of arrays. */
#include "types/array.h"

#include "types/internal.h"

static status subscript_error(const struct eval_env *env, const char *words) {
    return error_set(env->error, ST_ARRAY_SUBSCRIPT_ERROR, "%s", words);
}

#define OUT_OF_RANGE "array subscript out of range"

/* An array of one dimension that reaches from low to high at least; what is new is null. ret may be
 * a. */
static status stretch(const struct eval_env *env, const struct array_parts *a, int64_t low,
                      int64_t high, struct array_parts *ret) {
    const struct array_parts old = *a;
    int64_t first = old.lower[0], last = first + old.lengths[0] - 1;
    if (low < first) first = low;
    if (high > last) last = high;
    if (last - first + 1 > ARRAY_ELEMENTS_MAX || last >= INT32_MAX) return array_too_large(env);
    uint32_t n = (uint32_t)(last - first + 1);
    *ret = old;
    ret->n = n;
    ret->lengths[0] = (int32_t)n;
    ret->lower[0] = (int32_t)first;
    ret->values = arena_zalloc(env->arena, (n + 1u) * sizeof *ret->values);
    ret->nulls = arena_alloc(env->arena, n + 1u);
    if (!ret->values || !ret->nulls) return out_of_memory(env);
    memset(ret->nulls, 1, n);
    size_t shift = (size_t)(old.lower[0] - first);
    for (uint32_t i = 0; i < old.n; i++) {
        ret->values[shift + i] = old.values[i];
        ret->nulls[shift + i] = old.nulls[i];
    }
    return OK;
}

/* An array of these bounds, all null. */
static status fresh(const struct eval_env *env, oid element, const int32_t *low,
                    const int32_t *high, size_t n, struct array_parts *ret) {
    *ret = (struct array_parts){.element = element, .ndim = (uint8_t)n};
    for (size_t i = 0; i < n; i++) {
        if ((int64_t)high[i] - low[i] + 1 > ARRAY_ELEMENTS_MAX || high[i] == INT32_MAX)
            return array_too_large(env);
        ret->lower[i] = low[i];
        ret->lengths[i] = high[i] - low[i] + 1;
    }
    if (!array_count(ret->lengths, n, &ret->n)) return array_too_large(env);
    ret->values = arena_zalloc(env->arena, (ret->n + 1u) * sizeof *ret->values);
    ret->nulls = arena_alloc(env->arena, ret->n + 1u);
    if (!ret->values || !ret->nulls) return out_of_memory(env);
    memset(ret->nulls, 1, ret->n);
    return OK;
}

static status open_array(const struct eval_env *env, oid element, const struct varlena *v,
                         struct array_parts *ret) {
    *ret = (struct array_parts){.element = element};
    return v ? array_split(env, v, ret) : OK;
}

status array_set(const struct eval_env *env, oid element, const struct varlena *v,
                 const int32_t *subscripts, size_t n, datum value, bool is_null, datum *ret) {
    struct array_parts a;
    TRY(open_array(env, element, v, &a));
    if (!a.ndim) TRY(fresh(env, element, subscripts, subscripts, n, &a));
    if (a.ndim != n) return subscript_error(env, "wrong number of array subscripts");
    if (n == 1) TRY(stretch(env, &a, subscripts[0], subscripts[0], &a));
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t offset = (int64_t)subscripts[i] - a.lower[i];
        if (offset < 0 || offset >= a.lengths[i]) return subscript_error(env, OUT_OF_RANGE);
        at = at * (uint32_t)a.lengths[i] + (uint32_t)offset;
    }
    a.values[at] = value;
    a.nulls[at] = is_null;
    return array_build(env, &a, ret);
}

/* The bounds of a slice in every dimension. */
struct slice {
    int32_t low[ARRAY_DIMENSIONS_MAX], high[ARRAY_DIMENSIONS_MAX];
};

static status settle(const struct eval_env *env, const struct array_parts *a,
                     const struct array_bounds *b, size_t n, struct slice *s) {
    for (size_t i = 0; i < a->ndim; i++) {
        int32_t last = a->lower[i] + a->lengths[i] - 1;
        s->low[i] = i < n && b->has_low[i] ? b->low[i] : a->lower[i];
        s->high[i] = i < n && b->has_high[i] ? b->high[i] : last;
        if (s->low[i] > s->high[i])
            return subscript_error(env, "upper bound cannot be less than lower bound");
        if (a->ndim > 1 && (s->low[i] < a->lower[i] || s->high[i] > last))
            return subscript_error(env, OUT_OF_RANGE);
    }
    return OK;
}

static status settle_empty(const struct eval_env *env, const struct array_bounds *b, size_t n,
                           struct slice *s) {
    for (size_t i = 0; i < n; i++) {
        if (!b->has_low[i] || !b->has_high[i]) {
            status st = subscript_error(env, "array slice subscript must provide both boundaries");
            error_detail(env->error, "When assigning to a slice of an empty array value, slice "
                                     "boundaries must be fully specified.");
            return st;
        }
        s->low[i] = b->low[i];
        s->high[i] = b->high[i];
        if (s->low[i] > s->high[i])
            return subscript_error(env, "upper bound cannot be less than lower bound");
    }
    return OK;
}

static void put_slice(struct array_parts *a, const struct slice *s, const struct array_parts *from,
                      uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        uint32_t rest = k, at = 0, step = 1;
        for (size_t i = a->ndim; i-- > 0;) {
            uint32_t length = (uint32_t)((int64_t)s->high[i] - s->low[i] + 1);
            at += (rest % length + (uint32_t)(s->low[i] - a->lower[i])) * step;
            rest /= length;
            step *= (uint32_t)a->lengths[i];
        }
        a->values[at] = from->values[k];
        a->nulls[at] = from->nulls[k];
    }
}

status array_set_slice(const struct eval_env *env, oid element, const struct varlena *v,
                       const struct array_bounds *b, size_t n, const struct varlena *source,
                       datum *ret) {
    struct array_parts a, from;
    struct slice s;
    uint64_t count = 1;
    TRY(open_array(env, element, v, &a));
    TRY(array_split(env, source, &from));
    if (!a.ndim) {
        TRY(settle_empty(env, b, n, &s));
        TRY(fresh(env, element, s.low, s.high, n, &a));
    } else if (a.ndim < n) {
        return subscript_error(env, "wrong number of array subscripts");
    } else {
        TRY(settle(env, &a, b, n, &s));
        if (a.ndim == 1) TRY(stretch(env, &a, s.low[0], s.high[0], &a));
    }
    for (size_t i = 0; i < a.ndim; i++) count *= (uint64_t)((int64_t)s.high[i] - s.low[i] + 1);
    if (count > from.n) return subscript_error(env, "source array too small");
    put_slice(&a, &s, &from, (uint32_t)count);
    return array_build(env, &a, ret);
}
