/* print_expr.c: expressions. Where PostgreSQL writes parentheses, casts and types, so does this. */
#include "analyse/print_internal.h"

#include "base/coro.h"

#define STACK_MARGIN (24 * 1024)

/* SQL's words "character" and "bit" mean a length of 1: without one the types have other names. */
status print_type(struct printer *p, oid type, int32_t typmod) {
    const struct type *t = typmod < 0 ? type_find(type) : NULL;
    oid element = t && t->element ? t->element : type;
    if (t && (element == BPCHAROID || element == BITOID)) {
        TRY(put(p, element == BPCHAROID ? "bpchar" : "\"bit\""));
        return put(p, element == type ? "" : "[]");
    }
    return type_name_print(p->env, type, typmod, p->out);
}

/* ---- constants ------------------------------------------------------------------------------- */

static status quote(struct printer *p, const char *text, size_t len) {
    TRY(put(p, "'"));
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'') TRY(put(p, "'"));
        TRY(buf_add(p->out, text + i, 1));
    }
    return put(p, "'");
}

static bool looks_like_float(const char *text) {
    return text[0] >= '0' && text[0] <= '9' && strpbrk(text, "eE.");
}

static status print_value(struct printer *p, const struct expr *e, bool *ret_label) {
    struct buf text = {0};
    *ret_label = true;
    if (e->type == BOOLOID) {
        *ret_label = false;
        return put(p, e->constant.value.b ? "true" : "false");
    }
    if (e->type == UNKNOWNOID) {
        *ret_label = false;
        return quote(p, e->constant.value.s, strlen(e->constant.value.s));
    }
    if (e->type == REGCLASSOID && p->style.stored)
        return buf_printf(p->out, "'%u'", e->constant.value.u32);
    status st = type_output(&p->env->eval, type_find(e->type), e->constant.value, &text);
    if (ok(st)) st = buf_add(&text, "", 1);
    if (ok(st)) {
        bool bare = e->type == INT4OID      ? text.data[0] != '-'
                    : e->type == NUMERICOID ? looks_like_float(text.data)
                                            : false;
        *ret_label = !bare || (e->type == NUMERICOID && e->typmod >= 0);
        st = bare ? put(p, text.data) : quote(p, text.data, text.len - 1);
    }
    buf_free(&text);
    return st;
}

/* show_type: -1 never, 0 where it does not show by itself, 1 always. */
status print_constant(struct printer *p, const struct expr *e, int show_type) {
    bool label = true;
    if (e->constant.is_null) {
        TRY(put(p, "NULL"));
        if (e->type == UNKNOWNOID) return OK;
    } else {
        TRY(print_value(p, e, &label));
    }
    if (show_type < 0 || (!label && show_type == 0)) return OK;
    TRY(put(p, "::"));
    return print_type(p, e->type, e->typmod);
}

/* ---- columns --------------------------------------------------------------------------------- */

static bool join_has_no_name(const struct printer *p, const struct expr *e) {
    const struct print_level *l = p->level;
    for (uint16_t i = 0; i < e->var.level && l; i++) l = l->outer;
    return l && !l->names[e->var.rte];
}

/* top: it stands by itself in a select list. *ret_name: what its column is called; NULL: a row. */
status print_var(struct printer *p, const struct expr *e, bool top, const char **ret_name) {
    const char *table, *name;
    bool whole = e->var.att == 0;
    name = printed_column(p, e, whole, &table);
    if (ret_name) *ret_name = name;
    if (table && (p->qualify || whole) && !join_has_no_name(p, e)) {
        TRY(put_name(p, table));
        TRY(put(p, "."));
    }
    if (!whole && table && !*table) return put(p, "VALUE"); /* what a domain's condition is about */
    if (!whole) return put_name(p, name ? name : "?");
    TRY(put(p, "*"));
    if (!top) return OK;
    TRY(put(p, "::"));
    return print_type(p, e->type, e->typmod);
}

/* ---- which parentheses can go ---------------------------------------------------------------- */

static bool is_own_call(const struct expr *e) {
    return e->kind == EXPR_CALL && !e->call.op;
}

