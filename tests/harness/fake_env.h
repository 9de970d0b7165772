/* fake_env.h: the appliance for unit tests of trees and transactions, in one process.
 *
 * Private regions, and an environment whose calls are answered at once in the calling thread, under
 * a mutex: a storaged whose data file is memory (pages leave the pool at random when it is small),
 * a logd whose log file is memory, and waits for transactions by looking again and again. Threads
 * play processes: each has its slot and its struct proc. */
#ifndef TESTS_FAKE_ENV_H
#define TESTS_FAKE_ENV_H

#include <pthread.h>

#include "base/control.h"
#include "base/counter.h"
#include "log/log.h"
#include "pool/frame.h"

struct fake_options {
    uint32_t frames;      /* 0: 4096 */
    uint64_t pages_max;   /* length of the data file; 0: 65536 */
    uint64_t first_page;  /* allocation begins here; 0: at the beginning */
    uint64_t ring_bytes;  /* 0: 16 MiB */
    uint32_t txns;        /* 0: 64 */
    uint32_t map_entries; /* 0: 65536 */
};

struct fake_env {
    struct shm shm;
    struct env env;
    pthread_mutex_t mutex;
    unsigned char *file; /* [pages_max][PAGE_BYTES] */
    uint64_t pages_max;
    uint64_t next_page; /* where allocation looks next */
    uint32_t frames_used;
    uint64_t random;
    char *log_file; /* by LSN */
    uint64_t log_bytes_max;
    char *temp_file;
    uint64_t temp_bytes;
    uint64_t clock; /* wall and monotonic, advanced by each look */
    uint64_t evictions;
    uint64_t disk_pages; /* when not 0: RESERVE answers DISK_FULL at this page number */
    /* When set, answers requests to txnd instead. */
    status (*txn_call)(struct fake_env *f, struct proc *p, struct msg *m);
};

/* The regions are as a formatted, empty appliance has them after recovery; the transaction region
 * is zero (txn_shared_init is the test's). Never NULL. */
struct fake_env *fake_env_new(const struct fake_options *options);
void fake_env_free(struct fake_env *f);
/* A process in this slot, epoch 1. */
void fake_env_proc(struct fake_env *f, uint16_t slot, struct proc *ret_proc);
/* The page as it is now, in a frame or in the file. */
void fake_env_page(struct fake_env *f, page_id page, void *copy);
/* Makes everything inserted durable. */
void fake_env_flush(struct fake_env *f);

#endif
