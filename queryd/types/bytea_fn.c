/* Single bytes and bits of byte strings; bit 0 is the lowest of the first byte. */
#include "types/internal.h"

static status check_index(struct fn_call *c, int64_t at, int64_t n) {
    if (at >= 0 && at < n) return OK;
    return error_set(c->env->error, ST_ARRAY_SUBSCRIPT_ERROR,
                     "index %lld out of valid range, 0..%lld", (long long)at, (long long)n - 1);
}

static status copy_of(struct fn_call *c, struct varlena **ret) {
    *ret = varlena_from(c->env->arena, c->args[0].v->data, c->args[0].v->len);
    return *ret ? OK : out_of_memory(c->env);
}

status fn_bytea_get_byte(struct fn_call *c) {
    int32_t at = c->args[1].i32;
    TRY(check_index(c, at, c->args[0].v->len));
    return give_int4(c, (uint8_t)c->args[0].v->data[at]);
}

status fn_bytea_set_byte(struct fn_call *c) {
    int32_t at = c->args[1].i32;
    struct varlena *v;
    TRY(check_index(c, at, c->args[0].v->len));
    TRY(copy_of(c, &v));
    v->data[at] = (char)c->args[2].i32;
    return give_ptr(c, v);
}

status fn_bytea_get_bit(struct fn_call *c) {
    int64_t at = c->args[1].i64;
    TRY(check_index(c, at, (int64_t)c->args[0].v->len * 8));
    return give_int4(c, (uint8_t)c->args[0].v->data[at / 8] >> at % 8 & 1);
}

status fn_bytea_set_bit(struct fn_call *c) {
    int64_t at = c->args[1].i64;
    int32_t bit = c->args[2].i32;
    struct varlena *v;
    TRY(check_index(c, at, (int64_t)c->args[0].v->len * 8));
    if (bit != 0 && bit != 1)
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "new bit must be 0 or 1");
    TRY(copy_of(c, &v));
    uint8_t mask = (uint8_t)(1 << at % 8), byte = (uint8_t)v->data[at / 8];
    v->data[at / 8] = (char)(bit ? byte | mask : byte & ~mask);
    return give_ptr(c, v);
}
