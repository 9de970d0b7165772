/* Transactions one at a time: what is seen, what is undone, what stands in the way. */
#include "txn_fixture.h"

static struct fake_env *env;
static struct proc worker; /* queryd.0 */
static struct tree tree;
static char buf[TREE_ENTRY_BYTES_MAX + 1];

static int setup(void **state) {
    (void)state;
    env = fixture_new(2);
    fake_env_proc(env, SLOT_QUERYD, &worker);
    tree = fixture_tree(&worker);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    fake_env_free(env);
    return 0;
}

static struct txn begin(enum txn_isolation iso, struct snapshot *s) {
    struct txn t = {0};
    MUST(txn_begin(&worker, &t, iso, 0));
    MUST(txn_snapshot(&worker, &t, s));
    return t;
}

static void a_commit_is_seen_by_later_snapshots_only(void **state) {
    (void)state;
    struct snapshot before, after;
    struct txn reader = begin(ISO_REPEATABLE_READ, &before), w = {0};
    MUST(txn_begin(&worker, &w, ISO_READ_COMMITTED, 1));
    MUST(put(&worker, &w, tree, "a", "1"));
    assert_null(see(&worker, &before, tree, "a", buf));
    MUST(txn_commit(&worker, &w, true));
    assert_null(see(&worker, &before, tree, "a", buf));
    struct txn later = begin(ISO_READ_COMMITTED, &after);
    assert_string_equal(see(&worker, &after, tree, "a", buf), "1");
    MUST(txn_commit(&worker, &later, true));
    MUST(txn_commit(&worker, &reader, true));
}

static void an_old_snapshot_follows_the_chain(void **state) {
    (void)state;
    struct snapshot at[5];
    struct txn readers[5];
    char value[] = "0";
    for (int i = 0; i < 5; i++) {
        struct txn w = {0};
        value[0] = (char)('0' + i);
        MUST(txn_begin(&worker, &w, ISO_READ_COMMITTED, 9));
        MUST(i ? change(&worker, &w, tree, "k", i == 4 ? NULL : value)
               : put(&worker, &w, tree, "k", value));
        MUST(txn_commit(&worker, &w, true));
        readers[i] = begin(ISO_REPEATABLE_READ, &at[i]);
    }
    for (int i = 0; i < 4; i++) {
        value[0] = (char)('0' + i);
        assert_string_equal(see(&worker, &at[i], tree, "k", buf), value);
    }
    assert_null(see(&worker, &at[4], tree, "k", buf));
    for (int i = 0; i < 5; i++) MUST(txn_rollback(&worker, &readers[i]));
}

static void a_statement_does_not_see_its_own_changes(void **state) {
    (void)state;
    struct snapshot s;
    struct txn t = begin(ISO_READ_COMMITTED, &s);
    MUST(put(&worker, &t, tree, "own", "1"));
    assert_null(see(&worker, &s, tree, "own", buf));
    MUST(txn_snapshot(&worker, &t, &s));
    assert_string_equal(see(&worker, &s, tree, "own", buf), "1");
    MUST(change(&worker, &t, tree, "own", "2"));
    assert_string_equal(see(&worker, &s, tree, "own", buf), "1");
    MUST(txn_rollback(&worker, &t));
    t = begin(ISO_READ_COMMITTED, &s);
    assert_null(see(&worker, &s, tree, "own", buf));
    MUST(txn_rollback(&worker, &t));
}

static void a_mark_is_a_place_to_roll_back_to(void **state) {
    (void)state;
    struct snapshot s;
    struct txn t = begin(ISO_READ_COMMITTED, &s);
    MUST(put(&worker, &t, tree, "m1", "x"));
    struct txn_mark mark = txn_mark(&t);
    for (int round = 0; round < 3; round++) {
        MUST(put(&worker, &t, tree, "m2", "y"));
        MUST(change(&worker, &t, tree, "m1", "z"));
        MUST(txn_rollback_to(&worker, &t, mark));
    }
    MUST(put(&worker, &t, tree, "m3", "w"));
    MUST(txn_commit(&worker, &t, true));
    t = begin(ISO_READ_COMMITTED, &s);
    assert_string_equal(see(&worker, &s, tree, "m1", buf), "x");
    assert_null(see(&worker, &s, tree, "m2", buf));
    assert_string_equal(see(&worker, &s, tree, "m3", buf), "w");
    MUST(txn_rollback(&worker, &t));
}

