/* Programs at work: one pass over the instructions for a batch of rows. */
#include "exec/internal.h"
#include "types/record.h"

/* Of a function that works row by row: at first, and when they have shown to be short. */
#define CALLS_PER_BREATH 4
#define CALLS_PER_BREATH_MAX 32
#define SHORT_NS 5000

#define EACH(i, sel, n, statement)                                                                 \
    do {                                                                                           \
        for (uint16_t k_ = 0; k_ < (n); k_++) {                                                    \
            uint16_t i = (sel) ? (sel)[k_] : k_;                                                   \
            statement                                                                              \
        }                                                                                          \
    } while (0)

status exec_memory(struct execution *x) {
    status s = error_set(x->env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    return s;
}

static void fill(struct vec *v, uint16_t capacity, datum value, bool is_null) {
    v->values[0] = value;
    v->nulls[0] = is_null;
    if (capacity == 1) return;
    for (uint16_t i = 1; i < capacity; i++) v->values[i] = value;
    memset(v->nulls, is_null, capacity);
}

static void fill_params(struct program_state *s) {
    const struct program *p = s->program;
    const struct execution *x = s->x;
    for (uint16_t i = 0; i < p->nparams; i++) {
        uint16_t n = p->params[i].param;
        fill(&s->regs[p->params[i].reg], s->capacity, x->params[n], x->nulls && x->nulls[n]);
    }
    s->eval = x->env->eval;
}

void programs_again(struct execution *x) {
    for (struct program_state *s = x->programs; s; s = s->older) fill_params(s);
}

status program_open(struct execution *x, const struct program *p, uint16_t capacity,
                    struct program_state **ret) {
    struct program_state *s;
    uint16_t own = (uint16_t)(p->nregs - p->ninputs);
    size_t head = sizeof *s + p->nregs * sizeof(struct vec);
    size_t values = (size_t)own * capacity * sizeof(datum);
    s = arena_alloc(x->arena, head + values + (size_t)own * capacity);
    NEEDS(x, s);
    *s = (struct program_state){.older = x->programs, .program = p, .x = x, .capacity = capacity};
    x->programs = s;
    s->regs = (struct vec *)(s + 1);
    datum *v = (datum *)((char *)s + head);
    uint8_t *nulls = (uint8_t *)((char *)v + values);
    for (uint16_t i = 0; i < own; i++)
        s->regs[p->ninputs + i] =
            (struct vec){v + (size_t)i * capacity, nulls + (size_t)i * capacity};
    for (uint16_t i = 0; i < p->nconsts; i++)
        fill(&s->regs[p->consts[i].reg], capacity, p->consts[i].value, p->consts[i].is_null);
    fill_params(s);
    *ret = s;
    return OK;
}

status call_site(struct program_state *s, struct fn_site *site, const datum *args,
                 const uint8_t *nulls, uint16_t n, datum *ret, uint8_t *ret_null) {
    struct fn_call c = {.args = args, .nulls = nulls, .nargs = n, .env = &s->eval, .site = site};
    TRY(function_call(&c));
    *ret = c.result;
    *ret_null = c.is_null;
    return OK;
}

/* One row of a strict function: no loop, no adapter. */
static status call_one(struct program_state *s, const struct instr *i, uint16_t row) {
    datum args[8];
    static const uint8_t none[8];
    struct vec *result = &s->regs[i->result];
    for (uint16_t a = 0; a < i->nargs; a++) {
        const struct vec *v = &s->regs[i->args[a]];
        if (v->nulls[row]) {
            result->nulls[row] = 1;
            return OK;
        }
        args[a] = v->values[row];
    }
    struct fn_call c = {
        .args = args, .nulls = none, .nargs = i->nargs, .env = &s->eval, .site = i->site};
    TRY(i->site->function->scalar(&c));
    result->values[row] = c.result;
    result->nulls[row] = c.is_null;
    return OK;
}

status eval_call(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n) {
    if (i->simple && n == 1 && i->nargs <= 8) return call_one(s, i, sel ? sel[0] : 0);
    const struct vec *args[FUNCTION_ARGS_MAX];
    for (uint16_t a = 0; a < i->nargs; a++) args[a] = &s->regs[i->args[a]];
    struct fn_call c = {.nargs = i->nargs, .env = &s->eval, .site = i->site};
    return function_call_vec(&c, args, &s->regs[i->result], sel, n);
}

static status eval_outer(struct program_state *s, const struct instr *i, const uint16_t *sel,
                         uint16_t n) {
    struct vec *result = &s->regs[i->result];
    datum value = s->x->outer[i->expr->column];
    uint8_t is_null = s->x->outer_nulls[i->expr->column];
    EACH(row, sel, n, {
        result->values[row] = value;
        result->nulls[row] = is_null;
    });
    return OK;
}

static status eval_field(struct program_state *s, const struct instr *i, const uint16_t *sel,
                         uint16_t n) {
    struct vec *result = &s->regs[i->result];
    const struct vec *from = &s->regs[i->args[0]];
    uint16_t field = i->expr->column;
    EACH(row, sel, n, {
        bool is_null = true;
        if (!from->nulls[row])
            TRY(record_get(&s->eval, from->values[row].v, field, &result->values[row], &is_null));
        result->nulls[row] = is_null;
    });
    return OK;
}

static uint64_t now_ns(const struct program_state *s) {
    struct proc *p = s->x->env->proc;
    return p->env->mono_ns(p);
}

/* What works row by row may take long for each: in between others have their turn, and the
 * statement can be cancelled. */
static status in_parts(struct program_state *s, const struct instr *i, const uint16_t *sel,
                       uint16_t n,
                       status (*fn)(struct program_state *s, const struct instr *i,
                                    const uint16_t *sel, uint16_t n)) {
    uint16_t part[CALLS_PER_BREATH_MAX], most = CALLS_PER_BREATH;
    if (n <= most) return fn(s, i, sel, n);
    for (uint16_t from = 0, count; from < n; from = (uint16_t)(from + count)) {
        count = n - from < most ? (uint16_t)(n - from) : most;
        for (uint16_t k = 0; k < count; k++) part[k] = sel ? sel[from + k] : (uint16_t)(from + k);
        if (from) TRY(sql_env_breathe(s->x->env));
        uint64_t before = now_ns(s);
        TRY(fn(s, i, part, count));
        bool are_short = now_ns(s) - before < SHORT_NS;
        most = !are_short ? CALLS_PER_BREATH : most < CALLS_PER_BREATH_MAX ? most * 2 : most;
    }
    return OK;
}

static status eval_one(struct program_state *s, const struct instr *i, const uint16_t *sel,
                       uint16_t n) {
    switch ((enum instr_kind)i->kind) {
    case INSTR_CALL:
        return i->site->function->vector ? eval_call(s, i, sel, n)
                                         : in_parts(s, i, sel, n, eval_call);
    case INSTR_AND:
    case INSTR_OR: return eval_and_or(s, i, sel, n);
    case INSTR_NOT: return eval_not(s, i, sel, n);
    case INSTR_CASE: return eval_case(s, i, sel, n);
    case INSTR_COALESCE: return eval_coalesce(s, i, sel, n);
    case INSTR_MIN_MAX: return eval_min_max(s, i, sel, n);
    case INSTR_NULLIF:
    case INSTR_DISTINCT: return eval_equality(s, i, sel, n);
    case INSTR_NULL_TEST:
    case INSTR_BOOL_TEST: return eval_tests(s, i, sel, n);
    case INSTR_IN_LIST: return eval_in_list(s, i, sel, n);
    case INSTR_ARRAY_OP: return in_parts(s, i, sel, n, eval_array_op);
    case INSTR_ARRAY: return eval_array(s, i, sel, n);
    case INSTR_ROW: return eval_row(s, i, sel, n);
    case INSTR_FIELD: return eval_field(s, i, sel, n);
    case INSTR_SUBSCRIPT: return eval_subscript(s, i, sel, n);
    case INSTR_SET_FIELD: return eval_set_field(s, i, sel, n);
    case INSTR_SET_ELEMENT: return eval_set_element(s, i, sel, n);
    case INSTR_CAST: return in_parts(s, i, sel, n, eval_cast);
    case INSTR_OUTER: return eval_outer(s, i, sel, n);
    case INSTR_SUBPLAN: return eval_subplan(s, i, sel, n);
    }
    return STATUS(INTERNAL_ERROR);
}

status block_run(struct program_state *s, uint16_t from, uint16_t to, const uint16_t *sel,
                 uint16_t n) {
    if (n == 0) return OK;
    const struct instr *instrs = s->program->instrs;
    for (uint16_t pc = from; pc < to; pc = instrs[pc].end) TRY(eval_one(s, &instrs[pc], sel, n));
    return OK;
}

status program_run(struct program_state *s, const struct vec *inputs, const uint16_t *sel,
                   uint16_t n, struct arena *results) {
    const struct program *p = s->program;
    if (p->ninstrs && coro_stack_left() < STACK_MARGIN_BYTES)
        return error_set(s->x->env->eval.error, ST_STATEMENT_TOO_COMPLEX,
                         "stack depth limit exceeded");
    for (uint16_t i = 0; i < p->nused; i++) s->regs[p->used[i]] = inputs[p->used[i]];
    s->arena = results;
    s->eval.arena = results;
    return block_run(s, 0, p->ninstrs, sel, n);
}

status program_filter(struct program_state *s, const struct vec *inputs, const uint16_t *sel,
                      uint16_t n, struct arena *results, uint16_t *ret_sel, uint16_t *ret_n) {
    TRY(program_run(s, inputs, sel, n, results));
    const struct vec *v = program_output(s, 0);
    uint16_t kept = 0;
    EACH(row, sel, n, {
        if (!v->nulls[row] && v->values[row].b) ret_sel[kept++] = row;
    });
    *ret_n = kept;
    return OK;
}

status program_value(struct program_state *s, struct arena *results, datum *ret, bool *ret_null) {
    TRY(program_run(s, NULL, NULL, 1, results));
    const struct vec *v = program_output(s, 0);
    *ret = v->values[0];
    *ret_null = v->nulls[0];
    return OK;
}
