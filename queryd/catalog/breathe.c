/* Turns: a statement lets others run, and hears that it is to end. */
#include <stdlib.h>

#include "base/error.h"
#include "catalog/sql_env.h"

#define TURN_NS 100000

static status breathe(struct sql_env *env, struct error *error) {
    if (env->cancel && atomic_load_explicit(env->cancel, memory_order_relaxed))
        return error_set(error, ST_QUERY_CANCELED, "canceling statement due to user request");
    uint64_t now = env->proc->env->mono_ns(env->proc);
    if (env->deadline_ns && now >= env->deadline_ns)
        return error_set(error, ST_QUERY_CANCELED, "canceling statement due to statement timeout");
    if (env->turn_ends_ns && now >= env->turn_ends_ns) {
        env->proc->env->pause(env->proc);
        env->turn_ends_ns = env->proc->env->mono_ns(env->proc) + TURN_NS;
    }
    return OK;
}

status sql_env_breathe(struct sql_env *env) {
    return breathe(env, env->eval.error);
}

status sql_env_turn(struct session_env *values, struct error *error) {
    return breathe(values->session, error);
}

#define COMPARISONS_PER_BREATH 512

struct sorting {
    struct sql_env *env;
    int (*compare)(const void *, const void *, void *);
    void *arg;
    uint32_t n;
    status st;
};

static int compare_breathing(const void *x, const void *y, void *arg) {
    struct sorting *s = arg;
    if (!ok(s->st)) return 0;
    if (++s->n % COMPARISONS_PER_BREATH == 0) s->st = sql_env_breathe(s->env);
    return s->compare(x, y, s->arg);
}

status sql_env_sort(struct sql_env *env, void *base, size_t n, size_t size,
                    int (*compare)(const void *, const void *, void *), void *arg) {
    struct sorting s = {.env = env, .compare = compare, .arg = arg};
    qsort_r(base, n, size, compare_breathing, &s);
    return s.st;
}
