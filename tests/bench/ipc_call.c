/* ipc_call: what a call to a daemon costs: to one that is busy turning its loop, to one that
 * sleeps, and with many callers at once. Two real processes. Prints microseconds and calls per
 * second. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/control.h"
#include "conf/conf.h"
#include "ipc_daemon.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "ipc_ring.h"

static const struct shm_sizes sizes = {.frames = 16,
                                       .page_buckets = 16,
                                       .workers = 4,
                                       .sessions = 4,
                                       .txns = 16,
                                       .map_entries = 64,
                                       .ring_bytes = 4096};
static struct shm shm;
static struct conf conf;

static void answer(struct daemon *d, const struct msg *m) {
    struct msg reply = *m;
    reply.code = ST_OK;
    daemon_reply(d, &reply);
}
static const struct daemon_ops answering = {.name = "answerer", .handle = answer};
static const struct daemon_ops asking = {.name = "asker"};

_Noreturn static void serve(int wait_ms) {
    struct daemon d;
    struct error e = {0};
    if (!ok(daemon_open(&d, &answering, &shm, SLOT_LOGD, &conf, "/", false, &e))) _exit(1);
    while (daemon_turn(&d, wait_ms)) continue;
    _exit(0);
}

struct caller {
    struct daemon *d;
    unsigned calls;
    uint64_t pause_ns;
    uint64_t *took;
    unsigned *left;
};

static void call(void *arg) {
    struct caller *c = arg;
    for (unsigned i = 0; i < c->calls; i++) {
        if (c->pause_ns) daemon_sleep(c->d, c->pause_ns);
        struct msg m = {.op = 1};
        uint64_t begin = clock_mono_ns();
        if (!ok(c->d->proc.env->call(&c->d->proc, SLOT_LOGD, &m))) abort();
        if (c->took) c->took[i] = clock_mono_ns() - begin;
    }
    (*c->left)--;
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double cpu_us(int who) {
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void measure(const char *name, int wait_ms, unsigned callers, unsigned calls,
                    uint64_t pause_ns, int64_t spin_us) {
    struct daemon d;
    struct error e = {0};
    conf.spin_us_max = spin_us;
    atomic_store(&shm.control->procs[SLOT_LOGD].state, PROC_DEAD);
    pid_t pid = fork();
    if (pid == 0) serve(wait_ms);
    if (!ok(daemon_open(&d, &asking, &shm, SLOT_QUERYD, &conf, "/", false, &e))) abort();
    uint64_t *took = calloc(calls, sizeof *took);
    unsigned left = callers;
    struct caller *c = calloc(callers, sizeof *c);
    uint64_t begin = clock_mono_ns();
    double cpu = cpu_us(RUSAGE_SELF), cpu_children = cpu_us(RUSAGE_CHILDREN);
    for (unsigned i = 0; i < callers; i++) {
        c[i] = (struct caller){&d, calls, pause_ns, i ? NULL : took, &left};
        if (!ok(daemon_spawn(&d, 0, call, &c[i]))) abort();
    }
    while (left) daemon_turn(&d, -1);
    double seconds = (double)(clock_mono_ns() - begin) / 1e9;
    cpu = cpu_us(RUSAGE_SELF) - cpu;
    daemon_close(&d);
    atomic_store(&shm.control->procs[SLOT_QUERYD].state, PROC_DEAD);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    cpu_children = cpu_us(RUSAGE_CHILDREN) - cpu_children;
    qsort(took, calls, sizeof *took, by_value);
    printf("%-34s median %7.2f us  p99 %7.2f us  %9.0f calls/s  cpu a call %6.2f + %6.2f us\n",
           name, (double)took[calls / 2] / 1e3, (double)took[calls * 99 / 100] / 1e3,
           (double)callers * calls / seconds, cpu / (callers * (double)calls),
           cpu_children / (callers * (double)calls));
    free(took);
    free(c);
}

int main(void) {
    struct error e = {0};
    conf_init(&conf);
    if (!ok(region_create_all(NULL, &sizes, &shm, &e))) {
        fprintf(stderr, "%s\n", e.message);
        return 1;
    }
    /* Before the fork, so that both processes have them. */
    if (!ok(bell_make(shm.rings, SLOT_LOGD, 0)) || !ok(bell_make(shm.rings, SLOT_QUERYD, 0))) {
        return 1;
    }
    measure("daemon busy, 1 caller", 0, 1, 200000, 0, 1000);
    measure("daemon sleeps, spinning 20 us", -1, 1, 50000, 0, 20);
    measure("daemon sleeps, no spinning", -1, 1, 50000, 0, 0);
    measure("daemon sleeps, 1 call a 2 ms", -1, 1, 500, 2000000, 20);
    measure("daemon sleeps, 64 callers", -1, 64, 5000, 0, 20);
    measure("daemon sleeps, 64 callers, no spin", -1, 64, 5000, 0, 0);
    region_detach_all(&shm);
    return 0;
}
