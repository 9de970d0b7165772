#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECT_WAIT_NS 10000000000u
#define ANSWER_WAIT_NS 30000000000u
#define WORDS_MAX 400
#define TRAILS_MAX 2

struct run run;
volatile sig_atomic_t run_ends;

uint64_t client_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

unsigned client_random(struct client *c, unsigned below) {
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return below ? (unsigned)((c->random >> 16) % below) : 0;
}

void client_pause_ms(unsigned ms) {
    for (uint64_t end = client_now_ns() + ms * 1000000ull; !run_ends && client_now_ns() < end;) {
        struct timespec t = {.tv_nsec = (ms < 20 ? ms : 20) * 1000000};
        nanosleep(&t, NULL);
    }
}

/* ---- what is noted --------------------------------------------------------------------------- */

void run_line(const char *format, ...) {
    va_list list;
    pthread_mutex_lock(&run.record_lock);
    va_start(list, format);
    vfprintf(run.record, format, list);
    va_end(list);
    putc('\n', run.record);
    pthread_mutex_unlock(&run.record_lock);
}

static void one_line(char *text) {
    for (; *text; text++)
        if (*text == '\n') *text = ' ';
}

/* What the client did before its first failures, for who looks for the cause. */
static void leave_trail(const struct client *c) {
    for (unsigned i = c->steps > TRAIL ? c->steps - TRAIL : 0; i < c->steps; i++) {
        const struct step *s = &c->trail[i % TRAIL];
        run_line("trail %s %u %llu %llu %s", c->kind, c->number, (unsigned long long)s->began_ns,
                 (unsigned long long)s->ended_ns, s->words);
    }
}

void client_fail(struct client *c, const char *format, ...) {
    char words[WORDS_MAX];
    va_list list;
    va_start(list, format);
    vsnprintf(words, sizeof words, format, list);
    va_end(list);
    one_line(words);
    run_line("failure %s %u %llu %s", c->kind, c->number, (unsigned long long)client_now_ns(),
             words);
    if (c->failures++ < TRAILS_MAX) leave_trail(c);
    fflush(run.record);
    __atomic_fetch_add(&run.failures, 1, __ATOMIC_RELAXED);
}

static void note_gap(const struct client *c, uint64_t end) {
    if (end - c->began_ns < run.gap_ms * 1000000ull) return;
    run_line("gap %s %u %llu %llu %c", c->kind, c->number, (unsigned long long)c->began_ns,
             (unsigned long long)end, c->class);
}

/* ---- connections ----------------------------------------------------------------------------- */

static bool is_state(const PGresult *r, const char *state) {
    const char *s = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    return s && strcmp(s, state) == 0;
}

/* An error that comes while nothing is asked is a notice to libpq. Others are of no interest. */
static void on_notice(void *arg, const PGresult *r) {
    struct client *c = arg;
    const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL);
    if (is_state(r, "57P01"))
        snprintf(c->farewell, sizeof c->farewell, "57P01 %s%s%s (idle)", message ? message : "",
                 detail ? "; " : "", detail ? detail : "");
}

/* A worker that dies between accept and the first byte of its answer takes the socket with it:
 * nobody can say 57P01 on it. */
static void note_greeting(const struct client *c, uint64_t tried) {
    run_line("closed %s %u %llu %llu amid the greeting, without a word", c->kind, c->number,
             (unsigned long long)tried, (unsigned long long)client_now_ns());
}

