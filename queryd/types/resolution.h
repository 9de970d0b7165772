/* resolution.h: which operator, function, cast or common type an expression means: the rules of
 * PostgreSQL's manual, chapter 10 ("Type Conversion"), with its messages. Errors are set without a
 * position; the caller knows the node. The type `unknown` (705) stands for an undecorated literal.
 */
#ifndef TYPES_RESOLUTION_H
#define TYPES_RESOLUTION_H

#include "types/function.h"
#include "types/type.h"

#define FUNCTION_ARGS_MAX 100

enum cast_context { CAST_IMPLICIT, CAST_ASSIGNMENT, CAST_EXPLICIT };

enum cast_path {
    CAST_NONE,     /* there is no such cast */
    CAST_RELABEL,  /* the same datum */
    CAST_FUNCTION, /* call path.function with (value[, typmod int4[, explicit bool]]) as it declares
                    */
    CAST_IO,       /* the text form of one is the text form of the other */
    CAST_ARRAY,    /* element by element, with the element's path */
    CAST_INPUT,    /* from unknown: the literal's text goes through the target's input function */
};

struct cast_result {
    enum cast_path path;
    enum cast_path element_path; /* CAST_ARRAY */
    oid function;                /* CAST_FUNCTION, or of the element */
    bool domain;                 /* what comes out becomes a value of a domain: it is checked */
    bool element_domain;         /* CAST_ARRAY: its elements do */
};

/* How to get from one type to another; CAST_NONE when the context does not allow it. Length
 * coercion is separate: type_apply_typmod afterwards. */
struct cast_result resolve_cast(oid from, oid to, enum cast_context context);
/* The same for whole argument lists: every from[i] reaches to[i]. */
bool resolve_can_coerce(const oid *from, const oid *to, size_t n, enum cast_context context);

/* Performs a resolved cast on one value (not null), for constants, assignments and casts in plans.
 */
status cast_value(const struct eval_env *env, struct cast_result cast, oid from, oid to,
                  int32_t typmod, bool is_explicit, datum value, datum *ret_value,
                  bool *ret_is_null);

struct operator_choice {
    const struct operator_info *op;
    oid left, right; /* the types the operands must be coerced to, polymorphic ones resolved */
    oid result;
};

/* left 0: a prefix operator. 42883 "operator does not exist: integer = text" with the hint, 42725
 * "operator is not unique: …". */
status resolve_operator(const struct eval_env *env, const char *name, oid left, oid right,
                        struct operator_choice *ret);

/* The same in one schema (NULL: along the search path). NOT_FOUND: there is no such schema. */
status resolve_operator_in(const struct eval_env *env, const char *schema, const char *name,
                           oid left, oid right, struct operator_choice *ret);

struct function_choice {
    const struct function *function;
    oid arg_types[FUNCTION_ARGS_MAX]; /* what each actual argument must be coerced to */
    oid result;                       /* polymorphic result resolved */
    bool is_coercion; /* not a function at all but the cast f(x) to the type named f: use result */
    bool
        gather_variadic; /* the arguments from variadic_from on become one array of variadic_type */
    uint16_t variadic_from;
    oid variadic_type;
    uint16_t nargs;   /* of the parameters below, when not gather_variadic */
    bool from_source; /* arguments were named or left out: arg_types are of the nargs parameters,
                         and source says for each which argument it gets, -1: its default */
    int16_t source[FUNCTION_ARGS_MAX];
};

/* What a call may mean besides the built-in functions, and how it was written. */
struct function_scope {
    const char *word;       /* what is looked for, for messages; NULL: "function" */
    const char *shown_name; /* as written, for messages; NULL: the name */
    bool no_builtins;       /* the name was qualified by another schema */
    uint16_t builtin_place; /* of pg_catalog in the search path */
    size_t n;               /* functions of this name */
    const struct function *const *functions;
    const uint16_t *places;       /* of their schemas in the search path */
    const char *const *arg_names; /* per argument of the call, NULL: by position; NULL: all are */
};

/* `variadic`: the call was written f(…, VARIADIC array). 42883 "function f(integer) does not exist"
 * with the hint; 42725 "function f(unknown) is not unique". `name` without its schema. */
status resolve_function(const struct eval_env *env, const char *name, const oid *args, size_t n,
                        bool variadic, struct function_choice *ret);
/* The same among the built-in functions and those of the scope. */
status resolve_function_among(const struct eval_env *env, const char *name,
                              const struct function_scope *scope, const oid *args, size_t n,
                              bool variadic, struct function_choice *ret);

/* One type for UNION, CASE, VALUES, ARRAY, GREATEST …; `what` is the construct's name in the error:
 * "CASE types integer and text cannot be matched" (42804), then *ret_misfit is the latter's place.
 * All unknown gives text. */
status resolve_common_type(const struct eval_env *env, const oid *types, size_t n, const char *what,
                           oid *ret_type, size_t *ret_misfit);

/* Polymorphic results from actual arguments, following PostgreSQL's consistency checks. declared[]
 * is rewritten to the concrete types. Not polymorphic: result unchanged. */
status resolve_polymorphic(const struct eval_env *env, const oid *actual, oid *declared, size_t n,
                           oid result, oid *ret_result);

#endif
