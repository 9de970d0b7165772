/* What a serializable transaction has read: hashes of keys, stretches of trees, whole trees.
 *
 * Written by its transaction alone while others look: every state in between says at least what the
 * one before said. What does not fit makes it coarser, never forgotten. */
#include <string.h>

#include "txn/serial_internal.h"

#define KEYS_MAX (SERIAL_KEYS / 4 * 3)

void reads_clear(struct serial_reads *r) {
    if (r->nkeys) memset((void *)r->key, 0, sizeof r->key);
    r->nkeys = 0;
    for (int i = 0; i < SERIAL_RANGES; i++) atomic_store(&r->range[i].tree, 0);
    atomic_store(&r->all, false);
}

/* Never 0; the root of the tree is in it. */
uint64_t reads_hash(uint64_t root, const void *key, size_t len) {
    uint64_t h = root * 0x9e3779b97f4a7c15u;
    const unsigned char *b = key;
    for (size_t i = 0; i < len; i++) h = (h ^ b[i]) * 0x100000001b3u;
    h ^= h >> 32;
    return h ? h : 1;
}

static bool is_whole(const struct serial_range *g, uint64_t root) {
    return atomic_load(&g->tree) == root && atomic_load(&g->low_len) == 0 &&
           atomic_load(&g->high_len) == 0;
}

/* A stretch of the tree becomes the whole of it; without a place for it, everything was read. */
static void add_whole(struct serial_reads *r, uint64_t root) {
    struct serial_range *place = NULL;
    for (int i = 0; i < SERIAL_RANGES; i++) {
        struct serial_range *g = &r->range[i];
        uint64_t tree = atomic_load(&g->tree);
        if (is_whole(g, root)) return;
        if (tree == root || (tree == 0 && !place)) place = g;
        if (tree == root) break;
    }
    if (!place) {
        atomic_store(&r->all, true);
        return;
    }
    atomic_store(&place->low_len, 0);
    atomic_store(&place->high_len, 0);
    atomic_store(&place->tree, root);
}

void reads_add_key(struct serial_reads *r, uint64_t root, uint64_t hash) {
    uint32_t at = (uint32_t)hash;
    for (int i = 0; i < SERIAL_RANGES; i++)
        if (is_whole(&r->range[i], root)) return;
    for (uint32_t i = 0; i < SERIAL_KEYS; i++) {
        _Atomic uint64_t *place = &r->key[(at + i) % SERIAL_KEYS];
        uint64_t there = atomic_load_explicit(place, memory_order_relaxed);
        if (there == hash) return;
        if (there) continue;
        if (r->nkeys >= KEYS_MAX) break;
        r->nkeys++;
        atomic_store(place, hash);
        return;
    }
    add_whole(r, root);
}

static uint16_t cut(unsigned char *to, const void *from, size_t len) {
    uint16_t n = (uint16_t)(len < SERIAL_BOUND_BYTES ? len : SERIAL_BOUND_BYTES);
    if (n) memcpy(to, from, n);
    return n;
}

static bool same_range(const struct serial_range *g, uint64_t root, const void *low, size_t low_len,
                       const void *high, size_t high_len) {
    return atomic_load(&g->tree) == root && !g->high_cut && low_len == atomic_load(&g->low_len) &&
           high_len == atomic_load(&g->high_len) && memcmp(g->low, low, low_len) == 0 &&
           memcmp(g->high, high, high_len) == 0;
}

void reads_add_range(struct serial_reads *r, uint64_t root, const void *low, size_t low_len,
                     const void *high, size_t high_len) {
    struct serial_range *place = NULL;
    if (low_len == 0 && high_len == 0) {
        add_whole(r, root);
        return;
    }
    for (int i = 0; i < SERIAL_RANGES; i++) {
        struct serial_range *g = &r->range[i];
        if (is_whole(g, root) || same_range(g, root, low, low_len, high, high_len)) return;
        if (!place && atomic_load(&g->tree) == 0) place = g;
    }
    if (!place) {
        add_whole(r, root);
        return;
    }
    atomic_store(&place->low_len, cut(place->low, low, low_len));
    atomic_store(&place->high_len, cut(place->high, high, high_len));
    place->high_cut = high_len > SERIAL_BOUND_BYTES;
    atomic_store(&place->tree, root);
}

static bool in_range(const struct serial_range *g, const void *key, size_t len) {
    uint16_t low = atomic_load(&g->low_len), high = atomic_load(&g->high_len);
    if (low) {
        int c = memcmp(key, g->low, len < low ? len : low);
        if (c < 0 || (c == 0 && len < low)) return false;
    }
    if (!high) return true;
    int c = memcmp(key, g->high, len < high ? len : high);
    return c < 0 || (c == 0 && (len < high || g->high_cut));
}

bool reads_cover(const struct serial_reads *r, uint64_t root, uint64_t hash, const void *key,
                 size_t len) {
    if (atomic_load(&r->all)) return true;
    for (uint32_t i = 0; i < SERIAL_KEYS; i++) {
        uint64_t there = atomic_load(&r->key[((uint32_t)hash + i) % SERIAL_KEYS]);
        if (there == hash) return true;
        if (there == 0) break;
    }
    for (int i = 0; i < SERIAL_RANGES; i++) {
        const struct serial_range *g = &r->range[i];
        uint64_t tree = atomic_load(&g->tree);
        if (tree == 0) break;
        if (tree == root && in_range(g, key, len)) return true;
    }
    return false;
}

void reads_merge(struct serial_reads *to, const struct serial_reads *from) {
    if (from->nkeys || atomic_load(&from->all)) atomic_store(&to->all, true);
    for (int i = 0; i < SERIAL_RANGES; i++) {
        uint64_t tree = atomic_load(&from->range[i].tree);
        if (tree) add_whole(to, tree);
    }
}
