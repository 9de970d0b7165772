#include "types/type.h"
#include "types/client_text.h"

#include <stdlib.h>

#include "types/collator.h"
#include "types/domain.h"
#include "types/internal.h"
#include "types/lookup.h"

#define X(id, tname, size, tkind, cat, pref, delim, al, stor, elem, arr, coll, fin, fout, frecv,   \
          fsend, fmodin, fmodout, fsub, fam)                                                       \
    {.oid = id,                                                                                    \
     .name = tname,                                                                                \
     .len = size,                                                                                  \
     .byval = size > 0 && size <= 8,                                                               \
     .kind = tkind,                                                                                \
     .category = cat,                                                                              \
     .preferred = pref,                                                                            \
     .delimiter = delim,                                                                           \
     .align = al,                                                                                  \
     .storage = stor,                                                                              \
     .element = elem,                                                                              \
     .array = arr,                                                                                 \
     .collation = coll,                                                                            \
     .in_function = fin,                                                                           \
     .out_function = fout,                                                                         \
     .receive_function = frecv,                                                                    \
     .send_function = fsend,                                                                       \
     .typmod_in_function = fmodin,                                                                 \
     .typmod_out_function = fmodout,                                                               \
     .subscript_function = fsub,                                                                   \
     .family = &family_##fam},
static const struct type types[] = {
#include "types/type.def"
};
#undef X

#define TYPE_COUNT (sizeof types / sizeof *types)

static uint16_t type_slot[BUILTIN_OID_END]; /* oid → position + 1 */
static uint16_t types_by_name[TYPE_COUNT];

static int compare_type_names(const void *a, const void *b) {
    return strcmp(types[*(const uint16_t *)a].name, types[*(const uint16_t *)b].name);
}

status types_init(void) {
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        CHECK(types[i].oid < BUILTIN_OID_END && !type_slot[types[i].oid]);
        type_slot[types[i].oid] = (uint16_t)(i + 1);
        types_by_name[i] = (uint16_t)i;
    }
    qsort(types_by_name, TYPE_COUNT, sizeof *types_by_name, compare_type_names);
    functions_init();
    operators_init();
    casts_init();
    aggregates_init();
    return collators_init();
}

static const struct type_source no_source;
static const struct type_source *source = &no_source;

void types_set_source(const struct type_source *s) {
    source = s ? s : &no_source;
}

const struct type_source *types_source(void) {
    return source;
}

status type_set_family(struct type *t) {
    switch (t->kind) {
    case 'e': t->family = &family_enum; break;
    case 'c': t->family = &family_record; break;
    case 'd': t->family = domain_family(t->arena, t->base); break;
    default: t->family = &family_array;
    }
    return t->family ? OK : STATUS(OUT_OF_MEMORY);
}

const struct type *type_find(oid id) {
    if (id < BUILTIN_OID_END && type_slot[id]) return &types[type_slot[id] - 1];
    return id && source->find ? source->find(id) : NULL; /* defined, or of a catalog's rows */
}

oid type_base(oid id) {
    if (id < BUILTIN_OID_END) return id;
    const struct type *t = type_find(id);
    return t && t->base ? t->base->oid : id;
}

status type_check_domain(const struct eval_env *env, const struct type *t, datum value,
                         bool is_null) {
    if (!t->base || (!t->not_null && !t->nchecks)) return OK;
    if (!source->check_domain)
        return error_set(env->error, ST_FEATURE_NOT_SUPPORTED, "domains cannot be checked here");
    return source->check_domain(env, t, value, is_null);
}

