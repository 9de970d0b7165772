/* leftovers.h: processes that outlived their supervisor. */
#ifndef SUPERVISOR_LEFTOVERS_H
#define SUPERVISOR_LEFTOVERS_H

#include "base/error.h"
#include "base/proc.h"

/* The process that an entry names is still the one that was started. */
bool leftover_alive(const struct proc_entry *entry);
/* How many of the table's processes are alive. */
unsigned leftovers_count(const struct shm *shm);
/* SIGKILL for one; returns when it is gone, or after ten seconds. */
void leftover_end(const struct proc_entry *entry);
/* A lock on DIR/run/NAME.lock that goes with the process which holds it, whose pid it says; kept
 * open for life. OBJECT_IN_USE: another one has it; IO_ERROR. */
status leftover_lock(const char *dir, const char *name, int *ret_fd);
/* SIGKILL for who holds such a lock. False: nobody does. */
bool leftover_end_holder(const char *dir, const char *name);
/* SIGKILL for all of them, those that start others first; returns when the system says that they
 * are gone. IO_ERROR: one is not after ten seconds. */
status leftovers_end(struct shm *shm, struct error *e);

#endif
