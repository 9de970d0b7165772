/* storaged.h: the state of storaged, and what its modules offer one another.
 *
 * One thread. Reads that hit no trouble are completions without a coroutine (load.c); everything
 * that must wait in the middle (write-back, checkpoints, allocation, rebuilding, redo) is a
 * coroutine. Nothing here waits with a frame latched (I3), and nothing waits for a latch: what is
 * latched is passed over and tried again. */
#ifndef STORAGED_H
#define STORAGED_H

#include "disk/disk.h"
#include "fmt/files.h"
#include "ipc_daemon.h"
#include "log/log.h"
#include "msg/msg.h"
#include "pool/frame.h"
#include "temp/temp.h"

#define BATCH_PAGES 64 /* of one double-write */
#define WRITERS 2      /* batches under way at the same time */
#define LOADS_MAX 256  /* reads under way at the same time */
#define RUN_PAGES 16   /* neighbours that one request reads ahead */

struct storaged;
struct crypt; /* crypt/crypt.h */

/* A request to the disk and who is told of its end. */
struct io_req {
    struct disk_io io;
    bool as_is; /* a read of pages: they are wanted as they lie in the file, perhaps sealed */
    void (*done)(struct storaged *s, struct io_req *req);
    void *arg;
};

/* Somebody who waits for a page: a process's request, or a coroutine of ours. */
struct waiter {
    struct waiter *next;
    uint64_t page;
    struct msg m;      /* when coro is NULL */
    struct coro *coro; /* else: woken with done, result and frame set */
    bool older;        /* is content with an image that redo has still to bring forward */
    bool at_home;      /* wants what lies in the file, also when nobody has the page */
    bool done;
    status result;
    struct frame *frame;
};

struct waiter_queue {
    struct waiter *first, **end;
};

/* What is wrong with a page's image at home. */
enum damage {
    DAMAGE_NONE,
    DAMAGE_UNREADABLE, /* the device has an error to tell */
    DAMAGE_CHECKSUM,
    DAMAGE_OTHER_PAGE, /* it is whole, and another page's: a write that was misdirected */
    DAMAGE_OLD,        /* it is whole, and older than what was written last: a write was lost */
    DAMAGE_REDO,       /* none, but redo has still to bring it forward */
};

/* A page on its way into a frame: read, or rebuilt. */
struct load {
    struct io_req req;
    struct storaged *s;
    uint32_t frame;
    uint64_t page;
    bool broken;        /* the frame was BROKEN */
    bool kept;          /* it was BROKEN or REDO, and is in the eviction queue */
    enum damage damage; /* of the image at home */
    uint64_t begun_ns;
    struct waiter *waiters;
    struct load *next;              /* free list */
    struct load *beside;            /* the next page of the same request */
    struct iovec places[RUN_PAGES]; /* of the request: where all of its pages go */
};

/* What storaged alone needs to know of a frame. */
#define NOTE_LISTED 1u     /* in the eviction queue */
#define NOTE_WRITE 2u      /* in the write queue */
#define NOTE_EVICT 4u      /* give the frame away once its page is written */
#define NOTE_CHECKPOINT 8u /* the checkpoint waits for it */
struct frame_note {
    struct load *load;
    uint32_t newer, older; /* eviction queue: frame index + 1 */
    uint8_t flags;
};

struct writer {
    struct storaged *s;
    unsigned index;
    unsigned count;
    bool idle;
    struct coro *coro;
    char *buf; /* DOUBLEWRITE_HEAD_BYTES, then the pages */
    char *out; /* the same as it is written: sealed when the data are encrypted, else buf itself */
    uint32_t frame[BATCH_PAGES];
    struct io_req req[BATCH_PAGES];
};

#define TEMP_JOBS 16 /* blocks of temporary space on their way at the same time */

/* A block of temporary space on its way to the file or from it. */
struct temp_job {
    struct io_req req;
    struct msg m;
    uint64_t handle;
    char *buf;             /* TEMP_BLOCK_BYTES */
    struct temp_job *next; /* free list */
};

