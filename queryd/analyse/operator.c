/* Operators and what is made of them: IN, BETWEEN, row comparisons, IS DISTINCT FROM. */
#include "analyse/internal.h"
#include "catalog/routine.h"

static status operand(struct analyse *a, struct expr *e, oid type, struct expr **ret) {
    return coerce_chosen(a, e, type, ret);
}

status make_not_expr(struct analyse *a, struct expr *e, struct expr **ret) {
    struct expr *n = expr_new_n(a->arena, EXPR_BOOL, BOOLOID, e->location, 1);
    NEEDS(a, n);
    n->boolean = EXPR_NOT;
    n->args[0] = e;
    *ret = n;
    return OK;
}

status make_bool2(struct analyse *a, enum expr_bool kind, struct expr *x, struct expr *y,
                  struct expr **ret) {
    struct expr *n = expr_new_n(a->arena, EXPR_BOOL, BOOLOID, x->location, 2);
    NEEDS(a, n);
    n->boolean = kind;
    n->args[0] = x;
    n->args[1] = y;
    *ret = n;
    return OK;
}

/* What a plan keeps of an operator and its function: users' are copied out of the cache. */
static status take_operator(struct analyse *a, const struct operator_info *op, int32_t location,
                            struct expr *e) {
    const struct function *f = function_known(op->function);
    if (f && function_is_routine(f)) NEEDS(a, f = routine_function_copy(a->arena, f));
    if (!f)
        return FAIL_AT(a, location, FEATURE_NOT_SUPPORTED, "operator %s is not supported",
                       op->name);
    e->call.function = f;
    e->call.op = op;
    if (!op->schema) return OK;
    struct operator_info *copy = arena_memdup(a->arena, op, sizeof *op);
    NEEDS(a, copy);
    NEEDS(a, copy->name = arena_strdup(a->arena, op->name));
    NEEDS(a, copy->schema = arena_strdup(a->arena, op->schema));
    e->call.op = copy;
    return OK;
}

