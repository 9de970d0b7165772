#include "backup/archive_keys.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define NAME_BYTES 32

static void name_of(uint32_t number, char ret_name[NAME_BYTES]) {
    snprintf(ret_name, NAME_BYTES, "%08" PRIx32 ".keys", number);
}

status backup_archive_keys_write(const char *archive, const char *data_dir) {
    struct key_file k, there;
    char name[NAME_BYTES];
    TRY(key_file_read(data_dir, &k));
    name_of(k.current, name);
    if (ok(key_file_read_as(archive, name, &there)) && there.database == k.database) return OK;
    return key_file_write_as(archive, name, &k);
}

status backup_archive_keys_read(const char *archive, uint32_t number, struct key_file *ret) {
    char name[NAME_BYTES];
    name_of(number, name);
    return key_file_read_as(archive, name, ret);
}

status backup_archive_keys_exchange(const char *archive, uint64_t database,
                                    const unsigned char master[CRYPT_KEY_BYTES],
                                    const unsigned char next[CRYPT_KEY_BYTES]) {
    for (uint32_t i = 1; i <= ARCHIVE_KEYS_MAX; i++) {
        struct key_file k;
        char name[NAME_BYTES];
        name_of(i, name);
        if (!ok(key_file_read_as(archive, name, &k)) || k.database != database) continue;
        status st = key_file_exchange(&k, master, next);
        if (status_is(st, ST_INVALID)) continue; /* of a master key before */
        TRY(st);
        TRY(key_file_write_as(archive, name, &k));
    }
    return OK;
}
