/* Entries that come in key order, a page at a time: where no other entry lies between them, they
 * become a leaf of their own, which its record holds whole. The leaf where they belonged stays, and
 * begins behind them; so a leaf is written once, with the fences that it keeps, and the tree is a
 * tree after every record. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "fmt/apply.h"
#include "tree/tree_internal.h"

#define QUEUE_BYTES 65536
#define QUEUE_ENOUGH (4 * PAGE_BYTES) /* that a page is filled from */
#define SINGLES_MAX 16                /* entries put one by one before a page is tried again */

struct queued {
    uint16_t key_len;
    uint16_t value_len;
    uint32_t flags;
};

status tree_fill_init(struct tree_fill *f, struct arena *a, struct tree t, struct tree_writer *w,
                      tree_is_running is_running, unsigned percent) {
    *f = (struct tree_fill){.tree = t,
                            .writer = w,
                            .is_running = is_running,
                            .target = (uint16_t)(NODE_CAPACITY * percent / 100),
                            .bytes = arena_alloc(a, QUEUE_BYTES)};
    return f->bytes ? OK : STATUS(OUT_OF_MEMORY);
}

/* The entry at *at, which moves on; false: there is none. */
static bool queue_next(const struct tree_fill *f, uint32_t *at, struct tree_entry *ret_entry) {
    struct queued q;
    if (*at == f->used) return false;
    memcpy(&q, f->bytes + *at, sizeof q);
    const unsigned char *key = f->bytes + *at + sizeof q;
    *ret_entry = (struct tree_entry){.key = key,
                                     .key_len = q.key_len,
                                     .value = key + q.key_len,
                                     .value_len = q.value_len,
                                     .flags = (uint8_t)q.flags};
    *at += (uint32_t)(sizeof q + q.key_len + q.value_len);
    return true;
}

status tree_fill_add(struct tree_fill *f, const void *key, size_t key_len,
                     const struct tree_value *value) {
    if (key_len > TREE_KEY_BYTES_MAX || key_len + value->len > TREE_ENTRY_BYTES_MAX)
        return STATUS(PROGRAM_LIMIT_EXCEEDED);
    struct queued q = {.key_len = (uint16_t)key_len,
                       .value_len = (uint16_t)value->len,
                       .flags = ENTRY_FIRST | (value->large ? ENTRY_LARGE : 0)};
    size_t bytes = sizeof q + key_len + value->len;
    if (bytes > QUEUE_BYTES - f->used) {
        memmove(f->bytes, f->bytes + f->head, f->used - f->head);
        f->used -= f->head;
        f->head = 0;
    }
    if (bytes > QUEUE_BYTES - f->used) return STATUS(FULL);
    memcpy(f->bytes + f->used, &q, sizeof q);
    memcpy(f->bytes + f->used + sizeof q, key, key_len);
    if (value->len) memcpy(f->bytes + f->used + sizeof q + key_len, value->bytes, value->len);
    f->used += (uint32_t)bytes;
    return OK;
}

bool tree_fill_first(const struct tree_fill *f, struct tree_entry *ret_entry) {
    uint32_t at = f->head;
    return queue_next(f, &at, ret_entry);
}

void tree_fill_skip(struct tree_fill *f) {
    struct tree_entry e;
    (void)queue_next(f, &f->head, &e);
}

/* What of the queue becomes one leaf: entries up to `end`, and the separator behind them. */
struct fill_plan {
    uint32_t end;
    uint16_t count;
    uint16_t sep_len;
    unsigned char sep[NODE_KEY_BYTES_MAX];
};

/* Bytes of a leaf between `low` and a separator that is a prefix of `next`, at most: all its keys
 * share what these two share. */
static size_t filled_bytes(const struct node_view *v, const struct tree_entry *next, size_t entries,
                           unsigned count) {
    return v->low_len + next->key_len + entries -
           count * key_common(node_low(v), v->low_len, next->key, next->key_len);
}

static void plan_separator(struct fill_plan *plan, const struct tree_entry *last,
                           const struct tree_entry *next) {
    plan->sep_len = (uint16_t)key_separator(last->key, last->key_len, next->key, next->key_len);
    memcpy(plan->sep, next->key, plan->sep_len);
}

