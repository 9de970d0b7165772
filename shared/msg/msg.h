/* msg.h: the requests that processes send one another over rings. Every operation lists what arg[]
 * holds on the way there and back; all are repeatable, because a request whose daemon died is sent
 * again. Append only. */
#ifndef MSG_MSG_H
#define MSG_MSG_H

enum msg_op {
    MSG_NONE = 0,

    /* storaged */
    MSG_PAGE_LOAD =
        1, /* in: page. out: frame. The page is in a frame, or: DATA_CORRUPTED, IO_ERROR */
    MSG_PAGE_RESERVE =
        2, /* in: count. Fills the asker's pool_reserve up to count pages. DISK_FULL */
    MSG_PAGE_PREFETCH = 3, /* in: page. No completion */
    MSG_CHECKPOINT = 4,    /* out: redo LSN, once complete */
    MSG_TEMP_WRITE = 5,    /* in: window, bytes of content. out: handle of a new block that has it
                              (temp/temp.h). DISK_FULL, IO_ERROR */
    MSG_TEMP_READ = 6,     /* in: window, handle. out: bytes of content, in the window. NOT_FOUND,
                              DATA_CORRUPTED, IO_ERROR */
    MSG_TEMP_FREE = 7,     /* in: window, count. The handles are the window's content */

    /* logd */
    MSG_LOG_FLUSH = 16, /* in: LSN. Completes when durable ≥ LSN */
    MSG_LOG_READ = 17,  /* in: LSN of a record; 1: with what lies before it. out: bytes, LSN of the
                           first. Whole records, which begin (1: end) with that one, lie in the
                           asker's log_window. STALE, IO_ERROR */
    MSG_LOG_SPACE = 18, /* in: LSN. Completes when the ring has overwritable room up to LSN */
    MSG_LOG_PAGES = 19, /* in: LSN, place (0: from the beginning). out: count, next place (0: the
                           end), logd's epoch, CRC-32C. What the log that recovery found changes
                           from the LSN on: so many struct log_page lie in the asker's log_window.
                           Places of another epoch are others. STALE, IO_ERROR */

    /* txnd */
    MSG_TXN_WAIT = 32, /* in: own slot reference, the other's slot reference, row hash (0: none),
                          timeout ms (0: none) | the other's count of releases << 32.
                          Completes when the other has ended, or given something back since it
                          counted so;
                          DEADLOCK_DETECTED, QUERY_CANCELED, LOCK_NOT_AVAILABLE. With MSG_FLAG_SOFT
                          the other does not hold what is waited for but queues for it; AGAIN: a
                          circle is only broken if the asker goes before it */
    MSG_TXN_WAIT_CANCEL = 33, /* in: own slot reference. The wait completes with QUERY_CANCELED */
    MSG_TXN_ENDED = 34,  /* in: slot reference of a transaction that had waiters. No completion */
    MSG_TXN_ORPHAN = 37, /* no arguments: there is something to undo. No completion */
    MSG_TXN_HELP = 35,   /* no arguments: the commit map is full: completes once its base has moved,
                           or SNAPSHOT_TOO_OLD */
    MSG_TXN_RELEASED = 36, /* in: slot reference of a transaction that had waiters and has given
                              something back. No completion */
};

#endif
