/* EXPLAIN: from operators to nodes with PostgreSQL's names and properties. */
#include "plan/explain.h"

#include <stdio.h>

#include "catalog/internal.h"
#include "plan/internal.h"

#define VARIABLE_WIDTH 32 /* bytes of a value whose length nobody knows */

struct explain {
    struct sql_env *env;
    struct arena *arena;
    const struct plan_statement *statement;
    const struct explain_options *o;
    const struct plan_counts *(*counts)(void *arg, const struct plan *plan);
    void *arg;
};

static status out_of_arena(struct explain *x) {
    return error_set(x->env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
}

/* ---- properties ------------------------------------------------------------------------------ */

bool explain_add(struct arena *a, struct explain_node *n, const char *label,
                 enum property_kind kind, bool structured, const char *value,
                 const struct list *items) {
    struct explain_property *p = arena_zalloc(a, sizeof *p);
    if (!p || (!value && !items)) return false;
    *p = (struct explain_property){NULL, label, kind, structured, value, items};
    *n->last = p;
    n->last = &p->next;
    return true;
}

static status add(struct explain *x, struct explain_node *n, const char *label,
                  enum property_kind kind, bool structured, const char *value,
                  const struct list *items) {
    bool added = explain_add(x->arena, n, label, kind, structured, value, items);
    return added ? OK : out_of_arena(x);
}

static status fact(struct explain *x, struct explain_node *n, const char *label,
                   const char *value) {
    return add(x, n, label, PROPERTY_TEXT, true, value, NULL);
}

static status number(struct explain *x, struct explain_node *n, const char *label, bool structured,
                     int decimals, double value) {
    return add(x, n, label, PROPERTY_NUMBER, structured,
               arena_printf(x->arena, "%.*f", decimals, value), NULL);
}

static char *words_as(struct explain *x, const struct expr *e, const struct plan *left,
                      const struct plan *right, bool prefix) {
    struct expression_words w = {x->env, left, right, prefix};
    struct buf out = {0};
    status st = explain_expression(&w, e, &out);
    char *text = ok(st) ? arena_strndup(x->arena, out.data, out.len) : NULL;
    buf_free(&out);
    return text;
}

static char *words(struct explain *x, const struct expr *e, const struct plan *left,
                   const struct plan *right) {
    return words_as(x, e, left, right, x->o->verbose);
}

static status condition(struct explain *x, struct explain_node *n, const char *label,
                        const struct program *p, const struct plan *left,
                        const struct plan *right) {
    if (!p || !p->noutputs) return OK;
    return add(x, n, label, PROPERTY_TEXT, false, words(x, p->exprs[0], left, right), NULL);
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static const char *join_word(enum plan_join j) {
    static const char *const names[] = {"Inner", "Left", "Right", "Full", "Semi", "Anti"};
    return names[j];
}

static enum plan_join join_of(const struct plan *p) {
    switch (p->kind) {
    case PLAN_NEST: return p->nest.join;
    case PLAN_MERGE_JOIN: return p->merge.join;
    default: return p->hash.join;
    }
}

static bool is_join(const struct plan *p) {
    return p->kind == PLAN_NEST || p->kind == PLAN_HASH_JOIN || p->kind == PLAN_MERGE_JOIN;
}

static const char *node_type(const struct plan *p) {
    static const char *const kinds[] = {
#define X(NAME, text) text,
#include "plan/operators.def"
#undef X
    };
    switch (p->kind) {
    case PLAN_SCAN:
        if (p->scan.bitmap) return "Bitmap Heap Scan";
        if (p->scan.key_source) return "Bitmap Index Scan";
        return !p->index_name ? "Seq Scan" : p->scan.index_only ? "Index Only Scan" : "Index Scan";
    case PLAN_INSERT:
    case PLAN_UPDATE:
    case PLAN_DELETE: return "ModifyTable";
    case PLAN_SETOP: return "SetOp";
    case PLAN_PROJECT: return "Result";
    default: return kinds[p->kind];
    }
}

/* As the text format names it. */
static char *head_words(struct explain *x, const struct plan *p) {
    const char *type = node_type(p), *backward = "";
    if (p->kind == PLAN_AGG && p->agg.ngroup) type = "HashAggregate";
    if (p->kind == PLAN_SORTED_AGG) type = p->agg.naggs ? "GroupAggregate" : "Group";
    if (p->kind == PLAN_SETOP) type = "HashSetOp";
    if (p->kind == PLAN_INSERT) type = "Insert";
    if (p->kind == PLAN_UPDATE) type = "Update";
    if (p->kind == PLAN_DELETE) type = "Delete";
    if (p->kind == PLAN_SCAN && p->index_name && p->scan.backward) backward = " Backward";
    if (!is_join(p)) return arena_printf(x->arena, "%s%s", type, backward);
    if (join_of(p) == PLAN_INNER) return arena_strdup(x->arena, type);
    const char *word = p->kind == PLAN_NEST         ? "Nested Loop"
                       : p->kind == PLAN_MERGE_JOIN ? "Merge"
                                                    : "Hash";
    return arena_printf(x->arena, "%s %s Join", word, join_word(join_of(p)));
}

static bool has_relation(const struct plan *p) {
    return p->kind == PLAN_SCAN || p->kind == PLAN_INSERT || p->kind == PLAN_UPDATE ||
           p->kind == PLAN_DELETE;
}

static status relation_of(struct explain *x, const struct plan *p, const struct relation **ret) {
    uint16_t i = p->kind == PLAN_SCAN ? p->scan.relation : p->change.relation;
    return catalog_relation(x->env, x->statement->relations[i].oid, ret);
}

static const char *alias_of(const struct plan *p) {
    for (uint16_t i = 0; p->kind == PLAN_SCAN && i < p->ncolumns; i++) {
        const struct expr *e = p->out ? p->out[i] : NULL;
        if (e && e->kind == EXPR_VAR && e->var.rte < p->query->nrtes)
            return p->query->rtes[e->var.rte]->alias;
    }
    return p->name;
}

static const char *quoted_name(struct explain *x, const char *name) {
    struct buf out = {0};
    status st = print_identifier(&out, name);
    char *text = ok(st) ? arena_strndup(x->arena, out.data, out.len) : NULL;
    buf_free(&out);
    return text ? text : name;
}

/* A source of rows that is no relation: by its alias, a function by its own name, too. */
static status add_source(struct explain *x, const struct plan *p, struct explain_node *n) {
    const struct plan_function_call *f = p->kind == PLAN_FUNCTION ? &p->function.calls[0] : NULL;
    const char *function = f && f->site && p->function.n == 1 ? f->site->function->name : NULL;
    bool same = function && strcmp(function, p->name) == 0;
    n->head = arena_printf(x->arena, "%s on %s%s%s", n->head, function && !same ? function : "",
                           function && !same ? " " : "", quoted_name(x, p->name));
    if (!n->head) return out_of_arena(x);
    if (function) TRY(fact(x, n, "Function Name", function));
    return fact(x, n, "Alias", p->name);
}

static status add_relation(struct explain *x, const struct plan *p, struct explain_node *n) {
    const struct relation *r;
    if (p->kind == PLAN_SCAN && p->scan.key_source) {
        n->head = arena_printf(x->arena, "%s on %s", n->head, quoted_name(x, p->index_name));
        return n->head ? fact(x, n, "Index Name", p->index_name) : out_of_arena(x);
    }
    if (!has_relation(p)) {
        return p->name && p->kind != PLAN_FILTER ? add_source(x, p, n) : OK;
    }
    TRY(relation_of(x, p, &r));
    const char *alias = alias_of(p);
    if (alias && strcmp(alias, r->name) == 0) alias = NULL;
    const char *using = p->index_name ? " using " : "", *index = p->index_name ? p->index_name : "";
    n->head = arena_printf(x->arena, "%s%s%s on %s%s%s%s%s", n->head, using, index,
                           x->o->verbose ? r->schema_name : "", x->o->verbose ? "." : "", r->name,
                           alias ? " " : "", alias ? alias : "");
    if (!n->head) return out_of_arena(x);
    if (p->index_name) {
        TRY(fact(x, n, "Scan Direction", p->scan.backward ? "Backward" : "Forward"));
        TRY(fact(x, n, "Index Name", p->index_name));
    }
    TRY(fact(x, n, "Relation Name", r->name));
    if (x->o->verbose) TRY(fact(x, n, "Schema", r->schema_name));
    return fact(x, n, "Alias", alias ? alias : r->name);
}

/* ---- costs and counts ------------------------------------------------------------------------ */

static int width_of(const struct plan *p) {
    int width = 0;
    for (uint16_t i = 0; i < p->ncolumns; i++)
        width += p->types[i] && p->types[i]->len > 0 ? p->types[i]->len : VARIABLE_WIDTH;
    return width;
}

static status add_costs(struct explain *x, const struct plan *p, struct explain_node *n) {
    int width = width_of(p);
    double start = p->startup < p->cost ? p->startup : p->cost;
    if (!x->o->costs) return OK;
    n->costs = arena_printf(x->arena, "  (cost=%.2f..%.2f rows=%.0f width=%d)", start, p->cost,
                            p->rows, width);
    if (!n->costs) return out_of_arena(x);
    TRY(number(x, n, "Startup Cost", true, 2, start));
    TRY(number(x, n, "Total Cost", true, 2, p->cost));
    TRY(number(x, n, "Plan Rows", true, 0, p->rows));
    return number(x, n, "Plan Width", true, 0, width);
}

static status add_counts(struct explain *x, const struct plan *p, struct explain_node *n) {
    if (!x->o->analyze) return OK;
    const struct plan_counts *c = x->counts(x->arg, p);
    if (!c || !c->loops) {
        n->costs = arena_printf(x->arena, "%s (never executed)", n->costs);
        if (!n->costs) return out_of_arena(x);
        if (x->o->timing) TRY(number(x, n, "Actual Startup Time", true, 3, 0));
        if (x->o->timing) TRY(number(x, n, "Actual Total Time", true, 3, 0));
        TRY(number(x, n, "Actual Rows", true, 0, 0));
        return number(x, n, "Actual Loops", true, 0, 0);
    }
    double loops = (double)c->loops, rows = (double)c->rows / loops;
    double first = (double)c->first_ns / loops / 1e6, total = (double)c->total_ns / loops / 1e6;
    n->costs =
        x->o->timing
            ? arena_printf(x->arena, "%s (actual time=%.3f..%.3f rows=%.0f loops=%.0f)", n->costs,
                           first, total, rows, loops)
            : arena_printf(x->arena, "%s (actual rows=%.0f loops=%.0f)", n->costs, rows, loops);
    if (!n->costs) return out_of_arena(x);
    if (x->o->timing) TRY(number(x, n, "Actual Startup Time", true, 3, first));
    if (x->o->timing) TRY(number(x, n, "Actual Total Time", true, 3, total));
    TRY(number(x, n, "Actual Rows", true, 0, rows));
    return number(x, n, "Actual Loops", true, 0, loops);
}

static status add_removed(struct explain *x, const struct plan *p, struct explain_node *n) {
    const struct plan_counts *c = x->o->analyze ? x->counts(x->arg, p) : NULL;
    if (!c || !c->loops || (!c->removed && x->o->format == EXPLAIN_TEXT)) return OK;
    return number(x, n, "Rows Removed by Filter", false, 0, (double)c->removed / (double)c->loops);
}

/* ---- what each kind tells -------------------------------------------------------------------- */

static const struct index_desc *index_of(const struct relation *r, oid index) {
    if (r->primary && (r->primary->oid == index || !index)) return r->primary;
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].oid == index) return &r->indexes[i];
    return NULL;
}

