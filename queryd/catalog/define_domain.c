/* define_domain.c: CREATE DOMAIN, ALTER DOMAIN. */
#include "catalog/define_types.h"

/* ---- conditions ------------------------------------------------------------------------------ */

/* A relation of one column, value, for conditions to be judged over. */
static void value_relation(const struct type *base, int32_t typmod, struct attribute *value,
                           struct relation *r) {
    *value = (struct attribute){.name = "value",
                                .number = 1,
                                .type = base->oid,
                                .typmod = typmod,
                                .collation = base->collation};
    *r = (struct relation){.name = "", .kind = 'r', .natts = 1, .atts = value};
}

status define_value_of_domain(struct sql_env *env, oid domain, const struct relation **ret) {
    const struct type *t = type_find(domain);
    struct attribute *value = arena_zalloc(env->eval.arena, sizeof *value);
    struct relation *r = arena_zalloc(env->eval.arena, sizeof *r);
    if (!t || !t->base) return STATUS(NOT_FOUND);
    if (!value || !r) return no_memory(env);
    value_relation(t->base, t->typmod, value, r);
    *ret = r;
    return OK;
}

static status condition_text(struct sql_env *env, const struct type *base, int32_t typmod,
                             struct node *expression, const char **ret) {
    struct attribute value;
    struct relation r;
    value_relation(base, typmod, &value, &r);
    if (define_hooks)
        TRY(define_hooks->expression_check(env, &r, expression, EXPRESSION_CHECK, NULL, 0, -1,
                                           NULL));
    return stored_expression(env, &r, expression, EXPRESSION_CHECK, 0, -1, ret);
}

static status constraint_named(struct sql_env *env, oid domain, const char *name,
                               struct catalog_row *ret) {
    datum key = datum_oid(domain);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_constraint, OID_pg_constraint_contypid_index, &key,
                                   1, &s));
    while (ok(st = catalog_scan_next(&s)))
        if (!strcmp(row_name(&s.row, COL_pg_constraint_conname), name)) break;
    if (status_is(st, ST_END)) st = STATUS(NOT_FOUND);
    datum id = datum_oid(ok(st) ? row_oid(&s.row, COL_pg_constraint_oid) : 0);
out:
    catalog_scan_end(&s);
    TRY(st);
    return catalog_row_get(env, CAT_pg_constraint, 0, &id, 1, env->eval.arena, ret);
}

static status choose_name(struct sql_env *env, oid domain, const char *domain_name,
                          const char **ret) {
    for (unsigned n = 0;; n++) {
        struct catalog_row row;
        char number[16] = "";
        if (n) snprintf(number, sizeof number, "%u", n);
        *ret = arena_printf(env->eval.arena, "%.50s_check%s", domain_name, number);
        if (!*ret) return no_memory(env);
        status st = constraint_named(env, domain, *ret, &row);
        if (status_is(st, ST_NOT_FOUND)) return OK;
        TRY(st);
    }
}

struct domain_place {
    oid oid, schema;
    const char *name;
    const struct type *base;
    int32_t typmod;
};

static status insert_condition(struct sql_env *env, const struct domain_place *d,
                               const struct ast_constraint *k, const char **ret_name,
                               const char **ret_text) {
    struct catalog_row row;
    oid id;
    const char *name = k->name;
    if (name && ok(constraint_named(env, d->oid, name, &row)))
        return error_set(env->eval.error, ST_DUPLICATE_OBJECT,
                         "constraint \"%s\" for domain \"%s\" already exists", name, d->name);
    if (!name) TRY(choose_name(env, d->oid, d->name, &name));
    TRY(condition_text(env, d->base, d->typmod, k->expression, ret_text));
    TRY(new_oid(env, &id));
    catalog_row_init(&row, CAT_pg_constraint);
    row_set_oid(&row, COL_pg_constraint_oid, id);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_constraint_conname, name));
    row_set_oid(&row, COL_pg_constraint_connamespace, d->schema);
    row_set_char(&row, COL_pg_constraint_contype, 'c');
    row_set_bool(&row, COL_pg_constraint_convalidated, !k->not_valid);
    row_set_oid(&row, COL_pg_constraint_contypid, d->oid);
    row_set_char(&row, COL_pg_constraint_confupdtype, ' ');
    row_set_char(&row, COL_pg_constraint_confdeltype, ' ');
    row_set_char(&row, COL_pg_constraint_confmatchtype, ' ');
    row_set_bool(&row, COL_pg_constraint_conislocal, true);
    TRY(row_set_text(env->eval.arena, &row, COL_pg_constraint_conbin, *ret_text));
    TRY(catalog_row_insert(env, CAT_pg_constraint, &row));
    *ret_name = name;
    struct object_address self = {OID_pg_constraint, id, 0};
    struct attribute value;
    struct relation r;
    value_relation(d->base, d->typmod, &value, &r);
    TRY(define_depend_text(env, self, &r, *ret_text));
    return define_depend(env, self, (struct object_address){OID_pg_type, d->oid, 0}, 'a');
}

