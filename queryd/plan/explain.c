/* EXPLAIN: a plan in words. */
#include <stdio.h>

#include "plan/internal.h"

static const char *node_words(const struct plan *p) {
    static const char *const words[] = {
#define X(NAME, text) text,
#include "plan/operators.def"
#undef X
    };
    static const char *const joins[] = {"",           " Left Join", " Right Join",
                                        " Full Join", " Semi Join", " Anti Join"};
    static _Thread_local char joined[40];
    if (p->kind == PLAN_SCAN) {
        if (!p->index_name) return "Seq Scan";
        if (p->scan.index_only)
            return p->scan.backward ? "Index Only Scan Backward" : "Index Only Scan";
        return p->scan.backward ? "Index Scan Backward" : "Index Scan";
    }
    enum plan_join j = p->kind == PLAN_NEST ? p->nest.join : p->hash.join;
    if ((p->kind == PLAN_NEST || p->kind == PLAN_HASH_JOIN) && j != PLAN_INNER) {
        snprintf(joined, sizeof joined, "%s%s", p->kind == PLAN_NEST ? "Nested Loop" : "Hash",
                 joins[j]);
        return joined;
    }
    if (p->kind == PLAN_AGG && p->agg.ngroup) return "HashAggregate";
    return words[p->kind];
}

/* Operators that only pass rows on are not shown. */
static const struct plan *shown(const struct plan *p) {
    while ((p->kind == PLAN_FILTER && !p->filter) || p->kind == PLAN_PROJECT) p = p->left;
    return p;
}

static status explain_node(const struct plan *p, bool costs, unsigned depth, struct buf *out) {
    p = shown(p);
    if (depth) TRY(buf_printf(out, "%*s->  ", (int)(depth * 6 - 4), ""));
    TRY(buf_add_str(out, node_words(p)));
    if (p->index_name) TRY(buf_printf(out, " using %s", p->index_name));
    if (p->name && p->kind != PLAN_FILTER) TRY(buf_printf(out, " on %s", p->name));
    if (costs) TRY(buf_printf(out, "  (cost=%.2f rows=%.0f)", p->cost, p->rows));
    TRY(buf_add(out, "\n", 1));
    if (p->left) TRY(explain_node(p->left, costs, depth + 1, out));
    if (p->right) TRY(explain_node(p->right, costs, depth + 1, out));
    return OK;
}

status plan_explain(const struct plan_statement *s, bool costs, struct buf *out) {
    TRY(explain_node(s->root, costs, 0, out));
    for (uint16_t i = 0; i < s->nctes; i++) {
        if (!s->ctes[i].plan) continue;
        TRY(buf_printf(out, "  CTE %u\n", i + 1u));
        TRY(explain_node(s->ctes[i].plan, costs, 1, out));
    }
    for (uint16_t i = 0; i < s->nsublinks; i++) {
        TRY(buf_printf(out, "  SubPlan %u\n", i + 1u));
        TRY(explain_node(s->sublinks[i]->plan, costs, 1, out));
    }
    return OK;
}
