/* s3_backup.h: a backup as objects: its stream (backup/backup.h) in parts "part.00000001" …, and
 * "backup.json", made last: a prefix without it holds no backup. */
#ifndef AXL_S3_BACKUP_H
#define AXL_S3_BACKUP_H

#include "s3.h"

#define S3_MANIFEST "backup.json"
#define S3_PART "part."

/* Takes the bytes of a stream. */
struct s3_sink;
/* OBJECT_IN_USE: there is a backup already. */
status s3_sink_open(const char *url, struct s3_sink **ret, struct error *e);
void s3_sink_close(struct s3_sink *s); /* NULL is allowed */
void s3_sink_idle(struct s3_sink *s, status (*idle)(void *arg), void *arg);
status s3_sink_put(struct s3_sink *s, const void *bytes, size_t n, struct error *e);
status s3_sink_finish(struct s3_sink *s, const char *manifest, struct error *e);

/* The manifest's text, to be freed. NOT_FOUND: no backup is there. */
status s3_manifest(const char *url, char **ret_text, struct error *e);
/* backup.c: of a directory or an endpoint. Likewise. */
struct manifest;
status backup_manifest(const char *of, struct manifest *ret, struct error *e);
/* Gives the stream of the backup there to fn, by a descriptor. */
typedef status (*s3_reader)(void *arg, int fd, struct error *e);
status s3_read(const char *url, s3_reader fn, void *arg, struct error *e);
/* A backup's directory (empty so far) from there. */
status s3_receive(const char *url, const char *dir, struct error *e);

/* archive.c: of the segments of an archive, into dir: the newest ones back to the first that begins
 * at or before the LSN. */
status s3_fetch_archive(const char *url, uint64_t at, const char *dir, struct error *e);

#endif
