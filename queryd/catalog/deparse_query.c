/* deparse_query.c: queries back into SQL, laid out as pg_get_viewdef does. */
#include "base/coro.h"
#include "catalog/deparse.h"
#include "catalog/internal.h"
#include "parse/parse.h"

static status put(struct deparse *d, const char *s) {
    return buf_add_str(d->out, s);
}

/* A new line that begins with the keyword: PostgreSQL aligns clauses on their right edge. */
static status clause(struct deparse *d, const char *words, unsigned indent) {
    return buf_printf(d->out, "\n%*s%s", (int)(d->indent + indent), "", words);
}

static status refuse(struct deparse *d, const char *what) {
    return error_set(d->env->eval.error, ST_FEATURE_NOT_SUPPORTED, "%s in a view is not supported",
                     what);
}

status deparse_order_by(struct deparse *d, const struct list *l) {
    LIST_EACH(struct ast_sort_by *, s, l) {
        if (s_i) TRY(put(d, ", "));
        TRY(deparse_expression(d, s->value, 0));
        if (s->direction == SORT_DESC) TRY(put(d, " DESC"));
        if (s->direction == SORT_USING) {
            TRY(put(d, " USING "));
            TRY(put(d, list_at(s->using_names, list_n(s->using_names) - 1)));
        }
        if (s->nulls == SORT_NULLS_FIRST) TRY(put(d, " NULLS FIRST"));
        if (s->nulls == SORT_NULLS_LAST) TRY(put(d, " NULLS LAST"));
    }
    return OK;
}

/* ---- windows --------------------------------------------------------------------------------- */

static status frame_bound(struct deparse *d, enum ast_frame_bound b, struct node *offset) {
    static const char *const words[] = {"UNBOUNDED PRECEDING", " PRECEDING", "CURRENT ROW",
                                        " FOLLOWING", "UNBOUNDED FOLLOWING"};
    if (offset) TRY(deparse_expression(d, offset, 0));
    return put(d, words[b]);
}

static status window_body(struct deparse *d, const struct ast_window_def *w) {
    static const char *const modes[] = {"RANGE", "ROWS", "GROUPS"};
    static const char *const exclude[] = {"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP",
                                          " EXCLUDE TIES"};
    const char *space = "";
    TRY(put(d, "("));
    if (w->base) {
        TRY(print_identifier(d->out, w->base));
        space = " ";
    }
    if (w->partition_by) {
        TRY(buf_printf(d->out, "%sPARTITION BY ", space));
        TRY(deparse_list(d, w->partition_by, ", "));
        space = " ";
    }
    if (w->order_by) {
        TRY(buf_printf(d->out, "%sORDER BY ", space));
        TRY(deparse_order_by(d, w->order_by));
        space = " ";
    }
    if (w->frame_given) {
        TRY(buf_printf(d->out, "%s%s BETWEEN ", space, modes[w->mode]));
        TRY(frame_bound(d, w->start, w->start_offset));
        TRY(put(d, " AND "));
        TRY(frame_bound(d, w->end, w->end_offset));
        TRY(put(d, exclude[w->exclude]));
    }
    return put(d, ")");
}

status deparse_window(struct deparse *d, const struct ast_window_def *w) {
    return w->name ? print_identifier(d->out, w->name) : window_body(d, w);
}

/* ---- FROM ------------------------------------------------------------------------------------ */

static status print_alias(struct deparse *d, const struct ast_alias *a) {
    if (!a) return OK;
    TRY(put(d, " "));
    TRY(print_identifier(d->out, a->name));
    if (!a->columns) return OK;
    TRY(put(d, "("));
    LIST_EACH(const char *, name, a->columns) {
        if (name_i) TRY(put(d, ", "));
        TRY(print_identifier(d->out, name));
    }
    return put(d, ")");
}

