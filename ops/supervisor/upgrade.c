/* upgrade.c: other programs take the place of those that run, one process after the other, while
 * clients stay.
 *
 *     asked ──→ checked ──→ RUNS: workers, txnd, logd, storaged, guardian ──→ TRIAL: supervisor
 *       └─ refused ┘         └── one does not get well ──→ all go back ←── it dies ──┘     │
 *                                                          (FAILED)                     DONE ←┘
 *
 * Nothing is touched before every program of the folder has said that its formats are ours. Which
 * processes have been exchanged stands in the control region, so that a supervisor that is killed
 * in between is followed by one that goes back. The supervisor comes last: the old one can judge
 * the new guardian, and the guardian the new supervisor, which is on trial until it says that it is
 * well (GUARD_NEXT); when it dies before, the guardian starts the old one, which goes back. */
#include <stdio.h>
#include <string.h>

#include "ipc_proc.h"
#include "supervisor.h"

static struct upgrade_note *note_of(struct supervisor *s) {
    return &s->shm.control->upgrade;
}

static const char *name_of(const struct supervisor *s, uint16_t slot) {
    return slot == SLOT_GUARDIAN ? "guardian" : s->kept[slot].name;
}

static void fails(struct supervisor *s, const char *words) {
    snprintf(note_of(s)->words, sizeof note_of(s)->words, "%.255s", words);
}

/* ---- forth ----------------------------------------------------------------------------------- */

static status check_programs(struct supervisor *s, struct error *e) {
    static const char *const names[] = {"guardian", "supervisor", "storaged",
                                        "logd",     "txnd",       "queryd"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct version own = version_own(names[i]), other;
        TRY(version_ask(s, note_of(s)->from, names[i], &other, e));
        TRY(version_check(&own, &other, e));
    }
    return OK;
}

static bool step(struct supervisor *s, uint16_t slot) {
    struct upgrade_note *note = note_of(s);
    atomic_fetch_or(&note->exchanged, (uint64_t)1 << slot);
    bool well = slot == SLOT_GUARDIAN ? exchange_guardian(s, note->from)
                                      : exchange_process(&s->kept[slot], note->from);
    if (!well) {
        char words[CONTROL_PATH_BYTES + 64];
        snprintf(words, sizeof words, "%s does not get well with the programs of %s",
                 name_of(s, slot), note->from);
        fails(s, words);
        return false;
    }
    event_as(&(struct event){.kind = EVENT_UPGRADE_STEP,
                             .slot = slot,
                             .epoch = atomic_load(&s->shm.control->procs[slot].epoch)},
             "%s runs from %s", name_of(s, slot), note->from);
    return true;
}

static bool exchange_all(struct supervisor *s) {
    for (uint16_t slot = SLOT_QUERYD; slot < s->slots; slot++)
        if (!step(s, slot)) return false;
    return step(s, SLOT_TXND) && step(s, SLOT_LOGD) && step(s, SLOT_STORAGED) &&
           step(s, SLOT_GUARDIAN);
}

/* Ends here; the guardian starts the next supervisor. */
_Noreturn static void make_way(struct supervisor *s) {
    struct upgrade_note *note = note_of(s);
    fails(s, "the new supervisor does not get well");
    atomic_store(&note->state, UPGRADE_TRIAL);
    guardian_next(s, note->from);
    event("the supervisor makes way for the one of %s", note->from);
    daemon_exit(0);
}

/* ---- back ------------------------------------------------------------------------------------ */

/* The last ones first; those that daemons work for, before the daemons' own. */
static const uint16_t daemons_back[] = {SLOT_GUARDIAN, SLOT_STORAGED, SLOT_LOGD, SLOT_TXND};

static void step_back(struct supervisor *s, uint16_t slot) {
    struct upgrade_note *note = note_of(s);
    uint64_t bit = (uint64_t)1 << slot;
    if (!(atomic_load(&note->exchanged) & bit) || s->stopping) return;
    bool well = slot == SLOT_GUARDIAN ? exchange_guardian(s, s->programs)
                                      : exchange_process(&s->kept[slot], s->programs);
    if (!well) event("%s does not get well on the way back", name_of(s, slot));
    atomic_fetch_and(&note->exchanged, ~bit);
}

