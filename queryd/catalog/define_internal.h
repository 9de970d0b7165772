/* define_internal.h: what the files of definitions share. */
#ifndef CATALOG_DEFINE_INTERNAL_H
#define CATALOG_DEFINE_INTERNAL_H

#include "catalog/define.h"
#include "catalog/deparse.h"
#include "catalog/facts.h"
#include "catalog/internal.h"
#include "catalog/log_on.h"
#include "catalog/privilege.h"
#include "catalog/session_names.h"
#include "catalog/shared_depend.h"
#include "parse/parse.h"

/* ---- statements ------------------------------------------------------------------------------ */

status define_create_table(struct sql_env *env, struct ast_create_table *s);
status define_create_index(struct sql_env *env, struct ast_create_index *s);
status define_create_view(struct sql_env *env, struct ast_create_view *s);
status define_create_schema(struct sql_env *env, struct ast_create_schema *s);
status define_alter_table(struct sql_env *env, struct ast_alter_table *s);
status define_rename(struct sql_env *env, struct ast_rename *s);
/* DEPENDS ON EXTENSION of an object that is there: 42704. */
status define_need_extension(struct sql_env *env, const char *name);
status define_alter_object(struct sql_env *env, struct ast_alter_object *s);
status define_drop(struct sql_env *env, struct ast_drop *s);
status define_truncate(struct sql_env *env, struct ast_truncate *s);
status define_comment(struct sql_env *env, struct ast_comment *s);
status define_role(struct sql_env *env, struct ast_role *s);
status define_rename_role(struct sql_env *env, const char *from, const char *to);
/* The current user may change the role's members by ALTER. */
status define_may_alter_role(struct sql_env *env, oid role);
status define_alter_group(struct sql_env *env, const struct ast_role *s);
status define_role_setting(struct sql_env *env, const struct ast_role *s);
/* ALTER DATABASE … SET as well: role 0. */
status define_setting(struct sql_env *env, oid database, oid role,
                      const struct ast_set_variable *set);
status define_grant(struct sql_env *env, struct ast_grant *s);
status define_default_privileges(struct sql_env *env, const struct ast_grant *s);
status define_grant_role(struct sql_env *env, struct ast_grant_role *s);
status define_owned(struct sql_env *env, struct ast_owned *s);
status define_database(struct sql_env *env, struct ast_database *s);
status define_rename_database(struct sql_env *env, const char *from, const char *to);
status define_vacuum(struct sql_env *env, struct ast_vacuum *s);
status define_reindex(struct sql_env *env, struct ast_reindex *s);
status define_cluster(struct sql_env *env, struct ast_cluster *s);
status define_create_enum(struct sql_env *env, const struct ast_create_type *s);
status define_create_composite(struct sql_env *env, const struct ast_create_type *s);
status define_alter_enum(struct sql_env *env, const struct ast_alter_enum *s);
status define_alter_composite(struct sql_env *env, const struct ast_alter_table *s);
/* define_collation.c */
status define_create_aggregate(struct sql_env *env, const struct ast_create_aggregate *s);
status define_create_collation(struct sql_env *env, const struct ast_create_collation *s);
status define_refresh_collation(struct sql_env *env, const struct ast_refresh_collation *s);
status define_rename_collation(struct sql_env *env, const struct ast_rename *s);
status define_move_collation(struct sql_env *env, const struct ast_alter_object *s);
/* define_collation_drop.c */
status define_drop_collations(struct sql_env *env, const struct ast_drop *s);
/* "collation c", in the arena. */
status define_collation_text(struct sql_env *env, oid collation, const char **ret);
/* 2BP01 when something uses it; with cascade that goes too. */
status define_drop_collation(struct sql_env *env, oid collation, const char *text, bool cascade);
status define_create_domain(struct sql_env *env, const struct ast_create_domain *s);
status define_alter_domain(struct sql_env *env, const struct ast_alter_domain *s);
status define_rename_type(struct sql_env *env, const struct ast_rename *s);
status define_rename_condition(struct sql_env *env, const struct ast_rename *s);
status define_alter_type_object(struct sql_env *env, const struct ast_alter_object *s);
status define_drop_types(struct sql_env *env, const struct ast_drop *s);

