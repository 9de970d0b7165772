#include <stdlib.h>

#include "logd.h"

/* A block before the bytes links it to the others. */
void *scratch_new(struct logd *l, size_t bytes) {
    void *memory;
    if (posix_memalign(&memory, DISK_ALIGN, DISK_ALIGN + bytes) != 0) return NULL;
    struct scratch *s = memory;
    *s = (struct scratch){.next = l->scratch, .link = &l->scratch};
    if (s->next) s->next->link = &s->next;
    l->scratch = s;
    return (char *)memory + DISK_ALIGN;
}

void scratch_free(void *bytes) {
    if (!bytes) return;
    struct scratch *s = (struct scratch *)((char *)bytes - DISK_ALIGN);
    *s->link = s->next;
    if (s->next) s->next->link = s->link;
    free(s);
}

void scratch_fini(struct logd *l) {
    while (l->scratch) scratch_free((char *)l->scratch + DISK_ALIGN);
}
