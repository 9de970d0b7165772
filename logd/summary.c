#include "summary.h"

#include <stdlib.h>
#include <string.h>

#define PLACES_MIN 256

static size_t hash(uint64_t key, size_t places) {
    return (key * 0x9e3779b97f4a7c15u) >> 20 & (places - 1);
}

void summary_free(struct summary *s) {
    free(s->txns);
    free(s->pages);
    *s = (struct summary){0};
}

/* ---- pages ----------------------------------------------------------------------------------- */

static struct log_page *page_place(struct log_page *pages, size_t places, uint64_t page) {
    size_t i = hash(page, places);
    while (pages[i].page && pages[i].page != page) i = (i + 1) & (places - 1);
    return &pages[i];
}

static status pages_grow(struct summary *s) {
    size_t places = s->page_places ? 2 * s->page_places : PLACES_MIN;
    struct log_page *pages = calloc(places, sizeof *pages);
    if (!pages) return STATUS(OUT_OF_MEMORY);
    for (size_t i = 0; i < s->page_places; i++)
        if (s->pages[i].page) *page_place(pages, places, s->pages[i].page) = s->pages[i];
    free(s->pages);
    s->pages = pages;
    s->page_places = places;
    return OK;
}

status summary_add_page(struct summary *s, uint64_t page, uint64_t newest) {
    if (2 * s->page_count >= s->page_places) TRY(pages_grow(s));
    struct log_page *p = page_place(s->pages, s->page_places, page);
    if (!p->page) s->page_count++;
    p->page = page;
    if (newest > p->newest) p->newest = newest;
    return OK;
}

/* ---- transactions ---------------------------------------------------------------------------- */

static struct summary_txn *txn_place(struct summary_txn *txns, size_t places, txid x) {
    size_t i = hash(x, places);
    while (txns[i].x && txns[i].x != x) i = (i + 1) & (places - 1);
    return &txns[i];
}

static status txns_grow(struct summary *s) {
    size_t places = s->txn_places ? 2 * s->txn_places : PLACES_MIN;
    struct summary_txn *txns = calloc(places, sizeof *txns);
    if (!txns) return STATUS(OUT_OF_MEMORY);
    for (size_t i = 0; i < s->txn_places; i++)
        if (s->txns[i].x) *txn_place(txns, places, s->txns[i].x) = s->txns[i];
    free(s->txns);
    s->txns = txns;
    s->txn_places = places;
    return OK;
}

status summary_add_txn(struct summary *s, const struct summary_txn *t) {
    if (2 * s->txn_count >= s->txn_places) TRY(txns_grow(s));
    struct summary_txn *place = txn_place(s->txns, s->txn_places, t->x);
    if (!place->x) {
        *place = *t;
        s->txn_count++;
        return OK;
    }
    if (t->first < place->first) place->first = t->first;
    if (t->last > place->last) place->last = t->last;
    place->flags |= t->flags;
    return OK;
}

/* ---- records --------------------------------------------------------------------------------- */

static void note_checkpoint(struct summary *s, const struct rec_head *r) {
    struct rec_checkpoint c;
    memcpy(&c, rec_payload_c(r), sizeof c);
    if (c.next_txid > s->next) s->next = c.next_txid;
    if (c.last_commit > s->last_commit) s->last_commit = c.last_commit;
}

static void note_commit(struct summary *s, const struct rec_head *r) {
    struct rec_commit c;
    memcpy(&c, rec_payload_c(r), sizeof c);
    if (c.time > s->last_commit) s->last_commit = c.time;
}

/* A compensation's txn_prev says where undo goes on, so it says nothing of the beginning. */
static status note_txn(struct summary *s, const struct rec_head *r, uint64_t at) {
    struct summary_txn t = {.x = r->txid, .first = at, .last = at};
    if (r->txn_prev == 0 && !(r->flags & REC_COMPENSATION)) t.flags |= SUMMARY_BEGAN;
    if (r->type == REC_COMMIT || r->type == REC_ROLLED_BACK) t.flags |= SUMMARY_ENDED;
    if (r->txid >= s->next) s->next = r->txid + 1;
    return summary_add_txn(s, &t);
}

status summary_note(struct summary *s, const struct rec_head *r, uint64_t at) {
    if (r->type == REC_COMMIT) note_commit(s, r);
    if (r->type == REC_CHECKPOINT) note_checkpoint(s, r);
    for (unsigned i = 0; i < r->npages; i++)
        if (rec_pages_c(r)[i].page) TRY(summary_add_page(s, rec_pages_c(r)[i].page, at));
    if (r->txid) TRY(note_txn(s, r, at));
    if (at < s->from) s->from = at;
    if (at + r->len > s->to) s->to = at + r->len;
    s->records++;
    return OK;
}

status summary_merge(struct summary *s, const struct summary *more) {
    for (size_t i = 0; i < more->page_places; i++)
        if (more->pages[i].page)
            TRY(summary_add_page(s, more->pages[i].page, more->pages[i].newest));
    for (size_t i = 0; i < more->txn_places; i++)
        if (more->txns[i].x && !summary_txn_is_over(&more->txns[i]))
            TRY(summary_add_txn(s, &more->txns[i]));
    if (more->next > s->next) s->next = more->next;
    if (more->last_commit > s->last_commit) s->last_commit = more->last_commit;
    if (more->from < s->from) s->from = more->from;
    if (more->to > s->to) s->to = more->to;
    s->records += more->records;
    return OK;
}
