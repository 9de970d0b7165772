/* Aggregates: the table, and those over integers, floats, bools and single values. */
#include "types/aggregate.h"

#include <math.h>

#include "types/collator.h"
#include "types/lookup.h"
#include "types/vector.h"

#define agg_no_vec NULL
#define agg_no_combine NULL
#define X(id, state, skips, step_fn, step_vec_fn, combine_fn, final_fn, sort)                      \
    {.function = id,                                                                               \
     .state_bytes = sizeof(struct state),                                                          \
     .skips_nulls = skips,                                                                         \
     .step = step_fn,                                                                              \
     .step_vec = step_vec_fn,                                                                      \
     .combine = combine_fn,                                                                        \
     .final = final_fn,                                                                            \
     .sort_operator = sort},
static const struct aggregate aggregates[] = {
#include "types/aggregates.def"
};
#undef X
#undef agg_no_vec
#undef agg_no_combine
#define AGGREGATE_COUNT (sizeof aggregates / sizeof *aggregates)

static uint8_t aggregate_slot[BUILTIN_OID_END];
static_assert(AGGREGATE_COUNT < UINT8_MAX, "slots are bytes");

void aggregates_init(void) {
    for (size_t i = 0; i < AGGREGATE_COUNT; i++) {
        CHECK(aggregates[i].function < BUILTIN_OID_END);
        CHECK(aggregates[i].state_bytes <= AGG_STATE_MAX);
        aggregate_slot[aggregates[i].function] = (uint8_t)(i + 1);
    }
}

const struct aggregate *aggregate_find(oid function) {
    if (function >= BUILTIN_OID_END || !aggregate_slot[function]) return NULL;
    return &aggregates[aggregate_slot[function] - 1];
}

status aggregate_step(const struct aggregate *a, struct agg_call *c) {
    if (a->skips_nulls)
        for (uint16_t i = 0; i < c->nargs; i++)
            if (c->nulls[i]) return OK;
    return a->step(c);
}

status aggregate_step_vec(const struct aggregate *a, struct agg_call *c,
                          const struct vec *const *args, const uint16_t *sel, uint16_t n) {
    enum { ARGS_MAX = 8 };
    if (a->step_vec) return a->step_vec(c, args, sel, n);
    datum row[ARGS_MAX];
    uint8_t nulls[ARGS_MAX];
    if (c->nargs > ARGS_MAX)
        return error_set(c->env->error, ST_TOO_MANY_ARGUMENTS, "too many aggregate arguments");
    struct agg_call each = *c;
    each.args = row;
    each.nulls = nulls;
    for (uint16_t k = 0; k < n; k++) {
        uint16_t i = sel ? sel[k] : k;
        for (uint16_t j = 0; j < c->nargs; j++) {
            row[j] = args[j]->values[i];
            nulls[j] = args[j]->nulls[i];
        }
        TRY(aggregate_step(a, &each));
    }
    return OK;
}

static status give_agg(struct agg_call *c, datum value) {
    c->result = value;
    c->is_null = false;
    return OK;
}

static status give_agg_null(struct agg_call *c) {
    c->is_null = true;
    return OK;
}

/* ---- count ---- */

status agg_count_step(struct agg_call *c) {
    ((struct agg_count *)c->state)->n++;
    return OK;
}

status agg_count_all_vec(struct agg_call *c, const struct vec *const *, const uint16_t *,
                         uint16_t n) {
    ((struct agg_count *)c->state)->n += n;
    return OK;
}

status agg_count_vec(struct agg_call *c, const struct vec *const *args, const uint16_t *sel,
                     uint16_t n) {
    int64_t count = 0;
    EACH_ROW({ count += !args[0]->nulls[i]; });
    ((struct agg_count *)c->state)->n += count;
    return OK;
}

status agg_count_combine(struct agg_call *c, const void *other) {
    ((struct agg_count *)c->state)->n += ((const struct agg_count *)other)->n;
    return OK;
}

