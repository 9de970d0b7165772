/* POSIX rules: EST5EDT,M3.2.0,M11.1.0 */
#include "types/tz_rule.h"

#include "types/internal.h"

static bool rule_name(const char **p, char *out) {
    size_t n = 0;
    bool quoted = **p == '<';
    if (quoted) (*p)++;
    while (**p && (quoted ? **p != '>' : is_letter(**p))) {
        if (n == 15) return false;
        out[n++] = *(*p)++;
    }
    if (quoted && *(*p)++ != '>') return false;
    out[n] = '\0';
    return n >= (quoted ? 1 : 3);
}

static bool rule_number(const char **p, int *ret) {
    if (!is_digit(**p)) return false;
    int x = 0;
    while (is_digit(**p) && x < 100000) x = x * 10 + *(*p)++ - '0';
    *ret = x;
    return true;
}

/* [+-]hh[:mm[:ss]] */
bool tz_rule_time(const char **p, int32_t *ret_s) {
    int sign = **p == '-' ? -1 : 1, part;
    int32_t total = 0, unit = 3600;
    if (**p == '-' || **p == '+') (*p)++;
    do {
        if (!rule_number(p, &part) || part > 167) return false;
        total += part * unit;
        unit /= 60;
    } while (unit && **p == ':' && (*p)++);
    *ret_s = sign * total;
    return true;
}

static bool rule_day(const char **p, struct rule_day *d) {
    *d = (struct rule_day){.kind = '0', .time_s = 2 * 3600};
    if (**p == 'M') {
        (*p)++;
        d->kind = 'M';
        if (!rule_number(p, &d->month) || *(*p)++ != '.' || !rule_number(p, &d->week) ||
            *(*p)++ != '.' || !rule_number(p, &d->day))
            return false;
        if (d->month < 1 || d->month > 12 || d->week < 1 || d->week > 5 || d->day > 6) return false;
    } else {
        if (**p == 'J') d->kind = *(*p)++;
        if (!rule_number(p, &d->day) || d->day > 365) return false;
    }
    if (**p != '/') return true;
    (*p)++;
    return tz_rule_time(p, &d->time_s);
}

bool tz_rule_parse(const char *p, struct posix_rule *r) {
    int32_t west;
    *r = (struct posix_rule){0};
    if (!rule_name(&p, r->names[0]) || !tz_rule_time(&p, &west)) return false;
    r->standard = (struct tz_local){-west, false, r->names[0]};
    r->valid = true;
    if (!*p) return true;
    if (!rule_name(&p, r->names[1])) return false;
    west -= 3600;
    if (*p && *p != ',' && !tz_rule_time(&p, &west)) return false;
    r->daylight = (struct tz_local){-west, true, r->names[1]};
    r->has_dst = true;
    if (!*p) p = ",M3.2.0,M11.1.0";
    return *p++ == ',' && rule_day(&p, &r->start) && *p++ == ',' && rule_day(&p, &r->end) && !*p;
}

/* Days from 1970-01-01 of a date of the proleptic Gregorian calendar (Hinnant, days_from_civil). */
static int64_t days_from_civil(int64_t y, int m, int d) {
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t year_of(int64_t unix_s) {
    int64_t days = unix_s / SECONDS_PER_DAY - (unix_s % SECONDS_PER_DAY < 0) + 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    return yoe + era * 400 + (doy >= 306);
}

static bool is_leap(int64_t y) {
    return y % 4 == 0 && (y % 100 || y % 400 == 0);
}

/* Local seconds at which the rule's day comes in a year. */
static int64_t rule_second(const struct rule_day *d, int64_t year) {
    int64_t days;
    if (d->kind == 'M') {
        int64_t first = days_from_civil(year, d->month, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7);
        days = first + (d->day - weekday + 7) % 7 + (d->week - 1) * 7;
        int64_t next = d->month == 12 ? days_from_civil(year + 1, 1, 1)
                                      : days_from_civil(year, d->month + 1, 1);
        while (days >= next) days -= 7;
    } else {
        bool after_february = d->kind == 'J' && is_leap(year) && d->day > 59;
        days = days_from_civil(year, 1, 1) + d->day - (d->kind == 'J') + after_february;
    }
    return days * SECONDS_PER_DAY + d->time_s;
}

struct tz_local tz_rule_at(const struct posix_rule *r, int64_t unix_s) {
    if (!r->has_dst) return r->standard;
    int64_t year = year_of(unix_s + r->standard.offset_s);
    int64_t start = rule_second(&r->start, year) - r->standard.offset_s;
    int64_t end = rule_second(&r->end, year) - r->daylight.offset_s;
    bool dst = start < end ? unix_s >= start && unix_s < end : unix_s >= start || unix_s < end;
    return dst ? r->daylight : r->standard;
}
