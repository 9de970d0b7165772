/* define_function.h: what CREATE and ALTER FUNCTION share. */
#ifndef CATALOG_DEFINE_FUNCTION_H
#define CATALOG_DEFINE_FUNCTION_H

#include "catalog/define_internal.h"
#include "catalog/routine.h"

/* A routine under definition: what its pg_proc row will say. */
struct routine_draft {
    struct sql_env *env;
    const struct ast_create_function *stmt;
    uint16_t nparams;
    struct routine_param params[ROUTINE_ARGS_MAX];
    uint16_t ninputs, noutputs, ndefaults;
    struct list *defaults;        /* char *: as kept */
    oid inputs[ROUTINE_ARGS_MAX]; /* types */
    oid variadic;                 /* element type; 0: none */
    bool any_names, any_modes;
    oid result;
    bool returns_set;
};

/* The parameters, checked; then what they give back beside RETURNS. */
status draft_params(struct routine_draft *d);
status draft_result(struct routine_draft *d);
/* Type pseudo or not: what a result must be able to become of the inputs (42P13). */
status draft_determines(struct routine_draft *d, oid type, const char *what);
/* What depends on the old one goes on depending on the new one, which keeps its oid, owner and
 * privileges: row is told of these, the old rows go. */
status draft_replaces(struct sql_env *env, const struct routine *old, struct catalog_row *row);
/* 42809: what is there is of another kind. */
status draft_other_kind(struct sql_env *env, const struct routine *old);
/* relations: oids of what the body names. */
status draft_depend(struct routine_draft *d, oid self, oid schema, const struct list *relations);
/* pg_proc's columns of parameters and result. */
status draft_params_row(struct routine_draft *d, struct catalog_row *row);

/* Options that ALTER has, too: volatility, strict, security, leakproof, cost, rows, parallel,
 * support, set. seen: names met so far (char *). */
status routine_option(struct sql_env *env, const struct ast_def_elem *o, bool procedure,
                      struct list **seen, struct catalog_row *row);
/* The type of a parameter or result; SETOF in *ret_set (NULL: not allowed). */
status routine_type(struct sql_env *env, const struct ast_type_name *t, bool *ret_set,
                    oid *ret_type);
/* anyelement and the like: what it is says the call. */
bool routine_is_polymorphic(oid type);
bool routine_is_pseudo(oid type);

/* The routine that a statement names. kind: OBJECT_FUNCTION, PROCEDURE or ROUTINE. NOT_FOUND after
 * a notice when it does not exist and missing_ok. */
status define_find_routine(struct sql_env *env, enum ast_object_type kind,
                           const struct ast_object_args *named, bool missing_ok,
                           const struct routine **ret_routine);

status define_create_function(struct sql_env *env, struct ast_create_function *s);
status define_alter_function(struct sql_env *env, struct ast_alter_function *s);
status define_rename_function(struct sql_env *env, const struct ast_rename *s);
/* OWNER TO, SET SCHEMA. */
status define_move_function(struct sql_env *env, const struct ast_alter_object *s);
/* A type or schema that is not there, as st and the error say: for IF EXISTS a notice and
 * NOT_FOUND. */
status define_skip_unknown(struct sql_env *env, status st, bool missing_ok);
/* Kinds whose objects nobody can make (define_drop_fixed.c). */
bool define_drop_is_fixed(enum ast_object_type type);
status define_drop_fixed(struct sql_env *env, const struct ast_drop *s);
status define_drop_functions(struct sql_env *env, const struct ast_drop *s);
status define_comment_on_function(struct sql_env *env, enum ast_object_type kind,
                                  const struct ast_object_args *named,
                                  struct object_address *ret_on);
/* With all that belongs to it, but for what depends on it. */
status define_drop_routine(struct sql_env *env, oid routine);

#endif
