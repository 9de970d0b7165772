#include "exec/expression_api.h"

#include "analyse/analyse.h"
#include "analyse/depend.h"
#include "analyse/print.h"
#include "base/coro.h"
#include "exec/exec_init.h"
#include "exec/index_row.h"
#include "exec/index_sort.h"
#include "exec/private.h"
#include "exec/ri.h"
#include "exec/routine.h"
#include "exec/transform.h"
#include "parse/parse.h"

static enum analyse_use use_of(enum expression_use use) {
    switch (use) {
    case EXPRESSION_DEFAULT: return USE_DEFAULT;
    case EXPRESSION_CHECK: return USE_CHECK;
    case EXPRESSION_GENERATED: return USE_GENERATED;
    case EXPRESSION_INDEX: return USE_INDEX;
    case EXPRESSION_PARAMETER: return USE_PARAMETER;
    case EXPRESSION_ANY: return USE_TRANSFORM;
    default: return USE_PREDICATE;
    }
}

status expression_check(struct sql_env *env, const struct relation *r, struct node *expression,
                        enum expression_use use, const char *column, oid want_type,
                        int32_t want_typmod, oid *ret_type) {
    struct expr *e;
    TRY(analyse_expression(env, env->eval.arena, r, expression, use_of(use), column, want_type,
                           want_typmod, &e));
    if (ret_type) *ret_type = e->type;
    return OK;
}

static status index_expression(struct sql_env *env, const struct relation *r,
                               struct node *expression, oid *ret_type, oid *ret_collation) {
    struct expr *e;
    TRY(analyse_expression(env, env->eval.arena, r, expression, USE_INDEX, NULL, 0, -1, &e));
    *ret_type = e->type;
    *ret_collation = e->collation;
    return OK;
}

/* An execution without a plan: enough for programs without columns. */
static void bare_execution(struct execution *x, struct sql_env *env,
                           const struct plan_statement *plan) {
    *x = (struct execution){.env = env, .arena = env->eval.arena, .plan = plan};
}

status expression_value(struct sql_env *env, struct node *expression, const char *column, oid type,
                        int32_t typmod, bool *ret_volatile, datum *ret_value, bool *ret_is_null) {
    struct expr *e;
    TRY(analyse_expression(env, env->eval.arena, NULL, expression, USE_DEFAULT, column, type,
                           typmod, &e));
    *ret_volatile = expr_volatility(e) == 'v';
    *ret_is_null = true;
    if (*ret_volatile) return OK;
    struct program *program;
    struct plan_statement *plan;
    TRY(plan_expression(env, env->eval.arena, 0, &e, 1, &program, &plan));
    struct execution x;
    struct program_state *s;
    bare_execution(&x, env, plan);
    TRY(program_open(&x, program, 1, &s));
    return program_value(s, env->eval.arena, ret_value, ret_is_null);
}

/* ---- every row of a table ---- */

static status check_one(struct execution *x, const struct relation *r, struct program_state *s,
                        const struct tree_entry *e, struct vec *row, struct arena *a,
                        const char *constraint) {
    if (a->chunk) arena_reset(a);
    TRY(row_into(x, r, e, row, a));
    TRY(program_run(s, row, NULL, 1, a));
    const struct vec *v = program_output(s, 0);
    if (v->nulls[0] || v->values[0].b) return OK;
    return error_set(x->env->eval.error, ST_CHECK_VIOLATION,
                     "check constraint \"%s\" of relation \"%s\" is violated by some row",
                     constraint, r->name);
}

static status check_all(struct execution *x, const struct relation *r, struct program_state *s,
                        const char *constraint) {
    struct vec *row;
    struct table_scan *scan;
    struct arena a;
    TRY(columns_new(x, (uint16_t)(r->natts + 1), 1, &row));
    TRY(oid_column(x, r, &row[r->natts]));
    NEW_N(x, scan, 1);
    struct table_bound open = {0};
    TRY(table_scan_begin(x->env, scan, x->arena, r, NULL, open, open, false));
    arena_init(&a, 0);
    status st;
    for (;;) {
        struct tree_entry e;
        st = table_scan_next(scan, &e);
        if (ok(st)) st = check_one(x, r, s, &e, row, &a, constraint);
        if (!ok(st)) break;
    }
    arena_free(&a);
    table_scan_end(scan);
    return status_is(st, ST_END) ? OK : st;
}

