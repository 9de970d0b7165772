/* control.c: what logd is asked over the control channel: a backup's log. */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "control.h"
#include "logd.h"

static const char *words_of(status s) {
    if (ok(s)) return NULL;
    return status_is(s, ST_OBJECT_IN_USE) ? "a backup is under way" : status_name(s);
}

/* Why it has ended. */
static const char *words_of_end(const struct log_backup_state *b) {
    static char words[PATH_MAX + 64];
    if (!status_is(b->result, ST_DISK_FULL)) return words_of(b->result);
    snprintf(words, sizeof words, "there is no room for the backup in \"%s\"", b->dir);
    return words;
}

static const char *start(struct logd *l, const json_t *request) {
    const char *to = json_string_value(json_object_get(request, "to"));
    json_int_t from = json_integer_value(json_object_get(request, "from"));
    json_int_t window = json_integer_value(json_object_get(request, "window"));
    if (!to || *to != '/') return "a backup to where?";
    return words_of(log_backup_start(l, to, (uint64_t)from, (uint64_t)window));
}

static const char *look(struct logd *l, const json_t *request, json_t *reply) {
    json_int_t taken = json_integer_value(json_object_get(request, "taken"));
    const struct log_backup_state *b = log_backup_state(l, (uint64_t)taken);
    if (!b) return "no backup is under way";
    json_object_set_new(reply, "done", json_boolean(!b->running));
    json_object_set_new(reply, "at", json_integer((json_int_t)b->at));
    json_object_set_new(reply, "bytes", json_integer((json_int_t)b->bytes));
    return b->running ? NULL : words_of_end(b);
}

bool logd_control(struct daemon *d, const char *op, const json_t *request, json_t *reply) {
    struct logd *l = logd_of(d);
    const char *error = NULL;
    if (strcmp(op, "backup_hold") == 0)
        error = words_of(log_backup_hold(l));
    else if (strcmp(op, "backup") == 0)
        error = start(l, request);
    else if (strcmp(op, "backup_finish") == 0)
        log_backup_finish(l);
    else if (strcmp(op, "backup_drop") == 0)
        log_backup_drop(l);
    else if (strcmp(op, "backup_state") == 0)
        error = look(l, request, reply);
    else
        return false;
    if (error) json_object_set_new(reply, "error", json_string(error));
    return true;
}
