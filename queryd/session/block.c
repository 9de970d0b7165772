/* Transaction blocks. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/probe.h"
#include "catalog/log_on.h"
#include "catalog/temp.h"
#include "exec/ri.h"
#include "session/session_private.h"
#include "session/worker.h"
#include "txn/serial.h"

#define POSTGRES_EPOCH_US 946684800000000ll /* 2000-01-01 in Unix time */

int64_t session_now_us(struct session *s) {
    return (int64_t)(s->env.proc->env->wall_ns(s->env.proc) / 1000) - POSTGRES_EPOCH_US;
}

static void note_statement(struct session *s) {
    s->values.statement_us = session_now_us(s);
    atomic_store_explicit(&s->slot->statement_us, s->values.statement_us, memory_order_relaxed);
}

static void note_transaction(struct session *s) {
    s->values.transaction_us = s->values.statement_us;
    atomic_store_explicit(&s->slot->transaction_us, s->values.transaction_us, memory_order_relaxed);
}

/* As ReadyForQuery says it, in the slot, for the next worker. */
static void set_block(struct session *s, enum block_state state) {
    static const char letters[] = {[BLOCK_NONE] = 'I', [BLOCK_OPEN] = 'T', [BLOCK_FAILED] = 'E'};
    s->block = state;
    s->lost = false;
    atomic_store_explicit(&s->slot->block, letters[state], memory_order_release);
}

void block_restore(struct session *s, char block) {
    bool lost = block == 'T' || block == 'L';
    s->block = block == 'I' ? BLOCK_NONE : BLOCK_FAILED;
    s->lost = lost;
    atomic_store(&s->slot->block, lost ? 'L' : block);
}

static const struct {
    const char *name;
    enum txn_isolation isolation;
} levels[] = {[LEVEL_READ_COMMITTED] = {"read committed", ISO_READ_COMMITTED},
              [LEVEL_READ_UNCOMMITTED] = {"read uncommitted", ISO_READ_COMMITTED},
              [LEVEL_REPEATABLE_READ] = {"repeatable read", ISO_REPEATABLE_READ},
              [LEVEL_SERIALIZABLE] = {"serializable", ISO_SERIALIZABLE}};

const char *isolation_name(enum isolation_level level) {
    return levels[level].name;
}

enum isolation_level isolation_named(const char *name) {
    for (unsigned i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcasecmp(name, levels[i].name) == 0) return (enum isolation_level)i;
    return LEVEL_READ_COMMITTED;
}

static status begin(struct session *s) {
    note_transaction(s);
    status st = txn_begin(s->env.proc, &s->txn, levels[s->isolation].isolation, s->index);
    if (status_is(st, ST_TOO_MANY_CONNECTIONS))
        return error_set(&s->error, st.code, "sorry, too many transactions already");
    TRY(st);
    s->txn.read_only = s->next_read_only;
    return OK;
}

status block_ensure_txn(struct session *s) {
    if (s->txn.slot) return OK;
    note_statement(s);
    TRY(begin(s));
    return OK;
}

void block_statement_resume(struct session *s) {
    atomic_store_explicit(&s->slot->cancel, 0, memory_order_relaxed);
    uint32_t timeout = s->settings.statement_timeout_ms;
    uint64_t now = s->env.proc->env->mono_ns(s->env.proc);
    s->env.deadline_ns = timeout ? now + timeout * 1000000ull : 0;
    if (timeout) worker_note_deadline(s->worker, s->env.deadline_ns);
    s->env.turn_ends_ns = now + 100000;
}

status block_statement_begin(struct session *s) {
    note_statement(s);
    if (s->block == BLOCK_OPEN) session_note_block(s);
    TRY(block_ensure_txn(s));
    block_statement_resume(s);
    return txn_snapshot(s->env.proc, &s->txn, &s->env.snapshot);
}

status block_words(struct session *s, status st) {
    struct proc *p = s->env.proc;
    uint64_t deadline = s->env.deadline_ns;
    if (status_is(st, ST_QUERY_CANCELED) && ok(s->error.status) && deadline &&
        p->env->mono_ns(p) >= deadline)
        return error_set(&s->error, st.code, "canceling statement due to statement timeout");
    return error_from_status(&s->error, st);
}

