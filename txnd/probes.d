/* Probes of txnd. References name one life of a transaction slot (shared/txn/txn.h: txn_ref). */
provider axolotl_txnd {
    /* a transaction begins to wait: who, for whom, hash of the row (0: a relation) */
    probe waits(uint64_t self, uint64_t target, uint64_t row);
    /* a wait ends: enum status_code */
    probe granted(uint64_t self, uint64_t target, uint64_t row, int code);
    /* a wait was refused because it would have closed a circle */
    probe deadlock(uint64_t self, uint64_t target, uint64_t row);
    /* undo of an orphan: enum status_code */
    probe undo_begin(uint64_t ref);
    probe undo_done(uint64_t ref, int code);
    /* purge frees a dropped tree: page number of its root */
    probe free_tree(uint64_t root);
};