static void a_running_writer_stands_in_the_way(void **state) {
    (void)state;
    struct txn first = {0}, second = {0};
    MUST(txn_begin(&worker, &first, ISO_READ_COMMITTED, 0));
    MUST(txn_begin(&worker, &second, ISO_READ_COMMITTED, 1));
    MUST(put(&worker, &first, tree, "r", "1"));
    assert_true(status_is(put(&worker, &second, tree, "r", "2"), ST_ROW_BUSY));
    MUST(txn_commit(&worker, &first, true));
    assert_true(status_is(put(&worker, &second, tree, "r", "2"), ST_EXISTS));
    MUST(change(&worker, &second, tree, "r", "2"));
    MUST(txn_rollback(&worker, &second));
}

static void relation_locks_conflict_as_postgresql_says(void **state) {
    (void)state;
    /* manual, table 13.2: row by row, from ACCESS SHARE to ACCESS EXCLUSIVE */
    static const char *const conflicts[] = {"00000001", "00000011", "00001111", "00011111",
                                            "00110111", "00111111", "01111111", "11111111"};
    for (int a = 0; a < 8; a++) {
        for (int b = 0; b < 8; b++) {
            struct txn holder = {0}, other = {0};
            MUST(txn_begin(&worker, &holder, ISO_READ_COMMITTED, 0));
            MUST(txn_begin(&worker, &other, ISO_READ_COMMITTED, 1));
            MUST(txn_lock_relation(&worker, &holder, 77, (enum relation_mode)(a + 1), true, 0));
            status s = txn_lock_relation(&worker, &other, 77, (enum relation_mode)(b + 1), true, 0);
            assert_int_equal(status_is(s, ST_LOCK_NOT_AVAILABLE), conflicts[a][b] == '1');
            MUST(txn_lock_relation(&worker, &other, 78, (enum relation_mode)(b + 1), true, 0));
            MUST(txn_rollback(&worker, &holder));
            MUST(txn_lock_relation(&worker, &other, 77, (enum relation_mode)(b + 1), true, 0));
            MUST(txn_rollback(&worker, &other));
        }
    }
    for (int i = 0; i < PROC_SLOTS; i++)
        for (int h = 0; h < TXN_STRONG_HASHES; h++)
            assert_int_equal(atomic_load(&env->shm.txn->strong[i][h]), 0);
}

static uint32_t counted(void) {
    const struct txn_shared *t = env->shm.txn;
    uint32_t sum = 0;
    for (int i = 0; i < PROC_SLOTS; i++) {
        for (int h = 0; h < TXN_STRONG_HASHES; h++) sum += atomic_load(&t->strong[i][h]);
        for (int h = 0; h < TXN_ROW_HASHES; h++)
            sum += atomic_load(&t->key_shared[i][h]) + atomic_load(&t->row_shared[i][h]);
    }
    return sum;
}

/* Weak modes look at no slot while it is held, and its holder's other modes are still seen. */
static void analyze_makes_no_weak_lock_look(void **state) {
    (void)state;
    struct txn holder = {0}, other = {0};
    MUST(txn_begin(&worker, &holder, ISO_READ_COMMITTED, 0));
    MUST(txn_begin(&worker, &other, ISO_READ_COMMITTED, 1));
    MUST(txn_lock_relation(&worker, &holder, 77, MODE_SHARE_UPDATE_EXCLUSIVE, true, 0));
    assert_int_equal(counted(), 0);
    assert_true(
        status_is(txn_lock_relation(&worker, &other, 77, MODE_SHARE_UPDATE_EXCLUSIVE, true, 0),
                  ST_LOCK_NOT_AVAILABLE));
    MUST(txn_lock_relation(&worker, &holder, 77, MODE_SHARE, true, 0));
    MUST(txn_lock_relation(&worker, &holder, 78, MODE_SHARE, true, 0));
    MUST(txn_lock_relation(&worker, &holder, 78, MODE_SHARE_UPDATE_EXCLUSIVE, true, 0));
    assert_int_equal(counted(), 2);
    for (uint32_t relation = 77; relation <= 78; relation++)
        assert_true(
            status_is(txn_lock_relation(&worker, &other, relation, MODE_ROW_EXCLUSIVE, true, 0),
                      ST_LOCK_NOT_AVAILABLE));
    MUST(txn_rollback(&worker, &holder));
    assert_int_equal(counted(), 0);
    MUST(txn_rollback(&worker, &other));
}

