/* define_exclusion.c: EXCLUDE constraints. Of btree's operators only = can exclude. */
#include "catalog/define_internal.h"
#include "types/resolution.h"

static const char *signature(struct sql_env *env, const struct operator_info *op) {
    struct arena *a = env->eval.arena;
    return arena_printf(a, "%s(%s,%s)", op->name, type_format_name(a, op->left),
                        type_format_name(a, op->right));
}

static status not_commutative(struct sql_env *env, const struct operator_info *op) {
    status st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "operator %s is not commutative",
                          signature(env, op));
    error_detail(env->eval.error,
                 "Only commutative operators can be used in exclusion constraints.");
    return st;
}

static status not_of_family(struct sql_env *env, const struct operator_info *op, oid opclass) {
    const char *family = NULL;
    struct catalog_row row;
    struct arena *a = env->eval.arena;
    if (ok(catalog_row_get_oid(env, CAT_pg_opclass, opclass, a, &row)) &&
        ok(catalog_row_get_oid(env, CAT_pg_opfamily, row_oid(&row, COL_pg_opclass_opcfamily), a,
                               &row)))
        family = row_name(&row, COL_pg_opfamily_opfname);
    status st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                          "operator %s is not a member of operator family \"%s\"",
                          signature(env, op), family ? family : "");
    error_detail(env->eval.error, "The exclusion operator must be related to the index operator "
                                  "class for the constraint.");
    return st;
}

static status exclusion_operator(struct sql_env *env, const struct ast_exclusion *x,
                                 const struct index_plan_column *c, oid *ret) {
    struct operator_choice choice;
    const char *name = list_at(x->names, list_n(x->names) - 1);
    TRY(resolve_operator(&env->eval, name, c->type, c->type, &choice));
    if (choice.op->commutator != choice.op->oid) return not_commutative(env, choice.op);
    if (choice.op->btree_strategy != 3) return not_of_family(env, choice.op, c->opclass);
    *ret = choice.op->oid;
    return OK;
}

status define_plan_exclusion(struct sql_env *env, const struct relation *r,
                             const struct ast_constraint *c, struct index_plan *plan) {
    struct arena *a = env->eval.arena;
    struct list *elements = NULL;
    plan->unique = plan->primary = false;
    TRY(define_index_method(env, c->access_method));
    LIST_EACH(struct ast_exclusion *, x, c->exclusions)
    TRY(list_append(a, &elements, x->element));
    TRY(define_index_elements(
        env, r, &(struct ast_create_index){.elements = elements, .where = c->where}, plan));
    LIST_EACH(const char *, name, c->including)
    TRY(define_index_add(env, r, plan, name, false, &c->node));
    plan->exclusion = arena_array(a, plan->nkeys + 1u, sizeof *plan->exclusion);
    if (!plan->exclusion) return no_memory(env);
    LIST_EACH(struct ast_exclusion *, x, c->exclusions)
    TRY(exclusion_operator(env, x, &plan->columns[x_i], &plan->exclusion[x_i]));
    return OK;
}
