#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "axl.h"
#include "backup/backup.h"
#include "base/crc32c.h"
#include "manifest.h"
#include "s3_backup.h"

#define IDLE_MS 1000
#define PIECE_BYTES 4096 /* a pipe that can be written to takes so much at once */

struct stream {
    int fd;
    uint64_t appliance_id;
    uint32_t chunks, sum; /* sent so far */
    char *chunk;
    struct s3_sink *sink; /* NULL: fd */
    struct {
        int fd;
        uint64_t grown, taken;
    } file[STREAM_FILES];
};

static const char *const file_names[] = {BACKUP_PAGES_FILE, BACKUP_LOG_FILE};

static status no_memory(struct error *e) {
    return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
}

status stream_new(int fd, uint64_t appliance_id, struct stream **ret, struct error *e) {
    struct stream *s = calloc(1, sizeof *s);
    if (s) s->chunk = malloc(backup_chunk_room());
    if (!s || !s->chunk) {
        free(s);
        return no_memory(e);
    }
    s->fd = fd;
    s->appliance_id = appliance_id;
    for (int i = 0; i < STREAM_FILES; i++) s->file[i].fd = -1;
    *ret = s;
    return OK;
}

void stream_to_objects(struct stream *s, struct s3_sink *sink) {
    s->sink = sink;
}

void stream_free(struct stream *s) {
    if (!s) return;
    for (int i = 0; i < STREAM_FILES; i++)
        if (s->file[i].fd >= 0) close(s->file[i].fd);
    free(s->chunk);
    free(s);
}