/* Temporary space; who owns which block stands in shared memory. */
struct temp_space {
    struct disk_file *file; /* NULL: there is none now */
    struct temp_job jobs[TEMP_JOBS];
    struct temp_job *free_jobs;
    struct waiter_queue waiting; /* requests that wait for a job */
    uint32_t under_way;
    uint64_t serial;             /* of the newest handle */
    uint64_t older_serial;       /* likewise, when this life began */
    uint32_t end;                /* blocks in the file, used or not */
    uint32_t used, cursor;       /* blocks in use; where the search for a free one goes on */
    uint32_t of[PROC_SLOTS];     /* blocks in use, by the slot that has them */
    uint32_t epochs[PROC_SLOTS]; /* whose earlier lives have none */
    uint32_t idle_ticks;         /* so long none is in use */
};

/* What is known of the LSNs that pages have at home (home_lsn.c). */
struct home_lsns {
    struct disk_file *file;
    struct lsn_block **blocks; /* NULL: nothing is known of those pages */
    uint64_t count;            /* of blocks */
    uint64_t exact_from;       /* redo_lsn that the file is for */
    unsigned spoilt;           /* sectors that did not verify */
    bool trusted;              /* entries that say so are exact */
};

/* The pages that a crash has left behind the log: a hash table. */
struct redo {
    struct log_page *places; /* page 0: empty place; newest 0: it shows all of its records now */
    size_t size;             /* a power of two; 0: there are none */
    size_t left;
    lsn position;   /* all records below have been applied to all pages */
    lsn end;        /* where the log ended */
    uint64_t asked; /* requests for pages: somebody is waiting for this process */
    bool complete;
    struct log_page *fetched;   /* what logd has answered last, while it is asked */
    struct redo_window *window; /* of the pass, while it lasts */
    char *scan_bytes;
};

/* How fast a process takes new pages. */
struct reserve_pace {
    uint64_t asked_ns; /* when it asked last */
    unsigned pages;    /* it is given at a time */
};

struct storaged_options {
    char io_method[32];
    unsigned io_depth;
    uint64_t checkpoint_interval_ns;
    uint64_t
        checkpoint_log_bytes; /* a checkpoint is due when so much log would have to be redone */
    uint64_t scrub_rate;      /* pages a second; 0: no scrub */
    bool ignore_missing_doublewrite, ignore_log_damage;
};

struct storaged {
    struct daemon *d;
    struct proc *p;
    struct shm *shm;
    struct storaged_options options;
    struct disk *disk;
    struct disk_file *data, *doublewrite;
    struct crypt *crypt;        /* NULL: the data are not encrypted */
    struct crypt *backup_crypt; /* of another appliance's backups, which we are restored from; NULL:
                                   those are plain */
    struct home_lsns homes;
    struct redo redo;
    int dirfd;
    struct file_page file; /* as it was last written */
    bool stopped_in_order; /* when we were born: surely no page was being written at the end */
    bool serving;          /* it is known which pages are to be redone */
    bool stopping;
    bool failed;                  /* start-up cannot go on */
    uint64_t data_flushes_failed; /* in this life */
    uint64_t tick_ns;
    unsigned reaped, pushed; /* pieces one after the other (io.c) */
    unsigned unpushed;       /* reads of the next piece, so far */

    struct frame_note *notes;
    uint32_t *stock; /* indexes of free frames */
    uint32_t stock_count, stock_target;
    uint32_t newest, oldest, hand; /* eviction queue: frame index + 1; 0: none */
    bool evict_stalled;            /* nothing could be given away at the last attempt */
    bool pool_bounded;             /* there is no memory for the frames that have none yet */

    struct load loads[LOADS_MAX];
    struct load *free_loads;
    struct load
        *run[RUN_PAGES]; /* pages side by side in the file that are about to be read ahead */
    unsigned run_pages;
    struct waiter_queue pending; /* wait for a frame or a load */
    unsigned rebuilding;         /* pages on their way through rebuild.c */
    struct waiter *free_waiters;
    struct waiter_slab *waiter_slabs;
    struct waiter *finished; /* of coroutines that have yet to go on */

