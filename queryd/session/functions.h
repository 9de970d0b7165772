/* functions.h: SQL functions that look at the session. */
#ifndef SESSION_FUNCTIONS_H
#define SESSION_FUNCTIONS_H

#include "types/function.h"

/* Gives pg_backend_pid, current_setting, set_config their bodies. Once, after types_init. */
void session_functions_register(void);

fn_scalar pg_show_all_settings, pg_cursor, pg_prepared_statement;

#endif
