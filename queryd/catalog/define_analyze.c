/* define_analyze.c: ANALYZE and VACUUM.
 *
 * There is nothing to vacuum: old versions are in the log (I8), and purge takes delete marks away.
 * ANALYZE reads the rows of a table (up to SAMPLE_ROWS of them look at values) and leaves their
 * number and, for each column, the fraction of nulls, the mean width, and an estimate of the number
 * of distinct values (Haas and Stokes, "Estimating the number of classes in a finite population",
 * 1998: the Duj1 estimator, as PostgreSQL uses it). */
#include "catalog/define_internal.h"

#define SAMPLE_ROWS 30000

struct column_sample {
    uint64_t *hashes; /* of the values seen */
    uint32_t n;
    uint32_t nulls;
    uint64_t width;
};

struct sample {
    struct sql_env *env;
    const struct relation *r;
    struct arena arena;
    struct column_sample *columns;
    uint64_t rows; /* in the table */
    uint64_t bytes;
    uint64_t random;
};

static uint64_t next_random(struct sample *s) {
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    return s->random ^= s->random << 17;
}

/* Bytes as PostgreSQL's avg_width counts them: a short variable-length value has a head of one. */
static uint64_t value_width(const struct type *t, datum value) {
    if (t->len > 0) return (uint64_t)t->len;
    return t->len == -1 ? value.v->len + 1u : type_value_bytes(t, value);
}

static void look_at(struct sample *s, const datum *values, const uint8_t *nulls, uint32_t place) {
    for (unsigned i = 0; i < s->r->natts; i++) {
        struct column_sample *c = &s->columns[i];
        const struct type *t = type_find(s->r->atts[i].type);
        if (!t || s->r->atts[i].dropped) continue;
        /* hash 0 stands for null, so that a place can be overwritten by a later row */
        uint64_t hash = nulls[i]              ? 0
                        : type_is_hashable(t) ? type_hash(t, values[i]) | 1
                                              : next_random(s) | 1;
        c->hashes[place] = hash;
        if (!nulls[i]) c->width += value_width(t, values[i]);
        c->n += !nulls[i];
        c->nulls += nulls[i];
    }
}

/* Reservoir sampling (Vitter, algorithm R): every row is kept with the same probability. */
static status read_rows(struct sample *s) {
    struct sql_env now;
    struct table_scan scan;
    struct arena scratch;
    TRY(define_env_now(s->env, &now));
    arena_init(&scratch, 0);
    datum *values = arena_array(&scratch, s->r->natts + 1u, sizeof *values);
    uint8_t *nulls = arena_array(&scratch, s->r->natts + 1u, 1);
    status st = values && nulls ? OK : no_memory(s->env);
    if (ok(st))
        st = table_scan_begin(&now, &scan, &scratch, s->r, NULL, (struct table_bound){0},
                              (struct table_bound){0}, false);
    if (!ok(st)) goto out;
    struct arena_mark mark = arena_mark(&scratch);
    struct tree_entry e;
    while (ok(st = table_scan_next(&scan, &e))) {
        uint64_t place = s->rows < SAMPLE_ROWS ? s->rows : next_random(s) % (s->rows + 1);
        s->rows++;
        s->bytes += e.key_len + e.value_len;
        if (place >= SAMPLE_ROWS) continue;
        st = row_deform(s->r->row, e.value, e.value_len, s->r->natts, values, nulls, &scratch);
        if (ok(st)) look_at(s, values, nulls, (uint32_t)place);
        if (!ok(st)) break;
        arena_rewind(&scratch, mark);
    }
    table_scan_end(&scan);
    if (status_is(st, ST_END)) st = OK;
out:
    arena_free(&scratch);
    return st;
}

