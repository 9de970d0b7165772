/* SEARCH and CYCLE: columns that a recursive query gets besides its own.
 *
 * Both sides become subqueries of queries that compute the added columns. These are written as SQL
 * here and parsed; the sides, and the values that the statement names, are put in afterwards. */
#include <stdarg.h>

#include "analyse/internal.h"

#define FIRST "*TLOCRN*"
#define AGAIN "*TROCRN*"

struct adding {
    struct scope *s;
    struct analyse *a;
    const struct ast_cte *cte;
    struct cte *to;
    const struct ast_cte_search *search, *cycle; /* NULL: none */
    const struct rte_column *columns;
    uint16_t n;
    struct buf text;
};

/* ---- what is refused ------------------------------------------------------------------------- */

static int column_number(const struct adding *w, const char *name) {
    for (uint16_t i = 0; i < w->n; i++)
        if (strcmp(w->columns[i].name, name) == 0) return i;
    return -1;
}

static status check_list(const struct adding *w, const struct ast_cte_search *c, const char *what) {
    LIST_EACH(const char *, name, c->columns) {
        if (column_number(w, name) < 0)
            return FAIL_AT(w->a, c->node.location, SYNTAX_ERROR,
                           "%s column \"%s\" not in WITH query column list", what, name);
        for (int32_t i = 0; i < name_i; i++)
            if (strcmp(list_at(c->columns, i), name) == 0)
                return FAIL_AT(w->a, c->node.location, DUPLICATE_COLUMN,
                               "%s column \"%s\" specified more than once", what, name);
    }
    return OK;
}

static status check_new(const struct adding *w, const struct ast_cte_search *c, const char *what,
                        const char *name) {
    if (column_number(w, name) < 0) return OK;
    return FAIL_AT(w->a, c->node.location, SYNTAX_ERROR,
                   "%s column name \"%s\" already used in WITH query column list", what, name);
}

static status check_mark_type(const struct adding *w) {
    struct expr *pair[2];
    oid type;
    if (!w->cycle->mark_value) return OK;
    TRY(transform_expr(w->s, w->cycle->mark_value, CLAUSE_NONE, &pair[0]));
    TRY(transform_expr(w->s, w->cycle->mark_default, CLAUSE_NONE, &pair[1]));
    TRY(common_type(w->a, pair, 2, "CYCLE", pair[1]->location, &type));
    const struct type *t = type_find(type);
    for (int i = 0; i < 2; i++) TRY(coerce_common(w->a, pair[i], type, "CYCLE", &w->to->mark[i]));
    if (t && type_is_ordered(t)) return OK;
    return FAIL_AT(w->a, -1, UNDEFINED_FUNCTION,
                   "could not identify an equality operator for type %s", type_words(w->a, type));
}

static status check_cycle(const struct adding *w) {
    const struct ast_cte_search *c = w->cycle;
    TRY(check_list(w, c, "cycle"));
    TRY(check_new(w, c, "cycle mark", c->mark_column));
    TRY(check_new(w, c, "cycle path", c->path_column));
    if (strcmp(c->mark_column, c->path_column) == 0)
        return FAIL_AT(w->a, c->node.location, SYNTAX_ERROR,
                       "cycle mark column name and cycle path column name are the same");
    return check_mark_type(w);
}

static status check_both(const struct adding *w) {
    const char *sequence = w->search->path_column;
    bool mark = strcmp(sequence, w->cycle->mark_column) == 0;
    if (!mark && strcmp(sequence, w->cycle->path_column) != 0) return OK;
    return FAIL_AT(w->a, w->search->node.location, SYNTAX_ERROR,
                   "search sequence column name and cycle %s column name are the same",
                   mark ? "mark" : "path");
}

static status check(const struct adding *w) {
    if (w->search) {
        TRY(check_list(w, w->search, "search"));
        TRY(check_new(w, w->search, "search sequence", w->search->path_column));
    }
    if (w->cycle) TRY(check_cycle(w));
    return w->search && w->cycle ? check_both(w) : OK;
}

/* ---- the text -------------------------------------------------------------------------------- */

[[gnu::format(printf, 2, 3)]] static status put(struct adding *w, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *s = arena_vprintf(w->a->arena, format, args);
    va_end(args);
    NEEDS(w->a, s);
    return buf_add(&w->text, s, strlen(s));
}

