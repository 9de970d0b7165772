#include "exec/key_set.h"

#include <stdlib.h>

status key_set_new(struct execution *x, struct key_set **ret) {
    NEW_N(x, *ret, 1);
    **ret = (struct key_set){.x = x, .runs = {.x = x}};
    arena_init(&(*ret)->arena, 0);
    return OK;
}

/* ---- filling ---- */

static status grow(struct key_set *s) {
    size_t cap = s->cap ? 2 * s->cap : 256;
    struct key_item *grown = realloc(s->items, cap * sizeof *grown);
    NEEDS(s->x, grown);
    s->items = grown;
    s->cap = cap;
    return OK;
}

/* What is in memory becomes a run. */
static status spill(struct key_set *s) {
    TRY(key_sort(s->x->env, s->items, s->n));
    TRY(key_runs_add(&s->runs, s->items, s->n));
    s->n = 0;
    arena_reset(&s->arena);
    return OK;
}

status key_set_add(struct key_set *s, const void *key, uint32_t len) {
    if (s->n && s->arena.used + s->n * sizeof *s->items > work_memory(s->x)) TRY(spill(s));
    if (s->n == s->cap) TRY(grow(s));
    const unsigned char *bytes = arena_memdup(&s->arena, key, len);
    NEEDS(s->x, bytes);
    s->items[s->n++] = (struct key_item){key_window(bytes, len, 0), bytes, len};
    return OK;
}

status key_set_finish(struct key_set *s) {
    s->at = 0;
    s->last = NULL;
    s->last_bytes.len = 0;
    if (!s->runs.n) return key_sort(s->x->env, s->items, s->n);
    TRY(spill(s));
    return key_runs_finish(&s->runs);
}

/* ---- reading ---- */

static status next_any(struct key_set *s, const unsigned char **ret, uint32_t *ret_len) {
    if (s->runs.n) return key_runs_next(&s->runs, ret, ret_len);
    *ret = NULL;
    if (s->at == s->n) return OK;
    key_ask_ahead(s->items, s->n, s->at);
    *ret = s->items[s->at].bytes;
    *ret_len = s->items[s->at++].len;
    return OK;
}

static status note_last(struct key_set *s, const unsigned char *key, uint32_t len) {
    s->last = key;
    s->last_len = len;
    if (!s->runs.n) return OK;
    s->last_bytes.len = 0;
    if (!ok(buf_add(&s->last_bytes, key, len))) return exec_memory(s->x);
    s->last = (const unsigned char *)s->last_bytes.data;
    return OK;
}

status key_set_next(struct key_set *s, const unsigned char **ret, uint32_t *ret_len) {
    do {
        TRY(next_any(s, ret, ret_len));
        if (!*ret) return OK;
    } while (s->last && key_compare(s->last, s->last_len, *ret, *ret_len) == 0);
    return note_last(s, *ret, *ret_len);
}

void key_set_clear(struct key_set *s) {
    if (s->arena.chunk) arena_reset(&s->arena);
    key_runs_clear(&s->runs);
    s->n = s->at = 0;
}

void key_set_free(struct key_set *s) {
    if (s->arena.chunk) arena_free(&s->arena);
    key_runs_free(&s->runs);
    buf_free(&s->last_bytes);
    free(s->items);
    s->items = NULL;
    s->n = s->cap = 0;
}
