/* print_name.c: the names that entries and columns have in a printed query: unique where they must
 * be, those of now. PostgreSQL's set_deparse_for_query and its kin. */
#include "analyse/print_internal.h"

#include "parse/ast.h"

/* A unique name after another one, the nth; a kept text says that it is none. */
static const char *nth_name(struct printer *p, const char *name, bool written, unsigned n) {
    if (!p->style.stored) return arena_printf(p->arena, "%.*s_%u", 60, name, n);
    return arena_printf(p->arena, "%s%s%u", name, written ? WORDS_CHANGED : WORDS_MADE_UP, n);
}

/* ---- entries --------------------------------------------------------------------------------- */

static bool name_is_taken(const struct print_level *l, uint16_t before, const char *name,
                          bool is_rule) {
    for (uint16_t i = 0; i < before; i++)
        if (l->names[i] && !strcmp(l->names[i], name)) return true;
    for (const struct print_level *o = l->outer; o; o = o->outer)
        for (uint16_t i = 0; i < o->q->nrtes; i++)
            if (o->names[i] && !strcmp(o->names[i], name)) return true;
    /* the rule that makes a view has entries of its own */
    return is_rule && (!strcmp(name, "old") || !strcmp(name, "new"));
}

static status own_name(struct printer *p, const struct rte *r, const char **ret) {
    const struct ast_alias *alias = r->words ? r->words->alias : NULL;
    *ret = alias ? alias->name : r->alias;
    if (alias) return OK;
    if (r->kind == RTE_JOIN) *ret = NULL;
    if (r->kind != RTE_RELATION || !r->relation->oid) return OK;
    const struct relation *now;
    TRY(catalog_relation(p->env, r->relation->oid, &now));
    *ret = now->name;
    return OK;
}

static status unique_name(struct printer *p, struct print_level *l, uint16_t i, bool is_rule) {
    const char *name;
    TRY(own_name(p, l->q->rtes[i], &name));
    if (!name) return OK;
    const char *chosen = name;
    bool written = l->q->rtes[i]->words && l->q->rtes[i]->words->alias;
    for (unsigned n = 1; name_is_taken(l, i, chosen, is_rule); n++) {
        chosen = nth_name(p, name, written, n);
        if (!chosen) return no_memory(p->env);
    }
    l->names[i] = chosen;
    return OK;
}

/* ---- columns --------------------------------------------------------------------------------- */

static bool listed(const char *const *names, uint16_t n, const char *name) {
    for (uint16_t i = 0; i < n; i++)
        if (names[i] && !strcmp(names[i], name)) return true;
    return false;
}

/* alias: what the statement calls it; NULL: nothing, it has the name that it has by itself. */
static status unique_column(struct printer *p, const struct print_level *l,
                            const struct print_columns *c, const char *alias, const char *name,
                            const char **ret) {
    const char *chosen = alias ? alias : name;
    for (unsigned n = 1;
         listed(c->names, c->n, chosen) || listed(c->shown, c->nshown, chosen) ||
         listed(l->using_names, l->nusing, chosen) || listed(c->parent_using, c->nparent, chosen);
         n++) {
        chosen = nth_name(p, alias ? alias : name, alias != NULL, n);
        if (!chosen) return no_memory(p->env);
    }
    *ret = chosen;
    return OK;
}

static const char *alias_column(const struct rte *r, uint16_t i) {
    const struct ast_alias *alias = r->words ? r->words->alias : NULL;
    return alias && i < list_n(alias->columns) ? list_at(alias->columns, i) : NULL;
}

/* said: the alias says this name, or must. */
static void show(struct print_columns *c, const char *name, bool is_new, bool said) {
    c->is_new[c->nshown] = is_new;
    c->shown[c->nshown++] = name;
    if (said) c->nsaid = c->nshown;
}

