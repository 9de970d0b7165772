/* Families array and vector (oidvector, int2vector): text and binary forms. */
#include <stdio.h>

#include "types/array.h"
#include "types/array_order.h"
#include "types/internal.h"

/* ---- text form ---- */

struct array_scan {
    const struct eval_env *env;
    const struct type *element;
    int32_t typmod;
    const char *text, *p, *end;
    size_t len; /* of text */
    struct array_parts a;
    uint32_t room;
    struct buf item;
};

static status malformed(struct array_scan *s, const char *detail) {
    status st =
        error_set(s->env->error, ST_INVALID_TEXT_REPRESENTATION,
                  "malformed array literal: \"%.*s\"", (int)(s->len > 400 ? 400 : s->len), s->text);
    error_detail(s->env->error, "%s", detail);
    return st;
}

static void skip_space(struct array_scan *s) {
    while (s->p < s->end && is_space(*s->p)) s->p++;
}

static status append(struct array_scan *s, datum value, bool is_null) {
    if (s->a.n == s->room) {
        uint32_t room = s->room ? s->room * 2 : 16;
        if (room > ARRAY_ELEMENTS_MAX) return array_too_large(s->env);
        datum *values = arena_alloc(s->env->arena, room * sizeof *values);
        uint8_t *nulls = arena_alloc(s->env->arena, room);
        if (!values || !nulls) return out_of_memory(s->env);
        if (s->a.n) {
            memcpy(values, s->a.values, s->a.n * sizeof *values);
            memcpy(nulls, s->a.nulls, s->a.n);
        }
        s->a.values = values;
        s->a.nulls = nulls;
        s->room = room;
    }
    s->a.values[s->a.n] = value;
    s->a.nulls[s->a.n++] = is_null;
    return OK;
}

#define ELEMENT_NS 50 /* and more */

/* One element, quoted or bare. */
static status scan_element(struct array_scan *s) {
    bool quoted = *s->p == '"', escaped = false;
    TRY(eval_work(s->env, ELEMENT_NS));
    s->item.len = 0;
    if (quoted) s->p++;
    size_t solid = 0; /* length without trailing bare white space */
    for (;; s->p++) {
        if (s->p == s->end) return malformed(s, "Unexpected end of input.");
        char c = *s->p;
        if (quoted ? c == '"' : c == s->element->delimiter || c == '}') break;
        if (!quoted && (c == '"' || c == '{'))
            return malformed(s, c == '"' ? "Unexpected array element."
                                         : "Unexpected \"{\" character.");
        bool escape = c == '\\';
        if (escape) {
            if (++s->p == s->end) return malformed(s, "Unexpected end of input.");
            escaped = true;
        }
        TRY(buf_add(&s->item, s->p, 1));
        if (quoted || escape || !is_space(*s->p)) solid = s->item.len;
    }
    if (quoted)
        s->p++;
    else
        s->item.len = solid;
    if (!quoted && !s->item.len) {
        char found[64];
        snprintf(found, sizeof found, "Unexpected \"%c\" character.", *s->p);
        return malformed(s, found);
    }
    datum value = {.u64 = 0};
    bool is_null = !quoted && !escaped && same_word(s->item.data, s->item.len, "null");
    if (is_null)
        TRY(type_check_domain(s->env, s->element, value, true));
    else
        TRY(type_input(s->env, s->element, s->typmod, s->item.len ? s->item.data : "", s->item.len,
                       &value));
    return append(s, value, is_null);
}

