/* Arithmetic and conversions of times of day. */
#include "types/datetime_fn.h"

status fn_time_mi_time(struct fn_call *c) {
    return give_interval(c, 0, 0, c->args[0].i64 - c->args[1].i64);
}
status fn_time_pl_interval(struct fn_call *c) {
    return give_int8(c, wrap_day(c->args[0].i64 + c->args[1].interval->time_us % US_PER_DAY));
}
status fn_time_mi_interval(struct fn_call *c) {
    return give_int8(c, wrap_day(c->args[0].i64 - c->args[1].interval->time_us % US_PER_DAY));
}
status fn_interval_pl_time(struct fn_call *c) {
    return give_int8(c, wrap_day(c->args[1].i64 + c->args[0].interval->time_us % US_PER_DAY));
}
status fn_time_interval(struct fn_call *c) {
    return give_interval(c, 0, 0, c->args[0].i64);
}
status fn_interval_time(struct fn_call *c) {
    return give_int8(c, wrap_day(c->args[0].interval->time_us));
}

static status time_of_stamp(struct fn_call *c, int64_t t) {
    if (!stamp_finite(t)) return give_null(c);
    return give_int8(c, wrap_day(t));
}
status fn_timestamp_time(struct fn_call *c) {
    return time_of_stamp(c, c->args[0].i64);
}
status fn_timestamptz_time(struct fn_call *c) {
    return time_of_stamp(c, to_local(c, c->args[0].i64));
}

status fn_timetz_time(struct fn_call *c) {
    return give_int8(c, ((const struct timetz *)c->args[0].p)->time_us);
}

status fn_time_timetz(struct fn_call *c) {
    struct civil now;
    civil_from_stamp(c->env->session->transaction_us, session_zone(c), &now);
    return give_timetz(c, c->args[0].i64, -now.offset_s);
}

status fn_timestamptz_timetz(struct fn_call *c) {
    struct civil at;
    if (!stamp_finite(c->args[0].i64)) return give_null(c);
    civil_from_stamp(c->args[0].i64, session_zone(c), &at);
    return give_timetz(c, us_of_time(&at), -at.offset_s);
}

static status shift_timetz(struct fn_call *c, int sign) {
    const struct timetz *t = c->args[0].p;
    int64_t us = c->args[1].interval->time_us % US_PER_DAY;
    return give_timetz(c, wrap_day(t->time_us + sign * us), t->zone_s);
}
status fn_timetz_pl_interval(struct fn_call *c) {
    return shift_timetz(c, 1);
}
status fn_interval_pl_timetz(struct fn_call *c) {
    const struct timetz *t = c->args[1].p;
    int64_t us = c->args[0].interval->time_us % US_PER_DAY;
    return give_timetz(c, wrap_day(t->time_us + us), t->zone_s);
}
status fn_timetz_mi_interval(struct fn_call *c) {
    return shift_timetz(c, -1);
}

/* timestamptz(date, time), in the session's zone */
status fn_datetime_timestamptz(struct fn_call *c) {
    int64_t t;
    TRY(fn_datetime_timestamp(c));
    if (!stamp_finite(c->result.i64)) return OK;
    if (!stamp_from_local(c->result.i64, session_zone(c), &t)) return stamp_out_of_range(c->env);
    return give_int8(c, t);
}

status fn_datetimetz_timestamptz(struct fn_call *c) {
    bool date_first = c->site->function->args[0] == DATEOID;
    const struct timetz *time = c->args[date_first].p;
    int64_t t;
    if (!date_to_stamp(c->args[!date_first].i32, &t)) return date_too_large(c);
    if (stamp_finite(t)) t += time->time_us + time->zone_s * US_PER_SECOND;
    if (stamp_finite(t) && !stamp_in_range(t)) return stamp_out_of_range(c->env);
    return give_int8(c, t);
}
