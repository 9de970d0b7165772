/* Settings as a table: pg_settings. */
#include <stdio.h>
#include <string.h>

#include "session/functions.h"
#include "session/settings_private.h"
#include "types/function.h"

enum {
    SETTINGS_name,
    SETTINGS_setting,
    SETTINGS_unit,
    SETTINGS_category,
    SETTINGS_short_desc,
    SETTINGS_extra_desc,
    SETTINGS_context,
    SETTINGS_vartype,
    SETTINGS_source,
    SETTINGS_min_val,
    SETTINGS_max_val,
    SETTINGS_enumvals,
    SETTINGS_boot_val,
    SETTINGS_reset_val,
    SETTINGS_sourcefile,
    SETTINGS_sourceline,
    SETTINGS_pending_restart,
    SETTINGS_COLUMNS
};

struct settings_row {
    const struct eval_env *env;
    datum values[SETTINGS_COLUMNS];
    uint8_t nulls[SETTINGS_COLUMNS];
};

/* text NULL: null. */
static status put(struct settings_row *r, int column, const char *text) {
    r->nulls[column] = !text;
    return text ? text_datum(r->env, text, &r->values[column]) : OK;
}

static const char *type_word(enum setting_kind kind) {
    switch (kind) {
    case SETTING_BOOL: return "bool";
    case SETTING_REAL: return "real";
    case SETTING_TEXT: return "string";
    case SETTING_ENUM: return "enum";
    default: return "integer";
    }
}

/* A value in the base unit, which then stands in a column of its own. */
static status put_value(struct settings_row *r, int column, const struct setting_info *v,
                        const char *value) {
    double n;
    char text[32];
    if (!setting_unit(v->kind) || setting_parse_number(value, v->kind, &n) != NUMBER_GOOD)
        return put(r, column, value);
    snprintf(text, sizeof text, "%.0f", n);
    return put(r, column, text);
}

static status put_range(struct settings_row *r, const struct setting_info *v) {
    char low[64], *dots;
    snprintf(low, sizeof low, "%s", v->range);
    dots = v->kind == SETTING_ENUM ? NULL : strstr(low, "..");
    if (dots) *dots = 0;
    TRY(put(r, SETTINGS_min_val, dots ? low : NULL));
    return put(r, SETTINGS_max_val, dots ? dots + 2 : NULL);
}

static status put_choices(struct settings_row *r, const struct setting_info *v) {
    char text[256];
    r->nulls[SETTINGS_enumvals] = v->kind != SETTING_ENUM;
    if (v->kind != SETTING_ENUM) return OK;
    int len = snprintf(text, sizeof text, "{\"%s\"}", v->range);
    char list[2 * sizeof text], *to = list;
    for (int i = 0; i < len; i++)
        if (text[i] == '|')
            to = stpcpy(to, "\",\"");
        else
            *to++ = text[i];
    return type_input(r->env, type_find(TEXTARRAYOID), -1, list, (size_t)(to - list),
                      &r->values[SETTINGS_enumvals]);
}

static const char *source_of(const struct session *s, enum setting v) {
    const struct setting_values *values = &s->setting_values;
    if (values->value[v]) return "session";
    if (values->from_client[v]) return "client";
    if (values->start[v]) return "configuration file";
    return strchr(setting_info(v)->flags, 'I') ? "override" : "default";
}

static status fill(struct settings_row *r, const struct session *s, enum setting v) {
    const struct setting_info *info = setting_info(v);
    TRY(put(r, SETTINGS_name, setting_name(s, v)));
    TRY(put_value(r, SETTINGS_setting, info, setting_show(s, v)));
    TRY(put(r, SETTINGS_unit, setting_unit(info->kind)));
    TRY(put(r, SETTINGS_category, info->category));
    TRY(put(r, SETTINGS_short_desc, ""));
    TRY(put(r, SETTINGS_extra_desc, NULL));
    TRY(put(r, SETTINGS_context, info->context));
    TRY(put(r, SETTINGS_vartype, type_word(info->kind)));
    TRY(put(r, SETTINGS_source, source_of(s, v)));
    TRY(put_range(r, info));
    TRY(put_choices(r, info));
    TRY(put_value(r, SETTINGS_boot_val, info, info->preset));
    TRY(put_value(r, SETTINGS_reset_val, info, setting_reset_value(s, v)));
    TRY(put(r, SETTINGS_sourcefile, NULL));
    TRY(put(r, SETTINGS_sourceline, NULL));
    r->values[SETTINGS_pending_restart] = datum_bool(false);
    return OK;
}

status pg_show_all_settings(struct fn_call *c) {
    const struct sql_env *env = c->env->session->session;
    const struct session *s = env->session;
    uint32_t *v;
    TRY(set_counter(c, &v));
    while (*v < setting_count(s) && setting_hidden(*v)) ++*v;
    if (*v >= setting_count(s)) {
        c->set_done = true;
        return OK;
    }
    struct settings_row row = {.env = c->env};
    TRY(fill(&row, s, (*v)++));
    return give_row(c, row.values, row.nulls);
}
