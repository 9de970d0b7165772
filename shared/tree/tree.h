/* tree.h: B+trees over the buffer pool: every table, every index.
 *
 * An entry is key → value with a stamp (who wrote it) and the LSN of the record that wrote it, from
 * which older versions are found (I8). Keys are byte strings ordered by memcmp. The root's page
 * number never changes. Inner nodes hold separators; nodes hold fence keys, and leave out the
 * prefix that the fences share.
 *
 * Traversal is by optimistic lock coupling (Leis, Scheibner, Kemper, Neumann: The ART of Practical
 * Synchronization, 2016): page versions are compared on the way down, nothing is written. Structure
 * changes are system records of their own, complete in one record, never undone with the
 * transaction.
 *
 * Functions that may suspend are called without latches. Changes of entries are part of a
 * transaction: they carry its id, are chained through its last LSN and undone by key. */
#ifndef TREE_TREE_H
#define TREE_TREE_H

#include "base/arena.h"
#include "fmt/node.h"
#include "pool/frame.h"

#define TREE_KEY_BYTES_MAX NODE_KEY_BYTES_MAX
#define TREE_ENTRY_BYTES_MAX NODE_ENTRY_BYTES_MAX /* key and value */

struct tree {
    page_id root;
    uint32_t id; /* the relation's OID, for people */
};

/* What an update or delete of a row minds besides the row's own entry. */
struct tree_guard {
    /* Asked with the leaf's latch held: does somebody else hold the row? Then ROW_BUSY. */
    bool (*blocks)(struct proc *p, struct tree_guard *g);
    uint8_t new_flags; /* ENTRY_NO_KEY, ENTRY_LOCK: of the new version. NO_KEY is left out over an
                          own version without it: a lock does not become weaker */
    bool blocked;      /* it was that */
};

/* A leaf as a writer left it: while its version is this one nobody has changed it, and it is still
 * the tree's leaf for the keys that it covers. */
struct tree_leaf {
    page_id root; /* of the tree; 0: none */
    page_id page;
    struct frame *frame;
    uint64_t version;
};
#define TREE_LEAVES 4 /* that a writer remembers: of a table and its first indexes */

/* What a change needs to know of its transaction; txn.h embeds it. */
struct tree_writer {
    txid x;                        /* 0: system */
    uint64_t changes;              /* of entries, so far */
    lsn last;                      /* the transaction's newest record; changes advance it */
    uint64_t undo_next;            /* set by tree_undo for the time of its change; else 0 */
    _Atomic uint64_t *shared_last; /* the slot's copy of `last` (txn table), stored after each
                                      change; may be NULL */
    struct tree_guard *guard;      /* set for the time of one change; else NULL */
    struct tree_leaf leaves[TREE_LEAVES]; /* where insertions into a tree went last */
};

/* An entry as found: a private copy in the caller's arena or buffer. */
struct tree_entry {
    const unsigned char *key; /* whole, with the prefix */
    const unsigned char *value;
    uint16_t key_len;
    uint16_t value_len;
    uint8_t flags; /* ENTRY_… */
    stamp stamp;
    lsn lsn;
};

/* Creates an empty tree: root allocated and formatted in one record, part of w's transaction (its
 * undo frees the tree). DISK_FULL. */
status tree_create(struct proc *p, struct tree_writer *w, uint32_t id, struct tree *ret_tree);
/* Frees every page of the tree. For purge and undo; can be interrupted and called again (OK when
 * the root is no longer this tree's). The caller knows that nobody looks into it any more. */
status tree_free(struct proc *p, struct tree t);
/* The same, only if the TREE_CREATE record that made it lies in [from, before): after a crash, a
 * repeated undo (from = its LSN, before = from + 1) or purge (0, LSN of the TREE_DROP record) may
 * find a younger tree of the same relation at the same root page. */
status tree_free_created(struct proc *p, struct tree t, lsn from, lsn before);

/* The newest version of one entry, whoever wrote it and deleted or not. Copies its value to buf (at
 * least TREE_ENTRY_BYTES_MAX); ret_entry->key is the caller's key. NOT_FOUND. */
status tree_get(struct proc *p, struct tree t, const void *key, size_t key_len, void *buf,
                struct tree_entry *ret_entry);

/* Has storaged load the leaf where the key belongs, as far as the nodes above it are in memory, for
 * a tree_get that comes later; true: something was missing. Does not suspend; only a hint. */