void block_statement_end(struct session *s) {
    s->env.deadline_ns = 0;
    for (struct portal *p = s->portals; p; p = p->next)
        if (p->execution && !p->done) return; /* it still reads with its snapshot */
    txn_snapshot_release(&s->txn);
}

/* The transaction is over: what lived with it goes. */
static void forget_txn(struct session *s, bool committed) {
    portal_drop_from(s, 0);
    temp_transaction_ended(&s->env, committed);
    s->env.ri = NULL;
    s->env.index_rows = NULL;
    s->env.new_labels = NULL;
    if (committed)
        settings_commit(s);
    else
        settings_rollback(s, 0);
    notify_transaction_ended(s, committed);
    arena_reset(&s->txn_arena);
    s->savepoints = NULL;
    set_block(s, BLOCK_NONE);
    s->isolation = s->defaults.isolation;
    s->next_read_only = s->defaults.read_only;
    s->deferrable = s->defaults.deferrable;
}

static void roll_back(struct session *s) {
    if (s->txn.slot) {
        status st = txn_rollback(s->env.proc, &s->txn);
        if (!ok(st)) /* txnd goes on undoing: the client's view is the same */
            fprintf(stderr, "rollback is left to txnd: %s\n", status_name(st));
    }
    forget_txn(s, false);
}

/* The commit is in the log, and the log could not be written. */
static status outcome_unknown(struct session *s, status st) {
    st = error_set(&s->error, (enum status_code)st.code, "could not write the log: %s",
                   status_is(st, ST_DISK_FULL) ? "No space left on device" : "Input/output error");
    error_detail(&s->error, "Whether the transaction is committed will be known once the log can "
                            "be written again.");
    return st;
}

static status commit(struct session *s, const char *tag) {
    bool durable = s->commits_wait;
    PROBE(axolotl_queryd, commit_begin, s->env.proc->trace);
    if (s->txn.slot) {
        status before = cursor_hold_all(s);
        if (ok(before)) before = ri_before_commit(&s->env);
        if (ok(before)) before = temp_before_commit(&s->env);
        if (!ok(before)) {
            roll_back(s);
            return error_from_status(&s->error, before);
        }
    }
    notify_before_commit(s);
    durable |= s->notified; /* who hears of it sees it */
    session_commit_begins(s, tag);
    lsn last = s->txn.commit_end;
    status st = s->txn.slot ? txn_commit(s->env.proc, &s->txn, durable) : OK;
    PROBE(axolotl_queryd, commit_done, s->env.proc->trace, st.code);
    if (!ok(st) && s->txn.commit_end.at != last.at) st = outcome_unknown(s, st);
    forget_txn(s, ok(st));
    session_commit_ends(s, ok(st));
    return error_from_status(&s->error, serial_words(&s->error, st));
}

status block_finish_implicit(struct session *s, const char *tag) {
    if (s->block != BLOCK_NONE) return OK;
    if (s->txn.slot) return commit(s, tag);
    portal_drop_from(s, 0); /* of empty statements */
    return OK;
}

bool block_is_open(const struct session *s) {
    return s->block != BLOCK_NONE || s->in_sequence;
}

status block_must_be_alone(struct session *s, const char *command) {
    if (!block_is_open(s) && !s->in_pipeline) return OK;
    return error_set(&s->error, ST_ACTIVE_SQL_TRANSACTION,
                     block_is_open(s) ? "%s cannot run inside a transaction block"
                                      : "%s cannot be executed within a pipeline",
                     command);
}

void block_rollback_all(struct session *s) {
    roll_back(s);
}

/* What was done since the savepoint; when that takes long it waits until the client goes back. */
static status undo_to_savepoint(struct session *s) {
    struct txn_mark mark = s->savepoints->mark;
    if (txn_long_undo(&s->txn, mark)) return OK;
    TRY(txn_rollback_to(s->env.proc, &s->txn, mark));
    txn_release_to(s->env.proc, &s->txn, s->savepoints->locks);
    return OK;
}

