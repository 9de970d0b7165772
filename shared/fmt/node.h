/* node.h: a page of a B+tree, byte by byte, and everything that is done to its bytes.
 *
 *     offset bytes
 *     0      32    struct page_head, level 0: leaf
 *     32     2     count     entries
 *     34     2     heap      lowest offset of the heap in use
 *     36     2     garbage   bytes between heap and fences that no slot refers to
 *     38     2     prefix    bytes that all keys share and no entry repeats: what the fences share
 *     40     2     low_len   low fence: every key is ≥ it; length 0: no lower bound
 *     42     2     high_len  high fence: every key is < it
 *     44     2     flags     NODE_RIGHTMOST: no upper bound, high_len is 0
 *     46     2     skip      bytes after the prefix that all entries share: slot heads begin there
 *     48     8     first     inner: the child left of the first separator; 0 while being freed
 *     56     8     created   roots: LSN of the TREE_CREATE record
 *     64     8*n   slots     in key order
 *      …           hole
 *     heap   …     entries, newest lowest; then high fence; then low fence, which ends at
 *                  PAGE_CONTENT_END
 *
 * Entry of a leaf: stamp 8, LSN 8, value length 2, flags 1, unused 1, key, value.
 * Entry of an inner node: child page 8, key. The child holds keys ≥ that key, and < the next one.
 * Keys here are what follows the prefix. (The fences of nodes at the edges share nothing; `skip`
 * makes slot heads tell keys apart there too. An entry that shares less makes it less; it is as
 * great as can be again when the node is next built.) Slotted page with slot heads and fences:
 * Graefe, Modern B-Tree Techniques (2011), sections 3.5 and 3.7.
 *
 * Readers look at nodes while others change them, so every function treats the page as foreign
 * bytes: it reads each length once, checks it against the page, and reports what does not hold
 * together. Nothing outside the page is touched whatever its bytes are. */
#ifndef FMT_NODE_H
#define FMT_NODE_H

#include "fmt/page.h"

#define NODE_KEY_BYTES_MAX 1280
#define NODE_ENTRY_BYTES_MAX 5120 /* key and value of a leaf's entry */
#define NODE_LEVELS_MAX 16

#define NODE_RIGHTMOST 1u

struct node_slot {
    uint16_t at;
    uint16_t key_len;
    uint32_t head; /* four bytes of the key from `skip` on, most significant first, zeros where it
                      ends */
};
_Static_assert(sizeof(struct node_slot) == 8, "format");

struct node_page {
    struct page_head head;
    uint16_t count;
    uint16_t heap;
    uint16_t garbage;
    uint16_t prefix;
    uint16_t low_len;
    uint16_t high_len;
    uint16_t flags;
    uint16_t skip;
    uint64_t first;
    uint64_t created;
    struct node_slot slots[];
};
_Static_assert(offsetof(struct node_page, count) == 32, "format");
_Static_assert(offsetof(struct node_page, first) == 48, "format");
_Static_assert(offsetof(struct node_page, slots) == 64, "format");

#define NODE_LEAF_HEAD 20
#define NODE_LEAF_LSN 8 /* of an entry, in it */
#define NODE_INNER_HEAD 8
#define NODE_CAPACITY (PAGE_CONTENT_END - sizeof(struct node_page))
_Static_assert(NODE_CAPACITY >= NODE_ENTRY_BYTES_MAX + NODE_LEAF_HEAD + sizeof(struct node_slot) +
                                    2 * NODE_KEY_BYTES_MAX,
               "one greatest entry and two greatest fences fit");

/* The fields of a node, each read once and checked. */
struct node_view {
    const unsigned char *page;
    uint16_t count;
    uint16_t heap;
    uint16_t garbage;
    uint16_t prefix;
    uint16_t low_len;
    uint16_t high_len;
    uint16_t flags;
    uint16_t skip;
    uint8_t level;
    uint8_t entry_head; /* bytes before the key */
    uint64_t first;
};

/* One entry: pointers into the page. */
struct node_entry {
    const unsigned char *key; /* after the prefix */
    const unsigned char *value;
    uint16_t key_len;
    uint16_t value_len;
    uint16_t at;
    uint8_t flags;
    uint64_t stamp;
    uint64_t lsn;
    uint64_t child; /* inner nodes */
};

/* false when the page is not a tree's or its head does not hold together. */
bool node_view(const void *page, struct node_view *ret_view);

