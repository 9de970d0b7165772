/* SQL functions and operators of inet and cidr. */
#include <stdio.h>

#include "types/inet.h"

static status copy(struct fn_call *c, const struct varlena *v, struct varlena **ret) {
    TRY(inet_new(c->env, inet_family(v), inet_bits(v), ret));
    memcpy(inet_room(*ret), inet_address(v), inet_bytes(v));
    return OK;
}

/* ---- as text ---- */

static status give_with_bits(struct fn_call *c, const struct varlena *v, bool always) {
    char text[INET_TEXT_BYTES];
    size_t len = inet_format(inet_family(v), inet_address(v), text);
    if (always || inet_bits(v) != inet_bits_max(v))
        len += (size_t)sprintf(text + len, "/%u", inet_bits(v));
    return give_bytes(c, text, len);
}

status fn_inet_text(struct fn_call *c) {
    return give_with_bits(c, c->args[0].v, true);
}

status fn_inet_abbrev(struct fn_call *c) {
    return give_with_bits(c, c->args[0].v, false);
}

status fn_cidr_abbrev(struct fn_call *c) {
    char text[INET_TEXT_BYTES];
    return give_bytes(c, text, inet_format_network(c->args[0].v, text));
}

status fn_inet_host(struct fn_call *c) {
    char text[INET_TEXT_BYTES];
    const struct varlena *v = c->args[0].v;
    return give_bytes(c, text, inet_format(inet_family(v), inet_address(v), text));
}

/* ---- parts ---- */

status fn_inet_family(struct fn_call *c) {
    return give_int4(c, inet_family(c->args[0].v) == INET_V4 ? 4 : 6);
}

status fn_inet_masklen(struct fn_call *c) {
    return give_int4(c, (int32_t)inet_bits(c->args[0].v));
}

static status mask(struct fn_call *c, const struct varlena *v, unsigned bits) {
    struct varlena *to;
    TRY(copy(c, v, &to));
    to->data[1] = (char)bits;
    inet_mask(inet_room(to), inet_bytes(to), bits);
    return give_ptr(c, to);
}

status fn_inet_network(struct fn_call *c) {
    return mask(c, c->args[0].v, inet_bits(c->args[0].v));
}

/* -1 is all there are. */
static status wanted_bits(struct fn_call *c, unsigned *ret) {
    unsigned most = inet_bits_max(c->args[0].v);
    int32_t bits = c->args[1].i32;
    if (bits < -1 || bits > (int32_t)most)
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "invalid mask length: %d",
                         bits);
    *ret = bits < 0 ? most : (unsigned)bits;
    return OK;
}

status fn_inet_set_masklen(struct fn_call *c) {
    unsigned bits;
    struct varlena *to;
    TRY(wanted_bits(c, &bits));
    TRY(copy(c, c->args[0].v, &to));
    to->data[1] = (char)bits;
    return give_ptr(c, to);
}

status fn_cidr_set_masklen(struct fn_call *c) {
    unsigned bits;
    TRY(wanted_bits(c, &bits));
    return mask(c, c->args[0].v, bits);
}

/* Ones before the network's end, zeros behind it. */
static status make_mask(struct fn_call *c, struct varlena **ret) {
    const struct varlena *v = c->args[0].v;
    TRY(inet_new(c->env, inet_family(v), inet_bits_max(v), ret));
    memset(inet_room(*ret), 0xFF, inet_bytes(v));
    inet_mask(inet_room(*ret), inet_bytes(v), inet_bits(v));
    return OK;
}

status fn_inet_netmask(struct fn_call *c) {
    struct varlena *to;
    TRY(make_mask(c, &to));
    return give_ptr(c, to);
}

status fn_inet_hostmask(struct fn_call *c) {
    struct varlena *to;
    TRY(make_mask(c, &to));
    for (unsigned i = 0; i < inet_bytes(to); i++) inet_room(to)[i] ^= 0xFF;
    return give_ptr(c, to);
}

status fn_inet_broadcast(struct fn_call *c) {
    struct varlena *to;
    const struct varlena *v = c->args[0].v;
    TRY(make_mask(c, &to));
    to->data[1] = v->data[1];
    for (unsigned i = 0; i < inet_bytes(to); i++)
        inet_room(to)[i] = (uint8_t)(inet_address(v)[i] | ~inet_room(to)[i]);
    return give_ptr(c, to);
}

/* ---- one within the other ---- */

