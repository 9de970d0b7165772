/* print_from.c: FROM: relations, joins, functions, subqueries. */
#include "analyse/print_internal.h"

static status print_item(struct printer *p, const struct query *q, const struct from_item *f);

/* What is kept says only what it must, so that other columns may get other names. */
static status print_column_aliases(struct printer *p, const struct print_columns *c) {
    uint16_t n = p->style.stored ? c->nsaid : c->nshown;
    if (!c->print_aliases) return OK;
    for (uint16_t i = 0; i < n; i++) {
        TRY(put(p, i ? ", " : "("));
        TRY(put_name(p, c->shown[i]));
    }
    return n ? put(p, ")") : OK;
}

static status print_definitions(struct printer *p, const struct rte *r,
                                const struct print_columns *c) {
    TRY(put(p, "("));
    for (uint16_t i = 0; i < r->ncolumns; i++) {
        if (i) TRY(put(p, ", "));
        TRY(put_name(p, c->names[i]));
        TRY(put(p, " "));
        TRY(print_type(p, r->columns[i].type, r->columns[i].typmod));
    }
    return put(p, ")");
}

/* Within ROWS FROM the columns have the names of their definition, whatever the alias says. */
static status print_shape(struct printer *p, const struct record_shape *s) {
    TRY(put(p, " AS ("));
    for (uint16_t i = 0; i < s->n; i++) {
        if (i) TRY(put(p, ", "));
        TRY(put_name(p, s->names[i]));
        TRY(put(p, " "));
        TRY(print_type(p, s->types[i], s->typmods[i]));
    }
    return put(p, ")");
}

/* What is written like a function stands in FROM as it is, all else as a cast to its type. */
static bool looks_like_function(const struct expr *e) {
    switch ((enum expr_kind)e->kind) {
    case EXPR_CALL: return !e->call.op;
    case EXPR_COALESCE:
    case EXPR_MIN_MAX:
    case EXPR_NULLIF: return true;
    default: return false;
    }
}

static status print_function(struct printer *p, const struct expr *e) {
    if (looks_like_function(e)) return print_expr(p, e, true);
    TRY(put(p, "CAST("));
    TRY(print_expr(p, e, false));
    TRY(put(p, " AS "));
    TRY(print_type(p, e->type, e->typmod));
    return put(p, ")");
}

static bool all_unnest(const struct rte *r) {
    for (uint16_t i = 0; i < r->nfunctions; i++) {
        const struct expr *e = r->functions[i].call;
        if (e->kind != EXPR_CALL || strcmp(e->call.function->name, "unnest")) return false;
    }
    return r->nfunctions > 1;
}

static status print_functions(struct printer *p, const struct rte *r) {
    bool one = r->nfunctions == 1 && !(r->words->defines && r->ordinality), unnest = all_unnest(r);
    if (!one) TRY(put(p, unnest ? "unnest(" : "ROWS FROM("));
    for (uint16_t i = 0; i < r->nfunctions; i++) {
        if (i) TRY(put(p, ", "));
        const struct expr *e = r->functions[i].call;
        TRY(unnest ? print_expr(p, e->args[0], true) : print_function(p, e));
        if (!one && e->kind == EXPR_CALL && e->call.shape) TRY(print_shape(p, e->call.shape));
    }
    if (!one) TRY(put(p, ")"));
    return r->ordinality ? put(p, " WITH ORDINALITY") : OK;
}

static status print_source(struct printer *p, const struct rte *r) {
    switch (r->kind) {
    case RTE_RELATION:
        if (r->words && r->words->only) TRY(put(p, "ONLY "));
        return print_relation_name(p, r->relation->oid);
    case RTE_SUBQUERY:
        TRY(put(p, "("));
        TRY(print_subquery(p, r->query, true));
        return put(p, ")");
    case RTE_FUNCTION: return print_functions(p, r);
    case RTE_VALUES:
        TRY(put(p, "("));
        TRY(print_values(p, r));
        return put(p, ")");
    case RTE_CTE: return put_name(p, r->cte->name);
    case RTE_JOIN: break;
    }
    return OK;
}

