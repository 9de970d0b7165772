/* archive_keys.h: the wrapped keys of an archived log, beside it: <number, 8 hexadecimal
 * digits>.keys is the file of keys (crypt/key_file.h) of the time when the data key of that number
 * began to seal. They stay when the data need them no longer. */
#ifndef BACKUP_ARCHIVE_KEYS_H
#define BACKUP_ARCHIVE_KEYS_H

#include "crypt/key_file.h"

#define ARCHIVE_KEYS_MAX CRYPT_KEYS_MAX /* the highest number that there can be */

/* Copies the data directory's file there, unless that has been done. NOT_FOUND: the data are not
 * encrypted. */
status backup_archive_keys_write(const char *archive, const char *data_dir);
/* NOT_FOUND. DATA_CORRUPTED. */
status backup_archive_keys_read(const char *archive, uint32_t number, struct key_file *ret);

/* Lets those of the database that `master` opens be opened by `next`, too (key_file_exchange). */
status backup_archive_keys_exchange(const char *archive, uint64_t database,
                                    const unsigned char master[CRYPT_KEY_BYTES],
                                    const unsigned char next[CRYPT_KEY_BYTES]);

#endif
