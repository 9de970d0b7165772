/* Entries by whole leaves (tree_fill). */
#include "base/bytes.h"
#include "tree_bed.h"

#define KEYS_MAX 40000

struct filling {
    struct fixture tree;
    struct tree_fill fill;
    size_t pad, value_len;   /* of keys; of values */
    uint8_t there[KEYS_MAX]; /* 0: no entry, else what its value is made of */
};

static struct filling *filling_open(size_t pad, size_t value_len) {
    struct filling *f = calloc(1, sizeof *f);
    fixture_open(&f->tree, &(struct fake_options){0});
    f->pad = pad;
    f->value_len = value_len;
    return f;
}

static void filling_close(struct filling *f) {
    redo_equals(f->tree.env);
    fixture_close(&f->tree);
    free(f);
}

static unsigned char key[TREE_KEY_BYTES_MAX], value[TREE_ENTRY_BYTES_MAX];

/* Keys whose last bytes tell them apart. */
static size_t make_key(const struct filling *f, uint32_t n) {
    memset(key, 'k', f->pad);
    store_be32(key + f->pad, n);
    return f->pad + 4;
}

static void begin(struct filling *f, unsigned percent) {
    assert_true(
        ok(tree_fill_init(&f->fill, &f->tree.arena, f->tree.t, &f->tree.w, is_running, percent)));
}

static void give(struct filling *f, uint32_t n, uint8_t made_of) {
    struct tree_value v = {value, f->value_len, false};
    memset(value, made_of, f->value_len);
    size_t key_len = make_key(f, n);
    while (status_is(tree_fill_add(&f->fill, key, key_len, &v), ST_FULL))
        assert_true(ok(tree_fill_put(&f->tree.p, &f->fill, false, NULL)));
    f->there[n] = made_of;
}

static void end(struct filling *f) {
    struct tree_entry e;
    assert_true(ok(tree_fill_put(&f->tree.p, &f->fill, true, NULL)));
    assert_false(tree_fill_first(&f->fill, &e));
}

/* The tree holds together and has exactly what is there. Returns its pages. */
static uint64_t verdict(struct filling *f) {
    struct tree_report report;
    struct tree_cursor c;
    struct tree_entry e;
    status s = tree_check(&f->tree.p, f->tree.t, NULL, NULL, &report);
    if (!ok(s)) print_message("%s\n", report.words);
    assert_true(ok(s));
    assert_true(ok(tree_cursor_init(&c, &f->tree.arena, f->tree.t)));
    assert_true(ok(tree_cursor_seek(&f->tree.p, &c, "", 0, false, false)));
    for (uint32_t n = 0; n < KEYS_MAX; n++) {
        if (!f->there[n]) continue;
        size_t key_len = make_key(f, n);
        memset(value, f->there[n], f->value_len);
        assert_true(ok(tree_cursor_next(&f->tree.p, &c, &e)));
        assert_int_equal(e.key_len, key_len);
        assert_memory_equal(e.key, key, key_len);
        assert_int_equal(e.value_len, f->value_len);
        assert_memory_equal(e.value, value, f->value_len);
        assert_true(e.flags & ENTRY_FIRST && e.lsn.at != 0);
        assert_true(!stamp_is_txid(e.stamp) || stamp_txid(e.stamp) == f->tree.w.x);
    }
    assert_int_equal(tree_cursor_next(&f->tree.p, &c, &e).code, ST_END);
    return report.pages;
}

static uint64_t filled_records(struct filling *f) {
    fake_env_flush(f->tree.env);
    uint64_t n = 0, tail = atomic_load(&f->tree.env->shm.log->durable);
    for (uint64_t at = LOG_FIRST.at; at < tail;) {
        const struct rec_head *r = (const struct rec_head *)(f->tree.env->log_file + at);
        n += r->type == REC_TREE_FILL;
        at += r->len;
    }
    return n;
}

/* Into an empty tree: nearly all leaves by one record each, as full as was asked for. */
static void fill_empty(size_t pad, size_t value_len, unsigned percent, uint32_t count) {
    struct filling *f = filling_open(pad, value_len);
    begin(f, percent);
    for (uint32_t n = 0; n < count; n++) give(f, n, (uint8_t)(1 + n % 200));
    end(f);
    uint64_t pages = verdict(f), by_record = filled_records(f);
    uint64_t entry = sizeof(struct node_slot) + NODE_LEAF_HEAD + value_len + 4;
    assert_true(by_record * 100 >= (pages - 5) * 90);
    assert_true(pages * NODE_CAPACITY * percent / 100 <=
                count * entry * 115 / 100 + 8 * PAGE_BYTES);
    filling_close(f);
}
static void test_empty(void **state) {
    (void)state;
    fill_empty(0, 100, 100, 20000);
    fill_empty(0, 100, 70, 20000);
    fill_empty(60, 8, 90, 30000);
    fill_empty(0, 2500, 100, 300);
}

