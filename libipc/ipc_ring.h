/* ipc_ring.h: rings between processes, and the flags that say who has something to do.
 *
 * A ring has one producer and one consumer. The producer writes an entry and then, with one store,
 * publishes it by moving `tail`; the consumer reads it and then, with one store, frees its place by
 * moving `head`. So a kill leaves a ring before or after a publish and never in between, and there
 * is nothing to repair in it: its next owner goes on where the words stand. What the dead had taken
 * and not answered is sent again by its asker, which sees the daemon's new epoch in `served`.
 *
 * Each daemon (slots 1 to RING_SERVERS - 1) has a pair of rings with every process: requests in,
 * completions out. Beside them every process has an inbox: one bit for each ring that may hold
 * something for it, set after a publish, so that nobody looks through sixty empty rings.
 *
 * Sleeping: the consumer sets proc_entry.asleep, looks at its inbox once more, sleeps. The producer
 * publishes, sets the inbox bit, then looks at asleep, and rings the doorbell if it could change
 * asleep from 1 to 0. All four accesses are sequentially consistent, so one of the two sees the
 * other (Dekker). */
#ifndef IPC_RING_H
#define IPC_RING_H

#include <stddef.h>

#include "base/proc.h"

#define RING_ENTRIES 256u
#define RING_SERVERS 4

struct ipc_ring {
    _Alignas(64) _Atomic uint32_t tail; /* producer: entries ever published */
    _Alignas(64) _Atomic uint32_t head; /* consumer: entries ever taken */
    _Alignas(64) struct msg entry[RING_ENTRIES];
};

struct ipc_pair {
    struct ipc_ring submit;   /* process → daemon */
    struct ipc_ring complete; /* daemon → process */
};

struct ipc_inbox {
    _Alignas(64) _Atomic uint64_t requests; /* bit: slot whose submissions may wait */
    _Atomic uint64_t completions;           /* bit: daemon whose completions may wait */
};

struct ipc_rings {
    _Atomic uint32_t served[RING_SERVERS]; /* the daemon's epoch, once it takes requests */
    _Atomic int32_t bell[PROC_SLOTS]; /* eventfd + 1, the same number in every process; 0: none */
    _Atomic uint32_t bells_pid;       /* who made them and closes them */
    struct ipc_inbox inbox[PROC_SLOTS];
    struct ipc_pair pair[RING_SERVERS][PROC_SLOTS];
};

size_t ipc_rings_bytes(void);

/* False: full. By the ring's producer. */
bool ring_push(struct ipc_ring *r, const struct msg *m);
/* False: empty. By the ring's consumer. */
bool ring_pop(struct ipc_ring *r, struct msg *ret_m);
/* Entries waiting, as the caller sees it. */
uint32_t ring_used(const struct ipc_ring *r);

/* Verdict on the two words; false: they cannot be a ring's. */
bool ring_valid(const struct ipc_ring *r);
/* Asserts the same of a ring that this process works on. */
void ring_check(const struct ipc_ring *r);
/* By the consumer, or by the repairer of a dead one: forgets what waits (a dead life's business),
 * which also makes a ring with impossible words usable. */
void ring_repair(struct ipc_ring *r);

/* Makes the doorbell of a slot, in this process. At most once a slot and region. IO_ERROR. */
status bell_make(struct ipc_rings *r, uint16_t slot, int fd_min);
/* Rings for the process in `slot` if it is asleep. True: it was. */
bool bell_ring(const struct shm *shm, uint16_t slot);
/* Rings whatever its flag says. */
void bell_force(const struct shm *shm, uint16_t slot);
int bell_fd(const struct ipc_rings *r, uint16_t slot); /* -1: none */
/* Closes those that this process made. */
void bells_close(struct ipc_rings *r);

#endif
