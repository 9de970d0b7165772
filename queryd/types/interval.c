/* Family interval: months, days and microseconds apart; input as PostgreSQL's and ISO 8601's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "types/datetime.h"

/* typmod: fields << 16 | precision; the fields' bits are PostgreSQL's. */
#define FULL_RANGE INTERVAL_FULL_RANGE
#define FULL_PRECISION 0xFFFF
enum {
    FIELD_MONTH = 1 << 1,
    FIELD_YEAR = 1 << 2,
    FIELD_DAY = 1 << 3,
    FIELD_HOUR = 1 << 10,
    FIELD_MINUTE = 1 << 11,
    FIELD_SECOND = 1 << 12
};

static int32_t range_of(int32_t typmod) {
    return typmod < 0 ? FULL_RANGE : typmod >> 16 & 0x7FFF;
}

enum unit {
    UNIT_US,
    UNIT_MS,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_YEAR,
    UNIT_DECADE,
    UNIT_CENTURY,
    UNIT_MILLENNIUM,
    UNIT_NONE
};

static enum unit unit_of(const char *p, size_t len) {
    static const struct {
        const char *word;
        enum unit unit;
    } words[] = {{"us", UNIT_US},
                 {"usec", UNIT_US},
                 {"usecs", UNIT_US},
                 {"usecond", UNIT_US},
                 {"useconds", UNIT_US},
                 {"microsecond", UNIT_US},
                 {"microseconds", UNIT_US},
                 {"microsecon", UNIT_US},
                 {"ms", UNIT_MS},
                 {"msec", UNIT_MS},
                 {"msecs", UNIT_MS},
                 {"msecond", UNIT_MS},
                 {"mseconds", UNIT_MS},
                 {"millisecond", UNIT_MS},
                 {"milliseconds", UNIT_MS},
                 {"s", UNIT_SECOND},
                 {"sec", UNIT_SECOND},
                 {"secs", UNIT_SECOND},
                 {"second", UNIT_SECOND},
                 {"seconds", UNIT_SECOND},
                 {"m", UNIT_MINUTE},
                 {"min", UNIT_MINUTE},
                 {"mins", UNIT_MINUTE},
                 {"minute", UNIT_MINUTE},
                 {"minutes", UNIT_MINUTE},
                 {"h", UNIT_HOUR},
                 {"hr", UNIT_HOUR},
                 {"hrs", UNIT_HOUR},
                 {"hour", UNIT_HOUR},
                 {"hours", UNIT_HOUR},
                 {"d", UNIT_DAY},
                 {"day", UNIT_DAY},
                 {"days", UNIT_DAY},
                 {"w", UNIT_WEEK},
                 {"week", UNIT_WEEK},
                 {"weeks", UNIT_WEEK},
                 {"mon", UNIT_MONTH},
                 {"mons", UNIT_MONTH},
                 {"month", UNIT_MONTH},
                 {"months", UNIT_MONTH},
                 {"y", UNIT_YEAR},
                 {"yr", UNIT_YEAR},
                 {"yrs", UNIT_YEAR},
                 {"year", UNIT_YEAR},
                 {"years", UNIT_YEAR},
                 {"dec", UNIT_DECADE},
                 {"decs", UNIT_DECADE},
                 {"decade", UNIT_DECADE},
                 {"decades", UNIT_DECADE},
                 {"c", UNIT_CENTURY},
                 {"cent", UNIT_CENTURY},
                 {"century", UNIT_CENTURY},
                 {"centuries", UNIT_CENTURY},
                 {"mil", UNIT_MILLENNIUM},
                 {"mils", UNIT_MILLENNIUM},
                 {"millennium", UNIT_MILLENNIUM},
                 {"millennia", UNIT_MILLENNIUM}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (same_word(p, len, words[i].word)) return words[i].unit;
    return UNIT_NONE;
}

/* What a number without a unit counts: the last field of the declared range. */
static enum unit default_unit(int32_t range) {
    if (range == FULL_RANGE || range & FIELD_SECOND) return UNIT_SECOND;
    if (range & FIELD_MINUTE) return UNIT_MINUTE;
    if (range & FIELD_HOUR) return UNIT_HOUR;
    if (range & FIELD_DAY) return UNIT_DAY;
    return range & FIELD_MONTH ? UNIT_MONTH : UNIT_YEAR;
}

struct interval_scan {
    const struct eval_env *env;
    const char *text;
    size_t len;
    const char *p, *end;
    int64_t months, days, us;
    bool overflow;
    bool any;
};

static status bad_interval(const struct interval_scan *s) {
    return error_set(s->env->error, ST_INVALID_DATETIME_FORMAT,
                     "invalid input syntax for type interval: \"%.*s\"",
                     (int)(s->len > 300 ? 300 : s->len), s->text);
}

static status field_range(const struct interval_scan *s) {
    return error_set(s->env->error, ST_INTERVAL_FIELD_OVERFLOW,
                     "interval field value out of range: \"%.*s\"",
                     (int)(s->len > 300 ? 300 : s->len), s->text);
}

/* A decimal: whole part and the fraction in 10^-15. */
struct amount {
    int64_t whole;
    double part; /* 0 … 1, unsigned */
    bool negative, digits, point;
};

static struct amount scan_amount(struct interval_scan *s) {
    struct amount a = {0};
    if (s->p < s->end && (*s->p == '-' || *s->p == '+')) a.negative = *s->p++ == '-';
    while (s->p < s->end && is_space(*s->p)) s->p++;
    for (; s->p < s->end && is_digit(*s->p); s->p++) {
        a.digits = true;
        if (__builtin_mul_overflow(a.whole, 10, &a.whole) ||
            __builtin_add_overflow(a.whole, *s->p - '0', &a.whole))
            s->overflow = true;
    }
    if (s->p < s->end && *s->p == '.') {
        char text[40] = "0.";
        size_t n = 2;
        a.point = true;
        for (s->p++; s->p < s->end && is_digit(*s->p); s->p++) {
            a.digits = true;
            if (n < sizeof text - 1) text[n++] = *s->p;
        }
        text[n] = '\0';
        a.part = strtod(text, NULL);
    }
    return a;
}

static void add_to(struct interval_scan *s, int64_t *field, int64_t x, int64_t factor) {
    if (__builtin_mul_overflow(x, factor, &x) || __builtin_add_overflow(*field, x, field))
        s->overflow = true;
}

static void add_part_us(struct interval_scan *s, double part, double unit_us) {
    add_to(s, &s->us, (int64_t)rint(part * unit_us), 1);
}

/* A share of days: whole days, the rest as time. */
static void add_part_days(struct interval_scan *s, double days) {
    double whole = trunc(days);
    add_to(s, &s->days, (int64_t)whole, 1);
    add_part_us(s, days - whole, (double)US_PER_DAY);
}

static void add_amount(struct interval_scan *s, struct amount a, enum unit unit) {
    static const int64_t us_of[] = {[UNIT_US] = 1,
                                    [UNIT_MS] = 1000,
                                    [UNIT_SECOND] = US_PER_SECOND,
                                    [UNIT_MINUTE] = US_PER_MINUTE,
                                    [UNIT_HOUR] = US_PER_HOUR};
    static const int32_t months_of[] = {
        [UNIT_YEAR] = 12, [UNIT_DECADE] = 120, [UNIT_CENTURY] = 1200, [UNIT_MILLENNIUM] = 12000};
    int64_t whole = a.negative ? -a.whole : a.whole;
    double part = a.negative ? -a.part : a.part;
    s->any = true;
    if (unit <= UNIT_HOUR) {
        add_to(s, &s->us, whole, us_of[unit]);
        add_part_us(s, part, (double)us_of[unit]);
    } else if (unit <= UNIT_WEEK) {
        int64_t days = unit == UNIT_WEEK ? 7 : 1;
        add_to(s, &s->days, whole, days);
        add_part_days(s, part * (double)days);
    } else if (unit == UNIT_MONTH) {
        add_to(s, &s->months, whole, 1);
        add_part_days(s, part * 30);
    } else {
        add_to(s, &s->months, whole, months_of[unit]);
        add_to(s, &s->months, (int64_t)rint(part * months_of[unit]), 1);
    }
}

/* The rest of h:m[:s[.f]] after the first number; two parts are m:s when the range or a fraction
 * says so. */
static status add_clock(struct interval_scan *s, struct amount first, int32_t range) {
    struct amount parts[3] = {first};
    size_t n = 1;
    while (n < 3 && s->p < s->end && *s->p == ':') {
        s->p++;
        if (s->p == s->end || !is_digit(*s->p)) return bad_interval(s);
        parts[n++] = scan_amount(s);
    }
    if (n == 2 && (range == (FIELD_MINUTE | FIELD_SECOND) || parts[1].point)) {
        parts[2] = parts[1];
        parts[1] = parts[0];
        parts[0] = (struct amount){0};
    }
    if (parts[1].whole > 59 || parts[2].whole > 60 || parts[0].point) return field_range(s);
    for (size_t i = 0; i < 3; i++) {
        parts[i].negative = first.negative;
        add_amount(s, parts[i], i == 0 ? UNIT_HOUR : i == 1 ? UNIT_MINUTE : UNIT_SECOND);
    }
    return OK;
}

static void skip_blanks(struct interval_scan *s) {
    while (s->p < s->end && is_space(*s->p)) s->p++;
}

/* Whether what follows is a clock time (then a bare number before it counts days). */
static bool clock_follows(const struct interval_scan *s) {
    const char *p = s->p;
    if (p < s->end && (*p == '-' || *p == '+')) p++;
    const char *start = p;
    while (p < s->end && is_digit(*p)) p++;
    return p > start && p < s->end && *p == ':';
}

static status scan_part(struct interval_scan *s, int32_t range) {
    struct amount a = scan_amount(s);
    if (!a.digits) return bad_interval(s);
    if (s->p < s->end && *s->p == ':') return add_clock(s, a, range);
    if (s->p + 1 < s->end && *s->p == '-' && is_digit(s->p[1])) { /* years-months */
        s->p++;
        struct amount months = scan_amount(s);
        if (s->p < s->end && *s->p == '-') return bad_interval(s);
        if (months.whole > 11 || a.point || months.point) return field_range(s);
        months.negative = a.negative;
        add_amount(s, a, UNIT_YEAR);
        add_amount(s, months, UNIT_MONTH);
        return OK;
    }
    skip_blanks(s);
    const char *word = s->p;
    while (s->p < s->end && is_letter(*s->p)) s->p++;
    if (s->p > word) {
        enum unit unit = unit_of(word, (size_t)(s->p - word));
        if (unit == UNIT_NONE) return bad_interval(s);
        add_amount(s, a, unit);
        return OK;
    }
    if (clock_follows(s))
        add_amount(s, a, UNIT_DAY);
    else if (s->p == s->end)
        add_amount(s, a, default_unit(range));
    else
        return bad_interval(s);
    return OK;
}

static status scan_words(struct interval_scan *s, int32_t range) {
    if (s->p < s->end && *s->p == '@') s->p++;
    for (;;) {
        skip_blanks(s);
        if (s->p == s->end) break;
        size_t left = (size_t)(s->end - s->p);
        while (left && is_space(s->p[left - 1])) left--;
        if (s->any && same_word(s->p, left, "ago")) {
            s->months = -s->months;
            s->days = -s->days;
            s->us = -s->us;
            break;
        }
        TRY(scan_part(s, range));
    }
    return s->any ? OK : bad_interval(s);
}

/* P1Y2M3W4DT5H6M7.8S */
static status scan_iso(struct interval_scan *s) {
    bool time = false;
    for (s->p++; s->p < s->end;) {
        if (*s->p == 'T') {
            time = true;
            s->p++;
            continue;
        }
        struct amount a = scan_amount(s);
        if (!a.digits || s->p == s->end) return bad_interval(s);
        const char *letters = time ? "HMS" : "YMWD", *at = strchr(letters, *s->p);
        static const enum unit date_units[] = {UNIT_YEAR, UNIT_MONTH, UNIT_WEEK, UNIT_DAY};
        static const enum unit time_units[] = {UNIT_HOUR, UNIT_MINUTE, UNIT_SECOND};
        if (!at || !*s->p) return bad_interval(s);
        add_amount(s, a, time ? time_units[at - letters] : date_units[at - letters]);
        s->p++;
    }
    return s->any ? OK : bad_interval(s);
}

/* Cuts to the declared fields and rounds to the declared precision. */
static void fit(struct interval *i, int32_t typmod) {
    if (typmod < 0) return;
    int32_t range = range_of(typmod), precision = typmod & 0xFFFF;
    if (range != FULL_RANGE) {
        if (!(range & (FIELD_HOUR | FIELD_MINUTE | FIELD_SECOND))) i->time_us = 0;
        if (!(range & ~(FIELD_YEAR | FIELD_MONTH))) i->days = 0;
        if (range == FIELD_YEAR) i->months = i->months / 12 * 12;
        if (!(range & (FIELD_MINUTE | FIELD_SECOND)))
            i->time_us -= i->time_us % US_PER_HOUR;
        else if (!(range & FIELD_SECOND))
            i->time_us -= i->time_us % US_PER_MINUTE;
    }
    if (precision != FULL_PRECISION) i->time_us = round_us(i->time_us, precision);
}

status interval_parse(const struct eval_env *env, const char *text, size_t len, int32_t typmod,
                      struct interval *ret) {
    struct interval_scan s = {.env = env, .text = text, .len = len, .p = text, .end = text + len};
    skip_blanks(&s);
    bool iso = s.p + 1 < s.end && *s.p == 'P';
    TRY(iso ? scan_iso(&s) : scan_words(&s, range_of(typmod)));
    if (s.overflow || s.months != (int32_t)s.months || s.days != (int32_t)s.days)
        return field_range(&s);
    *ret = (struct interval){s.us, (int32_t)s.days, (int32_t)s.months};
    fit(ret, typmod);
    return OK;
}

/* ---- text: 1 year 2 mons -3 days +04:05:06.789 ---- */

static status put_field(struct buf *out, int64_t x, const char *unit, bool *any, bool *negative) {
    if (!x) return OK;
    TRY(buf_printf(out, "%s%s%lld %s%s", *any ? " " : "", *negative && x > 0 ? "+" : "",
                   (long long)x, unit, x == 1 ? "" : "s"));
    *any = true;
    *negative = x < 0;
    return OK;
}

status interval_format(const struct interval *i, struct buf *out) {
    bool any = false, negative = false;
    TRY(put_field(out, i->months / 12, "year", &any, &negative));
    TRY(put_field(out, i->months % 12, "mon", &any, &negative));
    TRY(put_field(out, i->days, "day", &any, &negative));
    if (any && !i->time_us) return OK;
    uint64_t us = i->time_us < 0 ? 0 - (uint64_t)i->time_us : (uint64_t)i->time_us;
    uint64_t seconds = us / US_PER_SECOND;
    TRY(buf_printf(out, "%s%s%02llu:%02llu:%02llu", any ? " " : "",
                   i->time_us < 0 ? "-"
                   : negative     ? "+"
                                  : "",
                   (unsigned long long)(seconds / 3600), (unsigned long long)(seconds / 60 % 60),
                   (unsigned long long)(seconds % 60)));
    us %= US_PER_SECOND;
    if (!us) return OK;
    char digits[8];
    int n = snprintf(digits, sizeof digits, "%06u", (unsigned)us);
    while (digits[n - 1] == '0') n--;
    TRY(buf_add(out, ".", 1));
    return buf_add(out, digits, (size_t)n);
}

/* ---- the family ---- */

static status interval_in(const struct eval_env *env, const struct type *, int32_t typmod,
                          const char *text, size_t len, datum *ret) {
    struct interval *i = arena_alloc(env->arena, sizeof *i);
    if (!i) return out_of_memory(env);
    TRY(interval_parse(env, text, len, typmod, i));
    *ret = datum_ptr(i);
    return OK;
}

static status interval_out(const struct eval_env *env, const struct type *, datum value,
                           struct buf *out) {
    return interval_format_style(env->session, value.interval, out);
}

static status interval_receive(const struct eval_env *env, const struct type *, int32_t typmod,
                               const char *bytes, size_t len, datum *ret) {
    if (len != 16) return bad_binary(env, "interval");
    struct interval *i = arena_alloc(env->arena, sizeof *i);
    if (!i) return out_of_memory(env);
    *i = (struct interval){(int64_t)load_be64(bytes), (int32_t)load_be32(bytes + 8),
                           (int32_t)load_be32(bytes + 12)};
    fit(i, typmod);
    *ret = datum_ptr(i);
    return OK;
}

static status interval_send(const struct eval_env *, const struct type *, datum value,
                            struct buf *out) {
    char big[16];
    store_be64(big, (uint64_t)value.interval->time_us);
    store_be32(big + 8, (uint32_t)value.interval->days);
    store_be32(big + 12, (uint32_t)value.interval->months);
    return buf_add(out, big, sizeof big);
}

__int128 interval_span(const struct interval *i) {
    return ((__int128)i->months * 30 + i->days) * US_PER_DAY + i->time_us;
}

static int interval_compare(const struct type *, datum a, datum b) {
    __int128 x = interval_span(a.interval), y = interval_span(b.interval);
    return (x > y) - (x < y);
}

static uint64_t interval_hash(const struct type *, datum value) {
    __int128 span = interval_span(value.interval);
    return hash_bytes(&span, sizeof span);
}

static status interval_key(const struct type *, datum value, struct buf *out) {
    __int128 span = interval_span(value.interval);
    char low[8];
    TRY(key_add_int(out, (int64_t)(span >> 64), 8));
    store_be64(low, (uint64_t)span);
    return buf_add(out, low, sizeof low);
}

static status interval_apply_typmod(const struct eval_env *env, const struct type *, datum value,
                                    int32_t typmod, bool, datum *ret) {
    struct interval *i = arena_memdup(env->arena, value.p, sizeof *i);
    if (!i) return out_of_memory(env);
    fit(i, typmod);
    *ret = datum_ptr(i);
    return OK;
}

/* {fields} or {fields, precision}; interval(p) comes as {all fields, p}. */
static status interval_typmod_in(const struct eval_env *env, const struct type *,
                                 const int32_t *values, size_t n, int32_t *ret) {
    if (n < 1 || n > 2)
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE, "invalid INTERVAL type modifier");
    if (n == 1) {
        *ret = values[0] == FULL_RANGE ? -1 : (values[0] & 0x7FFF) << 16 | FULL_PRECISION;
        return OK;
    }
    if (values[1] < 0)
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                         "INTERVAL(%d) precision must not be negative", values[1]);
    *ret = (values[0] & 0x7FFF) << 16 | (values[1] > 6 ? 6 : values[1]);
    return OK;
}

