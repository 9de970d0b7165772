/* archive.h: names in an archive of the log. */
#ifndef AXL_ARCHIVE_H
#define AXL_ARCHIVE_H

#include <stdbool.h>

#define ARCHIVE_NAME_BYTES 21 /* of a segment: 16 digits, ".log", and a zero */

bool archive_is_segment(const char *name);

#endif
