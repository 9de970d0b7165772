/* wire.h: one client connection: bytes in, messages out, messages in, bytes out.
 *
 * Buffers lie in the session's slot of shared memory; only a message larger than its buffer is kept
 * on the heap while it is assembled. Everything is PostgreSQL's frontend/backend protocol 3.0
 * (manual, chapter 55): after the start-up packet, one type byte and a big-endian length that
 * counts itself. Reading never waits: when no whole message is there, the caller goes away and
 * comes back when the descriptor is readable. Writing may suspend the coroutine while the client
 * does not read. */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ipc_daemon.h"
#include "session/session.h"

#define WIRE_MESSAGE_BYTES_MAX ((uint32_t)1 << 30)

struct wire {
    struct daemon *d;
    int fd;
    struct session_slot *slot;
    char *in, *out;     /* SESSION_BUFFER_BYTES each, in the slot */
    struct buf big_in;  /* a message that does not fit `in`, while it arrives */
    uint32_t big_need;  /* its whole length; 0: none */
    struct buf big_out; /* the message being built, when it does not fit `out` */
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
void wire_fini(struct wire *w); /* closes the descriptor */
/* Watches the descriptor from now on: fn is to call wire_ready. IO_ERROR, OUT_OF_MEMORY. */
status wire_watch(struct wire *w, void (*fn)(void *arg, uint32_t events), void *arg);

/* The next whole message, valid until the following call. AGAIN: not there yet. END: the client is
 * gone. PROTOCOL_VIOLATION: the length is impossible. startup: the packet without a type byte. */
status wire_next(struct wire *w, bool startup, struct wire_message *ret_message);

/* Building a message: begin, put, end. Each may suspend to make room; when the connection breaks
 * they do nothing and w->closed is set. OUT_OF_MEMORY only for messages larger than the buffer. */
void wire_begin(struct wire *w, char type);
void wire_put(struct wire *w, const void *bytes, size_t n);
void wire_put8(struct wire *w, uint8_t v);
void wire_put16(struct wire *w, uint16_t v);
void wire_put32(struct wire *w, uint32_t v);
void wire_puts(struct wire *w, const char *s); /* with its NUL */
void wire_end(struct wire *w);
/* Sends what is built (suspends while the client does not take it). */
void wire_flush(struct wire *w);
/* From the watcher: events as in epoll. */
void wire_ready(struct wire *w, uint32_t events);

/* Reads from a message body, checked: PROTOCOL_VIOLATION when it is too short. */
struct wire_reader {
    const char *at, *end;
};
static inline struct wire_reader wire_reader(const struct wire_message *m) {
    return (struct wire_reader){m->body, m->body + m->len};
}
status wire_get16(struct wire_reader *r, uint16_t *ret);
status wire_get32(struct wire_reader *r, uint32_t *ret);
status wire_gets(struct wire_reader *r, const char **ret); /* up to NUL, in place */
status wire_get(struct wire_reader *r, size_t n, const char **ret);

#endif
