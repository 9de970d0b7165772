/* tz_rule.h: when a zone's clocks change, as POSIX's TZ says it: the part of tz.c that needs no
 * files. */
#ifndef TYPES_TZ_RULE_H
#define TYPES_TZ_RULE_H

#include "types/tz.h"

#define SECONDS_PER_DAY 86400

/* A day of the POSIX rule: Mm.w.d, Jn or n, at a time of the day. */
struct rule_day {
    char kind; /* 'M', 'J', '0' */
    int month, week, day;
    int32_t time_s;
};

struct posix_rule {
    bool valid, has_dst;
    struct tz_local standard, daylight;
    char names[2][16];
    struct rule_day start, end;
};

/* "2", "-1:30:00": seconds; moves *p behind it. False: it is none. */
bool tz_rule_time(const char **p, int32_t *ret_s);
/* False: it is none. What it says of names refers into *r. */
bool tz_rule_parse(const char *p, struct posix_rule *r);
struct tz_local tz_rule_at(const struct posix_rule *r, int64_t unix_s);

#endif
