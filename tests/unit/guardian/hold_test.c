/* What the guardian holds for sessions, and to whom it gives it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guardian.h"
#include "session/session.h"

static struct control control;
static struct guardian g;
static int worker_end;
static const struct owner worker = {.slot = SLOT_QUERYD, .epoch = 1};

void say([[maybe_unused]] const char *format, ...) {}

static int setup([[maybe_unused]] void **state) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) != 0) return -1;
    worker_end = pair[0];
    control = (struct control){0};
    control.channel_guardian[0] = pair[1] + 1;
    g = (struct guardian){.shm = {.control = &control, .sizes.sessions = 1}};
    g.shm.sessions = aligned_alloc(4096, SESSION_BYTES);
    g.sessions = malloc(sizeof *g.sessions);
    if (!g.shm.sessions || !g.sessions) return -1;
    memset(g.shm.sessions, 0, SESSION_BYTES);
    g.sessions[0] = (struct held){.fd = -1};
    return 0;
}

static int teardown([[maybe_unused]] void **state) {
    if (g.sessions[0].fd >= 0) close(g.sessions[0].fd);
    close(worker_end);
    close(control.channel_guardian[0] - 1);
    free(g.sessions);
    free(g.shm.sessions);
    return 0;
}

/* A new session in the only slot: its generation. */
static uint32_t begin_session(void) {
    assert_int_equal(session_slot_take(&g.shm, worker), 0);
    return atomic_load(&((struct session_slot *)g.shm.sessions)->generation);
}

static ino_t inode_of(int fd) {
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return st.st_ino;
}

/* Puts a socket of its own for that generation; what tells it from others. */
static ino_t put(uint32_t generation) {
    struct guard_msg m = {.op = GUARD_PUT, .generation = generation};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    ino_t inode = inode_of(fd);
    hold_message(&g, &m, fd);
    return inode;
}

static ino_t handed(uint32_t generation) {
    struct guard_msg m = {.op = GUARD_HAND, .generation = generation, .number = SLOT_QUERYD};
    int fd;
    hold_hand(&g, &m);
    assert_true(ok(guard_receive(worker_end, &m, &fd)));
    assert_int_equal(m.op, GUARD_TAKE);
    assert_int_equal(m.generation, generation);
    ino_t inode = inode_of(fd);
    close(fd);
    return inode;
}

static void a_socket_is_handed(void **state) {
    (void)state;
    uint32_t first = begin_session();
    ino_t socket = put(first);
    assert_int_equal(handed(first), socket);
    assert_int_equal(handed(first), socket); /* it is held still */
}

static void the_newest_socket_of_a_session_stays(void **state) {
    (void)state;
    uint32_t first = begin_session();
    put(first);
    ino_t again = put(first);
    assert_int_equal(handed(first), again);
}

/* Given back late by a worker's next life, which found it in its channel. */
static void an_older_session_does_not_take_the_place(void **state) {
    (void)state;
    uint32_t first = begin_session();
    put(first);
    session_slot_free(&g.shm, 0);
    uint32_t second = begin_session();
    ino_t socket = put(second);
    put(first);
    assert_int_equal(handed(second), socket);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_socket_is_handed, setup, teardown),
        cmocka_unit_test_setup_teardown(the_newest_socket_of_a_session_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(an_older_session_does_not_take_the_place, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
