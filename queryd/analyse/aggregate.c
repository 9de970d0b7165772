/* Aggregates and window functions. */
#include "analyse/internal.h"
#include "types/in_range.h"
#include "types/ordered_set.h"

/* An aggregate in a subquery among the arguments that is of the query whose aggregate this is. */
static status visit_lent(struct expr *e, unsigned depth, void *arg, bool *) {
    if (depth && e->kind == EXPR_AGGREGATE && query_aggregate_level(e) == depth)
        *(struct expr **)arg = e;
    return OK;
}

static status nothing_nested(struct scope *s, struct expr **args, uint16_t n) {
    struct analyse *a = s->a;
    for (uint16_t i = 0; i < n; i++) {
        struct expr *lent = NULL;
        TRY(query_walk_expr(args[i], 0, visit_lent, &lent));
        if (lent)
            return FAIL_AT(a, lent->location, GROUPING_ERROR,
                           "aggregate function calls cannot be nested");
        if (expr_contains_kind(args[i], EXPR_AGGREGATE))
            return FAIL_AT(a, args[i]->location, GROUPING_ERROR,
                           "aggregate function calls cannot be nested");
        if (expr_contains_kind(args[i], EXPR_WINDOW))
            return FAIL_AT(a, args[i]->location, GROUPING_ERROR,
                           "aggregate function calls cannot contain window function calls");
        if (expr_contains_set(args[i])) {
            status st = FAIL_AT(a, args[i]->location, FEATURE_NOT_SUPPORTED,
                                "aggregate function calls cannot contain set-returning function "
                                "calls");
            error_hint(a->error, "You might be able to move the set-returning function into a "
                                 "LATERAL FROM item.");
            return st;
        }
    }
    return OK;
}

/* Aggregates over columns of an outer query only belong to that query. */
status aggregate_level(struct scope *s, struct expr *e, const char *what, struct scope **ret_owner,
                       uint16_t *ret_level) {
    unsigned level = query_aggregate_level(e);
    struct scope *owner = s;
    for (unsigned i = 0; i < level && owner->parent; i++) owner = owner->parent;
    if (owner != s && owner->clause == CLAUSE_NONE)
        return FAIL_AT(s->a, e->location, GROUPING_ERROR,
                       "%s are not allowed in FROM clause of their own query level", what);
    if (!clause_allows_aggregates(owner->clause))
        return FAIL_AT(s->a, e->location, GROUPING_ERROR, "%s are not allowed in %s", what,
                       clause_words(owner->clause));
    owner->query->has_aggregates = true;
    owner->query->lends_aggregates |= owner != s;
    *ret_owner = owner;
    *ret_level = (uint16_t)level;
    return OK;
}

static status agg_order(struct scope *s, struct ast_func_call *n, struct expr **keys,
                        struct sort_key *order) {
    struct analyse *a = s->a;
    LIST_EACH(struct ast_sort_by *, by, n->order_by) {
        struct expr *key;
        TRY(transform(s, by->value, &key));
        TRY(coerce_unknown(a, key, &key));
        keys[by_i] = key;
        order[by_i].target = (uint16_t)by_i;
        TRY(sort_direction(a, by, key->type, &order[by_i]));
    }
    return OK;
}

static bool among(struct expr *e, struct expr **list, uint16_t n) {
    for (uint16_t i = 0; i < n; i++) {
        struct expr *x = list[i];
        while (x->kind == EXPR_CAST && !x->cast.is_explicit) x = x->args[0];
        if (expr_equal(e, x)) return true;
    }
    return false;
}

static status check_distinct(struct analyse *a, struct ast_func_call *n, const struct expr *e) {
    if (!n->distinct) return OK;
    for (uint16_t i = 0; i < e->agg.nplain; i++) {
        const struct type *t = type_find(e->args[i]->type);
        if (t && type_is_ordered(t)) continue;
        status s = FAIL_AT(a, e->args[i]->location, UNDEFINED_FUNCTION,
                           "could not identify an %s operator for type %s",
                           t && type_has_equality(t) ? "ordering" : "equality",
                           type_words(a, e->args[i]->type));
        if (t && type_has_equality(t))
            error_detail(a->error, "Aggregates with DISTINCT must be able to sort their inputs.");
        return s;
    }
    for (uint16_t i = 0; i < e->agg.norder; i++)
        if (!among(e->args[e->agg.nplain + i], e->args, e->agg.nplain))
            return FAIL_AT(a, e->args[e->agg.nplain + i]->location, INVALID_COLUMN_REFERENCE,
                           "in an aggregate with DISTINCT, ORDER BY expressions must appear in "
                           "argument list");
    return OK;
}

