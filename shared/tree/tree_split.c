#include <string.h>

#include "base/check.h"
#include "base/counter.h"
#include "base/fault.h"
#include "tree/tree_internal.h"

void new_pages_give_back(struct proc *p, struct new_pages *n) {
    for (unsigned i = 0; i < n->count; i++) pool_give_back(p, n->page[i]);
    n->count = 0;
}

status new_pages_take(struct proc *p, struct new_pages *n, unsigned count) {
    status s = OK;
    *n = (struct new_pages){0};
    TRY(pool_reserve(p, count));
    while (n->count < count) {
        page_id page = pool_take(p);
        if (page.no == 0) {
            new_pages_give_back(p, n);
            return STATUS(AGAIN);
        }
        n->page[n->count++] = page;
    }
    for (unsigned i = 0; i < count; i++) {
        TRY_OUT(s, pool_find(p, n->page[i], &n->frame[i]));
        page_id map = space_page_of(n->page[i]);
        if (n->maps && page_id_eq(n->map[0], map)) continue;
        TRY_OUT(s, pool_find(p, map, &n->map_frame[n->maps]));
        n->map[n->maps++] = map;
    }
out:
    if (!ok(s)) new_pages_give_back(p, n);
    return s;
}

status new_pages_latch(struct proc *p, const struct new_pages *n, struct latch_set *set) {
    for (unsigned i = 0; i < n->count; i++) TRY(latch_set_add(p, set, n->frame[i], n->page[i]));
    for (unsigned i = 0; i < n->maps; i++) TRY(latch_set_add(p, set, n->map_frame[i], n->map[i]));
    return OK;
}

void new_pages_add_roles(struct rec_builder *b, const struct new_pages *n, unsigned role) {
    for (unsigned m = 0; m < n->maps; m++) {
        size_t offset = b->len;
        for (unsigned i = 0; i < n->count; i++) {
            uint64_t word = n->page[i].no | REC_SPACE_USED;
            if (page_id_eq(space_page_of(n->page[i]), n->map[m])) rec_add(b, &word, sizeof word);
        }
        rec_set_page(b, role + m, n->map[m], 0, offset);
    }
}

static struct node_spec part_of(const struct node_view *v, page_id page) {
    const struct node_page *n = (const struct node_page *)v->page;
    return (struct node_spec){.page = page,
                              .tree = n->head.tree,
                              .level = v->level,
                              .low = node_low(v),
                              .low_len = v->low_len,
                              .high = node_high(v),
                              .high_len = v->high_len,
                              .flags = v->flags,
                              .first = v->first};
}

/* The part left of the separator, as a new page. */
static const void *build_left(const struct node_view *v, const struct split_plan *plan,
                              page_id page) {
    struct node_spec spec = part_of(v, page);
    spec.high = plan->sep;
    spec.high_len = plan->sep_len;
    spec.flags = 0;
    node_format(tree_scratch_node(), &spec);
    CHECK(ok(node_append_range(tree_scratch_node(), v, 0, plan->keep)));
    return tree_scratch_node();
}

static const void *build_right(const struct node_view *v, const struct split_plan *plan,
                               page_id page) {
    struct node_spec spec = part_of(v, page);
    unsigned from = plan->keep;
    spec.low = plan->sep;
    spec.low_len = plan->sep_len;
    if (v->level) spec.first = node_child_at(v, ++from);
    node_format(tree_scratch_node(), &spec);
    CHECK(ok(node_append_range(tree_scratch_node(), v, from, v->count)));
    return tree_scratch_node();
}

static bool node_has_room(const struct node_view *v, const void *key, size_t key_len,
                          size_t value_len) {
    struct node_entry e;
    bool found;
    if (v->level) return node_free_bytes(v) >= node_inner_bytes(v, key_len);
    unsigned i = node_search(v, key, key_len, &found);
    if (found && node_entry_at(v, i, &e)) return node_free_bytes(v) + e.value_len >= value_len;
    return node_free_bytes(v) >= node_leaf_bytes(v, key_len, value_len);
}

/* The change itself, everything latched. FULL: the parent has no room for plan->sep. */
static status split_latched(struct proc *p, struct tree t, const struct tree_place *place,
                            const struct new_pages *n, const struct node_view *v,
                            const struct split_plan *plan) {
    struct node_view parent;
    struct rec_builder b;
    if (!node_view(frame_bytes(p->shm, place->parent), &parent) || !parent.level)
        return STATUS(INDEX_CORRUPTED);
    if (node_free_bytes(&parent) < node_inner_bytes(&parent, plan->sep_len)) return STATUS(FULL);
    rec_begin(&b, REC_TREE_SPLIT, t, 4);
    struct rec_split split = {.right = n->page[0].no, .key_len = plan->sep_len};
    size_t offset = rec_add(&b, &split, sizeof split);
    rec_add(&b, plan->sep, plan->sep_len);
    rec_set_page(&b, 0, place->page, 0, offset);
    rec_set_page(&b, 2, place->parent_page, 0, offset);
    offset = rec_add_image(&b, build_right(v, plan, n->page[0]));
    rec_set_page(&b, 1, n->page[0], REC_PAGE_INIT, offset);
    new_pages_add_roles(&b, n, 3);
    rec_end(&b);
    struct frame *frames[] = {place->frame, n->frame[0], place->parent, n->map_frame[0]};
    page_change(p, b.r, frames);
    PROBE(axolotl_tree, split, t.id, place->page.no, n->page[0].no, v->level);
    return OK;
}

