/* logd --restore -D DIR --from BACKUP [--archive DIR] [--to-lsn N | --to-time NS] [--keys FD]: the
 * log's segments from a backup's log and what the archive has beyond it, up to a record's border:
 * the end, the first record at or behind an LSN, or the first commit later than a time. What
 * follows is what follows a crash at that moment. */
#include "restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/error.h"
#include "conf/conf.h"
#include "crypt/given.h"
#include "ipc_proc.h"
#include "log/log.h"
#include "segment.h"

#define WINDOW_BLOCKS 256
#define WINDOW_BYTES ((size_t)WINDOW_BLOCKS * SEGMENT_BLOCK_BYTES)
#define PATH_BYTES 1200
#define DEPTH 4
#define LOG_NAME_LEN 20 /* of an archived segment: sixteen digits and ".log" */

struct restore {
    const char *dir, *from, *archive;
    bool bounded;              /* one of these two is given: it is reached, or nothing is made */
    uint64_t to_lsn;           /* UINT64_MAX: no matter */
    commit_time to_time;       /* likewise */
    uint64_t of;               /* the appliance that the backup is of */
    uint64_t begin, least_end; /* of the backup */
    commit_time last_commit;   /* that was taken */
    struct segments segments;
    struct crypt *backup_keys; /* NULL: what is read is plain */
    struct disk_file *file;    /* the segment that the window lies in; NULL: none yet */
    char *window, *out;        /* what goes to the file next; the same as blocks of the file */
    uint64_t base, at;         /* LSN of its beginning, a block's; up to where it is filled */
    char *pending;             /* read and not yet looked at: from LSN `at` on */
    size_t npending;
    bool reached; /* the place to stop */
    /* What the archive has behind log that it does not have; empty: there is no such. */
    char gap[LOG_NAME_LEN + 1];
    struct error *e;
};

/* ---- writing ---- */

static status write_window(struct restore *r) {
    size_t n = (size_t)(r->at - r->base);
    if (n == 0) return OK;
    struct disk_io io = {.op = DISK_WRITE,
                         .file = r->file,
                         .offset = segment_offset(&r->segments, r->base),
                         .buf = segments_pack(&r->segments, r->base, r->window, n, r->out),
                         .len = segments_file_bytes(&r->segments, r->base, r->at),
                         .durable = true};
    return disk_do(r->segments.disk, &io);
}

static status open_segment(struct restore *r, uint64_t number) {
    char name[SEGMENT_NAME_BYTES];
    if (r->file) disk_file_close(r->file);
    r->file = NULL;
    TRY(segment_make(&r->segments, number));
    segment_name(number, name);
    return disk_file_open(r->segments.disk, r->segments.dir, name, false, &r->file);
}

static uint64_t window_end(const struct restore *r) {
    uint64_t end = segment_start(&r->segments, segment_of(&r->segments, r->base) + 1);
    uint64_t window = WINDOW_BLOCKS * segments_block(&r->segments);
    return end - r->base < window ? end : r->base + window;
}

static status next_window(struct restore *r) {
    uint64_t before = segment_of(&r->segments, r->base);
    TRY(write_window(r));
    memset(r->window, 0, WINDOW_BYTES);
    r->base = r->at;
    uint64_t number = segment_of(&r->segments, r->base);
    return number == before ? OK : open_segment(r, number);
}

static status put(struct restore *r, const char *bytes, size_t n) {
    while (n > 0) {
        uint64_t room = window_end(r) - r->at;
        size_t part = n < room ? n : (size_t)room;
        memcpy(r->window + (r->at - r->base), bytes, part);
        r->at += part;
        bytes += part;
        n -= part;
        if (r->at == window_end(r)) TRY(next_window(r));
    }
    return OK;
}

/* ---- reading ---- */

static bool is_beyond(struct restore *r, const struct rec_head *h) {
    struct rec_commit c;
    if (r->at >= r->to_lsn) return true;
    if (h->type != REC_COMMIT) return false;
    memcpy(&c, rec_payload_c(h), sizeof c);
    if (c.time <= r->to_time) r->last_commit = c.time;
    return c.time > r->to_time;
}

/* The whole records among what is pending. */
static status take_records(struct restore *r) {
    size_t done = 0;
    while (!r->reached && r->npending - done >= sizeof(struct rec_head)) {
        const struct rec_head *h = (const struct rec_head *)(r->pending + done);
        if (h->len <= REC_BYTES_MAX && h->len > r->npending - done) break;
        if (!ok(rec_valid(h, r->npending - done)) || rec_crc(h, (lsn){r->at}) != h->crc)
            return STATUS(DATA_CORRUPTED);
        if (is_beyond(r, h)) {
            r->reached = true;
            break;
        }
        size_t len = h->len;
        TRY(put(r, r->pending + done, len));
        done += len;
    }
    memmove(r->pending, r->pending + done, r->npending - done);
    r->npending -= done;
    return OK;
}

