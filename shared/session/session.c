#include "session/session.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

static uint64_t owner_word(struct owner o) {
    return (uint64_t)o.epoch << 8 | o.slot;
}

/* ---- whose it is ----------------------------------------------------------------------------- */

uint32_t session_slot_take(struct shm *shm, struct owner owner) {
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) {
        struct session_slot *s = session_slot_at(shm, i);
        uint64_t expected = 0;
        if (atomic_load_explicit(&s->owner, memory_order_relaxed) != 0 ||
            !atomic_compare_exchange_strong(&s->owner, &expected, owner_word(owner)))
            continue;
        atomic_fetch_add(&s->generation, 1);
        /* Everything behind the words that outlive a use. */
        size_t from = offsetof(struct session_slot, cancel);
        memset((char *)s + from, 0, sizeof *s - from);
        atomic_store(&session_sequences_at(shm, i)->n, 0);
        atomic_store(&session_sequences_at(shm, i)->last, 0);
        atomic_store(&s->block, 'I');
        atomic_store(&s->state, SESSION_OPENING);
        return i;
    }
    return SESSION_NONE;
}

void session_slot_free(struct shm *shm, uint32_t index) {
    struct session_slot *s = session_slot_at(shm, index);
    atomic_store(&s->state, SESSION_FREE);
    atomic_store(&s->owner, 0);
}

void session_count(const struct shm *shm, uint32_t ret_counts[PROC_SLOTS]) {
    memset(ret_counts, 0, PROC_SLOTS * sizeof *ret_counts);
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) {
        const struct session_slot *s = session_slot_at(shm, i);
        uint32_t slot = atomic_load_explicit(&s->owner, memory_order_relaxed) & 0xff;
        if (slot < PROC_SLOTS &&
            atomic_load_explicit(&s->state, memory_order_relaxed) != SESSION_FREE)
            ret_counts[slot]++;
    }
}

static const struct owner nobody_yet = {.slot = SLOT_SUPERVISOR, .epoch = 1};

/* A commit that is under way in the log is decided there; one that is not will be undone. */
static void decide_commit(struct shm *shm, struct session_slot *s,
                          bool (*committed)(struct shm *, uint64_t)) {
    uint64_t x = atomic_load(&s->commit_txid);
    if (x == 0 || atomic_load(&s->outcome) != OUTCOME_UNKNOWN) return;
    atomic_store(&s->outcome, committed(shm, x) ? OUTCOME_COMMITTED : OUTCOME_LOST);
}

unsigned session_repair(struct shm *shm, struct owner dead,
                        bool (*committed)(struct shm *shm, uint64_t txid)) {
    unsigned waiting = 0;
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) {
        struct session_slot *s = session_slot_at(shm, i);
        if (atomic_load(&s->owner) != owner_word(dead)) continue;
        if (atomic_load(&s->state) == SESSION_FREE) { /* it was being taken or freed */
            session_slot_free(shm, i);
            continue;
        }
        decide_commit(shm, s, committed);
        atomic_store(&s->progress.command, 0);
        session_release(shm, i);
        waiting++;
    }
    return waiting;
}

void session_release(struct shm *shm, uint32_t index) {
    atomic_store(&session_slot_at(shm, index)->owner, owner_word(nobody_yet));
}

bool session_waits(const struct shm *shm, uint32_t index) {
    return atomic_load(&session_slot_at(shm, index)->owner) == owner_word(nobody_yet);
}

/* The state first: a session whose owner is a worker and which is GIVEN is that worker's to take
 * up; a kill in between leaves it waiting. */
void session_give(struct shm *shm, uint32_t index, struct owner to) {
    struct session_slot *s = session_slot_at(shm, index);
    CHECK(session_waits(shm, index));
    atomic_store(&s->state, SESSION_GIVEN);
    atomic_store(&s->owner, owner_word(to));
}

bool session_given(const struct shm *shm, uint32_t index, struct owner to) {
    const struct session_slot *s = session_slot_at(shm, index);
    return atomic_load(&s->owner) == owner_word(to) && atomic_load(&s->state) == SESSION_GIVEN;
}

