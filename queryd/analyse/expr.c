#include "analyse/expr.h"

#include "analyse/query.h"
#include "base/check.h"
#include "types/collator.h"

struct expr *expr_new_n(struct arena *a, enum expr_kind kind, oid type, int32_t location,
                        uint16_t nargs) {
    struct expr *e = arena_zalloc(a, sizeof *e + nargs * sizeof *e->args);
    if (!e) return NULL;
    e->kind = kind;
    e->type = type;
    e->typmod = -1;
    e->location = location;
    e->nargs = nargs;
    e->args = (struct expr **)(e + 1);
    return e;
}

struct expr *expr_new(struct arena *a, enum expr_kind kind, oid type, int32_t location) {
    return expr_new_n(a, kind, type, location, 0);
}

struct expr *expr_const(struct arena *a, oid type, datum value, bool is_null, int32_t location) {
    struct expr *e = expr_new(a, EXPR_CONST, type, location);
    if (!e) return NULL;
    e->constant.value = value;
    e->constant.is_null = is_null;
    return e;
}

struct expr *expr_bool_const(struct arena *a, bool value) {
    return expr_const(a, BOOLOID, datum_bool(value), false, -1);
}

struct expr *expr_var(struct arena *a, uint16_t rte, int16_t att, oid type, int32_t typmod,
                      oid collation, int32_t location) {
    struct expr *e = expr_new(a, EXPR_VAR, type, location);
    if (!e) return NULL;
    e->typmod = typmod;
    e->collation = collation;
    e->var.rte = rte;
    e->var.att = att;
    return e;
}

struct expr *expr_and(struct arena *a, struct expr *x, struct expr *y) {
    if (!x) return y;
    if (!y) return x;
    uint16_t nx = x->kind == EXPR_BOOL && x->boolean == EXPR_AND ? x->nargs : 1;
    uint16_t ny = y->kind == EXPR_BOOL && y->boolean == EXPR_AND ? y->nargs : 1;
    struct expr *e = expr_new_n(a, EXPR_BOOL, BOOLOID, x->location, nx + ny);
    if (!e) return NULL;
    e->boolean = EXPR_AND;
    for (uint16_t i = 0; i < nx; i++) e->args[i] = nx == 1 ? x : x->args[i];
    for (uint16_t i = 0; i < ny; i++) e->args[nx + i] = ny == 1 ? y : y->args[i];
    return e;
}

static bool const_equal(const struct expr *a, const struct expr *b) {
    if (a->constant.is_null || b->constant.is_null)
        return a->constant.is_null == b->constant.is_null;
    const struct type *t = type_find(a->type);
    if (a->type == UNKNOWNOID) return strcmp(a->constant.value.s, b->constant.value.s) == 0;
    if (!t || !type_is_ordered(t)) return a->constant.value.u64 == b->constant.value.u64;
    if (t->byval) return a->constant.value.u64 == b->constant.value.u64;
    return type_compare(t, a->constant.value, b->constant.value) == 0;
}

static bool agg_equal(const struct expr *a, const struct expr *b) {
    if (a->agg.function->oid != b->agg.function->oid || a->agg.nplain != b->agg.nplain ||
        a->agg.norder != b->agg.norder || a->agg.has_filter != b->agg.has_filter ||
        a->agg.distinct != b->agg.distinct || a->agg.star != b->agg.star ||
        a->agg.window != b->agg.window)
        return false;
    for (uint16_t i = 0; i < a->agg.norder; i++)
        if (a->agg.order[i].descending != b->agg.order[i].descending ||
            a->agg.order[i].nulls_first != b->agg.order[i].nulls_first)
            return false;
    return true;
}

static bool payload_equal(const struct expr *a, const struct expr *b) {
    switch (a->kind) {
    case EXPR_CONST: return const_equal(a, b);
    case EXPR_PARAM: return a->param == b->param;
    case EXPR_VAR:
        return a->var.level == b->var.level && a->var.rte == b->var.rte && a->var.att == b->var.att;
    case EXPR_CALL:
    case EXPR_NULLIF:
    case EXPR_DISTINCT:
    case EXPR_IN_LIST:
    case EXPR_ARRAY_OP:
        return a->call.function == b->call.function && a->call.is_all == b->call.is_all &&
               a->call.variadic == b->call.variadic;
    case EXPR_BOOL: return a->boolean == b->boolean;
    case EXPR_BOOL_TEST: return a->test == b->test;
    case EXPR_CASE: return a->cases.has_test == b->cases.has_test;
    case EXPR_CAST:
        return a->cast.path.path == b->cast.path.path &&
               a->cast.path.function == b->cast.path.function &&
               a->cast.path.domain == b->cast.path.domain &&
               a->cast.apply_typmod == b->cast.apply_typmod &&
               a->cast.is_collate == b->cast.is_collate &&
               (!a->cast.is_collate || a->collation == b->collation);
    case EXPR_AGGREGATE:
    case EXPR_WINDOW: return agg_equal(a, b);
    case EXPR_GROUPING:
        return a->grouping.level == b->grouping.level && a->grouping.n == b->grouping.n &&
               !a->grouping.columns == !b->grouping.columns &&
               (a->grouping.n == 0 || memcmp(a->grouping.columns, b->grouping.columns,
                                             a->grouping.n * sizeof *a->grouping.columns) == 0);
    case EXPR_SUBLINK: return a->sublink.query == b->sublink.query;
    case EXPR_SUBPLAN: return a->subplan == b->subplan;
    case EXPR_SLOT:
    case EXPR_OUTER:
    case EXPR_FIELD:
    case EXPR_SET_FIELD:
    case EXPR_SUBLINK_COLUMN: return a->column == b->column;
    case EXPR_SET_ELEMENT:
    case EXPR_SUBSCRIPT:
        return a->subscript.ndims == b->subscript.ndims &&
               a->subscript.slice == b->subscript.slice &&
               a->subscript.have_low == b->subscript.have_low &&
               a->subscript.have_high == b->subscript.have_high;
    default: return true;
    }
}