/* ---- sequences ------------------------------------------------------------------------------- */

status define_sequence(struct sql_env *env, struct ast_sequence *s);
/* The sequence of a serial or identity column, in the schema of its table. type: the column's. */
status define_sequence_for(struct sql_env *env, const struct relation *table, const char *name,
                           oid type, const struct list *options, bool identity, oid *ret_sequence);
status define_sequence_like(struct sql_env *env, const struct relation *table, const char *name,
                            oid model, oid *ret_sequence);
/* From now on it is dropped with the column. */
status define_sequence_own(struct sql_env *env, oid sequence, oid table, int16_t column,
                           bool identity);
status define_sequence_alter(struct sql_env *env, const struct relation *r,
                             const struct list *options, bool identity);
/* TRUNCATE … RESTART IDENTITY. */
status define_sequence_restart(struct sql_env *env, oid sequence);
/* The sequences that a column owns, or any column (0): (oid) items. */
status define_owned_sequences(struct sql_env *env, oid table, int16_t column,
                              struct list **ret_sequences);

/* ---- messages -------------------------------------------------------------------------------- */

/* Adds the position of a node to the failure just set; returns st. */
status define_at(struct sql_env *env, const struct node *n, status st);
/* 42601: this option was given before, in the same or in other words. */
status define_conflicting(struct sql_env *env, const struct ast_def_elem *o);
[[gnu::format(printf, 3, 4)]] void define_notice(struct sql_env *env, const char *sqlstate,
                                                 const char *format, ...);
[[gnu::format(printf, 3, 4)]] void define_warning(struct sql_env *env, const char *sqlstate,
                                                  const char *format, ...);
struct option_name {
    const char *name;
    int option;
};
/* options[option] becomes what the statement says by that name (the last one, where several mean
 * the same); a name that is none of n is warned of: `aggregate attribute "x" not recognized`. */
void define_read_options(struct sql_env *env, const char *what, const struct option_name *names,
                         size_t n, const struct list *given, const struct ast_def_elem **options);
status define_unsupported(struct sql_env *env, const char *what);
/* "view v", which goes with what the statement drops; told at the statement's end. */
status define_cascades_to(struct sql_env *env, const char *text);
void define_tell_cascades(struct sql_env *env);

/* ---- relations ------------------------------------------------------------------------------- */

/* Where a relation of this name is to be made: its schema and persistence. 3F000, 42501. */
status define_place(struct sql_env *env, const struct ast_range_var *name, struct relation *r);

/* ---- locking and changing them ----------------------------------------------------------------
 */

/* Locks the relation named, which the user must own, and refuses catalogs and other kinds: kinds is
 * a set of relkinds
 * ("r", "rv"). NOT_FOUND without words when it does not exist and missing_ok. */
status define_lock(struct sql_env *env, const struct ast_range_var *name, enum relation_mode mode,
                   const char *kinds, bool missing_ok, const struct relation **ret_relation);
/* What ALTER TABLE, ALTER VIEW and so on may be used for. */
const char *define_kinds_of(enum ast_object_type type);
/* The same, whoever owns it. */
status define_lock_any(struct sql_env *env, const struct ast_range_var *name,
                       enum relation_mode mode, const char *kinds,
                       const struct relation **ret_relation);
/* An environment whose snapshot sees every commit until now: for reading rows under a lock that was
 * just waited for. */
status define_env_now(struct sql_env *env, struct sql_env *ret_env);
/* Attribute by name; NULL: none (dropped ones are none). */
struct attribute *define_attribute(const struct relation *r, const char *name);
/* ctid and its kin, whether or not a query may read them here. */
bool define_is_system_column(const char *name);
/* DUPLICATE_COLUMN: a new column cannot be called that. */
status define_refuse_system_name(struct sql_env *env, const char *name);
/* 0A000 cannot drop system column "ctid"; name may be NULL. */
status define_refuse_system_column(struct sql_env *env, const char *name, const char *verb);
/* 42703 column "x" of relation "t" does not exist */
status define_need_attribute(struct sql_env *env, const struct relation *r, const char *name,
                             struct attribute **ret_attribute);

