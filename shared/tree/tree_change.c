#include <string.h>

#include "base/counter.h"
#include "tree/tree_internal.h"

#define ENTRY_LINES_AHEAD 3 /* as many as an entry of some hundred bytes touches */

/* One change of one entry, before it is a record. */
struct entry_change {
    uint16_t type;
    uint16_t key_len;
    uint8_t new_flags;
    const void *key;
    const struct node_entry *old; /* NULL: none there */
    stamp old_stamp;              /* resolved as far as it can be */
    const void *value;            /* the new one; may be old->value */
    size_t value_len;
    stamp new_stamp; /* of what a restoration brings back */
    lsn new_lsn;
};

/* How much of the two values is common at their beginnings and ends. */
static void find_middles(const struct entry_change *c, struct rec_entry *e) {
    if (!c->old) {
        e->new_middle = (uint16_t)c->value_len;
        return;
    }
    const unsigned char *a = c->old->value, *b = c->value;
    size_t a_len = c->old->value_len, b_len = c->value_len;
    size_t prefix = a == b ? a_len : key_common(a, a_len, b, b_len);
    size_t most = (a_len < b_len ? a_len : b_len) - prefix, suffix = 0;
    while (suffix < most && a[a_len - suffix - 1] == b[b_len - suffix - 1]) suffix++;
    e->prefix = (uint16_t)prefix;
    e->suffix = (uint16_t)suffix;
    e->old_middle = (uint16_t)(a_len - prefix - suffix);
    e->new_middle = (uint16_t)(b_len - prefix - suffix);
}

/* Builds the record and changes the page, whose latch is held. */
static void change_entry(struct proc *p, struct tree_writer *w, struct tree t,
                         const struct tree_place *place, const struct entry_change *c) {
    struct rec_builder b;
    struct rec_entry e = {.root = t.root.no,
                          .old_stamp = c->old_stamp,
                          .old_lsn = c->old ? c->old->lsn : 0,
                          .key_len = c->key_len,
                          .old_flags = c->old ? c->old->flags : ENTRY_FIRST,
                          .new_flags = c->new_flags,
                          .new_stamp = c->new_stamp,
                          .new_lsn = c->new_lsn.at};
    find_middles(c, &e);
    bool undo = c->type == REC_ENTRY_RESTORE || c->type == REC_ENTRY_REMOVE;
    rec_begin(&b, c->type, t, 1);
    b.r->txid = w->x;
    b.r->txn_prev = w->last.at;
    if (undo && w->x) {
        b.r->flags = REC_COMPENSATION;
        b.r->txn_prev = w->undo_next;
    }
    size_t offset = rec_add(&b, &e, sizeof e);
    rec_add(&b, c->key, c->key_len);
    if (c->old) rec_add(&b, c->old->value + e.prefix, e.old_middle);
    rec_add(&b, (const char *)c->value + e.prefix, e.new_middle);
    rec_set_page(&b, 0, place->page, 0, offset);
    rec_end(&b);
    struct frame *frames[] = {place->frame};
    w->last = page_change(p, b.r, frames);
    w->changes++;
    if (w->shared_last) atomic_store_explicit(w->shared_last, w->last.at, memory_order_release);
}

/* A leaf that is latched, and its entry with the key, if there is one. */
struct leaf {
    struct tree_place place;
    struct node_view v;
    struct node_entry old; /* all zero: none */
    unsigned at;
    bool found;
};

static struct tree_leaf *remembered(struct tree_writer *w, struct tree t) {
    return &w->leaves[t.root.no % TREE_LEAVES];
}

/* The writer's last leaf of the tree, latched, if it is as it was and the key belongs there too. */
static bool latch_again(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                        size_t key_len, struct leaf *leaf) {
    const struct tree_leaf *last = remembered(w, t);
    if (last->root.no != t.root.no || !t.root.no) return false;
    if (!ok(page_latch_from(p, last->frame, last->page, last->version))) return false;
    leaf->place =
        (struct tree_place){.frame = last->frame, .page = last->page, .version = last->version};
    if (node_view(frame_bytes(p->shm, last->frame), &leaf->v) &&
        node_covers(&leaf->v, key, key_len))
        return true;
    page_unlatch_unchanged(last->frame);
    return false;
}

static status latch_once(struct proc *p, struct tree t, const void *key, size_t key_len,
                         struct tree_place *place) {
    TRY(tree_locate(p, t, 0, key, key_len, place));
    TRY(log_room(p));
    return page_latch_from(p, place->frame, place->page, place->version);
}