/* WITHIN GROUP: the keys are arguments, analysed and brought to their types already. */
static status ordered_keys(struct scope *s, struct ast_func_call *n, struct expr **given,
                           struct expr **keys, struct sort_key *order) {
    LIST_EACH(struct ast_sort_by *, by, n->order_by) {
        keys[by_i] = given[by_i];
        order[by_i].target = (uint16_t)by_i;
        TRY(sort_direction(s->a, by, given[by_i]->type, &order[by_i]));
    }
    return OK;
}

/* The node of an aggregate or window call, with its order keys and filter. ordered: the keys of
 * WITHIN GROUP. */
static status decorated(struct scope *s, enum expr_kind kind, struct ast_func_call *n,
                        const struct function_choice *c, struct expr **args, uint16_t nargs,
                        struct expr **ordered, struct expr **ret) {
    struct analyse *a = s->a;
    uint16_t norder = (uint16_t)list_n(n->order_by);
    struct expr *e = expr_new_n(a->arena, kind, c->result, n->node.location,
                                (uint16_t)(nargs + norder + (n->filter ? 1 : 0)));
    NEEDS(a, e);
    struct sort_key *order;
    NEW_N(a, order, norder + 1);
    for (uint16_t i = 0; i < nargs; i++) e->args[i] = args[i];
    if (n->within_group)
        TRY(ordered_keys(s, n, ordered, e->args + nargs, order));
    else
        TRY(agg_order(s, n, e->args + nargs, order));
    if (n->filter) {
        enum clause clause = s->clause;
        s->clause = CLAUSE_FILTER;
        status st = transform_bool(s, n->filter, CLAUSE_FILTER, "FILTER", &e->args[nargs + norder]);
        s->clause = clause;
        TRY(st);
    }
    e->agg.function = c->function;
    e->agg.aggregate = aggregate_find(c->function->oid);
    if (function_is_routine(c->function)) TRY(own_aggregate(s, e, args, nargs));
    e->agg.nplain = nargs;
    e->agg.norder = norder;
    e->agg.order = order;
    e->agg.has_filter = n->filter != NULL;
    e->agg.distinct = n->distinct;
    e->agg.star = n->star;
    e->agg.within_group = n->within_group;
    const struct type *t = type_find(c->result);
    e->collation = t ? t->collation : 0;
    *ret = e;
    return OK;
}

static status check_star(struct analyse *a, struct ast_func_call *n, uint16_t nargs,
                         const struct function *f) {
    if (nargs == 0 && !n->star)
        return FAIL_AT(a, n->node.location, WRONG_OBJECT_TYPE,
                       "%s(*) must be used to call a parameterless aggregate function", f->name);
    return OK;
}

status make_aggregate(struct scope *s, struct ast_func_call *n, const struct function_choice *c,
                      struct expr **args, uint16_t nargs, struct expr **ret) {
    struct analyse *a = s->a;
    int32_t location = n->node.location;
    TRY(check_star(a, n, nargs, c->function));
    struct expr *e;
    TRY(decorated(s, EXPR_AGGREGATE, n, c, args, nargs, NULL, &e));
    if (!e->agg.aggregate)
        return FAIL_AT(a, location, FEATURE_NOT_SUPPORTED, "aggregate function %s is not supported",
                       c->function->name);
    TRY(nothing_nested(s, e->args, e->nargs));
    struct scope *owner;
    uint16_t level;
    TRY(aggregate_level(s, e, "aggregate functions", &owner, &level));
    TRY(check_distinct(a, n, e));
    *ret = e;
    return OK;
}

/* ---- WITHIN GROUP ---- */

static status refuse_set_over(struct analyse *a, struct ast_func_call *n, const char *name) {
    if (!n->over) return OK;
    return FAIL_AT(a, n->node.location, FEATURE_NOT_SUPPORTED,
                   "OVER is not supported for ordered-set aggregate %s", name);
}

