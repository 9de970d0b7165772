/* tape.h: rows in temporary space (shared/temp): written at the end, read from anywhere.
 *
 * A tape is a sequence of bytes, of which the last block is in memory; one that never fills a block
 * costs no request. All tapes of an execution are freed when it ends. */
#ifndef EXEC_TAPE_H
#define EXEC_TAPE_H

#include "exec/internal.h"

struct tape {
    struct execution *x;
    struct tape *next; /* of the execution's */
    uint64_t *blocks;  /* handles */
    size_t nblocks, blocks_cap;
    char *buf; /* the last block, not written yet */
    size_t len, cap;
    char *scratch; /* a row that does not fit into the block at hand */
    size_t scratch_cap;
    uint64_t bytes, rows;
    struct buf last; /* the byte string put before */
    datum *values;   /* of a row of vectors, gathered */
    uint8_t *nulls;
    uint16_t ncolumns;
    const struct type *const *types;
};

struct tape_reader {
    struct tape *tape;
    uint64_t at;     /* bytes */
    char *buf;       /* of block `loaded` */
    size_t loaded;   /* + 1; 0: none */
    struct buf last; /* the byte string given before */
};

/* types belong to the caller. */
status tape_new(struct execution *x, uint16_t ncolumns, const struct type *const *types,
                struct tape **ret);
/* Empty again; the blocks are given back. */
void tape_clear(struct tape *t);
void tape_free(struct tape *t); /* tape_clear; the memory of the struct is the execution's */
void tapes_close(struct execution *x);
/* DISK_FULL, CONFIGURATION_LIMIT_EXCEEDED (temp_file_limit), with words. */
status tape_put(struct tape *t, uint64_t hash, bool matched, const datum *values,
                const uint8_t *nulls);
status tape_put_vec(struct tape *t, uint64_t hash, const struct vec *columns, uint16_t row);
status tape_put_row(struct tape *t, struct stored_row *r);
/* A byte string of at most TAPE_BYTES_MAX: nothing else is put onto such a tape. What it has in
 * common with the beginning of the one before takes no room. */
#define TAPE_BYTES_MAX UINT16_MAX
status tape_put_bytes(struct tape *t, const void *bytes, uint32_t len);

void tape_reader_init(struct tape_reader *r, struct tape *t);
void tape_reader_free(struct tape_reader *r);
status tape_skip(struct tape_reader *r); /* the next row, which there must be */
/* The next row, in the arena; NULL: there is no more. */
status tape_get(struct tape_reader *r, struct arena *a, struct stored_row **ret);
/* The next byte string, valid until the reader goes on; NULL: there is no more. */
status tape_get_bytes(struct tape_reader *r, const unsigned char **ret, uint32_t *ret_len);

#endif
