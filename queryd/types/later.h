/* later.h: names that PostgreSQL 15 has and that come later here. */
#ifndef TYPES_LATER_H
#define TYPES_LATER_H

#include "types/datum.h"

bool later_function(const char *name);
bool later_type(const char *name);
/* left: the type of its left operand; the others' types come later themselves. */
bool later_operator(const char *name, oid left);

#endif
