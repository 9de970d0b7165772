/* stride.h: stretches of a stepped process that count as one instruction.
 *
 *   libcrypto; sectors_seal, sectors_open
 *                  a cipher takes some hundred thousand instructions a page, on memory of the
 *                  process's own or on the contents of pages that nobody may see yet
 *   rep movs, rep stos
 *                  each of their rounds is a step; only where they write no watched area
 *
 * Only on x86-64; elsewhere everything is stepped. */
#ifndef KILL_STRIDE_H
#define KILL_STRIDE_H

#include <stdint.h>
#include <sys/types.h>

struct step;

struct stride {
    uint64_t from, to; /* libcrypto's text; 0, 0: it is not loaded */
    uint64_t at;       /* the instruction that the last step came to */
};

void stride_init(struct stride *st);
/* The process has stopped after a step: goes on to the end of a stretch that begins there. `*how`
 * is then what waitpid says of where it has stopped now. */
void stride_on(struct stride *st, const struct step *s, pid_t pid, int *how);

#endif
