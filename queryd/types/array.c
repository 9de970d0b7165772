/* Arrays: layout, elements, slices. */
#include "types/array.h"

#include "types/internal.h"

#define HEAD_BYTES 8
#define FLAG_NULLS 1

static size_t pad4(size_t n) {
    return (n + 3) & ~(size_t)3;
}

static status corrupted(void) {
    return STATUS(DATA_CORRUPTED);
}

/* ---- layout ---- */

bool array_count(const int32_t *lengths, size_t ndim, uint32_t *ret) {
    uint64_t n = ndim ? 1 : 0;
    for (size_t i = 0; i < ndim; i++) {
        if (lengths[i] < 0) return false;
        n *= (uint32_t)lengths[i];
        if (n > ARRAY_ELEMENTS_MAX) return false;
    }
    *ret = (uint32_t)n;
    return true;
}

static status read_head(const char *p, size_t len, struct array_parts *a, size_t *ret_start) {
    *a = (struct array_parts){0};
    if (len < HEAD_BYTES) return corrupted();
    a->element = load_le32(p);
    a->ndim = (uint8_t)p[4];
    if (a->ndim > ARRAY_DIMENSIONS_MAX || ((uint8_t)p[5] & ~FLAG_NULLS) || load_le16(p + 6))
        return corrupted();
    if (len < HEAD_BYTES + a->ndim * 8u) return corrupted();
    for (size_t i = 0; i < a->ndim; i++) {
        a->lengths[i] = (int32_t)load_le32(p + HEAD_BYTES + i * 8);
        a->lower[i] = (int32_t)load_le32(p + HEAD_BYTES + i * 8 + 4);
        if ((int64_t)a->lower[i] + a->lengths[i] > INT32_MAX) return corrupted();
    }
    if (!array_count(a->lengths, a->ndim, &a->n)) return corrupted();
    *ret_start = HEAD_BYTES + a->ndim * 8u;
    return OK;
}

status array_head(const struct varlena *v, struct array_parts *ret) {
    size_t start;
    return read_head(v->data, v->len, ret, &start);
}

status array_cursor_init_bytes(struct array_cursor *c, const char *p, size_t len) {
    size_t start;
    TRY(read_head(p, len, &c->head, &start));
    c->type = type_below(type_find(c->head.element));
    if (!c->type ||
        (c->type->kind == 'p' && c->type->oid != CSTRINGOID && c->type->oid != RECORDOID))
        return corrupted();
    c->bitmap = NULL;
    c->end = p + len;
    if (p[5] & FLAG_NULLS) {
        size_t bytes = pad4((c->head.n + 7) / 8);
        if (len - start < bytes) return corrupted();
        c->bitmap = (const uint8_t *)p + start;
        start += bytes;
    }
    c->next = p + start;
    c->at = 0;
    return OK;
}

status array_cursor_init(struct array_cursor *c, const struct varlena *v) {
    return array_cursor_init_bytes(c, v->data, v->len);
}

static datum load_by_value(const char *p, const struct type *t) {
    datum d = {.u64 = 0};
    switch (t->len) {
    case 1: d.i64 = t->family == &family_bool ? (p[0] != 0) : (int8_t)p[0]; break;
    case 2: d.i64 = (int16_t)load_le16(p); break;
    case 4:
        if (t->family == &family_float4)
            d.u64 = load_le32(p);
        else
            d.i64 = (int32_t)load_le32(p);
        break;
    default: memcpy(&d, p, (size_t)t->len);
    }
    return d;
}

bool element_get(const char **p, const char *end, const struct type *t, char *scratch, datum *ret) {
    size_t left = (size_t)(end - *p), size;
    if (t->len > 0) {
        size = (size_t)t->len;
        if (left < size) return false;
        if (t->byval)
            *ret = load_by_value(*p, t);
        else
            ret->p = memcpy(scratch, *p, size);
    } else {
        if (left < 4 || load_le32(*p) > left - 4) return false;
        size = 4 + load_le32(*p);
        ret->p = t->len == -2 ? *p + 4 : *p;
        if (t->len == -2 && (size == 4 || (*p)[size - 1] != '\0')) return false;
    }
    size = pad4(size);
    *p = left < size ? end : *p + size;
    return true;
}

bool element_valid(const struct type *t, datum value) {
    if (!t->family->valid) return true;
    if (t->byval) return t->family->valid(t, (const char *)&value, (size_t)t->len);
    if (t->len == -1) { /* in a row's bytes, wherever the array happens to begin */
        const char *bytes = value.p;
        return t->family->valid(t, bytes + sizeof(uint32_t), load_le32(bytes));
    }
    return t->family->valid(t, value.p, t->len > 0 ? (size_t)t->len : strlen(value.s));
}

bool array_cursor_next(struct array_cursor *c, datum *ret, bool *ret_is_null) {
    if (c->at >= c->head.n) return false;
    uint32_t i = c->at++;
    *ret_is_null = c->bitmap && c->bitmap[i / 8] >> i % 8 & 1;
    if (*ret_is_null) {
        ret->u64 = 0;
        return true;
    }
    return element_get(&c->next, c->end, c->type, c->scratch, ret);
}

