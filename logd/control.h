/* control.h: logd's questions over the control channel (libipc/ipc_control.h). */
#ifndef LOGD_CONTROL_H
#define LOGD_CONTROL_H

#include "ipc_control.h"

bool logd_control(struct daemon *d, const char *op, const json_t *request, json_t *reply);

#endif
