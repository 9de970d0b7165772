#include "fmt/page.h"

#include <string.h>

#include "base/crc32c.h"

static uint32_t page_crc(const void *page) {
    static const unsigned char zero[sizeof(uint32_t)];
    return crc32c(crc32c(0, zero, sizeof zero), (const char *)page + sizeof zero,
                  PAGE_BYTES - sizeof zero);
}

bool page_is_zero(const void *page) {
    const char *bytes = page;
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, PAGE_BYTES - 1) == 0;
}

void page_seal(void *page) {
    page_head(page)->crc = page_crc(page);
}

status page_verify(const void *page, page_id expected) {
    const struct page_head *h = page_head_c(page);
    if (h->crc == 0 && h->version == 0 && page_is_zero(page)) return OK;
    if (h->crc != page_crc(page)) return STATUS(DATA_CORRUPTED);
    if (h->version != PAGE_FORMAT || h->page != expected.no) return STATUS(DATA_CORRUPTED);
    return OK;
}

void space_page_format(void *page, page_id id) {
    struct space_page *s = page;
    memset(page, 0, PAGE_BYTES);
    s->head.type = PAGE_TYPE_SPACE;
    s->head.version = PAGE_FORMAT;
    s->head.page = id.no;
    s->first = id.no - SPACE_FIRST;
    uint64_t from = s->first == 0 ? 0 : SPACE_FIRST;
    for (uint64_t bit = from; bit <= SPACE_FIRST; bit++) space_bit_set(s, bit, true);
}
