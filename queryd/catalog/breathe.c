#include "base/error.h"
#include "catalog/sql_env.h"

#define TURN_NS 100000

status sql_env_breathe(struct sql_env *env) {
    if (env->cancel && atomic_load_explicit(env->cancel, memory_order_relaxed))
        return error_set(env->eval.error, ST_QUERY_CANCELED,
                         "canceling statement due to user request");
    uint64_t now = env->proc->env->mono_ns(env->proc);
    if (env->deadline_ns && now >= env->deadline_ns)
        return error_set(env->eval.error, ST_QUERY_CANCELED,
                         "canceling statement due to statement timeout");
    if (env->turn_ends_ns && now >= env->turn_ends_ns) {
        env->proc->env->pause(env->proc);
        env->turn_ends_ns = env->proc->env->mono_ns(env->proc) + TURN_NS;
    }
    return OK;
}
