/* define_concurrent.c: indexes that come and go beside readers and writers: CREATE INDEX
 * CONCURRENTLY, DROP INDEX CONCURRENTLY, and both for REINDEX CONCURRENTLY.
 *
 * The session's own transaction holds a SHARE UPDATE EXCLUSIVE lock of the table, waits and reads;
 * each step that others are to see is committed by a transaction of its own. What every session
 * must know before the next step is waited for: transactions with a lock that was taken before.
 * When something fails, or the worker dies, the index stays, not valid, for DROP INDEX or REINDEX.
 */
#include "base/control.h"
#include "catalog/define_internal.h"
#include "catalog/progress.h"
#include "table/build.h"

/* ---- steps ----------------------------------------------------------------------------------- */

struct step {
    struct sql_env env; /* the session's, but for what a transaction has of its own */
    struct txn txn;
    struct arena arena;
};

static status step_begin(struct sql_env *env, struct step *s) {
    *s = (struct step){.env = *env};
    arena_init(&s->arena, 0);
    s->env.txn = &s->txn;
    s->env.txn_arena = &s->arena;
    s->env.eval.arena = &s->arena;
    s->env.ri = NULL;
    s->env.index_rows = NULL;
    s->env.new_labels = NULL;
    s->txn.database = env->txn->database;
    status st =
        txn_begin(env->proc, &s->txn, ISO_READ_COMMITTED, atomic_load(&env->txn->slot->session));
    if (ok(st)) st = txn_snapshot(env->proc, &s->txn, &s->env.snapshot);
    if (status_is(st, ST_TOO_MANY_CONNECTIONS))
        st = error_set(env->eval.error, st.code, "sorry, too many transactions already");
    return st;
}

/* Commits it, or takes back what failed. */
static status step_end(struct step *s, status st) {
    if (s->txn.slot && ok(st)) {
        st = txn_commit(s->env.proc, &s->txn, true);
    } else if (s->txn.slot) {
        status_ignore(
            txn_rollback(s->env.proc, &s->txn)); /* the first failure is the one to tell */
        catalog_rolled_back(&s->env);
    }
    arena_free(&s->arena);
    return st;
}

static status set_state(struct sql_env *env, oid index, const struct index_flag *flags,
                        unsigned n) {
    TRY(define_index_flags(env, index, flags, n));
    catalog_changed(env);
    return OK;
}

status define_index_is_whole(struct sql_env *env, oid index) {
    static const struct index_flag whole[] = {{COL_pg_index_indisvalid, true},
                                              {COL_pg_index_indisready, true},
                                              {COL_pg_index_indislive, true}};
    return set_state(env, index, whole, 3);
}

