/* Expressions that build or take apart values: CASE, COALESCE, GREATEST, ARRAY, ROW, subscripts. */
#include <stdio.h>

#include "analyse/internal.h"

static status set_refused(struct scope *s, const struct expr *e, const char *what) {
    if (!expr_contains_set((struct expr *)e)) return OK;
    status st = FAIL_AT(s->a, e->location, FEATURE_NOT_SUPPORTED,
                        "set-returning functions are not allowed in %s", what);
    error_hint(s->a->error, "You might be able to move the set-returning function into a LATERAL "
                            "FROM item.");
    return st;
}

/* The test of CASE x WHEN …, and the placeholder that the conditions compare. */
static status case_test(struct scope *s, struct ast_case *n, struct expr *e,
                        struct expr **ret_placeholder) {
    struct analyse *a = s->a;
    struct expr *test;
    TRY(transform(s, n->arg, &test));
    TRY(coerce_unknown(a, test, &test));
    TRY(assign_collation(a, test));
    e->cases.has_test = true;
    e->args[0] = test;
    struct expr *p = expr_new(a->arena, EXPR_CASE_TEST, test->type, test->location);
    NEEDS(a, p);
    p->typmod = test->typmod;
    p->collation = test->collation;
    *ret_placeholder = p;
    return OK;
}

static status case_condition(struct scope *s, struct ast_case_when *w, struct expr *placeholder,
                             struct expr **ret) {
    struct expr *condition;
    TRY(transform(s, w->condition, &condition));
    if (placeholder)
        TRY(make_operator(s->a, "=", placeholder, condition, w->node.location, &condition));
    return coerce_to_bool(s->a, condition, "CASE/WHEN", ret);
}

status transform_case(struct scope *s, struct ast_case *n, struct expr **ret) {
    struct analyse *a = s->a;
    uint16_t whens = (uint16_t)list_n(n->whens), first = n->arg ? 1 : 0;
    struct expr *e =
        expr_new_n(a->arena, EXPR_CASE, 0, n->node.location, (uint16_t)(first + 2 * whens + 1));
    NEEDS(a, e);
    struct expr *placeholder = NULL;
    if (n->arg) TRY(case_test(s, n, e, &placeholder));
    struct expr **results;
    NEW_N(a, results, whens + 1);
    /* PostgreSQL looks at the ELSE first when it picks the type */
    if (n->otherwise) {
        TRY(transform(s, n->otherwise, &results[0]));
    } else {
        results[0] = expr_const(a->arena, UNKNOWNOID, (datum){0}, true, n->node.location);
        NEEDS(a, results[0]);
    }
    LIST_EACH(struct ast_case_when *, w, n->whens) {
        TRY(case_condition(s, w, placeholder, &e->args[first + 2 * w_i]));
        TRY(transform(s, w->result, &results[w_i + 1]));
    }
    oid type;
    TRY(common_type(a, results, whens + 1u, "CASE", n->node.location, &type));
    for (uint16_t i = 0; i <= whens; i++) {
        TRY(set_refused(s, results[i], "CASE"));
        TRY(coerce_common(a, results[i], type, i ? "CASE/THEN" : "CASE/ELSE", &results[i]));
        e->args[i ? first + 2 * (i - 1) + 1 : first + 2 * whens] = results[i];
    }
    e->type = type;
    e->typmod = common_typmod(results, whens + 1u, type);
    e->collation = results[0]->collation;
    *ret = e;
    return OK;
}

/* COALESCE, GREATEST and LEAST: one type for all. */
static status same_type_list(struct scope *s, enum expr_kind kind, const struct list *args,
                             const char *what, int32_t location, struct expr **ret) {
    struct analyse *a = s->a;
    struct expr **exprs;
    TRY(transform_list(s, args, &exprs));
    uint16_t n = (uint16_t)list_n(args);
    oid type;
    TRY(common_type(a, exprs, n, what, location, &type));
    struct expr *e = expr_new_n(a->arena, kind, type, location, n);
    NEEDS(a, e);
    for (uint16_t i = 0; i < n; i++) {
        TRY(set_refused(s, exprs[i], what));
        TRY(coerce_common(a, exprs[i], type, what, &e->args[i]));
    }
    e->typmod = common_typmod(e->args, n, type);
    e->collation = e->args[0]->collation;
    *ret = e;
    return OK;
}

status transform_coalesce(struct scope *s, struct ast_coalesce *n, struct expr **ret) {
    return same_type_list(s, EXPR_COALESCE, n->args, "COALESCE", n->node.location, ret);
}

