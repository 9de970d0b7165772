/* Rows of a relation: one by its key, a range, or all. */
#include <stdlib.h>

#include "exec/internal.h"
#include "types/array.h"
#include "types/key.h"

#define BATCH_BYTES_MAX (4u << 20) /* a batch of rows with large values ends early */

struct list_key {
    uint32_t offset, len; /* in prefixes */
};

/* Columns that the filter does not read are taken out of the rows that passed it, as long as it
 * lets but few pass. */
struct late {
    bool possible, on;    /* … for the batch at hand */
    bool *early, *chosen; /* attributes of either kind */
    bool *is_early;       /* columns */
    uint16_t early_wanted;
    struct tree_entry *rows; /* their values in the batch's arena */
    uint64_t given, passed;
};

struct scan {
    struct operator op;
    const struct relation *relation;
    const struct index_desc *index; /* NULL: the rows themselves */
    struct program_state *values;
    struct table_scan scan;
    bool bounds_ready, scanning, done;
    struct buf prefix, low, high;
    char prefix_room[64]; /* where the prefix begins: most keys are short */
    bool empty;
    struct list_key *keys; /* of a list: each item's prefix, sorted */
    uint32_t nkeys, key_at;
    struct arena bounds_arena;
    struct arena scan_arena; /* of the table scan under way */
    unsigned char *row_buf;  /* TREE_ENTRY_BYTES_MAX, for table_get */
    datum *row_values;       /* wanted attributes of one row */
    uint8_t *row_nulls;
    bool *chosen; /* … those that are columns of the output */
    struct late late;
};

const struct index_desc *relation_index_of(const struct relation *r, oid index) {
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].oid == index) return &r->indexes[i];
    return r->primary && r->primary->oid == index ? r->primary : NULL;
}

/* ---- addresses ---- */

status address_make(struct execution *x, struct arena *a, const struct tree_entry *e, datum *ret) {
    struct varlena *v = varlena_new(a, 8u + e->key_len);
    NEEDS(x, v);
    store_le64(v->data, e->lsn.at);
    memcpy(v->data + 8, e->key, e->key_len);
    *ret = datum_ptr(v);
    return OK;
}

void address_split(datum address, lsn *ret_version, const void **ret_key, size_t *ret_len) {
    const struct varlena *v = address.v;
    CHECK(v->len >= 8);
    *ret_version = (lsn){load_le64(v->data)};
    *ret_key = v->data + 8;
    *ret_len = v->len - 8;
}

/* ---- bounds ---- */

static int64_t integer_min(oid t) {
    return t == INT2OID ? INT16_MIN : t == INT4OID ? INT32_MIN : INT64_MIN;
}

static int64_t integer_max(oid t) {
    return t == INT2OID ? INT16_MAX : t == INT4OID ? INT32_MAX : INT64_MAX;
}

/* *ret_beyond: -1 or 1 when the value lies below or above everything the column can hold. */
static status encode_key(struct execution *x, const struct plan_key *k, datum value, bool is_null,
                         struct buf *out, int *ret_beyond) {
    *ret_beyond = 0;
    if (k->convert == KEY_INTEGER && !is_null) {
        if (value.i64 < integer_min(k->type)) *ret_beyond = -1;
        if (value.i64 > integer_max(k->type)) *ret_beyond = 1;
        if (*ret_beyond) return OK;
    }
    status s = type_key_encode(k->type, value, is_null, k->descending, k->nulls_first, out);
    if (status_is(s, ST_OUT_OF_MEMORY)) return exec_memory(x);
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
    uint32_t n = a->len < b->len ? a->len : b->len;
    int c = memcmp(base + a->offset, base + b->offset, n);
    return c ? c : (a->len > b->len) - (a->len < b->len);
}

/* One item of the list: the prefix of the columns before it, and its own key. */
static status add_list_key(struct scan *s, const struct plan_key *k, datum value, bool is_null,
                           struct buf *prefixes) {
    if (is_null) return OK;
    size_t offset = prefixes->len;
    if (!ok(buf_add(prefixes, s->prefix.data, s->prefix.len))) return exec_memory(s->op.x);
    int beyond;
    TRY(encode_key(s->op.x, k, value, false, prefixes, &beyond));
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
    TRY(encode_key(s->op.x, k, v->values[0], false, to, &beyond));
    if (beyond) {
        to->len = s->prefix.len;
        s->empty |= (beyond < 0) != is_low;
    }
    return OK;
}

