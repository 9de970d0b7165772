/* key_set.h: the keys of rows, sorted and without duplicates: what a bitmap is here. Beyond
 * work_mem they go on in temporary space. */
#ifndef EXEC_KEY_SET_H
#define EXEC_KEY_SET_H

#include "exec/sorter.h"

struct key_item {
    uint64_t head; /* the first bytes, as they are compared */
    const unsigned char *bytes;
    uint32_t len;
};

struct key_set {
    struct execution *x;
    struct arena arena; /* of keys in memory */
    struct key_item *items;
    size_t n, cap, at;
    struct sorter *sorter; /* made when memory is full; then all keys go there */
    bool spilled;
    struct vec column; /* one batch that the sorter gave */
    struct arena batch_arena;
    uint16_t batch_n, batch_at;
    const unsigned char *last; /* the key given before */
    uint32_t last_len;
    struct buf last_bytes; /* … when it was the sorter's */
};

status key_set_new(struct execution *x, struct key_set **ret);
/* Copies the key. */
status key_set_add(struct key_set *s, const void *key, uint32_t len);
/* No more come; they are read from the first. */
status key_set_finish(struct key_set *s);
/* The next greater key, until the following call; *ret NULL: that was the last. */
status key_set_next(struct key_set *s, const unsigned char **ret, uint32_t *ret_len);
void key_set_clear(struct key_set *s);
void key_set_free(struct key_set *s);

#endif
