/* Old and new statistics as two distributions of the same column. What matters is how many rows
 * are elsewhere: plans are chosen by fractions of rows, and a sample of some 30,000 tells these to
 * within one in a hundred. */
#include "catalog/statistics_change.h"

#include <math.h>

#include "types/collator.h"

#define PART 0.1           /* of the rows */
#define ESTIMATE_PART 0.25 /* of a number that is itself estimated */

static bool apart(double a, double b, double part) {
    return fabs(a - b) > part * fmax(fabs(a), fabs(b));
}

static double distinct_of(float distinct, double rows) {
    return distinct < 0 ? -distinct * rows : distinct;
}

/* The fraction of the rows in which the most common values differ. */
static double common_moved(const struct type *t, const struct column_stats *old,
                           const struct column_statistics *new) {
    double moved = 0, both = 0, before = 0;
    for (uint16_t i = 0; i < old->ncommon; i++) before += old->fractions[i];
    for (uint16_t i = 0; i < new->ncommon; i++) {
        uint16_t k = 0;
        while (k < old->ncommon && type_compare(t, old->common[k], new->common[i])) k++;
        double was = k < old->ncommon ? old->fractions[k] : 0;
        both += was;
        moved += fabs(new->fractions[i] - was);
    }
    return moved + before - both;
}

/* How many of n sorted bounds are below the value; upto: or equal to it. */
static uint16_t bounds_below(const struct type *t, const datum *bounds, uint16_t n, datum value,
                             bool upto) {
    uint16_t from = 0;
    while (from < n) {
        uint16_t middle = (uint16_t)((from + n) / 2);
        int c = type_compare(t, bounds[middle], value);
        if (c < 0 || (upto && c == 0))
            from = (uint16_t)(middle + 1);
        else
            n = middle;
    }
    return from;
}

/* Kolmogorov's distance between two histograms of equal parts: by how much the share of values
 * below some value differs at most. Where the old one does not tell exactly, it is believed. */
static double histogram_distance(const struct type *t, const struct column_stats *old,
                                 const struct column_statistics *new) {
    double distance = 0;
    for (uint16_t i = 0; i < new->nbounds; i++) {
        double share = (double)i / (new->nbounds - 1);
        uint16_t least = bounds_below(t, old->bounds, old->nbounds, new->bounds[i], false);
        uint16_t most = bounds_below(t, old->bounds, old->nbounds, new->bounds[i], true);
        distance = fmax(distance, (least - 1.0) / (old->nbounds - 1) - share);
        distance = fmax(distance, share - (double)most / (old->nbounds - 1));
    }
    return distance;
}

static bool column_changed(const struct type *t, const struct column_stats *old, double old_rows,
                           const struct column_statistics *new, double rows) {
    if (fabs(old->null_fraction - new->null_fraction) > PART) return true;
    if (apart(old->width, new->width, ESTIMATE_PART)) return true;
    if (apart(distinct_of(old->distinct, old_rows), distinct_of(new->distinct, rows),
              ESTIMATE_PART))
        return true;
    if (!type_is_ordered(t)) return false;
    if (fabs(old->correlation - new->correlation) > PART) return true;
    if (common_moved(t, old, new) > PART) return true;
    bool had = old->nbounds > 1, has = new->nbounds > 1;
    return had != has || (has && histogram_distance(t, old, new) > PART);
}

status statistics_changed(struct sql_env *env, const struct relation *r, uint64_t rows,
                          struct column_statistics *const *columns, bool *ret_changed) {
    bool changed = !r->stats || r->reltuples < 0 || apart(r->reltuples, (double)rows, PART);
    for (int16_t i = 0; i < r->natts && !changed; i++) {
        const struct column_stats *old;
        status st = catalog_column_stats(env, r->oid, (int16_t)(i + 1), &old);
        if (!ok(st) && !status_is(st, ST_NOT_FOUND)) return st;
        changed = ok(st) != (columns[i] != NULL);
        if (changed || !ok(st)) continue;
        const struct type *t = type_of_collation(r->atts[i].type, r->atts[i].collation);
        changed = column_changed(t, old, r->reltuples, columns[i], (double)rows);
    }
    *ret_changed = changed;
    return OK;
}
