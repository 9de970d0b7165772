/* record_find.h: records met where nobody says that one begins. */
#ifndef FMT_RECORD_FIND_H
#define FMT_RECORD_FIND_H

#include "fmt/record.h"

/* Log that is not durable lies at most so far behind what is: one write is under way at a time. */
#define LOG_WRITE_REACH ((uint64_t)9 << 17)

/* Who doubts an end looks so far beyond that: what follows a spoilt record lies there. */
#define LOG_LOOK_BYTES ((uint64_t)16 << 20)

/* Where in [bytes, bytes + n), whose first byte has the LSN `at` (a multiple of 8), two records
 * follow one another, whole and with the right CRCs; n: nowhere. One alone may be there by chance.
 */
size_t rec_find(const void *bytes, size_t n, lsn at);

#endif
