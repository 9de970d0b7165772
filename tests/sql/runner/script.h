/* script.h: test scripts in the format of sqllogictest, and how one is run.
 *
 * A script is a list of records separated by empty lines; lines that begin with # are comments.
 *
 *     statement ok                      query TT rowsort
 *     CREATE TABLE t (a int)            SELECT a, b FROM t
 *                                       ----
 *     statement error 42P01             1
 *     SELECT * FROM nowhere             one
 *
 * After `statement error` may stand a SQLSTATE, or words that the message must contain. One value a
 * line; NULL, (empty) for an empty string. Values are compared as text where the column's letter is
 * T, as whole numbers where I, with three decimals where R. `rowsort` and `valuesort` sort before
 * comparing; more than hash-threshold values may be given as "N values hashing to MD5".
 * skipif and onlyif name an engine (ours is postgresql); halt ends the script. */
#ifndef SQL_SCRIPT_H
#define SQL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct script_result {
    bool failed;
    char sqlstate[6];
    char message[1024];
    int columns;
    size_t nvalues, cap;
    char **values; /* by row; NULL for null. Owned: script_result_clear */
};

void script_result_add(struct script_result *r, const char *value, size_t len); /* NULL: null */
void script_result_clear(struct script_result *r);

struct script_run {
    void (*execute)(void *arg, const char *sql, struct script_result *ret);
    void *arg;
    FILE *report;    /* failures are described here */
    FILE *completed; /* not NULL: the script with the results that were got */
    unsigned records, failures, skipped;
    unsigned failures_max; /* 0: no limit */
};

/* False when the file cannot be read. */
bool script_run_file(struct script_run *run, const char *path);

#endif
