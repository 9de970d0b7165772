/* Names: what a column reference means (PostgreSQL's rules and messages). */
#include "analyse/internal.h"
#include "catalog/row_tid.h"

const char *clause_words(enum clause c) {
    static const char *const words[] = {
#define X(NAME, text, aggregates, windows, sets) text,
#include "analyse/clause.def"
#undef X
    };
    return words[c];
}

bool clause_allows_aggregates(enum clause c) {
    static const bool flags[] = {
#define X(NAME, text, aggregates, windows, sets) aggregates,
#include "analyse/clause.def"
#undef X
    };
    return flags[c];
}

bool clause_allows_windows(enum clause c) {
    static const bool flags[] = {
#define X(NAME, text, aggregates, windows, sets) windows,
#include "analyse/clause.def"
#undef X
    };
    return flags[c];
}

bool clause_allows_sets(enum clause c) {
    static const bool flags[] = {
#define X(NAME, text, aggregates, windows, sets) sets,
#include "analyse/clause.def"
#undef X
    };
    return flags[c];
}

void scope_init(struct scope *s, struct analyse *a, struct scope *parent, struct query *q) {
    *s = (struct scope){.a = a, .parent = parent, .query = q};
}

status scope_add(struct scope *s, struct ns_item *item) {
    GROW(s->a, s->items, s->nitems, s->items_cap);
    s->items[s->nitems++] = item;
    return OK;
}

static bool item_usable(const struct scope *s, const struct ns_item *item) {
    return !item->lateral_only || s->lateral;
}

/* A column of an item seen from `level` queries further in. */
status scope_take(struct analyse *a, struct expr *proto, unsigned level, int32_t location,
                  struct expr **ret) {
    struct expr *e;
    TRY(expr_shift_levels(a->arena, proto, 0, (int)level, &e));
    if (e->location != location) {
        size_t bytes = sizeof *e + e->nargs * sizeof *e->args;
        struct expr *copy = arena_memdup(a->arena, e, bytes);
        NEEDS(a, copy);
        if (e->nargs) {
            copy->args = (struct expr **)(copy + 1);
            memcpy(copy->args, e->args, e->nargs * sizeof *e->args);
        }
        copy->location = location;
        e = copy;
    }
    *ret = e;
    return OK;
}

struct scope *scope_at(struct scope *s, unsigned level) {
    while (level--) s = s->parent;
    return s;
}

static int item_column_index(const struct ns_item *item, const char *name) {
    for (uint16_t i = 0; i < item->ncolumns; i++)
        if (item->exprs[i] && strcmp(item->names[i], name) == 0) return i;
    return -1;
}

static status lateral_refused(struct analyse *a, const struct ns_item *item, const char *name,
                              int32_t location) {
    status s = FAIL_AT(a, location, INVALID_COLUMN_REFERENCE,
                       "invalid reference to FROM-clause entry for table \"%s\"", name);
    if (item->changed)
        error_hint(a->error,
                   "There is an entry for table \"%s\", but it cannot be referenced from this "
                   "part of the query.",
                   name);
    else
        error_detail(a->error,
                     "The combining JOIN type must be INNER or LEFT for a LATERAL reference.");
    return s;
}

static status find_in_scope(struct scope *s, const char *name, int32_t location,
                            struct ns_item **ret_item, int *ret_index) {
    *ret_item = NULL;
    for (uint16_t i = 0; i < s->nitems; i++) {
        struct ns_item *item = s->items[i];
        if (!item->columns_visible || !item_usable(s, item)) continue;
        int seen = 0;
        for (uint16_t k = 0; k < item->ncolumns; k++) {
            if (!item->exprs[k] || strcmp(item->names[k], name) != 0) continue;
            if (*ret_item || seen)
                return FAIL_AT(s->a, location, AMBIGUOUS_COLUMN,
                               "column reference \"%s\" is ambiguous", name);
            *ret_item = item;
            *ret_index = k;
            seen++;
        }
    }
    if (*ret_item && (*ret_item)->lateral_bad && (*ret_item)->lateral_only)
        return lateral_refused(s->a, *ret_item, (*ret_item)->name ? (*ret_item)->name : name,
                               location);
    return OK;
}

/* Where a row is looked at that is not in its table: it is about to be written, or to be part of an
 * index. */
