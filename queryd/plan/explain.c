/* EXPLAIN: from operators to a tree of nodes with PostgreSQL's names and properties. */
#include "plan/explain_internal.h"

#include "base/coro.h"
#include "plan/internal.h"

#define VARIABLE_WIDTH 32 /* bytes of a value whose length nobody knows */

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
    if (!n->costs) return explain_no_memory(x);
    TRY(explain_number(x, n, "Startup Cost", true, 2, start));
    TRY(explain_number(x, n, "Total Cost", true, 2, p->cost));
    TRY(explain_number(x, n, "Plan Rows", true, 0, p->rows));
    return explain_number(x, n, "Plan Width", true, 0, width);
}

static status add_counts(struct explain *x, const struct plan *p, struct explain_node *n) {
    if (!x->o->analyze) return OK;
    const struct plan_counts *c = x->counts(x->arg, p);
    if (!c || !c->loops) {
        n->costs = arena_printf(x->arena, "%s (never executed)", n->costs);
        if (!n->costs) return explain_no_memory(x);
        if (x->o->timing) TRY(explain_number(x, n, "Actual Startup Time", true, 3, 0));
        if (x->o->timing) TRY(explain_number(x, n, "Actual Total Time", true, 3, 0));
        TRY(explain_number(x, n, "Actual Rows", true, 0, 0));
        return explain_number(x, n, "Actual Loops", true, 0, 0);
    }
    double loops = (double)c->loops, rows = (double)c->rows / loops;
    double first = (double)c->first_ns / loops / 1e6, total = (double)c->total_ns / loops / 1e6;
    n->costs =
        x->o->timing
            ? arena_printf(x->arena, "%s (actual time=%.3f..%.3f rows=%.0f loops=%.0f)", n->costs,
                           first, total, rows, loops)
            : arena_printf(x->arena, "%s (actual rows=%.0f loops=%.0f)", n->costs, rows, loops);
    if (!n->costs) return explain_no_memory(x);
    if (x->o->timing) TRY(explain_number(x, n, "Actual Startup Time", true, 3, first));
    if (x->o->timing) TRY(explain_number(x, n, "Actual Total Time", true, 3, total));
    TRY(explain_number(x, n, "Actual Rows", true, 0, rows));
    return explain_number(x, n, "Actual Loops", true, 0, loops);
}

static status add_removed(struct explain *x, const struct plan *p, struct explain_node *n) {
    const struct plan_counts *c = x->o->analyze ? x->counts(x->arg, p) : NULL;
    if (!c || !c->loops || (!c->removed && x->o->format == EXPLAIN_TEXT)) return OK;
    return explain_number(x, n, "Rows Removed by Filter", false, 0,
                          (double)c->removed / (double)c->loops);
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
    if (!n || !head) return explain_no_memory(x);
    n->head = head;
    n->costs = "";
    n->last = &n->first;
    n->last_child = &n->children;
    *ret = n;
    return OK;
}

static status explain_plan(struct explain *x, const struct plan *p, const char *relationship,
                           struct explain_node **ret);

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

/* The inner side of a hash join stands below the hash table that is made of it. */
static status hash_node(struct explain *x, const struct plan *join, struct explain_node **ret) {
    const struct plan *p = join->right;
    struct explain_node *child;
    TRY(new_node(x, "Hash", ret));
    TRY(explain_fact(x, *ret, "Node Type", "Hash"));
    TRY(explain_fact(x, *ret, "Parent Relationship", "Inner"));
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
    TRY(new_node(x, explain_head(x, p), ret));
    struct explain_node *n = *ret;
    TRY(explain_fact(x, n, "Node Type", explain_node_type(p)));
    TRY(explain_strategy(x, p, n));
    if (relationship) TRY(explain_fact(x, n, "Parent Relationship", relationship));
    TRY(explain_tell(x, n, "Parallel Aware", PROPERTY_BOOL, true, "false", NULL));
    TRY(explain_tell(x, n, "Async Capable", PROPERTY_BOOL, true, "false", NULL));
    TRY(explain_relation(x, p, n));
    TRY(add_costs(x, outer, n));
    TRY(add_counts(x, outer, n));
    TRY(explain_output(x, outer, n));
    TRY(explain_kind(x, p, n));
    if (p->kind != PLAN_HASH_JOIN) TRY(add_memory(x, p, n));
    if (filter) {
        bool bitmap = filter->kind == PLAN_SCAN && filter->scan.bitmap;
        const struct program *told = bitmap ? filter->scan.rest : filter->filter;
        TRY(explain_condition(x, n, "Filter", told, filter, NULL));
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
        if (!child->title) return explain_no_memory(x);
        TRY(explain_fact(x, child, "Subplan Name", child->title));
        attach(root, child);
    }
    for (uint16_t i = 0; i < s->nsublinks; i++) {
        struct explain_node *child;
        bool once = explain_is_init(s->sublinks[i]);
        TRY(explain_plan(x, s->sublinks[i]->plan, once ? "InitPlan" : "SubPlan", &child));
        child->title =
            once ? arena_printf(x->arena, "InitPlan %u (returns $%u)", i + 1u, (unsigned)i)
                 : arena_printf(x->arena, "SubPlan %u", i + 1u);
        if (!child->title) return explain_no_memory(x);
        TRY(explain_fact(x, child, "Subplan Name", child->title));
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
