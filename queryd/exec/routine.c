/* SQL functions at work: their statements, planned once for a worker, run one after the other. */
#include "exec/routine.h"

#include <stdio.h>

#include "analyse/analyse.h"
#include "exec/private.h"
#include "exec/routine_cache.h"
#include "types/record.h"
#include "types/resolution.h"

#define TRIES_MAX 10 /* catalogs that change between planning and locking */

/* One call. */
struct running {
    struct fn_call *c;
    struct sql_env *session; /* the session's own; env is a copy of it */
    struct sql_env env;
    struct sql_settings settings; /* of SECURITY DEFINER */
    const struct routine *routine;
    struct cached_body *body;
    struct arena scratch; /* of the statement at hand */
    datum *values;        /* the inputs */
    uint8_t *nulls;
    uint32_t mark; /* of SET clauses */
    bool has_mark;
};

/* ---- results --------------------------------------------------------------------------------- */

/* Rows of a function that gives a set. */
struct kept_row {
    struct kept_row *next;
    datum value;
    bool is_null;
};
struct kept_rows {
    struct kept_row *first, **last;
    const struct kept_row *at;
    size_t bytes;
};

static bool gives_record(const struct running *r) {
    const struct type *t = type_find(r->c->site->result_type);
    return r->c->site->result_type == RECORDOID || (t && t->kind == 'c');
}

static status no_room(struct running *r) {
    return error_set(r->env.eval.error, ST_OUT_OF_MEMORY, "out of memory");
}

/* The parts of a row to be made. */
struct row_parts {
    oid *types;
    const char **names;
    datum *values;
    uint8_t *nulls;
};

static status row_parts_new(struct running *r, struct arena *a, uint16_t n, struct row_parts *ret) {
    ret->types = arena_array(a, n + 1u, sizeof *ret->types);
    ret->names = arena_array(a, n + 1u, sizeof *ret->names);
    ret->values = arena_zalloc(a, (n + 1u) * sizeof *ret->values);
    ret->nulls = arena_alloc(a, n + 1u);
    return ret->types && ret->names && ret->values && ret->nulls ? OK : no_room(r);
}

/* A row of several columns as one value in the arena; dropped fields of its type are null. */
static status make_record(struct running *r, const struct statement *st, const struct batch *b,
                          uint16_t row, struct arena *a, datum *ret) {
    const struct type *t = type_below(type_find(r->c->site->result_type));
    const struct routine *f = r->routine;
    bool typed = t && t->kind == 'c';
    uint16_t n = typed ? t->nfields : b->ncolumns, at = 0;
    struct row_parts p;
    struct eval_env env = r->env.eval;
    env.arena = a;
    TRY(row_parts_new(r, a, n, &p));
    for (uint16_t i = 0; i < n; i++) {
        p.nulls[i] = 1;
        p.names[i] = "";
        p.types[i] = typed ? t->fields[i].type : st->columns[at].type;
        if (typed ? t->fields[i].dropped : false) continue;
        if (at >= b->ncolumns) continue;
        if (!typed && f->nresults == n && f->results[i].name)
            p.names[i] = f->results[i].name;
        else
            p.names[i] = st->columns[at].name;
        p.nulls[i] = b->columns[at].nulls[row];
        p.values[i] = b->columns[at].values[row];
        at++;
    }
    struct record record = {typed ? t->oid : RECORDOID, n, p.types, p.names, p.values, p.nulls};
    return record_build(&env, &record, ret);
}

static bool is_whole_record(const struct statement *st) {
    const struct type *t = type_find(st->columns[0].type);
    return st->ncolumns == 1 && t && (t->oid == RECORDOID || t->kind == 'c');
}

static status take_row(struct running *r, const struct statement *st, const struct batch *b,
                       uint16_t i, struct arena *a, datum *ret, bool *ret_null) {
    uint16_t row = b->sel ? b->sel[i] : i;
    if (gives_record(r) && !is_whole_record(st)) {
        *ret_null = false;
        return make_record(r, st, b, row, a, ret);
    }
    *ret_null = b->columns[0].nulls[row];
    if (*ret_null) return OK;
    return type_copy(type_find(st->columns[0].type), b->columns[0].values[row], a, ret);
}

