#include "fmt/apply.h"

#include <string.h>

#include "base/bytes.h"
#include "fmt/node.h"

/* What a page finds for itself in the record. */
struct part {
    const unsigned char *bytes;
    size_t len;
};

/* A new state of a whole page is made here and then copied, so that a page whose record does not
 * fit stays as it was. */
static _Thread_local _Alignas(8) unsigned char page_scratch[PAGE_BYTES];

/* Takes n bytes off the part's front; NULL when it is shorter. */
static const unsigned char *part_take(struct part *p, size_t n) {
    if (p->len < n) return NULL;
    const unsigned char *bytes = p->bytes;
    p->bytes += n;
    p->len -= n;
    return bytes;
}

/* All but the LSN, which is set last. */
static void page_assume(void *page, const void *bytes) {
    size_t lsn_at = offsetof(struct page_head, lsn), after = lsn_at + sizeof(uint64_t);
    memcpy(page, bytes, lsn_at);
    memcpy((char *)page + after, (const char *)bytes + after, PAGE_BYTES - after);
}

static status apply_image(struct part part, uint64_t page_no, lsn created, void *page) {
    struct rec_image image;
    const unsigned char *bytes = part_take(&part, sizeof image);
    if (!bytes) return STATUS(INVALID);
    memcpy(&image, bytes, sizeof image);
    if (image.lower < sizeof(struct node_page) || image.lower > image.upper ||
        image.upper > PAGE_CONTENT_END)
        return STATUS(INVALID);
    size_t above = PAGE_CONTENT_END - image.upper;
    const unsigned char *low = part_take(&part, image.lower);
    const unsigned char *high = part_take(&part, above);
    if (!low || !high) return STATUS(INVALID);
    memset(page_scratch, 0, PAGE_BYTES);
    memcpy(page_scratch, low, image.lower);
    memcpy(page_scratch + image.upper, high, above);
    struct node_page *n = (struct node_page *)page_scratch;
    n->head.crc = 0;
    n->head.page = page_no;
    n->head.version = PAGE_FORMAT;
    if (created.at) n->created = created.at;
    TRY(node_valid(page_scratch));
    page_assume(page, page_scratch);
    return OK;
}

/* Entries as yet without an LSN were written by this record. */
static status apply_filled(struct part part, uint64_t page_no, lsn at, void *page) {
    struct node_view v;
    struct node_entry e;
    TRY(apply_image(part, page_no, LSN_NONE, page));
    if (!node_view(page, &v)) return STATUS(INVALID);
    for (unsigned i = 0; !v.level && i < v.count; i++)
        if (node_entry_at(&v, i, &e) && e.lsn == 0)
            store_le64((unsigned char *)page + e.at + NODE_LEAF_LSN, at.at);
    return OK;
}

static status apply_freed(uint64_t page_no, void *page) {
    memset(page_scratch, 0, PAGE_BYTES);
    page_head(page_scratch)->version = PAGE_FORMAT;
    page_head(page_scratch)->page = page_no;
    page_assume(page, page_scratch);
    return OK;
}

static status apply_space(struct part part, uint64_t page_no, void *page) {
    struct space_page *s = page;
    if (!page_id_eq(space_page_of((page_id){page_no}), (page_id){page_no})) return STATUS(INVALID);
    if (part.len == 0 || part.len % sizeof(uint64_t) != 0) return STATUS(INVALID);
    uint64_t first = page_no - SPACE_FIRST;
    for (size_t i = 0; i < part.len; i += sizeof(uint64_t)) {
        uint64_t no = load_le64(part.bytes + i) & ~REC_SPACE_USED;
        if (no < first || no - first >= SPACE_BITS) return STATUS(INVALID);
    }
    if (s->head.type == PAGE_TYPE_NONE) {
        if (!page_is_zero(page)) return STATUS(INVALID);
        space_page_format(page, (page_id){page_no});
    } else if (s->head.type != PAGE_TYPE_SPACE || s->first != first) {
        return STATUS(INVALID);
    }
    for (size_t i = 0; i < part.len; i += sizeof(uint64_t)) {
        uint64_t word = load_le64(part.bytes + i);
        space_bit_set(s, (word & ~REC_SPACE_USED) - first, word & REC_SPACE_USED);
    }
    return OK;
}

