/* define_column.c: what a column definition says: type, collation, where values come from. */
#include "catalog/collation.h"
#include "catalog/define_internal.h"

/* ---- type ------------------------------------------------------------------------------------ */

/* The integer type behind a serial one; 0: not one. */
static oid serial_type(const struct ast_type_name *t) {
    static const struct {
        const char *name;
        oid type;
    } serials[] = {{"serial", INT4OID},  {"serial4", INT4OID},     {"bigserial", INT8OID},
                   {"serial8", INT8OID}, {"smallserial", INT2OID}, {"serial2", INT2OID}};
    if (list_n(t->names) != 1) return 0;
    for (size_t i = 0; i < sizeof serials / sizeof *serials; i++)
        if (!strcmp(list_at(t->names, 0), serials[i].name)) return serials[i].type;
    return 0;
}

status define_collation(struct sql_env *env, const struct list *names, oid type, oid *ret) {
    const struct type *t = type_find(type);
    *ret = t ? t->collation : 0;
    if (!names) return OK;
    int32_t n = list_n(names);
    if (!*ret)
        return error_set(env->eval.error, ST_DATATYPE_MISMATCH,
                         "collations are not supported by type %s",
                         type_format_name(env->eval.arena, type));
    return catalog_collation_named(env, n > 1 ? list_at(names, n - 2) : NULL, list_at(names, n - 1),
                                   ret);
}

status define_no_collation(struct sql_env *env, const char *words) {
    if (!words) return no_memory(env);
    status st = error_set(env->eval.error, ST_INDETERMINATE_COLLATION, "%s", words);
    error_hint(env->eval.error, "Use the COLLATE clause to set the collation explicitly.");
    return st;
}

/* A defined type is not to go away while something is made of it. */
static status lock_defined(struct sql_env *env, oid type) {
    const struct type *t = type_find(type);
    if (t && t->arena && t->kind == 'b') t = type_find(t->element);
    if (!t || !t->arena) return OK;
    return txn_lock_relation(env->proc, env->txn, t->oid, MODE_ACCESS_SHARE, false,
                             env->settings->lock_timeout_ms);
}

status define_column_type(struct sql_env *env, const struct ast_column_def *c,
                          struct attribute *att) {
    if (!c->type) return define_unsupported(env, "a column without a type");
    oid serial = serial_type(c->type);
    if (serial && c->type->array_ndims)
        return define_at(env, &c->type->node,
                         error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                                   "array of serial is not implemented"));
    if (serial) {
        att->type = serial;
        att->typmod = -1;
    } else {
        TRY(type_from_ast(env, c->type, &att->type, &att->typmod));
        TRY(lock_defined(env, att->type));
    }
    TRY(privilege_check(env, OID_pg_type, att->type, ACL_USAGE));
    const struct type *t = type_find(att->type);
    if (!t) return define_at(env, &c->type->node, define_unsupported(env, "a column of this type"));
    if (t->kind == 'p')
        return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                         "column \"%s\" has pseudo-type %s", c->name,
                         type_format_name(env->eval.arena, att->type));
    return define_at(env, &c->node,
                     define_collation(env, c->collation, att->type, &att->collation));
}

/* ---- values ---------------------------------------------------------------------------------- */

static status say(struct sql_env *env, const struct ast_constraint *k, const char *format,
                  const char *column, const char *table) {
    return define_at(env, &k->node,
                     error_set(env->eval.error, ST_SYNTAX_ERROR, format, column, table));
}

static const char *sequence_name_of(const struct list *options, const char *chosen) {
    LIST_EACH(const struct ast_def_elem *, o, options)
    if (!strcmp(o->name, "sequence_name") && o->value) {
        const struct list *names = ast_as_name_list(o->value)->names;
        return list_at(names, list_n(names) - 1);
    }
    return chosen;
}

static status make_sequence(struct sql_env *env, const struct relation *r, struct attribute *att,
                            const struct list *options) {
    const char *name;
    TRY(define_choose_name(env, r->name, att->name, "seq", r->schema, true, 0, &name));
    return define_sequence_for(env, r, sequence_name_of(options, name), att->type, options,
                               att->identity != 0, &att->sequence);
}

static status make_serial(struct sql_env *env, const struct relation *r, struct attribute *att) {
    TRY(make_sequence(env, r, att, NULL));
    att->not_null = true;
    att->default_text = arena_printf(env->eval.arena, "nextval('%u'::regclass)", att->sequence);
    return att->default_text ? OK : no_memory(env);
}

/* What has been said of a column so far. */
struct said {
    bool null, value;
    const struct ast_constraint *identity;
};

static status say_null(struct sql_env *env, const struct relation *r,
                       const struct ast_constraint *k, const struct attribute *att,
                       struct said *said) {
    bool is_null = k->kind == CONSTRAINT_NULL;
    if (is_null ? att->not_null : said->null)
        return say(env, k,
                   "conflicting NULL/NOT NULL declarations for column \"%s\" of table \"%s\"",
                   att->name, r->name);
    return OK;
}