static status keep_rows(struct running *r, const struct statement *st, const struct batch *b,
                        struct kept_rows *rows) {
    struct arena *a = r->c->set_arena;
    for (uint16_t i = 0; i < b->nrows; i++) {
        struct kept_row *k = arena_zalloc(a, sizeof *k);
        if (!k) return no_room(r);
        TRY(take_row(r, st, b, i, a, &k->value, &k->is_null));
        *rows->last = k;
        rows->last = &k->next;
    }
    rows->bytes += b->nrows * sizeof(struct kept_row);
    if (rows->bytes > HARD_MEMORY_BYTES) return no_room(r);
    return sql_env_breathe(r->session);
}

/* ---- statements ------------------------------------------------------------------------------ */

static status may_run(struct running *r, const struct statement *st) {
    if (st->read_only) return OK;
    if (r->routine->function.volatility != 'v')
        return error_set(r->env.eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "%s is not allowed in a non-volatile function", statement_command(st));
    if (r->env.txn->read_only && st->kind == STATEMENT_DEFINE)
        return error_set(r->env.eval.error, ST_READ_ONLY_SQL_TRANSACTION,
                         "cannot execute %s in a read-only transaction", statement_command(st));
    if (st->outside_block)
        return error_set(r->env.eval.error, ST_ACTIVE_SQL_TRANSACTION,
                         "%s cannot be executed from a function", st->outside_block);
    if (r->session->effect) r->session->effect(r->session);
    return OK;
}

/* A volatile function sees what was committed until now, and all that its own transaction did. */
static void take_snapshot(struct running *r) {
    if (r->routine->function.volatility != 'v') return;
    r->env.snapshot = routine_snapshot(&r->env);
}

/* Runs to the end, or to the first row where one is enough. rows: where to keep them. */
static status fetch_all(struct running *r, struct statement *st, struct execution *x, bool last,
                        struct kept_rows *rows, bool *ret_any) {
    bool one = last && !rows && st->read_only;
    for (;;) {
        const struct batch *b;
        TRY(execution_fetch(x, one ? 1 : BATCH_ROWS, &b));
        if (b->nrows == 0) return OK;
        if (last && rows) TRY(keep_rows(r, st, b, rows));
        if (last && !rows && !*ret_any) {
            bool is_null;
            TRY(take_row(r, st, b, 0, r->c->env->arena, &r->c->result, &is_null));
            r->c->is_null = is_null;
            *ret_any = true;
        }
        if (one) return OK;
        TRY(sql_env_breathe(r->session));
    }
}

static status run_statement(struct running *r, uint16_t i, bool last, struct kept_rows *rows,
                            bool *ret_any) {
    struct statement *st = r->body->statements[i];
    struct execution *x = NULL;
    TRY(may_run(r, st));
    take_snapshot(r);
    status s = execution_begin(&r->env, st, r->values, r->nulls, &x);
    bool gives = last && st->ncolumns && r->c->site->result_type != VOIDOID;
    if (ok(s)) s = fetch_all(r, st, x, gives, rows, ret_any);
    if (x) execution_end(x);
    r->session->ri = r->env.ri;
    r->session->index_rows = r->env.index_rows;
    return s;
}

static status statement_once(struct running *r, uint16_t i, bool last, struct kept_rows *rows,
                             bool *ret_any, bool *ret_planned) {
    status s = STATUS(INVALID);
    for (int tries = 0; status_is(s, ST_INVALID) && tries < TRIES_MAX; tries++) {
        arena_reset(&r->scratch);
        s = cached_body_plan(&r->env, r->body, i, last);
        *ret_planned = ok(s);
        if (ok(s)) s = run_statement(r, i, last, rows, ret_any);
    }
    return s;
}

