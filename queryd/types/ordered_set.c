/* Percentiles, mode, and the rank of a hypothetical row. */
#include "types/ordered_set.h"

#include <math.h>

#include "types/array.h"
#include "types/function.h"
#include "types/internal.h"

enum {
    PERCENTILE_DISC = 3972,
    PERCENTILE_CONT = 3974,
    PERCENTILE_CONT_INTERVAL = 3976,
    PERCENTILE_DISC_ARRAY = 3978,
    PERCENTILE_CONT_ARRAY = 3980,
    PERCENTILE_CONT_INTERVAL_ARRAY = 3982,
    RANK = 3986,
    PERCENT_RANK = 3988,
    CUME_DIST = 3990,
    INTERVAL_PL = 1169,
    INTERVAL_MI = 1170,
    INTERVAL_MUL = 1618,
};

const struct ordered_set *ordered_set_find(oid function) {
    static const struct ordered_set sets[] = {
#define X(id, hypothetical, ndirect) {id, hypothetical, ndirect},
#include "types/ordered_set.def"
#undef X
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (sets[i].function == function) return &sets[i];
    return NULL;
}

static datum value_of(const struct ordered_rows *r, size_t i) {
    return r->value(r->rows, i);
}

static status check_percentile(const struct eval_env *env, double p) {
    if (p >= 0 && p <= 1) return OK;
    return error_set(env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE,
                     "percentile value %g is not between 0 and 1", p);
}

static status interval_call(const struct eval_env *env, oid function, datum a, datum b,
                            oid second_type, datum *ret) {
    const oid types[2] = {INTERVALOID, second_type};
    const datum args[2] = {a, b};
    const uint8_t nulls[2] = {0, 0};
    bool is_null;
    return function_call_simple(env, function_find(function), types, args, nulls, 2, INTERVALOID,
                                ret, &is_null);
}

/* low + fraction * (high - low) */
static status between(const struct eval_env *env, oid type, datum low, datum high, double fraction,
                      datum *ret) {
    if (type == FLOAT8OID) {
        *ret = datum_float8(low.f8 + fraction * (high.f8 - low.f8));
        return OK;
    }
    datum d;
    TRY(interval_call(env, INTERVAL_MI, high, low, INTERVALOID, &d));
    TRY(interval_call(env, INTERVAL_MUL, d, datum_float8(fraction), FLOAT8OID, &d));
    return interval_call(env, INTERVAL_PL, low, d, INTERVALOID, ret);
}

static status percentile(const struct eval_env *env, const struct ordered_rows *r, bool continuous,
                         double p, datum *ret) {
    TRY(check_percentile(env, p));
    if (r->n == 0) return OK;
    if (!continuous) {
        double row = ceil(p * (double)r->n);
        *ret = value_of(r, row < 1 ? 0 : (size_t)row - 1);
        return OK;
    }
    double at = p * (double)(r->n - 1);
    size_t low = (size_t)floor(at), high = (size_t)ceil(at);
    if (low == high) {
        *ret = value_of(r, low);
        return OK;
    }
    return between(env, r->type->oid, value_of(r, low), value_of(r, high), at - (double)low, ret);
}

/* An array of percentiles gives an array of the same shape. */
static status percentiles(const struct eval_env *env, const struct ordered_rows *r, bool continuous,
                          const struct varlena *wanted, datum *ret, bool *ret_is_null) {
    struct array_parts a;
    TRY(array_split(env, wanted, &a));
    *ret_is_null = r->n == 0;
    for (uint32_t i = 0; i < a.n; i++)
        if (!a.nulls[i]) TRY(percentile(env, r, continuous, a.values[i].f8, &a.values[i]));
    if (r->n == 0) return OK;
    a.element = r->type->oid;
    return array_build(env, &a, ret);
}

/* The most frequent value; of several the first. */
static datum mode(const struct ordered_rows *r) {
    size_t best = 0, most = 0;
    for (size_t i = 0; i < r->n;) {
        size_t end = i + 1;
        while (end < r->n && type_compare(r->type, value_of(r, i), value_of(r, end)) == 0) end++;
        if (end - i > most) {
            most = end - i;
            best = i;
        }
        i = end;
    }
    return value_of(r, best);
}

status ordered_set_value(const struct eval_env *env, const struct ordered_set *o,
                         const struct ordered_rows *rows, datum direct, bool no_direct, datum *ret,
                         bool *ret_is_null) {
    *ret_is_null = rows->n == 0 || no_direct;
    if (o->ndirect && no_direct) return OK;
    switch (o->function) {
    case PERCENTILE_DISC: return percentile(env, rows, false, direct.f8, ret);
    case PERCENTILE_CONT:
    case PERCENTILE_CONT_INTERVAL: return percentile(env, rows, true, direct.f8, ret);
    case PERCENTILE_DISC_ARRAY: return percentiles(env, rows, false, direct.v, ret, ret_is_null);
    case PERCENTILE_CONT_ARRAY:
    case PERCENTILE_CONT_INTERVAL_ARRAY:
        return percentiles(env, rows, true, direct.v, ret, ret_is_null);
    default:
        *ret_is_null = rows->n == 0;
        if (rows->n) *ret = mode(rows);
        return OK;
    }
}

datum ordered_set_place(const struct ordered_set *o, const struct hypothetical *h) {
    switch (o->function) {
    case RANK: return datum_int8((int64_t)h->before + 1);
    case PERCENT_RANK: return datum_float8(h->n ? (double)h->before / (double)h->n : 0);
    case CUME_DIST: return datum_float8((double)(h->before + h->peers + 1) / (double)(h->n + 1));
    default: return datum_int8((int64_t)h->distinct + 1);
    }
}
