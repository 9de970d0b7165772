/* Arithmetic, conversions and comparisons of dates, times and intervals. */
#include "types/datetime_fn.h"
#include "types/vector.h"

/* ---- date ---- */

static status shift_date(struct fn_call *c, datum date, int64_t days) {
    if (date_finite(date.i32)) return give_date(c, date.i32 + days);
    c->result = date;
    return OK;
}

status fn_date_pli(struct fn_call *c) {
    return shift_date(c, c->args[0], c->args[1].i32);
}
status fn_date_mii(struct fn_call *c) {
    return shift_date(c, c->args[0], -(int64_t)c->args[1].i32);
}
status fn_integer_pl_date(struct fn_call *c) {
    return shift_date(c, c->args[1], c->args[0].i32);
}

status fn_date_mi(struct fn_call *c) {
    if (!date_finite(c->args[0].i32) || !date_finite(c->args[1].i32))
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW,
                         "cannot subtract infinite dates");
    return give_int4(c, c->args[0].i32 - c->args[1].i32);
}

status fn_date_finite(struct fn_call *c) {
    return give_bool(c, date_finite(c->args[0].i32));
}
status fn_timestamp_finite(struct fn_call *c) {
    return give_bool(c, stamp_finite(c->args[0].i64));
}
status fn_interval_finite(struct fn_call *c) {
    return give_bool(c, true);
}

static bool local_to_stamptz(const struct fn_call *c, int64_t local, int64_t *ret) {
    if (stamp_finite(local)) return stamp_from_local(local, session_zone(c), ret);
    *ret = local;
    return true;
}

status fn_date_timestamp(struct fn_call *c) {
    int64_t t;
    if (!date_to_stamp(c->args[0].i32, &t)) return date_too_large(c);
    return give_int8(c, t);
}

status fn_date_timestamptz(struct fn_call *c) {
    int64_t t;
    if (!date_to_stamp(c->args[0].i32, &t) || !local_to_stamptz(c, t, &t)) return date_too_large(c);
    return give_int8(c, t);
}

static status stamp_to_date(struct fn_call *c, int64_t t) {
    if (!stamp_finite(t)) return give_int4(c, t == STAMP_MAX ? DATE_MAX : DATE_MIN);
    return give_int4(c, (int32_t)floor_day(t));
}

status fn_timestamp_date(struct fn_call *c) {
    return stamp_to_date(c, c->args[0].i64);
}
status fn_timestamptz_date(struct fn_call *c) {
    return stamp_to_date(c, to_local(c, c->args[0].i64));
}

status fn_timestamp_timestamptz(struct fn_call *c) {
    int64_t t;
    if (!local_to_stamptz(c, c->args[0].i64, &t)) return stamp_out_of_range(c->env);
    return give_int8(c, t);
}
status fn_timestamptz_timestamp(struct fn_call *c) {
    return give_int8(c, to_local(c, c->args[0].i64));
}

/* ---- comparisons across the three ---- */

/* What two moments are compared as. */
struct moments {
    oid types[2];
    bool zoned; /* UTC: a timestamptz is among them; else local time */
};

static struct moments moments_of(const struct fn_call *c) {
    const oid *types = c->site->function->args;
    return (struct moments){{types[0], types[1]},
                            types[0] == TIMESTAMPTZOID || types[1] == TIMESTAMPTZOID};
}

/* What is too large to be brought to the other's kind is compared as infinitely far. */
static inline int64_t comparable(const struct fn_call *c, const struct moments *m, int side,
                                 datum value) {
    int64_t t = value.i64;
    if (m->types[side] == TIMESTAMPTZOID) return t;
    if (m->types[side] == DATEOID && !date_to_stamp(value.i32, &t))
        return value.i32 > 0 ? STAMP_MAX - 1 : STAMP_MIN + 1;
    if (m->zoned && !local_to_stamptz(c, t, &t)) return t > 0 ? STAMP_MAX - 1 : STAMP_MIN + 1;
    return t;
}

static inline int compare_moments(const struct fn_call *c, const struct moments *m, datum x,
                                  datum y) {
    int64_t a = comparable(c, m, 0, x), b = comparable(c, m, 1, y);
    return (a > b) - (a < b);
}

#define MOMENT_COMPARISON(name, op)                                                                \
    status fn_moment_##name(struct fn_call *c) {                                                   \
        struct moments m = moments_of(c);                                                          \
        return give_bool(c, compare_moments(c, &m, c->args[0], c->args[1]) op 0);                  \
    }                                                                                              \
    status fnv_moment_##name(struct fn_call *c, const struct vec *const *args, struct vec *result, \
                             const uint16_t *sel, uint16_t n) {                                    \
        const struct vec *x = args[0], *y = args[1];                                               \
        struct moments m = moments_of(c);                                                          \
        EACH_ROW({                                                                                 \
            result->nulls[i] = x->nulls[i] | y->nulls[i];                                          \
            if (result->nulls[i]) continue;                                                        \
            result->values[i] =                                                                    \
                datum_bool(compare_moments(c, &m, x->values[i], y->values[i]) op 0);               \
        });                                                                                        \
        return OK;                                                                                 \
    }