status agg_count_final(struct agg_call *c) {
    return give_agg(c, datum_int8(((struct agg_count *)c->state)->n));
}

/* ---- sums of integers ---- */

status agg_int_step(struct agg_call *c) {
    struct agg_int *s = c->state;
    s->sum += c->args[0].i64;
    s->n++;
    return OK;
}

status agg_int_vec(struct agg_call *c, const struct vec *const *args, const uint16_t *sel,
                   uint16_t n) {
    struct agg_int *s = c->state;
    const struct vec *x = args[0];
    __int128 sum = 0;
    int64_t count = 0;
    EACH_ROW({
        sum += x->nulls[i] ? 0 : x->values[i].i64;
        count += !x->nulls[i];
    });
    s->sum += sum;
    s->n += count;
    return OK;
}

status agg_int_combine(struct agg_call *c, const void *other) {
    struct agg_int *s = c->state;
    s->sum += ((const struct agg_int *)other)->sum;
    s->n += ((const struct agg_int *)other)->n;
    return OK;
}

status agg_int_sum(struct agg_call *c) {
    const struct agg_int *s = c->state;
    if (!s->n) return give_agg_null(c);
    if (s->sum != (int64_t)s->sum)
        return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
    return give_agg(c, datum_int8((int64_t)s->sum));
}

/* ---- floats ---- */

static status float_overflow(const struct eval_env *env) {
    return error_set(env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
}

static status check_float(const struct eval_env *env, double before, double x, double after) {
    if (!isinf(after) || isinf(before) || isinf(x)) return OK;
    return float_overflow(env);
}

static double float_argument(const struct agg_call *c, size_t i) {
    return c->site->function->args[i] == FLOAT4OID ? (double)c->args[i].f4 : c->args[i].f8;
}

status agg_float_step(struct agg_call *c) {
    struct agg_float *s = c->state;
    double x = float_argument(c, 0), before = s->sum;
    s->n++;
    s->sum += x;
    if (s->n > 1) {
        double distance = x * (double)s->n - s->sum;
        s->squares += distance * distance / ((double)s->n * (double)(s->n - 1));
        if (isinf(s->sum) || isinf(s->squares)) {
            if (!isinf(before) && !isinf(x)) return float_overflow(c->env);
            s->squares = NAN;
        }
    } else if (isnan(x) || isinf(x)) {
        s->squares = NAN;
    }
    return OK;
}

/* sum(float8): the plain sum, and sum(float4) rounded at each step as its type demands */
status agg_float_sum_step(struct agg_call *c) {
    struct agg_float *s = c->state;
    double x = float_argument(c, 0), before = s->sum;
    s->sum = s->n++ ? s->sum + x : x;
    if (c->site->function->args[0] == FLOAT4OID) s->sum = (double)(float)s->sum;
    return check_float(c->env, before, x, s->sum);
}

status agg_float_sum_combine(struct agg_call *c, const void *other) {
    struct agg_float *s = c->state;
    const struct agg_float *o = other;
    if (!o->n) return OK;
    double before = s->sum;
    s->sum = s->n ? s->sum + o->sum : o->sum;
    s->n += o->n;
    return check_float(c->env, before, o->sum, s->sum);
}

status agg_float_combine(struct agg_call *c, const void *other) {
    struct agg_float *s = c->state;
    const struct agg_float *o = other;
    if (!o->n) return OK;
    if (!s->n) {
        *s = *o;
        return OK;
    }
    double distance = s->sum / (double)s->n - o->sum / (double)o->n;
    s->squares +=
        o->squares + (double)s->n * (double)o->n * distance * distance / (double)(s->n + o->n);
    s->sum += o->sum;
    s->n += o->n;
    return OK;
}

status agg_float_sum(struct agg_call *c) {
    const struct agg_float *s = c->state;
    if (!s->n) return give_agg_null(c);
    return give_agg(c, c->site->function->args[0] == FLOAT4OID ? datum_float4((float)s->sum)
                                                               : datum_float8(s->sum));
}

static status float_result(struct agg_call *c, bool enough, double x) {
    return enough ? give_agg(c, datum_float8(x)) : give_agg_null(c);
}

#define FLOAT_FINAL(name, least, expression)                                                       \
    status agg_float_##name(struct agg_call *c) {                                                  \
        const struct agg_float *s = c->state;                                                      \
        double n = (double)s->n;                                                                   \
        return float_result(c, s->n >= least, (expression));                                       \
    }
