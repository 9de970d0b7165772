/* Set-returning functions among the targets: each input row gives as many rows as the longest set;
 * shorter ones are filled up with nulls. */
#include "exec/internal.h"

struct set_state {
    struct program_state *args;
    datum *values;
    uint8_t *nulls;
    void *state;
    struct arena arena;
    bool done;
};

/* What a set's rows lie in, until the batch that shows them has been read. */
struct shown {
    struct shown *next;
    struct arena arena;
};

struct set_project {
    struct operator op;
    struct shown *shown, *spare;
    struct set_state *sets;
    struct program_state *targets;
    struct vec *inputs; /* the input's columns, then the sets' */
    struct batch left;
    uint16_t at;
    bool in_row;
    struct arena args_arena; /* of the left batch */
};

static status set_open(struct operator* op) {
    struct set_project *s = (struct set_project *)op;
    const struct plan_set_project *p = &op->plan->set_project;
    uint16_t left = op->plan->left->capacity, columns = op->plan->left->ncolumns;
    struct execution *x = op->x;
    arena_init(&s->args_arena, 0);
    NEW_N(x, s->sets, p->nsets + 1);
    for (uint16_t i = 0; i < p->nsets; i++) {
        arena_init(&s->sets[i].arena, 0);
        TRY(program_open(x, p->sets[i].args, left, &s->sets[i].args));
        NEW_N(x, s->sets[i].values, p->sets[i].args->noutputs + 1);
        NEW_N(x, s->sets[i].nulls, p->sets[i].args->noutputs + 1);
    }
    TRY(columns_new(x, (uint16_t)(columns + p->nsets), op->plan->capacity, &s->inputs));
    NEW_N(x, op->out.columns, op->plan->ncolumns + 1);
    return program_open(x, p->targets, op->plan->capacity, &s->targets);
}

static status next_left(struct set_project *s) {
    const struct batch *b;
    TRY(operator_next(s->op.left, &b));
    s->left = *b;
    s->at = 0;
    s->in_row = false;
    if (b->nrows == 0) return OK;
    if (s->args_arena.chunk) arena_reset(&s->args_arena);
    for (uint16_t i = 0; i < s->op.plan->set_project.nsets; i++)
        TRY(program_run(s->sets[i].args, b->columns, b->sel, b->nrows, &s->args_arena));
    return OK;
}

static status keep_shown(struct set_project *s, struct set_state *t) {
    struct shown *k = s->spare;
    if (!t->arena.chunk) return OK;
    if (k)
        s->spare = k->next;
    else
        NEW_N(s->op.x, k, 1);
    *k = (struct shown){s->shown, t->arena};
    s->shown = k;
    arena_init(&t->arena, 0);
    return OK;
}

static void free_shown(struct set_project *s) {
    while (s->shown) {
        struct shown *k = s->shown;
        s->shown = k->next;
        arena_free(&k->arena);
        k->next = s->spare;
        s->spare = k;
    }
}

static status start_row(struct set_project *s) {
    const struct plan_set_project *p = &s->op.plan->set_project;
    uint16_t row = batch_row(&s->left, s->at);
    s->in_row = true;
    for (uint16_t i = 0; i < p->nsets; i++) {
        struct set_state *t = &s->sets[i];
        TRY(keep_shown(s, t));
        t->state = NULL;
        t->done = false;
        for (uint16_t k = 0; k < t->args->program->noutputs; k++) {
            const struct vec *v = program_output(t->args, k);
            t->values[k] = v->values[row];
            t->nulls[k] = v->nulls[row];
            if (v->nulls[row] && p->sets[i].site->function->strict) t->done = true;
        }
    }
    return OK;
}

/* The sets' next values for one output row; *ret_any false: all are at their end. */
static status set_values(struct set_project *s, uint16_t row, bool *ret_any) {
    const struct plan_set_project *p = &s->op.plan->set_project;
    uint16_t base = s->op.plan->left->ncolumns;
    *ret_any = false;
    for (uint16_t i = 0; i < p->nsets; i++) {
        struct set_state *t = &s->sets[i];
        struct vec *to = &s->inputs[base + i];
        to->nulls[row] = 1;
        if (t->done) continue;
        struct eval_env env = s->op.x->env->eval;
        env.arena = s->op.arena;
        struct fn_call c = {.args = t->values,
                            .nulls = t->nulls,
                            .nargs = t->args->program->noutputs,
                            .env = &env,
                            .site = p->sets[i].site,
                            .set_state = t->state,
                            .set_arena = &t->arena};
        TRY(function_call(&c));
        t->state = c.set_state;
        t->done = c.set_done;
        if (c.set_done) continue;
        to->values[row] = c.result;
        to->nulls[row] = c.is_null;
        *ret_any = true;
    }
    return OK;
}

static status fill(struct set_project *s, uint16_t *ret_n) {
    uint16_t n = 0, columns = s->op.plan->left->ncolumns;
    while (n < s->op.plan->capacity && s->at < s->left.nrows) {
        if (!s->in_row) TRY(start_row(s));
        bool any;
        TRY(set_values(s, n, &any));
        if (!any) {
            s->in_row = false;
            s->at++;
            continue;
        }
        uint16_t row = batch_row(&s->left, s->at);
        for (uint16_t c = 0; c < columns; c++) {
            s->inputs[c].values[n] = s->left.columns[c].values[row];
            s->inputs[c].nulls[n] = s->left.columns[c].nulls[row];
        }
        n++;
    }
    *ret_n = n;
    return OK;
}

static status set_next(struct operator* op) {
    struct set_project *s = (struct set_project *)op;
    op->out.sel = NULL;
    op->out.nrows = 0;
    free_shown(s);
    while (op->out.nrows == 0) {
        if (s->at >= s->left.nrows) TRY(next_left(s));
        if (s->left.nrows == 0) return OK;
        TRY(sql_env_breathe(op->x->env));
        TRY(fill(s, &op->out.nrows));
    }
    TRY(program_run(s->targets, s->inputs, NULL, op->out.nrows, op->arena));
    for (uint16_t c = 0; c < op->plan->ncolumns; c++)
        op->out.columns[c] = *program_output(s->targets, c);
    return OK;
}

static status set_restart(struct operator* op) {
    struct set_project *s = (struct set_project *)op;
    s->at = s->left.nrows = 0;
    return operator_restart(op->left);
}

static void set_close(struct operator* op) {
    struct set_project *s = (struct set_project *)op;
    free_shown(s);
    for (uint16_t i = 0; s->sets && i < op->plan->set_project.nsets; i++)
        if (s->sets[i].arena.chunk) arena_free(&s->sets[i].arena);
    if (s->args_arena.chunk) arena_free(&s->args_arena);
}

const struct operator_class operator_set_project = {sizeof(struct set_project), set_open, set_next,
                                                    set_restart, set_close};
