#include "types/digest.h"

#include <openssl/evp.h>

static status digest(const EVP_MD *kind, const void *data, size_t len, uint8_t *ret) {
    return EVP_Digest(data, len, ret, NULL, kind, NULL) == 1 ? OK : STATUS(OUT_OF_MEMORY);
}

status digest_md5(const void *data, size_t len, uint8_t ret[MD5_BYTES]) {
    return digest(EVP_md5(), data, len, ret);
}

status digest_sha224(const void *data, size_t len, uint8_t ret[SHA224_BYTES]) {
    return digest(EVP_sha224(), data, len, ret);
}

status digest_sha256(const void *data, size_t len, uint8_t ret[SHA256_BYTES]) {
    return digest(EVP_sha256(), data, len, ret);
}

status digest_sha384(const void *data, size_t len, uint8_t ret[SHA384_BYTES]) {
    return digest(EVP_sha384(), data, len, ret);
}

status digest_sha512(const void *data, size_t len, uint8_t ret[SHA512_BYTES]) {
    return digest(EVP_sha512(), data, len, ret);
}
