/* Arithmetic, conversions and comparisons of dates, times and intervals. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "types/datetime_text.h"
#include "types/vector.h"

static const struct tz *session_zone(const struct fn_call *c) {
    return c->env->session->time_zone;
}

static status give_interval(struct fn_call *c, int64_t months, int64_t days, int64_t us) {
    if (months != (int32_t)months || days != (int32_t)days) return interval_out_of_range(c->env);
    struct interval *i = arena_alloc(c->env->arena, sizeof *i);
    if (!i) return out_of_memory(c->env);
    *i = (struct interval){us, (int32_t)days, (int32_t)months};
    c->result = datum_ptr(i);
    return OK;
}

/* ---- date ---- */

static status give_date(struct fn_call *c, int64_t days) {
    if (days < DATE_FIRST || days > DATE_LAST) return date_out_of_range(c->env);
    return give_int4(c, (int32_t)days);
}

static status shift_date(struct fn_call *c, datum date, int64_t days) {
    if (date_finite(date.i32)) return give_date(c, date.i32 + days);
    c->result = date;
    return OK;
}

status fn_date_pli(struct fn_call *c) {
    return shift_date(c, c->args[0], c->args[1].i32);
}
status fn_date_mii(struct fn_call *c) {
    return shift_date(c, c->args[0], -(int64_t)c->args[1].i32);
}
status fn_integer_pl_date(struct fn_call *c) {
    return shift_date(c, c->args[1], c->args[0].i32);
}

status fn_date_mi(struct fn_call *c) {
    if (!date_finite(c->args[0].i32) || !date_finite(c->args[1].i32))
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW,
                         "cannot subtract infinite dates");
    return give_int4(c, c->args[0].i32 - c->args[1].i32);
}

status fn_date_finite(struct fn_call *c) {
    return give_bool(c, date_finite(c->args[0].i32));
}
status fn_timestamp_finite(struct fn_call *c) {
    return give_bool(c, stamp_finite(c->args[0].i64));
}
status fn_interval_finite(struct fn_call *c) {
    return give_bool(c, true);
}

/* A date as a timestamp; false beyond what a timestamp can hold. */
static bool date_to_stamp(int32_t date, int64_t *ret) {
    if (!date_finite(date)) {
        *ret = date == DATE_MAX ? STAMP_MAX : STAMP_MIN;
        return true;
    }
    return !__builtin_mul_overflow((int64_t)date, US_PER_DAY, ret) && stamp_in_range(*ret);
}

static bool local_to_stamptz(const struct fn_call *c, int64_t local, int64_t *ret) {
    if (stamp_finite(local)) return stamp_from_local(local, session_zone(c), ret);
    *ret = local;
    return true;
}

static status date_too_large(struct fn_call *c) {
    return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW, "date out of range for timestamp");
}

status fn_date_timestamp(struct fn_call *c) {
    int64_t t;
    if (!date_to_stamp(c->args[0].i32, &t)) return date_too_large(c);
    return give_int8(c, t);
}

status fn_date_timestamptz(struct fn_call *c) {
    int64_t t;
    if (!date_to_stamp(c->args[0].i32, &t) || !local_to_stamptz(c, t, &t)) return date_too_large(c);
    return give_int8(c, t);
}

static int64_t floor_day(int64_t t) {
    return t / US_PER_DAY - (t % US_PER_DAY < 0);
}

static status stamp_to_date(struct fn_call *c, int64_t t) {
    if (!stamp_finite(t)) return give_int4(c, t == STAMP_MAX ? DATE_MAX : DATE_MIN);
    return give_int4(c, (int32_t)floor_day(t));
}

static int64_t to_local(const struct fn_call *c, int64_t t) {
    return stamp_finite(t) ? local_from_stamp(t, session_zone(c)) : t;
}

status fn_timestamp_date(struct fn_call *c) {
    return stamp_to_date(c, c->args[0].i64);
}
status fn_timestamptz_date(struct fn_call *c) {
    return stamp_to_date(c, to_local(c, c->args[0].i64));
}

status fn_timestamp_timestamptz(struct fn_call *c) {
    int64_t t;
    if (!local_to_stamptz(c, c->args[0].i64, &t)) return stamp_out_of_range(c->env);
    return give_int8(c, t);
}
status fn_timestamptz_timestamp(struct fn_call *c) {
    return give_int8(c, to_local(c, c->args[0].i64));
}

/* ---- comparisons across the three ---- */

