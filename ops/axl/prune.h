/* prune.h: axl backup --prune: which backups and which archived log are needed no longer, and
 * taking them away. */
#ifndef AXL_PRUNE_H
#define AXL_PRUNE_H

#include "axl.h"
#include "manifest.h"

struct prune_backup {
    char *at;   /* a directory, or s3://BUCKET/PREFIX */
    char *real; /* a directory's whole path; else NULL */
    struct manifest m;
    bool stays; /* whatever its age */
    bool whole; /* it and what it is an increment to are all there */
    bool keep;
    bool leads_on; /* is kept for itself, not as a base alone: the log behind it is needed */
};

struct prune_list {
    struct prune_backup *backup;
    size_t count;
};

/* prune_choose.c: says of each backup (all of one appliance) whether it is whole and to be kept, so
 * that every moment since then, or the first one there is, can be restored: those that ended since,
 * the newest whole one before them, those that stay anyway, and all that any of these is an
 * increment to. Without a whole one before, all are kept. */
void prune_choose(struct prune_list *l, time_t since);
/* Archived log before this LSN leads on from no backup that is kept for itself. 0: all of it may.
 */
uint64_t prune_log_floor(const struct prune_list *l);

/* prune_place.c: the backups of the appliance with this id in a place: a backup, or what holds some
 * (those of other appliances, and what is none, are passed over). Added to the list. */
status prune_find(struct prune_list *l, const char *place, uint64_t appliance_id, struct error *e);
/* Its manifest goes first: what is left of it then is no backup. */
status prune_remove(const struct prune_backup *b, struct error *e);
void prune_list_fini(struct prune_list *l);

/* prune_log.c: takes away the segments of this appliance in an archive (a directory, or s3://…)
 * that end at or before the LSN, oldest first; dry: counts them only. */
status prune_log(const char *archive, uint64_t appliance_id, uint64_t floor, bool dry,
                 unsigned *ret_count, struct error *e);

#endif
