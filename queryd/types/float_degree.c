/* Trigonometry in degrees. What has an exact answer gets it: each function is scaled by its own
 * value at an angle whose sine or cosine is a half. */
#include <math.h>

#include "types/internal.h"

#define DEGREE (M_PI / 180)

static double sine_to_30(double x) {
    return sin(x * DEGREE) / sin(30 * DEGREE) / 2;
}

static double cosine_to_60(double x) {
    return 1 - (1 - cos(x * DEGREE)) / (1 - cos(60 * DEGREE)) / 2;
}

/* Of 0 to 90. */
static double sine(double x) {
    return x <= 30 ? sine_to_30(x) : cosine_to_60(90 - x);
}
static double cosine(double x) {
    return x <= 60 ? cosine_to_60(x) : sine_to_30(90 - x);
}
static double tangent(double x) { /* of -0: 0, where sine says -0 */
    return sine(fabs(x)) / cosine(x) / (sine(45) / cosine(45));
}
static double cotangent(double x) {
    return cosine(x) / sine(x) / (cosine(45) / sine(45));
}

/* An angle as one of 0 to 90, and the signs that this turned. */
struct angle {
    double x;
    bool negative, beyond_180, beyond_90;
};

static struct angle reduced(double x) {
    struct angle a = {.x = fmod(x, 360)};
    a.negative = a.x < 0;
    if (a.negative) a.x = -a.x;
    a.beyond_180 = a.x > 180;
    if (a.beyond_180) a.x = 360 - a.x;
    a.beyond_90 = a.x > 90;
    if (a.beyond_90) a.x = 180 - a.x;
    return a;
}

static status give(struct fn_call *c, bool minus, double x) {
    c->result = datum_float8(minus && x != 0 ? -x : x);
    return OK;
}

static status out_of_range(struct fn_call *c) {
    return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range");
}

#define OF_ANGLE(name, function, minus)                                                            \
    status fn_d##name(struct fn_call *c) {                                                         \
        double x = c->args[0].f8;                                                                  \
        if (isnan(x)) return give(c, false, x);                                                    \
        if (isinf(x)) return out_of_range(c);                                                      \
        struct angle a = reduced(x);                                                               \
        return give(c, minus, function(a.x));                                                      \
    }
OF_ANGLE(sind, sine, a.negative != a.beyond_180)
OF_ANGLE(cosd, cosine, a.beyond_90)
OF_ANGLE(tand, tangent, (a.negative != a.beyond_180) != a.beyond_90)
OF_ANGLE(cotd, cotangent, (a.negative != a.beyond_180) != a.beyond_90)

static double arc_to_half(double x) { /* the angle whose sine is x, up to a half */
    return asin(x) / asin(0.5) * 30;
}
static double arc_from_half(double x) { /* the angle whose cosine is x, from a half on */
    return acos(x) / acos(0.5) * 60;
}
static double arc_sine(double x) {
    return x <= 0.5 ? arc_to_half(x) : 90 - arc_from_half(x);
}
static double arc_cosine(double x) {
    return x <= 0.5 ? 90 - arc_to_half(x) : arc_from_half(x);
}

status fn_dasind(struct fn_call *c) {
    double x = c->args[0].f8;
    if (isnan(x)) return give(c, false, x);
    if (x < -1 || x > 1) return out_of_range(c);
    return give(c, x < 0, x < 0 ? arc_sine(-x) : arc_sine(x)); /* of -0: -0 */
}

status fn_dacosd(struct fn_call *c) {
    double x = c->args[0].f8;
    if (isnan(x)) return give(c, false, x);
    if (x < -1 || x > 1) return out_of_range(c);
    return give(c, false, x < 0 ? 90 + arc_sine(-x) : arc_cosine(x));
}

status fn_datand(struct fn_call *c) {
    return give(c, false, atan(c->args[0].f8) / atan(1) * 45);
}

status fn_datan2d(struct fn_call *c) {
    return give(c, false, atan2(c->args[0].f8, c->args[1].f8) / atan(1) * 45);
}