bool expr_equal(const struct expr *a, const struct expr *b) {
    if (a == b) return true;
    if (!a || !b || a->kind != b->kind || a->type != b->type || a->typmod != b->typmod ||
        a->nargs != b->nargs || a->negated != b->negated || !payload_equal(a, b))
        return false;
    for (uint16_t i = 0; i < a->nargs; i++)
        if (!expr_equal(a->args[i], b->args[i])) return false;
    return true;
}

status expr_walk(struct expr *e, expr_visit *visit, void *arg) {
    if (!e) return OK;
    bool descend = true;
    TRY(visit(e, arg, &descend));
    if (!descend) return OK;
    for (uint16_t i = 0; i < e->nargs; i++) TRY(expr_walk(e->args[i], visit, arg));
    return OK;
}

status expr_map(struct arena *a, struct expr *e, expr_replace *replace, void *arg,
                struct expr **ret) {
    if (!e) {
        *ret = NULL;
        return OK;
    }
    struct expr *other = NULL;
    TRY(replace(e, arg, &other));
    if (other) {
        *ret = other;
        return OK;
    }
    struct expr *copy = NULL;
    for (uint16_t i = 0; i < e->nargs; i++) {
        struct expr *child;
        TRY(expr_map(a, e->args[i], replace, arg, &child));
        if (child == e->args[i]) continue;
        if (!copy) {
            copy = expr_new_n(a, e->kind, e->type, e->location, e->nargs);
            if (!copy) return STATUS(OUT_OF_MEMORY);
            struct expr **args = copy->args;
            *copy = *e;
            copy->args = args;
            memcpy(copy->args, e->args, e->nargs * sizeof *args);
        }
        copy->args[i] = child;
    }
    *ret = copy ? copy : e;
    return OK;
}

static char worse(char x, char y) {
    if (x == 'v' || y == 'v') return 'v';
    return x == 's' || y == 's' ? 's' : 'i';
}

static char own_volatility(const struct expr *e) {
    switch (e->kind) {
    case EXPR_CALL:
    case EXPR_NULLIF:
    case EXPR_DISTINCT:
    case EXPR_IN_LIST:
    case EXPR_ARRAY_OP: return e->call.function->volatility;
    case EXPR_CAST: {
        oid f = e->cast.path.function;
        const struct function *fn = f ? function_known(f) : NULL;
        if (e->cast.path.path == CAST_INPUT) return 's';
        if (e->cast.path.path == CAST_IO)
            return type_text_is_fixed(e->args[0]->type) && type_input_is_fixed(e->type) ? 'i' : 's';
        if (e->cast.path.domain || e->cast.path.element_domain) return 's'; /* may be altered */
        return fn ? fn->volatility : 'i';
    }
    case EXPR_SUBLINK:
    case EXPR_SUBPLAN: return 's';
    default: return 'i';
    }
}

char expr_volatility(const struct expr *e) {
    if (!e) return 'i';
    char worst = own_volatility(e);
    for (uint16_t i = 0; i < e->nargs; i++) worst = worse(worst, expr_volatility(e->args[i]));
    return worst;
}

bool expr_is_constant_shape(const struct expr *e) {
    switch (e->kind) {
    case EXPR_PARAM:
    case EXPR_VAR:
    case EXPR_CASE_TEST:
    case EXPR_AGGREGATE:
    case EXPR_WINDOW:
    case EXPR_GROUPING:
    case EXPR_SUBLINK:
    case EXPR_SUBLINK_COLUMN:
    case EXPR_DEFAULT:
    case EXPR_SLOT:
    case EXPR_OUTER:
    case EXPR_SUBPLAN: return false;
    default: break;
    }
    for (uint16_t i = 0; i < e->nargs; i++)
        if (!expr_is_constant_shape(e->args[i])) return false;
    return true;
}

struct expr *expr_strip_relabel(struct expr *e) {
    while (e->kind == EXPR_CAST && e->cast.path.path == CAST_RELABEL && !e->cast.apply_typmod &&
           !e->cast.path.domain)
        e = e->args[0];
    return e;
}

bool expr_returns_set(const struct expr *e) {
    return e->kind == EXPR_CALL && e->call.function->returns_set;
}

struct kind_search {
    enum expr_kind kind;
    bool sets;
    bool found;
};

static status visit_kind(struct expr *e, void *arg, bool *ret_descend) {
    struct kind_search *s = arg;
    if (s->sets ? expr_returns_set(e) : e->kind == s->kind) s->found = true;
    *ret_descend = !s->found;
    return OK;
}

bool expr_contains_kind(struct expr *e, enum expr_kind kind) {
    struct kind_search s = {.kind = kind};
    status_ignore(expr_walk(e, visit_kind, &s)); /* the visitor cannot fail */
    return s.found;
}

bool expr_contains_set(struct expr *e) {
    struct kind_search s = {.sets = true};
    status_ignore(expr_walk(e, visit_kind, &s)); /* the visitor cannot fail */
    return s.found;
}

const struct type *expr_value_type(const struct expr *e) {
    return type_of_collation(e->type, e->collation);
}

const struct type *expr_input_type(const struct expr *e, oid type) {
    return type_of_collation(type, e->input_collation);
}

bool expr_equals_bytes(const struct expr *e) {
    const struct collator *c = collator_of(e->input_collation);
    return !c || collator_is_deterministic(c);
}
