/* LISTEN, UNLISTEN, NOTIFY.
 *
 * A notification is a row (catalog/notification.h); what is shared besides are a count that moves
 * after each commit that sent some, and in a listener's slot the commit time up to which it has
 * been told. Channels are kept as a setting, so that they follow the transaction, and the session
 * to its next worker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/coro.h"
#include "catalog/notification.h"
#include "ipc_ring.h"
#include "log/log.h"
#include "session/functions.h"
#include "session/session_private.h"
#include "session/worker.h"

#define BETWEEN "\001" /* channels in the setting */
#define CLEAN_NS 1000000000u

/* ---- channels -------------------------------------------------------------------------------- */

static const char *channels(const struct session *s) {
    return setting_show(s, SETTING_axl_channels);
}

/* As they were before what the running transaction has said. */
static const char *committed_channels(const struct session *s) {
    const struct setting_values *values = &s->setting_values;
    for (uint32_t i = 0; i < values->nsaved; i++)
        if (values->saved[i].setting == SETTING_axl_channels)
            return values->saved[i].value ? values->saved[i].value : "";
    return channels(s);
}

/* Where the channel stands in the list; NULL: nowhere. */
static const char *find_channel(const char *list, const char *channel) {
    size_t len = strlen(channel);
    for (const char *c = list; *c;) {
        size_t n = strcspn(c, BETWEEN);
        if (n == len && memcmp(c, channel, len) == 0) return c;
        c += n;
        if (*c) c++;
    }
    return NULL;
}

static status listen_to(struct session *s, const char *channel) {
    const char *before = channels(s);
    s->listens = true;
    if (find_channel(before, channel)) return OK;
    const char *list =
        arena_printf(&s->statement_arena, "%s%s%s", before, *before ? BETWEEN : "", channel);
    return list ? setting_set_hidden(s, SETTING_axl_channels, list) : STATUS(OUT_OF_MEMORY);
}

static status unlisten(struct session *s, const char *channel) {
    const char *before = channels(s);
    const char *at = channel ? find_channel(before, channel) : NULL;
    if (!channel) return *before ? setting_set_hidden(s, SETTING_axl_channels, NULL) : OK;
    if (!at) return OK;
    const char *rest = at + strlen(channel);
    if (*rest)
        rest++;
    else if (at > before)
        at--;
    const char *list =
        arena_printf(&s->statement_arena, "%.*s%s", (int)(at - before), before, rest);
    if (!list) return STATUS(OUT_OF_MEMORY);
    return setting_set_hidden(s, SETTING_axl_channels, *list ? list : NULL);
}

status notify_unlisten_all(struct session *s) {
    return unlisten(s, NULL);
}

status pg_listening_channels(struct fn_call *c) {
    uint32_t *i;
    TRY(set_counter(c, &i));
    const char *at = committed_channels(session_of_call(c));
    for (uint32_t n = *i; n && *at; n--) {
        at += strcspn(at, BETWEEN);
        if (*at) at++;
    }
    ++*i;
    c->set_done = !*at;
    if (c->set_done) return OK;
    const char *name = arena_strndup(c->env->arena, at, strcspn(at, BETWEEN));
    return name ? text_datum(c->env, name, &c->result) : STATUS(OUT_OF_MEMORY);
}

/* ---- NOTIFY ---------------------------------------------------------------------------------- */

static status refuse(struct session *s, const char *words) {
    return error_set(&s->error, ST_INVALID_PARAMETER_VALUE, "%s", words);
}

static status send(struct session *s, const char *channel, const char *payload) {
    size_t len = strlen(channel);
    if (!len) return refuse(s, "channel name cannot be empty");
    if (len >= NAME_BYTES) return refuse(s, "channel name too long");
    if (strlen(payload) > NOTIFICATION_PAYLOAD_MAX) return refuse(s, "payload string too long");
    session_note_effect(s);
    TRY(notification_add(&s->env, channel, payload, (int32_t)s->index + 1));
    s->notified = true;
    return OK;
}