status deparse_range_var(struct deparse *d, const struct ast_range_var *r) {
    if (r->as_of || r->sample) return refuse(d, r->as_of ? "AS OF SYSTEM TIME" : "TABLESAMPLE");
    if (r->only) TRY(put(d, "ONLY "));
    bool hide = false;
    if (r->schema && d->hide_schemas) {
        oid relation, bare;
        TRY(relation_oid_named(d->env, r->schema, r->name, &relation));
        TRY(relation_oid_named(d->env, NULL, r->name, &bare));
        hide = relation && relation == bare;
    }
    if (r->schema && !hide) {
        TRY(print_identifier(d->out, r->schema));
        TRY(put(d, "."));
    }
    TRY(print_identifier(d->out, r->name));
    return print_alias(d, r->alias);
}

static status print_nested(struct deparse *d, struct node *query) {
    TRY(put(d, "("));
    d->indent += 8;
    status st = deparse_query(d, query);
    d->indent -= 8;
    TRY(st);
    return put(d, ")");
}

static status print_range_function(struct deparse *d, const struct ast_range_function *f) {
    if (f->columns) return refuse(d, "a column definition list");
    if (f->lateral) TRY(put(d, "LATERAL "));
    if (f->rows_from) TRY(put(d, "ROWS FROM("));
    LIST_EACH(struct ast_range_function_item *, item, f->functions) {
        if (item_i) TRY(put(d, ", "));
        if (item->columns) return refuse(d, "a column definition list");
        TRY(deparse_expression(d, item->call, 0));
    }
    if (f->rows_from) TRY(put(d, ")"));
    if (f->ordinality) TRY(put(d, " WITH ORDINALITY"));
    return print_alias(d, f->alias);
}

static status print_join(struct deparse *d, const struct ast_join *j) {
    static const char *const words[] = {"JOIN ", "LEFT JOIN ", "FULL JOIN ", "RIGHT JOIN "};
    bool cross = j->type == JOIN_INNER && !j->natural && !j->on && !j->using_columns;
    if (j->alias) TRY(put(d, "("));
    TRY(deparse_range(d, j->left));
    TRY(clause(d, j->natural ? "NATURAL " : "", 5));
    TRY(put(d, cross ? "CROSS JOIN " : words[j->type]));
    bool nested = j->right->kind == NODE_JOIN;
    if (nested) TRY(put(d, "("));
    TRY(deparse_range(d, j->right));
    if (nested) TRY(put(d, ")"));
    if (j->on) {
        TRY(put(d, " ON "));
        TRY(deparse_expression(d, j->on, 0));
    }
    if (j->using_columns) {
        TRY(put(d, " USING ("));
        LIST_EACH(const char *, name, j->using_columns) {
            if (name_i) TRY(put(d, ", "));
            TRY(print_identifier(d->out, name));
        }
        TRY(put(d, ")"));
        if (j->using_alias) {
            TRY(put(d, " AS"));
            TRY(print_alias(d, j->using_alias));
        }
    }
    if (j->alias) {
        TRY(put(d, ")"));
        TRY(print_alias(d, j->alias));
    }
    return OK;
}

status deparse_range(struct deparse *d, struct node *n) {
    switch ((enum node_kind)n->kind) {
    case NODE_RANGE_VAR: return deparse_range_var(d, (struct ast_range_var *)n);
    case NODE_RANGE_SUBQUERY: {
        struct ast_range_subquery *q = (struct ast_range_subquery *)n;
        if (q->lateral) TRY(put(d, "LATERAL "));
        TRY(print_nested(d, q->query));
        return print_alias(d, q->alias);
    }
    case NODE_RANGE_FUNCTION: return print_range_function(d, (struct ast_range_function *)n);
    case NODE_JOIN: return print_join(d, (struct ast_join *)n);
    default: return refuse(d, ast_kind_name((enum node_kind)n->kind));
    }
}

/* ---- SELECT ---------------------------------------------------------------------------------- */

