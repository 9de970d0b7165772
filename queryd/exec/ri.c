/* Foreign keys at work. */
#include "exec/ri.h"

#include "catalog/catalog_table.h"
#include "exec/internal.h"
#include "exec/late_key.h"
#include "exec/ri_key.h"
#include "exec/ri_words.h"

struct ri_event {
    struct ri_event *next;
    oid constraint, table, refers;
    bool reference; /* a new reference whose key was not there; else a key that went or changed */
    bool update;    /* the key changed to `fresh` */
    uint16_t n;
    datum *old, *fresh; /* reference: old is the referring row's */
    uint8_t *fresh_nulls;
    const struct late_event *late; /* a key that may be there twice; no foreign key is meant */
    lsn at;                        /* of the change: what a rollback to before it forgets */
};

struct ri_set {
    struct ri_set *next;
    oid constraint; /* 0: ALL */
    bool deferred;
};

struct ri_state {
    struct ri_event *now, **now_end;
    struct ri_event *deferred, **deferred_end;
    struct ri_set *sets; /* newest first */
};

static status need_state(struct sql_env *env, struct ri_state **ret) {
    if (!env->ri) {
        env->ri = arena_zalloc(env->txn_arena, sizeof *env->ri);
        if (!env->ri) return no_memory(env);
        env->ri->now_end = &env->ri->now;
        env->ri->deferred_end = &env->ri->deferred;
    }
    *ret = env->ri;
    return OK;
}

/* Of a constraint that is deferrable; deferred: initially. */
static bool is_deferred(const struct ri_state *state, oid constraint, bool deferred) {
    for (const struct ri_set *s = state->sets; s; s = s->next)
        if (!s->constraint || s->constraint == constraint) return s->deferred;
    return deferred;
}

static bool key_is_deferred(const struct ri_state *state, const struct foreign_key *k) {
    return k->deferrable && is_deferred(state, k->oid, k->deferred);
}

/* ---- events ---------------------------------------------------------------------------------- */

static status copy_values(struct sql_env *env, const struct relation *r, const int16_t *columns,
                          uint16_t n, const datum *values, const uint8_t *nulls, datum **ret,
                          uint8_t **ret_nulls) {
    datum *copy = arena_array(env->txn_arena, n, sizeof *copy);
    uint8_t *copy_nulls = arena_array(env->txn_arena, n, 1);
    if (!copy || !copy_nulls) return no_memory(env);
    for (uint16_t i = 0; i < n; i++) {
        uint16_t att = (uint16_t)(columns[i] - 1);
        copy_nulls[i] = nulls[att];
        if (!nulls[att])
            TRY(type_copy(type_find(r->atts[att].type), values[att], env->txn_arena, &copy[i]));
    }
    *ret = copy;
    *ret_nulls = copy_nulls;
    return OK;
}

static status add_event(struct sql_env *env, struct ri_event event, bool later) {
    struct ri_event *e = arena_memdup(env->txn_arena, &event, sizeof event);
    if (!e) return no_memory(env);
    struct ri_event ***end = later ? &env->ri->deferred_end : &env->ri->now_end;
    **end = e;
    *end = &e->next;
    return OK;
}

status ri_add_late(struct sql_env *env, const struct relation *r, const struct index_desc *x,
                   const struct late_event *late) {
    struct ri_state *state;
    struct ri_event e = {.constraint = x->constraint, .table = r->oid, .at = env->txn->writer.last};
    TRY(need_state(env, &state));
    e.late = arena_memdup(env->txn_arena, late, sizeof *late);
    if (!e.late) return no_memory(env);
    return add_event(env, e, is_deferred(state, x->constraint, x->deferred));
}

