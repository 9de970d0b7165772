#include "base/quarantine.h"

#include <stddef.h>
#include <string.h>

#define LOAD(word) atomic_load_explicit(word, memory_order_acquire)
#define STORE(word, value) atomic_store_explicit(word, value, memory_order_release)

static uint64_t pack(uint32_t deaths, uint16_t slot, uint32_t epoch) {
    return (uint64_t)deaths << 48 | (uint64_t)slot << 32 | epoch;
}

static uint32_t deaths_of(uint64_t word) {
    return (uint32_t)(word >> 48);
}

static bool is_refused(const struct quarantine_entry *e) {
    return LOAD(&e->fingerprint) && deaths_of(LOAD(&e->word)) >= QUARANTINE_DEATHS;
}

static const struct quarantine_entry *find(const struct quarantine *q, uint64_t fingerprint) {
    for (uint32_t i = 0; i < QUARANTINE_ENTRIES; i++)
        if (LOAD(&q->entry[i].fingerprint) == fingerprint) return &q->entry[i];
    return NULL;
}

bool quarantine_find(const struct quarantine *q, uint64_t fingerprint) {
    const struct quarantine_entry *e = fingerprint ? find(q, fingerprint) : NULL;
    return e && is_refused(e);
}

/* Counted anew each time: right also when the supervisor before died between two stores. */
static void count_refused(struct quarantine *q) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < QUARANTINE_ENTRIES; i++) n += is_refused(&q->entry[i]);
    STORE(&q->refused, n);
}

/* A free entry, or the oldest of those that nobody is refused for; NULL: none. */
static struct quarantine_entry *make_room(struct quarantine *q) {
    struct quarantine_entry *oldest = NULL;
    for (uint32_t i = 0; i < QUARANTINE_ENTRIES; i++) {
        struct quarantine_entry *e = &q->entry[i];
        if (!LOAD(&e->fingerprint)) return e;
        if (!is_refused(e) && (!oldest || LOAD(&e->last_wall_ns) < LOAD(&oldest->last_wall_ns)))
            oldest = e;
    }
    return oldest;
}

static void begin_entry(struct quarantine_entry *e, uint64_t fingerprint, const char *text) {
    STORE(&e->fingerprint, 0);
    STORE(&e->word, 0);
    strncpy(e->text, text, sizeof e->text - 1);
    e->text[sizeof e->text - 1] = '\0';
    STORE(&e->fingerprint, fingerprint);
}

uint32_t quarantine_note(struct quarantine *q, uint64_t fingerprint, uint16_t slot, uint32_t epoch,
                         uint64_t wall_ns, const char *text) {
    if (!fingerprint) return 0;
    struct quarantine_entry *e = (struct quarantine_entry *)find(q, fingerprint);
    if (!e) {
        e = make_room(q);
        if (!e) return 0;
        begin_entry(e, fingerprint, text);
    }
    uint64_t word = LOAD(&e->word);
    uint32_t deaths = deaths_of(word);
    bool counted = deaths && word == pack(deaths, slot, epoch);
    if (!counted) {
        bool long_ago = wall_ns > LOAD(&e->last_wall_ns) + QUARANTINE_WINDOW_NS;
        if (long_ago && deaths < QUARANTINE_DEATHS) deaths = 0;
        if (deaths < UINT16_MAX) deaths++;
        STORE(&e->last_wall_ns, wall_ns);
        STORE(&e->word, pack(deaths, slot, epoch));
    }
    count_refused(q);
    return deaths;
}

bool quarantine_release(struct quarantine *q, uint64_t fingerprint) {
    struct quarantine_entry *e =
        fingerprint ? (struct quarantine_entry *)find(q, fingerprint) : NULL;
    if (e) STORE(&e->fingerprint, 0);
    count_refused(q);
    return e;
}

bool quarantine_get(const struct quarantine *q, uint32_t index, struct quarantined *ret) {
    const struct quarantine_entry *e = &q->entry[index];
    ret->fingerprint = LOAD(&e->fingerprint);
    ret->deaths = deaths_of(LOAD(&e->word));
    ret->last_wall_ns = LOAD(&e->last_wall_ns);
    memcpy(ret->text, e->text, sizeof ret->text);
    ret->text[sizeof ret->text - 1] = '\0';
    return ret->fingerprint != 0;
}
