/* start.c: axl start, axl stop. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "axl.h"
#include "base/control.h"
#include "ipc_control.h"
#include "ipc_hang.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "ipc_version.h"
#include "leftovers.h"

#define START_WAIT_NS 600000000000u /* recovery of much log takes its time */
#define STOP_WAIT_NS 120000000000u
#define HANG_WAIT_NS 10000000000u
#define STOP_AT_ONCE_WAIT_NS 3000000000u
#define ASK_MS 2000
#define LOOK_NS 5000000
#define LOCKED_LOOKS_MAX 1000

static void pause_ns(long ns) {
    struct timespec t = {.tv_nsec = ns};
    nanosleep(&t, NULL);
}

struct start_arguments {
    char *argv[16 + 2 * CONF_COUNT];
    char texts[CONF_COUNT][CONF_TEXT_BYTES];
    char program[AXL_PATH_BYTES + 32];
    int n, ntexts;
    bool foreground;
};

static void start_set(struct start_arguments *s, const char *name, const char *value) {
    if (s->ntexts == CONF_COUNT) return;
    char *text = s->texts[s->ntexts++];
    if (name) {
        snprintf(text, CONF_TEXT_BYTES, "%s=%s", name, value);
    } else {
        snprintf(text, CONF_TEXT_BYTES, "%s", value);
    }
    s->argv[s->n++] = "--set";
    s->argv[s->n++] = text;
}

static void start_arguments(struct axl *a, struct start_arguments *s) {
    static const char *const short_forms[][2] = {
        {"--port", "port"}, {"--workers", "workers"}, {"--pool", "shared_buffers"}};
    const char *value;
    snprintf(s->program, sizeof s->program, "%s/guardian", a->programs);
    s->argv[s->n++] = s->program;
    s->argv[s->n++] = "-D";
    s->argv[s->n++] = a->dir;
    s->argv[s->n++] = "--programs";
    s->argv[s->n++] = a->programs;
    for (size_t i = 0; i < sizeof short_forms / sizeof *short_forms; i++) {
        if (axl_option(a, short_forms[i][0], &value)) start_set(s, short_forms[i][1], value);
    }
    while (axl_option(a, "--set", &value)) start_set(s, NULL, value);
    s->foreground = axl_option(a, "--foreground", NULL);
    if (s->foreground) s->argv[s->n++] = "--foreground";
    s->argv[s->n] = NULL;
}

/* Before anything is started: are the settings right? */
static status check_settings(struct axl *a, const struct start_arguments *s) {
    struct conf conf;
    char path[AXL_PATH_BYTES + 32];
    conf_init(&conf);
    snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, a->dir);
    TRY(conf_load(&conf, path, &a->e));
    for (int i = 0; i < s->ntexts; i++) TRY(conf_set_text(&conf, s->texts[i], false, &a->e));
    return OK;
}

/* ---- guardian and supervisor -------------------------------------------------------------------
 */

static bool at_work(const struct proc_entry *entry) {
    struct hang_watch watch = {0};
    return leftover_alive(entry) && hang_look(&watch, entry, HANG_LIMITS_DEFAULT) != HANG_STOPPED;
}

/* One of the two is: it sees to the other. */
static bool keepers_at_work(const struct shm *shm) {
    const struct proc_entry *procs = shm->control->procs;
    return at_work(&procs[SLOT_SUPERVISOR]) || at_work(&procs[SLOT_GUARDIAN]);
}

static bool keepers_alive(const struct shm *shm) {
    const struct proc_entry *procs = shm->control->procs;
    return leftover_alive(&procs[SLOT_SUPERVISOR]) || leftover_alive(&procs[SLOT_GUARDIAN]);
}

enum running { RUNS_NOT, RUNS, RUNS_BUT_HANGS };

