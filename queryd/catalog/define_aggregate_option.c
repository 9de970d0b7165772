/* define_aggregate_option.c: what CREATE AGGREGATE says, as words. */
#include <strings.h>

#include "catalog/define_aggregate.h"

static const struct option_name option_names[] = {
    {"sfunc", OPTION_SFUNC},
    {"sfunc1", OPTION_SFUNC},
    {"stype", OPTION_STYPE},
    {"stype1", OPTION_STYPE},
    {"initcond", OPTION_INITCOND},
    {"initcond1", OPTION_INITCOND},
    {"finalfunc", OPTION_FINALFUNC},
    {"combinefunc", OPTION_COMBINEFUNC},
    {"serialfunc", OPTION_SERIALFUNC},
    {"deserialfunc", OPTION_DESERIALFUNC},
    {"msfunc", OPTION_MSFUNC},
    {"minvfunc", OPTION_MINVFUNC},
    {"mfinalfunc", OPTION_MFINALFUNC},
    {"finalfunc_extra", OPTION_FINALFUNC_EXTRA},
    {"mfinalfunc_extra", OPTION_MFINALFUNC_EXTRA},
    {"finalfunc_modify", OPTION_FINALFUNC_MODIFY},
    {"mfinalfunc_modify", OPTION_MFINALFUNC_MODIFY},
    {"sortop", OPTION_SORTOP},
    {"basetype", OPTION_BASETYPE},
    {"hypothetical", OPTION_HYPOTHETICAL},
    {"sspace", OPTION_SSPACE},
    {"mstype", OPTION_MSTYPE},
    {"msspace", OPTION_MSSPACE},
    {"minitcond", OPTION_MINITCOND},
    {"parallel", OPTION_PARALLEL},
};

void aggregate_read_options(struct aggregate_draft *g) {
    define_read_options(g->env, "aggregate", option_names,
                        sizeof option_names / sizeof *option_names, g->stmt->options, g->options);
}

const struct list *option_names_of(const struct ast_def_elem *o) {
    if (o->value && o->value->kind == NODE_TYPE_NAME)
        return ((const struct ast_type_name *)o->value)->names;
    if (o->value && o->value->kind == NODE_NAME_LIST)
        return ((const struct ast_name_list *)o->value)->names;
    return NULL;
}

const char *option_text(const struct ast_def_elem *o) {
    if (!o || !o->value) return NULL;
    if (o->value->kind == NODE_LITERAL) return ((const struct ast_literal *)o->value)->text;
    const struct list *names = option_names_of(o);
    return names ? list_at(names, list_n(names) - 1) : NULL;
}

status option_flag(struct aggregate_draft *g, enum option option, bool *ret) {
    const struct ast_def_elem *o = g->options[option];
    *ret = false;
    if (!o) return OK;
    const char *text = option_text(o);
    *ret = !o->value ||
           (text && (!strcasecmp(text, "true") || !strcasecmp(text, "on") || !strcmp(text, "1")));
    if (*ret ||
        (text && (!strcasecmp(text, "false") || !strcasecmp(text, "off") || !strcmp(text, "0"))))
        return OK;
    return error_set(g->env->eval.error, ST_SYNTAX_ERROR, "%s requires a Boolean value", o->name);
}

status option_modify(struct aggregate_draft *g, enum option option, char *ret) {
    static const char *const words[] = {"read_only", "shareable", "read_write"};
    const struct ast_def_elem *o = g->options[option];
    const char *text = option_text(o);
    *ret = 'r';
    if (!o) return OK;
    for (size_t i = 0; text && i < 3; i++)
        if (!strcmp(text, words[i])) {
            *ret = "rsw"[i];
            return OK;
        }
    return error_set(g->env->eval.error, ST_SYNTAX_ERROR,
                     "parameter \"%s\" must be READ_ONLY, SHAREABLE, or READ_WRITE", o->name);
}

status option_parallel(struct aggregate_draft *g, char *ret) {
    static const char *const words[] = {"safe", "restricted", "unsafe"};
    const char *text = option_text(g->options[OPTION_PARALLEL]);
    *ret = 'u';
    if (!g->options[OPTION_PARALLEL]) return OK;
    for (size_t i = 0; text && i < 3; i++)
        if (!strcmp(text, words[i])) {
            *ret = words[i][0];
            return OK;
        }
    return error_set(g->env->eval.error, ST_SYNTAX_ERROR,
                     "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE");
}

int64_t option_number(const struct ast_def_elem *o) {
    const char *text = option_text(o);
    return text ? strtoll(text, NULL, 10) : 0;
}
