/* A session's life: start-up, messages, the end. */
#include "catalog/temp.h"
#include "session/authorization.h"
#include "session/session_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/coro.h"
#include "base/counter.h"
#include "base/probe.h"
#include "conf/conf.h"
#include "session/worker.h"

#define PROTOCOL_3_0 196608u
#define CODE_CANCEL 80877102u
#define CODE_SSL 80877103u
#define CODE_GSSENC 80877104u

static void fatal(struct session *s, enum status_code code, const char *format, const char *what) {
    error_clear(&s->error);
    status_ignore(error_set(&s->error, code, format, what)); /* it is sent here */
    send_error(s, "FATAL");
    s->ending = true;
}

/* ---- beginning ------------------------------------------------------------------------------- */

static void note_effect(struct sql_env *env) {
    session_note_effect(env->session);
}

static void warn(struct session_env *values, const char *sqlstate, const char *words) {
    send_notice(values->session, "WARNING", sqlstate, words, NULL);
}

static void env_init(struct session *s) {
    struct worker *w = s->worker;
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed || seed == 0) seed = (uintptr_t)s | 1;
    session_env_init(&s->values, seed);
    s->values.names = &catalog_names;
    s->values.session = &s->env;
    s->values.turn = sql_env_turn;
    s->values.warn = warn;
    s->env = (struct sql_env){.proc = &w->d->proc,
                              .txn = &s->txn,
                              .eval = {&s->statement_arena, &s->error, &s->values},
                              .txn_arena = &s->txn_arena,
                              .catalog = w->catalog,
                              .settings = &s->settings,
                              .cancel = &s->slot->cancel,
                              .notice = send_notice,
                              .effect = note_effect,
                              .wait_ready = session_wait_ready,
                              .setting_text = utility_setting_text,
                              .explain_settings = settings_explain,
                              .temp = &s->slot->temp,
                              .progress = &s->slot->progress,
                              .temp_bytes = &s->temp_bytes,
                              .temp_number = s->index,
                              .sequences = session_sequences_at(w->d->proc.shm, s->index),
                              .session = s};
    s->env.cursor_row = cursor_current_row;
    settings_serve(&s->env);
}

status session_new(struct worker *w, int fd, struct session **ret_session) {
    struct shm *shm = w->d->proc.shm;
    struct session *s = calloc(1, sizeof *s);
    if (!s) return STATUS(OUT_OF_MEMORY);
    s->index = session_slot_take(shm, w->d->proc.owner);
    if (s->index == SESSION_NONE) {
        free(s);
        return STATUS(TOO_MANY_CONNECTIONS);
    }
    s->slot = session_slot_at(shm, s->index);
    s->slot->holds_cursors = false;
    s->worker = w;
    if (getrandom(&s->slot->secret, sizeof s->slot->secret, 0) < 0) s->slot->secret = (uint32_t)fd;
    wire_init(&s->wire, w->d, fd, s->slot);
    session_init(s);
    session_note_client(s, fd);
    status st = settings_init(s);
    if (!ok(st)) {
        session_free(s);
        return st;
    }
    worker_keep_socket(w, s);
    counter_add(&w->d->proc, COUNTER_CONNECTIONS, 1);
    *ret_session = s;
    return OK;
}

void session_init(struct session *s) {
    struct worker *w = s->worker;
    arena_init(&s->arena, 0);
    arena_init(&s->txn_arena, 0);
    arena_init(&s->statement_arena, w->d->conf->statement_memory);
    env_init(s);
    s->next = w->sessions;
    if (s->next) s->next->prev = s;
    w->sessions = s;
    w->nsessions++;
}

/* What this worker keeps of it, in its own memory. */
static void forget(struct session *s) {
    struct worker *w = s->worker;
    *(s->prev ? &s->prev->next : &w->sessions) = s->next;
    if (s->next) s->next->prev = s->prev;
    w->nsessions--;
    copy_io_forget(s);
    portal_drop_all(s);
    prepared_forget(s);
    settings_free(s);
    arena_free(&s->statement_arena);
    arena_free(&s->txn_arena);
    arena_free(&s->arena);
    free(s);
}

