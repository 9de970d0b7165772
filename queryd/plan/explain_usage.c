/* EXPLAIN: pages and log that were used, and what stands behind the tree. */
#include "plan/explain_internal.h"
#include "temp/temp.h"

#define KB_BLOCKS (TEMP_BLOCK_BYTES / 8192u) /* of the size in which blocks are told, in one */

static status put(struct arena *a, struct explain_node *n, const char *label,
                  enum property_kind kind, const char *value) {
    return explain_add(a, n, label, kind, kind == PROPERTY_NUMBER, value, NULL);
}

/* " word=n word=n", without those that are 0; "": all are. */
static char *counts_text(struct arena *a, const char *before, const char *const words[],
                         const uint64_t counts[], unsigned n) {
    char *text = arena_strdup(a, "");
    for (unsigned i = 0; text && i < n; i++)
        if (counts[i])
            text = arena_printf(a, "%s %s=%llu", text, words[i], (unsigned long long)counts[i]);
    return text && *text ? arena_printf(a, "%s%s", before, text) : text;
}

/* Pages are written by storaged, never on a statement's behalf, and temporary tables' are as
 * others. */
static status buffers_text(struct arena *a, const struct usage *u, struct explain_node *n) {
    static const char *const shared[] = {"hit", "read", "dirtied"}, *const temp[] = {"read",
                                                                                     "written"};
    uint64_t pages[] = {u->n[USAGE_PAGE_HITS], u->n[USAGE_PAGE_READS], u->n[USAGE_PAGES_DIRTIED]};
    uint64_t blocks[] = {u->n[USAGE_TEMP_READS] * KB_BLOCKS, u->n[USAGE_TEMP_WRITES] * KB_BLOCKS};
    char *first = counts_text(a, "shared", shared, pages, 3);
    char *second = counts_text(a, "temp", temp, blocks, 2);
    if (!first || !second) return STATUS(OUT_OF_MEMORY);
    if (!*first && !*second) return OK;
    return put(a, n, "Buffers", PROPERTY_TEXT,
               arena_printf(a, "%s%s%s", first, *first && *second ? ", " : "", second));
}

static status buffers(struct arena *a, const struct explain_options *o, const struct usage *u,
                      struct explain_node *n) {
    if (o->format == EXPLAIN_TEXT) return buffers_text(a, u, n);
    const struct {
        const char *label;
        uint64_t count;
    } all[] = {{"Shared Hit Blocks", u->n[USAGE_PAGE_HITS]},
               {"Shared Read Blocks", u->n[USAGE_PAGE_READS]},
               {"Shared Dirtied Blocks", u->n[USAGE_PAGES_DIRTIED]},
               {"Shared Written Blocks", 0},
               {"Local Hit Blocks", 0},
               {"Local Read Blocks", 0},
               {"Local Dirtied Blocks", 0},
               {"Local Written Blocks", 0},
               {"Temp Read Blocks", u->n[USAGE_TEMP_READS] * KB_BLOCKS},
               {"Temp Written Blocks", u->n[USAGE_TEMP_WRITES] * KB_BLOCKS}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        TRY(explain_count(a, n, all[i].label, all[i].count));
    return OK;
}

/* The log holds no images of pages. */
static status wal(struct arena *a, const struct explain_options *o, const struct usage *u,
                  struct explain_node *n) {
    static const char *const words[] = {"records", "bytes"};
    uint64_t counts[] = {u->n[USAGE_LOG_RECORDS], u->n[USAGE_LOG_BYTES]};
    if (o->format == EXPLAIN_TEXT) {
        char *text = counts_text(a, "", words, counts, 2);
        if (!text) return STATUS(OUT_OF_MEMORY);
        return *text ? put(a, n, "WAL", PROPERTY_TEXT, text + 1) : OK;
    }
    TRY(explain_count(a, n, "WAL Records", counts[0]));
    TRY(explain_count(a, n, "WAL FPI", 0));
    return explain_count(a, n, "WAL Bytes", counts[1]);
}

status explain_usage(struct arena *a, const struct explain_options *o, const struct usage *used,
                     struct explain_node *n) {
    static const struct usage none = {0};
    const struct usage *u = used ? used : &none;
    if (o->buffers) TRY(buffers(a, o, u, n));
    return o->wal ? wal(a, o, u, n) : OK;
}

/* ---- behind the tree ------------------------------------------------------------------------- */

static status settings_line(struct arena *a, const struct list *settings, struct explain_node *n) {
    char *text = arena_strdup(a, "");
    LIST_EACH(const struct explain_setting *, s, settings)
    if (text) text = arena_printf(a, "%s%s%s = '%s'", text, s_i ? ", " : "", s->name, s->value);
    if (!text) return STATUS(OUT_OF_MEMORY);
    return *text ? put(a, n, "Settings", PROPERTY_TEXT, text) : OK;
}

static status settings(struct arena *a, const struct explain_options *o,
                       const struct list *settings, struct explain_node *n) {
    struct explain_node inside = {.last = &inside.first};
    if (o->format == EXPLAIN_TEXT) return settings_line(a, settings, n);
    LIST_EACH(const struct explain_setting *, s, settings)
    TRY(put(a, &inside, s->name, PROPERTY_TEXT, s->value));
    return explain_group(a, n, "Settings", "Settings", true, &inside);
}

static status planning(struct arena *a, const struct explain_options *o, const struct usage *used,
                       struct explain_node *n) {
    struct explain_node inside = {.last = &inside.first};
    bool text = o->format == EXPLAIN_TEXT;
    TRY(buffers(a, o, used, &inside));
    return inside.first ? explain_group(a, n, "Planning", "Planning", !text, &inside) : OK;
}

static status time_spent(struct arena *a, const struct explain_options *o, const char *label,
                         double ms, struct explain_node *n) {
    bool text = o->format == EXPLAIN_TEXT;
    return put(a, n, label, text ? PROPERTY_TEXT : PROPERTY_NUMBER,
               arena_printf(a, text ? "%.3f ms" : "%.3f", ms));
}

status explain_behind(struct arena *a, const struct explain_options *o,
                      const struct explain_whole *whole, struct explain_node *n) {
    if (o->settings) TRY(settings(a, o, whole->settings, n));
    if (o->buffers) TRY(planning(a, o, &whole->planning, n));
    if (o->summary) TRY(time_spent(a, o, "Planning Time", whole->planning_ms, n));
    if (!o->analyze) return OK;
    TRY(explain_add(a, n, "Triggers", PROPERTY_NOTHING, true, "", NULL));
    return o->summary ? time_spent(a, o, "Execution Time", whole->execution_ms, n) : OK;
}
