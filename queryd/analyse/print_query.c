/* print_query.c: SELECT, VALUES, UNION and their kin, WITH. */
#include "analyse/print_internal.h"

#include "base/coro.h"

#define STACK_MARGIN (32 * 1024)
#define INDENT_LIMIT 40

/* ---- text and its layout --------------------------------------------------------------------- */

status put(struct printer *p, const char *s) {
    return buf_add_str(p->out, s);
}

status put_name(struct printer *p, const char *name) {
    return print_identifier(p->out, name);
}

status strip_spaces(struct buf *b) {
    while (b->len && b->data[b->len - 1] == ' ') b->len--;
    return OK;
}

status put_keyword(struct printer *p, const char *s, int before, int after, int plus) {
    if (!p->style.lines) return put(p, s);
    p->indent += before;
    TRY(strip_spaces(p->out));
    int amount = p->indent < 0 ? 0 : p->indent;
    if (amount >= INDENT_LIMIT)
        amount = (INDENT_LIMIT + (amount - INDENT_LIMIT) / (INDENT_STEP / 2)) % INDENT_LIMIT;
    TRY(buf_printf(p->out, "\n%*s%s", amount + plus, "", s));
    p->indent += after;
    if (p->indent < 0) p->indent = 0;
    return OK;
}

struct buf *redirect(struct printer *p, struct buf *to) {
    struct buf *before = p->out;
    p->out = to;
    return before;
}

static size_t line_length(const struct buf *b) {
    size_t n = 0;
    while (n < b->len && b->data[b->len - 1 - n] != '\n') n++;
    return n;
}

status put_wrapped(struct printer *p, const struct buf *item, bool first, bool was_multiline) {
    if (p->style.lines && p->style.wrap >= 0) {
        if (item->len && item->data[0] == '\n')
            TRY(strip_spaces(p->out));
        else if (!first &&
                 (line_length(p->out) + item->len > (size_t)p->style.wrap || was_multiline))
            TRY(put_keyword(p, "", -INDENT_STEP, INDENT_STEP, INDENT_FIELD));
    }
    return buf_add(p->out, item->data, item->len);
}

/* ---- the select list ------------------------------------------------------------------------- */

static status print_target(struct printer *p, const struct target *t, const char *name,
                           bool names_visible) {
    const char *shown = names_visible ? NULL : "?column?";
    if (t->expr->kind == EXPR_VAR)
        TRY(print_var(p, t->expr, true, &shown));
    else
        TRY(print_expr(p, t->expr, true));
    if (!name || (shown && !strcmp(shown, name))) return OK;
    TRY(put(p, " AS "));
    return put_name(p, name);
}

static status print_targets(struct printer *p, const struct target *targets, uint16_t n,
                            const struct select_list *l) {
    bool was_multiline = false;
    uint16_t shown = 0;
    for (uint16_t i = 0; i < n; i++) {
        if (targets[i].junk) continue;
        struct buf item = {0}, *before;
        const char *name =
            l->names && shown < l->names->natts ? l->names->atts[shown].name : targets[i].name;
        TRY(put(p, shown ? ", " : " "));
        before = redirect(p, &item);
        status st = print_target(p, &targets[i], name, l->names_visible);
        redirect(p, before);
        if (ok(st)) st = put_wrapped(p, &item, shown == 0, was_multiline);
        was_multiline = item.len > 1 && memchr(item.data + 1, '\n', item.len - 1) != NULL;
        buf_free(&item);
        TRY(st);
        shown++;
    }
    return OK;
}

/* ---- one SELECT ------------------------------------------------------------------------------ */

status print_values(struct printer *p, const struct rte *r) {
    TRY(put(p, "VALUES "));
    for (uint32_t i = 0; i < r->nrows; i++) {
        TRY(put(p, i ? ", (" : "("));
        for (uint16_t k = 0; k < r->ncolumns; k++) {
            if (k) TRY(put(p, ","));
            const struct expr *e = r->rows[i][k];
            TRY(e->kind == EXPR_VAR ? print_var(p, e, true, NULL) : print_expr(p, e, false));
        }
        TRY(put(p, ")"));
    }
    return OK;
}

/* VALUES by itself, with the columns as they are named. */
static const struct rte *plain_values(const struct query *q, const struct relation *names) {
    if (q->nrtes != 1 || q->rtes[0]->kind != RTE_VALUES || q->rtes[0]->words || q->where ||
        q->grouped || q->distinct || q->nwindows)
        return NULL;
    const struct rte *r = q->rtes[0];
    for (uint16_t i = 0; i < q->nvisible; i++) {
        const struct expr *e = q->targets[i].expr;
        const char *name = names && i < names->natts ? names->atts[i].name : r->columns[i].name;
        if (e->kind != EXPR_VAR || e->var.att != i + 1 || strcmp(name, r->columns[i].name))
            return NULL;
    }
    return q->nvisible == r->ncolumns ? r : NULL;
}

