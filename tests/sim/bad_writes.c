/* bad_writes: the device lies about the data file, and the power fails.
 *
 *     bad_writes [FROM [COUNT]]      runs with the seeds FROM (1), …; COUNT (100) of them
 *
 * Now and then a page that is written is lost, goes to another place, is written in part, or has
 * another bit, without a word; a page that is read has another bit, this time; a request takes
 * long. The log is honest, and kept from the beginning: so whatever happens to a page, it can be
 * had again, and what was acknowledged must be there. Exit status 0: no run failed. */
#include <stdlib.h>

#include "run.h"

#define CUTS_MAX 4
#define REQUESTS_MAX 600 /* of the disk, before a cut */

static void keep_all_log(struct run *r) {
    r->m.conf.log_size_max = r->m.conf.log_keep_size = (uint64_t)1 << 40;
}

static void choose_lies(struct run *r) {
    struct disk_sim_lies lies = {.file = "data", .unit = PAGE_BYTES, .first = SPACE_FIRST};
    uint32_t *const often[] = {&lies.lost, &lies.misdirected, &lies.flipped,
                               &lies.torn, &lies.misread,     &lies.delayed};
    for (unsigned i = 0; i < sizeof often / sizeof *often; i++)
        if (machine_below(&r->m, 3)) *often[i] = 20 + (uint32_t)machine_below(&r->m, 400);
    disk_sim_lie(r->m.disk, &lies);
}

static bool lie_and_cut(struct run *r) {
    unsigned cuts = 1 + (unsigned)machine_below(&r->m, CUTS_MAX);
    keep_all_log(r);
    if (!run_first_start(r)) return false;
    for (unsigned i = 0; i < cuts; i++) {
        choose_lies(r);
        if (!run_until_cut(r, REQUESTS_MAX) || !run_begin(r, true) ||
            !run_judge(r, verdict_rows_after_cut, "rows after a cut"))
            return false;
    }
    bool good = run_close(r);
    run_sums->errors += disk_sim_lies_told(r->m.disk);
    return good;
}

int main(int argc, char **argv) {
    uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 100;
    return run_all(from, count, lie_and_cut);
}
