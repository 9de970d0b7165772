#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fmt/apply.h"
#include "fmt/node.h"
#include "fmt/record_find.h"

static uint64_t seed = 0x9e3779b97f4a7c15u;
static unsigned rnd(unsigned n) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

static _Alignas(8) unsigned char page[PAGE_BYTES];

/* A model: a sorted array of keys and values. */
struct pair {
    unsigned char key[64];
    size_t key_len;
    unsigned char value[300];
    uint16_t value_len;
    uint64_t stamp, lsn;
    uint8_t flags;
};
static struct pair model[2000];
static unsigned model_count;

static unsigned model_find(const void *key, size_t len, bool *found) {
    unsigned i = 0;
    *found = false;
    for (; i < model_count; i++) {
        int c = key_compare(model[i].key, model[i].key_len, key, len);
        if (c == 0) *found = true;
        if (c >= 0) break;
    }
    return i;
}

static void random_pair(struct pair *m, const char *prefix) {
    m->key_len = strlen(prefix);
    memcpy(m->key, prefix, m->key_len);
    for (unsigned n = 1 + rnd(8); n; n--) m->key[m->key_len++] = (unsigned char)rnd(4);
    m->value_len = (uint16_t)rnd(sizeof m->value);
    for (unsigned i = 0; i < m->value_len; i++) m->value[i] = (unsigned char)rnd(256);
    m->stamp = rnd(1000);
    m->lsn = rnd(1000);
    m->flags = (uint8_t)rnd(4);
}

static void compare_with_model(void) {
    struct node_view v;
    unsigned char key[NODE_KEY_BYTES_MAX];
    assert_true(ok(node_valid(page)));
    assert_true(node_view(page, &v));
    assert_int_equal(v.count, model_count);
    for (unsigned i = 0; i < model_count; i++) {
        struct node_entry e;
        assert_true(node_entry_at(&v, i, &e));
        size_t len = node_key(&v, &e, key);
        assert_int_equal(key_compare(key, len, model[i].key, model[i].key_len), 0);
        assert_int_equal(e.value_len, model[i].value_len);
        assert_memory_equal(e.value, model[i].value, e.value_len);
        assert_int_equal(e.stamp, model[i].stamp);
        assert_int_equal(e.lsn, model[i].lsn);
        assert_int_equal(e.flags, model[i].flags);
    }
}

static void leaf_against_model(const struct node_spec *spec, const char *prefix) {
    node_format(page, spec);
    model_count = 0;
    unsigned full = 0;
    for (unsigned op = 0; op < 4000; op++) {
        struct pair m;
        struct node_view v;
        bool found, in_model;
        random_pair(&m, prefix);
        struct node_value nv = {m.value, m.value_len, m.flags, m.stamp, m.lsn};
        assert_true(node_view(page, &v));
        unsigned at = node_search(&v, m.key, m.key_len, &found);
        assert_int_equal(at, model_find(m.key, m.key_len, &in_model));
        assert_int_equal(found, in_model);
        assert_int_equal(node_search_ascending(&v, m.key, m.key_len, &found), at);
        assert_int_equal(found, in_model);
        if (!found) {
            bool fits = node_free_bytes(&v) >= node_leaf_bytes(&v, m.key_len, m.value_len);
            status s = node_leaf_insert(page, m.key, m.key_len, &nv);
            assert_int_equal(s.code, fits ? ST_OK : ST_FULL);
            full += !fits;
            if (!fits) continue;
            memmove(&model[at + 1], &model[at], (model_count - at) * sizeof m);
            model[at] = m;
            model_count++;
        } else if (rnd(2)) {
            bool fits = node_free_bytes(&v) + model[at].value_len >= m.value_len;
            status s = node_leaf_replace(page, at, &nv);
            assert_int_equal(s.code, fits ? ST_OK : ST_FULL);
            if (fits) model[at] = m;
        } else {
            assert_true(ok(node_remove(page, at)));
            model_count--;
            memmove(&model[at], &model[at + 1], (model_count - at) * sizeof m);
        }
        compare_with_model();
    }
    assert_true(full > 0);
}

static void test_leaf_model(void **state) {
    (void)state;
    struct node_spec whole = {.page = {7}, .tree = 5, .flags = NODE_RIGHTMOST};
    leaf_against_model(&whole, "");
    struct node_spec fenced = {
        .page = {7}, .tree = 5, .low = "abc", .low_len = 3, .high = "abd", .high_len = 3};
    leaf_against_model(&fenced, "abc");
    assert_int_equal(((struct node_page *)page)->prefix, 2);
}

