/* EXPLAIN: what each kind of node tells: conditions, keys, how it goes about its work. */
#include <string.h>

#include "catalog/row_tid.h"
#include "plan/explain_internal.h"

static const struct index_desc *index_of(const struct relation *r, oid index) {
    if (r->primary && (r->primary->oid == index || !index)) return r->primary;
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].oid == index) return &r->indexes[i];
    return NULL;
}

static status key_name(const struct relation *r, const struct index_desc *index, uint16_t k,
                       struct buf *out) {
    int16_t att = index && k < index->nkeys ? index->columns[k] : 0;
    if (att < 0) return buf_add_str(out, system_column_name(att));
    return buf_add_str(out, att > 0 ? r->atts[att - 1].name : "key");
}

/* As its operators take it, where these are another type's. */
static status compared_key(const struct relation *r, const struct index_desc *index, uint16_t k,
                           struct buf *out) {
    int16_t att = index && k < index->nkeys ? index->columns[k] : 0;
    oid type = att > 0 ? r->atts[att - 1].type : 0;
    if (type != VARCHAROID && type != CIDROID) return key_name(r, index, k, out);
    TRY(buf_add_str(out, "("));
    TRY(key_name(r, index, k, out));
    return buf_add_str(out, type == CIDROID ? ")::inet" : ")::text");
}

static status key_condition(struct explain *x, const struct plan *p, const struct relation *r,
                            const struct index_desc *index, uint16_t key, const char *op,
                            uint16_t output, struct buf *out) {
    char *value = explain_words(x, p->scan.values->exprs[output], p, NULL);
    if (!value) return explain_no_memory(x);
    TRY(buf_add_str(out, out->len ? " AND (" : "("));
    bool is_null = p->scan.keys[key].is_null;
    TRY(is_null ? key_name(r, index, key, out) : compared_key(r, index, key, out));
    if (is_null) return buf_add_str(out, " IS NULL)");
    return buf_printf(out, " %s %s)", op, value);
}

static status list_condition(struct explain *x, const struct plan *p, const struct relation *r,
                             const struct index_desc *index, uint16_t from, struct buf *out) {
    TRY(buf_add_str(out, out->len ? " AND (" : "("));
    TRY(compared_key(r, index, (uint16_t)(p->scan.nequal - 1), out));
    TRY(buf_add_str(out, p->scan.array ? " = ANY (" : " = ANY (ARRAY["));
    for (uint16_t i = from; i < (p->scan.array ? from + 1 : from + p->scan.list); i++) {
        char *value = explain_words(x, p->scan.values->exprs[i], p, NULL);
        if (!value) return explain_no_memory(x);
        TRY(buf_printf(out, "%s%s", i > from ? ", " : "", value));
    }
    return buf_add_str(out, p->scan.array ? "))" : "]))");
}

static status print_keys(struct explain *x, const struct plan *p, const struct relation *r,
                         struct buf *out) {
    const struct plan_scan *s = &p->scan;
    const struct index_desc *index = s->tid ? &row_tid_index : index_of(r, s->index);
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
    TRY(explain_relation_of(x, p, &r));
    status st = print_keys(x, p, r, &out);
    char *text = ok(st) ? arena_strndup(x->arena, out.len ? out.data : "", out.len) : NULL;
    buf_free(&out);
    TRY(st);
    if (!text) return explain_no_memory(x);
    const char *between = strstr(text, ") AND (");
    if (between) text = arena_printf(x->arena, "(%s)", text);
    const char *label = p->scan.tid ? "TID Cond" : p->index_name ? "Index Cond" : "Key Cond";
    return *text ? explain_tell(x, n, label, PROPERTY_TEXT, false, text, NULL) : OK;
}

static status sort_keys(struct explain *x, const struct plan *p, uint16_t n, bool directions,
                        struct list **keys) {
    for (uint16_t i = 0; i < n; i++) {
        const struct plan_sort_column *c = &p->sort.columns[i];
        const struct expr *e = p->left->out[c->column];
        char *text = e ? explain_words(x, e, p->left, NULL) : arena_strdup(x->arena, "?");
        const char *nulls = c->descending == c->nulls_first ? ""
                            : c->nulls_first                ? " NULLS FIRST"
                                                            : " NULLS LAST";
        if (text && directions)
            text = arena_printf(x->arena, "%s%s%s", text, c->descending ? " DESC" : "", nulls);
        if (!text) return explain_no_memory(x);
        TRY(list_append(x->arena, keys, text));
    }
    return OK;
}

static status tell_sort(struct explain *x, const struct plan *p, struct explain_node *n) {
    struct list *keys = NULL, *presorted = NULL;
    TRY(sort_keys(x, p, p->sort.n, true, &keys));
    TRY(explain_tell(x, n, "Sort Key", PROPERTY_LIST, false, NULL, keys));
    if (!p->sort.presorted) return OK;
    TRY(sort_keys(x, p, p->sort.presorted, false, &presorted));
    return explain_tell(x, n, "Presorted Key", PROPERTY_LIST, false, NULL, presorted);
}

