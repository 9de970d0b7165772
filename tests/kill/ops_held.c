/* ops_held.c: locks that are held: rows by several, more than a slot has room for, given back to a
 * savepoint, and a session's own. */
#include "base/check.h"
#include "world.h"

#define RELATION 77u
#define SESSION (((uint64_t)1 << 32) | 1)
#define WHOLE 7u
#define ROW(n) ((struct lock_tag){LOCK_ROW, RELATION, 1000 + (n)})
#define ADVISORY(n) ((struct lock_tag){LOCK_ADVISORY, 5, n})

static void build_rows(struct world *w) {
    for (unsigned row = 0; row < 6; row++) world_row(w, row, row + 1);
    world_write_home(w);
}

static status begin_only(struct world *w, struct actor *a) {
    (void)w;
    a->session = (struct txn){0};
    return txn_begin(&a->proc, &a->txn, ISO_READ_COMMITTED, 1);
}

static status note(struct actor *a, unsigned row, enum relation_mode mode) {
    bool fresh;
    return txn_row_note(&a->proc, &a->txn, ROW(row), WHOLE, mode, &fresh);
}

static status note_row(struct world *w, struct actor *a) {
    (void)w;
    return note(a, 0, MODE_ACCESS_SHARE);
}

static status note_stronger_and_take_back(struct world *w, struct actor *a) {
    TRY(note_row(w, a));
    TRY(note(a, 0, MODE_ROW_SHARE));
    txn_row_unnote(&a->proc, &a->txn);
    return OK;
}

/* Up to the last place of the slot itself, or of a block. */
static status begin_full(struct world *w, struct actor *a) {
    TRY(begin_only(w, a));
    for (unsigned i = 0; i < TXN_LOCKS_INLINE; i++) TRY(note(a, i, MODE_ROW_SHARE));
    return OK;
}

static status note_beyond(struct world *w, struct actor *a) {
    (void)w;
    return note(a, TXN_LOCKS_INLINE, MODE_ROW_SHARE);
}

static status begin_beyond(struct world *w, struct actor *a) {
    TRY(begin_full(w, a));
    return note_beyond(w, a);
}

static status commit(struct world *w, struct actor *a) {
    (void)w;
    return txn_commit(&a->proc, &a->txn, true);
}

static status begin_behind_mark(struct world *w, struct actor *a) {
    uint32_t mark;
    TRY(begin_only(w, a));
    TRY(note(a, 0, MODE_ACCESS_SHARE));
    TRY(txn_lock_mark(&a->txn, &mark));
    CHECK(mark == 0);
    TRY(note(a, 0, MODE_ROW_SHARE));
    TRY(note(a, 1, MODE_ACCESS_SHARE));
    return txn_lock_relation(&a->proc, &a->txn, RELATION, MODE_ACCESS_EXCLUSIVE, true, 0);
}

static status release(struct world *w, struct actor *a) {
    (void)w;
    txn_release_to(&a->proc, &a->txn, 0);
    return OK;
}

static status lock_session(struct world *w, struct actor *a) {
    (void)w;
    return txn_session_lock(&a->proc, &a->txn, &a->session, SESSION, ADVISORY(1), MODE_EXCLUSIVE,
                            true, 0);
}

static status begin_with_session(struct world *w, struct actor *a) {
    TRY(begin_only(w, a));
    TRY(lock_session(w, a));
    return txn_session_lock(&a->proc, &a->txn, &a->session, SESSION, ADVISORY(2), MODE_SHARE, true,
                            0);
}

static status lock_session_again(struct world *w, struct actor *a) {
    TRY(lock_session(w, a));
    return txn_session_lock(&a->proc, &a->txn, &a->session, SESSION, ADVISORY(2), MODE_EXCLUSIVE,
                            true, 0);
}

static status unlock_session(struct world *w, struct actor *a) {
    (void)w;
    bool had = txn_session_unlock(&a->proc, &a->session, ADVISORY(1), MODE_EXCLUSIVE) &&
               txn_session_unlock(&a->proc, &a->session, ADVISORY(2), MODE_SHARE);
    return had ? OK : STATUS(INVALID);
}

static status leave_session(struct world *w, struct actor *a) {
    (void)w;
    txn_session_leave(&a->proc, &a->session);
    return OK;
}

static status begin_left(struct world *w, struct actor *a) {
    TRY(begin_with_session(w, a));
    return leave_session(w, a);
}

static status take_up_session(struct world *w, struct actor *a) {
    (void)w;
    txn_session_take_up(&a->proc, &a->session, SESSION);
    return a->session.slot ? OK : STATUS(NOT_FOUND);
}

const struct kill_op ops_held[] = {
    {"row held", build_rows, begin_only, note_row, NULL},
    {"row held, stronger and back", build_rows, begin_only, note_stronger_and_take_back, NULL},
    {"row held in a block", build_rows, begin_full, note_beyond, NULL},
    {"rows held in a block given back", build_rows, begin_beyond, commit, NULL},
    {"locks back to a savepoint", build_rows, begin_behind_mark, release, NULL},
    {"session lock", build_rows, begin_only, lock_session, NULL},
    {"session lock, again", build_rows, begin_with_session, lock_session_again, NULL},
    {"session unlock", build_rows, begin_with_session, unlock_session, NULL},
    {"session's locks left", build_rows, begin_with_session, leave_session, NULL},
    {"session's locks taken up", build_rows, begin_left, take_up_session, NULL},
};
const unsigned ops_held_count = sizeof ops_held / sizeof *ops_held;
