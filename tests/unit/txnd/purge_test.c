/* Undo of the abandoned, and purge of what nobody can see. */
#include <stdlib.h>

#include "txnd_world.h"

static struct world w;

static int setup(void **state) {
    (void)state;
    world_make(&w, 4096);
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
    if (value)
        put(&w, &t, tree, key, value);
    else
        take_out(&w, &t, tree, key);
    commit(&w, 0, &t);
}

/* Until purge has nothing more to do or stands before something that it must not touch. */
static void purge_as_far_as_it_goes(void) {
    for (int i = 0; i < 8; i++) world_tick(&w);
}

static void a_deleted_entry_goes_when_the_last_reader_does(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    struct txn t;
    struct snapshot s;
    write_one(tree, "a", "1");
    write_one(tree, "b", "1");
    begin_reader(&w, 1, &t, &s);
    write_one(tree, "a", NULL);
    purge_as_far_as_it_goes();
    assert_int_equal(count_entries(&w, tree), 2);
    assert_string_equal(see(&w, &s, tree, "a"), "1");
    assert_true(atomic_load(&w.shm.txn->purge_lsn) < atomic_load(&w.shm.log->durable));
    rollback(&w, 1, &t);
    purge_as_far_as_it_goes();
    assert_int_equal(count_entries(&w, tree), 1);
    assert_int_equal(atomic_load(&w.shm.txn->purge_lsn), atomic_load(&w.shm.log->durable));
}

static void what_was_not_deleted_in_the_end_stays(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    struct txn t;
    struct snapshot s;
    const char *const keys[] = {"rolled back", "savepoint", "again"};
    for (int i = 0; i < 3; i++) write_one(tree, keys[i], "1");
    begin(&w, 0, &t);
    take_out(&w, &t, tree, keys[0]);
    rollback(&w, 0, &t);
    begin(&w, 0, &t);
    struct txn_mark mark = txn_mark(&t);
    take_out(&w, &t, tree, keys[1]);
    must(act_do(&w, (struct act){.fn = fn_rollback_to, .t = &t, .mark = mark}));
    put(&w, &t, tree, "other", "1");
    commit(&w, 0, &t);
    begin(&w, 0, &t);
    take_out(&w, &t, tree, keys[2]);
    put(&w, &t, tree, keys[2], "2");
    commit(&w, 0, &t);
    purge_as_far_as_it_goes();
    begin_reader(&w, 0, &t, &s);
    assert_int_equal(count_entries(&w, tree), 4);
    assert_string_equal(see(&w, &s, tree, keys[0]), "1");
    assert_string_equal(see(&w, &s, tree, keys[1]), "1");
    assert_string_equal(see(&w, &s, tree, keys[2]), "2");
}

static void a_successor_purges_on(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    struct txn t;
    struct snapshot s;
    char key[16];
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof key, "k%d", i);
        write_one(tree, key, "1");
    }
    begin_reader(&w, 1, &t, &s);
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof key, "k%d", i);
        write_one(tree, key, NULL);
    }
    purge_as_far_as_it_goes();
    world_kill_txnd(&w);
    rollback(&w, 1, &t);
    assert_int_equal(count_entries(&w, tree), 40);
    world_restart_txnd(&w);
    for (int i = 0; i < 10; i++) { /* killed again and again while it works */
        world_turn(&w, 2);
        world_kill_txnd(&w);
        world_restart_txnd(&w);
    }
    purge_as_far_as_it_goes();
    assert_int_equal(count_entries(&w, tree), 0);
}

static void drop(struct txn *t, struct tree tree) {
    must(act_do(&w, (struct act){.fn = fn_drop, .t = t, .tree = tree}));
}

static void a_dropped_tree_is_freed_after_its_commit_only(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    struct txn t, reader;
    struct snapshot s;
    write_one(tree, "a", "1");
    begin(&w, 0, &t);
    drop(&t, tree);
    put(&w, &t, new_tree(&w), "x", "1");
    purge_as_far_as_it_goes();
    assert_true(world_page_used(&w, tree.root));
    begin_reader(&w, 1, &reader, &s);
    commit(&w, 0, &t);
    purge_as_far_as_it_goes();
    assert_true(world_page_used(&w, tree.root)); /* the reader may look into it */
    assert_string_equal(see(&w, &s, tree, "a"), "1");
    rollback(&w, 1, &reader);
    purge_as_far_as_it_goes();
    assert_false(world_page_used(&w, tree.root));
}

static void a_drop_undone_frees_nothing(void **state) {
    (void)state;
    struct tree rolled_back = new_tree(&w), savepoint = new_tree(&w), orphan = new_tree(&w);
    struct txn t;
    struct tree dropped = new_tree(&w);
    begin(&w, 0, &t);
    drop(&t, rolled_back);
    rollback(&w, 0, &t);
    begin(&w, 0, &t);
    struct txn_mark mark = txn_mark(&t);
    drop(&t, savepoint);
    must(act_do(&w, (struct act){.fn = fn_rollback_to, .t = &t, .mark = mark}));
    drop(&t, dropped);
    commit(&w, 0, &t);
    begin(&w, 1, &t);
    must(act_do(&w, (struct act){.fn = fn_drop, .worker = 1, .t = &t, .tree = orphan}));
    world_kill_worker(&w, 1);
    purge_as_far_as_it_goes();
    assert_int_equal(atomic_load(&w.shm.txn->purge_lsn), atomic_load(&w.shm.log->durable));
    assert_true(world_page_used(&w, rolled_back.root));
    assert_true(world_page_used(&w, savepoint.root));
    assert_true(world_page_used(&w, orphan.root));
    assert_false(world_page_used(&w, dropped.root));
    write_one(savepoint, "a", "1");
    assert_int_equal(count_entries(&w, savepoint), 1);
}

