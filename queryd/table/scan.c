/* Reading rows: by key, and in the order of the rows or of an index. */
#include <string.h>

#include "base/counter.h"
#include "table/internal.h"
#include "table/large.h"
#include "txn/serial.h"
#include "txn/version.h"

#define ROWS_PER_BREATH 256

status table_see(struct sql_env *env, struct tree_entry *e, void *buf) {
    status s = version_visible(env->proc, &env->snapshot, e, buf);
    return status_is(s, ST_SERIALIZATION_FAILURE) ? serial_words(env->eval.error, s) : s;
}

status table_note_key(struct sql_env *env, struct tree t, const void *key, size_t key_len) {
    if (!env->snapshot.serial) return OK;
    return serial_words(env->eval.error, serial_read_key(env->snapshot.serial, t, key, key_len));
}

status table_get(struct sql_env *env, const struct relation *r, const void *key, size_t key_len,
                 void *buf, struct tree_entry *ret_entry) {
    TRY(table_note_key(env, r->tree, key, key_len));
    TRY(tree_get(env->proc, r->tree, key, key_len, buf, ret_entry));
    return table_see(env, ret_entry, buf);
}

/* The first key after all that begin with these bytes; false: there is none. */
static bool after_prefix(struct buf *b) {
    while (b->len && (unsigned char)b->data[b->len - 1] == 0xff) b->len--;
    if (!b->len) return false;
    b->data[b->len - 1]++;
    return true;
}

/* Bounds become plain keys: low is the first key in range, high the first beyond it; an empty one
 * is open. */
static status set_bounds(struct table_scan *s, struct table_bound low, struct table_bound high) {
    if (low.bytes && low.len) {
        TRY(buf_add(&s->low, low.bytes, low.len));
        if (low.exclusive && !after_prefix(&s->low)) s->done = true;
    }
    if (high.bytes && high.len) {
        TRY(buf_add(&s->high, high.bytes, high.len));
        if (!high.exclusive && !after_prefix(&s->high)) s->high.len = 0;
    }
    if (s->index || s->high.len) return OK;
    return buf_add(&s->high, (char[]){(char)LARGE_KEY_FIRST}, 1);
}

status table_scan_begin(struct sql_env *env, struct table_scan *s, struct arena *a,
                        const struct relation *r, const struct index_desc *index,
                        struct table_bound low, struct table_bound high, bool backward) {
    if (index && index->primary) index = NULL;
    *s = (struct table_scan){.env = env, .relation = r, .index = index, .backward = backward};
    s->version_buf = arena_alloc(a, TREE_ENTRY_BYTES_MAX);
    s->row_buf = index ? arena_alloc(a, TREE_ENTRY_BYTES_MAX) : s->version_buf;
    if (!s->version_buf || !s->row_buf) return STATUS(OUT_OF_MEMORY);
    TRY(tree_cursor_init(&s->cursor, a, index ? index->tree : r->tree));
    status st = set_bounds(s, low, high);
    if (ok(st) && env->snapshot.serial)
        st = serial_words(env->eval.error,
                          serial_read_range(env->snapshot.serial, s->cursor.tree, s->low.data,
                                            s->low.len, s->high.data, s->high.len));
    if (!ok(st)) table_scan_end(s);
    return st;
}

static int compare_key(const struct tree_entry *e, const struct buf *b) {
    return bytes_compare(e->key, e->key_len, b->data, b->len);
}

/* The cursor's leaf ends (backward: begins) within the bounds. Leaves are numbered from 1. */
static bool leaf_is_inside(struct table_scan *s) {
    const struct tree_cursor *c = &s->cursor;
    const struct buf *bound = s->backward ? &s->low : &s->high;
    if (s->looked_at == c->copied) return s->inside;
    s->looked_at = c->copied;
    s->inside = bound->len == 0;
    if (!s->inside && !c->at_end) {
        int order = key_compare(c->fence, c->fence_len, bound->data, bound->len);
        s->inside = s->backward ? order >= 0 : order <= 0;
    }
    return s->inside;
}

