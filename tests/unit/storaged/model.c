#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "log/log.h"

static void note(struct world *w, struct model *m, uint32_t key, uint32_t version) {
    if (m->count == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 1024;
        m->changes = realloc(m->changes, m->cap * sizeof *m->changes);
        assert_non_null(m->changes);
    }
    m->changes[m->count++] = (struct change){key, version, atomic_load(&w->shm.log->tail)};
    m->version[key] = version;
}

void model_crash(struct world *w, struct model *m) {
    uint64_t durable = atomic_load(&w->shm.log->durable);
    memset(m->version, 0, sizeof m->version);
    size_t kept = 0;
    while (kept < m->count && m->changes[kept].end <= durable) {
        m->version[m->changes[kept].key] = m->changes[kept].version;
        kept++;
    }
    m->count = kept;
}

static void key_of(uint32_t key, unsigned char *ret_bytes) {
    store_be32(ret_bytes, key * 2654435761u); /* spread over the tree */
    store_be32(ret_bytes + 4, key);
}

static void value_of(uint32_t key, uint32_t version, unsigned char *ret_bytes) {
    uint64_t s = (uint64_t)key << 32 | version;
    for (unsigned i = 0; i < VALUE_BYTES; i++) ret_bytes[i] = (unsigned char)rnd(&s);
}

static bool never_running([[maybe_unused]] struct proc *p, [[maybe_unused]] txid x,
                          commit_time *ret_time) {
    *ret_time = 0;
    return false;
}

void change_one(struct world *w, struct model *m) {
    struct proc *p = &w->worker.proc;
    struct tree_writer writer = {0};
    uint32_t key = (uint32_t)(rnd(&m->seed) % KEYS);
    unsigned char k[8], v[VALUE_BYTES], buf[TREE_ENTRY_BYTES_MAX];
    key_of(key, k);
    uint32_t version = ++m->next_version;
    value_of(key, version, v);
    if (m->version[key] == 0) {
        struct tree_found found;
        status s = tree_insert(p, &writer, m->tree, k, 8, v, VALUE_BYTES, never_running, &found);
        assert_true(ok(s));
        note(w, m, key, version);
        return;
    }
    struct tree_entry e;
    assert_true(ok(tree_get(p, m->tree, k, 8, buf, &e)));
    if (rnd(&m->seed) % 8 == 0) {
        assert_true(ok(tree_delete(p, &writer, m->tree, k, 8, e.lsn, never_running, NULL)));
        note(w, m, key, 0);
        return;
    }
    assert_true(
        ok(tree_update(p, &writer, m->tree, k, 8, e.lsn, v, VALUE_BYTES, never_running, NULL)));
    note(w, m, key, version);
}

void make_tree(struct world *w, void *arg) {
    struct model *m = arg;
    struct tree_writer writer = {0};
    assert_true(ok(tree_create(&w->worker.proc, &writer, TREE_ID, &m->tree)));
    assert_true(ok(log_wait_durable(&w->worker.proc, (lsn){atomic_load(&w->shm.log->tail)})));
}

void change_many(struct world *w, void *arg) {
    struct model *m = arg;
    while (m->changes_left > 0) {
        m->changes_left--;
        change_one(w, m);
        if (m->random_checkpoints && rnd(&m->seed) % 2000 == 0) {
            struct msg c = {.op = MSG_CHECKPOINT};
            assert_true(ok(w->worker.proc.env->call(&w->worker.proc, SLOT_STORAGED, &c)));
        }
        if (rnd(&m->seed) % 50 == 0) w->worker.proc.env->pause(&w->worker.proc);
    }
}

static void count_page(void *arg, page_id page) {
    unsigned char *seen = arg;
    assert_int_equal(seen[page.no], 0); /* no page twice */
    seen[page.no] = 1;
}

void check_all(struct world *w, void *arg) {
    struct model *m = arg;
    struct proc *p = &w->worker.proc;
    unsigned char k[8], v[VALUE_BYTES], buf[TREE_ENTRY_BYTES_MAX];
    for (uint32_t key = 0; key < KEYS; key++) {
        struct tree_entry e;
        key_of(key, k);
        status s = tree_get(p, m->tree, k, 8, buf, &e);
        if (m->version[key] == 0) {
            assert_true(status_is(s, ST_NOT_FOUND) || (ok(s) && e.flags & ENTRY_DELETED));
            continue;
        }
        assert_true(ok(s));
        assert_false(e.flags & ENTRY_DELETED);
        value_of(key, m->version[key], v);
        assert_int_equal(e.value_len, VALUE_BYTES);
        assert_memory_equal(e.value, v, VALUE_BYTES);
    }
    uint64_t file_pages = atomic_load(&w->shm.pool->file_pages);
    unsigned char *seen = calloc(file_pages, 1);
    seen[0] = seen[1] = seen[2] = 1;
    struct tree_report report = {0};
    status s = tree_check(p, m->tree, count_page, seen, &report);
    if (!ok(s)) print_error("%s\n", report.words);
    assert_true(ok(s));
    struct space_page *map = malloc(PAGE_BYTES);
    assert_true(ok(page_copy(p, (page_id){SPACE_FIRST}, map)));
    for (uint64_t i = 0; i < file_pages; i++) assert_int_equal(space_bit(map, i), seen[i]);
    free(map);
    free(seen);
}

struct model *model_new(uint64_t seed) {
    struct model *m = calloc(1, sizeof *m);
    m->seed = seed;
    return m;
}

void model_free(struct model *m) {
    free(m->changes);
    free(m);
}

struct model *model_begin(struct world *w, uint64_t seed) {
    struct model *m = model_new(seed);
    world_make(w, 64, "sim");
    world_start(w);
    world_run(w, make_tree, m, NULL);
    return m;
}

void model_end(struct world *w, struct model *m) {
    world_stop(w);
    model_free(m);
    world_free(w);
}
