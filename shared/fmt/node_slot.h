/* node_slot.h: a node's slots, for those who look into nodes (node.c) and change them
 * (node_change.c). */
#ifndef FMT_NODE_SLOT_H
#define FMT_NODE_SLOT_H

#include "base/bytes.h"
#include "fmt/node.h"

/* The first four bytes of what tells keys apart, as a number of the same order. */
static inline uint32_t key_head(const unsigned char *key, size_t len) {
    if (len >= 4) return load_be32(key);
    uint32_t head = 0;
    for (size_t i = 0; i < len; i++) head |= (uint32_t)key[i] << (24 - 8 * i);
    return head;
}

/* The slot as one word, read once. */
struct slot_copy {
    uint16_t at, key_len;
    uint32_t head;
};
static inline struct slot_copy slot_read(const struct node_view *v, unsigned i) {
    const struct node_page *n = (const struct node_page *)v->page;
    uint64_t w = __atomic_load_n((const uint64_t *)(const void *)&n->slots[i], __ATOMIC_RELAXED);
    return (struct slot_copy){
        .at = (uint16_t)w, .key_len = (uint16_t)(w >> 16), .head = (uint32_t)(w >> 32)};
}

static inline bool slot_fits(const struct node_view *v, const struct slot_copy *s) {
    size_t end = PAGE_CONTENT_END - v->low_len - v->high_len;
    return s->at >= v->heap && (size_t)s->at + v->entry_head + s->key_len <= end &&
           s->key_len + v->prefix <= NODE_KEY_BYTES_MAX;
}

/* The bytes of its key behind the node's prefix, key_len of them, of a slot that fits. */
static inline const unsigned char *slot_key(const struct node_view *v, const struct slot_copy *s) {
    return v->page + s->at + v->entry_head;
}

#endif
