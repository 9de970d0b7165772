#include "catalog/changes.h"

#include "catalog/internal.h"

#define LEAST_CHANGES 50
#define PART_CHANGED 0.1
#define REST_NS 60000000000u /* PostgreSQL's autovacuum_naptime */
#define REST_PER_RUN 100     /* an analysis is to take a hundredth of the time at most */

/* A table that finds no place is not counted: a worker that changes so many at once forgets some.
 */
static struct table_changes *place_of(struct catalog *c, oid table) {
    for (unsigned i = 0; i < CHANGED_PLACES; i++) {
        struct table_changes *t = &c->changes[(table * 2654435761u + i) % CHANGED_TABLES];
        if (t->table == table || t->table == 0) return t;
    }
    return NULL;
}

static void note_author(struct table_changes *t, txid by) {
    if (t->by != by) {
        t->by = by;
        t->by_n = 0;
    }
    t->by_n++;
}

void catalog_note_change(struct catalog *c, const struct relation *r, txid by) {
    if (!c || r->is_catalog || r->kind != 'r' || r->persistence == 't') return;
    struct table_changes *t = c->changed_last;
    if (!t || t->table != r->oid) t = place_of(c, r->oid);
    if (!t) return;
    c->changed_last = t;
    t->table = r->oid;
    note_author(t, by);
    double rows = r->reltuples > 0 ? r->reltuples : 0;
    if (++t->n <= LEAST_CHANGES + rows * PART_CHANGED || t->waits) return;
    t->waits = true;
    t->next_waiting = c->waiting;
    c->waiting = t;
}

/* Nobody sees yet what a transaction that is under way has put into it: looking at it now would be
 * in vain, and due again at once. */
static bool is_ripe(const struct catalog *c, const struct table_changes *t) {
    return t->by_n <= t->n / 2 || !txn_is_running(c->proc, t->by, NULL);
}

static struct table_changes *first_due(const struct catalog *c) {
    struct table_changes *first = NULL;
    for (struct table_changes *t = c->waiting; t; t = t->next_waiting)
        if ((!first || t->rests_until_ns < first->rests_until_ns) && is_ripe(c, t)) first = t;
    return first;
}

uint64_t catalog_analyze_due_ns(const struct catalog *c) {
    const struct table_changes *t = first_due(c);
    return t ? t->rests_until_ns : UINT64_MAX;
}

static void forget(struct catalog *c, struct table_changes *t) {
    struct table_changes **at = &c->waiting;
    while (t->waits && *at != t) at = &(*at)->next_waiting;
    if (t->waits) *at = t->next_waiting;
    t->n = t->by_n = 0;
    t->waits = false;
}

oid catalog_take_analyze(struct catalog *c, uint64_t now_ns) {
    struct table_changes *t = first_due(c);
    if (!t || t->rests_until_ns > now_ns) return 0;
    forget(c, t);
    return t->table;
}

void catalog_rest_from_analyze(struct catalog *c, oid table, uint64_t now_ns, uint64_t took_ns) {
    struct table_changes *t = place_of(c, table);
    uint64_t rest_ns = took_ns * REST_PER_RUN;
    if (!t || t->table != table) return;
    t->rests_until_ns = now_ns + (rest_ns > REST_NS ? rest_ns : REST_NS);
}

void catalog_forget_changes(struct catalog *c, oid table) {
    struct table_changes *t = place_of(c, table);
    if (t && t->table == table) forget(c, t);
}
