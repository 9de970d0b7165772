/* Who is connected and does what, as functions: pg_stat_activity, pg_locks; cancelling others.
 * Other sessions are read from their slots without a lock: a row may mix two moments. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/control.h"
#include "catalog/progress.h"
#include "session/functions.h"
#include "session/session_private.h"
#include "session/worker.h"
#include "types/function.h"

#define UNIX_TO_2000_US 946684800000000

static struct session *caller(const struct fn_call *c) {
    struct sql_env *env = c->env->session->session;
    return env->session;
}

static const struct shm *shm_of(const struct fn_call *c) {
    return caller(c)->env.proc->shm;
}

static bool is_connected(const struct session_slot *s) {
    uint32_t state = atomic_load(&s->state);
    return state != SESSION_FREE && state != SESSION_OPENING;
}

/* The session that a pid names; NULL: nobody's. */
static struct session_slot *slot_of_pid(const struct shm *shm, int32_t pid) {
    if (pid <= 0 || (uint32_t)pid > shm->sizes.sessions) return NULL;
    struct session_slot *s = session_slot_at(shm, (uint32_t)pid - 1);
    return is_connected(s) ? s : NULL;
}

static const char *state_words(const struct session_slot *s) {
    if (atomic_load(&s->state) == SESSION_BUSY) return "active";
    switch (atomic_load(&s->block)) {
    case 'T': return "idle in transaction";
    case 'E': return "idle in transaction (aborted)";
    default: return "idle";
    }
}

enum {
    ACTIVITY_datid,
    ACTIVITY_pid,
    ACTIVITY_usesysid,
    ACTIVITY_application_name,
    ACTIVITY_state,
    ACTIVITY_query,
    ACTIVITY_wait_event_type,
    ACTIVITY_wait_event,
    ACTIVITY_xact_start,
    ACTIVITY_query_start,
    ACTIVITY_backend_start,
    ACTIVITY_state_change,
    ACTIVITY_client_addr,
    ACTIVITY_client_port = 14,
    ACTIVITY_backend_type = 17,
    ACTIVITY_ssl,
    ACTIVITY_gss_auth = 25,
    ACTIVITY_gss_enc = 27,
    ACTIVITY_COLUMNS = 30
};

struct activity_row {
    const struct eval_env *env;
    datum values[ACTIVITY_COLUMNS];
    uint8_t nulls[ACTIVITY_COLUMNS];
};

static status put_text(struct activity_row *r, int column, const char *text) {
    r->nulls[column] = 0;
    return text_datum(r->env, text, &r->values[column]);
}

static status put_address(struct activity_row *r, const char *address) {
    r->nulls[ACTIVITY_client_addr] = 0;
    return session_address_datum(r->env, address, &r->values[ACTIVITY_client_addr]);
}

static void put(struct activity_row *r, int column, datum value) {
    r->nulls[column] = 0;
    r->values[column] = value;
}

/* Between transactions there is none. */
static bool transaction_began(const struct session_slot *s, int64_t *ret) {
    *ret = atomic_load(&s->transaction_us);
    return atomic_load(&s->state) == SESSION_BUSY || atomic_load(&s->block) != 'I';
}

static status fill_activity(struct activity_row *r, const struct session_slot *s, uint32_t index) {
    char query[QUARANTINE_TEXT_BYTES + 1] = "";
    memset(r->nulls, 1, sizeof r->nulls);
    memcpy(query, s->statement, QUARANTINE_TEXT_BYTES);
    bool idle = atomic_load(&s->state) != SESSION_BUSY;
    int64_t began;
    put(r, ACTIVITY_datid, datum_oid(s->database_oid));
    put(r, ACTIVITY_pid, datum_int4((int32_t)index + 1));
    put(r, ACTIVITY_usesysid, datum_oid(s->user_oid));
    TRY(put_text(r, ACTIVITY_application_name, s->application_name));
    TRY(put_text(r, ACTIVITY_state, state_words(s)));
    TRY(put_text(r, ACTIVITY_query, query));
    if (idle) {
        TRY(put_text(r, ACTIVITY_wait_event_type, "Client"));
        TRY(put_text(r, ACTIVITY_wait_event, "ClientRead"));
    }
    if (transaction_began(s, &began)) put(r, ACTIVITY_xact_start, datum_int8(began));
    put(r, ACTIVITY_query_start, datum_int8(atomic_load(&s->statement_us)));
    put(r, ACTIVITY_backend_start, datum_int8(atomic_load(&s->connected_us)));
    put(r, ACTIVITY_state_change,
        datum_int8(idle ? atomic_load(&s->rested_us) : atomic_load(&s->statement_us)));
    if (*s->client_addr) TRY(put_address(r, s->client_addr));
    put(r, ACTIVITY_client_port, datum_int4(s->client_port));
    TRY(put_text(r, ACTIVITY_backend_type, "client backend"));
    put(r, ACTIVITY_ssl, datum_bool(false));
    put(r, ACTIVITY_gss_auth, datum_bool(false));
    put(r, ACTIVITY_gss_enc, datum_bool(false));
    return OK;
}

