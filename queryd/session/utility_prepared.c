/* PREPARE, EXECUTE and what else is said of prepared statements in SQL. */
#include <string.h>

#include "exec/statement.h"
#include "session/session_private.h"
#include "session/worker.h"
#include "types/resolution.h"

/* The statement inside PREPARE, as text: where it stands in PREPARE's own, so that positions in
 * errors are of that; before it are spaces, as many as there were characters. */
static status prepared_text(struct session *s, int32_t from, char **ret, size_t *ret_len) {
    size_t end = s->statement_end ? s->statement_end : s->env.text_len, n = 0;
    if (from < 0 || (size_t)from > end)
        return error_set(&s->error, ST_INTERNAL_ERROR, "PREPARE without a statement text");
    char *text = arena_alloc(&s->statement_arena, end + 1);
    if (!text) return STATUS(OUT_OF_MEMORY);
    for (size_t i = 0; i < (size_t)from; i++)
        if (((uint8_t)s->env.text[i] & 0xC0) != 0x80) text[n++] = ' ';
    memcpy(text + n, s->env.text + from, end - (size_t)from);
    n += end - (size_t)from;
    text[n] = '\0';
    *ret = text;
    *ret_len = n;
    return OK;
}

status execute_prepare(struct session *s, const struct ast_prepare *p) {
    uint16_t n = (uint16_t)list_n(p->types);
    oid *types = arena_array(&s->statement_arena, n, sizeof *types);
    if (!types) return STATUS(OUT_OF_MEMORY);
    TRY(block_statement_begin(s));
    LIST_EACH(struct ast_type_name *, t, p->types) {
        int32_t typmod;
        TRY(catalog_type_of_ast(&s->env, t, &types[t_i], &typmod));
    }
    const char *written = s->env.text; /* planning has a text of its own */
    size_t len, written_len = s->env.text_len;
    char *text;
    TRY(prepared_text(s, p->query_at, &text, &len));
    struct prepared *made;
    TRY(prepared_store(s, p->name, text, len, types, n, true, &made));
    made->written = arena_strndup(&made->arena, written, written_len);
    return made->written ? OK : STATUS(OUT_OF_MEMORY);
}

/* A string without a type is read as the parameter's type; other values are assigned to it. The
 * copy outlives the statement that gave the value. */
static status assign_argument(struct session *s, uint16_t number, const struct node *arg, oid from,
                              oid to, datum *value, uint8_t *null) {
    const struct type *type = type_find(to);
    if (!type) return OK;
    if (*null) return type_check_domain(&s->env.eval, type, (datum){0}, true);
    if (ast_is_literal(arg, LITERAL_STRING)) {
        const struct ast_literal *l = (const struct ast_literal *)arg;
        return type_input(&s->env.eval, type, -1, l->text, l->length, value);
    }
    struct cast_result cast = resolve_cast(from, to, CAST_ASSIGNMENT);
    if (cast.path == CAST_NONE)
        return error_set(&s->error, ST_DATATYPE_MISMATCH,
                         "parameter $%u of type %s cannot be coerced to the expected type %s",
                         number, type_format_name(&s->statement_arena, from),
                         type_format_name(&s->statement_arena, to));
    bool is_null = false;
    TRY(cast_value(&s->env.eval, cast, from, to, -1, false, *value, value, &is_null));
    *null = is_null;
    return is_null ? OK : type_copy(type, *value, &s->statement_arena, value);
}