static status make_bounds(struct scan *s) {
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
            TRY(encode_key(s->op.x, &p->keys[i], v->values[0], is_null, &s->prefix, &beyond));
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
    s->scan.entries = s->op.plan->scan.index_only;
    s->scanning = true;
    return OK;
}

static status begin_range(struct scan *s) {
    const struct plan_scan *p = &s->op.plan->scan;
    bool swap = (p->has_low || p->has_high) && p->keys[p->nequal].descending;
    bool low_exclusive = swap ? p->high_exclusive : p->low_exclusive;
    bool high_exclusive = swap ? p->low_exclusive : p->high_exclusive;
    struct table_bound low = bound_of(&s->low, &s->prefix, low_exclusive);
    struct table_bound high = bound_of(&s->high, &s->prefix, high_exclusive);
    return begin_scan(s, low, high);
}

static status begin_list_item(struct scan *s) {
    const struct plan_scan *p = &s->op.plan->scan;
    uint32_t i = p->backward ? s->nkeys - 1 - s->key_at : s->key_at;
    s->key_at++;
    struct table_bound b = {s->prefix.data + s->keys[i].offset, s->keys[i].len, false};
    return begin_scan(s, b, b);
}

/* ---- rows ---- */

/* Values of the columns that key bytes hold. */
static status read_key(struct scan *s, const struct index_desc *x, const unsigned char *bytes,
                       size_t len) {
    for (uint16_t k = 0; k < x->nkeys && len; k++) {
        int16_t att = x->columns[k];
        const struct type *t = s->relation->row->atts[att - 1].type;
        size_t n;
        TRY(type_key_column_len(t->oid, x->descending[k], bytes, len, &n));
        if (att <= s->op.plan->scan.wanted && type_key_decodable(t))
            TRY(type_key_decode(t, x->descending[k], bytes, n, s->op.arena, &s->row_values[att - 1],
                                &s->row_nulls[att - 1]));
        bytes += n;
        len -= n;
    }
    return OK;
}

static status read_entry(struct scan *s, const struct tree_entry *e) {
    const unsigned char *key;
    size_t len;
    TRY(read_key(s, s->index, e->key, e->key_len));
    if (!s->relation->primary) return OK;
    TRY(table_row_key(s->index, e, &key, &len));
    return read_key(s, s->relation->primary, key, len);
}

/* A column's value in the output; e: NULL when it is none that only the entry knows. */
static status put_column(struct scan *s, const struct tree_entry *e, uint16_t c, uint16_t row) {
    struct vec *to = &s->op.out.columns[c];
    int16_t att = s->op.plan->scan.atts[c];
    to->nulls[row] = 0;
    if (att > 0) {
        to->values[row] = s->row_values[att - 1];
        to->nulls[row] = s->row_nulls[att - 1];
    } else if (att == ATT_TABLEOID) {
        to->values[row] = datum_oid(s->relation->oid);
    } else {
        return address_make(s->op.x, s->op.arena, e, &to->values[row]);
    }
    return OK;
}

/* The attributes that are chosen, of the first `wanted`. */
static status take_out(struct scan *s, const struct tree_entry *e, uint16_t wanted,
                       const bool *chosen) {
    if (e->flags & ENTRY_LARGE)
        return table_deform_large(s->op.x->env, s->relation, e, wanted, chosen, s->row_values,
                                  s->row_nulls, s->op.arena);
    return row_deform_chosen(s->relation->row, e->value, e->value_len, wanted, chosen,
                             s->row_values, s->row_nulls, s->op.arena);
}

static status put_row(struct scan *s, const struct tree_entry *e, uint16_t row) {
    const struct plan_scan *p = &s->op.plan->scan;
    if (p->wanted && p->index_only)
        TRY(read_entry(s, e));
    else if (p->wanted)
        TRY(take_out(s, e, p->wanted, s->chosen));
    for (uint16_t c = 0; c < s->op.plan->ncolumns; c++) TRY(put_column(s, e, c, row));
    return OK;
}

