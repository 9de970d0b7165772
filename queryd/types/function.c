/* The tables of functions, operators and casts, their indexes, and calling a function. */
#include "types/function.h"

#include <stdlib.h>

#include "types/internal.h"
#include "types/lookup.h"

#define NO_ARGS 0

#define fnv_none NULL
#define X(id, fname, body, vec, res, is_strict, set, vol, fkind, var, ndef, n, ...)                \
    {.oid = id,                                                                                    \
     .name = fname,                                                                                \
     .scalar = body,                                                                               \
     .vector = vec,                                                                                \
     .result = res,                                                                                \
     .strict = is_strict,                                                                          \
     .returns_set = set,                                                                           \
     .volatility = vol,                                                                            \
     .kind = fkind,                                                                                \
     .variadic = var,                                                                              \
     .nargs = n,                                                                                   \
     .ndefaults = ndef,                                                                            \
     .args = (const oid[]){__VA_ARGS__}},
/* Not const for one reason: bodies that other parts register. */
static struct function functions[] = {
#include "types/functions.def"
};
#undef X
#undef fnv_none
#define FUNCTION_COUNT (sizeof functions / sizeof *functions)

static uint16_t function_slot[BUILTIN_OID_END]; /* oid → position + 1 */
static uint16_t functions_by_name[FUNCTION_COUNT];

static int compare_function_names(const void *a, const void *b) {
    const struct function *x = &functions[*(const uint16_t *)a];
    const struct function *y = &functions[*(const uint16_t *)b];
    int order = strcmp(x->name, y->name);
    return order ? order : (x->oid > y->oid) - (x->oid < y->oid);
}

void functions_init(void) {
    for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        CHECK(functions[i].oid < BUILTIN_OID_END && !function_slot[functions[i].oid]);
        function_slot[functions[i].oid] = (uint16_t)(i + 1);
        functions_by_name[i] = (uint16_t)i;
        if (functions[i].scalar == fn_none) functions[i].scalar = NULL;
    }
    qsort(functions_by_name, FUNCTION_COUNT, sizeof *functions_by_name, compare_function_names);
}

static struct function *find_slot(oid id) {
    if (id >= BUILTIN_OID_END || !function_slot[id]) return NULL;
    return &functions[function_slot[id] - 1];
}

const struct function *function_find(oid id) {
    return find_slot(id);
}

const struct function *function_known(oid id) {
    const struct function *f = function_find(id);
    if (f || id < BUILTIN_OID_END || !types_source()->find_function) return f;
    return types_source()->find_function(id);
}

