/* EXPLAIN ANALYZE: what sorts and hash tables took. */
#include "plan/explain.h"
#include "plan/internal.h"

static uint64_t kb(uint64_t bytes) {
    return (bytes + 1023) / 1024;
}

static status put(struct arena *a, struct explain_node *n, const char *label,
                  enum property_kind kind, const char *value) {
    return explain_add(a, n, label, kind, true, value, NULL) ? OK : STATUS(OUT_OF_MEMORY);
}

static status put_number(struct arena *a, struct explain_node *n, const char *label,
                         uint64_t value) {
    return put(a, n, label, PROPERTY_NUMBER, arena_printf(a, "%llu", (unsigned long long)value));
}

/* A line of the text format. */
static status put_line(struct arena *a, struct explain_node *n, const char *label, char *value) {
    return explain_add(a, n, label, PROPERTY_TEXT, false, value, NULL) ? OK : STATUS(OUT_OF_MEMORY);
}

static status tell_sort(struct arena *a, const struct plan_counts *c, bool text,
                        struct explain_node *n) {
    static const char *const methods[] = {"still in progress", "quicksort", "top-N heapsort",
                                          "external merge"};
    const char *where = c->sort == PLAN_SORT_EXTERNAL ? "Disk" : "Memory";
    if (c->sort == PLAN_SORT_NONE) return OK;
    if (text)
        return put_line(a, n, "Sort Method",
                        arena_printf(a, "%s  %s: %llukB", methods[c->sort], where,
                                     (unsigned long long)kb(c->memory_bytes)));
    TRY(put(a, n, "Sort Method", PROPERTY_TEXT, methods[c->sort]));
    TRY(put_number(a, n, "Sort Space Used", kb(c->memory_bytes)));
    return put(a, n, "Sort Space Type", PROPERTY_TEXT, where);
}

static status tell_agg(struct arena *a, const struct plan_counts *c, bool text,
                       struct explain_node *n) {
    unsigned long long memory = kb(c->memory_bytes), disk = kb(c->disk_bytes);
    if (text) {
        char *line =
            arena_printf(a, "%llu  Memory Usage: %llukB", (unsigned long long)c->batches, memory);
        if (line && disk) line = arena_printf(a, "%s  Disk Usage: %llukB", line, disk);
        return put_line(a, n, "Batches", line);
    }
    TRY(put_number(a, n, "HashAgg Batches", c->batches));
    TRY(put_number(a, n, "Peak Memory Usage", memory));
    return put_number(a, n, "Disk Usage", disk);
}

static status tell_hash(struct arena *a, const struct plan_counts *c, bool text,
                        struct explain_node *n) {
    unsigned long long memory = kb(c->memory_bytes), batches = c->batches, buckets = c->buckets;
    if (text) {
        const char *before = batches > 1 ? " (originally 1)" : "";
        return put_line(a, n, "Buckets",
                        arena_printf(a, "%llu  Batches: %llu%s  Memory Usage: %llukB", buckets,
                                     batches, before, memory));
    }
    TRY(put_number(a, n, "Hash Buckets", buckets));
    TRY(put_number(a, n, "Original Hash Buckets", buckets));
    TRY(put_number(a, n, "Hash Batches", batches));
    TRY(put_number(a, n, "Original Hash Batches", 1));
    return put_number(a, n, "Peak Memory Usage", memory);
}

status explain_memory(struct arena *a, const struct plan *p, const struct plan_counts *c, bool text,
                      struct explain_node *n) {
    if (!c || !c->loops) return OK;
    switch (p->kind) {
    case PLAN_SORT: return tell_sort(a, c, text, n);
    case PLAN_AGG: return p->agg.ngroup && c->batches ? tell_agg(a, c, text, n) : OK;
    case PLAN_HASH_JOIN: return c->batches ? tell_hash(a, c, text, n) : OK;
    default: return OK;
    }
}
