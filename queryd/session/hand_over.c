/* Sessions from worker to worker: what is noted while all is well, and how a worker goes on with a
 * session whose worker has died or handed it over (shared/session/session.h). */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/probe.h"
#include "log/log.h"
#include "session/session_private.h"
#include "session/worker.h"

/* ---- noted while all is well ----------------------------------------------------------------- */

void session_note_effect(struct session *s) {
    struct session_slot *slot = s->slot;
    slot->wrote = true;
    if (atomic_load_explicit(&slot->replayable, memory_order_relaxed))
        atomic_store(&slot->replayable, false);
}

void session_note_block(struct session *s) {
    struct session_slot *slot = s->slot;
    if (slot->replay_block == 'T' && atomic_load_explicit(&slot->replayable, memory_order_relaxed))
        atomic_store(&slot->replayable, false);
}

static bool is_extended(char type) {
    return type != 'Q' && type != 'F' && type != 0;
}

static void open_sequence(struct session *s, char type) {
    struct session_slot *slot = s->slot;
    slot->extended = is_extended(type);
    slot->bound = slot->wrote = false;
    slot->replay_in = wire_in_place(&s->wire);
    slot->replay_out = wire_out_place(&s->wire);
    slot->replay_statements = slot->statements_len;
    slot->replay_block = s->started ? atomic_load(&slot->block) : 'S';
    atomic_store_explicit(&slot->commit_txid, 0, memory_order_relaxed);
    slot->sequence_from = wire_in_total(&s->wire);
    atomic_store(&slot->replayable, true);
    wire_open_sequence(&s->wire);
}

/* COPY data that comes after COPY's end is no sequence: nothing answers it. */
static bool is_stray(const struct session *s, char type) {
    return !s->copy_in && (type == 'd' || type == 'c' || type == 'f');
}

void session_note_message(struct session *s, char type) {
    struct session_slot *slot = s->slot;
    atomic_store_explicit(&slot->resting, false, memory_order_relaxed);
    if (!wire_sequence_open(&s->wire)) {
        if (is_stray(s, type)) return;
        open_sequence(s, type);
    } else if (!is_extended(type)) {
        slot->extended = false; /* a query amid an extended sequence answers it all */
    }
    slot->sync_end = type == 'S' ? wire_in_total_next(&s->wire) : UINT32_MAX;
}

static bool sync_taken(const struct session *s) {
    return s->slot->sync_end == wire_in_total(&s->wire);
}

void session_commit_begins(struct session *s, const char *tag) {
    struct session_slot *slot = s->slot;
    if (!s->txn.slot || !s->txn.writer.x) return;
    size_t len = tag ? strlen(tag) : 0;
    if (len >= sizeof slot->commit_tag) len = 0;
    if (len) memcpy(slot->commit_tag, tag, len);
    slot->commit_tag[len] = '\0';
    slot->commit_last = s->last_statement;
    slot->commit_out = wire_out_total(&s->wire);
    atomic_store(&slot->outcome, OUTCOME_UNKNOWN);
    atomic_store(&slot->commit_txid, s->txn.writer.x);
}

/* Settings that went back may have been reported: the answer comes behind that. */
void session_commit_ends(struct session *s, bool committed) {
    struct session_slot *slot = s->slot;
    if (atomic_load_explicit(&slot->commit_txid, memory_order_relaxed) == 0) return;
    if (committed)
        slot->commit_out = wire_out_total(&s->wire);
    else
        atomic_store(&slot->commit_txid, 0);
}

bool session_may_leave(const struct session *s) {
    return s->started && !s->txn.slot && !s->copy_in && !s->wire.writer &&
           !wire_sequence_open(&s->wire) && !s->slot->statements_lost && !s->ending &&
           !atomic_load(&s->slot->large) && s->kept && !cursor_any_held(s);
}

/* ---- taking up ------------------------------------------------------------------------------- */

static status restore_statements(struct session *s) {
    struct session_statement st;
    for (uint32_t at = 0; session_statement_next(s->slot, &at, &st);) TRY(prepared_restore(s, &st));
    return OK;
}

static status restore(struct session *s) {
    struct session_slot *slot = s->slot;
    s->restoring = true;
    txn_session_take_up(s->env.proc, &s->locks, session_number(s));
    s->started = slot->started;
    s->cursors_lost = slot->holds_cursors;
    slot->holds_cursors = false;
    s->settings.user = slot->user;
    s->settings.database = slot->database;
    s->settings.user_oid = slot->user_oid;
    s->settings.database_oid = s->txn.database = slot->database_oid;
    status st = settings_init(s);
    if (ok(st)) st = settings_restore(s);
    if (ok(st)) st = restore_statements(s);
    s->restoring = false;
    if (ok(st)) block_restore(s, s->started ? atomic_load(&slot->block) : 'I');
    return st;
}

