/* Cursors: DECLARE, FETCH, MOVE, CLOSE, in every direction.
 *
 * A cursor that may go backward keeps the rows it has given; one that may not keeps the row it
 * stands on. Positions are PostgreSQL's: `at` rows lie at or before the one it stands on; before
 * the first and after the last there is none. */
#include <stdlib.h>
#include <string.h>

#include "exec/kept_rows.h"
#include "session/session_private.h"
#include "session/worker.h"

#define KEPT_BYTES_UNASKED ((size_t)4 << 20) /* of one that was not declared SCROLL */
#define BATCH_ROWS_MAX 256                   /* that are sent at once */

struct cursor {
    int32_t options; /* enum ast_cursor_option */
    bool scrolls;    /* may go backward */
    bool held;       /* its transaction has ended: all its rows are kept */
    bool at_start, at_end;
    uint64_t at;
    uint16_t ncolumns; /* with addresses */
    const struct type **types;
    struct kept_rows *rows;
    uint64_t first; /* the number of the first of them, from 0 */
};

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

/* ---- rows ------------------------------------------------------------------------------------ */

static uint64_t kept_end(const struct cursor *c) {
    return c->first + kept_rows_count(c->rows);
}

/* Forgets all rows but the last one. */
static status forget_rows(struct cursor *c) {
    uint64_t end = kept_end(c);
    TRY(kept_rows_cut(c->rows));
    c->first = end - kept_rows_count(c->rows);
    return OK;
}

/* Room for more: a cursor that goes forward only, or was not asked to scroll and has grown large,
 * lets go of what lies behind it. */
static status make_room(struct cursor *c) {
    bool asked = c->options & CURSOR_SCROLL;
    if (c->scrolls && !asked && kept_rows_bytes(c->rows) > KEPT_BYTES_UNASKED) c->scrolls = false;
    return c->scrolls ? OK : forget_rows(c);
}

/* Gets at most `want` more rows (0: all) from the execution. */
static status pull(struct session *s, struct portal *p, uint64_t want) {
    uint64_t got = 0;
    while (!p->done && (want == 0 || got < want)) {
        const struct batch *b;
        uint64_t left = want ? want - got : BATCH_ROWS;
        TRY(execution_fetch(p->execution, (uint16_t)(left < BATCH_ROWS ? left : BATCH_ROWS), &b));
        for (uint16_t i = 0; i < b->nrows; i++) TRY(kept_rows_add(p->cursor->rows, b, i));
        p->done = b->nrows == 0;
        got += b->nrows;
        TRY(sql_env_breathe(&s->env));
    }
    return OK;
}

static status pull_in_portal(struct session *s, struct portal *p, uint64_t want) {
    struct sql_env *env = &s->env;
    struct sql_env outer = *env;
    if (p->failed) return portal_refuse(s, p);
    env->eval.arena = &p->arena;
    env->text = p->text;
    env->text_len = p->text_len;
    block_statement_resume(s);
    env->snapshot = p->snapshot;
    status st = pull(s, p, want);
    env->eval.arena = outer.eval.arena;
    env->text = outer.text;
    env->text_len = outer.text_len;
    env->snapshot = outer.snapshot;
    p->failed = !ok(st);
    return st;
}

/* ---- sending --------------------------------------------------------------------------------- */

struct output {
    struct row_sender *sender; /* NULL: MOVE */
    struct batch batch;
    struct arena arena; /* what its rows point to */
    uint64_t sent;
};

static const uint16_t binary_format[] = {1};

/* BINARY, or as the Bind of the FETCH asked for. */
static uint16_t formats_of(const struct session *s, const struct cursor *c, const uint16_t **ret) {
    bool binary = c->options & CURSOR_BINARY;
    *ret = binary ? binary_format : s->utility_formats;
    return binary ? 1 : s->utility_nformats;
}

static status output_new(struct session *s, struct portal *p, bool move, struct output *o) {
    struct arena *a = &s->statement_arena;
    const struct statement *st = p->statement;
    const uint16_t *formats;
    uint16_t nformats = formats_of(s, p->cursor, &formats), n = p->cursor->ncolumns;
    *o = (struct output){0};
    arena_init(&o->arena, 0);
    if (move) return OK;
    TRY(row_sender_new(s, a, st->ncolumns, st->columns, nformats, formats, &o->sender));
    o->batch.ncolumns = n;
    o->batch.columns = arena_array(a, n + 1u, sizeof *o->batch.columns);
    if (!o->batch.columns) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < n; i++) {
        struct vec *v = &o->batch.columns[i];
        v->values = arena_array(a, BATCH_ROWS_MAX, sizeof *v->values);
        v->nulls = arena_alloc(a, BATCH_ROWS_MAX);
        if (!v->values || !v->nulls) return STATUS(OUT_OF_MEMORY);
    }
    return OK;
}

static status flush(struct output *o) {
    if (!o->sender || !o->batch.nrows) return OK;
    TRY(row_sender_send(o->sender, &o->batch, 0, o->batch.nrows));
    o->batch.nrows = 0;
    if (o->arena.chunk) arena_reset(&o->arena);
    return OK;
}