/* New value of an entry from the old one and the record: see struct rec_entry. */
static status entry_value(const struct rec_entry_view *r, const struct node_entry *old,
                          unsigned char *buf, uint16_t *ret_len) {
    const struct rec_entry *e = r->e;
    if ((size_t)e->prefix + e->old_middle + e->suffix != old->value_len) return STATUS(INVALID);
    size_t len = (size_t)e->prefix + e->new_middle + e->suffix;
    if (len > NODE_ENTRY_BYTES_MAX) return STATUS(INVALID);
    if (e->old_middle && memcmp(old->value + e->prefix, r->old_middle, e->old_middle) != 0)
        return STATUS(INVALID);
    memcpy(buf, old->value, e->prefix);
    memcpy(buf + e->prefix, r->new_middle, e->new_middle);
    memcpy(buf + e->prefix + e->new_middle, old->value + old->value_len - e->suffix, e->suffix);
    *ret_len = (uint16_t)len;
    return OK;
}

static status apply_entry(const struct rec_head *r, lsn at, void *page) {
    unsigned char buf[NODE_ENTRY_BYTES_MAX];
    struct rec_entry_view view;
    struct node_view v;
    struct node_entry old;
    bool found;
    TRY(rec_entry_parse(r, &view));
    const struct rec_entry *e = view.e;
    bool restored = r->type == REC_ENTRY_RESTORE;
    struct node_value nv = {.flags = e->new_flags & ENTRY_FLAGS,
                            .stamp = restored  ? e->new_stamp
                                     : r->txid ? stamp_of_txid(r->txid)
                                               : 0,
                            .lsn = restored ? e->new_lsn : at.at,
                            .bytes = buf};
    if (r->type == REC_ENTRY_INSERT) {
        nv.bytes = view.new_middle;
        nv.len = e->new_middle;
        return node_leaf_insert(page, view.key, e->key_len, &nv);
    }
    if (!node_view(page, &v) || v.level) return STATUS(INVALID);
    unsigned i = node_search(&v, view.key, e->key_len, &found);
    if (i == NODE_BROKEN || !found) return STATUS(INVALID);
    if (!node_entry_at(&v, i, &old) || old.lsn != e->old_lsn) return STATUS(INVALID);
    if (r->type == REC_ENTRY_REMOVE) return node_remove(page, i);
    TRY(entry_value(&view, &old, buf, &nv.len));
    return node_leaf_replace(page, i, &nv);
}

static status split_parse(struct part part, struct rec_split *ret_split,
                          const unsigned char **ret_key) {
    const unsigned char *bytes = part_take(&part, sizeof *ret_split);
    if (!bytes) return STATUS(INVALID);
    memcpy(ret_split, bytes, sizeof *ret_split);
    *ret_key = part_take(&part, ret_split->key_len);
    bool fits =
        *ret_key && ret_split->key_len <= NODE_KEY_BYTES_MAX && ret_split->right <= PAGE_NO_MAX;
    return fits ? OK : STATUS(INVALID);
}

static void spec_of(const struct node_view *v, struct node_spec *ret_spec) {
    const struct node_page *n = (const struct node_page *)v->page;
    *ret_spec = (struct node_spec){.page = {n->head.page},
                                   .tree = n->head.tree,
                                   .level = v->level,
                                   .flags = v->flags & NODE_RIGHTMOST,
                                   .low = node_low(v),
                                   .high = node_high(v),
                                   .low_len = v->low_len,
                                   .high_len = v->high_len,
                                   .first = v->first,
                                   .created = n->created};
}

/* The page between the fences of `spec`, with its first `keep` entries. */
static status page_refence(void *page, const struct node_spec *spec, const struct node_view *v,
                           unsigned keep) {
    node_format(page_scratch, spec);
    TRY(node_append_range(page_scratch, v, 0, keep));
    TRY(node_valid(page_scratch));
    page_assume(page, page_scratch);
    return OK;
}

static status apply_split_left(struct part part, void *page) {
    struct rec_split split;
    const unsigned char *key;
    struct node_view v;
    struct node_spec spec;
    bool found;
    TRY(split_parse(part, &split, &key));
    if (!node_view(page, &v) || !node_covers(&v, key, split.key_len)) return STATUS(INVALID);
    unsigned keep = node_search(&v, key, split.key_len, &found);
    if (keep == NODE_BROKEN) return STATUS(INVALID);
    spec_of(&v, &spec);
    spec.flags = 0;
    spec.high = key;
    spec.high_len = split.key_len;
    return page_refence(page, &spec, &v, keep);
}