static status key_name(const struct relation *r, const struct index_desc *index, uint16_t k,
                       struct buf *out) {
    int16_t att = index && k < index->nkeys ? index->columns[k] : 0;
    return buf_add_str(out, att > 0 ? r->atts[att - 1].name : "key");
}

static status key_condition(struct explain *x, const struct plan *p, const struct relation *r,
                            const struct index_desc *index, uint16_t key, const char *op,
                            uint16_t output, struct buf *out) {
    char *value = words(x, p->scan.values->exprs[output], p, NULL);
    if (!value) return out_of_arena(x);
    TRY(buf_add_str(out, out->len ? " AND (" : "("));
    TRY(key_name(r, index, key, out));
    if (p->scan.keys[key].is_null) return buf_add_str(out, " IS NULL)");
    return buf_printf(out, " %s %s)", op, value);
}

static status list_condition(struct explain *x, const struct plan *p, const struct relation *r,
                             const struct index_desc *index, uint16_t from, struct buf *out) {
    TRY(buf_add_str(out, out->len ? " AND (" : "("));
    TRY(key_name(r, index, (uint16_t)(p->scan.nequal - 1), out));
    TRY(buf_add_str(out, p->scan.array ? " = ANY (" : " = ANY (ARRAY["));
    for (uint16_t i = from; i < (p->scan.array ? from + 1 : from + p->scan.list); i++) {
        char *value = words(x, p->scan.values->exprs[i], p, NULL);
        if (!value) return out_of_arena(x);
        TRY(buf_printf(out, "%s%s", i > from ? ", " : "", value));
    }
    return buf_add_str(out, p->scan.array ? "))" : "]))");
}

