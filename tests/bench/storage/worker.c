/* A worker without SQL that measures the trees from where queryd would use them: the log, the pool
 * and the other processes are the appliance's. What it found is DIR/bench.json; then it is READY.
 * AXL_BENCH_ROWS: how many rows of an 8-byte key and a 100-byte value. With AXL_BENCH_DEPTHS,
 * "1,8", only reads by so many coroutines at once are measured, AXL_BENCH_SECONDS each: of a table
 * that the pool has no room for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/control.h"
#include "base/counter.h"
#include "ipc_daemon.h"
#include "msg/msg.h"
#include "tree/tree.h"
#include "txn/txn.h"
#include "workload.h"

#define SYNCED 100000 /* rows of one transaction */
#define TURN 1000     /* operations between two turns of the loop */

static struct daemon *self;
static bool stopping;

_Noreturn static void fail(const char *what, status s) {
    fprintf(stderr, "bench: %s: %s\n", what, status_name(s));
    fflush(stderr);
    _exit(9);
}

static void make_tree(uint32_t id, struct tree *ret) {
    struct txn t = {0};
    status s = txn_begin(&self->proc, &t, ISO_READ_COMMITTED, 0);
    if (ok(s)) s = txn_need_id(&self->proc, &t);
    if (ok(s)) s = tree_create(&self->proc, &t.writer, id, ret);
    if (ok(s)) s = txn_commit(&self->proc, &t, true);
    if (!ok(s)) fail("create", s);
}

static status insert_some(struct tree tree, uint64_t from, uint64_t to) {
    struct proc *p = &self->proc;
    struct txn t = {0};
    unsigned char key[8], value[VALUE_BYTES];
    TRY(txn_begin(p, &t, ISO_READ_COMMITTED, 0));
    TRY(txn_need_id(p, &t));
    for (uint64_t i = from; i < to; i++) {
        row_make(i, true, key, value);
        TRY(tree_insert(p, &t.writer, tree, key, sizeof key, value, sizeof value, txn_is_running,
                        NULL));
        if (i % TURN == 0) daemon_sleep(self, 0);
    }
    return txn_commit(p, &t, true);
}

/* Rows in the order of their keys, as COPY and index builds put them. */
static status fill_some(struct tree tree, uint64_t from, uint64_t to) {
    struct proc *p = &self->proc;
    struct txn t = {0};
    struct arena a;
    struct tree_fill f;
    unsigned char key[8], value[VALUE_BYTES];
    struct tree_value v = {value, sizeof value, false};
    TRY(txn_begin(p, &t, ISO_READ_COMMITTED, 0));
    TRY(txn_need_id(p, &t));
    arena_init(&a, 0);
    status s = tree_fill_init(&f, &a, tree, &t.writer, txn_is_running, 100);
    for (uint64_t i = from; ok(s) && i < to;) {
        row_make(i, false, key, value);
        s = tree_fill_add(&f, key, sizeof key, &v);
        if (ok(s)) i++;
        if (!status_is(s, ST_FULL)) continue;
        s = tree_fill_put(p, &f, false, NULL);
        daemon_sleep(self, 0);
    }
    if (ok(s)) s = tree_fill_put(p, &f, true, NULL);
    arena_free(&a);
    TRY(s);
    return txn_commit(p, &t, true);
}

static void insert_all(struct tree tree, uint64_t rows, bool shuffled) {
    for (uint64_t i = 0; i < rows; i += SYNCED) {
        uint64_t to = i + SYNCED < rows ? i + SYNCED : rows;
        status s = shuffled ? insert_some(tree, i, to) : fill_some(tree, i, to);
        if (!ok(s)) fail("insert", s);
    }
}

static void look_up(struct tree tree, uint64_t rows, uint64_t times) {
    unsigned char key[8], value[VALUE_BYTES];
    static char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    for (uint64_t i = 0; i < times; i++) {
        uint64_t row = row_at_random(i, rows);
        row_make(row, true, key, value);
        status s = tree_get(&self->proc, tree, key, sizeof key, buf, &e);
        if (!ok(s)) fail("look up", s);
        if (memcmp(e.value, value, sizeof value) != 0) fail("compare", STATUS(DATA_CORRUPTED));
        if (i % TURN == 0) daemon_sleep(self, 0);
    }
}

static uint64_t scan(struct tree tree) {
    struct arena a;
    struct tree_cursor c;
    struct tree_entry e;
    uint64_t n = 0, sum = 0;
    arena_init(&a, 0);
    status s = tree_cursor_init(&c, &a, tree);
    if (ok(s)) s = tree_cursor_seek(&self->proc, &c, "", 0, false, false);
    while (ok(s) && ok(s = tree_cursor_next(&self->proc, &c, &e))) {
        sum += e.value[0];
        if (++n % (TURN * 64) == 0) daemon_sleep(self, 0);
    }
    arena_free(&a);
    if (!status_is(s, ST_END)) fail("scan", s);
    return n + (sum == 0); /* all values are looked at */
}

