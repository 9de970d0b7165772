/* logd whole, with a client beside it in one thread: both turn by turns, over real rings. Lives of
 * logd begin, are killed and restarted; power is cut on a simulated disk; what was acknowledged is
 * compared with a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/control.h"
#include "conf/conf.h"
#include "disk/disk_sim.h"
#include "ipc_region.h"
#include "logd.h"
#include "test_keys.h"
#include "txn/txn_recover.h"

#define SEGMENT ((uint64_t)1 << 20)
#define RECORDS_MAX 200000
#define TXNS 8
#define APPLIANCE 0x1234

struct entry {
    uint64_t at;
    uint32_t len;
    uint16_t type;
    txid x;
};

struct world {
    char path[64];
    struct disk_sim *sim;
    struct conf conf;
    struct shm_sizes sizes;
    struct shm shm;
    struct daemon logd, client;
    bool sealed; /* the log is encrypted */
    struct error e;
    unsigned random;
    /* the model: every record inserted that has not been lost */
    struct entry *entries;
    unsigned count;
    uint64_t acknowledged; /* LSN told durable */
    txid next_x;
    txid open[TXNS]; /* transactions under way; 0: none */
    uint64_t *last;  /* the newest record of each */
    uint64_t keep;
    bool body_done;
    void (*body)(struct world *w);
    _Alignas(8) char buf[LOG_SCAN_BYTES];
    char record[REC_BYTES_MAX];
};

static const struct daemon_ops client_ops = {.name = "client"};

static void must(status s) {
    if (!ok(s)) fail_msg("%s", status_name(s));
}

static void must_say(struct world *w, status s) {
    if (!ok(s)) fail_msg("%s: %s", status_name(s), w->e.message);
}

static uint64_t some(struct world *w, uint64_t n) {
    return ((uint64_t)rand_r(&w->random) << 16 ^ (uint64_t)rand_r(&w->random)) % n;
}

static struct world *world_new(const char *kind, unsigned seed) {
    struct world *w = aligned_alloc(64, (sizeof *w + 63) / 64 * 64);
    memset(w, 0, sizeof *w);
    strcpy(w->path, "/tmp/axolotl_logd_XXXXXX");
    assert_non_null(mkdtemp(w->path));
    w->sim = disk_sim_new(seed, 0);
    conf_init(&w->conf);
    strcpy(w->conf.io_method, kind);
    w->conf.log_keep_size = 0;
    w->conf.shared_buffers = 1 << 20;
    w->conf.log_ring_size = 8 << 20;
    w->conf.max_connections = 10;
    w->conf.workers = 1;
    region_sizes(&w->conf, &w->sizes);
    w->entries = calloc(RECORDS_MAX, sizeof *w->entries);
    w->last = calloc(RECORDS_MAX, sizeof *w->last);
    w->random = seed;
    w->next_x = 1;
    w->acknowledged = LOG_FIRST.at;
    w->keep = LOG_FIRST.at;
    w->sealed = test_keys_from_environment(APPLIANCE);
    must(logd_format(w->path, kind, SEGMENT, APPLIANCE));
    return w;
}

static void world_free(struct world *w) {
    char command[128];
    disk_sim_free(w->sim);
    snprintf(command, sizeof command, "rm -rf %s", w->path);
    assert_int_equal(system(command), 0);
    free(w->entries);
    free(w->last);
    free(w);
}

/* Power on: empty regions, what storaged would say of its data file, a logd and a client. */
static void power_on(struct world *w) {
    must_say(w, region_create_all(NULL, &w->sizes, &w->shm, &w->e));
    struct control *c = w->shm.control;
    c->appliance_id = APPLIANCE;
    must_say(w,
             daemon_open(&w->logd, &logd_ops, &w->shm, SLOT_LOGD, &w->conf, w->path, false, &w->e));
    must_say(w, daemon_open(&w->client, &client_ops, &w->shm, SLOT_QUERYD, &w->conf, w->path, false,
                            &w->e));
    for (unsigned i = 0; i < 3; i++) assert_true(daemon_turn(&w->logd, 0));
    assert_int_equal(atomic_load(&c->recovered_lsn), 0);
    atomic_store(&c->undo_lsn, w->keep);
    atomic_store(&c->purge_lsn, w->keep);
    atomic_store(&c->next_txid, 1);
    atomic_store(&c->redo_lsn, w->keep);
}

