/* md5.h: MD5 (RFC 1321), for the result hashes of sqllogictest. */
#ifndef SQL_MD5_H
#define SQL_MD5_H

#include <stddef.h>
#include <stdint.h>

struct md5 {
    uint32_t state[4];
    uint64_t bytes;
    unsigned char block[64];
};
void md5_init(struct md5 *m);
void md5_add(struct md5 *m, const void *data, size_t len);
void md5_hex(struct md5 *m, char out[33]);

#endif