status stream_open_files(struct stream *s, const char *dir, struct error *e) {
    for (int i = 0; i < STREAM_FILES; i++) {
        char path[AXL_PATH_BYTES + 32];
        snprintf(path, sizeof path, "%s/%s", dir, file_names[i]);
        s->file[i].fd = open(path, O_RDWR | O_CLOEXEC);
        if (s->file[i].fd < 0) return error_set(e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
    }
    return OK;
}

void stream_grown(struct stream *s, enum stream_file file, uint64_t bytes) {
    s->file[file].grown = bytes;
}

uint64_t stream_taken(const struct stream *s, enum stream_file file) {
    return s->file[file].taken;
}

/* ---- sending ---- */

static status write_fd(struct stream *s, size_t n, stream_idle idle, void *arg, struct error *e) {
    for (size_t done = 0; done < n;) {
        struct pollfd p = {.fd = s->fd, .events = POLLOUT};
        int ready = poll(&p, 1, IDLE_MS);
        if (ready == 0) TRY(idle(arg));
        if (ready <= 0) continue;
        ssize_t put =
            write(s->fd, s->chunk + done, n - done < PIECE_BYTES ? n - done : PIECE_BYTES);
        if (put < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (put < 0)
            return error_set(e, ST_IO_ERROR, "the stream cannot be written: %s", strerror(errno));
        done += (size_t)put;
    }
    return OK;
}

static status write_all(struct stream *s, size_t n, stream_idle idle, void *arg, struct error *e) {
    TRY(s->sink ? s3_sink_put(s->sink, s->chunk, n, e) : write_fd(s, n, idle, arg, e));
    s->sum = crc32c(s->sum, s->chunk, n);
    s->chunks++;
    return OK;
}

static status send_text(struct stream *s, struct backup_head h, const char *text, stream_idle idle,
                        void *arg, struct error *e) {
    size_t bytes, n = strlen(text);
    if (n > BACKUP_RAW_MAX) return error_set(e, ST_INVALID, "a text is too long for a backup");
    h.appliance_id = s->appliance_id;
    h.raw_bytes = (uint32_t)n;
    if (!ok(backup_pack(&h, text, s->chunk, &bytes))) return no_memory(e);
    return write_all(s, bytes, idle, arg, e);
}

status stream_send_manifest(struct stream *s, const char *text, stream_idle idle, void *arg,
                            struct error *e) {
    struct backup_head h = {.kind = BACKUP_MANIFEST_TEXT, .count = s->chunks, .at = s->sum};
    return send_text(s, h, text, idle, arg, e);
}

status stream_send_settings(struct stream *s, const char *dir, stream_idle idle, void *arg,
                            struct error *e) {
    static char text[BACKUP_RAW_MAX + 1];
    char path[AXL_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, dir);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    bool good = f && !ferror(f);
    if (f) fclose(f);
    if (!good) return error_set(e, ST_IO_ERROR, "%s: %s", path, strerror(errno));
    text[n] = '\0';
    return send_text(s, (struct backup_head){.kind = BACKUP_SETTINGS}, text, idle, arg, e);
}

static bool read_at(int fd, char *to, size_t n, uint64_t at) {
    return pread(fd, to, n, (off_t)at) == (ssize_t)n;
}

static status send_chunk(struct stream *s, int i, stream_idle idle, void *arg, struct error *e) {
    struct backup_head h;
    size_t bytes;
    uint64_t at = s->file[i].taken;
    int fd = s->file[i].fd;
    bool good = read_at(fd, s->chunk, BACKUP_ALIGN, at) && ok(backup_look(s->chunk, &h, &bytes)) &&
                read_at(fd, s->chunk + BACKUP_ALIGN, bytes - BACKUP_ALIGN, at + BACKUP_ALIGN);
    if (!good)
        return error_set(e, ST_IO_ERROR, "the file \"%s\" of the backup cannot be read",
                         file_names[i]);
    TRY(write_all(s, bytes, idle, arg, e));
    s->file[i].taken += bytes;
    /* A file system that cannot do this keeps the whole backup until it is sent. */
    (void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)bytes);
    return OK;
}

status stream_send(struct stream *s, stream_idle idle, void *arg, struct error *e) {
    for (int i = 0; i < STREAM_FILES; i++)
        for (uint64_t to = s->file[i].grown; s->file[i].taken < to;)
            TRY(send_chunk(s, i, idle, arg, e));
    return OK;
}

/* ---- receiving ---- */

struct receiver {
    const char *dir;
    int fd[STREAM_FILES], settings;
    struct error *e;
};

static status put_all(struct receiver *r, int fd, const void *bytes, size_t n) {
    for (size_t done = 0; done < n;) {
        ssize_t put = write(fd, (const char *)bytes + done, n - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return error_set(r->e, ST_IO_ERROR, "%s: %s", r->dir, strerror(errno));
        done += (size_t)put;
    }
    return OK;
}

static status take_piece(struct receiver *r, const struct backup_piece *p) {
    switch (p->head.kind) {
    case BACKUP_PAGES:
    case BACKUP_INDEX: return put_all(r, r->fd[STREAM_PAGES], p->chunk, p->bytes);
    case BACKUP_LOG: return put_all(r, r->fd[STREAM_LOG], p->chunk, p->bytes);
    case BACKUP_END:
        return put_all(r, r->fd[p->head.at ? STREAM_LOG : STREAM_PAGES], p->chunk, p->bytes);
    case BACKUP_SETTINGS: return put_all(r, r->settings, p->raw, p->head.raw_bytes);
    default: return STATUS(DATA_CORRUPTED);
    }
}

static status finish(struct receiver *r, const struct backup_piece *manifest) {
    static char text[BACKUP_RAW_MAX + 1];
    const int fds[] = {r->fd[STREAM_PAGES], r->fd[STREAM_LOG], r->settings};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fsync(fds[i]) != 0)
            return error_set(r->e, ST_IO_ERROR, "%s: %s", r->dir, strerror(errno));
    memcpy(text, manifest->raw, manifest->head.raw_bytes);
    text[manifest->head.raw_bytes] = '\0';
    return manifest_put(r->dir, text, r->e);
}

static status take_all(struct receiver *r, struct backup_stream *in) {
    struct backup_piece p;
    status s;
    while (ok(s = backup_stream_next(in, &p))) {
        if (p.head.kind == BACKUP_MANIFEST_TEXT) return finish(r, &p);
        TRY(take_piece(r, &p));
    }
    return s;
}

static int make_file(struct receiver *r, const char *name) {
    char path[AXL_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/%s", r->dir, name);
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

status stream_receive(int fd, const char *dir, struct error *e) {
    struct backup_stream *in;
    struct receiver r = {.dir = dir, .e = e};
    if (!ok(backup_stream_open(fd, &in))) return no_memory(e);
    for (int i = 0; i < STREAM_FILES; i++) r.fd[i] = make_file(&r, file_names[i]);
    r.settings = make_file(&r, CONF_FILE_NAME);
    bool made = r.settings >= 0 && r.fd[STREAM_PAGES] >= 0 && r.fd[STREAM_LOG] >= 0;
    status s = made ? take_all(&r, in) : error_set(e, ST_IO_ERROR, "%s: %s", dir, strerror(errno));
    for (int i = 0; i < STREAM_FILES; i++)
        if (r.fd[i] >= 0) close(r.fd[i]);
    if (r.settings >= 0) close(r.settings);
    backup_stream_close(in);
    if (!ok(s) && !e->message[0])
        return error_set(e, s.code, "the stream is not a whole backup: %s", status_name(s));
    return s;
}

int axl_backup_receive(struct axl *a, const char *to) {
    struct axl own = {0};
    bool made;
    if (strlen(to) >= sizeof own.dir) {
        fprintf(stderr, "axl: the directory's name is too long\n");
        return 2;
    }
    strcpy(own.dir, to);
    if (!ok(axl_make_directory(&own, &made))) return axl_fail(&own);
    if (!ok(stream_receive(STDIN_FILENO, own.dir, &a->e))) {
        axl_empty_directory(own.dir, made);
        return axl_fail(a);
    }
    printf("The backup is in %s\n", own.dir);
    return 0;
}
