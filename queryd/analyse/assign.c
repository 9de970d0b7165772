/* Assignment to parts of a column: col.f, col[1], col[1:2], and parts of these. */
#include "analyse/internal.h"

bool is_part_assignment(const struct expr *e) {
    while (e->kind == EXPR_CAST) e = e->args[0];
    return e->kind == EXPR_SET_FIELD || e->kind == EXPR_SET_ELEMENT;
}

struct assignment {
    struct scope *s;
    const struct column_part *to;
    struct expr *value;
};

static status no_field(struct analyse *a, const struct column_part *to, const char *field,
                       const struct type *t) {
    int32_t location = to->location;
    const char *column = to->att->name;
    if (!t || t->kind != 'c')
        return FAIL_AT(a, location, DATATYPE_MISMATCH,
                       "cannot assign to field \"%s\" of column \"%s\" because its type %s is not "
                       "a composite type",
                       field, column, t ? type_words(a, t->oid) : "unknown");
    return FAIL_AT(a, location, UNDEFINED_COLUMN,
                   "cannot assign to field \"%s\" of column \"%s\" because there is no such column "
                   "in data type %s",
                   field, column, type_words(a, t->oid));
}

/* Where a run of subscripts that begins at i ends, and whether it is a slice. */
static int32_t run_of(const struct list *steps, int32_t i, bool *ret_slice) {
    *ret_slice = false;
    for (; i < list_n(steps); i++) {
        struct node *step = list_at(steps, i);
        if (step->kind != NODE_SUBSCRIPT) break;
        *ret_slice |= ast_as_subscript(step)->slice;
    }
    return i;
}

status part_type(struct analyse *a, const struct column_part *to, oid *ret_type,
                 int32_t *ret_typmod) {
    int32_t n = list_n(to->steps), i = 0;
    oid type = to->att->type;
    *ret_typmod = to->att->typmod;
    while (i < n) {
        struct node *step = list_at(to->steps, i);
        const struct type *t = type_below(type_find(type));
        if (step->kind == NODE_FIELD) {
            const char *name = ast_as_field(step)->name;
            int field = name && t && t->kind == 'c' ? field_number(t, name) : -1;
            if (field < 0) return no_field(a, to, name ? name : "*", t);
            type = t->fields[field].type;
            *ret_typmod = t->fields[field].typmod;
            i++;
            continue;
        }
        bool slice;
        i = run_of(to->steps, i, &slice);
        if (t && t->oid == JSONBOID) {
            type = JSONBOID;
            continue;
        }
        if (!t || !t->element)
            return FAIL_AT(a, step->location, DATATYPE_MISMATCH,
                           "cannot subscript type %s because it does not support subscripting",
                           type_words(a, type));
        type = slice ? t->oid : t->element;
    }
    *ret_type = type;
    return OK;
}

static status leaf(struct assignment *w, oid type, int32_t typmod, struct expr **ret) {
    struct analyse *a = w->s->a;
    int32_t n = list_n(w->to->steps);
    struct node *last = n ? list_at(w->to->steps, n - 1) : NULL;
    if (!last) return coerce_assign(a, w->value, w->to->att->name, type, typmod, ret);
    TRY(coerce(a, w->value, type, typmod, CAST_ASSIGNMENT, ret));
    if (*ret) return OK;
    bool field = last->kind == NODE_FIELD;
    status st = FAIL_AT(a, w->value->location, DATATYPE_MISMATCH,
                        field ? "subfield \"%s\" is of type %s but expression is of type %s"
                              : "subscripted assignment to \"%s\" requires type %s but expression "
                                "is of type %s",
                        field ? ast_as_field(last)->name : w->to->att->name, type_words(a, type),
                        type_words(a, w->value->type));
    error_hint(a->error, "You will need to rewrite or cast the expression.");
    return st;
}

static status step(struct assignment *w, struct expr *base, oid type, int32_t typmod, int32_t i,
                   struct expr **ret);

