/* SET, SHOW, RESET: values, their checks, their effects. */
#include "session/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/conf.h"
#include "session/session_private.h"
#include "session/worker.h"
#include "types/tz.h"

struct setting_info {
    const char *name;
    enum setting_kind kind;
    const char *preset;
    const char *flags;
    const char *range;
};

static const struct setting_info infos[SETTING_COUNT] = {
#define X(name, kind, preset, flags, range)                                                        \
    [SETTING_##name] = {#name, SETTING_##kind, preset, flags, range},
#include "session/settings.def"
#undef X
};

enum setting setting_find(const char *name) {
    for (enum setting v = 0; v < SETTING_COUNT; v++)
        if (strcasecmp(infos[v].name, name) == 0) return v;
    if (strcasecmp(name, "time zone") == 0) return SETTING_TimeZone;
    return SETTING_NONE;
}

const char *setting_name(enum setting v) {
    return infos[v].name;
}

bool setting_reported(enum setting v) {
    return strchr(infos[v].flags, 'R');
}

const char *setting_show(const struct session *s, enum setting v) {
    const struct setting_values *values = &s->setting_values;
    if (v == SETTING_transaction_isolation && s->txn.slot)
        return s->txn.isolation == ISO_REPEATABLE_READ ? "repeatable read" : "read committed";
    if (v == SETTING_transaction_read_only && s->txn.slot) return s->txn.read_only ? "on" : "off";
    if (values->value[v]) return values->value[v];
    return values->start[v] ? values->start[v] : infos[v].preset;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static status invalid(struct session *s, enum setting v, const char *value) {
    return error_set(&s->error, ST_INVALID_PARAMETER_VALUE,
                     "invalid value for parameter \"%s\": \"%s\"", infos[v].name, value);
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

static status check_enum(struct session *s, enum setting v, const char *value, char **ret) {
    size_t len = strlen(value);
    const char *range = infos[v].range;
    for (const char *at = range; *at;) {
        size_t n = strcspn(at, "|");
        if (n == len && strncasecmp(at, value, n) == 0) return *ret = strndup(at, n), OK;
        at += n + (at[n] == '|');
    }
    if (v == SETTING_synchronous_commit) return check_bool(s, v, value, ret);
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

struct unit {
    const char *name;
    double factor; /* to the kind's base unit */
};

/* PostgreSQL prints a value in the greatest unit that divides it. */
static char *print_with_unit(long long n, const struct unit *units) {
    char text[48];
    const struct unit *best = NULL;
    for (const struct unit *u = units; u->name; u++)
        if (u->factor >= 1 && n && n % (long long)u->factor == 0 &&
            (!best || u->factor > best->factor))
            best = u;
    if (!best)
        snprintf(text, sizeof text, "%lld", n);
    else
        snprintf(text, sizeof text, "%lld%s", n / (long long)best->factor, best->name);
    return strdup(text);
}

static const struct unit ms_units[] = {{"ms", 1},      {"s", 1000},     {"min", 60000},
                                       {"h", 3600000}, {"d", 86400000}, {"us", 0.001},
                                       {NULL, 0}};
static const struct unit kb_units[] = {{"kB", 1},          {"MB", 1024},      {"GB", 1048576},
                                       {"TB", 1073741824}, {"B", 1.0 / 1024}, {NULL, 0}};
static const struct unit no_units[] = {{NULL, 0}};

static const struct unit *units_of(enum setting_kind kind) {
    return kind == SETTING_MS ? ms_units : kind == SETTING_KB ? kb_units : no_units;
}

static bool parse_number(const char *text, const struct unit *units, double *ret_value) {
    char *end;
    errno = 0;
    double n = strtod(text, &end);
    if (end == text || errno) return false;
    while (isspace((unsigned char)*end)) end++;
    if (!*end) return *ret_value = n, true;
    for (const struct unit *u = units; u->name; u++)
        if (strcmp(end, u->name) == 0) return *ret_value = n * u->factor, true;
    return false;
}

static status check_number(struct session *s, enum setting v, const char *value, char **ret) {
    const struct unit *units = units_of(infos[v].kind);
    double n;
    if (!parse_number(value, units, &n)) return invalid(s, v, value);
    if (infos[v].kind == SETTING_REAL) return *ret = strdup(value), OK;
    const char *dots = strstr(infos[v].range, "..");
    if (dots) {
        double low = strtod(infos[v].range, NULL), high = strtod(dots + 2, NULL);
        if (n < low || n > high)
            return error_set(&s->error, ST_INVALID_PARAMETER_VALUE,
                             "%.0f%s%s is outside the valid range for parameter \"%s\" (%.0f%s%s "
                             ".. %.0f%s%s)",
                             n, units->name ? " " : "", units->name ? units->name : "",
                             infos[v].name, low, units->name ? " " : "",
                             units->name ? units->name : "", high, units->name ? " " : "",
                             units->name ? units->name : "");
    }
    *ret = print_with_unit((long long)(n < 0 ? n - 0.5 : n + 0.5), units);
    return OK;
}

static status check_date_style(struct session *s, const char *value, char **ret) {
    const char *order = s->values.date_order == DATE_ORDER_DMY   ? "DMY"
                        : s->values.date_order == DATE_ORDER_YMD ? "YMD"
                                                                 : "MDY";
    char copy[64], *rest = copy, *word;
    snprintf(copy, sizeof copy, "%s", value);
    while ((word = strsep(&rest, ", "))) {
        if (!*word || strcasecmp(word, "ISO") == 0) continue;
        if (strcasecmp(word, "MDY") == 0 || strcasecmp(word, "US") == 0 ||
            strcasecmp(word, "NONEURO") == 0)
            order = "MDY";
        else if (strcasecmp(word, "DMY") == 0 || strncasecmp(word, "EURO", 4) == 0)
            order = "DMY";
        else if (strcasecmp(word, "YMD") == 0)
            order = "YMD";
        else if (strcasecmp(word, "SQL") == 0 || strcasecmp(word, "POSTGRES") == 0 ||
                 strcasecmp(word, "GERMAN") == 0)
            return error_set(&s->error, ST_FEATURE_NOT_SUPPORTED,
                             "DateStyle \"%s\" is not supported", word);
        else
            return invalid(s, SETTING_DateStyle, value);
    }
    char text[16];
    snprintf(text, sizeof text, "ISO, %s", order);
    *ret = strdup(text);
    return OK;
}

static status check_encoding(struct session *s, const char *value, char **ret) {
    if (strcasecmp(value, "UTF8") == 0 || strcasecmp(value, "UTF-8") == 0 ||
        strcasecmp(value, "UNICODE") == 0)
        return *ret = strdup("UTF8"), OK;
    if (strcasecmp(value, "SQL_ASCII") == 0) return *ret = strdup("SQL_ASCII"), OK;
    return invalid(s, SETTING_client_encoding, value);
}

static status check(struct session *s, enum setting v, const char *value, char **ret) {
    switch (v) {
    case SETTING_DateStyle: return check_date_style(s, value, ret);
    case SETTING_client_encoding: return check_encoding(s, value, ret);
    case SETTING_TimeZone: {
        const struct tz *zone;
        if (!ok(tz_find(value, &zone))) return invalid(s, v, value);
        *ret = strdup(tz_name(zone));
        return OK;
    }
    default: break;
    }
    switch (infos[v].kind) {
    case SETTING_BOOL: return check_bool(s, v, value, ret);
    case SETTING_ENUM: return check_enum(s, v, value, ret);
    case SETTING_TEXT: *ret = strdup(value); return OK;
    default: return check_number(s, v, value, ret);
    }
}

/* ---- effects --------------------------------------------------------------------------------- */

static uint64_t number_of(const struct session *s, enum setting v) {
    double n = 0;
    parse_number(setting_show(s, v), units_of(infos[v].kind), &n);
    return n < 0 ? 0 : (uint64_t)n;
}

static bool is_on(const struct session *s, enum setting v) {
    return strcmp(setting_show(s, v), "on") == 0;
}

static void set_date_order(struct session *s) {
    const char *style = setting_show(s, SETTING_DateStyle);
    s->values.date_order = strstr(style, "DMY")   ? DATE_ORDER_DMY
                           : strstr(style, "YMD") ? DATE_ORDER_YMD
                                                  : DATE_ORDER_MDY;
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
    case SETTING_search_path: q->search_path = setting_show(s, v); break;
    case SETTING_lock_timeout: q->lock_timeout_ms = (uint32_t)number_of(s, v); break;
    case SETTING_statement_timeout: q->statement_timeout_ms = (uint32_t)number_of(s, v); break;
    case SETTING_work_mem: q->work_mem_bytes = number_of(s, v) * 1024; break;
    case SETTING_enable_seqscan: q->enable_seqscan = is_on(s, v); break;
    case SETTING_enable_indexscan: q->enable_indexscan = is_on(s, v); break;
    case SETTING_enable_hashjoin: q->enable_hashjoin = is_on(s, v); break;
    case SETTING_enable_mergejoin: q->enable_mergejoin = is_on(s, v); break;
    case SETTING_enable_nestloop: q->enable_nestloop = is_on(s, v); break;
    case SETTING_enable_hashagg: q->enable_hashagg = is_on(s, v); break;
    case SETTING_enable_sort: q->enable_sort = is_on(s, v); break;
    case SETTING_DateStyle: set_date_order(s); break;
    case SETTING_bytea_output:
        s->values.bytea_output = strcmp(setting_show(s, v), "hex") ? BYTEA_ESCAPE : BYTEA_HEX;
        break;
    case SETTING_extra_float_digits: s->values.extra_float_digits = atoi(setting_show(s, v)); break;
    case SETTING_TimeZone: {
        const struct tz *zone;
        if (ok(tz_find(setting_show(s, v), &zone))) s->values.time_zone = zone;
        break;
    }
    case SETTING_default_transaction_isolation:
        if (!s->txn.slot)
            s->next_isolation = strcmp(setting_show(s, v), "repeatable read") == 0
                                    ? ISO_REPEATABLE_READ
                                    : ISO_READ_COMMITTED;
        break;
    case SETTING_default_transaction_read_only:
        if (!s->txn.slot) s->next_read_only = is_on(s, v);
        break;
    default: break;
    }
    if (!session_setting_put(s->slot, infos[v].name, s->setting_values.value[v]))
        s->slot->statements_lost = true;
    if (s->started && setting_reported(v))
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

static status find_settable(struct session *s, const char *name, bool start, enum setting *ret) {
    enum setting v = setting_find(name);
    if (v == SETTING_NONE)
        return error_set(&s->error, ST_UNDEFINED_OBJECT,
                         "unrecognized configuration parameter \"%s\"", name);
    if (strchr(infos[v].flags, 'I') && !start)
        return error_set(&s->error, ST_CANT_CHANGE_RUNTIME_PARAM,
                         "parameter \"%s\" cannot be changed", infos[v].name);
    *ret = v;
    return OK;
}

static status set_transaction_mode(struct session *s, enum setting v, const char *value,
                                   bool *ret_done) {
    *ret_done = v == SETTING_transaction_isolation || v == SETTING_transaction_read_only;
    if (!*ret_done || !value) return OK;
    struct ast_literal literal = {.node = {.kind = NODE_LITERAL}, .text = (char *)value};
    struct ast_def_elem mode = {
        .node = {.kind = NODE_DEF_ELEM}, .name = (char *)infos[v].name, .value = &literal.node};
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
    if (v == SETTING_default_transaction_isolation && checked &&
        strcmp(checked, "serializable") == 0) {
        free(checked);
        return error_set(&s->error, ST_FEATURE_NOT_SUPPORTED,
                         "isolation level SERIALIZABLE is not supported");
    }
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
    take_effect(s, v);
    return OK;
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

void settings_free(struct session *s) {
    struct setting_values *values = &s->setting_values;
    for (enum setting v = 0; v < SETTING_COUNT; v++) {
        free(values->value[v]);
        free(values->start[v]);
    }
    for (uint32_t i = 0; i < values->nsaved; i++) free(values->saved[i].value);
    free(values->saved);
}

void settings_reset_all(struct session *s) {
    for (enum setting v = 0; v < SETTING_COUNT; v++)
        if (s->setting_values.value[v])
            status_ignore(
                setting_set(s, infos[v].name, NULL, false)); /* only memory can be short */
}

static void put_back(struct session *s, struct saved_setting *saved) {
    free(s->setting_values.value[saved->setting]);
    s->setting_values.value[saved->setting] = saved->value;
    take_effect(s, saved->setting);
}

/* Newest first. What SET LOCAL replaced comes back, unless the session's own SET came after it. */
void settings_commit(struct session *s) {
    struct setting_values *values = &s->setting_values;
    bool kept[SETTING_COUNT] = {false};
    while (values->nsaved) {
        struct saved_setting *saved = &values->saved[--values->nsaved];
        if (saved->local && !kept[saved->setting]) {
            put_back(s, saved);
        } else {
            kept[saved->setting] = true;
            free(saved->value);
        }
    }
}

void settings_rollback(struct session *s, uint32_t keep) {
    struct setting_values *values = &s->setting_values;
    while (values->nsaved > keep) put_back(s, &values->saved[--values->nsaved]);
}
