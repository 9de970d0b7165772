/* Which part of its rows a condition leaves: from what ANALYZE found (catalog/column_statistics.h)
 * where a column is compared with a value known while planning, by PostgreSQL's default guesses
 * (its utils/selfuncs.h) where not. */
#include "plan/internal.h"
#include "types/numeric.h"

#define DEFAULT_EQUAL 0.005
#define DEFAULT_RANGE 0.3333
#define DEFAULT_BETWEEN 0.005
#define DEFAULT_MATCH 0.005
#define DEFAULT_OVERLAP 0.01
#define DEFAULT_WITHIN 0.005
#define DEFAULT_OTHER 0.5
#define BOUNDS_TO_MATCH 10 /* fewer bounds are no sample */

/* column op value */
struct comparison {
    struct expr *column;
    const struct column_stats *stats; /* NULL: none */
    const struct type *type;
    const struct expr *value;
    const struct operator_info *op;
    uint8_t strategy; /* of column op value; 0: not of a B-tree */
};

static double clamp(double s) {
    return s < 0 ? 0 : s > 1 ? 1 : s;
}

static bool stats_of(struct planner *p, const struct expr *e, const struct column_stats **ret) {
    if (e->kind != EXPR_VAR || e->var.level != 0 || e->var.att <= 0) return false;
    const struct relation *r = p->query->rtes[e->var.rte]->relation;
    return r && !r->is_catalog && ok(catalog_column_stats(p->c->env, r->oid, e->var.att, ret));
}

/* A constant of another type (a date's bound is a timestamp once an interval was added) as one of
 * the column's; as it is where that is not possible. */
static const struct expr *of_columns_type(struct planner *p, const struct expr *value, oid type) {
    if (value->kind != EXPR_CONST || value->constant.is_null || value->type == type) return value;
    const struct cast_info *cast = cast_find(value->type, type);
    const struct function *f = cast && cast->method == 'f' ? function_find(cast->function) : NULL;
    if (!f || !f->scalar || f->nargs > 2) return value;
    struct eval_env env = p->c->eval;
    datum args[2] = {value->constant.value, datum_int4(-1)}, result;
    uint8_t nulls[2] = {0};
    oid types[2] = {value->type, INT4OID};
    bool is_null;
    env.error = p->c->scratch_error;
    error_clear(env.error);
    if (!ok(function_call_simple(&env, f, types, args, nulls, f->nargs, type, &result, &is_null)) ||
        is_null)
        return value;
    const struct expr *c = expr_const(p->c->arena, type, result, false, -1);
    return c ? c : value;
}

static bool comparison_of(struct planner *p, struct expr *e, struct comparison *c) {
    const struct operator_info *op = e->call.op;
    if (!op || e->nargs != 2) return false;
    struct expr *l = expr_strip_relabel(e->args[0]), *r = expr_strip_relabel(e->args[1]);
    bool swap = l->kind != EXPR_VAR && r->kind == EXPR_VAR;
    *c = (struct comparison){.column = swap ? r : l, .value = swap ? l : r, .op = op};
    if (c->column->kind != EXPR_VAR) return false;
    c->strategy =
        swap && op->btree_strategy ? (uint8_t)(6 - op->btree_strategy) : op->btree_strategy;
    if (!stats_of(p, c->column, &c->stats)) c->stats = NULL;
    c->type = expr_value_type(c->column);
    if (swap && !op->btree_strategy) c->stats = NULL;
    if (c->stats && (c->strategy || strcmp(op->name, "<>") == 0))
        c->value = of_columns_type(p, c->value, c->column->type);
    return true;
}

/* A value that can be compared with those of the statistics. */
static bool known(const struct comparison *c) {
    return c->stats && c->type && c->value->kind == EXPR_CONST && !c->value->constant.is_null &&
           type_find(c->value->type) && type_is_ordered(c->type) &&
           type_find(c->value->type)->family == type_find(c->column->type)->family;
}

static double common_sum(const struct column_stats *s) {
    double sum = 0;
    for (uint16_t i = 0; i < s->ncommon; i++) sum += s->fractions[i];
    return sum;
}

/* ---- equality ---- */

static double equal_to(struct planner *p, const struct comparison *c, datum value) {
    const struct column_stats *s = c->stats;
    for (uint16_t i = 0; i < s->ncommon; i++)
        if (type_compare(c->type, s->common[i], value) == 0) return s->fractions[i];
    double others = distinct_values(p, c->column, 0) - s->ncommon;
    double part = clamp(1 - common_sum(s) - s->null_fraction);
    if (others > 1) part /= others;
    if (s->ncommon && part > s->fractions[s->ncommon - 1]) part = s->fractions[s->ncommon - 1];
    return part;
}