const struct type *type_find_by_name(const char *name) {
    size_t low = 0, high = TYPE_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(types[types_by_name[middle]].name, name);
        if (order == 0) return &types[types_by_name[middle]];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct type *type_at(size_t index) {
    return index < TYPE_COUNT ? &types[index] : NULL;
}

size_t type_count(void) {
    return TYPE_COUNT;
}

void session_env_init(struct session_env *s, uint64_t seed) {
    *s = (struct session_env){
        .time_zone = tz_utc(), .extra_float_digits = 1, .client_encoding = ENCODING_UTF8};
    s->random_state[0] = hash_u64(seed + 1);
    s->random_state[1] = hash_u64(seed + 2) | 1;
}

static status not_supported(const struct eval_env *env, const struct type *t, const char *what) {
    return error_set(env->error, ST_FEATURE_NOT_SUPPORTED, "cannot %s a value of type %s", what,
                     type_format_name(env->arena, t->oid));
}

status type_input(const struct eval_env *env, const struct type *t, int32_t typmod,
                  const char *text, size_t len, datum *ret) {
    if (!t->family->in) return not_supported(env, t, "accept");
    return t->family->in(env, t, typmod, text, len, ret);
}

status type_output(const struct eval_env *env, const struct type *t, datum value, struct buf *out) {
    if (!t->family->out) return not_supported(env, t, "display");
    return t->family->out(env, t, value, out);
}

status type_output_string(const struct eval_env *env, const struct type *t, datum value,
                          char **ret_text, size_t *ret_len) {
    struct buf b = {0};
    status s = type_output(env, t, value, &b);
    if (ok(s)) {
        char *text = arena_strndup(env->arena, b.data ? b.data : "", b.len);
        if (!text)
            s = out_of_memory(env);
        else {
            *ret_text = text;
            if (ret_len) *ret_len = b.len;
        }
    }
    buf_free(&b);
    return s;
}

status type_receive(const struct eval_env *env, const struct type *t, int32_t typmod,
                    const char *bytes, size_t len, datum *ret) {
    if (!t->family->receive)
        return error_set(env->error, ST_UNDEFINED_FUNCTION,
                         "no binary input function available for type %s",
                         type_format_name(env->arena, t->oid));
    if (t->family->binary_is_text && client_converts(env->session))
        TRY(client_text_in(env, env->session->client_encoding, bytes, len, &bytes, &len));
    return t->family->receive(env, t, typmod, bytes, len, ret);
}

static status send_text(const struct eval_env *env, const struct type *t, datum value,
                        struct buf *out) {
    struct buf text = {0};
    status s = t->family->send(env, t, value, &text);
    if (ok(s))
        s = client_text_out(env->error, env->session->client_encoding, text.data, text.len, out);
    buf_free(&text);
    return s;
}

status type_send(const struct eval_env *env, const struct type *t, datum value, struct buf *out) {
    if (!t->family->send)
        return error_set(env->error, ST_UNDEFINED_FUNCTION,
                         "no binary output function available for type %s",
                         type_format_name(env->arena, t->oid));
    if (t->family->binary_is_text && client_converts(env->session))
        return send_text(env, t, value, out);
    return t->family->send(env, t, value, out);
}

status type_apply_typmod(const struct eval_env *env, const struct type *t, datum value,
                         int32_t typmod, bool is_explicit, datum *ret) {
    if (typmod < 0 || !t->family->apply_typmod) {
        *ret = value;
        return OK;
    }
    return t->family->apply_typmod(env, t, value, typmod, is_explicit, ret);
}

status type_typmod_in(const struct eval_env *env, const struct type *t, const int32_t *values,
                      size_t n, int32_t *ret_typmod) {
    if (!t->family->typmod_in)
        return error_set(env->error, ST_SYNTAX_ERROR,
                         "type modifier is not allowed for type \"%s\"", t->name);
    /* An array's modifier is its elements'. */
    const struct type *base =
        t->family == &family_array ? type_below(type_find(t->element)) : type_below(t);
    if (!base || !base->family->typmod_in)
        return error_set(env->error, ST_SYNTAX_ERROR,
                         "type modifier is not allowed for type \"%s\"",
                         base ? base->name : t->name);
    return base->family->typmod_in(env, base, values, n, ret_typmod);
}

int type_compare(const struct type *t, datum a, datum b) {
    return t->family->compare(t, a, b);
}

bool type_is_ordered(const struct type *t) {
    t = type_below(t);
    if (t->family == &family_array) {
        const struct type *e = type_below(type_find(t->element));
        return e && e->family->compare;
    }
    return t->family->compare && t->oid != XIDOID && t->oid != CIDOID && t->oid != ACLITEMOID;
}

bool type_has_equality(const struct type *t) {
    return type_is_ordered(t) || type_is_hashable(t);
}

bool type_is_hashable(const struct type *t) {
    t = type_below(t);
    if (t->family == &family_array) {
        const struct type *e = type_below(type_find(t->element));
        return e && e->family->hash;
    }
    return t->family->hash;
}

uint64_t type_hash(const struct type *t, datum value) {
    return t->family->hash(t, value);
}

size_t type_value_bytes(const struct type *t, datum value) {
    if (t->byval) return 0;
    if (t->len > 0) return (size_t)t->len;
    if (t->len == -2) return strlen(value.s) + 1;
    return sizeof(struct varlena) + value.v->len;
}

status type_copy(const struct type *t, datum value, struct arena *a, datum *ret) {
    if (t->byval) {
        *ret = value;
        return OK;
    }
    void *copy = arena_memdup(a, value.p, type_value_bytes(t, value));
    if (!copy) return STATUS(OUT_OF_MEMORY);
    *ret = datum_ptr(copy);
    return OK;
}

/* ---- what text forms depend on ---- */

bool type_input_is_fixed(oid type) {
    switch (type) {
    case BOOLOID:
    case BYTEAOID:
    case CHAROID:
    case NAMEOID:
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case OIDOID:
    case FLOAT4OID:
    case FLOAT8OID:
    case NUMERICOID:
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
    case BITOID:
    case VARBITOID:
    case UUIDOID:
    case INETOID:
    case CIDROID:
    case MACADDROID:
    case MACADDR8OID:
    case JSONOID:
    case JSONBOID: return true;
    default: return false;
    }
}

bool type_text_is_fixed(oid type) {
    return type == TIMEOID || type == TIMETZOID || type_input_is_fixed(type);
}
