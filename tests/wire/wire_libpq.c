/* What libpq's users do: pipelines, binary parameters, COPY, single rows, cancels.
 *
 *     wire_libpq CONNINFO */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static PGconn *conn;
static unsigned failures;

static void fail(const char *test, const char *words) {
    printf("FAILED: %s: %s\n", test, words);
    failures++;
}

static void done(const char *test, const char *sql) {
    PGresult *r = PQexec(conn, sql);
    ExecStatusType s = PQresultStatus(r);
    if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK) fail(test, PQerrorMessage(conn));
    PQclear(r);
}

static void value_is(const char *test, const char *sql, const char *expected) {
    PGresult *r = PQexec(conn, sql);
    if (PQntuples(r) != 1)
        fail(test, PQerrorMessage(conn));
    else if (strcmp(PQgetvalue(r, 0, 0), expected) != 0)
        fail(test, PQgetvalue(r, 0, 0));
    PQclear(r);
}

/* The next result of a pipeline has this status and SQLSTATE. */
static void next_is(const char *test, ExecStatusType status, const char *sqlstate) {
    PGresult *r = PQgetResult(conn), *end;
    if (PQresultStatus(r) != status) fail(test, PQresStatus(PQresultStatus(r)));
    const char *code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (sqlstate && (!code || strcmp(code, sqlstate) != 0)) fail(test, code ? code : "no SQLSTATE");
    PQclear(r);
    if (status == PGRES_PIPELINE_SYNC) return;
    end = PQgetResult(conn);
    if (end) fail(test, "more than one result");
    PQclear(end);
}

static void send_one(int n) {
    char text[16];
    const char *values[] = {text};
    snprintf(text, sizeof text, "%d", n);
    PQsendQueryParams(conn, "insert into pq values ($1)", 1, NULL, values, NULL, NULL, 0);
}

static void pipelines(void) {
    const char *t = "pipelines";
    done(t, "create table pq(a int primary key)");
    if (!PQenterPipelineMode(conn)) fail(t, PQerrorMessage(conn));
    for (int i = 0; i < 1000; i++) {
        send_one(i);
        if (i % 100 == 99) PQpipelineSync(conn);
    }
    for (int i = 0; i < 1000; i++) {
        next_is(t, PGRES_COMMAND_OK, NULL);
        if (i % 100 == 99) next_is(t, PGRES_PIPELINE_SYNC, NULL);
    }
    /* one that fails in the middle takes back the ones before it and stops those after it */
    send_one(1000);
    send_one(7);
    send_one(1001);
    PQpipelineSync(conn);
    send_one(1002);
    PQpipelineSync(conn);
    next_is(t, PGRES_COMMAND_OK, NULL);
    next_is(t, PGRES_FATAL_ERROR, "23505");
    next_is(t, PGRES_PIPELINE_ABORTED, NULL);
    next_is(t, PGRES_PIPELINE_SYNC, NULL);
    next_is(t, PGRES_COMMAND_OK, NULL);
    next_is(t, PGRES_PIPELINE_SYNC, NULL);
    /* prepared in the same pipeline */
    PQsendPrepare(conn, "s", "select count(*) from pq where a < $1", 1, NULL);
    PQsendDescribePrepared(conn, "s");
    const char *values[] = {"10"};
    PQsendQueryPrepared(conn, "s", 1, values, NULL, NULL, 1);
    PQpipelineSync(conn);
    next_is(t, PGRES_COMMAND_OK, NULL);
    PGresult *r = PQgetResult(conn);
    if (PQnparams(r) != 1 || PQparamtype(r, 0) != 23 || PQnfields(r) != 1 || PQftype(r, 0) != 20)
        fail(t, "described wrongly");
    PQclear(r);
    PQclear(PQgetResult(conn));
    r = PQgetResult(conn);
    if (PQntuples(r) != 1 || PQfformat(r, 0) != 1 || PQgetlength(r, 0, 0) != 8 ||
        memcmp(PQgetvalue(r, 0, 0), "\0\0\0\0\0\0\0\12", 8) != 0)
        fail(t, "a wrong binary count");
    PQclear(r);
    PQclear(PQgetResult(conn));
    next_is(t, PGRES_PIPELINE_SYNC, NULL);
    if (!PQexitPipelineMode(conn)) fail(t, PQerrorMessage(conn));
    value_is(t, "select count(*) from pq", "1001");
    value_is(t, "select max(a) from pq", "1002");
}

