/* Trees beside a model of them; verdicts, stamps, cursors, a full disk. */
#include "tree_model.h"

static void run_model(enum shape shape, unsigned ops, const struct fake_options *options) {
    struct fixture f;
    struct tree_report report;
    struct tree_entry e;
    unsigned height = 0;
    fixture_open(&f, options);
    for (unsigned n = 0; n < ops; n++) {
        /* Grows at first, shrinks at last. */
        one_change(&f, shape, n < ops / 2 ? 2 : 6);
        size_t key_len = random_key(shape);
        bool found;
        unsigned i = model_find(key_buf, key_len, &found);
        status s = tree_get(&f.p, f.t, key_buf, key_len, value_buf, &e);
        assert_int_equal(s.code, found ? ST_OK : ST_NOT_FOUND);
        if (found) same_as_row(&e, &rows[i]);
        if (n % 97 == 0) scan_and_compare(&f, key_buf, key_len, rnd(2), rnd(2), 1 + rnd(300));
        if (n % (ops / 10) == 0) {
            check_tree(&f, &report);
            if (report.height > height) height = report.height;
        }
    }
    scan_and_compare(&f, "", 0, false, false, UINT32_MAX);
    scan_and_compare(&f, "", 0, true, false, UINT32_MAX);
    assert_true(height >= 2);
    if (options->frames) assert_true(f.env->evictions > 100);
    redo_equals(f.env);
    /* Everything away: one leaf is left. */
    while (rows_count) {
        unsigned i = rnd(rows_count);
        struct row *r = &rows[i];
        f.w.x++;
        if (!r->deleted) {
            assert_true(
                ok(tree_delete(&f.p, &f.w, f.t, r->key, r->key_len, r->lsn, is_running, NULL)));
            r->lsn = f.w.last;
        }
        assert_true(ok(tree_purge(&f.p, f.t, r->key, r->key_len, r->lsn)));
        model_remove(i);
    }
    check_tree(&f, &report);
    assert_int_equal(report.pages, 1);
    redo_equals(f.env);
    model_clear();
    fixture_close(&f);
}

static void test_model_short(void **state) {
    (void)state;
    run_model(SHORT_KEYS, 100000, &(struct fake_options){0});
}
static void test_model_prefixes(void **state) {
    (void)state;
    run_model(SHARED_PREFIXES, 60000, &(struct fake_options){.frames = 40});
}
static void test_model_great(void **state) {
    (void)state;
    run_model(GREAT_ENTRIES, 8000, &(struct fake_options){.frames = 60});
}

/* Ascending keys fill their leaves; a queue (in at the end, out at the beginning) stays small. */
static void test_queue(void **state) {
    (void)state;
    struct fixture f;
    struct tree_report report;
    fixture_open(&f, &(struct fake_options){0});
    memset(value_buf, 'q', 100);
    for (unsigned n = 0; n < 40000; n++) {
        key_of_number(n);
        f.w.x++;
        assert_true(ok(tree_insert(&f.p, &f.w, f.t, key_buf, 8, value_buf, 100, is_running, NULL)));
        model_put(key_buf, 8, value_buf, 100, f.w.last);
    }
    check_tree(&f, &report);
    assert_int_equal(report.height, 3);
    assert_true(report.pages * 55 < report.entries);
    uint64_t full = report.pages;
    for (unsigned n = 0; n < 60000; n++) {
        struct row *r = &rows[0];
        f.w.x++;
        assert_true(ok(tree_delete(&f.p, &f.w, f.t, r->key, 8, r->lsn, is_running, NULL)));
        assert_true(ok(tree_purge(&f.p, f.t, r->key, 8, f.w.last)));
        model_remove(0);
        if (n % 4 == 0) {
            key_of_number(40000 + n);
            assert_true(
                ok(tree_insert(&f.p, &f.w, f.t, key_buf, 8, value_buf, 100, is_running, NULL)));
            model_put(key_buf, 8, value_buf, 100, f.w.last);
        }
        if (!rows_count) break;
    }
    check_tree(&f, &report);
    assert_true(report.pages < full / 20);
    redo_equals(f.env);
    model_clear();
    fixture_close(&f);
}

