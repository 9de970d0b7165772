/* define_analyze.c: ANALYZE and VACUUM.
 *
 * There is nothing to vacuum: old versions are in the log (I8), and purge takes delete marks away.
 * ANALYZE reads the rows of a table, looks at the values of a sample of them, and leaves their
 * number and what column_statistics.h says of each column. */
#include "catalog/changes.h"
#include "catalog/column_statistics.h"
#include "catalog/options.h"
#include "catalog/progress.h"
#include "catalog/statistics_change.h"
#include "types/array.h"
#include "types/collator.h"
#include "types/function.h"

#define ROWS_PER_TARGET 300
#define TARGET_MAX 10000
#define WIDTH_MAX 1024 /* of values that are looked at */
/* Bytes of a list of values in pg_statistic: every plan of the table looks at them. */
#define VALUES_BYTES_MAX (64 << 10)
#define LIST_MAX 200
#define VALUES_PER_BREATH 1024

struct sample {
    struct sql_env *env;
    const struct relation *r;
    struct arena arena;
    struct arena values_arena; /* what the kept rows refer to */
    uint32_t room, appended;
    datum *values; /* room rows of natts */
    uint8_t *nulls;
    struct column_statistics **columns; /* natts; NULL: none are kept */
    bool *none;                         /* natts of false: no large value is needed */
    uint64_t *numbers;                  /* of each kept row in the table */
    uint64_t rows;                      /* in the table */
    uint64_t bytes;
    uint64_t random;
};

static uint64_t next_random(struct sample *s) {
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    return s->random ^= s->random << 17;
}

static uint32_t kept_rows(const struct sample *s) {
    return s->rows < s->room ? (uint32_t)s->rows : s->room;
}

/* Bytes as PostgreSQL's avg_width counts them: a short variable-length value has a head of one. */
static uint64_t value_width(const struct type *t, datum value) {
    if (t->len > 0) return (uint64_t)t->len;
    return t->len == -1 ? value.v->len + 1u : type_value_bytes(t, value);
}

/* Of a value that is too wide to be looked at only the length was read, and is kept. */
static status keep_value(const struct type *t, datum *value, struct arena *a) {
    if (t->len != -1 || value_width(t, *value) <= WIDTH_MAX) return type_copy(t, *value, a, value);
    struct varlena *v = varlena_new(a, 0);
    if (!v) return STATUS(OUT_OF_MEMORY);
    v->len = value->v->len;
    *value = datum_ptr(v);
    return OK;
}

/* Gives back what belongs to rows that have been replaced. */
static status compact(struct sample *s) {
    struct arena fresh;
    size_t n = (size_t)kept_rows(s) * s->r->natts;
    arena_init(&fresh, 0);
    for (size_t i = 0; i < n; i++) {
        const struct type *t = s->r->row->atts[i % s->r->natts].type;
        status st = i % VALUES_PER_BREATH ? OK : sql_env_breathe(s->env);
        if (ok(st) && (s->nulls[i] || t->byval)) continue;
        if (ok(st)) st = keep_value(t, &s->values[i], &fresh);
        if (!ok(st)) {
            arena_free(&fresh);
            return st;
        }
    }
    arena_free(&s->values_arena);
    s->values_arena = fresh;
    s->appended = 0;
    return OK;
}

/* Reservoir sampling (Vitter, algorithm R): every row is kept with the same probability. */
static status look_at(struct sample *s, const struct tree_entry *e) {
    uint64_t place = s->rows < s->room ? s->rows : next_random(s) % (s->rows + 1);
    s->rows++;
    s->bytes += e->key_len + e->value_len;
    if (place >= s->room) return OK;
    size_t at = (size_t)place * s->r->natts;
    s->numbers[place] = s->rows;
    TRY(table_deform(s->env, s->r, e, s->r->natts, s->none, s->values + at, s->nulls + at,
                     &s->values_arena));
    return ++s->appended > 3 * s->room ? compact(s) : OK;
}

static status read_rows(struct sample *s) {
    struct sql_env now;
    struct table_scan scan;
    struct arena scratch;
    TRY(define_env_now(s->env, &now));
    arena_init(&scratch, 0);
    status st = table_scan_begin(&now, &scan, &scratch, s->r, NULL, (struct table_bound){0},
                                 (struct table_bound){0}, false);
    if (!ok(st)) goto out;
    struct tree_entry e;
    while (ok(st = table_scan_next(&scan, &e))) {
        progress_blocks(s->env, PROGRESS_SAMPLE_BLOCKS_TOTAL, PROGRESS_SAMPLE_BLOCKS_DONE,
                        scan.cursor.copied);
        if (!ok(st = look_at(s, &e))) break;
    }
    table_scan_end(&scan);
    if (status_is(st, ST_END)) st = OK;
out:
    arena_free(&scratch);
    return st;
}

