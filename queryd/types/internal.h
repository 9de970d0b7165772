/* internal.h: what the files of this folder share and nobody else sees. */
#ifndef TYPES_INTERNAL_H
#define TYPES_INTERNAL_H

#include "base/bytes.h"
#include "base/check.h"
#include "types/function.h"
#include "types/type.h"

/* Each family's table, defined in the file of its trade. */
#define FAMILY(name) extern const struct type_family family_##name;
#include "types/family.def"
#undef FAMILY

/* Bodies named by functions.def. */
#define X(id, name, body, vector, result, strict, set, volatility, kind, variadic, ndefaults,      \
          nargs, ...)                                                                              \
    fn_scalar body;                                                                                \
    fn_vector vector;
#define NONE fn_none
#include "types/functions.def"
#undef NONE
#undef X
/* The body of listed functions that another part registers: refuses with 0A000. */
fn_scalar fn_none;

static inline status out_of_memory(const struct eval_env *env) {
    return error_set(env->error, ST_OUT_OF_MEMORY, "out of memory");
}

/* invalid input syntax for type integer: "x" */
status bad_input(const struct eval_env *env, const char *type_name, const char *text, size_t len);
/* value "x" is out of range for type integer */
status bad_range(const struct eval_env *env, const char *type_name, const char *text, size_t len);
/* A message of the protocol's binary form has the wrong length or content. */
status bad_binary(const struct eval_env *env, const char *type_name);
/* Of a value whose binary form has just that many bytes: 08P01, 22P03. */
status binary_length(const struct eval_env *env, size_t len, size_t wanted);
status division_by_zero(const struct eval_env *env);
/* datetime.c: the modifier of a type of moments: a precision above what there is is that one, with
 * a warning; 22023 below 0. name, after: "TIMESTAMP", " WITH TIME ZONE". */
status precision_of(const struct eval_env *env, const char *name, const char *after,
                    int32_t precision, int32_t *ret);

static inline bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
static inline bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline char lower_ascii(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline char upper_ascii(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}
/* Without the white space at both ends. */
void trim_space(const char **text, size_t *len);
/* 22011, of text and of bits. */
static inline status substring_negative(const struct eval_env *env) {
    return error_set(env->error, ST_SUBSTRING_ERROR, "negative substring length not allowed");
}
/* Both NUL-free; case-insensitive for ASCII. */
bool same_word(const char *a, size_t a_len, const char *b);

/* ---- function bodies ---- */

static inline status give_bool(struct fn_call *c, bool x) {
    c->result = datum_bool(x);
    return OK;
}
static inline status give_int4(struct fn_call *c, int32_t x) {
    c->result = datum_int4(x);
    return OK;
}
static inline status give_int8(struct fn_call *c, int64_t x) {
    c->result = datum_int8(x);
    return OK;
}
/* generic_fn.c: a hash with the seed that is the second argument. */
status give_hash_extended(struct fn_call *c, uint64_t h);
static inline status give_null(struct fn_call *c) {
    c->is_null = true;
    return OK;
}
static inline status give_ptr(struct fn_call *c, const void *p) {
    if (!p) return out_of_memory(c->env);
    c->result = datum_ptr(p);
    return OK;
}
static inline status give_bytes(struct fn_call *c, const void *bytes, size_t len) {
    return give_ptr(c, varlena_from(c->env->arena, bytes, len));
}
status give_string(struct fn_call *c, const char *s);
/* Moves a heap buffer's bytes into a varlena and frees the buffer, whatever `s` is. */
status give_buf(struct fn_call *c, status s, struct buf *b);

/* ---- hashing ---- */
uint64_t hash_bytes(const void *bytes, size_t len);
static inline uint64_t hash_u64(uint64_t x) {
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    return x ^ x >> 32;
}

/* For eval_work: bytes that are copied, into memory that is new, or looked through. */
#define COPIED_PER_NS 2
#define SEEN_PER_NS 8

/* ---- keys: shared by the families ---- */
status key_add_int(struct buf *out, int64_t value,
                   unsigned bytes); /* signed, big-endian, flipped */
status key_add_escaped(struct buf *out, const char *bytes, size_t len);
size_t key_escaped_len(const uint8_t *bytes, size_t len, bool inverted);
/* Key lengths for families of constant size. */
type_key_len_fn key_len_1, key_len_2, key_len_4, key_len_6, key_len_8, key_len_16, key_len_escaped;

/* ---- values inside of arrays and rows; types are those below domains ---- */
size_t element_bytes(const struct type *t, datum value);
char *element_put(char *p, const struct type *t, datum value);
/* False: the bytes end too early. scratch: NAME_BYTES for values of fixed length by pointer. */
bool element_get(const char **p, const char *end, const struct type *t, char *scratch, datum *ret);
/* Whether a value that was read is one of its type. */
bool element_valid(const struct type *t, datum value);

/* Of the family record, in record_io.c. */
type_in_fn record_in;
type_out_fn record_out;
type_receive_fn record_receive;
type_send_fn record_send;

/* ---- UTF-8 ---- */
/* Every byte is a character. Lets others run. */
status utf8_plain(const struct eval_env *env, const char *p, size_t len, bool *ret);
/* Bytes of the character at p (1 for a broken one). */
size_t utf8_len(const char *p, const char *end);
size_t utf8_count(const char *p, size_t len);
/* Offset in bytes of the character with this number (0-based), len when beyond the end. */
size_t utf8_offset(const char *p, size_t len, size_t chars);
uint32_t utf8_decode(const char *p, const char *end, size_t *ret_len);
size_t utf8_encode(uint32_t c, char out[4]); /* 0: not a character */
/* Offset of the first broken byte, len when all is well. */
size_t utf8_check(const char *p, size_t len);

/* Shortest text that reads back as the same number, laid out as PostgreSQL does; out has 32 bytes.
 * Returns the length. */
size_t float8_format(double x, int extra_digits, char *out);
size_t float4_format(float x, int extra_digits, char *out);
status float8_parse(const struct eval_env *env, const char *text, size_t len, double *ret);

/* Digits with PostgreSQL's rules; type_name for the messages. */
status int_parse(const struct eval_env *env, const char *text, size_t len, int64_t min, int64_t max,
                 const char *type_name, int64_t *ret);
size_t int_format(int64_t x, char out[24]);

/* quote_ident as PostgreSQL: quoted unless it is a plain lower-case name and no keyword. */
status quote_identifier(struct buf *out, const char *name, size_t len);
status quote_literal(struct buf *out, const char *text, size_t len);

/* What functions of text ask of eval_work for looking at one character, or a little more. */
#define CHARACTER_NS 3
/* text_fn.c: 54000 */
status text_too_large(const struct eval_env *env);

#endif
