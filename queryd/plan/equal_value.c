/* Constants go through equalities: what is a = b and a = 5 is a = 5 and b = 5, so that both sides
 * are narrowed before they are joined. */
#include "plan/internal.h"

/* column = column, or column = constant, by the equality of their one type. */
struct equality {
    struct expr *column;
    struct expr *other; /* a column of another entry, or the constant */
    uint16_t side;      /* the argument that the column is */
    bool of_columns;
};

static bool is_column(struct expr *e) {
    e = expr_strip_relabel(e);
    return e->kind == EXPR_VAR && e->var.level == 0 && e->var.att > 0;
}

static bool is_constant(const struct expr *e) {
    return e->kind == EXPR_PARAM || (e->kind == EXPR_CONST && !e->constant.is_null);
}

static bool as_equality(struct expr *e, struct equality *ret) {
    if (e->kind != EXPR_CALL || !e->call.op || e->call.op->btree_strategy != 3 || e->nargs != 2)
        return false;
    struct expr *a = e->args[0], *b = e->args[1];
    if (a->type != b->type || a->collation != b->collation) return false;
    ret->side = is_column(a) ? 0 : 1;
    ret->column = e->args[ret->side];
    ret->other = e->args[1 - ret->side];
    ret->of_columns = is_column(ret->other);
    if (!is_column(ret->column)) return false;
    if (!ret->of_columns) return is_constant(ret->other);
    return expr_strip_relabel(a)->var.rte != expr_strip_relabel(b)->var.rte;
}

/* The condition among quals that gives the column a constant, by the same equality as `by`. */
static struct expr *constant_of(const struct conjuncts *quals, const struct expr *by,
                                const struct expr *column) {
    for (uint32_t i = 0; i < quals->n; i++) {
        struct expr *e = quals->items[i];
        struct equality q;
        if (!as_equality(e, &q) || q.of_columns || e->call.op != by->call.op ||
            e->input_collation != by->input_collation || !expr_equal(q.column, column))
            continue;
        return e;
    }
    return NULL;
}

/* The same condition of another column. */
static status add_copy(struct planner *p, struct conjuncts *quals, struct expr *of,
                       struct expr *column) {
    struct equality q;
    struct expr *copy = expr_new_n(p->c->arena, EXPR_CALL, of->type, of->location, 2);
    NEEDS(p, copy);
    struct expr **args = copy->args;
    *copy = *of;
    copy->args = args;
    CHECK(as_equality(of, &q));
    args[q.side] = column;
    args[1 - q.side] = q.other;
    return conjuncts_add(p, quals, copy);
}

/* Of a = b both sides are known to be the same constant: it says nothing more. */
static status settle(struct planner *p, struct conjuncts *quals, struct expr *e,
                     bool *ret_settled) {
    struct equality q;
    *ret_settled = false;
    if (!as_equality(e, &q) || !q.of_columns) return OK;
    struct expr *sides[2] = {q.column, q.other};
    struct expr *known[2] = {constant_of(quals, e, sides[0]), constant_of(quals, e, sides[1])};
    if (!known[0] && !known[1]) return OK;
    struct equality values[2];
    for (int i = 0; i < 2; i++) {
        if (!known[i]) TRY(add_copy(p, quals, known[1 - i], sides[i]));
        CHECK(as_equality(known[i] ? known[i] : known[1 - i], &values[i]));
    }
    *ret_settled = expr_equal(values[0].other, values[1].other);
    return OK;
}

static bool has_constants(const struct conjuncts *quals) {
    for (uint32_t i = 0; i < quals->n; i++) {
        struct equality q;
        if (as_equality(quals->items[i], &q) && !q.of_columns) return true;
    }
    return false;
}

status equal_values(struct planner *p, struct conjuncts *quals) {
    for (bool again = has_constants(quals); again;) {
        again = false;
        for (uint32_t i = 0; i < quals->n; i++) {
            bool settled;
            TRY(settle(p, quals, quals->items[i], &settled));
            if (!settled) continue;
            memmove(&quals->items[i], &quals->items[i + 1],
                    (quals->n - i - 1) * sizeof *quals->items);
            quals->n--;
            i--;
            again = true;
        }
    }
    return OK;
}
