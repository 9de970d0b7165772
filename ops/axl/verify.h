/* verify.h: the parts of axl verify, and what they find. */
#ifndef AXL_VERIFY_H
#define AXL_VERIFY_H

#include "offline.h"

struct verify {
    struct offline o;
    struct offline_names names;
    uint64_t *roots; /* pages that are a tree's root */
    size_t nroots, roots_room;
    unsigned char *used;    /* a byte a page: the space map says so */
    unsigned char *reached; /* and how many trees have it */
    uint64_t of_tree;       /* root of the tree that is looked at */
    uint64_t nused, trees, entries, indexes;
    json_t *problems; /* array */
    json_t *skipped;  /* array: what could not be judged, and why */
};

/* One more problem: of a page (0: none), of the tree with that root (0: none). */
[[gnu::format(printf, 4, 5)]] void verify_problem(struct verify *v, uint64_t page, uint64_t root,
                                                  const char *format, ...);
[[gnu::format(printf, 2, 3)]] void verify_skipped(struct verify *v, const char *format, ...);
/* verify_rows.c: each index against its table. */
status verify_indexes(struct verify *v);

#endif
