/* COPY TO STDOUT: rows of a query as lines or binary tuples. */
#include "catalog/progress.h"
#include "exec/copy_private.h"
#include "types/client_text.h"

static const char binary_head[19] = "PGCOPY\n\377\r\n"; /* signature, flags 0, no extension */

/* ---- text ---- */

static status add_text_escaped(const struct copy *c, const char *text, size_t len,
                               struct buf *out) {
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        char ch = text[i], code = 0;
        switch (ch) {
        case '\b': code = 'b'; break;
        case '\f': code = 'f'; break;
        case '\n': code = 'n'; break;
        case '\r': code = 'r'; break;
        case '\t': code = 't'; break;
        case '\v': code = 'v'; break;
        case '\\': code = '\\'; break;
        default: break;
        }
        if (ch == c->options.delimiter) code = ch == '\t' ? 't' : ch;
        if (!code) continue;
        TRY(buf_add(out, text + from, i - from));
        TRY(buf_printf(out, "\\%c", code));
        from = i + 1;
    }
    return buf_add(out, text + from, len - from);
}

/* ---- CSV ---- */

static bool needs_quotes(const struct copy *c, const char *text, size_t len, bool single_column) {
    const struct copy_options *o = &c->options;
    if (len == o->null_len && memcmp(text, o->null, len) == 0) return true;
    if (single_column && len == 2 && memcmp(text, "\\.", 2) == 0) return true;
    for (size_t i = 0; i < len; i++)
        if (text[i] == o->delimiter || text[i] == o->quote || text[i] == '\n' || text[i] == '\r')
            return true;
    return false;
}

static status add_csv(const struct copy *c, const char *text, size_t len, bool force,
                      struct buf *out) {
    const struct copy_options *o = &c->options;
    if (!force && !needs_quotes(c, text, len, c->n == 1)) return buf_add(out, text, len);
    TRY(buf_add(out, &o->quote, 1));
    for (size_t i = 0; i < len; i++) {
        if (text[i] == o->quote || text[i] == o->escape) TRY(buf_add(out, &o->escape, 1));
        TRY(buf_add(out, text + i, 1));
    }
    return buf_add(out, &o->quote, 1);
}

static status add_field(struct copy *c, uint16_t i, datum value, bool is_null, struct buf *out) {
    if (is_null) return buf_add(out, c->options.null, c->options.null_len);
    struct buf text = {0};
    struct eval_env env = c->env->eval;
    env.arena = &c->row_arena;
    status s = type_output(&env, c->types[i], value, &text);
    if (ok(s) && c->options.format == COPY_CSV)
        s = add_csv(c, text.data ? text.data : "", text.len, c->force_quote[i], out);
    else if (ok(s))
        s = add_text_escaped(c, text.data ? text.data : "", text.len, out);
    buf_free(&text);
    return s;
}

static status text_row(struct copy *c, uint16_t row, struct buf *out) {
    for (uint16_t i = 0; i < c->n; i++) {
        const struct vec *v = &c->batch->columns[i];
        if (i) TRY(buf_add(out, &c->options.delimiter, 1));
        TRY(add_field(c, i, v->values[row], v->nulls[row], out));
    }
    return buf_add(out, "\n", 1);
}

static status header_row(struct copy *c, struct buf *out) {
    for (uint16_t i = 0; i < c->n; i++) {
        const char *name = c->names[i];
        if (i) TRY(buf_add(out, &c->options.delimiter, 1));
        if (c->options.format == COPY_CSV)
            TRY(add_csv(c, name, strlen(name), false, out));
        else
            TRY(add_text_escaped(c, name, strlen(name), out));
    }
    return buf_add(out, "\n", 1);
}

/* ---- binary ---- */

static status add_be(struct buf *out, uint32_t value, size_t bytes) {
    char be[4];
    store_be32(be, value);
    return buf_add(out, be + 4 - bytes, bytes);
}

static status binary_row(struct copy *c, uint16_t row, struct buf *out) {
    struct eval_env env = c->env->eval;
    env.arena = &c->row_arena;
    TRY(add_be(out, c->n, 2));
    for (uint16_t i = 0; i < c->n; i++) {
        const struct vec *v = &c->batch->columns[i];
        size_t at = out->len;
        TRY(add_be(out, UINT32_MAX, 4));
        if (v->nulls[row]) continue;
        TRY(type_send(&env, c->types[i], v->values[row], out));
        store_be32(out->data + at, (uint32_t)(out->len - at - 4));
    }
    return OK;
}

