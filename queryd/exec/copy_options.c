/* COPY's options, in their old and new spelling. */
#include <strings.h>

#include "exec/copy_private.h"
#include "types/client_text.h"
#include "types/converter.h"

static const char *text_of(const struct ast_def_elem *d) {
    if (!d->value) return NULL;
    if (d->value->kind == NODE_LITERAL) return ast_as_literal(d->value)->text;
    if (d->value->kind == NODE_NAME_LIST) {
        const struct list *names = ((const struct ast_name_list *)d->value)->names;
        return list_n(names) ? list_at(names, 0) : NULL;
    }
    return NULL;
}

static status at_option(struct copy *c, const struct ast_def_elem *d, status s) {
    if (d->node.location >= 0)
        error_at(c->env->eval.error,
                 parse_position(c->env->text, c->env->text_len, d->node.location));
    return s;
}

static status bool_of(struct copy *c, const struct ast_def_elem *d, bool *ret) {
    struct error *e = c->env->eval.error;
    const char *text = text_of(d);
    *ret = true;
    if (!d->value) return OK;
    if (d->value->kind == NODE_LITERAL) {
        const struct ast_literal *l = ast_as_literal(d->value);
        if (l->kind == LITERAL_BOOL || (l->kind == LITERAL_INTEGER && (unsigned)l->integer <= 1)) {
            *ret = l->integer != 0;
            return OK;
        }
    }
    if (text && (!strcasecmp(text, "true") || !strcasecmp(text, "on"))) return OK;
    *ret = false;
    if (text && (!strcasecmp(text, "false") || !strcasecmp(text, "off"))) return OK;
    return error_set(e, ST_SYNTAX_ERROR, "%s requires a Boolean value", d->name);
}

static status one_byte(struct copy *c, const struct ast_def_elem *d, char *ret) {
    const char *text = text_of(d);
    if (!text || strlen(text) != 1)
        return error_set(c->env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "COPY %s must be a single one-byte character", d->name);
    *ret = text[0];
    return OK;
}

static status format_of(struct copy *c, const struct ast_def_elem *d) {
    const char *text = text_of(d);
    if (text && strcmp(text, "text") == 0)
        c->options.format = COPY_TEXT;
    else if (text && strcmp(text, "csv") == 0)
        c->options.format = COPY_CSV;
    else if (text && strcmp(text, "binary") == 0)
        c->options.format = COPY_BINARY;
    else
        return at_option(c, d,
                         error_set(c->env->eval.error, ST_INVALID_PARAMETER_VALUE,
                                   "COPY format \"%s\" not recognized", text ? text : ""));
    return OK;
}

static status encoding_of(struct copy *c, const struct ast_def_elem *d, const char *text) {
    struct error *e = c->env->eval.error;
    enum encoding encoding = encoding_named(text);
    if (encoding == ENCODING_NONE)
        return at_option(
            c, d,
            error_set(e, ST_INVALID_PARAMETER_VALUE,
                      "argument to option \"encoding\" must be a valid encoding name"));
    if (encoding_differs(encoding) && !converter_knows(encoding))
        return error_set(e, ST_FEATURE_NOT_SUPPORTED,
                         "conversion between %s and UTF8 is not supported",
                         encoding_name(encoding));
    c->options.encoding = encoding;
    return OK;
}

static status header_of(struct copy *c, const struct ast_def_elem *d) {
    const char *text = text_of(d);
    if (text && !strcasecmp(text, "match")) {
        c->options.header = COPY_HEADER_MATCH;
        return OK;
    }
    bool on;
    TRY(bool_of(c, d, &on));
    c->options.header = on ? COPY_HEADER : COPY_NO_HEADER;
    return OK;
}

/* A list of columns, or * for all (only FORCE_QUOTE). */
static const struct list *columns_of(const struct ast_def_elem *d, bool *ret_all) {
    if (d->value && d->value->kind == NODE_NAME_LIST)
        return ((const struct ast_name_list *)d->value)->names;
    if (d->value && d->value->kind == NODE_COLUMN_REF) *ret_all = true;
    return NULL;
}