/* A chunk's log; what has been read already is left out. STALE: something between is missing;
 * INVALID: it is another appliance's. */
static status take_chunk(struct restore *r, const struct backup_head *h, const char *raw) {
    uint64_t have = r->at + r->npending;
    if (h->kind != BACKUP_LOG) return STATUS(DATA_CORRUPTED);
    if (h->appliance_id != r->of) return STATUS(INVALID);
    if (h->at + h->raw_bytes <= have) return OK;
    if (h->at > have) return STATUS(STALE);
    size_t skip = (size_t)(have - h->at);
    memcpy(r->pending + r->npending, raw + skip, h->raw_bytes - skip);
    r->npending += h->raw_bytes - skip;
    return take_records(r);
}

static status take_file(struct restore *r, const char *path) {
    struct backup_reader *reader;
    struct backup_head h;
    const void *raw;
    status s = backup_open(path, &reader);
    if (!ok(s)) return error_set(r->e, s.code, "%s: %s", path, status_name(s));
    while (ok(s) && !r->reached) {
        s = backup_next(reader, &h, &raw);
        if (ok(s)) s = take_chunk(r, &h, raw);
    }
    backup_close(reader);
    if (ok(s) || status_is(s, ST_END)) return OK;
    if (status_is(s, ST_STALE)) return s;
    if (status_is(s, ST_DISK_FULL))
        return error_set(r->e, s.code, "there is no room in %s", r->dir);
    return error_set(r->e, s.code, "%s %s", path,
                     status_is(s, ST_INVALID)          ? "is the log of another appliance"
                     : status_is(s, ST_DATA_CORRUPTED) ? "is damaged"
                                                       : status_name(s));
}

static int is_log(const struct dirent *d) {
    size_t n = strlen(d->d_name);
    return n == LOG_NAME_LEN && strcmp(d->d_name + LOG_NAME_LEN - 4, ".log") == 0;
}

/* Names in order are segments in order. Behind a gap there is nothing that could be used. */
static status take_archive(struct restore *r) {
    struct dirent **names;
    int n = scandir(r->archive, &names, is_log, alphasort);
    if (n < 0)
        return error_set(r->e, errno == ENOENT ? ST_NOT_FOUND : ST_IO_ERROR, "the archive %s: %s",
                         r->archive, strerror(errno));
    status s = OK;
    for (int i = 0; i < n; i++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s/%s", r->archive, names[i]->d_name);
        if (ok(s) && !r->reached) s = take_file(r, path);
        if (status_is(s, ST_STALE) && !r->gap[0])
            snprintf(r->gap, sizeof r->gap, "%.*s", LOG_NAME_LEN, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return status_is(s, ST_STALE) ? OK : s;
}

/* ---- the whole ---- */

/* The log has ended before the place where it was to, or before log that is there. */
static status not_reached(const struct restore *r) {
    time_t seconds = (time_t)(r->last_commit / 1000000000u);
    char when[64] = "without a commit";
    struct tm tm;
    if (r->last_commit)
        strftime(when, sizeof when, "with commits up to %Y-%m-%d %H:%M:%SZ",
                 gmtime_r(&seconds, &tm));
    if (!r->gap[0])
        return error_set(r->e, ST_INVALID_PARAMETER_VALUE,
                         "the log that is there ends at LSN %" PRIu64
                         " (%s), before the place to stop at",
                         r->at, when);
    status s = error_set(r->e, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                         "log is missing in the archive before %s: what is there ends at LSN "
                         "%" PRIu64 " (%s)",
                         r->gap, r->at, when);
    error_hint(r->e, "Put the missing log there, or do without what came later: --to-lsn %" PRIu64,
               r->at);
    return s;
}

static status read_manifest(struct restore *r) {
    char path[PATH_BYTES];
    const char *of = "";
    json_error_t error;
    json_int_t from = 0, end = 0;
    snprintf(path, sizeof path, "%s/" BACKUP_MANIFEST, r->from);
    json_t *j = json_load_file(path, 0, &error);
    int rc =
        json_unpack(j, "{s:I, s:I, s:s}", "from_lsn", &from, "end_lsn", &end, "appliance", &of);
    r->of = strtoull(of, NULL, 16);
    json_decref(j);
    r->begin = (uint64_t)from;
    r->least_end = (uint64_t)end;
    return j && rc == 0 && from >= (json_int_t)LOG_FIRST.at && from % 8 == 0
               ? OK
               : STATUS(DATA_CORRUPTED);
}

static status prepare(struct restore *r) {
    struct conf conf;
    char path[PATH_BYTES];
    struct segments *s = &r->segments;
    conf_init(&conf);
    snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, r->dir);
    TRY(conf_load(&conf, path, r->e));
    TRY(appliance_id_read(r->dir, &s->appliance_id, r->e));
    s->bytes = conf.log_segment_size & ~(uint64_t)(DISK_ALIGN - 1);
    TRY(given_take(&s->crypt));
    TRY(given_take_backup(&r->backup_keys));
    backup_use_keys(r->backup_keys);
    snprintf(path, sizeof path, "%s/log", r->dir);
    if (mkdir(path, 0700) != 0) return errno == EEXIST ? STATUS(EXISTS) : STATUS(IO_ERROR);
    s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir < 0) return STATUS(IO_ERROR);
    r->pending = malloc(REC_BYTES_MAX + BACKUP_RAW_MAX);
    if (!r->pending || posix_memalign((void **)&r->window, DISK_ALIGN, WINDOW_BYTES) != 0 ||
        posix_memalign((void **)&r->out, DISK_ALIGN, WINDOW_BYTES) != 0)
        return STATUS(OUT_OF_MEMORY);
    memset(r->window, 0, WINDOW_BYTES);
    return disk_open("plain", DEPTH, -1, &s->disk);
}

