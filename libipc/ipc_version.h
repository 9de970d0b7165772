/* ipc_version.h: what a program says of itself when asked with --version, in one line:
 *
 *     axolotl storaged 0.1.0 layout 3 page 1 log 1 data 1
 *
 * Programs may take one another's place while the appliance runs when all numbers but the program's
 * own version are equal. */
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

#endif