static status default_text(struct sql_env *env, const char *name, oid base, int32_t typmod,
                           struct node *expression, const char **ret) {
    struct attribute att = {.name = name, .type = base, .typmod = typmod};
    *ret = NULL;
    return expression ? define_default_text(env, &att, expression, ret) : OK;
}

/* ---- CREATE DOMAIN --------------------------------------------------------------------------- */

static status base_type(struct sql_env *env, const struct ast_create_domain *s,
                        const struct type **ret, int32_t *ret_typmod) {
    oid base;
    TRY(type_from_ast(env, s->type, &base, ret_typmod));
    const struct type *t = type_find(base);
    if (!t || t->kind == 'p')
        return define_at(env, &s->type->node,
                         error_set(env->eval.error, ST_DATATYPE_MISMATCH,
                                   "\"%s\" is not a valid base type for a domain",
                                   type_format_name(env->eval.arena, base)));
    if (base >= FIRST_USER_OID) TRY(define_lock_type_oid(env, base, MODE_ACCESS_SHARE));
    *ret = t;
    return OK;
}

static status domain_collation(struct sql_env *env, const struct ast_create_domain *s,
                               const struct type *base, oid *ret) {
    *ret = base->collation;
    if (!s->collation) return OK;
    struct ast_column_def c = {.type = s->type, .collation = s->collation, .name = ""};
    struct attribute att = {.name = "", .typmod = -1};
    TRY(define_column_type(env, &c, &att));
    *ret = att.collation;
    return OK;
}

/* What the constraints say besides conditions. */
struct domain_words {
    bool null, not_null, has_default;
    struct node *otherwise;
};

static status read_words(struct sql_env *env, const struct list *constraints,
                         struct domain_words *w) {
    LIST_EACH(const struct ast_constraint *, k, constraints) {
        const char *refused = NULL;
        switch (k->kind) {
        case CONSTRAINT_NULL:
        case CONSTRAINT_NOT_NULL: {
            bool not = k->kind == CONSTRAINT_NOT_NULL;
            if (not ? w->null : w->not_null)
                return define_at(env, &k->node,
                                 error_set(env->eval.error, ST_SYNTAX_ERROR,
                                           "conflicting NULL/NOT NULL constraints"));
            w->null |= !not ;
            w->not_null |= not ;
            break;
        }
        case CONSTRAINT_DEFAULT:
            if (w->has_default)
                return define_at(
                    env, &k->node,
                    error_set(env->eval.error, ST_SYNTAX_ERROR, "multiple default expressions"));
            w->has_default = true;
            w->otherwise = k->expression;
            break;
        case CONSTRAINT_CHECK:
            if (k->no_inherit)
                return define_at(
                    env, &k->node,
                    error_set(env->eval.error, ST_INVALID_OBJECT_DEFINITION,
                              "check constraints for domains cannot be marked NO INHERIT"));
            break;
        case CONSTRAINT_UNIQUE: refused = "unique"; break;
        case CONSTRAINT_PRIMARY_KEY: refused = "primary key"; break;
        case CONSTRAINT_EXCLUDE: refused = "exclusion"; break;
        case CONSTRAINT_FOREIGN_KEY: refused = "foreign key"; break;
        default: return define_unsupported(env, "this constraint of a domain");
        }
        if (refused)
            return define_at(env, &k->node,
                             error_set(env->eval.error, ST_SYNTAX_ERROR,
                                       "%s constraints not possible for domains", refused));
    }
    return OK;
}

