/* numeric to and from integers and floats; generate_series(numeric). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "types/numeric.h"

/* ---- conversions ---- */

status fn_i_to_numeric(struct fn_call *c) {
    return num_store_int128(c->env, c->args[0].i64, 0, &c->result);
}

/* Through the shortest text of 15 or 6 digits, as PostgreSQL. */
static status float_to_numeric(struct fn_call *c, double x, int digits) {
    if (isnan(x)) return num_store_special(c->env, NUM_NAN, &c->result);
    if (isinf(x)) return num_store_special(c->env, numeric_infinity(x < 0 ? -1 : 1), &c->result);
    char text[40];
    int len = snprintf(text, sizeof text, "%.*g", digits, x);
    struct num n;
    num_init(&n);
    status s = num_parse(c->env, text, (size_t)len, &n);
    if (ok(s)) s = num_store(c->env, &n, &c->result);
    num_clear(&n);
    return s;
}

status fn_float8_numeric(struct fn_call *c) {
    return float_to_numeric(c, c->args[0].f8, 15);
}
status fn_float4_numeric(struct fn_call *c) {
    return float_to_numeric(c, (double)c->args[0].f4, 6);
}

static double to_double(const struct varlena *v) {
    struct small_num small;
    /* Both exactly representable: one correctly rounded division is the correctly rounded value. */
    if (num_load_small(v, &small) && small.magnitude < (uint64_t)1 << 53 && small.scale <= 22) {
        double power = 1;
        for (uint32_t i = 0; i < small.scale; i++) power *= 10;
        double x = (double)small.magnitude / power;
        return small.negative ? -x : x;
    }
    struct num n;
    num_init(&n);
    num_load(&n, v);
    double x = num_to_double(&n);
    num_clear(&n);
    return x;
}

static status numeric_to_float(struct fn_call *c, double limit, const char *type_name) {
    double x = to_double(c->args[0].v);
    if (!numeric_is_special(c->args[0].v) && !(fabs(x) <= limit)) {
        struct buf b = {0};
        status s = type_output(c->env, type_find(NUMERICOID), c->args[0], &b);
        if (ok(s))
            s = error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE,
                          "\"%.*s\" is out of range for type %s", (int)(b.len > 900 ? 900 : b.len),
                          b.data, type_name);
        buf_free(&b);
        return s;
    }
    c->result = datum_float8(x);
    return OK;
}

status fn_numeric_float8(struct fn_call *c) {
    return numeric_to_float(c, 1.7976931348623157e308, "double precision");
}
status fn_numeric_float4(struct fn_call *c) {
    TRY(numeric_to_float(c, 3.4028235677973366e38, "real"));
    c->result = datum_float4((float)c->result.f8);
    return OK;
}

static status numeric_to_int(struct fn_call *c, int64_t min, int64_t max, const char *type_name) {
    const struct varlena *v = c->args[0].v;
    if (numeric_is_special(v))
        return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED, "cannot convert %s to %s",
                         numeric_is_nan(v) ? "NaN" : "infinity", type_name);
    struct small_num small;
    struct num n;
    if (num_load_small(v, &small) && small.scale == 0 && small.magnitude <= INT64_MAX) {
        int64_t x = small.negative ? -(int64_t)small.magnitude : (int64_t)small.magnitude;
        if (x >= min && x <= max) return give_int8(c, x);
    }
    num_init(&n);
    num_load(&n, v);
    num_set_scale(&n, 0);
    bool fits = mpz_fits_slong_p(n.z) && mpz_get_si(n.z) >= min && mpz_get_si(n.z) <= max;
    int64_t x = fits ? mpz_get_si(n.z) : 0;
    num_clear(&n);
    if (!fits)
        return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range",
                         type_name);
    return give_int8(c, x);
}

status fn_numeric_int2(struct fn_call *c) {
    return numeric_to_int(c, INT16_MIN, INT16_MAX, "smallint");
}
status fn_numeric_int4(struct fn_call *c) {
    return numeric_to_int(c, INT32_MIN, INT32_MAX, "integer");
}
status fn_numeric_int8(struct fn_call *c) {
    return numeric_to_int(c, INT64_MIN, INT64_MAX, "bigint");
}

/* ---- generate_series(numeric) ---- */

struct numeric_series {
    datum next, stop, step;
    int sign;
    bool ended; /* the next one would be too large for a number */
};

status fn_generate_series_numeric(struct fn_call *c) {
    struct numeric_series *s = c->set_state;
    const struct type *t = type_find(NUMERICOID);
    if (!s) {
        static const char *const what[] = {"start value", "stop value", "step size"};
        for (uint16_t i = 0; i < c->nargs; i++)
            if (numeric_is_special(c->args[i].v))
                return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "%s cannot be %s",
                                 what[i], numeric_is_nan(c->args[i].v) ? "NaN" : "infinity");
        s = arena_zalloc(c->set_arena, sizeof *s);
        if (!s) return out_of_memory(c->env);
        datum one;
        TRY(num_store_int128(c->env, 1, 0, &one));
        datum step = c->nargs > 2 ? c->args[2] : one;
        s->sign = numeric_sign(step.v);
        if (!s->sign)
            return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                             "step size cannot equal zero");
        TRY(type_copy(t, c->args[0], c->set_arena, &s->next));
        TRY(type_copy(t, c->args[1], c->set_arena, &s->stop));
        TRY(type_copy(t, step, c->set_arena, &s->step));
        c->set_state = s;
    }
    int order = numeric_compare(s->next.v, s->stop.v);
    if (s->ended || (s->sign > 0 ? order > 0 : order < 0)) {
        c->set_done = true;
        return OK;
    }
    TRY(type_copy(t, s->next, c->env->arena, &c->result));
    struct eval_env keep = *c->env;
    keep.arena = c->set_arena;
    status st = numeric_plus(&keep, s->next, s->step, &s->next);
    s->ended = status_is(st, ST_NUMERIC_VALUE_OUT_OF_RANGE);
    if (!s->ended) return st;
    error_clear(c->env->error);
    return OK;
}
