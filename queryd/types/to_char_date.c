/* to_char of timestamps and intervals. */
#include <stdio.h>
#include <stdlib.h>

#include "types/template_date.h"

const char *const date_months[13] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
const char *const date_months_short[13] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
const char *const date_days[8] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                  "Thursday", "Friday", "Saturday"};
const char *const date_days_short[8] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
const char *const date_months_roman[13] = {"XII", "XI", "X",  "IX",  "VIII", "VII",
                                           "VI",  "V",  "IV", "III", "II",   "I"};

status template_parse_date(const struct eval_env *env, const struct varlena *text,
                           struct template *ret) {
    static const struct template_word words[] = {
#define X(text, id, digits, convention) {text, DP_##id, digits, CONVENTION_##convention},
#include "types/template_date.def"
#undef X
    };
    return template_parse(env, words, sizeof words / sizeof *words, true, text, ret);
}

/* What is written: a moment, or an interval's parts in the same fields (hours may be large). */
struct shown {
    int64_t year, hour;
    int32_t month, day, minute, second, us;
    int32_t day_of_year, weekday;
    int64_t iso_year;
    int32_t iso_week, iso_day;
    int64_t julian;
    int32_t offset_s;
    const char *zone;
    bool is_interval;
};

static const char *in_case(char *word, bool upper, bool lower) {
    for (char *p = word; *p; p++) *p = upper ? upper_ascii(*p) : lower ? lower_ascii(*p) : *p;
    return word;
}

static status add_word(struct buf *out, const char *text, bool upper, bool lower, int width) {
    char word[32];
    snprintf(word, sizeof word, "%s", text);
    return buf_printf(out, "%-*s", width, in_case(word, upper, lower));
}

/* A number with its ordinal ending where one is asked for. */
static status add_number(struct buf *out, const struct template_item *item, int width, int64_t x) {
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%0*lld",
                       item->modifiers & MODIFIER_FM ? 0 : width + (x < 0), (long long)x);
    TRY(buf_add(out, digits, (size_t)len));
    if (!(item->modifiers & (MODIFIER_TH | MODIFIER_TH_LOWER))) return OK;
    return buf_add_str(out,
                       ordinal_ending(digits, (size_t)len, (item->modifiers & MODIFIER_TH) != 0));
}

static int64_t year_shown(const struct shown *s, int64_t year) {
    return s->is_interval || year > 0 ? year : 1 - year;
}

static int64_t century(const struct shown *s) {
    if (s->is_interval) return s->year / 100;
    return s->year > 0 ? (s->year - 1) / 100 + 1 : s->year / 100 - 1;
}

static int64_t fraction(const struct shown *s, int digits) {
    int64_t x = s->us;
    for (int i = digits; i < 6; i++) x /= 10;
    return x;
}

static status add_year(struct buf *out, const struct template_item *item, const struct shown *s) {
    uint8_t id = item->word->id;
    bool iso = id == DP_IYYY || id == DP_IYY || id == DP_IY || id == DP_I;
    int64_t year = year_shown(s, iso ? s->iso_year : s->year);
    switch (id) {
    case DP_YYYY:
    case DP_IYYY: return add_number(out, item, 4, year);
    case DP_YYY:
    case DP_IYY: return add_number(out, item, 3, year % 1000);
    case DP_YY:
    case DP_IY: return add_number(out, item, 2, year % 100);
    case DP_Y:
    case DP_I: return add_number(out, item, 1, year % 10);
    default: break;
    }
    size_t start = out->len;
    TRY(buf_printf(out, "%lld,%03lld", (long long)(year / 1000), (long long)(year % 1000)));
    if (!(item->modifiers & (MODIFIER_TH | MODIFIER_TH_LOWER))) return OK;
    return buf_add_str(out, ordinal_ending(out->data + start, out->len - start,
                                           (item->modifiers & MODIFIER_TH) != 0));
}

static status add_clock(struct buf *out, const struct template_item *item, const struct shown *s) {
    switch (item->word->id) {
    case DP_HH12: return add_number(out, item, 2, s->hour % 12 == 0 ? 12 : s->hour % 12);
    case DP_HH24: return add_number(out, item, 2, s->hour);
    case DP_MI: return add_number(out, item, 2, s->minute);
    case DP_SS: return add_number(out, item, 2, s->second);
    case DP_SSSS:
        return add_number(out, item, 0, s->hour * 3600 + s->minute * INT64_C(60) + s->second);
    default: break;
    }
    struct template_item wide = *item;
    wide.modifiers &= ~(unsigned)MODIFIER_FM;
    int digits = item->word->id == DP_MS   ? 3
                 : item->word->id == DP_US ? 6
                                           : item->word->id - DP_FF1 + 1;
    return add_number(out, &wide, digits, fraction(s, digits));
}