static double equal(struct planner *p, const struct comparison *c) {
    if (known(c)) return equal_to(p, c, c->value->constant.value);
    double nulls = c->stats ? c->stats->null_fraction : 0;
    return (1 - nulls) / distinct_values(p, c->column, 0);
}

/* ---- ranges ---- */

static double as_double(datum numeric) {
    struct num n;
    num_init(&n);
    num_load(&n, numeric.v);
    double d = num_finite(&n) ? num_to_double(&n) : 0;
    num_clear(&n);
    return d;
}

/* Where a value lies between two others, as far as numbers can tell. */
static double between(const struct type *t, datum low, datum high, datum value) {
    double l, h, v;
    if (t->oid == FLOAT8OID) {
        l = low.f8, h = high.f8, v = value.f8;
    } else if (t->byval && (t->category == 'N' || t->category == 'D') && t->oid != FLOAT4OID) {
        l = (double)low.i64, h = (double)high.i64, v = (double)value.i64;
    } else if (t->oid == NUMERICOID) {
        l = as_double(low), h = as_double(high), v = as_double(value);
    } else {
        return 0.5;
    }
    return h > l ? clamp((v - l) / (h - l)) : 0.5;
}

/* The part of the histogram's values below the value. */
static double below_in_bounds(const struct comparison *c, datum value) {
    const struct column_stats *s = c->stats;
    uint16_t low = 0, high = s->nbounds;
    while (low < high) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (type_compare(c->type, s->bounds[middle], value) < 0)
            low = (uint16_t)(middle + 1);
        else
            high = middle;
    }
    if (low == 0) return 0;
    if (low == s->nbounds) return 1;
    double within = between(c->type, s->bounds[low - 1], s->bounds[low], value);
    return (low - 1 + within) / (s->nbounds - 1);
}

static bool satisfies(int c, uint8_t strategy) {
    switch (strategy) {
    case 1: return c < 0;
    case 2: return c <= 0;
    case 4: return c >= 0;
    default: return c > 0;
    }
}

static double range(const struct comparison *c) {
    if (!known(c) || (c->stats->nbounds < 2 && c->stats->ncommon == 0)) return DEFAULT_RANGE;
    const struct column_stats *s = c->stats;
    datum value = c->value->constant.value;
    double common = 0, others = 0;
    for (uint16_t i = 0; i < s->ncommon; i++)
        if (satisfies(type_compare(c->type, s->common[i], value), c->strategy))
            common += s->fractions[i];
    if (s->nbounds >= 2) {
        others = below_in_bounds(c, value);
        if (c->strategy > 3) others = 1 - others;
    }
    double rest = clamp(1 - common_sum(s) - s->null_fraction);
    double least = s->nbounds >= 2 ? 0.01 / s->nbounds : 0; /* bounds may be old */
    if (others < least) others = least;
    return clamp(common + others * rest);
}

/* ---- any other operator: tried with the values that are known ---- */

static bool holds(struct planner *p, const struct comparison *c, datum value) {
    const struct function *f = function_find(c->op->function);
    struct eval_env env = p->c->eval;
    oid types[2] = {c->column->type, c->value->type};
    datum args[2] = {value, c->value->constant.value}, result;
    uint8_t nulls[2] = {0, 0};
    bool is_null;
    env.error = p->c->scratch_error;
    error_clear(env.error);
    return f && f->scalar && f->volatility == 'i' &&
           ok(function_call_simple(&env, f, types, args, nulls, 2, BOOLOID, &result, &is_null)) &&
           !is_null && result.b;
}

static double match(struct planner *p, const struct comparison *c, double guess) {
    const struct column_stats *s = c->stats;
    if (!s || c->value->kind != EXPR_CONST || c->value->constant.is_null ||
        (s->nbounds < BOUNDS_TO_MATCH && s->ncommon == 0))
        return guess;
    double common = 0, hits = 0, others = guess;
    for (uint16_t i = 0; i < s->ncommon; i++)
        if (holds(p, c, s->common[i])) common += s->fractions[i];
    if (s->nbounds >= BOUNDS_TO_MATCH) {
        for (uint16_t i = 0; i < s->nbounds; i++) hits += holds(p, c, s->bounds[i]);
        others = hits / s->nbounds;
        if (others < 0.5 / s->nbounds) others = 0.5 / s->nbounds;
    }
    return clamp(common + others * clamp(1 - common_sum(s) - s->null_fraction));
}

static bool negates(const char *name) {
    return name[0] == '!' || strcmp(name, "<>") == 0;
}

#define NETWORKSEL 3560

static double network_guess(const struct operator_info *op) {
    return strcmp(op->name, "&&") == 0 ? DEFAULT_OVERLAP : DEFAULT_WITHIN;
}