static status print_distinct(struct printer *p, const struct query *q) {
    if (!q->distinct) return OK;
    TRY(put(p, " DISTINCT"));
    for (uint16_t i = 0; i < q->ndistinct_on; i++) {
        TRY(put(p, i ? ", " : " ON ("));
        TRY(print_sort_expr(p, q->targets[q->distinct_on[i]].expr));
    }
    return q->ndistinct_on ? put(p, ")") : OK;
}

static status print_basic(struct printer *p, const struct query *q, const struct select_list *l) {
    if (p->style.lines) {
        p->indent += INDENT_STEP;
        TRY(put(p, " "));
    }
    const struct rte *values = plain_values(q, l->names);
    if (values) return print_values(p, values);
    TRY(put(p, "SELECT"));
    TRY(print_distinct(p, q));
    TRY(print_targets(p, q->targets, q->ntargets, l));
    TRY(print_from(p, q));
    if (q->where) {
        TRY(put_keyword(p, " WHERE ", -INDENT_STEP, INDENT_STEP, 1));
        TRY(print_expr(p, q->where, false));
    }
    TRY(print_group_by(p, q));
    if (q->having) {
        TRY(put_keyword(p, " HAVING ", -INDENT_STEP, INDENT_STEP, 0));
        TRY(print_expr(p, q->having, false));
    }
    return print_window_clause(p, q);
}

/* ---- set operations -------------------------------------------------------------------------- */

static status print_setop(struct printer *p, const struct query *q, const struct select_list *l);

static bool has_tail(const struct query *q) {
    return q->nctes || q->nsort || q->limit || q->offset || q->for_update;
}

static bool is_nested_setop(const struct query *q) {
    return q->kind == QUERY_SETOP && !has_tail(q);
}

status print_leaf(struct printer *p, const struct query *q, const struct select_list *l) {
    if (has_tail(q)) TRY(put(p, "("));
    TRY(print_nested(p, q, l, false));
    return has_tail(q) ? put(p, ")") : OK;
}

/* The levels of nested set operations are no queries of their own in the text. */
static status print_side(struct printer *p, const struct query *q, const struct select_list *l) {
    if (!is_nested_setop(q)) return print_leaf(p, q, l);
    struct print_level level = {.outer = p->level, .q = q};
    TRY(print_names(p, &level, false));
    p->level = &level;
    status st = print_setop(p, q, l);
    p->level = level.outer;
    return st;
}

static status print_left(struct printer *p, const struct query *q, const struct select_list *l) {
    const struct query *left = q->rtes[0]->query;
    bool nested = is_nested_setop(left);
    bool parens = nested && !(left->setop == q->setop && left->setop_all == q->setop_all);
    if (parens) {
        TRY(put(p, "("));
        TRY(put_keyword(p, "", INDENT_STEP, 0, 0));
    }
    TRY(print_side(p, left, l));
    if (parens) return put_keyword(p, ") ", -INDENT_STEP, 0, 0);
    return p->style.lines ? put_keyword(p, "", 0, 0, 0) : put(p, " ");
}

static status print_setop(struct printer *p, const struct query *q, const struct select_list *l) {
    static const char *const words[] = {"UNION ", "INTERSECT ", "EXCEPT "};
    struct select_list unnamed = {.names = l->names};
    const struct query *right = q->rtes[1]->query;
    bool parens = is_nested_setop(right);
    TRY(print_left(p, q, l));
    TRY(put(p, words[q->setop]));
    if (q->setop_all) TRY(put(p, "ALL "));
    if (parens) TRY(put(p, "("));
    TRY(put_keyword(p, "", parens ? INDENT_STEP : 0, 0, 0));
    TRY(print_side(p, right, &unnamed));
    if (!parens) return OK;
    if (p->style.lines) p->indent -= INDENT_STEP;
    return put_keyword(p, ")", 0, 0, 0);
}

/* ---- a whole query --------------------------------------------------------------------------- */

static status print_limit(struct printer *p, const struct query *q) {
    if (q->offset) {
        TRY(put_keyword(p, " OFFSET ", -INDENT_STEP, INDENT_STEP, 0));
        TRY(print_expr(p, q->offset, false));
    }
    if (!q->limit) return OK;
    if (q->with_ties) {
        TRY(put_keyword(p, " FETCH FIRST (", -INDENT_STEP, INDENT_STEP, 0));
        TRY(print_expr(p, q->limit, false));
        return put(p, ") ROWS WITH TIES");
    }
    TRY(put_keyword(p, " LIMIT ", -INDENT_STEP, INDENT_STEP, 0));
    if (q->limit->kind == EXPR_CONST && q->limit->constant.is_null) return put(p, "ALL");
    return print_expr(p, q->limit, false);
}

