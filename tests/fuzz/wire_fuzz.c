/* A client's bytes, cut into pieces, through the wire's framing and the readers of message bodies:
 * a message lies in what was sent, a reader in its message, and what has no right length is
 * refused. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/conf.h"
#include "input.h"
#include "ipc_region.h"
#include "net/wire.h"

static struct {
    struct shm shm;
    struct conf conf;
    struct daemon d;
    uint32_t slot;
    bool open;
} f;

static const struct daemon_ops ops = {.name = "queryd"};

/* Once: the regions and a worker's core. */
static void open_worker(void) {
    struct shm_sizes sizes = {.frames = 16,
                              .page_buckets = 16,
                              .workers = 1,
                              .sessions = 2,
                              .txns = 16,
                              .map_entries = 128,
                              .ring_bytes = 8 << 20};
    struct error e = {0};
    MUST(ok(region_create_all(NULL, &sizes, &f.shm, &e)));
    conf_init(&f.conf);
    MUST(ok(daemon_open(&f.d, &ops, &f.shm, SLOT_QUERYD, &f.conf, "/tmp", false, &e)));
    f.open = true;
}

static void ready(void *arg, uint32_t events) {
    wire_ready(arg, events);
}

/* Every field that messages have, in an order that the input says. */
static void read_body(const struct wire_message *m, uint8_t order) {
    struct wire_reader r = wire_reader(m);
    status s = OK;
    for (unsigned i = 0; ok(s) && i < 64; i++, order = (uint8_t)(order * 5 + 3)) {
        const char *at = r.at, *bytes = r.at;
        uint16_t n16 = 0;
        uint32_t n32 = 0;
        switch (order >> 6) {
        case 0: s = wire_gets(&r, &bytes); break;
        case 1: s = wire_get16(&r, &n16); break;
        case 2: s = wire_get32(&r, &n32); break;
        default: s = wire_get(&r, order & 15, &bytes); break;
        }
        MUST(r.at >= at && r.at <= r.end && bytes >= m->body && bytes <= r.end);
    }
}

/* All messages that are there; false: the connection is of no more use. */
static bool take_all(struct wire *w, bool *startup, uint8_t order) {
    for (;;) {
        struct wire_message m;
        status s = wire_next(w, *startup, &m);
        if (status_is(s, ST_AGAIN)) return true;
        if (!ok(s)) return false;
        MUST(m.len <= WIRE_MESSAGE_BYTES_MAX);
        read_body(&m, order);
        wire_take(w);
        *startup = false;
    }
}

static void send_pieces(struct input *in, struct wire *w, int client) {
    bool startup = true;
    while (in->left) {
        uint8_t order = input8(in);
        size_t piece = 1 + input8(in), n;
        void *bytes = input_take(in, piece, &n);
        bool sent = n == 0 || send(client, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
        free(bytes);
        MUST(daemon_turn(&f.d, 0));
        if (!sent || !take_all(w, &startup, order)) return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    struct wire w;
    int pair[2];
    if (!f.open) open_worker();
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    uint32_t slot = session_slot_take(&f.shm, f.d.proc.owner);
    wire_init(&w, &f.d, pair[1], session_slot_at(&f.shm, slot));
    MUST(ok(wire_watch(&w, ready, &w)));
    send_pieces(&in, &w, pair[0]);
    wire_fini(&w);
    session_slot_free(&f.shm, slot);
    close(pair[0]);
    return 0;
}
