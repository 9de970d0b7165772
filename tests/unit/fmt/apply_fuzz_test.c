/* Any record that passes rec_valid, on any page: a change or a status, and nothing outside. The
 * page lies between guard bytes; the sanitizers watch the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fmt/apply.h"
#include "fmt/node.h"

#define ROUNDS 60000
#define GUARD 64

static uint64_t seed = 0x2545f4914f6cdd1du;
static uint64_t rnd64(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}
static unsigned rnd(unsigned n) {
    return (unsigned)(rnd64() >> 33) % n;
}

static const uint16_t types[] = {
#define X(name, number) number,
#include "fmt/record.def"
#undef X
};

static _Alignas(8) unsigned char rec_bytes[REC_BYTES_MAX];

static size_t random_key(unsigned char *key) {
    size_t len = rnd(6) == 0 ? rnd(NODE_KEY_BYTES_MAX + 40) : rnd(6);
    for (size_t i = 0; i < len; i++) key[i] = (unsigned char)rnd(3);
    return len;
}

/* A node that holds together, with entries of all kinds. */
static void random_node(unsigned char *page, bool leaf) {
    unsigned char low[NODE_KEY_BYTES_MAX + 40], high[NODE_KEY_BYTES_MAX + 40];
    static unsigned char value[600];
    struct node_spec spec = {.page = {5}, .tree = 1, .level = leaf ? 0 : 1, .first = 77};
    spec.low = low;
    spec.high = high;
    spec.low_len = (uint16_t)(random_key(low) % NODE_KEY_BYTES_MAX);
    spec.high_len = (uint16_t)(random_key(high) % NODE_KEY_BYTES_MAX);
    spec.flags = rnd(2) ? NODE_RIGHTMOST : 0;
    node_format(page, &spec);
    for (unsigned n = rnd(200); n; n--) {
        unsigned char key[NODE_KEY_BYTES_MAX + 40];
        size_t len = random_key(key);
        struct node_value nv = {value, (uint16_t)rnd(sizeof value), (uint8_t)rnd(4), rnd64(),
                                rnd(50)};
        if (leaf)
            status_ignore(node_leaf_insert(page, key, len, &nv)); /* what fits, fits */
        else
            status_ignore(node_inner_insert(page, key, len, 1 + rnd(100)));
    }
    page_head(page)->lsn = rnd(4);
}

static void random_page(unsigned char *page) {
    switch (rnd(6)) {
    case 0: memset(page, 0, PAGE_BYTES); break;
    case 1:
        for (unsigned i = 0; i < PAGE_BYTES; i++) page[i] = (unsigned char)rnd64();
        page[4] = PAGE_TYPE_TREE;
        page[5] = (unsigned char)rnd(3);
        break;
    case 2: space_page_format(page, (page_id){SPACE_FIRST}); break;
    default: random_node(page, rnd(2)); break;
    }
    /* Now and then a wrong byte or two where lengths and slots are. */
    for (unsigned n = rnd(3) ? 0 : 1 + rnd(4); n; n--) page[rnd(200)] = (unsigned char)rnd64();
}

static size_t put(size_t at, const void *bytes, size_t n) {
    if (at + n > REC_BYTES_MAX) n = REC_BYTES_MAX - at;
    memcpy(rec_bytes + at, bytes, n);
    return at + n;
}

static size_t put_key(size_t at, size_t *ret_len) {
    unsigned char key[NODE_KEY_BYTES_MAX + 40];
    *ret_len = random_key(key);
    return put(at, key, *ret_len);
}

