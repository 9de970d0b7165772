/* ops_session.c: what a session keeps in shared memory for the worker that takes it over. */
#include "session/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "world.h"

/* ---- slots ---------------------------------------------------------------------------------- */

static void watch_slots(struct world *w) {
    for (uint32_t i = 0; i < w->live.sizes.sessions; i++)
        world_add_area(w, "session", false, session_slot_at(&w->live, i),
                       session_slot_at(&w->copy, i), sizeof(struct session_slot));
}

static void build_sessions(struct world *w) {
    struct owner me = {.slot = WORKER, .epoch = 1}, other = {.slot = OTHER_WORKER, .epoch = 1};
    CHECK(session_slot_take(&w->live, me) == 0);
    CHECK(session_slot_take(&w->live, other) == 1);
    watch_slots(w);
}

static status session_take(struct world *w, struct actor *a) {
    (void)w;
    a->index = session_slot_take(a->proc.shm, a->proc.owner);
    return a->index == SESSION_NONE ? STATUS(TOO_MANY_CONNECTIONS) : OK;
}

static status session_free(struct world *w, struct actor *a) {
    (void)w;
    session_slot_free(a->proc.shm, a->index);
    return OK;
}

static bool nothing_committed([[maybe_unused]] struct shm *shm, [[maybe_unused]] uint64_t x) {
    return false;
}

/* After the repair the dead worker's sessions (one from before, perhaps the operation's) wait for
 * another worker; all other slots can be taken. */
static void verify_sessions(struct world *w) {
    struct shm *shm = &w->copy;
    struct owner dead = {.slot = WORKER, .epoch = 1}, next_life = {.slot = WORKER, .epoch = 2};
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) waiting += session_waits(shm, i);
    MUST(w, waiting >= 1 && waiting <= 2);
    MUST(w, session_repair(shm, dead, nothing_committed) == 0);
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) {
        if (!session_waits(shm, i)) continue;
        MUST(w, i != 1 && waiting > 0);
        session_slot_free(shm, i);
        waiting--;
    }
    MUST(w, waiting == 0);
    uint32_t taken[8];
    uint32_t n = 0;
    for (; n < 8; n++) {
        taken[n] = session_slot_take(shm, next_life);
        if (taken[n] == SESSION_NONE) break;
        MUST(w, taken[n] != 1);
    }
    if (n != shm->sizes.sessions - 1) world_fail(w, "%u session slots can be taken", n);
    while (n > 0) session_slot_free(shm, taken[--n]);
    struct owner other = {.slot = OTHER_WORKER, .epoch = 1};
    MUST(w, session_repair(shm, other, nothing_committed) == 1);
}

/* ---- from one worker to another ---------------------------------------------------------------
 */

static const struct owner worker = {.slot = WORKER, .epoch = 1};
static const struct owner to_whom = {.slot = OTHER_WORKER, .epoch = 1};

static struct session_slot *session(const struct shm *shm) {
    return session_slot_at(shm, 0);
}

static void build_resting(struct world *w) {
    CHECK(session_slot_take(&w->live, worker) == 0);
    atomic_store(&session(&w->live)->state, SESSION_IDLE);
    watch_slots(w);
}
static void build_waiting(struct world *w) {
    build_resting(w);
    session_release(&w->live, 0);
}
static void build_given(struct world *w) {
    build_resting(w);
    session_release(&w->live, 0);
    session_give(&w->live, 0, worker);
}

static status release(struct world *w, struct actor *a) {
    (void)w;
    session_release(a->proc.shm, 0);
    return OK;
}
static status give(struct world *w, struct actor *a) {
    (void)w;
    if (session_waits(a->proc.shm, 0)) session_give(a->proc.shm, 0, to_whom);
    return OK;
}
static status take_up(struct world *w, struct actor *a) {
    (void)w;
    uint32_t generation = atomic_load(&session(a->proc.shm)->generation);
    bool taken = session_taken_up(a->proc.shm, 0, generation, a->proc.owner);
    return taken || a->proc.epoch > 1 ? OK : STATUS(INVALID);
}

/* It waits, or is the one's to whom it was given; so it can be taken up, once. */
static void verify_handed(struct world *w) {
    struct shm *shm = &w->copy;
    uint32_t generation = atomic_load(&session(shm)->generation);
    if (session_waits(shm, 0)) session_give(shm, 0, to_whom);
    MUST(w, session_given(shm, 0, to_whom));
    MUST(w, !session_taken_up(shm, 0, generation + 1, to_whom));
    MUST(w, !session_taken_up(shm, 0, generation, worker));
    MUST(w, session_taken_up(shm, 0, generation, to_whom));
    MUST(w, !session_taken_up(shm, 0, generation, to_whom));
}

