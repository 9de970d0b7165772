/* guard.c: the supervisor's side of the guardian (msg/guard.h): what it is given to hold, what it
 * is asked for, and its next life. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipc_guard.h"
#include "ipc_proc.h"
#include "ipc_ring.h"
#include "leftovers.h"
#include "session/session.h"
#include "supervisor.h"

#define CHANNEL_FD_MIN 400 /* above doorbells and listeners */
#define GUARDIAN_CHANNEL 399
#define SAY_WAIT_MS 20
#define SAY_TRIES 10

/* ---- channels of the workers ----------------------------------------------------------------- */

static status make_channel(struct control *c, int worker) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return STATUS(IO_ERROR);
    int its = fcntl(pair[0], F_DUPFD_CLOEXEC, CHANNEL_FD_MIN);
    int guardians = fcntl(pair[1], F_DUPFD_CLOEXEC, CHANNEL_FD_MIN);
    close(pair[0]);
    close(pair[1]);
    if (its < 0 || guardians < 0) return STATUS(IO_ERROR);
    c->channel_guardian[worker] = guardians + 1;
    c->channel[worker] = its + 1;
    return OK;
}

status channels_make(struct supervisor *s, struct error *e) {
    for (int worker = 0; worker < s->slots - SLOT_QUERYD; worker++) {
        if (s->shm.control->channel[worker]) continue;
        if (!ok(make_channel(s->shm.control, worker)))
            return error_set(e, ST_IO_ERROR, "could not make channels: %s", strerror(errno));
    }
    return OK;
}

/* ---- what it holds --------------------------------------------------------------------------- */

/* What must arrive: a full channel is waited for, a little. A guardian that takes nothing for so
 * long hangs, and the next one is told everything. */
static void say(struct supervisor *s, const struct guard_msg *m, int fd) {
    struct pollfd room = {.fd = s->guardian, .events = POLLOUT};
    if (s->guardian < 0) return;
    for (int i = 0; i < SAY_TRIES && status_is(guard_send(s->guardian, m, fd), ST_AGAIN); i++)
        (void)poll(&room, 1, SAY_WAIT_MS);
}

static void keep(struct supervisor *s, int fd) {
    struct guard_msg m = {.op = GUARD_KEEP, .number = fd};
    if (fd >= 0) say(s, &m, fd);
}

static void tell(struct supervisor *s, enum guard_op op) {
    struct guard_msg m = {.op = op};
    say(s, &m, -1);
}

void guardian_keeps(struct supervisor *s) {
    const struct control *c = s->shm.control;
    tell(s, GUARD_BEGIN);
    for (uint16_t slot = 0; slot < s->slots; slot++) keep(s, bell_fd(s->shm.rings, slot));
    for (int i = 0; i < CONTROL_LISTENERS_MAX; i++) keep(s, c->listener[i] - 1);
    for (int i = 0; i < WORKERS_MAX; i++) {
        keep(s, c->channel[i] - 1);
        keep(s, c->channel_guardian[i] - 1);
    }
}

/* Listeners above all, which would be in the way of new ones, here and there. */
void guardian_forgets(struct supervisor *s) {
    if (s->guardian < 0) return;
    tell(s, GUARD_FORGET);
    (void)close_range(INHERITED_FD_MIN, (unsigned)s->guardian - 1, 0); /* else: no new listeners */
}

static void tell_program(struct supervisor *s, enum guard_op op, const char *programs,
                         const char *name) {
    struct guard_msg m = {.op = op};
    int n = snprintf(m.text, sizeof m.text, "%s/%s", programs, name);
    if (n < (int)sizeof m.text) say(s, &m, -1); /* not done: that is noticed */
}

void guardian_next(struct supervisor *s, const char *programs) {
    tell_program(s, GUARD_NEXT, programs, "supervisor");
}

void guardian_renew(struct supervisor *s, const char *programs) {
    tell_program(s, GUARD_RENEW, programs, "guardian");
}

void guardian_end(struct supervisor *s) {
    tell(s, GUARD_END);
}

