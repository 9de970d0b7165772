/* Waits: who is let go when, which circles are refused, what a death changes. */
#include <stdlib.h>

#include "base/counter.h"
#include "txnd_world.h"

#define R 1001 /* hashes of rows */
#define S 1002

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

static void wait_row(struct act *a, unsigned worker, struct txn *t, const struct txn *other,
                     uint64_t row, uint32_t timeout_ms) {
    *a = (struct act){.fn = fn_wait,
                      .worker = worker,
                      .t = t,
                      .x = other->writer.x,
                      .row = row,
                      .timeout_ms = timeout_ms};
    act_start(&w, a);
    world_turn(&w, 10);
}

static void lock(struct act *a, unsigned worker, struct txn *t, uint32_t relation,
                 enum relation_mode mode) {
    *a = (struct act){.fn = fn_lock, .worker = worker, .t = t, .relation = relation, .mode = mode};
    act_start(&w, a);
    world_turn(&w, 10);
}

static void assert_waits(struct act *a) {
    world_turn(&w, 20);
    assert_false(a->done);
}

static void first_come_first_served_for_each_row(void **state) {
    (void)state;
    struct txn holder, t[4];
    struct act a[4];
    begin(&w, 0, &holder);
    for (int i = 0; i < 4; i++) begin(&w, i % 2, &t[i]);
    for (int i = 0; i < 3; i++) wait_row(&a[i], i % 2, &t[i], &holder, R, 0);
    wait_row(&a[3], 1, &t[3], &holder, S, 0);
    for (int i = 0; i < 4; i++) assert_waits(&a[i]);
    rollback(&w, 0, &holder);
    must(act_finish(&a[0]));
    must(act_finish(&a[3]));
    assert_waits(&a[1]);
    rollback(&w, 1, &t[3]); /* of another row */
    assert_waits(&a[1]);
    rollback(&w, 0, &t[0]);
    must(act_finish(&a[1]));
    assert_waits(&a[2]);
    rollback(&w, 1, &t[1]);
    must(act_finish(&a[2]));
    rollback(&w, 0, &t[2]);
    assert_int_equal(world_txnd(&w)->waits.waiting, 0);
}

/* Nobody queues behind one who has gone to wait elsewhere. */
static void a_queue_dissolves_when_its_head_waits(void **state) {
    (void)state;
    struct txn holder, other, t[3];
    struct act a[3], again;
    begin(&w, 0, &holder);
    begin(&w, 0, &other);
    for (int i = 0; i < 3; i++) {
        begin(&w, 1, &t[i]);
        wait_row(&a[i], 1, &t[i], &holder, R, 0);
    }
    rollback(&w, 0, &holder);
    must(act_finish(&a[0]));
    assert_waits(&a[1]);
    wait_row(&again, 1, &t[0], &other, S, 0);
    must(act_finish(&a[1]));
    must(act_finish(&a[2]));
    assert_waits(&again);
    rollback(&w, 0, &other);
    must(act_finish(&again));
}

/* The head of a queue may find that it does not want the row any more, and go on for hours. */
static void a_queue_does_not_wait_long_for_a_head_that_took_nothing(void **state) {
    (void)state;
    struct txn holder, t[2];
    struct act a[2];
    begin(&w, 0, &holder);
    for (int i = 0; i < 2; i++) {
        begin(&w, 1, &t[i]);
        wait_row(&a[i], 1, &t[i], &holder, R, 0);
    }
    rollback(&w, 0, &holder);
    must(act_finish(&a[0]));
    must(act_finish(&a[1])); /* while t[0] is still open */
    rollback(&w, 1, &t[0]);
}

/* A row is free when the commit is in the log; a relation when the transaction has ended. */
static void rows_are_free_before_the_commit_is_durable(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    struct txn holder, t[2];
    struct act row, relation, held, end = {.fn = fn_commit, .t = &holder};
    begin(&w, 0, &holder);
    begin(&w, 1, &t[0]);
    begin(&w, 1, &t[1]);
    put(&w, &holder, tree, "k", "1");
    lock(&held, 0, &holder, 55, MODE_ROW_EXCLUSIVE);
    must(act_finish(&held));
    wait_row(&row, 1, &t[0], &holder, R, 0);
    lock(&relation, 1, &t[1], 55, MODE_EXCLUSIVE);
    w.logd_stands = true;
    act_start(&w, &end);
    must(act_finish(&row));
    assert_waits(&relation);
    assert_false(end.done);
    w.logd_stands = false;
    must(act_finish(&end));
    must(act_finish(&relation));
}

