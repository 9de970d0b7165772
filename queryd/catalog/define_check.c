/* define_check.c: CHECK constraints: the columns that one names, and its row. */
#include "catalog/define_internal.h"

struct columns_found {
    const struct relation *r;
    int16_t *columns;
    size_t n, max;
};

static status visit_columns(struct node *n, void *arg) {
    struct columns_found *f = arg;
    if (!n) return OK;
    if (n->kind != NODE_COLUMN_REF) return ast_each_child(n, visit_columns, arg);
    const struct list *names = ((struct ast_column_ref *)n)->names;
    if (!list_n(names)) return OK;
    const struct attribute *att = define_attribute(f->r, list_at(names, list_n(names) - 1));
    for (size_t i = 0; att && i < f->n; i++)
        if (f->columns[i] == att->number) return OK;
    if (att && f->n < f->max) f->columns[f->n++] = att->number;
    return OK;
}

status define_check_columns(struct sql_env *, const struct relation *r, struct node *expression,
                            int16_t *columns, size_t max, size_t *ret_n) {
    struct columns_found f = {r, columns, 0, max};
    TRY(visit_columns(expression, &f));
    *ret_n = f.n;
    return OK;
}

status define_constraint_name_is_free(struct sql_env *env, const struct relation *r,
                                      const char *name) {
    struct catalog_row row;
    status st = define_constraint_row(env, r, name, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    return error_set(env->eval.error, ST_DUPLICATE_OBJECT,
                     "constraint \"%s\" for relation \"%s\" already exists", name, r->name);
}

static status count_check(struct sql_env *, struct catalog_row *row, void *) {
    row_set_int(row, COL_pg_class_relchecks, row_int2(row, COL_pg_class_relchecks) + 1);
    return OK;
}

status define_insert_check(struct sql_env *env, const struct relation *r,
                           const struct ast_constraint *c, const char **ret_name) {
    int16_t columns[64];
    struct constraint_facts f = {.name = c->name,
                                 .type = 'c',
                                 .columns = columns,
                                 .validated = !c->not_valid,
                                 .no_inherit = c->no_inherit};
    if (define_hooks)
        TRY(define_hooks->expression_check(env, r, c->expression, EXPRESSION_CHECK, NULL, BOOLOID,
                                           -1, NULL));
    TRY(define_check_columns(env, r, c->expression, columns, 64, &f.ncolumns));
    if (f.name) TRY(define_constraint_name_is_free(env, r, f.name));
    if (!f.name)
        TRY(define_choose_name(env, r->name, f.ncolumns == 1 ? r->atts[columns[0] - 1].name : NULL,
                               "check", r->schema, false, r->oid, &f.name));
    TRY(stored_expression(env, r, c->expression, EXPRESSION_CHECK, 0, -1, &f.text));
    oid id;
    if (ret_name) *ret_name = f.name;
    TRY(define_insert_constraint(env, r, &f, &id));
    TRY(define_depend_text(env, (struct object_address){OID_pg_constraint, id, 0}, r, f.text));
    return define_update_class(env, r->oid, count_check, NULL);
}