static void wait_recovered(struct world *w) {
    while (atomic_load(&w->shm.control->recovered_lsn) == 0) assert_true(daemon_turn(&w->logd, 1));
    assert_int_equal(atomic_load(&w->shm.control->procs[SLOT_LOGD].state), PROC_READY);
}

static void power_off(struct world *w) {
    daemon_close(&w->logd);
    daemon_close(&w->client);
    region_detach_all(&w->shm);
}

/* A turn of logd; what it calls durable is in the files. */
static bool turn_logd(struct world *w) {
    bool on = daemon_turn(&w->logd, 0);
    struct logd *l = logd_of(&w->logd);
    if (l->serving) assert_true(atomic_load(&w->shm.log->durable) <= l->flush.written);
    return on;
}

static void body_run(void *arg) {
    struct world *w = arg;
    w->body(w);
    w->body_done = true;
}

/* Runs body as a coroutine of the client until it ends. */
static void run(struct world *w, void (*body)(struct world *w)) {
    w->body = body;
    w->body_done = false;
    must(daemon_spawn(&w->client, 1 << 20, body_run, w));
    while (!w->body_done) {
        assert_true(daemon_turn(&w->client, 0));
        assert_true(turn_logd(w));
    }
}

/* The bytes of a record are determined by where it lies. */
static void fill_body(char *body, size_t bytes, uint64_t at) {
    for (size_t i = 0; i < bytes; i++) body[i] = (char)(at * 31 + i * 7);
}

static void remember(struct world *w, uint64_t at, uint32_t len, uint16_t type, txid x) {
    assert_true(w->count < RECORDS_MAX);
    w->entries[w->count++] = (struct entry){.at = at, .len = len, .type = type, .x = x};
}

static void insert(struct world *w, uint16_t type, txid x, uint32_t len) {
    struct proc *p = &w->client.proc;
    lsn at;
    must(log_room_for_commit(p));
    struct rec_head *r = log_reserve(p, len, &at);
    *r = (struct rec_head){.len = len, .type = type, .txid = x, .txn_prev = w->last[x]};
    w->last[x] = at.at;
    fill_body((char *)(r + 1), len - sizeof *r, at.at);
    log_publish(p);
    log_change_done(p);
    remember(w, at.at, len, type, x);
}

static void insert_commit(struct world *w, txid x) {
    static _Atomic uint64_t map;
    commit_time time;
    must(log_room_for_commit(&w->client.proc));
    lsn end = log_commit(&w->client.proc, x, (lsn){w->last[x]}, &map, &time);
    remember(w, end.at - LOG_COMMIT_BYTES, LOG_COMMIT_BYTES, REC_COMMIT, x);
}

static uint64_t model_end(const struct world *w) {
    const struct entry *last = &w->entries[w->count - 1];
    return w->count ? last->at + last->len : LOG_FIRST.at;
}

static void some_record(struct world *w) {
    txid *x = &w->open[some(w, TXNS)];
    uint32_t len = 32 + (uint32_t)some(w, some(w, 10) ? 500 : REC_BYTES_MAX - 32);
    if (*x && some(w, 4) == 0) {
        if (some(w, 2))
            insert_commit(w, *x);
        else
            insert(w, REC_ROLLED_BACK, *x, 32);
        *x = 0;
        return;
    }
    if (!*x) *x = w->next_x++;
    insert(w, REC_FILLER, *x, (len + 7) & ~7u);
}

static void wait_all(struct world *w) {
    must(log_wait_durable(&w->client.proc, (lsn){model_end(w)}));
    w->acknowledged = model_end(w);
    assert_true(atomic_load(&w->shm.log->durable) >= w->acknowledged);
}

