/* COPY FROM STDIN: bytes in any pieces become rows. */
#include <stdio.h>

#include "analyse/analyse.h"
#include "catalog/progress.h"
#include "exec/copy_private.h"
#include "exec/ri.h"
#include "types/client_text.h"
#include "types/converter.h"

#define ROWS_PER_BREATH 64
#define SHOWN_BYTES_MAX 100
#define LINE_BYTES_MAX ((size_t)1 << 30)

static const char binary_signature[11] = "PGCOPY\n\377\r\n";

/* ---- what the client is told with an error ---- */

static void add_context(struct copy *c, const char *line, size_t len) {
    struct error *e = c->env->eval.error;
    if (e->context[0] || e->status.code == ST_OK) return;
    int shown = (int)(len < SHOWN_BYTES_MAX ? len : SHOWN_BYTES_MAX);
    const char *dots = len > SHOWN_BYTES_MAX ? "..." : "";
    unsigned long long number = c->line;
    if (c->error_column >= 0 && c->error_column < c->n) {
        const struct copy_field *f = &c->fields[c->error_column];
        const char *name = c->names[c->error_column];
        if (c->options.format == COPY_BINARY) {
            snprintf(e->context, sizeof e->context, "COPY %s, line %llu, column %s",
                     c->relation->name, number, name);
        } else if (f->is_null) {
            snprintf(e->context, sizeof e->context, "COPY %s, line %llu, column %s: null input",
                     c->relation->name, number, name);
        } else {
            int n = (int)(f->len < SHOWN_BYTES_MAX ? f->len : SHOWN_BYTES_MAX);
            snprintf(e->context, sizeof e->context, "COPY %s, line %llu, column %s: \"%.*s%s\"",
                     c->relation->name, number, name, n, f->text,
                     f->len > SHOWN_BYTES_MAX ? "..." : "");
        }
    } else if (line) {
        snprintf(e->context, sizeof e->context, "COPY %s, line %llu: \"%.*s%s\"", c->relation->name,
                 number, shown, line, dots);
    } else {
        snprintf(e->context, sizeof e->context, "COPY %s, line %llu", c->relation->name, number);
    }
}

static status bad_format(struct copy *c, const char *words) {
    return error_set(c->env->eval.error, ST_BAD_COPY_FILE_FORMAT, "%s", words);
}

/* ---- rows ---- */

static status fill_defaults(struct copy *c) {
    if (c->ndefaults == 0) return OK;
    if (c->defaults_vary || c->rows == 0)
        TRY(program_run(c->defaults, NULL, NULL, 1, c->defaults_vary ? &c->row_arena : c->x.arena));
    for (uint16_t i = 0; i < c->ndefaults; i++)
        c->row[c->default_atts[i]] = *program_output(c->defaults, i);
    return OK;
}

/* The fields are in c->row; the rest of the row, the checks, the table. */
static status store_row(struct copy *c) {
    c->error_column = -1;
    TRY(fill_defaults(c));
    if (c->where) {
        uint16_t row, n;
        TRY(program_filter(c->where, c->row, NULL, 1, &c->row_arena, &row, &n));
        if (n == 0) {
            progress_add(c->env, PROGRESS_ROWS_EXCLUDED, 1);
            return OK;
        }
    }
    TRY(check_row(&c->x, &c->checks, c->row, &c->row_arena));
    flat_from(c->row, c->relation->natts, 0, &c->flat);
    TRY(table_load_row(&c->load, c->flat.values, c->flat.nulls));
    TRY(ri_inserted(c->env, c->relation, c->flat.values, c->flat.nulls));
    progress_set(c->env, PROGRESS_ROWS_DONE, ++c->rows);
    if (c->rows % ROWS_PER_BREATH == 0) TRY(sql_env_breathe(c->env));
    return OK;
}

/* A null is looked at by domains only. */
static status null_value(struct copy *c, uint16_t i, const struct eval_env *env) {
    if (!c->types[i]->base) return OK;
    c->error_column = i;
    return type_check_domain(env, c->types[i], (datum){0}, true);
}

/* Reading a value of the type brings it to its length or scale as well. */
static bool input_minds_typmod(const struct type *t) {
    return t->oid == NUMERICOID || t->oid == BPCHAROID || t->oid == VARCHAROID;
}

