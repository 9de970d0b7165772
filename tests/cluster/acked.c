/* acked: what a client was told is committed must be found again.
 *
 *   acked run CONNINFO CLIENTS FILE     every client commits (client, n) for n = 1, 2, 3 … and
 * notes each in FILE once it has been told; ends when the server is gone, or at SIGTERM acked check
 * CONNINFO FILE           every line of FILE is in the table, and beyond what a client was told at
 *                                       most the one transaction whose answer it did not hear
 *
 * Each transaction changes two tables (acked, and the client's row of acked_last), so that half a
 * commit would show as well. */
#include <errno.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t ends;
static const char *conninfo;
static FILE *record;
static pthread_mutex_t record_lock = PTHREAD_MUTEX_INITIALIZER;

static void on_term(int signal) {
    (void)signal;
    ends = 1;
}

_Noreturn static void die(PGconn *c, const char *what) {
    fprintf(stderr, "acked: %s: %s\n", what, c ? PQerrorMessage(c) : strerror(errno));
    exit(1);
}

static PGconn *connect_or_die(void) {
    PGconn *c = PQconnectdb(conninfo);
    if (PQstatus(c) != CONNECTION_OK) die(c, "connect");
    return c;
}

static bool run(PGconn *c, const char *format, int client, int n) {
    char sql[256];
    snprintf(sql, sizeof sql, format, client, n);
    PGresult *r = PQexec(c, sql);
    ExecStatusType s = PQresultStatus(r);
    PQclear(r);
    return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK;
}

static int number(PGconn *c, const char *format, int client) {
    char sql[256];
    snprintf(sql, sizeof sql, format, client);
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1) die(c, sql);
    int n = PQgetisnull(r, 0, 0) ? 0 : atoi(PQgetvalue(r, 0, 0));
    PQclear(r);
    return n;
}

static void *client_main(void *arg) {
    int client = (int)(long)arg;
    PGconn *c = connect_or_die();
    int n = number(c, "SELECT max(n) FROM acked WHERE client = %d", client);
    while (!ends) {
        n++;
        if (!run(c, "BEGIN", 0, 0) || !run(c, "INSERT INTO acked VALUES (%d, %d)", client, n) ||
            !run(c, "UPDATE acked_last SET n = %2$d WHERE client = %1$d", client, n) ||
            !run(c, "COMMIT", 0, 0))
            break;
        pthread_mutex_lock(&record_lock);
        fprintf(record, "%d %d\n", client, n);
        fflush(record);
        pthread_mutex_unlock(&record_lock);
    }
    PQfinish(c);
    return NULL;
}

static int run_clients(int clients, const char *file) {
    record = fopen(file, "a");
    if (!record) die(NULL, file);
    PGconn *c = connect_or_die();
    run(c, "CREATE TABLE IF NOT EXISTS acked (client int, n int, PRIMARY KEY (client, n))", 0, 0);
    run(c, "CREATE TABLE IF NOT EXISTS acked_last (client int PRIMARY KEY, n int)", 0, 0);
    for (int i = 0; i < clients; i++)
        if (number(c, "SELECT count(*) FROM acked_last WHERE client = %d", i) == 0)
            run(c, "INSERT INTO acked_last VALUES (%d, 0)", i, 0);
    PQfinish(c);
    pthread_t thread[256];
    for (long i = 0; i < clients; i++)
        if (pthread_create(&thread[i], NULL, client_main, (void *)i) != 0) die(NULL, "thread");
    for (int i = 0; i < clients; i++) pthread_join(thread[i], NULL);
    return 0;
}

static int check(const char *file) {
    static int told[256];
    int client, n, lines = 0, bad = 0;
    FILE *f = fopen(file, "r");
    if (!f) die(NULL, file);
    PGconn *c = connect_or_die();
    while (fscanf(f, "%d %d", &client, &n) == 2) {
        lines++;
        if (client >= 0 && client < 256 && n > told[client]) told[client] = n;
    }
    fclose(f);
    for (int i = 0; i < 256; i++) {
        if (!told[i]) continue;
        int rows = number(c, "SELECT count(*) FROM acked WHERE client = %d", i);
        int last = number(c, "SELECT max(n) FROM acked WHERE client = %d", i);
        int noted = number(c, "SELECT n FROM acked_last WHERE client = %d", i);
        bool right = rows == last && last == noted && last >= told[i] && last <= told[i] + 1;
        if (right) continue;
        bad++;
        printf("client %d: told %d, rows %d, last %d, noted %d\n", i, told[i], rows, last, noted);
    }
    PQfinish(c);
    printf("%d acknowledged commits, %d clients with a loss or half a commit\n", lines, bad);
    return bad ? 1 : 0;
}

int main(int argc, char **argv) {
    signal(SIGTERM, on_term);
    conninfo = argc > 2 ? argv[2] : "";
    if (argc == 5 && strcmp(argv[1], "run") == 0) return run_clients(atoi(argv[3]), argv[4]);
    if (argc == 4 && strcmp(argv[1], "check") == 0) return check(argv[3]);
    fprintf(stderr, "usage: acked run CONNINFO CLIENTS FILE | acked check CONNINFO FILE\n");
    return 2;
}
