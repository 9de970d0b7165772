#include "prune.h"

static bool is_base(const struct prune_backup *base, const struct prune_backup *of) {
    return base != of && base->m.redo_lsn == of->m.since_lsn;
}

/* A base began before what follows it, so chains end; round by round, until nothing changes. */
static void find_whole(struct prune_list *l) {
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < l->count; i++) {
            struct prune_backup *b = &l->backup[i];
            if (b->whole) continue;
            b->whole = b->m.since_lsn == 0;
            for (size_t k = 0; k < l->count && !b->whole; k++)
                b->whole = l->backup[k].whole && is_base(&l->backup[k], b);
            more |= b->whole;
        }
    }
}

static void keep_bases(struct prune_list *l) {
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < l->count; i++) {
            struct prune_backup *base = &l->backup[i];
            for (size_t k = 0; k < l->count && !base->keep; k++) {
                const struct prune_backup *b = &l->backup[k];
                base->keep = b->keep && b->m.since_lsn != 0 && is_base(base, b);
                more |= base->keep;
            }
        }
    }
}

/* The newest whole one that ended before; NULL: there is none. */
static struct prune_backup *newest_before(struct prune_list *l, time_t since) {
    struct prune_backup *best = NULL;
    for (size_t i = 0; i < l->count; i++) {
        struct prune_backup *b = &l->backup[i];
        if (b->whole && b->m.ended < since && (!best || b->m.ended > best->m.ended)) best = b;
    }
    return best;
}

void prune_choose(struct prune_list *l, time_t since) {
    find_whole(l);
    struct prune_backup *first = newest_before(l, since);
    for (size_t i = 0; i < l->count; i++) {
        struct prune_backup *b = &l->backup[i];
        b->keep = !first || b == first || b->stays || b->m.ended >= since;
        b->leads_on = b->keep;
    }
    keep_bases(l);
}

uint64_t prune_log_floor(const struct prune_list *l) {
    uint64_t floor = UINT64_MAX;
    for (size_t i = 0; i < l->count; i++) {
        const struct prune_backup *b = &l->backup[i];
        if (b->leads_on && b->whole && b->m.from_lsn < floor) floor = b->m.from_lsn;
    }
    return floor == UINT64_MAX ? 0 : floor;
}
