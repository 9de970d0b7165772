/* world.h: storaged in one process with a worker and the least logd that keeps its promises: the
 * log stays in the ring, and is durable when somebody asks for it. */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/control.h"
#include "base/counter.h"
#include "conf/conf.h"
#include "disk/disk_sim.h"
#include "ipc_daemon.h"
#include "ipc_region.h"
#include "storaged.h"
#include "tree/tree.h"

struct world {
    struct shm shm;
    struct conf conf;
    struct disk_sim *sim; /* NULL: real files */
    char dir[64];
    struct daemon storaged, logd, worker;
};

void world_make(struct world *w, uint32_t frames, const char *io_method);
void world_start(struct world *w); /* after make, or after crash */
/* Everything dies at once: memory is gone, the log ends where it was durable, and the disk has lost
 * what it may lose. */
void world_crash(struct world *w, uint64_t seed);
void world_kill_storaged(struct world *w); /* and starts another one in its place */
void world_stop(struct world *w);          /* in order */
void world_free(struct world *w);
/* Runs fn in a coroutine of the worker until it has returned, turning everybody. between, if not
 * NULL, is called after each round. */
void world_run(struct world *w, void (*fn)(struct world *w, void *arg), void *arg,
               void (*between)(struct world *w));
uint64_t world_counter(const struct world *w, enum counter c); /* of storaged */

uint64_t rnd(uint64_t *state);

#endif
