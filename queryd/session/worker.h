/* worker.h: one queryd process: its listeners, its sessions, its caches. */
#ifndef SESSION_WORKER_H
#define SESSION_WORKER_H

#include "base/control.h"
#include "catalog/catalog.h"
#include "ipc_daemon.h"
#include "session/plan_cache.h"

struct session;

struct worker;

/* The catalogs of a further database, once a session of it has come here. */
struct database {
    struct database *next;
    page_id root;
    struct catalog *catalog;
};

struct listener {
    struct worker *worker; /* NULL: not in use */
    int fd;
};

/* Of a session's coroutine: what `max_stack_depth` says. */
#define SESSION_STACK_BYTES ((size_t)2 << 20)

struct worker {
    struct daemon *d;
    struct listener listeners[CONTROL_LISTENERS_MAX];
    uint64_t passing_ns;     /* since when a client is left to other workers; 0: none is */
    uint64_t passed_ns;      /* when that was last done */
    struct catalog *catalog; /* of the first database */
    struct database *databases;
    struct plan_cache plans;
    struct session *sessions;
    uint32_t nsessions;
    struct session *answers, *last_answer; /* who sends when the answers of its batch are there */
    bool serving;
    bool stopping;
    bool cancelling;       /* a running session is asked to cancel, and may yet begin to wait */
    bool handing_over;     /* sessions go to other workers as soon as they rest */
    uint64_t hand_over_ns; /* monotonic: who still is in a block then loses it */
    uint32_t worker_births_seen; /* those after which sessions were counted */
    uint32_t to_share;           /* sessions that go to other workers as they come to rest */
    uint64_t share_until_ns;     /* monotonic */
    bool unkept;                 /* the guardian has not got some session's socket yet */
    uint32_t births_seen;        /* of guardians */
    uint32_t cancels_seen;
    uint64_t
        deadline_ns; /* the soonest statement_timeout of a running session, or earlier; 0: none */
    uint64_t next_trace;
    bool analysing;              /* auto_analyze.c is at work */
    uint64_t notifications_seen; /* control.notifications when sessions were looked at */
    bool clean_notifications;    /* there may be some that nobody wants any more */
    bool cleaning;               /* a coroutine deletes those */
    uint64_t clean_due_ns;       /* monotonic */
    uint64_t analysis_due_ns;    /* monotonic: not before; 0: not known yet */
    _Atomic bool analysis_cancel;
};

/* The worker is ready for clients: watches the listeners. */
status worker_listen(struct worker *w);
void worker_stop_listening(struct worker *w);
/* The catalogs whose pg_class is at root; opened when they are not yet, which may suspend. */
status worker_catalog(struct worker *w, page_id root, struct catalog **ret_catalog,
                      struct error *e);
/* Ends every session in order (57P01 to its client). */
void worker_end_sessions(struct worker *w);
/* A cancel request: finds the session by process number and secret, in whatever worker. */
void worker_cancel_request(struct worker *w, uint32_t pid, uint32_t secret);
/* session.c: sends the answers that sessions have left (struct daemon_ops). */
void worker_send_answers(struct daemon *d);
/* Ends the waits of running sessions whose cancel flag is set, by whomever. */
void worker_look_for_cancels(struct worker *w);
/* Gives the guardian a copy of the session's socket, and takes it back. */
void worker_keep_socket(struct worker *w, struct session *s);
void worker_drop_socket(struct worker *w, struct session *s);
/* A statement that begins now must end by then (monotonic), also if it waits for a lock. */
void worker_note_deadline(struct worker *w, uint64_t deadline_ns);

/* auto_analyze.c: in every turn. true: the worker may not end yet, an analysis is to notice that it
 * shall. */
bool worker_auto_analyze(struct worker *w);

/* auto_analyze.c: work of the worker's own, without a session. arena: to be freed. */
struct worker_task {
    struct arena arena;
    struct error error;
    struct session_env values;
    struct sql_settings settings;
    struct txn txn;
    struct sql_env env;
};
void worker_task_init(struct worker_task *t, struct worker *w, struct catalog *c);
/* notify.c: in every turn, and when a worker has begun anew. */
void notify_step(struct worker *w);
void notify_worker_died(struct worker *w);

/* spread.c: which worker serves whom. All workers watch the same listeners; those with the fewest
 * sessions take the next client. */
bool worker_takes_next(struct worker *w);
/* Do sessions that rest and may leave (session_may_leave) leave? */
bool worker_lets_go(const struct worker *w);
/* This one leaves, and is no more. */
void worker_let_go(struct worker *w, struct session *s);
/* In each turn: sessions go that are asked to, or that another worker has room for. */
void worker_spread(struct worker *w);
/* From now on all sessions go (struct daemon_ops). */
void worker_hand_over(struct daemon *d);

extern const struct daemon_ops queryd_ops;

#endif