static inline const unsigned char *node_low(const struct node_view *v) {
    return v->page + PAGE_CONTENT_END - v->low_len;
}
static inline const unsigned char *node_high(const struct node_view *v) {
    return v->page + PAGE_CONTENT_END - v->low_len - v->high_len;
}
/* There is room for an entry that takes no more than this. */
static inline size_t node_free_bytes(const struct node_view *v) {
    return v->heap - sizeof(struct node_page) - v->count * sizeof(struct node_slot) + v->garbage;
}
/* What an entry takes, slot included; key_len is that of the whole key. */
static inline size_t node_leaf_bytes(const struct node_view *v, size_t key_len, size_t value_len) {
    return sizeof(struct node_slot) + NODE_LEAF_HEAD + key_len - v->prefix + value_len;
}
static inline size_t node_inner_bytes(const struct node_view *v, size_t key_len) {
    return sizeof(struct node_slot) + NODE_INNER_HEAD + key_len - v->prefix;
}

/* false: the bytes do not hold together. */
bool node_entry_at(const struct node_view *v, unsigned i, struct node_entry *ret_entry);

#define NODE_BROKEN 0xffffffffu
/* Position of the first entry whose key is ≥ the given whole key (count: none), and whether it is
 * equal. NODE_BROKEN: the bytes do not hold together. */
unsigned node_search(const struct node_view *v, const void *key, size_t key_len, bool *ret_found);
/* The same, at once when keys have been put there in ascending order and this one goes on. */
unsigned node_search_ascending(const struct node_view *v, const void *key, size_t key_len,
                               bool *ret_found);

/* The child where the key belongs; below: where the greatest key smaller than it belongs (key_len
 * 0 with below: the rightmost). Its position among the children (0: first) in *ret_index, which may
 * be NULL. 0: the bytes do not hold together. */
uint64_t node_child(const struct node_view *v, const void *key, size_t key_len, bool below,
                    unsigned *ret_index);
/* Child by its position, 0 … count. */
uint64_t node_child_at(const struct node_view *v, unsigned index);

/* The whole key of entry e into buf (NODE_KEY_BYTES_MAX); its length. */
size_t node_key(const struct node_view *v, const struct node_entry *e, unsigned char *buf);

/* key in [low, high). */
bool node_covers(const struct node_view *v, const void *key, size_t key_len);

/* Length of what two keys share at their beginning. */
size_t key_common(const void *a, size_t a_len, const void *b, size_t b_len);
int key_compare(const void *a, size_t a_len, const void *b, size_t b_len);
/* The shortest key s with a < s ≤ b is a prefix of b (Bayer, Unterauer: Prefix B-Trees, 1977): its
 * length. a < b. */
size_t key_separator(const void *a, size_t a_len, const void *b, size_t b_len);

/* An empty node. */
struct node_spec {
    page_id page;
    uint32_t tree;
    uint8_t level;
    uint16_t flags;
    const void *low, *high;
    uint16_t low_len, high_len;
    uint64_t first;
    uint64_t created;
};
void node_format(void *page, const struct node_spec *spec);

/* A new entry of a leaf: what is put under a whole key. */
struct node_value {
    const void *bytes;
    uint16_t len;
    uint8_t flags;
    uint64_t stamp;
    uint64_t lsn;
};

/* Changes. FULL: no room. INVALID: the bytes do not hold together (page unchanged), the key is
 * outside of the fences, not there, or there already. Values must not lie in the page. */
status node_leaf_insert(void *page, const void *key, size_t key_len, const struct node_value *nv);
status node_leaf_replace(void *page, unsigned i, const struct node_value *nv);
status node_inner_insert(void *page, const void *key, size_t key_len, uint64_t child);
status node_remove(void *page, unsigned i);
/* Child at a position 0 … count becomes another page. */
status node_set_child(void *page, unsigned index, uint64_t child);

/* Appends entries [from, to) of v to `page`, whose fences include them and whose own keys are
 * smaller: node_valid says whether that was so. */
status node_append_range(void *page, const struct node_view *v, unsigned from, unsigned to);
/* Appends an entry with a whole key; payload: the entry without its key, head first. */
status node_append(void *page, const void *key, size_t key_len, const void *payload,
                   size_t payload_len);

/* Verdict on a whole node: order, fences, sizes. */
status node_valid(const void *page);

#endif
