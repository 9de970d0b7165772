/* Making types fit (manual, chapter 10): literals get their type, other expressions a cast. */
#include "analyse/internal.h"

static bool is_any_type(oid type) {
    return type == ANYOID;
}

/* What is of the domain's base becomes the domain's, if it may. */
static status to_domain(struct analyse *a, struct expr *e, oid type, bool is_explicit,
                        struct expr **ret) {
    struct expr *c = expr_new_n(a->arena, EXPR_CAST, type, e->location, 1);
    NEEDS(a, c);
    c->args[0] = e;
    c->typmod = -1;
    c->collation = e->collation;
    c->cast.path = (struct cast_result){.path = CAST_RELABEL, .domain = true};
    c->cast.is_explicit = is_explicit;
    *ret = c;
    return OK;
}

static status apply_typmod(struct analyse *a, struct expr *e, int32_t typmod, bool is_explicit,
                           struct expr **ret);

/* An undecorated literal goes through the type's input function at once, as in PostgreSQL. */
static status literal_as(struct analyse *a, struct expr *e, oid type, int32_t typmod,
                         bool is_explicit, struct expr **ret) {
    const struct type *t = type_find(type);
    datum value = {0};
    if (t->base) {
        TRY(literal_as(a, e, t->base->oid, t->typmod, is_explicit, &e));
        return to_domain(a, e, type, is_explicit, ret);
    }
    if (a->for_text && typmod >= 0 && type != INTERVALOID) {
        TRY(literal_as(a, e, type, -1, is_explicit, &e));
        return apply_typmod(a, e, typmod, is_explicit, ret);
    }
    if (!e->constant.is_null) {
        const char *text = e->constant.value.s;
        int32_t in_typmod = type == INTERVALOID ? typmod : -1;
        a->eval.session->clock_was_read = false;
        TRY(analyse_at(a, e->location,
                       type_input(&a->eval, t, in_typmod, text, strlen(text), &value)));
        a->once |= a->eval.session->clock_was_read;
        if (typmod >= 0 && type != INTERVALOID)
            TRY(analyse_at(a, e->location,
                           type_apply_typmod(&a->eval, t, value, typmod, is_explicit, &value)));
    }
    struct expr *c = expr_const(a->arena, type, value, e->constant.is_null, e->location);
    NEEDS(a, c);
    c->typmod = typmod;
    c->collation = t->collation;
    *ret = c;
    return OK;
}

static status param_as(struct analyse *a, struct expr *e, oid type, struct expr **ret) {
    oid *known = &a->param_types[e->param];
    if (*known && *known != UNKNOWNOID && *known != type) {
        status st = FAIL_AT(a, e->location, AMBIGUOUS_PARAMETER,
                            "inconsistent types deduced for parameter $%d", e->param + 1);
        error_detail(a->error, "%s versus %s", type_words(a, *known), type_words(a, type));
        return st;
    }
    *known = type;
    struct expr *p = expr_new(a->arena, EXPR_PARAM, type, e->location);
    NEEDS(a, p);
    p->param = e->param;
    *ret = p;
    return OK;
}

static status apply_typmod(struct analyse *a, struct expr *e, int32_t typmod, bool is_explicit,
                           struct expr **ret) {
    if (typmod < 0 || typmod == e->typmod) {
        *ret = e;
        return OK;
    }
    struct expr *c = expr_new_n(a->arena, EXPR_CAST, e->type, e->location, 1);
    NEEDS(a, c);
    c->args[0] = e;
    c->typmod = typmod;
    c->collation = e->collation;
    c->cast.path.path = CAST_RELABEL;
    c->cast.is_explicit = is_explicit;
    c->cast.apply_typmod = true;
    *ret = c;
    return OK;
}

static status row_refused(struct analyse *a, const struct expr *e, const struct type *t,
                          const char *detail) {
    status st = FAIL_AT(a, e->location, CANNOT_COERCE, "cannot cast type %s to %s",
                        type_words(a, e->type), type_words(a, t->oid));
    error_detail(a->error, "%s", detail);
    return st;
}

/* ROW(…) to a composite type, field by field. */
static status row_as(struct analyse *a, struct expr *e, const struct type *t,
                     enum cast_context context, struct expr **ret) {
    struct expr *row = expr_new_n(a->arena, EXPR_ROW, t->oid, e->location, t->nfields);
    uint16_t next = 0;
    NEEDS(a, row);
    for (uint16_t i = 0; i < t->nfields; i++) {
        const struct type_field *f = &t->fields[i];
        if (f->dropped) {
            row->args[i] = expr_const(a->arena, f->type, (datum){0}, true, e->location);
            NEEDS(a, row->args[i]);
            continue;
        }
        if (next == e->nargs) return row_refused(a, e, t, "Input has too few columns.");
        struct expr *from = e->args[next++];
        TRY(coerce(a, from, f->type, f->typmod, context, &row->args[i]));
        if (!row->args[i])
            return row_refused(a, e, t,
                               arena_printf(a->arena, "Cannot cast type %s to %s in column %u.",
                                            type_words(a, from->type), type_words(a, f->type),
                                            next));
    }
    if (next < e->nargs) return row_refused(a, e, t, "Input has too many columns.");
    *ret = row;
    return OK;
}

/* Such a cast gives values of the wanted length itself: bit(n) from an integer. */
static bool takes_typmod(const struct cast_result *path) {
    const struct function *f = path->path == CAST_FUNCTION ? function_known(path->function) : NULL;
    return f && f->nargs > 1;
}

