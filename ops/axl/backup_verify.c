/* backup_verify.c: axl backup --verify. Reads a backup as a restore would. */
#include <stdio.h>

#include "axl.h"
#include "backup/backup.h"
#include "base/bytes.h"
#include "fmt/page.h"
#include "manifest.h"

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

int axl_backup_verify(struct axl *a, const char *dir) {
    struct manifest m;
    uint64_t pages = 0;
    status s = manifest_read(dir, &m, &a->e);
    if (ok(s)) s = verify_file(a, dir, BACKUP_PAGES_FILE, &pages);
    if (ok(s)) s = verify_file(a, dir, BACKUP_LOG_FILE, &pages);
    if (ok(s) && pages != m.pages)
        s = error_set(&a->e, ST_DATA_CORRUPTED, "%llu pages of %llu are there",
                      (unsigned long long)pages, (unsigned long long)m.pages);
    if (!ok(s)) return axl_fail(a);
    printf("The backup in %s is whole: %llu pages.\n", dir, (unsigned long long)pages);
    return 0;
}
