/* Any bytes as pages 0 and 1 of the data file: the newer of those that are good, or none. */
#include "fmt/page.h"
#include "input.h"
#include "storaged.h"

/* A page of these bytes; sealed: its checksum is right. */
static void fill(struct input *in, bool sealed, unsigned char *page) {
    size_t n;
    void *bytes = input_take(in, sizeof(struct file_page), &n);
    memset(page, 0, PAGE_BYTES);
    memcpy(page, bytes, n);
    if (sealed) page_seal(page);
    free(bytes);
}

static bool is(const struct file_page *chosen, const unsigned char *page) {
    return memcmp(chosen, page, sizeof *chosen) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    uint8_t sealed = input8(&in);
    struct file_page chosen;
    unsigned char *pages = malloc(2 * PAGE_BYTES);
    MUST(pages);
    fill(&in, sealed & 1, pages);
    fill(&in, sealed & 2, pages + PAGE_BYTES);
    if (ok(file_page_choose(pages, &chosen))) {
        MUST(is(&chosen, pages) || is(&chosen, pages + PAGE_BYTES));
        MUST(chosen.magic == FILE_MAGIC && chosen.redo_lsn > 0);
        pages[(is(&chosen, pages) ? 0 : PAGE_BYTES) + 4000] ^= 1; /* one bit of it is wrong */
        struct file_page other;
        MUST(!ok(file_page_choose(pages, &other)) || !is(&chosen, (unsigned char *)&other) ||
             memcmp(pages, pages + PAGE_BYTES, sizeof other) == 0);
    }
    free(pages);
    return 0;
}
