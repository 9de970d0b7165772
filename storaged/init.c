#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/control.h"
#include "conf/conf.h"
#include "crypt/given.h"
#include "storaged.h"

#define DATA_FILE "data"
#define LSNS_FILE "page_lsns"

void storaged_say(const char *format, ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    fprintf(stderr, "storaged: %s\n", line);
}

static status open_file(struct storaged *s, const char *name, bool create,
                        struct disk_file **ret_file, struct error *e) {
    status st = disk_file_open(s->disk, s->dirfd, name, create, ret_file);
    if (ok(st)) return OK;
    bool missing = status_is(st, ST_NOT_FOUND);
    st = error_set(e, st.code, "the file \"%s\" %s%s", name,
                   missing ? "is missing" : "cannot be opened: ", missing ? "" : status_name(st));
    if (missing) error_hint(e, "Put it back, or restore the appliance from a backup.");
    return st;
}

static status open_files(struct storaged *s, const char *data_dir, bool create, struct error *e) {
    s->dirfd = open(data_dir, O_DIRECTORY | O_CLOEXEC | O_PATH);
    if (s->dirfd < 0)
        return error_set(e, ST_NOT_FOUND, "the directory \"%s\" cannot be opened: %s", data_dir,
                         strerror(errno));
    int lifeline = s->d ? s->d->lifeline : -1;
    status st = disk_open(s->options.io_method, s->options.io_depth, lifeline, &s->disk);
    if (!ok(st) && strcmp(s->options.io_method, "uring") == 0) {
        storaged_say("the system denies io_uring (%s): plain I/O", status_name(st));
        st = disk_open("plain", s->options.io_depth, lifeline, &s->disk);
    }
    if (!ok(st)) return error_set(e, st.code, "the disk cannot be used: %s", status_name(st));
    TRY(open_file(s, DATA_FILE, create, &s->data, e));
    return open_file(s, LSNS_FILE, true, &s->homes.file, e);
}

void storaged_files_close(struct storaged *s) {
    if (s->disk) { /* what is under way ends before its file is closed */
        struct disk_io *io;
        while (disk_in_flight(s->disk) > 0 && disk_reap(s->disk, &io, 1, true) >= 0) {
        }
    }
    backup_fini(s);
    source_fini(s);
    if (s->data) disk_file_close(s->data);
    if (s->doublewrite) disk_file_close(s->doublewrite);
    if (s->homes.file) disk_file_close(s->homes.file);
    if (s->temp.file) disk_file_close(s->temp.file);
    if (s->disk) disk_close(s->disk);
    if (s->dirfd >= 0) close(s->dirfd);
    s->data = s->doublewrite = s->homes.file = s->temp.file = NULL;
    s->disk = NULL;
    s->dirfd = -1;
    backup_use_keys(NULL);
    crypt_free(s->crypt);
    crypt_free(s->backup_crypt);
    s->crypt = s->backup_crypt = NULL;
}

status storaged_files_make(struct storaged *s, const char *data_dir, uint64_t pages) {
    uint64_t bytes;
    struct error e = {0}; /* who asked has words of its own */
    s->options.io_depth = 8;
    if (!s->options.io_method[0]) strcpy(s->options.io_method, "plain");
    TRY(given_take(&s->crypt));
    TRY(open_files(s, data_dir, true, &e));
    TRY(disk_file_size(s->data, &bytes));
    if (bytes > 0) return STATUS(EXISTS);
    TRY(doublewrite_make(s));
    return disk_file_extend(s->data, 0, pages * PAGE_BYTES);
}

#define FORMAT_PAGES 64

