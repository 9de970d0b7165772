/* Where a scan begins and ends: keys made of values. */
#include <stdlib.h>

#include "catalog/row_tid.h"
#include "exec/scan.h"
#include "types/array.h"
#include "types/key.h"

static int64_t integer_min(oid t) {
    return t == INT2OID ? INT16_MIN : t == INT4OID ? INT32_MIN : INT64_MIN;
}

static int64_t integer_max(oid t) {
    return t == INT2OID ? INT16_MAX : t == INT4OID ? INT32_MAX : INT64_MAX;
}

/* *ret_beyond: -1 or 1 when the value lies below or above everything the column can hold. */
static status encode_key(const struct scan *scan, const struct plan_key *k, datum value,
                         bool is_null, struct buf *out, int *ret_beyond) {
    *ret_beyond = 0;
    if (k->convert == KEY_TID) return row_tid_key(scan->relation, value, out, ret_beyond);
    if (k->convert == KEY_INTEGER && !is_null) {
        if (value.i64 < integer_min(k->type)) *ret_beyond = -1;
        if (value.i64 > integer_max(k->type)) *ret_beyond = 1;
        if (*ret_beyond) return OK;
    }
    status s = type_key_encode(k->compared, value, is_null, k->descending, k->nulls_first, out);
    if (status_is(s, ST_OUT_OF_MEMORY)) return exec_memory(scan->op.x);
    return s;
}

static status key_too_long(struct scan *s) {
    /* no row has such a key */
    if (s->prefix.len > TREE_KEY_BYTES_MAX || s->low.len > TREE_KEY_BYTES_MAX ||
        s->high.len > TREE_KEY_BYTES_MAX)
        s->empty = true;
    return OK;
}

static int compare_keys(const void *x, const void *y, void *arg) {
    const char *base = arg;
    const struct list_key *a = x, *b = y;
    return bytes_compare(base + a->offset, a->len, base + b->offset, b->len);
}

/* One item of the list: the prefix of the columns before it, and its own key. */
static status add_list_key(struct scan *s, const struct plan_key *k, datum value, bool is_null,
                           struct buf *prefixes) {
    if (is_null) return OK;
    size_t offset = prefixes->len;
    if (!ok(buf_add(prefixes, s->prefix.data, s->prefix.len))) return exec_memory(s->op.x);
    int beyond;
    TRY(encode_key(s, k, value, false, prefixes, &beyond));
    if (beyond || prefixes->len - offset > TREE_KEY_BYTES_MAX) {
        prefixes->len = offset;
        return OK;
    }
    s->keys[s->nkeys++] = (struct list_key){(uint32_t)offset, (uint32_t)(prefixes->len - offset)};
    return OK;
}

static status array_keys(struct scan *s, const struct plan_key *k, const struct vec *v,
                         struct buf *prefixes) {
    struct array_cursor c;
    datum item;
    bool is_null;
    if (v->nulls[0]) return OK;
    TRY(array_cursor_init(&c, v->values[0].v));
    s->keys = arena_array(&s->bounds_arena, c.head.n + 1u, sizeof *s->keys);
    NEEDS(s->op.x, s->keys);
    while (array_cursor_next(&c, &item, &is_null)) TRY(add_list_key(s, k, item, is_null, prefixes));
    return OK;
}

/* The values of a list, sorted and without duplicates, so that rows come once and in order. */
static status list_keys(struct scan *s, uint16_t first) {
    const struct plan_scan *p = &s->op.plan->scan;
    const struct plan_key *k = &p->keys[p->nequal - 1];
    struct buf prefixes = {0};
    status st = OK;
    s->nkeys = s->key_at = 0;
    if (p->array) {
        st = array_keys(s, k, program_output(s->values, first), &prefixes);
    } else {
        s->keys = arena_array(&s->bounds_arena, p->list, sizeof *s->keys);
        if (!s->keys) st = exec_memory(s->op.x);
        for (uint16_t i = 0; ok(st) && i < p->list; i++) {
            const struct vec *v = program_output(s->values, (uint16_t)(first + i));
            st = add_list_key(s, k, v->values[0], v->nulls[0], &prefixes);
        }
    }
    buf_free(&s->prefix);
    s->prefix = prefixes;
    if (!ok(st)) return st;
    qsort_r(s->keys, s->nkeys, sizeof *s->keys, compare_keys, prefixes.data);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->nkeys; i++)
        if (!kept || compare_keys(&s->keys[kept - 1], &s->keys[i], prefixes.data) != 0)
            s->keys[kept++] = s->keys[i];
    s->nkeys = kept;
    s->empty = kept == 0;
    return OK;
}

