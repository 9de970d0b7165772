/* Statements that are the session's own: transactions, settings, prepared statements, cursors,
 * COPY. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalog/sequence.h"
#include "catalog/temp.h"
#include "exec/ri.h"
#include "session/session_private.h"
#include "session/worker.h"
#include "types/acl.h"
#include "types/datetime.h"
#include "types/internal.h"
#include "types/resolution.h"

/* EXECUTE, or CREATE TABLE AS EXECUTE. */
static bool explains_execute(const struct node *n) {
    if (n->kind == NODE_CREATE_TABLE_AS) n = ((const struct ast_create_table_as *)n)->query;
    return n->kind == NODE_EXECUTE;
}

bool utility_is(const struct node *n) {
    switch (n->kind) {
    case NODE_TRANSACTION:
    case NODE_SET_VARIABLE:
    case NODE_SHOW:
    case NODE_PREPARE:
    case NODE_EXECUTE:
    case NODE_DEALLOCATE:
    case NODE_DECLARE_CURSOR:
    case NODE_FETCH:
    case NODE_CLOSE:
    case NODE_COPY:
    case NODE_DISCARD:
    case NODE_NOTIFY:
    case NODE_LOCK:
    case NODE_SET_CONSTRAINTS: return true;
    case NODE_CREATE_TABLE_AS:
        return ((const struct ast_create_table_as *)n)->query->kind == NODE_EXECUTE;
    case NODE_EXPLAIN: return explains_execute(((const struct ast_explain *)n)->query);
    default: return false;
    }
}

/* ---- SET, SHOW ------------------------------------------------------------------------------- */

/* SET TIME ZONE INTERVAL '+05:30': as the number of hours. */
static status zone_interval(struct session *s, const struct ast_type_cast *cast, struct buf *text) {
    const char *words = ast_as_literal(cast->arg)->text;
    struct interval i;
    TRY(interval_parse(&s->env.eval, words, strlen(words), -1, &i));
    if (i.months || i.days)
        return error_set(&s->error, ST_INVALID_PARAMETER_VALUE,
                         "cannot specify %s in time zone interval", i.months ? "months" : "days");
    return buf_printf(text, "%.9g", (double)i.time_us / 3.6e9);
}

/* Settings that are lists of names keep them as identifiers. */
static bool lists_names(const char *setting) {
    static const char *const names[] = {"search_path", "temp_tablespaces",
                                        "local_preload_libraries", "session_preload_libraries",
                                        "shared_preload_libraries"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(setting, names[i]) == 0) return true;
    return false;
}

/* The arguments of SET as one text, as PostgreSQL joins them: search_path's names with ", ". */
static status join_arguments(struct session *s, const char *setting, const struct list *args,
                             char **ret_text) {
    bool quote = lists_names(setting);
    struct buf text = {0};
    status st = OK;
    LIST_EACH(struct node *, arg, args) {
        if (arg->kind == NODE_TYPE_CAST) {
            st = zone_interval(s, (const struct ast_type_cast *)arg, &text);
            break;
        }
        if (arg->kind != NODE_LITERAL) {
            st = error_set(&s->error, ST_FEATURE_NOT_SUPPORTED, "SET takes constants");
            break;
        }
        if (text.len) st = buf_add_str(&text, ", ");
        const struct ast_literal *literal = (const struct ast_literal *)arg;
        const char *value =
            literal->kind == LITERAL_BOOL ? (literal->integer ? "true" : "false") : literal->text;
        if (ok(st) && quote && literal->kind == LITERAL_STRING)
            st = quote_identifier(&text, value, strlen(value));
        else if (ok(st))
            st = buf_add_str(&text, value ? value : "");
        if (!ok(st)) break;
    }
    if (ok(st)) {
        *ret_text = arena_strndup(&s->statement_arena, text.len ? text.data : "", text.len);
        if (!*ret_text) st = STATUS(OUT_OF_MEMORY);
    }
    buf_free(&text);
    return st;
}

