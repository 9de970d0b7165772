/* idle.c: sessions that rest: between statements with settings and prepared statements, inside a
 * transaction, and such as come and go. */
#include "kinds.h"

#include <stdlib.h>
#include <string.h>

/* ---- settings and prepared statements -------------------------------------------------------- */

static const struct {
    const char *name, *value;
} kept_settings[] = {
    {"application_name", "campaign"}, {"DateStyle", "German, DMY"}, {"TimeZone", "UTC"},
    {"statement_timeout", "77s"},     {"search_path", "public"},    {"work_mem", "12345kB"},
    {"extra_float_digits", "2"},
};
#define KEPT_SETTINGS (sizeof kept_settings / sizeof *kept_settings)

/* Until everything is set in one and the same life of the connection. */
static bool furnish(struct client *c) {
    unsigned lives = c->lives;
    for (size_t i = 0; i < KEPT_SETTINGS; i++)
        if (client_queryf(c, NULL, "SET %s = '%s'", kept_settings[i].name,
                          kept_settings[i].value) != ANSWER_OK)
            return false;
    while (client_query(c, NULL, "DEALLOCATE ALL") != ANSWER_OK) {
    }
    if (client_queryf(c, NULL, "PREPARE by_sql (int) AS SELECT $1 + %u", c->number) != ANSWER_OK)
        return false;
    if (client_prepare(c, "by_protocol", "SELECT $1::int * 2, current_setting('work_mem')") !=
        ANSWER_OK)
        return false;
    return c->lives == lives;
}

static void look_at_setting(struct client *c) {
    unsigned i = client_random(c, KEPT_SETTINGS);
    PGresult *r;
    if (client_queryf(c, &r, "SHOW %s", kept_settings[i].name) != ANSWER_OK) return;
    if (PQntuples(r) != 1 || strcmp(PQgetvalue(r, 0, 0), kept_settings[i].value) != 0)
        client_fail(c, "%s is %s instead of %s", kept_settings[i].name,
                    PQntuples(r) == 1 ? PQgetvalue(r, 0, 0) : "nothing", kept_settings[i].value);
    PQclear(r);
}

static void look_at_by_sql(struct client *c) {
    unsigned n = client_random(c, 1000);
    PGresult *r;
    if (client_queryf(c, &r, "EXECUTE by_sql (%u)", n) != ANSWER_OK) return;
    if (client_number(c, r, 0) != (long)(n + c->number)) client_fail(c, "by_sql computes wrongly");
    PQclear(r);
}

static void look_at_by_protocol(struct client *c) {
    char text[16];
    const char *values[] = {text};
    unsigned n = client_random(c, 1000);
    PGresult *r;
    snprintf(text, sizeof text, "%u", n);
    if (client_execute(c, &r, "by_protocol", 1, values) != ANSWER_OK) return;
    if (client_number(c, r, 0) != 2l * n || strcmp(PQgetvalue(r, 0, 1), "12345kB") != 0)
        client_fail(c, "by_protocol computes wrongly");
    PQclear(r);
}

/* Settings and statements must last as long as the connection. */
void idle_client(struct client *c) {
    static void (*const looks[])(struct client *) = {look_at_setting, look_at_by_sql,
                                                     look_at_by_protocol};
    unsigned furnished = 0;
    while (!run_ends) {
        if (furnished != c->lives) {
            if (!furnish(c)) continue;
            furnished = c->lives;
        }
        client_pause_ms(300 + client_random(c, 2500));
        looks[client_random(c, 3)](c);
    }
}

/* ---- idle in a transaction ------------------------------------------------------------------- */

struct opener {
    struct client *c;
    long n;      /* what its row holds */
    bool unsure; /* n, or one more */
};

static bool look_at_row(struct opener *o) {
    PGresult *r;
    if (client_queryf(o->c, &r, "SELECT n FROM c_open WHERE client = %u", o->c->number) !=
        ANSWER_OK)
        return false;
    long n = client_number(o->c, r, 0);
    PQclear(r);
    if (n != o->n && !(o->unsure && n == o->n + 1))
        client_fail(o->c, "its row holds %ld instead of %ld", n, o->n);
    o->n = n;
    o->unsure = false;
    return true;
}

/* Its own change must be seen, or the transaction is lost and says so. */
static enum answer look_inside(struct opener *o) {
    PGresult *r;
    enum answer answer =
        client_queryf(o->c, &r, "SELECT n FROM c_open WHERE client = %u", o->c->number);
    if (answer != ANSWER_OK) return answer;
    if (client_number(o->c, r, 0) != o->n + 1)
        client_fail(o->c, "does not see its own change after a pause");
    PQclear(r);
    return ANSWER_OK;
}

static void end_block(struct opener *o) {
    if (client_random(o->c, 3) == 0) {
        if (client_query(o->c, NULL, "ROLLBACK") == ANSWER_REFUSED)
            client_fail(o->c, "ROLLBACK was answered with 40001");
        return;
    }
    enum answer answer = client_commit(o->c);
    if (answer == ANSWER_OK) o->n++;
    if (answer == ANSWER_CLOSED || answer == ANSWER_FAILED) o->unsure = true;
}

/* Each step after a pause: a lost transaction must end with 40001 at the first statement that is
 * not ROLLBACK, and never commit. */
void open_client(struct client *c) {
    struct opener o = {.c = c};
    while (!run_ends) {
        if (!look_at_row(&o)) continue;
        enum answer answer = client_query(c, NULL, "BEGIN");
        if (answer == ANSWER_OK)
            answer =
                client_queryf(c, NULL, "UPDATE c_open SET n = n + 1 WHERE client = %u", c->number);
        if (answer == ANSWER_OK) {
            client_pause_ms(200 + client_random(c, 1800));
            if (client_random(c, 2)) answer = look_inside(&o);
        }
        if (answer == ANSWER_OK) end_block(&o);
        client_rollback(c);
    }
}

/* ---- connects, asks, leaves ------------------------------------------------------------------ */

void fresh_client(struct client *c) {
    while (!run_ends) {
        client_close(c);
        uint64_t begin = client_now_ns();
        client_open(c);
        c->began_ns = begin;
        c->transaction_ns = begin;
        client_end(c, NULL, true);
        client_query(c, NULL, "SELECT 1");
        client_pause_ms(20 + client_random(c, 200));
    }
}
