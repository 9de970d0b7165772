/* disk_sim_state.h: the simulated machine inside: what disk_sim.c keeps and disk_sim_io.c, which is
 * the disks on it, reads and changes. For one thread. */
#ifndef DISK_SIM_STATE_H
#define DISK_SIM_STATE_H

#include "disk/disk_kind.h"
#include "disk/disk_sim.h"

#define SECTOR ((uint64_t)512)
#define NAMES_MAX 256
#define NAME_BYTES 64

/* A sector's two states are the same; they may differ; they may, and no flush makes them the same
 * any more, since one has failed. */
enum sim_sector { SECTOR_STABLE, SECTOR_DIRTY, SECTOR_FORGOTTEN };

/* One file's content. */
struct sim_content {
    unsigned references; /* directory states and open files */
    uint64_t bytes;
    uint64_t stable_bytes;
    uint64_t room;
    unsigned char *now;
    unsigned char *stable;
    unsigned char *dirty; /* enum sim_sector, a byte a sector */
};

struct sim_name {
    char name[NAME_BYTES];
    struct sim_content *content;
};

/* The directory as it was at one moment; a list of them since the last sync. */
struct sim_directory {
    struct sim_directory *later;
    unsigned count;
    struct sim_name names[NAMES_MAX];
};

struct disk_sim {
    uint64_t random;
    uint64_t capacity;
    uint64_t used;
    uint64_t requests;
    uint64_t fail_at; /* number of the request; 0: none */
    status fail_with;
    bool fail_sticky;
    uint64_t counts[DISK_SIM_CLASSES];
    struct {
        enum disk_sim_class class;
        uint64_t at; /* its count; 0: none */
        status with;
        bool part;
    } fail_one;
    struct disk_sim_lies lies;
    uint64_t lies_told;
    uint64_t power; /* counts power cuts: a disk of another number is dead */
    struct sim_directory *stable_directory;
    struct sim_directory *directory; /* the newest */
    struct sim_disk *disks;
};

struct sim_disk {
    struct disk disk;
    struct disk_sim *machine;
    uint64_t power;
    int event;
    struct disk_list under_way;
    unsigned under_way_count;
    struct sim_disk *next;
};

struct sim_file {
    struct disk_file file;
    struct sim_content *content;
};

extern struct disk_sim *sim_current; /* whose disks are opened; NULL: none */
extern const struct disk_kind disk_kind_sim;

/* The next number of a sequence that its seed alone decides; a test has no other answer to having
 * no memory than to end. */
uint64_t sim_random(uint64_t *state);
void *sim_must(void *p);
/* A reference less; without any it is freed. */
void sim_content_put(struct sim_content *c);
/* At least so many bytes, zeroes behind what was there. DISK_FULL. */
status sim_content_grow(struct disk_sim *s, struct sim_content *c, uint64_t bytes);
/* All of it survives a power cut, but for what was forgotten. */
void sim_content_flush(struct sim_content *c);
/* One state of the directory: refers to the contents of its names until it is freed. */
struct sim_directory *sim_directory_copy(const struct sim_directory *d);
void sim_directory_free(struct sim_directory *d);
/* A new newest state of the directory, to be changed by the caller. */
struct sim_directory *sim_directory_change(struct disk_sim *s);
/* `keep` becomes the stable state; older ones go, younger ones stay. */
void sim_directory_settle(struct disk_sim *s, struct sim_directory *keep);
struct sim_name *sim_find_name(struct sim_directory *d, const char *name); /* NULL: none */
void sim_remove_name(struct sim_directory *d, const char *name);
/* Part of a write under way: each sector as it was or as it will be. */
void sim_write_part(struct disk_sim *s, struct disk_io *io);
/* Counts one more of the class; true: it is the one that fails. */
bool sim_fails_now(struct disk_sim *s, enum disk_sim_class class);

#endif
