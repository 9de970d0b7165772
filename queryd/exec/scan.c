/* Rows of a relation: one by its key, a range, or all. */
#include "exec/scan.h"
#include "types/key.h"

#define BATCH_BYTES_MAX (4u << 20) /* a batch of rows with large values ends early */

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

/* ---- rows ---- */

/* Values of the columns that key bytes hold. */
static status read_key(struct scan *s, const struct index_desc *x, const unsigned char *bytes,
                       size_t len) {
    for (uint16_t k = 0; k < x->nkeys && len; k++) {
        int16_t att = x->columns[k];
        const struct type *t = index_key_type(x, k);
        size_t n;
        TRY(type_key_column_len(t, x->descending[k], bytes, len, &n));
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
        return OK;
    }
    if (att == ATT_ADDRESS) return address_make(s->op.x, s->op.arena, e, &to->values[row]);
    return system_value(s->op.x, s->relation, e, att, &to->values[row]);
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

/* Of a bitmap index scan: the key of the row, which is all it gives. */
static status put_key(struct scan *s, const struct tree_entry *e, uint16_t row) {
    const unsigned char *key = e->key;
    size_t len = e->key_len;
    if (s->index) TRY(table_row_key(s->index, e, &key, &len));
    struct varlena *v = varlena_from(s->op.arena, key, len);
    NEEDS(s->op.x, v);
    s->op.out.columns[0].values[row] = datum_ptr(v);
    s->op.out.columns[0].nulls[row] = 0;
    return OK;
}

static status put_row(struct scan *s, const struct tree_entry *e, uint16_t row) {
    const struct plan_scan *p = &s->op.plan->scan;
    if (p->key_source) return put_key(s, e, row);
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

/* ---- rows of keys that were gathered before ---- */

static status gather(struct scan *s) {
    TRY(bitmap_gather(s->op.left, s->keys_found));
    TRY(key_set_finish(s->keys_found));
    table_fetch_restart(&s->fetch);
    s->gathered = true;
    return OK;
}

/* What an index has under the snapshot is true of the row: it must be there. */
static status next_found(struct scan *s, struct tree_entry *ret) {
    const unsigned char *key;
    uint32_t len;
    TRY(key_set_next(s->keys_found, &key, &len));
    if (!key) return STATUS(END);
    status st = table_fetch_row(&s->fetch, key, len, ret);
    return status_is(st, ST_NOT_FOUND) ? STATUS(INDEX_CORRUPTED) : st;
}

static status next_of_bitmap(struct scan *s) {
    uint16_t n = 0;
    size_t before = s->op.arena->used;
    choose_late(s);
    if (!s->gathered) TRY(gather(s));
    while (batch_has_room(s, n, before)) {
        struct tree_entry e;
        status st = next_found(s, &e);
        s->done = status_is(st, ST_END);
        if (s->done) break;
        TRY(st);
        TRY(corrupt(s, s->late.on ? put_early(s, &e, n) : put_row(s, &e, n)));
        n++;
    }
    if (s->op.counts) s->op.counts->leaves = s->fetch.leaves;
    s->op.out.nrows = n;
    s->late.given += n;
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
            TRY(list ? scan_begin_list_item(s) : scan_begin_range(s));
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
    if (!s->bounds_ready) TRY(scan_make_bounds(s));
    if (s->done || s->empty) return OK;
    if (op->plan->capacity > 1) TRY(sql_env_breathe(op->x->env));
    if (op->plan->scan.bitmap) return next_of_bitmap(s);
    return is_point_get(&op->plan->scan) ? next_points(s) : next_rows(s);
}

/* The relation as it is known now. */
static status find_relation(struct scan *s) {
    const struct plan_scan *p = &s->op.plan->scan;
    s->relation = s->op.x->relations[p->relation];
    if (!p->index) return OK;
    s->index = relation_index_of(s->relation, p->index);
    return s->index ? OK : STATUS(INVALID);
}

static status scan_open(struct operator* op) {
    struct scan *s = (struct scan *)op;
    const struct plan_scan *p = &op->plan->scan;
    arena_init(&s->bounds_arena, 0);
    arena_init(&s->scan_arena, 0);
    buf_borrow(&s->prefix, s->prefix_room, sizeof s->prefix_room);
    TRY(find_relation(s));
    TRY(operator_columns(op));
    if (p->bitmap) {
        TRY(key_set_new(op->x, &s->keys_found));
        TRY(table_fetch_begin(op->x->env, &s->fetch, op->x->arena, s->relation));
    }
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
    if (s->keys_found) key_set_free(s->keys_found);
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
    if (!s->op.plan->scan.bitmap) return OK;
    s->gathered = false;
    key_set_clear(s->keys_found);
    return operator_restart(op->left);
}

static status scan_again(struct operator* op) {
    TRY(find_relation((struct scan *)op));
    return scan_restart(op);
}

const struct operator_class operator_scan = {.bytes = sizeof(struct scan),
                                             .open = scan_open,
                                             .next = scan_next,
                                             .restart = scan_restart,
                                             .close = scan_close,
                                             .again = scan_again};
