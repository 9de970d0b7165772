/* template_number.h: the patterns of numbers; inside types only. */
#ifndef TYPES_TEMPLATE_NUMBER_H
#define TYPES_TEMPLATE_NUMBER_H

#include "types/template.h"

enum number_pattern {
    NP_COMMA,
    NP_POINT,
    NP_0,
    NP_9,
    NP_B,
    NP_C,
    NP_D,
    NP_EEEE,
    NP_FM,
    NP_G,
    NP_L,
    NP_MI,
    NP_PL,
    NP_PR,
    NP_RN,
    NP_RN_LOWER,
    NP_SG,
    NP_SP,
    NP_S,
    NP_TH,
    NP_TH_LOWER,
    NP_V,
};

enum sign_place { SIGN_NONE, SIGN_BEFORE, SIGN_BEHIND };

/* What a template asks for as a whole. */
struct number_shape {
    bool point, zero, fill, plus, minus, bracket, roman, shift, exponent, sign;
    enum sign_place sign_place;
    int before, behind; /* digits before and behind the point */
    int shifted;        /* digits behind V */
    int zero_start;     /* position of the first 0 among the digits, from 0 */
    int zero_end;       /* digits up to the last 0 */
    int before_at_sign; /* digits before an S in front */
};

status template_parse_number(const struct eval_env *env, const struct varlena *text,
                             struct template *ret, struct number_shape *ret_shape);

#endif
