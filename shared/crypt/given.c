#include "crypt/given.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct crypt_keys given, given_backup; /* count 0: none */

static bool transfer(int fd, size_t from, void *bytes, size_t n, bool out) {
    char *at = bytes;
    for (size_t done = 0; done < n;) {
        off_t offset = (off_t)(from + done);
        ssize_t some =
            out ? pwrite(fd, at + done, n - done, offset) : pread(fd, at + done, n - done, offset);
        if (some < 0 && errno == EINTR) continue;
        if (some <= 0) return false;
        done += (size_t)some;
    }
    return true;
}

status given_make(const struct crypt_keys *keys, const struct crypt_keys *backup, int *ret_fd) {
    int fd = memfd_create("keys", MFD_CLOEXEC);
    if (fd < 0) return STATUS(IO_ERROR);
    struct crypt_keys copy = *keys;
    bool written = transfer(fd, 0, &copy, sizeof copy, true);
    if (written && backup) {
        copy = *backup;
        written = transfer(fd, sizeof copy, &copy, sizeof copy, true);
    }
    crypt_wipe(&copy, sizeof copy);
    if (written) {
        *ret_fd = fd;
        return OK;
    }
    close(fd);
    return STATUS(IO_ERROR);
}

static status take_from(int fd, size_t from, struct crypt_keys *to) {
    struct crypt_keys zero = {0};
    bool good = transfer(fd, from, to, sizeof *to, false) && to->count <= CRYPT_KEYS_MAX;
    if (good) good = transfer(fd, from, &zero, sizeof zero, true);
    if (!good) crypt_wipe(to, sizeof *to);
    return good ? OK : STATUS(INVALID);
}

status given_read(int fd) {
    struct stat st;
    status result = take_from(fd, 0, &given);
    bool both = fstat(fd, &st) == 0 && (size_t)st.st_size == 2 * sizeof given;
    if (ok(result) && both) result = take_from(fd, sizeof given, &given_backup);
    close(fd);
    return result;
}

static status read_backup(int fd) {
    status st = take_from(fd, 0, &given_backup);
    close(fd);
    return st;
}

status given_read_arguments(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i++) {
        char *end;
        bool backup = strcmp(argv[i], GIVEN_BACKUP_OPTION) == 0;
        if (!backup && strcmp(argv[i], GIVEN_OPTION) != 0) continue;
        long fd = strtol(argv[i + 1], &end, 10);
        if (*end || fd < 0) return STATUS(INVALID);
        TRY(backup ? read_backup((int)fd) : given_read((int)fd));
    }
    return OK;
}

void given_put(const struct crypt_keys *keys) {
    given_forget();
    if (keys) given = *keys;
}

status given_take(struct crypt **ret) {
    if (given.count == 0) {
        *ret = NULL;
        return OK;
    }
    TRY(crypt_new(&given, ret));
    given.life++;
    return OK;
}

status given_take_backup(struct crypt **ret) {
    *ret = NULL;
    return given_backup.count ? crypt_new(&given_backup, ret) : OK;
}

void given_forget(void) {
    crypt_wipe(&given, sizeof given);
    crypt_wipe(&given_backup, sizeof given_backup);
}