static status format_files(struct storaged *s, const char *data_dir, uint64_t appliance_id) {
    TRY(storaged_files_make(s, data_dir, FORMAT_PAGES));
    /* Both copies, so that from the first moment each has another beside it. The space map, page 2,
     * is all zero, which is an empty one. */
    struct file_page fp = {.appliance_id = appliance_id,
                           .redo_lsn = LOG_FIRST.at,
                           .undo_lsn = LOG_FIRST.at,
                           .purge_lsn = LOG_FIRST.at,
                           .next_txid = TXID_FIRST,
                           .clean = 1,
                           .pages = FORMAT_PAGES};
    TRY(file_page_write(s, &fp));
    TRY(file_page_write(s, &fp));
    return disk_file_sync_dir(s->disk, s->dirfd);
}

status storaged_format(const char *data_dir, const char *io_method, uint64_t appliance_id) {
    struct storaged *s = calloc(1, sizeof *s);
    if (!s) return STATUS(OUT_OF_MEMORY);
    snprintf(s->options.io_method, sizeof s->options.io_method, "%s", io_method);
    status st = format_files(s, data_dir, appliance_id);
    storaged_files_close(s);
    free(s);
    return st;
}

static void options_from(struct storaged *s, const struct conf *conf) {
    struct conf preset;
    if (!conf) {
        conf_init(&preset);
        conf = &preset;
    }
    s->options = (struct storaged_options){
        .io_depth = (unsigned)conf->io_depth,
        .checkpoint_interval_ns = conf->checkpoint_interval * 1000000u,
        .checkpoint_log_bytes = conf->log_size_max / 2,
        .scrub_rate = (uint64_t)conf->scrub_rate,
        .ignore_missing_doublewrite = conf->ignore_missing_doublewrite,
        .ignore_log_damage = conf->ignore_log_damage,
    };
    snprintf(s->options.io_method, sizeof s->options.io_method, "%s", conf->io_method);
}

/* What both births have in common: files, memory, mended pages. */
static status begin(struct daemon *d, struct error *e) {
    struct storaged *s = calloc(1, sizeof *s);
    if (!s) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    d->state = s;
    s->d = d;
    s->p = &d->proc;
    s->shm = d->proc.shm;
    s->dirfd = -1;
    options_from(s, d->conf);
    status st = given_take(&s->crypt);
    if (ok(st)) st = given_take_backup(&s->backup_crypt);
    if (!ok(st)) return error_set(e, st.code, "the keys of the data cannot be used");
    reseal_begin(s);
    backup_use_keys(s->crypt);
    TRY(open_files(s, d->data_dir, false, e));
    uint64_t bytes;
    TRY(disk_file_size(s->data, &bytes));
    atomic_store(&s->shm->pool->file_pages, bytes / PAGE_BYTES);
    st = file_page_read(s);
    if (!ok(st))
        return error_set(e, st.code, "pages 0 and 1 of the file \"" DATA_FILE "\" are both %s",
                         file_page_words(s));
    uint64_t id = s->shm->control->appliance_id;
    if (id && s->file.appliance_id && s->file.appliance_id != id)
        return error_set(e, ST_DATA_CORRUPTED, "the data file belongs to another appliance");
    fetch_begin(s);
    unsigned mended;
    TRY(doublewrite_open(s, e));
    TRY(doublewrite_recover(s, &mended));
    if (mended > 0) storaged_say("%u torn pages written again from the double-write file", mended);
    if (reseal_wanted(s)) TRY(doublewrite_empty(s));
    TRY(home_lsn_load(s));
    s->space_wrap = true;
    TRY(load_init(s));
    TRY(temp_init(s));
    TRY(frames_init(s));
    TRY(write_init(s));
    TRY(scrub_init(s));
    return reseal_init(s);
}

static void disk_ready([[maybe_unused]] void *arg, [[maybe_unused]] uint32_t events) {
    /* step reaps */
}

/* Every frame is free, whatever it held. */
static void empty_frames(struct storaged *s) {
    for (uint32_t i = atomic_load(&s->shm->pool->ready_frames); i > 0; i--) {
        struct frame *f = &s->shm->frames[i - 1];
        atomic_store(&f->state, FRAME_FREE);
        atomic_store(&f->page, 0);
        atomic_store(&f->rec_lsn, 0);
        atomic_store(&f->write_lsn, 0);
        frames_put(s, f);
    }
    table_rebuild(s);
}

