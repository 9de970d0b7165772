/* Aggregates that users made of functions: a state that a transition function changes row by row.
 */
#include "types/resolution.h"

struct own_state {
    datum value;
    bool begun, is_null, is_missing; /* missing: no initial value, no row so far */
    void *bytes;                     /* the value's place, when it is not passed by value */
    size_t capacity;
};

static status no_room(struct agg_call *c) {
    return error_set(c->env->error, ST_OUT_OF_MEMORY, "out of memory");
}

static void begin(struct agg_call *c) {
    const struct own_aggregate *o = c->site->own;
    struct own_state *s = c->state;
    if (s->begun) return;
    s->begun = true;
    s->is_null = s->is_missing = !o->has_initial;
    s->value = o->initial;
}

/* What the state points to has one place, which grows by doubling: the arena gives nothing back. */
static status keep(struct agg_call *c, datum value, bool is_null) {
    const struct type *t = c->site->own->state;
    struct own_state *s = c->state;
    s->is_missing = false;
    s->is_null = is_null;
    if (is_null || t->byval) {
        s->value = value;
        return OK;
    }
    size_t bytes = type_value_bytes(t, value);
    if (bytes > s->capacity) {
        size_t capacity = bytes < 32 ? 32 : bytes * 2;
        void *place = arena_alloc(c->state_arena, capacity);
        if (!place) return no_room(c);
        s->bytes = place;
        s->capacity = capacity;
    }
    memmove(s->bytes, value.p, bytes);
    s->value = datum_ptr(s->bytes);
    return OK;
}

static bool any_null(const struct agg_call *c) {
    for (uint16_t i = 0; i < c->nargs; i++)
        if (c->nulls[i]) return true;
    return false;
}

static status step(struct agg_call *c) {
    struct fn_site *site = c->site->own->transition;
    struct own_state *s = c->state;
    datum values[FUNCTION_ARGS_MAX + 1], result;
    uint8_t nulls[FUNCTION_ARGS_MAX + 1];
    bool is_null;
    begin(c);
    if (site->function->strict) {
        if (any_null(c)) return OK;
        if (s->is_missing && c->nargs) return keep(c, c->args[0], false);
        if (s->is_null) return OK;
    }
    values[0] = s->value;
    nulls[0] = s->is_null;
    memcpy(values + 1, c->args, c->nargs * sizeof *values);
    memcpy(nulls + 1, c->nulls, c->nargs);
    TRY(function_call_at(c->env, site, values, nulls, &result, &is_null));
    return keep(c, result, is_null);
}

static status final(struct agg_call *c) {
    const struct own_aggregate *o = c->site->own;
    struct own_state *s = c->state;
    begin(c);
    c->is_null = s->is_null;
    if (!o->final) {
        if (s->is_null) return OK;
        status st = type_copy(o->state, s->value, c->env->arena, &c->result);
        return status_is(st, ST_OUT_OF_MEMORY) ? no_room(c) : st;
    }
    datum values[FUNCTION_ARGS_MAX + 1] = {s->value};
    uint8_t nulls[FUNCTION_ARGS_MAX + 1];
    memset(nulls, 1, sizeof nulls);
    nulls[0] = s->is_null;
    c->is_null = true;
    if (o->final->function->strict && (s->is_null || o->final->nargs > 1)) return OK;
    return function_call_at(c->env, o->final, values, nulls, &c->result, &c->is_null);
}

const struct aggregate aggregate_own = {
    .state_bytes = sizeof(struct own_state), .step = step, .final = final};