/* '{' … '}' at one depth; lengths[depth] is fixed by the first one seen. */
static status scan_level(struct array_scan *s, size_t depth, bool *seen) {
    static const char ragged[] =
        "Multidimensional arrays must have sub-arrays with matching dimensions.";
    if (depth >= ARRAY_DIMENSIONS_MAX)
        return error_set(s->env->error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "number of array dimensions (%zu) exceeds the maximum allowed (%d)",
                         depth + 1, ARRAY_DIMENSIONS_MAX);
    int32_t count = 0;
    s->p++;
    skip_space(s);
    if (depth + 1u > s->a.ndim) {
        if (s->a.n) return malformed(s, ragged);
        s->a.ndim = (uint8_t)(depth + 1);
    }
    bool deeper = false;
    while (s->p < s->end && *s->p != '}') {
        bool is_level = *s->p == '{';
        if (count && is_level != deeper) return malformed(s, ragged);
        if (!is_level && depth + 1u < s->a.ndim) return malformed(s, ragged);
        deeper = is_level;
        TRY(is_level ? scan_level(s, depth + 1, seen) : scan_element(s));
        count++;
        skip_space(s);
        if (s->p < s->end && *s->p == s->element->delimiter) {
            s->p++;
            skip_space(s);
            if (s->p < s->end && *s->p == '}') return malformed(s, "Unexpected \"}\" character.");
        } else if (s->p < s->end && *s->p != '}') {
            return malformed(s, "Unexpected array element.");
        }
    }
    if (s->p == s->end) return malformed(s, "Unexpected end of input.");
    if (depth && !count) return malformed(s, "Unexpected \"}\" character.");
    s->p++;
    if (seen[depth] && s->a.lengths[depth] != count) return malformed(s, ragged);
    seen[depth] = true;
    s->a.lengths[depth] = count;
    return OK;
}

static bool scan_int(struct array_scan *s, int32_t *ret) {
    bool negative = s->p < s->end && *s->p == '-';
    if (s->p < s->end && (*s->p == '-' || *s->p == '+')) s->p++;
    if (s->p == s->end || !is_digit(*s->p)) return false;
    int64_t x = 0;
    while (s->p < s->end && is_digit(*s->p) && x <= INT32_MAX) x = x * 10 + *s->p++ - '0';
    if (negative) x = -x;
    if (x != (int32_t)x) return false;
    *ret = (int32_t)x;
    return true;
}

/* [1:2][3:4]= */
static status scan_bounds(struct array_scan *s, int32_t *lower, int32_t *lengths, size_t *ret_n) {
    size_t n = 0;
    while (s->p < s->end && *s->p == '[') {
        int32_t low, high;
        s->p++;
        if (n == ARRAY_DIMENSIONS_MAX)
            return error_set(s->env->error, ST_PROGRAM_LIMIT_EXCEEDED,
                             "number of array dimensions (%zu) exceeds the maximum allowed (%d)",
                             n + 1, ARRAY_DIMENSIONS_MAX);
        if (!scan_int(s, &low))
            return malformed(s, "\"[\" must introduce explicitly-specified array dimensions.");
        high = low;
        if (s->p < s->end && *s->p == ':') {
            s->p++;
            if (!scan_int(s, &high)) return malformed(s, "Missing array dimension value.");
        } else {
            low = 1;
        }
        if (s->p == s->end || *s->p++ != ']')
            return malformed(s, "Missing \"]\" after array dimensions.");
        if (high < low)
            return error_set(s->env->error, ST_ARRAY_SUBSCRIPT_ERROR,
                             "upper bound cannot be less than lower bound");
        if ((int64_t)high - low >= ARRAY_ELEMENTS_MAX || high == INT32_MAX)
            return array_too_large(s->env);
        lower[n] = low;
        lengths[n++] = high - low + 1;
    }
    *ret_n = n;
    if (!n) return OK;
    skip_space(s);
    if (s->p == s->end || *s->p++ != '=')
        return malformed(s, "Missing \"=\" after array dimensions.");
    skip_space(s);
    return OK;
}

