/* frame.h: frames of the buffer pool, and how everybody but storaged finds pages in them.
 *
 * Only storaged decides which page lives in which frame; it alone writes the page table, so lookups
 * take no latch (DESIGN 6). A reader reads optimistically: version, copy or use, version again. A
 * writer holds the frame's latch, which also keeps the page in its frame. Nobody waits for anything
 * while holding one (I3); whoever needs several pages at once finds them all first, latches, and
 * begins again when one has gone meanwhile.
 *
 * Rules
 * 1. A frame's page number changes only under its latch, held by storaged.
 * 2. A page changes only through page_change (I4), under its frame's latch.
 * 3. rec_lsn is set, under the latch, before the record that dirties the page is inserted: a
 *    checkpoint that reads the log's tail first and the frames afterwards misses no change.
 * 4. storaged writes a page only after the log is durable up to the page's LSN. */
#ifndef POOL_FRAME_H
#define POOL_FRAME_H

#include "base/proc.h"
#include "fmt/page.h"
#include "fmt/record.h"

#if defined(__SANITIZE_THREAD__)
#define PAGE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PAGE_TSAN 1
#endif
#endif

enum frame_state {
    FRAME_FREE,    /* holds nothing */
    FRAME_LOADING, /* storaged reads into it */
    FRAME_READY,
    FRAME_BROKEN, /* its writer died: latched by nobody, to be rebuilt before it is served again */
    FRAME_REDO,   /* an older image, which redo is bringing forward: storaged's alone */
    FRAME_MOVED, /* storaged is moving a page here: it counts when no other frame has it any more */
};

/* What the eviction hand sees of a frame. The first use of a page that was read ahead is what it
 * was read for: only the second one says that it is wanted again. So a scan leaves no marks. */
enum frame_use { FRAME_UNUSED, FRAME_USED, FRAME_AHEAD };

struct frame {
    struct latch latch;
    _Atomic uint64_t page;    /* page number; 0: none */
    _Atomic uint64_t rec_lsn; /* log tail before the first change since it was written; 0: clean */
    _Atomic uint64_t write_lsn;   /* storaged: rec_lsn of a write under way; 0: none */
    _Atomic uint32_t state;       /* storaged (and a repairer: READY → BROKEN) */
    _Atomic uint32_t used;        /* enum frame_use: set by a hit; the eviction hand clears it */
    _Atomic uint32_t next;        /* storaged: chain of the page table; frame index + 1, 0: end */
    _Atomic uint32_t changes;     /* since it was last written home; under the latch */
    _Atomic uint64_t rebuild_lsn; /* BROKEN: the record that its dead writer was applying */
    uint64_t unused2;
};
_Static_assert(sizeof(struct frame) == 64, "a cache line");

#define POOL_RESERVE_PAGES 32
#define LOG_WINDOW_BYTES 65536

/* Pages that storaged has set aside for one process. storaged fills empty places, the process
 * empties filled ones: one word has one writer at a time, by whether it is 0. A page that has been
 * taken keeps its place, marked, until the record that allocates it has been applied (so that its
 * bit in the space map is set before its place is empty), or it is given back. A reservation is not
 * in the log: after a crash the pages are simply free. */
#define POOL_RESERVE_TAKEN ((uint64_t)1 << 63)
struct pool_reserve {
    _Atomic uint64_t page[POOL_RESERVE_PAGES]; /* page numbers, perhaps marked; 0: empty place */
};

/* Pages that storaged is to leave in their frames for one process's sake, which has asked for
 * several again and again and found some of them gone: a wish, not a lock. It is heard for as many
 * processes as a quarter of the frames suffices for, the lowest slots first, so that somebody
 * always gets on. */
#define POOL_PINS 24
struct pool_pins {
    _Atomic uint64_t page[POOL_PINS]; /* page numbers; 0: none */
};

struct pool_shared {
    _Atomic uint64_t file_pages;   /* length of the data file */
    _Atomic uint32_t ready_frames; /* storaged: those behind have no memory yet, and are FREE */
    /* storaged: those that the pool is to have; those behind are being emptied */
    _Atomic uint32_t wanted_frames;
    _Atomic uint64_t
        huge_bytes; /* of the pool that came as huge pages; what is given back is taken off */
    _Atomic uint64_t pinning; /* a bit for each slot that has pins */
    struct pool_reserve reserve[PROC_SLOTS];
    struct pool_pins pins[PROC_SLOTS];
    _Alignas(4096) char log_window[PROC_SLOTS]
                                  [LOG_WINDOW_BYTES]; /* where logd puts old log for a process */
    _Atomic uint32_t bucket[]; /* page table: [sizes.page_buckets], frame index + 1 */
};

