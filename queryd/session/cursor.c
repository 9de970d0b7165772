/* Cursors: DECLARE, FETCH, MOVE, CLOSE, WITH HOLD, WHERE CURRENT OF. */
#include <stdlib.h>
#include <string.h>

#include "session/cursor.h"
#include "session/worker.h"

void cursor_free(struct cursor *c) {
    kept_rows_free(c->rows);
    free(c);
}

bool cursor_is_held(const struct cursor *c) {
    return c->held;
}

void cursor_facts(const struct cursor *c, bool *ret_hold, bool *ret_binary, bool *ret_scroll) {
    *ret_hold = c->options & CURSOR_HOLD;
    *ret_binary = c->options & CURSOR_BINARY;
    *ret_scroll = c->scrolls;
}

/* ---- DECLARE --------------------------------------------------------------------------------- */

static status refuse_options(struct session *s, const struct ast_declare_cursor *d) {
    int32_t o = d->options;
    if ((o & CURSOR_SCROLL) && (o & CURSOR_NO_SCROLL))
        return error_set(&s->error, ST_INVALID_CURSOR_DEFINITION,
                         "cannot specify both SCROLL and NO SCROLL");
    if ((o & CURSOR_ASENSITIVE) && (o & CURSOR_INSENSITIVE))
        return error_set(&s->error, ST_INVALID_CURSOR_DEFINITION,
                         "cannot specify both INSENSITIVE and ASENSITIVE");
    return OK;
}

/* What a cursor that locks its rows cannot be. */
static status refuse_locking(struct session *s, const struct ast_declare_cursor *d) {
    static const struct {
        int32_t option;
        const char *words, *detail;
    } refused[] = {
        {CURSOR_HOLD, "DECLARE CURSOR WITH HOLD ... FOR UPDATE is not supported",
         "Holdable cursors must be READ ONLY."},
        {CURSOR_SCROLL, "DECLARE SCROLL CURSOR ... FOR UPDATE is not supported",
         "Scrollable cursors must be READ ONLY."},
        {CURSOR_INSENSITIVE, "DECLARE INSENSITIVE CURSOR ... FOR UPDATE is not valid",
         "Insensitive cursors must be READ ONLY."},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (!(d->options & refused[i].option)) continue;
        status st = error_set(&s->error,
                              refused[i].option == CURSOR_INSENSITIVE ? ST_INVALID_CURSOR_DEFINITION
                                                                      : ST_FEATURE_NOT_SUPPORTED,
                              "%s", refused[i].words);
        error_detail(&s->error, "%s", refused[i].detail);
        return st;
    }
    return OK;
}

static status cursor_new(struct session *s, struct portal *p, const struct ast_declare_cursor *d) {
    const struct statement *st = p->statement;
    struct cursor *c = calloc(1, sizeof *c);
    if (!c) return STATUS(OUT_OF_MEMORY);
    p->cursor = c;
    c->options = d->options;
    c->at_start = true;
    c->scrolls =
        (d->options & CURSOR_SCROLL) || (!(d->options & CURSOR_NO_SCROLL) && statement_scrolls(st));
    c->ncolumns = (uint16_t)(st->ncolumns + st->naddresses);
    c->types = arena_array(&p->arena, c->ncolumns + 1u, sizeof *c->types);
    if (!c->types) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < c->ncolumns; i++)
        c->types[i] = type_find(i < st->ncolumns ? st->columns[i].type : BYTEAOID);
    TRY(kept_rows_new(&s->env, c->ncolumns, c->types, &c->rows));
    return st->locks_rows ? refuse_locking(s, d) : OK;
}

static status prepare(struct session *s, struct portal *p, const struct ast_declare_cursor *d) {
    struct raw_stmt raw = {.stmt = d->query, .location = 0, .length = (int32_t)s->env.text_len};
    s->env.of_cursor = true;
    status st = statement_prepare(&s->env, &raw, NULL, 0, &p->statement);
    s->env.of_cursor = false;
    TRY(st);
    p->text = arena_strndup(&p->arena, s->env.text, s->env.text_len);
    if (!p->text) return STATUS(OUT_OF_MEMORY);
    p->text_len = s->env.text_len;
    p->fingerprint = plan_cache_fingerprint(s->env.text, s->env.text_len);
    return cursor_new(s, p, d);
}

