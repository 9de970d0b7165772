/* txn_fixture.h: a small appliance with a tree in it, and short words for what tests do with it. */
#ifndef UNIT_TXN_FIXTURE_H
#define UNIT_TXN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "fake_env.h"
#include "txn/txn.h"
#include "txn/txn_recover.h"
#include "txn/version.h"

#define MUST(expression) CHECK(ok(expression))

static inline struct fake_env *fixture_new(uint32_t workers) {
    struct fake_env *f = fake_env_new(&(struct fake_options){.txns = 64, .map_entries = 65536});
    f->shm.sizes.workers = workers;
    txn_shared_init(&f->shm, 1);
    atomic_store(&f->shm.txn->oldest_active_lsn, LOG_FIRST.at);
    return f;
}

static inline struct tree fixture_tree(struct proc *p) {
    struct txn t = {0};
    struct tree tree;
    MUST(txn_begin(p, &t, ISO_READ_COMMITTED, 0));
    MUST(txn_need_id(p, &t));
    MUST(tree_create(p, &t.writer, 7, &tree));
    MUST(txn_commit(p, &t, true));
    return tree;
}

/* The value that a snapshot sees, or NULL. */
static inline const char *see(struct proc *p, const struct snapshot *s, struct tree tree,
                              const char *key, char *buf) {
    struct tree_entry e;
    status st = tree_get(p, tree, key, strlen(key), buf, &e);
    if (ok(st)) st = version_visible(p, s, &e, buf);
    if (status_is(st, ST_NOT_FOUND)) return NULL;
    MUST(st);
    memmove(buf, e.value, e.value_len);
    buf[e.value_len] = '\0';
    return buf;
}

static inline status put(struct proc *p, struct txn *t, struct tree tree, const char *key,
                         const char *value) {
    TRY(txn_need_id(p, t));
    return tree_insert(p, &t->writer, tree, key, strlen(key), value, strlen(value), txn_is_running,
                       NULL);
}

/* Over whatever version is the newest. */
static inline status change(struct proc *p, struct txn *t, struct tree tree, const char *key,
                            const char *value) {
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    TRY(txn_need_id(p, t));
    TRY(tree_get(p, tree, key, strlen(key), buf, &e));
    return value ? tree_update(p, &t->writer, tree, key, strlen(key), e.lsn, value, strlen(value),
                               txn_is_running, NULL)
                 : tree_delete(p, &t->writer, tree, key, strlen(key), e.lsn, txn_is_running, NULL);
}

#endif