static bool is_function_cast(const struct expr *e) {
    return e->kind == EXPR_CAST && !e->cast.is_collate &&
           (e->cast.path.path == CAST_FUNCTION || e->cast.apply_typmod);
}

/* What SQL writes with brackets or a word at its end: it needs no parentheses around itself, nor
 * around what stands in it. */
static bool has_brackets(const struct expr *e) {
    switch ((enum expr_kind)e->kind) {
    case EXPR_SUBSCRIPT:
    case EXPR_ARRAY:
    case EXPR_ROW:
    case EXPR_COALESCE:
    case EXPR_MIN_MAX:
    case EXPR_NULLIF:
    case EXPR_AGGREGATE:
    case EXPR_GROUPING:
    case EXPR_WINDOW:
    case EXPR_CASE: return true;
    default: return false;
    }
}

/* Parents that bring brackets of their own. */
static bool parent_encloses(const struct expr *parent) {
    if (parent->kind == EXPR_CALL) return !parent->call.op && !parent->call.sql_syntax;
    return has_brackets(parent);
}

static char arithmetic(const struct expr *e) {
    if (e->kind != EXPR_CALL || !e->call.op || e->nargs != 2) return 0;
    const char *name = e->call.op->name;
    return name[1] ? 0 : strchr("+-", *name) ? '+' : strchr("*/%", *name) ? '*' : 0;
}

static bool operator_is_simple(const struct expr *e, const struct expr *parent) {
    if (parent->kind != EXPR_CALL || !parent->call.op)
        return parent_encloses(parent) || parent->kind == EXPR_BOOL;
    char own = arithmetic(e), other = arithmetic(parent);
    if (!own || !other) return false;
    if (own == '*' && other == '+') return true;
    if (own == '+' && other == '*') return false;
    return e == parent->args[0];
}

static bool bool_is_simple(const struct expr *e, const struct expr *parent) {
    if (parent->kind != EXPR_BOOL) return parent_encloses(parent);
    if (e->boolean == EXPR_OR) return parent->boolean == EXPR_OR;
    return parent->boolean == EXPR_AND || parent->boolean == EXPR_OR;
}

static bool is_simple(const struct expr *e, const struct expr *parent) {
    switch ((enum expr_kind)e->kind) {
    case EXPR_VAR:
    case EXPR_CONST:
    case EXPR_PARAM:
    case EXPR_DEFAULT:
    case EXPR_CASE_TEST: return true;
    case EXPR_FIELD: return parent->kind != EXPR_FIELD;
    case EXPR_CAST:
        if (e->cast.is_collate) return false;
        return is_function_cast(e) || is_simple(e->args[0], e);
    case EXPR_CALL:
        return !is_row_comparison(e) && (is_own_call(e) || operator_is_simple(e, parent));
    case EXPR_BOOL: return bool_is_simple(e, parent);
    case EXPR_DISTINCT:
        if (e->negated) return bool_is_simple(e, parent);
        return parent_encloses(parent) || parent->kind == EXPR_BOOL;
    case EXPR_SUBLINK:
    case EXPR_NULL_TEST:
    case EXPR_BOOL_TEST: return parent_encloses(parent) || parent->kind == EXPR_BOOL;
    default: return has_brackets(e);
    }
}

status print_expr_paren(struct printer *p, const struct expr *e, bool implicit,
                        const struct expr *parent) {
    bool parens = pretty_parens(p) && !is_simple(e, parent);
    if (parens) TRY(put(p, "("));
    TRY(print_expr(p, e, implicit));
    return parens ? put(p, ")") : OK;
}

status print_list(struct printer *p, struct expr *const *list, uint16_t n, bool implicit) {
    for (uint16_t i = 0; i < n; i++) {
        if (i) TRY(put(p, ", "));
        TRY(print_expr(p, list[i], implicit));
    }
    return OK;
}

static status open_paren(struct printer *p) {
    return pretty_parens(p) ? OK : put(p, "(");
}

static status close_paren(struct printer *p) {
    return pretty_parens(p) ? OK : put(p, ")");
}

/* ---- casts ----------------------------------------------------------------------------------- */

