#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypt/given.h"

#define ARGUMENTS_MAX 160

status axl_keys_options(struct axl *a, struct axl_keys *k) {
    k->encrypt = axl_option(a, "--encrypt", NULL);
    (void)axl_option(a, "--key-file", &k->file);
    (void)axl_option(a, "--key-command", &k->command);
    while (k->nold < KEYRING_SOURCES_MAX - 1 && axl_option(a, "--old-key-file", &k->old[k->nold]))
        k->nold++;
    if (!k->file) return OK;
    char *real = realpath(k->file, NULL);
    bool fits = real && strlen(real) < sizeof k->real;
    if (fits) strcpy(k->real, real);
    status st = fits ? OK
                     : error_set(&a->e, ST_IO_ERROR, "encryption key file \"%s\": %s", k->file,
                                 real ? "its path is too long" : strerror(errno));
    free(real);
    k->file = k->real;
    return st;
}

status axl_keys_source(struct axl *a, struct axl_keys *k, const char *dir) {
    char path[AXL_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, dir);
    conf_init(&k->conf);
    status st = conf_load(&k->conf, path, &a->e);
    if (status_is(st, ST_NOT_FOUND)) /* of a damaged appliance: the options say it */
        error_clear(&a->e);
    else
        TRY(st);
    if (k->file || k->command)
        k->source = (struct master_source){.file = k->file, .command = k->command};
    else
        k->source = (struct master_source){.file = k->conf.encryption_key_file,
                                           .command = k->conf.encryption_key_command};
    return OK;
}

/* A value as the file of settings has it: in quotes, in which nothing is replaced. */
static status print_setting(struct axl *a, FILE *f, const char *name, const char *value) {
    if (strlen(value) >= CONF_TEXT_BYTES || strpbrk(value, "'\n\\"))
        return error_set(&a->e, ST_INVALID_PARAMETER_VALUE,
                         "%s cannot be written into the settings: it has a quote, a backslash or "
                         "more than %d characters",
                         name, CONF_TEXT_BYTES - 1);
    fprintf(f, "%s = '%s'\n", name, value);
    return OK;
}

static bool is_of_key(const char *line) {
    line += strspn(line, " \t");
    return strncmp(line, "encryption_key_", strlen("encryption_key_")) == 0;
}

/* All other settings, then the key's. */
static status print_settings(struct axl *a, const struct axl_keys *k, FILE *from, FILE *to) {
    char *line = NULL;
    size_t room = 0;
    bool ended = true; /* the last line */
    while (getline(&line, &room, from) > 0) {
        if (is_of_key(line)) continue;
        fputs(line, to);
        ended = line[strlen(line) - 1] == '\n';
    }
    free(line);
    if (!ended) fputc('\n', to);
    TRY(print_setting(a, to, "encryption_key_file", k->file ? k->file : ""));
    return print_setting(a, to, "encryption_key_command", k->command ? k->command : "");
}

static bool replace_durably(const struct axl *a, FILE *f, const char *new, const char *path) {
    int dir = open(a->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = dir >= 0 && fflush(f) == 0 && fsync(fileno(f)) == 0 && rename(new, path) == 0 &&
                fsync(dir) == 0;
    if (dir >= 0) close(dir);
    return good;
}

status axl_keys_note(struct axl *a, struct axl_keys *k) {
    char path[AXL_PATH_BYTES + 32], new[AXL_PATH_BYTES + 32];
    if (!k->file && !k->command) return OK;
    snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, a->dir);
    snprintf(new, sizeof new, "%s/" CONF_FILE_NAME ".new", a->dir);
    FILE *from = fopen(path, "re"), *to = fopen(new, "we");
    struct stat as; /* who may read it stays so */
    bool made = from && to && fstat(fileno(from), &as) == 0 && fchmod(fileno(to), as.st_mode) == 0;
    status st = made ? print_settings(a, k, from, to) : STATUS(IO_ERROR);
    if (ok(st) && !replace_durably(a, to, new, path)) st = STATUS(IO_ERROR);
    if (!ok(st)) st = error_set(&a->e, st.code, "%s: %s", path, strerror(errno));
    if (from) fclose(from);
    if (to) fclose(to);
    return st;
}

status axl_keys_make(struct axl *a, struct axl_keys *k, uint64_t id) {
    if (!k->encrypt && (k->file || k->command))
        return error_set(&a->e, ST_INVALID_PARAMETER_VALUE, "a key is only of use with --encrypt");
    if (!k->encrypt) return OK;
    TRY(axl_keys_note(a, k));
    TRY(axl_keys_source(a, k, a->dir));
    return keyring_make(a->dir, id, &k->source, &k->ring, &a->e);
}

status axl_keys_of_backups(struct axl *a, struct axl_keys *k, const struct key_file *files,
                           size_t n, const char *(*what)(void *arg, size_t i), void *arg) {
    struct master_source sources[KEYRING_SOURCES_MAX] = {k->source};
    for (size_t i = 0; i < k->nold; i++) sources[i + 1].file = k->old[i];
    return keyring_collect(files, n, sources, k->nold + 1, what, arg, &k->backup, &a->e);
}

/* A program's arguments, and the descriptors that it inherits besides. */
struct run {
    char *argv[ARGUMENTS_MAX + 5], text[2][16];
    int n, fd[2], nfds;
};

static status give(struct run *r, const char *option, const struct crypt_keys *keys) {
    int fd;
    TRY(given_make(keys, NULL, &fd));
    r->fd[r->nfds] = fd;
    if (fcntl(fd, F_SETFD, 0) != 0) return STATUS(IO_ERROR);
    snprintf(r->text[r->nfds], sizeof *r->text, "%d", fd);
    r->argv[r->n++] = (char *)option;
    r->argv[r->n++] = r->text[r->nfds++];
    return OK;
}

/* What it seals is of a life of its own. */
static status give_all(struct axl *a, struct axl_keys *k, struct run *r) {
    if (k->ring.encrypted) {
        TRY(keyring_take_lives(a->dir, &k->ring, 1, &k->ring.keys.life));
        TRY(give(r, GIVEN_OPTION, &k->ring.keys));
    }
    return k->backup.count ? give(r, GIVEN_BACKUP_OPTION, &k->backup) : OK;
}

status axl_keys_run(struct axl *a, struct axl_keys *k, const char *name, char *const argv[]) {
    struct run r = {0};
    for (; argv[r.n] && r.n < ARGUMENTS_MAX; r.n++) r.argv[r.n] = argv[r.n];
    status st = give_all(a, k, &r);
    if (!ok(st))
        st = error_set(&a->e, st.code, "the keys in \"%s\" cannot be used: %s", a->dir,
                       status_name(st));
    else
        st = axl_run(a, name, r.argv);
    for (int i = 0; i < r.nfds; i++) close(r.fd[i]);
    return st;
}

void axl_keys_close(struct axl_keys *k) {
    keyring_close(&k->ring);
    crypt_wipe(&k->backup, sizeof k->backup);
}