static enum running look_at_running(struct axl *a) {
    struct shm shm;
    char region[32];
    enum running result = RUNS_NOT;
    struct error none = {0};
    status s = axl_attach(a, &shm, region);
    error_clear(&a->e);
    if (!ok(s)) return RUNS_NOT;
    if (keepers_at_work(&shm)) {
        s = control_ask(a->dir, "supervisor", json_pack("{s:s}", "op", "ping"), ASK_MS, NULL,
                        &none);
        result = ok(s) ? RUNS : RUNS_BUT_HANGS;
        if (result == RUNS) {
            printf("The appliance in %s is running already, on port %u.\n", a->dir,
                   shm.control->port);
        }
    }
    region_detach_all(&shm);
    return result;
}

/* A process that has just been killed is in the table of processes for a while, and one that hangs
 * is soon replaced: only a supervisor that answers is running. When none does, a new guardian finds
 * out why (ops/guardian/lock.c). */
static bool runs_already(struct axl *a) {
    enum running result;
    uint64_t begin = clock_mono_ns();
    while ((result = look_at_running(a)) == RUNS_BUT_HANGS &&
           clock_mono_ns() - begin < HANG_WAIT_NS) {
        pause_ns(LOOK_NS);
    }
    return result == RUNS;
}

/* Not fork: nng has made threads, and fails in a child that does not exec at once. */
static pid_t launch(struct start_arguments *s) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    extern char **environ;
    pid_t pid = -1;
    fflush(NULL);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    int rc = posix_spawn(&pid, s->program, &files, &attributes, s->argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (rc == 0) return pid;
    fprintf(stderr, "axl: %s: %s\n", s->program, strerror(rc));
    return -1;
}

/* What is in the way of serving, for a person. */
static void say_what_failed(struct axl *a) {
    static const char *const names[] = {"guardian", "supervisor", "storaged",
                                        "logd",     "txnd",       "queryd.0"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) axl_tail(a, names[i], 8, true);
    fprintf(stderr, "axl: more is told by axl logs; whether the files are whole, by axl verify; "
                    "what is lost comes back from a backup, by axl restore\n");
}

static bool any_failed(const struct shm *shm) {
    for (uint16_t slot = SLOT_STORAGED; slot <= SLOT_QUERYD; slot++) {
        if (atomic_load(&shm->control->procs[slot].state) == PROC_FAILED) return true;
    }
    return false;
}

/* 1: serves; -1: one process has failed for good; 0: not yet. */
static int look(struct axl *a, pid_t guardian) {
    struct shm shm;
    char region[32];
    int result = 0;
    if (ok(axl_attach(a, &shm, region))) {
        const struct proc_entry *procs = shm.control->procs;
        if ((pid_t)atomic_load(&procs[SLOT_GUARDIAN].pid) == guardian &&
            leftover_alive(&procs[SLOT_SUPERVISOR]) &&
            atomic_load(&procs[SLOT_SUPERVISOR].state) == PROC_READY) {
            if (atomic_load(&shm.control->state) == APPLIANCE_SERVING) result = 1;
            if (any_failed(&shm)) result = -1;
            if (result == 1) printf("The appliance serves on port %u.\n", shm.control->port);
        }
        region_detach_all(&shm);
    }
    error_clear(&a->e);
    return result;
}

static int wait_until_serving(struct axl *a, pid_t guardian) {
    uint64_t begin = clock_mono_ns();
    while (clock_mono_ns() - begin < START_WAIT_NS) {
        int how;
        if (waitpid(guardian, &how, WNOHANG) == guardian) {
            if (runs_already(a)) return 0; /* another guardian was quicker */
            fprintf(stderr, "axl: the appliance did not start\n");
            say_what_failed(a);
            return 1;
        }
        int seen = look(a, guardian);
        if (seen > 0) return 0;
        if (seen < 0) {
            fprintf(stderr, "axl: a process of the appliance cannot be started\n");
            say_what_failed(a);
            return 1;
        }
        pause_ns(LOOK_NS);
    }
    fprintf(stderr, "axl: the appliance is still starting; see axl status, axl logs\n");
    return 1;
}

