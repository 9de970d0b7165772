/* define_table.c: CREATE TABLE. */
#include "catalog/options.h"
#include "catalog/temp.h"

struct table_plan {
    struct sql_env *env;
    struct ast_create_table *stmt;
    struct relation *r;
    struct list *columns;     /* ast_column_def, one an attribute */
    struct list *constraints; /* ast_constraint: PRIMARY KEY, UNIQUE, CHECK */
    struct list *owners;      /* char *: the column a constraint was written on, or NULL */
    bool has_primary;
};

/* ---- columns --------------------------------------------------------------------------------- */

static status check_column_name(struct table_plan *p, const struct ast_column_def *c) {
    struct error *e = p->env->eval.error;
    TRY(define_refuse_system_name(p->env, c->name));
    if (define_attribute(p->r, c->name))
        return error_set(e, ST_DUPLICATE_COLUMN, "column \"%s\" specified more than once", c->name);
    return OK;
}

static status keep_constraint(struct table_plan *p, struct ast_constraint *k, const char *column) {
    struct arena *a = p->env->eval.arena;
    if (k->kind == CONSTRAINT_PRIMARY_KEY) {
        if (p->has_primary)
            return define_at(p->env, &k->node,
                             error_set(p->env->eval.error, ST_INVALID_TABLE_DEFINITION,
                                       "multiple primary keys for table \"%s\" are not allowed",
                                       p->r->name));
        p->has_primary = true;
    }
    TRY(list_append(a, &p->constraints, k));
    return list_append(a, &p->owners, (void *)column);
}

/* What stands on the column and is a constraint of the table. */
static status column_constraints(struct table_plan *p, struct ast_column_def *c) {
    LIST_EACH(struct ast_constraint *, k, c->constraints) {
        switch (k->kind) {
        case CONSTRAINT_PRIMARY_KEY:
        case CONSTRAINT_UNIQUE:
        case CONSTRAINT_FOREIGN_KEY:
        case CONSTRAINT_CHECK: TRY(keep_constraint(p, k, c->name)); break;
        default: break;
        }
    }
    return OK;
}

static status add_column(struct table_plan *p, struct ast_column_def *c) {
    TRY(check_column_name(p, c));
    if (p->r->natts >= ROW_ATTRIBUTES_MAX)
        return error_set(p->env->eval.error, ST_TOO_MANY_COLUMNS,
                         "tables can have at most %d columns", ROW_ATTRIBUTES_MAX);
    struct attribute att = {.name = c->name, .number = (int16_t)(p->r->natts + 1), .typmod = -1};
    TRY(define_column_type(p->env, c, &att));
    TRY(define_column_value(p->env, p->r, c, &att));
    TRY(column_constraints(p, c));
    p->r->atts[p->r->natts++] = att;
    return list_append(p->env->eval.arena, &p->columns, c);
}

/* ---- LIKE ------------------------------------------------------------------------------------ */

static status like_constraint(struct table_plan *p, const struct relation *from,
                              const struct index_desc *x, bool check, const struct check_desc *c) {
    struct arena *a = p->env->eval.arena;
    struct ast_constraint *k = (struct ast_constraint *)ast_new(a, NODE_CONSTRAINT, -1);
    if (!k) return no_memory(p->env);
    if (check) {
        k->kind = CONSTRAINT_CHECK;
        k->name = (char *)c->name;
        TRY(parse_expression(a, c->text, strlen(c->text), p->env->eval.error, &k->expression));
    } else {
        k->kind = x->primary || x->late_primary ? CONSTRAINT_PRIMARY_KEY : CONSTRAINT_UNIQUE;
        k->deferrable = x->deferrable;
        k->initially_deferred = x->deferred;
        for (unsigned i = 0; i < x->nkeys; i++)
            TRY(list_append(a, &k->keys, (void *)from->atts[x->columns[i] - 1].name));
    }
    return keep_constraint(p, k, NULL);
}

/* Where the copied column's values come from, as far as INCLUDING asks. */
static status like_value(struct table_plan *p, int32_t options, struct attribute *att) {
    bool identity = att->identity && options & LIKE_IDENTITY;
    bool keeps = options & (att->generated ? LIKE_GENERATED : LIKE_DEFAULTS);
    if (!keeps) att->default_text = NULL;
    if (!keeps) att->generated = 0;
    att->has_default = false;
    if (!identity) {
        att->identity = 0;
        att->sequence = 0;
        return OK;
    }
    return define_like_identity(p->env, p->r, att);
}

