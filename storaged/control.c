/* control.c: what storaged is asked over the control channel: a backup's pages, the pool's size. */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "control.h"
#include "storaged.h"

static const char *start(struct storaged *s, const json_t *request, json_t *reply) {
    const char *to = json_string_value(json_object_get(request, "to"));
    json_int_t since = json_integer_value(json_object_get(request, "since"));
    json_int_t window = json_integer_value(json_object_get(request, "window"));
    if (!to || *to != '/') return "a backup to where?";
    status st = backup_start(s, to, (uint64_t)since, (uint64_t)window);
    if (status_is(st, ST_OBJECT_IN_USE)) return "a backup is under way";
    if (!ok(st) && s->fetch.active) return "the appliance is itself still being restored";
    if (!ok(st)) return status_name(st);
    const struct page_backup_state *b = backup_state(s);
    json_object_set_new(reply, "redo_lsn", json_integer((json_int_t)b->begin.redo_lsn));
    json_object_set_new(reply, "undo_lsn", json_integer((json_int_t)b->begin.undo_lsn));
    json_object_set_new(reply, "purge_lsn", json_integer((json_int_t)b->begin.purge_lsn));
    json_object_set_new(reply, "next_txid", json_integer((json_int_t)b->begin.next_txid));
    json_object_set_new(reply, "last_commit", json_integer((json_int_t)b->begin.last_commit));
    json_object_set_new(reply, "file_pages", json_integer((json_int_t)b->pages));
    return NULL;
}

static const char *look(struct storaged *s, const json_t *request, json_t *reply) {
    backup_taken(s, (uint64_t)json_integer_value(json_object_get(request, "taken")));
    const struct page_backup_state *b = backup_state(s);
    if (!b) return "no backup is under way";
    json_object_set_new(reply, "done", json_boolean(!b->running));
    json_object_set_new(reply, "looked", json_integer((json_int_t)b->looked));
    json_object_set_new(reply, "kept", json_integer((json_int_t)b->kept));
    json_object_set_new(reply, "bytes", json_integer((json_int_t)b->bytes));
    if (b->running || ok(b->result)) return NULL;
    static char words[PATH_MAX + 64];
    if (status_is(b->result, ST_DISK_FULL))
        snprintf(words, sizeof words, "there is no room for the backup in \"%s\"", b->dir);
    else if (b->bad_page)
        snprintf(words, sizeof words, "page %llu cannot be copied: %s",
                 (unsigned long long)b->bad_page, status_name(b->result));
    else
        return status_name(b->result);
    return words;
}

static const char *pool(struct storaged *s, const json_t *request, json_t *reply) {
    const json_t *bytes = json_object_get(request, "bytes");
    const struct pool_shared *p = s->shm->pool;
    json_int_t most = (json_int_t)s->shm->sizes.frames * PAGE_BYTES;
    if (bytes && !ok(pool_resize(s, (uint64_t)json_integer_value(bytes)))) {
        static char words[128];
        snprintf(words, sizeof words, "the pool can have 1 to %lld MB (shared_buffers_max)",
                 (long long)most >> 20);
        return words;
    }
    json_object_set_new(reply, "wanted",
                        json_integer((json_int_t)atomic_load(&p->wanted_frames) * PAGE_BYTES));
    json_object_set_new(reply, "ready",
                        json_integer((json_int_t)atomic_load(&p->ready_frames) * PAGE_BYTES));
    json_object_set_new(reply, "most", json_integer(most));
    return NULL;
}

bool storaged_control(struct daemon *d, const char *op, const json_t *request, json_t *reply) {
    struct storaged *s = d->state;
    const char *error = NULL;
    if (strcmp(op, "backup") == 0)
        error = start(s, request, reply);
    else if (strcmp(op, "backup_drop") == 0)
        backup_drop(s);
    else if (strcmp(op, "backup_state") == 0)
        error = look(s, request, reply);
    else if (strcmp(op, "pool") == 0)
        error = pool(s, request, reply);
    else
        return false;
    if (error) json_object_set_new(reply, "error", json_string(error));
    return true;
}
