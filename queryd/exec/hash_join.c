/* Hash join: the right side is kept in a hash table, the left one looks its rows up. */
#include "exec/hash_join.h"

static bool decides_only(const struct hash_join *h) {
    return join_kind(h) == PLAN_SEMI || join_kind(h) == PLAN_ANTI;
}

static status hash_open(struct operator* op) {
    struct hash_join *h = (struct hash_join *)op;
    struct execution *x = op->x;
    const struct plan_hash_join *p = &op->plan->hash;
    const struct plan *l = op->plan->left, *r = op->plan->right;
    uint16_t pairs = decides_only(h) ? BATCH_ROWS : op->plan->capacity;
    uint16_t width = (uint16_t)(r->ncolumns + p->nkeys);
    arena_init(&h->key_arena, 0);
    TRY(program_open(x, p->left_keys, l->capacity, &h->left_keys));
    TRY(program_open(x, p->right_keys, r->capacity, &h->right_keys));
    if (p->condition) TRY(program_open(x, p->condition, pairs, &h->condition));
    NEW_N(x, h->table_types, width);
    for (uint16_t i = 0; i < r->ncolumns; i++) h->table_types[i] = r->types[i];
    for (uint16_t i = 0; i < p->nkeys; i++) h->table_types[r->ncolumns + i] = p->key_types[i];
    TRY(row_store_new(x, width, h->table_types, &h->table));
    TRY(join_spill_open(h));
    NEW_N(x, h->build, width);
    NEW_N(x, h->keys, p->nkeys + 1);
    NEW_N(x, h->matched, l->capacity);
    NEW_N(x, h->origin, pairs);
    NEW_N(x, h->kept, pairs);
    NEW_N(x, h->partner, pairs);
    if (!decides_only(h)) return operator_columns(op);
    op->sel = arena_alloc(x->arena, l->capacity * sizeof *op->sel);
    NEEDS(x, op->sel);
    return columns_new(x, (uint16_t)(l->ncolumns + r->ncolumns), pairs, &h->combined);
}

/* ---- the table ---- */

static status add_rows(struct hash_join *h, const struct batch *b) {
    const struct plan_hash_join *p = &h->op.plan->hash;
    uint16_t columns = h->op.plan->right->ncolumns;
    TRY(program_run(h->right_keys, b->columns, b->sel, b->nrows, &h->key_arena));
    for (uint16_t c = 0; c < columns; c++) h->build[c] = b->columns[c];
    for (uint16_t k = 0; k < p->nkeys; k++) {
        h->keys[k] = program_output(h->right_keys, k);
        h->build[columns + k] = *h->keys[k];
    }
    for (uint16_t i = 0; i < b->nrows; i++) {
        uint16_t row = batch_row(b, i);
        bool has_null = false;
        for (uint16_t k = 0; k < p->nkeys; k++) has_null |= h->keys[k]->nulls[row] != 0;
        if (has_null && !join_keeps_right(h)) continue; /* equal to nothing */
        uint64_t hash = has_null ? ++h->spill.nulls * 0x9E3779B97F4A7C15u
                                 : hash_row(p->key_types, h->keys, p->nkeys, row);
        if (!join_stays(h, hash)) {
            TRY(join_spill_right(h, hash, row));
            continue;
        }
        struct stored_row *r;
        TRY(row_store_add(h->table, h->build, row, &r));
        r->hash = hash;
        if (!has_null) TRY(row_store_hash(h->table, r));
    }
    return join_make_room(h);
}

static status build(struct hash_join *h) {
    const struct batch *b;
    do {
        if (h->key_arena.chunk) arena_reset(&h->key_arena);
        TRY(operator_next(h->op.right, &b));
        if (b->nrows) TRY(add_rows(h, b));
        TRY(sql_env_breathe(h->op.x->env));
    } while (b->nrows);
    h->built = true;
    if (h->op.counts) h->op.counts->batches++;
    return OK;
}

/* ---- probing ---- */

static status next_left(struct hash_join *h) {
    const struct batch *b = &h->left;
    join_note(h);
    TRY(join_left_batch(h, &h->left));
    h->at = h->unmatched_at = 0;
    h->in_row = h->giving_unmatched = false;
    h->left_done = b->nrows == 0;
    if (h->left_done) return OK;
    memset(h->matched, 0, b->nrows);
    join_recall(h);
    if (h->key_arena.chunk) arena_reset(&h->key_arena);
    TRY(program_run(h->left_keys, b->columns, b->sel, b->nrows, &h->key_arena));
    for (uint16_t k = 0; k < h->op.plan->hash.nkeys; k++)
        h->keys[k] = program_output(h->left_keys, k);
    TRY(join_park_left(h));
    return sql_env_breathe(h->op.x->env);
}

