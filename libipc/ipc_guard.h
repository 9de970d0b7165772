/* ipc_guard.h: packets with descriptors, between workers, supervisor and guardian (msg/guard.h). */
#ifndef IPC_GUARD_H
#define IPC_GUARD_H

#include "base/status.h"
#include "msg/guard.h"

/* Sends one packet, with a copy of descriptor fd (-1: none). Never waits: AGAIN when the channel is
 * full, IO_ERROR when nobody has its other end. */
status guard_send(int channel, const struct guard_msg *m, int fd);
/* The next packet; *ret_fd is the descriptor that came with it (close-on-exec) or -1. AGAIN: none
 * is there; END: the other end is closed; INVALID: a packet that is not ours (its descriptor is
 * closed). */
status guard_receive(int channel, struct guard_msg *ret_m, int *ret_fd);

#endif
