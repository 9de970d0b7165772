/* ops_tree.c: changes of pages: entries, splits, joins, whole trees. */
#include <string.h>

#include "base/check.h"
#include "fmt/node.h"
#include "world.h"

/* ---- one page ------------------------------------------------------------------------------- */

static void build_leaf(struct world *w) {
    for (unsigned row = 0; row < 8; row += 2) world_row(w, row, row + 1);
    world_row(w, 4, 0);
    world_write_home(w);
    world_row(w, 8, 9);
}

static status begin(struct world *w, struct actor *a) {
    (void)w;
    return actor_begin(a);
}

static void build_insert(struct world *w) {
    build_leaf(w);
    w->after.seed[3] = 50;
}
static status insert(struct world *w, struct actor *a) {
    return row_put(w, a, 3, 50);
}
static void build_insert_at_end(struct world *w) {
    build_insert(w);
    world_log_to_end(w, 40);
}

static void build_over_mark(struct world *w) {
    build_leaf(w);
    w->after.seed[4] = 51;
}
static status insert_over_mark(struct world *w, struct actor *a) {
    return row_put(w, a, 4, 51);
}

static void build_update(struct world *w) {
    build_leaf(w);
    w->after.seed[2] = 54;
}
static status update(struct world *w, struct actor *a) {
    return row_put(w, a, 2, 54);
}

static void build_delete(struct world *w) {
    build_leaf(w);
    w->after.seed[2] = 0;
}
static status delete_row(struct world *w, struct actor *a) {
    return row_delete(w, a, 2);
}

/* ---- splits --------------------------------------------------------------------------------- */

/* The leaf where the row belongs. */
static struct frame *leaf_of(struct world *w, unsigned row, struct node_view *v) {
    char key[ROW_KEY_BYTES];
    size_t key_len = row_key(w, row, key);
    for (uint32_t i = 0; i < w->live.sizes.frames; i++) {
        struct frame *f = &w->live.frames[i];
        const struct page_head *h = frame_bytes(&w->live, f);
        if (atomic_load(&f->state) == FRAME_READY && h->type == PAGE_TYPE_TREE &&
            h->tree == w->tree.id && h->level == 0 && node_view(h, v) &&
            node_covers(v, key, key_len))
            return f;
    }
    CHECK(false);
}

static bool leaf_full(struct world *w, unsigned row, uint32_t seed) {
    char key[ROW_KEY_BYTES], value[TREE_ENTRY_BYTES_MAX];
    struct node_view v;
    leaf_of(w, row, &v);
    return node_free_bytes(&v) <
           node_leaf_bytes(&v, row_key(w, row, key), row_value(w, row, seed, value));
}

static unsigned root_level(struct world *w) {
    return page_head_c(frame_bytes(&w->live, pool_peek(&w->live, w->tree.root)))->level;
}

#define SPLIT_ROW 1
#define SPLIT_SEED 60

/* Until row 1 finds no room in its leaf. */
static void fill_leaf(struct world *w) {
    for (unsigned row = 2; !leaf_full(w, SPLIT_ROW, SPLIT_SEED); row++)
        if (!w->before.seed[row]) world_row(w, row, row + 1);
    w->after.seed[SPLIT_ROW] = SPLIT_SEED;
}
static status insert_into_full(struct world *w, struct actor *a) {
    return row_put(w, a, SPLIT_ROW, SPLIT_SEED);
}

static void build_root_split(struct world *w) {
    world_row(w, 0, 1);
    world_write_home(w);
    fill_leaf(w);
    CHECK(root_level(w) == 0);
}

static void build_split(struct world *w) {
    for (unsigned row = 0; row < 60; row += 3) world_row(w, row, row + 1);
    world_write_home(w);
    fill_leaf(w);
    CHECK(root_level(w) == 1);
}

