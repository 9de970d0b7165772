/* What an interval literal says: PostgreSQL's words, SQL's fields and both forms of ISO 8601. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "types/datetime_text.h"

struct reader {
    int32_t range;  /* of the typmod */
    enum unit unit; /* of the next number to the left */
    int parts;      /* that are known */
    bool all_minus; /* SQL's style: the first sign is everybody's */
    bool ago;
    int64_t us;
    int32_t days, months, years;
};

/* ---- adding, checked ---- */

static bool add_us_part(struct reader *r, double part, double unit_us) {
    if (part == 0) return true;
    part *= unit_us;
    int64_t us = (int64_t)part;
    part -= (double)us;
    us += part > 0.5 ? 1 : part < -0.5 ? -1 : 0;
    return !__builtin_add_overflow(r->us, us, &r->us);
}

static bool add_us(struct reader *r, int64_t x, double part, int64_t unit_us) {
    return !__builtin_mul_overflow(x, unit_us, &x) && !__builtin_add_overflow(r->us, x, &r->us) &&
           add_us_part(r, part, (double)unit_us);
}

static bool add_int32(int32_t *to, int64_t x, int32_t unit) {
    int32_t product;
    return x == (int32_t)x && !__builtin_mul_overflow((int32_t)x, unit, &product) &&
           !__builtin_add_overflow(*to, product, to);
}

static bool add_days(struct reader *r, int64_t x, double part, int32_t unit_days) {
    if (!add_int32(&r->days, x, unit_days)) return false;
    part *= unit_days;
    int32_t whole = (int32_t)part;
    return !__builtin_add_overflow(r->days, whole, &r->days) &&
           add_us_part(r, part - whole, (double)US_PER_DAY);
}

static bool add_months(struct reader *r, int64_t x, double part) {
    int32_t days = (int32_t)(part * 30);
    return add_int32(&r->months, x, 1) && !__builtin_add_overflow(r->days, days, &r->days) &&
           add_us_part(r, part * 30 - days, (double)US_PER_DAY);
}

static bool add_years(struct reader *r, int64_t x, double part, int32_t unit_years) {
    int32_t months = (int32_t)rint(part * unit_years * 12);
    return add_int32(&r->years, x, unit_years) &&
           !__builtin_add_overflow(r->months, months, &r->months);
}

static bool add_unit(struct reader *r, enum unit unit, int64_t x, double part) {
    switch (unit) {
    case UNIT_US: return add_us(r, x, part, 1);
    case UNIT_MS: return add_us(r, x, part, 1000);
    case UNIT_SECOND: return add_us(r, x, part, US_PER_SECOND);
    case UNIT_MINUTE: return add_us(r, x, part, US_PER_MINUTE);
    case UNIT_HOUR: return add_us(r, x, part, US_PER_HOUR);
    case UNIT_DAY: return add_days(r, x, part, 1);
    case UNIT_WEEK: return add_days(r, x, part, 7);
    case UNIT_MONTH: return add_months(r, x, part);
    case UNIT_YEAR: return add_years(r, x, part, 1);
    case UNIT_DECADE: return add_years(r, x, part, 10);
    case UNIT_CENTURY: return add_years(r, x, part, 100);
    default: return add_years(r, x, part, 1000);
    }
}

/* ---- words and SQL's fields, from the right to the left: units come before their numbers ---- */

/* What a number without a unit counts: the last field of the declared range. */
static enum unit default_unit(int32_t range) {
    if (range == INTERVAL_FULL_RANGE || range & PART_SECOND) return UNIT_SECOND;
    if (range & PART_MINUTE) return UNIT_MINUTE;
    if (range & PART_HOUR) return UNIT_HOUR;
    if (range & PART_DAY) return UNIT_DAY;
    return range & PART_MONTH ? UNIT_MONTH : UNIT_YEAR;
}

static enum reading read_time(struct reader *r, const char *text, int *ret_part) {
    struct clock c;
    enum reading why = read_clock(text, r->range == (PART_MINUTE | PART_SECOND), &c);
    if (why) return why;
    int64_t rest = (c.minute * INT64_C(60) + c.second) * US_PER_SECOND + c.us;
    if (__builtin_mul_overflow(c.hour, US_PER_HOUR, &r->us) ||
        __builtin_add_overflow(r->us, rest, &r->us))
        return READING_RANGE;
    r->unit = UNIT_DAY; /* of a number before it */
    *ret_part = PARTS_OF_TIME;
    return READING_OK;
}

static enum reading read_signed_time(struct reader *r, const char *text, int *ret_part) {
    enum reading why = read_time(r, text + 1, ret_part);
    if (!why && *text == '-') r->us = -r->us;
    return why;
}

