#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_env.h"
#include "redo.h"
#include "tree/tree.h"

#define ME SLOT_QUERYD

static uint64_t seed = 0x9e3779b97f4a7c15u;
static unsigned rnd(unsigned n) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

/* The transaction that tests let run; everybody else has committed. */
static txid running;
static bool is_running(struct proc *p, txid x, commit_time *ret_time) {
    (void)p;
    if (x == running) return true;
    *ret_time = 1000 + x;
    return false;
}

struct fixture {
    struct fake_env *env;
    struct proc p;
    struct tree_writer w;
    struct tree t;
    struct arena arena;
};

static void fixture_open(struct fixture *f, const struct fake_options *options) {
    memset(f, 0, sizeof *f);
    running = 0;
    f->env = fake_env_new(options);
    fake_env_proc(f->env, ME, &f->p);
    arena_init(&f->arena, 0);
    f->w.x = 1;
    assert_true(ok(tree_create(&f->p, &f->w, 77, &f->t)));
}

static void fixture_close(struct fixture *f) {
    arena_free(&f->arena);
    fake_env_free(f->env);
}

/* The model: a sorted array. */
struct row {
    unsigned char *key, *value;
    uint16_t key_len, value_len;
    bool deleted;
    lsn lsn;
};
static struct row *rows;
static unsigned rows_count, rows_cap;

