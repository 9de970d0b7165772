/* deparse.c: expressions back into SQL. */
#include "catalog/deparse.h"

#include "base/coro.h"
#include "catalog/internal.h"
#include "parse/parse.h"

#define STACK_MARGIN 32768

static status put(struct deparse *d, const char *s) {
    return buf_add_str(d->out, s);
}

status deparse_name(struct deparse *d, const struct list *names) {
    LIST_EACH(const char *, name, names) {
        if (name_i) TRY(put(d, "."));
        TRY(print_identifier(d->out, name));
    }
    return OK;
}

status deparse_type(struct deparse *d, const struct ast_type_name *t) {
    oid type;
    int32_t typmod;
    TRY(type_from_ast(d->env, t, &type, &typmod));
    return type_name_print(d->env, type, typmod, d->out);
}

status deparse_list(struct deparse *d, const struct list *l, const char *separator) {
    LIST_EACH(struct node *, n, l) {
        if (n_i) TRY(put(d, separator));
        TRY(deparse_expression(d, n, 0));
    }
    return OK;
}

/* ---- literals -------------------------------------------------------------------------------- */

static status print_bits(struct deparse *d, const struct ast_literal *l) {
    TRY(put(d, l->kind == LITERAL_BITS ? "B" : "X"));
    return print_literal(d->out, l->text + 1, l->length ? l->length - 1 : 0);
}

static status print_literal_node(struct deparse *d, const struct ast_literal *l, oid want) {
    switch (l->kind) {
    case LITERAL_NULL: TRY(put(d, "NULL")); break;
    case LITERAL_BOOL: return put(d, l->integer ? "true" : "false");
    case LITERAL_INTEGER:
        if (l->text[0] != '-') return put(d, l->text);
        return buf_printf(d->out, "'%s'::integer", l->text);
    case LITERAL_NUMERIC:
        if (l->text[0] != '-') return put(d, l->text);
        return buf_printf(d->out, "'%s'::%s", l->text,
                          strpbrk(l->text, ".eE")               ? "numeric"
                          : strcmp(l->text, "-2147483648") == 0 ? "integer"
                                                                : "bigint");
    case LITERAL_BITS:
    case LITERAL_HEX: return print_bits(d, l);
    case LITERAL_STRING:
        if (strchr(l->text, '\\')) TRY(put(d, "E"));
        TRY(put(d, "'"));
        for (uint32_t i = 0; i < l->length; i++) {
            if (l->text[i] == '\'' || l->text[i] == '\\') TRY(buf_add(d->out, l->text + i, 1));
            TRY(buf_add(d->out, l->text + i, 1));
        }
        TRY(put(d, "'"));
        break;
    }
    if (!want) return OK;
    TRY(put(d, "::"));
    return type_name_print(d->env, want, -1, d->out);
}

/* ---- operators ------------------------------------------------------------------------------- */

static oid column_type(const struct deparse *d, const struct node *n) {
    if (!d->columns || !n || n->kind != NODE_COLUMN_REF) return 0;
    const struct list *names = ((const struct ast_column_ref *)n)->names;
    if (!list_n(names)) return 0;
    const char *name = list_at(names, list_n(names) - 1);
    for (unsigned i = 0; i < d->columns->natts; i++)
        if (!d->columns->atts[i].dropped && !strcmp(d->columns->atts[i].name, name))
            return d->columns->atts[i].type;
    return 0;
}

/* An operand beside `other`: a string literal takes the type of a column; a varchar column is
 * compared as text. */
static status print_operand(struct deparse *d, struct node *n, struct node *other) {
    if (!n) return OK;
    oid other_type = column_type(d, other);
    if (ast_is_literal(n, LITERAL_STRING) && other_type)
        return deparse_expression(d, n, other_type == VARCHAROID ? TEXTOID : other_type);
    if (column_type(d, n) == VARCHAROID) {
        TRY(put(d, "("));
        TRY(deparse_expression(d, n, 0));
        return put(d, ")::text");
    }
    return deparse_expression(d, n, 0);
}

