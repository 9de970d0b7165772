/* catalog_fixture.h: a session over a fake appliance: definitions by SQL text, rows by values. */
#ifndef UNIT_CATALOG_FIXTURE_H
#define UNIT_CATALOG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "catalog/catalog_table.h"
#include "catalog/define.h"
#include "catalog/define_hooks.h"
#include "fake_env.h"
#include "parse/parse.h"
#include "txn/txn.h"
#include "types/function.h"

#define MUST(expression) CHECK(ok(expression))

struct session {
    struct proc proc;
    struct catalog *catalog;
    struct arena arena;
    struct txn txn;
    struct error error;
    struct sql_settings settings;
    struct session_env session_env;
    struct sql_env env;
    char notices[2048];
    bool in_block;
};

static struct fake_env *fake;

static inline void hear(struct sql_env *env, const char *severity, const char *sqlstate,
                        const char *message, [[maybe_unused]] const char *detail) {
    struct session *s = env->session;
    size_t len = strlen(s->notices);
    snprintf(s->notices + len, sizeof s->notices - len, "%s %s: %s\n", severity, sqlstate, message);
}

static inline struct session *session_new(uint16_t slot) {
    struct session *s = calloc(1, sizeof *s);
    CHECK(s);
    fake_env_proc(fake, slot, &s->proc);
    arena_init(&s->arena, 0);
    session_env_init(&s->session_env, 42);
    s->session_env.names = &catalog_names;
    if (!ok(catalog_open(&s->proc, &s->catalog, &s->error)))
        fail_msg("catalog_open: %s", s->error.message);
    s->settings = (struct sql_settings){.user = "postgres",
                                        .user_oid = 10,
                                        .database = "postgres",
                                        .database_oid = 5,
                                        .search_path = "\"$user\", public",
                                        .statistics_target = 100,
                                        .application_name = ""};
    s->env = (struct sql_env){.proc = &s->proc,
                              .txn = &s->txn,
                              .eval = {&s->arena, &s->error, &s->session_env},
                              .txn_arena = &s->arena,
                              .catalog = s->catalog,
                              .settings = &s->settings,
                              .notice = hear,
                              .session = s};
    s->session_env.session = &s->env;
    return s;
}

static inline void begin(struct session *s) {
    error_clear(&s->error);
    s->notices[0] = 0;
    if (!s->in_block) MUST(txn_begin(&s->proc, &s->txn, ISO_READ_COMMITTED, 1));
    MUST(txn_snapshot(&s->proc, &s->txn, &s->env.snapshot));
}

static inline status end(struct session *s, status st) {
    if (s->in_block) return st;
    if (ok(st)) return txn_commit(&s->proc, &s->txn, true);
    MUST(txn_rollback(&s->proc, &s->txn));
    return st;
}

static inline void session_free(struct session *s) {
    if (s->in_block) MUST(txn_rollback(&s->proc, &s->txn));
    catalog_close(s->catalog);
    arena_free(&s->arena);
    free(s);
}

static inline void begin_block(struct session *s) {
    begin(s);
    s->in_block = true;
}

static inline void end_block(struct session *s, bool commit) {
    s->in_block = false;
    MUST(commit ? txn_commit(&s->proc, &s->txn, true) : txn_rollback(&s->proc, &s->txn));
}

/* Each statement of the text, in a transaction of its own outside of a block. */
static inline status try_sql(struct session *s, const char *sql) {
    struct list *statements = NULL;
    begin(s);
    s->env.text = sql;
    s->env.text_len = strlen(sql);
    status st = parse_sql(&s->arena, sql, strlen(sql), &s->error, &statements);
    const char *tag = "";
    for (int32_t i = 0; ok(st) && i < list_n(statements); i++) {
        if (i) MUST(end(s, OK)), begin(s);
        st = define_execute(&s->env, ((struct raw_stmt *)list_at(statements, i))->stmt, &tag);
    }
    return end(s, st);
}

static inline void run(struct session *s, const char *sql) {
    if (!ok(try_sql(s, sql)))
        fail_msg("%s: %s %s: %s", sql, status_sqlstate(s->error.status), s->error.message,
                 s->error.detail);
}

/* "42P07 relation "t" already exists" */
static inline void refused(struct session *s, const char *sql, const char *expected) {
    char got[1200] = "accepted";
    status st = try_sql(s, sql);
    if (!ok(st)) snprintf(got, sizeof got, "%s %s", status_sqlstate(st), s->error.message);
    if (strcmp(got, expected)) fail_msg("%s\n  gave     %s\n  expected %s", sql, got, expected);
}