void block_abort(struct session *s) {
    if (s->block == BLOCK_NONE) {
        roll_back(s);
        return;
    }
    if (s->block == BLOCK_FAILED) return;
    portal_fail_from(s, block_level(s));
    /* Without a savepoint nothing can come back: others get rows and locks now, whenever the client
     * says ROLLBACK. */
    if (s->txn.slot && (!s->savepoints || !ok(undo_to_savepoint(s))))
        status_ignore(txn_rollback(s->env.proc, &s->txn)); /* txnd takes over what is left */
    if (s->txn.slot && s->txn.catalog_changed) catalog_rolled_back(&s->env);
    settings_rollback(s, s->savepoints ? s->savepoints->saved_settings : 0);
    if (s->txn.slot) block_statement_end(s);
    set_block(s, BLOCK_FAILED);
}

void block_abandon(struct session *s) {
    char block = atomic_load(&s->slot->block);
    roll_back(s);
    block_restore(s, block);
}

static bool ends_failed_block(const struct node *n) {
    if (!n || n->kind != NODE_TRANSACTION) return false;
    switch (((const struct ast_transaction *)n)->kind) {
    case TXN_COMMIT:
    case TXN_ROLLBACK:
    case TXN_ROLLBACK_TO:
    case TXN_PREPARE: return true;
    default: return false;
    }
}

/* ROLLBACK comes to the same when the open block is lost with this worker: its sequence may be
 * begun again. Nothing else that runs in a block may. */
static bool outlives_block(const struct node *n) {
    if (n->kind != NODE_TRANSACTION) return false;
    const struct ast_transaction *t = (const struct ast_transaction *)n;
    return t->kind == TXN_ROLLBACK && !t->chain;
}

status block_check_failed(struct session *s, const struct node *utility) {
    if (s->block == BLOCK_OPEN && utility && !outlives_block(utility)) session_note_block(s);
    if (s->block != BLOCK_FAILED || ends_failed_block(utility)) return OK;
    if (s->lost) {
        s->lost = false; /* said once */
        atomic_store(&s->slot->block, 'E');
        return error_set(&s->error, ST_SERIALIZATION_FAILURE, SESSION_LOST_WORDS);
    }
    return error_set(&s->error, ST_IN_FAILED_SQL_TRANSACTION,
                     "current transaction is aborted, commands ignored until end of transaction "
                     "block");
}

/* ---- modes ----------------------------------------------------------------------------------- */

static const char *literal_text(const struct node *n) {
    return n && n->kind == NODE_LITERAL ? ((const struct ast_literal *)n)->text : "";
}

static bool is_set(const struct ast_def_elem *mode) {
    const char *value = literal_text(mode->value);
    return strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0 ||
           strcasecmp(value, "on") == 0;
}

/* When a mode cannot change any more: in a savepoint, or after a query. */
static status too_late(struct session *s, const char *in_savepoint, const char *after_query) {
    if (s->savepoints && in_savepoint)
        return error_set(&s->error, ST_ACTIVE_SQL_TRANSACTION, "%s", in_savepoint);
    if (s->txn.slot && s->txn.queried)
        return error_set(&s->error, ST_ACTIVE_SQL_TRANSACTION, "%s", after_query);
    return OK;
}

static status set_isolation(struct session *s, const char *name) {
    enum isolation_level level = isolation_named(name);
    if (s->txn.slot && level != s->isolation) {
        TRY(too_late(s, NULL, "SET TRANSACTION ISOLATION LEVEL must be called before any query"));
        TRY(too_late(s, "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction",
                     ""));
    }
    if (s->txn.slot) s->txn.isolation = levels[level].isolation;
    s->isolation = level;
    return OK;
}

static status set_read_only(struct session *s, bool on) {
    if (!on && s->txn.slot && s->txn.read_only)
        TRY(too_late(s, "cannot set transaction read-write mode inside a read-only transaction",
                     "transaction read-write mode must be set before any query"));
    s->next_read_only = on;
    if (s->txn.slot) s->txn.read_only = on;
    return OK;
}

static status set_deferrable(struct session *s, bool on) {
    TRY(too_late(s, "SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction",
                 "SET TRANSACTION [NOT] DEFERRABLE must be called before any query"));
    s->deferrable = on;
    return OK;
}

