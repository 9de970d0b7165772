/* Threads as workers: they move amounts between accounts while others add everything up. Every sum
 * that a snapshot sees is the same, whatever was moved and rolled back meanwhile. */
#include <sched.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "txn_fixture.h"

#define THREADS 4
#define ACCOUNTS 20
#define START 1000
#ifdef __SANITIZE_THREAD__
#define ROUNDS 300
#else
#define ROUNDS 2000
#endif

struct player {
    struct fake_env *env;
    struct tree tree;
    unsigned me;
    unsigned seed;
    pthread_t thread;
};

static void account(char *key, int n) {
    memcpy(key, "acc", 3);
    key[3] = (char)('0' + n / 10);
    key[4] = (char)('0' + n % 10);
    key[5] = '\0';
}

/* Adds to one account, waiting for whoever writes it; false: a deadlock, roll back. */
static bool add(struct proc *p, struct txn *t, struct tree tree, int n, int64_t amount) {
    char key[8], buf[TREE_ENTRY_BYTES_MAX];
    account(key, n);
    MUST(txn_need_id(p, t));
    for (;;) {
        struct tree_entry e;
        struct tree_found found;
        int64_t balance;
        MUST(tree_get(p, tree, key, strlen(key), buf, &e));
        memcpy(&balance, e.value, sizeof balance);
        balance += amount;
        status s = tree_update(p, &t->writer, tree, key, strlen(key), e.lsn, &balance,
                               sizeof balance, txn_is_running, &found);
        if (ok(s)) return true;
        if (status_is(s, ST_ROW_CHANGED)) continue;
        CHECK(status_is(s, ST_ROW_BUSY));
        s = txn_wait(p, t, stamp_txid(found.stamp), 0, 200);
        if (!ok(s)) return false;
    }
}

static void check_sum(struct proc *p, struct txn *t, struct tree tree) {
    struct snapshot s;
    int64_t sum = 0;
    MUST(txn_snapshot(p, t, &s));
    for (int n = 0; n < ACCOUNTS; n++) {
        char key[8], buf[TREE_ENTRY_BYTES_MAX];
        struct tree_entry e;
        int64_t balance;
        account(key, n);
        MUST(tree_get(p, tree, key, strlen(key), buf, &e));
        MUST(version_visible(p, &s, &e, buf));
        memcpy(&balance, e.value, sizeof balance);
        sum += balance;
    }
    CHECK(sum == ACCOUNTS * START);
}

static void *play(void *arg) {
    struct player *me = arg;
    struct proc p;
    fake_env_proc(me->env, (uint16_t)(SLOT_QUERYD + me->me), &p);
    struct txn t = {0};
    for (int round = 0; round < ROUNDS; round++) {
        MUST(txn_begin(&p, &t, ISO_READ_COMMITTED, 0));
        if (me->me == 0) {
            check_sum(&p, &t, me->tree);
            MUST(txn_rollback(&p, &t));
            continue;
        }
        int from = rand_r(&me->seed) % ACCOUNTS, to = rand_r(&me->seed) % ACCOUNTS;
        int amount = rand_r(&me->seed) % 100;
        bool moved =
            from < to && add(&p, &t, me->tree, from, -amount) && add(&p, &t, me->tree, to, amount);
        if (moved && rand_r(&me->seed) % 8)
            MUST(txn_commit(&p, &t, true));
        else
            MUST(txn_rollback(&p, &t));
    }
    return NULL;
}

static void sums_never_change(void **state) {
    (void)state;
    struct fake_env *env = fixture_new(THREADS);
    struct proc p;
    fake_env_proc(env, SLOT_QUERYD, &p);
    struct tree tree = fixture_tree(&p);
    struct txn t = {0};
    MUST(txn_begin(&p, &t, ISO_READ_COMMITTED, 0));
    MUST(txn_need_id(&p, &t));
    for (int n = 0; n < ACCOUNTS; n++) {
        char key[8];
        int64_t start = START;
        account(key, n);
        MUST(tree_insert(&p, &t.writer, tree, key, strlen(key), &start, sizeof start,
                         txn_is_running, NULL));
    }
    MUST(txn_commit(&p, &t, true));
    struct player players[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        players[i] = (struct player){env, tree, i, i + 1, 0};
        CHECK(pthread_create(&players[i].thread, NULL, play, &players[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++) pthread_join(players[i].thread, NULL);
    MUST(txn_begin(&p, &t, ISO_READ_COMMITTED, 0));
    check_sum(&p, &t, tree);
    MUST(txn_rollback(&p, &t));
    struct tree_report report;
    MUST(tree_check(&p, tree, NULL, NULL, &report));
    assert_int_equal(report.entries, ACCOUNTS);
    fake_env_free(env);
}

/* ---- an exclusive lock has one holder -------------------------------------------------------- */

#define RELATION 4711

static _Atomic int inside;

static void *lock_again_and_again(void *arg) {
    struct player *me = arg;
    struct proc p;
    fake_env_proc(me->env, (uint16_t)(SLOT_QUERYD + me->me), &p);
    struct txn t = {0};
    for (int round = 0; round < 20 * ROUNDS; round++) {
        MUST(txn_begin(&p, &t, ISO_READ_COMMITTED, me->me));
        bool shared = rand_r(&me->seed) % 4 == 0;
        MUST(txn_lock_relation(&p, &t, RELATION, shared ? MODE_SHARE : MODE_ACCESS_EXCLUSIVE, false,
                               0));
        int before = atomic_fetch_add(&inside, shared ? 1 : 1000);
        CHECK(shared ? before < 1000 : before == 0);
        if (rand_r(&me->seed) % 4 == 0) sched_yield();
        atomic_fetch_sub(&inside, shared ? 1 : 1000);
        MUST(txn_rollback(&p, &t));
    }
    return NULL;
}

static void an_exclusive_lock_has_one_holder(void **state) {
    (void)state;
    struct fake_env *env = fixture_new(THREADS);
    struct player players[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        players[i] = (struct player){.env = env, .me = i, .seed = i + 1};
        CHECK(pthread_create(&players[i].thread, NULL, lock_again_and_again, &players[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++) pthread_join(players[i].thread, NULL);
    assert_int_equal(atomic_load(&inside), 0);
    fake_env_free(env);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sums_never_change),
                                       cmocka_unit_test(an_exclusive_lock_has_one_holder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
