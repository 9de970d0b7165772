#include "catalog/progress.h"

#include "catalog/internal.h"

static void forget(struct sql_env *env) {
    for (unsigned i = 0; i < SESSION_PROGRESS_PARAMS; i++) progress_set(env, i, 0);
}

static void tell(struct sql_env *env, enum progress_command command, oid relation) {
    atomic_store(&env->progress->relation, relation);
    atomic_store(&env->progress->command, command);
}

void progress_begin(struct sql_env *env, enum progress_command command, oid relation) {
    if (!env->progress) return;
    forget(env);
    tell(env, command, relation);
}

void progress_begin_index(struct sql_env *env, enum progress_index_command command, oid table,
                          oid index) {
    if (!env->progress) return;
    forget(env);
    progress_set(env, PROGRESS_INDEX_COMMAND, command);
    progress_set(env, PROGRESS_INDEX_OID, index);
    progress_set(env, PROGRESS_ACCESS_METHOD, BTREE_AM_OID);
    tell(env, PROGRESS_CREATE_INDEX, table);
}

void progress_end(struct sql_env *env) {
    if (env->progress) atomic_store(&env->progress->command, PROGRESS_NONE);
}

void progress_build_phase(struct sql_env *env, enum progress_build_phase phase, uint64_t blocks,
                          uint64_t tuples) {
    progress_set(env, PROGRESS_INDEX_PHASE, PROGRESS_BUILD);
    progress_set(env, PROGRESS_BUILD_PHASE, phase);
    progress_set(env, PROGRESS_BLOCKS_TOTAL, blocks);
    progress_set(env, PROGRESS_BLOCKS_DONE, 0);
    progress_set(env, PROGRESS_TUPLES_TOTAL, tuples);
    progress_set(env, PROGRESS_TUPLES_DONE, 0);
}

void progress_blocks(struct sql_env *env, unsigned total, unsigned param, uint64_t done) {
    if (done > progress_get(env, total)) progress_set(env, total, done);
    progress_set(env, param, done);
}
