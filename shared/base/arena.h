/* arena.h: memory with a lifetime.
 *
 * Arenas nest by lifetime: process > session > transaction > statement > message. What is allocated
 * is freed all at once, by arena_reset or arena_free. A child returns its chunks when its owner
 * resets it; a byte limit turns a runaway statement into 53200 instead of a dead process. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/status.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* newest first */
    char *next;                /* first free byte of the newest chunk */
    char *end;
    size_t used;  /* bytes in chunks, for the limit */
    size_t limit; /* bytes; 0: none */
};

/* A place to return to: everything allocated after the mark is given back by arena_rewind. */
struct arena_mark {
    struct arena_chunk *chunk;
    char *next;
};

void arena_init(struct arena *a, size_t limit_bytes);
void arena_reset(struct arena *a); /* gives everything back but one small chunk */
void arena_free(struct arena *a);

/* Aligned to 16 bytes; NULL when the limit is reached or the system has no more. Size 0 is allowed.
 */
[[gnu::malloc, gnu::alloc_size(2)]] void *arena_alloc(struct arena *a, size_t bytes);
[[gnu::malloc, gnu::alloc_size(2)]] void *arena_zalloc(struct arena *a, size_t bytes);
/* n elements of the given size; NULL also when the product overflows. */
void *arena_array(struct arena *a, size_t n, size_t size);

char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t bytes); /* adds a NUL */
void *arena_memdup(struct arena *a, const void *p, size_t bytes);
[[gnu::format(printf, 2, 3)]] char *arena_printf(struct arena *a, const char *format, ...);
char *arena_vprintf(struct arena *a, const char *format, va_list args);

struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);

#endif
