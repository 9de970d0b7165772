/* logd.h: the state of logd and what its files offer one another.
 *
 *     handle.c   requests; who waits for what
 *     flush.c    from the ring to the files
 *     prepare.c  segments made ready for later, recycled, removed
 *     read.c     old log back from the files
 *     recover.c  the end of the log found, transactions without an end
 *     summaries.c, summary.c  what full segments have changed; pages.c tells storaged
 *     damage.c   a log that is spoilt in the middle
 *     reseal.c   segments that an older data key has sealed
 *     init.c     births; step.c: a turn */
#ifndef LOGD_LOGD_H
#define LOGD_LOGD_H

#include "ipc_daemon.h"
#include "log/log.h"
#include "segment.h"
#include "summary.h"

#define STAGE_FILL_BYTES ((uint64_t)1 << 20) /* one write at most, but for the last record */
#define STAGE_BYTES (STAGE_FILL_BYTES + REC_BYTES_MAX + DISK_ALIGN)
#define STAGE_OUT_BYTES                                                                            \
    ((STAGE_BYTES / SEGMENT_BLOCK_SEALED + 1) * SEGMENT_BLOCK_BYTES) /* in the file, encrypted */
#define CHUNK_BLOCKS 16
#define CHUNK_BYTES ((uint64_t)CHUNK_BLOCKS * SEGMENT_BLOCK_BYTES)
#define CHUNKS (PROC_SLOTS + 8) /* each process reads one thing at a time, recovery too */

static inline uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

struct logd;

/* A request to the disk and what happens when it is done. */
struct logd_io {
    struct disk_io io;
    void (*done)(struct logd *l, struct logd_io *io);
    struct coro *waiter; /* logd_await's */
    bool finished;
};

/* Log being gathered for one write: a run of whole blocks, the last one partly filled. */
struct stage {
    char *buf;           /* STAGE_BYTES, aligned */
    uint64_t base;       /* LSN of its first byte, a block's */
    uint64_t limit;      /* end of the segment that base lies in */
    uint64_t end;        /* filled up to here: the start of a record */
    uint64_t durable_to; /* start of the first record that its write does not complete */
    commit_time visible; /* newest commit below durable_to */
    uint64_t begin_ns;
    struct logd_io io;
};

struct flush {
    struct stage stage[2];
    char *out;        /* what is being written, when it is encrypted: STAGE_OUT_BYTES */
    unsigned filling; /* index of the stage being filled; the other one may be being written */
    bool writing;
    uint64_t next;    /* LSN of the next record to copy from the ring */
    uint64_t written; /* the files hold everything below */
    commit_time seen; /* newest commit copied */
};

/* Waits until durable ≥ at. */
struct waiter {
    uint64_t at;
    struct msg m;
};

enum prepare_state { PREPARE_IDLE, PREPARE_ZERO, PREPARE_HEAD, PREPARE_FLUSH };

struct prepare {
    enum prepare_state state;
    uint64_t number;
    bool removed;    /* names that a power cut may bring back */
    uint64_t zeroed; /* bytes of a new file */
    struct disk_file *file;
    char name[SEGMENT_NAME_BYTES]; /* its present one */
    char *buf;                     /* zeros, then the head */
    struct logd_io io;
    status failure; /* of the last attempt */
    uint64_t retry_ns;
};

/* A piece of the files in memory. */
struct chunk {
    uint64_t number;               /* in the order of the log, CHUNK_BLOCKS blocks each */
    uint64_t valid_from, valid_to; /* LSNs; valid_to 0: nothing here */
    uint64_t used;
    unsigned pins;
    char *buf;
};

/* Of the segment that is being written, and of the one before while its file is. */
struct summaries {
    struct summary live, closed;
    uint64_t live_number, closed_number;
    bool live_good; /* nothing of it is missing but, unless whole, its beginning */
    bool live_whole, closed_whole;
    bool has_closed, writing;
    struct disk_file *file; /* that is being written */
    char *block;
};

/* The pages that recovery may have to redo. */
struct changed {
    struct summary summary;
    struct summary part, live; /* while it is made: one segment, the last one */
    bool known, looking;
};

/* Memory of a coroutine, which a life that ends meanwhile gives back, too. */
struct scratch {
    struct scratch *next, **link;
};