static void binary_parameters(void) {
    uint32_t n = htonl(41);
    const char *values[] = {(char *)&n, "text", NULL};
    const int lengths[] = {4, 0, 0}, formats[] = {1, 0, 0};
    const Oid types[] = {23, 25, 25};
    PGresult *r =
        PQexecParams(conn, "select $1 + 1, $2, $3", 3, types, values, lengths, formats, 1);
    n = htonl(42);
    if (PQntuples(r) != 1 || memcmp(PQgetvalue(r, 0, 0), &n, 4) != 0 ||
        strcmp(PQgetvalue(r, 0, 1), "text") != 0 || !PQgetisnull(r, 0, 2))
        fail("binary parameters", PQerrorMessage(conn));
    PQclear(r);
}

static void copy_both_ways(void) {
    const char *t = "copy";
    char line[64];
    done(t, "create table pqc(a int, b text)");
    PQclear(PQexec(conn, "copy pqc from stdin"));
    for (int i = 0; i < 50000; i++) {
        int n = snprintf(line, sizeof line, "%d\trow number %d\n", i, i);
        if (PQputCopyData(conn, line, n) != 1) fail(t, PQerrorMessage(conn));
    }
    PQputCopyEnd(conn, NULL);
    PGresult *r = PQgetResult(conn);
    if (strcmp(PQcmdTuples(r), "50000") != 0) fail(t, PQerrorMessage(conn));
    PQclear(r);
    while ((r = PQgetResult(conn))) PQclear(r);
    PQclear(PQexec(conn, "copy (select a from pqc order by a) to stdout"));
    char *row;
    int rows = 0, n;
    while ((n = PQgetCopyData(conn, &row, 0)) > 0) {
        if (atoi(row) != rows++) fail(t, row);
        PQfreemem(row);
    }
    if (rows != 50000 || n != -1) fail(t, "not all rows came back");
    while ((r = PQgetResult(conn))) PQclear(r);
    /* the client gives up */
    PQclear(PQexec(conn, "copy pqc from stdin"));
    PQputCopyData(conn, "1\tx\n", 4);
    PQputCopyEnd(conn, "no more");
    r = PQgetResult(conn);
    const char *code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (!code || strcmp(code, "57014") != 0) fail(t, "giving up is no error");
    PQclear(r);
    while ((r = PQgetResult(conn))) PQclear(r);
    value_is(t, "select count(*) from pqc", "50000");
    /* an error in the first of many megabytes, which the client goes on sending */
    PQclear(PQexec(conn, "copy pqc from stdin"));
    PQputCopyData(conn, "bad\tx\n", 6);
    for (int i = 0; i < 100000; i++) PQputCopyData(conn, "1\tx and some more bytes\n", 24);
    PQputCopyEnd(conn, NULL);
    r = PQgetResult(conn);
    code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (!code || strcmp(code, "22P02") != 0) fail(t, "a bad row is no error");
    PQclear(r);
    while ((r = PQgetResult(conn))) PQclear(r);
    value_is(t, "select count(*) from pqc", "50000");
}

static void single_rows(void) {
    const char *t = "single rows";
    PQsendQuery(conn, "select g, repeat('x', g % 100) from generate_series(1, 20000) g");
    PQsetSingleRowMode(conn);
    PGresult *r;
    int rows = 0;
    while ((r = PQgetResult(conn))) {
        if (PQresultStatus(r) == PGRES_SINGLE_TUPLE) {
            rows++;
            if (atoi(PQgetvalue(r, 0, 0)) != rows || PQgetlength(r, 0, 1) != rows % 100)
                fail(t, PQgetvalue(r, 0, 0));
        }
        PQclear(r);
    }
    if (rows != 20000) fail(t, "not all rows");
}

static void a_cancel(void) {
    char words[256];
    PGcancel *c = PQgetCancel(conn);
    PQsendQuery(conn, "select count(*) from generate_series(1, 1000000000)");
    usleep(100000);
    if (!PQcancel(c, words, sizeof words)) fail("cancel", words);
    PGresult *r = PQgetResult(conn);
    const char *code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (!code || strcmp(code, "57014") != 0) fail("cancel", PQerrorMessage(conn));
    PQclear(r);
    while ((r = PQgetResult(conn))) PQclear(r);
    PQfreeCancel(c);
}