/* INVALID: catalogs changed between planning and locking; it can be tried again. */
static status open_cursor(struct session *s, const struct ast_declare_cursor *d) {
    struct portal *p;
    TRY(block_statement_begin(s));
    TRY(portal_new(s, d->name, &p));
    status st = prepare(s, p, d);
    if (ok(st)) {
        struct arena *outer = s->env.eval.arena;
        s->env.eval.arena = &p->arena;
        p->snapshot = s->env.snapshot;
        st = execution_begin(&s->env, p->statement, NULL, NULL, &p->execution);
        s->env.eval.arena = outer;
    }
    if (!ok(st)) portal_drop(s, p);
    return st;
}

static status refuse_changes(struct session *s, struct node *query) {
    const struct ast_with *w = query->kind == NODE_SELECT ? ast_as_select(query)->with : NULL;
    for (int32_t i = 0; w && i < list_n(w->ctes); i++)
        if (((struct ast_cte *)list_at(w->ctes, i))->query->kind != NODE_SELECT)
            return error_set(&s->error, ST_FEATURE_NOT_SUPPORTED,
                             "DECLARE CURSOR must not contain data-modifying statements in WITH");
    return OK;
}

status cursor_declare(struct session *s, const struct ast_declare_cursor *d) {
    TRY(refuse_options(s, d));
    TRY(refuse_changes(s, d->query));
    if (!block_is_open(s) && !(d->options & CURSOR_HOLD))
        return error_set(&s->error, ST_NO_ACTIVE_SQL_TRANSACTION,
                         "DECLARE CURSOR can only be used in transaction blocks");
    if (*d->name && portal_find(s, d->name))
        return error_set(&s->error, ST_DUPLICATE_CURSOR, "cursor \"%s\" already exists", d->name);
    if (d->options & CURSOR_HOLD) session_note_effect(s); /* it lasts longer than its answer */
    status st;
    int tries = 0;
    do st = open_cursor(s, d);
    while (status_is(st, ST_INVALID) && ++tries < 10);
    return st;
}

/* ---- holding --------------------------------------------------------------------------------- */

static status hold(struct session *s, struct portal *p) {
    struct cursor *c = p->cursor;
    if (!c->scrolls) TRY(cursor_forget_rows(c));
    if (!p->done) TRY(cursor_pull(s, p, 0));
    execution_end(p->execution);
    p->execution = NULL;
    c->held = true;
    return OK;
}

status cursor_hold_all(struct session *s) {
    for (struct portal *p = s->portals; p; p = p->next) {
        if (!p->cursor || p->cursor->held || !(p->cursor->options & CURSOR_HOLD)) continue;
        if (p->failed) return portal_refuse(s, p);
        TRY(hold(s, p));
        s->slot->holds_cursors = true;
    }
    return OK;
}

bool cursor_any_held(const struct session *s) {
    for (const struct portal *p = s->portals; p; p = p->next)
        if (p->cursor && p->cursor->held) return true;
    return false;
}

/* ---- FETCH, MOVE, CLOSE ---------------------------------------------------------------------- */

static status no_cursor(struct session *s, const char *name) {
    if (s->cursors_lost)
        return error_set(&s->error, ST_INVALID_CURSOR_NAME,
                         "cursor \"%s\" was lost because its worker restarted; declare it again",
                         name);
    return error_set(&s->error, ST_INVALID_CURSOR_NAME, "cursor \"%s\" does not exist", name);
}

/* A portal that was bound: it goes forward, as Execute does. */
static status fetch_bound(struct session *s, struct portal *p, const struct ast_fetch *f,
                          uint64_t *ret_rows) {
    if (f->direction != FETCH_FORWARD || f->count < 0) return cursor_forward_only(s);
    if (!p->statement || !statement_gives_rows(p->statement)) return portal_refuse(s, p);
    *ret_rows = 0;
    if (f->count == 0) return OK;
    uint16_t nformats = p->nformats, *formats = p->formats;
    p->nformats = s->utility_nformats; /* as FETCH was bound */
    p->formats = (uint16_t *)s->utility_formats;
    uint64_t n = f->count == FETCH_ALL ? 0 : (uint64_t)f->count;
    status st = portal_run(s, p, n, !f->move, ret_rows);
    p->nformats = nformats;
    p->formats = formats;
    return st;
}

