/* Flushes that fail: what they were to make stable may be lost, whatever the next one says. */
#include "backup/backup.h"
#include "model.h"

#define FAR_PAGE 1000 /* of no tree here */
#define FAR_LSN 123456

static void save_twice(void *storaged) {
    struct storaged *s = storaged;
    home_lsn_put(s, FAR_PAGE, FAR_LSN);
    assert_true(status_is(home_lsn_save(s, s->file.redo_lsn), ST_IO_ERROR));
    assert_true(ok(home_lsn_save(s, s->file.redo_lsn)));
    s->homes.spoilt = 1; /* says that it is done */
}

/* What was to be known of pages' LSNs is written again at the next checkpoint. */
static void lsns_are_written_again([[maybe_unused]] void **state) {
    struct world w;
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct model *m = model_begin(&w, 71);
        struct storaged *s = w.storaged.state;
        disk_sim_fail_one(w.sim, DISK_SIM_FLUSHES, 1, ST_IO_ERROR, false);
        assert_true(ok(daemon_spawn(&w.storaged, 0, save_twice, s)));
        while (!s->homes.spoilt) assert_true(daemon_turn(&w.storaged, 0));
        world_crash(&w, seed);
        model_crash(&w, m);
        world_start(&w);
        assert_int_equal(home_lsn(w.storaged.state, FAR_PAGE, NULL), FAR_LSN);
        model_end(&w, m);
    }
}

static void checkpoint(struct world *w, [[maybe_unused]] void *arg) {
    struct msg c = {.op = MSG_CHECKPOINT};
    assert_true(ok(w->worker.proc.env->call(&w->worker.proc, SLOT_STORAGED, &c)));
}

/* Two writers are at work: a flush that fails for one has forgotten pages of the other, too, whose
 * own flush succeeds. After a checkpoint every page is at home as it was written. */
static void pages_are_written_again([[maybe_unused]] void **state) {
    for (uint64_t nth = 1; nth <= 24; nth++) {
        struct world w;
        struct model *m = model_new(73 + nth);
        world_make(&w, 512, "sim");
        world_start(&w);
        world_run(&w, make_tree, m, NULL);
        m->changes_left = 12000;
        world_run(&w, change_many, m, NULL);
        disk_sim_fail_one(w.sim, DISK_SIM_FLUSHES, nth, ST_IO_ERROR, false);
        world_run(&w, checkpoint, m, NULL);
        disk_sim_fail_one(w.sim, DISK_SIM_FLUSHES, 0, ST_OK, false);
        uint64_t rebuilt = world_counter(&w, COUNTER_PAGES_REBUILT);
        world_crash(&w, nth);
        model_crash(&w, m);
        world_start(&w);
        world_run(&w, check_all, m, NULL);
        assert_int_equal(world_counter(&w, COUNTER_PAGES_REBUILT), rebuilt);
        model_end(&w, m);
    }
}

static void turn_until_backed_up(struct world *w) {
    struct storaged *s = w->storaged.state;
    assert_true(ok(backup_start(s, w->dir, 0, 0)));
    while (backup_state(s)->running) {
        assert_true(daemon_turn(&w->storaged, 0));
        assert_true(daemon_turn(&w->logd, 0));
    }
    assert_true(ok(backup_state(s)->result));
}

/* Nothing but the file pages is left of the data, and all of it is to come from the backup. */
static void lose_pages(struct world *w) {
    static const char zeros[PAGE_BYTES];
    struct backup_record r = {.count = 1, .dir = {w->dir}, .appliance_id = 7, .rate = 4000};
    uint64_t pages = backup_state(w->storaged.state)->pages;
    world_crash(w, 1);
    for (uint64_t page = SPACE_FIRST; page < pages; page++)
        disk_sim_put(w->sim, "data", page * PAGE_BYTES, zeros, PAGE_BYTES);
    disk_sim_put(w->sim, "page_lsns", 0, zeros, PAGE_BYTES);
    for (uint64_t at = 0; at < pages / LSN_SECTOR_PAGES + 1; at++)
        disk_sim_put(w->sim, "page_lsns", LSNS_HEAD_BYTES + at * sizeof(struct lsn_sector), zeros,
                     sizeof(struct lsn_sector));
    assert_true(ok(backup_record_write(w->dir, BACKUP_RESTORING, &r)));
}

/* The pass that restores while queries run writes home beside the writers. What it says to be
 * restored is there after a power cut, whosever flush has failed. */
static void restored_pages_are_written_again([[maybe_unused]] void **state) {
    for (uint64_t nth = 1; nth <= 12; nth++) {
        struct world w;
        struct model *m = model_begin(&w, 97 + nth);
        m->changes_left = 9000;
        world_run(&w, change_many, m, NULL);
        world_run(&w, checkpoint, m, NULL);
        turn_until_backed_up(&w);
        lose_pages(&w);
        model_crash(&w, m);
        world_start(&w);
        disk_sim_fail_one(w.sim, DISK_SIM_FLUSHES, 1 + nth / 2, ST_IO_ERROR, false);
        if (nth > 1) world_run(&w, check_all, m, NULL);
        const struct storaged *s = w.storaged.state;
        while (s->fetch.active) {
            assert_true(daemon_turn(&w.storaged, 0));
            assert_true(daemon_turn(&w.logd, 0));
        }
        disk_sim_fail_one(w.sim, DISK_SIM_FLUSHES, 0, ST_OK, false);
        uint64_t rebuilt = world_counter(&w, COUNTER_PAGES_REBUILT);
        world_crash(&w, nth);
        model_crash(&w, m);
        world_start(&w);
        world_run(&w, check_all, m, NULL);
        assert_int_equal(world_counter(&w, COUNTER_PAGES_REBUILT), rebuilt);
        model_end(&w, m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lsns_are_written_again),
        cmocka_unit_test(pages_are_written_again),
        cmocka_unit_test(restored_pages_are_written_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
