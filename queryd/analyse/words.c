/* words.c: what a query that is to be printed remembers of how it was written. */
#include "analyse/internal.h"

/* ---- names that printing made up ------------------------------------------------------------- */

/* In a kept text a name that is there only to be unique ends with a mark and a number. */
const char *words_unmarked(struct arena *a, const char *name) {
    size_t n = name ? strcspn(name, WORDS_MARKS) : 0;
    return name && name[n] ? arena_strndup(a, name, n) : name;
}

static bool made_up(const char *name) {
    return strchr(name, WORDS_MADE_UP[0]) != NULL;
}

/* What somebody wrote of an alias; *ret NULL: nothing. */
static status written_alias(struct analyse *a, const struct ast_alias *alias,
                            const struct ast_alias **ret) {
    struct ast_alias *w;
    int32_t n = list_n(alias->columns);
    *ret = NULL;
    if (made_up(alias->name)) return OK;
    NEEDS(a, w = arena_memdup(a->arena, alias, sizeof *alias));
    NEEDS(a, w->name = (char *)words_unmarked(a->arena, alias->name));
    while (n > 0 && made_up(list_at(alias->columns, n - 1))) n--;
    w->columns = NULL;
    for (int32_t i = 0; i < n; i++) {
        const char *name = list_at(alias->columns, i), *plain = NULL;
        if (!made_up(name)) NEEDS(a, plain = words_unmarked(a->arena, name));
        TRY(list_append(a->arena, &w->columns, (void *)plain));
    }
    *ret = w;
    return OK;
}

status words_rte(struct analyse *a, struct rte *e, const struct ast_alias *alias, bool only,
                 bool lateral, bool defines) {
    if (!a->for_text) return OK;
    NEW(a, e->words);
    *e->words = (struct rte_words){.only = only, .lateral = lateral, .defines = defines};
    return alias ? written_alias(a, alias, &e->words->alias) : OK;
}

/* ---- joins ----------------------------------------------------------------------------------- */

struct join_side {
    uint16_t first, end; /* items of the scope */
    bool is_join;        /* its columns are numbered through, without dropped ones */
};

/* The number of a column of one side's entry; false: no more. */
struct side_cursor {
    struct scope *s;
    struct join_side side;
    uint16_t item, column, number;
};

static bool next_column(struct side_cursor *c, const struct ns_item **ret_item, uint16_t *ret) {
    for (; c->item < c->side.end; c->item++, c->column = 0) {
        const struct ns_item *item = c->s->items[c->item];
        if (!item->columns_visible) continue;
        while (c->column < item->ncolumns) {
            uint16_t k = c->column++;
            if (!c->side.is_join || item->exprs[k]) c->number++;
            if (!item->exprs[k]) continue;
            *ret_item = item;
            *ret = k;
            return true;
        }
    }
    return false;
}

static uint16_t number_of(struct scope *s, struct join_side side, const char *name) {
    struct side_cursor c = {.s = s, .side = side, .item = side.first};
    const struct ns_item *item;
    uint16_t k;
    while (next_column(&c, &item, &k))
        if (strcmp(item->names[k], name) == 0) return c.number;
    return 0;
}

static void add_column(struct rte *e, const struct ns_item *item, uint16_t k) {
    const struct expr *x = item->exprs[k];
    e->columns[e->ncolumns++] =
        (struct rte_column){item->names[k], x->type, x->typmod, x->collation};
}

/* Merged columns first, then what else the sides have. */
static void add_side(struct scope *s, struct join_side side, const struct list *names,
                     uint16_t *numbers, struct rte *e) {
    struct side_cursor c = {.s = s, .side = side, .item = side.first};
    const struct ns_item *item;
    uint16_t k;
    while (next_column(&c, &item, &k)) {
        if (list_has_name(names, item->names[k])) continue;
        numbers[e->ncolumns] = c.number;
        add_column(e, item, k);
    }
}

static uint32_t width(struct scope *s, uint16_t first, uint16_t end) {
    uint32_t n = 0;
    for (uint16_t i = first; i < end; i++) n += s->items[i]->ncolumns;
    return n;
}

