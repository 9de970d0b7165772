#include "client.h"

#include <string.h>

#include "txn/version.h"

#define CHANGES_MAX 12 /* of a transaction */
#define LARGE_CHANGES_MAX 150
#define LARGE_ONE_IN 24
#define HUGE_ONE_IN 240
#define TABLES_ONE_IN 12 /* transactions that create or drop a table */
#define ROLLBACK_ONE_IN 8
#define SAVEPOINT_ONE_IN 6
#define ASYNC_ONE_IN 5
#define REST_NS_MAX 2000000u
#define TREE_ID 100  /* of tables, from here on */
#define LOCK_ID 1000 /* of their relation locks */

static unsigned below(struct client *c, unsigned n) {
    return (unsigned)machine_below(c->m, n);
}

/* ---- entries --------------------------------------------------------------------------------- */

/* Puts (value) or deletes (NULL) the newest version of an entry, after whoever is writing it. OK
 * also when there is nothing to delete: *ret_changed. */
static status try_entry(struct client *c, struct tree t, const void *key, size_t key_len,
                        const void *value, size_t value_len, bool *ret_changed,
                        struct tree_found *ret_found) {
    unsigned char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    struct tree_writer *w = &c->txn.writer;
    *ret_changed = false;
    status st = tree_get(c->p, t, key, key_len, buf, &e);
    bool there = ok(st) && !(e.flags & ENTRY_DELETED);
    if (!ok(st) && !status_is(st, ST_NOT_FOUND)) return st;
    if (!value && !there) return OK;
    if (!there)
        st = tree_insert(c->p, w, t, key, key_len, value, value_len, txn_is_running, ret_found);
    else if (value)
        st = tree_update(c->p, w, t, key, key_len, e.lsn, value, value_len, txn_is_running,
                         ret_found);
    else
        st = tree_delete(c->p, w, t, key, key_len, e.lsn, txn_is_running, ret_found);
    *ret_changed = ok(st);
    return st;
}

static status put_entry(struct client *c, struct tree t, const void *key, size_t key_len,
                        const void *value, size_t value_len, bool *ret_changed) {
    for (;;) {
        struct tree_found found;
        status st = try_entry(c, t, key, key_len, value, value_len, ret_changed, &found);
        if (status_is(st, ST_ROW_BUSY))
            TRY(txn_wait(c->p, &c->txn, stamp_txid(found.stamp), txn_row_hash(t, key, key_len), 0));
        else if (!status_is(st, ST_EXISTS) && !status_is(st, ST_ROW_CHANGED))
            return st;
    }
}

size_t mark_key(uint32_t txn, unsigned char ret_bytes[4]) {
    for (unsigned i = 0; i < 4; i++) ret_bytes[i] = (unsigned char)(txn >> (24 - 8 * i));
    return 4;
}

static void root_of(const struct tree_entry *e, unsigned table, struct tree *ret_tree) {
    *ret_tree = (struct tree){.id = TREE_ID + table};
    memcpy(&ret_tree->root, e->value, sizeof ret_tree->root);
}

status table_seen(struct proc *p, const struct tables *t, unsigned table, const struct snapshot *s,
                  struct tree *ret_tree) {
    unsigned char key = (unsigned char)table, buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    TRY(tree_get(p, t->directory, &key, 1, buf, &e));
    TRY(version_visible(p, s, &e, buf));
    root_of(&e, table, ret_tree);
    return OK;
}

/* The newest root of a table that is locked. Who has changed it and still runs did so before a
 * cut, and is being undone. NOT_FOUND: it does not exist. */