/* A hypothetical row has the types of the order keys. */
static status unify_pairs(struct scope *s, struct expr **args, uint16_t n) {
    for (uint16_t i = 0; i < n; i++) {
        struct expr *pair[2] = {args[n + i], args[i]};
        oid type;
        TRY(common_type(s->a, pair, 2, "WITHIN GROUP", pair[1]->location, &type));
        TRY(coerce_common(s->a, args[i], type, "WITHIN GROUP", &args[i]));
        TRY(coerce_common(s->a, args[n + i], type, "WITHIN GROUP", &args[n + i]));
    }
    return OK;
}

static status check_counts(struct scope *s, struct ast_func_call *n, const struct ordered_set *o,
                           const char *name, const oid *types, uint16_t ndirect, uint16_t norder) {
    uint16_t total = (uint16_t)(ndirect + norder);
    if (o->hypothetical ? ndirect == norder : ndirect == o->ndirect) return OK;
    status st = undefined_function(s->a, n->node.location, name, types, total);
    if (o->hypothetical)
        error_hint(s->a->error,
                   "To use the hypothetical-set aggregate %s, the number of hypothetical direct "
                   "arguments (here %u) must match the number of ordering columns (here %u).",
                   name, ndirect, norder);
    else
        error_hint(s->a->error,
                   "There is an ordered-set aggregate %s, but it requires %u direct argument%s, "
                   "not %u.",
                   name, o->ndirect, o->ndirect == 1 ? "" : "s", ndirect);
    return st;
}

/* args: the direct ones, then the order keys. */
status make_ordered_set(struct scope *s, struct ast_func_call *n, const struct function_choice *c,
                        const char *name, const oid *types, struct expr **args, uint16_t nargs,
                        struct expr **ret) {
    struct analyse *a = s->a;
    uint16_t norder = (uint16_t)list_n(n->order_by), ndirect = (uint16_t)(nargs - norder);
    const struct ordered_set *o = ordered_set_find(c->function->oid);
    if (!o)
        return FAIL_AT(a, n->node.location, WRONG_OBJECT_TYPE,
                       "%s is not an ordered-set aggregate, so it cannot have WITHIN GROUP", name);
    TRY(check_counts(s, n, o, name, types, ndirect, norder));
    TRY(refuse_set_over(a, n, name));
    if (o->hypothetical) {
        TRY(unify_pairs(s, args, ndirect));
    } else {
        for (uint16_t i = 0; i < nargs; i++) {
            int32_t where = args[i]->location;
            TRY(analyse_at(a, where, coerce_chosen(a, args[i], c->arg_types[i], &args[i])));
        }
    }
    struct expr *e;
    TRY(decorated(s, EXPR_AGGREGATE, n, c, args, ndirect, args + ndirect, &e));
    TRY(nothing_nested(s, e->args, e->nargs));
    struct scope *owner;
    uint16_t level;
    TRY(aggregate_level(s, e, "aggregate functions", &owner, &level));
    for (uint16_t i = 0; i < ndirect; i++)
        if (query_uses_below(e->args[i], level))
            return FAIL_AT(a, e->args[i]->location, GROUPING_ERROR,
                           "outer-level aggregate cannot contain a lower-level variable in its "
                           "direct arguments");
    *ret = e;
    return OK;
}

/* ---- windows ---- */

static int find_window(const struct query *q, const char *name) {
    for (uint16_t i = 0; i < q->nwindows; i++)
        if (q->windows[i].name && strcmp(q->windows[i].name, name) == 0) return i;
    return -1;
}

static const char *frame_words(const struct window *w) {
    return w->mode == FRAME_ROWS ? "ROWS" : w->mode == FRAME_RANGE ? "RANGE" : "GROUPS";
}