static status print_keys(struct explain *x, const struct plan *p, const struct relation *r,
                         struct buf *out) {
    const struct plan_scan *s = &p->scan;
    const struct index_desc *index = index_of(r, s->index);
    bool list = s->list || s->array;
    uint16_t single = (uint16_t)(s->nequal - (list ? 1 : 0)), next = single;
    for (uint16_t i = 0; i < single; i++) TRY(key_condition(x, p, r, index, i, "=", i, out));
    if (list) return list_condition(x, p, r, index, single, out);
    if (s->has_low)
        TRY(key_condition(x, p, r, index, s->nequal, s->low_exclusive ? ">" : ">=", next++, out));
    if (s->has_high)
        TRY(key_condition(x, p, r, index, s->nequal, s->high_exclusive ? "<" : "<=", next, out));
    return OK;
}

static status tell_scan(struct explain *x, const struct plan *p, struct explain_node *n) {
    const struct relation *r;
    struct buf out = {0};
    if (!p->scan.values) return OK;
    TRY(relation_of(x, p, &r));
    status st = print_keys(x, p, r, &out);
    char *text = ok(st) ? arena_strndup(x->arena, out.len ? out.data : "", out.len) : NULL;
    buf_free(&out);
    TRY(st);
    if (!text) return out_of_arena(x);
    const char *between = strstr(text, ") AND (");
    if (between) text = arena_printf(x->arena, "(%s)", text);
    return *text ? add(x, n, p->index_name ? "Index Cond" : "Key Cond", PROPERTY_TEXT, false, text,
                       NULL)
                 : OK;
}

