/* Family interval: months, days and microseconds apart; output as PostgreSQL's own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "types/datetime_text.h"

/* typmod: fields << 16 | precision; the fields' bits are PART_MONTH … PART_SECOND. */
#define FULL_RANGE INTERVAL_FULL_RANGE
#define FULL_PRECISION 0xFFFF
int32_t interval_range_of(int32_t typmod) {
    return typmod < 0 ? FULL_RANGE : typmod >> 16 & 0x7FFF;
}

/* Cuts to the declared fields and rounds to the declared precision. */
void interval_fit(struct interval *i, int32_t typmod) {
    if (typmod < 0) return;
    int32_t range = interval_range_of(typmod), precision = typmod & 0xFFFF;
    if (range != FULL_RANGE) {
        if (!(range & (PART_HOUR | PART_MINUTE | PART_SECOND))) i->time_us = 0;
        if (!(range & ~(PART_YEAR | PART_MONTH))) i->days = 0;
        if (range == PART_YEAR) i->months = i->months / 12 * 12;
        if (!(range & (PART_MINUTE | PART_SECOND)))
            i->time_us -= i->time_us % US_PER_HOUR;
        else if (!(range & PART_SECOND))
            i->time_us -= i->time_us % US_PER_MINUTE;
    }
    if (precision != FULL_PRECISION) i->time_us = round_us(i->time_us, precision);
}

/* ---- text: 1 year 2 mons -3 days +04:05:06.789 ---- */

static status put_field(struct buf *out, int64_t x, const char *unit, bool *any, bool *negative) {
    if (!x) return OK;
    TRY(buf_printf(out, "%s%s%lld %s%s", *any ? " " : "", *negative && x > 0 ? "+" : "",
                   (long long)x, unit, x == 1 ? "" : "s"));
    *any = true;
    *negative = x < 0;
    return OK;
}

status interval_format(const struct interval *i, struct buf *out) {
    bool any = false, negative = false;
    TRY(put_field(out, i->months / 12, "year", &any, &negative));
    TRY(put_field(out, i->months % 12, "mon", &any, &negative));
    TRY(put_field(out, i->days, "day", &any, &negative));
    if (any && !i->time_us) return OK;
    uint64_t us = i->time_us < 0 ? 0 - (uint64_t)i->time_us : (uint64_t)i->time_us;
    uint64_t seconds = us / US_PER_SECOND;
    TRY(buf_printf(out, "%s%s%02llu:%02llu:%02llu", any ? " " : "",
                   i->time_us < 0 ? "-"
                   : negative     ? "+"
                                  : "",
                   (unsigned long long)(seconds / 3600), (unsigned long long)(seconds / 60 % 60),
                   (unsigned long long)(seconds % 60)));
    us %= US_PER_SECOND;
    if (!us) return OK;
    char digits[8];
    int n = snprintf(digits, sizeof digits, "%06u", (unsigned)us);
    while (digits[n - 1] == '0') n--;
    TRY(buf_add(out, ".", 1));
    return buf_add(out, digits, (size_t)n);
}

/* ---- the family ---- */

static status interval_in(const struct eval_env *env, const struct type *, int32_t typmod,
                          const char *text, size_t len, datum *ret) {
    struct interval *i = arena_alloc(env->arena, sizeof *i);
    if (!i) return out_of_memory(env);
    TRY(interval_parse(env, text, len, typmod, i));
    *ret = datum_ptr(i);
    return OK;
}

static status interval_out(const struct eval_env *env, const struct type *, datum value,
                           struct buf *out) {
    return interval_format_style(env->session, value.interval, out);
}

static status interval_receive(const struct eval_env *env, const struct type *, int32_t typmod,
                               const char *bytes, size_t len, datum *ret) {
    TRY(binary_length(env, len, 16));
    struct interval *i = arena_alloc(env->arena, sizeof *i);
    if (!i) return out_of_memory(env);
    *i = (struct interval){(int64_t)load_be64(bytes), (int32_t)load_be32(bytes + 8),
                           (int32_t)load_be32(bytes + 12)};
    interval_fit(i, typmod);
    *ret = datum_ptr(i);
    return OK;
}