/* pg_class's row of one relation changed by fn. */
status define_update_class(struct sql_env *env, oid relation,
                           status (*fn)(struct sql_env *env, struct catalog_row *row, void *arg),
                           void *arg);
/* Two such: another tree (int64_t: its root's number); one column more. */
status define_set_root(struct sql_env *, struct catalog_row *row, void *root);
status define_add_natts(struct sql_env *, struct catalog_row *row, void *);
status define_update_attribute(struct sql_env *env, oid relation, int16_t number,
                               status (*fn)(struct sql_env *env, struct catalog_row *row,
                                            void *arg),
                               void *arg);
status define_insert_class(struct sql_env *env, const struct relation *r, char kind, oid am,
                           bool has_index, page_id root);
/* pg_attribute's row, and pg_attrdef's when it has default_text. */
status define_insert_attribute(struct sql_env *env, oid relation, const struct attribute *att,
                               const char *missing_text);
status define_insert_default(struct sql_env *env, oid relation, const struct attribute *att,
                             const char *text);
/* What the values of generated columns name, from the column number `from` on; once all columns are
 * there. */
status define_depend_generated(struct sql_env *env, oid relation, int16_t from);
/* Row type and its array, with new oids; *ret_type: the row type. */
status define_insert_row_type(struct sql_env *env, const struct relation *r, oid *ret_type);
/* A column (or attribute of a composite type) without anything that depends on it: its place stays,
 * of a built-in type that is stored alike. */
status define_drop_attribute(struct sql_env *env, const struct relation *r,
                             const struct attribute *att);
/* Its type no longer knows of it. */
status define_forget_type(struct sql_env *env, oid relation, int16_t number);
status define_set_attribute_type(struct sql_env *env, oid relation, const struct attribute *to);
/* 42P16: a column of that type would put the relation's row type into itself. */
status define_refuse_recursion(struct sql_env *env, const struct relation *r, oid type);
status define_new_tree(struct sql_env *env, oid relation, struct tree *ret_tree);

/* The row type of a relation that gets another name (NULL: keeps it) or schema (0). */
status define_move_row_type(struct sql_env *env, const struct relation *r, const char *name,
                            oid schema);

/* ---- dependencies ---------------------------------------------------------------------------- */

/* "table t", "column a of table t", "schema s" …, as messages name objects; in the arena. */
status define_object_text(struct sql_env *env, oid class_oid, oid object, int32_t part,
                          const char **ret);
/* deptype: 'n' normal, 'a' auto, 'i' internal (PostgreSQL's meaning). */
status define_depend(struct sql_env *env, struct object_address from, struct object_address on,
                     char deptype);
/* On struct object_address items, but for the relation `own` (NULL: none) and its columns. */
status define_depend_objects(struct sql_env *env, struct object_address from,
                             const struct relation *own, const struct list *objects);
/* On what a kept expression over r (NULL: none) names, but for r's columns. */
status define_depend_text(struct sql_env *env, struct object_address from, const struct relation *r,
                          const char *text);
/* Forgets what an object depends on, what is said about it (comments), and who depended on it. */
status define_forget(struct sql_env *env, oid class_oid, oid object);

/* Gives every relation that a query names its schema, and notes it: (oid) items. */
status define_qualify(struct sql_env *env, struct node *n, struct list **ret_relations);

/* ---- roles and privileges -------------------------------------------------------------------- */

struct membership {
    oid role;
    const char *role_name;
    oid member;
    const char *member_name; /* as written */
    oid grantor;
    bool admin; /* WITH ADMIN OPTION */
};
status define_add_member(struct sql_env *env, const struct membership *m);
status define_drop_member(struct sql_env *env, const struct membership *m);

/* Who gets or loses which rights, by whom. */
struct grant {
    const struct ast_grant *s;
    bool revoke, option, cascade;
    bool all; /* ALL PRIVILEGES */
    uint32_t rights;
    oid *grantees; /* ACL_PUBLIC: everybody */
    uint32_t ngrantees;
};
/* The grantees, and the rights by name as far as they are of no column; 0LP01. */
status define_read_grant(struct sql_env *env, const struct ast_grant *s, uint32_t possible,
                         const char *objects, struct grant *ret);
