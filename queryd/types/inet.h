/* inet.h: addresses of networks and hosts; inside types only.
 *
 * Payload of a varlena of type inet or cidr, version 1:
 *
 *   0  u8   family: 2 IPv4, 3 IPv6
 *   1  u8   bits of the network's part
 *   2  …    the address, 4 or 16 bytes, in network order; a cidr's bits beyond its network are 0 */
#ifndef TYPES_INET_H
#define TYPES_INET_H

#include "types/internal.h"

#define INET_V4 2
#define INET_V6 3
#define INET_HEAD_BYTES 2
#define INET_ADDRESS_BYTES_MAX 16
#define INET_TEXT_BYTES 64 /* enough for every text of an address, with its bits */

static inline uint8_t inet_family(const struct varlena *v) {
    return (uint8_t)v->data[0];
}
static inline unsigned inet_bits(const struct varlena *v) {
    return (uint8_t)v->data[1];
}
static inline const uint8_t *inet_address(const struct varlena *v) {
    return (const uint8_t *)v->data + INET_HEAD_BYTES;
}
static inline uint8_t *inet_room(struct varlena *v) {
    return (uint8_t *)v->data + INET_HEAD_BYTES;
}
static inline unsigned inet_family_bytes(uint8_t family) {
    return family == INET_V4 ? 4 : INET_ADDRESS_BYTES_MAX;
}
static inline unsigned inet_bytes(const struct varlena *v) {
    return inet_family_bytes(inet_family(v));
}
static inline unsigned inet_bits_max(const struct varlena *v) {
    return inet_bytes(v) * 8;
}

/* An address of zeros; 53200. */
status inet_new(const struct eval_env *env, uint8_t family, unsigned bits, struct varlena **ret);
/* Clears what is beyond the first `bits`. */
void inet_mask(uint8_t *address, unsigned bytes, unsigned bits);
/* <0, 0, >0 by the first `bits`. */
int inet_compare_bits(const uint8_t *a, const uint8_t *b, unsigned bits);

/* inet_text.c: reads an address, with its bits; a cidr's octets may be fewer, or hexadecimal, and
 * its bits follow from them. False: the text is none. `address` has room for 16 bytes, zero. */
bool inet_parse(const char *text, size_t len, bool is_cidr, uint8_t *ret_family, unsigned *ret_bits,
                uint8_t *address);
/* The address alone; returns the length. */
size_t inet_format(uint8_t family, const uint8_t *address, char out[INET_TEXT_BYTES]);
/* A network without the octets, or words, that are beyond its bits, which follow. */
size_t inet_format_network(const struct varlena *v, char out[INET_TEXT_BYTES]);

#endif