/* Rows that come in order: only the new one goes to the new leaf. */
static void build_split_at_end(struct world *w) {
    unsigned row = 0;
    for (; root_level(w) == 0; row++) world_row(w, row, row + 1);
    world_write_home(w);
    for (; !leaf_full(w, row, row + 1); row++) world_row(w, row, row + 1);
    w->actor.index = row;
    w->after.seed[row] = row + 1;
}
static status insert_at_end(struct world *w, struct actor *a) {
    return row_put(w, a, w->actor.index, w->actor.index + 1);
}

/* Rows behind all others, by whole leaves. */
#define FILLED_ROWS 40
static void build_fill(struct world *w) {
    unsigned row = 0;
    for (; root_level(w) == 0; row++) world_row(w, row, row + 1);
    world_write_home(w);
    w->actor.index = row;
    CHECK(row + FILLED_ROWS <= ROWS_MAX);
    for (unsigned i = 0; i < FILLED_ROWS; i++) w->after.seed[row + i] = row + i + 1;
}
static status fill(struct world *w, struct actor *a) {
    char key[ROW_KEY_BYTES], bytes[TREE_ENTRY_BYTES_MAX];
    struct tree_fill f;
    struct arena arena;
    arena_init(&arena, 0);
    status s = tree_fill_init(&f, &arena, w->tree, &a->txn.writer, txn_is_running, 100);
    for (unsigned row = w->actor.index; ok(s) && row < w->actor.index + FILLED_ROWS; row++) {
        struct tree_value v = {bytes, row_value(w, row, row + 1, bytes), false};
        s = tree_fill_add(&f, key, row_key(w, row, key), &v);
    }
    while (ok(s)) {
        struct tree_entry first;
        s = tree_fill_put(&a->proc, &f, true, NULL);
        if (!status_is(s, ST_EXISTS)) break;
        CHECK(tree_fill_first(&f, &first)); /* it is done again */
        unsigned row = row_of(w, &first);
        s = row_put(w, a, row, row + 1);
        tree_fill_skip(&f);
    }
    arena_free(&arena);
    return s;
}

/* Values so great that a leaf holds two of them. */
static void build_split_great(struct world *w) {
    w->value_bytes = 3000;
    world_row(w, 2, 3);
    world_row(w, 6, 7);
    world_row(w, 8, 9);
    world_write_home(w);
    fill_leaf(w);
}

/* Long keys, so that an inner node has few children. */
static void build_inner_root_split(struct world *w) {
    struct node_view v;
    w->key_pad = 1000;
    w->value_bytes = 100;
    for (unsigned row = 90; row > 1; row--) {
        world_row(w, row, row + 1);
        bool inner = root_level(w) == 1;
        struct frame *root = pool_peek(&w->live, w->tree.root);
        CHECK(root_level(w) < 2 && node_view(frame_bytes(&w->live, root), &v));
        if (inner && node_free_bytes(&v) < node_inner_bytes(&v, w->key_pad + 7) &&
            leaf_full(w, SPLIT_ROW, SPLIT_SEED))
            break;
        if (row == 45) world_write_home(w);
    }
    w->after.seed[SPLIT_ROW] = SPLIT_SEED;
}

/* ---- joins ---------------------------------------------------------------------------------- */

/* Rows with delete marks that nobody sees any more; all but the last of a leaf have gone. */
static void purge(struct world *w, struct actor *a, unsigned row) {
    char key[ROW_KEY_BYTES];
    MUST_OK(w, tree_purge(&a->proc, w->tree, key, row_key(w, row, key), a->lsns[row]));
}

static void purge_live(struct world *w, unsigned row) {
    struct actor a = {.index = 0};
    world_proc(w, false, OTHER_WORKER, 1, &a.proc);
    memcpy(a.lsns, w->actor.lsns, sizeof a.lsns);
    purge(w, &a, row);
}

/* Rows of the leaf go, but for `keep`, the last of them not from its page yet if it is the
 * operation's. */