static status latch_found(struct proc *p, struct tree t, const void *key, size_t key_len,
                          struct leaf *leaf) {
    struct tree_place *place = &leaf->place;
    struct tree_tries tries = {0};
    status s;
    do s = latch_once(p, t, key, key_len, place);
    while (tree_again(p, &tries, s));
    TRY(s);
    if (node_view(frame_bytes(p->shm, place->frame), &leaf->v) &&
        node_covers(&leaf->v, key, key_len))
        return OK;
    page_unlatch_unchanged(place->frame);
    return STATUS(INDEX_CORRUPTED);
}

/* The bytes that an insertion will write lie at the heap's lower end, which nobody has looked at:
 * they come while the key's place is sought. */
static inline void prefetch_heap(const struct node_view *v) {
    const unsigned char *end = v->page + v->heap;
    for (int line = 0; line < ENTRY_LINES_AHEAD; line++)
        __builtin_prefetch(end - line * CACHE_LINE_BYTES - 1, 1);
}

/* The leaf where the key belongs, latched, with log room. again: it may be the one of before; then
 * its parent is not known. */
static status latch_leaf(struct proc *p, struct tree_writer *again, struct tree t, const void *key,
                         size_t key_len, struct leaf *leaf) {
    if (again) TRY(log_room(p));
    if (!again || !latch_again(p, again, t, key, key_len, leaf))
        TRY(latch_found(p, t, key, key_len, leaf));
    leaf->old = (struct node_entry){0};
    if (again) prefetch_heap(&leaf->v);
    leaf->at = node_search_ascending(&leaf->v, key, key_len, &leaf->found);
    if (leaf->at != NODE_BROKEN && (!leaf->found || node_entry_at(&leaf->v, leaf->at, &leaf->old)))
        return OK;
    page_unlatch_unchanged(leaf->place.frame);
    return STATUS(INDEX_CORRUPTED);
}

static void unlatch_and_remember(struct tree_writer *w, struct tree t, const struct leaf *leaf) {
    *remembered(w, t) = (struct tree_leaf){.root = t.root,
                                           .page = leaf->place.page,
                                           .frame = leaf->place.frame,
                                           .version = page_unlatch_to(leaf->place.frame)};
}

static void show_found(const struct node_entry *old, struct tree_found *found) {
    found->stamp = old->stamp;
    found->lsn.at = old->lsn;
    found->flags = old->flags;
    if (!(old->flags & ENTRY_LARGE) || !found->value) return;
    found->value_len = old->value_len;
    memcpy(found->value, old->value, old->value_len);
}

/* What the caller must not pass over: the newest version of a running transaction. Resolves the
 * stamp of a finished one. */
static status judge(struct proc *p, const struct tree_writer *w, const struct node_entry *old,
                    tree_is_running is_running, stamp *ret_stamp, struct tree_found *ret_found) {
    commit_time time = 0;
    *ret_stamp = old->stamp;
    if (ret_found) show_found(old, ret_found);
    if (!stamp_is_txid(old->stamp) || stamp_txid(old->stamp) == w->x) return OK;
    if (is_running(p, stamp_txid(old->stamp), &time)) return STATUS(ROW_BUSY);
    *ret_stamp = time;
    if (ret_found) ret_found->stamp = time;
    return OK;
}

/* insert: key and value are given. update: a new value over `expected`. delete: value NULL. */
struct wish {
    bool insert;
    bool over; /* an insert over the delete mark `expected` and no other */
    bool remove;
    lsn expected;
    const void *value;
    size_t value_len;
    bool large;
};

static status decide(const struct wish *wish, bool found, const struct node_entry *old,
                     struct entry_change *c) {
    bool live = found && !(old->flags & ENTRY_DELETED);
    if (wish->insert) {
        if (live || (wish->over && old->lsn != wish->expected.at)) return STATUS(EXISTS);
        c->type = found ? REC_ENTRY_UPDATE : REC_ENTRY_INSERT;
        c->new_flags = (uint8_t)((found ? 0 : ENTRY_FIRST) | (wish->large ? ENTRY_LARGE : 0));
        return OK;
    }
    if (!live || old->lsn != wish->expected.at) return STATUS(ROW_CHANGED);
    c->type = wish->remove ? REC_ENTRY_DELETE : REC_ENTRY_UPDATE;
    c->new_flags = wish->large ? ENTRY_LARGE : 0;
    if (wish->remove) {
        c->new_flags = ENTRY_DELETED | (old->flags & ENTRY_LARGE);
        c->value = old->value;
        c->value_len = old->value_len;
    }
    return OK;
}

