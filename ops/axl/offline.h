/* offline.h: what a stopped, or dead, appliance has left in its directory, as it would be served:
 * the pages of the data file, whole copies from the double-write file where they were torn, and the
 * changes that the log holds and the file does not, applied to copies in memory. Everything is
 * opened for reading only. What is encrypted is opened by the keys in memory. */
#ifndef AXL_OFFLINE_H
#define AXL_OFFLINE_H

#include "axl.h"
#include "fmt/files.h"
#include "keys.h"

#define OFFLINE_WORDS_BYTES 160

/* A block of an encrypted segment, opened: the last one read. */
struct offline_block {
    int file;       /* -1: none */
    uint64_t block; /* of the file's, from 0 on */
    char bytes[SEGMENT_BLOCK_BYTES];
};

struct offline_log {
    int dir;
    struct crypt *crypt;          /* NULL: it is plain */
    struct offline_block *opened; /* likewise */
    uint64_t bytes;               /* of a segment */
    uint64_t *numbers;
    int *files;
    unsigned count;
    uint64_t begin, end;              /* LSNs that the segments cover */
    char spoilt[OFFLINE_WORDS_BYTES]; /* segments that are not used, and why; empty: none */
};

/* A page as the log has changed it. */
struct offline_page {
    uint64_t page; /* 0: empty place */
    unsigned char *bytes;
    bool bad;       /* at home it is damaged, and no record since held all of it */
    uint64_t unfit; /* the first record that did not fit; 0: none */
};

struct offline {
    int data;
    struct crypt *crypt; /* NULL: the data are not encrypted */
    uint64_t appliance_id;
    uint64_t pages; /* of the data file, whole ones */
    struct file_page file;
    unsigned file_copies; /* good ones of pages 0 and 1 */
    char *regions;        /* of the double-write file; NULL: there is none */
    struct lsn_sector *lsns;
    uint64_t lsn_sectors;
    struct offline_log log;

    struct offline_page *changed; /* a hash table of `places`, a power of two */
    size_t places, nchanged;
    uint64_t redo_end; /* where the log ends */
    uint64_t redone;   /* records that were applied */
    uint64_t *losers;  /* transactions without an end, by id */
    size_t nlosers;
};

/* keys: its options have been taken (axl_keys_options). OBJECT_IN_USE: the appliance runs;
 * INVALID_PARAMETER_VALUE: the data are encrypted, and the key is not the right one. What is
 * missing or damaged does not fail here as long as there is a data file: it shows when it is looked
 * at. */
status offline_open(struct axl *a, struct axl_keys *keys, struct offline *o);
void offline_close(struct offline *o);

/* The page as it would be served, into bytes (PAGE_BYTES). DATA_CORRUPTED with words. */
status offline_page(const struct offline *o, page_id page, void *bytes,
                    char ret_words[OFFLINE_WORDS_BYTES]);
/* As it lies in the data file, whatever it is; of encrypted data, opened (all ones: it does not).
 * *ret_key (may be NULL): number of the key that it is sealed by; 0: by none. */
status offline_home(const struct offline *o, page_id page, void *bytes, uint32_t *ret_key);
uint64_t offline_home_lsn(const struct offline *o,
                          page_id page); /* the newest written; 0: unknown */

/* Applies what the log holds from redo_lsn on, unless the file says that there is nothing. */
status offline_redo(struct axl *a, struct offline *o);
uint64_t offline_redo_begin(const struct offline *o); /* the log is needed from here on */
bool offline_is_loser(const struct offline *o, uint64_t x);

/* offline_log.c */
status offline_log_open(struct axl *a, struct offline *o);
void offline_log_close(struct offline_log *l);
/* The record at `at` into buf (REC_BYTES_MAX, aligned to 8), with its CRC looked at. NOT_FOUND:
 * there is none. */
status offline_record(const struct offline_log *l, uint64_t at, void *buf);
/* The first record that is further behind `end` than a write reaches; 0: none is. */
uint64_t offline_log_behind(const struct offline_log *l, uint64_t end);

/* offline_tree.c: every entry of a tree's leaves, in order; what cannot be read, and a page that
 * the tree leads to a second time, is passed over. fn returns false to end it. OUT_OF_MEMORY. */
struct tree_entry;
status offline_each(const struct offline *o, page_id root,
                    bool (*fn)(void *arg, const struct tree_entry *e), void *arg);

/* offline_names.c: the relations that the catalogs of all databases know. */
#define OID_PG_CLASS 1259
#define OID_PG_INDEX 2610
#define OFFLINE_NAME_BYTES 64
struct offline_relation {
    uint32_t oid;
    uint32_t database; /* number: in the order of their catalogs' pages, from 1 on */
    char name[OFFLINE_NAME_BYTES];
    char kind;
    uint64_t root;  /* 0: no tree */
    uint32_t table; /* of an index; 0: it is none */
    bool unique, primary, partial, valid;
};
struct offline_names {
    struct offline_relation *list;
    size_t count, capacity;
};
/* roots: the pages of pg_class, one a database. */
status offline_names_read(const struct offline *o, const uint64_t *roots, size_t nroots,
                          struct offline_names *n);
const struct offline_relation *offline_name_of(const struct offline_names *n, uint64_t root);
void offline_names_free(struct offline_names *n);

#endif
