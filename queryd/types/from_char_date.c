/* to_date and to_timestamp: an input read along a template. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "types/template_date.h"

/* What the fields said; 0: nothing. */
struct said {
    uint8_t convention;
    bool twelve_hours;
    int pm, bc;
    int hour, minute, second, second_of_day;
    int day, day_of_week, day_of_year, month, ms, us;
    int year, year_digits, century, julian, week, week_of_month;
    int zone_sign, zone_hours, zone_minutes;
    int places; /* of the second, to which FFn rounds; 0: all */
};

struct reader {
    const struct eval_env *env;
    const char *p; /* NUL-terminated input */
    const char *start;
    bool exact;     /* FX was met */
    int extra_skip; /* blanks skipped that the template did not ask for */
    struct said said;
};

static status bad(const struct reader *r, const char *word, const char *value, const char *detail) {
    status s = error_set(r->env->error, ST_INVALID_DATETIME_FORMAT,
                         "invalid value \"%s\" for \"%s\"", value, word);
    error_detail(r->env->error, "%s", detail);
    return s;
}

static bool is_separator_at(const char *p) {
    return *p > 0x20 && *p < 0x7f && !is_letter(*p) && !is_digit(*p);
}

static void step(struct reader *r) {
    if (*r->p) r->p += utf8_len(r->p, r->p + strnlen(r->p, 4));
}

static void skip_ordinal(struct reader *r, const struct template_item *item) {
    if (!(item->modifiers & (MODIFIER_TH | MODIFIER_TH_LOWER))) return;
    step(r);
    step(r);
}

/* Whether the field may take as many digits as there are: nothing that begins with a digit follows.
 */
static bool takes_all_digits(const struct template *t, uint32_t i) {
    if (t->items[i].modifiers & (MODIFIER_TH | MODIFIER_TH_LOWER)) return true;
    if (i + 1 == t->n) return true;
    const struct template_item *next = &t->items[i + 1];
    if (next->kind == TEMPLATE_FIELD) return !next->word->digits;
    return next->text[1] || !is_digit(next->text[0]);
}

static status set(struct reader *r, const struct template_item *item, int *field, int value) {
    if (*field != 0 && *field != value) {
        status s =
            error_set(r->env->error, ST_INVALID_DATETIME_FORMAT,
                      "conflicting values for \"%s\" field in formatting string", item->word->text);
        error_detail(r->env->error,
                     "This value contradicts a previous setting for the same field type.");
        return s;
    }
    *field = value;
    return OK;
}

static status too_short(struct reader *r, const char *word, const char *copy, int want, int have,
                        bool remain) {
    status s = remain ? error_set(r->env->error, ST_INVALID_DATETIME_FORMAT,
                                  "source string too short for \"%s\" formatting field", word)
                      : error_set(r->env->error, ST_INVALID_DATETIME_FORMAT,
                                  "invalid value \"%s\" for \"%s\"", copy, word);
    error_detail(r->env->error,
                 remain ? "Field requires %d characters, but only %d remain."
                        : "Field requires %d characters, but only %d could be parsed.",
                 want, have);
    error_hint(r->env->error,
               "If your source string is not fixed-width, try using the \"FM\" modifier.");
    return s;
}

/* An integer of `width` characters, or of any length where the template allows; the characters
 * used in *ret_len. */
static status read_int(struct reader *r, const struct template *t, uint32_t i, int width,
                       int *field, int *ret_len) {
    const struct template_item *item = &t->items[i];
    const char *word = item->word->text, *start = r->p;
    char copy[16] = {0};
    char *end;
    long value;
    while (is_space(*r->p)) r->p++;
    size_t left = strlen(r->p);
    memcpy(copy, r->p, left < (size_t)width ? left : (size_t)width);
    errno = 0;
    if ((item->modifiers & MODIFIER_FM) || takes_all_digits(t, i)) {
        value = strtol(start, &end, 10);
        r->p = end;
    } else {
        if (left < (size_t)width) return too_short(r, word, copy, width, (int)left, true);
        value = strtol(copy, &end, 10);
        int used = (int)(end - copy);
        if (used > 0 && used < width) return too_short(r, word, copy, width, used, false);
        r->p += used;
        if (!used) r->p = start;
    }
    if (r->p == start) return bad(r, word, copy, "Value must be an integer.");
    if (errno == ERANGE || value < INT_MIN || value > INT_MAX) {
        status s = error_set(r->env->error, ST_DATETIME_FIELD_OVERFLOW,
                             "value for \"%s\" in source string is out of range", word);
        error_detail(r->env->error, "Value must be in the range %d to %d.", INT_MIN, INT_MAX);
        return s;
    }
    if (ret_len) *ret_len = (int)(r->p - start);
    if (field) TRY(set(r, item, field, (int)value));
    skip_ordinal(r, item);
    return OK;
}

