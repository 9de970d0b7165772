/* catalog_table.h: the catalogs themselves: their numbers, columns and rows.
 *
 * What a catalog looks like stands in catalogs.def and nowhere else; from it come the column
 * numbers below, the relations that reach the catalogs' trees, and the rows with which a new
 * appliance describes its own catalogs. */
#ifndef CATALOG_CATALOG_TABLE_H
#define CATALOG_CATALOG_TABLE_H

#include "catalog/catalog.h"
#include "table/table.h"

enum catalog_number {
#define CATALOG(name, oid, row_type, array_type, shared) CAT_##name,
#include "catalog/catalogs.def"
    CATALOG_COUNT
};

/* COL_pg_class_relname …: 1-based, as pg_attribute.attnum; COL_pg_class_end is one beyond. */
#define CATALOG(name, oid, row_type, array_type, shared)                                           \
    enum name##_columns {                                                                          \
        COL_##name##_none,
#define COLUMN(catalog, name, type, not_null) COL_##catalog##_##name,
#define CATALOG_END(name)                                                                          \
    COL_##name##_end                                                                               \
    }                                                                                              \
    ;
#include "catalog/catalogs.def"

/* OIDs of catalogs and of their indexes: OID_pg_class, OID_pg_class_oid_index. */
enum catalog_oid {
#define CATALOG(name, oid, row_type, array_type, shared) OID_##name = oid,
#define CATALOG_INDEX(catalog, name, oid, ...) OID_##name = oid,
#include "catalog/catalogs.def"
};

#define CATALOG_COLUMNS_MAX 40
#define CATALOG_KEYS_MAX 4

struct catalog_column {
    const char *name;
    oid type;
    bool not_null;
};

struct catalog_info {
    const char *name;
    oid oid;
    oid row_type;
    oid array_type;
    bool shared;
    uint16_t ncolumns;
    const struct catalog_column *columns;
};

/* Of a catalog's columns, how many are not PostgreSQL's: the last ones, which no star has and
 * pg_attribute shows as dropped. */
uint16_t catalog_own_columns(const struct catalog_info *info);
/* The same of any relation. */
uint16_t relation_own_columns(const struct relation *r);

struct catalog_index_info {
    enum catalog_number catalog;
    const char *name;
    oid oid;
    bool unique;
    bool primary;
    uint8_t n;
    int16_t columns[CATALOG_KEYS_MAX];
};

extern const struct catalog_info catalog_infos[CATALOG_COUNT];
extern const struct catalog_index_info catalog_index_infos[];
extern const size_t catalog_index_info_count;

/* The relation through which catalog code (and everybody else) reads and changes a catalog. */
const struct relation *catalog_relation_of(const struct catalog *c, enum catalog_number n);
/* Makes the relations of all catalogs in the arena, without roots. */
status catalog_relations_new(struct arena *a, struct relation **ret_relations);

/* ---- one row --------------------------------------------------------------------------------- */

struct catalog_row {
    datum values[CATALOG_COLUMNS_MAX];
    uint8_t nulls[CATALOG_COLUMNS_MAX];
};

/* Null where the catalog allows it; numbers and flags 0, names and vectors empty elsewhere. */
void catalog_row_init(struct catalog_row *r, enum catalog_number n);
/* Columns are COL_… numbers. Text, names and vectors are made in the arena; when it refuses, the
 * column becomes an empty one and the storing of the row fails by its own allocations. */
void row_set(struct catalog_row *r, int column, datum value);
void row_set_null(struct catalog_row *r, int column);
void row_set_oid(struct catalog_row *r, int column, oid value);
void row_set_int(struct catalog_row *r, int column, int64_t value);
void row_set_bool(struct catalog_row *r, int column, bool value);
void row_set_char(struct catalog_row *r, int column, char value);
void row_set_float4(struct catalog_row *r, int column, float value);
status row_set_name(struct arena *a, struct catalog_row *r, int column, const char *name);
status row_set_text(struct arena *a, struct catalog_row *r, int column, const char *text);
/* Any type by its text form: vectors "1 2 3", arrays "{1,2}". */
status row_set_input(const struct eval_env *env, struct catalog_row *r, int column, oid type,
                     const char *text);

