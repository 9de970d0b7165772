/* define_composite.c: CREATE TYPE … AS (…), ALTER TYPE … ATTRIBUTE. A composite type is a relation
 * of kind c without rows, and its row type. */
#include "base/coro.h"
#include "catalog/define_types.h"

static status check_pseudo(struct sql_env *env, const struct attribute *att) {
    const struct type *t = type_find(att->type);
    if (t && t->kind != 'p') return OK;
    return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                     "column \"%s\" has pseudo-type %s", att->name,
                     type_format_name(env->eval.arena, att->type));
}

static status fill_attribute(struct sql_env *env, const struct ast_column_def *c, int16_t number,
                             struct attribute *att) {
    *att = (struct attribute){.name = c->name, .number = number, .typmod = -1};
    TRY(define_column_type(env, c, att));
    return check_pseudo(env, att);
}

status define_create_composite(struct sql_env *env, const struct ast_create_type *s) {
    struct relation r = {.kind = 'c', .persistence = 'p', .owner = env->settings->user_oid};
    oid taken;
    TRY(define_place_type(env, s->names, &r.schema, &r.name));
    TRY(schema_name_of(env, r.schema, env->eval.arena, &r.schema_name));
    TRY(relation_oid(env, r.schema, r.name, &taken));
    if (taken)
        return error_set(env->eval.error, ST_DUPLICATE_TABLE, "relation \"%s\" already exists",
                         r.name);
    if (list_n(s->columns) > ROW_ATTRIBUTES_MAX)
        return error_set(env->eval.error, ST_TOO_MANY_COLUMNS, "tables can have at most %d columns",
                         ROW_ATTRIBUTES_MAX);
    r.atts = arena_zalloc(env->eval.arena, ((size_t)list_n(s->columns) + 1) * sizeof *r.atts);
    if (!r.atts) return no_memory(env);
    LIST_EACH(const struct ast_column_def *, c, s->columns) {
        if (define_attribute(&r, c->name))
            return error_set(env->eval.error, ST_DUPLICATE_COLUMN,
                             "column \"%s\" specified more than once", c->name);
        TRY(fill_attribute(env, c, (int16_t)(r.natts + 1), &r.atts[r.natts]));
        r.natts++;
    }
    TRY(new_oid(env, &r.oid));
    TRY(define_insert_row_type(env, &r, &r.row_type));
    TRY(define_insert_class(env, &r, 'c', 0, false, (page_id){0}));
    for (uint16_t i = 0; i < r.natts; i++)
        TRY(define_insert_attribute(env, r.oid, &r.atts[i], NULL));
    return OK;
}

/* ---- ALTER TYPE ------------------------------------------------------------------------------ */

/* A type that contains itself would have no end. */
static status contains(struct sql_env *env, const struct type *t, oid row_type, bool *ret) {
    t = type_below(t);
    if (coro_stack_left() < 16 * 1024)
        return error_set(env->eval.error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (!t || *ret) return OK;
    if (t->oid == row_type) {
        *ret = true;
        return OK;
    }
    if (t->kind == 'b' && t->element) return contains(env, type_find(t->element), row_type, ret);
    for (uint16_t i = 0; i < t->nfields; i++)
        if (!t->fields[i].dropped) TRY(contains(env, type_find(t->fields[i].type), row_type, ret));
    return OK;
}

status define_refuse_recursion(struct sql_env *env, const struct relation *r, oid type) {
    bool inside = false;
    if (!r->row_type) return OK;
    TRY(contains(env, type_find(type), r->row_type, &inside));
    if (!inside) return OK;
    return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                     "composite type %s cannot be made a member of itself",
                     type_format_name(env->eval.arena, r->row_type));
}

