/* Daemons in one process: by turns where the order matters, as threads where it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/control.h"
#include "conf/conf.h"
#include "ipc_daemon.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "ipc_ring.h"

static const struct shm_sizes sizes = {.frames = 16,
                                       .page_buckets = 16,
                                       .workers = 4,
                                       .sessions = 4,
                                       .txns = 16,
                                       .map_entries = 64,
                                       .ring_bytes = 4096};

/* --- an answering daemon: arg[0] + 1, at once or when released ------------------------------- */

#define HELD_MAX 4096
struct answerer {
    bool hold;
    unsigned n;
    uint64_t handled, posts;
    struct msg held[HELD_MAX];
    bool stop;
};

static void answer(struct daemon *d, const struct msg *m) {
    struct answerer *a = d->state;
    struct msg reply = *m;
    a->handled++;
    if (m->flags & MSG_FLAG_POST) {
        a->posts++;
        return;
    }
    if (a->hold) {
        assert_true(a->n < HELD_MAX);
        a->held[a->n++] = *m;
        return;
    }
    reply.code = ST_OK;
    reply.arg[0]++;
    daemon_reply(d, &reply);
}

static const struct daemon_ops answering = {.name = "answerer", .handle = answer};
static const struct daemon_ops asking = {.name = "asker"};

static void release(struct daemon *d) {
    struct answerer *a = d->state;
    for (unsigned i = 0; i < a->n; i++) {
        a->held[i].arg[0]++;
        a->held[i].code = ST_OK;
        daemon_reply(d, &a->held[i]);
    }
    a->n = 0;
}

static struct conf conf;

static int settings([[maybe_unused]] void **state) {
    conf_init(&conf);
    return 0;
}

static void open_daemon(struct daemon *d, struct shm *m, uint16_t slot,
                        const struct daemon_ops *ops, bool restart) {
    struct error e = {0};
    assert_true(ok(daemon_open(d, ops, m, slot, &conf, "/tmp", restart, &e)));
}

static void make(struct shm *m) {
    struct error e = {0};
    status s = region_create_all(NULL, &sizes, m, &e);
    if (!ok(s)) print_error("%s\n", e.message);
    assert_true(ok(s));
}

/* What the supervisor does when the process in the slot has died. */
static void die(struct shm *m, struct daemon *d, uint16_t slot) {
    daemon_close(d);
    atomic_store(&m->control->procs[slot].state, PROC_DEAD);
}

/* --- sessions of an asker --------------------------------------------------------------------- */

struct session {
    struct daemon *d;
    uint16_t to;
    unsigned calls;
    uint64_t sum, wrong;
    bool done;
};

static void ask(void *arg) {
    struct session *s = arg;
    for (unsigned i = 0; i < s->calls; i++) {
        struct msg m = {.op = 1, .tag = 77, .arg = {i * 3}};
        status st = s->d->proc.env->call(&s->d->proc, s->to, &m);
        s->wrong += !ok(st) || m.arg[0] != i * 3 + 1 || m.tag != 77;
        s->sum += m.arg[0];
    }
    s->done = true;
}

static void turn_both(struct daemon *a, struct daemon *b, int n) {
    for (int i = 0; i < n; i++) {
        daemon_turn(a, 0);
        daemon_turn(b, 0);
    }
}

static void calls_and_answers([[maybe_unused]] void **state) {
    struct shm m;
    make(&m);
    struct daemon server, client;
    struct answerer a = {0};
    open_daemon(&server, &m, SLOT_LOGD, &answering, false);
    server.state = &a;
    open_daemon(&client, &m, SLOT_QUERYD, &asking, false);
    /* More sessions than a ring holds messages. */
    enum { N = 700 };
    static struct session s[N];
    for (int i = 0; i < N; i++) {
        s[i] = (struct session){.d = &client, .to = SLOT_LOGD, .calls = 20};
        assert_true(ok(daemon_spawn(&client, 16384, ask, &s[i])));
    }
    turn_both(&client, &server, 600);
    for (int i = 0; i < N; i++) {
        assert_true(s[i].done);
        assert_int_equal(s[i].wrong, 0);
    }
    assert_int_equal(a.handled, N * 20);
    daemon_close(&client);
    daemon_close(&server);
    region_detach_all(&m);
}

