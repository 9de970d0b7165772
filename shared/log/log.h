/* log.h: the log in memory: inserting records, and reading them back (DESIGN 3).
 *
 * Records wait in a ring in shared memory until logd has written them; the ring then serves readers
 * of old versions until it is overwritten, and logd reads what is older from its files.
 *
 *     oldest ≤ … ≤ durable ≤ complete ≤ tail          (byte positions)
 *       │            │         └ no unpublished record below: what logd may write
 *       │            └ on disk
 *       └ first position still in the files
 * The ring holds [max(first, tail - ring_bytes), tail). */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include "base/proc.h"
#include "fmt/record.h"

#define LOG_IDLE UINT64_MAX

/* What one process is inserting, written by it alone. One insertion a process at a time: between
 * reserve and publish nothing yields. */
struct log_slot {
    _Atomic uint64_t start; /* LSN being filled; LOG_IDLE: none */
    _Atomic uint32_t len;
    _Atomic uint32_t is_commit;
    _Atomic uint64_t txid; /* of a commit: what its record holds, so that repair can write it */
    _Atomic uint64_t time;
    _Atomic uint64_t txn_prev;
    _Atomic uint64_t change_lsn;  /* the record whose pages this process is changing; 0: none */
    _Atomic uint64_t last_lsn;    /* the newest record this process reserved, kept after publish:
                                     txn_repair compares it with what transaction slots show */
    _Atomic uint64_t window_busy; /* the process's log_window is in use by one of its coroutines,
                                     and others wait for it; 0: neither */
};
_Static_assert(sizeof(struct log_slot) == 64, "a cache line");

struct log_shared {
    _Alignas(64) struct latch insert; /* owned insert latch; guards the two words below */
    _Atomic uint64_t tail;
    _Atomic uint64_t last_commit;          /* commit_time of the newest commit in the log */
    _Alignas(64) _Atomic uint64_t durable; /* logd alone */
    _Atomic uint64_t
        visible; /* logd alone: commit_time of the last durable commit; stored BEFORE the
                    durable that covers it: who hears of a commit finds it visible */
    _Atomic uint64_t oldest; /* logd alone */
    _Atomic uint64_t first;  /* the ring holds nothing below: set when it was made */
    _Atomic uint64_t keep; /* storaged and txnd's wish, combined by txnd: logd keeps from here on */
    _Atomic uint64_t
        failed; /* logd: not 0: the log cannot be written (a status code); commits fail */
    _Atomic uint64_t full; /* logd: not 0: there is no room for more segments (a status code): only
                              commits still go into the log, and what is in it becomes durable */
    _Atomic uint64_t archived; /* logd: not 0: log below `oldest` may be in the archive; it outlives
                                  log_shared_init */
    /* logd: bytes of log in a segment, the first of which begins with LOG_FIRST; likewise */
    _Atomic uint64_t segment_bytes;
    _Alignas(64) struct log_slot slots[PROC_SLOTS];
};

/* Bytes that must be free before anybody latches a page: every process may then insert one record
 * of the greatest size without looking again. */
#define LOG_MARGIN ((uint64_t)PROC_SLOTS * REC_BYTES_MAX)

/* A fresh region: the log is empty and ends at `end` (what logd found, or LOG_FIRST). */
void log_shared_init(struct log_shared *l, lsn end, commit_time last_commit);

/* Makes sure that the ring has room for one record (suspends while logd writes). Call it before
 * latching pages, in the same turn as the insertion. The log's failure (DISK_FULL, IO_ERROR) comes
 * out here, and that there is no room for more segments: before anything is done that would have to
 * be undone in the log. */
status log_room(struct proc *p);
/* The same for a commit, which the segments that are there have room for. */
status log_room_for_commit(struct proc *p);
/* Whether log_room would return at once. */
bool log_has_room(const struct shm *shm);

/* Reserves len bytes (multiple of 8, at most REC_BYTES_MAX): copies `record` there and publishes
 * it. The record's crc is 0. Cannot fail after log_room. */
lsn log_insert(struct proc *p, const struct rec_head *record);

/* What is left of the segment that the log ends in is filled with records that say nothing, until
 * the log is durable up to the next one: the archive can have it. *ret_end: where the log ended.
 * Nothing happens where a segment begins. Suspends; as log_room and log_wait_durable. */
status log_switch(struct proc *p, lsn *ret_end);

