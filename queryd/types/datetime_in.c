/* What a date or time literal says: PostgreSQL's free-form input (its manual, appendix B.1). */
#include <stdio.h>
#include <stdlib.h>

#include "types/datetime.h"

struct scan {
    const struct eval_env *env;
    const char *type_name;
    const char *text;
    size_t len;
    const char *p, *end;
    struct moment *m;
    bool has_year, has_month, has_day, year_has_few_digits;
    bool before_christ;
    bool after_t;          /* digits alone are a time */
    char meridiem;         /* 'a', 'p' or 0 */
    const struct tz *zone; /* named */
};

static status bad_syntax(const struct scan *s) {
    return error_set(s->env->error, ST_INVALID_DATETIME_FORMAT,
                     "invalid input syntax for type %s: \"%.*s\"", s->type_name,
                     (int)(s->len > 300 ? 300 : s->len), s->text);
}

static status bad_field(const struct scan *s, bool about_style) {
    status st = error_set(s->env->error, ST_DATETIME_FIELD_OVERFLOW,
                          "date/time field value out of range: \"%.*s\"",
                          (int)(s->len > 300 ? 300 : s->len), s->text);
    if (about_style)
        error_hint(s->env->error, "Perhaps you need a different \"datestyle\" setting.");
    return st;
}

static status bad_displacement(const struct scan *s) {
    return error_set(s->env->error, ST_INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
                     "time zone displacement out of range: \"%.*s\"",
                     (int)(s->len > 300 ? 300 : s->len), s->text);
}

/* A run of digits; at most 9 count. */
static size_t digits(struct scan *s, int64_t *ret) {
    const char *start = s->p;
    int64_t x = 0;
    for (; s->p < s->end && is_digit(*s->p); s->p++)
        if (x < 100000000) x = x * 10 + (*s->p - '0');
    *ret = x;
    return (size_t)(s->p - start);
}

/* .ffffff → microseconds, rounded by the seventh digit */
static int32_t fraction(struct scan *s) {
    int32_t us = 0;
    int n = 0;
    for (s->p++; s->p < s->end && is_digit(*s->p); s->p++, n++) {
        if (n < 6)
            us = us * 10 + (*s->p - '0');
        else if (n == 6 && *s->p >= '5')
            us++;
    }
    for (; n < 6; n++) us *= 10;
    return us;
}

static status set_time(struct scan *s, int64_t h, int64_t m, int64_t sec, int32_t us) {
    struct civil *c = &s->m->civil;
    if (s->m->has_time) return bad_syntax(s);
    if (h > 24 || m > 59 || sec > 60 || (h == 24 && (m || sec || us)) || (sec == 60 && us))
        return bad_field(s, false);
    c->hour = (int32_t)h;
    c->minute = (int32_t)m;
    c->second = (int32_t)sec;
    c->us = us;
    s->m->has_time = true;
    return OK;
}

/* The part after hh: of hh:mm[:ss[.f]] */
static status scan_time(struct scan *s, int64_t hour) {
    int64_t minute, second = 0;
    int32_t us = 0;
    s->p++;
    if (!digits(s, &minute)) return bad_syntax(s);
    if (s->p < s->end && *s->p == ':') {
        s->p++;
        if (!digits(s, &second)) return bad_syntax(s);
    }
    if (s->p < s->end && *s->p == '.') us = fraction(s);
    return set_time(s, hour, minute, second, us);
}

static void set_year(struct scan *s, int64_t year, size_t n) {
    s->m->civil.year = year;
    s->has_year = true;
    s->year_has_few_digits = n <= 2;
}

static void set_month(struct scan *s, int64_t month) {
    s->m->civil.month = (int32_t)month;
    s->has_month = true;
}

static void set_day(struct scan *s, int64_t day) {
    s->m->civil.day = (int32_t)day;
    s->has_day = true;
}

