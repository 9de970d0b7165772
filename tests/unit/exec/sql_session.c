#include "sql_session.h"

#include "base/check.h"
#include "base/coro.h"
#include "catalog/catalog_table.h"
#include "catalog/temp.h"
#include "exec/exec_init.h"
#include "exec/ri.h"

#define MUST(expression) CHECK(ok(expression))

static const oid to_be_found; /* types of parameters: none is declared */

static struct fake_env *appliance;
static char text[1 << 20];

struct fake_env *sql_appliance(void) {
    if (appliance) return appliance;
    MUST(types_init());
    exec_init();
    appliance = fake_env_new(&(struct fake_options){.txns = 64,
                                                    .map_entries = 1 << 20,
                                                    .frames = 16384,
                                                    .pages_max = 1 << 18,
                                                    .ring_bytes = 64 << 20});
    appliance->shm.sizes.workers = 3;
    txn_shared_init(&appliance->shm, TXID_FIRST);
    atomic_store(&appliance->shm.txn->oldest_active_lsn, LOG_FIRST.at);
    if (!atomic_load(&appliance->shm.control->catalog_version))
        atomic_store(&appliance->shm.control->catalog_version, 1);
    return appliance;
}

static void hear(struct sql_env *env, const char *severity, const char *sqlstate,
                 const char *message, const char *detail) {
    (void)env, (void)severity, (void)sqlstate, (void)message, (void)detail;
}

struct sql_session *sql_session_new(uint16_t slot) {
    struct sql_session *s = calloc(1, sizeof *s);
    CHECK(s);
    fake_env_proc(sql_appliance(), slot, &s->proc);
    arena_init(&s->arena, 0);
    arena_init(&s->txn_arena, 0);
    session_env_init(&s->session_env, 42);
    s->session_env.names = &catalog_names;
    if (!ok(catalog_open(&s->proc, &s->catalog, &s->error)))
        fail_msg("catalog_open: %s", s->error.message);
    s->settings = (struct sql_settings){.user = "postgres",
                                        .statistics_target = 100,
                                        .user_oid = 10,
                                        .database = "postgres",
                                        .database_oid = 5,
                                        .search_path = "\"$user\", public",
                                        .application_name = "",
                                        .work_mem_bytes = 4 << 20};
    s->env = (struct sql_env){.proc = &s->proc,
                              .txn = &s->txn,
                              .eval = {&s->arena, &s->error, &s->session_env},
                              .txn_arena = &s->txn_arena,
                              .catalog = s->catalog,
                              .settings = &s->settings,
                              .notice = hear,
                              .cancel = &s->cancel,
                              .sequences = &s->sequences,
                              .temp = &s->temp,
                              .temp_number = slot,
                              .session = s};
    s->session_env.session = &s->env;
    coro_set_local(&s->env);
    return s;
}

void sql_session_free(struct sql_session *s) {
    if (s->in_block) MUST(txn_rollback(&s->proc, &s->txn));
    catalog_close(s->catalog);
    arena_free(&s->arena);
    arena_free(&s->txn_arena);
    free(s);
}

/* ---- transactions ---- */

static void begin(struct sql_session *s) {
    error_clear(&s->error);
    if (!s->in_block) MUST(txn_begin(&s->proc, &s->txn, ISO_READ_COMMITTED, 1));
    MUST(txn_snapshot(&s->proc, &s->txn, &s->env.snapshot));
    s->session_env.transaction_us = s->session_env.statement_us = 700000000000000;
}

static status commit(struct sql_session *s) {
    status checked = ri_before_commit(&s->env);
    s->env.ri = NULL;
    if (!ok(checked)) {
        MUST(txn_rollback(&s->proc, &s->txn));
        return checked;
    }
    MUST(temp_before_commit(&s->env));
    temp_transaction_ended(&s->env, true);
    return txn_commit(&s->proc, &s->txn, true);
}

static status end(struct sql_session *s, status st, struct txn_mark mark) {
    if (s->in_block) {
        if (!ok(st)) MUST(txn_rollback_to(&s->proc, &s->txn, mark));
        return st;
    }
    if (ok(st)) return commit(s);
    MUST(txn_rollback(&s->proc, &s->txn));
    temp_transaction_ended(&s->env, false);
    return st;
}