static status set_multi(struct session *s, const struct ast_set_variable *v) {
    if (strcasecmp(v->name, "TRANSACTION") == 0) {
        if (!block_is_open(s))
            send_notice(&s->env, "WARNING", "25P01",
                        "SET TRANSACTION can only be used in transaction blocks", NULL);
        return block_set_modes(s, v->args, false);
    }
    if (strcasecmp(v->name, "SESSION CHARACTERISTICS") == 0)
        return block_set_modes(s, v->args, true);
    if (v->local)
        return error_set(&s->error, ST_FEATURE_NOT_SUPPORTED,
                         "SET LOCAL TRANSACTION SNAPSHOT is not implemented");
    if (!block_is_open(s))
        send_notice(&s->env, "WARNING", "25P01",
                    "SET TRANSACTION can only be used in transaction blocks", NULL);
    struct ast_literal *id = list_at(v->args, 0);
    return session_import_snapshot(s, id->text);
}

static status execute_set(struct session *s, const struct ast_set_variable *v,
                          const char **ret_tag) {
    *ret_tag = v->kind == SET_RESET || v->kind == SET_RESET_ALL ? "RESET" : "SET";
    if (v->local && !block_is_open(s))
        send_notice(&s->env, "WARNING", "25P01", "SET LOCAL can only be used in transaction blocks",
                    NULL);
    switch (v->kind) {
    case SET_MULTI: return set_multi(s, v);
    case SET_RESET_ALL: settings_reset_all(s); return OK;
    case SET_DEFAULT:
    case SET_RESET: return setting_set(s, v->name, NULL, v->local);
    case SET_FROM_CURRENT: return OK;
    case SET_VALUE: break;
    }
    char *value;
    TRY(join_arguments(s, v->name, v->args, &value));
    return setting_set(s, v->name, value, v->local);
}

status utility_setting_text(struct sql_env *env, const struct ast_set_variable *v,
                            const char **ret_name, const char **ret_value) {
    struct session *s = env->session;
    char *value = NULL, *checked;
    bool reset = v->kind == SET_RESET || v->kind == SET_DEFAULT;
    *ret_value = NULL;
    if (v->kind == SET_MULTI)
        return error_set(&s->error, ST_FEATURE_NOT_SUPPORTED, "SET %s is not supported here",
                         v->name);
    if (v->kind == SET_FROM_CURRENT)
        value = (char *)setting_show(s, setting_find(s, v->name));
    else if (!reset)
        TRY(join_arguments(s, v->name, v->args, &value));
    TRY(setting_check(s, v->name, value, ret_name, &checked));
    if (!checked) return OK;
    *ret_value = arena_strdup(env->eval.arena, checked);
    free(checked);
    return *ret_value ? OK : STATUS(OUT_OF_MEMORY);
}

#define TEXT_OID 25
#define STACK_LEFT_MIN (64u << 10)

static struct result_column text_column(const char *name) {
    return (struct result_column){.name = name, .type = TEXT_OID, .typmod = -1, .type_len = -1};
}

static status show_columns(struct session *s, const struct ast_show *show, uint16_t *ret_n,
                           struct result_column ret_columns[3]) {
    if (strcasecmp(show->name, "all") == 0) {
        ret_columns[0] = text_column("name");
        ret_columns[1] = text_column("setting");
        ret_columns[2] = text_column("description");
        *ret_n = 3;
        return OK;
    }
    enum setting v = setting_find(s, show->name);
    if (v == SETTING_NONE)
        return error_set(&s->error, ST_UNDEFINED_OBJECT,
                         "unrecognized configuration parameter \"%s\"", show->name);
    ret_columns[0] = text_column(setting_name(s, v));
    *ret_n = 1;
    return OK;
}