static status withdraw(struct world *w, struct actor *a) {
    (void)w;
    (void)session_withdraw(a->proc.shm, 0, worker); /* again: it may be free by now */
    return OK;
}

/* It is given still, or nobody takes it up any more and its owner's death, at the latest, frees it.
 */
static void verify_withdrawn(struct world *w) {
    struct shm *shm = &w->copy;
    uint32_t generation = atomic_load(&session(shm)->generation);
    if (session_given(shm, 0, worker)) MUST(w, session_withdraw(shm, 0, worker));
    MUST(w, !session_taken_up(shm, 0, generation, worker));
    MUST(w, !session_withdraw(shm, 0, worker));
    MUST(w, session_repair(shm, worker, nothing_committed) == 0);
    MUST(w, atomic_load(&session(shm)->owner) == 0);
    MUST(w, atomic_load(&session(shm)->state) == SESSION_FREE);
}

/* ---- statements and settings ------------------------------------------------------------------
 */

#define STATEMENTS_SEEN 4096 /* bytes that are watched, but in operations on many */
/* Of statements that fill the place. */
#define HUGE_BYTES (SESSION_STATEMENTS_BYTES - 39200)
#define LARGE_BYTES 15000

static const uint32_t types[] = {23, 25, 20};

/* A statement whose text says its name. */
static void make_statement(const char *name, size_t bytes, char *buf,
                           struct session_statement *ret) {
    size_t n = (size_t)sprintf(buf, "SELECT '%s', $1, $2, $3", name);
    memset(buf + n, *name, bytes > n ? bytes - n : 0);
    buf[bytes > n ? bytes : n] = 0;
    *ret = (struct session_statement){
        .name = name, .text = buf, .types = types, .ntypes = 3, .prepared_us = 4711};
}

static bool put_statement(const struct shm *shm, const char *name, size_t bytes) {
    static char buf[HUGE_BYTES + 64];
    struct session_statement st;
    make_statement(name, bytes, buf, &st);
    return session_statement_put(session(shm), &st);
}

static void watch_text(struct world *w, bool bulk, size_t statements_at, size_t statement_bytes) {
    char *l = (char *)session_slot_at(&w->live, 0), *c = (char *)session_slot_at(&w->copy, 0);
    world_add_area(w, "settings", bulk, l + SESSION_SETTINGS_AT, c + SESSION_SETTINGS_AT, 1024);
    world_add_area(w, "unnamed", bulk, l + SESSION_UNNAMED_AT, c + SESSION_UNNAMED_AT, 1024);
    statements_at += SESSION_STATEMENTS_AT;
    memcpy(c + SESSION_STATEMENTS_AT, l + SESSION_STATEMENTS_AT, SESSION_STATEMENTS_BYTES);
    world_add_area(w, "statements", bulk, l + statements_at, c + statements_at, statement_bytes);
}

static void build_text(struct world *w) {
    build_resting(w);
    CHECK(put_statement(&w->live, "a", 50) && put_statement(&w->live, "b", 60));
    CHECK(put_statement(&w->live, "", 70));
    CHECK(session_setting_put(session(&w->live), "x", "1"));
    CHECK(session_setting_put(session(&w->live), "y", "a longer value"));
    CHECK(session_setting_put(session(&w->live), "z", "3"));
    watch_text(w, false, 0, STATEMENTS_SEEN);
}

/* No room is left but that of one that has gone. */
static void build_full(struct world *w) {
    build_resting(w);
    CHECK(put_statement(&w->live, "a", HUGE_BYTES) && put_statement(&w->live, "b", LARGE_BYTES) &&
          put_statement(&w->live, "d", LARGE_BYTES));
    session_statement_drop(session(&w->live), "b");
    CHECK(session_setting_put(session(&w->live), "y", "a longer value"));
    watch_text(w, true, HUGE_BYTES, SESSION_STATEMENTS_BYTES - HUGE_BYTES);
}

