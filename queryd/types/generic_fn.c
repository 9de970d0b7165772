/* Bodies that serve many types through the type's own family: comparisons, input and output
 * functions, and what needs no type at all. */
#include <sys/random.h>

#include "types/array.h"
#include "types/collator.h"
#include "types/internal.h"
#include "types/record.h"

status fn_none(struct fn_call *c) {
    return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED, "function %s is not supported",
                     c->site->function->name);
}

/* The compared type: the declared one, or for polymorphic functions the actual one. */
static const struct type *argument_type(const struct fn_call *c, size_t i) {
    oid declared = c->site->function->args[i];
    const struct type *t = type_find(declared);
    if (t && t->kind == 'p' && t->oid != RECORDOID) t = type_find(c->site->arg_types[i]);
    return type_by_collator(t, c->site->collator);
}

static status compare_arguments(struct fn_call *c, int *ret) {
    const struct type *t = argument_type(c, 0);
    if (t && t->oid == RECORDOID) TRY(record_check_alike(c->env, c->args[0].v, c->args[1].v));
    if (!t || !type_is_ordered(t))
        return error_set(c->env->error, ST_UNDEFINED_FUNCTION,
                         "could not identify a comparison function for type %s",
                         t ? type_format_name(c->env->arena, t->oid) : "unknown");
    *ret = type_compare(t, c->args[0], c->args[1]);
    return OK;
}

#define GENERIC_COMPARE(name, op)                                                                  \
    status fn_any_##name(struct fn_call *c) {                                                      \
        int order;                                                                                 \
        TRY(compare_arguments(c, &order));                                                         \
        return give_bool(c, order op 0);                                                           \
    }
GENERIC_COMPARE(eq, ==)
GENERIC_COMPARE(ne, !=)
GENERIC_COMPARE(lt, <)
GENERIC_COMPARE(le, <=)
GENERIC_COMPARE(gt, >)
GENERIC_COMPARE(ge, >=)

status fn_any_cmp(struct fn_call *c) {
    int order;
    TRY(compare_arguments(c, &order));
    return give_int4(c, (order > 0) - (order < 0));
}

status fn_any_larger(struct fn_call *c) {
    int order;
    TRY(compare_arguments(c, &order));
    c->result = c->args[order >= 0 ? 0 : 1];
    return OK;
}

status fn_any_smaller(struct fn_call *c) {
    int order;
    TRY(compare_arguments(c, &order));
    c->result = c->args[order <= 0 ? 0 : 1];
    return OK;
}

/* typein(cstring[, element oid, typmod int4]) */
status fn_any_in(struct fn_call *c) {
    const struct type *t = type_find(c->site->result_type);
    if (!t) return fn_none(c);
    int32_t typmod = c->nargs > 2 ? c->args[2].i32 : -1;
    return type_input(c->env, t, typmod, c->args[0].s, strlen(c->args[0].s), &c->result);
}

status fn_any_out(struct fn_call *c) {
    const struct type *t = argument_type(c, 0);
    char *text;
    if (!t) return fn_none(c);
    TRY(type_output_string(c->env, t, c->args[0], &text, NULL));
    return give_ptr(c, text);
}

status fn_any_recv(struct fn_call *c) {
    return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED,
                     "cannot call binary input functions from SQL");
}

status fn_any_send(struct fn_call *c) {
    const struct type *t = argument_type(c, 0);
    if (!t) return fn_none(c);
    struct buf b = {0};
    return give_buf(c, type_send(c->env, t, c->args[0], &b), &b);
}

/* hash…(x): our own hash folded to 32 bits; not PostgreSQL's values. */
status fn_any_hash(struct fn_call *c) {
    const struct type *t = argument_type(c, 0);
    if (!t || !type_is_hashable(t)) return fn_none(c);
    uint64_t h = type_hash(t, c->args[0]);
    return give_int4(c, (int32_t)(h ^ h >> 32));
}

/* With 64 bits and a seed. Of seed 0 the lower 32 bits are those of the hash without; of another
 * they are others. */
status give_hash_extended(struct fn_call *c, uint64_t h) {
    uint64_t seed = (uint64_t)c->args[1].i64, low = (uint32_t)(h ^ h >> 32);
    if (seed) {
        h ^= seed * 0x9E3779B97F4A7C15u;
        h = (h ^ h >> 33) * 0xFF51AFD7ED558CCDu;
        h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53u;
        low = (uint32_t)(h ^ h >> 33);
    }
    return give_int8(c, (int64_t)((h >> 32) << 32 | low));
}

