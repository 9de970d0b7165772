/* Probes of transactions, in the worker that runs them. References name one life of a transaction
 * slot (txn.h: txn_ref). */
provider axolotl_txn {
    /* asks txnd to wait: who, for whom, hash of the row (0: a relation) */
    probe wait_begin(uint64_t self, uint64_t target, uint64_t row, uint64_t trace);
    probe wait_done(uint64_t self, uint64_t target, uint16_t status_code, uint64_t trace);
};
