/* Reading rows whose keys are known and sorted. */
#include <string.h>

#include "table/internal.h"

/* Of so many rows the first are read by copying leaves; if there were too many of them, the others
 * are looked up alone. */
#define TRIAL_ROWS 512u
#define TRIAL_COPIES 64u
#define COPIES_FEW(rows) ((rows)*2 / 3)

status table_fetch_begin(struct sql_env *env, struct table_fetch *f, struct arena *a,
                         const struct relation *r) {
    *f = (struct table_fetch){.env = env, .relation = r};
    f->version_buf = arena_alloc(a, TREE_ENTRY_BYTES_MAX);
    if (!f->version_buf) return STATUS(OUT_OF_MEMORY);
    return tree_cursor_init(&f->cursor, a, r->tree);
}

void table_fetch_restart(struct table_fetch *f) {
    f->begun = false;
    f->asked = 0;
    f->copied = f->cursor.copied;
}

static bool rows_are_scattered(struct table_fetch *f) {
    if (f->asked == TRIAL_ROWS) table_fetch_restart(f);
    if (f->asked == TRIAL_COPIES)
        f->scattered = f->cursor.copied - f->copied > COPIES_FEW(TRIAL_COPIES);
    return f->asked++ >= TRIAL_COPIES && f->scattered;
}

static status place(struct table_fetch *f, const void *key, size_t key_len) {
    struct proc *p = f->env->proc;
    if (f->begun) return tree_cursor_skip(p, &f->cursor, key, key_len);
    f->begun = true;
    return tree_cursor_seek(p, &f->cursor, key, key_len, false, false);
}

static status from_leaf(struct table_fetch *f, const void *key, size_t key_len,
                        struct tree_entry *ret_entry) {
    uint64_t before = f->cursor.copied;
    TRY(place(f, key, key_len));
    status st = tree_cursor_next(f->env->proc, &f->cursor, ret_entry);
    f->leaves += f->cursor.copied - before;
    if (status_is(st, ST_END)) return STATUS(NOT_FOUND);
    TRY(st);
    bool same = ret_entry->key_len == key_len && memcmp(ret_entry->key, key, key_len) == 0;
    return same ? table_see(f->env, ret_entry, f->version_buf) : STATUS(NOT_FOUND);
}

status table_fetch_row(struct table_fetch *f, const void *key, size_t key_len,
                       struct tree_entry *ret_entry) {
    if (rows_are_scattered(f)) {
        f->leaves++;
        return table_get(f->env, f->relation, key, key_len, f->version_buf, ret_entry);
    }
    TRY(table_note_key(f->env, f->relation->tree, key, key_len));
    return from_leaf(f, key, key_len, ret_entry);
}
