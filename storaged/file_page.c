#include <stdlib.h>
#include <string.h>

#include "storaged.h"

status file_page_write(struct storaged *s, const struct file_page *next) {
    char *buf = io_buffer(PAGE_BYTES);
    if (!buf) return STATUS(OUT_OF_MEMORY);
    struct file_page *fp = (struct file_page *)buf;
    *fp = *next;
    fp->sequence = s->file.sequence + 1;
    fp->magic = FILE_MAGIC;
    fp->format = PAGE_FORMAT;
    fp->page_bytes = PAGE_BYTES;
    fp->head = (struct page_head){
        .type = PAGE_TYPE_FILE, .version = PAGE_FORMAT, .page = fp->sequence & 1};
    page_seal(buf);
    struct file_page written = *fp;
    cipher_hide(s, written.head.page, buf, buf);
    status st = io_run_one(s, (struct disk_io){.op = DISK_WRITE,
                                               .file = s->data,
                                               .offset = written.head.page * PAGE_BYTES,
                                               .buf = buf,
                                               .len = PAGE_BYTES,
                                               .durable = true});
    if (ok(st)) s->file = written;
    free(buf);
    return st;
}

static bool file_page_valid(const struct file_page *fp, uint64_t page_no) {
    return fp->head.type == PAGE_TYPE_FILE && fp->head.page == page_no && fp->magic == FILE_MAGIC &&
           fp->format == PAGE_FORMAT && fp->page_bytes == PAGE_BYTES && fp->redo_lsn > 0 &&
           ok(page_verify(fp, (page_id){page_no}));
}

status file_page_choose(const void *pages, struct file_page *ret) {
    const struct file_page *chosen = NULL;
    for (unsigned i = 0; i < 2; i++) {
        const struct file_page *fp =
            (const struct file_page *)((const char *)pages + i * PAGE_BYTES);
        if (file_page_valid(fp, i) && (!chosen || fp->sequence >= chosen->sequence)) chosen = fp;
    }
    if (!chosen) return STATUS(DATA_CORRUPTED);
    *ret = *chosen;
    return OK;
}

const char *file_page_words(struct storaged *s) {
    bool sealed = false;
    char *buf = io_buffer(2 * PAGE_BYTES);
    struct disk_io io = {.op = DISK_READ, .file = s->data, .buf = buf, .len = 2 * PAGE_BYTES};
    if (buf && ok(disk_do(s->disk, &io)))
        sealed = cipher_is_sealed(buf) || cipher_is_sealed(buf + PAGE_BYTES);
    free(buf);
    if (sealed && !s->crypt) return "encrypted, and no key is given";
    return s->crypt ? "damaged, not encrypted, or encrypted by other keys" : "damaged";
}

status file_page_read(struct storaged *s) {
    char *buf = io_buffer(2 * PAGE_BYTES);
    if (!buf) return STATUS(OUT_OF_MEMORY);
    status st = io_run_one(
        s, (struct disk_io){.op = DISK_READ, .file = s->data, .buf = buf, .len = 2 * PAGE_BYTES});
    if (ok(st)) st = file_page_choose(buf, &s->file);
    /* Were the newer copy damaged, the other would say how it was before the last life. */
    s->stopped_in_order = ok(st) && s->file.clean &&
                          file_page_valid((const struct file_page *)buf, 0) &&
                          file_page_valid((const struct file_page *)(buf + PAGE_BYTES), 1);
    free(buf);
    return st;
}
