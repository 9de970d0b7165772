#include "fmt/record_find.h"

/* Bytes of the whole record that begins at `offset`; 0: none does. */
static size_t record_at(const unsigned char *bytes, size_t n, size_t offset, lsn at) {
    const struct rec_head *r = (const struct rec_head *)(bytes + offset);
    bool whole = ok(rec_valid(r, n - offset)) && rec_crc(r, (lsn){at.at + offset}) == r->crc;
    return whole ? r->len : 0;
}

size_t rec_find(const void *bytes, size_t n, lsn at) {
    for (size_t offset = 0; offset < n; offset += 8) {
        size_t len = record_at(bytes, n, offset, at);
        if (len && record_at(bytes, n, offset + len, at)) return offset;
    }
    return n;
}
