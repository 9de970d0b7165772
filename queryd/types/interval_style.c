/* Intervals in the styles other than PostgreSQL's own (manual, 8.5.5, table 8.17). */
#include <stdio.h>
#include <stdlib.h>

#include "types/datetime.h"

/* The fields, each with its sign. */
struct parts {
    int64_t year, month, day, hour, minute, second, us;
};

static struct parts split(const struct interval *i) {
    int64_t t = i->time_us;
    return (struct parts){.year = i->months / 12,
                          .month = i->months % 12,
                          .day = i->days,
                          .hour = t / US_PER_HOUR,
                          .minute = t / US_PER_MINUTE % 60,
                          .second = t / US_PER_SECOND % 60,
                          .us = t % US_PER_SECOND};
}

/* Seconds and their fraction, without sign. */
static status put_seconds(const struct parts *p, int width, struct buf *out) {
    TRY(buf_printf(out, "%0*lld", width, llabs(p->second)));
    if (!p->us) return OK;
    char digits[8];
    int n = snprintf(digits, sizeof digits, ".%06lld", llabs(p->us));
    while (digits[n - 1] == '0') n--;
    return buf_add(out, digits, (size_t)n);
}

/* ---- ISO 8601: P1Y2M3DT4H5M6.7S ---- */

static status put_letter(int64_t x, char letter, struct buf *out) {
    return x ? buf_printf(out, "%lld%c", (long long)x, letter) : OK;
}

static status format_iso(const struct parts *p, struct buf *out) {
    bool seconds = p->second || p->us;
    bool time = p->hour || p->minute || seconds;
    if (!p->year && !p->month && !p->day && !time) return buf_add_str(out, "PT0S");
    TRY(buf_add_str(out, "P"));
    TRY(put_letter(p->year, 'Y', out));
    TRY(put_letter(p->month, 'M', out));
    TRY(put_letter(p->day, 'D', out));
    if (time) TRY(buf_add_str(out, "T"));
    TRY(put_letter(p->hour, 'H', out));
    TRY(put_letter(p->minute, 'M', out));
    if (!seconds) return OK;
    if (p->second < 0 || p->us < 0) TRY(buf_add_str(out, "-"));
    TRY(put_seconds(p, 1, out));
    return buf_add_str(out, "S");
}

/* ---- SQL: 1-2, or 3 4:05:06.7; what the standard cannot say has all fields with signs ---- */

static status put_clock(const struct parts *p, struct buf *out) {
    TRY(buf_printf(out, "%lld:%02lld:", llabs(p->hour), llabs(p->minute)));
    return put_seconds(p, 2, out);
}

static status format_sql(const struct interval *i, const struct parts *p, struct buf *out) {
    bool negative = i->months < 0 || i->days < 0 || i->time_us < 0;
    bool positive = i->months > 0 || i->days > 0 || i->time_us > 0;
    bool day_time = i->days || i->time_us;
    if (!negative && !positive) return buf_add_str(out, "0");
    if ((negative && positive) || (i->months && day_time)) {
        TRY(buf_printf(out, "%c%lld-%lld %c%lld %c", i->months < 0 ? '-' : '+', llabs(p->year),
                       llabs(p->month), i->days < 0 ? '-' : '+', llabs(p->day),
                       i->time_us < 0 ? '-' : '+'));
        return put_clock(p, out);
    }
    if (negative) TRY(buf_add_str(out, "-"));
    if (i->months) return buf_printf(out, "%lld-%lld", llabs(p->year), llabs(p->month));
    if (i->days) TRY(buf_printf(out, "%lld ", llabs(p->day)));
    return put_clock(p, out);
}

/* ---- verbose: @ 1 year 2 mons -3 days ago; the first field's sign is said by "ago" ---- */

struct verbose {
    struct buf *out;
    bool any, ago;
};

static status put_unit(struct verbose *v, int64_t x, const char *unit) {
    if (!x) return OK;
    if (!v->any) v->ago = x < 0;
    v->any = true;
    if (v->ago) x = -x;
    return buf_printf(v->out, " %lld %s%s", (long long)x, unit, x == 1 ? "" : "s");
}

static status put_verbose_seconds(struct verbose *v, const struct parts *p) {
    if (!p->second && !p->us) return OK;
    bool negative = p->second < 0 || p->us < 0;
    if (!v->any) v->ago = negative;
    v->any = true;
    TRY(buf_add_str(v->out, negative != v->ago ? " -" : " "));
    TRY(put_seconds(p, 1, v->out));
    return buf_add_str(v->out, llabs(p->second) == 1 && !p->us ? " sec" : " secs");
}

static status format_verbose(const struct parts *p, struct buf *out) {
    struct verbose v = {.out = out};
    TRY(buf_add_str(out, "@"));
    TRY(put_unit(&v, p->year, "year"));
    TRY(put_unit(&v, p->month, "mon"));
    TRY(put_unit(&v, p->day, "day"));
    TRY(put_unit(&v, p->hour, "hour"));
    TRY(put_unit(&v, p->minute, "min"));
    TRY(put_verbose_seconds(&v, p));
    if (!v.any) TRY(buf_add_str(out, " 0"));
    return v.ago ? buf_add_str(out, " ago") : OK;
}

status interval_format_style(const struct session_env *s, const struct interval *i,
                             struct buf *out) {
    struct parts p = split(i);
    switch (s->interval_style) {
    case INTERVAL_STYLE_ISO: return format_iso(&p, out);
    case INTERVAL_STYLE_SQL: return format_sql(i, &p, out);
    case INTERVAL_STYLE_VERBOSE: return format_verbose(&p, out);
    default: return interval_format(i, out);
    }
}