bool tree_ahead(struct proc *p, struct tree t, const void *key, size_t key_len);

/* A scan in key order. The cursor holds a private copy of one leaf and no latch, so it may be kept
 * across suspensions for any time; it sees each leaf as it was when it was copied. */
struct tree_cursor {
    struct tree tree;
    bool backward;
    bool at_end;              /* there is no leaf beyond the copied one */
    uint16_t position;        /* forward: of the next entry; backward: entries still to come */
    uint16_t fence_len;       /* where the next leaf begins (forward), or this one (backward) */
    uint16_t leaves;          /* moved on to since the seek, as far as it matters */
    uint16_t ahead;           /* leaves beyond the present one that storaged has been asked for */
    uint64_t copied;          /* leaves, in all */
    page_id page;             /* the leaf, as it was when it was copied */
    struct node_view view;    /* of the copy */
    unsigned char *page_copy; /* PAGE_BYTES */
    unsigned char *fence;     /* TREE_KEY_BYTES_MAX */
    unsigned char *key;       /* TREE_KEY_BYTES_MAX; of the current entry, whole */
};
/* Memory comes from the arena: about 11 KB, once; a cursor can be sought again. */
status tree_cursor_init(struct tree_cursor *c, struct arena *a, struct tree t);
/* Before the first entry with key ≥ the given one (forward), or after the last with key ≤ it
 * (backward; key_len 0: the very end). exclusive: > and <. */
status tree_cursor_seek(struct proc *p, struct tree_cursor *c, const void *key, size_t key_len,
                        bool backward, bool exclusive);
/* Forward, after a seek: before the first entry with key ≥ the given one, which is greater than the
 * ones before; without a descent where the copied leaf has its place. */
status tree_cursor_skip(struct proc *p, struct tree_cursor *c, const void *key, size_t key_len);
/* The next entry, in the cursor's memory until the following call. END. Entries with delete marks
 * and of running transactions are given too: visibility is the caller's (txn/version.h). */
status tree_cursor_next(struct proc *p, struct tree_cursor *c, struct tree_entry *ret_entry);

/* The entry that is `n` places behind the one given last, in the scan's direction, if the copied
 * leaf has it: into buf (TREE_KEY_BYTES_MAX) its key; its value lies in the cursor. */
bool tree_cursor_peek(const struct tree_cursor *c, unsigned n, unsigned char *buf,
                      struct tree_entry *ret_entry);

/* Changes. Each looks at the entry under the leaf's latch and then
 *   ROW_BUSY     its newest version is of another transaction that still runs: *ret_found tells
 *                whose
 *   EXISTS       (insert) a live entry is there, committed or the transaction's own: *ret_found
 *   ROW_CHANGED  (update, delete) the newest version is not the one with LSN `expected`, is
 *                deleted, or is gone
 *   PROGRAM_LIMIT_EXCEEDED  key or entry too long
 *   DISK_FULL, IO_ERROR, DATA_CORRUPTED, INDEX_CORRUPTED
 * is_running(p, x, &committed_time) answers for another's transaction id: true while it runs. It is
 * called with a latch held and does not suspend. ret_found may be NULL. */
struct tree_found {
    stamp stamp;
    lsn lsn;
    uint8_t flags;
    uint16_t value_len;   /* of the version replaced, when it is ENTRY_LARGE, and its bytes: */
    unsigned char *value; /* the caller's TREE_ENTRY_BYTES_MAX, or NULL; others leave it alone */
};
typedef bool (*tree_is_running)(struct proc *p, txid x, commit_time *ret_time);

/* The value written is ENTRY_LARGE (insert, update); a delete mark keeps the flag by itself. */
struct tree_value {
    const void *bytes;
    size_t len;
    bool large;
};

/* Puts a new entry, or a new version over a delete-marked one. */
status tree_insert_value(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                         size_t key_len, const struct tree_value *value, tree_is_running is_running,
                         struct tree_found *ret_found);
status tree_update_value(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                         size_t key_len, lsn expected, const struct tree_value *value,
                         tree_is_running is_running, struct tree_found *ret_found);
/* The same with a value that is not large. */
status tree_insert(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                   size_t key_len, const void *value, size_t value_len, tree_is_running is_running,
                   struct tree_found *ret_found);
/* An insert where nothing may have been since somebody looked: over the delete mark with LSN
 * `expected`, or (LSN_NONE) where there is no entry at all. EXISTS otherwise. */
