/* functions.h: SQL functions that look at the session. */
#ifndef SESSION_FUNCTIONS_H
#define SESSION_FUNCTIONS_H

#include "catalog/sql_env.h"
#include "types/function.h"

/* Gives pg_backend_pid, current_setting, set_config their bodies. Once, after types_init. */
void session_functions_register(void);

fn_scalar pg_show_all_settings, pg_cursor, pg_prepared_statement;
/* activity.c */
fn_scalar pg_stat_get_activity;
fn_scalar pg_stat_get_progress_info;
fn_scalar pg_stat_get_backend_idset;
fn_scalar pg_stat_get_backend_pid;
fn_scalar pg_stat_get_backend_dbid;
fn_scalar pg_stat_get_backend_userid;
fn_scalar pg_stat_get_backend_activity;
fn_scalar pg_stat_get_backend_activity_start;
fn_scalar pg_stat_get_backend_client_addr;
fn_scalar pg_stat_get_backend_client_port;
fn_scalar pg_stat_get_backend_start;
fn_scalar pg_stat_get_backend_xact_start;
fn_scalar inet_client_addr;
fn_scalar inet_client_port;
fn_scalar inet_server_addr;
fn_scalar inet_server_port;
fn_scalar pg_stat_get_db_numbackends;
fn_scalar pg_cancel_backend;
fn_scalar pg_postmaster_start_time;
fn_scalar pg_terminate_backend;
/* locks.c */
fn_scalar pg_lock_status;
fn_scalar pg_blocking_pids;
fn_scalar pg_safe_snapshot_blocking_pids;
fn_scalar pg_isolation_test_session_is_blocked;
/* notify.c */
fn_scalar pg_listening_channels, pg_notify, pg_notification_queue_usage;
/* advisory.c: pg_advisory_…, pg_try_advisory_… */
void advisory_functions_register(void);

/* The session in which a function is called. */
static inline struct session *session_of_call(const struct fn_call *c) {
    const struct sql_env *env = c->env->session->session;
    return env->session;
}

#endif
