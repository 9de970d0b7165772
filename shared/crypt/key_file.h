/* key_file.h: the file "keys" of a data directory that is encrypted: the data keys, each wrapped by
 * the master key, which is not in it.
 *
 *     0      4096   struct key_file, rest zero
 *     4096   4096   the same once more: one that is spoilt is made good from the other
 *
 * Always replaced as a whole (a new file, fsync, rename, fsync of the directory), by one process at
 * a time: axl while the appliance is made, its supervisor from then on. There is nothing secret in
 * it without a master key. While the master key is being exchanged, every data key is wrapped by
 * the old one and by the new one: either opens it. */
#ifndef CRYPT_KEY_FILE_H
#define CRYPT_KEY_FILE_H

#include "base/error.h"
#include "crypt/crypt.h"

#define KEY_FILE_NAME "keys"
#define KEY_FILE_MAGIC 0x5359454b4c4f5841u /* "AXOLKEYS" */
#define KEY_FILE_FORMAT 1
#define KEY_FILE_IMAGE_BYTES 4096
#define KEY_FILE_MASTERS 2
#define KEY_FILE_KEYS_MAX 16

struct key_wrapped {
    unsigned char bytes[CRYPT_KEY_BYTES];
    struct crypt_tail tail;
};

struct key_record {
    uint32_t number;
    uint32_t unused;
    struct key_wrapped by[KEY_FILE_MASTERS];
};

struct key_file {
    uint64_t magic;
    uint32_t format;
    uint32_t crc; /* CRC-32C of the image with this field 0 */
    uint64_t database;
    uint64_t sequence; /* of its writing: the higher of the two images counts */
    uint32_t life;     /* the next to be given: a life of storaged or logd, or one run of a tool */
    uint32_t current;  /* number of the key that seals */
    uint32_t count;
    uint32_t masters; /* master keys that open it: 1, or 2 while it is exchanged */
    /* Nothing, sealed by each master key: tells whether a key is the right one. */
    struct crypt_tail check[KEY_FILE_MASTERS];
    uint64_t unused[2];
    struct key_record key[KEY_FILE_KEYS_MAX];
};
_Static_assert(sizeof(struct key_file) == 128 + KEY_FILE_KEYS_MAX * 136, "format");
_Static_assert(sizeof(struct key_file) <= KEY_FILE_IMAGE_BYTES, "format");

/* As text, hexadecimal; room for KEY_FILE_TEXT_BYTES. And back: DATA_CORRUPTED. */
#define KEY_FILE_TEXT_BYTES (2 * sizeof(struct key_file) + 1)
void key_file_to_text(const struct key_file *k, char *ret_text);
status key_file_from_text(const char *text, struct key_file *ret);

/* All paths: of the data directory. NOT_FOUND: there is none, the directory is not encrypted;
 * DATA_CORRUPTED: both images are spoilt; IO_ERROR. */
status key_file_read(const char *dir, struct key_file *ret);
/* Durable when it returns. DISK_FULL, IO_ERROR. */
status key_file_write(const char *dir, struct key_file *k);

/* The same under another name, in any directory. */
status key_file_read_as(const char *dir, const char *name, struct key_file *ret);
status key_file_write_as(const char *dir, const char *name, struct key_file *k);

/* A new one, with one data key. Nothing is written. */
status key_file_make(uint64_t database, const unsigned char master[CRYPT_KEY_BYTES],
                     struct key_file *ret);
/* The data keys, for the life k->life. INVALID: it is another master key. *ret_which (may be NULL):
 * which of the masters it is. */
status key_file_unwrap(const struct key_file *k, const unsigned char master[CRYPT_KEY_BYTES],
                       struct crypt_keys *ret_keys, unsigned *ret_which);
/* A new data key, which seals from now on. FULL: too many are still in use, or have been;
 * OBJECT_NOT_IN_PREREQUISITE_STATE: the master key is being exchanged; INVALID as above. */
status key_file_add(struct key_file *k, const unsigned char master[CRYPT_KEY_BYTES]);
/* Opened by another master key, too, from now on, in the place of the one that is not `master`. */
status key_file_exchange(struct key_file *k, const unsigned char master[CRYPT_KEY_BYTES],
                         const unsigned char next[CRYPT_KEY_BYTES]);
/* Opened by nobody but the given master key from now on (which: key_file_unwrap). */
void key_file_settle(struct key_file *k, unsigned which);
/* Nothing is sealed any more by data keys other than the current one. */
void key_file_drop_old(struct key_file *k);

#endif
