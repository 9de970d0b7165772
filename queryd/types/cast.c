/* Which cast leads from one type to another, and performing it. */
#include "types/array.h"
#include "types/internal.h"
#include "types/resolution.h"

static oid element_of(oid id) {
    const struct type *t = type_below(type_find(id));
    return t && t->family == &family_array ? (oid)t->element : 0;
}

/* int2vector and oidvector are arrays when cast from, as in PostgreSQL, never when cast to. */
static oid source_element_of(oid id) {
    const struct type *t = type_find(id);
    return t && t->family == &family_vector ? (oid)t->element : element_of(id);
}

static bool context_allows(const struct cast_info *cast, enum cast_context context) {
    switch (cast->context) {
    case 'i': return true;
    case 'a': return context >= CAST_ASSIGNMENT;
    default: return context == CAST_EXPLICIT;
    }
}

static struct cast_result path_only(enum cast_path path) {
    return (struct cast_result){.path = path};
}

static struct cast_result listed_cast(const struct cast_info *cast) {
    switch (cast->method) {
    case 'b': return path_only(CAST_RELABEL);
    case 'i': return path_only(CAST_IO);
    default: return (struct cast_result){.path = CAST_FUNCTION, .function = cast->function};
    }
}

static struct cast_result array_cast(oid from, oid to, enum cast_context context) {
    oid from_element = source_element_of(from), to_element = element_of(to);
    if (!from_element || !to_element) return path_only(CAST_NONE);
    struct cast_result element = resolve_cast(from_element, to_element, context);
    if (element.path == CAST_NONE || element.path == CAST_ARRAY) return path_only(CAST_NONE);
    return (struct cast_result){.path = CAST_ARRAY,
                                .element_path = element.path,
                                .element_domain = element.domain,
                                .function = element.function};
}

/* Targets that accept whatever arrives; consistency among them is resolve_polymorphic's. */
static bool accepted_as_is(const struct type *from, oid to) {
    switch (to) {
    case ANYOID:
    case ANYELEMENTOID:
    case ANYCOMPATIBLEOID: return true;
    case ANYARRAYOID:
    case ANYCOMPATIBLEARRAYOID:
        return from->family == &family_array || from->family == &family_vector ||
               from->oid == ANYARRAYOID;
    case ANYENUMOID: return from->kind == 'e';
    case RECORDOID: return from->kind == 'c';
    case RECORDARRAYOID: {
        const struct type *element =
            from->family == &family_array ? type_find(from->element) : NULL;
        return element && element->kind == 'c';
    }
    case ANYNONARRAYOID:
    case ANYCOMPATIBLENONARRAYOID:
        return from->family != &family_array && from->family != &family_vector;
    default: return false;
    }
}

/* From what is no domain to what is none. */
static struct cast_result resolve_plain(oid from, oid to, enum cast_context context) {
    const struct type *source = type_find(from), *target = type_find(to);
    if (from == to) return path_only(CAST_RELABEL);
    if (!source || !target) return path_only(CAST_NONE);
    if (accepted_as_is(source, to)) return path_only(CAST_RELABEL);
    if (from == UNKNOWNOID)
        return path_only(target->kind == 'p' && to != CSTRINGOID && to != RECORDOID && to != VOIDOID
                             ? CAST_RELABEL
                             : CAST_INPUT);
    const struct cast_info *cast = cast_known(from, to);
    if (cast) return context_allows(cast, context) ? listed_cast(cast) : path_only(CAST_NONE);
    struct cast_result array = array_cast(from, to, context);
    if (array.path != CAST_NONE) return array;
    bool pseudo = source->kind == 'p' && from != RECORDOID;
    if (pseudo || target->kind == 'p') return path_only(CAST_NONE);
    if (from == RECORDOID && target->kind == 'c') return path_only(CAST_NONE);
    if (context >= CAST_ASSIGNMENT && target->category == 'S') return path_only(CAST_IO);
    if (context == CAST_EXPLICIT && source->category == 'S') return path_only(CAST_IO);
    return path_only(CAST_NONE);
}

