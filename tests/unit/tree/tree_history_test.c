/* Versions of entries come back from the log, and what a transaction changed is undone. */
#include "tree_model.h"

/* Every version of an entry comes back from the log, newest to oldest, through deletion and new
 * insertion. */
static void test_history(void **state) {
    (void)state;
    enum { VERSIONS = 300 };
    static struct {
        unsigned char value[400];
        uint16_t len;
        bool deleted;
        lsn lsn;
        stamp stamp;
    } history[VERSIONS];
    struct fixture f;
    struct tree_entry e;
    static _Alignas(8) unsigned char rec[REC_BYTES_MAX], buf[TREE_ENTRY_BYTES_MAX];
    fixture_open(&f, &(struct fake_options){.frames = 40, .ring_bytes = 8 << 20});
    bool deleted = true;
    for (unsigned n = 0; n < VERSIONS; n++) {
        for (unsigned other = 0; other < 30; other++) one_change(&f, SHORT_KEYS, 1);
        f.w.x++;
        size_t len = random_value(SHORT_KEYS, 3) + rnd(250);
        if (!deleted && rnd(4) == 0) {
            assert_true(
                ok(tree_delete(&f.p, &f.w, f.t, "zzz", 3, history[n - 1].lsn, is_running, NULL)));
            history[n] = history[n - 1];
            deleted = true;
        } else {
            status s =
                deleted ? tree_insert(&f.p, &f.w, f.t, "zzz", 3, value_buf, len, is_running, NULL)
                        : tree_update(&f.p, &f.w, f.t, "zzz", 3, history[n - 1].lsn, value_buf, len,
                                      is_running, NULL);
            assert_true(ok(s));
            memcpy(history[n].value, value_buf, len);
            history[n].len = (uint16_t)len;
            deleted = false;
        }
        history[n].deleted = deleted;
        history[n].lsn = f.w.last;
        /* The newest carries its transaction, older ones what became of it. */
        history[n].stamp = 1000 + f.w.x;
    }
    txid last = f.w.x;
    /* More than the ring holds: the history has to come from the files. */
    for (unsigned n = 0; n < 3000; n++) {
        key_of_number(n);
        f.w.x++;
        assert_true(
            ok(tree_insert(&f.p, &f.w, f.t, key_buf, 8, value_buf, 4000, is_running, NULL)));
    }
    assert_true(atomic_load(&f.env->shm.log->tail) - history[VERSIONS - 1].lsn.at > 8 << 20);
    assert_true(ok(tree_get(&f.p, f.t, "zzz", 3, buf, &e)));
    assert_int_equal(e.stamp, stamp_of_txid(last));
    for (unsigned n = VERSIONS; n-- > 0;) {
        assert_int_equal(e.lsn.at, history[n].lsn.at);
        assert_int_equal(!!(e.flags & ENTRY_DELETED), history[n].deleted);
        assert_int_equal(e.value_len, history[n].len);
        assert_memory_equal(e.value, history[n].value, e.value_len);
        if (n < VERSIONS - 1) assert_int_equal(e.stamp, history[n].stamp);
        assert_true(ok(log_read(&f.p, e.lsn, rec)));
        status s = tree_version_before((const struct rec_head *)rec, &e, buf);
        assert_int_equal(s.code, n ? ST_OK : ST_NOT_FOUND);
    }
    e.key = (const unsigned char *)"zzy"; /* not this record's entry */
    assert_int_equal(tree_version_before((const struct rec_head *)rec, &e, buf).code, ST_INVALID);
    model_clear();
    fixture_close(&f);
}

/* A transaction changes much, causing splits; its undo, newest first, brings everything back. Half
 * way it is interrupted and begun again. */
static void test_undo(void **state) {
    (void)state;
    struct fixture f;
    struct tree_report report;
    static _Alignas(8) unsigned char rec[REC_BYTES_MAX];
    fixture_open(&f, &(struct fake_options){.frames = 50});
    for (unsigned n = 0; n < 4000; n++) one_change(&f, SHARED_PREFIXES, 1);
    unsigned before = rows_count;
    struct row *saved = calloc(before, sizeof *saved);
    for (unsigned i = 0; i < before; i++) {
        saved[i] = rows[i];
        saved[i].key = copy_of(rows[i].key, rows[i].key_len);
        saved[i].value = copy_of(rows[i].value, rows[i].value_len);
    }
    f.w = (struct tree_writer){.x = f.w.x + 1};
    _Atomic uint64_t shared_last = 0;
    f.w.shared_last = &shared_last;
    txid mine = f.w.x;
    for (unsigned n = 0; n < 6000; n++) {
        struct tree_writer w = f.w;
        size_t key_len = random_key(SHARED_PREFIXES), value_len = random_value(SHORT_KEYS, 0);
        bool found;
        unsigned i = model_find(key_buf, key_len, &found);
        status s;
        if (!found || rows[i].deleted)
            s = tree_insert(&f.p, &f.w, f.t, key_buf, key_len, value_buf, value_len, is_running,
                            NULL);
        else if (rnd(3))
            s = tree_update(&f.p, &f.w, f.t, key_buf, key_len, rows[i].lsn, value_buf, value_len,
                            is_running, NULL);
        else
            s = tree_delete(&f.p, &f.w, f.t, key_buf, key_len, rows[i].lsn, is_running, NULL);
        assert_true(ok(s));
        assert_true(f.w.last.at > w.last.at);
        struct tree_entry e;
        assert_true(ok(tree_get(&f.p, f.t, key_buf, key_len, value_buf, &e)));
        model_put(key_buf, key_len, e.value, e.value_len, e.lsn);
        i = model_find(key_buf, key_len, &found);
        rows[i].deleted = e.flags & ENTRY_DELETED;
    }
    assert_int_equal(atomic_load(&shared_last), f.w.last.at);
    check_tree(&f, &report);
    uint64_t undo = f.w.last.at, undone = 0, repeat = 0;
    while (undo) {
        assert_true(ok(log_read(&f.p, (lsn){undo}, rec)));
        const struct rec_head *r = (const struct rec_head *)rec;
        assert_int_equal(r->txid, mine);
        assert_int_equal(r->flags, 0);
        assert_true(ok(tree_undo(&f.p, &f.w, r, (lsn){undo})));
        lsn last = f.w.last;
        /* Again: nothing happens. */
        if (++repeat % 7 == 0) {
            assert_true(ok(tree_undo(&f.p, &f.w, r, (lsn){undo})));
            assert_int_equal(f.w.last.at, last.at);
        }
        static _Alignas(8) unsigned char clr[REC_BYTES_MAX];
        assert_true(ok(log_read(&f.p, last, clr)));
        assert_int_equal(((struct rec_head *)clr)->flags, REC_COMPENSATION);
        assert_int_equal(((struct rec_head *)clr)->txn_prev, r->txn_prev);
        undo = r->txn_prev;
        undone++;
    }
    assert_int_equal(undone, 6000);
    model_clear();
    rows = saved;
    rows_count = rows_cap = before;
    check_tree(&f, &report);
    scan_and_compare(&f, "", 0, false, false, UINT32_MAX);
    redo_equals(f.env);
    model_clear();
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_undo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
