/* Splitting the literals of dates, times and intervals, and reading what fields hold. */
#include "types/datetime_text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

status reading_error(const struct eval_env *env, enum reading why, const char *type_name,
                     const char *text, size_t len, const char *zone_name) {
    int n = (int)(len > 300 ? 300 : len);
    switch (why) {
    case READING_OK: return OK;
    case READING_RANGE:
    case READING_ORDER: {
        bool interval = !strcmp(type_name, "interval");
        status s = interval ? error_set(env->error, ST_INTERVAL_FIELD_OVERFLOW,
                                        "interval field value out of range: \"%.*s\"", n, text)
                            : error_set(env->error, ST_DATETIME_FIELD_OVERFLOW,
                                        "date/time field value out of range: \"%.*s\"", n, text);
        if (why == READING_ORDER)
            error_hint(env->error, "Perhaps you need a different \"datestyle\" setting.");
        return s;
    }
    case READING_OFFSET:
        return error_set(env->error, ST_INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
                         "time zone displacement out of range: \"%.*s\"", n, text);
    case READING_NO_ZONE:
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE, "time zone \"%s\" not recognized",
                         zone_name);
    case READING_NO_MEMORY: return out_of_memory(env);
    case READING_BAD: break;
    }
    return error_set(env->error, ST_INVALID_DATETIME_FORMAT,
                     "invalid input syntax for type %s: \"%.*s\"", type_name, n, text);
}

/* ---- splitting ---- */

struct splitter {
    const char *p, *end;
    char *out, *out_end;
    bool full;
};

static char peek(const struct splitter *s) {
    return s->p < s->end ? *s->p : '\0';
}

static void take(struct splitter *s) {
    if (s->out < s->out_end)
        *s->out++ = lower_ascii(*s->p);
    else
        s->full = true;
    s->p++;
}

static bool is_alnum(char c) {
    return is_letter(c) || is_digit(c);
}

static bool is_one_of(char c, const char *set) {
    return c && strchr(set, c);
}

static void take_digits(struct splitter *s) {
    while (is_digit(peek(s))) take(s);
}

/* 8, 8.5, 04:05:06.7, 1999-01-08, 08-jan-1999 */
static enum look split_digits(struct splitter *s) {
    take_digits(s);
    if (peek(s) == ':') {
        while (is_digit(peek(s)) || is_one_of(peek(s), ":.")) take(s);
        return LOOK_TIME;
    }
    if (!is_one_of(peek(s), "-/.")) return LOOK_NUMBER;
    char separator = peek(s);
    take(s);
    if (!is_digit(peek(s))) {
        while (is_alnum(peek(s)) || peek(s) == separator) take(s);
        return LOOK_DATE;
    }
    take_digits(s);
    if (peek(s) != separator) return separator == '.' ? LOOK_NUMBER : LOOK_DATE;
    while (is_digit(peek(s)) || peek(s) == separator) take(s);
    return LOOK_DATE;
}

/* A word, or a date or zone that begins with one: jan-8-1999, america/new_york, utc+3 */
static enum look split_letters(struct splitter *s, const char *start) {
    int value;
    while (is_letter(peek(s))) take(s);
    bool more = is_one_of(peek(s), "-/.");
    if ((peek(s) == '+' || is_digit(peek(s))) && s->out < s->out_end) {
        *s->out = '\0';
        more = date_word(start, &value) == WORD_NONE;
    }
    if (!more) return LOOK_WORD;
    while (is_alnum(peek(s)) || is_one_of(peek(s), "+-/_.:")) take(s);
    return LOOK_DATE;
}

static enum reading split_sign(struct splitter *s, enum look *ret) {
    take(s);
    while (is_space(peek(s))) s->p++;
    if (is_digit(peek(s))) {
        *ret = LOOK_SIGNED;
        while (is_digit(peek(s)) || is_one_of(peek(s), ":.-")) take(s);
        return READING_OK;
    }
    *ret = LOOK_SPECIAL;
    if (!is_letter(peek(s))) return READING_BAD;
    while (is_letter(peek(s))) take(s);
    return READING_OK;
}