static void start_row(struct hash_join *h) {
    const struct plan_hash_join *p = &h->op.plan->hash;
    uint16_t row = batch_row(&h->left, h->at);
    h->in_row = true;
    h->candidate = NULL;
    for (uint16_t k = 0; k < p->nkeys; k++)
        if (h->keys[k]->nulls[row]) return;
    h->hash = hash_row(p->key_types, h->keys, p->nkeys, row);
    h->candidate = row_store_bucket(h->table, h->hash);
}

static bool keys_equal(const struct hash_join *h, const struct stored_row *r, uint16_t row) {
    const struct plan_hash_join *p = &h->op.plan->hash;
    const datum *keys = r->values + h->op.plan->right->ncolumns;
    if (r->hash != h->hash) return false;
    for (uint16_t k = 0; k < p->nkeys; k++)
        if (!same_value(p->key_types[k], h->keys[k]->values[row], 0, keys[k], 0)) return false;
    return true;
}

static struct stored_row *next_partner(struct hash_join *h) {
    uint16_t row = batch_row(&h->left, h->at);
    while (h->candidate) {
        struct stored_row *r = h->candidate;
        h->candidate = r->next;
        if (keys_equal(h, r, row)) return r;
    }
    return NULL;
}

static void put_right(const struct hash_join *h, struct vec *columns, uint16_t to,
                      struct stored_row *r) {
    const uint8_t *nulls = stored_nulls(h->table, r);
    for (uint16_t c = 0; c < h->op.plan->right->ncolumns; c++) {
        columns[c].values[to] = r->values[c];
        columns[c].nulls[to] = nulls[c];
    }
}

static void put_left(const struct hash_join *h, struct vec *columns, uint16_t to, uint16_t row) {
    for (uint16_t c = 0; c < h->op.plan->left->ncolumns; c++) {
        columns[c].values[to] = h->left.columns[c].values[row];
        columns[c].nulls[to] = h->left.columns[c].nulls[row];
    }
}

static void put_pair(struct hash_join *h, struct vec *columns, uint16_t to, struct stored_row *r) {
    put_left(h, columns, to, batch_row(&h->left, h->at));
    put_right(h, columns + h->op.plan->left->ncolumns, to, r);
    h->origin[to] = h->at;
    h->partner[to] = r;
}

static uint16_t fill_pairs(struct hash_join *h, struct vec *columns, uint16_t capacity) {
    uint16_t n = 0;
    while (h->at < h->left.nrows && n < capacity) {
        if (!h->in_row) start_row(h);
        struct stored_row *r = next_partner(h);
        if (r) {
            put_pair(h, columns, n++, r);
        } else {
            h->in_row = false;
            h->at++;
        }
    }
    return n;
}

static status check_pairs(struct hash_join *h, const struct vec *columns, uint16_t n,
                          uint16_t *ret_n) {
    if (h->condition) {
        TRY(program_filter(h->condition, columns, NULL, n, h->op.arena, h->kept, ret_n));
    } else {
        for (uint16_t i = 0; i < n; i++) h->kept[i] = i;
        *ret_n = n;
    }
    for (uint16_t i = 0; i < *ret_n; i++) {
        h->matched[h->origin[h->kept[i]]] = 1;
        h->partner[h->kept[i]]->matched = true;
    }
    return OK;
}

/* ---- SEMI, ANTI ---- */

/* Without a further condition the first partner decides. */
static void decide_by_key(struct hash_join *h) {
    for (h->at = 0; h->at < h->left.nrows; h->at++) {
        start_row(h);
        if (next_partner(h)) h->matched[h->at] = 1;
    }
}

static status decide_batch(struct hash_join *h) {
    if (!h->condition) {
        decide_by_key(h);
        return OK;
    }
    uint16_t n, kept;
    while ((n = fill_pairs(h, h->combined, BATCH_ROWS)) > 0) {
        TRY(check_pairs(h, h->combined, n, &kept));
        TRY(sql_env_breathe(h->op.x->env));
    }
    return OK;
}

