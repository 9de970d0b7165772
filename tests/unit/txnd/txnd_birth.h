/* txnd_birth.h: the other daemons, without their headers. */
#ifndef TEST_TXND_BIRTH_H
#define TEST_TXND_BIRTH_H

#include "ipc_daemon.h"

extern const struct daemon_ops *const birth_logd, *const birth_storaged;
status birth_logd_format(const char *dir, uint64_t appliance); /* on the simulated disk */
status birth_storaged_format(const char *dir, uint64_t appliance);

#endif
