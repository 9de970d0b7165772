#include "run.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/control.h"
#include "log/log.h"

#define RECOVERY_ONE_IN 3 /* recoveries that are cut */
#define RECOVERY_REQUESTS_MAX 40
#define LAST_TURNS 200

struct run_sums *run_sums;

bool run_wrong(struct run *r, const char *what, const char *words) {
    if (!*r->words) snprintf(r->words, sizeof r->words, "%s%s%s", what, *words ? ": " : "", words);
    return false;
}

/* Turns until *done; true: it is. */
static bool turn_until(struct run *r, const bool *done, const char *what) {
    for (unsigned n = 0; !*done && r->m.state == MACHINE_ON; n++) {
        machine_turn(&r->m);
        if (n > RUN_TURNS_MAX) return run_wrong(r, what, "does not end");
    }
    if (r->m.state == MACHINE_STUCK) return run_wrong(r, what, r->m.words);
    return *done;
}

/* Runs a coroutine on the first worker to its end. */
static bool run_to_end(struct run *r, void (*fn)(void *arg), void *arg, const bool *done,
                       const char *what) {
    CHECK(ok(daemon_spawn(machine_worker(&r->m, 0), 0, fn, arg)));
    return turn_until(r, done, what);
}

/* ---- on and off ------------------------------------------------------------------------------ */

bool run_begin(struct run *r, bool may_be_cut) {
    for (;;) {
        bool cut = may_be_cut && machine_below(&r->m, RECOVERY_ONE_IN) == 0;
        machine_cut_after(&r->m, cut ? 1 + machine_below(&r->m, RECOVERY_REQUESTS_MAX) : 0);
        machine_on(&r->m);
        for (unsigned n = 0; r->m.state == MACHINE_ON && !machine_serves(&r->m); n++) {
            machine_turn(&r->m);
            if (n > RUN_TURNS_MAX) return run_wrong(r, "recovery", "does not end");
        }
        if (r->m.state == MACHINE_STUCK) return run_wrong(r, "the start", r->m.words);
        if (r->m.state == MACHINE_ON) break;
        machine_off(&r->m);
        run_sums->cuts++;
    }
    machine_cut_after(&r->m, 0);
    return true;
}

struct making {
    struct proc *p;
    struct tables *tables;
    status st;
    bool done;
};

static void make_tables(void *arg) {
    struct making *a = arg;
    a->st = tables_make(a->p, a->tables);
    a->done = true;
}

bool run_first_start(struct run *r) {
    if (!run_begin(r, false)) return false;
    struct making a = {.p = &machine_worker(&r->m, 0)->proc, .tables = &r->tables};
    return run_to_end(r, make_tables, &a, &a.done, "the first transaction") &&
           (ok(a.st) || run_wrong(r, "the first transaction", status_name(a.st)));
}

bool run_stop(struct run *r) {
    machine_stop(&r->m);
    return r->m.state == MACHINE_OFF || run_wrong(r, "the stop", r->m.words);
}

/* ---- in service ------------------------------------------------------------------------------ */

void run_start_clients(struct run *r) {
    r->enough = false;
    for (unsigned i = 0; i < CLIENTS; i++) {
        client_forget(&r->client[i]);
        r->client[i] = (struct client){.m = &r->m,
                                       .ledger = &r->ledger,
                                       .tables = &r->tables,
                                       .enough = &r->enough,
                                       .errors_allowed = r->errors_allowed};
        CHECK(ok(client_start(&r->client[i], machine_worker(&r->m, i % MACHINE_WORKERS))));
    }
}

bool run_clients_good(struct run *r) {
    for (unsigned i = 0; i < CLIENTS; i++)
        if (!ok(r->client[i].wrong))
            return run_wrong(r, "a client", status_name(r->client[i].wrong));
    return true;
}

bool run_clients_run(const struct run *r) {
    for (unsigned i = 0; i < CLIENTS; i++)
        if (r->client[i].running) return true;
    return false;
}

bool run_until_cut(struct run *r, uint64_t requests_max) {
    machine_cut_after(&r->m, 1 + machine_below(&r->m, requests_max));
    run_start_clients(r);
    while (r->m.state == MACHINE_ON && run_clients_good(r) && run_clients_run(r))
        machine_turn(&r->m);
    if (r->m.state == MACHINE_STUCK) return run_wrong(r, "in service", r->m.words);
    if (!run_clients_good(r)) return false;
    run_sums->in_redo += !atomic_load(&r->m.shm.control->redo_complete);
    machine_off(&r->m);
    ledger_cut(&r->ledger);
    run_sums->cuts++;
    return true;
}

bool run_clients_for(struct run *r, unsigned turns) {
    run_start_clients(r);
    for (unsigned n = 0; run_clients_run(r); n++) {
        r->enough = n > turns;
        machine_turn(&r->m);
        if (r->m.state != MACHINE_ON) return run_wrong(r, "in service", r->m.words);
        if (n > turns + RUN_TURNS_MAX) return run_wrong(r, "clients", "do not end");
    }
    return run_clients_good(r);
}

