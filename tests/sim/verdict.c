#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "fmt/page.h"
#include "pool/frame.h"
#include "txn/version.h"

[[gnu::format(printf, 2, 3)]] static bool wrong(struct verdict *v, const char *format, ...) {
    va_list list;
    va_start(list, format);
    if (!*v->words) vsnprintf(v->words, sizeof v->words, format, list);
    va_end(list);
    return false;
}

/* ---- scans ----------------------------------------------------------------------------------- */

/* Calls fn for each row that a new snapshot sees. */
static bool scan(struct verdict *v, struct tree t, struct snapshot *s,
                 bool (*fn)(struct verdict *v, const struct tree_entry *e, void *arg), void *arg) {
    unsigned char buf[TREE_ENTRY_BYTES_MAX];
    struct arena arena;
    struct tree_cursor c;
    struct tree_entry e;
    bool good = true;
    arena_init(&arena, 0);
    status st = tree_cursor_init(&c, &arena, t);
    if (ok(st)) st = tree_cursor_seek(v->p, &c, "", 0, false, false);
    while (ok(st) && good) {
        st = tree_cursor_next(v->p, &c, &e);
        if (!ok(st)) break;
        status seen = version_visible(v->p, s, &e, buf);
        if (ok(seen))
            good = fn(v, &e, arg);
        else if (!status_is(seen, ST_NOT_FOUND))
            st = seen;
    }
    arena_free(&arena);
    if (good && !status_is(st, ST_END))
        return wrong(v, "reading tree %u: %s", t.id, status_name(st));
    return good;
}

static bool note_mark(struct verdict *v, const struct tree_entry *e, void *arg) {
    uint32_t n = 0;
    (void)arg;
    for (unsigned i = 0; i < e->key_len; i++) n = n << 8 | e->key[i];
    if (e->key_len != 4 || n == 0 || n >= v->ledger->ntxns)
        return wrong(v, "a mark of transaction %u, which never began", n);
    v->ledger->txns[n].found = true;
    return true;
}

