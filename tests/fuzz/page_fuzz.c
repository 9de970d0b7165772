/* Any bytes as a page: the verdict on it, everything that reads a node, and the changes of one.
 * What the verdict calls a good node must be found in order, and stay one when it is changed. */
#include "fmt/node.h"
#include "input.h"

static void look_up(const struct node_view *v, const void *key, size_t len) {
    bool found;
    unsigned at = node_search(v, key, len, &found), index;
    MUST(at == NODE_BROKEN || at <= v->count);
    node_child(v, key, len, false, &index);
    node_child(v, key, len, true, NULL);
    node_covers(v, key, len);
}

/* Each entry of a good node is where its key is looked for. */
static void look_at_entries(const struct node_view *v, bool good) {
    unsigned char *key = malloc(NODE_KEY_BYTES_MAX);
    MUST(key);
    for (unsigned i = 0; i <= v->count; i++) {
        struct node_entry e;
        bool found;
        node_child_at(v, i);
        if (i == v->count || !node_entry_at(v, i, &e)) {
            MUST(i == v->count || !good);
            continue;
        }
        size_t len = node_key(v, &e, key);
        MUST(len <= NODE_KEY_BYTES_MAX);
        MUST(!good || (node_search(v, key, len, &found) == i && found && node_covers(v, key, len)));
    }
    free(key);
}

static status change(unsigned char *page, unsigned how, const void *key, size_t len) {
    struct node_value nv = {key, (uint16_t)len, (uint8_t)how, 7, 8};
    switch (how % 5) {
    case 0: return node_leaf_insert(page, key, len, &nv);
    case 1: return node_leaf_replace(page, how / 5, &nv);
    case 2: return node_inner_insert(page, key, len, 9);
    case 3: return node_remove(page, how / 5);
    default: return node_set_child(page, how / 5, 9);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    struct node_view v;
    size_t len;
    unsigned how = input8(&in);
    unsigned char *key = input_take(&in, input8(&in) * (how & 1 ? 1 : 6), &len);
    unsigned char *page = input_page(&in), before[PAGE_BYTES];
    memcpy(before, page, PAGE_BYTES);
    status_ignore(page_verify(page, (page_id){page_head(page)->page})); /* a verdict */
    bool good = ok(node_valid(page));
    if (node_view(page, &v)) {
        look_up(&v, key, len);
        look_at_entries(&v, good);
    } else {
        MUST(!good);
    }
    MUST(memcmp(before, page, PAGE_BYTES) == 0);
    status s = change(page, how, key, len);
    if (good && ok(s)) MUST(ok(node_valid(page)));
    if (good && status_is(s, ST_INVALID)) MUST(memcmp(before, page, PAGE_BYTES) == 0);
    free(page);
    free(key);
    return 0;
}
