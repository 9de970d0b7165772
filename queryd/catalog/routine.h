/* routine.h: functions and procedures that users made, as pg_proc's rows tell of them.
 *
 * What is returned lives in the worker's cache, like relations: until the transaction that asked
 * for it ends. Plans keep a copy of `function` only (routine_function_copy) and ask again by its
 * oid. */
#ifndef CATALOG_ROUTINE_H
#define CATALOG_ROUTINE_H

#include "catalog/catalog.h"
#include "types/resolution.h"

#define ROUTINE_ARGS_MAX FUNCTION_ARGS_MAX

struct routine_param {
    const char *name; /* NULL: none */
    oid type;
    char mode; /* pg_proc.proargmodes: i o b v t */
};

struct routine {
    struct function function; /* args: what a call gives; of a procedure its OUT arguments too */
    oid schema;
    const char *schema_name;
    oid owner;
    oid language;
    bool security_definer, leakproof;
    char parallel;
    float cost, rows;
    uint16_t nparams; /* of every mode */
    const struct routine_param *params;
    uint16_t ninputs;   /* parameters of modes i, b, v */
    oid result;         /* pg_proc.prorettype */
    const char *source; /* statements; NULL: body is given */
    const char *body;   /* RETURN … or BEGIN ATOMIC … as SQL; NULL: source is given */
    uint16_t nconfig;   /* SET clauses: name=value */
    const char **config;
    uint16_t nresults; /* OUT and TABLE columns when there is more than one or a record of them */
    const struct routine_param *results;
    const struct routine_aggregate *aggregate; /* NULL: it is none */
};

/* What pg_aggregate says of an aggregate. */
struct routine_aggregate {
    oid transition, final; /* functions; 0: none */
    bool final_extra;      /* the final function has the aggregate's arguments, too, as nulls */
    oid state;
    const char *initial; /* the state's text; NULL: null */
};

/* A routine's body as one call sees it: polymorphic types are resolved. */
struct routine_body {
    const struct routine *routine;
    uint16_t nargs; /* inputs */
    const oid *types;
    oid result;        /* VOIDOID: nothing is given back */
    uint16_t ncolumns; /* of a record that is given back; 0: not one, or not known */
    const oid *columns;
    bool last; /* the statement at hand is the one that gives the result */
};

/* The routine behind f, when f is one: a function with an oid of a user's. */
static inline bool function_is_routine(const struct function *f) {
    return f->oid >= FIRST_ROUTINE_OID;
}

/* By oid; NOT_FOUND without words. */
status catalog_routine(struct sql_env *env, oid routine, const struct routine **ret_routine);
/* What a call of this name can mean besides built-in functions: along the search path (schema
 * NULL), or in one schema. NOT_FOUND: there is no such schema. In env->eval.arena. */
status catalog_routine_scope(struct sql_env *env, const char *schema, const char *name,
                             struct function_scope *ret_scope);
/* The one with exactly these input types in a schema; 0: none. */
status catalog_routine_exact(struct sql_env *env, oid schema, const char *name, const oid *args,
                             uint16_t nargs, oid *ret_routine);
/* All of this name in any schema, in the order of their oids. */
status catalog_routines_named(struct sql_env *env, const char *name, size_t *ret_n,
                              const struct routine *const **ret_routines);
/* The statements of the body (struct raw_stmt *), and the text that they are of, in the arena. */
status routine_parse(struct sql_env *env, const struct routine *r, struct arena *a,
                     struct list **ret_statements, const char **ret_text);
/* args: types of a call's arguments, in order; result: its type. last: false. In the arena. */
status routine_body_of(struct sql_env *env, const struct routine *r, const oid *args,
                       uint16_t nargs, oid result, struct arena *a, struct routine_body *ret_body);
/* A function description that may stand in a plan. NULL: no memory. */
const struct function *routine_function_copy(struct arena *a, const struct function *f);
/* "public.f(integer, text)" as messages name it: with the schema unless it is found without. */
status routine_print(struct sql_env *env, const struct routine *r, struct buf *out);
/* The same as a string in the arena, never NULL. */
const char *routine_text(struct sql_env *env, const struct routine *r);
/* "function" or "procedure". */
const char *routine_word(const struct routine *r);

#endif
