/* logd_world.h: logd whole, with a client beside it in one thread: both turn by turns, over real
 * rings. A model remembers every record inserted and what was told durable. */
#ifndef LOGD_WORLD_H
#define LOGD_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/control.h"
#include "conf/conf.h"
#include "disk/disk_sim.h"
#include "ipc_region.h"
#include "logd.h"
#include "test_keys.h"
#include "txn/txn_recover.h"

#define SEGMENT ((uint64_t)1 << 20)
#define RECORDS_MAX 200000
#define TXNS 8
#define APPLIANCE 0x1234

struct entry {
    uint64_t at;
    uint32_t len;
    uint16_t type;
    txid x;
};

struct world {
    char path[64];
    struct disk_sim *sim;
    struct conf conf;
    struct shm_sizes sizes;
    struct shm shm;
    struct daemon logd, client;
    bool sealed; /* the log is encrypted */
    struct error e;
    unsigned random;
    /* the model: every record inserted that has not been lost */
    struct entry *entries;
    unsigned count;
    uint64_t acknowledged; /* LSN told durable */
    txid next_x;
    txid open[TXNS]; /* transactions under way; 0: none */
    uint64_t *last;  /* the newest record of each */
    uint64_t keep;
    bool body_done;
    void (*body)(struct world *w);
    _Alignas(8) char buf[LOG_SCAN_BYTES];
    char record[REC_BYTES_MAX];
};

void must(status s);
void must_say(struct world *w, status s);
uint64_t some(struct world *w, uint64_t n);
struct world *world_new(const char *kind, unsigned seed);
void world_free(struct world *w);
/* Power on: empty regions, what storaged would say of its data file, a logd and a client. */
void power_on(struct world *w);
void wait_recovered(struct world *w);
void power_off(struct world *w);
/* A new world in which logd serves. */
struct world *world_started(const char *kind, unsigned seed);
/* Everything ends at once and begins again, until logd serves. */
void restart(struct world *w);
/* A turn of logd; what it calls durable is in the files. */
bool turn_logd(struct world *w);
/* What the client spawns: w->body. */
void body_run(void *world);
/* Runs body as a coroutine of the client until it ends. */
void run(struct world *w, void (*body)(struct world *w));
void insert(struct world *w, uint16_t type, txid x, uint32_t len);
void insert_commit(struct world *w, txid x);
uint64_t model_end(const struct world *w);
void some_record(struct world *w);
void wait_all(struct world *w);
/* Everything from keep on is there, in order and unchanged, up to the end of the log. */
void check_log(struct world *w);
/* Whether x has begun and not ended in what the model remembers; its first record. */
bool is_open_in_model(const struct world *w, txid x, uint64_t *ret_first);
/* The transactions that analysis adopted are those without an end in what is left of the log. */
void check_losers(struct world *w);
/* After a power cut: what the log lost, the model forgets; but nothing acknowledged. */
void reconcile(struct world *w);
/* By hand: the transactions that are open go. */
void end_all(struct world *w);
void check_orphans_are_open(struct world *w);
void write_and_wait(struct world *w);
void wait_room_is_enough(struct world *w);
void stop_logd(struct world *w);

#endif
