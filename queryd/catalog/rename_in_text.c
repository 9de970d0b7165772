/* rename_in_text.c: queries and expressions are kept as text: where something in them gets another
 * name or schema, the texts are written anew. They are understood before the change and printed
 * after it. */
#include "catalog/define_internal.h"

#define COLUMNS_MAX 2

struct kept_text {
    enum catalog_number catalog;
    oid row;
    oid view; /* a rule's, with its query; 0: expressions */
    struct kept_query *query;
    int columns[COLUMNS_MAX]; /* of the row; 0: no more */
    struct list *expressions[COLUMNS_MAX];
};

static bool listed(const struct list *kept, enum catalog_number catalog, oid row) {
    LIST_EACH(const struct kept_text *, k, kept) {
        if (k->catalog == catalog && k->row == row) return true;
    }
    return false;
}

/* ---- before ---------------------------------------------------------------------------------- */

static status keep_rule(struct sql_env *env, oid rule, struct list **kept) {
    struct kept_text *k = arena_zalloc(env->eval.arena, sizeof *k);
    struct catalog_row row;
    struct node *query;
    if (!k) return no_memory(env);
    TRY(catalog_row_get_oid(env, CAT_pg_rewrite, rule, env->eval.arena, &row));
    const char *text = row_text(env->eval.arena, &row, COL_pg_rewrite_ev_action);
    if (!text) return no_memory(env);
    k->catalog = CAT_pg_rewrite;
    k->row = rule;
    k->view = row_oid(&row, COL_pg_rewrite_ev_class);
    TRY(stored_query_parse(env, text, &query));
    TRY(define_hooks->query_keep(env, query, &k->query));
    return list_append(env->eval.arena, kept, k);
}

/* Texts with separators between them. */
static status keep_expressions(struct sql_env *env, const struct relation *r, const char *text,
                               struct list **ret) {
    for (const char *end; text; text = end ? end + 1 : NULL) {
        struct kept_expression *e;
        end = strchr(text, STORED_TEXT_SEPARATOR);
        TRY(stored_expression_keep(env, r, text, end ? (size_t)(end - text) : strlen(text), &e));
        TRY(list_append(env->eval.arena, ret, e));
    }
    return OK;
}

static status keep_row(struct sql_env *env, enum catalog_number catalog, oid object,
                       const struct catalog_row *row, const int columns[COLUMNS_MAX],
                       const struct relation *r, struct list **kept) {
    struct kept_text *k = arena_zalloc(env->eval.arena, sizeof *k);
    if (!k) return no_memory(env);
    k->catalog = catalog;
    k->row = object;
    for (int i = 0; i < COLUMNS_MAX && columns[i]; i++) {
        const char *text = row_text(env->eval.arena, row, columns[i]);
        k->columns[i] = columns[i];
        TRY(keep_expressions(env, r, text, &k->expressions[i]));
    }
    return list_append(env->eval.arena, kept, k);
}

static status keep_default(struct sql_env *env, oid object, struct list **kept) {
    static const int columns[COLUMNS_MAX] = {COL_pg_attrdef_adbin};
    const struct relation *r;
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_attrdef, object, env->eval.arena, &row));
    TRY(catalog_relation(env, row_oid(&row, COL_pg_attrdef_adrelid), &r));
    return keep_row(env, CAT_pg_attrdef, object, &row, columns, r, kept);
}

static status keep_check(struct sql_env *env, oid object, struct list **kept) {
    static const int columns[COLUMNS_MAX] = {COL_pg_constraint_conbin};
    const struct relation *r;
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_constraint, object, env->eval.arena, &row));
    if (row_char(&row, COL_pg_constraint_contype) != 'c') return OK;
    oid relation = row_oid(&row, COL_pg_constraint_conrelid);
    TRY(relation ? catalog_relation(env, relation, &r)
                 : define_value_of_domain(env, row_oid(&row, COL_pg_constraint_contypid), &r));
    return keep_row(env, CAT_pg_constraint, object, &row, columns, r, kept);
}

static status keep_index(struct sql_env *env, oid object, struct list **kept) {
    static const int columns[COLUMNS_MAX] = {COL_pg_index_indexprs, COL_pg_index_indpred};
    const struct relation *r;
    struct catalog_row row;
    status st = catalog_row_get_oid(env, CAT_pg_index, object, env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK; /* no index */
    TRY(st);
    TRY(catalog_relation(env, row_oid(&row, COL_pg_index_indrelid), &r));
    return keep_row(env, CAT_pg_index, object, &row, columns, r, kept);
}

static status keep_domain(struct sql_env *env, oid object, struct list **kept) {
    static const int columns[COLUMNS_MAX] = {COL_pg_type_typdefaultbin};
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_type, object, env->eval.arena, &row));
    return keep_row(env, CAT_pg_type, object, &row, columns, NULL, kept);
}

