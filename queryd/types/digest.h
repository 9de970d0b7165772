/* digest.h: MD5 (RFC 1321) and SHA-2 (FIPS 180-4) by OpenSSL, for the SQL functions of these names.
 * OUT_OF_MEMORY. With an env, which may be NULL, others have their turn meanwhile (eval_work). */
#ifndef TYPES_DIGEST_H
#define TYPES_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "types/context.h"

#define MD5_BYTES 16
#define SHA224_BYTES 28
#define SHA256_BYTES 32
#define SHA384_BYTES 48
#define SHA512_BYTES 64

status digest_md5(const struct eval_env *env, const void *data, size_t len, uint8_t ret[MD5_BYTES]);
status digest_sha256(const struct eval_env *env, const void *data, size_t len,
                     uint8_t ret[SHA256_BYTES]);
status digest_sha224(const struct eval_env *env, const void *data, size_t len,
                     uint8_t ret[SHA224_BYTES]);
status digest_sha512(const struct eval_env *env, const void *data, size_t len,
                     uint8_t ret[SHA512_BYTES]);
status digest_sha384(const struct eval_env *env, const void *data, size_t len,
                     uint8_t ret[SHA384_BYTES]);

#endif