static status sort_keys(struct explain *x, const struct plan *p, uint16_t n, bool directions,
                        struct list **keys) {
    for (uint16_t i = 0; i < n; i++) {
        const struct plan_sort_column *c = &p->sort.columns[i];
        const struct expr *e = p->left->out[c->column];
        char *text = e ? words(x, e, p->left, NULL) : arena_strdup(x->arena, "?");
        const char *nulls = c->descending == c->nulls_first ? ""
                            : c->nulls_first                ? " NULLS FIRST"
                                                            : " NULLS LAST";
        if (text && directions)
            text = arena_printf(x->arena, "%s%s%s", text, c->descending ? " DESC" : "", nulls);
        if (!text) return out_of_arena(x);
        TRY(list_append(x->arena, keys, text));
    }
    return OK;
}

static status tell_sort(struct explain *x, const struct plan *p, struct explain_node *n) {
    struct list *keys = NULL, *presorted = NULL;
    TRY(sort_keys(x, p, p->sort.n, true, &keys));
    TRY(add(x, n, "Sort Key", PROPERTY_LIST, false, NULL, keys));
    if (!p->sort.presorted) return OK;
    TRY(sort_keys(x, p, p->sort.presorted, false, &presorted));
    return add(x, n, "Presorted Key", PROPERTY_LIST, false, NULL, presorted);
}

