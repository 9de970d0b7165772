/* EXPLAIN ANALYZE: what sorts and hash tables took. */
#include "plan/explain_internal.h"
#include "plan/internal.h"

static const char *const method_names[] = {"still in progress", "quicksort", "top-N heapsort",
                                           "external merge"};

static uint64_t kb(uint64_t bytes) {
    return (bytes + 1023) / 1024;
}

static status put(struct arena *a, struct explain_node *n, const char *label,
                  enum property_kind kind, const char *value) {
    return explain_add(a, n, label, kind, true, value, NULL);
}

/* A line of the text format. */
static status put_line(struct arena *a, struct explain_node *n, const char *label, char *value) {
    return explain_add(a, n, label, PROPERTY_TEXT, false, value, NULL);
}

static status tell_sort(struct arena *a, const struct plan_counts *c, bool text,
                        struct explain_node *n) {
    const char *where = c->sort == PLAN_SORT_EXTERNAL ? "Disk" : "Memory";
    if (c->sort == PLAN_SORT_NONE) return OK;
    if (text)
        return put_line(a, n, "Sort Method",
                        arena_printf(a, "%s  %s: %llukB", method_names[c->sort], where,
                                     (unsigned long long)kb(c->memory_bytes)));
    TRY(put(a, n, "Sort Method", PROPERTY_TEXT, method_names[c->sort]));
    TRY(explain_count(a, n, "Sort Space Used", kb(c->memory_bytes)));
    return put(a, n, "Sort Space Type", PROPERTY_TEXT, where);
}

/* ---- incremental sort ---- */

/* In the order in which PostgreSQL names them. */
static status methods_used(struct arena *a, unsigned methods, struct list **ret) {
    static const enum plan_sort_method order[] = {PLAN_SORT_TOP_N, PLAN_SORT_MEMORY,
                                                  PLAN_SORT_EXTERNAL};
    for (unsigned i = 0; i < 3; i++)
        if (methods & 1u << order[i]) TRY(list_append(a, ret, (void *)method_names[order[i]]));
    return OK;
}

static char *group_space(struct arena *a, const char *word, const struct plan_group_counts *g,
                         uint64_t total, uint64_t most) {
    return arena_printf(a, "  Average %s: %llukB  Peak %s: %llukB", word,
                        (unsigned long long)kb(total / g->groups), word,
                        (unsigned long long)kb(most));
}

static status group_line(struct arena *a, const char *label, const struct plan_group_counts *g,
                         struct explain_node *n) {
    struct list *methods = NULL;
    TRY(methods_used(a, g->methods, &methods));
    char *line = arena_printf(a, "%llu  Sort Method%s: ", (unsigned long long)g->groups,
                              list_n(methods) > 1 ? "s" : "");
    LIST_EACH(const char *, m, methods)
    if (line) line = arena_printf(a, "%s%s%s", line, m_i ? ", " : "", m);
    const char *memory = "", *disk = "";
    if (g->memory_most) memory = group_space(a, "Memory", g, g->memory_total, g->memory_most);
    if (g->disk_most) disk = group_space(a, "Disk", g, g->disk_total, g->disk_most);
    if (!line || !memory || !disk) return STATUS(OUT_OF_MEMORY);
    return put_line(a, n, label, arena_printf(a, "%s%s%s", line, memory, disk));
}

static status put_space(struct arena *a, struct explain_node *n, const char *label,
                        const struct plan_group_counts *g, uint64_t total, uint64_t most) {
    struct explain_node inside = {.last = &inside.first};
    if (!most) return OK;
    TRY(explain_count(a, &inside, "Average Sort Space Used", kb(total / g->groups)));
    TRY(explain_count(a, &inside, "Peak Sort Space Used", kb(most)));
    return explain_group(a, n, label, "Sort Space", true, &inside);
}

static status group_properties(struct arena *a, const char *label,
                               const struct plan_group_counts *g, struct explain_node *n) {
    struct explain_node inside = {.last = &inside.first};
    struct list *methods = NULL;
    TRY(methods_used(a, g->methods, &methods));
    TRY(explain_count(a, &inside, "Group Count", g->groups));
    TRY(explain_add(a, &inside, "Sort Methods Used", PROPERTY_LIST, true, NULL, methods));
    TRY(put_space(a, &inside, "Sort Space Memory", g, g->memory_total, g->memory_most));
    TRY(put_space(a, &inside, "Sort Space Disk", g, g->disk_total, g->disk_most));
    return explain_group(a, n, label, "Incremental Sort Groups", true, &inside);
}

static status tell_incremental(struct arena *a, const struct plan_counts *c, bool text,
                               struct explain_node *n) {
    static const char *const labels[] = {"Full-sort Groups", "Pre-sorted Groups"};
    const struct plan_group_counts *groups[] = {&c->whole, &c->presorted};
    for (unsigned i = 0; i < 2; i++) {
        if (!groups[i]->groups) continue;
        TRY(text ? group_line(a, labels[i], groups[i], n)
                 : group_properties(a, labels[i], groups[i], n));
    }
    return OK;
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
    TRY(explain_count(a, n, "HashAgg Batches", c->batches));
    TRY(explain_count(a, n, "Peak Memory Usage", memory));
    return explain_count(a, n, "Disk Usage", disk);
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
    TRY(explain_count(a, n, "Hash Buckets", buckets));
    TRY(explain_count(a, n, "Original Hash Buckets", buckets));
    TRY(explain_count(a, n, "Hash Batches", batches));
    TRY(explain_count(a, n, "Original Hash Batches", 1));
    return explain_count(a, n, "Peak Memory Usage", memory);
}

static status tell_bitmap(struct arena *a, const struct plan_counts *c, bool text,
                          struct explain_node *n) {
    if (text)
        return c->leaves ? put_line(a, n, "Heap Blocks",
                                    arena_printf(a, "exact=%llu", (unsigned long long)c->leaves))
                         : OK;
    TRY(explain_count(a, n, "Exact Heap Blocks", c->leaves));
    return explain_count(a, n, "Lossy Heap Blocks", 0);
}

status explain_memory(struct arena *a, const struct plan *p, const struct plan_counts *c, bool text,
                      struct explain_node *n) {
    if (!c || !c->loops) return OK;
    switch (p->kind) {
    case PLAN_SCAN: return p->scan.bitmap ? tell_bitmap(a, c, text, n) : OK;
    case PLAN_SORT: return tell_sort(a, c, text, n);
    case PLAN_INCREMENTAL_SORT: return tell_incremental(a, c, text, n);
    case PLAN_AGG: return p->agg.ngroup && c->batches ? tell_agg(a, c, text, n) : OK;
    case PLAN_HASH_JOIN: return c->batches ? tell_hash(a, c, text, n) : OK;
    default: return OK;
    }
}
