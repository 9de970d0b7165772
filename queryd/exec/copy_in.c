/* COPY FROM: bytes of the client, in pieces cut anywhere, into rows. */
#include <stdio.h>
#include <string.h>

#include "exec/copy_internal.h"

static const char signature[11] = "PGCOPY\n\377\r\n";

/* ---- one row --------------------------------------------------------------------------------- */

static status insert_row(struct copy *c) {
    struct sql_env *env = c->env;
    struct execution *x;
    const struct batch *b;
    TRY(execution_begin(env, c->statement, c->values, c->nulls, &x));
    status s;
    do s = execution_fetch(x, BATCH_ROWS, &b);
    while (ok(s) && b->nrows > 0);
    if (ok(s)) {
        bool counts;
        uint64_t count = 0;
        execution_tag(x, &counts, &count);
        c->rows += count; /* none when WHERE left the row out */
    }
    execution_end(x);
    return s;
}

/* The values are in place: adds the row, in memory of its own. */
status copy_store_row(struct copy *c) {
    struct sql_env *env = c->env;
    struct arena *outer = env->eval.arena;
    env->eval.arena = &c->row_arena;
    status s = insert_row(c);
    env->eval.arena = outer;
    arena_reset(&c->row_arena);
    return s;
}

static status field_error(struct copy *c, status s, uint16_t i) {
    struct error *e = c->env->eval.error;
    if (!e->context[0])
        snprintf(e->context, sizeof e->context, "COPY %s, line %llu, column %s: \"%.*s\"", c->table,
                 (unsigned long long)c->line, c->columns[i].name,
                 (int)(c->length[i] > 100 ? 100 : c->length[i]), c->fields.data + c->offset[i]);
    return s;
}

