#include "catalog/row_tid.h"

#include "base/bytes.h"
#include "types/key.h"

#define TID_BITS 48

const struct index_desc row_tid_index = {.name = "ctid",
                                         .nkeys = 1,
                                         .ncolumns = 1,
                                         .columns = {-1},
                                         .types = {TIDOID},
                                         .unique = true,
                                         .primary = true,
                                         .valid = true,
                                         .ready = true,
                                         .live = true};

/* How many bits of a tid each column of the primary key has. */
struct layout {
    uint16_t n;
    uint8_t bytes[TID_BITS / 8]; /* of the column, in a key */
    uint8_t bits[TID_BITS / 8];
    bool is_signed[TID_BITS / 8];
};

static uint8_t bytes_of(oid type) {
    switch (type) {
    case INT2OID: return 2;
    case INT4OID:
    case OIDOID:
    case DATEOID: return 4;
    case INT8OID: return 8;
    default: return 0;
    }
}

static uint16_t greatest(const struct layout *l) {
    uint16_t best = 0;
    for (uint16_t i = 1; i < l->n; i++)
        if (l->bits[i] > l->bits[best]) best = i;
    return best;
}

/* Columns keep all of their bits where there is room; else the greatest ones lose some. */
static bool lay_out(const struct relation *r, struct layout *l) {
    const struct index_desc *x = r->primary;
    unsigned sum = 0;
    l->n = x->nkeys;
    if (x->nkeys > TID_BITS / 16) return false;
    for (uint16_t k = 0; k < x->nkeys; k++) {
        l->bytes[k] = bytes_of(x->types[k]);
        l->bits[k] = (uint8_t)(8 * l->bytes[k]);
        l->is_signed[k] = x->types[k] != OIDOID;
        if (!l->bits[k] || x->descending[k]) return false;
        sum += l->bits[k];
    }
    for (; sum > TID_BITS; sum -= 8) l->bits[greatest(l)] -= 8;
    return true;
}

bool row_tid_exists(const struct relation *r) {
    struct layout l;
    return !r->primary || lay_out(r, &l);
}

/* The number in a key's bytes, where signed ones are moved up so that bytes order them. *ret_fits:
 * it is none but the extension of its lowest bits. */
static uint64_t read_number(const struct layout *l, uint16_t k, const uint8_t *p, bool *ret_fits) {
    unsigned shift = 64u - 8u * l->bytes[k], over = 64u - l->bits[k];
    uint64_t x = 0;
    for (uint8_t i = 0; i < l->bytes[k]; i++) x = x << 8 | p[i];
    if (!l->is_signed[k]) {
        *ret_fits = x << over >> over == x;
        return x;
    }
    int64_t n = (int64_t)((x << shift) ^ (uint64_t)1 << 63) >> shift;
    *ret_fits = (int64_t)((uint64_t)n << over) >> over == n;
    return (uint64_t)n << over >> over;
}

status row_tid_of(const struct relation *r, const void *key, size_t len, datum *ret) {
    const uint8_t *p = key, *end = p + len;
    struct layout l;
    uint64_t tid = 0;
    if (!r->primary) {
        if (len != sizeof tid) return STATUS(DATA_CORRUPTED);
        ret->u64 = load_be64(key) + (r->kind == 'S'); /* the row of a sequence is its first */
        return ret->u64 >> TID_BITS ? STATUS(FEATURE_NOT_SUPPORTED) : OK;
    }
    if (!lay_out(r, &l)) return STATUS(FEATURE_NOT_SUPPORTED);
    for (uint16_t k = 0; k < l.n; k++) {
        if (end - p <= l.bytes[k] || *p != KEY_MARK_VALUE) return STATUS(DATA_CORRUPTED);
        bool fits;
        uint64_t x = read_number(&l, k, p + 1, &fits);
        if (!fits) return STATUS(FEATURE_NOT_SUPPORTED);
        tid = tid << l.bits[k] | x;
        p += 1 + l.bytes[k];
    }
    ret->u64 = tid;
    return OK;
}

static status add_number(const struct layout *l, uint16_t k, uint64_t x, struct buf *out) {
    unsigned over = 64u - l->bits[k];
    char big[8];
    if (l->is_signed[k])
        x = (uint64_t)((int64_t)(x << over) >> over) ^ (uint64_t)1 << (8u * l->bytes[k] - 1);
    store_be64(big, x);
    TRY(buf_add(out, (uint8_t[]){KEY_MARK_VALUE}, 1));
    return buf_add(out, big + sizeof big - l->bytes[k], l->bytes[k]);
}

status row_tid_key(const struct relation *r, datum tid, struct buf *out, int *ret_beyond) {
    struct layout l;
    unsigned bits = 0;
    char big[8];
    *ret_beyond = 0;
    if (!r->primary) {
        store_be64(big, tid.u64 - (r->kind == 'S'));
        return buf_add(out, big, sizeof big);
    }
    if (!lay_out(r, &l)) return STATUS(FEATURE_NOT_SUPPORTED);
    for (uint16_t k = 0; k < l.n; k++) bits += l.bits[k];
    if (tid.u64 >> bits) {
        *ret_beyond = 1;
        return OK;
    }
    for (uint16_t k = 0; k < l.n; k++) {
        bits -= l.bits[k];
        uint64_t x = tid.u64 >> bits & (((uint64_t)1 << l.bits[k]) - 1);
        TRY(add_number(&l, k, x, out));
    }
    return OK;
}
