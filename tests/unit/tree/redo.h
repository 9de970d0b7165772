/* redo.h: what the tests of trees say about the log in the end. */
#ifndef TREE_TEST_REDO_H
#define TREE_TEST_REDO_H

#include <stdlib.h>

#include "fake_env.h"
#include "fmt/apply.h"

/* I4: the whole log, applied to zero pages, gives the same bytes. */
static inline void redo_equals(struct fake_env *env) {
    fake_env_flush(env);
    uint64_t pages = env->pages_max, records = 0;
    unsigned char **again = calloc(pages, sizeof *again);
    uint64_t end = atomic_load(&env->shm.log->durable);
    for (uint64_t at = LOG_FIRST.at; at < end;) {
        const struct rec_head *r = (const struct rec_head *)(env->log_file + at);
        assert_true(ok(rec_valid(r, end - at)));
        for (unsigned i = 0; i < r->npages; i++) {
            uint64_t no = rec_pages_c(r)[i].page;
            assert_true(no < pages);
            if (!again[no]) again[no] = calloc(1, PAGE_BYTES);
            assert_int_equal(((struct page_head *)again[no])->lsn, rec_pages_c(r)[i].prev_lsn);
            assert_true(ok(apply(r, (lsn){at}, (int)i, again[no])));
        }
        at += r->len;
        records++;
    }
    assert_true(records > 0);
    unsigned char *copy = malloc(PAGE_BYTES);
    for (uint64_t no = 0; no < pages; no++) {
        if (!again[no]) continue;
        fake_env_page(env, (page_id){no}, copy);
        assert_memory_equal(copy, again[no], PAGE_BYTES);
        free(again[no]);
    }
    free(copy);
    free(again);
}

#endif