/* A daemon dies with requests taken, requests in its ring, and answers on their way: each request
 * is answered exactly once to its asker, and each life sees it at most once. */
static void a_new_life_answers_what_the_dead_one_did_not([[maybe_unused]] void **state) {
    struct shm m;
    make(&m);
    struct daemon server, client;
    static struct answerer lives[4];
    memset(lives, 0, sizeof lives);
    open_daemon(&client, &m, SLOT_QUERYD, &asking, false); /* before the daemon's first life */
    enum { N = 300 };
    static struct session s[N];
    for (int i = 0; i < N; i++) {
        s[i] = (struct session){.d = &client, .to = SLOT_TXND, .calls = 3};
        assert_true(ok(daemon_spawn(&client, 16384, ask, &s[i])));
    }
    daemon_turn(&client, 0);
    for (int life = 0; life < 4; life++) {
        open_daemon(&server, &m, SLOT_TXND, &answering, life > 0);
        server.state = &lives[life];
        lives[life].hold = life < 3;
        turn_both(&server, &client, 12);
        assert_true(lives[life].n <= N);
        if (life == 1) {
            lives[life].n /= 2; /* the other half is never answered by this life */
            release(&server);
            daemon_turn(&server, 0);
        }
        if (life == 3) {
            lives[life].hold = false;
            turn_both(&server, &client, 100);
        } else {
            die(&m, &server, SLOT_TXND);
            for (int i = 0; i < 3; i++) daemon_turn(&client, 0);
        }
    }
    for (int i = 0; i < N; i++) {
        assert_true(s[i].done);
        assert_int_equal(s[i].wrong, 0);
    }
    assert_int_equal(lives[0].handled, 255); /* what fits under way */
    daemon_close(&server);
    daemon_close(&client);
    region_detach_all(&m);
}

/* Answers for a dead asker do not reach its successor. */
static void a_dead_askers_answers_are_dropped([[maybe_unused]] void **state) {
    struct shm m;
    make(&m);
    struct daemon server, client;
    static struct answerer a;
    memset(&a, 0, sizeof a);
    a.hold = true;
    open_daemon(&server, &m, SLOT_LOGD, &answering, false);
    server.state = &a;
    for (int life = 0; life < 50; life++) {
        open_daemon(&client, &m, SLOT_QUERYD + 1, &asking, life > 0);
        static struct session s[100];
        for (int i = 0; i < 100; i++) {
            s[i] = (struct session){.d = &client, .to = SLOT_LOGD, .calls = 1};
            assert_true(ok(daemon_spawn(&client, 16384, ask, &s[i])));
        }
        turn_both(&client, &server, 8);
        if (life % 2) release(&server); /* answers lie in the ring when it dies */
        turn_both(&server, &server, 1);
        if (life == 49) {
            a.hold = false;
            release(&server);
            turn_both(&client, &server, 20);
            for (int i = 0; i < 100; i++) assert_true(s[i].done && s[i].wrong == 0);
        }
        die(&m, &client, SLOT_QUERYD + 1);
        if (life % 3 == 0) release(&server);
    }
    daemon_close(&server);
    region_detach_all(&m);
}

static void given_up([[maybe_unused]] void **state) {
    struct shm m;
    make(&m);
    struct daemon client;
    open_daemon(&client, &m, SLOT_QUERYD, &asking, false);
    static struct session s;
    s = (struct session){.d = &client, .to = SLOT_LOGD, .calls = 1};
    assert_true(ok(daemon_spawn(&client, 16384, ask, &s)));
    daemon_turn(&client, 0);
    assert_false(s.done);
    atomic_store(&m.control->procs[SLOT_LOGD].state, PROC_FAILED);
    for (int i = 0; i < 30 && !s.done; i++) daemon_turn(&client, 100);
    assert_true(s.done);
    assert_int_equal(s.wrong, 1);
    daemon_close(&client);
    region_detach_all(&m);
}

/* --- coroutines ------------------------------------------------------------------------------- */

struct sleeper {
    struct daemon *d;
    uint64_t ns;
    uint64_t woke_ns;
    struct coro *self;
    bool woken;
    int *order;
    int at;
    uint64_t due_ns;
};