/* Row i (from 0), which is kept. */
static status put(const struct cursor *c, struct output *o, uint64_t i) {
    o->sent++;
    if (!o->sender) return OK;
    TRY(kept_rows_get(c->rows, i - c->first, &o->arena, o->batch.columns, o->batch.nrows));
    return ++o->batch.nrows == BATCH_ROWS_MAX ? flush(o) : OK;
}

/* ---- moving ---------------------------------------------------------------------------------- */

static status forward_only(struct session *s) {
    status st =
        error_set(&s->error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward");
    error_hint(&s->error, "Declare it with SCROLL option to enable backward scan.");
    return st;
}

/* The next n rows (0: all) into out (NULL: only moved over). */
static status go_forward(struct session *s, struct portal *p, uint64_t n, struct output *out) {
    struct cursor *c = p->cursor;
    uint64_t moved = 0;
    if (c->at_end) return OK;
    while (n == 0 || moved < n) {
        if (c->at == kept_end(c)) {
            uint64_t left = n ? n - moved : BATCH_ROWS;
            if (p->done) break;
            TRY(make_room(c));
            TRY(pull_in_portal(s, p, left < BATCH_ROWS ? left : BATCH_ROWS));
            continue;
        }
        if (out) TRY(put(c, out, c->at));
        c->at++;
        c->at_start = false;
        moved++;
    }
    if (n == 0 || moved < n) c->at_end = true;
    return out ? flush(out) : OK;
}

/* The n rows before this one (0: all), nearest first. */
static status go_backward(struct session *s, struct portal *p, uint64_t n, struct output *out) {
    struct cursor *c = p->cursor;
    uint64_t moved = 0;
    if (!c->scrolls) return forward_only(s);
    if (c->at_start) return OK;
    uint64_t before = c->at_end ? c->at : c->at - 1; /* rows before this one */
    while (moved < before && (n == 0 || moved < n)) {
        moved++;
        if (out) TRY(put(c, out, before - moved));
    }
    if (moved) c->at_end = false;
    c->at = before - moved + 1;
    if (n == 0 || moved < n) {
        c->at_start = true;
        c->at_end = false;
        c->at = 0;
    }
    return out ? flush(out) : OK;
}

static status rewind_to_start(struct session *s, struct cursor *c) {
    if (c->at_start && c->at == 0) return OK;
    if (!c->scrolls) return forward_only(s);
    c->at_start = true;
    c->at_end = false;
    c->at = 0;
    return OK;
}

/* The row that it stands on, once more. */
static status again(struct session *s, struct portal *p, struct output *out) {
    struct cursor *c = p->cursor;
    if (c->at_start || c->at_end) return OK;
    if (out->sender && !c->scrolls) return forward_only(s);
    TRY(put(c, out, c->at - 1));
    return flush(out);
}

static status go_to(struct session *s, struct portal *p, int64_t n, struct output *out) {
    struct cursor *c = p->cursor;
    if (n > 0) {
        uint64_t to = (uint64_t)n, here = c->at_end ? c->at + 1 : c->at;
        if (to <= here) TRY(rewind_to_start(s, c));
        here = c->at_end ? c->at + 1 : c->at;
        if (to > here + 1) TRY(go_forward(s, p, to - here - 1, NULL));
        return go_forward(s, p, 1, out);
    }
    if (n == 0) return rewind_to_start(s, c);
    TRY(go_forward(s, p, 0, NULL));
    if (n < -1) TRY(go_backward(s, p, (uint64_t)(-(n + 1)), NULL));
    return go_backward(s, p, 1, out);
}

static status go_by(struct session *s, struct portal *p, int64_t n, struct output *out) {
    if (n > 1) TRY(go_forward(s, p, (uint64_t)n - 1, NULL));
    if (n > 0) return go_forward(s, p, 1, out);
    if (n == 0) return again(s, p, out);
    if (n < -1) TRY(go_backward(s, p, (uint64_t)(-(n + 1)), NULL));
    return go_backward(s, p, 1, out);
}

static status go(struct session *s, struct portal *p, const struct ast_fetch *f,
                 struct output *out) {
    bool back = f->direction == FETCH_BACKWARD;
    if (f->direction == FETCH_ABSOLUTE) return go_to(s, p, f->count, out);
    if (f->direction == FETCH_RELATIVE) return go_by(s, p, f->count, out);
    if (f->count == 0) return again(s, p, out);
    if (f->count == FETCH_ALL) return back ? go_backward(s, p, 0, out) : go_forward(s, p, 0, out);
    uint64_t n = f->count < 0 ? (uint64_t)-f->count : (uint64_t)f->count;
    return back == (f->count < 0) ? go_forward(s, p, n, out) : go_backward(s, p, n, out);
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
    if (!c->scrolls) TRY(forget_rows(c));
    if (!p->done) TRY(pull_in_portal(s, p, 0));
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
    if (f->direction != FETCH_FORWARD || f->count < 0) return forward_only(s);
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
    struct output out;
    if (!p->cursor) return fetch_bound(s, p, f, ret_rows);
    TRY(output_new(s, p, f->move, &out));
    status st = go(s, p, f, &out);
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
        uint16_t nformats = p->cursor ? formats_of(s, p->cursor, &formats) : 0;
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
