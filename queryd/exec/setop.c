/* INTERSECT and EXCEPT: the right side's rows are counted, the left side takes from the counts.
 *
 * Beyond memory no row gets a place in the table any more: rows of either side that have none wait
 * on tapes by their hash, and are the input of the same work afterwards, part by part. */
#include "exec/spill.h"

enum side { LEFT, RIGHT };

struct setop_part {
    struct setop_part *next;
    struct tape *tapes[2]; /* of each side; NULL: no rows */
    unsigned level;
};

struct setop {
    struct operator op;
    /* Distinct rows, and how often they are there on the right. EXCEPT without ALL keeps those too
     * that it has given. matched: given. */
    struct row_store *rows;
    const struct vec **columns;
    const struct type **counted; /* columns, then a count */
    struct vec *with_count;
    datum count;
    uint8_t no_null;
    bool built;
    bool full; /* the table is: other rows go onto tapes */
    bool used; /* tapes, since the last restart */
    unsigned level;
    struct tape *tapes[SPILL_PARTS][2];
    struct setop_part *parts, *part; /* waiting; at hand, NULL: the inputs themselves */
    struct tape_reader reader;
    struct vec *read; /* rows of a tape */
    struct arena arena;
};

static status setop_open(struct operator* op) {
    struct setop *s = (struct setop *)op;
    uint16_t n = op->plan->ncolumns;
    TRY(operator_columns(op));
    NEW_N(op->x, s->columns, n + 1);
    NEW_N(op->x, s->counted, n + 1);
    NEW_N(op->x, s->with_count, n + 1);
    for (uint16_t i = 0; i < n; i++) s->counted[i] = op->plan->types[i];
    s->counted[n] = type_find(INT8OID);
    arena_init(&s->arena, 0);
    return row_store_new(op->x, (uint16_t)(n + 1), s->counted, &s->rows);
}

/* ---- the table ---- */

static struct stored_row *find(const struct setop *s, const struct vec *columns, uint16_t row,
                               uint64_t hash) {
    uint16_t n = s->op.plan->ncolumns;
    for (struct stored_row *r = row_store_bucket(s->rows, hash); r; r = r->next) {
        if (r->hash != hash) continue;
        const uint8_t *nulls = stored_nulls(s->rows, r);
        uint16_t c = 0;
        while (c < n && same_value(s->op.plan->types[c], columns[c].values[row],
                                   columns[c].nulls[row], r->values[c], nulls[c]))
            c++;
        if (c == n) return r;
    }
    return NULL;
}

static uint64_t hash_of(const struct setop *s, const struct vec *columns, uint16_t row) {
    for (uint16_t c = 0; c < s->op.plan->ncolumns; c++) s->columns[c] = &columns[c];
    return hash_row(s->op.plan->types, s->columns, s->op.plan->ncolumns, row);
}

static int64_t *count_of(const struct setop *s, struct stored_row *r) {
    return &r->values[s->op.plan->ncolumns].i64;
}

static status add(struct setop *s, const struct vec *columns, uint16_t row, uint64_t hash,
                  int64_t count) {
    uint16_t n = s->op.plan->ncolumns;
    struct stored_row *r;
    s->count = datum_int8(count);
    for (uint16_t c = 0; c < n; c++)
        s->with_count[c] = (struct vec){columns[c].values + row, columns[c].nulls + row};
    s->with_count[n] = (struct vec){&s->count, &s->no_null};
    TRY(row_store_add(s->rows, s->with_count, 0, &r));
    r->hash = hash;
    r->matched = count == 0;
    return row_store_hash(s->rows, r);
}

/* ---- beyond memory ---- */

static void look_at_memory(struct setop *s) {
    if (s->full || s->level >= SPILL_LEVELS || row_store_bytes(s->rows) <= hash_memory(s->op.x))
        return;
    s->full = s->used = true;
}

static status wait_on_tape(struct setop *s, enum side side, uint64_t hash,
                           const struct vec *columns, uint16_t row) {
    struct tape *t;
    TRY(spill_tape(&s->tapes[spill_part(hash, s->level)][side], s->op.x, s->op.plan->ncolumns,
                   s->op.plan->types, &t));
    return tape_put_vec(t, hash, columns, row);
}

/* What has been parted stands in the line. */
static status line_up(struct setop *s) {
    for (unsigned i = 0; i < SPILL_PARTS; i++) {
        if (!s->tapes[i][LEFT] && !s->tapes[i][RIGHT]) continue;
        struct setop_part *p;
        NEW_N(s->op.x, p, 1);
        *p = (struct setop_part){s->parts, {s->tapes[i][LEFT], s->tapes[i][RIGHT]}, s->level + 1};
        s->tapes[i][LEFT] = s->tapes[i][RIGHT] = NULL;
        s->parts = p;
    }
    s->full = false;
    return OK;
}

static void free_part(struct setop_part *p) {
    for (int i = 0; p && i < 2; i++)
        if (p->tapes[i]) tape_free(p->tapes[i]);
}

static void begin_side(struct setop *s, enum side side) {
    if (s->part && s->part->tapes[side]) tape_reader_init(&s->reader, s->part->tapes[side]);
}

/* Goes on with the next part; false: there is none. */
static status next_part(struct setop *s, bool *ret) {
    if (s->full) TRY(line_up(s));
    free_part(s->part);
    s->part = s->parts;
    *ret = s->part != NULL;
    if (!s->part) return OK;
    s->parts = s->part->next;
    s->level = s->part->level;
    s->built = false;
    row_store_clear(s->rows);
    return OK;
}