/* What two moments are compared as. */
struct moments {
    oid types[2];
    bool zoned; /* UTC: a timestamptz is among them; else local time */
};

static struct moments moments_of(const struct fn_call *c) {
    const oid *types = c->site->function->args;
    return (struct moments){{types[0], types[1]},
                            types[0] == TIMESTAMPTZOID || types[1] == TIMESTAMPTZOID};
}

/* What is too large to be brought to the other's kind is compared as infinitely far. */
static inline int64_t comparable(const struct fn_call *c, const struct moments *m, int side,
                                 datum value) {
    int64_t t = value.i64;
    if (m->types[side] == TIMESTAMPTZOID) return t;
    if (m->types[side] == DATEOID && !date_to_stamp(value.i32, &t))
        return value.i32 > 0 ? STAMP_MAX - 1 : STAMP_MIN + 1;
    if (m->zoned && !local_to_stamptz(c, t, &t)) return t > 0 ? STAMP_MAX - 1 : STAMP_MIN + 1;
    return t;
}

static inline int compare_moments(const struct fn_call *c, const struct moments *m, datum x,
                                  datum y) {
    int64_t a = comparable(c, m, 0, x), b = comparable(c, m, 1, y);
    return (a > b) - (a < b);
}

#define MOMENT_COMPARISON(name, op)                                                                \
    status fn_moment_##name(struct fn_call *c) {                                                   \
        struct moments m = moments_of(c);                                                          \
        return give_bool(c, compare_moments(c, &m, c->args[0], c->args[1]) op 0);                  \
    }                                                                                              \
    status fnv_moment_##name(struct fn_call *c, const struct vec *const *args, struct vec *result, \
                             const uint16_t *sel, uint16_t n) {                                    \
        const struct vec *x = args[0], *y = args[1];                                               \
        struct moments m = moments_of(c);                                                          \
        EACH_ROW({                                                                                 \
            result->nulls[i] = x->nulls[i] | y->nulls[i];                                          \
            if (result->nulls[i]) continue;                                                        \
            result->values[i] =                                                                    \
                datum_bool(compare_moments(c, &m, x->values[i], y->values[i]) op 0);               \
        });                                                                                        \
        return OK;                                                                                 \
    }
MOMENT_COMPARISON(eq, ==)
MOMENT_COMPARISON(ne, !=)
MOMENT_COMPARISON(lt, <)
MOMENT_COMPARISON(le, <=)
MOMENT_COMPARISON(gt, >)
MOMENT_COMPARISON(ge, >=)

status fn_moment_cmp(struct fn_call *c) {
    struct moments m = moments_of(c);
    return give_int4(c, compare_moments(c, &m, c->args[0], c->args[1]));
}

/* ---- timestamp ± interval ---- */

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

status stamp_add_interval(const struct eval_env *env, int64_t t, const struct interval *i,
                          const struct tz *zone, int64_t *ret) {
    if (!stamp_finite(t)) {
        *ret = t;
        return OK;
    }
    if (i->months || i->days) {
        struct civil c;
        civil_from_stamp(t, zone, &c);
        if (i->months) {
            int64_t months = c.year * 12 + (c.month - 1) + i->months;
            c.year = floor_div(months, 12);
            c.month = (int32_t)(months - c.year * 12) + 1;
            int32_t last = days_in_month(c.year, c.month);
            if (c.day > last) c.day = last;
        }
        int64_t days = days_from_date(c.year, c.month, c.day) + i->days, local;
        if (__builtin_mul_overflow(days, US_PER_DAY, &local) ||
            __builtin_add_overflow(local, us_of_time(&c), &local) || !stamp_in_range(local))
            return stamp_out_of_range(env);
        t = local;
        if (zone && !stamp_from_local(local, zone, &t)) return stamp_out_of_range(env);
    }
    if (__builtin_add_overflow(t, i->time_us, &t) || !stamp_in_range(t))
        return stamp_out_of_range(env);
    *ret = t;
    return OK;
}

static status negated(const struct eval_env *env, const struct interval *i, struct interval *ret) {
    if (i->months == INT32_MIN || i->days == INT32_MIN || i->time_us == INT64_MIN)
        return interval_out_of_range(env);
    *ret = (struct interval){-i->time_us, -i->days, -i->months};
    return OK;
}

