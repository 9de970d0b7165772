/* Functions and operators of text: comparison, pieces, padding, searching. */
#include <wctype.h>

#include "types/vector.h"

static int compare_text(const struct varlena *a, const struct varlena *b) {
    return bytes_compare(a->data, a->len, b->data, b->len);
}

static bool equal_text(const struct varlena *a, const struct varlena *b) {
    return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

#define TEXT_COMPARISON(name, expression)                                                          \
    static inline status compute_##name(const struct eval_env *, datum a, datum b, datum *ret) {   \
        *ret = datum_bool(expression);                                                             \
        return OK;                                                                                 \
    }                                                                                              \
    CHECKED_BINARY(text_##name, compute_##name)
TEXT_COMPARISON(eq, equal_text(a.v, b.v))
TEXT_COMPARISON(ne, !equal_text(a.v, b.v))
TEXT_COMPARISON(lt, compare_text(a.v, b.v) < 0)
TEXT_COMPARISON(le, compare_text(a.v, b.v) <= 0)
TEXT_COMPARISON(gt, compare_text(a.v, b.v) > 0)
TEXT_COMPARISON(ge, compare_text(a.v, b.v) >= 0)

/* name with text: the name's bytes up to its NUL */
static int compare_name_text(const char *name, const struct varlena *t) {
    return bytes_compare(name, strnlen(name, NAME_BYTES), t->data, t->len);
}

#define NAME_TEXT(how, op)                                                                         \
    status fn_name##how##text(struct fn_call *c) {                                                 \
        return give_bool(c, compare_name_text(c->args[0].s, c->args[1].v) op 0);                   \
    }                                                                                              \
    status fn_text##how##name(struct fn_call *c) {                                                 \
        return give_bool(c, 0 op compare_name_text(c->args[1].s, c->args[0].v));                   \
    }
NAME_TEXT(eq, ==)
NAME_TEXT(ne, !=)
NAME_TEXT(lt, <)
NAME_TEXT(le, <=)
NAME_TEXT(gt, >)
NAME_TEXT(ge, >=)

/* ---- conversions between the string types ---- */

status fn_name_text(struct fn_call *c) {
    return give_bytes(c, c->args[0].s, strnlen(c->args[0].s, NAME_BYTES));
}

status fn_text_name(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    size_t len = v->len;
    if (c->site->function->args[0] == BPCHAROID)
        while (len && v->data[len - 1] == ' ') len--;
    return type_input(c->env, type_find(NAMEOID), -1, v->data, len, &c->result);
}

status fn_char_text(struct fn_call *c) {
    struct buf out = {0};
    return give_buf(c, family_char.out(c->env, type_find(CHAROID), c->args[0], &out), &out);
}

status fn_text_char(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    return family_char.in(c->env, type_find(CHAROID), -1, v->data, v->len, &c->result);
}

status fn_booltext(struct fn_call *c) {
    return give_string(c, c->args[0].b ? "true" : "false");
}

/* ---- lengths ---- */

status fn_textlen(struct fn_call *c) {
    return give_int4(c, (int32_t)utf8_count(c->args[0].v->data, c->args[0].v->len));
}

status fn_bpcharlen(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    size_t len = v->len;
    while (len && v->data[len - 1] == ' ') len--;
    return give_int4(c, (int32_t)utf8_count(v->data, len));
}

status fn_textoctetlen(struct fn_call *c) {
    return give_int4(c, (int32_t)c->args[0].v->len);
}

status fn_bit_length(struct fn_call *c) {
    return give_int8(c, (int64_t)c->args[0].v->len * 8);
}

/* ---- joining ---- */

status text_too_large(const struct eval_env *env) {
    return error_set(env->error, ST_PROGRAM_LIMIT_EXCEEDED, "requested length too large");
}

status fn_textcat(struct fn_call *c) {
    const struct varlena *a = c->args[0].v, *b = c->args[1].v;
    if (b->len > VARLENA_MAX - a->len) return text_too_large(c->env);
    struct varlena *v = varlena_new(c->env->arena, (size_t)a->len + b->len);
    if (v && a->len) memcpy(v->data, a->data, a->len);
    if (v && b->len) memcpy(v->data + a->len, b->data, b->len);
    return give_ptr(c, v);
}

