/* options.c: storage parameters: checked, kept as pg_class.reloptions, and otherwise without effect
 * but for check_option of views. */
#include "catalog/options.h"

#include <errno.h>
#include <float.h>

static const struct option {
    const char *name, *kinds;
    char type;
    double low, high;
} known[] = {
#define X(name, kinds, type, low, high) {#name, kinds, type, low, high},
#include "catalog/options.def"
#undef X
};

static const struct option *find(const char *name, char relkind) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, name) && strchr(known[i].kinds, relkind)) return &known[i];
    return NULL;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* As it was written; a bare name is "true". */
static const char *value_of(struct sql_env *env, const struct ast_def_elem *o) {
    if (!o->value) return "true";
    if (o->value->kind == NODE_TYPE_NAME) {
        const struct list *names = ((struct ast_type_name *)o->value)->names;
        return list_at(names, list_n(names) - 1);
    }
    if (o->value->kind == NODE_NAME_LIST) {
        const struct list *names = ast_as_name_list(o->value)->names;
        return list_at(names, list_n(names) - 1);
    }
    if (o->value->kind != NODE_LITERAL) return "";
    const struct ast_literal *l = ast_as_literal(o->value);
    if (l->kind == LITERAL_BOOL) return l->integer ? "true" : "false";
    if (l->kind == LITERAL_INTEGER) return arena_printf(env->eval.arena, "%d", l->integer);
    return l->text;
}

static bool is_boolean(const char *text) {
    static const char *const words[] = {"true", "false", "on", "off", "yes", "no", "1", "0"};
    size_t n = strlen(text);
    for (size_t i = 0; n && i < sizeof words / sizeof *words; i++)
        if (!strncasecmp(words[i], text, n) && (n > 1 || *words[i] != 'o')) return true;
    return false;
}

static bool is_word(const struct option *o, const char *text) {
    if (!strcmp(o->name, "check_option"))
        return !strcmp(text, "local") || !strcmp(text, "cascaded");
    return !strcasecmp(text, "auto") || is_boolean(text);
}

static status out_of_bounds(struct sql_env *env, const struct option *o, const char *text) {
    status st = error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                          "value %s out of bounds for option \"%s\"", text, o->name);
    if (o->type == 'i')
        error_detail(env->eval.error, "Valid values are between \"%.0f\" and \"%.0f\".", o->low,
                     o->high);
    else
        error_detail(env->eval.error, "Valid values are between \"%f\" and \"%f\".", o->low,
                     o->high);
    return st;
}

static status check_number(struct sql_env *env, const struct option *o, const char *text) {
    char *end;
    errno = 0;
    double value = o->type == 'i' ? (double)strtoll(text, &end, 0) : strtod(text, &end);
    if (!*text || *end || errno)
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         o->type == 'i' ? "invalid value for integer option \"%s\": %s"
                                        : "invalid value for floating point option \"%s\": %s",
                         o->name, text);
    return value < o->low || value > o->high ? out_of_bounds(env, o, text) : OK;
}

static status check_value(struct sql_env *env, const struct option *o, const char *text) {
    if (o->type == 'i' || o->type == 'r') return check_number(env, o, text);
    if (o->type == 'b' && !is_boolean(text))
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "invalid value for boolean option \"%s\": %s", o->name, text);
    if (o->type != 'e' || is_word(o, text)) return OK;
    status st = error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                          "invalid value for enum option \"%s\": %s", o->name, text);
    error_detail(env->eval.error, !strcmp(o->name, "check_option")
                                      ? "Valid values are \"local\" and \"cascaded\"."
                                      : "Valid values are \"on\", \"off\", and \"auto\".");
    return st;
}

/* ---- the array ------------------------------------------------------------------------------- */

static bool is_named(const struct list *options, const char *item, size_t len) {
    LIST_EACH(const struct ast_def_elem *, o, options)
    if (strlen(o->name) < len && item[strlen(o->name)] == '=' &&
        !strncmp(o->name, item, strlen(o->name)))
        return true;
    return false;
}

static status add(struct buf *out, const char *item, size_t len) {
    TRY(buf_add_str(out, out->len > 1 ? "," : ""));
    return buf_add(out, item, len);
}

/* What was there and is not named now. */
static status keep_others(const struct list *options, const char *before, struct buf *out) {
    const char *at = before ? before + 1 : "";
    while (*at && *at != '}') {
        size_t n = strcspn(at, ",}");
        if (!is_named(options, at, n)) TRY(add(out, at, n));
        at += n + (at[n] == ',');
    }
    return OK;
}