static bool find_marks(struct verdict *v, struct snapshot *s) {
    struct ledger *l = v->ledger;
    for (uint32_t i = 1; i < l->ntxns; i++) l->txns[i].found = false;
    return scan(v, v->tables->marks, s, note_mark, NULL);
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct rows {
    unsigned table;
    unsigned next; /* of the keys, in order */
};

static bool same_row(struct verdict *v, const struct tree_entry *e, void *arg) {
    struct rows *r = arg;
    unsigned char key[LEDGER_KEY_BYTES_MAX], value[LEDGER_VALUE_BYTES_MAX];
    const uint32_t *present = v->ledger->present[r->table];
    while (r->next < LEDGER_KEYS && !present[r->next]) r->next++;
    if (r->next == LEDGER_KEYS)
        return wrong(v, "table %u: a row too many: %u", r->table, e->key[0] << 8 | e->key[1]);
    size_t key_len = ledger_key(r->next, key), value_len = ledger_value(present[r->next], value);
    if (e->key_len != key_len || memcmp(e->key, key, key_len) != 0)
        return wrong(v, "table %u: row %u is not there, or %u should not be", r->table, r->next,
                     e->key[0] << 8 | e->key[1]);
    if (e->value_len != value_len || memcmp(e->value, value, value_len) != 0) {
        uint32_t other;
        memcpy(&other, e->value, sizeof other);
        return wrong(v, "table %u: row %u is as change %u left it, not %u", r->table, r->next,
                     other, present[r->next]);
    }
    r->next++;
    return true;
}

static bool same_table(struct verdict *v, unsigned table, struct snapshot *s) {
    struct rows r = {.table = table};
    struct tree t;
    status st = table_seen(v->p, v->tables, table, s, &t);
    bool exists = ok(st);
    if (!exists && !status_is(st, ST_NOT_FOUND))
        return wrong(v, "the directory: %s", status_name(st));
    if (exists != v->ledger->exists[table])
        return wrong(v, "table %u %s", table, exists ? "should not exist" : "is lost");
    if (!exists) return true;
    if (!scan(v, t, s, same_row, &r)) return false;
    while (r.next < LEDGER_KEYS && !v->ledger->present[table][r.next]) r.next++;
    return r.next == LEDGER_KEYS || wrong(v, "table %u: row %u is lost", table, r.next);
}

static bool same_rows(struct verdict *v, bool after_cut) {
    struct txn txn = {0};
    struct snapshot s;
    status st = txn_begin(v->p, &txn, ISO_REPEATABLE_READ, 0);
    if (ok(st)) st = txn_snapshot(v->p, &txn, &s);
    bool good = ok(st) || wrong(v, "no snapshot: %s", status_name(st));
    if (good && after_cut)
        good = find_marks(v, &s) && ledger_judge(v->ledger, v->words, sizeof v->words);
    if (good) ledger_settle(v->ledger);
    for (unsigned t = 0; good && t < LEDGER_TABLES; t++) good = same_table(v, t, &s);
    if (ok(st)) st = txn_rollback(v->p, &txn);
    return good && (ok(st) || wrong(v, "the end: %s", status_name(st)));
}

void verdict_rows_after_cut(void *verdict) {
    struct verdict *v = verdict;
    v->good = same_rows(v, true);
    v->done = true;
}

void verdict_rows(void *verdict) {
    struct verdict *v = verdict;
    v->good = same_rows(v, false);
    v->done = true;
}

/* ---- pages ----------------------------------------------------------------------------------- */

struct reached {
    struct verdict *v;
    uint64_t n;
    unsigned char *page; /* how often */
};

static void visit(void *arg, page_id page) {
    struct reached *r = arg;
    if (page.no >= r->n)
        (void)wrong(r->v, "page %llu lies beyond the file", (unsigned long long)page.no);
    else if (r->page[page.no]++)
        (void)wrong(r->v, "page %llu is in two places", (unsigned long long)page.no);
}

static bool reach(struct verdict *v, struct tree t, struct reached *r) {
    struct tree_report report = {0};
    status st = tree_check(v->p, t, visit, r, &report);
    if (!ok(st)) return wrong(v, "tree %u: %s: %s", t.id, status_name(st), report.words);
    return !*v->words;
}

static bool same_as_map(struct verdict *v, const struct reached *r) {
    static _Alignas(8) unsigned char copy[PAGE_BYTES];
    const struct space_page *map = (const struct space_page *)(const void *)copy;
    page_id loaded = {0};
    for (uint64_t no = SPACE_FIRST + 1; no < r->n; no++) {
        page_id at = space_page_of((page_id){no});
        if (at.no == no) continue;
        if (at.no != loaded.no) {
            status st = page_copy(v->p, at, copy);
            if (!ok(st)) return wrong(v, "a space map: %s", status_name(st));
            loaded = at;
        }
        bool used = !page_is_zero(copy) && space_bit(map, no - map->first);
        if (used != (r->page[no] != 0))
            return wrong(v, "page %llu is %s", (unsigned long long)no,
                         used ? "in use and in no tree" : "in a tree and free");
    }
    return true;
}

static bool reach_tables(struct verdict *v, struct reached *r) {
    struct txn txn = {0};
    struct snapshot s;
    struct tree t;
    status st = txn_begin(v->p, &txn, ISO_REPEATABLE_READ, 0);
    if (ok(st)) st = txn_snapshot(v->p, &txn, &s);
    bool good = ok(st) || wrong(v, "no snapshot: %s", status_name(st));
    for (unsigned i = 0; good && i < LEDGER_TABLES; i++)
        if (ok(table_seen(v->p, v->tables, i, &s, &t))) good = reach(v, t, r);
    if (ok(st)) st = txn_rollback(v->p, &txn);
    return good && ok(st);
}

void verdict_pages(void *verdict) {
    struct verdict *v = verdict;
    struct reached r = {.v = v, .n = atomic_load(&v->p->shm->pool->file_pages)};
    r.page = calloc(r.n, 1);
    CHECK(r.page);
    v->good = reach(v, v->tables->marks, &r) && reach(v, v->tables->directory, &r) &&
              reach_tables(v, &r) && same_as_map(v, &r);
    free(r.page);
    v->done = true;
}