status transform_min_max(struct scope *s, struct ast_min_max *n, struct expr **ret) {
    const char *what = n->least ? "LEAST" : "GREATEST";
    TRY(same_type_list(s, EXPR_MIN_MAX, n->args, what, n->node.location, ret));
    (*ret)->negated = n->least;
    const struct type *t = type_find((*ret)->type);
    if ((*ret)->type != RECORDOID && (!t || !type_is_ordered(t))) {
        status st = FAIL_AT(s->a, n->node.location, UNDEFINED_FUNCTION,
                            "could not identify a comparison function for type %s",
                            type_words(s->a, (*ret)->type));
        return st;
    }
    return OK;
}

/* want_element: what a cast around the brackets asks for; 0: find out. */
status transform_array(struct scope *s, struct ast_array *n, oid want_element, struct expr **ret) {
    struct analyse *a = s->a;
    TRY(analyse_stack(a));
    uint16_t count = (uint16_t)list_n(n->elements);
    int32_t location = n->node.location;
    struct expr *e = expr_new_n(a->arena, EXPR_ARRAY, 0, location, count);
    NEEDS(a, e);
    bool nested = false;
    LIST_EACH(struct node *, item, n->elements) {
        if (item->kind == NODE_ARRAY) {
            TRY(transform_array(s, ast_as_array(item), want_element, &e->args[item_i]));
            nested = true;
        } else {
            TRY(transform(s, item, &e->args[item_i]));
            const struct type *t = type_find(e->args[item_i]->type);
            if (is_true_array(t) && !want_element) nested = true;
        }
        TRY(set_refused(s, e->args[item_i], "ARRAY"));
    }
    oid element = want_element;
    if (!element && count == 0) {
        status st =
            FAIL_AT(a, location, INDETERMINATE_DATATYPE, "cannot determine type of empty array");
        error_hint(a->error,
                   "Explicitly cast to the desired type, for example ARRAY[]::integer[].");
        return st;
    }
    if (!element) {
        TRY(common_type(a, e->args, count, "ARRAY", location, &element));
    } else if (nested) {
        element = type_find(element)->array;
    }
    const struct type *t = type_find(element);
    for (uint16_t i = 0; i < count; i++) {
        if (want_element && !nested)
            TRY(make_cast(a, e->args[i], element, -1, e->args[i]->location, &e->args[i]));
        else
            TRY(coerce_common(a, e->args[i], element, "ARRAY", &e->args[i]));
    }
    e->array.nested = is_true_array(t);
    e->type = e->array.nested ? element : t ? t->array : 0;
    e->array.element = e->array.nested ? t->element : element;
    if (!e->type)
        return FAIL_AT(a, location, UNDEFINED_OBJECT, "could not find array type for data type %s",
                       type_words(a, element));
    *ret = e;
    return OK;
}

status transform_row_parts(struct scope *s, struct ast_row *n, struct expr ***ret_args,
                           uint16_t *ret_n) {
    struct analyse *a = s->a;
    uint16_t cap = 0, count = 0;
    struct expr **args = NULL;
    LIST_EACH(struct node *, item, n->args) {
        if (item->kind == NODE_COLUMN_REF && ast_as_column_ref(item)->star) {
            struct list one = {.n = 1, .cap = 1};
            struct ast_target t = {.node = {NODE_TARGET, item->location}, .value = item};
            void *items[1] = {&t};
            one.items = items;
            struct target *targets;
            uint16_t ntargets;
            TRY(transform_targets(s, &one, s->clause, &targets, &ntargets));
            for (uint16_t i = 0; i < ntargets; i++) {
                GROW(a, args, count, cap);
                args[count++] = targets[i].expr;
            }
            continue;
        }
        GROW(a, args, count, cap);
        TRY(transform(s, item, &args[count]));
        count++;
    }
    *ret_args = args;
    *ret_n = count;
    return OK;
}

status transform_row(struct scope *s, struct ast_row *n, struct expr **ret) {
    struct expr **args;
    uint16_t count;
    TRY(transform_row_parts(s, n, &args, &count));
    struct expr *e = expr_new_n(s->a->arena, EXPR_ROW, RECORDOID, n->node.location, count);
    NEEDS(s->a, e);
    if (count) memcpy(e->args, args, count * sizeof *args);
    *ret = e;
    return OK;
}

/* Names of the fields of an expression whose type is record. */
static bool row_names(const struct expr *e, uint16_t i, const char *name) {
    if (e->row.names) return strcmp(e->row.names[i], name) == 0;
    char anonymous[16];
    snprintf(anonymous, sizeof anonymous, "f%u", i + 1u);
    return strcmp(anonymous, name) == 0;
}

/* A field of the whole row of a range table entry is its column; such rows stand only in what is
 * to be printed. */
static status column_of_row(struct analyse *a, const struct expr *row,
                            const struct rte_column *column, uint16_t i, int32_t location,
                            struct expr **ret) {
    struct expr *e = expr_var(a->arena, row->var.rte, (int16_t)(i + 1), column->type,
                              column->typmod, column->collation, location);
    NEEDS(a, e);
    e->var.level = row->var.level;
    *ret = e;
    return OK;
}