/* A file of chunks being written (backup/backup.h), in a coroutine. */
struct chunk_file {
    struct logd *l;
    int dir; /* -1: not open */
    struct disk_file *file;
    uint64_t offset;
    uint32_t chunks;
    char *raw, *chunk;
};

/* A chunk of an archived segment. */
struct archive_place {
    uint64_t at, end; /* LSNs */
    uint64_t offset;
    uint32_t bytes;
};

/* An archived segment that is read (archive_read.c). */
struct archive_reader {
    bool busy;
    int dir;
    struct disk_file *file; /* NULL: none is open */
    uint64_t number;
    struct archive_place *place; /* the first `known` ones of its chunks, in `places` */
    unsigned known, places;
    char *chunk, *raw; /* raw: what lies in [raw_at, raw_at + raw_bytes) */
    uint64_t raw_at, raw_bytes;
};

struct archive {
    const char *path; /* NULL: none is wanted */
    uint64_t next;    /* segment number; those below have their copies */
    status failure;   /* of the last attempt */
    struct chunk_file out;
    struct archive_reader reader;
};

/* Segments of older keys (reseal.c). */
struct reseal {
    struct disk_file *file; /* the copy being made; NULL: none */
    uint64_t until;         /* number of the first segment that is the new key's */
};

struct logd {
    struct daemon *d;
    struct log_shared *shared;
    struct disk *disk;
    int dir;
    struct segments segments;
    bool serving; /* the end of the log is known */
    bool stopping;
    bool broken; /* a write failed: nothing is written any more */
    struct flush flush;
    struct prepare prepare;
    struct summaries summaries;
    struct changed changed;
    struct scratch *scratch;
    struct chunk chunks[CHUNKS];
    uint64_t chunk_clock;
    struct waiter *waiters;
    unsigned waiter_count, waiter_capacity;
    struct log_backup *backup; /* the last one; NULL: there was none */
    struct archive archive;
    struct reseal reseal;
    bool unpushed;        /* requests submitted since the last disk_push */
    unsigned quiet_turns; /* in a row that found nothing to write */
};

extern const struct daemon_ops logd_ops;

static inline struct logd *logd_of(struct daemon *d) {
    return d->state;
}

/* init.c */
status logd_init_fresh(struct daemon *d, struct error *e);
status logd_init_restart(struct daemon *d, struct error *e);
void logd_fini(struct daemon *d);
/* Makes DIR/log with its first segments. EXISTS when there is one. Blocks. */
status logd_format(const char *data_dir, const char *io_method, uint64_t segment_bytes,
                   uint64_t appliance_id);

/* handle.c */
void logd_handle(struct daemon *d, const struct msg *m);
void logd_answer_durable(struct logd *l, uint64_t durable);
void logd_answer_failure(struct logd *l, status failure);

/* step.c */
bool logd_step(struct daemon *d);
void logd_stop(struct daemon *d);
/* Hands a request to the disk; done(l, io) is called in a later turn. */
void logd_submit(struct logd *l, struct logd_io *io);
/* In a coroutine: the same for n requests, and waits for all. The first error. */
status logd_await(struct logd *l, struct logd_io *const ios[], unsigned n);
/* Something that cannot be gone on from at start: said on stderr, and this process ends. */
void logd_give_up(struct logd *l, const char *words, status s);

/* flush.c: begins at `end`, whose block's bytes before it are in `block` (DISK_ALIGN; may be NULL
 * when `end` begins one). */
status flush_init(struct logd *l, uint64_t end, commit_time last_commit, const void *block);
bool flush_turn(struct logd *l);
void flush_fini(struct logd *l);

/* prepare.c */
status prepare_init(struct logd *l);
bool prepare_turn(struct logd *l);
void prepare_fini(struct logd *l);

/* damage.c: in coroutines. *ret_at: the first record behind an end of the log that cannot lie there
 * unless the log is spoilt at `end`; 0: none does. */
status log_damage_find(struct logd *l, uint64_t end, uint64_t *ret_at);
/* Nothing behind `end` is met again. */
status log_damage_clear(struct logd *l, uint64_t end);

/* read.c: in coroutines. read_bytes: [at, at + bytes) of the files, whatever it is; must lie in the
 * segments, or the archive before them, and, once serving, below durable. IO_ERROR; STALE when no
 * longer there. */
status read_bytes(struct logd *l, uint64_t at, size_t bytes, void *buf);
void read_forget(struct logd *l);
void read_fini(struct logd *l);
/* Answers MSG_LOG_READ. */
void read_answer(struct logd *l, const struct msg *m);

