/* function_privilege.c: has_…_privilege, pg_has_role. */
#include "catalog/define_internal.h"
#include "catalog/function_bodies.h"

struct question {
    struct fn_call *c;
    struct sql_env env;
    oid role;
    int at; /* the next argument */
    uint32_t rights;
    bool unknown; /* the object is not there: the answer is null */
};

static oid declared(const struct question *q) {
    return q->c->site->function->args[q->at];
}

static char *text_at(struct question *q, int i) {
    const struct varlena *v = q->c->args[i].v;
    if (q->c->site->function->args[i] == NAMEOID)
        return arena_strdup(q->env.eval.arena, q->c->args[i].s);
    return arena_strndup(q->env.eval.arena, v->data, v->len);
}

/* ---- who ------------------------------------------------------------------------------------- */

static status user_argument(struct question *q, bool public_counts) {
    if (declared(q) == OIDOID) {
        q->role = q->c->args[q->at++].u32;
        return OK;
    }
    const char *name = text_at(q, q->at++);
    if (!name) return no_memory(&q->env);
    q->role = ACL_PUBLIC;
    return public_counts && !strcmp(name, "public") ? OK : role_need(&q->env, name, &q->role);
}

static status begin(struct question *q, struct fn_call *c, int nargs_without_user) {
    *q = (struct question){.c = c};
    TRY(function_env(c, &q->env));
    q->role = q->env.settings->user_oid;
    return c->nargs > nargs_without_user ? user_argument(q, true) : OK;
}

/* ---- which rights ---------------------------------------------------------------------------- */

static bool ends_with(const char *text, size_t len, const char *tail) {
    size_t n = strlen(tail);
    return len >= n && !strncasecmp(text + len - n, tail, n);
}

static status one_right(struct question *q, const char *word, size_t len, uint32_t possible) {
    static const char option[] = " WITH GRANT OPTION";
    bool with = ends_with(word, len, option);
    size_t n = with ? len - strlen(option) : len;
    uint32_t right = acl_right_named(word, n);
    if (!(right & possible))
        return error_set(q->env.eval.error, ST_INVALID_PARAMETER_VALUE,
                         "unrecognized privilege type: \"%.*s\"", (int)len, word);
    q->rights |= with ? ACL_OPTION(right) : right;
    return OK;
}

/* Words between commas: one of them is enough. */
static status rights_argument(struct question *q, uint32_t possible) {
    const char *text = text_at(q, q->at++);
    if (!text) return no_memory(&q->env);
    for (const char *at = text;;) {
        size_t len = strcspn(at, ",");
        const char *word = at + strspn(at, " \t\n\r"), *end = at + len;
        while (end > word && strchr(" \t\n\r", end[-1])) end--;
        TRY(one_right(q, word, word < end ? (size_t)(end - word) : 0, possible));
        if (!at[len]) return OK;
        at += len + 1;
    }
}

/* ---- which object ---------------------------------------------------------------------------- */

struct object_kind {
    const char *function;
    oid class_oid;
    enum acl_kind kind;
    enum reg_kind by_name;
    enum ast_object_type type; /* else, for define_find_object */
};

static const struct object_kind kinds[] = {
    {"has_table_privilege", OID_pg_class, ACL_KIND_RELATION, REG_CLASS, OBJECT_TABLE},
    {"has_sequence_privilege", OID_pg_class, ACL_KIND_SEQUENCE, REG_CLASS, OBJECT_SEQUENCE},
    {"has_column_privilege", OID_pg_class, ACL_KIND_COLUMN, REG_CLASS, OBJECT_TABLE},
    {"has_any_column_privilege", OID_pg_class, ACL_KIND_COLUMN, REG_CLASS, OBJECT_TABLE},
    {"has_function_privilege", OID_pg_proc, ACL_KIND_FUNCTION, REG_PROCEDURE, OBJECT_FUNCTION},
    {"has_type_privilege", OID_pg_type, ACL_KIND_TYPE, REG_TYPE, OBJECT_TYPE},
    {"has_schema_privilege", OID_pg_namespace, ACL_KIND_SCHEMA, REG_NAMESPACE, OBJECT_SCHEMA},
    {"has_database_privilege", OID_pg_database, ACL_KIND_DATABASE, REG_NAMESPACE, OBJECT_DATABASE},
    {"has_language_privilege", OID_pg_language, ACL_KIND_LANGUAGE, REG_NAMESPACE, OBJECT_LANGUAGE},
    {"has_tablespace_privilege", OID_pg_tablespace, ACL_KIND_TABLESPACE, REG_NAMESPACE,
     OBJECT_TABLESPACE},
};

