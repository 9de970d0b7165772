/* wire.h: one client connection: bytes in, messages out, messages in, bytes out.
 *
 * Buffers lie in the session's slot of shared memory; only a message larger than its buffer is kept
 * on the heap while it is assembled. The slot's words `in` and `out` say at every moment which
 * bytes were received and not taken, and which whole messages are not sent yet, so that another
 * worker can go on (wire_adopt). Everything is PostgreSQL's frontend/backend protocol 3.0 (manual,
 * chapter 55): after the start-up packet, one type byte and a big-endian length that counts itself.
 * Reading never waits: when no whole message is there, the caller goes away and comes back when the
 * descriptor is readable. Writing may suspend the coroutine while the client does not read. */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "ipc_daemon.h"
#include "session/session.h"

#define WIRE_MESSAGE_BYTES_MAX ((uint32_t)1 << 30)

struct wire {
    struct daemon *d;
    int fd;
    struct session_slot *slot;
    char *in_buffer, *out_buffer; /* in the slot: two halves, and one, of SESSION_BUFFER_BYTES */
    struct stretch in, out;       /* as published in the slot */
    uint32_t taking;              /* bytes of the message that wire_next has shown */
    uint32_t out_at;              /* end of the message being built; else out.end */
    struct buf big_in;            /* a message that does not fit `in`, while it arrives */
    uint32_t big_need;            /* its whole length; 0: none */
    struct buf big_out;           /* the message being built, when it does not fit `out` */
    bool building_big;
    uint32_t begun; /* where in out the message being built begins */
    bool building;
    bool readable;       /* the descriptor may have more */
    bool hung_up;        /* the client's end is closed: there will be no further edge */
    bool closed;         /* end of file or an error: nothing can be read or sent any more */
    struct coro *writer; /* suspended until the descriptor takes more */
    void (*on_ready)(void *arg, uint32_t events);
    void *on_ready_arg;
};

struct wire_message {
    char type; /* 0: a start-up packet */
    const char *body;
    uint32_t len;
};

void wire_init(struct wire *w, struct daemon *d, int fd, struct session_slot *slot);
/* The connection of a worker that has died or handed over. CONNECTION_FAILURE: how far that one had
 * come cannot be known (a call was under way on a socket whose bytes the kernel does not count, or
 * a message lay in its own memory). The wire can be used to say so and to close. */
status wire_adopt(struct wire *w, struct daemon *d, int fd, struct session_slot *slot);
/* Closes the connection; others who hold the descriptor (msg/guard.h) cannot keep it open. */
void wire_fini(struct wire *w);
/* Closes the descriptor and leaves the connection to its next worker. */
void wire_leave(struct wire *w);
/* Watches the descriptor from now on: fn is to call wire_ready. IO_ERROR, OUT_OF_MEMORY. */
status wire_watch(struct wire *w, void (*fn)(void *arg, uint32_t events), void *arg);

/* The next whole message, valid until the following call. AGAIN: not there yet. END: the client is
 * gone. PROTOCOL_VIOLATION: the length is impossible. startup: the packet without a type byte. The
 * message counts as received until wire_take: what must be known should its worker die is written
 * in between. */
status wire_next(struct wire *w, bool startup, struct wire_message *ret_message);
void wire_take(struct wire *w);
/* Where the next message begins and where the next answer will, in the slot's buffers. */
static inline uint32_t wire_in_place(const struct wire *w) {
    return w->in.start;
}
static inline uint32_t wire_out_place(const struct wire *w) {
    return w->out.end;
}
/* Bytes ever taken from the client, modulo 2^27: now, and after wire_take. */
static inline uint32_t wire_in_total(const struct wire *w) {
    return (w->in.base + w->in.start) & STRETCH_BASE_MASK;
}
static inline uint32_t wire_in_total_next(const struct wire *w) {
    return (w->in.base + w->in.start + w->taking) & STRETCH_BASE_MASK;
}
/* Bytes ever written to the client, those not sent yet included, modulo 2^27. */
static inline uint32_t wire_out_total(const struct wire *w) {
    return (w->out.base + w->out.end) & STRETCH_BASE_MASK;
}
/* Back to a place that was noted: the messages from there on come again, the answers are forgotten.
 */
void wire_rewind(struct wire *w, uint32_t in_place, uint32_t out_place);

/* A sequence of messages is open from the first one taken until its last answer: the flag of the
 * slot's word `out`. */
void wire_open_sequence(struct wire *w);
static inline bool wire_sequence_open(const struct wire *w) {
    return w->out.flag;
}