static status corrupt(struct scan *s, status st) {
    struct error *e = s->op.x->env->eval.error;
    if (s->op.x->env->proc->bad_page.code) return st; /* a page of a large value: named later */
    if (status_is(st, ST_DATA_CORRUPTED) && e->status.code == ST_OK)
        return error_set(e, ST_DATA_CORRUPTED, "a row of relation \"%s\" is damaged",
                         s->relation->name);
    return st;
}

/* ---- columns that are taken out late ---- */

static status put_early(struct scan *s, const struct tree_entry *e, uint16_t row) {
    struct late *l = &s->late;
    void *bytes = arena_memdup(s->op.arena, e->value, e->value_len);
    NEEDS(s->op.x, bytes);
    l->rows[row] =
        (struct tree_entry){.value = bytes, .value_len = e->value_len, .flags = e->flags};
    TRY(take_out(s, e, l->early_wanted, l->early));
    for (uint16_t c = 0; c < s->op.plan->ncolumns; c++)
        if (l->is_early[c]) TRY(put_column(s, e, c, row));
    return OK;
}

static status put_late(struct scan *s, uint16_t row) {
    const struct late *l = &s->late;
    TRY(take_out(s, &l->rows[row], s->op.plan->scan.wanted, l->chosen));
    for (uint16_t c = 0; c < s->op.plan->ncolumns; c++)
        if (!l->is_early[c]) TRY(put_column(s, NULL, c, row));
    return OK;
}

static status complete_rows(struct operator* op) {
    struct scan *s = (struct scan *)op;
    const struct batch *b = &op->out;
    s->late.passed += b->nrows;
    if (!s->late.on) return OK;
    for (uint16_t i = 0; i < b->nrows; i++) TRY(corrupt(s, put_late(s, batch_row(b, i))));
    return OK;
}

/* Half of the rows pass: then two walks over those cost more than one over all. */
static void choose_late(struct scan *s) {
    struct late *l = &s->late;
    l->on = l->possible && l->passed * 2 <= l->given;
    if (l->given < 64 * BATCH_ROWS) return;
    l->given /= 2; /* what was long ago counts less */
    l->passed /= 2;
}

static status open_late(struct scan *s) {
    struct execution *x = s->op.x;
    const struct plan *plan = s->op.plan;
    const struct plan_scan *p = &plan->scan;
    struct late *l = &s->late;
    bool any_late = false;
    if (!plan->filter || !p->wanted || p->index_only || plan->capacity == 1) return OK;
    NEW_N(x, l->early, p->wanted + 1);
    NEW_N(x, l->chosen, p->wanted + 1);
    NEW_N(x, l->is_early, plan->ncolumns + 1);
    for (uint16_t i = 0; i < plan->filter->nused; i++) l->is_early[plan->filter->used[i]] = true;
    for (uint16_t c = 0; c < plan->ncolumns; c++) {
        int16_t att = p->atts[c];
        l->is_early[c] |= att <= 0;
        if (att <= 0) continue;
        (l->is_early[c] ? l->early : l->chosen)[att - 1] = true;
        if (!l->is_early[c])
            any_late = true;
        else if (l->early_wanted < att)
            l->early_wanted = (uint16_t)att;
    }
    if (!any_late) return OK;
    NEW_N(x, l->rows, plan->capacity);
    l->possible = true;
    s->op.complete = complete_rows;
    return OK;
}

static status point(struct scan *s, const void *key, size_t len, uint16_t *n) {
    struct tree_entry e;
    status st = table_get(s->op.x->env, s->relation, key, len, s->row_buf, &e);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    TRY(corrupt(s, put_row(s, &e, *n)));
    (*n)++;
    return OK;
}

/* before: the arena's bytes when the batch began. */
static bool batch_has_room(const struct scan *s, uint16_t n, size_t before) {
    return n < s->op.plan->capacity && s->op.arena->used - before < BATCH_BYTES_MAX;
}

static bool is_point_get(const struct plan_scan *p) {
    return p->row_key || (p->point && p->is_row_key);
}