/* Where it failed: in a statement, or (statement NULL) before there was one to run. */
static void add_context(struct error *e, const struct routine *r, const uint16_t *statement) {
    size_t len = strlen(e->context);
    int n = snprintf(e->context + len, sizeof e->context - len, "%sSQL function \"%s\" ",
                     len ? "\n" : "", r->function.name);
    if (n > 0 && len + (size_t)n < sizeof e->context) len += (size_t)n;
    if (statement)
        snprintf(e->context + len, sizeof e->context - len, "statement %u", *statement + 1u);
    else
        snprintf(e->context + len, sizeof e->context - len, "during startup");
    e->position = 0; /* of the body, not of what the client sent */
}

static status run_statements(struct running *r, struct kept_rows *rows) {
    bool any = false;
    uint16_t n = r->body->n;
    r->c->is_null = true;
    for (uint16_t i = 0; i < n; i++) {
        bool planned = false;
        status s = statement_once(r, i, i == n - 1, rows, &any, &planned);
        if (!ok(s)) {
            s = catalog_error(&r->env, s);
            add_context(r->env.eval.error, r->routine, planned ? &i : NULL);
            return s;
        }
    }
    return OK;
}

/* ---- a call ---------------------------------------------------------------------------------- */

static status no_memory_for(struct fn_call *c) {
    return error_set(c->env->error, ST_OUT_OF_MEMORY, "out of memory");
}

/* Inputs only: CALL also has places for what a procedure gives back. */
static status take_inputs(struct running *r) {
    const struct routine *f = r->routine;
    struct fn_call *c = r->c;
    uint16_t n = 0, at = 0;
    r->values = arena_array(c->env->arena, c->nargs + 1u, sizeof *r->values);
    r->nulls = arena_array(c->env->arena, c->nargs + 1u, 1);
    if (!r->values || !r->nulls) return no_memory_for(c);
    for (uint16_t i = 0; i < f->nparams && at < c->nargs; i++) {
        char mode = f->params[i].mode;
        if (mode == 't' || (mode == 'o' && f->function.kind != 'p')) continue;
        if (mode != 'o') {
            r->values[n] = c->args[at];
            r->nulls[n++] = c->nulls[at];
        }
        at++;
    }
    return OK;
}

static status enter_settings(struct running *r) {
    const struct routine *f = r->routine;
    if (f->security_definer) {
        r->settings = *r->session->settings;
        r->settings.user_oid = f->owner;
        TRY(routine_owner_name(&r->env, f->owner, r->c->env->arena, &r->settings.user));
        r->env.settings = &r->settings;
    }
    for (uint16_t i = 0; i < f->nconfig; i++) {
        const char *equals = strchr(f->config[i], '=');
        uint32_t mark;
        if (!equals) continue;
        char *name = arena_strndup(r->c->env->arena, f->config[i], (size_t)(equals - f->config[i]));
        if (!name) return no_memory_for(r->c);
        TRY(r->session->setting_push(r->session, name, equals + 1, &mark));
        if (!r->has_mark) r->mark = mark;
        r->has_mark = true;
    }
    if (f->security_definer && f->nconfig) {
        const char *user = r->settings.user;
        r->settings = *r->session->settings;
        r->settings.user_oid = f->owner;
        r->settings.user = user;
    }
    return OK;
}

static status with_settings(struct running *r, struct kept_rows *rows) {
    struct sql_settings *before = r->session->settings;
    status s = enter_settings(r);
    if (ok(s) && r->routine->security_definer) r->session->settings = &r->settings;
    if (ok(s)) s = cached_body_get(&r->env, r->c->site, r->routine, &r->body);
    if (ok(s)) {
        s = run_statements(r, rows);
        cached_body_release(r->body);
    }
    r->session->settings = before;
    if (r->has_mark) r->session->setting_pop(r->session, r->mark);
    return s;
}

