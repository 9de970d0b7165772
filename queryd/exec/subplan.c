/* Subqueries in expressions: carried out for each row, or once where nothing outside matters. */
#include "exec/subplan.h"
#include "types/array.h"

struct subplan_state {
    const struct plan_sublink *plan;
    struct operator* op;
    struct program_state *test, *left, *right;
    struct arena scratch; /* values of one run */
    struct arena kept;    /* the answer of a subquery that is carried out once */
    bool done;            /* answer holds */
    datum answer;
    uint8_t answer_null;
    struct row_store *rows; /* ARRAY: of one run */
    struct row_store *set;  /* hashed: the column's values */
    const struct type *set_type[1];
    bool set_built, set_has_null;
    struct row_store *memo; /* outer values, and the answer they gave */
    const struct type **memo_types;
    const struct vec **memo_keys;
    struct vec *memo_row; /* what is added */
    struct subplan_groups *groups;
    double spent; /* on single runs */
    bool grouped; /* groups answers */
};

static status state_of(struct execution *x, const struct plan_sublink *p,
                       struct subplan_state **ret) {
    struct subplan_state *s = x->subplans[p->index];
    if (!s) {
        NEW_N(x, s, 1);
        s->plan = p;
        arena_init(&s->scratch, 0);
        arena_init(&s->kept, 0);
        TRY(operator_open(x, p->plan, false, &s->op));
        if (p->test) TRY(program_open(x, p->test, p->plan->capacity, &s->test));
        if (p->left) TRY(program_open(x, p->left, 1, &s->left));
        if (p->right) TRY(program_open(x, p->right, p->plan->capacity, &s->right));
        x->subplans[p->index] = s;
    }
    *ret = s;
    return OK;
}

void subplans_close(struct execution *x) {
    for (uint16_t i = 0; x->subplans && i < x->plan->nsublinks; i++) {
        struct subplan_state *s = x->subplans[i];
        if (!s) continue;
        arena_free(&s->scratch);
        arena_free(&s->kept);
        subplan_groups_close(s->groups);
    }
}

static status restart(struct subplan_state *s) {
    if (s->scratch.chunk) arena_reset(&s->scratch);
    return operator_restart(s->op);
}

static status copy_out(struct execution *x, const struct type *t, datum value, struct arena *a,
                       datum *ret) {
    if (!t || t->byval) {
        *ret = value;
        return OK;
    }
    status st = type_copy(t, value, a, ret);
    return status_is(st, ST_OUT_OF_MEMORY) ? exec_memory(x) : st;
}

static status run_exists(struct subplan_state *s, datum *ret, uint8_t *ret_null) {
    const struct batch *b;
    TRY(restart(s));
    TRY(operator_next(s->op, &b));
    *ret = datum_bool(b->nrows > 0);
    *ret_null = 0;
    return OK;
}

static status run_scalar(struct subplan_state *s, struct arena *a, datum *ret, uint8_t *ret_null) {
    const struct batch *b;
    struct execution *x = s->op->x;
    *ret_null = 1;
    TRY(restart(s));
    TRY(operator_next(s->op, &b));
    if (b->nrows == 0) return OK;
    bool several = b->nrows > 1;
    uint16_t row = batch_row(b, 0);
    *ret_null = b->columns[0].nulls[row];
    if (!*ret_null) TRY(copy_out(x, s->op->plan->types[0], b->columns[0].values[row], a, ret));
    if (!several) {
        TRY(operator_next(s->op, &b));
        several = b->nrows > 0;
    }
    if (several)
        return error_set(x->env->eval.error, ST_CARDINALITY_VIOLATION,
                         "more than one row returned by a subquery used as an expression");
    return OK;
}

static status run_array(struct subplan_state *s, struct arena *a, datum *ret, uint8_t *ret_null) {
    struct execution *x = s->op->x;
    const struct type *t = s->op->plan->types[0];
    const struct batch *b;
    if (!s->rows) TRY(row_store_new(x, 1, s->op->plan->types, &s->rows));
    struct row_store *rows = s->rows;
    row_store_clear(rows);
    TRY(restart(s));
    do {
        TRY(operator_next(s->op, &b));
        TRY(row_store_add_batch(rows, b));
    } while (b->nrows);
    datum *values = arena_array(&s->scratch, rows->n + 1, sizeof *values);
    uint8_t *nulls = arena_array(&s->scratch, rows->n + 1, 1);
    if (!values || !nulls) return exec_memory(x);
    for (size_t i = 0; i < rows->n; i++) {
        values[i] = rows->rows[i]->values[0];
        nulls[i] = stored_nulls(rows, rows->rows[i])[0];
    }
    struct eval_env env = x->env->eval;
    env.arena = a;
    bool nested = t->element && !t->array; /* a vector is an element like any other */
    *ret_null = 0;
    uint32_t n = (uint32_t)rows->n;
    return nested ? array_build_nested(&env, t->element, values, nulls, n, ret)
                  : array_build_1d(&env, t->oid, values, nulls, n, ret);
}

