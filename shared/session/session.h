/* session.h: the session region: what a session must keep when its worker dies.
 *
 * One slot of SESSION_BYTES for each of sizes.sessions sessions. The region is sparse: a slot takes
 * memory only where it has been written. */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "base/proc.h"

#define SESSION_BYTES ((size_t)256 << 10)

static inline char *session_slot_at(const struct shm *shm, uint32_t index) {
    return shm->sessions + (size_t)index * SESSION_BYTES;
}

#endif
