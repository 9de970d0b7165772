/* queryd: the process. Births, listeners, requests to cancel, the end. */
#include "session/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/control.h"
#include "base/counter.h"
#include "base/probe.h"
#include "conf/conf.h"
#include "exec/exec_init.h"
#include "ipc_guard.h"
#include "ipc_ring.h"
#include "session/functions.h"
#include "session/session_private.h"
#include "types/type.h"

#define TERMINATED_WORDS "terminating connection due to administrator command"
#define LATE_RETRY_NS 10000000u
#define AGAIN_NS 5000000u

/* ---- clients come in ------------------------------------------------------------------------- */

static void session_ready(void *arg, uint32_t events) {
    struct session *s = arg;
    wire_ready(&s->wire, events);
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        atomic_store(&s->slot->cancel, true); /* nobody listens any more */
        s->worker->cancelling = true;
    }
    if (s->running || s->wire.writer) return;
    s->running = true;
    if (!ok(daemon_spawn(s->worker->d, SESSION_STACK_BYTES, session_run, s))) {
        s->running = false; /* out of memory: this client is turned away */
        session_free(s);
    }
}

static void refuse(int fd, const char *sqlstate, const char *message) {
    char m[256];
    int n =
        snprintf(m + 5, sizeof m - 5, "SFATAL%cVFATAL%cC%s%cM%s%c", 0, 0, sqlstate, 0, message, 0);
    m[0] = 'E';
    store_be32(m + 1, (uint32_t)n + 5);
    m[5 + n] = '\0';
    if (send(fd, m, (size_t)n + 6, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        errno = 0; /* it is turned away */
    close(fd);
}

static void take_client(struct worker *w, int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
               sizeof on); /* fails on a Unix socket, which is fine */
    struct session *s;
    status st = session_new(w, fd, &s);
    if (!ok(st)) {
        refuse(fd, status_sqlstate(st),
               status_is(st, ST_TOO_MANY_CONNECTIONS) ? "sorry, too many clients already"
                                                      : "out of memory");
        return;
    }
    PROBE(axolotl_queryd, connect, s->index, fd);
    (void)session_watch(s);
}

bool session_watch(struct session *s) {
    if (ok(wire_watch(&s->wire, session_ready, s))) return true;
    session_free(s);
    return false;
}

static void listener_ready(void *arg, uint32_t events) {
    struct listener *l = arg;
    (void)events;
    for (int i = 0; i < 16; i++) {
        if (!worker_takes_next(l->worker)) return;
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        take_client(l->worker, fd);
    }
}

status worker_listen(struct worker *w) {
    struct control *control = w->d->proc.shm->control;
    for (int i = 0; i < CONTROL_LISTENERS_MAX; i++) {
        int fd = control->listener[i] - 1;
        if (fd < 0) continue;
        w->listeners[i] = (struct listener){w, fd};
        TRY(daemon_watch(w->d, fd, EPOLLIN, listener_ready, &w->listeners[i]));
    }
    w->serving = true;
    return OK;
}

/* ---- the guardian, and other workers --------------------------------------------------------- */

static int channel_of(const struct worker *w) {
    const struct proc *p = &w->d->proc;
    return p->shm->control->channel[p->owner.slot - SLOT_QUERYD] - 1;
}

static struct guard_msg about(const struct session *s, enum guard_op op) {
    return (struct guard_msg){
        .op = op, .session = s->index, .generation = atomic_load(&s->slot->generation)};
}

/* A full channel is tried again in a turn to come. */
void worker_keep_socket(struct worker *w, struct session *s) {
    struct guard_msg m = about(s, GUARD_PUT);
    int channel = channel_of(w);
    s->kept = channel >= 0 && ok(guard_send(channel, &m, s->wire.fd));
    w->unkept |= channel >= 0 && !s->kept;
}

/* A hint: the guardian looks for itself, too. */
void worker_drop_socket(struct worker *w, struct session *s) {
    struct guard_msg m = about(s, GUARD_DROP);
    if (s->kept) status_ignore(guard_send(channel_of(w), &m, -1));
}

/* A guardian that has just begun knows no socket. */
static void keep_sockets(struct worker *w) {
    uint32_t births = atomic_load(&w->d->proc.shm->control->guardian_births);
    bool all = births != w->births_seen;
    if (!all && !w->unkept) return;
    w->births_seen = births;
    w->unkept = false;
    for (struct session *s = w->sessions; s; s = s->next)
        if (all || !s->kept) worker_keep_socket(w, s);
}

/* It was taken up before, or is another's by now; but this may be its only socket, if the guardian
 * has died since it sent that. */
static void give_back(struct worker *w, const struct guard_msg *m, int fd) {
    struct guard_msg put = {.op = GUARD_PUT, .session = m->session, .generation = m->generation};
    status_ignore(guard_send(channel_of(w), &put, fd)); /* a full channel has a guardian */
    close(fd);
}

static void channel_ready(void *arg, uint32_t events) {
    struct worker *w = arg;
    (void)events;
    struct guard_msg m;
    int fd;
    for (;;) {
        status st = guard_receive(channel_of(w), &m, &fd);
        if (status_is(st, ST_AGAIN) || status_is(st, ST_END)) return;
        if (!ok(st)) continue;
        if (fd < 0) continue;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        if (m.op == GUARD_TAKE && ok(session_take_up(w, m.session, m.generation, fd))) continue;
        give_back(w, &m, fd);
    }
}

static status watch_channel(struct worker *w) {
    int channel = channel_of(w);
    return channel < 0 ? OK : daemon_watch(w->d, channel, EPOLLIN | EPOLLET, channel_ready, w);
}

void worker_stop_listening(struct worker *w) {
    for (int i = 0; i < CONTROL_LISTENERS_MAX; i++)
        if (w->listeners[i].worker)
            status_ignore(
                daemon_watch(w->d, w->listeners[i].fd, 0, NULL, NULL)); /* as good as gone */
}

/* ---- cancel ---------------------------------------------------------------------------------- */

void worker_cancel_request(struct worker *w, uint32_t pid, uint32_t secret) {
    struct shm *shm = w->d->proc.shm;
    if (pid == 0 || pid > shm->sizes.sessions) return;
    struct session_slot *s = session_slot_at(shm, pid - 1);
    if (atomic_load(&s->state) == SESSION_FREE || s->secret != secret) return;
    atomic_store(&s->cancel, true);
    atomic_fetch_add(&shm->control->cancels, 1);
    uint16_t owner = atomic_load(&s->owner) & 0xff;
    if (owner == w->d->proc.owner.slot)
        worker_look_for_cancels(w);
    else
        bell_ring(shm, owner);
}

void worker_look_for_cancels(struct worker *w) {
    w->cancelling = false;
    for (struct session *s = w->sessions, *next; s; s = next) {
        next = s->next;
        if (!atomic_load_explicit(&s->slot->cancel, memory_order_relaxed)) continue;
        if (atomic_exchange(&s->slot->terminate, false)) {
            w->cancelling |= s->running;
            session_terminate(s, ST_ADMIN_SHUTDOWN, TERMINATED_WORDS);
            continue;
        }
        session_cancel(s);
        w->cancelling |= s->running;
    }
}

void worker_note_deadline(struct worker *w, uint64_t deadline_ns) {
    if (w->deadline_ns == 0 || deadline_ns < w->deadline_ns) w->deadline_ns = deadline_ns;
}

static void end_idle(struct session *s) {
    if (s->block == BLOCK_NONE)
        session_terminate(s, ST_IDLE_SESSION_TIMEOUT,
                          "terminating connection due to idle-session timeout");
    else
        session_terminate(s, ST_IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                          "terminating connection due to idle-in-transaction timeout");
}

/* Whoever computes looks at its deadline itself; whoever waits for a lock is woken here. One that
 * is late and does neither may begin to wait later: it is looked at again. */
static void look_for_deadlines(struct worker *w, uint64_t now) {
    w->deadline_ns = 0;
    for (struct session *s = w->sessions, *next; s; s = next) {
        next = s->next;
        if (!s->running && s->idle_until_ns) {
            if (s->idle_until_ns > now)
                worker_note_deadline(w, s->idle_until_ns);
            else
                end_idle(s);
        }
        if (!s->running || !s->env.deadline_ns) continue;
        bool late = s->env.deadline_ns <= now;
        if (late) session_cancel(s);
        worker_note_deadline(w, late ? now + LATE_RETRY_NS : s->env.deadline_ns);
    }
}

/* ---- databases ------------------------------------------------------------------------------- */

static struct database *find_database(struct worker *w, page_id root) {
    struct database *d = w->databases;
    while (d && !page_id_eq(d->root, root)) d = d->next;
    return d;
}

/* Two sessions may open the same one while each is suspended: the first stays. */
status worker_catalog(struct worker *w, page_id root, struct catalog **ret_catalog,
                      struct error *e) {
    struct database *d = find_database(w, root);
    if (root.no == 0 || page_id_eq(root, CATALOG_ROOT)) {
        *ret_catalog = w->catalog;
        return OK;
    }
    if (!d) {
        struct catalog *opened;
        TRY(catalog_open_database(&w->d->proc, root, &opened, e));
        if (find_database(w, root) || !(d = calloc(1, sizeof *d))) {
            catalog_close(opened);
            d = find_database(w, root);
            if (!d) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
        } else {
            *d = (struct database){w->databases, root, opened};
            w->databases = d;
        }
    }
    *ret_catalog = d->catalog;
    return OK;
}

/* ---- the daemon ------------------------------------------------------------------------------ */

/* Catalogs are read (and, in a new data file, made) before the first client is let in. */
static void open_for_clients(void *arg) {
    struct worker *w = arg;
    struct shm *shm = w->d->proc.shm;
    while (!atomic_load(&shm->control->redo_done)) daemon_sleep(w->d, 1000000);
    static struct error e;
    error_clear(&e);
    status st = catalog_open(&w->d->proc, &w->catalog, &e);
    if (ok(st)) st = watch_channel(w);
    if (ok(st)) st = worker_listen(w);
    if (!ok(st)) {
        status_ignore(error_from_status(&e, st)); /* said here */
        fprintf(stderr, "queryd: %s\n", e.message);
        exit(1);
    }
    daemon_ready(w->d);
}

static status init(struct daemon *d, struct error *e) {
    TRY(types_init());
    setlocale(LC_CTYPE, "C.UTF-8"); /* letters of upper, lower and patterns */
    session_functions_register();
    exec_init();
    arena_free_later(true);
    struct worker *w = calloc(1, sizeof *w);
    if (!w) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    w->d = d;
    w->births_seen = atomic_load(&d->proc.shm->control->guardian_births);
    w->worker_births_seen = atomic_load(&d->proc.shm->control->worker_births);
    w->next_trace = (uint64_t)d->proc.owner.epoch << 40; /* no life's traces are another's */
    d->state = w;
    status st = daemon_spawn(d, 0, open_for_clients, w);
    return ok(st) ? OK : error_from_status(e, st);
}

static void queryd_handle(struct daemon *d, const struct msg *m) {
    struct msg reply = *m;
    reply.code = ST_FEATURE_NOT_SUPPORTED;
    daemon_reply(d, &reply);
}

static bool queryd_step(struct daemon *d) {
    struct worker *w = d->state;
    keep_sockets(w);
    worker_spread(w);
    notify_step(w);
    bool analysing = worker_auto_analyze(w);
    if ((w->stopping || w->handing_over) && w->nsessions == 0 && !analysing && !w->cleaning) {
        daemon_stopped(d);
        return false;
    }
    uint32_t cancels = atomic_load(&d->proc.shm->control->cancels);
    if (w->cancelling || cancels != w->cancels_seen) {
        w->cancels_seen = cancels;
        worker_look_for_cancels(w);
    }
    if (w->deadline_ns) {
        uint64_t now = d->proc.env->mono_ns(&d->proc);
        if (now >= w->deadline_ns) look_for_deadlines(w, now);
        d->step_due_ns = w->deadline_ns;
    }
    if (worker_lets_go(w) || w->unkept) {
        uint64_t soon = d->proc.env->mono_ns(&d->proc) + AGAIN_NS;
        if (!d->step_due_ns || d->step_due_ns > soon) d->step_due_ns = soon;
    }
    return arena_free_some();
}

void worker_end_sessions(struct worker *w) {
    for (struct session *s = w->sessions, *next; s; s = next) {
        next = s->next;
        w->cancelling = true;
        session_terminate(s, ST_ADMIN_SHUTDOWN, TERMINATED_WORDS);
    }
}

static void queryd_stop(struct daemon *d) {
    struct worker *w = d->state;
    worker_stop_listening(w);
    w->stopping = true;
    worker_end_sessions(w);
    d->step_due_ns = 1;
}

static void queryd_fini(struct daemon *d) {
    struct worker *w = d->state;
    plan_cache_clear(&w->plans);
    for (struct database *db = w->databases, *next; db; db = next) {
        next = db->next;
        catalog_close(db->catalog);
        free(db);
    }
    if (w->catalog) catalog_close(w->catalog);
    while (arena_free_some()) continue;
    free(w);
}

const struct daemon_ops queryd_ops = {
    .name = "queryd",
    .init_fresh = init,
    .init_restart = init,
    .handle = queryd_handle,
    .step = queryd_step,
    .send = worker_send_answers,
    .stop = queryd_stop,
    .hand_over = worker_hand_over,
    .fini = queryd_fini,
};
