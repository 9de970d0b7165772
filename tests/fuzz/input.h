/* input.h: what a fuzzer's bytes are taken apart with. All of it is total: where the bytes end,
 * zeros follow. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fmt/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A finding: also where assertions are compiled out. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) abort();                                                                 \
    } while (0)

struct input {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t input8(struct input *in) {
    if (!in->left) return 0;
    in->left--;
    return *in->at++;
}

static inline uint16_t input16(struct input *in) {
    uint16_t low = input8(in);
    return (uint16_t)(low | input8(in) << 8);
}

/* At most n bytes, in memory of just their number, so that a look behind it is seen; to be freed.
 */
static inline void *input_take(struct input *in, size_t n, size_t *ret_len) {
    if (n > in->left) n = in->left;
    void *copy = malloc(n ? n : 1);
    MUST(copy);
    memcpy(copy, in->at, n);
    in->at += n;
    in->left -= n;
    *ret_len = n;
    return copy;
}

/* The rest as a page: its first half at the page's beginning, the other at its end, zeros between,
 * so that a small input is a page with a few entries. To be freed. */
static inline unsigned char *input_page(struct input *in) {
    unsigned char *page = calloc(1, PAGE_BYTES);
    size_t n = in->left < PAGE_BYTES ? in->left : PAGE_BYTES, head = (n + 1) / 2;
    MUST(page);
    memcpy(page, in->at, head);
    memcpy(page + PAGE_BYTES - (n - head), in->at + head, n - head);
    in->left = 0;
    return page;
}

#endif
