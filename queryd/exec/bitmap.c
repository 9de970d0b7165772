/* BitmapAnd, BitmapOr: their one batch is empty; what they find goes into the set of whoever asks.
 */
#include "exec/bitmap.h"

struct bitmap {
    struct operator op;
    struct key_set *to;
    struct key_set *left, *right; /* AND: of the two sides */
};

status bitmap_gather(struct operator* op, struct key_set *to) {
    const struct batch *b;
    bool combines = op->plan->kind != PLAN_SCAN;
    if (combines) ((struct bitmap *)op)->to = to;
    for (;;) {
        TRY(operator_next(op, &b));
        if (b->nrows == 0) return OK;
        for (uint16_t i = 0; i < b->nrows; i++) {
            const struct varlena *key = b->columns[0].values[batch_row(b, i)].v;
            TRY(key_set_add(to, key->data, key->len));
        }
    }
}

static status bitmap_open(struct operator*) {
    return OK;
}

static status or_next(struct operator* op) {
    struct key_set *to = ((struct bitmap *)op)->to;
    TRY(bitmap_gather(op->left, to));
    return bitmap_gather(op->right, to);
}

static status side(struct operator* op, struct key_set *keys) {
    key_set_clear(keys);
    TRY(bitmap_gather(op, keys));
    return key_set_finish(keys);
}

/* Both sides are sorted. */
static status intersect(struct bitmap *b) {
    const unsigned char *left, *right;
    uint32_t left_len, right_len;
    TRY(key_set_next(b->left, &left, &left_len));
    TRY(key_set_next(b->right, &right, &right_len));
    for (uint32_t n = 0; left && right; n++) {
        if (n % BATCH_ROWS == 0) TRY(sql_env_breathe(b->op.x->env));
        int c = key_compare(left, left_len, right, right_len);
        if (c == 0) TRY(key_set_add(b->to, left, left_len));
        if (c <= 0) TRY(key_set_next(b->left, &left, &left_len));
        if (c >= 0) TRY(key_set_next(b->right, &right, &right_len));
    }
    return OK;
}

static status and_open(struct operator* op) {
    struct bitmap *b = (struct bitmap *)op;
    TRY(key_set_new(op->x, &b->left));
    return key_set_new(op->x, &b->right);
}

static status and_next(struct operator* op) {
    struct bitmap *b = (struct bitmap *)op;
    TRY(side(op->left, b->left));
    TRY(side(op->right, b->right));
    TRY(intersect(b));
    key_set_clear(b->left);
    key_set_clear(b->right);
    return OK;
}

static status bitmap_restart(struct operator* op) {
    TRY(operator_restart(op->left));
    return operator_restart(op->right);
}

static void and_close(struct operator* op) {
    struct bitmap *b = (struct bitmap *)op;
    if (b->left) key_set_free(b->left);
    if (b->right) key_set_free(b->right);
}

const struct operator_class operator_bitmap_or = {sizeof(struct bitmap), bitmap_open, or_next,
                                                  bitmap_restart, NULL};
const struct operator_class operator_bitmap_and = {sizeof(struct bitmap), and_open, and_next,
                                                   bitmap_restart, and_close};
