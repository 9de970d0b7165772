#include "crypt/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"

#define PATH_BYTES 4096
#define TEMPORARY KEY_FILE_NAME ".new"

struct image {
    _Alignas(8) unsigned char bytes[KEY_FILE_IMAGE_BYTES];
};

static uint32_t image_crc(const struct image *image) {
    struct image copy = *image;
    ((struct key_file *)copy.bytes)->crc = 0;
    return crc32c(0, copy.bytes, sizeof copy.bytes);
}

/* ---- the file -------------------------------------------------------------------------------- */

static bool image_good(const struct image *image) {
    const struct key_file *k = (const struct key_file *)image->bytes;
    return k->magic == KEY_FILE_MAGIC && k->format == KEY_FILE_FORMAT &&
           k->crc == image_crc(image) && k->count > 0 && k->count <= KEY_FILE_KEYS_MAX &&
           k->masters > 0 && k->masters <= KEY_FILE_MASTERS;
}

status key_file_read(const char *dir, struct key_file *ret) {
    return key_file_read_as(dir, KEY_FILE_NAME, ret);
}

status key_file_read_as(const char *dir, const char *name, struct key_file *ret) {
    struct image images[2] = {0};
    char path[PATH_BYTES];
    const struct image *best = NULL;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? STATUS(NOT_FOUND) : STATUS(IO_ERROR);
    ssize_t n = read(fd, images, sizeof images);
    close(fd);
    if (n < 0) return STATUS(IO_ERROR);
    for (unsigned i = 0; i < 2; i++) {
        const struct key_file *k = (const struct key_file *)images[i].bytes;
        if (image_good(&images[i]) &&
            (!best || k->sequence > ((const struct key_file *)best->bytes)->sequence))
            best = &images[i];
    }
    if (!best) return STATUS(DATA_CORRUPTED);
    memcpy(ret, best->bytes, sizeof *ret);
    return OK;
}

static status errno_status(void) {
    return errno == ENOSPC || errno == EDQUOT ? STATUS(DISK_FULL) : STATUS(IO_ERROR);
}

static status write_images(int dirfd, const char *name, const struct image images[2]) {
    int fd = openat(dirfd, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return errno_status();
    size_t bytes = 2 * sizeof *images;
    errno = EIO; /* of a write that is short without a reason */
    bool good = write(fd, images, bytes) == (ssize_t)bytes && fsync(fd) == 0;
    status st = good ? OK : errno_status();
    if (close(fd) != 0 && ok(st)) st = errno_status();
    TRY(st);
    if (renameat(dirfd, TEMPORARY, dirfd, name) != 0 || fsync(dirfd) != 0) return errno_status();
    return OK;
}

status key_file_write(const char *dir, struct key_file *k) {
    return key_file_write_as(dir, KEY_FILE_NAME, k);
}

status key_file_write_as(const char *dir, const char *name, struct key_file *k) {
    struct image images[2] = {0};
    k->sequence++;
    memcpy(images[0].bytes, k, sizeof *k);
    ((struct key_file *)images[0].bytes)->crc = image_crc(&images[0]);
    images[1] = images[0];
    int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0) return errno_status();
    status st = write_images(dirfd, name, images);
    close(dirfd);
    return st;
}

void key_file_to_text(const struct key_file *k, char *ret_text) {
    const unsigned char *bytes = (const unsigned char *)k;
    for (size_t i = 0; i < sizeof *k; i++) snprintf(ret_text + 2 * i, 3, "%02x", bytes[i]);
}

status key_file_from_text(const char *text, struct key_file *ret) {
    struct image image = {0};
    if (strlen(text) != 2 * sizeof *ret) return STATUS(DATA_CORRUPTED);
    for (size_t i = 0; i < sizeof *ret; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return STATUS(DATA_CORRUPTED);
        image.bytes[i] = (unsigned char)(high << 4 | low);
    }
    if (!image_good(&image)) return STATUS(DATA_CORRUPTED);
    memcpy(ret, image.bytes, sizeof *ret);
    return OK;
}

/* ---- wrapping -------------------------------------------------------------------------------- */

/* A master key made ready. Its nonces are random, all 12 bytes: it seals little, in any process. */
static status ready(uint64_t database, const unsigned char *master, struct crypt **ret) {
    struct crypt_keys keys = {
        .database = database, .current = 1, .count = 1, .key = {{.number = 1}}};
    if (getrandom(&keys.life, sizeof keys.life, 0) != sizeof keys.life) return STATUS(IO_ERROR);
    memcpy(keys.key[0].bytes, master, CRYPT_KEY_BYTES);
    status st = crypt_new(&keys, ret);
    crypt_wipe(&keys, sizeof keys);
    return st;
}

static void wrap(struct crypt *master, struct key_record *r, unsigned which,
                 const unsigned char *key) {
    struct key_wrapped *w = &r->by[which];
    crypt_seal(master, CRYPT_KEY, r->number, key, w->bytes, CRYPT_KEY_BYTES, &w->tail);
}