/* Everything from keep on is there, in order and unchanged, up to the end of the log. */
static void check_log(struct world *w) {
    struct log_scan s;
    const struct rec_head *r;
    lsn at;
    unsigned i = 0;
    while (i < w->count && w->entries[i].at < w->keep) i++;
    log_scan_begin(&s, (lsn){w->keep}, w->buf);
    status got;
    while (ok(got = log_scan_next(&w->client.proc, &s, log_complete(w->shm.log), &r, &at))) {
        assert_true(i < w->count);
        const struct entry *e = &w->entries[i++];
        assert_int_equal(at.at, e->at);
        assert_int_equal(r->len, e->len);
        assert_int_equal(r->type, e->type);
        assert_int_equal(r->txid, e->x);
        if (r->type == REC_COMMIT) continue;
        fill_body(w->record, e->len - sizeof *r, e->at);
        assert_memory_equal(w->record, r + 1, e->len - sizeof *r);
    }
    assert_int_equal(got.code, ST_END);
    assert_int_equal(i, w->count);
}

static bool is_open_in_model(const struct world *w, txid x, uint64_t *ret_first) {
    bool open = false;
    *ret_first = 0;
    for (unsigned i = 0; i < w->count; i++) {
        const struct entry *e = &w->entries[i];
        if (e->x != x) continue;
        if (!*ret_first) *ret_first = e->at;
        open = e->type == REC_FILLER;
    }
    return open;
}

/* The transactions that analysis adopted are those without an end in what is left of the log. */
static void check_losers(struct world *w) {
    unsigned orphans = 0, expected = 0;
    for (uint32_t i = 0; i < w->sizes.txns; i++) {
        struct txn_slot *slot = txn_slot_at(&w->shm, i);
        if ((atomic_load(&slot->word) & 0xff) != TXN_ORPHAN) continue;
        uint64_t first;
        orphans++;
        assert_true(is_open_in_model(w, atomic_load(&slot->x), &first));
        assert_int_equal(atomic_load(&slot->first_lsn), first);
    }
    for (unsigned i = 0; i < TXNS; i++) {
        uint64_t first;
        if (w->open[i] && is_open_in_model(w, w->open[i], &first)) expected++;
    }
    assert_int_equal(orphans, expected);
}

/* After a power cut: what the log lost, the model forgets; but nothing acknowledged. The losers are
 * compared, then ended by hand. */
static void reconcile(struct world *w) {
    uint64_t end = atomic_load(&w->shm.control->recovered_lsn);
    assert_true(end >= w->acknowledged);
    while (w->count && w->entries[w->count - 1].at >= end) w->count--;
    assert_int_equal(model_end(w), end);
    assert_int_equal(atomic_load(&w->shm.log->durable), end);
    commit_time visible = atomic_load(&w->shm.log->visible);
    assert_int_equal(visible, atomic_load(&w->shm.log->last_commit));
}

static void end_all(struct world *w) {
    for (unsigned i = 0; i < TXNS; i++) {
        uint64_t first;
        if (w->open[i] && is_open_in_model(w, w->open[i], &first))
            insert(w, REC_ROLLED_BACK, w->open[i], 32);
        w->open[i] = 0;
    }
    /* a commit that was lost left its transaction open, though the model thought it closed */
    for (uint32_t i = 0; i < w->sizes.txns; i++) {
        struct txn_slot *slot = txn_slot_at(&w->shm, i);
        uint64_t first;
        txid x = atomic_load(&slot->x);
        if ((atomic_load(&slot->word) & 0xff) == TXN_ORPHAN && is_open_in_model(w, x, &first))
            insert(w, REC_ROLLED_BACK, x, 32);
    }
}

