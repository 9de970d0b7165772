#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guardian.h"
#include "ipc_hang.h"
#include "ipc_priority.h"
#include "ipc_proc.h"
#include "ipc_version.h"

#define SWEEP_EVERY_MS 1000
#define LOOK_EVERY_MS 50
#define SHORT_LIFE_NS 1000000000u
#define SHORT_LIVES_MAX 5
#define PAUSE_US 200000
#define TRIAL_NS 40000000000u

static int log_fd = STDERR_FILENO;

void say(const char *format, ...) {
    char words[512];
    struct timespec now;
    struct tm tm;
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    dprintf(log_fd, "%04d-%02d-%02d %02d:%02d:%02d.%03ld UTC guardian: %s\n", tm.tm_year + 1900,
            tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000,
            words);
}

/* ---- arguments ------------------------------------------------------------------------------- */

struct started {
    pid_t supervisor; /* by whom we were started; 0: we start the first */
    int channel;
    int held; /* what another program of this process has packed; -1: nothing */
};

/* Ours are taken out, all others are the supervisor's. */
static bool parse_arguments(struct guardian *g, int argc, char **argv, struct started *ret) {
    char self[CONTROL_PATH_BYTES] = "";
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n > 0) self[n] = '\0';
    snprintf(g->program, sizeof g->program, "%s/supervisor", dirname(self));
    for (int i = 1; i < argc; i++) {
        bool last = i + 1 == argc;
        if (!last && strcmp(argv[i], "--supervisor") == 0) {
            ret->supervisor = (pid_t)strtol(argv[++i], NULL, 10);
        } else if (!last && strcmp(argv[i], "--channel") == 0) {
            ret->channel = (int)strtol(argv[++i], NULL, 10);
        } else if (!last && strcmp(argv[i], "--held") == 0) {
            ret->held = (int)strtol(argv[++i], NULL, 10);
        } else if (!last && strcmp(argv[i], "--programs") == 0) {
            snprintf(g->program, sizeof g->program, "%s/supervisor", argv[++i]);
        } else {
            if (g->narguments == ARGUMENTS_MAX - 1) return false;
            if (strcmp(argv[i], "--foreground") == 0) g->foreground = true;
            if (!last && strcmp(argv[i], "-D") == 0)
                snprintf(g->dir, sizeof g->dir, "%s", argv[i + 1]);
            g->arguments[g->narguments++] = argv[i];
        }
    }
    return *g->dir;
}

/* ---- words ----------------------------------------------------------------------------------- */