static status next_points(struct scan *s) {
    const struct plan_scan *p = &s->op.plan->scan;
    uint16_t n = 0;
    if (!p->list && !p->array) {
        s->done = true;
        TRY(point(s, s->prefix.data, s->prefix.len, &n));
    }
    size_t before = s->op.arena->used;
    while (s->nkeys > s->key_at && batch_has_room(s, n, before)) {
        uint32_t i = p->backward ? s->nkeys - 1 - s->key_at : s->key_at;
        s->key_at++;
        TRY(point(s, s->prefix.data + s->keys[i].offset, s->keys[i].len, &n));
    }
    s->op.out.nrows = n;
    if (s->key_at >= s->nkeys) s->done = true;
    return OK;
}

static status next_rows(struct scan *s) {
    bool list = s->op.plan->scan.list || s->op.plan->scan.array;
    uint16_t n = 0;
    size_t before = s->op.arena->used;
    choose_late(s);
    while (batch_has_room(s, n, before)) {
        if (!s->scanning) {
            if (list && s->key_at >= s->nkeys) {
                s->done = true;
                break;
            }
            TRY(list ? begin_list_item(s) : begin_range(s));
        }
        struct tree_entry e;
        status st = table_scan_next(&s->scan, &e);
        if (status_is(st, ST_END)) {
            table_scan_end(&s->scan);
            s->scanning = false;
            s->done = !list;
            if (s->done) break;
            continue;
        }
        TRY(st);
        TRY(corrupt(s, s->late.on ? put_early(s, &e, n) : put_row(s, &e, n)));
        n++;
    }
    s->op.out.nrows = n;
    s->late.given += n;
    return OK;
}

static status scan_next(struct operator* op) {
    struct scan *s = (struct scan *)op;
    op->out.sel = NULL;
    op->out.nrows = 0;
    if (!s->bounds_ready) TRY(make_bounds(s));
    if (s->done || s->empty) return OK;
    if (op->plan->capacity > 1) TRY(sql_env_breathe(op->x->env));
    return is_point_get(&op->plan->scan) ? next_points(s) : next_rows(s);
}

static status scan_open(struct operator* op) {
    struct scan *s = (struct scan *)op;
    const struct plan_scan *p = &op->plan->scan;
    s->relation = op->x->relations[p->relation];
    arena_init(&s->bounds_arena, 0);
    arena_init(&s->scan_arena, 0);
    buf_borrow(&s->prefix, s->prefix_room, sizeof s->prefix_room);
    if (p->index) {
        s->index = relation_index_of(s->relation, p->index);
        if (!s->index) return STATUS(INVALID);
    }
    TRY(operator_columns(op));
    if (p->values) TRY(program_open(op->x, p->values, 1, &s->values));
    if (is_point_get(p)) {
        s->row_buf = arena_alloc(op->x->arena, TREE_ENTRY_BYTES_MAX);
        NEEDS(op->x, s->row_buf);
    }
    NEW_N(op->x, s->row_values, p->wanted + 1);
    NEW_N(op->x, s->row_nulls, p->wanted + 1);
    NEW_N(op->x, s->chosen, p->wanted + 1);
    for (uint16_t c = 0; c < op->plan->ncolumns; c++)
        if (p->atts[c] > 0) s->chosen[p->atts[c] - 1] = true;
    return open_late(s);
}

static void scan_close(struct operator* op) {
    struct scan *s = (struct scan *)op;
    if (s->scanning) table_scan_end(&s->scan);
    s->scanning = false;
    buf_free(&s->prefix);
    buf_free(&s->low);
    buf_free(&s->high);
    if (s->bounds_arena.chunk) arena_free(&s->bounds_arena);
    if (s->scan_arena.chunk) arena_free(&s->scan_arena);
}

static status scan_restart(struct operator* op) {
    struct scan *s = (struct scan *)op;
    if (s->scanning) table_scan_end(&s->scan);
    s->scanning = s->done = s->bounds_ready = false;
    s->nkeys = s->key_at = 0;
    return OK;
}

const struct operator_class operator_scan = {sizeof(struct scan), scan_open, scan_next,
                                             scan_restart, scan_close};
