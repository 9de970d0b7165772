/* key_sort.h: byte strings in the order of memcmp, with some of their bytes beside the pointer.
 *
 * A window is seven bytes of a key, big-endian, and behind them how many of the key's bytes are in
 * it; 8: the key goes on. Windows of the same place in two keys compare as these parts of the keys
 * do, and are equal only where both keys end there alike, or both go on. */
#ifndef EXEC_KEY_SORT_H
#define EXEC_KEY_SORT_H

#include "base/bytes.h"
#include "catalog/sql_env.h"

#define WINDOW_BYTES 7u
#define WINDOW_GOES_ON 8u

struct key_item {
    uint64_t window; /* at the beginning, but while it is sorted */
    const unsigned char *bytes;
    uint32_t len;
};

/* From byte `at` on, which is not beyond the key's end. */
static inline uint64_t key_window(const unsigned char *key, uint32_t len, uint32_t at) {
    uint32_t left = len - at;
    if (left > WINDOW_BYTES) return (load_be64(key + at) & ~(uint64_t)0xff) | WINDOW_GOES_ON;
    uint64_t window = 0;
    memcpy(&window, key + at, left);
    return __builtin_bswap64(window) | left;
}

/* Of items whose windows are at byte `at`. */
static inline int key_item_compare(const struct key_item *a, const struct key_item *b,
                                   uint32_t at) {
    if (a->window != b->window) return a->window < b->window ? -1 : 1;
    if ((a->window & 0xff) < WINDOW_GOES_ON) return 0;
    at += WINDOW_BYTES;
    return bytes_compare(a->bytes + at, a->len - at, b->bytes + at, b->len - at);
}

/* Who goes through items in order, and is at i, asks for bytes that come soon: they lie anywhere.
 */
#define KEYS_AHEAD 16
static inline void key_ask_ahead(const struct key_item *items, size_t n, size_t i) {
    if (i + KEYS_AHEAD < n) __builtin_prefetch(items[i + KEYS_AHEAD].bytes);
}

/* Items whose windows are at the beginning, and are no more afterwards. Gives way to others. */
status key_sort(struct sql_env *env, struct key_item *items, size_t n);

#endif
