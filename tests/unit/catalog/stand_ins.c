/* What definitions ask of analysis and the executor, as far as their tests need it. */
#include "stand_ins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "catalog/define_internal.h"
#include "catalog/deparse.h"

static status accept_expression(struct sql_env *env, const struct relation *r, struct node *n,
                                enum expression_use use, const char *column, oid want, int32_t mod,
                                oid *ret_type) {
    (void)env, (void)r, (void)n, (void)use, (void)column, (void)want, (void)mod;
    if (ret_type) *ret_type = want;
    return OK;
}

/* Literals are constants; everything else is volatile. */
static status literal_value(struct sql_env *env, struct node *n, const char *column, oid type,
                            int32_t typmod, bool *ret_volatile, datum *ret, bool *ret_null) {
    (void)column;
    *ret_volatile = n->kind != NODE_LITERAL;
    if (*ret_volatile) return OK;
    struct ast_literal *l = ast_as_literal(n);
    *ret_null = l->kind == LITERAL_NULL;
    if (*ret_null) return OK;
    return type_input(&env->eval, type_find(type), typmod, l->text, strlen(l->text), ret);
}

static status no_bad_rows(struct sql_env *env, const struct relation *r, struct node *n,
                          const char *constraint) {
    (void)n;
    if (strcmp(constraint, "impossible")) return OK;
    return error_set(env->eval.error, ST_CHECK_VIOLATION,
                     "check constraint \"%s\" of relation \"%s\" is violated by some row",
                     constraint, r->name);
}

static status text_expression(struct sql_env *, const struct relation *, struct node *,
                              oid *ret_type, oid *ret_collation) {
    *ret_type = TEXTOID;
    *ret_collation = 100;
    return OK;
}

static status two_columns(struct sql_env *env, struct node *query, uint16_t *ret_n,
                          struct define_column **ret) {
    (void)query;
    struct define_column *c = arena_zalloc(env->eval.arena, 2 * sizeof *c);
    c[0] = (struct define_column){"a", INT4OID, -1, 0};
    c[1] = (struct define_column){"b", TEXTOID, -1, 100};
    *ret_n = 2;
    *ret = c;
    return OK;
}

struct kept_expression {
    const struct relation *columns;
    struct node *tree;
    oid want;
};

static status keep_expression(struct sql_env *env, const struct relation *r, struct node *n,
                              enum expression_use use, oid want, int32_t mod,
                              struct kept_expression **ret) {
    (void)use, (void)mod;
    *ret = arena_zalloc(env->eval.arena, sizeof **ret);
    **ret = (struct kept_expression){r, n, want};
    return OK;
}

static status print_tree(struct sql_env *env, const struct kept_expression *e,
                         const struct print_style *style, struct buf *out) {
    struct deparse d = {
        .env = env, .out = out, .columns = e->columns, .hide_schemas = !style->stored};
    return deparse_expression(&d, e->tree, e->want);
}

static status names_nothing(struct sql_env *env, const struct kept_expression *e,
                            struct list **ret) {
    (void)env, (void)e;
    *ret = NULL;
    return OK;
}

/* The relations that a query names, and of each the first column. */
static status names_relations(struct sql_env *env, const struct kept_query *q, struct list **ret) {
    struct list *relations = NULL;
    *ret = NULL;
    TRY(define_qualify(env, (struct node *)q, &relations));
    LIST_EACH(void *, relation, relations) {
        for (int32_t part = 0; part < 2; part++) {
            struct object_address *o = arena_zalloc(env->eval.arena, sizeof *o);
            *o = (struct object_address){OID_pg_class, (oid)(uintptr_t)relation, part};
            TRY(list_append(env->eval.arena, ret, o));
        }
    }
    return OK;
}

static status keep_tree(struct sql_env *env, struct node *query, struct kept_query **ret) {
    (void)env;
    *ret = (struct kept_query *)query;
    return OK;
}

static status print_kept(struct sql_env *env, const struct kept_query *q,
                         const struct print_style *style, const struct relation *names,
                         struct buf *out) {
    (void)names;
    struct deparse d = {.env = env, .out = out, .hide_schemas = !style->stored};
    return deparse_query(&d, (struct node *)q);
}

/* Sorting in memory, in place of the executor's. */
struct table_sort {
    struct buf items[8192];
    size_t n, at;
};

static status sort_new(struct sql_env *, struct table_sort **ret) {
    *ret = calloc(1, sizeof **ret);
    return OK;
}

static status sort_add(struct table_sort *t, const void *bytes, size_t len) {
    assert_true(t->n < 8192);
    return buf_add(&t->items[t->n++], bytes, len);
}

static int compare_items(const void *x, const void *y) {
    const struct buf *a = x, *b = y;
    return key_compare(a->data, a->len, b->data, b->len);
}

static status sort_finish(struct table_sort *t) {
    qsort(t->items, t->n, sizeof *t->items, compare_items);
    return OK;
}

static status sort_next(struct table_sort *t, const unsigned char **ret, uint32_t *ret_len) {
    bool more = t->at < t->n;
    *ret = more ? (const unsigned char *)t->items[t->at].data : NULL;
    *ret_len = more ? (uint32_t)t->items[t->at++].len : 0;
    return OK;
}

static void sort_free(struct table_sort *t) {
    for (size_t i = 0; i < t->n; i++) buf_free(&t->items[i]);
    free(t);
}

const struct table_hooks stand_in_sort = {.sort_new = sort_new,
                                          .sort_add = sort_add,
                                          .sort_finish = sort_finish,
                                          .sort_next = sort_next,
                                          .sort_free = sort_free};

const struct define_hooks stand_in_analysis = {
    .expression_check = accept_expression,
    .index_expression = text_expression,
    .expression_value = literal_value,
    .check_rows = no_bad_rows,
    .query_columns = two_columns,
    .query_keep = keep_tree,
    .query_print = print_kept,
    .query_objects = names_relations,
    .expression_keep = keep_expression,
    .expression_print = print_tree,
    .expression_objects = names_nothing,
};