status define_create_domain(struct sql_env *env, const struct ast_create_domain *s) {
    const struct type *over;
    struct domain_words words = {0};
    struct type_facts f = {
        .kind = 'd', .owner = env->settings->user_oid, .in = 2597, .receive = 2598};
    TRY(define_place_type(env, s->names, &f.schema, &f.name));
    TRY(base_type(env, s, &over, &f.typmod));
    TRY(domain_collation(env, s, over, &f.collation));
    TRY(read_words(env, s->constraints, &words));
    const struct type *base = type_below(over);
    int32_t typmod = over->base ? over->typmod : f.typmod;
    TRY(default_text(env, f.name, base->oid, typmod, words.otherwise, &f.default_text));
    if (!words.has_default) f.default_text = over->default_text;
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_type, over->oid, env->eval.arena, &row));
    f.category = over->category;
    f.align = over->align;
    f.storage = over->storage;
    f.len = row_int2(&row, COL_pg_type_typlen);
    f.byval = row_bool(&row, COL_pg_type_typbyval);
    f.delimiter = over->delimiter;
    f.out = row_oid(&row, COL_pg_type_typoutput);
    f.send = row_oid(&row, COL_pg_type_typsend);
    f.not_null = words.not_null;
    f.base = over->oid;
    TRY(new_oid(env, &f.oid));
    TRY(new_oid(env, &f.array));
    TRY(define_insert_type(env, &f));
    TRY(define_insert_array_type(env, &f));
    TRY(define_depend(env, (struct object_address){OID_pg_type, f.oid, 0},
                      (struct object_address){OID_pg_type, over->oid, 0}, 'n'));
    if (f.default_text)
        TRY(define_depend_text(env, (struct object_address){OID_pg_type, f.oid, 0}, NULL,
                               f.default_text));
    struct domain_place place = {f.oid, f.schema, f.name, base, typmod};
    LIST_EACH(const struct ast_constraint *, k, s->constraints) {
        const char *name, *text;
        if (k->kind == CONSTRAINT_CHECK) TRY(insert_condition(env, &place, k, &name, &text));
    }
    return OK;
}

/* ---- the rows that are there ----------------------------------------------------------------- */

struct row_check {
    const struct type *probe; /* the domain with nothing but what is new */
    const char *name;         /* of the domain */
};

static status check_value(struct sql_env *env, const struct row_check *c,
                          const struct type_use *use, datum value, bool is_null) {
    status st = define_hooks->check_domain(env, c->probe, value, is_null);
    const struct relation *r = use->relation;
    if (status_is(st, ST_NOT_NULL_VIOLATION))
        return error_set(env->eval.error, ST_NOT_NULL_VIOLATION,
                         "column \"%s\" of table \"%s\" contains null values", use->attribute->name,
                         r->name);
    if (status_is(st, ST_CHECK_VIOLATION))
        return error_set(env->eval.error, ST_CHECK_VIOLATION,
                         "column \"%s\" of table \"%s\" contains values that violate the new "
                         "constraint",
                         use->attribute->name, r->name);
    return st;
}

static status check_row(struct sql_env *env, const struct row_check *c, const struct type_use *use,
                        const struct tree_entry *e) {
    const struct relation *r = use->relation;
    datum *values = arena_array(env->eval.arena, r->natts, sizeof *values);
    uint8_t *nulls = arena_alloc(env->eval.arena, r->natts);
    int16_t at = (int16_t)(use->attribute->number - 1);
    if (!values || !nulls) return no_memory(env);
    TRY(table_deform(env, r, e, r->natts, NULL, values, nulls, env->eval.arena));
    return check_value(env, c, use, values[at], nulls[at]);
}

static status check_rows(struct sql_env *env, const struct type_use *use, void *arg) {
    const struct row_check *c = arg;
    struct sql_env now;
    struct table_scan scan;
    struct arena rows;
    if (use->inside)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "cannot alter type \"%s\" because column \"%s.%s\" uses it", c->name,
                         use->relation->name, use->attribute->name);
    TRY(txn_lock_relation(env->proc, env->txn, use->relation->oid, MODE_SHARE, false,
                          env->settings->lock_timeout_ms));
    TRY(define_env_now(env, &now));
    TRY(table_scan_begin(&now, &scan, env->eval.arena, use->relation, NULL, (struct table_bound){0},
                         (struct table_bound){0}, false));
    arena_init(&rows, 0);
    now.eval.arena = &rows;
    status st;
    for (;;) {
        struct tree_entry e;
        st = table_scan_next(&scan, &e);
        if (ok(st)) st = check_row(&now, c, use, &e);
        if (ok(st)) st = sql_env_breathe(env);
        if (!ok(st)) break;
        arena_reset(&rows);
    }
    arena_free(&rows);
    table_scan_end(&scan);
    return status_is(st, ST_END) ? OK : st;
}