static status read_values(struct copy *c) {
    struct sql_env *env = c->env;
    struct arena *outer = env->eval.arena;
    env->eval.arena = &c->row_arena;
    status s = OK;
    for (uint16_t i = 0; ok(s) && i < c->n; i++) {
        c->nulls[i] = c->is_null[i];
        if (c->is_null[i]) continue;
        s = type_input(&env->eval, c->columns[i].type, c->columns[i].typmod,
                       c->fields.data + c->offset[i], c->length[i], &c->values[i]);
        if (!ok(s)) s = field_error(c, error_from_status(env->eval.error, s), i);
    }
    env->eval.arena = outer;
    return s;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static status check_header(struct copy *c, const char *line, size_t len) {
    c->begun = true;
    if (!c->header_match) return OK;
    TRY(c->format == COPY_CSV ? copy_split_csv(c, line, len) : copy_split_text(c, line, len));
    bool same = c->found == c->n;
    for (uint16_t i = 0; same && i < c->n; i++)
        same = strcmp(c->fields.data + c->offset[i], c->columns[i].name) == 0;
    return same ? OK
                : error_set(c->env->eval.error, ST_BAD_COPY_FILE_FORMAT,
                            "column name mismatch in header line");
}

static status take_line(struct copy *c, const char *line, size_t len) {
    c->line++;
    if (c->header && !c->begun) return check_header(c, line, len);
    c->begun = true;
    if (len == 2 && line[0] == '\\' && line[1] == '.') {
        c->ended = true;
        return OK;
    }
    status s = c->format == COPY_CSV ? copy_split_csv(c, line, len) : copy_split_text(c, line, len);
    if (ok(s) && c->found < c->n)
        s = error_set(c->env->eval.error, ST_BAD_COPY_FILE_FORMAT, "missing data for column \"%s\"",
                      c->columns[c->found].name);
    if (!ok(s)) return copy_line_error(c, s, line, len);
    TRY(read_values(c));
    s = copy_store_row(c);
    return ok(s) ? OK : copy_line_error(c, error_from_status(c->env->eval.error, s), line, len);
}

static status take_lines(struct copy *c, const char *bytes, size_t n, size_t *ret_used) {
    size_t used = 0, len, whole;
    while (!c->ended && copy_find_line(c, bytes + used, n - used, &len, &whole)) {
        TRY(take_line(c, bytes + used, len));
        used += whole;
        if (c->line % 64 == 0) TRY(sql_env_breathe(c->env));
    }
    *ret_used = c->ended ? n : used;
    return OK;
}

/* ---- binary ---------------------------------------------------------------------------------- */

static status binary_error(struct copy *c, const char *words) {
    return error_set(c->env->eval.error, ST_BAD_COPY_FILE_FORMAT, "%s", words);
}

/* Signature, flags, length of an extension that nobody uses. AGAIN: not all there yet. */
static status take_head(struct copy *c, const char *bytes, size_t n, size_t *ret_used) {
    if (n < 19) return STATUS(AGAIN);
    if (memcmp(bytes, signature, sizeof signature) != 0)
        return binary_error(c, "COPY file signature not recognized");
    uint32_t flags = load_be32(bytes + 11), extension = load_be32(bytes + 15);
    if (flags & 0xffff0000u)
        return binary_error(c, "unrecognized critical flags in COPY file header");
    if (n - 19 < extension) return STATUS(AGAIN);
    c->begun = true;
    *ret_used = 19 + (size_t)extension;
    return OK;
}

/* Where a tuple ends; AGAIN when it does not yet. */
static status measure_tuple(struct copy *c, const char *bytes, size_t n, size_t *ret_len) {
    size_t at = 2;
    for (uint16_t i = 0; i < c->n; i++) {
        if (n - at < 4) return STATUS(AGAIN);
        uint32_t len = load_be32(bytes + at);
        at += 4;
        if (len == UINT32_MAX) continue;
        if (len > VARLENA_MAX) return binary_error(c, "invalid field size");
        if (n - at < len) return STATUS(AGAIN);
        at += len;
    }
    *ret_len = at;
    return OK;
}

static status take_fields(struct copy *c, const char *at) {
    struct sql_env *env = c->env;
    struct arena *outer = env->eval.arena;
    env->eval.arena = &c->row_arena;
    status s = OK;
    for (uint16_t i = 0; ok(s) && i < c->n; i++) {
        uint32_t len = load_be32(at);
        at += 4;
        c->nulls[i] = len == UINT32_MAX;
        if (c->nulls[i]) continue;
        s = type_receive(&env->eval, c->columns[i].type, c->columns[i].typmod, at, len,
                         &c->values[i]);
        at += len;
    }
    env->eval.arena = outer;
    return s;
}

static status take_tuple(struct copy *c, const char *bytes, size_t n, size_t *ret_used) {
    if (n < 2) return STATUS(AGAIN);
    uint16_t fields = load_be16(bytes);
    c->line++;
    if (fields == UINT16_MAX) {
        c->ended = true;
        *ret_used = n;
        return OK;
    }
    if (fields != c->n) return binary_error(c, "row field count does not match");
    size_t len;
    status s = measure_tuple(c, bytes, n, &len);
    if (status_is(s, ST_AGAIN)) c->line--;
    TRY(s);
    TRY(take_fields(c, bytes + 2));
    TRY(copy_store_row(c));
    *ret_used = len;
    return OK;
}

static status take_binary(struct copy *c, const char *bytes, size_t n, size_t *ret_used) {
    size_t used = 0, piece;
    while (!c->ended) {
        status s = c->begun ? take_tuple(c, bytes + used, n - used, &piece)
                            : take_head(c, bytes + used, n - used, &piece);
        if (status_is(s, ST_AGAIN)) break;
        if (!ok(s)) return copy_line_error(c, error_from_status(c->env->eval.error, s), "", 0);
        used += piece;
        if (c->line % 64 == 0) TRY(sql_env_breathe(c->env));
    }
    *ret_used = c->ended ? n : used;
    return OK;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static status take(struct copy *c, const char *bytes, size_t n, size_t *ret_used) {
    return c->format == COPY_BINARY ? take_binary(c, bytes, n, ret_used)
                                    : take_lines(c, bytes, n, ret_used);
}

status copy_in_data(struct copy *c, const char *bytes, size_t len) {
    size_t used;
    if (c->ended) return OK;
    if (c->pending.len == 0) {
        TRY(take(c, bytes, len, &used));
        return buf_add(&c->pending, bytes + used, len - used);
    }
    TRY(buf_add(&c->pending, bytes, len));
    TRY(take(c, c->pending.data, c->pending.len, &used));
    c->pending.len -= used;
    if (c->pending.len) memmove(c->pending.data, c->pending.data + used, c->pending.len);
    return OK;
}

status copy_in_done(struct copy *c, uint64_t *ret_rows) {
    if (!c->ended && c->pending.len) {
        if (c->format == COPY_BINARY) return binary_error(c, "unexpected EOF in COPY data");
        size_t used;
        TRY(buf_add(&c->pending, "\n", 1)); /* the last line may lack its end */
        TRY(take(c, c->pending.data, c->pending.len, &used));
        if (used < c->pending.len) return binary_error(c, "unterminated CSV quoted field");
    }
    *ret_rows = c->rows;
    return OK;
}