/* args[at] is the moment (a date or a timestamp of either kind), the other the interval. */
static status add_interval(struct fn_call *c, size_t at, bool minus) {
    oid type = c->site->function->args[at];
    struct interval i = *c->args[1 - at].interval;
    int64_t t = c->args[at].i64;
    if (minus) TRY(negated(c->env, &i, &i));
    if (type == DATEOID && !date_to_stamp(c->args[at].i32, &t)) return date_too_large(c);
    TRY(stamp_add_interval(c->env, t, &i, type == TIMESTAMPTZOID ? session_zone(c) : NULL, &t));
    return give_int8(c, t);
}

status fn_moment_pl_interval(struct fn_call *c) {
    return add_interval(c, 0, false);
}
status fn_moment_mi_interval(struct fn_call *c) {
    return add_interval(c, 0, true);
}
status fn_interval_pl_moment(struct fn_call *c) {
    return add_interval(c, 1, false);
}

/* The difference in days and time. */
status fn_timestamp_mi(struct fn_call *c) {
    int64_t a = c->args[0].i64, b = c->args[1].i64, us;
    if (!stamp_finite(a) || !stamp_finite(b))
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW,
                         "cannot subtract infinite timestamps");
    if (__builtin_sub_overflow(a, b, &us)) return interval_out_of_range(c->env);
    return give_interval(c, 0, us / US_PER_DAY, us % US_PER_DAY);
}

status fn_datetime_timestamp(struct fn_call *c) {
    bool date_first = c->site->function->args[0] == DATEOID;
    int32_t date = c->args[!date_first].i32;
    int64_t t;
    if (!date_to_stamp(date, &t)) return date_too_large(c);
    if (stamp_finite(t)) t += c->args[date_first].i64;
    return give_int8(c, t);
}

/* ---- time ---- */

static int64_t wrap_day(int64_t us) {
    us %= US_PER_DAY;
    return us < 0 ? us + US_PER_DAY : us;
}

status fn_time_mi_time(struct fn_call *c) {
    return give_interval(c, 0, 0, c->args[0].i64 - c->args[1].i64);
}
status fn_time_pl_interval(struct fn_call *c) {
    return give_int8(c, wrap_day(c->args[0].i64 + c->args[1].interval->time_us % US_PER_DAY));
}
status fn_time_mi_interval(struct fn_call *c) {
    return give_int8(c, wrap_day(c->args[0].i64 - c->args[1].interval->time_us % US_PER_DAY));
}
status fn_interval_pl_time(struct fn_call *c) {
    return give_int8(c, wrap_day(c->args[1].i64 + c->args[0].interval->time_us % US_PER_DAY));
}
status fn_time_interval(struct fn_call *c) {
    return give_interval(c, 0, 0, c->args[0].i64);
}
status fn_interval_time(struct fn_call *c) {
    return give_int8(c, wrap_day(c->args[0].interval->time_us));
}

static status time_of_stamp(struct fn_call *c, int64_t t) {
    if (!stamp_finite(t)) return give_null(c);
    return give_int8(c, wrap_day(t));
}
status fn_timestamp_time(struct fn_call *c) {
    return time_of_stamp(c, c->args[0].i64);
}
status fn_timestamptz_time(struct fn_call *c) {
    return time_of_stamp(c, to_local(c, c->args[0].i64));
}

static status give_timetz(struct fn_call *c, int64_t us, int32_t west_s) {
    struct timetz *t = arena_alloc(c->env->arena, sizeof *t);
    if (!t) return out_of_memory(c->env);
    *t = (struct timetz){.time_us = us, .zone_s = west_s};
    return give_ptr(c, t);
}

status fn_timetz_time(struct fn_call *c) {
    return give_int8(c, ((const struct timetz *)c->args[0].p)->time_us);
}

status fn_time_timetz(struct fn_call *c) {
    struct civil now;
    civil_from_stamp(c->env->session->transaction_us, session_zone(c), &now);
    return give_timetz(c, c->args[0].i64, -now.offset_s);
}

status fn_timestamptz_timetz(struct fn_call *c) {
    struct civil at;
    if (!stamp_finite(c->args[0].i64)) return give_null(c);
    civil_from_stamp(c->args[0].i64, session_zone(c), &at);
    return give_timetz(c, us_of_time(&at), -at.offset_s);
}

