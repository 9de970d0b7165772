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
#include "ipc_version.h"
#include "keys.h"

status axl_make_directory(struct axl *a, bool *ret_made) {
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

static status write_settings(struct axl *a, const struct conf *c) {
    char path[AXL_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, a->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) return error_set(&a->e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
    conf_write_file(f, c);
    bool written = fflush(f) == 0 && fsync(fd) == 0;
    fclose(f);
    return written ? OK : error_set(&a->e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
}

#define ARGUMENTS_MAX 160

status axl_run(struct axl *a, const char *name, char *const argv[]) {
    char program[AXL_PATH_BYTES + 32];
    char *all[ARGUMENTS_MAX + 2] = {program};
    snprintf(program, sizeof program, "%s/%s", a->programs, name);
    for (int i = 0; argv[i] && i < ARGUMENTS_MAX; i++) all[i + 1] = argv[i];
    extern char **environ;
    pid_t pid;
    fflush(stdout);
    int how, rc = posix_spawn(&pid, program, NULL, NULL, all, environ);
    if (rc != 0) return error_set(&a->e, ST_IO_ERROR, "%s: %s", program, strerror(rc));
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR) continue;
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0) {
        return error_set(&a->e, ST_IO_ERROR, "%s could not make its files", name);
    }
    return OK;
}

/* NAME --format -D DIR --appliance HEX: each daemon makes the files that it owns. */
static status format_by(struct axl *a, struct axl_keys *k, const char *name, uint64_t id) {
    char hex[32];
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)id);
    return axl_keys_run(a, k, name, (char *[]){"--format", "-D", a->dir, "--appliance", hex, NULL});
}

static bool copy_bytes(FILE *from, FILE *to) {
    char bytes[4096];
    size_t n;
    while ((n = fread(bytes, 1, sizeof bytes, from)) > 0)
        if (fwrite(bytes, 1, n, to) != n) return false;
    return !ferror(from) && fflush(to) == 0 && fsync(fileno(to)) == 0;
}

status axl_copy_settings(struct axl *a, const char *from, const char *to) {
    char source[AXL_PATH_BYTES + 32], target[AXL_PATH_BYTES + 32];
    snprintf(source, sizeof source, "%s/" CONF_FILE_NAME, from);
    snprintf(target, sizeof target, "%s/" CONF_FILE_NAME, to);
    FILE *in = fopen(source, "re");
    int fd = in ? open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool good = in && out && copy_bytes(in, out);
    int why = errno;
    if (in) fclose(in);
    if (out) fclose(out);
    return good ? OK
                : error_set(&a->e, ST_IO_ERROR, "could not copy \"%s\" to \"%s\": %s", source,
                            target, strerror(why));
}

static int remove_one(const char *path, [[maybe_unused]] const struct stat *st,
                      [[maybe_unused]] int type, struct FTW *ftw) {
    return ftw->level == 0 ? 0 : remove(path);
}

/* It was empty before: so that it can be tried again, it becomes so. */
void axl_empty_directory(const char *dir, bool made) {
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (made) rmdir(dir);
}

status axl_new_id(struct axl *a, uint64_t *ret) {
    *ret = 0;
    while (*ret == 0) {
        if (getrandom(ret, sizeof *ret, 0) != (ssize_t)sizeof *ret) {
            return error_set(&a->e, ST_IO_ERROR, "no random numbers: %s", strerror(errno));
        }
    }
    TRY(version_write_data(a->dir, &a->e));
    return appliance_id_write(a->dir, *ret, &a->e);
}

static status fill(struct axl *a, struct axl_keys *k, const struct conf *c) {
    uint64_t id;
    TRY(write_settings(a, c));
    TRY(axl_new_id(a, &id));
    TRY(axl_keys_make(a, k, id));
    TRY(format_by(a, k, "storaged", id));
    return format_by(a, k, "logd", id);
}

static status settings_given(struct axl *a, struct conf *ret_conf) {
    const char *text;
    conf_init(ret_conf);
    while (axl_option(a, "--set", &text)) TRY(conf_set_text(ret_conf, text, true, &a->e));
    return OK;
}

int axl_init(struct axl *a) {
    static struct axl_keys keys;
    bool made = false;
    struct conf conf;
    status st = axl_keys_options(a, &keys);
    if (ok(st)) st = settings_given(a, &conf);
    if (!ok(st) || !axl_done(a)) return axl_fail(a);
    if (!ok(axl_make_directory(a, &made))) return axl_fail(a);
    st = fill(a, &keys, &conf);
    axl_keys_close(&keys);
    if (!ok(st)) {
        axl_empty_directory(a->dir, made);
        return axl_fail(a);
    }
    printf("The appliance is made in %s%s\nSettings: %s/" CONF_FILE_NAME
           "\nStart it: axl start -D %s\n",
           a->dir, keys.encrypt ? ", its data encrypted" : "", a->dir, a->dir);
    return 0;
}
