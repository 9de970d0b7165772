#include "logd_world.h"

static const struct daemon_ops client_ops = {.name = "client"};

void must(status s) {
    if (!ok(s)) fail_msg("%s", status_name(s));
}

void must_say(struct world *w, status s) {
    if (!ok(s)) fail_msg("%s: %s", status_name(s), w->e.message);
}

uint64_t some(struct world *w, uint64_t n) {
    return ((uint64_t)rand_r(&w->random) << 16 ^ (uint64_t)rand_r(&w->random)) % n;
}

struct world *world_new(const char *kind, unsigned seed) {
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

void world_free(struct world *w) {
    char command[128];
    disk_sim_free(w->sim);
    snprintf(command, sizeof command, "rm -rf %s", w->path);
    assert_int_equal(system(command), 0);
    free(w->entries);
    free(w->last);
    free(w);
}

void power_on(struct world *w) {
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

void wait_recovered(struct world *w) {
    while (atomic_load(&w->shm.control->recovered_lsn) == 0) assert_true(daemon_turn(&w->logd, 1));
    assert_int_equal(atomic_load(&w->shm.control->procs[SLOT_LOGD].state), PROC_READY);
}

void power_off(struct world *w) {
    daemon_close(&w->logd);
    daemon_close(&w->client);
    region_detach_all(&w->shm);
}

struct world *world_started(const char *kind, unsigned seed) {
    struct world *w = world_new(kind, seed);
    power_on(w);
    wait_recovered(w);
    return w;
}

void restart(struct world *w) {
    power_off(w);
    power_on(w);
    wait_recovered(w);
}

bool turn_logd(struct world *w) {
    bool on = daemon_turn(&w->logd, 0);
    struct logd *l = logd_of(&w->logd);
    if (l->serving) assert_true(atomic_load(&w->shm.log->durable) <= l->flush.written);
    return on;
}

void body_run(void *world) {
    struct world *w = world;
    w->body(w);
    w->body_done = true;
}

void run(struct world *w, void (*body)(struct world *w)) {
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

void insert(struct world *w, uint16_t type, txid x, uint32_t len) {
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

void insert_commit(struct world *w, txid x) {
    static _Atomic uint64_t map;
    commit_time time;
    must(log_room_for_commit(&w->client.proc));
    lsn end = log_commit(&w->client.proc, x, (lsn){w->last[x]}, &map, &time);
    remember(w, end.at - LOG_COMMIT_BYTES, LOG_COMMIT_BYTES, REC_COMMIT, x);
}

uint64_t model_end(const struct world *w) {
    const struct entry *last = &w->entries[w->count - 1];
    return w->count ? last->at + last->len : LOG_FIRST.at;
}

void some_record(struct world *w) {
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

void wait_all(struct world *w) {
    must(log_wait_durable(&w->client.proc, (lsn){model_end(w)}));
    w->acknowledged = model_end(w);
    assert_true(atomic_load(&w->shm.log->durable) >= w->acknowledged);
}

void check_log(struct world *w) {
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

bool is_open_in_model(const struct world *w, txid x, uint64_t *ret_first) {
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

void check_losers(struct world *w) {
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

void reconcile(struct world *w) {
    uint64_t end = atomic_load(&w->shm.control->recovered_lsn);
    assert_true(end >= w->acknowledged);
    while (w->count && w->entries[w->count - 1].at >= end) w->count--;
    assert_int_equal(model_end(w), end);
    assert_int_equal(atomic_load(&w->shm.log->durable), end);
    commit_time visible = atomic_load(&w->shm.log->visible);
    assert_int_equal(visible, atomic_load(&w->shm.log->last_commit));
}

void end_all(struct world *w) {
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

void check_orphans_are_open(struct world *w) {
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

void write_and_wait(struct world *w) {
    for (unsigned i = 0; i < 2000; i++) {
        some_record(w);
        if (i % 100 == 0) wait_all(w);
    }
    wait_all(w);
}

void wait_room_is_enough(struct world *w) {
    for (unsigned i = 0; i < 1000; i++) insert(w, REC_FILLER, 1, REC_BYTES_MAX);
    wait_all(w);
}

void stop_logd(struct world *w) {
    daemon_stop(&w->logd);
    for (unsigned i = 0; daemon_turn(&w->logd, 1); i++) assert_true(i < 100000);
}
