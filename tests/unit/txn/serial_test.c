/* Serializable transactions: who is given up, who is not, and what is kept for how long. */
#include "txn/serial.h"
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
    struct txn t = {0};
    MUST(txn_begin(&worker, &t, ISO_READ_COMMITTED, 0));
    for (const char *key = "abcd"; *key; key++)
        MUST(put(&worker, &t, tree, (char[]){*key, '\0'}, "0"));
    MUST(txn_commit(&worker, &t, true));
    return 0;
}

/* Whatever happened, nothing is left when nobody runs. */
static int teardown(void **state) {
    (void)state;
    struct serial_shared *shared = env->shm.serial;
    struct txn last = {0};
    struct snapshot s;
    MUST(log_wait_durable(&worker, (lsn){atomic_load(&env->shm.log->tail)}));
    MUST(txn_begin(&worker, &last, ISO_SERIALIZABLE, 0));
    MUST(txn_snapshot(&worker, &last, &s));
    MUST(txn_commit(&worker, &last, true));
    for (int w = 0; w < SERIAL_WORDS; w++) assert_int_equal(atomic_load(&shared->used[w]), 0);
    assert_int_equal(atomic_load(&shared->summary.end_turn), 0);
    fake_env_free(env);
    return 0;
}

static void begin(struct txn *t) {
    struct snapshot s;
    *t = (struct txn){0};
    MUST(txn_begin(&worker, t, ISO_SERIALIZABLE, 0));
    MUST(txn_snapshot(&worker, t, &s));
}

static status reads(struct txn *t, const char *key) {
    struct snapshot s;
    struct tree_entry e;
    MUST(txn_snapshot(&worker, t, &s));
    TRY(serial_read_key(t, tree, key, strlen(key)));
    TRY(tree_get(&worker, tree, key, strlen(key), buf, &e));
    status st = version_visible(&worker, &s, &e, buf);
    return status_is(st, ST_NOT_FOUND) ? OK : st;
}

static status reads_range(struct txn *t, const char *low, const char *high) {
    return serial_read_range(t, tree, low, strlen(low), high, strlen(high));
}

static status writes(struct txn *t, const char *key) {
    TRY(change(&worker, t, tree, key, "1"));
    return serial_wrote(&worker, t, tree, key, strlen(key));
}

static status adds(struct txn *t, const char *key) {
    TRY(put(&worker, t, tree, key, "1"));
    return serial_wrote(&worker, t, tree, key, strlen(key));
}

static status commits(struct txn *t) {
    return txn_commit(&worker, t, true);
}

static void is_given_up(struct txn *t, status s) {
    assert_int_equal(s.code, ST_SERIALIZATION_FAILURE);
    struct error e = {0};
    status_ignore(serial_words(&e, s));
    assert_non_null(strstr(e.detail, "Canceled on"));
    if (t->slot) MUST(txn_rollback(&worker, t));
}

static void of_a_write_skew_one_is_given_up(void **state) {
    (void)state;
    struct txn a, b;
    begin(&a);
    begin(&b);
    MUST(reads(&a, "a"));
    MUST(reads(&a, "b"));
    MUST(reads(&b, "a"));
    MUST(reads(&b, "b"));
    MUST(writes(&a, "a"));
    MUST(writes(&b, "b"));
    MUST(commits(&a));
    is_given_up(&b, commits(&b));
}

static void one_pair_alone_is_harmless(void **state) {
    (void)state;
    struct txn reader, writer;
    begin(&reader);
    begin(&writer);
    MUST(reads(&reader, "a"));
    MUST(writes(&writer, "a"));
    MUST(commits(&writer));
    MUST(reads(&reader, "a"));
    MUST(writes(&reader, "b"));
    MUST(commits(&reader));
}

static void who_reads_a_stretch_reads_what_is_not_there(void **state) {
    (void)state;
    struct txn a, b;
    begin(&a);
    begin(&b);
    MUST(reads_range(&a, "m", "p"));
    MUST(reads_range(&b, "m", "p"));
    MUST(adds(&a, "n"));
    MUST(adds(&b, "o"));
    MUST(commits(&b));
    is_given_up(&a, commits(&a));

    begin(&a);
    begin(&b);
    MUST(reads_range(&a, "q", "r"));
    MUST(reads_range(&b, "q", "r"));
    MUST(adds(&a, "r")); /* the end is not part of it */
    MUST(adds(&b, "p"));
    MUST(commits(&b));
    MUST(commits(&a));
}