/* A list after a grant by the grantor. */
status define_apply_grant(struct sql_env *env, const struct grant *g, const struct acl *list,
                          uint32_t rights, oid grantor, oid owner, struct acl **ret);
/* Objects as GRANT and OWNER TO name them. */
status define_find_object(struct sql_env *env, enum ast_object_type type, struct node *object,
                          struct object_address *ret);
/* "schema.name(type, type)": regprocedure's form. 42883. */
status define_find_signature(struct sql_env *env, const char *text, oid *ret);
/* A relation's constraint by its name: ret_scan->row, for whoever changes it; the scan is ended by
 * the caller, whatever comes back. 42704. */
status define_find_constraint(struct sql_env *env, const struct relation *r, const char *name,
                              struct catalog_scan *ret_scan);
/* The column that DROP names; NULL: there is none, which IF EXISTS has said. */
status define_column_to_drop(struct sql_env *env, const struct relation *r,
                             const struct ast_alter_cmd *cmd, struct attribute **ret);
/* Another owner for any object, its list of privileges changed with it; without asking who may. */
status define_set_owner(struct sql_env *env, oid class_oid, oid object, oid owner);
/* The current user may give it to that role. */
status define_check_new_owner(struct sql_env *env, oid class_oid, oid object, oid owner);
/* Rewrites the row of an object: fn changes it. */
status define_update_row(struct sql_env *env, oid class_oid, oid object,
                         status (*fn)(struct sql_env *env, struct catalog_row *row, void *arg),
                         void *arg);
status define_revoke_default(struct sql_env *env, oid default_acl, oid role);
status define_without_role(struct sql_env *env, const struct acl *list, oid role, oid owner,
                           struct acl **ret);
/* Every right of the role on the object, and what it granted on, is taken back. */
status define_revoke_role(struct sql_env *env, const struct role_use *use, oid role);

/* ---- names ----------------------------------------------------------------------------------- */

/* PostgreSQL's names for what was not named: name1_name2_label, cut to 63 bytes, with a number
 * when taken. name2 may be NULL. relation: must be free in pg_class; else in pg_constraint. */
status define_choose_name(struct sql_env *env, const char *name1, const char *name2,
                          const char *label, oid schema, bool of_relation, oid table,
                          const char **ret_name);

/* ---- indexes and constraints ----------------------------------------------------------------- */

struct index_plan {
    const char *name; /* NULL: to be chosen */
    uint16_t nkeys, ncolumns;
    struct index_plan_column {
        int16_t number;       /* of the attribute; 0: an expression */
        const char *name;     /* pg_attribute's of the index */
        const char *text;     /* SQL of the expression */
        struct node *written; /* the expression itself */
        oid type, collation, opclass;
        int32_t typmod;
        bool descending, nulls_first;
    } columns[INDEX_COLUMNS_MAX];
    const char *predicate; /* SQL; NULL: none */
    struct node *where;    /* the predicate itself */
    bool unique, primary, nulls_not_distinct;
    bool constraint;  /* with a pg_constraint row */
    bool to_be_built; /* beside writers: not valid yet */
    bool deferrable, deferred;
    oid *exclusion; /* the keys' operators; NULL: it excludes nothing */
    const struct list *options;
};
struct constraint_facts {
    const char *name;
    char type;
    oid index;
    const int16_t *columns;
    size_t ncolumns;
    const char *text;
    bool validated, no_inherit;
    bool deferrable, deferred;
    const oid *exclusion;              /* ncolumns operators; NULL: none */
    const struct foreign_key *foreign; /* NULL: none */
};
status define_insert_constraint(struct sql_env *env, const struct relation *r,
                                const struct constraint_facts *f, oid *ret_constraint);
/* The row of a table's constraint, in the statement's arena; NOT_FOUND. */
status define_constraint_row(struct sql_env *env, const struct relation *r, const char *name,
                             struct catalog_row *ret);
status define_constraint_name_is_free(struct sql_env *env, const struct relation *r,
                                      const char *name);
