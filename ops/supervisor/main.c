#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ipc_priority.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "ipc_version.h"
#include "supervisor.h"

#define SESSIONS_LOOK_NS 20000000u
#define TIMES_VARIABLE "AXOLOTL_RECOVERIES_FAILED"

/* From starting to serving, seen from the process table. */
static bool step(struct daemon *d) {
    struct supervisor *s = d->state;
    struct control *c = s->shm.control;
    for (uint16_t slot = SLOT_STORAGED; slot < s->slots; slot++) {
        struct kept *k = &s->kept[slot];
        if (k->pid && !k->ready_ns && atomic_load(&c->procs[slot].state) == PROC_READY) {
            k->ready_ns = clock_mono_ns();
            event_ready(k);
            if (slot >= SLOT_QUERYD) sessions_spread(s);
        }
    }
    uint64_t now = clock_mono_ns();
    if (sessions_place(s)) d->step_due_ns = now + SESSIONS_LOOK_NS;
    if (s->guardian_due_ns && now >= s->guardian_due_ns)
        s->guardian_due_ns = ok(guardian_begin(s)) ? 0 : now + GUARDIAN_RETRY_NS;
    keep_end_late(s);
    events_of_pages(s);
    if (atomic_load(&c->state) != APPLIANCE_STARTING) return false;
    for (uint16_t slot = SLOT_STORAGED; slot <= SLOT_QUERYD; slot++) {
        if (atomic_load(&c->procs[slot].state) != PROC_READY) return false;
    }
    atomic_store(&c->state, APPLIANCE_SERVING);
    unsetenv(TIMES_VARIABLE);
    event_as(&(struct event){.kind = EVENT_SERVING}, "serves on port %u", c->port);
    return false;
}

static void stop(struct daemon *d) {
    supervisor_stop(d->state, false);
}

const struct daemon_ops supervisor_ops = {.name = "supervisor", .step = step, .stop = stop};

/* SIGTERM: an orderly stop. SIGINT (a person at the terminal) too; the second one at once. */
static void signal_came(void *arg, [[maybe_unused]] uint32_t events) {
    struct supervisor *s = arg;
    event("a signal asks to stop%s", s->stopping ? " at once" : "");
    supervisor_stop(s, s->stopping);
}

static status watch_signals(struct supervisor *s) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? STATUS(IO_ERROR) : daemon_watch(&s->d, fd, EPOLLIN | EPOLLET, signal_came, s);
}

static void set_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

static bool parse_arguments(struct supervisor *s, int argc, char **argv, bool *ret_foreground) {
    static const struct option options[] = {{"set", required_argument, NULL, 's'},
                                            {"programs", required_argument, NULL, 'p'},
                                            {"foreground", no_argument, NULL, 'f'},
                                            {"guardian", required_argument, NULL, 'g'},
                                            {NULL, 0, NULL, 0}};
    char self[CONTROL_PATH_BYTES];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n > 0) {
        self[n] = '\0';
        snprintf(s->programs, sizeof s->programs, "%s", dirname(self));
    }
    int option;
    while ((option = getopt_long(argc, argv, "D:", options, NULL)) != -1) {
        char real[4096];
        switch (option) {
        case 'D':
            if (!realpath(optarg, real) || strlen(real) >= sizeof s->dir) {
                fprintf(stderr, "supervisor: %s: %s\n", optarg, strerror(errno));
                return false;
            }
            strcpy(s->dir, real);
            break;
        case 's':
            if (s->nsettings < CONF_COUNT) s->settings[s->nsettings++] = optarg;
            break;
        case 'p': snprintf(s->programs, sizeof s->programs, "%s", optarg); break;
        case 'f': *ret_foreground = true; break;
        case 'g':
            s->guardian = (int)strtol(optarg, NULL, 10);
            fcntl(s->guardian, F_SETFD, FD_CLOEXEC);
            break;
        default: return false;
        }
    }
    return s->dir[0] != '\0';
}

static status open_loop(struct supervisor *s, struct error *e) {
    TRY(daemon_open(&s->d, &supervisor_ops, &s->shm, SLOT_SUPERVISOR, &s->conf, s->dir, false, e));
    s->d.state = s;
    status st = watch_signals(s);
    if (!ok(st)) return error_set(e, st.code, "could not watch signals: %s", strerror(errno));
    return control_serve(&s->d, "supervisor", supervisor_request, e);
}

/* After a death during recovery: the same program again, which knows how often that has been. */
static void begin_again(struct supervisor *s) {
    const char *before = getenv(TIMES_VARIABLE);
    long times = before ? strtol(before, NULL, 10) + 1 : 1;
    char text[32];
    snprintf(text, sizeof text, "%ld", times);
    if (times >= s->conf.restart_deaths_max || setenv(TIMES_VARIABLE, text, 1) != 0) {
        event("recovery has failed %ld times: the appliance stays down", times);
        guardian_end(s); /* or it would start us again, for ever */
        return;
    }
    usleep(100000);
    if (s->guardian >= 0) fcntl(s->guardian, F_SETFD, 0); /* it stays ours */
    execv("/proc/self/exe", s->argv);
    event("could not begin again: %s", strerror(errno));
}

int main(int argc, char **argv) {
    static struct supervisor s;
    static struct error e;
    bool foreground = false;
    if (version_asked(argc, argv, "supervisor")) return 0;
    priority_raise();
    setvbuf(stderr, NULL, _IOLBF, 0);
    set_signals();
    conf_init(&s.conf);
    s.argv = argv;
    s.guardian = -1;
    if (!parse_arguments(&s, argc, argv, &foreground)) {
        fprintf(stderr, "usage: supervisor -D DIR [--set NAME=VALUE]… [--foreground]\n");
        return 2;
    }
    status st = supervisor_prepare(&s, foreground, &e);
    if (ok(st)) st = open_loop(&s, &e);
    if (!ok(st)) {
        fprintf(stderr, "supervisor: %s\n", e.message);
        if (e.hint[0]) fprintf(stderr, "supervisor: %s\n", e.hint);
        daemon_exit(1);
    }
    supervisor_begin(&s);
    while (daemon_turn(&s.d, -1)) continue;
    region_remove_all(s.region);
    if (s.started_again) begin_again(&s);
    daemon_exit(s.started_again);
}
