/* Who hangs, and who is merely slow. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc_hang.h"
#include "ipc_proc.h"

static const struct hang_limits limits = {.loop_ms = 1000, .silence_ms = 10000};

static void the_verdict(void **state) {
    (void)state;
    static const struct {
        char state;
        uint64_t cpu_ms, silence_ms;
        enum hang verdict;
    } cases[] = {
        {'S', 0, 250, HANG_NONE},                    /* sleeps in its loop */
        {'S', 0, HANG_BLOCKED_MS + 1, HANG_BLOCKED}, /* in something else */
        {'R', 5, 9000, HANG_NONE},                   /* gets no processor */
        {'R', 1001, 1200, HANG_LOOPS},
        {'R', 1001, 9000, HANG_LOOPS}, /* ... on a busy machine */
        {'R', 999, 1200, HANG_NONE},
        {'D', 0, 9000, HANG_NONE}, /* a slow disk */
        {'D', 0, 10001, HANG_SILENT},
        {'T', 0, 0, HANG_STOPPED},
        {'t', 5000, 60000, HANG_NONE}, /* somebody looks at it with a debugger */
        {'Z', 5000, 60000, HANG_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(hang_verdict(cases[i].state, cases[i].cpu_ms, cases[i].silence_ms, limits),
                         cases[i].verdict);
}

static void pause_ms(long ms) {
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* Looks at a child until it is judged. */
static enum hang judge(pid_t pid, struct hang_limits l) {
    struct proc_entry entry = {0};
    struct hang_watch watch = {0};
    enum hang verdict = HANG_NONE;
    atomic_store(&entry.pid, (uint32_t)pid);
    atomic_store(&entry.state, PROC_READY);
    atomic_store(&entry.heartbeat_ns, clock_mono_ns());
    for (int i = 0; i < 400 && verdict == HANG_NONE; i++) {
        pause_ms(10);
        verdict = hang_look(&watch, &entry, l);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return verdict;
}

static pid_t child(void (*fn)(void)) {
    pid_t pid = fork();
    if (pid == 0) {
        fn();
        _exit(0);
    }
    assert_true(pid > 0);
    return pid;
}

static void compute(void) {
    for (volatile unsigned n = 0;; n++) continue;
}

static void sleep_on(void) {
    pause();
}

static void real_processes(void **state) {
    (void)state;
    pid_t stopped = child(sleep_on);
    kill(stopped, SIGSTOP);
    assert_int_equal(judge(stopped, limits), HANG_STOPPED);
    assert_int_equal(judge(child(compute), (struct hang_limits){200, 60000}), HANG_LOOPS);
    assert_int_equal(judge(child(sleep_on), limits), HANG_BLOCKED);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_verdict),
                                       cmocka_unit_test(real_processes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