static status put_name(struct adding *w, const char *name) {
    TRY(put(w, "\""));
    for (const char *p = name; *p; p++) TRY(*p == '"' ? put(w, "\"\"") : put(w, "%c", *p));
    return put(w, "\"");
}

/* ROW(…) of the listed columns, which the subquery calls c1, c2 … */
static status put_row(struct adding *w, const struct ast_cte_search *c, const char *first) {
    TRY(put(w, "ROW(%s", first));
    LIST_EACH(const char *, name, c->columns)
    TRY(put(w, "%sc%d", name_i || *first ? ", " : "", column_number(w, name) + 1));
    return put(w, ")");
}

static status put_columns(struct adding *w) {
    TRY(put(w, "SELECT "));
    for (uint16_t i = 0; i < w->n; i++) {
        TRY(put(w, "%sc%u AS ", i ? ", " : "", i + 1u));
        TRY(put_name(w, w->columns[i].name));
    }
    return OK;
}

static status put_from(struct adding *w, const char *alias, const char *more) {
    TRY(put(w, " FROM (SELECT) AS \"%s\"(", alias));
    for (uint16_t i = 0; i < w->n; i++) TRY(put(w, "%sc%u", i ? ", " : "", i + 1u));
    return put(w, "%s)", more);
}

static status put_as(struct adding *w, const char *name) {
    TRY(put(w, " AS "));
    return put_name(w, name);
}

static status first_text(struct adding *w) {
    const struct ast_cte_search *s = w->search, *c = w->cycle;
    TRY(put_columns(w));
    if (s) {
        TRY(put(w, s->breadth_first ? ", " : ", ARRAY["));
        TRY(put_row(w, s, s->breadth_first ? "0::pg_catalog.int8" : ""));
        TRY(put(w, s->breadth_first ? "" : "]"));
        TRY(put_as(w, s->path_column));
    }
    if (c) {
        TRY(put(w, ", CASE WHEN false THEN true ELSE false END"));
        TRY(put_as(w, c->mark_column));
        TRY(put(w, ", ARRAY["));
        TRY(put_row(w, c, ""));
        TRY(put(w, "]"));
        TRY(put_as(w, c->path_column));
    }
    return put_from(w, FIRST, "");
}

static status again_text(struct adding *w) {
    const struct ast_cte_search *s = w->search, *c = w->cycle;
    TRY(put_columns(w));
    if (s) {
        TRY(put(w, s->breadth_first ? ", " : ", seq OPERATOR(pg_catalog.||) "));
        TRY(put_row(w, s, s->breadth_first ? "(seq).f1 OPERATOR(pg_catalog.+) 1" : ""));
    }
    if (c) {
        TRY(put(w, ", CASE WHEN "));
        TRY(put_row(w, c, ""));
        TRY(put(w, " OPERATOR(pg_catalog.=) ANY (path) THEN true ELSE false END"
                   ", path OPERATOR(pg_catalog.||) "));
        TRY(put_row(w, c, ""));
    }
    TRY(put_from(w, AGAIN, s && c ? ", seq, mark, path" : s ? ", seq" : ", mark, path"));
    return c ? put(w, " WHERE mark <> true") : OK;
}

/* ---- the trees ------------------------------------------------------------------------------- */

/* Puts the statement's own values where the text says true and false. */
static void put_mark(struct adding *w, struct ast_select *q) {
    const struct ast_cte_search *c = w->cycle;
    if (!c || !c->mark_value) return;
    struct ast_target *t = list_at(q->targets, list_n(q->targets) - 2);
    struct ast_case *e = ast_as_case(t->value);
    ((struct ast_case_when *)list_at(e->whens, 0))->result = c->mark_value;
    e->otherwise = c->mark_default;
    if (q->where) ast_as_op(q->where)->right = c->mark_value;
}

static status parse_around(struct adding *w, struct ast_select *inside, struct ast_select **ret) {
    struct list *statements;
    const char *text = arena_strndup(w->a->arena, w->text.data, w->text.len);
    NEEDS(w->a, text);
    TRY(parse_sql(w->a->arena, text, strlen(text), w->a->error, &statements));
    struct ast_select *q = ast_as_select(((struct raw_stmt *)list_at(statements, 0))->stmt);
    struct ast_range_subquery *r = list_at(q->from, 0);
    r->query = &inside->node;
    put_mark(w, q);
    w->text.len = 0;
    *ret = q;
    return OK;
}

