/* Hash join beyond memory: when the table is full, the first of its parts stays and the others go
 * onto tapes, as do the left rows that could meet them; then each part is joined by itself, and is
 * parted again if need be. */
#include <stdlib.h>

#include "exec/hash_join.h"

#define ROWS_PER_BREATH 512

status join_spill_open(struct hash_join *h) {
    arena_init(&h->spill.arena, 0);
    return row_store_new(h->op.x, h->table->ncolumns, h->table->types, &h->spare);
}

/* ---- the right side ---- */

static bool has_key(const struct hash_join *h, struct stored_row *r) {
    const uint8_t *nulls = stored_nulls(h->table, r) + h->op.plan->right->ncolumns;
    for (uint16_t k = 0; k < h->op.plan->hash.nkeys; k++)
        if (nulls[k]) return false;
    return true;
}

static status build_tape(struct hash_join *h, uint64_t hash, struct tape **ret) {
    struct join_spill *s = &h->spill;
    return spill_tape(&s->build[spill_part(hash, s->level)], h->op.x, h->table->ncolumns,
                      h->table->types, ret);
}

status join_spill_right(struct hash_join *h, uint64_t hash, uint16_t row) {
    struct tape *t;
    TRY(build_tape(h, hash, &t));
    return tape_put_vec(t, hash, h->build, row);
}

/* A row that the table does not own: into the table, or onto its tape. */
static status place(struct hash_join *h, struct row_store *table, struct stored_row *r) {
    if (join_stays(h, r->hash)) {
        struct stored_row *copy;
        TRY(row_store_adopt(table, r));
        copy = table->rows[table->n - 1];
        copy->hash = r->hash;
        return has_key(h, copy) ? row_store_hash(table, copy) : OK;
    }
    struct tape *t;
    TRY(build_tape(h, r->hash, &t));
    return tape_put_row(t, r);
}

static status part_table(struct hash_join *h) {
    struct row_store *old = h->table, *fresh = h->spare;
    h->spill.all = h->spill.begun;
    h->spill.begun = h->spill.used = true;
    for (size_t i = 0; i < old->n; i++) {
        if (i % ROWS_PER_BREATH == 0) TRY(sql_env_breathe(h->op.x->env));
        TRY(place(h, fresh, old->rows[i]));
    }
    h->table = fresh;
    h->spare = old;
    row_store_free(old);
    return OK;
}

static void note_memory(struct hash_join *h) {
    struct plan_counts *c = h->op.counts;
    if (c && row_store_bytes(h->table) > c->memory_bytes)
        c->memory_bytes = row_store_bytes(h->table);
    if (c && h->table->nbuckets > c->buckets) c->buckets = h->table->nbuckets;
}

static bool is_full(const struct hash_join *h) {
    return row_store_bytes(h->table) > hash_memory(h->op.x) && h->table->n > 0;
}

status join_make_room(struct hash_join *h) {
    note_memory(h);
    while (is_full(h) && !h->spill.all) TRY(part_table(h));
    return OK;
}

/* ---- the left side ---- */

static status read_left(struct hash_join *h, struct batch *ret) {
    struct join_spill *s = &h->spill;
    uint16_t n = 0;
    if (s->arena.chunk) arena_reset(&s->arena);
    while (s->part->probe && n < h->op.plan->left->capacity) {
        struct stored_row *r;
        TRY(tape_get(&s->probe_reader, &s->arena, &r));
        if (!r) break;
        const uint8_t *nulls = (const uint8_t *)(r->values + s->part->probe->ncolumns);
        for (uint16_t c = 0; c < s->part->probe->ncolumns; c++) {
            s->columns[c].values[n] = r->values[c];
            s->columns[c].nulls[n] = nulls[c];
        }
        n++;
    }
    *ret =
        (struct batch){.ncolumns = h->op.plan->left->ncolumns, .nrows = n, .columns = s->columns};
    return OK;
}

status join_left_batch(struct hash_join *h, struct batch *ret) {
    if (h->spill.part) return read_left(h, ret);
    const struct batch *b;
    TRY(operator_next(h->op.left, &b));
    *ret = *b;
    return OK;
}

static bool left_hash(const struct hash_join *h, uint16_t row, uint64_t *ret) {
    const struct plan_hash_join *p = &h->op.plan->hash;
    for (uint16_t k = 0; k < p->nkeys; k++)
        if (h->keys[k]->nulls[row]) return false;
    *ret = hash_row(p->key_types, h->keys, p->nkeys, row);
    return true;
}

status join_park_left(struct hash_join *h) {
    struct join_spill *s = &h->spill;
    const struct plan *l = h->op.plan->left;
    uint16_t n = 0;
    if (!s->begun) return OK;
    if (!s->sel) NEW_N(h->op.x, s->sel, l->capacity);
    for (uint16_t i = 0; i < h->left.nrows; i++) {
        uint16_t row = batch_row(&h->left, i);
        uint64_t hash;
        struct tape *t;
        bool waits = left_hash(h, row, &hash) && !join_stays(h, hash) &&
                     s->build[spill_part(hash, s->level)];
        if (!waits) {
            s->sel[n++] = row;
            continue;
        }
        TRY(spill_tape(&s->probe[spill_part(hash, s->level)], h->op.x, l->ncolumns, l->types, &t));
        TRY(tape_put_vec(t, hash, h->left.columns, row));
    }
    h->left.sel = s->sel;
    h->left.nrows = n;
    return OK;
}

