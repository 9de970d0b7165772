#include "net/wire.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

void wire_init(struct wire *w, struct daemon *d, int fd, struct session_slot *slot) {
    *w = (struct wire){.d = d,
                       .fd = fd,
                       .slot = slot,
                       .in = (char *)slot + SESSION_IN_AT,
                       .out = (char *)slot + SESSION_OUT_AT,
                       .readable = true};
}

void wire_fini(struct wire *w) {
    status_ignore(daemon_watch(w->d, w->fd, 0, NULL, NULL)); /* it may never have been watched */
    close(w->fd);
    buf_free(&w->big_in);
    buf_free(&w->big_out);
}

/* Whether the client took what was sent is asked only while that matters: a Unix socket reports it
 * for every message that the client reads, and each report would wake the worker. */
static status watch_for(struct wire *w, uint32_t more) {
    return daemon_watch(w->d, w->fd, EPOLLIN | EPOLLRDHUP | EPOLLET | more, w->on_ready,
                        w->on_ready_arg);
}

status wire_watch(struct wire *w, void (*fn)(void *arg, uint32_t events), void *arg) {
    w->on_ready = fn;
    w->on_ready_arg = arg;
    return watch_for(w, 0);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* One recv into [at, at+room); how many bytes came, 0 when none are there now. */
static size_t receive(struct wire *w, char *at, size_t room) {
    if (!w->readable || w->closed) return 0;
    ssize_t n;
    do n = recv(w->fd, at, room, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        if ((size_t)n < room && !w->hung_up)
            w->readable = false; /* drained: the next edge says when there is more */
        return (size_t)n;
    }
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        w->readable = false;
    else
        w->closed = true;
    return 0;
}

static status next_big(struct wire *w, struct wire_message *ret_message) {
    while (w->big_in.len < w->big_need) {
        size_t missing = w->big_need - w->big_in.len;
        size_t piece = missing < 1 << 20 ? missing : 1 << 20;
        TRY(buf_reserve(&w->big_in, piece)); /* grows as bytes come, not as the length claims */
        size_t n = receive(w, w->big_in.data + w->big_in.len, piece);
        if (n == 0) return w->closed ? STATUS(END) : STATUS(AGAIN);
        w->big_in.len += n;
    }
    *ret_message = (struct wire_message){w->big_in.data[0], w->big_in.data + 5, w->big_need - 5};
    w->big_need = 0;
    return OK;
}

/* The message's bytes before its body: type and length, or length alone. */
static status whole_length(const char *head, bool startup, uint32_t *ret_bytes) {
    uint32_t len = load_be32(head + (startup ? 0 : 1));
    if (len < (startup ? 8u : 4u) || len > (startup ? 10000u : WIRE_MESSAGE_BYTES_MAX))
        return STATUS(PROTOCOL_VIOLATION);
    *ret_bytes = len + (startup ? 0 : 1);
    return OK;
}

status wire_next(struct wire *w, bool startup, struct wire_message *ret_message) {
    struct session_slot *s = w->slot;
    if (w->big_need) return next_big(w, ret_message);
    if (w->big_in.cap > SESSION_BUFFER_BYTES) buf_free(&w->big_in);
    uint32_t head = startup ? 4 : 5;
    for (;;) {
        uint32_t have = s->in_end - s->in_start;
        uint32_t bytes = 0;
        if (have >= head) {
            TRY(whole_length(w->in + s->in_start, startup, &bytes));
            if (have >= bytes) {
                const char *at = w->in + s->in_start;
                *ret_message = (struct wire_message){startup ? 0 : at[0], at + head, bytes - head};
                s->in_start += bytes;
                return OK;
            }
            if (bytes > SESSION_BUFFER_BYTES) {
                w->big_in.len = 0;
                TRY(buf_add(&w->big_in, w->in + s->in_start, have));
                s->in_start = s->in_end = 0;
                w->big_need = bytes;
                return next_big(w, ret_message);
            }
        }
        if (have == 0) {
            s->in_start = s->in_end = 0;
        } else if (s->in_start + (bytes ? bytes : head) > SESSION_BUFFER_BYTES) {
            memmove(w->in, w->in + s->in_start, have);
            s->in_end = have;
            s->in_start = 0;
        }
        size_t n = receive(w, w->in + s->in_end, SESSION_BUFFER_BYTES - s->in_end);
        if (n == 0) return w->closed ? STATUS(END) : STATUS(AGAIN);
        s->in_end += (uint32_t)n;
    }
}

status wire_get(struct wire_reader *r, size_t n, const char **ret) {
    if ((size_t)(r->end - r->at) < n) return STATUS(PROTOCOL_VIOLATION);
    *ret = r->at;
    r->at += n;
    return OK;
}

status wire_get16(struct wire_reader *r, uint16_t *ret) {
    const char *p;
    TRY(wire_get(r, 2, &p));
    *ret = load_be16(p);
    return OK;
}

status wire_get32(struct wire_reader *r, uint32_t *ret) {
    const char *p;
    TRY(wire_get(r, 4, &p));
    *ret = load_be32(p);
    return OK;
}

status wire_gets(struct wire_reader *r, const char **ret) {
    const char *end = memchr(r->at, '\0', (size_t)(r->end - r->at));
    if (!end) return STATUS(PROTOCOL_VIOLATION);
    *ret = r->at;
    r->at = end + 1;
    return OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void wait_writable(struct wire *w) {
    w->writer = coro_self();
    CHECK(w->writer);
    if (ok(watch_for(w, EPOLLOUT)))
        daemon_suspend(w->d);
    else
        w->closed = true;
    w->writer = NULL;
    if (!w->closed && !ok(watch_for(w, 0))) w->closed = true;
}

static void send_bytes(struct wire *w, const char *at, size_t n) {
    while (n && !w->closed) {
        ssize_t sent = send(w->fd, at, n, MSG_NOSIGNAL);
        if (sent > 0) {
            at += sent;
            n -= (size_t)sent;
        } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            wait_writable(w);
        } else if (!(sent < 0 && errno == EINTR)) {
            w->closed = true;
        }
    }
}

/* Sends all whole messages in the buffer and moves the one being built to its beginning. */
static void flush_whole(struct wire *w) {
    struct session_slot *s = w->slot;
    uint32_t whole = w->building && !w->building_big ? w->begun : s->out_end;
    send_bytes(w, w->out + s->out_start, whole - s->out_start);
    uint32_t rest = s->out_end - whole;
    if (rest) memmove(w->out, w->out + whole, rest);
    s->out_start = 0;
    s->out_end = rest;
    w->begun = 0;
}

void wire_flush(struct wire *w) {
    CHECK(!w->building);
    flush_whole(w);
}

/* Room for n more bytes of the message being built: in the buffer, or else on the heap. */
static bool make_room(struct wire *w, size_t n) {
    if (w->building_big) {
        if (!ok(buf_reserve(&w->big_out, n))) w->closed = true;
        return !w->closed;
    }
    if (n <= SESSION_BUFFER_BYTES - w->slot->out_end) return true;
    flush_whole(w);
    if (n <= SESSION_BUFFER_BYTES - w->slot->out_end) return true;
    w->big_out.len = 0;
    if (!ok(buf_add(&w->big_out, w->out, w->slot->out_end)) || !ok(buf_reserve(&w->big_out, n))) {
        w->closed = true; /* no memory for one message: this connection cannot go on */
        return false;
    }
    w->slot->out_end = 0;
    w->building_big = true;
    return true;
}

void wire_begin(struct wire *w, char type) {
    CHECK(!w->building);
    if (SESSION_BUFFER_BYTES - w->slot->out_end < 5) flush_whole(w);
    w->building = true;
    w->begun = w->slot->out_end;
    w->out[w->begun] = type;
    w->slot->out_end += 5;
}

void wire_put(struct wire *w, const void *bytes, size_t n) {
    if (w->closed || n == 0 || !make_room(w, n)) return;
    if (w->building_big) {
        memcpy(w->big_out.data + w->big_out.len, bytes, n);
        w->big_out.len += n;
    } else {
        memcpy(w->out + w->slot->out_end, bytes, n);
        w->slot->out_end += (uint32_t)n;
    }
}

void wire_put8(struct wire *w, uint8_t v) {
    wire_put(w, &v, 1);
}

void wire_put16(struct wire *w, uint16_t v) {
    v = __builtin_bswap16(v);
    wire_put(w, &v, 2);
}

void wire_put32(struct wire *w, uint32_t v) {
    v = __builtin_bswap32(v);
    wire_put(w, &v, 4);
}

void wire_puts(struct wire *w, const char *s) {
    wire_put(w, s, strlen(s) + 1);
}

void wire_end(struct wire *w) {
    w->building = false;
    if (w->building_big) {
        w->building_big = false;
        store_be32(w->big_out.data + 1, (uint32_t)w->big_out.len - 1);
        send_bytes(w, w->big_out.data, w->big_out.len);
        buf_free(&w->big_out);
        return;
    }
    store_be32(w->out + w->begun + 1, w->slot->out_end - w->begun - 1);
}

void wire_ready(struct wire *w, uint32_t events) {
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) w->readable = true;
    /* What it sent before is still read; sending finds out by itself. */
    if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) w->hung_up = true;
    if (w->writer && events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) daemon_wake(w->d, w->writer);
}
