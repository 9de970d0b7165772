/* define_view.c: CREATE VIEW.
 *
 * A view is kept as the text of its query, printed from what analysis makes of it: every relation
 * under its schema's name, every * written out, so that it means the same whatever the search path
 * is and whatever columns are added later. */
#include "catalog/options.h"

struct view_walk {
    struct sql_env *env;
    struct list *ctes;      /* char *: names that WITH gives */
    struct list *relations; /* oids */
    struct list *objects;   /* struct object_address *: what it depends on */
};

static status find_ctes(struct node *n, void *arg) {
    struct view_walk *w = arg;
    if (!n) return OK;
    if (n->kind == NODE_CTE) TRY(list_append(w->env->eval.arena, &w->ctes, ast_as_cte(n)->name));
    return ast_each_child(n, find_ctes, arg);
}

static bool listed(const struct list *l, const char *name) {
    LIST_EACH(const char *, x, l) {
        if (!strcmp(x, name)) return true;
    }
    return false;
}

/* Gives every relation its schema, and notes it. */
static status qualify(struct view_walk *w, struct ast_range_var *v) {
    if (!v->schema && listed(w->ctes, v->name)) return OK;
    const struct relation *r;
    TRY(catalog_relation_lock(w->env, v->schema, v->name, MODE_ACCESS_SHARE, v->node.location, &r));
    if (!v->schema) v->schema = arena_strdup(w->env->eval.arena, r->schema_name);
    if (!v->schema) return no_memory(w->env);
    return list_append(w->env->eval.arena, &w->relations, (void *)(uintptr_t)r->oid);
}

static status walk(struct node *n, void *arg) {
    struct view_walk *w = arg;
    if (!n) return OK;
    if (n->kind == NODE_RANGE_VAR) return qualify(w, ast_as_range_var(n));
    return ast_each_child(n, walk, arg);
}

status define_qualify(struct sql_env *env, struct node *n, struct list **ret_relations) {
    struct view_walk w = {.env = env, .relations = *ret_relations};
    TRY(find_ctes(n, &w));
    status st = walk(n, &w);
    *ret_relations = w.relations;
    return st;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static status insert_rule(struct view_walk *w, const struct relation *view, const char *text) {
    struct sql_env *env = w->env;
    struct catalog_row row;
    oid rule;
    TRY(new_oid(env, &rule));
    catalog_row_init(&row, CAT_pg_rewrite);
    row_set_oid(&row, COL_pg_rewrite_oid, rule);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_rewrite_rulename, "_RETURN"));
    row_set_oid(&row, COL_pg_rewrite_ev_class, view->oid);
    row_set_char(&row, COL_pg_rewrite_ev_type, '1');
    row_set_char(&row, COL_pg_rewrite_ev_enabled, 'O');
    row_set_bool(&row, COL_pg_rewrite_is_instead, true);
    TRY(row_set_text(env->eval.arena, &row, COL_pg_rewrite_ev_qual, "<>"));
    TRY(row_set_text(env->eval.arena, &row, COL_pg_rewrite_ev_action, text));
    TRY(catalog_row_insert(env, CAT_pg_rewrite, &row));
    TRY(define_depend(env, (struct object_address){OID_pg_rewrite, rule, 0},
                      (struct object_address){OID_pg_class, view->oid, 0}, 'i'));
    return define_depend_objects(env, (struct object_address){OID_pg_rewrite, rule, 0}, NULL,
                                 w->objects);
}

static status name_columns(struct sql_env *env, const struct ast_create_view *s, uint16_t n,
                           struct define_column *columns) {
    if (list_n(s->columns) > n)
        return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                         "CREATE VIEW specifies more column names than columns");
    LIST_EACH(const char *, name, s->columns) columns[name_i].name = name;
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < i; k++)
            if (!strcmp(columns[i].name, columns[k].name))
                return error_set(env->eval.error, ST_DUPLICATE_COLUMN,
                                 "column \"%s\" specified more than once", columns[i].name);
    return OK;
}

/* The text that is kept, with the columns' names. */
static status view_text(struct view_walk *w, struct node *query, uint16_t n,
                        const struct define_column *columns, const char **ret_text) {
    struct sql_env *env = w->env;
    struct relation names = {.natts = n};
    struct kept_query *kept;
    names.atts = arena_array(env->eval.arena, n + 1u, sizeof *names.atts);
    if (!names.atts) return no_memory(env);
    for (uint16_t i = 0; i < n; i++) names.atts[i].name = columns[i].name;
    TRY(define_hooks->query_keep(env, query, &kept));
    TRY(define_hooks->query_objects(env, kept, &w->objects));
    LIST_EACH(const struct object_address *, o, w->objects) {
        if (o->class_oid == OID_pg_class && !o->part)
            TRY(list_append(env->eval.arena, &w->relations, (void *)(uintptr_t)o->object));
    }
    return stored_query(env, kept, &names, ret_text);
}