static void thin_out(struct world *w, unsigned row_there, unsigned keep, bool for_operation) {
    struct node_view v;
    struct frame *leaf = leaf_of(w, row_there, &v);
    unsigned gone[ROWS_MAX], n = 0;
    for (unsigned row = 0; row < ROWS_MAX; row++) {
        if (!w->before.seed[row] || leaf_of(w, row, &v) != leaf) continue;
        if (keep > 0)
            keep--;
        else
            gone[n++] = row;
    }
    for (unsigned i = 0; i < n; i++) world_row(w, gone[i], 0);
    for (unsigned i = 0; i + for_operation < n; i++) purge_live(w, gone[i]);
    CHECK(n > 0);
    if (for_operation) w->actor.index = gone[n - 1];
}

/* A row of the leaf with that number, from the left. */
static unsigned row_in_leaf(struct world *w, unsigned number) {
    struct node_view v;
    struct frame *at = NULL;
    unsigned seen = 0;
    for (unsigned row = 0; row < ROWS_MAX; row++) {
        if (!w->before.seed[row] || leaf_of(w, row, &v) == at) continue;
        at = leaf_of(w, row, &v);
        if (seen++ == number) return row;
    }
    CHECK(false);
}

static void build_four_leaves(struct world *w) {
    for (unsigned row = 0; row < 32; row++) world_row(w, row, row + 1);
    world_write_home(w);
    CHECK(root_level(w) == 1 && row_in_leaf(w, 3));
}

/* What is left of leaf `sparse` fits into `heir`, and nowhere else. */
static void build_join(struct world *w, unsigned sparse, unsigned heir) {
    build_four_leaves(w);
    unsigned in_heir = row_in_leaf(w, heir), in_sparse = row_in_leaf(w, sparse);
    thin_out(w, in_heir, 4, false);
    thin_out(w, in_sparse, 1, true);
}
static void build_join_left(struct world *w) {
    build_join(w, 2, 1);
}
static void build_join_right(struct world *w) {
    build_join(w, 0, 1);
}
static void build_join_last(struct world *w) {
    build_join(w, 3, 2);
}

/* Nothing is left of it: it goes whatever room its neighbours have. */
static void build_join_empty(struct world *w) {
    build_four_leaves(w);
    thin_out(w, row_in_leaf(w, 1), 0, true);
}

/* Two leaves become the root. */
static void build_shrink(struct world *w) {
    for (unsigned row = 0; row < 13; row++) world_row(w, row, row + 1);
    world_write_home(w);
    CHECK(root_level(w) == 1);
    unsigned in_second = row_in_leaf(w, 1);
    thin_out(w, 0, 4, false);
    thin_out(w, in_second, 1, true);
}

/* The last inner node above the leaves: its separators. */
static unsigned last_inner_count(struct world *w) {
    struct frame *root = pool_peek(&w->live, w->tree.root);
    struct node_view v, child;
    CHECK(node_view(frame_bytes(&w->live, root), &v));
    struct frame *f = pool_peek(&w->live, (page_id){node_child_at(&v, v.count)});
    CHECK(f && node_view(frame_bytes(&w->live, f), &child));
    return child.count;
}

/* Leaves go from the end until the last inner node is about to: then the leaf, that node and the
 * root go at once. */
static void build_inner_join(struct world *w) {
    struct node_view v;
    unsigned last = 90;
    w->key_pad = 1000;
    w->value_bytes = 100;
    for (unsigned row = last; root_level(w) < 2; row--) {
        world_row(w, row, row + 1);
        if (row == 45) world_write_home(w);
    }
    for (; last_inner_count(w) > 1; last--) {
        world_row(w, last, 0);
        purge_live(w, last);
    }
    w->actor.index = last;
    struct frame *leaf = leaf_of(w, last, &v);
    for (; leaf_of(w, last, &v) == leaf; last--) world_row(w, last, 0);
}
static status purge_leaf(struct world *w, struct actor *a) {
    for (unsigned row = w->actor.index; !w->before.seed[row]; row--) purge(w, a, row);
    return OK;
}

