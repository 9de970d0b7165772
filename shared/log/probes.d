/* Probes of the log in memory. All arguments are 64-bit numbers; trace is the statement's. */
provider axolotl_log {
    probe insert(lsn, type, bytes, txid, trace);
    probe commit_insert(lsn, txid, commit_time, trace);
    probe wait_durable_begin(lsn, trace);
    probe wait_durable_done(lsn, status_code, trace);
    probe room_wait_begin(lsn_wanted, trace);
    probe room_wait_done(lsn_wanted, status_code, trace);
    probe read_begin(lsn, trace);              /* not in the ring: asks logd */
    probe read_done(lsn, status_code, trace);
    probe repair(slot, start, verdict);        /* 0 nothing, 1 not reserved, 2 filler, 3 commit */
};
