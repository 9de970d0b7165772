/* inspect.h: axl inspect: bytes of an appliance, for people and (--json) for programs. */
#ifndef AXL_INSPECT_H
#define AXL_INSPECT_H

#include "offline.h"

/* Each makes what is to be shown, a new reference; NULL: a->e says why not. */
json_t *inspect_page(struct axl *a, struct offline *o, uint64_t page);
json_t *inspect_tree(struct axl *a, struct offline *o, const char *name);
json_t *inspect_record(const struct rec_head *r, uint64_t at);
json_t *inspect_region(struct axl *a, const char *name);

/* Hexadecimal, at most so many bytes of it; "…" where it was cut. New reference. */
json_t *inspect_hex(const void *bytes, size_t n, size_t max);
/* "name: value" lines, lists one line an element. */
void inspect_print(const json_t *value);

#endif
