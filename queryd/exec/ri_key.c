/* Whether a key is there, and statements of foreign keys' own. */
#include "exec/ri_key.h"

#include "base/control.h"
#include "base/spin.h"
#include "catalog/catalog_table.h"
#include "exec/internal.h"
#include "types/resolution.h"

/* ---- statements of their own ----------------------------------------------------------------- */

/* An environment that sees every commit until now, and all of the transaction's own. */
static void env_now(struct sql_env *env, struct arena *a, const char *text, struct sql_env *ret) {
    struct log_shared *log = env->proc->shm->log;
    uint64_t last = atomic_load_explicit(&log->last_commit, memory_order_acquire);
    if (atomic_load_explicit(&log->visible, memory_order_acquire) < last)
        status_ignore(log_wait_durable(env->proc, log_complete(log))); /* visibility tells */
    for (unsigned n = 0; atomic_load_explicit(&log->visible, memory_order_acquire) < last; n++)
        spin_wait(n);
    *ret = *env;
    ret->eval.arena = a;
    ret->snapshot = catalog_snapshot(env);
    ret->text = text;
    ret->text_len = strlen(text);
    ret->ri_depth++;
}

static status run_once(struct sql_env *env, const oid *types, const datum *values,
                       const uint8_t *nulls, uint16_t n, uint64_t *ret_rows) {
    struct list *statements;
    struct statement *st;
    TRY(parse_sql(env->eval.arena, env->text, env->text_len, env->eval.error, &statements));
    TRY(statement_prepare(env, list_at(statements, 0), types, n, &st));
    struct execution *x = NULL;
    const struct batch *b;
    status s = execution_begin(env, st, values, nulls, &x);
    if (ok(s)) s = execution_fetch(x, 1, &b);
    if (ok(s)) *ret_rows = b->nrows;
    if (x) execution_end(x);
    statement_release(st);
    return s;
}

status ri_run_text(struct sql_env *env, const char *text, const oid *types, const datum *values,
                   const uint8_t *nulls, uint16_t n, uint64_t *ret_rows) {
    status s = STATUS(INVALID);
    for (int tries = 0; status_is(s, ST_INVALID) && tries < PLAN_TRIES_MAX; tries++) {
        struct arena a;
        struct sql_env inner;
        arena_init(&a, 0);
        env_now(env, &a, text, &inner);
        s = run_once(&inner, types, values, nulls, n, ret_rows);
        env->ri = inner.ri;
        env->index_rows = inner.index_rows;
        arena_free(&a);
    }
    return s;
}

status ri_add_name(struct buf *out, const char *name) {
    TRY(buf_add_str(out, "\""));
    for (const char *c = name; *c; c++) TRY(buf_printf(out, *c == '"' ? "\"\"" : "%c", *c));
    return buf_add_str(out, "\"");
}

status ri_add_table(struct buf *out, const struct relation *r) {
    TRY(ri_add_name(out, r->schema_name));
    TRY(buf_add_str(out, "."));
    return ri_add_name(out, r->name);
}

status ri_add_where(struct buf *out, const struct relation *r, const int16_t *columns, uint16_t n) {
    for (uint16_t i = 0; i < n; i++) {
        TRY(buf_add_str(out, i ? " AND " : " WHERE "));
        TRY(ri_add_name(out, r->atts[columns[i] - 1].name));
        TRY(buf_printf(out, " OPERATOR(pg_catalog.=) $%u", i + 1u));
    }
    return OK;
}

status ri_rows_exist(struct sql_env *env, const struct relation *r, const int16_t *columns,
                     uint16_t n, const oid *types, const datum *values, bool *ret) {
    static const uint8_t nulls[INDEX_COLUMNS_MAX] = {0};
    struct buf text = {0};
    uint64_t rows = 0;
    status s = buf_add_str(&text, "SELECT 1 FROM ");
    if (ok(s)) s = ri_add_table(&text, r);
    if (ok(s)) s = ri_add_where(&text, r, columns, n);
    if (ok(s)) s = buf_add_str(&text, " FOR KEY SHARE");
    if (ok(s)) s = buf_add(&text, "", 1);
    if (ok(s)) s = ri_run_text(env, text.data, types, values, nulls, n, &rows);
    buf_free(&text);
    *ret = rows > 0;
    return s;
}

void ri_key_types(const struct relation *r, const int16_t *columns, uint16_t n, oid *ret) {
    for (uint16_t i = 0; i < n; i++) ret[i] = r->atts[columns[i] - 1].type;
}

/* ---- looking a key up ------------------------------------------------------------------------ */

static const struct index_desc *index_of(const struct relation *r, oid index) {
    if (r->primary && r->primary->oid == index) return r->primary;
    for (uint16_t i = 0; i < r->nindexes; i++)
        if (r->indexes[i].oid == index) return &r->indexes[i];
    return NULL;
}

/* The values as the referenced columns' types, in places of a whole row. INVALID: they have no
 * implicit cast. */
static status as_referenced(struct sql_env *env, const struct relation *r,
                            const struct relation *to, const struct foreign_key *k,
                            const datum *values, datum *ret) {
    for (uint16_t i = 0; i < k->n; i++) {
        oid from = r->atts[k->columns[i] - 1].type, want = to->atts[k->ref_columns[i] - 1].type;
        datum *place = &ret[k->ref_columns[i] - 1];
        *place = values[i];
        if (from == want) continue;
        struct cast_result cast = resolve_cast(from, want, CAST_IMPLICIT);
        bool is_null = false;
        if (cast.path == CAST_NONE) return STATUS(INVALID);
        TRY(cast_value(&env->eval, cast, from, want, -1, false, values[i], place, &is_null));
    }
    return OK;
}

static status find_by_index(struct sql_env *env, const struct relation *to,
                            const struct index_desc *x, const datum *row) {
    struct buf key = {0};
    bool has_null;
    uint8_t *nulls = arena_zalloc(env->eval.arena, to->natts + 1u);
    if (!nulls) return no_memory(env);
    status s = table_index_key(env, to, x, row, nulls, &key, &has_null);
    if (ok(s)) s = table_find_key(env, to, x, key.data, key.len);
    buf_free(&key);
    return s;
}

status ri_find_key(struct sql_env *env, const struct relation *r, const struct relation *to,
                   const struct foreign_key *k, const datum *values) {
    const struct index_desc *x = index_of(to, k->index);
    datum *row = arena_zalloc(env->eval.arena, (to->natts + 1u) * sizeof *row);
    if (!row) return no_memory(env);
    status s = x ? as_referenced(env, r, to, k, values, row) : STATUS(INVALID);
    if (ok(s)) return find_by_index(env, to, x, row);
    if (!status_is(s, ST_INVALID)) return s;
    oid types[INDEX_COLUMNS_MAX];
    bool found;
    ri_key_types(r, k->columns, k->n, types);
    TRY(ri_rows_exist(env, to, k->ref_columns, k->n, types, values, &found));
    return found ? OK : STATUS(NOT_FOUND);
}
