/* Asking for the leaf of a key before it is looked into. */
#include "msg/msg.h"
#include "tree/tree_internal.h"

static void ask_for(struct proc *p, page_id page) {
    struct msg m = {.op = MSG_PAGE_PREFETCH, .arg = {page.no}};
    p->env->post(p, SLOT_STORAGED, &m);
}

/* The child where the key belongs; 0: none, or somebody is changing the node. */
static uint64_t child_of(struct proc *p, struct frame *f, page_id page, const void *key,
                         size_t key_len, unsigned *ret_level) {
    uint64_t version, child = 0;
    struct node_view v;
    *ret_level = 0;
    if (!page_read_begin(p, f, page, &version)) return 0;
    if (node_view(frame_bytes(p->shm, f), &v) && v.level) {
        *ret_level = v.level;
        child = node_child(&v, key, key_len, false, NULL);
    }
    return page_read_valid(p, f, version) ? child : 0;
}

bool tree_ahead(struct proc *p, struct tree t, const void *key, size_t key_len) {
    page_id page = t.root;
    for (unsigned level = NODE_LEVELS_MAX; level > 0;) {
        struct frame *f = pool_peek(p->shm, page);
        if (!f) {
            ask_for(p, page);
            return true;
        }
        if (level == 1) return false;
        unsigned at = 0;
        page.no = child_of(p, f, page, key, key_len, &at);
        if (!page.no || at >= level) return false;
        level = at;
    }
    return false;
}
