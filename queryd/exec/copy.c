/* COPY: its options, and how it becomes a prepared INSERT or a query. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "catalog/catalog.h"
#include "exec/copy_internal.h"

static status fail_at(struct sql_env *env, const struct node *n, status s) {
    error_at(env->eval.error, parse_position(env->text, env->text_len, n->location));
    return s;
}

/* ---- options --------------------------------------------------------------------------------- */

static const char *option_text(const struct ast_def_elem *o) {
    return o->value && o->value->kind == NODE_LITERAL ? ((struct ast_literal *)o->value)->text
                                                      : NULL;
}

static status option_bool(struct sql_env *env, const struct ast_def_elem *o, bool *ret) {
    if (!o->value) return *ret = true, OK;
    const struct ast_literal *l = (const struct ast_literal *)o->value;
    if (o->value->kind == NODE_LITERAL && l->kind == LITERAL_BOOL) return *ret = l->integer, OK;
    const char *t = option_text(o);
    static const char *const yes[] = {"true", "on", "1"}, *const no[] = {"false", "off", "0"};
    for (int i = 0; t && i < 3; i++) {
        if (strcasecmp(t, yes[i]) == 0) return *ret = true, OK;
        if (strcasecmp(t, no[i]) == 0) return *ret = false, OK;
    }
    return fail_at(
        env, &o->node,
        error_set(env->eval.error, ST_SYNTAX_ERROR, "%s requires a Boolean value", o->name));
}

static status option_char(struct copy *c, const struct ast_def_elem *o, char *ret) {
    const char *t = option_text(o);
    if (!t || strlen(t) != 1)
        return error_set(c->env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "COPY %s must be a single one-byte character", o->name);
    *ret = t[0];
    return OK;
}

static status option_columns(struct copy *c, const struct ast_def_elem *o, size_t flag) {
    if (o->value && o->value->kind == NODE_COLUMN_REF) {
        for (uint16_t i = 0; i < c->n; i++) *((char *)&c->columns[i] + flag) = true;
        return OK;
    }
    if (!o->value || o->value->kind != NODE_NAME_LIST)
        return error_set(c->env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "argument to option \"%s\" must be a list of column names", o->name);
    LIST_EACH(char *, name, ((struct ast_name_list *)o->value)->names) {
        uint16_t i = 0;
        while (i < c->n && strcmp(c->columns[i].name, name) != 0) i++;
        if (i == c->n)
            return error_set(c->env->eval.error, ST_INVALID_COLUMN_REFERENCE,
                             "%s column \"%s\" not referenced by COPY", o->name, name);
        *((char *)&c->columns[i] + flag) = true;
    }
    return OK;
}

static status set_format(struct copy *c, const struct ast_def_elem *o) {
    const char *t = option_text(o);
    static const char *const names[] = {"text", "csv", "binary"};
    for (int i = 0; t && i < 3; i++)
        if (strcmp(t, names[i]) == 0) return c->format = (enum copy_format)i, OK;
    return fail_at(c->env, &o->node,
                   error_set(c->env->eval.error, ST_INVALID_PARAMETER_VALUE,
                             "COPY format \"%s\" not recognized", t ? t : ""));
}

static status set_header(struct copy *c, const struct ast_def_elem *o) {
    const char *t = option_text(o);
    c->header_match = t && strcasecmp(t, "match") == 0;
    if (!c->header_match) return option_bool(c->env, o, &c->header);
    c->header = true;
    return OK;
}