/* One part of a structure record, of the shape that its role expects more often than not. */
static size_t random_part(size_t at) {
    _Alignas(8) unsigned char node[PAGE_BYTES];
    size_t key_len, head = at;
    switch (rnd(7)) {
    case 0: {
        random_node(node, rnd(2));
        const struct node_page *n = (const struct node_page *)node;
        struct rec_image image = {
            .lower = (uint16_t)(sizeof *n + n->count * sizeof(struct node_slot)), .upper = n->heap};
        at = put(at, &image, sizeof image);
        at = put(at, node, image.lower);
        return put(at, node + image.upper, (size_t)PAGE_CONTENT_END - image.upper);
    }
    case 1: {
        uint64_t word = rnd(70000) | (rnd(2) ? REC_SPACE_USED : 0);
        return put(at, &word, sizeof word);
    }
    case 2: {
        struct rec_split split = {.right = rnd(100)};
        at = put_key(at + sizeof split, &key_len);
        split.key_len = (uint16_t)(rnd(8) ? key_len : rnd(3000));
        put(head, &split, sizeof split);
        return at;
    }
    case 3: {
        struct rec_unlink u = {.freed = rnd(100), .heir = rnd(100)};
        at = put_key(at + sizeof u, &key_len);
        u.key_len = (uint16_t)key_len;
        put(head, &u, sizeof u);
        return at;
    }
    case 4: {
        struct rec_heir h = {
            .first = rnd(100), .count = (uint16_t)rnd(4), .before = (uint8_t)rnd(2)};
        at = put_key(at + sizeof h, &key_len);
        h.low_len = (uint16_t)key_len;
        at = put_key(at, &key_len);
        h.high_len = (uint16_t)key_len;
        h.node_flags = (uint16_t)rnd(2);
        put(head, &h, sizeof h);
        for (unsigned i = 0; i < h.count; i++) {
            size_t lens_at = at;
            at = put_key(at + 4, &key_len);
            uint16_t lens[2] = {(uint16_t)key_len, (uint16_t)(rnd(2) ? 8 : 20)};
            put(lens_at, lens, sizeof lens);
            at += lens[1];
        }
        return at;
    }
    case 5: {
        struct rec_fill fill = {.filled = rnd(100), .next = rnd(100)};
        at = put_key(at + sizeof fill, &key_len);
        fill.key_len = (uint16_t)(rnd(8) ? key_len : rnd(3000));
        put(head, &fill, sizeof fill);
        return at;
    }
    default:
        for (unsigned n = rnd(100); n; n--) rec_bytes[at++] = (unsigned char)rnd64();
        return at;
    }
}

/* The part that unlinks what is really there from a parent. */
static size_t real_unlink(const unsigned char *page, size_t at) {
    struct node_view v;
    struct node_entry e;
    unsigned char key[NODE_KEY_BYTES_MAX];
    struct rec_unlink u = {0};
    size_t head = at;
    if (!node_view(page, &v) || !v.level || !v.count) return random_part(at);
    unsigned i = rnd(v.count);
    if (!node_entry_at(&v, i, &e)) return random_part(at);
    u.key_len = (uint16_t)node_key(&v, &e, key);
    u.heir = node_child_at(&v, i + rnd(2));
    u.freed = u.heir == e.child ? node_child_at(&v, i) : e.child;
    if (rnd(4) == 0) u.heir = 0;
    at = put(at + sizeof u, key, u.key_len);
    put(head, &u, sizeof u);
    return at;
}

/* The part that puts a new leaf before one that is really there. */
static size_t real_fill(const unsigned char *page, size_t at) {
    struct node_view v;
    struct rec_fill fill = {.filled = 1 + rnd(100), .next = 77};
    size_t key_len, head = at;
    if (!node_view(page, &v)) return random_part(at);
    at = put_key(at + sizeof fill, &key_len);
    fill.key_len = (uint16_t)key_len;
    if (v.level) fill.next = node_child(&v, rec_bytes + head + sizeof fill, key_len, false, NULL);
    put(head, &fill, sizeof fill);
    return at;
}

/* Makes the record speak of an entry that is on the page. */
static size_t real_entry(const unsigned char *page, struct rec_entry *e, size_t at) {
    struct node_view v;
    struct node_entry old;
    unsigned char key[NODE_KEY_BYTES_MAX];
    if (!node_view(page, &v) || v.level || !v.count || !node_entry_at(&v, rnd(v.count), &old))
        return 0;
    e->old_lsn = old.lsn;
    e->prefix = (uint16_t)rnd(old.value_len + 1u);
    e->suffix = (uint16_t)rnd(old.value_len - e->prefix + 1u);
    e->old_middle = (uint16_t)(old.value_len - e->prefix - e->suffix);
    e->new_middle = (uint16_t)rnd(200);
    e->key_len = (uint16_t)node_key(&v, &old, key);
    at = put(at, key, e->key_len);
    at = put(at, old.value + e->prefix, e->old_middle);
    return at + e->new_middle;
}