static int month_number(const char *p, size_t len) {
    static const char *const names[] = {"january",   "february", "march",    "april",
                                        "may",       "june",     "july",     "august",
                                        "september", "october",  "november", "december"};
    for (int i = 0; i < 12; i++)
        if (same_word(p, len, names[i]) || (len == 3 && !strncasecmp(p, names[i], 3)) ||
            (i == 8 && same_word(p, len, "sept")))
            return i + 1;
    return 0;
}

static bool is_weekday(const char *p, size_t len) {
    static const char *const names[] = {"sunday",   "monday", "tuesday", "wednesday",
                                        "thursday", "friday", "saturday"};
    static const char *const others[] = {"tues", "weds", "wednes", "thur", "thurs"};
    for (size_t i = 0; i < 7; i++)
        if (same_word(p, len, names[i]) || (len == 3 && !strncasecmp(p, names[i], 3))) return true;
    for (size_t i = 0; i < 5; i++)
        if (same_word(p, len, others[i])) return true;
    return false;
}

/* Three fields in the order that the session's DateStyle says; a first one of more than two digits
 * is a year. */
static status set_three(struct scan *s, const int64_t v[3], const size_t n[3]) {
    if (n[0] > 2) {
        set_year(s, v[0], n[0]);
        set_month(s, v[1]);
        set_day(s, v[2]);
        return OK;
    }
    switch (s->env->session->date_order) {
    case DATE_ORDER_YMD:
        set_year(s, v[0], n[0]);
        set_month(s, v[1]);
        set_day(s, v[2]);
        break;
    case DATE_ORDER_DMY:
        set_day(s, v[0]);
        set_month(s, v[1]);
        set_year(s, v[2], n[2]);
        break;
    default:
        set_month(s, v[0]);
        set_day(s, v[1]);
        set_year(s, v[2], n[2]);
    }
    return OK;
}

/* 1997.041; day 366 of a common year is the next one's first, as in PostgreSQL. */
static status set_day_of_year(struct scan *s, const int64_t v[2]) {
    struct civil c;
    if (v[1] < 1 || v[1] > 366) return bad_field(s, false);
    date_from_days(days_from_date(v[0], 1, 1) + v[1] - 1, &c);
    set_year(s, c.year, 4);
    set_month(s, c.month);
    set_day(s, c.day);
    return OK;
}

/* The rest of a date with separators: 1999-01-08, 1/8/1999, 08-Jan-1999. */
static status scan_date(struct scan *s, int64_t first, size_t first_n) {
    int64_t v[3] = {first};
    size_t n[3] = {first_n};
    char separator = *s->p;
    int month = 0;
    size_t count = 1, month_at = 0;
    while (count < 3 && s->p < s->end && *s->p == separator) {
        s->p++;
        const char *word = s->p;
        while (s->p < s->end && is_letter(*s->p)) s->p++;
        if (s->p > word) {
            month = month_number(word, (size_t)(s->p - word));
            if (!month || month_at) return bad_syntax(s);
            month_at = count;
        } else if (!(n[count] = digits(s, &v[count]))) {
            return bad_syntax(s);
        }
        count++;
    }
    if (s->has_year || s->has_month || s->has_day) return bad_syntax(s);
    if (count == 2 && separator == '.' && n[0] == 4 && n[1] == 3) return set_day_of_year(s, v);
    if (count < 3) return bad_syntax(s);
    if (!month) return set_three(s, v, n);
    set_month(s, month);
    bool ymd = s->env->session->date_order == DATE_ORDER_YMD;
    bool year_first = month_at == 1 && (n[0] > 2 || (ymd && n[2] <= 2));
    set_year(s, year_first ? v[0] : v[2], year_first ? n[0] : n[2]);
    set_day(s, year_first ? v[2] : v[0]);
    return OK;
}

