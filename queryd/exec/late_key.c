/* Deferrable unique constraints and exclusion constraints at work. */
#include "exec/late_key.h"

#include <stdio.h>

#include "exec/internal.h"
#include "table/late_key.h"

bool late_keys(const struct relation *r) {
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].late) return true;
    return false;
}

static status keep(struct sql_env *env, const struct relation *r, const struct index_desc *x,
                   const struct buf *key, const char *described) {
    struct late_event e = {.index = x->oid, .len = key->len};
    e.key = arena_memdup(env->txn_arena, key->data, key->len);
    e.described = arena_strdup(env->txn_arena, described);
    if (!e.key || !e.described) return no_memory(env);
    return ri_add_late(env, r, x, &e);
}

/* The key of a new row, which is there by now. */
static status look(struct sql_env *env, const struct relation *r, const struct index_desc *x,
                   const struct buf *key, const datum *values, const uint8_t *nulls) {
    unsigned n;
    char *described;
    TRY(table_late_count(env, x, key->data, key->len, !x->deferrable, &n));
    if (n < 2) return OK;
    TRY(table_describe_key(env, r, x, values, nulls, &described));
    if (x->deferrable) return keep(env, r, x, key, described);
    return table_late_error(env, r, x, described, false);
}

static status written(struct sql_env *env, const struct relation *r, const struct index_desc *x,
                      const datum *old, const uint8_t *old_nulls, const datum *fresh,
                      const uint8_t *fresh_nulls) {
    struct buf before = {0}, after = {0};
    bool applied = false, applies;
    status s = table_late_key(env, r, x, fresh, fresh_nulls, &after, &applies);
    if (ok(s) && old) s = table_late_key(env, r, x, old, old_nulls, &before, &applied);
    bool same = applied && before.len == after.len && !memcmp(before.data, after.data, after.len);
    if (ok(s) && applies && !same) s = look(env, r, x, &after, fresh, fresh_nulls);
    buf_free(&before);
    buf_free(&after);
    return s;
}

status late_written(struct sql_env *env, const struct relation *r, const datum *old,
                    const uint8_t *old_nulls, const datum *fresh, const uint8_t *fresh_nulls) {
    struct arena_mark mark = arena_mark(env->eval.arena);
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].late)
            TRY(written(env, r, &r->indexes[i], old, old_nulls, fresh, fresh_nulls));
    arena_rewind(env->eval.arena, mark);
    return OK;
}

const struct index_desc *late_index(const struct relation *r, oid index) {
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].oid == index) return &r->indexes[i];
    return NULL;
}

status late_handle(struct sql_env *env, const struct relation *r, const struct late_event *e) {
    const struct index_desc *x = late_index(r, e->index);
    unsigned n;
    if (!x || !x->late) return OK; /* dropped meanwhile */
    TRY(table_late_count(env, x, e->key, e->len, true, &n));
    return n < 2 ? OK : table_late_error(env, r, x, e->described, false);
}

/* ---- ON CONFLICT ----------------------------------------------------------------------------- */

static status refuse(struct sql_env *env, const struct relation *r, const struct index_desc *x) {
    struct error *e = env->eval.error;
    status s = error_set(e, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                         "ON CONFLICT does not support deferrable unique constraints/exclusion "
                         "constraints as arbiters");
    snprintf(e->schema, sizeof e->schema, "%s", r->schema_name);
    snprintf(e->table, sizeof e->table, "%s", r->name);
    snprintf(e->constraint, sizeof e->constraint, "%s", x->name);
    return s;
}

status late_arbiters(struct sql_env *env, const struct relation *r, const struct plan_change *p,
                     const datum *values, const uint8_t *nulls, bool *ret_conflict) {
    *ret_conflict = false;
    for (uint16_t i = 0; i < r->nindexes && !*ret_conflict; i++) {
        const struct index_desc *x = &r->indexes[i];
        struct buf key = {0};
        bool applies;
        unsigned n = 0;
        if (!x->late || !plan_arbitrates(p, x)) continue;
        if (x->deferrable) return refuse(env, r, x);
        status s = table_late_key(env, r, x, values, nulls, &key, &applies);
        if (ok(s) && applies) s = table_late_count(env, x, key.data, key.len, true, &n);
        buf_free(&key);
        TRY(s);
        *ret_conflict = n > 0;
    }
    return OK;
}