    struct writer writers[WRITERS];
    uint32_t *write_queue;
    uint32_t write_first, write_count;

    struct waiter_queue space_requests;
    struct reserve_pace reserve_pace[PROC_SLOTS];
    bool space_running;
    uint64_t space_cursor; /* the page where the search for a free one goes on */
    bool space_wrap;       /* pages below the cursor are looked at before the file is extended */

    struct waiter_queue checkpoint_requests;
    bool checkpoint_running;
    bool checkpoint_asked;    /* somebody waits for the one that runs: it does not pause */
    uint32_t checkpoint_left; /* frames not yet settled */
    struct dirty_frame *checkpoint_list;    /* while they are written */
    struct waiter_queue checkpoint_answers; /* who waits for the checkpoint under way */
    struct coro *checkpoint_coro;
    uint32_t chain_hand; /* the frame whose chain was looked at last */
    uint64_t checkpoint_due_ns;

    char *scrub_buf, *reseal_buf;
    struct temp_space temp;
    struct page_backup *backup; /* the last one; NULL: there was none */
    struct {
        bool active;   /* not all pages have come from the backup yet */
        uint64_t rate; /* of the pass: pages a second; 0: as many as there can be */
        uint64_t held_from, held_to;
        struct fetch_pass *pass;
    } fetch;
    struct source *source; /* backups that pages are taken from; NULL: none was wanted yet */
};

static inline uint32_t frame_index(const struct storaged *s, const struct frame *f) {
    return (uint32_t)(f - s->shm->frames);
}
static inline struct frame_note *frame_note(const struct storaged *s, const struct frame *f) {
    return &s->notes[f - s->shm->frames];
}

/* main.c, init.c, handle.c */
extern const struct daemon_ops storaged_ops;
/* Makes the data file and the double-write file of an empty appliance. EXISTS. */
status storaged_format(const char *data_dir, const char *io_method, uint64_t appliance_id);
/* Makes and opens the files of a directory that has none, `pages` zeroed pages in the data file; s
 * is zeroed, but for options.io_method ("plain" when it is empty). EXISTS. Opened files are closed
 * by storaged_files_close. */
status storaged_files_make(struct storaged *s, const char *data_dir, uint64_t pages);
void storaged_files_close(struct storaged *s);
status storaged_init_fresh(struct daemon *d, struct error *e);
status storaged_init_restart(struct daemon *d, struct error *e);
void storaged_fini(struct daemon *d);
[[gnu::format(printf, 1, 2)]] void storaged_say(const char *format, ...); /* to standard error */

/* io.c: the disk seen from coroutines. */
void io_submit(struct storaged *s, struct io_req *req);
void io_push(struct storaged *s); /* at the end of a turn: everything goes to the device */
/* Deals with a piece of what has completed; true: there may be more. */
bool io_reap(struct storaged *s);
/* Submits n requests and suspends until all have completed; the first failure. */
status io_run(struct storaged *s, struct io_req *reqs, unsigned n);
status io_run_one(struct storaged *s, struct disk_io io);
/* In a coroutine: makes durable what was written to the data file since data_flushes_failed was
 * `failed`. IO_ERROR also when another flush of it has failed since, whoever asked for that: it may
 * have forgotten these writes, and then that this one succeeds says nothing. */
status io_flush_data(struct storaged *s, uint64_t failed);
/* Zeroed, aligned for direct I/O; freed by free(). */
void *io_buffer(size_t bytes);

/* cipher.c: pages of an encrypted data file. What is read of it comes plain from io.c. */
/* The page as it goes to a file, into `to`, which may be the page itself. */
void cipher_hide(struct storaged *s, uint64_t page_no, const void *page, void *to);
/* n pages from a file made plain, in their place; what does not open becomes bytes that do not
 * verify. */
void cipher_show(struct storaged *s, uint64_t first, void *pages, size_t n);
bool cipher_is_sealed(const void *page);
uint32_t cipher_key(const void *page); /* number of the key that has sealed it; 0: none */
void cipher_read_done(struct storaged *s, const struct disk_io *io);
void cipher_check_write(const struct storaged *s, const struct disk_io *io); /* nothing plain */