static status apply_split_parent(struct part part, void *page) {
    struct rec_split split;
    const unsigned char *key;
    TRY(split_parse(part, &split, &key));
    status s = node_inner_insert(page, key, split.key_len, split.right);
    return ok(s) ? OK : STATUS(INVALID);
}

static status fill_parse(struct part part, struct rec_fill *ret_fill,
                         const unsigned char **ret_key) {
    const unsigned char *bytes = part_take(&part, sizeof *ret_fill);
    if (!bytes) return STATUS(INVALID);
    memcpy(ret_fill, bytes, sizeof *ret_fill);
    *ret_key = part_take(&part, ret_fill->key_len);
    bool fits = *ret_key && ret_fill->key_len <= NODE_KEY_BYTES_MAX && ret_fill->filled != 0 &&
                ret_fill->filled <= PAGE_NO_MAX && ret_fill->next <= PAGE_NO_MAX;
    return fits ? OK : STATUS(INVALID);
}

/* The leaf that stays begins at the separator: it holds nothing below. */
static status apply_fill_next(struct part part, void *page) {
    struct rec_fill fill;
    const unsigned char *key;
    struct node_view v;
    struct node_spec spec;
    bool found;
    TRY(fill_parse(part, &fill, &key));
    if (!node_view(page, &v) || v.level || !node_covers(&v, key, fill.key_len) ||
        node_search(&v, key, fill.key_len, &found) != 0)
        return STATUS(INVALID);
    spec_of(&v, &spec);
    spec.low = key;
    spec.low_len = fill.key_len;
    return page_refence(page, &spec, &v, v.count);
}

static status apply_fill_parent(struct part part, void *page) {
    struct rec_fill fill;
    const unsigned char *key;
    struct node_view v;
    unsigned index;
    TRY(fill_parse(part, &fill, &key));
    if (!node_view(page, &v) || !v.level ||
        node_child(&v, key, fill.key_len, false, &index) != fill.next)
        return STATUS(INVALID);
    status s = node_inner_insert(page, key, fill.key_len, fill.next);
    return ok(s) ? node_set_child(page, index, fill.filled) : STATUS(INVALID);
}

static status apply_unlink_parent(struct part part, void *page) {
    struct rec_unlink u;
    struct node_view v;
    struct node_entry e;
    bool found;
    const unsigned char *bytes = part_take(&part, sizeof u);
    if (!bytes) return STATUS(INVALID);
    memcpy(&u, bytes, sizeof u);
    const unsigned char *key = part_take(&part, u.key_len);
    if (!key || u.heir > PAGE_NO_MAX || u.freed == 0 || !node_view(page, &v) || !v.level)
        return STATUS(INVALID);
    if (u.heir == 0 && u.key_len == 0) {
        if (v.count != 0 || v.first != u.freed) return STATUS(INVALID);
        return node_set_child(page, 0, 0);
    }
    unsigned i = node_search(&v, key, u.key_len, &found);
    if (i == NODE_BROKEN || !found || !node_entry_at(&v, i, &e)) return STATUS(INVALID);
    uint64_t left = node_child_at(&v, i);
    if (u.heir == 0) {
        if (e.child != u.freed) return STATUS(INVALID);
        return node_remove(page, i);
    }
    bool right_goes = left == u.heir && e.child == u.freed;
    bool left_goes = left == u.freed && e.child == u.heir;
    if (!right_goes && !left_goes) return STATUS(INVALID);
    TRY(node_set_child(page, i, u.heir));
    return node_remove(page, i);
}

/* Entries that the heir takes over. */
static status append_inherited(void *page, struct part *part, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        const unsigned char *lens = part_take(part, 4);
        if (!lens) return STATUS(INVALID);
        size_t key_len = load_le16(lens), payload_len = load_le16(lens + 2);
        const unsigned char *key = part_take(part, key_len);
        const unsigned char *payload = part_take(part, payload_len);
        if (!key || !payload) return STATUS(INVALID);
        TRY(node_append(page, key, key_len, payload, payload_len));
    }
    return OK;
}

