/* backup_verify.c: axl backup --verify. Reads a backup as a restore would. */
#include <stdio.h>

#include "axl.h"
#include "backup/backup.h"
#include "base/bytes.h"
#include "fmt/page.h"
#include "keys.h"
#include "manifest.h"
#include "s3_backup.h"

static status verify_pages(const struct backup_head *h, const char *raw, uint64_t *count) {
    const char *page = raw + h->count * sizeof(uint64_t);
    for (uint32_t i = 0; i < h->count; i++, page += PAGE_BYTES)
        TRY(page_verify(page, (page_id){load_le64(raw + i * sizeof(uint64_t))}));
    *count += h->count;
    return OK;
}

static status verify_file(struct axl *a, const char *dir, const char *name, uint64_t *count) {
    char path[AXL_PATH_BYTES + 32];
    struct backup_reader *r;
    struct backup_head h;
    const void *raw;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    status s = backup_open(path, &r);
    if (!ok(s)) return error_set(&a->e, s.code, "%s: %s", path, status_name(s));
    while (ok(s = backup_next(r, &h, &raw))) {
        if (h.kind == BACKUP_PAGES) s = verify_pages(&h, raw, count);
        if (!ok(s)) break;
    }
    backup_close(r);
    if (status_is(s, ST_END)) return OK;
    return error_set(&a->e, s.code, "%s is damaged: %s", path, status_name(s));
}

static status verify_pieces(struct backup_stream *in, uint64_t *count) {
    struct backup_piece p;
    status s;
    while (ok(s = backup_stream_next(in, &p)))
        if (p.head.kind == BACKUP_PAGES)
            TRY(p.raw ? verify_pages(&p.head, p.raw, count) : STATUS(DATA_CORRUPTED));
    return status_is(s, ST_END) ? OK : s;
}

static status verify_stream(void *count, int fd, struct error *e) {
    struct backup_stream *in;
    if (!ok(backup_stream_open(fd, &in))) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    status s = verify_pieces(in, count);
    backup_stream_close(in);
    return ok(s) ? OK : error_set(e, s.code, "the backup is not whole: %s", status_name(s));
}

static status verify_objects(struct axl *a, const char *url, uint64_t *count) {
    return s3_read(url, verify_stream, count, &a->e);
}

static status verify_directory(struct axl *a, const char *dir, uint64_t *count) {
    TRY(verify_file(a, dir, BACKUP_PAGES_FILE, count));
    return verify_file(a, dir, BACKUP_LOG_FILE, count);
}

static const char *name_of(void *dir, [[maybe_unused]] size_t i) {
    return dir;
}

/* Keys that open it, when it is encrypted. */
static status use_keys(struct axl *a, struct axl_keys *k, const char *dir, const struct manifest *m,
                       struct crypt **ret) {
    *ret = NULL;
    if (!m->encrypted) return OK;
    TRY(axl_keys_source(a, k, s3_is_url(dir) ? a->dir : dir)); /* whose settings are at hand */
    TRY(axl_keys_of_backups(a, k, &m->keys, 1, name_of, (void *)dir));
    status st = crypt_new(&k->backup, ret);
    axl_keys_close(k);
    if (ok(st)) backup_use_keys(*ret);
    return ok(st) ? OK : error_set(&a->e, st.code, "the keys of \"%s\" cannot be used", dir);
}

int axl_backup_verify(struct axl *a, const char *dir, struct axl_keys *k) {
    struct manifest m;
    struct crypt *crypt = NULL;
    uint64_t pages = 0;
    status s = backup_manifest(dir, &m, &a->e);
    if (ok(s)) s = use_keys(a, k, dir, &m, &crypt);
    if (ok(s))
        s = s3_is_url(dir) ? verify_objects(a, dir, &pages) : verify_directory(a, dir, &pages);
    if (ok(s) && pages != m.pages)
        s = error_set(&a->e, ST_DATA_CORRUPTED, "%llu pages of %llu are there",
                      (unsigned long long)pages, (unsigned long long)m.pages);
    backup_use_keys(NULL);
    crypt_free(crypt);
    if (!ok(s)) return axl_fail(a);
    printf("The backup in %s is whole: %llu pages.\n", dir, (unsigned long long)pages);
    return 0;
}
