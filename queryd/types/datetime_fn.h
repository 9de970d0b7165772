/* datetime_fn.h: what the functions of dates, times and intervals share. */
#ifndef TYPES_DATETIME_FN_H
#define TYPES_DATETIME_FN_H

#include "types/datetime.h"
#include "types/vector.h"

static inline const struct tz *session_zone(const struct fn_call *c) {
    return c->env->session->time_zone;
}

/* A date as a timestamp; false beyond what a timestamp can hold. */
static inline bool date_to_stamp(int32_t date, int64_t *ret) {
    if (!date_finite(date)) {
        *ret = date == DATE_MAX ? STAMP_MAX : STAMP_MIN;
        return true;
    }
    return !__builtin_mul_overflow((int64_t)date, US_PER_DAY, ret) && stamp_in_range(*ret);
}

static inline status date_too_large(struct fn_call *c) {
    return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW, "date out of range for timestamp");
}

/* The day of a local timestamp, counted from 2000-01-01. */
static inline int64_t floor_day(int64_t t) {
    return t / US_PER_DAY - (t % US_PER_DAY < 0);
}

/* A timestamptz as the session's zone shows it; infinities stay. */
static inline int64_t to_local(const struct fn_call *c, int64_t t) {
    return stamp_finite(t) ? local_from_stamp(t, session_zone(c)) : t;
}

/* Microseconds into a time of day, 0 to before midnight. */
static inline int64_t wrap_day(int64_t us) {
    us %= US_PER_DAY;
    return us < 0 ? us + US_PER_DAY : us;
}

static inline status interval_negate(const struct eval_env *env, const struct interval *i,
                                     struct interval *ret) {
    if (i->months == INT32_MIN || i->days == INT32_MIN || i->time_us == INT64_MIN)
        return interval_out_of_range(env);
    *ret = (struct interval){-i->time_us, -i->days, -i->months};
    return OK;
}

/* Results, in the call's arena; 22008 where they are out of range. west_s: seconds to the west. */
static inline status give_date(struct fn_call *c, int64_t days) {
    if (days < DATE_FIRST || days > DATE_LAST) return date_out_of_range(c->env);
    return give_int4(c, (int32_t)days);
}

static inline status give_interval(struct fn_call *c, int64_t months, int64_t days, int64_t us) {
    if (months != (int32_t)months || days != (int32_t)days) return interval_out_of_range(c->env);
    struct interval *i = arena_alloc(c->env->arena, sizeof *i);
    if (!i) return out_of_memory(c->env);
    *i = (struct interval){us, (int32_t)days, (int32_t)months};
    c->result = datum_ptr(i);
    return OK;
}

static inline status give_timetz(struct fn_call *c, int64_t us, int32_t west_s) {
    struct timetz *t = arena_alloc(c->env->arena, sizeof *t);
    if (!t) return out_of_memory(c->env);
    *t = (struct timetz){.time_us = us, .zone_s = west_s};
    return give_ptr(c, t);
}

#endif