/* The two halves of log_insert, for building a record in place: len contiguous bytes, all of which
 * the caller writes (old log is there). log_reserve notes change_lsn. */
void *log_reserve(struct proc *p, uint32_t len, lsn *ret_at);
void log_publish(struct proc *p);

/* Says that all pages of the last inserted record show it (clears change_lsn). */
void log_change_done(struct proc *p);

/* Inserts a COMMIT record: takes the commit time inside the insert latch, stores it in *map (the
 * transaction's entry of the commit map) before the record is published. Returns the record's END:
 * durable at or beyond it means committed. */
lsn log_commit(struct proc *p, txid x, lsn txn_prev, _Atomic uint64_t *map, commit_time *ret_time);
#define LOG_COMMIT_BYTES (sizeof(struct rec_head) + sizeof(struct rec_commit))

/* Everything below the result is published. */
lsn log_complete(const struct log_shared *l);

/* Suspends until durable ≥ at. IO_ERROR, DISK_FULL when the log failed for good. */
status log_wait_durable(struct proc *p, lsn at);

/* Copies the record at `at` into buf (REC_BYTES_MAX, aligned to 8) and checks it with rec_valid:
 * from the ring without asking anybody, else through logd (suspends). STALE: below `oldest`, and
 * not in the archive. INVALID: no record begins there. IO_ERROR, DATA_CORRUPTED: the files do not
 * hold it whole any more. */
status log_read(struct proc *p, lsn at, void *buf);
/* The same, only from the ring, never suspends; NOT_FOUND when it is no longer there. The record's
 * crc is 0. */
status log_read_ring(const struct shm *shm, lsn at, void *buf);

/* Reading the log forward: a run of records at a time comes from logd, newer ones from the ring.
 * buf is the caller's, LOG_SCAN_BYTES, aligned to 8. */
#define LOG_SCAN_BYTES 65536
struct log_scan {
    lsn next;
    lsn base;
    uint32_t bytes; /* of whole records in buf, which begin at `base` */
    char *buf;
};
void log_scan_begin(struct log_scan *s, lsn from, char *buf);
/* The next record, in buf until the following call, checked with rec_valid. END at or beyond
 * `limit`, which must be at most what log_complete once said. Suspends. STALE, IO_ERROR,
 * DATA_CORRUPTED. */
status log_scan_next(struct proc *p, struct log_scan *s, lsn limit, const struct rec_head **ret_rec,
                     lsn *ret_at);

/* Reading a chain newest first: records that lie close together come from logd in one run. buf is
 * the caller's, LOG_SCAN_BYTES, aligned to 8. */
struct log_back {
    lsn base;
    uint32_t bytes; /* of whole records in buf, which begin at `base` */
    bool sealed;    /* they have their CRCs; else it is one, from the ring */
    char *buf;
};
void log_back_begin(struct log_back *b, char *buf);
/* As log_read; the record is in buf until the following call. DATA_CORRUPTED also when no record
 * begins there. */
status log_back_read(struct proc *p, struct log_back *b, lsn at, const struct rec_head **ret_rec);

/* A page that the log changes, and the newest record that does. */
struct log_page {
    uint64_t page;
    uint64_t newest;
};
/* What the log that recovery found changes from `from` on, LOG_PAGES_MAX at a time, by storaged.
 * *place: 0 at the beginning and, when that was all, at the end. *ret_of: which life of logd's
 * places these are; another than before: begin again. Suspends. STALE, IO_ERROR. */
#define LOG_PAGES_MAX (65536 / sizeof(struct log_page))
status log_pages(struct proc *p, lsn from, uint64_t *place, struct log_page *ret_pages,
                 unsigned *ret_count, uint64_t *ret_of);

/* Of log bytes that begin at `start`: where the first record begins from which records follow one
 * another to the one at `at`, which lies whole in them. Its offset; `at`'s, when there is none. */
size_t log_run_before(const char *bytes, size_t n, lsn start, lsn at);

/* Repairs what the dead process in `slot` left in the log: an insert latch, an unpublished stretch
 * (which becomes a filler, or the commit record if its commit time was already in the map).
 * Repeatable; by the supervisor, after the process is known to be gone. map_entry gives the commit
 * map's word for a transaction id. True: a filler was written. */
bool log_repair(struct shm *shm, uint16_t slot, _Atomic uint64_t *(*map_entry)(struct shm *, txid));

#endif