static status fetch_rows(struct session *s, struct portal *p, const struct ast_fetch *f,
                         uint64_t *ret_rows) {
    struct cursor_output out;
    if (!p->cursor) return fetch_bound(s, p, f, ret_rows);
    TRY(cursor_output_new(s, p, f->move, &out));
    status st = cursor_go(s, p, f, &out);
    if (out.arena.chunk) arena_free(&out.arena);
    p->failed = !ok(st);
    *ret_rows = out.sent;
    return st;
}

status cursor_fetch(struct session *s, const struct ast_fetch *f, bool describe,
                    const char **ret_tag) {
    struct portal *p = portal_find(s, f->cursor);
    uint64_t rows = 0;
    if (!p) return no_cursor(s, f->cursor);
    if (p->failed) return portal_refuse(s, p);
    if (describe && !f->move && p->statement) {
        const uint16_t *formats;
        uint16_t nformats = p->cursor ? cursor_formats(s, p->cursor, &formats) : 0;
        TRY(send_row_description(s, p->statement->ncolumns, p->statement->columns, nformats,
                                 nformats ? formats : NULL));
    }
    TRY(quarantine_enter_known(s, p->fingerprint, p->text, p->text_len));
    TRY(fetch_rows(s, p, f, &rows));
    char *tag = arena_printf(&s->statement_arena, "%s %llu", f->move ? "MOVE" : "FETCH",
                             (unsigned long long)rows);
    if (!tag) return STATUS(OUT_OF_MEMORY);
    *ret_tag = tag;
    return OK;
}

status cursor_close(struct session *s, const char *name) {
    struct portal *p = name ? portal_find(s, name) : NULL;
    if (name && !p) return no_cursor(s, name);
    if (p) portal_drop(s, p);
    for (struct portal *next = name ? NULL : s->portals; next;) {
        p = next;
        next = p->next;
        if (p->cursor) portal_drop(s, p);
    }
    if (!cursor_any_held(s)) s->slot->holds_cursors = s->cursors_lost = false;
    return OK;
}

/* ---- WHERE CURRENT OF ------------------------------------------------------------------------ */

static status not_updatable(struct session *s, const struct portal *p, const char *table) {
    if (p->statement->locks_rows)
        return error_set(&s->error, ST_INVALID_CURSOR_STATE,
                         "cursor \"%s\" does not have a FOR UPDATE/SHARE reference to table \"%s\"",
                         p->name, table);
    return error_set(&s->error, ST_INVALID_CURSOR_STATE,
                     "cursor \"%s\" is not a simply updatable scan of table \"%s\"", p->name,
                     table);
}

status cursor_current_row(struct sql_env *env, const char *name, uint32_t table,
                          const char *table_name, datum *ret_key) {
    struct session *s = env->session;
    const struct portal *p = portal_find(s, name);
    if (!p) return no_cursor(s, name);
    const struct cursor *c = p->cursor;
    if (!c || !p->statement)
        return error_set(&s->error, ST_INVALID_CURSOR_STATE, "cursor \"%s\" is not a SELECT query",
                         name);
    if (c->held)
        return error_set(&s->error, ST_INVALID_CURSOR_STATE,
                         "cursor \"%s\" is held from a previous transaction", name);
    uint16_t i = 0;
    while (i < p->statement->naddresses && p->statement->address_tables[i] != table) i++;
    if (i == p->statement->naddresses) return not_updatable(s, p, table_name);
    if (c->at_start || c->at_end || c->at <= c->first)
        return error_set(&s->error, ST_INVALID_CURSOR_STATE,
                         "cursor \"%s\" is not positioned on a row", name);
    uint16_t column = (uint16_t)(p->statement->ncolumns + i), n = c->ncolumns;
    struct arena *a = env->eval.arena;
    struct vec *row = arena_array(a, n, sizeof *row);
    datum *values = arena_array(a, n, sizeof *values);
    uint8_t *nulls = arena_alloc(a, n);
    if (!row || !values || !nulls) return STATUS(OUT_OF_MEMORY);
    for (uint16_t j = 0; j < n; j++) row[j] = (struct vec){values + j, nulls + j};
    TRY(kept_rows_get(c->rows, c->at - 1 - c->first, a, row, 0));
    const struct varlena *key = address_row_key(a, values[column]);
    if (!key) return STATUS(OUT_OF_MEMORY);
    *ret_key = datum_ptr(key);
    return OK;
}