/* Adds a key column (NULLS as the direction says) or, with !key, one that is only kept; 42704 when
 * a key's type has no order, 54011 when there are too many. */
status define_index_add(struct sql_env *env, const struct relation *r, struct index_plan *plan,
                        const char *column, bool key, const struct node *where);
/* What CREATE INDEX lists: columns, expressions, their order and operator classes, the predicate.
 */
status define_index_elements(struct sql_env *env, const struct relation *r,
                             const struct ast_create_index *s, struct index_plan *plan);
/* The operator class that orders a type; 42704. */
status define_default_class(struct sql_env *env, oid type, oid *ret_opclass);
/* pg_index's vectors of an index that is there. */
status define_update_index(struct sql_env *env, oid index, const struct index_plan *plan);
/* Names of the index's columns, and its own. */
status define_index_names(struct sql_env *env, const struct relation *r, struct index_plan *plan);
/* Names it, creates its tree (a primary key uses the table's) and its rows; does not fill it. */
status define_index_rows(struct sql_env *env, const struct relation *r, struct index_plan *plan,
                         page_id primary_root, oid *ret_index);
/* For a table that has rows: builds a secondary index, or rewrites the table for a primary key. */
status define_index_on_table(struct sql_env *env, const struct relation *r,
                             struct index_plan *plan);
/* New empty trees for a table and its indexes (TRUNCATE, rewrites): their catalog rows lead to them
 * at once; *ret_new is the relation with them. The old ones: define_drop_trees. */
status define_new_trees(struct sql_env *env, const struct relation *r, struct relation *ret_new);
status define_drop_trees(struct sql_env *env, const struct relation *r);
/* 23502 column "a" of relation "t" contains null values */
status define_check_no_nulls(struct sql_env *env, const struct relation *r, const int16_t *columns,
                             size_t n);
/* 42501 for pg_catalog and information_schema. */
status define_refuse_catalog_schema(struct sql_env *env, oid schema, const char *schema_name,
                                    const char *name);
/* PRIMARY KEY or UNIQUE as written. */
status define_plan_constraint(struct sql_env *env, const struct relation *r,
                              const struct ast_constraint *c, const char *column,
                              struct index_plan *plan);
/* NULL: btree, the only one that is there. */
status define_index_method(struct sql_env *env, const char *method);
/* EXCLUDE as written. */
status define_plan_exclusion(struct sql_env *env, const struct relation *r,
                             const struct ast_constraint *c, struct index_plan *plan);
/* A foreign key: its row, and a look at the rows that are there (validate). column: where it was
 * written on one. */
status define_foreign_key(struct sql_env *env, oid table, const struct ast_constraint *c,
                          const char *column, bool validate);
/* 42804 when columns of a foreign key have types that cannot be compared. */
status define_check_key_types(struct sql_env *env, const struct relation *r,
                              const struct relation *to, const struct foreign_key *k);
/* ALTER TABLE … ADD, ALTER CONSTRAINT; column: where it was written on one. */
status define_add_constraint(struct sql_env *env, oid table, const struct ast_constraint *c,
                             const char *column);
status define_alter_constraint(struct sql_env *env, const struct relation *r,
                               const struct ast_constraint *c);
/* *ret_added false: there was one, and that is all right. Its constraints are the caller's. */
status define_add_column(struct sql_env *env, const struct relation *r,
                         const struct ast_alter_cmd *cmd, bool *ret_added);
status define_drop_column(struct sql_env *env, const struct relation *r,
                          const struct ast_alter_cmd *cmd);
status define_set_default(struct sql_env *env, const struct relation *r,
                          const struct ast_alter_cmd *cmd);
status define_drop_default(struct sql_env *env, oid relation, int16_t number);
status define_set_not_null(struct sql_env *env, const struct relation *r, const char *name,
                           bool not_null);
/* SET STATISTICS, STORAGE, COMPRESSION. */
status define_alter_storage(struct sql_env *env, const struct relation *r,
                            const struct ast_alter_cmd *cmd);
