/* numeric_bucket.c: width_bucket of numerics. */
#include "types/numeric.h"

static status refuse(struct fn_call *c, const char *words) {
    return error_set(c->env->error, ST_INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, "%s", words);
}

static status check(struct fn_call *c) {
    bool nan = false;
    for (int i = 0; i < 3; i++) nan |= numeric_kind(c->args[i].v) == NUM_NAN;
    if (c->args[3].i32 <= 0) return refuse(c, "count must be greater than zero");
    if (nan) return refuse(c, "operand, lower bound, and upper bound cannot be NaN");
    if (numeric_is_special(c->args[1].v) || numeric_is_special(c->args[2].v))
        return refuse(c, "lower and upper bounds must be finite");
    return OK;
}

/* The share of the way from one bound to the other that the operand has gone, times count. */
static int32_t bucket_of(struct fn_call *c) {
    struct num n[3];
    uint32_t scale = 0;
    for (int i = 0; i < 3; i++) {
        num_init(&n[i]);
        num_load(&n[i], c->args[i].v);
        if (n[i].scale > scale) scale = n[i].scale;
    }
    for (int i = 0; i < 3; i++) num_set_scale(&n[i], scale);
    mpz_sub(n[0].z, n[0].z, n[1].z);
    mpz_sub(n[2].z, n[2].z, n[1].z);
    mpz_mul_si(n[0].z, n[0].z, c->args[3].i32);
    mpz_tdiv_q(n[0].z, n[0].z, n[2].z); /* both have the same sign */
    int32_t bucket = (int32_t)mpz_get_si(n[0].z) + 1;
    for (int i = 0; i < 3; i++) num_clear(&n[i]);
    return bucket;
}

status fn_width_bucket_numeric(struct fn_call *c) {
    int32_t count = c->args[3].i32;
    TRY(check(c));
    int direction = numeric_compare(c->args[1].v, c->args[2].v);
    if (direction == 0) return refuse(c, "lower bound cannot equal upper bound");
    int below = numeric_compare(c->args[0].v, c->args[1].v) * -direction;
    if (below < 0) return give_int4(c, 0);
    if (numeric_compare(c->args[0].v, c->args[2].v) * -direction < 0)
        return give_int4(c, bucket_of(c));
    if (count == INT32_MAX)
        return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
    return give_int4(c, count + 1);
}
