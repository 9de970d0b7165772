/* temp.h: temporary space: what a statement keeps beyond its memory, in blocks of a file of
 * storaged's.
 *
 * The worker fills a window, a block's place in shared memory, and asks storaged to write it; what
 * is read comes back the same way. A block is named by a handle that is never given twice, and
 * belongs to one life of one process: it is given back by temp_free, and by storaged itself when
 * that life is over. When storaged dies the blocks remain: who owns them stands in shared memory.
 *
 * A block in the file, TEMP_BLOCK_BYTES at its number times that:
 *
 *     offset bytes
 *     0      4     crc       CRC-32C of what follows, up to the end of the content
 *     4      4     bytes     of content
 *     8      8     handle
 *     16     16    unused
 *     32     32    tail      of the content's encryption (crypt/crypt.h); zero: it is plain
 *     64           content
 *
 * Rules
 * 1. A window is its worker's, but for the time of a request, when it is storaged's.
 * 2. struct temp_block and struct temp_request are written by storaged alone; `windows` by the
 *    worker of that slot alone. */
#ifndef TEMP_TEMP_H
#define TEMP_TEMP_H

#include <stddef.h>

#include "base/proc.h"

#define TEMP_BLOCK_BYTES 65536u
#define TEMP_HEAD_BYTES 64u
#define TEMP_CONTENT_BYTES (TEMP_BLOCK_BYTES - TEMP_HEAD_BYTES)
#define TEMP_BLOCKS_MAX ((uint32_t)1 << 22) /* 256 GB */
#define TEMP_WINDOWS 16                     /* of each process */
#define TEMP_FREE_MAX (TEMP_CONTENT_BYTES / sizeof(uint64_t))

struct temp_head {
    uint32_t crc;
    uint32_t bytes;
    uint64_t handle;
    uint64_t unused[2];
    unsigned char tail[32];
};
_Static_assert(sizeof(struct temp_head) == TEMP_HEAD_BYTES, "format");

struct temp_block {
    _Atomic uint64_t owner;  /* slot << 32 | epoch; 0: free */
    _Atomic uint64_t serial; /* of the handle */
};

/* The last new block that was given for a window: a request that is sent again gets the same. */
struct temp_request {
    _Atomic uint64_t tag, epoch, handle;
};

/* Which windows are in use, in that life of the process. */
struct temp_windows {
    _Atomic uint32_t epoch, used;
};

struct temp_shared {
    struct temp_windows windows[PROC_SLOTS];
    struct temp_request requests[PROC_SLOTS][TEMP_WINDOWS];
    struct temp_block blocks[TEMP_BLOCKS_MAX];
    char space[PROC_SLOTS][TEMP_WINDOWS][TEMP_BLOCK_BYTES];
};

/* A handle is a serial number and a block's. */
static inline uint64_t temp_handle(uint64_t serial, uint32_t block) {
    return serial << 22 | block;
}
static inline uint32_t temp_block_of(uint64_t handle) {
    return (uint32_t)(handle & (TEMP_BLOCKS_MAX - 1));
}
static inline uint64_t temp_serial_of(uint64_t handle) {
    return handle >> 22;
}
static inline void *temp_window(struct temp_shared *t, uint16_t slot, unsigned window) {
    return t->space[slot][window];
}

/* Writes bytes (at most TEMP_CONTENT_BYTES) to a new block. In a coroutine, like all of these.
 * DISK_FULL, IO_ERROR. */
status temp_write(struct proc *p, const void *content, size_t bytes, uint64_t *ret_handle);
/* Reads a block whole into content, room for TEMP_CONTENT_BYTES. DATA_CORRUPTED, IO_ERROR. */
status temp_read(struct proc *p, uint64_t handle, void *content, size_t *ret_bytes);
/* Gives n blocks back. */
void temp_free(struct proc *p, const uint64_t *handles, size_t n);

#endif