static status text_value(struct copy *c, uint16_t i, const struct eval_env *env) {
    const struct copy_field *f = &c->fields[i];
    uint16_t att = c->columns[i];
    bool is_null = f->is_null;
    if (c->force_not_null[i]) is_null = false;
    if (c->force_null[i] && f->quoted && f->len == c->options.null_len &&
        memcmp(f->text, c->options.null, f->len) == 0)
        is_null = true;
    c->row[att].nulls[0] = is_null;
    if (is_null) return null_value(c, i, env);
    c->error_column = i;
    const struct type *t = c->types[i];
    int32_t typmod = c->relation->atts[att].typmod;
    bool done = typmod < 0 || input_minds_typmod(t);
    TRY(type_input(env, t, done || t->oid == INTERVALOID ? typmod : -1, f->text, f->len,
                   &c->row[att].values[0]));
    if (done) return OK;
    return type_apply_typmod(env, t, c->row[att].values[0], typmod, false, &c->row[att].values[0]);
}

static status line_fields(struct copy *c, const char *line, size_t len) {
    c->error_column = -1;
    if (c->options.format == COPY_CSV)
        TRY(copy_split_csv(c, line, len));
    else
        TRY(copy_split_text(c, line, len));
    return OK;
}

static status missing_data(struct copy *c) {
    c->error_column = -1;
    return error_set(c->env->eval.error, ST_BAD_COPY_FILE_FORMAT, "missing data for column \"%s\"",
                     c->names[c->nfields]);
}

static status match_header(struct copy *c) {
    for (uint16_t i = 0; i < c->n; i++) {
        const struct copy_field *f = &c->fields[i];
        if (strlen(c->names[i]) == f->len && memcmp(f->text, c->names[i], f->len) == 0) continue;
        return error_set(c->env->eval.error, ST_BAD_COPY_FILE_FORMAT,
                         "column name mismatch in header line field %d: got \"%.*s\", expected "
                         "\"%s\"",
                         i + 1, (int)f->len, f->text, c->names[i]);
    }
    return OK;
}

static status take_line(struct copy *c, const char *line, size_t len) {
    c->line++;
    if (c->header_pending) {
        c->header_pending = false;
        if (c->options.header != COPY_HEADER_MATCH) return OK;
        TRY(line_fields(c, line, len));
        return c->nfields < c->n ? missing_data(c) : match_header(c);
    }
    if (len == 2 && line[0] == '\\' && line[1] == '.') {
        c->ended = true;
        return OK;
    }
    if (c->row_arena.chunk) arena_reset(&c->row_arena);
    TRY(line_fields(c, line, len));
    struct eval_env env = c->env->eval;
    env.arena = &c->row_arena;
    for (uint16_t i = 0; i < c->n && i < c->nfields; i++) TRY(text_value(c, i, &env));
    return c->nfields < c->n ? missing_data(c) : store_row(c);
}

static status line_done(struct copy *c, const char *line, size_t len) {
    if (len && line[len - 1] == '\r') len--;
    status s = take_line(c, line, len);
    if (!ok(s)) add_context(c, line, len);
    return s;
}

/* ---- lines ---- */

/* The end of the line that begins at data, looking from c->scanned on; false: not here yet. */
static bool find_end_text(struct copy *c, const char *data, size_t len, size_t *ret) {
    size_t i = c->scanned;
    for (; i < len; i++) {
        const char *next = memchr(data + i, '\n', len - i);
        size_t end = next ? (size_t)(next - data) : len;
        /* a newline behind an odd number of backslashes is data */
        size_t back = end;
        while (back > 0 && data[back - 1] == '\\') back--;
        if (next && (end - back) % 2 == 0) {
            *ret = end;
            return true;
        }
        i = end;
    }
    c->scanned = len;
    return false;
}

