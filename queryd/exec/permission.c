/* permission.c: may the user run this statement? */
#include "catalog/catalog_table.h"
#include "catalog/privilege.h"
#include "exec/private.h"

struct looking {
    struct sql_env *env;
    const struct permission *needs;
    const struct object_acl *object;
    oid role;
};

static bool is_empty(const struct permission *p, const uint64_t *set) {
    for (uint16_t i = 0; i < p->words; i++)
        if (set[i]) return false;
    return true;
}

/* Without a column's name one column is enough. */
static status on_any_column(const struct looking *l, uint32_t right, bool *ret_may) {
    *ret_may = false;
    for (int i = 1; i <= l->object->ncolumns && !*ret_may; i++) {
        uint32_t has;
        TRY(privilege_column_mask(l->env, l->object, (int16_t)i, l->role, right, &has));
        *ret_may = has != 0;
    }
    return OK;
}

static status on_columns(const struct looking *l, const uint64_t *set, uint32_t right,
                         bool *ret_may) {
    if (is_empty(l->needs, set)) return on_any_column(l, right, ret_may);
    *ret_may = !(set[0] & 1); /* a system column: only with the whole table */
    for (int i = 1; i < l->needs->words * 64 && *ret_may; i++) {
        uint32_t has;
        if (!(set[i / 64] >> i % 64 & 1)) continue;
        TRY(privilege_column_mask(l->env, l->object, (int16_t)i, l->role, right, &has));
        *ret_may = has != 0;
    }
    return OK;
}

/* The table's own privileges first; what they lack may be there for every column concerned. */
static status look(const struct looking *l, bool *ret_may) {
    const struct permission *p = l->needs;
    const struct {
        uint32_t right;
        const uint64_t *set;
    } by_column[] = {
        {ACL_SELECT, p->selected}, {ACL_INSERT, p->inserted}, {ACL_UPDATE, p->updated}};
    uint32_t has;
    TRY(privilege_mask(l->env, l->object, l->role, p->rights, &has));
    uint32_t lacks = p->rights & ~has;
    *ret_may = !(lacks & ~(uint32_t)(ACL_SELECT | ACL_INSERT | ACL_UPDATE));
    for (size_t i = 0; i < sizeof by_column / sizeof *by_column && *ret_may; i++)
        if (lacks & by_column[i].right)
            TRY(on_columns(l, by_column[i].set, by_column[i].right, ret_may));
    return OK;
}

status permission_check_one(struct sql_env *env, const struct permission *p) {
    struct looking l = {env, p, NULL, p->check_as ? p->check_as : env->settings->user_oid};
    bool may;
    TRY(role_is_superuser(env, l.role, &may));
    if (may) return OK;
    status st = privilege_object(env, OID_pg_class, p->relation, &l.object);
    if (status_is(st, ST_NOT_FOUND)) return STATUS(INVALID); /* dropped: plan anew */
    TRY(st);
    TRY(look(&l, &may));
    return may ? OK : privilege_denied(env, l.object);
}

static status check(struct sql_env *env, const struct statement_private *p) {
    for (uint16_t i = 0; i < p->npermissions; i++)
        TRY(permission_check_one(env, p->permissions[i]));
    for (uint16_t i = 0; i < p->nfunctions; i++)
        TRY(privilege_check(env, OID_pg_proc, p->functions[i], ACL_EXECUTE));
    return OK;
}

status permission_check(struct sql_env *env, struct statement_private *p) {
    oid user = env->settings->user_oid;
    if (p->permitted == user || env->ri_depth) return OK; /* a foreign key's own statement */
    TRY(check(env, p));
    if (p->statement.catalog_version) p->permitted = user;
    return OK;
}