static status print_operator(struct deparse *d, const struct list *names) {
    if (list_n(names) == 1) return put(d, list_at(names, 0));
    TRY(put(d, "OPERATOR("));
    LIST_EACH(const char *, name, names) {
        bool last = name_i == list_n(names) - 1;
        TRY(last ? put(d, name) : print_identifier(d->out, name));
        if (!last) TRY(put(d, "."));
    }
    return put(d, ")");
}

static status print_op(struct deparse *d, const struct ast_op *o) {
    TRY(put(d, "("));
    if (o->left) {
        TRY(print_operand(d, o->left, o->right));
        TRY(put(d, " "));
    }
    TRY(print_operator(d, o->names));
    TRY(put(d, " "));
    TRY(print_operand(d, o->right, o->left));
    return put(d, ")");
}

static status print_comparison(struct deparse *d, struct node *left, const char *op,
                               struct node *right) {
    TRY(put(d, "("));
    TRY(print_operand(d, left, right));
    TRY(buf_printf(d->out, " %s ", op));
    TRY(print_operand(d, right, left));
    return put(d, ")");
}

static status print_bool(struct deparse *d, const struct ast_bool *b) {
    TRY(put(d, b->kind == BOOL_NOT ? "(NOT " : "("));
    TRY(deparse_list(d, b->args, b->kind == BOOL_AND ? " AND " : " OR "));
    return put(d, ")");
}

static status print_between(struct deparse *d, const struct ast_between *b) {
    if (b->symmetric) {
        TRY(put(d, "("));
        TRY(deparse_expression(d, b->arg, 0));
        TRY(put(d, b->negated ? " NOT BETWEEN SYMMETRIC " : " BETWEEN SYMMETRIC "));
        TRY(deparse_expression(d, b->low, 0));
        TRY(put(d, " AND "));
        TRY(deparse_expression(d, b->high, 0));
        return put(d, ")");
    }
    TRY(put(d, "("));
    TRY(print_comparison(d, b->arg, b->negated ? "<" : ">=", b->low));
    TRY(put(d, b->negated ? " OR " : " AND "));
    TRY(print_comparison(d, b->arg, b->negated ? ">" : "<=", b->high));
    return put(d, ")");
}

static bool all_literals(const struct list *l) {
    LIST_EACH(struct node *, n, l) {
        if (n->kind != NODE_LITERAL) return false;
    }
    return true;
}

/* x IN (literals) becomes x = ANY (ARRAY[…]); anything else is written as it was. */
static status print_in(struct deparse *d, const struct ast_in *in) {
    TRY(put(d, "("));
    if (!all_literals(in->items)) {
        TRY(deparse_expression(d, in->left, 0));
        TRY(put(d, in->negated ? " NOT IN (" : " IN ("));
        TRY(deparse_list(d, in->items, ", "));
        return put(d, "))");
    }
    oid type = column_type(d, in->left);
    if (type == VARCHAROID) type = TEXTOID;
    TRY(print_operand(d, in->left, NULL));
    TRY(put(d, in->negated ? " <> ALL (ARRAY[" : " = ANY (ARRAY["));
    LIST_EACH(struct node *, n, in->items) {
        if (n_i) TRY(put(d, ", "));
        TRY(deparse_expression(d, n, ast_is_literal(n, LITERAL_STRING) ? type : 0));
    }
    return put(d, "]))");
}

static status print_op_array(struct deparse *d, const struct ast_op_array *o) {
    TRY(put(d, "("));
    TRY(deparse_expression(d, o->left, 0));
    TRY(put(d, " "));
    TRY(print_operator(d, o->names));
    TRY(put(d, o->is_all ? " ALL (" : " ANY ("));
    TRY(deparse_expression(d, o->right, 0));
    return put(d, "))");
}

static status print_postfix(struct deparse *d, struct node *arg, const char *words) {
    TRY(put(d, "("));
    TRY(deparse_expression(d, arg, 0));
    TRY(put(d, words));
    return put(d, ")");
}