static status set_default(struct session *s, const struct ast_def_elem *mode) {
    bool level = strcmp(mode->name, "transaction_isolation") == 0;
    char name[64];
    snprintf(name, sizeof name, "default_%s", mode->name);
    return setting_set(s, name,
                       level          ? literal_text(mode->value)
                       : is_set(mode) ? "on"
                                      : "off",
                       false);
}

status block_set_modes(struct session *s, const struct list *modes, bool session_wide) {
    LIST_EACH(struct ast_def_elem *, mode, modes) {
        if (session_wide)
            TRY(set_default(s, mode));
        else if (strcmp(mode->name, "transaction_isolation") == 0)
            TRY(set_isolation(s, literal_text(mode->value)));
        else if (strcmp(mode->name, "transaction_read_only") == 0)
            TRY(set_read_only(s, is_set(mode)));
        else if (strcmp(mode->name, "transaction_deferrable") == 0)
            TRY(set_deferrable(s, is_set(mode)));
    }
    return OK;
}

/* ---- statements ------------------------------------------------------------------------------ */

static void warn(struct session *s, const char *sqlstate, const char *message) {
    send_notice(&s->env, "WARNING", sqlstate, message, NULL);
}

static status begin_block(struct session *s, const struct ast_transaction *t) {
    if (s->block == BLOCK_OPEN) {
        warn(s, "25001", "there is already a transaction in progress");
        return block_set_modes(s, t->modes, false);
    }
    TRY(block_set_modes(s, t->modes, false));
    bool had_txn = s->txn.slot != NULL;
    TRY(block_ensure_txn(s));
    if (!had_txn) note_transaction(s);
    set_block(s, BLOCK_OPEN);
    return OK;
}

/* AND CHAIN: a new block with the modes of the one that ended. */
static status chain(struct session *s, bool wanted, enum isolation_level level, bool read_only,
                    bool deferrable) {
    if (!wanted) return OK;
    s->isolation = level;
    s->next_read_only = read_only;
    s->deferrable = deferrable;
    TRY(block_ensure_txn(s));
    set_block(s, BLOCK_OPEN);
    return OK;
}

static status end_block(struct session *s, const struct ast_transaction *t, const char **ret_tag) {
    enum isolation_level level = s->isolation;
    bool read_only = s->txn.read_only, deferrable = s->deferrable;
    bool is_commit = t->kind == TXN_COMMIT && s->block != BLOCK_FAILED;
    if (s->block == BLOCK_NONE) {
        if (t->chain)
            return error_set(&s->error, ST_NO_ACTIVE_SQL_TRANSACTION,
                             "%s AND CHAIN can only be used in transaction blocks",
                             t->kind == TXN_COMMIT ? "COMMIT" : "ROLLBACK");
        warn(s, "25P01", "there is no transaction in progress");
    }
    *ret_tag = is_commit ? "COMMIT" : "ROLLBACK";
    if (is_commit)
        TRY(commit(s, "COMMIT"));
    else
        roll_back(s);
    return chain(s, t->chain, level, read_only, deferrable);
}

static struct savepoint *find_savepoint(struct session *s, const char *name) {
    for (struct savepoint *p = s->savepoints; p; p = p->outer)
        if (strcmp(p->name, name) == 0) return p;
    status_ignore(error_set(&s->error, ST_INVALID_SAVEPOINT_SPECIFICATION,
                            "savepoint \"%s\" does not exist", name)); /* NULL tells the caller */
    return NULL;
}

uint32_t block_level(const struct session *s) {
    uint32_t n = 0;
    for (const struct savepoint *p = s->savepoints; p; p = p->outer) n++;
    return n;
}

static status add_savepoint(struct session *s, const char *name) {
    struct savepoint *p = arena_zalloc(&s->txn_arena, sizeof *p);
    if (!p) return STATUS(OUT_OF_MEMORY);
    snprintf(p->name, sizeof p->name, "%s", name);
    p->outer = s->savepoints;
    p->mark = txn_mark(&s->txn);
    TRY(txn_lock_mark(&s->txn, &p->locks));
    p->saved_settings = s->setting_values.nsaved;
    p->read_only = s->txn.read_only;
    s->savepoints = p;
    return OK;
}

