/* The simple query protocol: one text, any number of statements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "base/probe.h"
#include "parse/fingerprint.h"
#include "session/session_private.h"
#include "session/worker.h"

const char *tag_of(struct session *s, const struct execution *x, const uint64_t *rows,
                   struct arena *a) {
    bool counts;
    uint64_t count;
    const char *tag = execution_tag(x, &counts, &count);
    if (!counts) return tag;
    if (rows) count = *rows;
    size_t len = strlen(tag);
    char *whole = arena_alloc(a, len + 22); /* a blank, 20 digits, NUL */
    if (!whole) {
        status_ignore(error_from_status(&s->error, STATUS(OUT_OF_MEMORY)));
        return tag;
    }
    char digits[20];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + count % 10);
    while (count /= 10);
    memcpy(whole, tag, len);
    whole[len] = ' ';
    memcpy(whole + len + 1, digits + at, sizeof digits - at);
    whole[len + 1 + sizeof digits - at] = '\0';
    return whole;
}

size_t tag_words(const char *tag) {
    size_t n = strlen(tag);
    while (n && tag[n - 1] >= '0' && tag[n - 1] <= '9') n--;
    return n;
}

static void forget_unnamed_portal(struct session *s) {
    struct portal *p = portal_find(s, "");
    if (p) portal_drop(s, p);
}

/* One execution of a plan through a portal of its own. */
status run_statement(struct session *s, struct statement *st, const datum *params,
                     const uint8_t *nulls, bool describe, const char **ret_tag) {
    struct portal portal = {.statement = st,
                            .text = s->env.text,
                            .text_len = s->env.text_len,
                            .nparams = st->nparams,
                            .params = (datum *)params,
                            .nulls = (uint8_t *)nulls,
                            .nformats = s->utility_nformats,
                            .formats = (uint16_t *)s->utility_formats,
                            .describe = describe};
    arena_init(&portal.arena, s->statement_arena.limit);
    uint64_t rows;
    status result = portal_run(s, &portal, 0, true, &rows);
    if (ok(result)) *ret_tag = tag_of(s, portal.execution, NULL, &s->statement_arena);
    if (portal.execution) execution_end(portal.execution);
    arena_free(&portal.arena);
    return result;
}

static status run_plan(struct session *s, const struct raw_stmt *raw, const char *text, size_t len,
                       const char **ret_tag) {
    struct statement *st;
    TRY(block_check_failed(s, NULL));
    for (int tries = 0;; tries++) {
        TRY(block_statement_begin(s));
        s->env.text = text;
        s->env.text_len = len;
        TRY(statement_prepare(&s->env, raw, NULL, 0, &st));
        status result = run_statement(s, st, NULL, NULL, true, ret_tag);
        statement_release(st);
        /* catalogs changed between planning and locking: plan again */
        if (!status_is(result, ST_INVALID) || tries == PLAN_TRIES_MAX) return result;
    }
}

/* Commits before the tag goes out when the transaction is implicit and this was its last statement.
 */
static status finish(struct session *s, bool last, const char *tag) {
    block_statement_end(s);
    if (last) TRY(block_finish_implicit(s, tag));
    if (tag) send_complete(s, tag);
    return OK;
}

static status run_raw(struct session *s, const struct raw_stmt *raw, const char *text, size_t len,
                      bool last) {
    const char *tag = NULL;
    counter_add(s->env.proc, COUNTER_STATEMENTS, 1);
    forget_unnamed_portal(s);
    s->last_statement = last;
    s->env.text = text;
    s->env.text_len = len;
    s->statement_end = raw->length > 0 ? (size_t)(raw->location + raw->length) : 0;
    if (utility_is(raw->stmt)) {
        TRY(block_check_failed(s, raw->stmt));
        TRY(utility_execute(s, raw->stmt, true, &tag));
        if (s->copy_in) return OK; /* goes on with the client's data */
    } else {
        TRY(run_plan(s, raw, text, len, &tag));
    }
    return finish(s, last, tag);
}

/* ---- statements that differ in their literals only --------------------------------------------
 */

static const oid lifted_types[] = {
    [LIFTED_INT4] = INT4OID,
    [LIFTED_INT8] = INT8OID,
    [LIFTED_NUMERIC] = NUMERICOID,
    [LIFTED_STRING] = 0 /* as an untyped parameter: found by analysis */
};

/* A plan that would be another one with the literals in it stays in the cache to say so. */
static struct statement *usable_lifted(struct statement *st) {
    if (!st->literals_matter) return st;
    statement_release(st);
    return NULL;
}

/* The plan for the text with its literals lifted out; NULL when there is none to be had, for
 * whatever reason: the text as written then tells why. */
static struct statement *plan_lifted(struct session *s, const struct parse_lifted *lifted,
                                     const oid *types) {
    struct plan_cache *plans = &s->worker->plans;
    uint16_t n = (uint16_t)lifted->n;
    struct statement *st =
        plan_cache_get(plans, &s->env, lifted->key, lifted->key_length, types, n);
    if (st) {
        counter_add(s->env.proc, COUNTER_PLAN_HITS, 1);
        return usable_lifted(st);
    }
    struct list *statements;
    s->env.text = lifted->key;
    s->env.text_len = lifted->key_length;
    if (!ok(parse_sql(&s->statement_arena, lifted->key, lifted->key_length, &s->error,
                      &statements)) ||
        list_n(statements) != 1 || !ok(block_statement_begin(s)) ||
        !ok(statement_prepare(&s->env, list_at(statements, 0), types, n, &st)))
        return NULL;
    plan_cache_put(plans, &s->env, lifted->key, lifted->key_length, types, n, st);
    return usable_lifted(st);
}

