#include <string.h>

#include "base/check.h"
#include "tree/tree_internal.h"

/* After joining, a node has room left, so that the next insertion does not split it again. Records
 * carry whole keys: very long shared prefixes could make one too great. */
#define JOINED_BYTES_MAX (NODE_CAPACITY * 3 / 4)
#define JOIN_RECORD_BYTES_MAX 24576
#define ATTEMPTS 4

/* A node that goes, and the neighbour that takes over. */
struct join {
    struct tree_place place; /* of the node that goes */
    bool heir_is_left;
    page_id heir;
    struct frame *heir_frame;
    page_id map;
    struct frame *map_frame;
    struct node_view v, h, parent; /* once latched */
};

/* Finds the neighbour under the same parent, 0: none. AGAIN when the parent has changed. */
static status find_heir(struct proc *p, struct join *j, bool left) {
    struct tree_place *place = &j->place;
    uint64_t version, heir = 0, self = 0;
    struct node_view parent;
    if (!page_read_begin(p, place->parent, place->parent_page, &version)) return STATUS(AGAIN);
    if (node_view(frame_bytes(p->shm, place->parent), &parent)) {
        self = node_child_at(&parent, place->index);
        if (left && place->index > 0) heir = node_child_at(&parent, place->index - 1);
        if (!left && place->index < parent.count) heir = node_child_at(&parent, place->index + 1);
    }
    if (!page_read_valid(p, place->parent, version) || self != place->page.no) return STATUS(AGAIN);
    place->parent_version = version;
    j->heir = (page_id){heir};
    j->heir_is_left = left;
    return OK;
}

/* Low fence, high fence and flags of the heir afterwards. */
static struct node_spec joined_fences(const struct join *j) {
    const struct node_view *left = j->heir_is_left ? &j->h : &j->v;
    const struct node_view *right = j->heir_is_left ? &j->v : &j->h;
    return (struct node_spec){.low = node_low(left),
                              .low_len = left->low_len,
                              .high = node_high(right),
                              .high_len = right->high_len,
                              .flags = right->flags};
}

/* Whether both nodes' entries fit one page. Prefixes shrink by joining. */
static bool join_fits(const struct join *j, const struct node_spec *fences) {
    size_t prefix = fences->flags & NODE_RIGHTMOST
                        ? 0
                        : key_common(fences->low, fences->low_len, fences->high, fences->high_len);
    size_t entries = node_entry_bytes(&j->v) + j->v.count * (j->v.prefix - prefix) +
                     node_entry_bytes(&j->h) + j->h.count * (j->h.prefix - prefix);
    size_t middle = j->heir_is_left ? j->v.low_len : j->h.low_len;
    if (j->v.level) entries += sizeof(struct node_slot) + NODE_INNER_HEAD + middle;
    size_t all = entries + fences->low_len + fences->high_len;
    if (j->v.count > 0 && all > JOINED_BYTES_MAX) return false;
    size_t record =
        node_entry_bytes(&j->v) + (j->v.count + 1u) * (j->v.prefix + 4u) + 4 * NODE_KEY_BYTES_MAX;
    return all <= NODE_CAPACITY && record <= JOIN_RECORD_BYTES_MAX;
}

static void add_inherited(struct rec_builder *b, const void *key, size_t key_len, const void *head,
                          size_t head_len, const void *value, size_t value_len) {
    uint16_t lens[2] = {(uint16_t)key_len, (uint16_t)(head_len + value_len)};
    rec_add(b, lens, sizeof lens);
    rec_add(b, key, key_len);
    rec_add(b, head, head_len);
    rec_add(b, value, value_len);
}

static void add_entries(struct rec_builder *b, const struct node_view *v) {
    unsigned char key[NODE_KEY_BYTES_MAX];
    for (unsigned i = 0; i < v->count; i++) {
        struct node_entry e;
        CHECK(node_entry_at(v, i, &e)); /* node_valid said so */
        size_t key_len = node_key(v, &e, key);
        add_inherited(b, key, key_len, v->page + e.at, v->entry_head, e.value, e.value_len);
    }
}

/* The heir's part. An inner node that goes leaves its first child too, under the key that had
 * separated the two nodes. */