static status print_bool_test(struct deparse *d, const struct ast_bool_test *t) {
    static const char *const words[] = {" IS TRUE",     " IS FALSE",     " IS UNKNOWN",
                                        " IS NOT TRUE", " IS NOT FALSE", " IS NOT UNKNOWN"};
    return print_postfix(d, t->arg, words[t->kind + (t->negated ? 3 : 0)]);
}

/* ---- casts, calls, CASE ---------------------------------------------------------------------- */

static status print_cast(struct deparse *d, const struct ast_type_cast *c) {
    if (c->arg->kind == NODE_LITERAL) {
        struct ast_literal *l = (struct ast_literal *)c->arg;
        bool negative = l->kind != LITERAL_STRING && l->text && l->text[0] == '-';
        TRY(negative ? print_literal(d->out, l->text, l->length) : print_literal_node(d, l, 0));
    } else {
        TRY(put(d, "("));
        TRY(deparse_expression(d, c->arg, 0));
        TRY(put(d, ")"));
    }
    TRY(put(d, "::"));
    return deparse_type(d, c->type);
}

static status print_call_name(struct deparse *d, const struct list *names) {
    if (list_n(names) == 2 && !strcmp(list_at(names, 0), "pg_catalog"))
        return print_identifier(d->out, list_at(names, 1));
    return deparse_name(d, names);
}

static status print_call(struct deparse *d, const struct ast_func_call *f) {
    TRY(print_call_name(d, f->names));
    TRY(put(d, f->distinct ? "(DISTINCT " : "("));
    if (f->star) TRY(put(d, "*"));
    LIST_EACH(struct node *, n, f->args) {
        if (n_i) TRY(put(d, ", "));
        if (f->variadic && n_i == list_n(f->args) - 1) TRY(put(d, "VARIADIC "));
        TRY(column_type(d, n) == VARCHAROID
                ? print_operand(d, n, NULL)
                : deparse_expression(d, n, ast_is_literal(n, LITERAL_STRING) ? TEXTOID : 0));
    }
    if (f->order_by && !f->within_group) {
        TRY(put(d, " ORDER BY "));
        TRY(deparse_order_by(d, f->order_by));
    }
    TRY(put(d, ")"));
    if (f->within_group) {
        TRY(put(d, " WITHIN GROUP (ORDER BY "));
        TRY(deparse_order_by(d, f->order_by));
        TRY(put(d, ")"));
    }
    if (f->filter) {
        TRY(put(d, " FILTER (WHERE "));
        TRY(deparse_expression(d, f->filter, 0));
        TRY(put(d, ")"));
    }
    if (!f->over) return OK;
    TRY(put(d, " OVER "));
    return deparse_window(d, f->over);
}

static status print_case(struct deparse *d, const struct ast_case *c) {
    TRY(put(d, "CASE"));
    if (c->arg) {
        TRY(put(d, " "));
        TRY(deparse_expression(d, c->arg, 0));
    }
    LIST_EACH(struct ast_case_when *, w, c->whens) {
        TRY(put(d, " WHEN "));
        TRY(deparse_expression(d, w->condition, 0));
        TRY(put(d, " THEN "));
        TRY(deparse_expression(d, w->result,
                               ast_is_literal(w->result, LITERAL_STRING) ? TEXTOID : 0));
    }
    if (c->otherwise) {
        TRY(put(d, " ELSE "));
        TRY(deparse_expression(d, c->otherwise,
                               ast_is_literal(c->otherwise, LITERAL_STRING) ? TEXTOID : 0));
    }
    return put(d, " END");
}

static status print_parenthesized(struct deparse *d, const char *word, const struct list *args) {
    TRY(put(d, word));
    TRY(deparse_list(d, args, ", "));
    return put(d, ")");
}

