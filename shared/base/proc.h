/* proc.h: a process as the others see it, and as it sees the appliance.
 *
 * The process table lies in the control region: one entry a slot, a slot for each part of the
 * appliance. The supervisor gives a slot a new epoch at every start, so (slot, epoch) names one
 * life of one process for ever. struct proc is private: this process's slot, its view of shared
 * memory and its ways to wait. Code in shared/ takes one and never asks which daemon it runs in. */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/latch.h"
#include "base/status.h"

#define PROC_SLOTS 64
#define PROC_NAME_BYTES 16

enum proc_slot {
    SLOT_SUPERVISOR = 0,
    SLOT_STORAGED = 1,
    SLOT_LOGD = 2,
    SLOT_TXND = 3,
    SLOT_QUERYD = 4, /* queryd.0; queryd.N is SLOT_QUERYD + N */
    SLOT_GUARDIAN = PROC_SLOTS - 1,
};
#define WORKERS_MAX (SLOT_GUARDIAN - SLOT_QUERYD)

/* Life of a process. Only the supervisor moves an entry, but for STARTING → READY and READY →
 * STOPPING, which the process itself does.
 *   EMPTY → STARTING → READY → STOPPING → EMPTY
 *             └────────┴──── → DEAD → (repaired) → STARTING | FAILED */
enum proc_state {
    PROC_EMPTY,
    PROC_STARTING,
    PROC_READY,
    PROC_STOPPING,
    PROC_DEAD,   /* gone, its leftovers not yet repaired */
    PROC_FAILED, /* died again and again: not restarted by itself any more */
};

struct proc_entry {
    _Atomic uint32_t epoch; /* 0: never started */
    _Atomic uint32_t state; /* enum proc_state */
    _Atomic uint32_t pid;
    _Atomic uint32_t asleep;       /* 1: waits on its doorbell; whoever hands it work rings */
    _Atomic uint64_t heartbeat_ns; /* CLOCK_MONOTONIC of its last turn of the loop */
    _Atomic uint64_t started_ns;   /* CLOCK_MONOTONIC */
    _Atomic uint32_t restarts;
    _Atomic int32_t last_exit; /* as waitpid gave it; 0 before the first death */
    char name[PROC_NAME_BYTES];
    _Atomic uint64_t birth;      /* of the pid, in clock ticks since boot: tells a reused pid */
    _Atomic uint64_t trace;      /* of the coroutine that runs; 0: the loop itself */
    _Atomic uint16_t awaits[4];  /* requests under way to the daemon in that slot */
    _Atomic uint32_t exit_epoch; /* the life that last_exit is of */
    _Atomic uint32_t cpu;        /* that it ran on when it last began to work */
    uint64_t reserved[5];
};
_Static_assert(sizeof(struct proc_entry) == 128, "two cache lines");

/* last_exit of a life that ended when nobody was there to hear how. */
#define PROC_EXIT_UNKNOWN INT32_MIN

/* Numbers of an appliance that fix the layout of its shared memory. */
enum huge_pages { HUGE_TRY, HUGE_OFF, HUGE_ON }; /* the setting huge_pages */

struct shm_sizes {
    uint32_t frames;       /* pages that the buffer pool has room for */
    uint32_t frames_start; /* that it has at the start; 0: all */
    uint32_t page_buckets; /* power of two */
    uint32_t workers;
    uint32_t sessions;    /* session slots */
    uint32_t txns;        /* transaction slots */
    uint32_t map_entries; /* transaction ids in the commit map, power of two */
    uint32_t huge_pages;  /* enum huge_pages: of the pool */
    uint64_t ring_bytes;  /* log ring, power of two */
};

struct control; /* base/control.h */
struct frame;   /* pool/frame.h */
struct pool_shared;
struct log_shared;    /* log/log.h */
struct txn_shared;    /* txn/txn.h */
struct serial_shared; /* txn/serial.h */
struct temp_shared;   /* temp/temp.h */
struct session_slot;
struct ipc_rings;
struct counter_block; /* base/counter.h */
struct usage_meter;   /* base/usage.h */

/* Where this process has the regions mapped. */
struct shm {
    struct control *control;
    struct pool_shared *pool;
    struct frame *frames; /* [sizes.frames] */
    char *pages;          /* [sizes.frames][PAGE_BYTES] */
    struct log_shared *log;
    char *log_ring; /* mapped twice in a row: any ring_bytes from any offset are contiguous */
    struct txn_shared *txn;
    struct serial_shared *serial;
    struct temp_shared *temp;
    char *sessions;
    struct ipc_rings *rings;
    struct counter_block *counters; /* [PROC_SLOTS] */
    struct shm_sizes sizes;         /* a private copy */
};

/* A message between processes: one cache line, in a ring. What arg holds is said per operation in
 * msg/. The completion goes into the same struct. */
struct msg {
    uint16_t op;   /* enum msg_op */
    uint16_t code; /* completion: enum status_code */
    uint16_t slot; /* the asker's */
    uint16_t flags;
    uint32_t epoch;    /* the asker's */
    uint32_t to_epoch; /* of the daemon that is asked; libipc fills it in */
    uint64_t tag;      /* the asker's name for the request, returned with the completion */
    uint64_t trace;    /* the statement on whose behalf */
    uint64_t arg[4];
};
_Static_assert(sizeof(struct msg) == 64, "a cache line");
#define MSG_FLAG_POST 1u /* no completion is wanted */
#define MSG_FLAG_SOFT 2u /* MSG_TXN_WAIT: for one who only wants what we want, too */

struct proc;

/* The ways of the surroundings, exchanged by tests and by the simulator. */
struct env {
    /* Nanoseconds: wall clock (the commit clock's source) and monotonic. */
    uint64_t (*wall_ns)(struct proc *p);
    uint64_t (*mono_ns)(struct proc *p);
    /* Sends *m to the daemon in slot `to`, suspends the caller until the completion has replaced
     * *m, and returns m->code as a status. A daemon's restart is not seen: the request is sent
     * again. Never called with a latch held (I3). */
    status (*call)(struct proc *p, uint16_t to, struct msg *m);
    /* Sends without completion. May be dropped when the ring is full and the message says so. */
    void (*post)(struct proc *p, uint16_t to, const struct msg *m);
    /* Lets other coroutines of this process and other processes run. */
    void (*pause)(struct proc *p);
};

/* The last page that this process could not have, for the words of an error: whoever gives up
 * because of it does so before another statement of this process runs into one, or finds another
 * trace here. */
struct proc_bad_page {
    uint64_t page;
    uint64_t trace;
    uint32_t tree; /* the relation's OID; 0: not known */
    uint16_t code; /* enum status_code: DATA_CORRUPTED, IO_ERROR; ST_OK: none */
};

/* Who of this process's coroutines pins the pages that it finds (pool/frame.h). */
struct proc_pins {
    const void *holder; /* NULL: nobody */
    unsigned next;      /* of the places in shared memory: taken next */
};

struct proc {
    struct owner owner; /* slot and the low 16 bits of epoch */
    uint32_t epoch;
    struct shm *shm;
    const struct env *env;
    void *env_data; /* whose the env's functions are */
    uint64_t trace; /* of the running statement */
    struct counter_block *counters;
    struct usage_meter *meter; /* of the running coroutine (base/usage.h); NULL: none */
    struct proc_bad_page bad_page;
    struct proc_pins pins;
};

#endif
