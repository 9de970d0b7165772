/* SQL functions that look at the session. */
#include "session/functions.h"

#include "session/session_private.h"
#include "types/datetime.h"
#include "types/function.h"

#define SLEEP_SLICE_NS 5000000u
#define SLEEP_SECONDS_MAX 1e9

static status pg_backend_pid(struct fn_call *c) {
    c->result = datum_int4((int32_t)session_of_call(c)->index + 1);
    return OK;
}

/* The argument as a C string in the arena. */
static char *text_argument(const struct fn_call *c, int i) {
    return arena_strndup(c->env->arena, c->args[i].v->data, c->args[i].v->len);
}

static status text_result(struct fn_call *c, const char *text) {
    c->result.v = varlena_from(c->env->arena, text, strlen(text));
    return c->result.v ? OK : STATUS(OUT_OF_MEMORY);
}

static status setting_of(struct fn_call *c, bool missing_ok) {
    char *name = text_argument(c, 0);
    if (!name) return STATUS(OUT_OF_MEMORY);
    enum setting v = setting_find(session_of_call(c), name);
    if (v != SETTING_NONE) return text_result(c, setting_show(session_of_call(c), v));
    c->is_null = true;
    if (missing_ok) return OK;
    return error_set(c->env->error, ST_UNDEFINED_OBJECT,
                     "unrecognized configuration parameter \"%s\"", name);
}

static status current_setting(struct fn_call *c) {
    return setting_of(c, false);
}

static status current_setting_missing_ok(struct fn_call *c) {
    return setting_of(c, c->args[1].b);
}

static status set_config(struct fn_call *c) {
    if (c->nulls[0])
        return error_set(c->env->error, ST_NULL_VALUE_NOT_ALLOWED, "SET requires parameter name");
    char *name = text_argument(c, 0);
    char *value = c->nulls[1] ? NULL : text_argument(c, 1);
    if (!name || (!value && !c->nulls[1])) return STATUS(OUT_OF_MEMORY);
    struct session *s = session_of_call(c);
    TRY(setting_set(s, name, value, !c->nulls[2] && c->args[2].b));
    return text_result(c, setting_show(s, setting_find(s, name)));
}

/* In slices: a cancel is heard within one of them. */
static status sleep_until(struct fn_call *c, uint64_t end_ns) {
    struct session *s = session_of_call(c);
    struct proc *p = s->env.proc;
    c->result = (datum){0};
    for (;;) {
        TRY(sql_env_breathe(&s->env));
        uint64_t now = p->env->mono_ns(p);
        if (now >= end_ns) return OK;
        uint64_t left = end_ns - now;
        daemon_sleep(daemon_of(p), left < SLEEP_SLICE_NS ? left : SLEEP_SLICE_NS);
    }
}

static status pg_sleep(struct fn_call *c) {
    double seconds = c->args[0].f8;
    struct proc *p = session_of_call(c)->env.proc;
    if (!(seconds > 0)) seconds = 0;
    if (seconds > SLEEP_SECONDS_MAX) seconds = SLEEP_SECONDS_MAX;
    return sleep_until(c, p->env->mono_ns(p) + (uint64_t)(seconds * 1e9));
}

/* Until a moment of the wall clock, as that goes now. */
static status sleep_until_stamp(struct fn_call *c, int64_t until, int64_t now) {
    struct proc *p = session_of_call(c)->env.proc;
    int64_t most = (int64_t)(SLEEP_SECONDS_MAX * 1e6);
    int64_t us = until <= now ? 0 : until > now + most ? most : until - now;
    return sleep_until(c, p->env->mono_ns(p) + (uint64_t)us * 1000);
}

static status pg_sleep_until(struct fn_call *c) {
    return sleep_until_stamp(c, c->args[0].i64, clock_stamp());
}

static status pg_sleep_for(struct fn_call *c) {
    int64_t now = clock_stamp(), until;
    TRY(stamp_add_interval(c->env, now, c->args[0].p, c->env->session->time_zone, &until));
    return sleep_until_stamp(c, until, now);
}

void session_functions_register(void) {
    static const struct {
        oid oid;
        fn_scalar *body;
    } list[] = {{2026, pg_backend_pid},
                {2077, current_setting},
                {2084, pg_show_all_settings},
                {2510, pg_prepared_statement},
                {2511, pg_cursor},
                {2022, pg_stat_get_activity},
                {3318, pg_stat_get_progress_info},
                {1936, pg_stat_get_backend_idset},
                {1937, pg_stat_get_backend_pid},
                {1938, pg_stat_get_backend_dbid},
                {1939, pg_stat_get_backend_userid},
                {1940, pg_stat_get_backend_activity},
                {1941, pg_stat_get_db_numbackends},
                {2171, pg_cancel_backend},
                {2560, pg_postmaster_start_time},
                {1391, pg_stat_get_backend_start},
                {1392, pg_stat_get_backend_client_addr},
                {1393, pg_stat_get_backend_client_port},
                {2094, pg_stat_get_backend_activity_start},
                {2857, pg_stat_get_backend_xact_start},
                {2196, inet_client_addr},
                {2197, inet_client_port},
                {2198, inet_server_addr},
                {2199, inet_server_port},
                {2096, pg_terminate_backend},
                {1371, pg_lock_status},
                {2561, pg_blocking_pids},
                {3376, pg_safe_snapshot_blocking_pids},
                {3378, pg_isolation_test_session_is_blocked},
                {2034, pg_postmaster_start_time}, /* when settings were read */
                {3035, pg_listening_channels},
                {3036, pg_notify},
                {3296, pg_notification_queue_usage},
                {2626, pg_sleep},
                {3935, pg_sleep_for},
                {3936, pg_sleep_until},
                {3809, session_export_snapshot},
                {3294, current_setting_missing_ok},
                {2078, set_config}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        status_ignore(
            function_register(list[i].oid, list[i].body)); /* not listed: cannot be called */
    advisory_functions_register();
}
