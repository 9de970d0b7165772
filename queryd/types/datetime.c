/* The text of dates and times, and their families but interval's. */
#include "types/datetime.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- messages ---- */

status stamp_out_of_range(const struct eval_env *env) {
    return error_set(env->error, ST_DATETIME_FIELD_OVERFLOW, "timestamp out of range");
}
status date_out_of_range(const struct eval_env *env) {
    return error_set(env->error, ST_DATETIME_FIELD_OVERFLOW, "date out of range");
}
status interval_out_of_range(const struct eval_env *env) {
    return error_set(env->error, ST_DATETIME_FIELD_OVERFLOW, "interval out of range");
}

status find_zone(const struct eval_env *env, const char *name, size_t len, const struct tz **ret) {
    char *copy = arena_strndup(env->arena, name, len);
    if (!copy) return out_of_memory(env);
    struct tz_abbreviation a;
    if (tz_abbreviation(copy, &a)) {
        *ret = a.zone;
        if (!a.zone && !ok(tz_find_offset(a.offset_s, ret))) return out_of_memory(env);
        return OK;
    }
    if (!ok(tz_find(copy, ret)))
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE, "time zone \"%s\" not recognized",
                         copy);
    return OK;
}

/* ---- text ---- */

static char *put_2(char *p, int32_t x) {
    p[0] = (char)('0' + x / 10 % 10);
    p[1] = (char)('0' + x % 10);
    return p + 2;
}

static char *put_date(char *p, const struct civil *c) {
    int64_t year = c->year > 0 ? c->year : 1 - c->year;
    char digits[24];
    size_t n = int_format(year, digits);
    for (size_t i = n; i < 4; i++) *p++ = '0';
    memcpy(p, digits, n);
    p += n;
    *p++ = '-';
    p = put_2(p, c->month);
    *p++ = '-';
    return put_2(p, c->day);
}

static char *put_time(char *p, const struct civil *c) {
    p = put_2(p, c->hour);
    *p++ = ':';
    p = put_2(p, c->minute);
    *p++ = ':';
    p = put_2(p, c->second);
    if (!c->us) return p;
    *p++ = '.';
    int32_t rest = c->us;
    for (int32_t unit = 100000; rest; unit /= 10) {
        *p++ = (char)('0' + rest / unit);
        rest %= unit;
    }
    return p;
}

static char *put_offset(char *p, int32_t offset_s) {
    int32_t rest = abs(offset_s);
    *p++ = offset_s < 0 ? '-' : '+';
    p = rest < 100 * 3600 ? put_2(p, rest / 3600) : p + int_format(rest / 3600, p);
    if (rest % 3600 == 0) return p;
    *p++ = ':';
    p = put_2(p, rest / 60 % 60);
    if (rest % 60 == 0) return p;
    *p++ = ':';
    return put_2(p, rest % 60);
}

#define TEXT_ROOM 80

static status finish(struct buf *out, char *p, bool before_christ) {
    if (before_christ) {
        memcpy(p, " BC", 3);
        p += 3;
    }
    out->len = (size_t)(p - out->data);
    return OK;
}

status date_format(int32_t date, struct buf *out) {
    struct civil c;
    if (!date_finite(date)) return buf_add_str(out, date == DATE_MAX ? "infinity" : "-infinity");
    TRY(buf_reserve(out, TEXT_ROOM));
    date_from_days(date, &c);
    return finish(out, put_date(out->data + out->len, &c), c.year <= 0);
}

status time_format(int64_t us, struct buf *out) {
    struct civil c;
    TRY(buf_reserve(out, TEXT_ROOM));
    time_from_us(us, &c);
    return finish(out, put_time(out->data + out->len, &c), false);
}

status offset_format(int32_t offset_s, struct buf *out) {
    TRY(buf_reserve(out, TEXT_ROOM));
    return finish(out, put_offset(out->data + out->len, offset_s), false);
}

status stamp_format(int64_t t, const struct tz *zone, struct buf *out) {
    struct civil c;
    if (!stamp_finite(t)) return buf_add_str(out, t == STAMP_MAX ? "infinity" : "-infinity");
    TRY(buf_reserve(out, TEXT_ROOM));
    civil_from_stamp(t, zone, &c);
    char *p = put_date(out->data + out->len, &c);
    *p++ = ' ';
    p = put_time(p, &c);
    if (zone) p = put_offset(p, c.offset_s);
    return finish(out, p, c.year <= 0);
}

