/* Horizons: what may be forgotten, checked against a naive model that forgets nothing. */
#include <stdlib.h>

#include "txnd_world.h"

#define MAP_ENTRIES 256u

static struct world w;

static int setup(void **state) {
    (void)state;
    world_make(&w, MAP_ENTRIES);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    world_free(&w);
    return 0;
}

static void write_one(struct tree tree, const char *key, const char *value) {
    struct txn t;
    begin(&w, 0, &t);
    put(&w, &t, tree, key, value);
    commit(&w, 0, &t);
}

static void the_oldest_snapshot_follows_its_readers(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    struct txn first, second;
    struct snapshot s1, s2;
    const struct txn_shared *shared = w.shm.txn;
    write_one(tree, "a", "1");
    begin_reader(&w, 0, &first, &s1);
    write_one(tree, "a", "2");
    begin_reader(&w, 1, &second, &s2);
    write_one(tree, "a", "3");
    assert_true(s1.time < s2.time);
    for (int i = 0; i < 3; i++) world_tick(&w);
    assert_int_equal(atomic_load(&shared->oldest_snapshot), s1.time);
    assert_string_equal(see(&w, &s1, tree, "a"), "1");
    rollback(&w, 0, &first);
    world_tick(&w);
    assert_int_equal(atomic_load(&shared->oldest_snapshot), s2.time);
    assert_string_equal(see(&w, &s2, tree, "a"), "2");
    rollback(&w, 1, &second);
    world_tick(&w);
    assert_int_equal(atomic_load(&shared->oldest_snapshot), atomic_load(&w.shm.log->visible));
}

static void the_log_is_kept_for_who_runs(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    struct txn writer, reader;
    struct snapshot s;
    const struct log_shared *log = w.shm.log;
    struct control *control = w.shm.control;
    begin(&w, 0, &writer);
    put(&w, &writer, tree, "w", "1");
    uint64_t first = atomic_load(&writer.slot->first_lsn);
    for (int i = 0; i < 20; i++) write_one(tree, "a", "1");
    /* as after a checkpoint that needs nothing old */
    atomic_store(&control->redo_lsn, atomic_load(&log->tail));
    atomic_store(&control->purge_lsn, atomic_load(&log->tail));
    atomic_store(&control->undo_lsn, atomic_load(&log->tail));
    for (int i = 0; i < 6; i++) world_tick(&w);
    assert_true(atomic_load(&w.shm.txn->oldest_active_lsn) <= first);
    assert_true(atomic_load(&log->keep) <= first);
    begin_reader(&w, 1, &reader, &s); /* does not see the writer: needs what it has logged */
    commit(&w, 0, &writer);
    for (int i = 0; i < 6; i++) world_tick(&w);
    assert_true(atomic_load(&log->keep) <= first);
    rollback(&w, 1, &reader);
    for (int i = 0; i < 6; i++) {
        write_one(tree, "a", "2");
        world_tick(&w);
    }
    assert_true(atomic_load(&log->keep) > first);
    uint64_t keep = atomic_load(&log->keep);
    assert_true(keep <= atomic_load(&control->redo_lsn));
    assert_true(keep <= atomic_load(&w.shm.txn->purge_lsn));
}

/* The data file, not the present, says where undo after a crash begins. */
static void the_log_is_kept_for_recovery(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    uint64_t undo = atomic_load(&w.shm.log->tail);
    atomic_store(&w.shm.control->undo_lsn, undo);
    for (int i = 0; i < 10; i++) write_one(tree, "a", "1");
    uint64_t tail = atomic_load(&w.shm.log->tail);
    atomic_store(&w.shm.control->redo_lsn, tail);
    atomic_store(&w.shm.control->purge_lsn, tail);
    for (int i = 0; i < 8; i++) world_tick(&w);
    assert_true(atomic_load(&w.shm.log->keep) <= undo);
}

static void a_full_map_refuses_writers_until_a_snapshot_goes(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    struct txn reader, t = {0};
    struct snapshot s;
    write_one(tree, "a", "0");
    begin_reader(&w, 1, &reader, &s);
    unsigned n = 0;
    status got = OK;
    for (; n < MAP_ENTRIES; n++) {
        must(txn_begin(&w.worker[0].proc, &t, ISO_READ_COMMITTED, n));
        got = act_do(&w, (struct act){.fn = fn_need_id, .t = &t});
        if (!ok(got)) break;
        put(&w, &t, tree, "a", "1");
        commit(&w, 0, &t);
    }
    must_be(got, SNAPSHOT_TOO_OLD);
    assert_in_range(n, MAP_ENTRIES - PROC_SLOTS - 8, MAP_ENTRIES - PROC_SLOTS);
    rollback(&w, 0, &t);
    assert_string_equal(see(&w, &s, tree, "a"), "0");
    rollback(&w, 1, &reader);
    for (n = 0; n < 3 * MAP_ENTRIES; n++) write_one(tree, "a", "2");
}

