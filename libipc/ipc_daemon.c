/* ipc_daemon.c: the loop: one turn, how it sleeps, how a daemon begins and ends. */
#include "ipc_daemon.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/control.h"
#include "base/counter.h"
#include "base/probe.h"
#include "base/spin.h"
#include "conf/conf.h"
#include "ipc_loop.h"

#define EVENTS_A_TURN 64
#define SLEEP_MS_MAX 250 /* the heartbeat must go on (ipc_hang.h) */
#define SLEEP_UNTIL_BEAT (-1)
#define TURNS_UNPOLLED_MAX 8 /* busy turns before descriptors are looked at all the same */
#define START_WAIT_MS 100
#define UNRUNG_MS_MAX 2 /* the longest sleep without a doorbell */
#define CHECK_EVERY_NS 1000000000u
#define SPIN_CREDIT_MAX 16
#define SPIN_CREDIT_HIT 2 /* a spin that found work pays for two that did not */

static _Thread_local struct daemon *current;

struct daemon *daemon_self(void) {
    return current;
}

static uint64_t coarse_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Once a second: is this life still the slot's, and is anybody gone for good? */
static void look_around(struct ipc_loop *l) {
    if (atomic_load(&l->entry->epoch) != l->d->proc.epoch) {
        l->stopped = true; /* another life has this slot: touch nothing more */
        return;
    }
    for (uint16_t to = 1; to < RING_SERVERS; to++) {
        if (to != l->slot && atomic_load(&l->shm->control->procs[to].state) == PROC_FAILED) {
            calls_give_up(l, to);
        }
    }
}

void daemon_heartbeat(struct daemon *d) {
    struct ipc_loop *l = d->loop;
    uint64_t now = coarse_ns();
    atomic_store_explicit(&l->entry->heartbeat_ns, now, memory_order_relaxed);
    if (now - l->checked_ns >= CHECK_EVERY_NS) {
        l->checked_ns = now;
        look_around(l);
    }
}

/* --- descriptors ----------------------------------------------------------------------------- */

static status watchers_grow(struct ipc_loop *l, int fd) {
    if (fd < l->watchers_n) return OK;
    int n = (fd + 64) & ~63;
    struct watcher *grown = realloc(l->watchers, (size_t)n * sizeof *grown);
    if (!grown) return STATUS(OUT_OF_MEMORY);
    memset(grown + l->watchers_n, 0, (size_t)(n - l->watchers_n) * sizeof *grown);
    l->watchers = grown;
    l->watchers_n = n;
    return OK;
}