static status shift_timetz(struct fn_call *c, int sign) {
    const struct timetz *t = c->args[0].p;
    int64_t us = c->args[1].interval->time_us % US_PER_DAY;
    return give_timetz(c, wrap_day(t->time_us + sign * us), t->zone_s);
}
status fn_timetz_pl_interval(struct fn_call *c) {
    return shift_timetz(c, 1);
}
status fn_interval_pl_timetz(struct fn_call *c) {
    const struct timetz *t = c->args[1].p;
    int64_t us = c->args[0].interval->time_us % US_PER_DAY;
    return give_timetz(c, wrap_day(t->time_us + us), t->zone_s);
}
status fn_timetz_mi_interval(struct fn_call *c) {
    return shift_timetz(c, -1);
}

/* timestamptz(date, time), in the session's zone */
status fn_datetime_timestamptz(struct fn_call *c) {
    int64_t t;
    TRY(fn_datetime_timestamp(c));
    if (!stamp_finite(c->result.i64)) return OK;
    if (!stamp_from_local(c->result.i64, session_zone(c), &t)) return stamp_out_of_range(c->env);
    return give_int8(c, t);
}

status fn_datetimetz_timestamptz(struct fn_call *c) {
    bool date_first = c->site->function->args[0] == DATEOID;
    const struct timetz *time = c->args[date_first].p;
    int64_t t;
    if (!date_to_stamp(c->args[!date_first].i32, &t)) return date_too_large(c);
    if (stamp_finite(t)) t += time->time_us + time->zone_s * US_PER_SECOND;
    if (stamp_finite(t) && !stamp_in_range(t)) return stamp_out_of_range(c->env);
    return give_int8(c, t);
}

/* ---- interval ---- */

status fn_interval_um(struct fn_call *c) {
    struct interval i = {0};
    TRY(negated(c->env, c->args[0].interval, &i));
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

/* ---- the clock ---- */

status fn_now(struct fn_call *c) {
    return give_int8(c, c->env->session->transaction_us);
}
status fn_statement_timestamp(struct fn_call *c) {
    return give_int8(c, c->env->session->statement_us);
}
static int64_t clock_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (t.tv_sec - EPOCH_UNIX_SECONDS) * US_PER_SECOND + t.tv_nsec / 1000;
}
status fn_clock_timestamp(struct fn_call *c) {
    return give_int8(c, clock_us());
}

status fn_timeofday(struct fn_call *c) {
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil t;
    civil_from_stamp(clock_us(), session_zone(c), &t);
    return give_string(c, arena_printf(c->env->arena, "%s %s %02d %02d:%02d:%02d.%06d %04lld %s",
                                       days[weekday(days_from_date(t.year, t.month, t.day))],
                                       months[t.month - 1], t.day, t.hour, t.minute, t.second, t.us,
                                       (long long)t.year, t.zone));
}

/* ---- making ---- */

status fn_make_date(struct fn_call *c) {
    int64_t year = c->args[0].i32;
    int32_t month = c->args[1].i32, day = c->args[2].i32;
    bool bad = year == 0 || month < 1 || month > 12 || day < 1;
    if (year < 0) year++;
    if (bad || day > days_in_month(year, month))
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW,
                         "date field value out of range: %d-%02d-%02d", c->args[0].i32, month, day);
    int64_t days = days_from_date(year, month, day);
    if (days < DATE_FIRST || days > DATE_LAST)
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW,
                         "date out of range: %d-%02d-%02d", c->args[0].i32, month, day);
    return give_int4(c, (int32_t)days);
}

/* hour, minute and seconds from args[at] on */
static status time_from_args(struct fn_call *c, size_t at, int64_t *ret_us) {
    int32_t hour = c->args[at].i32, minute = c->args[at + 1].i32;
    double second = c->args[at + 2].f8, us = rint(second * 1e6);
    if (hour < 0 || minute < 0 || minute > 59 || !(us >= 0 && us <= 60e6) || hour > 24 ||
        (hour == 24 && (minute > 0 || us > 0)))
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW,
                         "time field value out of range: %d:%02d:%02g", hour, minute, second);
    *ret_us = (hour * INT64_C(60) + minute) * US_PER_MINUTE + (int64_t)us;
    return OK;
}

status fn_make_time(struct fn_call *c) {
    int64_t us;
    TRY(time_from_args(c, 0, &us));
    return give_int8(c, us);
}

status fn_make_timestamp(struct fn_call *c) {
    int64_t us, t;
    TRY(fn_make_date(c));
    TRY(time_from_args(c, 3, &us));
    if (!date_to_stamp(c->result.i32, &t) || !stamp_in_range(t + us))
        return stamp_out_of_range(c->env);
    return give_int8(c, t + us);
}

