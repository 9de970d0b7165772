#include "ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define SMALL_VALUE_BYTES_MAX 200
#define LARGE_ONE_IN 16

static void *room_for(void *array, uint32_t n, uint32_t *room, size_t bytes) {
    if (n < *room) return array;
    *room = *room ? *room * 2 : 256;
    array = realloc(array, *room * bytes);
    CHECK(array);
    return array;
}

void ledger_init(struct ledger *l) {
    *l = (struct ledger){.nchanges = 1, .ntxns = 1};
    l->changes = room_for(NULL, 0, &l->changes_room, sizeof *l->changes);
    l->changes[0] = (struct change){0}; /* "none" */
}

void ledger_free(struct ledger *l) {
    free(l->changes);
    free(l->txns);
}

uint32_t ledger_begin(struct ledger *l) {
    l->txns = room_for(l->txns, l->ntxns, &l->txns_room, sizeof *l->txns);
    l->txns[l->ntxns] = (struct ledger_txn){.fate = FATE_UNDER_WAY, .life = l->life};
    return l->ntxns++;
}

uint32_t ledger_change(struct ledger *l, uint32_t txn, enum change_kind kind, unsigned table,
                       unsigned key) {
    l->changes = room_for(l->changes, l->nchanges, &l->changes_room, sizeof *l->changes);
    l->changes[l->nchanges] = (struct change){
        .transaction = txn, .kind = (uint8_t)kind, .table = (uint8_t)table, .key = (uint16_t)key};
    return l->nchanges++;
}

void ledger_made(struct ledger *l, uint32_t change) {
    l->changes[change].done_at = ++l->events;
}

void ledger_undo(struct ledger *l, uint32_t txn, uint32_t from) {
    for (uint32_t i = from; i < l->nchanges; i++)
        if (l->changes[i].transaction == txn) l->changes[i].done_at = 0;
}

void ledger_commit_begins(struct ledger *l, uint32_t txn) {
    l->txns[txn].fate = FATE_ASKED;
    l->txns[txn].asked_at = ++l->events;
}

void ledger_commit_ends(struct ledger *l, uint32_t txn, bool durable) {
    l->txns[txn].fate = durable ? FATE_DURABLE : FATE_TOLD;
    l->txns[txn].told_at = ++l->events;
}

void ledger_rolled_back(struct ledger *l, uint32_t txn) {
    l->txns[txn].fate = FATE_GONE;
}

static uint64_t newest_of(const struct ledger *l, uint32_t life) {
    uint64_t newest = 0;
    for (uint32_t i = 1; i < l->ntxns; i++) {
        const struct ledger_txn *t = &l->txns[i];
        if (t->life == life && t->found && t->asked_at > newest) newest = t->asked_at;
    }
    return newest;
}

void ledger_cut(struct ledger *l) {
    l->life++;
}

/* Each life's log is cut off somewhere: who is there implies all of that life whose commit had
 * ended when its began. Lives follow one another in the numbers, too. */
static bool is_in_order(const struct ledger *l, char *words, size_t room) {
    uint64_t newest = 0;
    for (uint32_t i = l->ntxns - 1, life = UINT32_MAX; i > 0; i--) {
        const struct ledger_txn *t = &l->txns[i];
        if (t->life != life) newest = newest_of(l, life = t->life);
        if (t->fate != FATE_TOLD || t->found || t->told_at > newest) continue;
        snprintf(words, room, "transaction %u is lost, and one that began to commit later is not",
                 i);
        return false;
    }
    return true;
}

bool ledger_judge(struct ledger *l, char *words, size_t room) {
    for (uint32_t i = 1; i < l->ntxns; i++) {
        const struct ledger_txn *t = &l->txns[i];
        bool must = t->fate == FATE_DURABLE;
        bool may = must || t->fate == FATE_ASKED || t->fate == FATE_TOLD;
        if (t->found ? may : !must) continue;
        snprintf(words, room, "transaction %u %s", i,
                 must ? "was acknowledged and is lost" : "was never committed and is there");
        return false;
    }
    if (!is_in_order(l, words, room)) return false;
    for (uint32_t i = 1; i < l->ntxns; i++)
        l->txns[i].fate = l->txns[i].found ? FATE_DURABLE : FATE_GONE;
    return true;
}

static bool counts(const struct ledger *l, const struct change *c) {
    enum fate fate = l->txns[c->transaction].fate;
    return c->done_at && (fate == FATE_DURABLE || fate == FATE_TOLD);
}

/* The newest CREATE or DROP of each table. */
static void settle_tables(struct ledger *l, uint64_t ret_since[LEDGER_TABLES]) {
    memset(l->exists, 0, sizeof l->exists);
    memset(ret_since, 0, LEDGER_TABLES * sizeof *ret_since);
    for (uint32_t i = 1; i < l->nchanges; i++) {
        const struct change *c = &l->changes[i];
        if (c->kind < CHANGE_CREATE || !counts(l, c) || c->done_at < ret_since[c->table]) continue;
        l->exists[c->table] = c->kind == CHANGE_CREATE;
        ret_since[c->table] = c->done_at;
    }
}

void ledger_settle(struct ledger *l) {
    uint64_t since[LEDGER_TABLES];
    settle_tables(l, since);
    memset(l->present, 0, sizeof l->present);
    for (uint32_t i = 1; i < l->nchanges; i++) {
        const struct change *c = &l->changes[i];
        uint32_t *last = &l->present[c->table][c->key];
        if (c->kind >= CHANGE_CREATE || !counts(l, c) || c->done_at < since[c->table]) continue;
        if (!*last || l->changes[*last].done_at < c->done_at) *last = i;
    }
    for (unsigned t = 0; t < LEDGER_TABLES; t++)
        for (unsigned k = 0; k < LEDGER_KEYS; k++)
            if (l->changes[l->present[t][k]].kind == CHANGE_DELETE) l->present[t][k] = 0;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void fill(unsigned char *to, size_t n, uint64_t state) {
    for (size_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        to[i] = (unsigned char)(state >> 56);
    }
}

size_t ledger_key(unsigned key, unsigned char ret_bytes[LEDGER_KEY_BYTES_MAX]) {
    size_t more = key * 2654435761u % (LEDGER_KEY_BYTES_MAX - 3);
    ret_bytes[0] = (unsigned char)(key >> 8);
    ret_bytes[1] = (unsigned char)key;
    fill(ret_bytes + 2, more, key);
    return 2 + more;
}

size_t ledger_value(uint32_t change, unsigned char ret_bytes[LEDGER_VALUE_BYTES_MAX]) {
    uint64_t hash = change * 0x9e3779b97f4a7c15u;
    size_t most = hash >> 60 == 0 ? LEDGER_VALUE_BYTES_MAX - 4 : SMALL_VALUE_BYTES_MAX;
    size_t more = (hash >> 20) % most;
    memcpy(ret_bytes, &change, 4);
    fill(ret_bytes + 4, more, hash);
    return 4 + more;
}
