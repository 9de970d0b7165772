/* keep.c: the life of one process after the other in a slot. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/probe.h"
#include "ipc_proc.h"
#include "ipc_ring.h"
#include "supervisor.h"

#define MS 1000000ull
#define NOTED_LOOK_NS MS
#define NOTED_LOOKS_MAX 250 /* until the guardian has noted how a process ended */
#define PAUSE_FIRST_NS (50 * MS)
#define PAUSE_LAST_NS (5000 * MS)
#define LIFELINE_LOOK_NS (2 * MS)
#define LIFELINE_WORD_NS (5000 * MS)
#define WATCH_EVERY_NS (25 * MS)
#define WORKED_NS (1000 * MS)
#define STARTING_SILENCE_MS 300000u /* recovery may read for long without a turn */

static void pidfd_readable(void *arg, [[maybe_unused]] uint32_t events) {
    struct kept *k = arg;
    daemon_wake(&k->s->d, k->keeper);
}

void keep_kill(struct kept *k, int signal) {
    /* Through the pidfd: it cannot hit another process that has got the number. */
    if (k->pid && k->pidfd >= 0) syscall(SYS_pidfd_send_signal, k->pidfd, signal, NULL, 0);
}

static bool has_ended(const struct kept *k) {
    struct pollfd gone = {.fd = k->pidfd, .events = POLLIN};
    return poll(&gone, 1, 0) > 0;
}

/* An adopted process is the guardian's to reap, which notes how it ended before the pid is free; or
 * somebody else's, when the guardian is a later one. */
static int how_noted(const struct kept *k) {
    const struct proc_entry *procs = k->s->shm.control->procs, *entry = &procs[k->slot];
    pid_t guardian = (pid_t)atomic_load(&procs[SLOT_GUARDIAN].pid);
    pid_t pid = (pid_t)atomic_load(&entry->pid);
    for (int i = 0; i < NOTED_LOOKS_MAX; i++) {
        bool to_note = pid && proc_parent(pid) == guardian;
        if (atomic_load(&entry->exit_epoch) == atomic_load(&entry->epoch))
            return atomic_load(&entry->last_exit);
        if (!to_note) break;
        daemon_sleep(&k->s->d, NOTED_LOOK_NS);
    }
    return PROC_EXIT_UNKNOWN;
}

static int reap(struct kept *k) {
    int how = 0;
    while (!has_ended(k)) daemon_suspend(&k->s->d);
    return proc_reap(&k->s->shm.control->procs[k->slot], k->pid, &how) ? how : how_noted(k);
}

/* From the pidfd's word on until the kernel has let go of all of its I/O. */
static void wait_for_lifeline(struct kept *k) {
    uint64_t begin = clock_mono_ns(), said = begin;
    while (lifeline_held(k)) {
        daemon_sleep(&k->s->d, LIFELINE_LOOK_NS);
        if (clock_mono_ns() - said < LIFELINE_WORD_NS) continue;
        said = clock_mono_ns();
        event("%s: its I/O is still under way after %llu s", k->name,
              (unsigned long long)((said - begin) / (1000 * MS)));
    }
}

/* Waits for the death and does what has to be done before the next life. */
static void see_out(struct kept *k) {
    struct supervisor *s = k->s;
    struct proc_entry *entry = &s->shm.control->procs[k->slot];
    status_ignore(daemon_watch(&s->d, k->pidfd, EPOLLIN, pidfd_readable, k)); /* else: heartbeats */
    int how = reap(k);
    status_ignore(daemon_watch(&s->d, k->pidfd, 0, NULL, NULL)); /* cannot fail */
    close(k->pidfd);
    k->pidfd = -1;
    k->pid = 0;
    k->renewed_ns = 0;
    k->ended_by_us = false;
    k->died_ns = clock_mono_ns();
    uint32_t epoch = atomic_load(&entry->epoch);
    bool orderly =
        atomic_load(&entry->state) == PROC_STOPPING && WIFEXITED(how) && WEXITSTATUS(how) == 0;
    proc_note_exit(entry, how);
    atomic_store(&entry->state, PROC_DEAD);
    PROBE(axolotl_supervisor, process_died, k->slot, epoch, how);
    if (!orderly || !k->ending) event_died(k, epoch, how);
    wait_for_lifeline(k);
    repair_after(s, k->slot, epoch);
}

/* Somebody has killed a process that had come to work: that says nothing about its next life. */
static bool was_killed(const struct kept *k) {
    int how = atomic_load(&k->s->shm.control->procs[k->slot].last_exit);
    return k->ready_ns && WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL;
}

/* How long to wait before the next start; false: it has died too often. */
static bool may_start_again(struct kept *k) {
    const struct conf *conf = &k->s->conf;
    uint64_t now = clock_mono_ns();
    if (k->killed || was_killed(k)) {
        k->killed = false;
        k->ready_ns = k->pause_ns = 0;
        return true;
    }
    /* Whoever has worked for a while does not die on its first step. */
    if (k->ready_ns && now - k->ready_ns > WORKED_NS) k->deaths = 0;
    k->ready_ns = 0;
    if (now - k->window_ns > conf->restart_window * MS) {
        k->window_ns = now;
        k->deaths = 0;
    }
    k->deaths++;
    /* The first death is answered at once. */
    k->pause_ns = k->deaths == 1 ? 0 : PAUSE_FIRST_NS << (k->deaths < 9 ? k->deaths - 2 : 7);
    if (k->pause_ns > PAUSE_LAST_NS) k->pause_ns = PAUSE_LAST_NS;
    return k->deaths < (unsigned)conf->restart_deaths_max;
}