void client_open(struct client *c) {
    bool by_socket = run.socket_info && c->number % 2;
    uint64_t begin = client_now_ns();
    for (bool again = false;; again = true) {
        uint64_t tried = client_now_ns();
        c->c = PQconnectdb(by_socket ? run.socket_info : run.conninfo);
        if (PQstatus(c->c) == CONNECTION_OK) break;
        if (PQstatus(c->c) == CONNECTION_BAD &&
            strstr(PQerrorMessage(c->c), "closed the connection"))
            note_greeting(c, tried);
        else
            client_fail(c, "no connection (%s): %s", again ? "again" : "first",
                        PQerrorMessage(c->c));
        PQfinish(c->c);
        if (client_now_ns() - begin > CONNECT_WAIT_NS) {
            fprintf(stderr, "%s %u: no connection in ten seconds\n", c->kind, c->number);
            fflush(NULL);
            _Exit(2);
        }
        client_pause_ms(50);
    }
    PQsetNoticeReceiver(c->c, on_notice, c);
    c->farewell[0] = '\0';
    c->lives++;
    c->copying = false;
}

void client_close(struct client *c) {
    PQfinish(c->c);
    c->c = NULL;
}

static void reopen(struct client *c) {
    client_close(c);
    client_open(c);
}

/* ---- a request ------------------------------------------------------------------------------- */

void client_begin(struct client *c, const char *words) {
    c->began_ns = client_now_ns();
    struct step *step = &c->trail[c->steps++ % TRAIL];
    *step = (struct step){.began_ns = c->began_ns};
    snprintf(step->words, sizeof step->words, "%s", words);
    if (PQtransactionStatus(c->c) == PQTRANS_IDLE) c->transaction_ns = c->began_ns;
}

/* The next result; NULL at the end, and when no answer comes. */
PGresult *client_wait(struct client *c) {
    PQflush(c->c);
    while (PQisBusy(c->c)) {
        uint64_t waited = client_now_ns() - c->began_ns;
        if (waited > ANSWER_WAIT_NS) return NULL;
        struct pollfd p = {.fd = PQsocket(c->c), .events = POLLIN};
        if (PQflush(c->c) == 1) p.events |= POLLOUT;
        if (poll(&p, 1, 1000) > 0 && !PQconsumeInput(c->c)) break;
    }
    return PQgetResult(c->c);
}

bool client_good(const PGresult *r) {
    ExecStatusType s = PQresultStatus(r);
    return s != PGRES_FATAL_ERROR && s != PGRES_BAD_RESPONSE && s != PGRES_PIPELINE_ABORTED;
}

/* The words of an error on one line: SQLSTATE, message, detail. */
static void words_of(const PGresult *r, char *ret_words) {
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL);
    snprintf(ret_words, WORDS_MAX, "%s %s%s%s", state ? state : "-----",
             message ? message : PQresultErrorMessage(r), detail ? "; " : "", detail ? detail : "");
    one_line(ret_words);
}

static enum answer judge_lost(struct client *c, const PGresult *error, uint64_t end) {
    char words[WORDS_MAX];
    bool told = is_state(error, "57P01");
    if (told)
        words_of(error, words);
    else
        snprintf(words, sizeof words, "%s", c->farewell[0] ? c->farewell : PQerrorMessage(c->c));
    one_line(words);
    if (told || c->farewell[0]) {
        c->closed++;
        run_line("closed %s %u %llu %llu %s", c->kind, c->number,
                 (unsigned long long)c->transaction_ns, (unsigned long long)end, words);
    } else {
        client_fail(c, "connection lost: %s", words);
    }
    reopen(c);
    return ANSWER_CLOSED;
}

static enum answer judge_silence(struct client *c) {
    client_fail(c, "no answer in %llu s", ANSWER_WAIT_NS / 1000000000ull);
    reopen(c);
    return ANSWER_CLOSED;
}

static void note_step(struct client *c, uint64_t end, enum answer answer) {
    static const char *const names[] = {"ok", "refused", "closed", "failed"};
    if (!c->steps) return;
    struct step *step = &c->trail[(c->steps - 1) % TRAIL];
    size_t n = strlen(step->words);
    step->ended_ns = end;
    snprintf(step->words + n, sizeof step->words - n, " → %s", names[answer]);
}