static status print_coercion(struct printer *p, const struct expr *arg, oid type, int32_t typmod,
                             const struct expr *parent) {
    if (arg->kind == EXPR_CONST && arg->type == type && arg->typmod == -1) {
        TRY(print_constant(p, arg, -1));
    } else {
        TRY(open_paren(p));
        TRY(print_expr_paren(p, arg, false, parent));
        TRY(close_paren(p));
    }
    TRY(put(p, "::"));
    return print_type(p, type, typmod);
}

static status print_collate(struct printer *p, const struct expr *e, bool implicit) {
    struct catalog_row row;
    TRY(open_paren(p));
    TRY(print_expr_paren(p, e->args[0], implicit, e));
    TRY(catalog_row_get_oid(p->env, CAT_pg_collation, e->collation, p->arena, &row));
    TRY(put(p, " COLLATE "));
    TRY(put_name(p, row_name(&row, COL_pg_collation_collname)));
    return close_paren(p);
}

static status print_cast(struct printer *p, const struct expr *e, bool implicit) {
    const struct expr *arg = e->args[0];
    if (e->cast.is_collate) return print_collate(p, e, implicit);
    /* that a row is taken for a record is never said */
    bool said = e->type == RECORDOID ? e->cast.is_explicit : e->cast.is_explicit || implicit;
    if (!said) return print_expr_paren(p, arg, false, e);
    /* a length is given by the cast that gave the type */
    if (e->cast.apply_typmod && arg->kind == EXPR_CAST && !arg->cast.is_collate &&
        arg->type == e->type && arg->typmod == -1 && !arg->cast.apply_typmod)
        arg = arg->args[0];
    int32_t typmod = e->cast.apply_typmod || e->cast.path.path == CAST_FUNCTION ? e->typmod : -1;
    return print_coercion(p, arg, e->type, typmod, e);
}

/* ---- operators and tests --------------------------------------------------------------------- */

static status print_bool(struct printer *p, const struct expr *e) {
    TRY(open_paren(p));
    if (e->boolean == EXPR_NOT) TRY(put(p, "NOT "));
    for (uint16_t i = 0; i < e->nargs; i++) {
        if (i) TRY(put(p, e->boolean == EXPR_AND ? " AND " : " OR "));
        TRY(print_expr_paren(p, e->args[i], false, e));
    }
    return close_paren(p);
}

static status print_postfix(struct printer *p, const struct expr *e, const char *words) {
    TRY(open_paren(p));
    TRY(print_expr_paren(p, e->args[0], e->kind == EXPR_NULL_TEST, e));
    TRY(put(p, words));
    return close_paren(p);
}

static const char *test_words(const struct expr *e) {
    static const char *const words[2][3] = {{" IS TRUE", " IS FALSE", " IS UNKNOWN"},
                                            {" IS NOT TRUE", " IS NOT FALSE", " IS NOT UNKNOWN"}};
    return words[e->negated][e->test];
}

static status print_distinct(struct printer *p, const struct expr *e) {
    if (e->negated) {
        TRY(open_paren(p));
        TRY(put(p, "NOT "));
    }
    TRY(open_paren(p));
    TRY(print_expr_paren(p, e->args[0], true, e));
    TRY(put(p, " IS DISTINCT FROM "));
    TRY(print_expr_paren(p, e->args[1], true, e));
    TRY(close_paren(p));
    return e->negated ? close_paren(p) : OK;
}

static status print_array_op(struct printer *p, const struct expr *e) {
    const struct expr *array = e->args[1];
    TRY(open_paren(p));
    TRY(print_expr_paren(p, e->args[0], true, e));
    TRY(put(p, " "));
    TRY(print_operator_name(p, e->call.op));
    TRY(put(p, e->call.is_all ? " ALL (" : " ANY ("));
    TRY(print_expr_paren(p, array, true, e));
    if (array->kind == EXPR_SUBLINK && array->sublink.kind == SUB_SCALAR) {
        TRY(put(p, "::"));
        TRY(print_type(p, array->type, array->typmod));
    }
    TRY(put(p, ")"));
    return close_paren(p);
}

/* ---- CASE ------------------------------------------------------------------------------------ */

static const struct expr *without_casts(const struct expr *e) {
    while (e->kind == EXPR_CAST && !e->cast.is_explicit) e = e->args[0];
    return e;
}

