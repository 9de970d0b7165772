/* Serializable snapshot isolation: slots one by one: sets of them, how long one is needed after its
 * transaction has committed, and what is remembered of those that had to make room. */
#include "txn/serial_internal.h"

bool serial_bit(const _Atomic uint64_t *set, uint32_t i) {
    return atomic_load_explicit(&set[i / 64], memory_order_relaxed) >> (i % 64) & 1;
}

void serial_set_bit(_Atomic uint64_t *set, uint32_t i, bool on) {
    uint64_t mask = (uint64_t)1 << (i % 64);
    if (on)
        atomic_fetch_or(&set[i / 64], mask);
    else
        atomic_fetch_and(&set[i / 64], ~mask);
}

uint32_t serial_next_bit(const _Atomic uint64_t *set, uint32_t from) {
    for (uint32_t w = from / 64; w < SERIAL_WORDS; w++) {
        uint64_t word = atomic_load_explicit(&set[w], memory_order_acquire);
        if (w == from / 64) word &= ~(uint64_t)0 << (from % 64);
        if (word) return w * 64 + (uint32_t)__builtin_ctzll(word);
    }
    return SERIAL_SLOTS;
}

uint32_t serial_next(const struct serial_shared *shared, uint32_t from) {
    return serial_next_bit(shared->used, from);
}

uint32_t serial_index(const struct serial_shared *shared, const struct serial_slot *s) {
    return (uint32_t)(s - shared->slot);
}

void serial_set_state(struct serial_slot *s, enum serial_state state) {
    uint64_t word = atomic_load_explicit(&s->word, memory_order_relaxed);
    uint64_t generation = (word >> 8) + (state == SERIAL_ACTIVE);
    atomic_store(&s->word, generation << 8 | state);
}

bool serial_has_turn(const struct serial_slot *s) {
    enum serial_state state = serial_state_of(s);
    return state == SERIAL_PREPARED || state == SERIAL_COMMITTED;
}

static void earlier(_Atomic uint64_t *least, uint64_t value) {
    if (value < atomic_load(least)) atomic_store(least, value);
}

/* Writers commit at a time; of readers it is known when they ended. */
static uint64_t time_of(const struct serial_slot *s) {
    uint64_t time = atomic_load(&s->commit_time);
    return time ? time : SERIAL_NEVER;
}

uint64_t serial_time_now(struct shm *shm, const struct serial_slot *s) {
    commit_time time;
    uint64_t x = atomic_load(&s->x);
    if (atomic_load(&s->commit_time) || !x) return time_of(s);
    return txn_fate(shm, x, &time, NULL) == FATE_COMMITTED ? time : SERIAL_NEVER;
}

bool serial_was_before(const struct serial_slot *committed, const struct serial_slot *other) {
    return atomic_load(&committed->end_turn) <= atomic_load(&other->begin_turn) &&
           time_of(committed) <= atomic_load(&other->snapshot);
}

/* From its state on it is nobody's; a death in between is finished by serial_repair. */
void serial_free(struct serial_shared *shared, struct serial_slot *s) {
    uint32_t own = serial_index(shared, s);
    bool committed = serial_state_of(s) == SERIAL_COMMITTED;
    for (uint32_t i = serial_next_bit(s->in, 0); committed && i < SERIAL_SLOTS;
         i = serial_next_bit(s->in, i + 1)) {
        earlier(&shared->slot[i].gone_turn, atomic_load(&s->turn));
        earlier(&shared->slot[i].gone_time, time_of(s));
    }
    serial_set_state(s, SERIAL_FREE);
    for (uint32_t i = serial_next_bit(s->in, 0); i < SERIAL_SLOTS;
         i = serial_next_bit(s->in, i + 1))
        serial_set_bit(shared->slot[i].out, own, false);
    for (uint32_t i = serial_next_bit(s->out, 0); i < SERIAL_SLOTS;
         i = serial_next_bit(s->out, i + 1))
        serial_set_bit(shared->slot[i].in, own, false);
    for (int w = 0; w < SERIAL_WORDS; w++) {
        atomic_store(&s->in[w], 0);
        atomic_store(&s->out[w], 0);
    }
    atomic_store(&s->owner, 0);
    serial_set_bit(shared->used, own, false);
}

