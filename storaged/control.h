/* control.h: storaged's questions over the control channel (libipc/ipc_control.h). */
#ifndef STORAGED_CONTROL_H
#define STORAGED_CONTROL_H

#include "ipc_control.h"

bool storaged_control(struct daemon *d, const char *op, const json_t *request, json_t *reply);

#endif