/* What a column is called where it comes from; NULL: it is dropped. */
static const char *real_name(const struct rte *r, const struct relation *now, uint16_t i) {
    if (now) return i < now->natts && !now->atts[i].dropped ? now->atts[i].name : NULL;
    if (!r->columns[i].type) return NULL;
    if (r->kind == RTE_SUBQUERY) {
        bool reads = r->query->kind == QUERY_SELECT || r->query->kind == QUERY_SETOP;
        return (reads ? r->query->targets : r->query->returning)[i].name;
    }
    if (r->kind == RTE_CTE) return r->cte->columns[i].name;
    return r->columns[i].name;
}

static status name_aliased_columns(struct printer *p, struct print_level *l, const struct rte *r,
                                   struct print_columns *c) {
    uint16_t live = 0;
    for (uint16_t i = 0; i < c->n; i++) {
        const char *alias = r->columns[i].type ? alias_column(r, live++) : NULL;
        if (!alias || c->names[i] || !real_name(r, c->now, i)) continue;
        TRY(unique_column(p, l, c, alias, alias, &c->names[i]));
    }
    return OK;
}

/* Columns that a relation got since are new; those that it lost are gone. */
static status relation_columns(struct printer *p, struct print_level *l, uint16_t rte) {
    const struct rte *r = l->q->rtes[rte];
    struct print_columns *c = &l->columns[rte];
    bool changed = false;
    uint16_t live = 0, width = c->now && c->now->natts > c->n ? c->now->natts : c->n;
    TRY(name_aliased_columns(p, l, r, c));
    for (uint16_t i = 0; i < width; i++) {
        bool was = i < c->n && r->columns[i].type, is_new = i >= c->n;
        const char *real = real_name(r, c->now, i);
        const char *alias = was ? alias_column(r, live++) : NULL;
        if (!real) continue;
        const char *name = is_new ? NULL : c->names[i];
        if (!name) TRY(unique_column(p, l, c, alias, real, &name));
        if (!is_new) c->names[i] = name;
        show(c, name, is_new, r->kind != RTE_RELATION || alias || strcmp(name, real) != 0);
        changed |= strcmp(name, real) != 0;
    }
    bool user = r->words && r->words->alias && list_n(r->words->alias->columns);
    c->print_aliases = r->kind == RTE_FUNCTION || (r->kind != RTE_RELATION && user) || changed;
    return OK;
}

static const char *child_column(const struct print_level *l, const struct print_columns *c,
                                const struct rte_words *w, uint16_t i) {
    if (w->left_column[i]) return l->columns[c->left].names[w->left_column[i] - 1];
    return l->columns[c->right].names[w->right_column[i] - 1];
}

static bool is_merged(const struct rte_words *w, bool right, uint16_t number) {
    const uint16_t *numbers = right ? w->right_column : w->left_column;
    for (uint16_t i = 0; i < w->nmerged; i++)
        if (numbers[i] == number) return true;
    return false;
}

/* The columns that come from one side: those that were there, in the join's own names from *next
 * on, and those that the side got since. */
static status side_shown(struct printer *p, struct print_level *l, const struct rte *r,
                         struct print_columns *c, bool right, uint16_t *next, bool *changed) {
    const struct print_columns *child = &l->columns[right ? c->right : c->left];
    uint16_t column = 0;
    for (uint16_t k = 0; k < child->nshown; k++) {
        if (child->is_new[k]) {
            const char *name = child->shown[k];
            if (r->words->alias) TRY(unique_column(p, l, c, NULL, name, &name));
            bool differs = strcmp(name, child->shown[k]) != 0;
            *changed |= differs;
            show(c, name, true, differs);
            continue;
        }
        while (column < child->n && !child->names[column]) column++;
        if (is_merged(r->words, right, ++column)) continue;
        while (*next < c->n && !c->names[*next]) ++*next;
        if (*next == c->n) return OK;
        const char *name = c->names[*next];
        show(c, name, false, alias_column(r, (*next)++) || strcmp(name, child->shown[k]) != 0);
    }
    return OK;
}

/* Of a join with a name: first the columns that the alias names, then the others. */
static status name_join_columns(struct printer *p, struct print_level *l, const struct rte *r,
                                struct print_columns *c, bool by_alias) {
    for (uint16_t i = 0; i < c->n; i++) {
        const char *real = child_column(l, c, r->words, i), *alias = alias_column(r, i);
        if (!real || c->names[i] || (alias != NULL) != by_alias) continue;
        TRY(unique_column(p, l, c, alias, real, &c->names[i]));
    }
    return OK;
}

