/* One execution of a statement. */
#include <string.h>

#include "catalog/define.h"
#include "exec/create_as.h"
#include "exec/explain_run.h"
#include "exec/private.h"
#include "exec/ri.h"

/* Locks what the plan was made for and looks whether it still is. */
static status lock_relations(struct execution *x) {
    struct sql_env *env = x->env;
    const struct plan_statement *p = x->plan;
    for (uint16_t i = 0; i < p->nrelations; i++)
        TRY(txn_lock_relation(env->proc, env->txn, p->relations[i].oid, p->relations[i].mode, false,
                              env->settings->lock_timeout_ms));
    uint64_t planned = x->statement->catalog_version;
    if (planned && catalog_version(env) != planned) return STATUS(INVALID);
    if (env->snapshot.time && p->since > env->snapshot.time) return STATUS(INVALID);
    for (uint16_t i = 0; i < p->nrelations; i++) {
        status s = catalog_relation(env, p->relations[i].oid, &x->relations[i]);
        if (status_is(s, ST_NOT_FOUND)) return STATUS(INVALID);
        TRY(s);
    }
    return OK;
}

static status make_room(struct execution *x) {
    const struct plan_statement *p = x->plan;
    if (x->relations) return OK; /* it was made for an execution before */
    NEW_N(x, x->relations, p->nrelations + 1);
    if (p->nouter) {
        NEW_N(x, x->outer, p->nouter);
        NEW_N(x, x->outer_nulls, p->nouter);
        NEW_N(x, x->outer_turns, p->nouter);
    }
    if (p->nsublinks) NEW_N(x, x->subplans, p->nsublinks);
    if (p->nctes) {
        NEW_N(x, x->ctes, p->nctes);
        NEW_N(x, x->work, p->nctes);
    }
    return OK;
}

static const char *locking_words(const struct plan *p) {
    static const char *const words[] = {"SELECT FOR KEY SHARE", "SELECT FOR SHARE",
                                        "SELECT FOR NO KEY UPDATE", "SELECT FOR UPDATE"};
    while (p && p->kind != PLAN_LOCK) p = p->left;
    return p ? words[p->lock.rels[0].strength] : "SELECT";
}

const char *statement_command(const struct statement *st) {
    const struct statement_private *p = private_of((struct statement *)st);
    if (strncmp(p->tag, "INSERT", 6) == 0) return "INSERT";
    if (strcmp(p->tag, "SELECT") == 0 && p->plan) return locking_words(p->plan->root);
    return *p->tag ? p->tag : "this command";
}

/* What is temporary may be changed by who only reads. */
static bool changes_lasting(const struct execution *x) {
    const struct plan_statement *p = x->plan;
    bool any = false;
    for (uint16_t i = 0; i < p->nrelations; i++) {
        if (p->relations[i].mode < MODE_ROW_SHARE) continue;
        any = true;
        if (x->relations[i]->persistence != 't') return true;
    }
    return !any;
}

static status begin_plan(struct execution *x) {
    TRY(make_room(x));
    TRY(lock_relations(x));
    TRY(permission_check(x->env, private_of(x->statement)));
    if (x->env->txn->read_only && !x->statement->read_only && changes_lasting(x))
        return error_set(x->env->eval.error, ST_READ_ONLY_SQL_TRANSACTION,
                         "cannot execute %s in a read-only transaction",
                         statement_command(x->statement));
    if (!x->root) TRY(operator_open(x, x->plan->root, true, &x->root));
    return x->kept.wanted ? kept_begin(x) : OK;
}

static status begin(struct execution *x, struct sql_env *env, struct statement *s,
                    const datum *params, const uint8_t *nulls) {
    const struct statement_private *p = private_of(s);
    x->env = env;
    x->statement = s;
    x->params = params;
    x->nulls = nulls;
    x->plan = p->plan;
    x->tag = p->tag;
    x->analyze = p->explain && p->explain->analyze;
    x->timing = x->analyze && p->explain->timing;
    x->metered = x->analyze && (p->explain->buffers || p->explain->wal);
    if (!p->plan) return OK;
    return !p->explain || x->analyze ? begin_plan(x) : permission_check(env, private_of(s));
}