/* The first of the words that the input begins with, in any case. */
static status read_word(struct reader *r, const struct template_item *item,
                        const char *const *words, int *ret) {
    for (int i = 0; words[i]; i++) {
        size_t len = strlen(words[i]), k = 0;
        while (k < len && lower_ascii(r->p[k]) == lower_ascii(words[i][k])) k++;
        if (k < len) continue;
        r->p += len;
        *ret = i;
        return OK;
    }
    size_t len = 0;
    while (r->p[len] && !is_space(r->p[len])) len++;
    char *copy = arena_strndup(r->env->arena, r->p, len);
    if (!copy) return out_of_memory(r->env);
    return bad(r, item->word->text, copy,
               "The given value did not match any of the allowed values for this field.");
}

static int whole_year(int year) {
    if (year < 70) return year + 2000;
    if (year < 100) return year + 1900;
    if (year < 520) return year + 2000;
    return year < 1000 ? year + 1000 : year;
}

static status read_thousands(struct reader *r, const struct template_item *item) {
    int thousands, years, n = 0;
    char *end;
    long value = strtol(r->p, &end, 10);
    thousands = (int)value;
    if (end == r->p || *end != ',')
        return error_set(r->env->error, ST_INVALID_DATETIME_FORMAT,
                         "invalid input string for \"Y,YYY\"");
    const char *p = end + 1;
    for (years = 0; n < 3 && is_digit(p[n]); n++) years = years * 10 + (p[n] - '0');
    if (!n)
        return error_set(r->env->error, ST_INVALID_DATETIME_FORMAT,
                         "invalid input string for \"Y,YYY\"");
    r->p = p + n;
    TRY(set(r, item, &r->said.year, thousands * 1000 + years));
    r->said.year_digits = 4;
    skip_ordinal(r, item);
    return OK;
}

static status read_year(struct reader *r, const struct template *t, uint32_t i) {
    uint8_t id = t->items[i].word->id;
    struct said *s = &r->said;
    if (id == DP_Y_YYY) return read_thousands(r, &t->items[i]);
    int digits = id == DP_YYYY || id == DP_IYYY ? 4
                 : id == DP_YYY || id == DP_IYY ? 3
                 : id == DP_YY || id == DP_IY   ? 2
                                                : 1;
    int len;
    TRY(read_int(r, t, i, digits, &s->year, &len));
    if (digits < 4 && len < 4) s->year = whole_year(s->year);
    s->year_digits = digits;
    return OK;
}

static status read_fraction(struct reader *r, const struct template *t, uint32_t i) {
    uint8_t id = t->items[i].word->id;
    int width = id == DP_MS ? 3 : id == DP_US ? 6 : id - DP_FF1 + 1, full = id == DP_MS ? 3 : 6;
    int *field = id == DP_MS ? &r->said.ms : &r->said.us, len;
    if (id != DP_MS && id != DP_US) r->said.places = width;
    TRY(read_int(r, t, i, width, field, &len));
    /* 25 is 0.25, 025 is 0.025 */
    for (; len < full; len++) *field *= 10;
    return OK;
}

static status read_zone(struct reader *r, const struct template *t, uint32_t i) {
    struct said *s = &r->said;
    if (t->items[i].word->id == DP_TZM) {
        if (!s->zone_sign) s->zone_sign = 1;
        return read_int(r, t, i, 2, &s->zone_minutes, NULL);
    }
    if (*r->p == '+' || *r->p == '-' || *r->p == ' ')
        s->zone_sign = *r->p++ == '-' ? -1 : 1;
    else /* a minus may have been taken for a separator */
        s->zone_sign = r->extra_skip > 0 && r->p > r->start && r->p[-1] == '-' ? -1 : 1;
    return read_int(r, t, i, 2, &s->zone_hours, NULL);
}

