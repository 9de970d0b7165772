/* kill_sweep: a death after every instruction of every operation (DESIGN, I1, I2).
 *
 *   kill_sweep --all           every point of every operation
 *   kill_sweep --slice         every point that changes more than the bytes of pages and records,
 *                              and one in some of the others; without the slowest operation
 *   kill_sweep --second …      what dies is the repair, too: at each point of it
 *   kill_sweep --order …       another worker meets what the dead left before, within and after the
 *                              repair. Both at the points of a slice; or --all: at all
 *   kill_sweep --loud …        daemons tell what they do (each birth of a trial, too)
 *   kill_sweep [--all] NAME…   only operations whose name contains one of the words
 *   kill_sweep --list */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/coro.h"
#include "world.h"

#define EXIT_SKIPPED 77
#define SLICE_EVERY 61
/* Of the slice of second deaths. */
#define SECOND_EVERY (33 * SLICE_EVERY)
#define SECOND_THIN 7
#define TRIAL_SECONDS_MAX 20

static struct world *now; /* whose trial a signal ends */

/* A failed CHECK, a wild pointer or a latch that never comes free is a failure of this trial. */
static void on_signal(int number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    if (!now) _exit(3);
    fprintf(
        world_told, "%s: killed after instruction %llu (0x%llx): the repair or what followed %s\n",
        now->op->name, (unsigned long long)now->step.instructions, (unsigned long long)now->step.at,
        number == SIGALRM   ? "does not end"
        : number == SIGABRT ? "failed a CHECK"
                            : "touched what it must not");
    siglongjmp(now->abandon, 1);
}

/* The most laborious trial: not at all points of a slice. */
static bool second_here(const struct world *w) {
    unsigned every = w->step.changed_bulk ? w->second_every : w->second_thin;
    return w->trial & TRIAL_SECOND && w->step.points % every == 0;
}

static void try_here(struct world *w) {
    if (second_here(w)) second_verdict(w);
    if (w->trial & TRIAL_ORDER && !w->op->alone) order_verdict(w);
    if (w->trial) return;
    if (w->op->stage)
        w->op->stage->verdict(w);
    else
        verdict(w);
}

static void on_point(void *arg) {
    struct world *w = arg;
    uint64_t n = w->step.points;
    if (w->given_up || (w->step.changed_bulk && n % w->every != 0)) return;
    w->tried++;
    if (sigsetjmp(w->abandon, 1) == 0) {
        now = w;
        alarm(TRIAL_SECONDS_MAX);
        w->before = w->built[0];
        w->after = w->built[1];
        try_here(w);
    } else {
        w->failures++;
        w->given_up = coro_self();
    }
    alarm(0);
    now = NULL;
}

static void stepped(void *arg) {
    struct world *w = arg;
    w->actor.proc.env = &w->env_stepped;
    CHECK(ok(w->op->run(w, &w->actor)));
}

static void between(void *arg) {
    world_between(arg);
}

/* Whether the operation logged what it is here for. */
static bool logged(struct world *w) {
    static _Alignas(8) char buf[REC_BYTES_MAX];
    const struct rec_head *r = (const struct rec_head *)buf;
    const struct shm *shm = &w->live;
    if (!w->op->record) return true;
    for (uint64_t at = w->tail0; at < atomic_load(&shm->log->tail); at += r->len) {
        if (!ok(log_read_ring(shm, (lsn){at}, buf))) return false;
        if (r->type == w->op->record) return true;
    }
    return false;
}

static uint16_t who_dies(const struct kill_op *op) {
    return op->by_txnd ? SLOT_TXND : op->by_supervisor ? SLOT_SUPERVISOR : WORKER;
}

static void build_worker(struct world *w) {
    struct proc p;
    struct txn t = {.index = 0};
    world_proc(w, false, OTHER_WORKER, 1, &p);
    CHECK(ok(txn_begin(&p, &t, ISO_READ_COMMITTED, 0)) && ok(txn_need_id(&p, &t)));
    CHECK(ok(tree_create(&p, &t.writer, 7, &w->tree)) && ok(txn_commit(&p, &t, true)));
    w->op->build(w);
    world_proc(w, false, who_dies(w->op), 1, &w->actor.proc);
    if (w->op->prepare) CHECK(ok(w->op->prepare(w, &w->actor)));
    world_watch(w);
    verdict_start(w);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t); /* the other one is clock.c's */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The state before the first instruction and that of the last are points too. */
static enum step_result sweep(struct world *w) {
    w->step = (struct step){.run = stepped,
                            .between = w->op->stage ? NULL : between,
                            .point = on_point,
                            .arg = w,
                            .areas = w->areas,
                            .areas_count = w->areas_count};
    for (unsigned i = 0; i < w->areas_count; i++)
        memcpy(w->areas[i].last, w->areas[i].live, w->areas[i].bytes);
    w->built[0] = w->before;
    w->built[1] = w->after;
    on_point(w);
    enum step_result result = step_through(&w->step);
    if (result == STEP_DONE) {
        w->step.changed_bulk = false;
        on_point(w);
    }
    return result;
}