static status needs_alias(struct printer *p, const struct rte *r, const char *name,
                          const struct print_columns *c, bool *ret) {
    const struct relation *now;
    *ret = true;
    if ((r->words && r->words->alias) || c->print_aliases) return OK;
    if (r->kind == RTE_CTE) *ret = strcmp(name, r->cte->name) != 0;
    if (r->kind != RTE_RELATION) return OK;
    TRY(catalog_relation(p->env, r->relation->oid, &now));
    *ret = strcmp(name, now->name) != 0;
    return OK;
}

static status print_sample(struct printer *p, const struct table_sample *t) {
    TRY(put(p, t->system ? " TABLESAMPLE system (" : " TABLESAMPLE bernoulli ("));
    TRY(print_expr(p, t->percent, false));
    TRY(put(p, ")"));
    if (!t->seed) return OK;
    TRY(put(p, " REPEATABLE ("));
    TRY(print_expr(p, t->seed, false));
    return put(p, ")");
}

static status print_rte(struct printer *p, const struct query *q, uint16_t index) {
    const struct rte *r = q->rtes[index];
    const struct print_columns *c = &p->level->columns[index];
    const char *name = p->level->names[index];
    bool alias;
    if (r->words && r->words->lateral) TRY(put(p, "LATERAL "));
    TRY(print_source(p, r));
    TRY(needs_alias(p, r, name, c, &alias));
    if (alias) {
        TRY(put(p, " "));
        TRY(put_name(p, name));
    }
    TRY(r->words && r->words->defines ? print_definitions(p, r, c) : print_column_aliases(p, c));
    return r->sample ? print_sample(p, r->sample) : OK;
}

/* ---- joins ----------------------------------------------------------------------------------- */

static status print_condition(struct printer *p, const struct from_item *f,
                              const struct print_columns *c) {
    if (list_n(f->using_columns)) {
        for (uint16_t i = 0; i < c->nusing; i++) {
            TRY(put(p, i ? ", " : " USING ("));
            TRY(put_name(p, c->using_names[i]));
        }
        TRY(put(p, ")"));
        if (!f->using_alias) return OK;
        TRY(put(p, " AS "));
        return put_name(p, f->using_alias->name);
    }
    if (!f->on) return f->kind == JOIN_KIND_INNER ? OK : put(p, " ON TRUE");
    TRY(put(p, pretty_parens(p) ? " ON " : " ON ("));
    TRY(print_expr(p, f->on, false));
    return pretty_parens(p) ? OK : put(p, ")");
}

static status print_join(struct printer *p, const struct query *q, const struct from_item *f) {
    static const char *const words[] = {" JOIN ", " LEFT JOIN ", " FULL JOIN ", " RIGHT JOIN "};
    const struct rte *r = q->rtes[f->rte];
    const struct print_columns *c = &p->level->columns[f->rte];
    bool parens = !pretty_parens(p) || r->words->alias;
    bool right = pretty_parens(p) && f->right->is_join && !q->rtes[f->right->rte]->words->alias;
    bool cross = f->kind == JOIN_KIND_INNER && !f->on;
    if (parens) TRY(put(p, "("));
    TRY(print_item(p, q, f->left));
    TRY(put_keyword(p, cross ? " CROSS JOIN " : words[f->kind], -INDENT_STEP, INDENT_STEP,
                    INDENT_JOIN));
    if (right) TRY(put(p, "("));
    TRY(print_item(p, q, f->right));
    if (right) TRY(put(p, ")"));
    TRY(print_condition(p, f, c));
    if (parens) TRY(put(p, ")"));
    if (!r->words->alias) return OK;
    TRY(put(p, " "));
    TRY(put_name(p, p->level->names[f->rte]));
    return print_column_aliases(p, c);
}

static status print_item(struct printer *p, const struct query *q, const struct from_item *f) {
    return f->is_join ? print_join(p, q, f) : print_rte(p, q, f->rte);
}

status print_from(struct printer *p, const struct query *q) {
    for (uint16_t i = 0; i < q->nfrom; i++) {
        if (i == 0) {
            TRY(put_keyword(p, " FROM ", -INDENT_STEP, INDENT_STEP, 2));
            TRY(print_item(p, q, q->from[i]));
            continue;
        }
        struct buf item = {0}, *before;
        TRY(put(p, ", "));
        before = redirect(p, &item);
        status st = print_item(p, q, q->from[i]);
        redirect(p, before);
        if (ok(st)) st = put_wrapped(p, &item, false, false);
        buf_free(&item);
        TRY(st);
    }
    return OK;
}
