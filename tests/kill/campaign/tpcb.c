/* tpcb.c: TPC-B transactions by every way of the protocol, and single inserts.
 *
 * A TPC-B client writes its own row of c_last in each transaction, so it can say at any time what
 * it must read: in the transaction its own new values, after it what it was told, and of another
 * client nothing older than it has seen before. */
#include "history.h"
#include "kinds.h"

#include <stdlib.h>
#include <string.h>

#define PREPARED 7
#define TEXT_BYTES 160
#define COUNTED 100
#define LAST_READ 1 /* the statement whose answer is known beforehand */

/* The ways in which a client sends its transactions. */
enum way { WAY_SIMPLE, WAY_EXTENDED, WAY_PREPARED, WAY_STRING, WAY_PIPELINE, WAYS };

struct writer {
    struct client *c;
    struct history *h;
    enum way way;
    unsigned lives;  /* of the connection on which the statements are prepared */
    unsigned last;   /* of the newest transaction that is there */
    long total;      /* of its deltas */
    bool committing; /* COMMIT has been sent */
    bool unsure;     /* the newest transaction's answer was lost */
    unsigned *seen;  /* of each other client: the last number read */
};

static const char *const prepared_texts[PREPARED] = {
    "UPDATE c_last SET n = $1::int, total = total + $2::int WHERE client = $3::int",
    "SELECT n, total FROM c_last WHERE client = $1::int",
    "INSERT INTO c_history VALUES ($1::int, $2::int, $3::int, $4::int, $5::int, $6::int)",
    "UPDATE c_accounts SET abalance = abalance + $1::int WHERE aid = $2::int",
    "SELECT abalance FROM c_accounts WHERE aid = $1::int",
    "UPDATE c_tellers SET tbalance = tbalance + $1::int WHERE tid = $2::int",
    "UPDATE c_branches SET bbalance = bbalance + $1::int WHERE bid = $2::int",
};

struct values {
    char text[6][16];
    const char *at[6];
    int n;
};

static void value_add(struct values *v, int value) {
    snprintf(v->text[v->n], sizeof v->text[0], "%d", value);
    v->at[v->n] = v->text[v->n];
    v->n++;
}

/* The parameters of prepared_texts[i]. */
static void values_of(const struct writer *w, int i, const struct attempt *a, struct values *ret) {
    int client = (int)w->c->number, n = (int)w->h->count;
    const int all[PREPARED][6] = {
        {n, a->delta, client},
        {client},
        {client, n, (int)a->account, (int)a->teller, (int)a->branch, a->delta},
        {a->delta, (int)a->account},
        {(int)a->account},
        {a->delta, (int)a->teller},
        {a->delta, (int)a->branch},
    };
    static const int counts[PREPARED] = {3, 1, 6, 2, 1, 2, 2};
    ret->n = 0;
    for (int k = 0; k < counts[i]; k++) value_add(ret, all[i][k]);
}

/* The text of prepared_texts[i] with its values in it. */
static void text_of(const struct writer *w, int i, const struct attempt *a, char *ret_text,
                    size_t bytes) {
    struct values v;
    size_t at = 0;
    values_of(w, i, a, &v);
    for (const char *s = prepared_texts[i]; *s && at + 20 < bytes; s++) {
        if (*s != '$') {
            ret_text[at++] = *s;
            continue;
        }
        at += (size_t)snprintf(ret_text + at, bytes - at, "%s", v.at[s[1] - '1']);
        s += 1 + strlen("::int");
    }
    ret_text[at] = '\0';
}

static bool prepare_all(struct writer *w) {
    char name[16];
    if (w->way != WAY_PREPARED || w->lives == w->c->lives) return true;
    unsigned lives = w->c->lives;
    for (int i = 0; i < PREPARED; i++) {
        snprintf(name, sizeof name, "s%d", i);
        if (client_prepare(w->c, name, prepared_texts[i]) != ANSWER_OK) {
            while (w->c->lives == lives &&
                   client_query(w->c, NULL, "DEALLOCATE ALL") != ANSWER_OK) {
            }
            return false;
        }
    }
    w->lives = lives;
    return true;
}

static enum answer ask(struct writer *w, int i, const struct attempt *a, PGresult **ret_result) {
    char text[TEXT_BYTES], name[16];
    struct values v;
    values_of(w, i, a, &v);
    switch (w->way) {
    case WAY_PREPARED:
        snprintf(name, sizeof name, "s%d", i);
        return client_execute(w->c, ret_result, name, v.n, v.at);
    case WAY_EXTENDED: return client_params(w->c, ret_result, prepared_texts[i], v.n, v.at);
    default: text_of(w, i, a, text, sizeof text); return client_query(w->c, ret_result, text);
    }
}

/* ---- what must be read ----------------------------------------------------------------------- */

