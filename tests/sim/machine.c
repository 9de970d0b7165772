#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/control.h"
#include "births.h"
#include "ipc_region.h"
#include "test_keys.h"
#include "txn/txn.h"

#define APPLIANCE 7
#define SEGMENT_BYTES ((uint64_t)1 << 20)
#define LOG_BYTES_MAX (6 * SEGMENT_BYTES)
#define TURN_NS_MAX 100000u    /* of the clock, a turn of all */
#define LEAP_NS_MAX 300000000u /* now and then */
#define LEAP_ONE_IN 64
#define STOP_TURNS_MAX 200000u
#define ENCRYPTED_ONE_IN 3 /* of the seeds */
#define KEYS_MAX 12
#define NEW_KEY_ONE_IN 2

static const struct daemon_ops worker_ops = {.name = "worker"};

/* ---- the clock ------------------------------------------------------------------------------- */

static uint64_t now_ns = 1000000000u;

/* In place of libipc's (the linker's --wrap). */
uint64_t __wrap_clock_mono_ns(void);
uint64_t __wrap_clock_wall_ns(void);

uint64_t __wrap_clock_mono_ns(void) {
    return now_ns;
}

uint64_t __wrap_clock_wall_ns(void) {
    return 1700000000000000000u + now_ns;
}

static void time_passes(struct machine *m) {
    now_ns += machine_below(m, TURN_NS_MAX);
    if (machine_below(m, LEAP_ONE_IN) == 0) now_ns += machine_below(m, LEAP_NS_MAX);
}