static void sleep_for(void *arg) {
    struct sleeper *s = arg;
    s->due_ns = clock_mono_ns() + s->ns;
    daemon_sleep(s->d, s->ns);
    s->woke_ns = clock_mono_ns();
    s->at = ++*s->order;
}

static void timers_fire_in_order([[maybe_unused]] void **state) {
    struct shm m;
    make(&m);
    struct daemon d;
    open_daemon(&d, &m, SLOT_QUERYD, &asking, false);
    enum { N = 200 };
    static struct sleeper s[N];
    int order = 0;
    srand(3);
    uint64_t begin = clock_mono_ns();
    for (int i = 0; i < N; i++) {
        s[i] = (struct sleeper){.d = &d, .ns = (uint64_t)(rand() % 100) * 1000000, .order = &order};
        assert_true(ok(daemon_spawn(&d, 16384, sleep_for, &s[i])));
    }
    while (order < N && clock_mono_ns() - begin < 10000000000u) daemon_turn(&d, -1);
    assert_int_equal(order, N);
    for (int i = 0; i < N; i++) {
        assert_true(s[i].woke_ns >= begin + s[i].ns);
        for (int k = 0; k < i; k++) {
            if (s[i].due_ns + 20000000 < s[k].due_ns) assert_true(s[i].at < s[k].at);
        }
    }
    daemon_close(&d);
    region_detach_all(&m);
}

static void wait_for_wake(void *arg) {
    struct sleeper *s = arg;
    s->self = coro_self();
    s->woken = daemon_suspend_for(s->d, s->ns);
    (*s->order)++;
}

static void wake_before_and_after_time([[maybe_unused]] void **state) {
    struct shm m;
    make(&m);
    struct daemon d;
    open_daemon(&d, &m, SLOT_QUERYD, &asking, false);
    int order = 0;
    struct sleeper woken = {.d = &d, .ns = 10000000000u, .order = &order};
    struct sleeper late = {.d = &d, .ns = 20000000, .order = &order};
    assert_true(ok(daemon_spawn(&d, 0, wait_for_wake, &woken)));
    assert_true(ok(daemon_spawn(&d, 0, wait_for_wake, &late)));
    daemon_turn(&d, 0);
    daemon_wake(&d, woken.self);
    uint64_t begin = clock_mono_ns();
    while (order < 2 && clock_mono_ns() - begin < 5000000000u) daemon_turn(&d, -1);
    assert_int_equal(order, 2);
    assert_true(woken.woken);
    assert_false(late.woken);
    daemon_close(&d);
    region_detach_all(&m);
}

/* A wake-up during a call does not end the call, and is not lost. */
struct caller {
    struct daemon *d;
    struct coro *self;
    status outcome;
    int step;
};

static void call_then_suspend(void *arg) {
    struct caller *c = arg;
    struct msg m = {.op = 1, .arg = {41}};
    c->self = coro_self();
    c->step = 1;
    c->outcome = c->d->proc.env->call(&c->d->proc, SLOT_LOGD, &m);
    assert_int_equal(m.arg[0], 42);
    c->step = 2;
    daemon_suspend(c->d);
    c->step = 3;
    daemon_suspend(c->d);
    c->step = 4;
}

static void wake_up_in_a_call_is_kept([[maybe_unused]] void **state) {
    struct shm m;
    make(&m);
    struct daemon server, client;
    static struct answerer a;
    memset(&a, 0, sizeof a);
    a.hold = true;
    open_daemon(&server, &m, SLOT_LOGD, &answering, false);
    server.state = &a;
    open_daemon(&client, &m, SLOT_QUERYD, &asking, false);
    struct caller c = {.d = &client};
    client.proc.trace = 4711;
    assert_true(ok(daemon_spawn(&client, 0, call_then_suspend, &c)));
    client.proc.trace = 0;
    turn_both(&client, &server, 3);
    assert_int_equal(c.step, 1);
    assert_int_equal(a.held[0].trace, 4711); /* a coroutine keeps its trace id */
    daemon_wake(&client, c.self);
    turn_both(&client, &server, 3);
    assert_int_equal(c.step, 1);
    release(&server);
    turn_both(&server, &client, 5);
    assert_true(ok(c.outcome));
    assert_int_equal(c.step, 3);
    daemon_wake(&client, c.self);
    turn_both(&server, &client, 3);
    assert_int_equal(c.step, 4);
    daemon_close(&client);
    daemon_close(&server);
    region_detach_all(&m);
}

