/* Any record that passes for one, on any page (invariant I4): a change or a status, the same again,
 * a good node left good, and no byte read or written outside. */
#include "fmt/apply.h"
#include "fmt/node.h"
#include "input.h"

/* The record's bytes, its length made to fit them; NULL: no record. */
static struct rec_head *record_of(struct input *in) {
    size_t n;
    unsigned char *bytes = input_take(in, input16(in), &n);
    n &= ~(size_t)7;
    struct rec_head *r = n >= sizeof *r ? malloc(n) : NULL;
    if (r) {
        memcpy(r, bytes, n);
        r->len = (uint32_t)n;
    }
    free(bytes);
    if (r && ok(rec_valid(r, n))) return r;
    free(r);
    return NULL;
}

static void apply_to(const struct rec_head *r, int role, unsigned char *page) {
    unsigned char *twin = malloc(PAGE_BYTES);
    lsn at = {(uint64_t)1 << 40};
    MUST(twin);
    memcpy(twin, page, PAGE_BYTES);
    bool good = ok(node_valid(page));
    if (ok(apply(r, at, role, page))) {
        MUST(page_head(page)->lsn == at.at);
        MUST(ok(apply(r, at, role, twin)) && memcmp(page, twin, PAGE_BYTES) == 0);
        if (good && page_head(page)->type == PAGE_TYPE_TREE) MUST(ok(node_valid(page)));
    } else if (good) {
        MUST(memcmp(page, twin, PAGE_BYTES) == 0);
    }
    free(twin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    int role = (int)(input8(&in) % (REC_PAGES_MAX + 2)) - 1;
    struct rec_head *r = record_of(&in);
    if (!r) return 0;
    unsigned char *page = input_page(&in);
    apply_to(r, role, page);
    free(page);
    free(r);
    return 0;
}
