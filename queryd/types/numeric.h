/* numeric.h: numeric inside: exact decimals on GMP integers.
 *
 * A finite numeric is coefficient / 10^scale; the scale is the number of digits displayed after the
 * point (PostgreSQL's dscale), so 1.0 and 1.00 are equal and print differently. Payload of the
 * varlena, version 1:
 *
 *   0  u8   0 finite and not negative, 1 finite and negative, 2 NaN, 3 Infinity, 4 -Infinity
 *   1  u16  scale, 0 … 16383 (little-endian; 0 for the special values)
 *   3  …    magnitude of the coefficient, little-endian, no zero byte at its end (zero: no bytes)
 *
 * GMP takes its memory from malloc; what stays allocated only lives within one call. */
#ifndef TYPES_NUMERIC_H
#define TYPES_NUMERIC_H

#include <gmp.h>

#include "types/internal.h"

#define NUMERIC_HEAD_BYTES 3
#define NUMERIC_SCALE_MAX 16383          /* digits after the point */
#define NUMERIC_DIGITS_BEFORE_MAX 131072 /* and before it */
#define NUMERIC_DISPLAY_SCALE_MAX 1000   /* of computed results (division, roots, logarithms) */
#define NUMERIC_SIGNIFICANT_MIN 16       /* digits a computed result has at least */

enum num_kind { NUM_POSITIVE, NUM_NEGATIVE, NUM_NAN, NUM_INFINITY, NUM_MINUS_INFINITY };

/* A numeric being worked on. */
struct num {
    mpz_t z; /* signed coefficient; 0 for special values */
    uint32_t scale;
    uint8_t kind; /* finite: either of the first two, the sign is z's */
};

/* One that fits a machine word: the fast path. */
struct small_num {
    uint64_t magnitude;
    uint32_t scale;
    bool negative;
};

void num_init(struct num *n);
void num_clear(struct num *n);
void num_load(struct num *n, const struct varlena *v); /* n initialised */
bool num_load_small(const struct varlena *v, struct small_num *ret);
static inline bool num_finite(const struct num *n) {
    return n->kind <= NUM_NEGATIVE;
}
static inline uint8_t numeric_kind(const struct varlena *v) {
    return (uint8_t)v->data[0];
}
static inline bool numeric_is_special(const struct varlena *v) {
    return numeric_kind(v) > NUM_NEGATIVE;
}
static inline uint32_t numeric_scale(const struct varlena *v) {
    return load_le16(v->data + 1);
}

static inline int32_t floor_divide(int32_t a, int32_t b) {
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* Makes the varlena; 22003 "value overflows numeric format" when there are too many digits. */
status num_store(const struct eval_env *env, struct num *n, datum *ret);
/* The same of a finite one as it is, as sums go on: beyond what a value may have, up to a scale of
 * UINT16_MAX. */
status num_store_exact(const struct eval_env *env, const struct num *n, datum *ret);
status num_store_special(const struct eval_env *env, enum num_kind kind, datum *ret);
status num_store_int128(const struct eval_env *env, __int128 coefficient, uint32_t scale,
                        datum *ret);

void num_pow10(mpz_t ret, unsigned long exponent);
/* n->z * 10^(exponent - fraction): fraction digits of z stand behind the point. */
status num_scale_by(const struct eval_env *env, struct num *n, int64_t fraction, int64_t exponent);
void num_set_scale(struct num *n, uint32_t scale); /* half away from zero */
/* Quotient of integers rounded half away from zero. */
void num_divide_round(mpz_t quotient, const mpz_t a, const mpz_t b);
/* Decimal exponent of the leading digit (0 for 1…9); n finite and not zero. */
int32_t num_exponent(const struct num *n);
/* PostgreSQL counts in base 10000: weight of the leading such digit and its value. */
void num_base10000(const struct num *n, int32_t *ret_weight, int32_t *ret_first);
double num_to_double(const struct num *n);

status num_parse(const struct eval_env *env, const char *text, size_t len, struct num *n);
status num_format(const struct num *n, struct buf *out);
status numeric_format(const struct varlena *v, struct buf *out);
status num_apply_typmod(const struct eval_env *env, struct num *n, int32_t typmod);

/* The scale of a division's result (PostgreSQL's select_div_scale) and the division by it. */
void num_divide(struct num *ret, const struct num *a, const struct num *b);

status num_overflow(const struct eval_env *env);

/* Aggregates: the value of sum / count and the like. */
int numeric_compare(const struct varlena *a, const struct varlena *b);

/* numeric_fn.c. -1, 0, 1, NaN being 1; an infinity of that sign; 22003, 54000. */
int numeric_sign(const struct varlena *v);
enum num_kind numeric_infinity(int sign);
bool numeric_is_nan(const struct varlena *v);
status numeric_plus(const struct eval_env *env, datum a, datum b, datum *ret);

#endif