static status scan_array(struct array_scan *s, datum *ret) {
    int32_t lower[ARRAY_DIMENSIONS_MAX], lengths[ARRAY_DIMENSIONS_MAX];
    bool seen[ARRAY_DIMENSIONS_MAX] = {0};
    size_t bounds = 0;
    skip_space(s);
    TRY(scan_bounds(s, lower, lengths, &bounds));
    if (s->p == s->end || *s->p != '{')
        return malformed(s, bounds ? "Array contents must start with \"{\"."
                                   : "Array value must start with \"{\" or dimension information.");
    TRY(scan_level(s, 0, seen));
    skip_space(s);
    if (s->p < s->end) return malformed(s, "Junk after closing right brace.");
    if (!s->a.n) s->a.ndim = 0;
    if (bounds && (bounds != s->a.ndim || memcmp(lengths, s->a.lengths, bounds * sizeof *lengths)))
        return malformed(s, "Specified array dimensions do not match array contents.");
    for (size_t i = 0; i < s->a.ndim; i++) s->a.lower[i] = bounds ? lower[i] : 1;
    return array_build(s->env, &s->a, ret);
}

static status array_in(const struct eval_env *env, const struct type *t, int32_t typmod,
                       const char *text, size_t len, datum *ret) {
    struct array_scan s = {.env = env,
                           .element = type_find(t->element),
                           .typmod = typmod,
                           .text = text,
                           .len = len,
                           .p = text,
                           .end = text + len};
    if (!s.element) return error_set(env->error, ST_INTERNAL_ERROR, "array of an unknown type");
    s.a.element = t->element;
    status st = scan_array(&s, ret);
    buf_free(&s.item);
    return status_is(st, ST_OUT_OF_MEMORY) ? out_of_memory(env) : st;
}

static bool element_needs_quotes(const char *p, size_t len, char delimiter) {
    if (!len || same_word(p, len, "null")) return true;
    for (size_t i = 0; i < len; i++)
        if (p[i] == delimiter || p[i] == '{' || p[i] == '}' || p[i] == '"' || p[i] == '\\' ||
            is_space(p[i]))
            return true;
    return false;
}

static status out_element(const struct eval_env *env, const struct type *t, datum value,
                          struct buf *scratch, struct buf *out) {
    TRY(eval_work(env, ELEMENT_NS));
    scratch->len = 0;
    TRY(type_output(env, t, value, scratch));
    if (!element_needs_quotes(scratch->data, scratch->len, t->delimiter))
        return buf_add(out, scratch->data, scratch->len);
    TRY(buf_add(out, "\"", 1));
    for (size_t i = 0; i < scratch->len; i++) {
        char c = scratch->data[i];
        if (c == '"' || c == '\\') TRY(buf_add(out, "\\", 1));
        TRY(buf_add(out, &c, 1));
    }
    return buf_add(out, "\"", 1);
}

static status out_level(const struct eval_env *env, struct array_cursor *c, size_t depth,
                        struct buf *scratch, struct buf *out) {
    TRY(buf_add(out, "{", 1));
    for (int32_t i = 0; i < c->head.lengths[depth]; i++) {
        if (i) TRY(buf_add(out, &c->type->delimiter, 1));
        if (depth + 1u < c->head.ndim) {
            TRY(out_level(env, c, depth + 1, scratch, out));
            continue;
        }
        datum value;
        bool is_null;
        if (!array_cursor_next(c, &value, &is_null)) return STATUS(DATA_CORRUPTED);
        TRY(is_null ? buf_add(out, "NULL", 4) : out_element(env, c->type, value, scratch, out));
    }
    return buf_add(out, "}", 1);
}

static status array_out(const struct eval_env *env, const struct type *, datum value,
                        struct buf *out) {
    struct array_cursor c;
    struct buf scratch = {0};
    TRY(array_cursor_init(&c, value.v));
    if (!c.head.n) return buf_add(out, "{}", 2);
    bool bounds = false;
    for (size_t i = 0; i < c.head.ndim; i++) bounds |= c.head.lower[i] != 1;
    for (size_t i = 0; bounds && i < c.head.ndim; i++)
        TRY(buf_printf(out, "[%d:%d]", c.head.lower[i], c.head.lower[i] + c.head.lengths[i] - 1));
    if (bounds) TRY(buf_add(out, "=", 1));
    status s = out_level(env, &c, 0, &scratch, out);
    buf_free(&scratch);
    return s;
}

/* ---- binary form: i32 dimensions, i32 has-nulls, oid, per dimension length and lower bound, then
 * per element i32 length (-1 null) and bytes ---- */

