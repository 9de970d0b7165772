/* Names of relations out of catalogs whose rows do not hold together: a damaged row costs a name,
 * never more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "fmt/node.h"
#include "offline.h"
#include "tree/tree.h"

#define PAGES 10
#define READS_MAX 10000 /* of a test; many more than there are pages */
#define CLASS_ROOT 2
#define INDEX_ROOT 3
#define PG_INDEX 2610
#define OID_TABLE 100
#define ROW_VERSION 1u
#define NULLS 1u
#define REFERENCES 2u
#define CLASS_ATTRIBUTES 34
#define INDEX_ATTRIBUTES 21
#define NAME_BYTES 64 /* of a name in a row */

/* What offline.c finds in the file otherwise. */
static _Alignas(8) unsigned char pages[PAGES][PAGE_BYTES];
static unsigned reads;
status offline_page([[maybe_unused]] const struct offline *o, page_id page, void *bytes,
                    [[maybe_unused]] char ret_words[OFFLINE_WORDS_BYTES]) {
    if (page.no >= PAGES) return STATUS(DATA_CORRUPTED);
    assert_true(++reads < READS_MAX);
    memcpy(bytes, pages[page.no], PAGE_BYTES);
    return OK;
}

static void begin_pages(void) {
    for (uint64_t no = CLASS_ROOT; no <= INDEX_ROOT; no++) {
        struct node_spec spec = {.page = {no}, .flags = NODE_RIGHTMOST, .created = 1};
        node_format(pages[no], &spec);
    }
}

static void put_row(uint64_t page, const unsigned char *row, size_t len) {
    unsigned char key[4];
    store_be32(key, ((const struct node_page *)pages[page])->count);
    struct node_value nv = {.bytes = row, .len = (uint16_t)len};
    assert_true(ok(node_leaf_insert(pages[page], key, sizeof key, &nv)));
}

/* The head of a row: count of attributes and one bitmap, of `flags`' kind, with one bit set. */
static size_t begin_row(unsigned char *row, unsigned attributes, unsigned flags, unsigned bit) {
    size_t bitmap = flags ? (attributes + 7) / 8 : 0;
    store_le16(row, (uint16_t)attributes);
    row[2] = (unsigned char)(ROW_VERSION << 4 | flags);
    memset(row + 3, 0, bitmap);
    if (flags) row[3 + bit / 8] = (unsigned char)(1u << bit % 8);
    return 3 + bitmap;
}

static size_t put_zeros(unsigned char *row, size_t at, size_t n) {
    memset(row + at, 0, n);
    return at + n;
}

/* A row of pg_class; bytes of attributes 2 … 32 behind oid and name, the root last. */
static void put_class(uint32_t oid, const char *name, uint64_t root, unsigned flags, unsigned bit) {
    unsigned char row[512];
    size_t at = begin_row(row, CLASS_ATTRIBUTES, flags, bit);
    store_le32(row + at, oid);
    at += 4;
    size_t name_bytes = flags == REFERENCES && bit == 1 ? 12 : NAME_BYTES;
    at = put_zeros(row, at, name_bytes);
    memcpy(row + at - name_bytes, name, strlen(name));
    at = put_zeros(row, at, 11 * 4 + 4 * 1 + 2 * 2 + 8 * 1 + 3 * 4);
    for (unsigned i = 0; i < 3; i++) row[at++] = 0; /* three of no length */
    store_le64(row + at, root);
    put_row(CLASS_ROOT, row, at + 8);
}

static void put_index(uint32_t oid, uint32_t table, unsigned flags, unsigned bit) {
    unsigned char row[256];
    size_t at = begin_row(row, INDEX_ATTRIBUTES, flags, bit);
    store_le32(row + at, oid);
    store_le32(row + at + 4, table);
    at = put_zeros(row, at + 8, 2 * 2);
    memset(row + at, 1, 11);
    at += flags == NULLS && bit >= 4 && bit < 15 ? 10 : 11;
    at = put_zeros(row, at, 6); /* six of no length */
    put_row(INDEX_ROOT, row, at);
}

static void read_names(struct offline_names *n) {
    static const uint64_t roots[] = {CLASS_ROOT};
    static const struct offline o;
    assert_true(ok(offline_names_read(&o, roots, 1, n)));
}

static const struct offline_relation *find(const struct offline_names *n, uint32_t oid) {
    for (size_t i = 0; i < n->count; i++)
        if (n->list[i].oid == oid) return &n->list[i];
    return NULL;
}

