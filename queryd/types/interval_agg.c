/* sum and avg of intervals. */
#include "types/aggregate.h"
#include "types/datetime.h"

static status add(const struct eval_env *env, struct agg_interval *s, int64_t months, int64_t days,
                  int64_t us, int64_t n) {
    s->n += n;
    s->months += months;
    s->days += days;
    if (s->months != (int32_t)s->months || s->days != (int32_t)s->days ||
        __builtin_add_overflow(s->time_us, us, &s->time_us))
        return interval_out_of_range(env);
    return OK;
}

status agg_interval_step(struct agg_call *c) {
    const struct interval *i = c->args[0].interval;
    return add(c->env, c->state, i->months, i->days, i->time_us, 1);
}

status agg_interval_combine(struct agg_call *c, const void *other) {
    const struct agg_interval *o = other;
    return add(c->env, c->state, o->months, o->days, o->time_us, o->n);
}

status agg_interval_sum(struct agg_call *c) {
    const struct agg_interval *s = c->state;
    c->is_null = s->n == 0;
    if (!s->n) return OK;
    struct interval *i = arena_alloc(c->env->arena, sizeof *i);
    if (!i) return out_of_memory(c->env);
    *i = (struct interval){s->time_us, (int32_t)s->days, (int32_t)s->months};
    c->result = datum_ptr(i);
    return OK;
}

status agg_interval_avg(struct agg_call *c) {
    const struct agg_interval *s = c->state;
    TRY(agg_interval_sum(c));
    if (c->is_null) return OK;
    const struct function *divide = function_find(1326); /* interval / float8 */
    datum args[2] = {c->result, datum_float8((double)s->n)};
    oid types[2] = {INTERVALOID, FLOAT8OID};
    uint8_t nulls[2] = {0};
    return function_call_simple(c->env, divide, types, args, nulls, 2, INTERVALOID, &c->result,
                                &c->is_null);
}