size_t function_find_by_name(const char *name, size_t *ret_first) {
    size_t low = 0, high = FUNCTION_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(functions[functions_by_name[middle]].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t n = 0;
    while (low + n < FUNCTION_COUNT && !strcmp(functions[functions_by_name[low + n]].name, name))
        n++;
    *ret_first = low;
    return n;
}

const struct function *function_by_name_at(size_t position) {
    return position < FUNCTION_COUNT ? &functions[functions_by_name[position]] : NULL;
}

size_t function_count(void) {
    return FUNCTION_COUNT;
}

const struct function *function_at(size_t index) {
    return index < FUNCTION_COUNT ? &functions[index] : NULL;
}

status function_register(oid id, fn_scalar *body) {
    struct function *f = find_slot(id);
    if (!f) return STATUS(NOT_FOUND);
    f->scalar = body;
    return OK;
}

/* ---- calling ---- */

status function_call(struct fn_call *c) {
    const struct function *f = c->site->function;
    c->is_null = false;
    if (!f->scalar) return fn_none(c);
    if (f->strict) {
        for (uint16_t i = 0; i < c->nargs; i++) {
            if (!c->nulls[i]) continue;
            c->is_null = true;
            c->set_done = true;
            return OK;
        }
    }
    return f->scalar(c);
}

#define LOOP_ARGS_MAX 100

status function_call_vec(struct fn_call *c, const struct vec *const *args, struct vec *result,
                         const uint16_t *sel, uint16_t n) {
    const struct function *f = c->site->function;
    if (f->vector) return f->vector(c, args, result, sel, n);
    datum row[LOOP_ARGS_MAX];
    uint8_t nulls[LOOP_ARGS_MAX];
    uint16_t nargs = c->site->nargs;
    if (nargs > LOOP_ARGS_MAX)
        return error_set(c->env->error, ST_TOO_MANY_ARGUMENTS,
                         "cannot pass more than %d arguments to a function", LOOP_ARGS_MAX);
    struct fn_call each = *c;
    each.args = row;
    each.nulls = nulls;
    each.nargs = nargs;
    for (uint16_t k = 0; k < n; k++) {
        uint16_t i = sel ? sel[k] : k;
        for (uint16_t a = 0; a < nargs; a++) {
            row[a] = args[a]->values[i];
            nulls[a] = args[a]->nulls[i];
        }
        TRY(function_call(&each));
        result->values[i] = each.result;
        result->nulls[i] = each.is_null;
    }
    return OK;
}

status function_call_at(const struct eval_env *env, struct fn_site *site, const datum *args,
                        const uint8_t *nulls, datum *ret, bool *ret_is_null) {
    struct fn_call c = {
        .args = args, .nulls = nulls, .nargs = site->nargs, .env = env, .site = site};
    TRY(function_call(&c));
    *ret_is_null = c.is_null;
    if (!c.is_null) *ret = c.result;
    return OK;
}

status function_call_simple(const struct eval_env *env, const struct function *f,
                            const oid *arg_types, const datum *args, const uint8_t *nulls,
                            uint16_t nargs, oid result_type, datum *ret, bool *ret_is_null) {
    struct fn_site site = {
        .function = f, .result_type = result_type, .arg_types = arg_types, .nargs = nargs};
    return function_call_at(env, &site, args, nulls, ret, ret_is_null);
}

/* ---- operators ---- */

#define X(id, oname, l, r, res, fn, com, neg, strategy, hash, merge, rest, join)                   \
    {.oid = id,                                                                                    \
     .name = oname,                                                                                \
     .left = l,                                                                                    \
     .right = r,                                                                                   \
     .result = res,                                                                                \
     .function = fn,                                                                               \
     .commutator = com,                                                                            \
     .negator = neg,                                                                               \
     .btree_strategy = strategy,                                                                   \
     .hashable = hash,                                                                             \
     .mergeable = merge,                                                                           \
     .restrict_function = rest,                                                                    \
     .join_function = join},
static const struct operator_info operators[] = {
#include "types/operators.def"
};
#undef X
#define OPERATOR_COUNT (sizeof operators / sizeof *operators)

static uint16_t operator_slot[BUILTIN_OID_END];
static uint16_t operators_by_name[OPERATOR_COUNT];

static int compare_operator_names(const void *a, const void *b) {
    const struct operator_info *x = &operators[*(const uint16_t *)a];
    const struct operator_info *y = &operators[*(const uint16_t *)b];
    int order = strcmp(x->name, y->name);
    return order ? order : (x->oid > y->oid) - (x->oid < y->oid);
}

void operators_init(void) {
    for (size_t i = 0; i < OPERATOR_COUNT; i++) {
        CHECK(operators[i].oid < BUILTIN_OID_END && !operator_slot[operators[i].oid]);
        operator_slot[operators[i].oid] = (uint16_t)(i + 1);
        operators_by_name[i] = (uint16_t)i;
    }
    qsort(operators_by_name, OPERATOR_COUNT, sizeof *operators_by_name, compare_operator_names);
}

const struct operator_info *operator_find(oid op) {
    if (op >= BUILTIN_OID_END || !operator_slot[op]) return NULL;
    return &operators[operator_slot[op] - 1];
}

const struct operator_info *operator_known(oid op) {
    const struct operator_info *o = operator_find(op);
    if (o || op < BUILTIN_OID_END || !types_source()->find_operator) return o;
    return types_source()->find_operator(op);
}

size_t operator_find_by_name(const char *name, size_t *ret_first) {
    size_t low = 0, high = OPERATOR_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(operators[operators_by_name[middle]].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t n = 0;
    while (low + n < OPERATOR_COUNT && !strcmp(operators[operators_by_name[low + n]].name, name))
        n++;
    *ret_first = low;
    return n;
}

const struct operator_info *operator_by_name_at(size_t position) {
    return position < OPERATOR_COUNT ? &operators[operators_by_name[position]] : NULL;
}

size_t operator_count(void) {
    return OPERATOR_COUNT;
}

const struct operator_info *operator_at(size_t index) {
    return index < OPERATOR_COUNT ? &operators[index] : NULL;
}

/* The type whose operators a type uses when it has none of its own. */
static oid operator_type(oid id) {
    const struct type *t = type_below(type_find(id));
    if (t) id = t->oid;
    if (id == VARCHAROID) return TEXTOID;
    if (t && t->kind == 'e') return ANYENUMOID;
    if (t && t->kind == 'c') return RECORDOID;
    if (t && t->family == &family_array) return ANYARRAYOID;
    if (t && t->family == &family_reg) return OIDOID;
    return id;
}

const struct operator_info *operator_find_btree(oid left, oid right, uint8_t strategy) {
    left = operator_type(left);
    right = operator_type(right);
    for (size_t i = 0; i < OPERATOR_COUNT; i++) {
        const struct operator_info *o = &operators[i];
        if (o->btree_strategy == strategy && o->left == left && o->right == right) return o;
    }
    return NULL;
}

/* ---- casts, sorted by source and target ---- */

#define X(src, dst, fn, ctx, how)                                                                  \
    {.source = src, .target = dst, .function = fn, .context = ctx, .method = how},
static const struct cast_info casts[] = {
#include "types/casts.def"
};
#undef X
#define CAST_COUNT (sizeof casts / sizeof *casts)

static uint64_t cast_key(oid source, oid target) {
    return (uint64_t)source << 32 | target;
}

void casts_init(void) {
    for (size_t i = 1; i < CAST_COUNT; i++)
        CHECK(cast_key(casts[i - 1].source, casts[i - 1].target) <
              cast_key(casts[i].source, casts[i].target));
}

const struct cast_info *cast_find(oid source, oid target) {
    size_t low = 0, high = CAST_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (cast_key(casts[middle].source, casts[middle].target) < cast_key(source, target))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == CAST_COUNT || casts[low].source != source || casts[low].target != target)
        return NULL;
    return &casts[low];
}

const struct cast_info *cast_known(oid source, oid target) {
    const struct cast_info *c = cast_find(source, target);
    return c || !types_source()->find_cast ? c : types_source()->find_cast(source, target);
}

size_t cast_count(void) {
    return CAST_COUNT;
}

const struct cast_info *cast_at(size_t index) {
    return index < CAST_COUNT ? &casts[index] : NULL;
}