static status print_targets(struct deparse *d, const struct list *targets) {
    LIST_EACH(struct ast_target *, t, targets) {
        if (t_i) {
            TRY(put(d, ","));
            TRY(clause(d, "", 4));
        }
        bool text = t->value->kind == NODE_LITERAL &&
                    ((struct ast_literal *)t->value)->kind == LITERAL_STRING;
        TRY(deparse_expression(d, t->value, text ? TEXTOID : 0));
        if (t->name) {
            TRY(put(d, " AS "));
            TRY(print_identifier(d->out, t->name));
        }
    }
    return OK;
}

static status print_names(struct deparse *d, const struct list *names) {
    LIST_EACH(const char *, name, names) {
        if (name_i) TRY(put(d, ", "));
        TRY(print_identifier(d->out, name));
    }
    return OK;
}

static status print_search(struct deparse *d, const struct ast_cte_search *c) {
    TRY(put(d, c->breadth_first ? " SEARCH BREADTH FIRST BY " : " SEARCH DEPTH FIRST BY "));
    TRY(print_names(d, c->columns));
    TRY(put(d, " SET "));
    return print_identifier(d->out, c->path_column);
}

static bool is_bool(struct node *n, int32_t value) {
    const struct ast_literal *l = n && n->kind == NODE_LITERAL ? ast_as_literal(n) : NULL;
    return l && l->kind == LITERAL_BOOL && l->integer == value;
}

static status print_cycle(struct deparse *d, const struct ast_cte_search *c) {
    TRY(put(d, " CYCLE "));
    TRY(print_names(d, c->columns));
    TRY(put(d, " SET "));
    TRY(print_identifier(d->out, c->mark_column));
    if (c->mark_value && !(is_bool(c->mark_value, 1) && is_bool(c->mark_default, 0))) {
        TRY(put(d, " TO "));
        TRY(deparse_expression(d, c->mark_value, 0));
        TRY(put(d, " DEFAULT "));
        TRY(deparse_expression(d, c->mark_default, 0));
    }
    TRY(put(d, " USING "));
    return print_identifier(d->out, c->path_column);
}

status deparse_with(struct deparse *d, const struct ast_with *w) {
    TRY(put(d, w->recursive ? "WITH RECURSIVE " : "WITH "));
    LIST_EACH(struct ast_cte *, c, w->ctes) {
        if (c_i) TRY(put(d, ", "));
        TRY(print_identifier(d->out, c->name));
        if (c->columns) {
            TRY(put(d, "("));
            TRY(print_names(d, c->columns));
            TRY(put(d, ")"));
        }
        TRY(put(d, c->materialize == CTE_DEFAULT        ? " AS "
                   : c->materialize == CTE_MATERIALIZED ? " AS MATERIALIZED "
                                                        : " AS NOT MATERIALIZED "));
        TRY(print_nested(d, c->query));
        if (c->search) TRY(print_search(d, ast_as_cte_search(c->search)));
        if (c->cycle) TRY(print_cycle(d, ast_as_cte_search(c->cycle)));
    }
    return put(d, "\n ");
}

static status print_grouping(struct deparse *d, const struct list *l) {
    static const char *const words[] = {"(", "ROLLUP(", "CUBE(", "GROUPING SETS ("};
    LIST_EACH(struct node *, n, l) {
        if (n_i) TRY(put(d, ", "));
        if (n->kind == NODE_ROW && !ast_as_row(n)->explicit_row) { /* several columns, no value */
            TRY(put(d, "("));
            TRY(print_grouping(d, ast_as_row(n)->args));
            TRY(put(d, ")"));
            continue;
        }
        if (n->kind != NODE_GROUPING_SET) {
            TRY(deparse_expression(d, n, 0));
            continue;
        }
        const struct ast_grouping_set *g = (const struct ast_grouping_set *)n;
        TRY(put(d, words[g->kind]));
        TRY(print_grouping(d, g->content));
        TRY(put(d, ")"));
    }
    return OK;
}

