/* GROUPING SETS, ROLLUP and CUBE written out as lists of groups, and GROUPING(), which asks for
 * them. */
#include "analyse/internal.h"

#define GROUPING_SETS_MAX 4096
#define CUBE_ELEMENTS_MAX 12
#define GROUPING_ARGS_MAX 31

struct set_list {
    uint32_t n;
    struct grouping_set *items;
};

static status one_set(struct scope *s, struct node *n, struct grouping_set *ret) {
    struct list single = {0};
    const struct list *parts = NULL;
    if (n->kind == NODE_ROW && !ast_as_row(n)->explicit_row) {
        parts = ast_as_row(n)->args;
    } else {
        struct list *l = NULL;
        TRY(list_append(s->a->arena, &l, n));
        single = *l;
        parts = &single;
    }
    NEW_N(s->a, ret->members, list_n(parts) + 1);
    LIST_EACH(struct node *, part, parts) TRY(group_member(s, part, &ret->members[ret->n++]));
    return OK;
}

static status merged(struct analyse *a, const struct grouping_set *x, const struct grouping_set *y,
                     struct grouping_set *ret) {
    struct grouping_set r = {.n = x->n};
    NEW_N(a, r.members, x->n + y->n + 1);
    if (x->n) memcpy(r.members, x->members, x->n * sizeof *r.members);
    for (uint16_t i = 0; i < y->n; i++) {
        bool known = false;
        for (uint16_t k = 0; k < r.n; k++) known |= r.members[k] == y->members[i];
        if (!known) r.members[r.n++] = y->members[i];
    }
    *ret = r;
    return OK;
}

static status too_many(struct analyse *a, int32_t location) {
    return FAIL_AT(a, location, STATEMENT_TOO_COMPLEX,
                   "too many grouping sets present (maximum %d)", GROUPING_SETS_MAX);
}

static status elements(struct scope *s, const struct list *content, struct grouping_set **ret) {
    NEW_N(s->a, *ret, list_n(content) + 1);
    LIST_EACH(struct node *, n, content) TRY(one_set(s, n, &(*ret)[n_i]));
    return OK;
}

/* (a, b, c), (a, b), (a), () */
static status rollup(struct scope *s, struct ast_grouping_set *g, struct set_list *ret) {
    struct grouping_set *parts;
    uint32_t n = (uint32_t)list_n(g->content);
    TRY(elements(s, g->content, &parts));
    if (n >= GROUPING_SETS_MAX) return too_many(s->a, g->node.location);
    NEW_N(s->a, ret->items, n + 1);
    ret->n = n + 1;
    for (uint32_t i = 1; i <= n; i++) /* the longest comes first, the empty one last */
        TRY(merged(s->a, &ret->items[n - i + 1], &parts[i - 1], &ret->items[n - i]));
    return OK;
}

static status cube(struct scope *s, struct ast_grouping_set *g, struct set_list *ret) {
    struct grouping_set *parts;
    uint32_t n = (uint32_t)list_n(g->content);
    if (n > CUBE_ELEMENTS_MAX)
        return FAIL_AT(s->a, g->node.location, TOO_MANY_COLUMNS, "CUBE is limited to %d elements",
                       CUBE_ELEMENTS_MAX);
    TRY(elements(s, g->content, &parts));
    ret->n = (uint32_t)1 << n;
    NEW_N(s->a, ret->items, ret->n);
    for (uint32_t mask = 0; mask < ret->n; mask++)
        for (uint32_t i = 0; i < n; i++)
            if (mask >> i & 1) TRY(merged(s->a, &ret->items[mask], &parts[i], &ret->items[mask]));
    return OK;
}

static status expand(struct scope *s, struct node *n, struct set_list *ret);

static status listed(struct scope *s, struct ast_grouping_set *g, struct set_list *ret) {
    LIST_EACH(struct node *, n, g->content) {
        struct set_list more = {0};
        TRY(expand(s, n, &more));
        if (ret->n + more.n > GROUPING_SETS_MAX) return too_many(s->a, n->location);
        struct grouping_set *all;
        NEW_N(s->a, all, ret->n + more.n);
        if (ret->n) memcpy(all, ret->items, ret->n * sizeof *all);
        memcpy(all + ret->n, more.items, more.n * sizeof *all);
        ret->items = all;
        ret->n += more.n;
    }
    return OK;
}

