#include <string.h>

#include "msg/msg.h"
#include "tree/tree_internal.h"

/* A scan asks for this many leaves ahead once it has run for a while: twice as many as it has
 * seen, so that short scans do not load what they never reach. It asks for half of them at a time,
 * which storaged reads in one request where they are neighbours. */
#define LEAVES_AHEAD 32
/* So far beyond the present leaf, what is in memory comes into the processor's cache. */
#define CACHED_AHEAD 16

static unsigned leaves_ahead(unsigned leaves, unsigned most) {
    return leaves < most / 2 ? 2 * leaves : most;
}

status tree_cursor_init(struct tree_cursor *c, struct arena *a, struct tree t) {
    unsigned char *bytes = arena_alloc(a, PAGE_BYTES + 2 * TREE_KEY_BYTES_MAX);
    if (!bytes) return STATUS(OUT_OF_MEMORY);
    *c = (struct tree_cursor){.tree = t,
                              .at_end = true,
                              .page_copy = bytes,
                              .fence = bytes + PAGE_BYTES,
                              .key = bytes + PAGE_BYTES + TREE_KEY_BYTES_MAX};
    return OK;
}

/* What is in use of a leaf whose read has begun. */
static bool copy_leaf(unsigned char *to, const unsigned char *page) {
    struct node_view v;
    if (!node_view(page, &v)) return false;
    memcpy(to, page, sizeof(struct node_page) + v.count * sizeof(struct node_slot));
    memcpy(to + v.heap, page + v.heap, (size_t)PAGE_CONTENT_END - v.heap);
    return true;
}

/* The child so many places further on; 0: it is under another parent. */
static uint64_t child_ahead(const struct node_view *v, const struct tree_place *place,
                            bool backward, unsigned d) {
    if (backward ? d > place->index : place->index + d > v->count) return 0;
    return node_child_at(v, backward ? place->index - d : place->index + d);
}

/* The next leaves to ask for: their number. */
static unsigned choose_ahead(const struct node_view *v, const struct tree_place *place,
                             struct tree_cursor *c, uint64_t *ret_ahead) {
    unsigned most = leaves_ahead(c->leaves, LEAVES_AHEAD), n = 0;
    bool first = place->index == (c->backward ? v->count : 0u);
    if (c->ahead > 0) c->ahead = first ? 0 : c->ahead - 1u;
    if (c->ahead > most / 2) return 0;
    while (c->ahead < most && (ret_ahead[n] = child_ahead(v, place, c->backward, c->ahead + 1u))) {
        c->ahead++;
        n++;
    }
    return n;
}

/* Asks storaged for the leaves beyond the present one, as its parent names them, so that a scan of
 * what is not in memory has many reads under way. Only a hint. */
static void read_ahead(struct proc *p, const struct tree_place *place, struct tree_cursor *c) {
    uint64_t ahead[LEAVES_AHEAD], version, soon = 0, later = 0;
    unsigned n = 0;
    struct node_view v;
    if (c->leaves < LEAVES_AHEAD) c->leaves++;
    if (!place->parent || !page_read_begin(p, place->parent, place->parent_page, &version)) return;
    if (node_view(frame_bytes(p->shm, place->parent), &v) && v.level == 1) {
        unsigned cached = leaves_ahead(c->leaves, CACHED_AHEAD);
        n = choose_ahead(&v, place, c, ahead);
        soon = child_ahead(&v, place, c->backward, cached + 1);
        later = child_ahead(&v, place, c->backward, cached + 2);
    }
    if (!page_read_valid(p, place->parent, version)) return;
    for (unsigned i = 0; i < n; i++) {
        if (!ahead[i] || pool_peek(p->shm, (page_id){ahead[i]})) continue;
        struct msg m = {.op = MSG_PAGE_PREFETCH, .arg = {ahead[i]}};
        p->env->post(p, SLOT_STORAGED, &m);
    }
    pool_prefetch(p->shm, (page_id){soon}, (page_id){later});
}

/* Copies the leaf where the key belongs (below: where the greatest smaller key belongs) and
 * notes where the next one begins. */
static status load_once(struct proc *p, struct tree_cursor *c, const void *key, size_t key_len,
                        bool below, struct tree_place *ret_place) {
    TRY(tree_descend(p, c->tree, 0, key, key_len, below, ret_place));
    bool good = copy_leaf(c->page_copy, frame_bytes(p->shm, ret_place->frame));
    if (!page_read_valid(p, ret_place->frame, ret_place->version)) return STATUS(AGAIN);
    return good ? OK : STATUS(INDEX_CORRUPTED);
}

static status load_leaf(struct proc *p, struct tree_cursor *c, const void *key, size_t key_len,
                        bool below, bool ahead) {
    struct tree_place place;
    struct tree_tries tries = {0};
    status s;
    do s = load_once(p, c, key, key_len, below, &place);
    while (tree_again(p, &tries, s));
    TRY(s);
    if (!node_view(c->page_copy, &c->view)) return STATUS(INDEX_CORRUPTED);
    c->page = place.page;
    c->copied++;
    if (ahead) read_ahead(p, &place, c);
    memcpy(c->key, node_low(&c->view), c->view.prefix);
    return OK;
}