const char *deparse_sql_value(unsigned kind) {
    static const char *const words[] = {
        [VALUE_CURRENT_DATE] = "CURRENT_DATE",
        [VALUE_CURRENT_TIME] = "CURRENT_TIME",
        [VALUE_CURRENT_TIMESTAMP] = "CURRENT_TIMESTAMP",
        [VALUE_LOCALTIME] = "LOCALTIME",
        [VALUE_LOCALTIMESTAMP] = "LOCALTIMESTAMP",
        [VALUE_CURRENT_ROLE] = "CURRENT_ROLE",
        [VALUE_CURRENT_USER] = "CURRENT_USER",
        [VALUE_SESSION_USER] = "SESSION_USER",
        [VALUE_USER] = "USER",
        [VALUE_CURRENT_CATALOG] = "CURRENT_CATALOG",
        [VALUE_CURRENT_SCHEMA] = "CURRENT_SCHEMA",
    };
    return words[kind];
}

static status print_sql_value(struct deparse *d, const struct ast_sql_value *v) {
    TRY(put(d, deparse_sql_value(v->kind)));
    return v->precision >= 0 ? buf_printf(d->out, "(%d)", v->precision) : OK;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static status print_indirection(struct deparse *d, const struct ast_indirection *x) {
    TRY(put(d, "("));
    TRY(deparse_expression(d, x->arg, 0));
    TRY(put(d, ")"));
    LIST_EACH(struct node *, step, x->steps) {
        if (step->kind == NODE_FIELD) {
            const char *name = ((struct ast_field *)step)->name;
            TRY(put(d, "."));
            TRY(name ? print_identifier(d->out, name) : put(d, "*"));
            continue;
        }
        const struct ast_subscript *s = (const struct ast_subscript *)step;
        TRY(put(d, "["));
        if (s->low) TRY(deparse_expression(d, s->low, 0));
        if (s->slice) TRY(put(d, ":"));
        if (s->high) TRY(deparse_expression(d, s->high, 0));
        TRY(put(d, "]"));
    }
    return OK;
}

static status print_sublink(struct deparse *d, const struct ast_sublink *s) {
    TRY(put(d, s->kind == SUBLINK_ARRAY || s->kind == SUBLINK_EXISTS ? "" : "("));
    if (s->left) {
        TRY(deparse_expression(d, s->left, 0));
        TRY(put(d, " "));
    }
    if (s->kind == SUBLINK_EXISTS) TRY(put(d, "(EXISTS ("));
    if (s->kind == SUBLINK_ARRAY) TRY(put(d, "ARRAY("));
    if (s->kind == SUBLINK_ANY || s->kind == SUBLINK_ALL) {
        if (s->names) {
            TRY(print_operator(d, s->names));
            TRY(put(d, s->kind == SUBLINK_ALL ? " ALL (" : " ANY ("));
        } else {
            TRY(put(d, "IN ("));
        }
    }
    d->indent += 8;
    status st = deparse_query(d, s->query);
    d->indent -= 8;
    TRY(st);
    return put(d, s->kind == SUBLINK_SCALAR || s->kind == SUBLINK_ARRAY ? ")" : "))");
}

static status print_column(struct deparse *d, const struct ast_column_ref *c) {
    TRY(deparse_name(d, c->names));
    if (!c->star) return OK;
    return put(d, list_n(c->names) ? ".*" : "*");
}

static status print_distinct(struct deparse *d, const struct ast_distinct *x) {
    if (x->negated) TRY(put(d, "(NOT "));
    TRY(print_comparison(d, x->left, "IS DISTINCT FROM", x->right));
    return x->negated ? put(d, ")") : OK;
}

static status print_collate(struct deparse *d, const struct ast_collate *c) {
    TRY(put(d, "("));
    TRY(deparse_expression(d, c->arg, 0));
    TRY(put(d, " COLLATE "));
    for (int32_t i = 0; i < list_n(c->names); i++) {
        if (i) TRY(put(d, "."));
        TRY(print_identifier(d->out, list_at(c->names, i)));
    }
    return put(d, ")");
}

static status print_named_arg(struct deparse *d, const struct ast_named_arg *a) {
    TRY(print_identifier(d->out, a->name));
    TRY(put(d, " => "));
    return deparse_expression(d, a->arg, 0);
}

static status print_nullif(struct deparse *d, const struct ast_nullif *x) {
    TRY(put(d, "NULLIF("));
    TRY(deparse_expression(d, x->left, 0));
    TRY(put(d, ", "));
    TRY(deparse_expression(d, x->right, 0));
    return put(d, ")");
}

static status print_array(struct deparse *d, const struct ast_array *a) {
    TRY(put(d, "ARRAY["));
    LIST_EACH(struct node *, n, a->elements) {
        if (n_i) TRY(put(d, ", "));
        TRY(deparse_expression(d, n, ast_is_literal(n, LITERAL_STRING) ? TEXTOID : 0));
    }
    return put(d, "]");
}

static status print_min_max(struct deparse *d, const struct ast_min_max *m) {
    return print_parenthesized(d, m->least ? "LEAST(" : "GREATEST(", m->args);
}

status deparse_expression(struct deparse *d, struct node *n, oid want) {
    if (coro_stack_left() < STACK_MARGIN)
        return error_set(d->env->eval.error, ST_STATEMENT_TOO_COMPLEX,
                         "stack depth limit exceeded");
    switch ((enum node_kind)n->kind) {
    case NODE_LITERAL: return print_literal_node(d, (struct ast_literal *)n, want);
    case NODE_COLUMN_REF: return print_column(d, (struct ast_column_ref *)n);
    case NODE_TYPE_CAST: return print_cast(d, (struct ast_type_cast *)n);
    case NODE_COLLATE: return print_collate(d, (struct ast_collate *)n);
    case NODE_OP: return print_op(d, (struct ast_op *)n);
    case NODE_OP_ARRAY: return print_op_array(d, (struct ast_op_array *)n);
    case NODE_BOOL: return print_bool(d, (struct ast_bool *)n);
    case NODE_DISTINCT: return print_distinct(d, (struct ast_distinct *)n);
    case NODE_NULL_TEST:
        return print_postfix(d, ((struct ast_null_test *)n)->arg,
                             ((struct ast_null_test *)n)->negated ? " IS NOT NULL" : " IS NULL");
    case NODE_BOOL_TEST: return print_bool_test(d, (struct ast_bool_test *)n);
    case NODE_BETWEEN: return print_between(d, (struct ast_between *)n);
    case NODE_IN: return print_in(d, (struct ast_in *)n);
    case NODE_FUNC_CALL: return print_call(d, (struct ast_func_call *)n);
    case NODE_NAMED_ARG: return print_named_arg(d, (struct ast_named_arg *)n);
    case NODE_CASE: return print_case(d, (struct ast_case *)n);
    case NODE_COALESCE:
        return print_parenthesized(d, "COALESCE(", ((struct ast_coalesce *)n)->args);
    case NODE_NULLIF: return print_nullif(d, (struct ast_nullif *)n);
    case NODE_MIN_MAX: return print_min_max(d, (struct ast_min_max *)n);
    case NODE_SQL_VALUE: return print_sql_value(d, (struct ast_sql_value *)n);
    case NODE_SUBLINK: return print_sublink(d, (struct ast_sublink *)n);
    case NODE_ARRAY: return print_array(d, (struct ast_array *)n);
    case NODE_ROW: return print_parenthesized(d, "ROW(", ((struct ast_row *)n)->args);
    case NODE_GROUPING_FUNC:
        return print_parenthesized(d, "GROUPING(", ((struct ast_grouping_func *)n)->args);
    case NODE_INDIRECTION: return print_indirection(d, (struct ast_indirection *)n);
    case NODE_DEFAULT: return put(d, "DEFAULT");
    case NODE_PARAM: return buf_printf(d->out, "$%d", ((struct ast_param *)n)->number);
    default:
        return error_set(d->env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "this expression (%s) cannot be stored in a catalog",
                         ast_kind_name((enum node_kind)n->kind));
    }
}
