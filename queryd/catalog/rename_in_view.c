/* rename_in_view.c: views are kept as text: where something in it gets another name or schema, the
 * texts are written anew. They are understood before the change and printed after it. */
#include "catalog/define_internal.h"

struct kept_view {
    oid rule, view;
    struct kept_query *query;
};

static bool listed(const struct list *kept, oid rule) {
    LIST_EACH(const struct kept_view *, k, kept) if (k->rule == rule) return true;
    return false;
}

static status keep_rule(struct sql_env *env, oid rule, struct list **kept) {
    struct kept_view *k = arena_zalloc(env->eval.arena, sizeof *k);
    struct catalog_row row;
    struct node *query;
    if (!k) return no_memory(env);
    TRY(catalog_row_get_oid(env, CAT_pg_rewrite, rule, env->eval.arena, &row));
    const char *text = row_text(env->eval.arena, &row, COL_pg_rewrite_ev_action);
    if (!text) return no_memory(env);
    k->rule = rule;
    k->view = row_oid(&row, COL_pg_rewrite_ev_class);
    TRY(stored_query_parse(env, text, &query));
    TRY(define_hooks->query_keep(env, query, &k->query));
    return list_append(env->eval.arena, kept, k);
}

status define_keep_views(struct sql_env *env, oid class_oid, oid object, struct list **kept) {
    datum keys[] = {datum_oid(class_oid), datum_oid(object)};
    struct catalog_scan s;
    status st;
    if (!define_hooks) return OK;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_reference_index, keys, 2, &s));
    while (ok(st = catalog_scan_next(&s))) {
        oid rule = row_oid(&s.row, COL_pg_depend_objid);
        if (row_oid(&s.row, COL_pg_depend_classid) != OID_pg_rewrite ||
            row_char(&s.row, COL_pg_depend_deptype) != 'n' || listed(*kept, rule))
            continue;
        TRY_OUT(st, keep_rule(env, rule, kept));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

status define_keep_view(struct sql_env *env, oid view, struct list **kept) {
    datum key = datum_oid(view);
    struct catalog_row row;
    if (!define_hooks) return OK;
    TRY(catalog_row_get(env, CAT_pg_rewrite, OID_pg_rewrite_rel_rulename_index, &key, 1,
                        env->eval.arena, &row));
    return keep_rule(env, row_oid(&row, COL_pg_rewrite_oid), kept);
}

/* The view may have gone with what was dropped. */
static status rewrite_rule(struct sql_env *env, const struct kept_view *k) {
    const struct relation *view;
    const char *text;
    datum key = datum_oid(k->rule);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_rewrite, 0, &key, 1, &s));
    TRY_OUT(st, catalog_scan_next(&s));
    TRY_OUT(st, catalog_relation(env, k->view, &view));
    TRY_OUT(st, stored_query(env, k->query, view, &text));
    struct catalog_row row = s.row;
    TRY_OUT(st, row_set_text(env->eval.arena, &row, COL_pg_rewrite_ev_action, text));
    st = catalog_row_update(&s, &row);
out:
    catalog_scan_end(&s);
    return status_is(st, ST_END) ? OK : st;
}

status define_rewrite_views(struct sql_env *env, const struct list *kept) {
    if (list_n(kept)) catalog_changed(env); /* names are those of now */
    LIST_EACH(const struct kept_view *, k, kept) TRY(rewrite_rule(env, k));
    return OK;
}
