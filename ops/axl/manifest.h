/* manifest.h: backup.json, what says that a directory is a backup and where it begins and ends. */
#ifndef AXL_MANIFEST_H
#define AXL_MANIFEST_H

#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "crypt/key_file.h"
#include "ipc_version.h"

struct manifest {
    uint64_t appliance_id;
    uint64_t since_lsn; /* 0: all pages; else only those that changed from there on */
    uint64_t redo_lsn, undo_lsn, purge_lsn, next_txid, last_commit; /* as in a checkpoint */
    uint64_t file_pages;                                            /* of the data file */
    uint64_t pages;                                                 /* in the backup */
    uint64_t from_lsn, end_lsn;                                     /* of its log */
    time_t begun, ended;
    char version[VERSION_LINE_BYTES]; /* of who made it (ipc_version.h); empty: it does not say */
    bool encrypted;
    struct key_file keys; /* when it is: those that open it, wrapped */
};

char *manifest_text(const struct manifest *m); /* to be freed; NULL: no memory */
/* Durable when it returns. */
status manifest_put(const char *dir, const char *text, struct error *e);
status manifest_write(const char *dir, const struct manifest *m, struct error *e);
status manifest_parse(const char *text, struct manifest *ret, struct error *e);
status manifest_read(const char *dir, struct manifest *ret, struct error *e);

#endif