/* Where others have entries, of which none is in the way. */
static void test_between(void **state) {
    (void)state;
    for (unsigned sparse = 3; sparse < 3000; sparse *= 4) {
        struct filling *f = filling_open(4, 60);
        for (uint32_t i = 0; i < KEYS_MAX / sparse; i++) {
            uint32_t n = rnd(KEYS_MAX);
            if (f->there[n]) continue;
            memset(value, 7, f->value_len);
            size_t key_len = make_key(f, n);
            assert_true(ok(tree_insert(&f->tree.p, &f->tree.w, f->tree.t, key, key_len, value,
                                       f->value_len, is_running, NULL)));
            f->there[n] = 7;
        }
        f->tree.w = (struct tree_writer){.x = 2};
        begin(f, 90);
        for (uint32_t n = 0; n < KEYS_MAX; n++)
            if (!f->there[n]) give(f, n, 9);
        end(f);
        f->tree.w.x = 1; /* the verdict resolves nothing: stamps of 1 and of 2 */
        struct tree_report report;
        assert_true(ok(tree_check(&f->tree.p, f->tree.t, NULL, NULL, &report)));
        assert_int_equal(report.entries, KEYS_MAX);
        assert_true(sparse < 100 || filled_records(f) > 100);
        filling_close(f);
    }
}

/* An entry that is in the way stops the filling; it goes on behind it. */
static void test_in_the_way(void **state) {
    (void)state;
    struct filling *f = filling_open(0, 100);
    struct tree_entry e;
    unsigned met = 0;
    for (uint32_t n = 2000; n < 2004; n++) {
        memset(value, 7, f->value_len);
        size_t key_len = make_key(f, n);
        assert_true(ok(tree_insert(&f->tree.p, &f->tree.w, f->tree.t, key, key_len, value,
                                   f->value_len, is_running, NULL)));
        f->there[n] = 7;
    }
    running = f->tree.w.x;
    f->tree.w = (struct tree_writer){0}; /* as the system: it may not wait for itself */
    begin(f, 100);
    struct tree_value v = {value, f->value_len, false};
    for (uint32_t n = 0; n < 6000;) {
        status s = tree_fill_add(&f->fill, key, make_key(f, n), &v);
        if (ok(s)) {
            if (!f->there[n]) f->there[n] = 7;
            n++;
            continue;
        }
        assert_int_equal(s.code, ST_FULL);
        s = tree_fill_put(&f->tree.p, &f->fill, false, NULL);
        if (ok(s)) continue;
        assert_int_equal(s.code, ST_ROW_BUSY);
        assert_true(tree_fill_first(&f->fill, &e));
        assert_int_equal(load_be32(e.key), 2000 + met);
        met++;
        running = 0; /* it has committed */
        s = tree_fill_put(&f->tree.p, &f->fill, false, NULL);
        assert_int_equal(s.code, ST_EXISTS);
        tree_fill_skip(&f->fill);
        running = 1;
    }
    assert_int_equal(met, 4);
    end(f);
    f->tree.w.x = 1;
    verdict(f);
    filling_close(f);
}

static status undo_all(struct filling *f, unsigned records) {
    lsn at = f->tree.w.last;
    status s = OK;
    while (ok(s) && at.at && records--) {
        const struct rec_head *r = (const struct rec_head *)(f->tree.env->log_file + at.at);
        uint64_t next = r->txn_prev;
        if (r->type == REC_TREE_CREATE) break;
        if (!(r->flags & REC_COMPENSATION)) s = tree_undo(&f->tree.p, &f->tree.w, r, at);
        at.at = next;
        fake_env_flush(f->tree.env);
    }
    return s;
}

/* A transaction's entries go one by one, also when the undo stops half-way and begins again. */
static void test_undo(void **state) {
    (void)state;
    struct filling *f = filling_open(0, 100);
    begin(f, 100);
    for (uint32_t n = 0; n < 500; n++) give(f, 10 * n, 3);
    end(f);
    f->tree.w = (struct tree_writer){.x = 2};
    begin(f, 100);
    for (uint32_t n = 0; n < 500; n++) give(f, 5001 + n, 4);
    end(f);
    assert_true(filled_records(f) > 5);
    fake_env_flush(f->tree.env);
    assert_true(ok(undo_all(f, 3)));
    assert_true(ok(undo_all(f, 100000)));
    assert_true(ok(undo_all(f, 100000)));
    for (uint32_t n = 0; n < 500; n++) f->there[5001 + n] = 0;
    f->tree.w.x = 1;
    verdict(f);
    filling_close(f);
}

