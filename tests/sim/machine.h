/* machine.h: a whole appliance on a simulated machine: every daemon's real core in one process, on
 * the simulated disk, with a clock that only goes on when the machine turns.
 *
 * One thread. Who turns next and how the disk orders its work follow from the seed, so a run can be
 * had again. */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "disk/disk_sim.h"
#include "ipc_daemon.h"

#define MACHINE_WORKERS 2
#define MACHINE_DAEMONS (3 + MACHINE_WORKERS)

enum machine_state {
    MACHINE_OFF,
    MACHINE_ON,
    MACHINE_CUT,  /* the power failed; machine_off comes next */
    MACHINE_STUCK /* a daemon ended by itself, or did not begin: machine.words */
};

struct machine {
    uint64_t random;
    enum machine_state state;
    struct disk_sim *disk;
    unsigned keys;       /* data keys so far; 0: data and log are not encrypted */
    unsigned oldest_key; /* those before have been given up */
    struct conf conf;
    struct shm_sizes sizes;
    struct shm shm;
    /* storaged, logd, txnd (in the order of their slots), workers */
    struct daemon daemon[MACHINE_DAEMONS];
    char dir[64]; /* of the system's: for the locks and folders that daemons want; holds no data */
    uint64_t cut_at; /* requests of the disk after which the power fails; 0: it does not */
    char words[256];
};

uint64_t machine_random(struct machine *m); /* the run's */
static inline uint64_t machine_below(struct machine *m, uint64_t n) {
    return machine_random(m) % n;
}

/* A new machine with a formatted disk, off. Its size and settings follow from the seed. */
void machine_make(struct machine *m, uint64_t seed);
void machine_free(struct machine *m); /* off */

/* Power on: begins all daemons. Recovery goes on while it turns: machine_serves tells its end. */
void machine_on(struct machine *m);
bool machine_serves(const struct machine *m);
/* Each daemon turns once, in an order of the seed's. Looks for the power cut after each. */
void machine_turn(struct machine *m);
/* What was running is gone, memory too; after a cut, what the disk may lose is lost. */
void machine_off(struct machine *m);
/* Ends all in order; the state is OFF, or CUT, or STUCK. */
void machine_stop(struct machine *m);

/* The power fails after so many requests of the disk from now; 0: it does not. */
void machine_cut_after(struct machine *m, uint64_t requests);

static inline struct daemon *machine_worker(struct machine *m, unsigned i) {
    return &m->daemon[3 + i];
}

#endif
