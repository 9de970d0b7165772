/* JOIN: conditions, USING and NATURAL with their merged columns. */
#include "analyse/internal.h"

struct side {
    uint16_t first, end; /* items of the scope */
};

static status side_column(struct scope *s, struct side side, const char *name, const char *which,
                          int32_t location, struct expr **ret) {
    struct expr *found = NULL;
    for (uint16_t i = side.first; i < side.end; i++) {
        const struct ns_item *item = s->items[i];
        if (!item->columns_visible) continue;
        for (uint16_t k = 0; k < item->ncolumns; k++) {
            if (!item->exprs[k] || strcmp(item->names[k], name) != 0) continue;
            if (found)
                return FAIL_AT(s->a, location, AMBIGUOUS_COLUMN,
                               "common column name \"%s\" appears more than once in %s table", name,
                               which);
            found = item->exprs[k];
        }
    }
    if (!found && which)
        return FAIL_AT(s->a, location, UNDEFINED_COLUMN,
                       "column \"%s\" specified in USING clause does not exist in %s table", name,
                       which);
    if (found) permission_select(s, found);
    *ret = found;
    return OK;
}

/* Names that both sides have, in the left side's order. */
static status natural_columns(struct scope *s, struct side left, struct side right,
                              struct list **ret) {
    *ret = NULL;
    for (uint16_t i = left.first; i < left.end; i++) {
        const struct ns_item *item = s->items[i];
        for (uint16_t k = 0; item->columns_visible && k < item->ncolumns; k++) {
            if (!item->exprs[k]) continue;
            bool there = false;
            for (uint16_t j = right.first; j < right.end; j++)
                for (uint16_t c = 0; s->items[j]->columns_visible && c < s->items[j]->ncolumns; c++)
                    there |=
                        s->items[j]->exprs[c] && strcmp(s->items[j]->names[c], item->names[k]) == 0;
            if (there && !ok(list_append(s->a->arena, ret, (void *)item->names[k])))
                return analyse_memory(s->a);
        }
    }
    return OK;
}

/* The merged column: the side that cannot be null-extended, or whichever is not null. */
static status merged(struct scope *s, enum ast_join_type type, struct expr *l, struct expr *r,
                     struct expr **ret) {
    struct analyse *a = s->a;
    struct expr *pair[2] = {l, r};
    oid common;
    TRY(common_type(a, pair, 2, "JOIN/USING", -1, &common));
    TRY(coerce_common(a, l, common, "JOIN/USING", &l));
    TRY(coerce_common(a, r, common, "JOIN/USING", &r));
    if (type == JOIN_FULL) {
        struct expr *e = expr_new_n(a->arena, EXPR_COALESCE, common, -1, 2);
        NEEDS(a, e);
        e->args[0] = l;
        e->args[1] = r;
        *ret = e;
    } else {
        bool right = type == JOIN_RIGHT ||
                     (type == JOIN_INNER && l->kind != EXPR_VAR && r->kind == EXPR_VAR);
        *ret = right ? r : l;
    }
    return assign_collation(a, *ret);
}

/* Columns of both sides under one item: merged ones first, then the rest of left and right. */
static status joined_item(struct scope *s, struct side left, struct side right,
                          const struct list *names, struct expr **merged_exprs,
                          struct ns_item **ret) {
    struct analyse *a = s->a;
    struct ns_item *item;
    NEW(a, item);
    item->rte = -1;
    item->columns_visible = true;
    uint32_t n = (uint32_t)list_n(names);
    for (uint16_t i = left.first; i < right.end; i++)
        if (s->items[i]->columns_visible) n += s->items[i]->ncolumns;
    if (n > UINT16_MAX) return error_set(a->error, ST_TOO_MANY_COLUMNS, "too many columns");
    NEW_N(a, item->names, n + 1);
    NEW_N(a, item->exprs, n + 1);
    LIST_EACH(char *, name, names) {
        item->names[item->ncolumns] = name;
        item->exprs[item->ncolumns++] = merged_exprs[name_i];
    }
    for (uint16_t i = left.first; i < right.end; i++) {
        const struct ns_item *part = s->items[i];
        uint16_t own = part->relation ? part->nadded : 0;
        for (uint16_t k = 0; part->columns_visible && k < part->ncolumns - own; k++) {
            if (!part->exprs[k] || list_has_name(names, part->names[k])) continue;
            item->names[item->ncolumns] = part->names[k];
            item->exprs[item->ncolumns++] = part->exprs[k];
        }
    }
    *ret = item;
    return OK;
}

