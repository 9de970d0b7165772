/* Types that several values have in common, and what polymorphic types stand for. */
#include "types/resolution.h"

#include "types/internal.h"

/* ---- common types (manual, 10.5) ---- */

/* False: the one at *ret_clash is of another category. */
static bool find_common_type(const oid *types, size_t n, oid *ret, size_t *ret_clash) {
    oid chosen = UNKNOWNOID;
    bool alike = n && types[0] != UNKNOWNOID;
    for (size_t i = 1; i < n; i++) alike &= types[i] == types[0];
    for (size_t i = 0; i < n; i++) {
        oid next = alike ? types[i] : type_base(types[i]);
        if (next == UNKNOWNOID || next == chosen) continue;
        if (chosen == UNKNOWNOID) {
            chosen = next;
        } else if (type_category(next) != type_category(chosen)) {
            *ret = chosen;
            *ret_clash = i;
            return false;
        } else if (!type_is_preferred(chosen) &&
                   resolve_cast(chosen, next, CAST_IMPLICIT).path != CAST_NONE &&
                   resolve_cast(next, chosen, CAST_IMPLICIT).path == CAST_NONE) {
            chosen = next;
        }
    }
    *ret = chosen == UNKNOWNOID ? TEXTOID : chosen;
    return true;
}

status resolve_common_type(const struct eval_env *env, const oid *types, size_t n, const char *what,
                           oid *ret_type, size_t *ret_misfit) {
    oid chosen;
    if (!find_common_type(types, n, &chosen, ret_misfit))
        return error_set(env->error, ST_DATATYPE_MISMATCH, "%s types %s and %s cannot be matched",
                         what, type_format_name(env->arena, chosen),
                         type_format_name(env->arena, type_base(types[*ret_misfit])));
    for (size_t i = 0; i < n; i++) {
        if (resolve_cast(types[i], chosen, CAST_IMPLICIT).path != CAST_NONE) continue;
        *ret_misfit = i;
        return error_set(env->error, ST_CANNOT_COERCE, "%s could not convert type %s to %s", what,
                         type_format_name(env->arena, types[i]),
                         type_format_name(env->arena, chosen));
    }
    *ret_type = chosen;
    return OK;
}

/* ---- polymorphic types (manual, 38.2.5) ---- */

static oid array_element(oid id) {
    const struct type *t = type_below(type_find(id));
    bool is_array = t && (t->family == &family_array || t->family == &family_vector);
    return is_array ? (oid)t->element : 0;
}

static bool is_simple(oid id) {
    return id == ANYELEMENTOID || id == ANYARRAYOID || id == ANYNONARRAYOID || id == ANYENUMOID;
}

static bool is_compatible(oid id) {
    return id == ANYCOMPATIBLEOID || id == ANYCOMPATIBLEARRAYOID || id == ANYCOMPATIBLENONARRAYOID;
}

static bool is_array_kind(oid id) {
    return id == ANYARRAYOID || id == ANYCOMPATIBLEARRAYOID;
}

static bool is_enum(oid id) {
    const struct type *t = type_below(type_find(id));
    return t && t->kind == 'e';
}

/* The solving functions take a NULL env to mean: only whether, without words. */
#define QUIET STATUS(DATATYPE_MISMATCH)

static status not_alike(const struct eval_env *env, const char *what, oid a, oid b) {
    if (!env) return QUIET;
    status s = error_set(env->error, ST_DATATYPE_MISMATCH,
                         "arguments declared \"%s\" are not all alike", what);
    error_detail(env->error, "%s versus %s", type_format_name(env->arena, a),
                 type_format_name(env->arena, b));
    return s;
}

static status not_an_array(const struct eval_env *env, oid declared, oid actual) {
    if (!env) return QUIET;
    return error_set(env->error, ST_DATATYPE_MISMATCH,
                     "argument declared %s is not an array but type %s",
                     type_format_name(env->arena, declared), type_format_name(env->arena, actual));
}

/* anyelement and its array: all must be one type. */
static status solve_simple(const struct eval_env *env, const oid *actual, const oid *declared,
                           size_t n, oid *ret_element, oid *ret_array) {
    oid element = 0, array = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_simple(declared[i]) || actual[i] == UNKNOWNOID) continue;
        oid *slot = is_array_kind(declared[i]) ? &array : &element;
        if (*slot && *slot != actual[i])
            return not_alike(env, is_array_kind(declared[i]) ? "anyarray" : "anyelement", *slot,
                             actual[i]);
        *slot = actual[i];
    }
    if (array && array != ANYARRAYOID) {
        oid of_array = array_element(array);
        if (!of_array) return not_an_array(env, ANYARRAYOID, array);
        if (element && element != of_array) {
            if (!env) return QUIET;
            status s = error_set(env->error, ST_DATATYPE_MISMATCH,
                                 "argument declared %s is not consistent with argument declared %s",
                                 "anyarray", "anyelement");
            error_detail(env->error, "%s versus %s", type_format_name(env->arena, array),
                         type_format_name(env->arena, element));
            return s;
        }
        element = of_array;
    }
    *ret_element = element;
    *ret_array = array;
    return OK;
}