static status control(struct sql_session *s, const struct ast_transaction *t) {
    switch (t->kind) {
    case TXN_BEGIN:
    case TXN_START: {
        enum txn_isolation iso = ISO_READ_COMMITTED;
        LIST_EACH(struct ast_def_elem *, d, t->modes)
        if (strcmp(d->name, "transaction_isolation") == 0 &&
            strcmp(ast_as_literal(d->value)->text, "repeatable read") == 0)
            iso = ISO_REPEATABLE_READ;
        MUST(txn_begin(&s->proc, &s->txn, iso, 1));
        s->in_block = true;
        return OK;
    }
    case TXN_COMMIT: s->in_block = false; return commit(s);
    default:
        s->in_block = false;
        s->env.ri = NULL;
        temp_transaction_ended(&s->env, false);
        return txn_rollback(&s->proc, &s->txn);
    }
}

/* ---- statements ---- */

static void take_row(struct sql_session *s, const struct statement *st, const struct batch *b,
                     uint16_t row, struct script_result *ret) {
    for (uint16_t c = 0; c < b->ncolumns; c++) {
        char *value;
        size_t len;
        if (b->columns[c].nulls[row]) {
            script_result_add(ret, NULL, 0);
            continue;
        }
        MUST(type_output_string(&s->env.eval, type_find(st->columns[c].type),
                                b->columns[c].values[row], &value, &len));
        script_result_add(ret, value, len);
    }
}

static status run_prepared(struct sql_session *s, struct statement *st, const datum *params,
                           const uint8_t *nulls, struct script_result *ret) {
    struct execution *x;
    const struct batch *b;
    status result = execution_begin(&s->env, st, params, nulls, &x);
    if (!ok(result)) return result;
    script_result_clear(ret);
    ret->columns = st->ncolumns;
    do {
        result = execution_fetch(x, 100, &b);
        if (!ok(result)) break;
        CHECK(b->nrows <= 100);
        for (uint16_t i = 0; i < b->nrows; i++) take_row(s, st, b, b->sel ? b->sel[i] : i, ret);
    } while (b->nrows);
    bool counts;
    execution_tag(x, &counts, &s->count);
    execution_end(x);
    return result;
}

static status run_one(struct sql_session *s, struct raw_stmt *raw, struct script_result *ret) {
    if (raw->stmt->kind == NODE_TRANSACTION) return control(s, (struct ast_transaction *)raw->stmt);
    begin(s);
    struct txn_mark mark = txn_mark(&s->txn);
    struct statement *st;
    if (raw->stmt->kind == NODE_SET_CONSTRAINTS)
        return end(s, ri_set_constraints(&s->env, ast_as_set_constraints(raw->stmt)), mark);
    status result = statement_prepare(&s->env, raw, &to_be_found, 0, &st);
    if (ok(result)) {
        result = run_prepared(s, st, NULL, NULL, ret);
        statement_release(st);
    }
    return end(s, result, mark);
}

static void describe_failure(struct sql_session *s, status st, struct script_result *ret) {
    script_result_clear(ret);
    ret->failed = true;
    snprintf(ret->sqlstate, sizeof ret->sqlstate, "%s", status_sqlstate(st));
    snprintf(ret->message, sizeof ret->message, "%s", s->error.message);
}

void sql_execute(void *session, const char *sql, struct script_result *ret) {
    struct sql_session *s = session;
    struct list *statements = NULL;
    arena_reset(&s->arena);
    error_clear(&s->error);
    char *copy = arena_strdup(&s->arena, sql);
    s->env.text = copy;
    s->env.text_len = strlen(copy);
    status st = parse_sql(&s->arena, copy, strlen(copy), &s->error, &statements);
    for (int32_t i = 0; ok(st) && i < list_n(statements); i++)
        st = run_one(s, list_at(statements, i), ret);
    if (!ok(st)) describe_failure(s, st, ret);
}