static status read_name(struct reader *r, const struct template_item *item) {
    static const char *const halves[] = {"AM", "PM", NULL}, *const dotted[] = {"A.M.", "P.M.",
                                                                               NULL};
    static const char *const eras[] = {"AD", "BC", NULL}, *const dotted_eras[] = {"A.D.", "B.C.",
                                                                                  NULL};
    struct said *s = &r->said;
    uint8_t id = item->word->id;
    int value;
    if (id == DP_AM || id == DP_AM_LOWER || id == DP_AM_DOTS || id == DP_AM_DOTS_LOWER) {
        TRY(read_word(r, item, id == DP_AM || id == DP_AM_LOWER ? halves : dotted, &value));
        s->twelve_hours = true;
        return set(r, item, &s->pm, value);
    }
    if (id <= DP_AD_DOTS_LOWER) {
        TRY(read_word(r, item, id == DP_AD || id == DP_AD_LOWER ? eras : dotted_eras, &value));
        return set(r, item, &s->bc, value);
    }
    if (id == DP_RM || id == DP_RM_LOWER) {
        TRY(read_word(r, item, date_months_roman, &value));
        return set(r, item, &s->month, 12 - value);
    }
    if (id >= DP_MONTH_UPPER && id <= DP_MON_LOWER) {
        TRY(read_word(r, item, id <= DP_MONTH_LOWER ? date_months : date_months_short, &value));
        return set(r, item, &s->month, value + 1);
    }
    TRY(read_word(r, item, id <= DP_DAY_LOWER ? date_days : date_days_short, &value));
    TRY(set(r, item, &s->day_of_week, value));
    s->day_of_week++;
    return OK;
}

static bool is_name(uint8_t id) {
    return id <= DP_AM_DOTS_LOWER || (id >= DP_DAY_UPPER && id <= DP_DY_LOWER) || id == DP_RM ||
           id == DP_RM_LOWER || (id >= DP_MONTH_UPPER && id <= DP_MON_LOWER);
}

static status read_number(struct reader *r, const struct template *t, uint32_t i) {
    struct said *s = &r->said;
    switch (t->items[i].word->id) {
    case DP_HH12: s->twelve_hours = true; [[fallthrough]];
    case DP_HH24: return read_int(r, t, i, 2, &s->hour, NULL);
    case DP_MI: return read_int(r, t, i, 2, &s->minute, NULL);
    case DP_SS: return read_int(r, t, i, 2, &s->second, NULL);
    case DP_SSSS:
        return read_int(r, t, i, (int)strlen(t->items[i].word->text), &s->second_of_day, NULL);
    case DP_MM: return read_int(r, t, i, 2, &s->month, NULL);
    case DP_DDD:
    case DP_IDDD: return read_int(r, t, i, 3, &s->day_of_year, NULL);
    case DP_DD: return read_int(r, t, i, 2, &s->day, NULL);
    case DP_D: return read_int(r, t, i, 1, &s->day_of_week, NULL);
    case DP_ID:
        TRY(read_int(r, t, i, 1, &s->day_of_week, NULL));
        if (++s->day_of_week > 7) s->day_of_week = 1;
        return OK;
    case DP_WW:
    case DP_IW: return read_int(r, t, i, 2, &s->week, NULL);
    case DP_Q: return read_int(r, t, i, 1, NULL, NULL); /* says too little to be of use */
    case DP_CC: return read_int(r, t, i, 2, &s->century, NULL);
    case DP_W: return read_int(r, t, i, 1, &s->week_of_month, NULL);
    default: return read_int(r, t, i, 1, &s->julian, NULL);
    }
}

static status read_field(struct reader *r, const struct template *t, uint32_t i) {
    const struct template_word *word = t->items[i].word;
    uint8_t id = word->id;
    if (word->convention && r->said.convention && word->convention != r->said.convention) {
        status s = error_set(r->env->error, ST_INVALID_DATETIME_FORMAT,
                             "invalid combination of date conventions");
        error_hint(r->env->error,
                   "Do not mix Gregorian and ISO week date conventions in a formatting template.");
        return s;
    }
    if (word->convention) r->said.convention = word->convention;
    if (is_name(id)) return read_name(r, &t->items[i]);
    if (id >= DP_Y_YYY || (id >= DP_IYYY && id <= DP_I)) return read_year(r, t, i);
    if ((id >= DP_FF1 && id <= DP_FF6) || id == DP_MS || id == DP_US) return read_fraction(r, t, i);
    if (id == DP_TZH || id == DP_TZM) return read_zone(r, t, i);
    if (id == DP_TZ || id == DP_TZ_LOWER || id == DP_OF)
        return error_set(r->env->error, ST_FEATURE_NOT_SUPPORTED,
                         "formatting field \"%s\" is only supported in to_char", word->text);
    if (id != DP_FX) return read_number(r, t, i);
    r->exact = true;
    return OK;
}

