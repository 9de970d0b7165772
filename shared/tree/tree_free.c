#include <string.h>

#include "msg/msg.h"
#include "tree/tree_internal.h"

#define PAGES_AHEAD 16

/* An empty tree whose root is a page that was taken. */
static status create_at(struct proc *p, struct tree_writer *w, struct tree t) {
    struct latch_set set = {0};
    struct frame *frame, *map_frame;
    struct rec_builder b;
    page_id map = space_page_of(t.root);
    status s;
    TRY(pool_find(p, t.root, &frame));
    TRY(pool_find(p, map, &map_frame));
    TRY(log_room(p));
    TRY_OUT(s, latch_set_add(p, &set, frame, t.root));
    TRY_OUT(s, latch_set_add(p, &set, map_frame, map));
    struct node_spec spec = {.page = t.root, .tree = t.id, .flags = NODE_RIGHTMOST};
    uint64_t word = t.root.no | REC_SPACE_USED;
    node_format(tree_scratch_node(), &spec);
    rec_begin(&b, REC_TREE_CREATE, t, 2);
    b.r->txid = w->x;
    b.r->txn_prev = w->last.at;
    size_t offset = rec_add_image(&b, tree_scratch_node());
    rec_set_page(&b, 0, t.root, REC_PAGE_INIT, offset);
    offset = rec_add(&b, &word, sizeof word);
    rec_set_page(&b, 1, map, 0, offset);
    rec_end(&b);
    struct frame *frames[] = {frame, map_frame};
    w->last = page_change(p, b.r, frames);
    if (w->shared_last) atomic_store_explicit(w->shared_last, w->last.at, memory_order_release);
    PROBE(axolotl_tree, create, t.id, t.root.no);
out:
    latch_set_free(&set, ok(s));
    return s;
}

static status create_once(struct proc *p, struct tree_writer *w, struct tree *t) {
    TRY(pool_reserve(p, 1));
    t->root = pool_take(p);
    if (t->root.no == 0) return STATUS(AGAIN);
    status s = create_at(p, w, *t);
    if (!ok(s)) pool_give_back(p, t->root);
    return s;
}

status tree_create(struct proc *p, struct tree_writer *w, uint32_t id, struct tree *ret_tree) {
    struct tree t = {.id = id};
    struct tree_tries tries = {0};
    status s;
    do s = create_once(p, w, &t);
    while (tree_again(p, &tries, s));
    if (ok(s)) *ret_tree = t;
    return s;
}

/* Asks for the pages that will be freed after this one. */
static void free_ahead(struct proc *p, const struct node_view *parent, unsigned index) {
    for (unsigned d = 1; d <= PAGES_AHEAD && d <= index; d++) {
        uint64_t no = node_child_at(parent, index - d);
        if (!no || pool_peek(p->shm, (page_id){no})) continue;
        struct msg m = {.op = MSG_PAGE_PREFETCH, .arg = {no}};
        p->env->post(p, SLOT_STORAGED, &m);
    }
}

/* The last page of a tree that has nothing below it, and its parent's number (0: it is the root).
 * Copies of both, on the heap of the caller. */
struct last_page {
    page_id page, parent;
    unsigned char *copies[2]; /* of the page, of the parent */
    bool ours;                /* the root is this tree's */
};

static status find_last(struct proc *p, struct tree t, lsn from, lsn before,
                        struct last_page *last) {
    struct node_view v;
    last->page = t.root;
    last->parent = PAGE_NONE;
    TRY(page_copy(p, t.root, last->copies[0]));
    const struct node_page *root = (const struct node_page *)last->copies[0];
    last->ours = root->head.type == PAGE_TYPE_TREE && root->head.tree == t.id &&
                 root->created >= from.at && root->created < before.at && root->created != 0;
    if (!last->ours) return OK;
    if (!node_view(root, &v)) return STATUS(INDEX_CORRUPTED);
    while (v.level) {
        uint64_t child = node_child_at(&v, v.count);
        if (v.count == 0 && v.first == 0) return OK;
        if (child == 0) return STATUS(INDEX_CORRUPTED);
        if (v.level == 1 && v.count % PAGES_AHEAD == 0) free_ahead(p, &v, v.count);
        unsigned char *parent = last->copies[0];
        last->copies[0] = last->copies[1];
        last->copies[1] = parent;
        last->parent = last->page;
        last->page = (page_id){child};
        unsigned level = v.level - 1u;
        TRY(page_copy(p, last->page, last->copies[0]));
        if (!node_view(last->copies[0], &v) || v.level != level) return STATUS(INDEX_CORRUPTED);
    }
    return OK;
}

