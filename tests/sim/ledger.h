/* ledger.h: what clients did and what they were told, and from that what must be there.
 *
 * Rows have numbers, 0 to LEDGER_KEYS-1, in tables that are created and dropped on the way. Each
 * change has a number of its own, which its value names. Since a row is locked from the moment a
 * change is made until its transaction's end is in the log, a row's present state is the last
 * change to it of a transaction that committed. */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEDGER_TABLES 4
#define LEDGER_KEYS 300
#define LEDGER_KEY_BYTES_MAX 80
#define LEDGER_VALUE_BYTES_MAX 3000

enum change_kind {
    CHANGE_PUT,
    CHANGE_DELETE,
    CHANGE_CREATE, /* of the whole table */
    CHANGE_DROP
};

struct change {
    uint32_t transaction;
    uint8_t kind; /* enum change_kind */
    uint8_t table;
    uint16_t key;
    uint64_t done_at; /* in the count of events; 0: not made, or rolled back to a savepoint */
};

enum fate {
    FATE_UNDER_WAY, /* must not be there after a cut */
    FATE_ASKED,     /* COMMIT was begun: may be there, whole */
    FATE_TOLD,      /* without waiting for the log: as ASKED, and before all that began later */
    FATE_DURABLE,   /* acknowledged: must be there */
    FATE_GONE       /* rolled back, or found not to be there after a cut */
};

struct ledger_txn {
    enum fate fate;
    bool found;                 /* after a cut: its mark is there */
    uint32_t life;              /* cuts before it began */
    uint64_t asked_at, told_at; /* COMMIT began and ended, in the count of events; 0: not */
};

struct ledger {
    struct change *changes; /* from 1 on */
    uint32_t nchanges, changes_room;
    struct ledger_txn *txns; /* from 1 on */
    uint32_t ntxns, txns_room;
    uint64_t events; /* counts */
    uint32_t life;
    uint32_t present[LEDGER_TABLES]
                    [LEDGER_KEYS]; /* ledger_settle: number of the change; 0: no row */
    bool exists[LEDGER_TABLES];
};

void ledger_init(struct ledger *l);
void ledger_free(struct ledger *l);

uint32_t ledger_begin(struct ledger *l); /* a transaction's number */
/* Before the change is made. */
uint32_t ledger_change(struct ledger *l, uint32_t txn, enum change_kind kind, unsigned table,
                       unsigned key);
void ledger_made(struct ledger *l, uint32_t change);
/* All of txn from that number on were rolled back. */
void ledger_undo(struct ledger *l, uint32_t txn, uint32_t from);
void ledger_commit_begins(struct ledger *l, uint32_t txn);
void ledger_commit_ends(struct ledger *l, uint32_t txn, bool durable);
void ledger_rolled_back(struct ledger *l, uint32_t txn);

void ledger_cut(struct ledger *l); /* what begins from now on begins in another life */
/* After one or more cuts, when `found` says which transactions' marks are there: whether that may
 * be. False: words tell what is wrong. Those not found are GONE from now on, the others DURABLE. */
bool ledger_judge(struct ledger *l, char *words, size_t room);
/* From the changes of transactions that are DURABLE, or TOLD since the last cut: `exists` and
 * `present`. */
void ledger_settle(struct ledger *l);

/* Row number `key` as the tree knows it; and what change number `change` wrote. */
size_t ledger_key(unsigned key, unsigned char ret_bytes[LEDGER_KEY_BYTES_MAX]);
size_t ledger_value(uint32_t change, unsigned char ret_bytes[LEDGER_VALUE_BYTES_MAX]);

#endif
