/* Lists of conditions that must all hold. */
#include "plan/internal.h"

status conjuncts_add(struct planner *p, struct conjuncts *c, struct expr *e) {
    if (!e) return OK;
    if (e->kind == EXPR_BOOL && e->boolean == EXPR_AND) {
        for (uint16_t i = 0; i < e->nargs; i++) TRY(conjuncts_add(p, c, e->args[i]));
        return OK;
    }
    if (e->kind == EXPR_CONST && !e->constant.is_null && e->constant.value.b) return OK;
    if (c->n == c->cap) {
        uint32_t cap = c->cap ? c->cap * 2 : 8;
        struct expr **items;
        NEW_N(p, items, cap);
        if (c->n) memcpy(items, c->items, c->n * sizeof *items);
        c->items = items;
        c->cap = cap;
    }
    c->items[c->n++] = e;
    return OK;
}

status conjuncts_expr(struct planner *p, const struct conjuncts *c, struct expr **ret) {
    if (c->n == 0) {
        *ret = NULL;
        return OK;
    }
    if (c->n == 1) {
        *ret = c->items[0];
        return OK;
    }
    if (c->n > UINT16_MAX) return STATUS(STATEMENT_TOO_COMPLEX);
    struct expr *e = expr_new_n(p->c->arena, EXPR_BOOL, BOOLOID, -1, (uint16_t)c->n);
    NEEDS(p, e);
    e->boolean = EXPR_AND;
    memcpy(e->args, c->items, c->n * sizeof *c->items);
    *ret = e;
    return OK;
}