static status table_now(struct client *c, unsigned table, struct tree *ret_tree) {
    struct tree directory = c->tables->directory;
    unsigned char key = (unsigned char)table, buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    struct snapshot s;
    for (;;) {
        txid holder;
        TRY(txn_snapshot(c->p, &c->txn, &s));
        TRY(tree_get(c->p, directory, &key, 1, buf, &e));
        status st = version_newest(c->p, &s, &e, &holder);
        if (ok(st)) break;
        if (!status_is(st, ST_ROW_BUSY)) return st;
        TRY(txn_wait(c->p, &c->txn, holder, txn_row_hash(directory, &key, 1), 0));
    }
    root_of(&e, table, ret_tree);
    return OK;
}

/* ---- transactions ---------------------------------------------------------------------------- */

static status need_number(struct client *c) {
    unsigned char key[4];
    bool changed;
    if (c->number) return OK;
    TRY(txn_need_id(c->p, &c->txn));
    c->number = ledger_begin(c->ledger);
    return put_entry(c, c->tables->marks, key, mark_key(c->number, key), "", 0, &changed);
}

static status change_row(struct client *c, unsigned table) {
    unsigned char key[LEDGER_KEY_BYTES_MAX], value[LEDGER_VALUE_BYTES_MAX];
    struct tree t;
    bool changed, put = below(c, 3) > 0;
    unsigned row = below(c, LEDGER_KEYS);
    TRY(txn_lock_relation(c->p, &c->txn, LOCK_ID + table, MODE_ROW_EXCLUSIVE, false, 0));
    status st = table_now(c, table, &t);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    TRY(need_number(c));
    uint32_t n = ledger_change(c->ledger, c->number, put ? CHANGE_PUT : CHANGE_DELETE, table, row);
    size_t key_len = ledger_key(row, key), value_len = ledger_value(n, value);
    TRY(put_entry(c, t, key, key_len, put ? value : NULL, value_len, &changed));
    if (changed) ledger_made(c->ledger, n);
    return OK;
}

/* Rows in ascending order, by whole leaves, into a table that nobody else uses and that has none of
 * them. */
static status fill_rows(struct client *c, struct tree_fill *f, unsigned table) {
    unsigned char key[LEDGER_KEY_BYTES_MAX], value[LEDGER_VALUE_BYTES_MAX];
    unsigned step = 1 + below(c, 3);
    for (unsigned row = below(c, LEDGER_KEYS); row < LEDGER_KEYS; row += step) {
        uint32_t n = ledger_change(c->ledger, c->number, CHANGE_PUT, table, row);
        size_t key_len = ledger_key(row, key);
        struct tree_value v = {value, ledger_value(n, value), false};
        status st;
        while (status_is(st = tree_fill_add(f, key, key_len, &v), ST_FULL))
            TRY(tree_fill_put(c->p, f, false, NULL));
        TRY(st);
        ledger_made(c->ledger, n); /* or the whole is taken back */
    }
    return tree_fill_put(c->p, f, true, NULL);
}

static status fill_table(struct client *c, unsigned table, struct tree t) {
    struct tree_fill f;
    arena_free(&c->arena);
    arena_init(&c->arena, 0);
    TRY(tree_fill_init(&f, &c->arena, t, &c->txn.writer, txn_is_running, 60 + below(c, 41)));
    f.whole = below(c, 2);
    return fill_rows(c, &f, table);
}

/* What exists is dropped, what does not is created, and often filled. */
static status change_table(struct client *c, unsigned table) {
    unsigned char key = (unsigned char)table;
    struct tree t;
    bool changed;
    TRY(txn_lock_relation(c->p, &c->txn, LOCK_ID + table, MODE_ACCESS_EXCLUSIVE, false, 0));
    TRY(need_number(c));
    status st = table_now(c, table, &t);
    bool create = status_is(st, ST_NOT_FOUND);
    if (!create) TRY(st);
    uint32_t n =
        ledger_change(c->ledger, c->number, create ? CHANGE_CREATE : CHANGE_DROP, table, 0);
    if (create)
        TRY(tree_create(c->p, &c->txn.writer, TREE_ID + table, &t));
    else
        TRY(txn_drop_tree(c->p, &c->txn, t));
    TRY(put_entry(c, c->tables->directory, &key, 1, create ? &t.root : NULL, sizeof t.root,
                  &changed));
    if (changed) ledger_made(c->ledger, n);
    return create && below(c, 2) ? fill_table(c, table, t) : OK;
}