/* Each half of a full node goes into a node whose fences share more, and back from there. */
static void test_append_range(void **state) {
    (void)state;
    static _Alignas(8) unsigned char whole[PAGE_BYTES], half[PAGE_BYTES];
    struct node_view v, h;
    test_leaf_model(NULL); /* "abc" … "abd" */
    memcpy(whole, page, PAGE_BYTES);
    assert_true(node_view(whole, &v));
    unsigned middle = v.count / 2u;
    struct node_spec halves[2] = {{.low = "abc",
                                   .low_len = 3,
                                   .high = model[middle].key,
                                   .high_len = (uint16_t)model[middle].key_len},
                                  {.low = model[middle].key,
                                   .low_len = (uint16_t)model[middle].key_len,
                                   .high = "abd",
                                   .high_len = 3}};
    struct node_spec all = {.low = "abc", .low_len = 3, .high = "abd", .high_len = 3};
    node_format(page, &all);
    for (unsigned i = 0; i < 2; i++) {
        node_format(half, &halves[i]);
        assert_true(ok(node_append_range(half, &v, i ? middle : 0, i ? v.count : middle)));
        assert_true(ok(node_valid(half)));
        assert_true(node_view(half, &h));
        assert_int_equal(h.count, i ? v.count - middle : middle);
        assert_true(ok(node_append_range(page, &h, 0, h.count)));
    }
    compare_with_model();
    assert_int_equal(node_append_range(page, &v, 0, v.count).code, ST_FULL);
    assert_int_equal(node_append_range(half, &v, v.count, v.count + 1u).code, ST_INVALID);
    node_format(half, &(struct node_spec){.low = "xa", .low_len = 2, .high = "xb", .high_len = 2});
    assert_int_equal(node_append_range(half, &v, 0, v.count).code, ST_INVALID);
}

static void test_node_refuses(void **state) {
    (void)state;
    static unsigned char value[NODE_ENTRY_BYTES_MAX];
    struct node_spec fenced = {.low = "b", .low_len = 1, .high = "d", .high_len = 1};
    struct node_value nv = {value, 3, 0, 0, 0};
    node_format(page, &fenced);
    assert_int_equal(node_leaf_insert(page, "a", 1, &nv).code, ST_INVALID);
    assert_int_equal(node_leaf_insert(page, "d", 1, &nv).code, ST_INVALID);
    assert_int_equal(node_leaf_insert(page, "b", 1, &nv).code, ST_OK);
    assert_int_equal(node_leaf_insert(page, "b", 1, &nv).code, ST_INVALID);
    assert_int_equal(node_remove(page, 1).code, ST_INVALID);
    nv.len = NODE_ENTRY_BYTES_MAX;
    assert_int_equal(node_leaf_insert(page, "c", 1, &nv).code, ST_INVALID);
    nv.len = NODE_ENTRY_BYTES_MAX - 1;
    assert_int_equal(node_leaf_insert(page, "c", 1, &nv).code, ST_OK);
}

/* The greatest entry between the greatest fences. */
static void test_greatest_fits(void **state) {
    (void)state;
    static unsigned char low[NODE_KEY_BYTES_MAX], high[NODE_KEY_BYTES_MAX], key[NODE_KEY_BYTES_MAX];
    static unsigned char value[NODE_ENTRY_BYTES_MAX];
    memset(low, 1, sizeof low);
    memset(key, 2, sizeof key);
    memset(high, 3, sizeof high);
    struct node_spec spec = {
        .low = low, .low_len = sizeof low, .high = high, .high_len = sizeof high};
    node_format(page, &spec);
    struct node_value nv = {value, NODE_ENTRY_BYTES_MAX - sizeof key, 0, 0, 0};
    assert_true(ok(node_leaf_insert(page, key, sizeof key, &nv)));
    assert_true(ok(node_valid(page)));
}