static status apply_unlink_heir(struct part part, void *page) {
    struct rec_heir h;
    struct node_view v;
    struct node_spec spec;
    const unsigned char *bytes = part_take(&part, sizeof h);
    if (!bytes) return STATUS(INVALID);
    memcpy(&h, bytes, sizeof h);
    if (h.low_len > NODE_KEY_BYTES_MAX || h.high_len > NODE_KEY_BYTES_MAX) return STATUS(INVALID);
    const unsigned char *low = part_take(&part, h.low_len);
    const unsigned char *high = part_take(&part, h.high_len);
    if (!low || !high || !node_view(page, &v)) return STATUS(INVALID);
    spec_of(&v, &spec);
    spec.low = low;
    spec.low_len = h.low_len;
    spec.high = high;
    spec.high_len = h.high_len;
    spec.flags = h.node_flags & NODE_RIGHTMOST;
    if (v.level) spec.first = h.first;
    node_format(page_scratch, &spec);
    if (h.before) TRY(append_inherited(page_scratch, &part, h.count));
    TRY(node_append_range(page_scratch, &v, 0, v.count));
    if (!h.before) TRY(append_inherited(page_scratch, &part, h.count));
    TRY(node_valid(page_scratch));
    page_assume(page, page_scratch);
    return OK;
}

/* What the record does to its page number `role`. */
static status apply_role(const struct rec_head *r, lsn at, int role, void *page) {
    const struct rec_page *p = rec_pages_c(r) + role;
    struct part part = {(const unsigned char *)r + p->offset, p->len};
    enum { IMAGE, FREED, SPACE, LEFT, PARENT, UNLINK_PARENT, HEIR, FILLED, FILL_NEXT, FILL_PARENT };
    static const uint8_t roles[][REC_PAGES_MAX] = {
        [REC_TREE_CREATE - REC_TREE_CREATE] = {IMAGE, SPACE},
        [REC_TREE_SPLIT - REC_TREE_CREATE] = {LEFT, IMAGE, PARENT, SPACE},
        [REC_TREE_GROW - REC_TREE_CREATE] = {IMAGE, IMAGE, IMAGE, SPACE, SPACE},
        [REC_TREE_UNLINK - REC_TREE_CREATE] = {FREED, UNLINK_PARENT, SPACE, HEIR},
        [REC_TREE_FREE_ROOT - REC_TREE_CREATE] = {FREED, SPACE},
        [REC_TREE_SHRINK - REC_TREE_CREATE] = {IMAGE, FREED, SPACE},
        [REC_TREE_FILL - REC_TREE_CREATE] = {FILLED, FILL_NEXT, FILL_PARENT, SPACE},
    };
    if (r->type < REC_TREE_CREATE || r->type > REC_TREE_FILL) return apply_entry(r, at, page);
    switch (roles[r->type - REC_TREE_CREATE][role]) {
    case IMAGE: return apply_image(part, p->page, r->type == REC_TREE_CREATE ? at : LSN_NONE, page);
    case FREED: return apply_freed(p->page, page);
    case SPACE: return apply_space(part, p->page, page);
    case LEFT: return apply_split_left(part, page);
    case PARENT: return apply_split_parent(part, page);
    case FILLED: return apply_filled(part, p->page, at, page);
    case FILL_NEXT: return apply_fill_next(part, page);
    case FILL_PARENT: return apply_fill_parent(part, page);
    case UNLINK_PARENT: return apply_unlink_parent(part, page);
    default: return apply_unlink_heir(part, page);
    }
}

status apply(const struct rec_head *r, lsn at, int role, void *page) {
    if (role < 0 || role >= r->npages) return STATUS(INVALID);
    const struct rec_page *p = rec_pages_c(r) + role;
    struct page_head *h = page;
    if (!(p->flags & REC_PAGE_INIT)) {
        /* Not its turn: a record before this one is missing, or this one was there already. */
        if (h->lsn != p->prev_lsn) return STATUS(INVALID);
        if (h->version != 0 && h->page != p->page) return STATUS(INVALID);
    }
    TRY(apply_role(r, at, role, page));
    __atomic_store_n(&h->lsn, at.at, __ATOMIC_RELEASE);
    return OK;
}
