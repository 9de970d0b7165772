/* Distinct values (Haas and Stokes, "Estimating the number of classes in a finite population",
 * 1998: the Duj1 estimator), most common values, a histogram of equal parts of the others, and the
 * correlation between the order of the values and that of the rows: by PostgreSQL's rules, so that
 * its users find in pg_stats what they know. */
#include "catalog/column_statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Equal values that stand together in the sorted sample. */
struct run {
    uint32_t first, n;
};

struct runs {
    uint32_t distinct, once; /* values, and those of them seen once */
    uint32_t n;              /* runs of several, the longest first, at most `target` */
    struct run *items;
};

static int compare_sampled(const void *x, const void *y, void *arg) {
    const struct sampled_value *a = x, *b = y;
    int c = type_compare(arg, a->value, b->value);
    return c ? c : (a->place > b->place) - (a->place < b->place);
}

static void add_run(struct runs *r, unsigned target, struct run run) {
    if (r->n == target && run.n <= r->items[r->n - 1].n) return;
    uint32_t at = r->n < target ? r->n++ : r->n - 1;
    for (; at > 0 && r->items[at - 1].n < run.n; at--) r->items[at] = r->items[at - 1];
    r->items[at] = run;
}

#define RUNS_PER_BREATH 1024

static status find_runs(const struct type *t, const struct column_sample *s, struct runs *r) {
    for (uint32_t i = 0; i < s->n;) {
        uint32_t end = i + 1;
        while (end < s->n && type_compare(t, s->values[end].value, s->values[i].value) == 0) end++;
        if (++r->distinct % RUNS_PER_BREATH == 0) TRY(sql_env_breathe(s->env));
        if (end - i == 1)
            r->once++;
        else
            add_run(r, s->target, (struct run){i, end - i});
        i = end;
    }
    return OK;
}

/* Positive: a number of values; negative: minus their fraction of the rows. */
static float distinct_values(const struct column_sample *s, const struct runs *r, double nulls) {
    double n = s->n, once = r->once + s->wide, distinct = r->distinct + s->wide;
    if (once >= n + s->wide) return (float)-(1 - nulls);
    double estimate = distinct;
    if (once > 0) {
        double sample = n + s->wide, total = (double)s->rows * (1 - nulls);
        estimate = sample * distinct / (sample - once + once * sample / total);
        if (estimate < distinct) estimate = distinct;
        if (estimate > total) estimate = total;
        estimate = floor(estimate + 0.5);
    }
    return estimate > 0.1 * (double)s->rows ? (float)(-estimate / (double)s->rows)
                                            : (float)estimate;
}

/* How many of the longest runs are surely more common than the average of all other values. */
static uint32_t surely_common(const struct column_sample *s, const struct runs *r, double distinct,
                              double nulls) {
    double rows = (double)s->rows, seen = s->n + s->wide + s->nulls, sum = 0;
    uint32_t n = r->n;
    if (seen >= rows) return n;
    for (uint32_t i = 0; i + 1 < n; i++) sum += r->items[i].n;
    while (n > 0) {
        double others = distinct - (n - 1);
        double each = fmin(fmax(1 - sum / seen - nulls, 0), 1);
        if (others > 1) each /= others;
        double k = rows * r->items[n - 1].n / seen;
        double variance = seen * k * (rows - k) * (rows - seen) / (rows * rows * (rows - 1));
        if (r->items[n - 1].n > each * seen + 2 * sqrt(variance) + 0.5) break;
        n--;
        if (n > 0) sum -= r->items[n - 1].n;
    }
    return n;
}

static status keep_common(struct arena *a, const struct column_sample *s, const struct runs *r,
                          struct column_statistics *ret) {
    double distinct = ret->distinct < 0 ? -ret->distinct * (double)s->rows : ret->distinct;
    bool all = r->n == r->distinct && s->wide == 0 && ret->distinct > 0;
    uint32_t n = all ? r->n : surely_common(s, r, distinct, ret->null_fraction);
    ret->common = arena_array(a, n + 1u, sizeof *ret->common);
    ret->fractions = arena_array(a, n + 1u, sizeof *ret->fractions);
    if (!ret->common || !ret->fractions) return STATUS(OUT_OF_MEMORY);
    ret->ncommon = (uint16_t)n;
    float seen = (float)(s->n + s->wide + s->nulls);
    for (uint32_t i = 0; i < n; i++) {
        ret->common[i] = s->values[r->items[i].first].value;
        ret->fractions[i] = (float)r->items[i].n / seen;
    }
    return OK;
}

static int compare_first(const void *x, const void *y) {
    const struct run *a = x, *b = y;
    return (a->first > b->first) - (a->first < b->first);
}

/* Bounds between equal parts of what is not among the most common values. */
static status keep_bounds(struct arena *a, const struct column_sample *s, struct runs *r,
                          struct column_statistics *ret) {
    uint32_t bounds = r->distinct - ret->ncommon, n = 0, at = 0;
    if (bounds > s->target + 1) bounds = s->target + 1;
    if (bounds < 2) return OK;
    datum *rest = arena_array(s->scratch, s->n, sizeof *rest);
    ret->bounds = arena_array(a, bounds, sizeof *ret->bounds);
    if (!rest || !ret->bounds) return STATUS(OUT_OF_MEMORY);
    qsort(r->items, ret->ncommon, sizeof *r->items, compare_first);
    for (uint32_t i = 0; i < s->n; i++) {
        if (at < ret->ncommon && i == r->items[at].first) {
            i += r->items[at++].n - 1;
            continue;
        }
        rest[n++] = s->values[i].value;
    }
    for (uint32_t i = 0; i < bounds; i++)
        ret->bounds[i] = rest[(uint64_t)i * (n - 1) / (bounds - 1)];
    ret->nbounds = (uint16_t)bounds;
    return OK;
}

/* Pearson's, of the values' ranks and their places. */
static void correlate(const struct column_sample *s, struct column_statistics *ret) {
    double n = s->n, both = 0;
    if (s->n < 2) return;
    for (uint32_t i = 0; i < s->n; i++) both += (double)i * s->values[i].place;
    double sum = (n - 1) * n / 2, squares = (n - 1) * n * (2 * n - 1) / 6;
    ret->correlation = (float)((n * both - sum * sum) / (n * squares - sum * sum));
    ret->has_correlation = true;
}

status column_statistics(struct arena *a, const struct type *t, struct column_sample *s,
                         struct column_statistics *ret) {
    uint32_t seen = s->n + s->wide + s->nulls;
    *ret = (struct column_statistics){0};
    if (seen == 0) return OK;
    ret->null_fraction = (float)s->nulls / (float)seen;
    if (s->n + s->wide == 0) return OK;
    ret->width = (int32_t)(s->width / (s->n + s->wide));
    if (!type_is_ordered(t)) return OK;
    struct runs r = {.items = arena_array(s->scratch, s->target + 1u, sizeof *r.items)};
    if (!r.items) return STATUS(OUT_OF_MEMORY);
    TRY(sql_env_sort(s->env, s->values, s->n, sizeof *s->values, compare_sampled, (void *)t));
    TRY(find_runs(t, s, &r));
    ret->distinct = distinct_values(s, &r, ret->null_fraction);
    TRY(keep_common(a, s, &r, ret));
    TRY(keep_bounds(a, s, &r, ret));
    correlate(s, ret);
    return OK;
}
