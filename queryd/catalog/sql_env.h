/* sql_env.h: what a statement runs in. The session owns one and hands it down; the stages below the
 * session know nothing else of it. */
#ifndef CATALOG_SQL_ENV_H
#define CATALOG_SQL_ENV_H

#include "base/proc.h"
#include "txn/txn.h"
#include "types/context.h"

struct catalog;
struct session_sequences;
struct session_temp;
struct session_progress;
struct ri_state;
struct index_rows;
struct routine_body;
struct list;
struct ast_set_variable;

/* Ways to carry out a query that a setting can tell the planner to avoid. */
enum plan_way {
    WAY_SEQSCAN,
    WAY_INDEXSCAN,
    WAY_INDEXONLYSCAN,
    WAY_BITMAPSCAN,
    WAY_NESTLOOP,
    WAY_HASHJOIN,
    WAY_MERGEJOIN,
    WAY_SORT,
    WAY_INCREMENTAL_SORT,
    WAY_HASHAGG,
    WAY_MATERIAL,
    WAY_MEMOIZE
};

/* What the planner goes by; part of a cached plan's key, so without padding. All zero: defaults. */
struct plan_settings {
    uint64_t avoided; /* 1 << enum plan_way: where enable_… is off */
    /* seq_page_cost, …: by which part of its default each differs from it. */
    double seq_page, random_page, cpu_tuple, cpu_index_tuple, cpu_operator;
};

/* Settings that change what statements mean; the session maps SET to them. Strings are the
 * session's. */
struct sql_settings {
    const char *user; /* current_user */
    uint32_t user_oid;
    const char *session_user; /* who may become whom: SET ROLE */
    uint32_t session_user_oid;
    const char *database;
    uint32_t database_oid;
    const char *search_path; /* as written: "$user", public */
    const char *application_name;
    uint32_t lock_timeout_ms;                                 /* 0: none */
    uint32_t statement_timeout_ms;                            /* 0: none */
    uint32_t idle_timeout_ms, idle_in_transaction_timeout_ms; /* likewise */
    bool password_md5;                                        /* password_encryption */
    uint64_t work_mem_bytes;
    uint64_t maintenance_work_mem_bytes; /* of index builds */
    double hash_mem_multiplier;
    int64_t temp_file_limit_kb; /* -1: none */
    bool check_function_bodies;
    uint32_t statistics_target;
    struct plan_settings planning;
};

/* A prepared statement and its arguments, inside of another statement. */
struct sql_params {
    const char *text; /* the prepared one; ends in NUL */
    uint16_t n;
    const uint32_t *types; /* oids */
    const datum *values;
    const uint8_t *nulls;
};

struct sql_env {
    struct proc *proc;
    struct txn *txn;          /* begun when a statement runs */
    struct snapshot snapshot; /* of the running statement */
    struct eval_env eval;     /* statement arena, error, session_env; eval.session->session is the
                                 struct sql_env itself: functions that need catalogs find it there */
    struct arena *txn_arena;  /* lives until the transaction ends */
    struct catalog *catalog;  /* this worker's cache */
    const struct snapshot *catalogs_at; /* as of when catalogs are read; NULL: as of now */
    struct sql_settings *settings;
    const char *text; /* of the running statement, for error positions */
    size_t text_len;
    _Atomic bool *cancel;  /* set: end with QUERY_CANCELED at the next batch boundary */
    uint64_t deadline_ns;  /* statement_timeout, monotonic; 0: none */
    uint64_t turn_ends_ns; /* when to let other sessions run */
    uint64_t *temp_bytes;  /* the session's in temporary space; NULL: not counted */
    /* Notices and warnings for the client: severity "NOTICE", "WARNING"; detail may be NULL; set by
     * the session. */
    void (*notice)(struct sql_env *env, const char *severity, const char *sqlstate,
                   const char *message, const char *detail);
    struct list **cascades; /* of a definition: what else it drops (char *); NULL: nobody is told */
    /* What runs now has an effect that outlives its transaction (or its end): a session whose
     * worker dies must not run it again. Set by the session. */
    void (*effect)(struct sql_env *env);
    /* Suspends until fd can be read (or written): 57014 when the statement is to end before. Set by
     * the session; NULL: nobody can wait. */
    status (*wait_ready)(struct sql_env *env, int fd, bool to_write);
    /* A setting for as long as a function runs: sets it (errors as SET's); *ret_mark for pop, which
     * puts back what was set since. show: its value now, in env->eval.arena. Set by the session. */
    status (*setting_push)(struct sql_env *env, const char *name, const char *value,
                           uint32_t *ret_mark);
    void (*setting_pop)(struct sql_env *env, uint32_t mark);
    status (*setting_show)(struct sql_env *env, const char *name, const char **ret_value);
    /* What SET would set, checked; *ret_value NULL: RESET. In eval.arena. NULL: nobody knows. */
    status (*setting_text)(struct sql_env *env, const struct ast_set_variable *set,
                           const char **ret_name, const char **ret_value);
    /* Settings that plans depend on and that are not as when nobody sets them, for EXPLAIN:
     * (struct explain_setting *), in env->eval.arena. NULL: nobody knows. */
    status (*explain_settings)(struct sql_env *env, const struct list **ret);
    struct session_sequences *sequences; /* what the session remembers of them (shared/session) */
    bool of_cursor; /* this statement is a cursor's query: its rows' addresses come behind its
                       columns */
    /* WHERE CURRENT OF: the key of the row of this table that the cursor stands on, in
     * env->eval.arena; 34000, 24000. Set by the session. */
    status (*cursor_row)(struct sql_env *env, const char *cursor, uint32_t table,
                         const char *table_name, datum *ret_key);
    bool of_arguments; /* this statement's columns are EXECUTE's arguments */
    /* What EXECUTE means in CREATE TABLE AS EXECUTE. NULL: it is another statement. */
    const struct sql_params *params;
    const struct routine_body *body; /* this statement stands in the body of an SQL function; NULL:
                                        it does not */
    struct ri_state *ri;           /* foreign keys still to be looked at (exec/ri.h); NULL: none. In
                                      txn_arena: to be forgotten when the transaction ends */
    struct index_rows *index_rows; /* programs of computed indexes (exec/index_row.c); like ri */
    struct list *new_labels;       /* (oid) of enum labels that this transaction added; like ri */
    unsigned ri_depth;             /* > 0: this is a statement of a foreign key's own */
    struct session_temp *temp;     /* ... and of its temporary relations; NULL: none */
    uint32_t temp_number;          /* of its temporary schema */
    struct session_progress *progress; /* ... and of how far it is; NULL: nobody looks */
    void *session;                     /* the session itself, for the parts above */
};

/* To be called at every batch boundary and in every long loop: gives way to other sessions when
 * this one's turn is over; QUERY_CANCELED (with words) on cancel or timeout. */
status sql_env_breathe(struct sql_env *env);
/* The same, as the `turn` of a session's values. */
status sql_env_turn(struct session_env *, struct error *);
/* qsort_r of what may be long. What fails leaves the elements in no order. */
status sql_env_sort(struct sql_env *env, void *base, size_t n, size_t size,
                    int (*compare)(const void *, const void *, void *), void *arg);
/* OUT_OF_MEMORY, with words. */
static inline status no_memory(struct sql_env *env) {
    return error_set(env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
}

#endif
