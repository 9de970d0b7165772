#include "exec/explain_options.h"

#include <strings.h>

#include "parse/parse.h"

static status at(struct sql_env *env, const struct ast_def_elem *d, status st) {
    error_at(env->eval.error, parse_position(env->text, env->text_len, d->node.location));
    return st;
}

static const struct ast_literal *literal(const struct ast_def_elem *d) {
    return d->value && d->value->kind == NODE_LITERAL ? ast_as_literal(d->value) : NULL;
}

static status read_bool(struct sql_env *env, const struct ast_def_elem *d, bool *ret) {
    static const char *const on[] = {"true", "on", "1"}, *const off[] = {"false", "off", "0"};
    const struct ast_literal *l = literal(d);
    *ret = true;
    if (!d->value) return OK;
    if (l && l->kind == LITERAL_BOOL) {
        *ret = l->integer != 0;
        return OK;
    }
    for (size_t i = 0; l && l->text && i < 3; i++) {
        if (!strcasecmp(l->text, on[i])) return OK;
        if (strcasecmp(l->text, off[i])) continue;
        *ret = false;
        return OK;
    }
    return error_set(env->eval.error, ST_SYNTAX_ERROR, "%s requires a Boolean value", d->name);
}

static status read_format(struct sql_env *env, const struct ast_def_elem *d,
                          enum explain_format *ret) {
    static const char *const names[] = {"text", "json", "yaml", "xml"};
    const struct ast_literal *l = literal(d);
    const char *text = l && l->text ? l->text : "";
    for (size_t i = 0; i < 4; i++)
        if (!strcasecmp(text, names[i])) {
            *ret = (enum explain_format)i;
            return OK;
        }
    return at(env, d,
              error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                        "unrecognized value for EXPLAIN option \"%s\": \"%s\"", d->name, text));
}

static status read_one(struct sql_env *env, const struct ast_def_elem *d, struct explain_options *o,
                       bool *timing_set, bool *summary_set) {
    const struct {
        const char *name;
        bool *place, *set;
    } flags[] = {{"analyze", &o->analyze, NULL},     {"verbose", &o->verbose, NULL},
                 {"costs", &o->costs, NULL},         {"buffers", &o->buffers, NULL},
                 {"settings", &o->settings, NULL},   {"wal", &o->wal, NULL},
                 {"timing", &o->timing, timing_set}, {"summary", &o->summary, summary_set}};
    if (!strcmp(d->name, "format")) return read_format(env, d, &o->format);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (strcmp(d->name, flags[i].name)) continue;
        if (flags[i].set) *flags[i].set = true;
        return read_bool(env, d, flags[i].place);
    }
    return at(
        env, d,
        error_set(env->eval.error, ST_SYNTAX_ERROR, "unrecognized EXPLAIN option \"%s\"", d->name));
}

status explain_options_read(struct sql_env *env, const struct list *options,
                            struct explain_options *ret) {
    bool timing_set = false, summary_set = false;
    *ret = (struct explain_options){.costs = true};
    LIST_EACH(const struct ast_def_elem *, d, options)
    TRY(read_one(env, d, ret, &timing_set, &summary_set));
    if (ret->wal && !ret->analyze)
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "EXPLAIN option WAL requires ANALYZE");
    if (timing_set && ret->timing && !ret->analyze)
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "EXPLAIN option TIMING requires ANALYZE");
    if (!timing_set) ret->timing = ret->analyze;
    if (!summary_set) ret->summary = ret->analyze;
    return OK;
}
