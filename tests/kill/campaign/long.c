/* long.c: what takes its time: snapshots that are read again and again, bulk loads, changes of the
 * schema. */
#include "kinds.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* ---- snapshots ------------------------------------------------------------------------------- */

struct sums {
    long accounts, tellers, branches, history, rows;
};

static const char sums_sql[] =
    "SELECT (SELECT sum(abalance) FROM c_accounts), (SELECT sum(tbalance)"
    " FROM c_tellers), (SELECT sum(bbalance) FROM c_branches), (SELECT"
    " coalesce(sum(delta), 0) FROM c_history), (SELECT count(*) FROM"
    " c_history)";

static enum answer read_sums(struct client *c, struct sums *ret) {
    PGresult *r;
    enum answer answer = client_query(c, &r, sums_sql);
    if (answer != ANSWER_OK) return answer;
    *ret = (struct sums){client_number(c, r, 0), client_number(c, r, 1), client_number(c, r, 2),
                         client_number(c, r, 3), client_number(c, r, 4)};
    PQclear(r);
    if (ret->accounts != ret->tellers || ret->accounts != ret->branches ||
        ret->accounts != ret->history)
        client_fail(c, "one snapshot with different sums: %ld %ld %ld %ld", ret->accounts,
                    ret->tellers, ret->branches, ret->history);
    return answer;
}

/* The rows of the history by a cursor, some at a time. */
static enum answer count_by_cursor(struct client *c, long rows) {
    long seen = 0;
    enum answer answer =
        client_query(c, NULL, "DECLARE walk CURSOR FOR SELECT client, n FROM c_history");
    while (answer == ANSWER_OK) {
        PGresult *r;
        answer = client_query(c, &r, "FETCH 5000 FROM walk");
        if (answer != ANSWER_OK) return answer;
        int n = PQntuples(r);
        PQclear(r);
        if (n == 0) break;
        seen += n;
    }
    if (answer == ANSWER_OK && seen != rows)
        client_fail(c, "a cursor gives %ld rows of a snapshot with %ld", seen, rows);
    return answer == ANSWER_OK ? client_query(c, NULL, "CLOSE walk") : answer;
}