/* Building a message: begin, put, end. Each may suspend to make room; when the connection breaks
 * they do nothing and w->closed is set. OUT_OF_MEMORY only for messages larger than the buffer. */
void wire_begin_full(struct wire *w, char type); /* where the buffer has no room for its head */
static inline void wire_begin(struct wire *w, char type) {
    CHECK(!w->building);
    if (__builtin_expect(SESSION_BUFFER_BYTES - w->out_at < 5, 0)) {
        wire_begin_full(w, type);
        return;
    }
    w->building = true;
    w->begun = w->out_at;
    w->out_buffer[w->begun] = type;
    w->out_at += 5;
}
/* wire_put where the buffer has no room. */
void wire_put_more(struct wire *w, const void *bytes, size_t n);
static inline void wire_put(struct wire *w, const void *bytes, size_t n) {
    if (__builtin_expect(w->building_big || n > SESSION_BUFFER_BYTES - w->out_at, 0)) {
        wire_put_more(w, bytes, n);
        return;
    }
    if (n) memcpy(w->out_buffer + w->out_at, bytes, n);
    w->out_at += (uint32_t)n;
}
static inline void wire_put8(struct wire *w, uint8_t v) {
    wire_put(w, &v, 1);
}
static inline void wire_put16(struct wire *w, uint16_t v) {
    v = __builtin_bswap16(v);
    wire_put(w, &v, 2);
}
static inline void wire_put32(struct wire *w, uint32_t v) {
    v = __builtin_bswap32(v);
    wire_put(w, &v, 4);
}
static inline void wire_puts(struct wire *w, const char *s) { /* with its NUL */
    wire_put(w, s, strlen(s) + 1);
}
void wire_end_big(struct wire *w); /* of a message on the heap */
static inline void wire_publish_out(struct wire *w) {
    atomic_store_explicit(&w->slot->out, stretch_pack(w->out), memory_order_release);
}
static inline void wire_end(struct wire *w) {
    w->building = false;
    if (__builtin_expect(w->building_big, 0)) {
        wire_end_big(w);
        return;
    }
    store_be32(w->out_buffer + w->begun + 1, w->out_at - w->begun - 1);
    w->out.end = w->out_at;
    wire_publish_out(w);
}
/* Instead of wire_end: the message goes nowhere. It is valid until the next one is begun. */
struct wire_message wire_withdraw(struct wire *w);
/* As wire_end, and with it, in one store, the sequence has its last answer. */
void wire_end_sequence(struct wire *w);
/* A byte outside of any message: the answer to a request for encryption. */
void wire_raw(struct wire *w, char byte);
/* The sequence ends without an answer. */
void wire_close_sequence(struct wire *w);
/* Sends what is built (suspends while the client does not take it). */
void wire_flush(struct wire *w);
/* The same without suspending; false: the client does not take it now. */
bool wire_flush_now(struct wire *w);
static inline bool wire_has_unsent(const struct wire *w) {
    return w->out.start < w->out.end;
}
/* From the watcher: events as in epoll. */
void wire_ready(struct wire *w, uint32_t events);

/* Reads from a message body, checked: PROTOCOL_VIOLATION when it is too short. */
struct wire_reader {
    const char *at, *end;
    const char *wrong; /* in PostgreSQL's words, once something has failed */
};
static inline struct wire_reader wire_reader(const struct wire_message *m) {
    return (struct wire_reader){m->body, m->body + m->len, NULL};
}
status wire_get_short(struct wire_reader *r); /* fails: there are not so many bytes */
static inline status wire_get(struct wire_reader *r, size_t n, const char **ret) {
    if (__builtin_expect((size_t)(r->end - r->at) < n, 0)) return wire_get_short(r);
    *ret = r->at;
    r->at += n;
    return OK;
}
status wire_get8(struct wire_reader *r, uint8_t *ret);
static inline status wire_get16(struct wire_reader *r, uint16_t *ret) {
    const char *p;
    TRY(wire_get(r, 2, &p));
    *ret = load_be16(p);
    return OK;
}
static inline status wire_get32(struct wire_reader *r, uint32_t *ret) {
    const char *p;
    TRY(wire_get(r, 4, &p));
    *ret = load_be32(p);
    return OK;
}
status wire_gets_whole(struct wire_reader *r, const char **ret);
/* Up to NUL, in place; most names are empty. */
static inline status wire_gets(struct wire_reader *r, const char **ret) {
    if (r->at == r->end || *r->at) return wire_gets_whole(r, ret);
    *ret = r->at++;
    return OK;
}
status wire_get_end(struct wire_reader *r); /* nothing may be left */

#endif