/* A zone as make_timestamptz takes it: a number is read as in literals, so east is positive. */
static status sane_zone(struct fn_call *c, const struct varlena *v, const struct tz **ret) {
    int32_t offset;
    char *text = arena_strndup(c->env->arena, v->data, v->len);
    if (!text) return out_of_memory(c->env);
    if (is_digit(*text)) {
        status s = error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                             "invalid input syntax for type numeric time zone: \"%s\"", text);
        error_hint(c->env->error,
                   "Numeric time zones must have \"-\" or \"+\" as first character.");
        return s;
    }
    switch (read_offset(text, &offset)) {
    case READING_OK: return ok(tz_find_offset(offset, ret)) ? OK : out_of_memory(c->env);
    case READING_OFFSET:
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                         "numeric time zone \"%s\" out of range", text);
    default: return find_zone(c->env, v->data, v->len, ret);
    }
}

status fn_make_timestamptz(struct fn_call *c) {
    const struct tz *zone = session_zone(c);
    int64_t t;
    TRY(fn_make_timestamp(c));
    if (c->nargs > 6) TRY(sane_zone(c, c->args[6].v, &zone));
    if (!stamp_from_local(c->result.i64, zone, &t)) return stamp_out_of_range(c->env);
    return give_int8(c, t);
}

/* years, months, weeks, days, hours, mins, secs; those left out are 0 */
status fn_make_interval(struct fn_call *c) {
    int64_t v[6] = {0};
    for (size_t i = 0; i < 6 && i < c->nargs; i++) v[i] = c->args[i].i32;
    double seconds = c->nargs > 6 ? c->args[6].f8 : 0;
    if (!isfinite(seconds) || fabs(seconds) > 9e12) return interval_out_of_range(c->env);
    return give_interval(c, v[0] * 12 + v[1], v[2] * 7 + v[3],
                         v[4] * US_PER_HOUR + v[5] * US_PER_MINUTE + (int64_t)rint(seconds * 1e6));
}

/* to_timestamp(seconds since 1970) */
status fn_float8_timestamptz(struct fn_call *c) {
    double seconds = c->args[0].f8;
    if (isnan(seconds))
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW, "timestamp cannot be NaN");
    if (isinf(seconds)) return give_int8(c, seconds > 0 ? STAMP_MAX : STAMP_MIN);
    double us = rint((seconds - EPOCH_UNIX_SECONDS) * 1e6);
    if (!(us >= (double)STAMP_FIRST && us < (double)STAMP_END))
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW,
                         "timestamp out of range: \"%g\"", seconds);
    return give_int8(c, (int64_t)us);
}

/* ---- AT TIME ZONE: timezone(zone, moment) ---- */

static status zone_with_days(struct fn_call *c, const struct interval *i) {
    struct buf words = {0};
    TRY(interval_format_style(c->env->session, i, &words));
    status s = error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                         "interval time zone \"%.*s\" must not include months or days",
                         (int)words.len, words.data);
    buf_free(&words);
    return s;
}

/* The zone of args[0]: its name, or an interval of hours. */
static status zone_argument(struct fn_call *c, const struct tz **ret) {
    if (c->site->function->args[0] != INTERVALOID)
        return find_zone(c->env, c->args[0].v->data, c->args[0].v->len, ret);
    const struct interval *i = c->args[0].interval;
    if (i->months || i->days) return zone_with_days(c, i);
    int64_t offset = i->time_us / US_PER_SECOND;
    if (offset < -86399 || offset > 86399)
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "time zone out of range");
    status s = tz_find_offset((int32_t)offset, ret);
    return ok(s) ? OK : out_of_memory(c->env);
}

status fn_timestamp_zone(struct fn_call *c) {
    const struct tz *zone;
    int64_t t = c->args[1].i64;
    TRY(zone_argument(c, &zone));
    if (stamp_finite(t) && !stamp_from_local(t, zone, &t)) return stamp_out_of_range(c->env);
    return give_int8(c, t);
}

status fn_timestamptz_zone(struct fn_call *c) {
    const struct tz *zone;
    int64_t t = c->args[1].i64;
    TRY(zone_argument(c, &zone));
    return give_int8(c, stamp_finite(t) ? local_from_stamp(t, zone) : t);
}