static const struct object_kind *kind_of(const struct fn_call *c) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].function, c->site->function->name)) return &kinds[i];
    return NULL;
}

static status by_reg(struct question *q, const struct object_kind *k, const char *name, oid *ret) {
    const struct type *t = type_find(k->by_name == REG_CLASS ? REGCLASSOID : REGTYPEOID);
    datum value;
    if (k->class_oid == OID_pg_proc) return define_find_signature(&q->env, name, ret);
    TRY(type_input(&q->env.eval, t, -1, name, strlen(name), &value));
    *ret = value.u32;
    return OK;
}

static status named_object(struct question *q, const struct object_kind *k, oid *ret) {
    struct object_address a;
    const char *name = text_at(q, q->at++);
    if (!name) return no_memory(&q->env);
    if (k->class_oid == OID_pg_class || k->class_oid == OID_pg_proc || k->class_oid == OID_pg_type)
        return by_reg(q, k, name, ret);
    struct ast_literal literal = {.node = {.kind = NODE_LITERAL, .location = -1},
                                  .text = (char *)name};
    TRY(define_find_object(&q->env, k->type, &literal.node, &a));
    *ret = a.object;
    return OK;
}

static status object_argument(struct question *q, const struct object_kind *k,
                              const struct object_acl **ret) {
    oid object;
    if (declared(q) == OIDOID)
        object = q->c->args[q->at++].u32;
    else
        TRY(named_object(q, k, &object));
    status st = privilege_object(&q->env, k->class_oid, object, ret);
    q->unknown = status_is(st, ST_NOT_FOUND);
    if (q->unknown) return OK;
    TRY(st);
    if (k->kind != ACL_KIND_SEQUENCE || (*ret)->subkind == 'S') return OK;
    return error_set(q->env.eval.error, ST_WRONG_OBJECT_TYPE, "\"%s\" is not a sequence",
                     (*ret)->name);
}

static status answer(struct question *q, uint32_t has) {
    if (q->unknown) return return_null(q->c);
    q->c->result = datum_bool(has != 0);
    return OK;
}

status fn_has_privilege(struct fn_call *c) {
    const struct object_kind *k = kind_of(c);
    const struct object_acl *o = NULL;
    struct question q;
    uint32_t has = 0;
    TRY(begin(&q, c, 2));
    TRY(object_argument(&q, k, &o));
    TRY(rights_argument(&q, acl_kind_rights(k->kind)));
    if (!q.unknown) TRY(privilege_mask(&q.env, o, q.role, q.rights, &has));
    return answer(&q, has);
}

/* ---- columns --------------------------------------------------------------------------------- */

#define SYSTEM_COLUMN_MIN (-6) /* tableoid: they have no lists of their own */

static status column_argument(struct question *q, const struct object_acl *o, int16_t *ret) {
    const struct relation *r;
    if (q->unknown) {
        q->at++;
        return OK;
    }
    TRY(catalog_relation(&q->env, o->object, &r));
    if (declared(q) == INT2OID) {
        *ret = q->c->args[q->at++].i16;
        q->unknown = *ret < SYSTEM_COLUMN_MIN || !*ret || *ret > r->natts ||
                     (*ret > 0 && r->atts[*ret - 1].dropped);
        return OK;
    }
    struct attribute *att;
    const char *name = text_at(q, q->at++);
    if (!name) return no_memory(&q->env);
    if (r->kind == 'r' && define_is_system_column(name)) {
        *ret = SYSTEM_COLUMN_MIN; /* all are the same here */
        return OK;
    }
    TRY(define_need_attribute(&q->env, r, name, &att));
    *ret = att->number;
    return OK;
}

