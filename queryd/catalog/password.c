/* password.c: passwords as pg_authid keeps them. */
#include "catalog/password.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "catalog/internal.h"
#include "types/digest.h"

#define SCRAM_PREFIX "SCRAM-SHA-256$"
#define SCRAM_ITERATIONS 4096
#define SALT_BYTES 16
#define BLOCK_BYTES 64
#define PASSWORD_BYTES_MAX 1024

/* ---- HMAC (RFC 2104) and PBKDF2 (RFC 8018) over SHA-256 ----------------------------------------
 */

static void hmac(const uint8_t *key, size_t key_len, const void *data, size_t len,
                 uint8_t ret[SHA256_BYTES]) {
    uint8_t block[BLOCK_BYTES] = {0}, inner[BLOCK_BYTES + 64], outer[BLOCK_BYTES + SHA256_BYTES];
    CHECK(len <= sizeof inner - BLOCK_BYTES);
    if (key_len > BLOCK_BYTES)
        digest_sha256(key, key_len, block);
    else
        memcpy(block, key, key_len);
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        inner[i] = block[i] ^ 0x36;
        outer[i] = block[i] ^ 0x5c;
    }
    memcpy(inner + BLOCK_BYTES, data, len);
    digest_sha256(inner, BLOCK_BYTES + len, outer + BLOCK_BYTES);
    digest_sha256(outer, sizeof outer, ret);
}

static status salted_password(struct sql_env *env, const char *password,
                              const uint8_t salt[SALT_BYTES], uint8_t ret[SHA256_BYTES]) {
    uint8_t first[SALT_BYTES + 4], u[SHA256_BYTES];
    const uint8_t *key = (const uint8_t *)password;
    size_t len = strlen(password);
    memcpy(first, salt, SALT_BYTES);
    memcpy(first + SALT_BYTES, "\0\0\0\1", 4);
    hmac(key, len, first, sizeof first, u);
    memcpy(ret, u, SHA256_BYTES);
    for (int i = 1; i < SCRAM_ITERATIONS; i++) {
        hmac(key, len, u, sizeof u, u);
        for (int k = 0; k < SHA256_BYTES; k++) ret[k] ^= u[k];
        if (i % 256 == 0) TRY(sql_env_breathe(env));
    }
    return OK;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void base64(const uint8_t *bytes, size_t n, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16;
        if (i + 1 < n) three |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < n) three |= bytes[i + 2];
        for (int k = 0; k < 4; k++) *out++ = digits[three >> (18 - 6 * k) & 63];
        if (i + 2 >= n) out[-1] = '=';
        if (i + 1 >= n) out[-2] = '=';
    }
    *out = 0;
}

bool password_is_md5(const char *v) {
    return !strncmp(v, "md5", 3) && strlen(v) == 35 && strspn(v + 3, "0123456789abcdef") == 32;
}

static bool is_scram(const char *v) {
    return !strncmp(v, SCRAM_PREFIX, strlen(SCRAM_PREFIX)) && strchr(v + strlen(SCRAM_PREFIX), '$');
}

static status md5_verifier(struct sql_env *env, const char *role, const char *password,
                           const char **ret) {
    uint8_t digest[MD5_BYTES];
    char hex[2 * MD5_BYTES + 1];
    const char *both = arena_printf(env->eval.arena, "%s%s", password, role);
    if (!both) return no_memory(env);
    digest_md5(both, strlen(both), digest);
    for (int i = 0; i < MD5_BYTES; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    *ret = arena_printf(env->eval.arena, "md5%s", hex);
    return *ret ? OK : no_memory(env);
}

static status scram_verifier(struct sql_env *env, const char *password, const char **ret) {
    uint8_t salt[SALT_BYTES], salted[SHA256_BYTES], key[SHA256_BYTES], stored[SHA256_BYTES];
    char salt_text[28], stored_text[48], server_text[48];
    if (getrandom(salt, sizeof salt, 0) != sizeof salt)
        return error_set(env->eval.error, ST_INTERNAL_ERROR, "could not generate random salt");
    TRY(salted_password(env, password, salt, salted));
    hmac(salted, sizeof salted, "Client Key", 10, key);
    digest_sha256(key, sizeof key, stored);
    hmac(salted, sizeof salted, "Server Key", 10, key);
    base64(salt, sizeof salt, salt_text);
    base64(stored, sizeof stored, stored_text);
    base64(key, sizeof key, server_text);
    *ret = arena_printf(env->eval.arena, SCRAM_PREFIX "%d:%s$%s:%s", SCRAM_ITERATIONS, salt_text,
                        stored_text, server_text);
    return *ret ? OK : no_memory(env);
}

status password_verifier(struct sql_env *env, const char *role, const char *password, bool md5,
                         const char **ret) {
    if (strlen(password) > PASSWORD_BYTES_MAX)
        return error_set(env->eval.error, ST_PROGRAM_LIMIT_EXCEEDED, "password is too long");
    *ret = password;
    if (password_is_md5(password) || is_scram(password)) return OK;
    return md5 ? md5_verifier(env, role, password, ret) : scram_verifier(env, password, ret);
}