static status say_value(struct sql_env *env, const struct relation *r,
                        const struct ast_constraint *k, struct attribute *att, struct said *said) {
    if (k->kind == CONSTRAINT_DEFAULT && said->value)
        return say(env, k, "multiple default values specified for column \"%s\" of table \"%s\"",
                   att->name, r->name);
    if (k->kind == CONSTRAINT_IDENTITY && att->identity)
        return say(env, k, "multiple identity specifications for column \"%s\" of table \"%s\"",
                   att->name, r->name);
    if (k->kind == CONSTRAINT_GENERATED && att->generated)
        return say(env, k,
                   "multiple generation clauses specified for column \"%s\" of table \"%s\"",
                   att->name, r->name);
    if (k->kind == CONSTRAINT_DEFAULT) said->value = true;
    if (k->kind == CONSTRAINT_GENERATED) att->generated = 's';
    if (k->kind == CONSTRAINT_IDENTITY) {
        TRY(say_null(env, r, k, att, said));
        att->identity = k->identity_always ? 'a' : 'd';
        att->not_null = true;
        said->identity = k;
    }
    if (said->value && att->identity)
        return say(env, k, "both default and identity specified for column \"%s\" of table \"%s\"",
                   att->name, r->name);
    if (said->value && att->generated)
        return say(env, k,
                   "both default and generation expression specified for column \"%s\" of table "
                   "\"%s\"",
                   att->name, r->name);
    if (att->identity && att->generated)
        return say(env, k,
                   "both identity and generation expression specified for column \"%s\" of table "
                   "\"%s\"",
                   att->name, r->name);
    return OK;
}

status define_column_value(struct sql_env *env, const struct relation *r, struct ast_column_def *c,
                           struct attribute *att) {
    struct said said = {0};
    bool serial = c->type && serial_type(c->type);
    if (serial) {
        said.value = true;
        TRY(make_serial(env, r, att));
    }
    LIST_EACH(const struct ast_constraint *, k, c->constraints) {
        switch (k->kind) {
        case CONSTRAINT_NULL:
            TRY(say_null(env, r, k, att, &said));
            said.null = true;
            break;
        case CONSTRAINT_NOT_NULL:
            TRY(say_null(env, r, k, att, &said));
            att->not_null = true;
            break;
        case CONSTRAINT_PRIMARY_KEY: TRY(say_null(env, r, k, att, &said)); break;
        case CONSTRAINT_DEFAULT:
        case CONSTRAINT_IDENTITY:
        case CONSTRAINT_GENERATED: TRY(say_value(env, r, k, att, &said)); break;
        default: break;
        }
    }
    return said.identity ? make_sequence(env, r, att, said.identity->options) : OK;
}

status define_like_identity(struct sql_env *env, const struct relation *r, struct attribute *att) {
    const char *name;
    TRY(define_choose_name(env, r->name, att->name, "seq", r->schema, true, 0, &name));
    return define_sequence_like(env, r, name, att->sequence, &att->sequence);
}

status define_column_sequence(struct sql_env *env, oid relation, const struct attribute *att) {
    if (!att->sequence) return OK;
    return define_sequence_own(env, att->sequence, relation, att->number, att->identity != 0);
}

/* ---- texts ----------------------------------------------------------------------------------- */

status define_default_text(struct sql_env *env, const struct attribute *att,
                           struct node *expression, const char **ret_text) {
    *ret_text = NULL;
    if (define_hooks)
        TRY(define_hooks->expression_check(env, NULL, expression, EXPRESSION_DEFAULT, att->name,
                                           att->type, att->typmod, NULL));
    /* Null is what there is without a default, unless a domain has one. */
    const struct type *t = type_find(att->type);
    if (ast_is_literal(expression, LITERAL_NULL) && !(t && t->base)) return OK;
    return stored_expression(env, NULL, expression, EXPRESSION_DEFAULT, att->type, att->typmod,
                             ret_text);
}

struct generated_walk {
    struct sql_env *env;
    const struct relation *r;
};

static status refuse_generated(struct node *n, void *arg) {
    const struct generated_walk *w = arg;
    if (!n) return OK;
    if (n->kind != NODE_COLUMN_REF) return ast_each_child(n, refuse_generated, arg);
    const struct list *names = ((struct ast_column_ref *)n)->names;
    const char *name = list_n(names) ? list_at(names, list_n(names) - 1) : "";
    const struct attribute *att = define_attribute(w->r, name);
    if (!att || !att->generated) return OK;
    status st =
        error_set(w->env->eval.error, ST_INVALID_OBJECT_DEFINITION,
                  "cannot use generated column \"%s\" in column generation expression", name);
    error_detail(w->env->eval.error,
                 "A generated column cannot reference another generated column.");
    return define_at(w->env, n, st);
}

status define_generated_text(struct sql_env *env, const struct relation *r,
                             const struct attribute *att, struct node *expression,
                             const char **ret_text) {
    TRY(refuse_generated(expression, &(struct generated_walk){env, r}));
    if (define_hooks)
        TRY(define_hooks->expression_check(env, r, expression, EXPRESSION_GENERATED, att->name,
                                           att->type, att->typmod, NULL));
    return stored_expression(env, r, expression, EXPRESSION_GENERATED, att->type, att->typmod,
                             ret_text);
}