status expression_check_rows(struct sql_env *env, const struct relation *r, struct node *expression,
                             const char *constraint) {
    struct expr *e;
    TRY(analyse_expression(env, env->eval.arena, r, expression, USE_CHECK, NULL, 0, -1, &e));
    struct program *program;
    struct plan_statement *plan;
    TRY(plan_expression(env, env->eval.arena, r->natts, &e, 1, &program, &plan));
    struct execution x;
    struct program_state *s;
    bare_execution(&x, env, plan);
    TRY(program_open(&x, program, 1, &s));
    return check_all(&x, r, s, constraint);
}

/* ---- domains ---- */

struct ready_check {
    const struct program *program;
    const struct plan_statement *plan;
};

/* The condition compiled, over a relation of one column, value; kept as long as the domain's
 * description. */
static status prepare_check(struct sql_env *env, const struct type *t, struct domain_check *c) {
    struct attribute value = {.name = "value",
                              .number = 1,
                              .type = t->base->oid,
                              .typmod = t->typmod,
                              .collation = t->collation};
    struct relation r = {.name = "", .kind = 'r', .natts = 1, .atts = &value};
    struct ready_check *ready = arena_zalloc(t->arena, sizeof *ready);
    struct node *n;
    struct expr *e;
    struct program *program;
    struct plan_statement *plan;
    if (!ready) return error_set(env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    TRY(parse_expression(env->eval.arena, c->text, strlen(c->text), env->eval.error, &n));
    TRY(analyse_expression(env, t->arena, &r, n, USE_CHECK, NULL, 0, -1, &e));
    TRY(plan_expression(env, t->arena, 1, &e, 1, &program, &plan));
    *ready = (struct ready_check){program, plan};
    c->ready = ready;
    return OK;
}

static status check_one_condition(struct sql_env *env, const struct type *t, struct domain_check *c,
                                  datum value, bool is_null) {
    if (!c->ready) TRY(prepare_check(env, t, c));
    const struct ready_check *ready = c->ready;
    struct execution x;
    struct program_state *s;
    uint8_t null = is_null;
    struct vec inputs[2] = {{&value, &null}, {&value, &null}};
    bare_execution(&x, env, ready->plan);
    TRY(program_open(&x, ready->program, 1, &s));
    TRY(program_run(s, inputs, NULL, 1, env->eval.arena));
    const struct vec *v = program_output(s, 0);
    if (v->nulls[0] || v->values[0].b) return OK;
    return error_set(env->eval.error, ST_CHECK_VIOLATION,
                     "value for domain %s violates check constraint \"%s\"",
                     type_format_name(env->eval.arena, t->oid), c->name);
}

status expression_check_domain(struct sql_env *env, const struct type *domain, datum value,
                               bool is_null) {
    if (coro_stack_left() < 32 * 1024)
        return error_set(env->eval.error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (is_null && domain->not_null)
        return error_set(env->eval.error, ST_NOT_NULL_VIOLATION,
                         "domain %s does not allow null values",
                         type_format_name(env->eval.arena, domain->oid));
    for (uint16_t i = 0; i < domain->nchecks; i++)
        TRY(check_one_condition(env, domain, &domain->checks[i], value, is_null));
    return OK;
}

status expression_query_columns(struct sql_env *env, struct node *query, uint16_t *ret_n,
                                struct define_column **ret_columns) {
    struct analysed *a;
    const struct sql_params *p = env->params;
    TRY(analyse_statement(env, env->eval.arena, query, p ? p->types : NULL, p ? p->n : 0, &a));
    if (a->nparams > (p ? p->n : 0))
        return error_set(env->eval.error, ST_UNDEFINED_PARAMETER, "there is no parameter $1");
    const struct query *q = a->query;
    struct define_column *columns = arena_array(env->eval.arena, q->nvisible + 1u, sizeof *columns);
    if (!columns) return error_set(env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    for (uint16_t i = 0; i < q->nvisible; i++) {
        const struct expr *e = q->targets[i].expr;
        const struct type *t = type_find(e->type);
        if (!t || t->kind == 'p')
            return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                             "column \"%s\" has pseudo-type %s", q->targets[i].name,
                             type_format_name(env->eval.arena, e->type));
        columns[i] = (struct define_column){q->targets[i].name, e->type, e->typmod, e->collation};
    }
    *ret_n = q->nvisible;
    *ret_columns = columns;
    return OK;
}

static status expression_view_obstacle(struct sql_env *env, struct node *query, const char **ret) {
    return analyse_view_obstacle(env, env->eval.arena, query, ret);
}

static status expression_relation_events(struct sql_env *env, const struct relation *r,
                                         int16_t column, int32_t *ret) {
    return analyse_relation_events(env, env->eval.arena, r, column, ret);
}

/* ---- printing ---- */

struct kept_query {
    struct query *query;
};

static status expression_query_keep(struct sql_env *env, struct node *query,
                                    struct kept_query **ret) {
    *ret = arena_zalloc(env->eval.arena, sizeof **ret);
    if (!*ret) return error_set(env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    return analyse_query_for_text(env, env->eval.arena, query, &(*ret)->query);
}

static status expression_query_print(struct sql_env *env, const struct kept_query *q,
                                     const struct print_style *style, const struct relation *names,
                                     struct buf *out) {
    return print_query(env, q->query, style, names, out);
}

struct kept_expression {
    struct expr *expression;
    const struct relation *columns; /* NULL: none */
};

static status expression_keep(struct sql_env *env, const struct relation *r,
                              struct node *expression, enum expression_use use, oid want,
                              int32_t want_typmod, struct kept_expression **ret) {
    struct kept_expression *k = arena_zalloc(env->eval.arena, sizeof *k);
    if (!k) return error_set(env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    k->columns = r;
    *ret = k;
    return analyse_expression_for_text(env, env->eval.arena, r, expression, use_of(use), want,
                                       want_typmod, &k->expression);
}

static status expression_print(struct sql_env *env, const struct kept_expression *e,
                               const struct print_style *style, struct buf *out) {
    return print_expression(env, e->expression, e->columns, style, out);
}

static status kept_query_objects(struct sql_env *env, const struct kept_query *q,
                                 struct list **ret) {
    return query_objects(env, q->query, ret);
}

static status kept_expression_objects(struct sql_env *env, const struct kept_expression *e,
                                      struct list **ret) {
    return expression_objects(env, e->expression, e->columns, ret);
}

void exec_init(void) {
    static const struct define_hooks hooks = {
        .expression_check = expression_check,
        .index_expression = index_expression,
        .expression_value = expression_value,
        .check_rows = expression_check_rows,
        .check_domain = expression_check_domain,
        .check_references = ri_check_references,
        .fill_column = ri_fill_column,
        .transform_rows = transform_rows,
        .view_obstacle = expression_view_obstacle,
        .relation_events = expression_relation_events,
        .query_columns = expression_query_columns,
        .query_keep = expression_query_keep,
        .query_print = expression_query_print,
        .expression_keep = expression_keep,
        .expression_print = expression_print,
        .query_objects = kept_query_objects,
        .expression_objects = kept_expression_objects,
        .routine_check = routine_check_body,
        .routine_call = routine_call,
    };
    static const struct table_hooks for_tables = {
        .index_row = index_row,
        .sort_new = index_sort_new,
        .sort_add = index_sort_add,
        .sort_finish = index_sort_finish,
        .sort_next = index_sort_next,
        .sort_free = index_sort_free,
    };
    define_hooks = &hooks;
    table_hooks = &for_tables;
}