/* ---- shared by the families ---- */

#define PRECISION_MAX 6

status precision_of(const struct eval_env *env, const char *name, const char *after,
                    int32_t precision, int32_t *ret) {
    char words[128];
    if (precision < 0)
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                         "%s(%d)%s precision must not be negative", name, precision, after);
    *ret = precision;
    if (precision <= PRECISION_MAX) return OK;
    *ret = PRECISION_MAX;
    if (!env->session || !env->session->warn) return OK;
    snprintf(words, sizeof words, "%s(%d)%s precision reduced to maximum allowed, %d", name,
             precision, after, PRECISION_MAX);
    env->session->warned = true;
    env->session->warn(env->session, status_sqlstate(STATUS(INVALID_PARAMETER_VALUE)), words);
    return OK;
}

static status precision_typmod_in(const struct eval_env *env, const struct type *t,
                                  const int32_t *values, size_t n, int32_t *ret) {
    bool with_zone = t->oid == TIMESTAMPTZOID || t->oid == TIMETZOID;
    bool is_time = t->oid == TIMEOID || t->oid == TIMETZOID;
    if (n != 1) return error_set(env->error, ST_INVALID_PARAMETER_VALUE, "invalid type modifier");
    return precision_of(env, is_time ? "TIME" : "TIMESTAMP", with_zone ? " WITH TIME ZONE" : "",
                        values[0], ret);
}

static status precision_typmod_out(const struct type *, int32_t typmod, struct buf *out) {
    return typmod >= 0 ? buf_printf(out, "(%d)", typmod) : OK;
}

static int int_compare(const struct type *, datum a, datum b) {
    return (a.i64 > b.i64) - (a.i64 < b.i64);
}

static uint64_t int_hash(const struct type *, datum value) {
    return hash_u64(value.u64);
}

static status key_4(const struct type *, datum value, struct buf *out) {
    return key_add_int(out, value.i64, 4);
}
static status key_8(const struct type *, datum value, struct buf *out) {
    return key_add_int(out, value.i64, 8);
}

static status send_8(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    char big[8];
    store_be64(big, value.u64);
    return buf_add(out, big, sizeof big);
}

/* ---- date ---- */

/* Dates as they mostly come: 1999-01-08. */
static bool plain_date(const char *p, size_t len, struct civil *ret) {
    if (len != 10 || p[4] != '-' || p[7] != '-') return false;
    for (size_t i = 0; i < len; i++)
        if (i != 4 && i != 7 && !is_digit(p[i])) return false;
    ret->year = (p[0] - '0') * 1000 + (p[1] - '0') * 100 + (p[2] - '0') * 10 + p[3] - '0';
    ret->month = (p[5] - '0') * 10 + p[6] - '0';
    ret->day = (p[8] - '0') * 10 + p[9] - '0';
    return ret->year > 0 && ret->month >= 1 && ret->month <= 12 && ret->day >= 1 &&
           ret->day <= days_in_month(ret->year, ret->month);
}

static status date_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                      size_t len, datum *ret) {
    struct moment m = {0};
    if (!plain_date(text, len, &m.civil)) TRY(datetime_parse(env, "date", text, len, &m));
    if (m.kind != MOMENT_CIVIL) {
        *ret = datum_int4(m.kind == MOMENT_EPOCH      ? -EPOCH_UNIX_DAYS
                          : m.kind == MOMENT_INFINITY ? DATE_MAX
                                                      : DATE_MIN);
        return OK;
    }
    int64_t days = m.civil.year > 5900000
                       ? INT64_MAX
                       : days_from_date(m.civil.year, m.civil.month, m.civil.day);
    if (days < DATE_FIRST || days > DATE_LAST)
        return error_set(env->error, ST_DATETIME_FIELD_OVERFLOW, "date out of range: \"%.*s\"",
                         (int)len, text);
    *ret = datum_int4((int32_t)days);
    return OK;
}

static status date_out(const struct eval_env *env, const struct type *, datum value,
                       struct buf *out) {
    return date_format_style(env->session, value.i32, out);
}

static status date_receive(const struct eval_env *env, const struct type *, int32_t,
                           const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 4));
    int32_t days = (int32_t)load_be32(bytes);
    if (date_finite(days) && (days < DATE_FIRST || days > DATE_LAST)) return date_out_of_range(env);
    *ret = datum_int4(days);
    return OK;
}

