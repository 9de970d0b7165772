/* COPY TO: rows as bytes. */
#include <string.h>

#include "exec/copy_internal.h"

static status binary_head(struct buf *out) {
    static const char head[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
    return buf_add(out, head, sizeof head);
}

static status next_batch(struct copy *c) {
    if (c->batch && c->at < c->batch->nrows) return OK;
    TRY(execution_fetch(c->execution, BATCH_ROWS, &c->batch));
    c->at = 0;
    return c->batch->nrows ? OK : STATUS(END);
}

static status put_text(const struct copy *c, const char *text, size_t len, struct buf *out) {
    static const char from[] = "\b\f\n\r\t\v\\", to[] = "bfnrtv\\";
    size_t plain = 0;
    for (size_t i = 0; i < len; i++) {
        const char *special = text[i] ? strchr(from, text[i]) : NULL;
        if (!special && text[i] != c->delimiter) continue;
        TRY(buf_add(out, text + plain, i - plain));
        TRY(buf_add(out, "\\", 1));
        plain = i;
        if (special && text[i] != c->delimiter) {
            TRY(buf_add(out, &to[special - from], 1));
            plain = i + 1;
        }
    }
    return buf_add(out, text + plain, len - plain);
}

/* Quoted when it must be: the delimiter, a quote, a line end in it, or it could be taken for a
 * null. */
static status put_csv(const struct copy *c, const struct copy_column *column, const char *text,
                      size_t len, bool single, struct buf *out) {
    bool quote = column->force_quote || (len == c->null_len && memcmp(text, c->null, len) == 0) ||
                 (single && len == 2 && memcmp(text, "\\.", 2) == 0);
    for (size_t i = 0; !quote && i < len; i++)
        quote =
            text[i] == c->delimiter || text[i] == c->quote || text[i] == '\n' || text[i] == '\r';
    if (!quote) return buf_add(out, text, len);
    TRY(buf_add(out, &c->quote, 1));
    for (size_t i = 0; i < len; i++) {
        if (text[i] == c->quote || text[i] == c->escape) TRY(buf_add(out, &c->escape, 1));
        TRY(buf_add(out, text + i, 1));
    }
    return buf_add(out, &c->quote, 1);
}

static status put_value(struct copy *c, uint16_t i, datum value, struct buf *out) {
    const struct copy_column *column = &c->columns[i];
    struct buf text = {0};
    status s = type_output(&c->env->eval, column->type, value, &text);
    if (ok(s))
        s = c->format == COPY_CSV
                ? put_csv(c, column, text.data ? text.data : "", text.len, c->n == 1, out)
                : put_text(c, text.data ? text.data : "", text.len, out);
    buf_free(&text);
    return s;
}

static status put_line(struct copy *c, uint16_t row, struct buf *out) {
    for (uint16_t i = 0; i < c->n; i++) {
        if (i) TRY(buf_add(out, &c->delimiter, 1));
        const struct vec *v = &c->batch->columns[i];
        TRY(v->nulls[row] ? buf_add(out, c->null, c->null_len)
                          : put_value(c, i, v->values[row], out));
    }
    return buf_add(out, "\n", 1);
}

static status put_tuple(struct copy *c, uint16_t row, struct buf *out) {
    char head[4];
    store_be16(head, c->n);
    TRY(buf_add(out, head, 2));
    for (uint16_t i = 0; i < c->n; i++) {
        const struct vec *v = &c->batch->columns[i];
        size_t place = out->len;
        store_be32(head, UINT32_MAX);
        TRY(buf_add(out, head, 4));
        if (v->nulls[row]) continue;
        TRY(type_send(&c->env->eval, c->columns[i].type, v->values[row], out));
        store_be32(out->data + place, (uint32_t)(out->len - place - 4));
    }
    return OK;
}

static status put_header(struct copy *c, struct buf *out) {
    for (uint16_t i = 0; i < c->n; i++) {
        const char *name = c->columns[i].name;
        if (i) TRY(buf_add(out, &c->delimiter, 1));
        TRY(c->format == COPY_CSV ? put_csv(c, &c->columns[i], name, strlen(name), c->n == 1, out)
                                  : put_text(c, name, strlen(name), out));
    }
    return buf_add(out, "\n", 1);
}

status copy_out_row(struct copy *c, struct buf *out) {
    if (!c->begun) {
        c->begun = true;
        if (c->header) return put_header(c, out);
        if (c->format == COPY_BINARY) TRY(binary_head(out));
    }
    if (c->done) return STATUS(END);
    status s = next_batch(c);
    if (status_is(s, ST_END)) {
        c->done = true;
        return c->format == COPY_BINARY ? buf_add(out, "\377\377", 2) : s;
    }
    TRY(s);
    struct sql_env *env = c->env;
    struct arena *outer = env->eval.arena;
    uint16_t row = c->batch->sel ? c->batch->sel[c->at] : c->at;
    env->eval.arena = &c->row_arena;
    s = c->format == COPY_BINARY ? put_tuple(c, row, out) : put_line(c, row, out);
    env->eval.arena = outer;
    arena_reset(&c->row_arena);
    c->at++;
    c->rows++;
    return s;
}
