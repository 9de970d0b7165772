#include "fmt/node.h"

#include <string.h>

#include "base/bytes.h"

/* The eight lengths of a node's head and of a view lie alike: they are read as two words. */
_Static_assert(offsetof(struct node_page, skip) - offsetof(struct node_page, count) == 14 &&
                   offsetof(struct node_view, skip) - offsetof(struct node_view, count) == 14,
               "two words");
static inline void read_lengths(const struct node_page *n, struct node_view *v) {
    const uint64_t *from = (const uint64_t *)(const void *)&n->count;
    uint64_t words[2] = {__atomic_load_n(from, __ATOMIC_RELAXED),
                         __atomic_load_n(from + 1, __ATOMIC_RELAXED)};
    memcpy(&v->count, words, sizeof words);
}

static inline uint32_t key_head(const unsigned char *key, size_t len) {
    if (len >= 4) return load_be32(key);
    uint32_t head = 0;
    for (size_t i = 0; i < len; i++) head |= (uint32_t)key[i] << (24 - 8 * i);
    return head;
}

size_t key_common(const void *a, size_t a_len, const void *b, size_t b_len) {
    const unsigned char *x = a, *y = b;
    size_t n = a_len < b_len ? a_len : b_len, i = 0;
    while (i < n && x[i] == y[i]) i++;
    return i;
}

int key_compare(const void *a, size_t a_len, const void *b, size_t b_len) {
    size_t n = a_len < b_len ? a_len : b_len;
    int c = n ? memcmp(a, b, n) : 0;
    return c ? c : (a_len > b_len) - (a_len < b_len);
}

size_t key_separator(const void *a, size_t a_len, const void *b, size_t b_len) {
    size_t n = key_common(a, a_len, b, b_len);
    return n < b_len ? n + 1 : b_len;
}

bool node_view(const void *page, struct node_view *ret_view) {
    const struct node_page *n = page;
    if (__atomic_load_n(&n->head.type, __ATOMIC_RELAXED) != PAGE_TYPE_TREE) return false;
    uint8_t level = __atomic_load_n(&n->head.level, __ATOMIC_RELAXED);
    struct node_view v;
    v.page = page;
    read_lengths(n, &v);
    v.level = level;
    v.entry_head = level ? NODE_INNER_HEAD : NODE_LEAF_HEAD;
    v.first = __atomic_load_n(&n->first, __ATOMIC_RELAXED);
    if (v.low_len > NODE_KEY_BYTES_MAX || v.high_len > NODE_KEY_BYTES_MAX || v.prefix > v.low_len ||
        level >= NODE_LEVELS_MAX)
        return false;
    size_t fences = PAGE_CONTENT_END - v.low_len - v.high_len;
    if (v.heap > fences || v.garbage > fences - v.heap) return false;
    if (sizeof(struct node_page) + v.count * sizeof(struct node_slot) > v.heap) return false;
    *ret_view = v;
    return true;
}

/* The slot as one word, read once. */
struct slot_copy {
    uint16_t at, key_len;
    uint32_t head;
};
static inline struct slot_copy slot_read(const struct node_view *v, unsigned i) {
    const struct node_page *n = (const struct node_page *)v->page;
    uint64_t w = __atomic_load_n((const uint64_t *)(const void *)&n->slots[i], __ATOMIC_RELAXED);
    return (struct slot_copy){
        .at = (uint16_t)w, .key_len = (uint16_t)(w >> 16), .head = (uint32_t)(w >> 32)};
}

static inline bool slot_fits(const struct node_view *v, const struct slot_copy *s) {
    size_t end = PAGE_CONTENT_END - v->low_len - v->high_len;
    return s->at >= v->heap && (size_t)s->at + v->entry_head + s->key_len <= end &&
           s->key_len + v->prefix <= NODE_KEY_BYTES_MAX;
}