/* page_table.c: which page is in which frame. */
struct frame *table_find(const struct storaged *s, uint64_t page); /* in whatever state */
void table_insert(struct storaged *s, struct frame *f);
void table_remove(struct storaged *s, struct frame *f);
/* From the frames; lookups of other processes go on meanwhile and may miss. */
void table_rebuild(struct storaged *s);

/* frames.c: free frames, and which frame is given away next. */
status frames_init(struct storaged *s);
void frames_set_target(struct storaged *s); /* how many are kept free, by the size of the pool */
void frames_fini(struct storaged *s);
/* f, which is in no queue, takes the place of `before` in the order of eviction. */
void frames_follow(struct storaged *s, struct frame *f, const struct frame *before);
/* A free frame, latched; NULL: none now. */
struct frame *frames_take(struct storaged *s);
void frames_put(struct storaged *s, struct frame *f);   /* a FREE frame into the stock */
void frames_admit(struct storaged *s, struct frame *f); /* a READY frame: may be evicted from now */
bool frames_evict(struct storaged *s, struct frame *f); /* if it is clean and unlatched */
bool frames_refill(struct storaged *s); /* one stretch of work; true: worth going on at once */

/* load.c */
status load_init(struct storaged *s);
void load_fini(struct storaged *s);
void load_request(struct storaged *s, const struct msg *m);
/* Begins to read a page that nobody waits for yet: with load_prefetched, at the end of this turn at
 * the latest, and in one request with its neighbours. */
void load_prefetch(struct storaged *s, uint64_t page);
void load_prefetched(struct storaged *s);
bool load_pump(struct storaged *s); /* requests that waited for a frame; true: one was begun */
/* In a coroutine. The frame may hold another page after the next suspension. */
status load_page(struct storaged *s, uint64_t page, bool older, struct frame **ret_frame);
/* The same, of a page that is perhaps free: then, too, what the file holds. */
status load_page_at_home(struct storaged *s, uint64_t page, struct frame **ret_frame);
/* Suspends until the waiter of this coroutine is done, and takes it back. */
status waiter_await(struct storaged *s, struct waiter *w, struct frame **ret_frame);
struct waiter *waiter_for_coro(struct storaged *s, uint64_t page); /* NULL: no memory */
void load_broken(struct storaged *s, struct frame *f);             /* begins to rebuild it */
void load_restart(struct storaged *s, struct frame *f); /* a read that a dead storaged had begun */
void load_finish(struct storaged *s, struct load *l, status result);
void load_judge(struct storaged *s, struct load *l); /* what lies in its frame has been read */
void waiter_push(struct waiter_queue *q, struct waiter *w);
struct waiter *waiter_pop(struct waiter_queue *q);
void waiter_drop(struct storaged *s, struct waiter *w); /* without an answer */
/* NULL: no memory, which the asker has been told. */
struct waiter *waiter_for_msg(struct storaged *s, const struct msg *m);
/* Answers, or wakes, and takes the waiter back. */
void waiter_finish(struct storaged *s, struct waiter *w, status result, struct frame *f);

/* home_lsn.c: the newest LSN written home, by page. */
status home_lsn_load(struct storaged *s); /* at start, once the file page is known */
void home_lsn_fini(struct storaged *s);
/* What is at home is at least this new; *ret_exact (may be NULL): it was exactly this when it was
 * last written, except for what redo has still to do. */
uint64_t home_lsn(const struct storaged *s, uint64_t page, bool *ret_exact);
void home_lsn_put(struct storaged *s, uint64_t page,
                  uint64_t at); /* it has been written, durably */
/* It was found at home, whole and not too old. */
void home_lsn_seen(struct storaged *s, uint64_t page, uint64_t at);
/* The newest LSN of any page in the data file, which is read whole; what cannot be read, or does
 * not verify, does not count. Suspends. OUT_OF_MEMORY. */
status home_lsn_newest(struct storaged *s, uint64_t *ret);
/* In a coroutine, before the checkpoint with that redo_lsn counts. */
status home_lsn_save(struct storaged *s, uint64_t redo_lsn);
void home_lsn_catch_up(void *storaged); /* coroutine: what a dead storaged had written home */