static bool same_family(const struct fn_call *c) {
    return inet_family(c->args[0].v) == inet_family(c->args[1].v);
}

/* Both lie in one network of that many bits. */
static bool agree(const struct fn_call *c, unsigned bits) {
    return same_family(c) &&
           inet_compare_bits(inet_address(c->args[0].v), inet_address(c->args[1].v), bits) == 0;
}

#define INET_WITHIN(name, condition, bits)                                                         \
    status fn_inet_##name(struct fn_call *c) {                                                     \
        unsigned a = inet_bits(c->args[0].v), b = inet_bits(c->args[1].v);                         \
        return give_bool(c, (condition) && agree(c, bits));                                        \
    }
INET_WITHIN(sub, a > b, b)
INET_WITHIN(subeq, a >= b, b)
INET_WITHIN(sup, a < b, a)
INET_WITHIN(supeq, a <= b, a)
INET_WITHIN(overlap, true, a < b ? a : b)

status fn_inet_same_family(struct fn_call *c) {
    return give_bool(c, same_family(c));
}

/* The smallest network that both are in. */
status fn_inet_merge(struct fn_call *c) {
    if (!same_family(c))
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                         "cannot merge addresses from different families");
    unsigned a = inet_bits(c->args[0].v), b = inet_bits(c->args[1].v), bits = a < b ? a : b;
    while (!agree(c, bits)) bits--;
    return mask(c, c->args[0].v, bits);
}

/* ---- bits ---- */

status fn_inet_not(struct fn_call *c) {
    struct varlena *to;
    TRY(copy(c, c->args[0].v, &to));
    for (unsigned i = 0; i < inet_bytes(to); i++) inet_room(to)[i] ^= 0xFF;
    return give_ptr(c, to);
}

static status different_sizes(const struct fn_call *c, const char *what) {
    return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                     "cannot %s inet values of different sizes", what);
}

#define INET_BITS(name, what, op)                                                                  \
    status fn_inet_##name(struct fn_call *c) {                                                     \
        struct varlena *to;                                                                        \
        const struct varlena *b = c->args[1].v;                                                    \
        if (!same_family(c)) return different_sizes(c, what);                                      \
        TRY(copy(c, c->args[0].v, &to));                                                           \
        if (inet_bits(b) > inet_bits(to)) to->data[1] = b->data[1];                                \
        for (unsigned i = 0; i < inet_bytes(to); i++) inet_room(to)[i] op inet_address(b)[i];      \
        return give_ptr(c, to);                                                                    \
    }
INET_BITS(and, "AND", &=)
INET_BITS(or, "OR", |=)

/* ---- counting: addresses as numbers ---- */

typedef unsigned __int128 number;

static number number_of(const struct varlena *v) {
    number x = 0;
    for (unsigned i = 0; i < inet_bytes(v); i++) x = x << 8 | inet_address(v)[i];
    return x;
}

static status out_of_range(const struct fn_call *c) {
    return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "result is out of range");
}

static status give_moved(struct fn_call *c, const struct varlena *v, int64_t by) {
    number x = number_of(v), room = by < 0 ? x : (~(number)0 >> (128 - inet_bits_max(v))) - x;
    uint64_t steps = by < 0 ? -(uint64_t)by : (uint64_t)by;
    struct varlena *to;
    if (steps > room) return out_of_range(c);
    x = by < 0 ? x - steps : x + steps;
    TRY(copy(c, v, &to));
    for (unsigned i = inet_bytes(v); i-- > 0; x >>= 8) inet_room(to)[i] = (uint8_t)x;
    return give_ptr(c, to);
}

status fn_inet_plus(struct fn_call *c) {
    return give_moved(c, c->args[0].v, c->args[1].i64);
}

status fn_int8_plus_inet(struct fn_call *c) {
    return give_moved(c, c->args[1].v, c->args[0].i64);
}

/* The least number has no opposite and stays itself, as in PostgreSQL. */
status fn_inet_minus_int8(struct fn_call *c) {
    return give_moved(c, c->args[0].v, (int64_t) - (uint64_t)c->args[1].i64);
}

status fn_inet_minus(struct fn_call *c) {
    if (!same_family(c)) return different_sizes(c, "subtract");
    number a = number_of(c->args[0].v), b = number_of(c->args[1].v);
    __int128 difference = (__int128)(a - b);
    if ((a < b) != (difference < 0) || difference != (int64_t)difference) return out_of_range(c);
    return give_int8(c, (int64_t)difference);
}