/* They go on in blocks, until there is no block more; all is given back. */
static void very_many_locks_are_an_error(void **state) {
    (void)state;
    for (int round = 0; round < 2; round++) {
        struct txn t = {0};
        uint32_t n = 0;
        status s;
        MUST(txn_begin(&worker, &t, ISO_READ_COMMITTED, 0));
        while (ok(s = txn_lock_relation(&worker, &t, 1000 + n, MODE_SHARE, false, 0))) n++;
        assert_true(status_is(s, ST_OUT_OF_LOCKS));
        assert_int_equal(n, TXN_LOCKS_INLINE + env->shm.sizes.txns * TXN_BLOCK_LOCKS);
        MUST(txn_lock_relation(&worker, &t, 1000, MODE_ACCESS_EXCLUSIVE, false, 0));
        MUST(txn_rollback(&worker, &t));
        assert_int_equal(counted(), 0);
    }
}

static bool row_is_held(const struct txn *by, uint64_t row, bool key) {
    struct txn_blocker blocker;
    return txn_row_is_held(&worker, by, row, 7, key, &blocker);
}

static void rows_are_held_by_several(void **state) {
    (void)state;
    struct txn a = {0}, b = {0}, writer = {0};
    struct lock_tag row = {LOCK_ROW, 1, 4711};
    uint32_t mark;
    bool fresh;
    MUST(txn_begin(&worker, &a, ISO_READ_COMMITTED, 0));
    MUST(txn_begin(&worker, &b, ISO_READ_COMMITTED, 1));
    MUST(txn_begin(&worker, &writer, ISO_READ_COMMITTED, 2));
    MUST(txn_row_note(&worker, &a, row, 7, MODE_ACCESS_SHARE, &fresh));
    assert_true(fresh);
    MUST(txn_row_note(&worker, &b, row, 7, MODE_ACCESS_SHARE, &fresh));
    assert_true(row_is_held(&writer, 4711, true));
    assert_true(row_is_held(&a, 4711, true));
    assert_false(row_is_held(&writer, 4711, false));
    assert_false(row_is_held(&writer, 4712, true));
    MUST(txn_lock_mark(&b, &mark));
    MUST(txn_row_note(&worker, &b, row, 7, MODE_ROW_SHARE, &fresh));
    assert_true(fresh && row_is_held(&writer, 4711, false));
    assert_false(row_is_held(&b, 4711, false));
    txn_release_to(&worker, &b, mark);
    assert_false(row_is_held(&writer, 4711, false));
    assert_true(row_is_held(&a, 4711, true));
    MUST(txn_rollback(&worker, &b));
    MUST(txn_rollback(&worker, &a));
    assert_false(row_is_held(&writer, 4711, true));
    MUST(txn_rollback(&worker, &writer));
    assert_int_equal(counted(), 0);
}

static void a_savepoint_gives_locks_back(void **state) {
    (void)state;
    struct txn t = {0}, other = {0};
    uint32_t mark;
    MUST(txn_begin(&worker, &t, ISO_READ_COMMITTED, 0));
    MUST(txn_begin(&worker, &other, ISO_READ_COMMITTED, 1));
    MUST(txn_lock_relation(&worker, &t, 90, MODE_ACCESS_SHARE, true, 0));
    MUST(txn_lock_mark(&t, &mark));
    for (uint32_t i = 0; i < 200; i++)
        MUST(txn_lock_relation(&worker, &t, 90 + i, MODE_ACCESS_EXCLUSIVE, true, 0));
    txn_release_to(&worker, &t, mark);
    for (uint32_t i = 1; i < 200; i++)
        MUST(txn_lock_relation(&worker, &other, 90 + i, MODE_ACCESS_EXCLUSIVE, true, 0));
    assert_true(status_is(txn_lock_relation(&worker, &other, 90, MODE_ACCESS_EXCLUSIVE, true, 0),
                          ST_LOCK_NOT_AVAILABLE));
    MUST(txn_lock_relation(&worker, &other, 90, MODE_EXCLUSIVE, true, 0));
    MUST(txn_rollback(&worker, &t));
    MUST(txn_rollback(&worker, &other));
    assert_int_equal(counted(), 0);
}

