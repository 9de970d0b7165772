/* Who is connected and does what, as functions: pg_stat_activity, pg_locks; cancelling others.
 * Other sessions are read from their slots without a lock: a row may mix two moments. */
#include <stdio.h>
#include <string.h>

#include "base/control.h"
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

static struct session_slot *slot_at(const struct shm *shm, uint32_t index) {
    return (struct session_slot *)session_slot_at(shm, index);
}

static bool is_connected(const struct session_slot *s) {
    uint32_t state = atomic_load(&s->state);
    return state != SESSION_FREE && state != SESSION_OPENING;
}

/* The session that a pid names; NULL: nobody's. */
static struct session_slot *slot_of_pid(const struct shm *shm, int32_t pid) {
    if (pid <= 0 || (uint32_t)pid > shm->sizes.sessions) return NULL;
    struct session_slot *s = slot_at(shm, (uint32_t)pid - 1);
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

static void put(struct activity_row *r, int column, datum value) {
    r->nulls[column] = 0;
    r->values[column] = value;
}

static status fill_activity(struct activity_row *r, const struct session_slot *s, uint32_t index) {
    char query[QUARANTINE_TEXT_BYTES + 1] = "";
    memset(r->nulls, 1, sizeof r->nulls);
    memcpy(query, s->statement, QUARANTINE_TEXT_BYTES);
    bool idle = atomic_load(&s->state) != SESSION_BUSY;
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
        const struct session_slot *s = slot_at(shm, *at);
        bool wanted = c->nulls[0] || c->args[0].i32 == (int32_t)*at + 1;
        if (!wanted || !is_connected(s)) continue;
        struct activity_row row = {.env = c->env};
        TRY(fill_activity(&row, s, (*at)++));
        return give_row(c, row.values, row.nulls);
    }
    c->set_done = true;
    return OK;
}

status pg_stat_get_backend_idset(struct fn_call *c) {
    const struct shm *shm = shm_of(c);
    uint32_t *at;
    TRY(set_counter(c, &at));
    while (*at < shm->sizes.sessions && !is_connected(slot_at(shm, *at))) ++*at;
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

status pg_stat_get_db_numbackends(struct fn_call *c) {
    const struct shm *shm = shm_of(c);
    int32_t n = 0;
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) {
        const struct session_slot *s = slot_at(shm, i);
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
    snprintf(words, sizeof words, "PID %d is not a PostgreSQL server process", c->args[0].i32);
    send_notice(&s->env, "WARNING", "01000", words);
    return OK;
}

status pg_postmaster_start_time(struct fn_call *c) {
    uint64_t wall_ns = shm_of(c)->control->started_wall_ns;
    c->result = datum_int8((int64_t)(wall_ns / 1000) - UNIX_TO_2000_US);
    return OK;
}

/* ---- locks on relations ---- */

static const char *const mode_names[] = {[MODE_ACCESS_SHARE] = "AccessShareLock",
                                         [MODE_ROW_SHARE] = "RowShareLock",
                                         [MODE_ROW_EXCLUSIVE] = "RowExclusiveLock",
                                         [MODE_SHARE_UPDATE_EXCLUSIVE] = "ShareUpdateExclusiveLock",
                                         [MODE_SHARE] = "ShareLock",
                                         [MODE_SHARE_ROW_EXCLUSIVE] = "ShareRowExclusiveLock",
                                         [MODE_EXCLUSIVE] = "ExclusiveLock",
                                         [MODE_ACCESS_EXCLUSIVE] = "AccessExclusiveLock"};

enum {
    LOCKS_locktype,
    LOCKS_database,
    LOCKS_relation,
    LOCKS_virtualtransaction = 10,
    LOCKS_pid,
    LOCKS_mode,
    LOCKS_granted,
    LOCKS_fastpath,
    LOCKS_COLUMNS = 16
};

static status lock_row(struct fn_call *c, const struct txn_slot *t, uint64_t lock,
                       enum relation_mode mode) {
    datum values[LOCKS_COLUMNS];
    uint8_t nulls[LOCKS_COLUMNS];
    uint32_t session = (uint32_t)atomic_load(&t->session);
    char name[32];
    memset(nulls, 1, sizeof nulls);
    nulls[LOCKS_locktype] = nulls[LOCKS_database] = nulls[LOCKS_relation] = 0;
    memset(nulls + LOCKS_virtualtransaction, 0, LOCKS_fastpath - LOCKS_virtualtransaction + 1);
    snprintf(name, sizeof name, "%u/%llu", session + 1,
             (unsigned long long)(atomic_load(&t->word) >> 8));
    TRY(text_datum(c->env, "relation", &values[LOCKS_locktype]));
    TRY(text_datum(c->env, name, &values[LOCKS_virtualtransaction]));
    TRY(text_datum(c->env, mode_names[mode], &values[LOCKS_mode]));
    values[LOCKS_database] = datum_oid(slot_at(shm_of(c), session)->database_oid);
    values[LOCKS_relation] = datum_oid((oid)(lock >> 16));
    values[LOCKS_pid] = datum_int4((int32_t)session + 1);
    values[LOCKS_granted] = datum_bool(!(lock & TXN_LOCK_WANTED));
    values[LOCKS_fastpath] = datum_bool(mode < MODE_SHARE_UPDATE_EXCLUSIVE);
    return give_row(c, values, nulls);
}

/* The counter runs over modes within locks within transactions. */
status pg_lock_status(struct fn_call *c) {
    const struct shm *shm = shm_of(c);
    enum { MODES = MODE_ACCESS_EXCLUSIVE + 1, LOCKS = TXN_RELATION_LOCKS * MODES };
    uint32_t *at;
    TRY(set_counter(c, &at));
    for (; *at < shm->sizes.txns * LOCKS; ++*at) {
        const struct txn_slot *t = txn_slot_at(shm, *at / LOCKS);
        uint64_t lock = atomic_load(&t->lock[*at % LOCKS / MODES]);
        if (txn_slot_state(t) == TXN_FREE || lock == 0) {
            *at = *at / LOCKS * LOCKS + LOCKS - 1;
            continue;
        }
        enum relation_mode mode = *at % MODES;
        if (mode == MODE_NONE || !(lock & 1u << mode)) continue;
        ++*at;
        return lock_row(c, t, lock, mode);
    }
    c->set_done = true;
    return OK;
}