/* As a cast to text has it, which may say more than the output: true, an address with its bits. */
static status put_as_text(struct fn_call *c, uint16_t i, struct buf *out) {
    oid type = type_base(c->site->arg_types[i]);
    const struct type *t = type_find(type);
    const struct cast_info *cast = cast_find(type, TEXTOID);
    const struct function *f = cast && cast->method == 'f' ? function_find(cast->function) : NULL;
    if (!t) return STATUS(INTERNAL_ERROR);
    if (!f) return type_output(c->env, t, c->args[i], out);
    uint8_t null = 0;
    bool is_null;
    datum text;
    TRY(function_call_simple(c->env, f, &type, &c->args[i], &null, 1, TEXTOID, &text, &is_null));
    return buf_add(out, text.v->data, text.v->len);
}

/* text || anynonarray and the reverse */
status fn_any_cat(struct fn_call *c) {
    struct buf b = {0};
    status s = put_as_text(c, 0, &b);
    if (ok(s)) s = put_as_text(c, 1, &b);
    return give_buf(c, s, &b);
}

#define REPEATED_AT_ONCE 65536

status fn_repeat(struct fn_call *c) {
    const struct varlena *a = c->args[0].v;
    size_t times = c->args[1].i32 > 0 ? (size_t)c->args[1].i32 : 0;
    if (a->len && times > VARLENA_MAX / a->len) return text_too_large(c->env);
    size_t len = a->len * times, done = len ? a->len : 0;
    struct varlena *v = varlena_new(c->env->arena, len);
    if (v && len) memcpy(v->data, a->data, a->len);
    while (v && done < len) { /* twice as much each time, up to what the cache holds */
        size_t whole = done < REPEATED_AT_ONCE ? done : REPEATED_AT_ONCE / a->len * a->len;
        if (whole == 0) whole = a->len;
        size_t n = whole < len - done ? whole : len - done;
        memcpy(v->data + done, v->data, n);
        done += n;
        TRY(eval_work(c->env, n / COPIED_PER_NS));
    }
    return give_ptr(c, v);
}

/* ---- pieces ---- */

/* substring from character `start` (1-based, may be below 1) over `length` */
static status substring(struct fn_call *c, int64_t start, bool has_length, int64_t length) {
    const struct varlena *v = c->args[0].v;
    if (has_length && length < 0) return substring_negative(c->env);
    int64_t end = has_length ? start + length : INT64_MAX;
    if (start < 1) start = 1;
    if (end <= start) return give_bytes(c, "", 0);
    size_t from = utf8_offset(v->data, v->len, (size_t)(start - 1));
    size_t rest = v->len - from;
    size_t bytes = has_length ? utf8_offset(v->data + from, rest, (size_t)(end - start)) : rest;
    return give_bytes(c, v->data + from, bytes);
}

status fn_text_substr(struct fn_call *c) {
    return substring(c, c->args[1].i32, true, c->args[2].i32);
}
status fn_text_substr_no_len(struct fn_call *c) {
    return substring(c, c->args[1].i32, false, 0);
}

status fn_bytea_substr(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    int64_t start = c->args[1].i32, end = (int64_t)v->len + 1;
    if (c->nargs > 2) {
        if (c->args[2].i32 < 0) return substring_negative(c->env);
        int64_t wanted = start + c->args[2].i32;
        if (wanted < end) end = wanted;
    }
    if (start < 1) start = 1;
    return give_bytes(c, v->data + start - 1, end > start ? (size_t)(end - start) : 0);
}

status fn_text_left(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    int64_t n = c->args[1].i32;
    if (n < 0) n += (int64_t)utf8_count(v->data, v->len);
    return give_bytes(c, v->data, n > 0 ? utf8_offset(v->data, v->len, (size_t)n) : 0);
}

status fn_text_right(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    int64_t n = c->args[1].i32, count = (int64_t)utf8_count(v->data, v->len);
    int64_t skip = n < 0 ? -n : count - n;
    size_t from = skip > 0 ? utf8_offset(v->data, v->len, (size_t)skip) : 0;
    return give_bytes(c, v->data + from, v->len - from);
}