/* Digits alone: 19990108, 990108, 040506, or one field of "January 8 1999". */
static status scan_number(struct scan *s, int64_t x, size_t n) {
    bool any_date = s->has_year || s->has_month || s->has_day;
    int32_t us = 0;
    if (s->after_t || (s->has_day && !s->m->has_time && (n == 6 || n == 4) && s->has_year)) {
        if (n != 6 && n != 4 && n != 2) return bad_syntax(s);
        if (n == 6 && s->p < s->end && *s->p == '.') us = fraction(s);
        s->after_t = false;
        if (n == 6) return set_time(s, x / 10000, x / 100 % 100, x % 100, us);
        return n == 4 ? set_time(s, x / 100, x % 100, 0, 0) : set_time(s, x, 0, 0, 0);
    }
    if (!any_date && n == 8) {
        set_year(s, x / 10000, 4);
        set_month(s, x / 100 % 100);
        set_day(s, x % 100);
        return OK;
    }
    if (!any_date && n == 6) {
        set_year(s, x / 10000, 2);
        set_month(s, x / 100 % 100);
        set_day(s, x % 100);
        return OK;
    }
    if (n > 2 && !s->has_year) {
        set_year(s, x, n);
    } else if (!s->has_month && !s->has_day && s->has_year) {
        set_month(s, x);
    } else if (!s->has_day && s->has_month) {
        set_day(s, x);
    } else if (!s->has_month && !s->has_day) {
        if (s->env->session->date_order == DATE_ORDER_MDY)
            set_month(s, x);
        else if (s->env->session->date_order == DATE_ORDER_DMY)
            set_day(s, x);
        else
            set_year(s, x, n);
    } else if (!s->has_month) {
        set_month(s, x);
    } else if (!s->has_year) {
        set_year(s, x, n);
    } else {
        return bad_syntax(s);
    }
    return OK;
}

/* +hh, +hh:mm[:ss], +hhmm */
static status scan_offset(struct scan *s) {
    int sign = *s->p++ == '-' ? -1 : 1;
    int64_t h, m = 0, sec = 0;
    size_t n = digits(s, &h);
    if (!n) return bad_syntax(s);
    if (s->p < s->end && *s->p == ':') {
        s->p++;
        if (!digits(s, &m)) return bad_syntax(s);
        if (s->p < s->end && *s->p == ':') {
            s->p++;
            if (!digits(s, &sec)) return bad_syntax(s);
        }
    } else if (n > 2) {
        m = h % 100;
        h /= 100;
    }
    if (h > 15 || m > 59 || sec > 59) return bad_displacement(s);
    s->m->civil.offset_s = (int32_t)(sign * (h * 3600 + m * 60 + sec));
    s->m->has_zone = true;
    return OK;
}

static void set_all(struct scan *s, const struct civil *c) {
    s->m->civil = *c;
    s->has_year = s->has_month = s->has_day = true;
    s->year_has_few_digits = false;
}

/* now, today, epoch … ; NOT_FOUND: none of them */
static status special_word(struct scan *s, const char *p, size_t len) {
    static const char *const days[] = {"yesterday", "today", "tomorrow"};
    const struct session_env *session = s->env->session;
    struct civil c;
    if (same_word(p, len, "infinity") || same_word(p, len, "+infinity")) {
        s->m->kind = MOMENT_INFINITY;
        return OK;
    }
    if (same_word(p, len, "now")) {
        civil_from_stamp(session->transaction_us, session->time_zone, &c);
        set_all(s, &c);
        s->m->has_time = s->m->has_zone = true;
        return OK;
    }
    if (same_word(p, len, "epoch")) {
        c = (struct civil){.year = 1970, .month = 1, .day = 1};
        set_all(s, &c);
        s->m->has_time = s->m->has_zone = true;
        return OK;
    }
    for (int i = 0; i < 3; i++) {
        if (!same_word(p, len, days[i])) continue;
        civil_from_stamp(session->transaction_us, session->time_zone, &c);
        int64_t day = days_from_date(c.year, c.month, c.day) + i - 1;
        struct civil midnight = {0};
        date_from_days(day, &midnight);
        if (s->m->has_time) {
            midnight.hour = s->m->civil.hour;
            midnight.minute = s->m->civil.minute;
            midnight.second = s->m->civil.second;
            midnight.us = s->m->civil.us;
        }
        set_all(s, &midnight);
        return OK;
    }
    if (same_word(p, len, "allballs")) {
        TRY(set_time(s, 0, 0, 0, 0));
        s->m->has_zone = true;
        return OK;
    }
    return STATUS(NOT_FOUND);
}

