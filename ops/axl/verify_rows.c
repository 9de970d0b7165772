/* verify_rows.c: each index against its table. An entry leads to a row by that row's key, whatever
 * its own: the value of a unique index's entry, the last bytes of another's key (queryd/table). So
 * rows and entries can be compared without knowing types: the row keys of an index are the keys of
 * its table, each once; those of a partial index are among them. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tree/tree.h"
#include "verify.h"

#define LARGE_PIECE 0xff /* keys of pieces of large values begin so: they are no rows */

/* The hashes of row keys, in order. */
struct keys {
    uint64_t *hash;
    size_t count, room;
    bool doubtful; /* changes of transactions that have no end are among them */
    bool out_of_memory;
    bool spoilt; /* an entry does not lead anywhere */
};

struct collect {
    const struct offline *o;
    const struct offline_relation *index; /* NULL: a table */
    struct keys *keys;
};

/* FNV-1a, then mixed: collisions would hide, never invent, a difference. */
static uint64_t hash_of(const unsigned char *key, size_t len) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++) h = (h ^ key[i]) * 0x100000001b3u;
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    return h ^ h >> 33;
}

static bool row_key(const struct offline_relation *index, const struct tree_entry *e,
                    const unsigned char **ret_key, size_t *ret_len) {
    *ret_key = e->key;
    *ret_len = e->key_len;
    if (!index) return true;
    *ret_key = e->value;
    *ret_len = e->value_len;
    if (index->unique) return true;
    if (e->value_len != sizeof(uint16_t) || load_le16(e->value) > e->key_len) return false;
    *ret_len = load_le16(e->value);
    *ret_key = e->key + e->key_len - *ret_len;
    return true;
}

static bool collect_one(void *arg, const struct tree_entry *e) {
    struct collect *c = arg;
    struct keys *k = c->keys;
    const unsigned char *key;
    size_t len;
    if (!c->index && e->key_len > 0 && e->key[0] == LARGE_PIECE) return false;
    if (stamp_is_txid(e->stamp) && offline_is_loser(c->o, stamp_txid(e->stamp))) k->doubtful = true;
    if (e->flags & ENTRY_DELETED) return true;
    if (!row_key(c->index, e, &key, &len)) {
        k->spoilt = true;
        return true;
    }
    if (k->count == k->room) {
        size_t room = k->room ? 2 * k->room : 1024;
        uint64_t *grown = realloc(k->hash, room * sizeof *grown);
        k->out_of_memory = !grown;
        if (!grown) return false;
        k->hash = grown;
        k->room = room;
    }
    k->hash[k->count++] = hash_of(key, len);
    return true;
}

static int by_hash(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static status collect(const struct verify *v, const struct offline_relation *r,
                      const struct offline_relation *index, struct keys *k) {
    struct collect c = {.o = &v->o, .index = index, .keys = k};
    *k = (struct keys){0};
    TRY(offline_each(&v->o, (page_id){r->root}, collect_one, &c));
    if (k->count) qsort(k->hash, k->count, sizeof *k->hash, by_hash);
    return k->out_of_memory ? STATUS(OUT_OF_MEMORY) : OK;
}

/* How many of a are not in b, and (twice) how many of a are there more than once. */
static uint64_t missing(const struct keys *a, const struct keys *b, uint64_t *ret_twice) {
    uint64_t n = 0;
    *ret_twice = 0;
    for (size_t i = 0, j = 0; i < a->count; i++) {
        while (j < b->count && b->hash[j] < a->hash[i]) j++;
        n += j == b->count || b->hash[j] != a->hash[i];
        *ret_twice += i > 0 && a->hash[i] == a->hash[i - 1];
    }
    return n;
}

static void compare(struct verify *v, const struct offline_relation *table,
                    const struct offline_relation *index, const struct keys *rows,
                    const struct keys *entries) {
    uint64_t twice, unused;
    v->indexes++;
    if (rows->doubtful || entries->doubtful) {
        verify_skipped(v, "index \"%s\": transactions on \"%s\" have no end yet", index->name,
                       table->name);
        return;
    }
    uint64_t stray = missing(entries, rows, &twice), without = missing(rows, entries, &unused);
    if (entries->spoilt)
        verify_problem(v, 0, index->root, "entries that lead to no row of \"%s\"", table->name);
    if (stray)
        verify_problem(v, 0, index->root,
                       "%llu entries lead to rows that table \"%s\" does not have",
                       (unsigned long long)stray, table->name);
    if (twice)
        verify_problem(v, 0, index->root, "%llu rows of table \"%s\" have more than one entry",
                       (unsigned long long)twice, table->name);
    if (without && !index->partial)
        verify_problem(v, 0, index->root, "%llu rows of table \"%s\" have no entry",
                       (unsigned long long)without, table->name);
}

static status verify_table(struct verify *v, const struct offline_relation *table) {
    struct keys rows = {0};
    bool collected = false;
    status st = OK;
    for (size_t i = 0; i < v->names.count && ok(st); i++) {
        const struct offline_relation *index = &v->names.list[i];
        struct keys entries;
        if (index->table != table->oid || index->database != table->database || index->primary ||
            !index->valid || index->root == 0 || index->root == table->root)
            continue;
        if (!collected) st = collect(v, table, NULL, &rows);
        collected = true;
        if (ok(st)) st = collect(v, index, index, &entries);
        if (!ok(st)) break;
        compare(v, table, index, &rows, &entries);
        free(entries.hash);
    }
    free(rows.hash);
    return st;
}

status verify_indexes(struct verify *v) {
    for (size_t i = 0; i < v->names.count; i++) {
        const struct offline_relation *r = &v->names.list[i];
        if (r->root && !r->table && (r->kind == 'r' || r->kind == 'm')) TRY(verify_table(v, r));
    }
    return OK;
}