uint64_t machine_random(struct machine *m) {
    m->random += 0x9e3779b97f4a7c15u;
    uint64_t z = m->random;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ---- made, on, off --------------------------------------------------------------------------- */

static void choose_settings(struct machine *m) {
    conf_init(&m->conf);
    strcpy(m->conf.io_method, "sim");
    m->conf.spin_us_max = 0;
    m->conf.io_depth = 1 + (int64_t)machine_below(m, 32);
    m->conf.checkpoint_interval = 200 + (int64_t)machine_below(m, 2000);
    m->conf.log_keep_size = machine_below(m, LOG_BYTES_MAX / 2);
    m->conf.scrub_rate = 1 + (int64_t)machine_below(m, 5000);
    m->conf.log_size_max = (int64_t)LOG_BYTES_MAX;
    m->sizes = (struct shm_sizes){.frames = 48u << machine_below(m, 4),
                                  .page_buckets = 512,
                                  .workers = MACHINE_WORKERS,
                                  .sessions = 4,
                                  .txns = 192,
                                  .map_entries = 4096,
                                  .ring_bytes = 8u << 20};
}

void machine_make(struct machine *m, uint64_t seed) {
    *m = (struct machine){.random = seed};
    choose_settings(m);
    strcpy(m->dir, "/tmp/axl-sim-XXXXXX");
    CHECK(mkdtemp(m->dir));
    m->keys = m->oldest_key = seed % ENCRYPTED_ONE_IN == 0;
    test_keys_give(APPLIANCE, m->oldest_key, m->keys);
    m->disk = disk_sim_new(machine_random(m), 0);
    CHECK(ok(birth_storaged_format(m->dir, APPLIANCE)));
    CHECK(ok(birth_logd_format(m->dir, APPLIANCE, SEGMENT_BYTES)));
}

void machine_free(struct machine *m) {
    char log[80];
    CHECK(m->state == MACHINE_OFF);
    disk_sim_free(m->disk);
    snprintf(log, sizeof log, "%s/log", m->dir);
    rmdir(log);
    rmdir(m->dir);
}

static const struct daemon_ops *ops_of(unsigned i) {
    const struct daemon_ops *const ops[] = {birth_storaged, birth_logd, birth_txnd};
    return i < 3 ? ops[i] : &worker_ops;
}

void machine_on(struct machine *m) {
    struct error e = {0};
    CHECK(m->state == MACHINE_OFF && ok(region_create_all(NULL, &m->sizes, &m->shm, &e)));
    m->shm.control->appliance_id = APPLIANCE;
    /* A new data key now and then: the old ones open what they have sealed, as long as they are
     * needed. */
    if (m->keys && m->keys - m->oldest_key < KEYS_MAX && machine_below(m, NEW_KEY_ONE_IN) == 0)
        m->keys++;
    test_keys_give(APPLIANCE, m->oldest_key, m->keys);
    m->state = MACHINE_ON;
    for (unsigned i = 0; i < MACHINE_DAEMONS && m->state == MACHINE_ON; i++) {
        uint16_t slot = (uint16_t)(SLOT_STORAGED + i);
        if (ok(daemon_open(&m->daemon[i], ops_of(i), &m->shm, slot, &m->conf, m->dir, false, &e)))
            continue;
        m->state = MACHINE_STUCK;
        snprintf(m->words, sizeof m->words, "%s did not begin: %.200s", ops_of(i)->name, e.message);
    }
}

bool machine_serves(const struct machine *m) {
    return m->state == MACHINE_ON && atomic_load(&m->shm.control->redo_done);
}

/* Both say that nothing needs the older ones: they are given up, as early as that may be. */
static void drop_keys(struct machine *m) {
    const struct key_use *use = m->shm.control->key_use;
    if (m->keys && atomic_load(&use[KEY_USE_PAGES].oldest) == m->keys &&
        atomic_load(&use[KEY_USE_LOG].oldest) == m->keys)
        m->oldest_key = m->keys;
}

void machine_off(struct machine *m) {
    drop_keys(m);
    if (m->state == MACHINE_CUT) disk_sim_crash(m->disk, machine_random(m));
    for (unsigned i = 0; i < MACHINE_DAEMONS; i++) daemon_close(&m->daemon[i]);
    region_detach_all(&m->shm);
    m->state = MACHINE_OFF;
}

void machine_cut_after(struct machine *m, uint64_t requests) {
    m->cut_at = requests ? disk_sim_requests(m->disk) + requests : 0;
}

/* ---- turning --------------------------------------------------------------------------------- */

static void look_at_power(struct machine *m) {
    if (m->cut_at == 0 || disk_sim_requests(m->disk) < m->cut_at) return;
    m->cut_at = 0;
    m->state = MACHINE_CUT;
}

/* False: it has ended. */
static bool turn_one(struct machine *m, unsigned i) {
    bool goes_on = daemon_turn(&m->daemon[i], 0);
    look_at_power(m);
    return goes_on;
}

void machine_turn(struct machine *m) {
    unsigned first = (unsigned)machine_below(m, MACHINE_DAEMONS);
    time_passes(m);
    for (unsigned k = 0; k < MACHINE_DAEMONS && m->state == MACHINE_ON; k++) {
        unsigned i = (first + k) % MACHINE_DAEMONS;
        if (turn_one(m, i) || m->state != MACHINE_ON) continue;
        m->state = MACHINE_STUCK;
        snprintf(m->words, sizeof m->words, "%s has ended", ops_of(i)->name);
    }
}

/* As the supervisor does it: workers, txnd, storaged, and logd last. */
void machine_stop(struct machine *m) {
    static const unsigned order[MACHINE_DAEMONS] = {3, 4, 2, 0, 1};
    for (unsigned k = 0; k < MACHINE_DAEMONS; k++) {
        daemon_stop(&m->daemon[order[k]]);
        for (unsigned n = 0; turn_one(m, order[k]) && m->state == MACHINE_ON; n++) {
            time_passes(m);
            for (unsigned j = k + 1; j < MACHINE_DAEMONS && m->state == MACHINE_ON; j++)
                (void)turn_one(m, order[j]); /* it is not asked to end yet */
            if (n < STOP_TURNS_MAX) continue;
            m->state = MACHINE_STUCK;
            snprintf(m->words, sizeof m->words, "%s does not stop", ops_of(order[k])->name);
        }
        if (m->state != MACHINE_ON) return;
    }
    machine_off(m);
}
