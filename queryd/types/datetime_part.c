/* date_part, extract, date_trunc. extract gives numeric, date_part the same as float8. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "types/datetime.h"
#include "types/numeric.h"

enum field {
    FIELD_US,
    FIELD_MS,
    FIELD_SECOND,
    FIELD_MINUTE,
    FIELD_HOUR,
    FIELD_DAY,
    FIELD_WEEK,
    FIELD_MONTH,
    FIELD_QUARTER,
    FIELD_YEAR,
    FIELD_DECADE,
    FIELD_CENTURY,
    FIELD_MILLENNIUM,
    FIELD_DOW,
    FIELD_ISODOW,
    FIELD_DOY,
    FIELD_ISOYEAR,
    FIELD_JULIAN,
    FIELD_EPOCH,
    FIELD_TIMEZONE,
    FIELD_TIMEZONE_H,
    FIELD_TIMEZONE_M,
    FIELD_UNKNOWN
};

static enum field field_of(const struct varlena *name) {
    static const struct {
        const char *word;
        enum field field;
    } words[] = {{"microseconds", FIELD_US},
                 {"microsecond", FIELD_US},
                 {"us", FIELD_US},
                 {"usec", FIELD_US},
                 {"usecs", FIELD_US},
                 {"useconds", FIELD_US},
                 {"milliseconds", FIELD_MS},
                 {"millisecond", FIELD_MS},
                 {"ms", FIELD_MS},
                 {"msec", FIELD_MS},
                 {"msecs", FIELD_MS},
                 {"mseconds", FIELD_MS},
                 {"second", FIELD_SECOND},
                 {"seconds", FIELD_SECOND},
                 {"sec", FIELD_SECOND},
                 {"s", FIELD_SECOND},
                 {"secs", FIELD_SECOND},
                 {"minute", FIELD_MINUTE},
                 {"minutes", FIELD_MINUTE},
                 {"min", FIELD_MINUTE},
                 {"m", FIELD_MINUTE},
                 {"mins", FIELD_MINUTE},
                 {"hour", FIELD_HOUR},
                 {"hours", FIELD_HOUR},
                 {"h", FIELD_HOUR},
                 {"hr", FIELD_HOUR},
                 {"hrs", FIELD_HOUR},
                 {"day", FIELD_DAY},
                 {"days", FIELD_DAY},
                 {"d", FIELD_DAY},
                 {"week", FIELD_WEEK},
                 {"weeks", FIELD_WEEK},
                 {"w", FIELD_WEEK},
                 {"month", FIELD_MONTH},
                 {"months", FIELD_MONTH},
                 {"mon", FIELD_MONTH},
                 {"mons", FIELD_MONTH},
                 {"quarter", FIELD_QUARTER},
                 {"qtr", FIELD_QUARTER},
                 {"year", FIELD_YEAR},
                 {"years", FIELD_YEAR},
                 {"y", FIELD_YEAR},
                 {"yr", FIELD_YEAR},
                 {"yrs", FIELD_YEAR},
                 {"decade", FIELD_DECADE},
                 {"decades", FIELD_DECADE},
                 {"dec", FIELD_DECADE},
                 {"decs", FIELD_DECADE},
                 {"century", FIELD_CENTURY},
                 {"centuries", FIELD_CENTURY},
                 {"c", FIELD_CENTURY},
                 {"cent", FIELD_CENTURY},
                 {"millennium", FIELD_MILLENNIUM},
                 {"millennia", FIELD_MILLENNIUM},
                 {"mil", FIELD_MILLENNIUM},
                 {"mils", FIELD_MILLENNIUM},
                 {"dow", FIELD_DOW},
                 {"isodow", FIELD_ISODOW},
                 {"doy", FIELD_DOY},
                 {"isoyear", FIELD_ISOYEAR},
                 {"julian", FIELD_JULIAN},
                 {"epoch", FIELD_EPOCH},
                 {"timezone", FIELD_TIMEZONE},
                 {"timezone_h", FIELD_TIMEZONE_H},
                 {"timezone_hour", FIELD_TIMEZONE_H},
                 {"timezone_m", FIELD_TIMEZONE_M},
                 {"timezone_minute", FIELD_TIMEZONE_M}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (same_word(name->data, name->len, words[i].word)) return words[i].field;
    return FIELD_UNKNOWN;
}

static status bad_unit(struct fn_call *c, enum field field, const char *type_name) {
    const struct varlena *name = c->args[0].v;
    char lower[64];
    size_t n = name->len < sizeof lower - 1 ? name->len : sizeof lower - 1;
    for (size_t i = 0; i < n; i++) lower[i] = lower_ascii(name->data[i]);
    return error_set(c->env->error,
                     field == FIELD_UNKNOWN ? ST_INVALID_PARAMETER_VALUE : ST_FEATURE_NOT_SUPPORTED,
                     field == FIELD_UNKNOWN ? "unit \"%.*s\" not recognized for type %s"
                                            : "unit \"%.*s\" not supported for type %s",
                     (int)n, lower, type_name);
}

/* A field's value: units / 10^scale. */
struct part {
    __int128 value;
    uint32_t scale;
};

