/* ipc_control.h: the control plane: one question and one answer in JSON, over nng.
 *
 * Every process answers at ipc://DIR/run/NAME.ctl. A request is an object with "op"; an answer is
 * an object with "ok" (boolean) and, when it is false, "error". Data never travels here (DESIGN 2).
 * Nothing waits without a deadline, and no nng function is called on the way out of a process. */
#ifndef IPC_CONTROL_H
#define IPC_CONTROL_H

#include <jansson.h>

#include "ipc_daemon.h"

/* Fills `reply`; what it sets stays, "ok": true is added when it sets none. True: it knew the op.
 */
typedef bool (*control_fn)(struct daemon *d, const char *op, const json_t *request, json_t *reply);

/* Answers at DIR/run/NAME.ctl from d's loop. ping, stop and config are known to everybody; fn (may
 * be NULL) is asked first. At most one a process. IO_ERROR. */
status control_serve(struct daemon *d, const char *name, control_fn fn, struct error *e);

/* All settings as an array of objects: name, value, source, allowed, restart, text. */
struct conf;
json_t *control_config(const struct conf *c);

/* Asks and waits at most deadline_ms. DEAD: nobody answers; the other errors are the answer's own
 * ("error"). *ret_reply (may be NULL) is the caller's to json_decref. Consumes `request`. */
status control_ask(const char *dir, const char *name, json_t *request, unsigned deadline_ms,
                   json_t **ret_reply, struct error *e);

#endif