/* ---- the session's calls ---- */

static status next_row(struct copy *c, uint16_t *ret) {
    if (!c->batch || c->at == c->batch->nrows) {
        TRY(execution_fetch(c->execution, BATCH_ROWS, &c->batch));
        c->at = 0;
        c->done = c->batch->nrows == 0;
        if (c->done) return OK;
    }
    *ret = batch_row(c->batch, c->at++);
    return OK;
}

static status out_row(struct copy *c, struct buf *out) {
    bool binary = c->options.format == COPY_BINARY;
    if (!c->header_sent) {
        c->header_sent = true;
        if (!binary && c->options.header) return header_row(c, out);
        /* in one message with what comes first, which clients rely on */
        if (binary) TRY(buf_add(out, binary_head, sizeof binary_head));
    }
    uint16_t row = 0;
    if (!c->done) TRY(next_row(c, &row));
    if (c->done) {
        if (!binary || c->trailer_sent) return STATUS(END);
        c->trailer_sent = true;
        return add_be(out, UINT32_MAX, 2);
    }
    if (c->row_arena.chunk) arena_reset(&c->row_arena);
    TRY(binary ? binary_row(c, row, out) : text_row(c, row, out));
    c->rows++;
    return OK;
}

/* The row is written as UTF8 and then converted: what is escaped in it is ASCII. */
static status foreign_row(struct copy *c, struct buf *out) {
    c->foreign.len = 0;
    TRY(out_row(c, &c->foreign));
    return client_text_out(c->env->eval.error, c->options.encoding, c->foreign.data, c->foreign.len,
                           out);
}

status copy_out_row(struct copy *c, struct buf *out) {
    bool foreign = c->options.format != COPY_BINARY && encoding_differs(c->options.encoding);
    size_t before = out->len;
    status s = foreign ? foreign_row(c, out) : out_row(c, out);
    progress_add(c->env, PROGRESS_BYTES_DONE, ok(s) ? out->len - before : 0);
    progress_set(c->env, PROGRESS_ROWS_DONE, c->rows);
    if (status_is(s, ST_END)) return s;
    struct error *e = c->env->eval.error;
    if (!ok(s) && e->status.code == ST_OK) return catalog_error(c->env, s);
    return s;
}

/* COPY t (a, b) TO is COPY (SELECT a, b FROM t) TO. */
static status select_of(struct copy *c, const struct ast_copy *stmt, struct node **ret) {
    struct arena *a = c->x.arena;
    struct node *n = ast_new(a, NODE_SELECT, -1);
    NEEDS(&c->x, n);
    struct ast_select *select = ast_as_select(n);
    for (uint16_t i = 0; i < c->n; i++) {
        struct node *t = ast_new(a, NODE_TARGET, -1), *column = ast_new(a, NODE_COLUMN_REF, -1);
        if (!t || !column) return exec_memory(&c->x);
        TRY(list_append(a, &ast_as_column_ref(column)->names, (void *)c->names[i]));
        ast_as_target(t)->value = column;
        TRY(list_append(a, &select->targets, t));
    }
    TRY(list_append(a, &select->from, stmt->relation));
    *ret = n;
    return OK;
}

status copy_out_begin(struct copy *c, const struct ast_copy *stmt) {
    struct node *query = stmt->query;
    if (c->relation) TRY(select_of(c, stmt, &query));
    struct raw_stmt raw = {.stmt = query, .location = stmt->node.location};
    TRY(statement_begin(c->env, &raw, &c->statement, &c->execution));
    if (c->statement->kind != STATEMENT_QUERY)
        return error_set(c->env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "COPY query must have a RETURNING clause");
    if (!c->relation) {
        c->n = c->statement->ncolumns;
        NEW_N(&c->x, c->types, c->n + 1);
        NEW_N(&c->x, c->names, c->n + 1);
        for (uint16_t i = 0; i < c->n; i++) {
            c->types[i] = type_find(c->statement->columns[i].type);
            c->names[i] = c->statement->columns[i].name;
        }
    }
    return OK;
}
