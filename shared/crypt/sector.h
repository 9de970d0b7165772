/* sector.h: a run of bytes sealed in sectors of what a disk writes whole: 480 bytes and their tail.
 * So bytes that were durable stay so when the sector that they share with later ones is written
 * again, longer, and that is torn. A sector that was never written is all zero. */
#ifndef CRYPT_SECTOR_H
#define CRYPT_SECTOR_H

#include "crypt/crypt.h"

#define SECTOR_BYTES 512
#define SECTOR_CONTENT_BYTES 480

static inline size_t sectors_for(size_t bytes) {
    return (bytes + SECTOR_CONTENT_BYTES - 1) / SECTOR_CONTENT_BYTES;
}
/* n bytes, the first one at `position`, into sectors_for(n) sectors; the last one is filled up with
 * zeros. */
void sectors_seal(struct crypt *c, enum crypt_what what, uint64_t position, const void *bytes,
                  size_t n, void *ret_sectors);
/* `count` sectors in their place: their content, one behind the other, from the beginning on.
 * Zeros stand for a sector that does not open; how many did not. */
size_t sectors_open(struct crypt *c, enum crypt_what what, uint64_t position, void *sectors,
                    size_t count);

#endif
