/* print_with.c: WITH. */
#include "analyse/print_internal.h"

static status print_recursive(struct printer *p, const struct cte *c) {
    struct select_list l = {.names_visible = true}, unnamed = {0};
    TRY(print_leaf(p, c->query, &l));
    TRY(p->style.lines ? put_keyword(p, "", 0, 0, 0) : put(p, " "));
    TRY(put(p, c->union_all ? "UNION ALL " : "UNION "));
    TRY(put_keyword(p, "", 0, 0, 0));
    return print_leaf(p, c->recursive, &unnamed);
}

static status names(struct printer *p, const struct list *l) {
    LIST_EACH(const char *, name, l) {
        if (name_i) TRY(put(p, ", "));
        TRY(put_name(p, name));
    }
    return OK;
}

static status print_search(struct printer *p, const struct ast_cte_search *s) {
    TRY(put(p, s->breadth_first ? " SEARCH BREADTH FIRST BY " : " SEARCH DEPTH FIRST BY "));
    TRY(names(p, s->columns));
    TRY(put(p, " SET "));
    return put_name(p, s->path_column);
}

static bool is_bool(const struct expr *e, bool value) {
    return e->kind == EXPR_CONST && e->type == BOOLOID && !e->constant.is_null &&
           e->constant.value.b == value;
}

static status print_cycle(struct printer *p, const struct cte *c) {
    TRY(put(p, " CYCLE "));
    TRY(names(p, c->cycle->columns));
    TRY(put(p, " SET "));
    TRY(put_name(p, c->cycle->mark_column));
    if (c->mark[0] && !(is_bool(c->mark[0], true) && is_bool(c->mark[1], false))) {
        TRY(put(p, " TO "));
        TRY(print_expr(p, c->mark[0], false));
        TRY(put(p, " DEFAULT "));
        TRY(print_expr(p, c->mark[1], false));
    }
    TRY(put(p, " USING "));
    return put_name(p, c->cycle->path_column);
}

static status print_cte(struct printer *p, const struct cte *c) {
    TRY(put_name(p, c->name));
    for (uint16_t i = 0; i < c->nnamed; i++) {
        TRY(put(p, i ? ", " : "("));
        TRY(put_name(p, c->columns[i].name));
    }
    TRY(put(p, c->nnamed ? ") AS " : " AS "));
    if (c->materialize != CTE_DEFAULT)
        TRY(put(p, c->materialize == CTE_MATERIALIZED ? "MATERIALIZED " : "NOT MATERIALIZED "));
    TRY(put(p, "("));
    TRY(put_keyword(p, "", 0, 0, 0));
    struct select_list l = {.names_visible = true};
    int indent = p->indent;
    status st = c->recursive ? print_recursive(p, c) : print_nested(p, c->query, &l, false);
    p->indent = indent;
    TRY(st);
    TRY(put_keyword(p, "", 0, 0, 0));
    TRY(put(p, ")"));
    if (c->search) TRY(print_search(p, c->search));
    return c->cycle ? print_cycle(p, c) : OK;
}

status print_with(struct printer *p, const struct query *q) {
    if (!q->nctes) return OK;
    if (p->style.lines) {
        p->indent += INDENT_STEP;
        TRY(put(p, " "));
    }
    TRY(put(p, q->with_recursive ? "WITH RECURSIVE " : "WITH "));
    for (uint16_t i = 0; i < q->nctes; i++) {
        if (i) TRY(put(p, ", "));
        TRY(print_cte(p, q->ctes[i]));
    }
    if (!p->style.lines) return put(p, " ");
    p->indent -= INDENT_STEP;
    return put_keyword(p, "", 0, 0, 0);
}
