/* column_statistics.h: what a sample says of a column, as PostgreSQL's pg_statistic keeps it. */
#ifndef CATALOG_COLUMN_STATISTICS_H
#define CATALOG_COLUMN_STATISTICS_H

#include "base/arena.h"
#include "catalog/sql_env.h"
#include "types/type.h"

struct sampled_value {
    datum value;
    uint32_t place; /* among the values that are not null, in the table's order */
};

struct column_sample {
    struct sql_env *env; /* which is to breathe */
    struct arena *scratch;
    struct sampled_value *values; /* not null; will be sorted */
    uint32_t n;
    uint32_t nulls;
    uint32_t wide; /* too wide to be looked at, beyond n */
    uint64_t width;
    uint64_t rows; /* in the whole table */
    unsigned target;
};

struct column_statistics {
    float null_fraction, distinct;
    int32_t width;
    uint16_t ncommon; /* most common values */
    datum *common;
    float *fractions;
    uint16_t nbounds; /* of the histogram of all other values; 0: none */
    datum *bounds;
    bool has_correlation;
    float correlation;
};

/* Results are in a; their values refer to what the sample's do. OUT_OF_MEMORY, QUERY_CANCELED. */
status column_statistics(struct arena *a, const struct type *t, struct column_sample *s,
                         struct column_statistics *ret);

#endif
