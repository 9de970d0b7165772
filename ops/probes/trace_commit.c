/* trace_commit.c: axl trace commit: where commits spend their time, across the processes.
 *
 * Runs until --seconds are over, an interrupt, or the end of the appliance. Exit status 77: kernel
 * or rights do not allow it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/control.h"
#include "base/counter.h"
#include "commit.skel.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "leftovers.h"
#include "show.h"
#include "watch.h"

#define FOLLOW_MS 50
#define LINE_NS 1000000000u
#define HEADING_LINES 20
#define LOOKS_MAX 1000 /* until nothing has come between two */
#define EXIT_NOT_POSSIBLE 77

static volatile sig_atomic_t interrupted;

static void interrupt([[maybe_unused]] int sig) {
    interrupted = 1;
}

struct arguments {
    const char *dir;
    double seconds; /* 0: until interrupted */
    bool json;
};

static bool arguments_read(struct arguments *a, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            a->json = true;
        } else if (strcmp(argv[i], "-D") == 0 && i + 1 < argc) {
            a->dir = argv[++i];
        } else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            char *end;
            a->seconds = strtod(argv[++i], &end);
            if (*end != '\0' || !(a->seconds > 0)) return false;
        } else {
            return false;
        }
    }
    return a->dir != NULL;
}

static int complain(const struct error *e) {
    fprintf(stderr, "axl trace commit: %s\n", e->message);
    if (e->hint[0]) fprintf(stderr, "                  %s\n", e->hint);
    return status_is(e->status, ST_FEATURE_NOT_SUPPORTED) ||
                   status_is(e->status, ST_INSUFFICIENT_PRIVILEGE)
               ? EXIT_NOT_POSSIBLE
               : 1;
}

static status appliance_attach(const char *dir, struct shm *ret_shm, struct error *e) {
    uint64_t id;
    char region[REGION_NAME_BYTES];
    TRY(appliance_id_read(dir, &id, e));
    region_name_of(id, region);
    status s = region_attach_all(region, ret_shm, e);
    if (!status_is(s, ST_NOT_FOUND)) return s;
    error_clear(e);
    return error_set(e, ST_NOT_FOUND, "the appliance in \"%s\" does not run", dir);
}

static status program_load(struct commit_bpf **ret_bpf, struct error *e) {
    TRY(watch_possible(e));
    struct commit_bpf *bpf = commit_bpf__open_and_load();
    if (bpf) {
        *ret_bpf = bpf;
        return OK;
    }
    bool rights = errno == EPERM || errno == EACCES;
    status s = error_set(e, rights ? ST_INSUFFICIENT_PRIVILEGE : ST_FEATURE_NOT_SUPPORTED,
                         "the kernel does not take the program: %s", strerror(errno));
    if (rights) error_hint(e, "It needs root, or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE.");
    return s;
}

static uint64_t commits_counted(const struct shm *shm) {
    uint64_t n = 0;
    for (unsigned slot = SLOT_QUERYD; slot < SLOT_GUARDIAN; slot++)
        n +=
            atomic_load_explicit(&shm->counters[slot].value[COUNTER_COMMITS], memory_order_relaxed);
    return n;
}

static void look(struct commit_bpf *bpf, struct seen *ret_seen) {
    for (uint32_t i = 0; i < PHASE_COUNT; i++) {
        bpf_map__lookup_elem(bpf->maps.hists, &i, sizeof i, &ret_seen->hist[i],
                             sizeof ret_seen->hist[i], 0);
    }
    for (uint32_t i = 0; i < TALLY_COUNT; i++) {
        bpf_map__lookup_elem(bpf->maps.tallies, &i, sizeof i, &ret_seen->tally[i],
                             sizeof ret_seen->tally[i], 0);
    }
}

/* Sums that belong together: of two looks between which no commit ended. Where commits end too fast
 * for that, the sums differ by the few that ended between the first and the last one read. */
