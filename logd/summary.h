/* summary.h: what a stretch of the log has changed, without its records.
 *
 * For each full segment there is a file DIR/log/<number>.sum, so that analysis (recover.c) reads
 * little of the log:
 *     0      4096            struct summary_head, rest zero
 *     4096   32 * txns       struct summary_txn of each transaction that did not both begin and end
 *                            in the segment
 *     …      16 * pages      struct log_page: each page that its records change, and the newest
 *                            record that does
 *     …      to a multiple of 4096: zero
 * It is written when all records that begin in the segment are durable, never before. One that is
 * missing or spoilt is no harm: the segment is read instead. LSNs are never used twice, so one that
 * is there and whole is true for ever. */
#ifndef LOGD_SUMMARY_H
#define LOGD_SUMMARY_H

#include "log/log.h"

#define SUMMARY_MAGIC 0x4d5553474f4c5841u /* "AXLOGSUM" */
#define SUMMARY_FORMAT 1
#define SUMMARY_HEAD_BYTES 4096

struct summary_head {
    uint64_t magic;
    uint32_t format;
    uint32_t crc; /* CRC-32C of this struct with this field 0 */
    uint64_t appliance_id;
    uint64_t number;
    uint64_t from, to; /* the records that begin in [from, to): `to` lies in a later segment */
    uint64_t next;     /* above every transaction id */
    uint64_t last_commit;
    uint64_t txns, pages;
    uint32_t body_crc; /* of what follows the first 4096 bytes */
    uint32_t unused;
};
_Static_assert(sizeof(struct summary_head) == 88, "format");

#define SUMMARY_BEGAN 1u /* its first record of all is among them */
#define SUMMARY_ENDED 2u /* and so is its COMMIT or ROLLED_BACK */
struct summary_txn {
    uint64_t x; /* 0: empty place */
    uint64_t first, last;
    uint64_t flags;
};
_Static_assert(sizeof(struct summary_txn) == 32, "format");
_Static_assert(sizeof(struct log_page) == 16, "format");

/* In memory: two hash tables, of powers of two places. */
struct summary {
    uint64_t from, to;
    struct summary_txn *txns;
    size_t txn_places, txn_count;
    struct log_page *pages;
    size_t page_places, page_count;
    txid next;
    commit_time last_commit;
    uint64_t records;
};

/* An empty one of the log from there on; freed by summary_free. */
static inline void summary_begin(struct summary *s, uint64_t from) {
    *s = (struct summary){.from = from, .to = from};
}
void summary_free(struct summary *s);

/* The record at `at`. In any order, and more than once. OUT_OF_MEMORY. */
status summary_note(struct summary *s, const struct rec_head *r, uint64_t at);
status summary_add_page(struct summary *s, uint64_t page, uint64_t newest);
status summary_add_txn(struct summary *s, const struct summary_txn *t);
/* All that `more` has. OUT_OF_MEMORY. */
status summary_merge(struct summary *s, const struct summary *more);

/* Whether the transaction need not be known outside of the stretch. */
static inline bool summary_txn_is_over(const struct summary_txn *t) {
    return (t->flags & SUMMARY_BEGAN) && (t->flags & SUMMARY_ENDED);
}

#endif
