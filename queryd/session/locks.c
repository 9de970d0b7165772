/* Who holds which locks, and who waits for whom, as functions: pg_locks, pg_blocking_pids. Other
 * transactions are read from their slots without a lock: what is told was so at some moment. */
#include <stdio.h>
#include <string.h>

#include "session/functions.h"
#include "session/session_private.h"
#include "types/array.h"
#include "types/function.h"

#define BLOCKERS_MAX 64

static const struct shm *shm_of(const struct fn_call *c) {
    const struct sql_env *env = c->env->session->session;
    return env->proc->shm;
}

/* ---- pg_locks -------------------------------------------------------------------------------- */

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
    LOCKS_virtualxid = 5,
    LOCKS_transactionid,
    LOCKS_classid,
    LOCKS_objid,
    LOCKS_objsubid,
    LOCKS_virtualtransaction,
    LOCKS_pid,
    LOCKS_mode,
    LOCKS_granted,
    LOCKS_fastpath,
    LOCKS_COLUMNS = 16
};

struct lock_row {
    struct fn_call *c;
    datum values[LOCKS_COLUMNS];
    uint8_t nulls[LOCKS_COLUMNS];
    char holder[32]; /* its virtual transaction */
};

static void put(struct lock_row *r, int column, datum value) {
    r->nulls[column] = 0;
    r->values[column] = value;
}

static status put_text(struct lock_row *r, int column, const char *text) {
    r->nulls[column] = 0;
    return text_datum(r->c->env, text, &r->values[column]);
}

static status begin_row(struct lock_row *r, struct fn_call *c, const struct txn_slot *t,
                        const char *type, enum relation_mode mode, bool granted) {
    uint32_t session = (uint32_t)atomic_load(&t->session);
    r->c = c;
    memset(r->nulls, 1, sizeof r->nulls);
    snprintf(r->holder, sizeof r->holder, "%u/%llu", session + 1,
             (unsigned long long)(atomic_load(&t->word) >> 8));
    TRY(put_text(r, LOCKS_locktype, type));
    TRY(put_text(r, LOCKS_virtualtransaction, r->holder));
    TRY(put_text(r, LOCKS_mode, mode_names[mode]));
    put(r, LOCKS_pid, datum_int4((int32_t)session + 1));
    put(r, LOCKS_granted, datum_bool(granted));
    put(r, LOCKS_fastpath, datum_bool(false));
    return OK;
}

static status listed_row(struct fn_call *c, const struct txn_slot *t, struct lock_tag tag,
                         enum relation_mode mode, bool granted) {
    struct lock_row r;
    bool relation = tag.space == LOCK_RELATION, object = tag.space == LOCK_OBJECT;
    uint32_t session = (uint32_t)atomic_load(&t->session);
    const struct session_slot *s = session_slot_at(shm_of(c), session);
    TRY(begin_row(&r, c, t, relation ? "relation" : object ? "object" : "advisory", mode, granted));
    put(&r, LOCKS_database, datum_oid(tag.of || !relation ? tag.of : s->database_oid));
    if (relation) {
        put(&r, LOCKS_relation, datum_oid((oid)tag.object));
        put(&r, LOCKS_fastpath, datum_bool(mode < MODE_SHARE_UPDATE_EXCLUSIVE));
    } else if (object) { /* of all databases */
        put(&r, LOCKS_database, datum_oid(0));
        put(&r, LOCKS_classid, datum_oid(tag.of));
        put(&r, LOCKS_objid, datum_oid((oid)tag.object));
        put(&r, LOCKS_objsubid, datum_int2(0));
    } else {
        put(&r, LOCKS_classid, datum_oid((oid)(tag.object >> 32)));
        put(&r, LOCKS_objid, datum_oid((oid)tag.object));
        put(&r, LOCKS_objsubid, datum_int2(tag.space == LOCK_ADVISORY ? 1 : 2));
    }
    return give_row(c, r.values, r.nulls);
}

static status virtual_row(struct fn_call *c, const struct txn_slot *t) {
    struct lock_row r;
    TRY(begin_row(&r, c, t, "virtualxid", MODE_EXCLUSIVE, true));
    TRY(put_text(&r, LOCKS_virtualxid, r.holder));
    put(&r, LOCKS_fastpath, datum_bool(true));
    return give_row(c, r.values, r.nulls);
}