static status print_values(struct deparse *d, const struct list *rows) {
    TRY(put(d, "VALUES "));
    LIST_EACH(struct list *, row, rows) {
        TRY(put(d, row_i ? ", (" : "("));
        TRY(deparse_list(d, row, ", "));
        TRY(put(d, ")"));
    }
    return OK;
}

static status print_plain_select(struct deparse *d, const struct ast_select *s) {
    TRY(put(d, "SELECT "));
    if (s->distinct_on) {
        TRY(put(d, "DISTINCT ON ("));
        TRY(deparse_list(d, s->distinct_on, ", "));
        TRY(put(d, ") "));
    } else if (s->distinct) {
        TRY(put(d, "DISTINCT "));
    }
    TRY(print_targets(d, s->targets));
    LIST_EACH(struct node *, n, s->from) {
        TRY(n_i ? put(d, ",") : clause(d, "FROM ", 3));
        if (n_i) TRY(clause(d, "", 4));
        TRY(deparse_range(d, n));
    }
    if (s->where) {
        TRY(clause(d, "WHERE ", 2));
        TRY(deparse_expression(d, s->where, 0));
    }
    if (s->group_by) {
        TRY(clause(d, s->group_distinct ? "GROUP BY DISTINCT " : "GROUP BY ", 2));
        TRY(print_grouping(d, s->group_by));
    }
    if (s->having) {
        TRY(clause(d, "HAVING ", 1));
        TRY(deparse_expression(d, s->having, 0));
    }
    LIST_EACH(struct ast_window_def *, w, s->windows) {
        TRY(w_i ? put(d, ", ") : clause(d, "WINDOW ", 2));
        TRY(print_identifier(d->out, w->name));
        TRY(put(d, " AS "));
        TRY(window_body(d, w));
    }
    return OK;
}

static bool is_simple(const struct ast_select *s) {
    return !s->order_by && !s->limit && !s->offset && !s->with && s->set_op == SETOP_NONE;
}

static status print_side(struct deparse *d, struct ast_select *s) {
    if (is_simple(s)) return deparse_query(d, &s->node);
    return print_nested(d, &s->node);
}

static status print_set_operation(struct deparse *d, const struct ast_select *s) {
    static const char *const words[] = {"", "UNION", "INTERSECT", "EXCEPT"};
    TRY(print_side(d, s->left));
    TRY(clause(d, words[s->set_op], 0));
    if (s->all) TRY(put(d, " ALL"));
    TRY(clause(d, "", 1));
    return print_side(d, s->right);
}

static status print_tail(struct deparse *d, const struct ast_select *s) {
    if (s->order_by) {
        TRY(clause(d, "ORDER BY ", 2));
        TRY(deparse_order_by(d, s->order_by));
    }
    if (s->offset) {
        TRY(clause(d, "OFFSET ", 1));
        TRY(deparse_expression(d, s->offset, 0));
    }
    if (s->limit && s->with_ties) {
        TRY(clause(d, "FETCH FIRST (", 1));
        TRY(deparse_expression(d, s->limit, 0));
        return put(d, ") ROWS WITH TIES");
    }
    if (s->limit) {
        TRY(clause(d, "LIMIT ", 1));
        TRY(deparse_expression(d, s->limit, 0));
    }
    return OK;
}

status deparse_query(struct deparse *d, struct node *query) {
    if (coro_stack_left() < 32768)
        return error_set(d->env->eval.error, ST_STATEMENT_TOO_COMPLEX,
                         "stack depth limit exceeded");
    if (query->kind != NODE_SELECT) return refuse(d, "a statement that changes rows");
    const struct ast_select *s = (const struct ast_select *)query;
    if (s->into || s->locking) return refuse(d, s->into ? "SELECT INTO" : "FOR UPDATE");
    if (s->with) TRY(deparse_with(d, s->with));
    if (s->values)
        TRY(print_values(d, s->values));
    else
        TRY(s->set_op == SETOP_NONE ? print_plain_select(d, s) : print_set_operation(d, s));
    return print_tail(d, s);
}
