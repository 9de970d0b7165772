/* Any bytes as a stretch of the log: walked record by record, every part of one that passes for a
 * record lies in it. */
#include "fmt/record.h"
#include "input.h"

static void look(const struct rec_head *r) {
    const unsigned char *begin = (const unsigned char *)r, *end = begin + r->len;
    struct rec_entry_view v;
    const struct rec_page *pages = rec_pages_c(r);
    MUST((const unsigned char *)rec_payload_c(r) <= end && rec_type_name(r->type)[0]);
    for (unsigned i = 0; i < r->npages; i++) MUST((size_t)pages[i].offset + pages[i].len <= r->len);
    rec_crc(r, (lsn){64});
    if (!ok(rec_entry_parse(r, &v))) return;
    MUST(v.key >= begin && v.key + v.e->key_len <= end);
    MUST(v.old_middle >= begin && v.old_middle + v.e->old_middle <= end);
    MUST(v.new_middle >= begin && v.new_middle + v.e->new_middle <= end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    size_t n, at = 0;
    unsigned char *bytes = input_take(&in, size, &n);
    while (ok(rec_valid(bytes + at, n - at))) {
        const struct rec_head *r = (const struct rec_head *)(bytes + at);
        MUST(r->len && r->len % 8 == 0 && r->len <= n - at);
        look(r);
        at += r->len;
    }
    free(bytes);
    return 0;
}