/* The offset of RANGE has what type the column's in_range takes. */
static status range_offset(struct scope *s, struct expr *e, const struct window *w,
                           const struct function **ret_in_range, struct expr **ret) {
    struct analyse *a = s->a;
    oid column = w->norder == 1 ? type_base(w->order[0]->type) : 0;
    const char *hint = NULL;
    status st;
    switch (in_range_find(column, e->type, ret_in_range)) {
    case IN_RANGE_FOUND: return coerce_common(a, e, (*ret_in_range)->args[2], "RANGE", ret);
    case IN_RANGE_NOT_FOR_COLUMN:
        return FAIL_AT(a, e->location, FEATURE_NOT_SUPPORTED,
                       "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s",
                       type_words(a, column));
    case IN_RANGE_NOT_FOR_OFFSET:
        hint = "Cast the offset value to an appropriate type.";
        st =
            FAIL_AT(a, e->location, FEATURE_NOT_SUPPORTED,
                    "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s and "
                    "offset type %s",
                    type_words(a, column), type_words(a, e->type));
        break;
    default:
        hint = "Cast the offset value to the exact intended type.";
        st =
            FAIL_AT(a, e->location, FEATURE_NOT_SUPPORTED,
                    "RANGE with offset PRECEDING/FOLLOWING has multiple interpretations for column "
                    "type %s and offset type %s",
                    type_words(a, column), type_words(a, e->type));
    }
    error_hint(a->error, "%s", hint);
    return st;
}

static status frame_offset(struct scope *s, struct node *n, const struct window *w,
                           const struct function **ret_in_range, struct expr **ret) {
    struct analyse *a = s->a;
    *ret = NULL;
    if (!n) return OK;
    struct expr *e, *i;
    TRY(transform_expr(s, n, (enum clause)(CLAUSE_FRAME_RANGE + w->mode), &e));
    if (query_uses_level(e, 0))
        return FAIL_AT(a, e->location, INVALID_COLUMN_REFERENCE,
                       "argument of %s must not contain variables", frame_words(w));
    if (w->mode == FRAME_RANGE) return range_offset(s, e, w, ret_in_range, ret);
    TRY(coerce(a, e, INT8OID, -1, CAST_ASSIGNMENT, &i));
    if (!i)
        return FAIL_AT(a, n->location, DATATYPE_MISMATCH,
                       "argument of %s must be type bigint, not type %s", frame_words(w),
                       type_words(a, e->type));
    *ret = i;
    return OK;
}

static status window_keys(struct scope *s, struct ast_window_def *d, struct window *w) {
    struct analyse *a = s->a;
    if (list_n(d->partition_by)) {
        w->npartition = (uint16_t)list_n(d->partition_by);
        NEW_N(a, w->partition, w->npartition);
        LIST_EACH(struct node *, p, d->partition_by) {
            TRY(transform_expr(s, p, CLAUSE_WINDOW, &w->partition[p_i]));
            TRY(coerce_unknown(a, w->partition[p_i], &w->partition[p_i]));
        }
    }
    if (list_n(d->order_by)) {
        w->norder = (uint16_t)list_n(d->order_by);
        NEW_N(a, w->order, w->norder);
        NEW_N(a, w->order_keys, w->norder);
        LIST_EACH(struct ast_sort_by *, by, d->order_by) {
            struct expr *e;
            TRY(transform_expr(s, by->value, CLAUSE_WINDOW, &e));
            TRY(coerce_unknown(a, e, &e));
            w->order[by_i] = e;
            TRY(sort_direction(a, by, e->type, &w->order_keys[by_i]));
        }
    }
    return OK;
}

/* What it takes over of the window that it begins with. */
static status window_base(struct scope *s, const struct ast_window_def *d, const char *name,
                          struct window *w) {
    struct analyse *a = s->a;
    int base = find_window(s->query, d->base);
    if (base < 0)
        return FAIL_AT(a, d->node.location, UNDEFINED_OBJECT, "window \"%s\" does not exist",
                       d->base);
    *w = s->query->windows[base];
    w->name = name;
    w->base = d->base;
    w->own_order = false;
    if (w->has_frame) {
        status st = FAIL_AT(a, d->node.location, WINDOWING_ERROR,
                            "cannot copy window \"%s\" because it has a frame clause", d->base);
        if (!name && !list_n(d->order_by) && !d->frame_given)
            error_hint(a->error, "Omit the parentheses in this OVER clause.");
        return st;
    }
    if (list_n(d->partition_by))
        return FAIL_AT(a, d->node.location, WINDOWING_ERROR,
                       "cannot override PARTITION BY clause of window \"%s\"", d->base);
    if (list_n(d->order_by) && w->norder)
        return FAIL_AT(a, d->node.location, WINDOWING_ERROR,
                       "cannot override ORDER BY clause of window \"%s\"", d->base);
    return OK;
}