void guardian_hand(struct supervisor *s, uint32_t session, uint32_t generation, uint16_t worker) {
    struct guard_msg m = {
        .op = GUARD_HAND, .session = session, .generation = generation, .number = worker};
    if (s->guardian >= 0) status_ignore(guard_send(s->guardian, &m, -1)); /* is asked for again */
}

/* ---- its life -------------------------------------------------------------------------------- */

static status launch(struct supervisor *s, int channel, pid_t *ret_pid) {
    char program[CONTROL_PATH_BYTES + 32], pid[16], number[16];
    char *argv[10 + 2 * CONF_COUNT];
    int n = 0;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    extern char **environ;
    snprintf(program, sizeof program, "%s/guardian", s->programs);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    snprintf(number, sizeof number, "%d", GUARDIAN_CHANNEL);
    const char *fixed[] = {program,     "-D",   s->dir,         "--programs", s->programs,
                           "--channel", number, "--supervisor", pid};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) argv[n++] = (char *)fixed[i];
    for (int i = 0; i < s->nsettings; i++) {
        argv[n++] = "--set";
        argv[n++] = (char *)s->settings[i];
    }
    argv[n] = NULL;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, channel, GUARDIAN_CHANNEL);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    posix_spawnattr_setsigmask(&attributes, &none);
    int rc = posix_spawn(ret_pid, program, &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (rc != 0) event("could not start %s: %s", program, strerror(rc));
    return rc == 0 ? OK : STATUS(IO_ERROR);
}

static void guardian_says(void *arg, uint32_t events);

static status watch(struct supervisor *s) {
    return daemon_watch(&s->d, s->guardian, EPOLLIN | EPOLLRDHUP, guardian_says, s);
}

status guardian_begin(struct supervisor *s) {
    int pair[2];
    pid_t pid = 0;
    if (s->guardian >= 0) return watch(s);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return STATUS(IO_ERROR);
    status st = launch(s, pair[1], &pid);
    close(pair[1]);
    if (!ok(st)) {
        close(pair[0]);
        return st;
    }
    s->guardian = pair[0];
    s->guardian_child = pid;
    guardian_keeps(s);
    return watch(s);
}

static void next_guardian(struct supervisor *s) {
    status_ignore(daemon_watch(&s->d, s->guardian, 0, NULL, NULL)); /* it is closed at once */
    close(s->guardian);
    s->guardian = -1;
    if (s->stopping) return;
    event("the guardian has ended: another one is started");
    atomic_store(&s->shm.control->procs[SLOT_GUARDIAN].state, PROC_DEAD);
    s->guardian_due_ns = ok(guardian_begin(s)) ? 0 : clock_mono_ns() + GUARDIAN_RETRY_NS;
}

/* What hangs holds sockets that nobody gets: it is ended, and its end is heard of by the channel.
 */
void guardian_look(struct supervisor *s) {
    const struct proc_entry *entry = &s->shm.control->procs[SLOT_GUARDIAN];
    if (s->guardian < 0 || s->stopping || !leftover_alive(entry)) return;
    enum hang verdict = hang_look(&s->guardian_hang, entry, HANG_LIMITS_DEFAULT);
    if (verdict == HANG_NONE) return;
    event_as(&(struct event){.kind = EVENT_HANG, .slot = SLOT_GUARDIAN},
             "the guardian hangs (%s): killed", hang_words(verdict));
    kill((pid_t)atomic_load(&entry->pid), SIGKILL);
}

/* LOST, or its end. */
static void guardian_says(void *arg, [[maybe_unused]] uint32_t events) {
    struct supervisor *s = arg;
    struct guard_msg m;
    int fd;
    for (;;) {
        status st = guard_receive(s->guardian, &m, &fd);
        if (status_is(st, ST_AGAIN)) return;
        if (status_is(st, ST_END)) {
            next_guardian(s);
            return;
        }
        if (!ok(st)) continue;
        if (fd >= 0) close(fd);
        if (m.op == GUARD_LOST) sessions_lost(s, m.session, m.generation);
    }
}