static void skip_blanks(struct reader *r) {
    while (is_space(*r->p)) {
        r->p++;
        r->extra_skip++;
    }
}

/* A character of the template takes one of the input, whichever it is, unless more blanks than it
 * wanted were skipped before. */
static void read_character(struct reader *r, const struct template_item *item) {
    if (r->exact) {
        step(r);
    } else if (item->kind == TEMPLATE_CHAR) {
        if (r->extra_skip > 0)
            r->extra_skip--;
        else
            step(r);
    } else {
        r->extra_skip--;
        if (is_space(*r->p) || is_separator_at(r->p)) {
            r->p++;
            r->extra_skip++;
        }
    }
}

static status read_template(struct reader *r, const struct template *t) {
    for (uint32_t i = 0; i < t->n && *r->p; i++) {
        const struct template_item *item = &t->items[i];
        if (!r->exact && (item->kind == TEMPLATE_FIELD || i == 0)) skip_blanks(r);
        if (item->kind != TEMPLATE_FIELD) {
            read_character(r, item);
            continue;
        }
        TRY(read_field(r, t, i));
        if (r->exact) continue;
        r->extra_skip = 0;
        skip_blanks(r);
    }
    return OK;
}

/* ---- from fields to a moment ---- */

enum { HAVE_YEAR = 1, HAVE_MONTH = 2, HAVE_DAY = 4, HAVE_DATE = 7 };

static status set_clock(struct reader *r, struct civil *c) {
    struct said *s = &r->said;
    if (s->second_of_day) {
        c->hour = s->second_of_day / 3600;
        c->minute = s->second_of_day % 3600 / 60;
        c->second = s->second_of_day % 60;
    }
    if (s->second) c->second = s->second;
    if (s->minute) c->minute = s->minute;
    if (s->hour) c->hour = s->hour;
    if (!s->twelve_hours) return OK;
    if (c->hour < 1 || c->hour > 12) {
        status st = error_set(r->env->error, ST_INVALID_DATETIME_FORMAT,
                              "hour \"%d\" is invalid for the 12-hour clock", c->hour);
        error_hint(r->env->error, "Use the 24-hour clock, or give an hour between 1 and 12.");
        return st;
    }
    if (s->pm && c->hour < 12)
        c->hour += 12;
    else if (!s->pm && c->hour == 12)
        c->hour = 0;
    return OK;
}

static unsigned set_year(struct said *s, struct civil *c) {
    int century = s->bc ? -s->century : s->century;
    if (s->year && s->century && s->year_digits <= 2) {
        int two = s->year % 100;
        if (two)
            c->year = century >= 0 ? two + (century - 1) * 100 : (century + 1) * 100 - two + 1;
        else
            c->year = century * 100 + (century >= 0 ? 0 : 1);
    } else if (s->year) {
        c->year = s->bc ? -s->year : s->year;
        if (c->year < 0) c->year++;
    } else if (s->century) {
        c->year = century >= 0 ? (century - 1) * 100 + 1 : century * 100 + 1;
    } else {
        return 0;
    }
    return HAVE_YEAR;
}

/* Monday of an ISO week as days since 2000-01-01. */
static int64_t iso_monday(int64_t year, int week) {
    int64_t fourth = days_from_date(year, 1, 4);
    return fourth - (weekday(fourth) + 6) % 7 + (week - 1) * INT64_C(7);
}

static unsigned set_day_number(int64_t days, struct civil *c) {
    date_from_days(days, c);
    return HAVE_DATE;
}

static status set_day_of_year(struct reader *r, struct civil *c, unsigned *have) {
    struct said *s = &r->said;
    if (!c->year && !s->bc)
        return error_set(r->env->error, ST_INVALID_DATETIME_FORMAT,
                         "cannot calculate day of year without year information");
    if (s->convention == CONVENTION_ISO_WEEK) {
        *have |= set_day_number(iso_monday(c->year, 1) + s->day_of_year - 1, c);
        return OK;
    }
    int month = 1, left = s->day_of_year;
    while (month <= 12 && left > days_in_month(c->year, month))
        left -= days_in_month(c->year, month++);
    if (c->month <= 1) c->month = month;
    if (c->day <= 1) c->day = left;
    *have |= HAVE_MONTH | HAVE_DAY;
    return OK;
}

