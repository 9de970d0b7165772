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
 * sense: west is positive; NOT_FOUND. Zones are read once and live as long as the process. */
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
/* An abbreviation such as EST: true and the offset east, whether it is a daylight-saving one. */
bool tz_abbreviation(const char *word, size_t len, int32_t *ret_offset_s, bool *ret_is_dst);
/* The i-th of them; NULL: there are no more. */
const char *tz_abbreviation_at(size_t i, int32_t *ret_offset_s, bool *ret_is_dst);
/* The zones of the database that have been read, one after the other: NULL gives the first. */
const struct tz *tz_next(const struct tz *after);

#endif
