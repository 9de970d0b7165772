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

static void show_page(struct storaged *s, uint64_t page_no, char *page) {
    struct crypt_tail tail;
    memcpy(&tail, page + PAGE_CONTENT_END, sizeof tail);
    if (tail.key == 0 && page_is_zero(page)) return; /* never written */
    if (ok(crypt_open(s->crypt, CRYPT_PAGE, page_no, page, page, PAGE_CONTENT_END, &tail)))
        memset(page + PAGE_CONTENT_END, 0, PAGE_TAIL_BYTES);
    else
        memset(page, 0xFF, PAGE_BYTES); /* which does not verify */
}

void cipher_show(struct storaged *s, uint64_t first, void *pages, size_t n) {
    for (size_t i = 0; s->crypt && i < n; i++)
        show_page(s, first + i, (char *)pages + i * PAGE_BYTES);
}

static bool of_pages(const struct storaged *s, const struct disk_io *io, enum disk_op op) {
    return s->crypt && io->file == s->data && io->op == op;
}

void cipher_read_done(struct storaged *s, const struct disk_io *io) {
    if (of_pages(s, io, DISK_READ) && ok(io->result))
        cipher_show(s, io->offset / PAGE_BYTES, io->buf, io->len / PAGE_BYTES);
}

void cipher_check_write(const struct storaged *s, const struct disk_io *io) {
    if (!of_pages(s, io, DISK_WRITE)) return;
    for (size_t at = 0; at < io->len; at += PAGE_BYTES)
        CHECK(cipher_is_sealed((const char *)io->buf + at));
}