static void look_closely(struct commit_bpf *bpf, struct shm *shm, uint64_t counted,
                         struct seen *ret_seen) {
    struct seen again = *ret_seen;
    bool same = false;
    look(bpf, &again);
    for (unsigned looks = 1; looks < LOOKS_MAX && !same; looks++) {
        *ret_seen = again;
        again.counted = commits_counted(shm) - counted;
        look(bpf, &again);
        same = memcmp(again.hist, ret_seen->hist, sizeof again.hist) == 0 &&
               memcmp(again.tally, ret_seen->tally, sizeof again.tally) == 0;
    }
    *ret_seen = again;
}

/* Follows the processes and shows a line a second, until it is time to end. */
static status run(struct watch *w, struct commit_bpf *bpf, const struct arguments *a,
                  struct seen *now, struct error *e) {
    uint64_t begin = clock_mono_ns(), counted = commits_counted(w->shm), line_due = LINE_NS;
    uint64_t end = a->seconds > 0 ? (uint64_t)(a->seconds * 1e9) : UINT64_MAX;
    struct seen before = {0};
    unsigned lines = 0;
    while (!interrupted && now->elapsed_ns < end && watch_count(w)) {
        struct timespec pause = {.tv_nsec = FOLLOW_MS * 1000000};
        nanosleep(&pause, NULL);
        TRY(watch_follow(w, e));
        now->processes = watch_count(w);
        now->elapsed_ns = clock_mono_ns() - begin;
        look(bpf, now);
        now->counted = commits_counted(w->shm) - counted;
        if (a->json || now->elapsed_ns < line_due) continue;
        show_line(now, &before, lines++ % HEADING_LINES == 0);
        before = *now;
        line_due = now->elapsed_ns + LINE_NS;
    }
    look_closely(bpf, w->shm, counted, now);
    return OK;
}

static int trace(const struct arguments *a, struct shm *shm) {
    struct error e = {0};
    struct commit_bpf *bpf = NULL;
    static struct watch w;
    static struct seen seen;
    if (!ok(program_load(&bpf, &e))) return complain(&e);
    /* A write's end before its begin: else a begin could be seen of which the end is not. */
    const struct watch_point points[] = {
        {"axolotl_logd", "flush_done", true, bpf->progs.flush_done},
        {"axolotl_logd", "flush_begin", true, bpf->progs.flush_begin},
        {"axolotl_queryd", "commit_done", false, bpf->progs.commit_done},
        {"axolotl_log", "wait_durable_done", false, bpf->progs.wait_done},
        {"axolotl_log", "commit_insert", false, bpf->progs.commit_insert},
        {"axolotl_queryd", "statement_done", false, bpf->progs.statement_done},
        {"axolotl_queryd", "commit_begin", false, bpf->progs.commit_begin},
        {"axolotl_queryd", "statement_begin", false, bpf->progs.statement_begin},
    };
    w = (struct watch){.shm = shm, .points = points, .points_n = sizeof points / sizeof *points};
    status s = watch_follow(&w, &e);
    if (ok(s) && watch_count(&w) == 0)
        s = error_set(&e, ST_NOT_FOUND, "no process of the appliance is ready");
    if (ok(s)) {
        fprintf(stderr, "watching %u processes\n", watch_count(&w));
        s = run(&w, bpf, a, &seen, &e);
    }
    watch_end(&w);
    commit_bpf__destroy(bpf);
    if (!ok(s)) return complain(&e);
    if (a->json)
        show_json(&seen);
    else
        show_all(&seen);
    return 0;
}

int main(int argc, char **argv) {
    struct arguments a = {0};
    struct shm shm;
    struct error e = {0};
    if (!arguments_read(&a, argc, argv)) {
        fprintf(stderr, "usage: axl trace commit -D DIR [--seconds N] [--json]\n");
        return 2;
    }
    if (!ok(appliance_attach(a.dir, &shm, &e))) return complain(&e);
    struct sigaction action = {.sa_handler = interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int result = trace(&a, &shm);
    region_detach_all(&shm);
    return result;
}
