/* define_types.h: what the files that define types share. */
#ifndef CATALOG_DEFINE_TYPES_H
#define CATALOG_DEFINE_TYPES_H

#include "catalog/define_internal.h"

/* A row of pg_type to be. */
struct type_facts {
    oid oid, schema, owner;
    const char *name;
    char kind, category, align, storage;
    int16_t len;
    bool byval, not_null, preferred;
    char delimiter;
    oid element, array, relation, base, collation;
    int32_t typmod;
    const char *default_text;
    oid in, out, receive, send;
};
status define_insert_type(struct sql_env *env, const struct type_facts *f);
/* The type of the arrays of what f is to be; f->array has its oid. Depends on f's type. */
status define_insert_array_type(struct sql_env *env, const struct type_facts *f);
/* The name that the array type of `name` gets: with as many underscores before it as make it new.
 * own: that array type where it exists; else 0. */
status define_array_name(struct sql_env *env, oid schema, const char *name, oid own,
                         char out[NAME_BYTES]);
/* Somebody wants the name: the array type that has it, if one has, gets another. */
status define_move_array_type(struct sql_env *env, oid schema, const char *name);
/* Where a type of this name is to be made; 42710 when there is one of that name. */
status define_place_type(struct sql_env *env, const struct list *names, oid *ret_schema,
                         const char **ret_name);
status define_type_is_free(struct sql_env *env, oid schema, const char *name);

/* The type of that name, locked; 42704, 42809 where the kind ('d': a domain, 0: any) is another,
 * 42501 for built-in ones. */
status define_lock_type(struct sql_env *env, const struct list *names, char kind,
                        const struct type **ret_type);
status define_lock_type_oid(struct sql_env *env, oid type, enum relation_mode mode);

status define_update_type(struct sql_env *env, oid type,
                          status (*fn)(struct sql_env *env, struct catalog_row *row, void *arg),
                          void *arg);

/* What uses a type: columns of tables, at any depth of arrays, domains and composite types. */
struct type_use {
    const struct relation *relation;
    const struct attribute *attribute;
    bool inside; /* the column's type is not the type itself, nor a domain over it */
};
typedef status type_use_fn(struct sql_env *env, const struct type_use *use, void *arg);
status define_each_use(struct sql_env *env, oid type, bool inside, type_use_fn *fn, void *arg);
/* 0A000 cannot alter type "t" because column "u.c" uses it; what: "type", "table". */
status define_refuse_uses(struct sql_env *env, oid type, const char *what, const char *name);

/* What is dropped with a type: 2BP01 when there is something, or drops it too. */
status define_drop_type_dependents(struct sql_env *env, oid type, const char *what, bool cascade,
                                   const struct list *others);
/* Of that: views, defaults, conditions, indexes, functions (define_depend.c). */
status define_drop_type_texts(struct sql_env *env, oid type, const char *what, bool cascade,
                              const struct list *others);
/* A defined type that is no table's, with all that belongs to it. */
status define_drop_type(struct sql_env *env, oid type);
status define_set_type_default(struct sql_env *env, struct catalog_row *row, const char *text);
/* A built-in type whose values are stored as this one's: what a dropped column is of. */
oid define_stand_in(oid type);
/* Conditions of domains that name a field of a composite type which has another type now: judged
 * again, errors as when they were made. */
status define_renew_conditions(struct sql_env *env, oid relation, int16_t field);
/* "type public.t" */
status define_type_text(struct sql_env *env, oid type, const char **ret);

#endif