static status state_step(struct sql_env *env, oid index, const struct index_flag *states,
                         unsigned n) {
    struct step s;
    status st = step_begin(env, &s);
    if (ok(st)) st = set_state(&s.env, index, states, n);
    return step_end(&s, st);
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* So many are waited for, `done` of them no longer; pid 0: for nobody now. */
static void tell_wait(struct sql_env *env, uint32_t total, uint32_t done, uint32_t pid) {
    progress_set(env, PROGRESS_LOCKERS_TOTAL, total);
    progress_set(env, PROGRESS_LOCKERS_DONE, done);
    progress_set(env, PROGRESS_LOCKER_PID, pid);
}

static uint32_t pid_of(const struct sql_env *env, txn_ref ref) {
    return (uint32_t)atomic_load(&txn_slot_at(env->proc->shm, ref & 0xffff)->session) + 1;
}

static status wait_for_others(struct sql_env *env, struct txn_others *o,
                              enum progress_index_phase phase) {
    struct txn_blocker other;
    TRY(txn_others_begin(env->proc, env->txn, o));
    progress_set(env, PROGRESS_INDEX_PHASE, phase);
    status st = OK;
    while (ok(st) && txn_others_next(env->proc, o, &other)) {
        tell_wait(env, o->n, o->at, pid_of(env, other.ref));
        st = table_wait_for(env, other, 0);
        if (ok(st)) st = sql_env_breathe(env);
    }
    tell_wait(env, 0, 0, 0);
    txn_others_end(o);
    return st;
}

/* Who has locked the table in a way that the mode conflicts with. */
static struct txn_others lockers(const struct sql_env *env, oid table, enum relation_mode mode) {
    struct lock_tag tag = {.space = LOCK_RELATION, .of = env->txn->database, .object = table};
    return (struct txn_others){.tag = tag, .mode = mode};
}

static status wait_for_lockers(struct sql_env *env, oid table, enum relation_mode mode,
                               enum progress_index_phase phase) {
    struct txn_others before_now = lockers(env, table, mode);
    return wait_for_others(env, &before_now, phase);
}

/* Before the lock is asked for. */
static status tell_lockers(struct sql_env *env, oid table, enum relation_mode mode) {
    struct txn_others o = lockers(env, table, mode);
    struct txn_blocker first;
    TRY(txn_others_begin(env->proc, env->txn, &o));
    if (txn_others_next(env->proc, &o, &first)) tell_wait(env, o.n, 0, pid_of(env, first.ref));
    txn_others_end(&o);
    return OK;
}

/* Those who read with a snapshot from before now. Our own is given up: two who build do not wait
 * for each other. */
static status wait_for_older_snapshots(struct sql_env *env) {
    txn_snapshot_release(env->txn);
    commit_time now = atomic_load_explicit(&env->proc->shm->log->visible, memory_order_acquire);
    return wait_for_others(env, &(struct txn_others){.limit = now}, PROGRESS_WAIT_OLD_SNAPSHOTS);
}

/* A snapshot of the session's transaction that sees every commit until now. */
static status fresh_snapshot(struct sql_env *env) {
    struct sql_env now;
    TRY(define_env_now(env, &now)); /* all of it is visible now */
    txn_snapshot_release(env->txn);
    return txn_snapshot(env->proc, env->txn, &env->snapshot);
}

/* ---- CREATE INDEX CONCURRENTLY ----------------------------------------------------------------
 */

static status has_index(struct sql_env *, struct catalog_row *row, void *) {
    row_set_bool(row, COL_pg_class_relhasindex, true);
    return OK;
}

/* As planned, or like one that is there. */
struct wanted_index {
    struct index_plan *plan;
    oid like;
};

/* The index is there, empty: from now on who comes to the table keeps it in step. */
static status announce(struct sql_env *env, const struct relation *r, struct wanted_index wanted,
                       oid *ret_index) {
    struct step s;
    status st = step_begin(env, &s);
    if (ok(st))
        st = wanted.plan ? define_index_rows(&s.env, r, wanted.plan, PAGE_NONE, ret_index)
                         : define_index_copy(&s.env, r, wanted.like, ret_index);
    if (ok(st)) st = define_update_class(&s.env, r->oid, has_index, NULL);
    return step_end(&s, st);
}

/* Nobody may write by the rules of before while others keep the index: that would leave entries
 * that are not true. So those who write now are let finish, and new ones wait until then. */
static status announce_alone(struct sql_env *env, const struct relation *r,
                             struct wanted_index wanted, oid *ret_index) {
    uint32_t mark;
    TRY(txn_lock_mark(env->txn, &mark));
    progress_set(env, PROGRESS_INDEX_PHASE, PROGRESS_WAIT_BEFORE_BUILD);
    TRY(tell_lockers(env, r->oid, MODE_SHARE));
    status st = txn_lock_relation(env->proc, env->txn, r->oid, MODE_SHARE, false,
                                  env->settings->lock_timeout_ms);
    tell_wait(env, 0, 0, 0);
    if (ok(st)) st = announce(env, r, wanted, ret_index);
    if (ok(st)) progress_set(env, PROGRESS_INDEX_OID, *ret_index);
    txn_release_to(env->proc, env->txn, mark);
    return st;
}

static status build_now(struct sql_env *env, oid table, oid index) {
    const struct relation *r;
    TRY(catalog_relation(env, table, &r));
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].oid == index) return table_build_beside_writers(env, r, &r->indexes[i]);
    return error_set(env->eval.error, ST_INTERNAL_ERROR, "cache lookup failed for index %u", index);
}

