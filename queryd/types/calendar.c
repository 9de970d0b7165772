/* The proleptic Gregorian calendar (Hinnant: chrono-compatible low-level date algorithms), and
 * moments taken apart and put together. */
#include "types/datetime.h"

bool is_leap_year(int64_t y) {
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

int32_t days_in_month(int64_t year, int32_t month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap_year(year));
}

int64_t days_from_date(int64_t y, int32_t m, int32_t d) {
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400, of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return days - 719468 - EPOCH_UNIX_DAYS;
}

void date_from_days(int64_t days, struct civil *ret) {
    days += 719468 + EPOCH_UNIX_DAYS;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t m = (5 * of_year + 2) / 153;
    ret->day = (int32_t)(of_year - (153 * m + 2) / 5 + 1);
    ret->month = (int32_t)(m < 10 ? m + 3 : m - 9);
    ret->year = year + era * 400 + (ret->month <= 2);
}

void time_from_us(int64_t us, struct civil *ret) {
    ret->us = (int32_t)(us % US_PER_SECOND);
    int64_t s = us / US_PER_SECOND;
    ret->second = (int32_t)(s % 60);
    ret->minute = (int32_t)(s / 60 % 60);
    ret->hour = (int32_t)(s / 3600);
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static int64_t unix_seconds(int64_t t) {
    return floor_div(t, US_PER_SECOND) + EPOCH_UNIX_SECONDS;
}

void civil_from_stamp(int64_t t, const struct tz *zone, struct civil *ret) {
    *ret = (struct civil){0};
    int64_t days = floor_div(t, US_PER_DAY), us = t % US_PER_DAY;
    if (us < 0) us += US_PER_DAY;
    if (zone) {
        struct tz_local local = tz_at(zone, unix_seconds(t));
        ret->offset_s = local.offset_s;
        ret->zone = local.abbreviation;
        us += local.offset_s * US_PER_SECOND;
        int64_t turns = floor_div(us, US_PER_DAY);
        days += turns;
        us -= turns * US_PER_DAY;
    }
    date_from_days(days, ret);
    time_from_us(us, ret);
}

bool stamp_in_range(int64_t t) {
    return t >= STAMP_FIRST && t < STAMP_END;
}

bool stamp_from_offset(const struct civil *c, int32_t offset_s, int64_t *ret) {
    if (c->year > 300000 || c->year < -5000) return false;
    int64_t days = days_from_date(c->year, c->month, c->day), t;
    int64_t us = us_of_time(c) - offset_s * US_PER_SECOND;
    if (__builtin_mul_overflow(days, US_PER_DAY, &t) || __builtin_add_overflow(t, us, &t))
        return false;
    *ret = t;
    return stamp_in_range(t);
}

bool stamp_from_civil(const struct civil *c, int64_t *ret) {
    return stamp_from_offset(c, 0, ret);
}

int64_t local_from_stamp(int64_t t, const struct tz *zone) {
    return t + tz_at(zone, unix_seconds(t)).offset_s * US_PER_SECOND;
}

bool stamp_from_local(int64_t local, const struct tz *zone, int64_t *ret) {
    int64_t t = local - tz_of_local(zone, unix_seconds(local)).offset_s * US_PER_SECOND;
    *ret = t;
    return stamp_in_range(t);
}

int32_t weekday(int64_t days) {
    return (int32_t)(((days + 6) % 7 + 7) % 7); /* 2000-01-01 was a Saturday */
}

int32_t day_of_year(const struct civil *c) {
    return (int32_t)(days_from_date(c->year, c->month, c->day) - days_from_date(c->year, 1, 1)) + 1;
}

/* ISO 8601: weeks begin on Monday, week 1 holds the year's first Thursday. */
int iso_week(const struct civil *c, int64_t *ret_year) {
    int64_t day = days_from_date(c->year, c->month, c->day);
    int64_t thursday = day - (weekday(day) + 6) % 7 + 3;
    struct civil t;
    date_from_days(thursday, &t);
    *ret_year = t.year;
    return (int)((thursday - days_from_date(t.year, 1, 1)) / 7) + 1;
}

int64_t round_us(int64_t us, int32_t precision) {
    static const int32_t units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    if (precision < 0 || precision >= 6) return us;
    int64_t unit = units[precision], half = unit / 2;
    int64_t rest = us % unit;
    us -= rest;
    if (rest >= half)
        us += unit;
    else if (rest <= -half)
        us -= unit;
    return us;
}
