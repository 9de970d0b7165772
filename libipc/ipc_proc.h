/* ipc_proc.h: the process table: names, lives, and whether a life still goes on. */
#ifndef IPC_PROC_H
#define IPC_PROC_H

#include <sys/types.h>

#include "base/error.h"
#include "base/proc.h"

/* "storaged", "queryd.0"; into ret_name of PROC_NAME_BYTES. */
void proc_slot_name(uint16_t slot, char *ret_name);
/* PROC_SLOTS: no such name. */
uint16_t proc_slot_of(const char *name);
const char *proc_state_name(uint32_t state); /* "ready"; "?" for a strange one */

/* Gives the slot its next epoch (never 0 in its low 16 bits) and makes its state STARTING. By the
 * supervisor alone. Returns the epoch. */
uint32_t proc_prepare(struct shm *shm, uint16_t slot);
/* How the process of an entry ended, as waitpid gives it. */
void proc_note_exit(struct proc_entry *entry, int how);
/* If `pid` is a child that has ended: notes how in its entry (NULL: it has none) and lets the
 * kernel forget it. May be repeated by whoever inherits the child. False: it is not, or lives. */
bool proc_reap(struct proc_entry *entry, pid_t pid, int *ret_how);
/* The owner that a life of a slot puts into latches. */
struct owner proc_owner(uint16_t slot, uint32_t epoch);

/* When the process began, in clock ticks since boot (/proc/PID/stat); 0: there is none, or it is a
 * zombie. Together with the pid it names one process for ever. */
uint64_t proc_birth(pid_t pid);
/* Who reaps it when it ends, or has to reap it; 0: there is no such process, zombies included. */
pid_t proc_parent(pid_t pid);

/* CLOCK_MONOTONIC, the same in every process; CLOCK_REALTIME, since 1970. */
uint64_t clock_mono_ns(void);
uint64_t clock_wall_ns(void);

/* Appliance file: DIR/appliance, which holds the appliance's id in 16 hexadecimal digits. With
 * words: NOT_FOUND, INVALID (it holds something else), IO_ERROR. */
#define APPLIANCE_FILE_NAME "appliance"
status appliance_id_read(const char *dir, uint64_t *ret_id, struct error *e);
status appliance_id_write(const char *dir, uint64_t id, struct error *e);

#endif