static status window_frame(struct scope *s, struct ast_window_def *d, struct window *w) {
    struct analyse *a = s->a;
    w->between = d->between;
    w->has_frame = d->frame_given;
    w->mode = d->frame_given ? d->mode : FRAME_RANGE;
    w->start = d->frame_given ? d->start : BOUND_UNBOUNDED_PRECEDING;
    w->end = d->frame_given ? d->end : BOUND_CURRENT_ROW;
    w->exclude = d->exclude;
    if (w->mode == FRAME_GROUPS && !w->norder)
        return FAIL_AT(a, d->node.location, WINDOWING_ERROR,
                       "GROUPS mode requires an ORDER BY clause");
    if (w->mode == FRAME_RANGE && (d->start_offset || d->end_offset) && w->norder != 1)
        return FAIL_AT(
            a, d->node.location, WINDOWING_ERROR,
            "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column");
    TRY(frame_offset(s, d->start_offset, w, &w->start_in_range, &w->start_offset));
    return frame_offset(s, d->end_offset, w, &w->end_in_range, &w->end_offset);
}

static status add_window(struct scope *s, struct ast_window_def *d, const char *name,
                         uint16_t *ret) {
    struct analyse *a = s->a;
    struct query *q = s->query;
    struct window w = {.name = name};
    if (d->base) TRY(window_base(s, d, name, &w));
    TRY(window_keys(s, d, &w));
    w.own_order |= list_n(d->order_by) > 0;
    TRY(window_frame(s, d, &w));
    struct window *grown;
    NEW_N(a, grown, q->nwindows + 1);
    if (q->nwindows) memcpy(grown, q->windows, q->nwindows * sizeof *grown);
    grown[q->nwindows] = w;
    q->windows = grown;
    *ret = q->nwindows++;
    return OK;
}

status transform_windows(struct scope *s, const struct list *definitions) {
    LIST_EACH(struct ast_window_def *, d, definitions) {
        if (find_window(s->query, d->name) >= 0)
            return FAIL_AT(s->a, d->node.location, WINDOWING_ERROR,
                           "window \"%s\" is already defined", d->name);
        uint16_t index;
        TRY(add_window(s, d, d->name, &index));
    }
    return OK;
}

status make_window(struct scope *s, struct ast_func_call *n, const struct function_choice *c,
                   struct expr **args, uint16_t nargs, struct expr **ret) {
    struct analyse *a = s->a;
    int32_t location = n->node.location;
    if (!n->over)
        return FAIL_AT(a, location, WRONG_OBJECT_TYPE, "window function %s requires an OVER clause",
                       c->function->name);
    if (!clause_allows_windows(s->clause))
        return FAIL_AT(a, location, WINDOWING_ERROR, "window functions are not allowed in %s",
                       clause_words(s->clause));
    const char *refused = n->distinct                             ? "DISTINCT"
                          : list_n(n->order_by)                   ? "aggregate ORDER BY"
                          : n->filter && c->function->kind == 'w' ? "FILTER"
                                                                  : NULL;
    if (refused)
        return FAIL_AT(a, location, FEATURE_NOT_SUPPORTED,
                       "%s is not implemented for %swindow "
                       "functions",
                       refused, *refused == 'F' ? "non-aggregate " : "");
    if (c->function->kind == 'a') TRY(check_star(a, n, nargs, c->function));
    struct expr *e;
    TRY(decorated(s, EXPR_WINDOW, n, c, args, nargs, NULL, &e));
    for (uint16_t i = 0; i < e->nargs; i++)
        if (expr_contains_kind(e->args[i], EXPR_WINDOW))
            return FAIL_AT(a, location, WINDOWING_ERROR, "window function calls cannot be nested");
    if (n->over->name && !n->over->base && !n->over->partition_by && !n->over->order_by &&
        !n->over->frame_given) {
        int w = find_window(s->query, n->over->name);
        if (w < 0)
            return FAIL_AT(a, n->over->node.location, UNDEFINED_OBJECT,
                           "window \"%s\" does not exist", n->over->name);
        e->agg.window = (uint16_t)w;
    } else {
        TRY(add_window(s, n->over, NULL, &e->agg.window));
    }
    s->query->has_windows = true;
    *ret = e;
    return OK;
}
