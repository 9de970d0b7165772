/* Probes of logd. All arguments are 64-bit numbers. */
provider axolotl_logd {
    probe flush_begin(lsn_from, lsn_to, waiters);
    probe flush_done(lsn_durable, us, waiters);
    probe broken(lsn_written, status_code);         /* a write failed: nothing more is written */
    probe segment_ready(number);
    probe segment_free(number, recycled);           /* nobody needs it any more */
    probe prepare_failed(number, status_code);
    probe read(lsn, bytes, status_code, trace);     /* answer to MSG_LOG_READ */
    probe chunk_read(lsn_from, lsn_to);             /* from the files */
    probe recovered(lsn_from, lsn_end, records, transactions);
    probe loser(txid, lsn_first, lsn_last);
    probe summary(number, pages, status_code);      /* of a full segment, written to its file */
    probe restarted(lsn_durable);
    probe give_up(status_code);
};
