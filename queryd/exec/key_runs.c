#include "exec/key_runs.h"

#include <stdlib.h>

#define KEYS_PER_BREATH 4096

static status run_new(struct key_runs *k, struct key_run **ret) {
    if (k->n == k->cap) {
        uint32_t cap = k->cap ? 2 * k->cap : 16;
        struct key_run *grown = realloc(k->runs, cap * sizeof *grown);
        NEEDS(k->x, grown);
        k->runs = grown;
        k->cap = cap;
    }
    struct key_run *r = &k->runs[k->n];
    *r = (struct key_run){0};
    TRY(tape_new(k->x, 0, NULL, &r->tape));
    k->n++;
    *ret = r;
    return OK;
}

static void run_close(struct key_run *r) {
    tape_free(r->tape);
    tape_reader_free(&r->reader);
}

status key_runs_add(struct key_runs *k, const struct key_item *items, size_t n) {
    struct key_run *r;
    TRY(run_new(k, &r));
    for (size_t i = 0; i < n; i++) {
        if (i % KEYS_PER_BREATH == 0) TRY(sql_env_breathe(k->x->env));
        key_ask_ahead(items, n, i);
        TRY(tape_put_bytes(r->tape, items[i].bytes, items[i].len));
    }
    return OK;
}

/* ---- merging ---- */

static bool is_before(const void *of, uint32_t a, uint32_t b) {
    const struct key_runs *k = of;
    return key_item_compare(&k->runs[a].next, &k->runs[b].next, 0) < 0;
}

static status advance(struct key_run *r) {
    struct key_item *i = &r->next;
    TRY(tape_get_bytes(&r->reader, &i->bytes, &i->len));
    if (i->bytes) i->window = key_window(i->bytes, i->len, 0);
    return OK;
}

/* Of the first n runs. */
static status merge_begin(struct key_runs *k, uint32_t n) {
    NEEDS(k->x, merge_heap_new(&k->heap, n));
    k->given = false;
    for (uint32_t i = 0; i < n; i++) {
        tape_reader_init(&k->runs[i].reader, k->runs[i].tape);
        TRY(advance(&k->runs[i]));
        if (k->runs[i].next.bytes) k->heap.runs[k->heap.n++] = i;
    }
    merge_heap_order(&k->heap, is_before, k);
    return OK;
}

/* A key stays where its reader has it until the run goes on. */
static status merge_next(struct key_runs *k, const struct key_item **ret) {
    *ret = NULL;
    if (k->given) {
        struct key_run *r = &k->runs[k->heap.runs[0]];
        TRY(advance(r));
        merge_heap_advanced(&k->heap, !r->next.bytes, is_before, k);
    }
    k->given = k->heap.n > 0;
    if (k->given) *ret = &k->runs[k->heap.runs[0]].next;
    return OK;
}

/* The first n runs become one, behind the others. */
static status merge_some(struct key_runs *k, uint32_t n) {
    struct key_run *to;
    const struct key_item *i;
    TRY(run_new(k, &to));
    TRY(merge_begin(k, n));
    for (;;) {
        TRY(merge_next(k, &i));
        if (!i) break;
        TRY(tape_put_bytes(to->tape, i->bytes, i->len));
        if (to->tape->rows % KEYS_PER_BREATH == 0) TRY(sql_env_breathe(k->x->env));
    }
    for (uint32_t r = 0; r < n; r++) run_close(&k->runs[r]);
    k->n -= n;
    memmove(k->runs, k->runs + n, k->n * sizeof *k->runs);
    return OK;
}

status key_runs_finish(struct key_runs *k) {
    uint32_t most = merge_fan_in(work_memory(k->x));
    while (k->n > most) {
        uint32_t least = k->n - most + 1;
        TRY(merge_some(k, least < most ? least : most));
    }
    return merge_begin(k, k->n);
}

status key_runs_next(struct key_runs *k, const unsigned char **ret, uint32_t *ret_len) {
    const struct key_item *i;
    *ret = NULL;
    TRY(merge_next(k, &i));
    if (!i) return OK;
    *ret = i->bytes;
    *ret_len = i->len;
    return OK;
}

void key_runs_clear(struct key_runs *k) {
    for (uint32_t i = 0; i < k->n; i++) run_close(&k->runs[i]);
    k->n = 0;
    merge_heap_free(&k->heap);
    k->given = false;
}

void key_runs_free(struct key_runs *k) {
    key_runs_clear(k);
    free(k->runs);
    k->runs = NULL;
    k->cap = 0;
}