status coerce(struct analyse *a, struct expr *e, oid type, int32_t typmod,
              enum cast_context context, struct expr **ret) {
    *ret = NULL;
    bool is_explicit = context == CAST_EXPLICIT;
    if (is_any_type(type)) {
        *ret = e;
        return OK;
    }
    if (e->kind == EXPR_PARAM && e->type == UNKNOWNOID) {
        if (type == UNKNOWNOID) {
            *ret = e;
            return OK;
        }
        TRY(param_as(a, e, type, &e));
    }
    if (e->type == type) return apply_typmod(a, e, typmod, is_explicit, ret);
    if (e->type == UNKNOWNOID && e->kind == EXPR_CONST && type_find(type))
        return literal_as(a, e, type, typmod, is_explicit, ret);
    const struct type *below = type_below(type_find(type));
    if (e->kind == EXPR_ROW && e->type == RECORDOID && below && below->kind == 'c') {
        TRY(row_as(a, e, below, context, ret));
        return below->oid == type ? OK : to_domain(a, *ret, type, is_explicit, ret);
    }
    oid from = e->type == UNKNOWNOID ? TEXTOID : e->type;
    struct cast_result path = resolve_cast(from, type, context);
    if (e->type == UNKNOWNOID && path.path == CAST_NONE) path.path = CAST_IO;
    if (e->type == UNKNOWNOID) path = (struct cast_result){.path = CAST_IO};
    if (path.path == CAST_NONE) return OK;
    struct expr *c = expr_new_n(a->arena, EXPR_CAST, type, e->location, 1);
    NEEDS(a, c);
    c->args[0] = e;
    c->cast.path = path;
    c->cast.is_explicit = is_explicit;
    if (takes_typmod(&path)) c->typmod = typmod;
    const struct type *t = type_find(type);
    c->collation = t ? t->collation : 0;
    return apply_typmod(a, c, typmod, is_explicit, ret);
}

status coerce_chosen(struct analyse *a, struct expr *e, oid type, struct expr **ret) {
    struct expr *r;
    TRY(coerce(a, e, type, -1, CAST_IMPLICIT, &r));
    if (!r)
        return FAIL_AT(a, e->location, CANNOT_COERCE, "cannot cast type %s to %s",
                       type_words(a, e->type), type_words(a, type));
    *ret = r;
    return OK;
}

status coerce_common(struct analyse *a, struct expr *e, oid type, const char *what,
                     struct expr **ret) {
    struct expr *r;
    TRY(coerce(a, e, type, -1, CAST_IMPLICIT, &r));
    if (!r)
        return FAIL_AT(a, e->location, CANNOT_COERCE, "%s could not convert type %s to %s", what,
                       type_words(a, e->type), type_words(a, type));
    *ret = r;
    return OK;
}

status coerce_to_bool(struct analyse *a, struct expr *e, const char *what, struct expr **ret) {
    struct expr *r;
    TRY(coerce(a, e, BOOLOID, -1, CAST_ASSIGNMENT, &r));
    if (!r)
        return FAIL_AT(a, e->location, DATATYPE_MISMATCH,
                       "argument of %s must be type boolean, not type %s", what,
                       type_words(a, e->type));
    if (expr_contains_set(e))
        return FAIL_AT(a, e->location, DATATYPE_MISMATCH, "argument of %s must not return a set",
                       what);
    *ret = r;
    return OK;
}

status coerce_assign(struct analyse *a, struct expr *e, const char *column, oid type,
                     int32_t typmod, struct expr **ret) {
    struct expr *r;
    TRY(coerce(a, e, type, typmod, CAST_ASSIGNMENT, &r));
    if (!r) {
        status st = FAIL_AT(a, e->location, DATATYPE_MISMATCH,
                            "column \"%s\" is of type %s but expression is of type %s", column,
                            type_words(a, type), type_words(a, e->type));
        error_hint(a->error, "You will need to rewrite or cast the expression.");
        return st;
    }
    *ret = r;
    return OK;
}

status coerce_unknown(struct analyse *a, struct expr *e, struct expr **ret) {
    if (e->type != UNKNOWNOID) {
        *ret = e;
        return OK;
    }
    return coerce_chosen(a, e, TEXTOID, ret);
}

status common_type(struct analyse *a, struct expr **exprs, size_t n, const char *what,
                   int32_t location, oid *ret) {
    oid small[16], *types = small;
    if (n > 16) NEW_N(a, types, n);
    for (size_t i = 0; i < n; i++) types[i] = exprs[i]->type;
    size_t misfit = 0;
    status st = resolve_common_type(&a->eval, types, n, what, ret, &misfit);
    if (!ok(st) && exprs[misfit]->location >= 0) location = exprs[misfit]->location;
    return analyse_at(a, location, st);
}

int32_t common_typmod(struct expr **exprs, size_t n, oid type) {
    for (size_t i = 0; i < n; i++)
        if (exprs[i]->type != type || exprs[i]->typmod != exprs[0]->typmod) return -1;
    return n ? exprs[0]->typmod : -1;
}

status make_cast(struct analyse *a, struct expr *e, oid type, int32_t typmod, int32_t location,
                 struct expr **ret) {
    struct expr *r;
    TRY(coerce(a, e, type, typmod, CAST_EXPLICIT, &r));
    if (!r)
        return FAIL_AT(a, location, CANNOT_COERCE, "cannot cast type %s to %s",
                       type_words(a, e->type), type_words(a, type));
    if (r->kind == EXPR_CAST) r->location = location;
    *ret = r;
    return OK;
}
