#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc_proc.h"
#include "ipc_ring.h"

static void fill_and_empty([[maybe_unused]] void **state) {
    struct ipc_ring *r = aligned_alloc(64, sizeof *r);
    memset(r, 0, sizeof *r);
    struct msg m = {0};
    assert_false(ring_pop(r, &m));
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < RING_ENTRIES; i++) {
            m.tag = i + 1000 * round;
            assert_true(ring_push(r, &m));
            assert_int_equal(ring_used(r), i + 1);
        }
        assert_false(ring_push(r, &m));
        for (unsigned i = 0; i < RING_ENTRIES; i++) {
            assert_true(ring_pop(r, &m));
            assert_int_equal(m.tag, i + 1000 * round);
        }
        assert_false(ring_pop(r, &m));
    }
    ring_check(r);
    free(r);
}

/* The counters run over 2^32 without anybody noticing. */
static void counters_wrap([[maybe_unused]] void **state) {
    struct ipc_ring *r = aligned_alloc(64, sizeof *r);
    memset(r, 0, sizeof *r);
    atomic_store(&r->head, UINT32_MAX - 10);
    atomic_store(&r->tail, UINT32_MAX - 10);
    struct msg m = {0};
    for (uint64_t i = 0; i < 1000; i++) {
        m.tag = i;
        assert_true(ring_push(r, &m));
        assert_true(ring_push(r, &m));
        assert_true(ring_pop(r, &m) && m.tag == i);
        assert_true(ring_pop(r, &m) && m.tag == i);
        assert_true(ring_valid(r));
    }
    free(r);
}

/* Words that no ring can have are told, and are never followed. */
static void foreign_words([[maybe_unused]] void **state) {
    struct ipc_ring *r = aligned_alloc(64, sizeof *r);
    memset(r, 0, sizeof *r);
    struct msg m = {0};
    srand(7);
    for (int i = 0; i < 1000; i++) {
        uint32_t head = (uint32_t)rand() * 2654435761u, tail = (uint32_t)rand() * 2246822519u;
        atomic_store(&r->head, head);
        atomic_store(&r->tail, tail);
        bool possible = tail - head <= RING_ENTRIES;
        assert_int_equal(ring_valid(r), possible);
        unsigned n = 0;
        while (ring_pop(r, &m)) n++;
        assert_true(n <= RING_ENTRIES);
        assert_true(ring_valid(r));
        assert_true(ring_push(r, &m));
        ring_repair(r);
        assert_int_equal(ring_used(r), 0);
    }
    free(r);
}

static void names([[maybe_unused]] void **state) {
    for (uint16_t slot = 0; slot < PROC_SLOTS; slot++) {
        char name[PROC_NAME_BYTES];
        proc_slot_name(slot, name);
        assert_int_equal(proc_slot_of(name), slot);
    }
    assert_int_equal(proc_slot_of("queryd.60"), PROC_SLOTS);
    assert_int_equal(proc_slot_of("nobody"), PROC_SLOTS);
    assert_string_equal(proc_state_name(PROC_READY), "ready");
    assert_string_equal(proc_state_name(77), "?");
    assert_true(proc_birth(getpid()) > 0);
    assert_true(proc_birth(0x7ffffff) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fill_and_empty),
        cmocka_unit_test(counters_wrap),
        cmocka_unit_test(foreign_words),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
