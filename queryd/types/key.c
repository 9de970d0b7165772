#include "types/key.h"

#include "types/collator.h"
#include "types/internal.h"

status type_key_encode(const struct type *t, datum value, bool null, bool descending,
                       bool nulls_first, struct buf *out) {
    if (!t || !t->family->key) return STATUS(FEATURE_NOT_SUPPORTED);
    uint8_t marker = !null         ? KEY_MARK_VALUE
                     : nulls_first ? KEY_MARK_NULL_FIRST
                                   : KEY_MARK_NULL_LAST;
    TRY(buf_add(out, &marker, 1));
    if (null) return OK;
    size_t start = out->len;
    TRY(t->family->key(t, value, out));
    if (descending)
        for (size_t i = start; i < out->len; i++) out->data[i] = (char)~out->data[i];
    return OK;
}

status type_key_column_len(const struct type *t, bool descending, const void *bytes, size_t len,
                           size_t *ret_len) {
    const uint8_t *p = bytes;
    if (!t || !t->family->key_len) return STATUS(FEATURE_NOT_SUPPORTED);
    if (!len) return STATUS(DATA_CORRUPTED);
    if (p[0] == KEY_MARK_NULL_FIRST || p[0] == KEY_MARK_NULL_LAST) {
        *ret_len = 1;
        return OK;
    }
    if (p[0] != KEY_MARK_VALUE) return STATUS(DATA_CORRUPTED);
    size_t n = t->family->key_len(t, p + 1, len - 1, descending);
    if (!n) return STATUS(DATA_CORRUPTED);
    *ret_len = n + 1;
    return OK;
}

/* ---- and back ---- */

enum decoding { DECODE_NOT, DECODE_SIGNED, DECODE_OID, DECODE_OCTETS, DECODE_TEXT };

static enum decoding decoding_of(const struct type *t) {
    switch (t->oid) {
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case DATEOID:
    case TIMEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
    case MONEYOID: return DECODE_SIGNED;
    case OIDOID: return DECODE_OID;
    case MACADDROID:
    case MACADDR8OID: return DECODE_OCTETS;
    case TEXTOID:
    case VARCHAROID: return DECODE_TEXT;
    default: return DECODE_NOT;
    }
}

bool type_key_decodable(const struct type *t) {
    return t && decoding_of(t) != DECODE_NOT &&
           (!t->collator || collator_is_deterministic(t->collator));
}

static uint64_t decode_octets(const uint8_t *p, size_t n, uint8_t invert) {
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++) x = x << 8 | (uint8_t)(p[i] ^ invert);
    return x;
}

static int64_t decode_signed(const uint8_t *p, size_t n, uint8_t invert) {
    uint64_t x = decode_octets(p, n, invert);
    unsigned shift = (unsigned)(64 - 8 * n);
    return (int64_t)((x ^ (uint64_t)1 << (8 * n - 1)) << shift) >> shift;
}

/* 00 FF is a zero byte, 00 00 the end. */
static status decode_text(const uint8_t *p, size_t n, uint8_t invert, struct arena *a, datum *ret) {
    struct varlena *v = varlena_new(a, n);
    if (!v) return STATUS(OUT_OF_MEMORY);
    uint32_t len = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        uint8_t byte = (uint8_t)(p[i] ^ invert);
        if (byte == 0 && (uint8_t)(p[++i] ^ invert) == 0) break;
        v->data[len++] = (char)byte;
    }
    v->len = len;
    *ret = datum_ptr(v);
    return OK;
}

status type_key_decode(const struct type *t, bool descending, const void *bytes, size_t len,
                       struct arena *a, datum *ret, uint8_t *ret_null) {
    const uint8_t *p = bytes;
    uint8_t invert = descending ? 0xff : 0;
    *ret_null = p[0] != KEY_MARK_VALUE;
    if (*ret_null) return OK;
    switch (decoding_of(t)) {
    case DECODE_SIGNED:
        if (len != (size_t)t->len + 1) return STATUS(DATA_CORRUPTED);
        ret->i64 = decode_signed(p + 1, len - 1, invert);
        return OK;
    case DECODE_OCTETS:
        if (len != (size_t)t->len + 1) return STATUS(DATA_CORRUPTED);
        ret->u64 = decode_octets(p + 1, len - 1, invert);
        return OK;
    case DECODE_OID: {
        if (len != 5) return STATUS(DATA_CORRUPTED);
        uint32_t x = load_be32(p + 1);
        *ret = datum_oid(descending ? ~x : x);
        return OK;
    }
    case DECODE_TEXT: {
        size_t at = 1 + collated_key_text(t, p + 1, len - 1, descending);
        return decode_text(p + at, len - at, invert, a, ret);
    }
    default: return STATUS(FEATURE_NOT_SUPPORTED);
    }
}