/* The arguments are a SELECT's output: evaluated like one, assigned to the parameters' types. */
static status evaluate_arguments(struct session *s, const struct ast_execute *x,
                                 const struct prepared *p, datum *values, uint8_t *nulls) {
    uint16_t n = p->statement->nparams;
    struct ast_select select = {.node = {.kind = NODE_SELECT, .location = -1}};
    for (uint16_t i = 0; i < n; i++) {
        struct ast_target *t = arena_zalloc(&s->statement_arena, sizeof *t);
        if (!t) return STATUS(OUT_OF_MEMORY);
        t->node = (struct node){.kind = NODE_TARGET, .location = -1};
        t->value = list_at(x->args, i);
        TRY(list_append(&s->statement_arena, &select.targets, t));
    }
    struct raw_stmt raw = {.stmt = &select.node, .length = (int32_t)s->env.text_len};
    struct statement *st;
    struct execution *run;
    const struct batch *b;
    s->env.of_arguments = true;
    status begun = statement_begin(&s->env, &raw, &st, &run);
    s->env.of_arguments = false;
    TRY(begun);
    status result = execution_fetch(run, 1, &b);
    for (uint16_t i = 0; ok(result) && i < n; i++) {
        uint16_t row = b->sel ? b->sel[0] : 0;
        nulls[i] = b->columns[i].nulls[row];
        values[i] = b->columns[i].values[row];
        result = assign_argument(s, (uint16_t)(i + 1), list_at(x->args, i), st->columns[i].type,
                                 p->statement->param_types[i], &values[i], &nulls[i]);
    }
    execution_end(run);
    statement_release(st);
    return result;
}

/* As many values as the statement has parameters. */
static status execute_arguments(struct session *s, const struct ast_execute *x,
                                const struct prepared *p, datum **ret_values, uint8_t **ret_nulls) {
    uint16_t n = p->statement ? p->statement->nparams : 0;
    if (list_n(x->args) != n) {
        status st = error_set(&s->error, ST_SYNTAX_ERROR,
                              "wrong number of parameters for prepared statement \"%s\"", x->name);
        error_detail(&s->error, "Expected %u parameters but got %d.", n, list_n(x->args));
        return st;
    }
    *ret_values = arena_array(&s->statement_arena, n, sizeof **ret_values);
    *ret_nulls = arena_array(&s->statement_arena, n, 1);
    if (!*ret_values || !*ret_nulls) return STATUS(OUT_OF_MEMORY);
    return n ? evaluate_arguments(s, x, p, *ret_values, *ret_nulls) : OK;
}

status execute_execute(struct session *s, const struct ast_execute *x, bool describe,
                       const char **ret_tag) {
    struct prepared *p = prepared_find(s, x->name);
    s->statement_end = 0; /* of the text that is set from here on */
    if (!p)
        return error_set(&s->error, ST_INVALID_SQL_STATEMENT_NAME,
                         "prepared statement \"%s\" does not exist", x->name);
    TRY(block_statement_begin(s));
    TRY(prepared_plan(s, p));
    TRY(quarantine_enter_known(s, p->fingerprint, p->text, p->text_len));
    if (p->utility) {
        p->references++; /* it may be a DEALLOCATE of itself */
        status st = utility_execute(s, p->utility, describe, ret_tag);
        prepared_release(p);
        return st;
    }
    uint16_t n = p->statement ? p->statement->nparams : 0;
    datum *values;
    uint8_t *nulls;
    TRY(execute_arguments(s, x, p, &values, &nulls));
    s->env.text = p->text;
    s->env.text_len = p->text_len;
    struct statement *plan;
    TRY(prepared_choose(s, p, values, nulls, &plan));
    status st = plan ? run_statement(s, plan, values, nulls, describe, ret_tag) : OK;
    if (plan) statement_release(plan);
    for (int tries = 0; status_is(st, ST_INVALID) && tries < PLAN_TRIES_MAX; tries++) {
        TRY(block_statement_begin(s)); /* catalogs changed between planning and locking */
        TRY(prepared_plan(s, p));
        if (p->statement->nparams != n) return st;
        st = run_statement(s, p->statement, values, nulls, describe, ret_tag);
    }
    return st;
}

