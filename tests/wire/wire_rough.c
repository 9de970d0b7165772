/* Rough treatment: garbage, half messages, clients that vanish, floods of connections, cancels.
 * After each, the server serves others as before.
 *
 *     wire_rough PORT */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire_client.h"

static const char *port;
static unsigned failures;
static struct wire_client watch; /* a session that goes on through everything */

static void fail(const char *test, const char *words) {
    printf("FAILED: %s: %s\n", test, words);
    failures++;
}

static void expect(const char *test, const char *heard, const char *expected) {
    if (strcmp(heard, expected) == 0) return;
    char words[2000];
    snprintf(words, sizeof words, "heard %.900s, not %.900s", heard, expected);
    fail(test, words);
}

static struct wire_client *open_client(void) {
    struct wire_client *c = malloc(sizeof *c);
    if (!wire_open(c, port)) {
        fail("connection", c->heard);
        exit(1);
    }
    return c;
}

static void close_client(struct wire_client *c) {
    wire_close(c);
    free(c);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The others are served. */
static void others(const char *test) {
    expect(test, wire_ask(&watch, "select 42 as a"), "T(a:23) D(42) C(SELECT 1) Z(I) ");
    struct wire_client *c = open_client();
    expect(test, wire_ask(c, "select 42 as a"), "T(a:23) D(42) C(SELECT 1) Z(I) ");
    close_client(c);
}

/* ---- garbage ----------------------------------------------------------------------------------
 */

static void garbage(void) {
    unsigned seed = 7;
    char bytes[3000];
    for (unsigned round = 0; round < 150; round++) {
        struct wire_client c = {.fd = wire_connect(port)};
        size_t n = 1 + (size_t)rand_r(&seed) % sizeof bytes;
        for (size_t i = 0; i < n; i++) bytes[i] = (char)rand_r(&seed);
        if (round % 3 == 0) { /* a start-up packet of an allowed length */
            memset(bytes, 0, 3);
            bytes[3] = (char)(8 + rand_r(&seed) % 100);
            if (round % 2) memcpy(bytes + 4, "\0\3\0", 4);
        }
        (void)wire_send(&c, bytes, n);
        wire_close(&c);
    }
    others("garbage before start-up");
    for (unsigned round = 0; round < 150; round++) {
        struct wire_client *c = open_client();
        for (int m = 0; m < 20; m++) {
            static const char types[] = "QPBEDCHSdcfFp";
            size_t n = (size_t)rand_r(&seed) % 60;
            for (size_t i = 0; i < n; i++)
                bytes[i] = rand_r(&seed) % 3 ? (char)(rand_r(&seed) % 3) : (char)rand_r(&seed);
            if (!wire_message(c, types[(size_t)rand_r(&seed) % (sizeof types - 1)], bytes, n))
                break;
        }
        (void)shutdown(c->fd, SHUT_WR);
        while (wire_hear(c, 1, 20)) wire_forget(c);
        if (!c->ended) fail("garbage messages", "the session does not end");
        close_client(c);
    }
    others("garbage messages");
}

/* Valid messages with bytes changed. */
static void bent_messages(void) {
    static const char good[] = "P\0\0\0\x1fs\0select $1::int + $2\0\0\1\0\0\0\x17"
                               "B\0\0\0\x1cp\0s\0\0\1\0\1\0\2\0\0\0\4\0\0\0\5\0\0\0\0"
                               "D\0\0\0\7Pp\0"
                               "E\0\0\0\nq\0\0\0\0\0"
                               "S\0\0\0\4";
    unsigned seed = 3;
    for (unsigned round = 0; round < 400; round++) {
        char bytes[sizeof good - 1];
        memcpy(bytes, good, sizeof bytes);
        for (int k = 0; k <= rand_r(&seed) % 3; k++)
            bytes[(size_t)rand_r(&seed) % sizeof bytes] = (char)rand_r(&seed);
        struct wire_client *c = open_client();
        (void)wire_send(c, bytes, sizeof bytes);
        (void)shutdown(c->fd, SHUT_WR);
        while (wire_hear(c, 1, 20)) wire_forget(c);
        if (!c->ended) fail("bent messages", "the session does not end");
        close_client(c);
    }
    others("bent messages");
}

static void impossible_lengths(void) {
    static const unsigned char heads[][5] = {{'Q', 0, 0, 0, 0},
                                             {'Q', 0, 0, 0, 3},
                                             {'Q', 0xff, 0xff, 0xff, 0xff},
                                             {'Q', 0x7f, 0xff, 0xff, 0xff}};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct wire_client *c = open_client();
        wire_forget(c);
        (void)wire_send(c, heads[i], 5);
        (void)wire_hear(c, 1, 20);
        expect("impossible length", c->heard, "E(FATAL 08P01) ");
        if (!c->ended) fail("impossible length", "the session goes on");
        close_client(c);
    }
    others("impossible lengths");
}