/* As many as fill the page and come before the leaf's own entries. END: too few. */
static status plan_fill(const struct tree_fill *f, const struct node_view *v,
                        struct fill_plan *plan) {
    unsigned char key[NODE_KEY_BYTES_MAX];
    struct tree_entry before = {0}, next, own = {.key = key};
    struct tree_entry last = {0}, after = {0}; /* on both sides of the end, as far as it is known */
    struct node_entry first;
    size_t entries = 0, filled = 0;
    uint32_t at = f->head, end = at;
    if (v->count) {
        if (!node_entry_at(v, 0, &first)) return STATUS(INDEX_CORRUPTED);
        own.key_len = (uint16_t)node_key(v, &first, key);
    }
    for (unsigned count = 0; queue_next(f, &at, &next); count++, end = at, before = next) {
        if (!node_covers(v, next.key, next.key_len)) break;
        bool beyond = v->count && key_compare(next.key, next.key_len, own.key, own.key_len) >= 0;
        if (beyond) next = own;
        size_t bytes = filled_bytes(v, &next, entries, count);
        if (count && bytes > f->target) break;
        if (count) {
            plan->end = end;
            plan->count = (uint16_t)count;
            last = before;
            after = next;
            filled = bytes;
        }
        if (beyond) break;
        entries += sizeof(struct node_slot) + NODE_LEAF_HEAD + next.key_len + next.value_len;
    }
    if (filled < f->target / 2u) return STATUS(END);
    plan_separator(plan, &last, &after);
    return OK;
}

/* The new leaf, before the one that v shows. */
static const void *build_filled(const struct tree_fill *f, const struct node_view *v,
                                const struct fill_plan *plan, page_id page) {
    struct node_spec spec = {.page = page,
                             .tree = f->tree.id,
                             .low = node_low(v),
                             .low_len = v->low_len,
                             .high = plan->sep,
                             .high_len = plan->sep_len};
    struct tree_entry e;
    txid x = f->writer->x;
    node_format(tree_scratch_node(), &spec);
    for (uint32_t at = f->head; at != plan->end;) {
        CHECK(queue_next(f, &at, &e));
        struct node_value nv = {.bytes = e.value,
                                .len = e.value_len,
                                .flags = e.flags,
                                .stamp = x ? stamp_of_txid(x) : 0};
        CHECK(ok(node_leaf_insert(tree_scratch_node(), e.key, e.key_len, &nv)));
    }
    return tree_scratch_node();
}

static void note_record(struct tree_writer *w, lsn at, unsigned count) {
    w->last = at;
    w->changes += count;
    if (w->shared_last) atomic_store_explicit(w->shared_last, at.at, memory_order_release);
}

/* Everything latched. FULL: the parent has no room for plan->sep. */
static status fill_latched(struct proc *p, struct tree_fill *f, const struct tree_place *place,
                           const struct new_pages *n, const struct node_view *v,
                           const struct fill_plan *plan) {
    struct node_view parent;
    struct rec_builder b;
    if (!node_view(frame_bytes(p->shm, place->parent), &parent) || !parent.level)
        return STATUS(INDEX_CORRUPTED);
    if (node_free_bytes(&parent) < node_inner_bytes(&parent, plan->sep_len)) return STATUS(FULL);
    rec_begin(&b, REC_TREE_FILL, f->tree, 4);
    bool undone = f->writer->x && !f->whole;
    if (undone) {
        b.r->txid = f->writer->x;
        b.r->txn_prev = f->writer->last.at;
    }
    struct rec_fill fill = {.root = f->tree.root.no,
                            .filled = n->page[0].no,
                            .next = place->page.no,
                            .key_len = plan->sep_len};
    size_t offset = rec_add(&b, &fill, sizeof fill);
    rec_add(&b, plan->sep, plan->sep_len);
    rec_set_page(&b, 1, place->page, 0, offset);
    rec_set_page(&b, 2, place->parent_page, 0, offset);
    offset = rec_add_image(&b, build_filled(f, v, plan, n->page[0]));
    rec_set_page(&b, 0, n->page[0], REC_PAGE_INIT, offset);
    new_pages_add_roles(&b, n, 3);
    rec_end(&b);
    struct frame *frames[] = {n->frame[0], place->frame, place->parent, n->map_frame[0]};
    lsn at = page_change(p, b.r, frames);
    if (undone) note_record(f->writer, at, plan->count);
    PROBE(axolotl_tree, fill, f->tree.id, n->page[0].no, plan->count);
    return OK;
}

/* How many entries like this one have room in the leaf. */
static uint16_t fitting(const struct node_view *v, const struct tree_entry *e) {
    return (uint16_t)(node_free_bytes(v) / node_leaf_bytes(v, e->key_len, e->value_len));
}

/* Puts one leaf of entries. AGAIN: something changed meanwhile. FULL: the parent needs room for
 * plan->sep. END: not here. */
