/* Lives of logd begin, are killed and restarted; power is cut on a simulated disk; what was
 * acknowledged is compared with a model. */
#include "logd_world.h"

/* Writes, an orderly stop, everything found again: first over one kind, then with the log several
 * times as long as the ring. */
static void found_again(const char *kind) {
    struct world *w = world_started(kind, 11);
    assert_int_equal(atomic_load(&w->shm.control->recovered_lsn), LOG_FIRST.at);
    run(w, write_and_wait);
    run(w, check_log);
    run(w, wait_room_is_enough);
    run(w, check_log);
    assert_true(model_end(w) > 3 * w->sizes.ring_bytes);
    some_record(w);
    stop_logd(w);
    restart(w);
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
    struct world *w = world_started("sim", 5);
    run(w, write_and_wait);
    restart(w);
    reconcile(w);
    check_losers(w);
    assert_true(atomic_load(&w->shm.txn->next_txid) >= w->next_x);
    power_off(w);
    world_free(w);
}

/* logd dies between any two turns and is born again; the ring goes on. */
static void restarts_go_on_at_durable(void **state) {
    (void)state;
    struct world *w = world_started("sim", 3);
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
    restart(w);
    reconcile(w);
    run(w, check_log);
    power_off(w);
    world_free(w);
}

static void unreachable_segments_are_recycled(void **state) {
    (void)state;
    struct world *w = world_started("sim", 8);
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
    restart(w);
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
    struct world *w = world_started("sim", 2);
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
    };
    return cmocka_run_group_tests_name("logd", tests, NULL, NULL);
}