/* The relation, in a transaction of its own when there is none: valid until the next call. */
static inline const struct relation *relation(struct session *s, const char *name) {
    const struct relation *r = NULL;
    begin(s);
    status st = catalog_relation_named(&s->env, NULL, name, &r);
    CHECK(ok(st) || status_is(st, ST_NOT_FOUND));
    MUST(end(s, OK));
    return ok(st) ? r : NULL;
}

/* A row of the texts, "\N" for null; NULL ends. */
static inline status insert(struct session *s, const char *table, ...) {
    datum values[64];
    uint8_t nulls[64];
    const struct relation *r;
    va_list args;
    begin(s);
    MUST(catalog_relation_lock(&s->env, NULL, table, MODE_ROW_EXCLUSIVE, -1, &r));
    va_start(args, table);
    for (unsigned i = 0; i < r->natts; i++) {
        const char *text = r->atts[i].dropped ? "\\N" : va_arg(args, const char *);
        nulls[i] = !strcmp(text, "\\N");
        if (!nulls[i])
            MUST(type_input(&s->env.eval, type_find(r->atts[i].type), -1, text, strlen(text),
                            &values[i]));
    }
    va_end(args);
    return end(s, table_insert(&s->env, r, values, nulls, false));
}

/* All rows as text, "1,a|2,b", in the table's order. */
static inline const char *rows(struct session *s, const char *table) {
    static char out[4096];
    const struct relation *r;
    struct table_scan scan;
    struct tree_entry e;
    size_t len = 0;
    out[0] = 0;
    begin(s);
    MUST(catalog_relation_lock(&s->env, NULL, table, MODE_ACCESS_SHARE, -1, &r));
    MUST(table_scan_begin(&s->env, &scan, &s->arena, r, NULL, (struct table_bound){0},
                          (struct table_bound){0}, false));
    while (ok(table_scan_next(&scan, &e))) {
        datum values[64];
        uint8_t nulls[64];
        const char *comma = "";
        MUST(row_deform(r->row, e.value, e.value_len, r->natts, values, nulls, &s->arena));
        if (len) len += (size_t)snprintf(out + len, sizeof out - len, "|");
        for (unsigned i = 0; i < r->natts; i++) {
            char *text = "\\N";
            size_t text_len;
            if (r->atts[i].dropped) continue;
            if (!nulls[i])
                MUST(type_output_string(&s->env.eval, type_find(r->atts[i].type), values[i], &text,
                                        &text_len));
            len += (size_t)snprintf(out + len, sizeof out - len, "%s%s", comma, text);
            comma = ",";
        }
    }
    table_scan_end(&scan);
    MUST(end(s, OK));
    return out;
}

/* A built-in function by pg_proc oid on one or more arguments; the result's text, "NULL" for null.
 */
static inline const char *call(struct session *s, oid function, unsigned nargs, ...) {
    const struct function *f = function_find(function);
    datum args[4], result = {0};
    uint8_t nulls[4] = {0};
    bool null = false;
    va_list list;
    CHECK(f && nargs == f->nargs);
    begin(s);
    va_start(list, nargs);
    for (unsigned i = 0; i < nargs; i++) {
        const char *text = va_arg(list, const char *);
        MUST(type_input(&s->env.eval, type_find(f->args[i]), -1, text, strlen(text), &args[i]));
    }
    va_end(list);
    status st = function_call_simple(&s->env.eval, f, f->args, args, nulls, (uint16_t)nargs,
                                     f->result, &result, &null);
    static char out[4096];
    strcpy(out, "NULL");
    if (!ok(st))
        snprintf(out, sizeof out, "%s %s", status_sqlstate(st), s->error.message);
    else if (!null) {
        char *text;
        size_t len;
        MUST(type_output_string(&s->env.eval, type_find(f->result), result, &text, &len));
        snprintf(out, sizeof out, "%s", text);
    }
    MUST(end(s, OK));
    return out;
}

static inline struct fake_env *fixture_appliance(void) {
    struct fake_env *f = fake_env_new(&(struct fake_options){.txns = 64, .map_entries = 65536});
    f->shm.sizes.workers = 3;
    txn_shared_init(&f->shm, 1);
    atomic_store(&f->shm.txn->oldest_active_lsn, LOG_FIRST.at);
    if (!atomic_load(&f->shm.control->catalog_version))
        atomic_store(&f->shm.control->catalog_version, 1);
    return f;
}

#endif