static bool find_end_csv(struct copy *c, const char *data, size_t len, size_t *ret) {
    const struct copy_options *o = &c->options;
    for (size_t i = c->scanned; i < len; i++) {
        char ch = data[i];
        if (c->after_escape) {
            c->after_escape = false;
            if (ch == o->quote || ch == o->escape) continue;
            if (o->escape == o->quote) c->in_quotes = false; /* the quote was the closing one */
        }
        if (c->in_quotes && ch == o->escape) {
            c->after_escape = true;
        } else if (ch == o->quote) {
            c->in_quotes = !c->in_quotes;
        } else if (ch == '\n' && !c->in_quotes) {
            *ret = i;
            return true;
        }
    }
    c->scanned = len;
    return false;
}

static bool find_end(struct copy *c, const char *data, size_t len, size_t *ret) {
    return c->options.format == COPY_CSV ? find_end_csv(c, data, len, ret)
                                         : find_end_text(c, data, len, ret);
}

/* Whole lines at the start of data; *ret_used: their bytes. */
static status take_lines(struct copy *c, const char *data, size_t len, size_t *ret_used) {
    size_t used = 0, end;
    while (!c->ended && find_end(c, data + used, len - used, &end)) {
        c->scanned = 0;
        c->in_quotes = c->after_escape = false;
        TRY(line_done(c, data + used, end));
        used += end + 1;
    }
    *ret_used = used;
    return OK;
}

static status keep(struct copy *c, const char *bytes, size_t len) {
    if (c->pending.len + len > LINE_BYTES_MAX)
        return error_set(c->env->eval.error, ST_PROGRAM_LIMIT_EXCEEDED, "COPY line is too long");
    if (!ok(buf_add(&c->pending, bytes, len))) return exec_memory(&c->x);
    return OK;
}

/* Forgets the first bytes of what is pending. */
static void drop_pending(struct copy *c, size_t used) {
    memmove(c->pending.data, c->pending.data + used, c->pending.len - used);
    c->pending.len -= used;
}

static status text_data(struct copy *c, const char *bytes, size_t len) {
    size_t used;
    if (c->pending.len == 0) {
        TRY(take_lines(c, bytes, len, &used));
        return c->ended ? OK : keep(c, bytes + used, len - used);
    }
    /* complete the line under way with as little as needed, so that the rest is not copied */
    while (len && c->pending.len) {
        const char *newline = memchr(bytes, '\n', len);
        size_t part = newline ? (size_t)(newline - bytes) + 1 : len;
        TRY(keep(c, bytes, part));
        bytes += part;
        len -= part;
        TRY(take_lines(c, c->pending.data, c->pending.len, &used));
        if (used) drop_pending(c, used);
        if (c->ended) return OK;
    }
    return len ? text_data(c, bytes, len) : OK;
}

/* ---- binary ---- */

static status binary_field(struct copy *c, uint16_t i, const char *bytes, int32_t len,
                           const struct eval_env *env) {
    uint16_t att = c->columns[i];
    c->row[att].nulls[0] = len < 0;
    if (len < 0) return null_value(c, i, env);
    c->error_column = i;
    return type_receive(env, c->types[i], c->relation->atts[att].typmod, bytes, (size_t)len,
                        &c->row[att].values[0]);
}

/* One tuple; *ret_used 0: not all of it is here yet. */
static status binary_tuple(struct copy *c, const char *data, size_t len, size_t *ret_used) {
    *ret_used = 0;
    if (len < 2) return OK;
    int16_t n = (int16_t)load_be16(data);
    if (n == -1) {
        c->ended = true;
        *ret_used = 2;
        return OK;
    }
    size_t at = 2;
    for (int i = 0; i < n; i++) { /* all of it here? */
        if (len - at < 4) return OK;
        int32_t bytes = (int32_t)load_be32(data + at);
        at += 4;
        if (bytes < -1) return bad_format(c, "invalid field size");
        if (bytes > 0 && len - at < (size_t)bytes) return OK;
        if (bytes > 0) at += (size_t)bytes;
    }
    c->line++;
    c->error_column = -1;
    if (n != c->n)
        return error_set(c->env->eval.error, ST_BAD_COPY_FILE_FORMAT,
                         "row field count is %d, expected %u", n, c->n);
    if (c->row_arena.chunk) arena_reset(&c->row_arena);
    struct eval_env env = c->env->eval;
    env.arena = &c->row_arena;
    *ret_used = at;
    at = 2;
    for (uint16_t i = 0; i < c->n; i++) {
        int32_t bytes = (int32_t)load_be32(data + at);
        at += 4;
        TRY(binary_field(c, i, data + at, bytes, &env));
        if (bytes > 0) at += (size_t)bytes;
    }
    return store_row(c);
}

