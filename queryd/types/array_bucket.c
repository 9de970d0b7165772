/* width_bucket over an array of thresholds. */
#include "types/array.h"
#include "types/collator.h"
#include "types/internal.h"

/* How many of the sorted thresholds are at or below the value. */
status fn_width_bucket_array(struct fn_call *c) {
    struct array_parts a;
    TRY(array_split(c->env, c->args[1].v, &a));
    if (a.ndim > 1)
        return error_set(c->env->error, ST_ARRAY_SUBSCRIPT_ERROR,
                         "thresholds must be one-dimensional array");
    for (uint32_t i = 0; i < a.n; i++)
        if (a.nulls[i])
            return error_set(c->env->error, ST_NULL_VALUE_NOT_ALLOWED,
                             "thresholds array must not contain NULLs");
    const struct type *t = type_by_collator(type_below(type_find(a.element)), c->site->collator);
    if (!t->family->compare)
        return error_set(c->env->error, ST_UNDEFINED_FUNCTION,
                         "could not identify a comparison function for type %s",
                         type_format_name(c->env->arena, t->oid));
    uint32_t low = 0, high = a.n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (type_compare(t, c->args[0], a.values[middle]) < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return give_int4(c, (int32_t)low);
}