static status go_on(struct storaged *s, struct error *e) {
    status st = daemon_watch(s->d, disk_fd(s->disk), EPOLLIN, disk_ready, s);
    if (ok(st) && !s->serving) st = daemon_spawn(s->d, 0, redo_run, s);
    if (ok(st) && s->fetch.active) st = daemon_spawn(s->d, 0, fetch_run, s);
    if (!ok(st)) return error_set(e, (enum status_code)st.code, "could not start");
    return OK;
}

status storaged_init_fresh(struct daemon *d, struct error *e) {
    TRY(begin(d, e));
    struct storaged *s = d->state;
    empty_frames(s);
    struct control *control = s->shm->control;
    atomic_store(&control->undo_lsn, s->file.undo_lsn);
    atomic_store(&control->purge_lsn, s->file.purge_lsn);
    atomic_store(&control->next_txid, s->file.next_txid);
    atomic_store(&control->last_commit, s->file.last_commit);
    return go_on(s, e);
}

/* The frame as a dead storaged left it. Its reads and writes have ended or will never be made. */
static void adopt_frame(struct storaged *s, struct frame *f) {
    uint64_t writing = atomic_load(&f->write_lsn);
    if (writing) {
        latch_lock(&f->latch, s->p->owner);
        uint64_t rec = atomic_load(&f->rec_lsn);
        if (!rec || writing < rec) atomic_store(&f->rec_lsn, writing);
        atomic_store(&f->write_lsn, 0);
        page_unlatch_unchanged(f);
    }
    switch (atomic_load(&f->state)) {
    case FRAME_READY:
    case FRAME_BROKEN: frames_admit(s, f); break;
    case FRAME_REDO: /* perhaps half changed; what is at home and the log make it again */
        atomic_store(&f->rec_lsn, 0);
        atomic_store(&f->state, FRAME_FREE);
        atomic_store(&f->page, 0);
        frames_put(s, f);
        break;
    case FRAME_LOADING:
        if (atomic_load(&f->page) && s->free_loads && s->serving) {
            load_restart(s, f);
            break;
        }
        atomic_store(&f->state, FRAME_FREE);
        [[fallthrough]];
    default:
        atomic_store(&f->rec_lsn, 0);
        atomic_store(&f->page, 0);
        frames_put(s, f);
    }
}

status storaged_init_restart(struct daemon *d, struct error *e) {
    if (!atomic_load(&d->proc.shm->control->redo_done)) return storaged_init_fresh(d, e);
    TRY(begin(d, e));
    struct storaged *s = d->state;
    s->serving = s->redo.complete = atomic_load(&d->proc.shm->control->redo_complete);
    pool_size_adopt(s);
    for (uint32_t i = atomic_load(&s->shm->pool->ready_frames); i > 0; i--)
        adopt_frame(s, &s->shm->frames[i - 1]);
    table_rebuild(s);
    s->checkpoint_due_ns = s->p->env->mono_ns(s->p) + s->options.checkpoint_interval_ns;
    TRY(go_on(s, e));
    s->homes.trusted = false;
    TRY(daemon_spawn(d, 0, home_lsn_catch_up, s));
    if (s->serving) daemon_ready(d);
    return OK;
}

void storaged_fini(struct daemon *d) {
    struct storaged *s = d->state;
    if (!s) return;
    storaged_files_close(s);
    load_fini(s);
    temp_fini(s);
    checkpoint_fini(s);
    frames_fini(s);
    write_fini(s);
    scrub_fini(s);
    reseal_fini(s);
    home_lsn_fini(s);
    fetch_fini(s);
    redo_fini(s);
    free(s);
    d->state = NULL;
}
