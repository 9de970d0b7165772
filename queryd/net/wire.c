#include "net/wire.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "net/wire_count.h"

static void publish_in(struct wire *w) {
    atomic_store_explicit(&w->slot->in, stretch_pack(w->in), memory_order_release);
}

void wire_init(struct wire *w, struct daemon *d, int fd, struct session_slot *slot) {
    *w = (struct wire){.d = d,
                       .fd = fd,
                       .slot = slot,
                       .in_buffer = (char *)slot + SESSION_IN_AT,
                       .out_buffer = (char *)slot + SESSION_OUT_AT,
                       .readable = true};
    uint32_t received = 0, sent = 0;
    slot->counts = wire_count(fd, &received, &sent);
    slot->in_zero = received;
    slot->out_zero = sent;
    publish_in(w);
    wire_publish_out(w);
}

/* Moves `in.end` and `out.start` to where the kernel says that the last worker had come. */
static status catch_up(struct wire *w) {
    struct session_slot *s = w->slot;
    if (atomic_load(&s->large)) return STATUS(CONNECTION_FAILURE);
    if (!s->counts)
        return atomic_load(&s->receiving) || atomic_load(&s->sending) ? STATUS(CONNECTION_FAILURE)
                                                                      : OK;
    uint32_t received, sent;
    if (!wire_count(w->fd, &received, &sent)) return STATUS(CONNECTION_FAILURE);
    uint32_t in_end = (received - s->in_zero - w->in.base) & STRETCH_BASE_MASK;
    uint32_t out_start = (sent - s->out_zero - w->out.base) & STRETCH_BASE_MASK;
    if (in_end < w->in.end || in_end > SESSION_BUFFER_BYTES || out_start < w->out.start ||
        out_start > w->out.end)
        return STATUS(CONNECTION_FAILURE);
    w->in.end = in_end;
    publish_in(w);
    w->out.start = out_start;
    wire_publish_out(w);
    return OK;
}

status wire_adopt(struct wire *w, struct daemon *d, int fd, struct session_slot *slot) {
    *w = (struct wire){.d = d,
                       .fd = fd,
                       .slot = slot,
                       .in_buffer = (char *)slot + SESSION_IN_AT,
                       .out_buffer = (char *)slot + SESSION_OUT_AT,
                       .in = stretch_unpack(atomic_load(&slot->in)),
                       .out = stretch_unpack(atomic_load(&slot->out)),
                       .readable = true};
    status st = catch_up(w);
    if (!ok(st)) {
        /* Whether the answer has gone out is not known: none of it may go twice, or the client
         * takes it for that of its next question. What the slot says stays, for who takes up after
         * us. */
        w->out = (struct stretch){.base = w->out.base + w->out.end, .flag = w->out.flag};
        wire_publish_out(w);
        return st;
    }
    w->out_at = w->out.end;
    atomic_store(&slot->receiving, false);
    atomic_store(&slot->sending, false);
    atomic_store(&slot->large, false);
    return st;
}

void wire_leave(struct wire *w) {
    status_ignore(daemon_watch(w->d, w->fd, 0, NULL, NULL)); /* it may never have been watched */
    close(w->fd);
    buf_free(&w->big_in);
    buf_free(&w->big_out);
}

