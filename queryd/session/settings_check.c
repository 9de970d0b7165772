/* What a setting may be set to, and how SHOW prints that. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "session/authorization.h"
#include "session/settings_private.h"
#include "types/converter.h"
#include "types/tz.h"

status setting_invalid(struct session *s, const struct setting_info *v, const char *value) {
    return error_set(&s->error, ST_INVALID_PARAMETER_VALUE,
                     "invalid value for parameter \"%s\": \"%s\"", v->name, value);
}

static status invalid(struct session *s, enum setting v, const char *value) {
    return setting_invalid(s, setting_info(v), value);
}

static status check_bool(struct session *s, enum setting v, const char *value, char **ret) {
    static const char *const on[] = {"on", "true", "yes", "1", "t", "y", "tru", "tr", "ye"};
    static const char *const off[] = {"off", "false", "no",  "0",  "f",
                                      "n",   "fals",  "fal", "fa", "of"};
    for (size_t i = 0; i < sizeof on / sizeof *on; i++)
        if (strcasecmp(value, on[i]) == 0) return *ret = strdup("on"), OK;
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        if (strcasecmp(value, off[i]) == 0) return *ret = strdup("off"), OK;
    return error_set(&s->error, ST_INVALID_PARAMETER_VALUE,
                     "parameter \"%s\" requires a Boolean value", setting_info(v)->name);
}

/* Further words for some choices, which nobody is told of. */
static const struct {
    enum setting setting;
    const char *word, *value;
} hidden[] = {
    {SETTING_synchronous_commit, "true", "on"},       {SETTING_synchronous_commit, "false", "off"},
    {SETTING_synchronous_commit, "yes", "on"},        {SETTING_synchronous_commit, "no", "off"},
    {SETTING_synchronous_commit, "1", "on"},          {SETTING_synchronous_commit, "0", "off"},
    {SETTING_client_min_messages, "debug", "debug2"}, {SETTING_client_min_messages, "info", "info"},
};

static status check_enum(struct session *s, enum setting v, const char *value, char **ret) {
    size_t len = strlen(value);
    const char *range = setting_info(v)->range;
    for (const char *at = range; *at;) {
        size_t n = strcspn(at, "|");
        if (n == len && strncasecmp(at, value, n) == 0) return *ret = strndup(at, n), OK;
        at += n + (at[n] == '|');
    }
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (hidden[i].setting == v && strcasecmp(value, hidden[i].word) == 0)
            return *ret = strdup(hidden[i].value), OK;
    status st = invalid(s, v, value);
    char choices[256];
    size_t used = 0;
    for (const char *at = range; *at && used < sizeof choices - 40;) {
        size_t n = strcspn(at, "|");
        used += (size_t)snprintf(choices + used, sizeof choices - used, "%s%.*s", used ? ", " : "",
                                 (int)n, at);
        at += n + (at[n] == '|');
    }
    error_hint(&s->error, "Available values: %s.", choices);
    return st;
}

static const char *const date_styles[] = {"ISO", "SQL", "Postgres", "German"};
static const char *const date_orders[] = {"MDY", "DMY", "YMD"};

bool setting_date_order_word(const char *word, enum date_order *ret) {
    if (strcasecmp(word, "YMD") == 0)
        *ret = DATE_ORDER_YMD;
    else if (strcasecmp(word, "DMY") == 0 || strncasecmp(word, "EURO", 4) == 0)
        *ret = DATE_ORDER_DMY;
    else if (strcasecmp(word, "MDY") == 0 || strcasecmp(word, "US") == 0 ||
             strncasecmp(word, "NONEURO", 7) == 0)
        *ret = DATE_ORDER_MDY;
    else
        return false;
    return true;
}

bool setting_date_style_word(const char *word, enum date_style *ret) {
    for (size_t i = 0; i < sizeof date_styles / sizeof *date_styles; i++) {
        bool is_prefix = i == DATE_STYLE_POSTGRES; /* POSTGRESQL too */
        if (is_prefix ? strncasecmp(word, date_styles[i], 8) : strcasecmp(word, date_styles[i]))
            continue;
        *ret = (enum date_style)i;
        return true;
    }
    return false;
}

/* A style, an order or both; what is not said stays, except that German means DMY. */
static status check_date_style(struct session *s, const char *value, char **ret) {
    enum date_style style = s->values.date_style, new_style;
    enum date_order order = s->values.date_order, new_order;
    bool has_style = false, has_order = false, conflict = false;
    char copy[64], *rest = copy, *word;
    snprintf(copy, sizeof copy, "%s", value);
    while ((word = strsep(&rest, ", "))) {
        if (!*word) continue;
        if (setting_date_style_word(word, &new_style)) {
            conflict |= has_style && new_style != style;
            style = new_style;
            has_style = true;
            if (style == DATE_STYLE_GERMAN && !has_order) order = DATE_ORDER_DMY;
        } else if (setting_date_order_word(word, &new_order)) {
            conflict |= has_order && new_order != order;
            order = new_order;
            has_order = true;
        } else {
            status st = invalid(s, SETTING_DateStyle, value);
            error_detail(&s->error, "Unrecognized key word: \"%s\".", word);
            return st;
        }
    }
    if (conflict) {
        status st = invalid(s, SETTING_DateStyle, value);
        error_detail(&s->error, "Conflicting \"datestyle\" specifications.");
        return st;
    }
    char text[24];
    snprintf(text, sizeof text, "%s, %s", date_styles[style], date_orders[order]);
    *ret = strdup(text);
    return OK;
}

static status check_encoding(struct session *s, const char *value, char **ret) {
    enum encoding e = encoding_named(value);
    if (e == ENCODING_NONE) return invalid(s, SETTING_client_encoding, value);
    if (e != ENCODING_SQL_ASCII && !converter_knows(e)) {
        status st = error_set(&s->error, ST_FEATURE_NOT_SUPPORTED,
                              "invalid value for parameter \"client_encoding\": \"%s\"", value);
        error_detail(&s->error, "Conversion between %s and UTF8 is not supported.",
                     encoding_name(e));
        return st;
    }
    *ret = strdup(encoding_name(e));
    return OK;
}

status setting_find_zone(const char *value, const struct tz **ret) {
    char *end;
    double hours = strtod(value, &end);
    if (end == value || *end) return tz_find(value, ret);
    if (!(hours > -16 && hours < 16)) return STATUS(NOT_FOUND);
    return tz_find_offset((int32_t)lrint(hours * 3600), ret);
}

status setting_check_value(struct session *s, enum setting v, const char *value, char **ret) {
    switch (v) {
    case SETTING_DateStyle: return check_date_style(s, value, ret);
    case SETTING_client_encoding: return check_encoding(s, value, ret);
    case SETTING_role:
    case SETTING_session_authorization: return authorization_check(s, v, value, ret);
    case SETTING_TimeZone: {
        const struct tz *zone;
        if (!ok(setting_find_zone(value, &zone))) return invalid(s, v, value);
        *ret = strdup(tz_name(zone));
        return OK;
    }
    default: break;
    }
    switch (setting_info(v)->kind) {
    case SETTING_BOOL: return check_bool(s, v, value, ret);
    case SETTING_ENUM: return check_enum(s, v, value, ret);
    case SETTING_TEXT: *ret = strdup(value); return OK;
    default: return setting_check_number(s, setting_info(v), value, ret);
    }
}
