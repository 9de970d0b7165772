/* client.h: clients of a simulated machine: transactions on its tables, noted in a ledger. */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "ledger.h"
#include "machine.h"
#include "txn/txn.h"

#define CLIENTS 6

/* The tree of marks has one entry for each transaction that changed something; the directory one
 * for each table that exists: its root. Their own roots are known from the first start on. */
struct tables {
    struct tree marks, directory;
};

struct client {
    struct machine *m;
    struct ledger *ledger;
    const struct tables *tables;
    struct proc *p;
    struct txn txn;
    struct arena arena; /* of rows that wait to be put by leaves */
    uint32_t number;    /* the transaction's; 0: none that changes something */
    bool running;
    bool *enough; /* no new transactions */
    /* What an error may be: on a machine whose disk fails, a statement may fail at any time. */
    bool errors_allowed;
    status wrong; /* the first one that may not be */
};

/* Makes marks and directory, durably. */
status tables_make(struct proc *p, struct tables *t);
size_t mark_key(uint32_t txn, unsigned char ret_bytes[4]);

/* The root of a table as a snapshot sees it. NOT_FOUND: it does not exist there. */
status table_seen(struct proc *p, const struct tables *t, unsigned table, const struct snapshot *s,
                  struct tree *ret_tree);

/* What its last life had in memory. */
void client_forget(struct client *c);
/* Begins transactions until *enough; then running is false. */
status client_start(struct client *c, struct daemon *worker);

#endif
