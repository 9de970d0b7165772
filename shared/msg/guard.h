/* guard.h: what workers, supervisor and guardian say to one another over Unix sockets.
 *
 * The guardian holds a copy of every client's socket, so that a connection survives the worker that
 * serves it, and the descriptors that the next supervisor needs (doorbells, listeners, channels).
 * Each worker slot has a channel to it (control.channel): a pair of SOCK_SEQPACKET sockets, which
 * both lives before and after a death use. A message is one packet; some carry a descriptor
 * (SCM_RIGHTS). What is queued in a channel outlives its sender: a worker that has sent GUARD_PUT
 * may die at once.
 *
 *     worker ──PUT, DROP──→ guardian          (the worker's channel)
 *     worker ←──TAKE─────── guardian
 *     supervisor ──KEEP, FORGET, HAND──→ guardian   (a pair that the guardian makes)
 *     supervisor ──NEXT, RENEW, END────→ guardian
 *     supervisor ←──LOST──────────────── guardian
 *
 * A session is named by its slot's index and the slot's generation: a message about an earlier use
 * of the slot is dropped. */
#ifndef MSG_GUARD_H
#define MSG_GUARD_H

#include <stdint.h>

enum guard_op {
    GUARD_NONE = 0,
    GUARD_PUT = 1,  /* session, generation, with the client's socket: keep it */
    GUARD_DROP = 2, /* session, generation: the session has ended. A hint: the guardian also looks
                       through the session region for slots that are free or used again */
    GUARD_TAKE = 3, /* session, generation, with its socket: it is yours (session_give) */
    GUARD_KEEP =
        4, /* number, with a descriptor: keep it under that number for the next supervisor */
    GUARD_HAND = 5, /* session, generation, number (a process slot): send TAKE to that worker */
    GUARD_NEXT = 6, /* text: the program of the next supervisor. Another one than before is on trial
                       until its supervisor says the same: when it ends, or does not say so in
                       time, the one before is next */
    GUARD_END = 7,  /* the appliance stops: when the supervisor has gone, go too */
    GUARD_BEGIN = 9,   /* the regions are there, made or found: attach to them */
    GUARD_RENEW = 10,  /* text: a program of the guardian's own: go on as that, with all you hold */
    GUARD_FORGET = 11, /* the appliance begins from its files: close what was kept by KEEP */
    GUARD_LOST = 8,    /* session, generation: HAND asked for a socket that is not here */
};

struct guard_msg {
    uint32_t op; /* enum guard_op */
    uint32_t session, generation;
    int32_t number;
    char text[512];
};

#endif
