#include "plan/plan.h"

#include "base/check.h"
#include "base/coro.h"

#define STACK_MARGIN_BYTES (16 * 1024)

struct compile {
    struct arena *arena;
    uint16_t ninputs;
    uint32_t nregs;
    struct instr *instrs;
    uint32_t ninstrs, instrs_cap;
    struct program_const *consts;
    uint32_t nconsts, consts_cap;
    struct program_param *params;
    uint32_t nparams, params_cap;
    bool *used;
    uint16_t case_test; /* register of the CASE around */
    bool has_subplans, depends;
};

static status grow(struct arena *a, void **array, uint32_t n, uint32_t *cap, size_t size) {
    if (n < *cap) return OK;
    uint32_t more = *cap ? *cap * 2 : 8;
    void *p = arena_array(a, more, size);
    if (!p) return STATUS(OUT_OF_MEMORY);
    if (n) memcpy(p, *array, n * size);
    *array = p;
    *cap = more;
    return OK;
}

static status new_reg(struct compile *c, uint16_t *ret) {
    if (c->nregs >= UINT16_MAX) return STATUS(STATEMENT_TOO_COMPLEX);
    *ret = (uint16_t)c->nregs++;
    return OK;
}

/* A place for an instruction; its fields are set later, by index: the array may move. */
static status new_instr(struct compile *c, enum instr_kind kind, const struct expr *e,
                        uint32_t *ret_index) {
    if (c->ninstrs >= UINT16_MAX) return STATUS(STATEMENT_TOO_COMPLEX);
    TRY(grow(c->arena, (void **)&c->instrs, c->ninstrs, &c->instrs_cap, sizeof *c->instrs));
    uint32_t index = c->ninstrs++;
    struct instr *i = &c->instrs[index];
    *i = (struct instr){.kind = kind, .expr = e, .negated = e->negated, .type = type_find(e->type)};
    i->end = (uint16_t)c->ninstrs;
    TRY(new_reg(c, &i->result));
    *ret_index = index;
    return OK;
}

static status compile(struct compile *c, const struct expr *e, uint16_t *ret);

static status compile_args(struct compile *c, const struct expr *e, uint16_t first,
                           uint16_t **ret) {
    uint16_t n = (uint16_t)(e->nargs - first);
    uint16_t *regs = arena_array(c->arena, n + 1u, sizeof *regs);
    if (!regs) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < n; i++) TRY(compile(c, e->args[first + i], &regs[i]));
    *ret = regs;
    return OK;
}

static status make_site(struct compile *c, const struct function *f, const struct expr *e,
                        struct fn_site **ret) {
    struct fn_site *site = arena_zalloc(c->arena, sizeof *site);
    oid *types = arena_array(c->arena, e->nargs + 1u, sizeof *types);
    if (!site || !types) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < e->nargs; i++) types[i] = e->args[i]->type;
    site->function = f;
    site->result_type = e->type;
    site->arg_types = types;
    site->nargs = e->nargs;
    site->collation = e->input_collation;
    site->variadic = e->kind == EXPR_CALL && e->call.variadic;
    site->shape = e->kind == EXPR_CALL ? e->call.shape : NULL;
    site->memo_arena = c->arena;
    TRY(site_by_collation(site));
    *ret = site;
    return OK;
}

/* Everything whose arguments are all evaluated first. */
static status compile_eager(struct compile *c, enum instr_kind kind, const struct expr *e,
                            const struct function *f, uint16_t *ret) {
    uint16_t *args;
    uint32_t index;
    struct fn_site *site = NULL;
    TRY(compile_args(c, e, 0, &args));
    if (f) {
        TRY(make_site(c, f, e, &site));
        f = site->function;
    }
    TRY(new_instr(c, kind, e, &index));
    struct instr *i = &c->instrs[index];
    i->args = args;
    i->nargs = e->nargs;
    i->site = site;
    i->test = e->kind == EXPR_BOOL_TEST ? e->test : 0;
    i->simple = kind == INSTR_CALL && f->strict && f->scalar != NULL;
    *ret = i->result;
    return OK;
}

/* Parts that are evaluated only where they are needed, each in a block of its own. */
static status compile_lazy(struct compile *c, enum instr_kind kind, const struct expr *e,
                           uint16_t first, uint16_t *ret) {
    uint16_t n = (uint16_t)(e->nargs - first);
    uint16_t *args = arena_array(c->arena, n + 1u, sizeof *args);
    uint16_t *blocks = arena_array(c->arena, n + 1u, sizeof *blocks);
    if (!args || !blocks) return STATUS(OUT_OF_MEMORY);
    uint32_t index;
    TRY(new_instr(c, kind, e, &index));
    for (uint16_t i = 0; i < n; i++) {
        blocks[i] = (uint16_t)c->ninstrs;
        TRY(compile(c, e->args[first + i], &args[i]));
    }
    blocks[n] = (uint16_t)c->ninstrs;
    struct instr *i = &c->instrs[index];
    i->args = args;
    i->nargs = n;
    i->blocks = blocks;
    i->end = (uint16_t)c->ninstrs;
    *ret = i->result;
    return OK;
}