static status join_using(struct scope *s, struct ast_join *j, struct side left, struct side right,
                         const struct list *names, struct from_item *f) {
    struct analyse *a = s->a;
    struct expr **exprs;
    NEW_N(a, exprs, list_n(names) + 1);
    LIST_EACH(char *, name, names) {
        struct expr *l, *r, *eq;
        TRY(side_column(s, left, name, "left", j->node.location, &l));
        TRY(side_column(s, right, name, "right", j->node.location, &r));
        TRY(make_operator(a, "=", l, r, j->node.location, &eq));
        TRY(coerce_to_bool(a, eq, "JOIN/USING", &eq));
        NEEDS(a, f->on = expr_and(a->arena, f->on, eq));
        TRY(merged(s, j->type, l, r, &exprs[name_i]));
        if (a->for_text && exprs[name_i]->kind != EXPR_VAR)
            TRY(words_join_column(s, f, (uint16_t)name_i, &exprs[name_i]));
    }
    struct ns_item *item;
    TRY(joined_item(s, left, right, names, exprs, &item));
    for (uint16_t i = left.first; i < right.end; i++) s->items[i]->columns_visible = false;
    if (j->using_alias) {
        struct ns_item *alias;
        NEW(a, alias);
        *alias = *item;
        alias->name = j->using_alias->name;
        alias->ncolumns = (uint16_t)list_n(names);
        alias->columns_visible = false;
        alias->name_visible = true;
        TRY(scope_add(s, alias));
    }
    return scope_add(s, item);
}

/* (… JOIN …) AS j (a, b): only j can be named from outside. */
static status join_alias(struct scope *s, struct ast_join *j, uint16_t first,
                         const struct from_item *f) {
    struct side all = {first, s->nitems}, none = {s->nitems, s->nitems};
    struct ns_item *item;
    TRY(joined_item(s, all, none, NULL, NULL, &item));
    if (list_n(j->alias->columns) > item->ncolumns)
        return FAIL_AT(s->a, j->alias->node.location, INVALID_COLUMN_REFERENCE,
                       "table \"%s\" has %u columns available but %d columns specified",
                       j->alias->name, item->ncolumns, list_n(j->alias->columns));
    item->name = j->alias->name;
    item->name_visible = true;
    LIST_EACH(char *, name, j->alias->columns) item->names[name_i] = name;
    for (uint16_t i = 0; s->a->for_text && i < item->ncolumns; i++)
        TRY(words_join_column(s, f, i, &item->exprs[i]));
    for (uint16_t i = first; i < s->nitems; i++)
        s->items[i]->name_visible = s->items[i]->columns_visible = false;
    return scope_add(s, item);
}

/* ON sees the two sides and nothing else of this FROM. */
static status join_on(struct scope *s, struct ast_join *j, uint16_t first, struct from_item *f) {
    struct scope inner = *s;
    inner.items = s->items + first;
    inner.nitems = inner.items_cap = (uint16_t)(s->nitems - first);
    inner.lateral = false;
    bool *only = NULL;
    NEW_N(s->a, only, inner.nitems + 1);
    for (uint16_t i = 0; i < inner.nitems; i++) {
        only[i] = inner.items[i]->lateral_only;
        inner.items[i]->lateral_only = false;
    }
    status st = transform_bool(&inner, j->on, CLAUSE_JOIN_ON, "JOIN/ON", &f->on);
    for (uint16_t i = 0; i < inner.nitems; i++) inner.items[i]->lateral_only = only[i];
    return st;
}

status transform_join(struct scope *s, struct ast_join *j, struct from_item **ret) {
    struct analyse *a = s->a;
    struct from_item *f;
    NEW(a, f);
    f->is_join = true;
    f->kind = j->type == JOIN_LEFT    ? JOIN_KIND_LEFT
              : j->type == JOIN_RIGHT ? JOIN_KIND_RIGHT
              : j->type == JOIN_FULL  ? JOIN_KIND_FULL
                                      : JOIN_KIND_INNER;
    uint16_t first = s->nitems;
    TRY(transform_from_item(s, j->left, &f->left));
    struct side left = {first, s->nitems};
    bool bad = j->type == JOIN_RIGHT || j->type == JOIN_FULL;
    for (uint16_t i = first; i < s->nitems; i++) {
        s->items[i]->lateral_only = true;
        s->items[i]->lateral_bad = bad;
    }
    TRY(transform_from_item(s, j->right, &f->right));
    struct side right = {left.end, s->nitems};
    for (uint16_t i = first; i < s->nitems; i++)
        s->items[i]->lateral_only = s->items[i]->lateral_bad = false;
    for (uint16_t i = first; i < s->nitems; i++)
        s->items[i]->nullable |= i < left.end ? j->type == JOIN_RIGHT || j->type == JOIN_FULL
                                              : j->type == JOIN_LEFT || j->type == JOIN_FULL;
    const struct list *names = j->using_columns;
    struct list *natural = NULL;
    if (j->natural) {
        TRY(natural_columns(s, left, right, &natural));
        names = natural;
    }
    TRY(words_join(s, j, first, left.end, names, f));
    if (names)
        TRY(join_using(s, j, left, right, names, f));
    else if (j->on)
        TRY(join_on(s, j, first, f));
    if (j->alias) TRY(join_alias(s, j, first, f));
    *ret = f;
    return OK;
}
