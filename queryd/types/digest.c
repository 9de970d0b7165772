#include "types/digest.h"

#include <openssl/evp.h>

#define PIECE_BYTES 65536
#define BYTE_NS 2

static status digest_pieces(const struct eval_env *env, EVP_MD_CTX *context, const EVP_MD *kind,
                            const char *data, size_t len, uint8_t *ret) {
    if (EVP_DigestInit_ex(context, kind, NULL) != 1) return STATUS(OUT_OF_MEMORY);
    for (size_t at = 0; at < len; at += PIECE_BYTES) {
        size_t n = len - at < PIECE_BYTES ? len - at : PIECE_BYTES;
        if (EVP_DigestUpdate(context, data + at, n) != 1) return STATUS(OUT_OF_MEMORY);
        if (env) TRY(eval_work(env, n * BYTE_NS));
    }
    return EVP_DigestFinal_ex(context, ret, NULL) == 1 ? OK : STATUS(OUT_OF_MEMORY);
}

static status digest(const struct eval_env *env, const EVP_MD *kind, const void *data, size_t len,
                     uint8_t *ret) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context) return STATUS(OUT_OF_MEMORY);
    status s = digest_pieces(env, context, kind, data, len, ret);
    EVP_MD_CTX_free(context);
    return s;
}

#define DIGEST(name, bytes)                                                                        \
    status digest_##name(const struct eval_env *env, const void *data, size_t len,                 \
                         uint8_t ret[bytes]) {                                                     \
        return digest(env, EVP_##name(), data, len, ret);                                          \
    }
DIGEST(md5, MD5_BYTES)
DIGEST(sha224, SHA224_BYTES)
DIGEST(sha256, SHA256_BYTES)
DIGEST(sha384, SHA384_BYTES)
DIGEST(sha512, SHA512_BYTES)