static status add_half_of_day(struct buf *out, uint8_t id, const struct shown *s) {
    bool pm = s->hour % 24 >= 12;
    bool lower = id == DP_AM_LOWER || id == DP_AM_DOTS_LOWER;
    if (id == DP_AM_DOTS || id == DP_AM_DOTS_LOWER)
        return add_word(out, pm ? "P.M." : "A.M.", false, lower, 0);
    return add_word(out, pm ? "PM" : "AM", false, lower, 0);
}

static status add_era(struct buf *out, uint8_t id, const struct shown *s) {
    bool bc = s->year <= 0;
    bool lower = id == DP_AD_LOWER || id == DP_AD_DOTS_LOWER;
    if (id == DP_AD_DOTS || id == DP_AD_DOTS_LOWER)
        return add_word(out, bc ? "B.C." : "A.D.", false, lower, 0);
    return add_word(out, bc ? "BC" : "AD", false, lower, 0);
}

static status add_name(struct buf *out, const struct template_item *item, const struct shown *s) {
    uint8_t id = item->word->id;
    int width = item->modifiers & (MODIFIER_FM | MODIFIER_TM) ? 0 : 9;
    switch (id) {
    case DP_DAY_UPPER:
    case DP_DAY:
    case DP_DAY_LOWER:
        return add_word(out, date_days[s->weekday], id == DP_DAY_UPPER, id == DP_DAY_LOWER, width);
    case DP_DY_UPPER:
    case DP_DY:
    case DP_DY_LOWER:
        return add_word(out, date_days_short[s->weekday], id == DP_DY_UPPER, id == DP_DY_LOWER, 0);
    default: break;
    }
    if (!s->month) return OK;
    if (id == DP_MONTH_UPPER || id == DP_MONTH || id == DP_MONTH_LOWER)
        return add_word(out, date_months[s->month - 1], id == DP_MONTH_UPPER, id == DP_MONTH_LOWER,
                        width);
    return add_word(out, date_months_short[s->month - 1], id == DP_MON_UPPER, id == DP_MON_LOWER,
                    0);
}

/* An interval's months may be none or negative: counted from the end of the year then. */
static status add_roman_month(struct buf *out, const struct template_item *item,
                              const struct shown *s) {
    if (!s->month && !s->year) return OK;
    int32_t at = 12 - s->month;
    if (s->month == 0) at = s->year >= 0 ? 0 : 11;
    if (s->month < 0) at = -1 * (s->month + 1);
    return add_word(out, date_months_roman[at], false, item->word->id == DP_RM_LOWER,
                    item->modifiers & MODIFIER_FM ? 0 : 4);
}

static status add_zone(struct buf *out, const struct template_item *item, const struct shown *s) {
    int32_t size = abs(s->offset_s);
    char sign = s->offset_s < 0 ? '-' : '+';
    switch (item->word->id) {
    case DP_TZ: return s->zone ? buf_add_str(out, s->zone) : OK;
    case DP_TZ_LOWER: return s->zone ? add_word(out, s->zone, false, true, 0) : OK;
    case DP_TZH: return buf_printf(out, "%c%02d", sign, size / 3600);
    case DP_TZM: return buf_printf(out, "%02d", size % 3600 / 60);
    default: break;
    }
    TRY(buf_printf(out, "%c%0*d", sign, item->modifiers & MODIFIER_FM ? 0 : 2, size / 3600));
    return size % 3600 ? buf_printf(out, ":%02d", size % 3600 / 60) : OK;
}

static status add_day(struct buf *out, const struct template_item *item, const struct shown *s) {
    switch (item->word->id) {
    case DP_CC: {
        int64_t c = century(s);
        return add_number(out, item, c <= 99 && c >= -99 ? 2 : 0, c);
    }
    /* of days below zero the sign is one of the digits */
    case DP_DDD: return add_number(out, item, 3 - (s->day_of_year < 0), s->day_of_year);
    case DP_IDDD: return add_number(out, item, 3, s->iso_day);
    case DP_DD: return add_number(out, item, 2 - (s->day < 0), s->day);
    case DP_D: return add_number(out, item, 0, s->weekday + 1);
    case DP_ID: return add_number(out, item, 0, s->weekday ? s->weekday : 7);
    case DP_WW: return add_number(out, item, 2, (s->day_of_year - 1) / 7 + 1);
    case DP_IW: return add_number(out, item, 2, s->iso_week);
    case DP_W: return add_number(out, item, 0, (s->day - 1) / 7 + 1);
    case DP_MM: return add_number(out, item, 2, s->month);
    case DP_Q: return s->month ? add_number(out, item, 0, (s->month - 1) / 3 + 1) : OK;
    default: return add_number(out, item, 0, s->julian);
    }
}

