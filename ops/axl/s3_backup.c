#include "s3_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "axl.h"
#include "stream.h"

#define PART_BYTES ((size_t)16 << 20)
#define PART_NAME_BYTES 24

static void part_name(uint64_t number, char ret_name[PART_NAME_BYTES]) {
    snprintf(ret_name, PART_NAME_BYTES, S3_PART "%08" PRIu64, number);
}

/* ---- there ---- */

struct s3_sink {
    struct s3 *s3;
    uint64_t parts;
    size_t used;
    char *part;
};

status s3_sink_open(const char *url, struct s3_sink **ret, struct error *e) {
    struct s3_sink *s = calloc(1, sizeof *s);
    const char *text;
    size_t n;
    if (s) s->part = malloc(PART_BYTES);
    status st =
        s && s->part ? s3_open(url, &s->s3, e) : error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    if (ok(st)) st = s3_get(s->s3, S3_MANIFEST, &text, &n, e);
    if (status_is(st, ST_NOT_FOUND)) {
        *ret = s;
        return OK;
    }
    s3_sink_close(s);
    return ok(st) ? error_set(e, ST_OBJECT_IN_USE, "there is a backup in \"%s\" already", url) : st;
}

void s3_sink_close(struct s3_sink *s) {
    if (!s) return;
    s3_close(s->s3);
    free(s->part);
    free(s);
}

void s3_sink_idle(struct s3_sink *s, status (*idle)(void *arg), void *arg) {
    s3_idle(s->s3, idle, arg);
}

static status put_part(struct s3_sink *s, struct error *e) {
    char name[PART_NAME_BYTES];
    if (s->used == 0) return OK;
    part_name(++s->parts, name);
    TRY(s3_put(s->s3, name, s->part, s->used, e));
    s->used = 0;
    return OK;
}

status s3_sink_put(struct s3_sink *s, const void *bytes, size_t n, struct error *e) {
    for (const char *from = bytes; n > 0;) {
        size_t piece = n < PART_BYTES - s->used ? n : PART_BYTES - s->used;
        memcpy(s->part + s->used, from, piece);
        s->used += piece;
        from += piece;
        n -= piece;
        if (s->used == PART_BYTES) TRY(put_part(s, e));
    }
    return OK;
}

status s3_sink_finish(struct s3_sink *s, const char *manifest, struct error *e) {
    TRY(put_part(s, e));
    return s3_put(s->s3, S3_MANIFEST, manifest, strlen(manifest), e);
}

/* ---- and back ---- */

status s3_manifest(const char *url, char **ret_text, struct error *e) {
    struct s3 *s3;
    const char *text;
    size_t n;
    TRY(s3_open(url, &s3, e));
    status st = s3_get(s3, S3_MANIFEST, &text, &n, e);
    if (ok(st) && !(*ret_text = strdup(text))) st = error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    s3_close(s3);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(e, ST_NOT_FOUND, "there is no backup in \"%s\", or not a complete one",
                         url);
    return st;
}

/* Parts go through a pipe to who takes the stream apart. */
struct feeder {
    struct s3 *s3;
    int fd;
    struct error e;
};

static bool write_all(int fd, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t put = write(fd, bytes, n);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        bytes += put;
        n -= (size_t)put;
    }
    return true;
}

static void *feed(void *arg) {
    struct feeder *f = arg;
    for (uint64_t number = 1;; number++) {
        char name[PART_NAME_BYTES];
        const char *bytes;
        size_t n;
        part_name(number, name);
        /* Behind the last one there is none; whether it was the last is for the stream to say. */
        if (!ok(s3_get(f->s3, name, &bytes, &n, &f->e)) || !write_all(f->fd, bytes, n)) break;
    }
    close(f->fd);
    return NULL;
}

static status read_through(int fds[2], struct s3 *s3, s3_reader fn, void *arg, struct error *e) {
    struct feeder f = {.s3 = s3, .fd = fds[1]};
    pthread_t thread;
    if (pthread_create(&thread, NULL, feed, &f) != 0) {
        close(fds[0]);
        close(fds[1]);
        return error_set(e, ST_OUT_OF_MEMORY, "no thread");
    }
    status st = fn(arg, fds[0], e);
    close(fds[0]); /* who writes there still ends */
    pthread_join(thread, NULL);
    if (!ok(st) && f.e.message[0]) *e = f.e;
    return st;
}

status s3_read(const char *url, s3_reader fn, void *arg, struct error *e) {
    struct s3 *s3;
    int fds[2];
    char *manifest;
    TRY(s3_manifest(url, &manifest, e));
    free(manifest);
    TRY(s3_open(url, &s3, e));
    signal(SIGPIPE, SIG_IGN);
    status st = pipe2(fds, O_CLOEXEC) == 0 ? read_through(fds, s3, fn, arg, e)
                                           : error_set(e, ST_IO_ERROR, "%s", strerror(errno));
    s3_close(s3);
    return st;
}

static status receive(void *dir, int fd, struct error *e) {
    return stream_receive(fd, dir, e);
}

status s3_receive(const char *url, const char *dir, struct error *e) {
    return s3_read(url, receive, (void *)dir, e);
}
