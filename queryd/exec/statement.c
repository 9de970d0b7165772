/* From a parsed statement to a plan that can be kept. */
#include <stdlib.h>

#include "analyse/analyse.h"
#include "catalog/define.h"
#include "exec/create_as.h"
#include "exec/explain_options.h"
#include "exec/private.h"

#define STATEMENT_BYTES_MAX ((size_t)64 << 20)
#define COSTLY 10000 /* rows looked at, about: some milliseconds, where planning takes one */

static bool is_query(const struct node *n) {
    return n->kind == NODE_SELECT || n->kind == NODE_INSERT || n->kind == NODE_UPDATE ||
           n->kind == NODE_DELETE || n->kind == NODE_MERGE || n->kind == NODE_CALL;
}

/* ---- result columns ---- */

static status describe(struct sql_env *env, struct statement *s, const struct target *targets,
                       uint16_t n) {
    s->columns = arena_array(&s->arena, n + 1u, sizeof *s->columns);
    if (!s->columns) return no_memory(env);
    s->ncolumns = n;
    for (uint16_t i = 0; i < n; i++) {
        const struct expr *e = targets[i].expr;
        const struct type *t = type_find(e->type);
        struct result_column *c = &s->columns[i];
        c->name = arena_strdup(&s->arena, targets[i].name);
        if (!c->name) return no_memory(env);
        c->type = e->type;
        c->typmod = e->typmod;
        c->type_len = t ? t->len : -1;
        c->table = targets[i].table;
        c->attribute = targets[i].attribute;
    }
    return OK;
}

/* A cursor that locks rows is updated through those only. */
static bool is_locked(const struct query *q, uint16_t rte) {
    for (uint16_t i = 0; i < q->nlock_rtes; i++)
        if (q->lock_rtes[i].rte == rte) return true;
    return !q->for_update;
}

/* The addresses behind a cursor's columns are nobody's to see. */
static status describe_cursor(struct sql_env *env, struct statement *s, const struct query *q) {
    uint16_t n = (uint16_t)(q->nvisible - q->naddresses);
    s->address_tables = arena_array(&s->arena, q->naddresses, sizeof *s->address_tables);
    if (!s->address_tables) return no_memory(env);
    for (uint16_t i = 0; i < q->naddresses; i++) {
        const struct target *t = &q->targets[n + i];
        s->address_tables[i] = is_locked(q, t->expr->var.rte) ? t->table : 0;
    }
    s->naddresses = q->naddresses;
    s->locks_rows = q->for_update;
    return describe(env, s, q->targets, n);
}

static status describe_query(struct sql_env *env, struct statement_private *p,
                             const struct query *q) {
    struct statement *s = &p->statement;
    bool reads = q->kind == QUERY_SELECT || q->kind == QUERY_SETOP;
    p->tag = reads                     ? "SELECT"
             : q->kind == QUERY_INSERT ? "INSERT 0"
             : q->kind == QUERY_UPDATE ? "UPDATE"
                                       : "DELETE";
    p->changes = !reads;
    s->kind = reads || q->nreturning ? STATEMENT_QUERY : STATEMENT_CHANGE;
    if (q->naddresses) return describe_cursor(env, s, q);
    if (reads) return describe(env, s, q->targets, q->nvisible);
    return describe(env, s, q->returning, q->nreturning);
}

/* A procedure without results gives one void, which nobody is shown. */
static void describe_call(struct statement_private *p) {
    struct statement *s = &p->statement;
    p->tag = "CALL";
    p->uncounted = true;
    if (s->ncolumns != 1 || s->columns[0].type != VOIDOID) return;
    s->ncolumns = 0;
    s->kind = STATEMENT_CHANGE;
}

/* ---- preparing ---- */