static double call_selectivity(struct planner *p, struct expr *e) {
    struct comparison c;
    const struct operator_info *op = e->call.op;
    if (!op || e->nargs != 2) return DEFAULT_OTHER;
    bool comparison = comparison_of(p, e, &c);
    if (!comparison) {
        if (op->btree_strategy == 3) return DEFAULT_EQUAL;
        if (op->btree_strategy) return DEFAULT_RANGE;
        return negates(op->name) ? 1 - DEFAULT_EQUAL : DEFAULT_OTHER;
    }
    if (c.strategy == 3) return equal(p, &c);
    if (c.strategy) return range(&c);
    if (strcmp(op->name, "<>") == 0)
        return clamp(1 - equal(p, &c) - (c.stats ? c.stats->null_fraction : 0));
    double guess = strchr(op->name, '~')                 ? DEFAULT_MATCH
                   : op->restrict_function == NETWORKSEL ? network_guess(op)
                                                         : DEFAULT_OTHER;
    return match(p, &c, negates(op->name) ? 1 - guess : guess);
}

/* ---- the other conditions ---- */

static double list_selectivity(struct planner *p, struct expr *e) {
    struct comparison c = {.column = expr_strip_relabel(e->args[0]), .op = e->call.op};
    double s = 0;
    if (!stats_of(p, c.column, &c.stats)) c.stats = NULL;
    c.type = expr_value_type(c.column);
    for (uint16_t i = 1; i < e->nargs; i++) {
        c.value = expr_strip_relabel(e->args[i]);
        s += equal(p, &c);
    }
    return e->call.is_all ? 1 - clamp(s) : clamp(s);
}

static double array_selectivity(struct planner *p, struct expr *e) {
    if (!e->call.op || e->call.op->btree_strategy != 3) return DEFAULT_OTHER;
    return clamp(10 / distinct_values(p, e->args[0], 0));
}

static double null_selectivity(struct planner *p, struct expr *e) {
    const struct column_stats *s;
    const struct expr *x = expr_strip_relabel(e->args[0]);
    double nulls = stats_of(p, x, &s) ? s->null_fraction : 0.005;
    if (x->kind == EXPR_VAR && x->var.level == 0 && x->var.att > 0) {
        const struct relation *r = p->query->rtes[x->var.rte]->relation;
        if (r && r->atts[x->var.att - 1].not_null) nulls = 0;
    }
    return e->negated ? 1 - nulls : nulls;
}

static double bool_selectivity(struct planner *p, struct expr *e) {
    if (e->boolean == EXPR_NOT) return 1 - selectivity(p, e->args[0]);
    double s = e->boolean == EXPR_AND ? 1 : 0;
    if (e->boolean == EXPR_AND) {
        struct conjuncts all = {.n = e->nargs, .items = e->args};
        return conjuncts_selectivity(p, &all);
    }
    for (uint16_t i = 0; i < e->nargs; i++) {
        double x = selectivity(p, e->args[i]);
        s = s + x - s * x;
    }
    return s;
}

double selectivity(struct planner *p, struct expr *e) {
    switch (e->kind) {
    case EXPR_CONST: return !e->constant.is_null && e->constant.value.b ? 1 : 0;
    case EXPR_BOOL: return bool_selectivity(p, e);
    case EXPR_CALL: return call_selectivity(p, e);
    case EXPR_NULL_TEST: return null_selectivity(p, e);
    case EXPR_IN_LIST: return list_selectivity(p, e);
    case EXPR_ARRAY_OP: return array_selectivity(p, e);
    default: return DEFAULT_OTHER;
    }
}

/* ---- several ---- */

static bool is_range(struct planner *p, struct expr *e, struct comparison *c) {
    return e->kind == EXPR_CALL && comparison_of(p, e, c) && c->strategy && c->strategy != 3;
}

/* Two bounds of one column leave what lies between them. */
static double pair_selectivity(const struct comparison *a, const struct comparison *b) {
    if (!known(a) || !known(b)) return DEFAULT_BETWEEN;
    double s = range(a) + range(b) + a->stats->null_fraction - 1;
    return s > 0 ? s : 0.5 / (a->stats->nbounds + 100);
}

double conjuncts_selectivity(struct planner *p, const struct conjuncts *quals) {
    uint64_t done = 0; /* of the first 64 */
    double s = 1;
    for (uint32_t i = 0; i < quals->n; i++) {
        struct comparison a, b;
        if (i < 64 && done >> i & 1) continue;
        double one = -1;
        bool bound = i < 64 && is_range(p, quals->items[i], &a);
        for (uint32_t k = i + 1; bound && k < quals->n && k < 64 && one < 0; k++) {
            if (done >> k & 1 || !is_range(p, quals->items[k], &b)) continue;
            if ((a.strategy < 3) == (b.strategy < 3) || !expr_equal(a.column, b.column)) continue;
            one = pair_selectivity(&a, &b);
            done |= (uint64_t)1 << k;
        }
        s *= one < 0 ? selectivity(p, quals->items[i]) : one;
    }
    return s;
}
