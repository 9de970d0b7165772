#include "base/check.h"
#include "base/spin.h"
#include "tree/tree_internal.h"

#define RETRIES_BEFORE_PINS 4
#define RETRIES_BEFORE_PAUSE 16
#define SLOTS_AHEAD_BYTES 512 /* behind a leaf's first line: the slots of some sixty rows */

bool tree_again_slowly(struct proc *p, struct tree_tries *t, status s) {
    if (!status_is(s, ST_AGAIN)) {
        if (t->pins) pool_pins_end(p);
        t->pins = false;
        return false;
    }
    if (t->count >= RETRIES_BEFORE_PINS && !t->pins) t->pins = pool_pins_begin(p);
    if (t->count < RETRIES_BEFORE_PAUSE)
        spin_wait(t->count);
    else
        p->env->pause(p);
    t->count++;
    return true;
}

/* Leaves are seldom in the processor's cache: the lines that a search would ask for one after the
 * other come together. */
static inline void prefetch_slots(const char *page) {
    for (size_t at = CACHE_LINE_BYTES; at <= SLOTS_AHEAD_BYTES; at += CACHE_LINE_BYTES)
        __builtin_prefetch(page + at);
}

/* Goes from the node in *place to its child; the parent is validated again once the child's read
 * has begun: then the child was the right one at that moment. */
static status step_down(struct proc *p, struct tree_place *place, uint64_t child, unsigned index,
                        bool to_leaf) {
    struct tree_place down = {.page = {child},
                              .parent = place->frame,
                              .parent_version = place->version,
                              .parent_page = place->page,
                              .index = index};
    TRY(pool_find(p, down.page, &down.frame));
    if (to_leaf) prefetch_slots(frame_bytes(p->shm, down.frame));
    if (!page_read_begin(p, down.frame, down.page, &down.version)) return STATUS(AGAIN);
    if (!page_read_valid(p, place->frame, place->version)) {
        (void)page_read_valid(p, down.frame, down.version);
        return STATUS(AGAIN);
    }
    *place = down;
    return OK;
}

static status descend_once(struct proc *p, struct tree t, unsigned level, const void *key,
                           size_t key_len, bool below, struct tree_place *ret_place) {
    struct tree_place place = {.page = t.root};
    TRY(pool_find(p, t.root, &place.frame));
    if (!page_read_begin(p, place.frame, place.page, &place.version)) return STATUS(AGAIN);
    unsigned level_max = NODE_LEVELS_MAX - 1;
    for (;;) {
        struct node_view v;
        unsigned index = 0;
        uint64_t child = 0;
        bool good = node_view(frame_bytes(p->shm, place.frame), &v) && v.level <= level_max;
        if (good && v.level == level) {
            *ret_place = place;
            return OK;
        }
        if (good && v.level > level) child = node_child(&v, key, key_len, below, &index);
        if (!page_read_valid(p, place.frame, place.version)) return STATUS(AGAIN);
        if (good && v.level < level) return STATUS(NOT_FOUND);
        if (child == 0) return STATUS(INDEX_CORRUPTED);
        TRY(step_down(p, &place, child, index, v.level == 1));
        level_max = v.level - 1u;
    }
}

status tree_descend(struct proc *p, struct tree t, unsigned level, const void *key, size_t key_len,
                    bool below, struct tree_place *ret_place) {
    struct tree_tries tries = {0};
    status s;
    do {
        s = descend_once(p, t, level, key, key_len, below, ret_place);
        if (!ok(s) && s.code == p->bad_page.code) p->bad_page.tree = t.id;
    } while (tree_again(p, &tries, s));
    return s;
}

static status locate_once(struct proc *p, struct tree t, unsigned level, const void *key,
                          size_t key_len, struct tree_place *ret_place) {
    TRY(tree_descend(p, t, level, key, key_len, false, ret_place));
    return page_read_valid(p, ret_place->frame, ret_place->version) ? OK : STATUS(AGAIN);
}

status tree_locate(struct proc *p, struct tree t, unsigned level, const void *key, size_t key_len,
                   struct tree_place *ret_place) {
    struct tree_tries tries = {0};
    status s;
    do s = locate_once(p, t, level, key, key_len, ret_place);
    while (tree_again(p, &tries, s));
    return s;
}

status latch_set_add(struct proc *p, struct latch_set *set, struct frame *f, page_id page) {
    CHECK(set->count < REC_PAGES_MAX);
    TRY(page_latch(p, f, page));
    set->frames[set->count++] = f;
    return OK;
}

status latch_set_add_from(struct proc *p, struct latch_set *set, struct frame *f, page_id page,
                          uint64_t version) {
    CHECK(set->count < REC_PAGES_MAX);
    TRY(page_latch_from(p, f, page, version));
    set->frames[set->count++] = f;
    return OK;
}

void latch_set_free(struct latch_set *set, bool changed) {
    while (set->count) {
        struct frame *f = set->frames[--set->count];
        if (changed)
            page_unlatch(f);
        else
            page_unlatch_unchanged(f);
    }
}