/* Pages on both sides of the border between two space maps. */
static void test_two_maps(void **state) {
    (void)state;
    struct fixture f;
    struct tree_report report;
    fixture_open(
        &f, &(struct fake_options){.first_page = SPACE_BITS - 20, .pages_max = SPACE_BITS + 4096});
    for (unsigned n = 0; n < 20000; n++) one_change(&f, SHORT_KEYS, n < 15000 ? 1 : 4);
    check_tree(&f, &report);
    assert_true(report.pages > 40);
    redo_equals(f.env);
    assert_true(ok(tree_free(&f.p, f.t)));
    model_clear();
    _Alignas(8) unsigned char map[PAGE_BYTES];
    fake_env_page(f.env, (page_id){SPACE_FIRST + SPACE_BITS}, map);
    const struct space_page *s = (const struct space_page *)map;
    for (uint64_t i = 0; i < SPACE_BITS; i++) assert_int_equal(space_bit(s, i), i == SPACE_FIRST);
    redo_equals(f.env);
    fixture_close(&f);
}

static lsn put_one(struct fixture *f, const char *key, const char *value) {
    f->w.x++;
    assert_true(ok(
        tree_insert(&f->p, &f->w, f->t, key, strlen(key), value, strlen(value), is_running, NULL)));
    return f->w.last;
}

static void test_verdicts(void **state) {
    (void)state;
    struct fixture f;
    struct tree_found hit;
    struct tree_entry e;
    fixture_open(&f, &(struct fake_options){0});
    lsn first = put_one(&f, "k", "one");
    txid writer = f.w.x++;
    assert_int_equal(tree_insert(&f.p, &f.w, f.t, "k", 1, "x", 1, is_running, &hit).code,
                     ST_EXISTS);
    assert_int_equal(hit.lsn.at, first.at);
    assert_int_equal(hit.stamp, 1000 + writer);
    running = writer;
    assert_int_equal(tree_insert(&f.p, &f.w, f.t, "k", 1, "x", 1, is_running, &hit).code,
                     ST_ROW_BUSY);
    assert_int_equal(hit.stamp, stamp_of_txid(writer));
    assert_int_equal(tree_update(&f.p, &f.w, f.t, "k", 1, first, "x", 1, is_running, &hit).code,
                     ST_ROW_BUSY);
    running = 0;
    assert_int_equal(tree_update(&f.p, &f.w, f.t, "k", 1, LOG_FIRST, "x", 1, is_running, &hit).code,
                     ST_ROW_CHANGED);
    assert_int_equal(tree_update(&f.p, &f.w, f.t, "l", 1, first, "x", 1, is_running, &hit).code,
                     ST_ROW_CHANGED);
    assert_true(ok(tree_delete(&f.p, &f.w, f.t, "k", 1, first, is_running, &hit)));
    lsn gone = f.w.last;
    assert_int_equal(tree_update(&f.p, &f.w, f.t, "k", 1, gone, "x", 1, is_running, &hit).code,
                     ST_ROW_CHANGED);
    assert_int_equal(tree_delete(&f.p, &f.w, f.t, "k", 1, gone, is_running, &hit).code,
                     ST_ROW_CHANGED);
    assert_true(ok(tree_get(&f.p, f.t, "k", 1, value_buf, &e)));
    assert_int_equal(e.flags, ENTRY_DELETED);
    /* Purge of another version than the newest does nothing. */
    assert_true(ok(tree_purge(&f.p, f.t, "k", 1, first)));
    assert_true(ok(tree_insert(&f.p, &f.w, f.t, "k", 1, "two", 3, is_running, &hit)));
    assert_true(ok(tree_purge(&f.p, f.t, "k", 1, gone)));
    assert_true(ok(tree_get(&f.p, f.t, "k", 1, value_buf, &e)));
    assert_int_equal(e.flags, 0);
    assert_memory_equal(e.value, "two", 3);
    static unsigned char big[TREE_ENTRY_BYTES_MAX + 1];
    assert_int_equal(
        tree_insert(&f.p, &f.w, f.t, big, TREE_KEY_BYTES_MAX + 1, "", 0, is_running, NULL).code,
        ST_PROGRAM_LIMIT_EXCEEDED);
    assert_int_equal(
        tree_insert(&f.p, &f.w, f.t, "m", 1, big, TREE_ENTRY_BYTES_MAX, is_running, NULL).code,
        ST_PROGRAM_LIMIT_EXCEEDED);
    assert_true(
        ok(tree_insert(&f.p, &f.w, f.t, "m", 1, big, TREE_ENTRY_BYTES_MAX - 1, is_running, NULL)));
    fixture_close(&f);
}

