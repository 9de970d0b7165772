/* every_error: one workload, and an error at every single thing that it asks the disk for.
 *
 *     every_error [WORKLOAD [PART OF]]     workload 1, …; all runs, or the PARTth of OF parts
 *
 * The workload: clients change rows, all is ended in order and begun anew. A run without an error
 * counts what is asked for. Then one run for each: an I/O error and want of space at every request,
 * a short write at every write, a failed flush at every flush (which forgets what was to become
 * stable), both errors at every call for names and lengths. Whatever ends by it is begun anew on a
 * good disk, every other time after a power cut: all that was acknowledged must be there, nothing
 * that was refused, nothing half. Exit status 0: no run failed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "run.h"

#define TURNS 1500 /* of the clients */

static const struct kind {
    const char *words;
    enum disk_sim_class class;
    enum status_code code;
    bool part;
} kinds[] = {
    {"I/O errors", DISK_SIM_REQUESTS, ST_IO_ERROR, false},
    {"full disks", DISK_SIM_REQUESTS, ST_DISK_FULL, false},
    {"short writes", DISK_SIM_WRITES, ST_IO_ERROR, true},
    {"failed flushes", DISK_SIM_FLUSHES, ST_IO_ERROR, false},
    {"failed calls", DISK_SIM_CALLS, ST_IO_ERROR, false},
    {"calls on a full disk", DISK_SIM_CALLS, ST_DISK_FULL, false},
};
#define KINDS (sizeof kinds / sizeof *kinds)

static uint64_t workload;
static uint64_t *counts; /* of each class, in the run without an error; shared with it */
static const struct kind *the_kind;
static uint64_t first; /* what run 1 of the kind asks for */
static bool counting;

/* Until the error has done its work, or the workload is over. */
static bool work(struct run *r) {
    r->errors_allowed = true;
    run_start_clients(r);
    for (unsigned n = 0; r->m.state == MACHINE_ON && n < TURNS; n++) machine_turn(&r->m);
    if (r->m.state == MACHINE_ON) machine_stop(&r->m);
    if (r->m.state != MACHINE_OFF) return true;
    ledger_cut(&r->ledger);
    machine_on(&r->m);
    for (unsigned n = 0; r->m.state == MACHINE_ON && !machine_serves(&r->m); n++) {
        machine_turn(&r->m);
        if (n > RUN_TURNS_MAX) return run_wrong(r, "recovery", "does not end");
    }
    return true;
}

static bool begin_anew(struct run *r) {
    if (r->seed % 2) r->m.state = MACHINE_CUT;
    if (r->m.state != MACHINE_OFF) machine_off(&r->m);
    disk_sim_fail_one(r->m.disk, DISK_SIM_REQUESTS, 0, ST_OK, false);
    return run_begin(r, false);
}

static bool one(struct run *r) {
    uint64_t before[DISK_SIM_CLASSES];
    if (!run_first_start(r)) return false;
    for (unsigned c = 0; c < DISK_SIM_CLASSES; c++) before[c] = disk_sim_count(r->m.disk, c);
    if (!counting) {
        disk_sim_fail_one(r->m.disk, the_kind->class, first + r->seed - 1, the_kind->code,
                          the_kind->part);
        run_sums->errors++;
    }
    if (!work(r)) return false;
    for (unsigned c = 0; counting && c < DISK_SIM_CLASSES; c++)
        counts[c] = disk_sim_count(r->m.disk, c) - before[c];
    return begin_anew(r) && run_judge(r, verdict_rows_after_cut, "rows after an error") &&
           run_close(r);
}

/* The part of 1 … n that is to be done: from *ret_from on. */
static uint64_t share(uint64_t n, uint64_t part, uint64_t of, uint64_t *ret_from) {
    uint64_t begin = n * (part - 1) / of, end = n * part / of;
    *ret_from = begin + 1;
    return end - begin;
}

static int all_of(const struct kind *kind, uint64_t part, uint64_t of) {
    the_kind = kind;
    uint64_t runs = share(counts[kind->class], part, of, &first);
    if (runs == 0) return 0;
    printf("%s: %llu of %llu: ", kind->words, (unsigned long long)runs,
           (unsigned long long)counts[kind->class]);
    return run_all_of(workload, runs, one);
}

int main(int argc, char **argv) {
    workload = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t part = argc > 3 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t of = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    CHECK(part >= 1 && part <= of);
    counts = run_shared(DISK_SIM_CLASSES * sizeof *counts);
    counting = true;
    int failed = run_all_of(workload, 1, one);
    counting = false;
    printf("workload %llu: %llu requests, of them %llu writes and %llu flushes, and %llu calls\n",
           (unsigned long long)workload, (unsigned long long)counts[DISK_SIM_REQUESTS],
           (unsigned long long)counts[DISK_SIM_WRITES],
           (unsigned long long)counts[DISK_SIM_FLUSHES],
           (unsigned long long)counts[DISK_SIM_CALLS]);
    for (unsigned i = 0; i < KINDS; i++) failed |= all_of(&kinds[i], part, of);
    return failed;
}