/* What was planned waits for a table while its definition changes: it is planned again. */
static void waits_for_other_catalogs(const char *conninfo, const char *sql,
                                     ExecStatusType expected) {
    const char *t = "other catalogs";
    PGconn *other = PQconnectdb(conninfo);
    PQclear(PQexec(other, "begin; alter table pq add column later int"));
    PQsendQuery(conn, sql);
    usleep(100000);
    PQclear(PQexec(other, "commit"));
    PQfinish(other);
    PGresult *r = PQgetResult(conn);
    if (PQresultStatus(r) != expected) fail(t, PQerrorMessage(conn));
    PQclear(r);
    char *row;
    while (expected == PGRES_COPY_OUT && PQgetCopyData(conn, &row, 0) > 0) PQfreemem(row);
    while ((r = PQgetResult(conn))) PQclear(r);
    done(t, "alter table pq drop column later");
}

/* Two on duty, each of whom goes off because the other one stays. */
static void circles_are_broken(const char *conninfo) {
    const char *t = "serializable";
    const char *look = "begin isolation level serializable; select count(*) from pq where a > 5000";
    PGconn *other = PQconnectdb(conninfo);
    done(t, look);
    PQclear(PQexec(other, look));
    done(t, "insert into pq values (5001)");
    PQclear(PQexec(other, "insert into pq values (5002)"));
    done(t, "commit");
    PGresult *r = PQexec(other, "commit");
    const char *code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (!code || strcmp(code, "40001") != 0) fail(t, "both have committed");
    const char *hint = PQresultErrorField(r, PG_DIAG_MESSAGE_HINT);
    if (!hint || strcmp(hint, "The transaction might succeed if retried.") != 0)
        fail(t, "the hint");
    PQclear(r);
    if (PQtransactionStatus(other) != PQTRANS_IDLE) fail(t, "not idle after a refused commit");
    PQfinish(other);
    value_is(t, "select count(*) from pq where a > 5000", "1");
}

static void catalogs_change_meanwhile(const char *conninfo) {
    const char *t = "catalogs";
    waits_for_other_catalogs(conninfo, "copy pq to stdout", PGRES_COPY_OUT);
    waits_for_other_catalogs(conninfo, "copy (select * from pq) to stdout", PGRES_COPY_OUT);
    waits_for_other_catalogs(conninfo, "select * from pq", PGRES_TUPLES_OK);
    waits_for_other_catalogs(conninfo, "create table pqn as select * from pq", PGRES_COMMAND_OK);
    done(t, "drop table pqn");
}

static void the_client_knows_the_state(void) {
    const char *t = "state";
    if (PQserverVersion(conn) / 10000 != 15) fail(t, "the version");
    if (strcmp(PQparameterStatus(conn, "client_encoding"), "UTF8") != 0) fail(t, "the encoding");
    done(t, "set timezone = 'Europe/Berlin'");
    if (strcmp(PQparameterStatus(conn, "TimeZone"), "Europe/Berlin") != 0) fail(t, "the time zone");
    done(t, "begin");
    if (PQtransactionStatus(conn) != PQTRANS_INTRANS) fail(t, "not in a transaction");
    PQclear(PQexec(conn, "selec"));
    if (PQtransactionStatus(conn) != PQTRANS_INERROR) fail(t, "not in error");
    done(t, "rollback");
    if (PQtransactionStatus(conn) != PQTRANS_IDLE) fail(t, "not idle");
}

int main(int argc, char **argv) {
    conn = PQconnectdb(argc > 1 ? argv[1] : "");
    if (PQstatus(conn) != CONNECTION_OK) return fail("connection", PQerrorMessage(conn)), 1;
    the_client_knows_the_state();
    binary_parameters();
    pipelines();
    copy_both_ways();
    single_rows();
    a_cancel();
    circles_are_broken(argc > 1 ? argv[1] : "");
    catalogs_change_meanwhile(argc > 1 ? argv[1] : "");
    done("end", "drop table pq");
    done("end", "drop table pqc");
    PQfinish(conn);
    printf("%u failures\n", failures);
    return failures != 0;
}
