/* internal.h: what the files of this folder share and nobody else sees. */
#ifndef CATALOG_INTERNAL_H
#define CATALOG_INTERNAL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/control.h"
#include "catalog/catalog_table.h"
#include "catalog/define_hooks.h"

#define SCHEMA_PG_CATALOG 11
#define SCHEMA_PG_TOAST 99
#define SCHEMA_PUBLIC 2200
#define SCHEMA_INFORMATION 13000
#define ROLE_POSTGRES 10
#define DEFAULT_COLLATION_OID 100
#define C_COLLATION_OID 950
#define HEAP_AM_OID 2
#define BTREE_AM_OID 403
#define TYPE_ROW_IN 2290 /* record_in and its kin, of row types */
#define SEARCH_PATH_MAX 32
/* Between the expressions of pg_index.indexprs and pg_proc.proargdefaults. */
#define STORED_TEXT_SEPARATOR '\x1e'

/* Everything read from the catalogs under one catalog version. Kept while a transaction that looked
 * something up in it lives: relations must outlast the statements that asked for them. */
struct generation {
    struct generation *next;
    uint64_t version;
    uint64_t seen; /* private: control.catalog_version when it began */
    struct arena arena;
    struct cached_relation *by_oid[256];
    struct cached_name *by_name[256];
    struct cached_schema *schemas;
    struct cached_collation *collations;
    struct cached_type *types[256];
    struct cached_routines *routines[64]; /* by name */
    const struct own_casts *casts;        /* own_objects.c; NULL: not read yet */
    const struct own_operators *operators;
    struct cached_role *roles;      /* roles.c */
    struct object_acl *objects[64]; /* privilege.c */
    unsigned names;                 /* entries, to stop remembering what does not exist */
    txn_ref life;                   /* of the one transaction that it is private to; 0: shared */
    txn_ref users[]; /* per transaction slot, its life when it last looked something up */
};

struct cached_relation {
    struct cached_relation *next;
    const struct relation *relation;
};
struct cached_type {
    struct cached_type *next;
    const struct type *type;
};
struct cached_name {
    struct cached_name *next;
    oid schema;
    oid relation; /* 0: there is none */
    char name[NAME_BYTES];
};
struct cached_collation {
    struct cached_collation *next;
    oid collation;
    const struct collator *collator; /* NULL: by bytes */
};
struct cached_schema {
    struct cached_schema *next;
    oid schema; /* 0: there is none */
    char name[NAME_BYTES];
};

/* The user's functions of one name. */
struct cached_routines {
    struct cached_routines *next;
    size_t n;
    const struct routine *const *routines;
    char name[NAME_BYTES];
};

/* changes.h: an open hash table of tables. */
#define CHANGED_TABLES 512
#define CHANGED_PLACES 8
struct table_changes {
    oid table; /* 0: free */
    uint64_t n;
    txid by;       /* whose change was the last one */
    uint64_t by_n; /* changes that it has made in a row */
    bool waits;
    uint64_t rests_until_ns; /* monotonic; 0: it has not been analysed */
    struct table_changes *next_waiting;
};

struct catalog {
    struct proc *proc;
    bool being_made;    /* of a database that is not there yet */
    struct arena arena; /* of the relations of the catalogs */
    struct relation *catalogs;
    struct generation *shared;   /* newest first */
    struct generation *privates; /* of transactions with changes of their own */
    struct table_changes changes[CHANGED_TABLES];
    struct table_changes *changed_last; /* NULL: none */
    struct table_changes *waiting;      /* to be analysed; NULL: none */
    const struct collator *collator;    /* of the database's default collation; NULL: by bytes */
};

void cache_free(struct catalog *c);
/* The generation that the session's transaction reads; NULL: no memory. */
struct generation *cache_generation(struct sql_env *env);

/* The name of a schema for messages and lookups; NOT_FOUND. In the arena. */
status schema_name_of(struct sql_env *env, oid schema, struct arena *a, const char **ret_name);
/* The schemas of the search path that exist, pg_catalog included; *ret_first_writable: where new
 * relations go, 0: nowhere. */
status search_path(struct sql_env *env, oid *ret_schemas, size_t *ret_n, oid *ret_creation);
/* A schema that was named: the user must have USAGE on it. NOT_FOUND. */
status usable_schema(struct sql_env *env, const char *name, oid *ret_schema);
/* Where a name is looked for: in the schema that was named, or along the search path (schema NULL);
 * at most SEARCH_PATH_MAX. 3F000. */
status schemas_named(struct sql_env *env, const char *schema, oid *ret_schemas, size_t *ret_n);
/* A relation's oid by name along the search path or in one schema; 0: none. */
status relation_oid(struct sql_env *env, oid schema, const char *name, oid *ret_relation);
status relation_oid_named(struct sql_env *env, const char *schema, const char *name,
                          oid *ret_relation);
/* Would this relation be found by its bare name? */
status relation_is_visible(struct sql_env *env, oid schema, const char *name, oid relation,
                           bool *ret_visible);
/* Reads a relation from the catalogs into the arena. NOT_FOUND. */
/* load_stats.c: r->stats, in the arena. */
status relation_load_stats(struct sql_env *env, struct arena *a, struct relation *r);
status relation_load(struct sql_env *env, oid relation, struct arena *a,
                     struct relation **ret_relation);
/* "public.t", quoted where needed, without the schema when it is visible. */
status relation_print(struct sql_env *env, oid relation, struct buf *out);
status role_oid(struct sql_env *env, const char *name, oid *ret_role);
/* The name of a role; NOT_FOUND. In the arena. */
status role_name(struct sql_env *env, oid role, struct arena *a, const char **ret_name);
status type_name_print(struct sql_env *env, oid type, int32_t typmod, struct buf *out);

status new_oid(struct sql_env *env, oid *ret_oid);
status catalog_bootstrap(struct sql_env *env, struct relation *catalogs);
/* The same for a further database, which shares the trees of shared catalogs; env->catalog is its.
 */
status catalog_bootstrap_database(struct sql_env *env, struct relation *catalogs,
                                  const struct relation *shared);
/* Its trees alone, empty. */
status catalog_create_trees(struct sql_env *env, struct relation *catalogs,
                            const struct relation *shared);
/* A new appliance's first free oid is above everything in the catalogs. */
status find_next_oid(struct sql_env *env, oid *ret_next);

/* Registers the bodies of functions that need catalogs; once. */
void catalog_functions_register(void);

/* The sql_env in which a function is being called, with the call's arena and error. 0A000 outside
 * of a session. */
struct fn_call;
status function_env(const struct fn_call *c, struct sql_env *ret_env);

/* Names as SQL: quoted where needed. */
status print_identifier(struct buf *out, const char *name);
/* A kept expression over the columns of r (NULL: none) as it is shown. */
status print_stored(struct sql_env *env, const struct relation *r, const char *text, size_t len,
                    bool pretty, struct buf *out);
/* Ends the first of several kept expressions; the rest, or NULL. */
char *stored_next(char *text);
status print_literal(struct buf *out, const char *text, size_t len);

#endif