static status validate(struct sql_env *env, const struct type *t, bool not_null, const char *name,
                       const char *text) {
    struct domain_check check = {.name = name, .text = text, .domain = t->oid};
    struct type probe = *t;
    struct arena ready;
    if (!define_hooks) return define_unsupported(env, "a constraint of a domain in use");
    probe.not_null = not_null;
    probe.nchecks = text ? 1 : 0;
    probe.checks = &check;
    arena_init(&ready, 0);
    probe.arena = &ready;
    struct row_check c = {&probe, t->name};
    status st = define_each_use(env, t->oid, true, check_rows, &c);
    arena_free(&ready);
    return st;
}

/* ---- ALTER DOMAIN ---------------------------------------------------------------------------- */

static status set_not_null(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_bool(row, COL_pg_type_typnotnull, *(bool *)arg);
    return OK;
}

static status set_default(struct sql_env *env, struct catalog_row *row, void *arg) {
    const char *text = arg;
    row_set_null(row, COL_pg_type_typdefaultbin);
    row_set_null(row, COL_pg_type_typdefault);
    return text ? define_set_type_default(env, row, text) : OK;
}

static status place_of(struct sql_env *env, const struct type *t, struct domain_place *ret) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_type, t->oid, env->eval.arena, &row));
    *ret = (struct domain_place){t->oid, row_oid(&row, COL_pg_type_typnamespace), t->name, t->base,
                                 t->typmod};
    return OK;
}

static status add_condition(struct sql_env *env, const struct ast_alter_domain *s,
                            const struct type *t) {
    struct ast_constraint *k = ast_as_constraint(s->def);
    struct domain_place place;
    struct domain_words words = {0};
    struct list *one = NULL;
    const char *name, *text;
    k->no_inherit = false; /* means nothing here, and is not refused */
    TRY(list_append(env->eval.arena, &one, k));
    TRY(read_words(env, one, &words));
    if (k->kind != CONSTRAINT_CHECK) return define_unsupported(env, "this constraint of a domain");
    TRY(place_of(env, t, &place));
    TRY(insert_condition(env, &place, k, &name, &text));
    return k->not_valid ? OK : validate(env, t, false, name, text);
}

static status find_condition(struct sql_env *env, const struct ast_alter_domain *s,
                             const struct type *t, struct catalog_row *ret) {
    status st = constraint_named(env, t->oid, s->name, ret);
    if (!status_is(st, ST_NOT_FOUND) || s->missing_ok) return st;
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                     "constraint \"%s\" of domain \"%s\" does not exist", s->name, t->name);
}

static status drop_condition(struct sql_env *env, const struct ast_alter_domain *s,
                             const struct type *t) {
    struct catalog_row row;
    status st = find_condition(env, s, t, &row);
    if (status_is(st, ST_NOT_FOUND)) {
        define_notice(env, "00000", "constraint \"%s\" of domain \"%s\" does not exist, skipping",
                      s->name, t->name);
        return OK;
    }
    TRY(st);
    datum key = datum_oid(row_oid(&row, COL_pg_constraint_oid));
    TRY(define_forget(env, OID_pg_constraint, key.u32));
    return catalog_rows_delete(env, CAT_pg_constraint, 0, &key, 1, NULL);
}

static status mark_valid(struct sql_env *env, const struct catalog_row *row) {
    struct catalog_row changed = *row;
    datum key = datum_oid(row_oid(row, COL_pg_constraint_oid));
    TRY(catalog_rows_delete(env, CAT_pg_constraint, 0, &key, 1, NULL));
    row_set_bool(&changed, COL_pg_constraint_convalidated, true);
    return catalog_row_insert(env, CAT_pg_constraint, &changed);
}