static status expand(struct scope *s, struct node *n, struct set_list *ret) {
    TRY(analyse_stack(s->a));
    if (n->kind == NODE_GROUPING_SET) {
        struct ast_grouping_set *g = (struct ast_grouping_set *)n;
        if (g->kind == GROUPING_ROLLUP) return rollup(s, g, ret);
        if (g->kind == GROUPING_CUBE) return cube(s, g, ret);
        if (g->kind == GROUPING_SETS) return listed(s, g, ret);
    }
    ret->n = 1;
    NEW(s->a, ret->items);
    return n->kind == NODE_GROUPING_SET ? OK : one_set(s, n, ret->items);
}

/* The items of GROUP BY stand for every combination of their sets. */
static status combine(struct scope *s, struct set_list *all, const struct set_list *item,
                      int32_t location) {
    struct set_list product = {.n = all->n * item->n};
    if (product.n > GROUPING_SETS_MAX) return too_many(s->a, location);
    NEW_N(s->a, product.items, product.n);
    for (uint32_t i = 0; i < all->n; i++)
        for (uint32_t k = 0; k < item->n; k++)
            TRY(merged(s->a, &all->items[i], &item->items[k], &product.items[i * item->n + k]));
    *all = product;
    return OK;
}

static bool has_member(const struct grouping_set *g, uint16_t member) {
    for (uint16_t i = 0; i < g->n; i++)
        if (g->members[i] == member) return true;
    return false;
}

static bool same_set(const struct grouping_set *x, const struct grouping_set *y) {
    if (x->n != y->n) return false;
    for (uint16_t i = 0; i < x->n; i++)
        if (!has_member(y, x->members[i])) return false;
    return true;
}

static void drop_duplicates(struct set_list *l) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        bool known = false;
        for (uint32_t k = 0; k < kept; k++) known |= same_set(&l->items[k], &l->items[i]);
        if (!known) l->items[kept++] = l->items[i];
    }
    l->n = kept;
}

status transform_group(struct scope *s, struct ast_select *n) {
    struct query *q = s->query;
    if (list_n(n->group_by) == 0) return OK;
    struct set_list all = {.n = 1};
    NEW(s->a, all.items);
    LIST_EACH(struct node *, g, n->group_by) {
        struct set_list item = {0};
        TRY(expand(s, g, &item));
        TRY(combine(s, &all, &item, g->location));
    }
    if (n->group_distinct) drop_duplicates(&all);
    q->grouped = true;
    bool plain = all.n == 1 && all.items[0].n == q->ngroup;
    q->nsets = plain ? 0 : (uint16_t)all.n;
    q->sets = all.items;
    q->group_distinct = n->group_distinct;
    return plain ? OK : words_group(s, n->group_by);
}

/* ---- GROUPING ---- */

status transform_grouping(struct scope *s, struct ast_grouping_func *n, struct expr **ret) {
    struct analyse *a = s->a;
    int32_t location = n->node.location;
    if (list_n(n->args) > GROUPING_ARGS_MAX)
        return FAIL_AT(a, location, TOO_MANY_ARGUMENTS,
                       "GROUPING must have fewer than %d arguments", GROUPING_ARGS_MAX + 1);
    struct expr **args;
    TRY(transform_list(s, n->args, &args));
    uint16_t nargs = (uint16_t)list_n(n->args);
    struct expr *e = expr_new_n(a->arena, EXPR_GROUPING, INT4OID, location, nargs);
    NEEDS(a, e);
    memcpy(e->args, args, nargs * sizeof *args);
    struct scope *owner;
    TRY(aggregate_level(s, e, "grouping operations", &owner, &e->grouping.level));
    *ret = e;
    return OK;
}

static status grouping_column(struct scope *s, struct expr *arg, unsigned level, uint16_t *ret) {
    struct query *q = s->query;
    struct expr *own;
    TRY(expr_shift_levels(s->a->arena, arg, level, -(int)level, &own));
    for (uint16_t i = 0; i < q->ngroup; i++)
        if (expr_equal(q->group[i], own)) {
            *ret = i;
            return OK;
        }
    return FAIL_AT(s->a, arg->location, GROUPING_ERROR,
                   "arguments to GROUPING must be grouping expressions of the associated query "
                   "level");
}

/* From here on it names what is grouped by number: the arguments are no expressions of the query.
 */
status settle_grouping(struct scope *s, struct expr *e) {
    if (e->grouping.columns) return OK;
    uint16_t *columns;
    NEW_N(s->a, columns, e->nargs);
    for (uint16_t i = 0; i < e->nargs; i++)
        TRY(grouping_column(s, e->args[i], e->grouping.level, &columns[i]));
    e->grouping.columns = columns;
    e->grouping.n = e->nargs;
    e->nargs = 0;
    return OK;
}
