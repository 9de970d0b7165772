/* tree_internal.h: what the files of this folder share. */
#ifndef TREE_TREE_INTERNAL_H
#define TREE_TREE_INTERNAL_H

#include "base/probe.h"
#include "log/log.h"
#include "tree/tree.h"

#define CACHE_LINE_BYTES 64

/* A node as a descent found it, and its parent. The node's bytes are not validated yet. */
struct tree_place {
    struct frame *frame;
    uint64_t version;
    page_id page;
    struct frame *parent; /* NULL: the node is the root */
    uint64_t parent_version;
    page_id parent_page;
    unsigned index; /* among the parent's children */
};

/* Finds the node at `level` where the key belongs (below: where the greatest smaller key belongs;
 * key_len 0 then: the last node). A read of the node has begun (page_read_begin): end it with
 * page_read_valid or page_latch_from. Suspends for pages not in memory. NOT_FOUND: the tree is not
 * that high. INDEX_CORRUPTED. */
status tree_descend(struct proc *p, struct tree t, unsigned level, const void *key, size_t key_len,
                    bool below, struct tree_place *ret_place);
/* The same, and the read of the node is over (for callers that suspend before they latch it). */
status tree_locate(struct proc *p, struct tree t, unsigned level, const void *key, size_t key_len,
                   struct tree_place *ret_place);

/* Attempts at something that others may have changed meanwhile (AGAIN):
 *     do s = once(...); while (tree_again(p, &tries, s));
 * Between them a short wait, later the turn of others; and who has needed several pins what it
 * finds (pool_pins_begin), until it has its end. */
struct tree_tries {
    unsigned count;
    bool pins;
};
bool tree_again_slowly(struct proc *p, struct tree_tries *t, status s);
static inline bool tree_again(struct proc *p, struct tree_tries *t, status s) {
    if (__builtin_expect(!status_is(s, ST_AGAIN) && !t->pins, 1)) return false;
    return tree_again_slowly(p, t, s);
}

/* Latches held together, freed together. */
struct latch_set {
    struct frame *frames[REC_PAGES_MAX];
    unsigned count;
};
status latch_set_add(struct proc *p, struct latch_set *set, struct frame *f, page_id page);
status latch_set_add_from(struct proc *p, struct latch_set *set, struct frame *f, page_id page,
                          uint64_t version);
void latch_set_free(struct latch_set *set, bool changed);

/* Pages that a structure change puts into use, with their frames and space maps. */
struct new_pages {
    unsigned count;
    page_id page[2];
    struct frame *frame[2];
    unsigned maps; /* 1 when both pages are in the same map */
    page_id map[2];
    struct frame *map_frame[2];
};
/* Suspends. AGAIN: another coroutine of this process took what was reserved. */
status new_pages_take(struct proc *p, struct new_pages *n, unsigned count);
void new_pages_give_back(struct proc *p, struct new_pages *n);
status new_pages_latch(struct proc *p, const struct new_pages *n, struct latch_set *set);

/* A record being built in this thread's scratch; used up before anything yields. */
struct rec_builder {
    struct rec_head *r;
    size_t len;
    bool full; /* it would be too long */
};
void rec_begin(struct rec_builder *b, uint16_t type, struct tree t, unsigned npages);
/* Appends bytes; returns their offset. */
size_t rec_add(struct rec_builder *b, const void *bytes, size_t n);
/* Appends the image of a node. */
size_t rec_add_image(struct rec_builder *b, const void *node);
/* Page of a role: what it needs lies from `offset` to the present end of the record. */
void rec_set_page(struct rec_builder *b, unsigned role, page_id page, uint16_t flags,
                  size_t offset);
void rec_end(struct rec_builder *b);

/* The roles of the space maps of new pages, from `role` on. */
void new_pages_add_roles(struct rec_builder *b, const struct new_pages *n, unsigned role);

/* This thread's scratch for building a node; for as long as nothing yields. */
void *tree_scratch_node(void);

/* Where to split a node. */
struct split_plan {
    unsigned keep; /* entries that stay left; inner: the next one's key goes up */
    uint16_t sep_len;
    unsigned char sep[NODE_KEY_BYTES_MAX];
};
/* A leaf in which an entry of this size gets no room, put there or replaced. INDEX_CORRUPTED. */
status plan_leaf_split(const struct node_view *v, const void *key, size_t key_len, size_t value_len,
                       struct split_plan *plan);
/* A leaf, right before the key's place. room: the entry would have it there. END: not worth it. */
status plan_split_before(const struct node_view *v, const void *key, size_t key_len, bool room,
                         struct split_plan *plan);
status plan_inner_split(const struct node_view *v, const void *key, size_t key_len,
                        struct split_plan *plan);

/* Splits until the node at `level` where the key belongs has room for an entry of this size (or
 * has come closer to it: call again). Suspends. */
status tree_make_room(struct proc *p, struct tree t, unsigned level, const void *key,
                      size_t key_len, size_t value_len);

/* Splits the leaf where a new entry of this size belongs right before its place; the new leaf may
 * be empty. END: what would stay in the old one is little. Suspends. */
status tree_split_before(struct proc *p, struct tree t, const void *key, size_t key_len,
                         size_t value_len);

/* Undo of a TREE_FILL record, entry by entry. */
status tree_undo_fill(struct proc *p, struct tree_writer *w, const struct rec_head *r, lsn at);
/* Takes one entry off again that the record at `at` has put there. */
status tree_undo_put(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                     size_t key_len, lsn at);

/* A node with fewer bytes of entries than this looks for a neighbour to join. */
#define NODE_SPARSE_BYTES (NODE_CAPACITY / 6)
static inline size_t node_entry_bytes(const struct node_view *v) {
    return NODE_CAPACITY - v->low_len - v->high_len - node_free_bytes(v);
}
/* Joins the sparse leaf where the key belongs with a neighbour, and nodes above it that became
 * sparse; takes levels off a tree whose root has one child. What does not work out at once is left
 * for another time: OK. Suspends. */
status tree_merge_at(struct proc *p, struct tree t, const void *key, size_t key_len);

#endif