static void check_orphans_are_open(struct world *w) {
    for (uint32_t i = 0; i < w->sizes.txns; i++) {
        struct txn_slot *slot = txn_slot_at(&w->shm, i);
        if ((atomic_load(&slot->word) & 0xff) != TXN_ORPHAN) continue;
        uint64_t first;
        assert_true(is_open_in_model(w, atomic_load(&slot->x), &first));
        assert_int_equal(atomic_load(&slot->first_lsn), first);
    }
    for (unsigned i = 0; i < TXNS; i++) {
        uint64_t first;
        if (!w->open[i] || !is_open_in_model(w, w->open[i], &first)) continue;
        assert_int_equal(txn_fate(&w->shm, w->open[i], NULL, NULL), FATE_RUNNING);
    }
}

static void write_and_wait(struct world *w) {
    for (unsigned i = 0; i < 2000; i++) {
        some_record(w);
        if (i % 100 == 0) wait_all(w);
    }
    wait_all(w);
}

static void wait_room_is_enough(struct world *w) {
    for (unsigned i = 0; i < 1000; i++) insert(w, REC_FILLER, 1, REC_BYTES_MAX);
    wait_all(w);
}

static void stop_logd(struct world *w) {
    daemon_stop(&w->logd);
    for (unsigned i = 0; daemon_turn(&w->logd, 1); i++) assert_true(i < 100000);
}

/* Writes, an orderly stop, everything found again: first over one kind, then with the log several
 * times as long as the ring. */
static void found_again(const char *kind) {
    struct world *w = world_new(kind, 11);
    power_on(w);
    wait_recovered(w);
    assert_int_equal(atomic_load(&w->shm.control->recovered_lsn), LOG_FIRST.at);
    run(w, write_and_wait);
    run(w, check_log);
    run(w, wait_room_is_enough);
    run(w, check_log);
    assert_true(model_end(w) > 3 * w->sizes.ring_bytes);
    some_record(w);
    stop_logd(w);
    power_off(w);
    power_on(w);
    wait_recovered(w);
    assert_int_equal(atomic_load(&w->shm.control->recovered_lsn), model_end(w));
    reconcile(w);
    run(w, check_log);
    run(w, write_and_wait);
    run(w, check_log);
    power_off(w);
    world_free(w);
}

static void found_again_uring(void **state) {
    (void)state;
    found_again("uring");
}
static void found_again_plain(void **state) {
    (void)state;
    found_again("plain");
}
static void found_again_sim(void **state) {
    (void)state;
    found_again("sim");
}

static void losers_are_adopted(void **state) {
    (void)state;
    struct world *w = world_new("sim", 5);
    power_on(w);
    wait_recovered(w);
    run(w, write_and_wait);
    power_off(w);
    power_on(w);
    wait_recovered(w);
    reconcile(w);
    check_losers(w);
    assert_true(atomic_load(&w->shm.txn->next_txid) >= w->next_x);
    power_off(w);
    world_free(w);
}

/* logd dies between any two turns and is born again; the ring goes on. */
static void restarts_go_on_at_durable(void **state) {
    (void)state;
    struct world *w = world_new("sim", 3);
    power_on(w);
    wait_recovered(w);
    for (unsigned life = 0; life < 60; life++) {
        for (unsigned i = 0, n = (unsigned)some(w, 60); i < n; i++) some_record(w);
        for (unsigned i = 0, n = (unsigned)some(w, 12); i < n; i++)
            assert_true(daemon_turn(&w->logd, 0));
        for (unsigned i = 0, n = (unsigned)some(w, 30); i < n; i++) some_record(w);
        commit_time visible = atomic_load(&w->shm.log->visible);
        daemon_close(&w->logd);
        must_say(w, daemon_open(&w->logd, &logd_ops, &w->shm, SLOT_LOGD, &w->conf, w->path, true,
                                &w->e));
        assert_true(atomic_load(&w->shm.log->visible) >= visible);
        if (life % 10 == 9) {
            run(w, wait_all);
            run(w, check_log);
        }
    }
    run(w, wait_all);
    assert_int_equal(atomic_load(&w->shm.log->visible), atomic_load(&w->shm.log->last_commit));
    power_off(w);
    power_on(w);
    wait_recovered(w);
    reconcile(w);
    run(w, check_log);
    power_off(w);
    world_free(w);
}

