/* Text and bytes at their ends: trimming what consists of the given characters, padding. */
#include "types/vector.h"

static bool in_set(const char *p, size_t n, const struct varlena *set) {
    for (const char *q = set->data, *end = q + set->len; q < end;) {
        size_t m = utf8_len(q, end);
        if (m == n && !memcmp(p, q, n)) return true;
        q += m;
    }
    return false;
}

static status trim(struct fn_call *c, bool left, bool right) {
    static const struct {
        struct varlena head;
        char bytes[4];
    } blank = {{1}, " "};
    const struct varlena *v = c->args[0].v;
    const struct varlena *set = c->nargs > 1 ? c->args[1].v : &blank.head;
    const char *p = v->data, *end = v->data + v->len;
    size_t step_ns = set->len * CHARACTER_NS;
    while (left && p < end && in_set(p, utf8_len(p, end), set)) {
        TRY(eval_work(c->env, step_ns));
        p += utf8_len(p, end);
    }
    while (right && p < end) {
        TRY(eval_work(c->env, step_ns));
        const char *last = end - 1;
        while (last > p && ((uint8_t)*last & 0xC0) == 0x80) last--;
        if (!in_set(last, (size_t)(end - last), set)) break;
        end = last;
    }
    return give_bytes(c, p, (size_t)(end - p));
}

status fn_btrim(struct fn_call *c) {
    return trim(c, true, true);
}
status fn_ltrim(struct fn_call *c) {
    return trim(c, true, false);
}
status fn_rtrim(struct fn_call *c) {
    return trim(c, false, true);
}

/* The same for bytes, whatever they are. */
static status trim_bytes(struct fn_call *c, bool left, bool right) {
    const struct varlena *v = c->args[0].v, *set = c->args[1].v;
    const char *p = v->data, *end = v->data + v->len;
    while (left && p < end && memchr(set->data, *p, set->len)) p++;
    while (right && p < end && memchr(set->data, end[-1], set->len)) end--;
    return give_bytes(c, p, (size_t)(end - p));
}

status fn_bytea_btrim(struct fn_call *c) {
    return trim_bytes(c, true, true);
}
status fn_bytea_ltrim(struct fn_call *c) {
    return trim_bytes(c, true, false);
}
status fn_bytea_rtrim(struct fn_call *c) {
    return trim_bytes(c, false, true);
}

status fn_bytea_bit_count(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    int64_t n = 0;
    for (uint32_t i = 0; i < v->len; i++) n += __builtin_popcount((uint8_t)v->data[i]);
    return give_int8(c, n);
}

/* lpad, rpad: to a number of characters, cut when longer */
static status pad(struct fn_call *c, bool left) {
    static const char blank[] = " ";
    const struct varlena *v = c->args[0].v;
    const char *fill = c->nargs > 2 ? c->args[2].v->data : blank;
    size_t fill_len = c->nargs > 2 ? c->args[2].v->len : 1;
    size_t wanted = c->args[1].i32 > 0 ? (size_t)c->args[1].i32 : 0;
    size_t have = utf8_count(v->data, v->len), fill_chars = utf8_count(fill, fill_len);
    if (have >= wanted || !fill_chars)
        return give_bytes(c, v->data,
                          have > wanted ? utf8_offset(v->data, v->len, wanted) : v->len);
    if (wanted > VARLENA_MAX / 4) return text_too_large(c->env);
    size_t missing = wanted - have;
    size_t part = utf8_offset(fill, fill_len, missing % fill_chars);
    size_t bytes = missing / fill_chars * fill_len + part;
    struct varlena *out = varlena_new(c->env->arena, v->len + bytes);
    if (!out) return out_of_memory(c->env);
    char *q = out->data + (left ? 0 : v->len);
    for (size_t i = 0; i < missing / fill_chars; i++, q += fill_len) memcpy(q, fill, fill_len);
    memcpy(q, fill, part);
    if (v->len) memcpy(out->data + (left ? bytes : 0), v->data, v->len);
    return give_ptr(c, out);
}

status fn_lpad(struct fn_call *c) {
    return pad(c, true);
}
status fn_rpad(struct fn_call *c) {
    return pad(c, false);
}