void session_free(struct session *s) {
    struct worker *w = s->worker;
    uint32_t index = s->index;
    wire_fini(&s->wire);
    worker_drop_socket(w, s);
    txn_session_unlock_all(&w->d->proc, &s->locks);
    forget(s);
    session_slot_free(w->d->proc.shm, index);
}

void session_leave(struct session *s) {
    struct shm *shm = s->worker->d->proc.shm;
    uint32_t index = s->index;
    wire_leave(&s->wire);
    txn_session_leave(&s->worker->d->proc, &s->locks);
    forget(s);
    session_release(shm, index);
}

status session_choose_catalog(struct session *s) {
    struct worker *w = s->worker;
    page_id root = {s->slot->database_root};
    return worker_catalog(w, root, &s->env.catalog, &s->error);
}

/* Who comes in, and into which database: trust on every connection for now. */
static status log_on(struct session *s, const char *user, const char *database) {
    TRY(authorization_log_on(s, user, database));
    return session_choose_catalog(s);
}

/* "-c name=value --name=value": the options parameter of the start-up packet. */
static status set_options(struct session *s, const char *options) {
    char *copy = arena_strdup(&s->statement_arena, options), *rest = copy, *word;
    if (!copy) return STATUS(OUT_OF_MEMORY);
    while ((word = strsep(&rest, " \t"))) {
        if (!*word || strcmp(word, "-c") == 0) continue;
        if (strncmp(word, "-c", 2) == 0 || strncmp(word, "--", 2) == 0) word += 2;
        char *equals = strchr(word, '=');
        if (!equals)
            return error_set(&s->error, ST_SYNTAX_ERROR,
                             "invalid command-line argument for server process: %s", word);
        *equals = '\0';
        TRY(setting_set_start_client(s, word, equals + 1));
    }
    return OK;
}

static status start_parameters(struct session *s, struct wire_reader *r) {
    const char *user = NULL, *database = NULL, *options = NULL;
    for (;;) {
        const char *name, *value;
        TRY(wire_gets(r, &name));
        if (!*name) break;
        TRY(wire_gets(r, &value));
        if (strcmp(name, "user") == 0)
            user = value;
        else if (strcmp(name, "database") == 0)
            database = value;
        else if (strcmp(name, "options") == 0)
            options = value;
        else if (strncmp(name, "_pq_.", 5) != 0 && strcmp(name, "replication") != 0)
            TRY(setting_set_start_client(s, name, value));
    }
    if (!user || !*user)
        return error_set(&s->error, ST_INVALID_AUTHORIZATION_SPECIFICATION,
                         "no PostgreSQL user name specified in startup packet");
    if (options) TRY(set_options(s, options));
    return log_on(s, user, database && *database ? database : user);
}

static void greet(struct session *s) {
    wire_begin(&s->wire, 'R');
    wire_put32(&s->wire, 0);
    wire_end(&s->wire);
    for (enum setting v = 0; v < SETTING_COUNT; v++)
        if (setting_reported(v)) send_parameter_status(s, setting_name(s, v), setting_show(s, v));
    wire_begin(&s->wire, 'K');
    wire_put32(&s->wire, s->index + 1);
    wire_put32(&s->wire, s->slot->secret);
    wire_end(&s->wire);
    s->started = s->slot->started = true;
    send_ready(s);
}