static unsigned model_find(const void *key, size_t len, bool *found) {
    unsigned from = 0, to = rows_count;
    *found = false;
    while (from < to) {
        unsigned mid = (from + to) / 2;
        int c = key_compare(rows[mid].key, rows[mid].key_len, key, len);
        if (c == 0) {
            *found = true;
            return mid;
        }
        if (c < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static void *copy_of(const void *bytes, size_t n) {
    void *m = malloc(n ? n : 1);
    if (n) memcpy(m, bytes, n);
    return m;
}

static void model_put(const void *key, size_t key_len, const void *value, size_t value_len,
                      lsn at) {
    bool found;
    unsigned i = model_find(key, key_len, &found);
    if (!found) {
        if (rows_count == rows_cap) {
            rows_cap = rows_cap ? rows_cap * 2 : 64;
            rows = realloc(rows, rows_cap * sizeof *rows);
        }
        memmove(&rows[i + 1], &rows[i], (rows_count - i) * sizeof *rows);
        rows_count++;
        rows[i] = (struct row){.key = copy_of(key, key_len), .key_len = (uint16_t)key_len};
    }
    free(rows[i].value);
    rows[i].value = copy_of(value, value_len);
    rows[i].value_len = (uint16_t)value_len;
    rows[i].deleted = false;
    rows[i].lsn = at;
}

static void model_remove(unsigned i) {
    free(rows[i].key);
    free(rows[i].value);
    rows_count--;
    memmove(&rows[i], &rows[i + 1], (rows_count - i) * sizeof *rows);
}

static void model_clear(void) {
    while (rows_count) model_remove(rows_count - 1);
    free(rows);
    rows = NULL;
    rows_cap = 0;
}

static void same_as_row(const struct tree_entry *e, const struct row *r) {
    assert_int_equal(e->key_len, r->key_len);
    assert_memory_equal(e->key, r->key, r->key_len);
    assert_int_equal(e->value_len, r->value_len);
    assert_memory_equal(e->value, r->value, r->value_len);
    assert_int_equal(!!(e->flags & ENTRY_DELETED), r->deleted);
    assert_int_equal(e->lsn.at, r->lsn.at);
}

static void scan_and_compare(struct fixture *f, const void *key, size_t key_len, bool backward,
                             bool exclusive, unsigned limit) {
    struct tree_cursor c;
    struct tree_entry e;
    bool found;
    struct arena_mark mark = arena_mark(&f->arena);
    assert_true(ok(tree_cursor_init(&c, &f->arena, f->t)));
    assert_true(ok(tree_cursor_seek(&f->p, &c, key, key_len, backward, exclusive)));
    unsigned i = model_find(key, key_len, &found);
    if (backward) {
        if (key_len == 0)
            i = rows_count;
        else if (found && !exclusive)
            i++;
        for (; i > 0 && limit; limit--) {
            assert_true(ok(tree_cursor_next(&f->p, &c, &e)));
            same_as_row(&e, &rows[--i]);
        }
    } else {
        if (found && exclusive) i++;
        for (; i < rows_count && limit; limit--) {
            assert_true(ok(tree_cursor_next(&f->p, &c, &e)));
            same_as_row(&e, &rows[i++]);
        }
    }
    if (limit) {
        assert_int_equal(tree_cursor_next(&f->p, &c, &e).code, ST_END);
        assert_int_equal(tree_cursor_next(&f->p, &c, &e).code, ST_END);
    }
    arena_rewind(&f->arena, mark);
}

static uint8_t *pages_seen;
static uint64_t pages_seen_count;
static void see_page(void *arg, page_id page) {
    (void)arg;
    assert_int_equal(pages_seen[page.no], 0);
    pages_seen[page.no] = 1;
    pages_seen_count++;
}

/* The tree holds together, has the model's entries, and the space map knows exactly its pages. */
static void check_tree(struct fixture *f, struct tree_report *report) {
    _Alignas(8) static unsigned char map[PAGE_BYTES];
    pages_seen = calloc(f->env->pages_max, 1);
    pages_seen_count = 0;
    status s = tree_check(&f->p, f->t, see_page, NULL, report);
    if (!ok(s)) print_message("%s\n", report->words);
    assert_true(ok(s));
    assert_int_equal(report->entries, rows_count);
    assert_int_equal(report->pages, pages_seen_count);
    uint64_t used = 0;
    for (uint64_t m = SPACE_FIRST; m < f->env->pages_max; m += SPACE_BITS) {
        fake_env_page(f->env, (page_id){m}, map);
        const struct space_page *sp = (const struct space_page *)map;
        for (uint64_t i = 0; i < SPACE_BITS && sp->first + i < f->env->pages_max; i++) {
            if (!space_bit(sp, i) || sp->first + i < SPACE_FIRST || i == SPACE_FIRST) continue;
            assert_int_equal(pages_seen[sp->first + i], 1);
            used++;
        }
    }
    assert_int_equal(used, report->pages);
    free(pages_seen);
}

static unsigned char key_buf[TREE_KEY_BYTES_MAX], value_buf[TREE_ENTRY_BYTES_MAX];

enum shape { SHORT_KEYS, SHARED_PREFIXES, GREAT_ENTRIES };

static size_t random_key(enum shape shape) {
    size_t n = 0;
    if (shape == SHARED_PREFIXES) {
        unsigned group = rnd(6);
        n = group * 37;
        memset(key_buf, 'a' + (int)group, n);
    }
    if (shape == GREAT_ENTRIES && rnd(3) == 0) {
        n = rnd(TREE_KEY_BYTES_MAX - 8);
        memset(key_buf, rnd(2), n);
    }
    for (unsigned m = 1 + rnd(6); m; m--) key_buf[n++] = (unsigned char)rnd(shape ? 8 : 5);
    return n;
}

static size_t random_value(enum shape shape, size_t key_len) {
    size_t max = shape == GREAT_ENTRIES && rnd(2) ? TREE_ENTRY_BYTES_MAX - key_len : 120;
    size_t n = rnd((unsigned)max + 1);
    if (shape == GREAT_ENTRIES && rnd(8) == 0) n = max;
    /* Versions of a value resemble one another. */
    memset(value_buf, 'v', n);
    for (unsigned i = 0; i < 4 && n; i++) value_buf[rnd((unsigned)n)] = (unsigned char)rnd(256);
    return n;
}

static void key_of_number(uint64_t n) {
    n = __builtin_bswap64(n);
    memcpy(key_buf, &n, 8);
}

static void one_change(struct fixture *f, enum shape shape, unsigned purge_of_8) {
    struct tree_found hit;
    size_t key_len = random_key(shape), value_len = random_value(shape, key_len);
    bool found;
    f->w.x++;
    unsigned i = model_find(key_buf, key_len, &found);
    if (!found || (rows[i].deleted && rnd(8) >= purge_of_8)) {
        assert_true(ok(tree_insert(&f->p, &f->w, f->t, key_buf, key_len, value_buf, value_len,
                                   is_running, &hit)));
        model_put(key_buf, key_len, value_buf, value_len, f->w.last);
    } else if (rows[i].deleted) {
        assert_true(ok(tree_purge(&f->p, f->t, key_buf, key_len, rows[i].lsn)));
        model_remove(i);
    } else if (rnd(8) < purge_of_8) {
        assert_true(
            ok(tree_delete(&f->p, &f->w, f->t, key_buf, key_len, rows[i].lsn, is_running, &hit)));
        rows[i].deleted = true;
        rows[i].lsn = f->w.last;
    } else {
        assert_true(ok(tree_update(&f->p, &f->w, f->t, key_buf, key_len, rows[i].lsn, value_buf,
                                   value_len, is_running, &hit)));
        model_put(key_buf, key_len, value_buf, value_len, f->w.last);
    }
}

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

/* A cursor keeps its place while what it stands on is split, joined and freed. */
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
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_undo),
        cmocka_unit_test(test_free_tree),
        cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_cursor_under_changes),
        cmocka_unit_test(test_cursor_of_broken_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