static int compare_numbers(const void *x, const void *y, void *arg) {
    const uint64_t *numbers = arg;
    uint64_t a = numbers[*(const uint32_t *)x], b = numbers[*(const uint32_t *)y];
    return (a > b) - (a < b);
}

/* The kept rows in the table's order. */
static status in_order(struct sample *s, uint32_t **ret) {
    uint32_t n = kept_rows(s);
    *ret = arena_array(&s->arena, n + 1u, sizeof **ret);
    if (!*ret) return no_memory(s->env);
    for (uint32_t i = 0; i < n; i++) (*ret)[i] = i;
    return sql_env_sort(s->env, *ret, n, sizeof **ret, compare_numbers, s->numbers);
}

static status column_of(struct sample *s, unsigned i, const uint32_t *order, unsigned target,
                        struct arena *a, struct column_sample *ret) {
    const struct type *t = type_of_collation(s->r->atts[i].type, s->r->atts[i].collation);
    uint32_t n = kept_rows(s);
    *ret = (struct column_sample){.env = s->env, .scratch = a, .rows = s->rows, .target = target};
    ret->values = arena_array(a, n + 1u, sizeof *ret->values);
    if (!ret->values) return no_memory(s->env);
    for (uint32_t k = 0; k < n; k++) {
        if (k % VALUES_PER_BREATH == 0) TRY(sql_env_breathe(s->env));
        size_t at = (size_t)order[k] * s->r->natts + i;
        if (s->nulls[at]) {
            ret->nulls++;
            continue;
        }
        uint64_t width = value_width(t, s->values[at]);
        ret->width += width;
        if (width > WIDTH_MAX)
            ret->wide++;
        else
            ret->values[ret->n] = (struct sampled_value){s->values[at], ret->n}, ret->n++;
    }
    return OK;
}

static unsigned target_of(const struct sample *s, unsigned i) {
    int32_t own = s->r->atts[i].statistics_target;
    uint32_t general = s->env->settings->statistics_target;
    uint32_t target = own >= 0 ? (uint32_t)own : general;
    return target < TARGET_MAX ? target : TARGET_MAX;
}

static status summarize_column(struct sample *s, unsigned i, const uint32_t *order) {
    const struct type *t = type_of_collation(s->r->atts[i].type, s->r->atts[i].collation);
    unsigned target = target_of(s, i);
    if (target == 0) return OK;
    s->columns[i] = arena_zalloc(&s->arena, sizeof *s->columns[i]);
    if (!s->columns[i]) return no_memory(s->env);
    struct column_sample sample;
    struct arena scratch;
    arena_init(&scratch, 0);
    status st = column_of(s, i, order, target, &scratch, &sample);
    if (ok(st)) st = column_statistics(&s->arena, t, &sample, s->columns[i]);
    if (ok(st))
        st = define_column_distinct(s->env, s->r, s->r->atts[i].number, &s->columns[i]->distinct);
    arena_free(&scratch);
    return st;
}

static status summarize(struct sample *s) {
    uint32_t *order;
    TRY(in_order(s, &order));
    for (unsigned i = 0; s->rows && i < s->r->natts; i++)
        if (!s->r->atts[i].dropped && type_find(s->r->atts[i].type))
            TRY(summarize_column(s, i, order));
    return OK;
}

/* ---- storing --------------------------------------------------------------------------------- */

/* An array's text of every n-th value, as few as fit. */
static status list_text(struct sql_env *env, const struct type *t, const datum *values, uint16_t n,
                        char **ret) {
    datum array;
    TRY(array_build_1d(&env->eval, t->oid, values, NULL, n, &array));
    return type_output_string(&env->eval, type_find(t->array), array, ret, NULL);
}

static uint16_t thinned(const datum *values, uint16_t n, uint16_t wanted, datum *to) {
    for (uint16_t i = 0; i < wanted; i++)
        to[i] = values[wanted > 1 ? (uint32_t)i * (n - 1u) / (wanted - 1u) : 0];
    return wanted;
}