status fn_text_reverse(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    struct varlena *out = varlena_new(c->env->arena, v->len);
    if (!out) return out_of_memory(c->env);
    const char *p = v->data, *end = v->data + v->len;
    char *q = out->data + v->len;
    while (p < end) {
        TRY(eval_work(c->env, CHARACTER_NS));
        size_t n = utf8_len(p, end);
        q -= n;
        memcpy(q, p, n);
        p += n;
    }
    return give_ptr(c, out);
}

static status overlay(struct fn_call *c, int32_t start, int64_t length, bool characters) {
    const struct varlena *v = c->args[0].v, *with = c->args[1].v;
    int64_t after = (int64_t)start + length;
    if (start <= 0) return substring_negative(c->env);
    if (after > INT32_MAX)
        return error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
    size_t head, tail;
    after = after > 1 ? after - 1 : 0;
    if (characters) {
        head = utf8_offset(v->data, v->len, (size_t)(start - 1));
        tail = utf8_offset(v->data, v->len, (size_t)after);
    } else {
        head = (uint64_t)(start - 1) < v->len ? (size_t)(start - 1) : v->len;
        tail = (uint64_t)after < v->len ? (size_t)after : v->len;
    }
    struct buf b = {0};
    status s = buf_add(&b, v->data, head);
    if (ok(s)) s = buf_add(&b, with->data, with->len);
    if (ok(s)) s = buf_add(&b, v->data + tail, v->len - tail);
    return give_buf(c, s, &b);
}

status fn_textoverlay(struct fn_call *c) {
    const struct varlena *with = c->args[1].v;
    bool characters = c->site->function->args[0] != BYTEAOID;
    int64_t length = c->nargs > 3 ? c->args[3].i32
                     : characters ? (int64_t)utf8_count(with->data, with->len)
                                  : (int64_t)with->len;
    return overlay(c, c->args[2].i32, length, characters);
}

/* ---- searching ---- */

static const char *find(const char *p, size_t len, const struct varlena *what) {
    if (!what->len) return p;
    return len ? memmem(p, len, what->data, what->len) : NULL;
}

status fn_textpos(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    const char *at = find(v->data, v->len, c->args[1].v);
    return give_int4(c, at ? (int32_t)utf8_count(v->data, (size_t)(at - v->data)) + 1 : 0);
}

status fn_byteapos(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    const char *at = find(v->data, v->len, c->args[1].v);
    return give_int4(c, at ? (int32_t)(at - v->data) + 1 : 0);
}

status fn_text_starts_with(struct fn_call *c) {
    const struct varlena *v = c->args[0].v, *prefix = c->args[1].v;
    return give_bool(c, prefix->len <= v->len &&
                            (!prefix->len || !memcmp(v->data, prefix->data, prefix->len)));
}

status fn_replace_text(struct fn_call *c) {
    const struct varlena *v = c->args[0].v, *from = c->args[1].v, *to = c->args[2].v;
    if (!from->len) return fn_identity(c);
    const char *p = v->data, *end = v->data + v->len, *at;
    struct buf b = {0};
    status s = OK;
    while (ok(s) && p < end && (at = memmem(p, (size_t)(end - p), from->data, from->len))) {
        s = eval_work(c->env, (size_t)(at - p) + to->len / COPIED_PER_NS + 20);
        if (ok(s)) s = buf_add(&b, p, (size_t)(at - p));
        if (ok(s)) s = buf_add(&b, to->data, to->len);
        p = at + from->len;
    }
    if (ok(s)) s = buf_add(&b, p, (size_t)(end - p));
    return give_buf(c, s, &b);
}

/* split_part(text, separator, n): negative n counts from the end */
status fn_split_part(struct fn_call *c) {
    const struct varlena *v = c->args[0].v, *separator = c->args[1].v;
    int64_t wanted = c->args[2].i32;
    if (wanted == 0)
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                         "field position must not be zero");
    if (!separator->len) {
        if (wanted == 1 || wanted == -1) return fn_identity(c);
        return give_bytes(c, "", 0);
    }
    const char *end = v->data + v->len, *at;
    if (wanted < 0) {
        int64_t fields = 1;
        for (const char *p = v->data; p < end && (at = find(p, (size_t)(end - p), separator));
             p = at + separator->len)
            fields++;
        wanted += fields + 1;
        if (wanted < 1) return give_bytes(c, "", 0);
    }
    const char *p = v->data;
    for (int64_t field = 1;; field++) {
        at = p < end ? find(p, (size_t)(end - p), separator) : NULL;
        if (field == wanted) return give_bytes(c, p, (size_t)((at ? at : end) - p));
        if (!at) return give_bytes(c, "", 0);
        p = at + separator->len;
    }
}

