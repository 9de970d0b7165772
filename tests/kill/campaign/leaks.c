/* campaign_leaks: what the dead have left.
 *
 *   campaign_leaks regions DIR [MS]    of a running appliance without clients: nothing in
 *                                      shared memory is held, waits or is under way; what is
 *                                      may be on its way out: looked at again for MS (10000)
 *   campaign_leaks file DIR < ROOTS    of a stopped one: every page in use is reached from the
 *                                      root of a relation; ROOTS: a page number a line
 *                                      (pg_class.axl_root)
 *
 * One line for each thing found. Exit status 0: nothing; 1: something; 2: it could not look. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/control.h"
#include "fmt/node.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "log/log.h"
#include "pool/frame.h"
#include "session/session.h"
#include "txn/txn.h"

#define LINES_MAX 40
#define LOOK_MS 50

static char lines[LINES_MAX][160];
static unsigned found;

[[gnu::format(printf, 1, 2)]] static void note(const char *format, ...) {
    va_list list;
    va_start(list, format);
    if (found < LINES_MAX) vsnprintf(lines[found], sizeof lines[0], format, list);
    va_end(list);
    found++;
}

static int report(const char *what) {
    for (unsigned i = 0; i < found && i < LINES_MAX; i++) printf("left: %s\n", lines[i]);
    printf("%s: %u leaks\n", what, found);
    return found ? 1 : 0;
}

/* ---- regions --------------------------------------------------------------------------------- */

static void look_at_frames(const struct shm *shm) {
    uint64_t insert = atomic_load(&shm->log->insert.word);
    if (latch_word_held(insert))
        note("the log's insert latch is held by process slot %u", latch_word_owner(insert).slot);
    for (uint32_t i = 0; i < shm->sizes.frames; i++) {
        const struct frame *f = &shm->frames[i];
        uint64_t word = atomic_load(&f->latch.word);
        uint32_t state = atomic_load(&f->state);
        if (latch_word_held(word))
            note("frame %u is latched by process slot %u, epoch %u", i, latch_word_owner(word).slot,
                 latch_word_owner(word).epoch);
        if (state == FRAME_BROKEN) note("frame %u waits to be rebuilt", i);
        if (state == FRAME_LOADING) note("frame %u is being read", i);
    }
}

static bool alive(const struct shm *shm, uint16_t slot) {
    const struct proc_entry *e = &shm->control->procs[slot];
    pid_t pid = (pid_t)atomic_load(&e->pid);
    return pid > 0 && proc_birth(pid) != 0 && proc_birth(pid) == atomic_load(&e->birth);
}

static void look_at_processes(const struct shm *shm) {
    for (uint16_t slot = 0; slot < PROC_SLOTS; slot++) {
        const struct log_slot *l = &shm->log->slots[slot];
        uint32_t state = atomic_load(&shm->control->procs[slot].state);
        if (state != PROC_READY && state != PROC_EMPTY)
            note("process slot %u is %s", slot, proc_state_name(state));
        if (state == PROC_READY && !alive(shm, slot))
            note("process slot %u is ready, and dead", slot);
        if (atomic_load(&l->start) != LOG_IDLE) note("process slot %u is inserting", slot);
        if (atomic_load(&l->change_lsn)) note("process slot %u is changing pages", slot);
        if (atomic_load(&l->window_busy)) note("process slot %u reads old log", slot);
        for (int i = 0; i < POOL_RESERVE_PAGES; i++) {
            uint64_t page = atomic_load(&shm->pool->reserve[slot].page[i]);
            if (page & POOL_RESERVE_TAKEN) note("process slot %u has taken a page", slot);
            if (page && !alive(shm, slot)) note("the dead process slot %u has pages", slot);
        }
    }
}

static void look_at_transactions(const struct shm *shm) {
    for (uint32_t i = 0; i < shm->sizes.txns; i++) {
        const struct txn_slot *s = txn_slot_at(shm, i);
        if (txn_slot_state(s) != TXN_FREE)
            note("transaction slot %u: state %u, owner %llx, id %llu", i, txn_slot_state(s),
                 (unsigned long long)atomic_load(&s->owner),
                 (unsigned long long)atomic_load(&s->x));
        else if (atomic_load(&s->snapshot) || atomic_load(&s->lock[0].held) || atomic_load(&s->x))
            note("transaction slot %u is free and not empty", i);
    }
    for (int slot = 0; slot < PROC_SLOTS; slot++)
        for (int h = 0; h < TXN_STRONG_HASHES; h++)
            if (atomic_load(&shm->txn->strong[slot][h]))
                note("process slot %d: %u strong locks counted", slot,
                     atomic_load(&shm->txn->strong[slot][h]));
    for (int slot = 0; slot < PROC_SLOTS; slot++)
        for (int h = 0; h < TXN_ROW_HASHES; h++)
            if (atomic_load(&shm->txn->key_shared[slot][h]) ||
                atomic_load(&shm->txn->row_shared[slot][h]))
                note("process slot %d counts held rows", slot);
    for (uint32_t i = 0; i < shm->sizes.txns; i++)
        if (atomic_load(&txn_lock_block_at(shm, i)->owner)) note("block of locks %u is taken", i);
}

