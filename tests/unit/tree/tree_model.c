#include "tree_model.h"

struct row *rows;
unsigned rows_count, rows_cap;
unsigned char key_buf[TREE_KEY_BYTES_MAX], value_buf[TREE_ENTRY_BYTES_MAX];

unsigned model_find(const void *key, size_t len, bool *found) {
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

void *copy_of(const void *bytes, size_t n) {
    void *m = malloc(n ? n : 1);
    if (n) memcpy(m, bytes, n);
    return m;
}

void model_put(const void *key, size_t key_len, const void *value, size_t value_len, lsn at) {
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

void model_remove(unsigned i) {
    free(rows[i].key);
    free(rows[i].value);
    rows_count--;
    memmove(&rows[i], &rows[i + 1], (rows_count - i) * sizeof *rows);
}

void model_clear(void) {
    while (rows_count) model_remove(rows_count - 1);
    free(rows);
    rows = NULL;
    rows_cap = 0;
}

void same_as_row(const struct tree_entry *e, const struct row *r) {
    assert_int_equal(e->key_len, r->key_len);
    assert_memory_equal(e->key, r->key, r->key_len);
    assert_int_equal(e->value_len, r->value_len);
    assert_memory_equal(e->value, r->value, r->value_len);
    assert_int_equal(!!(e->flags & ENTRY_DELETED), r->deleted);
    assert_int_equal(e->lsn.at, r->lsn.at);
}

void scan_and_compare(struct fixture *f, const void *key, size_t key_len, bool backward,
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

void check_tree(struct fixture *f, struct tree_report *report) {
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

size_t random_key(enum shape shape) {
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

size_t random_value(enum shape shape, size_t key_len) {
    size_t max = shape == GREAT_ENTRIES && rnd(2) ? TREE_ENTRY_BYTES_MAX - key_len : 120;
    size_t n = rnd((unsigned)max + 1);
    if (shape == GREAT_ENTRIES && rnd(8) == 0) n = max;
    /* Versions of a value resemble one another. */
    memset(value_buf, 'v', n);
    for (unsigned i = 0; i < 4 && n; i++) value_buf[rnd((unsigned)n)] = (unsigned char)rnd(256);
    return n;
}

void key_of_number(uint64_t n) {
    n = __builtin_bswap64(n);
    memcpy(key_buf, &n, 8);
}

void one_change(struct fixture *f, enum shape shape, unsigned purge_of_8) {
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