static status execute_show(struct session *s, const struct ast_show *show, bool describe) {
    struct result_column columns[3];
    uint16_t n;
    TRY(show_columns(s, show, &n, columns));
    if (describe) TRY(send_row_description(s, n, columns, 0, NULL));
    if (n == 1) {
        const char *value = setting_show(s, setting_find(s, show->name));
        return send_text_row(s, 1, &value);
    }
    for (unsigned v = 0; v < setting_count(s); v++) {
        if (setting_hidden(v)) continue;
        const char *row[] = {setting_name(s, v), setting_show(s, v), ""};
        TRY(send_text_row(s, 3, row));
    }
    return OK;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static status execute_discard(struct session *s, const struct ast_discard *d,
                              const char **ret_tag) {
    static const char *const tags[] = {[DISCARD_ALL] = "DISCARD ALL",
                                       [DISCARD_PLANS] = "DISCARD PLANS",
                                       [DISCARD_SEQUENCES] = "DISCARD SEQUENCES",
                                       [DISCARD_TEMP] = "DISCARD TEMP"};
    *ret_tag = tags[d->kind];
    session_note_effect(s);
    if (d->kind == DISCARD_ALL) TRY(block_must_be_alone(s, "DISCARD ALL"));
    if (d->kind == DISCARD_ALL || d->kind == DISCARD_SEQUENCES) sequence_forget(&s->env);
    if (d->kind == DISCARD_ALL || d->kind == DISCARD_TEMP) {
        TRY(block_statement_begin(s));
        TRY(temp_drop_all(&s->env));
    }
    if (d->kind == DISCARD_ALL) {
        TRY(cursor_close(s, NULL));
        portal_drop_all(s);
        TRY(notify_unlisten_all(s));
        txn_session_unlock_all(s->env.proc, &s->locks);
        settings_reset_all(s);
        TRY(setting_set(s, "session_authorization", NULL, false));
        prepared_drop(s, NULL);
    }
    return OK;
}

/* Reading is enough for the weakest lock; the others need what may change rows. */
static status may_lock(struct session *s, const struct ast_range_var *v, int mode) {
    uint32_t changes = ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE;
    uint32_t rights = mode == MODE_ACCESS_SHARE    ? ACL_SELECT
                      : mode == MODE_ROW_EXCLUSIVE ? changes | ACL_INSERT
                                                   : changes;
    const struct relation *r;
    status st = catalog_relation_named(&s->env, v->schema, v->name, &r);
    if (status_is(st, ST_NOT_FOUND)) return OK; /* locking it tells */
    TRY(st);
    return catalog_may_lock(&s->env, r->oid, rights);
}

static status execute_lock(struct session *s, const struct ast_lock *l) {
    if (!block_is_open(s))
        return error_set(&s->error, ST_NO_ACTIVE_SQL_TRANSACTION,
                         "LOCK TABLE can only be used in transaction blocks");
    TRY(block_statement_begin(s));
    LIST_EACH(struct ast_range_var *, v, l->relations) {
        const struct relation *r;
        TRY(may_lock(s, v, l->mode));
        if (l->nowait) {
            TRY(catalog_relation_lock(&s->env, v->schema, v->name, MODE_ACCESS_SHARE,
                                      v->node.location, &r));
            status st = txn_lock_relation(s->env.proc, &s->txn, r->oid, (enum relation_mode)l->mode,
                                          true, 0);
            if (status_is(st, ST_LOCK_NOT_AVAILABLE))
                return error_set(&s->error, st.code, "could not obtain lock on relation \"%s\"",
                                 v->name);
            TRY(st);
        } else {
            TRY(catalog_relation_lock(&s->env, v->schema, v->name, (enum relation_mode)l->mode,
                                      v->node.location, &r));
        }
    }
    return OK;
}

status utility_columns(struct session *s, struct node *n, struct arena *a, uint16_t *ret_n,
                       const struct result_column **ret_columns) {
    *ret_n = 0;
    *ret_columns = NULL;
    if (n->kind == NODE_SHOW) {
        struct result_column *columns = arena_array(a, 3, sizeof *columns);
        if (!columns) return STATUS(OUT_OF_MEMORY);
        *ret_columns = columns;
        return show_columns(s, (struct ast_show *)n, ret_n, columns);
    }
    if (n->kind == NODE_EXPLAIN) {
        struct result_column *column = arena_alloc(a, sizeof *column);
        if (!column) return STATUS(OUT_OF_MEMORY);
        *column = text_column("QUERY PLAN");
        *ret_n = 1;
        *ret_columns = column;
    }
    if (n->kind == NODE_EXECUTE) {
        struct prepared *p = prepared_find(s, ((struct ast_execute *)n)->name);
        if (p && p->utility && coro_stack_left() > STACK_LEFT_MIN) /* else running it tells */
            return utility_columns(s, p->utility, a, ret_n, ret_columns);
        if (p && p->statement) {
            *ret_n = p->statement->ncolumns;
            *ret_columns = p->statement->columns;
        }
    }
    if (n->kind == NODE_FETCH && !((struct ast_fetch *)n)->move) {
        struct portal *p = portal_find(s, ((struct ast_fetch *)n)->cursor);
        if (p && p->statement) {
            *ret_n = p->statement->ncolumns;
            *ret_columns = p->statement->columns;
        }
    }
    return OK;
}

status utility_execute(struct session *s, struct node *n, bool describe, const char **ret_tag) {
    if (coro_stack_left() < STACK_LEFT_MIN) /* EXECUTE of a statement that is an EXECUTE */
        return error_set(&s->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    switch (n->kind) {
    case NODE_TRANSACTION: return block_execute(s, (struct ast_transaction *)n, ret_tag);
    case NODE_SET_VARIABLE:
        TRY(block_ensure_txn(s)); /* a setting's life is bound to a transaction */
        return execute_set(s, (struct ast_set_variable *)n, ret_tag);
    case NODE_SHOW: *ret_tag = "SHOW"; return execute_show(s, (struct ast_show *)n, describe);
    case NODE_PREPARE: *ret_tag = "PREPARE"; return execute_prepare(s, (struct ast_prepare *)n);
    case NODE_EXPLAIN: return explain_execute(s, (struct ast_explain *)n, describe, ret_tag);
    case NODE_CREATE_TABLE_AS:
        return create_as_execute(s, (struct ast_create_table_as *)n, describe, ret_tag);
    case NODE_EXECUTE: return execute_execute(s, (struct ast_execute *)n, describe, ret_tag);
    case NODE_DEALLOCATE: return execute_deallocate(s, (struct ast_deallocate *)n, ret_tag);
    case NODE_DECLARE_CURSOR:
        *ret_tag = "DECLARE CURSOR";
        return cursor_declare(s, (struct ast_declare_cursor *)n);
    case NODE_FETCH: return cursor_fetch(s, (struct ast_fetch *)n, describe, ret_tag);
    case NODE_CLOSE:
        *ret_tag = ((struct ast_close *)n)->cursor ? "CLOSE CURSOR" : "CLOSE CURSOR ALL";
        return cursor_close(s, ((struct ast_close *)n)->cursor);
    case NODE_COPY: return copy_io_begin(s, (struct ast_copy *)n, !describe, ret_tag);
    case NODE_DISCARD: return execute_discard(s, (struct ast_discard *)n, ret_tag);
    case NODE_SET_CONSTRAINTS:
        *ret_tag = "SET CONSTRAINTS";
        if (!block_is_open(s))
            send_notice(&s->env, "WARNING", "25P01",
                        "SET CONSTRAINTS can only be used in transaction blocks", NULL);
        TRY(block_statement_begin(s));
        return ri_set_constraints(&s->env, (struct ast_set_constraints *)n);
    case NODE_NOTIFY: return notify_execute(s, (struct ast_notify *)n, ret_tag);
    case NODE_LOCK: *ret_tag = "LOCK TABLE"; return execute_lock(s, (struct ast_lock *)n);
    default:
        return error_set(&s->error, ST_FEATURE_NOT_SUPPORTED, "%s is not supported",
                         ast_kind_name(n->kind));
    }
}