static status compile_case(struct compile *c, const struct expr *e, uint16_t *ret) {
    uint16_t before = c->case_test, test = before;
    if (e->cases.has_test) TRY(compile(c, e->args[0], &test));
    c->case_test = test;
    TRY(compile_lazy(c, INSTR_CASE, e, e->cases.has_test ? 1 : 0, ret));
    c->case_test = before;
    return OK;
}

static status compile_bool(struct compile *c, const struct expr *e, uint16_t *ret) {
    if (e->boolean == EXPR_NOT) return compile_eager(c, INSTR_NOT, e, NULL, ret);
    return compile_lazy(c, e->boolean == EXPR_AND ? INSTR_AND : INSTR_OR, e, 0, ret);
}

static status compile_cast(struct compile *c, const struct expr *e, uint16_t *ret) {
    enum cast_path path = e->cast.path.path;
    bool domain = e->cast.path.domain;
    if (path == CAST_RELABEL && !e->cast.apply_typmod && !domain)
        return compile(c, e->args[0], ret);
    const struct function *f = path == CAST_FUNCTION ? function_find(e->cast.path.function) : NULL;
    if (f && f->nargs == 1 && !e->cast.apply_typmod && !domain)
        return compile_eager(c, INSTR_CALL, e, f, ret);
    TRY(compile_eager(c, INSTR_CAST, e, NULL, ret));
    c->instrs[c->ninstrs - 1].other_type = type_find(e->args[0]->type);
    return OK;
}

/* A row is looked into: the instruction has its type. */
static status compile_null_test(struct compile *c, const struct expr *e, uint16_t *ret) {
    const struct type *t = type_below(type_find(e->args[0]->type));
    TRY(compile_eager(c, INSTR_NULL_TEST, e, NULL, ret));
    if (type_is_composite(t)) c->instrs[c->ninstrs - 1].other_type = t;
    return OK;
}

static status compile_min_max(struct compile *c, const struct expr *e, uint16_t *ret) {
    TRY(compile_eager(c, INSTR_MIN_MAX, e, NULL, ret));
    c->instrs[c->ninstrs - 1].type = expr_input_type(e, e->type);
    return OK;
}

static status compile_const(struct compile *c, const struct expr *e, uint16_t *ret) {
    for (uint32_t i = 0; i < c->nconsts; i++)
        if (e->constant.is_null && c->consts[i].is_null) {
            *ret = c->consts[i].reg;
            return OK;
        }
    TRY(grow(c->arena, (void **)&c->consts, c->nconsts, &c->consts_cap, sizeof *c->consts));
    TRY(new_reg(c, ret));
    c->consts[c->nconsts++] = (struct program_const){*ret, e->constant.is_null, e->constant.value};
    return OK;
}

/* The scan has looked for just that row. */
static status compile_current_of(struct compile *c, uint16_t *ret) {
    TRY(grow(c->arena, (void **)&c->consts, c->nconsts, &c->consts_cap, sizeof *c->consts));
    TRY(new_reg(c, ret));
    c->consts[c->nconsts++] = (struct program_const){*ret, false, datum_bool(true)};
    return OK;
}

static status compile_param(struct compile *c, const struct expr *e, uint16_t *ret) {
    for (uint32_t i = 0; i < c->nparams; i++)
        if (c->params[i].param == e->param) {
            *ret = c->params[i].reg;
            return OK;
        }
    TRY(grow(c->arena, (void **)&c->params, c->nparams, &c->params_cap, sizeof *c->params));
    TRY(new_reg(c, ret));
    c->params[c->nparams++] = (struct program_param){*ret, e->param};
    return OK;
}

static status with_element(struct compile *c, const struct expr *e, enum instr_kind kind,
                           oid element, const struct function *f, uint16_t *ret) {
    TRY(compile_eager(c, kind, e, f, ret));
    c->instrs[c->ninstrs - 1].other_type = type_find(element);
    return OK;
}

static status compile_array_op(struct compile *c, const struct expr *e, uint16_t *ret) {
    const struct type *t = type_below(type_find(e->args[1]->type));
    struct fn_site *site;
    oid *types = arena_array(c->arena, 2, sizeof *types);
    if (!types || !t) return STATUS(OUT_OF_MEMORY);
    TRY(with_element(c, e, INSTR_ARRAY_OP, t->element, e->call.function, ret));
    site = c->instrs[c->ninstrs - 1].site;
    types[0] = e->args[0]->type;
    types[1] = t->element;
    site->arg_types = types;
    site->result_type = BOOLOID;
    return OK;
}

