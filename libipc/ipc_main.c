/* ipc_main.c: what main does in every daemon. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/control.h"
#include "conf/conf.h"
#include "crypt/given.h"
#include "ipc_control.h"
#include "ipc_daemon.h"
#include "ipc_loop.h"
#include "ipc_priority.h"
#include "ipc_region.h"
#include "ipc_version.h"

#define NOTED_LOOK_US 200
#define NOTED_LOOKS_MAX 50000 /* ten seconds: then there is no supervisor */

struct arguments {
    const char *dir;
    uint16_t slot;
    uint32_t epoch;
    int lifeline;
    bool restart;
};

static void say(const char *name, const struct error *e) {
    fprintf(stderr, "%s: %s\n", name, e->message);
    if (e->hint[0]) fprintf(stderr, "%s: %s\n", name, e->hint);
}

static bool parse_unsigned(const char *text, unsigned long max, unsigned long *ret_value) {
    char *end;
    errno = 0;
    *ret_value = strtoul(text, &end, 10);
    return end != text && *end == '\0' && errno == 0 && *ret_value <= max;
}

static status parse_arguments(int argc, char **argv, struct arguments *a, struct conf *conf,
                              struct error *e) {
    static const struct option options[] = {{"slot", required_argument, NULL, 's'},
                                            {"epoch", required_argument, NULL, 'e'},
                                            {"lifeline", required_argument, NULL, 'l'},
                                            {"restart", no_argument, NULL, 'r'},
                                            {"set", required_argument, NULL, 'c'},
                                            {"keys", required_argument, NULL, 'k'},
                                            {NULL, 0, NULL, 0}};
    *a = (struct arguments){.slot = PROC_SLOTS, .lifeline = -1};
    char path[CONF_TEXT_BYTES];
    unsigned long number;
    int option;
    while ((option = getopt_long(argc, argv, "D:", options, NULL)) != -1) {
        char *value = optarg;
        switch (option) {
        case 'D':
            a->dir = value;
            snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, value);
            TRY(conf_load(conf, path, e));
            continue;
        case 's':
            if (!parse_unsigned(value, PROC_SLOTS - 1, &number)) break;
            a->slot = (uint16_t)number;
            continue;
        case 'e':
            if (!parse_unsigned(value, UINT32_MAX, &number)) break;
            a->epoch = (uint32_t)number;
            continue;
        case 'l':
            if (!parse_unsigned(value, 1 << 20, &number)) break;
            a->lifeline = (int)number;
            continue;
        case 'k':
            if (!parse_unsigned(value, 1 << 20, &number) || !ok(given_read((int)number))) break;
            continue;
        case 'r': a->restart = true; continue;
        case 'c':
            if (!(value = strchr(value, '='))) break;
            *value = '\0';
            TRY(conf_set(conf, optarg, value + 1, e));
            continue;
        default: break;
        }
        return error_set(e, ST_INVALID_PARAMETER_VALUE, "wrong arguments");
    }
    if (!a->dir || a->slot == PROC_SLOTS || a->epoch == 0) {
        return error_set(e, ST_INVALID_PARAMETER_VALUE, "is started by the supervisor");
    }
    return OK;
}

/* Edge-triggered and never read: that it came is all there is to know. */
static void signal_came(void *arg, [[maybe_unused]] uint32_t events) {
    daemon_stop(arg);
}

static void hand_over_came(void *arg, [[maybe_unused]] uint32_t events) {
    daemon_hand_over(arg);
}

static status watch_signal(struct daemon *d, int signal, void (*came)(void *, uint32_t)) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) return STATUS(IO_ERROR);
    return daemon_watch(d, fd, EPOLLIN | EPOLLET, came, d);
}

/* Before nng makes its threads, which inherit the mask. */
static void set_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* A life begins when the supervisor has noted its pid. One that died before it could do so is
 * followed by another that knows nothing of us and gives the slot away: two lives in one slot. */
static status wait_until_noted(const struct proc_entry *entry, uint32_t epoch, struct error *e) {
    for (int i = 0; i < NOTED_LOOKS_MAX && atomic_load(&entry->epoch) == epoch; i++) {
        if (atomic_load(&entry->pid) == (uint32_t)getpid()) return OK;
        usleep(NOTED_LOOK_US);
    }
    return error_set(e, ST_STALE, "the supervisor does not know this life of the process");
}

static status run(struct daemon *d, const struct daemon_ops *ops, const struct arguments *a,
                  const struct conf *conf, struct shm *shm, struct error *e) {
    static char name[PROC_NAME_BYTES];
    char region[REGION_NAME_BYTES];
    uint64_t id;
    TRY(appliance_id_read(a->dir, &id, e));
    region_name_of(id, region);
    TRY(region_attach_all(region, shm, e));
    TRY(wait_until_noted(&shm->control->procs[a->slot], a->epoch, e));
    proc_slot_name(a->slot, name);
    prctl(PR_SET_NAME, name);
    TRY(loop_open(d, ops, shm, a->slot, conf, a->dir, a->lifeline, a->restart, e));
    given_forget(); /* who needs the keys has taken them */
    status s = watch_signal(d, SIGTERM, signal_came);
    if (ok(s)) s = watch_signal(d, SIGUSR1, hand_over_came);
    if (ok(s)) s = control_serve(d, name, d->ops->control, e);
    return s;
}

#ifdef AXL_COVERAGE
void __gcov_dump(void); /* of the compiler: what ran, which exit would write */
#endif

void daemon_exit(int how) {
    fflush(stderr);
#ifdef AXL_COVERAGE
    __gcov_dump();
#endif
    _exit(how);
}

int daemon_main(int argc, char **argv, const struct daemon_ops *ops) {
    static struct conf conf;
    static struct error e;
    static struct shm shm;
    static struct daemon d;
    struct arguments a;
    if (version_asked(argc, argv, ops->name)) return 0;
    priority_restore();
    setvbuf(stderr, NULL, _IOLBF, 0);
    set_signals();
    conf_init(&conf);
    status s = parse_arguments(argc, argv, &a, &conf, &e);
    if (ok(s)) s = run(&d, ops, &a, &conf, &shm, &e);
    if (!ok(s)) {
        status_ignore(error_from_status(&e, s)); /* said here */
        say(ops->name, &e);
        daemon_exit(1);
    }
    while (daemon_turn(&d, -1)) continue;
    if (ops->fini) ops->fini(&d);
    daemon_exit(0);
}