status fn_timetz_zone(struct fn_call *c) {
    const struct tz *zone;
    const struct timetz *t = c->args[1].p;
    struct civil now;
    TRY(zone_argument(c, &zone));
    civil_from_stamp(c->env->session->transaction_us, zone, &now);
    int64_t us = t->time_us + (t->zone_s + now.offset_s) * US_PER_SECOND;
    return give_timetz(c, wrap_day(us), -now.offset_s);
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
        /* The month that is counted out is the earlier one's (or the later's, going backwards). */
        days += sign > 0 ? days_in_month(b.year, b.month) : days_in_month(b.year, b.month);
        months--;
    }
    return give_interval(c, sign * months, sign * days, sign * us);
}

static status age_of(struct fn_call *c, int64_t a, int64_t b, const struct tz *zone) {
    struct civil x, y;
    if (!stamp_finite(a) || !stamp_finite(b)) return stamp_out_of_range(c->env);
    civil_from_stamp(a, zone, &x);
    civil_from_stamp(b, zone, &y);
    bool forward = zone ? local_from_stamp(a, zone) >= local_from_stamp(b, zone) : a >= b;
    return forward ? age_between(c, x, y, 1) : age_between(c, y, x, -1);
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

/* ---- generate_series(timestamp) ---- */

struct moment_series {
    int64_t next, stop;
    struct interval step;
    int sign;
};

status fn_generate_series_timestamp(struct fn_call *c) {
    struct moment_series *s = c->set_state;
    if (!s) {
        s = arena_zalloc(c->set_arena, sizeof *s);
        if (!s) return out_of_memory(c->env);
        *s = (struct moment_series){c->args[0].i64, c->args[1].i64, *c->args[2].interval, 0};
        __int128 span = interval_span(&s->step);
        s->sign = (span > 0) - (span < 0);
        if (!s->sign)
            return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                             "step size cannot equal zero");
        c->set_state = s;
    }
    if (s->sign > 0 ? s->next > s->stop : s->next < s->stop) {
        c->set_done = true;
        return OK;
    }
    c->result = datum_int8(s->next);
    bool zoned = c->site->function->result == TIMESTAMPTZOID;
    return stamp_add_interval(c->env, s->next, &s->step, zoned ? session_zone(c) : NULL, &s->next);
}

/* ---- (a, b) OVERLAPS (c, d) ---- */

struct period {
    datum start, end;
    bool end_null;
};

/* start + interval */
static status end_of_length(struct fn_call *c, oid type, int64_t start, const struct interval *i,
                            datum *ret) {
    if (type == TIMEOID) {
        ret->i64 = wrap_day(start + i->time_us % US_PER_DAY);
        return OK;
    }
    return stamp_add_interval(c->env, start, i, type == TIMESTAMPTZOID ? session_zone(c) : NULL,
                              &ret->i64);
}

/* The period args[at], args[at + 1], turned round when it begins at its end; false: no end of it is
 * known. */
static status period_of(struct fn_call *c, size_t at, const struct type *t, struct period *ret,
                        bool *ret_known) {
    bool start_null = c->nulls[at], end_null = c->nulls[at + 1];
    datum start = c->args[at], end = c->args[at + 1];
    if (c->site->function->args[at + 1] == INTERVALOID) {
        end_null |= start_null;
        if (!end_null) TRY(end_of_length(c, t->oid, start.i64, c->args[at + 1].interval, &end));
    }
    bool swap = start_null || (!end_null && type_compare(t, start, end) > 0);
    *ret_known = !start_null || !end_null;
    *ret = (struct period){swap ? end : start, swap ? start : end, start_null || end_null};
    return OK;
}

/* Do periods of which `late` begins after `early` meet? An unknown end leaves it open. */
static status meet(struct fn_call *c, const struct type *t, const struct period *early,
                   const struct period *late) {
    if (early->end_null) return give_null(c);
    if (type_compare(t, late->start, early->end) < 0) return give_bool(c, true);
    return late->end_null ? give_null(c) : give_bool(c, false);
}

status fn_overlaps(struct fn_call *c) {
    const struct type *t = type_find(c->site->function->args[0]);
    struct period a, b;
    bool a_known, b_known;
    TRY(period_of(c, 0, t, &a, &a_known));
    TRY(period_of(c, 2, t, &b, &b_known));
    if (!a_known || !b_known) return give_null(c);
    int order = type_compare(t, a.start, b.start);
    if (order) return order < 0 ? meet(c, t, &a, &b) : meet(c, t, &b, &a);
    return a.end_null || b.end_null ? give_null(c) : give_bool(c, true);
}
