/* workload.h: what all three stores are given, and what is measured of them. */
#ifndef BENCH_STORAGE_WORKLOAD_H
#define BENCH_STORAGE_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VALUE_BYTES 100

struct figures {
    uint64_t rows, lookups;
    double sorted_s, random_s, lookup_s, scan_s;
};

static inline double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ... since *at, which becomes now. */
static inline double seconds_since(double *at) {
    double before = *at;
    *at = seconds_now();
    return *at - before;
}

/* A permutation of the numbers of 64 bits (splitmix64's finish): keys in no order, none twice. */
static inline uint64_t mixed(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static inline void row_make(uint64_t i, bool shuffled, unsigned char key[8],
                            unsigned char value[VALUE_BYTES]) {
    uint64_t k = __builtin_bswap64(shuffled ? mixed(i) : i);
    memcpy(key, &k, 8);
    memset(value, (int)(i % 251) + 1, VALUE_BYTES);
    memcpy(value + 8, &k, 8);
}

static inline uint64_t row_at_random(uint64_t i, uint64_t rows) {
    return mixed(i + 0x9e3779b97f4a7c15u) % rows;
}

static inline uint64_t lookups_for(uint64_t rows) {
    return rows < 2000000 ? rows : 2000000;
}

/* Where every store leaves what it found. */
static inline FILE *figures_open(const char *directory) {
    char path[1024];
    snprintf(path, sizeof path, "%s/bench.json", directory);
    FILE *out = fopen(path, "w");
    if (!out) abort();
    return out;
}

static inline void figures_write(const struct figures *f, FILE *out) {
    fprintf(out,
            "{\"rows\": %llu, \"lookups\": %llu, \"sorted\": %f, \"random\": %f, \"lookup\": %f, "
            "\"scan\": %f}\n",
            (unsigned long long)f->rows, (unsigned long long)f->lookups, f->sorted_s, f->random_s,
            f->lookup_s, f->scan_s);
}

#endif