static void random_record(const unsigned char *page) {
    struct rec_head *r = (struct rec_head *)rec_bytes;
    memset(rec_bytes, 0, 4096);
    *r = (struct rec_head){.type = types[rnd(sizeof types / sizeof *types)],
                           .npages = (uint8_t)(2 + rnd(REC_PAGES_MAX - 2)),
                           .txid = rnd(3)};
    if (r->type >= REC_ENTRY_INSERT && r->type <= REC_ENTRY_RESTORE) r->npages = 1;
    size_t start = sizeof *r + r->npages * sizeof(struct rec_page), at = start;
    if (r->npages == 1) {
        struct rec_entry e = {.old_lsn = rnd(50),
                              .old_middle = (uint16_t)(rnd(2) ? 0 : rnd(600)),
                              .new_middle = (uint16_t)rnd(rnd(4) ? 100 : 6000),
                              .prefix = (uint16_t)(rnd(2) ? 0 : rnd(700)),
                              .suffix = (uint16_t)(rnd(2) ? 0 : rnd(700)),
                              .new_flags = (uint8_t)rnd(256)};
        size_t key_len, real = rnd(2) ? real_entry(page, &e, at + sizeof e) : 0;
        if (real) {
            at = real;
        } else {
            at = put_key(at + sizeof e, &key_len);
            e.key_len = (uint16_t)key_len;
            at += (size_t)e.old_middle + e.new_middle;
        }
        put(start, &e, sizeof e);
    }
    for (unsigned i = 0; i < r->npages; i++) {
        size_t from = at;
        if (r->npages > 1)
            at = rnd(4) ? random_part(at) : rnd(2) ? real_unlink(page, at) : real_fill(page, at);
        if (at > REC_BYTES_MAX - 64) at = REC_BYTES_MAX - 64;
        if (from > at) from = at;
        rec_pages(r)[i] = (struct rec_page){.page = rnd(2) ? 5 : SPACE_FIRST,
                                            .prev_lsn = rnd(4) ? page_head_c(page)->lsn : rnd(4),
                                            .offset = (uint16_t)(r->npages > 1 ? from : start),
                                            .len = (uint16_t)(r->npages > 1 ? at - from : 0),
                                            .flags = rnd(2) ? REC_PAGE_INIT : 0};
    }
    r->len = (uint32_t)((at + 7) & ~(size_t)7);
    for (unsigned n = rnd(8) ? 0 : rnd(4); n; n--) rec_bytes[rnd(300)] = (unsigned char)rnd64();
}

static void test_fuzz(void **state) {
    (void)state;
    static _Alignas(64) unsigned char memory[GUARD + PAGE_BYTES + GUARD];
    static unsigned char twin[PAGE_BYTES];
    unsigned char *page = memory + GUARD;
    unsigned valid = 0, changed[64] = {0};
    memset(memory, 0xa5, sizeof memory);
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (round % 4 == 0) random_page(page);
        random_record(page);
        const struct rec_head *given = (const struct rec_head *)rec_bytes;
        if (!ok(rec_valid(rec_bytes, REC_BYTES_MAX))) continue;
        valid++;
        /* A copy of just its length, so that a look behind it is seen. */
        struct rec_head *r = malloc(given->len);
        memcpy(r, given, given->len);
        lsn at = {100000 + round};
        int role = (int)rnd(r->npages + 1u) - (rnd(20) == 0);
        memcpy(twin, page, PAGE_BYTES);
        bool was_good = ok(node_valid(page));
        status s = apply(r, at, role, page);
        for (unsigned i = 0; i < GUARD; i++) {
            assert_int_equal(memory[i], 0xa5);
            assert_int_equal(memory[GUARD + PAGE_BYTES + i], 0xa5);
        }
        if (ok(s)) {
            changed[r->type]++;
            assert_int_equal(page_head(page)->lsn, at.at);
            /* Deterministic. */
            assert_true(ok(apply(r, at, role, twin)));
            assert_memory_equal(page, twin, PAGE_BYTES);
            if (was_good && page_head(page)->type == PAGE_TYPE_TREE)
                assert_true(ok(node_valid(page)));
        } else if (was_good) {
            assert_memory_equal(page, twin, PAGE_BYTES);
        }
        free(r);
    }
    assert_true(valid > ROUNDS / 10);
    /* The generator reaches every type that changes pages. */
    for (unsigned type = REC_ENTRY_INSERT; type <= REC_ENTRY_RESTORE; type++)
        assert_true(changed[type] > 0);
    for (unsigned type = REC_TREE_CREATE; type <= REC_TREE_FILL; type++)
        assert_true(changed[type] > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fuzz)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
