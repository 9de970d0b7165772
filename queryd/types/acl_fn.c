/* acl_fn.c: SQL functions of aclitem. */
#include <string.h>

#include "types/acl.h"
#include "types/internal.h"
#include "types/record.h"

static struct acl_item item_argument(const struct fn_call *c, int i) {
    struct acl_item item;
    memcpy(&item, c->args[i].p, sizeof item);
    return item;
}

status fn_aclitem_eq(struct fn_call *c) {
    struct acl_item a = item_argument(c, 0), b = item_argument(c, 1);
    return give_bool(c, a.bits == b.bits && a.grantee == b.grantee && a.grantor == b.grantor);
}

/* PostgreSQL's hash of an aclitem is a plain sum. */
status fn_hash_aclitem(struct fn_call *c) {
    struct acl_item a = item_argument(c, 0);
    return give_int4(c, (int32_t)(a.bits + a.grantee + a.grantor));
}

status fn_hash_aclitem_extended(struct fn_call *c) {
    struct acl_item a = item_argument(c, 0);
    return give_hash_extended(c, (uint32_t)(a.bits + a.grantee + a.grantor));
}

status fn_acl_no_longer(struct fn_call *c) {
    return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED, "%s is no longer supported",
                     c->site->function->name);
}

status fn_acl_contains(struct fn_call *c) {
    struct acl *list;
    struct acl_item item = item_argument(c, 1);
    TRY(acl_of_array(c->env, c->args[0].v, c->env->arena, &list));
    bool found = false;
    for (uint32_t i = 0; i < list->n; i++) {
        const struct acl_item *at = &list->items[i];
        found |=
            at->grantee == item.grantee && at->grantor == item.grantor && !(item.bits & ~at->bits);
    }
    return give_bool(c, found);
}

status fn_makeaclitem(struct fn_call *c) {
    struct acl_item item = {.grantee = c->args[0].u32, .grantor = c->args[1].u32};
    const struct varlena *word = c->args[2].v;
    item.bits = acl_right_named(word->data, word->len);
    if (!item.bits)
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                         "unrecognized privilege type: \"%.*s\"", (int)word->len, word->data);
    if (c->args[3].b) item.bits |= ACL_OPTION(item.bits);
    return give_ptr(c, arena_memdup(c->env->arena, &item, sizeof item));
}

status fn_acldefault(struct fn_call *c) {
    char kind = (char)c->args[0].i8;
    if (!acl_kind_rights((enum acl_kind)kind))
        return error_set(c->env->error, ST_INTERNAL_ERROR, "unrecognized objtype abbreviation: %c",
                         kind);
    struct acl *list = acl_default(c->env->arena, (enum acl_kind)kind, c->args[1].u32);
    if (!list) return out_of_memory(c->env);
    return acl_to_array(c->env, list, &c->result);
}

struct explosion {
    struct acl *list;
    uint32_t at, right;
};

static status give_right(struct fn_call *c, const struct acl_item *item, uint32_t right) {
    static const char *const names[] = {"grantor", "grantee", "privilege_type", "is_grantable"};
    static const oid types[] = {OIDOID, OIDOID, TEXTOID, BOOLOID};
    static const uint8_t nulls[4];
    const char *word = acl_right_word(right);
    datum *values = arena_array(c->env->arena, 4, sizeof *values);
    if (!values) return out_of_memory(c->env);
    values[0] = datum_oid(item->grantor);
    values[1] = datum_oid(item->grantee);
    values[2].v = varlena_from(c->env->arena, word, strlen(word));
    values[3] = datum_bool((item->bits & ACL_OPTION(right)) != 0);
    if (!values[2].v) return out_of_memory(c->env);
    struct record r = {RECORDOID, 4, types, names, values, nulls};
    return record_build(c->env, &r, &c->result);
}

status fn_aclexplode(struct fn_call *c) {
    struct explosion *x = c->set_state;
    if (!x) {
        x = arena_zalloc(c->set_arena, sizeof *x);
        if (!x) return out_of_memory(c->env);
        TRY(acl_of_array(c->env, c->args[0].v, c->set_arena, &x->list));
        c->set_state = x;
    }
    while (x->at < x->list->n) {
        const struct acl_item *item = &x->list->items[x->at];
        while (x->right < ACL_RIGHTS) {
            uint32_t right = 1u << x->right++;
            if (item->bits & right) return give_right(c, item, right);
        }
        x->at++;
        x->right = 0;
    }
    c->set_done = true;
    return OK;
}
