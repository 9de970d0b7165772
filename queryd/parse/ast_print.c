#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/coro.h"
#include "parse/ast_fields.h"

#define STACK_MARGIN_BYTES (16 * 1024)

static status print_string(const char *s, struct buf *out) {
    TRY(buf_add_str(out, "\""));
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') TRY(buf_add_str(out, "\\"));
        if (*s == ROLE_SPECIAL)
            TRY(buf_add_str(out, "!"));
        else
            TRY(buf_add(out, s, 1));
    }
    return buf_add_str(out, "\"");
}

static status print_names(const struct list *names, struct buf *out) {
    for (int32_t i = 0; i < list_n(names); i++) {
        if (i > 0) TRY(buf_add_str(out, "."));
        TRY(buf_add_str(out, list_at(names, i)));
    }
    return OK;
}

static status print_literal(const struct ast_literal *l, struct buf *out) {
    switch (l->kind) {
    case LITERAL_STRING:
        TRY(buf_add_str(out, "'"));
        for (const char *s = l->text; *s; s++) {
            if (*s == '\'') TRY(buf_add_str(out, "'"));
            TRY(buf_add(out, s, 1));
        }
        return buf_add_str(out, "'");
    case LITERAL_NUMERIC: return buf_printf(out, "#%s", l->text);
    case LITERAL_BITS:
    case LITERAL_HEX: return buf_printf(out, "%c'%s'", l->text[0], l->text + 1);
    default: return buf_add_str(out, l->text);
    }
}

static status print_column_ref(const struct ast_column_ref *c, struct buf *out) {
    TRY(print_names(c->names, out));
    if (c->star) TRY(buf_add_str(out, c->names ? ".*" : "*"));
    return OK;
}

static int64_t number_of(const struct node *n, const struct ast_field_info *f) {
    const char *at = (const char *)n + f->offset;
    if (f->bytes == 1) return *(const signed char *)at;
    if (f->bytes == 4) return (int32_t)load_le32(at);
    return (int64_t)load_le64(at);
}

static status print_list(const struct list *l, struct buf *out) {
    TRY(buf_add_str(out, "["));
    for (int32_t i = 0; i < list_n(l); i++) {
        if (i > 0) TRY(buf_add_str(out, " "));
        if (list_at(l, i))
            TRY(ast_print(list_at(l, i), out));
        else
            TRY(buf_add_str(out, "none"));
    }
    return buf_add_str(out, "]");
}

static status print_field(const struct node *n, const struct ast_field_info *f, struct buf *out) {
    void *value = f->bytes == sizeof value ? *(void **)((char *)n + f->offset) : NULL;
    bool is_number = f->kind == FIELD_NUMBER || f->kind == FIELD_BOOL;
    if (is_number ? number_of(n, f) == 0 : !value) return OK;
    TRY(buf_printf(out, " %s", f->name));
    if (f->kind == FIELD_BOOL) return OK;
    TRY(buf_add_str(out, "="));
    switch (f->kind) {
    case FIELD_NODE: return ast_print(value, out);
    case FIELD_LIST: return print_list(value, out);
    case FIELD_STRING: return print_string(value, out);
    case FIELD_STRINGS: return print_names(value, out);
    case FIELD_NUMBER: return buf_printf(out, "%" PRId64, number_of(n, f));
    default: break;
    }
    TRY(buf_add_str(out, "["));
    for (int32_t i = 0; i < list_n(value); i++) TRY(print_list(list_at(value, i), out));
    return buf_add_str(out, "]");
}

status ast_print(struct node *n, struct buf *out) {
    if (coro_stack_left() < STACK_MARGIN_BYTES) return STATUS(STATEMENT_TOO_COMPLEX);
    switch (n->kind) {
    case NODE_LITERAL: return print_literal(ast_as_literal(n), out);
    case NODE_COLUMN_REF: return print_column_ref(ast_as_column_ref(n), out);
    case NODE_PARAM: return buf_printf(out, "$%d", ast_as_param(n)->number);
    default: break;
    }
    TRY(buf_printf(out, "(%s", ast_kind_name(n->kind)));
    for (const struct ast_field_info *f = ast_fields(n->kind); f->name; f++)
        TRY(print_field(n, f, out));
    return buf_add_str(out, ")");
}