static status bounds_text(struct sql_env *env, const struct type *t,
                          const struct column_statistics *c, char **ret) {
    datum some[LIST_MAX];
    uint16_t n = c->nbounds > LIST_MAX ? LIST_MAX : c->nbounds;
    for (;;) {
        TRY(list_text(env, t, some, thinned(c->bounds, c->nbounds, n, some), ret));
        if (strlen(*ret) <= VALUES_BYTES_MAX) return OK;
        n = (uint16_t)(n * 3 / 4);
        *ret = NULL;
        if (n < 2) return OK;
    }
}

static status common_text(struct sql_env *env, const struct type *t,
                          const struct column_statistics *c, char **ret, uint16_t *ret_n) {
    uint16_t n = c->ncommon > LIST_MAX ? LIST_MAX : c->ncommon;
    for (*ret = NULL; n > 0; n = (uint16_t)(n * 3 / 4)) {
        TRY(list_text(env, t, c->common, n, ret));
        if (strlen(*ret) <= VALUES_BYTES_MAX) break;
        *ret = NULL;
    }
    *ret_n = n;
    return OK;
}

static status set_numbers(struct sql_env *env, struct catalog_row *row, unsigned slot,
                          const float *numbers, uint16_t n) {
    datum values[LIST_MAX], array;
    for (uint16_t i = 0; i < n; i++) {
        values[i] = (datum){0};
        values[i].f4 = numbers[i];
    }
    TRY(array_build_1d(&env->eval, FLOAT4OID, values, NULL, n, &array));
    row_set(row, COL_pg_statistic_stanumbers1 + (int)slot, array);
    return OK;
}

static void set_slot(struct catalog_row *row, unsigned slot, int kind, const struct type *t,
                     oid collation, uint8_t strategy) {
    const struct operator_info *op = operator_find_btree(t->oid, t->oid, strategy);
    row_set_int(row, COL_pg_statistic_stakind1 + (int)slot, kind);
    row_set_oid(row, COL_pg_statistic_staop1 + (int)slot, op ? op->oid : 0);
    row_set_oid(row, COL_pg_statistic_stacoll1 + (int)slot, collation);
}

/* The slots that the column has something for. */
static status set_slots(struct sample *s, struct catalog_row *row, const struct type *t,
                        oid collation, const struct column_statistics *c) {
    struct sql_env *env = s->env;
    unsigned slot = 0;
    uint16_t n = 0;
    char *text = NULL;
    if (t->array) TRY(common_text(env, t, c, &text, &n));
    if (n) {
        set_slot(row, slot, STATISTIC_COMMON, t, collation, 3);
        TRY(set_numbers(env, row, slot, c->fractions, n));
        TRY(row_set_text(env->eval.arena, row, COL_pg_statistic_stavalues1 + (int)slot++, text));
    }
    text = NULL;
    if (t->array && c->nbounds) TRY(bounds_text(env, t, c, &text));
    if (text) {
        set_slot(row, slot, STATISTIC_BOUNDS, t, collation, 1);
        TRY(row_set_text(env->eval.arena, row, COL_pg_statistic_stavalues1 + (int)slot++, text));
    }
    if (c->has_correlation) {
        set_slot(row, slot, STATISTIC_CORRELATION, t, collation, 1);
        TRY(set_numbers(env, row, slot, &c->correlation, 1));
    }
    return OK;
}

static status insert_statistics(struct sample *s, unsigned i) {
    const struct type *t = type_of_collation(s->r->atts[i].type, s->r->atts[i].collation);
    const struct column_statistics *c = s->columns[i];
    struct catalog_row row;
    catalog_row_init(&row, CAT_pg_statistic);
    row_set_oid(&row, COL_pg_statistic_starelid, s->r->oid);
    row_set_int(&row, COL_pg_statistic_staattnum, s->r->atts[i].number);
    row_set_float4(&row, COL_pg_statistic_stanullfrac, c->null_fraction);
    row_set_int(&row, COL_pg_statistic_stawidth, c->width);
    row_set_float4(&row, COL_pg_statistic_stadistinct, c->distinct);
    TRY(set_slots(s, &row, t, s->r->atts[i].collation, c));
    TRY(catalog_row_insert(s->env, CAT_pg_statistic, &row));
    return sql_env_breathe(s->env);
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
    TRY(catalog_rows_delete(s->env, CAT_pg_statistic, 0, &key, 1, NULL));
    for (unsigned i = 0; i < s->r->natts; i++)
        if (s->columns[i]) TRY(insert_statistics(s, i));
    struct class_sizes sizes = {s->rows, s->bytes / PAGE_USE + 1};
    TRY(define_update_class(s->env, s->r->oid, set_sizes, &sizes));
    if (s->r->primary) TRY(define_update_class(s->env, s->r->primary->oid, set_sizes, &sizes));
    sizes.pages = s->rows * 32 / PAGE_USE + 1;
    for (unsigned i = 0; i < s->r->nindexes; i++)
        TRY(define_update_class(s->env, s->r->indexes[i].oid, set_sizes, &sizes));
    catalog_changed(s->env);
    return OK;
}