status daemon_watch(struct daemon *d, int fd, uint32_t events,
                    void (*fn)(void *arg, uint32_t events), void *arg) {
    struct ipc_loop *l = d->loop;
    if (fd < 0) return STATUS(INVALID);
    TRY(watchers_grow(l, fd));
    struct watcher *w = &l->watchers[fd];
    if (events == 0) {
        /* May fail when the descriptor has been closed already: then it is no longer watched. */
        if (w->events) (void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
        *w = (struct watcher){0};
        return OK;
    }
    if (w->events != events) {
        struct epoll_event ev = {.events = events, .data.fd = fd};
        int op = w->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
        if (epoll_ctl(l->epoll, op, fd, &ev) != 0 &&
            (errno != ENOENT || epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)) {
            return STATUS(IO_ERROR);
        }
    }
    *w = (struct watcher){.fn = fn, .arg = arg, .events = events};
    return OK;
}

/* The doorbell is edge-triggered: each write to it is an event, and it is never read. */
static void doorbell_rang([[maybe_unused]] void *arg, [[maybe_unused]] uint32_t events) {}

/* The timer goes on once it has been read. */
static void beat_ticked(void *arg, [[maybe_unused]] uint32_t events) {
    struct ipc_loop *l = arg;
    uint64_t ticks;
    (void)!read(l->beat, &ticks, sizeof ticks);
}

/* Waits at most wait_ms for descriptors and hands out what is ready. */
static bool poll_watchers(struct ipc_loop *l, int wait_ms) {
    struct epoll_event events[EVENTS_A_TURN];
    int n = epoll_wait(l->epoll, events, EVENTS_A_TURN, wait_ms);
    l->turns_unpolled = 0;
    atomic_store_explicit(&l->entry->cpu, (uint32_t)sched_getcpu(), memory_order_relaxed);
    atomic_store_explicit(&l->entry->asleep, 0, memory_order_relaxed);
    for (int i = 0; i < n; i++) {
        int fd = events[i].data.fd;
        if (fd >= l->watchers_n) continue;
        struct watcher w = l->watchers[fd];
        if (w.events) w.fn(w.arg, events[i].events);
    }
    return n > 0;
}

/* --- sleeping -------------------------------------------------------------------------------- */

/* What other processes have put there: all that looking, without a system call, can find. */
static bool rings_have_work(const struct ipc_loop *l) {
    const struct ipc_rings *r = l->shm->rings;
    const struct ipc_inbox *inbox = &r->inbox[l->slot];
    if (atomic_load(&inbox->completions) != 0) return true;
    if (l->serves && (l->requests_left != 0 || atomic_load(&inbox->requests) != 0)) return true;
    for (int to = 1; to < RING_SERVERS; to++) {
        if (atomic_load(&r->served[to]) != l->servers[to].epoch) return true;
    }
    return false;
}

bool loop_has_work(const struct ipc_loop *l) {
    return tasks_wait(l) || rings_have_work(l);
}

/* Who may soon put something there, and runs on another processor: a daemon that owes an answer, an
 * asker that has just been given one. Who is asleep has to be woken itself first, and who shares
 * this processor gets it sooner when this process sleeps. */
static bool peers_run(const struct ipc_loop *l) {
    const struct proc_entry *procs = l->shm->control->procs;
    uint64_t peers = l->served;
    for (unsigned to = 1; to < RING_SERVERS; to++)
        if (l->servers[to].in_flight) peers |= (uint64_t)1 << to;
    uint32_t here = atomic_load_explicit(&l->entry->cpu, memory_order_relaxed);
    for (; peers; peers &= peers - 1) {
        const struct proc_entry *peer = &procs[__builtin_ctzll(peers)];
        if (atomic_load_explicit(&peer->asleep, memory_order_relaxed) == 0 &&
            atomic_load_explicit(&peer->cpu, memory_order_relaxed) != here)
            return true;
    }
    return false;
}

/* While those who run find something to say within the time that a wake-up costs, looking for it is
 * cheaper than sleeping; as soon as looking does not pay, it stops. A client's bytes are not found
 * by looking, so who waits for those alone sleeps at once. */
static bool spin_finds_work(struct ipc_loop *l) {
    if (l->spin_credit <= 0 || l->spin_ns_max == 0 || !peers_run(l)) return false;
    uint64_t end = clock_mono_ns() + l->spin_ns_max;
    do {
        for (int i = 0; i < 32; i++) {
            if (rings_have_work(l) || (l->d->ops->looks && l->d->ops->looks(l->d))) {
                l->spin_credit += l->spin_credit < SPIN_CREDIT_MAX ? SPIN_CREDIT_HIT : 0;
                return true;
            }
            spin_pause();
        }
    } while (peers_run(l) && clock_mono_ns() < end);
    l->spin_credit--;
    return false;
}

/* For epoll_wait. */
static int wait_limit_ms(const struct ipc_loop *l, int wait_ms) {
    if (wait_ms < 0 || wait_ms >= SLEEP_MS_MAX) wait_ms = SLEEP_UNTIL_BEAT;
    uint64_t due = timers_due_ns(l);
    if (l->d->step_due_ns && l->d->step_due_ns < due) due = l->d->step_due_ns;
    if (due != UINT64_MAX) {
        uint64_t now = clock_mono_ns();
        uint64_t left_ms = due <= now ? 0 : (due - now + 999999) / 1000000;
        if (left_ms < (wait_ms < 0 ? SLEEP_MS_MAX : (uint64_t)wait_ms)) wait_ms = (int)left_ms;
    }
    return wait_ms;
}

static void loop_sleep(struct ipc_loop *l, int wait_ms) {
    wait_ms = wait_limit_ms(l, wait_ms);
    if (wait_ms == 0) {
        (void)poll_watchers(l, 0);
        return;
    }
    if (l->d->bell_unneeded) {
        l->served = 0;
        (void)poll_watchers(l, wait_ms >= 0 && wait_ms < UNRUNG_MS_MAX ? wait_ms : UNRUNG_MS_MAX);
        return;
    }
    if (spin_finds_work(l)) return;
    atomic_store(&l->entry->asleep, 1);
    if (loop_has_work(l)) {
        atomic_store_explicit(&l->entry->asleep, 0, memory_order_relaxed);
        return;
    }
    l->served = 0;
    counter_add(&l->d->proc, COUNTER_SLEEPS, 1);
    uint64_t before = l->spin_ns_max ? clock_mono_ns() : 0;
    (void)poll_watchers(l, wait_ms);
    if (before && l->spin_credit < SPIN_CREDIT_MAX && rings_have_work(l) &&
        clock_mono_ns() - before < l->spin_ns_max) {
        l->spin_credit++;
    }
}

/* For calls outside coroutines: only completions are taken, nothing else happens meanwhile. */
void loop_wait_completion(struct ipc_loop *l) {
    if (calls_turn(l)) return;
    daemon_heartbeat(l->d);
    atomic_store(&l->entry->asleep, 1);
    bool work = atomic_load(&l->shm->rings->inbox[l->slot].completions) != 0;
    for (int to = 1; to < RING_SERVERS && !work; to++) {
        work = atomic_load(&l->shm->rings->served[to]) != l->servers[to].epoch;
    }
    if (!work) {
        /* Not through the loop's epoll, whose events belong to watchers that must not run now. */
        struct pollfd bell = {.fd = bell_fd(l->shm->rings, l->slot), .events = POLLIN};
        uint64_t rung;
        if (poll(&bell, 1, START_WAIT_MS) > 0) (void)!read(bell.fd, &rung, sizeof rung);
    }
    atomic_store_explicit(&l->entry->asleep, 0, memory_order_relaxed);
}

/* --- a turn ---------------------------------------------------------------------------------- */

bool daemon_turn(struct daemon *d, int wait_ms) {
    struct ipc_loop *l = d->loop;
    current = d;
    if (l->stopped) return false;
    counter_add(&d->proc, COUNTER_LOOPS, 1);
    daemon_heartbeat(d);
    bool busy = serve_turn(l);
    busy |= calls_turn(l);
    busy |= timers_run(l);
    if (tasks_wait(l)) {
        tasks_run(l);
        bells_flush(l);
    }
    if (d->ops->step && !l->stopped) {
        if (d->step_due_ns && d->step_due_ns <= clock_mono_ns()) d->step_due_ns = 0;
        busy |= d->ops->step(d);
        bells_flush(l);
    }
    if (l->stopped) return false;
    if (!busy && !loop_has_work(l)) {
        loop_sleep(l, wait_ms);
        bells_flush(l);
    } else if (++l->turns_unpolled >= TURNS_UNPOLLED_MAX) {
        (void)poll_watchers(l, 0);
        bells_flush(l);
    }
    return !l->stopped;
}

void daemon_ready(struct daemon *d) {
    uint32_t starting = PROC_STARTING;
    if (atomic_compare_exchange_strong(&d->loop->entry->state, &starting, PROC_READY)) {
        bell_force(d->loop->shm, SLOT_SUPERVISOR);
    }
    PROBE(axolotl_ipc, ready, d->loop->slot, d->proc.epoch);
}

void daemon_stop(struct daemon *d) {
    struct ipc_loop *l = d->loop;
    if (l->stopping) return;
    l->stopping = true;
    uint32_t state = atomic_load(&l->entry->state);
    if (state == PROC_READY || state == PROC_STARTING) {
        atomic_compare_exchange_strong(&l->entry->state, &state, PROC_STOPPING);
    }
    if (d->ops->stop) {
        d->ops->stop(d);
    } else {
        daemon_stopped(d);
    }
}

void daemon_hand_over(struct daemon *d) {
    struct ipc_loop *l = d->loop;
    uint32_t ready = PROC_READY;
    if (l->stopping) return;
    if (!d->ops->hand_over) {
        daemon_stop(d);
        return;
    }
    if (atomic_compare_exchange_strong(&l->entry->state, &ready, PROC_STOPPING))
        d->ops->hand_over(d);
}

void daemon_stopped(struct daemon *d) {
    d->loop->stopped = true;
}

/* --- beginning and end ----------------------------------------------------------------------- */

static status loop_open_bell(struct ipc_loop *l) {
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll < 0) return STATUS(IO_ERROR);
    if (bell_fd(l->shm->rings, l->slot) < 0) TRY(bell_make(l->shm->rings, l->slot, 0));
    return daemon_watch(l->d, bell_fd(l->shm->rings, l->slot), EPOLLIN | EPOLLET, doorbell_rang, l);
}