/* ---- reads of what is not cached --------------------------------------------------------------
 */

struct readers {
    struct tree tree;
    uint64_t rows, next, done;
    double until;
    unsigned running;
};

/* Pages wait for storaged here, and other readers go on meanwhile. */
static void read_main(void *arg) {
    struct readers *r = arg;
    unsigned char key[8], value[VALUE_BYTES];
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    while (seconds_now() < r->until) {
        row_make(row_at_random(r->next++, r->rows), false, key, value);
        status s = tree_get(&self->proc, r->tree, key, sizeof key, buf, &e);
        if (!ok(s)) fail("read", s);
        if (memcmp(e.value, value, sizeof value) != 0) fail("compare", STATUS(DATA_CORRUPTED));
        if (++r->done % TURN == 0) daemon_sleep(self, 0);
    }
    r->running--;
}

static void read_at_depth(struct readers *r, unsigned depth, double seconds) {
    r->until = seconds_now() + seconds;
    r->done = 0;
    r->running = depth;
    for (unsigned i = 0; i < depth; i++)
        if (!ok(daemon_spawn(self, 64 << 10, read_main, r))) fail("spawn", STATUS(OUT_OF_MEMORY));
    while (r->running) daemon_sleep(self, 2000000);
}

static void measure_reads(uint64_t rows, char *depths, FILE *out) {
    double seconds = strtod(getenv("AXL_BENCH_SECONDS"), NULL);
    struct msg checkpoint = {.op = MSG_CHECKPOINT};
    struct readers r = {.rows = rows};
    make_tree(16384, &r.tree);
    insert_all(r.tree, rows, false);
    if (!ok(self->proc.env->call(&self->proc, SLOT_STORAGED, &checkpoint)))
        fail("checkpoint", STATUS(IO_ERROR));
    read_at_depth(&r, 32, seconds / 2); /* the inner pages are cached then */
    fputs("[", out);
    const char *comma = "";
    for (char *word; (word = strsep(&depths, ",")); comma = ", ") {
        uint64_t before = counter_own(&self->proc, COUNTER_PAGE_MISSES);
        double at = seconds_now();
        read_at_depth(&r, (unsigned)strtoul(word, NULL, 10), seconds);
        double took = seconds_since(&at);
        fprintf(out, "%s{\"depth\": %s, \"lookups\": %f, \"pages\": %f}", comma, word,
                (double)r.done / took,
                (double)(counter_own(&self->proc, COUNTER_PAGE_MISSES) - before) / took);
    }
    fputs("]\n", out);
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static void measure_trees(uint64_t rows, FILE *out) {
    struct tree random_tree, sorted_tree;
    struct figures f = {.rows = rows, .lookups = lookups_for(rows)};
    make_tree(16384, &random_tree);
    make_tree(16385, &sorted_tree);
    double at = seconds_now();
    insert_all(sorted_tree, rows, false);
    f.sorted_s = seconds_since(&at);
    insert_all(random_tree, rows, true);
    f.random_s = seconds_since(&at);
    look_up(random_tree, rows, f.lookups);
    f.lookup_s = seconds_since(&at);
    if (scan(random_tree) != rows) fail("count", STATUS(DATA_CORRUPTED));
    f.scan_s = seconds_since(&at);
    figures_write(&f, out);
}

static void measure([[maybe_unused]] void *arg) {
    uint64_t rows = strtoull(getenv("AXL_BENCH_ROWS"), NULL, 10);
    FILE *out = figures_open(self->data_dir);
    while (!atomic_load(&self->proc.shm->control->redo_done)) daemon_sleep(self, 2000000);
    if (getenv("AXL_BENCH_DEPTHS"))
        measure_reads(rows, getenv("AXL_BENCH_DEPTHS"), out);
    else
        measure_trees(rows, out);
    if (fclose(out) != 0) fail("bench.json", STATUS(IO_ERROR));
    daemon_ready(self);
}

static status init(struct daemon *d, [[maybe_unused]] struct error *e) {
    self = d;
    return d->proc.owner.slot == SLOT_QUERYD ? daemon_spawn(d, 0, measure, NULL) : OK;
}

static bool step(struct daemon *d) {
    if (stopping) daemon_stopped(d);
    return false;
}

static void stop([[maybe_unused]] struct daemon *d) {
    stopping = true;
}

static const struct daemon_ops ops = {
    .name = "queryd", .init_fresh = init, .init_restart = init, .step = step, .stop = stop};

int main(int argc, char **argv) {
    return daemon_main(argc, argv, &ops);
}
