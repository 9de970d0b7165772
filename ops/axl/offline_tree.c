/* offline_tree.c: the entries of a tree of an appliance that does not run. */
#include <string.h>

#include "offline.h"
#include "tree/tree.h"

struct walk {
    const struct offline *o;
    bool (*fn)(void *arg, const struct tree_entry *e);
    void *arg;
    bool ended;
};

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
    if (!ok(offline_page(w->o, page, bytes, words)) || !node_view(bytes, &v)) return;
    if (level >= 0 && v.level != level) return; /* so it ends, whatever the pages hold */
    if (v.level >= NODE_LEVELS_MAX) return;
    for (unsigned i = 0; v.level == 0 && i < v.count && !w->ended; i++) give_entry(w, &v, i);
    for (unsigned i = 0; v.level > 0 && i <= v.count && !w->ended; i++) {
        uint64_t child = node_child_at(&v, i);
        if (child) walk_page(w, (page_id){child}, v.level - 1);
    }
}

void offline_each(const struct offline *o, page_id root,
                  bool (*fn)(void *arg, const struct tree_entry *e), void *arg) {
    struct walk w = {.o = o, .fn = fn, .arg = arg};
    walk_page(&w, root, -1);
}