static status interval_send(const struct eval_env *, const struct type *, datum value,
                            struct buf *out) {
    char big[16];
    store_be64(big, (uint64_t)value.interval->time_us);
    store_be32(big + 8, (uint32_t)value.interval->days);
    store_be32(big + 12, (uint32_t)value.interval->months);
    return buf_add(out, big, sizeof big);
}

__int128 interval_span(const struct interval *i) {
    return ((__int128)i->months * 30 + i->days) * US_PER_DAY + i->time_us;
}

static int interval_compare(const struct type *, datum a, datum b) {
    __int128 x = interval_span(a.interval), y = interval_span(b.interval);
    return (x > y) - (x < y);
}

static uint64_t interval_hash(const struct type *, datum value) {
    __int128 span = interval_span(value.interval);
    return hash_bytes(&span, sizeof span);
}

static status interval_key(const struct type *, datum value, struct buf *out) {
    __int128 span = interval_span(value.interval);
    char low[8];
    TRY(key_add_int(out, (int64_t)(span >> 64), 8));
    store_be64(low, (uint64_t)span);
    return buf_add(out, low, sizeof low);
}

static status interval_apply_typmod(const struct eval_env *env, const struct type *, datum value,
                                    int32_t typmod, bool, datum *ret) {
    struct interval *i = arena_memdup(env->arena, value.p, sizeof *i);
    if (!i) return out_of_memory(env);
    interval_fit(i, typmod);
    *ret = datum_ptr(i);
    return OK;
}

/* {fields} or {fields, precision}; interval(p) comes as {all fields, p}. */
static status interval_typmod_in(const struct eval_env *env, const struct type *,
                                 const int32_t *values, size_t n, int32_t *ret) {
    if (n < 1 || n > 2)
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE, "invalid INTERVAL type modifier");
    if (n == 1) {
        *ret = values[0] == FULL_RANGE ? -1 : (values[0] & 0x7FFF) << 16 | FULL_PRECISION;
        return OK;
    }
    TRY(precision_of(env, "INTERVAL", "", values[1], ret));
    *ret |= (values[0] & 0x7FFF) << 16;
    return OK;
}

static status interval_typmod_out(const struct type *, int32_t typmod, struct buf *out) {
    static const struct {
        int32_t range;
        const char *text;
    } words[] = {{PART_YEAR, " year"},
                 {PART_MONTH, " month"},
                 {PART_DAY, " day"},
                 {PART_HOUR, " hour"},
                 {PART_MINUTE, " minute"},
                 {PART_SECOND, " second"},
                 {PART_YEAR | PART_MONTH, " year to month"},
                 {PART_DAY | PART_HOUR, " day to hour"},
                 {PART_DAY | PART_HOUR | PART_MINUTE, " day to minute"},
                 {PART_DAY | PART_HOUR | PART_MINUTE | PART_SECOND, " day to second"},
                 {PART_HOUR | PART_MINUTE, " hour to minute"},
                 {PART_HOUR | PART_MINUTE | PART_SECOND, " hour to second"},
                 {PART_MINUTE | PART_SECOND, " minute to second"}};
    if (typmod < 0) return OK;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].range == interval_range_of(typmod)) TRY(buf_add_str(out, words[i].text));
    int32_t precision = typmod & 0xFFFF;
    return precision != FULL_PRECISION ? buf_printf(out, "(%d)", precision) : OK;
}

const struct type_family family_interval = {.in = interval_in,
                                            .out = interval_out,
                                            .receive = interval_receive,
                                            .send = interval_send,
                                            .compare = interval_compare,
                                            .hash = interval_hash,
                                            .key = interval_key,
                                            .key_len = key_len_16,
                                            .apply_typmod = interval_apply_typmod,
                                            .typmod_in = interval_typmod_in,
                                            .typmod_out = interval_typmod_out};