static status binary_head(struct copy *c, const char *data, size_t len, size_t *ret_used) {
    *ret_used = 0;
    if (len < sizeof binary_signature) return OK;
    if (memcmp(data, binary_signature, sizeof binary_signature) != 0)
        return bad_format(c, "COPY file signature not recognized");
    if (len < 19) return OK;
    uint32_t flags = load_be32(data + 11), extension = load_be32(data + 15);
    if (flags & 0xffff0000u)
        return bad_format(c, "unrecognized critical flags in COPY file header");
    if (extension > LINE_BYTES_MAX) return bad_format(c, "invalid COPY file header (wrong length)");
    if (len - 19 < extension) return OK;
    c->binary_begun = true;
    *ret_used = 19 + extension;
    return OK;
}

static status binary_data(struct copy *c, const char *bytes, size_t len) {
    TRY(keep(c, bytes, len));
    size_t at = 0, used;
    do {
        used = 0;
        if (c->ended) break;
        const char *data = c->pending.data + at;
        size_t left = c->pending.len - at;
        status s = c->binary_begun ? binary_tuple(c, data, left, &used)
                                   : binary_head(c, data, left, &used);
        if (!ok(s)) {
            if (c->binary_begun) add_context(c, NULL, 0);
            return s;
        }
        at += used;
    } while (used);
    if (at) drop_pending(c, at);
    return OK;
}

/* ---- the session's calls ---- */

static status words(struct copy *c, status s) {
    struct error *e = c->env->eval.error;
    if (ok(s)) return s;
    c->failed = true;
    if (e->status.code == ST_OK) s = catalog_error(c->env, s);
    add_context(c, NULL, 0);
    return s;
}

/* Text of another encoding: as far as its characters are whole. */
static status foreign_data(struct copy *c, const char *bytes, size_t len) {
    enum encoding e = c->options.encoding;
    struct eval_env env = c->env->eval;
    const char *text;
    size_t text_len;
    if (!ok(buf_add(&c->foreign, bytes, len))) return exec_memory(&c->x);
    size_t whole = converter_whole(e, c->foreign.data, c->foreign.len);
    struct arena arena;
    arena_init(&arena, 0);
    env.arena = &arena;
    status s = client_text_in(&env, e, c->foreign.data, whole, &text, &text_len);
    if (ok(s)) s = text_data(c, text, text_len);
    arena_free(&arena);
    c->foreign.len -= whole;
    if (c->foreign.len) memmove(c->foreign.data, c->foreign.data + whole, c->foreign.len);
    return s;
}

static status data(struct copy *c, const char *bytes, size_t len) {
    if (c->options.format == COPY_BINARY) return binary_data(c, bytes, len);
    return encoding_differs(c->options.encoding) ? foreign_data(c, bytes, len)
                                                 : text_data(c, bytes, len);
}

status copy_in_data(struct copy *c, const char *bytes, size_t len) {
    bool binary = c->options.format == COPY_BINARY;
    progress_add(c->env, PROGRESS_BYTES_DONE, len);
    if (c->ended && binary && len)
        return words(c, bad_format(c, "received copy data after EOF marker"));
    if (c->ended) return OK; /* what follows \. is not looked at */
    return words(c, data(c, bytes, len));
}

/* The data may end without its trailer, between two rows. */
static status binary_end(struct copy *c) {
    size_t left = c->pending.len;
    if (c->binary_begun) return left < 2 ? OK : bad_format(c, "unexpected EOF in COPY data");
    return bad_format(c, left < sizeof binary_signature ? "COPY file signature not recognized"
                         : left < 15                    ? "invalid COPY file header (missing flags)"
                                     : "invalid COPY file header (missing length)");
}

static status finish(struct copy *c) {
    if (c->ended) return OK;
    if (c->options.format == COPY_BINARY) return binary_end(c);
    if (c->foreign.len)
        TRY(converter_check(c->options.encoding, c->foreign.data, c->foreign.len,
                            c->env->eval.error));
    if (c->pending.len == 0) return OK;
    return line_done(c, c->pending.data, c->pending.len); /* a last line without its end */
}