MOMENT_COMPARISON(eq, ==)
MOMENT_COMPARISON(ne, !=)
MOMENT_COMPARISON(lt, <)
MOMENT_COMPARISON(le, <=)
MOMENT_COMPARISON(gt, >)
MOMENT_COMPARISON(ge, >=)

status fn_moment_cmp(struct fn_call *c) {
    struct moments m = moments_of(c);
    return give_int4(c, compare_moments(c, &m, c->args[0], c->args[1]));
}

/* ---- timestamp ± interval ---- */

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

status stamp_add_interval(const struct eval_env *env, int64_t t, const struct interval *i,
                          const struct tz *zone, int64_t *ret) {
    if (!stamp_finite(t)) {
        *ret = t;
        return OK;
    }
    if (i->months || i->days) {
        struct civil c;
        civil_from_stamp(t, zone, &c);
        if (i->months) {
            int64_t months = c.year * 12 + (c.month - 1) + i->months;
            c.year = floor_div(months, 12);
            c.month = (int32_t)(months - c.year * 12) + 1;
            int32_t last = days_in_month(c.year, c.month);
            if (c.day > last) c.day = last;
        }
        int64_t days = days_from_date(c.year, c.month, c.day) + i->days, local;
        if (__builtin_mul_overflow(days, US_PER_DAY, &local) ||
            __builtin_add_overflow(local, us_of_time(&c), &local) || !stamp_in_range(local))
            return stamp_out_of_range(env);
        t = local;
        if (zone && !stamp_from_local(local, zone, &t)) return stamp_out_of_range(env);
    }
    if (__builtin_add_overflow(t, i->time_us, &t) || !stamp_in_range(t))
        return stamp_out_of_range(env);
    *ret = t;
    return OK;
}

/* args[at] is the moment (a date or a timestamp of either kind), the other the interval. */
static status add_interval(struct fn_call *c, size_t at, bool minus) {
    oid type = c->site->function->args[at];
    struct interval i = *c->args[1 - at].interval;
    int64_t t = c->args[at].i64;
    if (minus) TRY(interval_negate(c->env, &i, &i));
    if (type == DATEOID && !date_to_stamp(c->args[at].i32, &t)) return date_too_large(c);
    TRY(stamp_add_interval(c->env, t, &i, type == TIMESTAMPTZOID ? session_zone(c) : NULL, &t));
    return give_int8(c, t);
}

status fn_moment_pl_interval(struct fn_call *c) {
    return add_interval(c, 0, false);
}
status fn_moment_mi_interval(struct fn_call *c) {
    return add_interval(c, 0, true);
}
status fn_interval_pl_moment(struct fn_call *c) {
    return add_interval(c, 1, false);
}

/* The difference in days and time. */
status fn_timestamp_mi(struct fn_call *c) {
    int64_t a = c->args[0].i64, b = c->args[1].i64, us;
    if (!stamp_finite(a) || !stamp_finite(b))
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW,
                         "cannot subtract infinite timestamps");
    if (__builtin_sub_overflow(a, b, &us)) return interval_out_of_range(c->env);
    return give_interval(c, 0, us / US_PER_DAY, us % US_PER_DAY);
}

status fn_datetime_timestamp(struct fn_call *c) {
    bool date_first = c->site->function->args[0] == DATEOID;
    int32_t date = c->args[!date_first].i32;
    int64_t t;
    if (!date_to_stamp(date, &t)) return date_too_large(c);
    if (stamp_finite(t)) t += c->args[date_first].i64;
    return give_int8(c, t);
}

/* ---- AT TIME ZONE: timezone(zone, moment) ---- */

static status zone_with_days(struct fn_call *c, const struct interval *i) {
    struct buf words = {0};
    TRY(interval_format_style(c->env->session, i, &words));
    status s = error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                         "interval time zone \"%.*s\" must not include months or days",
                         (int)words.len, words.data);
    buf_free(&words);
    return s;
}

/* The zone of args[0]: its name, or an interval of hours. */
static status zone_argument(struct fn_call *c, const struct tz **ret) {
    if (c->site->function->args[0] != INTERVALOID)
        return find_zone(c->env, c->args[0].v->data, c->args[0].v->len, ret);
    const struct interval *i = c->args[0].interval;
    if (i->months || i->days) return zone_with_days(c, i);
    int64_t offset = i->time_us / US_PER_SECOND;
    if (offset < -86399 || offset > 86399)
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "time zone out of range");
    status s = tz_find_offset((int32_t)offset, ret);
    return ok(s) ? OK : out_of_memory(c->env);
}