static int part_of(enum unit unit, bool has_fraction) {
    static const int parts[] = {[UNIT_US] = PART_US,           [UNIT_MS] = PART_MS,
                                [UNIT_SECOND] = PART_SECOND,   [UNIT_MINUTE] = PART_MINUTE,
                                [UNIT_HOUR] = PART_HOUR,       [UNIT_DAY] = PART_DAY,
                                [UNIT_WEEK] = PART_WEEK,       [UNIT_MONTH] = PART_MONTH,
                                [UNIT_YEAR] = PART_YEAR,       [UNIT_DECADE] = PART_DECADE,
                                [UNIT_CENTURY] = PART_CENTURY, [UNIT_MILLENNIUM] = PART_MILLENNIUM};
    return unit == UNIT_SECOND && has_fraction ? PARTS_OF_SECOND : parts[unit];
}

/* The months of years-months */
static enum reading read_months(const char *p, bool minus, int64_t *years) {
    int32_t months;
    if (read_int32(&p, &months) || months < 0 || months > 11) return READING_RANGE;
    if (*p) return READING_BAD;
    if (__builtin_mul_overflow(*years, 12, years) ||
        __builtin_add_overflow(*years, minus ? -months : months, years))
        return READING_RANGE;
    return READING_OK;
}

static enum reading read_number(struct reader *r, const char *text, int *ret_part) {
    const char *p = text;
    int64_t x;
    double part = 0;
    enum reading why;
    bool minus = *text == '-';
    if (r->unit == UNIT_NONE) r->unit = default_unit(r->range);
    if ((why = read_int64(&p, &x))) return why;
    if (*p == '-') {
        r->unit = UNIT_MONTH;
        if ((why = read_months(p + 1, minus, &x))) return why;
    } else if (*p == '.') {
        if ((why = read_fraction(p, &part))) return why;
        if (minus) part = -part;
    } else if (*p) {
        return READING_BAD;
    }
    if (r->all_minus && x > 0) x = -x;
    if (r->all_minus && part > 0) part = -part;
    if (r->unit > UNIT_MILLENNIUM) return READING_BAD;
    if (!add_unit(r, r->unit, x, part)) return READING_RANGE;
    *ret_part = part_of(r->unit, part != 0);
    if (r->unit == UNIT_HOUR) r->unit = UNIT_DAY; /* of a number before it */
    return READING_OK;
}

static enum reading read_word(struct reader *r, const char *word) {
    int value;
    switch (interval_word(word, &value)) {
    case WORD_NOISE: return READING_OK;
    case WORD_UNIT: r->unit = (enum unit)value; return READING_OK;
    case WORD_AGO:
        r->ago = true;
        r->unit = UNIT_OTHER;
        return READING_OK;
    default: return READING_BAD;
    }
}

static enum reading read_field(struct reader *r, enum look look, const char *text, int *ret_part) {
    enum reading why = READING_OK;
    bool time = look == LOOK_TIME;
    if (time) {
        why = read_time(r, text, ret_part);
    } else if (look == LOOK_SIGNED && strchr(text, ':')) {
        struct reader before = *r;
        time = !read_signed_time(r, text, ret_part);
        if (!time) *r = before;
    }
    if (time && r->all_minus && r->us > 0) r->us = -r->us;
    if (time || why) return why;
    if (look == LOOK_WORD || look == LOOK_SPECIAL) return read_word(r, text);
    return read_number(r, text, ret_part);
}

/* Whether the sign at the beginning is the only one. */
static bool one_minus(const struct fields *f) {
    if (!f->n || *f->texts[0] != '-') return false;
    for (size_t i = 1; i < f->n; i++)
        if (*f->texts[i] == '-' || *f->texts[i] == '+') return false;
    return true;
}

static enum reading negate(struct reader *r) {
    if (r->us == INT64_MIN || r->days == INT32_MIN || r->months == INT32_MIN ||
        r->years == INT32_MIN)
        return READING_RANGE;
    r->us = -r->us;
    r->days = -r->days;
    r->months = -r->months;
    r->years = -r->years;
    return READING_OK;
}

static enum reading read_words(struct reader *r, const struct fields *f) {
    for (size_t i = f->n; i-- > 0;) {
        int part = 0;
        enum reading why = read_field(r, f->looks[i], f->texts[i], &part);
        if (why) return why;
        if (r->parts & part) return READING_BAD;
        r->parts |= part;
    }
    if (!r->parts) return READING_BAD;
    return r->ago ? negate(r) : READING_OK;
}

/* ---- ISO 8601: P1Y2M3W4DT5H6M7.8S, P0001-02-03T04:05:06, P00010203T040506 ---- */

struct iso {
    struct reader *r;
    const char *p, *start; /* start: of the number read last */
    int64_t x;
    double part;
    bool time, any; /* any: before, in the date or the time */
};

static enum reading iso_number(struct iso *s) {
    char *end;
    errno = 0;
    s->start = s->p;
    double value = strtod(s->p, &end);
    if (end == s->p || errno) return READING_BAD;
    s->p = end;
    if (!(fabs(value) <= 1.0e15)) return READING_RANGE;
    s->x = (int64_t)trunc(value);
    s->part = value - (double)s->x;
    return READING_OK;
}

