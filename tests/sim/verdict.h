/* verdict.h: what a simulated machine holds, compared with what its ledger says. */
#ifndef SIM_VERDICT_H
#define SIM_VERDICT_H

#include "client.h"

struct verdict {
    struct ledger *ledger;
    const struct tables *tables;
    struct proc *p;
    bool done;
    bool good;
    char words[256]; /* what is wrong */
};

/* Bodies of coroutines (arg: a struct verdict), on a machine that serves and has no clients.
 * Rows as a new snapshot sees them; for the first time after a cut, which transactions are there is
 * found out before. */
void verdict_rows_after_cut(void *verdict);
void verdict_rows(void *verdict);
/* Once losers are undone and everything is purged: all trees are whole, and the space map has just
 * their pages in use. */
void verdict_pages(void *verdict);

#endif
