/* SQL functions and operators of macaddr and macaddr8. */
#include "types/macaddr.h"

#define ALL_48 UINT64_C(0xFFFFFFFFFFFF)
#define MAKER_48 UINT64_C(0xFFFFFF000000) /* the maker's octets */
#define MAKER_64 UINT64_C(0xFFFFFF0000000000)
#define LOCAL_BIT (UINT64_C(2) << 56) /* of the first octet: not given by the maker */

static status give(struct fn_call *c, uint64_t x) {
    c->result.u64 = x;
    return OK;
}

static uint64_t arg(const struct fn_call *c, int i) {
    return c->args[i].u64;
}

status fn_macaddr_not(struct fn_call *c) {
    return give(c, ~arg(c, 0) & ALL_48);
}
status fn_macaddr8_not(struct fn_call *c) {
    return give(c, ~arg(c, 0));
}
status fn_macaddr_and(struct fn_call *c) {
    return give(c, arg(c, 0) & arg(c, 1));
}
status fn_macaddr_or(struct fn_call *c) {
    return give(c, arg(c, 0) | arg(c, 1));
}
status fn_macaddr_trunc(struct fn_call *c) {
    return give(c, arg(c, 0) & MAKER_48);
}
status fn_macaddr8_trunc(struct fn_call *c) {
    return give(c, arg(c, 0) & MAKER_64);
}
status fn_macaddr8_set7bit(struct fn_call *c) {
    return give(c, arg(c, 0) | LOCAL_BIT);
}
status fn_macaddr_to_macaddr8(struct fn_call *c) {
    return give(c, macaddr_widen(arg(c, 0)));
}

status fn_macaddr8_to_macaddr(struct fn_call *c) {
    uint64_t x = arg(c, 0);
    if ((x >> 24 & 0xFFFF) == MACADDR_FILL) return give(c, x >> 40 << 24 | (x & 0xFFFFFF));
    status st = error_set(c->env->error, ST_NUMERIC_VALUE_OUT_OF_RANGE,
                          "macaddr8 data out of range to convert to macaddr");
    error_hint(c->env->error, "Only addresses that have FF and FE as values in "
                              "the 4th and 5th bytes from the "
                              "left, for example xx:xx:xx:ff:fe:xx:xx:xx, are "
                              "eligible to be converted from "
                              "macaddr8 to macaddr.");
    return st;
}