enum reading fields_split(const char *text, size_t len, size_t limit, struct fields *ret) {
    struct splitter s = {text, text + len, ret->room, ret->room + limit, false};
    ret->n = 0;
    while (s.p < s.end) {
        char c = *s.p, *start = s.out;
        enum look look;
        if (is_space(c)) {
            s.p++;
            continue;
        }
        if (is_digit(c)) {
            look = split_digits(&s);
        } else if (c == '.') {
            look = LOOK_NUMBER;
            take(&s);
            take_digits(&s);
        } else if (is_letter(c)) {
            look = split_letters(&s, start);
        } else if (c == '+' || c == '-') {
            if (split_sign(&s, &look)) return READING_BAD;
        } else if (c > ' ' && c < 0x7F) {
            s.p++; /* other punctuation only separates */
            continue;
        } else {
            return READING_BAD;
        }
        if (s.full || s.out >= s.out_end || ret->n == FIELDS_MAX) return READING_BAD;
        *s.out++ = '\0';
        ret->looks[ret->n] = look;
        ret->texts[ret->n++] = start;
    }
    return READING_OK;
}

/* ---- numbers ---- */

enum reading read_int64(const char **p, int64_t *ret) {
    char *end;
    errno = 0;
    *ret = strtoll(*p, &end, 10);
    *p = end;
    return errno == ERANGE ? READING_RANGE : READING_OK;
}

enum reading read_int32(const char **p, int32_t *ret) {
    int64_t x;
    enum reading r = read_int64(p, &x);
    *ret = (int32_t)x;
    return r == READING_OK && x != (int32_t)x ? READING_RANGE : r;
}

enum reading read_fraction(const char *p, double *ret) {
    char *end;
    *ret = 0;
    if (!p[1]) return READING_OK;
    errno = 0;
    *ret = strtod(p, &end);
    return *end || errno ? READING_BAD : READING_OK;
}

enum reading read_us(const char *p, int32_t *ret) {
    double part;
    enum reading r = read_fraction(p, &part);
    *ret = (int32_t)rint(part * 1000000);
    return r;
}

/* The part after h:m */
static enum reading read_seconds(const char *p, bool minutes_first, struct clock *c) {
    enum reading r;
    if (*p == ':') {
        p++;
        if ((r = read_int32(&p, &c->second))) return r;
        if (!*p) return READING_OK;
        return *p == '.' ? read_us(p, &c->us) : READING_BAD;
    }
    if (*p && *p != '.') return READING_BAD;
    if (!*p && !minutes_first) return READING_OK;
    if (*p && (r = read_us(p, &c->us))) return r;
    if (c->hour != (int32_t)c->hour) return READING_RANGE;
    c->second = c->minute;
    c->minute = (int32_t)c->hour;
    c->hour = 0;
    return READING_OK;
}

enum reading read_clock(const char *p, bool minutes_first, struct clock *ret) {
    enum reading r;
    *ret = (struct clock){0};
    if ((r = read_int64(&p, &ret->hour))) return r;
    if (*p++ != ':') return READING_BAD;
    if ((r = read_int32(&p, &ret->minute))) return r;
    if ((r = read_seconds(p, minutes_first, ret))) return r;
    if (ret->hour < 0 || ret->minute < 0 || ret->minute > 59 || ret->second < 0 ||
        ret->second > 60 || ret->us < 0 || ret->us > 1000000)
        return READING_RANGE;
    return READING_OK;
}

enum reading read_offset(const char *p, int32_t *ret) {
    const char *start = p;
    int32_t h, m = 0, s = 0;
    if (*p != '+' && *p != '-') return READING_BAD;
    p++;
    if (read_int32(&p, &h)) return READING_OFFSET;
    if (*p == ':') {
        p++;
        if (read_int32(&p, &m)) return READING_OFFSET;
        if (*p == ':') {
            p++;
            if (read_int32(&p, &s)) return READING_OFFSET;
        }
    } else if (!*p && strlen(start) > 3) {
        m = h % 100;
        h /= 100;
    }
    if (h < 0 || h > 15 || m < 0 || m > 59 || s < 0 || s > 59) return READING_OFFSET;
    int32_t offset = (h * 60 + m) * 60 + s;
    *ret = *start == '-' ? -offset : offset;
    return *p ? READING_BAD : READING_OK;
}
