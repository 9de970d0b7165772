/* Serializable snapshot isolation after the death of a process: what it left half done. */
#include "txn/serial_internal.h"

/* One slot's pairs, seen from one side: with slots that are free there are none, with all others
 * they stand twice. */
static void mirror(struct serial_shared *shared, uint32_t own, bool out) {
    struct serial_slot *s = &shared->slot[own];
    _Atomic uint64_t *mine = out ? s->out : s->in;
    for (uint32_t i = serial_next_bit(mine, 0); i < SERIAL_SLOTS;
         i = serial_next_bit(mine, i + 1)) {
        struct serial_slot *other = &shared->slot[i];
        if (serial_state_of(other) == SERIAL_FREE)
            serial_set_bit(mine, i, false);
        else
            serial_set_bit(out ? other->in : other->out, own, true);
    }
}

/* Whatever the holder of the latch was doing is done to its end, or has not been. */
static void make_whole(struct serial_shared *shared) {
    for (uint32_t i = 0; i < atomic_load(&shared->high); i++) {
        if (serial_state_of(&shared->slot[i]) == SERIAL_FREE)
            serial_free(shared, &shared->slot[i]);
        else
            serial_set_bit(shared->used, i, true);
    }
    SERIAL_EACH(shared, i) {
        mirror(shared, i, true);
        mirror(shared, i, false);
    }
}

/* One whose owner died amid serial_set_committed has its time, if not its state. */
static void end_of_dead(struct shm *shm, struct serial_slot *s) {
    commit_time time = atomic_load(&s->commit_time);
    uint64_t x = atomic_load(&s->x);
    if (!time && serial_state_of(s) == SERIAL_PREPARED && x &&
        txn_fate(shm, x, &time, NULL) != FATE_COMMITTED)
        time = 0;
    if (time)
        serial_set_committed(shm->serial, s, time);
    else
        serial_free(shm->serial, s);
}

static bool has_slots(const struct serial_shared *shared, struct owner dead) {
    SERIAL_EACH(shared, i)
    if (atomic_load(&shared->slot[i].owner) == owner_word(dead)) return true;
    return false;
}

/* The latch in the name of the dead, so that a repair that dies leaves it as it found it. */
void serial_repair(struct shm *shm, struct owner dead) {
    struct serial_shared *shared = shm->serial;
    if (latch_word_owned_by(atomic_load(&shared->latch.word), dead)) {
        make_whole(shared);
    } else {
        if (!has_slots(shared, dead)) return;
        latch_lock(&shared->latch, dead);
    }
    SERIAL_EACH(shared, i) {
        struct serial_slot *s = &shared->slot[i];
        if (atomic_load(&s->owner) == owner_word(dead)) end_of_dead(shm, s);
    }
    latch_unlock(&shared->latch);
}
