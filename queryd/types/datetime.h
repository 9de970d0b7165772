/* datetime.h: dates and times inside: PostgreSQL's representation and limits.
 *
 * date: days since 2000-01-01 (int32); timestamp, timestamptz: microseconds since 2000-01-01 00:00
 * (of UTC for the latter; int64); time: microseconds of the day; the smallest and greatest values
 * of date and timestamp are -infinity and infinity. */
#ifndef TYPES_DATETIME_H
#define TYPES_DATETIME_H

#include "types/internal.h"
#include "types/tz.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR (60 * US_PER_MINUTE)
#define US_PER_DAY (24 * US_PER_HOUR)
#define SECONDS_IN_DAY 86400
#define EPOCH_UNIX_DAYS 10957        /* 2000-01-01 in days since 1970 */
#define EPOCH_UNIX_SECONDS 946684800 /* and in seconds */
#define EPOCH_JULIAN 2451545         /* and as a Julian day */

#define DATE_MIN INT32_MIN /* -infinity */
#define DATE_MAX INT32_MAX
#define STAMP_MIN INT64_MIN
#define STAMP_MAX INT64_MAX
/* 4714-11-24 BC … 5874897-12-31 and 294276-12-31 */
#define DATE_FIRST (-EPOCH_JULIAN)
#define DATE_LAST 2145031948
#define STAMP_FIRST INT64_C(-211813488000000000)
#define STAMP_END INT64_C(9223371331200000000)

/* A moment taken apart. Years BC: 0 is 1 BC, -1 is 2 BC. */
struct civil {
    int64_t year;
    int32_t month, day; /* 1 … */
    int32_t hour, minute, second, us;
    int32_t offset_s; /* east of Greenwich, where a zone applies */
    const char *zone; /* its abbreviation or NULL */
};

static inline bool stamp_finite(int64_t t) {
    return t != STAMP_MIN && t != STAMP_MAX;
}
static inline bool date_finite(int32_t d) {
    return d != DATE_MIN && d != DATE_MAX;
}

bool is_leap_year(int64_t year);
int32_t days_in_month(int64_t year, int32_t month);
/* Days since 2000-01-01; any year that fits 32 bits. */
int64_t days_from_date(int64_t year, int32_t month, int32_t day);
void date_from_days(int64_t days, struct civil *ret); /* year, month, day */
void time_from_us(int64_t us, struct civil *ret);     /* hour … us */
static inline int64_t us_of_time(const struct civil *c) {
    return ((c->hour * INT64_C(60) + c->minute) * 60 + c->second) * US_PER_SECOND + c->us;
}
/* Taken apart in a zone (NULL: as it stands). */
void civil_from_stamp(int64_t t, const struct tz *zone, struct civil *ret);
/* False when beyond the limits. */
bool stamp_from_civil(const struct civil *c, int64_t *ret);
bool stamp_from_offset(const struct civil *c, int32_t offset_s, int64_t *ret);
bool stamp_in_range(int64_t t);
int64_t local_from_stamp(int64_t t, const struct tz *zone); /* timestamptz → local timestamp */
bool stamp_from_local(int64_t local, const struct tz *zone, int64_t *ret);
int iso_week(const struct civil *c, int64_t *ret_year);
int32_t day_of_year(const struct civil *c);
int32_t weekday(int64_t days); /* 0 Sunday */

/* What a text says; datetime_parse fills what it finds. */
enum moment_kind { MOMENT_CIVIL, MOMENT_INFINITY, MOMENT_MINUS_INFINITY, MOMENT_EPOCH };
struct moment {
    enum moment_kind kind;
    struct civil civil;
    bool has_date, has_time;
};
/* type_name tells what is awaited and is for the messages. What needs a zone and names none has the
 * session's. */
status datetime_parse(const struct eval_env *env, const char *type_name, const char *text,
                      size_t len, struct moment *ret);

/* Interval's typmod: fields << 16 | precision. 0x7FFF: all fields. */
int32_t interval_range_of(int32_t typmod);
void interval_fit(struct interval *i, int32_t typmod);
status interval_parse(const struct eval_env *env, const char *text, size_t len, int32_t typmod,
                      struct interval *ret);
status interval_format(const struct interval *i, struct buf *out);
/* The same in the session's IntervalStyle. */
status interval_format_style(const struct session_env *s, const struct interval *i,
                             struct buf *out);
/* PostgreSQL's order: months of 30 days, days of 24 hours. */
__int128 interval_span(const struct interval *i);
int64_t round_us(int64_t us, int32_t precision); /* to 10^-precision seconds */

status date_format(int32_t date, struct buf *out);
status stamp_format(int64_t t, const struct tz *zone, struct buf *out);
/* The same in the session's DateStyle. */
status date_format_style(const struct session_env *s, int32_t date, struct buf *out);
status stamp_format_style(const struct session_env *s, int64_t t, const struct tz *zone,
                          struct buf *out);
status time_format(int64_t us, struct buf *out);
status offset_format(int32_t offset_s, struct buf *out); /* +01, -03:30 */

int64_t clock_stamp(void); /* the wall clock */
status stamp_out_of_range(const struct eval_env *env);
status date_out_of_range(const struct eval_env *env);
status interval_out_of_range(const struct eval_env *env);
/* timestamp ± interval; `zone` NULL for timestamp without time zone. */
status stamp_add_interval(const struct eval_env *env, int64_t t, const struct interval *i,
                          const struct tz *zone, int64_t *ret);
status find_zone(const struct eval_env *env, const char *name, size_t len, const struct tz **ret);

#endif
