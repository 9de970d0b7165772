/* EXPLAIN: properties of a node, and the words for expressions. */
#include "plan/explain_internal.h"

status explain_add(struct arena *a, struct explain_node *n, const char *label,
                   enum property_kind kind, bool structured, const char *value,
                   const struct list *items) {
    struct explain_property *p = arena_zalloc(a, sizeof *p);
    if (!p || (!value && !items)) return STATUS(OUT_OF_MEMORY);
    *p = (struct explain_property){NULL, label, kind, structured, value, items};
    *n->last = p;
    n->last = &p->next;
    return OK;
}

status explain_count(struct arena *a, struct explain_node *n, const char *label, uint64_t value) {
    char *text = arena_printf(a, "%llu", (unsigned long long)value);
    return explain_add(a, n, label, PROPERTY_NUMBER, true, text, NULL);
}

status explain_group(struct arena *a, struct explain_node *n, const char *label, const char *tag,
                     bool structured, const struct explain_node *inside) {
    struct explain_property *p = arena_zalloc(a, sizeof *p);
    if (!p) return STATUS(OUT_OF_MEMORY);
    *p = (struct explain_property){.label = label,
                                   .kind = PROPERTY_GROUP,
                                   .structured = structured,
                                   .inside = inside->first,
                                   .tag = tag};
    *n->last = p;
    n->last = &p->next;
    return OK;
}

/* ---- with the words for what fails ---- */

status explain_no_memory(struct explain *x) {
    return error_set(x->env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
}

status explain_tell(struct explain *x, struct explain_node *n, const char *label,
                    enum property_kind kind, bool structured, const char *value,
                    const struct list *items) {
    status st = explain_add(x->arena, n, label, kind, structured, value, items);
    return ok(st) ? OK : explain_no_memory(x);
}

status explain_fact(struct explain *x, struct explain_node *n, const char *label,
                    const char *value) {
    return explain_tell(x, n, label, PROPERTY_TEXT, true, value, NULL);
}

status explain_number(struct explain *x, struct explain_node *n, const char *label, bool structured,
                      int decimals, double value) {
    return explain_tell(x, n, label, PROPERTY_NUMBER, structured,
                        arena_printf(x->arena, "%.*f", decimals, value), NULL);
}

char *explain_words_as(struct explain *x, const struct expr *e, const struct plan *left,
                       const struct plan *right, bool prefix) {
    struct expression_words w = {x->env, left, right, prefix};
    struct buf out = {0};
    status st = explain_expression(&w, e, &out);
    char *text = ok(st) ? arena_strndup(x->arena, out.data, out.len) : NULL;
    buf_free(&out);
    return text;
}

char *explain_words(struct explain *x, const struct expr *e, const struct plan *left,
                    const struct plan *right) {
    return explain_words_as(x, e, left, right, x->o->verbose);
}

status explain_condition(struct explain *x, struct explain_node *n, const char *label,
                         const struct program *p, const struct plan *left,
                         const struct plan *right) {
    if (!p || !p->noutputs) return OK;
    return explain_tell(x, n, label, PROPERTY_TEXT, false,
                        explain_words(x, p->exprs[0], left, right), NULL);
}
