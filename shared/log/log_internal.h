/* log_internal.h: what the files of this folder share. */
#ifndef LOG_LOG_INTERNAL_H
#define LOG_LOG_INTERNAL_H

#include "log/log.h"

/* The ring is mapped twice in a row: at most ring_bytes from here on are contiguous. */
static inline char *log_ring_at(const struct shm *shm, uint64_t at) {
    return shm->log_ring + (at & (shm->sizes.ring_bytes - 1));
}

static inline struct log_slot *log_own_slot(const struct proc *p) {
    return &p->shm->log->slots[p->owner.slot];
}

/* Writes a COMMIT record of LOG_COMMIT_BYTES to `to`. */
void log_commit_build(void *to, txid x, uint64_t txn_prev, commit_time time);

#endif