static void check_own(struct writer *w, const PGresult *r, unsigned n, long total,
                      const char *when) {
    if (PQntuples(r) != 1)
        client_fail(w->c, "%d rows of its own %s", PQntuples(r), when);
    else if ((unsigned)atoi(PQgetvalue(r, 0, 0)) != n || atol(PQgetvalue(r, 0, 1)) != total)
        client_fail(w->c, "%s it reads %s, %s instead of %u, %ld", when, PQgetvalue(r, 0, 0),
                    PQgetvalue(r, 0, 1), n, total);
}

/* After a lost answer the row itself says what has become of the transaction. */
static void settle(struct writer *w, const PGresult *r) {
    struct attempt *a = &w->h->attempts[w->h->count];
    w->unsure = false;
    a->settled = true;
    if (PQntuples(r) == 1 && (unsigned)atoi(PQgetvalue(r, 0, 0)) == w->h->count) {
        a->fate = FATE_ACKED;
        w->last = w->h->count;
        w->total += a->delta;
    }
}

/* Between transactions: its own row. False: another try is needed. */
static bool look_at_own(struct writer *w) {
    PGresult *r;
    if (client_queryf(w->c, &r, "SELECT n, total FROM c_last WHERE client = %u", w->c->number) !=
        ANSWER_OK)
        return false;
    if (w->unsure) settle(w, r);
    check_own(w, r, w->last, w->total, "between transactions");
    PQclear(r);
    return true;
}

static void look_at_another(struct writer *w) {
    unsigned other = client_random(w->c, run.tpcb);
    PGresult *r;
    if (client_queryf(w->c, &r, "SELECT n FROM c_last WHERE client = %u", other) != ANSWER_OK)
        return;
    unsigned n = (unsigned)client_number(w->c, r, 0);
    PQclear(r);
    if (n < w->seen[other])
        client_fail(w->c, "client %u goes back from %u to %u", other, w->seen[other], n);
    else
        w->seen[other] = n;
}

/* ---- a transaction --------------------------------------------------------------------------- */

static struct attempt *new_attempt(struct writer *w) {
    struct attempt *a = history_add(w->h);
    a->account = client_random(w->c, run.accounts) + 1;
    a->teller = client_random(w->c, run.branches * 10) + 1;
    a->branch = client_random(w->c, run.branches) + 1;
    a->delta = (int)client_random(w->c, 2001) - 1000;
    return a;
}

/* A savepoint of whose changes nothing may stay. */
static enum answer detour(struct writer *w) {
    enum answer answer = client_query(w->c, NULL, "SAVEPOINT detour");
    if (answer == ANSWER_OK)
        answer = client_queryf(w->c, NULL,
                               "UPDATE c_last SET total = total + 1000000"
                               " WHERE client = %u",
                               w->c->number);
    if (answer == ANSWER_OK) answer = client_query(w->c, NULL, "ROLLBACK TO detour");
    return answer;
}

static enum answer step_by_step(struct writer *w, const struct attempt *a) {
    enum answer answer = client_query(w->c, NULL, "BEGIN");
    PGresult *r = NULL;
    for (int i = 0; answer == ANSWER_OK && i < PREPARED; i++) {
        answer = ask(w, i, a, &r);
        if (answer != ANSWER_OK) break;
        if (i == LAST_READ) check_own(w, r, w->h->count, w->total + a->delta, "in the transaction");
        PQclear(r);
        if (i == LAST_READ && client_random(w->c, 10) == 0) answer = detour(w);
    }
    if (answer != ANSWER_OK) return answer;
    if (client_random(w->c, 20) > 0) {
        w->committing = true;
        return client_commit(w->c);
    }
    answer = client_query(w->c, NULL, "ROLLBACK");
    return answer == ANSWER_OK ? ANSWER_REFUSED : answer;
}

/* Everything that was sent at once: results in order, the first error decides. */
static enum answer collect_all(struct writer *w, const struct attempt *a, bool sent,
                               bool pipeline) {
    PGresult *r, *error = NULL;
    int results = 0, ends = 0;
    while (sent && ends < (pipeline ? 2 : 1)) {
        r = client_wait(w->c);
        ends = r ? 0 : ends + 1;
        if (!r) continue;
        if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
            PQclear(r);
            break;
        }
        if (++results == LAST_READ + 2 && client_good(r))
            check_own(w, r, w->h->count, w->total + a->delta, "in the transaction");
        if (results == PREPARED + 2 && client_good(r) && strcmp(PQcmdStatus(r), "COMMIT") != 0)
            client_fail(w->c, "COMMIT was answered with %s", PQcmdStatus(r));
        if (client_good(r) || error)
            PQclear(r);
        else
            error = r;
    }
    if (pipeline) PQexitPipelineMode(w->c->c);
    return client_end(w->c, error, sent);
}

static enum answer in_one_string(struct writer *w, const struct attempt *a) {
    char sql[2048] = "BEGIN", text[TEXT_BYTES];
    size_t at = strlen(sql);
    for (int i = 0; i < PREPARED; i++) {
        text_of(w, i, a, text, sizeof text);
        at += (size_t)snprintf(sql + at, sizeof sql - at, "; %s", text);
    }
    snprintf(sql + at, sizeof sql - at, "; COMMIT");
    client_begin(w->c, sql);
    return collect_all(w, a, PQsendQuery(w->c->c, sql), false);
}