static status give_part(struct fn_call *c, struct part p) {
    if (c->site->function->result == NUMERICOID)
        return num_store_int128(c->env, p.value, p.scale, &c->result);
    double x = (double)p.value;
    for (uint32_t i = 0; i < p.scale; i++) x /= 10;
    if (p.scale == 6) x = (double)p.value / 1e6;
    c->result = datum_float8(x);
    return OK;
}

static status give_infinite(struct fn_call *c, bool positive) {
    if (c->site->function->result == NUMERICOID)
        return num_store_special(c->env, positive ? NUM_INFINITY : NUM_MINUS_INFINITY, &c->result);
    c->result = datum_float8(positive ? INFINITY : -INFINITY);
    return OK;
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

/* The fields of the time of day. */
static bool time_part(const struct civil *t, enum field field, struct part *ret) {
    int64_t us = t->second * US_PER_SECOND + t->us;
    *ret = (struct part){0, 0};
    switch (field) {
    case FIELD_US: ret->value = us; return true;
    case FIELD_MS: *ret = (struct part){us, 3}; return true;
    case FIELD_SECOND: *ret = (struct part){us, 6}; return true;
    case FIELD_MINUTE: ret->value = t->minute; return true;
    case FIELD_HOUR: ret->value = t->hour; return true;
    default: return false;
    }
}

/* Years as people count them: no year 0. */
static int64_t shown_year(int64_t year) {
    return year > 0 ? year : year - 1;
}

static bool date_part(const struct civil *t, enum field field, int64_t *ret) {
    int64_t iso_year, day = days_from_date(t->year, t->month, t->day);
    switch (field) {
    case FIELD_DAY: *ret = t->day; return true;
    case FIELD_WEEK: *ret = iso_week(t, &iso_year); return true;
    case FIELD_MONTH: *ret = t->month; return true;
    case FIELD_QUARTER: *ret = (t->month - 1) / 3 + 1; return true;
    case FIELD_YEAR: *ret = shown_year(t->year); return true;
    case FIELD_DECADE: *ret = floor_div(t->year, 10); return true;
    case FIELD_CENTURY:
        *ret = t->year > 0 ? (t->year + 99) / 100 : -((99 - (t->year - 1)) / 100);
        return true;
    case FIELD_MILLENNIUM:
        *ret = t->year > 0 ? (t->year + 999) / 1000 : -((999 - (t->year - 1)) / 1000);
        return true;
    case FIELD_DOW: *ret = weekday(day); return true;
    case FIELD_ISODOW: *ret = weekday(day) ? weekday(day) : 7; return true;
    case FIELD_DOY: *ret = day_of_year(t); return true;
    case FIELD_ISOYEAR:
        iso_week(t, &iso_year);
        *ret = shown_year(iso_year);
        return true;
    default: return false;
    }
}

/* What an infinite moment gives: infinity for fields that grow with it, null for the others. */
static status infinite_part(struct fn_call *c, enum field field, bool positive,
                            const char *type_name) {
    switch (field) {
    case FIELD_YEAR:
    case FIELD_DECADE:
    case FIELD_CENTURY:
    case FIELD_MILLENNIUM:
    case FIELD_JULIAN:
    case FIELD_ISOYEAR:
    case FIELD_EPOCH: return give_infinite(c, positive);
    case FIELD_UNKNOWN: return bad_unit(c, field, type_name);
    default: return give_null(c);
    }
}

static status stamp_part(struct fn_call *c, int64_t t, const struct tz *zone) {
    enum field field = field_of(c->args[0].v);
    const char *type_name = zone ? "timestamp with time zone" : "timestamp without time zone";
    struct civil at;
    struct part p = {0, 0};
    int64_t x;
    if (!stamp_finite(t)) return infinite_part(c, field, t == STAMP_MAX, type_name);
    civil_from_stamp(t, zone, &at);
    if (time_part(&at, field, &p)) return give_part(c, p);
    if (date_part(&at, field, &x)) return give_part(c, (struct part){x, 0});
    switch (field) {
    case FIELD_EPOCH:
        return give_part(c, (struct part){(__int128)t + EPOCH_UNIX_SECONDS * US_PER_SECOND, 6});
    case FIELD_JULIAN: {
        int64_t day = days_from_date(at.year, at.month, at.day) + EPOCH_JULIAN;
        if (c->site->function->result != NUMERICOID) {
            c->result = datum_float8((double)day + (double)us_of_time(&at) / (double)US_PER_DAY);
            return OK;
        }
        datum whole, us, share, us_day;
        TRY(num_store_int128(c->env, day, 0, &whole));
        TRY(num_store_int128(c->env, us_of_time(&at), 0, &us));
        TRY(num_store_int128(c->env, US_PER_DAY, 0, &us_day));
        struct num a, b;
        num_init(&a);
        num_init(&b);
        num_load(&a, us.v);
        num_load(&b, us_day.v);
        num_divide(&a, &a, &b);
        mpz_t power;
        mpz_init(power);
        num_pow10(power, a.scale);
        mpz_mul_si(power, power, day);
        mpz_add(a.z, a.z, power);
        mpz_clear(power);
        status s = num_store(c->env, &a, &share);
        num_clear(&a);
        num_clear(&b);
        TRY(s);
        c->result = share;
        return OK;
    }
    case FIELD_TIMEZONE:
    case FIELD_TIMEZONE_H:
    case FIELD_TIMEZONE_M:
        if (!zone) break;
        x = field == FIELD_TIMEZONE     ? at.offset_s
            : field == FIELD_TIMEZONE_H ? at.offset_s / 3600
                                        : at.offset_s / 60 % 60;
        return give_part(c, (struct part){x, 0});
    default: break;
    }
    return bad_unit(c, field, type_name);
}

status fn_timestamp_part(struct fn_call *c) {
    return stamp_part(c, c->args[1].i64, NULL);
}
status fn_timestamptz_part(struct fn_call *c) {
    return stamp_part(c, c->args[1].i64, c->env->session->time_zone);
}

/* extract(… from date): only the fields a date has; date_part(date) goes through timestamp */
status fn_extract_date(struct fn_call *c) {
    enum field field = field_of(c->args[0].v);
    int32_t date = c->args[1].i32;
    struct civil at = {0};
    int64_t x;
    if (c->site->function->result != NUMERICOID) {
        int64_t t = date_finite(date)  ? date * US_PER_DAY
                    : date == DATE_MAX ? STAMP_MAX
                                       : STAMP_MIN;
        if (date_finite(date) && date > INT64_MAX / US_PER_DAY)
            return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW,
                             "date out of range for timestamp");
        return stamp_part(c, t, NULL);
    }
    bool has_not = field <= FIELD_HOUR || (field >= FIELD_TIMEZONE && field <= FIELD_TIMEZONE_M);
    if (has_not || field == FIELD_UNKNOWN) return bad_unit(c, field, "date");
    if (!date_finite(date)) return infinite_part(c, field, date == DATE_MAX, "date");
    date_from_days(date, &at);
    if (date_part(&at, field, &x)) return give_part(c, (struct part){x, 0});
    if (field == FIELD_JULIAN) return give_part(c, (struct part){(int64_t)date + EPOCH_JULIAN, 0});
    if (field == FIELD_EPOCH)
        return give_part(c, (struct part){((int64_t)date + EPOCH_UNIX_DAYS) * SECONDS_IN_DAY, 0});
    return bad_unit(c, field, "date");
}