static status receive_elements(const struct eval_env *env, const struct type *element,
                               int32_t typmod, const char *p, const char *end,
                               struct array_parts *a) {
    for (uint32_t i = 0; i < a->n; i++) {
        TRY(eval_work(env, ELEMENT_NS));
        if (end - p < 4) return bad_binary(env, "array");
        int32_t size = (int32_t)load_be32(p);
        p += 4;
        if (size < -1 || size > end - p) return bad_binary(env, "array");
        a->nulls[i] = size < 0;
        if (size < 0) TRY(type_check_domain(env, element, a->values[i], true));
        if (size < 0) continue;
        TRY(type_receive(env, element, typmod, p, (size_t)size, &a->values[i]));
        p += size;
    }
    return p == end ? OK : bad_binary(env, "array");
}

static status array_receive(const struct eval_env *env, const struct type *t, int32_t typmod,
                            const char *bytes, size_t len, datum *ret) {
    struct array_parts a = {.element = t->element};
    const struct type *element = type_find(t->element);
    if (!element) return bad_binary(env, "array");
    if (len < 4) return binary_length(env, len, 4);
    int32_t ndim = (int32_t)load_be32(bytes);
    if (ndim < 0)
        return error_set(env->error, ST_INVALID_BINARY_REPRESENTATION,
                         "invalid number of dimensions: %d", ndim);
    if (ndim > ARRAY_DIMENSIONS_MAX)
        return error_set(env->error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "number of array dimensions (%d) exceeds the maximum allowed (%d)", ndim,
                         ARRAY_DIMENSIONS_MAX);
    size_t head = 12 + (size_t)ndim * 8;
    if (len < head) return binary_length(env, len, head);
    uint32_t flags = load_be32(bytes + 4), type = load_be32(bytes + 8);
    if (flags > 1)
        return error_set(env->error, ST_INVALID_BINARY_REPRESENTATION, "invalid array flags");
    if (type != a.element)
        return error_set(env->error, ST_DATATYPE_MISMATCH,
                         "binary data has array element type %u (%s) instead of expected %u (%s)",
                         type, type_format_name(env->arena, type), a.element,
                         type_format_name(env->arena, a.element));
    a.ndim = (uint8_t)ndim;
    for (size_t i = 0; i < a.ndim; i++) {
        a.lengths[i] = (int32_t)load_be32(bytes + 12 + i * 8);
        a.lower[i] = (int32_t)load_be32(bytes + 16 + i * 8);
        if ((int64_t)a.lower[i] + a.lengths[i] > INT32_MAX) return bad_binary(env, "array");
    }
    const char *p = bytes + head, *end = bytes + len;
    /* Every element has at least its length word: no allocation beyond what was sent. */
    if (!array_count(a.lengths, a.ndim, &a.n) || a.n > (size_t)(end - p) / 4)
        return bad_binary(env, "array");
    a.values = arena_array(env->arena, a.n, sizeof *a.values);
    a.nulls = arena_zalloc(env->arena, a.n);
    if (!a.values || !a.nulls) return out_of_memory(env);
    TRY(receive_elements(env, element, typmod, p, end, &a));
    return array_build(env, &a, ret);
}

static status add_be32(struct buf *out, uint32_t x) {
    char big[4];
    store_be32(big, x);
    return buf_add(out, big, 4);
}

static status array_send(const struct eval_env *env, const struct type *, datum value,
                         struct buf *out) {
    struct array_cursor c;
    TRY(array_cursor_init(&c, value.v));
    TRY(add_be32(out, c.head.ndim));
    TRY(add_be32(out, c.bitmap != NULL));
    TRY(add_be32(out, c.head.element));
    for (size_t i = 0; i < c.head.ndim; i++) {
        TRY(add_be32(out, (uint32_t)c.head.lengths[i]));
        TRY(add_be32(out, (uint32_t)c.head.lower[i]));
    }
    datum element;
    bool is_null;
    for (uint32_t i = 0; i < c.head.n; i++) {
        if (!array_cursor_next(&c, &element, &is_null)) return STATUS(DATA_CORRUPTED);
        TRY(add_be32(out, UINT32_MAX));
        size_t start = out->len;
        if (is_null) continue;
        TRY(type_send(env, c.type, element, out));
        store_be32(out->data + start - 4, (uint32_t)(out->len - start));
    }
    return OK;
}

