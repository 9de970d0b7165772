/* print_call.c: calls of functions, operators, aggregates; syntax that has words of its own. */
#include "analyse/print_internal.h"
#include "catalog/deparse.h"
#include "catalog/routine.h"

/* Found by its bare name: in a schema of the search path. */
static status schema_visible(struct printer *p, const char *name, bool *ret) {
    oid schemas[SEARCH_PATH_MAX], creation, schema;
    size_t n;
    *ret = false;
    TRY(catalog_schema(p->env, name, &schema));
    TRY(search_path(p->env, schemas, &n, &creation));
    for (size_t i = 0; i < n; i++) *ret |= schemas[i] == schema;
    return OK;
}

status print_operator_name(struct printer *p, const struct operator_info *op) {
    bool visible = true;
    if (op->schema) TRY(schema_visible(p, op->schema, &visible));
    if (visible) return put(p, op->name);
    TRY(put(p, "OPERATOR("));
    TRY(put_name(p, op->schema));
    TRY(put(p, "."));
    TRY(put(p, op->name));
    return put(p, ")");
}

status print_function_name(struct printer *p, const struct function *f) {
    const struct routine *r;
    bool visible;
    if (!function_is_routine(f)) return put_name(p, f->name);
    TRY(catalog_routine(p->env, f->oid, &r));
    TRY(schema_visible(p, r->schema_name, &visible));
    if (!visible) {
        TRY(put_name(p, r->schema_name));
        TRY(put(p, "."));
    }
    return put_name(p, r->function.name);
}

/* ---- syntax with words ----------------------------------------------------------------------- */

static status words(struct printer *p, const struct expr *call, const char *before,
                    const struct expr *arg, const char *after) {
    TRY(put(p, before));
    TRY(print_expr_paren(p, arg, false, call));
    return put(p, after);
}

/* A constant text as the word that it stands for. */
static status bare_word(struct printer *p, const struct expr *e, bool upper) {
    if (e->kind != EXPR_CONST || e->constant.is_null) return print_expr(p, e, false);
    const struct varlena *v = e->constant.value.v;
    for (uint32_t i = 0; i < v->len; i++) {
        char c = v->data[i];
        if (upper && c >= 'a' && c <= 'z') c = (char)(c - 32);
        TRY(buf_add(p->out, &c, 1));
    }
    return OK;
}

static status print_zone(struct printer *p, const struct expr *e) {
    TRY(words(p, e, "(", e->args[1], " AT TIME ZONE "));
    return words(p, e, "", e->args[0], ")");
}

static status print_overlaps(struct printer *p, const struct expr *e) {
    static const char *const before[] = {"((", ", ", ") OVERLAPS (", ", "};
    for (uint16_t i = 0; i < 4; i++) {
        TRY(put(p, before[i]));
        TRY(print_expr(p, e->args[i], false));
    }
    return put(p, "))");
}

static status print_extract(struct printer *p, const struct expr *e) {
    TRY(put(p, "EXTRACT("));
    TRY(bare_word(p, e->args[0], false));
    TRY(put(p, " FROM "));
    TRY(print_expr(p, e->args[1], false));
    return put(p, ")");
}

static status print_normalized(struct printer *p, const struct expr *e) {
    TRY(words(p, e, "(", e->args[0], " IS"));
    if (e->nargs == 2) {
        TRY(put(p, " "));
        TRY(bare_word(p, e->args[1], true));
    }
    return put(p, " NORMALIZED)");
}

static status print_normalize(struct printer *p, const struct expr *e) {
    TRY(put(p, "NORMALIZE("));
    TRY(print_expr(p, e->args[0], false));
    if (e->nargs == 2) {
        TRY(put(p, ", "));
        TRY(bare_word(p, e->args[1], true));
    }
    return put(p, ")");
}

/* name(a WORD b WORD c WORD d) */
static status print_worded(struct printer *p, const struct expr *e, const char *name,
                           const char *const words_before[3]) {
    TRY(put(p, name));
    TRY(print_expr(p, e->args[0], false));
    for (uint16_t i = 1; i < e->nargs; i++) {
        TRY(put(p, words_before[i - 1]));
        TRY(print_expr(p, e->args[i], false));
    }
    return put(p, ")");
}

static status print_trim(struct printer *p, const struct expr *e, const char *side) {
    TRY(buf_printf(p->out, "TRIM(%s", side));
    if (e->nargs == 2) {
        TRY(put(p, " "));
        TRY(print_expr(p, e->args[1], false));
    }
    TRY(put(p, " FROM "));
    TRY(print_expr(p, e->args[0], false));
    return put(p, ")");
}

static status print_position(struct printer *p, const struct expr *e) {
    TRY(put(p, "POSITION(("));
    TRY(print_expr(p, e->args[1], false));
    TRY(put(p, ") IN ("));
    TRY(print_expr(p, e->args[0], false));
    return put(p, "))");
}

static bool is_similar(const struct expr *e) {
    return e->nargs == 3 && e->args[1]->type == TEXTOID;
}

