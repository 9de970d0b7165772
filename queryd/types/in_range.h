/* in_range.h: the functions by which RANGE frames with an offset find their bounds. */
#ifndef TYPES_IN_RANGE_H
#define TYPES_IN_RANGE_H

#include "types/resolution.h"

enum in_range_choice {
    IN_RANGE_FOUND,
    IN_RANGE_NOT_FOR_COLUMN,
    IN_RANGE_NOT_FOR_OFFSET,
    IN_RANGE_AMBIGUOUS
};
/* in_range for a column of that type and an offset of that type (or what it casts to implicitly):
 * its third argument says what the offset must be. */
enum in_range_choice in_range_find(oid column, oid offset, const struct function **ret);

#endif