static status read_option(struct copy *c, const struct ast_def_elem *d) {
    struct copy_options *o = &c->options;
    const char *name = d->name;
    bool all = false;
    if (strcmp(name, "format") == 0) return format_of(c, d);
    if (strcmp(name, "header") == 0) return header_of(c, d);
    if (strcmp(name, "freeze") == 0) return bool_of(c, d, &o->freeze);
    if (strcmp(name, "delimiter") == 0) {
        o->delimiter_given = true;
        return one_byte(c, d, &o->delimiter);
    }
    if (strcmp(name, "quote") == 0) {
        o->quote_given = true;
        return one_byte(c, d, &o->quote);
    }
    if (strcmp(name, "escape") == 0) {
        o->escape_given = true;
        return one_byte(c, d, &o->escape);
    }
    if (strcmp(name, "null") == 0) {
        o->null = text_of(d) ? text_of(d) : "";
        o->null_given = true;
        return OK;
    }
    if (strcmp(name, "force_quote") == 0) {
        o->force_quote = columns_of(d, &o->force_quote_all);
        return OK;
    }
    if (strcmp(name, "force_not_null") == 0) {
        o->force_not_null = columns_of(d, &all);
        return OK;
    }
    if (strcmp(name, "force_null") == 0) {
        o->force_null = columns_of(d, &all);
        return OK;
    }
    if (strcmp(name, "encoding") == 0) {
        const char *text = text_of(d);
        return encoding_of(c, d, text ? text : "");
    }
    return at_option(
        c, d, error_set(c->env->eval.error, ST_SYNTAX_ERROR, "option \"%s\" not recognized", name));
}

static status check_csv_only(struct copy *c, bool given, const char *what) {
    if (!given || c->options.format == COPY_CSV) return OK;
    return error_set(c->env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                     "COPY %s available only in CSV mode", what);
}

static status check_options(struct copy *c, bool from) {
    struct error *e = c->env->eval.error;
    struct copy_options *o = &c->options;
    if (o->format == COPY_BINARY && o->delimiter_given)
        return error_set(e, ST_SYNTAX_ERROR, "cannot specify DELIMITER in BINARY mode");
    if (o->format == COPY_BINARY && o->null_given)
        return error_set(e, ST_SYNTAX_ERROR, "cannot specify NULL in BINARY mode");
    if (o->format == COPY_BINARY && o->header)
        return error_set(e, ST_FEATURE_NOT_SUPPORTED, "cannot specify HEADER in BINARY mode");
    TRY(check_csv_only(c, o->quote_given, "quote"));
    TRY(check_csv_only(c, o->escape_given, "escape"));
    TRY(check_csv_only(c, o->force_quote || o->force_quote_all, "force quote"));
    TRY(check_csv_only(c, o->force_not_null != NULL, "force not null"));
    TRY(check_csv_only(c, o->force_null != NULL, "force null"));
    if (o->delimiter == '\n' || o->delimiter == '\r')
        return error_set(e, ST_INVALID_PARAMETER_VALUE,
                         "COPY delimiter cannot be newline or carriage return");
    if (strpbrk(o->null, "\r\n"))
        return error_set(e, ST_INVALID_PARAMETER_VALUE,
                         "COPY null representation cannot use newline or carriage return");
    if (o->format == COPY_TEXT && strchr("\\.abcdefghijklmnopqrstuvwxyz0123456789", o->delimiter))
        return error_set(e, ST_INVALID_PARAMETER_VALUE, "COPY delimiter cannot be \"%c\"",
                         o->delimiter);
    if (o->format == COPY_CSV && o->delimiter == o->quote)
        return error_set(e, ST_INVALID_PARAMETER_VALUE,
                         "COPY delimiter and quote must be different");
    if (o->format != COPY_BINARY && strchr(o->null, o->delimiter) && o->delimiter)
        return error_set(e, ST_FEATURE_NOT_SUPPORTED,
                         "COPY delimiter must not appear in the NULL specification");
    if (o->header == COPY_HEADER_MATCH && !from)
        return error_set(e, ST_FEATURE_NOT_SUPPORTED,
                         "cannot use \"match\" with HEADER in COPY TO");
    return OK;
}

status copy_options_read(struct copy *c, const struct ast_copy *stmt) {
    struct copy_options *o = &c->options;
    o->encoding = c->env->eval.session->client_encoding;
    LIST_EACH(struct ast_def_elem *, d, stmt->options) TRY(read_option(c, d));
    bool csv = o->format == COPY_CSV;
    if (!o->delimiter_given) o->delimiter = csv ? ',' : '\t';
    if (!o->null_given) o->null = csv ? "" : "\\N";
    if (!o->quote_given) o->quote = '"';
    if (!o->escape_given) o->escape = o->quote;
    o->null_len = strlen(o->null);
    return check_options(c, stmt->from);
}
