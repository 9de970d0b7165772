/* datum.h: one SQL value in 8 bytes, and a column vector of them.
 *
 * Types of a fixed length of at most 8 bytes are held by value; all others by a pointer into an
 * arena: `struct varlena` for variable length, the bare bytes for fixed lengths (interval, uuid,
 * name, timetz), a NUL-terminated string for cstring and unknown. Rows are of variable length
 * (record.h).
 * A datum does not know its type nor whether it is null; whoever holds it does.
 *
 * By-value makers fill all 64 bits: types of 1, 2 and 4 bytes are sign-extended (oid and its like
 * too, so that int4 and oid are one representation), bool and float4 zero-extended. So two equal
 * by-value datums of one type have equal bits, -0 and NaN excepted. */
#ifndef TYPES_DATUM_H
#define TYPES_DATUM_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/status.h"

typedef uint32_t oid; /* PostgreSQL's object identifier; 0 is none */

struct varlena;
struct interval;

typedef union datum {
    int64_t
        i64; /* int8, money, timestamp, timestamptz, time: microseconds (PostgreSQL's epoch 2000) */
    uint64_t u64; /* also tid: block << 16 | offset; macaddr, macaddr8: macaddr.h */
    int32_t i32;  /* int4; date: days since 2000-01-01 */
    uint32_t u32; /* oid, xid, cid, reg… */
    int16_t i16;
    int8_t i8; /* "char" */
    bool b;
    double f8;
    float f4;
    const void *p;
    const struct varlena *v;
    const struct interval *interval;
    const char *s; /* cstring, unknown, name */
} datum;
static_assert(sizeof(datum) == 8, "a datum is 8 bytes");

/* Variable length: text, varchar, bpchar, bytea, numeric, arrays, json … */
struct varlena {
    uint32_t len; /* payload bytes */
    char data[];
};

struct interval {
    int64_t time_us;
    int32_t days;
    int32_t months;
};

struct timetz {
    int64_t time_us;
    int32_t zone_s; /* seconds west of Greenwich, as PostgreSQL stores it */
    int32_t unused; /* 0; keeps the comparison of bytes defined */
};

#define NAME_BYTES 64                /* a name: 64 bytes, NUL-padded, at most 63 used */
#define VARLENA_MAX ((1u << 30) - 5) /* bytes: the largest value, as PostgreSQL's below 1 GB */

#define BATCH_ROWS 1024

/* A column of a batch; both arrays have room for BATCH_ROWS and are never NULL. */
struct vec {
    datum *values;
    uint8_t *nulls; /* 0 or 1 */
};

static inline datum datum_bool(bool x) {
    return (datum){.u64 = x};
}
static inline datum datum_int2(int16_t x) {
    return (datum){.i64 = x};
}
static inline datum datum_int4(int32_t x) {
    return (datum){.i64 = x};
}
static inline datum datum_int8(int64_t x) {
    return (datum){.i64 = x};
}
static inline datum datum_char(int8_t x) {
    return (datum){.i64 = x};
}
static inline datum datum_oid(oid x) {
    return (datum){.i64 = (int32_t)x};
}
static inline datum datum_float4(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (datum){.u64 = bits};
}
static inline datum datum_float8(double x) {
    return (datum){.f8 = x};
}
static inline datum datum_ptr(const void *p) {
    return (datum){.p = p};
}

/* A varlena of `len` payload bytes, uninitialised; NULL when the arena is exhausted or the length
 * is above VARLENA_MAX. */
static inline struct varlena *varlena_new(struct arena *a, size_t len) {
    if (len > VARLENA_MAX) return NULL;
    struct varlena *v = arena_alloc(a, sizeof *v + len);
    if (v) v->len = (uint32_t)len;
    return v;
}

static inline struct varlena *varlena_from(struct arena *a, const void *bytes, size_t len) {
    struct varlena *v = varlena_new(a, len);
    if (v && len) memcpy(v->data, bytes, len);
    return v;
}

#endif