static status prepare_query(struct sql_env *env, struct statement_private *p, struct node *n,
                            const oid *types, uint16_t ntypes) {
    struct statement *s = &p->statement;
    struct analysed *a;
    TRY(analyse_statement(env, &s->arena, n, types, ntypes, &a));
    TRY(describe_query(env, p, a->query));
    if (n->kind == NODE_CALL) describe_call(p);
    s->nparams = a->nparams;
    s->param_types = a->param_types;
    s->read_only = a->read_only;
    if (a->once) s->catalog_version = 0;
    p->npermissions = a->npermissions;
    p->permissions = a->permissions;
    p->nfunctions = a->nfunctions;
    p->functions = a->functions;
    a->known_values = p->known_values;
    a->known_nulls = p->known_nulls;
    TRY(plan_statement(env, &s->arena, a, &p->plan));
    s->cost = p->plan->root->cost;
    s->since = p->plan->since;
    if (p->plan->past) s->catalog_version = 0;
    p->may_keep = s->catalog_version && kept_is_possible(p->plan);
    s->literals_matter = p->plan->literals_matter || (s->nparams && p->plan->root->cost > COSTLY);
    return OK;
}

static const char *reindexes_outside_block(const struct ast_reindex *n) {
    if (define_reindex_is_concurrent(n)) return "REINDEX CONCURRENTLY";
    if (n->relation) return NULL;
    return n->type == OBJECT_SCHEMA   ? "REINDEX SCHEMA"
           : n->type == OBJECT_SYSTEM ? "REINDEX SYSTEM"
                                      : "REINDEX DATABASE";
}

/* VACUUM and CREATE INDEX CONCURRENTLY and the like manage transactions themselves. */
static const char *runs_outside_block(const struct node *n) {
    switch (n->kind) {
    case NODE_VACUUM: return ((const struct ast_vacuum *)n)->analyze_only ? NULL : "VACUUM";
    case NODE_CREATE_INDEX:
        return ((const struct ast_create_index *)n)->concurrently ? "CREATE INDEX CONCURRENTLY"
                                                                  : NULL;
    case NODE_DROP:
        return ((const struct ast_drop *)n)->concurrently ? "DROP INDEX CONCURRENTLY" : NULL;
    case NODE_REINDEX: return reindexes_outside_block((const struct ast_reindex *)n);
    case NODE_CLUSTER: return ((const struct ast_cluster *)n)->relation ? NULL : "CLUSTER";
    case NODE_DATABASE:
        return ((const struct ast_database *)n)->action == DATABASE_CREATE ? "CREATE DATABASE"
               : ((const struct ast_database *)n)->action == DATABASE_DROP ? "DROP DATABASE"
                                                                           : NULL;
    default: return NULL;
    }
}

/* CREATE TABLE AS EXECUTE: the query is the prepared statement's. */
static status put_prepared_query(struct sql_env *env, struct statement_private *p) {
    struct list *statements;
    const char *text = env->params->text;
    TRY(parse_sql(&p->statement.arena, text, strlen(text), env->eval.error, &statements));
    struct node *query =
        list_n(statements) ? ((struct raw_stmt *)list_at(statements, 0))->stmt : NULL;
    if (!query || query->kind != NODE_SELECT)
        return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                         "prepared statement is not a SELECT");
    ast_as_create_table_as(p->node)->query = query;
    return OK;
}

/* What is carried out from its syntax tree needs that for as long as the statement lives: the text
 * is parsed again into its arena. */
static status parse_again(struct sql_env *env, struct statement_private *p,
                          const struct raw_stmt *raw, struct node **ret) {
    struct arena *a = &p->statement.arena;
    struct list *statements;
    char *text = arena_strndup(a, env->text, env->text_len);
    if (!text) return no_memory(env);
    TRY(parse_sql(a, text, env->text_len, env->eval.error, &statements));
    *ret = NULL;
    LIST_EACH(struct raw_stmt *, again, statements)
    if (again->location == raw->location) *ret = again->stmt;
    CHECK(*ret && (*ret)->kind == raw->stmt->kind);
    return OK;
}

static status prepare_define(struct sql_env *env, struct statement_private *p,
                             const struct raw_stmt *raw) {
    struct statement *s = &p->statement;
    s->kind = STATEMENT_DEFINE;
    s->outside_block = runs_outside_block(raw->stmt);
    const char *command = define_command(raw->stmt);
    bool makes = raw->stmt->kind == NODE_CREATE_TABLE_AS || raw->stmt->kind == NODE_SELECT;
    p->tag = command ? command : makes ? "CREATE TABLE AS" : "";
    TRY(parse_again(env, p, raw, &p->node));
    if (env->params) TRY(put_prepared_query(env, p));
    struct node *as;
    TRY(create_as_of_select(env, &s->arena, p->node, &as));
    if (as) p->node = as;
    return OK;
}