static status transaction_row(struct fn_call *c, const struct txn_slot *t) {
    struct lock_row r;
    TRY(begin_row(&r, c, t, "transactionid", MODE_EXCLUSIVE, true));
    put(&r, LOCKS_transactionid, datum_oid((oid)atomic_load(&t->x)));
    return give_row(c, r.values, r.nulls);
}

/* The counter runs over modes within locks within transactions; two places of each transaction are
 * for itself. Locks of rows are nobody's to see, as in PostgreSQL. */
#define MODES (MODE_ACCESS_EXCLUSIVE + 1)
#define PLACES (MODES * (1 + TXN_LOCKS_INLINE + TXN_BLOCK_LOCKS * TXN_LOCK_BLOCKS_MAX))

status pg_lock_status(struct fn_call *c) {
    const struct shm *shm = shm_of(c);
    uint32_t *at;
    TRY(set_counter(c, &at));
    for (; *at < shm->sizes.txns * (uint32_t)PLACES; ++*at) {
        const struct txn_slot *t = txn_slot_at(shm, *at / PLACES);
        enum txn_state state = txn_slot_state(t);
        uint32_t place = *at % PLACES;
        if (place < MODES) {
            bool own = state != TXN_FREE && state != TXN_SESSION;
            if (own && place == 0) return ++*at, virtual_row(c, t);
            if (own && place == 1 && atomic_load(&t->x)) return ++*at, transaction_row(c, t);
            continue;
        }
        const struct txn_lock *l = txn_lock_at(shm, t, place / MODES - 1);
        uint64_t held = l && state != TXN_FREE ? atomic_load(&l->held) : 0;
        if (held == 0) {
            *at = *at / PLACES * PLACES + PLACES - 1;
            continue;
        }
        enum relation_mode mode = place % MODES;
        struct lock_tag tag = txn_lock_tag(l, held);
        if (mode == MODE_NONE || !(held & 1u << mode) || tag.space == LOCK_ROW) continue;
        ++*at;
        return listed_row(c, t, tag, mode, !(held & TXN_LOCK_WANTED));
    }
    c->set_done = true;
    return OK;
}

/* ---- who waits for whom ---------------------------------------------------------------------- */

static bool known(const int32_t *pids, uint32_t n, int32_t pid) {
    for (uint32_t i = 0; i < n; i++)
        if (pids[i] == pid) return true;
    return false;
}

static uint32_t blockers_of(const struct shm *shm, int32_t pid, int32_t *ret_pids) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        const struct txn_slot *t = txn_slot_at(shm, i);
        txn_ref refs[BLOCKERS_MAX];
        if (txn_slot_state(t) == TXN_FREE) continue;
        if ((int32_t)(uint32_t)atomic_load(&t->session) + 1 != pid) continue;
        uint32_t found = txn_blockers(shm, i, refs, BLOCKERS_MAX);
        for (uint32_t k = 0; k < found && n < BLOCKERS_MAX; k++) {
            const struct txn_slot *other = txn_slot_at(shm, refs[k] & 0xffff);
            int32_t its = (int32_t)(uint32_t)atomic_load(&other->session) + 1;
            if (!known(ret_pids, n, its)) ret_pids[n++] = its;
        }
    }
    return n;
}

static status give_pids(struct fn_call *c, const int32_t *pids, uint32_t n) {
    datum values[BLOCKERS_MAX];
    for (uint32_t i = 0; i < n; i++) values[i] = datum_int4(pids[i]);
    return array_build_1d(c->env, INT4OID, values, NULL, n, &c->result);
}

status pg_blocking_pids(struct fn_call *c) {
    int32_t pids[BLOCKERS_MAX];
    uint32_t n = blockers_of(shm_of(c), c->args[0].i32, pids);
    return give_pids(c, pids, n);
}

/* Nobody waits for a safe snapshot. */
status pg_safe_snapshot_blocking_pids(struct fn_call *c) {
    return give_pids(c, NULL, 0);
}

status pg_isolation_test_session_is_blocked(struct fn_call *c) {
    int32_t pids[BLOCKERS_MAX];
    uint32_t n = blockers_of(shm_of(c), c->args[0].i32, pids);
    struct array_cursor cursor;
    datum pid;
    bool is_null, blocked = false;
    TRY(array_cursor_init(&cursor, c->args[1].v));
    while (array_cursor_next(&cursor, &pid, &is_null))
        if (!is_null && known(pids, n, pid.i32)) blocked = true;
    c->result = datum_bool(blocked);
    return OK;
}