static const char *text_argument(const struct fn_call *c, uint16_t i) {
    if (c->nulls[i]) return "";
    const struct varlena *v = c->args[i].v;
    return arena_strndup(c->env->arena, v->data, v->len);
}

status pg_notify(struct fn_call *c) {
    const char *channel = text_argument(c, 0), *payload = text_argument(c, 1);
    c->result = (datum){0};
    if (!channel || !payload) return STATUS(OUT_OF_MEMORY);
    return send(session_of_call(c), channel, payload);
}

/* Nothing bounds the rows that wait but the disk. */
status pg_notification_queue_usage(struct fn_call *c) {
    c->result = datum_float8(0);
    return OK;
}

status notify_execute(struct session *s, const struct ast_notify *n, const char **ret_tag) {
    static const char *const tags[] = {
        [NOTIFY_NOTIFY] = "NOTIFY", [NOTIFY_LISTEN] = "LISTEN", [NOTIFY_UNLISTEN] = "UNLISTEN"};
    *ret_tag = tags[n->kind];
    session_note_effect(s);
    TRY(block_ensure_txn(s));
    switch (n->kind) {
    case NOTIFY_NOTIFY: return send(s, n->channel, n->payload ? n->payload : "");
    case NOTIFY_LISTEN: return listen_to(s, n->channel);
    default: return unlisten(s, n->channel);
    }
}

/* ---- around a transaction's end -------------------------------------------------------------- */

/* From here on it hears: of what commits later, and of what its own transaction sends. */
void notify_before_commit(struct session *s) {
    if (!s->listens || atomic_load(&s->slot->listen_from)) return;
    const struct log_shared *log = s->env.proc->shm->log;
    atomic_store(&s->env.proc->shm->control->listened, 1);
    atomic_store(&s->slot->listen_from, atomic_load(&log->visible));
    s->notify_seen = atomic_load(&s->env.proc->shm->control->notifications);
}

static void wake_workers(struct worker *w) {
    struct proc *p = &w->d->proc;
    atomic_fetch_add(&p->shm->control->notifications, 1);
    for (uint16_t slot = SLOT_QUERYD; slot < SLOT_GUARDIAN; slot++)
        if (slot != p->owner.slot) bell_ring(p->shm, slot);
    w->clean_notifications = true;
    w->d->step_due_ns = 1;
}

void notify_transaction_ended(struct session *s, bool committed) {
    if (committed && s->notified) wake_workers(s->worker);
    s->notified = s->listens = false;
    if (!*channels(s) && atomic_load_explicit(&s->slot->listen_from, memory_order_relaxed))
        atomic_store(&s->slot->listen_from, 0);
}

/* ---- telling --------------------------------------------------------------------------------- */

static uint64_t count_now(const struct session *s) {
    return atomic_load_explicit(&s->env.proc->shm->control->notifications, memory_order_acquire);
}

bool notify_is_due(const struct session *s) {
    return s->block == BLOCK_NONE && !s->txn.slot && !s->ending &&
           atomic_load_explicit(&s->slot->listen_from, memory_order_relaxed) &&
           s->notify_seen != count_now(s);
}

static void tell(struct session *s, const struct notification *n) {
    wire_begin(&s->wire, 'A');
    wire_put32(&s->wire, (uint32_t)n->sender);
    status st = put_string(s, n->channel);
    if (ok(st)) st = put_string(s, n->payload);
    if (ok(st)) {
        wire_end(&s->wire);
        return;
    }
    wire_withdraw(&s->wire); /* what cannot be said stays here */
    error_clear(&s->error);
}