static void a_circle_is_refused_at_once(void **state) {
    (void)state;
    for (int n = 1; n <= 9; n++) {
        struct txn t[9];
        struct act a[9];
        uint64_t before = atomic_load(&w.shm.counters[SLOT_TXND].value[COUNTER_DEADLOCKS]);
        for (int i = 0; i < n; i++) begin(&w, i % 2, &t[i]);
        for (int i = 0; i < n; i++)
            wait_row(&a[i], i % 2, &t[i], &t[(i + 1) % n], 7 + (unsigned)i, 0);
        for (int i = 0; i < n - 1; i++) assert_waits(&a[i]);
        must_be(act_finish(&a[n - 1]), DEADLOCK_DETECTED);
        assert_int_equal(atomic_load(&w.shm.counters[SLOT_TXND].value[COUNTER_DEADLOCKS]),
                         before + 1);
        for (int i = n - 1; i >= 0; i--) {
            rollback(&w, i % 2, &t[i]);
            if (i) must(act_finish(&a[i - 1]));
        }
    }
}

/* Those who queue behind another waiter are part of circles, too. */
static void a_circle_through_a_queue_is_refused(void **state) {
    (void)state;
    struct txn holder, head, queued;
    struct act a, b, c;
    begin(&w, 0, &holder);
    begin(&w, 0, &head);
    begin(&w, 1, &queued);
    wait_row(&a, 0, &head, &holder, R, 0);
    wait_row(&b, 1, &queued, &holder, R, 0);
    rollback(&w, 0, &holder);
    must(act_finish(&a));
    wait_row(&c, 0, &head, &queued, S, 0);
    must(act_finish(&b)); /* looks again: finds that the head holds the row, let us say */
    wait_row(&b, 1, &queued, &head, R, 0);
    must_be(act_finish(&b), DEADLOCK_DETECTED);
    rollback(&w, 1, &queued);
    must(act_finish(&c));
}

static void locks_of_relations_and_rows_make_circles_together(void **state) {
    (void)state;
    struct txn t[2];
    struct act a, b;
    begin(&w, 0, &t[0]);
    begin(&w, 1, &t[1]);
    lock(&a, 0, &t[0], 9, MODE_ACCESS_SHARE);
    must(act_finish(&a));
    lock(&b, 1, &t[1], 9, MODE_ACCESS_EXCLUSIVE);
    assert_waits(&b);
    wait_row(&a, 0, &t[0], &t[1], R, 0);
    must_be(act_finish(&a), DEADLOCK_DETECTED);
    rollback(&w, 0, &t[0]);
    must(act_finish(&b));
    rollback(&w, 1, &t[1]);
}

/* Two who share a lock and both want it stronger. */
static void upgrades_of_one_relation_deadlock(void **state) {
    (void)state;
    struct txn t[2];
    struct act a, b;
    for (unsigned i = 0; i < 2; i++) {
        begin(&w, i, &t[i]);
        lock(&a, i, &t[i], 9, MODE_SHARE);
        must(act_finish(&a));
    }
    lock(&a, 0, &t[0], 9, MODE_EXCLUSIVE);
    assert_waits(&a);
    lock(&b, 1, &t[1], 9, MODE_EXCLUSIVE);
    must_be(act_finish(&b), DEADLOCK_DETECTED);
    rollback(&w, 1, &t[1]);
    must(act_finish(&a));
}