/* The sequence is begun again as if its messages had just come. */
static void replay(struct session *s) {
    struct session_slot *slot = s->slot;
    atomic_store(&slot->statements_len, slot->replay_statements);
    atomic_store(&slot->block, slot->replay_block == 'S' ? 'I' : slot->replay_block);
    if (slot->replay_block == 'S') slot->started = false;
    slot->skip_until_sync = false;
    wire_rewind(&s->wire, slot->replay_in, slot->replay_out);
}

/* Its answer would have come next: nothing was published behind commit_out. */
static bool commit_unanswered(const struct session *s) {
    return atomic_load(&s->slot->commit_txid) != 0 &&
           wire_out_total(&s->wire) == s->slot->commit_out;
}

static void lose(struct session *s) {
    struct session_slot *slot = s->slot;
    bool to_sync = slot->extended && !sync_taken(s);
    slot->copying_in = false;
    error_clear(&s->error);
    status_ignore(
        error_set(&s->error, ST_SERIALIZATION_FAILURE, SESSION_LOST_WORDS)); /* sent now */
    send_error(s, "ERROR");
    if (s->lost) {
        s->lost = false;
        atomic_store(&slot->block, 'E');
    }
    slot->skip_until_sync = to_sync;
    if (!to_sync) send_ready(s);
}

/* The log has decided for it; the client hears of it once that is durable. */
static void answer_commit(struct session *s) {
    struct session_slot *slot = s->slot;
    struct proc *p = s->env.proc;
    bool committed = atomic_load(&slot->outcome) == OUTCOME_COMMITTED;
    block_restore(s, 'I');
    if (committed && ok(log_wait_durable(p, (lsn){atomic_load(&p->shm->log->tail)}))) {
        if (*slot->commit_tag) send_complete(s, slot->commit_tag);
        atomic_store(&slot->commit_txid, 0);
        if (slot->extended ? *slot->commit_tag != '\0' : !slot->commit_last) {
            if (!slot->extended) lose(s); /* the statements behind it */
            return;
        }
        send_ready(s);
        return;
    }
    atomic_store(&slot->commit_txid, 0);
    lose(s);
}

/* What the open sequence had come to decides how it goes on. */
static void go_on(struct session *s, bool rested) {
    struct session_slot *slot = s->slot;
    bool extended = slot->extended, synced = sync_taken(s);
    if (wire_in_total(&s->wire) == slot->sequence_from)
        wire_close_sequence(&s->wire); /* not a message of it was taken */
    else if (commit_unanswered(s))
        answer_commit(s);
    else if (extended && slot->skip_until_sync && !synced)
        return; /* what comes is thrown away up to Sync */
    else if (extended && rested && !slot->wrote)
        s->portals_lost = slot->bound; /* nothing else was: who asks for one hears of it */
    else if (synced && !slot->wrote && !s->lost)
        send_ready(s);
    else
        lose(s);
}

/* The coroutine's body of a session that is taken up. */
static void take_up_run(void *session) {
    struct session *s = session;
    bool rested = s->rested;
    if (s->started && !ok(session_choose_catalog(s))) s->ending = true; /* it was dropped */
    if (!s->ending && wire_sequence_open(&s->wire)) {
        if (s->started)
            go_on(s, rested);
        else
            s->ending = true; /* half a greeting: the client begins anew */
    }
    session_run(s);
}

/* 57P01 where it can be said: the answer under way may be cut off in the middle of a message. */
static void give_up(struct session *s) {
    status_ignore(
        error_set(&s->error, ST_ADMIN_SHUTDOWN,
                  "terminating connection because its worker restarted")); /* sent there */
    s->running = true;
    if (!ok(daemon_spawn(s->worker->d, SESSION_STACK_BYTES, session_end, s))) session_free(s);
}

status session_take_up(struct worker *w, uint32_t index, uint32_t generation, int fd) {
    struct shm *shm = w->d->proc.shm;
    struct session_slot *slot = session_slot_at(shm, index);
    if (index >= shm->sizes.sessions) return STATUS(INVALID);
    bool rested = atomic_load(&slot->resting);
    if (!session_taken_up(shm, index, generation, w->d->proc.owner)) return STATUS(STALE);
    FAULT(&w->d->proc, TAKE_UP);
    struct session *s = calloc(1, sizeof *s);
    if (!s) {
        session_release(shm, index); /* another one, or a later try */
        return STATUS(OUT_OF_MEMORY);
    }
    s->index = index;
    s->slot = slot;
    s->worker = w;
    s->rested = rested;
    w->unkept = true; /* who sent its socket may have died since */
    status st = wire_adopt(&s->wire, w->d, fd, slot);
    if (ok(st) && wire_sequence_open(&s->wire) && atomic_load(&slot->replayable)) replay(s);
    session_init(s);
    if (ok(st) && slot->statements_lost) st = STATUS(CONNECTION_FAILURE);
    if (ok(st)) st = restore(s);
    PROBE(axolotl_queryd, take_up, index, st.code);
    if (!session_watch(s)) return OK;
    if (!ok(st)) {
        give_up(s);
        return OK;
    }
    s->running = true;
    if (!ok(daemon_spawn(w->d, SESSION_STACK_BYTES, take_up_run, s))) session_free(s);
    return OK;
}