static status note(struct sql_env *env, const struct relation *r, const struct foreign_key *k,
                   bool reference, const datum *old, const uint8_t *old_nulls, const datum *fresh,
                   const uint8_t *fresh_nulls) {
    struct ri_event e = {.constraint = k->oid,
                         .table = k->table,
                         .refers = k->refers,
                         .reference = reference,
                         .update = fresh != NULL,
                         .n = k->n,
                         .at = env->txn->writer.last};
    const int16_t *columns = reference ? k->columns : k->ref_columns;
    uint8_t *nulls;
    TRY(copy_values(env, r, columns, k->n, old, old_nulls, &e.old, &nulls));
    if (fresh)
        TRY(copy_values(env, r, columns, k->n, fresh, fresh_nulls, &e.fresh, &e.fresh_nulls));
    char action = fresh ? k->on_update : k->on_delete;
    struct ri_state *state;
    TRY(need_state(env, &state));
    return add_event(env, e, (reference || action == 'a') && key_is_deferred(state, k));
}

/* ---- changes of rows ------------------------------------------------------------------------- */

static bool key_changes(const struct relation *r, const int16_t *columns, uint16_t n,
                        const datum *old, const uint8_t *old_nulls, const datum *fresh,
                        const uint8_t *fresh_nulls) {
    for (uint16_t i = 0; i < n; i++) {
        uint16_t a = (uint16_t)(columns[i] - 1);
        if (!same_value(type_find(r->atts[a].type), old[a], old_nulls[a], fresh[a], fresh_nulls[a]))
            return true;
    }
    return false;
}

static unsigned count_nulls(const int16_t *columns, uint16_t n, const uint8_t *nulls) {
    unsigned count = 0;
    for (uint16_t i = 0; i < n; i++) count += nulls[columns[i] - 1];
    return count;
}

static status refer(struct sql_env *env, const struct relation *r, const struct foreign_key *k,
                    const datum *values, const uint8_t *nulls) {
    const struct relation *to;
    datum key[INDEX_COLUMNS_MAX];
    unsigned none = count_nulls(k->columns, k->n, nulls);
    if (none && k->match == 'f' && none < k->n) return ri_mixed_nulls(env, r, k);
    if (none) return OK;
    for (uint16_t i = 0; i < k->n; i++) key[i] = values[k->columns[i] - 1];
    TRY(catalog_relation(env, k->refers, &to));
    struct arena_mark mark = arena_mark(env->eval.arena);
    status s = ri_find_key(env, r, to, k, key);
    arena_rewind(env->eval.arena, mark);
    if (!status_is(s, ST_NOT_FOUND)) return s;
    return note(env, r, k, true, values, nulls, NULL, NULL);
}

status ri_inserted(struct sql_env *env, const struct relation *r, const datum *values,
                   const uint8_t *nulls) {
    if (late_keys(r)) TRY(late_written(env, r, NULL, NULL, values, nulls));
    for (uint16_t i = 0; i < r->nkeys; i++) TRY(refer(env, r, &r->keys[i], values, nulls));
    return OK;
}

status ri_changed(struct sql_env *env, const struct relation *r, const datum *old,
                  const uint8_t *old_nulls, const datum *fresh, const uint8_t *fresh_nulls) {
    if (fresh && late_keys(r)) TRY(late_written(env, r, old, old_nulls, fresh, fresh_nulls));
    for (uint16_t i = 0; i < r->nreferences; i++) {
        const struct foreign_key *k = &r->references[i];
        if (count_nulls(k->ref_columns, k->n, old_nulls)) continue;
        if (fresh && !key_changes(r, k->ref_columns, k->n, old, old_nulls, fresh, fresh_nulls))
            continue;
        TRY(note(env, r, k, false, old, old_nulls, fresh, fresh_nulls));
    }
    for (uint16_t i = 0; fresh && i < r->nkeys; i++) {
        const struct foreign_key *k = &r->keys[i];
        if (key_changes(r, k->columns, k->n, old, old_nulls, fresh, fresh_nulls))
            TRY(refer(env, r, k, fresh, fresh_nulls));
    }
    return OK;
}

/* ---- events come due ------------------------------------------------------------------------- */