static bool beyond(struct table_scan *s, const struct tree_entry *e) {
    if (leaf_is_inside(s)) return false;
    if (s->backward) return s->low.len && compare_key(e, &s->low) < 0;
    return s->high.len && compare_key(e, &s->high) >= 0;
}

/* Rows that an index leads to lie anywhere: while some of them are not in memory, those of the next
 * entries are asked for, more of them the longer that goes on. */
#define ROWS_AHEAD_MAX 32
#define ROWS_AHEAD_FIRST 4

static void rows_ahead(struct table_scan *s) {
    unsigned char key[TREE_KEY_BYTES_MAX];
    struct tree_entry e;
    const unsigned char *row;
    size_t len;
    if (s->asked) s->asked--; /* one of them was given */
    while (s->asked < s->ahead && tree_cursor_peek(&s->cursor, s->asked + 1u, key, &e)) {
        s->asked++;
        if (beyond(s, &e)) return;
        if (e.flags & ENTRY_DELETED || !ok(table_row_key(s->index, &e, &row, &len))) continue;
        if (tree_ahead(s->env->proc, s->relation->tree, row, len)) s->present = 0;
    }
}

/* After a row was read: had it to be loaded, and how far to look ahead from now on? */
static void look_ahead(struct table_scan *s, bool loaded) {
    if (loaded) {
        s->present = 0;
        s->ahead = s->ahead ? s->ahead * 2 : ROWS_AHEAD_FIRST;
        if (s->ahead > ROWS_AHEAD_MAX) s->ahead = ROWS_AHEAD_MAX;
    } else if (s->ahead && ++s->present == 4 * ROWS_AHEAD_MAX) {
        s->ahead = s->asked = 0;
    }
}

/* From a visible index entry to its row. The entry and the row were written by the same
 * transactions, so the row is visible too. */
static status row_of_entry(struct table_scan *s, struct tree_entry *e) {
    const unsigned char *key;
    size_t key_len;
    TRY(table_row_key(s->index, e, &key, &key_len));
    struct tree_entry row;
    if (s->ahead) rows_ahead(s);
    uint64_t misses = counter_own(s->env->proc, COUNTER_PAGE_MISSES);
    status st = table_get(s->env, s->relation, key, key_len, s->row_buf, &row);
    if (status_is(st, ST_NOT_FOUND)) return STATUS(INDEX_CORRUPTED);
    look_ahead(s, counter_own(s->env->proc, COUNTER_PAGE_MISSES) != misses);
    TRY(st);
    row.key = key;
    row.key_len = (uint16_t)key_len;
    *e = row;
    return OK;
}

status table_scan_next(struct table_scan *s, struct tree_entry *ret_entry) {
    if (s->done) return STATUS(END);
    struct proc *p = s->env->proc;
    if (!s->begun) {
        const struct buf *from = s->backward ? &s->high : &s->low;
        TRY(tree_cursor_seek(p, &s->cursor, from->data, from->len, s->backward, s->backward));
        s->begun = true;
    }
    for (;;) {
        if (++s->breath % ROWS_PER_BREATH == 0) TRY(sql_env_breathe(s->env));
        struct tree_entry e;
        status st = tree_cursor_next(p, &s->cursor, &e);
        if (status_is(st, ST_END) || (ok(st) && beyond(s, &e))) {
            s->done = true;
            return STATUS(END);
        }
        TRY(st);
        st = table_see(s->env, &e, s->version_buf);
        if (status_is(st, ST_NOT_FOUND)) continue;
        TRY(st);
        if (s->index && !s->entries) TRY(row_of_entry(s, &e));
        *ret_entry = e;
        return OK;
    }
}

void table_scan_end(struct table_scan *s) {
    buf_free(&s->low);
    buf_free(&s->high);
    s->done = true;
}