/* rebuild.c (I6): a page from an older image and its records. */
/* From base (an image of the page, PAGE_BYTES; all zero: never written) by the chain that ends in
 * the record `target`; into page. NOT_FOUND: that record does not change the page. */
status rebuild_chain(struct storaged *s, uint64_t page_no, lsn target, const void *base,
                     void *page);
/* From base (NULL: none) by reading the log forward: everything that it still holds. */
status rebuild_forward(struct storaged *s, uint64_t page_no, const void *base, void *page);
/* The verdict on what was read at home. */
enum damage damage_of(const struct storaged *s, uint64_t page_no, const void *page);
void rebuild_load(void *load); /* coroutine: a load whose bytes are bad, or whose frame is BROKEN */

/* scrub.c: pages that nobody asks for are judged, too */
status scrub_init(struct storaged *s);
void scrub_fini(struct storaged *s);

/* reseal.c: what older data keys have sealed is sealed anew */
void reseal_begin(struct storaged *s); /* at start: says which key seals from now on */
bool reseal_wanted(const struct storaged *s);
status reseal_init(struct storaged *s);
void reseal_fini(struct storaged *s);

/* source.c: in a coroutine: the page's image in the newest backup that has one. NOT_FOUND: there is
 * none, or it was empty; anything else: the backup cannot be used. */
status source_find(struct storaged *s, uint64_t page_no, void *page);
void source_fini(struct storaged *s); /* before the disk is closed, nothing under way */

/* For fetch.c: where the pass over all chunks of all files goes on; how many there are; a chunk's
 * pages (at most BACKUP_PAGES_MAX, verified); and how far it has come, noted durably. */
status source_begin(struct storaged *s, unsigned *ret_file, size_t *ret_chunk, uint64_t *ret_rate);
unsigned source_files(const struct storaged *s);
size_t source_chunks(const struct storaged *s, unsigned file);
status source_pages(struct storaged *s, unsigned file, size_t chunk, uint64_t *ret_numbers,
                    char *ret_images, unsigned *ret_count);
status source_note(struct storaged *s, unsigned file, size_t chunk);

/* fetch.c: restore while queries run */
void fetch_begin(struct storaged *s); /* at start: whether there is something to be restored */
void fetch_fini(struct storaged *s);
void fetch_run(void *storaged); /* coroutine: the pass in the background, to its end */
/* What was read at home is to be taken from the backup. */
bool fetch_wants(const struct storaged *s, uint64_t page_no, const void *page);
void fetch_load(void *load); /* coroutine: a load of such a page */
/* In a coroutine: the page as the backup has it; all zero: it has none. */
status fetch_page(struct storaged *s, uint64_t page_no, void *page);
/* The page is just being written home: no load and no write of it may begin. */
bool fetch_holds(const struct storaged *s, uint64_t page);

/* write.c */
status write_init(struct storaged *s);
void write_fini(struct storaged *s);
void write_want(struct storaged *s, struct frame *f, uint8_t note_flag);

/* doublewrite.c */
/* Fills in the head of buf, which holds `count` sealed pages behind it. */
void doublewrite_seal(struct storaged *s, char *buf, unsigned count);
/* Makes the empty file, durably; one that is too short or open becomes it. */
status doublewrite_make(struct storaged *s);
/* Start-up, once the file pages are read: opens the file. One that is missing or cut off is made
 * anew where no page can need it, or where the settings say so; else NOT_FOUND. */
status doublewrite_open(struct storaged *s, struct error *e);
/* Start-up, blocking: pages torn at home are written again from their copies. */
status doublewrite_recover(struct storaged *s, unsigned *ret_pages);
/* Likewise: no copy is left, once all have been used. */
status doublewrite_empty(struct storaged *s);
/* In a coroutine: the newest copy of the page there; NOT_FOUND. */
status doublewrite_find(struct storaged *s, uint64_t page_no, void *page);

