/* event.h: what happened to the appliance's processes, in a ring in the control region.
 *
 * One writer a ring, mostly the supervisor (I1); the ring outlives it, and the next one goes on
 * where it stands. Readers copy and write nothing: an entry's `number` is the event's number + 1, 0
 * while it is being written, and who finds the number that he looks for before and after his copy
 * has the event whole. Kinds are in event.def. Killed at any instruction (I2), by what has been
 * stored:
 *     number 0, next not moved            the entry is unreadable, and the next event's
 *     number set, next not moved          event_put moves next over it first
 */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define EVENT_RING 256u
#define EVENT_TEXT_BYTES 192

enum event_kind {
#define X(name, word) EVENT_##name,
#include "base/event.def"
#undef X
    EVENT_KINDS
};

struct event {
    uint64_t wall_ns; /* nanoseconds since 1970 */
    uint16_t kind;    /* enum event_kind */
    uint16_t slot;    /* the process; SLOT_SUPERVISOR for what concerns all of it */
    uint32_t epoch;
    int32_t how; /* as waitpid gave it */
    /* What was repaired: pages held latched, open transactions, sessions that lost their worker,
     * records of the log that became fillers. */
    uint32_t pages, txns, sessions, fillers;
    uint32_t waiters;    /* requests and sessions that waited for the process */
    uint64_t repair_us;  /* microseconds that the repair took */
    uint64_t service_us; /* microseconds from the death, as the supervisor saw it, to READY */
    char text[EVENT_TEXT_BYTES]; /* the line of the log file; ends in NUL */
};
#define EVENT_WORDS (sizeof(struct event) / 8)
_Static_assert(sizeof(struct event) == 248, "with its number four cache lines");

struct event_ring {
    _Alignas(64) _Atomic uint64_t next; /* number of the next event: as many have there been */
    _Alignas(64) struct event_entry {
        _Atomic uint64_t number;
        _Atomic uint64_t word[EVENT_WORDS];
    } entry[EVENT_RING];
};

/* By the ring's writer alone. Returns the event's number. */
uint64_t event_put(struct event_ring *r, const struct event *e);
/* By anybody. False: the event is not there yet, or its entry has been used again. */
bool event_get(const struct event_ring *r, uint64_t number, struct event *ret_event);
/* The number of the oldest event that may still be there, and of the one that comes next. */
uint64_t event_oldest(const struct event_ring *r);
uint64_t event_next(const struct event_ring *r);

const char *event_kind_name(uint16_t kind); /* "?" for a strange one */

#endif
