/* SET, SHOW, RESET: values, their checks, their effects. */
#include "session/settings.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/conf.h"
#include "session/authorization.h"
#include "session/session_private.h"
#include "session/settings_private.h"
#include "session/worker.h"
#include "types/tz.h"

static const struct setting_info infos[SETTING_COUNT] = {
#define X(name, kind, preset, flags, range, context, category)                                     \
    [SETTING_##name] = {#name, SETTING_##kind, preset, flags, range, context, category},
#include "session/settings.def"
#undef X
};

/* All settings of the session's own are alike but for their names. */
static const struct setting_info custom_info = {"",     SETTING_TEXT,        "", "", "",
                                                "user", "Customized Options"};

const struct setting_info *setting_info(enum setting v) {
    return v < SETTING_COUNT ? &infos[v] : &custom_info;
}

unsigned setting_count(const struct session *s) {
    return SETTING_COUNT + s->setting_values.ncustom;
}

enum setting setting_find(const struct session *s, const char *name) {
    for (unsigned v = 0; v < setting_count(s); v++)
        if (strcasecmp(setting_name(s, v), name) == 0) return v;
    if (strcasecmp(name, "time zone") == 0) return SETTING_TimeZone;
    return SETTING_NONE;
}

const char *setting_name(const struct session *s, enum setting v) {
    return v < SETTING_COUNT ? infos[v].name : s->setting_values.custom[v - SETTING_COUNT];
}

bool setting_reported(enum setting v) {
    return v < SETTING_COUNT && strchr(infos[v].flags, 'R');
}

bool setting_hidden(enum setting v) {
    return v >= SETTING_COUNT || strchr(infos[v].flags, 'Z');
}

static bool is_authorization(enum setting v) {
    return v == SETTING_role || v == SETTING_session_authorization;
}

const char *setting_show(const struct session *s, enum setting v) {
    const struct setting_values *values = &s->setting_values;
    if (v == SETTING_transaction_isolation && s->txn.slot) return isolation_name(s->isolation);
    if (v == SETTING_transaction_read_only && s->txn.slot) return s->txn.read_only ? "on" : "off";
    if (v == SETTING_transaction_deferrable) return s->deferrable ? "on" : "off";
    if (v == SETTING_transaction_isolation)
        return setting_show(s, SETTING_default_transaction_isolation);
    if (v == SETTING_transaction_read_only)
        return setting_show(s, SETTING_default_transaction_read_only);
    const char *value = values->value[v];
    if (!value) return setting_reset_value(s, v);
    return is_authorization(v) ? authorization_shown(value) : value;
}

const char *setting_reset_value(const struct session *s, enum setting v) {
    const char *start = s->setting_values.start[v];
    if (!start) start = setting_info(v)->preset;
    return is_authorization(v) ? authorization_shown(start) : start;
}

/* "a.b": a setting that only the client gives a meaning. */
static bool is_custom_name(const char *name) {
    bool dot = false, first = true;
    for (; *name; name++) {
        bool letter = isalpha((unsigned char)*name) || *name == '_' || (*name & 0x80);
        if (*name == '.') {
            if (first) return false;
            dot = first = true;
            continue;
        }
        if (!letter && (first || !(isdigit((unsigned char)*name) || *name == '$'))) return false;
        first = false;
    }
    return dot && !first;
}

static status add_custom(struct session *s, const char *name, enum setting *ret) {
    struct setting_values *values = &s->setting_values;
    if (!strchr(name, '.'))
        return error_set(&s->error, ST_UNDEFINED_OBJECT,
                         "unrecognized configuration parameter \"%s\"", name);
    if (!is_custom_name(name)) {
        status st = error_set(&s->error, ST_INVALID_NAME,
                              "invalid configuration parameter name \"%s\"", name);
        error_detail(&s->error, "Custom parameter names must be two or more simple identifiers "
                                "separated by dots.");
        return st;
    }
    if (values->ncustom == SETTINGS_CUSTOM_MAX)
        return error_set(&s->error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "a session can have at most %d settings of its own", SETTINGS_CUSTOM_MAX);
    if (!(values->custom[values->ncustom] = strdup(name))) return STATUS(OUT_OF_MEMORY);
    *ret = SETTING_COUNT + values->ncustom++;
    return OK;
}

/* ---- checks ---------------------------------------------------------------------------------- */

status setting_invalid(struct session *s, const struct setting_info *v, const char *value) {
    return error_set(&s->error, ST_INVALID_PARAMETER_VALUE,
                     "invalid value for parameter \"%s\": \"%s\"", v->name, value);
}

static status invalid(struct session *s, enum setting v, const char *value) {
    return setting_invalid(s, &infos[v], value);
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
                     "parameter \"%s\" requires a Boolean value", infos[v].name);
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
    const char *range = infos[v].range;
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

static bool date_order_word(const char *word, enum date_order *ret) {
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

static bool date_style_word(const char *word, enum date_style *ret) {
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
        if (date_style_word(word, &new_style)) {
            conflict |= has_style && new_style != style;
            style = new_style;
            has_style = true;
            if (style == DATE_STYLE_GERMAN && !has_order) order = DATE_ORDER_DMY;
        } else if (date_order_word(word, &new_order)) {
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

/* Of an encoding's name only letters and digits count. */
static status check_encoding(struct session *s, const char *value, char **ret) {
    char word[16] = "";
    size_t n = 0;
    for (const char *at = value; *at && n < sizeof word - 1; at++)
        if (isalnum((unsigned char)*at)) word[n++] = *at;
    if (strcasecmp(word, "utf8") == 0 || strcasecmp(word, "unicode") == 0)
        return *ret = strdup("UTF8"), OK;
    if (strcasecmp(word, "sqlascii") == 0) return *ret = strdup("SQL_ASCII"), OK;
    return invalid(s, SETTING_client_encoding, value);
}

/* A zone as it is set: a number is hours to the east; else as tz_find. */
static status find_zone(const char *value, const struct tz **ret) {
    char *end;
    double hours = strtod(value, &end);
    if (end == value || *end) return tz_find(value, ret);
    if (!(hours > -16 && hours < 16)) return STATUS(NOT_FOUND);
    return tz_find_offset((int32_t)lrint(hours * 3600), ret);
}

static status check(struct session *s, enum setting v, const char *value, char **ret) {
    switch (v) {
    case SETTING_DateStyle: return check_date_style(s, value, ret);
    case SETTING_client_encoding: return check_encoding(s, value, ret);
    case SETTING_role:
    case SETTING_session_authorization: return authorization_check(s, v, value, ret);
    case SETTING_TimeZone: {
        const struct tz *zone;
        if (!ok(find_zone(value, &zone))) return invalid(s, v, value);
        *ret = strdup(tz_name(zone));
        return OK;
    }
    default: break;
    }
    switch (setting_info(v)->kind) {
    case SETTING_BOOL: return check_bool(s, v, value, ret);
    case SETTING_ENUM: return check_enum(s, v, value, ret);
    case SETTING_TEXT: *ret = strdup(value); return OK;
    default: return setting_check_number(s, &infos[v], value, ret);
    }
}

/* ---- effects --------------------------------------------------------------------------------- */

static uint64_t number_of(const struct session *s, enum setting v) {
    double n = 0;
    if (setting_parse_number(setting_show(s, v), infos[v].kind, &n) != NUMBER_GOOD || n < 0)
        return 0;
    return (uint64_t)n;
}

static int64_t temp_file_limit(const struct session *s) {
    const char *value = setting_show(s, SETTING_temp_file_limit);
    return value[0] == '-' ? -1 : (int64_t)number_of(s, SETTING_temp_file_limit);
}

static bool is_on(const struct session *s, enum setting v) {
    return strcmp(setting_show(s, v), "on") == 0;
}

/* The value has been through check_date_style: "Style, ORDER". */
static void set_date_style(struct session *s) {
    char copy[24], *order = copy;
    snprintf(copy, sizeof copy, "%s", setting_show(s, SETTING_DateStyle));
    const char *style = strsep(&order, ", ");
    date_style_word(style, &s->values.date_style);
    if (order) date_order_word(order + strspn(order, " "), &s->values.date_order);
}

static void set_interval_style(struct session *s) {
    static const char *const styles[] = {[INTERVAL_STYLE_POSTGRES] = "postgres",
                                         [INTERVAL_STYLE_VERBOSE] = "postgres_verbose",
                                         [INTERVAL_STYLE_SQL] = "sql_standard",
                                         [INTERVAL_STYLE_ISO] = "iso_8601"};
    const char *value = setting_show(s, SETTING_IntervalStyle);
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++)
        if (strcmp(value, styles[i]) == 0) s->values.interval_style = (enum interval_style)i;
}

/* How far a cost is from its default, as a part of that. */
static double beyond(struct session *s, enum setting v, double usual) {
    return strtod(setting_show(s, v), NULL) / usual - 1;
}

static void avoid(struct session *s, enum setting v, enum plan_way way) {
    uint64_t bit = (uint64_t)1 << way;
    s->settings.planning.avoided &= ~bit;
    if (!is_on(s, v)) s->settings.planning.avoided |= bit;
}

static enum plan_mode plan_mode_named(const char *word) {
    if (strcmp(word, "auto") == 0) return PLAN_MODE_AUTO;
    return strcmp(word, "force_custom_plan") == 0 ? PLAN_MODE_CUSTOM : PLAN_MODE_GENERIC;
}

/* Copies what the stages below look at to where they look. */
static void take_effect(struct session *s, enum setting v) {
    struct sql_settings *q = &s->settings;
    switch (v) {
    case SETTING_application_name:
        snprintf(s->slot->application_name, sizeof s->slot->application_name, "%s",
                 setting_show(s, v));
        q->application_name = s->slot->application_name;
        break;
    case SETTING_check_function_bodies: q->check_function_bodies = is_on(s, v); break;
    case SETTING_search_path: q->search_path = setting_show(s, v); break;
    case SETTING_lock_timeout: q->lock_timeout_ms = (uint32_t)number_of(s, v); break;
    case SETTING_statement_timeout: q->statement_timeout_ms = (uint32_t)number_of(s, v); break;
    case SETTING_idle_session_timeout: q->idle_timeout_ms = (uint32_t)number_of(s, v); break;
    case SETTING_idle_in_transaction_session_timeout:
        q->idle_in_transaction_timeout_ms = (uint32_t)number_of(s, v);
        break;
    case SETTING_default_statistics_target: q->statistics_target = (uint32_t)number_of(s, v); break;
    case SETTING_work_mem: q->work_mem_bytes = number_of(s, v) * 1024; break;
    case SETTING_maintenance_work_mem:
        q->maintenance_work_mem_bytes = number_of(s, v) * 1024;
        break;
    case SETTING_hash_mem_multiplier:
        q->hash_mem_multiplier = strtod(setting_show(s, v), NULL);
        break;
    case SETTING_temp_file_limit: q->temp_file_limit_kb = temp_file_limit(s); break;
    case SETTING_seq_page_cost: q->planning.seq_page = beyond(s, v, 1); break;
    case SETTING_random_page_cost: q->planning.random_page = beyond(s, v, 4); break;
    case SETTING_cpu_tuple_cost: q->planning.cpu_tuple = beyond(s, v, 0.01); break;
    case SETTING_cpu_index_tuple_cost: q->planning.cpu_index_tuple = beyond(s, v, 0.005); break;
    case SETTING_cpu_operator_cost: q->planning.cpu_operator = beyond(s, v, 0.0025); break;
    case SETTING_enable_seqscan: avoid(s, v, WAY_SEQSCAN); break;
    case SETTING_enable_indexscan: avoid(s, v, WAY_INDEXSCAN); break;
    case SETTING_enable_indexonlyscan: avoid(s, v, WAY_INDEXONLYSCAN); break;
    case SETTING_enable_bitmapscan: avoid(s, v, WAY_BITMAPSCAN); break;
    case SETTING_enable_nestloop: avoid(s, v, WAY_NESTLOOP); break;
    case SETTING_enable_hashjoin: avoid(s, v, WAY_HASHJOIN); break;
    case SETTING_enable_mergejoin: avoid(s, v, WAY_MERGEJOIN); break;
    case SETTING_enable_sort: avoid(s, v, WAY_SORT); break;
    case SETTING_enable_incremental_sort: avoid(s, v, WAY_INCREMENTAL_SORT); break;
    case SETTING_enable_hashagg: avoid(s, v, WAY_HASHAGG); break;
    case SETTING_enable_material: avoid(s, v, WAY_MATERIAL); break;
    case SETTING_enable_memoize: avoid(s, v, WAY_MEMOIZE); break;
    case SETTING_DateStyle: set_date_style(s); break;
    case SETTING_IntervalStyle: set_interval_style(s); break;
    case SETTING_bytea_output:
        s->values.bytea_output = strcmp(setting_show(s, v), "hex") ? BYTEA_ESCAPE : BYTEA_HEX;
        break;
    case SETTING_extra_float_digits: s->values.extra_float_digits = atoi(setting_show(s, v)); break;
    case SETTING_TimeZone: {
        const struct tz *zone;
        if (ok(find_zone(setting_show(s, v), &zone))) s->values.time_zone = zone;
        break;
    }
    case SETTING_default_transaction_isolation:
        s->defaults.isolation = isolation_named(setting_show(s, v));
        if (!s->txn.slot) s->isolation = s->defaults.isolation;
        break;
    case SETTING_password_encryption:
        q->password_md5 = strcmp(setting_show(s, v), "md5") == 0;
        break;
    case SETTING_role:
    case SETTING_session_authorization: authorization_apply(s); break;
    case SETTING_default_transaction_deferrable:
        s->defaults.deferrable = is_on(s, v);
        if (!s->txn.slot) s->deferrable = s->defaults.deferrable;
        break;
    case SETTING_default_transaction_read_only:
        s->defaults.read_only = is_on(s, v);
        if (!s->txn.slot) s->next_read_only = s->defaults.read_only;
        break;
    case SETTING_plan_cache_mode: s->plan_mode = plan_mode_named(setting_show(s, v)); break;
    case SETTING_synchronous_commit:
        s->commits_wait = strcmp(setting_show(s, v), "off") != 0;
        break;
    default: break;
    }
    if (s->started && !s->restoring && setting_reported(v))
        send_parameter_status(s, infos[v].name, setting_show(s, v));
}

/* ---- changes --------------------------------------------------------------------------------- */

/* Remembers the value for the transaction's end. The list takes over `before`. */
static status save(struct session *s, enum setting v, char *before, bool local) {
    struct setting_values *values = &s->setting_values;
    if (values->nsaved == values->saved_cap) {
        uint32_t cap = values->saved_cap ? values->saved_cap * 2 : 8;
        struct saved_setting *saved = reallocarray(values->saved, cap, sizeof *saved);
        if (!saved) return STATUS(OUT_OF_MEMORY);
        values->saved = saved;
        values->saved_cap = cap;
    }
    values->saved[values->nsaved++] = (struct saved_setting){v, before, local};
    return OK;
}

/* server: on the server's own behalf, who may set what clients may not. */
static status find_settable(struct session *s, const char *name, bool server, enum setting *ret) {
    enum setting v = setting_find(s, name);
    if (v == SETTING_NONE) return add_custom(s, name, ret);
    const char *flags = setting_info(v)->flags;
    if (strchr(flags, 'B') && !server && s->started)
        return error_set(&s->error, ST_CANT_CHANGE_RUNTIME_PARAM,
                         "parameter \"%s\" cannot be set after connection start", infos[v].name);
    if (strchr(flags, 'I') && !server)
        return error_set(&s->error, ST_CANT_CHANGE_RUNTIME_PARAM,
                         "parameter \"%s\" cannot be changed%s", infos[v].name,
                         strchr(flags, 'M')   ? " without restarting the server"
                         : strchr(flags, 'H') ? " now"
                                              : "");
    bool restricted = !server && s->started && !s->restoring;
    if (restricted && !strcmp(setting_info(v)->context, "superuser") &&
        strcmp(setting_show(s, SETTING_is_superuser), "on") != 0)
        return error_set(&s->error, ST_INSUFFICIENT_PRIVILEGE,
                         "permission denied to set parameter \"%s\"", name);
    *ret = v;
    return OK;
}

static status set_transaction_mode(struct session *s, enum setting v, const char *value,
                                   bool *ret_done) {
    *ret_done = v == SETTING_transaction_isolation || v == SETTING_transaction_read_only ||
                v == SETTING_transaction_deferrable;
    if (!*ret_done || !value) return OK;
    struct ast_literal literal = {.node = {.kind = NODE_LITERAL}, .text = (char *)value};
    struct ast_def_elem mode = {.node = {.kind = NODE_DEF_ELEM},
                                .name = (char *)setting_name(s, v),
                                .value = &literal.node};
    void *items[] = {&mode};
    return block_set_modes(s, &(struct list){.n = 1, .cap = 1, .items = items}, false);
}

status setting_set(struct session *s, const char *name, const char *value, bool local) {
    enum setting v;
    char *checked = NULL;
    bool done;
    TRY(find_settable(s, name, false, &v));
    if (value) TRY(check(s, v, value, &checked));
    if (value && !checked) return STATUS(OUT_OF_MEMORY);
    status st = set_transaction_mode(s, v, checked, &done);
    if (done || !ok(st)) {
        free(checked);
        return st;
    }
    char **place = &s->setting_values.value[v];
    st = save(s, v, *place, local);
    if (!ok(st)) {
        free(checked);
        return st;
    }
    *place = checked;
    if (v == SETTING_session_authorization) { /* it acts as itself, whatever its role was */
        TRY(setting_set(s, "role", "none", local));
    }
    take_effect(s, v);
    return OK;
}

status setting_set_hidden(struct session *s, enum setting v, const char *value) {
    char *copy = value ? strdup(value) : NULL;
    if (value && !copy) return STATUS(OUT_OF_MEMORY);
    status st = save(s, v, s->setting_values.value[v], false);
    if (ok(st))
        s->setting_values.value[v] = copy;
    else
        free(copy);
    return st;
}

void setting_set_internal(struct session *s, enum setting v, const char *value) {
    char *copy = strdup(value);
    bool same = strcmp(setting_show(s, v), value) == 0;
    if (!copy || same) {
        free(copy);
        return;
    }
    free(s->setting_values.start[v]);
    s->setting_values.start[v] = copy;
    take_effect(s, v);
}

bool setting_is_given(const struct session *s, enum setting v) {
    return s->setting_values.from_client[v];
}

status setting_set_start(struct session *s, const char *name, const char *value) {
    enum setting v;
    char *checked = NULL;
    TRY(find_settable(s, name, true, &v));
    TRY(check(s, v, value, &checked));
    if (!checked) return STATUS(OUT_OF_MEMORY);
    free(s->setting_values.start[v]);
    s->setting_values.start[v] = checked;
    take_effect(s, v);
    return OK;
}

/* In the slot, what the client gave at the beginning stands under its name with this before it. */
#define START_MARK '='

static void remember(struct session *s, const char *name, const char *value) {
    if (!session_setting_put(s->slot, name, value)) s->slot->statements_lost = true;
}

static void remember_start(struct session *s, enum setting v) {
    char marked[64 + 1];
    snprintf(marked, sizeof marked, "%c%s", START_MARK, setting_name(s, v));
    s->setting_values.from_client[v] = true;
    remember(s, marked, s->setting_values.start[v]);
}

status setting_set_start_client(struct session *s, const char *name, const char *value) {
    enum setting v;
    TRY(find_settable(s, name, false, &v));
    TRY(setting_set_start(s, name, value));
    remember_start(s, v);
    return OK;
}

void setting_start_given(struct session *s, enum setting v, char *value) {
    free(s->setting_values.start[v]);
    s->setting_values.start[v] = value;
    remember_start(s, v);
    take_effect(s, v);
}

status settings_restore(struct session *s) {
    const char *name, *value;
    for (uint32_t at = 0; session_setting_next(s->slot, &at, &name, &value);) {
        bool start = *name == START_MARK;
        enum setting v = setting_find(s, name + start);
        if (v == SETTING_NONE) TRY(add_custom(s, name + start, &v));
        char **place = start ? &s->setting_values.start[v] : &s->setting_values.value[v];
        free(*place);
        *place = strdup(value);
        if (!*place) return STATUS(OUT_OF_MEMORY);
        s->setting_values.from_client[v] |= start;
        take_effect(s, v);
    }
    return OK;
}

static status start_ms(struct session *s, const char *name, uint64_t ms) {
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)ms);
    return setting_set_start(s, name, text);
}

status settings_init(struct session *s) {
    const struct conf *c = s->worker->d->conf;
    for (enum setting v = 0; v < SETTING_COUNT; v++) take_effect(s, v);
    char work_mem[32], port[16], connections[24];
    snprintf(work_mem, sizeof work_mem, "%llukB", (unsigned long long)c->work_mem / 1024);
    snprintf(port, sizeof port, "%lld", (long long)c->port);
    snprintf(connections, sizeof connections, "%lld", (long long)c->max_connections);
    TRY(setting_set_start(s, "work_mem", work_mem));
    TRY(setting_set_start(s, "port", port));
    TRY(setting_set_start(s, "max_connections", connections));
    TRY(setting_set_start(s, "synchronous_commit", c->synchronous_commit ? "on" : "off"));
    TRY(start_ms(s, "statement_timeout", c->statement_timeout));
    return start_ms(s, "lock_timeout", c->lock_timeout);
}

status setting_check(struct session *s, const char *name, const char *value, const char **ret_name,
                     char **ret_value) {
    enum setting v;
    TRY(find_settable(s, name, false, &v));
    *ret_name = setting_name(s, v);
    *ret_value = NULL;
    if (!value) return OK;
    TRY(check(s, v, value, ret_value));
    return *ret_value ? OK : STATUS(OUT_OF_MEMORY);
}

void settings_free(struct session *s) {
    struct setting_values *values = &s->setting_values;
    for (unsigned v = 0; v < setting_count(s); v++) {
        free(values->value[v]);
        free(values->start[v]);
    }
    for (uint32_t i = 0; i < values->ncustom; i++) free(values->custom[i]);
    for (uint32_t i = 0; i < values->nsaved; i++) free(values->saved[i].value);
    free(values->saved);
}

void settings_reset_all(struct session *s) {
    for (unsigned v = 0; v < setting_count(s); v++)
        if (s->setting_values.value[v] && !is_authorization(v) && v != SETTING_axl_channels)
            status_ignore(
                setting_set(s, setting_name(s, v), NULL, false)); /* only memory can be short */
}

static void put_back(struct session *s, struct saved_setting *saved) {
    free(s->setting_values.value[saved->setting]);
    s->setting_values.value[saved->setting] = saved->value;
    take_effect(s, saved->setting);
}

/* Newest first. What SET LOCAL replaced comes back, unless the session's own SET came after it. */
void settings_commit(struct session *s) {
    struct setting_values *values = &s->setting_values;
    if (values->nsaved == 0) return;
    bool kept[SETTING_MAX] = {false}, changed[SETTING_MAX] = {false};
    while (values->nsaved) {
        struct saved_setting *saved = &values->saved[--values->nsaved];
        changed[saved->setting] = true;
        if (saved->local && !kept[saved->setting]) {
            put_back(s, saved);
        } else {
            kept[saved->setting] = true;
            free(saved->value);
        }
    }
    for (unsigned v = 0; v < setting_count(s); v++)
        if (changed[v]) remember(s, setting_name(s, v), values->value[v]);
}

void settings_rollback(struct session *s, uint32_t keep) {
    struct setting_values *values = &s->setting_values;
    while (values->nsaved > keep) put_back(s, &values->saved[--values->nsaved]);
}

/* ---- for as long as a function runs ---------------------------------------------------------- */

/* Nobody is told: the values are back before the client could use what it hears. */
static status push(struct sql_env *env, const char *name, const char *value, uint32_t *ret_mark) {
    struct session *s = env->session;
    bool before = s->restoring;
    *ret_mark = s->setting_values.nsaved;
    s->restoring = true;
    status st = setting_set(s, name, value, true);
    s->restoring = before;
    return st;
}

static void pop(struct sql_env *env, uint32_t mark) {
    struct session *s = env->session;
    bool before = s->restoring;
    s->restoring = true;
    settings_rollback(s, mark);
    s->restoring = before;
}

static status show(struct sql_env *env, const char *name, const char **ret_value) {
    enum setting v = setting_find(env->session, name);
    if (v == SETTING_NONE)
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                         "unrecognized configuration parameter \"%s\"", name);
    *ret_value = arena_strdup(env->eval.arena, setting_show(env->session, v));
    return *ret_value ? OK : STATUS(OUT_OF_MEMORY);
}

void settings_serve(struct sql_env *env) {
    env->setting_push = push;
    env->setting_pop = pop;
    env->setting_show = show;
}
