/* recover.c: analysis, the first of the three phases of recovery (Mohan and others: ARIES, 1992).
 *
 * What the log has done since redo or undo may have to begin is found from the summaries of full
 * segments (summary.h); what has none, which is the end of the log, is read. The log ends at the
 * first place that holds no record of its LSN. A transaction with records and neither COMMIT nor
 * ROLLED_BACK is a loser, and becomes an orphan for txnd; the pages are kept for storaged, which
 * redoes them while queries run (pages.c). Then what lies behind the end is overwritten with zeros
 * as far as a write that was under way may have reached, durably: no record of this life, lying
 * elsewhere, can meet one of the lost stretch at its border and bring it back to life. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/control.h"
#include "base/probe.h"
#include "conf/conf.h"
#include "logd.h"
#include "txn/txn_recover.h"

#define POLL_NS 1000000u

/* One segment, from `at` on. *ret_ended: the log ends in it. */
static status analyse_segment(struct logd *l, uint64_t at, uint64_t limit, struct summary *part,
                              bool *ret_ended) {
    uint64_t number = segment_of(&l->segments, at);
    uint64_t end = least(limit, segment_start(&l->segments, number + 1));
    *ret_ended = false;
    summary_begin(part, at);
    if (ok(summary_load(l, number, part))) return OK;
    summary_free(part);
    summary_begin(part, at);
    TRY(summary_scan(l, at, end, part));
    *ret_ended = part->to < end;
    return OK;
}

status analyse(struct logd *l, uint64_t from, uint64_t limit, bool *ret_whole) {
    struct changed *c = &l->changed;
    bool ended = false;
    *ret_whole = from == LOG_FIRST.at;
    summary_begin(&c->summary, from);
    for (uint64_t at = from; at < limit && !ended;) {
        TRY(analyse_segment(l, at, limit, &c->part, &ended));
        TRY(summary_merge(&c->summary, &c->part));
        at = c->part.to;
        if (ended) {
            c->live = c->part;
            c->part = (struct summary){0};
        } else {
            summary_free(&c->part);
            *ret_whole = true;
        }
    }
    return OK;
}

void analyse_fini(struct logd *l) {
    summary_free(&l->changed.part);
    summary_free(&l->changed.live);
}

/* Zeros from the end on; the bytes before it in its block stay. */
static status clear_behind(struct logd *l, uint64_t end, char *block) {
    struct logd_io ios[3];
    struct logd_io *list[3];
    uint64_t from = segments_block_down(&l->segments, end);
    uint64_t to = segments_block_up(&l->segments, from + STAGE_BYTES + DISK_ALIGN);
    char *buf;
    if (to > segments_end(&l->segments)) to = segments_end(&l->segments);
    if (to <= from) return OK;
    buf = scratch_new(l, segments_file_bytes(&l->segments, from, to));
    if (!buf) return STATUS(OUT_OF_MEMORY);
    memset(buf, 0, segments_file_bytes(&l->segments, from, to));
    if (end > from) {
        const char *packed = segments_pack(&l->segments, from, block, end - from, buf);
        if (packed != buf) memcpy(buf, packed, SEGMENT_BLOCK_BYTES);
    }
    unsigned n = 0;
    status s = OK;
    for (uint64_t at = from; at < to && ok(s);) {
        CHECK(n < 3);
        uint64_t number = segment_of(&l->segments, at);
        uint64_t part_end = segment_start(&l->segments, number + 1);
        if (part_end > to) part_end = to;
        struct segment *segment;
        s = segments_get(&l->segments, number, &segment);
        if (!ok(s)) break;
        ios[n] = (struct logd_io){.io = {.op = DISK_WRITE,
                                         .file = segment->file,
                                         .offset = segment_offset(&l->segments, at),
                                         .buf = buf + segments_file_bytes(&l->segments, from, at),
                                         .len = segments_file_bytes(&l->segments, at, part_end),
                                         .durable = true}};
        list[n] = &ios[n];
        n++;
        at = part_end;
    }
    status written = n ? logd_await(l, list, n) : OK;
    scratch_free(buf);
    return ok(s) ? written : s;
}

static status adopt_losers(struct logd *l, const struct summary *all) {
    struct shm *shm = l->d->proc.shm;
    for (size_t i = 0; i < all->txn_places; i++) {
        const struct summary_txn *t = &all->txns[i];
        if (!t->x || t->flags & SUMMARY_ENDED) continue;
        /* By a life of this process that died before it had said that it was done. */
        if (txn_fate(shm, t->x, NULL, NULL) == FATE_RUNNING) continue;
        PROBE(axolotl_logd, loser, t->x, t->first, t->last);
        TRY(txn_adopt_loser(shm, t->x, (lsn){t->first}, (lsn){t->last}));
    }
    txn_recovered(shm, all->next);
    return OK;
}

