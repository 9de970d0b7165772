/* quarantine.h: statements that end their worker, by fingerprint, in the control region.
 *
 * The supervisor counts (it is the only writer, I1): a death that a statement has caused is noted
 * with the life that ended, in one store, so that noting it again after a repair that was itself
 * killed (I2) counts it once. After QUARANTINE_DEATHS deaths, none more than QUARANTINE_WINDOW_NS
 * after the one before, workers refuse the statement until it is released. The table lives as long
 * as the control region: a start of everything forgets it. */
#ifndef BASE_QUARANTINE_H
#define BASE_QUARANTINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define QUARANTINE_ENTRIES 64u
#define QUARANTINE_DEATHS 3u
#define QUARANTINE_WINDOW_NS 3600000000000ull
#define QUARANTINE_TEXT_BYTES 96

struct quarantine_entry {
    _Atomic uint64_t fingerprint; /* 0: free */
    /* From the top: 16 bits deaths, 16 bits process slot, 32 bits epoch of the last life it ended.
     */
    _Atomic uint64_t word;
    _Atomic uint64_t last_wall_ns;    /* of the last death */
    char text[QUARANTINE_TEXT_BYTES]; /* how the statement begins, for people; ends in NUL */
};

struct quarantine {
    _Atomic uint32_t refused; /* entries whose statements are refused */
    struct quarantine_entry entry[QUARANTINE_ENTRIES];
};

/* What a reader is told about an entry. */
struct quarantined {
    uint64_t fingerprint;
    uint32_t deaths;
    uint64_t last_wall_ns;
    char text[QUARANTINE_TEXT_BYTES];
};

/* Is it refused? By any process. */
bool quarantine_find(const struct quarantine *q, uint64_t fingerprint);

/* By workers, before each statement. Nobody in quarantine: one relaxed load. */
static inline bool quarantine_refuses(const struct quarantine *q, uint64_t fingerprint) {
    return __builtin_expect(atomic_load_explicit(&q->refused, memory_order_relaxed) != 0, 0) &&
           quarantine_find(q, fingerprint);
}

/* By the supervisor: the statement ran in the life (slot, epoch) when that crashed. text may be
 * cut. Returns how many deaths count against it now; 0: there was no room. */
uint32_t quarantine_note(struct quarantine *q, uint64_t fingerprint, uint16_t slot, uint32_t epoch,
                         uint64_t wall_ns, const char *text);
/* By the supervisor: forgets it. False: it was not there. */
bool quarantine_release(struct quarantine *q, uint64_t fingerprint);
/* The entry at `index`, below QUARANTINE_ENTRIES; false: it is free. */
bool quarantine_get(const struct quarantine *q, uint32_t index, struct quarantined *ret);

#endif
