/* in_range(value, base, offset, sub, less): whether value <= (less) or >= base + offset, or base -
 * offset (sub); without overflowing. Window frames ask them for their bounds. */
#include "types/in_range.h"

#include <math.h>

#include "types/internal.h"
#include "types/numeric.h"

static status bad_offset(const struct eval_env *env) {
    return error_set(env->error, ST_INVALID_PRECEDING_OR_FOLLOWING_SIZE,
                     "invalid preceding or following size in window function");
}

static status give_order(struct fn_call *c, int order) {
    return give_bool(c, c->args[4].b ? order <= 0 : order >= 0);
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* Integers of all widths are sign-extended: one body. */
status fn_in_range_int(struct fn_call *c) {
    int64_t value = c->args[0].i64, base = c->args[1].i64, offset = c->args[2].i64, sum;
    bool sub = c->args[3].b, less = c->args[4].b;
    if (offset < 0) return bad_offset(c->env);
    bool over = sub ? __builtin_sub_overflow(base, offset, &sum)
                    : __builtin_add_overflow(base, offset, &sum);
    if (over) return give_bool(c, sub ? !less : less);
    return give_order(c, ORDER(value, sum));
}

static status in_range_float(struct fn_call *c, double value, double base) {
    double offset = c->args[2].f8;
    bool sub = c->args[3].b, less = c->args[4].b;
    if (isnan(offset) || offset < 0) return bad_offset(c->env);
    if (isnan(value)) return give_bool(c, isnan(base) || !less);
    if (isnan(base)) return give_bool(c, less);
    if (isinf(offset) && isinf(base) && (sub ? base > 0 : base < 0)) return give_bool(c, true);
    double sum = sub ? base - offset : base + offset;
    return give_order(c, ORDER(value, sum));
}

status fn_in_range_float8(struct fn_call *c) {
    return in_range_float(c, c->args[0].f8, c->args[1].f8);
}

status fn_in_range_float4(struct fn_call *c) {
    return in_range_float(c, (double)c->args[0].f4, (double)c->args[1].f4);
}

/* base + offset or base - offset by the operator's function. */
static status shifted(struct fn_call *c, oid base_type, oid offset_type, oid plus, oid minus,
                      oid result, datum *ret) {
    const oid types[2] = {base_type, offset_type};
    const uint8_t nulls[2] = {0, 0};
    bool is_null;
    return function_call_simple(c->env, function_find(c->args[3].b ? minus : plus), types,
                                c->args + 1, nulls, 2, result, ret, &is_null);
}

static int compare(oid type, datum a, datum b) {
    return type_compare(type_find(type), a, b);
}

status fn_in_range_numeric(struct fn_call *c) {
    enum { NUMERIC_ADD = 1724, NUMERIC_SUB = 1725 };
    uint8_t base = numeric_kind(c->args[1].v), offset = numeric_kind(c->args[2].v);
    if (offset == NUM_NAN || offset == NUM_NEGATIVE || offset == NUM_MINUS_INFINITY)
        return bad_offset(c->env);
    if (numeric_kind(c->args[0].v) == NUM_NAN)
        return give_bool(c, base == NUM_NAN || !c->args[4].b);
    if (base == NUM_NAN) return give_bool(c, c->args[4].b);
    if (offset == NUM_INFINITY && base == (c->args[3].b ? NUM_INFINITY : NUM_MINUS_INFINITY))
        return give_bool(c, true);
    datum sum;
    TRY(shifted(c, NUMERICOID, NUMERICOID, NUMERIC_ADD, NUMERIC_SUB, NUMERICOID, &sum));
    return give_order(c, compare(NUMERICOID, c->args[0], sum));
}

static bool is_negative(const struct interval *i) {
    static const struct interval zero = {0};
    return compare(INTERVALOID, (datum){.interval = i}, (datum){.interval = &zero}) < 0;
}

static status in_range_moment(struct fn_call *c, oid type, oid plus, oid minus, datum value) {
    datum sum;
    if (is_negative(c->args[2].interval)) return bad_offset(c->env);
    TRY(shifted(c, type, INTERVALOID, plus, minus, type, &sum));
    return give_order(c, compare(type, value, sum));
}

status fn_in_range_timestamp(struct fn_call *c) {
    return in_range_moment(c, TIMESTAMPOID, 2032, 2033, c->args[0]);
}

status fn_in_range_timestamptz(struct fn_call *c) {
    return in_range_moment(c, TIMESTAMPTZOID, 1189, 1190, c->args[0]);
}

status fn_in_range_interval(struct fn_call *c) {
    return in_range_moment(c, INTERVALOID, 1169, 1170, c->args[0]);
}

/* As timestamps at midnight. */
status fn_in_range_date(struct fn_call *c) {
    enum { TIMESTAMP_OF_DATE = 2024 };
    const oid type = DATEOID;
    const uint8_t not_null = 0;
    datum args[5];
    memcpy(args, c->args, sizeof args);
    for (int i = 0; i < 2; i++) {
        bool is_null;
        TRY(function_call_simple(c->env, function_find(TIMESTAMP_OF_DATE), &type, &c->args[i],
                                 &not_null, 1, TIMESTAMPOID, &args[i], &is_null));
    }
    struct fn_call moment = *c;
    moment.args = args;
    TRY(fn_in_range_timestamp(&moment));
    c->result = moment.result;
    return OK;
}

/* Only the offset's part below a day counts, and a day's end is no start: nothing wraps around. */
static bool shift_time(struct fn_call *c, int64_t base, int64_t *ret) {
    int64_t offset = c->args[2].interval->time_us;
    if (!c->args[3].b) return !__builtin_add_overflow(base, offset, ret);
    *ret = base - offset;
    return true;
}

status fn_in_range_time(struct fn_call *c) {
    int64_t sum;
    if (c->args[2].interval->time_us < 0) return bad_offset(c->env);
    if (!shift_time(c, c->args[1].i64, &sum)) return give_bool(c, c->args[4].b);
    return give_order(c, ORDER(c->args[0].i64, sum));
}

status fn_in_range_timetz(struct fn_call *c) {
    struct timetz sum = *(const struct timetz *)c->args[1].p;
    if (c->args[2].interval->time_us < 0) return bad_offset(c->env);
    if (!shift_time(c, sum.time_us, &sum.time_us)) return give_bool(c, c->args[4].b);
    return give_order(c, compare(TIMETZOID, c->args[0], datum_ptr(&sum)));
}

/* ---- which one a frame means ---- */

enum in_range_choice in_range_find(oid column, oid offset, const struct function **ret) {
    enum { FIRST = 4126, LAST = 4141 };
    oid preferred = offset == UNKNOWNOID ? column : offset;
    unsigned there = 0, fitting = 0;
    *ret = NULL;
    for (oid f = FIRST; f <= LAST; f++) {
        const struct function *fn = function_find(f);
        if (!fn || fn->args[0] != column) continue;
        there++;
        if (resolve_cast(offset, fn->args[2], CAST_IMPLICIT).path == CAST_NONE) continue;
        fitting++;
        if (!*ret || (*ret)->args[2] != preferred) *ret = fn;
    }
    if (!there) return IN_RANGE_NOT_FOR_COLUMN;
    if (!fitting) return IN_RANGE_NOT_FOR_OFFSET;
    return fitting > 1 && (*ret)->args[2] != preferred ? IN_RANGE_AMBIGUOUS : IN_RANGE_FOUND;
}
