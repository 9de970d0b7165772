/* EXPLAIN: typed expressions in SQL, as PostgreSQL prints them in plans. */
#include "plan/explain_internal.h"

#include "base/coro.h"
#include "catalog/internal.h"

#define DEPTH_BYTES (24 * 1024)

static status print(const struct expression_words *w, const struct expr *e, struct buf *out);

static status print_list(const struct expression_words *w, struct expr *const *args, uint16_t n,
                         const char *between, struct buf *out) {
    for (uint16_t i = 0; i < n; i++) {
        if (i) TRY(buf_add_str(out, between));
        TRY(print(w, args[i], out));
    }
    return OK;
}

static status print_var(const struct expression_words *w, const struct expr *e, struct buf *out) {
    const struct plan *plan = w->left;
    const struct query *q = plan ? plan->query : NULL;
    if (!q || e->var.level || e->var.rte >= q->nrtes) return buf_add_str(out, "?");
    const struct rte *r = q->rtes[e->var.rte];
    if ((w->prefix || q->nrtes > 1) && r->alias) {
        TRY(print_identifier(out, r->alias));
        TRY(buf_add_str(out, "."));
    }
    if (e->var.att < 0) return buf_add_str(out, system_column_name(e->var.att));
    if (e->var.att < 1 || e->var.att > r->ncolumns) return buf_add_str(out, "ctid");
    return print_identifier(out, r->columns[e->var.att - 1].name);
}

static status print_slot(const struct expression_words *w, const struct expr *e, struct buf *out) {
    const struct plan *of = w->left;
    uint16_t column = e->column;
    if (of && column >= of->ncolumns) {
        column = (uint16_t)(column - of->ncolumns);
        of = w->right;
    }
    if (!of || column >= of->ncolumns || !of->out[column]) return buf_add_str(out, "?");
    struct expression_words inner = {w->env, of, NULL, w->prefix};
    return print(&inner, of->out[column], out);
}

static bool needs_no_type(oid type) {
    return type == INT4OID || type == BOOLOID || type == NUMERICOID;
}

static status print_const(const struct expression_words *w, const struct expr *e, struct buf *out) {
    const struct type *t = type_find(e->type);
    if (e->constant.is_null) {
        TRY(buf_add_str(out, "NULL::"));
        return type_name_print(w->env, e->type, -1, out);
    }
    if (!t || e->type == UNKNOWNOID) return buf_add_str(out, "?");
    char *text;
    size_t len;
    TRY(type_output_string(&w->env->eval, t, e->constant.value, &text, &len));
    if (e->type == BOOLOID) return buf_add_str(out, *text == 't' ? "true" : "false");
    if (needs_no_type(e->type) && *text != '-') return buf_add(out, text, len);
    TRY(print_literal(out, text, len));
    TRY(buf_add_str(out, "::"));
    return type_name_print(w->env, e->type, -1, out);
}

static status print_call(const struct expression_words *w, const struct expr *e, struct buf *out) {
    const struct operator_info *op = e->call.op;
    if (op && e->nargs == 2) {
        TRY(buf_add_str(out, "("));
        TRY(print(w, e->args[0], out));
        TRY(buf_printf(out, " %s ", op->name));
        TRY(print(w, e->args[1], out));
        return buf_add_str(out, ")");
    }
    if (op && e->nargs == 1) {
        TRY(buf_printf(out, "(%s ", op->name));
        TRY(print(w, e->args[0], out));
        return buf_add_str(out, ")");
    }
    TRY(print_identifier(out, e->call.function->name));
    TRY(buf_add_str(out, "("));
    TRY(print_list(w, e->args, e->nargs, ", ", out));
    return buf_add_str(out, ")");
}

static status print_bool(const struct expression_words *w, const struct expr *e, struct buf *out) {
    TRY(buf_add_str(out, e->boolean == EXPR_NOT ? "(NOT " : "("));
    TRY(print_list(w, e->args, e->nargs, e->boolean == EXPR_AND ? " AND " : " OR ", out));
    return buf_add_str(out, ")");
}

static status print_in(const struct expression_words *w, const struct expr *e, struct buf *out) {
    TRY(buf_add_str(out, "("));
    TRY(print(w, e->args[0], out));
    TRY(buf_add_str(out, e->call.is_all ? " <> ALL (ARRAY[" : " = ANY (ARRAY["));
    TRY(print_list(w, e->args + 1, (uint16_t)(e->nargs - 1), ", ", out));
    return buf_add_str(out, "]))");
}