#define ADVISORY(n) ((struct lock_tag){LOCK_ADVISORY, 5, n})

/* They are counted, outlast transactions and the worker, and do not hold up their own session. */
static void a_session_keeps_locks(void **state) {
    (void)state;
    const uint64_t session = (uint64_t)3 << 32 | 1;
    struct txn t = {0}, other = {0}, held = {0}, taken = {0};
    MUST(txn_begin(&worker, &t, ISO_READ_COMMITTED, 1));
    MUST(txn_begin(&worker, &other, ISO_READ_COMMITTED, 2));
    for (int i = 0; i < 2; i++)
        MUST(txn_session_lock(&worker, &t, &held, session, ADVISORY(1), MODE_EXCLUSIVE, true, 0));
    MUST(txn_session_lock(&worker, &t, &held, session, ADVISORY(1), MODE_SHARE, true, 0));
    MUST(txn_lock(&worker, &t, ADVISORY(1), MODE_EXCLUSIVE, true, 0));
    MUST(txn_rollback(&worker, &t));
    assert_true(txn_session_unlock(&worker, &held, ADVISORY(1), MODE_EXCLUSIVE));
    assert_true(status_is(txn_lock(&worker, &other, ADVISORY(1), MODE_SHARE, true, 0),
                          ST_LOCK_NOT_AVAILABLE));
    txn_session_leave(&worker, &held);
    assert_null(held.slot);
    assert_true(status_is(txn_lock(&worker, &other, ADVISORY(1), MODE_SHARE, true, 0),
                          ST_LOCK_NOT_AVAILABLE));
    txn_session_take_up(&worker, &taken, session);
    txn_forget_strong(&env->shm);
    assert_true(txn_session_unlock(&worker, &taken, ADVISORY(1), MODE_EXCLUSIVE));
    assert_false(txn_session_unlock(&worker, &taken, ADVISORY(1), MODE_EXCLUSIVE));
    MUST(txn_lock(&worker, &other, ADVISORY(1), MODE_SHARE, true, 0));
    assert_true(txn_session_unlock(&worker, &taken, ADVISORY(1), MODE_SHARE));
    assert_null(taken.slot);
    MUST(txn_rollback(&worker, &other));
    txn_forget_strong(&env->shm);
    assert_int_equal(counted(), 0);
}

/* The worker is gone; its transaction becomes an orphan and is undone by txnd. */
static void a_dead_workers_transaction_is_undone(void **state) {
    (void)state;
    struct proc txnd;
    struct snapshot s;
    fake_env_proc(env, SLOT_TXND, &txnd);
    struct txn t = begin(ISO_READ_COMMITTED, &s);
    MUST(txn_lock_relation(&worker, &t, 90, MODE_ACCESS_EXCLUSIVE, false, 0));
    MUST(put(&worker, &t, tree, "dead", "1"));
    /* as if it had died before the slot heard of the record */
    atomic_store(&t.slot->last_lsn, 0);
    assert_int_equal(txn_repair(&env->shm, worker.owner), 1);
    assert_int_equal(txn_repair(&env->shm, worker.owner), 0);
    struct txn other = begin(ISO_READ_COMMITTED, &s);
    assert_true(status_is(txn_lock_relation(&worker, &other, 90, MODE_ACCESS_SHARE, true, 0),
                          ST_LOCK_NOT_AVAILABLE));
    MUST(txn_finish_orphan(&txnd, t.index));
    assert_true(status_is(txn_finish_orphan(&txnd, t.index), ST_NOT_FOUND));
    MUST(txn_lock_relation(&worker, &other, 90, MODE_ACCESS_SHARE, true, 0));
    MUST(put(&worker, &other, tree, "dead", "2"));
    MUST(txn_rollback(&worker, &other));
}