/* The guard of a row's writer has the last word. */
static status ask_guard(struct proc *p, const struct tree_writer *w, const struct node_entry *old,
                        struct entry_change *c) {
    struct tree_guard *g = w->guard;
    if (!g) return OK;
    g->blocked = g->blocks(p, g);
    if (g->blocked) return STATUS(ROW_BUSY);
    bool own = stamp_is_txid(old->stamp) && stamp_txid(old->stamp) == w->x;
    bool strong = own && !(old->flags & ENTRY_NO_KEY);
    c->new_flags |= strong ? g->new_flags & ~ENTRY_NO_KEY : g->new_flags;
    return OK;
}

static bool has_room(const struct node_view *v, const struct entry_change *c) {
    if (c->old) return node_free_bytes(v) + c->old->value_len >= c->value_len;
    return node_free_bytes(v) >= node_leaf_bytes(v, c->key_len, c->value_len);
}

static status write_entry(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                          size_t key_len, const struct wish *wish, tree_is_running is_running,
                          struct tree_found *ret_found) {
    if (key_len > TREE_KEY_BYTES_MAX || key_len + wish->value_len > TREE_ENTRY_BYTES_MAX)
        return STATUS(PROGRAM_LIMIT_EXCEEDED);
    for (;;) {
        struct leaf leaf;
        TRY(latch_leaf(p, wish->insert ? w : NULL, t, key, key_len, &leaf));
        struct entry_change c = {.key = key,
                                 .key_len = (uint16_t)key_len,
                                 .old = leaf.found ? &leaf.old : NULL,
                                 .value = wish->value,
                                 .value_len = wish->value_len};
        status s = OK;
        if (leaf.found) s = judge(p, w, &leaf.old, is_running, &c.old_stamp, ret_found);
        if (ok(s)) s = decide(wish, leaf.found, &leaf.old, &c);
        if (ok(s) && !wish->insert) s = ask_guard(p, w, &leaf.old, &c);
        if (ok(s) && has_room(&leaf.v, &c)) {
            change_entry(p, w, t, &leaf.place, &c);
            unlatch_and_remember(w, t, &leaf);
            return OK;
        }
        page_unlatch_unchanged(leaf.place.frame);
        if (!ok(s)) return s;
        TRY(tree_make_room(p, t, 0, key, key_len, c.value_len));
    }
}

status tree_insert_value(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                         size_t key_len, const struct tree_value *value, tree_is_running is_running,
                         struct tree_found *ret_found) {
    struct wish wish = {
        .insert = true, .value = value->bytes, .value_len = value->len, .large = value->large};
    return write_entry(p, w, t, key, key_len, &wish, is_running, ret_found);
}

status tree_insert_over(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                        size_t key_len, lsn expected, const struct tree_value *value,
                        tree_is_running is_running, struct tree_found *ret_found) {
    struct wish wish = {.insert = true,
                        .over = true,
                        .expected = expected,
                        .value = value->bytes,
                        .value_len = value->len,
                        .large = value->large};
    return write_entry(p, w, t, key, key_len, &wish, is_running, ret_found);
}

status tree_update_value(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                         size_t key_len, lsn expected, const struct tree_value *value,
                         tree_is_running is_running, struct tree_found *ret_found) {
    struct wish wish = {.expected = expected,
                        .value = value->bytes,
                        .value_len = value->len,
                        .large = value->large};
    return write_entry(p, w, t, key, key_len, &wish, is_running, ret_found);
}

status tree_insert(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                   size_t key_len, const void *value, size_t value_len, tree_is_running is_running,
                   struct tree_found *ret_found) {
    struct tree_value v = {value, value_len, false};
    return tree_insert_value(p, w, t, key, key_len, &v, is_running, ret_found);
}

status tree_update(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                   size_t key_len, lsn expected, const void *value, size_t value_len,
                   tree_is_running is_running, struct tree_found *ret_found) {
    struct tree_value v = {value, value_len, false};
    return tree_update_value(p, w, t, key, key_len, expected, &v, is_running, ret_found);
}

status tree_delete(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                   size_t key_len, lsn expected, tree_is_running is_running,
                   struct tree_found *ret_found) {
    struct wish wish = {.remove = true, .expected = expected};
    return write_entry(p, w, t, key, key_len, &wish, is_running, ret_found);
}

/* The compensation of r, whose version `old` is on the page. Values go through buf. */
static status compensation_of(const struct rec_head *r, const struct rec_entry_view *view,
                              const struct node_entry *old, unsigned char *buf,
                              struct entry_change *c) {
    *c = (struct entry_change){.key = view->key,
                               .key_len = view->e->key_len,
                               .old = old,
                               .old_stamp = old->stamp,
                               .value = old->value,
                               .value_len = old->value_len,
                               .type = REC_ENTRY_REMOVE};
    if (r->type == REC_ENTRY_INSERT) return OK;
    struct tree_entry e = {.key = view->key,
                           .key_len = view->e->key_len,
                           .value = old->value,
                           .value_len = old->value_len};
    TRY(tree_version_before(r, &e, buf));
    c->type = REC_ENTRY_RESTORE;
    c->value = e.value;
    c->value_len = e.value_len;
    c->new_flags = e.flags;
    c->new_stamp = e.stamp;
    c->new_lsn = e.lsn;
    return OK;
}