/* Once the supervisor has made the folder; until then what we say is for who started us. */
static void open_log(const struct guardian *g) {
    if (g->foreground || log_fd != STDERR_FILENO) return;
    char path[CONTROL_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/log-files/guardian.log", g->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) return;
    log_fd = fd;
    (void)dup2(fd, STDERR_FILENO); /* who started us may wait for its end */
}

/* ---- children -------------------------------------------------------------------------------- */

static struct proc_entry *entry_of(const struct guardian *g, pid_t pid) {
    for (int slot = 0; g->shm.control && slot < PROC_SLOTS; slot++) {
        struct proc_entry *entry = &g->shm.control->procs[slot];
        if ((pid_t)atomic_load(&entry->pid) == pid) return entry;
    }
    return NULL;
}

/* The supervisor, and those of dead supervisors, which have become ours; how they end is noted
 * where the next one looks. */
static void reap(struct guardian *g) {
    siginfo_t child = {0};
    while (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0 && child.si_pid > 0) {
        int how = 0;
        if (!proc_reap(entry_of(g, child.si_pid), child.si_pid, &how)) return;
        if (child.si_pid == g->supervisor) g->how = how;
        child.si_pid = 0;
    }
}

/* By the pidfd: the number may be another's by now. */
static void send_signal(const struct guardian *g, int signal) {
    if (g->pidfd >= 0) syscall(SYS_pidfd_send_signal, g->pidfd, signal, NULL, 0);
}

static void take_signals(struct guardian *g) {
    struct signalfd_siginfo info;
    while (read(g->signals, &info, sizeof info) == sizeof info)
        if (info.ssi_signo != SIGCHLD) send_signal(g, (int)info.ssi_signo);
}

/* ---- the supervisor's end -------------------------------------------------------------------- */

/* A program on trial has had its chance. */
static void end_trial(struct guardian *g) {
    if (!*g->before) return;
    say("%s is no good: back to %s", g->program, g->before);
    memcpy(g->program, g->before, sizeof g->program);
    *g->before = '\0';
}

/* One that ends before anybody was served is not to be helped. Once somebody was,
 * whatever keeps a supervisor from starting is waited for: nobody else would. */
static bool start_again(struct guardian *g) {
    bool was_short = clock_mono_ns() - g->started_ns < SHORT_LIFE_NS;
    g->short_lives = was_short ? g->short_lives + 1 : 0;
    if (!g->served) return false;
    if (g->short_lives > SHORT_LIVES_MAX) usleep(PAUSE_US);
    if (g->on_trial) end_trial(g);
    while (!ok(supervisor_start(g))) {
        if (!*g->before) usleep(PAUSE_US);
        end_trial(g);
    }
    return true;
}

/* Another program is on trial until its supervisor names it again. */
static void next_program(struct guardian *g, const char *program) {
    if (strcmp(program, g->program) == 0) {
        *g->before = '\0';
        g->on_trial = false;
        return;
    }
    if (!*g->before) memcpy(g->before, g->program, sizeof g->before);
    snprintf(g->program, sizeof g->program, "%s", program);
}

/* Exit status of this process, or -1: it goes on. */
static int supervisor_ended(struct guardian *g) {
    reap(g); /* also what it leaves: the next one asks how it ended */
    int how = g->how;
    if (g->shm.control && !g->ending)
        atomic_store(&g->shm.control->procs[SLOT_SUPERVISOR].state, PROC_DEAD);
    if (g->ending) return WIFEXITED(how) ? WEXITSTATUS(how) : 0;
    say("the supervisor (%d) has ended", (int)g->supervisor);
    if (start_again(g)) return -1;
    return WIFEXITED(how) && WEXITSTATUS(how) ? WEXITSTATUS(how) : 1;
}

static void take_messages(struct guardian *g) {
    struct guard_msg m;
    int fd;
    status st;
    while (ok(st = guard_receive(g->channel, &m, &fd)) || status_is(st, ST_INVALID)) {
        if (!ok(st)) continue;
        switch (m.op) {
        case GUARD_KEEP: hold_number(g, m.number, fd); continue;
        case GUARD_BEGIN:
            open_log(g);
            hold_begin(g);
            break;
        case GUARD_FORGET: hold_forget(g); break;
        case GUARD_HAND: hold_hand(g, &m); break;
        case GUARD_NEXT: next_program(g, m.text); break;
        case GUARD_RENEW: renew(g, m.text); break;
        case GUARD_END: g->ending = true; break;
        default: break;
        }
        if (fd >= 0) close(fd);
    }
    hold_call(g);
}

static void take_from_worker(struct guardian *g, int channel) {
    struct guard_msg m;
    int fd;
    status st;
    while (ok(st = guard_receive(channel, &m, &fd)) || status_is(st, ST_INVALID))
        if (ok(st)) hold_message(g, &m, fd);
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* Before it stands in a table that we know, all that can be seen is that it is stopped. */
static enum hang look_at_supervisor(const struct guardian *g) {
    static struct hang_watch watch;
    const struct control *c = g->shm.control;
    const struct proc_entry *entry = c ? &c->procs[SLOT_SUPERVISOR] : NULL;
    if (entry && (pid_t)atomic_load(&entry->pid) == g->supervisor)
        return hang_look(&watch, entry, HANG_LIMITS_DEFAULT);
    return hang_is_stopped(g->supervisor) ? HANG_STOPPED : HANG_NONE;
}

static void look_after_supervisor(struct guardian *g) {
    struct control *c = g->shm.control;
    if (c) atomic_store(&c->procs[SLOT_GUARDIAN].heartbeat_ns, clock_mono_ns());
    if (g->on_trial && clock_mono_ns() - g->started_ns > TRIAL_NS) {
        say("the supervisor (%d) does not get well: killed", (int)g->supervisor);
        send_signal(g, SIGKILL);
        g->started_ns = clock_mono_ns(); /* said once */
    }
    enum hang verdict = look_at_supervisor(g);
    if (verdict == HANG_NONE) return;
    say("the supervisor (%d) hangs (%s): killed", (int)g->supervisor, hang_words(verdict));
    send_signal(g, SIGKILL);
}

static int turn(struct guardian *g) {
    struct pollfd p[3 + WORKERS_MAX];
    nfds_t n = 0;
    p[n++] = (struct pollfd){.fd = g->pidfd, .events = POLLIN};
    p[n++] = (struct pollfd){.fd = g->channel, .events = POLLIN};
    p[n++] = (struct pollfd){.fd = g->signals, .events = POLLIN};
    for (int i = 0; g->shm.control && i < WORKERS_MAX; i++) {
        int fd = g->shm.control->channel_guardian[i] - 1;
        if (fd >= 0 && fd < NUMBERS_MAX && g->kept[fd])
            p[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    if (poll(p, n, LOOK_EVERY_MS) < 0 && errno != EINTR) return 1;
    /* Workers first: a hand-over that is asked for finds what they have put. */
    for (nfds_t i = 3; i < n; i++)
        if (p[i].revents & POLLIN) take_from_worker(g, p[i].fd);
    if (p[1].revents & POLLIN) take_messages(g);
    if (p[2].revents & POLLIN) take_signals(g);
    reap(g);
    if (p[0].revents & POLLIN) return supervisor_ended(g);
    look_after_supervisor(g);
    return -1;
}

static void set_up(struct guardian *g) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTSTP, SIG_IGN); /* of a terminal: stopped, we would be taken for hung */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_NAME, "guardian");
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* a wish: fewer clients can be kept without */
    }
    g->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    g->pidfd = g->channel = -1;
}