static void look_at_sessions(const struct shm *shm) {
    for (uint32_t i = 0; i < shm->sizes.sessions; i++) {
        const struct session_slot *s = session_slot_at(shm, i);
        if (atomic_load(&s->owner) || atomic_load(&s->state) != SESSION_FREE)
            note("session slot %u: state %u, owner %llx", i, atomic_load(&s->state),
                 (unsigned long long)atomic_load(&s->owner));
    }
}

static int look_at_regions(const char *dir, unsigned wait_ms) {
    struct shm shm;
    struct error e = {0};
    char name[REGION_NAME_BYTES];
    uint64_t id, begin = clock_mono_ns();
    status s = appliance_id_read(dir, &id, &e);
    region_name_of(ok(s) ? id : 0, name);
    if (ok(s)) s = region_attach_all(name, &shm, &e);
    if (!ok(s)) {
        fprintf(stderr, "campaign_leaks: %s\n", e.message);
        return 2;
    }
    for (;;) {
        found = 0;
        look_at_frames(&shm);
        look_at_processes(&shm);
        look_at_transactions(&shm);
        look_at_sessions(&shm);
        if (!found || clock_mono_ns() - begin > wait_ms * 1000000ull) break;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
    }
    region_detach_all(&shm);
    return report("shared memory");
}

/* ---- the data file --------------------------------------------------------------------------- */

static unsigned char *pages; /* the whole file */
static uint64_t npages;
static unsigned char *reached; /* [npages] */

static const unsigned char *page_at(uint64_t no) {
    return pages + no * PAGE_BYTES;
}

/* Depth is bounded by the pages that have not been reached yet. */
static void reach(uint64_t no, int depth) {
    struct node_view v;
    if (no >= npages || reached[no]) {
        note("page %llu is reached %s", (unsigned long long)no,
             no >= npages ? "and beyond the file" : "twice");
        return;
    }
    reached[no] = 1;
    if (page_is_zero(page_at(no)) || !ok(page_verify(page_at(no), (page_id){no})) ||
        !node_view(page_at(no), &v) || depth > NODE_LEVELS_MAX) {
        note("page %llu is in a tree and not a valid page", (unsigned long long)no);
        return;
    }
    if (v.level == 0) return;
    for (unsigned i = 0; i <= v.count; i++) reach(node_child_at(&v, i), depth + 1);
}

static bool in_use(uint64_t no) {
    uint64_t map = space_page_of((page_id){no}).no;
    if (map >= npages || page_is_zero(page_at(map))) return false;
    const struct space_page *s = (const struct space_page *)(const void *)page_at(map);
    return space_bit(s, no - s->first);
}

static void compare_with_map(void) {
    for (uint64_t no = SPACE_FIRST + 1; no < npages; no++) {
        if (space_page_of((page_id){no}).no == no) continue;
        if (in_use(no) && !reached[no])
            note("page %llu is in use (relation %u) and in no tree", (unsigned long long)no,
                 page_head_c(page_at(no))->tree);
        if (!in_use(no) && reached[no])
            note("page %llu is in a tree and free", (unsigned long long)no);
    }
}

static bool read_file(const char *dir) {
    char path[1024];
    snprintf(path, sizeof path, "%s/data", dir);
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    fseek(f, 0, SEEK_END);
    npages = (uint64_t)ftell(f) / PAGE_BYTES;
    rewind(f);
    pages = malloc(npages * PAGE_BYTES + 1);
    reached = calloc(npages + 1, 1);
    bool read = pages && reached && fread(pages, PAGE_BYTES, npages, f) == npages;
    fclose(f);
    return read;
}

static int look_at_file(const char *dir) {
    unsigned long long root, last = 0;
    unsigned roots = 0;
    if (!read_file(dir)) {
        fprintf(stderr, "campaign_leaks: %s/data cannot be read\n", dir);
        return 2;
    }
    while (scanf("%llu", &root) == 1) {
        if (root == last || root == 0) continue;
        last = root;
        roots++;
        reach(root, 0);
    }
    compare_with_map();
    printf("%u trees in %llu pages\n", roots, (unsigned long long)npages);
    return report("data file");
}

int main(int argc, char **argv) {
    if (argc >= 3 && strcmp(argv[1], "regions") == 0)
        return look_at_regions(argv[2], argc > 3 ? (unsigned)atoi(argv[3]) : 10000);
    if (argc == 3 && strcmp(argv[1], "file") == 0) return look_at_file(argv[2]);
    fprintf(stderr, "usage: campaign_leaks regions DIR [MS] | campaign_leaks file DIR < ROOTS\n");
    return 2;
}