static bool has_into(const struct node *n) {
    while (n && n->kind == NODE_SELECT && ((const struct ast_select *)n)->set_op != SETOP_NONE)
        n = (const struct node *)((const struct ast_select *)n)->left;
    return n && n->kind == NODE_SELECT && ((const struct ast_select *)n)->into;
}

/* ---- EXPLAIN ---- */

static status explain_columns(struct sql_env *env, struct statement_private *p) {
    static const oid types[] = {[EXPLAIN_TEXT] = TEXTOID,
                                [EXPLAIN_JSON] = JSONOID,
                                [EXPLAIN_YAML] = TEXTOID,
                                [EXPLAIN_XML] = TEXTOID};
    struct statement *s = &p->statement;
    s->kind = STATEMENT_QUERY;
    s->ncolumns = 1;
    s->columns = arena_zalloc(&s->arena, sizeof *s->columns);
    if (!s->columns) return no_memory(env);
    s->columns[0] = (struct result_column){
        .name = "QUERY PLAN", .type = types[p->explain->format], .typmod = -1, .type_len = -1};
    return OK;
}

/* What planning takes, in time and, when it is asked for, in pages. */
static status prepare_measured(struct sql_env *env, struct statement_private *p, struct node *query,
                               const oid *types, uint16_t ntypes, bool buffers) {
    struct proc *proc = env->proc;
    struct usage_meter meter;
    uint64_t begin = proc->env->mono_ns(proc);
    if (buffers) usage_begin(proc, &meter);
    status st = prepare_query(env, p, query, types, ntypes);
    if (buffers) usage_read(proc, &p->planning);
    if (buffers) usage_end(proc);
    p->planning_ns = proc->env->mono_ns(proc) - begin;
    return st;
}

/* CREATE TABLE AS, or a SELECT with INTO: the table is made, or found, when it is carried out. */
static status prepare_explain_as(struct sql_env *env, struct statement_private *p,
                                 const struct raw_stmt *raw) {
    struct node *again, *as;
    TRY(parse_again(env, p, raw, &again));
    p->node = ast_as_explain(again)->query;
    TRY(create_as_of_select(env, &p->statement.arena, p->node, &as));
    if (as) p->node = as;
    if (ast_as_create_table_as(p->node)->materialized_view)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "CREATE MATERIALIZED VIEW is not supported yet");
    if (env->params) TRY(put_prepared_query(env, p));
    p->statement.catalog_version = 0;
    return OK;
}

static status prepare_explain(struct sql_env *env, struct statement_private *p,
                              const struct raw_stmt *raw, const oid *types, uint16_t ntypes) {
    struct ast_explain *n = ast_as_explain(raw->stmt);
    struct statement *s = &p->statement;
    struct explain_options o;
    struct node *query = n->query;
    TRY(explain_options_read(env, n->options, &o));
    if (query->kind == NODE_CREATE_TABLE_AS || has_into(query)) {
        TRY(prepare_explain_as(env, p, raw));
        query = ast_as_create_table_as(p->node)->query;
    }
    if (query->kind == NODE_DECLARE_CURSOR) query = ast_as_declare_cursor(query)->query;
    if (!is_query(query) || query->kind == NODE_CALL)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "EXPLAIN of this statement is not supported");
    const struct sql_params *params = p->node ? env->params : NULL;
    if (params) types = params->types;
    if (params) ntypes = params->n;
    if (!p->node || !o.analyze) TRY(prepare_measured(env, p, query, types, ntypes, o.buffers));
    p->may_keep = false;
    p->explain = arena_memdup(&s->arena, &o, sizeof o);
    if (!p->explain) return no_memory(env);
    p->tag = "EXPLAIN";
    p->changes = false;
    if (!o.analyze) s->read_only = true;
    return explain_columns(env, p);
}

