/* Any bytes as key columns: their length is told or refused, what can be decoded gives the same
 * bytes again, and two keys sort as their values do. */
#include "types/key.h"
#include "types_of.h"

static bool decode(struct values *v, const struct type *t, bool descending, const uint8_t *key,
                   size_t len, datum *ret) {
    uint8_t null;
    struct buf again = {0};
    if (!ok(type_key_decode(t, descending, key, len, &v->arena, ret, &null))) return false;
    MUST(ok(type_key_encode(t, *ret, null, descending, key[0] == KEY_MARK_NULL_FIRST, &again)));
    MUST(again.len == len && memcmp(again.data, key, len) == 0);
    buf_free(&again);
    return !null;
}

static int sign(int64_t n) {
    return n < 0 ? -1 : n > 0;
}

static int compare_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len) {
    int c = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return c ? c : sign((int64_t)a_len - (int64_t)b_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    struct values v;
    size_t len, first, second;
    datum a, b;
    values_open(&v);
    const struct type *t = type_of(&in);
    bool descending = input8(&in) & 1;
    uint8_t *bytes = input_take(&in, in.left, &len);
    if (ok(type_key_column_len(t, descending, bytes, len, &first))) {
        MUST(first > 0 && first <= len);
        bool one = type_key_decodable(t) && decode(&v, t, descending, bytes, first, &a);
        if (ok(type_key_column_len(t, descending, bytes + first, len - first, &second)) && one &&
            decode(&v, t, descending, bytes + first, second, &b)) {
            int order = sign(compare_bytes(bytes, first, bytes + first, second));
            MUST(sign(type_compare(t, a, b)) == (descending ? -order : order));
        }
    }
    free(bytes);
    values_close(&v);
    return 0;
}
