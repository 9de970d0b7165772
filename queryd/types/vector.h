/* vector.h: bodies in their two forms, one row and one batch, from one expression. */
#ifndef TYPES_VECTOR_H
#define TYPES_VECTOR_H

#include "types/internal.h"

/* Runs the statement for each selected row i. */
#define EACH_ROW(statement)                                                                        \
    do {                                                                                           \
        if (!sel) {                                                                                \
            for (uint16_t i = 0; i < n; i++) statement                                             \
        } else {                                                                                   \
            for (uint16_t k = 0; k < n; k++) {                                                     \
                uint16_t i = sel[k];                                                               \
                statement                                                                          \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* A by-value function of two by-value arguments that cannot fail; `a` and `b` are the datums. */
#define TOTAL_BINARY(name, expression)                                                             \
    status fn_##name(struct fn_call *c) {                                                          \
        datum a = c->args[0], b = c->args[1];                                                      \
        c->result = (expression);                                                                  \
        return OK;                                                                                 \
    }                                                                                              \
    status fnv_##name(struct fn_call *, const struct vec *const *args, struct vec *result,         \
                      const uint16_t *sel, uint16_t n) {                                           \
        const struct vec *x = args[0], *y = args[1];                                               \
        EACH_ROW({                                                                                 \
            datum a = x->values[i];                                                                \
            datum b = y->values[i];                                                                \
            result->values[i] = (expression);                                                      \
            result->nulls[i] = x->nulls[i] | y->nulls[i];                                          \
        });                                                                                        \
        return OK;                                                                                 \
    }

/* A function of two arguments that can fail or must not see nulls: `compute` is a static function
 * status compute(const struct eval_env *, datum a, datum b, datum *ret). */
#define CHECKED_BINARY(name, compute)                                                              \
    status fn_##name(struct fn_call *c) {                                                          \
        return compute(c->env, c->args[0], c->args[1], &c->result);                                \
    }                                                                                              \
    status fnv_##name(struct fn_call *c, const struct vec *const *args, struct vec *result,        \
                      const uint16_t *sel, uint16_t n) {                                           \
        const struct vec *x = args[0], *y = args[1];                                               \
        EACH_ROW({                                                                                 \
            result->nulls[i] = x->nulls[i] | y->nulls[i];                                          \
            if (!result->nulls[i])                                                                 \
                TRY(compute(c->env, x->values[i], y->values[i], &result->values[i]));              \
        });                                                                                        \
        return OK;                                                                                 \
    }

#endif
