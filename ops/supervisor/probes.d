/* Probes of the supervisor. */
provider axolotl_supervisor {
    probe process_started(uint16_t slot, uint32_t epoch, int pid);
    /* `how` as waitpid(2) gave it. */
    probe process_died(uint16_t slot, uint32_t epoch, int how);
    /* frames: pages it held latched; txns: its open transactions. */
    probe repaired(uint16_t slot, uint32_t epoch, uint32_t frames, uint32_t txns, uint64_t us);
    /* Every line of the supervisor's log file. kind as in base/event.def; us: of the repair, or
     * from death to READY. */
    probe event(uint16_t kind, uint16_t slot, uint32_t epoch, int how, uint64_t us, const char *text);
    /* A process silent for `ms` is killed. */
    probe hang(uint16_t slot, uint64_t ms);
    /* Died too often: not started again by itself. */
    probe given_up(uint16_t slot, uint32_t deaths);
    /* a session without a worker is given to one: session slot, process slot */
    probe session_given(uint32_t session, uint16_t worker);
};