static const char *as_text(struct script_result *r) {
    size_t len = 0;
    text[0] = 0;
    if (r->failed) {
        snprintf(text, sizeof text, "%s %s", r->sqlstate, r->message);
    } else {
        for (size_t i = 0; i < r->nvalues; i++) {
            const char *before = i == 0 ? "" : i % (size_t)r->columns ? "," : "|";
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", before,
                                    r->values[i] ? r->values[i] : "NULL");
            if (len >= sizeof text) break;
        }
    }
    script_result_clear(r);
    return text;
}

const char *sql_rows(struct sql_session *s, const char *sql) {
    struct script_result r = {0};
    sql_execute(s, sql, &r);
    return as_text(&r);
}

const char *sql_prepared(struct sql_session *s, const char *sql, int nparams, ...) {
    struct script_result r = {0};
    struct list *statements = NULL;
    struct statement *st = NULL;
    datum params[16] = {0};
    uint8_t nulls[16] = {0};
    va_list args;
    arena_reset(&s->arena);
    begin(s);
    struct txn_mark mark = txn_mark(&s->txn);
    s->env.text = sql;
    s->env.text_len = strlen(sql);
    status result = parse_sql(&s->arena, sql, strlen(sql), &s->error, &statements);
    if (ok(result))
        result = statement_prepare(&s->env, list_at(statements, 0), &to_be_found, 0, &st);
    va_start(args, nparams);
    for (int i = 0; ok(result) && i < nparams; i++) {
        const char *value = va_arg(args, const char *);
        nulls[i] = strcmp(value, "\\N") == 0;
        if (!nulls[i])
            result = type_input(&s->env.eval, type_find(st->param_types[i]), -1, value,
                                strlen(value), &params[i]);
    }
    va_end(args);
    if (ok(result)) result = run_prepared(s, st, params, nulls, &r);
    if (st) statement_release(st);
    result = end(s, result, mark);
    if (!ok(result)) describe_failure(s, result, &r);
    return as_text(&r);
}

/* ---- COPY ---- */

static status copy_start(struct sql_session *s, const char *sql, struct copy **ret) {
    struct list *statements = NULL;
    arena_reset(&s->arena);
    begin(s);
    s->env.text = sql;
    s->env.text_len = strlen(sql);
    TRY(parse_sql(&s->arena, sql, strlen(sql), &s->error, &statements));
    struct raw_stmt *raw = list_at(statements, 0);
    CHECK(raw->stmt->kind == NODE_COPY);
    return copy_begin(&s->env, (struct ast_copy *)raw->stmt, ret);
}

static const char *copy_failure(struct sql_session *s, status st) {
    snprintf(text, sizeof text, "%s %s (%s)", status_sqlstate(st), s->error.message,
             s->error.context);
    return text;
}

const char *sql_copy_in(struct sql_session *s, const char *sql, const char *data, size_t len,
                        size_t piece) {
    struct copy *c = NULL;
    uint64_t rows = 0;
    struct txn_mark mark = {0};
    status st = copy_start(s, sql, &c);
    for (size_t at = 0; ok(st) && at < len; at += piece)
        st = copy_in_data(c, data + at, len - at < piece ? len - at : piece);
    if (ok(st)) st = copy_in_done(c, &rows);
    if (c) copy_end(c);
    st = end(s, st, mark);
    if (!ok(st)) return copy_failure(s, st);
    snprintf(text, sizeof text, "%llu", (unsigned long long)rows);
    return text;
}

const char *sql_copy_out(struct sql_session *s, const char *sql) {
    struct copy *c = NULL;
    struct buf out = {0};
    struct txn_mark mark = {0};
    status st = copy_start(s, sql, &c);
    while (ok(st)) st = copy_out_row(c, &out);
    if (status_is(st, ST_END)) st = OK;
    if (c) copy_end(c);
    st = end(s, st, mark);
    if (ok(st)) snprintf(text, sizeof text, "%.*s", (int)out.len, out.len ? out.data : "");
    buf_free(&out);
    return ok(st) ? text : copy_failure(s, st);
}
