/* Aggregation beyond memory: once it is full, the groups that are there go on to the input's end;
 * rows of others wait on tapes by their hash, and become the input of the same work afterwards. */
#include "exec/agg.h"

static uint16_t sets_of(const struct agg *a) {
    return a->op.plan->agg.nsets ? a->op.plan->agg.nsets : 1;
}

status agg_spill_open(struct agg *a) {
    size_t n = (size_t)sets_of(a) * SPILL_PARTS;
    NEW_N(a->op.x, a->spill.tapes, n);
    memset(a->spill.tapes, 0, n * sizeof *a->spill.tapes);
    return OK;
}

static void note_memory(struct agg *a) {
    struct plan_counts *c = a->op.counts;
    size_t bytes = a->groups.used + a->held_bytes;
    if (c && bytes > c->memory_bytes) c->memory_bytes = bytes;
}

void agg_spill_begin_if_full(struct agg *a) {
    note_memory(a);
    if (a->spill.begun || a->ngroups == 0 || a->spill.level >= SPILL_LEVELS) return;
    if (a->op.plan->agg.ngroup == 0 || a->groups.used + a->held_bytes <= hash_memory(a->op.x))
        return;
    a->spill.begun = a->spill.used = true;
}

status agg_spill_row(struct agg *a, uint16_t set, uint64_t hash, const struct batch *b,
                     uint16_t row) {
    const struct plan *input = a->op.plan->left;
    size_t at = (size_t)set * SPILL_PARTS + spill_part(hash, a->spill.level);
    struct tape *t;
    TRY(spill_tape(&a->spill.tapes[at], a->op.x, input->ncolumns, input->types, &t));
    return tape_put_vec(t, hash, b->columns, row);
}

/* What has been parted stands in the line. */
static status line_up(struct agg *a) {
    struct agg_spill *s = &a->spill;
    for (size_t i = 0; i < (size_t)sets_of(a) * SPILL_PARTS; i++) {
        if (!s->tapes[i]) continue;
        struct agg_part *p;
        NEW_N(a->op.x, p, 1);
        *p = (struct agg_part){s->parts, s->tapes[i], (uint16_t)(i / SPILL_PARTS), s->level + 1};
        s->tapes[i] = NULL;
        s->parts = p;
        if (a->op.counts) a->op.counts->disk_bytes += p->tape->bytes;
    }
    s->begun = false;
    return OK;
}

status agg_spill_next(struct agg *a, bool *ret) {
    struct agg_spill *s = &a->spill;
    const struct plan *input = a->op.plan->left;
    if (s->begun) TRY(line_up(a));
    if (s->part) tape_free(s->part->tape);
    s->part = s->parts;
    *ret = s->part != NULL;
    if (!s->part) return OK;
    s->parts = s->part->next;
    s->level = s->part->level;
    if (a->op.counts) a->op.counts->batches++;
    if (!s->columns) TRY(columns_new(a->op.x, input->ncolumns, input->capacity, &s->columns));
    tape_reader_init(&s->reader, s->part->tape);
    return OK;
}

status agg_spill_batch(struct agg *a, struct batch *ret) {
    struct agg_spill *s = &a->spill;
    const struct plan *input = a->op.plan->left;
    uint16_t n = 0;
    for (; n < input->capacity; n++) {
        struct stored_row *r;
        TRY(tape_get(&s->reader, &a->input, &r));
        if (!r) break;
        const uint8_t *nulls = (const uint8_t *)(r->values + input->ncolumns);
        for (uint16_t c = 0; c < input->ncolumns; c++) {
            s->columns[c].values[n] = r->values[c];
            s->columns[c].nulls[n] = nulls[c];
        }
    }
    *ret = (struct batch){.ncolumns = input->ncolumns, .nrows = n, .columns = s->columns};
    return OK;
}

void agg_spill_reset(struct agg *a) {
    struct agg_spill *s = &a->spill;
    if (s->part) tape_free(s->part->tape);
    for (; s->parts; s->parts = s->parts->next) tape_free(s->parts->tape);
    for (size_t i = 0; s->tapes && i < (size_t)sets_of(a) * SPILL_PARTS; i++) {
        if (s->tapes[i]) tape_free(s->tapes[i]);
        s->tapes[i] = NULL;
    }
    s->part = NULL;
    s->begun = s->used = false;
    s->level = 0;
}

void agg_spill_close(struct agg *a) {
    agg_spill_reset(a);
    tape_reader_free(&a->spill.reader);
}