static void start_up(struct session *s, const struct wire_message *m) {
    struct wire_reader r = wire_reader(m);
    uint32_t code = 0, pid = 0, secret = 0;
    status st = wire_get32(&r, &code);
    if (code == CODE_SSL || code == CODE_GSSENC) {
        wire_raw(&s->wire, 'N');
        wire_close_sequence(&s->wire);
        return;
    }
    if (code == CODE_CANCEL) {
        if (ok(wire_get32(&r, &pid)) && ok(wire_get32(&r, &secret)))
            worker_cancel_request(s->worker, pid, secret);
        s->ending = true;
        return;
    }
    if (code >> 16 != 3) {
        char version[32];
        snprintf(version, sizeof version, "%u.%u", code >> 16, code & 0xffff);
        fatal(s, ST_FEATURE_NOT_SUPPORTED,
              "unsupported frontend protocol %s: server supports 3.0 to 3.0", version);
        return;
    }
    error_clear(&s->error);
    if (code != PROTOCOL_3_0) { /* a newer minor version: say which we speak */
        wire_begin(&s->wire, 'v');
        wire_put32(&s->wire, PROTOCOL_3_0 & 0xffff);
        wire_put32(&s->wire, 0);
        wire_end(&s->wire);
    }
    if (ok(st)) st = start_parameters(s, &r);
    if (ok(st)) {
        greet(s);
        return;
    }
    if (status_is(st, ST_PROTOCOL_VIOLATION))
        status_ignore(error_set(&s->error, st.code,
                                "invalid startup packet layout: expected terminator as last byte"));
    status_ignore(error_from_status(&s->error, st)); /* sent now */
    send_error(s, "FATAL");
    s->ending = true;
}

/* ---- messages -------------------------------------------------------------------------------- */

static void dispatch(struct session *s, const struct wire_message *m) {
    if (s->copy_in) {
        copy_io_message(s, m);
        return;
    }
    if (s->slot->skip_until_sync && m->type != 'S' && m->type != 'X') return;
    switch (m->type) {
    case 'Q': simple_query(s, m); break;
    case 'P':
    case 'B':
    case 'E':
    case 'D':
    case 'C':
    case 'H':
    case 'S': extended_message(s, m); break;
    case 'X': s->ending = true; break;
    case 'd': /* COPY data after its end: thrown away */
    case 'c':
    case 'f': break;
    case 'F': {
        error_clear(&s->error);
        status_ignore(error_set(&s->error, ST_FEATURE_NOT_SUPPORTED,
                                "fastpath function calls are not supported"));
        send_error(s, "ERROR");
        send_ready(s);
        break;
    }
    default: {
        char type[8];
        snprintf(type, sizeof type, "%d", m->type);
        fatal(s, ST_PROTOCOL_VIOLATION, "invalid frontend message type %s", type);
    }
    }
}

/* Amid an extended sequence nobody waits for an answer before Flush or Sync. */
static bool may_hold_back(const struct session *s) {
    return s->slot->extended && wire_sequence_open(&s->wire) && !s->slot->skip_until_sync &&
           !s->copy_in;
}

/* Of the settings for a session that rests, as its block is. */
static void note_idle_timeout(struct session *s) {
    uint32_t ms = s->block == BLOCK_NONE ? s->settings.idle_timeout_ms
                                         : s->settings.idle_in_transaction_timeout_ms;
    struct proc *p = s->env.proc;
    s->idle_until_ns = ms && s->started ? p->env->mono_ns(p) + ms * 1000000ull : 0;
    if (s->idle_until_ns) worker_note_deadline(s->worker, s->idle_until_ns);
}

static void note_rest(struct session *s) {
    note_idle_timeout(s);
    atomic_store_explicit(&s->slot->rested_us, session_now_us(s), memory_order_relaxed);
    atomic_store_explicit(&s->slot->state, SESSION_IDLE, memory_order_relaxed);
    atomic_store_explicit(&s->slot->resting, true, memory_order_release);
}

/* Another worker is to have it: it goes as soon as it rests. */
static bool leaves(struct session *s) {
    if (!worker_lets_go(s->worker) || !session_may_leave(s)) return false;
    s->running = false;
    worker_let_go(s->worker, s);
    return true;
}

/* Answers of a batch of clients go out one right after the other (worker_send_answers): a client
 * woken by the first of them would only take the processor from the others. The session stays
 * `running` meanwhile, without a coroutine. */
