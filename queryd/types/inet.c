/* Families inet and cidr: addresses with the bits of their networks (inet.h). */
#include "types/inet.h"

#include <stdio.h>

status inet_new(const struct eval_env *env, uint8_t family, unsigned bits, struct varlena **ret) {
    struct varlena *v = varlena_new(env->arena, INET_HEAD_BYTES + inet_family_bytes(family));
    if (!v) return out_of_memory(env);
    memset(v->data, 0, v->len);
    v->data[0] = (char)family;
    v->data[1] = (char)bits;
    *ret = v;
    return OK;
}

static uint8_t first_bits(unsigned n) { /* of a byte */
    return (uint8_t)(0xFF00u >> n);
}

void inet_mask(uint8_t *address, unsigned bytes, unsigned bits) {
    for (unsigned i = bits / 8; i < bytes; i++) {
        address[i] &= first_bits(bits % 8);
        bits = 0;
    }
}

int inet_compare_bits(const uint8_t *a, const uint8_t *b, unsigned bits) {
    int order = memcmp(a, b, bits / 8);
    if (order || bits % 8 == 0) return order;
    uint8_t mask = first_bits(bits % 8);
    return (a[bits / 8] & mask) - (b[bits / 8] & mask);
}

static bool is_network(const uint8_t *address, unsigned bytes, unsigned bits) {
    uint8_t masked[INET_ADDRESS_BYTES_MAX];
    memcpy(masked, address, bytes);
    inet_mask(masked, bytes, bits);
    return memcmp(masked, address, bytes) == 0;
}

/* ---- text ---- */

static status bad_network(const struct eval_env *env, const char *text, size_t len) {
    status st = error_set(env->error, ST_INVALID_TEXT_REPRESENTATION,
                          "invalid cidr value: \"%.*s\"", (int)len, text);
    error_detail(env->error, "Value has bits set to right of mask.");
    return st;
}

static status inet_in(const struct eval_env *env, const struct type *t, int32_t, const char *text,
                      size_t len, datum *ret) {
    uint8_t family, address[INET_ADDRESS_BYTES_MAX] = {0};
    unsigned bits;
    struct varlena *v;
    bool is_cidr = t->oid == CIDROID;
    if (!inet_parse(text, len, is_cidr, &family, &bits, address))
        return bad_input(env, t->name, text, len);
    if (is_cidr && !is_network(address, inet_family_bytes(family), bits))
        return bad_network(env, text, len);
    TRY(inet_new(env, family, bits, &v));
    memcpy(inet_room(v), address, inet_bytes(v));
    *ret = datum_ptr(v);
    return OK;
}

/* A host's bits are not written, a network's always. */
static status inet_out(const struct eval_env *, const struct type *t, datum value,
                       struct buf *out) {
    char text[INET_TEXT_BYTES];
    TRY(buf_add(out, text, inet_format(inet_family(value.v), inet_address(value.v), text)));
    if (t->oid != CIDROID && inet_bits(value.v) == inet_bits_max(value.v)) return OK;
    return buf_printf(out, "/%u", inet_bits(value.v));
}

/* ---- binary: family, bits, whether it is a cidr, number of bytes, the address ---- */

static status bad_external(const struct eval_env *env, const struct type *t, const char *what) {
    return error_set(env->error, ST_INVALID_BINARY_REPRESENTATION,
                     "invalid %s in external \"%s\" value", what, t->name);
}

static status receive_network(const struct eval_env *env, const struct varlena *v) {
    if (is_network(inet_address(v), inet_bytes(v), inet_bits(v))) return OK;
    status st =
        error_set(env->error, ST_INVALID_BINARY_REPRESENTATION, "invalid external \"cidr\" value");
    error_detail(env->error, "Value has bits set to right of mask.");
    return st;
}