status fn_time_part(struct fn_call *c) {
    enum field field = field_of(c->args[0].v);
    struct civil at = {0};
    struct part p;
    time_from_us(c->args[1].i64, &at);
    if (time_part(&at, field, &p)) return give_part(c, p);
    if (field == FIELD_EPOCH) return give_part(c, (struct part){c->args[1].i64, 6});
    return bad_unit(c, field, "time without time zone");
}

status fn_timetz_part(struct fn_call *c) {
    enum field field = field_of(c->args[0].v);
    const struct timetz *t = c->args[1].p;
    struct civil at = {0};
    struct part p;
    time_from_us(t->time_us, &at);
    if (time_part(&at, field, &p)) return give_part(c, p);
    switch (field) {
    case FIELD_EPOCH: return give_part(c, (struct part){t->time_us + t->zone_s * US_PER_SECOND, 6});
    case FIELD_TIMEZONE: return give_part(c, (struct part){-t->zone_s, 0});
    case FIELD_TIMEZONE_H: return give_part(c, (struct part){-t->zone_s / 3600, 0});
    case FIELD_TIMEZONE_M: return give_part(c, (struct part){-t->zone_s / 60 % 60, 0});
    default: return bad_unit(c, field, "time with time zone");
    }
}

status fn_interval_part(struct fn_call *c) {
    enum field field = field_of(c->args[0].v);
    const struct interval *i = c->args[1].interval;
    struct civil at = {0};
    struct part p;
    time_from_us(i->time_us, &at); /* the hour may be of any size, and each field negative */
    if (field == FIELD_HOUR) return give_part(c, (struct part){i->time_us / US_PER_HOUR, 0});
    if (time_part(&at, field, &p)) return give_part(c, p);
    int32_t years = i->months / 12;
    switch (field) {
    case FIELD_DAY: return give_part(c, (struct part){i->days, 0});
    case FIELD_MONTH: return give_part(c, (struct part){i->months % 12, 0});
    case FIELD_QUARTER: return give_part(c, (struct part){i->months % 12 / 3 + 1, 0});
    case FIELD_YEAR: return give_part(c, (struct part){years, 0});
    case FIELD_DECADE: return give_part(c, (struct part){years / 10, 0});
    case FIELD_CENTURY: return give_part(c, (struct part){years / 100, 0});
    case FIELD_MILLENNIUM: return give_part(c, (struct part){years / 1000, 0});
    case FIELD_EPOCH: {
        /* a year of 365.25 days, a month of 30 */
        __int128 seconds = (__int128)years * 31557600 + (__int128)(i->months % 12) * 2592000 +
                           (__int128)i->days * 86400;
        return give_part(c, (struct part){seconds * US_PER_SECOND + i->time_us, 6});
    }
    default: return bad_unit(c, field, "interval");
    }
}

