/* recover.c: analysis, the first of the three phases of recovery (Mohan and others: ARIES, 1992).
 *
 * The log is read from where redo or undo may begin to its end: the first place that holds no
 * record of its LSN. A transaction with records and neither COMMIT nor ROLLED_BACK is a loser, and
 * becomes an orphan for txnd. Then what lies behind the end is overwritten with zeros as far as a
 * write that was under way may have reached, durably: no record of this life, lying elsewhere, can
 * meet one of the lost stretch at its border and bring it back to life. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/control.h"
#include "base/probe.h"
#include "logd.h"
#include "txn/txn_recover.h"

#define POLL_NS 1000000u
#define WINDOW_BYTES ((size_t)4 * REC_BYTES_MAX)

/* A transaction seen. */
struct seen {
    txid x; /* 0: empty place */
    uint64_t first, last;
    bool ended;
};

struct analysis {
    struct seen *table;
    size_t places; /* power of two */
    size_t used;
    txid next;
    commit_time last_commit;
    uint64_t records;
    char *window; /* WINDOW_BYTES */
    char *zeros;
};

static struct seen *place_of(struct seen *table, size_t places, txid x) {
    size_t i = (x * 0x9e3779b97f4a7c15u) >> 20 & (places - 1);
    while (table[i].x && table[i].x != x) i = (i + 1) & (places - 1);
    return &table[i];
}

static status grow(struct analysis *a) {
    size_t places = a->places ? 2 * a->places : 1024;
    struct seen *table = calloc(places, sizeof *table);
    if (!table) return STATUS(OUT_OF_MEMORY);
    for (size_t i = 0; i < a->places; i++) {
        if (a->table[i].x) *place_of(table, places, a->table[i].x) = a->table[i];
    }
    free(a->table);
    a->table = table;
    a->places = places;
    return OK;
}

static status note(struct analysis *a, const struct rec_head *r, uint64_t at) {
    a->records++;
    if (r->type == REC_COMMIT) {
        struct rec_commit c;
        memcpy(&c, rec_payload_c(r), sizeof c);
        if (c.time > a->last_commit) a->last_commit = c.time;
    }
    if (r->type == REC_CHECKPOINT) {
        struct rec_checkpoint c;
        memcpy(&c, rec_payload_c(r), sizeof c);
        if (c.next_txid > a->next) a->next = c.next_txid;
        if (c.last_commit > a->last_commit) a->last_commit = c.last_commit;
    }
    if (!r->txid) return OK;
    if (2 * a->used >= a->places) TRY(grow(a));
    struct seen *s = place_of(a->table, a->places, r->txid);
    if (!s->x) {
        *s = (struct seen){.x = r->txid, .first = at};
        a->used++;
    }
    s->last = at;
    s->ended |= r->type == REC_COMMIT || r->type == REC_ROLLED_BACK;
    if (r->txid >= a->next) a->next = r->txid + 1;
    return OK;
}

/* From `from` to the end of the log, which it returns. */
static status scan(struct logd *l, uint64_t from, struct analysis *a, uint64_t *ret_end) {
    char *window = a->window;
    uint64_t limit = segments_end(&l->segments);
    uint64_t base = from, at = from;
    size_t have = 0;
    for (;;) {
        if (base + have - at < REC_BYTES_MAX && base + have < limit) {
            base = at;
            have = limit - at < WINDOW_BYTES ? limit - at : WINDOW_BYTES;
            TRY(read_bytes(l, base, have, window));
        }
        const struct rec_head *r = (const struct rec_head *)(window + (at - base));
        if (!ok(rec_valid(r, base + have - at)) || rec_crc(r, (lsn){at}) != r->crc) break;
        TRY(note(a, r, at));
        at += r->len;
    }
    *ret_end = at;
    return OK;
}