/* error is cleared. */
enum answer client_end(struct client *c, PGresult *error, bool sent) {
    uint64_t end = client_now_ns();
    enum answer answer = ANSWER_OK;
    char words[WORDS_MAX];
    note_gap(c, end);
    if (PQstatus(c->c) == CONNECTION_BAD) {
        answer = judge_lost(c, error, end);
    } else if (PQtransactionStatus(c->c) == PQTRANS_ACTIVE && !c->copying) {
        answer = judge_silence(c);
    } else if (!sent) {
        client_fail(c, "not sent: %s", PQerrorMessage(c->c));
        answer = ANSWER_FAILED;
    } else if (is_state(error, "40001")) {
        c->refused++;
        run_line("refused %s %u %llu %llu", c->kind, c->number,
                 (unsigned long long)c->transaction_ns, (unsigned long long)end);
        answer = ANSWER_REFUSED;
    } else if (error) {
        words_of(error, words);
        client_fail(c, "%s", words);
        answer = ANSWER_FAILED;
    } else {
        c->done++;
    }
    note_step(c, end, answer);
    PQclear(error);
    return answer;
}

/* All results of what was sent; the last good one is the caller's. */
static enum answer collect(struct client *c, PGresult **ret_result, bool sent) {
    PGresult *r, *last = NULL, *error = NULL;
    while (sent && (r = client_wait(c))) {
        ExecStatusType s = PQresultStatus(r);
        PGresult **to = client_good(r) ? &last : &error;
        if (to == &last || !error) {
            PQclear(*to);
            *to = r;
        } else {
            PQclear(r);
        }
        if (s == PGRES_COPY_IN || s == PGRES_COPY_OUT) break;
    }
    enum answer answer = client_end(c, error, sent);
    if (answer == ANSWER_OK && ret_result)
        *ret_result = last;
    else
        PQclear(last);
    return answer;
}

enum answer client_query(struct client *c, PGresult **ret_result, const char *sql) {
    client_begin(c, sql);
    return collect(c, ret_result, PQsendQuery(c->c, sql));
}

enum answer client_queryf(struct client *c, PGresult **ret_result, const char *format, ...) {
    char sql[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(sql, sizeof sql, format, list);
    va_end(list);
    return client_query(c, ret_result, sql);
}

enum answer client_params(struct client *c, PGresult **ret_result, const char *sql, int n,
                          const char *const *values) {
    client_begin(c, sql);
    return collect(c, ret_result, PQsendQueryParams(c->c, sql, n, NULL, values, NULL, NULL, 0));
}

enum answer client_execute(struct client *c, PGresult **ret_result, const char *name, int n,
                           const char *const *values) {
    client_begin(c, name);
    return collect(c, ret_result, PQsendQueryPrepared(c->c, name, n, values, NULL, NULL, 0));
}

enum answer client_prepare(struct client *c, const char *name, const char *sql) {
    client_begin(c, sql);
    return collect(c, NULL, PQsendPrepare(c->c, name, sql, 0, NULL));
}

/* A COMMIT of a block that has failed is answered with ROLLBACK, and no error. */
enum answer client_commit(struct client *c) {
    PGresult *r;
    enum answer answer = client_query(c, &r, "COMMIT");
    if (answer != ANSWER_OK) return answer;
    if (strcmp(PQcmdStatus(r), "COMMIT") != 0) {
        client_fail(c, "COMMIT was answered with %s", PQcmdStatus(r));
        answer = ANSWER_FAILED;
    }
    PQclear(r);
    return answer;
}

enum answer client_rollback(struct client *c) {
    if (PQtransactionStatus(c->c) == PQTRANS_IDLE) return ANSWER_OK;
    enum answer answer = client_query(c, NULL, "ROLLBACK");
    if (answer == ANSWER_REFUSED) client_fail(c, "ROLLBACK was answered with 40001");
    return answer;
}

long client_number(struct client *c, const PGresult *r, int column) {
    if (PQntuples(r) == 1 && PQnfields(r) > column) return atol(PQgetvalue(r, 0, column));
    client_fail(c, "%d rows where one was expected", PQntuples(r));
    return -1;
}
