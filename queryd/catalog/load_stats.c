/* Column statistics as planning asks for them. The values wait as text: most statements need few of
 * them. */
#include "catalog/internal.h"
#include "types/array.h"

static status read_numbers(const struct catalog_row *row, int column, struct arena *a,
                           const float **ret, uint16_t *ret_n) {
    struct array_cursor c;
    datum value;
    bool is_null;
    *ret_n = 0;
    if (row_is_null(row, column)) return OK;
    TRY(array_cursor_init(&c, row->values[column - 1].v));
    float *numbers = arena_array(a, c.head.n + 1u, sizeof *numbers);
    if (!numbers) return STATUS(OUT_OF_MEMORY);
    while (array_cursor_next(&c, &value, &is_null)) numbers[(*ret_n)++] = value.f4;
    *ret = numbers;
    return OK;
}

static status read_slot(const struct catalog_row *row, int slot, struct arena *a,
                        struct column_stats *s) {
    int numbers = COL_pg_statistic_stanumbers1 + slot, values = COL_pg_statistic_stavalues1 + slot;
    const float *correlation;
    uint16_t n;
    switch (row_int2(row, COL_pg_statistic_stakind1 + slot)) {
    case STATISTIC_COMMON:
        s->common_text = row_text(a, row, values);
        return read_numbers(row, numbers, a, &s->fractions, &s->ncommon);
    case STATISTIC_BOUNDS: s->bounds_text = row_text(a, row, values); return OK;
    case STATISTIC_CORRELATION:
        TRY(read_numbers(row, numbers, a, &correlation, &n));
        if (n) s->correlation = correlation[0];
        return OK;
    default: return OK;
    }
}

static status read_column(const struct catalog_row *row, struct arena *a, struct column_stats *s) {
    *s = (struct column_stats){.null_fraction = row_float4(row, COL_pg_statistic_stanullfrac),
                               .distinct = row_float4(row, COL_pg_statistic_stadistinct),
                               .width = row_int4(row, COL_pg_statistic_stawidth),
                               .arena = a};
    for (int slot = 0; slot < 5; slot++) TRY(read_slot(row, slot, a, s));
    return OK;
}

status relation_load_stats(struct sql_env *env, struct arena *a, struct relation *r) {
    if (r->reltuples < 0) return OK;
    struct column_stats *stats = arena_array(a, r->natts, sizeof *stats);
    if (!stats) return STATUS(OUT_OF_MEMORY);
    for (unsigned i = 0; i < r->natts; i++) stats[i] = (struct column_stats){.width = -1};
    datum key = datum_oid(r->oid);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_statistic, 0, &key, 1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        int16_t number = row_int2(&s.row, COL_pg_statistic_staattnum);
        if (number < 1 || number > r->natts) continue;
        TRY_OUT(st, read_column(&s.row, a, &stats[number - 1]));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    r->stats = stats;
    return st;
}

/* Text to values; what cannot be read (the type has changed) is as if it were not there. */
static const datum *values_of(struct sql_env *env, struct arena *a, const struct type *t,
                              const char *text, uint16_t *ret_n) {
    struct eval_env eval = env->eval;
    struct error ignored = {0};
    struct array_parts parts;
    datum array;
    eval.arena = a;
    eval.error = &ignored;
    *ret_n = 0;
    if (!text || !ok(type_input(&eval, type_find(t->array), -1, text, strlen(text), &array)) ||
        !ok(array_split(&eval, array.v, &parts)) || parts.n > UINT16_MAX)
        return NULL;
    *ret_n = (uint16_t)parts.n;
    return parts.values;
}

status catalog_column_stats(struct sql_env *env, oid relation, int16_t attribute,
                            const struct column_stats **ret_stats) {
    const struct relation *r;
    TRY(catalog_relation(env, relation, &r));
    if (!r->stats || attribute < 1 || attribute > r->natts || r->stats[attribute - 1].width < 0)
        return STATUS(NOT_FOUND);
    struct column_stats *s = &r->stats[attribute - 1];
    const struct type *t = type_find(r->atts[attribute - 1].type);
    if (t && s->common_text) {
        uint16_t n;
        s->common = values_of(env, s->arena, t, s->common_text, &n);
        if (n < s->ncommon) s->ncommon = n;
    }
    if (t && s->bounds_text) s->bounds = values_of(env, s->arena, t, s->bounds_text, &s->nbounds);
    s->common_text = s->bounds_text = NULL;
    *ret_stats = s;
    return OK;
}
