#include "history.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TELLERS_PER_BRANCH 10

struct attempt *history_add(struct history *h) {
    if (h->count + 1 >= h->room) {
        h->room = h->room ? 2 * h->room : 1024;
        h->attempts = realloc(h->attempts, h->room * sizeof *h->attempts);
        if (!h->attempts) abort();
    }
    h->count++;
    h->attempts[h->count] = (struct attempt){.fate = FATE_OPEN};
    return &h->attempts[h->count];
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void must(PGconn *c, const char *sql) {
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) {
        fprintf(stderr, "%s: %s", sql, PQerrorMessage(c));
        exit(2);
    }
    PQclear(r);
}

static void mustf(PGconn *c, const char *format, unsigned a, unsigned b) {
    char sql[1024];
    snprintf(sql, sizeof sql, format, a, b);
    must(c, sql);
}

void tables_make(const struct run *r) {
    PGconn *c = PQconnectdb(r->conninfo);
    if (PQstatus(c) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(c));
        exit(2);
    }
    must(c, "CREATE TABLE c_branches (bid int PRIMARY KEY, bbalance int NOT NULL)");
    must(c, "CREATE TABLE c_tellers (tid int PRIMARY KEY, bid int, tbalance int NOT NULL)");
    must(c, "CREATE TABLE c_accounts (aid int PRIMARY KEY, bid int, abalance int NOT NULL,"
            " filler text)");
    must(c, "CREATE TABLE c_history (client int, n int, aid int, tid int, bid int, delta int)");
    must(c, "CREATE TABLE c_last (client int PRIMARY KEY, n int NOT NULL, total int NOT NULL)");
    must(c, "CREATE TABLE c_auto (client int, n int)");
    must(c, "CREATE TABLE c_open (client int PRIMARY KEY, n int NOT NULL)");
    must(c, "CREATE INDEX c_auto_client ON c_auto (client, n)");
    mustf(c, "INSERT INTO c_branches SELECT g, 0 FROM generate_series(1, %u) g", r->branches, 0);
    mustf(c, "INSERT INTO c_tellers SELECT g, (g - 1) / 10 + 1, 0 FROM generate_series(1, %u) g",
          r->branches * TELLERS_PER_BRANCH, 0);
    mustf(c,
          "INSERT INTO c_accounts SELECT g, g %% %2$u + 1, 0, repeat('x', 80)"
          " FROM generate_series(1, %1$u) g",
          r->accounts, r->branches);
    mustf(c, "INSERT INTO c_last SELECT g, 0, 0 FROM generate_series(0, %u) g", r->tpcb, 0);
    mustf(c, "INSERT INTO c_open SELECT g, 0 FROM generate_series(0, %u) g", 1000, 0);
    PQfinish(c);
}

/* ---- the check ------------------------------------------------------------------------------- */

static PGresult *all_of(struct client *c, const char *sql) {
    PGresult *r = NULL;
    for (int i = 0; i < 5; i++)
        if (client_query(c, &r, sql) == ANSWER_OK) return r;
    client_fail(c, "cannot be read in the end: %s", sql);
    return NULL;
}

static int field(const PGresult *r, int row, int column) {
    return atoi(PQgetvalue(r, row, column));
}

/* Marks the rows (client, n, …) as found. */
static void find_rows(struct client *c, const PGresult *r, struct history *histories,
                      unsigned clients) {
    for (int i = 0; i < PQntuples(r); i++) {
        unsigned client = (unsigned)field(r, i, 0), n = (unsigned)field(r, i, 1);
        if (client >= clients || n == 0 || n > histories[client].count) {
            client_fail(c, "a row that nobody wrote: client %u, n %u", client, n);
            continue;
        }
        struct attempt *a = &histories[client].attempts[n];
        if (a->found < UINT8_MAX) a->found++;
        if (PQnfields(r) == 2) continue;
        if ((unsigned)field(r, i, 2) != a->account || (unsigned)field(r, i, 3) != a->teller ||
            (unsigned)field(r, i, 4) != a->branch || field(r, i, 5) != a->delta)
            client_fail(c, "client %u, n %u: other values than were written", client, n);
    }
}