static void a_strong_lock_waits_for_all_holders(void **state) {
    (void)state;
    struct txn reader[5], t, late;
    struct act a, b, c;
    for (unsigned i = 0; i < 5; i++) {
        begin(&w, i % 2, &reader[i]);
        lock(&a, i % 2, &reader[i], 12, MODE_ACCESS_SHARE);
        must(act_finish(&a));
    }
    begin(&w, 0, &t);
    lock(&a, 0, &t, 12, MODE_ACCESS_EXCLUSIVE);
    begin(&w, 1, &late); /* new readers do not overtake */
    lock(&c, 1, &late, 12, MODE_ACCESS_SHARE);
    for (unsigned i = 0; i < 5; i++) {
        assert_waits(&a);
        rollback(&w, i % 2, &reader[i]);
    }
    must(act_finish(&a));
    assert_waits(&c);
    lock(&b, 0, &t, 13, MODE_ACCESS_SHARE);
    must(act_finish(&b));
    rollback(&w, 0, &t);
    must(act_finish(&c));
    for (unsigned i = 0; i < PROC_SLOTS; i++)
        for (unsigned h = 0; h < TXN_STRONG_HASHES; h++)
            assert_int_equal(atomic_load(&w.shm.txn->strong[i][h]), 0);
}

static void a_wait_ends_when_its_time_is_over(void **state) {
    (void)state;
    struct txn holder, t[2];
    struct act a[2];
    begin(&w, 0, &holder);
    begin(&w, 1, &t[0]);
    begin(&w, 1, &t[1]);
    struct proc *p = &w.worker[0].proc;
    uint64_t from = p->env->mono_ns(p);
    wait_row(&a[0], 1, &t[0], &holder, R, 60);
    wait_row(&a[1], 1, &t[1], &holder, R, 0);
    must_be(act_finish(&a[0]), LOCK_NOT_AVAILABLE);
    uint64_t ms = (p->env->mono_ns(p) - from) / 1000000;
    assert_in_range(ms, 60, 1500);
    assert_waits(&a[1]);
    rollback(&w, 0, &holder);
    must(act_finish(&a[1]));
}

static void a_wait_can_be_cancelled(void **state) {
    (void)state;
    struct txn holder, t[3];
    struct act a[3];
    begin(&w, 0, &holder);
    for (int i = 0; i < 3; i++) {
        begin(&w, 1, &t[i]);
        wait_row(&a[i], 1, &t[i], &holder, R, 0);
    }
    txn_wait_cancel(&w.worker[1].proc, &t[1]); /* from the middle of a list */
    must_be(act_finish(&a[1]), QUERY_CANCELED);
    txn_wait_cancel(&w.worker[1].proc, &t[1]); /* who does not wait */
    assert_waits(&a[0]);
    assert_waits(&a[2]);
    rollback(&w, 0, &holder);
    must(act_finish(&a[0]));
    rollback(&w, 1, &t[0]);
    must(act_finish(&a[2]));
}

static void who_waited_and_died_is_forgotten(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    struct txn holder, dead, other;
    struct act a, b;
    begin(&w, 0, &holder);
    begin(&w, 1, &dead);
    begin(&w, 0, &other);
    must(act_do(
        &w, (struct act){
                .fn = fn_put, .worker = 1, .t = &dead, .tree = tree, .key = "d", .value = "1"}));
    wait_row(&a, 1, &dead, &holder, R, 0);
    wait_row(&b, 0, &other, &dead, S, 0);
    assert_waits(&b);
    world_kill_worker(&w, 1);
    must(act_finish(&b)); /* the orphan has been undone */
    world_tick(&w);
    assert_int_equal(world_txnd(&w)->waits.waiting, 0);
    assert_int_equal(count_entries(&w, tree), 0);
    /* The next life of the worker gets answers to its own requests only. */
    begin(&w, 1, &dead);
    wait_row(&a, 1, &dead, &holder, R, 0);
    assert_waits(&a);
    rollback(&w, 0, &holder);
    must(act_finish(&a));
}

static void waits_outlive_txnd(void **state) {
    (void)state;
    struct txn holder[2], t[3];
    struct act a[3], circle;
    for (int i = 0; i < 2; i++) begin(&w, 0, &holder[i]);
    for (int i = 0; i < 3; i++) {
        begin(&w, 1, &t[i]);
        wait_row(&a[i], 1, &t[i], &holder[i / 2], R + (unsigned)i, 0);
    }
    world_kill_txnd(&w);
    world_turn(&w, 20);
    rollback(&w, 0, &holder[0]); /* nobody hears of it */
    world_turn(&w, 20);
    assert_false(a[0].done);
    world_restart_txnd(&w);
    must(act_finish(&a[0]));
    must(act_finish(&a[1]));
    assert_waits(&a[2]);
    wait_row(&circle, 0, &holder[1], &t[2], S, 0);
    must_be(act_finish(&circle), DEADLOCK_DETECTED);
    rollback(&w, 0, &holder[1]);
    must(act_finish(&a[2]));
}

