/* order.c: another worker meets what the dead left, before the repair, between its steps, and after
 * it.
 *
 * It reads all rows through a snapshot, changes one that the dead did not want, and commits. Where
 * it cannot go on it must wait: it is a coroutine that comes back here where another process would
 * give up the processor (this program's sched_yield), and it goes on after the next step. It must
 * see the rows of before or those of after, and have ended when the repair has. */
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/coro.h"
#include "msg/msg.h"
#include "txn/version.h"
#include "world.h"

#define WAITS_A_TURN 700   /* a page's latch is given up after 256 of them */
#define WAITS_MAX 1000000u /* when nothing is in its way any more */
#define STACK_BYTES ((size_t)256 << 10)
#define OTHER_RELATION 78u

struct other {
    struct world *w;
    struct actor actor;
    struct env env;
    unsigned row;
    sigjmp_buf failing;
    bool done, failed;
};

static struct other other;
static struct coro *other_coro; /* while a trial lasts */

static bool wait_here(void) {
    if (!other_coro || coro_self() != other_coro) return false;
    coro_yield();
    return true;
}

/* What spin.h calls when it has spun enough. */
int sched_yield(void) {
    return wait_here() ? 0 : (int)syscall(SYS_sched_yield);
}

int nanosleep(const struct timespec *time, struct timespec *ret_left) {
    return wait_here() ? 0 : (int)syscall(SYS_nanosleep, time, ret_left);
}

/* A daemon answers when it can: logd not before the log is complete that far. */
static status call(struct proc *p, uint16_t to, struct msg *m) {
    struct world *w = other.w;
    for (;;) {
        struct msg request = *m;
        status s = w->env_copy.call(p, to, &request);
        bool flushed = m->op != MSG_LOG_FLUSH || atomic_load(&p->shm->log->durable) >= m->arg[0];
        if (flushed) {
            *m = request;
            return s;
        }
        coro_yield();
    }
}

/* ---- what it does ---------------------------------------------------------------------------- */

static bool has_value(const struct world *w, unsigned row, uint32_t seed,
                      const struct tree_entry *e) {
    char value[TREE_ENTRY_BYTES_MAX];
    if (!seed) return false;
    size_t bytes = row_value(w, row, seed, value);
    return bytes == e->value_len && memcmp(value, e->value, bytes) == 0;
}

/* What the snapshot sees of each row is that of before, or that of after; of all the same. */
static void read_rows(struct world *w, struct actor *a) {
    char buf[TREE_ENTRY_BYTES_MAX];
    bool before[ROWS_MAX], after[ROWS_MAX], all_before = true, all_after = true;
    struct arena arena;
    struct tree_cursor c;
    struct tree_entry e;
    status s;
    for (unsigned row = 0; row < ROWS_MAX; row++) {
        before[row] = !w->before.seed[row];
        after[row] = !w->after.seed[row];
    }
    arena_init(&arena, 0);
    MUST_OK(w, tree_cursor_init(&c, &arena, w->tree));
    MUST_OK(w, tree_cursor_seek(&a->proc, &c, "", 0, false, false));
    while (ok(s = tree_cursor_next(&a->proc, &c, &e))) {
        unsigned row = row_of(w, &e);
        status seen = version_visible(&a->proc, &a->snap, &e, buf);
        if (status_is(seen, ST_NOT_FOUND)) continue;
        MUST_OK(w, seen);
        before[row] = has_value(w, row, w->before.seed[row], &e);
        after[row] = has_value(w, row, w->after.seed[row], &e);
    }
    MUST(w, status_is(s, ST_END));
    arena_free(&arena);
    for (unsigned row = 0; row < ROWS_MAX; row++) {
        all_before &= before[row];
        all_after &= after[row];
    }
    if (!all_before && !all_after) world_fail(w, "another worker sees neither before nor after");
}

static void act(struct world *w, struct actor *a) {
    MUST_OK(w, actor_begin(a));
    w->other_txid = a->txn.writer.x;
    MUST_OK(w, txn_snapshot(&a->proc, &a->txn, &a->snap));
    read_rows(w, a);
    MUST_OK(w, txn_lock_relation(&a->proc, &a->txn, OTHER_RELATION, MODE_ROW_EXCLUSIVE, true, 0));
    MUST_OK(w, row_put(w, a, other.row, w->before.seed[other.row] + 5));
    MUST_OK(w, txn_commit(&a->proc, &a->txn, true));
}

static void run([[maybe_unused]] void *arg) {
    if (sigsetjmp(other.failing, 0) == 0)
        act(other.w, &other.actor);
    else
        other.failed = true;
    other.done = true;
}

/* ---- a trial --------------------------------------------------------------------------------- */

/* A row that is there before and after, the same. */
static unsigned row_to_change(const struct world *w) {
    for (unsigned row = ROWS_MAX; row-- > 0;)
        if (w->before.seed[row] && w->before.seed[row] == w->after.seed[row]) return row;
    return ROWS_MAX;
}

static void begin(struct world *w, unsigned row) {
    other = (struct other){.w = w, .row = row};
    world_proc(w, true, OTHER_WORKER + 2, 1, &other.actor.proc);
    other.env = w->env_copy;
    other.env.call = call;
    other.actor.proc.env = &other.env;
    CHECK(ok(coro_new(STACK_BYTES, run, NULL, &other_coro)));
}

static void go_on(struct world *w, unsigned waits) {
    for (unsigned n = 0; n < waits && !other.done; n++) {
        w->catcher = &other.failing;
        coro_resume(other_coro);
        w->catcher = NULL;
    }
    if (other.failed) siglongjmp(w->abandon, 1);
}

static void end(struct world *w) {
    if (!other.done) world_fail(w, "another worker waits for ever");
    coro_free(other_coro);
    other_coro = NULL;
}

static void trial(struct world *w, unsigned from_step, unsigned row) {
    verdict_begin(w);
    w->other_txid = 0;
    begin(w, row);
    for (unsigned step = 0; step < REPAIR_STEPS; step++) {
        if (step >= from_step) go_on(w, WAITS_A_TURN);
        repair_step(w, step);
    }
    go_on(w, WAITS_MAX);
    end(w);
    uint32_t seed = w->before.seed[row];
    w->before.seed[row] = w->after.seed[row] = seed + 5;
    verdict_after(w);
    w->before.seed[row] = w->after.seed[row] = seed;
    w->other_txid = 0;
}

void order_verdict(struct world *w) {
    unsigned row = row_to_change(w);
    if (row == ROWS_MAX) return;
    struct model before = w->before, after = w->after;
    if (other_coro) coro_free(other_coro); /* of a trial that failed */
    other_coro = NULL;
    for (unsigned step = 0; step <= REPAIR_STEPS; step++) {
        w->before = before;
        w->after = after;
        trial(w, step, row);
    }
}
