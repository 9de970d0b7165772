/* tz.h: time zones from the system's database (TZif files, RFC 8536), read by ourselves so that a
 * zone is a value and not the process's state. */
#ifndef TYPES_TZ_H
#define TYPES_TZ_H

#include <stddef.h>

#include "base/error.h"
#include "base/status.h"

struct tz;

struct tz_local {
    int32_t offset_s; /* seconds east of Greenwich */
    bool is_dst;
    const char *abbreviation;
};

/* A zone by its name ("Europe/Berlin", "UTC"), offset ("+05:30", "-3") or rule, both in POSIX's
 * sense: west is positive; NOT_FOUND. Abbreviations are not names. Zones are read once and live as
 * long as the process. */
status tz_find(const char *name, const struct tz **ret);
/* Fixed zone, `offset_s` east. */
status tz_find_offset(int32_t offset_s, const struct tz **ret);
const struct tz *tz_utc(void);
const char *tz_name(const struct tz *);

/* Reads all zones of the database now, for processes that will not open files later. */
status tz_preload(void);

/* What applies at an instant: seconds since 1970-01-01 UTC. */
struct tz_local tz_at(const struct tz *, int64_t unix_s);
/* The offset that turns a local time (seconds as if it were UTC) into UTC. Times in a gap take the
 * offset from before it, times that exist twice the standard one, as PostgreSQL does. */
struct tz_local tz_of_local(const struct tz *, int64_t local_s);
/* The offset that applies at any time, when there is but one. */
bool tz_is_fixed(const struct tz *, int32_t *ret_offset_s);

/* An abbreviation such as EST, in any case; false: it is none. With a zone, the offset is what that
 * zone meant by the abbreviation at the time in question: ask the zone, which lives as others do.
 */
struct tz_abbreviation {
    const char *word; /* lower case */
    int32_t offset_s;
    bool is_dst;
    const struct tz *zone; /* NULL: offset_s holds always */
};
bool tz_abbreviation(const char *word, struct tz_abbreviation *ret);
/* The i-th of them; false: there are no more. */
bool tz_abbreviation_at(size_t i, struct tz_abbreviation *ret);
bool tz_is_abbreviation(const struct tz *);
/* A zone that means by `word` what `zone` meant; NULL without memory. For the table of
 * abbreviations. */
const struct tz *tz_of_abbreviation(const char *word, const struct tz *zone);
/* The zones of the database that have been read, one after the other: NULL gives the first. */
const struct tz *tz_next(const struct tz *after);

#endif