static status find_constraint(struct sql_env *env, const struct ri_event *e,
                              const struct relation **ret_table, const struct relation **ret_to,
                              const struct foreign_key **ret_key) {
    TRY(catalog_relation(env, e->table, ret_table));
    TRY(catalog_relation(env, e->refers, ret_to));
    for (uint16_t i = 0; i < (*ret_table)->nkeys; i++)
        if ((*ret_table)->keys[i].oid == e->constraint) {
            *ret_key = &(*ret_table)->keys[i];
            return OK;
        }
    return STATUS(NOT_FOUND);
}

static status check_reference(struct sql_env *env, const struct relation *r,
                              const struct relation *to, const struct foreign_key *k,
                              const struct ri_event *e) {
    oid types[INDEX_COLUMNS_MAX];
    bool there;
    status s = ri_find_key(env, r, to, k, e->old);
    if (!status_is(s, ST_NOT_FOUND)) return s;
    ri_key_types(r, k->columns, k->n, types);
    TRY(ri_rows_exist(env, r, k->columns, k->n, types, e->old, &there));
    return there ? ri_no_key(env, r, to, k, e->old) : OK;
}

/* NO ACTION is content when another row has the key by now. */
static status check_gone(struct sql_env *env, const struct relation *r, const struct relation *to,
                         const struct foreign_key *k, const struct ri_event *e, bool restricts) {
    oid types[INDEX_COLUMNS_MAX];
    bool there = false;
    ri_key_types(to, k->ref_columns, k->n, types);
    if (!restricts) TRY(ri_rows_exist(env, to, k->ref_columns, k->n, types, e->old, &there));
    if (there) return OK;
    TRY(ri_rows_exist(env, r, k->columns, k->n, types, e->old, &there));
    return there ? ri_still_referenced(env, to, r, k, e->old) : OK;
}

static status action_text(const struct relation *r, const struct foreign_key *k, char action,
                          bool update, struct buf *out) {
    bool part = !update && k->nset;
    uint16_t n = part ? k->nset : k->n;
    if (action == 'c' && !update) {
        TRY(buf_add_str(out, "DELETE FROM "));
        TRY(ri_add_table(out, r));
        return ri_add_where(out, r, k->columns, k->n);
    }
    TRY(buf_add_str(out, "UPDATE "));
    TRY(ri_add_table(out, r));
    for (uint16_t i = 0; i < n; i++) {
        TRY(buf_add_str(out, i ? ", " : " SET "));
        TRY(ri_add_name(out, r->atts[(part ? k->set_columns : k->columns)[i] - 1].name));
        if (action == 'c')
            TRY(buf_printf(out, " = $%u", k->n + i + 1u));
        else
            TRY(buf_add_str(out, action == 'n' ? " = NULL" : " = DEFAULT"));
    }
    return ri_add_where(out, r, k->columns, k->n);
}

static status act(struct sql_env *env, const struct relation *r, const struct relation *to,
                  const struct foreign_key *k, const struct ri_event *e, char action) {
    oid types[2 * INDEX_COLUMNS_MAX];
    datum values[2 * INDEX_COLUMNS_MAX];
    uint8_t nulls[2 * INDEX_COLUMNS_MAX] = {0};
    uint16_t n = k->n;
    uint64_t rows;
    ri_key_types(to, k->ref_columns, k->n, types);
    memcpy(values, e->old, k->n * sizeof *values);
    for (uint16_t i = 0; action == 'c' && e->update && i < k->n; i++, n++) {
        types[n] = types[i];
        values[n] = e->fresh[i];
        nulls[n] = e->fresh_nulls[i];
    }
    struct buf text = {0};
    status s = action_text(r, k, action, e->update, &text);
    if (ok(s)) s = buf_add(&text, "", 1);
    if (ok(s)) s = ri_run_text(env, text.data, types, values, nulls, n, &rows);
    buf_free(&text);
    TRY(s);
    return action == 'd' ? check_gone(env, r, to, k, e, false) : OK;
}