/* Ends each sleep in time for the heartbeat. One timer that ticks for ever: a time-out for every
 * epoll_wait would be set and taken back by the kernel for every statement. */
static status loop_open_beat(struct ipc_loop *l) {
    const struct timespec often = {.tv_nsec = SLEEP_MS_MAX * 1000000l};
    l->beat = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (l->beat < 0 || timerfd_settime(l->beat, 0, &(struct itimerspec){often, often}, NULL) != 0)
        return STATUS(IO_ERROR);
    return daemon_watch(l->d, l->beat, EPOLLIN, beat_ticked, l);
}

static void loop_open_identity(struct ipc_loop *l, struct daemon *d) {
    struct shm *shm = l->shm;
    uint32_t epoch = atomic_load(&l->entry->epoch);
    if (epoch == 0 || atomic_load(&l->entry->state) != PROC_STARTING) {
        epoch = proc_prepare(shm, l->slot);
    }
    atomic_store(&l->entry->pid, (uint32_t)getpid());
    atomic_store(&l->entry->asleep, 0);
    d->proc = (struct proc){.owner = proc_owner(l->slot, epoch),
                            .epoch = epoch,
                            .shm = shm,
                            .env = &ipc_env,
                            .env_data = l,
                            .counters = &shm->counters[l->slot]};
}

