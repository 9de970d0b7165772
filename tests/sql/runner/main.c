/* sql_runner: runs test scripts against a server.
 *
 *     sql_runner [-c] [-m MAX] CONNECTION-STRING SCRIPT…
 *
 * -c writes each script anew with the results that the server gave (to make expected results from
 * PostgreSQL); -m stops a script after so many failures. Every script gets a connection of its own.
 * Exit status 1 when something failed. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "script.h"

static void execute(void *arg, const char *sql, struct script_result *ret) {
    PGconn *c = arg;
    PGresult *r = PQexec(c, sql);
    ExecStatusType s = PQresultStatus(r);
    if (s == PGRES_TUPLES_OK) {
        ret->columns = PQnfields(r);
        for (int row = 0; row < PQntuples(r); row++)
            for (int i = 0; i < ret->columns; i++)
                script_result_add(ret, PQgetisnull(r, row, i) ? NULL : PQgetvalue(r, row, i),
                                  (size_t)PQgetlength(r, row, i));
    } else if (s != PGRES_COMMAND_OK && s != PGRES_EMPTY_QUERY) {
        const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
        const char *words = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
        ret->failed = true;
        snprintf(ret->sqlstate, sizeof ret->sqlstate, "%s", state ? state : "");
        snprintf(ret->message, sizeof ret->message, "%s", words ? words : PQerrorMessage(c));
    }
    PQclear(r);
}

static void quiet(void *arg, const char *message) {
    (void)arg;
    (void)message;
}

static bool run_one(const char *where, const char *path, bool complete, unsigned failures_max,
                    struct script_run *total) {
    PGconn *c = PQconnectdb(where);
    if (PQstatus(c) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(c));
        PQfinish(c);
        return false;
    }
    PQsetNoticeProcessor(c, quiet, NULL);
    struct script_run run = {
        .execute = execute, .arg = c, .report = stdout, .failures_max = failures_max};
    char *text = NULL;
    size_t len;
    if (complete) run.completed = open_memstream(&text, &len);
    bool read = script_run_file(&run, path);
    if (!read) fprintf(stderr, "%s: cannot be read\n", path);
    if (run.completed) {
        fclose(run.completed);
        FILE *f = read ? fopen(path, "w") : NULL;
        if (f) {
            fwrite(text, 1, len, f);
            fclose(f);
        }
        free(text);
    }
    PQfinish(c);
    total->records += run.records;
    total->failures += run.failures;
    total->skipped += run.skipped;
    return read;
}

int main(int argc, char **argv) {
    bool complete = false, all_read = true;
    unsigned failures_max = 0;
    int option;
    while ((option = getopt(argc, argv, "cm:")) != -1) {
        if (option == 'c') complete = true;
        if (option == 'm') failures_max = (unsigned)atoi(optarg);
        if (option == '?') return 2;
    }
    if (argc - optind < 2) {
        fprintf(stderr, "usage: sql_runner [-c] [-m MAX] CONNECTION-STRING SCRIPT...\n");
        return 2;
    }
    struct script_run total = {0};
    for (int i = optind + 1; i < argc; i++)
        all_read &= run_one(argv[optind], argv[i], complete, failures_max, &total);
    printf("%u records, %u failed, %u skipped\n", total.records, total.failures, total.skipped);
    return total.failures || !all_read;
}