/* Parts of a calendar's day, which an interval has not. */
static bool needs_calendar(uint8_t id) {
    switch (id) {
    case DP_AD:
    case DP_AD_LOWER:
    case DP_AD_DOTS:
    case DP_AD_DOTS_LOWER:
    case DP_DAY_UPPER:
    case DP_DAY:
    case DP_DAY_LOWER:
    case DP_DY_UPPER:
    case DP_DY:
    case DP_DY_LOWER:
    case DP_MONTH_UPPER:
    case DP_MONTH:
    case DP_MONTH_LOWER:
    case DP_MON_UPPER:
    case DP_MON:
    case DP_MON_LOWER:
    case DP_D:
    case DP_ID:
    case DP_OF:
    case DP_TZ:
    case DP_TZ_LOWER:
    case DP_TZH:
    case DP_TZM: return true;
    default: return false;
    }
}

static status add_field(struct buf *out, const struct template_item *item, const struct shown *s) {
    uint8_t id = item->word->id;
    if (id <= DP_AD_DOTS_LOWER) return add_era(out, id, s);
    if (id >= DP_AM && id <= DP_AM_DOTS_LOWER) return add_half_of_day(out, id, s);
    if (id >= DP_DAY_UPPER && id <= DP_DY_LOWER) return add_name(out, item, s);
    if (id >= DP_MONTH_UPPER && id <= DP_MON_LOWER) return add_name(out, item, s);
    if (id >= DP_Y_YYY || (id >= DP_IYYY && id <= DP_I)) return add_year(out, item, s);
    if (id >= DP_FF1 && id <= DP_FF6) return add_clock(out, item, s);
    switch (id) {
    case DP_FX: return OK;
    case DP_HH12:
    case DP_HH24:
    case DP_MI:
    case DP_SS:
    case DP_SSSS:
    case DP_MS:
    case DP_US: return add_clock(out, item, s);
    case DP_RM:
    case DP_RM_LOWER: return add_roman_month(out, item, s);
    case DP_TZ:
    case DP_TZ_LOWER:
    case DP_TZH:
    case DP_TZM:
    case DP_OF: return add_zone(out, item, s);
    default: return add_day(out, item, s);
    }
}

static status not_for_intervals(struct fn_call *c) {
    status st = error_set(c->env->error, ST_INVALID_DATETIME_FORMAT,
                          "invalid format specification for an interval value");
    error_hint(c->env->error, "Intervals are not tied to specific calendar dates.");
    return st;
}

static status show(struct fn_call *c, const struct shown *s) {
    struct template t;
    struct buf out = {0};
    TRY(template_parse_date(c->env, c->args[1].v, &t));
    status st = OK;
    for (uint32_t i = 0; ok(st) && i < t.n; i++) {
        const struct template_item *item = &t.items[i];
        if (item->kind != TEMPLATE_FIELD)
            st = buf_add_str(&out, item->text);
        else if (s->is_interval && needs_calendar(item->word->id))
            st = not_for_intervals(c);
        else
            st = add_field(&out, item, s);
    }
    return give_buf(c, st, &out);
}

static status show_stamp(struct fn_call *c, const struct tz *zone) {
    int64_t t = c->args[0].i64;
    struct civil v;
    if (!c->args[1].v->len || !stamp_finite(t)) return give_null(c);
    civil_from_stamp(t, zone, &v);
    int64_t days = days_from_date(v.year, v.month, v.day);
    struct shown s = {.year = v.year,
                      .month = v.month,
                      .day = v.day,
                      .hour = v.hour,
                      .minute = v.minute,
                      .second = v.second,
                      .us = v.us,
                      .day_of_year = day_of_year(&v),
                      .weekday = weekday(days),
                      .julian = days + EPOCH_JULIAN,
                      .offset_s = zone ? v.offset_s : 0,
                      .zone = zone ? v.zone : NULL};
    s.iso_week = iso_week(&v, &s.iso_year);
    s.iso_day = (s.iso_week - 1) * 7 + (s.weekday ? s.weekday : 7);
    return show(c, &s);
}

status fn_timestamp_to_char(struct fn_call *c) {
    return show_stamp(c, NULL);
}
status fn_timestamptz_to_char(struct fn_call *c) {
    return show_stamp(c, c->env->session->time_zone);
}

status fn_interval_to_char(struct fn_call *c) {
    const struct interval *i = c->args[0].interval;
    if (!c->args[1].v->len) return give_null(c);
    int64_t us = i->time_us;
    struct shown s = {.is_interval = true,
                      .year = i->months / 12,
                      .month = i->months % 12,
                      .day = i->days,
                      .hour = us / US_PER_HOUR,
                      .minute = (int32_t)(us % US_PER_HOUR / US_PER_MINUTE),
                      .second = (int32_t)(us % US_PER_MINUTE / US_PER_SECOND),
                      .us = (int32_t)(us % US_PER_SECOND)};
    s.day_of_year = (int32_t)((s.year * 12 + s.month) * 30 + s.day);
    s.iso_year = s.year;
    s.julian = days_from_date(s.year - (s.month < 1), s.month < 1 ? s.month + 12 : s.month, 1) +
               s.day - 1 + EPOCH_JULIAN;
    return show(c, &s);
}