static status read_and_tell(struct session *s) {
    const struct notification *list;
    size_t n;
    commit_time upto;
    status st = block_statement_begin(s);
    if (ok(st))
        st = notification_read(&s->env, atomic_load(&s->slot->listen_from), &list, &n, &upto);
    block_statement_end(s);
    block_rollback_all(s);
    TRY(st);
    for (size_t i = 0; i < n; i++)
        if (find_channel(channels(s), list[i].channel)) tell(s, &list[i]);
    atomic_store(&s->slot->listen_from, upto);
    return OK;
}

/* What cannot be read now is read when there is more. */
void notify_tell(struct session *s) {
    s->notify_seen = count_now(s);
    struct error before = s->error;
    error_clear(&s->error);
    status_ignore(read_and_tell(s));
    s->error = before;
    s->worker->clean_notifications = true;
}

static void tell_resting(void *session) {
    struct session *s = session;
    coro_set_local(&s->env);
    notify_tell(s);
    session_run(s);
}

/* Sessions that work hear before they rest. */
static void tell_sessions(struct worker *w) {
    for (struct session *s = w->sessions, *next; s; s = next) {
        next = s->next;
        if (s->running || !s->started || s->wire.writer || !notify_is_due(s)) continue;
        s->running = true;
        if (!ok(daemon_spawn(w->d, SESSION_STACK_BYTES, tell_resting, s))) s->running = false;
    }
}

/* ---- what nobody wants any more -------------------------------------------------------------- */

/* A listener takes its place before it commits, and what is deleted was committed before we looked
 * for places. */
static commit_time wanted_after(struct shm *shm) {
    commit_time least = atomic_load(&shm->log->visible);
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) {
        struct session_slot *slot = session_slot_at(shm, i);
        if (atomic_load(&slot->state) == SESSION_FREE) continue;
        commit_time from = atomic_load(&slot->listen_from);
        if (from && from < least) least = from;
    }
    return least;
}

static status clean_one(struct sql_env *env, commit_time upto) {
    TRY(txn_begin(env->proc, env->txn, ISO_READ_COMMITTED, 0));
    status st = txn_snapshot(env->proc, env->txn, &env->snapshot);
    if (ok(st)) st = notification_clean(env, upto);
    if (ok(st)) return txn_commit(env->proc, env->txn, false);
    status_ignore(txn_rollback(env->proc, env->txn)); /* another time */
    return st;
}

static void clean(void *arg) {
    struct worker *w = arg;
    struct worker_task *t = calloc(1, sizeof *t);
    commit_time upto = wanted_after(w->d->proc.shm);
    for (struct database *d = w->databases; t && w->catalog; d = d->next) {
        worker_task_init(t, w, d ? d->catalog : w->catalog);
        coro_set_local(&t->env);
        status_ignore(clean_one(&t->env, upto)); /* it is done again */
        arena_free(&t->arena);
        if (!d) break;
    }
    coro_set_local(NULL);
    free(t);
    w->cleaning = false;
}

/* In every turn. */
void notify_step(struct worker *w) {
    struct proc *p = &w->d->proc;
    uint64_t count = atomic_load_explicit(&p->shm->control->notifications, memory_order_acquire);
    if (count != w->notifications_seen) {
        w->notifications_seen = count;
        tell_sessions(w);
    }
    if (!w->clean_notifications || w->cleaning || w->stopping || w->handing_over) return;
    uint64_t now = p->env->mono_ns(p);
    if (w->clean_due_ns == 0) w->clean_due_ns = now + CLEAN_NS;
    if (now < w->clean_due_ns) {
        if (!w->d->step_due_ns || w->d->step_due_ns > w->clean_due_ns)
            w->d->step_due_ns = w->clean_due_ns;
        return;
    }
    w->clean_due_ns = 0;
    w->clean_notifications = false;
    w->cleaning = true;
    if (!ok(daemon_spawn(w->d, 0, clean, w))) w->cleaning = false;
}

/* One who committed may have died before it moved the count. */
void notify_worker_died(struct worker *w) {
    for (struct session *s = w->sessions; s; s = s->next) s->notify_seen--;
    w->notifications_seen--;
}