static status new_key(struct key_file *k, struct crypt *master, unsigned which) {
    unsigned char key[CRYPT_KEY_BYTES];
    if (getrandom(key, sizeof key, 0) != sizeof key) return STATUS(IO_ERROR);
    struct key_record *r = &k->key[k->count++];
    *r = (struct key_record){.number = ++k->current};
    wrap(master, r, which, key);
    crypt_wipe(key, sizeof key);
    return OK;
}

status key_file_make(uint64_t database, const unsigned char master[CRYPT_KEY_BYTES],
                     struct key_file *ret) {
    struct key_file k = {.magic = KEY_FILE_MAGIC,
                         .format = KEY_FILE_FORMAT,
                         .database = database,
                         .life = 1,
                         .masters = 1};
    struct crypt *c;
    TRY(ready(database, master, &c));
    crypt_seal(c, CRYPT_KEY, 0, NULL, NULL, 0, &k.check[0]);
    status st = new_key(&k, c, 0);
    crypt_free(c);
    if (ok(st)) *ret = k;
    return st;
}

static status unwrap_all(const struct key_file *k, struct crypt *master, unsigned which,
                         struct crypt_keys *keys) {
    for (uint32_t i = 0; i < k->count; i++) {
        const struct key_record *r = &k->key[i];
        const struct key_wrapped *w = &r->by[which];
        keys->key[i].number = r->number;
        if (!keys->oldest || r->number < keys->oldest) keys->oldest = r->number;
        TRY(crypt_open(master, CRYPT_KEY, r->number, w->bytes, keys->key[i].bytes, CRYPT_KEY_BYTES,
                       &w->tail));
    }
    return OK;
}

status key_file_unwrap(const struct key_file *k, const unsigned char master[CRYPT_KEY_BYTES],
                       struct crypt_keys *ret_keys, unsigned *ret_which) {
    struct crypt_keys keys = {
        .database = k->database, .life = k->life, .current = k->current, .count = k->count};
    struct crypt *c;
    unsigned which = 0;
    TRY(ready(k->database, master, &c));
    while (which < k->masters && !ok(crypt_open(c, CRYPT_KEY, 0, NULL, NULL, 0, &k->check[which])))
        which++;
    status st = which < k->masters ? unwrap_all(k, c, which, &keys) : STATUS(INVALID);
    crypt_free(c);
    if (ok(st)) *ret_keys = keys;
    if (ok(st) && ret_which) *ret_which = which;
    crypt_wipe(&keys, sizeof keys);
    return st;
}

/* ---- rotation -------------------------------------------------------------------------------- */

status key_file_add(struct key_file *k, const unsigned char master[CRYPT_KEY_BYTES]) {
    struct crypt_keys keys;
    struct crypt *c;
    TRY(key_file_unwrap(k, master, &keys, NULL));
    crypt_wipe(&keys, sizeof keys);
    if (k->masters != 1) return STATUS(OBJECT_NOT_IN_PREREQUISITE_STATE);
    if (k->count == KEY_FILE_KEYS_MAX || k->current >= CRYPT_KEYS_MAX) return STATUS(FULL);
    TRY(ready(k->database, master, &c));
    status st = new_key(k, c, 0);
    crypt_free(c);
    return st;
}

status key_file_exchange(struct key_file *k, const unsigned char master[CRYPT_KEY_BYTES],
                         const unsigned char next[CRYPT_KEY_BYTES]) {
    struct crypt_keys keys;
    struct crypt *c;
    unsigned which;
    TRY(key_file_unwrap(k, master, &keys, &which));
    status st = ready(k->database, next, &c);
    if (ok(st)) {
        crypt_seal(c, CRYPT_KEY, 0, NULL, NULL, 0, &k->check[!which]);
        for (uint32_t i = 0; i < k->count; i++) wrap(c, &k->key[i], !which, keys.key[i].bytes);
        k->masters = KEY_FILE_MASTERS;
        crypt_free(c);
    }
    crypt_wipe(&keys, sizeof keys);
    return st;
}

void key_file_settle(struct key_file *k, unsigned which) {
    k->check[0] = k->check[which];
    memset(&k->check[1], 0, sizeof k->check[1]);
    for (uint32_t i = 0; i < k->count; i++) {
        k->key[i].by[0] = k->key[i].by[which];
        memset(&k->key[i].by[1], 0, sizeof k->key[i].by[1]);
    }
    k->masters = 1;
}

void key_file_drop_old(struct key_file *k) {
    struct key_record current = {0};
    for (uint32_t i = 0; i < k->count; i++)
        if (k->key[i].number == k->current) current = k->key[i];
    memset(k->key, 0, sizeof k->key);
    k->key[0] = current;
    k->count = 1;
}
