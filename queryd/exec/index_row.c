/* Rows as computed indexes see them: the values of expressions, and whether the predicate is true.
 *
 * An index's programs are compiled when its first row comes and kept until the transaction ends,
 * like the relation that they were made for. */
#include "exec/index_row.h"

#include "analyse/analyse.h"
#include "exec/internal.h"

struct index_rows {
    struct index_rows *next;
    oid index;
    const struct row_desc *row; /* of the relation it was made for: another one after ALTER TABLE */
    struct execution predicate_x, keys_x;
    struct program_state *predicate; /* NULL: all rows */
    struct program_state *keys;      /* the expressions, computed where the predicate is true */
    struct vec *inputs;              /* natts columns and the relation's oid, of one row */
    datum table;
};

static status compile(struct sql_env *env, const struct relation *r, struct expr **exprs,
                      uint16_t n, struct arena *a, struct execution *x,
                      struct program_state **ret) {
    struct program *program;
    struct plan_statement *plan;
    TRY(plan_expression(env, a, r->natts, exprs, n, &program, &plan));
    *x = (struct execution){.env = env, .arena = a, .plan = plan};
    return program_open(x, program, 1, ret);
}

static status compile_index(struct sql_env *env, const struct relation *r,
                            const struct index_desc *index, struct arena *a, struct index_rows *s) {
    struct index_meaning m;
    struct expr *exprs[INDEX_COLUMNS_MAX];
    uint16_t n = 0;
    TRY(analyse_index(env, a, r, index, &m));
    if (m.predicate) TRY(compile(env, r, &m.predicate, 1, a, &s->predicate_x, &s->predicate));
    for (uint16_t k = 0; k < index->nkeys; k++)
        if (m.keys[k]) exprs[n++] = m.keys[k];
    return compile(env, r, exprs, n, a, &s->keys_x, &s->keys);
}

static status open_index(struct sql_env *env, const struct relation *r,
                         const struct index_desc *index, struct index_rows **ret) {
    struct arena *a = env->txn_arena;
    struct index_rows *s = arena_zalloc(a, sizeof *s);
    if (!s) return no_memory(env);
    s->index = index->oid;
    s->row = r->row;
    s->table = datum_oid(r->oid);
    s->inputs = arena_array(a, r->natts + 1u, sizeof *s->inputs);
    if (!s->inputs) return no_memory(env);
    TRY(compile_index(env, r, index, a, s));
    s->next = env->index_rows;
    env->index_rows = s;
    *ret = s;
    return OK;
}

static status find(struct sql_env *env, const struct relation *r, const struct index_desc *index,
                   struct index_rows **ret) {
    for (struct index_rows *s = env->index_rows; s; s = s->next)
        if (s->index == index->oid && s->row == r->row) {
            *ret = s;
            return OK;
        }
    return open_index(env, r, index, ret);
}

static void set_inputs(struct index_rows *s, uint16_t natts, const datum *values,
                       const uint8_t *nulls) {
    static uint8_t not_null[1];
    for (uint16_t i = 0; i < natts; i++)
        s->inputs[i] = (struct vec){(datum *)values + i, (uint8_t *)nulls + i};
    s->inputs[natts] = (struct vec){&s->table, not_null};
}

static status run(struct sql_env *env, struct index_rows *s, struct program_state *program) {
    program->x->env = env;
    program->eval = env->eval;
    return program_run(program, s->inputs, NULL, 1, env->eval.arena);
}

static status included(struct sql_env *env, struct index_rows *s, bool *ret) {
    *ret = true;
    if (!s->predicate) return OK;
    TRY(run(env, s, s->predicate));
    const struct vec *v = program_output(s->predicate, 0);
    *ret = !v->nulls[0] && v->values[0].b;
    return OK;
}

status index_row(struct sql_env *env, const struct relation *r, const struct index_desc *index,
                 const datum *values, const uint8_t *nulls, datum *ret_values, uint8_t *ret_nulls,
                 bool *ret_included) {
    struct index_rows *s;
    uint16_t output = 0;
    TRY(find(env, r, index, &s));
    set_inputs(s, r->natts, values, nulls);
    TRY(included(env, s, ret_included));
    if (!*ret_included) return OK;
    TRY(run(env, s, s->keys));
    for (uint16_t k = 0; k < index->nkeys; k++) {
        int16_t number = index->columns[k];
        const struct vec *v = number ? NULL : program_output(s->keys, output++);
        ret_values[k] = v ? v->values[0] : values[number - 1];
        ret_nulls[k] = v ? v->nulls[0] : nulls[number - 1];
    }
    return OK;
}
