/* Making and changing nodes. */
#include <string.h>

#include "base/bytes.h"
#include "fmt/node_slot.h"

void node_format(void *page, const struct node_spec *spec) {
    struct node_page *n = page;
    unsigned char *end = (unsigned char *)page + PAGE_CONTENT_END;
    memset(page, 0, PAGE_BYTES);
    n->head = (struct page_head){.type = PAGE_TYPE_TREE,
                                 .level = spec->level,
                                 .version = PAGE_FORMAT,
                                 .page = spec->page.no,
                                 .tree = spec->tree};
    n->low_len = spec->low_len;
    n->high_len = spec->flags & NODE_RIGHTMOST ? 0 : spec->high_len;
    n->flags = spec->flags;
    n->heap = (uint16_t)(PAGE_CONTENT_END - n->low_len - n->high_len);
    n->first = spec->first;
    n->created = spec->created;
    if (n->low_len) memcpy(end - n->low_len, spec->low, n->low_len);
    if (n->high_len) memcpy((char *)page + n->heap, spec->high, n->high_len);
    n->prefix = (uint16_t)key_common(spec->low, n->low_len, spec->high, n->high_len);
}

/* Moves the entries together at the end of the page, in slot order, so that all free bytes are one
 * hole. false: they overlap or leave the page. */
static bool node_compact(void *page, struct node_view *v) {
    static _Thread_local _Alignas(8) unsigned char scratch[PAGE_BYTES];
    static _Thread_local uint16_t at[PAGE_BYTES / sizeof(struct node_slot)];
    struct node_page *n = page;
    size_t end = PAGE_CONTENT_END - v->low_len - v->high_len, heap = end;
    size_t lowest = sizeof(struct node_page) + v->count * sizeof(struct node_slot);
    for (unsigned i = 0; i < v->count; i++) {
        struct node_entry e;
        if (!node_entry_at(v, i, &e)) return false;
        size_t bytes = (size_t)v->entry_head + e.key_len + e.value_len;
        if (heap - lowest < bytes) return false;
        heap -= bytes;
        memcpy(scratch + heap, v->page + e.at, bytes);
        at[i] = (uint16_t)heap;
    }
    memset((char *)page + lowest, 0, heap - lowest);
    memcpy((char *)page + heap, scratch + heap, end - heap);
    for (unsigned i = 0; i < v->count; i++) n->slots[i].at = at[i];
    n->heap = v->heap = (uint16_t)heap;
    n->garbage = v->garbage = 0;
    return true;
}

/* Makes a slot at position i and `bytes` of heap for it. */
static status node_open(void *page, struct node_view *v, unsigned i, size_t bytes,
                        unsigned char **ret_entry) {
    struct node_page *n = page;
    if (node_free_bytes(v) < bytes + sizeof(struct node_slot)) return STATUS(FULL);
    if (node_free_bytes(v) - v->garbage < bytes + sizeof(struct node_slot)) {
        if (!node_compact(page, v)) return STATUS(INVALID);
        if (node_free_bytes(v) < bytes + sizeof(struct node_slot)) return STATUS(INVALID);
    }
    memmove(&n->slots[i + 1], &n->slots[i], (v->count - i) * sizeof(struct node_slot));
    n->heap = (uint16_t)(n->heap - bytes);
    n->slots[i].at = n->heap;
    n->count++;
    *ret_entry = (unsigned char *)page + n->heap;
    return OK;
}

static void leaf_write(unsigned char *entry, const struct node_value *nv, const void *key,
                       size_t key_len) {
    store_le64(entry, nv->stamp);
    store_le64(entry + 8, nv->lsn);
    store_le16(entry + 16, nv->len);
    entry[18] = nv->flags;
    entry[19] = 0;
    if (key_len) memcpy(entry + NODE_LEAF_HEAD, key, key_len);
    if (nv->len) memcpy(entry + NODE_LEAF_HEAD + key_len, nv->bytes, nv->len);
}