static status set_field(struct assignment *w, struct expr *base, const struct type *t, int32_t i,
                        struct expr **ret) {
    struct analyse *a = w->s->a;
    struct node *node = list_at(w->to->steps, i);
    const char *name = ast_as_field(node)->name;
    int field = name && t->kind == 'c' ? field_number(t, name) : -1;
    if (field < 0) return no_field(a, w->to, name ? name : "*", t);
    struct expr *inner, *e = expr_new_n(a->arena, EXPR_SET_FIELD, t->oid, node->location, 2);
    NEEDS(a, e);
    TRY(field_expr(a, base, t, (uint16_t)field, node->location, &inner));
    e->args[0] = base;
    TRY(step(w, inner, t->fields[field].type, t->fields[field].typmod, i + 1, &e->args[1]));
    e->column = (uint16_t)field;
    *ret = e;
    return OK;
}

static status set_element(struct assignment *w, struct expr *base, const struct type *t,
                          int32_t typmod, int32_t i, struct expr **ret) {
    struct analyse *a = w->s->a;
    bool slice;
    int32_t end = run_of(w->to->steps, i, &slice);
    struct expr *inner, *e;
    TRY(subscripts(w->s, base, w->to->steps, i, end, &inner));
    e = expr_new_n(a->arena, EXPR_SET_ELEMENT, t->oid, inner->location,
                   (uint16_t)(inner->nargs + 1));
    NEEDS(a, e);
    e->subscript = inner->subscript;
    e->args[0] = base;
    for (uint16_t k = 1; k < inner->nargs; k++) e->args[k + 1] = inner->args[k];
    TRY(step(w, inner, slice ? t->oid : t->element, typmod, end, &e->args[1]));
    *ret = e;
    return OK;
}

static status set_json(struct assignment *w, struct expr *base, int32_t i, struct expr **ret) {
    struct analyse *a = w->s->a;
    bool slice, number = false;
    int32_t end = run_of(w->to->steps, i, &slice);
    struct expr *e = expr_new_n(a->arena, EXPR_SET_ELEMENT, JSONBOID, base->location, 3);
    NEEDS(a, e);
    e->args[0] = base;
    TRY(step(w, base, JSONBOID, -1, end, &e->args[1]));
    TRY(jsonb_steps(w->s, w->to->steps, i, end, base->location, &number, &e->args[2]));
    e->subscript.ndims = number;
    *ret = e;
    return OK;
}

/* What a column of a domain became by an assignment before: the domain is asked when all parts of
 * the value are there. */
static struct expr *without_domain(struct expr *base) {
    while (base->kind == EXPR_CAST && base->cast.path.domain &&
           base->cast.path.path == CAST_RELABEL && is_part_assignment(base))
        base = base->args[0];
    return base;
}

/* The value that base becomes when what the steps from i on lead to is assigned. */
static status step(struct assignment *w, struct expr *base, oid type, int32_t typmod, int32_t i,
                   struct expr **ret) {
    struct analyse *a = w->s->a;
    const struct type *t = type_below(type_find(type));
    TRY(analyse_stack(a));
    if (i == list_n(w->to->steps)) return leaf(w, type, typmod, ret);
    if (!t) return FAIL_AT(a, -1, UNDEFINED_OBJECT, "type with oid %u does not exist", type);
    base = without_domain(base);
    if (base->type != t->oid) TRY(coerce_chosen(a, base, t->oid, &base));
    struct node *node = list_at(w->to->steps, i);
    TRY(node->kind == NODE_FIELD ? set_field(w, base, t, i, ret)
        : t->oid == JSONBOID     ? set_json(w, base, i, ret)
                                 : set_element(w, base, t, typmod, i, ret));
    return t->oid == type ? OK : coerce_chosen(a, *ret, type, ret);
}

status assign_part(struct scope *s, const struct column_part *to, struct expr *base,
                   struct expr *value, struct expr **ret) {
    struct assignment w = {s, to, value};
    if (value->kind == EXPR_DEFAULT && list_n(to->steps)) {
        struct node *last = list_at(to->steps, 0);
        return FAIL_AT(s->a, to->location, FEATURE_NOT_SUPPORTED,
                       last->kind == NODE_FIELD ? "cannot set a subfield to DEFAULT"
                                                : "cannot set an array element to DEFAULT");
    }
    return step(&w, base, to->att->type, to->att->typmod, 0, ret);
}