static status add_option(struct sql_env *env, char relkind, const struct ast_def_elem *o,
                         bool reset, struct buf *out) {
    const struct option *known_one = find(o->name, relkind);
    const char *text = value_of(env, o);
    if (!text) return no_memory(env);
    if (reset && o->value)
        return error_set(env->eval.error, ST_SYNTAX_ERROR,
                         "RESET must not include values for parameters");
    if (reset) return OK;
    if (!known_one)
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "unrecognized parameter \"%s\"", o->name);
    TRY(check_value(env, known_one, text));
    TRY(add(out, o->name, strlen(o->name)));
    return buf_printf(out, "=%s", text);
}

/* A table's without meaning, as long as it says no. */
static status check_oids(struct sql_env *env, const struct ast_def_elem *o, bool reset) {
    const char *text = value_of(env, o);
    if (!text) return no_memory(env);
    if (reset || !(strchr("tTyY1", *text) || !strcasecmp(text, "on"))) return OK;
    return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                     "tables declared WITH OIDS are not supported");
}

status options_text(struct sql_env *env, char relkind, const struct list *options,
                    const char *before, bool reset, const char **ret_text) {
    struct buf out = {0};
    status st = buf_add_str(&out, "{");
    if (ok(st)) st = keep_others(options, before, &out);
    LIST_EACH(const struct ast_def_elem *, o, options) {
        if (!ok(st)) break;
        st = strcmp(o->name, "oids") ? add_option(env, relkind, o, reset, &out)
                                     : check_oids(env, o, reset);
    }
    *ret_text = NULL;
    if (ok(st) && out.len > 1) {
        st = buf_add_str(&out, "}");
        *ret_text = arena_strndup(env->eval.arena, out.data, out.len);
        if (ok(st) && !*ret_text) st = no_memory(env);
    }
    buf_free(&out);
    return st;
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct new_options {
    char relkind; /* 'a': a column's */
    int column;   /* of the catalog row */
    const struct list *options;
    bool reset;
};

static status set_options(struct sql_env *env, struct catalog_row *row, void *arg) {
    const struct new_options *n = arg;
    const char *before = NULL, *text;
    if (!row_is_null(row, n->column)) {
        char *shown;
        size_t len;
        TRY(type_output_string(&env->eval, type_find(TEXTARRAYOID), row->values[n->column - 1],
                               &shown, &len));
        before = arena_strndup(env->eval.arena, shown, len);
        if (!before) return no_memory(env);
    }
    TRY(options_text(env, n->relkind, n->options, before, n->reset, &text));
    row_set_null(row, n->column);
    if (!text) return OK;
    return row_set_input(&env->eval, row, n->column, TEXTARRAYOID, text);
}

status define_set_options(struct sql_env *env, const struct relation *r, const struct list *options,
                          bool reset) {
    struct new_options n = {r->kind, COL_pg_class_reloptions, options, reset};
    return define_update_class(env, r->oid, set_options, &n);
}

status define_first_options(struct sql_env *env, oid relation, char relkind,
                            const struct list *options) {
    struct new_options n = {relkind, COL_pg_class_reloptions, options, false};
    if (!list_n(options)) return OK;
    return define_update_class(env, relation, set_options, &n);
}

status define_set_column_options(struct sql_env *env, const struct relation *r,
                                 const struct ast_alter_cmd *cmd, bool reset) {
    struct new_options n = {'a', COL_pg_attribute_attoptions,
                            ((struct ast_node_list *)cmd->def)->items, reset};
    struct attribute *att;
    TRY(define_need_attribute(env, r, cmd->name, &att));
    return define_update_attribute(env, r->oid, att->number, set_options, &n);
}

status define_column_distinct(struct sql_env *env, const struct relation *r, int16_t column,
                              float *ret) {
    datum keys[] = {datum_oid(r->oid), datum_int2(column)};
    struct catalog_row row;
    char *shown;
    size_t len;
    TRY(catalog_row_get(env, CAT_pg_attribute, OID_pg_attribute_relid_attnum_index, keys, 2,
                        env->eval.arena, &row));
    if (row_is_null(&row, COL_pg_attribute_attoptions)) return OK;
    TRY(type_output_string(&env->eval, type_find(TEXTARRAYOID),
                           row.values[COL_pg_attribute_attoptions - 1], &shown, &len));
    const char *text = arena_strndup(env->eval.arena, shown, len);
    if (!text) return no_memory(env);
    const char *at = strstr(text, "n_distinct=");
    float said = at ? strtof(at + strlen("n_distinct="), NULL) : 0;
    if (said != 0) *ret = said;
    return OK;
}