/* Columns are copied as they are; defaults, checks and unique indexes where INCLUDING asks. */
static status add_like(struct table_plan *p, const struct ast_table_like *like) {
    const struct relation *from;
    TRY(catalog_relation_lock(p->env, like->relation->schema, like->relation->name,
                              MODE_ACCESS_SHARE, like->relation->node.location, &from));
    struct arena *a = p->env->eval.arena;
    for (unsigned i = 0; i < from->natts; i++) {
        const struct attribute *old = &from->atts[i];
        if (old->dropped) continue;
        struct ast_column_def *c = (struct ast_column_def *)ast_new(a, NODE_COLUMN_DEF, -1);
        if (!c) return no_memory(p->env);
        c->name = (char *)old->name;
        TRY(check_column_name(p, c));
        struct attribute att = *old;
        att.number = (int16_t)(p->r->natts + 1);
        TRY(like_value(p, like->options, &att));
        if (p->r->natts >= ROW_ATTRIBUTES_MAX)
            return error_set(p->env->eval.error, ST_TOO_MANY_COLUMNS,
                             "tables can have at most %d columns", ROW_ATTRIBUTES_MAX);
        p->r->atts[p->r->natts++] = att;
        TRY(list_append(a, &p->columns, c));
    }
    if (like->options & LIKE_CONSTRAINTS)
        for (unsigned i = 0; i < from->nchecks; i++)
            TRY(like_constraint(p, from, NULL, true, &from->checks[i]));
    if (!(like->options & LIKE_INDEXES)) return OK;
    if (from->primary) TRY(like_constraint(p, from, from->primary, false, NULL));
    for (unsigned i = 0; i < from->nindexes; i++)
        if (from->indexes[i].unique || (from->indexes[i].late && !from->indexes[i].exclusion))
            TRY(like_constraint(p, from, &from->indexes[i], false, NULL));
    return OK;
}

/* ---- the plan -------------------------------------------------------------------------------- */

static status add_element(struct table_plan *p, struct node *n) {
    if (n->kind == NODE_COLUMN_DEF)
        return define_at(p->env, n, add_column(p, (struct ast_column_def *)n));
    if (n->kind == NODE_TABLE_LIKE) return add_like(p, (struct ast_table_like *)n);
    struct ast_constraint *k = (struct ast_constraint *)n;
    switch (k->kind) {
    case CONSTRAINT_PRIMARY_KEY:
    case CONSTRAINT_UNIQUE:
    case CONSTRAINT_EXCLUDE:
    case CONSTRAINT_FOREIGN_KEY:
    case CONSTRAINT_CHECK: return keep_constraint(p, k, NULL);
    default: return define_at(p->env, n, define_unsupported(p->env, "this constraint"));
    }
}

/* Columns of a primary key are not null, wherever it is written. */
static status mark_primary(struct table_plan *p) {
    for (int32_t i = 0; i < list_n(p->constraints); i++) {
        struct ast_constraint *k = list_at(p->constraints, i);
        if (k->kind != CONSTRAINT_PRIMARY_KEY) continue;
        const char *owner = list_at(p->owners, i);
        if (owner) define_attribute(p->r, owner)->not_null = true;
        LIST_EACH(const char *, name, k->keys) {
            struct attribute *att = define_attribute(p->r, name);
            if (!att)
                return define_at(p->env, &k->node,
                                 error_set(p->env->eval.error, ST_UNDEFINED_COLUMN,
                                           "column \"%s\" named in key does not exist", name));
            att->not_null = true;
        }
    }
    return OK;
}

static status plan_value(struct table_plan *p, struct attribute *att,
                         const struct ast_constraint *k) {
    if (k->kind == CONSTRAINT_DEFAULT)
        return define_default_text(p->env, att, k->expression, &att->default_text);
    if (k->kind == CONSTRAINT_GENERATED)
        return define_generated_text(p->env, p->r, att, k->expression, &att->default_text);
    return OK;
}