static status begin_in(struct execution *x, struct sql_env *env, struct statement *s,
                       const datum *params, const uint8_t *nulls,
                       struct execution **ret_execution) {
    if (!x) return error_set(env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    status st = begin(x, env, s, params, nulls);
    if (!ok(st)) {
        execution_end(x);
        return st;
    }
    *ret_execution = x;
    return OK;
}

status execution_begin(struct sql_env *env, struct statement *s, const datum *params,
                       const uint8_t *nulls, struct execution **ret_execution) {
    const struct statement_private *p = private_of(s);
    if (p->plan && p->plan->failure) return error_repeat(env->eval.error, p->plan->failure);
    struct execution *x = arena_zalloc(env->eval.arena, sizeof *x);
    if (x) x->arena = env->eval.arena;
    return begin_in(x, env, s, params, nulls, ret_execution);
}

status execution_begin_again(struct sql_env *env, struct statement *s, const datum *params,
                             const uint8_t *nulls, struct execution **ret_execution) {
    struct statement_private *p = private_of(s);
    if (!p->may_keep) return execution_begin(env, s, params, nulls, ret_execution);
    return begin_in(kept_take(env, p), env, s, params, nulls, ret_execution);
}

status statement_begin(struct sql_env *env, const struct raw_stmt *raw,
                       struct statement **ret_statement, struct execution **ret_execution) {
    status result;
    int tries = 0;
    static const struct sql_params none = {0};
    const struct sql_params *p = env->params ? env->params : &none;
    do {
        struct statement *st;
        struct execution *x = NULL;
        TRY(statement_prepare(env, raw, p->types, p->n, &st));
        result = execution_begin(env, st, p->values, p->nulls, &x);
        if (ok(result)) {
            *ret_statement = st;
            *ret_execution = x;
            return OK;
        }
        if (x) execution_end(x);
        statement_release(st);
    } while (status_is(result, ST_INVALID) && ++tries < PLAN_TRIES_MAX);
    return result;
}

/* ---- rows ---- */

/* WITH queries that change rows are carried out first, whoever reads them. */
static status run_changing_ctes(struct execution *x) {
    for (uint16_t i = 0; i < x->plan->nctes; i++) {
        const struct plan_statement_cte *c = &x->plan->ctes[i];
        if (!c->plan || !c->changes_rows) continue;
        struct cte_state *s = &x->ctes[i];
        if (!s->rows) {
            TRY(row_store_new_sequence(x, c->plan->ncolumns, c->plan->types, &s->rows));
            TRY(operator_open(x, c->plan, true, &s->op));
        }
        while (!s->complete) {
            const struct batch *b;
            TRY(operator_next(s->op, &b));
            TRY(row_store_add_batch(s->rows, b));
            s->complete = b->nrows == 0;
        }
    }
    x->changed = 0; /* the tag counts the statement's own rows */
    return OK;
}

status execution_next_batch(struct execution *x) {
    if (!x->ran) {
        if (x->plan->nctes) TRY(run_changing_ctes(x));
        x->ran = true;
    }
    TRY(operator_next(x->root, &x->current));
    x->at = 0;
    return OK;
}

/* At most max_rows of the batch at hand; all of it is handed on as it is. */
static status slice(struct execution *x, uint16_t max_rows) {
    const struct batch *b = x->current;
    uint16_t n = (uint16_t)(b->nrows - x->at);
    x->batch = *b;
    if (x->at == 0 && n <= max_rows) {
        x->at = b->nrows;
        return OK;
    }
    if (n > max_rows) n = max_rows;
    if (!x->sel) {
        x->sel = arena_alloc(x->arena, BATCH_ROWS * sizeof *x->sel);
        NEEDS(x, x->sel);
    }
    for (uint16_t i = 0; i < n; i++) x->sel[i] = batch_row(b, (uint16_t)(x->at + i));
    x->batch.sel = x->sel;
    x->batch.nrows = n;
    x->at = (uint16_t)(x->at + n);
    return OK;
}

static status fetch_rows(struct execution *x, uint16_t max_rows) {
    if (!x->current || x->at == x->current->nrows) {
        TRY(execution_next_batch(x));
        if (!x->statement->read_only) TRY(ri_run(x->env)); /* the changes are all made */
        if (x->current->nrows == 0) {
            x->finished = true;
            x->batch = *x->current;
            return OK;
        }
    }
    TRY(slice(x, max_rows));
    x->rows += x->batch.nrows;
    const struct plan *root = x->root->plan;
    x->finished = root->capacity == 1 && !root->one_by_one; /* there cannot be more */
    return OK;
}

static status define(struct execution *x) {
    struct node *n = private_of(x->statement)->node;
    if (n->kind == NODE_CREATE_TABLE_AS)
        return create_table_as(x->env, ast_as_create_table_as(n), &x->tag, &x->rows,
                               &x->counts_rows);
    return define_execute(x->env, n, &x->tag);
}

static status fetch(struct execution *x, uint16_t max_rows) {
    const struct statement_private *p = private_of(x->statement);
    if (x->finished) return OK;
    if (x->statement->kind == STATEMENT_DEFINE) {
        x->finished = true;
        return define(x);
    }
    if (p->explain) {
        if (!x->explained) TRY(p->node ? create_as_explain(x) : explain_run(x));
        x->explained = true;
        x->current = &x->lines;
        x->finished = x->at == x->lines.nrows;
        return x->finished ? OK : slice(x, max_rows);
    }
    if (x->statement->kind == STATEMENT_CHANGE) {
        TRY(execution_next_batch(x));
        TRY(ri_run(x->env));
        x->finished = true;
        return OK;
    }
    return fetch_rows(x, max_rows);
}

static status give_words(struct execution *x, status s) {
    if (ok(s) || x->env->eval.error->status.code != ST_OK) return s;
    if (status_is(s, ST_OUT_OF_MEMORY)) return exec_memory(x);
    return catalog_error(x->env, s);
}

status execution_fetch(struct execution *x, uint16_t max_rows, const struct batch **ret_batch) {
    x->batch.nrows = 0;
    *ret_batch = &x->batch;
    status s = give_words(x, fetch(x, max_rows));
    if (!ok(s)) ri_failed(x->env);
    return s;
}

const char *execution_tag(const struct execution *x, bool *ret_counts, uint64_t *ret_count) {
    const struct statement_private *p = private_of(x->statement);
    bool rows =
        x->counts_rows || (x->statement->kind != STATEMENT_DEFINE && !p->explain && !p->uncounted);
    *ret_counts = rows;
    *ret_count = p->changes ? x->changed : x->rows;
    return x->tag;
}

void execution_end(struct execution *x) {
    if (x->kept.wanted) {
        kept_end(x);
        return;
    }
    operators_close(x);
    if (x->plan) subplans_close(x);
}