void join_recall(struct hash_join *h) {
    const struct join_spill *s = &h->spill;
    for (uint16_t i = 0; s->met && i < h->left.nrows; i++) {
        uint64_t row = s->left_row + i;
        h->matched[i] = s->met[row / 8] >> (row % 8) & 1;
    }
}

void join_note(struct hash_join *h) {
    struct join_spill *s = &h->spill;
    for (uint16_t i = 0; s->met && i < h->left.nrows; i++) {
        uint64_t row = s->left_row + i;
        if (h->matched[i]) s->met[row / 8] = (uint8_t)(s->met[row / 8] | 1u << (row % 8));
    }
    s->left_row += h->left.nrows;
}

/* ---- parts ---- */

static void part_free(struct join_part *p) {
    tape_free(p->build);
    if (p->probe) tape_free(p->probe);
}

/* What was parted stands in the line, before what else waits. */
static status line_up(struct hash_join *h) {
    struct join_spill *s = &h->spill;
    uint64_t total = 0;
    for (unsigned i = 0; i < SPILL_PARTS; i++)
        if (s->build[i]) total += s->build[i]->bytes;
    for (unsigned i = 0; i < SPILL_PARTS; i++) {
        if (!s->build[i]) continue;
        struct join_part *p;
        NEW_N(h->op.x, p, 1);
        *p = (struct join_part){.next = s->parts,
                                .build = s->build[i],
                                .probe = s->probe[i],
                                .level = s->level + 1,
                                .whole = s->level + 1 >= SPILL_LEVELS ||
                                         s->build[i]->bytes > total / 4 * 3};
        s->build[i] = s->probe[i] = NULL;
        if (!p->probe && !join_keeps_right(h)) {
            part_free(p);
            continue;
        }
        s->parts = p;
    }
    s->begun = s->all = false;
    return OK;
}

static status remember_partners(struct hash_join *h) {
    struct join_spill *s = &h->spill;
    if (s->met || !s->part->probe) return OK;
    s->met = calloc(s->part->probe->rows / 8 + 1, 1);
    NEEDS(h->op.x, s->met);
    return OK;
}

/* Fills the table from the part's tape: all of it, or a piece where parting does not help. */
static status load_table(struct hash_join *h) {
    struct join_spill *s = &h->spill;
    bool own = false; /* the row lies in the table's arena */
    s->more_pieces = false;
    for (size_t i = 0;; i++) {
        struct stored_row *r;
        if (i % ROWS_PER_BREATH == 0) TRY(sql_env_breathe(h->op.x->env));
        if (is_full(h) && !s->all) {
            if (s->part->whole) {
                s->more_pieces = s->build_reader.at < s->part->build->bytes;
                break;
            }
            TRY(join_make_room(h));
        }
        own = !s->begun;
        if (!own && i % ROWS_PER_BREATH == 0 && s->arena.chunk) arena_reset(&s->arena);
        TRY(tape_get(&s->build_reader, own ? &h->table->arena : &s->arena, &r));
        if (!r) break;
        if (!own) {
            TRY(place(h, h->table, r));
            continue;
        }
        TRY(row_store_take(h->table, r));
        if (has_key(h, r)) TRY(row_store_hash(h->table, r));
    }
    note_memory(h);
    return s->more_pieces ? remember_partners(h) : OK;
}

static status begin_left(struct hash_join *h) {
    struct join_spill *s = &h->spill;
    if (s->part->probe) tape_reader_init(&s->probe_reader, s->part->probe);
    s->left_row = 0;
    h->left.nrows = h->at = 0;
    h->right_at = 0;
    h->left_done = h->in_row = h->giving_unmatched = false;
    row_store_clear(h->table);
    return load_table(h);
}

static void end_part(struct join_spill *s) {
    if (s->part) part_free(s->part);
    free(s->met);
    s->met = NULL;
    s->part = NULL;
}

status join_next_part(struct hash_join *h, bool *ret) {
    struct join_spill *s = &h->spill;
    const struct plan *l = h->op.plan->left;
    *ret = true;
    if (s->more_pieces) return begin_left(h);
    if (s->begun) TRY(line_up(h));
    end_part(s);
    *ret = s->parts != NULL;
    if (!s->parts) return OK;
    s->part = s->parts;
    s->parts = s->part->next;
    s->level = s->part->level;
    if (h->op.counts) h->op.counts->batches++;
    if (!s->columns) TRY(columns_new(h->op.x, l->ncolumns, l->capacity, &s->columns));
    tape_reader_init(&s->build_reader, s->part->build);
    return begin_left(h);
}

void join_spill_reset(struct hash_join *h) {
    struct join_spill *s = &h->spill;
    end_part(s);
    for (; s->parts; s->parts = s->parts->next) part_free(s->parts);
    for (unsigned i = 0; i < SPILL_PARTS; i++) {
        if (s->build[i]) tape_free(s->build[i]);
        if (s->probe[i]) tape_free(s->probe[i]);
        s->build[i] = s->probe[i] = NULL;
    }
    s->begun = s->all = s->more_pieces = s->used = false;
    s->level = 0;
}

void join_spill_close(struct hash_join *h) {
    join_spill_reset(h);
    tape_reader_free(&h->spill.build_reader);
    tape_reader_free(&h->spill.probe_reader);
    if (h->spill.arena.chunk) arena_free(&h->spill.arena);
}