/* After an entry has been taken off: the leaf may want a neighbour. */
static status leave_removed(struct proc *p, struct tree t, const struct tree_place *place,
                            const void *key, size_t key_len) {
    struct node_view v;
    bool sparse = node_view(frame_bytes(p->shm, place->frame), &v) &&
                  node_entry_bytes(&v) < NODE_SPARSE_BYTES;
    page_unlatch(place->frame);
    return sparse && place->parent ? tree_merge_at(p, t, key, key_len) : OK;
}

static struct entry_change removal_of(const void *key, size_t key_len,
                                      const struct node_entry *old) {
    return (struct entry_change){.type = REC_ENTRY_REMOVE,
                                 .key = key,
                                 .key_len = (uint16_t)key_len,
                                 .old = old,
                                 .old_stamp = old->stamp,
                                 .value = old->value,
                                 .value_len = old->value_len};
}

status tree_undo_put(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                     size_t key_len, lsn at) {
    struct leaf leaf;
    TRY(latch_leaf(p, NULL, t, key, key_len, &leaf));
    if (!leaf.found || leaf.old.lsn != at.at) {
        page_unlatch_unchanged(leaf.place.frame);
        return OK;
    }
    struct entry_change c = removal_of(key, key_len, &leaf.old);
    change_entry(p, w, t, &leaf.place, &c);
    counter_add(p, COUNTER_UNDO_RECORDS, 1);
    return leave_removed(p, t, &leaf.place, key, key_len);
}

static status undo_entry(struct proc *p, struct tree_writer *w, const struct rec_head *r, lsn at) {
    struct rec_entry_view view;
    TRY(rec_entry_parse(r, &view));
    struct tree t = {.root = {view.e->root}, .id = r->tree};
    for (;;) {
        unsigned char buf[TREE_ENTRY_BYTES_MAX];
        struct leaf leaf;
        struct entry_change c;
        TRY(latch_leaf(p, NULL, t, view.key, view.e->key_len, &leaf));
        if (!leaf.found || leaf.old.lsn != at.at) {
            page_unlatch_unchanged(leaf.place.frame);
            return OK;
        }
        status s = compensation_of(r, &view, &leaf.old, buf, &c);
        if (ok(s) && (c.type == REC_ENTRY_REMOVE || has_room(&leaf.v, &c))) {
            change_entry(p, w, t, &leaf.place, &c);
            counter_add(p, COUNTER_UNDO_RECORDS, 1);
            return leave_removed(p, t, &leaf.place, view.key, view.e->key_len);
        }
        page_unlatch_unchanged(leaf.place.frame);
        TRY(s);
        TRY(tree_make_room(p, t, 0, view.key, view.e->key_len, c.value_len));
    }
}

status tree_undo(struct proc *p, struct tree_writer *w, const struct rec_head *r, lsn at) {
    if (r->type == REC_TREE_CREATE) {
        struct tree t = {.root = {rec_pages_c(r)[0].page}, .id = r->tree};
        return tree_free_created(p, t, at, (lsn){at.at + 1});
    }
    bool fill = r->type == REC_TREE_FILL;
    if (r->type != REC_ENTRY_INSERT && r->type != REC_ENTRY_UPDATE && r->type != REC_ENTRY_DELETE &&
        !fill)
        return STATUS(INVALID);
    uint64_t undo_next = w->undo_next;
    w->undo_next = r->txn_prev;
    status s = fill ? tree_undo_fill(p, w, r, at) : undo_entry(p, w, r, at);
    w->undo_next = undo_next;
    return s;
}

status tree_purge(struct proc *p, struct tree t, const void *key, size_t key_len, lsn expected) {
    struct tree_writer w = {0};
    struct leaf leaf;
    TRY(latch_leaf(p, NULL, t, key, key_len, &leaf));
    const struct node_entry *old = &leaf.old;
    if (!leaf.found || old->lsn != expected.at || !(old->flags & ENTRY_DELETED)) {
        page_unlatch_unchanged(leaf.place.frame);
        return OK;
    }
    struct entry_change c = removal_of(key, key_len, old);
    change_entry(p, &w, t, &leaf.place, &c);
    counter_add(p, COUNTER_PURGED_ENTRIES, 1);
    PROBE(axolotl_tree, purge, t.id, leaf.place.page.no, key_len);
    return leave_removed(p, t, &leaf.place, key, key_len);
}