/* ---- families ---- */

static status array_apply_typmod(const struct eval_env *env, const struct type *t, datum value,
                                 int32_t typmod, bool is_explicit, datum *ret) {
    const struct type *element = type_below(type_find(t->element));
    struct array_parts a;
    *ret = value;
    if (!element || !element->family->apply_typmod) return OK;
    TRY(array_split(env, value.v, &a));
    for (uint32_t i = 0; i < a.n; i++)
        if (!a.nulls[i])
            TRY(type_apply_typmod(env, element, a.values[i], typmod, is_explicit, &a.values[i]));
    return array_build(env, &a, ret);
}

static status array_typmod_in(const struct eval_env *env, const struct type *t,
                              const int32_t *values, size_t n, int32_t *ret) {
    return type_typmod_in(env, type_find(t->element), values, n, ret);
}

const struct type_family family_array = {.in = array_in,
                                         .out = array_out,
                                         .receive = array_receive,
                                         .send = array_send,
                                         .compare = array_compare,
                                         .hash = array_hash,
                                         .key = array_key,
                                         .key_len = array_key_len,
                                         .valid = array_valid,
                                         .apply_typmod = array_apply_typmod,
                                         .typmod_in = array_typmod_in};

/* ---- oidvector, int2vector: one dimension from 0, text without braces ---- */

static status vector_in(const struct eval_env *env, const struct type *t, int32_t, const char *text,
                        size_t len, datum *ret) {
    struct array_scan s = {.env = env, .element = type_find(t->element)};
    const char *p = text, *end = text + len;
    s.a.element = t->element;
    for (;;) {
        while (p < end && is_space(*p)) p++;
        if (p == end) break;
        const char *start = p;
        while (p < end && !is_space(*p)) p++;
        datum value;
        TRY(type_input(env, s.element, -1, start, (size_t)(p - start), &value));
        TRY(append(&s, value, false));
    }
    s.a.ndim = 1;
    s.a.lengths[0] = (int32_t)s.a.n;
    return array_build(env, &s.a, ret);
}

static status vector_out(const struct eval_env *env, const struct type *, datum value,
                         struct buf *out) {
    struct array_cursor c;
    datum element;
    bool is_null, first = true;
    TRY(array_cursor_init(&c, value.v));
    while (array_cursor_next(&c, &element, &is_null)) {
        if (!first) TRY(buf_add(out, " ", 1));
        first = false;
        TRY(type_output(env, c.type, element, out));
    }
    return OK;
}

/* The shorter is the smaller. */
static int vector_compare(const struct type *t, datum a, datum b) {
    struct array_parts x, y;
    if (ok(array_head(a.v, &x)) && ok(array_head(b.v, &y)) && x.n != y.n) return x.n < y.n ? -1 : 1;
    return array_compare(t, a, b);
}

static status vector_key(const struct type *t, datum value, struct buf *out) {
    struct array_parts head;
    TRY(array_head(value.v, &head));
    TRY(key_add_int(out, head.n, 4));
    return array_key(t, value, out);
}

static size_t vector_key_len(const struct type *t, const uint8_t *bytes, size_t len,
                             bool inverted) {
    size_t n = len > 4 ? array_key_len(t, bytes + 4, len - 4, inverted) : 0;
    return n ? n + 4 : 0;
}

const struct type_family family_vector = {.in = vector_in,
                                          .out = vector_out,
                                          .receive = array_receive,
                                          .send = array_send,
                                          .compare = vector_compare,
                                          .hash = array_hash,
                                          .key = vector_key,
                                          .key_len = vector_key_len,
                                          .valid = array_valid};
