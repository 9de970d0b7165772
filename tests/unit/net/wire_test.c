/* Framing: a client that cuts its messages anywhere, sends impossible ones, does not read, or goes
 * away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/conf.h"
#include "ipc_region.h"
#include "net/wire.h"

static struct {
    struct shm shm;
    struct conf conf;
    struct daemon d;
    struct wire w;
    int client;
    unsigned random;
    bool done;
    unsigned bytes_max; /* of the writer's messages */
} f;

static const struct daemon_ops ops = {.name = "queryd"};

static void ready(void *arg, uint32_t events) {
    wire_ready(arg, events);
}

static int setup(void **state) {
    (void)state;
    struct shm_sizes sizes = {.frames = 16,
                              .page_buckets = 16,
                              .workers = 1,
                              .sessions = 2,
                              .txns = 16,
                              .map_entries = 128,
                              .ring_bytes = 8 << 20};
    struct error e = {0};
    int pair[2];
    memset(&f, 0, sizeof f);
    f.random = 1;
    if (!ok(region_create_all(NULL, &sizes, &f.shm, &e))) return -1;
    conf_init(&f.conf);
    if (!ok(daemon_open(&f.d, &ops, &f.shm, SLOT_QUERYD, &f.conf, "/tmp", false, &e))) return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0) return -1;
    f.client = pair[0];
    uint32_t slot = session_slot_take(&f.shm, f.d.proc.owner);
    wire_init(&f.w, &f.d, pair[1], session_slot_at(&f.shm, slot));
    return ok(wire_watch(&f.w, ready, &f.w)) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    wire_fini(&f.w);
    if (f.client >= 0) close(f.client);
    daemon_close(&f.d);
    region_detach_all(&f.shm);
    return 0;
}

static unsigned some(unsigned n) {
    return (unsigned)rand_r(&f.random) % n;
}

static void turn(void) {
    assert_true(daemon_turn(&f.d, 0));
}

static void client_sends(const char *bytes, size_t n) {
    for (size_t sent = 0; sent < n;) {
        ssize_t k = send(f.client, bytes + sent, n - sent, MSG_NOSIGNAL);
        assert_true(k > 0);
        sent += (size_t)k;
    }
    turn();
}

static void client_closes(void) {
    close(f.client);
    f.client = -1;
}

static char body_byte(unsigned number, size_t i) {
    return (char)(number * 131 + i * 7);
}

static size_t put_message(char *at, unsigned number, uint32_t bytes) {
    at[0] = (char)('A' + number % 26);
    store_be32(at + 1, bytes + 4);
    for (uint32_t i = 0; i < bytes; i++) at[5 + i] = body_byte(number, i);
    return bytes + 5;
}

static uint32_t some_length(void) {
    switch (some(12)) {
    case 0:
        return SESSION_BUFFER_BYTES - 5 + some(3) - 1; /* the buffer's size, one less, one more */
    case 1: return SESSION_BUFFER_BYTES + some(300000);
    case 2: return some(SESSION_BUFFER_BYTES);
    case 3: return 0;
    default: return some(300);
    }
}

static void check_message(const struct wire_message *m, unsigned number, uint32_t bytes) {
    assert_int_equal(m->type, 'A' + number % 26);
    assert_int_equal(m->len, bytes);
    for (uint32_t i = 0; i < bytes; i++)
        if (m->body[i] != body_byte(number, i)) fail_msg("message %u, byte %u", number, i);
}

#define MESSAGES 120

static void messages_may_be_cut_anywhere(void **state) {
    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        static uint32_t lengths[MESSAGES];
        char *stream = malloc((size_t)MESSAGES * (SESSION_BUFFER_BYTES + 300000 + 5));
        size_t bytes = 0;
        unsigned got = 0;
        for (unsigned i = 0; i < MESSAGES; i++) {
            lengths[i] = some_length();
            bytes += put_message(stream + bytes, i, lengths[i]);
        }
        for (size_t at = 0; at < bytes;) {
            size_t piece = 1 + some(some(3) ? 40 : some(2) ? 5000 : 60000);
            if (piece > bytes - at) piece = bytes - at;
            client_sends(stream + at, piece);
            at += piece;
            struct wire_message m;
            status s;
            while (ok(s = wire_next(&f.w, false, &m))) {
                wire_take(&f.w);
                check_message(&m, got, lengths[got]);
                got++;
            }
            assert_true(status_is(s, ST_AGAIN));
        }
        assert_int_equal(got, MESSAGES);
        free(stream);
    }
    client_closes();
    turn();
    struct wire_message m;
    assert_true(status_is(wire_next(&f.w, false, &m), ST_END));
}

static void refused(bool startup, uint32_t length) {
    assert_int_equal(setup(NULL), 0);
    char head[5] = {'Q'};
    struct wire_message m;
    store_be32(head + (startup ? 0 : 1), length);
    client_sends(head, startup ? 4 : 5);
    assert_true(status_is(wire_next(&f.w, startup, &m), ST_PROTOCOL_VIOLATION));
    assert_int_equal(teardown(NULL), 0);
}

static void impossible_lengths_are_refused_at_once(void **state) {
    (void)state;
    const uint32_t lengths[] = {0,          1,          3,         WIRE_MESSAGE_BYTES_MAX + 1,
                                0x7fffffff, 0x80000000, 0xffffffff};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        refused(false, lengths[i]);
        refused(true, lengths[i]);
    }
    refused(true, 7);
    refused(true, 10001);
    refused(true, 0x16030100); /* a TLS hello */
}

