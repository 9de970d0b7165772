/* depend.c: PostgreSQL's find_expr_references_walker. */
#include "analyse/depend.h"

#include "base/coro.h"
#include "catalog/internal.h"
#include "catalog/routine.h"

#define STACK_MARGIN (24 * 1024)

struct level {
    const struct level *outer;
    const struct query *q;
};

struct collect {
    struct sql_env *env;
    const struct level *level;
    struct list **objects;
};

static status collect_query(struct collect *c, const struct query *q);
static status collect_expr(struct collect *c, struct expr *e);

static status note(struct collect *c, oid class_oid, oid object, int32_t part) {
    if (object < FIRST_USER_OID) return OK;
    LIST_EACH(const struct object_address *, o, *c->objects) {
        if (o->class_oid == class_oid && o->object == object && o->part == part) return OK;
    }
    struct object_address *o = arena_zalloc(c->env->eval.arena, sizeof *o);
    if (!o) return no_memory(c->env);
    *o = (struct object_address){class_oid, object, part};
    return list_append(c->env->eval.arena, c->objects, o);
}

static status note_type(struct collect *c, oid type) {
    return note(c, OID_pg_type, type, 0);
}

static status note_function(struct collect *c, const struct function *f) {
    return f && function_is_routine(f) ? note(c, OID_pg_proc, f->oid, 0) : OK;
}

/* A call, perhaps written as an operator. */
static status note_operator(struct collect *c, const struct expr *e) {
    const struct operator_info *op = e->call.op;
    if (op && op->schema) return note(c, OID_pg_operator, op->oid, 0);
    return note_function(c, e->call.function);
}

static oid base_of(oid type, bool of_element) {
    const struct type *t = type_below(type_find(type));
    return !t ? 0 : of_element ? type_base((oid)t->element) : t->oid;
}

/* A user's cast by its row too: printed, it stands as the two types. */
static status note_cast(struct collect *c, const struct expr *e) {
    bool elements = e->cast.path.path == CAST_ARRAY;
    const struct cast_info *own =
        cast_known(base_of(e->args[0]->type, elements), base_of(e->type, elements));
    TRY(note(c, OID_pg_type, e->type, 0));
    if (own && own->oid) TRY(note(c, OID_pg_cast, own->oid, 0));
    oid f = e->cast.path.function;
    return f >= FIRST_ROUTINE_OID ? note(c, OID_pg_proc, f, 0) : OK;
}

/* ---- columns --------------------------------------------------------------------------------- */

static status note_column(struct collect *c, const struct query *q, uint16_t rte, int16_t att);

static const struct from_item *item_of(const struct from_item *f, uint16_t rte) {
    if (!f->is_join) return NULL;
    if (f->rte == rte) return f;
    const struct from_item *left = item_of(f->left, rte);
    return left ? left : item_of(f->right, rte);
}

/* A join's column is those of its sides that it was made of. */
static status note_join_column(struct collect *c, const struct query *q, uint16_t rte,
                               int16_t att) {
    const struct rte_words *w = q->rtes[rte]->words;
    const struct from_item *f = NULL;
    for (uint16_t i = 0; i < q->nfrom && !f; i++) f = item_of(q->from[i], rte);
    if (!f) return OK;
    if (w->left_column[att - 1])
        TRY(note_column(c, q, f->left->rte, (int16_t)w->left_column[att - 1]));
    return w->right_column[att - 1]
               ? note_column(c, q, f->right->rte, (int16_t)w->right_column[att - 1])
               : OK;
}

static status note_field(struct collect *c, oid type, uint16_t field) {
    const struct type *t = type_below(type_find(type));
    return t && t->kind == 'c' && t->relation ? note(c, OID_pg_class, t->relation, field + 1) : OK;
}

static status note_result_column(struct collect *c, const struct rte *r, int16_t att) {
    int at = att - 1;
    for (uint16_t i = 0; i < r->nfunctions; at -= r->functions[i++].ncolumns)
        if (at < r->functions[i].ncolumns)
            return r->functions[i].composite
                       ? note_field(c, r->functions[i].call->type, (uint16_t)at)
                       : OK;
    return OK;
}

static status note_column(struct collect *c, const struct query *q, uint16_t rte, int16_t att) {
    const struct rte *r = q->rtes[rte];
    if (att <= 0) return OK;
    switch (r->kind) {
    case RTE_RELATION: return note(c, OID_pg_class, r->relation->oid, att);
    case RTE_JOIN: return note_join_column(c, q, rte, att);
    case RTE_FUNCTION: return note_result_column(c, r, att);
    default: return OK;
    }
}

/* ---- expressions ----------------------------------------------------------------------------- */

static status note_call(struct collect *c, const struct expr *e) {
    const struct record_shape *s = e->call.shape;
    for (uint16_t i = 0; s && i < s->n; i++) TRY(note_type(c, s->types[i]));
    return note_operator(c, e);
}

static status note_constant(struct collect *c, const struct expr *e) {
    TRY(note_type(c, e->type));
    bool relation = e->type == REGCLASSOID && !e->constant.is_null;
    return relation ? note(c, OID_pg_class, e->constant.value.u32, 0) : OK;
}

