/* lookup.h: the indexes over the constant tables, built by types_init. */
#ifndef TYPES_LOOKUP_H
#define TYPES_LOOKUP_H

#include "types/datum.h"

/* Built-in objects have smaller oids (PostgreSQL's FirstGenbkiObjectId). */
#define BUILTIN_OID_END 10000

void functions_init(void);
void operators_init(void);
void casts_init(void);
void aggregates_init(void);

struct tz;
const struct tz *tz_utc(void);

#endif
