/* run.h: a run of a simulated machine: clients, the ends that it may come to, verdicts; and many
 * runs, one after the other. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "verdict.h"

#define RUN_TURNS_MAX 400000u /* for anything that must end */

struct run {
    uint64_t seed;
    struct machine m;
    struct ledger ledger;
    struct tables tables;
    struct client client[CLIENTS];
    bool enough;
    bool errors_allowed; /* clients' statements, and starts, may fail */
    char words[320];     /* what is wrong */
};

/* Sums over all runs: shared with the processes that they go on in. */
struct run_sums {
    uint64_t seed; /* of the present run */
    uint64_t runs, failed, cuts, in_redo, errors, transactions, durable, keys;
};
extern struct run_sums *run_sums;

/* False, always; the first words stay. */
bool run_wrong(struct run *r, const char *what, const char *words);

/* A part of a run returns false when something was wrong. */

/* Power on, until it serves; may_be_cut: now and then it is cut on the way, and begun again. */
bool run_begin(struct run *r, bool may_be_cut);
bool run_first_start(struct run *r); /* ... and the tables that all others need */
void run_start_clients(struct run *r);
bool run_clients_good(struct run *r);
bool run_clients_run(const struct run *r);
/* Clients work until the power is cut, after at most so many requests of the disk. */
bool run_until_cut(struct run *r, uint64_t requests_max);
/* Clients work for so many turns and end what they have begun. */
bool run_clients_for(struct run *r, unsigned turns);
bool run_purge(struct run *r); /* no clients: until all that can be purged is */
bool run_judge(struct run *r, void (*fn)(void *verdict), const char *what);
bool run_stop(struct run *r); /* in order */
/* Whole, in service; in the end, the machine is off: clients once more, purge, a stop, a start; all
 * verdicts. */
bool run_close(struct run *r);

/* Makes the machine, calls fn, adds up. Each run goes on in a process that does all from there on;
 * what ends it counts as failed, and the next one goes on behind it. Prints failures, and the sums
 * in the end. Returns main's status. */
int run_all(uint64_t from, uint64_t count, bool (*fn)(struct run *r));
/* Runs 1 … count of the same machine with the same load. */
int run_all_of(uint64_t machine_seed, uint64_t count, bool (*fn)(struct run *r));
void *run_shared(size_t bytes); /* zeroed memory that these processes share; never freed */

#endif