/* Clients that stop in the middle of a message: nothing of them stays. */
static void half_messages(void) {
    for (unsigned round = 0; round < 60; round++) {
        struct wire_client *c = open_client();
        (void)wire_query(c, "begin");
        (void)wire_hear(c, 1, 20);
        (void)wire_send(c, round % 2 ? "Q\0\0\1\0select" : "Q\0\20\0\0select", 11);
        close_client(c);
    }
    for (unsigned round = 0; round < 30; round++) {
        struct wire_client c = {.fd = wire_connect(port)};
        (void)wire_send(&c, "\0\0\0\100\0\3\0", 5 + round % 3);
        wire_close(&c);
    }
    others("half messages");
}

static void a_large_query(void) {
    size_t n = 3 << 20;
    char *sql = malloc(n + 100);
    struct wire_client *c = open_client();
    char *at = sql + sprintf(sql, "select length('");
    memset(at, 'x', n);
    strcpy(at + n, "') as n");
    char expected[100];
    snprintf(expected, sizeof expected, "T(n:23) D(%zu) C(SELECT 1) Z(I) ", n);
    expect("a large query", wire_ask(c, sql), expected);
    free(sql);
    close_client(c);
}

static void start_up(void) {
    /* user missing; unknown database; unknown setting; a setting that clients cannot set; a newer
     * protocol */
    static const struct {
        const char *words, *parameters;
        int minor;
    } cases[] = {
        {"E(FATAL 28000) ", "database\0postgres\0", 0},
        {"E(FATAL 3D000) ", "user\0postgres\0database\0nosuch\0", 0},
        {"E(FATAL 42704) ", "user\0postgres\0nosuch\0x\0", 0},
        {"E(FATAL 55P02) ", "user\0postgres\0server_version\0x\0", 0},
        {"E(FATAL 22023) ", "user\0postgres\0options\0-c work_mem=x\0", 0},
        {"R(0) Z(I) ", "user\0postgres\0options\0-c work_mem=3MB\0", 0},
        {"v R(0) Z(I) ", "user\0postgres\0", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wire_client *c = calloc(1, sizeof *c);
        char m[200] = {0};
        size_t n = 8;
        for (const char *at = cases[i].parameters; *at;) {
            size_t len = strlen(at) + 1;
            memcpy(m + n, at, len);
            n += len;
            at += len;
        }
        n++;
        m[3] = (char)n;
        m[5] = 3;
        m[7] = (char)cases[i].minor;
        c->fd = wire_connect(port);
        (void)wire_send(c, m, n);
        (void)wire_hear(c, 1, 20);
        expect("start-up", c->heard, cases[i].words);
        close_client(c);
    }
    others("start-up");
}

static void encryption_is_refused(void) {
    struct wire_client c = {.fd = wire_connect(port)};
    for (int request = 3; request <= 4; request++) {
        char answer = 0;
        char m[8] = {0, 0, 0, 8, 4, (char)0xd2, 0x16, (char)(0x2c + request)};
        (void)wire_send(&c, m, sizeof m);
        if (recv(c.fd, &answer, 1, 0) != 1 || answer != 'N') fail("SSLRequest", "no N");
    }
    static const char m[] = "\0\0\0\27\0\3\0\0user\0postgres\0";
    (void)wire_send(&c, m, sizeof m);
    if (!wire_hear(&c, 1, 20)) fail("SSLRequest", "no session after it");
    wire_close(&c);
}

/* ---- clients that vanish, locks ----------------------------------------------------------------
 */

static void ask(struct wire_client *c, const char *sql) {
    (void)wire_ask(c, sql);
    if (strstr(c->heard, "E(")) fail(sql, c->heard);
}

static void the_vanished_hold_nothing(void) {
    ask(&watch, "create table rough(a int primary key, b int)");
    ask(&watch, "insert into rough values (1, 0)");
    for (unsigned how = 0; how < 4; how++) {
        struct wire_client *c = open_client();
        ask(c, "begin");
        ask(c, "update rough set b = b + 1");
        if (how == 1) { /* in the middle of a long statement */
            (void)wire_query(c, "select count(*) from generate_series(1, 1000000000)");
            usleep(200000);
        }
        if (how == 2) { /* in the middle of COPY */
            (void)wire_query(c, "copy rough from stdin");
            (void)wire_message(c, 'd', "7\t7\n8", 5);
        }
        if (how == 3) { /* reset instead of closed */
            struct linger l = {.l_onoff = 1};
            (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
        }
        close_client(c);
        double from = now();
        ask(&watch, "update rough set b = b + 10");
        if (now() - from > 3) fail("a vanished client", "its lock is held for seconds");
    }
    expect("vanished clients", wire_ask(&watch, "select b from rough"),
           "T(b:23) D(40) C(SELECT 1) Z(I) ");
}

static void cancel(const struct wire_client *c, uint32_t wrong) {
    struct wire_client other = {.fd = wire_connect(port)};
    uint32_t words[4] = {16, 80877102, c->pid, c->secret + wrong};
    for (int i = 0; i < 4; i++) words[i] = __builtin_bswap32(words[i]);
    char byte;
    (void)wire_send(&other, words, sizeof words);
    if (recv(other.fd, &byte, 1, 0) > 0) fail("cancel", "it is answered");
    wire_close(&other);
}

static void cancels(void) {
    struct wire_client *c = open_client();
    double from = now();
    wire_forget(c);
    (void)wire_query(c, "select count(*) from generate_series(1, 1000000000)");
    usleep(100000);
    cancel(c, 1); /* somebody else's secret */
    if (wire_hear(c, 1, 1)) fail("cancel", "a wrong secret is good enough");
    cancel(c, 0);
    (void)wire_hear(c, 1, 20);
    expect("cancel of a statement", c->heard, "T(count:20) E(57014) Z(I) ");
    if (now() - from > 5) fail("cancel of a statement", "late");
    ask(c, "begin");
    ask(&watch, "begin");
    ask(&watch, "update rough set b = 1");
    wire_forget(c);
    (void)wire_query(c, "update rough set b = 2");
    usleep(100000);
    cancel(c, 0);
    (void)wire_hear(c, 1, 20);
    expect("cancel of a wait", c->heard, "E(57014) Z(E) ");
    ask(c, "rollback");
    ask(&watch, "rollback");
    cancel(c, 0); /* while idle: nothing happens */
    usleep(100000);
    expect("after a cancel while idle", wire_ask(c, "select 1 as a"),
           "T(a:23) D(1) C(SELECT 1) Z(I) ");
    struct wire_client nobody = {.pid = 0xffffffff};
    cancel(&nobody, 0);
    close_client(c);
}

/* A statement that fails gives its block's rows and locks back before the client says so. */
static void a_failed_block_holds_nothing(void) {
    struct wire_client *c = open_client();
    ask(c, "begin");
    ask(c, "update rough set b = 77");
    wire_forget(&watch);
    (void)wire_query(&watch, "update rough set b = 5 returning b");
    if (wire_hear(&watch, 1, 1)) fail("a lock", "is not held");
    (void)wire_ask(c, "selec");
    if (!wire_hear(&watch, 1, 3)) fail("a failed block", "its rows stay locked");
    expect("a failed block", watch.heard, "T(b:23) D(5) C(UPDATE 1) Z(I) ");
    ask(c, "rollback");
    close_client(c);
}

static void timeouts(void) {
    struct wire_client *c = open_client();
    ask(&watch, "begin");
    ask(&watch, "update rough set b = 1");
    ask(c, "set lock_timeout = '200ms'");
    double from = now();
    expect("lock_timeout", wire_ask(c, "update rough set b = 2"), "E(55P03) Z(I) ");
    if (now() - from < 0.19 || now() - from > 3) fail("lock_timeout", "at another time");
    ask(c, "set lock_timeout = 0; set statement_timeout = '300ms'");
    from = now();
    expect("statement_timeout in a wait", wire_ask(c, "update rough set b = 2"), "E(57014) Z(I) ");
    if (now() - from < 0.29 || now() - from > 3) fail("statement_timeout", "at another time");
    expect("statement_timeout", wire_ask(c, "select count(*) from generate_series(1, 1000000000)"),
           "T(count:20) E(57014) Z(I) ");
    ask(&watch, "rollback");
    close_client(c);
}

/* A statement that executes itself. */
static void endless_execute(void) {
    struct wire_client *c = open_client();
    wire_forget(c);
    (void)wire_line(c, "P p|execute p|");
    (void)wire_line(c, "S");
    (void)wire_query(c, "execute p");
    (void)wire_hear(c, 2, 20);
    expect("a statement that executes itself", c->heard, "1 Z(I) E(54001) Z(I) ");
    close_client(c);
    others("a statement that executes itself");
}

/* ---- many --------------------------------------------------------------------------------------
 */

#define MANY 200

static void many_connections(void) {
    static struct wire_client *c[MANY];
    for (int i = 0; i < MANY; i++) c[i] = open_client();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            char sql[100];
            snprintf(sql, sizeof sql, "select %d as a; update rough set b = b + 1", i);
            wire_forget(c[i]);
            (void)wire_query(c[i], sql);
        }
        for (int i = 0; i < MANY; i++) {
            char expected[100];
            (void)wire_hear(c[i], 1, 60);
            snprintf(expected, sizeof expected, "T(a:23) D(%d) C(SELECT 1) C(UPDATE 1) Z(I) ", i);
            expect("many connections", c[i]->heard, expected);
        }
    }
    for (int i = 0; i < MANY; i++) close_client(c[i]);
    for (int i = 0; i < 300; i++) close_client(open_client());
    others("many connections");
}