/* ANY: true if one is, else null if one is unknown; ALL: the same with false. */
static status run_quantified(struct subplan_state *s, datum *ret, uint8_t *ret_null) {
    bool any = s->plan->kind == SUB_ANY, unknown = false;
    const struct batch *b;
    TRY(restart(s));
    for (;;) {
        TRY(operator_next(s->op, &b));
        if (b->nrows == 0) break;
        if (s->scratch.chunk) arena_reset(&s->scratch);
        TRY(program_run(s->test, b->columns, b->sel, b->nrows, &s->scratch));
        const struct vec *v = program_output(s->test, 0);
        for (uint16_t i = 0; i < b->nrows; i++) {
            uint16_t row = batch_row(b, i);
            if (v->nulls[row]) {
                unknown = true;
            } else if (v->values[row].b == any) {
                *ret = datum_bool(any);
                *ret_null = 0;
                return OK;
            }
        }
    }
    *ret = datum_bool(!any);
    *ret_null = unknown;
    return OK;
}

/* ---- hashed ANY ---- */

static status build_set(struct subplan_state *s) {
    const struct batch *b;
    s->set_type[0] = s->plan->hash_type;
    TRY(row_store_new(s->op->x, 1, s->set_type, &s->set));
    TRY(restart(s));
    do {
        TRY(operator_next(s->op, &b));
        if (b->nrows == 0) break;
        if (s->scratch.chunk) arena_reset(&s->scratch);
        TRY(program_run(s->right, b->columns, b->sel, b->nrows, &s->scratch));
        const struct vec *v = program_output(s->right, 0);
        for (uint16_t i = 0; i < b->nrows; i++) {
            uint16_t row = batch_row(b, i);
            struct stored_row *r;
            if (v->nulls[row]) {
                s->set_has_null = true;
                continue;
            }
            TRY(row_store_add(s->set, v, row, &r));
            r->hash = hash_row(s->set_type, &v, 1, row);
            TRY(row_store_hash(s->set, r));
        }
        TRY(sql_env_breathe(s->op->x->env));
    } while (true);
    s->set_built = true;
    return OK;
}

static status run_hashed(struct subplan_state *s, datum *ret, uint8_t *ret_null) {
    if (!s->set_built) TRY(build_set(s));
    if (s->scratch.chunk) arena_reset(&s->scratch);
    TRY(program_run(s->left, NULL, NULL, 1, &s->scratch));
    const struct vec *v = program_output(s->left, 0);
    *ret = datum_bool(false);
    *ret_null = 0;
    if (s->set->n == 0 && !s->set_has_null) return OK;
    if (v->nulls[0]) {
        *ret_null = 1;
        return OK;
    }
    uint64_t hash = hash_row(s->set_type, &v, 1, 0);
    for (struct stored_row *r = row_store_bucket(s->set, hash); r; r = r->next)
        if (r->hash == hash && same_value(s->set_type[0], v->values[0], 0, r->values[0], 0)) {
            *ret = datum_bool(true);
            return OK;
        }
    *ret_null = s->set_has_null;
    return OK;
}

static status run(struct subplan_state *s, struct arena *a, datum *ret, uint8_t *ret_null) {
    switch (s->plan->kind) {
    case SUB_EXISTS: return run_exists(s, ret, ret_null);
    case SUB_SCALAR: return run_scalar(s, a, ret, ret_null);
    case SUB_ARRAY: return run_array(s, a, ret, ret_null);
    default:
        return s->plan->hashed ? run_hashed(s, ret, ret_null) : run_quantified(s, ret, ret_null);
    }
}

static status answer_once(struct subplan_state *s) {
    if (s->done) return OK;
    TRY(run(s, &s->kept, &s->answer, &s->answer_null));
    s->done = true;
    return OK;
}

/* ---- correlated: answers are remembered by the outer values that they depend on ---- */

static status memo_open(struct subplan_state *s, const struct instr *i) {
    struct execution *x = s->op->x;
    uint16_t n = i->nargs;
    NEW_N(x, s->memo_types, n + 1u);
    NEW_N(x, s->memo_keys, n + 1u);
    NEW_N(x, s->memo_row, n + 1u);
    for (uint16_t a = 0; a < n; a++) s->memo_types[a] = type_find(i->expr->args[a]->type);
    s->memo_types[n] = i->type;
    return row_store_new(x, (uint16_t)(n + 1), s->memo_types, &s->memo);
}

