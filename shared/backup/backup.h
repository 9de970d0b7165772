/* backup.h: the files of a backup, byte by byte.
 *
 * A backup is a directory:
 *     backup.json     what it is, made last: a directory without it is no backup
 *     axolotl.conf    the settings
 *     pages           images of pages, by storaged
 *     log             the log from where recovery of these pages begins, by logd
 * and an archive of the log is a directory of files like `log`, one for each segment:
 *     <number, 16 hexadecimal digits>.log
 *
 * and in the appliance's directory
 *     backups         where its newest backup lies (struct backup_record)
 *
 * `pages` and logs are rows of chunks. A chunk is a head, zstd's frame of its raw bytes, and zeros
 * up to a multiple of BACKUP_ALIGN; the last one of a file is END, whose `at` and `count` must fit
 * what came before it: what was cut off shows.
 *
 *     raw of PAGES    count page numbers of 8 bytes, ascending, then count sealed pages
 *     raw of INDEX    count struct backup_place: the chunks of PAGES, in their order. These chunks
 *                     stand before the END of `pages`, which fills the file's last BACKUP_ALIGN
 *     raw of END      of `pages`: where the first chunk of INDEX is, 8 bytes; else empty
 *     raw of LOG      log from `at` on, as it is in the segments
 *
 * A stream is the same in one row of chunks: SETTINGS, those of `pages` and of `log` mixed (an END
 * with an `at` is the log's), and MANIFEST, whose `count` and `at` are the number of chunks before
 * it and the CRC-32C of all their bytes. Nothing follows it.
 *
 *     raw of SETTINGS, MANIFEST    the file's text
 *
 * Backups of encrypted data are encrypted: the chunks of PAGES and LOG have behind their head, in
 * place of zstd's frame, a tail (crypt/crypt.h; position: `at`) and, sealed, the head once more
 * (its crc 0) and the frame. The manifest has the wrapped keys. */
#ifndef BACKUP_BACKUP_H
#define BACKUP_BACKUP_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "fmt/types.h"

#define BACKUP_MAGIC 0x50554b4341424c41u /* "ALBACKUP" */
#define BACKUP_FORMAT 2
#define BACKUP_ALIGN 4096
#define BACKUP_PAGES_MAX 16 /* of one chunk */
#define BACKUP_RAW_MAX (BACKUP_PAGES_MAX * (PAGE_BYTES + 8))

#define BACKUP_MANIFEST "backup.json"
#define BACKUP_PAGES_FILE "pages"
#define BACKUP_LOG_FILE "log"

enum backup_kind {
    BACKUP_PAGES = 1,
    BACKUP_LOG = 2,
    BACKUP_END = 3,
    BACKUP_SETTINGS = 4,
    BACKUP_MANIFEST_TEXT = 5,
    BACKUP_INDEX = 6
};

struct backup_head {
    uint64_t magic;
    uint32_t format;
    uint32_t crc; /* CRC-32C of the head with this field 0, and of the packed bytes */
    uint32_t kind;
    uint32_t count;        /* PAGES, INDEX: of what it holds; END, MANIFEST: chunks before it */
    uint64_t at;           /* LOG: LSN of the first byte; END of a log: the LSN behind its last;
                              MANIFEST: CRC-32C */
    uint64_t appliance_id; /* whose it is */
    uint32_t raw_bytes;
    uint32_t packed_bytes;
    uint32_t sealed; /* 1: what follows is encrypted */
    uint32_t unused[3];
};
_Static_assert(sizeof(struct backup_head) == 64, "format");

struct backup_place {
    uint64_t page;   /* the first one of a chunk of PAGES */
    uint64_t offset; /* of the chunk, in the file */
};
#define BACKUP_PLACES_MAX (BACKUP_RAW_MAX / sizeof(struct backup_place)) /* of one chunk */

/* Keys that seal this process's chunks of PAGES and LOG and open those that it reads; NULL: none,
 * from now on. They stay the caller's. */
struct crypt;
void backup_use_keys(struct crypt *keys);

/* Bytes that hold any chunk; a multiple of BACKUP_ALIGN. */
size_t backup_chunk_room(void);
/* Makes a chunk of kind, count, at, appliance_id and raw_bytes of *what, and that many raw bytes;
 * chunk has backup_chunk_room(). *ret_bytes: a multiple of BACKUP_ALIGN. OUT_OF_MEMORY. */