/* It had its commit in the log: the orphan is only put away. */
static void a_dead_workers_commit_stays(void **state) {
    (void)state;
    struct proc txnd;
    struct snapshot s;
    fake_env_proc(env, SLOT_TXND, &txnd);
    struct txn t = begin(ISO_READ_COMMITTED, &s);
    MUST(put(&worker, &t, tree, "kept", "1"));
    log_commit(&worker, t.writer.x, t.writer.last, txn_map_entry(&env->shm, t.writer.x),
               &t.last_commit);
    assert_int_equal(txn_repair(&env->shm, worker.owner), 1);
    uint64_t version = atomic_load(&env->shm.control->catalog_version);
    MUST(txn_finish_orphan(&txnd, t.index));
    /* who hears that catalogs may have changed sees it */
    assert_true(atomic_load(&env->shm.control->catalog_version) > version);
    assert_true(atomic_load(&env->shm.log->visible) >= t.last_commit);
    struct txn later = begin(ISO_READ_COMMITTED, &s);
    assert_string_equal(see(&worker, &s, tree, "kept", buf), "1");
    MUST(txn_rollback(&worker, &later));
}

static void losers_of_a_crash_are_adopted(void **state) {
    (void)state;
    struct txn t = {0};
    struct proc txnd;
    struct snapshot s;
    fake_env_proc(env, SLOT_TXND, &txnd);
    MUST(txn_begin(&worker, &t, ISO_READ_COMMITTED, 0));
    MUST(put(&worker, &t, tree, "loser", "1"));
    lsn last = t.writer.last;
    txid x = t.writer.x;
    /* everything in memory is gone */
    memset(env->shm.txn, 0, txn_shared_bytes(&env->shm.sizes));
    txn_shared_init(&env->shm, 1);
    MUST(txn_adopt_loser(&env->shm, x, last, last));
    txn_recovered(&env->shm, x + 1);
    assert_int_equal(txn_fate(&env->shm, x, NULL, NULL), FATE_RUNNING);
    commit_time time = 99;
    assert_int_equal(txn_fate(&env->shm, x - 1, &time, NULL), FATE_COMMITTED);
    assert_int_equal(time, 0);
    for (uint32_t i = 0; i < env->shm.sizes.txns; i++)
        if (txn_slot_state(txn_slot_at(&env->shm, i)) == TXN_ORPHAN)
            MUST(txn_finish_orphan(&txnd, i));
    assert_int_equal(txn_fate(&env->shm, x, NULL, NULL), FATE_ROLLED_BACK);
    struct txn later = begin(ISO_READ_COMMITTED, &s);
    assert_null(see(&worker, &s, tree, "loser", buf));
    MUST(put(&worker, &later, tree, "loser", "2"));
    MUST(txn_rollback(&worker, &later));
}

static void all_slots_taken_is_an_error(void **state) {
    (void)state;
    struct txn t[64] = {0};
    int n = 0;
    while (n < 64 && ok(txn_begin(&worker, &t[n], ISO_READ_COMMITTED, 0))) n++;
    assert_in_range(n, 1, 63);
    struct txn more = {0};
    assert_true(
        status_is(txn_begin(&worker, &more, ISO_READ_COMMITTED, 0), ST_TOO_MANY_CONNECTIONS));
    while (n) MUST(txn_rollback(&worker, &t[--n]));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_commit_is_seen_by_later_snapshots_only),
        TEST(an_old_snapshot_follows_the_chain),
        TEST(a_statement_does_not_see_its_own_changes),
        TEST(a_mark_is_a_place_to_roll_back_to),
        TEST(a_running_writer_stands_in_the_way),
        TEST(relation_locks_conflict_as_postgresql_says),
        TEST(analyze_makes_no_weak_lock_look),
        TEST(very_many_locks_are_an_error),
        TEST(rows_are_held_by_several),
        TEST(a_savepoint_gives_locks_back),
        TEST(a_session_keeps_locks),
        TEST(a_dead_workers_transaction_is_undone),
        TEST(a_dead_workers_commit_stays),
        TEST(losers_of_a_crash_are_adopted),
        TEST(all_slots_taken_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
