/* Small things every family uses: messages, white space, UTF-8, hashing, key pieces. */
#include "types/internal.h"

status eval_turn(const struct eval_env *env) {
    struct session_env *s = env->session;
    s->work_ns = 0;
    return s->turn ? s->turn(s, env->error) : OK;
}

status bad_input(const struct eval_env *env, const char *type_name, const char *text, size_t len) {
    return error_set(env->error, ST_INVALID_TEXT_REPRESENTATION,
                     "invalid input syntax for type %s: \"%.*s\"", type_name,
                     (int)(len > 500 ? 500 : len), text);
}

status bad_range(const struct eval_env *env, const char *type_name, const char *text, size_t len) {
    return error_set(env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE,
                     "value \"%.*s\" is out of range for type %s", (int)(len > 500 ? 500 : len),
                     text, type_name);
}

status bad_binary(const struct eval_env *env, const char *type_name) {
    return error_set(env->error, ST_INVALID_BINARY_REPRESENTATION,
                     "incorrect binary data format for type %s", type_name);
}

status binary_length(const struct eval_env *env, size_t len, size_t wanted) {
    if (len == wanted) return OK;
    return len < wanted
               ? error_set(env->error, ST_PROTOCOL_VIOLATION, "insufficient data left in message")
               : error_set(env->error, ST_INVALID_BINARY_REPRESENTATION, TYPE_BINARY_TOO_LONG);
}

status division_by_zero(const struct eval_env *env) {
    return error_set(env->error, ST_DIVISION_BY_ZERO, "division by zero");
}

void trim_space(const char **text, size_t *len) {
    while (*len && is_space(**text)) {
        (*text)++;
        (*len)--;
    }
    while (*len && is_space((*text)[*len - 1])) (*len)--;
}

bool same_word(const char *a, size_t a_len, const char *b) {
    size_t i = 0;
    for (; i < a_len && b[i]; i++)
        if (lower_ascii(a[i]) != lower_ascii(b[i])) return false;
    return i == a_len && !b[i];
}

status give_string(struct fn_call *c, const char *s) {
    return s ? give_bytes(c, s, strlen(s)) : out_of_memory(c->env);
}

#define COPIED_AT_ONCE 262144

static status give_copy(struct fn_call *c, const char *bytes, size_t len) {
    if (len > VARLENA_MAX) return STATUS(PROGRAM_LIMIT_EXCEEDED);
    struct varlena *v = varlena_new(c->env->arena, len);
    for (size_t at = 0; v && at < len;) {
        size_t n = len - at < COPIED_AT_ONCE ? len - at : COPIED_AT_ONCE;
        memcpy(v->data + at, bytes + at, n);
        at += n;
        TRY(eval_work(c->env, n / COPIED_PER_NS));
    }
    return give_ptr(c, v);
}

status give_buf(struct fn_call *c, status s, struct buf *b) {
    if (ok(s)) s = give_copy(c, b->data, b->len);
    buf_free(b);
    bool wordless = status_is(s, ST_OUT_OF_MEMORY) || status_is(s, ST_PROGRAM_LIMIT_EXCEEDED);
    return wordless ? error_from_status(c->env->error, s) : s;
}

