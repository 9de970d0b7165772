/* control.h: the control region: what the appliance is, and its process table. */
#ifndef BASE_CONTROL_H
#define BASE_CONTROL_H

#include "base/event.h"
#include "base/proc.h"
#include "base/quarantine.h"

#define CONTROL_PATH_BYTES 512
#define CONTROL_LISTENERS_MAX 16
#define ROW_ID_WORDS 1024

enum appliance_state {
    APPLIANCE_STARTING,
    APPLIANCE_RECOVERING,
    APPLIANCE_SERVING,
    APPLIANCE_STOPPING
};

/* The upgrade that is under way, or the last one. Written by the supervisor, whose successor goes
 * on with it or goes back (ops/supervisor/upgrade.c). */
enum upgrade_state { UPGRADE_NONE, UPGRADE_RUNS, UPGRADE_TRIAL, UPGRADE_DONE, UPGRADE_FAILED };
struct upgrade_note {
    _Atomic uint32_t state;
    _Atomic uint64_t exchanged;    /* bit: slot that the other program has, or is about to get */
    char from[CONTROL_PATH_BYTES]; /* the folder of the other programs; absolute */
    char words[256];               /* why it failed */
};

/* What storaged and logd say of the data keys (shared/crypt) that their files need. */
enum key_use_of { KEY_USE_PAGES, KEY_USE_LOG, KEY_USES };
struct key_use {
    _Atomic uint32_t seals;  /* number of the key that seals; 0: not known yet */
    _Atomic uint32_t oldest; /* of the oldest that anything is sealed by; 0: not known yet */
    _Atomic uint64_t looked; /* page or segment up to which a new key has come; for people */
};

struct control {
    uint64_t appliance_id;  /* random, made by init, the same in every file */
    _Atomic uint32_t state; /* enum appliance_state */
    uint32_t port;
    struct shm_sizes sizes;
    uint64_t started_wall_ns;
    _Atomic uint64_t fault; /* what is armed (base/fault.h); 0: nothing */
    char data_dir[CONTROL_PATH_BYTES];
    char programs[CONTROL_PATH_BYTES]; /* where the programs lie that run, or are to run next */
    /* Sockets on which the appliance listens, TCP and Unix: descriptor + 1, 0: none. The supervisor
     * makes them; queryd workers inherit them under the same numbers. */
    int32_t listener[CONTROL_LISTENERS_MAX];
    /* The channel of each worker slot to the guardian (msg/guard.h): descriptor + 1 of the worker's
     * end and of the guardian's, under the same numbers in every process that has them; 0: none.
     * Made by the supervisor, once; they outlive it, the worker and the guardian. */
    int32_t channel[WORKERS_MAX], channel_guardian[WORKERS_MAX];
    /* Moved by a guardian that begins without sockets: workers send theirs again. */
    _Atomic uint32_t guardian_births;
    /* Moved when a worker has become ready: those that have more sessions than their part give it
     * some. */
    _Atomic uint32_t worker_births;
    struct proc_entry procs[PROC_SLOTS];

    _Atomic uint64_t catalog_version; /* moved by every commit that changed catalogs; begins at 1 */
    /* Hidden row ids (queryd/table/row_id.c): half a hash of the tree that had an id from this word
     * last << 48 | its next one. */
    _Atomic uint64_t row_ids[ROW_ID_WORDS];
    _Atomic uint64_t next_large; /* numbers of large values: begins at the wall clock's nanoseconds
                                    (or the last commit's) */
    _Atomic uint32_t next_oid;   /* 0: not known yet, the first worker looks into the catalogs */

    /* Recovery's hand-overs (DESIGN 7): each written once per start by the process named. */
    _Atomic uint64_t redo_lsn;  /* storaged: where redo would begin; every checkpoint moves it */
    _Atomic uint64_t undo_lsn;  /* storaged, from the data file, before redo_lsn is set: as in */
    _Atomic uint64_t purge_lsn; /*   struct rec_checkpoint */
    _Atomic uint64_t next_txid;
    _Atomic uint64_t last_commit;
    /* storaged, before redo_lsn: the newest LSN of a page in the data file, where ignore_log_damage
     * makes that matter; else 0 */
    _Atomic uint64_t newest_home;
    _Atomic uint64_t recovered_lsn; /* logd: the end of the log found; 0: not known yet */
    _Atomic uint32_t redo_done;     /* storaged: it knows which pages are to be redone, and gives
                                       none of them out before it has: queries may begin */
    _Atomic uint32_t redo_complete; /* storaged: there are none left */
    _Atomic uint64_t redo_pages;    /* storaged: so many are left; for people */

    /* Moved after each commit that sent notifications: workers look for them (queryd/session). */
    _Atomic uint64_t notifications;
    /* 1: some session has listened; set before it takes its place (session_slot.listen_from). */
    _Atomic uint32_t listened;
    _Atomic uint32_t cancels; /* moved after each request to cancel, so that workers look for it */

    struct key_use key_use[KEY_USES]; /* each written by the process that it is of */
    struct upgrade_note upgrade;
    struct quarantine quarantine;
    struct event_ring events;
    /* What storaged has to tell of damaged pages: its ring (I1); the supervisor takes what it has
     * not told yet into the one above. */
    struct event_ring page_events;
    _Atomic uint64_t page_events_told; /* the supervisor: number of the next one */
};

#endif
