/* keys.h: the keys of encrypted data (shared/crypt), for the words that make or read the files of
 * an appliance that does not run. Options of these words: --encrypt, --key-file FILE, --key-command
 * COMMAND; what is not given is the settings'. --old-key-file FILE, of backups and archives that
 * another master key opens: as often as is needed, up to four. */
#ifndef AXL_KEYS_H
#define AXL_KEYS_H

#include "axl.h"
#include "crypt/keyring.h"

struct axl_keys {
    bool encrypt; /* a new appliance: its data */
    const char *file, *command;
    char real[AXL_PATH_BYTES]; /* the file's absolute path */
    const char *old[KEYRING_SOURCES_MAX - 1];
    size_t nold;
    struct conf conf;
    struct master_source source; /* options, else settings */
    struct keyring ring;
    struct crypt_keys backup; /* of the backups that are read; count 0: they are plain */
};

/* Takes the options from the arguments. */
status axl_keys_options(struct axl *a, struct axl_keys *k);
/* From the options, else from the settings in `dir`. */
status axl_keys_source(struct axl *a, struct axl_keys *k, const char *dir);
/* backup: from the wrapped keys of n files; what(arg, i) names one. */
status axl_keys_of_backups(struct axl *a, struct axl_keys *k, const struct key_file *files,
                           size_t n, const char *(*what)(void *arg, size_t i), void *arg);
/* Writes what the options say into the settings in DIR, which are made already. */
status axl_keys_note(struct axl *a, struct axl_keys *k);
/* DIR's keys: made when its data are to be encrypted; ring.encrypted says whether there are any. */
status axl_keys_make(struct axl *a, struct axl_keys *k, uint64_t id);
/* axl_run, of a program that has the keys. */
status axl_keys_run(struct axl *a, struct axl_keys *k, const char *name, char *const argv[]);
void axl_keys_close(struct axl_keys *k);

#endif
