/* deparse_change.c: INSERT, UPDATE and DELETE back into SQL, for bodies of functions. */
#include "catalog/deparse.h"
#include "catalog/internal.h"

static status put(struct deparse *d, const char *s) {
    return buf_add_str(d->out, s);
}

static status clause(struct deparse *d, const char *words) {
    return buf_printf(d->out, "\n%*s%s", (int)d->indent + 3, "", words);
}

static status refuse(struct deparse *d, const char *what) {
    return error_set(d->env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                     "%s in the body of a function is not supported", what);
}

static status print_columns(struct deparse *d, const struct list *columns) {
    LIST_EACH(struct ast_column_target *, c, columns) {
        if (c->steps) return refuse(d, "part of a column");
        if (c_i) TRY(put(d, ", "));
        TRY(print_identifier(d->out, c->name));
    }
    return OK;
}

static status print_sets(struct deparse *d, const struct list *sets) {
    LIST_EACH(struct ast_set *, s, sets) {
        if (s_i) TRY(put(d, ", "));
        if (s->multi) TRY(put(d, "("));
        TRY(print_columns(d, s->targets));
        TRY(put(d, s->multi ? ") = " : " = "));
        TRY(deparse_expression(d, s->value, 0));
    }
    return OK;
}

static status print_where(struct deparse *d, struct node *where) {
    if (!where) return OK;
    if (where->kind == NODE_CURRENT_OF) return refuse(d, "WHERE CURRENT OF");
    TRY(clause(d, "WHERE "));
    return deparse_expression(d, where, 0);
}

static status print_returning(struct deparse *d, const struct list *targets) {
    LIST_EACH(struct ast_target *, t, targets) {
        TRY(t_i ? put(d, ", ") : clause(d, "RETURNING "));
        TRY(deparse_expression(d, t->value, 0));
        if (!t->name) continue;
        TRY(put(d, " AS "));
        TRY(print_identifier(d->out, t->name));
    }
    return OK;
}

static status print_conflict(struct deparse *d, const struct ast_on_conflict *c) {
    if (!c) return OK;
    TRY(clause(d, "ON CONFLICT"));
    if (c->infer && c->infer->constraint) {
        TRY(put(d, " ON CONSTRAINT "));
        TRY(print_identifier(d->out, c->infer->constraint));
    } else if (c->infer) {
        TRY(put(d, "("));
        LIST_EACH(struct ast_index_element *, e, c->infer->elements) {
            if (!e->name) return refuse(d, "ON CONFLICT on an expression");
            if (e_i) TRY(put(d, ", "));
            TRY(print_identifier(d->out, e->name));
        }
        TRY(put(d, ")"));
        TRY(print_where(d, c->infer->where));
    }
    if (!c->do_update) return put(d, " DO NOTHING");
    TRY(put(d, " DO UPDATE SET "));
    TRY(print_sets(d, c->sets));
    return print_where(d, c->where);
}

static status print_insert(struct deparse *d, const struct ast_insert *n) {
    static const char *const overrides[] = {"", "OVERRIDING USER VALUE ",
                                            "OVERRIDING SYSTEM VALUE "};
    TRY(put(d, "INSERT INTO "));
    TRY(deparse_range_var(d, n->relation));
    TRY(put(d, " "));
    if (n->columns) {
        TRY(put(d, "("));
        TRY(print_columns(d, n->columns));
        TRY(put(d, ") "));
    }
    TRY(put(d, overrides[n->override]));
    if (!n->source)
        TRY(put(d, "DEFAULT VALUES"));
    else {
        TRY(clause(d, ""));
        TRY(deparse_query(d, &n->source->node));
    }
    TRY(print_conflict(d, n->on_conflict));
    return print_returning(d, n->returning);
}

static status print_from(struct deparse *d, const struct list *from, const char *words) {
    LIST_EACH(struct node *, n, from) {
        TRY(n_i ? put(d, ", ") : clause(d, words));
        TRY(deparse_range(d, n));
    }
    return OK;
}

static status print_update(struct deparse *d, const struct ast_update *n) {
    TRY(put(d, "UPDATE "));
    TRY(deparse_range_var(d, n->relation));
    TRY(put(d, " SET "));
    TRY(print_sets(d, n->sets));
    TRY(print_from(d, n->from, "FROM "));
    TRY(print_where(d, n->where));
    return print_returning(d, n->returning);
}

static status print_delete(struct deparse *d, const struct ast_delete *n) {
    TRY(put(d, "DELETE FROM "));
    TRY(deparse_range_var(d, n->relation));
    TRY(print_from(d, n->using_tables, "USING "));
    TRY(print_where(d, n->where));
    return print_returning(d, n->returning);
}

status deparse_statement(struct deparse *d, struct node *n) {
    const struct ast_with *with = n->kind == NODE_INSERT   ? ast_as_insert(n)->with
                                  : n->kind == NODE_UPDATE ? ast_as_update(n)->with
                                  : n->kind == NODE_DELETE ? ast_as_delete(n)->with
                                                           : NULL;
    if (with) TRY(deparse_with(d, with));
    switch ((enum node_kind)n->kind) {
    case NODE_SELECT: return deparse_query(d, n);
    case NODE_INSERT: return print_insert(d, ast_as_insert(n));
    case NODE_UPDATE: return print_update(d, ast_as_update(n));
    case NODE_DELETE: return print_delete(d, ast_as_delete(n));
    default: return refuse(d, ast_kind_name((enum node_kind)n->kind));
    }
}