static void whole_rows([[maybe_unused]] void **state) {
    struct offline_names n;
    begin_pages();
    put_class(PG_INDEX, "pg_index", INDEX_ROOT, 0, 0);
    put_class(OID_TABLE, "t", 77, 0, 0);
    put_class(OID_TABLE + 1, "t_i", 78, 0, 0);
    put_index(OID_TABLE + 1, OID_TABLE, 0, 0);
    read_names(&n);
    assert_string_equal(find(&n, OID_TABLE)->name, "t");
    assert_int_equal(find(&n, OID_TABLE)->root, 77);
    assert_int_equal(find(&n, OID_TABLE + 1)->table, OID_TABLE);
    assert_true(find(&n, OID_TABLE + 1)->unique);
    offline_names_free(&n);
}

/* An attribute of an index that is never null is null. */
static void nulls_of_an_index([[maybe_unused]] void **state) {
    for (unsigned attribute = 0; attribute < INDEX_ATTRIBUTES; attribute++) {
        struct offline_names n;
        begin_pages();
        put_class(PG_INDEX, "pg_index", INDEX_ROOT, 0, 0);
        put_class(OID_TABLE + 1, "t_i", 78, 0, 0);
        put_index(OID_TABLE + 1, OID_TABLE, NULLS, attribute);
        read_names(&n);
        assert_string_equal(find(&n, OID_TABLE + 1)->name, "t_i");
        offline_names_free(&n);
    }
}

/* Only what has no fixed length can lie elsewhere: a name of 12 bytes is none. */
static void reference_for_a_name([[maybe_unused]] void **state) {
    struct offline_names n;
    begin_pages();
    put_class(OID_TABLE, "elsewhere", 77, REFERENCES, 1);
    put_class(OID_TABLE + 1, "t", 78, 0, 0);
    read_names(&n);
    assert_null(find(&n, OID_TABLE));
    assert_string_equal(find(&n, OID_TABLE + 1)->name, "t");
    offline_names_free(&n);
}

/* What would be no text in JSON, where the names go. */
static void name_that_is_no_text([[maybe_unused]] void **state) {
    struct offline_names n;
    begin_pages();
    put_class(OID_TABLE, "a\xff\xc3z", 77, 0, 0);
    put_class(OID_TABLE + 1,
              "gr\xc3\xb6\xc3\x9f"
              "e",
              78, 0, 0);
    read_names(&n);
    assert_string_equal(find(&n, OID_TABLE)->name, "a??z");
    assert_string_equal(find(&n, OID_TABLE + 1)->name, "gr\xc3\xb6\xc3\x9f"
                                                       "e");
    offline_names_free(&n);
}

/* A page above `child`'s level, all of whose children are that page, and the page itself. */
static void put_inner(uint64_t page, uint64_t child, uint8_t level) {
    struct node_spec spec = {
        .page = {page}, .level = level, .flags = NODE_RIGHTMOST, .first = child, .created = 1};
    node_format(pages[page], &spec);
    for (unsigned i = 0; i < 100; i++) {
        unsigned char key[4];
        store_be32(key, i + 1);
        assert_true(ok(node_inner_insert(pages[page], key, sizeof key, i % 2 ? child : page)));
    }
}

static bool count_one(void *count, [[maybe_unused]] const struct tree_entry *e) {
    ++*(unsigned *)count;
    return true;
}

/* Millions of millions of ways lead to a leaf, and ways back: it is read once. */
static void tree_that_leads_to_itself([[maybe_unused]] void **state) {
    static const struct offline o;
    unsigned entries = 0;
    begin_pages();
    put_class(OID_TABLE, "t", 77, 0, 0);
    put_inner(INDEX_ROOT + 1, CLASS_ROOT, 1);
    for (uint64_t page = INDEX_ROOT + 2; page < PAGES; page++)
        put_inner(page, page - 1, (uint8_t)(page - INDEX_ROOT));
    reads = 0;
    assert_true(ok(offline_each(&o, (page_id){PAGES - 1}, count_one, &entries)));
    assert_int_equal(entries, 1);
    assert_in_range(reads, 1, PAGES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_rows),
        cmocka_unit_test(nulls_of_an_index),
        cmocka_unit_test(reference_for_a_name),
        cmocka_unit_test(name_that_is_no_text),
        cmocka_unit_test(tree_that_leads_to_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
