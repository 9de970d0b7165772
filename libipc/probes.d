/* Probes of libipc, in every process. Times are microseconds. */
provider axolotl_ipc {
    /* A request is sent to the daemon in slot `to`; `op` as in shared/msg/msg.h. */
    probe call_begin(uint16_t to, uint16_t op, uint64_t trace);
    /* Its completion has come, `us` after call_begin. */
    probe call_done(uint16_t to, uint16_t op, uint64_t trace, uint64_t us);
    /* A sleeper's doorbell is rung (a sleeper only: a busy process is not rung for). */
    probe doorbell(uint16_t slot);
    /* A process takes requests from now on. */
    probe ready(uint16_t slot, uint32_t epoch);
};