/* Half a million rows to a client that does not read; the others do not wait for it. */
static void a_client_that_does_not_read(void) {
    struct wire_client *c = open_client();
    (void)wire_query(c, "select g, repeat('x', 50) from generate_series(1, 500000) g");
    usleep(300000);
    double from = now();
    others("a client that does not read");
    if (now() - from > 2) fail("a client that does not read", "the others wait");
    wire_forget(c);
    if (!wire_hear(c, 1, 60)) fail("a client that does not read", "its rows do not come");
    close_client(c);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    port = argv[1];
    if (!wire_open(&watch, port)) return fail("connection", watch.heard), 1;
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        {"start-up", start_up},
        {"encryption is refused", encryption_is_refused},
        {"garbage", garbage},
        {"bent messages", bent_messages},
        {"impossible lengths", impossible_lengths},
        {"half messages", half_messages},
        {"a large query", a_large_query},
        {"the vanished hold nothing", the_vanished_hold_nothing},
        {"cancels", cancels},
        {"a failed block holds nothing", a_failed_block_holds_nothing},
        {"timeouts", timeouts},
        {"a statement that executes itself", endless_execute},
        {"many connections", many_connections},
        {"a client that does not read", a_client_that_does_not_read},
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        double from = now();
        tests[i].run();
        printf("%-34s %.2f s\n", tests[i].name, now() - from);
        fflush(stdout);
    }
    ask(&watch, "drop table rough");
    printf("%u failures\n", failures);
    return failures != 0;
}