/* ---- input ---- */

static status read_tape(struct setop *s, struct batch *ret) {
    uint16_t ncolumns = s->op.plan->ncolumns, n = 0;
    if (s->arena.chunk) arena_reset(&s->arena);
    if (!s->read) TRY(columns_new(s->op.x, ncolumns, s->op.plan->capacity, &s->read));
    for (; n < s->op.plan->capacity; n++) {
        struct stored_row *r;
        TRY(tape_get(&s->reader, &s->arena, &r));
        if (!r) break;
        const uint8_t *nulls = (const uint8_t *)(r->values + ncolumns);
        for (uint16_t c = 0; c < ncolumns; c++) {
            s->read[c].values[n] = r->values[c];
            s->read[c].nulls[n] = nulls[c];
        }
    }
    *ret = (struct batch){.ncolumns = ncolumns, .nrows = n, .columns = s->read};
    return OK;
}

static status next_batch(struct setop *s, enum side side, struct batch *ret) {
    const struct batch *b;
    *ret = (struct batch){0};
    TRY(sql_env_breathe(s->op.x->env));
    if (s->part) return s->part->tapes[side] ? read_tape(s, ret) : OK;
    TRY(operator_next(side == LEFT ? s->op.left : s->op.right, &b));
    *ret = *b;
    return OK;
}

static status count_right(struct setop *s, const struct batch *b) {
    for (uint16_t i = 0; i < b->nrows; i++) {
        uint16_t row = batch_row(b, i);
        uint64_t hash = hash_of(s, b->columns, row);
        struct stored_row *r = find(s, b->columns, row, hash);
        if (r)
            ++*count_of(s, r);
        else
            TRY(s->full ? wait_on_tape(s, RIGHT, hash, b->columns, row)
                        : add(s, b->columns, row, hash, 1));
    }
    look_at_memory(s);
    return OK;
}

static status build(struct setop *s) {
    struct batch b;
    begin_side(s, RIGHT);
    do {
        TRY(next_batch(s, RIGHT, &b));
        TRY(count_right(s, &b));
    } while (b.nrows);
    s->built = true;
    begin_side(s, LEFT);
    return OK;
}

/* ---- results ---- */

/* Of a left row that is in the table. ALL: as often as the counts say. */
static bool takes(const struct setop *s, struct stored_row *r) {
    const struct plan_setop *p = &s->op.plan->setop;
    bool intersect = p->kind == SETOP_KIND_INTERSECT;
    if (p->all) {
        bool there = *count_of(s, r) > 0;
        if (there) --*count_of(s, r);
        return there == intersect;
    }
    bool first = !r->matched;
    r->matched = true;
    return intersect && first;
}

/* Whether a left row is in the result, as far as it is known now. */
static status decide(struct setop *s, const struct vec *columns, uint16_t row, bool *ret) {
    const struct plan_setop *p = &s->op.plan->setop;
    uint64_t hash = hash_of(s, columns, row);
    struct stored_row *r = find(s, columns, row, hash);
    *ret = false;
    if (r)
        *ret = takes(s, r);
    else if (s->full)
        return wait_on_tape(s, LEFT, hash, columns, row);
    else if (p->kind == SETOP_KIND_EXCEPT)
        *ret = true;
    return *ret && !r && !p->all ? add(s, columns, row, hash, 0) : OK;
}

static status take_from(struct setop *s, const struct batch *b, uint16_t *n) {
    struct vec *out = s->op.out.columns;
    for (uint16_t i = 0; i < b->nrows; i++) {
        uint16_t row = batch_row(b, i);
        bool in;
        TRY(decide(s, b->columns, row, &in));
        if (!in) continue;
        for (uint16_t c = 0; c < s->op.plan->ncolumns; c++) {
            out[c].values[*n] = b->columns[c].values[row];
            out[c].nulls[*n] = b->columns[c].nulls[row];
        }
        ++*n;
    }
    look_at_memory(s);
    return OK;
}

static status setop_next(struct operator* op) {
    struct setop *s = (struct setop *)op;
    uint16_t n = 0;
    op->out.sel = NULL;
    op->out.nrows = 0;
    while (n == 0) {
        struct batch b;
        if (!s->built) TRY(build(s));
        TRY(next_batch(s, LEFT, &b));
        if (b.nrows) {
            TRY(take_from(s, &b, &n));
            continue;
        }
        bool more;
        TRY(next_part(s, &more));
        if (!more) return OK;
    }
    op->out.nrows = n;
    return OK;
}

static void drop_tapes(struct setop *s) {
    free_part(s->part);
    for (; s->parts; s->parts = s->parts->next) free_part(s->parts);
    for (unsigned i = 0; s->used && i < SPILL_PARTS; i++)
        for (int side = 0; side < 2; side++) {
            if (s->tapes[i][side]) tape_free(s->tapes[i][side]);
            s->tapes[i][side] = NULL;
        }
    s->part = NULL;
    s->full = s->used = false;
    s->level = 0;
}

static status setop_restart(struct operator* op) {
    struct setop *s = (struct setop *)op;
    drop_tapes(s);
    s->built = false;
    row_store_clear(s->rows);
    TRY(operator_restart(op->left));
    return operator_restart(op->right);
}

static void setop_close(struct operator* op) {
    struct setop *s = (struct setop *)op;
    drop_tapes(s);
    tape_reader_free(&s->reader);
    if (s->arena.chunk) arena_free(&s->arena);
}

const struct operator_class operator_setop = {sizeof(struct setop), setop_open, setop_next,
                                              setop_restart, setop_close};