/* ---- date_trunc ---- */

/* Cuts a local moment; false: not a unit to cut at. */
static bool truncate_civil(struct civil *t, enum field field) {
    int64_t week_day;
    switch (field) {
    case FIELD_US: return true;
    case FIELD_MS: t->us -= t->us % 1000; return true;
    case FIELD_SECOND: t->us = 0; return true;
    case FIELD_MINUTE: t->us = t->second = 0; return true;
    case FIELD_HOUR: t->us = t->second = t->minute = 0; return true;
    default: t->us = t->second = t->minute = t->hour = 0;
    }
    switch (field) {
    case FIELD_DAY: return true;
    case FIELD_WEEK:
        week_day = days_from_date(t->year, t->month, t->day);
        date_from_days(week_day - (weekday(week_day) + 6) % 7, t);
        return true;
    case FIELD_MONTH: t->day = 1; return true;
    case FIELD_QUARTER:
        t->month -= (t->month - 1) % 3;
        t->day = 1;
        return true;
    case FIELD_YEAR: break;
    case FIELD_DECADE: t->year = floor_div(t->year, 10) * 10; break;
    case FIELD_CENTURY: t->year = floor_div(t->year - 1, 100) * 100 + 1; break;
    case FIELD_MILLENNIUM: t->year = floor_div(t->year - 1, 1000) * 1000 + 1; break;
    default: return false;
    }
    t->month = t->day = 1;
    return true;
}

