#include <string.h>

#include "base/check.h"
#include "tree/tree_internal.h"

/* A leaf and the entry that is to be put there, as one sequence: entry `at` of it is the new one
 * (instead of the old one with its key, when `replaces`). */
struct leaf_sequence {
    const struct node_view *v;
    const void *key;
    size_t key_len;
    unsigned at;
    unsigned count;
    bool replaces;
    const uint16_t *bytes; /* of each entry, slot included */
    size_t total;
};

#define ENTRIES_MAX (NODE_CAPACITY / (NODE_LEAF_HEAD + sizeof(struct node_slot)) + 2)

static bool sequence_key(const struct leaf_sequence *s, unsigned i, unsigned char *buf,
                         size_t *ret_len) {
    struct node_entry e;
    if (i == s->at) {
        memcpy(buf, s->key, s->key_len);
        *ret_len = s->key_len;
        return true;
    }
    if (!s->replaces && i > s->at) i--;
    if (!node_entry_at(s->v, i, &e)) return false;
    *ret_len = node_key(s->v, &e, buf);
    return true;
}

/* The shortest separator between entries i - 1 and i of the sequence. */
static bool sequence_separator(const struct leaf_sequence *s, unsigned i, struct split_plan *plan) {
    unsigned char left[NODE_KEY_BYTES_MAX];
    size_t left_len, right_len;
    if (!sequence_key(s, i - 1, left, &left_len) || !sequence_key(s, i, plan->sep, &right_len))
        return false;
    plan->sep_len = (uint16_t)key_separator(left, left_len, plan->sep, right_len);
    return true;
}

/* What the node takes with the separator as its high fence, and `count` entries of so many bytes by
 * the present prefix, which can only grow. */
static size_t kept_bytes(const struct node_view *v, const unsigned char *sep, size_t sep_len,
                         size_t bytes, unsigned count) {
    size_t prefix = key_common(node_low(v), v->low_len, sep, sep_len);
    return v->low_len + sep_len + bytes - count * (prefix - v->prefix);
}

/* Tries to split before entry i; left_bytes: of the entries before it. The right part is sized by
 * the present prefix, which is an upper bound. */
static bool sequence_split(const struct leaf_sequence *s, unsigned i, size_t left_bytes,
                           struct split_plan *plan) {
    if (!sequence_separator(s, i, plan)) return false;
    size_t left = kept_bytes(s->v, plan->sep, plan->sep_len, left_bytes, i);
    size_t right = plan->sep_len + s->v->high_len + s->total - left_bytes;
    if (left > NODE_CAPACITY || right > NODE_CAPACITY) return false;
    plan->keep = !s->replaces && i > s->at ? i - 1 : i;
    return true;
}

/* The split nearest to the middle, by bytes, that fits. */
static bool sequence_split_middle(const struct leaf_sequence *s, struct split_plan *plan) {
    size_t before[2], half = s->total / 2, sum = 0;
    unsigned middle = 0;
    while (middle < s->count && sum + s->bytes[middle] <= half) sum += s->bytes[middle++];
    /* From there both ways at once: at[0] downwards, at[1] upwards. */
    unsigned at[2] = {middle, middle + 1};
    before[0] = sum;
    before[1] = sum + (middle < s->count ? s->bytes[middle] : 0);
    while (at[0] > 0 || at[1] < s->count) {
        size_t off_down = half - before[0];
        size_t off_up = before[1] > half ? before[1] - half : 0;
        bool down = at[0] > 0 && (at[1] >= s->count || off_down <= off_up);
        if (down) {
            if (sequence_split(s, at[0], before[0], plan)) return true;
            before[0] -= s->bytes[--at[0]];
        } else {
            if (sequence_split(s, at[1], before[1], plan)) return true;
            before[1] += s->bytes[at[1]++];
        }
    }
    return false;
}

/* Entries that come in ascending order fill every leaf: the full one stays as it is. */
static bool split_for_append(const struct leaf_sequence *s, struct split_plan *plan) {
    if (s->replaces || s->at != s->v->count || !(s->v->flags & NODE_RIGHTMOST)) return false;
    return sequence_split(s, s->at, s->total - s->bytes[s->at], plan);
}

