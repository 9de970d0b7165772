/* Functions of pg_lsn that compute with numeric: differences, and positions some bytes on. */
#include "types/numeric.h"

/* pg_lsn - pg_lsn: the difference has a sign that no integer of 64 bits could hold. */
status fn_lsn_mi(struct fn_call *c) {
    __int128 difference = (__int128)c->args[0].u64 - (__int128)c->args[1].u64;
    return num_store_int128(c->env, difference, 0, &c->result);
}

static status out_of_range(const struct eval_env *env) {
    return error_set(env->error, ST_INVALID_PARAMETER_VALUE, "pg_lsn out of range");
}

/* base, plus or minus the numeric, rounded afterwards as PostgreSQL does. */
static status moved(struct fn_call *c, uint64_t base, const struct varlena *by, bool minus) {
    struct num n;
    mpz_t sum;
    if (numeric_is_special(by))
        return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED, "cannot convert %s to pg_lsn",
                         numeric_kind(by) == NUM_NAN ? "NaN" : "infinity");
    num_init(&n);
    mpz_init_set_ui(sum, base);
    num_load(&n, by);
    if (minus) mpz_neg(n.z, n.z);
    mpz_t unit;
    mpz_init(unit);
    num_pow10(unit, n.scale);
    mpz_addmul(n.z, sum, unit);
    num_set_scale(&n, 0);
    bool fits = mpz_fits_ulong_p(n.z);
    if (fits) c->result.u64 = mpz_get_ui(n.z);
    mpz_clears(sum, unit, NULL);
    num_clear(&n);
    return fits ? OK : out_of_range(c->env);
}

static status add(struct fn_call *c, uint64_t base, const struct varlena *by, bool minus) {
    if (numeric_kind(by) == NUM_NAN)
        return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED,
                         minus ? "cannot subtract NaN from pg_lsn" : "cannot add NaN to pg_lsn");
    return moved(c, base, by, minus);
}

status fn_lsn_pli(struct fn_call *c) {
    return add(c, c->args[0].u64, c->args[1].v, false);
}
status fn_numeric_pl_lsn(struct fn_call *c) {
    return add(c, c->args[1].u64, c->args[0].v, false);
}
status fn_lsn_mii(struct fn_call *c) {
    return add(c, c->args[0].u64, c->args[1].v, true);
}
status fn_numeric_lsn(struct fn_call *c) {
    return moved(c, 0, c->args[0].v, false);
}