static void one_snapshot(struct client *c) {
    struct sums first, again;
    enum answer answer = client_query(c, NULL, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    if (answer == ANSWER_OK) answer = read_sums(c, &first);
    for (unsigned i = client_random(c, 6); answer == ANSWER_OK && i > 0 && !run_ends; i--) {
        client_pause_ms(client_random(c, 300));
        answer = read_sums(c, &again);
        if (answer == ANSWER_OK && memcmp(&first, &again, sizeof first) != 0)
            client_fail(c, "a snapshot has moved: sum %ld, then %ld; rows %ld, then %ld",
                        first.accounts, again.accounts, first.rows, again.rows);
    }
    if (answer == ANSWER_OK && client_random(c, 2)) answer = count_by_cursor(c, first.rows);
    if (answer == ANSWER_OK) client_commit(c);
    client_rollback(c);
}

/* Sums of one snapshot are equal, and stay what they are as long as it lasts. */
void long_client(struct client *c) {
    struct sums s;
    c->class = CLASS_LONG;
    while (!run_ends) {
        if (client_random(c, 3) == 0)
            read_sums(c, &s);
        else
            one_snapshot(c);
        client_pause_ms(client_random(c, 500));
    }
}

/* ---- bulk loads ------------------------------------------------------------------------------ */

#define BATCHES_KEPT 8
#define CHUNK_BYTES 32768
#define SEND_WAIT_MS 30000

struct batch {
    unsigned number, rows;
    bool unsure; /* all of it or nothing */
};

struct loader {
    struct client *c;
    unsigned last;
    struct batch batches[BATCHES_KEPT];
    unsigned count;
};

/* Not longer than a request may take; libpq keeps what the socket does not take yet. */
static bool send_chunk(struct client *c, const char *bytes, int n) {
    for (;;) {
        int rc = PQputCopyData(c->c, bytes, n);
        if (rc != 0) return rc > 0;
        struct pollfd p = {.fd = PQsocket(c->c), .events = POLLIN | POLLOUT};
        if (poll(&p, 1, SEND_WAIT_MS) <= 0) return false;
        if (p.revents & POLLIN && !PQconsumeInput(c->c)) return false;
        PQflush(c->c);
    }
}

static bool send_rows(struct loader *l, const struct batch *b) {
    char chunk[CHUNK_BYTES];
    int at = 0;
    for (unsigned i = 0; i < b->rows; i++) {
        at += snprintf(chunk + at, sizeof chunk - (size_t)at, "%u\t%u\t%0*u\n", b->number, i,
                       (int)(20 + i % 150), i);
        if (at < CHUNK_BYTES - 256 && i + 1 < b->rows) continue;
        if (!send_chunk(l->c, chunk, at)) return false;
        at = 0;
    }
    return true;
}

static enum answer copy_in(struct loader *l, const struct batch *b) {
    struct client *c = l->c;
    c->copying = true;
    enum answer answer = client_queryf(c, NULL, "COPY c_bulk_%u FROM STDIN", c->number);
    c->copying = false;
    if (answer != ANSWER_OK) return answer;
    PQsetnonblocking(c->c, 1);
    bool sent = send_rows(l, b) && PQputCopyEnd(c->c, NULL) >= 0;
    client_begin(c, "end of COPY");
    PGresult *r, *error = NULL;
    while ((r = client_wait(c))) {
        bool keep = !client_good(r) && !error;
        if (keep)
            error = r;
        else
            PQclear(r);
    }
    PQsetnonblocking(c->c, 0);
    return client_end(c, error, sent);
}

/* A batch is there as a whole or not at all. */
static void look_at_batch(struct loader *l, struct batch *b) {
    PGresult *r;
    if (client_queryf(l->c, &r,
                      "SELECT count(*), count(DISTINCT k), coalesce(max(k), -1) FROM"
                      " c_bulk_%u WHERE batch = %u",
                      l->c->number, b->number) != ANSWER_OK)
        return;
    long rows = client_number(l->c, r, 0), distinct = client_number(l->c, r, 1);
    PQclear(r);
    if (b->unsure && rows == 0) b->rows = 0;
    b->unsure = false;
    if (rows != (long)b->rows || distinct != rows)
        client_fail(l->c, "batch %u: %ld rows, %ld different, instead of %u", b->number, rows,
                    distinct, b->rows);
}

static void load_batch(struct loader *l) {
    struct batch b = {.number = ++l->last};
    bool large = client_random(l->c, 10) == 0;
    b.rows = large ? 20000 + client_random(l->c, 30000) : 10 + client_random(l->c, 2000);
    enum answer answer = copy_in(l, &b);
    if (answer == ANSWER_REFUSED) b.rows = 0;
    b.unsure = answer == ANSWER_CLOSED || answer == ANSWER_FAILED;
    l->batches[l->count++ % BATCHES_KEPT] = b;
}

static void copy_out(struct loader *l, const struct batch *b) {
    struct client *c = l->c;
    c->copying = true;
    enum answer answer = client_queryf(c, NULL,
                                       "COPY (SELECT k FROM c_bulk_%u WHERE batch = %u) TO"
                                       " STDOUT",
                                       c->number, b->number);
    c->copying = false;
    if (answer != ANSWER_OK) return;
    unsigned rows = 0;
    int rc;
    char *line;
    while ((rc = PQgetCopyData(c->c, &line, 0)) > 0) {
        rows++;
        PQfreemem(line);
    }
    PGresult *r, *error = NULL;
    client_begin(c, "end of COPY");
    while ((r = client_wait(c))) {
        bool keep = !client_good(r) && !error;
        if (keep)
            error = r;
        else
            PQclear(r);
    }
    if (client_end(c, error, true) == ANSWER_OK && !b->unsure && rows != b->rows)
        client_fail(c, "COPY gives %u rows of batch %u instead of %u", rows, b->number, b->rows);
}

/* Takes all batches away; false: it is not certain that they are. */
static bool empty_table(struct loader *l) {
    bool by_delete = client_random(l->c, 2);
    enum answer answer = client_queryf(
        l->c, NULL, by_delete ? "DELETE FROM c_bulk_%u" : "TRUNCATE c_bulk_%u", l->c->number);
    if (answer == ANSWER_REFUSED) return false;
    for (unsigned i = 0; i < BATCHES_KEPT; i++) {
        struct batch *b = &l->batches[i];
        if (answer == ANSWER_OK)
            *b = (struct batch){.number = b->number};
        else
            b->unsure = b->rows > 0;
    }
    return answer == ANSWER_OK;
}

static bool make_table(struct client *c) {
    enum answer answer = client_queryf(
        c, NULL, "CREATE TABLE IF NOT EXISTS c_bulk_%u (batch int, k int, filler text)", c->number);
    return answer == ANSWER_OK;
}

void bulk_client(struct client *c) {
    struct loader l = {.c = c};
    c->class = CLASS_LONG;
    while (!make_table(c) && !run_ends) {
    }
    while (!run_ends) {
        load_batch(&l);
        struct batch *b =
            &l.batches[client_random(c, l.count < BATCHES_KEPT ? l.count : BATCHES_KEPT)];
        look_at_batch(&l, b);
        if (client_random(c, 4) == 0) copy_out(&l, b);
        if (l.count % BATCHES_KEPT == 0) empty_table(&l);
        client_pause_ms(client_random(c, 200));
    }
}

/* ---- the schema ------------------------------------------------------------------------------ */

struct change {
    const char *format; /* %1$u client, %2$u table */
    const char *probe;  /* what counts to 1 when it has been done */
};

static const struct change changes[] = {
    {"CREATE TABLE c_ddl_%1$u_%2$u (a int PRIMARY KEY, b text)",
     "SELECT count(*) FROM pg_class WHERE relname = 'c_ddl_%1$u_%2$u'"},
    {"INSERT INTO c_ddl_%1$u_%2$u SELECT g, 'text ' || g FROM generate_series(1, 500) g",
     "SELECT count(*) / 500 FROM c_ddl_%1$u_%2$u"},
    {"CREATE INDEX c_ddl_%1$u_%2$u_b ON c_ddl_%1$u_%2$u (b)",
     "SELECT count(*) FROM pg_class WHERE relname = 'c_ddl_%1$u_%2$u_b'"},
    {"ALTER TABLE c_ddl_%1$u_%2$u ADD COLUMN c int DEFAULT 7",
     "SELECT count(*) FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid WHERE relname ="
     " 'c_ddl_%1$u_%2$u' AND attname = 'c'"},
    {"UPDATE c_ddl_%1$u_%2$u SET c = 8 WHERE a = 250",
     "SELECT count(*) FROM c_ddl_%1$u_%2$u WHERE b = 'text 250' AND c = 8"},
    {"ALTER TABLE c_ddl_%1$u_%2$u RENAME COLUMN c TO d",
     "SELECT count(*) FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid WHERE relname ="
     " 'c_ddl_%1$u_%2$u' AND attname = 'd'"},
    {"DROP TABLE c_ddl_%1$u_%2$u",
     "SELECT 1 - count(*) FROM pg_class WHERE relname = 'c_ddl_%1$u_%2$u'"},
};

static long probe(struct client *c, const struct change *change, unsigned table) {
    PGresult *r;
    char sql[512];
    snprintf(sql, sizeof sql, change->probe, c->number, table);
    enum answer answer;
    while ((answer = client_query(c, &r, sql)) != ANSWER_OK) {
        if (answer == ANSWER_FAILED || run_ends) return -1;
    }
    long n = client_number(c, r, 0);
    PQclear(r);
    return n;
}

/* A change is made when it is acknowledged; refused, it is not and is asked for again; where the
 * answer was lost, the catalog says. */
static bool make_change(struct client *c, const struct change *change, unsigned table) {
    char sql[512];
    snprintf(sql, sizeof sql, change->format, c->number, table);
    for (;;) {
        enum answer answer = client_query(c, NULL, sql);
        if (answer == ANSWER_FAILED || run_ends) return false;
        if (answer == ANSWER_REFUSED) continue;
        long done = probe(c, change, table);
        if (done < 0) return false;
        if (answer == ANSWER_OK && done != 1) {
            client_fail(c, "acknowledged, but not done (%ld): %s", done, sql);
            return false;
        }
        if (done == 1) return true;
    }
}

void ddl_client(struct client *c) {
    c->class = CLASS_LONG;
    for (unsigned table = 1; !run_ends; table++) {
        for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
            if (!make_change(c, &changes[i], table)) break;
        client_pause_ms(client_random(c, 200));
    }
}