static status put_new(struct world *w, struct actor *a) {
    (void)w;
    return put_statement(a->proc.shm, "c", 40) ? OK : STATUS(FULL);
}
static status put_large(struct world *w, struct actor *a) {
    (void)w;
    if (session(a->proc.shm)->statements_lost) return OK; /* nobody will take it up */
    return put_statement(a->proc.shm, "c", LARGE_BYTES - 1000) ? OK : STATUS(FULL);
}
static status put_over(struct world *w, struct actor *a) {
    (void)w;
    return put_statement(a->proc.shm, "a", 30) ? OK : STATUS(FULL);
}
static status put_unnamed(struct world *w, struct actor *a) {
    (void)w;
    return put_statement(a->proc.shm, "", 90) ? OK : STATUS(FULL);
}
static status drop(struct world *w, struct actor *a) {
    (void)w;
    session_statement_drop(session(a->proc.shm), "a");
    return OK;
}
static status drop_all(struct world *w, struct actor *a) {
    (void)w;
    session_statement_drop(session(a->proc.shm), NULL);
    return OK;
}
static status setting_new(struct world *w, struct actor *a) {
    (void)w;
    return session_setting_put(session(a->proc.shm), "n", "new") ? OK : STATUS(FULL);
}
static status setting_over(struct world *w, struct actor *a) {
    (void)w;
    return session_setting_put(session(a->proc.shm), "x", "another") ? OK : STATUS(FULL);
}
static status setting_default(struct world *w, struct actor *a) {
    (void)w;
    return session_setting_put(session(a->proc.shm), "x", NULL) ? OK : STATUS(FULL);
}

/* Each entry is whole, and those that the operation is not about are there. */
static void check_statements(struct world *w) {
    struct session_slot *s = session(&w->copy);
    struct session_statement st, expected;
    static char buf[HUGE_BYTES + 64];
    unsigned seen = 0;
    for (uint32_t at = 0; session_statement_next(s, &at, &st);) {
        size_t bytes = strlen(st.text);
        MUST(w, bytes <= HUGE_BYTES);
        make_statement(st.name, bytes, buf, &expected);
        MUST(w, strcmp(st.text, buf) == 0 && st.ntypes == 3 && st.prepared_us == 4711);
        MUST(w, memcmp(st.types, types, sizeof types) == 0);
        unsigned bit = *st.name ? 1u << (*st.name - 'a') : 1u << 31;
        MUST(w, !(seen & bit));
        seen |= bit;
    }
    if (w->op->run == drop_all) return;
    bool large = w->op->run == put_large, over = w->op->run == put_over || w->op->run == drop;
    MUST(w, large ? (seen & 9) == 9 : (seen & 2) && (over || seen & 1));
    MUST(w, large || w->op->run == put_unnamed || seen >> 31);
}

static void check_settings(struct world *w) {
    const char *name, *value;
    unsigned seen = 0;
    for (uint32_t at = 0; session_setting_next(session(&w->copy), &at, &name, &value);) {
        bool known = strcmp(name, "y") == 0   ? strcmp(value, "a longer value") == 0
                     : strcmp(name, "z") == 0 ? strcmp(value, "3") == 0
                     : strcmp(name, "n") == 0 ? strcmp(value, "new") == 0
                                              : strcmp(name, "x") == 0;
        bool about_x = w->op->run == setting_over && strcmp(value, "another") == 0;
        MUST(w, known && (strcmp(name, "x") != 0 || about_x || strcmp(value, "1") == 0));
        seen |= 1u << (*name - 'a');
    }
    MUST(w, seen >> ('y' - 'a') & 1);
}

/* Who takes the session up finds it whole, or sees that it is not. */
static void verify_text(struct world *w) {
    verify_handed(w);
    if (session(&w->copy)->statements_lost) return;
    check_statements(w);
    check_settings(w);
}

const struct kill_op ops_session[] = {
    {"session slot take", build_sessions, NULL, session_take, verify_sessions},
    {"session slot free", build_sessions, session_take, session_free, verify_sessions},
    {"session release", build_resting, NULL, release, verify_handed},
    {"session give", build_waiting, NULL, give, verify_handed, .by_supervisor = true},
    {"session withdraw", build_given, NULL, withdraw, verify_withdrawn, .by_supervisor = true},
    {"session taken up", build_given, NULL, take_up, verify_handed},
    {"session statement put", build_text, NULL, put_new, verify_text},
    {"session statement put over another", build_text, NULL, put_over, verify_text},
    {"session statement put, unnamed", build_text, NULL, put_unnamed, verify_text},
    {"session statement put, squeezed", build_full, NULL, put_large, verify_text},
    {"session statement drop", build_text, NULL, drop, verify_text},
    {"session statement drop, all", build_text, NULL, drop_all, verify_text},
    {"session setting put", build_text, NULL, setting_new, verify_text},
    {"session setting put over another", build_text, NULL, setting_over, verify_text},
    {"session setting to its default", build_text, NULL, setting_default, verify_text},
};
const unsigned ops_session_count = sizeof ops_session / sizeof *ops_session;