static status set_option(struct copy *c, const struct ast_def_elem *o) {
    bool ignored;
    if (strcmp(o->name, "format") == 0) return OK; /* taken first */
    if (strcmp(o->name, "freeze") == 0) return option_bool(c->env, o, &ignored);
    if (strcmp(o->name, "delimiter") == 0) return option_char(c, o, &c->delimiter);
    if (strcmp(o->name, "header") == 0) return set_header(c, o);
    if (strcmp(o->name, "quote") == 0) {
        TRY(option_char(c, o, &c->quote));
        if (c->escape == '"') c->escape = c->quote;
        return OK;
    }
    if (strcmp(o->name, "escape") == 0) return option_char(c, o, &c->escape);
    if (strcmp(o->name, "force_quote") == 0)
        return option_columns(c, o, offsetof(struct copy_column, force_quote));
    if (strcmp(o->name, "force_not_null") == 0)
        return option_columns(c, o, offsetof(struct copy_column, force_not_null));
    if (strcmp(o->name, "force_null") == 0)
        return option_columns(c, o, offsetof(struct copy_column, force_null));
    if (strcmp(o->name, "null") == 0) {
        c->null = option_text(o);
        return c->null
                   ? OK
                   : error_set(c->env->eval.error, ST_SYNTAX_ERROR, "null requires a parameter");
    }
    if (strcmp(o->name, "encoding") == 0) {
        const char *t = option_text(o);
        if (t && (strcasecmp(t, "utf8") == 0 || strcasecmp(t, "utf-8") == 0)) return OK;
        return error_set(c->env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "COPY encoding \"%s\" is not supported", t ? t : "");
    }
    return fail_at(
        c->env, &o->node,
        error_set(c->env->eval.error, ST_SYNTAX_ERROR, "option \"%s\" not recognized", o->name));
}

static status check_options(const struct copy *c) {
    struct error *e = c->env->eval.error;
    if (c->format != COPY_CSV && (c->quote != '"' || c->escape != '"'))
        return error_set(e, ST_FEATURE_NOT_SUPPORTED,
                         "COPY quote and escape available only in CSV mode");
    if (c->format == COPY_BINARY && c->header)
        return error_set(e, ST_SYNTAX_ERROR, "cannot specify HEADER in BINARY mode");
    if (strchr("\\\r\n", c->delimiter))
        return error_set(e, ST_INVALID_PARAMETER_VALUE,
                         "COPY delimiter cannot be newline or carriage return");
    if (c->format == COPY_TEXT && strchr("abcdefghijklmnopqrstuvwxyz0123456789.", c->delimiter))
        return error_set(e, ST_INVALID_PARAMETER_VALUE, "COPY delimiter cannot be \"%c\"",
                         c->delimiter);
    if (c->format == COPY_CSV && c->delimiter == c->quote)
        return error_set(e, ST_INVALID_PARAMETER_VALUE,
                         "COPY delimiter and quote must be different");
    if (strpbrk(c->null, "\r\n"))
        return error_set(e, ST_INVALID_PARAMETER_VALUE,
                         "COPY null representation cannot use newline or carriage return");
    if (c->format != COPY_BINARY && c->null_len && strchr(c->null, c->delimiter))
        return error_set(e, ST_FEATURE_NOT_SUPPORTED,
                         "COPY delimiter must not appear in the NULL specification");
    return OK;
}

static status read_options(struct copy *c, const struct list *options) {
    LIST_EACH(struct ast_def_elem *, o, options)
    if (strcmp(o->name, "format") == 0) TRY(set_format(c, o));
    c->delimiter = c->format == COPY_CSV ? ',' : '\t';
    c->quote = c->escape = '"';
    c->null = c->format == COPY_CSV ? "" : "\\N";
    LIST_EACH(struct ast_def_elem *, o, options) TRY(set_option(c, o));
    c->null_len = strlen(c->null);
    return check_options(c);
}

/* ---- columns --------------------------------------------------------------------------------- */

static status add_column(struct copy *c, const struct attribute *att) {
    const struct type *t = type_find(att->type);
    if (!t)
        return error_set(c->env->eval.error, ST_UNDEFINED_OBJECT, "type with OID %u does not exist",
                         att->type);
    c->columns[c->n++] = (struct copy_column){
        .name = arena_strdup(c->arena, att->name), .type = t, .typmod = att->typmod};
    return c->columns[c->n - 1].name ? OK : STATUS(OUT_OF_MEMORY);
}

