/* define_cast.c: CREATE CAST, DROP CAST. */
#include "catalog/define_cast.h"
#include "types/resolution.h"

struct cast_draft {
    struct sql_env *env;
    const struct ast_create_cast *stmt;
    const struct type *source, *target;
    oid function; /* 0: none */
    uint16_t nargs;
    char method; /* pg_cast.castmethod */
};

#define REFUSE(env, code, ...) error_set((env)->eval.error, ST_##code, __VA_ARGS__)

static const char *words(struct sql_env *env, oid type) {
    return type_format_name(env->eval.arena, type);
}

/* The value of the one is a value of the other as it stands. */
static bool as_it_is(oid from, oid to) {
    return resolve_cast(from, to, CAST_IMPLICIT).path == CAST_RELABEL;
}

/* ---- whose ----------------------------------------------------------------------------------- */

static status check_owner(struct sql_env *env, oid source, oid target) {
    bool of_source, of_target;
    oid user = env->settings->user_oid;
    TRY(privilege_is_owner(env, OID_pg_type, source, user, &of_source));
    TRY(privilege_is_owner(env, OID_pg_type, target, user, &of_target));
    if (of_source || of_target) return OK;
    return REFUSE(env, INSUFFICIENT_PRIVILEGE, "must be owner of type %s or type %s",
                  words(env, source), words(env, target));
}

/* ---- the function ---------------------------------------------------------------------------- */

static status check_arguments(struct cast_draft *d, const int64_t *types) {
    struct sql_env *env = d->env;
    if (d->nargs < 1 || d->nargs > 3)
        return REFUSE(env, INVALID_OBJECT_DEFINITION,
                      "cast function must take one to three arguments");
    if (!as_it_is(d->source->oid, (oid)types[0]))
        return REFUSE(env, INVALID_OBJECT_DEFINITION,
                      "argument of cast function must match or be binary-coercible from source "
                      "data type");
    if (d->nargs > 1 && types[1] != INT4OID)
        return REFUSE(env, INVALID_OBJECT_DEFINITION,
                      "second argument of cast function must be type integer");
    if (d->nargs > 2 && types[2] != BOOLOID)
        return REFUSE(env, INVALID_OBJECT_DEFINITION,
                      "third argument of cast function must be type boolean");
    return OK;
}

static status take_function(struct cast_draft *d) {
    struct sql_env *env = d->env;
    struct object_address on;
    struct catalog_row row;
    int64_t types[FUNCTION_ARGS_MAX];
    size_t n;
    TRY(define_find_object(env, OBJECT_FUNCTION, &d->stmt->function->node, &on));
    TRY(catalog_row_get_oid(env, CAT_pg_proc, on.object, env->eval.arena, &row));
    TRY(row_numbers(&env->eval, &row, COL_pg_proc_proargtypes, OIDVECTOROID, types,
                    FUNCTION_ARGS_MAX, &n));
    d->function = on.object;
    d->nargs = (uint16_t)n;
    TRY(check_arguments(d, types));
    if (!as_it_is(row_oid(&row, COL_pg_proc_prorettype), d->target->oid))
        return REFUSE(env, INVALID_OBJECT_DEFINITION,
                      "return data type of cast function must match or be binary-coercible to "
                      "target data type");
    if (row_char(&row, COL_pg_proc_prokind) != 'f')
        return REFUSE(env, INVALID_OBJECT_DEFINITION, "cast function must be a normal function");
    if (row_bool(&row, COL_pg_proc_proretset))
        return REFUSE(env, INVALID_OBJECT_DEFINITION, "cast function must not return a set");
    return OK;
}

/* ---- WITHOUT FUNCTION ------------------------------------------------------------------------ */

static status refuse_kind(struct cast_draft *d) {
    static const struct {
        char kind;
        const char *words;
    } refused[] = {{'c', "composite data types are not binary-compatible"},
                   {'e', "enum data types are not binary-compatible"},
                   {'d', "domain data types must not be marked binary-compatible"}};
    const struct type *both[] = {d->source, d->target};
    if (d->source->element || d->target->element)
        return REFUSE(d->env, INVALID_OBJECT_DEFINITION,
                      "array data types are not binary-compatible");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        for (int k = 0; k < 2; k++)
            if (both[k]->kind == refused[i].kind)
                return REFUSE(d->env, INVALID_OBJECT_DEFINITION, "%s", refused[i].words);
    return OK;
}

/* Bytes without anything before or between them. */
static bool is_plain(const struct type *t) {
    switch (t->oid) {
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
    case BYTEAOID:
    case JSONOID: return true;
    default: return false;
    }
}

/* Values of less than 8 bytes have images here that PostgreSQL does not have: which of them are
 * alike is not said by their length. */
static status check_binary(struct cast_draft *d) {
    bool super;
    TRY(role_is_superuser(d->env, d->env->settings->user_oid, &super));
    if (!super)
        return REFUSE(d->env, INSUFFICIENT_PRIVILEGE,
                      "must be superuser to create a cast WITHOUT FUNCTION");
    if (d->source->len != d->target->len || d->source->byval != d->target->byval ||
        d->source->align != d->target->align)
        return REFUSE(d->env, INVALID_OBJECT_DEFINITION,
                      "source and target data types are not physically compatible");
    TRY(refuse_kind(d));
    if (d->source->family == d->target->family || d->source->len == 8 ||
        (is_plain(d->source) && is_plain(d->target)))
        return OK;
    return define_unsupported(d->env, "a cast WITHOUT FUNCTION between these types");
}