status print_sql_syntax(struct printer *p, const struct expr *e, bool *ret_done) {
    static const char *const overlay[] = {" PLACING ", " FROM ", " FOR "},
                             *const similar[] = {" SIMILAR ", " ESCAPE ", ""},
                             *const part[] = {" FROM ", " FOR ", ""}, *const alone[] = {"", "", ""};
    const char *name = e->call.function->name;
    *ret_done = true;
    if (!strcmp(name, "timezone")) return print_zone(p, e);
    if (!strcmp(name, "overlaps")) return print_overlaps(p, e);
    if (!strcmp(name, "extract")) return print_extract(p, e);
    if (!strcmp(name, "is_normalized")) return print_normalized(p, e);
    if (!strcmp(name, "normalize")) return print_normalize(p, e);
    if (!strcmp(name, "position")) return print_position(p, e);
    if (!strcmp(name, "overlay")) return print_worded(p, e, "OVERLAY(", overlay);
    if (!strcmp(name, "substring"))
        return is_similar(e) ? print_worded(p, e, "SUBSTRING(", similar)
                             : print_worded(p, e, "SUBSTRING(", part);
    if (!strcmp(name, "btrim")) return print_trim(p, e, "BOTH");
    if (!strcmp(name, "ltrim")) return print_trim(p, e, "LEADING");
    if (!strcmp(name, "rtrim")) return print_trim(p, e, "TRAILING");
    if (!strcmp(name, "pg_collation_for")) return print_worded(p, e, "COLLATION FOR (", alone);
    *ret_done = false;
    return OK;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static status print_sql_value(struct printer *p, const struct expr *e) {
    TRY(put(p, deparse_sql_value(e->call.sql_value - 1u)));
    return e->typmod >= 0 ? buf_printf(p->out, "(%d)", e->typmod) : OK;
}

bool is_row_comparison(const struct expr *e) {
    return e->kind == EXPR_CALL && e->call.op && e->nargs == 2 && e->args[0]->kind == EXPR_ROW &&
           e->args[1]->kind == EXPR_ROW && e->args[0]->type == RECORDOID;
}

static status print_operation(struct printer *p, const struct expr *e) {
    bool parens = !pretty_parens(p) || is_row_comparison(e);
    if (parens) TRY(put(p, "("));
    if (e->nargs == 2) {
        TRY(print_expr_paren(p, e->args[0], true, e));
        TRY(put(p, " "));
    }
    TRY(print_operator_name(p, e->call.op));
    TRY(put(p, " "));
    TRY(print_expr_paren(p, e->args[e->nargs - 1], true, e));
    return parens ? put(p, ")") : OK;
}

/* Arguments behind one that was left out are named. */
static status print_arguments(struct printer *p, const struct expr *e) {
    bool first = true, named = false;
    const struct function *f = e->call.function;
    for (uint16_t i = 0; i < e->nargs; i++) {
        if (e->args[i]->kind == EXPR_DEFAULT) {
            named = true;
            continue;
        }
        if (!first) TRY(put(p, ", "));
        first = false;
        if (named && f->arg_names && f->arg_names[i]) {
            TRY(put_name(p, f->arg_names[i]));
            TRY(put(p, " => "));
        }
        if (e->call.variadic && i == e->nargs - 1) TRY(put(p, "VARIADIC "));
        TRY(print_expr(p, e->args[i], true));
    }
    return OK;
}

status print_call(struct printer *p, const struct expr *e) {
    bool done = false;
    if (e->call.sql_value) return print_sql_value(p, e);
    if (e->call.op) return print_operation(p, e);
    if (e->call.sql_syntax) TRY(print_sql_syntax(p, e, &done));
    if (done) return OK;
    TRY(print_function_name(p, e->call.function));
    TRY(put(p, "("));
    TRY(print_arguments(p, e));
    return put(p, ")");
}

/* ---- aggregates ------------------------------------------------------------------------------ */

static status print_keys(struct printer *p, const struct expr *e) {
    for (uint16_t i = 0; i < e->agg.norder; i++) {
        const struct sort_key *k = &e->agg.order[i];
        if (i) TRY(put(p, ", "));
        TRY(print_order_key(p, e->args[e->agg.nplain + k->target], k, 0));
    }
    return OK;
}

static status print_window(struct printer *p, const struct expr *e) {
    const struct window *w = &p->level->q->windows[e->agg.window];
    TRY(put(p, " OVER "));
    return w->name ? put_name(p, w->name) : print_window_spec(p, w);
}

status print_aggregate(struct printer *p, const struct expr *e) {
    TRY(print_function_name(p, e->agg.function));
    TRY(put(p, e->agg.distinct ? "(DISTINCT " : "("));
    TRY(e->agg.star ? put(p, "*") : print_list(p, e->args, e->agg.nplain, true));
    if (e->agg.norder) {
        TRY(put(p, e->agg.within_group ? ") WITHIN GROUP (ORDER BY " : " ORDER BY "));
        TRY(print_keys(p, e));
    }
    if (e->agg.has_filter) {
        TRY(put(p, ") FILTER (WHERE "));
        TRY(print_expr(p, e->args[e->nargs - 1], false));
    }
    TRY(put(p, ")"));
    return e->kind == EXPR_WINDOW ? print_window(p, e) : OK;
}
