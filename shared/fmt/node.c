/* Looking into nodes, whose bytes are foreign. */
#include <string.h>

#include "base/bytes.h"
#include "fmt/node_slot.h"

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

size_t key_common(const void *a, size_t a_len, const void *b, size_t b_len) {
    const unsigned char *x = a, *y = b;
    size_t n = a_len < b_len ? a_len : b_len, i = 0;
    while (i < n && x[i] == y[i]) i++;
    return i;
}

int key_compare(const void *a, size_t a_len, const void *b, size_t b_len) {
    return bytes_compare(a, a_len, b, b_len);
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
    int c = n > same ? memcmp(slot_key(v, s) + same, key + same, n - same) : 0;
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
        int c = compare_start(k, key_len, slot_key(v, &first), v->skip);
        if (c) return c < 0 ? 0 : v->count;
    }
    uint32_t head = key_head(k + v->skip, key_len - v->skip);
    unsigned at = search_heads(v, 0, v->count, head);
    if (at == v->count || slot_read(v, at).head != head) return at;
    return search_equal_heads(v, at, head, k, key_len, ret_found);
}

/* The entry that was put there last is the last one, and the key is greater. */
static bool comes_last(const struct node_view *v, const unsigned char *key, size_t key_len) {
    if (v->count == 0 || key_len < v->prefix) return false;
    struct slot_copy s = slot_read(v, v->count - 1u);
    if (s.at != v->heap || !slot_fits(v, &s)) return false;
    if (v->prefix && memcmp(key, node_low(v), v->prefix) != 0) return false;
    return key_compare(key + v->prefix, key_len - v->prefix, slot_key(v, &s), s.key_len) > 0;
}

unsigned node_search_ascending(const struct node_view *v, const void *key, size_t key_len,
                               bool *ret_found) {
    *ret_found = false;
    return comes_last(v, key, key_len) ? v->count : node_search(v, key, key_len, ret_found);
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

/* The entry's whole key lies between the fences. */
static bool covers_entry(const struct node_view *v, const struct node_entry *e) {
    unsigned char key[NODE_KEY_BYTES_MAX];
    return node_covers(v, key, node_key(v, e, key));
}

/* The fences are in order, and share the node's prefix. */
static bool fences_valid(const struct node_view *v) {
    if (v->flags & ~NODE_RIGHTMOST || (v->flags & NODE_RIGHTMOST && v->high_len)) return false;
    if (!(v->flags & NODE_RIGHTMOST) &&
        key_compare(node_low(v), v->low_len, node_high(v), v->high_len) >= 0)
        return false;
    return v->prefix == key_common(node_low(v), v->low_len, node_high(v), v->high_len);
}

/* `b` comes right after `a`: it shares the skipped bytes and is greater. Where their heads differ,
 * these say so. */
static bool follows(const struct node_view *v, const struct node_entry *a, uint32_t a_head,
                    const struct node_entry *b, uint32_t b_head) {
    if (v->skip && memcmp(a->key, b->key, v->skip) != 0) return false;
    if (a_head != b_head) return a_head < b_head;
    return key_compare(a->key, a->key_len, b->key, b->key_len) < 0;
}

/* What an entry holds beside its key. */
static bool content_valid(const struct node_view *v, const struct node_entry *e) {
    if (v->level) return e->child != 0 && e->child <= PAGE_NO_MAX;
    return (size_t)v->prefix + e->key_len + e->value_len <= NODE_ENTRY_BYTES_MAX;
}

status node_valid(const void *page) {
    struct node_view v;
    const struct page_head *h = page;
    if (!node_view(page, &v) || h->version != PAGE_FORMAT || !fences_valid(&v))
        return STATUS(INVALID);
    size_t bytes = v.garbage;
    struct node_entry e, before = {0};
    uint32_t head, head_before = 0;
    for (unsigned i = 0; i < v.count; i++, before = e, head_before = head) {
        if (!node_entry_at(&v, i, &e) || e.key_len < v.skip) return STATUS(INVALID);
        head = key_head(e.key + v.skip, e.key_len - v.skip);
        if (slot_read(&v, i).head != head || !content_valid(&v, &e)) return STATUS(INVALID);
        if (i == 0 ? !covers_entry(&v, &e) : !follows(&v, &before, head_before, &e, head))
            return STATUS(INVALID);
        bytes += (size_t)v.entry_head + e.key_len + e.value_len;
    }
    if (v.count && !covers_entry(&v, &before)) return STATUS(INVALID);
    if (bytes != (size_t)PAGE_CONTENT_END - v.low_len - v.high_len - v.heap) return STATUS(INVALID);
    return OK;
}