static status validate_condition(struct sql_env *env, const struct ast_alter_domain *s,
                                 const struct type *t) {
    struct catalog_row row;
    TRY(find_condition(env, s, t, &row));
    if (row_bool(&row, COL_pg_constraint_convalidated)) return OK;
    TRY(validate(env, t, false, s->name,
                 row_text(env->eval.arena, &row, COL_pg_constraint_conbin)));
    return mark_valid(env, &row);
}

static status alter(struct sql_env *env, const struct ast_alter_domain *s, const struct type *t) {
    const char *text;
    bool not_null = s->action == DOMAIN_SET_NOT_NULL;
    switch (s->action) {
    case DOMAIN_DEFAULT:
        TRY(default_text(env, t->name, t->base->oid, t->typmod, s->def, &text));
        return define_update_type(env, t->oid, set_default, (void *)text);
    case DOMAIN_SET_NOT_NULL: TRY(validate(env, t, true, NULL, NULL)); [[fallthrough]];
    case DOMAIN_DROP_NOT_NULL: return define_update_type(env, t->oid, set_not_null, &not_null);
    case DOMAIN_ADD: return add_condition(env, s, t);
    case DOMAIN_DROP: return drop_condition(env, s, t);
    default: return validate_condition(env, s, t);
    }
}

status define_alter_domain(struct sql_env *env, const struct ast_alter_domain *s) {
    const struct type *t;
    TRY(define_lock_type(env, s->names, 'd', &t));
    status st = alter(env, s, t);
    if (!ok(st) && s->action == DOMAIN_ADD) env->eval.error->position = 0; /* PostgreSQL has none */
    return st;
}

static status renew_condition(struct sql_env *env, oid constraint) {
    struct catalog_row row;
    struct node *expression;
    datum key = datum_oid(constraint);
    TRY(catalog_row_get_oid(env, CAT_pg_constraint, constraint, env->eval.arena, &row));
    const struct type *t = type_find(row_oid(&row, COL_pg_constraint_contypid));
    const char *text = row_text(env->eval.arena, &row, COL_pg_constraint_conbin);
    if (!t || !t->base || !text) return OK;
    TRY(parse_expression(env->eval.arena, text, strlen(text), env->eval.error, &expression));
    status st = condition_text(env, t->base, t->typmod, expression, &text);
    if (!ok(st)) env->eval.error->position = 0; /* it is not of this statement's text */
    TRY(st);
    TRY(row_set_text(env->eval.arena, &row, COL_pg_constraint_conbin, text));
    TRY(catalog_rows_delete(env, CAT_pg_constraint, 0, &key, 1, NULL));
    return catalog_row_insert(env, CAT_pg_constraint, &row);
}

status define_renew_conditions(struct sql_env *env, oid relation, int16_t field) {
    datum keys[] = {datum_oid(OID_pg_class), datum_oid(relation), datum_int4(field)};
    struct list *found = NULL;
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_reference_index, keys, 3, &s));
    while (ok(st = catalog_scan_next(&s)))
        if (row_oid(&s.row, COL_pg_depend_classid) == OID_pg_constraint)
            TRY_OUT(st, list_append(env->eval.arena, &found,
                                    (void *)(uintptr_t)row_oid(&s.row, COL_pg_depend_objid)));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    TRY(st);
    LIST_EACH(void *, constraint, found) TRY(renew_condition(env, (oid)(uintptr_t)constraint));
    return OK;
}

status define_rename_condition(struct sql_env *env, const struct ast_rename *s) {
    const struct type *t;
    struct catalog_row row, other;
    TRY(define_lock_type(env, ast_as_name_list(s->object)->names, 'd', &t));
    status st = constraint_named(env, t->oid, s->name, &row);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                         "constraint \"%s\" for domain %s does not exist", s->name,
                         type_format_name(env->eval.arena, t->oid));
    TRY(st);
    if (ok(constraint_named(env, t->oid, s->new_name, &other)))
        return error_set(env->eval.error, ST_DUPLICATE_OBJECT,
                         "constraint \"%s\" for domain %s already exists", s->new_name,
                         type_format_name(env->eval.arena, t->oid));
    datum key = datum_oid(row_oid(&row, COL_pg_constraint_oid));
    TRY(catalog_rows_delete(env, CAT_pg_constraint, 0, &key, 1, NULL));
    TRY(row_set_name(env->eval.arena, &row, COL_pg_constraint_conname, s->new_name));
    return catalog_row_insert(env, CAT_pg_constraint, &row);
}
