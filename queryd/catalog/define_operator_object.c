/* define_operator_object.c: operators of users as objects: finding, moving, dropping them. */
#include "catalog/define_operator.h"
#include "types/reg_operator.h"

status define_operator_find(struct sql_env *env, const struct list *names, const oid operands[2],
                            oid *ret) {
    const struct type_source *source = types_source();
    struct operator_scope scope;
    int32_t n = list_n(names);
    const char *schema = n > 1 ? list_at(names, n - 2) : NULL;
    uint16_t place = UINT16_MAX;
    *ret = 0;
    if (!source->operators_named) return OK;
    status st = source->operators_named(&env->eval, schema, list_at(names, n - 1), &scope);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    for (size_t i = 0; i < scope.n; i++) {
        const struct operator_info *o = scope.operators[i];
        if (o->left != operands[0] || o->right != operands[1] || scope.places[i] >= place) continue;
        *ret = o->oid;
        place = scope.places[i];
    }
    return OK;
}

static const char *words(struct sql_env *env, oid type) {
    return type ? type_format_name(env->eval.arena, type) : "";
}

static const char *joined(struct sql_env *env, const struct list *names) {
    char *text = arena_strdup(env->eval.arena, "");
    LIST_EACH(const char *, name, names)
    if (text) text = arena_printf(env->eval.arena, "%s%s%s", text, name_i ? "." : "", name);
    return text ? text : "";
}

status define_operator_named(struct sql_env *env, const struct ast_object_args *o, oid *ret) {
    oid operands[2] = {0, 0};
    for (int32_t i = 0; i < list_n(o->args) && i < 2; i++) {
        struct ast_type_name *t = list_at(o->args, i);
        int32_t typmod;
        if (t) TRY(type_from_ast(env, t, &operands[i], &typmod));
    }
    TRY(define_operator_find(env, o->names, operands, ret));
    if (*ret) return OK;
    size_t first, n = operator_find_by_name(list_at(o->names, list_n(o->names) - 1), &first);
    for (size_t i = 0; i < n; i++) {
        const struct operator_info *x = operator_by_name_at(first + i);
        if (x->left == operands[0] && x->right == operands[1]) *ret = x->oid;
    }
    if (*ret) return OK;
    return error_set(env->eval.error, ST_UNDEFINED_FUNCTION, "operator does not exist: %s%s%s%s%s",
                     words(env, operands[0]), operands[0] ? " " : "", joined(env, o->names),
                     operands[1] ? " " : "", words(env, operands[1]));
}

/* ---- OWNER TO, SET SCHEMA -------------------------------------------------------------------- */

static status set_schema(struct sql_env *, struct catalog_row *row, void *arg) {
    row_set_oid(row, COL_pg_operator_oprnamespace, *(oid *)arg);
    return OK;
}

static status change_schema(struct sql_env *env, oid op, const char *name) {
    oid schema;
    struct list *kept = NULL;
    TRY(schema_for_creation(env, name, &schema));
    TRY(define_keep_texts(env, OID_pg_operator, op, &kept));
    datum keys[] = {datum_oid(OID_pg_operator), datum_oid(op), datum_int4(0)};
    status st;
    struct catalog_scan s;
    TRY(define_update_row(env, OID_pg_operator, op, set_schema, &schema));
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_depender_index, keys, 2, &s));
    while (ok(st = catalog_scan_next(&s))) {
        struct catalog_row row = s.row;
        if (row_oid(&row, COL_pg_depend_refclassid) != OID_pg_namespace) continue;
        row_set_oid(&row, COL_pg_depend_refobjid, schema);
        TRY_OUT(st, catalog_row_update(&s, &row));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    TRY(st);
    catalog_changed(env);
    return define_rewrite_texts(env, kept);
}

status define_move_operator(struct sql_env *env, const struct ast_alter_object *s) {
    oid op, role;
    TRY(define_operator_named(env, (const struct ast_object_args *)s->object, &op));
    TRY(privilege_check_owner(env, OID_pg_operator, op));
    if (op < FIRST_USER_OID) return define_unsupported(env, "ALTER OPERATOR of a built-in one");
    if (s->new_schema) return change_schema(env, op, s->new_schema);
    TRY(role_written(env, s->new_owner, false, &role));
    TRY(define_check_new_owner(env, OID_pg_operator, op, role));
    return define_set_owner(env, OID_pg_operator, op, role);
}

/* ---- DROP OPERATOR --------------------------------------------------------------------------- */

status define_operator_text(struct sql_env *env, oid op, const char **ret) {
    struct buf out = {0};
    status st = reg_operator_print(op, true, &out);
    *ret = ok(st) ? arena_printf(env->eval.arena, "operator %.*s", (int)out.len, out.data) : NULL;
    buf_free(&out);
    if (status_is(st, ST_NOT_FOUND)) { /* only promised */
        struct catalog_row row;
        TRY(catalog_row_get_oid(env, CAT_pg_operator, op, env->eval.arena, &row));
        oid left = row_oid(&row, COL_pg_operator_oprleft);
        *ret = arena_printf(
            env->eval.arena, "operator %s(%s,%s)", row_name(&row, COL_pg_operator_oprname),
            left ? words(env, left) : "none", words(env, row_oid(&row, COL_pg_operator_oprright)));
        st = OK;
    }
    return ok(st) && !*ret ? no_memory(env) : st;
}

static status unlink_from(struct sql_env *, struct catalog_row *row, void *arg) {
    oid op = *(oid *)arg;
    static const int columns[] = {COL_pg_operator_oprcom, COL_pg_operator_oprnegate};
    for (int i = 0; i < 2; i++)
        if (row_oid(row, columns[i]) == op) row_set_oid(row, columns[i], 0);
    return OK;
}

status define_forget_operator(struct sql_env *env, oid op) {
    struct catalog_row row;
    datum key = datum_oid(op);
    TRY(catalog_row_get_oid(env, CAT_pg_operator, op, env->eval.arena, &row));
    oid partners[] = {row_oid(&row, COL_pg_operator_oprcom),
                      row_oid(&row, COL_pg_operator_oprnegate)};
    for (int i = 0; i < 2; i++)
        if (partners[i] >= FIRST_USER_OID && partners[i] != op)
            TRY(define_update_row(env, OID_pg_operator, partners[i], unlink_from, &op));
    TRY(define_forget(env, OID_pg_operator, op));
    TRY(catalog_rows_delete(env, CAT_pg_operator, 0, &key, 1, NULL));
    catalog_changed(env);
    return OK;
}

status define_drop_operator(struct sql_env *env, oid op, bool cascade) {
    const char *text;
    TRY(privilege_check_owner(env, OID_pg_operator, op));
    TRY(define_operator_text(env, op, &text));
    TRY(define_drop_object_dependents(env, OID_pg_operator, op, text, cascade));
    return define_forget_operator(env, op);
}