/* What is said of the relation as a whole. */
status define_alter_property(struct sql_env *env, const struct relation *r,
                             const struct ast_alter_cmd *cmd);
status define_cluster_on(struct sql_env *env, const struct relation *r, const char *name);
status define_change_owner(struct sql_env *env, const struct relation *r, const char *name);
/* The relation's name alone. */
status define_rename_class(struct sql_env *env, oid relation, const char *name);
/* ALTER COLUMN … TYPE: (ast_alter_cmd) commands on a locked table. */
status define_alter_types(struct sql_env *env, const struct relation *r,
                          const struct list *commands);
/* ALTER TABLE … VALIDATE CONSTRAINT; 42704. */
status define_validate_constraint(struct sql_env *env, const struct relation *r, const char *name);
/* A check constraint: validates, names and stores it. ret_name may be NULL. */
status define_insert_check(struct sql_env *env, const struct relation *r,
                           const struct ast_constraint *c, const char **ret_name);
/* An identity or serial column: its type, sequence, default. Generated ones are looked at when all
 * columns are known. */
status define_column_value(struct sql_env *env, const struct relation *r, struct ast_column_def *c,
                           struct attribute *att);
/* ALTER COLUMN … ADD GENERATED, SET …, DROP IDENTITY, DROP EXPRESSION. */
status define_alter_identity(struct sql_env *env, const struct relation *r,
                             const struct ast_alter_cmd *cmd);
/* An identity column copied by LIKE: a sequence of its own with the options of the other. */
status define_like_identity(struct sql_env *env, const struct relation *r, struct attribute *att);
/* After the column's rows: what belongs to it. */
status define_column_sequence(struct sql_env *env, oid relation, const struct attribute *att);
/* The expression of a generated column, validated. */
status define_generated_text(struct sql_env *env, const struct relation *r,
                             const struct attribute *att, struct node *expression,
                             const char **ret_text);
/* The text of a default for the column, validated; NULL for DEFAULT NULL. */
status define_default_text(struct sql_env *env, const struct attribute *att,
                           struct node *expression, const char **ret_text);
/* The collation of a column or key of this type; names NULL: the type's own. 42704, 42804. */
status define_collation(struct sql_env *env, const struct list *names, oid type, oid *ret);
/* 42P22 with those words (NULL: no memory for them) and what helps. */
status define_no_collation(struct sql_env *env, const char *words);
/* Column type, typmod, collation of a column definition. */
status define_column_type(struct sql_env *env, const struct ast_column_def *c,
                          struct attribute *att);
status define_check_columns(struct sql_env *env, const struct relation *r, struct node *expression,
                            int16_t *columns, size_t max, size_t *ret_n);

/* ---- dropping -------------------------------------------------------------------------------- */

/* Drops a locked relation of any kind with all that belongs to it (not what depends on it). */
status define_drop_relation(struct sql_env *env, const struct relation *r);
status define_drop_index(struct sql_env *env, const struct relation *table, oid index);
/* Columns of its row of pg_index. What has been read of the table stays as it was. */
struct index_flag {
    int column;
    bool is;
};
status define_index_flags(struct sql_env *env, oid index, const struct index_flag *flags,
                          unsigned n);
/* pg_index says that the index is valid, kept and live. */
status define_index_is_whole(struct sql_env *env, oid index);
/* CREATE INDEX CONCURRENTLY, DROP INDEX CONCURRENTLY: under a SHARE UPDATE EXCLUSIVE lock, by
 * transactions of their own; what was committed before something fails stays. */
status define_index_beside_writers(struct sql_env *env, const struct relation *r,
                                   struct index_plan *plan);
status define_drop_index_beside_users(struct sql_env *env, const struct relation *r, oid index);
/* REINDEX CONCURRENTLY of all of a table's indexes (index 0) or of one, under the same lock, by the
 * same kind of steps: */
status define_reindex_beside_users(struct sql_env *env, oid table, oid index);
/* one index is exchanged for another of the same definition; */
status define_index_exchange(struct sql_env *env, const struct relation *r, oid index);
/* that one's rows, not valid, with an empty tree; */
status define_index_copy(struct sql_env *env, const struct relation *r, oid of, oid *ret_index);
/* it takes over the name, the constraint and what depends on the other. */
status define_index_replace(struct sql_env *env, const struct relation *r, oid from, oid to);
status define_drop_constraint(struct sql_env *env, const struct relation *r, const char *name,
                              bool missing_ok, bool cascade);