static status roll_back_to(struct session *s, struct savepoint *p) {
    if (!s->txn.slot) /* going back to it has failed before: txnd undoes the whole transaction */
        return error_set(&s->error, ST_INVALID_SAVEPOINT_SPECIFICATION, "savepoint \"%s\" is lost",
                         p->name);
    TRY(txn_rollback_to(s->env.proc, &s->txn, p->mark));
    txn_release_to(s->env.proc, &s->txn, p->locks);
    ri_rolled_back(&s->env, p->mark);
    s->savepoints = p;
    portal_drop_from(s, block_level(s));
    if (s->txn.catalog_changed) catalog_rolled_back(&s->env);
    settings_rollback(s, p->saved_settings);
    s->savepoints = p;
    s->txn.read_only = p->read_only;
    set_block(s, BLOCK_OPEN);
    return OK;
}

/* Whatever would go on with the lost block is told; ROLLBACK is what the client would do then. */
static status lost_block(struct session *s, const struct ast_transaction *t) {
    if (!s->lost || t->kind == TXN_ROLLBACK) return OK;
    status st = error_set(&s->error, ST_SERIALIZATION_FAILURE, SESSION_LOST_WORDS);
    set_block(s, t->kind == TXN_COMMIT ? BLOCK_NONE : BLOCK_FAILED);
    return st;
}

/* As PostgreSQL's where max_prepared_transactions is 0: what was to be prepared is rolled back. */
static status prepare_block(struct session *s, const char **ret_tag) {
    bool open = s->block == BLOCK_OPEN;
    if (s->block == BLOCK_NONE) warn(s, "25P01", "there is no transaction in progress");
    *ret_tag = "ROLLBACK";
    roll_back(s);
    if (!open) return OK;
    status st = error_set(&s->error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                          "prepared transactions are disabled");
    error_hint(&s->error, "Set max_prepared_transactions to a nonzero value.");
    return st;
}

static status end_prepared(struct session *s, const struct ast_transaction *t) {
    const char *words = t->kind == TXN_COMMIT_PREPARED ? "COMMIT PREPARED" : "ROLLBACK PREPARED";
    if (s->block != BLOCK_NONE)
        return error_set(&s->error, ST_ACTIVE_SQL_TRANSACTION,
                         "%s cannot run inside a transaction block", words);
    return error_set(&s->error, ST_UNDEFINED_OBJECT,
                     "prepared transaction with identifier \"%s\" does not exist", t->name);
}

status block_execute(struct session *s, const struct ast_transaction *t, const char **ret_tag) {
    static const char *const tags[] = {
        [TXN_BEGIN] = "BEGIN",     [TXN_START] = "START TRANSACTION", [TXN_SAVEPOINT] = "SAVEPOINT",
        [TXN_RELEASE] = "RELEASE", [TXN_ROLLBACK_TO] = "ROLLBACK",
    };
    quarantine_exempt(s);
    TRY(lost_block(s, t));
    switch (t->kind) {
    case TXN_BEGIN:
    case TXN_START: *ret_tag = tags[t->kind]; return begin_block(s, t);
    case TXN_COMMIT:
    case TXN_ROLLBACK: return end_block(s, t, ret_tag);
    case TXN_SAVEPOINT:
    case TXN_RELEASE:
    case TXN_ROLLBACK_TO: break;
    case TXN_PREPARE: return prepare_block(s, ret_tag);
    default: return end_prepared(s, t);
    }
    *ret_tag = tags[t->kind];
    if (s->block == BLOCK_NONE)
        return error_set(&s->error, ST_NO_ACTIVE_SQL_TRANSACTION,
                         "%s can only be used in transaction blocks",
                         t->kind == TXN_SAVEPOINT ? "SAVEPOINT"
                         : t->kind == TXN_RELEASE ? "RELEASE SAVEPOINT"
                                                  : "ROLLBACK TO SAVEPOINT");
    if (t->kind == TXN_SAVEPOINT) return add_savepoint(s, t->name);
    struct savepoint *p = find_savepoint(s, t->name);
    if (!p) return s->error.status;
    if (t->kind == TXN_ROLLBACK_TO) return roll_back_to(s, p);
    s->savepoints = p;
    portal_release_level(s, block_level(s));
    s->savepoints = p->outer;
    s->txn.read_only = p->read_only;
    return OK;
}
