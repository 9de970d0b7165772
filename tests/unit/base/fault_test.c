#include "base/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct control *control;
static struct shm shm;
static struct proc proc = {.owner = {.slot = 4, .epoch = 1}, .shm = &shm};

static int map(void **state) {
    (void)state;
    control =
        mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shm.control = control;
    return control == MAP_FAILED;
}

static int clear(void **state) {
    (void)state;
    atomic_store(&control->fault, 0);
    return 0;
}

static void arm(enum fault_point point, enum fault_action action, uint32_t after, uint8_t slot) {
    atomic_store(&control->fault,
                 fault_pack((struct fault){
                     .after = after, .slot = slot, .action = (uint8_t)action, .point = point}));
}

/* A child passes the point so often, then ends with 0. */
static pid_t pass(unsigned times) {
    pid_t pid = fork();
    if (pid > 0) return pid;
    for (unsigned i = 0; i < times; i++) FAULT(&proc, UNDO);
    _exit(0);
}

static int how_it_ends(unsigned times) {
    int how;
    pid_t pid = pass(times);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    return WIFSIGNALED(how) ? WTERMSIG(how) : 0;
}

static void pause_ms(long ms) {
    struct timespec t = {.tv_nsec = ms * 1000000};
    nanosleep(&t, NULL);
}

static void test_fires_once(void **state) {
    (void)state;
    assert_int_equal(how_it_ends(10), 0);
    arm(FAULT_UNDO, FAULT_DO_KILL, 0, FAULT_ANY);
    assert_int_equal(how_it_ends(10), SIGKILL);
    assert_int_equal(atomic_load(&control->fault), 0);
    assert_int_equal(how_it_ends(10), 0);
    arm(FAULT_UNDO, FAULT_DO_CRASH, 0, FAULT_ANY);
    assert_int_equal(how_it_ends(10), SIGSEGV);
    arm(FAULT_UNDO, FAULT_DO_ABORT, 0, FAULT_ANY);
    assert_int_equal(how_it_ends(10), SIGABRT);
}

static void test_after_so_many_passes(void **state) {
    (void)state;
    arm(FAULT_UNDO, FAULT_DO_KILL, 10, FAULT_ANY);
    assert_int_equal(how_it_ends(6), 0);
    assert_int_equal(fault_unpack(atomic_load(&control->fault)).after, 4);
    assert_int_equal(how_it_ends(4), 0);
    assert_int_equal(how_it_ends(1), SIGKILL);
}

static void test_only_where_it_is_armed(void **state) {
    (void)state;
    arm(FAULT_SPLIT, FAULT_DO_KILL, 0, FAULT_ANY);
    assert_int_equal(how_it_ends(10), 0);
    arm(FAULT_UNDO, FAULT_DO_KILL, 0, 5);
    assert_int_equal(how_it_ends(10), 0);
    arm(FAULT_UNDO, FAULT_DO_KILL, 0, 4);
    assert_int_equal(how_it_ends(10), SIGKILL);
}

static void test_pause_and_hang(void **state) {
    (void)state;
    int how;
    arm(FAULT_UNDO, FAULT_DO_PAUSE, 0, FAULT_ANY);
    pid_t pid = pass(2);
    while (fault_unpack(atomic_load(&control->fault)).action != FAULT_PAUSED) pause_ms(1);
    assert_int_equal(how_it_ends(10), 0); /* another one passes by */
    assert_int_equal(waitpid(pid, &how, WNOHANG), 0);
    atomic_store(&control->fault, 0);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_int_equal(how, 0);
    arm(FAULT_UNDO, FAULT_DO_HANG, 0, FAULT_ANY);
    pid = pass(1);
    while (atomic_load(&control->fault)) pause_ms(1);
    pause_ms(20);
    assert_int_equal(waitpid(pid, &how, WNOHANG), 0);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &how, 0), pid);
}

static void test_names(void **state) {
    (void)state;
    for (int i = 1; i < FAULT_POINTS; i++) {
        assert_int_equal(fault_point_of(fault_point_name(i)), i);
        assert_true(strlen(fault_point_where(i)) > 0);
    }
    for (int i = 1; i < FAULT_PAUSED; i++)
        assert_int_equal(fault_action_of(fault_action_name(i)), i);
    assert_int_equal(fault_point_of("nowhere"), FAULT_NONE);
    assert_int_equal(fault_action_of("paused"), FAULT_DO_NOTHING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_fires_once, clear),
        cmocka_unit_test_setup(test_after_so_many_passes, clear),
        cmocka_unit_test_setup(test_only_where_it_is_armed, clear),
        cmocka_unit_test_setup(test_pause_and_hang, clear),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, map, NULL);
}