status tree_insert_over(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                        size_t key_len, lsn expected, const struct tree_value *value,
                        tree_is_running is_running, struct tree_found *ret_found);
status tree_update(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                   size_t key_len, lsn expected, const void *value, size_t value_len,
                   tree_is_running is_running, struct tree_found *ret_found);
status tree_delete(struct proc *p, struct tree_writer *w, struct tree t, const void *key,
                   size_t key_len, lsn expected, tree_is_running is_running,
                   struct tree_found *ret_found);

/* Entries that come in key order, each greater than the one before, into a tree where others may
 * write too: they are queued, and where no entry lies between them they are put a page at a time,
 * by one record and without a descent for each. */
struct tree_fill {
    struct tree tree;
    struct tree_writer *writer; /* x 0: the entries are everybody's, for ever */
    tree_is_running is_running;
    bool whole; /* set after init: the tree was made by the same transaction and goes with it, so
                   that nothing of it needs to be undone by itself */
    bool fresh; /* likewise: a delete mark is in the way like any entry: EXISTS */
    uint16_t target;            /* bytes of a page */
    uint16_t singles, patience; /* entries to be put one by one, now and the next time */
    uint16_t fitting;           /* so many have room at the end of the present leaf */
    uint32_t head, used;        /* of the queue */
    unsigned char *bytes;
};
/* percent: how full a page gets. The queue (64 KB) comes from the arena. */
status tree_fill_init(struct tree_fill *f, struct arena *a, struct tree t, struct tree_writer *w,
                      tree_is_running is_running, unsigned percent);
/* Queues an entry. FULL: tree_fill_put first. PROGRAM_LIMIT_EXCEEDED. */
status tree_fill_add(struct tree_fill *f, const void *key, size_t key_len,
                     const struct tree_value *value);
/* Puts what is enough for full pages, or all. Otherwise the status of tree_insert for the first
 * entry, which stays in the queue: it can be tried again or skipped. Suspends. */
status tree_fill_put(struct proc *p, struct tree_fill *f, bool all, struct tree_found *ret_found);
/* The first entry of the queue, in its memory until the next call; false: there is none. */
bool tree_fill_first(const struct tree_fill *f, struct tree_entry *ret_entry);
void tree_fill_skip(struct tree_fill *f);

/* Undo of one ENTRY_… or TREE_FILL record of a transaction, found at `at`: writes its compensation,
 * whose next record to undo is r->txn_prev. Can be repeated: OK without a record when the entry's
 * newest version is not the one that r made. A TREE_CREATE record is undone by freeing its tree. */
status tree_undo(struct proc *p, struct tree_writer *w, const struct rec_head *r, lsn at);

/* Purge: takes the entry away if it is still delete-marked by the version with LSN `expected`;
 * merges or unlinks a leaf that became empty. OK also when there was nothing to do. */
status tree_purge(struct proc *p, struct tree t, const void *key, size_t key_len, lsn expected);

/* Undoes a record on a private copy: from the version that the record made to the one before, whose
 * value goes to buf (at least TREE_ENTRY_BYTES_MAX), which is where e->value is already or does not
 * overlap it. e->key stays. NOT_FOUND: the record was the first version. INVALID: it is not the
 * record of this version. */
status tree_version_before(const struct rec_head *r, struct tree_entry *e, void *buf);

/* Replaces stamps of committed transactions by their commit times, on a tree page under its latch
 * or on a copy of it: on the way to the file. Only of commits that are durable already: after a
 * crash no other would be one. Returns how many. */
unsigned tree_resolve_stamps(struct proc *p, void *page, tree_is_running is_running);

/* A verdict on the whole tree: order, fences, levels, links. DATA_CORRUPTED with words in report
 * (may be NULL). Counts entries (also delete-marked) and pages. Calls visit for each page. For
 * tests and axl verify. */
struct tree_report {
    uint64_t entries, pages;
    unsigned height;
    page_id where; /* the words are of this page */
    char words[256];
};
status tree_check(struct proc *p, struct tree t, void (*visit)(void *arg, page_id page), void *arg,
                  struct tree_report *report);
/* The same over pages that `read` gives (into PAGE_BYTES), wherever from. */
status tree_check_by(status (*read)(void *arg, page_id page, void *copy), void *read_arg,
                     struct tree t, void (*visit)(void *arg, page_id page), void *arg,
                     struct tree_report *report);

#endif
