/* init.c: axl init. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "axl.h"
#include "ipc_proc.h"

static status make_directory(struct axl *a, bool *ret_made) {
    *ret_made = mkdir(a->dir, 0700) == 0;
    if (!*ret_made && errno != EEXIST) {
        return error_set(&a->e, ST_IO_ERROR, "could not create \"%s\": %s", a->dir,
                         strerror(errno));
    }
    DIR *d = opendir(a->dir);
    if (!d) return error_set(&a->e, ST_IO_ERROR, "\"%s\": %s", a->dir, strerror(errno));
    int entries = 0;
    while (readdir(d)) entries++;
    closedir(d);
    if (entries > 2) {
        return error_set(&a->e, ST_OBJECT_IN_USE, "\"%s\" exists and is not empty", a->dir);
    }
    if (chmod(a->dir, 0700) != 0) {
        return error_set(&a->e, ST_IO_ERROR, "\"%s\": %s", a->dir, strerror(errno));
    }
    char real[4096];
    if (realpath(a->dir, real) && strlen(real) < 480) strcpy(a->dir, real);
    return OK;
}

static status write_settings(struct axl *a) {
    char path[AXL_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, a->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) return error_set(&a->e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
    conf_write_template(f);
    bool written = fflush(f) == 0 && fsync(fd) == 0;
    fclose(f);
    return written ? OK : error_set(&a->e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
}

/* NAME --format -D DIR --appliance HEX: each daemon makes the files that it owns. */
static status format_by(struct axl *a, const char *name, uint64_t id) {
    char program[AXL_PATH_BYTES + 32], hex[32];
    snprintf(program, sizeof program, "%s/%s", a->programs, name);
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)id);
    char *argv[] = {program, "--format", "-D", a->dir, "--appliance", hex, NULL};
    extern char **environ;
    pid_t pid;
    int how, rc = posix_spawn(&pid, program, NULL, NULL, argv, environ);
    if (rc != 0) return error_set(&a->e, ST_IO_ERROR, "%s: %s", program, strerror(rc));
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR) continue;
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0) {
        return error_set(&a->e, ST_IO_ERROR, "%s could not make its files", name);
    }
    return OK;
}

static int remove_one(const char *path, [[maybe_unused]] const struct stat *st,
                      [[maybe_unused]] int type, struct FTW *ftw) {
    return ftw->level == 0 ? 0 : remove(path);
}

static status fill(struct axl *a) {
    uint64_t id = 0;
    while (id == 0) {
        if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id) {
            return error_set(&a->e, ST_IO_ERROR, "no random numbers: %s", strerror(errno));
        }
    }
    TRY(write_settings(a));
    TRY(appliance_id_write(a->dir, id, &a->e));
    TRY(format_by(a, "storaged", id));
    return format_by(a, "logd", id);
}

int axl_init(struct axl *a) {
    bool made = false;
    if (!axl_done(a)) return axl_fail(a);
    if (!ok(make_directory(a, &made))) return axl_fail(a);
    if (!ok(fill(a))) {
        /* It was empty before: so that init can be tried again, it becomes so. */
        nftw(a->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        if (made) rmdir(a->dir);
        return axl_fail(a);
    }
    printf("The appliance is made in %s\nSettings: %s/" CONF_FILE_NAME
           "\nStart it: axl start -D %s\n",
           a->dir, a->dir, a->dir);
    return 0;
}
