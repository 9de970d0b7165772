/* disk_errors: every request to the disk fails once.
 *
 *     disk_errors [FROM [COUNT]]      run N (1, …; COUNT: 300): the Nth request of the load fails
 *
 * Run N is made five times: the request fails with an I/O error; for want of space; so do that and
 * all later ones until the end; likewise for want of space; or no file can grow from there on. A
 * write that fails has written some of its sectors. Statements may fail then, and daemons end with
 * a reason; everything is ended and begun anew on a good disk (half of the runs: after a power
 * cut). A disk that was full has room again after a while, and service goes on without a new
 * start. In the end all that was acknowledged must be there, nothing that was refused, nothing
 * half. Exit status 0: no run failed. */
#include <stdlib.h>

#include "base/check.h"
#include "run.h"

enum kind { FAILS_ONCE, IS_FULL_ONCE, FAILS_FROM_THERE, IS_FULL_FROM_THERE, NO_ROOM, KINDS };

#define TURNS 3000  /* with the error, at most */
#define NO_GROWTH 1 /* a capacity below what is used already */

static void fail_from(struct run *r, uint64_t nth, enum kind kind) {
    bool full = kind == IS_FULL_ONCE || kind == IS_FULL_FROM_THERE;
    run_sums->errors++;
    if (kind == NO_ROOM)
        disk_sim_set_capacity(r->m.disk, NO_GROWTH);
    else
        disk_sim_fail(r->m.disk, nth, full ? ST_DISK_FULL : ST_IO_ERROR,
                      kind == FAILS_FROM_THERE || kind == IS_FULL_FROM_THERE);
}

static void turn(struct run *r, unsigned turns) {
    for (unsigned n = 0; r->m.state == MACHINE_ON && n < turns; n++) machine_turn(&r->m);
}

static bool begin_anew(struct run *r) {
    if (r->m.state == MACHINE_ON && machine_below(&r->m, 2)) r->m.state = MACHINE_CUT;
    machine_off(&r->m);
    disk_sim_fail(r->m.disk, 0, ST_OK, false);
    return run_begin(r, false);
}

/* There is room again: clients end what they have begun. */
static bool go_on(struct run *r) {
    disk_sim_set_capacity(r->m.disk, 0);
    r->enough = true;
    for (unsigned n = 0; run_clients_run(r); n++) {
        machine_turn(&r->m);
        if (r->m.state != MACHINE_ON) return run_wrong(r, "on a full disk", r->m.words);
        if (n > RUN_TURNS_MAX) return run_wrong(r, "clients", "do not end");
    }
    for (unsigned n = 0; atomic_load(&r->m.shm.log->full); n++) {
        machine_turn(&r->m);
        if (n > RUN_TURNS_MAX) return run_wrong(r, "on a disk with room", "the log stays full");
    }
    return run_purge(r);
}

static bool fail_one(struct run *r) {
    enum kind kind = (enum kind)((r->seed - 1) % KINDS);
    uint64_t nth = (r->seed - 1) / KINDS + 1;
    if (!run_first_start(r)) return false;
    r->errors_allowed = true;
    if (kind != NO_ROOM) fail_from(r, nth, kind);
    run_start_clients(r);
    turn(r, kind == NO_ROOM ? (unsigned)nth : TURNS);
    if (kind == NO_ROOM) {
        fail_from(r, nth, kind);
        turn(r, TURNS);
    }
    return (kind == NO_ROOM ? go_on(r) : begin_anew(r)) &&
           run_judge(r, verdict_rows_after_cut, "rows after an error") && run_close(r);
}

int main(int argc, char **argv) {
    uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 300;
    return run_all((from - 1) * KINDS + 1, count * KINDS, fail_one);
}