static struct stored_row *memo_find(const struct subplan_state *s, uint16_t n, uint16_t row,
                                    uint64_t hash) {
    for (struct stored_row *r = row_store_bucket(s->memo, hash); r; r = r->next) {
        const uint8_t *nulls = stored_nulls(s->memo, r);
        uint16_t a = 0;
        if (r->hash != hash) continue;
        while (a < n && same_value(s->memo_types[a], s->memo_keys[a]->values[row],
                                   s->memo_keys[a]->nulls[row], r->values[a], nulls[a]))
            a++;
        if (a == n) return r;
    }
    return NULL;
}

/* When it has grown too large it begins anew: what comes often comes again. */
static status memo_add(struct subplan_state *s, uint16_t n, uint16_t row, uint64_t hash,
                       const struct vec *answer) {
    struct stored_row *r;
    if (s->memo->arena.used > s->op->x->env->settings->work_mem_bytes) row_store_clear(s->memo);
    for (uint16_t a = 0; a < n; a++) s->memo_row[a] = *s->memo_keys[a];
    s->memo_row[n] = *answer;
    TRY(row_store_add(s->memo, s->memo_row, row, &r));
    r->hash = hash;
    return row_store_hash(s->memo, r);
}

/* ---- correlated: or looked up among the answers for all outer values ---- */

/* The single runs have cost as much as these would: they are made, if that goes well. */
static status consider_groups(struct subplan_state *s) {
    const struct plan_sublink *p = s->plan;
    if (s->grouped || s->groups || !p->groups || s->spent < p->groups->plan->cost) return OK;
    TRY(subplan_groups_open(s->op->x, p->groups, &s->groups));
    return subplan_groups_ready(s->groups, &s->grouped);
}

static void set_outer(struct program_state *ps, const struct plan_sublink *p, const struct instr *i,
                      uint16_t row) {
    for (uint16_t a = 0; a < i->nargs; a++) {
        const struct vec *v = &ps->regs[i->args[a]];
        ps->x->outer[p->outer_ids[a]] = v->values[row];
        ps->x->outer_nulls[p->outer_ids[a]] = v->nulls[row];
        ps->x->outer_turns[p->outer_ids[a]]++;
    }
}

/* Of no rows, the answer is the same for whatever outer values. */
static status answer_from_groups(struct subplan_state *s, struct program_state *ps,
                                 const struct instr *i, uint16_t row) {
    struct vec *result = &ps->regs[i->result];
    struct stored_row *r;
    set_outer(ps, s->plan, i, row);
    TRY(subplan_groups_find(s->groups, &r));
    if (!r) TRY(answer_once(s));
    datum answer = r ? r->values[0] : s->answer;
    result->nulls[row] = r ? subplan_groups_nulls(s->groups, r)[0] : s->answer_null;
    return result->nulls[row] ? OK
                              : copy_out(ps->x, i->type, answer, ps->arena, &result->values[row]);
}

static status answer_row(struct subplan_state *s, struct program_state *ps, const struct instr *i,
                         uint16_t row) {
    struct execution *x = ps->x;
    const struct plan_sublink *p = s->plan;
    struct vec *result = &ps->regs[i->result];
    uint64_t hash = 0;
    TRY(consider_groups(s));
    if (s->grouped) return answer_from_groups(s, ps, i, row);
    if (p->memo) {
        if (!s->memo) TRY(memo_open(s, i));
        for (uint16_t a = 0; a < i->nargs; a++) s->memo_keys[a] = &ps->regs[i->args[a]];
        hash = hash_row(s->memo_types, s->memo_keys, i->nargs, row);
        struct stored_row *r = memo_find(s, i->nargs, row, hash);
        if (r) {
            result->nulls[row] = stored_nulls(s->memo, r)[i->nargs];
            if (result->nulls[row]) return OK;
            return copy_out(x, i->type, r->values[i->nargs], ps->arena, &result->values[row]);
        }
    }
    set_outer(ps, p, i, row);
    s->spent += p->plan->cost;
    TRY(run(s, ps->arena, &result->values[row], &result->nulls[row]));
    if (p->memo) TRY(memo_add(s, i->nargs, row, hash, result));
    return sql_env_breathe(x->env);
}

status eval_subplan(struct program_state *ps, const struct instr *i, const uint16_t *sel,
                    uint16_t n) {
    struct execution *x = ps->x;
    const struct plan_sublink *p = i->expr->subplan;
    struct vec *result = &ps->regs[i->result];
    struct subplan_state *s;
    TRY(state_of(x, p, &s));
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel ? sel[k] : k;
        if (p->nouter == 0 && !p->plan->depends) {
            TRY(answer_once(s));
            result->values[row] = s->answer;
            result->nulls[row] = s->answer_null;
            continue;
        }
        TRY(answer_row(s, ps, i, row));
    }
    return OK;
}
