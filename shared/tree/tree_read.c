#include <string.h>

#include "tree/tree_internal.h"

/* Looks for the key on a leaf whose read has begun; what it finds counts once the read is valid. */
static status leaf_get(const void *page, const void *key, size_t key_len, void *buf,
                       struct tree_entry *ret_entry) {
    struct node_view v;
    struct node_entry e;
    bool found;
    if (!node_view(page, &v)) return STATUS(INDEX_CORRUPTED);
    unsigned i = node_search(&v, key, key_len, &found);
    if (i == NODE_BROKEN) return STATUS(INDEX_CORRUPTED);
    if (!found) return STATUS(NOT_FOUND);
    if (!node_entry_at(&v, i, &e)) return STATUS(INDEX_CORRUPTED);
    memcpy(buf, e.value, e.value_len);
    *ret_entry = (struct tree_entry){.key = key,
                                     .value = buf,
                                     .key_len = (uint16_t)key_len,
                                     .value_len = e.value_len,
                                     .flags = e.flags,
                                     .stamp = e.stamp,
                                     .lsn = {e.lsn}};
    return OK;
}

static inline status get_once(struct proc *p, struct tree t, const void *key, size_t key_len,
                              void *buf, struct tree_entry *ret_entry) {
    struct tree_place place;
    struct tree_entry e;
    TRY(tree_descend(p, t, 0, key, key_len, false, &place));
    status s = leaf_get(frame_bytes(p->shm, place.frame), key, key_len, buf, &e);
    if (!page_read_valid(p, place.frame, place.version)) return STATUS(AGAIN);
    if (ok(s)) *ret_entry = e;
    return s;
}

status tree_get(struct proc *p, struct tree t, const void *key, size_t key_len, void *buf,
                struct tree_entry *ret_entry) {
    struct tree_tries tries = {0};
    status s;
    do s = get_once(p, t, key, key_len, buf, ret_entry);
    while (tree_again(p, &tries, s));
    return s;
}

status tree_version_before(const struct rec_head *r, struct tree_entry *e, void *buf) {
    struct rec_entry_view view;
    TRY(rec_entry_parse(r, &view));
    const struct rec_entry *c = view.e;
    if (c->key_len != e->key_len || memcmp(view.key, e->key, e->key_len) != 0)
        return STATUS(INVALID);
    if (r->type == REC_ENTRY_INSERT) return STATUS(NOT_FOUND);
    if (r->type != REC_ENTRY_UPDATE && r->type != REC_ENTRY_DELETE) return STATUS(INVALID);
    size_t len = (size_t)c->prefix + c->old_middle + c->suffix;
    if ((size_t)c->prefix + c->new_middle + c->suffix != e->value_len || len > NODE_ENTRY_BYTES_MAX)
        return STATUS(INVALID);
    unsigned char *to = buf;
    const unsigned char *suffix = e->value + e->value_len - c->suffix;
    memmove(to + c->prefix + c->old_middle, suffix, c->suffix);
    memmove(to, e->value, c->prefix);
    memcpy(to + c->prefix, view.old_middle, c->old_middle);
    e->value = buf;
    e->value_len = (uint16_t)len;
    e->flags = c->old_flags;
    e->stamp = c->old_stamp;
    e->lsn = (lsn){c->old_lsn};
    return OK;
}

unsigned tree_resolve_stamps(struct proc *p, void *page, tree_is_running is_running) {
    struct node_view v;
    unsigned resolved = 0;
    if (!node_view(page, &v) || v.level) return 0;
    commit_time visible = atomic_load_explicit(&p->shm->log->visible, memory_order_acquire);
    for (unsigned i = 0; i < v.count; i++) {
        struct node_entry e;
        commit_time time = 0;
        if (!node_entry_at(&v, i, &e) || !stamp_is_txid(e.stamp)) continue;
        if (is_running(p, stamp_txid(e.stamp), &time) || time > visible) continue;
        memcpy((char *)page + e.at, &time, sizeof time);
        resolved++;
    }
    return resolved;
}