static status set_date(struct reader *r, struct civil *c, unsigned *have) {
    struct said *s = &r->said;
    *have |= set_year(s, c);
    if (s->julian) *have |= set_day_number(s->julian - (int64_t)EPOCH_JULIAN, c);
    if (s->week && s->convention == CONVENTION_ISO_WEEK) {
        /* days are counted from Sunday = 1; a week's last is Sunday */
        int day = !s->day_of_week ? 0 : s->day_of_week > 1 ? s->day_of_week - 2 : 6;
        *have |= set_day_number(iso_monday(c->year, s->week) + day, c);
    } else if (s->week) {
        s->day_of_year = (s->week - 1) * 7 + 1;
    }
    if (s->week_of_month) s->day = (s->week_of_month - 1) * 7 + 1;
    if (s->day) {
        c->day = s->day;
        *have |= HAVE_DAY;
    }
    if (s->month) {
        c->month = s->month;
        *have |= HAVE_MONTH;
    }
    if (s->day_of_year && (c->month <= 1 || c->day <= 1)) TRY(set_day_of_year(r, c, have));
    return OK;
}

static bool in_range(const struct said *s, const struct civil *c, unsigned have) {
    if ((have & HAVE_MONTH) && (c->month < 1 || c->month > 12)) return false;
    if ((have & HAVE_DAY) && (c->day < 1 || c->day > 31)) return false;
    if (have == HAVE_DATE && c->day > days_in_month(c->year, c->month)) return false;
    if (c->hour < 0 || c->hour >= 24 || c->minute < 0 || c->minute >= 60 || c->second < 0 ||
        c->second >= 60)
        return false;
    if (!s->zone_sign) return true;
    return s->zone_hours >= 0 && s->zone_hours <= 15 && s->zone_minutes >= 0 &&
           s->zone_minutes < 60;
}

/* Input and template into a moment's parts; *ret_us the part of a second. */
static status read_moment(struct fn_call *c, struct civil *ret, const char **ret_text,
                          struct said *ret_said) {
    struct template t;
    struct reader r = {.env = c->env};
    r.start = r.p = arena_strndup(c->env->arena, c->args[0].v->data, c->args[0].v->len);
    if (!r.p) return out_of_memory(c->env);
    *ret_text = r.p;
    *ret = (struct civil){.month = 1, .day = 1};
    TRY(template_parse_date(c->env, c->args[1].v, &t));
    TRY(read_template(&r, &t));
    unsigned have = 0;
    TRY(set_clock(&r, ret));
    TRY(set_date(&r, ret, &have));
    int64_t us = r.said.ms * INT64_C(1000) + r.said.us;
    if (us < 0 || us >= US_PER_SECOND || !in_range(&r.said, ret, have))
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW,
                         "date/time field value out of range: \"%s\"", *ret_text);
    ret->us = (int32_t)us;
    *ret_said = r.said;
    return OK;
}

status fn_to_date(struct fn_call *c) {
    struct civil v;
    const char *text;
    struct said said;
    TRY(read_moment(c, &v, &text, &said));
    int64_t days = v.year > INT32_MAX / 400 || v.year < -INT32_MAX / 400
                       ? INT64_MAX
                       : days_from_date(v.year, v.month, v.day);
    if (days < DATE_FIRST || days > DATE_LAST)
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW, "date out of range: \"%s\"",
                         text);
    c->result = datum_int4((int32_t)days);
    return OK;
}

status fn_to_timestamp(struct fn_call *c) {
    struct civil v;
    const char *text;
    struct said said;
    int64_t local, t;
    TRY(read_moment(c, &v, &text, &said));
    if (!stamp_from_civil(&v, &local)) return stamp_out_of_range(c->env);
    if (said.zone_sign) {
        t = local -
            said.zone_sign * (said.zone_hours * INT64_C(60) + said.zone_minutes) * US_PER_MINUTE;
        if (!stamp_in_range(t)) return stamp_out_of_range(c->env);
    } else if (!stamp_from_local(local, c->env->session->time_zone, &t)) {
        return stamp_out_of_range(c->env);
    }
    if (said.places) t = round_us(t, said.places);
    return give_int8(c, t);
}