/* ---- the model --------------------------------------------------------------------------------
 */

#define OPEN 20
#define IDS 4000

enum fate { OPENED, COMMITTED, ROLLED_BACK };

struct reader {
    bool used;
    struct txn t;
    struct snapshot s;
};

static struct {
    enum fate fate[IDS];
    commit_time time[IDS], seen_at[IDS]; /* of a rollback: newest commit then */
    struct txn open[OPEN];
    struct reader readers[OPEN];
} model;

static void check_model(txid first) {
    const struct txn_shared *shared = w.shm.txn;
    txid base = atomic_load(&shared->map_base), next = atomic_load(&shared->next_txid);
    commit_time oldest = atomic_load(&shared->oldest_snapshot);
    for (unsigned i = 0; i < OPEN; i++)
        if (model.readers[i].used) assert_true(oldest <= model.readers[i].s.time);
    for (txid x = first; x < next; x++) {
        commit_time time = 0;
        enum txn_fate fate = txn_fate(&w.shm, x, &time, NULL);
        switch (model.fate[x]) {
        case OPENED:
            assert_true(x >= base);
            assert_int_equal(fate, FATE_RUNNING);
            break;
        case COMMITTED:
            assert_int_equal(fate, FATE_COMMITTED);
            if (x >= base)
                assert_int_equal(time, model.time[x]);
            else
                assert_true(model.time[x] <= oldest);
            break;
        case ROLLED_BACK:
            if (x >= base) assert_int_equal(fate, FATE_ROLLED_BACK);
            break;
        }
    }
}

static void model_step(unsigned *seed, struct tree tree) {
    unsigned i = (unsigned)rand_r(seed) % OPEN, what = (unsigned)rand_r(seed) % 8;
    struct txn *t = &model.open[i];
    struct reader *r = &model.readers[i];
    char key[8] = {(char)('a' + i), (char)('a' + rand_r(seed) % 8)};
    if (what < 2) {
        if (r->used)
            rollback(&w, 1, &r->t);
        else
            begin_reader(&w, 1, &r->t, &r->s);
        r->used = !r->used;
    } else if (!t->slot) {
        begin(&w, 0, t);
        if (what < 6) put(&w, t, tree, key, "x");
    } else if (what < 6) {
        txid x = t->writer.x;
        bool wrote = t->writer.last.at;
        commit(&w, 0, t);
        model.fate[x] = wrote ? COMMITTED : ROLLED_BACK;
        model.time[x] = t->last_commit;
    } else {
        model.fate[t->writer.x] = ROLLED_BACK;
        rollback(&w, 0, t);
    }
}

static void the_map_forgets_nothing_that_somebody_needs(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    txid first = atomic_load(&w.shm.txn->next_txid);
    unsigned seed = 5;
    memset(&model, 0, sizeof model);
    unsigned lives = 0;
    for (unsigned n = 0; n < 3000 && atomic_load(&w.shm.txn->next_txid) < IDS; n++) {
        model_step(&seed, tree);
        if (n % 7 == 0) world_tick(&w);
        check_model(first);
        if (n % 500 == 499) {
            world_kill_txnd(&w);
            world_restart_txnd(&w);
            lives++;
        }
        /* Nobody may stay for ever: the map is small. */
        if (n % 40 == 39)
            for (unsigned i = 0; i < OPEN; i++) {
                if (model.readers[i].used) rollback(&w, 1, &model.readers[i].t);
                model.readers[i].used = false;
                if (!model.open[i].slot) continue;
                model.fate[model.open[i].writer.x] = ROLLED_BACK;
                rollback(&w, 0, &model.open[i]);
            }
    }
    assert_true(atomic_load(&w.shm.txn->map_base) > first + 2 * MAP_ENTRIES);
    assert_int_equal(lives, 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_oldest_snapshot_follows_its_readers),
        TEST(the_log_is_kept_for_who_runs),
        TEST(the_log_is_kept_for_recovery),
        TEST(a_full_map_refuses_writers_until_a_snapshot_goes),
        TEST(the_map_forgets_nothing_that_somebody_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