/* A bound of the column after the equal ones; in a descending column low and high change sides. */
static status range_bound(struct scan *s, uint16_t output, bool is_low, struct buf *to) {
    const struct plan_scan *p = &s->op.plan->scan;
    const struct plan_key *k = &p->keys[p->nequal];
    const struct vec *v = program_output(s->values, output);
    if (v->nulls[0]) {
        s->empty = true;
        return OK;
    }
    int beyond;
    if (!ok(buf_add(to, s->prefix.data, s->prefix.len))) return exec_memory(s->op.x);
    TRY(encode_key(s, k, v->values[0], false, to, &beyond));
    if (beyond) {
        to->len = s->prefix.len;
        s->empty |= (beyond < 0) != is_low;
    }
    return OK;
}

status scan_make_bounds(struct scan *s) {
    const struct plan_scan *p = &s->op.plan->scan;
    s->empty = false;
    s->prefix.len = s->low.len = s->high.len = 0;
    s->bounds_ready = true;
    if (p->row_key && !ok(buf_add(&s->prefix, p->row_key->data, p->row_key->len)))
        return exec_memory(s->op.x);
    if (!p->values) return OK;
    if (s->bounds_arena.chunk) arena_reset(&s->bounds_arena);
    struct arena *a = s->op.arena == &s->op.own ? &s->bounds_arena : s->op.arena;
    TRY(program_run(s->values, NULL, NULL, 1, a));
    bool list = p->list || p->array;
    uint16_t single = (uint16_t)(p->nequal - (list ? 1 : 0));
    for (uint16_t i = 0; i < single; i++) {
        const struct vec *v = program_output(s->values, i);
        int beyond = 0;
        bool is_null = p->keys[i].is_null;
        if (!v->nulls[0] || is_null)
            TRY(encode_key(s, &p->keys[i], v->values[0], is_null, &s->prefix, &beyond));
        s->empty |= (v->nulls[0] && !is_null) || beyond;
    }
    if (s->empty) return OK;
    if (list) return list_keys(s, single);
    uint16_t next = single;
    bool swap = (p->has_low || p->has_high) && p->keys[p->nequal].descending;
    if (p->has_low) TRY(range_bound(s, next++, true, swap ? &s->high : &s->low));
    if (p->has_high) TRY(range_bound(s, next, false, swap ? &s->low : &s->high));
    return key_too_long(s);
}

static struct table_bound bound_of(const struct buf *b, const struct buf *prefix, bool exclusive) {
    if (b->len > prefix->len) return (struct table_bound){b->data, b->len, exclusive};
    if (prefix->len) return (struct table_bound){prefix->data, prefix->len, false};
    return (struct table_bound){0};
}

static status begin_scan(struct scan *s, struct table_bound low, struct table_bound high) {
    if (s->scan_arena.chunk) arena_reset(&s->scan_arena);
    status st = table_scan_begin(s->op.x->env, &s->scan, &s->scan_arena, s->relation, s->index, low,
                                 high, s->op.plan->scan.backward);
    if (status_is(st, ST_OUT_OF_MEMORY)) return exec_memory(s->op.x);
    TRY(st);
    s->scan.entries = s->op.plan->scan.index_only || s->op.plan->scan.key_source;
    s->scanning = true;
    return OK;
}

status scan_begin_range(struct scan *s) {
    const struct plan_scan *p = &s->op.plan->scan;
    bool swap = (p->has_low || p->has_high) && p->keys[p->nequal].descending;
    bool low_exclusive = swap ? p->high_exclusive : p->low_exclusive;
    bool high_exclusive = swap ? p->low_exclusive : p->high_exclusive;
    struct table_bound low = bound_of(&s->low, &s->prefix, low_exclusive);
    struct table_bound high = bound_of(&s->high, &s->prefix, high_exclusive);
    return begin_scan(s, low, high);
}

status scan_begin_list_item(struct scan *s) {
    const struct plan_scan *p = &s->op.plan->scan;
    uint32_t i = p->backward ? s->nkeys - 1 - s->key_at : s->key_at;
    s->key_at++;
    struct table_bound b = {s->prefix.data + s->keys[i].offset, s->keys[i].len, false};
    return begin_scan(s, b, b);
}
