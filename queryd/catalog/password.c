/* password.c: passwords as pg_authid keeps them. */
#include "catalog/password.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "catalog/internal.h"
#include "types/digest.h"

#define SCRAM_PREFIX "SCRAM-SHA-256$"
#define SCRAM_ITERATIONS 4096
#define SALT_BYTES 16
#define PASSWORD_BYTES_MAX 1024

/* RFC 5802, section 3. */
static bool salted_password(const char *password, const uint8_t salt[SALT_BYTES],
                            uint8_t ret[SHA256_BYTES]) {
    return PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, SALT_BYTES, SCRAM_ITERATIONS,
                             EVP_sha256(), SHA256_BYTES, ret) == 1;
}

static bool hmac(const uint8_t key[SHA256_BYTES], const char *words, uint8_t ret[SHA256_BYTES]) {
    return HMAC(EVP_sha256(), key, SHA256_BYTES, (const uint8_t *)words, strlen(words), ret, NULL);
}

static void base64(const uint8_t *bytes, int n, char *out) {
    EVP_EncodeBlock((unsigned char *)out, bytes, n);
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
    TRY(digest_md5(NULL, both, strlen(both), digest));
    for (int i = 0; i < MD5_BYTES; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    *ret = arena_printf(env->eval.arena, "md5%s", hex);
    return *ret ? OK : no_memory(env);
}

static status scram_verifier(struct sql_env *env, const char *password, const char **ret) {
    uint8_t salt[SALT_BYTES], salted[SHA256_BYTES], key[SHA256_BYTES], stored[SHA256_BYTES];
    char salt_text[28], stored_text[48], server_text[48];
    if (getrandom(salt, sizeof salt, 0) != sizeof salt)
        return error_set(env->eval.error, ST_INTERNAL_ERROR, "could not generate random salt");
    if (!salted_password(password, salt, salted) || !hmac(salted, "Client Key", key))
        return no_memory(env);
    TRY(digest_sha256(NULL, key, sizeof key, stored));
    if (!hmac(salted, "Server Key", key)) return no_memory(env);
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