/* What is shared stands beside the program's other outputs, in no block: it was evaluated. */
static status compile_subplan(struct compile *c, const struct expr *e, uint16_t *ret) {
    c->has_subplans = true;
    for (uint32_t i = 0; e->subplan->shared && i < c->ninstrs; i++)
        if (c->instrs[i].kind == INSTR_SUBPLAN && c->instrs[i].expr->subplan == e->subplan) {
            *ret = c->instrs[i].result;
            return OK;
        }
    return compile_eager(c, INSTR_SUBPLAN, e, NULL, ret);
}

static status compile(struct compile *c, const struct expr *e, uint16_t *ret) {
    if (coro_stack_left() < STACK_MARGIN_BYTES) return STATUS(STATEMENT_TOO_COMPLEX);
    switch ((enum expr_kind)e->kind) {
    case EXPR_SLOT:
        CHECK(e->column < c->ninputs);
        c->used[e->column] = true;
        *ret = e->column;
        return OK;
    case EXPR_CONST: return compile_const(c, e, ret);
    case EXPR_CURRENT_OF: return compile_current_of(c, ret);
    case EXPR_PARAM: return compile_param(c, e, ret);
    case EXPR_CASE_TEST: *ret = c->case_test; return OK;
    case EXPR_CALL: return compile_eager(c, INSTR_CALL, e, e->call.function, ret);
    case EXPR_BOOL: return compile_bool(c, e, ret);
    case EXPR_CASE: return compile_case(c, e, ret);
    case EXPR_COALESCE: return compile_lazy(c, INSTR_COALESCE, e, 0, ret);
    case EXPR_MIN_MAX: return compile_min_max(c, e, ret);
    case EXPR_NULLIF: return compile_eager(c, INSTR_NULLIF, e, e->call.function, ret);
    case EXPR_NULL_TEST: return compile_null_test(c, e, ret);
    case EXPR_BOOL_TEST: return compile_eager(c, INSTR_BOOL_TEST, e, NULL, ret);
    case EXPR_DISTINCT: return compile_eager(c, INSTR_DISTINCT, e, e->call.function, ret);
    case EXPR_IN_LIST: return compile_eager(c, INSTR_IN_LIST, e, e->call.function, ret);
    case EXPR_ARRAY_OP: return compile_array_op(c, e, ret);
    case EXPR_ARRAY: return with_element(c, e, INSTR_ARRAY, e->array.element, NULL, ret);
    case EXPR_ROW: return compile_eager(c, INSTR_ROW, e, NULL, ret);
    case EXPR_FIELD: return compile_eager(c, INSTR_FIELD, e, NULL, ret);
    case EXPR_SUBSCRIPT:
        return with_element(c, e, INSTR_SUBSCRIPT, e->subscript.element, NULL, ret);
    case EXPR_SET_FIELD: return compile_eager(c, INSTR_SET_FIELD, e, NULL, ret);
    case EXPR_SET_ELEMENT: return compile_eager(c, INSTR_SET_ELEMENT, e, NULL, ret);
    case EXPR_CAST: return compile_cast(c, e, ret);
    case EXPR_OUTER: c->depends = true; return compile_eager(c, INSTR_OUTER, e, NULL, ret);
    case EXPR_SUBPLAN: return compile_subplan(c, e, ret);
    default:
        CHECK(!"an expression that the planner should have replaced");
        return STATUS(INTERNAL_ERROR);
    }
}

status program_compile(struct arena *a, struct expr **exprs, uint16_t n, uint16_t ninputs,
                       struct program **ret) {
    struct compile c = {.arena = a, .ninputs = ninputs, .nregs = ninputs};
    struct program *p = arena_zalloc(a, sizeof *p);
    uint16_t *outputs = arena_array(a, n + 1u, sizeof *outputs);
    uint16_t *used = arena_array(a, ninputs + 1u, sizeof *used);
    c.used = arena_array(a, ninputs + 1u, sizeof *c.used);
    if (!p || !outputs || !used || !c.used) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < n; i++) TRY(compile(&c, exprs[i], &outputs[i]));
    for (uint16_t i = 0; i < ninputs; i++)
        if (c.used[i]) used[p->nused++] = i;
    p->ninputs = ninputs;
    p->nregs = (uint16_t)c.nregs;
    p->ninstrs = (uint16_t)c.ninstrs;
    p->instrs = c.instrs;
    p->nconsts = (uint16_t)c.nconsts;
    p->consts = c.consts;
    p->nparams = (uint16_t)c.nparams;
    p->params = c.params;
    p->noutputs = n;
    p->exprs = exprs;
    p->outputs = outputs;
    p->used = used;
    p->has_subplans = c.has_subplans;
    p->depends = c.depends;
    *ret = p;
    return OK;
}
