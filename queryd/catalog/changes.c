#include "catalog/changes.h"

#include "catalog/internal.h"

#define LEAST_CHANGES 50
#define PART_CHANGED 0.1

/* A table that finds no place is not counted: a worker that changes so many at once forgets some.
 */
static struct table_changes *place_of(struct catalog *c, oid table) {
    for (unsigned i = 0; i < CHANGED_PLACES; i++) {
        struct table_changes *t = &c->changes[(table * 2654435761u + i) % CHANGED_TABLES];
        if (t->table == table || t->table == 0) return t;
    }
    return NULL;
}

void catalog_note_change(struct catalog *c, const struct relation *r) {
    if (!c || r->is_catalog || r->kind != 'r' || r->persistence == 't') return;
    struct table_changes *t = c->changed_last;
    if (!t || t->table != r->oid) t = place_of(c, r->oid);
    if (!t) return;
    c->changed_last = t;
    t->table = r->oid;
    double rows = r->reltuples > 0 ? r->reltuples : 0;
    if (++t->n <= LEAST_CHANGES + rows * PART_CHANGED || t->waits) return;
    t->waits = true;
    c->waiting_tables++;
}

bool catalog_wants_analyze(const struct catalog *c) {
    return c->waiting_tables > 0;
}

static void forget(struct catalog *c, struct table_changes *t) {
    if (t->waits) c->waiting_tables--;
    t->n = 0;
    t->waits = false;
}

oid catalog_take_analyze(struct catalog *c) {
    for (unsigned i = 0; i < CHANGED_TABLES && c->waiting_tables; i++) {
        if (!c->changes[i].waits) continue;
        forget(c, &c->changes[i]);
        return c->changes[i].table;
    }
    return 0;
}

void catalog_forget_changes(struct catalog *c, oid table) {
    struct table_changes *t = place_of(c, table);
    if (t && t->table == table) forget(c, t);
}