static bool is_whole_row(const struct expr *e) {
    return e->kind == EXPR_VAR && e->var.att == 0;
}

status field_at(struct analyse *a, struct expr *record, const struct rte_column *column, uint16_t i,
                int32_t location, struct expr **ret) {
    if (is_whole_row(record)) return column_of_row(a, record, column, i, location, ret);
    struct expr *e = expr_new_n(a->arena, EXPR_FIELD, column->type, location, 1);
    NEEDS(a, e);
    e->args[0] = record;
    e->column = i;
    e->name = column->name;
    e->typmod = column->typmod;
    e->collation = column->collation;
    *ret = e;
    return OK;
}

status field_expr(struct analyse *a, struct expr *record, const struct type *t, uint16_t field,
                  int32_t location, struct expr **ret) {
    const struct type_field *f = &t->fields[field];
    if (record->kind == EXPR_ROW && record->nargs == t->nfields) {
        *ret = record->args[field];
        return OK;
    }
    if (is_whole_row(record))
        return column_of_row(a, record,
                             &(struct rte_column){f->name, f->type, f->typmod, f->collation}, field,
                             location, ret);
    struct expr *e = expr_new_n(a->arena, EXPR_FIELD, f->type, location, 1);
    NEEDS(a, e);
    e->args[0] = record;
    e->column = field;
    e->typmod = f->typmod;
    e->collation = f->collation;
    *ret = e;
    return OK;
}

int field_number(const struct type *t, const char *name) {
    for (uint16_t i = 0; i < t->nfields; i++)
        if (!t->fields[i].dropped && strcmp(t->fields[i].name, name) == 0) return i;
    return -1;
}

static status field_of_type(struct analyse *a, struct expr *record, const struct type *t,
                            const char *name, int32_t location, struct expr **ret) {
    int field = field_number(t, name);
    if (field < 0)
        return FAIL_AT(a, record->location, UNDEFINED_COLUMN,
                       "column \"%s\" not found in data type %s", name,
                       type_words(a, record->type));
    return field_expr(a, record, t, (uint16_t)field, location, ret);
}

status field_of(struct scope *s, struct expr *record, const char *name, int32_t location,
                struct expr **ret) {
    struct analyse *a = s->a;
    record = expr_row_below(record);
    const struct type *t = type_below(type_find(record->type));
    if (t && t->kind == 'c') return field_of_type(a, record, t, name, location, ret);
    if (record->kind == EXPR_ROW) {
        for (uint16_t i = 0; i < record->nargs; i++)
            if (row_names(record, i, name)) {
                *ret = record->args[i];
                return OK;
            }
        return FAIL_AT(a, record->location, UNDEFINED_COLUMN,
                       "could not identify column \"%s\" in record data type", name);
    }
    uint16_t nfields;
    const struct rte_column *fields;
    TRY(routine_fields(s, record, &nfields, &fields));
    for (uint16_t i = 0; i < nfields; i++)
        if (strcmp(fields[i].name, name) == 0)
            return field_at(a, record, &fields[i], i, location, ret);
    if (record->type == RECORDOID)
        return FAIL_AT(a, record->location, UNDEFINED_COLUMN,
                       "could not identify column \"%s\" in record data type", name);
    return FAIL_AT(a, record->location, WRONG_OBJECT_TYPE,
                   "column notation .%s applied to type %s, which is not a composite type", name,
                   type_words(a, record->type));
}

static status subscript_value(struct scope *s, struct node *n, struct expr **ret) {
    struct analyse *a = s->a;
    struct expr *e, *i;
    TRY(transform(s, n, &e));
    TRY(coerce(a, e, INT4OID, -1, CAST_ASSIGNMENT, &i));
    if (!i)
        return FAIL_AT(a, e->location, DATATYPE_MISMATCH, "array subscript must have type integer");
    *ret = i;
    return OK;
}

/* A step into a jsonb, as text: a number counts in arrays, a text names in objects. */
static status jsonb_step(struct scope *s, struct ast_subscript *step, bool *ret_number,
                         struct expr **ret) {
    struct analyse *a = s->a;
    struct expr *e;
    struct node *n = step->high ? step->high : step->low;
    if (step->slice)
        return FAIL_AT(a, n ? n->location : step->node.location, DATATYPE_MISMATCH,
                       "jsonb subscript does not support slices");
    TRY(transform(s, n, &e));
    oid number = INT4OID, text = TEXTOID;
    *ret_number = e->type != UNKNOWNOID && resolve_can_coerce(&e->type, &number, 1, CAST_IMPLICIT);
    bool is_text = e->type == UNKNOWNOID || resolve_can_coerce(&e->type, &text, 1, CAST_IMPLICIT);
    if (*ret_number == is_text) {
        status st = FAIL_AT(a, e->location, DATATYPE_MISMATCH, "subscript type %s is not supported",
                            type_words(a, e->type));
        error_hint(a->error,
                   is_text ? "jsonb subscript must be coercible to only one type, integer or text."
                           : "jsonb subscript must be coercible to either integer or text.");
        return st;
    }
    if (*ret_number) TRY(coerce(a, e, INT4OID, -1, CAST_IMPLICIT, &e));
    return coerce(a, e, TEXTOID, -1, CAST_EXPLICIT, ret);
}