static void unreachable_segments_are_recycled(void **state) {
    (void)state;
    struct world *w = world_new("sim", 8);
    power_on(w);
    wait_recovered(w);
    for (unsigned i = 0; i < 30; i++) {
        run(w, write_and_wait);
        const struct entry *e = &w->entries[w->count - 1 - some(w, 1000)];
        if (e->at > w->keep) w->keep = e->at;
        atomic_store(&w->shm.log->keep, w->keep);
        if (w->count > RECORDS_MAX - 5000) break;
    }
    for (unsigned i = 0; i < 200; i++) assert_true(daemon_turn(&w->logd, 0));
    uint64_t oldest = atomic_load(&w->shm.log->oldest);
    assert_true(oldest > LOG_FIRST.at + 10 * SEGMENT);
    assert_true(oldest <= w->keep);
    assert_true(w->keep - oldest < 2 * SEGMENT);
    struct logd *l = logd_of(&w->logd);
    assert_in_range(l->segments.count, 2, 16);
    run(w, check_log);
    power_off(w);
    power_on(w);
    wait_recovered(w);
    reconcile(w);
    run(w, check_log);
    assert_true(oldest <= atomic_load(&w->shm.log->oldest));
    power_off(w);
    world_free(w);
}

static void read_strange_places(struct world *w) {
    struct proc *p = &w->client.proc;
    char *buf = w->record;
    uint64_t end = model_end(w);
    assert_int_equal(log_read(p, (lsn){end}, buf).code, ST_INVALID);
    assert_int_equal(log_read(p, (lsn){8}, buf).code, ST_STALE);
    assert_int_equal(log_read(p, (lsn){LOG_FIRST.at + 8}, buf).code, ST_DATA_CORRUPTED);
    must(log_read(p, LOG_FIRST, buf));
    static _Alignas(8) char run[LOG_SCAN_BYTES];
    struct log_back b;
    const struct rec_head *r;
    log_back_begin(&b, run);
    must(log_back_read(p, &b, (lsn){w->entries[1].at}, &r)); /* the first record comes with it */
    assert_int_equal(r->len, w->entries[1].len);
    assert_int_equal(b.base.at, LOG_FIRST.at);
    must(log_back_read(p, &b, LOG_FIRST, &r));
    assert_int_equal(log_back_read(p, &b, (lsn){8}, &r).code, ST_STALE);
    assert_int_equal(log_back_read(p, &b, (lsn){w->entries[1].at + 8}, &r).code, ST_DATA_CORRUPTED);
    assert_int_equal(log_wait_durable(p, (lsn){end + 8}).code, ST_INVALID);
}

static void strange_requests_are_refused(void **state) {
    (void)state;
    struct world *w = world_new("sim", 2);
    power_on(w);
    wait_recovered(w);
    run(w, wait_room_is_enough); /* so that the first record has left the ring */
    run(w, read_strange_places);
    power_off(w);
    world_free(w);
}

/* Power cuts: lives of random work cut at a random turn, also during recovery. */
static bool try_turns(struct world *w, unsigned turns) {
    for (unsigned i = 0; i < turns; i++) {
        if (!daemon_turn(&w->client, 0) || !turn_logd(w)) return false;
    }
    return true;
}

/* As a checkpoint would, after which all that was inserted is durable: the first record of an open
 * transaction stays. */
static void move_keep(struct world *w) {
    if (w->count < 3000) return;
    uint64_t keep = w->entries[w->count - 1 - some(w, 2000)].at;
    for (unsigned i = 0; i < TXNS; i++) {
        uint64_t first;
        if (w->open[i] && is_open_in_model(w, w->open[i], &first) && first < keep) keep = first;
    }
    if (keep > w->keep) w->keep = keep;
    atomic_store(&w->shm.log->keep, w->keep);
}

