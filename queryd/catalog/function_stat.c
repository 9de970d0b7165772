/* function_stat.c: what pg_stat_* asks. Nothing is counted by object yet: counters are 0, times and
 * the rest null; tables of processes and features that this server does not have, empty. */
#include "catalog/function_bodies.h"

status fn_no_rows(struct fn_call *c) {
    c->set_done = true;
    return return_null(c);
}

static bool is_number(oid type) {
    return type_find(type) && type_find(type)->category == 'N' && type != OIDOID;
}

static status zero(struct fn_call *c, oid type, datum *ret, uint8_t *ret_is_null) {
    *ret_is_null = !is_number(type);
    return *ret_is_null ? OK : type_input(c->env, type_find(type), -1, "0", 1, ret);
}

status fn_zero(struct fn_call *c) {
    uint8_t is_null;
    TRY(zero(c, c->site->function->result, &c->result, &is_null));
    c->is_null = is_null;
    return OK;
}

#define ZERO_COLUMNS_MAX 32

/* One row of several counters. */
status fn_zero_row(struct fn_call *c) {
    const struct function_arguments *a = function_arguments(c->site->function->oid);
    datum values[ZERO_COLUMNS_MAX];
    uint8_t nulls[ZERO_COLUMNS_MAX];
    uint16_t n = function_results(a);
    CHECK(n <= ZERO_COLUMNS_MAX);
    for (uint16_t i = 0; i < n; i++)
        TRY(zero(c, a->types[function_result_at(a, i)], &values[i], &nulls[i]));
    return give_row(c, values, nulls);
}

status fn_live_tuples(struct fn_call *c) {
    struct sql_env env;
    const struct relation *r;
    TRY(function_env(c, &env));
    status st = catalog_relation(&env, c->args[0].u32, &r);
    if (!ok(st) && !status_is(st, ST_NOT_FOUND)) return st;
    c->result = datum_int8(ok(st) && r->reltuples > 0 ? (int64_t)r->reltuples : 0);
    return OK;
}

status fn_no_pids(struct fn_call *c) {
    return type_input(c->env, type_find(INT4ARRAYOID), -1, "{}", 2, &c->result);
}
