/* requests.c: what the supervisor answers over the control channel. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "ipc_proc.h"
#include "msg/msg.h"
#include "supervisor.h"

struct job *job_new(struct supervisor *s, const char *name) {
    struct job *j = &s->jobs[++s->job_last % JOBS_MAX];
    if (j->id && !j->done) return NULL;
    *j = (struct job){.id = s->job_last};
    snprintf(j->name, sizeof j->name, "%s", name);
    return j;
}

struct job_call {
    struct supervisor *s;
    struct job *j;
};

static void checkpoint_run(void *arg) {
    struct job_call *c = arg;
    struct msg m = {.op = MSG_CHECKPOINT};
    c->j->outcome = c->s->d.proc.env->call(&c->s->d.proc, SLOT_STORAGED, &m);
    c->j->done = true;
    free(c);
}

static const char *start_checkpoint(struct supervisor *s, json_t *reply) {
    struct job *j = job_new(s, "checkpoint");
    struct job_call *c = j ? malloc(sizeof *c) : NULL;
    if (!c) return "too many requests under way";
    *c = (struct job_call){.s = s, .j = j};
    if (!ok(daemon_spawn(&s->d, 0, checkpoint_run, c))) {
        free(c);
        j->done = true;
        return "out of memory";
    }
    json_object_set_new(reply, "job", json_integer(j->id));
    return NULL;
}

static const char *look_at_job(struct supervisor *s, const json_t *request, json_t *reply) {
    json_int_t id = json_integer_value(json_object_get(request, "job"));
    const struct job *j = &s->jobs[(uint32_t)id % JOBS_MAX];
    if (id <= 0 || j->id != (uint32_t)id) return "no such job";
    json_object_set_new(reply, "done", json_boolean(j->done));
    if (j->done && !ok(j->outcome)) return j->words[0] ? j->words : status_name(j->outcome);
    return NULL;
}

static const char *restart(struct supervisor *s, const json_t *request) {
    const char *name = json_string_value(json_object_get(request, "name"));
    uint16_t slot = name ? proc_slot_of(name) : PROC_SLOTS;
    if (slot == SLOT_SUPERVISOR || slot >= s->slots) return "no such process";
    struct kept *k = &s->kept[slot];
    if (s->stopping) return "the appliance is stopping";
    if (s->upgrading) return "an upgrade is under way";
    if (s->exchanging) return "processes are given a new data key";
    event_as(&(struct event){.kind = EVENT_RESTART, .slot = slot}, "%s is restarted on request",
             k->name);
    if (k->pid) {
        keep_renew(k);
    } else {
        k->wanted = k->given_up;
        daemon_wake(&s->d, k->keeper);
    }
    return NULL;
}

static const char *text_of(const json_t *request, const char *key) {
    const char *text = json_string_value(json_object_get(request, key));
    return text ? text : "";
}

static const char *rotate(struct supervisor *s, const char *op, const json_t *request,
                          json_t *reply) {
    struct job *j = NULL;
    const char *error;
    if (strcmp(op, "rotate_data") == 0)
        error = rotate_data_start(s, &j);
    else if (strcmp(op, "rotate_master") == 0)
        error = rotate_master_start(s, text_of(request, "file"), text_of(request, "command"), &j);
    else if (strcmp(op, "settle_master") == 0)
        error = settle_master_start(s, &j);
    else
        error = rotate_look(s, reply);
    if (j) json_object_set_new(reply, "job", json_integer(j->id));
    return error;
}

static bool is_of_keys(const char *op) {
    return strncmp(op, "rotate_", strlen("rotate_")) == 0 || strcmp(op, "settle_master") == 0;
}

static const char *start_upgrade(struct supervisor *s, const json_t *request) {
    const char *from = json_string_value(json_object_get(request, "from"));
    return from ? upgrade_start(s, from) : "upgrade from where?";
}

static const char *release(struct supervisor *s, const json_t *request) {
    const char *text = json_string_value(json_object_get(request, "fingerprint"));
    char *end = NULL;
    uint64_t fingerprint = text ? strtoull(text, &end, 16) : 0;
    if (!fingerprint || *end) return "a fingerprint has up to 16 hexadecimal digits";
    if (!quarantine_release(&s->shm.control->quarantine, fingerprint)) {
        return "no such statement is known (axl quarantine list)";
    }
    event_as(&(struct event){.kind = EVENT_RELEASED}, "statement %016llx is released",
             (unsigned long long)fingerprint);
    return NULL;
}

static const char *arm_fault(struct supervisor *s, const json_t *request) {
    const char *name = json_string_value(json_object_get(request, "name"));
    const char *action = json_string_value(json_object_get(request, "action"));
    const char *where = json_string_value(json_object_get(request, "in"));
    json_int_t after = json_integer_value(json_object_get(request, "after"));
    if (!s->conf.fault_points) return "the setting fault_points is off";
    if (!name) {
        atomic_store(&s->shm.control->fault, 0);
        return NULL;
    }
    struct fault f = {.after = (uint32_t)after,
                      .slot = where ? (uint8_t)proc_slot_of(where) : FAULT_ANY,
                      .action = action ? (uint8_t)fault_action_of(action) : FAULT_DO_NOTHING,
                      .point = (uint16_t)fault_point_of(name)};
    if (f.point == FAULT_NONE) return "no such fault point";
    if (f.action == FAULT_DO_NOTHING) return "no such action (kill, crash, abort, hang, pause)";
    if (where && f.slot >= PROC_SLOTS) return "no such process";
    if (after < 0 || after > UINT32_MAX) return "after how many passes?";
    event_as(&(struct event){.kind = EVENT_FAULT}, "fault point %s is armed: %s", name, action);
    atomic_store(&s->shm.control->fault, fault_pack(f));
    return NULL;
}

bool supervisor_request(struct daemon *d, const char *op, const json_t *request, json_t *reply) {
    struct supervisor *s = d->state;
    const char *error = NULL;
    if (strcmp(op, "stop") == 0) {
        bool immediate = json_is_true(json_object_get(request, "immediate"));
        event("asked to stop%s", immediate ? " at once" : "");
        supervisor_stop(s, immediate);
    } else if (strcmp(op, "restart") == 0) {
        error = restart(s, request);
    } else if (strcmp(op, "checkpoint") == 0) {
        error = start_checkpoint(s, reply);
    } else if (strcmp(op, "release") == 0) {
        error = release(s, request);
    } else if (strcmp(op, "upgrade") == 0) {
        error = start_upgrade(s, request);
    } else if (is_of_keys(op)) {
        error = rotate(s, op, request, reply);
    } else if (strcmp(op, "fault") == 0) {
        error = arm_fault(s, request);
    } else if (strcmp(op, "job") == 0) {
        error = look_at_job(s, request, reply);
    } else {
        return false;
    }
    if (error) json_object_set_new(reply, "error", json_string(error));
    return true;
}
