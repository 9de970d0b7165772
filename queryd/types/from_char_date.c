/* to_date and to_timestamp: an input read along a template. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "types/from_char.h"

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

status from_char_read(struct reader *r, const struct template *t) {
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
