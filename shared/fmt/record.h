/* record.h: log records, byte by byte.
 *
 * A record is a head, one struct rec_page for each page that it changes, and a payload. All is
 * little-endian; a record's length is a multiple of 8 and at most REC_BYTES_MAX. Its LSN is its
 * byte position, which is not stored: the CRC is seeded with it, so a record found at another
 * position than its own (a recycled segment) does not verify.
 *
 *     offset bytes
 *     0      4     len       of the whole record
 *     4      4     crc       CRC-32C of the record with this field 0, seeded with the LSN; logd
 *                            fills it on the way to the file, in the ring it is 0
 *     8      2     type      enum rec_type
 *     10     1     npages
 *     11     1     flags     REC_COMPENSATION
 *     12     4     tree      number of the tree changed (the relation's OID), 0: none; for people
 *     16     8     txid      0: a system record
 *     24     8     txn_prev  the transaction's record before this one; in a compensation the next
 *                            record to undo (ARIES' UndoNxtLSN)
 *     32     24*n  pages     struct rec_page
 *     …            payload */
#ifndef FMT_RECORD_H
#define FMT_RECORD_H

#include <stddef.h>

#include "base/status.h"
#include "fmt/types.h"

enum rec_type {
#define X(name, number) REC_##name = number,
#include "fmt/record.def"
#undef X
};

#define LOG_FORMAT 2 /* of the records, and of the log's files */
#define REC_COMPENSATION 1u
#define REC_BYTES_MAX 32768u
#define REC_PAGES_MAX 6

struct rec_head {
    uint32_t len;
    uint32_t crc;
    uint16_t type;
    uint8_t npages;
    uint8_t flags;
    uint32_t tree;
    uint64_t txid;
    uint64_t txn_prev;
};
_Static_assert(sizeof(struct rec_head) == 32, "format");

/* A page that the record changes (I5). With REC_PAGE_INIT the record holds the whole new page: its
 * chain may end here, whatever the page was before. */
#define REC_PAGE_INIT 1u
struct rec_page {
    uint64_t page;
    uint64_t prev_lsn; /* the page's LSN before this record */
    uint16_t offset;   /* of what this page needs, in the record */
    uint16_t len;      /* bytes of it; pages may share bytes */
    uint16_t flags;
    uint16_t unused;
};
_Static_assert(sizeof(struct rec_page) == 24, "format");

struct rec_commit {
    uint64_t time; /* commit_time */
};

/* Written at the end of a checkpoint; a copy of it is in the data file's page 0. */
struct rec_checkpoint {
    uint64_t redo_lsn;    /* every page change below it is in the data file */
    uint64_t undo_lsn;    /* first record of the oldest transaction then running; tail if none */
    uint64_t purge_lsn;   /* purge has done everything below */
    uint64_t next_txid;   /* an id not yet given then */
    uint64_t last_commit; /* commit_time */
};

/* Change of one entry. The new value is old[0,prefix) + middle_new + old[old_len-suffix,old_len):
 * what both values share at their ends is not in the log. Followed by key, old middle, new middle.
 */
#define ENTRY_DELETED 1u /* entry flag: delete mark */
#define ENTRY_FIRST 2u   /* entry flag: no version before this one */
/* Of a row, while its writer runs: */
#define ENTRY_NO_KEY 4u /* entry flag: the writer leaves the row and its key: FOR NO KEY UPDATE */
#define ENTRY_LOCK 8u   /* entry flag: this version only locks, it is the one before it */
/* Entry flag: the value refers to other entries of the tree, which end with it; whose they are is
 * known to who writes them (queryd/table). */
#define ENTRY_LARGE 16u
#define ENTRY_FLAGS (ENTRY_DELETED | ENTRY_FIRST | ENTRY_NO_KEY | ENTRY_LOCK | ENTRY_LARGE)
struct rec_entry {
    uint64_t root;      /* of the tree: undo finds the leaf from there */
    uint64_t old_stamp; /* of the version replaced (0 and ENTRY_FIRST chain end for an insert) */
    uint64_t old_lsn;
    uint16_t key_len;
    uint16_t prefix;
    uint16_t suffix;
    uint16_t old_middle;
    uint16_t new_middle;
    uint8_t old_flags;
    uint8_t new_flags;
    uint32_t unused;
    /* For ENTRY_REMOVE and ENTRY_RESTORE the "new" version's stamp and LSN are restored, not made:
     */
    uint64_t new_stamp; /* otherwise the record's txid */
    uint64_t new_lsn;   /* otherwise the record's own LSN */
};
_Static_assert(sizeof(struct rec_entry) == 56, "format");

