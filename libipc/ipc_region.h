/* ipc_region.h: the named regions of shared memory: made by the supervisor, mapped by everybody.
 *
 * A region is a file of a memory file system, /dev/shm/axolotl.<appliance id>.<region>, with a head
 * (magic, layout version, bytes, appliance id) before its content. A process that finds another
 * layout version refuses to map it. */
#ifndef IPC_REGION_H
#define IPC_REGION_H

#include "base/error.h"
#include "base/proc.h"

#define REGION_LAYOUT_VERSION 1

/* Creates all regions for the sizes (replacing what a dead appliance left) and initialises their
 * content as that of an appliance that has just begun; maps them into *ret_shm. name NULL: private
 * to this process and its threads (tests). DISK_FULL, IO_ERROR; words in *e. */
status region_create_all(const char *name, const struct shm_sizes *sizes, struct shm *ret_shm,
                         struct error *e);
/* Maps existing regions. NOT_FOUND; INVALID for another layout version. */
status region_attach_all(const char *name, struct shm *ret_shm, struct error *e);
void region_detach_all(struct shm *shm);
/* Removes the names; those who have them mapped keep them. */
void region_remove_all(const char *name);
/* "axolotl.<16 hex digits>" for a data directory's appliance. */
void region_name_of(uint64_t appliance_id, char ret_name[32]);

#endif