static status handle_late(struct sql_env *env, const struct ri_event *e) {
    const struct relation *r;
    struct arena_mark mark = arena_mark(env->eval.arena);
    status s = catalog_relation(env, e->table, &r);
    if (status_is(s, ST_NOT_FOUND)) return OK; /* dropped meanwhile */
    if (ok(s)) s = late_handle(env, r, e->late);
    arena_rewind(env->eval.arena, mark);
    return s;
}

static status handle(struct sql_env *env, const struct ri_event *e) {
    const struct relation *r, *to;
    const struct foreign_key *k;
    if (e->late) return handle_late(env, e);
    status s = find_constraint(env, e, &r, &to, &k);
    if (status_is(s, ST_NOT_FOUND)) return OK; /* dropped meanwhile */
    TRY(s);
    if (e->reference) return check_reference(env, r, to, k, e);
    char action = e->update ? k->on_update : k->on_delete;
    if (action == 'a' || action == 'r') return check_gone(env, r, to, k, e, action == 'r');
    return act(env, r, to, k, e, action);
}

status ri_run(struct sql_env *env) {
    if (env->ri_depth) return OK;
    while (env->ri && env->ri->now) {
        struct ri_event *e = env->ri->now;
        TRY(handle(env, e));
        env->ri->now = e->next;
        if (!e->next) env->ri->now_end = &env->ri->now;
        TRY(sql_env_breathe(env));
    }
    return OK;
}

void ri_failed(struct sql_env *env) {
    if (!env->ri || env->ri_depth) return;
    env->ri->now = NULL;
    env->ri->now_end = &env->ri->now;
}

/* NOT_FOUND: the constraint is gone. */
static status event_is_deferred(struct sql_env *env, const struct ri_event *e, bool *ret) {
    const struct relation *r, *to;
    const struct foreign_key *k;
    if (!e->late) {
        TRY(find_constraint(env, e, &r, &to, &k));
        *ret = key_is_deferred(env->ri, k);
        return OK;
    }
    TRY(catalog_relation(env, e->table, &r));
    const struct index_desc *x = late_index(r, e->late->index);
    if (!x) return STATUS(NOT_FOUND);
    *ret = x->deferrable && is_deferred(env->ri, x->constraint, x->deferred);
    return OK;
}

/* Events whose constraint is not deferred any more come due now. */
static status take_due(struct sql_env *env, bool all) {
    struct ri_state *state = env->ri;
    struct ri_event *e = state->deferred;
    state->deferred = NULL;
    state->deferred_end = &state->deferred;
    for (struct ri_event *next; e; e = next) {
        bool later;
        next = e->next;
        e->next = NULL;
        status s = event_is_deferred(env, e, &later);
        if (status_is(s, ST_NOT_FOUND)) continue;
        TRY(s);
        struct ri_event ***end = all || !later ? &state->now_end : &state->deferred_end;
        **end = e;
        *end = &e->next;
    }
    return OK;
}

status ri_before_commit(struct sql_env *env) {
    while (env->ri && env->ri->deferred) {
        TRY(take_due(env, true));
        TRY(ri_run(env));
    }
    return OK;
}

void ri_rolled_back(struct sql_env *env, struct txn_mark mark) {
    if (!env->ri) return;
    ri_failed(env);
    struct ri_event **at = &env->ri->deferred;
    while (*at)
        if ((*at)->at.at > mark.last.at)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    env->ri->deferred_end = at;
}

/* ---- SET CONSTRAINTS ------------------------------------------------------------------------- */

static status add_set(struct sql_env *env, oid constraint, bool deferred) {
    struct ri_state *state;
    TRY(need_state(env, &state));
    struct ri_set *s = arena_zalloc(env->txn_arena, sizeof *s);
    if (!s) return no_memory(env);
    *s = (struct ri_set){state->sets, constraint, deferred};
    if (!constraint) s->next = NULL;
    state->sets = s;
    return OK;
}