static bool is_at_end(const struct restore *r) {
    return r->bounded ? r->reached || r->at >= r->to_lsn : !r->gap[0];
}

static status restore(struct restore *r) {
    char path[PATH_BYTES];
    TRY(read_manifest(r));
    TRY(prepare(r));
    r->at = r->begin;
    r->base = segments_block_down(&r->segments, r->begin);
    TRY(open_segment(r, segment_of(&r->segments, r->base)));
    snprintf(path, sizeof path, "%s/" BACKUP_LOG_FILE, r->from);
    TRY(take_file(r, path));
    if (r->archive && !r->reached) TRY(take_archive(r));
    TRY(write_window(r));
    if (r->at < r->least_end)
        return error_set(r->e, ST_INVALID_PARAMETER_VALUE,
                         "the backup's pages are of a later moment: its log must be restored at "
                         "least to LSN %" PRIu64 ", not only to %" PRIu64,
                         r->least_end, r->at);
    if (!is_at_end(r)) return not_reached(r);
    TRY(segment_make(&r->segments, segment_of(&r->segments, r->base) + 1));
    return disk_file_sync_dir(r->segments.disk, r->segments.dir);
}

static void give_back(struct restore *r) {
    if (r->file) disk_file_close(r->file);
    if (r->segments.disk) disk_close(r->segments.disk);
    if (r->segments.dir >= 0) close(r->segments.dir);
    backup_use_keys(NULL);
    crypt_free(r->segments.crypt);
    crypt_free(r->backup_keys);
    free(r->window);
    free(r->out);
    free(r->pending);
}

static void stop_at(struct restore *r, uint64_t *place, const char *text) {
    *place = strtoull(text, NULL, 10);
    r->bounded = true;
}

int restore_main(int argc, char **argv) {
    struct error e = {0};
    struct restore r = {
        .to_lsn = UINT64_MAX, .to_time = UINT64_MAX, .segments = {.dir = -1}, .e = &e};
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "-D") == 0)
            r.dir = argv[++i];
        else if (strcmp(argv[i], "--from") == 0)
            r.from = argv[++i];
        else if (strcmp(argv[i], "--archive") == 0)
            r.archive = argv[++i];
        else if (strcmp(argv[i], "--to-lsn") == 0)
            stop_at(&r, &r.to_lsn, argv[++i]);
        else if (strcmp(argv[i], "--to-time") == 0)
            stop_at(&r, &r.to_time, argv[++i]);
    }
    if (!ok(given_read_arguments(argc, argv))) {
        fprintf(stderr, "logd: the keys cannot be read\n");
        return 1;
    }
    if (!r.dir || !r.from) {
        fprintf(stderr, "logd: --restore needs -D DIR and --from BACKUP\n");
        return 2;
    }
    status s = restore(&r);
    give_back(&r);
    if (ok(s)) {
        printf("log restored up to LSN %" PRIu64 "\n", r.at);
        return 0;
    }
    fprintf(stderr, "logd: the log could not be restored: %s\n",
            e.message[0] ? e.message : status_name(s));
    if (e.hint[0]) fprintf(stderr, "logd: %s\n", e.hint);
    return 1;
}
