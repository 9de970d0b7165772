#include <stdlib.h>

#include "base/counter.h"
#include "base/probe.h"
#include "storaged.h"

/* Scrub: pages of the file that nobody has asked for are read and judged all the same, a few at a
 * time, so that damage is found while the log still reaches far enough to repair it. What looks bad
 * is loaded into a frame as if somebody wanted it: that repairs it, or tells that it is lost. A
 * page that was written, or loaded, while it was read here is judged there anew. */

#define STRETCH_PAGES 64 /* read at once, at most */
#define STRETCHES_A_SECOND 10
#define SECOND_NS 1000000000u

static void judge(struct storaged *s, uint64_t page, const void *bytes) {
    struct frame *f;
    if (table_find(s, page) || space_known_free(s, page)) return;
    if (bytes && !damage_of(s, page, bytes)) return;
    PROBE(axolotl_storaged, scrub_found, page);
    status_ignore(load_page(s, page, false, &f)); /* has been told */
}

/* Pages from `at` on; the next one. */
static uint64_t scrub_some(struct storaged *s, uint64_t at, uint64_t n) {
    uint64_t end = atomic_load(&s->shm->pool->file_pages);
    if (at >= end) return SPACE_FIRST;
    if (n > end - at) n = end - at;
    status st = io_run_one(s, (struct disk_io){.op = DISK_READ,
                                               .file = s->data,
                                               .offset = at * PAGE_BYTES,
                                               .buf = s->scrub_buf,
                                               .len = n * PAGE_BYTES});
    for (uint64_t i = 0; i < n; i++)
        judge(s, at + i, ok(st) ? s->scrub_buf + i * PAGE_BYTES : NULL);
    counter_add(s->p, COUNTER_PAGES_SCRUBBED, n);
    return at + n;
}

static void scrub_run(void *storaged) {
    struct storaged *s = storaged;
    uint64_t rate = s->options.scrub_rate, at = SPACE_FIRST;
    uint64_t n = rate / STRETCHES_A_SECOND;
    if (n < 1) n = 1;
    if (n > STRETCH_PAGES) n = STRETCH_PAGES;
    while (!s->stopping) {
        daemon_sleep(s->d, n * SECOND_NS / rate);
        if (s->serving && !s->stopping) at = scrub_some(s, at, n);
    }
}

status scrub_init(struct storaged *s) {
    if (s->options.scrub_rate == 0) return OK;
    s->scrub_buf = io_buffer(STRETCH_PAGES * PAGE_BYTES);
    if (!s->scrub_buf) return STATUS(OUT_OF_MEMORY);
    return daemon_spawn(s->d, 0, scrub_run, s);
}

void scrub_fini(struct storaged *s) {
    free(s->scrub_buf);
}