status loop_open(struct daemon *d, const struct daemon_ops *ops, struct shm *shm, uint16_t slot,
                 const struct conf *conf, const char *data_dir, int lifeline, bool restart,
                 struct error *e) {
    CHECK(slot < PROC_SLOTS);
    struct ipc_loop *l = calloc(1, sizeof *l);
    if (!l) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    *d = (struct daemon){
        .ops = ops, .conf = conf, .data_dir = data_dir, .lifeline = lifeline, .loop = l};
    l->d = d;
    l->shm = shm;
    l->slot = slot;
    l->epoll = l->beat = -1;
    l->entry = &shm->control->procs[slot];
    l->serves = slot > 0 && slot < RING_SERVERS && ops->handle;
    l->spin_ns_max =
        conf && sysconf(_SC_NPROCESSORS_ONLN) > 1 ? (uint64_t)conf->spin_us_max * 1000 : 0;
    loop_open_identity(l, d);
    calls_open(l);
    current = d;
    status s = loop_open_bell(l);
    if (ok(s)) s = loop_open_beat(l);
    if (!ok(s)) {
        status_ignore(
            error_set(e, s.code, "could not make a doorbell or a timer: %s", strerror(errno)));
    } else {
        serve_open(l);
        daemon_heartbeat(d);
        s = restart && ops->init_restart ? ops->init_restart(d, e)
            : ops->init_fresh            ? ops->init_fresh(d, e)
                                         : OK;
        bells_flush(l);
    }
    if (!ok(s)) {
        daemon_close(d);
        return error_from_status(e, s);
    }
    return OK;
}

status daemon_open(struct daemon *d, const struct daemon_ops *ops, struct shm *shm, uint16_t slot,
                   const struct conf *conf, const char *data_dir, bool restart, struct error *e) {
    return loop_open(d, ops, shm, slot, conf, data_dir, -1, restart, e);
}

void daemon_close(struct daemon *d) {
    struct ipc_loop *l = d->loop;
    if (!l) return;
    current = d;
    if (d->ops->fini) d->ops->fini(d);
    tasks_free(l);
    calls_free(l);
    serve_free(l);
    free(l->watchers);
    if (l->epoll >= 0) close(l->epoll);
    if (l->beat >= 0) close(l->beat);
    free(l);
    d->loop = NULL;
    current = NULL;
}
