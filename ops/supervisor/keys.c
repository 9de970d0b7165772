/* keys.c: the keys of encrypted data (shared/crypt): read at the start, given to storaged and logd
 * at their births. */
#include <unistd.h>

#include "crypt/given.h"
#include "supervisor.h"

/* Lives are taken so many at a time: a process is started again even when the disk is full. */
#define LIVES_AT_ONCE 256

struct master_source keys_source(const struct supervisor *s) {
    return (struct master_source){.file = s->conf.encryption_key_file,
                                  .command = s->conf.encryption_key_command};
}

static status take_lives(struct supervisor *s) {
    uint32_t first;
    TRY(keyring_take_lives(s->dir, &s->keys, LIVES_AT_ONCE, &first));
    s->next_life = first;
    s->lives_end = first + LIVES_AT_ONCE;
    return OK;
}

/* The directory has been opened by the new one of two master keys: the old one has had its day. */
static void settle(struct supervisor *s) {
    if (s->keys.file.masters == 1 || s->keys.which == 0) return;
    key_file_settle(&s->keys.file, s->keys.which);
    event_as(&(struct event){.kind = EVENT_MASTER_KEY},
             "the master key has been exchanged: the one before opens the data no longer");
}

status keys_open(struct supervisor *s, struct error *e) {
    struct master_source source = keys_source(s);
    TRY(keyring_open(s->dir, s->appliance_id, &source, &s->keys, e));
    if (!s->keys.encrypted) return OK;
    settle(s);
    status st = take_lives(s);
    return ok(st) ? OK
                  : error_set(e, st.code, "\"%s/" KEY_FILE_NAME "\" cannot be written: %s", s->dir,
                              status_name(st));
}

static bool has_keys(const struct supervisor *s, uint16_t slot) {
    return s->keys.encrypted && (slot == SLOT_STORAGED || slot == SLOT_LOGD);
}

status keys_for(struct supervisor *s, uint16_t slot, int *ret_fd, struct error *e) {
    status st = OK;
    *ret_fd = -1;
    if (!has_keys(s, slot)) return OK;
    if (s->next_life == s->lives_end) st = take_lives(s);
    if (ok(st)) {
        s->keys.keys.life = s->next_life++;
        st = given_make(&s->keys.keys, ret_fd);
    }
    return ok(st) ? OK : error_set(e, st.code, "no keys for its next life: %s", status_name(st));
}