/* Frees the page found; the parent, if any, forgets it. */
static status free_last(struct proc *p, struct tree t, const struct last_page *last) {
    struct latch_set set = {0};
    struct frame *frame, *parent = NULL, *map_frame;
    struct rec_builder b;
    struct node_view v;
    struct node_entry e;
    page_id map = space_page_of(last->page);
    unsigned char key[NODE_KEY_BYTES_MAX];
    bool has_parent = last->parent.no != 0, changed = false;
    status s;
    TRY(pool_find(p, last->page, &frame));
    if (has_parent) TRY(pool_find(p, last->parent, &parent));
    TRY(pool_find(p, map, &map_frame));
    TRY(log_room(p));
    if (has_parent) TRY_OUT(s, latch_set_add(p, &set, parent, last->parent));
    TRY_OUT(s, latch_set_add(p, &set, frame, last->page));
    TRY_OUT(s, latch_set_add(p, &set, map_frame, map));
    rec_begin(&b, has_parent ? REC_TREE_UNLINK : REC_TREE_FREE_ROOT, t, has_parent ? 3 : 2);
    rec_set_page(&b, 0, last->page, REC_PAGE_INIT, b.len);
    uint64_t word = last->page.no;
    size_t offset = rec_add(&b, &word, sizeof word);
    rec_set_page(&b, has_parent ? 2 : 1, map, 0, offset);
    if (has_parent) {
        s = STATUS(INDEX_CORRUPTED);
        if (!node_view(frame_bytes(p->shm, parent), &v)) goto out;
        if (v.count && !node_entry_at(&v, v.count - 1u, &e)) goto out;
        if (node_child_at(&v, v.count) != last->page.no) goto out;
        struct rec_unlink u = {.freed = last->page.no,
                               .key_len = (uint16_t)(v.count ? node_key(&v, &e, key) : 0)};
        offset = rec_add(&b, &u, sizeof u);
        rec_add(&b, key, u.key_len);
        rec_set_page(&b, 1, last->parent, 0, offset);
    }
    rec_end(&b);
    struct frame *under_parent[] = {frame, parent, map_frame}, *of_root[] = {frame, map_frame};
    page_change(p, b.r, has_parent ? under_parent : of_root);
    PROBE(axolotl_tree, free, t.id, last->page.no);
    changed = true;
    s = OK;
out:
    latch_set_free(&set, changed);
    return s;
}

/* END: there is no page of this tree any more. */
static status free_once(struct proc *p, struct tree t, lsn from, lsn before,
                        struct last_page *last) {
    TRY(find_last(p, t, from, before, last));
    return last->ours ? free_last(p, t, last) : STATUS(END);
}

status tree_free_created(struct proc *p, struct tree t, lsn from, lsn before) {
    struct arena a;
    arena_init(&a, 0);
    struct last_page last = {.copies = {arena_alloc(&a, PAGE_BYTES), arena_alloc(&a, PAGE_BYTES)}};
    status s = last.copies[0] && last.copies[1] ? OK : STATUS(OUT_OF_MEMORY);
    while (ok(s)) {
        struct tree_tries tries = {0};
        do s = free_once(p, t, from, before, &last);
        while (tree_again(p, &tries, s));
    }
    arena_free(&a);
    return status_is(s, ST_END) ? OK : s;
}

status tree_free(struct proc *p, struct tree t) {
    return tree_free_created(p, t, LSN_NONE, (lsn){UINT64_MAX});
}