status array_split(const struct eval_env *env, const struct varlena *v, struct array_parts *ret) {
    struct array_cursor c;
    if (!ok(array_cursor_init(&c, v)))
        return error_set(env->error, ST_DATA_CORRUPTED, "invalid array value");
    *ret = c.head;
    ret->values = arena_array(env->arena, c.head.n, sizeof *ret->values);
    ret->nulls = arena_zalloc(env->arena, c.head.n);
    if (!ret->values || !ret->nulls) return out_of_memory(env);
    for (uint32_t i = 0; i < c.head.n; i++) {
        bool is_null;
        if (!array_cursor_next(&c, &ret->values[i], &is_null))
            return error_set(env->error, ST_DATA_CORRUPTED, "invalid array value");
        ret->nulls[i] = is_null;
        if (is_null || ret->values[i].p != c.scratch || c.type->byval) continue;
        ret->values[i].p = arena_memdup(env->arena, c.scratch, (size_t)c.type->len);
        if (!ret->values[i].p) return out_of_memory(env);
    }
    return OK;
}

size_t element_bytes(const struct type *t, datum value) {
    if (t->len > 0) return pad4((size_t)t->len);
    return pad4(4 + (t->len == -2 ? strlen(value.s) + 1 : value.v->len));
}

char *element_put(char *p, const struct type *t, datum value) {
    size_t padded = element_bytes(t, value), size;
    if (t->len > 0) {
        size = (size_t)t->len;
        memcpy(p, t->byval ? (const void *)&value : value.p, size);
    } else if (t->len == -2) {
        size = strlen(value.s) + 1;
        store_le32(p, (uint32_t)size);
        memcpy(p + 4, value.s, size);
        size += 4;
    } else {
        size = 4 + value.v->len;
        memcpy(p, value.v, size);
    }
    memset(p + size, 0, padded - size);
    return p + padded;
}

status array_too_large(const struct eval_env *env) {
    return error_set(env->error, ST_PROGRAM_LIMIT_EXCEEDED,
                     "array size exceeds the maximum allowed (%u)", ARRAY_ELEMENTS_MAX);
}

status array_build(const struct eval_env *env, const struct array_parts *a, datum *ret) {
    const struct type *t = type_below(type_find(a->element));
    uint32_t n;
    if (!t) return error_set(env->error, ST_INTERNAL_ERROR, "array of an unknown type");
    if (!array_count(a->lengths, a->ndim, &n)) return array_too_large(env);
    uint8_t ndim = n ? a->ndim : 0;
    bool any_null = false;
    uint64_t size = HEAD_BYTES + ndim * 8u;
    for (uint32_t i = 0; i < n; i++) {
        if (a->nulls && a->nulls[i])
            any_null = true;
        else
            size += element_bytes(t, a->values[i]);
    }
    size_t bitmap = any_null ? pad4((n + 7) / 8) : 0;
    if (size + bitmap > VARLENA_MAX) return array_too_large(env);
    struct varlena *v = varlena_new(env->arena, size + bitmap);
    if (!v) return out_of_memory(env);
    char *p = v->data;
    store_le32(p, a->element);
    p[4] = (char)ndim;
    p[5] = any_null ? FLAG_NULLS : 0;
    store_le16(p + 6, 0);
    p += HEAD_BYTES;
    for (size_t i = 0; i < ndim; i++, p += 8) {
        store_le32(p, (uint32_t)a->lengths[i]);
        store_le32(p + 4, (uint32_t)a->lower[i]);
    }
    char *bits = p;
    memset(bits, 0, bitmap);
    p += bitmap;
    for (uint32_t i = 0; i < n; i++) {
        if (a->nulls && a->nulls[i])
            bits[i / 8] = (char)(bits[i / 8] | 1 << i % 8);
        else
            p = element_put(p, t, a->values[i]);
    }
    *ret = datum_ptr(v);
    return OK;
}

status array_build_1d(const struct eval_env *env, oid element, const datum *values,
                      const uint8_t *nulls, uint32_t n, datum *ret) {
    struct array_parts a = {.element = element,
                            .ndim = 1,
                            .lengths = {(int32_t)n},
                            .lower = {1},
                            .n = n,
                            .values = (datum *)(uintptr_t)values,
                            .nulls = (uint8_t *)(uintptr_t)nulls};
    if (n > ARRAY_ELEMENTS_MAX) return array_too_large(env);
    return array_build(env, &a, ret);
}

static status shapes_differ(const struct eval_env *env) {
    return error_set(
        env->error, ST_ARRAY_SUBSCRIPT_ERROR,
        "multidimensional arrays must have array expressions with matching dimensions");
}

