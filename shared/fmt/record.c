#include "fmt/record.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"

uint32_t rec_crc(const struct rec_head *r, lsn at) {
    static const unsigned char zero[sizeof(uint32_t)];
    const char *bytes = (const char *)r;
    uint32_t crc = crc32c(0, &at.at, sizeof at.at);
    crc = crc32c(crc, bytes, offsetof(struct rec_head, crc));
    crc = crc32c(crc, zero, sizeof zero);
    return crc32c(crc, bytes + offsetof(struct rec_head, type),
                  r->len - offsetof(struct rec_head, type));
}

const char *rec_type_name(uint16_t type) {
    switch (type) {
#define X(name, number)                                                                            \
    case number:                                                                                   \
        return #name;
#include "fmt/record.def"
#undef X
    default: return "?";
    }
}

/* How many pages a record of this type has, and how long its payload is at least. */
struct rec_shape {
    uint8_t pages_min, pages_max;
    uint16_t payload_min;
};

static bool rec_shape_of(uint16_t type, struct rec_shape *ret_shape) {
    switch (type) {
    case REC_FILLER:
    case REC_ROLLED_BACK: *ret_shape = (struct rec_shape){0, 0, 0}; return true;
    case REC_COMMIT: *ret_shape = (struct rec_shape){0, 0, sizeof(struct rec_commit)}; return true;
    case REC_CHECKPOINT:
        *ret_shape = (struct rec_shape){0, 0, sizeof(struct rec_checkpoint)};
        return true;
    case REC_TREE_DROP: *ret_shape = (struct rec_shape){0, 0, sizeof(uint64_t)}; return true;
    case REC_ENTRY_INSERT:
    case REC_ENTRY_UPDATE:
    case REC_ENTRY_DELETE:
    case REC_ENTRY_REMOVE:
    case REC_ENTRY_RESTORE:
        *ret_shape = (struct rec_shape){1, 1, sizeof(struct rec_entry)};
        return true;
    case REC_TREE_CREATE:
    case REC_TREE_FREE_ROOT: *ret_shape = (struct rec_shape){2, 2, 0}; return true;
    case REC_TREE_FILL:
    case REC_TREE_SPLIT: *ret_shape = (struct rec_shape){4, 4, 0}; return true;
    case REC_TREE_GROW: *ret_shape = (struct rec_shape){4, 5, 0}; return true;
    case REC_TREE_UNLINK: *ret_shape = (struct rec_shape){3, 4, 0}; return true;
    case REC_TREE_SHRINK: *ret_shape = (struct rec_shape){3, 3, 0}; return true;
    default: return false;
    }
}

static bool rec_is_entry(uint16_t type) {
    return type >= REC_ENTRY_INSERT && type <= REC_ENTRY_RESTORE;
}

status rec_valid(const void *bytes, size_t available) {
    const struct rec_head *r = bytes;
    struct rec_shape shape;
    if (available < sizeof *r) return STATUS(INVALID);
    if (r->len < sizeof *r || r->len % 8 != 0 || r->len > REC_BYTES_MAX || r->len > available)
        return STATUS(INVALID);
    if (!rec_shape_of(r->type, &shape) || r->npages < shape.pages_min ||
        r->npages > shape.pages_max || (r->flags & ~REC_COMPENSATION) != 0)
        return STATUS(INVALID);
    size_t start = sizeof *r + r->npages * sizeof(struct rec_page);
    if (start + shape.payload_min > r->len) return STATUS(INVALID);
    for (unsigned i = 0; i < r->npages; i++) {
        const struct rec_page *p = rec_pages_c(r) + i;
        if (p->page > PAGE_NO_MAX || p->offset < start || (size_t)p->offset + p->len > r->len)
            return STATUS(INVALID);
    }
    if (r->type == REC_TREE_FILL && rec_pages_c(r)[1].len < sizeof(struct rec_fill))
        return STATUS(INVALID);
    struct rec_entry_view view;
    return rec_is_entry(r->type) ? rec_entry_parse(r, &view) : OK;
}

status rec_entry_parse(const struct rec_head *r, struct rec_entry_view *ret_view) {
    if (!rec_is_entry(r->type)) return STATUS(INVALID);
    const struct rec_entry *e = rec_payload_c(r);
    const unsigned char *end = (const unsigned char *)r + r->len;
    const unsigned char *bytes = (const unsigned char *)(e + 1);
    if ((size_t)e->key_len + e->old_middle + e->new_middle > (size_t)(end - bytes))
        return STATUS(INVALID);
    *ret_view = (struct rec_entry_view){.e = e,
                                        .key = bytes,
                                        .old_middle = bytes + e->key_len,
                                        .new_middle = bytes + e->key_len + e->old_middle};
    return OK;
}