static void a_reader_after_the_first_commit_makes_a_circle(void **state) {
    (void)state;
    /* Fekete, O'Neil, O'Neil: A Read-Only Transaction Anomaly Under Snapshot Isolation, 2004. */
    struct txn pivot, first, reader;
    begin(&pivot);
    MUST(reads(&pivot, "a"));
    MUST(reads(&pivot, "b"));
    begin(&first);
    MUST(reads(&first, "b"));
    MUST(writes(&first, "b"));
    MUST(commits(&first));
    begin(&reader);
    MUST(reads(&reader, "a"));
    MUST(reads(&reader, "b"));
    MUST(commits(&reader));
    is_given_up(&pivot, writes(&pivot, "a"));
}

static void a_read_only_one_that_began_before_is_harmless(void **state) {
    (void)state;
    struct txn pivot, first, reader = {0};
    struct snapshot s;
    begin(&pivot);
    MUST(reads(&pivot, "b"));
    MUST(txn_begin(&worker, &reader, ISO_SERIALIZABLE, 0));
    reader.read_only = true;
    MUST(txn_snapshot(&worker, &reader, &s));
    begin(&first);
    MUST(writes(&first, "b"));
    MUST(commits(&first));
    MUST(reads(&reader, "a"));
    MUST(writes(&pivot, "a"));
    MUST(commits(&reader));
    MUST(commits(&pivot));
}

static void a_commit_that_nobody_sees_yet_is_kept(void **state) {
    (void)state;
    struct txn a, b;
    begin(&a);
    MUST(reads(&a, "a"));
    MUST(writes(&a, "b"));
    MUST(txn_commit(&worker, &a, false)); /* in the log, not durable */
    begin(&b);
    MUST(reads(&b, "b"));
    is_given_up(&b, writes(&b, "a"));
}

static void who_is_chosen_cannot_go_back_to_a_savepoint(void **state) {
    (void)state;
    struct txn a, b;
    begin(&a);
    begin(&b);
    MUST(reads(&a, "a"));
    MUST(writes(&a, "b"));
    MUST(reads(&b, "b"));
    MUST(commits(&a));
    struct txn_mark mark = txn_mark(&b);
    assert_int_equal(writes(&b, "a").code, ST_SERIALIZATION_FAILURE);
    MUST(txn_rollback_to(&worker, &b, mark));
    is_given_up(&b, commits(&b));
}

static void more_than_there_are_slots(void **state) {
    (void)state;
    struct txn old, t;
    begin(&old);
    MUST(reads(&old, "a"));
    for (int i = 0; i < SERIAL_SLOTS + 10; i++) {
        begin(&t);
        MUST(reads_range(&t, "", ""));
        MUST(commits(&t));
    }
    begin(&t);
    MUST(writes(&t, "a")); /* old reads it: old → t */
    MUST(commits(&t));
    is_given_up(&old, writes(&old, "c")); /* somebody of the many has read it: … → old → t */
}

static void many_keys_become_the_whole_tree(void **state) {
    (void)state;
    struct txn a, b;
    char key[16];
    begin(&a);
    begin(&b);
    for (int i = 0; i < SERIAL_KEYS; i++) {
        snprintf(key, sizeof key, "k%d", i);
        MUST(serial_read_key(&a, tree, key, strlen(key)));
    }
    MUST(reads(&b, "a"));
    MUST(writes(&a, "a"));
    MUST(writes(&b, "d"));
    MUST(commits(&a));
    is_given_up(&b, commits(&b));
}

static void what_a_dead_worker_had_goes_with_it(void **state) {
    (void)state;
    struct proc other;
    struct txn lost = {0}, a, b;
    struct snapshot s;
    fake_env_proc(env, SLOT_QUERYD + 1, &other);
    MUST(txn_begin(&other, &lost, ISO_SERIALIZABLE, 0));
    MUST(txn_snapshot(&other, &lost, &s));
    MUST(serial_read_key(&lost, tree, "a", 1));
    begin(&a);
    MUST(reads(&a, "b"));
    MUST(writes(&a, "a"));
    latch_lock(&env->shm.serial->latch, other.owner);
    serial_repair(&env->shm, other.owner);
    serial_repair(&env->shm, other.owner);
    begin(&b);
    MUST(writes(&b, "b"));
    MUST(commits(&b)); /* a → b, and nobody → a any more */
    MUST(commits(&a));
    MUST(txn_rollback_to(&other, &lost, (struct txn_mark){LSN_NONE}));
    lost.serial = NULL;
    MUST(txn_rollback(&other, &lost));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(of_a_write_skew_one_is_given_up),
        TEST(one_pair_alone_is_harmless),
        TEST(who_reads_a_stretch_reads_what_is_not_there),
        TEST(a_reader_after_the_first_commit_makes_a_circle),
        TEST(a_read_only_one_that_began_before_is_harmless),
        TEST(a_commit_that_nobody_sees_yet_is_kept),
        TEST(who_is_chosen_cannot_go_back_to_a_savepoint),
        TEST(more_than_there_are_slots),
        TEST(many_keys_become_the_whole_tree),
        TEST(what_a_dead_worker_had_goes_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