static status scan_zone_name(struct scan *s, const char *word) {
    while (s->p < s->end && !is_space(*s->p) && *s->p != ',') s->p++;
    size_t len = (size_t)(s->p - word);
    char *name = arena_strndup(s->env->arena, word, len);
    if (!name) return out_of_memory(s->env);
    if (!ok(tz_find(name, &s->zone))) {
        for (size_t i = 0; i < len; i++) name[i] = lower_ascii(name[i]);
        return memchr(name, '/', len) ? error_set(s->env->error, ST_INVALID_PARAMETER_VALUE,
                                                  "time zone \"%s\" not recognized", name)
                                      : bad_syntax(s);
    }
    s->m->has_zone = true;
    return OK;
}

/* The rest of Jan-08-1999. */
static status scan_day_year(struct scan *s, char separator) {
    int64_t day, year;
    s->p++;
    digits(s, &day);
    if (s->p == s->end || *s->p++ != separator) return bad_syntax(s);
    size_t n = digits(s, &year);
    if (!n) return bad_syntax(s);
    set_day(s, day);
    set_year(s, year, n);
    return OK;
}

static status scan_word(struct scan *s) {
    const char *word = s->p;
    while (s->p < s->end && is_letter(*s->p)) s->p++;
    size_t len = (size_t)(s->p - word);
    if (len == 1 && lower_ascii(*word) == 't' && s->p < s->end && is_digit(*s->p)) {
        s->after_t = true;
        return OK;
    }
    if (len == 1 && lower_ascii(*word) == 'j' && s->p < s->end && is_digit(*s->p)) {
        int64_t julian;
        struct civil c = {0};
        digits(s, &julian);
        date_from_days(julian - EPOCH_JULIAN, &c);
        set_all(s, &c);
        return OK;
    }
    int month = month_number(word, len);
    if (month) {
        if (s->has_month && !s->has_day)
            set_day(s, s->m->civil.month); /* "8 January" under MDY */
        else if (s->has_month)
            return bad_syntax(s);
        set_month(s, month);
        bool dashed = s->p + 1 < s->end && (*s->p == '-' || *s->p == '/') && is_digit(s->p[1]);
        return dashed && !s->has_day ? scan_day_year(s, *s->p) : OK;
    }
    if (is_weekday(word, len) || same_word(word, len, "at") || same_word(word, len, "on"))
        return OK;
    if (same_word(word, len, "am") || same_word(word, len, "pm")) {
        s->meridiem = lower_ascii(*word);
        return OK;
    }
    if (same_word(word, len, "bc") || same_word(word, len, "ad")) {
        s->before_christ = lower_ascii(*word) == 'b';
        return OK;
    }
    bool plain = s->p == s->end || (*s->p != '/' && *s->p != '_');
    if (plain) {
        status st = special_word(s, word, len);
        if (!status_is(st, ST_NOT_FOUND)) return st;
        bool is_dst;
        bool sign_follows = s->p < s->end && (*s->p == '+' || *s->p == '-');
        if (!sign_follows && tz_abbreviation(word, len, &s->m->civil.offset_s, &is_dst)) {
            s->m->has_zone = true;
            return OK;
        }
    }
    return scan_zone_name(s, word);
}