/* The root keeps its page: its entries move to two new pages below it. */
static status grow_latched(struct proc *p, struct tree t, const struct tree_place *place,
                           const struct new_pages *n, const struct node_view *v,
                           const struct split_plan *plan) {
    struct rec_builder b;
    if (v->level + 1 >= NODE_LEVELS_MAX) return STATUS(PROGRAM_LIMIT_EXCEEDED);
    rec_begin(&b, REC_TREE_GROW, t, 3 + n->maps);
    size_t offset = rec_add_image(&b, build_left(v, plan, n->page[0]));
    rec_set_page(&b, 1, n->page[0], REC_PAGE_INIT, offset);
    offset = rec_add_image(&b, build_right(v, plan, n->page[1]));
    rec_set_page(&b, 2, n->page[1], REC_PAGE_INIT, offset);
    struct node_spec spec = part_of(v, t.root);
    spec.level++;
    spec.first = n->page[0].no;
    spec.created = ((const struct node_page *)v->page)->created;
    node_format(tree_scratch_node(), &spec);
    CHECK(ok(node_inner_insert(tree_scratch_node(), plan->sep, plan->sep_len, n->page[1].no)));
    offset = rec_add_image(&b, tree_scratch_node());
    rec_set_page(&b, 0, t.root, REC_PAGE_INIT, offset);
    new_pages_add_roles(&b, n, 3);
    rec_end(&b);
    struct frame *frames[] = {place->frame, n->frame[0], n->frame[1], n->map_frame[0],
                              n->map_frame[1]};
    page_change(p, b.r, frames);
    PROBE(axolotl_tree, grow, t.id, t.root.no, v->level + 1);
    return OK;
}

/* What a split is for: room for an entry, or a leaf that ends before it. */
struct split_wish {
    unsigned level;
    const void *key;
    size_t key_len, value_len;
    bool before;
};

/* END: there is nothing to split for. */
static status plan_wish(const struct node_view *v, const struct split_wish *w,
                        struct split_plan *plan) {
    bool room = node_has_room(v, w->key, w->key_len, w->value_len);
    if (room && !w->before) return STATUS(END);
    if (!ok(node_valid(v->page))) return STATUS(INDEX_CORRUPTED);
    if (w->before) return plan_split_before(v, w->key, w->key_len, room, plan);
    return v->level ? plan_inner_split(v, w->key, w->key_len, plan)
                    : plan_leaf_split(v, w->key, w->key_len, w->value_len, plan);
}

/* One attempt. AGAIN: something changed meanwhile. FULL: the parent needs room for plan->sep. END:
 * nothing was to be done. */
static status split_once(struct proc *p, struct tree t, const struct split_wish *w,
                         struct split_plan *plan) {
    struct tree_place place;
    struct new_pages n;
    struct latch_set set = {0};
    struct node_view v;
    bool changed = false;
    TRY(tree_locate(p, t, w->level, w->key, w->key_len, &place));
    bool is_root = !place.parent;
    TRY(new_pages_take(p, &n, is_root ? 2 : 1));
    status s;
    TRY_OUT(s, log_room(p));
    if (!is_root)
        TRY_OUT(s,
                latch_set_add_from(p, &set, place.parent, place.parent_page, place.parent_version));
    TRY_OUT(s, latch_set_add_from(p, &set, place.frame, place.page, place.version));
    TRY_OUT(s, new_pages_latch(p, &n, &set));
    if (!node_view(frame_bytes(p->shm, place.frame), &v) || v.level != w->level) {
        s = STATUS(INDEX_CORRUPTED);
        goto out;
    }
    TRY_OUT(s, plan_wish(&v, w, plan));
    FAULT(p, SPLIT);
    s = is_root ? grow_latched(p, t, &place, &n, &v, plan)
                : split_latched(p, t, &place, &n, &v, plan);
    changed = ok(s);
out:
    latch_set_free(&set, changed);
    if (changed)
        counter_add(p, COUNTER_SPLITS, 1);
    else
        new_pages_give_back(p, &n);
    return s;
}

static status split_until_done(struct proc *p, struct tree t, const struct split_wish *w) {
    struct split_plan plan;
    for (;;) {
        struct tree_tries tries = {0};
        status s;
        do s = split_once(p, t, w, &plan);
        while (tree_again(p, &tries, s));
        if (!status_is(s, ST_FULL)) return s;
        /* Room above first; the descent there is by the separator, whose place it is. */
        TRY(tree_make_room(p, t, w->level + 1, plan.sep, plan.sep_len, 0));
    }
}

status tree_make_room(struct proc *p, struct tree t, unsigned level, const void *key,
                      size_t key_len, size_t value_len) {
    struct split_wish w = {level, key, key_len, value_len, false};
    status s = split_until_done(p, t, &w);
    return status_is(s, ST_END) ? OK : s;
}

status tree_split_before(struct proc *p, struct tree t, const void *key, size_t key_len,
                         size_t value_len) {
    struct split_wish w = {0, key, key_len, value_len, true};
    return split_until_done(p, t, &w);
}