/* CREATE TABLE AS EXECUTE, or EXPLAIN of it: of the prepared text's query, with these arguments. */
static status execute_as(struct session *s, struct node *n, const struct ast_execute *x,
                         bool describe, const char **ret_tag) {
    struct prepared *p = prepared_find(s, x->name);
    s->statement_end = 0;
    if (!p)
        return error_set(&s->error, ST_INVALID_SQL_STATEMENT_NAME,
                         "prepared statement \"%s\" does not exist", x->name);
    TRY(block_statement_begin(s));
    const char *text = s->env.text; /* planning looks at another */
    size_t len = s->env.text_len;
    TRY(prepared_plan(s, p));
    s->env.text = text;
    s->env.text_len = len;
    if (!p->statement)
        return error_set(&s->error, ST_WRONG_OBJECT_TYPE, "prepared statement is not a SELECT");
    datum *values;
    uint8_t *nulls;
    TRY(execute_arguments(s, x, p, &values, &nulls));
    struct sql_params params = {p->text, p->statement->nparams, p->statement->param_types, values,
                                nulls};
    struct raw_stmt raw = {.stmt = n, .location = n->location};
    struct statement *st = NULL;
    s->env.params = &params;
    status result = statement_prepare(&s->env, &raw, NULL, 0, &st);
    if (ok(result)) result = run_statement(s, st, NULL, NULL, describe, ret_tag);
    s->env.params = NULL;
    if (st) statement_release(st);
    return result;
}

status create_as_execute(struct session *s, const struct ast_create_table_as *n, bool describe,
                         const char **ret_tag) {
    return execute_as(s, (struct node *)n, (const struct ast_execute *)n->query, describe, ret_tag);
}

static status explain_as_execute(struct session *s, const struct ast_explain *n, bool describe,
                                 const char **ret_tag) {
    const struct ast_create_table_as *as = (const struct ast_create_table_as *)n->query;
    return execute_as(s, (struct node *)n, (const struct ast_execute *)as->query, describe,
                      ret_tag);
}

/* EXPLAIN EXECUTE: the prepared text's query, with these arguments. */
status explain_execute(struct session *s, const struct ast_explain *n, bool describe,
                       const char **ret_tag) {
    if (n->query->kind == NODE_CREATE_TABLE_AS) return explain_as_execute(s, n, describe, ret_tag);
    const struct ast_execute *x = (const struct ast_execute *)n->query;
    struct prepared *p = prepared_find(s, x->name);
    if (!p)
        return error_set(&s->error, ST_INVALID_SQL_STATEMENT_NAME,
                         "prepared statement \"%s\" does not exist", x->name);
    TRY(block_statement_begin(s));
    TRY(prepared_plan(s, p));
    if (!p->statement)
        return error_set(&s->error, ST_FEATURE_NOT_SUPPORTED,
                         "EXPLAIN of this statement is not supported");
    datum *values;
    uint8_t *nulls;
    TRY(execute_arguments(s, x, p, &values, &nulls));
    struct list *statements;
    struct statement *st;
    TRY(parse_sql(&s->statement_arena, p->text, p->text_len, &s->error, &statements));
    struct ast_explain own = *n;
    own.query = ((struct raw_stmt *)list_at(statements, 0))->stmt;
    struct raw_stmt raw = {.stmt = &own.node, .length = (int32_t)p->text_len};
    bool custom = prepared_wants_own(s, p);
    *(custom ? &p->custom_plans : &p->generic_plans) += 1;
    TRY(statement_prepare_for(&s->env, &raw, p->statement->param_types, p->statement->nparams,
                              custom ? values : NULL, custom ? nulls : NULL, &st));
    status result = run_statement(s, st, values, nulls, describe, ret_tag);
    statement_release(st);
    return result;
}

status execute_deallocate(struct session *s, const struct ast_deallocate *d, const char **ret_tag) {
    *ret_tag = d->name ? "DEALLOCATE" : "DEALLOCATE ALL";
    if (d->name && !prepared_find(s, d->name))
        return error_set(&s->error, ST_INVALID_SQL_STATEMENT_NAME,
                         "prepared statement \"%s\" does not exist", d->name);
    prepared_drop(s, d->name);
    return OK;
}
