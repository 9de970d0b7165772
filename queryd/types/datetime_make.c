/* The clock, and dates, times and intervals made of their parts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "types/datetime_fn.h"
#include "types/datetime_text.h"

/* ---- the clock ---- */

status fn_now(struct fn_call *c) {
    return give_int8(c, c->env->session->transaction_us);
}
status fn_statement_timestamp(struct fn_call *c) {
    return give_int8(c, c->env->session->statement_us);
}
int64_t clock_stamp(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (t.tv_sec - EPOCH_UNIX_SECONDS) * US_PER_SECOND + t.tv_nsec / 1000;
}
status fn_clock_timestamp(struct fn_call *c) {
    return give_int8(c, clock_stamp());
}

status fn_timeofday(struct fn_call *c) {
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil t;
    civil_from_stamp(clock_stamp(), session_zone(c), &t);
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
