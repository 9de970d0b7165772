#include "session/session.h"

#include <string.h>

#include "base/bytes.h"

static uint64_t owner_word(struct owner o) {
    return (uint64_t)o.epoch << 8 | o.slot;
}

uint32_t session_slot_take(struct shm *shm, struct owner owner) {
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) {
        struct session_slot *s = (struct session_slot *)session_slot_at(shm, i);
        uint64_t expected = 0;
        if (!atomic_compare_exchange_strong(&s->owner, &expected, owner_word(owner))) continue;
        atomic_fetch_add(&s->generation, 1);
        atomic_store(&s->cancel, 0);
        s->txn_status = 'I';
        s->skip_until_sync = s->statements_lost = false;
        s->in_start = s->in_end = s->out_start = s->out_end = 0;
        s->settings_len = s->statements_len = 0;
        atomic_store(&s->state, SESSION_OPENING);
        return i;
    }
    return SESSION_NONE;
}

void session_slot_free(struct shm *shm, uint32_t index) {
    struct session_slot *s = (struct session_slot *)session_slot_at(shm, index);
    atomic_store(&s->state, SESSION_FREE);
    atomic_store(&s->owner, 0);
}

unsigned session_repair(struct shm *shm, struct owner now) {
    unsigned freed = 0;
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) {
        struct session_slot *s = (struct session_slot *)session_slot_at(shm, i);
        uint64_t owner = atomic_load(&s->owner);
        if (owner == 0 || (owner & 0xff) != now.slot || owner == owner_word(now)) continue;
        session_slot_free(shm, i);
        freed++;
    }
    return freed;
}

/* ---- prepared statements --------------------------------------------------------------------- */

struct statement_head {
    uint32_t bytes;
    uint16_t ntypes;
    uint16_t unused;
};

static char *statements(struct session_slot *s) {
    return (char *)s + SESSION_STATEMENTS_AT;
}

void session_statement_drop(struct session_slot *s, const char *name) {
    if (!name) {
        s->statements_len = 0;
        return;
    }
    char *base = statements(s);
    for (uint32_t at = 0; at < s->statements_len;) {
        struct statement_head h;
        memcpy(&h, base + at, sizeof h);
        const char *its_name = base + at + sizeof h + 4u * h.ntypes;
        if (strcmp(its_name, name) != 0) {
            at += h.bytes;
            continue;
        }
        memmove(base + at, base + at + h.bytes, s->statements_len - at - h.bytes);
        s->statements_len -= h.bytes;
        return;
    }
}

bool session_statement_put(struct session_slot *s, const char *name, const char *text,
                           const uint32_t *types, uint16_t ntypes) {
    session_statement_drop(s, name);
    size_t name_len = strlen(name) + 1, text_len = strlen(text) + 1;
    size_t bytes = sizeof(struct statement_head) + 4u * (size_t)ntypes + name_len + text_len;
    if (bytes > SESSION_STATEMENTS_BYTES - s->statements_len) return false;
    struct statement_head h = {.bytes = (uint32_t)bytes, .ntypes = ntypes};
    char *at = statements(s) + s->statements_len;
    memcpy(at, &h, sizeof h);
    at += sizeof h;
    if (ntypes) memcpy(at, types, 4u * (size_t)ntypes);
    at += 4u * (size_t)ntypes;
    memcpy(at, name, name_len);
    memcpy(at + name_len, text, text_len);
    s->statements_len += (uint32_t)bytes;
    return true;
}

/* ---- settings -------------------------------------------------------------------------------- */

bool session_setting_put(struct session_slot *s, const char *name, const char *value) {
    char *base = (char *)s + SESSION_SETTINGS_AT;
    for (uint32_t at = 0; at < s->settings_len;) {
        size_t name_len = strlen(base + at) + 1;
        size_t bytes = name_len + strlen(base + at + name_len) + 1;
        if (strcmp(base + at, name) == 0) {
            memmove(base + at, base + at + bytes, s->settings_len - at - bytes);
            s->settings_len -= (uint32_t)bytes;
            break;
        }
        at += (uint32_t)bytes;
    }
    if (!value) return true;
    size_t name_len = strlen(name) + 1, value_len = strlen(value) + 1;
    if (name_len + value_len > SESSION_SETTINGS_BYTES - s->settings_len) return false;
    memcpy(base + s->settings_len, name, name_len);
    memcpy(base + s->settings_len + name_len, value, value_len);
    s->settings_len += (uint32_t)(name_len + value_len);
    return true;
}
