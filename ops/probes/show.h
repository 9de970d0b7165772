/* show.h: what was seen, for people and for programs. */
#ifndef PROBES_SHOW_H
#define PROBES_SHOW_H

#include <stdint.h>

#include "commit.h"

struct seen {
    struct hist hist[PHASE_COUNT];
    unsigned long long tally[TALLY_COUNT];
    uint64_t counted;    /* commits by the appliance's own counters */
    uint64_t elapsed_ns; /* since the begin */
    unsigned processes;
};

/* One line on what has come since `before`; a heading over it where it is wanted. */
void show_line(const struct seen *now, const struct seen *before, int heading);
/* Table and histograms. */
void show_all(const struct seen *s);
void show_json(const struct seen *s);

#endif