/* *ret_done false: run the text as it was written. */
static status run_lifted(struct session *s, const char *text, size_t len, bool *ret_done,
                         const char **ret_tag) {
    bool liftable;
    struct parse_lifted lifted;
    *ret_done = false;
    TRY(parse_lift_literals(&s->statement_arena, text, len, &liftable, &lifted));
    TRY(quarantine_enter(s, liftable ? lifted.key : text, liftable ? lifted.key_length : len));
    if (!liftable || s->block == BLOCK_FAILED) return OK;
    uint16_t n = (uint16_t)lifted.n;
    oid *types = arena_array(&s->statement_arena, n, sizeof *types);
    datum *values = arena_array(&s->statement_arena, n, sizeof *values);
    uint8_t *nulls = arena_array(&s->statement_arena, n, 1);
    if (!types || !values || !nulls) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < n; i++) types[i] = lifted_types[lifted.literals[i].kind];
    struct statement *st = plan_lifted(s, &lifted, types);
    bool fits = st && st->nparams == n;
    for (uint16_t i = 0; fits && i < n; i++) {
        const struct type *t = type_find(st->param_types[i]);
        const struct parse_literal *l = &lifted.literals[i];
        fits = t && ok(type_input(&s->env.eval, t, -1, l->text, (size_t)l->length, &values[i]));
    }
    status result = OK;
    if (fits) {
        forget_unnamed_portal(s);
        s->env.text = lifted.key;
        s->env.text_len = lifted.key_length;
        result = run_statement(s, st, values, nulls, true, ret_tag);
        *ret_done = !status_is(result, ST_INVALID);
        s->error.position = 0; /* of the key, which nobody wrote */
    }
    if (st) statement_release(st);
    if (!*ret_done) error_clear(&s->error);
    return *ret_done ? result : OK;
}

static status run_list(struct session *s, const struct list *statements, int32_t from,
                       const char *text, size_t len) {
    int32_t n = list_n(statements);
    for (int32_t i = from; i < n; i++) {
        if (n > 1) TRY(quarantine_enter(s, text, len)); /* what was before may have been exempt */
        s->in_sequence = n > 1;
        TRY(run_raw(s, list_at(statements, i), text, len, i == n - 1));
        if (!s->copy_in) continue;
        if (i == n - 1) return OK;
        s->copy_text = strndup(text, len); /* the message goes, and the statement's memory */
        s->copy_next = i + 1;
        return s->copy_text ? OK : STATUS(OUT_OF_MEMORY);
    }
    return OK;
}

static status run_text(struct session *s, const char *text, size_t len) {
    bool done;
    const char *tag = NULL;
    s->last_statement = true;
    TRY(send_cut_names(s, text, len));
    TRY(run_lifted(s, text, len, &done, &tag));
    if (done) {
        counter_add(s->env.proc, COUNTER_STATEMENTS, 1);
        return finish(s, true, tag);
    }
    struct list *statements;
    TRY(parse_sql(&s->statement_arena, text, len, &s->error, &statements));
    int32_t n = list_n(statements);
    if (n == 0) {
        wire_begin(&s->wire, 'I');
        wire_end(&s->wire);
        return block_finish_implicit(s, NULL);
    }
    return run_list(s, statements, 0, text, len);
}

void simple_ready(struct session *s) {
    s->in_sequence = s->in_pipeline = false;
    send_ready(s);
}

static void end_of_query(struct session *s, status st) {
    if (!ok(st)) {
        copy_io_forget(s);
        status_ignore(block_words(s, st)); /* sent now */
        send_error(s, "ERROR");
        block_abort(s);
    }
    if (!s->copy_in) simple_ready(s);
}

/* What was prepared without a name lives until the next query; what was bound, until a statement.
 */
static void forget_unnamed(struct session *s) {
    if (prepared_find(s, "")) prepared_drop(s, "");
}

void simple_query(struct session *s, const struct wire_message *m) {
    struct wire_reader r = wire_reader(m);
    const char *text;
    error_clear(&s->error);
    arena_reset(&s->statement_arena);
    status st = read_string(s, &r, &text);
    if (ok(st)) st = wire_get_end(&r);
    if (ok(st))
        forget_unnamed(s);
    else
        st = r.wrong ? error_set(&s->error, st.code, "%s", r.wrong) : st;
    PROBE(axolotl_queryd, statement_begin, s->env.proc->trace, ok(st) ? text : "");
    if (ok(st)) st = session_read_text(s, &text);
    if (ok(st)) st = run_text(s, text, strlen(text));
    PROBE(axolotl_queryd, statement_done, s->env.proc->trace, st.code);
    end_of_query(s, st);
}

void simple_resume(struct session *s) {
    char *text = s->copy_text;
    struct list *statements;
    s->copy_text = NULL;
    error_clear(&s->error);
    arena_reset(&s->statement_arena);
    status st = parse_sql(&s->statement_arena, text, strlen(text), &s->error, &statements);
    if (ok(st)) st = run_list(s, statements, s->copy_next, text, strlen(text));
    end_of_query(s, st);
    free(text);
}
