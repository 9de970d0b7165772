/* datetime_in.h: a date or time literal while it is read (datetime_in.c), and what its numbers tell
 * (datetime_in_date.c). */
#ifndef TYPES_DATETIME_IN_H
#define TYPES_DATETIME_IN_H

#include "types/datetime_text.h"

struct reader {
    const struct eval_env *env;
    struct moment *m;
    const char *text;
    bool time_only, wants_zone;
    int parts;        /* that are known */
    int new_parts;    /* that the present field told */
    enum unit prefix; /* what the next number counts: "y1999 m1", "j2451187", the t of ISO 8601 */
    bool text_month, two_digits, before_christ, julian;
    char meridiem; /* 'a', 'p' or 0 */
    int32_t day_of_year;
    const struct tz *zone; /* by name or abbreviation, when its offset depends on the moment */
    const char *zone_name; /* for the message */
};

/* The present field says: */
void reader_tell_month(struct reader *r, int32_t month);
void reader_tell_day(struct reader *r, int32_t day);
void reader_tell_julian(struct reader *r, int64_t julian);
void reader_tell_time(struct reader *r, int32_t h, int32_t m, int32_t s);

/* Digits without separators: 19990108, 990108; 040506.789, 0405 where the date is known. known: the
 * parts that are. */
enum reading reader_take_compact(struct reader *r, char *text, int known);
/* One number of a date; which it is depends on what is known. */
enum reading reader_take_number(struct reader *r, char *text, bool text_month, int known);
/* A date with separators. */
enum reading reader_take_date(struct reader *r, char *text);

#endif
