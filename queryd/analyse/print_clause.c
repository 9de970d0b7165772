/* print_clause.c: GROUP BY, ORDER BY, windows. */
#include "analyse/print_internal.h"

static bool looks_like_function(const struct expr *e) {
    switch (e->kind) {
    case EXPR_CALL: return !e->call.op && !e->call.sql_value;
    case EXPR_CAST:
        return !e->cast.is_collate && (e->cast.path.path == CAST_FUNCTION || e->cast.apply_typmod);
    case EXPR_AGGREGATE:
    case EXPR_WINDOW: return true;
    default: return false;
    }
}

status print_sort_expr(struct printer *p, const struct expr *e) {
    const char *name;
    if (e->kind == EXPR_CONST) return print_constant(p, e, 1);
    if (e->kind == EXPR_VAR) return print_var(p, e, false, &name);
    bool parens = pretty_parens(p) || looks_like_function(e);
    if (parens) TRY(put(p, "("));
    TRY(print_expr(p, e, true));
    return parens ? put(p, ")") : OK;
}

/* number: of the output column, where that must stand for it; 0: the expression does. */
status print_order_key(struct printer *p, const struct expr *e, const struct sort_key *k,
                       int number) {
    TRY(number ? buf_printf(p->out, "%d", number) : print_sort_expr(p, e));
    if (k->using) TRY(buf_printf(p->out, " USING %s", k->using));
    if (k->descending && !k->using) TRY(put(p, " DESC"));
    if (k->nulls_first == k->descending && !k->using) return OK;
    return put(p, k->nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

/* ---- GROUP BY -------------------------------------------------------------------------------- */

static status print_set(struct printer *p, const struct query *q, const struct group_words *w,
                        bool omit_parens) {
    static const char *const words[] = {[GROUPING_EMPTY] = "(",
                                        [GROUPING_ROLLUP] = "ROLLUP(",
                                        [GROUPING_CUBE] = "CUBE(",
                                        [GROUPING_SETS] = "GROUPING SETS ("};
    if (!w->is_set) {
        bool parens = !omit_parens || w->n != 1;
        if (parens) TRY(put(p, "("));
        for (uint16_t i = 0; i < w->n; i++) {
            if (i) TRY(put(p, ", "));
            TRY(print_sort_expr(p, q->group[w->members[i]]));
        }
        return parens ? put(p, ")") : OK;
    }
    TRY(put(p, words[w->kind]));
    for (uint16_t i = 0; i < w->n; i++) {
        if (i) TRY(put(p, ", "));
        TRY(print_set(p, q, &w->parts[i], w->kind != GROUPING_SETS));
    }
    return put(p, ")");
}

status print_group_by(struct printer *p, const struct query *q) {
    uint16_t n = q->group_words ? q->ngroup_words : q->ngroup;
    if (!n) return OK;
    TRY(put_keyword(p, " GROUP BY ", -INDENT_STEP, INDENT_STEP, 1));
    if (q->group_distinct) TRY(put(p, "DISTINCT "));
    for (uint16_t i = 0; i < n; i++) {
        if (i) TRY(put(p, ", "));
        TRY(q->group_words ? print_set(p, q, &q->group_words[i], true)
                           : print_sort_expr(p, q->group[i]));
    }
    return OK;
}

/* ---- windows --------------------------------------------------------------------------------- */

static status print_bound(struct printer *p, enum ast_frame_bound b, const struct expr *offset) {
    switch (b) {
    case BOUND_UNBOUNDED_PRECEDING: return put(p, "UNBOUNDED PRECEDING ");
    case BOUND_UNBOUNDED_FOLLOWING: return put(p, "UNBOUNDED FOLLOWING ");
    case BOUND_CURRENT_ROW: return put(p, "CURRENT ROW ");
    default: break;
    }
    TRY(print_expr(p, offset, false));
    return put(p, b == BOUND_OFFSET_PRECEDING ? " PRECEDING " : " FOLLOWING ");
}

static status print_frame(struct printer *p, const struct window *w) {
    static const char *const excluded[] = {[EXCLUDE_NO_OTHERS] = "",
                                           [EXCLUDE_CURRENT_ROW] = "EXCLUDE CURRENT ROW ",
                                           [EXCLUDE_GROUP] = "EXCLUDE GROUP ",
                                           [EXCLUDE_TIES] = "EXCLUDE TIES "};
    TRY(put(p, w->mode == FRAME_RANGE ? "RANGE " : w->mode == FRAME_ROWS ? "ROWS " : "GROUPS "));
    if (w->between) TRY(put(p, "BETWEEN "));
    TRY(print_bound(p, w->start, w->start_offset));
    if (w->between) {
        TRY(put(p, "AND "));
        TRY(print_bound(p, w->end, w->end_offset));
    }
    TRY(put(p, excluded[w->exclude]));
    p->out->len--;
    return OK;
}

status print_window_spec(struct printer *p, const struct window *w) {
    bool space = w->base != NULL;
    TRY(put(p, "("));
    if (w->base) TRY(put_name(p, w->base));
    for (uint16_t i = 0; !w->base && i < w->npartition; i++) {
        TRY(put(p, i ? ", " : "PARTITION BY "));
        TRY(print_sort_expr(p, w->partition[i]));
        space = true;
    }
    for (uint16_t i = 0; w->own_order && i < w->norder; i++) {
        TRY(put(p, i ? ", " : space ? " ORDER BY " : "ORDER BY "));
        TRY(print_order_key(p, w->order[i], &w->order_keys[i], 0));
    }
    space |= w->own_order;
    if (w->has_frame) {
        if (space) TRY(put(p, " "));
        TRY(print_frame(p, w));
    }
    return put(p, ")");
}

status print_window_clause(struct printer *p, const struct query *q) {
    bool first = true;
    for (uint16_t i = 0; i < q->nwindows; i++) {
        if (!q->windows[i].name) continue;
        TRY(first ? put_keyword(p, " WINDOW ", -INDENT_STEP, INDENT_STEP, 1) : put(p, ", "));
        TRY(put_name(p, q->windows[i].name));
        TRY(put(p, " AS "));
        TRY(print_window_spec(p, &q->windows[i]));
        first = false;
    }
    return OK;
}