/* The drop is behind purge's position when txnd dies, its commit is not. */
static void a_drop_is_remembered_by_the_successor(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    struct txn t;
    begin(&w, 0, &t);
    drop(&t, tree);
    for (int i = 0; i < 20; i++) write_one(new_tree(&w), "a", "1");
    purge_as_far_as_it_goes();
    world_kill_txnd(&w);
    commit(&w, 0, &t);
    world_restart_txnd(&w);
    purge_as_far_as_it_goes();
    assert_false(world_page_used(&w, tree.root));
    assert_int_equal(atomic_load(&w.shm.txn->purge_lsn), atomic_load(&w.shm.log->durable));
}

static void a_dead_workers_transactions_are_undone(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    struct txn t[8], r;
    struct snapshot s;
    for (int i = 0; i < 8; i++) write_one(tree, (char[]){(char)('a' + i), 0}, "old");
    for (int i = 0; i < 8; i++) {
        begin(&w, 1, &t[i]);
        must(act_do(&w, (struct act){.fn = fn_put,
                                     .worker = 1,
                                     .t = &t[i],
                                     .tree = tree,
                                     .key = (char[]){(char)('a' + i), 0},
                                     .value = "new"}));
    }
    commit(&w, 1, &t[3]);
    /* one is killed between its commit record and the end */
    struct act end = {.fn = fn_commit, .worker = 1, .t = &t[5]};
    w.logd_stands = true;
    act_start(&w, &end);
    world_turn(&w, 5);
    assert_false(end.done);
    world_kill_worker(&w, 1);
    w.logd_stands = false;
    for (int i = 0; i < 6; i++) world_tick(&w);
    begin_reader(&w, 0, &r, &s);
    for (int i = 0; i < 8; i++)
        assert_string_equal(see(&w, &s, tree, (char[]){(char)('a' + i), 0}),
                            i == 3 || i == 5 ? "new" : "old");
    for (uint32_t i = 0; i < w.shm.sizes.txns; i++)
        assert_int_not_equal(txn_slot_state(txn_slot_at(&w.shm, i)), TXN_ORPHAN);
}

static void undo_goes_on_after_a_death_of_txnd(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    struct txn t, r;
    struct snapshot s;
    char key[16];
    begin(&w, 1, &t);
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "k%d", i);
        must(act_do(
            &w, (struct act){
                    .fn = fn_put, .worker = 1, .t = &t, .tree = tree, .key = key, .value = "1"}));
    }
    txid x = t.writer.x;
    world_kill_worker(&w, 1);
    for (int i = 0; i < 50; i++) {
        world_turn(&w, 1);
        world_kill_txnd(&w);
        world_restart_txnd(&w);
    }
    for (int i = 0; i < 6; i++) world_tick(&w);
    assert_int_not_equal(txn_fate(&w.shm, x, NULL, NULL), FATE_RUNNING);
    begin_reader(&w, 0, &r, &s);
    assert_string_equal(see(&w, &s, tree, "k17"), "");
    rollback(&w, 0, &r);
    purge_as_far_as_it_goes();
    assert_int_equal(count_entries(&w, tree), 0);
}

/* ---- against a model --------------------------------------------------------------------------
 */

#define KEYS 12
#define READERS 6

static void readers_never_miss_what_purge_took(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    unsigned seed = 3;
    char now[KEYS][16] = {{0}}, then[READERS][KEYS][16] = {{{0}}};
    struct txn readers[READERS] = {0};
    struct snapshot s[READERS];
    for (unsigned n = 0; n < 800; n++) {
        unsigned k = (unsigned)rand_r(&seed) % KEYS, r = (unsigned)rand_r(&seed) % READERS;
        char key[4];
        snprintf(key, sizeof key, "k%c", (char)('a' + k));
        switch (rand_r(&seed) % 8) {
        case 0:
            if (readers[r].slot) {
                rollback(&w, 1, &readers[r]);
            } else {
                begin_reader(&w, 1, &readers[r], &s[r]);
                memcpy(then[r], now, sizeof now);
            }
            break;
        case 1:
        case 2:
        case 3:
            if (!now[k][0]) break;
            write_one(tree, key, NULL);
            now[k][0] = '\0';
            break;
        case 4: world_tick(&w); break;
        default: {
            struct txn t;
            bool kept = rand_r(&seed) % 3;
            char value[16];
            snprintf(value, sizeof value, "v%u", n);
            begin(&w, 0, &t);
            if (now[k][0] && rand_r(&seed) % 2) take_out(&w, &t, tree, key);
            put(&w, &t, tree, key, value);
            if (kept) {
                commit(&w, 0, &t);
                memcpy(now[k], value, sizeof value);
            } else {
                rollback(&w, 0, &t);
            }
        }
        }
        if (readers[r].slot) assert_string_equal(see(&w, &s[r], tree, key), then[r][k]);
    }
    unsigned live = 0;
    for (unsigned r = 0; r < READERS; r++)
        if (readers[r].slot) rollback(&w, 1, &readers[r]);
    purge_as_far_as_it_goes();
    for (unsigned k = 0; k < KEYS; k++) live += now[k][0] != '\0';
    assert_int_equal(count_entries(&w, tree), live);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_deleted_entry_goes_when_the_last_reader_does),
        TEST(what_was_not_deleted_in_the_end_stays),
        TEST(a_successor_purges_on),
        TEST(a_dropped_tree_is_freed_after_its_commit_only),
        TEST(a_drop_undone_frees_nothing),
        TEST(a_drop_is_remembered_by_the_successor),
        TEST(a_dead_workers_transactions_are_undone),
        TEST(undo_goes_on_after_a_death_of_txnd),
        TEST(readers_never_miss_what_purge_took),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
