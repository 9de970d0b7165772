/* ipc_region.h: the named regions of shared memory: made by the supervisor, mapped by everybody.
 *
 * A region is a file of a memory file system, /dev/shm/axolotl.<appliance id>.<region>, with a head
 * (magic, layout version, bytes, appliance) before its content. A process that finds another layout
 * version, or other sizes than its own program computes, refuses to map it. */
#ifndef IPC_REGION_H
#define IPC_REGION_H

#include "base/error.h"
#include "base/proc.h"
#include "conf/conf.h"

#define REGION_LAYOUT_VERSION 24
#define REGION_NAME_BYTES 32

/* The head of a region's file; the content begins at `offset`. */
#define REGION_MAGIC 0x4e4f494745524c58u /* "XLREGION" */
struct region_head {
    uint64_t magic;
    uint32_t version;
    uint32_t offset;
    uint64_t bytes; /* of the content */
    char name[REGION_NAME_BYTES];
    char region[16];
};

/* Creates all regions for the sizes (replacing what a dead appliance left) and initialises their
 * content as that of an appliance that has just begun; maps them into *ret_shm. name NULL: private
 * to this process and its threads (tests). DISK_FULL, IO_ERROR; words in *e. */
status region_create_all(const char *name, const struct shm_sizes *sizes, struct shm *ret_shm,
                         struct error *e);
/* Maps existing regions. NOT_FOUND; INVALID for another layout version. */
status region_attach_all(const char *name, struct shm *ret_shm, struct error *e);
/* Also closes the doorbells that this process made. */
void region_detach_all(struct shm *shm);
/* Removes the names; those who have them mapped keep them. */
void region_remove_all(const char *name);
/* "axolotl.<16 hex digits>" for a data directory's appliance. */
void region_name_of(uint64_t appliance_id, char ret_name[REGION_NAME_BYTES]);

/* Memory for these bytes of the pool's pages, in huge pages where that is wished and possible, and
 * then *ret_huge. False: there is not so much, or, where they must be, not in huge pages (errno).
 */
bool region_get_memory(enum huge_pages wish, void *at, size_t bytes, bool *ret_huge);

/* The sizes that the settings ask for. */
void region_sizes(const struct conf *c, struct shm_sizes *ret_sizes);
/* Bytes of shared memory that these sizes reserve (the session region, which is sparse, left out).
 */
uint64_t region_bytes(const struct shm_sizes *sizes);
/* Verdict on foreign sizes. */
bool region_sizes_valid(const struct shm_sizes *s);

#endif
