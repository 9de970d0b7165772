/* TABLESAMPLE: which rows of a scan are in the sample is decided by the hash of their place in it
 * and the seed: one by one (BERNOULLI), or by stretches of neighbours (SYSTEM). */
#include <math.h>

#include "exec/internal.h"

#define STRETCH_ROWS 64 /* about what a page holds */

struct sample {
    struct operator op;
    struct program_state *values; /* percent, then the seed if there is one */
    bool begun;
    uint64_t seed;
    uint64_t cutoff; /* hashes below it are in: of 2^32 */
    uint64_t place;
};

static status sample_open(struct operator* op) {
    struct sample *s = (struct sample *)op;
    op->sel = arena_alloc(op->x->arena, op->plan->capacity * sizeof *op->sel);
    NEEDS(op->x, op->sel);
    return program_open(op->x, op->plan->sample.values, 1, &s->values);
}

static uint64_t mixed(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Without REPEATABLE every execution draws another sample. */
static uint64_t drawn_seed(struct sample *s) {
    uint64_t *state = s->op.x->env->eval.session->random_state;
    state[0] += 0x9e3779b97f4a7c15u;
    return mixed(state[0] ^ state[1]);
}

static status begin(struct sample *s) {
    struct error *e = s->op.x->env->eval.error;
    TRY(program_run(s->values, NULL, NULL, 1, &s->op.own));
    const struct vec *percent = program_output(s->values, 0);
    if (percent->nulls[0])
        return error_set(e, ST_INVALID_TABLESAMPLE_ARGUMENT,
                         "TABLESAMPLE parameter cannot be null");
    double p = (double)percent->values[0].f4;
    if (!(p >= 0 && p <= 100))
        return error_set(e, ST_INVALID_TABLESAMPLE_ARGUMENT,
                         "sample percentage must be between 0 and 100");
    s->cutoff = (uint64_t)rint(p / 100 * 4294967296.0);
    if (s->op.plan->sample.repeatable) {
        const struct vec *seed = program_output(s->values, 1);
        if (seed->nulls[0])
            return error_set(e, ST_INVALID_TABLESAMPLE_REPEAT,
                             "TABLESAMPLE REPEATABLE parameter cannot be null");
        s->seed = mixed(seed->values[0].u64 + 1);
    } else {
        s->seed = drawn_seed(s);
    }
    s->place = 0;
    s->begun = true;
    return OK;
}

static bool is_in(const struct sample *s) {
    uint64_t unit = s->op.plan->sample.system ? s->place / STRETCH_ROWS : s->place;
    return mixed(s->seed ^ mixed(unit + 1)) >> 32 < s->cutoff;
}

static status sample_next(struct operator* op) {
    struct sample *s = (struct sample *)op;
    op->out.nrows = 0;
    op->out.sel = op->sel;
    if (!s->begun) TRY(begin(s));
    while (op->out.nrows == 0) {
        const struct batch *b;
        TRY(operator_next(op->left, &b));
        if (b->nrows == 0) return OK;
        op->out.columns = b->columns;
        for (uint16_t i = 0; i < b->nrows; i++, s->place++)
            if (is_in(s)) op->sel[op->out.nrows++] = batch_row(b, i);
        TRY(sql_env_breathe(op->x->env));
    }
    return OK;
}

static status sample_restart(struct operator* op) {
    ((struct sample *)op)->begun = false;
    return operator_restart(op->left);
}

const struct operator_class operator_sample = {sizeof(struct sample), sample_open, sample_next,
                                               sample_restart, NULL};
