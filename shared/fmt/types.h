/* types.h: the scalar types of the formats. A position in the log and the number of a page are
 * different types, so that one cannot be passed for the other. */
#ifndef FMT_TYPES_H
#define FMT_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_BYTES 8192

/* Byte position in the log; 0: none. The log begins at LOG_FIRST. */
typedef struct lsn {
    uint64_t at;
} lsn;
#define LSN_NONE ((lsn){0})
#define LOG_FIRST ((lsn){4096})

/* Number of a page in the data file; page 0 describes the file and is never a tree's. */
typedef struct page_id {
    uint64_t no;
} page_id;
#define PAGE_NONE ((page_id){0})
#define PAGE_NO_MAX (((uint64_t)1 << 40) - 1)

static inline bool page_id_eq(page_id a, page_id b) {
    return a.no == b.no;
}

/* Transaction id: 3, 4, 5 … in order of the first write; 0: none (the system, or only reads). To
 * PostgreSQL's clients 1 and 2 say that a row is older than all transactions. */
typedef uint64_t txid;
#define TXID_FIRST 3

/* Commit time: nanoseconds since 1970 by the hybrid logical clock, always increasing, 63 bits. */
typedef uint64_t commit_time;

/* Stamp of an entry: who wrote it. Bit 63 set: the writer's transaction id; clear: its commit time
 * (0: long ago, visible to everybody). */
typedef uint64_t stamp;
#define STAMP_TXID_BIT ((uint64_t)1 << 63)
static inline stamp stamp_of_txid(txid x) {
    return x | STAMP_TXID_BIT;
}
static inline bool stamp_is_txid(stamp s) {
    return s & STAMP_TXID_BIT;
}
static inline txid stamp_txid(stamp s) {
    return s & ~STAMP_TXID_BIT;
}

#endif
