/* SET, SHOW, RESET: values, their checks, their effects. */
#include "session/settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/conf.h"
#include "session/authorization.h"
#include "session/session_private.h"
#include "session/settings_private.h"
#include "session/worker.h"

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
    if (value) TRY(setting_check_value(s, v, value, &checked));
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
    setting_take_effect(s, v);
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
    setting_take_effect(s, v);
}

bool setting_is_given(const struct session *s, enum setting v) {
    return s->setting_values.from_client[v];
}

status setting_set_start(struct session *s, const char *name, const char *value) {
    enum setting v;
    char *checked = NULL;
    TRY(find_settable(s, name, true, &v));
    TRY(setting_check_value(s, v, value, &checked));
    if (!checked) return STATUS(OUT_OF_MEMORY);
    free(s->setting_values.start[v]);
    s->setting_values.start[v] = checked;
    setting_take_effect(s, v);
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
    setting_take_effect(s, v);
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
        setting_take_effect(s, v);
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
    for (enum setting v = 0; v < SETTING_COUNT; v++) setting_take_effect(s, v);
    uint64_t frames = atomic_load(&s->worker->d->proc.shm->pool->wanted_frames);
    char work_mem[32], port[16], connections[24], buffers[32];
    snprintf(buffers, sizeof buffers, "%llukB", (unsigned long long)frames * PAGE_BYTES / 1024);
    snprintf(work_mem, sizeof work_mem, "%llukB", (unsigned long long)c->work_mem / 1024);
    snprintf(port, sizeof port, "%lld", (long long)c->port);
    snprintf(connections, sizeof connections, "%lld", (long long)c->max_connections);
    TRY(setting_set_start(s, "work_mem", work_mem));
    TRY(setting_set_start(s, "port", port));
    TRY(setting_set_start(s, "huge_pages", c->huge_pages));
    TRY(setting_set_start(s, "shared_buffers", buffers)); /* as axl pool has made it */
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
    TRY(setting_check_value(s, v, value, ret_value));
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
    setting_take_effect(s, saved->setting);
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