static status date_send(const struct eval_env *, const struct type *, datum value,
                        struct buf *out) {
    char big[4];
    store_be32(big, value.u32);
    return buf_add(out, big, sizeof big);
}

const struct type_family family_date = {.in = date_in,
                                        .out = date_out,
                                        .receive = date_receive,
                                        .send = date_send,
                                        .compare = int_compare,
                                        .hash = int_hash,
                                        .key = key_4,
                                        .key_len = key_len_4};

/* ---- timestamp, timestamptz ---- */

static const struct tz *zone_for(const struct eval_env *env, const struct type *t) {
    return t->oid == TIMESTAMPTZOID ? env->session->time_zone : NULL;
}

static status stamp_in(const struct eval_env *env, const struct type *t, int32_t typmod,
                       const char *text, size_t len, datum *ret) {
    struct moment m;
    const struct tz *zone = zone_for(env, t);
    int64_t stamp;
    TRY(datetime_parse(env, zone ? "timestamp with time zone" : "timestamp", text, len, &m));
    if (m.kind != MOMENT_CIVIL) {
        *ret = datum_int8(m.kind == MOMENT_EPOCH      ? -EPOCH_UNIX_SECONDS * US_PER_SECOND
                          : m.kind == MOMENT_INFINITY ? STAMP_MAX
                                                      : STAMP_MIN);
        return OK;
    }
    bool good = stamp_from_offset(&m.civil, zone ? m.civil.offset_s : 0, &stamp);
    if (!good)
        return error_set(env->error, ST_DATETIME_FIELD_OVERFLOW, "timestamp out of range: \"%.*s\"",
                         (int)len, text);
    *ret = datum_int8(round_us(stamp, typmod));
    return OK;
}

static status stamp_out(const struct eval_env *env, const struct type *t, datum value,
                        struct buf *out) {
    return stamp_format_style(env->session, value.i64, zone_for(env, t), out);
}

static status stamp_receive(const struct eval_env *env, const struct type *, int32_t typmod,
                            const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 8));
    int64_t t = (int64_t)load_be64(bytes);
    if (stamp_finite(t) && !stamp_in_range(t)) return stamp_out_of_range(env);
    *ret = datum_int8(stamp_finite(t) ? round_us(t, typmod) : t);
    return OK;
}

static status stamp_apply_typmod(const struct eval_env *, const struct type *, datum value,
                                 int32_t typmod, bool, datum *ret) {
    *ret = stamp_finite(value.i64) ? datum_int8(round_us(value.i64, typmod)) : value;
    return OK;
}

const struct type_family family_timestamp = {.in = stamp_in,
                                             .out = stamp_out,
                                             .receive = stamp_receive,
                                             .send = send_8,
                                             .compare = int_compare,
                                             .hash = int_hash,
                                             .key = key_8,
                                             .key_len = key_len_8,
                                             .apply_typmod = stamp_apply_typmod,
                                             .typmod_in = precision_typmod_in,
                                             .typmod_out = precision_typmod_out};
const struct type_family family_timestamptz = {.in = stamp_in,
                                               .out = stamp_out,
                                               .receive = stamp_receive,
                                               .send = send_8,
                                               .compare = int_compare,
                                               .hash = int_hash,
                                               .key = key_8,
                                               .key_len = key_len_8,
                                               .apply_typmod = stamp_apply_typmod,
                                               .typmod_in = precision_typmod_in,
                                               .typmod_out = precision_typmod_out};

/* ---- time ---- */

static status time_in(const struct eval_env *env, const struct type *, int32_t typmod,
                      const char *text, size_t len, datum *ret) {
    struct moment m;
    TRY(datetime_parse(env, "time", text, len, &m));
    *ret = datum_int8(round_us(us_of_time(&m.civil), typmod));
    return OK;
}

static status time_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    return time_format(value.i64, out);
}

static status time_receive(const struct eval_env *env, const struct type *, int32_t typmod,
                           const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 8));
    int64_t us = (int64_t)load_be64(bytes);
    if (us < 0 || us > US_PER_DAY)
        return error_set(env->error, ST_DATETIME_FIELD_OVERFLOW, "time out of range");
    *ret = datum_int8(round_us(us, typmod));
    return OK;
}

static status time_apply_typmod(const struct eval_env *, const struct type *, datum value,
                                int32_t typmod, bool, datum *ret) {
    *ret = datum_int8(round_us(value.i64, typmod));
    return OK;
}

