/* births.h: the daemons, without their headers: each is met by one file only, their private names
 * are alike. */
#ifndef TEST_BIRTHS_H
#define TEST_BIRTHS_H

#include "ipc_daemon.h"

extern const struct daemon_ops *const birth_logd, *const birth_storaged, *const birth_txnd;
/* On the simulated disk. */
status birth_logd_format(const char *dir, uint64_t appliance, uint64_t segment_bytes);
status birth_storaged_format(const char *dir, uint64_t appliance);

#endif
