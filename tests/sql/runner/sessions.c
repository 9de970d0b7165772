/* sql_sessions: runs scripts of several sessions side by side against a server.
 *
 *     sql_sessions [-c] CONNECTION-STRING SCRIPT…
 *
 * A line "NAME> statements" sends them as session NAME, which is connected when it is first named;
 * "NAME!" closes it. The lines below, indented, are what came of it: rows with | between their
 * values, "ERROR sqlstate: words", notices (and their details), notifications, or "waits" when the
 * session waits for another's lock; the answer of one who has waited stands below the step that let
 * it go, after its name. -c writes the script anew with what the server answered. Exit status 1
 * when anything differs. */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSIONS_MAX 8
#define NAME_MAX_BYTES 16
#define STEP_MS_MAX 10000
#define LOOK_MS 5
#define WAITS_MS 80 /* who waits for so long has not been found to close a circle */

struct session {
    char name[NAME_MAX_BYTES];
    PGconn *c; /* NULL: not connected */
    bool waits;
};

struct run {
    const char *where;
    PGconn *control;
    struct session sessions[SESSIONS_MAX];
    unsigned n;
    FILE *out;
    const char *prefix; /* before each line of what is told now */
};

static void pause_ms(unsigned ms) {
    usleep(ms * 1000);
}

/* Line by line, so that all of it is indented. */
static void print_detail(struct run *run, const char *detail) {
    for (size_t n; *detail; detail += n + (detail[n] == '\n')) {
        n = strcspn(detail, "\n");
        fprintf(run->out, "    %s%.*s\n", run->prefix, (int)n, detail);
    }
}

static void on_notice(void *arg, const PGresult *r) {
    struct run *run = arg;
    fprintf(run->out, "  %s%s: %s\n", run->prefix, PQresultErrorField(r, PG_DIAG_SEVERITY),
            PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
    const char *detail = PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL);
    if (detail) print_detail(run, detail);
}

static PGconn *connect_as(const char *where) {
    PGconn *c = PQconnectdb(where);
    if (PQstatus(c) == CONNECTION_OK) return c;
    fprintf(stderr, "%s", PQerrorMessage(c));
    exit(1);
}

static struct session *session_named(struct run *run, const char *name) {
    struct session *s = run->sessions;
    while (s < run->sessions + run->n && strcmp(s->name, name) != 0) s++;
    if (s == run->sessions + SESSIONS_MAX) {
        fprintf(stderr, "too many sessions\n");
        exit(1);
    }
    if (s == run->sessions + run->n) {
        snprintf(s->name, sizeof s->name, "%s", name);
        run->n++;
    }
    if (!s->c) {
        s->c = connect_as(run->where);
        PQsetNoticeReceiver(s->c, on_notice, run);
    }
    return s;
}

static void tell_result(struct run *run, const PGresult *r) {
    ExecStatusType st = PQresultStatus(r);
    if (st == PGRES_FATAL_ERROR) {
        const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
        const char *words = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
        fprintf(run->out, "  %sERROR %s: %s\n", run->prefix, state ? state : "-----",
                words ? words : "the connection is lost");
    }
    if (st != PGRES_TUPLES_OK) return;
    for (int row = 0; row < PQntuples(r); row++) {
        fprintf(run->out, "  %s", run->prefix);
        for (int i = 0; i < PQnfields(r); i++)
            fprintf(run->out, "%s%s", i ? "|" : "",
                    PQgetisnull(r, row, i) ? "NULL" : PQgetvalue(r, row, i));
        fprintf(run->out, "\n");
    }
    if (PQntuples(r) == 0) fprintf(run->out, "  %s(no rows)\n", run->prefix);
}

static void tell_notifications(struct run *run, struct session *s) {
    PGnotify *n;
    PQconsumeInput(s->c);
    while ((n = PQnotifies(s->c))) {
        fprintf(run->out, "  %sNOTIFY %s \"%s\"\n", run->prefix, n->relname, n->extra);
        PQfreemem(n);
    }
}

/* All results that have come; true: the last of them. */
static bool take_results(struct run *run, struct session *s) {
    while (PQconsumeInput(s->c) && !PQisBusy(s->c)) {
        PGresult *r = PQgetResult(s->c);
        if (!r) {
            tell_notifications(run, s);
            return true;
        }
        tell_result(run, r);
        PQclear(r);
    }
    return PQstatus(s->c) == CONNECTION_BAD;
}