static size_t add_heir(struct rec_builder *b, const struct join *j,
                       const struct node_spec *fences) {
    bool inner = j->v.level;
    struct rec_heir h = {.first = j->heir_is_left ? j->h.first : j->v.first,
                         .low_len = fences->low_len,
                         .high_len = fences->high_len,
                         .node_flags = fences->flags,
                         .count = (uint16_t)(j->v.count + inner),
                         .before = !j->heir_is_left};
    size_t offset = rec_add(b, &h, sizeof h);
    rec_add(b, fences->low, fences->low_len);
    rec_add(b, fences->high, fences->high_len);
    if (inner && j->heir_is_left)
        add_inherited(b, node_low(&j->v), j->v.low_len, &j->v.first, sizeof j->v.first, NULL, 0);
    add_entries(b, &j->v);
    if (inner && !j->heir_is_left)
        add_inherited(b, node_low(&j->h), j->h.low_len, &j->h.first, sizeof j->h.first, NULL, 0);
    return offset;
}

/* Everything latched: whether the three nodes are what they should be and the join is worth it. */
static status join_judge(struct proc *p, struct join *j, struct node_spec *ret_fences) {
    const struct tree_place *place = &j->place;
    if (!node_view(frame_bytes(p->shm, place->frame), &j->v) ||
        !node_view(frame_bytes(p->shm, j->heir_frame), &j->h) ||
        !node_view(frame_bytes(p->shm, place->parent), &j->parent))
        return STATUS(INDEX_CORRUPTED);
    if (node_entry_bytes(&j->v) >= NODE_SPARSE_BYTES) return STATUS(END);
    if (!ok(node_valid(j->v.page)) || !ok(node_valid(j->h.page)) || j->v.level != j->h.level)
        return STATUS(INDEX_CORRUPTED);
    const struct node_view *left = j->heir_is_left ? &j->h : &j->v;
    const struct node_view *right = j->heir_is_left ? &j->v : &j->h;
    if (key_compare(node_high(left), left->high_len, node_low(right), right->low_len) != 0 ||
        left->flags & NODE_RIGHTMOST)
        return STATUS(INDEX_CORRUPTED);
    *ret_fences = joined_fences(j);
    return join_fits(j, ret_fences) ? OK : STATUS(FULL);
}

static void join_change(struct proc *p, struct tree t, const struct join *j,
                        const struct node_spec *fences) {
    struct rec_builder b;
    const struct node_view *right = j->heir_is_left ? &j->v : &j->h;
    uint64_t word = j->place.page.no;
    struct rec_unlink u = {
        .freed = j->place.page.no, .heir = j->heir.no, .key_len = right->low_len};
    rec_begin(&b, REC_TREE_UNLINK, t, 4);
    rec_set_page(&b, 0, j->place.page, REC_PAGE_INIT, b.len);
    size_t offset = rec_add(&b, &u, sizeof u);
    rec_add(&b, node_low(right), right->low_len);
    rec_set_page(&b, 1, j->place.parent_page, 0, offset);
    offset = rec_add(&b, &word, sizeof word);
    rec_set_page(&b, 2, j->map, 0, offset);
    offset = add_heir(&b, j, fences);
    rec_set_page(&b, 3, j->heir, 0, offset);
    rec_end(&b);
    struct frame *frames[] = {j->place.frame, j->place.parent, j->map_frame, j->heir_frame};
    page_change(p, b.r, frames);
    PROBE(axolotl_tree, unlink, t.id, j->place.page.no, j->heir.no, j->v.level);
}

/* Joins the node in j->place with the chosen neighbour. FULL: they do not fit. END: not sparse any
 * more. *ret_parent_sparse: what to do next. */
static status join_with(struct proc *p, struct tree t, struct join *j, bool *ret_parent_sparse) {
    const struct tree_place *place = &j->place;
    struct latch_set set = {0};
    struct node_spec fences;
    struct node_view parent;
    bool changed = false;
    status s;
    j->map = space_page_of(place->page);
    TRY(pool_find(p, j->heir, &j->heir_frame));
    TRY(pool_find(p, j->map, &j->map_frame));
    TRY(log_room(p));
    TRY_OUT(s,
            latch_set_add_from(p, &set, place->parent, place->parent_page, place->parent_version));
    TRY_OUT(s, latch_set_add_from(p, &set, place->frame, place->page, place->version));
    TRY_OUT(s, latch_set_add(p, &set, j->heir_frame, j->heir));
    TRY_OUT(s, latch_set_add(p, &set, j->map_frame, j->map));
    TRY_OUT(s, join_judge(p, j, &fences));
    join_change(p, t, j, &fences);
    changed = true;
    if (node_view(frame_bytes(p->shm, place->parent), &parent))
        *ret_parent_sparse = node_entry_bytes(&parent) < NODE_SPARSE_BYTES;
out:
    latch_set_free(&set, changed);
    return s;
}

