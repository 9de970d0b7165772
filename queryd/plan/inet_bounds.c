/* The range of addresses that lie within a network, for indexes. */
#include "plan/internal.h"

#define FUNCTION_NETWORK 683
#define FUNCTION_BROADCAST 698
#define FUNCTION_SET_MASKLEN 605

static status call(struct planner *p, oid function, datum a, datum b, datum *ret) {
    const struct function *f = function_find(function);
    struct eval_env env = p->c->eval;
    oid types[2] = {INETOID, INT4OID};
    datum args[2] = {a, b};
    uint8_t nulls[2] = {0, 0};
    bool is_null;
    env.arena = p->c->arena;
    return function_call_simple(&env, f, types, args, nulls, f->nargs, f->result, ret, &is_null);
}

/* From the network itself, which comes before all that is in it, to its last host. */
status inet_bounds(struct planner *p, datum network, struct expr **ret_low,
                   struct expr **ret_high) {
    datum low, high, none = {0};
    TRY(call(p, FUNCTION_NETWORK, network, none, &low));
    TRY(call(p, FUNCTION_BROADCAST, network, none, &high));
    TRY(call(p, FUNCTION_SET_MASKLEN, high, datum_int4(-1), &high));
    NEEDS(p, *ret_low = expr_const(p->c->arena, INETOID, low, false, -1));
    NEEDS(p, *ret_high = expr_const(p->c->arena, INETOID, high, false, -1));
    return OK;
}