static status run(struct fn_call *c, struct kept_rows *rows) {
    struct running r = {.c = c, .session = c->env->session->session};
    if (coro_stack_left() < 2 * STACK_MARGIN_BYTES) {
        status s = error_set(c->env->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
        error_hint(c->env->error, "Increase the configuration parameter \"max_stack_depth\" "
                                  "(currently 2048kB), after ensuring the platform's stack depth "
                                  "limit is adequate.");
        return s;
    }
    TRY(sql_env_breathe(r.session));
    r.env = *r.session;
    r.env.eval.error = c->env->error;
    status s = catalog_routine(&r.env, c->site->function->oid, &r.routine);
    if (status_is(s, ST_NOT_FOUND))
        return error_set(c->env->error, ST_UNDEFINED_FUNCTION,
                         "function with OID %u does not exist", c->site->function->oid);
    TRY(s);
    r.c = c;
    TRY(take_inputs(&r));
    arena_init(&r.scratch, 0);
    r.env.eval.arena = &r.scratch;
    s = with_settings(&r, rows);
    arena_free(&r.scratch);
    return s;
}

static status next_row(struct fn_call *c) {
    struct kept_rows *rows = c->set_state;
    if (!rows) {
        rows = arena_zalloc(c->set_arena, sizeof *rows);
        if (!rows) return no_memory_for(c);
        rows->last = &rows->first;
        TRY(run(c, rows));
        rows->at = rows->first;
        c->set_state = rows;
    }
    c->is_null = true;
    c->set_done = !rows->at;
    if (!rows->at) return OK;
    c->result = rows->at->value;
    c->is_null = rows->at->is_null;
    rows->at = rows->at->next;
    return OK;
}

status routine_call(struct fn_call *c) {
    if (c->site->function->returns_set && c->set_arena) return next_row(c);
    TRY(run(c, NULL));
    return OK;
}

/* ---- CREATE FUNCTION ------------------------------------------------------------------------- */

static bool is_polymorphic(const struct routine *r) {
    for (uint16_t i = 0; i < r->nparams; i++) {
        const struct type *t = type_find(r->params[i].type);
        if (t && t->kind == 'p' && t->oid != RECORDOID && r->params[i].mode != 'o' &&
            r->params[i].mode != 't')
            return true;
    }
    return false;
}

static status check_statement(struct sql_env *env, const struct raw_stmt *raw,
                              const struct routine_body *body) {
    struct statement *st;
    if (raw->stmt->kind == NODE_TRANSACTION)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "%s is not allowed in an SQL function", "a transaction command");
    TRY(statement_prepare(env, raw, body->types, body->nargs, &st));
    bool gives = body->last && st->kind == STATEMENT_DEFINE && body->result != VOIDOID;
    statement_release(st);
    if (!gives) return OK;
    status s = error_set(env->eval.error, ST_INVALID_FUNCTION_DEFINITION,
                         "return type mismatch in function declared to return %s",
                         type_format_name(env->eval.arena, body->result));
    error_detail(env->eval.error, "Function's final statement must be SELECT or "
                                  "INSERT/UPDATE/DELETE RETURNING.");
    return s;
}

static status nothing_given(struct sql_env *env, const struct routine_body *body) {
    if (body->result == VOIDOID) return OK;
    status s = error_set(env->eval.error, ST_INVALID_FUNCTION_DEFINITION,
                         "return type mismatch in function declared to return %s",
                         type_format_name(env->eval.arena, body->result));
    error_detail(env->eval.error, "Function's final statement must be SELECT or "
                                  "INSERT/UPDATE/DELETE RETURNING.");
    return s;
}

static status check_statements(struct sql_env *env, const struct routine *r) {
    struct list *statements;
    struct routine_body body;
    const char *text;
    struct sql_env inner = *env;
    TRY(routine_parse(env, r, env->eval.arena, &statements, &text));
    if (is_polymorphic(r)) return OK;
    TRY(routine_body_of(env, r, NULL, 0, r->function.result, env->eval.arena, &body));
    if (!list_n(statements)) return nothing_given(env, &body);
    inner.body = &body;
    inner.text = text;
    inner.text_len = strlen(text);
    LIST_EACH(struct raw_stmt *, raw, statements) {
        body.last = raw_i == list_n(statements) - 1;
        TRY(check_statement(&inner, raw, &body));
    }
    return OK;
}

status routine_check_body(struct sql_env *env, const struct routine *r) {
    status s = check_statements(env, r);
    if (ok(s)) return OK;
    struct error *e = env->eval.error;
    e->position = 0;
    if (!*e->context)
        snprintf(e->context, sizeof e->context, "SQL function \"%s\"", r->function.name);
    return s;
}