static const char *verdict_of(const struct attempt *a) {
    if (a->found > 1) return "is there more than once";
    if (a->fate == FATE_ACKED && !a->found) return "was acknowledged and is lost";
    if (a->fate == FATE_REFUSED && a->found) return "was refused and is there";
    return NULL;
}

static void check_fates(struct client *c, const char *what, struct history *histories,
                        unsigned clients) {
    unsigned long by_fate[4] = {0}, unknown_there = 0;
    for (unsigned i = 0; i < clients; i++)
        for (unsigned n = 1; n <= histories[i].count; n++) {
            const struct attempt *a = &histories[i].attempts[n];
            const char *wrong = verdict_of(a);
            by_fate[a->fate]++;
            unknown_there += a->fate == FATE_UNKNOWN && a->found;
            if (wrong)
                client_fail(c, "%s: client %u, n %u %s; answered at %llu%s", what, i, n, wrong,
                            (unsigned long long)a->ended_ns, a->settled ? ", settled later" : "");
        }
    run_line("count %s acknowledged %lu", what, by_fate[FATE_ACKED]);
    run_line("count %s refused %lu", what, by_fate[FATE_REFUSED]);
    run_line("count %s unknown %lu", what, by_fate[FATE_UNKNOWN]);
    run_line("count %s unknown_and_there %lu", what, unknown_there);
}

/* Every balance is the sum of what the transactions that are there put on it. */
static void check_balances(struct client *c, const char *sql, size_t which, unsigned most,
                           const struct history *histories) {
    long *expected = calloc(most + 1, sizeof *expected);
    if (!expected) abort();
    for (unsigned i = 0; i < run.tpcb; i++)
        for (unsigned n = 1; n <= histories[i].count; n++) {
            const struct attempt *a = &histories[i].attempts[n];
            unsigned id;
            memcpy(&id, (const char *)a + which, sizeof id);
            if (a->found) expected[id] += a->delta;
        }
    PGresult *r = all_of(c, sql);
    if (r && PQntuples(r) != (int)most) client_fail(c, "%d rows: %s", PQntuples(r), sql);
    for (int i = 0; r && i < PQntuples(r); i++) {
        unsigned id = (unsigned)field(r, i, 0);
        if (id == 0 || id > most || expected[id] != field(r, i, 1))
            client_fail(c, "%u has %d instead of %ld: %s", id, field(r, i, 1),
                        id <= most ? expected[id] : 0, sql);
    }
    PQclear(r);
    free(expected);
}

/* c_last says of each client the last number and the sum of those that are there. */
static void check_last(struct client *c, const struct history *histories) {
    PGresult *r = all_of(c, "SELECT client, n, total FROM c_last ORDER BY client");
    for (int i = 0; r && i < PQntuples(r) && i < (int)run.tpcb; i++) {
        const struct history *h = &histories[i];
        unsigned last = 0;
        long total = 0;
        for (unsigned n = 1; n <= h->count; n++) {
            if (!h->attempts[n].found) continue;
            last = n;
            total += h->attempts[n].delta;
        }
        if (field(r, i, 1) != (int)last || field(r, i, 2) != total)
            client_fail(c, "client %d: last is %d, %d instead of %u, %ld", i, field(r, i, 1),
                        field(r, i, 2), last, total);
    }
    PQclear(r);
}

void tables_check(struct client *c, struct history *histories, struct history *autos) {
    PGresult *r = all_of(c, "SELECT client, n, aid, tid, bid, delta FROM c_history");
    if (r) find_rows(c, r, histories, run.tpcb);
    PQclear(r);
    r = all_of(c, "SELECT client, n FROM c_auto");
    if (r) find_rows(c, r, autos, run.autos);
    PQclear(r);
    check_fates(c, "tpcb", histories, run.tpcb);
    check_fates(c, "auto", autos, run.autos);
    check_balances(c, "SELECT aid, abalance FROM c_accounts", offsetof(struct attempt, account),
                   run.accounts, histories);
    check_balances(c, "SELECT tid, tbalance FROM c_tellers", offsetof(struct attempt, teller),
                   run.branches * TELLERS_PER_BRANCH, histories);
    check_balances(c, "SELECT bid, bbalance FROM c_branches", offsetof(struct attempt, branch),
                   run.branches, histories);
    check_last(c, histories);
}