/* All sessions, or that of one pid. */
status pg_stat_get_activity(struct fn_call *c) {
    const struct shm *shm = shm_of(c);
    uint32_t *at;
    TRY(set_counter(c, &at));
    for (; *at < shm->sizes.sessions; ++*at) {
        const struct session_slot *s = session_slot_at(shm, *at);
        bool wanted = c->nulls[0] || c->args[0].i32 == (int32_t)*at + 1;
        if (!wanted || !is_connected(s)) continue;
        struct activity_row row = {.env = c->env};
        TRY(fill_activity(&row, s, (*at)++));
        return give_row(c, row.values, row.nulls);
    }
    c->set_done = true;
    return OK;
}

/* ---- progress ---- */

enum {
    PROGRESS_pid,
    PROGRESS_datid,
    PROGRESS_relid,
    PROGRESS_param1,
    PROGRESS_COLUMNS = PROGRESS_param1 + SESSION_PROGRESS_PARAMS
};

/* Those that are never told of have no number. */
static status asked_command(const struct fn_call *c, uint32_t *ret) {
    static const struct {
        const char *name;
        enum progress_command command;
    } known[] = {{"CREATE INDEX", PROGRESS_CREATE_INDEX}, {"VACUUM", PROGRESS_NONE},
                 {"ANALYZE", PROGRESS_ANALYZE},           {"CLUSTER", PROGRESS_NONE},
                 {"BASEBACKUP", PROGRESS_NONE},           {"COPY", PROGRESS_COPY}};
    const struct varlena *v = c->args[0].v;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == v->len && !strncasecmp(known[i].name, v->data, v->len)) {
            *ret = known[i].command;
            return OK;
        }
    return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "invalid command name: \"%.*s\"",
                     (int)v->len, v->data);
}

static status give_progress(struct fn_call *c, const struct session_slot *s, uint32_t index) {
    datum values[PROGRESS_COLUMNS];
    uint8_t nulls[PROGRESS_COLUMNS] = {0};
    const struct session_progress *p = &s->progress;
    values[PROGRESS_pid] = datum_int4((int32_t)index + 1);
    values[PROGRESS_datid] = datum_oid(s->database_oid);
    values[PROGRESS_relid] = datum_oid(atomic_load(&p->relation));
    for (unsigned i = 0; i < SESSION_PROGRESS_PARAMS; i++)
        values[PROGRESS_param1 + i] =
            datum_int8(atomic_load_explicit(&p->params[i], memory_order_relaxed));
    return give_row(c, values, nulls);
}

status pg_stat_get_progress_info(struct fn_call *c) {
    const struct shm *shm = shm_of(c);
    uint32_t *at, command;
    TRY(asked_command(c, &command));
    TRY(set_counter(c, &at));
    for (; command != PROGRESS_NONE && *at < shm->sizes.sessions; ++*at) {
        const struct session_slot *s = session_slot_at(shm, *at);
        if (!is_connected(s) || atomic_load(&s->progress.command) != command) continue;
        return give_progress(c, s, (*at)++);
    }
    c->set_done = true;
    return OK;
}

/* ---- of one session ---- */

status pg_stat_get_backend_idset(struct fn_call *c) {
    const struct shm *shm = shm_of(c);
    uint32_t *at;
    TRY(set_counter(c, &at));
    while (*at < shm->sizes.sessions && !is_connected(session_slot_at(shm, *at))) ++*at;
    c->set_done = *at == shm->sizes.sessions;
    c->result = datum_int4((int32_t)++ * at);
    return OK;
}

static const struct session_slot *asked_slot(struct fn_call *c) {
    const struct session_slot *s = slot_of_pid(shm_of(c), c->args[0].i32);
    c->is_null = !s;
    return s;
}

status pg_stat_get_backend_pid(struct fn_call *c) {
    if (asked_slot(c)) c->result = c->args[0];
    return OK;
}

status pg_stat_get_backend_dbid(struct fn_call *c) {
    const struct session_slot *s = asked_slot(c);
    if (s) c->result = datum_oid(s->database_oid);
    return OK;
}

status pg_stat_get_backend_userid(struct fn_call *c) {
    const struct session_slot *s = asked_slot(c);
    if (s) c->result = datum_oid(s->user_oid);
    return OK;
}