static status named_column(struct copy *c, const struct relation *r, const char *name) {
    for (uint16_t i = 0; i < c->n; i++)
        if (strcmp(c->columns[i].name, name) == 0)
            return error_set(c->env->eval.error, ST_DUPLICATE_COLUMN,
                             "column \"%s\" specified more than once", name);
    for (uint16_t i = 0; i < r->natts; i++)
        if (!r->atts[i].dropped && strcmp(r->atts[i].name, name) == 0)
            return add_column(c, &r->atts[i]);
    return error_set(c->env->eval.error, ST_UNDEFINED_COLUMN,
                     "column \"%s\" of relation \"%s\" does not exist", name, r->name);
}

static status choose_columns(struct copy *c, const struct relation *r, const struct list *names) {
    c->columns = arena_array(c->arena, r->natts + (size_t)list_n(names), sizeof *c->columns);
    if (!c->columns) return STATUS(OUT_OF_MEMORY);
    LIST_EACH(char *, name, names) TRY(named_column(c, r, name));
    for (uint16_t i = 0; !names && i < r->natts; i++)
        if (!r->atts[i].dropped && !(c->from && r->atts[i].generated))
            TRY(add_column(c, &r->atts[i]));
    return OK;
}

/* ---- statements ------------------------------------------------------------------------------ */

static status add_name(struct buf *b, const char *name) {
    TRY(buf_add(b, "\"", 1));
    for (; *name; name++) {
        if (*name == '"') TRY(buf_add(b, "\"", 1));
        TRY(buf_add(b, name, 1));
    }
    return buf_add(b, "\"", 1);
}

static status add_columns(struct buf *b, const struct copy *c, bool params) {
    for (uint16_t i = 0; i < c->n; i++) {
        if (i) TRY(buf_add_str(b, ", "));
        if (params) TRY(buf_printf(b, "$%u AS ", i + 1));
        TRY(add_name(b, c->columns[i].name));
    }
    return OK;
}

/* INSERT INTO t (a, b) SELECT * FROM (SELECT $1 AS a, $2 AS b) AS t [WHERE …]; without WHERE the
 * plain VALUES form, which is the faster plan. */
static status insert_text(const struct copy *c, const struct relation *r, bool where,
                          struct buf *b) {
    TRY(buf_add_str(b, "INSERT INTO "));
    TRY(add_name(b, r->schema_name));
    TRY(buf_add_str(b, "."));
    TRY(add_name(b, r->name));
    if (c->n == 0) return buf_add_str(b, " DEFAULT VALUES");
    TRY(buf_add_str(b, " ("));
    TRY(add_columns(b, c, false));
    if (!where) {
        TRY(buf_add_str(b, ") VALUES ("));
        for (uint16_t i = 0; i < c->n; i++) TRY(buf_printf(b, "%s$%u", i ? ", " : "", i + 1));
        return buf_add_str(b, ")");
    }
    TRY(buf_add_str(b, ") SELECT * FROM (SELECT "));
    TRY(add_columns(b, c, true));
    TRY(buf_add_str(b, ") AS "));
    TRY(add_name(b, r->name));
    return buf_add_str(b, " WHERE true");
}

static status select_text(const struct copy *c, const struct relation *r, struct buf *b) {
    TRY(buf_add_str(b, "SELECT "));
    TRY(add_columns(b, c, false));
    TRY(buf_add_str(b, " FROM "));
    TRY(add_name(b, r->schema_name));
    TRY(buf_add_str(b, "."));
    return add_name(b, r->name);
}

/* Prepares a text of ours; where replaces the WHERE of an INSERT … SELECT. */
static status prepare_text(struct copy *c, const char *text, size_t len, struct node *where) {
    struct sql_env *env = c->env;
    struct list *statements;
    TRY(parse_sql(c->arena, text, len, env->eval.error, &statements));
    struct raw_stmt *raw = list_at(statements, 0);
    if (where) ast_as_insert(raw->stmt)->source->where = where;
    oid *types = arena_array(c->arena, c->n, sizeof *types);
    if (!types) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < c->n; i++) types[i] = c->columns[i].type->oid;
    return statement_prepare(env, raw, types, c->from ? c->n : 0, &c->statement);
}