status find_operator(struct analyse *a, const char *schema, const char *name, oid left, oid right,
                     int32_t location, struct operator_choice *ret) {
    status st = resolve_operator_in(&a->eval, schema, name, left, right, ret);
    if (status_is(st, ST_NOT_FOUND))
        return FAIL_AT(a, location, INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", schema);
    return analyse_at(a, location, st);
}

static status call_operator(struct analyse *a, const struct operator_choice *c, struct expr *left,
                            struct expr *right, int32_t location, struct expr **ret) {
    struct expr *e = expr_new_n(a->arena, EXPR_CALL, c->result, location, left && right ? 2 : 1);
    NEEDS(a, e);
    TRY(take_operator(a, c->op, location, e));
    uint16_t n = 0;
    if (left) TRY(operand(a, left, c->left, &e->args[n++]));
    if (right) TRY(operand(a, right, c->right, &e->args[n++]));
    const struct type *t = type_find(c->result);
    e->collation = t ? t->collation : 0;
    *ret = e;
    return OK;
}

static status make_operator_in(struct analyse *a, const char *schema, const char *name,
                               struct expr *left, struct expr *right, int32_t location,
                               struct expr **ret) {
    if (left && right && left->kind == EXPR_ROW && right->kind == EXPR_ROW &&
        left->type == RECORDOID && right->type == RECORDOID) {
        if (left->nargs != right->nargs)
            return FAIL_AT(a, location, SYNTAX_ERROR,
                           "unequal number of entries in row expressions");
        return compare_rows(a, name, left->args, right->args, left->nargs, location, ret);
    }
    struct operator_choice c;
    TRY(find_operator(a, schema, name, left ? left->type : 0, right ? right->type : 0, location,
                      &c));
    return call_operator(a, &c, left, right, location, ret);
}

status make_operator(struct analyse *a, const char *name, struct expr *left, struct expr *right,
                     int32_t location, struct expr **ret) {
    return make_operator_in(a, NULL, name, left, right, location, ret);
}

/* One column of a row comparison that is not (in)equality: a < c OR (a = c AND rest). */
static status compare_prefix(struct analyse *a, const char *strict, const char *last,
                             struct expr **left, struct expr **right, uint16_t n, int32_t location,
                             struct expr **ret) {
    if (n == 1) return make_operator(a, last, left[0], right[0], location, ret);
    struct expr *less, *equal, *rest;
    TRY(make_operator(a, strict, left[0], right[0], location, &less));
    TRY(make_operator(a, "=", left[0], right[0], location, &equal));
    TRY(compare_prefix(a, strict, last, left + 1, right + 1, n - 1, location, &rest));
    TRY(make_bool2(a, EXPR_AND, equal, rest, &rest));
    return make_bool2(a, EXPR_OR, less, rest, ret);
}

/* What is wrong with an operator between the columns is told before that it does not order. */
static status judge_pairs(struct analyse *a, const char *op, struct expr **left,
                          struct expr **right, uint16_t n, int32_t location) {
    for (uint16_t i = 0; i < n; i++) {
        struct expr *e;
        TRY(make_operator(a, op, left[i], right[i], location, &e));
        if (e->type != BOOLOID)
            return FAIL_AT(a, location, DATATYPE_MISMATCH,
                           "row comparison operator must yield type boolean, not type %s",
                           type_words(a, e->type));
    }
    return OK;
}

/* To be printed: one operator between two rows, called by the first pair's name. */
static status row_comparison(struct analyse *a, const char *op, struct expr **left,
                             struct expr **right, uint16_t n, int32_t location, struct expr **ret) {
    struct expr *rows[2], *pair;
    for (int i = 0; i < 2; i++)
        NEEDS(a, rows[i] = expr_new_n(a->arena, EXPR_ROW, RECORDOID, location, n));
    struct expr *e = expr_new_n(a->arena, EXPR_CALL, BOOLOID, location, 2);
    NEEDS(a, e);
    for (uint16_t i = 0; i < n; i++) {
        TRY(make_operator(a, op, left[i], right[i], location, &pair));
        for (int k = 0; k < 2; k++) rows[k]->args[i] = pair->args[k];
        if (i == 0 && pair->kind == EXPR_CALL) e->call = pair->call;
    }
    for (int i = 0; i < 2; i++) e->args[i] = rows[i];
    *ret = e;
    return OK;
}

status compare_rows(struct analyse *a, const char *op, struct expr **left, struct expr **right,
                    uint16_t n, int32_t location, struct expr **ret) {
    if (n == 0)
        return FAIL_AT(a, location, FEATURE_NOT_SUPPORTED, "cannot compare rows of zero length");
    if (n == 1) return make_operator(a, op, left[0], right[0], location, ret);
    bool equal = strcmp(op, "=") == 0;
    if (equal || strcmp(op, "<>") == 0) {
        struct expr *e = expr_new_n(a->arena, EXPR_BOOL, BOOLOID, location, n);
        NEEDS(a, e);
        e->boolean = equal ? EXPR_AND : EXPR_OR;
        for (uint16_t i = 0; i < n; i++)
            TRY(make_operator(a, op, left[i], right[i], location, &e->args[i]));
        *ret = e;
        return OK;
    }
    bool less = op[0] == '<', greater = op[0] == '>';
    if ((!less && !greater) || (op[1] && strcmp(op + 1, "=") != 0)) {
        TRY(judge_pairs(a, op, left, right, n, location));
        status st = FAIL_AT(a, location, FEATURE_NOT_SUPPORTED,
                            "could not determine interpretation of row comparison operator %s", op);
        error_hint(a->error,
                   "Row comparison operators must be associated with btree operator families.");
        return st;
    }
    if (a->for_text) return row_comparison(a, op, left, right, n, location, ret);
    return compare_prefix(a, less ? "<" : ">", op, left, right, n, location, ret);
}

status transform_op(struct scope *s, struct ast_op *n, struct expr **ret) {
    struct analyse *a = s->a;
    const char *schema, *name;
    TRY(split_name(a, n->names, n->node.location, &schema, &name));
    if (n->left && n->left->kind == NODE_ROW && n->right->kind == NODE_SUBLINK &&
        ast_as_sublink(n->right)->kind == SUBLINK_SCALAR)
        return transform_row_subquery(s, n, name, ret);
    struct expr *left = NULL, *right = NULL;
    if (n->left) TRY(transform(s, n->left, &left));
    TRY(transform(s, n->right, &right));
    if (!left && ast_is_literal(n->right, LITERAL_NULL) && strcmp(name, "-") == 0) {
        *ret = right;
        return OK;
    }
    return make_operator_in(a, schema, name, left, right, n->node.location, ret);
}

/* value op ANY/ALL (array). */
static status make_array_op(struct analyse *a, const char *schema, const char *name,
                            struct expr *left, struct expr *array, bool is_all, int32_t location,
                            struct expr **ret) {
    oid element = UNKNOWNOID;
    if (array->type != UNKNOWNOID) {
        const struct type *t = type_find(array->type);
        if (!t || !t->element)
            return FAIL_AT(a, location, WRONG_OBJECT_TYPE,
                           "op ANY/ALL (array) requires array on right side");
        element = t->element;
    }
    struct operator_choice c;
    TRY(find_operator(a, schema, name, left->type, element, location, &c));
    if (c.result != BOOLOID)
        return FAIL_AT(a, location, WRONG_OBJECT_TYPE,
                       "op ANY/ALL (array) requires operator to yield boolean");
    const struct type *want = type_find(c.right);
    const struct type *vector = type_find(array->type);
    bool as_is = vector && vector->element && vector->element == c.right;
    if (!want || (!want->array && !as_is))
        return FAIL_AT(a, location, UNDEFINED_OBJECT, "could not find array type for data type %s",
                       type_words(a, c.right));
    struct expr *e = expr_new_n(a->arena, EXPR_ARRAY_OP, BOOLOID, location, 2);
    NEEDS(a, e);
    TRY(take_operator(a, c.op, location, e));
    e->call.is_all = is_all;
    TRY(operand(a, left, c.left, &e->args[0]));
    if (as_is)
        e->args[1] = array;
    else
        TRY(operand(a, array, want->array, &e->args[1]));
    *ret = e;
    return OK;
}

status transform_op_array(struct scope *s, struct ast_op_array *n, struct expr **ret) {
    const char *schema, *name;
    TRY(split_name(s->a, n->names, n->node.location, &schema, &name));
    struct expr *left, *array;
    TRY(transform(s, n->left, &left));
    TRY(transform(s, n->right, &array));
    return make_array_op(s->a, schema, name, left, array, n->is_all, n->node.location, ret);
}

/* x IN (a, b) where all items have the value's type. */
static status in_list(struct analyse *a, struct expr *left, struct expr **items, uint16_t n,
                      bool negated, int32_t location, struct expr **ret) {
    struct operator_choice c;
    TRY(analyse_at(a, location,
                   resolve_operator(&a->eval, negated ? "<>" : "=", left->type, left->type, &c)));
    struct expr *e = expr_new_n(a->arena, EXPR_IN_LIST, BOOLOID, location, (uint16_t)(n + 1));
    NEEDS(a, e);
    TRY(take_operator(a, c.op, location, e));
    e->call.is_all = negated;
    TRY(operand(a, left, c.left, &e->args[0]));
    for (uint16_t i = 0; i < n; i++) TRY(operand(a, items[i], c.right, &e->args[i + 1]));
    *ret = e;
    return OK;
}

static bool same_comparison(const struct expr *left, struct expr **items, uint16_t n) {
    if (left->kind == EXPR_ROW || left->type == UNKNOWNOID) return false;
    for (uint16_t i = 0; i < n; i++) {
        if (items[i]->kind == EXPR_ROW || items[i]->type == RECORDOID) return false;
        if (items[i]->type != UNKNOWNOID && items[i]->type != left->type) return false;
    }
    return true;
}

static bool names_columns(struct expr *e) {
    return expr_contains_kind(e, EXPR_VAR);
}

/* The items without columns as an array of their common type; *ret NULL: they have none. */
static status in_array(struct analyse *a, struct expr *left, struct expr **items, uint16_t n,
                       bool negated, int32_t location, struct expr **ret) {
    oid types[1 + UINT8_MAX], common;
    size_t misfit;
    const struct type *t;
    struct error unheard = {0};
    struct eval_env quiet = a->eval;
    *ret = NULL;
    if (n < 2 || n > UINT8_MAX) return OK;
    types[0] = left->type;
    for (uint16_t i = 0; i < n; i++) types[i + 1] = items[i]->type;
    quiet.error = &unheard;
    if (!ok(resolve_common_type(&quiet, types, n + 1u, "IN", &common, &misfit))) return OK;
    t = type_find(common);
    if (!t || !t->array || common == RECORDOID) return OK;
    struct expr *array = expr_new_n(a->arena, EXPR_ARRAY, t->array, location, n);
    NEEDS(a, array);
    array->array.element = common;
    array->collation = t->collation;
    for (uint16_t i = 0; i < n; i++) TRY(coerce_common(a, items[i], common, "IN", &array->args[i]));
    return make_array_op(a, NULL, negated ? "<>" : "=", left, array, negated, location, ret);
}

/* x IN (…) as PostgreSQL keeps it: an array of what names no column, then one comparison each. */
static status in_words(struct analyse *a, struct expr *left, struct expr **items, uint16_t n,
                       bool negated, int32_t location, struct expr **ret) {
    struct expr **plain, *array = NULL;
    struct expr *all = expr_new_n(a->arena, EXPR_BOOL, BOOLOID, location, (uint16_t)(n + 1));
    uint16_t nplain = 0;
    NEEDS(a, all);
    NEW_N(a, plain, n);
    all->boolean = negated ? EXPR_AND : EXPR_OR;
    all->nargs = 0;
    for (uint16_t i = 0; i < n; i++)
        if (!names_columns(items[i])) plain[nplain++] = items[i];
    if (left->kind != EXPR_ROW) TRY(in_array(a, left, plain, nplain, negated, location, &array));
    if (array) all->args[all->nargs++] = array;
    for (uint16_t i = 0; i < n; i++) {
        if (array && !names_columns(items[i])) continue;
        TRY(make_operator(a, negated ? "<>" : "=", left, items[i], location,
                          &all->args[all->nargs]));
        all->nargs++;
    }
    *ret = all->nargs == 1 ? all->args[0] : all;
    return OK;
}

status transform_in(struct scope *s, struct ast_in *n, struct expr **ret) {
    struct analyse *a = s->a;
    struct expr *left, **items;
    TRY(transform(s, n->left, &left));
    TRY(transform_list(s, n->items, &items));
    uint16_t count = (uint16_t)list_n(n->items);
    int32_t location = n->node.location;
    if (a->for_text && count > 1) return in_words(a, left, items, count, n->negated, location, ret);
    if (count > 1 && same_comparison(left, items, count))
        return in_list(a, left, items, count, n->negated, location, ret);
    struct expr *e = count == 1 ? NULL : expr_new_n(a->arena, EXPR_BOOL, BOOLOID, location, count);
    if (count > 1) {
        NEEDS(a, e);
        e->boolean = n->negated ? EXPR_AND : EXPR_OR;
    }
    for (uint16_t i = 0; i < count; i++) {
        struct expr *one;
        TRY(make_operator(a, n->negated ? "<>" : "=", left, items[i], location, &one));
        if (e)
            e->args[i] = one;
        else
            e = one;
    }
    *ret = e;
    return OK;
}

static status between(struct analyse *a, struct expr *x, struct expr *low, struct expr *high,
                      bool negated, int32_t location, struct expr **ret) {
    struct expr *from, *to;
    TRY(make_operator(a, negated ? "<" : ">=", x, low, location, &from));
    TRY(make_operator(a, negated ? ">" : "<=", x, high, location, &to));
    return make_bool2(a, negated ? EXPR_OR : EXPR_AND, from, to, ret);
}

status transform_between(struct scope *s, struct ast_between *n, struct expr **ret) {
    struct analyse *a = s->a;
    struct expr *x, *low, *high;
    TRY(transform(s, n->arg, &x));
    TRY(transform(s, n->low, &low));
    TRY(transform(s, n->high, &high));
    struct expr *e;
    TRY(between(a, x, low, high, n->negated, n->node.location, &e));
    if (n->symmetric) {
        struct expr *other;
        TRY(between(a, x, high, low, n->negated, n->node.location, &other));
        TRY(make_bool2(a, n->negated ? EXPR_AND : EXPR_OR, e, other, &e));
    }
    *ret = e;
    return OK;
}

/* IS DISTINCT FROM and NULLIF call an equality operator. */
static status with_equality(struct analyse *a, enum expr_kind kind, struct expr *left,
                            struct expr *right, int32_t location, struct expr **ret) {
    struct expr *eq;
    struct operator_choice c;
    TRY(analyse_at(a, location, resolve_operator(&a->eval, "=", left->type, right->type, &c)));
    TRY(call_operator(a, &c, left, right, location, &eq));
    if (eq->kind != EXPR_CALL || eq->type != BOOLOID)
        return FAIL_AT(a, location, DATATYPE_MISMATCH, "%s requires = operator to yield boolean",
                       kind == EXPR_NULLIF ? "NULLIF" : "IS DISTINCT FROM");
    struct expr *e = expr_new_n(a->arena, kind, BOOLOID, location, 2);
    NEEDS(a, e);
    e->call = eq->call;
    memcpy(e->args, eq->args, 2 * sizeof *e->args);
    *ret = e;
    return OK;
}

static status distinct_rows(struct analyse *a, struct expr *left, struct expr *right,
                            int32_t location, struct expr **ret) {
    if (left->nargs != right->nargs)
        return FAIL_AT(a, location, SYNTAX_ERROR, "unequal number of entries in row expressions");
    struct expr *e = NULL;
    for (uint16_t i = 0; i < left->nargs; i++) {
        struct expr *one;
        TRY(with_equality(a, EXPR_DISTINCT, left->args[i], right->args[i], location, &one));
        if (e)
            TRY(make_bool2(a, EXPR_OR, e, one, &e));
        else
            e = one;
    }
    *ret = e ? e : expr_bool_const(a->arena, false);
    NEEDS(a, *ret);
    return OK;
}

static status null_distinct(struct scope *s, struct node *arg, bool negated, int32_t location,
                            struct expr **ret) {
    struct analyse *a = s->a;
    struct expr *e = expr_new_n(a->arena, EXPR_NULL_TEST, BOOLOID, location, 1);
    NEEDS(a, e);
    e->negated = !negated;
    TRY(transform(s, arg, &e->args[0]));
    TRY(coerce_unknown(a, e->args[0], &e->args[0]));
    *ret = e;
    return OK;
}

status transform_distinct(struct scope *s, struct ast_distinct *n, struct expr **ret) {
    struct analyse *a = s->a;
    int32_t location = n->node.location;
    if (ast_is_literal(n->right, LITERAL_NULL))
        return null_distinct(s, n->left, n->negated, location, ret);
    if (ast_is_literal(n->left, LITERAL_NULL))
        return null_distinct(s, n->right, n->negated, location, ret);
    struct expr *left, *right, *e;
    TRY(transform(s, n->left, &left));
    TRY(transform(s, n->right, &right));
    if (left->kind == EXPR_ROW && right->kind == EXPR_ROW) {
        TRY(distinct_rows(a, left, right, location, &e));
        if (n->negated) TRY(make_not_expr(a, e, &e));
    } else {
        TRY(with_equality(a, EXPR_DISTINCT, left, right, location, &e));
        e->negated = n->negated;
    }
    *ret = e;
    return OK;
}

status transform_nullif(struct scope *s, struct ast_nullif *n, struct expr **ret) {
    struct expr *left, *right, *e;
    TRY(transform(s, n->left, &left));
    TRY(transform(s, n->right, &right));
    TRY(with_equality(s->a, EXPR_NULLIF, left, right, n->node.location, &e));
    /* A row is compared as a record, and stays what it was. */
    struct expr *kept = e->args[0]->type == RECORDOID ? left : e->args[0];
    e->type = kept->type;
    e->typmod = kept->typmod;
    e->collation = e->args[0]->collation;
    *ret = e;
    return OK;
}