status pg_stat_get_backend_activity(struct fn_call *c) {
    char query[QUARANTINE_TEXT_BYTES + 1] = "";
    const struct session_slot *s = asked_slot(c);
    if (!s) return OK;
    memcpy(query, s->statement, QUARANTINE_TEXT_BYTES);
    return text_datum(c->env, query, &c->result);
}

status pg_stat_get_backend_start(struct fn_call *c) {
    const struct session_slot *s = asked_slot(c);
    if (s) c->result = datum_int8(atomic_load(&s->connected_us));
    return OK;
}

status pg_stat_get_backend_xact_start(struct fn_call *c) {
    const struct session_slot *s = asked_slot(c);
    int64_t began = 0;
    c->is_null = !s || !transaction_began(s, &began);
    c->result = datum_int8(began);
    return OK;
}

status pg_stat_get_backend_activity_start(struct fn_call *c) {
    const struct session_slot *s = asked_slot(c);
    if (s) c->result = datum_int8(atomic_load(&s->statement_us));
    return OK;
}

/* NULL where it came by a Unix socket. */
static status give_address(struct fn_call *c, const struct session_slot *s) {
    c->is_null = !s || !*s->client_addr;
    return c->is_null ? OK : session_address_datum(c->env, s->client_addr, &c->result);
}

status pg_stat_get_backend_client_addr(struct fn_call *c) {
    return give_address(c, asked_slot(c));
}

status inet_client_addr(struct fn_call *c) {
    return give_address(c, caller(c)->slot);
}

status pg_stat_get_backend_client_port(struct fn_call *c) {
    const struct session_slot *s = asked_slot(c);
    if (s) c->result = datum_int4(s->client_port);
    return OK;
}

status inet_client_port(struct fn_call *c) {
    c->result = datum_int4(caller(c)->slot->client_port);
    c->is_null = caller(c)->slot->client_port < 0;
    return OK;
}

status pg_stat_get_db_numbackends(struct fn_call *c) {
    const struct shm *shm = shm_of(c);
    int32_t n = 0;
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) {
        const struct session_slot *s = session_slot_at(shm, i);
        n += is_connected(s) && s->database_oid == c->args[0].u32;
    }
    c->result = datum_int4(n);
    return OK;
}

status pg_cancel_backend(struct fn_call *c) {
    struct session *s = caller(c);
    const struct session_slot *other = slot_of_pid(shm_of(c), c->args[0].i32);
    c->result = datum_bool(other);
    if (other) {
        worker_cancel_request(s->worker, c->args[0].u32, other->secret);
        return OK;
    }
    char words[64];
    snprintf(words, sizeof words, "PID %d is not a PostgreSQL backend process", c->args[0].i32);
    send_notice(&s->env, "WARNING", "01000", words, NULL);
    return OK;
}

/* One who ends waits for no-one: with a time limit it is looked whether it has ended. */
status pg_terminate_backend(struct fn_call *c) {
    struct session *s = caller(c);
    struct proc *p = s->env.proc;
    const struct shm *shm = p->shm;
    int64_t timeout_ms = c->args[1].i64;
    char words[96];
    if (timeout_ms < 0)
        return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE,
                         "\"timeout\" must not be negative");
    struct session_slot *other = slot_of_pid(shm, c->args[0].i32);
    c->result = datum_bool(other);
    if (!other) {
        snprintf(words, sizeof words, "PID %d is not a PostgreSQL backend process", c->args[0].i32);
        send_notice(&s->env, "WARNING", "01000", words, NULL);
        return OK;
    }
    uint32_t generation = atomic_load(&other->generation);
    session_note_effect(s);
    atomic_store(&other->terminate, true);
    worker_cancel_request(s->worker, c->args[0].u32, other->secret);
    uint64_t end_ns = p->env->mono_ns(p) + (uint64_t)timeout_ms * 1000000;
    while (timeout_ms && is_connected(other) && atomic_load(&other->generation) == generation) {
        TRY(sql_env_breathe(&s->env));
        if (p->env->mono_ns(p) >= end_ns) {
            snprintf(words, sizeof words,
                     "backend with PID %d did not terminate within %lld milliseconds",
                     c->args[0].i32, (long long)timeout_ms);
            send_notice(&s->env, "WARNING", "01000", words, NULL);
            c->result = datum_bool(false);
            return OK;
        }
        daemon_sleep(daemon_of(p), 2000000);
    }
    return OK;
}

status pg_postmaster_start_time(struct fn_call *c) {
    uint64_t wall_ns = shm_of(c)->control->started_wall_ns;
    c->result = datum_int8((int64_t)(wall_ns / 1000) - UNIX_TO_2000_US);
    return OK;
}