/* --- descriptors ------------------------------------------------------------------------------ */

static void readable(void *arg, uint32_t events) {
    int *got = arg;
    assert_true(events & EPOLLIN);
    (*got)++;
}

static void watched_descriptors([[maybe_unused]] void **state) {
    struct shm m;
    make(&m);
    struct daemon d;
    open_daemon(&d, &m, SLOT_QUERYD, &asking, false);
    int ends[2], got = 0;
    assert_int_equal(pipe(ends), 0);
    assert_true(ok(daemon_watch(&d, ends[0], EPOLLIN, readable, &got)));
    daemon_turn(&d, 0);
    assert_int_equal(got, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    daemon_turn(&d, 1000);
    assert_int_equal(got, 1);
    assert_true(ok(daemon_watch(&d, ends[0], 0, NULL, NULL)));
    daemon_turn(&d, 0);
    assert_int_equal(got, 1);
    close(ends[0]);
    close(ends[1]);
    assert_true(status_is(daemon_watch(&d, -1, EPOLLIN, readable, &got), ST_INVALID));
    daemon_close(&d);
    region_detach_all(&m);
}

/* --- threads ---------------------------------------------------------------------------------- */

struct thread_daemon {
    struct shm *m;
    uint16_t slot;
    struct answerer a;
    struct session sessions[40];
    pthread_t thread;
    _Atomic bool stop;
    _Atomic bool opened;
    uint64_t wrong;
};

static void *serve_thread(void *arg) {
    struct thread_daemon *t = arg;
    struct daemon d;
    open_daemon(&d, t->m, t->slot, &answering, false);
    d.state = &t->a;
    daemon_ready(&d);
    atomic_store(&t->opened, true);
    while (!atomic_load(&t->stop)) daemon_turn(&d, 100);
    daemon_close(&d);
    return NULL;
}

static void *ask_thread(void *arg) {
    struct thread_daemon *t = arg;
    struct daemon d;
    open_daemon(&d, t->m, t->slot, &asking, false);
    for (int i = 0; i < 40; i++) {
        t->sessions[i] =
            (struct session){.d = &d, .to = i % 2 ? SLOT_LOGD : SLOT_STORAGED, .calls = 200};
        assert_true(ok(daemon_spawn(&d, 65536, ask, &t->sessions[i])));
    }
    for (;;) {
        bool all = true;
        for (int i = 0; i < 40; i++) all &= t->sessions[i].done;
        if (all) break;
        daemon_turn(&d, -1);
    }
    struct msg post = {.op = 2};
    d.proc.env->post(&d.proc, SLOT_LOGD, &post);
    daemon_turn(&d, 0);
    for (int i = 0; i < 40; i++) t->wrong += t->sessions[i].wrong;
    daemon_close(&d);
    return NULL;
}

/* Nobody is left asleep with something to do: 24,000 calls, many of them to sleepers. */
static void threads([[maybe_unused]] void **state) {
    struct shm m;
    make(&m);
    static struct thread_daemon servers[2], askers[3];
    memset(servers, 0, sizeof servers);
    memset(askers, 0, sizeof askers);
    for (int i = 0; i < 2; i++) {
        servers[i].m = &m;
        servers[i].slot = i ? SLOT_LOGD : SLOT_STORAGED;
        pthread_create(&servers[i].thread, NULL, serve_thread, &servers[i]);
    }
    for (int i = 0; i < 2; i++) {
        while (!atomic_load(&servers[i].opened)) usleep(1000);
    }
    uint64_t begin = clock_mono_ns();
    for (int i = 0; i < 3; i++) {
        askers[i].m = &m;
        askers[i].slot = (uint16_t)(SLOT_QUERYD + i);
        pthread_create(&askers[i].thread, NULL, ask_thread, &askers[i]);
    }
    for (int i = 0; i < 3; i++) pthread_join(askers[i].thread, NULL);
    print_message("24000 calls in %.0f ms\n", (double)(clock_mono_ns() - begin) / 1e6);
    usleep(50000);
    for (int i = 0; i < 2; i++) atomic_store(&servers[i].stop, true);
    for (int i = 0; i < 2; i++) pthread_join(servers[i].thread, NULL);
    for (int i = 0; i < 3; i++) assert_int_equal(askers[i].wrong, 0);
    assert_int_equal(servers[0].a.handled, 12000);
    assert_int_equal(servers[1].a.handled, 12003);
    assert_int_equal(servers[1].a.posts, 3);
    assert_int_equal(atomic_load(&m.control->procs[SLOT_LOGD].state), PROC_READY);
    region_detach_all(&m);
}

/* What an asker's coroutine sees of the answerer's inbox after each of its requests. */
struct teller {
    struct daemon *d;
    unsigned bits[8];
};

static void post_and_look(void *arg) {
    struct teller *t = arg;
    struct proc *p = &t->d->proc;
    _Atomic uint64_t *inbox = &p->shm->rings->inbox[SLOT_LOGD].requests;
    for (unsigned i = 0; i < 8; i++) {
        struct msg m = {.op = 1};
        p->env->post(p, SLOT_LOGD, &m);
        t->bits[i] = (unsigned)(atomic_load(inbox) >> p->owner.slot & 1);
    }
}

/* Who is awake can begin before the asker's phase is over; who sleeps is told, and woken, once. */
static void told_in_the_middle_or_at_the_end([[maybe_unused]] void **state) {
    struct shm m;
    struct daemon logd, asker;
    struct answerer a = {0};
    make(&m);
    open_daemon(&logd, &m, SLOT_LOGD, &answering, false);
    open_daemon(&asker, &m, SLOT_QUERYD, &asking, false);
    logd.state = &a;
    for (uint32_t asleep = 0; asleep <= 1; asleep++) {
        struct teller t = {.d = &asker};
        turn_both(&logd, &asker, 4);
        atomic_store(&m.control->procs[SLOT_LOGD].asleep, asleep);
        assert_true(ok(daemon_spawn(&asker, 0, post_and_look, &t)));
        (void)daemon_turn(&asker, 0);
        for (unsigned i = 0; i < 8; i++) assert_int_equal(t.bits[i], !asleep && i >= 3);
        assert_int_equal(atomic_load(&m.control->procs[SLOT_LOGD].asleep), 0);
        (void)daemon_turn(&logd, 0);
        assert_int_equal(a.posts, 8 * (asleep + 1));
    }
    daemon_close(&asker);
    daemon_close(&logd);
    region_detach_all(&m);
}

/* Start-up code outside coroutines calls too. */
static void call_outside_a_coroutine([[maybe_unused]] void **state) {
    struct shm m;
    make(&m);
    static struct thread_daemon server;
    memset(&server, 0, sizeof server);
    server.m = &m;
    server.slot = SLOT_TXND;
    struct daemon client;
    open_daemon(&client, &m, SLOT_LOGD, &asking, false);
    pthread_create(&server.thread, NULL, serve_thread, &server);
    for (uint64_t i = 0; i < 100; i++) {
        struct msg q = {.op = 1, .arg = {i}};
        assert_true(ok(client.proc.env->call(&client.proc, SLOT_TXND, &q)));
        assert_int_equal(q.arg[0], i + 1);
    }
    atomic_store(&server.stop, true);
    pthread_join(server.thread, NULL);
    daemon_close(&client);
    region_detach_all(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_and_answers),
        cmocka_unit_test(a_new_life_answers_what_the_dead_one_did_not),
        cmocka_unit_test(a_dead_askers_answers_are_dropped),
        cmocka_unit_test(given_up),
        cmocka_unit_test(timers_fire_in_order),
        cmocka_unit_test(wake_before_and_after_time),
        cmocka_unit_test(wake_up_in_a_call_is_kept),
        cmocka_unit_test(watched_descriptors),
        cmocka_unit_test(threads),
        cmocka_unit_test(told_in_the_middle_or_at_the_end),
        cmocka_unit_test(call_outside_a_coroutine),
    };
    return cmocka_run_group_tests(tests, settings, NULL);
}