void wire_fini(struct wire *w) {
    shutdown(w->fd, SHUT_RDWR); /* fails when the client has gone, and then it is no matter */
    wire_leave(w);
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

static char *in_at(const struct wire *w, uint32_t place) {
    return w->in_buffer + (w->in.flag ? SESSION_BUFFER_BYTES : 0) + place;
}

static status next_big(struct wire *w, struct wire_message *ret_message) {
    while (w->big_in.len < w->big_need) {
        size_t missing = w->big_need - w->big_in.len;
        size_t piece = missing < 1 << 20 ? missing : 1 << 20;
        TRY(buf_reserve(&w->big_in, piece)); /* grows as bytes come, not as the length claims */
        size_t n = receive(w, w->big_in.data + w->big_in.len, piece);
        if (n == 0) return w->closed ? STATUS(END) : STATUS(AGAIN);
        w->big_in.len += n;
        w->in.base = (w->in.base + (uint32_t)n) & STRETCH_BASE_MASK;
        publish_in(w);
    }
    *ret_message = (struct wire_message){w->big_in.data[0], w->big_in.data + 5, w->big_need - 5};
    w->big_need = 0;
    return OK;
}

/* What has come of a message that will not fit goes into memory of our own. */
static status begin_big(struct wire *w, uint32_t bytes) {
    struct session_slot *s = w->slot;
    atomic_store(&s->replayable, false);
    atomic_store(&s->large, true);
    w->big_in.len = 0;
    TRY(buf_add(&w->big_in, in_at(w, w->in.start), w->in.end - w->in.start));
    w->in = (struct stretch){.base = w->in.base + w->in.end, .flag = w->in.flag};
    publish_in(w);
    w->big_need = bytes;
    return OK;
}

/* What a message's length says of the whole of it, from its first byte. */
static inline status whole_length(const char *head, bool startup, uint32_t *ret_bytes) {
    uint32_t len = load_be32(head + (startup ? 0 : 1));
    if (len < (startup ? 8u : 4u) || len > (startup ? 10000u : WIRE_MESSAGE_BYTES_MAX))
        return STATUS(PROTOCOL_VIOLATION);
    *ret_bytes = len + (startup ? 0 : 1);
    return OK;
}

/* Before a message's body: its type and length, or its length alone. */
#define HEAD_BYTES(startup) ((startup) ? 4u : 5u)

/* The message at in.start, if it is there whole: w->taking. *ret_bytes: how long it will be; 0: not
 * even that is known. */
static inline status find_whole(struct wire *w, bool startup, struct wire_message *ret_message,
                                uint32_t *ret_bytes) {
    uint32_t have = w->in.end - w->in.start, head = HEAD_BYTES(startup);
    *ret_bytes = w->taking = 0;
    if (have < head) return OK;
    const char *at = in_at(w, w->in.start);
    TRY(whole_length(at, startup, ret_bytes));
    if (have < *ret_bytes) return OK;
    *ret_message = (struct wire_message){startup ? 0 : at[0], at + head, *ret_bytes - head};
    w->taking = *ret_bytes;
    return OK;
}

/* Bytes from `from` on move to the beginning of the other half: a kill in between finds the old
 * ones whole. */
static void move_in(struct wire *w, uint32_t from) {
    char *to = w->in_buffer + (w->in.flag ? 0 : SESSION_BUFFER_BYTES);
    memcpy(to, in_at(w, from), w->in.end - from);
    w->in = (struct stretch){.base = w->in.base + from,
                             .start = w->in.start - from,
                             .end = w->in.end - from,
                             .flag = !w->in.flag};
    publish_in(w);
}

/* Room behind what was received for a message of `bytes` that begins at in.start. What a sequence
 * may be begun again from stays while it fits. */
static void make_room_in(struct wire *w, uint32_t bytes) {
    struct session_slot *s = w->slot;
    bool keeps = w->out.flag && atomic_load_explicit(&s->replayable, memory_order_relaxed);
    if (!keeps && w->in.start == w->in.end) {
        if (w->in.end == 0) return;
        w->in = (struct stretch){.base = w->in.base + w->in.end, .flag = w->in.flag};
        publish_in(w);
        return;
    }
    if (w->in.start + bytes <= SESSION_BUFFER_BYTES && w->in.end < SESSION_BUFFER_BYTES) return;
    uint32_t from = keeps ? s->replay_in : w->in.start;
    if (keeps) atomic_store(&s->replayable, false);
    keeps = keeps && w->in.start - from + bytes <= SESSION_BUFFER_BYTES && from > 0;
    move_in(w, keeps ? from : w->in.start);
    if (!keeps) return;
    s->replay_in = 0;
    atomic_store(&s->replayable, true);
}

/* Apart, so that finding a message that is there already needs few registers. */
[[gnu::noinline]] static status receive_next(struct wire *w, bool startup,
                                             struct wire_message *ret_message) {
    struct session_slot *s = w->slot;
    if (w->big_need) return next_big(w, ret_message);
    if (atomic_load_explicit(&s->large, memory_order_relaxed)) {
        if (w->big_in.cap > SESSION_BUFFER_BYTES) buf_free(&w->big_in);
        atomic_store(&s->large, false);
    }
    for (;;) {
        uint32_t bytes;
        TRY(find_whole(w, startup, ret_message, &bytes));
        if (w->taking) return OK;
        if (bytes > SESSION_BUFFER_BYTES) {
            TRY(begin_big(w, bytes));
            return next_big(w, ret_message);
        }
        make_room_in(w, bytes ? bytes : HEAD_BYTES(startup));
        atomic_store_explicit(&s->receiving, true, memory_order_relaxed);
        size_t n = receive(w, in_at(w, w->in.end), SESSION_BUFFER_BYTES - w->in.end);
        w->in.end += (uint32_t)n;
        publish_in(w);
        atomic_store_explicit(&s->receiving, false, memory_order_release);
        if (n == 0) return w->closed ? STATUS(END) : STATUS(AGAIN);
    }
}

status wire_next(struct wire *w, bool startup, struct wire_message *ret_message) {
    const struct session_slot *s = w->slot;
    if (!w->big_need && !atomic_load_explicit(&s->large, memory_order_relaxed)) {
        uint32_t bytes;
        TRY(find_whole(w, startup, ret_message, &bytes));
        if (w->taking) return OK;
    }
    return receive_next(w, startup, ret_message);
}

void wire_take(struct wire *w) {
    if (w->taking == 0) return; /* a large one */
    w->in.start += w->taking;
    w->taking = 0;
    publish_in(w);
}

void wire_rewind(struct wire *w, uint32_t in_place, uint32_t out_place) {
    w->in.start = in_place;
    publish_in(w);
    w->out.end = out_place;
    w->out.flag = false;
    w->out_at = out_place;
    wire_publish_out(w);
}

void wire_open_sequence(struct wire *w) {
    w->out.flag = true;
    wire_publish_out(w);
}

status wire_get_short(struct wire_reader *r) {
    r->wrong = "insufficient data left in message";
    return STATUS(PROTOCOL_VIOLATION);
}

status wire_get8(struct wire_reader *r, uint8_t *ret) {
    if (r->at == r->end) {
        r->wrong = "no data left in message";
        return STATUS(PROTOCOL_VIOLATION);
    }
    *ret = (uint8_t)*r->at++;
    return OK;
}

status wire_gets_whole(struct wire_reader *r, const char **ret) {
    const char *end = memchr(r->at, '\0', (size_t)(r->end - r->at));
    if (!end) {
        r->wrong = "invalid string in message";
        return STATUS(PROTOCOL_VIOLATION);
    }
    *ret = r->at;
    r->at = end + 1;
    return OK;
}

status wire_get_end(struct wire_reader *r) {
    if (r->at == r->end) return OK;
    r->wrong = "invalid message format";
    return STATUS(PROTOCOL_VIOLATION);
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

/* One send of [at, at+n): how many bytes went, which may be 0. *ret_full: the client takes none
 * now.
 */
static size_t send_some(struct wire *w, const char *at, size_t n, bool *ret_full) {
    ssize_t sent = send(w->fd, at, n, MSG_NOSIGNAL);
    *ret_full = sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (sent > 0) return (size_t)sent;
    if (!*ret_full && !(sent < 0 && errno == EINTR)) w->closed = true;
    return 0;
}

/* Sends what the buffer has of whole messages; false: the client takes no more now. */
static bool send_whole(struct wire *w) {
    struct session_slot *s = w->slot;
    bool full = false;
    while (w->out.start < w->out.end && !w->closed && !full) {
        atomic_store_explicit(&s->sending, true, memory_order_relaxed);
        w->out.start +=
            (uint32_t)send_some(w, w->out_buffer + w->out.start, w->out.end - w->out.start, &full);
        wire_publish_out(w);
        atomic_store_explicit(&s->sending, false, memory_order_release);
    }
    return !full;
}

/* An answer goes out, if there is one: the sequence cannot be begun again. True: it still can. */
static bool keeps_replay(struct wire *w) {
    struct session_slot *s = w->slot;
    if (!w->out.flag || !atomic_load_explicit(&s->replayable, memory_order_relaxed)) return false;
    if (w->out.end <= s->replay_out) return true;
    atomic_store(&s->replayable, false);
    return false;
}

/* All whole messages have gone: the one being built moves to the beginning of the buffer. */
static void empty_out(struct wire *w, bool keeps) {
    struct session_slot *s = w->slot;
    if (w->out.end == 0) return;
    uint32_t rest = w->out_at - w->out.end;
    if (rest) memmove(w->out_buffer, w->out_buffer + w->out.end, rest);
    if (keeps) atomic_store(&s->replayable, false);
    w->out = (struct stretch){.base = w->out.base + w->out.end, .flag = w->out.flag};
    wire_publish_out(w);
    if (keeps) {
        s->replay_out = 0;
        atomic_store(&s->replayable, true);
    }
    w->out_at = rest;
    w->begun = 0;
}

static void flush_whole(struct wire *w) {
    bool keeps = keeps_replay(w);
    while (!send_whole(w)) wait_writable(w);
    empty_out(w, keeps);
}

void wire_flush(struct wire *w) {
    CHECK(!w->building);
    flush_whole(w);
}

bool wire_flush_now(struct wire *w) {
    CHECK(!w->building);
    bool keeps = keeps_replay(w);
    if (!send_whole(w)) return false;
    empty_out(w, keeps);
    return true;
}

/* Room for n more bytes of the message being built: in the buffer, or else on the heap. */
static bool make_room(struct wire *w, size_t n) {
    if (w->building_big) {
        if (!ok(buf_reserve(&w->big_out, n))) w->closed = true;
        return !w->closed;
    }
    if (n <= SESSION_BUFFER_BYTES - w->out_at) return true;
    flush_whole(w);
    if (n <= SESSION_BUFFER_BYTES - w->out_at) return true;
    w->big_out.len = 0;
    if (!ok(buf_add(&w->big_out, w->out_buffer, w->out_at)) || !ok(buf_reserve(&w->big_out, n))) {
        w->closed = true; /* no memory for one message: this connection cannot go on */
        return false;
    }
    w->out_at = 0;
    w->building_big = true;
    return true;
}

void wire_begin_full(struct wire *w, char type) {
    flush_whole(w);
    wire_begin(w, type);
}

void wire_put_more(struct wire *w, const void *bytes, size_t n) {
    if (w->closed || n == 0 || !make_room(w, n)) return;
    if (w->building_big) {
        memcpy(w->big_out.data + w->big_out.len, bytes, n);
        w->big_out.len += n;
    } else {
        memcpy(w->out_buffer + w->out_at, bytes, n);
        w->out_at += (uint32_t)n;
    }
}

/* From our own memory: whoever took over in the middle could not go on. */
static void send_big(struct wire *w) {
    struct session_slot *s = w->slot;
    atomic_store(&s->replayable, false);
    atomic_store(&s->large, true);
    for (size_t at = 0; at < w->big_out.len && !w->closed;) {
        bool full;
        size_t n = send_some(w, w->big_out.data + at, w->big_out.len - at, &full);
        if (full) wait_writable(w);
        at += n;
        w->out.base = (w->out.base + (uint32_t)n) & STRETCH_BASE_MASK;
        wire_publish_out(w);
    }
    atomic_store(&s->large, w->big_need != 0);
    buf_free(&w->big_out);
}

void wire_end_big(struct wire *w) {
    w->building_big = false;
    store_be32(w->big_out.data + 1, (uint32_t)w->big_out.len - 1);
    send_big(w);
}

struct wire_message wire_withdraw(struct wire *w) {
    const char *message = w->building_big ? w->big_out.data : w->out_buffer + w->begun;
    size_t len = w->building_big ? w->big_out.len : w->out_at - w->begun;
    if (!w->building_big) w->out_at = w->begun;
    w->building = w->building_big = false;
    return (struct wire_message){message[0], message + 5, (uint32_t)len - 5};
}

void wire_end_sequence(struct wire *w) {
    w->out.flag = false;
    wire_end(w);
}

void wire_raw(struct wire *w, char byte) {
    CHECK(!w->building);
    if (w->out_at == SESSION_BUFFER_BYTES) flush_whole(w);
    w->out_buffer[w->out_at] = byte;
    w->out.end = ++w->out_at;
    wire_publish_out(w);
}

void wire_close_sequence(struct wire *w) {
    w->out.flag = false;
    wire_publish_out(w);
}

void wire_ready(struct wire *w, uint32_t events) {
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) w->readable = true;
    /* What it sent before is still read; sending finds out by itself. */
    if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) w->hung_up = true;
    if (w->writer && events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) daemon_wake(w->d, w->writer);
}
