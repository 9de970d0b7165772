/* sql_session.h: a session over a fake appliance that runs any SQL text: for tests of queries. */
#ifndef UNIT_EXEC_SQL_SESSION_H
#define UNIT_EXEC_SQL_SESSION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exec/copy.h"
#include "exec/statement.h"
#include "fake_env.h"
#include "script.h"
#include "session/session.h"

struct sql_session {
    struct proc proc;
    struct catalog *catalog;
    struct arena arena, txn_arena;
    struct txn txn;
    struct error error;
    struct sql_settings settings;
    struct session_env session_env;
    struct sql_env env;
    bool in_block, failed;
    uint64_t count; /* of the last statement */
    _Atomic bool cancel;
    struct session_sequences sequences;
    struct session_temp temp;
};

/* The appliance all sessions of a test program share; made at the first call. */
struct fake_env *sql_appliance(void);
struct sql_session *sql_session_new(uint16_t slot);
void sql_session_free(struct sql_session *s);
/* One text of one or more statements: each in a transaction of its own, or in the block that BEGIN
 * opened. The last statement's rows go to ret. */
void sql_execute(void *session, const char *sql, struct script_result *ret);
/* Rows as "1,a|2,b", null as "NULL"; a failure as "42P01 message". Good until the next call. */
const char *sql_rows(struct sql_session *s, const char *sql);
/* A prepared statement with text parameters ("\N": null); rows as sql_rows. */
const char *sql_prepared(struct sql_session *s, const char *sql, int nparams, ...);
/* COPY FROM with this data in pieces of `piece` bytes; the rows taken as text, or the failure. */
const char *sql_copy_in(struct sql_session *s, const char *sql, const char *data, size_t len,
                        size_t piece);
/* COPY TO: all bytes. */
const char *sql_copy_out(struct sql_session *s, const char *sql);

#define SQL_IS(session, sql, expected) assert_string_equal(sql_rows((session), (sql)), (expected))

#endif
