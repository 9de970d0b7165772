/* CREATE TABLE AS and SELECT INTO: a table with a query's columns, then INSERT … SELECT. */
#include "exec/create_as.h"

#include "analyse/analyse.h"
#include "catalog/define.h"
#include "exec/explain_run.h"

status create_as_of_select(struct sql_env *env, struct arena *a, struct node *n,
                           struct node **ret) {
    struct node *left = n;
    *ret = NULL;
    while (left && left->kind == NODE_SELECT && ast_as_select(left)->set_op != SETOP_NONE)
        left = (struct node *)ast_as_select(left)->left;
    if (!left || left->kind != NODE_SELECT || !ast_as_select(left)->into) return OK;
    struct ast_create_table_as *as =
        (struct ast_create_table_as *)ast_new(a, NODE_CREATE_TABLE_AS, n->location);
    if (!as) return no_memory(env);
    as->query = n;
    as->into = ast_as_select(left)->into;
    ast_as_select(left)->into = NULL;
    *ret = &as->node;
    return OK;
}

static status insertion(struct sql_env *env, const struct ast_create_table_as *s,
                        struct raw_stmt *ret) {
    struct arena *a = env->eval.arena;
    struct ast_insert *insert = (struct ast_insert *)ast_new(a, NODE_INSERT, -1);
    if (!insert) return no_memory(env);
    insert->relation = s->into->relation;
    insert->relation->persistence = PERSIST_PERMANENT;
    insert->source = ast_as_select(s->query);
    *ret = (struct raw_stmt){.stmt = &insert->node, .length = (int32_t)env->text_len};
    return OK;
}

static status insert_rows(struct sql_env *env, const struct ast_create_table_as *s,
                          uint64_t *ret_rows) {
    struct raw_stmt raw;
    struct statement *st;
    struct execution *x;
    const struct batch *b;
    bool counts;
    TRY(insertion(env, s, &raw));
    TRY(statement_begin(env, &raw, &st, &x));
    status result = execution_fetch(x, 1, &b);
    if (ok(result)) execution_tag(x, &counts, ret_rows);
    execution_end(x);
    statement_release(st);
    return result;
}

status create_table_as(struct sql_env *env, struct ast_create_table_as *s, const char **ret_tag,
                       uint64_t *ret_rows, bool *ret_counts) {
    bool made;
    *ret_counts = false;
    *ret_tag = "CREATE TABLE AS";
    if (s->materialized_view)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "CREATE MATERIALIZED VIEW is not supported yet");
    TRY(define_table_as(env, s, &made));
    if (!made || s->into->no_data) return OK;
    TRY(insert_rows(env, s, ret_rows));
    *ret_tag = "SELECT";
    *ret_counts = true;
    return OK;
}

/* ---- EXPLAIN ---- */

/* The rows' INSERT, of which the query's part is told. */
static status explain_rows(struct execution *outer, const struct ast_create_table_as *as) {
    struct sql_env *env = outer->env;
    static const struct sql_params none = {0};
    const struct sql_params *values = env->params ? env->params : &none;
    struct raw_stmt raw;
    struct statement *st;
    struct execution *x;
    TRY(insertion(env, as, &raw));
    TRY(statement_prepare_explained(env, &raw, private_of(outer->statement)->explain,
                                    as->into->no_data, &st));
    status result = execution_begin(env, st, values->values, values->nulls, &x);
    if (ok(result)) {
        result = explain_run(x);
        if (ok(result)) outer->lines = x->lines;
        execution_end(x);
    }
    statement_release(st);
    return result;
}

status create_as_explain(struct execution *x) {
    const struct statement_private *p = private_of(x->statement);
    struct ast_create_table_as *as = ast_as_create_table_as(p->node);
    bool vacant;
    if (p->explain->analyze)
        TRY(define_table_as(x->env, as, &vacant));
    else
        TRY(define_table_as_vacant(x->env, as, &vacant));
    bool tag = p->explain->format == EXPLAIN_XML;
    if (!vacant) return explain_word(x, tag ? "CREATE-TABLE-AS" : "CREATE TABLE AS");
    return p->explain->analyze ? explain_rows(x, as) : explain_run(x);
}