static status other_type(struct sql_env *env, const struct attribute *old,
                         const struct define_column *fresh) {
    struct buf was = {0}, is = {0};
    status st = type_format(old->type, old->typmod, &was);
    if (ok(st)) st = type_format(fresh->type, fresh->typmod, &is);
    if (ok(st))
        st = error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                       "cannot change data type of view column \"%s\" from %.*s to %.*s",
                       fresh->name, (int)was.len, was.data, (int)is.len, is.data);
    buf_free(&was);
    buf_free(&is);
    return st;
}

static status collation_name(struct sql_env *env, oid collation, const char **ret) {
    struct catalog_row row;
    *ret = "";
    if (!collation) return OK;
    TRY(catalog_row_get_oid(env, CAT_pg_collation, collation, env->eval.arena, &row));
    *ret = arena_strdup(env->eval.arena, row_name(&row, COL_pg_collation_collname));
    return *ret ? OK : no_memory(env);
}

static status other_collation(struct sql_env *env, const struct attribute *old,
                              const struct define_column *fresh) {
    const char *was, *is;
    TRY(collation_name(env, old->collation, &was));
    TRY(collation_name(env, fresh->collation, &is));
    return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                     "cannot change collation of view column \"%s\" from \"%s\" to \"%s\"",
                     fresh->name, was, is);
}

/* CREATE OR REPLACE VIEW keeps the columns that are there, in name and type. */
static status may_replace(struct sql_env *env, const struct relation *old, uint16_t n,
                          const struct define_column *columns) {
    if (n < old->natts)
        return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                         "cannot drop columns from view");
    for (unsigned i = 0; i < old->natts; i++) {
        if (strcmp(old->atts[i].name, columns[i].name)) {
            status st = error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                                  "cannot change name of view column \"%s\" to \"%s\"",
                                  old->atts[i].name, columns[i].name);
            error_hint(env->eval.error, "Use ALTER VIEW ... RENAME COLUMN ... to change name of "
                                        "view column instead.");
            return st;
        }
        if (old->atts[i].type != columns[i].type || old->atts[i].typmod != columns[i].typmod)
            return other_type(env, &old->atts[i], &columns[i]);
        if (old->atts[i].collation != columns[i].collation)
            return other_collation(env, &old->atts[i], &columns[i]);
    }
    return OK;
}

/* What WITH (…) and WITH CHECK OPTION say, as options; replaced as a whole. */
static status view_options(struct sql_env *env, const struct ast_create_view *s, bool *ret_checked,
                           struct list **ret_options) {
    struct arena *a = env->eval.arena;
    *ret_options = NULL;
    LIST_EACH(struct ast_def_elem *, o, s->options) {
        TRY(list_append(a, ret_options, o));
        *ret_checked |= !strcmp(o->name, "check_option");
    }
    if (!s->check_option) return OK;
    struct ast_def_elem *o = (struct ast_def_elem *)ast_new(a, NODE_DEF_ELEM, -1);
    struct ast_literal *l = (struct ast_literal *)ast_new(a, NODE_LITERAL, -1);
    if (!o || !l) return no_memory(env);
    l->kind = LITERAL_STRING;
    l->text = s->check_option == 1 ? "local" : "cascaded";
    l->length = (int32_t)strlen(l->text);
    o->name = "check_option";
    o->value = &l->node;
    *ret_checked = true;
    return list_append(a, ret_options, o);
}

/* Only a view through which rows can be changed can look at them. */
static status may_check(struct sql_env *env, struct node *query) {
    const char *why;
    TRY(define_hooks->view_obstacle(env, query, &why));
    if (!why) return OK;
    status st = error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                          "WITH CHECK OPTION is supported only on automatically updatable views");
    error_hint(env->eval.error, "%s", why);
    return st;
}

static status forget_options(struct sql_env *, struct catalog_row *row, void *) {
    row_set_null(row, COL_pg_class_reloptions);
    return OK;
}