static status prepare(struct sql_env *env, struct statement_private *p, const struct raw_stmt *raw,
                      const oid *types, uint16_t ntypes) {
    struct node *n = raw->stmt;
    if (has_into(n)) return prepare_define(env, p, raw);
    if (is_query(n)) return prepare_query(env, p, n, types, ntypes);
    if (n->kind == NODE_EXPLAIN) return prepare_explain(env, p, raw, types, ntypes);
    return prepare_define(env, p, raw);
}

status statement_prepare(struct sql_env *env, const struct raw_stmt *raw, const oid *param_types,
                         uint16_t nparams, struct statement **ret_statement) {
    return statement_prepare_for(env, raw, param_types, nparams, NULL, NULL, ret_statement);
}

status statement_prepare_for(struct sql_env *env, const struct raw_stmt *raw,
                             const oid *param_types, uint16_t nparams, const datum *values,
                             const uint8_t *nulls, struct statement **ret_statement) {
    struct statement_private *p = calloc(1, sizeof *p);
    if (!p) return no_memory(env);
    struct statement *s = &p->statement;
    arena_init(&s->arena, STATEMENT_BYTES_MAX);
    s->references = 1;
    p->known_values = values;
    p->known_nulls = nulls;
    /* before anything is looked up: a change meanwhile makes the plan stale, never wrong */
    s->catalog_version = catalog_version(env);
    status st = prepare(env, p, raw, param_types, nparams);
    if (!ok(st)) {
        statement_release(s);
        if (env->eval.error->status.code == ST_OK) return catalog_error(env, st);
        return st;
    }
    *ret_statement = s;
    return OK;
}

status statement_prepare_explained(struct sql_env *env, const struct raw_stmt *raw,
                                   const struct explain_options *o, bool without_rows,
                                   struct statement **ret_statement) {
    static const struct sql_params none = {0};
    const struct sql_params *params = env->params ? env->params : &none;
    struct usage_meter meter;
    struct proc *proc = env->proc;
    uint64_t begin = proc->env->mono_ns(proc);
    if (o->buffers) usage_begin(proc, &meter);
    status st = statement_prepare(env, raw, params->types, params->n, ret_statement);
    struct statement_private *p = ok(st) ? private_of(*ret_statement) : NULL;
    if (o->buffers && p) usage_read(proc, &p->planning);
    if (o->buffers) usage_end(proc);
    TRY(st);
    p->planning_ns = proc->env->mono_ns(proc) - begin;
    p->explain = o;
    p->may_keep = false;
    p->fills_table = true;
    p->without_rows = without_rows;
    return OK;
}

bool statement_same_result(const struct statement *a, const struct statement *b) {
    if (a->ncolumns != b->ncolumns) return false;
    for (uint16_t i = 0; i < a->ncolumns; i++) {
        const struct result_column *x = &a->columns[i], *y = &b->columns[i];
        if (x->type != y->type || x->typmod != y->typmod || strcmp(x->name, y->name) != 0)
            return false;
    }
    return true;
}

void statement_release(struct statement *s) {
    if (--s->references) return;
    kept_forget(private_of(s));
    arena_free(&s->arena);
    free(private_of(s));
}

static bool scrolls(const struct plan *p) {
    switch (p->kind) {
    case PLAN_SCAN:
    case PLAN_VALUES:
    case PLAN_FUNCTION:
    case PLAN_CTE:
    case PLAN_SORT:
    case PLAN_MATERIAL: return true;
    case PLAN_FILTER:
    case PLAN_GATE:
    case PLAN_PROJECT:
    case PLAN_LIMIT: return scrolls(p->left);
    case PLAN_APPEND: return scrolls(p->left) && scrolls(p->right);
    default: return false;
    }
}

bool statement_scrolls(const struct statement *s) {
    const struct statement_private *p = private_of((struct statement *)s);
    return p->plan && !p->explain && s->read_only && !s->locks_rows && scrolls(p->plan->root);
}

const struct varlena *address_row_key(struct arena *a, datum address) {
    lsn version;
    const void *key;
    size_t len;
    address_split(address, &version, &key, &len);
    return varlena_from(a, key, len);
}
