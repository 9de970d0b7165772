/* transition_fn.c: the steps of PostgreSQL's aggregates as functions, as far as their states are
 * values: for aggregates of users that are made of them. */
#include "types/array.h"
#include "types/internal.h"

/* ---- counts ---------------------------------------------------------------------------------- */

static status integer_overflow(struct fn_call *c, const char *type) {
    return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", type);
}

static status count_by(struct fn_call *c, int64_t step) {
    int64_t next;
    if (__builtin_add_overflow(c->args[0].i64, step, &next)) return integer_overflow(c, "bigint");
    return give_int8(c, next);
}

status fn_int4inc(struct fn_call *c) {
    int32_t next;
    if (__builtin_add_overflow(c->args[0].i32, 1, &next)) return integer_overflow(c, "integer");
    return give_int4(c, next);
}
status fn_int8inc(struct fn_call *c) {
    return count_by(c, 1);
}
status fn_int8dec(struct fn_call *c) {
    return count_by(c, -1);
}

/* ---- sums ------------------------------------------------------------------------------------ */

static status give_null_sum(struct fn_call *c) {
    c->is_null = true;
    return OK;
}

/* Of a sum that begins as null; PostgreSQL's does not look for overflow either. */
static status sum_of(struct fn_call *c, int64_t x) {
    if (c->nulls[0] && c->nulls[1]) return give_null_sum(c);
    if (c->nulls[0]) return give_int8(c, x);
    if (c->nulls[1]) return give_int8(c, c->args[0].i64);
    return give_int8(c, (int64_t)((uint64_t)c->args[0].i64 + (uint64_t)x));
}

status fn_int2_sum(struct fn_call *c) {
    return sum_of(c, c->args[1].i16);
}
status fn_int4_sum(struct fn_call *c) {
    return sum_of(c, c->args[1].i32);
}

/* ---- {count, sum} ---------------------------------------------------------------------------- */

struct average {
    int64_t count, sum;
};

static status read_average(struct fn_call *c, const struct varlena *v, struct average *ret) {
    struct array_parts a;
    TRY(array_split(c->env, v, &a));
    if (a.ndim != 1 || a.n != 2 || a.nulls[0] || a.nulls[1] || a.element != INT8OID)
        return error_set(c->env->error, ST_INTERNAL_ERROR, "expected 2-element int8 array");
    *ret = (struct average){a.values[0].i64, a.values[1].i64};
    return OK;
}

static status give_average(struct fn_call *c, const struct average *a) {
    datum values[] = {datum_int8(a->count), datum_int8(a->sum)};
    const uint8_t nulls[2] = {0};
    return array_build_1d(c->env, INT8OID, values, nulls, 2, &c->result);
}

static status step_average(struct fn_call *c, int64_t x, int64_t by) {
    struct average a;
    TRY(read_average(c, c->args[0].v, &a));
    a.count += by;
    a.sum = (int64_t)((uint64_t)a.sum + (uint64_t)(by * x));
    return give_average(c, &a);
}

status fn_int2_avg_accum(struct fn_call *c) {
    return step_average(c, c->args[1].i16, 1);
}
status fn_int4_avg_accum(struct fn_call *c) {
    return step_average(c, c->args[1].i32, 1);
}
status fn_int2_avg_accum_inv(struct fn_call *c) {
    return step_average(c, c->args[1].i16, -1);
}
status fn_int4_avg_accum_inv(struct fn_call *c) {
    return step_average(c, c->args[1].i32, -1);
}

status fn_int4_avg_combine(struct fn_call *c) {
    struct average a, b;
    TRY(read_average(c, c->args[0].v, &a));
    TRY(read_average(c, c->args[1].v, &b));
    a.count += b.count;
    a.sum = (int64_t)((uint64_t)a.sum + (uint64_t)b.sum);
    return give_average(c, &a);
}

status fn_int2int4_sum(struct fn_call *c) {
    struct average a;
    TRY(read_average(c, c->args[0].v, &a));
    return a.count ? give_int8(c, a.sum) : give_null_sum(c);
}

#define NUMERIC_OF_INT8 1781
#define NUMERIC_DIV 1727
#define NUMERIC_ADD 1724

static status numeric_of(struct fn_call *c, int64_t x, datum *ret) {
    const oid type = INT8OID;
    const uint8_t not_null = 0;
    datum value = datum_int8(x);
    bool is_null;
    return function_call_simple(c->env, function_find(NUMERIC_OF_INT8), &type, &value, &not_null, 1,
                                NUMERICOID, ret, &is_null);
}

static status with_numerics(struct fn_call *c, oid function, datum x, datum y) {
    static const oid types[] = {NUMERICOID, NUMERICOID};
    const datum args[] = {x, y};
    const uint8_t nulls[2] = {0};
    return function_call_simple(c->env, function_find(function), types, args, nulls, 2, NUMERICOID,
                                &c->result, &c->is_null);
}

status fn_int8_avg(struct fn_call *c) {
    struct average a;
    datum sum, count;
    TRY(read_average(c, c->args[0].v, &a));
    if (!a.count) return give_null_sum(c);
    TRY(numeric_of(c, a.sum, &sum));
    TRY(numeric_of(c, a.count, &count));
    return with_numerics(c, NUMERIC_DIV, sum, count);
}

status fn_int8_sum(struct fn_call *c) {
    datum x;
    if (c->nulls[0] && c->nulls[1]) return give_null_sum(c);
    if (c->nulls[1]) {
        c->result = c->args[0];
        return OK;
    }
    TRY(numeric_of(c, c->args[1].i64, &x));
    if (c->nulls[0]) {
        c->result = x;
        return OK;
    }
    return with_numerics(c, NUMERIC_ADD, c->args[0], x);
}

/* ---- what indexes ask ------------------------------------------------------------------------ */

status fn_equal_image(struct fn_call *c) {
    c->result = datum_bool(true);
    return OK;
}