static status system_column_here(const struct scope *s, const char *name, int32_t location) {
    switch (s->clause) {
    case CLAUSE_CHECK:
        return FAIL_AT(s->a, location, INVALID_COLUMN_REFERENCE,
                       "system column \"%s\" reference in check constraint is invalid", name);
    case CLAUSE_GENERATED:
        return FAIL_AT(s->a, location, INVALID_COLUMN_REFERENCE,
                       "cannot use system column \"%s\" in column generation expression", name);
    case CLAUSE_INDEX:
    case CLAUSE_PREDICATE:
        return error_set(s->a->error, ST_FEATURE_NOT_SUPPORTED,
                         "index creation on system columns is not supported");
    case CLAUSE_TRANSFORM:
    case CLAUSE_COPY_WHERE:
        return FAIL_AT(s->a, location, FEATURE_NOT_SUPPORTED,
                       "system column \"%s\" is not supported in %s", name,
                       clause_words(s->clause));
    default: return OK;
    }
}

/* *ret NULL: name is no system column. */
static status system_column(struct scope *s, const struct ns_item *item, unsigned level,
                            const char *name, int32_t location, struct expr **ret) {
    struct analyse *a = s->a;
    *ret = NULL;
    if (!item->relation || item->rte < 0 || item->excluded ||
        (item->relation->kind != 'r' && item->relation->kind != 'S'))
        return OK;
    int16_t att = system_column_att(name);
    if (att == 0) return OK;
    if (att != ATT_TABLEOID) TRY(system_column_here(s, name, location));
    if (att == ATT_CTID && !row_tid_exists(item->relation))
        return FAIL_AT(
            a, location, FEATURE_NOT_SUPPORTED,
            "system column \"ctid\" is not supported for table \"%s\", whose primary key "
            "does not fit into it",
            item->relation->name);
    struct expr *e = system_column_var(a->arena, (uint16_t)item->rte, att, location);
    NEEDS(a, e);
    permission_select(s, e);
    e->var.level = (uint16_t)level;
    *ret = e;
    return OK;
}

static status system_column_in_scope(struct scope *s, unsigned level, const char *name,
                                     int32_t location, struct expr **ret) {
    struct expr *found = NULL;
    for (uint16_t i = 0; i < s->nitems; i++) {
        if (!s->items[i]->columns_visible || !item_usable(s, s->items[i])) continue;
        TRY(system_column(s, s->items[i], level, name, location, ret));
        if (*ret && found)
            return FAIL_AT(s->a, location, AMBIGUOUS_COLUMN, "column reference \"%s\" is ambiguous",
                           name);
        if (*ret) found = *ret;
    }
    *ret = found;
    return OK;
}

status scope_column(struct scope *s, const char *name, int32_t location, struct expr **ret) {
    unsigned level = 0;
    for (struct scope *at = s; at; at = at->parent, level++) {
        struct ns_item *item;
        int index;
        TRY(find_in_scope(at, name, location, &item, &index));
        if (item) {
            permission_select(at, item->exprs[index]);
            return scope_take(s->a, item->exprs[index], level, location, ret);
        }
        TRY(system_column_in_scope(at, level, name, location, ret));
        if (*ret) return OK;
    }
    *ret = NULL;
    return OK;
}

status scope_find_item(struct scope *s, const char *schema, const char *name, int32_t location,
                       struct ns_item **ret, unsigned *ret_level) {
    unsigned level = 0;
    *ret = NULL;
    for (struct scope *at = s; at; at = at->parent, level++) {
        struct ns_item *found = NULL;
        for (uint16_t i = 0; i < at->nitems; i++) {
            struct ns_item *item = at->items[i];
            if (!item->name_visible || !item->name || strcmp(item->name, name) != 0) continue;
            if (schema && (!item->schema || strcmp(item->schema, schema) != 0)) continue;
            if (!item_usable(at, item)) continue;
            if (found)
                return FAIL_AT(s->a, location, AMBIGUOUS_ALIAS,
                               "table reference \"%s\" is ambiguous", name);
            found = item;
        }
        if (!found) continue;
        if (found->lateral_bad && found->lateral_only)
            return lateral_refused(s->a, found, name, location);
        *ret = found;
        *ret_level = level;
        return OK;
    }
    return OK;
}

status scope_item_column(struct scope *s, struct ns_item *item, unsigned level, const char *column,
                         int32_t location, struct expr **ret) {
    int index = item_column_index(item, column);
    if (index >= 0) {
        for (uint16_t i = (uint16_t)index + 1; i < item->ncolumns; i++)
            if (item->exprs[i] && strcmp(item->names[i], column) == 0)
                return FAIL_AT(s->a, location, AMBIGUOUS_COLUMN,
                               "column reference \"%s\" is ambiguous", column);
        permission_select(scope_at(s, level), item->exprs[index]);
        return scope_take(s->a, item->exprs[index], level, location, ret);
    }
    TRY(system_column(scope_at(s, level), item, level, column, location, ret));
    if (*ret) return OK;
    return scope_missing_column(s, item->name, column, location);
}