/* Another one made where an appliance lies would hide it for good. */
static void hint_at_missing(struct axl *a, status why) {
    char path[AXL_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/data", a->dir);
    if (status_is(why, ST_NOT_FOUND) && access(path, F_OK) != 0)
        error_hint(&a->e, "Make one with: axl init -D %s", a->dir);
    else
        error_hint(&a->e, "The data of an appliance may lie there: put that file back, or restore "
                          "a backup into another directory.");
}

int axl_start(struct axl *a) {
    static struct start_arguments s;
    start_arguments(a, &s);
    if (!axl_done(a)) return axl_fail(a);
    uint64_t id;
    status st = appliance_id_read(a->dir, &id, &a->e);
    if (!ok(st)) {
        hint_at_missing(a, st);
        return axl_fail(a);
    }
    if (!ok(version_check_data(a->dir, &a->e))) return axl_fail(a);
    if (!ok(check_settings(a, &s))) return axl_fail(a);
    if (runs_already(a)) return 0;
    if (s.foreground) {
        execv(s.program, s.argv);
        fprintf(stderr, "axl: %s: %s\n", s.program, strerror(errno));
        return 1;
    }
    pid_t guardian = launch(&s);
    if (guardian < 0) return 1;
    return wait_until_serving(a, guardian);
}

/* --- stop --------------------------------------------------------------------------------------
 */

/* Those that stand in no table yet: born a moment ago, or never come to work. */
static bool end_holders(const struct axl *a) {
    bool guardian = leftover_end_holder(a->dir, "guardian");
    return leftover_end_holder(a->dir, "supervisor") || guardian;
}

/* The supervisor is gone, or says nothing: nobody else ends what it left. */
static int end_without_supervisor(struct axl *a, struct shm *shm, const char *region) {
    unsigned n = leftovers_count(shm);
    error_clear(&a->e);
    status s = leftovers_end(shm, &a->e);
    for (int i = 0; ok(s) && i < LOCKED_LOOKS_MAX && end_holders(a); i++) {
        pause_ns(LOOK_NS);
        s = leftovers_end(shm, &a->e);
    }
    if (ok(s)) region_remove_all(region);
    region_detach_all(shm);
    if (!ok(s)) return axl_fail(a);
    printf("The supervisor was gone; %u processes have been ended.\n", n);
    return 0;
}

/* False: there is no supervisor that answers, nor a guardian that brings one forth in time. */
static bool ask_to_stop(struct axl *a, const struct shm *shm, bool immediate) {
    uint64_t begin = clock_mono_ns(), wait = immediate ? STOP_AT_ONCE_WAIT_NS : HANG_WAIT_NS;
    while (keepers_at_work(shm) && clock_mono_ns() - begin < wait) {
        json_t *request = json_pack("{s:s, s:b}", "op", "stop", "immediate", (int)immediate);
        error_clear(&a->e);
        if (ok(control_ask(a->dir, "supervisor", request, ASK_MS, NULL, &a->e))) return true;
        pause_ns(LOOK_NS);
    }
    return false;
}

int axl_stop(struct axl *a) {
    bool immediate = axl_option(a, "--immediate", NULL);
    struct shm shm;
    char region[32];
    if (!axl_done(a)) return axl_fail(a);
    status s = axl_attach(a, &shm, region);
    if (status_is(s, ST_NOT_FOUND)) {
        printf("%s\n", a->e.message);
        return 0;
    }
    if (!ok(s)) return axl_fail(a);
    if (!ask_to_stop(a, &shm, immediate)) return end_without_supervisor(a, &shm, region);
    uint64_t begin = clock_mono_ns();
    while (keepers_alive(&shm) && clock_mono_ns() - begin < STOP_WAIT_NS) pause_ns(LOOK_NS);
    bool gone = !keepers_alive(&shm);
    /* A supervisor that died while it ended the others is followed by nobody. */
    if (gone && leftovers_count(&shm) > 0) return end_without_supervisor(a, &shm, region);
    region_detach_all(&shm);
    if (gone) {
        printf("Stopped.\n");
    } else {
        fprintf(stderr, "axl: it is still stopping\n");
    }
    return !gone;
}