static void test_inner(void **state) {
    (void)state;
    struct node_spec spec = {.page = {9}, .level = 1, .flags = NODE_RIGHTMOST, .first = 100};
    struct node_view v;
    unsigned index;
    node_format(page, &spec);
    assert_true(ok(node_inner_insert(page, "m", 1, 102)));
    assert_true(ok(node_inner_insert(page, "f", 1, 101)));
    assert_true(ok(node_inner_insert(page, "t", 1, 103)));
    assert_true(ok(node_valid(page)));
    assert_true(node_view(page, &v));
    assert_int_equal(node_child(&v, "a", 1, false, &index), 100);
    assert_int_equal(index, 0);
    assert_int_equal(node_child(&v, "f", 1, false, &index), 101);
    assert_int_equal(node_child(&v, "f", 1, true, &index), 100);
    assert_int_equal(node_child(&v, "lzz", 3, false, &index), 101);
    assert_int_equal(node_child(&v, "m", 1, false, &index), 102);
    assert_int_equal(node_child(&v, "m", 1, true, &index), 101);
    assert_int_equal(node_child(&v, "z", 1, false, &index), 103);
    assert_int_equal(node_child(&v, "", 0, false, &index), 100);
    assert_int_equal(node_child(&v, "", 0, true, &index), 103);
    assert_int_equal(index, 3);
    assert_true(ok(node_set_child(page, 0, 200)));
    assert_true(ok(node_set_child(page, 2, 202)));
    assert_int_equal(node_child_at(&v, 2), 202);
}

static void test_separator(void **state) {
    (void)state;
    for (unsigned n = 0; n < 20000; n++) {
        struct pair a, b;
        random_pair(&a, "");
        random_pair(&b, "");
        if (key_compare(a.key, a.key_len, b.key, b.key_len) >= 0) continue;
        size_t len = key_separator(a.key, a.key_len, b.key, b.key_len);
        assert_true(len <= b.key_len && len > 0);
        assert_true(key_compare(a.key, a.key_len, b.key, len) < 0);
        assert_true(key_compare(b.key, len, b.key, b.key_len) <= 0);
        assert_true(len == 1 || key_compare(a.key, a.key_len, b.key, len - 1) >= 0);
    }
}

static void test_page_seal(void **state) {
    (void)state;
    memset(page, 0, sizeof page);
    assert_true(ok(page_verify(page, (page_id){7})));
    struct node_spec spec = {.page = {7}, .tree = 5, .flags = NODE_RIGHTMOST};
    node_format(page, &spec);
    assert_int_equal(page_verify(page, (page_id){7}).code, ST_DATA_CORRUPTED);
    page_seal(page);
    assert_true(ok(page_verify(page, (page_id){7})));
    assert_int_equal(page_verify(page, (page_id){8}).code, ST_DATA_CORRUPTED);
    for (unsigned i = 0; i < PAGE_BYTES; i += 37) {
        page[i] ^= 0x10;
        assert_int_equal(page_verify(page, (page_id){7}).code, ST_DATA_CORRUPTED);
        page[i] ^= 0x10;
    }
    assert_true(ok(page_verify(page, (page_id){7})));
}

static void test_record_crc(void **state) {
    (void)state;
    _Alignas(8) unsigned char bytes[64] = {0};
    struct rec_head *r = (struct rec_head *)bytes;
    *r = (struct rec_head){.len = 40, .type = REC_COMMIT, .txid = 9};
    assert_true(ok(rec_valid(bytes, sizeof bytes)));
    uint32_t crc = rec_crc(r, (lsn){4096});
    r->crc = crc;
    assert_int_equal(rec_crc(r, (lsn){4096}), crc);
    assert_int_not_equal(rec_crc(r, (lsn){4104}), crc);
    r->txid = 10;
    assert_int_not_equal(rec_crc(r, (lsn){4096}), crc);
    assert_string_equal(rec_type_name(REC_TREE_SPLIT), "TREE_SPLIT");
    assert_string_equal(rec_type_name(999), "?");
}

static void test_record_valid(void **state) {
    (void)state;
    _Alignas(8) unsigned char bytes[256] = {0};
    struct rec_head *r = (struct rec_head *)bytes;
    *r = (struct rec_head){.len = 32, .type = REC_FILLER};
    assert_true(ok(rec_valid(bytes, 32)));
    assert_int_equal(rec_valid(bytes, 31).code, ST_INVALID);
    r->len = 36;
    assert_int_equal(rec_valid(bytes, 256).code, ST_INVALID);
    r->len = 32;
    r->type = REC_COMMIT; /* its payload is missing */
    assert_int_equal(rec_valid(bytes, 256).code, ST_INVALID);
    r->type = 999;
    assert_int_equal(rec_valid(bytes, 256).code, ST_INVALID);
    *r = (struct rec_head){.len = 128, .type = REC_ENTRY_INSERT, .npages = 1};
    rec_pages(r)[0] = (struct rec_page){.page = 3, .offset = 56, .len = 72};
    struct rec_entry *e = rec_payload(r);
    e->key_len = 10;
    e->new_middle = 6;
    assert_true(ok(rec_valid(bytes, 256)));
    e->new_middle = 7;
    assert_int_equal(rec_valid(bytes, 256).code, ST_INVALID);
    e->new_middle = 6;
    rec_pages(r)[0].len = 73;
    assert_int_equal(rec_valid(bytes, 256).code, ST_INVALID);
    rec_pages(r)[0].len = 72;
    rec_pages(r)[0].page = PAGE_NO_MAX + 1;
    assert_int_equal(rec_valid(bytes, 256).code, ST_INVALID);
}