/* Writers need not mind any more what the index refuses. The first failure is the one to tell. */
static status give_up(struct sql_env *env, oid index, status st) {
    const struct index_flag unminded = {COL_pg_index_indisready, false};
    struct error first = *env->eval.error;
    status_ignore(state_step(env, index, &unminded, 1)); /* then they mind it */
    *env->eval.error = first;
    return st;
}

/* All but the word that it is valid. */
static status build_beside_writers(struct sql_env *env, const struct relation *r,
                                   struct wanted_index wanted, oid *ret_index) {
    oid table = r->oid;
    env->txn->isolation = ISO_READ_COMMITTED; /* the statement is alone in its transaction */
    TRY(announce_alone(env, r, wanted, ret_index));
    TRY(wait_for_lockers(env, table, MODE_SHARE, PROGRESS_WAIT_BEFORE_BUILD));
    TRY(fresh_snapshot(env));
    status st = build_now(env, table, *ret_index);
    if (!ok(st)) return give_up(env, *ret_index, st);
    return wait_for_older_snapshots(env);
}

status define_index_beside_writers(struct sql_env *env, const struct relation *r,
                                   struct index_plan *plan) {
    const struct index_flag valid = {COL_pg_index_indisvalid, true};
    oid index;
    plan->to_be_built = true;
    progress_begin_index(env, PROGRESS_CREATE_CONCURRENTLY, r->oid, 0);
    status st = build_beside_writers(env, r, (struct wanted_index){.plan = plan}, &index);
    if (ok(st)) st = state_step(env, index, &valid, 1);
    progress_end(env);
    return st;
}

/* ---- DROP INDEX CONCURRENTLY ------------------------------------------------------------------
 */

static status drop_step(struct sql_env *env, const struct relation *r, oid index) {
    struct step s;
    status st = step_begin(env, &s);
    if (ok(st)) st = define_drop_index(&s.env, r, index);
    return step_end(&s, st);
}

/* First nobody reads it any more, then nobody minds what it refuses, then nobody writes it, then it
 * goes: of two who work by neighbouring rules neither disturbs the other. */
status define_drop_index_beside_users(struct sql_env *env, const struct relation *r, oid index) {
    static const struct index_flag steps[] = {{COL_pg_index_indisvalid, false},
                                              {COL_pg_index_indisready, false},
                                              {COL_pg_index_indislive, false}};
    env->txn->isolation = ISO_READ_COMMITTED;
    txn_snapshot_release(env->txn);
    for (unsigned i = 0; i < 3; i++) {
        TRY(state_step(env, index, &steps[i], 1));
        TRY(wait_for_lockers(env, r->oid, MODE_ACCESS_EXCLUSIVE,
                             i < 2 ? PROGRESS_WAIT_BEFORE_DEAD : PROGRESS_WAIT_BEFORE_DROP));
    }
    return drop_step(env, r, index);
}

/* ---- REINDEX CONCURRENTLY ---------------------------------------------------------------------
 */

static status replace_step(struct sql_env *env, const struct relation *r, oid from, oid to) {
    struct step s;
    status st = step_begin(env, &s);
    if (ok(st)) st = define_index_replace(&s.env, r, from, to);
    return step_end(&s, st);
}

static status exchange(struct sql_env *env, const struct relation *r, oid index) {
    oid table = r->oid, fresh;
    TRY(build_beside_writers(env, r, (struct wanted_index){.like = index}, &fresh));
    TRY(replace_step(env, r, index, fresh));
    TRY(catalog_relation(env, table, &r));
    return define_drop_index_beside_users(env, r, index);
}

status define_index_exchange(struct sql_env *env, const struct relation *r, oid index) {
    progress_begin_index(env, PROGRESS_REINDEX_CONCURRENTLY, r->oid, index);
    status st = exchange(env, r, index);
    progress_end(env);
    return st;
}