static void work_for_ever(struct world *w) {
    for (;;) {
        unsigned n = (unsigned)some(w, 200);
        for (unsigned i = 0; i < n; i++) some_record(w);
        if (some(w, 3) == 0) continue;
        if (!ok(log_wait_durable(&w->client.proc, (lsn){model_end(w)}))) return;
        w->acknowledged = model_end(w);
        if (some(w, 20) == 0) move_keep(w);
    }
}

static void power_cuts(unsigned seed, unsigned lives) {
    struct world *w = world_new("sim", seed);
    for (unsigned life = 0; life < lives; life++) {
        power_on(w);
        if (some(w, 3) == 0) { /* cut during recovery */
            (void)try_turns(w, (unsigned)some(w, 12));
            disk_sim_crash(w->sim, seed * 1000 + life);
            power_off(w);
            power_on(w);
        }
        wait_recovered(w);
        reconcile(w);
        check_orphans_are_open(w);
        run(w, check_log);
        end_all(w);
        w->body = work_for_ever;
        must(daemon_spawn(&w->client, 1 << 20, body_run, w));
        assert_true(try_turns(w, 20 + (unsigned)some(w, 400)));
        disk_sim_crash(w->sim, seed * 1000 + life);
        power_off(w);
        if (w->count > RECORDS_MAX / 2) break;
    }
    world_free(w);
}

static void acknowledged_survives_power_cuts(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 12; seed++) power_cuts(seed, 12);
}

/* Where a byte of segment 0 lies in its file, and how much log a block holds. */
static uint64_t file_offset(const struct world *w, uint64_t at) {
    uint64_t log = at - LOG_FIRST.at;
    if (!w->sealed) return SEGMENT_HEAD_BYTES + log;
    return SEGMENT_HEAD_BYTES + log / SECTOR_CONTENT_BYTES * SECTOR_BYTES +
           log % SECTOR_CONTENT_BYTES;
}
static uint64_t block_bytes(const struct world *w) {
    return w->sealed ? SEGMENT_BLOCK_SEALED : SEGMENT_BLOCK_PLAIN;
}

/* A spoilt byte anywhere in the last record ends the log before it; garbage behind the end, and
 * whole old records there, do not lengthen it. */
static void every_torn_byte_ends_the_log(void **state) {
    (void)state;
    struct world *w = world_new("sim", 4);
    if (w->sealed) { /* there a sector ends it: the test below */
        world_free(w);
        return;
    }
    power_on(w);
    wait_recovered(w);
    insert(w, REC_FILLER, 1, 32 + 4096 - 160);
    for (unsigned byte = 0; byte < 240; byte++) {
        uint64_t end = model_end(w);
        insert(w, REC_FILLER, 2, 160);
        insert(w, REC_FILLER, 2, 80);
        stop_logd(w);
        power_off(w);
        disk_sim_flip(w->sim, "0000000000000000.seg", end + byte, byte % 8);
        power_on(w);
        wait_recovered(w);
        assert_int_equal(atomic_load(&w->shm.control->recovered_lsn), byte < 160 ? end : end + 160);
        w->count -= byte < 160 ? 2 : 1;
        w->acknowledged = model_end(w);
        run(w, check_log);
        if (byte >= 160) { /* back to where we were, for the next byte */
            w->keep = model_end(w);
        }
    }
    power_off(w);
    world_free(w);
}

/* Of an encrypted log each byte of a sector, its tail too, ends the log with the last record that
 * lies before that sector. */
static void every_spoilt_byte_of_a_sector_ends_the_log(void **state) {
    (void)state;
    struct world *w = world_new("sim", 4);
    for (unsigned byte = 0; w->sealed && byte < SECTOR_BYTES; byte += 7) {
        power_on(w);
        wait_recovered(w);
        uint64_t end = model_end(w), gone = 0;
        uint64_t first = (end - LOG_FIRST.at) / SECTOR_CONTENT_BYTES + 2; /* a sector to spoil */
        for (; gone < 12; gone++) insert(w, REC_FILLER, 2, 160);
        stop_logd(w);
        power_off(w);
        disk_sim_flip(w->sim, "0000000000000000.seg",
                      SEGMENT_HEAD_BYTES + first * SECTOR_BYTES + byte, byte % 8);
        while (w->entries[w->count - 1].at + 160 > LOG_FIRST.at + first * SECTOR_CONTENT_BYTES)
            w->count--;
        power_on(w);
        wait_recovered(w);
        w->acknowledged = model_end(w);
        assert_int_equal(atomic_load(&w->shm.control->recovered_lsn), w->acknowledged);
        run(w, check_log);
        stop_logd(w);
        power_off(w);
    }
    world_free(w);
}

