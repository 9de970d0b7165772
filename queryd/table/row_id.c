/* Hidden row ids: 1, 2, 3 … in the order of the rows' coming, so that they fit into a tid.
 *
 * The next id of a tree stands in a word of shared memory. Trees are many and words are few: who
 * finds another tree's word looks for his tree's last row and makes the word his. Nothing depends
 * on what stands there, as the tree refuses an id that is there already. */
#include "base/bytes.h"
#include "base/control.h"
#include "table/internal.h"
#include "table/large.h"

#define ID_BITS 48
#define ID_MASK (((uint64_t)1 << ID_BITS) - 1)

/* The id of the last row, deleted or not, whoever wrote it; 0: there is none. */
static status last_id(struct sql_env *env, const struct relation *r, uint64_t *ret) {
    struct arena_mark outer = arena_mark(env->eval.arena);
    struct tree_cursor c;
    struct tree_entry e;
    *ret = 0;
    status s = tree_cursor_init(&c, env->eval.arena, r->tree);
    if (ok(s)) s = tree_cursor_seek(env->proc, &c, (uint8_t[]){LARGE_KEY_FIRST}, 1, true, true);
    if (ok(s)) s = tree_cursor_next(env->proc, &c, &e);
    if (ok(s) && e.key_len != sizeof *ret) s = STATUS(DATA_CORRUPTED);
    if (ok(s)) *ret = load_be64(e.key);
    arena_rewind(env->eval.arena, outer);
    return status_is(s, ST_END) ? OK : s;
}

/* again: an id that was drawn is there already. */
static status draw(struct sql_env *env, const struct relation *r, bool again, uint64_t *ret) {
    uint64_t hash = txn_row_hash(r->tree, "", 0), tag = (hash >> ID_BITS | 1) << ID_BITS, last;
    _Atomic uint64_t *word = &env->proc->shm->control->row_ids[hash % ROW_ID_WORDS];
    uint64_t now = atomic_load_explicit(word, memory_order_relaxed);
    for (;;) {
        bool own = (now & ~ID_MASK) == tag && !again;
        if (own)
            last = (now & ID_MASK) - 1;
        else
            TRY(last_id(env, r, &last));
        if (last + 2 > ID_MASK) return STATUS(PROGRAM_LIMIT_EXCEEDED);
        if (atomic_compare_exchange_strong(word, &now, tag | (last + 2))) break;
    }
    *ret = last + 1;
    return OK;
}

status table_draw_row_id(struct sql_env *env, const struct relation *r, bool again,
                         struct buf *key) {
    char bytes[8];
    uint64_t id;
    TRY(draw(env, r, again, &id));
    store_be64(bytes, id);
    key->len = 0;
    return buf_add(key, bytes, sizeof bytes);
}