static status purge_last(struct world *w, struct actor *a) {
    purge(w, a, w->actor.index);
    return OK;
}

/* ---- whole trees ---------------------------------------------------------------------------- */

static status create(struct world *w, struct actor *a) {
    (void)w;
    return tree_create(&a->proc, &a->txn.writer, 9, &a->made);
}

static status create_first(struct world *w, struct actor *a) {
    TRY(begin(w, a));
    return create(w, a);
}

static status rollback_create(struct world *w, struct actor *a) {
    (void)w;
    a->made.id = 0;
    return txn_rollback(&a->proc, &a->txn);
}

/* The second tree has three leaves, made by swapping the names of the two for a while. */
static void build_free(struct world *w) {
    struct model rows = w->before;
    struct tree first = w->tree;
    struct actor a = {.index = 0};
    world_proc(w, false, OTHER_WORKER, 1, &a.proc);
    CHECK(ok(actor_begin(&a)));
    CHECK(ok(tree_create(&a.proc, &a.txn.writer, 9, &w->second)));
    CHECK(ok(txn_commit(&a.proc, &a.txn, true)));
    w->tree = w->second;
    for (unsigned row = 0; row < 24; row++) world_row(w, row, row + 1);
    world_write_home(w);
    w->tree = first;
    w->before = w->after = rows;
    world_row(w, 5, 6);
}

static status free_second(struct world *w, struct actor *a) {
    return tree_free(&a->proc, w->second);
}

const struct kill_op ops_tree[] = {
    {"entry insert", build_insert, begin, insert, NULL, .record = REC_ENTRY_INSERT},
    {"entry insert across the ring's end", build_insert_at_end, begin, insert, NULL,
     .record = REC_ENTRY_INSERT},
    {"entry insert over a delete mark", build_over_mark, begin, insert_over_mark, NULL,
     .record = REC_ENTRY_UPDATE},
    {"entry update", build_update, begin, update, NULL, .record = REC_ENTRY_UPDATE},
    {"entry delete", build_delete, begin, delete_row, NULL, .record = REC_ENTRY_DELETE},
    {"split", build_split, begin, insert_into_full, NULL, .record = REC_TREE_SPLIT},
    {"root split", build_root_split, begin, insert_into_full, NULL, .record = REC_TREE_GROW},
    {"split at the end", build_split_at_end, begin, insert_at_end, NULL, .record = REC_TREE_SPLIT},
    {"leaves filled", build_fill, begin, fill, NULL, .record = REC_TREE_FILL},
    {"split of great rows", build_split_great, begin, insert_into_full, NULL,
     .record = REC_TREE_SPLIT},
    {"inner root split", build_inner_root_split, begin, insert_into_full, NULL,
     .record = REC_TREE_GROW, .slow = true},
    {"purge and join, left", build_join_left, NULL, purge_last, NULL, .record = REC_TREE_UNLINK},
    {"purge and join, right", build_join_right, NULL, purge_last, NULL, .record = REC_TREE_UNLINK},
    {"purge and join, the last leaf", build_join_last, NULL, purge_last, NULL,
     .record = REC_TREE_UNLINK},
    {"purge and join, empty", build_join_empty, NULL, purge_last, NULL, .record = REC_TREE_UNLINK},
    {"purge and join, the root shrinks", build_shrink, NULL, purge_last, NULL,
     .record = REC_TREE_SHRINK},
    {"purge and join, inner nodes", build_inner_join, NULL, purge_leaf, NULL,
     .record = REC_TREE_SHRINK, .slow = true},
    {"tree create", build_leaf, begin, create, NULL, .record = REC_TREE_CREATE},
    {"tree create undone", build_leaf, create_first, rollback_create, NULL,
     .record = REC_TREE_FREE_ROOT, .ends_undone = true, .frees = true},
    {"tree free", build_free, NULL, free_second, NULL, .record = REC_TREE_FREE_ROOT, .frees = true},
};
const unsigned ops_tree_count = sizeof ops_tree / sizeof *ops_tree;