/* The recursive reference in FROM, and the name it goes by; NULL: it is not there. */
static const char *reference_in(struct node *n, const char *name) {
    if (n->kind == NODE_JOIN) {
        struct ast_join *j = ast_as_join(n);
        const char *found = reference_in(j->left, name);
        return found ? found : reference_in(j->right, name);
    }
    if (n->kind != NODE_RANGE_VAR) return NULL;
    const struct ast_range_var *v = ast_as_range_var(n);
    if (v->schema || strcmp(v->name, name) != 0) return NULL;
    return v->alias ? v->alias->name : v->name;
}

static status add_target(struct adding *w, struct list **targets, const char *table,
                         const char *column) {
    struct arena *a = w->a->arena;
    struct node *ref = ast_new(a, NODE_COLUMN_REF, -1), *target = ast_new(a, NODE_TARGET, -1);
    NEEDS(w->a, ref && target);
    struct ast_column_ref *r = ast_as_column_ref(ref);
    TRY(list_append(a, &r->names, (char *)table));
    TRY(list_append(a, &r->names, (char *)column));
    ast_as_target(target)->value = ref;
    return list_append(a, targets, target);
}

/* The recursive term also gives the added columns of the row that it goes on from. */
static status with_added(struct adding *w, const struct ast_select *q, struct ast_select **ret) {
    struct ast_select *copy = arena_memdup(w->a->arena, q, sizeof *q);
    const char *table = NULL;
    NEEDS(w->a, copy);
    copy->targets = NULL;
    LIST_EACH(struct node *, n, q->from) if (!table) table = reference_in(n, w->cte->name);
    if (!table)
        return FAIL_AT(w->a, -1, FEATURE_NOT_SUPPORTED,
                       "with a SEARCH or CYCLE clause, the recursive reference to WITH query "
                       "\"%s\" must be at the top level of its right-hand SELECT",
                       w->cte->name);
    LIST_EACH(void *, t, q->targets) TRY(list_append(w->a->arena, &copy->targets, t));
    if (w->search) TRY(add_target(w, &copy->targets, table, w->search->path_column));
    if (w->cycle) {
        TRY(add_target(w, &copy->targets, table, w->cycle->mark_column));
        TRY(add_target(w, &copy->targets, table, w->cycle->path_column));
    }
    *ret = copy;
    return OK;
}

static status build(struct adding *w, const struct ast_select *q, struct ast_select **ret_left,
                    struct ast_select **ret_right) {
    struct ast_select *again;
    TRY(first_text(w));
    TRY(parse_around(w, q->left, ret_left));
    TRY(with_added(w, q->right, &again));
    TRY(again_text(w));
    return parse_around(w, again, ret_right);
}

status add_search_cycle(struct scope *s, const struct ast_cte *n, const struct ast_select *q,
                        struct cte *c, struct ast_select **ret_left,
                        struct ast_select **ret_right) {
    c->search = n->search ? ast_as_cte_search(n->search) : NULL;
    c->cycle = n->cycle ? ast_as_cte_search(n->cycle) : NULL;
    struct adding w = {.s = s,
                       .a = s->a,
                       .cte = n,
                       .to = c,
                       .search = c->search,
                       .cycle = c->cycle,
                       .columns = c->columns,
                       .n = c->ncolumns};
    if (q->left->set_op != SETOP_NONE)
        return FAIL_AT(s->a, -1, FEATURE_NOT_SUPPORTED,
                       "with a SEARCH or CYCLE clause, the left side of the UNION must be a "
                       "SELECT");
    if (q->right->set_op != SETOP_NONE)
        return FAIL_AT(s->a, -1, SYNTAX_ERROR,
                       "with a SEARCH or CYCLE clause, the right side of the UNION must be a "
                       "SELECT");
    TRY(check(&w));
    status st = build(&w, q, ret_left, ret_right);
    buf_free(&w.text);
    c->nadded = (uint16_t)((w.search != NULL) + 2 * (w.cycle != NULL));
    return st;
}
