/* supervisor.h: starts and ends processes, creates shared memory, decides what a death means.
 *
 * Nothing here touches data. Each process of the appliance has a `kept`: a coroutine that starts
 * it, waits for its death, repairs what it left, and starts it again.
 *
 *     start ──→ alive ──→ dead ──→ repaired ──→ (pause) ──→ start
 *                 │                    └──→ given up ──(axl restart)──→ start
 *                 └──→ gone (the appliance stops) */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include "base/control.h"
#include "conf/conf.h"
#include "crypt/keyring.h"
#include "ipc_control.h"
#include "ipc_daemon.h"
#include "ipc_hang.h"
#include "ipc_version.h"

struct supervisor;

struct kept {
    struct supervisor *s;
    uint16_t slot;
    char name[PROC_NAME_BYTES];
    pid_t pid; /* 0: none now */
    int pidfd;
    int lifeline; /* read end of the pipe that lives as long as its io_uring; -1: none */
    struct coro *keeper;
    bool ended;           /* the keeper has returned */
    bool ending;          /* the appliance stops, and its turn has come: no next life */
    bool inherited;       /* from the last supervisor: its life, or what its death left */
    bool given_up;        /* waits for axl restart */
    bool wanted;          /* axl restart: start now, the deaths so far forgotten */
    bool killed;          /* we ended it: not counted as a death of its own */
    const char *programs; /* the folder that its next life's program lies in */
    uint64_t renewed_ns;  /* since when it hands over, to end; 0: it does not */
    unsigned deaths;      /* within the window, of lives that were short */
    uint64_t window_ns;
    uint64_t ready_ns; /* when this life was first seen READY; 0: not yet */
    uint64_t pause_ns; /* before the next start */
    uint64_t died_ns;  /* when the last life was seen dead, until the next one is READY; 0: not */
    /* A daemon's: requests to it when it was last started again, and whose they were. A worker's:
     * sessions that its death left. */
    uint32_t waiters;
    char waiting[64];
    bool looped; /* was killed for an endless loop: that counts against its statement */
    struct hang_watch hang;
    bool ended_by_us; /* it was killed because it hangs, and is not gone yet */
};

#define JOBS_MAX 16
/* Something asked for over the control channel that takes its time; asked after by number. */
struct job {
    uint32_t id;
    bool done;
    status outcome;
    char name[16];
    char words[CONTROL_PATH_BYTES]; /* why it failed; empty: the outcome's name says it */
};

struct supervisor {
    struct daemon d;
    struct shm shm;
    struct conf conf;
    char dir[CONTROL_PATH_BYTES];
    char programs[CONTROL_PATH_BYTES]; /* where storaged and the others lie */
    char region[32];
    uint64_t appliance_id;
    struct keyring keys;              /* secret */
    struct crypt_keys backup_keys;    /* secret: of another appliance's backups, which this one is
                                         restored from; count 0: none */
    uint32_t next_life, lives_end;    /* those that we have taken from it and not given */
    const char *settings[CONF_COUNT]; /* "name=value" of the command line, for the children */
    int nsettings;
    char **argv;
    struct kept kept[PROC_SLOTS]; /* by slot; slot SLOT_SUPERVISOR is not used */
    uint16_t slots;               /* used, from 0 */
    bool stopping, immediate;
    bool started_again;   /* a death during recovery: everything begins anew */
    bool adopted;         /* the appliance was there already */
    int guardian;         /* our end of the channel; -1: there is none now */
    pid_t guardian_child; /* one that we have started; 0: we are its child */
    struct hang_watch guardian_hang;
    uint64_t guardian_due_ns; /* when to try to start one again; 0: it runs */
    uint64_t *handed_ns;      /* by session: when it was last given to a worker */
    struct job jobs[JOBS_MAX];
    uint32_t job_last;
    bool upgrading;  /* an upgrade is under way */
    bool rotating;   /* a request for other keys is under way */
    bool exchanging; /* storaged or logd gives way to a life that has a new data key */
};

extern const struct daemon_ops supervisor_ops;

