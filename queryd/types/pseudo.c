/* Families void, the other pseudo-types, and the reg… types. */
#include "types/internal.h"
#include "types/lookup.h"
#include "types/reg_operator.h"

/* ---- void ---- */

static status void_in(const struct eval_env *, const struct type *, int32_t, const char *, size_t,
                      datum *ret) {
    *ret = datum_int8(0);
    return OK;
}

static status void_out(const struct eval_env *, const struct type *, datum, struct buf *) {
    return OK;
}

const struct type_family family_void = {
    .in = void_in, .out = void_out, .receive = void_in, .send = void_out};

/* ---- any, anyelement, internal, trigger … ---- */

static status pseudo_in(const struct eval_env *env, const struct type *t, int32_t, const char *,
                        size_t, datum *) {
    return error_set(env->error, ST_FEATURE_NOT_SUPPORTED, "cannot accept a value of type %s",
                     t->name);
}

static status pseudo_out(const struct eval_env *env, const struct type *t, datum, struct buf *) {
    return error_set(env->error, ST_FEATURE_NOT_SUPPORTED, "cannot display a value of type %s",
                     t->name);
}

static status pseudo_receive(const struct eval_env *env, const struct type *t, int32_t typmod,
                             const char *bytes, size_t len, datum *ret) {
    return pseudo_in(env, t, typmod, bytes, len, ret);
}

const struct type_family family_pseudo = {
    .in = pseudo_in, .out = pseudo_out, .receive = pseudo_receive, .send = pseudo_out};

/* ---- reg…: an oid whose text is a name ---- */

static enum reg_kind kind_of(const struct type *t) {
    switch ((uint32_t)t->oid) {
    case REGTYPEOID: return REG_TYPE;
    case REGPROCOID: return REG_PROC;
    case REGPROCEDUREOID: return REG_PROCEDURE;
    case REGOPEROID: return REG_OPER;
    case REGOPERATOROID: return REG_OPERATOR;
    case REGNAMESPACEOID: return REG_NAMESPACE;
    case REGROLEOID: return REG_ROLE;
    case REGCOLLATIONOID: return REG_COLLATION;
    default: return REG_CLASS;
    }
}

static status no_such_name(const struct eval_env *env, enum reg_kind kind, const char *name) {
    static const struct {
        enum status_code code;
        const char *what;
    } words[] = {[REG_CLASS] = {ST_UNDEFINED_TABLE, "relation"},
                 [REG_TYPE] = {ST_UNDEFINED_OBJECT, "type"},
                 [REG_PROC] = {ST_UNDEFINED_FUNCTION, "function"},
                 [REG_PROCEDURE] = {ST_UNDEFINED_FUNCTION, "function"},
                 [REG_OPER] = {ST_UNDEFINED_FUNCTION, "operator"},
                 [REG_OPERATOR] = {ST_UNDEFINED_FUNCTION, "operator"},
                 [REG_NAMESPACE] = {ST_INVALID_SCHEMA_NAME, "schema"},
                 [REG_ROLE] = {ST_UNDEFINED_OBJECT, "role"},
                 [REG_COLLATION] = {ST_UNDEFINED_OBJECT, "collation"}};
    return error_set(env->error, words[kind].code, "%s \"%s\" does not exist", words[kind].what,
                     name);
}

/* Built-in functions by name, when there is exactly one. */
static status find_function(const struct eval_env *env, const char *name, oid *ret) {
    size_t first;
    if (strncmp(name, "pg_catalog.", 11) == 0) name += 11;
    size_t n = function_find_by_name(name, &first);
    if (n == 0) return STATUS(NOT_FOUND);
    if (n > 1)
        return error_set(env->error, ST_AMBIGUOUS_FUNCTION, "more than one function named \"%s\"",
                         name);
    *ret = function_by_name_at(first)->oid;
    return OK;
}

static status reg_in(const struct eval_env *env, const struct type *t, int32_t, const char *text,
                     size_t len, datum *ret) {
    enum reg_kind kind = kind_of(t);
    oid found = 0;
    bool digits = len > 0;
    for (size_t i = 0; i < len; i++) digits &= is_digit(text[i]);
    if (digits) {
        int64_t value;
        TRY(int_parse(env, text, len, 0, UINT32_MAX, "oid", &value));
        *ret = datum_oid((oid)value);
        return OK;
    }
    char *name = arena_strndup(env->arena, text, len);
    if (!name) return out_of_memory(env);
    status s = STATUS(NOT_FOUND);
    if (strcmp(name, "-") == 0 && kind != REG_OPER && kind != REG_OPERATOR)
        s = OK;
    else if (kind == REG_TYPE)
        s = type_parse_name(env, name, &found, NULL);
    else if (kind == REG_PROC)
        s = find_function(env, name, &found);
    else if (kind == REG_OPER)
        s = reg_operator_find_name(env, name, &found);
    else if (kind == REG_OPERATOR)
        s = reg_operator_find(env, name, &found);
    const struct name_service *names = env->session ? env->session->names : NULL;
    if (status_is(s, ST_NOT_FOUND) && names && names->lookup)
        s = names->lookup(env->session, kind, name, env->error, &found);
    if (status_is(s, ST_NOT_FOUND)) return no_such_name(env, kind, name);
    TRY(s);
    *ret = datum_oid(found);
    return OK;
}