static const struct expr *when_of(const struct expr *w) {
    if (w->kind == EXPR_CALL && w->call.op && w->nargs == 2 &&
        without_casts(w->args[0])->kind == EXPR_CASE_TEST)
        return w->args[1];
    return w;
}

static status print_case(struct printer *p, const struct expr *e) {
    uint16_t first = e->cases.has_test ? 1 : 0;
    TRY(put_keyword(p, "CASE", 0, INDENT_FIELD, 0));
    if (first) {
        TRY(put(p, " "));
        TRY(print_expr(p, e->args[0], true));
    }
    for (uint16_t i = first; i + 1 < e->nargs; i += 2) {
        if (!p->style.lines) TRY(put(p, " "));
        TRY(put_keyword(p, "WHEN ", 0, 0, 0));
        TRY(print_expr(p, first ? when_of(e->args[i]) : e->args[i], false));
        TRY(put(p, " THEN "));
        TRY(print_expr(p, e->args[i + 1], true));
    }
    if (!p->style.lines) TRY(put(p, " "));
    TRY(put_keyword(p, "ELSE ", 0, 0, 0));
    TRY(print_expr(p, e->args[e->nargs - 1], true));
    if (!p->style.lines) TRY(put(p, " "));
    return put_keyword(p, "END", -INDENT_FIELD, 0, 0);
}

/* ---- parts and wholes ------------------------------------------------------------------------ */

static status print_subscript(struct printer *p, const struct expr *e) {
    const struct expr *base = e->args[0];
    bool parens = base->kind != EXPR_VAR && base->kind != EXPR_FIELD;
    uint16_t next = 1;
    if (parens) TRY(put(p, "("));
    TRY(print_expr(p, base, false));
    if (parens) TRY(put(p, ")"));
    for (uint16_t d = 0; d < e->subscript.ndims; d++) {
        bool low = !e->subscript.slice || (e->subscript.have_low >> d & 1);
        bool high = e->subscript.slice && (e->subscript.have_high >> d & 1);
        TRY(put(p, "["));
        if (low) TRY(print_expr(p, e->args[next++], false));
        if (e->subscript.slice) TRY(put(p, ":"));
        if (high) TRY(print_expr(p, e->args[next++], false));
        TRY(put(p, "]"));
    }
    return OK;
}

static const char *field_name(const struct printer *p, const struct expr *e) {
    const struct expr *base = e->args[0];
    if (e->name) return e->name;
    const struct type *t = type_below(type_find(base->type));
    if (t && t->kind == 'c' && e->column < t->nfields) return t->fields[e->column].name;
    if (base->kind == EXPR_ROW && base->row.names) return base->row.names[e->column];
    if (base->kind == EXPR_VAR && base->var.att == 0) {
        const struct print_level *l = p->level;
        for (uint16_t i = 0; i < base->var.level && l; i++) l = l->outer;
        if (l) return l->columns[base->var.rte].names[e->column];
    }
    return arena_printf(p->arena, "f%u", e->column + 1u);
}

static status print_field(struct printer *p, const struct expr *e) {
    const struct expr *base = e->args[0];
    const char *name = field_name(p, e);
    bool parens = base->kind != EXPR_SUBSCRIPT && base->kind != EXPR_FIELD;
    if (parens) TRY(put(p, "("));
    TRY(print_expr(p, base, true));
    TRY(put(p, parens ? ")." : "."));
    return name ? put_name(p, name) : no_memory(p->env);
}

static status print_array(struct printer *p, const struct expr *e) {
    TRY(put(p, "ARRAY["));
    TRY(print_list(p, e->args, e->nargs, true));
    TRY(put(p, "]"));
    if (e->nargs) return OK;
    TRY(put(p, "::"));
    return print_type(p, e->type, -1);
}

static status print_row(struct printer *p, const struct expr *e) {
    TRY(put(p, "ROW("));
    for (uint16_t i = 0; i < e->nargs; i++) {
        const char *name;
        if (i) TRY(put(p, ", "));
        TRY(e->args[i]->kind == EXPR_VAR ? print_var(p, e->args[i], true, &name)
                                         : print_expr(p, e->args[i], true));
    }
    TRY(put(p, ")"));
    if (e->type == RECORDOID) return OK;
    TRY(put(p, "::"));
    return print_type(p, e->type, -1);
}