static status change_some(struct client *c, unsigned n) {
    for (unsigned i = 0; i < n; i++) TRY(change_row(c, below(c, LEDGER_TABLES)));
    return OK;
}

/* Some changes that are taken back. */
static status detour(struct client *c) {
    TRY(need_number(c)); /* its mark stays */
    struct txn_mark mark = txn_mark(&c->txn);
    uint32_t from = c->ledger->nchanges;
    TRY(change_some(c, 1 + below(c, CHANGES_MAX)));
    TRY(txn_rollback_to(c->p, &c->txn, mark));
    ledger_undo(c->ledger, c->number, from);
    return OK;
}

/* Mostly few, sometimes more than a worker undoes itself. */
static unsigned some_changes(struct client *c) {
    unsigned kind = below(c, HUGE_ONE_IN);
    if (kind == 0) return TXN_LONG_UNDO_CHANGES + below(c, CHANGES_MAX);
    return 1 + below(c, kind % LARGE_ONE_IN == 0 ? LARGE_CHANGES_MAX : CHANGES_MAX);
}

static status work(struct client *c) {
    if (below(c, TABLES_ONE_IN) == 0) TRY(change_table(c, below(c, LEDGER_TABLES)));
    TRY(change_some(c, some_changes(c)));
    if (below(c, SAVEPOINT_ONE_IN) == 0) TRY(detour(c));
    return change_some(c, below(c, CHANGES_MAX));
}

static status finish(struct client *c) {
    bool durable = below(c, ASYNC_ONE_IN) > 0;
    if (c->number) ledger_commit_begins(c->ledger, c->number);
    TRY(txn_commit(c->p, &c->txn, durable));
    if (c->number) ledger_commit_ends(c->ledger, c->number, durable);
    return OK;
}

static status roll_back(struct client *c) {
    TRY(txn_rollback(c->p, &c->txn));
    if (c->number) ledger_rolled_back(c->ledger, c->number);
    return OK;
}

/* A deadlock is no error. Whatever else goes wrong before COMMIT ends in a rollback. */
static status one_transaction(struct client *c) {
    struct snapshot snapshot;
    c->number = 0;
    TRY(txn_begin(c->p, &c->txn, ISO_READ_COMMITTED, 0));
    status st = txn_snapshot(c->p, &c->txn, &snapshot);
    if (ok(st)) st = work(c);
    if (ok(st) && below(c, ROLLBACK_ONE_IN) > 0) return finish(c);
    status end = roll_back(c);
    return ok(st) || status_is(st, ST_DEADLOCK_DETECTED) ? end : st;
}

static void run(void *arg) {
    struct client *c = arg;
    while (!*c->enough && ok(c->wrong)) {
        status st = one_transaction(c);
        if (!ok(st) && !c->errors_allowed) c->wrong = st;
        daemon_sleep(daemon_of(c->p), below(c, REST_NS_MAX));
    }
    c->running = false;
}

void client_forget(struct client *c) {
    arena_free(&c->arena);
}

status client_start(struct client *c, struct daemon *worker) {
    c->p = &worker->proc;
    c->txn = (struct txn){0};
    c->running = true;
    return daemon_spawn(worker, 0, run, c);
}

/* ---- the first transaction of all ------------------------------------------------------------ */

status tables_make(struct proc *p, struct tables *t) {
    struct txn x = {0};
    TRY(txn_begin(p, &x, ISO_READ_COMMITTED, 0));
    TRY(txn_need_id(p, &x));
    TRY(tree_create(p, &x.writer, 1, &t->marks));
    TRY(tree_create(p, &x.writer, 2, &t->directory));
    return txn_commit(p, &x, true);
}
