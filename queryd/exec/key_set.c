#include "exec/key_set.h"

#include <stdlib.h>

#define KEYS_PER_BREATH 4096
#define RUN_KEYS 4096 /* sorted at a time */
#define READ_ROWS 256

static const struct plan_sort_column whole_key = {.column = 0};

static const struct type *const *key_types(void) {
    static const struct type *types[1];
    types[0] = type_find(BYTEAOID);
    return types;
}

status key_set_new(struct execution *x, struct key_set **ret) {
    NEW_N(x, *ret, 1);
    **ret = (struct key_set){.x = x};
    arena_init(&(*ret)->arena, 0);
    arena_init(&(*ret)->batch_arena, 0);
    return OK;
}

/* ---- beyond memory ---- */

static status sorter_put(struct key_set *s, const void *key, uint32_t len, struct arena *a) {
    datum value;
    uint8_t null = 0;
    struct varlena *v = varlena_from(a, key, len);
    NEEDS(s->x, v);
    value = datum_ptr(v);
    return sorter_add(s->sorter, &(struct vec){&value, &null}, 0);
}

static status spill_one(struct key_set *s, const void *key, uint32_t len) {
    if (s->batch_arena.used > BATCH_ROWS * 64u) arena_reset(&s->batch_arena);
    return sorter_put(s, key, len, &s->batch_arena);
}

/* What is in memory goes to the sorter, as all that follows will. */
static status spill(struct key_set *s) {
    if (!s->sorter) {
        struct plan_sort_column *column;
        NEW_N(s->x, column, 1);
        *column = whole_key;
        column->type = type_find(BYTEAOID);
        TRY(sorter_new(s->x, 1, key_types(), column, 1, &s->sorter));
        struct vec *vec;
        TRY(columns_new(s->x, 1, READ_ROWS, &vec));
        s->column = *vec;
    }
    s->spilled = true;
    for (size_t i = 0; i < s->n; i++) {
        if (i % KEYS_PER_BREATH == 0) TRY(sql_env_breathe(s->x->env));
        TRY(spill_one(s, s->items[i].bytes, s->items[i].len));
    }
    s->n = 0;
    arena_reset(&s->arena);
    return OK;
}

/* ---- filling ---- */

static uint64_t head_of(const unsigned char *key, uint32_t len) {
    uint64_t head = 0;
    memcpy(&head, key, len < 8 ? len : 8);
    return __builtin_bswap64(head);
}

static status grow(struct key_set *s) {
    size_t cap = s->cap ? 2 * s->cap : 256;
    struct key_item *grown = realloc(s->items, cap * sizeof *grown);
    NEEDS(s->x, grown);
    s->items = grown;
    s->cap = cap;
    return OK;
}

status key_set_add(struct key_set *s, const void *key, uint32_t len) {
    if (!s->spilled && s->arena.used + s->n * sizeof *s->items > work_memory(s->x)) TRY(spill(s));
    if (s->spilled) return spill_one(s, key, len);
    if (s->n == s->cap) TRY(grow(s));
    const unsigned char *bytes = arena_memdup(&s->arena, key, len);
    NEEDS(s->x, bytes);
    s->items[s->n++] = (struct key_item){head_of(bytes, len), bytes, len};
    return OK;
}

static int compare_items(const void *x, const void *y) {
    const struct key_item *a = x, *b = y;
    if (a->head != b->head) return a->head < b->head ? -1 : 1;
    return key_compare(a->bytes, a->len, b->bytes, b->len);
}

/* Two sorted runs into one. */
static status merge(struct key_set *s, const struct key_item *a, size_t na,
                    const struct key_item *b, size_t nb, struct key_item *to) {
    while (na && nb) {
        if ((na + nb) % KEYS_PER_BREATH == 0) TRY(sql_env_breathe(s->x->env));
        if (compare_items(b, a) < 0) {
            *to++ = *b++;
            nb--;
        } else {
            *to++ = *a++;
            na--;
        }
    }
    if (na) memcpy(to, a, na * sizeof *to);
    if (nb) memcpy(to + na, b, nb * sizeof *to); /* one of them is empty */
    return OK;
}

/* Of each two runs of `from` one. */
static status merge_runs(struct key_set *s, const struct key_item *from, size_t run,
                         struct key_item *to) {
    for (size_t at = 0; at < s->n; at += 2 * run) {
        size_t left = s->n - at, na = left < run ? left : run;
        size_t nb = left - na < run ? left - na : run;
        TRY(merge(s, from + at, na, from + at + na, nb, to + at));
    }
    return OK;
}

/* In steps, between which others have their turn. */
static status sort_items(struct key_set *s) {
    for (size_t at = 0; at < s->n; at += RUN_KEYS) {
        size_t n = s->n - at < RUN_KEYS ? s->n - at : RUN_KEYS;
        TRY(sql_env_breathe(s->x->env));
        qsort(s->items + at, n, sizeof *s->items, compare_items);
    }
    if (s->n <= RUN_KEYS) return OK;
    struct key_item *other = malloc(s->cap * sizeof *other);
    NEEDS(s->x, other);
    status st = OK;
    for (size_t run = RUN_KEYS; ok(st) && run < s->n; run *= 2) {
        st = merge_runs(s, s->items, run, other);
        struct key_item *merged = other;
        other = s->items;
        s->items = merged;
    }
    free(other);
    return st;
}

status key_set_finish(struct key_set *s) {
    s->at = 0;
    s->batch_n = s->batch_at = 0;
    s->last = NULL;
    s->last_bytes.len = 0;
    return s->spilled ? sorter_finish(s->sorter) : sort_items(s);
}

/* ---- reading ---- */

static status next_spilled(struct key_set *s, const unsigned char **ret, uint32_t *ret_len) {
    *ret = NULL;
    if (s->batch_at == s->batch_n) {
        arena_reset(&s->batch_arena);
        s->batch_at = 0;
        TRY(sorter_read(s->sorter, &s->column, READ_ROWS, &s->batch_arena, &s->batch_n));
        if (s->batch_n == 0) return OK;
    }
    const struct varlena *v = s->column.values[s->batch_at++].v;
    *ret = (const unsigned char *)v->data;
    *ret_len = v->len;
    return OK;
}

static status next_any(struct key_set *s, const unsigned char **ret, uint32_t *ret_len) {
    if (s->spilled) return next_spilled(s, ret, ret_len);
    *ret = NULL;
    if (s->at == s->n) return OK;
    *ret = s->items[s->at].bytes;
    *ret_len = s->items[s->at++].len;
    return OK;
}

static status note_last(struct key_set *s, const unsigned char *key, uint32_t len) {
    s->last = key;
    s->last_len = len;
    if (!s->spilled) return OK;
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
    if (s->spilled) sorter_clear(s->sorter);
    s->spilled = false;
    s->n = s->at = 0;
}

void key_set_free(struct key_set *s) {
    if (s->arena.chunk) arena_free(&s->arena);
    if (s->batch_arena.chunk) arena_free(&s->batch_arena);
    buf_free(&s->last_bytes);
    free(s->items);
    s->items = NULL;
    s->n = s->cap = 0;
}