static inline bool row_is_null(const struct catalog_row *r, int column) {
    return r->nulls[column - 1];
}
static inline oid row_oid(const struct catalog_row *r, int column) {
    return r->values[column - 1].u32;
}
static inline int16_t row_int2(const struct catalog_row *r, int column) {
    return r->values[column - 1].i16;
}
static inline int32_t row_int4(const struct catalog_row *r, int column) {
    return r->values[column - 1].i32;
}
static inline int64_t row_int8(const struct catalog_row *r, int column) {
    return r->values[column - 1].i64;
}
static inline bool row_bool(const struct catalog_row *r, int column) {
    return r->values[column - 1].b;
}
static inline char row_char(const struct catalog_row *r, int column) {
    return (char)r->values[column - 1].i8;
}
static inline float row_float4(const struct catalog_row *r, int column) {
    return r->values[column - 1].f4;
}
static inline const char *row_name(const struct catalog_row *r, int column) {
    return r->values[column - 1].s;
}
/* A text column as a C string in the arena; NULL for null (or an exhausted arena). */
const char *row_text(struct arena *a, const struct catalog_row *r, int column);
/* An int2vector, oidvector, or one-dimensional array of int2, by its text form; at most max
 * elements. */
status row_numbers(const struct eval_env *env, const struct catalog_row *r, int column, oid type,
                   int64_t *ret_numbers, size_t max, size_t *ret_n);

/* ---- reading and changing -------------------------------------------------------------------- */

/* A scan of a catalog sees what is committed now and the session's own changes, whatever the
 * statement's snapshot (PostgreSQL's catalog snapshot). It has an arena of its own: the row is
 * valid until the next one is fetched. */
struct catalog_scan {
    struct sql_env env; /* the asker's, with another snapshot and arena */
    const struct relation *relation;
    enum catalog_number catalog;
    struct table_scan scan;
    struct arena arena;
    struct arena_mark mark;
    struct buf bound;
    unsigned char *key; /* of the current row */
    uint16_t key_len;
    lsn version;
    stamp stamp;
    struct catalog_row row;
    bool open;
};

/* Rows whose first nkeys index columns equal the keys, in index order. index 0: the whole catalog.
 * Always to be ended, also after a failure. */
status catalog_scan_begin(struct sql_env *env, enum catalog_number n, oid index, const datum *keys,
                          unsigned nkeys, struct catalog_scan *s);
status catalog_scan_backward(struct sql_env *env, enum catalog_number n, struct catalog_scan *s);
/* END after the last. */
status catalog_scan_next(struct catalog_scan *s);
void catalog_scan_end(struct catalog_scan *s);

/* The one row with this key, copied into the arena. NOT_FOUND. */
status catalog_row_get(struct sql_env *env, enum catalog_number n, oid index, const datum *keys,
                       unsigned nkeys, struct arena *a, struct catalog_row *ret_row);
status catalog_row_get_oid(struct sql_env *env, enum catalog_number n, oid object, struct arena *a,
                           struct catalog_row *ret_row);

status catalog_row_insert(struct sql_env *env, enum catalog_number n, const struct catalog_row *r);
/* Replaces or deletes the scan's current row. XX000 "tuple concurrently updated" when another
 * transaction was faster. */
status catalog_row_update(struct catalog_scan *s, const struct catalog_row *r);
status catalog_row_delete(struct catalog_scan *s);
/* Deletes every row with this key; *ret_n (may be NULL): how many. */
status catalog_rows_delete(struct sql_env *env, enum catalog_number n, oid index, const datum *keys,
                           unsigned nkeys, unsigned *ret_n);

/* A name as a key or column value: 64 bytes in the arena; NULL when it refuses. */
const char *catalog_name(struct arena *a, const char *name);
/* The snapshot described above. */
struct snapshot catalog_snapshot(const struct sql_env *env);

#endif
