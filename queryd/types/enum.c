/* Family enum: labels by their position. */
#include "types/array.h"
#include "types/internal.h"

static const struct enum_label *label_named(const struct type *t, const char *name, size_t len) {
    for (uint32_t i = 0; i < t->nlabels; i++)
        if (strlen(t->labels[i].name) == len && !memcmp(t->labels[i].name, name, len))
            return &t->labels[i];
    return NULL;
}

static const struct enum_label *label_at(const struct type *t, int64_t position) {
    uint32_t low = 0, high = t->nlabels;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (t->labels[middle].position == position) return &t->labels[middle];
        if (t->labels[middle].position < position)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static status check_safe(const struct eval_env *env, const struct type *t,
                         const struct enum_label *l) {
    if (!l->uncommitted) return OK;
    status st = error_set(env->error, ST_UNSAFE_NEW_ENUM_VALUE_USAGE,
                          "unsafe use of new value \"%s\" of enum type %s", l->name,
                          type_format_name(env->arena, t->oid));
    error_hint(env->error, "New enum values must be committed before they can be used.");
    return st;
}

static status enum_in(const struct eval_env *env, const struct type *t, int32_t, const char *text,
                      size_t len, datum *ret) {
    const struct enum_label *l = label_named(t, text, len);
    if (!l)
        return error_set(env->error, ST_INVALID_TEXT_REPRESENTATION,
                         "invalid input value for enum %s: \"%.*s\"",
                         type_format_name(env->arena, t->oid), (int)(len > 400 ? 400 : len), text);
    TRY(check_safe(env, t, l));
    *ret = datum_int8(l->position);
    return OK;
}

static status enum_out(const struct eval_env *env, const struct type *t, datum value,
                       struct buf *out) {
    const struct enum_label *l = label_at(t, value.i64);
    if (!l)
        return error_set(env->error, ST_INVALID_BINARY_REPRESENTATION,
                         "invalid internal value for enum: %lld", (long long)value.i64);
    return buf_add_str(out, l->name);
}

static int enum_compare(const struct type *, datum a, datum b) {
    return (a.i64 > b.i64) - (a.i64 < b.i64);
}

static uint64_t enum_hash(const struct type *, datum value) {
    return hash_u64(value.u64);
}

static status enum_key(const struct type *, datum value, struct buf *out) {
    return key_add_int(out, value.i64, 8);
}

const struct type_family family_enum = {.in = enum_in,
                                        .out = enum_out,
                                        .receive = enum_in,
                                        .send = enum_out,
                                        .compare = enum_compare,
                                        .hash = enum_hash,
                                        .key = enum_key,
                                        .key_len = key_len_8,
                                        .binary_is_text = true};

/* ---- functions ------------------------------------------------------------------------------- */

static status actual_enum(const struct fn_call *c, const struct type **ret) {
    const struct type *t = type_below(type_find(c->site->arg_types[0]));
    if (!t || t->kind != 'e')
        return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED,
                         "could not determine actual enum type");
    *ret = t;
    return OK;
}

static status end_label(struct fn_call *c, bool last) {
    const struct type *t;
    TRY(actual_enum(c, &t));
    if (!t->nlabels)
        return error_set(c->env->error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                         "enum %s contains no values", type_format_name(c->env->arena, t->oid));
    const struct enum_label *l = &t->labels[last ? t->nlabels - 1 : 0];
    TRY(check_safe(c->env, t, l));
    c->result = datum_int8(l->position);
    return OK;
}

status fn_enum_first(struct fn_call *c) {
    return end_label(c, false);
}

status fn_enum_last(struct fn_call *c) {
    return end_label(c, true);
}

/* The labels between two; a null bound is none. */
status fn_enum_range(struct fn_call *c) {
    const struct type *t;
    TRY(actual_enum(c, &t));
    bool low = c->nargs == 2 && !c->nulls[0], high = c->nargs == 2 && !c->nulls[1];
    datum *values = arena_array(c->env->arena, t->nlabels + 1u, sizeof *values);
    uint32_t n = 0;
    if (!values) return out_of_memory(c->env);
    for (uint32_t i = 0; i < t->nlabels; i++) {
        const struct enum_label *l = &t->labels[i];
        if ((low && l->position < c->args[0].i64) || (high && l->position > c->args[1].i64))
            continue;
        TRY(check_safe(c->env, t, l));
        values[n++] = datum_int8(l->position);
    }
    return array_build_1d(c->env, t->oid, values, NULL, n, &c->result);
}
