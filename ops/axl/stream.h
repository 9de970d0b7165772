/* stream.h: a backup as one stream (backup/backup.h), sent while its files grow, and a directory
 * from one. */
#ifndef AXL_STREAM_H
#define AXL_STREAM_H

#include <stdint.h>

#include "base/error.h"

enum stream_file { STREAM_PAGES, STREAM_LOG, STREAM_FILES };

struct stream;
struct s3_sink; /* s3_backup.h */

/* Called about every second while the reader of the stream takes nothing; an error ends it. */
typedef status (*stream_idle)(void *arg);

status stream_new(int fd, uint64_t appliance_id, struct stream **ret, struct error *e);
/* To objects instead of a descriptor; sink is the caller's. */
void stream_to_objects(struct stream *s, struct s3_sink *sink);
void stream_free(struct stream *s); /* NULL is allowed */
/* The files of the spool, once both are there. */
status stream_open_files(struct stream *s, const char *dir, struct error *e);
/* A file has so many bytes that are whole chunks. */
void stream_grown(struct stream *s, enum stream_file file, uint64_t bytes);
/* Bytes of it that are sent; their space is given back. */
uint64_t stream_taken(const struct stream *s, enum stream_file file);
/* All that the files have. */
status stream_send(struct stream *s, stream_idle idle, void *arg, struct error *e);
/* First and last. */
status stream_send_settings(struct stream *s, const char *dir, stream_idle idle, void *arg,
                            struct error *e);
status stream_send_manifest(struct stream *s, const char *text, stream_idle idle, void *arg,
                            struct error *e);

/* A backup in the empty directory `dir` from the stream that fd gives; its manifest is made when
 * everything has come and fits. */
status stream_receive(int fd, const char *dir, struct error *e);

#endif