/* Zeros from the end on; the bytes before it in its block stay. */
static status clear_behind(struct logd *l, struct analysis *a, uint64_t end, const char *block) {
    struct logd_io ios[3];
    struct logd_io *list[3];
    uint64_t from = end & ~(uint64_t)(DISK_ALIGN - 1);
    uint64_t to = from + STAGE_BYTES + DISK_ALIGN;
    char *buf;
    if (to > segments_end(&l->segments)) to = segments_end(&l->segments);
    if (to <= from) return OK;
    if (posix_memalign((void **)&a->zeros, DISK_ALIGN, to - from) != 0)
        return STATUS(OUT_OF_MEMORY);
    buf = a->zeros;
    memset(buf, 0, to - from);
    memcpy(buf, block, end - from);
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
                                         .buf = buf + (at - from),
                                         .len = part_end - at,
                                         .durable = true}};
        list[n] = &ios[n];
        n++;
        at = part_end;
    }
    status written = n ? logd_await(l, list, n) : OK;
    return ok(s) ? written : s;
}

static status adopt_losers(struct logd *l, const struct analysis *a) {
    struct shm *shm = l->d->proc.shm;
    for (size_t i = 0; i < a->places; i++) {
        const struct seen *s = &a->table[i];
        if (!s->x || s->ended) continue;
        /* By a life of this process that died before it had said that it was done. */
        if (txn_fate(shm, s->x, NULL, NULL) == FATE_RUNNING) continue;
        PROBE(axolotl_logd, loser, s->x, s->first, s->last);
        TRY(txn_adopt_loser(shm, s->x, (lsn){s->first}, (lsn){s->last}));
    }
    txn_recovered(shm, a->next);
    return OK;
}

static status begin_serving(struct logd *l, struct analysis *a, uint64_t end) {
    struct control *c = l->d->proc.shm->control;
    _Alignas(8) char block[DISK_ALIGN];
    uint64_t from = end & ~(uint64_t)(DISK_ALIGN - 1);
    if (end > from) TRY(read_bytes(l, from, end - from, block));
    TRY(clear_behind(l, a, end, block));
    read_forget(l);
    TRY(flush_init(l, end, a->last_commit, block));
    log_shared_init(l->shared, (lsn){end}, a->last_commit);
    atomic_store(&l->shared->oldest, segments_begin(&l->segments));
    TRY(adopt_losers(l, a));
    l->serving = true;
    atomic_store(&c->recovered_lsn, end);
    return OK;
}

static status recover(struct logd *l, struct analysis *a, const char **ret_words) {
    struct control *c = l->d->proc.shm->control;
    while (atomic_load(&c->redo_lsn) == 0) daemon_sleep(l->d, POLL_NS);
    uint64_t redo = atomic_load(&c->redo_lsn), undo = atomic_load(&c->undo_lsn);
    uint64_t from = undo && undo < redo ? undo : redo, end;
    a->next = atomic_load(&c->next_txid) ? atomic_load(&c->next_txid) : 1;
    a->last_commit = atomic_load(&c->last_commit);
    *ret_words = "the log does not reach back to the last checkpoint";
    if (from % 8 != 0 || from < segments_begin(&l->segments) || from > segments_end(&l->segments))
        return STATUS(DATA_CORRUPTED);
    *ret_words = "the log cannot be read";
    TRY(scan(l, from, a, &end));
    PROBE(axolotl_logd, recovered, from, end, a->records, a->used);
    *ret_words = "the log ends before the last checkpoint's redo position";
    if (end < redo) return STATUS(DATA_CORRUPTED);
    *ret_words = "the end of the log cannot be made ready";
    return begin_serving(l, a, end);
}

void recover_fini(struct logd *l) {
    struct analysis *a = l->analysis;
    if (!a) return;
    free(a->table);
    free(a->window);
    free(a->zeros);
    free(a);
    l->analysis = NULL;
}

status recover_init(struct logd *l) {
    struct analysis *a = l->analysis = calloc(1, sizeof *a);
    if (a) a->window = malloc(WINDOW_BYTES);
    return a && a->window ? OK : STATUS(OUT_OF_MEMORY);
}

void recover_run(void *arg) {
    struct logd *l = arg;
    const char *words = "recovery";
    status s = recover(l, l->analysis, &words);
    recover_fini(l);
    if (ok(s))
        daemon_ready(l->d);
    else
        logd_give_up(l, words, s);
}