/* define_drop_schema.c: all that is in a schema, without a word. */
status define_drop_schema_contents(struct sql_env *env, oid schema);
/* 3F000, or with IF EXISTS a notice. */
status define_missing_schema(struct sql_env *env, const struct ast_drop *s, const char *name);
status define_drop_schema(struct sql_env *env, const struct ast_drop *s, const char *name);
status define_drop_owned_sequences(struct sql_env *env, oid table, int16_t column);
/* "view public.v", in the arena. */
status define_relation_text(struct sql_env *env, oid relation, char kind, const char **ret);
/* Views, defaults and foreign keys that need the relation (part 0) or one of its columns, or a
 * sequence that goes with it: 2BP01, or drops them too, with a notice. others: (oid) relations that
 * the statement drops besides. */
status define_drop_dependents(struct sql_env *env, const struct relation *r, int32_t part,
                              const char *what, bool cascade, const struct list *others);
status define_drop_index_dependents(struct sql_env *env, oid index, const char *what, bool cascade);
/* The indexes of r, but for those of constraints, that name the column in any way: (oid) items. */
status define_column_indexes(struct sql_env *env, const struct relation *r, int16_t column,
                             struct list **ret_indexes);
#define DEFINE_CASCADE_HINT "Use DROP ... CASCADE to drop the dependent objects too."
/* Of a DROP of several objects: a refusal because of what depends on one of them is put before
 * those of the others (*details, NULL at first) and OK; all else is returned. */
status define_gather_refusal(struct sql_env *env, status st, const char **details);
/* 2BP01 for what has been gathered; OK: nothing. */
status define_refuse_gathered(struct sql_env *env, const char *details);
/* The same for an object that is no relation: a function. */
status define_drop_object_dependents(struct sql_env *env, oid class_oid, oid object,
                                     const char *what, bool cascade);
/* 2BP01 when there are views: their text names it. */
status define_refuse_views(struct sql_env *env, const struct relation *r, int32_t part,
                           const char *what);

/* 0A000 when a view names the column. */
status define_refuse_type_change(struct sql_env *env, const struct relation *r,
                                 const struct attribute *att);

/* stored_text.c: as kept in catalogs; in env->eval.arena. want 0: any type. */
status stored_expression(struct sql_env *env, const struct relation *r, struct node *expression,
                         enum expression_use use, oid want, int32_t typmod, const char **ret);
/* A kept text understood. */
status stored_expression_keep(struct sql_env *env, const struct relation *r, const char *text,
                              size_t len, struct kept_expression **ret);
status stored_expression_print(struct sql_env *env, const struct kept_expression *e,
                               const char **ret);
/* Several expressions in one text, separated. *all: NULL at first. */
status stored_append(struct sql_env *env, const char **all, const char *text);
status stored_query(struct sql_env *env, const struct kept_query *q, const struct relation *names,
                    const char **ret);
status stored_query_parse(struct sql_env *env, const char *text, struct node **ret);
/* rename_in_text.c: what names an object whose name or schema is about to change: views, defaults,
 * checks, indexes; afterwards their texts are written anew. *kept begins as NULL. */
status define_keep_texts(struct sql_env *env, oid class_oid, oid object, struct list **kept);
/* Likewise of a type and its array. */
status define_keep_type(struct sql_env *env, oid type, struct list **kept);
/* The view's own query. */
status define_keep_view(struct sql_env *env, oid view, struct list **kept);
status define_rewrite_texts(struct sql_env *env, const struct list *kept);
/* A relation of one column, value, for a domain's conditions; in env->eval.arena. */
status define_value_of_domain(struct sql_env *env, oid domain, const struct relation **ret);

/* "{1,2}" and "1 2" of numbers, in the arena; NULL: no memory. */
const char *define_numbers(struct arena *a, const int16_t *numbers, size_t n, bool vector);

#endif