/* Two in a row at their own LSN are found; one alone, at another LSN, cut off or spoilt are not. */
static void test_record_find(void **state) {
    (void)state;
    enum { AT = 104, LEN = 40, N = 256 };
    _Alignas(8) unsigned char bytes[N];
    const lsn first = {8192};
    memset(bytes, 0x28, sizeof bytes);
    for (unsigned i = 0; i < 2; i++) {
        struct rec_head *r = (struct rec_head *)(bytes + AT + i * LEN);
        memset(r, 0, LEN);
        *r = (struct rec_head){.len = LEN, .type = REC_COMMIT, .txid = 9};
        r->crc = rec_crc(r, (lsn){first.at + AT + i * LEN});
        assert_int_equal(rec_find(bytes, N, first), i == 0 ? N : AT);
    }
    assert_int_equal(rec_find(bytes, N, (lsn){first.at + 8}), N);
    assert_int_equal(rec_find(bytes + AT, 2 * LEN, (lsn){first.at + AT}), 0);
    for (size_t n = 0; n < AT + 2 * LEN; n += 8) assert_int_equal(rec_find(bytes, n, first), n);
    bytes[AT + 2 * LEN - 1] ^= 1;
    assert_int_equal(rec_find(bytes, N, first), N);
}

static void test_space_page(void **state) {
    (void)state;
    _Alignas(8) unsigned char bytes[128] = {0};
    struct rec_head *r = (struct rec_head *)bytes;
    uint64_t map = SPACE_FIRST + SPACE_BITS;
    uint64_t word = (map + 5) | REC_SPACE_USED;
    *r = (struct rec_head){.len = 96, .type = REC_TREE_FREE_ROOT, .npages = 2};
    rec_pages(r)[0] = (struct rec_page){.page = map + 5, .offset = 80, .flags = REC_PAGE_INIT};
    rec_pages(r)[1] = (struct rec_page){.page = map, .offset = 80, .len = 8};
    memcpy(bytes + 80, &word, sizeof word);
    assert_true(ok(rec_valid(bytes, sizeof bytes)));
    memset(page, 0, sizeof page);
    assert_true(ok(apply(r, (lsn){5000}, 1, page)));
    struct space_page *s = (struct space_page *)page;
    assert_int_equal(s->first, SPACE_BITS);
    assert_true(space_bit(s, SPACE_FIRST));
    assert_true(space_bit(s, SPACE_FIRST + 5));
    assert_false(space_bit(s, 0));
    assert_int_equal(s->head.lsn, 5000);
    /* Not its turn: the same record again. */
    assert_int_equal(apply(r, (lsn){5000}, 1, page).code, ST_INVALID);
    rec_pages(r)[1].prev_lsn = 5000;
    word &= ~REC_SPACE_USED;
    memcpy(bytes + 80, &word, sizeof word);
    assert_true(ok(apply(r, (lsn){6000}, 1, page)));
    assert_false(space_bit(s, SPACE_FIRST + 5));
    /* A page of another map. */
    rec_pages(r)[1].prev_lsn = 6000;
    word = 5;
    memcpy(bytes + 80, &word, sizeof word);
    assert_int_equal(apply(r, (lsn){7000}, 1, page).code, ST_INVALID);
    assert_int_equal(s->head.lsn, 6000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaf_model),    cmocka_unit_test(test_node_refuses),
        cmocka_unit_test(test_greatest_fits), cmocka_unit_test(test_inner),
        cmocka_unit_test(test_separator),     cmocka_unit_test(test_page_seal),
        cmocka_unit_test(test_record_crc),    cmocka_unit_test(test_record_valid),
        cmocka_unit_test(test_record_find),   cmocka_unit_test(test_space_page),
        cmocka_unit_test(test_append_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
