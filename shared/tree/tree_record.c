#include <string.h>

#include "base/check.h"
#include "tree/tree_internal.h"

static _Thread_local _Alignas(8) unsigned char rec_scratch[REC_BYTES_MAX];
static _Thread_local _Alignas(8) unsigned char node_scratch[PAGE_BYTES];

void *tree_scratch_node(void) {
    return node_scratch;
}

void rec_begin(struct rec_builder *b, uint16_t type, struct tree t, unsigned npages) {
    CHECK(npages <= REC_PAGES_MAX);
    b->r = (struct rec_head *)rec_scratch;
    b->len = sizeof(struct rec_head) + npages * sizeof(struct rec_page);
    b->full = false;
    memset(rec_scratch, 0, b->len);
    b->r->type = type;
    b->r->npages = (uint8_t)npages;
    b->r->tree = t.id;
}

size_t rec_add(struct rec_builder *b, const void *bytes, size_t n) {
    size_t offset = b->len;
    if (n > REC_BYTES_MAX - 8 - b->len) {
        b->full = true;
        return offset;
    }
    if (n) memcpy(rec_scratch + b->len, bytes, n);
    b->len += n;
    return offset;
}

size_t rec_add_image(struct rec_builder *b, const void *node) {
    const struct node_page *n = node;
    struct rec_image image = {.lower = (uint16_t)(sizeof *n + n->count * sizeof(struct node_slot)),
                              .upper = n->heap};
    size_t offset = rec_add(b, &image, sizeof image);
    rec_add(b, node, image.lower);
    rec_add(b, (const char *)node + image.upper, (size_t)PAGE_CONTENT_END - image.upper);
    return offset;
}

void rec_set_page(struct rec_builder *b, unsigned role, page_id page, uint16_t flags,
                  size_t offset) {
    rec_pages(b->r)[role] = (struct rec_page){.page = page.no,
                                              .offset = (uint16_t)offset,
                                              .len = (uint16_t)(b->len - offset),
                                              .flags = flags};
}

void rec_end(struct rec_builder *b) {
    CHECK(!b->full);
    size_t len = (b->len + 7) & ~(size_t)7;
    memset(rec_scratch + b->len, 0, len - b->len);
    b->r->len = (uint32_t)len;
}