bool node_entry_at(const struct node_view *v, unsigned i, struct node_entry *ret_entry) {
    if (i >= v->count) return false;
    struct slot_copy s = slot_read(v, i);
    if (!slot_fits(v, &s)) return false;
    const unsigned char *bytes = v->page + s.at;
    struct node_entry e = {
        .key = bytes + v->entry_head, .key_len = s.key_len, .at = s.at, .value_len = 0};
    e.value = e.key + s.key_len;
    if (v->level) {
        e.child = load_le64(bytes);
    } else {
        e.stamp = load_le64(bytes);
        e.lsn = load_le64(bytes + 8);
        e.value_len = load_le16(bytes + 16);
        e.flags = bytes[18];
        size_t end = PAGE_CONTENT_END - v->low_len - v->high_len;
        if ((size_t)s.at + NODE_LEAF_HEAD + s.key_len + e.value_len > end) return false;
        if (e.value_len > NODE_ENTRY_BYTES_MAX) return false;
    }
    *ret_entry = e;
    return true;
}

/* Order of the slot's key against the key looked for, whose heads are equal. */
static inline int compare_tail(const struct node_view *v, const struct slot_copy *s,
                               const unsigned char *key, size_t key_len) {
    size_t n = s->key_len < key_len ? s->key_len : key_len, same = v->skip + 4u;
    int c = n > same ? memcmp(v->page + s->at + v->entry_head + same, key + same, n - same) : 0;
    return c ? c : (s->key_len > key_len) - (s->key_len < key_len);
}

/* The first slot in [from, to) whose head is ≥ `head`. Without branches that depend on the keys:
 * the processor could not guess them (Khuong, Morin: Array Layouts for Comparison-Based Searching,
 * 2017, section 2). */
static inline unsigned search_heads(const struct node_view *v, unsigned from, unsigned to,
                                    uint32_t head) {
    const struct node_slot *slots = ((const struct node_page *)v->page)->slots;
    unsigned n = to - from;
    if (n == 0) return from;
    while (n > 1) {
        unsigned half = n / 2;
        uint32_t h = __atomic_load_n(&slots[from + half - 1].head, __ATOMIC_RELAXED);
        from += h < head ? half : 0;
        n -= half;
    }
    return from + (__atomic_load_n(&slots[from].head, __ATOMIC_RELAXED) < head);
}