status fn_any_hash_extended(struct fn_call *c) {
    const struct type *t = argument_type(c, 0);
    if (!t || !type_is_hashable(t)) return fn_none(c);
    return give_hash_extended(c, type_hash(t, c->args[0]));
}

status fn_typmodin(struct fn_call *c) {
    return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED, "cannot call %s from SQL",
                     c->site->function->name);
}

status fn_pg_typeof(struct fn_call *c) {
    c->result = datum_oid(c->site->arg_types[0]);
    return OK;
}

/* Length coercion functions: varchar(x, typmod, explicit), numeric(x, typmod), … */
status fn_apply_typmod(struct fn_call *c) {
    const struct type *t = type_find(c->site->function->result);
    bool is_explicit = c->nargs > 2 && c->args[2].b;
    return type_apply_typmod(c->env, t, c->args[0], c->args[1].i32, is_explicit, &c->result);
}

/* The nulls among the arguments, or in an array written VARIADIC; false: that is null itself. */
static status count_nulls(struct fn_call *c, int32_t *ret_nulls, int32_t *ret_all,
                          bool *ret_known) {
    *ret_nulls = 0;
    *ret_all = c->nargs;
    *ret_known = !c->site->variadic || !c->nulls[0];
    if (!c->site->variadic) {
        for (size_t i = 0; i < c->nargs; i++) *ret_nulls += c->nulls[i];
        return OK;
    }
    if (!*ret_known) return OK;
    struct array_parts a;
    TRY(array_split(c->env, c->args[0].v, &a));
    *ret_all = (int32_t)a.n;
    for (uint32_t i = 0; i < a.n; i++) *ret_nulls += a.nulls[i];
    return OK;
}

status fn_num_nulls(struct fn_call *c) {
    int32_t nulls, all;
    bool known;
    TRY(count_nulls(c, &nulls, &all, &known));
    return known ? give_int4(c, nulls) : give_null(c);
}

status fn_num_nonnulls(struct fn_call *c) {
    int32_t nulls, all;
    bool known;
    TRY(count_nulls(c, &nulls, &all, &known));
    return known ? give_int4(c, all - nulls) : give_null(c);
}

#define SHORT_VALUE_BYTES 126 /* whose length takes one byte, as PostgreSQL's; else four */

/* What a value takes in a row. */
status fn_column_size(struct fn_call *c) {
    const struct type *t = type_find(c->site->arg_types[0]);
    if (t && t->len > 0) return give_int4(c, t->len);
    if (!t || t->len < -1) return give_int4(c, (int32_t)strlen(c->args[0].s) + 1);
    uint32_t bytes = c->args[0].v->len;
    return give_int4(c, (int32_t)bytes + (bytes <= SHORT_VALUE_BYTES ? 1 : 4));
}

status fn_getdatabaseencoding(struct fn_call *c) {
    char *name = arena_zalloc(c->env->arena, NAME_BYTES);
    if (name) strcpy(name, "UTF8");
    return give_ptr(c, name);
}

/* xoroshiro128+ (Blackman, Vigna), seeded per session. */
static uint64_t next_random(uint64_t s[2]) {
    uint64_t a = s[0], b = s[1], sum = a + b;
    b ^= a;
    s[0] = (a << 24 | a >> 40) ^ b ^ b << 16;
    s[1] = b << 37 | b >> 27;
    return sum;
}

status fn_drandom(struct fn_call *c) {
    c->result = datum_float8((double)(next_random(c->env->session->random_state) >> 11) * 0x1p-53);
    return OK;
}

status fn_setseed(struct fn_call *c) {
    double seed = c->args[0].f8;
    if (!(seed >= -1 && seed <= 1))
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                         "setseed parameter %.15g is out of allowed range [-1,1]", seed);
    uint64_t bits;
    memcpy(&bits, &seed, sizeof bits);
    c->env->session->random_state[0] = hash_u64(bits + 1);
    c->env->session->random_state[1] = hash_u64(bits + 2) | 1;
    return OK;
}

status fn_gen_random_uuid(struct fn_call *c) {
    uint8_t *u = arena_alloc(c->env->arena, 16);
    if (!u) return out_of_memory(c->env);
    if (getrandom(u, 16, 0) != 16)
        return error_set(c->env->error, ST_INTERNAL_ERROR, "could not generate random values");
    u[6] = (uint8_t)((u[6] & 0x0F) | 0x40);
    u[8] = (uint8_t)((u[8] & 0x3F) | 0x80);
    return give_ptr(c, u);
}