/* summaries.c. In coroutines: notes the records from `at` on that begin below `limit`, as far as
 * there are any: s->to. */
status summary_scan(struct logd *l, uint64_t at, uint64_t limit, struct summary *s);
/* What the file of a full segment says, added to s. NOT_FOUND, or whatever else is wrong with it.
 */
status summary_load(struct logd *l, uint64_t number, struct summary *s);
/* The log goes on at `at`: `live` (taken over; may be empty) is what the records of its segment
 * that lie before have done, all of them if `whole`. */
void summaries_begin(struct logd *l, struct summary live, uint64_t at, bool whole);
void summaries_note(struct logd *l, const struct rec_head *r, uint64_t at); /* on its way out */
bool summaries_turn(struct logd *l);
void summaries_fini(struct logd *l);
void summary_remove(struct logd *l, uint64_t number);
void summaries_tidy(struct logd *l); /* at start: removes those of segments that are gone */

/* scratch.c: aligned for the disk; NULL: no memory. */
void *scratch_new(struct logd *l, size_t bytes);
void scratch_free(void *bytes); /* NULL is allowed */
void scratch_fini(struct logd *l);

/* recover.c */
void recover_run(void *logd); /* the coroutine of a fresh start */
/* What the log from `from` on has done, up to where it ends or `limit`, into changed.summary; what
 * is in the last segment into changed.live, all of it if *ret_whole. In a coroutine. */
status analyse(struct logd *l, uint64_t from, uint64_t limit, bool *ret_whole);
void analyse_fini(struct logd *l);

/* pages.c: answers MSG_LOG_PAGES. */
void pages_answer(struct logd *l, const struct msg *m);
void pages_forget(struct logd *l); /* when storaged needs them no more */

/* chunk_file.c: in coroutines, but for opening and closing. */
status chunk_file_open(struct logd *l, const char *dir, const char *name, struct chunk_file *ret);
void chunk_file_close(struct chunk_file *f);
/* One chunk of [from, end); *ret_at: where the next one begins. As read_bytes; DISK_FULL. */
status chunk_file_log(struct chunk_file *f, uint64_t from, uint64_t end, uint64_t *ret_at);
/* The last chunk; everything is durable then. */
status chunk_file_end(struct chunk_file *f, uint64_t at);

/* backup.c: hold, then start (from: an LSN that the hold still has), then finish; asked after all
 * the time. OBJECT_IN_USE. */
struct log_backup_state {
    bool running, copying;
    status result; /* when it does not run any more */
    uint64_t at;   /* LSN up to which it has come; kept from here on */
    uint64_t bytes;
    const char *dir; /* where; NULL: held only, so far */
};
status log_backup_hold(struct logd *l);
/* window > 0: the file is never more than about so many bytes ahead of what has been taken from
 * it; what is not copied yet is kept as log. */
status log_backup_start(struct logd *l, const char *dir, uint64_t from, uint64_t window);
void log_backup_finish(struct logd *l);
/* The one under way is wanted no more: nothing is kept for it, and it soon ends with
 * QUERY_CANCELED. */
void log_backup_drop(struct logd *l);
/* taken: bytes of the file that nobody needs any more. NULL: there was none. */
const struct log_backup_state *log_backup_state(struct logd *l, uint64_t taken);
uint64_t log_backup_keeps(const struct logd *l); /* what lies below nobody needs for it */
void log_backup_fini(struct logd *l);

/* archive.c */
status archive_begin(struct logd *l); /* nothing, when none is wanted */
void archive_name(uint64_t number, char ret_name[SEGMENT_NAME_BYTES]);
uint64_t archive_keeps(const struct logd *l);
void archive_fini(struct logd *l);

/* reseal.c */
bool log_reseal_wanted(const struct logd *l);
void log_reseal_begin(struct logd *l); /* at start: says which key seals from now on */
/* The log goes on at `at`, and nothing has been written: its segment is sealed anew if it must be,
 * and those before it from now on. In a coroutine. */
status log_reseal_before(struct logd *l, uint64_t at);
void log_reseal_fini(struct logd *l);

/* archive_read.c: in a coroutine: [from, to) of one archived segment. STALE: it is not there, or
 * not good. */
status archive_read(struct logd *l, uint64_t from, uint64_t to, char *buf);
void archive_read_fini(struct logd *l);

#endif