/* Multiply-and-fold over 8-byte words (in the manner of wyhash); not seeded, never stored. */
uint64_t hash_bytes(const void *bytes, size_t len) {
    const char *p = bytes;
    uint64_t h = 0x9E3779B97F4A7C15u ^ len;
    for (; len >= 8; p += 8, len -= 8) {
        unsigned __int128 product = (unsigned __int128)(h ^ load_le64(p)) * 0xA0761D6478BD642Fu;
        h = (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    uint64_t tail = 0;
    if (len) memcpy(&tail, p, len);
    return hash_u64(h ^ tail * 0xE7037ED1A0B428DBu);
}

status key_add_int(struct buf *out, int64_t value, unsigned bytes) {
    uint64_t flipped = (uint64_t)value ^ (uint64_t)1 << (bytes * 8 - 1);
    char big[8];
    store_be64(big, flipped);
    return buf_add(out, big + 8 - bytes, bytes);
}

status key_add_escaped(struct buf *out, const char *bytes, size_t len) {
    TRY(buf_reserve(out, len + 2));
    size_t start = 0;
    while (start < len) {
        const char *zero = memchr(bytes + start, 0, len - start);
        size_t run = zero ? (size_t)(zero - bytes) - start : len - start;
        TRY(buf_add(out, bytes + start, run));
        if (zero) TRY(buf_add(out, "\0\xFF", 2));
        start += run + (zero != NULL);
    }
    return buf_add(out, "\0\0", 2);
}

size_t key_escaped_len(const uint8_t *bytes, size_t len, bool inverted) {
    uint8_t flip = inverted ? 0xFF : 0;
    for (size_t i = 0; i + 1 < len; i++) {
        if ((bytes[i] ^ flip) != 0) continue;
        uint8_t next = bytes[i + 1] ^ flip;
        if (next == 0) return i + 2;
        if (next != 0xFF) return 0;
        i++;
    }
    return 0;
}

#define KEY_LEN(n)                                                                                 \
    size_t key_len_##n(const struct type *, const uint8_t *, size_t len, bool) {                   \
        return len >= n ? n : 0;                                                                   \
    }
KEY_LEN(1)
KEY_LEN(2)
KEY_LEN(4)
KEY_LEN(6)
KEY_LEN(8)
KEY_LEN(16)

size_t key_len_escaped(const struct type *, const uint8_t *bytes, size_t len, bool inverted) {
    return key_escaped_len(bytes, len, inverted);
}

/* The character's length if it is well-formed (no overlong forms, surrogates, or beyond 10FFFF);
 * 0 otherwise. */
static size_t utf8_valid_len(const unsigned char *p, const unsigned char *end) {
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xC2 ? 0
               : p[0] < 0xE0 ? 2
               : p[0] < 0xF0 ? 3
               : p[0] < 0xF5 ? 4
                             : 0;
    if (!n || (size_t)(end - p) < n) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    if (p[0] == 0xE0 && p[1] < 0xA0) return 0;
    if (p[0] == 0xED && p[1] > 0x9F) return 0;
    if (p[0] == 0xF0 && p[1] < 0x90) return 0;
    if (p[0] == 0xF4 && p[1] > 0x8F) return 0;
    return n;
}

size_t utf8_len(const char *p, const char *end) {
    size_t n = utf8_valid_len((const unsigned char *)p, (const unsigned char *)end);
    return n ? n : 1;
}

#define HIGH_BITS 0x8080808080808080u

#define SEEN_AT_ONCE 65536

status utf8_plain(const struct eval_env *env, const char *p, size_t len, bool *ret) {
    uint64_t seen = 0;
    for (size_t at = 0; at < len && !seen;) {
        size_t end = len - at < SEEN_AT_ONCE ? len : at + SEEN_AT_ONCE, begin = at;
        for (; end - at >= 8; at += 8) seen |= load_le64(p + at) & HIGH_BITS;
        for (; at < end; at++) seen |= (uint8_t)p[at] & 0x80;
        TRY(eval_work(env, (end - begin) / SEEN_PER_NS));
    }
    *ret = !seen;
    return OK;
}

size_t utf8_count(const char *p, size_t len) {
    const char *begin = p, *end = p + len;
    while (end - p >= 8 && !(load_le64(p) & HIGH_BITS)) p += 8;
    size_t n = (size_t)(p - begin);
    for (; p < end; n++) p += (*p & 0x80) ? utf8_len(p, end) : 1;
    return n;
}

size_t utf8_offset(const char *p, size_t len, size_t chars) {
    const char *q = p, *end = p + len;
    while (chars-- && q < end) q += utf8_len(q, end);
    return (size_t)(q - p);
}

uint32_t utf8_decode(const char *p, const char *end, size_t *ret_len) {
    const unsigned char *u = (const unsigned char *)p;
    size_t n = utf8_len(p, end);
    *ret_len = n;
    switch (n) {
    case 2: return (u[0] & 0x1Fu) << 6 | (u[1] & 0x3Fu);
    case 3: return (u[0] & 0x0Fu) << 12 | (u[1] & 0x3Fu) << 6 | (u[2] & 0x3Fu);
    case 4:
        return (u[0] & 0x07u) << 18 | (u[1] & 0x3Fu) << 12 | (u[2] & 0x3Fu) << 6 | (u[3] & 0x3Fu);
    default: return u[0];
    }
}

size_t utf8_encode(uint32_t c, char out[4]) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c >= 0xD800 && c <= 0xDFFF) return 0;
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    if (c > 0x10FFFF) return 0;
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* Eight bytes, none of them zero: a carry from below cannot make one look whole that is not. */
static bool all_ascii(uint64_t bytes) {
    return !((bytes | (bytes - HIGH_BITS / 128)) & HIGH_BITS);
}

size_t utf8_check(const char *p, size_t len) {
    const char *q = p, *end = p + len;
    while (q < end) {
        while (end - q >= 8 && all_ascii(load_le64(q))) q += 8;
        if (q == end) break;
        if (!(*q & 0x80) && *q) {
            q++;
            continue;
        }
        size_t n = *q ? utf8_valid_len((const unsigned char *)q, (const unsigned char *)end) : 0;
        if (!n) break;
        q += n;
    }
    return (size_t)(q - p);
}