static status bare_name(struct scope *s, const char *name, int32_t location, struct expr **ret) {
    TRY(scope_column(s, name, location, ret));
    if (*ret) return OK;
    struct ns_item *item;
    unsigned level;
    TRY(scope_find_item(s, NULL, name, location, &item, &level));
    if (item) {
        /* a function's one column goes by the function's name */
        if (item->ncolumns == 1 && item->rte >= 0 && !item->relation) {
            const struct scope *at = s;
            for (unsigned i = 0; i < level; i++) at = at->parent;
            const struct rte *r = at->query->rtes[item->rte];
            if (r->kind == RTE_FUNCTION || r->was_function)
                return scope_take(s->a, item->exprs[0], level, location, ret);
        }
        return scope_whole_row(s, item, level, location, ret);
    }
    TRY(routine_param_ref(s->a, NULL, name, location, ret));
    if (*ret) return OK;
    return scope_missing_column(s, NULL, name, location);
}

/* t.* where one value is asked for: the row as a whole. */
static status named_row(struct scope *s, const struct ast_column_ref *ref, struct expr **ret) {
    int32_t n = list_n(ref->names), location = ref->node.location;
    const char *name = list_at(ref->names, n - 1);
    struct ns_item *item;
    unsigned level;
    TRY(scope_find_item(s, n > 1 ? list_at(ref->names, n - 2) : NULL, name, location, &item,
                        &level));
    if (!item) return scope_missing_item(s, name, location);
    return scope_whole_row(s, item, level, location, ret);
}

/* t.f where t has no column f, but there is a function f of its rows. */
static status function_of_row(struct scope *s, const struct ast_column_ref *ref,
                              const struct ns_item *item, const char *name, struct expr **ret) {
    struct analyse *a = s->a;
    *ret = NULL;
    if (!item->relation->row_type) return OK;
    struct node *row = ast_new(a->arena, NODE_COLUMN_REF, ref->node.location);
    NEEDS(a, row);
    for (int32_t i = 0; i < list_n(ref->names) - 1; i++)
        TRY(list_append(a->arena, &ast_as_column_ref(row)->names, list_at(ref->names, i)));
    ast_as_column_ref(row)->star = true;
    return call_of_row(s, name, row, item->relation->row_type, ref->node.location, ret);
}

status scope_column_ref(struct scope *s, const struct ast_column_ref *ref, struct expr **ret) {
    int32_t n = list_n(ref->names), location = ref->node.location;
    if (s->a->no_columns)
        return FAIL_AT(s->a, location, FEATURE_NOT_SUPPORTED,
                       "cannot use column reference in DEFAULT expression");
    if (ref->star && n) return named_row(s, ref, ret);
    if (ref->star)
        return FAIL_AT(s->a, location, SYNTAX_ERROR,
                       "row expansion via \"*\" is not supported here");
    if (n == 1) return bare_name(s, list_at(ref->names, 0), location, ret);
    if (n > 4)
        return FAIL_AT(s->a, location, SYNTAX_ERROR,
                       "improper qualified name (too many dotted names)");
    const char *schema = n > 2 ? list_at(ref->names, n - 3) : NULL;
    const char *table = list_at(ref->names, n - 2), *column = list_at(ref->names, n - 1);
    struct ns_item *item;
    unsigned level;
    TRY(scope_find_item(s, schema, table, location, &item, &level));
    if (item && item_column_index(item, column) < 0 && item->relation && item->rte >= 0) {
        TRY(function_of_row(s, ref, item, column, ret));
        if (*ret) return OK;
    }
    if (item) return scope_item_column(s, item, level, column, location, ret);
    if (n == 2) { /* a column that is itself a record */
        struct expr *record;
        TRY(scope_column(s, table, location, &record));
        if (record && record->type == RECORDOID) return field_of(s, record, column, location, ret);
        TRY(routine_param_ref(s->a, table, column, location, ret));
        if (*ret) return OK;
        TRY(routine_param_ref(s->a, NULL, table, location, &record));
        const struct type *t = record ? type_below(type_find(record->type)) : NULL;
        if (t && (t->kind == 'c' || t->oid == RECORDOID))
            return field_of(s, record, column, location, ret);
    }
    return scope_missing_item(s, table, location);
}

struct cte *scope_find_cte(struct scope *s, const char *name, struct scope **ret_where) {
    for (struct scope *at = s; at; at = at->parent)
        for (int i = at->query->nctes - 1; i >= 0; i--) {
            struct cte *c = at->query->ctes[i];
            if (c->hidden || strcmp(c->name, name) != 0) continue;
            *ret_where = at;
            return c;
        }
    return NULL;
}