static status tell_agg(struct explain *x, const struct plan *p, struct explain_node *n) {
    struct list *keys = NULL;
    for (uint16_t i = 0; i < p->agg.ngroup; i++) {
        char *text = words(x, p->agg.values->exprs[i], p->left, NULL);
        if (!text) return out_of_arena(x);
        TRY(list_append(x->arena, &keys, text));
    }
    return keys ? add(x, n, "Group Key", PROPERTY_LIST, false, NULL, keys) : OK;
}

static status key_pairs(struct explain *x, const struct plan *p, struct explain_node *n,
                        const char *label, const struct program *lefts,
                        const struct program *rights) {
    struct buf out = {0};
    status st = OK;
    for (uint16_t i = 0; ok(st) && i < lefts->noutputs; i++) {
        char *left = words(x, lefts->exprs[i], p->left, NULL);
        char *right = words(x, rights->exprs[i], p->right, NULL);
        st = left && right ? buf_printf(&out, "%s(%s = %s)", i ? " AND " : "", left, right)
                           : out_of_arena(x);
    }
    char *text = ok(st) ? arena_printf(x->arena, lefts->noutputs > 1 ? "(%.*s)" : "%.*s",
                                       (int)out.len, out.len ? out.data : "")
                        : NULL;
    buf_free(&out);
    TRY(st);
    return add(x, n, label, PROPERTY_TEXT, false, text, NULL);
}

static status tell_join(struct explain *x, const struct plan *p, struct explain_node *n) {
    const struct program *condition_of = p->kind == PLAN_NEST         ? p->nest.condition
                                         : p->kind == PLAN_MERGE_JOIN ? p->merge.condition
                                                                      : p->hash.condition;
    TRY(fact(x, n, "Join Type", join_word(join_of(p))));
    if (p->kind == PLAN_HASH_JOIN && p->hash.nkeys)
        TRY(key_pairs(x, p, n, "Hash Cond", p->hash.left_keys, p->hash.right_keys));
    if (p->kind == PLAN_MERGE_JOIN)
        TRY(key_pairs(x, p, n, "Merge Cond", p->merge.left_keys, p->merge.right_keys));
    return condition(x, n, "Join Filter", condition_of, p->left, p->right);
}

static status tell_kind(struct explain *x, const struct plan *p, struct explain_node *n) {
    static const char *const setops[] = {"Union", "Intersect", "Except"};
    switch (p->kind) {
    case PLAN_SCAN:
        TRY(condition(x, n, "Recheck Cond", p->scan.recheck, p, NULL));
        if (p->scan.bitmap && x->o->analyze)
            TRY(number(x, n, "Rows Removed by Index Recheck", true, 0, 0));
        return tell_scan(x, p, n);
    case PLAN_SORT:
    case PLAN_INCREMENTAL_SORT: return tell_sort(x, p, n);
    case PLAN_AGG:
    case PLAN_SORTED_AGG: return tell_agg(x, p, n);
    case PLAN_NEST:
    case PLAN_HASH_JOIN:
    case PLAN_MERGE_JOIN: return tell_join(x, p, n);
    case PLAN_GATE: return condition(x, n, "One-Time Filter", p->gate, NULL, NULL);
    case PLAN_SETOP:
        n->head = arena_printf(x->arena, "%s %s%s", n->head, setops[p->setop.kind],
                               p->setop.all ? " All" : "");
        return n->head ? fact(x, n, "Command", setops[p->setop.kind]) : out_of_arena(x);
    default: return OK;
    }
}

/* What stands behind the type of a node, before its place in the tree. */
static status tell_strategy(struct explain *x, const struct plan *p, struct explain_node *n) {
    switch (p->kind) {
    case PLAN_SETOP: return fact(x, n, "Strategy", "Hashed");
    case PLAN_INSERT: return fact(x, n, "Operation", "Insert");
    case PLAN_UPDATE: return fact(x, n, "Operation", "Update");
    case PLAN_DELETE: return fact(x, n, "Operation", "Delete");
    case PLAN_AGG:
        TRY(fact(x, n, "Strategy", p->agg.ngroup ? "Hashed" : "Plain"));
        return fact(x, n, "Partial Mode", "Simple");
    case PLAN_SORTED_AGG:
        TRY(fact(x, n, "Strategy", "Sorted"));
        return fact(x, n, "Partial Mode", "Simple");
    default: return OK;
    }
}