static status plan_values(struct table_plan *p) {
    for (unsigned i = 0; i < p->r->natts; i++) {
        const struct ast_column_def *c = list_at(p->columns, (int32_t)i);
        LIST_EACH(struct ast_constraint *, k, c->constraints)
        TRY(plan_value(p, &p->r->atts[i], k));
    }
    return OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static bool is_key(const struct ast_constraint *k) {
    return k->kind == CONSTRAINT_PRIMARY_KEY || k->kind == CONSTRAINT_UNIQUE ||
           k->kind == CONSTRAINT_EXCLUDE;
}

static status insert_keys(struct table_plan *p) {
    for (int pass = 0; pass < 2; pass++) { /* the primary key first, as its index is the table */
        for (int32_t i = 0; i < list_n(p->constraints); i++) {
            struct ast_constraint *k = list_at(p->constraints, i);
            bool primary = k->kind == CONSTRAINT_PRIMARY_KEY;
            if (!is_key(k) || primary != (pass == 0)) continue;
            struct index_plan plan;
            oid index;
            TRY(define_plan_constraint(p->env, p->r, k, list_at(p->owners, i), &plan));
            TRY(define_index_rows(p->env, p->r, &plan, p->r->tree.root, &index));
        }
    }
    return OK;
}

static status insert_table(struct table_plan *p) {
    struct sql_env *env = p->env;
    TRY(new_oid(env, &p->r->oid));
    TRY(define_insert_row_type(env, p->r, &p->r->row_type));
    TRY(define_new_tree(env, p->r->oid, &p->r->tree));
    bool has_index = false;
    for (int32_t i = 0; i < list_n(p->constraints); i++)
        has_index |= is_key(list_at(p->constraints, i));
    TRY(define_insert_class(env, p->r, 'r', HEAP_AM_OID, has_index, p->r->tree.root));
    for (unsigned i = 0; i < p->r->natts; i++)
        TRY(define_insert_attribute(env, p->r->oid, &p->r->atts[i], NULL));
    for (unsigned i = 0; i < p->r->natts; i++)
        TRY(define_column_sequence(env, p->r->oid, &p->r->atts[i]));
    TRY(define_depend(env, (struct object_address){OID_pg_class, p->r->oid, 0},
                      (struct object_address){OID_pg_namespace, p->r->schema, 0}, 'n'));
    TRY(insert_keys(p));
    for (int32_t i = 0; i < list_n(p->constraints); i++) {
        struct ast_constraint *k = list_at(p->constraints, i);
        if (k->kind == CONSTRAINT_CHECK) TRY(define_insert_check(env, p->r, k, NULL));
    }
    for (int32_t i = 0; i < list_n(p->constraints); i++) {
        struct ast_constraint *k = list_at(p->constraints, i);
        if (k->kind != CONSTRAINT_FOREIGN_KEY) continue;
        TRY(define_foreign_key(env, p->r->oid, k, list_at(p->owners, i), false));
    }
    return OK;
}

static status refuse_unsupported(struct sql_env *env, const struct ast_create_table *s) {
    if (s->on_commit && s->relation->persistence != PERSIST_TEMP)
        return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                         "ON COMMIT can only be used on temporary tables");
    if (s->inherits) return define_unsupported(env, "INHERITS");
    if (s->of_type) return define_unsupported(env, "a typed table");
    if (s->partition_of || s->partition_by) return define_unsupported(env, "partitioning");
    if (s->access_method && strcmp(s->access_method, "heap"))
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                         "access method \"%s\" does not exist", s->access_method);
    if (s->tablespace && strcmp(s->tablespace, "pg_default"))
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT, "tablespace \"%s\" does not exist",
                         s->tablespace);
    return OK;
}

status define_refuse_catalog_schema(struct sql_env *env, oid schema, const char *schema_name,
                                    const char *name) {
    if (schema != SCHEMA_PG_CATALOG && schema != SCHEMA_INFORMATION) return OK;
    status st = error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                          "permission denied to create \"%s.%s\"", schema_name, name);
    error_detail(env->eval.error, "System catalog modifications are currently disallowed.");
    return st;
}