status array_build_nested(const struct eval_env *env, oid element, const datum *arrays,
                          const uint8_t *nulls, uint32_t n, datum *ret) {
    struct array_parts whole = {.element = element}, part;
    if (n == 0) return array_build(env, &whole, ret);
    for (uint32_t i = 0; i < n; i++) {
        if (nulls && nulls[i]) return shapes_differ(env);
        TRY(array_split(env, arrays[i].v, &part));
        if (i == 0) {
            if (part.ndim >= ARRAY_DIMENSIONS_MAX)
                return error_set(env->error, ST_PROGRAM_LIMIT_EXCEEDED,
                                 "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                                 part.ndim + 1, ARRAY_DIMENSIONS_MAX);
            whole.ndim = part.ndim ? part.ndim + 1 : 0;
            whole.lengths[0] = (int32_t)n;
            whole.lower[0] = 1;
            memcpy(whole.lengths + 1, part.lengths, sizeof(int32_t) * part.ndim);
            memcpy(whole.lower + 1, part.lower, sizeof(int32_t) * part.ndim);
            if ((uint64_t)n * part.n > ARRAY_ELEMENTS_MAX) return array_too_large(env);
            whole.n = n * part.n;
            whole.values = arena_array(env->arena, whole.n, sizeof *whole.values);
            whole.nulls = arena_zalloc(env->arena, whole.n);
            if (!whole.values || !whole.nulls) return out_of_memory(env);
        } else if (part.ndim != (whole.ndim ? whole.ndim - 1 : 0) ||
                   memcmp(part.lengths, whole.lengths + 1, sizeof(int32_t) * part.ndim)) {
            return shapes_differ(env);
        }
        if (!part.n) continue;
        memcpy(whole.values + (size_t)i * part.n, part.values, sizeof(datum) * part.n);
        memcpy(whole.nulls + (size_t)i * part.n, part.nulls, part.n);
    }
    return array_build(env, &whole, ret);
}

/* ---- elements and slices ---- */

status array_get(const struct eval_env *env, const struct varlena *v, const int32_t *subscripts,
                 size_t n, datum *ret, bool *ret_is_null) {
    struct array_cursor c;
    if (!ok(array_cursor_init(&c, v)))
        return error_set(env->error, ST_DATA_CORRUPTED, "invalid array value");
    *ret_is_null = true;
    if (n != c.head.ndim || n == 0) return OK;
    uint64_t index = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t at = (int64_t)subscripts[i] - c.head.lower[i];
        if (at < 0 || at >= c.head.lengths[i]) return OK;
        index = index * (uint32_t)c.head.lengths[i] + (uint64_t)at;
    }
    if (!c.bitmap && c.type->len > 0) { /* no need to walk */
        size_t step = pad4((size_t)c.type->len);
        if (index * step <= (uint64_t)(c.end - c.next)) {
            c.next += index * step;
            c.at = (uint32_t)index;
        }
    }
    do {
        if (!array_cursor_next(&c, ret, ret_is_null))
            return error_set(env->error, ST_DATA_CORRUPTED, "invalid array value");
    } while (c.at <= index);
    if (!*ret_is_null && !c.type->byval && c.type->len > 0) {
        ret->p = arena_memdup(env->arena, c.scratch, (size_t)c.type->len);
        if (!ret->p) return out_of_memory(env);
    }
    return OK;
}

status array_slice(const struct eval_env *env, const struct varlena *v, const int32_t *lower,
                   const int32_t *upper, const uint8_t *has_lower, const uint8_t *has_upper,
                   size_t n, datum *ret) {
    struct array_parts a, slice;
    TRY(array_split(env, v, &a));
    slice = (struct array_parts){.element = a.element, .ndim = a.ndim};
    int32_t first[ARRAY_DIMENSIONS_MAX] = {0};
    bool empty = n > a.ndim || a.ndim == 0;
    for (size_t i = 0; i < a.ndim && !empty; i++) {
        int64_t low = i < n && has_lower[i] ? lower[i] : a.lower[i];
        int64_t high = i < n && has_upper[i] ? upper[i] : (int64_t)a.lower[i] + a.lengths[i] - 1;
        if (low < a.lower[i]) low = a.lower[i];
        if (high > (int64_t)a.lower[i] + a.lengths[i] - 1)
            high = (int64_t)a.lower[i] + a.lengths[i] - 1;
        empty = low > high;
        first[i] = (int32_t)(low - a.lower[i]);
        slice.lengths[i] = (int32_t)(high - low + 1);
        slice.lower[i] = 1;
    }
    if (empty) {
        slice.ndim = 0;
        return array_build(env, &slice, ret);
    }
    array_count(slice.lengths, slice.ndim, &slice.n);
    slice.values = arena_array(env->arena, slice.n, sizeof *slice.values);
    slice.nulls = arena_zalloc(env->arena, slice.n);
    if (!slice.values || !slice.nulls) return out_of_memory(env);
    for (uint32_t k = 0; k < slice.n; k++) {
        uint32_t rest = k, index = 0, step = 1;
        for (size_t i = a.ndim; i-- > 0;) {
            uint32_t at = rest % (uint32_t)slice.lengths[i];
            rest /= (uint32_t)slice.lengths[i];
            index += (at + (uint32_t)first[i]) * step;
            step *= (uint32_t)a.lengths[i];
        }
        slice.values[k] = a.values[index];
        slice.nulls[k] = a.nulls[index];
    }
    return array_build(env, &slice, ret);
}