static status make_room(struct sample *s) {
    unsigned target = 1;
    for (unsigned i = 0; i < s->r->natts; i++)
        if (target_of(s, i) > target) target = target_of(s, i);
    s->room = target * ROWS_PER_TARGET;
    size_t n = (size_t)s->room * s->r->natts + 1;
    s->values = arena_array(&s->arena, n, sizeof *s->values);
    s->nulls = arena_array(&s->arena, n, 1);
    s->numbers = arena_array(&s->arena, s->room, sizeof *s->numbers);
    s->none = arena_zalloc(&s->arena, s->r->natts + 1u);
    s->columns = arena_zalloc(&s->arena, (s->r->natts + 1u) * sizeof *s->columns);
    return s->values && s->nulls && s->none && s->numbers && s->columns ? OK : no_memory(s->env);
}

static void begin_sampling(const struct sample *s) {
    progress_begin(s->env, PROGRESS_ANALYZE, s->r->oid);
    progress_set(s->env, PROGRESS_SAMPLE_BLOCKS_TOTAL, s->r->relpages);
    progress_set(s->env, PROGRESS_ANALYZE_PHASE, PROGRESS_SAMPLING);
}

/* if_changed: statistics that say nothing new are not written. */
static status analyze(struct sql_env *env, const struct relation *r, bool if_changed) {
    struct sample s = {.env = env, .r = r, .random = env->proc->env->mono_ns(env->proc) | 1};
    arena_init(&s.arena, 0);
    arena_init(&s.values_arena, 0);
    status st = make_room(&s);
    bool changed = true;
    begin_sampling(&s);
    if (ok(st)) st = read_rows(&s);
    progress_set(env, PROGRESS_ANALYZE_PHASE, PROGRESS_COMPUTING);
    if (ok(st)) st = summarize(&s);
    progress_set(env, PROGRESS_ANALYZE_PHASE, PROGRESS_FINALIZING);
    if (ok(st) && if_changed) st = statistics_changed(env, r, s.rows, s.columns, &changed);
    if (ok(st) && changed) st = store(&s);
    progress_end(env);
    arena_free(&s.arena);
    arena_free(&s.values_arena);
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

static status analyze_locked(struct sql_env *env, oid table, bool by_itself) {
    const struct relation *r;
    TRY(txn_lock_relation(env->proc, env->txn, table, MODE_SHARE_UPDATE_EXCLUSIVE, by_itself,
                          env->settings->lock_timeout_ms));
    status st = catalog_relation(env, table, &r);
    if (status_is(st, ST_NOT_FOUND)) return OK; /* dropped meanwhile */
    TRY(st);
    catalog_forget_changes(env->catalog, table);
    return analyze(env, r, by_itself);
}

status catalog_analyze(struct sql_env *env, oid table) {
    return analyze_locked(env, table, true);
}

/* The owner of the table or of the database; others are told. */
static status may_analyze(struct sql_env *env, const struct ast_vacuum *s, const struct relation *r,
                          bool *ret_may) {
    oid user = env->settings->user_oid;
    bool catalog = r->schema == SCHEMA_PG_CATALOG;
    TRY(privilege_is_owner(env, OID_pg_class, r->oid, user, ret_may));
    if (!*ret_may)
        TRY(privilege_is_owner(env, OID_pg_database, env->settings->database_oid, user, ret_may));
    if (!*ret_may)
        define_warning(env, "01000", "skipping \"%s\" --- only %s owner can %s it", r->name,
                       catalog ? "superuser or database" : "table or database",
                       s->analyze_only ? "analyze" : "vacuum");
    return OK;
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
        bool may;
        TRY(may_analyze(env, s, r, &may));
        if (!may || r->kind != 'r' || r->is_catalog) continue;
        TRY(list_append(env->eval.arena, &tables, (void *)(uintptr_t)r->oid));
    }
    if (!wants_analyze(s)) return OK;
    for (int32_t i = 0; i < list_n(tables); i++)
        TRY(analyze_locked(env, (oid)(uintptr_t)list_at(tables, i), false));
    return OK;
}