static status inet_receive(const struct eval_env *env, const struct type *t, int32_t,
                           const char *bytes, size_t len, datum *ret) {
    struct varlena *v;
    uint8_t head[4] = {0};
    memcpy(head, bytes, len < 4 ? len : 4);
    if (len < 1) return binary_length(env, len, 4);
    if (head[0] != INET_V4 && head[0] != INET_V6) return bad_external(env, t, "address family");
    if (len < 2) return binary_length(env, len, 4);
    unsigned size = inet_family_bytes(head[0]);
    if (head[1] > size * 8) return bad_external(env, t, "bits");
    if (len < 4) return binary_length(env, len, 4);
    if (head[3] != size) return bad_external(env, t, "length");
    TRY(binary_length(env, len, 4 + size));
    TRY(inet_new(env, head[0], head[1], &v));
    memcpy(inet_room(v), bytes + 4, size);
    if (t->oid == CIDROID) TRY(receive_network(env, v));
    *ret = datum_ptr(v);
    return OK;
}

static status inet_send(const struct eval_env *, const struct type *t, datum value,
                        struct buf *out) {
    const struct varlena *v = value.v;
    char head[4] = {v->data[0], v->data[1], t->oid == CIDROID, (char)inet_bytes(v)};
    TRY(buf_add(out, head, sizeof head));
    return buf_add(out, inet_address(v), inet_bytes(v));
}

/* ---- order: the family, the network, its bits, the address ---- */

static int inet_compare(const struct type *, datum a, datum b) {
    int order = inet_family(a.v) - inet_family(b.v);
    if (order) return order;
    unsigned m = inet_bits(a.v), n = inet_bits(b.v);
    order = inet_compare_bits(inet_address(a.v), inet_address(b.v), m < n ? m : n);
    if (order) return order;
    return m != n ? (m > n) - (m < n)
                  : memcmp(inet_address(a.v), inet_address(b.v), inet_bytes(a.v));
}

static uint64_t inet_hash(const struct type *, datum value) {
    return hash_bytes(value.v->data, value.v->len);
}

/* Family; the network, with zeros behind it; its bits; the bytes in which the host's part lies. */
static status inet_key(const struct type *, datum value, struct buf *out) {
    const struct varlena *v = value.v;
    unsigned bytes = inet_bytes(v), whole = inet_bits(v) / 8;
    uint8_t network[INET_ADDRESS_BYTES_MAX];
    memcpy(network, inet_address(v), bytes);
    inet_mask(network, bytes, inet_bits(v));
    TRY(buf_add(out, v->data, 1));
    TRY(buf_add(out, network, bytes));
    TRY(buf_add(out, v->data + 1, 1));
    return buf_add(out, inet_address(v) + whole, bytes - whole);
}

static size_t inet_key_len(const struct type *, const uint8_t *bytes, size_t len, bool inverted) {
    uint8_t flip = inverted ? 0xFF : 0;
    uint8_t family = len ? bytes[0] ^ flip : 0;
    if (family != INET_V4 && family != INET_V6) return 0;
    unsigned size = inet_family_bytes(family);
    if (len < size + 2) return 0;
    unsigned bits = bytes[1 + size] ^ flip;
    if (bits > size * 8) return 0;
    size_t all = 2 + size + size - bits / 8;
    return all <= len ? all : 0;
}

static bool inet_valid(const struct type *t, const char *bytes, size_t len) {
    uint8_t family = len > INET_HEAD_BYTES ? (uint8_t)bytes[0] : 0;
    if (family != INET_V4 && family != INET_V6) return false;
    unsigned size = inet_family_bytes(family), bits = (uint8_t)bytes[1];
    if (len != INET_HEAD_BYTES + size || bits > size * 8) return false;
    return t->oid != CIDROID || is_network((const uint8_t *)bytes + INET_HEAD_BYTES, size, bits);
}

#define INET_FAMILY(name)                                                                          \
    const struct type_family family_##name = {.in = inet_in,                                       \
                                              .out = inet_out,                                     \
                                              .receive = inet_receive,                             \
                                              .send = inet_send,                                   \
                                              .compare = inet_compare,                             \
                                              .hash = inet_hash,                                   \
                                              .key = inet_key,                                     \
                                              .key_len = inet_key_len,                             \
                                              .valid = inet_valid}
INET_FAMILY(inet);
INET_FAMILY(cidr);