status backup_pack(const struct backup_head *what, const void *raw, void *chunk, size_t *ret_bytes);
/* Of a chunk's first bytes (BACKUP_ALIGN): its head, and how long it is. DATA_CORRUPTED. */
status backup_look(const void *chunk, struct backup_head *ret_head, size_t *ret_bytes);
/* The raw bytes of a whole chunk; raw has BACKUP_RAW_MAX. DATA_CORRUPTED;
 * OBJECT_NOT_IN_PREREQUISITE_STATE: it is whole, and encrypted, and there are no keys. */
status backup_unpack(const void *chunk, struct backup_head *ret_head, void *raw);

/* Reading a file of chunks from its beginning, by plain reads that block: for restoring. */
struct backup_reader;
/* NOT_FOUND, OUT_OF_MEMORY. */
status backup_open(const char *path, struct backup_reader **ret);
/* The next chunk; its raw bytes are good until the following call. END behind the last one, which
 * was read and fits. DATA_CORRUPTED: a chunk is spoilt, or the file is not whole. IO_ERROR. */
status backup_next(struct backup_reader *r, struct backup_head *ret_head, const void **ret_raw);
void backup_close(struct backup_reader *r); /* NULL is allowed */

/* Reading a stream (descriptor fd, not closed), likewise. */
struct backup_stream;
/* OUT_OF_MEMORY. */
status backup_stream_open(int fd, struct backup_stream **ret);
/* The next chunk as it came (good until the following call), and its raw bytes. MANIFEST is given
 * only when it fits all that came before it and nothing follows; END behind it. DATA_CORRUPTED,
 * also when the stream ends before. IO_ERROR. */
struct backup_piece {
    struct backup_head head;
    const void *chunk, *raw; /* raw is NULL when it is encrypted and there are no keys */
    size_t bytes;            /* of the chunk */
};
status backup_stream_next(struct backup_stream *s, struct backup_piece *ret);
void backup_stream_close(struct backup_stream *s); /* NULL is allowed */

/* Reads n bytes. DATA_CORRUPTED: there are fewer. IO_ERROR. */
status backup_read_whole(int fd, void *to, size_t n);

/* The index of a file of pages, in memory. */
struct backup_index {
    struct backup_place *place; /* pages and offsets ascend */
    size_t count, capacity;
    uint64_t begin; /* where the chunks of INDEX begin: the end of those of PAGES */
};
/* OUT_OF_MEMORY. */
status backup_index_put(struct backup_index *x, struct backup_place place);
/* Of a chunk of INDEX, unpacked: its places behind those that there are. DATA_CORRUPTED: they do
 * not follow, or do not lie before `begin`. OUT_OF_MEMORY. */
status backup_index_take(struct backup_index *x, const struct backup_head *h, const void *raw);
/* Of a file of pages, by plain reads that block. NOT_FOUND, DATA_CORRUPTED, IO_ERROR. */
status backup_index_load(struct backup_index *x, const char *path);
/* The chunk that has the page, if any has. NOT_FOUND. */
status backup_index_find(const struct backup_index *x, uint64_t page, uint64_t *ret_offset,
                         uint64_t *ret_bytes);
/* Of the END chunk of a file of pages that has so many bytes: begin. DATA_CORRUPTED. */
status backup_index_begin(struct backup_index *x, const struct backup_head *h, const void *raw,
                          uint64_t file_bytes);
void backup_index_fini(struct backup_index *x);
/* A page of a chunk of PAGES, unpacked: where it lies in raw. NULL: it is not in there. */
const void *backup_page(const struct backup_head *h, const void *raw, uint64_t page);

/* File "backups" of a data directory, text: a backup and those that it is an increment to, the
 * full one first. storaged takes pages from there that it cannot make again otherwise. */
#define BACKUP_RECORD "backups"
/* The same under another name: pages have still to be restored from there. It becomes the record
 * when all have been. */
#define BACKUP_RESTORING "restoring"
#define BACKUP_CHAIN_MAX 64
struct backup_record {
    unsigned count;
    char *dir[BACKUP_CHAIN_MAX];
    uint64_t appliance_id; /* whose backups they are */
    /* Restoring: chunks of PAGES before this one are in the data file, the newest backup's (file 0)
     * first. */
    uint32_t file;
    uint64_t chunk;
    uint64_t rate; /* in the background: pages a second; 0: as many as there can be */
};
/* name: BACKUP_RECORD or BACKUP_RESTORING. NOT_FOUND: there is none. DATA_CORRUPTED. Given back by
 * backup_record_fini. */
status backup_record_read(const char *data_dir, const char *name, struct backup_record *ret);
/* Durable when it returns. */
status backup_record_write(const char *data_dir, const char *name, const struct backup_record *r);
status backup_record_restored(const char *data_dir); /* gives it the other name; likewise */
void backup_record_fini(struct backup_record *r);

#endif
