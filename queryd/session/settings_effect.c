/* Settings take effect: what the stages below look at is copied to where they look. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/authorization.h"
#include "session/settings_private.h"
#include "session/worker.h"
#include "types/encoding.h"
#include "types/tz.h"

static uint64_t number_of(const struct session *s, enum setting v) {
    double n = 0;
    if (setting_parse_number(setting_show(s, v), setting_info(v)->kind, &n) != NUMBER_GOOD || n < 0)
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
    setting_date_style_word(style, &s->values.date_style);
    if (order) setting_date_order_word(order + strspn(order, " "), &s->values.date_order);
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

/* What the planner goes by; false: it is something else. */
static bool plan_setting_takes_effect(struct session *s, enum setting v) {
    struct plan_settings *p = &s->settings.planning;
    switch (v) {
    case SETTING_seq_page_cost: p->seq_page = beyond(s, v, 1); break;
    case SETTING_random_page_cost: p->random_page = beyond(s, v, 4); break;
    case SETTING_cpu_tuple_cost: p->cpu_tuple = beyond(s, v, 0.01); break;
    case SETTING_cpu_index_tuple_cost: p->cpu_index_tuple = beyond(s, v, 0.005); break;
    case SETTING_cpu_operator_cost: p->cpu_operator = beyond(s, v, 0.0025); break;
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
    default: return false;
    }
    return true;
}

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
    case SETTING_DateStyle: set_date_style(s); break;
    case SETTING_IntervalStyle: set_interval_style(s); break;
    case SETTING_client_encoding:
        s->values.client_encoding = encoding_named(setting_show(s, v));
        break;
    case SETTING_bytea_output:
        s->values.bytea_output = strcmp(setting_show(s, v), "hex") ? BYTEA_ESCAPE : BYTEA_HEX;
        break;
    case SETTING_extra_float_digits: s->values.extra_float_digits = atoi(setting_show(s, v)); break;
    case SETTING_TimeZone: {
        const struct tz *zone;
        if (ok(setting_find_zone(setting_show(s, v), &zone))) s->values.time_zone = zone;
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
}

void setting_take_effect(struct session *s, enum setting v) {
    if (!plan_setting_takes_effect(s, v)) take_effect(s, v);
    if (s->started && !s->restoring && setting_reported(v))
        send_parameter_status(s, setting_info(v)->name, setting_show(s, v));
}
