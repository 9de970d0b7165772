/* session.h: the session region: what a session must keep when its worker dies.
 *
 * One slot of SESSION_BYTES for each of sizes.sessions sessions. The region is sparse: a slot takes
 * memory only where it has been written.
 *
 *     offset   bytes
 *     0        4096     struct session_slot
 *     4096     12288    settings that differ from their defaults: name NUL value NUL …
 *     16384    114688   prepared statements (see session_statement_…)
 *     131072   65536    receive buffer
 *     196608   65536    send buffer
 *
 * A slot belongs to the worker that `owner` names and is written by it alone, but for `cancel`,
 * which anybody sets. A worker takes a slot by changing owner from 0 to its own with one
 * compare-and-exchange, and gives it back by clearing owner last: so a slot that is not free always
 * says whose it is, wherever its owner dies. */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <stddef.h>

#include "base/proc.h"

#define SESSION_BYTES ((size_t)256 << 10)
#define SESSION_SETTINGS_AT 4096
#define SESSION_SETTINGS_BYTES 12288
#define SESSION_STATEMENTS_AT 16384
#define SESSION_STATEMENTS_BYTES 114688
#define SESSION_IN_AT 131072
#define SESSION_OUT_AT 196608
#define SESSION_BUFFER_BYTES 65536
#define SESSION_NAME_BYTES 64

enum session_state {
    SESSION_FREE,
    SESSION_OPENING, /* connected, not yet authenticated */
    SESSION_IDLE,    /* waits for the client */
    SESSION_BUSY,    /* works on a message */
};

struct session_slot {
    _Atomic uint32_t state;
    _Atomic uint32_t generation; /* of its uses */
    _Atomic uint64_t owner;      /* epoch << 8 | process slot; 0: free */
    _Atomic bool cancel;         /* 1: a cancel request came for what runs now */
    uint32_t secret;             /* of cancel requests */
    /* where it is in the protocol */
    char txn_status;             /* 'I', 'T', 'E' as in ReadyForQuery */
    bool skip_until_sync;        /* an error in an extended sequence */
    uint32_t in_start, in_end;   /* bytes in the receive buffer not yet taken */
    uint32_t out_start, out_end; /* bytes in the send buffer not yet sent */
    uint32_t settings_len;
    uint32_t statements_len;
    bool statements_lost; /* one did not fit: this session cannot be handed over */
    char user[SESSION_NAME_BYTES];
    char database[SESSION_NAME_BYTES];
    char application_name[SESSION_NAME_BYTES];
};
_Static_assert(sizeof(struct session_slot) <= SESSION_SETTINGS_AT, "its page");

static inline char *session_slot_at(const struct shm *shm, uint32_t index) {
    return shm->sessions + (size_t)index * SESSION_BYTES;
}

/* Takes a free slot for a process; SESSION_NONE when all are taken. */
#define SESSION_NONE UINT32_MAX
uint32_t session_slot_take(struct shm *shm, struct owner owner);
void session_slot_free(struct shm *shm, uint32_t index);
/* Frees what the earlier lives of a process slot left. Returns how many. */
unsigned session_repair(struct shm *shm, struct owner now);

/* Prepared statements, one after another: u32 bytes of the whole, u16 number of parameter types,
 * u16 0, u32 types…, name NUL, text NUL. put replaces an entry of the same name; false: it does not
 * fit. */
bool session_statement_put(struct session_slot *s, const char *name, const char *text,
                           const uint32_t *types, uint16_t ntypes);
void session_statement_drop(struct session_slot *s, const char *name); /* NULL: all */
/* Settings: put replaces; value NULL: back to the default. False: no room. */
bool session_setting_put(struct session_slot *s, const char *name, const char *value);

#endif