static status add_output(struct explain *x, const struct plan *p, struct explain_node *n) {
    struct list *items = NULL;
    if (!x->o->verbose) return OK;
    for (uint16_t i = 0; i < p->ncolumns; i++) {
        char *text = p->out && p->out[i] ? words_as(x, p->out[i], p, NULL, false)
                                         : arena_strdup(x->arena, "?");
        if (!text) return out_of_arena(x);
        TRY(list_append(x->arena, &items, text));
    }
    return items ? add(x, n, "Output", PROPERTY_LIST, false, NULL, items) : OK;
}

/* ---- the tree -------------------------------------------------------------------------------- */

/* Operators that only pass rows on are not shown; a filter is its child's. */
static const struct plan *shown(const struct plan *p, const struct plan **ret_filter) {
    *ret_filter = p->filter ? p : NULL;
    while ((p->kind == PLAN_FILTER || p->kind == PLAN_PROJECT) && p->left) {
        if (p->kind == PLAN_PROJECT && *ret_filter) break;
        p = p->left;
        if (!p->filter) continue;
        if (*ret_filter && *ret_filter != p) break;
        *ret_filter = p;
    }
    return p;
}

static void attach(struct explain_node *parent, struct explain_node *child) {
    *parent->last_child = child;
    parent->last_child = &child->next;
}

static status new_node(struct explain *x, const char *head, struct explain_node **ret) {
    struct explain_node *n = arena_zalloc(x->arena, sizeof *n);
    if (!n || !head) return out_of_arena(x);
    n->head = head;
    n->costs = "";
    n->last = &n->first;
    n->last_child = &n->children;
    *ret = n;
    return OK;
}

static status explain_plan(struct explain *x, const struct plan *p, const char *relationship,
                           struct explain_node **ret);

/* The inner side of a hash join stands below the hash table that is made of it. */
static status add_memory(struct explain *x, const struct plan *p, struct explain_node *n) {
    bool text = x->o->format == EXPLAIN_TEXT;
    if (!x->o->analyze) return OK;
    return explain_memory(x->arena, p, x->counts(x->arg, p), text, n);
}

static status add_usage(struct explain *x, const struct plan *p, struct explain_node *n) {
    const struct plan_counts *c = x->o->analyze ? x->counts(x->arg, p) : NULL;
    bool text = x->o->format == EXPLAIN_TEXT;
    return c || !text ? explain_usage(x->arena, x->o, c ? &c->used : NULL, n) : OK;
}

static status hash_node(struct explain *x, const struct plan *join, struct explain_node **ret) {
    const struct plan *p = join->right;
    struct explain_node *child;
    TRY(new_node(x, "Hash", ret));
    TRY(fact(x, *ret, "Node Type", "Hash"));
    TRY(fact(x, *ret, "Parent Relationship", "Inner"));
    TRY(add_costs(x, p, *ret));
    TRY(add_counts(x, p, *ret));
    TRY(add_memory(x, join, *ret));
    TRY(add_usage(x, p, *ret));
    TRY(explain_plan(x, p, "Outer", &child));
    attach(*ret, child);
    return OK;
}

static bool is_bitmap(const struct plan *p) {
    return p->kind == PLAN_BITMAP_AND || p->kind == PLAN_BITMAP_OR;
}

/* One of three is two of two. */
static status add_bitmaps(struct explain *x, const struct plan *p, enum plan_kind kind,
                          struct explain_node *n) {
    struct explain_node *child;
    if (p->kind == kind) {
        TRY(add_bitmaps(x, p->left, kind, n));
        return add_bitmaps(x, p->right, kind, n);
    }
    TRY(explain_plan(x, p, "Member", &child));
    attach(n, child);
    return OK;
}