bool run_purge(struct run *r) {
    uint64_t end = atomic_load(&r->m.shm.log->tail);
    for (unsigned n = 0; atomic_load(&r->m.shm.txn->purge_lsn) < end; n++) {
        machine_turn(&r->m);
        if (r->m.state != MACHINE_ON) return run_wrong(r, "purge", r->m.words);
        if (n > RUN_TURNS_MAX) return run_wrong(r, "purge", "does not end");
    }
    return true;
}

bool run_judge(struct run *r, void (*fn)(void *verdict), const char *what) {
    struct verdict v = {
        .ledger = &r->ledger, .tables = &r->tables, .p = &machine_worker(&r->m, 0)->proc};
    return run_to_end(r, fn, &v, &v.done, what) && (v.good || run_wrong(r, what, v.words));
}

bool run_close(struct run *r) {
    r->errors_allowed = false;
    return run_clients_for(r, LAST_TURNS) && run_purge(r) && run_judge(r, verdict_rows, "rows") &&
           run_judge(r, verdict_pages, "pages") && run_stop(r) && run_begin(r, false) &&
           run_judge(r, verdict_rows, "rows after a stop") &&
           run_judge(r, verdict_pages, "pages after a stop") && run_stop(r);
}

/* ---- many ------------------------------------------------------------------------------------ */

static void one_run(uint64_t seed, uint64_t machine_seed, bool (*fn)(struct run *r)) {
    static struct run r;
    r = (struct run){.seed = seed};
    run_sums->seed = seed;
    machine_make(&r.m, machine_seed);
    ledger_init(&r.ledger);
    if (!fn(&r)) {
        printf("seed %llu: %s\n", (unsigned long long)seed, r.words);
        fflush(stdout);
        run_sums->failed++;
    }
    if (r.m.state != MACHINE_OFF) machine_off(&r.m);
    machine_free(&r.m);
    for (unsigned i = 0; i < CLIENTS; i++) client_forget(&r.client[i]);
    run_sums->runs++;
    run_sums->transactions += r.ledger.ntxns - 1;
    run_sums->keys += r.m.keys ? r.m.oldest_key - 1 : 0;
    for (uint32_t i = 1; i < r.ledger.ntxns; i++)
        run_sums->durable += r.ledger.txns[i].fate == FATE_DURABLE;
    ledger_free(&r.ledger);
}

/* A daemon that dies in the middle of something leaves what its coroutines had allocated; a process
 * whose memory that is comes to its end after so many runs. */
#define RUNS_EACH 250u

/* The seeds from `from` on, in a child. Returns the first that is still to do. */
static uint64_t some_runs(uint64_t from, uint64_t end, uint64_t machine_seed,
                          bool (*fn)(struct run *r)) {
    int how;
    if (end - from > RUNS_EACH) end = from + RUNS_EACH;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        for (uint64_t seed = from; seed < end; seed++)
            one_run(seed, machine_seed ? machine_seed : seed, fn);
        _exit(0);
    }
    CHECK(waitpid(pid, &how, 0) == pid);
    if (how == 0) return end;
    printf("seed %llu: its process was ended by %s %d\n", (unsigned long long)run_sums->seed,
           WIFSIGNALED(how) ? "signal" : "status",
           WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
    run_sums->runs++;
    run_sums->failed++;
    return run_sums->seed + 1;
}

void *run_shared(size_t bytes) {
    void *m = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(m != MAP_FAILED);
    return m;
}

static int many(uint64_t from, uint64_t count, uint64_t machine_seed, bool (*fn)(struct run *r)) {
    if (!run_sums) run_sums = run_shared(sizeof *run_sums);
    *run_sums = (struct run_sums){0};
    for (uint64_t seed = from; seed < from + count;) {
        fflush(stdout); /* or a child says it again */
        seed = some_runs(seed, from + count, machine_seed, fn);
    }
    const struct run_sums *s = run_sums;
    printf("%llu runs, %llu power cuts (%llu while redo went on beside queries), %llu errors of "
           "the disk, %llu transactions (%llu durable), %llu data keys given up, "
           "%llu runs failed\n",
           (unsigned long long)s->runs, (unsigned long long)s->cuts, (unsigned long long)s->in_redo,
           (unsigned long long)s->errors, (unsigned long long)s->transactions,
           (unsigned long long)s->durable, (unsigned long long)s->keys,
           (unsigned long long)s->failed);
    return s->failed || s->runs != count ? 1 : 0;
}

int run_all(uint64_t from, uint64_t count, bool (*fn)(struct run *r)) {
    return many(from, count, 0, fn);
}

int run_all_of(uint64_t machine_seed, uint64_t count, bool (*fn)(struct run *r)) {
    return many(1, count, machine_seed, fn);
}