bool session_taken_up(struct shm *shm, uint32_t index, uint32_t generation, struct owner by) {
    if (index >= shm->sizes.sessions || !session_given(shm, index, by)) return false;
    struct session_slot *s = session_slot_at(shm, index);
    uint32_t given = SESSION_GIVEN;
    return atomic_load(&s->generation) == generation &&
           atomic_compare_exchange_strong(&s->state, &given, SESSION_IDLE);
}

/* One change of the state tells this and taking up apart. A kill behind it leaves the slot to
 * session_repair of the owner's death. */
bool session_withdraw(struct shm *shm, uint32_t index, struct owner to) {
    uint32_t given = SESSION_GIVEN;
    if (!session_given(shm, index, to) ||
        !atomic_compare_exchange_strong(&session_slot_at(shm, index)->state, &given, SESSION_FREE))
        return false;
    session_slot_free(shm, index);
    return true;
}

/* ---- prepared statements --------------------------------------------------------------------- */

#define STATEMENT_GONE 0x8000u

struct statement_head {
    uint32_t bytes; /* a multiple of 8 */
    uint16_t ntypes;
    uint16_t flags;
    int64_t prepared_us;
};

static struct statement_head *head_at(struct session_slot *s, uint32_t at) {
    return (struct statement_head *)((char *)s + at);
}

static size_t statement_bytes(const struct session_statement *st, size_t name_bytes,
                              size_t text_bytes) {
    size_t n = sizeof(struct statement_head) + 4u * (size_t)st->ntypes + name_bytes + text_bytes;
    return (n + 7) & ~(size_t)7;
}

static void write_statement(struct session_slot *s, uint32_t at, size_t bytes,
                            const struct session_statement *st, size_t name_bytes,
                            size_t text_bytes) {
    *head_at(s, at) = (struct statement_head){.bytes = (uint32_t)bytes,
                                              .ntypes = st->ntypes,
                                              .flags = st->flags,
                                              .prepared_us = st->prepared_us};
    char *to = (char *)s + at + sizeof(struct statement_head);
    if (st->ntypes) memcpy(to, st->types, 4u * (size_t)st->ntypes);
    to += 4u * (size_t)st->ntypes;
    memcpy(to, st->name, name_bytes);
    memcpy(to + name_bytes, st->text, text_bytes);
}

static const char *name_in(const struct statement_head *h) {
    return (const char *)(h + 1) + 4u * (size_t)h->ntypes;
}

void session_statement_drop(struct session_slot *s, const char *name) {
    if (!name || !*name) s->unnamed_len = 0;
    if (name && !*name) return;
    for (uint32_t at = 0; at < s->statements_len;
         at += head_at(s, SESSION_STATEMENTS_AT + at)->bytes) {
        struct statement_head *h = head_at(s, SESSION_STATEMENTS_AT + at);
        if (h->flags & STATEMENT_GONE || (name && strcmp(name_in(h), name) != 0)) continue;
        h->flags |= STATEMENT_GONE; /* one store: the entry is there or not */
        if (name) return;
    }
}

/* Closes the gaps. A kill in the middle would leave entries torn, so meanwhile the session cannot
 * be handed over. */
static void squeeze(struct session_slot *s) {
    bool lost = s->statements_lost;
    s->statements_lost = true;
    atomic_signal_fence(memory_order_seq_cst);
    char *base = (char *)s + SESSION_STATEMENTS_AT;
    uint32_t to = 0, bytes;
    for (uint32_t at = 0; at < s->statements_len; at += bytes) {
        const struct statement_head *h = head_at(s, SESSION_STATEMENTS_AT + at);
        bytes = h->bytes;
        if (h->flags & STATEMENT_GONE) continue;
        if (to != at) memmove(base + to, base + at, bytes);
        to += bytes;
    }
    atomic_store(&s->statements_len, to);
    atomic_store(&s->replayable, false);
    s->statements_lost = lost;
}

