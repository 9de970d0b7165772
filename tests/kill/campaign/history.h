/* history.h: what every writer was told of each of its transactions, and the check of all of it.
 *
 * A writer gives its transactions numbers from 1 on. A number is used once, so in the end each that
 * was acknowledged must be there exactly once, each that was refused must not, and one whose answer
 * was lost may be either. */
#ifndef CAMPAIGN_HISTORY_H
#define CAMPAIGN_HISTORY_H

#include "client.h"

enum fate { FATE_OPEN, FATE_ACKED, FATE_REFUSED, FATE_UNKNOWN };

struct attempt {
    unsigned account, teller, branch;
    int delta;
    uint64_t ended_ns;
    bool settled;  /* its answer was lost, and then it was seen, or not */
    uint8_t fate;  /* enum fate */
    uint8_t found; /* rows in the end */
};

/* Of one writer; attempts[0] is not used. */
struct history {
    unsigned count, room;
    struct attempt *attempts;
};

/* A new attempt, whose number is h->count then. */
struct attempt *history_add(struct history *h);

void tables_make(const struct run *r);
/* Everything that must hold when all clients have ended, noted like their failures. `histories` are
 * the TPC-B clients', `autos` the single inserts'. */
void tables_check(struct client *checker, struct history *histories, struct history *autos);

#endif
