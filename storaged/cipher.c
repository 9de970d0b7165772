#include <string.h>

#include "base/check.h"
#include "crypt/crypt.h"
#include "storaged.h"

/* Pages of an encrypted data file: plain in frames, sealed in every file (shared/crypt). The tail
 * of a page is that of what is sealed. In memory the tail is zero. */

_Static_assert(sizeof(struct crypt_tail) == PAGE_TAIL_BYTES, "format");

uint32_t cipher_key(const void *page) {
    struct crypt_tail tail;
    memcpy(&tail, (const char *)page + PAGE_CONTENT_END, sizeof tail);
    return tail.key;
}

bool cipher_is_sealed(const void *page) {
    return cipher_key(page) != 0;
}

void cipher_hide(struct storaged *s, uint64_t page_no, const void *page, void *to) {
    struct crypt_tail tail;
    if (!s->crypt) {
        if (to != page) memcpy(to, page, PAGE_BYTES);
        return;
    }
    crypt_seal(s->crypt, CRYPT_PAGE, page_no, page, to, PAGE_CONTENT_END, &tail);
    memcpy((char *)to + PAGE_CONTENT_END, &tail, sizeof tail);
}

void cipher_show(struct storaged *s, uint64_t first, void *pages, size_t n) {
    for (size_t i = 0; s->crypt && i < n; i++) {
        char *page = (char *)pages + i * PAGE_BYTES;
        status_ignore(
            crypt_open_block(s->crypt, CRYPT_PAGE, first + i, page, PAGE_BYTES)); /* shows */
    }
}

static bool of_pages(const struct storaged *s, const struct disk_io *io, enum disk_op op) {
    return s->crypt && io->file == s->data && io->op == op;
}

void cipher_read_done(struct storaged *s, const struct disk_io *io) {
    if (!of_pages(s, io, DISK_READ) || !ok(io->result)) return;
    for (size_t at = 0, n; at < io->len; at += n) {
        void *pages = disk_io_at(io, at, &n);
        cipher_show(s, (io->offset + at) / PAGE_BYTES, pages, n / PAGE_BYTES);
    }
}

void cipher_check_write(const struct storaged *s, const struct disk_io *io) {
    if (!of_pages(s, io, DISK_WRITE)) return;
    for (size_t at = 0; at < io->len; at += PAGE_BYTES)
        CHECK(cipher_is_sealed((const char *)io->buf + at));
}