static status scan_field(struct scan *s) {
    char c = *s->p;
    int64_t x;
    if (is_letter(c)) return scan_word(s);
    if (is_digit(c)) {
        const char *start = s->p;
        size_t n = digits(s, &x);
        if (s->p < s->end && *s->p == ':') return scan_time(s, x);
        bool separated = s->p + 1 < s->end && strchr("-/.", *s->p) &&
                         (is_digit(s->p[1]) || (*s->p != '.' && is_letter(s->p[1])));
        bool compact_time = s->p < s->end && *s->p == '.' && n == 6 && (s->after_t || s->has_day);
        if (separated && !compact_time && !(s->has_year && s->has_day)) {
            if (s->has_month && !s->has_day)
                s->p = start; /* "Jan 8-1999" is no date */
            else
                return scan_date(s, x, n);
            return bad_syntax(s);
        }
        return scan_number(s, x, n);
    }
    if ((c == '+' || c == '-') && s->p + 1 < s->end) {
        if (is_digit(s->p[1]) && (s->m->has_time || s->has_day)) return scan_offset(s);
        if (same_word(s->p, (size_t)(s->end - s->p), "-infinity")) {
            s->m->kind = MOMENT_MINUS_INFINITY;
            s->p = s->end;
            return OK;
        }
        if (is_letter(s->p[1])) {
            s->p++;
            return c == '+' ? scan_word(s) : bad_syntax(s);
        }
    }
    return bad_syntax(s);
}

/* Puts together what was found and judges it. */
static status finish(struct scan *s) {
    struct civil *c = &s->m->civil;
    if (s->m->kind != MOMENT_CIVIL) return OK;
    bool any_date = s->has_year || s->has_month || s->has_day;
    if (any_date && !(s->has_year && s->has_month && s->has_day)) return bad_syntax(s);
    if (!any_date && !s->m->has_time) return bad_syntax(s);
    if (s->meridiem) {
        if (!s->m->has_time) return bad_syntax(s);
        if (c->hour > 12 || c->hour < 0) return bad_field(s, false);
        if (s->meridiem == 'p' && c->hour != 12) c->hour += 12;
        if (s->meridiem == 'a' && c->hour == 12) c->hour = 0;
    }
    s->m->has_date = any_date;
    if (any_date) {
        if (s->before_christ) {
            if (c->year <= 0) return bad_field(s, false);
            c->year = 1 - c->year;
        } else if (s->year_has_few_digits) {
            c->year += c->year < 70 ? 2000 : 1900;
        } else if (c->year == 0) {
            return bad_field(s, false);
        }
        if (c->month < 1 || c->month > 12) return bad_field(s, true);
        if (c->day < 1 || c->day > 31) return bad_field(s, true);
        if (c->day > days_in_month(c->year, c->month)) return bad_field(s, false);
    }
    if (s->zone) {
        if (!any_date) return bad_syntax(s); /* which offset would it be? */
        int64_t local_s = days_from_date(c->year, c->month, c->day) * SECONDS_IN_DAY +
                          us_of_time(c) / US_PER_SECOND + EPOCH_UNIX_SECONDS;
        c->offset_s = tz_of_local(s->zone, local_s).offset_s;
    }
    return OK;
}

status datetime_parse(const struct eval_env *env, const char *type_name, const char *text,
                      size_t len, struct moment *ret) {
    struct scan s = {.env = env,
                     .type_name = type_name,
                     .text = text,
                     .len = len,
                     .p = text,
                     .end = text + len,
                     .m = ret,
                     .after_t =
                         !strncmp(type_name, "time", 4) && strncmp(type_name, "timestamp", 9) != 0};
    *ret = (struct moment){0};
    bool any = false;
    for (;;) {
        while (s.p < s.end && (is_space(*s.p) || *s.p == ',')) s.p++;
        if (s.p == s.end) break;
        any = true;
        TRY(scan_field(&s));
    }
    return any ? finish(&s) : bad_syntax(&s);
}