/* A routine's parameters' defaults. */
static status keep_routine(struct sql_env *env, oid object, struct list **kept) {
    static const int columns[COLUMNS_MAX] = {COL_pg_proc_proargdefaults};
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_proc, object, env->eval.arena, &row));
    if (row_is_null(&row, COL_pg_proc_proargdefaults)) return OK;
    return keep_row(env, CAT_pg_proc, object, &row, columns, NULL, kept);
}

static status keep_one(struct sql_env *env, oid class_oid, oid object, struct list **kept) {
    static const struct {
        oid class_oid;
        enum catalog_number catalog;
        status (*keep)(struct sql_env *env, oid object, struct list **kept);
    } kinds[] = {{OID_pg_rewrite, CAT_pg_rewrite, keep_rule},
                 {OID_pg_attrdef, CAT_pg_attrdef, keep_default},
                 {OID_pg_constraint, CAT_pg_constraint, keep_check},
                 {OID_pg_class, CAT_pg_index, keep_index},
                 {OID_pg_type, CAT_pg_type, keep_domain},
                 {OID_pg_proc, CAT_pg_proc, keep_routine}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].class_oid == class_oid && !listed(*kept, kinds[i].catalog, object))
            return kinds[i].keep(env, object, kept);
    return OK;
}

status define_keep_texts(struct sql_env *env, oid class_oid, oid object, struct list **kept) {
    datum keys[] = {datum_oid(class_oid), datum_oid(object)};
    struct catalog_scan s;
    status st;
    if (!define_hooks) return OK;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_reference_index, keys, 2, &s));
    while (ok(st = catalog_scan_next(&s)))
        if (row_char(&s.row, COL_pg_depend_deptype) == 'n')
            TRY_OUT(st, keep_one(env, row_oid(&s.row, COL_pg_depend_classid),
                                 row_oid(&s.row, COL_pg_depend_objid), kept));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

status define_keep_type(struct sql_env *env, oid type, struct list **kept) {
    const struct type *t = type_find(type);
    TRY(define_keep_texts(env, OID_pg_type, type, kept));
    return t && t->array ? define_keep_texts(env, OID_pg_type, t->array, kept) : OK;
}

status define_keep_view(struct sql_env *env, oid view, struct list **kept) {
    datum key = datum_oid(view);
    struct catalog_row row;
    if (!define_hooks) return OK;
    TRY(catalog_row_get(env, CAT_pg_rewrite, OID_pg_rewrite_rel_rulename_index, &key, 1,
                        env->eval.arena, &row));
    return keep_rule(env, row_oid(&row, COL_pg_rewrite_oid), kept);
}

/* ---- after ----------------------------------------------------------------------------------- */

static status expressions_text(struct sql_env *env, const struct list *expressions,
                               const char **ret) {
    *ret = NULL;
    LIST_EACH(const struct kept_expression *, e, expressions) {
        const char *text;
        TRY(stored_expression_print(env, e, &text));
        TRY(stored_append(env, ret, text));
    }
    return OK;
}

static status set_texts(struct sql_env *env, const struct kept_text *k, struct catalog_row *row) {
    const struct relation *view;
    const char *text;
    if (k->view) {
        TRY(catalog_relation(env, k->view, &view));
        TRY(stored_query(env, k->query, view, &text));
        return row_set_text(env->eval.arena, row, COL_pg_rewrite_ev_action, text);
    }
    for (int i = 0; i < COLUMNS_MAX && k->columns[i]; i++) {
        TRY(expressions_text(env, k->expressions[i], &text));
        if (text) TRY(row_set_text(env->eval.arena, row, k->columns[i], text));
    }
    return OK;
}

/* It may have gone with what was dropped. */
static status rewrite(struct sql_env *env, const struct kept_text *k) {
    datum key = datum_oid(k->row);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, k->catalog, 0, &key, 1, &s));
    TRY_OUT(st, catalog_scan_next(&s));
    struct catalog_row row = s.row;
    TRY_OUT(st, set_texts(env, k, &row));
    st = catalog_row_update(&s, &row);
out:
    catalog_scan_end(&s);
    return status_is(st, ST_END) ? OK : st;
}

status define_rewrite_texts(struct sql_env *env, const struct list *kept) {
    if (list_n(kept)) catalog_changed(env); /* names are those of now */
    LIST_EACH(const struct kept_text *, k, kept) TRY(rewrite(env, k));
    return OK;
}
