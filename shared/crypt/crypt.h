/* crypt.h: authenticated encryption of what lies in files: AES-256-GCM, by OpenSSL.
 *
 * What is sealed (a page, a sector of the log, a block of temporary space, a chunk of a backup) has
 * a tail of 32 bytes beside it:
 *
 *     offset bytes
 *     0      12    nonce: the life's number (4), a counter (8)
 *     12     16    tag
 *     28     4     number of the data key; 0: not sealed
 *
 * Authenticated besides the bytes: what it is, the key's number, the database's id, and the
 * position, so that what lies where it was not written does not open. README.md says why a nonce is
 * never used twice. */
#ifndef CRYPT_CRYPT_H
#define CRYPT_CRYPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define CRYPT_KEY_BYTES 32
#define CRYPT_NONCE_BYTES 12
#define CRYPT_TAG_BYTES 16
#define CRYPT_KEYS_MAX 256 /* also in an appliance's life */

struct crypt_tail {
    unsigned char nonce[CRYPT_NONCE_BYTES];
    unsigned char tag[CRYPT_TAG_BYTES];
    uint32_t key;
};
_Static_assert(sizeof(struct crypt_tail) == 32, "format");

/* What is sealed; its position tells it from others of its kind. */
enum crypt_what {
    CRYPT_PAGE = 1,  /* page number */
    CRYPT_LOG = 2,   /* LSN of the sector's first byte */
    CRYPT_TEMP = 3,  /* handle */
    CRYPT_CHUNK = 4, /* of a backup: its place in the file */
    CRYPT_KEY = 5,   /* in the key file: the data key's number */
};

struct crypt_key {
    uint32_t number; /* from 1 on */
    unsigned char bytes[CRYPT_KEY_BYTES];
};

/* Secret: whoever has it wipes it (crypt_wipe). */
struct crypt_keys {
    uint64_t database; /* the appliance's id */
    uint32_t life;     /* of who has it: never given twice (key_file.h) */
    uint32_t current;  /* number of the key that seals */
    uint32_t count;
    /* The oldest number that may have sealed what our files hold; 0: the current one. Older ones
     * open backups and the archive only. */
    uint32_t oldest;
    struct crypt_key key[CRYPT_KEYS_MAX];
};

/* Keys made ready. By one thread at a time. */
struct crypt;
/* OUT_OF_MEMORY; INVALID: the current key is not among them. */
status crypt_new(const struct crypt_keys *keys, struct crypt **ret);
void crypt_free(struct crypt *c); /* NULL is allowed; the keys are wiped */
uint32_t crypt_current(const struct crypt *c);
uint32_t crypt_oldest(const struct crypt *c); /* crypt_keys.oldest, or the current one */
unsigned crypt_count(const struct crypt *c);
void crypt_wipe(void *secret, size_t bytes);

/* in and out are n bytes each, the same or apart. */
void crypt_seal(struct crypt *c, enum crypt_what what, uint64_t position, const void *in, void *out,
                size_t n, struct crypt_tail *ret_tail);
/* DATA_CORRUPTED: it is not what was sealed there, or by a key that is not among ours; out then
 * holds nothing that could be used. */
status crypt_open(struct crypt *c, enum crypt_what what, uint64_t position, const void *in,
                  void *out, size_t n, const struct crypt_tail *tail);
/* A block of n bytes whose last ones are its tail, in its place; the tail becomes zero. What is all
 * zero was never written, and stays so. DATA_CORRUPTED as above: the block is then all ones. */
status crypt_open_block(struct crypt *c, enum crypt_what what, uint64_t position, void *block,
                        size_t n);

#endif