static status print_brackets(struct printer *p, const char *word, const struct expr *e) {
    TRY(put(p, word));
    TRY(print_list(p, e->args, e->nargs, true));
    return put(p, ")");
}

/* ---- subqueries ------------------------------------------------------------------------------ */

static const struct expr *test_operator(const struct expr *test) {
    while (test->kind == EXPR_BOOL && test->nargs) test = test->args[0];
    return test;
}

static status print_test(struct printer *p, const struct expr *test, const char **ret_op) {
    const struct expr *op = test_operator(test);
    *ret_op = op->call.op->name;
    if (is_row_comparison(test)) {
        TRY(put(p, "("));
        TRY(print_list(p, test->args[0]->args, test->args[0]->nargs, true));
        return put(p, ")");
    }
    if (test->kind != EXPR_BOOL) return print_expr(p, test->args[0], true);
    for (uint16_t i = 0; i < test->nargs; i++) {
        TRY(put(p, i ? ", " : "("));
        TRY(print_expr(p, test_operator(test->args[i])->args[0], true));
    }
    return put(p, ")");
}

static status print_sublink(struct printer *p, const struct expr *e) {
    const char *op = "=";
    bool parens = e->sublink.kind != SUB_SCALAR && e->sublink.kind != SUB_ARRAY;
    TRY(put(p, e->sublink.kind == SUB_ARRAY ? "ARRAY(" : "("));
    if (e->nargs) TRY(print_test(p, e->args[0], &op));
    if (e->sublink.kind == SUB_EXISTS) TRY(put(p, "EXISTS "));
    if (e->sublink.kind == SUB_ALL) TRY(buf_printf(p->out, " %s ALL ", op));
    if (e->sublink.kind == SUB_ANY)
        TRY(strcmp(op, "=") ? buf_printf(p->out, " %s ANY ", op) : put(p, " IN "));
    if (parens) TRY(put(p, "("));
    TRY(print_subquery(p, e->sublink.query, false));
    return put(p, parens ? "))" : ")");
}

/* ---- all ------------------------------------------------------------------------------------- */

status print_expr(struct printer *p, const struct expr *e, bool implicit) {
    if (coro_stack_left() < STACK_MARGIN)
        return error_set(p->env->eval.error, ST_STATEMENT_TOO_COMPLEX,
                         "stack depth limit exceeded");
    switch ((enum expr_kind)e->kind) {
    case EXPR_CONST: return print_constant(p, e, 0);
    case EXPR_PARAM: return buf_printf(p->out, "$%u", e->param + 1u);
    case EXPR_VAR: return print_var(p, e, false, NULL);
    case EXPR_CALL: return print_call(p, e);
    case EXPR_BOOL: return print_bool(p, e);
    case EXPR_CASE: return print_case(p, e);
    case EXPR_COALESCE: return print_brackets(p, "COALESCE(", e);
    case EXPR_MIN_MAX: return print_brackets(p, e->negated ? "LEAST(" : "GREATEST(", e);
    case EXPR_NULLIF: return print_brackets(p, "NULLIF(", e);
    case EXPR_GROUPING: return print_brackets(p, "GROUPING(", e);
    case EXPR_NULL_TEST: return print_postfix(p, e, e->negated ? " IS NOT NULL" : " IS NULL");
    case EXPR_BOOL_TEST: return print_postfix(p, e, test_words(e));
    case EXPR_DISTINCT: return print_distinct(p, e);
    case EXPR_ARRAY_OP: return print_array_op(p, e);
    case EXPR_ARRAY: return print_array(p, e);
    case EXPR_ROW: return print_row(p, e);
    case EXPR_FIELD: return print_field(p, e);
    case EXPR_SUBSCRIPT: return print_subscript(p, e);
    case EXPR_CAST: return print_cast(p, e, implicit);
    case EXPR_AGGREGATE:
    case EXPR_WINDOW: return print_aggregate(p, e);
    case EXPR_SUBLINK: return print_sublink(p, e);
    case EXPR_DEFAULT: return put(p, "DEFAULT");
    default:
        return error_set(p->env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "printing such an expression is not supported");
    }
}