static status add_children(struct explain *x, const struct plan *p, struct explain_node *n) {
    struct explain_node *child;
    bool append = p->kind == PLAN_APPEND;
    if (is_bitmap(p)) return add_bitmaps(x, p, p->kind, n);
    if (p->left) {
        TRY(explain_plan(x, p->left, append ? "Member" : "Outer", &child));
        attach(n, child);
    }
    if (!p->right) return OK;
    TRY(p->kind == PLAN_HASH_JOIN ? hash_node(x, p, &child)
                                  : explain_plan(x, p->right, append ? "Member" : "Inner", &child));
    attach(n, child);
    return OK;
}

static status explain_plan(struct explain *x, const struct plan *p, const char *relationship,
                           struct explain_node **ret) {
    const struct plan *outer = p, *filter;
    TRY(coro_stack_left() < STACK_MARGIN_BYTES ? STATUS(STATEMENT_TOO_COMPLEX) : OK);
    p = shown(p, &filter);
    TRY(new_node(x, head_words(x, p), ret));
    struct explain_node *n = *ret;
    TRY(fact(x, n, "Node Type", node_type(p)));
    TRY(tell_strategy(x, p, n));
    if (relationship) TRY(fact(x, n, "Parent Relationship", relationship));
    TRY(add(x, n, "Parallel Aware", PROPERTY_BOOL, true, "false", NULL));
    TRY(add(x, n, "Async Capable", PROPERTY_BOOL, true, "false", NULL));
    TRY(add_relation(x, p, n));
    TRY(add_costs(x, outer, n));
    TRY(add_counts(x, outer, n));
    TRY(add_output(x, outer, n));
    TRY(tell_kind(x, p, n));
    if (p->kind != PLAN_HASH_JOIN) TRY(add_memory(x, p, n));
    if (filter) {
        bool bitmap = filter->kind == PLAN_SCAN && filter->scan.bitmap;
        const struct program *told = bitmap ? filter->scan.rest : filter->filter;
        TRY(condition(x, n, "Filter", told, filter, NULL));
        TRY(add_removed(x, filter, n));
    }
    TRY(add_usage(x, outer, n));
    return add_children(x, p, n);
}

static status add_others(struct explain *x, struct explain_node *root) {
    const struct plan_statement *s = x->statement;
    for (uint16_t i = 0; i < s->nctes; i++) {
        struct explain_node *child;
        if (!s->ctes[i].plan) continue;
        TRY(explain_plan(x, s->ctes[i].plan, "InitPlan", &child));
        child->title = arena_printf(x->arena, "CTE %s", s->ctes[i].name ? s->ctes[i].name : "?");
        if (!child->title) return out_of_arena(x);
        TRY(fact(x, child, "Subplan Name", child->title));
        attach(root, child);
    }
    for (uint16_t i = 0; i < s->nsublinks; i++) {
        struct explain_node *child;
        bool once = explain_is_init(s->sublinks[i]);
        TRY(explain_plan(x, s->sublinks[i]->plan, once ? "InitPlan" : "SubPlan", &child));
        child->title =
            once ? arena_printf(x->arena, "InitPlan %u (returns $%u)", i + 1u, (unsigned)i)
                 : arena_printf(x->arena, "SubPlan %u", i + 1u);
        if (!child->title) return out_of_arena(x);
        TRY(fact(x, child, "Subplan Name", child->title));
        attach(root, child);
    }
    return OK;
}

status plan_explain(struct sql_env *env, struct arena *a, const struct plan_statement *s,
                    const struct explain_options *o,
                    const struct plan_counts *(*counts)(void *arg, const struct plan *plan),
                    void *arg, const struct explain_whole *whole, struct buf *out) {
    struct explain x = {env, a, s, o, counts, arg};
    struct explain_node *root, behind = {.last = &behind.first};
    TRY(explain_plan(&x, s->root, NULL, &root));
    TRY(add_others(&x, root));
    TRY(explain_behind(a, o, whole, &behind));
    return explain_write(root, &behind, o->format, out);
}
