#include "crypt/sector.h"

#include <string.h>

_Static_assert(SECTOR_CONTENT_BYTES + sizeof(struct crypt_tail) == SECTOR_BYTES, "format");

void sectors_seal(struct crypt *c, enum crypt_what what, uint64_t position, const void *bytes,
                  size_t n, void *ret_sectors) {
    const char *from = bytes;
    for (char *to = ret_sectors; n > 0; to += SECTOR_BYTES) {
        size_t part = n < SECTOR_CONTENT_BYTES ? n : SECTOR_CONTENT_BYTES;
        struct crypt_tail tail;
        memcpy(to, from, part);
        memset(to + part, 0, SECTOR_CONTENT_BYTES - part);
        crypt_seal(c, what, position, to, to, SECTOR_CONTENT_BYTES, &tail);
        memcpy(to + SECTOR_CONTENT_BYTES, &tail, sizeof tail);
        position += SECTOR_CONTENT_BYTES;
        from += part;
        n -= part;
    }
}

static bool is_zero(const char *sector) {
    return sector[0] == 0 && memcmp(sector, sector + 1, SECTOR_BYTES - 1) == 0;
}

size_t sectors_open(struct crypt *c, enum crypt_what what, uint64_t position, void *sectors,
                    size_t count) {
    char *from = sectors, *to = sectors;
    size_t bad = 0;
    for (size_t i = 0; i < count; i++, from += SECTOR_BYTES, to += SECTOR_CONTENT_BYTES) {
        struct crypt_tail tail;
        memcpy(&tail, from + SECTOR_CONTENT_BYTES, sizeof tail);
        if (tail.key != 0 || !is_zero(from))
            bad += !ok(crypt_open(c, what, position + i * SECTOR_CONTENT_BYTES, from, from,
                                  SECTOR_CONTENT_BYTES, &tail));
        memmove(to, from, SECTOR_CONTENT_BYTES);
    }
    return bad;
}
