/* Real processes, killed at any moment: the rings stay usable for the others (I2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/control.h"
#include "conf/conf.h"
#include "ipc_daemon.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "ipc_ring.h"

#define CLIENTS 2
#define SESSIONS 50
#define RUN_MS 3000

static const struct shm_sizes sizes = {.frames = 16,
                                       .page_buckets = 16,
                                       .workers = 4,
                                       .sessions = 4,
                                       .txns = 16,
                                       .map_entries = 64,
                                       .ring_bytes = 4096};

struct tally {
    _Atomic uint64_t calls[PROC_SLOTS], wrong[PROC_SLOTS];
    _Atomic bool stop;
};

static struct shm shm;
static struct tally *tally;

static void answer(struct daemon *d, const struct msg *m) {
    struct msg reply = *m;
    reply.code = ST_OK;
    reply.arg[0] = m->arg[0] * 2 + 1;
    daemon_reply(d, &reply);
}
static const struct daemon_ops answering = {.name = "answerer", .handle = answer};
static const struct daemon_ops asking = {.name = "asker"};

static void ask(void *arg) {
    struct daemon *d = arg;
    uint64_t x = (uint64_t)(uintptr_t)coro_self();
    uint16_t slot = d->proc.owner.slot;
    while (!atomic_load(&tally->stop)) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        struct msg m = {.op = 1, .arg = {x}};
        status s = d->proc.env->call(&d->proc, SLOT_LOGD, &m);
        if (!ok(s) || m.arg[0] != x * 2 + 1) atomic_fetch_add(&tally->wrong[slot], 1);
        atomic_fetch_add(&tally->calls[slot], 1);
    }
}

_Noreturn static void be(uint16_t slot, bool restart) {
    static struct conf conf;
    struct daemon d;
    struct error e = {0};
    conf_init(&conf);
    const struct daemon_ops *ops = slot == SLOT_LOGD ? &answering : &asking;
    if (!ok(daemon_open(&d, ops, &shm, slot, &conf, "/tmp", restart, &e))) _exit(3);
    for (int i = 0; slot != SLOT_LOGD && i < SESSIONS; i++) {
        if (!ok(daemon_spawn(&d, 32768, ask, &d))) _exit(4);
    }
    while (!atomic_load(&tally->stop) && daemon_turn(&d, 100)) continue;
    _exit(0);
}

static pid_t start(uint16_t slot, bool restart) {
    proc_prepare(&shm, slot);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) be(slot, restart);
    return pid;
}

static void finish(pid_t pid) {
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

static void killed_at_any_moment([[maybe_unused]] void **state) {
    struct error e = {0};
    assert_true(ok(region_create_all(NULL, &sizes, &shm, &e)));
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    static const uint16_t slots[] = {SLOT_LOGD, SLOT_QUERYD, SLOT_QUERYD + 1};
    pid_t pids[3];
    for (int i = 0; i < 3; i++) {
        assert_true(ok(bell_make(shm.rings, slots[i], 0)));
    }
    for (int i = 0; i < 3; i++) pids[i] = start(slots[i], false);
    uint64_t begin = clock_mono_ns();
    unsigned kills = 0;
    srand(11);
    while (clock_mono_ns() - begin < RUN_MS * 1000000ull) {
        usleep((useconds_t)(rand() % 20000));
        int victim = rand() % 4 ? 0 : 1; /* the daemon mostly, else the first client */
        kill(pids[victim], SIGKILL);
        assert_int_equal(waitpid(pids[victim], NULL, 0), pids[victim]);
        atomic_store(&shm.control->procs[slots[victim]].state, PROC_DEAD);
        pids[victim] = start(slots[victim], true);
        kills++;
    }
    /* The second client was never killed and must still get its answers, all right ones. */
    uint64_t before[2];
    for (int i = 0; i < 2; i++) before[i] = atomic_load(&tally->calls[SLOT_QUERYD + i]);
    usleep(300000);
    for (int i = 0; i < 2; i++) {
        assert_true(atomic_load(&tally->calls[SLOT_QUERYD + i]) > before[i] + 100);
        assert_int_equal(atomic_load(&tally->wrong[SLOT_QUERYD + i]), 0);
    }
    atomic_store(&tally->stop, true);
    for (int i = 0; i < 3; i++) finish(pids[i]);
    print_message("%u kills, %llu calls of the client that lived\n", kills,
                  (unsigned long long)atomic_load(&tally->calls[SLOT_QUERYD + 1]));
    for (int from = 0; from < RING_SERVERS; from++) {
        for (int slot = 0; slot < PROC_SLOTS; slot++) {
            assert_true(ring_valid(&shm.rings->pair[from][slot].submit));
            assert_true(ring_valid(&shm.rings->pair[from][slot].complete));
        }
    }
    region_detach_all(&shm);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed_at_any_moment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
