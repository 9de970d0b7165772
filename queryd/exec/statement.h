/* statement.h: the session's view of everything from parse tree to rows.
 *
 * A struct statement is analysed and planned: immutable, shared by the sessions of a worker through
 * the plan cache, counted. Transaction control, SET/SHOW, PREPARE, cursors and COPY's protocol are
 * the session's own; it never passes those here. */
#ifndef EXEC_STATEMENT_H
#define EXEC_STATEMENT_H

#include "catalog/sql_env.h"
#include "parse/parse.h"

enum statement_kind {
    STATEMENT_QUERY,  /* returns rows: SELECT, VALUES, … RETURNING, EXPLAIN */
    STATEMENT_CHANGE, /* INSERT, UPDATE, DELETE without RETURNING */
    STATEMENT_DEFINE, /* CREATE, DROP, ALTER, TRUNCATE, VACUUM, ANALYZE … */
};

struct result_column {
    const char *name;
    oid type;
    int32_t typmod;
    int16_t type_len;
    oid table; /* 0: an expression */
    int16_t attribute;
};

struct statement {
    enum statement_kind kind;
    bool read_only;            /* changes nothing: allowed in a READ ONLY transaction */
    bool literals_matter;      /* not to be used for a text whose literals were lifted out */
    const char *outside_block; /* VACUUM and the like: not inside a transaction block; else NULL */
    uint16_t nparams;
    oid *param_types;
    uint16_t ncolumns;
    struct result_column *columns;
    uint16_t naddresses; /* of a cursor: columns of batches behind its own, addresses of rows … */
    oid *address_tables; /* … of these tables */
    bool locks_rows;     /* of a cursor: FOR UPDATE and its kin */
    double cost;         /* of the plan, in rows read */
    commit_time since;   /* the plan is good for snapshots from then on */
    uint64_t catalog_version; /* the plan is good for; 0: for this execution only */
    uint32_t references;
    struct arena arena; /* owns everything of the statement */
};

/* Analyses and plans one raw statement of env->text. param_types: what the client declared (0:
 * to be inferred), nparams of them; more may be found; NULL: there are none. Locks the relations it
 * names. Errors are in env->eval.error. The result has one reference. */
status statement_prepare(struct sql_env *env, const struct raw_stmt *raw, const oid *param_types,
                         uint16_t nparams, struct statement **ret_statement);
/* The same for these values of all its parameters alone: they stand in the plan. */
status statement_prepare_for(struct sql_env *env, const struct raw_stmt *raw,
                             const oid *param_types, uint16_t nparams, const datum *values,
                             const uint8_t *nulls, struct statement **ret_statement);
/* Do both give columns of the same names and types? */
bool statement_same_result(const struct statement *a, const struct statement *b);
void statement_release(struct statement *s);
/* What it is called in errors: "INSERT", "SELECT FOR UPDATE", "CREATE TABLE". */
const char *statement_command(const struct statement *st);
/* Its rows come one by one from tables and what is kept: a cursor over it may go backward without
 * having been told (PostgreSQL's rule). */
bool statement_scrolls(const struct statement *s);
/* The key in the address of a row, as WHERE CURRENT OF looks for it. NULL: no memory. */
const struct varlena *address_row_key(struct arena *a, datum address);

/* Rows, a batch at a time: column vectors of up to BATCH_ROWS values; sel, when not NULL, lists the
 * rows that count. Valid until the next fetch. */
struct batch {
    uint16_t ncolumns;
    uint16_t nrows;      /* that count */
    struct vec *columns; /* undefined when there are no rows */
    const uint16_t *sel;
};

/* Rows come of it, if only rows without columns. */
static inline bool statement_gives_rows(const struct statement *s) {
    return s->ncolumns || s->kind == STATEMENT_QUERY;
}

struct execution;

/* How often a statement is prepared anew because catalogs changed before its relations were locked.
 */
#define PLAN_TRIES_MAX 10

/* Begins executing: locks the relations again; INVALID (without words) when catalogs have changed
 * since it was planned: prepare anew. params: nparams values, already of param_types. The execution
 * lives in env->eval.arena; the statement must outlive it. env's snapshot is set by the caller,
 * fresh for this statement. */
status execution_begin(struct sql_env *env, struct statement *s, const datum *params,
                       const uint8_t *nulls, struct execution **ret_execution);
/* The same for what is likely to be carried out again: the execution lives in memory of its own,
 * and what it gives goes with execution_end. */
status execution_begin_again(struct sql_env *env, struct statement *s, const datum *params,
                             const uint8_t *nulls, struct execution **ret_execution);
/* A statement without parameters inside of another one, with that one's snapshot: prepared and
 * begun, as often as it takes. On failure there is neither. */
status statement_begin(struct sql_env *env, const struct raw_stmt *raw,
                       struct statement **ret_statement, struct execution **ret_execution);
/* The next batch of at most max_rows rows (1 … BATCH_ROWS); nrows 0: no more. Statements without
 * result rows do all their work in the first call. */
status execution_fetch(struct execution *x, uint16_t max_rows, const struct batch **ret_batch);
/* The command tag without row count ("SELECT", "INSERT 0", "UPDATE", "CREATE TABLE"); and whether a
 * count follows, and which. */
const char *execution_tag(const struct execution *x, bool *ret_counts, uint64_t *ret_count);
void execution_end(struct execution *x);

#endif