/* Parts of the structure records: what a page of the given role finds at its rec_page.offset.
 *
 * A whole tree page (REC_PAGE_INIT), without the hole between its slots and its heap: followed by
 * the page's bytes [0, lower) and [upper, PAGE_CONTENT_END). Checksum, page number and LSN in it
 * do not count. */
struct rec_image {
    uint16_t lower;
    uint16_t upper;
    uint32_t unused;
};
_Static_assert(sizeof(struct rec_image) == 8, "format");

/* Space map: one word a page, its number and REC_SPACE_USED when its bit is to be set. */
#define REC_SPACE_USED ((uint64_t)1 << 63)

/* TREE_SPLIT, left page and parent share it; followed by the separator. The left page keeps what is
 * below the separator, which becomes its high fence; the parent gets separator → right. */
struct rec_split {
    uint64_t right;
    uint16_t key_len;
    uint16_t unused[3];
};
_Static_assert(sizeof(struct rec_split) == 16, "format");

/* TREE_FILL, the leaf that stays and the parent share it; followed by the separator between the new
 * leaf, which takes the range below it, and the one that stays, which keeps what is above. Entries
 * of the new leaf's image that have no LSN get that of the record. */
struct rec_fill {
    uint64_t root;   /* of the tree: undo finds the leaves from there */
    uint64_t filled; /* the new leaf */
    uint64_t next;   /* the one that stays */
    uint16_t key_len;
    uint16_t unused[3];
};
_Static_assert(sizeof(struct rec_fill) == 32, "format");

/* TREE_UNLINK, parent; followed by the separator between the freed page and its heir. What is left
 * of the separator becomes the heir. heir 0 (the whole tree is being freed): the freed page, last
 * child of its parent, goes; key_len is 0 when it is the only one. */
struct rec_unlink {
    uint64_t freed;
    uint64_t heir;
    uint16_t key_len;
    uint16_t unused[3];
};
_Static_assert(sizeof(struct rec_unlink) == 24, "format");

/* TREE_UNLINK, heir: its new fences and what it inherits. Followed by low, high, and `count` times
 * {u16 key length, u16 payload length, key, payload as in the node without the key}. */
struct rec_heir {
    uint64_t first; /* inner nodes: the first child afterwards */
    uint16_t low_len;
    uint16_t high_len;
    uint16_t node_flags; /* NODE_RIGHTMOST */
    uint16_t count;
    uint8_t before; /* 1: the freed page was the left neighbour: entries go before the heir's own */
    uint8_t unused[7];
};
_Static_assert(sizeof(struct rec_heir) == 24, "format");

static inline struct rec_page *rec_pages(struct rec_head *r) {
    return (struct rec_page *)(r + 1);
}
static inline const struct rec_page *rec_pages_c(const struct rec_head *r) {
    return (const struct rec_page *)(r + 1);
}
static inline void *rec_payload(struct rec_head *r) {
    return rec_pages(r) + r->npages;
}
static inline const void *rec_payload_c(const struct rec_head *r) {
    return rec_pages_c(r) + r->npages;
}

/* CRC as logd stores it. */
uint32_t rec_crc(const struct rec_head *r, lsn at);

/* Verdict on foreign bytes: type known, lengths and offsets inside `available`; every accessor and
 * apply() may rely on it afterwards. INVALID otherwise. Does not look at the CRC. */
status rec_valid(const void *bytes, size_t available);

/* The parts of a valid ENTRY_… record's payload. */
struct rec_entry_view {
    const struct rec_entry *e;
    const unsigned char *key;
    const unsigned char *old_middle;
    const unsigned char *new_middle;
};
status rec_entry_parse(const struct rec_head *r, struct rec_entry_view *ret_view);

const char *rec_type_name(uint16_t type); /* "ENTRY_INSERT"; "?" for a strange one */

#endif