static status add_attribute(struct sql_env *env, const struct relation *r,
                            const struct ast_alter_cmd *cmd) {
    const struct ast_column_def *c = ast_as_column_def(cmd->def);
    struct attribute att;
    if (define_attribute(r, c->name))
        return error_set(env->eval.error, ST_DUPLICATE_COLUMN,
                         "column \"%s\" of relation \"%s\" already exists", c->name, r->name);
    if (r->natts >= ROW_ATTRIBUTES_MAX)
        return error_set(env->eval.error, ST_TOO_MANY_COLUMNS, "tables can have at most %d columns",
                         ROW_ATTRIBUTES_MAX);
    TRY(fill_attribute(env, c, (int16_t)(r->natts + 1), &att));
    TRY(define_refuse_recursion(env, r, att.type));
    TRY(define_insert_attribute(env, r->oid, &att, NULL));
    return define_update_class(env, r->oid, define_add_natts, NULL);
}

/* Keys of indexes hold all fields: they would still have it. */
static status refuse_indexed(struct sql_env *env, const struct type_use *use, void *arg) {
    const struct relation *r = use->relation;
    bool indexed = false;
    for (unsigned k = 0; r->primary && k < r->primary->nkeys; k++)
        indexed |= r->primary->columns[k] == use->attribute->number;
    for (unsigned i = 0; i < r->nindexes; i++)
        for (unsigned k = 0; k < r->indexes[i].nkeys; k++)
            indexed |= r->indexes[i].columns[k] == use->attribute->number;
    if (!indexed) return OK;
    return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                     "cannot drop an attribute of type %s: column \"%s.%s\" is indexed",
                     (const char *)arg, r->name, use->attribute->name);
}

static status drop_attribute(struct sql_env *env, const struct relation *r,
                             const struct ast_alter_cmd *cmd) {
    struct attribute *att;
    TRY(define_column_to_drop(env, r, cmd, &att));
    if (!att) return OK;
    TRY(define_each_use(env, r->row_type, true, refuse_indexed, (void *)r->name));
    const char *what = arena_printf(env->eval.arena, "column %s of composite type %s", att->name,
                                    type_format_name(env->eval.arena, r->row_type));
    if (!what) return no_memory(env);
    TRY(define_drop_dependents(env, r, att->number, what, cmd->cascade, NULL));
    return define_drop_attribute(env, r, att);
}

static status alter_attribute(struct sql_env *env, const struct relation *r,
                              const struct ast_alter_cmd *cmd) {
    struct attribute *att, to;
    struct ast_column_def *c = ast_as_column_def(cmd->def);
    TRY(define_need_attribute(env, r, cmd->name, &att));
    c->name = cmd->name;
    TRY(define_refuse_uses(env, r->row_type, "type", r->name));
    TRY(fill_attribute(env, c, att->number, &to));
    TRY(define_refuse_recursion(env, r, to.type));
    TRY(define_refuse_type_change(env, r, att));
    TRY(define_set_attribute_type(env, r->oid, &to));
    catalog_changed(env);
    return define_renew_conditions(env, r->oid, to.number);
}

status define_alter_composite(struct sql_env *env, const struct ast_alter_table *s) {
    LIST_EACH(const struct ast_alter_cmd *, cmd, s->commands) {
        const struct relation *r;
        const struct type *t;
        struct list *names = NULL;
        if (s->relation->schema) TRY(list_append(env->eval.arena, &names, s->relation->schema));
        TRY(list_append(env->eval.arena, &names, s->relation->name));
        TRY(define_lock_type(env, names, 0, &t));
        if (t->kind != 'c')
            return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                             "\"%s\" is not a composite type", s->relation->name);
        TRY(catalog_relation(env, t->relation, &r));
        if (r->kind != 'c')
            return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                             "\"%s\" is not a composite type", s->relation->name);
        switch (cmd->kind) {
        case ALTER_ADD_COLUMN: TRY(add_attribute(env, r, cmd)); break;
        case ALTER_DROP_COLUMN: TRY(drop_attribute(env, r, cmd)); break;
        case ALTER_COLUMN_TYPE: TRY(alter_attribute(env, r, cmd)); break;
        default: return define_unsupported(env, "this form of ALTER TYPE");
        }
        catalog_changed(env);
    }
    return OK;
}
