/* fault.h: points where a test makes a process die, hang or wait, compiled in always.
 *
 * At most one point is armed at a time, in one word of the control region, by the supervisor (when
 * the setting fault_points is on). It fires once: the process that passes it for the last of the
 * passes asked for disarms it with the same compare-and-exchange, and then does what was asked. A
 * paused one leaves the word at PAUSED and goes on when that is cleared. Nothing armed: a point
 * costs one relaxed load. The points are in fault.def. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/control.h"

enum fault_point {
#define X(name, where) FAULT_##name,
#include "base/fault.def"
#undef X
    FAULT_POINTS
};

enum fault_action {
    FAULT_DO_NOTHING,
    FAULT_DO_KILL,  /* SIGKILL: as killed from outside */
    FAULT_DO_CRASH, /* SIGSEGV */
    FAULT_DO_ABORT, /* abort(), as a failed CHECK */
    FAULT_DO_HANG,  /* an endless loop */
    FAULT_DO_PAUSE, /* waits until the word is cleared */
    FAULT_PAUSED,   /* one waits there */
    FAULT_ACTIONS
};

/* The word, from the top: 32 bits passes still to let go by, 8 bits process slot (FAULT_ANY: any),
 * 8 bits action, 16 bits point. 0: nothing is armed. */
#define FAULT_ANY 0xffu
struct fault {
    uint32_t after;
    uint8_t slot, action;
    uint16_t point;
};
uint64_t fault_pack(struct fault f);
struct fault fault_unpack(uint64_t word);

/* By their names in small letters ("log_reserved", "kill"); FAULT_NONE, FAULT_DO_NOTHING: no such.
 */
enum fault_point fault_point_of(const char *name);
enum fault_action fault_action_of(const char *name);
const char *fault_point_name(enum fault_point point);
const char *fault_point_where(enum fault_point point);
const char *fault_action_name(enum fault_action action);

/* Something is armed: is it this point, in this process, and has its time come? */
void fault_reached(struct proc *p, enum fault_point point);

#define FAULT(proc, name)                                                                          \
    (__builtin_expect(                                                                             \
         atomic_load_explicit(&(proc)->shm->control->fault, memory_order_relaxed) != 0, 0)         \
         ? fault_reached(proc, FAULT_##name)                                                       \
         : (void)0)

#endif
