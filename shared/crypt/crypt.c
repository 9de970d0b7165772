#include "crypt/crypt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"

struct crypt {
    uint64_t database;
    uint64_t counter; /* of the next nonce */
    uint32_t life, current, oldest;
    unsigned count;
    EVP_CIPHER_CTX *sealing; /* by the current key */
    struct {
        uint32_t number;
        EVP_CIPHER_CTX *context;
    } opening[CRYPT_KEYS_MAX];
};

/* Authenticated besides the bytes. */
struct sealed_where {
    uint32_t what;
    uint32_t key;
    uint64_t database;
    uint64_t position;
};
_Static_assert(sizeof(struct sealed_where) == 24, "format");

void crypt_wipe(void *secret, size_t bytes) {
    OPENSSL_cleanse(secret, bytes);
}

static status make_context(const struct crypt_key *key, int sealing, EVP_CIPHER_CTX **ret) {
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    if (!x) return STATUS(OUT_OF_MEMORY);
    if (EVP_CipherInit_ex(x, EVP_aes_256_gcm(), NULL, key->bytes, NULL, sealing) != 1) {
        EVP_CIPHER_CTX_free(x);
        return STATUS(OUT_OF_MEMORY);
    }
    *ret = x;
    return OK;
}

static status make_contexts(struct crypt *c, const struct crypt_keys *keys) {
    for (uint32_t i = 0; i < keys->count; i++) {
        const struct crypt_key *k = &keys->key[i];
        TRY(make_context(k, 0, &c->opening[i].context));
        c->opening[i].number = k->number;
        c->count++;
        if (k->number == keys->current) TRY(make_context(k, 1, &c->sealing));
    }
    return c->sealing ? OK : STATUS(INVALID);
}

status crypt_new(const struct crypt_keys *keys, struct crypt **ret) {
    if (keys->count > CRYPT_KEYS_MAX || keys->current == 0) return STATUS(INVALID);
    struct crypt *c = calloc(1, sizeof *c);
    if (!c) return STATUS(OUT_OF_MEMORY);
    c->database = keys->database;
    c->life = keys->life;
    c->current = keys->current;
    c->oldest = keys->oldest ? keys->oldest : keys->current;
    status st = make_contexts(c, keys);
    if (ok(st) && getrandom(&c->counter, sizeof c->counter, 0) != sizeof c->counter)
        st = STATUS(IO_ERROR);
    if (ok(st))
        *ret = c;
    else
        crypt_free(c);
    return st;
}

void crypt_free(struct crypt *c) {
    if (!c) return;
    EVP_CIPHER_CTX_free(c->sealing);
    for (unsigned i = 0; i < c->count; i++) EVP_CIPHER_CTX_free(c->opening[i].context);
    free(c);
}

uint32_t crypt_current(const struct crypt *c) {
    return c->current;
}

uint32_t crypt_oldest(const struct crypt *c) {
    return c->oldest;
}

unsigned crypt_count(const struct crypt *c) {
    return c->count;
}

/* The key is in the context; the rest. False: the tag is not right (when opening). */
static bool run(EVP_CIPHER_CTX *x, const struct sealed_where *where, const void *in, void *out,
                size_t n, struct crypt_tail *tail, bool sealing) {
    int done = 0;
    unsigned char rest[16];
    bool good = EVP_CipherInit_ex(x, NULL, NULL, NULL, tail->nonce, -1) == 1 &&
                EVP_CipherUpdate(x, NULL, &done, (const unsigned char *)where, sizeof *where) == 1;
    if (good && n > 0) good = EVP_CipherUpdate(x, out, &done, in, (int)n) == 1;
    if (good && !sealing)
        good = EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_SET_TAG, CRYPT_TAG_BYTES, tail->tag) == 1;
    if (good) good = EVP_CipherFinal_ex(x, rest, &done) == 1;
    if (good && sealing)
        good = EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_GET_TAG, CRYPT_TAG_BYTES, tail->tag) == 1;
    return good;
}

void crypt_seal(struct crypt *c, enum crypt_what what, uint64_t position, const void *in, void *out,
                size_t n, struct crypt_tail *ret_tail) {
    struct sealed_where where = {
        .what = what, .key = c->current, .database = c->database, .position = position};
    struct crypt_tail tail = {.key = c->current};
    uint64_t counter = c->counter++;
    memcpy(tail.nonce, &c->life, sizeof c->life);
    memcpy(tail.nonce + sizeof c->life, &counter, sizeof counter);
    CHECK(run(c->sealing, &where, in, out, n, &tail, true));
    *ret_tail = tail;
}

status crypt_open(struct crypt *c, enum crypt_what what, uint64_t position, const void *in,
                  void *out, size_t n, const struct crypt_tail *tail) {
    struct sealed_where where = {
        .what = what, .key = tail->key, .database = c->database, .position = position};
    struct crypt_tail copy = *tail; /* it may lie inside of out */
    for (unsigned i = 0; i < c->count; i++) {
        if (c->opening[i].number != copy.key) continue;
        if (run(c->opening[i].context, &where, in, out, n, &copy, false)) return OK;
        break;
    }
    if (n > 0) memset(out, 0, n); /* it is not authentic */
    return STATUS(DATA_CORRUPTED);
}

static bool is_zero(const char *bytes, size_t n) {
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0;
}

status crypt_open_block(struct crypt *c, enum crypt_what what, uint64_t position, void *block,
                        size_t n) {
    struct crypt_tail tail;
    char *bytes = block;
    size_t content = n - sizeof tail;
    memcpy(&tail, bytes + content, sizeof tail);
    if (tail.key == 0 && is_zero(bytes, n)) return OK;
    status st = crypt_open(c, what, position, bytes, bytes, content, &tail);
    if (ok(st))
        memset(bytes + content, 0, sizeof tail);
    else
        memset(bytes, 0xFF, n);
    return st;
}
