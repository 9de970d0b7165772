/* from_char.h: what to_date and to_timestamp read, between reading it and making a moment of it. */
#ifndef TYPES_FROM_CHAR_H
#define TYPES_FROM_CHAR_H

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

/* from_char_date.c: the input along the template, into r->said. 22007, 22008. */
status from_char_read(struct reader *r, const struct template *t);

#endif