size_t pool_shared_bytes(const struct shm_sizes *s); /* of struct pool_shared with its buckets */

static inline void *frame_bytes(const struct shm *shm, const struct frame *f) {
    return shm->pages + (size_t)(f - shm->frames) * PAGE_BYTES;
}

/* Bucket of a page number. */
uint32_t pool_hash(const struct shm_sizes *s, uint64_t page_no);

/* The frame that holds the page now, or NULL. A page that is being moved may be missed: ask
 * storaged, which knows. Never suspends. */
struct frame *pool_peek(const struct shm *shm, page_id page);
/* Has the processor fetch what peeking at the page, and later at another one, will look at. */
void pool_prefetch(const struct shm *shm, page_id page, page_id later);

/* The same, and when it is not in memory storaged loads it (suspends: no latch may be held). The
 * frame may already hold another page when this returns: latch or read and check, as always. A page
 * that is not in use by the space map is given as zeroes, without a read. INVALID: no such page
 * number. DATA_CORRUPTED, IO_ERROR. */
status pool_find(struct proc *p, page_id page, struct frame **ret_frame);

/* From here on every page that the running coroutine finds is pinned, the last POOL_PINS of them.
 * False: another coroutine of this process pins already (only one does at a time), or the caller
 * does. Who got true calls pool_pins_end. */
bool pool_pins_begin(struct proc *p);
void pool_pins_end(struct proc *p);
/* storaged: whether it is to be left in its frame if possible. */
bool pool_pinned(const struct shm *shm, uint64_t page);

/* Optimistic read. page_read_begin gives the version under which the frame holds the page; false
 * when it is latched for long, not READY or holds another page (find it again). What is read in
 * between is to be treated as foreign bytes until page_read_valid says that it was whole.
 *
 * In a TSan build (PAGE_TSAN) begin takes the latch and valid frees it, and the version is the one
 * that freeing it will make; so every begin needs its valid, or page_latch_from, which keeps the
 * latch. A later valid for the same version compares, as in the other builds. */
bool page_read_begin(struct proc *p, struct frame *f, page_id page, uint64_t *ret_version);
bool page_read_valid(struct proc *p, struct frame *f, uint64_t version);

/* The whole page into copy (PAGE_BYTES), consistently; suspends for a miss. */
status page_copy(struct proc *p, page_id page, void *copy);

/* Exclusive latch on the frame while it holds the page. AGAIN: it holds another page now, is not
 * READY, or stayed latched for long (its holder may be dead: free your own latches and find the
 * page again). page_latch_from: only if it is still the version that the caller read; never waits.
 */
status page_latch(struct proc *p, struct frame *f, page_id page);
status page_latch_from(struct proc *p, struct frame *f, page_id page, uint64_t version);
void page_unlatch(struct frame *f);
/* The same; the version that it makes, for page_latch_from. */
uint64_t page_unlatch_to(struct frame *f);
/* For a holder that changed nothing on the page: optimistic readers need not begin again. */
void page_unlatch_unchanged(struct frame *f);

/* The only way to change pages: log first, then apply (I4). The caller holds the latches of
 * frames[i] (role i of the record, all different), has called log_room before taking them, and has
 * filled in all of the record but the prev_lsn of its pages, which is done here. The latches stay
 * held. Returns the record's LSN. apply() cannot fail on a record that was built from the page it
 * is applied to: CHECKed. Pages marked REC_PAGE_INIT are no longer reserved afterwards. */
lsn page_change(struct proc *p, struct rec_head *record, struct frame *const frames[]);

/* Makes sure that at least n pages (at most POOL_RESERVE_PAGES) are reserved for this process and
 * not taken (suspends when there are fewer). DISK_FULL. */
status pool_reserve(struct proc *p, unsigned n);
/* Takes one reserved page, or PAGE_NONE (another coroutine of this process was faster: reserve
 * again). It is the caller's until a record that initialises it has gone through page_change, or
 * until it is given back. pool_find gives its frame. */
page_id pool_take(struct proc *p);
void pool_give_back(struct proc *p, page_id page);

/* What the dead process `who` left in the frames: frees the latch of every frame that it held whose
 * page is as before or as after its last record (log_slot.change_lsn), marks the others BROKEN for
 * storaged to rebuild, and empties its reservation. Returns the number of frames found latched.
 * Repeatable. By the supervisor, after log_repair. */
unsigned pool_repair(struct shm *shm, struct owner who);

#endif
