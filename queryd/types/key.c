#include "types/key.h"

#include "types/internal.h"

status type_key_encode(oid type, datum value, bool null, bool descending, bool nulls_first,
                       struct buf *out) {
    const struct type *t = type_find(type);
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

status type_key_column_len(oid type, bool descending, const void *bytes, size_t len,
                           size_t *ret_len) {
    const struct type *t = type_find(type);
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
