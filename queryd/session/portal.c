/* Portals: statements being executed, of the extended protocol and of DECLARE. */
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "session/session_private.h"
#include "session/worker.h"

struct portal *portal_find(struct session *s, const char *name) {
    for (struct portal *p = s->portals; p; p = p->next)
        if (strcmp(p->name, name) == 0) return p;
    return NULL;
}

static void stop(struct portal *p) {
    if (p->cursor) cursor_free(p->cursor);
    kept_answer_free(p->answer);
    if (p->execution) execution_end(p->execution);
    p->cursor = NULL;
    p->answer = NULL;
    p->execution = NULL;
}

static void portal_free(struct portal *p) {
    stop(p);
    if (p->statement) statement_release(p->statement);
    if (p->utility) prepared_release(p->utility);
    struct arena all = p->arena; /* the portal itself lies there */
    arena_free(&all);
}

void portal_drop(struct session *s, struct portal *p) {
    for (struct portal **at = &s->portals; *at; at = &(*at)->next) {
        if (*at != p) continue;
        *at = p->next;
        portal_free(p);
        return;
    }
}

void portal_drop_all(struct session *s) {
    while (s->portals) portal_drop(s, s->portals);
}

static bool goes_with(const struct portal *p, uint32_t level) {
    return !(p->cursor && cursor_is_held(p->cursor)) && p->level >= level;
}

void portal_drop_from(struct session *s, uint32_t level) {
    for (struct portal *p = s->portals, *next; p; p = next) {
        next = p->next;
        if (goes_with(p, level)) portal_drop(s, p);
    }
}

void portal_fail_from(struct session *s, uint32_t level) {
    for (struct portal *p = s->portals; p; p = p->next) {
        if (!goes_with(p, level)) continue;
        stop(p);
        p->failed = true;
    }
}

void portal_release_level(struct session *s, uint32_t level) {
    for (struct portal *p = s->portals; p; p = p->next)
        if (p->level >= level) p->level = level - 1;
}

status portal_new(struct session *s, const char *name, struct portal **ret_portal) {
    struct portal *old = portal_find(s, name);
    if (old && *name)
        return error_set(&s->error, ST_DUPLICATE_CURSOR, "cursor \"%s\" already exists", name);
    if (old) portal_drop(s, old);
    struct arena all;
    arena_init(&all, s->statement_arena.limit);
    struct portal *p = arena_zalloc(&all, sizeof *p);
    char *copy = arena_strdup(&all, name);
    if (!p || !copy) {
        arena_free(&all);
        return STATUS(OUT_OF_MEMORY);
    }
    p->name = copy;
    p->arena = all;
    p->level = block_level(s);
    p->created_us = s->values.statement_us;
    p->next = s->portals;
    s->portals = p;
    *ret_portal = p;
    return OK;
}

static status check_may_run(struct session *s, const struct statement *st) {
    if (st->outside_block) TRY(block_must_be_alone(s, st->outside_block));
    if (s->txn.read_only && !st->read_only && st->kind == STATEMENT_DEFINE)
        return error_set(&s->error, ST_READ_ONLY_SQL_TRANSACTION,
                         "cannot execute %s in a read-only transaction", statement_command(st));
    return OK;
}

static status start(struct session *s, struct portal *p) {
    TRY(block_statement_begin(s));
    TRY(check_may_run(s, p->statement));
    if (!p->statement->read_only) session_note_effect(s);
    p->snapshot = s->env.snapshot;
    FAULT(s->env.proc, STATEMENT);
    return execution_begin_again(&s->env, p->statement, p->params, p->nulls, &p->execution);
}

/* The next batch, at most `want` rows (0: as many as there are). */
static status fetch(struct portal *p, uint64_t want) {
    uint16_t n = want == 0 || want > BATCH_ROWS ? BATCH_ROWS : (uint16_t)want;
    TRY(execution_fetch(p->execution, n, &p->batch));
    p->batch_at = 0;
    if (p->batch->nrows == 0) {
        p->batch = NULL;
        p->done = true;
    }
    return OK;
}

static status run_rows(struct session *s, struct portal *p, uint64_t max, bool send,
                       uint64_t *ret_rows) {
    struct row_sender *sender = NULL;
    uint64_t rows = 0;
    if (statement_gives_rows(p->statement))
        TRY(row_sender_new(s, &p->arena, p->statement->ncolumns, p->statement->columns, p->nformats,
                           p->formats, &sender));
    while (!p->done && (max == 0 || rows < max)) {
        if (!p->batch) {
            TRY(fetch(p, max ? max - rows : 0));
            continue;
        }
        uint16_t left = (uint16_t)(p->batch->nrows - p->batch_at);
        if (max && left > max - rows) left = (uint16_t)(max - rows);
        if (send && sender) TRY(row_sender_send(sender, p->batch, p->batch_at, left));
        rows += left;
        p->batch_at = (uint16_t)(p->batch_at + left);
        if (p->batch_at == p->batch->nrows) p->batch = NULL;
    }
    *ret_rows = rows;
    return OK;
}

status portal_refuse(struct session *s, const struct portal *p) {
    return error_set(&s->error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE, "portal \"%s\" cannot be run",
                     p->name);
}

status portal_run(struct session *s, struct portal *p, uint64_t max, bool send,
                  uint64_t *ret_rows) {
    struct sql_env *env = &s->env;
    struct arena *outer = env->eval.arena;
    struct snapshot outer_snapshot = env->snapshot;
    env->eval.arena = &p->arena;
    env->text = p->text;
    env->text_len = p->text_len;
    if (p->execution) block_statement_resume(s);
    status st = p->failed ? portal_refuse(s, p) : p->execution ? OK : start(s, p);
    if (ok(st) && p->describe && statement_gives_rows(p->statement))
        st = send_row_description(s, p->statement->ncolumns, p->statement->columns, 0, NULL);
    if (ok(st)) {
        env->snapshot = p->snapshot;
        st = run_rows(s, p, max, send, ret_rows);
        p->failed = !ok(st);
    }
    env->eval.arena = outer;
    env->snapshot = outer_snapshot;
    return st;
}