FLOAT_FINAL(avg, 1, s->sum / n)
FLOAT_FINAL(var_pop, 1, s->squares / n)
FLOAT_FINAL(var_samp, 2, s->squares / (n - 1))
FLOAT_FINAL(stddev_pop, 1, sqrt(s->squares / n))
FLOAT_FINAL(stddev_samp, 2, sqrt(s->squares / (n - 1)))

/* ---- regression: f(Y, X) ---- */

status agg_pairs_step(struct agg_call *c) {
    struct agg_pairs *s = c->state;
    double y = c->args[0].f8, x = c->args[1].f8, n = (double)++s->n;
    bool finite_x = !isinf(s->sum_x) && !isinf(x), finite_y = !isinf(s->sum_y) && !isinf(y);
    s->sum_x += x;
    s->sum_y += y;
    if (s->n > 1) {
        double dx = x * n - s->sum_x, dy = y * n - s->sum_y, scale = 1 / (n * (n - 1));
        s->squares_x += dx * dx * scale;
        s->squares_y += dy * dy * scale;
        s->products += dx * dy * scale;
        if (((isinf(s->sum_x) || isinf(s->squares_x)) && finite_x) ||
            ((isinf(s->sum_y) || isinf(s->squares_y)) && finite_y) ||
            (isinf(s->products) && finite_x && finite_y))
            return float_overflow(c->env);
        if (isinf(s->squares_x)) s->squares_x = NAN;
        if (isinf(s->squares_y)) s->squares_y = NAN;
        if (isinf(s->products)) s->products = NAN;
    } else {
        if (!isfinite(x)) s->squares_x = s->products = NAN;
        if (!isfinite(y)) s->squares_y = s->products = NAN;
    }
    return OK;
}

#define PAIRS_FINAL(name, enough, expression)                                                      \
    status agg_pairs_##name(struct agg_call *c) {                                                  \
        const struct agg_pairs *s = c->state;                                                      \
        double n = (double)s->n;                                                                   \
        return float_result(c, (enough), n ? (expression) : 0);                                    \
    }
PAIRS_FINAL(sxx, n >= 1, s->squares_x)
PAIRS_FINAL(syy, n >= 1, s->squares_y)
PAIRS_FINAL(sxy, n >= 1, s->products)
PAIRS_FINAL(avgx, n >= 1, s->sum_x / n)
PAIRS_FINAL(avgy, n >= 1, s->sum_y / n)
PAIRS_FINAL(covar_pop, n >= 1, s->products / n)
PAIRS_FINAL(covar_samp, n >= 2, s->products / (n - 1))
PAIRS_FINAL(corr, n >= 1 && s->squares_x != 0 && s->squares_y != 0,
            s->products / sqrt(s->squares_x * s->squares_y))
PAIRS_FINAL(r2, n >= 1 && s->squares_x != 0,
            s->squares_y == 0 ? 1 : s->products * s->products / (s->squares_x * s->squares_y))
PAIRS_FINAL(slope, n >= 1 && s->squares_x != 0, s->products / s->squares_x)
PAIRS_FINAL(intercept, n >= 1 && s->squares_x != 0,
            (s->sum_y - s->sum_x * s->products / s->squares_x) / n)

status agg_pairs_count(struct agg_call *c) {
    return give_agg(c, datum_int8(((struct agg_pairs *)c->state)->n));
}

/* ---- min and max: the value itself, copied where it is by pointer ---- */

