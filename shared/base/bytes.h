/* bytes.h: unaligned loads and stores in the two byte orders, and a growable byte buffer.
 *
 * Files and shared memory are little-endian (the machine's order, pinned by an assertion); keys and
 * the client protocol are big-endian. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "files are written in the machine's order");

#define BYTES_ACCESSORS(bits)                                                                      \
    static inline uint##bits##_t load_le##bits(const void *p) {                                    \
        uint##bits##_t v;                                                                          \
        memcpy(&v, p, sizeof v);                                                                   \
        return v;                                                                                  \
    }                                                                                              \
    static inline void store_le##bits(void *p, uint##bits##_t v) {                                 \
        memcpy(p, &v, sizeof v);                                                                   \
    }                                                                                              \
    static inline uint##bits##_t load_be##bits(const void *p) {                                    \
        return __builtin_bswap##bits(load_le##bits(p));                                            \
    }                                                                                              \
    static inline void store_be##bits(void *p, uint##bits##_t v) {                                 \
        store_le##bits(p, __builtin_bswap##bits(v));                                               \
    }
BYTES_ACCESSORS(16)
BYTES_ACCESSORS(32)
BYTES_ACCESSORS(64)
#undef BYTES_ACCESSORS

/* The value of a hexadecimal digit of either case; -1: it is none. */
static inline int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* As memcmp; of two that are equal as far as the shorter goes, that is the lesser. */
static inline int bytes_compare(const void *a, size_t a_len, const void *b, size_t b_len) {
    size_t shorter = a_len < b_len ? a_len : b_len;
    int order = shorter ? memcmp(a, b, shorter) : 0;
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

#define BUF_MAX (1u << 30) /* bytes: the largest value has room, and so has any message */

/* A growable buffer on the heap; all-zero is an empty one. */
struct buf {
    char *data;
    size_t len;
    size_t cap;
    bool borrowed; /* data is not ours: what outgrows it moves to the heap */
};

/* An empty buffer that begins in memory of the caller's, which lives as long. */
static inline void buf_borrow(struct buf *b, void *room, size_t bytes) {
    *b = (struct buf){.data = room, .cap = bytes, .borrowed = true};
}
/* buf_reserve where there is no room yet. */
status buf_grow(struct buf *b, size_t extra);
/* Makes room for `extra` more bytes; OUT_OF_MEMORY, or PROGRAM_LIMIT_EXCEEDED beyond BUF_MAX. */
static inline status buf_reserve(struct buf *b, size_t extra) {
    return extra <= b->cap - b->len ? OK : buf_grow(b, extra);
}
static inline status buf_add(struct buf *b, const void *bytes, size_t n) {
    TRY(buf_reserve(b, n));
    if (n) memcpy(b->data + b->len, bytes, n);
    b->len += n;
    return OK;
}
status buf_add_str(struct buf *b, const char *s);
[[gnu::format(printf, 2, 3)]] status buf_printf(struct buf *b, const char *format, ...);
void buf_free(struct buf *b);

#endif
