/* EXPLAIN: of a plan, after it was carried out when ANALYZE is asked for, and its text as rows. */
#include <string.h>

#include "exec/explain_run.h"
#include "exec/ri.h"

static void add_groups(struct plan_group_counts *sum, const struct plan_group_counts *g) {
    sum->groups += g->groups;
    sum->methods |= g->methods;
    sum->memory_total += g->memory_total;
    sum->disk_total += g->disk_total;
    if (g->memory_most > sum->memory_most) sum->memory_most = g->memory_most;
    if (g->disk_most > sum->disk_most) sum->disk_most = g->disk_most;
}

static void add_counts(struct plan_counts *sum, const struct plan_counts *c) {
    static const struct usage nothing = {0};
    sum->loops += c->loops;
    sum->rows += c->rows;
    sum->removed += c->removed;
    sum->first_ns += c->first_ns;
    sum->total_ns += c->total_ns;
    if (c->memory_bytes > sum->memory_bytes) sum->memory_bytes = c->memory_bytes;
    if (c->buckets > sum->buckets) sum->buckets = c->buckets;
    if (c->batches > sum->batches) sum->batches = c->batches;
    if (c->sort > sum->sort) sum->sort = c->sort;
    sum->disk_bytes += c->disk_bytes;
    sum->leaves += c->leaves;
    add_groups(&sum->whole, &c->whole);
    add_groups(&sum->presorted, &c->presorted);
    usage_add(&sum->used, &nothing, &c->used);
}

/* All operators of the plan node together: a subquery's may have been opened several times. */
static const struct plan_counts *counts_of(void *arg, const struct plan *plan) {
    struct execution *x = arg;
    struct plan_counts *sum = arena_zalloc(x->arena, sizeof *sum);
    for (uint32_t i = 0; sum && i < x->nall; i++)
        if (x->all[i]->plan == plan && x->all[i]->counts) add_counts(sum, x->all[i]->counts);
    return sum;
}

/* Its rows go nowhere. */
static status run_whole(struct execution *x) {
    do {
        TRY(execution_next_batch(x));
        if (!x->statement->read_only) TRY(ri_run(x->env));
    } while (x->current->nrows);
    return OK;
}

static status run_metered(struct execution *x) {
    struct proc *p = x->env->proc;
    struct usage_meter meter;
    if (!x->metered) return run_whole(x);
    usage_begin(p, &meter);
    status s = run_whole(x);
    usage_end(p);
    return s;
}

static status explain_text(struct execution *x, struct buf *text) {
    const struct statement_private *p = private_of(x->statement);
    const struct explain_options *o = p->explain;
    struct proc *proc = x->env->proc;
    struct sql_env env = *x->env;
    uint64_t begin = proc->env->mono_ns(proc);
    if (o->analyze && !p->without_rows) TRY(run_metered(x));
    struct explain_whole whole = {
        .planning_ms = (double)p->planning_ns / 1e6,
        .execution_ms = (double)(proc->env->mono_ns(proc) - begin) / 1e6,
        .planning = p->planning,
    };
    env.eval.arena = x->arena;
    if (o->settings && env.explain_settings) TRY(env.explain_settings(&env, &whole.settings));
    struct plan_statement shown = *x->plan;
    if (p->fills_table) shown.root = shown.root->left;
    return plan_explain(&env, x->arena, &shown, o, counts_of, x, &whole, text);
}

/* Text has a row for each line, the other formats one row. */
static status add_line(struct execution *x, const char *line, size_t len) {
    struct batch *b = &x->lines;
    if (!b->columns) TRY(columns_new(x, 1, BATCH_ROWS, (struct vec **)&b->columns));
    if (b->nrows == BATCH_ROWS) return OK;
    struct varlena *v = varlena_from(x->arena, line, len);
    NEEDS(x, v);
    b->ncolumns = 1;
    b->columns[0].values[b->nrows] = datum_ptr(v);
    b->columns[0].nulls[b->nrows++] = 0;
    return OK;
}

status explain_run(struct execution *x) {
    struct buf text = {0};
    bool lines = private_of(x->statement)->explain->format == EXPLAIN_TEXT;
    status s = explain_text(x, &text);
    for (size_t at = 0; ok(s) && at < text.len;) {
        const char *from = text.data + at, *end = memchr(from, '\n', text.len - at);
        size_t len = lines && end ? (size_t)(end - from) : text.len - at;
        s = add_line(x, from, len);
        at += len + 1;
    }
    buf_free(&text);
    return s;
}

status explain_word(struct execution *x, const char *word) {
    static const char *const formats[] = {
        [EXPLAIN_TEXT] = "",
        [EXPLAIN_JSON] = "[\n  \"%s\"\n]",
        [EXPLAIN_YAML] = "- \"%s\"",
        [EXPLAIN_XML] = ("<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n"
                         "  <%s />\n</explain>")};
    enum explain_format format = private_of(x->statement)->explain->format;
    if (format == EXPLAIN_TEXT) return OK;
    const char *before = formats[format], *after = strstr(before, "%s") + 2;
    char *text = arena_printf(x->arena, "%.*s%s%s", (int)(after - 2 - before), before, word, after);
    NEEDS(x, text);
    return add_line(x, text, strlen(text));
}