/* Memory is taken for bytes that came, not for those that are announced. */
static void a_large_claim_takes_no_memory(void **state) {
    (void)state;
    char head[105] = {'Q'};
    struct wire_message m;
    store_be32(head + 1, WIRE_MESSAGE_BYTES_MAX);
    client_sends(head, sizeof head);
    assert_true(status_is(wire_next(&f.w, false, &m), ST_AGAIN));
    assert_in_range(f.w.big_in.cap, 1, 4 << 20);
}

/* The end of the stream comes with the last bytes, in one event. */
static void a_client_that_leaves_in_the_middle_is_noticed(void **state) {
    (void)state;
    char bytes[200000];
    const size_t cuts[] = {1, 4, 5, 50, 104, 70000, 150000};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct wire_message m;
        put_message(bytes, 1, cuts[i] > 200 ? 199990 : 100);
        assert_int_equal(send(f.client, bytes, cuts[i], 0), (ssize_t)cuts[i]);
        client_closes();
        turn();
        status s;
        for (int n = 0; n < 5; n++) {
            s = wire_next(&f.w, false, &m);
            if (!status_is(s, ST_AGAIN)) break;
            turn();
        }
        assert_true(status_is(s, ST_END));
        teardown(NULL);
        assert_int_equal(setup(NULL), 0);
    }
}

static void what_it_sent_before_is_still_read(void **state) {
    (void)state;
    char bytes[400];
    size_t n = put_message(bytes, 0, 100);
    n += put_message(bytes + n, 1, 20);
    client_sends(bytes, n);
    assert_int_equal(shutdown(f.client, SHUT_WR), 0);
    turn();
    struct wire_message m;
    assert_true(ok(wire_next(&f.w, false, &m)));
    wire_take(&f.w);
    check_message(&m, 0, 100);
    assert_true(ok(wire_next(&f.w, false, &m)));
    wire_take(&f.w);
    check_message(&m, 1, 20);
    assert_true(status_is(wire_next(&f.w, false, &m), ST_END));
}

static void fields_end_where_the_message_ends(void **state) {
    (void)state;
    const char body[] = {0, 1, 'a', 'b', 0, 'c', 'd'};
    struct wire_message m = {'B', body, sizeof body};
    struct wire_reader r = wire_reader(&m);
    uint16_t v16;
    uint32_t v32;
    const char *text;
    assert_true(ok(wire_get16(&r, &v16)));
    assert_int_equal(v16, 1);
    assert_true(ok(wire_gets(&r, &text)));
    assert_string_equal(text, "ab");
    assert_true(status_is(wire_gets(&r, &text), ST_PROTOCOL_VIOLATION));
    assert_true(status_is(wire_get32(&r, &v32), ST_PROTOCOL_VIOLATION));
    assert_true(status_is(wire_get(&r, SIZE_MAX, &text), ST_PROTOCOL_VIOLATION));
    assert_true(ok(wire_get16(&r, &v16)));
    assert_true(status_is(wire_get16(&r, &v16), ST_PROTOCOL_VIOLATION));
    assert_true(ok(wire_get(&r, 0, &text)));
}

/* ---- writing --------------------------------------------------------------------------------- */

static uint32_t written_length(unsigned number) {
    unsigned seed = number + 17;
    return (uint32_t)rand_r(&seed) % (number % 9 == 0 ? f.bytes_max : number % 3 ? 100 : 20000);
}

static void write_messages(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < MESSAGES && !f.w.closed; i++) {
        uint32_t bytes = written_length(i);
        wire_begin(&f.w, (char)('A' + i % 26));
        for (uint32_t at = 0; at < bytes;) {
            char piece[3000];
            uint32_t n = 0;
            while (n < 1 + (i * 37) % sizeof piece && at < bytes) piece[n++] = body_byte(i, at++);
            wire_put(&f.w, piece, n);
        }
        wire_end(&f.w);
        if (i % 10 == 0) wire_flush(&f.w);
    }
    wire_flush(&f.w);
    f.done = true;
}

static void a_slow_reader_gets_everything(void **state) {
    (void)state;
    size_t have = 0, cap = 0;
    f.bytes_max = 400000;
    for (unsigned i = 0; i < MESSAGES; i++) cap += written_length(i) + 5;
    char *got = malloc(cap + 1), *message = malloc(f.bytes_max + 5);
    assert_true(ok(daemon_spawn(&f.d, 0, write_messages, NULL)));
    while (have < cap) {
        turn();
        size_t want = 1 + some(40000);
        ssize_t n = recv(f.client, got + have, want < cap + 1 - have ? want : cap + 1 - have, 0);
        if (n > 0) have += (size_t)n;
    }
    turn();
    assert_true(f.done);
    assert_int_equal(recv(f.client, got, 1, 0), -1); /* nothing more than that */
    size_t at = 0;
    for (unsigned i = 0; i < MESSAGES; i++) {
        size_t n = put_message(message, i, written_length(i));
        assert_memory_equal(got + at, message, n);
        at += n;
    }
    free(got);
    free(message);
}

static void a_writer_whose_client_goes_away_goes_on(void **state) {
    (void)state;
    f.bytes_max = 4000000;
    assert_true(ok(daemon_spawn(&f.d, 0, write_messages, NULL)));
    for (int n = 0; n < 10; n++) turn();
    assert_false(f.done);
    client_closes();
    for (int n = 0; n < 10 && !f.done; n++) turn();
    assert_true(f.done);
    assert_true(f.w.closed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(messages_may_be_cut_anywhere),
        cmocka_unit_test(impossible_lengths_are_refused_at_once),
        TEST(a_large_claim_takes_no_memory),
        TEST(a_client_that_leaves_in_the_middle_is_noticed),
        TEST(what_it_sent_before_is_still_read),
        TEST(fields_end_where_the_message_ends),
        TEST(a_slow_reader_gets_everything),
        TEST(a_writer_whose_client_goes_away_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