static void a_circle_that_closes_while_txnd_is_dead_is_found(void **state) {
    (void)state;
    struct txn t[2];
    struct act a[2];
    begin(&w, 0, &t[0]);
    begin(&w, 1, &t[1]);
    wait_row(&a[0], 0, &t[0], &t[1], R, 0);
    world_kill_txnd(&w);
    wait_row(&a[1], 1, &t[1], &t[0], S, 0);
    world_restart_txnd(&w);
    world_turn(&w, 50);
    assert_int_equal(a[0].done + a[1].done, 1);
    unsigned victim = a[0].done ? 0 : 1;
    must_be(a[victim].result, DEADLOCK_DETECTED);
    rollback(&w, victim, &t[victim]);
    must(act_finish(&a[1 - victim]));
}

/* The message of an end may be dropped when a ring is full. */
static void the_sweep_finds_an_end_nobody_told(void **state) {
    (void)state;
    struct txn holder, t;
    struct act a;
    begin(&w, 0, &holder);
    begin(&w, 1, &t);
    wait_row(&a, 1, &t, &holder, R, 0);
    atomic_store(&holder.slot->waited_for, 0);
    rollback(&w, 0, &holder);
    must(act_finish(&a));
}

static status call(uint16_t op, uint64_t a0, uint64_t a1) {
    struct msg m = {.op = op, .arg = {a0, a1, R}};
    return act_do(&w, (struct act){.fn = fn_call, .m = &m});
}

static void impossible_requests_are_answered(void **state) {
    (void)state;
    struct txn t, holder;
    struct act a;
    begin(&w, 0, &t);
    begin(&w, 0, &holder);
    txn_ref self = txn_slot_ref(&w.shm, t.index);
    must_be(call(MSG_TXN_WAIT, self, 0xffff), INVALID);
    must_be(call(MSG_TXN_WAIT, 0xffffffffffffffffu, self), INVALID);
    must_be(call(MSG_TXN_WAIT, self + 65536, self), INVALID);
    must(call(MSG_TXN_WAIT, self, self + 65536)); /* a life that is not: nothing to wait for */
    must_be(call(999, 0, 0), FEATURE_NOT_SUPPORTED);
    wait_row(&a, 0, &t, &holder, R, 0);
    struct proc *p = &w.worker[1].proc;
    for (uint64_t ref = 0; ref < 70000; ref += 13) {
        struct msg m = {.op = ref % 2 ? MSG_TXN_ENDED : MSG_TXN_WAIT_CANCEL, .arg = {ref}};
        p->env->post(p, SLOT_TXND, &m);
        world_turn(&w, 1);
    }
    struct msg alive = {.op = MSG_TXN_ENDED, .arg = {txn_slot_ref(&w.shm, holder.index)}};
    p->env->post(p, SLOT_TXND, &alive);
    assert_waits(&a);
    rollback(&w, 0, &holder);
    must(act_finish(&a));
}

/* ---- everybody at once ------------------------------------------------------------------------
 */

#define ACTORS 24
#define COUNTERS 6
#define ROUNDS 12

struct actor {
    struct world *w;
    unsigned worker, seed;
    struct tree tree;
    unsigned committed, deadlocks;
    status result;
    bool done;
};

/* One more in a counter, waiting for it as long as it takes. */
static status increment(struct proc *p, struct txn *t, struct tree tree, const char *key) {
    char buf[TREE_ENTRY_BYTES_MAX], value[16];
    struct tree_entry e;
    struct tree_found found;
    for (;;) {
        TRY(tree_get(p, tree, key, 1, buf, &e));
        char text[16] = {0};
        memcpy(text, e.value, e.value_len);
        int n = snprintf(value, sizeof value, "%d", atoi(text) + 1);
        status s = tree_update(p, &t->writer, tree, key, 1, e.lsn, value, (size_t)n, txn_is_running,
                               &found);
        if (status_is(s, ST_ROW_BUSY))
            s = txn_wait(p, t, stamp_txid(found.stamp), txn_row_hash(tree, key, 1), 0);
        else if (!status_is(s, ST_ROW_CHANGED))
            return s;
        if (!ok(s) && !status_is(s, ST_ROW_CHANGED)) return s;
    }
}

