/* power_cuts: the power fails, at any request of the disk, in service and in recovery.
 *
 *     power_cuts [FROM [COUNT]]      runs with the seeds FROM (1), …; COUNT (200) of them
 *
 * A run: clients, a cut; then again and again: power on (which may be cut, too), often clients at
 * once and an early cut, while pages are still being redone; a verdict on the rows, clients, a cut;
 * in the end all is undone, purged and stopped in order, started once more, and a verdict on rows
 * and pages. Exit status 0: no run failed. */
#include <stdlib.h>

#include "run.h"

#define CUTS_MAX 5       /* of a run, those in recovery apart */
#define REQUESTS_MAX 400 /* of the disk, before a cut */
#define SOON_REQUESTS_MAX 60
#define SOON_ONE_IN 2 /* cuts that come early, while redo goes on, and before any verdict */

static bool cut_again_and_again(struct run *r) {
    unsigned cuts = 1 + (unsigned)machine_below(&r->m, CUTS_MAX);
    if (!run_first_start(r)) return false;
    for (unsigned i = 0; i < cuts; i++) {
        if (!run_until_cut(r, REQUESTS_MAX) || !run_begin(r, true)) return false;
        while (machine_below(&r->m, SOON_ONE_IN) == 0)
            if (!run_until_cut(r, SOON_REQUESTS_MAX) || !run_begin(r, true)) return false;
        if (!run_judge(r, verdict_rows_after_cut, "rows after a cut")) return false;
    }
    return run_close(r);
}

int main(int argc, char **argv) {
    uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 200;
    return run_all(from, count, cut_again_and_again);
}