/* pool_size.c */
#define POOL_PIECE_FRAMES 256 /* get memory, or give it back, at a time: as much as a huge page */
#define POOL_FRAMES_MIN 128
void pool_size_adopt(struct storaged *s); /* what a storaged that died left half done */
/* The size from now on; a smaller pool gives its memory back by and by. INVALID: the regions have
 * no room for it, or it is too small. */
status pool_resize(struct storaged *s, uint64_t bytes);
bool pool_shrinks(const struct storaged *s); /* frames have still to be given back */
bool pool_shrink(struct storaged *s); /* a piece of it; true: another one may be empty as well */

/* space.c */
void space_request(struct storaged *s, const struct msg *m);
void space_serve(struct storaged *s); /* begins with the requests that wait, once redo is done */
/* Whether the space map, if it is in memory, says that the page is free. */
bool space_known_free(struct storaged *s, uint64_t page);
/* Makes the file long enough for `pages` pages. DISK_FULL. */
status space_extend(struct storaged *s, uint64_t pages);

/* file_page.c: pages 0 and 1 */
status file_page_read(struct storaged *s);
const char *file_page_words(struct storaged *s); /* what is wrong with both, at start */
/* Of the two pages read (foreign bytes), the newer one that is good; DATA_CORRUPTED: neither is. */
status file_page_choose(const void *pages, struct file_page *ret);
/* Blocking when not in a coroutine. Takes the place of the older copy. */
status file_page_write(struct storaged *s, const struct file_page *next);

/* temp.c: temporary space (temp/temp.h) */
status temp_init(struct storaged *s); /* what was in use before this life goes on to be */
void temp_fini(struct storaged *s);   /* after the files are closed */
void temp_write_request(struct storaged *s, const struct msg *m);
void temp_read_request(struct storaged *s, const struct msg *m);
void temp_free_request(struct storaged *s, const struct msg *m);
bool temp_has_older(const struct storaged *s); /* blocks in use that a life before has written */
void temp_tick(struct storaged *s); /* takes back what the dead had; gives the file's space back */

/* checkpoint.c */
void checkpoint_request(struct storaged *s, const struct msg *m);
status checkpoint_make(struct storaged *s); /* in a coroutine: one that begins from now on */
void checkpoint_tick(struct storaged *s, uint64_t now_ns); /* begins one when it is due */
void checkpoint_stop(struct storaged *s);    /* writes everything, marks the file clean, stops */
void checkpoint_settled(struct storaged *s); /* a frame that it waited for is done */
bool checkpoint_hurried(const struct storaged *s); /* dirty pages go home as fast as they can */
void checkpoint_fini(struct storaged *s);

/* redo.c */
void redo_run(void *storaged); /* coroutine: READY once the pages are known; then redoes them */
void redo_fini(struct storaged *s);
/* The newest record of the page that redo has still to apply; LSN_NONE: none. */
lsn redo_target(const struct storaged *s, uint64_t page);
void redo_settled(struct storaged *s,
                  uint64_t page); /* a frame shows it, and is dirty if it must */

/* backup.c */
struct page_backup_state {
    bool running;
    status result;          /* when it does not run any more */
    uint64_t bad_page;      /* which it failed for; 0: none */
    struct file_page begin; /* where recovery of its pages begins */
    uint64_t pages;         /* of the data file when it began */
    uint64_t looked, kept;  /* pages */
    uint64_t bytes;         /* written */
    const char *dir;        /* where */
};
/* Begins to write images of the pages whose LSN is at least `since` to the file "pages" of the
 * directory. window > 0: the file is never more than about so many bytes ahead of what has been
 * taken from it, and when nobody takes any more the backup ends. OBJECT_IN_USE: another one is
 * under way. */
status backup_start(struct storaged *s, const char *dir, uint64_t since, uint64_t window);
void backup_taken(struct storaged *s, uint64_t bytes); /* of that file */
/* The one under way is wanted no more: it soon ends with QUERY_CANCELED. */
void backup_drop(struct storaged *s);
const struct page_backup_state *backup_state(const struct storaged *s); /* NULL: there was none */
void backup_fini(struct storaged *s); /* before the disk is closed, nothing under way */

#endif