static bool sends_with_others(struct session *s) {
    struct worker *w = s->worker;
    if (!wire_has_unsent(&s->wire) || !daemon_begins_more(w->d)) return false;
    s->next_answer = NULL;
    *(w->answers ? &w->last_answer->next_answer : &w->answers) = s;
    w->last_answer = s;
    return true;
}

/* When nothing is left to read: what is to be sent goes out, and the session rests. True: it does,
 * or is another's by now. */
static bool rest(struct session *s) {
    if (s->started && !wire_sequence_open(&s->wire) && notify_is_due(s)) notify_tell(s);
    if (!may_hold_back(s)) {
        if (sends_with_others(s)) return true;
        wire_flush(&s->wire);
    }
    note_rest(s);
    if (leaves(s)) return true;
    s->running = s->wire.readable || s->wire.closed || s->ending; /* more came while we sent */
    return !s->running;
}

/* Without a coroutine: whoever needs one gets it. */
static void send_answer(struct session *s) {
    if (wire_flush_now(&s->wire)) {
        note_rest(s);
        if (leaves(s)) return;
        s->running = s->wire.readable || s->wire.closed || s->ending;
        if (!s->running) return;
    }
    if (!ok(daemon_spawn(s->worker->d, SESSION_STACK_BYTES, session_run, s))) session_free(s);
}

void worker_send_answers(struct daemon *d) {
    struct worker *w = d->state;
    while (w->answers) {
        struct session *s = w->answers;
        w->answers = s->next_answer;
        send_answer(s);
    }
}

/* What cannot be dropped now goes when the next session of this number uses its schema. */
static void drop_temporary(struct session *s) {
    if (!s->slot->temp.used) return;
    error_clear(&s->error);
    status st = block_statement_begin(s);
    if (ok(st)) st = temp_drop_all(&s->env);
    if (ok(st)) st = block_finish_implicit(s, NULL);
    if (!ok(st)) block_rollback_all(s);
}

void session_run(void *session) {
    struct session *s = session;
    struct proc *p = s->env.proc;
    s->running = true;
    s->idle_until_ns = 0;
    coro_set_local(&s->env);
    while (!s->ending) {
        struct wire_message m;
        status st = wire_next(&s->wire, !s->started, &m);
        if (status_is(st, ST_AGAIN)) {
            if (rest(s)) return;
            if (s->wire.readable) continue;
            break; /* the client has gone, or is to go */
        }
        if (!ok(st)) {
            if (status_is(st, ST_PROTOCOL_VIOLATION))
                fatal(s, st.code, "invalid message length%s", "");
            break;
        }
        atomic_store_explicit(&s->slot->state, SESSION_BUSY, memory_order_relaxed);
        p->trace = (uint64_t)p->owner.slot << 56 | ++s->worker->next_trace;
        session_note_message(s, m.type);
        wire_take(&s->wire);
        if (s->started)
            dispatch(s, &m);
        else
            start_up(s, &m);
    }
    if (s->end_code) send_error(s, "FATAL");
    block_rollback_all(s);
    drop_temporary(s);
    if (!s->wire.closed) wire_flush(&s->wire);
    session_free(s);
}

void session_end(void *session) {
    struct session *s = session;
    coro_set_local(&s->env);
    send_error(s, "FATAL");
    block_rollback_all(s);
    drop_temporary(s);
    wire_flush(&s->wire);
    session_free(s);
}

void session_terminate(struct session *s, enum status_code code, const char *words) {
    s->ending = true;
    s->end_code = code;
    s->end_words = words;
    if (s->running) {
        atomic_store(&s->slot->cancel, true);
        session_cancel(s);
        return;
    }
    s->running = true;
    if (!ok(daemon_spawn(s->worker->d, 0, session_end, s))) session_free(s);
}

void session_cancel(struct session *s) {
    if (s->running) txn_wait_cancel(s->env.proc, &s->txn);
}
