/* offline.c: the data file of an appliance that does not run, and what its log adds to it. */
#include "offline.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup.h"
#include "fmt/apply.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "leftovers.h"

/* ---- open and close -------------------------------------------------------------------------- */

static status refuse_running(struct axl *a) {
    struct shm shm;
    char region[REGION_NAME_BYTES];
    status st = axl_attach(a, &shm, region);
    error_clear(&a->e); /* that it does not run, or left regions of another layout, is no error */
    if (!ok(st)) return OK;
    unsigned alive = leftovers_count(&shm);
    region_detach_all(&shm);
    if (alive == 0) return OK;
    st = error_set(&a->e, ST_OBJECT_IN_USE, "the appliance in \"%s\" runs", a->dir);
    error_hint(&a->e, "Stop it first: only storaged and logd touch its files meanwhile.");
    return st;
}

static int open_file(const struct axl *a, const char *name) {
    char path[AXL_PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/%s", a->dir, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void take_file_pages(struct offline *o) {
    _Alignas(8) char page[PAGE_BYTES];
    for (uint64_t no = 0; no < 2; no++) {
        const struct file_page *fp = (const struct file_page *)page;
        if (!ok(offline_home(o, (page_id){no}, page, NULL)) ||
            !ok(page_verify(page, (page_id){no})) || fp->head.type != PAGE_TYPE_FILE ||
            fp->magic != FILE_MAGIC)
            continue;
        if (o->file_copies++ == 0 || fp->sequence > o->file.sequence) o->file = *fp;
    }
}

/* The whole file, from `from` on; NULL: there is none, or it is shorter. */
static char *take_file(const struct axl *a, const char *name, size_t from, size_t *bytes) {
    struct stat st;
    int file = open_file(a, name);
    char *buf = NULL;
    if (file < 0) return NULL;
    if (fstat(file, &st) == 0 && (size_t)st.st_size > from) {
        size_t n = *bytes ? *bytes : (size_t)st.st_size - from;
        if (n <= (size_t)st.st_size - from) buf = malloc(n);
        if (buf && pread(file, buf, n, (off_t)from) != (ssize_t)n) {
            free(buf);
            buf = NULL;
        }
        *bytes = n;
    }
    close(file);
    return buf;
}

static bool has_file(const struct axl *a, const char *name) {
    char path[AXL_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/%s", a->dir, name);
    return access(path, F_OK) == 0;
}

/* Without its keys everything would look like damage. */
static status open_keys(struct axl *a, struct axl_keys *k, struct offline *o) {
    TRY(axl_keys_source(a, k, a->dir));
    status st = keyring_open(a->dir, o->appliance_id, &k->source, NULL, &k->ring, &a->e);
    if (ok(st) && k->ring.encrypted) st = crypt_new(&k->ring.keys, &o->crypt);
    axl_keys_close(k);
    return ok(st) ? OK : error_set(&a->e, st.code, "the keys in \"%s\" cannot be used", a->dir);
}

/* Pages of the double-write file are sealed like those at home. */
static void open_regions(struct offline *o) {
    for (unsigned w = 0; o->crypt && o->regions && w < DOUBLEWRITE_REGIONS; w++) {
        char *region = o->regions + (size_t)w * DOUBLEWRITE_REGION_BYTES;
        const struct doublewrite_head *h = (const struct doublewrite_head *)region;
        if (h->magic != DOUBLEWRITE_MAGIC || h->count > DOUBLEWRITE_PAGES) continue;
        for (unsigned i = 0; i < h->count; i++)
            status_ignore(crypt_open_block(/* one that was torn over is no copy */
                                           o->crypt, CRYPT_PAGE, h->page[i],
                                           region + DOUBLEWRITE_HEAD_BYTES + (size_t)i * PAGE_BYTES,
                                           PAGE_BYTES));
    }
}

/* Pages that are still to come from a backup are missing in the data file. */
static status refuse_restoring(struct axl *a) {
    if (!has_file(a, BACKUP_RESTORING)) return OK;
    return error_set(&a->e, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                     "the appliance in \"%s\" has not taken all of its pages from its backup yet",
                     a->dir);
}

status offline_open(struct axl *a, struct axl_keys *keys, struct offline *o) {
    struct stat st;
    *o = (struct offline){.data = -1, .log.dir = -1};
    TRY(appliance_id_read(a->dir, &o->appliance_id, &a->e));
    TRY(refuse_running(a));
    TRY(refuse_restoring(a));
    TRY(open_keys(a, keys, o));
    o->data = open_file(a, "data");
    if (o->data < 0 || fstat(o->data, &st) != 0)
        return error_set(&a->e, ST_IO_ERROR, "the data file of \"%s\" cannot be opened", a->dir);
    o->pages = (uint64_t)st.st_size / PAGE_BYTES;
    take_file_pages(o);
    size_t bytes = (size_t)DOUBLEWRITE_REGIONS * DOUBLEWRITE_REGION_BYTES;
    o->regions = take_file(a, "doublewrite", 0, &bytes);
    open_regions(o);
    bytes = 0;
    o->lsns = (struct lsn_sector *)take_file(a, "page_lsns", LSNS_HEAD_BYTES, &bytes);
    o->lsn_sectors = o->lsns ? bytes / sizeof *o->lsns : 0;
    return offline_log_open(a, o);
}

void offline_close(struct offline *o) {
    for (size_t i = 0; i < o->places; i++) free(o->changed[i].bytes);
    free(o->changed);
    free(o->losers);
    free(o->regions);
    free(o->lsns);
    offline_log_close(&o->log);
    crypt_free(o->crypt);
    if (o->data >= 0) close(o->data);
}

/* ---- pages ----------------------------------------------------------------------------------- */

status offline_home(const struct offline *o, page_id page, void *bytes, uint32_t *ret_key) {
    ssize_t n = pread(o->data, bytes, PAGE_BYTES, (off_t)(page.no * PAGE_BYTES));
    if (n < 0) return STATUS(IO_ERROR);
    memset((char *)bytes + n, 0, PAGE_BYTES - (size_t)n);
    if (!o->crypt) return OK;
    struct crypt_tail tail;
    memcpy(&tail, (char *)bytes + PAGE_CONTENT_END, sizeof tail);
    if (ret_key) *ret_key = tail.key;
    status_ignore(crypt_open_block(o->crypt, CRYPT_PAGE, page.no, bytes, PAGE_BYTES)); /* shows */
    return OK;
}

uint64_t offline_home_lsn(const struct offline *o, page_id page) {
    uint64_t sector = page.no / LSN_SECTOR_PAGES;
    if (sector >= o->lsn_sectors) return 0;
    const struct lsn_sector *x = &o->lsns[sector];
    if (x->crc != lsn_sector_crc(x, sector)) return 0;
    return x->entry[page.no % LSN_SECTOR_PAGES] & ~LSN_EXACT;
}

static struct offline_page *place_of(struct offline_page *table, size_t places, uint64_t page) {
    size_t i = (page * 0x9e3779b97f4a7c15u) >> 20 & (places - 1);
    while (table[i].page && table[i].page != page) i = (i + 1) & (places - 1);
    return &table[i];
}

/* What is at home, or a whole copy where that is torn. */
static status home_or_copy(const struct offline *o, page_id page, void *bytes,
                           char words[OFFLINE_WORDS_BYTES]) {
    status st = offline_home(o, page, bytes, NULL);
    const void *copy = o->regions ? doublewrite_copy(o->regions, o->file.sequence, page) : NULL;
    bool bad = !ok(st) || !ok(page_verify(bytes, page));
    if (bad && copy) {
        memcpy(bytes, copy, PAGE_BYTES);
        return OK;
    }
    const struct page_head *h = page_head_c(bytes);
    uint64_t newest = offline_home_lsn(o, page);
    if (!ok(st))
        snprintf(words, OFFLINE_WORDS_BYTES, "cannot be read");
    else if (bad && h->page != page.no && ok(page_verify(bytes, (page_id){h->page})))
        snprintf(words, OFFLINE_WORDS_BYTES, "is page %" PRIu64 ": a write went to the wrong place",
                 h->page);
    else if (bad)
        snprintf(words, OFFLINE_WORDS_BYTES, "%s",
                 o->crypt ? "is not what was sealed there" : "has a wrong checksum");
    else if (h->lsn < newest)
        snprintf(words, OFFLINE_WORDS_BYTES,
                 "is as of %" PRIu64 " and was written as of %" PRIu64 ": a write was lost", h->lsn,
                 newest);
    else
        return OK;
    return STATUS(DATA_CORRUPTED);
}

status offline_page(const struct offline *o, page_id page, void *bytes,
                    char ret_words[OFFLINE_WORDS_BYTES]) {
    if (o->places) {
        const struct offline_page *p = place_of(o->changed, o->places, page.no);
        if (p->page && p->unfit) {
            snprintf(ret_words, OFFLINE_WORDS_BYTES,
                     "is not what the record at %" PRIu64 " changes", p->unfit);
            return STATUS(DATA_CORRUPTED);
        }
        if (p->page && !p->bad) {
            memcpy(bytes, p->bytes, PAGE_BYTES);
            return OK;
        }
    }
    if (page.no >= o->pages) {
        snprintf(ret_words, OFFLINE_WORDS_BYTES, "lies beyond the end of the file");
        return STATUS(DATA_CORRUPTED);
    }
    return home_or_copy(o, page, bytes, ret_words);
}

/* ---- redo, in memory ------------------------------------------------------------------------- */

static status grow(struct offline *o) {
    size_t places = o->places ? 2 * o->places : 1024;
    struct offline_page *table = calloc(places, sizeof *table);
    if (!table) return STATUS(OUT_OF_MEMORY);
    for (size_t i = 0; i < o->places; i++)
        if (o->changed[i].page) *place_of(table, places, o->changed[i].page) = o->changed[i];
    free(o->changed);
    o->changed = table;
    o->places = places;
    return OK;
}

static status changed_page(struct offline *o, uint64_t page, struct offline_page **ret_page) {
    char words[OFFLINE_WORDS_BYTES];
    if (2 * o->nchanged >= o->places) TRY(grow(o));
    struct offline_page *p = place_of(o->changed, o->places, page);
    if (!p->page) {
        p->bytes = malloc(PAGE_BYTES);
        if (!p->bytes) return STATUS(OUT_OF_MEMORY);
        p->bad = !ok(home_or_copy(o, (page_id){page}, p->bytes, words));
        p->page = page;
        o->nchanged++;
    }
    *ret_page = p;
    return OK;
}

static status redo_record(struct offline *o, const struct rec_head *r, uint64_t at) {
    for (int role = 0; role < r->npages; role++) {
        const struct rec_page *rp = &rec_pages_c(r)[role];
        struct offline_page *p;
        TRY(changed_page(o, rp->page, &p));
        bool whole = rp->flags & REC_PAGE_INIT;
        if (p->unfit || (p->bad && !whole)) continue;
        if (!p->bad && page_head_c(p->bytes)->lsn >= at) continue;
        if (p->bad) memset(p->bytes, 0, PAGE_BYTES);
        p->bad = false;
        if (!ok(apply(r, (lsn){at}, role, p->bytes))) p->unfit = at;
    }
    o->redone++;
    return OK;
}

static status note_txn(struct offline *o, size_t *capacity, const struct rec_head *r) {
    size_t i = 0;
    while (i < o->nlosers && o->losers[i] != r->txid) i++;
    if (r->type == REC_COMMIT || r->type == REC_ROLLED_BACK) {
        if (i < o->nlosers) o->losers[i] = o->losers[--o->nlosers];
        return OK;
    }
    if (i < o->nlosers) return OK;
    if (o->nlosers == *capacity) {
        *capacity = *capacity ? 2 * *capacity : 64;
        uint64_t *grown = realloc(o->losers, *capacity * sizeof *grown);
        if (!grown) return STATUS(OUT_OF_MEMORY);
        o->losers = grown;
    }
    o->losers[o->nlosers++] = r->txid;
    return OK;
}

uint64_t offline_redo_begin(const struct offline *o) {
    uint64_t redo = o->file.redo_lsn, undo = o->file.undo_lsn;
    return undo && undo < redo ? undo : redo;
}

status offline_redo(struct axl *a, struct offline *o) {
    uint64_t redo = o->file.redo_lsn, at = offline_redo_begin(o);
    size_t capacity = 0;
    o->redo_end = redo;
    if (o->file_copies == 0 || o->file.clean) return OK;
    struct rec_head *r = malloc(REC_BYTES_MAX);
    if (!r) return error_set(&a->e, ST_OUT_OF_MEMORY, "out of memory");
    status st = OK;
    while (ok(st) && ok(offline_record(&o->log, at, r))) {
        if (r->txid) st = note_txn(o, &capacity, r);
        if (ok(st) && at >= redo) st = redo_record(o, r, at);
        at += r->len;
    }
    free(r);
    o->redo_end = at;
    return ok(st) ? OK : error_set(&a->e, st.code, "out of memory");
}

bool offline_is_loser(const struct offline *o, uint64_t x) {
    for (size_t i = 0; i < o->nlosers; i++)
        if (o->losers[i] == x) return true;
    return false;
}