static status interval_typmod_out(const struct type *, int32_t typmod, struct buf *out) {
    static const struct {
        int32_t range;
        const char *text;
    } words[] = {{FIELD_YEAR, " year"},
                 {FIELD_MONTH, " month"},
                 {FIELD_DAY, " day"},
                 {FIELD_HOUR, " hour"},
                 {FIELD_MINUTE, " minute"},
                 {FIELD_SECOND, " second"},
                 {FIELD_YEAR | FIELD_MONTH, " year to month"},
                 {FIELD_DAY | FIELD_HOUR, " day to hour"},
                 {FIELD_DAY | FIELD_HOUR | FIELD_MINUTE, " day to minute"},
                 {FIELD_DAY | FIELD_HOUR | FIELD_MINUTE | FIELD_SECOND, " day to second"},
                 {FIELD_HOUR | FIELD_MINUTE, " hour to minute"},
                 {FIELD_HOUR | FIELD_MINUTE | FIELD_SECOND, " hour to second"},
                 {FIELD_MINUTE | FIELD_SECOND, " minute to second"}};
    if (typmod < 0) return OK;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].range == range_of(typmod)) TRY(buf_add_str(out, words[i].text));
    int32_t precision = typmod & 0xFFFF;
    return precision != FULL_PRECISION ? buf_printf(out, "(%d)", precision) : OK;
}

const struct type_family family_interval = {.in = interval_in,
                                            .out = interval_out,
                                            .receive = interval_receive,
                                            .send = interval_send,
                                            .compare = interval_compare,
                                            .hash = interval_hash,
                                            .key = interval_key,
                                            .key_len = key_len_16,
                                            .apply_typmod = interval_apply_typmod,
                                            .typmod_in = interval_typmod_in,
                                            .typmod_out = interval_typmod_out};