/* The first one: nothing of who has started us is to live on in the appliance. */
static status begin_first(struct guardian *g) {
    (void)close_range(STDERR_FILENO + 1, ~0u, 0); /* a kernel without it leaves them open */
    set_up(g);
    TRY(guardian_lock(g));
    return supervisor_start(g);
}

static status begin(struct guardian *g, const struct started *by) {
    if (by->held < 0 && !by->supervisor) return begin_first(g);
    set_up(g);
    /* Renewed, the lock was ours until now; started by a supervisor, that one knows. */
    status_ignore(guardian_lock(g));
    return by->held >= 0 ? renewed(g, by->held) : supervisor_watch(g, by->supervisor, by->channel);
}

int main(int argc, char **argv) {
    static struct guardian g;
    struct started by = {.channel = -1, .held = -1};
    if (version_asked(argc, argv, "guardian")) return 0;
    priority_raise();
    setvbuf(stderr, NULL, _IOLBF, 0);
    if (!parse_arguments(&g, argc, argv, &by)) {
        fprintf(stderr, "usage: guardian -D DIR [arguments of the supervisor]\n");
        return 2;
    }
    status st = begin(&g, &by);
    if (!ok(st)) return 1;
    if (by.held >= 0) open_log(&g);
    uint64_t swept_ns = clock_mono_ns();
    for (;;) {
        int code = turn(&g);
        if (code >= 0) return code;
        if (clock_mono_ns() - swept_ns < SWEEP_EVERY_MS * 1000000ull) continue;
        swept_ns = clock_mono_ns();
        hold_sweep(&g);
    }
}
