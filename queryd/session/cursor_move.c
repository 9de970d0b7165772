/* Cursors: the rows that one keeps, and moving over them in every direction. */
#include "session/cursor.h"

#define KEPT_BYTES_UNASKED ((size_t)4 << 20) /* of one that was not declared SCROLL */
#define BATCH_ROWS_MAX 256                   /* that are sent at once */

/* ---- rows ------------------------------------------------------------------------------------ */

static uint64_t kept_end(const struct cursor *c) {
    return c->first + kept_rows_count(c->rows);
}

/* Forgets all rows but the last one. */
status cursor_forget_rows(struct cursor *c) {
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
    return c->scrolls ? OK : cursor_forget_rows(c);
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

status cursor_pull(struct session *s, struct portal *p, uint64_t want) {
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

static const uint16_t binary_format[] = {1};

uint16_t cursor_formats(const struct session *s, const struct cursor *c, const uint16_t **ret) {
    bool binary = c->options & CURSOR_BINARY;
    *ret = binary ? binary_format : s->utility_formats;
    return binary ? 1 : s->utility_nformats;
}

status cursor_output_new(struct session *s, struct portal *p, bool move, struct cursor_output *o) {
    struct arena *a = &s->statement_arena;
    const struct statement *st = p->statement;
    const uint16_t *formats;
    uint16_t nformats = cursor_formats(s, p->cursor, &formats), n = p->cursor->ncolumns;
    *o = (struct cursor_output){0};
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

static status flush(struct cursor_output *o) {
    if (!o->sender || !o->batch.nrows) return OK;
    TRY(row_sender_send(o->sender, &o->batch, 0, o->batch.nrows));
    o->batch.nrows = 0;
    if (o->arena.chunk) arena_reset(&o->arena);
    return OK;
}

/* Row i (from 0), which is kept. */
static status put(const struct cursor *c, struct cursor_output *o, uint64_t i) {
    o->sent++;
    if (!o->sender) return OK;
    TRY(kept_rows_get(c->rows, i - c->first, &o->arena, o->batch.columns, o->batch.nrows));
    return ++o->batch.nrows == BATCH_ROWS_MAX ? flush(o) : OK;
}

/* ---- moving ---------------------------------------------------------------------------------- */

status cursor_forward_only(struct session *s) {
    status st =
        error_set(&s->error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward");
    error_hint(&s->error, "Declare it with SCROLL option to enable backward scan.");
    return st;
}

/* The next n rows (0: all) into out (NULL: only moved over). */
static status go_forward(struct session *s, struct portal *p, uint64_t n,
                         struct cursor_output *out) {
    struct cursor *c = p->cursor;
    uint64_t moved = 0;
    if (c->at_end) return OK;
    while (n == 0 || moved < n) {
        if (c->at == kept_end(c)) {
            uint64_t left = n ? n - moved : BATCH_ROWS;
            if (p->done) break;
            TRY(make_room(c));
            TRY(cursor_pull(s, p, left < BATCH_ROWS ? left : BATCH_ROWS));
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
static status go_backward(struct session *s, struct portal *p, uint64_t n,
                          struct cursor_output *out) {
    struct cursor *c = p->cursor;
    uint64_t moved = 0;
    if (!c->scrolls) return cursor_forward_only(s);
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
    if (!c->scrolls) return cursor_forward_only(s);
    c->at_start = true;
    c->at_end = false;
    c->at = 0;
    return OK;
}

status cursor_again(struct session *s, struct portal *p, struct cursor_output *out) {
    struct cursor *c = p->cursor;
    if (c->at_start || c->at_end) return OK;
    if (out->sender && !c->scrolls) return cursor_forward_only(s);
    TRY(put(c, out, c->at - 1));
    return flush(out);
}

static status go_to(struct session *s, struct portal *p, int64_t n, struct cursor_output *out) {
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

static status go_by(struct session *s, struct portal *p, int64_t n, struct cursor_output *out) {
    if (n > 1) TRY(go_forward(s, p, (uint64_t)n - 1, NULL));
    if (n > 0) return go_forward(s, p, 1, out);
    if (n == 0) return cursor_again(s, p, out);
    if (n < -1) TRY(go_backward(s, p, (uint64_t)(-(n + 1)), NULL));
    return go_backward(s, p, 1, out);
}

status cursor_go(struct session *s, struct portal *p, const struct ast_fetch *f,
                 struct cursor_output *out) {
    bool back = f->direction == FETCH_BACKWARD;
    if (f->direction == FETCH_ABSOLUTE) return go_to(s, p, f->count, out);
    if (f->direction == FETCH_RELATIVE) return go_by(s, p, f->count, out);
    if (f->count == 0) return cursor_again(s, p, out);
    if (f->count == FETCH_ALL) return back ? go_backward(s, p, 0, out) : go_forward(s, p, 0, out);
    uint64_t n = f->count < 0 ? (uint64_t)-f->count : (uint64_t)f->count;
    return back == (f->count < 0) ? go_forward(s, p, n, out) : go_backward(s, p, n, out);
}
