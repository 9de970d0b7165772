#include "ipc_ring.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/control.h"

size_t ipc_rings_bytes(void) {
    return sizeof(struct ipc_rings);
}

bool ring_push(struct ipc_ring *r, const struct msg *m) {
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    if (tail - head >= RING_ENTRIES) return false;
    r->entry[tail % RING_ENTRIES] = *m;
    atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
    return true;
}

bool ring_pop(struct ipc_ring *r, struct msg *ret_m) {
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    if (tail == head) return false;
    if (tail - head > RING_ENTRIES) { /* foreign words: nothing in it can be believed */
        atomic_store_explicit(&r->head, tail, memory_order_release);
        return false;
    }
    *ret_m = r->entry[head % RING_ENTRIES];
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
    return true;
}

uint32_t ring_used(const struct ipc_ring *r) {
    uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    return tail - head;
}

bool ring_valid(const struct ipc_ring *r) {
    /* The consumer's word first: it follows the producer's and cannot overtake a later look. */
    return ring_used(r) <= RING_ENTRIES;
}

void ring_check(const struct ipc_ring *r) {
    CHECK(ring_valid(r));
}

void ring_repair(struct ipc_ring *r) {
    atomic_store_explicit(&r->head, atomic_load_explicit(&r->tail, memory_order_acquire),
                          memory_order_release);
}

status bell_make(struct ipc_rings *r, uint16_t slot, int fd_min) {
    CHECK(slot < PROC_SLOTS && atomic_load(&r->bell[slot]) == 0);
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) return STATUS(IO_ERROR);
    if (fd_min > 0) {
        int high = fcntl(fd, F_DUPFD_CLOEXEC, fd_min);
        close(fd);
        if (high < 0) return STATUS(IO_ERROR);
        fd = high;
    }
    atomic_store(&r->bells_pid, (uint32_t)getpid());
    atomic_store(&r->bell[slot], fd + 1);
    return OK;
}

int bell_fd(const struct ipc_rings *r, uint16_t slot) {
    return atomic_load_explicit(&r->bell[slot], memory_order_relaxed) - 1;
}

void bell_force(const struct shm *shm, uint16_t slot) {
    int fd = bell_fd(shm->rings, slot);
    uint64_t one = 1;
    /* Fails only when the counter is full, and then the sleeper has been woken already. */
    if (fd >= 0 && write(fd, &one, sizeof one) != sizeof one) return;
}

bool bell_ring(const struct shm *shm, uint16_t slot) {
    _Atomic uint32_t *asleep = &shm->control->procs[slot].asleep;
    if (atomic_load(asleep) == 0 || atomic_exchange(asleep, 0) == 0) return false;
    bell_force(shm, slot);
    return true;
}

void bells_close(struct ipc_rings *r) {
    if (atomic_load(&r->bells_pid) != (uint32_t)getpid()) return;
    for (int slot = 0; slot < PROC_SLOTS; slot++) {
        int fd = atomic_exchange(&r->bell[slot], 0) - 1;
        if (fd >= 0) close(fd);
    }
}
