/* ipc_version.h: what a program says of itself when asked with --version, in one line:
 *
 *     axolotl storaged 0.1.0 layout 3 page 1 log 1 data 1
 *
 * Programs may take one another's place while the appliance runs when all numbers but the program's
 * own version are equal. Such a line is also the file "version" of a data directory, written when
 * that is made, and stands in the manifests of backups: formats of page, log and data must be
 * those of the program that is to read them. */
#ifndef IPC_VERSION_H
#define IPC_VERSION_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define VERSION_LINE_BYTES 256

struct version {
    char program[32], number[32];
    uint32_t layout; /* of shared memory: REGION_LAYOUT_VERSION */
    uint32_t page;   /* PAGE_FORMAT */
    uint32_t log;    /* LOG_FORMAT */
    uint32_t data;   /* DATA_FORMAT */
};

/* Of the program that this is part of; name: "storaged". */
struct version version_own(const char *name);
/* --version among the arguments: prints the line and returns true. */
bool version_asked(int argc, char **argv, const char *name);
void version_print(const struct version *v, char ret_line[VERSION_LINE_BYTES]);
/* INVALID: not such a line. */
status version_parse(const char *line, struct version *ret_version);
/* Words in *e and OBJECT_NOT_IN_PREREQUISITE_STATE when `other` cannot take `own`'s place. */
status version_check(const struct version *own, const struct version *other, struct error *e);

/* "version" of a data directory, as that of this program. Durable when it returns. */
#define VERSION_FILE_NAME "version"
status version_write_data(const char *dir, struct error *e);
/* Words that name both versions, and OBJECT_NOT_IN_PREREQUISITE_STATE, when this program cannot
 * read what lies in the directory. One without a version is told by the format of its log. */
status version_check_data(const char *dir, struct error *e);
/* Likewise, what says so in `line`; what: its name in the words. An empty line fits. */
status version_check_line(const char *line, const char *what, struct error *e);

#endif
