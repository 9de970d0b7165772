/* Rules of keys that are looked at after the row has been written: deferrable unique constraints
 * and exclusion constraints. Their indexes hold an entry for each row, as those without a rule. */
#include "table/late_key.h"

#include <stdio.h>

#include "table/internal.h"

#define ENTRIES_PER_BREATH 64

status table_late_key(struct sql_env *env, const struct relation *r, const struct index_desc *index,
                      const datum *values, const uint8_t *nulls, struct buf *out,
                      bool *ret_applies) {
    bool has_null;
    status s = table_index_key(env, r, index, values, nulls, out, &has_null);
    *ret_applies = ok(s) && (!has_null || (index->nulls_not_distinct && !index->exclusion));
    return status_is(s, ST_NOT_FOUND) ? OK : s;
}

/* Counts up to two live entries. ROW_BUSY: *ret_busy is of a transaction that decides. */
static status count_once(struct sql_env *env, struct tree_cursor *c, const void *key, size_t len,
                         bool wait, unsigned *ret_n, struct tree_entry *ret_busy) {
    struct tree_entry e;
    unsigned breath = 0;
    *ret_n = 0;
    TRY(tree_cursor_seek(env->proc, c, key, len, false, false));
    while (*ret_n < 2) {
        status s = tree_cursor_next(env->proc, c, &e);
        if (status_is(s, ST_END)) return OK;
        TRY(s);
        if (e.key_len < len || memcmp(e.key, key, len) != 0) return OK;
        bool others = !version_is_own(env, &e) && version_is_running(env, &e);
        *ret_busy = e;
        if (others && wait) return STATUS(ROW_BUSY);
        if (others || !(e.flags & ENTRY_DELETED)) ++*ret_n;
        if (++breath % ENTRIES_PER_BREATH == 0) TRY(sql_env_breathe(env));
    }
    return OK;
}

status table_late_count(struct sql_env *env, const struct index_desc *index, const void *key,
                        size_t len, bool wait, unsigned *ret_n) {
    struct tree_cursor c;
    struct tree_entry busy;
    struct arena_mark mark = arena_mark(env->eval.arena);
    TRY(tree_cursor_init(&c, env->eval.arena, index->tree));
    status s;
    do {
        s = count_once(env, &c, key, len, wait, ret_n, &busy);
        if (!status_is(s, ST_ROW_BUSY)) break;
        s = table_wait(env, busy.stamp, index->tree, busy.key, busy.key_len);
    } while (ok(s));
    arena_rewind(env->eval.arena, mark);
    return s;
}

static void name_places(struct error *e, const struct relation *r, const struct index_desc *index) {
    snprintf(e->schema, sizeof e->schema, "%s", r->schema_name);
    snprintf(e->table, sizeof e->table, "%s", r->name);
    snprintf(e->constraint, sizeof e->constraint, "%s", index->name);
}

status table_late_error(struct sql_env *env, const struct relation *r,
                        const struct index_desc *index, const char *described, bool create) {
    struct error *e = env->eval.error;
    status s;
    if (index->exclusion) {
        s = error_set(e, ST_EXCLUSION_VIOLATION,
                      create ? "could not create exclusion constraint \"%s\""
                             : "conflicting key value violates exclusion constraint \"%s\"",
                      index->name);
        error_detail(
            e, create ? "Key %s conflicts with key %s." : "Key %s conflicts with existing key %s.",
            described, described);
    } else {
        s = error_set(e, ST_UNIQUE_VIOLATION,
                      create ? "could not create unique index \"%s\""
                             : "duplicate key value violates unique constraint \"%s\"",
                      index->name);
        error_detail(e, create ? "Key %s is duplicated." : "Key %s already exists.", described);
    }
    name_places(e, r, index);
    return s;
}

/* The keys of all rows, in order. */
struct late_check {
    struct sql_env *env;
    const struct relation *r;
    const struct index_desc *index;
    struct buf last, key;
    datum *values;
    uint8_t *nulls;
};

static status check_row(struct late_check *c, const struct tree_entry *e) {
    struct sql_env *env = c->env;
    bool applies;
    TRY(table_deform(env, c->r, e, c->r->natts, NULL, c->values, c->nulls, env->eval.arena));
    c->key.len = 0;
    TRY(table_late_key(env, c->r, c->index, c->values, c->nulls, &c->key, &applies));
    if (!applies) return OK;
    bool same = c->key.len == c->last.len && memcmp(c->key.data, c->last.data, c->key.len) == 0;
    if (same) {
        char *words;
        TRY(table_describe_key(env, c->r, c->index, c->values, c->nulls, &words));
        return table_late_error(env, c->r, c->index, words, true);
    }
    c->last.len = 0;
    return buf_add(&c->last, c->key.data, c->key.len);
}

status table_late_check(struct sql_env *env, const struct relation *r,
                        const struct index_desc *index) {
    struct arena *a = env->eval.arena;
    struct late_check c = {.env = env, .r = r, .index = index};
    struct table_scan scan;
    struct tree_entry e;
    c.values = arena_array(a, r->natts + 1u, sizeof *c.values);
    c.nulls = arena_array(a, r->natts + 1u, 1);
    if (!c.values || !c.nulls) return STATUS(OUT_OF_MEMORY);
    struct table_bound open = {0};
    TRY(table_scan_begin(env, &scan, a, r, index, open, open, false));
    struct arena_mark mark = arena_mark(a);
    status s;
    while (ok(s = table_scan_next(&scan, &e))) {
        TRY_OUT(s, check_row(&c, &e));
        arena_rewind(a, mark);
    }
    if (status_is(s, ST_END)) s = OK;
out:
    table_scan_end(&scan);
    buf_free(&c.last);
    buf_free(&c.key);
    return s;
}