static status tell_agg(struct explain *x, const struct plan *p, struct explain_node *n) {
    struct list *keys = NULL;
    for (uint16_t i = 0; i < p->agg.ngroup; i++) {
        char *text = explain_words(x, p->agg.values->exprs[i], p->left, NULL);
        if (!text) return explain_no_memory(x);
        TRY(list_append(x->arena, &keys, text));
    }
    return keys ? explain_tell(x, n, "Group Key", PROPERTY_LIST, false, NULL, keys) : OK;
}

static status key_pairs(struct explain *x, const struct plan *p, struct explain_node *n,
                        const char *label, const struct program *lefts,
                        const struct program *rights) {
    struct buf out = {0};
    status st = OK;
    for (uint16_t i = 0; ok(st) && i < lefts->noutputs; i++) {
        char *left = explain_words(x, lefts->exprs[i], p->left, NULL);
        char *right = explain_words(x, rights->exprs[i], p->right, NULL);
        st = left && right ? buf_printf(&out, "%s(%s = %s)", i ? " AND " : "", left, right)
                           : explain_no_memory(x);
    }
    char *text = ok(st) ? arena_printf(x->arena, lefts->noutputs > 1 ? "(%.*s)" : "%.*s",
                                       (int)out.len, out.len ? out.data : "")
                        : NULL;
    buf_free(&out);
    TRY(st);
    return explain_tell(x, n, label, PROPERTY_TEXT, false, text, NULL);
}

static status tell_join(struct explain *x, const struct plan *p, struct explain_node *n) {
    const struct program *condition_of = p->kind == PLAN_NEST         ? p->nest.condition
                                         : p->kind == PLAN_MERGE_JOIN ? p->merge.condition
                                                                      : p->hash.condition;
    TRY(explain_fact(x, n, "Join Type", explain_join_word(explain_join_of(p))));
    if (p->kind == PLAN_HASH_JOIN && p->hash.nkeys)
        TRY(key_pairs(x, p, n, "Hash Cond", p->hash.left_keys, p->hash.right_keys));
    if (p->kind == PLAN_MERGE_JOIN)
        TRY(key_pairs(x, p, n, "Merge Cond", p->merge.left_keys, p->merge.right_keys));
    return explain_condition(x, n, "Join Filter", condition_of, p->left, p->right);
}

status explain_kind(struct explain *x, const struct plan *p, struct explain_node *n) {
    static const char *const setops[] = {"Union", "Intersect", "Except"};
    switch (p->kind) {
    case PLAN_SCAN:
        TRY(explain_condition(x, n, "Recheck Cond", p->scan.recheck, p, NULL));
        if (p->scan.bitmap && x->o->analyze)
            TRY(explain_number(x, n, "Rows Removed by Index Recheck", true, 0, 0));
        return tell_scan(x, p, n);
    case PLAN_SORT:
    case PLAN_INCREMENTAL_SORT: return tell_sort(x, p, n);
    case PLAN_AGG:
    case PLAN_SORTED_AGG: return tell_agg(x, p, n);
    case PLAN_NEST:
    case PLAN_HASH_JOIN:
    case PLAN_MERGE_JOIN: return tell_join(x, p, n);
    case PLAN_GATE: return explain_condition(x, n, "One-Time Filter", p->gate, NULL, NULL);
    case PLAN_SETOP:
        n->head = arena_printf(x->arena, "%s %s%s", n->head, setops[p->setop.kind],
                               p->setop.all ? " All" : "");
        return n->head ? explain_fact(x, n, "Command", setops[p->setop.kind])
                       : explain_no_memory(x);
    default: return OK;
    }
}

/* What stands behind the type of a node, before its place in the tree. */
status explain_strategy(struct explain *x, const struct plan *p, struct explain_node *n) {
    switch (p->kind) {
    case PLAN_SETOP: return explain_fact(x, n, "Strategy", "Hashed");
    case PLAN_INSERT: return explain_fact(x, n, "Operation", "Insert");
    case PLAN_UPDATE: return explain_fact(x, n, "Operation", "Update");
    case PLAN_DELETE: return explain_fact(x, n, "Operation", "Delete");
    case PLAN_AGG:
        TRY(explain_fact(x, n, "Strategy", p->agg.ngroup ? "Hashed" : "Plain"));
        return explain_fact(x, n, "Partial Mode", "Simple");
    case PLAN_SORTED_AGG:
        TRY(explain_fact(x, n, "Strategy", "Sorted"));
        return explain_fact(x, n, "Partial Mode", "Simple");
    default: return OK;
    }
}

status explain_output(struct explain *x, const struct plan *p, struct explain_node *n) {
    struct list *items = NULL;
    if (!x->o->verbose) return OK;
    for (uint16_t i = 0; i < p->ncolumns; i++) {
        char *text = p->out && p->out[i] ? explain_words_as(x, p->out[i], p, NULL, false)
                                         : arena_strdup(x->arena, "?");
        if (!text) return explain_no_memory(x);
        TRY(list_append(x->arena, &items, text));
    }
    return items ? explain_tell(x, n, "Output", PROPERTY_LIST, false, NULL, items) : OK;
}
