/* catalog.h: relations and their parts, as the rest of queryd sees them.
 *
 * Catalogs are tables like any other (pg_class, pg_attribute …: DESIGN 4), read under the
 * statement's snapshot and changed in its transaction. What is read from them is kept in the
 * worker's cache, which belongs to one value of control.catalog_version: a transaction that changed
 * catalogs moves it when it commits, before its locks go. A session with uncommitted catalog
 * changes of its own uses a private cache.
 *
 * A struct relation stays valid until the statement that asked for it ends (plans keep oids and the
 * catalog version they were made for, never pointers). */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include "catalog/sql_env.h"
#include "tree/tree.h"
#include "types/row.h"

#define CATALOG_ROOT ((page_id){3}) /* pg_class's tree: the first tree of a new data file */
#define INDEX_COLUMNS_MAX 32
#define FIRST_USER_OID 16384
#define FIRST_ROUTINE_OID                                                                          \
    13000 /* functions in SQL, of information_schema or users; below: built in */

struct attribute {
    const char *name;
    int16_t number; /* 1-based */
    oid type;
    int32_t typmod;
    oid collation;
    bool not_null;
    bool dropped;
    bool has_default;
    char generated;            /* 0, 's' */
    char identity;             /* 0, 'a', 'd' */
    int32_t statistics_target; /* -1: as default_statistics_target says */
    const char *default_text;  /* SQL of the default, NULL: none; of a generated column its value */
    oid sequence;              /* of an identity column */
};

/* PostgreSQL's bits of what is done to rows. */
enum change_event { CHANGE_UPDATE = 4, CHANGE_INSERT = 8, CHANGE_DELETE = 16, CHANGE_ALL = 28 };

struct index_desc {
    oid oid;
    const char *name;
    struct tree tree;
    uint16_t nkeys; /* key columns; INCLUDE columns are beyond */
    uint16_t ncolumns;
    int16_t columns[INDEX_COLUMNS_MAX]; /* attribute numbers; 0: expression */
    oid types[INDEX_COLUMNS_MAX];       /* of each column or expression */
    oid classes[INDEX_COLUMNS_MAX];     /* operator classes of the keys */
    oid collations[INDEX_COLUMNS_MAX];
    const struct type *by_collator[INDEX_COLUMNS_MAX]; /* NULL: by bytes, as types[] says */
    const char *expressions[INDEX_COLUMNS_MAX];        /* SQL where the column is 0 */
    bool descending[INDEX_COLUMNS_MAX];
    bool nulls_first[INDEX_COLUMNS_MAX];
    bool unique;  /* an entry is refused when its key is there */
    bool primary; /* the table's own tree: entries are the rows */
    /* The rule of the constraint is looked at after the row has been written (table/late_key.h);
     * entries are those of an index that is not unique. */
    bool late;
    bool late_primary;         /* that of a primary key; the table has hidden row ids */
    bool exclusion;            /* late: columns that are all equal exclude each other */
    bool deferrable, deferred; /* late: as the constraint says */
    bool nulls_not_distinct;
    bool valid;        /* to be read; else it may lack entries */
    commit_time since; /* of use to snapshots from then on: it was built from newer rows */
    bool ready;    /* what it refuses is refused; else writers keep it in step, but never mind it */
    bool live;     /* kept in step; else it is about to be dropped */
    bool computed; /* has expressions or a predicate: table/index_row.h */
    const char *predicate_text; /* SQL: only rows for which it is true have entries; NULL: all */
    oid constraint;             /* 0: none */
};

/* How the values of a column are compared in the index. */
static inline const struct type *index_key_type(const struct index_desc *x, uint16_t k) {
    return x->by_collator[k] ? x->by_collator[k] : type_find(x->types[k]);
}

struct check_desc {
    const char *name;
    const char *text; /* SQL of the expression */
};

/* pg_statistic.stakind, as in PostgreSQL. */
#define STATISTIC_COMMON 1
#define STATISTIC_BOUNDS 2
#define STATISTIC_CORRELATION 3

/* Column statistics that ANALYZE left. */
struct column_stats {
    float null_fraction;
    float distinct;   /* > 0 count, < 0 minus the fraction of rows */
    int32_t width;    /* -1: no statistics */
    uint16_t ncommon; /* most common values, the most common first */
    uint16_t nbounds; /* of the histogram of the others */
    float correlation;
    const datum *common, *bounds;
    const float *fractions;                /* ncommon */
    const char *common_text, *bounds_text; /* until somebody asks for the values */
    struct arena *arena;                   /* where the values go */
};

/* pg_sequence's row. */
struct sequence_desc {
    oid type;
    int64_t start, increment, max, min, cache;
    bool cycle;
};

/* A foreign key, as it stands with the table that has it and with the one it refers to. */
struct foreign_key {
    oid oid;
    const char *name;
    oid table;  /* that has it */
    oid refers; /* to this one */
    oid index;  /* unique index of that, over ref_columns in some order */
    uint16_t n;
    int16_t columns[INDEX_COLUMNS_MAX], ref_columns[INDEX_COLUMNS_MAX];
    char on_update, on_delete; /* pg_constraint's letters: a r c n d */
    char match;                /* s f */
    bool deferrable, deferred; /* deferred: initially */
    uint16_t nset;             /* ON DELETE SET NULL, DEFAULT: only these columns; 0: all */
    int16_t set_columns[INDEX_COLUMNS_MAX];
};