/* A view over something temporary goes with it. */
static status may_become_temporary(struct view_walk *w, struct ast_range_var *name) {
    if (name->persistence == PERSIST_TEMP) return OK;
    LIST_EACH(void *, relation, w->relations) {
        const struct relation *r;
        TRY(catalog_relation(w->env, (oid)(uintptr_t)relation, &r));
        if (r->persistence != 't') continue;
        define_notice(w->env, "00000", "view \"%s\" will be a temporary view", name->name);
        name->persistence = PERSIST_TEMP;
        return OK;
    }
    return OK;
}

static status set_natts(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_int(row, COL_pg_class_relnatts, *(uint16_t *)arg);
    return OK;
}

static status insert_columns(struct sql_env *env, oid view, unsigned from, unsigned n,
                             const struct define_column *columns) {
    for (unsigned i = from; i < n; i++) {
        const struct type *t = type_find(columns[i].type);
        if (t && t->collation && !columns[i].collation)
            return define_no_collation(
                env, arena_printf(env->eval.arena,
                                  "could not determine which collation to use for view column "
                                  "\"%s\"",
                                  columns[i].name));
        struct attribute att = {.name = columns[i].name,
                                .number = (int16_t)(i + 1),
                                .type = columns[i].type == UNKNOWNOID ? TEXTOID : columns[i].type,
                                .typmod = columns[i].typmod,
                                .collation = columns[i].collation};
        TRY(define_insert_attribute(env, view, &att, NULL));
    }
    return OK;
}

static status replace_view(struct view_walk *w, const struct relation *old, uint16_t n,
                           const struct define_column *columns, const char *text) {
    datum key = datum_oid(old->oid);
    struct catalog_row rule;
    TRY(txn_lock_relation(w->env->proc, w->env->txn, old->oid, MODE_ACCESS_EXCLUSIVE, false,
                          w->env->settings->lock_timeout_ms));
    TRY(catalog_row_get(w->env, CAT_pg_rewrite, OID_pg_rewrite_rel_rulename_index, &key, 1,
                        w->env->eval.arena, &rule));
    TRY(define_forget(w->env, OID_pg_rewrite, row_oid(&rule, COL_pg_rewrite_oid)));
    TRY(catalog_rows_delete(w->env, CAT_pg_rewrite, OID_pg_rewrite_rel_rulename_index, &key, 1,
                            NULL));
    TRY(insert_columns(w->env, old->oid, old->natts, n, columns));
    TRY(define_update_class(w->env, old->oid, set_natts, &n));
    return insert_rule(w, old, text);
}

status define_create_view(struct sql_env *env, struct ast_create_view *s) {
    if (!define_hooks) return define_unsupported(env, "CREATE VIEW");
    struct view_walk w = {.env = env};
    struct relation view = {.name = s->relation->name,
                            .kind = 'v',
                            .persistence = 'p',
                            .owner = env->settings->user_oid};
    uint16_t n;
    struct define_column *columns;
    const char *text;
    TRY(define_hooks->query_columns(env, s->query, &n, &columns));
    struct list *options;
    bool checked = false;
    TRY(view_options(env, s, &checked, &options));
    if (checked) TRY(may_check(env, s->query));
    TRY(name_columns(env, s, n, columns));
    TRY(view_text(&w, s->query, n, columns, &text));
    TRY(may_become_temporary(&w, s->relation));
    TRY(define_at(env, &s->relation->node, define_place(env, s->relation, &view)));
    oid existing;
    TRY(relation_oid(env, view.schema, view.name, &existing));
    if (existing) {
        const struct relation *old;
        if (!s->replace)
            return error_set(env->eval.error, ST_DUPLICATE_TABLE, "relation \"%s\" already exists",
                             view.name);
        TRY(catalog_relation(env, existing, &old));
        if (old->kind != 'v')
            return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "\"%s\" is not a view",
                             view.name);
        TRY(privilege_check_owner(env, OID_pg_class, existing));
        TRY(may_replace(env, old, n, columns));
        TRY(define_update_class(env, old->oid, forget_options, NULL));
        TRY(define_first_options(env, old->oid, 'v', options));
        return replace_view(&w, old, n, columns, text);
    }
    view.natts = n;
    TRY(new_oid(env, &view.oid));
    TRY(define_insert_row_type(env, &view, &view.row_type));
    TRY(define_insert_class(env, &view, 'v', 0, false, PAGE_NONE));
    TRY(insert_columns(env, view.oid, 0, n, columns));
    TRY(define_first_options(env, view.oid, 'v', options));
    return insert_rule(&w, &view, text);
}
