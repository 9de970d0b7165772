#include "types/array_order.h"

#include "types/array.h"
#include "types/collator.h"

static int compare_ints(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

int array_compare(const struct type *t, datum a, datum b) {
    struct array_cursor x, y;
    if (!ok(array_cursor_init(&x, a.v)) || !ok(array_cursor_init(&y, b.v)))
        return compare_ints(a.v->len, b.v->len);
    x.type = type_by_collator(x.type, t->collator);
    datum p, q;
    bool p_null, q_null;
    while (x.at < x.head.n && y.at < y.head.n) {
        if (!array_cursor_next(&x, &p, &p_null) || !array_cursor_next(&y, &q, &q_null)) break;
        if (p_null != q_null) return p_null ? 1 : -1;
        if (p_null || !x.type->family->compare) continue;
        int order = type_compare(x.type, p, q);
        if (order) return order;
    }
    int order = compare_ints(x.head.n, y.head.n);
    if (!order) order = compare_ints(x.head.ndim, y.head.ndim);
    for (size_t i = 0; !order && i < x.head.ndim; i++)
        order = compare_ints(x.head.lengths[i], y.head.lengths[i]);
    for (size_t i = 0; !order && i < x.head.ndim; i++)
        order = compare_ints(x.head.lower[i], y.head.lower[i]);
    return order;
}

uint64_t array_hash(const struct type *t, datum value) {
    struct array_cursor c;
    datum element;
    bool is_null;
    uint64_t h = 1;
    if (!ok(array_cursor_init(&c, value.v))) return 0;
    c.type = type_by_collator(c.type, t->collator);
    while (array_cursor_next(&c, &element, &is_null))
        h = hash_u64(h * 31 + (is_null || !c.type->family->hash ? 7 : type_hash(c.type, element)));
    return h;
}

status array_key(const struct type *t, datum value, struct buf *out) {
    struct array_cursor c;
    datum element;
    bool is_null;
    TRY(array_cursor_init(&c, value.v));
    c.type = type_by_collator(c.type, t->collator);
    if (!c.type->family->key) return STATUS(FEATURE_NOT_SUPPORTED);
    while (array_cursor_next(&c, &element, &is_null)) {
        TRY(buf_add(out, is_null ? "\2" : "\1", 1));
        if (!is_null) TRY(c.type->family->key(c.type, element, out));
    }
    TRY(buf_add(out, "", 1));
    char ndim = (char)c.head.ndim;
    TRY(buf_add(out, &ndim, 1));
    for (size_t i = 0; i < c.head.ndim; i++) TRY(key_add_int(out, c.head.lengths[i], 4));
    for (size_t i = 0; i < c.head.ndim; i++) TRY(key_add_int(out, c.head.lower[i], 4));
    return OK;
}

size_t array_key_len(const struct type *t, const uint8_t *bytes, size_t len, bool inverted) {
    const struct type *element = type_by_collator(type_find(t->element), t->collator);
    uint8_t flip = inverted ? 0xFF : 0;
    size_t at = 0;
    if (!element || !element->family->key_len) return 0;
    while (at < len && (bytes[at] ^ flip) != 0) {
        uint8_t mark = bytes[at++] ^ flip;
        if (mark == 2) continue;
        size_t n =
            mark == 1 ? element->family->key_len(element, bytes + at, len - at, inverted) : 0;
        if (!n) return 0;
        at += n;
    }
    if (len - at < 2) return 0;
    size_t ndim = bytes[at + 1] ^ flip;
    at += 2;
    return ndim <= ARRAY_DIMENSIONS_MAX && len - at >= ndim * 8 ? at + ndim * 8 : 0;
}

bool array_valid(const struct type *t, const char *bytes, size_t len) {
    struct array_cursor c;
    if (!ok(array_cursor_init_bytes(&c, bytes, len)) || c.head.element != (oid)t->element)
        return false;
    datum element;
    bool is_null;
    while (c.at < c.head.n) {
        if (!array_cursor_next(&c, &element, &is_null)) return false;
        if (!is_null && !element_valid(c.type, element)) return false;
    }
    return c.next == c.end;
}