/* A log that is spoilt at its supposed end: refused, unless what follows may be lost. But never
 * where pages show some of that already: nobody could tell what of it to believe. */
static status judge_end(struct logd *l, uint64_t end, const char **ret_words) {
    static char words[320];
    uint64_t at, newest = atomic_load(&l->d->proc.shm->control->newest_home);
    TRY(log_damage_find(l, end, &at));
    if (at == 0) return OK;
    int n = snprintf(words, sizeof words,
                     "the log is damaged at LSN %" PRIu64 ": records follow from %" PRIu64 " on, ",
                     end, at);
    if (newest >= end)
        snprintf(words + n, sizeof words - (size_t)n,
                 "and pages of the data file show them up to %" PRIu64
                 "; restore a backup with the archived log",
                 newest);
    else
        snprintf(words + n, sizeof words - (size_t)n,
                 "and what was committed there would be lost; restore a backup with the archived "
                 "log, or go on without them by --set ignore_log_damage=on");
    *ret_words = words;
    if (!l->d->conf->ignore_log_damage || newest >= end) return STATUS(DATA_CORRUPTED);
    fprintf(stderr, "logd: %s\n", words);
    return log_damage_clear(l, end);
}

static status begin_serving(struct logd *l, bool whole) {
    struct control *c = l->d->proc.shm->control;
    const struct summary *all = &l->changed.summary;
    _Alignas(8) char block[DISK_ALIGN];
    uint64_t end = all->to, from = segments_block_down(&l->segments, end);
    TRY(log_reseal_before(l, end));
    if (end > from) TRY(read_bytes(l, from, end - from, block));
    TRY(clear_behind(l, end, block));
    read_forget(l);
    TRY(flush_init(l, end, all->last_commit, block));
    log_shared_init(l->shared, (lsn){end}, all->last_commit);
    atomic_store(&l->shared->oldest, segments_begin(&l->segments));
    TRY(adopt_losers(l, all));
    summaries_begin(l, l->changed.live, end, whole);
    l->changed.live = (struct summary){0};
    l->changed.known = true;
    l->serving = true;
    atomic_store(&c->recovered_lsn, end);
    return OK;
}

/* What recovery needs first is not among the segments. */
static status refuse_gap(const struct logd *l, uint64_t from, const char **ret_words) {
    static char words[160];
    char name[SEGMENT_NAME_BYTES];
    segment_name(segment_of(&l->segments, from), name);
    snprintf(words, sizeof words,
             "the log that the last checkpoint needs is not there: segment %s, with LSN %" PRIu64
             ", is missing",
             name, from);
    *ret_words = words;
    return STATUS(DATA_CORRUPTED);
}

static status recover(struct logd *l, const char **ret_words) {
    struct control *c = l->d->proc.shm->control;
    struct summary *all = &l->changed.summary;
    bool whole = false;
    while (atomic_load(&c->redo_lsn) == 0) daemon_sleep(l->d, POLL_NS);
    uint64_t redo = atomic_load(&c->redo_lsn), undo = atomic_load(&c->undo_lsn);
    uint64_t from = undo && undo < redo ? undo : redo;
    if (from % 8 != 0 || from < segments_begin(&l->segments) || from > segments_end(&l->segments))
        return refuse_gap(l, from, ret_words);
    *ret_words = "the log cannot be read";
    TRY(analyse(l, from, segments_end(&l->segments), &whole));
    if (!all->next) all->next = TXID_FIRST;
    if (atomic_load(&c->next_txid) > all->next) all->next = atomic_load(&c->next_txid);
    if (atomic_load(&c->last_commit) > all->last_commit)
        all->last_commit = atomic_load(&c->last_commit);
    PROBE(axolotl_logd, recovered, from, all->to, all->records, all->txn_count);
    *ret_words = "the log ends before the last checkpoint's redo position";
    if (all->to < redo) return STATUS(DATA_CORRUPTED);
    TRY(judge_end(l, all->to, ret_words));
    *ret_words = "the end of the log cannot be made ready";
    return begin_serving(l, whole);
}

void recover_run(void *arg) {
    struct logd *l = arg;
    const char *words = "recovery";
    status s = recover(l, &words);
    if (ok(s))
        daemon_ready(l->d);
    else
        logd_give_up(l, words, s);
}
