/* spin.h: how to wait for something that another processor does within a microsecond. */
#ifndef BASE_SPIN_H
#define BASE_SPIN_H

#include <sched.h>
#include <time.h>

#define SPINS_BEFORE_YIELD 64
#define YIELDS_BEFORE_SLEEP 1024

/* Tells the processor that this is a spin; some tens of cycles. */
static inline void spin_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* The n-th wait in a row: a pause, later the processor, and when it lasts (the holder died and
 * waits for its repair) 50 microseconds of sleep. */
static inline void spin_wait(unsigned n) {
    if (n < SPINS_BEFORE_YIELD) {
        spin_pause();
    } else if (n < YIELDS_BEFORE_SLEEP) {
        sched_yield();
    } else {
        struct timespec t = {.tv_nsec = 50000};
        nanosleep(&t, NULL);
    }
}

#endif
