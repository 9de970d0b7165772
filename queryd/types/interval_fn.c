/* Arithmetic of intervals, and those between two moments. */
#include <math.h>

#include "types/datetime_fn.h"

status fn_interval_um(struct fn_call *c) {
    struct interval i = {0};
    TRY(interval_negate(c->env, c->args[0].interval, &i));
    return give_interval(c, i.months, i.days, i.time_us);
}

static status add_intervals(struct fn_call *c, int sign) {
    const struct interval *a = c->args[0].interval, *b = c->args[1].interval;
    int64_t us;
    bool overflow = sign > 0 ? __builtin_add_overflow(a->time_us, b->time_us, &us)
                             : __builtin_sub_overflow(a->time_us, b->time_us, &us);
    if (overflow) return interval_out_of_range(c->env);
    return give_interval(c, a->months + sign * (int64_t)b->months,
                         a->days + sign * (int64_t)b->days, us);
}
status fn_interval_pl(struct fn_call *c) {
    return add_intervals(c, 1);
}
status fn_interval_mi(struct fn_call *c) {
    return add_intervals(c, -1);
}

/* Rounded to microseconds of a second, as PostgreSQL's TSROUND. */
static double round_seconds(double x) {
    return rint(x * 1000000.0) / 1000000.0;
}

/* Months and days that come out broken go down: months as 30 days, days as 24 hours. */
static status scale_interval(struct fn_call *c, const struct interval *i, double months,
                             double days, double us) {
    if (isnan(months) || isnan(days) || fabs(months) > INT32_MAX || fabs(days) > INT32_MAX)
        return interval_out_of_range(c->env);
    int32_t whole_months = (int32_t)months, whole_days = (int32_t)days;
    double month_days = round_seconds((months - whole_months) * 30);
    double seconds = (days - whole_days + month_days - (int32_t)month_days) * SECONDS_IN_DAY;
    seconds = round_seconds(seconds);
    int64_t all_days = (int64_t)whole_days + (int32_t)month_days;
    if (fabs(seconds) >= SECONDS_IN_DAY) {
        all_days += (int64_t)(seconds / SECONDS_IN_DAY);
        seconds -= (double)((int64_t)(seconds / SECONDS_IN_DAY) * SECONDS_IN_DAY);
    }
    us = rint(us + seconds * 1e6);
    (void)i;
    if (!(fabs(us) < 9.2e18)) return interval_out_of_range(c->env);
    return give_interval(c, whole_months, all_days, (int64_t)us);
}

static status multiply_interval(struct fn_call *c, const struct interval *i, double factor) {
    return scale_interval(c, i, i->months * factor, i->days * factor, (double)i->time_us * factor);
}
status fn_interval_mul(struct fn_call *c) {
    return multiply_interval(c, c->args[0].interval, c->args[1].f8);
}
status fn_mul_d_interval(struct fn_call *c) {
    return multiply_interval(c, c->args[1].interval, c->args[0].f8);
}
status fn_interval_div(struct fn_call *c) {
    const struct interval *i = c->args[0].interval;
    double divisor = c->args[1].f8;
    if (divisor == 0) return division_by_zero(c->env);
    return scale_interval(c, i, i->months / divisor, i->days / divisor,
                          (double)i->time_us / divisor);
}

/* justify_hours, justify_days, justify_interval */
static void carry(int64_t *high, int64_t *low, int64_t unit) {
    *high += *low / unit;
    *low %= unit;
    if (*high > 0 && *low < 0) {
        *low += unit;
        (*high)--;
    } else if (*high < 0 && *low > 0) {
        *low -= unit;
        (*high)++;
    }
}

status fn_interval_justify_hours(struct fn_call *c) {
    const struct interval *i = c->args[0].interval;
    int64_t days = i->days, us = i->time_us;
    carry(&days, &us, US_PER_DAY);
    return give_interval(c, i->months, days, us);
}
status fn_interval_justify_days(struct fn_call *c) {
    const struct interval *i = c->args[0].interval;
    int64_t months = i->months, days = i->days;
    carry(&months, &days, 30);
    return give_interval(c, months, days, i->time_us);
}
status fn_interval_justify_interval(struct fn_call *c) {
    const struct interval *i = c->args[0].interval;
    int64_t months = i->months, days = i->days, us = i->time_us;
    days += us / US_PER_DAY;
    us %= US_PER_DAY;
    months += days / 30;
    days %= 30;
    if (months > 0 && (days < 0 || (days == 0 && us < 0))) {
        days += 30;
        months--;
    } else if (months < 0 && (days > 0 || (days == 0 && us > 0))) {
        days -= 30;
        months++;
    }
    if (days > 0 && us < 0) {
        us += US_PER_DAY;
        days--;
    } else if (days < 0 && us > 0) {
        us -= US_PER_DAY;
        days++;
    }
    return give_interval(c, months, days, us);
}

/* ---- age ---- */

static status age_between(struct fn_call *c, struct civil a, struct civil b, int sign) {
    int64_t us = us_of_time(&a) - us_of_time(&b);
    int64_t days = a.day - b.day, months = (a.year - b.year) * 12 + a.month - b.month;
    if (us < 0) {
        us += US_PER_DAY;
        days--;
    }
    if (days < 0) {
        days += days_in_month(b.year, b.month); /* the earlier month is counted out */
        months--;
    }
    return give_interval(c, sign * months, sign * days, sign * us);
}

/* Whether `a` is not before `b` on the clocks of the zone. */
static bool not_before(int64_t a, int64_t b, const struct tz *zone) {
    if (!zone || a == STAMP_MAX || b == STAMP_MAX) return a >= b;
    return local_from_stamp(a, zone) >= local_from_stamp(b, zone);
}

/* Like PostgreSQL, takes infinity for the far moment that its number would be. */
static status age_of(struct fn_call *c, int64_t a, int64_t b, const struct tz *zone) {
    struct civil x, y;
    if (a == STAMP_MIN || b == STAMP_MIN) return stamp_out_of_range(c->env);
    civil_from_stamp(a, zone, &x);
    civil_from_stamp(b, zone, &y);
    return not_before(a, b, zone) ? age_between(c, x, y, 1) : age_between(c, y, x, -1);
}

/* age(a, b); age(b) counts from today's midnight */
status fn_timestamp_age(struct fn_call *c) {
    if (c->nargs == 2) return age_of(c, c->args[0].i64, c->args[1].i64, NULL);
    int64_t now = to_local(c, c->env->session->transaction_us);
    return age_of(c, floor_day(now) * US_PER_DAY, c->args[0].i64, NULL);
}

status fn_timestamptz_age(struct fn_call *c) {
    const struct tz *zone = session_zone(c);
    if (c->nargs == 2) return age_of(c, c->args[0].i64, c->args[1].i64, zone);
    int64_t midnight, today = floor_day(to_local(c, c->env->session->transaction_us));
    if (!stamp_from_local(today * US_PER_DAY, zone, &midnight)) return stamp_out_of_range(c->env);
    return age_of(c, midnight, c->args[0].i64, zone);
}