static status truncate_stamp(struct fn_call *c, int64_t t, const struct tz *zone) {
    enum field field = field_of(c->args[0].v);
    const char *type_name = zone ? "timestamp with time zone" : "timestamp without time zone";
    struct civil at = {.year = 1, .month = 1, .day = 1};
    if (!stamp_finite(t)) {
        if (field == FIELD_UNKNOWN || !truncate_civil(&at, field))
            return bad_unit(c, field, type_name);
        return give_int8(c, t);
    }
    civil_from_stamp(t, zone, &at);
    if (field == FIELD_UNKNOWN || !truncate_civil(&at, field)) return bad_unit(c, field, type_name);
    int64_t local, result;
    if (!stamp_from_civil(&at, &local)) return stamp_out_of_range(c->env);
    result = local;
    /* Units below a day stay within one offset, even in the hour that comes twice. */
    if (zone && field <= FIELD_HOUR)
        result = local - at.offset_s * US_PER_SECOND;
    else if (zone && !stamp_from_local(local, zone, &result))
        return stamp_out_of_range(c->env);
    return give_int8(c, result);
}

status fn_timestamp_trunc(struct fn_call *c) {
    return truncate_stamp(c, c->args[1].i64, NULL);
}
status fn_timestamptz_trunc(struct fn_call *c) {
    const struct tz *zone = c->env->session->time_zone;
    if (c->nargs > 2) TRY(find_zone(c->env, c->args[2].v->data, c->args[2].v->len, &zone));
    return truncate_stamp(c, c->args[1].i64, zone);
}

status fn_interval_trunc(struct fn_call *c) {
    enum field field = field_of(c->args[0].v);
    struct interval *i = arena_memdup(c->env->arena, c->args[1].p, sizeof *i);
    if (!i) return out_of_memory(c->env);
    static const int64_t us_units[] = {1, 1000, US_PER_SECOND, US_PER_MINUTE, US_PER_HOUR};
    c->result = datum_ptr(i);
    if (field <= FIELD_HOUR) {
        i->time_us -= i->time_us % us_units[field];
        return OK;
    }
    i->time_us = 0;
    if (field == FIELD_DAY) return OK;
    i->days = 0;
    switch (field) {
    case FIELD_MONTH: return OK;
    case FIELD_QUARTER: i->months -= i->months % 3; return OK;
    case FIELD_YEAR: i->months -= i->months % 12; return OK;
    case FIELD_DECADE: i->months -= i->months % 120; return OK;
    case FIELD_CENTURY: i->months -= i->months % 1200; return OK;
    case FIELD_MILLENNIUM: i->months -= i->months % 12000; return OK;
    default: break;
    }
    status s = bad_unit(c, field, "interval");
    if (field == FIELD_WEEK) error_detail(c->env->error, "Months usually have fractional weeks.");
    return s;
}

/* date_bin(stride, t, origin): the start of the stride that holds t; both kinds of timestamp count
 * the same microseconds. */
status fn_date_bin(struct fn_call *c) {
    const struct interval *stride = c->args[0].interval;
    int64_t t = c->args[1].i64, origin = c->args[2].i64, width, distance, start;
    if (!stamp_finite(t)) return give_int8(c, t);
    if (!stamp_finite(origin))
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW, "origin out of range");
    if (stride->months)
        return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED,
                         "timestamps cannot be binned into intervals containing months or years");
    if (__builtin_mul_overflow((int64_t)stride->days, US_PER_DAY, &width) ||
        __builtin_add_overflow(width, stride->time_us, &width))
        return interval_out_of_range(c->env);
    if (width <= 0)
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW,
                         "stride must be greater than zero");
    if (__builtin_sub_overflow(t, origin, &distance)) return interval_out_of_range(c->env);
    int64_t inside = distance % width;
    start = t - inside;
    if (inside < 0 && __builtin_sub_overflow(start, width, &start))
        return stamp_out_of_range(c->env);
    if (!stamp_in_range(start)) return stamp_out_of_range(c->env);
    return give_int8(c, start);
}