/* A root with one child becomes what that child is. AGAIN; END: it has more than one. */
static status shrink_root(struct proc *p, struct tree t, const struct tree_place *root) {
    struct latch_set set = {0};
    struct node_view v, c;
    struct rec_builder b;
    uint64_t version;
    bool changed = false;
    status s;
    if (!page_read_begin(p, root->frame, t.root, &version)) return STATUS(AGAIN);
    bool one = node_view(frame_bytes(p->shm, root->frame), &v) && v.level && v.count == 0;
    page_id child = {one ? v.first : 0}, map = space_page_of(child);
    if (!page_read_valid(p, root->frame, version)) return STATUS(AGAIN);
    if (!one || child.no == 0) return STATUS(END);
    struct frame *child_frame, *map_frame;
    TRY(pool_find(p, child, &child_frame));
    TRY(pool_find(p, map, &map_frame));
    TRY(log_room(p));
    TRY_OUT(s, latch_set_add_from(p, &set, root->frame, t.root, version));
    TRY_OUT(s, latch_set_add(p, &set, child_frame, child));
    TRY_OUT(s, latch_set_add(p, &set, map_frame, map));
    const struct node_page *from = frame_bytes(p->shm, child_frame);
    if (!ok(node_valid(from)) || !node_view(from, &c) || c.level + 1 != v.level || c.low_len ||
        !(c.flags & NODE_RIGHTMOST)) {
        s = STATUS(INDEX_CORRUPTED);
        goto out;
    }
    struct node_spec spec = {.page = t.root,
                             .tree = from->head.tree,
                             .level = c.level,
                             .flags = c.flags,
                             .first = c.first,
                             .created = ((const struct node_page *)v.page)->created};
    node_format(tree_scratch_node(), &spec);
    CHECK(ok(node_append_range(tree_scratch_node(), &c, 0, c.count)));
    uint64_t word = child.no;
    rec_begin(&b, REC_TREE_SHRINK, t, 3);
    rec_set_page(&b, 1, child, REC_PAGE_INIT, b.len);
    size_t offset = rec_add_image(&b, tree_scratch_node());
    rec_set_page(&b, 0, t.root, REC_PAGE_INIT, offset);
    offset = rec_add(&b, &word, sizeof word);
    rec_set_page(&b, 2, map, 0, offset);
    rec_end(&b);
    struct frame *frames[] = {root->frame, child_frame, map_frame};
    page_change(p, b.r, frames);
    changed = true;
    PROBE(axolotl_tree, shrink, t.id, t.root.no, c.level);
out:
    latch_set_free(&set, changed);
    return s;
}

/* One attempt at one level. END: nothing to do there, and nothing above. */
static status merge_once(struct proc *p, struct tree t, unsigned level, const void *key,
                         size_t key_len, bool *ret_parent_sparse) {
    struct join j = {0};
    TRY(tree_locate(p, t, level, key, key_len, &j.place));
    if (!j.place.parent) return shrink_root(p, t, &j.place);
    bool alone = true;
    for (int left = 1; left >= 0; left--) {
        TRY(find_heir(p, &j, left));
        if (j.heir.no == 0) continue;
        alone = false;
        status s = join_with(p, t, &j, ret_parent_sparse);
        if (!status_is(s, ST_FULL)) return s;
    }
    /* An only child goes when its parent has joined with its neighbour. */
    *ret_parent_sparse = alone;
    return alone ? OK : STATUS(END);
}

status tree_merge_at(struct proc *p, struct tree t, const void *key, size_t key_len) {
    struct tree_tries tries = {0};
    for (unsigned level = 0; level < NODE_LEVELS_MAX; level++) {
        bool parent_sparse = false;
        status s;
        do s = merge_once(p, t, level, key, key_len, &parent_sparse);
        while (tries.count < ATTEMPTS && tree_again(p, &tries, s));
        if (status_is(s, ST_END) || status_is(s, ST_NOT_FOUND) || status_is(s, ST_AGAIN)) return OK;
        TRY(s);
        if (!parent_sparse) return OK;
    }
    return OK;
}
