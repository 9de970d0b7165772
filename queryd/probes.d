/* Probes of queryd. The first argument of a statement's probes is its trace id, which goes with every
 * request that it makes of other processes. */
provider axolotl_queryd {
    /* a client is taken: session slot, descriptor */
    probe connect(uint32_t session, int fd);
    /* a session whose worker died or handed it over is taken up: session slot, enum status_code */
    probe take_up(uint32_t session, int code);
    /* a statement (simple: the whole text; extended: Execute, text empty) begins and ends: enum status_code */
    probe statement_begin(uint64_t trace, const char *text);
    probe statement_done(uint64_t trace, int code);
    /* the commit of a transaction: from the record's insertion to its durability */
    probe commit_begin(uint64_t trace);
    probe commit_done(uint64_t trace, int code);
};
