/* Dates and timestamps in the styles other than ISO (manual, 8.5.2, table 8.14 and 8.15). */
#include "types/datetime.h"

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static long long year_of(const struct civil *c) {
    return c->year > 0 ? (long long)c->year : 1 - (long long)c->year;
}

/* Day and month in digits: only DMY puts the day first, but German always does. */
static status put_digits(const struct session_env *s, char separator, const struct civil *c,
                         struct buf *out) {
    bool day_first = s->date_order == DATE_ORDER_DMY || s->date_style == DATE_STYLE_GERMAN;
    int first = day_first ? c->day : c->month, second = day_first ? c->month : c->day;
    return buf_printf(out, "%02d%c%02d%c%04lld", first, separator, second, separator, year_of(c));
}

static status put_era(const struct civil *c, struct buf *out) {
    return c->year <= 0 ? buf_add_str(out, " BC") : OK;
}

static char separator_of(const struct session_env *s) {
    switch (s->date_style) {
    case DATE_STYLE_SQL: return '/';
    case DATE_STYLE_GERMAN: return '.';
    default: return '-';
    }
}

status date_format_style(const struct session_env *s, int32_t date, struct buf *out) {
    struct civil c;
    if (s->date_style == DATE_STYLE_ISO || !date_finite(date)) return date_format(date, out);
    date_from_days(date, &c);
    TRY(put_digits(s, separator_of(s), &c, out));
    return put_era(&c, out);
}

static status put_zone(const struct session_env *s, const struct civil *c, struct buf *out) {
    if (c->zone && *c->zone) return buf_printf(out, " %s", c->zone);
    if (s->date_style == DATE_STYLE_POSTGRES) TRY(buf_add_str(out, " "));
    return offset_format(c->offset_s, out);
}

status stamp_format_style(const struct session_env *s, int64_t t, const struct tz *zone,
                          struct buf *out) {
    struct civil c;
    if (s->date_style == DATE_STYLE_ISO || !stamp_finite(t)) return stamp_format(t, zone, out);
    civil_from_stamp(t, zone, &c);
    if (s->date_style == DATE_STYLE_POSTGRES) {
        const char *day = day_names[weekday(days_from_date(c.year, c.month, c.day))];
        const char *month = month_names[c.month - 1];
        TRY(s->date_order == DATE_ORDER_DMY ? buf_printf(out, "%s %02d %s ", day, c.day, month)
                                            : buf_printf(out, "%s %s %02d ", day, month, c.day));
        TRY(time_format(us_of_time(&c), out));
        TRY(buf_printf(out, " %04lld", year_of(&c)));
    } else {
        TRY(put_digits(s, separator_of(s), &c, out));
        TRY(buf_add_str(out, " "));
        TRY(time_format(us_of_time(&c), out));
    }
    if (zone) TRY(put_zone(s, &c, out));
    return put_era(&c, out);
}