/* A record that a torn write left behind the end is not met again when a later record, after the
 * recovery, ends just before it. */
static void what_was_lost_stays_lost(void **state) {
    (void)state;
    struct world *w = world_new("sim", 4);
    power_on(w);
    wait_recovered(w);
    for (unsigned round = 0; round < 4; round++) {
        uint64_t end = model_end(w);
        /* up to a block's end, so that writing it again leaves the next block alone */
        uint64_t block = block_bytes(w);
        uint32_t len = (uint32_t)(2 * block - (end - LOG_FIRST.at) % block);
        insert(w, REC_FILLER, 2, len);
        insert(w, REC_FILLER, 2, 80);
        insert(w, REC_FILLER, 2, round % 2 ? 80 : REC_BYTES_MAX);
        stop_logd(w);
        power_off(w);
        disk_sim_flip(w->sim, "0000000000000000.seg", file_offset(w, end + 40), 3);
        w->count -= 3;
        for (unsigned life = 0; life < 2; life++) {
            power_on(w);
            wait_recovered(w);
            assert_int_equal(atomic_load(&w->shm.control->recovered_lsn),
                             life == 0 ? end : end + len);
            w->acknowledged = model_end(w);
            run(w, check_log);
            if (life == 1) break;
            insert(w, REC_FILLER, 2, len);
            stop_logd(w);
            power_off(w);
        }
    }
    power_off(w);
    world_free(w);
}

static void commit_fails(struct world *w) {
    struct proc *p = &w->client.proc;
    some_record(w);
    assert_int_equal(log_wait_durable(p, (lsn){model_end(w)}).code, ST_IO_ERROR);
    assert_int_equal(log_room(p).code, ST_IO_ERROR);
}

static void commits_still_fail(struct world *w) {
    struct proc *p = &w->client.proc;
    assert_int_equal(log_wait_durable(p, (lsn){model_end(w)}).code, ST_IO_ERROR);
    assert_int_equal(log_room(p).code, ST_IO_ERROR);
}

static void a_failed_write_is_not_repeated(void **state) {
    (void)state;
    struct world *w = world_new("sim", 6);
    power_on(w);
    wait_recovered(w);
    run(w, write_and_wait);
    for (unsigned i = 0; i < 200; i++) assert_true(daemon_turn(&w->logd, 0));
    disk_sim_fail(w->sim, 1, ST_IO_ERROR, false);
    run(w, commit_fails);
    daemon_close(&w->logd);
    must_say(w,
             daemon_open(&w->logd, &logd_ops, &w->shm, SLOT_LOGD, &w->conf, w->path, true, &w->e));
    run(w, commits_still_fail);
    power_off(w);
    power_on(w);
    wait_recovered(w);
    reconcile(w);
    run(w, check_log);
    power_off(w);
    world_free(w);
}

static status write_until_refused(struct world *w, status (*room)(struct proc *p)) {
    status s = OK;
    for (unsigned i = 0; i < 100000 && ok(s); i++) {
        s = room(&w->client.proc);
        if (!ok(s)) break;
        some_record(w);
        if (i % 4 == 0) s = log_wait_durable(&w->client.proc, (lsn){model_end(w)});
        if (ok(s) && i % 4 == 0) w->acknowledged = model_end(w);
    }
    return s;
}