static void note_fence(struct tree_cursor *c) {
    const struct node_view *v = &c->view;
    c->at_end = c->backward ? v->low_len == 0 : v->flags & NODE_RIGHTMOST;
    c->fence_len = c->backward ? v->low_len : v->high_len;
    memcpy(c->fence, c->backward ? node_low(v) : node_high(v), c->fence_len);
}

status tree_cursor_seek(struct proc *p, struct tree_cursor *c, const void *key, size_t key_len,
                        bool backward, bool exclusive) {
    bool found = false;
    c->backward = backward;
    c->leaves = c->ahead = 0;
    c->position = 0;
    c->at_end = true;
    c->view.count = 0;
    if (key_len > TREE_KEY_BYTES_MAX) return STATUS(PROGRAM_LIMIT_EXCEEDED);
    bool very_end = backward && key_len == 0;
    TRY(load_leaf(p, c, key, key_len, very_end, false));
    unsigned at = c->view.count;
    if (!very_end) at = node_search(&c->view, key, key_len, &found);
    if (at == NODE_BROKEN) {
        c->view.count = 0;
        return STATUS(INDEX_CORRUPTED);
    }
    /* Backward, `position` counts the entries still to come: those up to and with the key. */
    if (found && exclusive != backward) at++;
    c->position = (uint16_t)at;
    note_fence(c);
    return OK;
}

/* The copied leaf ends before the key. */
static bool is_beyond(const struct tree_cursor *c, const void *key, size_t key_len) {
    if (c->at_end) return c->view.count == 0;
    return key_compare(key, key_len, c->fence, c->fence_len) >= 0;
}

status tree_cursor_skip(struct proc *p, struct tree_cursor *c, const void *key, size_t key_len) {
    bool found;
    if (is_beyond(c, key, key_len)) return tree_cursor_seek(p, c, key, key_len, false, false);
    unsigned at = node_search(&c->view, key, key_len, &found);
    if (at == NODE_BROKEN) return STATUS(INDEX_CORRUPTED);
    c->position = (uint16_t)at;
    return OK;
}

/* Whether the leaf is another one than that which had the fence: in a tree that does not hold
 * together (it has been dropped, its pages are others') a scan must not come round to the same leaf
 * again and again. */
static bool is_further(const struct tree_cursor *c) {
    const struct node_view *v = &c->view;
    if (c->backward)
        return v->low_len == 0 || key_compare(node_low(v), v->low_len, c->fence, c->fence_len) < 0;
    return v->flags & NODE_RIGHTMOST ||
           key_compare(node_high(v), v->high_len, c->fence, c->fence_len) > 0;
}

/* The leaf after (backward: before) the copied one. */
static status next_leaf(struct proc *p, struct tree_cursor *c) {
    bool found = false;
    status s = load_leaf(p, c, c->fence, c->fence_len, c->backward, true);
    unsigned at = ok(s) ? node_search(&c->view, c->fence, c->fence_len, &found) : 0;
    if (ok(s) && (at == NODE_BROKEN || !is_further(c))) s = STATUS(INDEX_CORRUPTED);
    if (!ok(s)) {
        /* The copy is gone; the fence is not: another call goes on where this one failed. */
        c->view.count = 0;
        c->position = 0;
        return s;
    }
    c->position = (uint16_t)at;
    note_fence(c);
    return OK;
}

status tree_cursor_next(struct proc *p, struct tree_cursor *c, struct tree_entry *ret_entry) {
    struct node_entry e;
    while (c->backward ? c->position == 0 : c->position >= c->view.count) {
        if (c->at_end) return STATUS(END);
        TRY(next_leaf(p, c));
    }
    unsigned i = c->backward ? c->position - 1u : c->position;
    if (!node_entry_at(&c->view, i, &e)) return STATUS(INDEX_CORRUPTED);
    c->position = (uint16_t)(c->backward ? i : i + 1);
    memcpy(c->key + c->view.prefix, e.key, e.key_len);
    *ret_entry = (struct tree_entry){.key = c->key,
                                     .value = e.value,
                                     .key_len = (uint16_t)(c->view.prefix + e.key_len),
                                     .value_len = e.value_len,
                                     .flags = e.flags,
                                     .stamp = e.stamp,
                                     .lsn = {e.lsn}};
    return OK;
}

bool tree_cursor_peek(const struct tree_cursor *c, unsigned n, unsigned char *buf,
                      struct tree_entry *ret_entry) {
    struct node_entry e;
    unsigned left = c->backward ? c->position : c->view.count - c->position;
    if (n == 0 || n > left) return false;
    if (!node_entry_at(&c->view, c->backward ? c->position - n : c->position + n - 1, &e))
        return false;
    *ret_entry = (struct tree_entry){.key = buf,
                                     .key_len = (uint16_t)node_key(&c->view, &e, buf),
                                     .value = e.value,
                                     .value_len = e.value_len,
                                     .flags = e.flags,
                                     .stamp = e.stamp,
                                     .lsn = {e.lsn}};
    return true;
}
