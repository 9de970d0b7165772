/* clock.c: in this program time passes by being looked at. What sleeps goes on after some turns,
 * however slow the stepped process is, and runs are alike. The system's clock could not be stepped
 * on a slow machine: in the vdso a reader begins again when the clock has ticked meanwhile. */
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 1000000u

int clock_gettime(clockid_t clock, struct timespec *ret_time) {
    static uint64_t now_ns = 1000000000u;
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)
        return (int)syscall(SYS_clock_gettime, clock, ret_time);
    now_ns += clock == CLOCK_MONOTONIC ? LOOK_NS : 0;
    ret_time->tv_sec = (time_t)(now_ns / 1000000000u);
    ret_time->tv_nsec = (long)(now_ns % 1000000000u);
    return 0;
}