static status print_array_op(const struct expression_words *w, const struct expr *e,
                             struct buf *out) {
    TRY(buf_add_str(out, "("));
    TRY(print(w, e->args[0], out));
    TRY(buf_printf(out, " %s %s (", e->call.op ? e->call.op->name : "=",
                   e->call.is_all ? "ALL" : "ANY"));
    TRY(print(w, e->args[1], out));
    return buf_add_str(out, "))");
}

static status print_aggregate(const struct expression_words *w, const struct expr *e,
                              struct buf *out) {
    TRY(print_identifier(out, e->agg.function->name));
    TRY(buf_add_str(out, e->agg.distinct ? "(DISTINCT " : "("));
    if (e->agg.star) TRY(buf_add_str(out, "*"));
    TRY(print_list(w, e->args, e->agg.nplain, ", ", out));
    TRY(buf_add_str(out, ")"));
    return e->kind == EXPR_WINDOW ? buf_add_str(out, " OVER (?)") : OK;
}

static status print_cast(const struct expression_words *w, const struct expr *e, struct buf *out) {
    TRY(buf_add_str(out, "("));
    TRY(print(w, e->args[0], out));
    TRY(buf_add_str(out, ")::"));
    return type_name_print(w->env, e->type, e->typmod, out);
}

static status print_test(const struct expression_words *w, const struct expr *e, struct buf *out) {
    static const char *const tests[] = {"TRUE", "FALSE", "UNKNOWN"};
    TRY(buf_add_str(out, "("));
    TRY(print(w, e->args[0], out));
    TRY(buf_printf(out, " IS %s%s)", e->negated ? "NOT " : "",
                   e->kind == EXPR_NULL_TEST ? "NULL" : tests[e->test]));
    return OK;
}

static status print_named(const struct expression_words *w, const struct expr *e, const char *name,
                          struct buf *out) {
    TRY(buf_printf(out, "%s(", name));
    TRY(print_list(w, e->args, e->nargs, ", ", out));
    return buf_add_str(out, ")");
}

static status print(const struct expression_words *w, const struct expr *e, struct buf *out) {
    if (coro_stack_left() < DEPTH_BYTES) return buf_add_str(out, "...");
    switch ((enum expr_kind)e->kind) {
    case EXPR_CONST: return print_const(w, e, out);
    case EXPR_PARAM: return buf_printf(out, "$%u", e->param + 1u);
    case EXPR_VAR: return print_var(w, e, out);
    case EXPR_SLOT: return print_slot(w, e, out);
    case EXPR_OUTER: return buf_printf(out, "$%u", (unsigned)e->column);
    case EXPR_CALL: return print_call(w, e, out);
    case EXPR_BOOL: return print_bool(w, e, out);
    case EXPR_IN_LIST: return print_in(w, e, out);
    case EXPR_ARRAY_OP: return print_array_op(w, e, out);
    case EXPR_AGGREGATE:
    case EXPR_WINDOW: return print_aggregate(w, e, out);
    case EXPR_CAST: return print_cast(w, e, out);
    case EXPR_NULL_TEST:
    case EXPR_BOOL_TEST: return print_test(w, e, out);
    case EXPR_COALESCE: return print_named(w, e, "COALESCE", out);
    case EXPR_MIN_MAX: return print_named(w, e, e->negated ? "LEAST" : "GREATEST", out);
    case EXPR_NULLIF: return print_named(w, e, "NULLIF", out);
    case EXPR_ARRAY: return print_named(w, e, "ARRAY", out);
    case EXPR_ROW: return print_named(w, e, "ROW", out);
    case EXPR_SUBPLAN:
        if (explain_is_init(e->subplan)) return buf_printf(out, "$%u", e->subplan->index);
        if (e->subplan->groups)
            return buf_printf(out, "(alternatives: SubPlan %u or hashed SubPlan %u)",
                              e->subplan->index + 1u, e->subplan->groups->index + 1u);
        return buf_printf(out, "(%sSubPlan %u)", e->subplan->hashed ? "hashed " : "",
                          e->subplan->index + 1u);
    case EXPR_DISTINCT:
        TRY(buf_add_str(out, "("));
        TRY(print_list(w, e->args, e->nargs,
                       e->negated ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ", out));
        return buf_add_str(out, ")");
    default: return print_named(w, e, "", out);
    }
}

status explain_expression(const struct expression_words *w, const struct expr *e, struct buf *out) {
    return print(w, e, out);
}