static status join_columns(struct printer *p, struct print_level *l, uint16_t rte) {
    const struct rte *r = l->q->rtes[rte];
    struct print_columns *c = &l->columns[rte];
    bool changed = false, named = r->words->alias != NULL;
    uint16_t next = r->words->nmerged;
    if (named) TRY(name_join_columns(p, l, r, c, true));
    if (named) TRY(name_join_columns(p, l, r, c, false));
    for (uint16_t i = 0; i < c->n; i++) {
        const char *real = child_column(l, c, r->words, i);
        if (!real) continue;
        if (!named && i >= next) c->names[i] = real;
        if (named && (i >= next || alias_column(r, i))) changed |= strcmp(c->names[i], real) != 0;
    }
    for (uint16_t i = 0; i < next; i++) show(c, c->names[i], false, alias_column(r, i));
    TRY(side_shown(p, l, r, c, false, &next, &changed));
    TRY(side_shown(p, l, r, c, true, &next, &changed));
    c->print_aliases = named && changed;
    return OK;
}

/* ---- USING ----------------------------------------------------------------------------------- */

static bool has_dangerous(const struct query *q, const struct from_item *f) {
    if (!f->is_join) return false;
    const struct rte_words *w = q->rtes[f->rte]->words;
    return (!w->alias && w->dangerous) || has_dangerous(q, f->left) || has_dangerous(q, f->right);
}

static status append(struct printer *p, const char ***names, uint16_t *n, const char *name) {
    const char **grown = arena_array(p->arena, *n + 1u, sizeof *grown);
    if (!grown) return no_memory(p->env);
    if (*n) memcpy(grown, *names, *n * sizeof *grown);
    grown[(*n)++] = name;
    *names = grown;
    return OK;
}

static void push_down(struct print_level *l, const struct print_columns *c,
                      const struct rte_words *w, uint16_t i) {
    if (w->left_column[i]) l->columns[c->left].names[w->left_column[i] - 1] = c->names[i];
    if (w->right_column[i]) l->columns[c->right].names[w->right_column[i] - 1] = c->names[i];
}

static status using_name(struct printer *p, struct print_level *l, const struct rte *r,
                         struct print_columns *c, uint16_t i, const char *written) {
    if (!c->names[i]) {
        const char *alias = alias_column(r, i);
        const char *plain = words_unmarked(p->arena, written);
        if (!plain) return no_memory(p->env);
        TRY(unique_column(p, l, c, alias, plain, &c->names[i]));
        if (l->unique_using) TRY(append(p, &l->using_names, &l->nusing, c->names[i]));
    }
    TRY(append(p, &c->using_names, &c->nusing, c->names[i]));
    push_down(l, c, r->words, i);
    return OK;
}

/* Names of merged columns, from the outermost join inward. */
static status using_names(struct printer *p, struct print_level *l, const struct from_item *f,
                          const char **parent, uint16_t nparent) {
    if (!f->is_join) return OK;
    const struct rte *r = l->q->rtes[f->rte];
    struct print_columns *c = &l->columns[f->rte];
    c->left = f->left->rte;
    c->right = f->right->rte;
    if (!r->words->alias)
        for (uint16_t i = 0; i < c->n; i++)
            if (c->names[i]) push_down(l, c, r->words, i);
    LIST_EACH(char *, name, f->using_columns) {
        TRY(using_name(p, l, r, c, (uint16_t)name_i, name));
        TRY(append(p, &parent, &nparent, c->names[name_i]));
    }
    for (int i = 0; i < 2; i++) {
        struct print_columns *child = &l->columns[i ? c->right : c->left];
        child->parent_using = parent;
        child->nparent = nparent;
    }
    TRY(using_names(p, l, f->left, parent, nparent));
    return using_names(p, l, f->right, parent, nparent);
}