/* What the daemons say at each of their many births is of no interest. */
static void hush(bool quiet) {
    if (!quiet) {
        dup2(fileno(world_told), STDERR_FILENO);
        return;
    }
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

struct options {
    unsigned every, second_every, second_thin; /* as in struct world */
    unsigned trial;
    bool list, loud;
    char **words;
    int words_count;
};

struct totals {
    uint64_t instructions, points, tried, second, second_other;
    unsigned passed, failed;
};

static void add_up(struct totals *t, const struct world *w) {
    t->instructions += w->step.instructions;
    t->points += w->step.points;
    t->tried += w->tried;
    t->second += w->second_deaths;
    t->second_other += w->second_other;
}

static bool run(const struct kill_op *op, const struct options *o, struct totals *totals,
                bool *ret_denied) {
    struct world *w = malloc(sizeof *w);
    CHECK(w);
    world_make(w, op);
    w->every = o->every;
    w->second_every = o->second_every;
    w->second_thin = o->second_thin;
    w->trial = o->trial;
    double begun = seconds();
    enum step_result result = STEP_DIED;
    if (sigsetjmp(w->abandon, 1) == 0) {
        now = w;
        if (op->stage)
            op->stage->build(w);
        else
            build_worker(w);
        now = NULL;
        result = sweep(w);
    }
    now = NULL;
    *ret_denied = result == STEP_DENIED;
    if (result == STEP_DIED)
        fprintf(world_told, "%s: the operation itself ended with %d at 0x%llx\n", op->name,
                w->step.how, (unsigned long long)w->step.at);
    bool missed = result == STEP_DONE && !op->stage && !logged(w);
    if (missed) fprintf(world_told, "%s: it did not log what it is here for\n", op->name);
    bool passed = result == STEP_DONE && !missed && w->failures == 0 && w->step.points > 0;
    printf("%-36s %9llu %8llu %8llu %8llu %7.1f s  %s\n", op->name,
           (unsigned long long)w->step.instructions, (unsigned long long)w->step.points,
           (unsigned long long)w->tried, (unsigned long long)w->failures, seconds() - begun,
           result == STEP_DENIED ? "skipped"
           : passed              ? "ok"
                                 : "FAILED");
    fflush(stdout);
    add_up(totals, w);
    if (op->stage) op->stage->free(w);
    world_free(w);
    free(w);
    return passed;
}

static bool wanted(const struct kill_op *op, const struct options *o) {
    if (o->trial && op->stage) return false;
    for (int i = 0; i < o->words_count; i++)
        if (strstr(op->name, o->words[i])) return true;
    return o->words_count == 0 && !(op->slow && o->every > 1 && !o->list);
}

static bool options_read(int argc, char **argv, struct options *o) {
    int at = 1;
    bool slice = false;
    *o = (struct options){.every = SLICE_EVERY};
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--all") == 0)
            o->every = 1;
        else if (strcmp(argv[at], "--second") == 0)
            o->trial |= TRIAL_SECOND;
        else if (strcmp(argv[at], "--order") == 0)
            o->trial |= TRIAL_ORDER;
        else if (strcmp(argv[at], "--list") == 0)
            o->list = true;
        else if (strcmp(argv[at], "--loud") == 0)
            o->loud = true;
        else if (strcmp(argv[at], "--slice") == 0)
            slice = true;
        else
            return false;
    }
    o->second_every = slice ? SECOND_EVERY : o->every;
    o->second_thin = slice ? SECOND_THIN : 1;
    o->words = argv + at;
    o->words_count = argc - at;
    return true;
}

/* False: this system does not let us. */
static bool run_wanted(const struct options *o, const struct kill_op *ops, unsigned count,
                       struct totals *totals) {
    for (unsigned k = 0; k < count; k++) {
        bool denied = false;
        if (!wanted(&ops[k], o)) continue;
        if (o->list) {
            puts(ops[k].name);
            continue;
        }
        hush(ops[k].stage && !o->loud);
        if (run(&ops[k], o, totals, &denied))
            totals->passed++;
        else if (denied)
            return false;
        else
            totals->failed++;
    }
    return true;
}

static void tell(const struct options *o, const struct totals *t) {
    printf("%llu instructions stepped, shared memory differed after %llu of them, %llu deaths "
           "repaired\n",
           (unsigned long long)t->instructions, (unsigned long long)t->points,
           (unsigned long long)t->tried);
    if (o->trial & TRIAL_SECOND)
        printf("%llu deaths in the repair, after %llu of which the next one came to something "
               "else\n",
               (unsigned long long)t->second, (unsigned long long)t->second_other);
    printf("%u passed, %u failed\n", t->passed, t->failed);
}

int main(int argc, char **argv) {
    struct options o;
    if (!options_read(argc, argv, &o)) {
        fprintf(stderr, "usage: kill_sweep [--all | --slice | --list] [--second] [--order] "
                        "[--loud] [NAME…]\n");
        return 2;
    }
    world_told = fdopen(dup(STDERR_FILENO), "w");
    CHECK(world_told);
    setvbuf(world_told, NULL, _IONBF, 0);
    static const int caught[] = {SIGABRT, SIGSEGV, SIGBUS, SIGALRM};
    for (unsigned i = 0; i < sizeof caught / sizeof *caught; i++) signal(caught[i], on_signal);
    const struct {
        const struct kill_op *ops;
        unsigned count;
    } parts[] = {{ops_shared, ops_shared_count}, {ops_session, ops_session_count},
                 {ops_serial, ops_serial_count}, {ops_txn, ops_txn_count},
                 {ops_held, ops_held_count},     {ops_lock, ops_lock_count},
                 {ops_tree, ops_tree_count},     {ops_large, ops_large_count},
                 {ops_daemon, ops_daemon_count}, {ops_logd, ops_logd_count}};
    struct totals totals = {0};
    if (!o.list)
        printf("%-36s %9s %8s %8s %8s\n", "killed in", "stepped", "points", "tried", "failures");
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (run_wanted(&o, parts[i].ops, parts[i].count, &totals)) continue;
        printf("skipped: this system does not allow ptrace\n");
        return EXIT_SKIPPED;
    }
    if (o.list) return 0;
    tell(&o, &totals);
    return totals.failed || !totals.passed ? 1 : 0;
}