static struct rte_column merged_column(struct scope *s, struct join_side side, const char *name) {
    struct side_cursor c = {.s = s, .side = side, .item = side.first};
    const struct ns_item *item;
    uint16_t k;
    while (next_column(&c, &item, &k))
        if (strcmp(item->names[k], name) == 0)
            return (struct rte_column){name, item->exprs[k]->type, item->exprs[k]->typmod,
                                       item->exprs[k]->collation};
    return (struct rte_column){name, UNKNOWNOID, -1, 0};
}

status words_join(struct scope *s, const struct ast_join *j, uint16_t first, uint16_t middle,
                  const struct list *names, struct from_item *f) {
    struct analyse *a = s->a;
    if (!a->for_text) return OK;
    struct join_side left = {first, middle, f->left->is_join};
    struct join_side right = {middle, s->nitems, f->right->is_join};
    uint32_t n = width(s, first, s->nitems) + (uint32_t)list_n(names) + 1;
    struct rte *e;
    NEW(a, e);
    e->kind = RTE_JOIN;
    e->alias = j->alias ? j->alias->name : "unnamed_join";
    TRY(words_rte(a, e, j->alias, false, false, false));
    NEW_N(a, e->columns, n);
    NEW_N(a, e->words->left_column, n);
    NEW_N(a, e->words->right_column, n);
    LIST_EACH(char *, name, names) {
        e->words->left_column[name_i] = number_of(s, left, name);
        e->words->right_column[name_i] = number_of(s, right, name);
        e->columns[e->ncolumns++] = merged_column(s, left, name);
    }
    e->words->nmerged = e->ncolumns;
    add_side(s, left, names, e->words->left_column, e);
    add_side(s, right, names, e->words->right_column, e);
    f->using_columns = names;
    f->using_alias = j->using_alias;
    return rte_add(s, e, &f->rte);
}

status words_join_column(struct scope *s, const struct from_item *f, uint16_t column,
                         struct expr **e) {
    struct rte *r = s->query->rtes[f->rte];
    if (!*e) return OK;
    struct expr *v = expr_var(s->a->arena, f->rte, (int16_t)(column + 1), (*e)->type, (*e)->typmod,
                              (*e)->collation, -1);
    NEEDS(s->a, v);
    if (column < r->words->nmerged && (*e)->kind != EXPR_VAR) r->words->dangerous = true;
    *e = v;
    return OK;
}

/* ---- GROUP BY -------------------------------------------------------------------------------- */

static status group_part(struct scope *s, struct node *n, struct group_words *w);

static status group_parts(struct scope *s, const struct list *l, uint16_t *ret_n,
                          struct group_words **ret) {
    *ret_n = (uint16_t)list_n(l);
    NEW_N(s->a, *ret, *ret_n + 1);
    LIST_EACH(struct node *, n, l) TRY(group_part(s, n, &(*ret)[n_i]));
    return OK;
}

static status group_part(struct scope *s, struct node *n, struct group_words *w) {
    TRY(analyse_stack(s->a));
    if (n->kind == NODE_GROUPING_SET) {
        struct ast_grouping_set *g = (struct ast_grouping_set *)n;
        w->is_set = true;
        w->kind = g->kind;
        return group_parts(s, g->content, &w->n, &w->parts);
    }
    bool row = n->kind == NODE_ROW && !ast_as_row(n)->explicit_row;
    uint16_t count = row ? (uint16_t)list_n(ast_as_row(n)->args) : 1;
    NEW_N(s->a, w->members, count + 1);
    if (!row) {
        w->n = 1;
        return group_member(s, n, w->members);
    }
    LIST_EACH(struct node *, part, ast_as_row(n)->args)
    TRY(group_member(s, part, &w->members[w->n++]));
    return OK;
}

status words_group(struct scope *s, const struct list *group_by) {
    struct query *q = s->query;
    if (!s->a->for_text) return OK;
    return group_parts(s, group_by, &q->ngroup_words, &q->group_words);
}
