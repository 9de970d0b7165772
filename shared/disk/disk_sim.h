/* disk_sim.h: the simulated disk: a machine's disk in memory, with power cuts and errors.
 *
 * Kind "sim" of disk_open works on the machine made last. Data and directory entries are kept
 * twice, as a running system sees them and as they would be after a power cut; in between they
 * differ sector by sector (512 bytes). dirfd is ignored: a machine has one directory. The same seed
 * and the same requests give the same run. */
#ifndef DISK_DISK_SIM_H
#define DISK_DISK_SIM_H

#include "disk/disk.h"

struct disk_sim;

/* capacity_bytes: of all files together, beyond it DISK_FULL; 0: no limit. */
struct disk_sim *disk_sim_new(uint64_t seed, uint64_t capacity_bytes);
/* After every disk opened on it is closed. */
void disk_sim_free(struct disk_sim *s);

/* Power cut: every sector written since it was last known stable is kept or lost by the seed, also
 * those of requests under way; directory changes since the last sync_dir survive up to some point.
 * Open disks and their files are dead afterwards: close them, and open again. */
void disk_sim_crash(struct disk_sim *s, uint64_t seed);

/* The nth request from now (1: the next) completes with this status and without effect or, for a
 * write, with part of it; `sticky`: all later ones fail too. 0: no more errors. */
void disk_sim_fail(struct disk_sim *s, uint64_t nth, enum status_code code, bool sticky);
/* What a disk is asked for; CALLS are what waits: names, lengths, the directory's flush. */
enum disk_sim_class { DISK_SIM_REQUESTS, DISK_SIM_WRITES, DISK_SIM_FLUSHES, DISK_SIM_CALLS };
#define DISK_SIM_CLASSES 4
/* The nth of a class from now on (0: none) fails without effect, and only that; `part`: a write has
 * written some sectors. A flush that fails has forgotten what it was to make stable: the next one
 * does not. */
void disk_sim_fail_one(struct disk_sim *s, enum disk_sim_class class, uint64_t nth,
                       enum status_code code, bool part);
uint64_t disk_sim_count(const struct disk_sim *s,
                        enum disk_sim_class class); /* since it was made */
void disk_sim_set_capacity(struct disk_sim *s, uint64_t capacity_bytes);
/* Flips one bit of a file, in both states. */
void disk_sim_flip(struct disk_sim *s, const char *name, uint64_t byte, unsigned bit);
/* What the device does to one file without telling: each unit (a page, say) of a write is treated
 * so once in so many times, by the seed; 0: never. Units below `first` are left alone. */
struct disk_sim_lies {
    char file[32];
    uint32_t unit; /* bytes */
    uint32_t first;
    uint32_t lost;        /* it is not written */
    uint32_t misdirected; /* it is written over another unit */
    uint32_t flipped;     /* one bit of it is another */
    uint32_t torn;        /* a write that falls short: only its first sectors are written */
    uint32_t misread;     /* of a read: one bit is another, this time */
    uint32_t delayed;     /* of any request: it takes long */
};
void disk_sim_lie(struct disk_sim *s, const struct disk_sim_lies *lies); /* NULL: no more */
uint64_t disk_sim_lies_told(const struct disk_sim *s);                   /* delays apart */

/* Copies out of a file, as it is now, and into it, in both states. */
void disk_sim_get(const struct disk_sim *s, const char *name, uint64_t byte, void *buf, size_t n);
void disk_sim_put(struct disk_sim *s, const char *name, uint64_t byte, const void *buf, size_t n);
uint64_t disk_sim_requests(const struct disk_sim *s); /* completed since it was made */

#endif
