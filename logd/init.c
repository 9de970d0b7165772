#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/check.h"
#include "base/control.h"
#include "base/probe.h"
#include "conf/conf.h"
#include "crypt/given.h"
#include "logd.h"

#define LOG_DIR "log"
#define FORMAT_DEPTH 4

static int open_dir(const char *data_dir, bool create) {
    int data = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (data < 0) return -1;
    int dir = -1;
    if (!create || mkdirat(data, LOG_DIR, 0700) == 0 || errno == EEXIST)
        dir = openat(data, LOG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0 && create && fsync(data) != 0) {
        close(dir);
        dir = -1;
    }
    close(data);
    return dir;
}

/* The kind that is asked for, or plain calls where the host denies it. */
static status open_disk(const char *kind, unsigned depth, int lifeline, struct disk **ret_disk) {
    status s = disk_open(kind, depth, lifeline, ret_disk);
    return ok(s) || strcmp(kind, "uring") != 0 ? s : disk_open("plain", depth, lifeline, ret_disk);
}

static void disk_is_ready([[maybe_unused]] void *arg, [[maybe_unused]] uint32_t events) {
    /* only to be woken: step() reaps */
}

/* What both births have in common; logd_fini undoes whatever has been done. */
static status begin(struct daemon *d, struct error *e) {
    struct logd *l = calloc(1, sizeof *l);
    if (!l) return STATUS(OUT_OF_MEMORY);
    d->state = l;
    l->d = d;
    l->shared = d->proc.shm->log;
    l->dir = open_dir(d->data_dir, false);
    if (l->dir < 0)
        return error_set(e, ST_IO_ERROR, "could not open directory \"%s/" LOG_DIR "\": %s",
                         d->data_dir, strerror(errno));
    status s = open_disk(d->conf->io_method, (unsigned)d->conf->io_depth, d->lifeline, &l->disk);
    if (!ok(s)) return error_set(e, s.code, "could not open the disk (%s)", d->conf->io_method);
    s = given_take(&l->segments.crypt);
    if (!ok(s)) return error_set(e, s.code, "the keys of the log cannot be used");
    log_reseal_begin(l);
    backup_use_keys(l->segments.crypt);
    l->segments.disk = l->disk;
    l->segments.dir = l->dir;
    l->segments.appliance_id = d->proc.shm->control->appliance_id;
    char words[128] = "the log's directory cannot be read";
    s = segments_load(&l->segments, words, sizeof words);
    if (!ok(s)) return error_set(e, s.code, "%s", words);
    summaries_tidy(l);
    TRY(prepare_init(l));
    TRY(archive_begin(l));
    return daemon_watch(d, disk_fd(l->disk), EPOLLIN, disk_is_ready, l);
}

status logd_init_fresh(struct daemon *d, struct error *e) {
    TRY(begin(d, e));
    return daemon_spawn(d, 0, recover_run, logd_of(d));
}

/* The ring still holds everything from durable on, and durable is the start of a record. The block
 * that it lies in is needed again from its beginning. */
static status continue_at_durable(struct logd *l) {
    struct log_shared *s = l->shared;
    uint64_t durable = atomic_load(&s->durable);
    uint64_t base = segments_block_down(&l->segments, durable);
    void *block;
    if (posix_memalign(&block, DISK_ALIGN, DISK_ALIGN) != 0) return STATUS(OUT_OF_MEMORY);
    status result = OK;
    if (durable > base) {
        struct segment *segment;
        result = segments_get(&l->segments, segment_of(&l->segments, base), &segment);
        if (ok(result)) {
            struct disk_io io = {.op = DISK_READ,
                                 .file = segment->file,
                                 .offset = segment_offset(&l->segments, base),
                                 .buf = block,
                                 .len = DISK_ALIGN};
            result = disk_do(l->disk, &io);
            if (ok(result) && !segments_unpack(&l->segments, base, block, DISK_ALIGN))
                result = STATUS(DATA_CORRUPTED);
        }
    }
    if (ok(result)) result = flush_init(l, durable, atomic_load(&s->visible), block);
    if (ok(result)) summaries_begin(l, (struct summary){0}, durable, false);
    free(block);
    return result;
}

static status serve_again(struct logd *l) {
    TRY(continue_at_durable(l));
    /* A segment that was being recycled may be gone from the files only. */
    atomic_store(&l->shared->oldest, segments_begin(&l->segments));
    uint64_t failed = atomic_load(&l->shared->failed);
    l->broken = failed != ST_OK && failed != ST_DISK_FULL;
    l->serving = true;
    PROBE(axolotl_logd, restarted, atomic_load(&l->shared->durable));
    daemon_ready(l->d);
    return OK;
}

/* With a new data key, for which the last segment is sealed anew first. */
static void restart_run(void *logd) {
    struct logd *l = logd;
    status s = log_reseal_before(l, atomic_load(&l->shared->durable));
    if (ok(s)) s = serve_again(l);
    if (!ok(s)) logd_give_up(l, "the end of the log cannot be made ready", s);
}

status logd_init_restart(struct daemon *d, struct error *e) {
    struct control *c = d->proc.shm->control;
    if (atomic_load(&c->recovered_lsn) == 0) return logd_init_fresh(d, e);
    TRY(begin(d, e));
    struct logd *l = logd_of(d);
    if (log_reseal_wanted(l)) return daemon_spawn(d, 0, restart_run, l);
    status s = serve_again(l);
    return ok(s) ? OK : error_set(e, s.code, "the end of the log cannot be read");
}

void logd_fini(struct daemon *d) {
    struct logd *l = logd_of(d);
    if (!l) return;
    if (l->disk) {
        struct disk_io *io;
        while (disk_in_flight(l->disk)) (void)disk_reap(l->disk, &io, 1, true);
        prepare_fini(l);
        summaries_fini(l);
        log_backup_fini(l);
        archive_fini(l);
        log_reseal_fini(l);
        segments_close(&l->segments);
        disk_close(l->disk);
    }
    flush_fini(l);
    read_fini(l);
    summary_free(&l->changed.summary);
    analyse_fini(l);
    scratch_fini(l);
    backup_use_keys(NULL);
    crypt_free(l->segments.crypt);
    if (l->dir >= 0) close(l->dir);
    free(l->waiters);
    free(l);
    d->state = NULL;
}

status logd_format(const char *data_dir, const char *io_method, uint64_t segment_bytes,
                   uint64_t appliance_id) {
    struct disk *disk;
    int dir = open_dir(data_dir, true);
    if (dir < 0) return STATUS(IO_ERROR);
    struct crypt *crypt = NULL;
    status s = open_disk(io_method, FORMAT_DEPTH, -1, &disk);
    if (ok(s)) {
        s = given_take(&crypt);
        if (ok(s))
            s = segments_format(disk, dir, appliance_id,
                                segment_bytes & ~(uint64_t)(DISK_ALIGN - 1), crypt);
        crypt_free(crypt);
        disk_close(disk);
    }
    close(dir);
    return s;
}
