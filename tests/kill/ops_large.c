/* ops_large.c: large values: a row and the pieces that it refers to, in one transaction. */
#include <string.h>

#include "base/check.h"
#include "world.h"

#define ROW 2
#define FIRST_PIECE 20 /* rows that stand for pieces: two to a page, behind the others */
#define PIECES 3
#define SEED 70

static void build_rows(struct world *w) {
    w->value_bytes = 3968;
    for (unsigned row = 0; row < 4; row += 2) world_row(w, row, row + 1);
}

static void build_insert(struct world *w) {
    build_rows(w);
    world_write_home(w);
    for (unsigned i = 0; i < PIECES; i++) w->after.seed[FIRST_PIECE + i] = SEED + i;
    w->after.seed[ROW] = SEED;
}

static void build_delete(struct world *w) {
    build_rows(w);
    for (unsigned i = 0; i < PIECES; i++) world_row(w, FIRST_PIECE + i, SEED + i);
    world_write_home(w);
    for (unsigned i = 0; i < PIECES; i++) w->after.seed[FIRST_PIECE + i] = 0;
    w->after.seed[ROW] = 0;
}

static void build_update(struct world *w) {
    build_delete(w);
    for (unsigned i = 0; i < PIECES; i++) w->after.seed[FIRST_PIECE + PIECES + i] = SEED + i;
    w->after.seed[ROW] = SEED;
}

static status begin(struct world *w, struct actor *a) {
    (void)w;
    return actor_begin(a);
}

static status put_pieces(struct world *w, struct actor *a, unsigned first) {
    for (unsigned i = 0; i < PIECES; i++) TRY(row_put(w, a, first + i, SEED + i));
    return OK;
}

static status delete_pieces(struct world *w, struct actor *a) {
    for (unsigned i = 0; i < PIECES; i++) TRY(row_delete(w, a, FIRST_PIECE + i));
    return OK;
}

/* The row, which refers to the pieces. */
static status put_referring(struct world *w, struct actor *a) {
    char key[ROW_KEY_BYTES], bytes[TREE_ENTRY_BYTES_MAX], buf[TREE_ENTRY_BYTES_MAX];
    size_t key_len = row_key(w, ROW, key);
    struct tree_value value = {bytes, row_value(w, ROW, SEED, bytes), true};
    struct tree_entry e;
    status s = tree_get(&a->proc, w->tree, key, key_len, buf, &e);
    if (ok(s) && !(e.flags & ENTRY_DELETED))
        return tree_update_value(&a->proc, &a->txn.writer, w->tree, key, key_len, e.lsn, &value,
                                 txn_is_running, NULL);
    return tree_insert_value(&a->proc, &a->txn.writer, w->tree, key, key_len, &value,
                             txn_is_running, NULL);
}

static status insert(struct world *w, struct actor *a) {
    TRY(put_pieces(w, a, FIRST_PIECE));
    return put_referring(w, a);
}

static status update(struct world *w, struct actor *a) {
    TRY(put_pieces(w, a, FIRST_PIECE + PIECES));
    TRY(put_referring(w, a));
    return delete_pieces(w, a);
}

static status delete_row(struct world *w, struct actor *a) {
    TRY(row_delete(w, a, ROW));
    return delete_pieces(w, a);
}

static status insert_first(struct world *w, struct actor *a) {
    TRY(begin(w, a));
    return insert(w, a);
}

static status roll_back(struct world *w, struct actor *a) {
    (void)w;
    return txn_rollback(&a->proc, &a->txn);
}

const struct kill_op ops_large[] = {
    {"large value insert", build_insert, begin, insert, NULL, .record = REC_ENTRY_INSERT,
     .slow = true},
    {"large value update", build_update, begin, update, NULL, .record = REC_ENTRY_DELETE,
     .slow = true},
    {"large value delete", build_delete, begin, delete_row, NULL, .record = REC_ENTRY_DELETE},
    {"large value rollback", build_insert, insert_first, roll_back, NULL,
     .record = REC_ENTRY_REMOVE, .ends_undone = true, .slow = true},
};
const unsigned ops_large_count = sizeof ops_large / sizeof *ops_large;