/* ---- CREATE CAST ----------------------------------------------------------------------------- */

static status take_type(struct sql_env *env, const struct ast_type_name *name, const char *which,
                        const struct type **ret) {
    oid type;
    int32_t typmod;
    TRY(type_from_ast(env, name, &type, &typmod));
    *ret = type_find(type);
    if (!*ret) return REFUSE(env, INTERNAL_ERROR, "cache lookup failed for type %u", type);
    if ((*ret)->kind == 'p')
        return REFUSE(env, WRONG_OBJECT_TYPE, "%s data type %s is a pseudo-type", which,
                      words(env, type));
    return OK;
}

static void warn_of_domains(struct cast_draft *d) {
    static const char format[] = "cast will be ignored because the %s data type is a domain";
    if (d->source->kind == 'd') define_warning(d->env, "42809", format, "source");
    if (d->target->kind == 'd') define_warning(d->env, "42809", format, "target");
}

static status choose_method(struct cast_draft *d) {
    if (d->stmt->function) {
        d->method = 'f';
        TRY(take_function(d));
    } else {
        d->method = d->stmt->inout ? 'i' : 'b';
        if (!d->stmt->inout) TRY(check_binary(d));
    }
    if (d->source == d->target && d->nargs < 2)
        return REFUSE(d->env, INVALID_OBJECT_DEFINITION,
                      "source data type and target data type are the same");
    return OK;
}

static status insert(struct cast_draft *d) {
    struct sql_env *env = d->env;
    struct catalog_row row;
    oid id;
    datum keys[] = {datum_oid(d->source->oid), datum_oid(d->target->oid)};
    status st = catalog_row_get(env, CAT_pg_cast, OID_pg_cast_source_target_index, keys, 2,
                                env->eval.arena, &row);
    if (ok(st))
        return REFUSE(env, DUPLICATE_OBJECT, "cast from type %s to type %s already exists",
                      words(env, d->source->oid), words(env, d->target->oid));
    if (!status_is(st, ST_NOT_FOUND)) return st;
    TRY(new_oid(env, &id));
    catalog_row_init(&row, CAT_pg_cast);
    row_set_oid(&row, COL_pg_cast_oid, id);
    row_set_oid(&row, COL_pg_cast_castsource, d->source->oid);
    row_set_oid(&row, COL_pg_cast_casttarget, d->target->oid);
    row_set_oid(&row, COL_pg_cast_castfunc, d->function);
    row_set_char(&row, COL_pg_cast_castcontext, d->stmt->context);
    row_set_char(&row, COL_pg_cast_castmethod, d->method);
    TRY(catalog_row_insert(env, CAT_pg_cast, &row));
    struct object_address self = {OID_pg_cast, id, 0};
    TRY(define_depend(env, self, (struct object_address){OID_pg_type, d->source->oid, 0}, 'n'));
    TRY(define_depend(env, self, (struct object_address){OID_pg_type, d->target->oid, 0}, 'n'));
    if (!d->function) return OK;
    return define_depend(env, self, (struct object_address){OID_pg_proc, d->function, 0}, 'n');
}

status define_create_cast(struct sql_env *env, const struct ast_create_cast *s) {
    struct cast_draft d = {.env = env, .stmt = s};
    TRY(take_type(env, s->source, "source", &d.source));
    TRY(take_type(env, s->target, "target", &d.target));
    TRY(check_owner(env, d.source->oid, d.target->oid));
    TRY(privilege_check(env, OID_pg_type, d.source->oid, ACL_USAGE));
    TRY(privilege_check(env, OID_pg_type, d.target->oid, ACL_USAGE));
    warn_of_domains(&d);
    TRY(choose_method(&d));
    return insert(&d);
}

/* ---- DROP CAST ------------------------------------------------------------------------------- */

static status text_of(struct sql_env *env, const struct catalog_row *row, const char **ret) {
    *ret = arena_printf(env->eval.arena, "cast from %s to %s",
                        words(env, row_oid(row, COL_pg_cast_castsource)),
                        words(env, row_oid(row, COL_pg_cast_casttarget)));
    return *ret ? OK : no_memory(env);
}

status define_cast_text(struct sql_env *env, oid cast, const char **ret) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_cast, cast, env->eval.arena, &row));
    return text_of(env, &row, ret);
}

status define_forget_cast(struct sql_env *env, oid cast) {
    datum key = datum_oid(cast);
    TRY(define_forget(env, OID_pg_cast, cast));
    TRY(catalog_rows_delete(env, CAT_pg_cast, 0, &key, 1, NULL));
    catalog_changed(env);
    return OK;
}

status define_drop_cast(struct sql_env *env, const struct catalog_row *row, bool cascade) {
    const char *text;
    oid cast = row_oid(row, COL_pg_cast_oid);
    TRY(check_owner(env, row_oid(row, COL_pg_cast_castsource),
                    row_oid(row, COL_pg_cast_casttarget)));
    TRY(text_of(env, row, &text));
    TRY(define_drop_object_dependents(env, OID_pg_cast, cast, text, cascade));
    return define_forget_cast(env, cast);
}