/* A relation to be filled in; *ret NULL: there is one already, and that is all right. */
static status new_table(struct sql_env *env, const struct ast_range_var *name, bool if_not_exists,
                        struct relation **ret) {
    oid existing;
    struct relation *r = arena_zalloc(env->eval.arena, sizeof *r);
    *ret = NULL;
    if (!r) return no_memory(env);
    r->atts = arena_array(env->eval.arena, ROW_ATTRIBUTES_MAX, sizeof *r->atts);
    if (!r->atts) return no_memory(env);
    r->name = name->name;
    r->kind = 'r';
    r->owner = env->settings->user_oid;
    status st = define_place(env, name, r);
    if (!ok(st))
        error_at(env->eval.error, parse_position(env->text, env->text_len, name->node.location));
    TRY(st);
    TRY(relation_oid(env, r->schema, r->name, &existing));
    if (existing && if_not_exists) {
        define_notice(env, "42P07", "relation \"%s\" already exists, skipping", r->name);
        return OK;
    }
    if (existing)
        return error_set(env->eval.error, ST_DUPLICATE_TABLE, "relation \"%s\" already exists",
                         r->name);
    *ret = r;
    return OK;
}

static bool has_generated(const struct relation *r) {
    for (unsigned i = 0; i < r->natts; i++)
        if (r->atts[i].generated) return true;
    return false;
}

status define_create_table(struct sql_env *env, struct ast_create_table *s) {
    struct relation *r;
    TRY(refuse_unsupported(env, s));
    TRY(new_table(env, s->relation, s->if_not_exists, &r));
    if (!r) return OK;
    struct table_plan p = {.env = env, .stmt = s, .r = r};
    LIST_EACH(struct node *, n, s->elements) TRY(add_element(&p, n));
    TRY(mark_primary(&p));
    TRY(plan_values(&p));
    TRY(insert_table(&p));
    if (has_generated(r)) TRY(define_depend_generated(env, r->oid, 1));
    TRY(define_first_options(env, r->oid, 'r', s->options));
    return temp_note_on_commit(env, r->oid, s->on_commit);
}

/* ---- CREATE TABLE AS ------------------------------------------------------------------------- */

static status as_columns(struct sql_env *env, const struct ast_create_table_as *s,
                         struct relation *r) {
    uint16_t n;
    struct define_column *columns;
    if (!define_hooks) return define_unsupported(env, "CREATE TABLE AS");
    TRY(define_hooks->query_columns(env, s->query, &n, &columns));
    if (list_n(s->into->columns) > n)
        return error_set(env->eval.error, ST_SYNTAX_ERROR, "too many column names were specified");
    if (n > ROW_ATTRIBUTES_MAX)
        return error_set(env->eval.error, ST_TOO_MANY_COLUMNS, "tables can have at most %d columns",
                         ROW_ATTRIBUTES_MAX);
    LIST_EACH(const char *, name, s->into->columns) columns[name_i].name = name;
    for (uint16_t i = 0; i < n; i++) {
        TRY(define_refuse_system_name(env, columns[i].name));
        if (define_attribute(r, columns[i].name))
            return error_set(env->eval.error, ST_DUPLICATE_COLUMN,
                             "column \"%s\" specified more than once", columns[i].name);
        const struct type *t = type_find(columns[i].type);
        if (t && t->collation && !columns[i].collation)
            return define_no_collation(
                env,
                arena_printf(env->eval.arena,
                             "no collation was derived for column \"%s\" with collatable type "
                             "%s",
                             columns[i].name, type_format_name(env->eval.arena, columns[i].type)));
        r->atts[r->natts++] =
            (struct attribute){.name = columns[i].name,
                               .number = (int16_t)(i + 1),
                               .type = columns[i].type == UNKNOWNOID ? TEXTOID : columns[i].type,
                               .typmod = columns[i].typmod,
                               .collation = columns[i].collation};
    }
    return OK;
}

status define_table_as(struct sql_env *env, struct ast_create_table_as *s, bool *ret_made) {
    struct relation *r;
    *ret_made = false;
    TRY(new_table(env, s->into->relation, s->if_not_exists, &r));
    if (!r) return OK;
    if (s->into->on_commit && s->into->relation->persistence != PERSIST_TEMP)
        return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                         "ON COMMIT can only be used on temporary tables");
    TRY(as_columns(env, s, r));
    struct table_plan p = {.env = env, .r = r};
    TRY(insert_table(&p));
    TRY(define_first_options(env, r->oid, 'r', s->into->options));
    TRY(temp_note_on_commit(env, r->oid, s->into->on_commit));
    catalog_changed(env);
    *ret_made = true;
    return OK;
}

status define_table_as_vacant(struct sql_env *env, const struct ast_create_table_as *s,
                              bool *ret_vacant) {
    struct relation *r;
    TRY(new_table(env, s->into->relation, s->if_not_exists, &r));
    *ret_vacant = r != NULL;
    return OK;
}