static enum reading iso_add(struct iso *s, enum unit unit) {
    return add_unit(s->r, unit, s->x, s->part) ? READING_OK : READING_RANGE;
}

static size_t iso_width(const struct iso *s) {
    const char *p = s->start + (*s->start == '-');
    return strspn(p, "0123456789");
}

/* Digits without separators: yyyymmdd, hhmmss */
static enum reading iso_basic(struct iso *s, enum unit first) {
    struct reader *r = s->r;
    bool good = add_unit(r, first, s->x / 10000, 0) &&
                add_unit(r, first == UNIT_YEAR ? UNIT_MONTH : UNIT_MINUTE, s->x / 100 % 100, 0) &&
                add_unit(r, first == UNIT_YEAR ? UNIT_DAY : UNIT_SECOND, s->x % 100, 0) &&
                add_us_part(r, s->part, first == UNIT_YEAR ? (double)US_PER_DAY : 1);
    return good ? READING_OK : READING_RANGE;
}

/* y[-m[-d]], h[:m[:s]], as far as it goes; the first number has been read. */
static enum reading iso_extended(struct iso *s, char separator, const enum unit units[3]) {
    enum reading why = s->any ? READING_BAD : iso_add(s, units[0]);
    for (size_t i = 1; !why && i < 3 && *s->p == separator; i++) {
        s->p++;
        if (!(why = iso_number(s))) why = iso_add(s, units[i]);
    }
    return why;
}

static enum reading iso_date(struct iso *s) {
    static const char letters[] = "YMWD";
    static const enum unit units[] = {UNIT_YEAR, UNIT_MONTH, UNIT_WEEK, UNIT_DAY};
    static const enum unit extended[] = {UNIT_YEAR, UNIT_MONTH, UNIT_DAY};
    const char *at = *s->p ? strchr(letters, *s->p) : NULL;
    enum reading why;
    if (at) {
        s->p++;
        return iso_add(s, units[at - letters]);
    }
    bool end = !*s->p || *s->p == 'T';
    if (!end && *s->p != '-') return READING_BAD;
    if (end && iso_width(s) == 8 && !s->any)
        why = iso_basic(s, UNIT_YEAR);
    else
        why = iso_extended(s, '-', extended);
    return !why && *s->p && *s->p != 'T' ? READING_BAD : why;
}

static enum reading iso_time(struct iso *s) {
    static const char letters[] = "HMS";
    static const enum unit units[] = {UNIT_HOUR, UNIT_MINUTE, UNIT_SECOND};
    const char *at = *s->p ? strchr(letters, *s->p) : NULL;
    if (at) {
        s->p++;
        return iso_add(s, units[at - letters]);
    }
    if (*s->p && *s->p != ':') return READING_BAD;
    enum reading why = !*s->p && iso_width(s) == 6 && !s->any ? iso_basic(s, UNIT_HOUR)
                                                              : iso_extended(s, ':', units);
    return !why && *s->p ? READING_BAD : why;
}

static enum reading read_iso(struct reader *r, const char *text) {
    struct iso s = {.r = r, .p = text + 1};
    if (*text != 'P' || !text[1]) return READING_BAD;
    while (*s.p) {
        if (*s.p == 'T') {
            s.time = true;
            s.any = false;
            s.p++;
            continue;
        }
        enum reading why = iso_number(&s);
        if (!why) why = s.time ? iso_time(&s) : iso_date(&s);
        if (why) return why;
        s.any = true;
    }
    return READING_OK;
}

/* ---- the whole ---- */

#define INTERVAL_TEXT_MAX 281

static status put_together(const struct eval_env *env, const struct reader *r,
                           struct interval *ret) {
    int64_t months = (int64_t)r->years * 12 + r->months;
    if (months != (int32_t)months) return interval_out_of_range(env);
    *ret = (struct interval){r->us, r->days, (int32_t)months};
    return OK;
}

status interval_parse(const struct eval_env *env, const char *text, size_t len, int32_t typmod,
                      struct interval *ret) {
    struct reader r = {.range = interval_range_of(typmod)};
    struct fields f;
    enum reading why = fields_split(text, len, INTERVAL_TEXT_MAX, &f);
    if (!why) {
        r.all_minus = env->session->interval_style == INTERVAL_STYLE_SQL && one_minus(&f);
        why = read_words(&r, &f);
    }
    if (why == READING_BAD) {
        char *copy = arena_strndup(env->arena, text, len);
        if (!copy) return out_of_memory(env);
        r = (struct reader){.range = r.range};
        why = read_iso(&r, copy);
    }
    if (why) return reading_error(env, why, "interval", text, len, NULL);
    TRY(put_together(env, &r, ret));
    interval_fit(ret, typmod);
    return OK;
}
