/* keyring.h: the data keys of a directory, from its file of keys and the master key: for who starts
 * those that touch data. */
#ifndef CRYPT_KEYRING_H
#define CRYPT_KEYRING_H

#include "crypt/key_file.h"
#include "crypt/master.h"

/* Secret: wiped by keyring_close. */
struct keyring {
    bool encrypted; /* false: there are no keys, nor are any wanted */
    struct key_file file;
    struct crypt_keys keys;
    unsigned which; /* of the master keys that open the file, when there are two */
};

/* Files of keys that lie beside backups and archives of the same data. Those of their keys that the
 * directory needs no more are had, too, as far as the master key opens them and there is room. */
struct keyring_kept {
    const struct key_file *files;
    size_t count;
};

/* What the directory has, and what is kept (NULL: nothing) beside it. INVALID_PARAMETER_VALUE,
 * DATA_CORRUPTED, IO_ERROR with words: the key is missing, wrong or cannot be had, or one is given
 * for data that are not encrypted. */
status keyring_open(const char *dir, uint64_t appliance, const struct master_source *source,
                    const struct keyring_kept *kept, struct keyring *ret, struct error *e);
/* Makes the file of a directory that is to be encrypted. */
status keyring_make(const char *dir, uint64_t appliance, const struct master_source *source,
                    struct keyring *ret, struct error *e);
/* Keys of a master key read, in words when it is not the right one. */
status keyring_unwrap(const char *dir, const struct master_source *source,
                      const struct keyring_kept *kept, struct keyring *ring, struct error *e);
/* Takes n lives that nobody else has, durably; *ret_first is the first one. */
status keyring_take_lives(const char *dir, struct keyring *ring, uint32_t n, uint32_t *ret_first);
/* The data keys of several files (of backups and archives), together, each by the first of the
 * master keys that opens it. `what` names file i in words. */
#define KEYRING_SOURCES_MAX 5
status keyring_collect(const struct key_file *files, size_t n, const struct master_source *sources,
                       size_t nsources, const char *(*what)(void *arg, size_t i), void *arg,
                       struct crypt_keys *ret_keys, struct error *e);
void keyring_close(struct keyring *ring);

#endif