static status visit(struct expr *e, void *arg, bool *) {
    struct collect *c = arg;
    const struct level *l = c->level;
    if (coro_stack_left() < STACK_MARGIN)
        return error_set(c->env->eval.error, ST_STATEMENT_TOO_COMPLEX,
                         "stack depth limit exceeded");
    switch ((enum expr_kind)e->kind) {
    case EXPR_VAR:
        for (uint16_t i = 0; i < e->var.level && l; i++) l = l->outer;
        return l ? note_column(c, l->q, e->var.rte, e->var.att) : OK;
    case EXPR_CONST: return note_constant(c, e);
    case EXPR_CALL: return note_call(c, e);
    case EXPR_AGGREGATE:
    case EXPR_WINDOW: return note_function(c, e->agg.function);
    case EXPR_CAST:
        if (e->cast.is_collate) return note(c, OID_pg_collation, e->collation, 0);
        return note_cast(c, e);
    case EXPR_NULLIF:
    case EXPR_DISTINCT:
    case EXPR_IN_LIST:
    case EXPR_ARRAY_OP: return note_operator(c, e);
    case EXPR_ARRAY:
    case EXPR_ROW: return note_type(c, e->type);
    case EXPR_FIELD: return note_field(c, e->args[0]->type, e->column);
    case EXPR_SUBLINK: return collect_query(c, e->sublink.query);
    default: return OK;
    }
}

static status collect_expr(struct collect *c, struct expr *e) {
    return e ? expr_walk(e, visit, c) : OK;
}

static status collect_list(struct collect *c, struct expr **list, uint32_t n) {
    for (uint32_t i = 0; list && i < n; i++) TRY(collect_expr(c, list[i]));
    return OK;
}

/* ---- queries --------------------------------------------------------------------------------- */

static status collect_rte(struct collect *c, const struct rte *r) {
    if (r->sample) {
        TRY(collect_expr(c, r->sample->percent));
        TRY(collect_expr(c, r->sample->seed));
    }
    for (uint16_t i = 0; i < r->nfunctions; i++) TRY(collect_expr(c, r->functions[i].call));
    for (uint32_t i = 0; i < r->nrows; i++) TRY(collect_list(c, r->rows[i], r->ncolumns));
    if (r->kind == RTE_RELATION) return note(c, OID_pg_class, r->relation->oid, 0);
    return r->kind == RTE_SUBQUERY ? collect_query(c, r->query) : OK;
}

/* USING needs its columns on both sides. */
static status collect_from(struct collect *c, const struct query *q, const struct from_item *f) {
    if (!f->is_join) return OK;
    TRY(collect_from(c, q, f->left));
    TRY(collect_from(c, q, f->right));
    for (int16_t i = 1; i <= list_n(f->using_columns); i++) TRY(note_join_column(c, q, f->rte, i));
    return list_n(f->using_columns) ? OK : collect_expr(c, f->on);
}

static status collect_with(struct collect *c, const struct cte *with) {
    TRY(collect_query(c, with->query));
    if (with->recursive) TRY(collect_query(c, with->recursive));
    TRY(collect_expr(c, with->mark[0]));
    return collect_expr(c, with->mark[1]);
}

static status collect_window(struct collect *c, const struct window *w) {
    TRY(collect_list(c, w->partition, w->npartition));
    TRY(collect_list(c, w->order, w->norder));
    TRY(collect_expr(c, w->start_offset));
    return collect_expr(c, w->end_offset);
}

static status collect_parts(struct collect *c, const struct query *q) {
    for (uint16_t i = 0; i < q->nctes; i++) TRY(collect_with(c, q->ctes[i]));
    for (uint16_t i = 0; i < q->nrtes; i++) TRY(collect_rte(c, q->rtes[i]));
    for (uint16_t i = 0; i < q->nfrom; i++) TRY(collect_from(c, q, q->from[i]));
    TRY(collect_expr(c, q->where));
    for (uint16_t i = 0; i < q->ntargets; i++) TRY(collect_expr(c, q->targets[i].expr));
    TRY(collect_list(c, q->group, q->ngroup));
    TRY(collect_expr(c, q->having));
    for (uint16_t i = 0; i < q->nwindows; i++) TRY(collect_window(c, &q->windows[i]));
    LIST_EACH(void *, key, q->grouped_keys)
    TRY(note(c, OID_pg_constraint, (oid)(uintptr_t)key, 0));
    TRY(collect_expr(c, q->limit));
    return collect_expr(c, q->offset);
}

static status collect_query(struct collect *c, const struct query *q) {
    struct level level = {c->level, q};
    c->level = &level;
    status st = collect_parts(c, q);
    c->level = level.outer;
    return st;
}

status query_objects(struct sql_env *env, const struct query *q, struct list **ret) {
    struct collect c = {.env = env, .objects = ret};
    *ret = NULL;
    return collect_query(&c, q);
}

status expression_objects(struct sql_env *env, const struct expr *e, const struct relation *r,
                          struct list **ret) {
    struct rte rte = {.kind = RTE_RELATION, .relation = r};
    struct rte *rtes[] = {&rte};
    struct query q = {.kind = QUERY_SELECT, .nrtes = r ? 1 : 0, .rtes = rtes};
    struct level level = {.q = &q};
    struct collect c = {.env = env, .level = &level, .objects = ret};
    *ret = NULL;
    return r || !expr_contains_kind((struct expr *)e, EXPR_VAR) ? collect_expr(&c, (struct expr *)e)
                                                                : OK;
}