/* Rows of a relation live in `tree`, under their primary key, or under a hidden 8-byte row id
 * (big-endian) when primary is NULL. All attributes are in the row's value (types/row.h). */
struct relation {
    oid oid;
    const char *name;
    oid schema;
    const char *schema_name;
    char kind; /* pg_class.relkind: r, v, S, i … */
    char persistence;
    oid owner;
    oid row_type;
    uint16_t natts; /* with dropped ones */
    struct attribute *atts;
    struct row_desc *row; /* for types/row.h */
    struct tree tree;
    struct index_desc *primary;
    uint16_t nindexes; /* all but the primary */
    struct index_desc *indexes;
    uint16_t nchecks;
    struct check_desc *checks;
    uint16_t nkeys; /* foreign keys of this table */
    struct foreign_key *keys;
    uint16_t nreferences; /* foreign keys that refer to it */
    struct foreign_key *references;
    const char *view_text;                /* kind v */
    char check_option;                    /* of a view: l, c; 0 */
    bool security_invoker;                /* a view that gives nobody its owner's rights */
    const struct sequence_desc *sequence; /* kind S */
    double reltuples;                     /* estimate; -1: never analysed */
    uint64_t relpages;
    struct column_stats *stats; /* per attribute, width -1 where none; NULL: never analysed */
    bool is_catalog;
};

/* The worker's cache; once at process start. Bootstraps an empty data file (first worker only:
 * in a transaction, guarded by a relation lock). */
status catalog_open(struct proc *p, struct catalog **ret_catalog, struct error *e);
/* Those of a further database, by the root of its pg_class. NOT_FOUND: there is none any more. */
status catalog_open_database(struct proc *p, page_id root, struct catalog **ret_catalog,
                             struct error *e);
void catalog_close(struct catalog *c);
page_id catalog_root(const struct catalog *c); /* of its pg_class: names the database */

/* Lookups under the statement's snapshot. NOT_FOUND without words: the caller knows what to say.
 * schema NULL: along the search path. */
status catalog_relation_named(struct sql_env *env, const char *schema, const char *name,
                              const struct relation **ret_relation);
status catalog_relation(struct sql_env *env, oid relation, const struct relation **ret_relation);
/* One of the relation's indexes, its own tree among them; NULL: not one. */
const struct index_desc *index_of_relation(const struct relation *r, oid index);
/* An index and its table. NOT_FOUND: there is no such index. */
status catalog_index(struct sql_env *env, oid index, const struct relation **ret_table,
                     const struct index_desc **ret_index);
/* error_from_status for a statement: a page that could not be had is named with its relation. */
status catalog_error(struct sql_env *env, status st);
/* Finds the relation by name and locks it; looks again when it changed while waiting. 42P01 with
 * words and position otherwise. */
status catalog_relation_lock(struct sql_env *env, const char *schema, const char *name,
                             enum relation_mode mode, int32_t location,
                             const struct relation **ret_relation);
status catalog_schema(struct sql_env *env, const char *name, oid *ret_schema);
/* User-defined and built-in types by (qualified) name; UNDEFINED_OBJECT with words. */
status catalog_type_named(struct sql_env *env, const char *schema, const char *name, oid *ret_type);
/* Likewise for a value to have: FEATURE_NOT_SUPPORTED for a type that comes later (types/later.h).
 */
status catalog_type_used(struct sql_env *env, const char *schema, const char *name, oid *ret_type);
/* NOT_FOUND: none. Good as long as the relation. */
status catalog_column_stats(struct sql_env *env, oid relation, int16_t attribute,
                            const struct column_stats **ret_stats);
/* The version that plans made now depend on; 0 while the session has changes of its own (do not
 * keep such plans). */
uint64_t catalog_version(const struct sql_env *env);
/* To be called after changing catalogs in the running transaction: the session's own cache is used
 * until it ends, and the commit moves control.catalog_version. */
void catalog_changed(struct sql_env *env);
/* To be called after txn_rollback_to in a transaction whose catalog_changed is set: what the
 * session had read of its own changes is forgotten. */
void catalog_rolled_back(struct sql_env *env);

/* A btree operator class by its name; *ret_input (may be NULL): the type that it orders. 42704. */
status catalog_opclass(struct sql_env *env, const char *name, oid *ret_opclass, oid *ret_input);
/* Column k of an index as pg_get_indexdef writes it: a name, or an expression, in parentheses
 * unless it is a function's call. */
status catalog_index_column(struct sql_env *env, const struct relation *r,
                            const struct index_desc *index, uint16_t k, bool pretty,
                            struct buf *out);

/* Names for regclass and its kin: the session puts it into session_env.names, and its struct
 * sql_env into session_env.session. */
extern const struct name_service catalog_names;

#endif
