/* define_truncate.c: TRUNCATE. */
#include "catalog/define_internal.h"

/* Tables that refer to those of the list: they go as well, or must be in it. */
static status referring_tables(struct sql_env *env, struct list **tables, bool cascade) {
    for (int32_t i = 0; i < list_n(*tables); i++) {
        const struct relation *r, *other;
        TRY(catalog_relation(env, (oid)(uintptr_t)list_at(*tables, i), &r));
        for (uint16_t k = 0; k < r->nreferences; k++) {
            oid table = r->references[k].table;
            if (list_has_oid(*tables, table)) continue;
            TRY(txn_lock_relation(env->proc, env->txn, table, MODE_ACCESS_EXCLUSIVE, false,
                                  env->settings->lock_timeout_ms));
            TRY(catalog_relation(env, table, &other));
            if (!cascade) {
                status st =
                    error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                              "cannot truncate a table referenced in a foreign key constraint");
                error_detail(env->eval.error, "Table \"%s\" references \"%s\".", other->name,
                             r->name);
                error_hint(env->eval.error,
                           "Truncate table \"%s\" at the same time, or use TRUNCATE ... CASCADE.",
                           other->name);
                return st;
            }
            TRY(privilege_check(env, OID_pg_class, table, ACL_TRUNCATE));
            define_notice(env, "00000", "truncate cascades to table \"%s\"", other->name);
            TRY(list_append(env->eval.arena, tables, (void *)(uintptr_t)table));
        }
    }
    return OK;
}

static status truncate_one(struct sql_env *env, oid table, bool restart) {
    const struct relation *r;
    struct relation target;
    struct list *owned = NULL;
    TRY(catalog_relation(env, table, &r));
    TRY(define_new_trees(env, r, &target));
    TRY(define_drop_trees(env, r));
    catalog_changed(env);
    if (!restart) return OK;
    TRY(define_owned_sequences(env, table, 0, &owned));
    LIST_EACH(void *, sequence, owned)
    TRY(define_sequence_restart(env, (oid)(uintptr_t)sequence));
    return OK;
}

status define_truncate(struct sql_env *env, struct ast_truncate *s) {
    struct list *tables = NULL;
    LIST_EACH(struct ast_range_var *, name, s->relations) {
        const struct relation *r;
        TRY(define_lock_any(env, name, MODE_ACCESS_EXCLUSIVE, "r", &r));
        TRY(privilege_check(env, OID_pg_class, r->oid, ACL_TRUNCATE));
        if (!list_has_oid(tables, r->oid))
            TRY(list_append(env->eval.arena, &tables, (void *)(uintptr_t)r->oid));
    }
    TRY(referring_tables(env, &tables, s->cascade));
    LIST_EACH(void *, t, tables)
    TRY(truncate_one(env, (oid)(uintptr_t)t, s->restart_identity));
    return OK;
}