/* Where a whole key that is not there yet belongs. */
static status node_place(const struct node_view *v, const void *key, size_t key_len,
                         unsigned *ret_i) {
    bool found;
    if (key_len > NODE_KEY_BYTES_MAX || !node_covers(v, key, key_len)) return STATUS(INVALID);
    /* A page whose prefix is not what its fences share is corrupt; its keys would go astray. */
    if (key_len < v->prefix || memcmp(key, node_low(v), v->prefix) != 0) return STATUS(INVALID);
    *ret_i = node_search_ascending(v, key, key_len, &found);
    return found || *ret_i == NODE_BROKEN ? STATUS(INVALID) : OK;
}

/* Gives slot i, whose entry is not written yet, its key. When that shares less with the others than
 * they share with one another, all heads move. */
static status slot_set_key(void *page, unsigned i, const unsigned char *key, size_t key_len) {
    struct node_page *n = page;
    struct node_view v;
    struct node_entry e;
    n->slots[i].key_len = (uint16_t)key_len;
    if (!node_view(page, &v)) return STATUS(INVALID);
    if (v.count == 1) {
        n->skip = v.skip = (uint16_t)key_len;
    } else if (v.skip) {
        /* All others share it; the first one's was looked at when the place was sought. */
        if (!node_entry_at(&v, i ? 0 : 1, &e) || e.key_len < v.skip) return STATUS(INVALID);
        size_t shared = key_common(key, key_len, e.key, v.skip);
        if (shared < v.skip) {
            n->skip = v.skip = (uint16_t)shared;
            for (unsigned j = 0; j < v.count; j++) {
                if (j == i) continue;
                if (!node_entry_at(&v, j, &e) || e.key_len < shared) return STATUS(INVALID);
                n->slots[j].head = key_head(e.key + shared, e.key_len - shared);
            }
        }
    }
    n->slots[i].head = key_head(key + v.skip, key_len - v.skip);
    return OK;
}

status node_leaf_insert(void *page, const void *key, size_t key_len, const struct node_value *nv) {
    struct node_view v;
    unsigned i;
    unsigned char *entry;
    if (!node_view(page, &v) || v.level) return STATUS(INVALID);
    if (key_len + nv->len > NODE_ENTRY_BYTES_MAX) return STATUS(INVALID);
    TRY(node_place(&v, key, key_len, &i));
    const unsigned char *rest = (const unsigned char *)key + v.prefix;
    size_t rest_len = key_len - v.prefix;
    TRY(node_open(page, &v, i, NODE_LEAF_HEAD + rest_len + nv->len, &entry));
    TRY(slot_set_key(page, i, rest, rest_len));
    leaf_write(entry, nv, rest, rest_len);
    return OK;
}

status node_inner_insert(void *page, const void *key, size_t key_len, uint64_t child) {
    struct node_view v;
    unsigned i;
    unsigned char *entry;
    if (!node_view(page, &v) || !v.level || child == 0) return STATUS(INVALID);
    TRY(node_place(&v, key, key_len, &i));
    const unsigned char *rest = (const unsigned char *)key + v.prefix;
    size_t rest_len = key_len - v.prefix;
    TRY(node_open(page, &v, i, NODE_INNER_HEAD + rest_len, &entry));
    TRY(slot_set_key(page, i, rest, rest_len));
    store_le64(entry, child);
    if (rest_len) memcpy(entry + NODE_INNER_HEAD, rest, rest_len);
    return OK;
}

static void node_discard(void *page, const struct node_view *v, unsigned i, size_t bytes) {
    struct node_page *n = page;
    memmove(&n->slots[i], &n->slots[i + 1], (v->count - i - 1) * sizeof(struct node_slot));
    n->count--;
    n->garbage = (uint16_t)(n->garbage + bytes);
    if (n->count == 0) {
        n->heap = (uint16_t)(PAGE_CONTENT_END - v->low_len - v->high_len);
        n->garbage = 0;
        n->skip = 0;
    }
}