static status prepare_table(struct copy *c, const struct ast_copy *stmt) {
    const struct ast_range_var *v = stmt->relation;
    const struct relation *r;
    TRY(catalog_relation_lock(c->env, v->schema, v->name,
                              c->from ? MODE_ROW_EXCLUSIVE : MODE_ACCESS_SHARE, v->node.location,
                              &r));
    if (r->kind != 'r') {
        status s = error_set(c->env->eval.error, ST_WRONG_OBJECT_TYPE,
                             r->kind == 'v' ? "cannot copy %s view \"%s\""
                                            : "cannot copy %s non-table relation \"%s\"",
                             c->from ? "to" : "from", r->name);
        if (!c->from) error_hint(c->env->eval.error, "Try the COPY (SELECT ...) TO variant.");
        return s;
    }
    c->table = arena_strdup(c->arena, r->name);
    TRY(choose_columns(c, r, stmt->columns));
    TRY(read_options(c, stmt->options));
    struct buf text = {0};
    status s = c->from ? insert_text(c, r, stmt->where != NULL, &text) : select_text(c, r, &text);
    if (ok(s)) s = prepare_text(c, text.data, text.len, stmt->where);
    buf_free(&text);
    return s;
}

static status prepare_query(struct copy *c, const struct ast_copy *stmt) {
    struct sql_env *env = c->env;
    struct raw_stmt raw = {.stmt = stmt->query, .length = (int32_t)env->text_len};
    TRY(statement_prepare(env, &raw, NULL, 0, &c->statement));
    const struct statement *st = c->statement;
    if (st->ncolumns == 0)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "COPY query must have a RETURNING clause");
    c->columns = arena_array(c->arena, st->ncolumns, sizeof *c->columns);
    if (!c->columns) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < st->ncolumns; i++) {
        struct attribute att = {.name = st->columns[i].name,
                                .type = st->columns[i].type,
                                .typmod = st->columns[i].typmod};
        TRY(add_column(c, &att));
    }
    return read_options(c, stmt->options);
}

static status refuse_file(struct sql_env *env, const struct ast_copy *stmt) {
    status s = error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                         "COPY %s a file or program of the server is not allowed",
                         stmt->from ? "from" : "to");
    error_hint(env->eval.error, "Anyone can COPY to stdout or from stdin. psql's \\copy command "
                                "also works for anyone.");
    return s;
}

status copy_begin(struct sql_env *env, const struct ast_copy *stmt, struct copy **ret_copy) {
    if (stmt->file || stmt->program) return refuse_file(env, stmt);
    struct arena *a = env->eval.arena;
    struct copy *c = arena_zalloc(a, sizeof *c);
    if (!c) return STATUS(OUT_OF_MEMORY);
    *c = (struct copy){.env = env, .arena = a, .from = stmt->from};
    TRY(stmt->query ? prepare_query(c, stmt) : prepare_table(c, stmt));
    c->offset = arena_array(a, c->n + 1u, sizeof *c->offset);
    c->length = arena_array(a, c->n + 1u, sizeof *c->length);
    c->is_null = arena_array(a, c->n + 1u, sizeof *c->is_null);
    c->values = arena_array(a, c->n + 1u, sizeof *c->values);
    c->nulls = arena_array(a, c->n + 1u, 1);
    if (!c->offset || !c->length || !c->is_null || !c->values || !c->nulls)
        return STATUS(OUT_OF_MEMORY);
    arena_init(&c->row_arena, a->limit);
    if (!c->from) TRY(execution_begin(env, c->statement, NULL, NULL, &c->execution));
    *ret_copy = c;
    return OK;
}

void copy_end(struct copy *c) {
    if (c->execution) execution_end(c->execution);
    if (c->statement) statement_release(c->statement);
    arena_free(&c->row_arena);
    buf_free(&c->pending);
    buf_free(&c->fields);
}

bool copy_is_binary(const struct copy *c) {
    return c->format == COPY_BINARY;
}

uint16_t copy_columns(const struct copy *c) {
    return c->n;
}

uint64_t copy_rows(const struct copy *c) {
    return c->rows;
}