/* A tree that is its transaction's own goes as a whole: what fills it is nobody's record. */
static void test_whole(void **state) {
    (void)state;
    struct filling *f = filling_open(0, 100);
    lsn created = f->tree.w.last;
    begin(f, 100);
    f->fill.whole = true;
    for (uint32_t n = 0; n < 5000; n++) give(f, n, 3);
    end(f);
    verdict(f);
    fake_env_flush(f->tree.env);
    const struct rec_head *r = (const struct rec_head *)(f->tree.env->log_file + created.at);
    assert_true(ok(tree_undo(&f->tree.p, &f->tree.w, r, created)));
    redo_equals(f->tree.env);
    filling_close(f);
}

/* An insert that says what it has seen there. */
static void test_over(void **state) {
    (void)state;
    struct filling *f = filling_open(0, 100);
    struct tree_value v = {"v", 1, false};
    struct tree_entry e;
    size_t key_len = make_key(f, 7);
    f->value_len = 1;
    assert_true(ok(tree_insert_over(&f->tree.p, &f->tree.w, f->tree.t, key, key_len, LSN_NONE, &v,
                                    is_running, NULL)));
    assert_int_equal(tree_insert_over(&f->tree.p, &f->tree.w, f->tree.t, key, key_len, LSN_NONE, &v,
                                      is_running, NULL)
                         .code,
                     ST_EXISTS);
    lsn first = f->tree.w.last;
    assert_true(
        ok(tree_delete(&f->tree.p, &f->tree.w, f->tree.t, key, key_len, first, is_running, NULL)));
    lsn mark = f->tree.w.last;
    lsn others[] = {LSN_NONE, first};
    for (int i = 0; i < 2; i++)
        assert_int_equal(tree_insert_over(&f->tree.p, &f->tree.w, f->tree.t, key, key_len,
                                          others[i], &v, is_running, NULL)
                             .code,
                         ST_EXISTS);
    assert_true(ok(tree_insert_over(&f->tree.p, &f->tree.w, f->tree.t, key, key_len, mark, &v,
                                    is_running, NULL)));
    assert_true(ok(tree_get(&f->tree.p, f->tree.t, key, key_len, value, &e)));
    assert_false(e.flags & ENTRY_DELETED);
    filling_close(f);
}

/* What a cursor will give is known before, as far as its leaf goes. */
static void test_peek(void **state) {
    (void)state;
    struct filling *f = filling_open(3, 100);
    begin(f, 100);
    for (uint32_t n = 0; n < 1000; n++) give(f, n, 3);
    end(f);
    for (int backward = 0; backward < 2; backward++) {
        struct tree_cursor c;
        struct tree_entry e, soon;
        unsigned char buf[TREE_KEY_BYTES_MAX];
        uint32_t expected[1000], peeked = 0;
        memset(expected, 0xff, sizeof expected);
        assert_true(ok(tree_cursor_init(&c, &f->tree.arena, f->tree.t)));
        assert_true(ok(tree_cursor_seek(&f->tree.p, &c, NULL, 0, backward, false)));
        for (unsigned i = 0; i < 1000; i++) {
            assert_true(ok(tree_cursor_next(&f->tree.p, &c, &e)));
            uint32_t n = load_be32(e.key + 3);
            assert_int_equal(n, backward ? 999 - i : i);
            assert_true(expected[i] == UINT32_MAX || expected[i] == n);
            assert_false(tree_cursor_peek(&c, 0, buf, &soon));
            for (unsigned d = 1; d < 20 && tree_cursor_peek(&c, d, buf, &soon); d++, peeked++)
                expected[i + d] = load_be32(soon.key + 3);
        }
        assert_true(peeked > 10000);
        assert_false(tree_cursor_peek(&c, 1, buf, &soon));
    }
    assert_false(tree_ahead(&f->tree.p, f->tree.t, key, make_key(f, 5))); /* all is in memory */
    filling_close(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),      cmocka_unit_test(test_between),
        cmocka_unit_test(test_in_the_way), cmocka_unit_test(test_undo),
        cmocka_unit_test(test_whole),      cmocka_unit_test(test_over),
        cmocka_unit_test(test_peek),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
