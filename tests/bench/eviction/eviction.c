/* eviction: SIEVE, as storaged has it, and S3-FIFO beside it, on generated traces.
 *
 *     bench_eviction [FRAMES [SEED]]
 *
 * Point reads go to four times as many pages as there are frames; scans go through as many others,
 * a page for each point read, so that both together are what the pool sees under them. Prints the
 * hit rate of point reads in percent, scans apart, and of all reads of a loop.
 *
 * SIEVE: Zhang, Yang, Yue, Vigfusson, Rashmi: SIEVE is Simpler than LRU, NSDI 2024.
 * S3-FIFO: Yang, Zhang, Qiu, Yue, Vigfusson: FIFO queues are all you need for cache eviction, SOSP
 * 2023. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define SPREAD 4 /* pages of the point reads, and of the scans, for each frame */
#define READS_A_FRAME 40
#define FREQUENCY_MAX 3
#define SMALL_PART 10 /* S3-FIFO: a tenth of the frames is for the new */
#define NONE UINT32_MAX

static uint64_t random_state;

static uint64_t rnd(void) {
    random_state += 0x9e3779b97f4a7c15u;
    uint64_t z = random_state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void *must(void *p) {
    CHECK(p);
    return p;
}

/* ---- the caches: access() says whether it was a hit ------------------------------------------ */

struct fifo {
    uint32_t *page;
    uint32_t room, first, count;
};

static struct fifo fifo_new(uint32_t room) {
    return (struct fifo){.page = must(calloc(room, sizeof(uint32_t))), .room = room};
}
static void fifo_push(struct fifo *f, uint32_t page) {
    CHECK(f->count < f->room);
    f->page[(f->first + f->count++) % f->room] = page;
}
static uint32_t fifo_pop(struct fifo *f) {
    uint32_t page = f->page[f->first];
    f->first = (f->first + 1) % f->room;
    f->count--;
    return page;
}

enum place { AWAY, IN, SMALL, MAIN, GHOST };

struct cache {
    uint32_t frames, pages;
    uint8_t *place, *used;   /* by page */
    uint32_t *newer, *older; /* SIEVE's queue, by page */
    uint32_t newest, oldest, hand, count;
    struct fifo small, large, ghost;
    bool is_sieve;
};

static struct cache *cache_new(bool is_sieve, uint32_t frames, uint32_t pages) {
    struct cache *c = must(calloc(1, sizeof *c));
    *c = (struct cache){.frames = frames,
                        .pages = pages,
                        .place = must(calloc(pages, 1)),
                        .used = must(calloc(pages, 1)),
                        .newer = must(calloc(pages, sizeof(uint32_t))),
                        .older = must(calloc(pages, sizeof(uint32_t))),
                        .newest = NONE,
                        .oldest = NONE,
                        .hand = NONE,
                        .small = fifo_new(frames),
                        .large = fifo_new(frames),
                        .ghost = fifo_new(frames),
                        .is_sieve = is_sieve};
    return c;
}

static void cache_free(struct cache *c) {
    free(c->place);
    free(c->used);
    free(c->newer);
    free(c->older);
    free(c->small.page);
    free(c->large.page);
    free(c->ghost.page);
    free(c);
}

static void sieve_evict(struct cache *c) {
    uint32_t at = c->hand == NONE ? c->oldest : c->hand;
    while (c->used[at]) {
        c->used[at] = 0;
        at = c->newer[at] == NONE ? c->oldest : c->newer[at];
    }
    c->hand = c->newer[at];
    if (c->newer[at] == NONE)
        c->newest = c->older[at];
    else
        c->older[c->newer[at]] = c->older[at];
    if (c->older[at] == NONE)
        c->oldest = c->newer[at];
    else
        c->newer[c->older[at]] = c->newer[at];
    c->place[at] = AWAY;
    c->count--;
}

static bool sieve_access(struct cache *c, uint32_t page) {
    if (c->place[page] == IN) {
        c->used[page] = 1;
        return true;
    }
    if (c->count == c->frames) sieve_evict(c);
    c->place[page] = IN;
    c->used[page] = 0;
    c->newer[page] = NONE;
    c->older[page] = c->newest;
    if (c->newest != NONE) c->newer[c->newest] = page;
    c->newest = page;
    if (c->oldest == NONE) c->oldest = page;
    c->count++;
    return false;
}

static void remember(struct cache *c, uint32_t page) {
    if (c->ghost.count == c->ghost.room) {
        uint32_t gone = fifo_pop(&c->ghost);
        if (c->place[gone] == GHOST) c->place[gone] = AWAY;
    }
    fifo_push(&c->ghost, page);
    c->place[page] = GHOST;
}

/* One page leaves the pool. */
static void s3_evict(struct cache *c) {
    while (c->small.count + c->large.count == c->frames) {
        bool from_small = c->small.count >= c->frames / SMALL_PART || c->large.count == 0;
        uint32_t page = fifo_pop(from_small ? &c->small : &c->large);
        if (from_small && c->used[page] == 0) {
            remember(c, page);
        } else if (!from_small && c->used[page] == 0) {
            c->place[page] = AWAY;
        } else {
            c->used[page] = from_small ? 0 : (uint8_t)(c->used[page] - 1);
            c->place[page] = MAIN;
            fifo_push(&c->large, page);
        }
    }
}

static bool s3_access(struct cache *c, uint32_t page) {
    if (c->place[page] == SMALL || c->place[page] == MAIN) {
        if (c->used[page] < FREQUENCY_MAX) c->used[page]++;
        return true;
    }
    bool known = c->place[page] == GHOST;
    if (c->small.count + c->large.count == c->frames) s3_evict(c);
    c->used[page] = 0;
    c->place[page] = known ? MAIN : SMALL;
    fifo_push(known ? &c->large : &c->small, page);
    return false;
}

static bool access_page(struct cache *c, uint32_t page) {
    return c->is_sieve ? sieve_access(c, page) : s3_access(c, page);
}

/* ---- the traces ------------------------------------------------------------------------------ */

static double *sums; /* of the Zipf distribution, by rank */
static uint32_t ranks;

static void zipf_make(uint32_t n, double skew) {
    double sum = 0;
    free(sums);
    sums = must(calloc(n, sizeof *sums));
    ranks = n;
    for (uint32_t i = 0; i < n; i++) sums[i] = sum += 1 / pow(i + 1.0, skew);
}

/* The page of a rank is anywhere: 2,654,435,761 has no factor in common with a power of two. */
static uint32_t zipf(uint32_t shift) {
    double x = (double)(rnd() >> 11) / (double)(1ull << 53) * sums[ranks - 1];
    uint32_t low = 0, high = ranks - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (sums[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)((low + (uint64_t)shift) * 2654435761u % ranks);
}

/* Hits of point reads in percent; scan: a page of the others beside each; moves: other pages are
 * the wanted ones in the end than in the beginning. */
static double point_reads(struct cache *c, uint64_t reads, bool scan, bool moves) {
    uint64_t hits = 0;
    for (uint64_t i = 0; i < reads; i++) {
        hits += access_page(c, zipf(moves ? (uint32_t)(i * ranks / reads) : 0));
        if (scan) (void)access_page(c, ranks + (uint32_t)(i % ranks));
    }
    return 100.0 * (double)hits / (double)reads;
}

static double loop(struct cache *c, uint32_t pages, unsigned times) {
    uint64_t hits = 0;
    for (uint64_t i = 0; i < (uint64_t)times * pages; i++)
        hits += access_page(c, (uint32_t)(i % pages));
    return 100.0 * (double)hits / (double)times / pages;
}

static void show(bool is_sieve, uint32_t frames, double skew) {
    struct cache *c = cache_new(is_sieve, frames, 2 * SPREAD * frames);
    uint64_t reads = (uint64_t)READS_A_FRAME * frames;
    (void)point_reads(c, reads, false, false);
    double before = point_reads(c, reads, false, false);
    double during = point_reads(c, SPREAD * (uint64_t)frames, true, false);
    double after = point_reads(c, frames, false, false);
    double moving = point_reads(c, reads, false, true);
    cache_free(c);
    c = cache_new(is_sieve, frames, 2 * SPREAD * frames);
    double looping = loop(c, frames + frames / 5, 10);
    cache_free(c);
    printf("%4.2f  %-8s %8.2f %8.2f %8.2f %8.2f %8.2f\n", skew, is_sieve ? "SIEVE" : "S3-FIFO",
           before, during, after, moving, looping);
}

int main(int argc, char **argv) {
    uint32_t frames = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 16384;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    CHECK(frames >= 64);
    printf("skew           before   during    after   moving     loop\n");
    static const double skews[] = {0.6, 0.8, 0.99, 1.2};
    for (unsigned i = 0; i < sizeof skews / sizeof *skews; i++) {
        zipf_make(SPREAD * frames, skews[i]);
        for (int sieve = 1; sieve >= 0; sieve--) {
            random_state = seed;
            show(sieve, frames, skews[i]);
        }
    }
    free(sums);
    return 0;
}