static status set_named(struct sql_env *env, const struct ast_range_var *v, bool deferred) {
    const char *key = catalog_name(env->eval.arena, v->name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key)};
    struct catalog_scan s;
    status st;
    bool found = false;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_constraint, OID_pg_constraint_conname_nsp_index,
                                   keys, 1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        found = true;
        if (!row_bool(&s.row, COL_pg_constraint_condeferrable)) {
            st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                           "constraint \"%s\" is not deferrable", v->name);
            goto out;
        }
        TRY_OUT(st, add_set(env, row_oid(&s.row, COL_pg_constraint_oid), deferred));
    }
    if (status_is(st, ST_END))
        st = found ? OK
                   : error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                               "constraint \"%s\" does not exist", v->name);
out:
    catalog_scan_end(&s);
    return st;
}

status ri_set_constraints(struct sql_env *env, const struct ast_set_constraints *s) {
    if (!list_n(s->constraints)) TRY(add_set(env, 0, s->deferred));
    LIST_EACH(struct ast_range_var *, v, s->constraints) TRY(set_named(env, v, s->deferred));
    if (s->deferred || !env->ri) return OK;
    TRY(take_due(env, false));
    return ri_run(env);
}

/* ---- all rows of a table --------------------------------------------------------------------- */

static status check_row_of(struct sql_env *env, const struct relation *r, const struct relation *to,
                           const struct foreign_key *k, const datum *values, const uint8_t *nulls) {
    datum key[INDEX_COLUMNS_MAX];
    unsigned none = count_nulls(k->columns, k->n, nulls);
    if (none && k->match == 'f' && none < k->n) return ri_mixed_nulls(env, r, k);
    if (none) return OK;
    for (uint16_t i = 0; i < k->n; i++) key[i] = values[k->columns[i] - 1];
    status s = ri_find_key(env, r, to, k, key);
    return status_is(s, ST_NOT_FOUND) ? ri_no_key(env, r, to, k, key) : s;
}

status ri_check_references(struct sql_env *env, const struct relation *r,
                           const struct foreign_key *k) {
    struct arena *a = env->eval.arena;
    const struct relation *to;
    struct table_scan scan;
    struct tree_entry e;
    datum *values = arena_array(a, r->natts + 1u, sizeof *values);
    uint8_t *nulls = arena_array(a, r->natts + 1u, 1);
    if (!values || !nulls) return no_memory(env);
    TRY(catalog_relation(env, k->refers, &to));
    struct table_bound open = {0};
    TRY(table_scan_begin(env, &scan, a, r, NULL, open, open, false));
    status s;
    while (ok(s = table_scan_next(&scan, &e))) {
        struct arena_mark mark = arena_mark(a);
        TRY_OUT(s, table_deform(env, r, &e, r->natts, NULL, values, nulls, a));
        TRY_OUT(s, check_row_of(env, r, to, k, values, nulls));
        arena_rewind(a, mark);
        TRY_OUT(s, sql_env_breathe(env));
    }
    if (status_is(s, ST_END)) s = OK;
out:
    table_scan_end(&scan);
    return s;
}

/* ---- ALTER TABLE … ADD COLUMN ---------------------------------------------------------------- */

status ri_fill_column(struct sql_env *env, const struct relation *r, const char *column) {
    struct buf text = {0};
    uint64_t rows;
    status s = buf_add_str(&text, "UPDATE ");
    if (ok(s)) s = ri_add_table(&text, r);
    if (ok(s)) s = buf_add_str(&text, " SET ");
    if (ok(s)) s = ri_add_name(&text, column);
    if (ok(s)) s = buf_add_str(&text, " = DEFAULT");
    if (ok(s)) s = buf_add(&text, "", 1);
    if (ok(s)) s = ri_run_text(env, text.data, NULL, NULL, NULL, 0, &rows);
    buf_free(&text);
    return s;
}