/* Does anybody run who was concurrent with it, or can somebody begin who will be? */
static bool is_needed(const struct shm *shm, const struct serial_slot *committed) {
    const struct serial_shared *shared = shm->serial;
    if (time_of(committed) > atomic_load(&shm->log->visible)) return true;
    SERIAL_EACH(shared, i) {
        const struct serial_slot *s = &shared->slot[i];
        enum serial_state state = serial_state_of(s);
        if (state != SERIAL_ACTIVE && state != SERIAL_PREPARED) continue;
        if (!serial_was_before(committed, s)) return true;
    }
    return false;
}

void serial_clean_up(struct shm *shm) {
    struct serial_shared *shared = shm->serial;
    SERIAL_EACH(shared, i) {
        struct serial_slot *s = &shared->slot[i];
        if (serial_state_of(s) == SERIAL_COMMITTED && !is_needed(shm, s)) serial_free(shared, s);
    }
}

void serial_first_out(struct shm *shm, const struct serial_slot *s, uint64_t *ret_turn,
                      uint64_t *ret_time) {
    const struct serial_shared *shared = shm->serial;
    *ret_turn = atomic_load(&s->gone_turn);
    *ret_time = atomic_load(&s->gone_time);
    for (uint32_t i = serial_next_bit(s->out, 0); i < SERIAL_SLOTS;
         i = serial_next_bit(s->out, i + 1)) {
        const struct serial_slot *to = &shared->slot[i];
        if (!serial_has_turn(to)) continue;
        if (atomic_load(&to->turn) < *ret_turn) *ret_turn = atomic_load(&to->turn);
        if (serial_time_now(shm, to) < *ret_time) *ret_time = serial_time_now(shm, to);
    }
}

void serial_summarize(struct shm *shm) {
    struct serial_shared *shared = shm->serial;
    struct serial_summary *sum = &shared->summary;
    struct serial_slot *oldest = NULL;
    SERIAL_EACH(shared, i) {
        struct serial_slot *s = &shared->slot[i];
        if (serial_state_of(s) != SERIAL_COMMITTED) continue;
        if (!oldest || atomic_load(&s->end_turn) < atomic_load(&oldest->end_turn)) oldest = s;
    }
    if (!oldest) return;
    uint64_t turn, time;
    serial_first_out(shm, oldest, &turn, &time);
    reads_merge(&sum->reads, &oldest->reads);
    earlier(&sum->out_turn, turn);
    earlier(&sum->out_time, time);
    for (uint32_t i = serial_next_bit(oldest->out, 0); i < SERIAL_SLOTS;
         i = serial_next_bit(oldest->out, i + 1))
        atomic_store(&shared->slot[i].summary_in, true);
    if (time_of(oldest) != SERIAL_NEVER && time_of(oldest) > atomic_load(&sum->commit_time))
        atomic_store(&sum->commit_time, time_of(oldest));
    atomic_store(&sum->end_turn, atomic_load(&oldest->end_turn));
    serial_free(shared, oldest);
}

void serial_forget_summary(struct shm *shm) {
    struct serial_shared *shared = shm->serial;
    struct serial_summary *sum = &shared->summary;
    if (!atomic_load(&sum->end_turn)) return;
    if (atomic_load(&sum->commit_time) > atomic_load(&shm->log->visible)) return;
    SERIAL_EACH(shared, i) {
        const struct serial_slot *s = &shared->slot[i];
        bool later = atomic_load(&sum->end_turn) <= atomic_load(&s->begin_turn) &&
                     atomic_load(&sum->commit_time) <= atomic_load(&s->snapshot);
        if (!later && serial_state_of(s) != SERIAL_COMMITTED) return;
    }
    atomic_store(&sum->end_turn, 0);
    atomic_store(&sum->commit_time, 0);
    atomic_store(&sum->out_turn, SERIAL_NEVER);
    atomic_store(&sum->out_time, SERIAL_NEVER);
    reads_clear(&sum->reads);
}

void serial_shared_init(struct shm *shm) {
    atomic_store(&shm->serial->summary.out_turn, SERIAL_NEVER);
    atomic_store(&shm->serial->summary.out_time, SERIAL_NEVER);
}