status jsonb_steps(struct scope *s, const struct list *steps, int32_t from, int32_t to,
                   int32_t location, bool *ret_number, struct expr **ret) {
    struct analyse *a = s->a;
    struct expr *path =
        expr_new_n(a->arena, EXPR_ARRAY, TEXTARRAYOID, location, (uint16_t)(to - from));
    NEEDS(a, path);
    path->array.element = TEXTOID;
    for (int32_t i = from; i < to; i++) {
        bool number;
        TRY(jsonb_step(s, list_at(steps, i), &number, &path->args[i - from]));
        if (i == from) *ret_number = number;
    }
    *ret = path;
    return OK;
}

/* j['a'][1] is j #> '{a,1}' */
static status jsonb_subscripts(struct scope *s, struct expr *base, const struct list *steps,
                               int32_t from, int32_t to, struct expr **ret) {
    struct expr *path;
    bool number;
    TRY(jsonb_steps(s, steps, from, to, base->location, &number, &path));
    return make_operator(s->a, "#>", base, path, base->location, ret);
}

status subscripts(struct scope *s, struct expr *base, const struct list *steps, int32_t from,
                  int32_t to, struct expr **ret) {
    struct analyse *a = s->a;
    const struct type *t = type_below(type_find(base->type));
    int32_t location = base->location;
    if (base->type == JSONBOID) return jsonb_subscripts(s, base, steps, from, to, ret);
    if (!t || !t->element)
        return FAIL_AT(a, location, DATATYPE_MISMATCH,
                       "cannot subscript type %s because it does not support subscripting",
                       type_words(a, base->type));
    if (to - from > 6)
        return FAIL_AT(a, location, PROGRAM_LIMIT_EXCEEDED,
                       "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                       to - from, 6);
    bool slice = false;
    for (int32_t i = from; i < to; i++) slice |= ast_as_subscript(list_at(steps, i))->slice;
    struct expr *e = expr_new_n(a->arena, EXPR_SUBSCRIPT, slice ? t->oid : t->element, location,
                                (uint16_t)(1 + (slice ? 2 : 1) * (to - from)));
    NEEDS(a, e);
    e->subscript.ndims = (uint16_t)(to - from);
    e->subscript.slice = slice;
    e->subscript.element = t->element;
    uint16_t n = 0;
    e->args[n++] = base;
    for (int32_t i = from; i < to; i++) {
        struct ast_subscript *step = list_at(steps, i);
        uint8_t bit = (uint8_t)(1 << (i - from));
        struct node *low = step->low, *high = step->high;
        if (slice && (low || !step->slice)) {
            /* in a slice a plain subscript [n] means [1:n] */
            if (low)
                TRY(subscript_value(s, low, &e->args[n]));
            else
                NEEDS(a, e->args[n] = expr_const(a->arena, INT4OID, datum_int4(1), false, -1));
            n++;
            e->subscript.have_low |= bit;
        }
        if (high) {
            TRY(subscript_value(s, high, &e->args[n++]));
            e->subscript.have_high |= bit;
        }
    }
    e->nargs = n;
    *ret = e;
    return OK;
}

status transform_indirection(struct scope *s, struct ast_indirection *n, struct expr **ret) {
    struct expr *e;
    TRY(transform(s, n->arg, &e));
    int32_t i = 0, count = list_n(n->steps);
    while (i < count) {
        struct node *step = list_at(n->steps, i);
        if (step->kind == NODE_FIELD) {
            const char *name = ast_as_field(step)->name;
            if (!name)
                return FAIL_AT(s->a, step->location, SYNTAX_ERROR,
                               "row expansion via \"*\" is not supported here");
            struct expr *called = NULL;
            const struct type *t = i ? NULL : type_below(type_find(e->type));
            if (t && t->kind == 'c' && field_number(t, name) < 0)
                TRY(call_of_row(s, name, n->arg, t->oid, step->location, &called));
            if (called)
                e = called;
            else
                TRY(field_of(s, e, name, step->location, &e));
            i++;
            continue;
        }
        int32_t end = i;
        while (end < count && ((struct node *)list_at(n->steps, end))->kind == NODE_SUBSCRIPT)
            end++;
        TRY(subscripts(s, e, n->steps, i, end, &e));
        i = end;
    }
    *ret = e;
    return OK;
}
