/* apply.h: the only code that changes a page (invariant I4).
 *
 * Doing, redo, page repair and replicas all call apply(). It is deterministic and total: any valid
 * record on any page gives a changed page or a status, and never touches a byte outside the page.
 */
#ifndef FMT_APPLY_H
#define FMT_APPLY_H

#include "fmt/page.h"
#include "fmt/record.h"

/* Applies the part of r that is for its page number `role` to `page` (PAGE_BYTES) and sets the
 * page's LSN last, after everything else (a release store: a page that shows `at` is whole).
 * INVALID: the record does not fit the page (corrupt, or not its turn); the page is then unchanged
 * or, only when its own bytes are corrupt, to be rebuilt. */
status apply(const struct rec_head *r, lsn at, int role, void *page);

#endif