const struct type_family family_time = {.in = time_in,
                                        .out = time_out,
                                        .receive = time_receive,
                                        .send = send_8,
                                        .compare = int_compare,
                                        .hash = int_hash,
                                        .key = key_8,
                                        .key_len = key_len_8,
                                        .apply_typmod = time_apply_typmod,
                                        .typmod_in = precision_typmod_in,
                                        .typmod_out = precision_typmod_out};

/* ---- timetz: time and zone, ordered by the instant, then by the zone ---- */

static status new_timetz(const struct eval_env *env, int64_t us, int32_t west_s, datum *ret) {
    struct timetz *t = arena_alloc(env->arena, sizeof *t);
    if (!t) return out_of_memory(env);
    *t = (struct timetz){.time_us = us, .zone_s = west_s};
    *ret = datum_ptr(t);
    return OK;
}

static status timetz_in(const struct eval_env *env, const struct type *, int32_t typmod,
                        const char *text, size_t len, datum *ret) {
    struct moment m;
    TRY(datetime_parse(env, "time with time zone", text, len, &m));
    return new_timetz(env, round_us(us_of_time(&m.civil), typmod), -m.civil.offset_s, ret);
}

static status timetz_out(const struct eval_env *, const struct type *, datum value,
                         struct buf *out) {
    const struct timetz *t = value.p;
    TRY(time_format(t->time_us, out));
    return offset_format(-t->zone_s, out);
}

static status timetz_receive(const struct eval_env *env, const struct type *, int32_t typmod,
                             const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 12));
    int64_t us = (int64_t)load_be64(bytes);
    int32_t zone = (int32_t)load_be32(bytes + 8);
    if (us < 0 || us > US_PER_DAY)
        return error_set(env->error, ST_DATETIME_FIELD_OVERFLOW, "time out of range");
    if (zone <= -16 * 3600 || zone >= 16 * 3600)
        return error_set(env->error, ST_INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
                         "time zone displacement out of range");
    return new_timetz(env, round_us(us, typmod), zone, ret);
}

static status timetz_send(const struct eval_env *, const struct type *, datum value,
                          struct buf *out) {
    const struct timetz *t = value.p;
    char big[12];
    store_be64(big, (uint64_t)t->time_us);
    store_be32(big + 8, (uint32_t)t->zone_s);
    return buf_add(out, big, sizeof big);
}

static int64_t timetz_instant(const struct timetz *t) {
    return t->time_us + t->zone_s * US_PER_SECOND;
}

static int timetz_compare(const struct type *, datum a, datum b) {
    const struct timetz *x = a.p, *y = b.p;
    int64_t p = timetz_instant(x), q = timetz_instant(y);
    if (p != q) return p < q ? -1 : 1;
    return (x->zone_s > y->zone_s) - (x->zone_s < y->zone_s);
}

static uint64_t timetz_hash(const struct type *, datum value) {
    const struct timetz *t = value.p;
    return hash_u64((uint64_t)t->time_us + hash_u64((uint64_t)t->zone_s));
}

static status timetz_key(const struct type *, datum value, struct buf *out) {
    const struct timetz *t = value.p;
    TRY(key_add_int(out, timetz_instant(t), 8));
    return key_add_int(out, t->zone_s, 8);
}

static status timetz_apply_typmod(const struct eval_env *env, const struct type *, datum value,
                                  int32_t typmod, bool, datum *ret) {
    const struct timetz *t = value.p;
    return new_timetz(env, round_us(t->time_us, typmod), t->zone_s, ret);
}

static bool timetz_valid(const struct type *, const char *bytes, size_t) {
    int64_t us = (int64_t)load_le64(bytes);
    int32_t zone = (int32_t)load_le32(bytes + 8);
    return us >= 0 && us <= US_PER_DAY && zone > -16 * 3600 && zone < 16 * 3600;
}

const struct type_family family_timetz = {.in = timetz_in,
                                          .out = timetz_out,
                                          .receive = timetz_receive,
                                          .send = timetz_send,
                                          .compare = timetz_compare,
                                          .hash = timetz_hash,
                                          .key = timetz_key,
                                          .key_len = key_len_16,
                                          .valid = timetz_valid,
                                          .apply_typmod = timetz_apply_typmod,
                                          .typmod_in = precision_typmod_in,
                                          .typmod_out = precision_typmod_out};
