/* ipc_priority.h: who comes first when processors are short.
 *
 * Guardian and supervisor compute next to nothing, and everybody waits for them when somebody has
 * died: they raise their priority as far as they may. The processes that they start go back to the
 * priority with which the first of them was started. */
#ifndef IPC_PRIORITY_H
#define IPC_PRIORITY_H

/* Of this process, before it has threads. Where the system forbids it nothing happens. */
void priority_raise(void);
void priority_restore(void);

#endif