static void go_back(struct supervisor *s) {
    struct upgrade_note *note = note_of(s);
    event_as(&(struct event){.kind = EVENT_UPGRADE_BACK}, "%s: back to %s", note->words,
             s->programs);
    for (size_t i = 0; i < sizeof daemons_back / sizeof *daemons_back; i++)
        step_back(s, daemons_back[i]);
    for (uint16_t slot = s->slots; slot-- > SLOT_QUERYD;) step_back(s, slot);
    atomic_store(&note->state, UPGRADE_FAILED);
}

/* ---- as coroutines --------------------------------------------------------------------------- */

static void upgrade_run(void *arg) {
    struct supervisor *s = arg;
    struct upgrade_note *note = note_of(s);
    static struct error e;
    error_clear(&e);
    if (!ok(check_programs(s, &e))) {
        event("upgrade refused: %s", e.message);
        fails(s, e.message);
        atomic_store(&note->state, UPGRADE_FAILED);
    } else {
        event_as(&(struct event){.kind = EVENT_UPGRADE_BEGUN}, "upgrade to the programs of %s",
                 note->from);
        if (exchange_all(s)) make_way(s);
        go_back(s);
    }
    s->upgrading = false;
}

static void succeed(struct supervisor *s) {
    struct upgrade_note *note = note_of(s);
    memcpy(s->shm.control->programs, note->from, sizeof note->from);
    atomic_store(&note->exchanged, 0);
    event_as(&(struct event){.kind = EVENT_UPGRADE_DONE}, "upgraded: everything runs from %s",
             s->programs);
    guardian_next(s, note->from);
    atomic_store(&note->state, UPGRADE_DONE);
}

/* Of the new supervisor, on trial: one that is not well makes way for the old one. */
static void trial_run(void *arg) {
    struct supervisor *s = arg;
    if (exchange_all_well(s)) {
        succeed(s);
    } else if (!s->stopping) {
        event("not all are well under the new supervisor: it gives up");
        daemon_exit(1);
    }
    s->upgrading = false;
}

static void back_run(void *arg) {
    struct supervisor *s = arg;
    go_back(s);
    s->upgrading = false;
}

/* ---- asked for, and found -------------------------------------------------------------------- */

const char *upgrade_start(struct supervisor *s, const char *from) {
    struct upgrade_note *note = note_of(s);
    if (s->upgrading) return "an upgrade is under way already";
    if (s->exchanging) return "processes are given a new data key";
    if (s->stopping || atomic_load(&s->shm.control->state) != APPLIANCE_SERVING)
        return "the appliance does not serve";
    if (from[0] != '/' || strlen(from) >= sizeof note->from) return "an absolute path is wanted";
    memset(note->from, 0, sizeof note->from);
    memcpy(note->from, from, strlen(from));
    atomic_store(&note->exchanged, 0);
    fails(s, "the supervisor died in the middle of it");
    if (!ok(daemon_spawn(&s->d, 0, upgrade_run, s))) return "out of memory";
    atomic_store(&note->state, UPGRADE_RUNS);
    s->upgrading = true;
    return NULL;
}

/* Guardians name the supervisor's whole path. */
static bool is_new(struct supervisor *s) {
    char program[CONTROL_PATH_BYTES + 32];
    snprintf(program, sizeof program, "%s/supervisor", note_of(s)->from);
    return strcmp(s->argv[0], program) == 0;
}

const char *upgrade_programs(struct supervisor *s) {
    bool trial = atomic_load(&note_of(s)->state) == UPGRADE_TRIAL;
    return trial && is_new(s) ? note_of(s)->from : s->shm.control->programs;
}

void upgrade_adopted(struct supervisor *s) {
    uint32_t state = atomic_load(&note_of(s)->state);
    if (state != UPGRADE_RUNS && state != UPGRADE_TRIAL) return;
    bool trial = state == UPGRADE_TRIAL && is_new(s);
    s->upgrading = ok(daemon_spawn(&s->d, 0, trial ? trial_run : back_run, s));
    if (!s->upgrading) event("out of memory: the upgrade stays where it is");
}