static int compare_hash(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Positive: a number of values; negative: minus their fraction of the rows. */
static float distinct_values(uint64_t *hashes, uint32_t kept, uint64_t rows) {
    qsort(hashes, kept, sizeof *hashes, compare_hash);
    double n = 0, distinct = 0, once = 0;
    for (uint32_t i = 0; i < kept;) {
        uint32_t end = i;
        while (end < kept && hashes[end] == hashes[i]) end++;
        if (hashes[i]) {
            distinct++;
            n += end - i;
            if (end - i == 1) once++;
        }
        i = end;
    }
    if (n == 0) return 0;
    double total = (double)rows * n / kept; /* rows that are not null */
    double estimate =
        once == n ? total : n * distinct / ((n - once) + once * n / (total > n ? total : n));
    if (estimate < distinct) estimate = distinct;
    if (estimate > total) estimate = total;
    return estimate > 0.1 * (double)rows ? (float)(-estimate / (double)rows) : (float)estimate;
}

static status insert_statistics(struct sample *s, unsigned i, uint32_t kept) {
    struct column_sample *c = &s->columns[i];
    struct catalog_row row;
    uint32_t seen = c->n + c->nulls;
    catalog_row_init(&row, CAT_pg_statistic);
    row_set_oid(&row, COL_pg_statistic_starelid, s->r->oid);
    row_set_int(&row, COL_pg_statistic_staattnum, s->r->atts[i].number);
    row_set_float4(&row, COL_pg_statistic_stanullfrac, seen ? (float)c->nulls / (float)seen : 0);
    row_set_int(&row, COL_pg_statistic_stawidth, c->n ? (int64_t)(c->width / c->n) : 0);
    row_set_float4(&row, COL_pg_statistic_stadistinct, distinct_values(c->hashes, kept, s->rows));
    return catalog_row_insert(s->env, CAT_pg_statistic, &row);
}

struct class_sizes {
    uint64_t rows;
    uint64_t pages;
};

static status set_sizes(struct sql_env *, struct catalog_row *row, void *arg) {
    const struct class_sizes *x = arg;
    row_set_float4(row, COL_pg_class_reltuples, (float)x->rows);
    row_set_int(row, COL_pg_class_relpages, (int64_t)x->pages);
    return OK;
}

#define PAGE_USE 5500 /* bytes of rows on a page, between half full and full */

static status store(struct sample *s) {
    datum key = datum_oid(s->r->oid);
    uint32_t kept = (uint32_t)(s->rows < SAMPLE_ROWS ? s->rows : SAMPLE_ROWS);
    TRY(catalog_rows_delete(s->env, CAT_pg_statistic, 0, &key, 1, NULL));
    for (unsigned i = 0; kept && i < s->r->natts; i++)
        if (!s->r->atts[i].dropped && type_find(s->r->atts[i].type))
            TRY(insert_statistics(s, i, kept));
    struct class_sizes sizes = {s->rows, s->bytes / PAGE_USE + 1};
    TRY(define_update_class(s->env, s->r->oid, set_sizes, &sizes));
    if (s->r->primary) TRY(define_update_class(s->env, s->r->primary->oid, set_sizes, &sizes));
    sizes.pages = s->rows * 32 / PAGE_USE + 1;
    for (unsigned i = 0; i < s->r->nindexes; i++)
        TRY(define_update_class(s->env, s->r->indexes[i].oid, set_sizes, &sizes));
    catalog_changed(s->env);
    return OK;
}

static status analyze(struct sql_env *env, const struct relation *r) {
    struct sample s = {.env = env, .r = r, .random = env->proc->env->mono_ns(env->proc) | 1};
    arena_init(&s.arena, 0);
    s.columns = arena_zalloc(&s.arena, (r->natts + 1u) * sizeof *s.columns);
    status st = s.columns ? OK : no_memory(env);
    for (unsigned i = 0; ok(st) && i < r->natts; i++) {
        s.columns[i].hashes = arena_zalloc(&s.arena, SAMPLE_ROWS * sizeof(uint64_t));
        if (!s.columns[i].hashes) st = no_memory(env);
    }
    if (ok(st)) st = read_rows(&s);
    if (ok(st)) st = store(&s);
    arena_free(&s.arena);
    return st;
}

/* ---- the statements -------------------------------------------------------------------------- */

static status all_tables(struct sql_env *env, struct list **ret_tables) {
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_class, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s))) {
        uintptr_t table = row_oid(&s.row, COL_pg_class_oid);
        if (table >= FIRST_USER_OID && row_char(&s.row, COL_pg_class_relkind) == 'r')
            TRY_OUT(st, list_append(env->eval.arena, ret_tables, (void *)table));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

static bool wants_analyze(const struct ast_vacuum *s) {
    if (s->analyze_only) return true;
    LIST_EACH(struct ast_def_elem *, o, s->options) {
        if (!strcmp(o->name, "analyze")) return true;
    }
    return false;
}

static status analyze_locked(struct sql_env *env, oid table) {
    const struct relation *r;
    TRY(txn_lock_relation(env->proc, env->txn, table, MODE_SHARE_UPDATE_EXCLUSIVE, false,
                          env->settings->lock_timeout_ms));
    status st = catalog_relation(env, table, &r);
    if (status_is(st, ST_NOT_FOUND)) return OK; /* dropped meanwhile */
    TRY(st);
    return analyze(env, r);
}

status define_vacuum(struct sql_env *env, struct ast_vacuum *s) {
    struct list *tables = NULL;
    if (!s->relations) {
        if (!wants_analyze(s)) return OK;
        TRY(all_tables(env, &tables));
    }
    LIST_EACH(struct ast_vacuum_relation *, v, s->relations) {
        const struct relation *r;
        TRY(catalog_relation_lock(env, v->relation->schema, v->relation->name,
                                  MODE_SHARE_UPDATE_EXCLUSIVE, v->relation->node.location, &r));
        LIST_EACH(const char *, name, v->columns) {
            struct attribute *att;
            TRY(define_need_attribute(env, r, name, &att));
        }
        if (r->kind != 'r' || r->is_catalog) continue;
        TRY(list_append(env->eval.arena, &tables, (void *)(uintptr_t)r->oid));
    }
    if (!wants_analyze(s)) return OK;
    for (int32_t i = 0; i < list_n(tables); i++)
        TRY(analyze_locked(env, (oid)(uintptr_t)list_at(tables, i)));
    return OK;
}

status catalog_column_stats(struct sql_env *env, oid relation, int16_t attribute,
                            struct column_stats *ret_stats) {
    const struct relation *r;
    TRY(catalog_relation(env, relation, &r));
    if (!r->stats || attribute < 1 || attribute > r->natts || r->stats[attribute - 1].width < 0)
        return STATUS(NOT_FOUND);
    *ret_stats = r->stats[attribute - 1];
    return OK;
}
