#include "crypt/keyring.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The file that makes a directory an appliance's says so, too: a lost file of keys is noticed
 * before anything is started. */
#define APPLIANCE_FILE "appliance"
#define ENCRYPTED_WORD "encrypted\n"
#define PATH_BYTES 4096

static status mark(const char *dir) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/" APPLIANCE_FILE, dir);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) return STATUS(IO_ERROR);
    ssize_t n = sizeof ENCRYPTED_WORD - 1;
    bool written = write(fd, ENCRYPTED_WORD, (size_t)n) == n && fsync(fd) == 0;
    close(fd);
    return written ? OK : STATUS(IO_ERROR);
}

static bool is_marked(const char *dir) {
    char path[PATH_BYTES], text[256];
    snprintf(path, sizeof path, "%s/" APPLIANCE_FILE, dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = '\0';
    return strstr(text, "\n" ENCRYPTED_WORD) != NULL;
}

static status read_file(const char *dir, uint64_t appliance, const struct master_source *source,
                        struct keyring *ring, struct error *e) {
    status st = key_file_read(dir, &ring->file);
    bool wanted = master_source_is_set(source);
    bool missing = status_is(st, ST_NOT_FOUND);
    if (missing && is_marked(dir)) {
        st = error_set(
            e, ST_DATA_CORRUPTED,
            "the data in \"%s\" are encrypted, and its file \"" KEY_FILE_NAME "\" is lost", dir);
        error_hint(e, "Put back a copy of it, or restore a backup.");
        return st;
    }
    if (missing && !wanted) return OK;
    if (missing) {
        st = error_set(e, ST_INVALID_PARAMETER_VALUE,
                       "an encryption key is set, but the data in \"%s\" are not encrypted", dir);
        error_hint(e, "An encrypted appliance is made by \"axl init --encrypt\" or \"axl restore "
                      "--encrypt\".");
        return st;
    }
    if (!ok(st))
        return error_set(e, st.code, "\"%s/" KEY_FILE_NAME "\" %s", dir,
                         status_is(st, ST_DATA_CORRUPTED) ? "is damaged" : "cannot be read");
    if (ring->file.database != appliance)
        return error_set(e, ST_DATA_CORRUPTED,
                         "\"%s/" KEY_FILE_NAME "\" belongs to another appliance", dir);
    ring->encrypted = true;
    if (wanted) return OK;
    st = error_set(e, ST_INVALID_PARAMETER_VALUE,
                   "the data in \"%s\" are encrypted, and no key is set", dir);
    error_hint(e, "Set encryption_key_file or encryption_key_command.");
    return st;
}

static bool has_key(const struct crypt_keys *keys, uint32_t number) {
    for (uint32_t i = 0; i < keys->count; i++)
        if (keys->key[i].number == number) return true;
    return false;
}

static status add_keys(struct crypt_keys *all, const struct crypt_keys *some) {
    for (uint32_t i = 0; i < some->count; i++) {
        if (has_key(all, some->key[i].number)) continue;
        if (all->count == CRYPT_KEYS_MAX) return STATUS(FULL);
        all->key[all->count++] = some->key[i];
    }
    return OK;
}

static void add_kept(struct keyring *ring, const struct keyring_kept *kept,
                     const unsigned char *master) {
    struct crypt_keys some;
    for (size_t i = 0; kept && i < kept->count; i++) {
        if (kept->files[i].database != ring->file.database) continue;
        if (ok(key_file_unwrap(&kept->files[i], master, &some, NULL)))
            status_ignore(add_keys(&ring->keys, &some)); /* the rest opens what is older still */
    }
    crypt_wipe(&some, sizeof some);
}

status keyring_unwrap(const char *dir, const struct master_source *source,
                      const struct keyring_kept *kept, struct keyring *ring, struct error *e) {
    unsigned char master[CRYPT_KEY_BYTES];
    TRY(master_read(source, master, e));
    status st = key_file_unwrap(&ring->file, master, &ring->keys, &ring->which);
    if (ok(st)) add_kept(ring, kept, master);
    crypt_wipe(master, sizeof master);
    if (!status_is(st, ST_INVALID))
        return ok(st) ? OK : error_set(e, st.code, "the keys in \"%s\" cannot be used", dir);
    bool file = source->file && *source->file;
    return error_set(e, ST_INVALID_PARAMETER_VALUE,
                     "the key of %s%s%s is not the one that the data in \"%s\" are encrypted with",
                     file ? "encryption_key_file \"" : "encryption_key_command",
                     file ? source->file : "", file ? "\"" : "", dir);
}

status keyring_open(const char *dir, uint64_t appliance, const struct master_source *source,
                    const struct keyring_kept *kept, struct keyring *ret, struct error *e) {
    *ret = (struct keyring){0};
    TRY(read_file(dir, appliance, source, ret, e));
    return ret->encrypted ? keyring_unwrap(dir, source, kept, ret, e) : OK;
}

status keyring_make(const char *dir, uint64_t appliance, const struct master_source *source,
                    struct keyring *ret, struct error *e) {
    unsigned char master[CRYPT_KEY_BYTES];
    *ret = (struct keyring){.encrypted = true};
    TRY(master_read(source, master, e));
    status st = key_file_make(appliance, master, &ret->file);
    if (ok(st)) st = key_file_unwrap(&ret->file, master, &ret->keys, NULL);
    crypt_wipe(master, sizeof master);
    if (ok(st)) st = mark(dir);
    if (ok(st)) st = key_file_write(dir, &ret->file);
    return ok(st) ? OK : error_set(e, st.code, "\"%s/" KEY_FILE_NAME "\" cannot be made", dir);
}

status keyring_take_lives(const char *dir, struct keyring *ring, uint32_t n, uint32_t *ret_first) {
    uint32_t first = ring->file.life;
    if (first > UINT32_MAX - n) return STATUS(FULL);
    ring->file.life += n;
    status st = key_file_write(dir, &ring->file);
    if (ok(st)) *ret_first = first;
    return st;
}

static status read_masters(const struct master_source *sources, size_t n,
                           unsigned char ret_masters[][CRYPT_KEY_BYTES], struct error *e) {
    for (size_t i = 0; i < n; i++) TRY(master_read(&sources[i], ret_masters[i], e));
    return OK;
}

/* INVALID: by none of the masters. */
static status collect_one(const struct key_file *file, unsigned char masters[][CRYPT_KEY_BYTES],
                          size_t n, struct crypt_keys *all) {
    struct crypt_keys some;
    status st = STATUS(INVALID);
    for (size_t i = 0; i < n && status_is(st, ST_INVALID); i++)
        st = key_file_unwrap(file, masters[i], &some, NULL);
    if (ok(st)) st = add_keys(all, &some);
    if (ok(st)) {
        all->database = some.database;
        all->current = some.current;
    }
    crypt_wipe(&some, sizeof some);
    return st;
}

status keyring_collect(const struct key_file *files, size_t n, const struct master_source *sources,
                       size_t nsources, const char *(*what)(void *arg, size_t i), void *arg,
                       struct crypt_keys *ret_keys, struct error *e) {
    unsigned char masters[KEYRING_SOURCES_MAX][CRYPT_KEY_BYTES];
    struct crypt_keys all = {0};
    status st = read_masters(sources, nsources, masters, e);
    for (size_t i = 0; i < n && ok(st); i++) {
        st = collect_one(&files[i], masters, nsources, &all);
        if (status_is(st, ST_INVALID))
            st = error_set(e, ST_INVALID_PARAMETER_VALUE,
                           "the key is not the one that %s is encrypted with", what(arg, i));
        else if (!ok(st))
            st = error_set(e, st.code, "the keys of %s cannot be used: %s", what(arg, i),
                           status_name(st));
    }
    if (ok(st)) *ret_keys = all;
    crypt_wipe(masters, sizeof masters);
    crypt_wipe(&all, sizeof all);
    return st;
}

void keyring_close(struct keyring *ring) {
    crypt_wipe(ring, sizeof *ring);
}
