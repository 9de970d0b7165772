#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "storaged.h"

#define DOUBLEWRITE_FILE "doublewrite"
#define FILE_BYTES ((size_t)WRITERS * DOUBLEWRITE_REGION_BYTES)

/* The double-write file (fmt/files.h): one region for each writer. A batch is durable here before
 * any of its pages is written home, and the region is used again only after they are durable at
 * home: of a page torn at home there is a whole copy here. */

_Static_assert(WRITERS == DOUBLEWRITE_REGIONS && BATCH_PAGES == DOUBLEWRITE_PAGES, "format");

void doublewrite_seal(struct storaged *s, char *buf, unsigned count) {
    struct doublewrite_head *h = (struct doublewrite_head *)buf;
    *h = (struct doublewrite_head){
        .count = count, .magic = DOUBLEWRITE_MAGIC, .sequence = s->file.sequence};
    for (unsigned i = 0; i < count; i++)
        h->page[i] = page_head_c(buf + DOUBLEWRITE_HEAD_BYTES + (size_t)i * PAGE_BYTES)->page;
    h->crc = doublewrite_head_crc(buf);
}

/* The pages of the batches, plain; one that a newer batch was torn over does not verify. */
static void show_regions(struct storaged *s, char *regions) {
    for (unsigned w = 0; s->crypt && w < WRITERS; w++) {
        char *region = regions + (size_t)w * DOUBLEWRITE_REGION_BYTES;
        const struct doublewrite_head *h = (const struct doublewrite_head *)region;
        if (h->magic != DOUBLEWRITE_MAGIC || h->count > DOUBLEWRITE_PAGES) continue;
        for (unsigned i = 0; i < h->count; i++)
            cipher_show(s, h->page[i], region + DOUBLEWRITE_HEAD_BYTES + (size_t)i * PAGE_BYTES, 1);
    }
}

static status read_regions(struct storaged *s, char **ret_buf) {
    char *buf = io_buffer(FILE_BYTES);
    if (!buf) return STATUS(OUT_OF_MEMORY);
    status st = io_run_one(
        s,
        (struct disk_io){.op = DISK_READ, .file = s->doublewrite, .buf = buf, .len = FILE_BYTES});
    if (!ok(st)) {
        free(buf);
        return st;
    }
    show_regions(s, buf);
    *ret_buf = buf;
    return OK;
}

status doublewrite_find(struct storaged *s, uint64_t page_no, void *page) {
    char *regions;
    TRY(read_regions(s, &regions));
    const void *copy = doublewrite_copy(regions, s->file.sequence, (page_id){page_no});
    if (copy) memcpy(page, copy, PAGE_BYTES);
    free(regions);
    return copy ? OK : STATUS(NOT_FOUND);
}

static status mend(struct storaged *s, const char *regions, uint64_t page_no, char *buf,
                   unsigned *pages) {
    struct disk_io io = {.op = DISK_READ,
                         .file = s->data,
                         .offset = page_no * PAGE_BYTES,
                         .buf = buf,
                         .len = PAGE_BYTES};
    TRY(io_run_one(s, io));
    if (ok(page_verify(buf, (page_id){page_no}))) return OK;
    const void *copy = doublewrite_copy(regions, s->file.sequence, (page_id){page_no});
    if (!copy) return OK;
    cipher_hide(s, page_no, copy, buf);
    io.op = DISK_WRITE;
    io.durable = true;
    ++*pages;
    return io_run_one(s, io);
}

status doublewrite_empty(struct storaged *s) {
    char *zeros = io_buffer(FILE_BYTES);
    if (!zeros) return STATUS(OUT_OF_MEMORY);
    status st = io_run_one(s, (struct disk_io){.op = DISK_WRITE,
                                               .file = s->doublewrite,
                                               .buf = zeros,
                                               .len = FILE_BYTES,
                                               .durable = true});
    free(zeros);
    return st;
}

status doublewrite_make(struct storaged *s) {
    if (!s->doublewrite)
        TRY(disk_file_open(s->disk, s->dirfd, DOUBLEWRITE_FILE, true, &s->doublewrite));
    TRY(disk_file_extend(s->doublewrite, 0, FILE_BYTES));
    return disk_file_sync_dir(s->disk, s->dirfd);
}

/* A page that was torn when everything died may be whole nowhere else: where that cannot be ruled
 * out, it is not ours to go on without. */
static status refuse_without(const char *what, struct error *e) {
    status st = error_set(e, ST_NOT_FOUND,
                          "the file \"" DOUBLEWRITE_FILE "\" %s, and the appliance was not stopped "
                          "in order: a page that was just being written may be whole only there",
                          what);
    error_hint(e,
               "Put the file back. If it is lost: axl verify tells which pages are damaged, and "
               "axl start --set ignore_missing_doublewrite=on starts without it; what is damaged "
               "is then made again from log or backup, or refused.");
    return st;
}

status doublewrite_open(struct storaged *s, struct error *e) {
    uint64_t bytes = 0;
    status st = disk_file_open(s->disk, s->dirfd, DOUBLEWRITE_FILE, false, &s->doublewrite);
    bool missing = status_is(st, ST_NOT_FOUND);
    if (ok(st)) st = disk_file_size(s->doublewrite, &bytes);
    if (ok(st) && bytes >= FILE_BYTES) return OK;
    const char *what = missing ? "is missing" : "is cut off";
    if (ok(st) || missing) {
        bool needed = !s->stopped_in_order || s->fetch.active;
        if (needed && !s->options.ignore_missing_doublewrite) return refuse_without(what, e);
        storaged_say("the file \"" DOUBLEWRITE_FILE "\" %s: it is made anew", what);
        st = doublewrite_make(s);
    }
    return ok(st) ? OK
                  : error_set(e, st.code, "the file \"" DOUBLEWRITE_FILE "\" cannot be used: %s",
                              status_name(st));
}

status doublewrite_recover(struct storaged *s, unsigned *ret_pages) {
    char *regions;
    TRY(read_regions(s, &regions));
    unsigned pages = 0;
    char *buf = io_buffer(PAGE_BYTES);
    status st = buf ? OK : STATUS(OUT_OF_MEMORY);
    for (unsigned w = 0; w < WRITERS && ok(st); w++) {
        const char *region = regions + (size_t)w * DOUBLEWRITE_REGION_BYTES;
        const struct doublewrite_head *h = (const struct doublewrite_head *)region;
        if (h->magic != DOUBLEWRITE_MAGIC || h->count > DOUBLEWRITE_PAGES) continue;
        for (unsigned i = 0; i < h->count && ok(st); i++)
            if (doublewrite_copy(regions, s->file.sequence, (page_id){h->page[i]}))
                st = mend(s, regions, h->page[i], buf, &pages);
    }
    free(buf);
    free(regions);
    if (ok(st)) *ret_pages = pages;
    return st;
}
