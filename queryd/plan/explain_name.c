/* EXPLAIN: what a node is called, and the relation or source that it is about. */
#include <string.h>

#include "catalog/internal.h"
#include "plan/explain_internal.h"

const char *explain_join_word(enum plan_join j) {
    static const char *const names[] = {"Inner", "Left", "Right", "Full", "Semi", "Anti"};
    return names[j];
}

enum plan_join explain_join_of(const struct plan *p) {
    switch (p->kind) {
    case PLAN_NEST: return p->nest.join;
    case PLAN_MERGE_JOIN: return p->merge.join;
    default: return p->hash.join;
    }
}

static bool is_join(const struct plan *p) {
    return p->kind == PLAN_NEST || p->kind == PLAN_HASH_JOIN || p->kind == PLAN_MERGE_JOIN;
}

const char *explain_node_type(const struct plan *p) {
    static const char *const kinds[] = {
#define X(NAME, text) text,
#include "plan/operators.def"
#undef X
    };
    switch (p->kind) {
    case PLAN_SCAN:
        if (p->scan.bitmap) return "Bitmap Heap Scan";
        if (p->scan.key_source) return "Bitmap Index Scan";
        if (p->scan.tid && (p->scan.nequal || p->scan.has_low || p->scan.has_high))
            return p->scan.nequal ? "Tid Scan" : "Tid Range Scan";
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
char *explain_head(struct explain *x, const struct plan *p) {
    const char *type = explain_node_type(p), *backward = "";
    if (p->kind == PLAN_AGG && p->agg.ngroup) type = "HashAggregate";
    if (p->kind == PLAN_SORTED_AGG) type = p->agg.naggs ? "GroupAggregate" : "Group";
    if (p->kind == PLAN_SETOP) type = "HashSetOp";
    if (p->kind == PLAN_INSERT) type = "Insert";
    if (p->kind == PLAN_UPDATE) type = "Update";
    if (p->kind == PLAN_DELETE) type = "Delete";
    if (p->kind == PLAN_SCAN && p->index_name && p->scan.backward) backward = " Backward";
    if (!is_join(p)) return arena_printf(x->arena, "%s%s", type, backward);
    if (explain_join_of(p) == PLAN_INNER) return arena_strdup(x->arena, type);
    const char *word = p->kind == PLAN_NEST         ? "Nested Loop"
                       : p->kind == PLAN_MERGE_JOIN ? "Merge"
                                                    : "Hash";
    return arena_printf(x->arena, "%s %s Join", word, explain_join_word(explain_join_of(p)));
}

static bool has_relation(const struct plan *p) {
    return p->kind == PLAN_SCAN || p->kind == PLAN_INSERT || p->kind == PLAN_UPDATE ||
           p->kind == PLAN_DELETE;
}

status explain_relation_of(struct explain *x, const struct plan *p, const struct relation **ret) {
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
    if (!n->head) return explain_no_memory(x);
    if (function) TRY(explain_fact(x, n, "Function Name", function));
    return explain_fact(x, n, "Alias", p->name);
}

status explain_relation(struct explain *x, const struct plan *p, struct explain_node *n) {
    const struct relation *r;
    if (p->kind == PLAN_SCAN && p->scan.key_source) {
        n->head = arena_printf(x->arena, "%s on %s", n->head, quoted_name(x, p->index_name));
        return n->head ? explain_fact(x, n, "Index Name", p->index_name) : explain_no_memory(x);
    }
    if (!has_relation(p)) {
        return p->name && p->kind != PLAN_FILTER ? add_source(x, p, n) : OK;
    }
    TRY(explain_relation_of(x, p, &r));
    const char *alias = alias_of(p);
    if (alias && strcmp(alias, r->name) == 0) alias = NULL;
    const char *using = p->index_name ? " using " : "", *index = p->index_name ? p->index_name : "";
    n->head = arena_printf(x->arena, "%s%s%s on %s%s%s%s%s", n->head, using, index,
                           x->o->verbose ? r->schema_name : "", x->o->verbose ? "." : "", r->name,
                           alias ? " " : "", alias ? alias : "");
    if (!n->head) return explain_no_memory(x);
    if (p->index_name) {
        TRY(explain_fact(x, n, "Scan Direction", p->scan.backward ? "Backward" : "Forward"));
        TRY(explain_fact(x, n, "Index Name", p->index_name));
    }
    TRY(explain_fact(x, n, "Relation Name", r->name));
    if (x->o->verbose) TRY(explain_fact(x, n, "Schema", r->schema_name));
    return explain_fact(x, n, "Alias", alias ? alias : r->name);
}
