/* progress.h: how far a long statement is, for who looks on (pg_stat_progress_create_index,
 * …_analyze, …_copy).
 *
 * It stands in the session's slot (struct session_progress), written by the session's worker while
 * the statement runs. Commands and parameters are PostgreSQL's, its parameter n + 1 is ours n;
 * those that are not named here stay 0. */
#ifndef CATALOG_PROGRESS_H
#define CATALOG_PROGRESS_H

#include "catalog/sql_env.h"
#include "session/session.h"
#include "types/type.h"

enum progress_command { PROGRESS_NONE, PROGRESS_CREATE_INDEX, PROGRESS_ANALYZE, PROGRESS_COPY };

/* Parameters of PROGRESS_CREATE_INDEX. */
enum progress_index_param {
    PROGRESS_INDEX_COMMAND = 0, /* enum progress_index_command */
    PROGRESS_LOCKERS_TOTAL = 3, /* transactions waited for: in all, past, the pid of the next */
    PROGRESS_LOCKERS_DONE = 4,
    PROGRESS_LOCKER_PID = 5,
    PROGRESS_INDEX_OID = 6,
    PROGRESS_ACCESS_METHOD = 8,
    PROGRESS_INDEX_PHASE = 9,  /* enum progress_index_phase */
    PROGRESS_BUILD_PHASE = 10, /* enum progress_build_phase */
    PROGRESS_TUPLES_TOTAL = 11,
    PROGRESS_TUPLES_DONE = 12,
    PROGRESS_BLOCKS_TOTAL = 15, /* leaves; the total is an estimate */
    PROGRESS_BLOCKS_DONE = 16,
};

enum progress_index_command {
    PROGRESS_CREATE = 1,
    PROGRESS_CREATE_CONCURRENTLY,
    PROGRESS_REINDEX,
    PROGRESS_REINDEX_CONCURRENTLY,
};

/* Validation is no phase of ours: who builds beside writers settles each entry as it is put. */
enum progress_index_phase {
    PROGRESS_INITIALIZING,
    PROGRESS_WAIT_BEFORE_BUILD,
    PROGRESS_BUILD,
    PROGRESS_WAIT_OLD_SNAPSHOTS = 7,
    PROGRESS_WAIT_BEFORE_DEAD,
    PROGRESS_WAIT_BEFORE_DROP,
};

enum progress_build_phase {
    PROGRESS_BUILD_SCAN = 2,
    PROGRESS_BUILD_SORT = 3,
    PROGRESS_BUILD_LOAD = 5,
};

/* Parameters of PROGRESS_ANALYZE. */
enum progress_analyze_param {
    PROGRESS_ANALYZE_PHASE = 0,       /* enum progress_analyze_phase */
    PROGRESS_SAMPLE_BLOCKS_TOTAL = 1, /* leaves; an estimate */
    PROGRESS_SAMPLE_BLOCKS_DONE = 2,
};

enum progress_analyze_phase {
    PROGRESS_ANALYZE_INITIALIZING,
    PROGRESS_SAMPLING,
    PROGRESS_COMPUTING = 3,
    PROGRESS_FINALIZING = 5,
};

/* Parameters of PROGRESS_COPY. */
enum progress_copy_param {
    PROGRESS_BYTES_DONE = 0,
    PROGRESS_BYTES_TOTAL =
        1, /* 0: not known, as of everything that is not a file of the server's */
    PROGRESS_ROWS_DONE = 2,
    PROGRESS_ROWS_EXCLUDED = 3, /* by WHERE */
    PROGRESS_COPY_COMMAND = 4,  /* enum progress_copy_command */
    PROGRESS_COPY_TYPE = 5,     /* enum progress_copy_type */
};

enum progress_copy_command { PROGRESS_COPY_FROM = 1, PROGRESS_COPY_TO };
enum progress_copy_type { PROGRESS_FILE = 1, PROGRESS_PROGRAM, PROGRESS_PIPE };

/* From now on the statement is among those that are told of. index 0: it has no oid yet. */
void progress_begin_index(struct sql_env *env, enum progress_index_command command, oid table,
                          oid index);
/* relation 0: COPY of a query. All parameters are 0. */
void progress_begin(struct sql_env *env, enum progress_command command, oid relation);
/* Also after a failure. */
void progress_end(struct sql_env *env);

static inline void progress_set(struct sql_env *env, unsigned param, uint64_t value) {
    if (env->progress)
        atomic_store_explicit(&env->progress->params[param], (int64_t)value, memory_order_relaxed);
}

static inline void progress_add(struct sql_env *env, unsigned param, uint64_t more) {
    if (env->progress)
        atomic_store_explicit(
            &env->progress->params[param],
            atomic_load_explicit(&env->progress->params[param], memory_order_relaxed) +
                (int64_t)more,
            memory_order_relaxed);
}

static inline uint64_t progress_get(const struct sql_env *env, unsigned param) {
    if (!env->progress) return 0;
    return (uint64_t)atomic_load_explicit(&env->progress->params[param], memory_order_relaxed);
}

/* A phase of filling an index begins; nothing of it is done. */
void progress_build_phase(struct sql_env *env, enum progress_build_phase phase, uint64_t blocks,
                          uint64_t tuples);
/* So many blocks have been read: as many as there were thought to be (parameter `total`), or more.
 */
void progress_blocks(struct sql_env *env, unsigned total, unsigned param, uint64_t done);

#endif