status plan_leaf_split(const struct node_view *v, const void *key, size_t key_len, size_t value_len,
                       struct split_plan *plan) {
    uint16_t bytes[ENTRIES_MAX];
    bool found;
    unsigned at = node_search(v, key, key_len, &found);
    if (at == NODE_BROKEN || v->count == 0 || v->count > ENTRIES_MAX - 1)
        return STATUS(INDEX_CORRUPTED);
    struct leaf_sequence s = {.v = v,
                              .key = key,
                              .key_len = key_len,
                              .at = at,
                              .count = v->count + !found,
                              .replaces = found,
                              .bytes = bytes};
    for (unsigned i = 0, j = 0; j < s.count; j++) {
        struct node_entry e;
        bytes[j] = (uint16_t)node_leaf_bytes(v, key_len, value_len);
        if (j != at || found) {
            if (!node_entry_at(v, i++, &e)) return STATUS(INDEX_CORRUPTED);
            if (j != at)
                bytes[j] =
                    (uint16_t)(sizeof(struct node_slot) + NODE_LEAF_HEAD + e.key_len + e.value_len);
        }
        s.total += bytes[j];
    }
    if (split_for_append(&s, plan) || sequence_split_middle(&s, plan)) return OK;
    /* One split is not enough for the new entry: first the old ones by themselves. Whatever lies
     * on each side fits: a separator is at most one byte longer than a key on either side of it. */
    if (v->count < 2) return STATUS(INDEX_CORRUPTED);
    struct leaf_sequence old = {.v = v, .at = UINT32_MAX, .count = v->count, .bytes = bytes};
    for (unsigned i = 0; i < v->count; i++) {
        struct node_entry e;
        if (!node_entry_at(v, i, &e)) return STATUS(INDEX_CORRUPTED);
        bytes[i] = (uint16_t)(sizeof(struct node_slot) + NODE_LEAF_HEAD + e.key_len + e.value_len);
        old.total += bytes[i];
    }
    return sequence_split_middle(&old, plan) ? OK : STATUS(INDEX_CORRUPTED);
}

status plan_inner_split(const struct node_view *v, const void *key, size_t key_len,
                        struct split_plan *plan) {
    struct node_entry e;
    size_t sum = 0, half = node_entry_bytes(v) / 2;
    unsigned keep = 0;
    bool found;
    if (v->count < 2) return STATUS(INDEX_CORRUPTED);
    unsigned at = node_search(v, key, key_len, &found);
    if (at == NODE_BROKEN) return STATUS(INDEX_CORRUPTED);
    if (at == v->count && v->flags & NODE_RIGHTMOST) {
        keep = v->count - 1u;
    } else {
        for (; keep + 1u < v->count && sum < half; keep++) {
            if (!node_entry_at(v, keep, &e)) return STATUS(INDEX_CORRUPTED);
            sum += sizeof(struct node_slot) + NODE_INNER_HEAD + e.key_len;
        }
        if (keep == 0) keep = 1;
    }
    if (!node_entry_at(v, keep, &e)) return STATUS(INDEX_CORRUPTED);
    plan->keep = keep;
    plan->sep_len = (uint16_t)node_key(v, &e, plan->sep);
    return OK;
}

/* A leaf that is to be filled from its end is filled first. What is left should be half a page. */
status plan_split_before(const struct node_view *v, const void *key, size_t key_len, bool room,
                         struct split_plan *plan) {
    unsigned char left[NODE_KEY_BYTES_MAX];
    struct node_entry e;
    size_t bytes = 0;
    bool found;
    unsigned at = node_search(v, key, key_len, &found);
    if (at == NODE_BROKEN) return STATUS(INDEX_CORRUPTED);
    if (found || at == 0 || (at == v->count && room)) return STATUS(END);
    for (unsigned i = 0; i < at; i++) {
        if (!node_entry_at(v, i, &e)) return STATUS(INDEX_CORRUPTED);
        bytes += sizeof(struct node_slot) + NODE_LEAF_HEAD + e.key_len + e.value_len;
    }
    size_t left_len = node_key(v, &e, left), sep = key_separator(left, left_len, key, key_len);
    if (bytes < NODE_CAPACITY / 2 || kept_bytes(v, key, sep, bytes, at) > NODE_CAPACITY)
        return STATUS(END);
    memcpy(plan->sep, key, sep);
    plan->sep_len = (uint16_t)sep;
    plan->keep = at;
    return OK;
}
