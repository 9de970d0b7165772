/* The answers of a correlated scalar subquery for all outer values at once (plan/sublink_groups.c):
 * made when asked for the first time, then looked up. Making them may meet a value that no row
 * outside asks about and that an expression fails for, or may take more memory than there is: then
 * the subquery goes on being carried out for each row. */
#include "exec/subplan.h"

struct subplan_groups {
    struct execution *x;
    const struct plan_sublink *plan;
    struct operator* op;
    struct program_state *keys;
    struct row_store *rows; /* answer, keys; NULL: there are none to be had */
    const struct vec **columns;
    struct arena scratch;
    bool made;
};

status subplan_groups_open(struct execution *x, const struct plan_sublink *p,
                           struct subplan_groups **ret) {
    struct subplan_groups *g;
    NEW_N(x, g, 1);
    g->x = x;
    g->plan = p;
    arena_init(&g->scratch, 0);
    NEW_N(x, g->columns, p->plan->ncolumns);
    TRY(operator_open(x, p->plan, false, &g->op));
    TRY(program_open(x, p->left, 1, &g->keys));
    TRY(row_store_new(x, p->plan->ncolumns, p->plan->types, &g->rows));
    *ret = g;
    return OK;
}

void subplan_groups_close(struct subplan_groups *g) {
    if (g) arena_free(&g->scratch);
}

static uint16_t key_count(const struct subplan_groups *g) {
    return (uint16_t)(g->plan->plan->ncolumns - 1);
}

static uint64_t key_hash(const struct subplan_groups *g, uint16_t row) {
    return hash_row(g->plan->plan->types + 1, g->columns + 1, key_count(g), row);
}

static bool has_null_key(const struct subplan_groups *g, uint16_t row) {
    for (uint16_t k = 1; k <= key_count(g); k++)
        if (g->columns[k]->nulls[row]) return true;
    return false;
}

static status add_batch(struct subplan_groups *g, const struct batch *b) {
    for (uint16_t k = 0; k <= key_count(g); k++) g->columns[k] = &b->columns[k];
    for (uint16_t i = 0; i < b->nrows; i++) {
        uint16_t row = batch_row(b, i);
        struct stored_row *r;
        if (has_null_key(g, row)) continue;
        TRY(row_store_add(g->rows, b->columns, row, &r));
        r->hash = key_hash(g, row);
        TRY(row_store_hash(g->rows, r));
    }
    return OK;
}

static status make(struct subplan_groups *g) {
    const struct batch *b;
    do {
        TRY(operator_next(g->op, &b));
        TRY(add_batch(g, b));
        if (row_store_bytes(g->rows) > hash_memory(g->x)) return STATUS(OUT_OF_MEMORY);
        TRY(sql_env_breathe(g->x->env));
    } while (b->nrows);
    return OK;
}

status subplan_groups_ready(struct subplan_groups *g, bool *ret) {
    if (!g->made) {
        status st = make(g);
        g->made = true;
        if (status_is(st, ST_QUERY_CANCELED)) return st;
        if (!ok(st)) {
            row_store_free(g->rows);
            g->rows = NULL;
            error_clear(g->x->env->eval.error);
        }
    }
    *ret = g->rows;
    return OK;
}

status subplan_groups_find(struct subplan_groups *g, struct stored_row **ret) {
    *ret = NULL;
    if (g->scratch.chunk) arena_reset(&g->scratch);
    TRY(program_run(g->keys, NULL, NULL, 1, &g->scratch));
    for (uint16_t k = 1; k <= key_count(g); k++)
        g->columns[k] = program_output(g->keys, (uint16_t)(k - 1));
    if (has_null_key(g, 0)) return OK;
    uint64_t hash = key_hash(g, 0);
    for (struct stored_row *r = row_store_bucket(g->rows, hash); r; r = r->next) {
        uint16_t k = 1;
        if (r->hash != hash) continue;
        while (k <= key_count(g) &&
               same_value(g->plan->plan->types[k], g->columns[k]->values[0], 0, r->values[k], 0))
            k++;
        if (k > key_count(g)) *ret = r;
    }
    return OK;
}

const uint8_t *subplan_groups_nulls(const struct subplan_groups *g, struct stored_row *r) {
    return stored_nulls(g->rows, r);
}