/* Among the slots from `from` on that share the head looked for. */
static unsigned search_equal_heads(const struct node_view *v, unsigned from, uint32_t head,
                                   const unsigned char *key, size_t key_len, bool *ret_found) {
    unsigned to = from + 1;
    if (to < v->count && slot_read(v, to).head == head)
        to = head == UINT32_MAX ? v->count : search_heads(v, to, v->count, head + 1);
    while (from < to) {
        unsigned mid = (from + to) / 2;
        struct slot_copy s = slot_read(v, mid);
        if (!slot_fits(v, &s)) return NODE_BROKEN;
        int c = compare_tail(v, &s, key, key_len);
        if (c == 0) {
            *ret_found = true;
            return mid;
        }
        if (c < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

/* Order of a key against bytes that all keys looked through begin with; 0: it begins so too. */
static inline int compare_start(const unsigned char *key, size_t key_len,
                                const unsigned char *start, size_t start_len) {
    size_t both = key_len < start_len ? key_len : start_len;
    int c = both ? memcmp(key, start, both) : 0; /* an empty key may be a null pointer */
    return c ? c : -(key_len < start_len);
}

unsigned node_search(const struct node_view *v, const void *key, size_t key_len, bool *ret_found) {
    *ret_found = false;
    const unsigned char *k = key;
    if (v->count == 0) return 0;
    if (v->prefix) {
        int c = compare_start(k, key_len, node_low(v), v->prefix);
        if (c) return c < 0 ? 0 : v->count;
        k += v->prefix;
        key_len -= v->prefix;
    }
    if (v->skip) {
        struct slot_copy first = slot_read(v, 0);
        if (!slot_fits(v, &first) || first.key_len < v->skip) return NODE_BROKEN;
        int c = compare_start(k, key_len, v->page + first.at + v->entry_head, v->skip);
        if (c) return c < 0 ? 0 : v->count;
    }
    uint32_t head = key_head(k + v->skip, key_len - v->skip);
    unsigned at = search_heads(v, 0, v->count, head);
    if (at == v->count || slot_read(v, at).head != head) return at;
    return search_equal_heads(v, at, head, k, key_len, ret_found);
}

uint64_t node_child_at(const struct node_view *v, unsigned index) {
    if (index == 0) return v->first;
    struct node_entry e;
    return v->level && node_entry_at(v, index - 1, &e) ? e.child : 0;
}

uint64_t node_child(const struct node_view *v, const void *key, size_t key_len, bool below,
                    unsigned *ret_index) {
    unsigned index;
    if (!v->level) return 0;
    if (below && key_len == 0) {
        index = v->count;
    } else {
        bool found;
        index = node_search(v, key, key_len, &found);
        if (index == NODE_BROKEN) return 0;
        if (found && !below) index++;
    }
    if (ret_index) *ret_index = index;
    uint64_t child = node_child_at(v, index);
    return child <= PAGE_NO_MAX ? child : 0;
}

size_t node_key(const struct node_view *v, const struct node_entry *e, unsigned char *buf) {
    memcpy(buf, node_low(v), v->prefix);
    memcpy(buf + v->prefix, e->key, e->key_len);
    return (size_t)v->prefix + e->key_len;
}

bool node_covers(const struct node_view *v, const void *key, size_t key_len) {
    if (key_compare(key, key_len, node_low(v), v->low_len) < 0) return false;
    return v->flags & NODE_RIGHTMOST || key_compare(key, key_len, node_high(v), v->high_len) < 0;
}

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
    *ret_i = node_search(v, key, key_len, &found);
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
    } else {
        if (!node_entry_at(&v, i ? i - 1 : i + 1, &e) || e.key_len < v.skip) return STATUS(INVALID);
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

status node_append_range(void *page, const struct node_view *v, unsigned from, unsigned to) {
    unsigned char key[NODE_KEY_BYTES_MAX];
    unsigned char payload[NODE_LEAF_HEAD + NODE_ENTRY_BYTES_MAX];
    for (unsigned i = from; i < to; i++) {
        struct node_entry e;
        if (!node_entry_at(v, i, &e)) return STATUS(INVALID);
        size_t key_len = node_key(v, &e, key);
        memcpy(payload, v->page + e.at, v->entry_head);
        memcpy(payload + v->entry_head, e.value, e.value_len);
        TRY(node_append(page, key, key_len, payload, (size_t)v->entry_head + e.value_len));
    }
    return OK;
}

status node_valid(const void *page) {
    struct node_view v;
    const struct page_head *h = page;
    if (!node_view(page, &v) || h->version != PAGE_FORMAT) return STATUS(INVALID);
    if (v.flags & ~NODE_RIGHTMOST || (v.flags & NODE_RIGHTMOST && v.high_len))
        return STATUS(INVALID);
    if (!(v.flags & NODE_RIGHTMOST) &&
        key_compare(node_low(&v), v.low_len, node_high(&v), v.high_len) >= 0)
        return STATUS(INVALID);
    if (v.prefix != key_common(node_low(&v), v.low_len, node_high(&v), v.high_len))
        return STATUS(INVALID);
    unsigned char before[NODE_KEY_BYTES_MAX], key[NODE_KEY_BYTES_MAX];
    size_t before_len = 0, key_len, bytes = v.garbage;
    for (unsigned i = 0; i < v.count; i++) {
        struct node_entry e;
        if (!node_entry_at(&v, i, &e)) return STATUS(INVALID);
        key_len = node_key(&v, &e, key);
        if (i > 0 && key_compare(before, before_len, key, key_len) >= 0) return STATUS(INVALID);
        if (i == 0 && key_compare(node_low(&v), v.low_len, key, key_len) > 0)
            return STATUS(INVALID);
        if (e.key_len < v.skip || (i > 0 && memcmp(e.key, before + v.prefix, v.skip) != 0))
            return STATUS(INVALID);
        if (slot_read(&v, i).head != key_head(e.key + v.skip, e.key_len - v.skip))
            return STATUS(INVALID);
        if (v.level && (e.child == 0 || e.child > PAGE_NO_MAX)) return STATUS(INVALID);
        if (!v.level && key_len + e.value_len > NODE_ENTRY_BYTES_MAX) return STATUS(INVALID);
        bytes += (size_t)v.entry_head + e.key_len + e.value_len;
        memcpy(before, key, key_len);
        before_len = key_len;
    }
    if (v.count && !node_covers(&v, before, before_len)) return STATUS(INVALID);
    if (bytes != (size_t)PAGE_CONTENT_END - v.low_len - v.high_len - v.heap) return STATUS(INVALID);
    return OK;
}