status node_remove(void *page, unsigned i) {
    struct node_view v;
    struct node_entry e;
    if (!node_view(page, &v) || !node_entry_at(&v, i, &e)) return STATUS(INVALID);
    size_t bytes = (size_t)v.entry_head + e.key_len + e.value_len;
    size_t used = PAGE_CONTENT_END - v.low_len - v.high_len - v.heap;
    if (bytes > used - v.garbage) return STATUS(INVALID);
    node_discard(page, &v, i, bytes);
    return OK;
}

/* A greater value: the entry moves to new heap bytes. */
static status leaf_regrow(void *page, const struct node_view *v, unsigned i,
                          const struct node_entry *e, const struct node_value *nv) {
    unsigned char key[NODE_KEY_BYTES_MAX];
    unsigned char *entry;
    size_t key_len = e->key_len;
    if (node_free_bytes(v) + e->value_len < nv->len) return STATUS(FULL);
    memcpy(key, e->key, key_len);
    TRY(node_remove(page, i));
    struct node_view after;
    if (!node_view(page, &after)) return STATUS(INVALID);
    TRY(node_open(page, &after, i, NODE_LEAF_HEAD + key_len + nv->len, &entry));
    TRY(slot_set_key(page, i, key, key_len));
    leaf_write(entry, nv, key, key_len);
    return OK;
}

status node_leaf_replace(void *page, unsigned i, const struct node_value *nv) {
    struct node_view v;
    struct node_entry e;
    if (!node_view(page, &v) || v.level || !node_entry_at(&v, i, &e)) return STATUS(INVALID);
    if ((size_t)v.prefix + e.key_len + nv->len > NODE_ENTRY_BYTES_MAX) return STATUS(INVALID);
    if (nv->len > e.value_len) return leaf_regrow(page, &v, i, &e, nv);
    struct node_page *n = page;
    size_t used = PAGE_CONTENT_END - v.low_len - v.high_len - v.heap;
    unsigned less = e.value_len - nv->len;
    if (less > used - v.garbage) return STATUS(INVALID);
    unsigned char *entry = (unsigned char *)page + e.at;
    store_le64(entry, nv->stamp);
    store_le64(entry + 8, nv->lsn);
    store_le16(entry + 16, nv->len);
    entry[18] = nv->flags;
    if (nv->len) memcpy(entry + NODE_LEAF_HEAD + e.key_len, nv->bytes, nv->len);
    n->garbage = (uint16_t)(v.garbage + less);
    return OK;
}

status node_set_child(void *page, unsigned index, uint64_t child) {
    struct node_view v;
    struct node_entry e;
    if (!node_view(page, &v) || !v.level) return STATUS(INVALID);
    if (index == 0) {
        ((struct node_page *)page)->first = child;
        return OK;
    }
    if (!node_entry_at(&v, index - 1, &e)) return STATUS(INVALID);
    store_le64((unsigned char *)page + e.at, child);
    return OK;
}

status node_append(void *page, const void *key, size_t key_len, const void *payload,
                   size_t payload_len) {
    struct node_view v;
    unsigned i;
    unsigned char *entry;
    if (!node_view(page, &v)) return STATUS(INVALID);
    size_t value_len = payload_len - v.entry_head;
    if (payload_len < v.entry_head || (v.level && value_len)) return STATUS(INVALID);
    if (!v.level && (load_le16((const char *)payload + 16) != value_len ||
                     key_len + value_len > NODE_ENTRY_BYTES_MAX))
        return STATUS(INVALID);
    TRY(node_place(&v, key, key_len, &i));
    if (i != v.count) return STATUS(INVALID);
    const unsigned char *rest = (const unsigned char *)key + v.prefix;
    size_t rest_len = key_len - v.prefix;
    TRY(node_open(page, &v, i, payload_len + rest_len, &entry));
    TRY(slot_set_key(page, i, rest, rest_len));
    memcpy(entry, payload, v.entry_head);
    if (rest_len) memcpy(entry + v.entry_head, rest, rest_len);
    memcpy(entry + v.entry_head + rest_len, (const char *)payload + v.entry_head, value_len);
    return OK;
}