/* Changes are refused while there is room for what is in the log already, and for commits. */
static void write_until_full(struct world *w) {
    assert_int_equal(write_until_refused(w, log_room).code, ST_DISK_FULL);
    must(log_wait_durable(&w->client.proc, (lsn){model_end(w)}));
    must(log_room_for_commit(&w->client.proc));
    w->acknowledged = model_end(w);
    assert_int_equal(write_until_refused(w, log_room_for_commit).code, ST_DISK_FULL);
}

static void write_when_there_is_room_again(struct world *w) {
    status s;
    while (status_is(s = log_wait_durable(&w->client.proc, (lsn){model_end(w)}), ST_DISK_FULL))
        w->client.proc.env->pause(&w->client.proc);
    must(s);
    while (status_is(s = log_room(&w->client.proc), ST_DISK_FULL))
        w->client.proc.env->pause(&w->client.proc);
    must(s);
    write_and_wait(w);
}

static void a_full_disk_is_waited_out(void **state) {
    (void)state;
    struct world *w = world_new("sim", 9);
    power_on(w);
    wait_recovered(w);
    disk_sim_set_capacity(w->sim, 5 * SEGMENT);
    run(w, write_until_full);
    assert_true(w->acknowledged > 3 * SEGMENT);
    disk_sim_set_capacity(w->sim, 0);
    run(w, write_when_there_is_room_again);
    run(w, check_log);
    power_off(w);
    power_on(w);
    wait_recovered(w);
    reconcile(w);
    run(w, check_log);
    power_off(w);
    world_free(w);
}

static void opening_fails(struct world *w, enum status_code code) {
    must_say(w, region_create_all(NULL, &w->sizes, &w->shm, &w->e));
    w->shm.control->appliance_id = APPLIANCE;
    status s =
        daemon_open(&w->logd, &logd_ops, &w->shm, SLOT_LOGD, &w->conf, w->path, false, &w->e);
    assert_int_equal(s.code, code);
    assert_true(w->e.message[0]);
    error_clear(&w->e);
    region_detach_all(&w->shm);
}

static void strange_segments_are_refused(void **state) {
    (void)state;
    struct world *w = world_new("sim", 1);
    disk_sim_flip(w->sim, "0000000000000001.seg", 20, 1);
    opening_fails(w, ST_DATA_CORRUPTED);
    disk_sim_flip(w->sim, "0000000000000001.seg", 20, 1);
    struct disk *d;
    must(disk_open("sim", 1, -1, &d));
    must(disk_file_rename(d, 0, "0000000000000001.seg", "0000000000000002.seg"));
    must(disk_file_sync_dir(d, 0));
    disk_close(d);
    power_on(w); /* its head has another number: as if recycling had been interrupted */
    wait_recovered(w);
    run(w, write_and_wait);
    power_off(w);
    must(disk_open("sim", 1, -1, &d));
    must(disk_file_remove(d, 0, "0000000000000000.seg"));
    must(disk_file_remove(d, 0, "0000000000000001.seg"));
    disk_close(d);
    power_on(w);
    while (daemon_turn(&w->logd, 1))
        assert_int_equal(atomic_load(&w->shm.control->recovered_lsn), 0);
    assert_int_equal(atomic_load(&w->shm.control->recovered_lsn), 0);
    power_off(w);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_again_sim),
        cmocka_unit_test(found_again_uring),
        cmocka_unit_test(found_again_plain),
        cmocka_unit_test(losers_are_adopted),
        cmocka_unit_test(restarts_go_on_at_durable),
        cmocka_unit_test(unreachable_segments_are_recycled),
        cmocka_unit_test(strange_requests_are_refused),
        cmocka_unit_test(acknowledged_survives_power_cuts),
        cmocka_unit_test(every_torn_byte_ends_the_log),
        cmocka_unit_test(every_spoilt_byte_of_a_sector_ends_the_log),
        cmocka_unit_test(what_was_lost_stays_lost),
        cmocka_unit_test(a_failed_write_is_not_repeated),
        cmocka_unit_test(a_full_disk_is_waited_out),
        cmocka_unit_test(strange_segments_are_refused),
    };
    return cmocka_run_group_tests_name("logd", tests, NULL, NULL);
}
