/* Families macaddr and macaddr8: addresses of devices, of 6 and 8 bytes, as one
 * number. */
#include <stdio.h>

#include "types/macaddr.h"

static const char *mac_name(const struct type *t) {
    return t->oid == MACADDROID ? "macaddr" : "macaddr8";
}

/* ---- text ---- */

/* The ways to write six octets; what may stand before a number (blanks, a sign,
 * 0x) is as scanf has it, which PostgreSQL asks, too. The last one finds what
 * follows. */
static const char *const forms[] = {
    "%x:%x:%x:%x:%x:%x%1s",   "%x-%x-%x-%x-%x-%x%1s",    "%2x%2x%2x:%2x%2x%2x%1s",
    "%2x%2x%2x-%2x%2x%2x%1s", "%2x%2x.%2x%2x.%2x%2x%1s", "%2x%2x-%2x%2x-%2x%2x%1s",
    "%2x%2x%2x%2x%2x%2x%1s",
};

static bool read_octets(const char *text, unsigned o[6]) {
    char surplus[2];
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (sscanf(text, forms[i], &o[0], &o[1], &o[2], &o[3], &o[4], &o[5], surplus) == 6)
            return true;
    return false;
}

static status macaddr_in(const struct eval_env *env, const struct type *t, int32_t,
                         const char *text, size_t len, datum *ret) {
    unsigned o[6];
    const char *copy = arena_strndup(env->arena, text, len);
    if (!copy) return out_of_memory(env);
    if (!read_octets(copy, o)) return bad_input(env, mac_name(t), text, len);
    ret->u64 = 0;
    for (int i = 0; i < 6; i++) {
        if (o[i] > 255)
            return error_set(env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE,
                             "invalid octet value in \"macaddr\" value: \"%s\"", copy);
        ret->u64 = ret->u64 << 8 | o[i];
    }
    return OK;
}

/* Only blanks are left. */
static bool blank(const char *p, const char *end) {
    while (p < end && is_space(*p)) p++;
    return p == end;
}

static bool is_spacer(char c) {
    return c == ':' || c == '-' || c == '.';
}

/* Pairs of digits, with the same sign or none between them, up to eight; a
 * single character behind them is passed over. Returns how many there were, 0:
 * something else. */
static unsigned read_pairs(const char *p, const char *end, uint64_t *ret) {
    unsigned n = 0;
    char spacer = 0;
    *ret = 0;
    while (end - p > 1) {
        int high = hex_digit(p[0]), low = hex_digit(p[1]);
        if (high < 0 || low < 0 || n == 8) return 0;
        *ret = *ret << 8 | (unsigned)(high << 4 | low);
        n++;
        p += 2;
        if (p < end && is_spacer(*p)) {
            if (spacer && *p != spacer) return 0;
            spacer = *p++;
        }
        if ((n == 6 || n == 8) && p < end && is_space(*p)) return blank(p, end) ? n : 0;
    }
    return n;
}

static status macaddr8_in(const struct eval_env *env, const struct type *t, int32_t,
                          const char *text, size_t len, datum *ret) {
    const char *p = text, *end = text + len;
    while (p < end && is_space(*p)) p++;
    uint64_t x;
    unsigned n = read_pairs(p, end, &x);
    if (n != 6 && n != 8) return bad_input(env, mac_name(t), text, len);
    ret->u64 = n == 6 ? macaddr_widen(x) : x;
    return OK;
}

static status put_octets(struct buf *out, uint64_t x, int n) {
    for (int i = n - 1; i >= 0; i--)
        TRY(buf_printf(out, i ? "%02x:" : "%02x", (unsigned)(x >> i * 8 & 0xFF)));
    return OK;
}

static status macaddr_out(const struct eval_env *, const struct type *t, datum value,
                          struct buf *out) {
    return put_octets(out, value.u64, t->len);
}

/* ---- binary: the octets; six of them are a macaddr8, too ---- */

static uint64_t load_octets(const char *bytes, size_t n) {
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++) x = x << 8 | (uint8_t)bytes[i];
    return x;
}

static status macaddr_receive(const struct eval_env *env, const struct type *t, int32_t,
                              const char *bytes, size_t len, datum *ret) {
    bool widen = t->oid == MACADDR8OID && len == 6;
    if (!widen) TRY(binary_length(env, len, (size_t)t->len));
    ret->u64 = load_octets(bytes, len);
    if (widen) ret->u64 = macaddr_widen(ret->u64);
    return OK;
}

static status add_octets(const struct type *t, datum value, struct buf *out) {
    char big[8];
    store_be64(big, value.u64);
    return buf_add(out, big + 8 - t->len, (size_t)t->len);
}

static status macaddr_send(const struct eval_env *, const struct type *t, datum value,
                           struct buf *out) {
    return add_octets(t, value, out);
}

/* ---- order ---- */

static int macaddr_compare(const struct type *, datum a, datum b) {
    return (a.u64 > b.u64) - (a.u64 < b.u64);
}

static uint64_t macaddr_hash(const struct type *, datum value) {
    return hash_u64(value.u64);
}

#define MACADDR_FAMILY(name, read, length)                                                         \
    const struct type_family family_##name = {.in = read,                                          \
                                              .out = macaddr_out,                                  \
                                              .receive = macaddr_receive,                          \
                                              .send = macaddr_send,                                \
                                              .compare = macaddr_compare,                          \
                                              .hash = macaddr_hash,                                \
                                              .key = add_octets,                                   \
                                              .key_len = length}
MACADDR_FAMILY(macaddr, macaddr_in, key_len_6);
MACADDR_FAMILY(macaddr8, macaddr8_in, key_len_8);
