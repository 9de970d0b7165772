/* key_set.h: the keys of rows, sorted and without duplicates: what a bitmap is here. Beyond
 * work_mem they go on in temporary space. */
#ifndef EXEC_KEY_SET_H
#define EXEC_KEY_SET_H

#include "exec/key_runs.h"

struct key_set {
    struct execution *x;
    struct arena arena; /* of keys in memory */
    struct key_item *items;
    size_t n, cap, at;
    struct key_runs runs;      /* of what memory has held before */
    const unsigned char *last; /* the key given before */
    uint32_t last_len;
    struct buf last_bytes; /* … when it was of a run */
};

status key_set_new(struct execution *x, struct key_set **ret);
/* Copies the key, which is not empty. */
status key_set_add(struct key_set *s, const void *key, uint32_t len);
/* No more come; they are read from the first. */
status key_set_finish(struct key_set *s);
/* The next greater key, until the following call; *ret NULL: that was the last. */
status key_set_next(struct key_set *s, const unsigned char **ret, uint32_t *ret_len);
void key_set_clear(struct key_set *s);
void key_set_free(struct key_set *s);

#endif