static void test_free_tree(void **state) {
    (void)state;
    struct fixture f;
    struct tree_report report;
    fixture_open(&f, &(struct fake_options){.frames = 50});
    lsn created = f.w.last;
    for (unsigned n = 0; n < 4000; n++) one_change(&f, GREAT_ENTRIES, 1);
    check_tree(&f, &report);
    assert_true(report.height >= 3);
    /* Another tree of this relation at this page: not ours, nothing happens. */
    assert_true(ok(tree_free_created(&f.p, f.t, LSN_NONE, created)));
    assert_true(ok(tree_free_created(&f.p, f.t, (lsn){created.at + 1}, (lsn){UINT64_MAX})));
    struct tree other = {f.t.root, 78};
    assert_true(ok(tree_free(&f.p, other)));
    check_tree(&f, &report);
    assert_true(ok(tree_free_created(&f.p, f.t, created, (lsn){created.at + 1})));
    _Alignas(8) unsigned char map[PAGE_BYTES];
    fake_env_page(f.env, (page_id){SPACE_FIRST}, map);
    for (uint64_t i = 0; i < SPACE_BITS; i++)
        assert_int_equal(space_bit((const struct space_page *)map, i), i <= SPACE_FIRST);
    assert_true(ok(tree_free(&f.p, f.t)));
    redo_equals(f.env);
    model_clear();
    fixture_close(&f);
}

static void test_disk_full(void **state) {
    (void)state;
    struct fixture f;
    struct tree_report report;
    fixture_open(&f, &(struct fake_options){0});
    f.env->disk_pages = 60;
    status s = OK;
    for (unsigned n = 0; n < 100000 && ok(s); n++) {
        key_of_number(n * 2654435761u);
        f.w.x++;
        s = tree_insert(&f.p, &f.w, f.t, key_buf, 8, value_buf, 50, is_running, NULL);
        if (ok(s)) model_put(key_buf, 8, value_buf, 50, f.w.last);
    }
    assert_int_equal(s.code, ST_DISK_FULL);
    check_tree(&f, &report);
    f.env->disk_pages = 0;
    assert_true(ok(tree_insert(&f.p, &f.w, f.t, key_buf, 8, value_buf, 50, is_running, NULL)));
    model_clear();
    fixture_close(&f);
}

static void test_stamps(void **state) {
    (void)state;
    struct fixture f;
    _Alignas(8) unsigned char page[PAGE_BYTES];
    fixture_open(&f, &(struct fake_options){0});
    put_one(&f, "a", "1");
    txid a = f.w.x;
    put_one(&f, "b", "2");
    running = f.w.x;
    put_one(&f, "c", "3");
    fake_env_page(f.env, f.t.root, page);
    /* Of the commits only a's is durable. */
    atomic_store(&f.env->shm.log->visible, 1000 + a);
    assert_int_equal(tree_resolve_stamps(&f.p, page, is_running), 1);
    struct node_view v;
    struct node_entry e;
    assert_true(node_view(page, &v));
    assert_true(node_entry_at(&v, 0, &e));
    assert_int_equal(e.stamp, 1000 + a);
    assert_true(node_entry_at(&v, 1, &e));
    assert_true(stamp_is_txid(e.stamp));
    atomic_store(&f.env->shm.log->visible, UINT64_MAX >> 1);
    assert_int_equal(tree_resolve_stamps(&f.p, page, is_running), 1);
    assert_true(node_entry_at(&v, 1, &e));
    assert_int_equal(e.stamp, stamp_of_txid(running));
    assert_true(node_entry_at(&v, 2, &e));
    assert_false(stamp_is_txid(e.stamp));
    fixture_close(&f);
}