/* How the keys of one node become those of another, whose fences share more or less. */
struct rekey {
    size_t cut; /* bytes that go, … */
    size_t add; /* … or bytes of `shared` that come */
    const unsigned char *shared;
};

static status copy_entry(unsigned char *page, const struct node_view *v, unsigned from,
                         const struct rekey *k, unsigned to, size_t *heap) {
    struct node_page *n = (struct node_page *)page;
    struct node_entry e;
    if (!node_entry_at(v, from, &e) || e.key_len < k->cut) return STATUS(INVALID);
    if (k->cut && memcmp(e.key, k->shared, k->cut) != 0) return STATUS(INVALID);
    size_t key_len = e.key_len - k->cut + k->add;
    size_t bytes = v->entry_head + key_len + e.value_len;
    size_t slots_end = sizeof *n + (to + 1) * sizeof(struct node_slot);
    if (*heap < slots_end + bytes) return STATUS(FULL);
    *heap -= bytes;
    unsigned char *entry = page + *heap;
    memcpy(entry, v->page + e.at, v->entry_head);
    entry += v->entry_head;
    if (k->add) memcpy(entry, k->shared, k->add);
    memcpy(entry + k->add, e.key + k->cut, e.key_len - k->cut + e.value_len);
    n->slots[to] = (struct node_slot){.at = (uint16_t)*heap, .key_len = (uint16_t)key_len};
    return OK;
}

/* After entries were put behind the others, whose keys ascend: what all share is what the first and
 * the last share. */
static status set_heads(void *page) {
    struct node_page *n = page;
    struct node_view v;
    if (!node_view(page, &v)) return STATUS(INVALID);
    if (v.count == 0) return OK;
    struct slot_copy first = slot_read(&v, 0), last = slot_read(&v, v.count - 1u);
    if (!slot_fits(&v, &first) || !slot_fits(&v, &last)) return STATUS(INVALID);
    size_t skip =
        key_common(slot_key(&v, &first), first.key_len, slot_key(&v, &last), last.key_len);
    n->skip = (uint16_t)skip;
    for (unsigned i = 0; i < v.count; i++) {
        struct slot_copy s = slot_read(&v, i);
        if (!slot_fits(&v, &s) || s.key_len < skip) return STATUS(INVALID);
        n->slots[i].head = key_head(slot_key(&v, &s) + skip, s.key_len - skip);
    }
    return OK;
}

status node_append_range(void *page, const struct node_view *v, unsigned from, unsigned to) {
    struct node_page *n = page;
    struct node_view d;
    if (!node_view(page, &d) || d.level != v->level || d.garbage) return STATUS(INVALID);
    struct rekey k = {.cut = d.prefix > v->prefix ? (size_t)(d.prefix - v->prefix) : 0,
                      .add = v->prefix > d.prefix ? (size_t)(v->prefix - d.prefix) : 0};
    k.shared = d.prefix > v->prefix ? node_low(&d) + v->prefix : node_low(v) + d.prefix;
    size_t both = d.prefix < v->prefix ? d.prefix : v->prefix;
    if (from < to && both && memcmp(node_low(&d), node_low(v), both) != 0) return STATUS(INVALID);
    size_t heap = d.heap;
    for (unsigned i = from; i < to; i++) TRY(copy_entry(page, v, i, &k, d.count + i - from, &heap));
    n->heap = (uint16_t)heap;
    n->count = (uint16_t)(d.count + to - from);
    return set_heads(page);
}