/* A failed assertion would leave the coroutine by longjmp: the main thread looks at the outcome. */
static status actor_round(struct proc *p, struct actor *a) {
    struct txn t = {0};
    TRY(txn_begin(p, &t, ISO_READ_COMMITTED, a->seed));
    TRY(txn_need_id(p, &t));
    status s = OK;
    for (unsigned i = 0; ok(s) && i < 3; i++) {
        char key = (char)('a' + rand_r(&a->seed) % COUNTERS);
        s = increment(p, &t, a->tree, &key);
        if (rand_r(&a->seed) % 2) p->env->pause(p);
    }
    if (status_is(s, ST_DEADLOCK_DETECTED)) {
        a->deadlocks++;
        return txn_rollback(p, &t);
    }
    TRY(s);
    a->committed++;
    return txn_commit(p, &t, true);
}

static void actor_run(void *arg) {
    struct actor *a = arg;
    while (ok(a->result) && a->committed < ROUNDS)
        a->result = actor_round(&a->w->worker[a->worker].proc, a);
    a->done = true;
}

static void counters_add_up(void **state) {
    (void)state;
    struct tree tree = new_tree(&w);
    struct txn t;
    struct snapshot s;
    static struct actor actors[ACTORS];
    begin(&w, 0, &t);
    for (int i = 0; i < COUNTERS; i++) put(&w, &t, tree, (char[]){(char)('a' + i), 0}, "0");
    commit(&w, 0, &t);
    for (unsigned i = 0; i < ACTORS; i++) {
        actors[i] = (struct actor){.w = &w, .worker = i % WORKERS, .seed = i, .tree = tree};
        must(daemon_spawn(&w.worker[i % WORKERS], 0, actor_run, &actors[i]));
    }
    unsigned done = 0, deadlocks = 0, total = 0, lives = 0;
    for (unsigned n = 0; done < ACTORS; n++) {
        assert_true(n < 3000000);
        world_turn(&w, 1);
        if (n % 400 == 399 && lives < 8) {
            lives++;
            world_kill_txnd(&w);
            world_turn(&w, 3);
            world_restart_txnd(&w);
        }
        done = 0;
        for (unsigned i = 0; i < ACTORS; i++) done += actors[i].done;
    }
    for (unsigned i = 0; i < ACTORS; i++) {
        must(actors[i].result);
        assert_int_equal(actors[i].committed, ROUNDS);
        deadlocks += actors[i].deadlocks;
    }
    assert_true(deadlocks > 0); /* else it has tried nothing */
    begin_reader(&w, 0, &t, &s);
    for (int i = 0; i < COUNTERS; i++)
        total += (unsigned)atoi(see(&w, &s, tree, (char[]){(char)('a' + i), 0}));
    assert_int_equal(total, ACTORS * ROUNDS * 3);
    assert_int_equal(world_txnd(&w)->waits.waiting, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(first_come_first_served_for_each_row),
        TEST(a_queue_dissolves_when_its_head_waits),
        TEST(a_queue_does_not_wait_long_for_a_head_that_took_nothing),
        TEST(rows_are_free_before_the_commit_is_durable),
        TEST(a_circle_is_refused_at_once),
        TEST(a_circle_through_a_queue_is_refused),
        TEST(locks_of_relations_and_rows_make_circles_together),
        TEST(upgrades_of_one_relation_deadlock),
        TEST(a_strong_lock_waits_for_all_holders),
        TEST(a_wait_ends_when_its_time_is_over),
        TEST(a_wait_can_be_cancelled),
        TEST(who_waited_and_died_is_forgotten),
        TEST(waits_outlive_txnd),
        TEST(a_circle_that_closes_while_txnd_is_dead_is_found),
        TEST(the_sweep_finds_an_end_nobody_told),
        TEST(impossible_requests_are_answered),
        TEST(counters_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