status fn_has_column_privilege(struct fn_call *c) {
    const struct object_acl *o = NULL;
    struct question q;
    int16_t column = 0;
    uint32_t has = 0;
    TRY(begin(&q, c, 3));
    TRY(object_argument(&q, kind_of(c), &o));
    TRY(column_argument(&q, o, &column));
    TRY(rights_argument(&q, ACL_ALL_COLUMN));
    if (!q.unknown) TRY(privilege_mask(&q.env, o, q.role, q.rights, &has));
    if (!q.unknown && !has) TRY(privilege_column_mask(&q.env, o, column, q.role, q.rights, &has));
    return answer(&q, has);
}

status fn_has_any_column_privilege(struct fn_call *c) {
    const struct object_acl *o = NULL;
    struct question q;
    uint32_t has = 0;
    TRY(begin(&q, c, 2));
    TRY(object_argument(&q, kind_of(c), &o));
    TRY(rights_argument(&q, ACL_ALL_COLUMN));
    if (!q.unknown) TRY(privilege_mask(&q.env, o, q.role, q.rights, &has));
    for (int i = 1; !q.unknown && !has && i <= o->ncolumns; i++)
        TRY(privilege_column_mask(&q.env, o, (int16_t)i, q.role, q.rights, &has));
    return answer(&q, has);
}

/* ---- roles ----------------------------------------------------------------------------------- */

enum { ROLE_USAGE = 1, ROLE_MEMBER = 2, ROLE_ADMIN = 4 };

static status role_words(struct question *q, unsigned *ret) {
    static const struct {
        const char *word;
        unsigned bit;
    } words[] = {{"USAGE", ROLE_USAGE},
                 {"MEMBER", ROLE_MEMBER},
                 {"USAGE WITH GRANT OPTION", ROLE_ADMIN},
                 {"USAGE WITH ADMIN OPTION", ROLE_ADMIN},
                 {"MEMBER WITH GRANT OPTION", ROLE_ADMIN},
                 {"MEMBER WITH ADMIN OPTION", ROLE_ADMIN}};
    char *rest = text_at(q, q->at++), *word;
    if (!rest) return no_memory(&q->env);
    while ((word = strsep(&rest, ","))) {
        word += strspn(word, " ");
        size_t len = strlen(word), i = 0;
        while (len && word[len - 1] == ' ') word[--len] = 0;
        while (i < sizeof words / sizeof *words && strcasecmp(words[i].word, word)) i++;
        if (i == sizeof words / sizeof *words)
            return error_set(q->env.eval.error, ST_INVALID_PARAMETER_VALUE,
                             "unrecognized privilege type: \"%s\"", word);
        *ret |= words[i].bit;
    }
    return OK;
}

status fn_has_role(struct fn_call *c) {
    struct question q = {.c = c};
    unsigned words = 0;
    bool has = false;
    TRY(function_env(c, &q.env));
    q.role = q.env.settings->user_oid;
    if (c->nargs > 2) TRY(user_argument(&q, false));
    oid member = q.role;
    TRY(user_argument(&q, false));
    TRY(role_words(&q, &words));
    if (words & ROLE_ADMIN) TRY(role_is_admin(&q.env, member, q.role, &has));
    if (!has && (words & ROLE_MEMBER)) TRY(role_is_member(&q.env, member, q.role, &has));
    if (!has && (words & ROLE_USAGE)) TRY(role_has_privileges(&q.env, member, q.role, &has));
    c->result = datum_bool(has);
    return OK;
}

/* ---- parameters ------------------------------------------------------------------------------ */

/* Nobody is granted a parameter (GRANT … ON PARAMETER is refused): superusers have them all. */
status fn_has_parameter_privilege(struct fn_call *c) {
    struct question q;
    bool super;
    TRY(begin(&q, c, 2));
    q.at++; /* any name: it need not be known */
    TRY(rights_argument(&q, ACL_SET | ACL_ALTER_SYSTEM));
    TRY(role_is_superuser(&q.env, q.role, &super));
    c->result = datum_bool(super);
    return OK;
}