static void give_up(struct kept *k) {
    struct supervisor *s = k->s;
    event_as(
        &(struct event){.kind = EVENT_GIVEN_UP, .slot = k->slot},
        "%s has died %u times within %llu s and is not started again by itself; see its log file, "
        "then \"axl restart %s\"",
        k->name, k->deaths, (unsigned long long)(s->conf.restart_window / 1000), k->name);
    atomic_store(&s->shm.control->procs[k->slot].state, PROC_FAILED);
    PROBE(axolotl_supervisor, given_up, k->slot, k->deaths);
    k->given_up = true;
    while (!k->wanted && !k->ending) daemon_suspend(&s->d);
    k->given_up = false;
    k->wanted = false;
    k->deaths = 0;
    k->pause_ns = 0;
}

/* What an earlier supervisor's watch has come to: a life that goes on, or a death whose repair may
 * have been begun. */
static void see_out_inherited(struct kept *k) {
    struct supervisor *s = k->s;
    struct proc_entry *entry = &s->shm.control->procs[k->slot];
    k->inherited = false;
    if (k->pid) {
        see_out(k);
        return;
    }
    uint32_t epoch = atomic_load(&entry->epoch);
    k->died_ns = clock_mono_ns();
    int how = how_noted(k);
    proc_note_exit(entry, how);
    event_as(&(struct event){.kind = EVENT_DIED, .slot = k->slot, .epoch = epoch, .how = how},
             "%s (epoch %u) has died meanwhile", k->name, epoch);
    atomic_store(&entry->state, PROC_DEAD);
    wait_for_lifeline(k);
    repair_after(s, k->slot, epoch);
}

/* Recovery is storaged's, logd's and txnd's common work on regions that were empty when it began: a
 * death in the middle of it is answered by beginning again from the files. */
static bool recovery_broken_by(const struct kept *k) {
    return k->slot < SLOT_QUERYD && atomic_load(&k->s->shm.control->state) == APPLIANCE_STARTING &&
           !k->s->stopping;
}

void keep_run(void *arg) {
    struct kept *k = arg;
    struct supervisor *s = k->s;
    struct proc_entry *entry = &s->shm.control->procs[k->slot];
    k->keeper = coro_self();
    for (bool restart = false; !k->ending; restart = true) {
        struct error e = {0};
        bool inherited = k->inherited;
        restart |= inherited;
        if (restart && !inherited) event_starts_again(k);
        if (inherited)
            see_out_inherited(k);
        else if (ok(spawn_process(k, restart, &e)))
            see_out(k);
        else {
            event("%s", e.message);
            if (k->pid) see_out(k);
        }
        if (k->ending) break;
        if (!may_start_again(k)) {
            give_up(k);
        } else if (recovery_broken_by(k)) {
            event_as(&(struct event){.kind = EVENT_RECOVERY_BROKEN, .slot = k->slot},
                     "%s died during recovery: everything begins again", k->name);
            s->started_again = true;
            supervisor_stop(s, true);
        } else if (k->pause_ns) {
            (void)daemon_suspend_for(&s->d, k->pause_ns);
        }
    }
    atomic_store(&entry->state, PROC_EMPTY);
    atomic_store(&entry->pid, 0);
    k->ended = true;
}

/* A hang is made into a death. */
static void look_at(struct kept *k) {
    struct supervisor *s = k->s;
    const struct proc_entry *entry = &s->shm.control->procs[k->slot];
    bool ready = atomic_load(&entry->state) == PROC_READY;
    if (!k->pid) return;
    const struct hang_limits limits = {.loop_ms = (uint64_t)s->conf.loop_timeout,
                                       .silence_ms = ready ? (uint64_t)s->conf.heartbeat_timeout
                                                           : STARTING_SILENCE_MS};
    enum hang verdict = hang_look(&k->hang, entry, limits);
    if (verdict == HANG_NONE || k->ended_by_us) return;
    k->ended_by_us = true;
    uint64_t silent_ms = (clock_mono_ns() - atomic_load(&entry->heartbeat_ns)) / MS;
    event_as(&(struct event){.kind = EVENT_HANG, .slot = k->slot},
             "%s hangs (%s), silent for %llu ms: killed", k->name, hang_words(verdict),
             (unsigned long long)silent_ms);
    k->looped = verdict == HANG_LOOPS;
    PROBE(axolotl_supervisor, hang, k->slot, silent_ms);
    keep_kill(k, SIGKILL);
}

void keep_watch_heartbeats(void *arg) {
    struct supervisor *s = arg;
    for (;;) {
        daemon_sleep(&s->d, WATCH_EVERY_NS);
        for (uint16_t slot = SLOT_STORAGED; slot < s->slots; slot++) look_at(&s->kept[slot]);
        guardian_look(s);
    }
}