status copy_in_done(struct copy *c, uint64_t *ret_rows) {
    TRY(words(c, finish(c)));
    TRY(words(c, table_load_flush(&c->load)));
    TRY(words(c, ri_run(c->env)));
    *ret_rows = c->rows;
    return OK;
}

/* ---- beginning ---- */

static status default_exprs(struct copy *c, struct expr **exprs) {
    const struct relation *r = c->relation;
    NEW_N(&c->x, c->default_atts, r->natts + 1);
    for (uint16_t a = 0; a < r->natts; a++) {
        bool moved = false;
        for (uint16_t i = 0; i < c->n; i++) moved |= c->columns[i] == a;
        if (moved) continue;
        struct expr *e = NULL;
        if (!r->atts[a].dropped) TRY(analyse_default(c->env, c->x.arena, &r->atts[a], &e));
        if (!e) e = expr_const(c->x.arena, r->atts[a].type, (datum){0}, true, -1);
        NEEDS(&c->x, e);
        c->defaults_vary |= expr_volatility(e) == 'v';
        c->default_atts[c->ndefaults] = a;
        exprs[c->ndefaults++] = e;
    }
    return OK;
}

static status compile(struct copy *c, uint16_t inputs, struct expr **exprs, uint16_t n,
                      struct program_state **ret) {
    struct program *program;
    struct plan_statement *plan;
    TRY(plan_expression(c->env, c->x.arena, inputs, exprs, n, &program, &plan));
    return program_open(&c->x, program, 1, ret);
}

static status compile_generated(struct copy *c) {
    struct expr **exprs;
    uint16_t *atts;
    struct row_checks *k = &c->checks;
    TRY(analyse_generated(c->env, c->x.arena, c->relation, &k->ngenerated, &atts, &exprs));
    k->generated_atts = atts;
    if (k->ngenerated == 0) return OK;
    return compile(c, c->relation->natts, exprs, k->ngenerated, &k->generated);
}

static status compile_checks(struct copy *c) {
    const struct relation *r = c->relation;
    struct change_check *checks;
    uint16_t n;
    c->checks = (struct row_checks){.relation = r};
    TRY(compile_generated(c));
    TRY(analyse_checks(c->env, c->x.arena, r, &n, &checks));
    if (n == 0) return OK;
    struct expr **exprs;
    const char **names;
    NEW_N(&c->x, exprs, n);
    NEW_N(&c->x, names, n);
    for (uint16_t i = 0; i < n; i++) {
        exprs[i] = checks[i].expr;
        names[i] = checks[i].name;
    }
    c->checks.n = n;
    c->checks.names = names;
    return compile(c, r->natts, exprs, n, &c->checks.checks);
}

static status compile_where(struct copy *c, const struct ast_copy *stmt) {
    if (!stmt->where) return OK;
    struct expr *e;
    TRY(analyse_expression(c->env, c->x.arena, c->relation, stmt->where, USE_COPY_WHERE, NULL, 0,
                           -1, &e));
    return compile(c, c->relation->natts, &e, 1, &c->where);
}

status copy_in_begin(struct copy *c, const struct ast_copy *stmt) {
    const struct relation *r = c->relation;
    struct execution *x = &c->x;
    struct expr **defaults;
    arena_init(&c->row_arena, 0);
    c->error_column = -1;
    c->header_pending = c->options.header != COPY_NO_HEADER;
    NEW_N(x, c->fields, c->n + 1);
    TRY(columns_new(x, (uint16_t)(r->natts + 1), 1, &c->row));
    TRY(oid_column(x, r, &c->row[r->natts]));
    TRY(flat_new(x, r->natts, &c->flat));
    NEW_N(x, defaults, r->natts + 1);
    TRY(default_exprs(c, defaults));
    if (c->ndefaults) TRY(compile(c, 0, defaults, c->ndefaults, &c->defaults));
    TRY(compile_checks(c));
    table_load_init(&c->load, c->env, r);
    if (c->defaults_vary) c->load.by_leaves = false; /* they may look at the table */
    return compile_where(c, stmt);
}
