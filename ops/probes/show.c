#include "show.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define BAR 40

static const struct phase_text {
    const char *name, *key, *text;
} phases[PHASE_COUNT] = {
    [PHASE_STATEMENT] = {"statement", "statement", "statements, less the commits in them"},
    [PHASE_INSERT] = {"log insert", "log_insert", "until the commit record is in the log"},
    [PHASE_FLUSH_WAIT] = {"flush wait", "flush_wait",
                          "until logd begins the write that takes it along"},
    [PHASE_FLUSH] = {"flush", "flush", "that write"},
    [PHASE_WAKE] = {"wake-up", "wake_up", "from its end until the worker goes on"},
    [PHASE_END] = {"end", "end", "slot and locks given back"},
    [PHASE_COMMIT] = {"commit", "commit", "the whole commit"},
    [PHASE_WRITE] = {"log write", "log_write", "every write of logd"},
};

static double mean_us(const struct hist *h) {
    return h->count ? (double)h->sum_ns / (double)h->count / 1e3 : 0;
}

/* Lower bound of a slot; the upper one is the next slot's. */
static double slot_us(unsigned slot) {
    return slot == 0 ? 0 : (double)(1ull << (slot - 1)) * HIST_UNIT_NS / 1e3;
}

/* The bound below which that part of the times lies. */
static double below_us(const struct hist *h, double part) {
    unsigned long long sum = 0;
    if (h->count == 0) return 0;
    for (unsigned i = 0; i < HIST_SLOTS; i++) {
        sum += h->slot[i];
        if ((double)sum >= part * (double)h->count) return slot_us(i + 1);
    }
    return slot_us(HIST_SLOTS);
}

static struct hist since(const struct hist *now, const struct hist *before) {
    return (struct hist){.count = now->count - before->count,
                         .sum_ns = now->sum_ns - before->sum_ns};
}

void show_line(const struct seen *now, const struct seen *before, int heading) {
    if (heading) {
        printf("%8s %10s ", "s", "commits/s");
        for (unsigned i = 0; i < PHASE_COUNT; i++) printf(" %10s", phases[i].name);
        printf("   (means, us)\n");
    }
    double seconds = (double)(now->elapsed_ns - before->elapsed_ns) / 1e9;
    double commits = (double)(now->tally[TALLY_COMMIT] - before->tally[TALLY_COMMIT]);
    printf("%8.1f %10.0f ", (double)now->elapsed_ns / 1e9, seconds > 0 ? commits / seconds : 0);
    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        struct hist h = since(&now->hist[i], &before->hist[i]);
        printf(" %10.1f", mean_us(&h));
    }
    printf("\n");
    fflush(stdout);
}

static void show_hist(const struct hist *h, const struct phase_text *text) {
    unsigned first = HIST_SLOTS, last = 0;
    unsigned long long most = 0;
    for (unsigned i = 0; i < HIST_SLOTS; i++) {
        if (h->slot[i] == 0) continue;
        if (first == HIST_SLOTS) first = i;
        last = i;
        if (h->slot[i] > most) most = h->slot[i];
    }
    if (most == 0) return;
    printf("\n%s: %s\n%12s %12s %10s\n", text->name, text->text, "from us", "below us", "count");
    for (unsigned i = first; i <= last; i++) {
        char bar[BAR + 1];
        size_t n = (size_t)((double)h->slot[i] / (double)most * BAR + 0.5);
        memset(bar, '*', n);
        bar[n] = '\0';
        printf("%12.3f %12.3f %10llu  %s\n", slot_us(i), slot_us(i + 1), h->slot[i], bar);
    }
}

void show_all(const struct seen *s) {
    double seconds = (double)s->elapsed_ns / 1e9;
    const unsigned long long *t = s->tally;
    printf("\n%llu commits in %.1f s (%.0f/s), the appliance counted %llu; %u processes watched\n",
           t[TALLY_COMMIT], seconds, seconds > 0 ? (double)t[TALLY_COMMIT] / seconds : 0,
           (unsigned long long)s->counted, s->processes);
    printf("%llu transactions ended without a change, %llu commits failed, %llu did not wait, "
           "%llu by a write of which the begin was not seen\n\n",
           t[TALLY_COMMIT_EMPTY], t[TALLY_COMMIT_FAILED], t[TALLY_NOT_WAITED],
           t[TALLY_FLUSH_UNKNOWN]);
    printf("%-12s %10s %10s %10s %10s %10s %12s\n", "phase", "count", "mean us", "half <", "99 % <",
           "max us", "us a commit");
    double commits = t[TALLY_COMMIT] ? (double)t[TALLY_COMMIT] : 1;
    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        const struct hist *h = &s->hist[i];
        printf("%-12s %10llu %10.1f %10.1f %10.1f %10.1f %12.1f\n", phases[i].name, h->count,
               mean_us(h), below_us(h, 0.5), below_us(h, 0.99), (double)h->max_ns / 1e3,
               (double)h->sum_ns / 1e3 / commits);
    }
    for (unsigned i = 0; i < PHASE_COUNT; i++) show_hist(&s->hist[i], &phases[i]);
}

static json_t *hist_as_json(const struct hist *h) {
    json_t *slots = json_array();
    for (unsigned i = 0; i < HIST_SLOTS; i++) {
        if (h->slot[i] == 0) continue;
        json_array_append_new(slots, json_pack("{s:f, s:f, s:I}", "from_us", slot_us(i), "below_us",
                                               slot_us(i + 1), "count", (json_int_t)h->slot[i]));
    }
    return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:o}", "count", (json_int_t)h->count, "sum_us",
                     (double)h->sum_ns / 1e3, "mean_us", mean_us(h), "half_below_us",
                     below_us(h, 0.5), "p99_below_us", below_us(h, 0.99), "max_us",
                     (double)h->max_ns / 1e3, "histogram", slots);
}

void show_json(const struct seen *s) {
    const unsigned long long *t = s->tally;
    json_t *list = json_object();
    for (unsigned i = 0; i < PHASE_COUNT; i++)
        json_object_set_new(list, phases[i].key, hist_as_json(&s->hist[i]));
    json_t *all = json_pack(
        "{s:f, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "seconds", (double)s->elapsed_ns / 1e9,
        "processes", (int)s->processes, "commits", (json_int_t)t[TALLY_COMMIT], "commits_counted",
        (json_int_t)s->counted, "commits_without_change", (json_int_t)t[TALLY_COMMIT_EMPTY],
        "commits_failed", (json_int_t)t[TALLY_COMMIT_FAILED], "commits_not_waited",
        (json_int_t)t[TALLY_NOT_WAITED], "commits_of_unseen_write",
        (json_int_t)t[TALLY_FLUSH_UNKNOWN], "phases", list);
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    printf("\n");
    json_decref(all);
}
