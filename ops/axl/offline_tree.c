/* offline_tree.c: the entries of a tree of an appliance that does not run. */
#include <stdlib.h>
#include <string.h>

#include "offline.h"
#include "tree/tree.h"

struct walk {
    const struct offline *o;
    bool (*fn)(void *arg, const struct tree_entry *e);
    void *arg;
    bool ended, out_of_memory;
    uint64_t *seen; /* pages, a hash table of `places`, a power of two; 0: an empty place */
    size_t places, nseen;
};

#define PLACES_MIN 64

static uint64_t *place_of(uint64_t *seen, size_t places, uint64_t page) {
    size_t i = page * 0x9e3779b97f4a7c15u >> 32 & (places - 1);
    while (seen[i] && seen[i] != page) i = (i + 1) & (places - 1);
    return &seen[i];
}

static bool grow(struct walk *w) {
    size_t places = w->places ? 2 * w->places : PLACES_MIN;
    uint64_t *seen = calloc(places, sizeof *seen);
    if (!seen) return false;
    for (size_t i = 0; i < w->places; i++)
        if (w->seen[i]) *place_of(seen, places, w->seen[i]) = w->seen[i];
    free(w->seen);
    w->seen = seen;
    w->places = places;
    return true;
}

/* A sound tree leads to a page once. In a damaged one the ways to a page may be so many that they
 * have no end that anybody would see. */
static bool is_first_visit(struct walk *w, page_id page) {
    if (2 * w->nseen >= w->places && !grow(w)) {
        w->ended = w->out_of_memory = true;
        return false;
    }
    uint64_t *place = place_of(w->seen, w->places, page.no);
    if (page.no == 0 || *place) return false;
    *place = page.no;
    w->nseen++;
    return true;
}

static void give_entry(struct walk *w, const struct node_view *v, unsigned i) {
    unsigned char key[NODE_KEY_BYTES_MAX];
    struct node_entry e;
    if (!node_entry_at(v, i, &e)) return;
    struct tree_entry entry = {.key = key,
                               .key_len = (uint16_t)node_key(v, &e, key),
                               .value = e.value,
                               .value_len = e.value_len,
                               .flags = e.flags,
                               .stamp = e.stamp,
                               .lsn = {e.lsn}};
    w->ended = !w->fn(w->arg, &entry);
}

static void walk_page(struct walk *w, page_id page, int level) {
    _Alignas(8) unsigned char bytes[PAGE_BYTES];
    char words[OFFLINE_WORDS_BYTES];
    struct node_view v;
    if (!is_first_visit(w, page)) return;
    if (!ok(offline_page(w->o, page, bytes, words)) || !node_view(bytes, &v)) return;
    if (level >= 0 && v.level != level) return;
    if (v.level >= NODE_LEVELS_MAX) return;
    for (unsigned i = 0; v.level == 0 && i < v.count && !w->ended; i++) give_entry(w, &v, i);
    for (unsigned i = 0; v.level > 0 && i <= v.count && !w->ended; i++) {
        uint64_t child = node_child_at(&v, i);
        if (child) walk_page(w, (page_id){child}, v.level - 1);
    }
}

status offline_each(const struct offline *o, page_id root,
                    bool (*fn)(void *arg, const struct tree_entry *e), void *arg) {
    struct walk w = {.o = o, .fn = fn, .arg = arg};
    walk_page(&w, root, -1);
    free(w.seen);
    return w.out_of_memory ? STATUS(OUT_OF_MEMORY) : OK;
}