/* The last leaf but one ends at a key that its parent sends there again: a scan of such a tree ends
 * with an error, in whichever direction. */
static void test_cursor_of_broken_tree(void **state) {
    (void)state;
    struct fixture f;
    struct tree_cursor c;
    struct tree_entry e;
    struct node_view v;
    fixture_open(&f, &(struct fake_options){.frames = 60});
    for (unsigned n = 0; n < 1000; n++) {
        key_of_number(n);
        assert_true(ok(tree_insert(&f.p, &f.w, f.t, key_buf, 8, value_buf, 60, is_running, NULL)));
    }
    for (int backward = 0; backward < 2; backward++) {
        status s;
        assert_true(ok(tree_cursor_init(&c, &f.arena, f.t)));
        key_of_number(500);
        assert_true(ok(tree_cursor_seek(&f.p, &c, key_buf, 8, backward, false)));
        unsigned char *page = frame_bytes(f.p.shm, pool_peek(f.p.shm, c.page));
        assert_true(node_view(page, &v));
        unsigned char *fence = (unsigned char *)(backward ? node_low(&v) : node_high(&v));
        unsigned last = (backward ? v.low_len : v.high_len) - 1u;
        fence[last] = (unsigned char)(fence[last] + (backward ? 1 : -1));
        assert_true(ok(tree_cursor_seek(&f.p, &c, key_buf, 8, backward, false)));
        while (ok(s = tree_cursor_next(&f.p, &c, &e))) continue;
        assert_true(status_is(s, ST_INDEX_CORRUPTED));
        fence[last] = (unsigned char)(fence[last] - (backward ? 1 : -1));
    }
    fixture_close(&f);
}

/* A cursor keeps its place while what it stands on is split, joined and freed. */
static void test_cursor_under_changes(void **state) {
    (void)state;
    struct fixture f;
    struct tree_cursor c;
    struct tree_entry e;
    fixture_open(&f, &(struct fake_options){.frames = 60});
    for (unsigned n = 0; n < 3000; n++) {
        key_of_number((uint64_t)n * 10);
        f.w.x++;
        assert_true(ok(tree_insert(&f.p, &f.w, f.t, key_buf, 8, value_buf, 60, is_running, NULL)));
    }
    for (int backward = 0; backward < 2; backward++) {
        uint64_t expected = backward ? 2999 : 0;
        assert_true(ok(tree_cursor_init(&c, &f.arena, f.t)));
        assert_true(ok(tree_cursor_seek(&f.p, &c, "", 0, backward, false)));
        unsigned multiples = 0;
        while (ok(tree_cursor_next(&f.p, &c, &e))) {
            uint64_t n = __builtin_bswap64(*(const uint64_t *)(const void *)e.key);
            if (n % 10) continue;
            assert_int_equal(n, expected * 10);
            expected += backward ? (uint64_t)-1 : 1;
            multiples++;
            /* New entries around, and some of them away again. */
            uint64_t near = n + rnd(2000) - 1000, at = near - near % 10 + 1 + rnd(9);
            key_of_number(at);
            f.w.x++;
            struct tree_found hit;
            status s = tree_insert(&f.p, &f.w, f.t, key_buf, 8, value_buf, 500, is_running, &hit);
            if (status_is(s, ST_EXISTS)) {
                assert_true(
                    ok(tree_delete(&f.p, &f.w, f.t, key_buf, 8, hit.lsn, is_running, NULL)));
                assert_true(ok(tree_purge(&f.p, f.t, key_buf, 8, f.w.last)));
            } else {
                assert_true(ok(s));
            }
        }
        assert_int_equal(multiples, 3000);
    }
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_model_short),
        cmocka_unit_test(test_model_prefixes),
        cmocka_unit_test(test_model_great),
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_two_maps),
        cmocka_unit_test(test_free_tree),
        cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_cursor_under_changes),
        cmocka_unit_test(test_cursor_of_broken_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