static bool is_blocked(struct run *run, const struct session *s) {
    char sql[192], pids[96];
    size_t len = 0;
    for (unsigned i = 0; i < run->n; i++)
        if (run->sessions[i].c)
            len += (size_t)snprintf(pids + len, sizeof pids - len, "%s%d", len ? "," : "",
                                    PQbackendPID(run->sessions[i].c));
    snprintf(sql, sizeof sql, "select pg_isolation_test_session_is_blocked(%d, '{%s}')",
             PQbackendPID(s->c), pids);
    PGresult *r = PQexec(run->control, sql);
    bool blocked = PQresultStatus(r) == PGRES_TUPLES_OK && strcmp(PQgetvalue(r, 0, 0), "t") == 0;
    PQclear(r);
    return blocked;
}

/* Until the session has answered, or waits for another. */
static bool settles(struct run *run, struct session *s) {
    unsigned blocked = 0;
    for (unsigned ms = 0; ms < STEP_MS_MAX; ms += LOOK_MS) {
        if (take_results(run, s)) return true;
        blocked = is_blocked(run, s) ? blocked + LOOK_MS : 0;
        if (blocked >= WAITS_MS) return take_results(run, s);
        pause_ms(LOOK_MS);
    }
    fprintf(run->out, "  %sdoes not answer\n", run->prefix);
    return true;
}

/* Who waited may have been let go. */
static void look_after_waiters(struct run *run) {
    char prefix[NAME_MAX_BYTES + 2];
    for (unsigned i = 0; i < run->n; i++) {
        struct session *s = &run->sessions[i];
        if (!s->waits) continue;
        snprintf(prefix, sizeof prefix, "%s: ", s->name);
        run->prefix = prefix;
        if (settles(run, s)) {
            s->waits = false;
            i = (unsigned)-1; /* others may have waited for it */
        }
    }
    run->prefix = "";
}

static void step(struct run *run, char *name, const char *sql) {
    struct session *s = session_named(run, name);
    fprintf(run->out, "%s> %s\n", name, sql);
    run->prefix = "";
    if (!PQsendQuery(s->c, sql)) {
        fprintf(run->out, "  the connection is lost\n");
        return;
    }
    s->waits = !settles(run, s);
    if (s->waits) fprintf(run->out, "  waits\n");
    bool waits = s->waits;
    s->waits = false; /* it has just been looked at */
    look_after_waiters(run);
    s->waits |= waits;
}

static void step_close(struct run *run, char *name) {
    struct session *s = session_named(run, name);
    fprintf(run->out, "%s!\n", name);
    PQfinish(s->c);
    s->c = NULL;
    pause_ms(50);
    look_after_waiters(run);
}

static void read_line(struct run *run, char *line) {
    size_t len = strcspn(line, ">!");
    bool is_step =
        (line[len] == '>' && line[len + 1] == ' ') || (line[len] == '!' && !line[len + 1]);
    if (line[0] == ' ') return; /* an answer */
    if (!is_step || len == 0 || len >= NAME_MAX_BYTES || line[0] == '#') {
        fprintf(run->out, "%s\n", line);
        return;
    }
    bool closes = line[len] == '!';
    line[len] = '\0';
    if (closes)
        step_close(run, line);
    else
        step(run, line, line + len + 2);
}

static char *read_file(const char *path) {
    FILE *f = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    if (!f || (getdelim(&text, &room, '\0', f) < 0 && ferror(f))) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    fclose(f);
    return text;
}

static bool run_script(const char *where, const char *path, bool complete) {
    char *before = read_file(path), *copy = strdup(before), *after = NULL, *rest = NULL;
    size_t len;
    struct run run = {.where = where, .control = connect_as(where), .prefix = ""};
    run.out = open_memstream(&after, &len);
    for (char *line = copy; line && *line; line = rest) {
        rest = strchr(line, '\n');
        if (rest) *rest++ = '\0';
        read_line(&run, line);
    }
    for (unsigned i = 0; i < run.n; i++) PQfinish(run.sessions[i].c);
    PQfinish(run.control);
    fclose(run.out);
    bool same = strcmp(before, after) == 0;
    if (!same) {
        char name[] = "/tmp/sql_sessions.XXXXXX", command[512];
        FILE *f = complete ? fopen(path, "w") : fdopen(mkstemp(name), "w");
        if (f) fputs(after, f);
        if (f) fclose(f);
        snprintf(command, sizeof command, "diff -u %s %s", path, name);
        if (!complete && system(command) < 0) fprintf(stderr, "%s differs\n", path);
        if (!complete) unlink(name);
    }
    free(before);
    free(copy);
    free(after);
    return same || complete;
}

int main(int argc, char **argv) {
    bool complete = argc > 1 && strcmp(argv[1], "-c") == 0, passed = true;
    if (complete) argv++, argc--;
    for (int i = 2; i < argc; i++) passed &= run_script(argv[1], argv[i], complete);
    return passed && argc > 2 ? 0 : 1;
}