static bool put_unnamed(struct session_slot *s, const struct session_statement *st,
                        size_t text_bytes) {
    size_t bytes = statement_bytes(st, 1, text_bytes);
    s->unnamed_len = 0;
    if (bytes > SESSION_UNNAMED_BYTES) return false;
    atomic_signal_fence(memory_order_seq_cst);
    write_statement(s, SESSION_UNNAMED_AT, bytes, st, 1, text_bytes);
    atomic_signal_fence(memory_order_seq_cst);
    s->unnamed_len = (uint32_t)bytes;
    return true;
}

bool session_statement_put(struct session_slot *s, const struct session_statement *st) {
    size_t name_bytes = strlen(st->name) + 1, text_bytes = strlen(st->text) + 1;
    if (name_bytes == 1) return put_unnamed(s, st, text_bytes);
    session_statement_drop(s, st->name);
    size_t bytes = statement_bytes(st, name_bytes, text_bytes);
    if (bytes > SESSION_STATEMENTS_BYTES - s->statements_len) squeeze(s);
    if (bytes > SESSION_STATEMENTS_BYTES - s->statements_len) return false;
    write_statement(s, SESSION_STATEMENTS_AT + s->statements_len, bytes, st, name_bytes,
                    text_bytes);
    atomic_store(&s->statements_len, s->statements_len + (uint32_t)bytes);
    return true;
}

static void statement_of(const struct statement_head *h, struct session_statement *ret) {
    ret->types = (const uint32_t *)(h + 1);
    ret->ntypes = h->ntypes;
    ret->flags = h->flags;
    ret->prepared_us = h->prepared_us;
    ret->name = name_in(h);
    ret->text = ret->name + strlen(ret->name) + 1;
}

bool session_statement_next(struct session_slot *s, uint32_t *at, struct session_statement *ret) {
    while (*at < s->statements_len) {
        const struct statement_head *h = head_at(s, SESSION_STATEMENTS_AT + *at);
        *at += h->bytes;
        if (h->flags & STATEMENT_GONE) continue;
        statement_of(h, ret);
        return true;
    }
    if (*at == UINT32_MAX || s->unnamed_len == 0) return false;
    *at = UINT32_MAX;
    statement_of(head_at(s, SESSION_UNNAMED_AT), ret);
    return true;
}

/* ---- settings -------------------------------------------------------------------------------- */

bool session_setting_next(const struct session_slot *s, uint32_t *at, const char **ret_name,
                          const char **ret_value) {
    const char *base = (const char *)s + SESSION_SETTINGS_AT;
    if (*at >= s->settings_len) return false;
    *ret_name = base + *at;
    *ret_value = *ret_name + strlen(*ret_name) + 1;
    *at = (uint32_t)(*ret_value + strlen(*ret_value) + 1 - base);
    return true;
}

/* As in squeeze: torn in the middle, the session cannot be handed over. */
bool session_setting_put(struct session_slot *s, const char *name, const char *value) {
    char *base = (char *)s + SESSION_SETTINGS_AT;
    const char *its_name, *its_value;
    bool lost = s->statements_lost;
    s->statements_lost = true;
    atomic_signal_fence(memory_order_seq_cst);
    for (uint32_t at = 0, next = 0; session_setting_next(s, &next, &its_name, &its_value);
         at = next) {
        if (strcmp(its_name, name) != 0) continue;
        memmove(base + at, base + next, s->settings_len - next);
        s->settings_len -= next - at;
        break;
    }
    bool fits = true;
    if (value) {
        size_t name_len = strlen(name) + 1, value_len = strlen(value) + 1;
        fits = name_len + value_len <= SESSION_SETTINGS_BYTES - s->settings_len;
        if (fits) {
            memcpy(base + s->settings_len, name, name_len);
            memcpy(base + s->settings_len + name_len, value, value_len);
            s->settings_len += (uint32_t)(name_len + value_len);
        }
    }
    atomic_signal_fence(memory_order_seq_cst);
    s->statements_lost = lost;
    return fits;
}