static status fill_once(struct proc *p, struct tree_fill *f, struct fill_plan *plan) {
    struct tree_entry first;
    struct tree_place place;
    struct new_pages n;
    struct latch_set set = {0};
    struct node_view v;
    bool found, changed = false;
    if (!tree_fill_first(f, &first)) return STATUS(END);
    TRY(tree_locate(p, f->tree, 0, first.key, first.key_len, &place));
    if (!place.parent) return STATUS(END);
    TRY(new_pages_take(p, &n, 1));
    status s;
    TRY_OUT(s, log_room(p));
    TRY_OUT(s, latch_set_add_from(p, &set, place.parent, place.parent_page, place.parent_version));
    TRY_OUT(s, latch_set_add_from(p, &set, place.frame, place.page, place.version));
    TRY_OUT(s, new_pages_latch(p, &n, &set));
    s = STATUS(INDEX_CORRUPTED);
    if (!node_view(frame_bytes(p->shm, place.frame), &v) || v.level || !ok(node_valid(v.page)))
        goto out;
    unsigned place_in = node_search(&v, first.key, first.key_len, &found);
    f->fitting = place_in == v.count ? fitting(&v, &first) : 0;
    s = place_in == 0 && !found ? plan_fill(f, &v, plan) : STATUS(END);
    if (ok(s)) s = fill_latched(p, f, &place, &n, &v, plan);
    changed = ok(s);
out:
    latch_set_free(&set, changed);
    if (!changed) new_pages_give_back(p, &n);
    return s;
}

/* The same until it is decided. END: the first entry is to be put by itself. */
static status fill_leaf(struct proc *p, struct tree_fill *f) {
    struct fill_plan plan;
    struct tree_entry first;
    bool parted = false;
    for (;;) {
        struct tree_tries tries = {0};
        status s;
        do s = fill_once(p, f, &plan);
        while (tree_again(p, &tries, s));
        if (ok(s)) f->head = plan.end;
        if (status_is(s, ST_FULL)) {
            TRY(tree_make_room(p, f->tree, 1, plan.sep, plan.sep_len, 0));
        } else if (status_is(s, ST_END) && !parted && tree_fill_first(f, &first)) {
            parted = true;
            TRY(tree_split_before(p, f->tree, first.key, first.key_len, first.value_len));
        } else {
            return s;
        }
    }
}

static status put_first(struct proc *p, struct tree_fill *f, struct tree_found *ret_found) {
    struct tree_entry e;
    if (!tree_fill_first(f, &e)) return OK;
    struct tree_value value = {e.value, e.value_len, e.flags & ENTRY_LARGE};
    if (f->fresh)
        TRY(tree_insert_over(p, f->writer, f->tree, e.key, e.key_len, LSN_NONE, &value,
                             f->is_running, ret_found));
    else
        TRY(tree_insert_value(p, f->writer, f->tree, e.key, e.key_len, &value, f->is_running,
                              ret_found));
    if (!f->writer->x) f->writer->last = LSN_NONE; /* records of the system are not a chain */
    tree_fill_skip(f);
    return OK;
}

/* How many entries are put one by one before a whole leaf is tried again: a leaf at whose end they
 * come is filled up before the next one begins. */
static uint16_t singles(struct tree_fill *f) {
    if (f->fitting > 1) return f->fitting * 3 / 4;
    if (f->patience < SINGLES_MAX) f->patience = (uint16_t)(2 * f->patience + 1);
    return f->patience / 2;
}

status tree_fill_put(struct proc *p, struct tree_fill *f, bool all, struct tree_found *ret_found) {
    while (f->used - f->head > (all ? 0 : QUEUE_ENOUGH)) {
        if (f->singles) {
            f->singles--;
        } else {
            status s = fill_leaf(p, f);
            if (ok(s)) {
                f->patience = 0;
                continue;
            }
            if (!status_is(s, ST_END)) return s;
            f->singles = singles(f);
        }
        TRY(put_first(p, f, ret_found));
    }
    return OK;
}

status tree_undo_fill(struct proc *p, struct tree_writer *w, const struct rec_head *r, lsn at) {
    struct tree t = {.id = r->tree};
    unsigned char key[NODE_KEY_BYTES_MAX];
    struct node_view v;
    struct node_entry e;
    struct rec_fill fill;
    const struct rec_page *next = rec_pages_c(r) + 1;
    status s = OK;
    unsigned char *page = calloc(1, PAGE_BYTES);
    if (!page) return STATUS(OUT_OF_MEMORY);
    TRY_OUT(s, apply(r, at, 0, page));
    memcpy(&fill, (const char *)r + next->offset, sizeof fill);
    t.root.no = fill.root;
    if (!node_view(page, &v)) s = STATUS(INVALID);
    /* Each compensation leads to this record again, but for the last one. */
    uint64_t after = w->undo_next;
    w->undo_next = at.at;
    for (unsigned i = 0; ok(s) && i < v.count; i++) {
        if (i + 1 == v.count) w->undo_next = after;
        if (!node_entry_at(&v, i, &e)) s = STATUS(INVALID);
        if (ok(s)) s = tree_undo_put(p, w, t, key, node_key(&v, &e, key), at);
    }
    w->undo_next = after;
out:
    free(page);
    return s;
}
