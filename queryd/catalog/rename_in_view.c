/* rename_in_view.c: views name relations in their text: where one gets another name or schema, the
 * texts of the views over it are written anew. */
#include "catalog/define_internal.h"

struct renamed {
    const struct relation *r;
    const char *name, *schema; /* the new ones */
    bool taken;                /* a text uses the old or the new name for something else */
    bool keep_alias;           /* the old name stays as an alias */
    struct arena *arena;
};

static bool is_it(const struct renamed *x, const struct ast_range_var *v) {
    return v->schema && !strcmp(v->schema, x->r->schema_name) && !strcmp(v->name, x->r->name);
}

/* Whether the names can be exchanged everywhere without meaning something else. */
static status look(struct node *n, void *arg) {
    struct renamed *x = arg;
    if (!n) return OK;
    if (n->kind == NODE_RANGE_VAR) {
        const struct ast_range_var *v = ast_as_range_var(n);
        const char *known = v->alias ? v->alias->name : v->name;
        bool own = is_it(x, v) && !v->alias;
        x->taken |= !own && (!strcmp(known, x->r->name) || !strcmp(known, x->name));
    }
    if (n->kind == NODE_ALIAS) {
        const char *known = ((struct ast_alias *)n)->name;
        x->taken |= !strcmp(known, x->r->name) || !strcmp(known, x->name);
    }
    return ast_each_child(n, look, arg);
}

static status rename_range(struct renamed *x, struct ast_range_var *v) {
    if (!is_it(x, v)) return OK;
    if (!v->alias && x->keep_alias) {
        v->alias = (struct ast_alias *)ast_new(x->arena, NODE_ALIAS, -1);
        if (!v->alias) return STATUS(OUT_OF_MEMORY);
        v->alias->name = (char *)x->r->name;
    }
    v->name = (char *)x->name;
    v->schema = (char *)x->schema;
    return OK;
}

static void rename_reference(const struct renamed *x, struct list *names, int32_t table) {
    if (table < 0 || strcmp(list_at(names, table), x->r->name)) return;
    bool schema = table > 0 && !strcmp(list_at(names, table - 1), x->r->schema_name);
    if (table > 0 && !schema) return;
    if (!x->keep_alias) names->items[table] = (void *)x->name;
    if (schema) names->items[table - 1] = (void *)x->schema;
}

static status exchange(struct node *n, void *arg) {
    struct renamed *x = arg;
    if (!n) return OK;
    if (n->kind == NODE_RANGE_VAR) TRY(rename_range(x, ast_as_range_var(n)));
    if (n->kind == NODE_COLUMN_REF) {
        struct ast_column_ref *c = ast_as_column_ref(n);
        rename_reference(x, c->names, list_n(c->names) - (c->star ? 1 : 2));
    }
    return ast_each_child(n, exchange, arg);
}

static status new_text(struct sql_env *env, struct renamed *x, const char *text, char **ret) {
    struct list *statements;
    struct buf out = {0};
    struct deparse d = {.env = env, .out = &out};
    TRY(parse_sql(env->eval.arena, text, strlen(text), env->eval.error, &statements));
    if (list_n(statements) != 1) return STATUS(DATA_CORRUPTED);
    struct node *n = ((struct raw_stmt *)list_at(statements, 0))->stmt;
    x->taken = false;
    TRY(look(n, x));
    x->keep_alias = x->taken;
    TRY(exchange(n, x));
    status st = deparse_query(&d, n);
    *ret = ok(st) ? arena_strndup(env->eval.arena, out.data, out.len) : NULL;
    buf_free(&out);
    return ok(st) && !*ret ? no_memory(env) : st;
}

static status rewrite_rule(struct sql_env *env, struct renamed *x, oid rule) {
    datum key = datum_oid(rule);
    struct catalog_scan s;
    status st;
    char *text;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_rewrite, 0, &key, 1, &s));
    TRY_OUT(st, catalog_scan_next(&s));
    struct catalog_row row = s.row;
    const char *before = row_text(env->eval.arena, &row, COL_pg_rewrite_ev_action);
    TRY_OUT(st, before ? new_text(env, x, before, &text) : no_memory(env));
    TRY_OUT(st, row_set_text(env->eval.arena, &row, COL_pg_rewrite_ev_action, text));
    st = catalog_row_update(&s, &row);
out:
    catalog_scan_end(&s);
    return st;
}

static bool listed(const struct list *rules, oid rule) {
    LIST_EACH(void *, x, rules) if ((oid)(uintptr_t)x == rule) return true;
    return false;
}

/* The rules of the views that name the relation. */
static status rules_over(struct sql_env *env, const struct relation *r, struct list **ret_rules) {
    datum keys[] = {datum_oid(OID_pg_class), datum_oid(r->oid)};
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_reference_index, keys, 2, &s));
    while (ok(st = catalog_scan_next(&s))) {
        oid rule = row_oid(&s.row, COL_pg_depend_objid);
        if (row_oid(&s.row, COL_pg_depend_classid) != OID_pg_rewrite ||
            row_char(&s.row, COL_pg_depend_deptype) != 'n' || listed(*ret_rules, rule))
            continue;
        TRY_OUT(st, list_append(env->eval.arena, ret_rules, (void *)(uintptr_t)rule));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

status define_rename_in_views(struct sql_env *env, const struct relation *r, const char *name,
                              const char *schema) {
    struct renamed x = {.r = r,
                        .name = name ? name : r->name,
                        .schema = schema ? schema : r->schema_name,
                        .arena = env->eval.arena};
    struct list *rules = NULL;
    TRY(rules_over(env, r, &rules));
    LIST_EACH(void *, rule, rules) TRY(rewrite_rule(env, &x, (oid)(uintptr_t)rule));
    return OK;
}