static const struct type *value_type(const struct agg_call *c) {
    const struct type *t = type_find(c->site->function->args[0]);
    if (t && t->kind == 'p') t = type_find(c->site->arg_types[0]);
    return type_by_collator(t, c->site->collator);
}

static status keep_value(struct agg_call *c, const struct type *t, datum value) {
    struct agg_value *s = c->state;
    s->any = true;
    if (t->byval) {
        s->value = value;
        return OK;
    }
    size_t bytes = type_value_bytes(t, value);
    if (bytes > s->room) {
        size_t room = bytes * 2 > VARLENA_MAX ? bytes : bytes * 2;
        s->value.p = arena_alloc(c->state_arena, room);
        if (!s->value.p) return out_of_memory(c->env);
        s->room = (uint32_t)room;
    }
    memcpy((void *)(uintptr_t)s->value.p, value.p, bytes);
    return OK;
}

static status keep_extreme(struct agg_call *c, datum value, int sign) {
    struct agg_value *s = c->state;
    const struct type *t = value_type(c);
    if (!t || !type_is_ordered(t))
        return error_set(c->env->error, ST_UNDEFINED_FUNCTION,
                         "could not identify a comparison function for type %s",
                         type_format_name(c->env->arena, t ? t->oid : 0));
    if (t->collation && !c->site->collation)
        return collation_undetermined(c->env, "string comparison");
    if (s->any && type_compare(t, value, s->value) * sign <= 0) return OK;
    return keep_value(c, t, value);
}

status agg_max_step(struct agg_call *c) {
    return keep_extreme(c, c->args[0], 1);
}
status agg_min_step(struct agg_call *c) {
    return keep_extreme(c, c->args[0], -1);
}
status agg_max_combine(struct agg_call *c, const void *other) {
    const struct agg_value *o = other;
    return o->any ? keep_extreme(c, o->value, 1) : OK;
}
status agg_min_combine(struct agg_call *c, const void *other) {
    const struct agg_value *o = other;
    return o->any ? keep_extreme(c, o->value, -1) : OK;
}

/* Everything that is a signed integer inside: no call per row. */
#define INT_EXTREME(name, op)                                                                      \
    status agg_##name##_int_vec(struct agg_call *c, const struct vec *const *args,                 \
                                const uint16_t *sel, uint16_t n) {                                 \
        struct agg_value *s = c->state;                                                            \
        const struct vec *x = args[0];                                                             \
        EACH_ROW({                                                                                 \
            if (!x->nulls[i] && (!s->any || x->values[i].i64 op s->value.i64)) {                   \
                s->value = x->values[i];                                                           \
                s->any = true;                                                                     \
            }                                                                                      \
        });                                                                                        \
        return OK;                                                                                 \
    }
INT_EXTREME(max, >)
INT_EXTREME(min, <)

status agg_value_final(struct agg_call *c) {
    const struct agg_value *s = c->state;
    const struct type *t = type_find(c->site->result_type);
    if (!s->any) return give_agg_null(c);
    datum copy;
    if (!t || !ok(type_copy(t, s->value, c->env->arena, &copy))) return out_of_memory(c->env);
    return give_agg(c, copy);
}

/* ---- bool_and, bit_or … ---- */

#define FOLD(name, expression)                                                                     \
    static void fold_##name(struct agg_value *s, datum b) {                                        \
        datum a = s->value;                                                                        \
        s->value.i64 = s->any ? (expression) : b.i64;                                              \
        s->any = true;                                                                             \
    }                                                                                              \
    status agg_##name##_step(struct agg_call *c) {                                                 \
        fold_##name(c->state, c->args[0]);                                                         \
        return OK;                                                                                 \
    }                                                                                              \
    status agg_##name##_combine(struct agg_call *c, const void *other) {                           \
        const struct agg_value *o = other;                                                         \
        if (o->any) fold_##name(c->state, o->value);                                               \
        return OK;                                                                                 \
    }
FOLD(and, a.i64 &b.i64)
FOLD(or, a.i64 | b.i64)
FOLD(xor, a.i64 ^ b.i64)