/* init.c */
/* foreground: what happens is said on stderr, not in a log file. */
status supervisor_prepare(struct supervisor *s, bool foreground, struct error *e);
void supervisor_begin(struct supervisor *s);
void kept_init(struct supervisor *s, uint16_t slot);
/* adopt.c: the appliance of a supervisor that is gone. */
void adopt_fence(struct shm *old); /* makes sure that it is */
/* False: it cannot go on, or not with us; nothing was changed. Else `old` is ours. */
bool adopt(struct supervisor *s, struct shm *old);
/* guard.c */
#define GUARDIAN_RETRY_NS 500000000u
/* Doorbells, listeners, channels: above what else is open at a spawn. */
#define INHERITED_FD_MIN 200
status channels_make(struct supervisor *s, struct error *e);
status guardian_begin(struct supervisor *s); /* watches ours, or starts one */
void guardian_keeps(struct supervisor *s);   /* gives it all that it holds for our successor */
/* Neither it nor we hold any longer what an appliance before had. Before descriptors are made. */
void guardian_forgets(struct supervisor *s);
void guardian_next(struct supervisor *s, const char *programs);  /* whose supervisor is next */
void guardian_renew(struct supervisor *s, const char *programs); /* it goes on as theirs */
void guardian_end(struct supervisor *s);  /* it is not to start another supervisor */
void guardian_look(struct supervisor *s); /* ends a guardian that hangs */
void guardian_hand(struct supervisor *s, uint32_t session, uint32_t generation, uint16_t worker);
/* sessions.c: true: some wait for a worker, or have not been taken up. */
bool sessions_place(struct supervisor *s);
/* A worker has become ready: the others give it its part. */
void sessions_spread(struct supervisor *s);
void sessions_lost(struct supervisor *s, uint32_t session, uint32_t generation);
/* listen.c: the sockets, noted in the control region; and their end, with the socket files. */
status listeners_open(struct supervisor *s, struct error *e);
void listeners_close(struct supervisor *s);
/* keys.c */
struct master_source keys_source(const struct supervisor *s);
/* Of this directory; none when it is not encrypted. A wrong or missing key has words in e. */
status keys_open(struct supervisor *s, struct error *e);
/* What the next life of the slot inherits; -1: nothing. To be closed. */
status keys_for(struct supervisor *s, uint16_t slot, int *ret_fd, struct error *e);
/* spawn.c */
status spawn_process(struct kept *k, bool restart, struct error *e);
void spawn_log_open(const struct supervisor *s);
status lifeline_make(struct kept *k, struct error *e);
bool lifeline_held(const struct kept *k); /* somebody still has its write end */
/* keep.c */
void keep_run(void *arg);
void keep_watch_heartbeats(void *arg);
void keep_kill(struct kept *k, int signal);
/* repair.c */
void repair_after(struct supervisor *s, uint16_t slot, uint32_t epoch);
/* judge.c: was it a statement that ended this worker? Before its sessions are repaired. */
void quarantine_judge(struct supervisor *s, uint16_t slot, uint32_t epoch);
/* exchange.c: by coroutines. True: the new life is well. */
/* Its next life comes from the folder `programs`, whatever its present one is doing. */
bool exchange_process(struct kept *k, const char *programs);
bool exchange_guardian(struct supervisor *s, const char *programs);
bool exchange_all_well(struct supervisor *s); /* all are READY, and stay so for a moment */
/* Ends this life so that another one takes its place: a worker hands its sessions over first. */
void keep_renew(struct kept *k);
void keep_end_late(struct supervisor *s); /* those that hand over for too long */
/* upgrade.c */
/* Begins to exchange the programs for those in the absolute folder `from`. NULL, or why not; what
 * becomes of it stands in control.upgrade. */
const char *upgrade_start(struct supervisor *s, const char *from);
void upgrade_adopted(struct supervisor *s); /* goes on with what the last supervisor was at */
const char *upgrade_programs(struct supervisor *s); /* an adopted appliance's: where they lie */
/* version.c: the line that NAME --version of the folder prints. By a coroutine. */
status version_ask(struct supervisor *s, const char *folder, const char *name,
                   struct version *ret_version, struct error *e);
/* stop.c */
void supervisor_stop(struct supervisor *s, bool immediate);
/* rotate.c: NULL: it is begun, as a job; or why not. */
const char *rotate_master_start(struct supervisor *s, const char *file, const char *command,
                                struct job **ret_job);
const char *settle_master_start(struct supervisor *s, struct job **ret_job);
const char *rotate_data_start(struct supervisor *s, struct job **ret_job);
void rotate_watch(void *supervisor); /* coroutine: goes on with a new data key until it is alone */
const char *rotate_look(const struct supervisor *s, json_t *reply); /* NULL, or why not */
/* requests.c */
struct job *job_new(struct supervisor *s, const char *name); /* NULL: too many are under way */
bool supervisor_request(struct daemon *d, const char *op, const json_t *request, json_t *reply);

/* events.c: what happens stands in one line of the supervisor's log file, with the time; in the
 * ring of events in the control region, from events_open on; and at a probe. */
void events_open(struct supervisor *s);
void events_of_pages(struct supervisor *s); /* tells what storaged has noted since the last time */
[[gnu::format(printf, 1, 2)]] void event(const char *format, ...); /* EVENT_NOTE */
/* What `facts` says beside the words: kind, slot, counts; the time is filled in here. */
[[gnu::format(printf, 2, 3)]] void event_as(const struct event *facts, const char *format, ...);
void event_died(struct kept *k, uint32_t epoch, int how);
void event_starts_again(struct kept *k); /* its new life is about to begin */
void event_ready(struct kept *k);        /* its state is READY since now */

#endif