static enum answer in_a_pipeline(struct writer *w, const struct attempt *a) {
    PGconn *c = w->c->c;
    client_begin(w->c, "BEGIN … COMMIT in a pipeline");
    bool sent =
        PQenterPipelineMode(c) && PQsendQueryParams(c, "BEGIN", 0, NULL, NULL, NULL, NULL, 0);
    for (int i = 0; sent && i < PREPARED; i++) {
        struct values v;
        values_of(w, i, a, &v);
        sent = PQsendQueryParams(c, prepared_texts[i], v.n, NULL, v.at, NULL, NULL, 0);
    }
    sent =
        sent && PQsendQueryParams(c, "COMMIT", 0, NULL, NULL, NULL, NULL, 0) && PQpipelineSync(c);
    return collect_all(w, a, sent, true);
}

static void transaction(struct writer *w) {
    struct attempt *a = new_attempt(w);
    w->committing = w->way == WAY_STRING || w->way == WAY_PIPELINE;
    enum answer answer = w->way == WAY_STRING     ? in_one_string(w, a)
                         : w->way == WAY_PIPELINE ? in_a_pipeline(w, a)
                                                  : step_by_step(w, a);
    a->ended_ns = client_now_ns();
    if (answer == ANSWER_OK) {
        a->fate = FATE_ACKED;
        w->last = w->h->count;
        w->total += a->delta;
        return;
    }
    a->fate = answer == ANSWER_REFUSED || !w->committing ? FATE_REFUSED : FATE_UNKNOWN;
    w->unsure = a->fate == FATE_UNKNOWN;
    client_rollback(w->c);
}

void tpcb_client(struct client *c) {
    struct writer w = {.c = c, .h = c->own, .way = c->number % WAYS};
    w.seen = calloc(run.tpcb, sizeof *w.seen);
    if (!w.seen) abort();
    while (!run_ends) {
        if (!prepare_all(&w)) continue;
        if (w.unsure || client_random(c, 4) == 0) {
            if (!look_at_own(&w)) continue;
        }
        transaction(&w);
        if (client_random(c, 8) == 0) look_at_another(&w);
        if (run.pause_ms) client_pause_ms(client_random(c, 2 * run.pause_ms));
    }
    free(w.seen);
}

/* ---- single inserts -------------------------------------------------------------------------- */

/* Each statement is its own transaction: done once when acknowledged, not at all when refused,
 * however it came. */
static enum answer insert_one(struct client *c, unsigned n, unsigned *lives) {
    char sql[TEXT_BYTES];
    struct values v = {.n = 0};
    value_add(&v, (int)c->number);
    value_add(&v, (int)n);
    if (c->number % 3 == 0) {
        snprintf(sql, sizeof sql, "INSERT INTO c_auto VALUES (%u, %u)", c->number, n);
        return client_query(c, NULL, sql);
    }
    if (c->number % 3 == 1)
        return client_params(c, NULL, "INSERT INTO c_auto VALUES ($1::int, $2::int)", v.n, v.at);
    if (*lives != c->lives) {
        enum answer answer =
            client_prepare(c, "put", "INSERT INTO c_auto VALUES ($1::int, $2::int)");
        if (answer != ANSWER_OK) return answer == ANSWER_CLOSED ? ANSWER_REFUSED : answer;
        *lives = c->lives;
    }
    return client_execute(c, NULL, "put", v.n, v.at);
}

/* Of the newest numbers, that it costs the same at any time. */
static void count_own(struct client *c, const struct history *h) {
    PGresult *r;
    long acked = 0, unknown = 0;
    unsigned from = h->count > COUNTED ? h->count - COUNTED : 0;
    if (client_queryf(c, &r, "SELECT count(*) FROM c_auto WHERE client = %u AND n > %u", c->number,
                      from) != ANSWER_OK)
        return;
    for (unsigned n = from + 1; n <= h->count; n++) {
        acked += h->attempts[n].fate == FATE_ACKED;
        unknown += h->attempts[n].fate == FATE_UNKNOWN;
    }
    long rows = client_number(c, r, 0);
    PQclear(r);
    if (rows < acked || rows > acked + unknown)
        client_fail(c, "counts %ld rows of its own instead of %ld to %ld", rows, acked,
                    acked + unknown);
}

void auto_client(struct client *c) {
    struct history *h = c->own;
    unsigned lives = 0;
    while (!run_ends) {
        struct attempt *a = history_add(h);
        enum answer answer = insert_one(c, h->count, &lives);
        a->ended_ns = client_now_ns();
        a->fate = answer == ANSWER_OK        ? FATE_ACKED
                  : answer == ANSWER_REFUSED ? FATE_REFUSED
                                             : FATE_UNKNOWN;
        if (client_random(c, 10) == 0) count_own(c, h);
        client_pause_ms(5 + client_random(c, 20));
    }
}
