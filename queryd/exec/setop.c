/* INTERSECT and EXCEPT: the right side is counted, the left side takes from the counts. */
#include "exec/internal.h"

struct setop {
    struct operator op;
    struct row_store *right; /* distinct rows and how often each was there */
    struct row_store *given; /* distinct: what was given already */
    const struct vec **columns;
    const struct type **counted; /* columns, then a count */
    struct vec *with_count;
    datum *one;
    uint8_t *zero;
    bool built;
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
    uint16_t right = op->plan->right->capacity;
    NEW_N(op->x, s->one, right);
    NEW_N(op->x, s->zero, right);
    for (uint16_t i = 0; i < right; i++) s->one[i] = datum_int8(1);
    TRY(row_store_new(op->x, (uint16_t)(n + 1), s->counted, &s->right));
    return row_store_new(op->x, n, op->plan->types, &s->given);
}

static struct stored_row *find(const struct setop *s, const struct row_store *in,
                               const struct vec *columns, uint16_t row, uint64_t hash) {
    uint16_t n = s->op.plan->ncolumns;
    for (struct stored_row *r = row_store_bucket(in, hash); r; r = r->next) {
        if (r->hash != hash) continue;
        const uint8_t *nulls = stored_nulls(in, r);
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

static status build(struct setop *s) {
    uint16_t n = s->op.plan->ncolumns;
    const struct batch *b;
    for (;;) {
        TRY(operator_next(s->op.right, &b));
        if (b->nrows == 0) break;
        for (uint16_t c = 0; c < n; c++) s->with_count[c] = b->columns[c];
        s->with_count[n] = (struct vec){s->one, s->zero};
        for (uint16_t i = 0; i < b->nrows; i++) {
            uint16_t row = batch_row(b, i);
            uint64_t hash = hash_of(s, b->columns, row);
            struct stored_row *r = find(s, s->right, b->columns, row, hash);
            if (r) {
                r->values[n].i64++;
                continue;
            }
            TRY(row_store_add(s->right, s->with_count, row, &r));
            r->hash = hash;
            TRY(row_store_hash(s->right, r));
        }
        TRY(sql_env_breathe(s->op.x->env));
    }
    s->built = true;
    return OK;
}

/* Whether a left row is in the result. ALL: as often as the counts say. */
static status decide(struct setop *s, const struct vec *columns, uint16_t row, bool *ret) {
    const struct plan_setop *p = &s->op.plan->setop;
    uint64_t hash = hash_of(s, columns, row);
    struct stored_row *r = find(s, s->right, columns, row, hash);
    bool intersect = p->kind == SETOP_KIND_INTERSECT;
    if (p->all) {
        bool there = r && r->values[s->op.plan->ncolumns].i64 > 0;
        if (there) r->values[s->op.plan->ncolumns].i64--;
        *ret = there == intersect;
        return OK;
    }
    *ret = (r != NULL) == intersect && !find(s, s->given, columns, row, hash);
    if (!*ret) return OK;
    TRY(row_store_add(s->given, columns, row, &r));
    r->hash = hash;
    return row_store_hash(s->given, r);
}

static status setop_next(struct operator* op) {
    struct setop *s = (struct setop *)op;
    if (!s->built) TRY(build(s));
    uint16_t n = 0;
    op->out.sel = NULL;
    op->out.nrows = 0;
    while (n == 0) {
        const struct batch *b;
        TRY(operator_next(op->left, &b));
        if (b->nrows == 0) return OK;
        for (uint16_t i = 0; i < b->nrows; i++) {
            uint16_t row = batch_row(b, i);
            bool in;
            TRY(decide(s, b->columns, row, &in));
            if (!in) continue;
            for (uint16_t c = 0; c < op->plan->ncolumns; c++) {
                op->out.columns[c].values[n] = b->columns[c].values[row];
                op->out.columns[c].nulls[n] = b->columns[c].nulls[row];
            }
            n++;
        }
    }
    op->out.nrows = n;
    return OK;
}

static status setop_restart(struct operator* op) {
    struct setop *s = (struct setop *)op;
    s->built = false;
    row_store_clear(s->right);
    row_store_clear(s->given);
    TRY(operator_restart(op->left));
    return operator_restart(op->right);
}

const struct operator_class operator_setop = {sizeof(struct setop), setop_open, setop_next,
                                              setop_restart, NULL};