static bool all_become(const oid *types, size_t n, oid common) {
    for (size_t i = 0; i < n; i++)
        if (resolve_cast(types[i], common, CAST_IMPLICIT).path == CAST_NONE) return false;
    return true;
}

/* anycompatible…: the common type of all. */
static status solve_compatible(const struct eval_env *env, const oid *actual, const oid *declared,
                               size_t n, oid *ret_element) {
    oid types[FUNCTION_ARGS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_compatible(declared[i])) continue;
        types[count] = actual[i];
        if (is_array_kind(declared[i]) && actual[i] != UNKNOWNOID) {
            types[count] = array_element(actual[i]);
            if (!types[count]) return not_an_array(env, declared[i], actual[i]);
        }
        count++;
    }
    size_t misfit;
    if (!count) return OK;
    if (!env) {
        bool found = find_common_type(types, count, ret_element, &misfit);
        return found && all_become(types, count, *ret_element) ? OK : QUIET;
    }
    return resolve_common_type(env, types, count, "arguments of anycompatible family", ret_element,
                               &misfit);
}

static oid array_of(oid element) {
    const struct type *t = type_find(element);
    return t ? t->array : 0;
}

static status indeterminate(const struct eval_env *env) {
    return error_set(env->error, ST_DATATYPE_MISMATCH,
                     "could not determine polymorphic type because input has type unknown");
}

static status concrete(const struct eval_env *env, oid declared, oid element, oid array,
                       oid compatible, oid *ret) {
    oid base = is_compatible(declared) ? compatible : element;
    if (declared == ANYARRAYOID && array) {
        *ret = array;
        return OK;
    }
    if (!base) return indeterminate(env);
    *ret = is_array_kind(declared) ? array_of(base) : base;
    if (!*ret)
        return error_set(env->error, ST_UNDEFINED_OBJECT,
                         "could not find array type for data type %s",
                         type_format_name(env->arena, base));
    return OK;
}

status resolve_polymorphic(const struct eval_env *env, const oid *actual, oid *declared, size_t n,
                           oid result, oid *ret_result) {
    bool any = is_simple(result) || is_compatible(result);
    for (size_t i = 0; i < n; i++) {
        any |= is_simple(declared[i]) || is_compatible(declared[i]);
        if (declared[i] == ANYOID) declared[i] = actual[i] == UNKNOWNOID ? TEXTOID : actual[i];
    }
    *ret_result = result;
    if (!any) return OK;
    oid element = 0, array = 0, compatible = 0, solved;
    TRY(solve_simple(env, actual, declared, n, &element, &array));
    TRY(solve_compatible(env, actual, declared, n, &compatible));
    for (size_t i = 0; i < n; i++) {
        if (declared[i] == ANYNONARRAYOID && element && array_element(element))
            return error_set(env->error, ST_DATATYPE_MISMATCH,
                             "type matched to anynonarray is an array type: %s",
                             type_format_name(env->arena, element));
        if (declared[i] == ANYENUMOID && element && !is_enum(element))
            return error_set(env->error, ST_DATATYPE_MISMATCH,
                             "type matched to anyenum is not an enum type: %s",
                             type_format_name(env->arena, element));
        if (!is_simple(declared[i]) && !is_compatible(declared[i])) continue;
        if (is_array_kind(declared[i]) && actual[i] != UNKNOWNOID &&
            (is_simple(declared[i]) || array_element(actual[i]) == compatible)) {
            declared[i] = type_base(actual[i]);
            continue;
        }
        TRY(concrete(env, declared[i], element, array, compatible, &solved));
        declared[i] = solved;
    }
    if (is_simple(result) || is_compatible(result))
        return concrete(env, result, element, array, compatible, ret_result);
    return OK;
}

bool resolve_can_coerce(const oid *from, const oid *to, size_t n, enum cast_context context) {
    oid element, array, compatible = 0;
    bool simple = false, common = false, not_array = false;
    for (size_t i = 0; i < n; i++) {
        if (from[i] == RECORDOID && type_is_named_row(to[i])) continue; /* ROW(…) as one */
        if (resolve_cast(from[i], to[i], context).path == CAST_NONE) return false;
        simple |= is_simple(to[i]);
        common |= is_compatible(to[i]);
        not_array |= to[i] == ANYCOMPATIBLENONARRAYOID;
    }
    if (simple && !ok(solve_simple(NULL, from, to, n, &element, &array))) return false;
    if (common && !ok(solve_compatible(NULL, from, to, n, &compatible))) return false;
    return !(not_array && array_element(compatible));
}