static status print_locks(struct printer *p, const struct query *q) {
    static const char *const words[] = {" FOR KEY SHARE", " FOR SHARE", " FOR NO KEY UPDATE",
                                        " FOR UPDATE"};
    for (uint16_t i = 0; i < q->nlock_rtes; i++) {
        const struct row_mark *m = &q->lock_rtes[i];
        TRY(put_keyword(p, words[m->strength], -INDENT_STEP, INDENT_STEP, 0));
        TRY(put(p, " OF "));
        TRY(put_name(p, p->level->names[m->rte]));
        if (m->wait == LOCK_WAIT_ERROR) TRY(put(p, " NOWAIT"));
        if (m->wait == LOCK_WAIT_SKIP) TRY(put(p, " SKIP LOCKED"));
    }
    return OK;
}

static status print_order(struct printer *p, const struct query *q) {
    if (!q->nsort) return OK;
    TRY(put_keyword(p, " ORDER BY ", -INDENT_STEP, INDENT_STEP, 1));
    for (uint16_t i = 0; i < q->nsort; i++) {
        const struct sort_key *k = &q->sort[i];
        if (i) TRY(put(p, ", "));
        TRY(print_order_key(p, q->targets[k->target].expr, k,
                            q->kind == QUERY_SETOP ? k->target + 1 : 0));
    }
    return OK;
}

static status print_body(struct printer *p, const struct query *q, const struct select_list *l) {
    if (q->kind != QUERY_SELECT && q->kind != QUERY_SETOP)
        return error_set(p->env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "printing a statement that changes rows is not supported");
    TRY(print_with(p, q));
    TRY(q->kind == QUERY_SETOP ? print_setop(p, q, l) : print_basic(p, q, l));
    TRY(print_order(p, q));
    TRY(print_limit(p, q));
    return print_locks(p, q);
}

status print_nested(struct printer *p, const struct query *q, const struct select_list *l,
                    bool is_rule) {
    struct print_level level = {.outer = p->level, .q = q};
    int indent = p->indent;
    bool qualify = p->qualify;
    if (coro_stack_left() < STACK_MARGIN)
        return error_set(p->env->eval.error, ST_STATEMENT_TOO_COMPLEX,
                         "stack depth limit exceeded");
    TRY(print_names(p, &level, is_rule));
    p->level = &level;
    p->qualify = level.outer || is_rule || q->nrtes != 1;
    status st = print_body(p, q, l);
    p->level = level.outer;
    p->indent = indent;
    p->qualify = qualify;
    return st;
}

status print_subquery(struct printer *p, const struct query *q, bool names_visible) {
    struct select_list l = {.names_visible = names_visible};
    return print_nested(p, q, &l, false);
}

/* ---- from outside ---------------------------------------------------------------------------- */

/* What is kept must not depend on who reads it: every name with its schema, dates by ISO. */
struct kept_style {
    struct sql_env env;
    struct sql_settings settings;
    struct session_env session;
};

static void keep(struct kept_style *k, const struct sql_env *env, struct printer *p) {
    if (!p->style.stored) return;
    k->env = *env;
    k->settings = *env->settings;
    k->settings.search_path = "pg_catalog";
    k->env.settings = &k->settings;
    k->session = *env->eval.session;
    k->session.session = &k->env;
    k->session.date_style = DATE_STYLE_ISO;
    k->session.interval_style = INTERVAL_STYLE_POSTGRES;
    k->session.bytea_output = BYTEA_HEX;
    k->session.extra_float_digits = 1;
    k->env.eval.session = &k->session;
    p->env = &k->env;
}

status print_query(struct sql_env *env, const struct query *q, const struct print_style *style,
                   const struct relation *names, struct buf *out) {
    struct kept_style kept;
    struct printer p = {.env = env, .arena = env->eval.arena, .out = out, .style = *style};
    struct select_list l = {.names = names, .names_visible = true};
    keep(&kept, env, &p);
    return print_nested(&p, q, &l, true);
}

status print_expression(struct sql_env *env, const struct expr *e, const struct relation *r,
                        const struct print_style *style, struct buf *out) {
    struct kept_style kept;
    struct rte rte = {.kind = RTE_RELATION};
    struct rte *rtes[] = {&rte};
    struct query q = {.kind = QUERY_SELECT, .nrtes = r ? 1 : 0, .rtes = rtes};
    struct print_level level = {.q = &q};
    struct printer p = {.env = env, .arena = env->eval.arena, .out = out, .style = *style};
    keep(&kept, env, &p);
    if (r) {
        rte.relation = r;
        rte.alias = r->name ? r->name : "";
        rte.ncolumns = r->natts;
        rte.columns = arena_array(p.arena, r->natts + 1u, sizeof *rte.columns);
        if (!rte.columns) return no_memory(env);
        for (uint16_t i = 0; i < r->natts; i++) {
            rte.columns[i].name = r->atts[i].name;
            rte.columns[i].type = r->atts[i].dropped ? 0 : r->atts[i].type;
        }
    }
    TRY(print_names(&p, &level, false));
    p.level = &level;
    return print_expr(&p, e, false);
}