static status print_built_in(enum reg_kind kind, oid id, struct buf *out) {
    if (kind == REG_TYPE && id < BUILTIN_OID_END && type_find(id)) return type_format(id, -1, out);
    if (kind == REG_PROC && function_find(id)) return buf_add_str(out, function_find(id)->name);
    if (kind == REG_OPER || kind == REG_OPERATOR)
        return reg_operator_print(id, kind == REG_OPERATOR, out);
    if (kind == REG_PROCEDURE && function_find(id)) {
        const struct function *f = function_find(id);
        TRY(buf_printf(out, "%s(", f->name));
        for (size_t i = 0; i < f->nargs; i++) {
            if (i) TRY(buf_add(out, ",", 1));
            TRY(type_format(f->args[i], -1, out));
        }
        return buf_add(out, ")", 1);
    }
    return STATUS(NOT_FOUND);
}

static status reg_out(const struct eval_env *env, const struct type *t, datum value,
                      struct buf *out) {
    enum reg_kind kind = kind_of(t);
    bool is_operator = kind == REG_OPER || kind == REG_OPERATOR;
    if (!value.u32) return buf_add(out, is_operator ? "0" : "-", 1);
    status s = print_built_in(kind, value.u32, out);
    const struct name_service *names = env && env->session ? env->session->names : NULL;
    if (status_is(s, ST_NOT_FOUND) && names && names->print)
        s = names->print(env->session, kind, value.u32, out);
    return status_is(s, ST_NOT_FOUND) ? buf_printf(out, "%u", value.u32) : s;
}

static status reg_receive(const struct eval_env *env, const struct type *t, int32_t typmod,
                          const char *bytes, size_t len, datum *ret) {
    return family_oid.receive(env, t, typmod, bytes, len, ret);
}

static status reg_send(const struct eval_env *env, const struct type *t, datum value,
                       struct buf *out) {
    return family_oid.send(env, t, value, out);
}

static int reg_compare(const struct type *, datum a, datum b) {
    return (a.u32 > b.u32) - (a.u32 < b.u32);
}

static uint64_t reg_hash(const struct type *, datum value) {
    return hash_u64(value.u64);
}

static status reg_key(const struct type *t, datum value, struct buf *out) {
    return family_oid.send(NULL, t, value, out);
}

const struct type_family family_reg = {.in = reg_in,
                                       .out = reg_out,
                                       .receive = reg_receive,
                                       .send = reg_send,
                                       .compare = reg_compare,
                                       .hash = reg_hash,
                                       .key = reg_key,
                                       .key_len = key_len_4};

/* to_regclass(text) and its kin: null instead of an error when there is no such name. */
status fn_to_reg(struct fn_call *c) {
    const struct type *t = type_find(c->site->function->result);
    struct error scratch;
    error_clear(&scratch);
    struct eval_env quiet = *c->env;
    quiet.error = &scratch;
    const struct varlena *name = c->args[0].v;
    bool digits = name->len > 0;
    for (size_t i = 0; i < name->len; i++) digits &= is_digit(name->data[i]);
    if (digits) return give_null(c);
    status s = reg_in(&quiet, t, -1, name->data, name->len, &c->result);
    if (status_is(s, ST_INSUFFICIENT_PRIVILEGE)) *c->env->error = scratch; /* a schema's */
    return ok(s) || status_is(s, ST_INSUFFICIENT_PRIVILEGE) ? s : give_null(c);
}

status fn_text_regclass(struct fn_call *c) {
    return reg_in(c->env, type_find(REGCLASSOID), -1, c->args[0].v->data, c->args[0].v->len,
                  &c->result);
}

status fn_name_of_type(struct fn_call *c) {
    if (c->nulls[0]) return give_null(c);
    struct buf b = {0};
    int32_t typmod = c->nulls[1] ? -1 : c->args[1].i32;
    /* Unlike the SQL name, a modifier of -1 that is given says char without length. */
    if (c->args[0].u32 == BPCHAROID && !c->nulls[1] && typmod < 0) return give_string(c, "bpchar");
    status s = type_format(c->args[0].u32, typmod, &b);
    return give_buf(c, s, &b);
}