status fn_timestamp_zone(struct fn_call *c) {
    const struct tz *zone;
    int64_t t = c->args[1].i64;
    TRY(zone_argument(c, &zone));
    if (stamp_finite(t) && !stamp_from_local(t, zone, &t)) return stamp_out_of_range(c->env);
    return give_int8(c, t);
}

status fn_timestamptz_zone(struct fn_call *c) {
    const struct tz *zone;
    int64_t t = c->args[1].i64;
    TRY(zone_argument(c, &zone));
    return give_int8(c, stamp_finite(t) ? local_from_stamp(t, zone) : t);
}

status fn_timetz_zone(struct fn_call *c) {
    const struct tz *zone;
    const struct timetz *t = c->args[1].p;
    struct civil now;
    TRY(zone_argument(c, &zone));
    civil_from_stamp(c->env->session->transaction_us, zone, &now);
    int64_t us = t->time_us + (t->zone_s + now.offset_s) * US_PER_SECOND;
    return give_timetz(c, wrap_day(us), -now.offset_s);
}

/* ---- generate_series(timestamp) ---- */

struct moment_series {
    int64_t next, stop;
    struct interval step;
    int sign;
};

status fn_generate_series_timestamp(struct fn_call *c) {
    struct moment_series *s = c->set_state;
    if (!s) {
        s = arena_zalloc(c->set_arena, sizeof *s);
        if (!s) return out_of_memory(c->env);
        *s = (struct moment_series){c->args[0].i64, c->args[1].i64, *c->args[2].interval, 0};
        __int128 span = interval_span(&s->step);
        s->sign = (span > 0) - (span < 0);
        if (!s->sign)
            return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                             "step size cannot equal zero");
        c->set_state = s;
    }
    if (s->sign > 0 ? s->next > s->stop : s->next < s->stop) {
        c->set_done = true;
        return OK;
    }
    c->result = datum_int8(s->next);
    bool zoned = c->site->function->result == TIMESTAMPTZOID;
    return stamp_add_interval(c->env, s->next, &s->step, zoned ? session_zone(c) : NULL, &s->next);
}

/* ---- (a, b) OVERLAPS (c, d) ---- */

struct period {
    datum start, end;
    bool end_null;
};

/* start + interval */
static status end_of_length(struct fn_call *c, oid type, int64_t start, const struct interval *i,
                            datum *ret) {
    if (type == TIMEOID) {
        ret->i64 = wrap_day(start + i->time_us % US_PER_DAY);
        return OK;
    }
    return stamp_add_interval(c->env, start, i, type == TIMESTAMPTZOID ? session_zone(c) : NULL,
                              &ret->i64);
}

/* The period args[at], args[at + 1], turned round when it begins at its end; false: no end of it is
 * known. */
static status period_of(struct fn_call *c, size_t at, const struct type *t, struct period *ret,
                        bool *ret_known) {
    bool start_null = c->nulls[at], end_null = c->nulls[at + 1];
    datum start = c->args[at], end = c->args[at + 1];
    if (c->site->function->args[at + 1] == INTERVALOID) {
        end_null |= start_null;
        if (!end_null) TRY(end_of_length(c, t->oid, start.i64, c->args[at + 1].interval, &end));
    }
    bool swap = start_null || (!end_null && type_compare(t, start, end) > 0);
    *ret_known = !start_null || !end_null;
    *ret = (struct period){swap ? end : start, swap ? start : end, start_null || end_null};
    return OK;
}

/* Do periods of which `late` begins after `early` meet? An unknown end leaves it open. */
static status meet(struct fn_call *c, const struct type *t, const struct period *early,
                   const struct period *late) {
    if (early->end_null) return give_null(c);
    if (type_compare(t, late->start, early->end) < 0) return give_bool(c, true);
    return late->end_null ? give_null(c) : give_bool(c, false);
}

status fn_overlaps(struct fn_call *c) {
    const struct type *t = type_find(c->site->function->args[0]);
    struct period a, b;
    bool a_known, b_known;
    TRY(period_of(c, 0, t, &a, &a_known));
    TRY(period_of(c, 2, t, &b, &b_known));
    if (!a_known || !b_known) return give_null(c);
    int order = type_compare(t, a.start, b.start);
    if (order) return order < 0 ? meet(c, t, &a, &b) : meet(c, t, &b, &a);
    return a.end_null || b.end_null ? give_null(c) : give_bool(c, true);
}