/* translate(text, from, to): character by character; those without a partner vanish */
status fn_translate(struct fn_call *c) {
    const struct varlena *v = c->args[0].v, *from = c->args[1].v, *to = c->args[2].v;
    const char *p = v->data, *end = v->data + v->len;
    struct buf b = {0};
    status s = OK;
    while (ok(s) && p < end) {
        size_t n = utf8_len(p, end);
        const char *f = from->data, *f_end = f + from->len, *t = to->data, *t_end = t + to->len;
        bool found = false;
        s = eval_work(c->env, (from->len + 1) * CHARACTER_NS);
        while (ok(s) && f < f_end && !found) {
            size_t m = utf8_len(f, f_end), k = t < t_end ? utf8_len(t, t_end) : 0;
            found = m == n && !memcmp(f, p, n);
            if (found) s = buf_add(&b, t, k);
            f += m;
            t += k;
        }
        if (!found && ok(s)) s = buf_add(&b, p, n);
        p += n;
    }
    return give_buf(c, s, &b);
}

/* ---- case: towupper and towlower know the whole of Unicode in a UTF-8 locale; the process sets
 * LC_CTYPE to C.UTF-8 when it starts, and without it only ASCII changes ---- */

enum letter_case { CASE_LOWER, CASE_UPPER, CASE_TITLE };

static status change_case(struct fn_call *c, enum letter_case wanted) {
    const struct varlena *v = c->args[0].v;
    struct varlena *out = varlena_new(c->env->arena, (size_t)v->len * 2);
    if (!out) return out_of_memory(c->env);
    const char *p = v->data, *end = v->data + v->len;
    char *q = out->data;
    bool in_word = false;
    while (p < end) {
        TRY(eval_work(c->env, CHARACTER_NS));
        bool upper = wanted == CASE_UPPER || (wanted == CASE_TITLE && !in_word);
        if (!(*p & 0x80)) {
            in_word = is_letter(*p) || is_digit(*p);
            *q++ = upper ? upper_ascii(*p) : lower_ascii(*p);
            p++;
            continue;
        }
        size_t n;
        uint32_t letter = utf8_decode(p, end, &n);
        in_word = iswalnum(letter);
        uint32_t changed = (uint32_t)(upper ? towupper(letter) : towlower(letter));
        char bytes[4];
        size_t m = n > 1 ? utf8_encode(changed, bytes) : 0;
        if (m && m <= n * 2)
            memcpy(q, bytes, m);
        else
            memcpy(q, p, m = n);
        q += m;
        p += n;
    }
    out->len = (uint32_t)(q - out->data);
    return give_ptr(c, out);
}

status fn_lower(struct fn_call *c) {
    return change_case(c, CASE_LOWER);
}
status fn_upper(struct fn_call *c) {
    return change_case(c, CASE_UPPER);
}
status fn_initcap(struct fn_call *c) {
    return change_case(c, CASE_TITLE);
}

/* ---- characters as numbers ---- */

status fn_ascii(struct fn_call *c) {
    const struct varlena *v = c->args[0].v;
    size_t n;
    return give_int4(c, v->len ? (int32_t)utf8_decode(v->data, v->data + v->len, &n) : 0);
}

status fn_chr(struct fn_call *c) {
    int32_t code = c->args[0].i32;
    char bytes[4];
    if (code == 0)
        return error_set(c->env->error, ST_PROGRAM_LIMIT_EXCEEDED, "null character not permitted");
    if (code < 0)
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                         "character number must be positive");
    size_t n = utf8_encode((uint32_t)code, bytes);
    if (!n && code > 0x10FFFF)
        return error_set(c->env->error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "requested character too large for encoding: %d", code);
    if (!n)
        return error_set(c->env->error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "requested character not valid for encoding: %d", code);
    return give_bytes(c, bytes, n);
}
