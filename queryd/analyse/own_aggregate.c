/* Calls of aggregates that users made: which functions they are of, and on which types. */
#include "analyse/internal.h"
#include "catalog/catalog_table.h"
#include "catalog/privilege.h"
#include "catalog/routine.h"
#include "types/acl.h"

struct own_call {
    struct analyse *a;
    const struct routine *routine;
    struct expr *call;
    oid state;
    uint16_t n; /* arguments */
    oid *types; /* of the state and of the arguments */
};

static status function_of(struct own_call *o, oid id, const struct function **ret) {
    struct analyse *a = o->a;
    const struct routine *r;
    TRY(privilege_check_as(a->env, OID_pg_proc, id, o->routine->owner, ACL_EXECUTE));
    *ret = function_find(id);
    if (*ret) return OK;
    TRY(catalog_routine(a->env, id, &r));
    NEEDS(a, *ret = routine_function_copy(a->arena, &r->function));
    return OK;
}

static status site_of(struct own_call *o, oid function, oid result, uint16_t nargs,
                      struct fn_site **ret) {
    struct analyse *a = o->a;
    NEW(a, *ret);
    **ret = (struct fn_site){.result_type = result, .arg_types = o->types, .nargs = nargs};
    return function_of(o, function, &(*ret)->function);
}

/* What the arguments make of a polymorphic state. */
static status state_of(struct own_call *o) {
    struct analyse *a = o->a;
    const struct function *f = &o->routine->function;
    uint16_t n = o->n < f->nargs ? o->n : f->nargs;
    oid declared[FUNCTION_ARGS_MAX];
    memcpy(declared, f->args, n * sizeof *declared);
    TRY(resolve_polymorphic(&a->eval, o->types + 1, declared, n, o->routine->aggregate->state,
                            &o->state));
    o->types[0] = o->state;
    return OK;
}

static status initial_state(struct own_call *o, const struct type *t, struct own_aggregate *own) {
    struct eval_env env = o->a->eval;
    const char *text = o->routine->aggregate->initial;
    env.arena = o->a->arena;
    own->has_initial = text != NULL;
    return text ? type_input(&env, t, -1, text, strlen(text), &own->initial) : OK;
}

status own_aggregate(struct scope *s, struct expr *e, struct expr *const *args, uint16_t nargs) {
    struct analyse *a = s->a;
    struct own_call o = {.a = a, .call = e, .n = nargs};
    struct own_aggregate *own;
    TRY(catalog_routine(a->env, e->agg.function->oid, &o.routine));
    const struct routine_aggregate *g = o.routine->aggregate;
    if (!g) return OK;
    if (nargs >= FUNCTION_ARGS_MAX)
        return FAIL_AT(a, e->location, TOO_MANY_ARGUMENTS, "too many aggregate arguments");
    NEW(a, own);
    NEW_N(a, o.types, nargs + 1u);
    for (uint16_t i = 0; i < nargs; i++) o.types[i + 1] = args[i]->type;
    TRY(analyse_at(a, e->location, state_of(&o)));
    own->state = type_find(o.state);
    if (!own->state) return not_supported(a, e->location, "this type of an aggregate's state");
    TRY(site_of(&o, g->transition, o.state, (uint16_t)(nargs + 1), &own->transition));
    if (g->final)
        TRY(site_of(&o, g->final, e->type, (uint16_t)(g->final_extra ? nargs + 1 : 1),
                    &own->final));
    TRY(initial_state(&o, own->state, own));
    NEEDS(a, e->agg.function = routine_function_copy(a->arena, e->agg.function));
    e->agg.own = own;
    e->agg.aggregate = &aggregate_own;
    return OK;
}