/* A domain is its base type, but for what it refuses. */
struct cast_result resolve_cast(oid from, oid to, enum cast_context context) {
    if (from == to) return path_only(CAST_RELABEL);
    const struct type *source = type_find(from), *target = type_find(to);
    if (!source || !target) return path_only(CAST_NONE);
    struct cast_result cast =
        resolve_plain(type_below(source)->oid, type_below(target)->oid, context);
    cast.domain = target->base && cast.path != CAST_NONE;
    return cast;
}

/* ---- performing ---- */

static status cast_by_text(const struct eval_env *env, oid from, oid to, datum value, datum *ret) {
    struct buf text = {0};
    status s = type_output(env, type_find(from), value, &text);
    if (ok(s)) s = type_input(env, type_find(to), -1, text.data ? text.data : "", text.len, ret);
    buf_free(&text);
    return s;
}

static status cast_by_function(const struct eval_env *env, oid function, oid from, oid to,
                               int32_t typmod, bool is_explicit, datum value, datum *ret,
                               bool *ret_is_null) {
    const struct function *f = function_known(function);
    if (!f)
        return error_set(env->error, ST_INTERNAL_ERROR, "cast function %u is missing", function);
    datum args[3] = {value, datum_int4(typmod), datum_bool(is_explicit)};
    uint8_t nulls[3] = {0};
    oid types[3] = {from, INT4OID, BOOLOID};
    return function_call_simple(env, f, types, args, nulls, f->nargs, to, ret, ret_is_null);
}

static status cast_elements(const struct eval_env *env, struct cast_result cast, oid from, oid to,
                            int32_t typmod, bool is_explicit, datum value, datum *ret) {
    struct cast_result each = {
        .path = cast.element_path, .function = cast.function, .domain = cast.element_domain};
    struct array_parts a;
    TRY(array_split(env, value.v, &a));
    a.element = element_of(to);
    for (uint32_t i = 0; i < a.n; i++) {
        bool is_null = a.nulls[i];
        if (is_null && each.domain)
            TRY(type_check_domain(env, type_find(a.element), a.values[i], true));
        if (!is_null)
            TRY(cast_value(env, each, source_element_of(from), a.element, typmod, is_explicit,
                           a.values[i], &a.values[i], &is_null));
        a.nulls[i] = is_null;
    }
    return array_build(env, &a, ret);
}

/* To the domain's base with its modifier, and then the look at it. */
static status cast_to_domain(const struct eval_env *env, struct cast_result cast, oid from, oid to,
                             bool is_explicit, datum value, datum *ret_value, bool *ret_is_null) {
    const struct type *t = type_find(to);
    if (!t || !t->base)
        return error_set(env->error, ST_INTERNAL_ERROR, "cache lookup failed for type %u", to);
    cast.domain = false;
    TRY(cast_value(env, cast, from, t->base->oid, t->typmod, is_explicit, value, &value,
                   ret_is_null));
    if (!*ret_is_null) TRY(type_apply_typmod(env, t->base, value, t->typmod, is_explicit, &value));
    *ret_value = value;
    return type_check_domain(env, t, value, *ret_is_null);
}

status cast_value(const struct eval_env *env, struct cast_result cast, oid from, oid to,
                  int32_t typmod, bool is_explicit, datum value, datum *ret_value,
                  bool *ret_is_null) {
    *ret_is_null = false;
    if (cast.domain)
        return cast_to_domain(env, cast, from, to, is_explicit, value, ret_value, ret_is_null);
    switch (cast.path) {
    case CAST_RELABEL: *ret_value = value; return OK;
    case CAST_FUNCTION:
        return cast_by_function(env, cast.function, from, to, typmod, is_explicit, value, ret_value,
                                ret_is_null);
    case CAST_IO: return cast_by_text(env, from, to, value, ret_value);
    case CAST_INPUT:
        return type_input(env, type_find(to), is_explicit ? -1 : typmod, value.s, strlen(value.s),
                          ret_value);
    case CAST_ARRAY:
        return cast_elements(env, cast, from, to, typmod, is_explicit, value, ret_value);
    case CAST_NONE: break;
    }
    return error_set(env->error, ST_CANNOT_COERCE, "cannot cast type %s to %s",
                     type_format_name(env->arena, from), type_format_name(env->arena, to));
}
