/* inspect_region.c: regions of shared memory, of an appliance that runs or that has died and left
 * them. */
#include <inttypes.h>
#include <string.h>

#include "base/control.h"
#include "base/counter.h"
#include "inspect.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "log/log.h"
#include "pool/frame.h"
#include "txn/txn.h"

static json_t *number(uint64_t n) {
    return json_integer((json_int_t)n);
}

static json_t *control_json(const struct shm *m) {
    struct control *c = m->control;
    return json_pack("{s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "state",
                     (json_int_t)atomic_load(&c->state), "port", (json_int_t)c->port, "data_dir",
                     c->data_dir, "catalog_version", number(atomic_load(&c->catalog_version)),
                     "next_oid", number(atomic_load(&c->next_oid)), "redo_lsn",
                     number(atomic_load(&c->redo_lsn)), "undo_lsn",
                     number(atomic_load(&c->undo_lsn)), "purge_lsn",
                     number(atomic_load(&c->purge_lsn)), "recovered_lsn",
                     number(atomic_load(&c->recovered_lsn)), "redo_pages",
                     number(atomic_load(&c->redo_pages)), "events", number(event_next(&c->events)));
}

static json_t *procs_json(const struct shm *m) {
    json_t *list = json_array();
    for (unsigned i = 0; i < PROC_SLOTS; i++) {
        const struct proc_entry *e = &m->control->procs[i];
        char name[PROC_NAME_BYTES];
        if (atomic_load(&e->epoch) == 0) continue;
        proc_slot_name((uint16_t)i, name);
        json_array_append_new(list,
                              json_pack("{s:I, s:s, s:I, s:I, s:I, s:I}", "slot", (json_int_t)i,
                                        "name", name, "epoch", (json_int_t)atomic_load(&e->epoch),
                                        "state", (json_int_t)atomic_load(&e->state), "pid",
                                        (json_int_t)atomic_load(&e->pid), "restarts",
                                        (json_int_t)atomic_load(&e->restarts)));
    }
    return list;
}

static json_t *log_json(const struct shm *m) {
    const struct log_shared *l = m->log;
    json_t *slots = json_array();
    for (unsigned i = 0; i < PROC_SLOTS; i++) {
        const struct log_slot *s = &l->slots[i];
        uint64_t start = atomic_load(&s->start), change = atomic_load(&s->change_lsn);
        if (start == LOG_IDLE && change == 0) continue;
        json_array_append_new(slots, json_pack("{s:I, s:o, s:o}", "slot", (json_int_t)i, "inserts",
                                               start == LOG_IDLE ? json_null() : number(start),
                                               "changes_pages_by", number(change)));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "tail",
                     number(atomic_load(&l->tail)), "durable", number(atomic_load(&l->durable)),
                     "visible", number(atomic_load(&l->visible)), "oldest",
                     number(atomic_load(&l->oldest)), "first_in_ring",
                     number(atomic_load(&l->first)), "keep", number(atomic_load(&l->keep)),
                     "failed", number(atomic_load(&l->failed)), "slots", slots);
}

static json_t *frames_json(const struct shm *m) {
    static const char *const words[] = {"free", "loading", "ready", "broken", "redo", "moved"};
    json_t *list = json_array();
    for (uint32_t i = 0; i < m->sizes.frames; i++) {
        const struct frame *f = &m->frames[i];
        uint32_t state = atomic_load(&f->state);
        if (state == FRAME_FREE) continue;
        const char *word = state < sizeof words / sizeof *words ? words[state] : "?";
        json_array_append_new(
            list, json_pack("{s:I, s:o, s:s, s:o, s:o, s:o, s:b}", "frame", (json_int_t)i, "page",
                            number(atomic_load(&f->page)), "state", word, "lsn",
                            number(page_head_c(m->pages + (size_t)i * PAGE_BYTES)->lsn), "rec_lsn",
                            number(atomic_load(&f->rec_lsn)), "write_lsn",
                            number(atomic_load(&f->write_lsn)), "latched",
                            latch_word_held(atomic_load(&f->latch.word))));
    }
    return json_pack("{s:I, s:o}", "frames", (json_int_t)m->sizes.frames, "in_use", list);
}

static json_t *pool_json(const struct shm *m) {
    json_t *list = json_array();
    for (unsigned i = 0; i < PROC_SLOTS; i++) {
        json_t *pages = json_array();
        for (unsigned j = 0; j < POOL_RESERVE_PAGES; j++) {
            uint64_t page = atomic_load(&m->pool->reserve[i].page[j]) & ~POOL_RESERVE_TAKEN;
            if (page) json_array_append_new(pages, number(page));
        }
        if (json_array_size(pages))
            json_array_append_new(list,
                                  json_pack("{s:I, s:O}", "slot", (json_int_t)i, "pages", pages));
        json_decref(pages);
    }
    return json_pack("{s:o, s:o}", "file_pages", number(atomic_load(&m->pool->file_pages)),
                     "reserved", list);
}

static json_t *txn_json(const struct shm *m) {
    const struct txn_shared *t = m->txn;
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "next_txid", number(atomic_load(&t->next_txid)),
                     "map_base", number(atomic_load(&t->map_base)), "oldest_snapshot",
                     number(atomic_load(&t->oldest_snapshot)), "oldest_active_lsn",
                     number(atomic_load(&t->oldest_active_lsn)), "purge_lsn",
                     number(atomic_load(&t->purge_lsn)));
}

static json_t *counters_json(const struct shm *m) {
    static const char *const names[] = {
#define X(name, text) #name,
#include "base/counter.def"
#undef X
    };
    json_t *all = json_object();
    for (unsigned i = 0; i < PROC_SLOTS; i++) {
        json_t *of = json_object();
        char name[PROC_NAME_BYTES];
        for (unsigned c = 0; c < COUNTER_COUNT; c++) {
            uint64_t value = atomic_load(&m->counters[i].value[c]);
            if (value) json_object_set_new(of, names[c], number(value));
        }
        proc_slot_name((uint16_t)i, name);
        if (json_object_size(of)) json_object_set(all, name, of);
        json_decref(of);
    }
    return all;
}

json_t *inspect_region(struct axl *a, const char *name) {
    static const struct {
        const char *name;
        json_t *(*make)(const struct shm *m);
    } regions[] = {{"control", control_json},  {"procs", procs_json}, {"log", log_json},
                   {"frames", frames_json},    {"pool", pool_json},   {"txn", txn_json},
                   {"counters", counters_json}};
    struct shm shm;
    char region[REGION_NAME_BYTES];
    json_t *value = NULL;
    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++) {
        if (strcmp(regions[i].name, name) != 0) continue;
        if (!ok(axl_attach(a, &shm, region))) return NULL;
        value = json_pack("{s:s, s:I, s:o}", "region", name, "layout",
                          (json_int_t)REGION_LAYOUT_VERSION, name, regions[i].make(&shm));
        region_detach_all(&shm);
        return value;
    }
    status_ignore(error_set(
        &a->e, ST_INVALID_PARAMETER_VALUE, /* said by the caller */
        "there is no region \"%s\": control, procs, log, frames, pool, txn, counters", name));
    return NULL;
}
