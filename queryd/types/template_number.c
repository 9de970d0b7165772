/* Templates of numbers: what may stand together. */
#include "types/template_number.h"

static status refuse(const struct eval_env *env, const char *why) {
    return error_set(env->error, ST_SYNTAX_ERROR, "%s", why);
}

static status add_digit(const struct eval_env *env, struct number_shape *s, bool zero) {
    if (s->bracket)
        return refuse(env,
                      zero ? "\"0\" must be ahead of \"PR\"" : "\"9\" must be ahead of \"PR\"");
    if (!zero && s->shift) {
        s->shifted++;
        return OK;
    }
    if (zero && !s->zero && !s->point) {
        s->zero = true;
        s->zero_start = s->before;
    }
    *(s->point ? &s->behind : &s->before) += 1;
    if (zero) s->zero_end = s->before + s->behind;
    return OK;
}

static status add_sign(const struct eval_env *env, struct number_shape *s) {
    if (s->sign) return refuse(env, "cannot use \"S\" twice");
    if (s->plus || s->minus || s->bracket)
        return refuse(env, "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
    s->sign = true;
    s->sign_place = s->point ? SIGN_BEHIND : SIGN_BEFORE;
    s->before_at_sign = s->before;
    return OK;
}

static status add_plain_sign(const struct eval_env *env, struct number_shape *s, uint8_t id) {
    if (s->sign)
        return refuse(env, id == NP_MI   ? "cannot use \"S\" and \"MI\" together"
                           : id == NP_PL ? "cannot use \"S\" and \"PL\" together"
                                         : "cannot use \"S\" and \"SG\" together");
    s->minus |= id != NP_PL;
    s->plus |= id != NP_MI;
    return OK;
}

static status add_exponent(const struct eval_env *env, struct number_shape *s) {
    if (s->fill || s->sign || s->bracket || s->minus || s->plus || s->roman || s->shift) {
        status st = refuse(env, "\"EEEE\" is incompatible with other formats");
        error_detail(env->error, "\"EEEE\" may only be used together with digit and decimal point "
                                 "patterns.");
        return st;
    }
    s->exponent = true;
    return OK;
}

static status add_point(const struct eval_env *env, struct number_shape *s) {
    if (s->point) return refuse(env, "multiple decimal points");
    if (s->shift) return refuse(env, "cannot use \"V\" and decimal point together");
    s->point = true;
    return OK;
}

static status add_pattern(const struct eval_env *env, struct number_shape *s, uint8_t id) {
    if (s->exponent)
        return refuse(env, id == NP_EEEE ? "cannot use \"EEEE\" twice"
                                         : "\"EEEE\" must be the last pattern used");
    switch (id) {
    case NP_9: return add_digit(env, s, false);
    case NP_0: return add_digit(env, s, true);
    case NP_POINT:
    case NP_D: return add_point(env, s);
    case NP_FM: s->fill = true; return OK;
    case NP_S: return add_sign(env, s);
    case NP_MI:
    case NP_PL:
    case NP_SG: return add_plain_sign(env, s, id);
    case NP_PR:
        if (s->sign || s->plus || s->minus)
            return refuse(env, "cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
        s->bracket = true;
        return OK;
    case NP_RN:
    case NP_RN_LOWER: s->roman = true; return OK;
    case NP_V:
        if (s->point) return refuse(env, "cannot use \"V\" and decimal point together");
        s->shift = true;
        return OK;
    case NP_EEEE: return add_exponent(env, s);
    default: return OK;
    }
}

status template_parse_number(const struct eval_env *env, const struct varlena *text,
                             struct template *ret, struct number_shape *ret_shape) {
    static const struct template_word words[] = {
        {",", NP_COMMA, 0, 0},     {".", NP_POINT, 0, 0},     {"0", NP_0, 0, 0},
        {"9", NP_9, 0, 0},         {"B", NP_B, 0, 0},         {"C", NP_C, 0, 0},
        {"D", NP_D, 0, 0},         {"EEEE", NP_EEEE, 0, 0},   {"FM", NP_FM, 0, 0},
        {"G", NP_G, 0, 0},         {"L", NP_L, 0, 0},         {"MI", NP_MI, 0, 0},
        {"PL", NP_PL, 0, 0},       {"PR", NP_PR, 0, 0},       {"RN", NP_RN, 0, 0},
        {"SG", NP_SG, 0, 0},       {"SP", NP_SP, 0, 0},       {"S", NP_S, 0, 0},
        {"TH", NP_TH, 0, 0},       {"V", NP_V, 0, 0},         {"b", NP_B, 0, 0},
        {"c", NP_C, 0, 0},         {"d", NP_D, 0, 0},         {"eeee", NP_EEEE, 0, 0},
        {"fm", NP_FM, 0, 0},       {"g", NP_G, 0, 0},         {"l", NP_L, 0, 0},
        {"mi", NP_MI, 0, 0},       {"pl", NP_PL, 0, 0},       {"pr", NP_PR, 0, 0},
        {"rn", NP_RN_LOWER, 0, 0}, {"sg", NP_SG, 0, 0},       {"sp", NP_SP, 0, 0},
        {"s", NP_S, 0, 0},         {"th", NP_TH_LOWER, 0, 0}, {"v", NP_V, 0, 0},
    };
    *ret_shape = (struct number_shape){0};
    TRY(template_parse(env, words, sizeof words / sizeof *words, false, text, ret));
    for (uint32_t i = 0; i < ret->n; i++)
        if (ret->items[i].kind == TEMPLATE_FIELD)
            TRY(add_pattern(env, ret_shape, ret->items[i].word->id));
    return OK;
}