static status next_decided(struct hash_join *h) {
    struct batch *out = &h->op.out;
    bool semi = join_kind(h) == PLAN_SEMI;
    do {
        out->nrows = 0;
        TRY(next_left(h));
        if (h->left_done) {
            bool more;
            TRY(join_next_part(h, &more));
            if (!more) return OK;
            continue;
        }
        TRY(decide_batch(h));
        if (h->spill.more_pieces) continue; /* the last piece decides */
        for (uint16_t i = 0; i < h->left.nrows; i++)
            if ((h->matched[i] != 0) == semi) h->op.sel[out->nrows++] = batch_row(&h->left, i);
    } while (out->nrows == 0);
    out->columns = h->left.columns;
    out->sel = h->op.sel;
    return OK;
}

/* ---- rows without a partner ---- */

static void null_columns(struct vec *columns, uint16_t n, uint16_t row) {
    for (uint16_t c = 0; c < n; c++) columns[c].nulls[row] = 1;
}

static void give_unmatched_left(struct hash_join *h) {
    const struct plan *l = h->op.plan->left, *r = h->op.plan->right;
    struct batch *out = &h->op.out;
    uint16_t n = 0;
    for (; h->unmatched_at < h->left.nrows && n < h->op.plan->capacity; h->unmatched_at++) {
        if (h->matched[h->unmatched_at]) continue;
        put_left(h, out->columns, n, batch_row(&h->left, h->unmatched_at));
        null_columns(out->columns + l->ncolumns, r->ncolumns, n++);
    }
    out->nrows = n;
    out->sel = NULL;
}

static void give_unmatched_right(struct hash_join *h) {
    const struct plan *l = h->op.plan->left;
    struct batch *out = &h->op.out;
    uint16_t n = 0;
    for (; h->right_at < h->table->n && n < h->op.plan->capacity; h->right_at++) {
        struct stored_row *r = h->table->rows[h->right_at];
        if (r->matched) continue;
        null_columns(out->columns, l->ncolumns, n);
        put_right(h, out->columns + l->ncolumns, n++, r);
    }
    out->nrows = n;
    out->sel = NULL;
}

static status next_pairs(struct hash_join *h) {
    struct batch *out = &h->op.out;
    bool keep_left = join_kind(h) == PLAN_LEFT || join_kind(h) == PLAN_FULL;
    for (;;) {
        out->nrows = 0;
        if (h->giving_unmatched) {
            give_unmatched_left(h);
            if (out->nrows) return OK;
            h->giving_unmatched = false;
        }
        if (!h->left_done && h->at >= h->left.nrows) TRY(next_left(h));
        if (h->left_done) {
            bool more;
            if (join_keeps_right(h)) give_unmatched_right(h);
            if (out->nrows) return OK;
            TRY(join_next_part(h, &more));
            if (!more) return OK;
            continue;
        }
        uint16_t n = fill_pairs(h, out->columns, h->op.plan->capacity);
        if (h->at >= h->left.nrows) h->giving_unmatched = keep_left && !h->spill.more_pieces;
        if (n) TRY(check_pairs(h, out->columns, n, &out->nrows));
        out->sel = h->kept;
        if (out->nrows) return OK;
        TRY(sql_env_breathe(h->op.x->env));
    }
}

static status hash_next(struct operator* op) {
    struct hash_join *h = (struct hash_join *)op;
    op->out.nrows = 0;
    if (!h->built) TRY(build(h));
    if (h->left_done && decides_only(h)) return OK;
    return decides_only(h) ? next_decided(h) : next_pairs(h);
}

static status hash_restart(struct operator* op) {
    struct hash_join *h = (struct hash_join *)op;
    h->at = h->left.nrows = 0;
    h->in_row = h->giving_unmatched = h->left_done = false;
    h->right_at = 0;
    bool spilled = h->spill.used;
    join_spill_reset(h);
    if (spilled || op->plan->right->depends || op->plan->hash.right_keys->depends) {
        h->built = false;
        row_store_clear(h->table);
        TRY(operator_restart(op->right));
    } else {
        for (size_t i = 0; i < h->table->n; i++) h->table->rows[i]->matched = false;
    }
    return operator_restart(op->left);
}

static void hash_close(struct operator* op) {
    struct hash_join *h = (struct hash_join *)op;
    if (h->key_arena.chunk) arena_free(&h->key_arena);
    join_spill_close(h);
}

const struct operator_class operator_hash_join = {sizeof(struct hash_join), hash_open, hash_next,
                                                  hash_restart, hash_close};