static status columns_init(struct printer *p, const struct rte *r, struct print_columns *c) {
    c->n = r->ncolumns;
    if (r->kind == RTE_RELATION && r->relation->oid)
        TRY(catalog_relation(p->env, r->relation->oid, &c->now));
    else if (r->kind == RTE_RELATION)
        c->now = r->relation;
    c->names = arena_array(p->arena, c->n + 1u, sizeof *c->names);
    return c->names ? OK : no_memory(p->env);
}

/* Room for what is shown: a join has what its sides have. */
static status shown_init(struct printer *p, struct print_level *l, uint16_t rte) {
    struct print_columns *c = &l->columns[rte];
    uint32_t n = c->now && c->now->natts > c->n ? c->now->natts : c->n;
    if (l->q->rtes[rte]->kind == RTE_JOIN)
        n += l->columns[c->left].nshown + l->columns[c->right].nshown;
    c->shown = arena_array(p->arena, n + 1u, sizeof *c->shown);
    c->is_new = arena_array(p->arena, n + 1u, sizeof *c->is_new);
    return c->shown && c->is_new ? OK : no_memory(p->env);
}

/* A relation's name that is an alias only for its columns' sake. */
static status made_up_alias(struct printer *p, struct print_level *l, uint16_t i) {
    const struct rte *r = l->q->rtes[i];
    bool relation = r->kind == RTE_RELATION || r->kind == RTE_CTE;
    if (!p->style.stored || !relation || !l->columns[i].print_aliases) return OK;
    if (!r->words || r->words->alias || strpbrk(l->names[i], WORDS_MARKS)) return OK;
    l->names[i] = nth_name(p, l->names[i], false, 0);
    return l->names[i] ? OK : no_memory(p->env);
}

status print_names(struct printer *p, struct print_level *l, bool is_rule) {
    const struct query *q = l->q;
    l->names = arena_array(p->arena, q->nrtes + 1u, sizeof *l->names);
    l->columns = arena_array(p->arena, q->nrtes + 1u, sizeof *l->columns);
    if (!l->names || !l->columns) return no_memory(p->env);
    for (uint16_t i = 0; i < q->nrtes; i++) {
        TRY(columns_init(p, q->rtes[i], &l->columns[i]));
        TRY(unique_name(p, l, i, is_rule));
    }
    for (uint16_t i = 0; i < q->nfrom; i++) l->unique_using |= has_dangerous(q, q->from[i]);
    for (uint16_t i = 0; i < q->nfrom; i++) TRY(using_names(p, l, q->from[i], NULL, 0));
    for (uint16_t i = 0; i < q->nrtes; i++) {
        TRY(shown_init(p, l, i));
        TRY(q->rtes[i]->kind == RTE_JOIN ? join_columns(p, l, i) : relation_columns(p, l, i));
        TRY(made_up_alias(p, l, i));
    }
    return OK;
}

/* ---- asking ---------------------------------------------------------------------------------- */

const char *printed_column(struct printer *p, const struct expr *var, bool whole_row,
                           const char **ret_table) {
    const struct print_level *l = p->level;
    for (uint16_t i = 0; i < var->var.level && l; i++) l = l->outer;
    *ret_table = l ? l->names[var->var.rte] : NULL;
    if (!l || whole_row) return NULL;
    if (var->var.att < 0) return system_column_name(var->var.att);
    return l->columns[var->var.rte].names[var->var.att - 1];
}

/* A name that a WITH query hides is written with its schema. */
static bool hidden_by_cte(const struct printer *p, const char *name) {
    for (const struct print_level *l = p->level; l; l = l->outer)
        for (uint16_t i = 0; i < l->q->nctes; i++)
            if (!strcmp(l->q->ctes[i]->name, name)) return true;
    return false;
}

status print_relation_name(struct printer *p, oid relation) {
    const struct relation *r;
    TRY(catalog_relation(p->env, relation, &r));
    if (!hidden_by_cte(p, r->name)) return relation_print(p->env, relation, p->out);
    TRY(put_name(p, r->schema_name));
    TRY(put(p, "."));
    return put_name(p, r->name);
}
